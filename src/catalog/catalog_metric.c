#include "catalog/catalog_priv.h"

#include <math.h>

static const char *const type_names[] = {
    [CATALOG_COUNTER] = "counter", [CATALOG_GAUGE] = "gauge", [CATALOG_HISTOGRAM] = "histogram",
    [CATALOG_SUMMARY] = "summary", [CATALOG_INFO] = "info",   [CATALOG_STATESET] = "stateset",
};
static const char *const stability_names[] = {
    [CATALOG_STABLE] = "stable",
    [CATALOG_EXPERIMENTAL] = "experimental",
    [CATALOG_DEPRECATED] = "deprecated",
};
static const char *const multiprocess_names[] = {
    [CATALOG_SUM] = "sum", [CATALOG_ALL] = "all",       [CATALOG_MAX] = "max",
    [CATALOG_MIN] = "min", [CATALOG_LATEST] = "latest",
};

const char *catalog_type_name(enum catalog_type type)
{
    return type_names[type];
}

const char *catalog_stability_name(enum catalog_stability stability)
{
    return stability_names[stability];
}

static void unknown_type(struct option_reader *rd, const struct yaml_node *node, str word)
{
    option_fault(rd, node,
                 "no metric type '%.*s': it is counter, gauge, histogram, summary, info or "
                 "stateset",
                 STR_ARG(word));
}

static void unknown_stability(struct option_reader *rd, const struct yaml_node *node, str word)
{
    option_fault(rd, node, "no stability '%.*s': it is stable, experimental or deprecated",
                 STR_ARG(word));
}

static void unknown_multiprocess(struct option_reader *rd, const struct yaml_node *node, str word)
{
    option_fault(rd, node, "multiprocess '%.*s': it is sum, all, max, min or latest",
                 STR_ARG(word));
}

static const struct option_words type_words = {type_names, ARRAY_COUNT(type_names), false,
                                               unknown_type};
static const struct option_words stability_words = {stability_names, ARRAY_COUNT(stability_names),
                                                    false, unknown_stability};
static const struct option_words multiprocess_words = {
    multiprocess_names, ARRAY_COUNT(multiprocess_names), false, unknown_multiprocess};

/* ---- numbers ---- */

bool catalog_number(struct option_reader *rd, const struct yaml_node *node, const char *what,
                    double *ret)
{
    double value = NAN;

    if (node->kind == YAML_KIND_SCALAR) {
        value = node->type == YAML_TYPE_INT     ? (double)node->integer
                : node->type == YAML_TYPE_UINT  ? (double)node->natural
                : node->type == YAML_TYPE_FLOAT ? node->number
                                                : NAN;
    }
    if (!isfinite(value)) {
        option_fault(rd, node, "%s is a finite number", what);
        return false;
    }
    *ret = value;
    return true;
}

/* ---- buckets ---- */

/* {start: 1, factor: 2, count: 12}, or with width instead of factor. */
struct progression {
    double start;
    double step;
    uint64_t count;
};

static const struct option exponential_rows[] = {
    {"start", OPTION_DOUBLE, 0, offsetof(struct progression, start), NULL, NULL, NULL},
    {"factor", OPTION_DOUBLE, 0, offsetof(struct progression, step), NULL, NULL, NULL},
    {"count", OPTION_UINT, 0, offsetof(struct progression, count), NULL, NULL, NULL},
};
static const struct option linear_rows[] = {
    {"start", OPTION_DOUBLE, 0, offsetof(struct progression, start), NULL, NULL, NULL},
    {"width", OPTION_DOUBLE, 0, offsetof(struct progression, step), NULL, NULL, NULL},
    {"count", OPTION_UINT, 0, offsetof(struct progression, count), NULL, NULL, NULL},
};
static const struct option_type exponential_type = {
    .name = "exponential",
    .size = sizeof(struct progression),
    .rows = exponential_rows,
    .count = ARRAY_COUNT(exponential_rows),
    .place_offset = OPTION_NO_PLACE,
};
static const struct option_type linear_type = {
    .name = "linear",
    .size = sizeof(struct progression),
    .rows = linear_rows,
    .count = ARRAY_COUNT(linear_rows),
    .place_offset = OPTION_NO_PLACE,
};

struct buckets_text {
    struct progression *exponential;
    struct progression *linear;
};

static const struct option buckets_rows[] = {
    {"exponential", OPTION_STRUCT, 0, offsetof(struct buckets_text, exponential), NULL,
     &exponential_type, NULL},
    {"linear", OPTION_STRUCT, 0, offsetof(struct buckets_text, linear), NULL, &linear_type, NULL},
};
static const struct option_type buckets_type = {
    .name = "buckets",
    .size = sizeof(struct buckets_text),
    .rows = buckets_rows,
    .count = ARRAY_COUNT(buckets_rows),
    .place_offset = OPTION_NO_PLACE,
};

static bool check_progression(struct option_reader *rd, const struct yaml_node *node,
                              const struct buckets_text *text)
{
    const struct progression *p = text->exponential != NULL ? text->exponential : text->linear;

    if (p == NULL || (text->exponential != NULL && text->linear != NULL)) {
        option_fault(rd, node, "buckets are a list, {exponential: ...} or {linear: ...}");
        return false;
    }
    if (p->count < 1 || p->count > CATALOG_BUCKETS_MAX || !isfinite(p->start) ||
        !isfinite(p->step)) {
        option_fault(rd, node, "buckets: count is 1 to %d, the others are finite numbers",
                     CATALOG_BUCKETS_MAX);
        return false;
    }
    if (text->exponential != NULL ? p->start <= 0 || p->step <= 1 : p->step <= 0) {
        option_fault(rd, node,
                     text->exponential != NULL ? "exponential buckets: start > 0 and factor > 1"
                                               : "linear buckets: width > 0");
        return false;
    }
    return true;
}

/* As client libraries compute them: each from the one before. */
static bool fill_progression(struct option_reader *rd, const struct yaml_node *node,
                             const struct buckets_text *text, struct catalog_metric *metric)
{
    const struct progression *p = text->exponential != NULL ? text->exponential : text->linear;
    double *bounds = ARENA_ARRAY(rd->arena, double, p->count);
    double bound = p->start;

    for (size_t i = 0; i < p->count; i++) {
        bounds[i] = bound;
        bound = text->exponential != NULL ? bound * p->step : bound + p->step;
        if (i > 0 && (!isfinite(bounds[i]) || bounds[i] <= bounds[i - 1])) {
            option_fault(rd, node, "buckets: bound %zu does not rise", i + 1);
            return false;
        }
    }
    metric->buckets = bounds;
    metric->bucket_count = p->count;
    return true;
}

static bool read_bounds(struct option_reader *rd, const struct yaml_node *node,
                        struct catalog_metric *metric)
{
    if (node->item_count == 0 || node->item_count > CATALOG_BUCKETS_MAX) {
        option_fault(rd, node, "buckets has 1 to %d upper bounds", CATALOG_BUCKETS_MAX);
        return false;
    }
    double *bounds = ARENA_ARRAY(rd->arena, double, node->item_count);
    for (size_t i = 0; i < node->item_count; i++) {
        if (!catalog_number(rd, node->items[i], "a bucket's upper bound (+Inf is implied)",
                            &bounds[i])) {
            return false;
        }
        if (i > 0 && bounds[i] <= bounds[i - 1]) {
            option_fault(rd, node->items[i], "upper bounds of buckets rise: sort them");
            return false;
        }
    }
    metric->buckets = bounds;
    metric->bucket_count = node->item_count;
    return true;
}

static bool read_buckets(struct option_reader *rd, void *target, UNUSED const struct yaml_node *key,
                         const struct yaml_node *node)
{
    bool good = true;

    if (node->kind == YAML_KIND_SEQUENCE) {
        return read_bounds(rd, node, target);
    }
    if (yaml_is_null(node)) {
        return true;
    }
    const struct buckets_text *text = option_read(rd, &buckets_type, node, &good);
    return good && check_progression(rd, node, text) && fill_progression(rd, node, text, target);
}

/* ---- native histograms ---- */

struct native_text {
    double factor;
    uint64_t buckets;
    bool only;
};

static const struct option native_rows[] = {
    {"factor", OPTION_DOUBLE, 0, offsetof(struct native_text, factor), "1.1", NULL, NULL},
    {"buckets", OPTION_UINT, 0, offsetof(struct native_text, buckets), "160", NULL, NULL},
    {"only", OPTION_BOOL, 0, offsetof(struct native_text, only), "false", NULL, NULL},
};
static const struct option_type native_type = {
    .name = "native",
    .size = sizeof(struct native_text),
    .rows = native_rows,
    .count = ARRAY_COUNT(native_rows),
    .place_offset = OPTION_NO_PLACE,
};

static bool read_native(struct option_reader *rd, void *target, UNUSED const struct yaml_node *key,
                        const struct yaml_node *node)
{
    struct catalog_metric *metric = target;
    bool good = true;
    struct native_text only = {.factor = 1.1, .buckets = 160, .only = true};
    const struct native_text *text = &only;

    if (node->kind != YAML_KIND_SCALAR || !str_is(node->text, "only")) {
        text = option_read(rd, &native_type, node, &good);
    }
    if (!good || yaml_is_null(node)) {
        return good;
    }
    if (!(text->factor > 1) || !isfinite(text->factor) || text->buckets < 1 ||
        text->buckets > CATALOG_NATIVE_BUCKETS_MAX) {
        option_fault(rd, node, "native: factor > 1, buckets 1 to %d", CATALOG_NATIVE_BUCKETS_MAX);
        return false;
    }
    metric->native =
        (struct catalog_native){true, text->only, text->factor, (uint32_t)text->buckets};
    return true;
}

/* ---- objectives ---- */

static bool quantile_of(struct option_reader *rd, const struct yaml_node *node, const char *what,
                        double *ret)
{
    if (!catalog_number(rd, node, what, ret)) {
        return false;
    }
    if (*ret <= 0 || *ret >= 1) {
        option_fault(rd, node, "%s lies between 0 and 1", what);
        return false;
    }
    return true;
}

static bool read_objectives(struct option_reader *rd, void *target,
                            UNUSED const struct yaml_node *key, const struct yaml_node *node)
{
    struct catalog_metric *metric = target;

    if (yaml_is_null(node)) {
        return true;
    }
    if (node->kind != YAML_KIND_MAPPING || node->pair_count == 0 ||
        node->pair_count > CATALOG_OBJECTIVES_MAX) {
        option_fault(rd, node, "objectives is a mapping of 1 to %d quantiles to allowed errors",
                     CATALOG_OBJECTIVES_MAX);
        return false;
    }
    struct catalog_objective *items =
        ARENA_ARRAY(rd->arena, struct catalog_objective, node->pair_count);
    for (size_t i = 0; i < node->pair_count; i++) {
        if (!quantile_of(rd, node->pairs[i].key, "a quantile", &items[i].quantile) ||
            !quantile_of(rd, node->pairs[i].value, "an allowed error", &items[i].error)) {
            return false;
        }
        if (i > 0 && items[i].quantile <= items[i - 1].quantile) {
            option_fault(rd, node->pairs[i].key, "quantiles rise: sort them");
            return false;
        }
    }
    metric->objectives = items;
    metric->objective_count = node->pair_count;
    return true;
}

/* ---- checks that concern several keys ---- */

static bool ends_with(str name, const char *suffix)
{
    return name.len > strlen(suffix) && str_has_suffix(name, str_from(suffix));
}

static void check_name(struct option_reader *rd, const struct catalog_metric *metric,
                       const struct yaml_node *node)
{
    str name = metric->name;

    if (name.len == 0) {
        option_fault_key(rd, node, "name", "a metric needs a name");
    } else if (!catalog_name_is_word(name) || name.ptr[0] == '_') {
        option_fault_key(
            rd, node, "name",
            "'%.*s' is no metric name: [a-zA-Z][a-zA-Z0-9_]*, at most %d bytes (colons "
            "are for recording rules)",
            STR_ARG(name), CATALOG_NAME_BYTES_MAX);
    }
}

/* What Prometheus asks of names, and what our own metrics keep to. */
static void check_convention(struct option_reader *rd, const struct catalog_metric *metric,
                             const struct yaml_node *node)
{
    static const char *const parts[] = {"_bucket", "_count", "_sum"};
    enum catalog_type type = metric->type;
    str name = metric->name;
    bool is_plain = type == CATALOG_COUNTER || type == CATALOG_GAUGE;

    if (!catalog_name_is_word(name) || name.ptr[0] == '_') {
        return;
    }
    if (!catalog_name_is_identifier(name)) {
        option_fault_key(rd, node, "name", "metric names are snake_case: '%.*s' has capitals",
                         STR_ARG(name));
    } else if (type == CATALOG_COUNTER && !ends_with(name, "_total")) {
        option_fault_key(rd, node, "name", "the name of a counter ends in _total");
    } else if (type != CATALOG_COUNTER && ends_with(name, "_total")) {
        option_fault_key(rd, node, "name", "only the name of a counter ends in _total");
    } else if ((type == CATALOG_INFO) != ends_with(name, "_info")) {
        option_fault_key(rd, node, "name",
                         type == CATALOG_INFO ? "the name of an info metric ends in _info"
                                              : "only the name of an info metric ends in _info");
    }
    for (size_t i = 0; i < ARRAY_COUNT(parts) && is_plain; i++) {
        if (ends_with(name, parts[i])) {
            option_fault_key(rd, node, "name",
                             "a name that ends in %s reads as part of a histogram", parts[i]);
        }
    }
}

static const struct {
    const char *unit;
    const char *base;
} wrong_units[] = {
    {"s", "seconds"},
    {"sec", "seconds"},
    {"second", "seconds"},
    {"ms", "seconds"},
    {"millis", "seconds"},
    {"milliseconds", "seconds"},
    {"us", "seconds"},
    {"microseconds", "seconds"},
    {"ns", "seconds"},
    {"nanoseconds", "seconds"},
    {"minutes", "seconds"},
    {"hours", "seconds"},
    {"days", "seconds"},
    {"byte", "bytes"},
    {"b", "bytes"},
    {"bits", "bytes"},
    {"kb", "bytes"},
    {"kilobytes", "bytes"},
    {"mb", "bytes"},
    {"megabytes", "bytes"},
    {"gb", "bytes"},
    {"gigabytes", "bytes"},
    {"fahrenheit", "celsius"},
};

static void check_unit(struct option_reader *rd, const struct catalog_metric *metric,
                       const struct yaml_node *node)
{
    str unit = metric->unit;
    str name = metric->name;

    if (unit.len == 0) {
        return;
    }
    if (!catalog_name_is_identifier(unit)) {
        option_fault_key(rd, node, "unit", "a unit is [a-z][a-z0-9_]*");
        return;
    }
    if (metric->type == CATALOG_INFO || metric->type == CATALOG_STATESET) {
        option_fault_key(rd, node, "unit", "an %s metric has no unit",
                         catalog_type_name(metric->type));
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(wrong_units); i++) {
        if (str_is(unit, wrong_units[i].unit)) {
            option_fault_key(rd, node, "unit", "unit %s: Prometheus counts in the base unit %s",
                             wrong_units[i].unit, wrong_units[i].base);
            return;
        }
    }
    if (metric->type == CATALOG_COUNTER && ends_with(name, "_total")) {
        name.len -= strlen("_total");
    }
    if (!str_has_suffix(name, unit) || name.len <= unit.len ||
        name.ptr[name.len - unit.len - 1] != '_') {
        option_fault_key(rd, node, "unit", "the name does not end in _%.*s%s", STR_ARG(unit),
                         metric->type == CATALOG_COUNTER ? "_total" : "");
    }
}

/* Keys that belong to some types only. */
static void check_keys(struct option_reader *rd, const struct catalog_metric *metric,
                       const struct yaml_node *node)
{
    static const struct {
        const char *key;
        enum catalog_type type;
    } rows[] = {
        {"buckets", CATALOG_HISTOGRAM},  {"native", CATALOG_HISTOGRAM},
        {"objectives", CATALOG_SUMMARY}, {"max_age", CATALOG_SUMMARY},
        {"states", CATALOG_STATESET},    {"multiprocess", CATALOG_GAUGE},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct yaml_node *key = yaml_key_of(node, str_from(rows[i].key));

        if (yaml_get(node, str_from(rows[i].key)) != NULL && metric->type != rows[i].type) {
            option_fault(rd, key, "%s is for a %s; this is a %s", rows[i].key,
                         catalog_type_name(rows[i].type), catalog_type_name(metric->type));
        }
    }
    if (metric->native.only && metric->bucket_count > 0) {
        option_fault(rd, yaml_key_of(node, STR("buckets")),
                     "buckets beside 'native: only': leave one of them out");
    }
    if (metric->type == CATALOG_STATESET && metric->states == NULL) {
        option_fault(rd, node, "a stateset needs states: [...]");
    }
}

static void check_label_names(struct option_reader *rd, const struct catalog_metric *metric,
                              const struct yaml_node *node)
{
    const struct yaml_node *labels = yaml_get(node, STR("labels"));
    str reserved = metric->type == CATALOG_HISTOGRAM  ? STR("le")
                   : metric->type == CATALOG_SUMMARY  ? STR("quantile")
                   : metric->type == CATALOG_STATESET ? metric->name
                                                      : STR_NULL;

    for (size_t i = 0; i < metric->label_count; i++) {
        str name = metric->labels[i].name;

        if (reserved.len > 0 && str_eq(name, reserved)) {
            option_fault(rd, yaml_key_of(labels, name), "label %.*s of a %s is its own",
                         STR_ARG(name), catalog_type_name(metric->type));
        } else if (str_is(name, "le") || str_is(name, "quantile")) {
            option_fault(rd, yaml_key_of(labels, name),
                         "label %.*s is reserved for histograms and summaries", STR_ARG(name));
        }
    }
}

static void check_series(struct option_reader *rd, struct catalog_metric *metric,
                         const struct yaml_node *node)
{
    if (yaml_get(node, STR("series_max")) == NULL) {
        metric->series_max = catalog_series_product(metric, CATALOG_SERIES_MAX, NULL);
    } else if (metric->series_max < 1 || metric->series_max > CATALOG_SERIES_LIMIT) {
        option_fault_key(rd, node, "series_max", "series_max is 1 to %d", CATALOG_SERIES_LIMIT);
    }
    if (metric->ttl < 0 || metric->max_age < 0 || metric->ttl % DUR_SECOND != 0 ||
        metric->max_age % DUR_SECOND != 0 || metric->ttl > 365 * (dur)DUR_DAY ||
        metric->max_age > 365 * (dur)DUR_DAY) {
        option_fault_key(rd, node, metric->max_age != 0 ? "max_age" : "ttl",
                         "a whole number of seconds, at most a year");
    }
}

static void check_metric(struct option_reader *rd, void *object, const struct yaml_node *node)
{
    struct catalog_metric *metric = object;

    metric->node = node;
    if (yaml_is_null(yaml_get(node, STR("type")))) {
        option_fault(rd, node, "a metric needs a type");
        return;
    }
    if (str_trim(metric->help).len == 0) {
        option_fault_key(rd, node, "help", "a metric needs a help text");
    }
    check_name(rd, metric, node);
    if (!catalog_loader_of(rd)->catalog->foreign) {
        check_convention(rd, metric, node);
        check_unit(rd, metric, node);
    }
    check_keys(rd, metric, node);
    check_label_names(rd, metric, node);
    check_series(rd, metric, node);
}

static const struct option_custom labels_custom = {.read = catalog_set_labels};
static const struct option_custom states_custom = {.read = catalog_set_states};
static const struct option_custom buckets_custom = {.read = read_buckets};
static const struct option_custom native_custom = {.read = read_native};
static const struct option_custom objectives_custom = {.read = read_objectives};

/* A custom row is given the whole metric: offset 0. */
static const struct option metric_rows[] = {
    {"name", OPTION_STR, 0, offsetof(struct catalog_metric, name), NULL, NULL, NULL},
    {"id", OPTION_STR, 0, offsetof(struct catalog_metric, id), NULL, NULL, NULL},
    {"type", OPTION_ENUM, 0, offsetof(struct catalog_metric, type), NULL, &type_words, NULL},
    {"unit", OPTION_STR, 0, offsetof(struct catalog_metric, unit), NULL, NULL, NULL},
    {"help", OPTION_STR, 0, offsetof(struct catalog_metric, help), NULL, NULL, NULL},
    {"stability", OPTION_ENUM, 0, offsetof(struct catalog_metric, stability), NULL,
     &stability_words, NULL},
    {"labels", OPTION_CUSTOM, 0, 0, NULL, &labels_custom, NULL},
    {"buckets", OPTION_CUSTOM, 0, 0, NULL, &buckets_custom, NULL},
    {"native", OPTION_CUSTOM, 0, 0, NULL, &native_custom, NULL},
    {"objectives", OPTION_CUSTOM, 0, 0, NULL, &objectives_custom, NULL},
    {"max_age", OPTION_DURATION, 0, offsetof(struct catalog_metric, max_age), NULL, NULL, NULL},
    {"states", OPTION_CUSTOM, 0, 0, NULL, &states_custom, NULL},
    {"series_max", OPTION_UINT, 0, offsetof(struct catalog_metric, series_max), NULL, NULL, NULL},
    {"ttl", OPTION_DURATION, 0, offsetof(struct catalog_metric, ttl), NULL, NULL, NULL},
    {"multiprocess", OPTION_ENUM, 0, offsetof(struct catalog_metric, multiprocess), NULL,
     &multiprocess_words, NULL},
};

const struct option_type catalog_metric_type = {
    .name = "metric",
    .size = sizeof(struct catalog_metric),
    .rows = metric_rows,
    .count = ARRAY_COUNT(metric_rows),
    .place_offset = OPTION_NO_PLACE,
    .check = check_metric,
};

/* ---- exposed names, each once ---- */

static void claim(struct catalog_loader *loader, struct map *taken,
                  const struct catalog_metric *metric, str name)
{
    const struct catalog_metric *owner = map_put(taken, name, (void *)(uintptr_t)metric);

    if (owner == NULL || owner == metric) {
        return;
    }
    if (str_eq(owner->full_name, metric->full_name)) {
        option_fault_key(&loader->rd, metric->node, "name",
                         "metric %.*s is declared at line %u already", STR_ARG(metric->full_name),
                         owner->node->line);
    } else {
        option_fault_key(&loader->rd, metric->node, "name",
                         "%.*s: its series %.*s is that of %.*s at line %u, too",
                         STR_ARG(metric->full_name), STR_ARG(name), STR_ARG(owner->full_name),
                         owner->node->line);
    }
}

void catalog_metric_names(struct catalog_loader *loader)
{
    static const char *const suffixes[CATALOG_TYPE_COUNT][5] = {
        [CATALOG_COUNTER] = {""},
        [CATALOG_GAUGE] = {""},
        [CATALOG_HISTOGRAM] = {"", "_bucket", "_sum", "_count", "_created"},
        [CATALOG_SUMMARY] = {"", "_sum", "_count", "_created"},
        [CATALOG_INFO] = {""},
        [CATALOG_STATESET] = {""},
    };
    struct map taken = {0};

    for (size_t i = 0; i < loader->metrics.count; i++) {
        const struct catalog_metric *metric = loader->metrics.items[i];
        uint32_t before = loader->rd.faults->total;

        for (size_t k = 0; k < ARRAY_COUNT(suffixes[0]) && suffixes[metric->type][k] != NULL &&
                           loader->rd.faults->total == before;
             k++) {
            claim(loader, &taken, metric,
                  arena_printf(loader->rd.arena, "%.*s%s", STR_ARG(metric->full_name),
                               suffixes[metric->type][k]));
        }
    }
    map_done(&taken);
}

size_t catalog_series_names(const struct catalog_metric *metric,
                            struct catalog_series ret[CATALOG_SERIES_NAMES_MAX])
{
    static const struct catalog_series histogram[] = {
        {"_bucket", "le"}, {"_sum", NULL}, {"_count", NULL}, {"", NULL}};
    static const struct catalog_series summary[] = {
        {"", "quantile"}, {"_sum", NULL}, {"_count", NULL}};
    static const struct catalog_series plain[] = {{"", NULL}};
    bool is_histogram = metric->type == CATALOG_HISTOGRAM && !metric->native.only;
    const struct catalog_series *names = is_histogram                      ? histogram
                                         : metric->type == CATALOG_SUMMARY ? summary
                                                                           : plain;
    size_t count = is_histogram                      ? (metric->native.on ? 4 : 3)
                   : metric->type == CATALOG_SUMMARY ? 3
                                                     : 1;

    memcpy(ret, names, count * sizeof(*ret));
    if (metric->type == CATALOG_STATESET) {
        ret[0].extra = metric->full_name.ptr;
    }
    return count;
}

uint64_t catalog_series_product(const struct catalog_metric *metric, uint64_t limit,
                                bool *ret_closed)
{
    uint64_t product = 1;
    bool closed = true;

    for (size_t i = 0; i < metric->label_count; i++) {
        const struct catalog_set *set = metric->labels[i].set;

        closed &= set->value_count > 0;
        if (__builtin_mul_overflow(product, set->max, &product) || product > limit) {
            product = limit;
        }
    }
    if (ret_closed != NULL) {
        *ret_closed = closed;
    }
    return product;
}
