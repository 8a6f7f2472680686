#include "catalog/catalog_live.h"

#include <stdarg.h>

#include "base/map.h"
#include "catalog/catalog_nearest.h"

/* libbaro's name for what exceeds a bound: valid for every label. */
static const str overflow = STR_INIT("__overflow__");

/* What was seen of one metric. */
struct seen {
    const struct catalog_metric *metric;
    struct map series; /* label sets, without what the type adds */
    struct map values[CATALOG_LABELS_MAX];
    struct regex *patterns[CATALOG_LABELS_MAX];
};

/* A name of series: where it leads. */
struct target {
    struct seen *seen;
    const char *extra;
};

struct check {
    const struct catalog_live_options *options;
    struct arena arena;
    struct exposition parser;
    struct labels_builder builder;
    struct map families; /* family name -> struct seen */
    struct map series;   /* series name -> struct target */
    struct map said;     /* what was reported already */
    struct seen *all;
    size_t count;
    size_t found;
    struct buf *out;
};

/* Reports at a byte of the body, once. */
static void PRINTF_LIKE(3, 4) say(struct check *c, const char *at, const char *format, ...)
{
    uint32_t line = 0;
    uint32_t column = 0;
    va_list args;

    va_start(args, format);
    str message = arena_vprintf(&c->arena, format, args);
    va_end(args);
    if (map_put(&c->said, message, c) != NULL) {
        return;
    }
    c->found++;
    if (at == NULL) {
        buf_printf(c->out, "%s: %.*s\n", c->options->input, STR_ARG(message));
        return;
    }
    exposition_position(&c->parser, at, &line, &column);
    buf_printf(c->out, "%s:%u:%u: %.*s\n", c->options->input, line, column, STR_ARG(message));
}

static bool is_allowed(const struct check *c, str name)
{
    for (size_t i = 0; i < c->options->allowed_count; i++) {
        if (regex_match(c->options->allowed[i], name)) {
            return true;
        }
    }
    return false;
}

/* ---- what there should be ---- */

static void add_name(struct check *c, struct seen *seen, str name, const char *extra)
{
    struct target *target = ARENA_NEW(&c->arena, struct target);

    *target = (struct target){seen, extra};
    (void)map_put(&c->series, name, target);
}

/* The text formats cannot hold native buckets: clients write the bucket +Inf, sum and count
 * instead. */
static void add_native_only(struct check *c, struct seen *seen)
{
    str name = seen->metric->full_name;

    add_name(c, seen, arena_printf(&c->arena, "%.*s_bucket", STR_ARG(name)), "le");
    add_name(c, seen, arena_printf(&c->arena, "%.*s_sum", STR_ARG(name)), NULL);
    add_name(c, seen, arena_printf(&c->arena, "%.*s_count", STR_ARG(name)), NULL);
}

/* OpenMetrics names the family of a counter without _total, and that of an info without _info; both
 * formats may have _created series beside. */
static void add_metric(struct check *c, const struct catalog_metric *metric)
{
    struct catalog_series names[CATALOG_SERIES_NAMES_MAX];
    size_t count = catalog_series_names(metric, names);
    struct seen *seen = &c->all[c->count++];
    str name = metric->full_name;
    str base = name;

    seen->metric = metric;
    for (size_t i = 0; i < metric->label_count; i++) {
        str pattern = metric->labels[i].set->pattern;

        if (pattern.len > 0) {
            (void)regex_new(pattern, true, &seen->patterns[i], NULL);
        }
    }
    for (size_t i = 0; i < count; i++) {
        add_name(c, seen, arena_printf(&c->arena, "%.*s%s", STR_ARG(name), names[i].suffix),
                 names[i].extra);
    }
    if (metric->native.only) {
        add_native_only(c, seen);
    }
    if (metric->type == CATALOG_COUNTER && str_has_suffix(name, STR("_total"))) {
        base.len -= strlen("_total");
    } else if (metric->type == CATALOG_INFO && str_has_suffix(name, STR("_info"))) {
        base.len -= strlen("_info");
    }
    add_name(c, seen, arena_printf(&c->arena, "%.*s_created", STR_ARG(base)), NULL);
    (void)map_put(&c->families, name, seen);
    if (c->options->format == EXPOSITION_OPENMETRICS) {
        (void)map_put(&c->families, base, seen);
    }
}

static void add_catalogs(struct check *c)
{
    size_t metrics = 0;

    for (size_t i = 0; i < c->options->catalog_count; i++) {
        metrics += c->options->catalogs[i]->metric_count;
    }
    c->all = ARENA_ARRAY(&c->arena, struct seen, metrics);
    for (size_t i = 0; i < c->options->catalog_count; i++) {
        const struct catalog *catalog = c->options->catalogs[i];

        for (const struct catalog_metric *m = NULL;
             (m = catalog_metric_next(catalog, m)) != NULL;) {
            add_metric(c, m);
        }
    }
}

/* ---- families ---- */

static void unknown_name(struct check *c, str name, const char *at)
{
    struct catalog_nearest nearest = {.name = name};

    if (is_allowed(c, name)) {
        return;
    }
    for (size_t i = 0; i < c->count; i++) {
        catalog_nearest_try(&nearest, c->all[i].metric->full_name);
    }
    if (catalog_nearest_found(&nearest)) {
        say(c, at, "no catalogue has the metric %.*s; did you mean %.*s?", STR_ARG(name),
            STR_ARG(nearest.best));
    } else {
        say(c, at, "no catalogue has the metric %.*s", STR_ARG(name));
    }
}

/* Text 0.0.4 has neither info nor state sets: they are gauges there. */
static bool type_fits(enum exposition_format format, enum catalog_type want, enum metric_type got)
{
    static const enum metric_type types[] = {
        [CATALOG_COUNTER] = METRIC_COUNTER,     [CATALOG_GAUGE] = METRIC_GAUGE,
        [CATALOG_HISTOGRAM] = METRIC_HISTOGRAM, [CATALOG_SUMMARY] = METRIC_SUMMARY,
        [CATALOG_INFO] = METRIC_INFO,           [CATALOG_STATESET] = METRIC_STATESET,
    };
    bool is_new = want == CATALOG_INFO || want == CATALOG_STATESET;

    return got == types[want] || (format == EXPOSITION_TEXT && is_new && got == METRIC_GAUGE);
}

static void check_type(struct check *c, const struct exposition_event *event)
{
    const struct seen *seen = map_get(&c->families, event->name);

    if (seen == NULL) {
        unknown_name(c, event->name, event->name.ptr);
    } else if (!type_fits(c->options->format, seen->metric->type, event->type)) {
        say(c, event->name.ptr, "%.*s has another type than the catalogue's: %s",
            STR_ARG(seen->metric->full_name), catalog_type_name(seen->metric->type));
    }
}

static void check_text(struct check *c, const struct exposition_event *event, bool is_unit)
{
    const struct seen *seen = map_get(&c->families, event->name);
    str want;
    str got = exposition_unescape(&c->parser, event->text, &c->arena);

    if (seen == NULL) {
        return;
    }
    want = is_unit ? seen->metric->unit : seen->metric->help;
    if (!str_eq(str_trim(want), str_trim(got))) {
        say(c, event->name.ptr, "%.*s has another %s than the catalogue's: \"%.*s\"",
            STR_ARG(seen->metric->full_name), is_unit ? "unit" : "help", STR_ARG(want));
    }
}

/* ---- series ---- */

static void check_value(struct check *c, struct seen *seen, size_t index, str value, const char *at)
{
    const struct catalog_label *label = &seen->metric->labels[index];
    str name = seen->metric->full_name;

    if (str_eq(value, overflow)) {
        return;
    }
    if (label->set->value_count > 0) {
        if (catalog_set_find(label->set, value) == SIZE_MAX) {
            say(c, at, "%.*s: \"%.*s\" is no value of label %.*s", STR_ARG(name), STR_ARG(value),
                STR_ARG(label->name));
        }
        return;
    }
    if (seen->patterns[index] != NULL && !regex_match(seen->patterns[index], value)) {
        say(c, at, "%.*s: \"%.*s\" of label %.*s does not match %.*s", STR_ARG(name),
            STR_ARG(value), STR_ARG(label->name), STR_ARG(label->set->pattern));
    }
    if (map_get(&seen->values[index], value) == NULL) {
        (void)map_put(&seen->values[index], arena_str(&c->arena, value), c);
        if (seen->values[index].count > label->set->max) {
            say(c, at, "%.*s: label %.*s has more than %llu values", STR_ARG(name),
                STR_ARG(label->name), (unsigned long long)label->set->max);
        }
    }
}

static size_t label_index(const struct catalog_metric *metric, str name)
{
    for (size_t i = 0; i < metric->label_count; i++) {
        if (str_eq(metric->labels[i].name, name)) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* Label sets are counted without le, quantile and state. */
static void count_series(struct check *c, struct seen *seen, struct labels labels,
                         const char *extra, const char *at)
{
    struct buf key = {0};

    for (size_t i = 0; i < labels.count; i++) {
        if (!str_eq(labels.items[i].name, LABEL_METRIC_NAME) &&
            (extra == NULL || !str_is(labels.items[i].name, extra))) {
            buf_printf(&key, "%.*s=%zu:", STR_ARG(labels.items[i].name), labels.items[i].value.len);
            buf_str(&key, labels.items[i].value);
        }
    }
    if (map_get(&seen->series, buf_view(&key)) == NULL) {
        (void)map_put(&seen->series, arena_str(&c->arena, buf_view(&key)), c);
        /* One more is libbaro's series for what exceeds the bound. */
        if (seen->series.count > seen->metric->series_max + 1) {
            say(c, at, "%.*s has more than %llu series", STR_ARG(seen->metric->full_name),
                (unsigned long long)seen->metric->series_max);
        }
    }
    buf_done(&key);
}

/* An empty value is no label: what is not known of a program, and what a pattern allows. */
static bool may_be_empty(const struct seen *seen, size_t index)
{
    return seen->metric->type == CATALOG_INFO ||
           (seen->patterns[index] != NULL && regex_match(seen->patterns[index], STR("")));
}

static void check_labels(struct check *c, struct seen *seen, struct labels labels,
                         const char *extra, const char *at)
{
    const struct catalog_metric *metric = seen->metric;
    bool there[CATALOG_LABELS_MAX] = {false};

    for (size_t i = 0; i < labels.count; i++) {
        str name = labels.items[i].name;
        size_t index = label_index(metric, name);

        if (str_eq(name, LABEL_METRIC_NAME)) {
            continue;
        }
        if (index != SIZE_MAX) {
            there[index] = true;
            check_value(c, seen, index, labels.items[i].value, at);
        } else if (extra == NULL || !str_is(name, extra)) {
            say(c, at, "%.*s has a label %.*s that the catalogue does not have",
                STR_ARG(metric->full_name), STR_ARG(name));
        } else if (metric->states != NULL &&
                   catalog_set_find(metric->states, labels.items[i].value) == SIZE_MAX) {
            say(c, at, "%.*s: \"%.*s\" is no state", STR_ARG(metric->full_name),
                STR_ARG(labels.items[i].value));
        }
    }
    for (size_t i = 0; i < metric->label_count; i++) {
        if (!there[i] && !may_be_empty(seen, i)) {
            say(c, at, "%.*s has no label %.*s", STR_ARG(metric->full_name),
                STR_ARG(metric->labels[i].name));
        }
    }
}

static int check_series(struct check *c, const struct exposition_event *event,
                        struct baro_error *err)
{
    struct labels labels = {0};
    const struct target *target;
    int r = exposition_series_labels(&c->parser, event, &c->builder, &c->arena, &labels, err);
    str name = r >= 0 ? labels_get(labels, LABEL_METRIC_NAME) : STR_NULL;

    if (r < 0) {
        return r;
    }
    target = map_get(&c->series, name);
    if (target == NULL) {
        unknown_name(c, name, event->raw.ptr);
        return 0;
    }
    check_labels(c, target->seen, labels, target->extra, event->raw.ptr);
    count_series(c, target->seen, labels, target->extra, event->raw.ptr);
    return 0;
}

/* ---- the whole ---- */

static void check_complete(struct check *c)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct catalog_metric *metric = c->all[i].metric;

        if (c->all[i].series.count == 0 && metric->stability == CATALOG_STABLE) {
            say(c, NULL, "%.*s is not exposed", STR_ARG(metric->full_name));
        }
    }
}

static void check_body(struct check *c, str body, size_t *ret_series)
{
    struct exposition_event event;
    struct baro_error err = {0};
    int kind;

    exposition_init(&c->parser, body, c->options->format);
    while ((kind = exposition_next(&c->parser, &event, &err)) > EXPOSITION_END) {
        if (kind == EXPOSITION_TYPE) {
            check_type(c, &event);
        } else if (kind == EXPOSITION_HELP || kind == EXPOSITION_UNIT) {
            check_text(c, &event, kind == EXPOSITION_UNIT);
        } else if (kind == EXPOSITION_SERIES) {
            (*ret_series)++;
            kind = check_series(c, &event, &err);
            if (kind < 0) {
                break;
            }
        }
    }
    if (kind < 0) {
        buf_printf(c->out, "%s:%u:%u: %s\n", c->options->input, err.line, err.column, err.message);
        c->found++;
    } else if (c->options->complete) {
        check_complete(c);
    }
}

size_t catalog_live_check(str body, const struct catalog_live_options *options, size_t *ret_series,
                          struct buf *out)
{
    struct check c = {.options = options, .out = out};

    *ret_series = 0;
    add_catalogs(&c);
    check_body(&c, body, ret_series);
    for (size_t i = 0; i < c.count; i++) {
        map_done(&c.all[i].series);
        for (size_t k = 0; k < CATALOG_LABELS_MAX; k++) {
            map_done(&c.all[i].values[k]);
            (void)regex_free(c.all[i].patterns[k]);
        }
    }
    labels_builder_done(&c.builder);
    map_done(&c.families);
    map_done(&c.series);
    map_done(&c.said);
    arena_done(&c.arena);
    return c.found;
}
