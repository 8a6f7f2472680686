/*
 * The rules of OpenMetrics 1.0 beyond its grammar. A family begins with its metadata, or with a
 * sample whose name the family before cannot have; its samples stand together, grouped by their
 * labels, and a group's timestamps do not go back.
 */
#include <math.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/text.h"
#include "model/exposition_lint_priv.h"
#include "model/exposition_priv.h"

enum { EXEMPLAR_RUNES_MAX = 128 };

/* What the buckets, sums and counts of one group say, for the checks at its end. */
struct histogram_state {
    bool is_open;
    bool has_bucket;
    bool has_count;
    bool has_sum;
    bool has_gsum;
    bool has_negative_bucket;
    bool has_negative_gsum;
    double bound;  /* of the last bucket */
    double bucket; /* its value */
    double count;
    bool has_timestamp;
    ts t;
};

struct om_family {
    bool is_open;
    bool has_type;
    bool has_help;
    bool has_unit;
    bool has_samples;
    str name;
    str unit;
    enum metric_type type;
    const char *at; /* its first line */
    struct map groups;
    struct map series; /* of the group and timestamp at hand */
    str group;         /* key of the group at hand; ptr NULL before the first */
    bool group_has_timestamp;
    double group_seconds;
    struct histogram_state histogram;
};

struct om {
    struct lint *lint;
    struct om_family family;
    struct map names; /* all sample names that closed families may have */
};

/* Suffixes of sample names by type; "" is the name itself. */
static const char *const suffixes[METRIC_TYPE_COUNT][6] = {
    [METRIC_UNKNOWN] = {""},
    [METRIC_COUNTER] = {"_total", "_created"},
    [METRIC_GAUGE] = {""},
    [METRIC_HISTOGRAM] = {"_count", "_sum", "_bucket", "_created"},
    [METRIC_GAUGE_HISTOGRAM] = {"_gcount", "_gsum", "_bucket"},
    [METRIC_SUMMARY] = {"", "_count", "_sum", "_created"},
    [METRIC_INFO] = {"_info"},
    [METRIC_STATESET] = {""},
};

static int fault(const struct om *om, const char *at, struct baro_error *err, const char *text)
{
    return exposition_fault(&om->lint->parser, at, err, "%s", text);
}

/* ---- families ---- */

static int claim_name(struct om *om, str suffix, struct baro_error *err)
{
    const struct om_family *family = &om->family;
    str name = arena_printf(&om->lint->names, "%.*s%.*s", STR_ARG(family->name), STR_ARG(suffix));

    if (map_put(&om->names, name, om) != NULL) {
        return exposition_fault(&om->lint->parser, family->at, err,
                                "the name \"%.*s\" clashes with another metric family",
                                STR_ARG(str_slice(name, 0, 128)));
    }
    return 0;
}

static int check_histogram_end(const struct om *om, struct baro_error *err)
{
    const struct om_family *family = &om->family;
    const struct histogram_state *h = &family->histogram;

    if (!h->is_open) {
        return 0;
    }
    if (!h->has_bucket || !(isinf(h->bound) && h->bound > 0)) {
        return fault(om, family->at, err, "a histogram has no +Inf bucket");
    }
    if (h->has_count && h->count != h->bucket) {
        return fault(om, family->at, err, "the count of a histogram differs from its +Inf bucket");
    }
    if ((h->has_sum || h->has_gsum) && !h->has_count) {
        return fault(om, family->at, err, "a histogram has a sum but no count");
    }
    if (h->has_count && !h->has_sum && !h->has_gsum) {
        return fault(om, family->at, err, "a histogram has a count but no sum");
    }
    if (h->has_negative_bucket && h->has_sum) {
        return fault(om, family->at, err, "a histogram with negative buckets has a sum");
    }
    if (!h->has_negative_bucket && h->has_negative_gsum) {
        return fault(om, family->at, err, "a negative sum without negative buckets");
    }
    return 0;
}

/* The rules for a family as a whole, when all of it has been seen. */
static int family_close(struct om *om, struct baro_error *err)
{
    struct om_family *family = &om->family;
    bool has_bare_name = false;
    int r = 0;

    if (!family->is_open) {
        return 0;
    }
    for (size_t i = 0; r == 0 && i < ARRAY_COUNT(suffixes[0]); i++) {
        const char *suffix = suffixes[family->type][i];

        if (suffix != NULL) {
            has_bare_name |= suffix[0] == '\0';
            r = claim_name(om, str_from(suffix), err);
        }
    }
    if (r == 0 && !has_bare_name) {
        r = claim_name(om, STR(""), err);
    }
    if (r == 0 && family->unit.len > 0 &&
        (family->type == METRIC_INFO || family->type == METRIC_STATESET)) {
        r = fault(om, family->at, err, "info and stateset metrics have no unit");
    }
    if (r == 0) {
        r = check_histogram_end(om, err);
    }
    map_done(&family->groups);
    map_done(&family->series);
    *family = (struct om_family){0};
    return r;
}

static int family_open(struct om *om, str name, const char *at, struct baro_error *err)
{
    int r = family_close(om, err);

    arena_reset(&om->lint->family);
    om->family = (struct om_family){
        .is_open = true,
        .name = arena_str(&om->lint->names, name),
        .at = at,
    };
    return r;
}

static int take_once(const struct om *om, const char *at, bool *seen, const char *word,
                     struct baro_error *err)
{
    if (*seen) {
        return exposition_fault(&om->lint->parser, at, err, "more than one %s for this metric",
                                word);
    }
    *seen = true;
    return 0;
}

static int take_metadata(struct om *om, int kind, const char *at, struct baro_error *err)
{
    const struct exposition_event *event = &om->lint->event;
    struct om_family *family = &om->family;
    str name = exposition_unescape(&om->lint->parser, event->name, &om->lint->names);

    if (!family->is_open || !str_eq(family->name, name)) {
        int r = family_open(om, name, at, err);

        if (r < 0) {
            return r;
        }
    }
    if (family->has_samples) {
        return fault(om, at, err, "metadata after the samples of its metric");
    }
    if (kind == EXPOSITION_TYPE) {
        family->type = event->type;
        return take_once(om, at, &family->has_type, "TYPE", err);
    }
    if (kind == EXPOSITION_UNIT) {
        family->unit = event->text;
        return take_once(om, at, &family->has_unit, "UNIT", err);
    }
    return take_once(om, at, &family->has_help, "HELP", err);
}

/* ---- samples ---- */

/* The suffix of a sample's name when the family can have it, else NULL. */
static const char *family_suffix(const struct om_family *family, str name)
{
    if (!family->is_open || !str_has_prefix(name, family->name)) {
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_COUNT(suffixes[0]); i++) {
        const char *suffix = suffixes[family->type][i];

        if (suffix != NULL && str_is(str_from_index(name, family->name.len), suffix)) {
            return suffix;
        }
    }
    return NULL;
}

/* Whether powers of ten, zero, one and infinity are written as the specification wants them. */
static bool bound_is_canonical(str text, double bound)
{
    char digits[NUM_TEXT_MAX + 2];
    size_t len = num_format_double(bound, NUM_G, digits);
    bool power = bound == 0 || isinf(bound);

    for (int exponent = -10; exponent <= 10 && !power; exponent++) {
        double ten = 1;

        for (int i = 0; i < abs(exponent); i++) {
            ten *= 10;
        }
        power = bound == (exponent < 0 ? 1 / ten : ten);
    }
    if (!power) {
        return true;
    }
    if (memchr(digits, '.', len) == NULL && memchr(digits, 'e', len) == NULL && !isinf(bound)) {
        memcpy(digits + len, ".0", 2);
        len += 2;
    }
    return str_eq(text, str_of(digits, len));
}

/* The number in le or quantile; false when the label is missing, no number or not canonical. The
 * text is that of the exposition: the judge parses labels with an unknown type. */
static bool bound_of(struct labels labels, str name, double *ret)
{
    str text = labels_get(labels, name);

    return text.ptr != NULL && num_parse_decimal(text, ret) && !isnan(*ret) &&
           bound_is_canonical(text, *ret);
}

static bool is_whole(double value)
{
    return isinf(value) || value == trunc(value);
}

static int check_labels(const struct om *om, const char *suffix, struct labels labels,
                        struct baro_error *err)
{
    const struct om_family *family = &om->family;
    const struct exposition_event *event = &om->lint->event;
    bool is_bucket = strcmp(suffix, "_bucket") == 0;
    double bound = 0;

    if (family->type == METRIC_STATESET && labels_get(labels, family->name).ptr == NULL) {
        return fault(om, event->raw.ptr, err, "a stateset lacks the label of its own name");
    }
    if (is_bucket && !bound_of(labels, STR("le"), &bound)) {
        return fault(om, event->raw.ptr, err, "the le label is missing, or not a canonical number");
    }
    if (family->type == METRIC_SUMMARY && suffix[0] == '\0' &&
        (!bound_of(labels, STR("quantile"), &bound) || bound < 0 || bound > 1)) {
        return fault(om, event->raw.ptr, err,
                     "the quantile label is missing, or not a canonical number from 0 to 1");
    }
    return 0;
}

static int check_value(const struct om *om, const char *suffix, struct baro_error *err)
{
    static const char *const counting[] = {"_total",  "_sum",    "_count",
                                           "_bucket", "_gcount", "_gsum"};
    const struct om_family *family = &om->family;
    const char *at = om->lint->event.raw.ptr;
    double value = om->lint->event.value;
    bool whole = strcmp(suffix, "_bucket") == 0 || strcmp(suffix, "_count") == 0 ||
                 strcmp(suffix, "_gcount") == 0;

    for (size_t i = 0; i < ARRAY_COUNT(counting); i++) {
        bool may_fall = strcmp(counting[i], "_gsum") == 0;

        if (strcmp(suffix, counting[i]) != 0) {
            continue;
        }
        if (isnan(value)) {
            return fault(om, at, err, "a value that counts cannot be NaN");
        }
        if (value < 0 && !may_fall) {
            return fault(om, at, err, "a value that counts cannot be negative");
        }
    }
    if (whole && !is_whole(value)) {
        return fault(om, at, err, "buckets and counts are whole numbers");
    }
    if (family->type == METRIC_STATESET && value != 0 && value != 1) {
        return fault(om, at, err, "a stateset has the values 0 and 1 only");
    }
    if (family->type == METRIC_INFO && value != 1) {
        return fault(om, at, err, "an info metric has the value 1 only");
    }
    if (family->type == METRIC_SUMMARY && suffix[0] == '\0' && value < 0) {
        return fault(om, at, err, "a quantile's value cannot be negative");
    }
    return 0;
}

static size_t rune_count(str text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++) {
        count += ((unsigned char)text.ptr[i] & 0xC0) != 0x80 ? 1 : 0;
    }
    return count;
}

static int check_exemplar(struct om *om, const char *suffix, struct baro_error *err)
{
    struct lint *lint = om->lint;
    enum metric_type type = om->family.type;
    bool allowed = (type == METRIC_COUNTER && strcmp(suffix, "_total") == 0) ||
                   ((type == METRIC_HISTOGRAM || type == METRIC_GAUGE_HISTOGRAM) &&
                    strcmp(suffix, "_bucket") == 0);
    struct labels labels = {0};
    size_t runes = 0;
    int r;

    if (lint->event.exemplar.ptr == NULL) {
        return 0;
    }
    if (!allowed) {
        return fault(om, lint->event.exemplar.ptr, err,
                     "only counters and buckets of histograms can have exemplars");
    }
    r = exposition_exemplar_labels(&lint->parser, &lint->event, &lint->builder, &lint->family,
                                   &labels, err);
    for (size_t i = 0; r == 0 && i < labels.count; i++) {
        runes += rune_count(labels.items[i].name) + rune_count(labels.items[i].value);
    }
    if (runes > EXEMPLAR_RUNES_MAX) {
        return exposition_fault(&lint->parser, lint->event.exemplar.ptr, err,
                                "the labels of an exemplar have %zu characters, more than %d",
                                runes, EXEMPLAR_RUNES_MAX);
    }
    return r;
}

/* ---- groups ---- */

/* A label set as one string; lengths go before the bytes, so that no two sets look the same. */
static str key_of(struct arena *arena, struct labels labels, str metric, str without)
{
    struct buf key = {0};

    buf_str(&key, metric);
    for (size_t i = 0; i < labels.count; i++) {
        if (str_eq(labels.items[i].name, without) ||
            str_eq(labels.items[i].name, LABEL_METRIC_NAME)) {
            continue;
        }
        buf_printf(&key, "\xFF%zu,%zu:", labels.items[i].name.len, labels.items[i].value.len);
        buf_str(&key, labels.items[i].name);
        buf_str(&key, labels.items[i].value);
    }
    return text_take(arena, &key);
}

/* What tells the samples of one metric apart is left out of the group: buckets, quantiles, states.
 * Info metrics are all one group. */
static str group_of(struct om *om, struct labels labels, const char *suffix)
{
    const struct om_family *family = &om->family;
    str without = STR("");

    if (family->type == METRIC_INFO) {
        return STR("");
    }
    if (strcmp(suffix, "_bucket") == 0) {
        without = STR("le");
    } else if (family->type == METRIC_SUMMARY && suffix[0] == '\0') {
        without = STR("quantile");
    } else if (family->type == METRIC_STATESET) {
        without = family->name;
    }
    return key_of(&om->lint->family, labels, STR(""), without);
}

static int check_group_timestamps(const struct om *om, double seconds, struct baro_error *err)
{
    const struct om_family *family = &om->family;
    const struct exposition_event *event = &om->lint->event;

    if (event->has_timestamp != family->group_has_timestamp) {
        return fault(om, event->raw.ptr, err,
                     "some samples of one metric have timestamps, and some have none");
    }
    if (event->has_timestamp && seconds < family->group_seconds && family->type != METRIC_INFO) {
        return fault(om, event->raw.ptr, err, "timestamps of one metric go back");
    }
    return 0;
}

/* The timestamp as it is written: milliseconds would hide that 1.0001 comes before 1.0002. */
static double seconds_of(const struct exposition_event *event, const char *line_end)
{
    const char *value = event->raw.ptr + event->raw.len + 1;
    const char *blank = memchr(value, ' ', (size_t)(line_end - value));
    const char *stop;
    double seconds = 0;

    if (!event->has_timestamp || blank == NULL) {
        return 0;
    }
    stop = blank + 1;
    while (stop < line_end && *stop != ' ' && *stop != '\n') {
        stop++;
    }
    (void)num_parse_decimal(str_of(blank + 1, (size_t)(stop - blank) - 1), &seconds);
    return seconds;
}

static int enter_group(struct om *om, struct labels labels, const char *suffix,
                       struct baro_error *err)
{
    struct om_family *family = &om->family;
    const struct exposition_event *event = &om->lint->event;
    double seconds = seconds_of(event, om->lint->parser.at);
    str group = group_of(om, labels, suffix);
    str series = key_of(&om->lint->family, labels, labels_get(labels, LABEL_METRIC_NAME), STR(""));
    bool same = family->group.ptr != NULL && str_eq(group, family->group);
    int r;

    if (!same && map_get(&family->groups, group) != NULL) {
        return fault(om, event->raw.ptr, err, "samples of one metric do not stand together");
    }
    if (same) {
        r = check_group_timestamps(om, seconds, err);
        if (r < 0) {
            return r;
        }
    } else {
        map_done(&family->series);
        (void)map_put(&family->groups, group, om);
    }
    /* With timestamps a repetition may come from one that was cut off; without, it is a fault. */
    if (map_put(&family->series, series, om) != NULL && !event->has_timestamp) {
        return fault(om, event->raw.ptr, err, "the same series twice");
    }
    family->group = group;
    family->group_has_timestamp = event->has_timestamp;
    family->group_seconds = seconds;
    return same ? 1 : 0;
}

static int take_bucket(const struct om *om, struct histogram_state *h, struct labels labels,
                       struct baro_error *err)
{
    const struct exposition_event *event = &om->lint->event;
    double bound = 0;

    (void)bound_of(labels, STR("le"), &bound);
    if (h->has_bucket && bound <= h->bound) {
        return fault(om, event->raw.ptr, err, "buckets are not in the order of their bounds");
    }
    if (h->has_bucket && event->value < h->bucket) {
        return fault(om, event->raw.ptr, err, "buckets are cumulative: this one is smaller");
    }
    h->has_bucket = true;
    h->has_negative_bucket |= bound < 0;
    h->bound = bound;
    h->bucket = event->value;
    return 0;
}

static int take_histogram(struct om *om, const char *suffix, struct labels labels, bool same_group,
                          struct baro_error *err)
{
    struct histogram_state *h = &om->family.histogram;
    const struct exposition_event *event = &om->lint->event;
    int r;

    if (!same_group || (event->has_timestamp && h->is_open && event->t != h->t)) {
        r = check_histogram_end(om, err);
        if (r < 0) {
            return r;
        }
        *h = (struct histogram_state){0};
    }
    h->is_open = true;
    h->t = event->has_timestamp ? event->t : 0;
    if (strcmp(suffix, "_bucket") == 0) {
        return take_bucket(om, h, labels, err);
    }
    if (strcmp(suffix, "_count") == 0 || strcmp(suffix, "_gcount") == 0) {
        h->has_count = true;
        h->count = event->value;
    }
    h->has_sum |= strcmp(suffix, "_sum") == 0;
    h->has_gsum |= strcmp(suffix, "_gsum") == 0;
    h->has_negative_gsum |= strcmp(suffix, "_gsum") == 0 && event->value < 0;
    return 0;
}

/* "{a="b",}" is read by Prometheus, but the specification has no comma before the brace. */
static bool has_trailing_comma(str raw)
{
    return raw.len >= 2 && raw.ptr[raw.len - 1] == '}' && raw.ptr[raw.len - 2] == ',';
}

static int take_sample(struct om *om, struct baro_error *err)
{
    struct lint *lint = om->lint;
    struct om_family *family = &om->family;
    struct labels labels = {0};
    const char *suffix;
    str name;
    int r;

    lint->event.type = METRIC_UNKNOWN; /* le and quantile as they stand */
    r = exposition_series_labels(&lint->parser, &lint->event, &lint->builder, &lint->names, &labels,
                                 err);
    if (r < 0) {
        return r;
    }
    if (has_trailing_comma(lint->event.raw)) {
        return fault(om, lint->event.raw.ptr + lint->event.raw.len - 2, err,
                     "comma before the closing brace");
    }
    name = labels_get(labels, LABEL_METRIC_NAME);
    suffix = family_suffix(family, name);
    if (suffix == NULL) {
        r = family_open(om, name, lint->event.raw.ptr, err);
        if (r < 0) {
            return r;
        }
        suffix = "";
    }
    family->has_samples = true;
    r = check_labels(om, suffix, labels, err);
    r = r < 0 ? r : check_value(om, suffix, err);
    r = r < 0 ? r : enter_group(om, labels, suffix, err);
    if (r >= 0 && (family->type == METRIC_HISTOGRAM || family->type == METRIC_GAUGE_HISTOGRAM)) {
        r = take_histogram(om, suffix, labels, r == 1, err);
    }
    /* The labels of the exemplar replace those of the series in the builder: they come last. */
    return r < 0 ? r : check_exemplar(om, suffix, err);
}

int lint_openmetrics(struct lint *lint, struct baro_error *err)
{
    struct om om = {.lint = lint};
    const char *at = lint->parser.at;
    int r;

    while ((r = exposition_next(&lint->parser, &lint->event, err)) > EXPOSITION_END) {
        r = r == EXPOSITION_SERIES ? take_sample(&om, err) : take_metadata(&om, r, at, err);
        if (r < 0) {
            break;
        }
        at = lint->parser.at;
    }
    if (r == EXPOSITION_END) {
        r = family_close(&om, err);
    }
    map_done(&om.family.groups);
    map_done(&om.family.series);
    map_done(&om.names);
    return r;
}
