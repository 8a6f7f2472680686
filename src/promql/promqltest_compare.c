#include <float.h>
#include <math.h>

#include "base/num.h"
#include "base/text.h"
#include "codec/regex.h"
#include "promql/promqltest_priv.h"

/* Two values this close, relative to their size, are equal. */
#define VALUE_NEAR 1e-6

static bool values_equal(double a, double b)
{
    double sum = fabs(a) + fabs(b);
    double difference = fabs(a - b);

    if (value_is_stale(a) || value_is_stale(b)) {
        return value_is_stale(a) && value_is_stale(b);
    }
    if (isnan(a) || isnan(b)) {
        return isnan(a) && isnan(b);
    }
    if (a == b) {
        return true;
    }
    if (isinf(a) || isinf(b)) {
        return false;
    }
    if (a == 0 || b == 0 || sum < DBL_MIN) {
        return difference < VALUE_NEAR * DBL_MIN;
    }
    return difference / fmin(sum, DBL_MAX) < VALUE_NEAR;
}

static str number_text(struct arena *arena, double v)
{
    char text[NUM_TEXT_MAX];

    if (value_is_stale(v)) {
        return STR("stale");
    }
    return arena_str(arena, str_of(text, num_format_double(v, NUM_G, text)));
}

static str labels_text(struct arena *arena, struct labels labels)
{
    struct buf buf = {0};

    labels_format(&buf, labels);
    if (buf.len == 0) {
        buf_c(&buf, "{}");
    }
    return text_take(arena, &buf);
}

static bool differ(str *ret_wanted, str wanted, str *ret_got, str got)
{
    *ret_wanted = wanted;
    *ret_got = got;
    return false;
}

static str result_text(struct arena *arena, const struct script_result *result)
{
    switch (result->type) {
    case VALUE_SCALAR:
        return arena_printf(arena, "the scalar %.*s", STR_ARG(number_text(arena, result->scalar)));
    case VALUE_STRING:
        return arena_printf(arena, "the string \"%.*s\"", STR_ARG(result->string));
    case VALUE_NONE:
    case VALUE_VECTOR:
    case VALUE_MATRIX:
        break;
    }
    return arena_printf(arena, "%s of %zu series", value_type_name(result->type), result->count);
}

static const struct result_series *find_series(const struct script_result *result,
                                               struct labels labels)
{
    for (size_t i = 0; i < result->count; i++) {
        if (labels_eq(result->series[i].metric, labels)) {
            return &result->series[i];
        }
    }
    return NULL;
}

static bool sides_equal(const struct histogram_side *a, const struct histogram_side *b)
{
    if (!histogram_side_layout_eq(a, b)) {
        return false;
    }
    for (uint32_t i = 0; i < a->bucket_count; i++) {
        if (!values_equal(a->buckets[i], b->buckets[i])) {
            return false;
        }
    }
    return true;
}

/* Empty buckets do not count. */
static bool histograms_equal(struct arena *arena, const struct script_value *wanted,
                             const struct histogram *got)
{
    struct histogram *a = histogram_copy(arena, wanted->h);
    struct histogram *b = histogram_copy(arena, got);

    histogram_compact(arena, a);
    histogram_compact(arena, b);
    return a->schema == b->schema && a->zero_threshold == b->zero_threshold &&
           histogram_bounds_eq(a, b) && values_equal(a->count, b->count) &&
           values_equal(a->sum, b->sum) && values_equal(a->zero_count, b->zero_count) &&
           sides_equal(&a->positive, &b->positive) && sides_equal(&a->negative, &b->negative) &&
           (!wanted->has_hint || a->hint == b->hint);
}

static str histogram_text(struct arena *arena, const struct histogram *h)
{
    static const char *const hints[] = {"unknown", "reset", "not_reset", "gauge"};
    struct buf buf = {0};

    buf_printf(&buf, "schema:%d z_bucket_w:%g custom:%u hint:%s ", h->schema, h->zero_threshold,
               h->custom_count, hints[h->hint]);
    histogram_format(&buf, h);
    return text_take(arena, &buf);
}

static str sample_text(struct arena *arena, double v, const struct histogram *h)
{
    return h != NULL ? histogram_text(arena, h) : number_text(arena, v);
}

/* check_point compares one wanted value (with its time) with one point. */
static bool check_point(struct arena *arena, const struct series_rule *rule, ts t,
                        const struct script_value *value, const struct point *point,
                        str *ret_wanted, str *ret_got)
{
    str name;
    str wanted;

    if (point != NULL && point->t == t && (point->h != NULL) == (value->h != NULL) &&
        (point->h != NULL ? histograms_equal(arena, value, point->h)
                          : values_equal(value->v, point->v))) {
        return true;
    }
    name = labels_text(arena, rule->labels);
    wanted = sample_text(arena, value->v, value->h);
    wanted =
        arena_printf(arena, "%.*s = %.*s at %lld ms", STR_ARG(name), STR_ARG(wanted), (long long)t);
    if (point == NULL) {
        return differ(ret_wanted, wanted, ret_got, STR("no such point"));
    }
    return differ(ret_wanted, wanted, ret_got,
                  arena_printf(arena, "%.*s at %lld ms",
                               STR_ARG(sample_text(arena, point->v, point->h)),
                               (long long)point->t));
}

/* check_points compares all points of a series: value i is wanted at start + i * step. */
static bool check_points(struct arena *arena, const struct series_rule *rule, ts start, dur step,
                         const struct result_series *series, str *ret_wanted, str *ret_got)
{
    size_t at = 0;

    for (size_t i = 0; i < rule->count; i++) {
        const struct point *point = at < series->count ? &series->points[at] : NULL;

        if (rule->values[i].omitted) {
            continue;
        }
        if (!check_point(arena, rule, start + (ts)i * step, &rule->values[i], point, ret_wanted,
                         ret_got)) {
            return false;
        }
        at++;
    }
    if (at < series->count) {
        return differ(ret_wanted,
                      arena_printf(arena, "%zu points of %.*s", at,
                                   STR_ARG(labels_text(arena, rule->labels))),
                      ret_got,
                      arena_printf(arena, "%zu, one more at %lld ms", series->count,
                                   (long long)series->points[at].t));
    }
    return true;
}

static bool rule_is_empty(const struct series_rule *rule)
{
    for (size_t i = 0; i < rule->count; i++) {
        if (!rule->values[i].omitted) {
            return false;
        }
    }
    return true;
}

/* check_extra finds a series that no rule wants. */
static bool check_extra(struct arena *arena, const struct script_eval *eval,
                        const struct script_result *result, str *ret_wanted, str *ret_got)
{
    for (size_t i = 0; i < result->count; i++) {
        const struct result_series *series = &result->series[i];
        bool wanted = false;

        for (size_t k = 0; k < eval->series.count; k++) {
            wanted = wanted || labels_eq(eval->series.items[k].labels, series->metric);
        }
        if (!wanted) {
            return differ(
                ret_wanted, STR("no such series"), ret_got,
                arena_printf(arena, "%.*s = %.*s", STR_ARG(labels_text(arena, series->metric)),
                             STR_ARG(series->count > 0 ? sample_text(arena, series->points[0].v,
                                                                     series->points[0].h)
                                                       : STR(""))));
        }
        for (size_t k = 0; k < i; k++) {
            if (labels_eq(result->series[k].metric, series->metric)) {
                return differ(
                    ret_wanted, STR("every label set once"), ret_got,
                    arena_printf(arena, "%.*s twice", STR_ARG(labels_text(arena, series->metric))));
            }
        }
    }
    return true;
}

static bool check_series(struct arena *arena, const struct script_eval *eval,
                         const struct script_result *result, str *ret_wanted, str *ret_got)
{
    bool matrix = result->type == VALUE_MATRIX;
    ts start = eval->matrix ? eval->matrix_start : eval->start;
    dur step = eval->matrix ? eval->matrix_step : eval->step;

    for (size_t i = 0; i < eval->series.count; i++) {
        const struct series_rule *rule = &eval->series.items[i];
        const struct result_series *series = find_series(result, rule->labels);

        if (series == NULL && rule_is_empty(rule)) {
            continue;
        }
        if (series == NULL) {
            return differ(ret_wanted, labels_text(arena, rule->labels), ret_got,
                          STR("no such series"));
        }
        if (eval->ordered && i < result->count && series != &result->series[i]) {
            return differ(ret_wanted,
                          arena_printf(arena, "%.*s at place %zu",
                                       STR_ARG(labels_text(arena, rule->labels)), i + 1),
                          ret_got,
                          arena_printf(arena, "place %zu", (size_t)(series - result->series) + 1));
        }
        if (!check_points(arena, rule, start, step, series, ret_wanted, ret_got)) {
            return false;
        }
    }
    for (size_t i = 1; matrix && i < result->count; i++) {
        if (labels_cmp(result->series[i - 1].metric, result->series[i].metric) > 0) {
            return differ(ret_wanted, STR("a matrix sorted by labels"), ret_got,
                          labels_text(arena, result->series[i].metric));
        }
    }
    return check_extra(arena, eval, result, ret_wanted, ret_got);
}

static bool rule_matches(const struct message_rule *rule, str message)
{
    struct regex *regex = NULL;
    bool matches;

    if (rule->any) {
        return true;
    }
    if (!rule->regex) {
        return str_eq(rule->text, message);
    }
    if (regex_new(rule->text, false, &regex, NULL) < 0) {
        return false;
    }
    matches = regex_match(regex, message);
    (void)regex_free(regex);
    return matches;
}

static str rule_text(struct arena *arena, const char *what, const struct message_rule *rule)
{
    if (rule->any) {
        return arena_printf(arena, "%s", what);
    }
    return arena_printf(arena, "%s %s %.*s", what, rule->regex ? "matching" : "reading",
                        STR_ARG(rule->text));
}

static bool check_kind(struct arena *arena, const struct script_eval *eval,
                       enum annotation_kind kind, const str *messages, size_t count,
                       str *ret_wanted, str *ret_got)
{
    static const char *const names[] = {"a warning", "an info"};
    const struct message_rule *rules = eval->some[kind].items;
    size_t rule_count = eval->some[kind].count;

    if (eval->none[kind] && count > 0) {
        return differ(ret_wanted, arena_printf(arena, "not %s", names[kind]), ret_got, messages[0]);
    }
    for (size_t i = 0; i < rule_count; i++) {
        bool found = false;

        for (size_t k = 0; k < count; k++) {
            found = found || rule_matches(&rules[i], messages[k]);
        }
        if (!found) {
            return differ(ret_wanted, rule_text(arena, names[kind], &rules[i]), ret_got,
                          count > 0 ? messages[0] : STR("none"));
        }
    }
    for (size_t k = 0; k < count && rule_count > 0; k++) {
        bool wanted = false;

        for (size_t i = 0; i < rule_count; i++) {
            wanted = wanted || rule_matches(&rules[i], messages[k]);
        }
        if (!wanted) {
            return differ(ret_wanted, STR("no other annotation"), ret_got, messages[k]);
        }
    }
    return true;
}

static bool check_scalar(struct arena *arena, const struct script_eval *eval,
                         const struct script_result *result, str *ret_wanted, str *ret_got)
{
    if (result->type != VALUE_SCALAR || !values_equal(eval->scalar, result->scalar)) {
        return differ(
            ret_wanted,
            arena_printf(arena, "the scalar %.*s", STR_ARG(number_text(arena, eval->scalar))),
            ret_got, result_text(arena, result));
    }
    return true;
}

static bool check_value(struct arena *arena, const struct script_eval *eval,
                        const struct script_result *result, str *ret_wanted, str *ret_got)
{
    enum value_type type = eval->range || eval->matrix ? VALUE_MATRIX : VALUE_VECTOR;

    if (eval->has_string) {
        return (result->type == VALUE_STRING && str_eq(result->string, eval->string)) ||
               differ(ret_wanted, arena_printf(arena, "the string \"%.*s\"", STR_ARG(eval->string)),
                      ret_got, result_text(arena, result));
    }
    if (eval->has_scalar) {
        return check_scalar(arena, eval, result, ret_wanted, ret_got);
    }
    if (result->type != type) {
        return differ(ret_wanted, arena_printf(arena, "a %s", value_type_name(type)), ret_got,
                      result_text(arena, result));
    }
    return check_series(arena, eval, result, ret_wanted, ret_got);
}

bool script_check(struct arena *arena, const struct script_eval *eval,
                  const struct script_result *result, str *ret_wanted, str *ret_got)
{
    const struct annotations *notes = result->annotations;

    return check_value(arena, eval, result, ret_wanted, ret_got) &&
           (notes == NULL || (check_kind(arena, eval, ANNOTATION_WARN, notes->warnings,
                                         notes->warning_count, ret_wanted, ret_got) &&
                              check_kind(arena, eval, ANNOTATION_INFO, notes->infos,
                                         notes->info_count, ret_wanted, ret_got)));
}

bool script_check_failure(struct arena *arena, const struct script_eval *eval, int r,
                          const char *message, str *ret_wanted, str *ret_got)
{
    struct message_rule rule = eval->fail_rule;
    str got = str_from(message);

    /* A message has a bound; one that fills it may have been cut there. */
    if (got.len + 1 == sizeof(((struct baro_error *)NULL)->message) && !rule.regex) {
        rule.text = str_slice(rule.text, 0, got.len);
    }
    if (r >= 0) {
        return differ(ret_wanted, rule_text(arena, "a failure", &rule), ret_got, STR("success"));
    }
    if (!rule_matches(&rule, got)) {
        return differ(ret_wanted, rule_text(arena, "a failure", &rule), ret_got,
                      arena_str(arena, got));
    }
    return true;
}
