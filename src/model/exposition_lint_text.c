/*
 * Prometheus text: its grammar, the order that the metadata of a family must have, and then the
 * conventions for names, units and help. Source: prometheus/common expfmt and the promlint package
 * of client_golang, whose words the findings keep.
 */
#include "base/num.h"
#include "base/text.h"
#include "base/vec.h"
#include "model/exposition_lint_priv.h"
#include "model/exposition_priv.h"

struct text_family {
    str name;
    const char *at; /* its TYPE line, else its first line */
    enum metric_type type;
    bool has_type; /* given, or settled by the first sample */
    bool has_help;
    bool has_help_text;
    bool has_samples;
    bool has_le;
    bool has_quantile;
    bool has_camel_label;
    bool has_duplicate;
};

struct text {
    struct lint *lint;
    struct map by_name;
    struct map series;
    VEC(struct text_family *) order;
};

/* ---- reading ---- */

static struct text_family *family_get(struct text *text, str name, const char *at)
{
    struct text_family *family = map_get(&text->by_name, name);

    if (family == NULL) {
        family = ARENA_NEW(&text->lint->names, struct text_family);
        family->name = arena_str(&text->lint->names, name);
        family->at = at;
        (void)map_put(&text->by_name, family->name, family);
        vec_push(&text->order, family);
    }
    return family;
}

static struct text_family *family_of_part(const struct text *text, str name, str suffix,
                                          bool summaries)
{
    struct text_family *family;

    if (!str_has_suffix(name, suffix) || name.len == suffix.len) {
        return NULL;
    }
    family = map_get(&text->by_name, str_slice(name, 0, name.len - suffix.len));
    if (family == NULL ||
        (family->type != METRIC_HISTOGRAM && !(summaries && family->type == METRIC_SUMMARY))) {
        return NULL;
    }
    return family;
}

/* A sample belongs to the family of its name, or of its name without _sum, _count or _bucket when
 * that is a summary or histogram. */
static struct text_family *family_of_sample(struct text *text, str name, const char *at)
{
    struct text_family *family = map_get(&text->by_name, name);

    family = family != NULL ? family : family_of_part(text, name, STR("_count"), true);
    family = family != NULL ? family : family_of_part(text, name, STR("_sum"), true);
    family = family != NULL ? family : family_of_part(text, name, STR("_bucket"), false);
    return family != NULL ? family : family_get(text, name, at);
}

static int take_metadata(struct text *text, int kind, const char *at, struct baro_error *err)
{
    struct lint *lint = text->lint;
    const struct exposition_event *event = &lint->event;
    str name = exposition_unescape(&lint->parser, event->name, &lint->names);
    struct text_family *family = family_get(text, name, at);

    if (kind == EXPOSITION_HELP) {
        if (family->has_help) {
            return exposition_fault(&lint->parser, at, err,
                                    "second HELP line for metric name \"%.*s\"",
                                    STR_ARG(str_slice(name, 0, 128)));
        }
        family->has_help = true;
        family->has_help_text = event->text.len > 0;
        return 0;
    }
    if (family->has_type) {
        return exposition_fault(
            &lint->parser, at, err,
            "second TYPE line for metric name \"%.*s\", or TYPE reported after samples",
            STR_ARG(str_slice(name, 0, 128)));
    }
    family->has_type = true;
    family->type = event->type;
    family->at = at;
    return 0;
}

static bool is_camel_case(str name)
{
    for (size_t i = 1; i < name.len; i++) {
        if (name.ptr[i - 1] >= 'a' && name.ptr[i - 1] <= 'z' && name.ptr[i] >= 'A' &&
            name.ptr[i] <= 'Z') {
            return true;
        }
    }
    return false;
}

/* le and quantile must be numbers where they have a meaning, and not be there where they have none.
 */
static int take_bound(struct text *text, struct text_family *family, struct label label,
                      struct baro_error *err)
{
    bool le = str_is(label.name, "le");
    bool meant = family->type == (le ? METRIC_HISTOGRAM : METRIC_SUMMARY);
    double bound;

    if (meant && !num_parse_double(label.value, &bound)) {
        return exposition_fault(&text->lint->parser, text->lint->event.raw.ptr, err,
                                "expected float as value for \"%s\" label", le ? "le" : "quantile");
    }
    family->has_le |= le;
    family->has_quantile |= !le;
    return 0;
}

/* The whole series with its timestamp as one string. */
static str series_key(struct text *text, struct labels labels)
{
    struct buf key = {0};

    for (size_t i = 0; i < labels.count; i++) {
        buf_printf(&key, "%zu,%zu:", labels.items[i].name.len, labels.items[i].value.len);
        buf_str(&key, labels.items[i].name);
        buf_str(&key, labels.items[i].value);
    }
    if (text->lint->event.has_timestamp) {
        buf_printf(&key, "@%lld", (long long)text->lint->event.t);
    }
    return text_take(&text->lint->names, &key);
}

static int take_sample(struct text *text, struct baro_error *err)
{
    struct lint *lint = text->lint;
    struct labels labels = {0};
    struct text_family *family;
    int r = exposition_series_labels(&lint->parser, &lint->event, &lint->builder, &lint->names,
                                     &labels, err);

    if (r < 0) {
        return r;
    }
    family = family_of_sample(text, labels_get(labels, LABEL_METRIC_NAME), lint->event.raw.ptr);
    family->has_type = true;
    family->has_samples = true;
    for (size_t i = 0; i < labels.count; i++) {
        struct label label = labels.items[i];

        if (str_is(label.name, "le") || str_is(label.name, "quantile")) {
            r = take_bound(text, family, label, err);
            if (r < 0) {
                return r;
            }
        }
        family->has_camel_label |= is_camel_case(label.name);
    }
    family->has_duplicate |= map_put(&text->series, series_key(text, labels), family) != NULL;
    return 0;
}

/* ---- conventions ---- */

static void find(const struct text *text, const struct text_family *family, const char *what)
{
    lint_find(text->lint, family->at, "%.*s %s", STR_ARG(str_slice(family->name, 0, 256)), what);
}

/* A unit and the base unit to use in its place. */
struct unit {
    const char *name;
    const char *base;
};

static const struct unit units[] = {
    {"amperes", "amperes"}, {"bits", "bytes"},    {"bytes", "bytes"},        {"calories", "joules"},
    {"celsius", "celsius"}, {"days", "seconds"},  {"fahrenheit", "celsius"}, {"grams", "grams"},
    {"hours", "seconds"},   {"inches", "meters"}, {"joules", "joules"},      {"kelvin", "kelvin"},
    {"kelvins", "kelvin"},  {"meters", "meters"}, {"metres", "metres"},      {"miles", "meters"},
    {"minutes", "seconds"}, {"ounces", "grams"},  {"pounds", "grams"},       {"rankine", "celsius"},
    {"seconds", "seconds"}, {"volts", "volts"},   {"weeks", "seconds"},      {"yards", "meters"},
};
static const char *const unit_prefixes[] = {
    "centi", "deca",  "deci",  "gibi", "giga", "hecto", "kibi", "kilo", "mebi", "mega",
    "mibi",  "micro", "milli", "nano", "pebi", "peta",  "pico", "tebi", "tera",
};
static const char *const abbreviations[] = {
    "s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d",
};

static const struct unit *unit_of(str word)
{
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        if (str_is(word, units[i].name)) {
            return &units[i];
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(unit_prefixes); i++) {
        str prefix = str_from(unit_prefixes[i]);

        for (size_t k = 0; str_has_prefix(word, prefix) && k < ARRAY_COUNT(units); k++) {
            if (str_is(str_from_index(word, prefix.len), units[k].name)) {
                return &units[k];
            }
        }
    }
    return NULL;
}

static void lint_units(const struct text *text, const struct text_family *family)
{
    str rest = family->name;

    for (str word; str_split_next(&rest, '_', &word);) {
        const struct unit *unit = unit_of(word);

        if (unit == NULL) {
            continue;
        }
        if (!str_is(word, unit->base)) {
            lint_find(text->lint, family->at, "%.*s use base unit \"%s\" instead of \"%.*s\"",
                      STR_ARG(str_slice(family->name, 0, 256)), unit->base, STR_ARG(word));
        }
        return;
    }
}

static void lint_suffixes(const struct text *text, const struct text_family *family)
{
    bool counter = family->type == METRIC_COUNTER;
    bool histogram = family->type == METRIC_HISTOGRAM;
    bool summary = family->type == METRIC_SUMMARY;

    if (counter && !str_has_suffix(family->name, STR("_total"))) {
        find(text, family, "counter metrics should have \"_total\" suffix");
    }
    if (family->type == METRIC_UNKNOWN) {
        return;
    }
    if (!counter && str_has_suffix(family->name, STR("_total"))) {
        find(text, family, "non-counter metrics should not have \"_total\" suffix");
    }
    if (!histogram && str_has_suffix(family->name, STR("_bucket"))) {
        find(text, family, "non-histogram metrics should not have \"_bucket\" suffix");
    }
    if (!histogram && !summary && str_has_suffix(family->name, STR("_count"))) {
        find(text, family,
             "non-histogram and non-summary metrics should not have \"_count\" suffix");
    }
    if (!histogram && !summary && str_has_suffix(family->name, STR("_sum"))) {
        find(text, family, "non-histogram and non-summary metrics should not have \"_sum\" suffix");
    }
    if (!histogram && family->has_le) {
        find(text, family, "non-histogram metrics should not have \"le\" label");
    }
    if (!summary && family->has_quantile) {
        find(text, family, "non-summary metrics should not have \"quantile\" label");
    }
}

/* Whether `word` is one of the parts of name that underscores part, but not the first. */
static bool has_part(str name, str word)
{
    str part;
    bool first = true;

    while (str_split_next(&name, '_', &part)) {
        if (!first && str_eq_nocase(part, word)) {
            return true;
        }
        first = false;
    }
    return false;
}

static void lint_names(const struct text *text, const struct text_family *family)
{
    static const char *const types[] = {"counter", "gauge", "histogram", "summary"};

    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        if (has_part(family->name, str_from(types[i]))) {
            lint_find(text->lint, family->at, "%.*s metric name should not include type '%s'",
                      STR_ARG(str_slice(family->name, 0, 256)), types[i]);
        }
    }
    if (str_index_char(family->name, ':') != SIZE_MAX) {
        find(text, family, "metric names should not contain ':'");
    }
    if (is_camel_case(family->name)) {
        find(text, family, "metric names should be written in 'snake_case' not 'camelCase'");
    }
    if (family->has_camel_label) {
        find(text, family, "label names should be written in 'snake_case' not 'camelCase'");
    }
    for (size_t i = 0; i < ARRAY_COUNT(abbreviations); i++) {
        if (has_part(family->name, str_from(abbreviations[i]))) {
            find(text, family, "metric names should not contain abbreviated units");
            break;
        }
    }
}

static void lint_family(const struct text *text, const struct text_family *family)
{
    if (!family->has_samples) {
        return;
    }
    if (!family->has_help_text) {
        find(text, family, "no help text");
    }
    lint_units(text, family);
    lint_suffixes(text, family);
    lint_names(text, family);
    if (family->has_duplicate) {
        find(text, family, "metric not unique");
    }
}

int lint_text(struct lint *lint, struct baro_error *err)
{
    struct text text = {.lint = lint};
    const char *at = lint->parser.at;
    int r;

    while ((r = exposition_next(&lint->parser, &lint->event, err)) > EXPOSITION_END) {
        if (r == EXPOSITION_SERIES) {
            r = take_sample(&text, err);
        } else if (r == EXPOSITION_TYPE || r == EXPOSITION_HELP) {
            while (at < lint->parser.end && *at != '#') {
                at++; /* blank lines before it */
            }
            r = take_metadata(&text, r, at, err);
        }
        if (r < 0) {
            break;
        }
        at = lint->parser.at;
    }
    for (size_t i = 0; r == EXPOSITION_END && i < text.order.count; i++) {
        lint_family(&text, text.order.items[i]);
    }
    map_done(&text.by_name);
    map_done(&text.series);
    vec_done(&text.order);
    return r;
}
