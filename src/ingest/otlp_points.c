/* Points of OTLP's metrics on their way into the store. */
#include <math.h>

#include "base/num.h"
#include "ingest/otlp_priv.h"
#include "ingest/otlp_value.h"

enum { NS_PER_MS = 1000000, EXEMPLAR_RUNES_MAX = 128 };

/* Where the fields of a kind of point are that all kinds have. */
struct point_fields {
    uint32_t attributes;
    uint32_t flags;
    uint32_t exemplars; /* 0 = it has none */
};

static const struct point_fields number_fields = {NUMBER_ATTRIBUTES, NUMBER_FLAGS,
                                                  NUMBER_EXEMPLARS};
static const struct point_fields histogram_fields = {HISTOGRAM_ATTRIBUTES, HISTOGRAM_FLAGS,
                                                     HISTOGRAM_EXEMPLARS};
static const struct point_fields exponential_fields = {EXPONENTIAL_ATTRIBUTES, EXPONENTIAL_FLAGS,
                                                       EXPONENTIAL_EXEMPLARS};
static const struct point_fields summary_fields = {SUMMARY_ATTRIBUTES, SUMMARY_FLAGS, 0};

static int damaged(struct baro_error *err)
{
    return error_set(err, BARO_EPARSE,
                     "OTLP: a point is damaged, or has too many attributes or exemplars");
}

/* ---- exemplars ---- */

static const char hex[] = "0123456789abcdef";

static str hex_text(struct arena *arena, str bytes)
{
    char *text = arena_alloc(arena, bytes.len * 2 + 1);

    for (size_t i = 0; i < bytes.len; i++) {
        text[i * 2] = hex[(uint8_t)bytes.ptr[i] >> 4];
        text[i * 2 + 1] = hex[(uint8_t)bytes.ptr[i] & 15];
    }
    text[bytes.len * 2] = '\0';
    return str_of(text, bytes.len * 2);
}

static size_t rune_count(str text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++) {
        count += ((uint8_t)text.ptr[i] & 0xc0) != 0x80;
    }
    return count;
}

static bool is_id(str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.ptr[i] != 0) {
            return true;
        }
    }
    return false;
}

/* Trace and span, and the attributes as far as all of them fit into OpenMetrics's bound. */
static struct labels exemplar_labels(struct otlp_taking *taking, const otlp_labels *attributes,
                                     str trace, str span)
{
    struct label *items = ARENA_ARRAY(&taking->point_arena, struct label, attributes->count + 2);
    size_t count = 0, ids, runes = 0;

    if (is_id(trace)) {
        items[count++] = (struct label){STR("trace_id"), hex_text(&taking->point_arena, trace)};
    }
    if (is_id(span)) {
        items[count++] = (struct label){STR("span_id"), hex_text(&taking->point_arena, span)};
    }
    ids = count;
    for (size_t i = 0; i < attributes->count; i++) {
        bool is_known = attributes->items[i].value.len == 0 || attributes->items[i].name.len == 0;

        for (size_t k = 0; k < count; k++) {
            is_known = is_known || str_eq(items[k].name, attributes->items[i].name);
        }
        if (!is_known) {
            items[count++] = attributes->items[i];
        }
    }
    for (size_t i = 0; i < count; i++) {
        runes += rune_count(items[i].name) + rune_count(items[i].value);
    }
    count = runes <= EXEMPLAR_RUNES_MAX ? count : ids;
    return labels_from_pairs(&taking->point_arena, items, count);
}

static bool are_utf8(struct labels labels)
{
    for (size_t i = 0; i < labels.count; i++) {
        if (!utf8_is_valid(labels.items[i].name) || !utf8_is_valid(labels.items[i].value)) {
            return false;
        }
    }
    return true;
}

static void read_exemplar(struct otlp_taking *taking, struct reader *outer, str message)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};
    struct exemplar exemplar = {0};
    otlp_labels attributes = {0};
    str trace = STR(""), span = STR("");

    while (protobuf_next(&rd, &field)) {
        switch (field.number) {
        case EXEMPLAR_TIME:
            exemplar.t = (ts)(protobuf_fixed64(&rd, &field) / NS_PER_MS);
            break;
        case EXEMPLAR_DOUBLE:
            exemplar.value = protobuf_double(&rd, &field);
            break;
        case EXEMPLAR_INT:
            exemplar.value = (double)(int64_t)protobuf_fixed64(&rd, &field);
            break;
        case EXEMPLAR_TRACE:
            trace = protobuf_bytes(&rd, &field);
            break;
        case EXEMPLAR_SPAN:
            span = protobuf_bytes(&rd, &field);
            break;
        case EXEMPLAR_ATTRIBUTES:
            (void)otlp_attributes_read(&rd, &field, &taking->point_arena, &attributes);
            break;
        default:
            break;
        }
    }
    protobuf_fail_with(outer, &rd);
    outer->failed = outer->failed || taking->exemplars.count == OTLP_EXEMPLARS_MAX;
    exemplar.labels = exemplar_labels(taking, &attributes, trace, span);
    if (!outer->failed && are_utf8(exemplar.labels)) {
        vec_push(&taking->exemplars, exemplar);
    }
    vec_done(&attributes);
}

/* Gives exemplars [first, end) to a series; those that are out of order are counted, no more. */
static void give_exemplars(struct otlp_taking *taking, series_ref ref, size_t first, size_t end)
{
    struct exemplar *items;

    if (end == first) {
        return;
    }
    items = taking->exemplars.items + first;
    append_exemplars_sort(items, end - first);
    for (size_t i = 0; i < end - first; i++) {
        if (items[i].t <= taking->options->now + OTLP_AHEAD_MAX &&
            taking->columns.appender->ops->exemplar(taking->columns.appender, ref, &items[i],
                                                    NULL) == BARO_EOUTOFORDER) {
            taking->receipt->exemplars_out_of_order++;
        }
    }
}

/* ---- points ---- */

static int read_point(struct otlp_taking *taking, str message, const struct point_fields *fields,
                      struct otlp_point *ret, struct baro_error *err)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};

    arena_reset(&taking->point_arena);
    vec_reset(&taking->attributes);
    vec_reset(&taking->exemplars);
    *ret = (struct otlp_point){0};
    while (protobuf_next(&rd, &field)) {
        if (field.number == POINT_START) {
            ret->st = (ts)(protobuf_fixed64(&rd, &field) / NS_PER_MS);
        } else if (field.number == POINT_TIME) {
            ret->t = (ts)(protobuf_fixed64(&rd, &field) / NS_PER_MS);
        } else if (field.number == fields->flags) {
            ret->is_stale = (protobuf_uint(&rd, &field) & FLAG_NO_RECORDED_VALUE) != 0;
        } else if (field.number == fields->attributes) {
            (void)otlp_attributes_read(&rd, &field, &taking->point_arena, &taking->attributes);
        } else if (field.number == fields->exemplars) {
            read_exemplar(taking, &rd, protobuf_bytes(&rd, &field));
        }
    }
    return rd.failed ? damaged(err) : otlp_labels_point(taking, err);
}

int otlp_series_add(struct otlp_taking *taking, str name, struct label more,
                    const struct sample *sample, series_ref *ret, struct baro_error *err)
{
    struct appender *appender = taking->columns.appender;
    struct labels labels;
    int r;

    if (sample->t > taking->options->now + OTLP_AHEAD_MAX) {
        otlp_note(taking, append_status_text(APPEND_TOO_FAR), taking->name);
        return 0;
    }
    labels_builder_load(&taking->series, (struct labels){taking->base.items, taking->base.count});
    if (more.name.len > 0) {
        labels_builder_set(&taking->series, more.name, more.value);
    }
    labels_builder_set(&taking->series, LABEL_METRIC_NAME, name);
    labels = labels_builder_finish(&taking->series);
    if (labels.count > APPENDER_LABELS_MAX) {
        return error_set(err, BARO_EINVALID, "more than %d labels", APPENDER_LABELS_MAX);
    }
    r = otlp_labels_spend(taking, labels_text_bytes(labels), err);
    r = r < 0 ? r : appender->ops->series(appender, labels, ret, err);
    if (r >= 0 && taking->options->keeps_metadata) {
        r = appender->ops->metadata(appender, *ret, &taking->metadata, err);
        taking->columns.forgotten = taking->columns.forgotten || r == BARO_ENOTFOUND;
        r = r == BARO_ENOTFOUND ? 0 : r;
    }
    return r < 0 ? r
                 : append_columns_push(&taking->columns, *ret, sample, taking->metric_offset, err);
}

static struct sample sample_of(const struct otlp_point *point, double value)
{
    return (struct sample){.t = point->t, .st = point->st, .v = otlp_value_or_stale(point, value)};
}

static const struct label no_label = {{NULL, 0}, {NULL, 0}};

static int take_number(struct otlp_taking *taking, str message, struct baro_error *err)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};
    struct otlp_point point;
    struct sample sample;
    series_ref ref = 0;
    double value = 0;
    int r = read_point(taking, message, &number_fields, &point, err);

    while (r >= 0 && protobuf_next(&rd, &field)) {
        if (field.number == NUMBER_DOUBLE) {
            value = protobuf_double(&rd, &field);
        } else if (field.number == NUMBER_INT) {
            value = (double)(int64_t)protobuf_fixed64(&rd, &field);
        }
    }
    if (r < 0 || rd.failed) {
        return r < 0 ? r : damaged(err);
    }
    sample = sample_of(&point, value);
    r = otlp_series_add(taking, taking->name, no_label, &sample, &ref, err);
    if (r >= 0 && ref != 0 && taking->has_exemplars) {
        give_exemplars(taking, ref, 0, taking->exemplars.count);
    }
    return r;
}

static str suffixed(struct otlp_taking *taking, const char *suffix)
{
    return arena_printf(&taking->point_arena, "%.*s%s", STR_ARG(taking->name), suffix);
}

static str bound_text(struct otlp_taking *taking, double bound)
{
    char text[NUM_TEXT_MAX];

    return arena_str(&taking->point_arena, str_of(text, num_format_double(bound, NUM_F, text)));
}

static int add(struct otlp_taking *taking, str name, struct label more,
               const struct otlp_point *point, double value, series_ref *ret,
               struct baro_error *err)
{
    const struct sample sample = sample_of(point, value);

    return otlp_series_add(taking, name, more, &sample, ret, err);
}

/* One bucket of a classic histogram, with the exemplars that belong into it. */
static int add_bucket(struct otlp_taking *taking, str name, double bound,
                      const struct otlp_point *point, uint64_t count, size_t *next_exemplar,
                      struct baro_error *err)
{
    const size_t first = *next_exemplar;
    const struct label le = {STR("le"), isinf(bound) ? STR("+Inf") : bound_text(taking, bound)};
    series_ref ref = 0;
    int r = add(taking, name, le, point, (double)count, &ref, err);

    while (*next_exemplar < taking->exemplars.count &&
           taking->exemplars.items[*next_exemplar].value <= bound) {
        ++*next_exemplar;
    }
    if (r >= 0 && ref != 0) {
        give_exemplars(taking, ref, first, *next_exemplar);
    }
    return r;
}

static int take_classic(struct otlp_taking *taking, const struct otlp_point *point,
                        struct baro_error *err)
{
    const struct otlp_histogram *from = &taking->histogram;
    const str bucket = suffixed(taking, "_bucket");
    uint64_t sum = 0;
    size_t exemplar = 0;
    series_ref ref = 0;
    int r = from->has_sum
                ? add(taking, suffixed(taking, "_sum"), no_label, point, from->sum, &ref, err)
                : 0;

    r = r < 0 ? r
              : add(taking, suffixed(taking, "_count"), no_label, point, (double)from->count, &ref,
                    err);
    for (size_t i = 0; r >= 0 && i < from->bounds.count && i < from->buckets.count; i++) {
        const double bound = protobuf_double_of(from->bounds.items[i]);

        sum += from->buckets.items[i];
        if (!isinf(bound) || bound < 0) { /* +Inf is made of the count */
            r = add_bucket(taking, bucket, bound, point, sum, &exemplar, err);
        }
    }
    return r < 0 ? r : add_bucket(taking, bucket, INFINITY, point, from->count, &exemplar, err);
}

static int take_native(struct otlp_taking *taking, const struct otlp_point *point,
                       const struct histogram *h, struct baro_error *err)
{
    struct sample sample = {.t = point->t, .st = point->st, .v = h->sum, .h = h};
    series_ref ref = 0;
    int r;

    if (point->is_stale) {
        sample.h = histogram_new_stale(&taking->columns.arena);
        sample.v = value_stale();
    }
    r = otlp_series_add(taking, taking->name, no_label, &sample, &ref, err);
    if (r >= 0 && ref != 0) {
        give_exemplars(taking, ref, 0, taking->exemplars.count);
    }
    return r;
}

static int take_histogram(struct otlp_taking *taking, str message, struct baro_error *err)
{
    struct otlp_point point;
    struct histogram *h = NULL;
    int r = read_point(taking, message, &histogram_fields, &point, err);

    r = r < 0 ? r : otlp_histogram_read(message, &taking->histogram, err);
    if (r < 0 || !taking->options->makes_nhcb) {
        return r < 0 ? r : take_classic(taking, &point, err);
    }
    r = append_columns_kind(&taking->columns, true, err);
    r = r < 0 ? r
              : otlp_histogram_custom(&taking->histogram, taking->is_delta, &taking->columns.arena,
                                      &h, err);
    return r < 0 ? r : take_native(taking, &point, h, err);
}

static int take_exponential(struct otlp_taking *taking, str message, struct baro_error *err)
{
    struct otlp_point point;
    struct histogram *h = NULL;
    int r = read_point(taking, message, &exponential_fields, &point, err);

    r = r < 0 ? r : append_columns_kind(&taking->columns, true, err);
    r = r < 0 ? r
              : otlp_histogram_exponential(message, taking->is_delta, &taking->columns.arena, &h,
                                           err);
    return r < 0 ? r : take_native(taking, &point, h, err);
}

static int take_quantile(struct otlp_taking *taking, str message, const struct otlp_point *point,
                         struct baro_error *err)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};
    double quantile = 0, value = 0;
    series_ref ref = 0;

    while (protobuf_next(&rd, &field)) {
        if (field.number == QUANTILE_QUANTILE) {
            quantile = protobuf_double(&rd, &field);
        } else if (field.number == QUANTILE_VALUE) {
            value = protobuf_double(&rd, &field);
        }
    }
    return rd.failed ? damaged(err)
                     : add(taking, taking->name,
                           (struct label){STR("quantile"), bound_text(taking, quantile)}, point,
                           value, &ref, err);
}

static int take_summary(struct otlp_taking *taking, str message, struct baro_error *err)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};
    struct otlp_point point;
    double count = 0, sum = 0;
    series_ref ref = 0;
    int r = read_point(taking, message, &summary_fields, &point, err);

    while (r >= 0 && protobuf_next(&rd, &field)) {
        if (field.number == SUMMARY_COUNT) {
            count = (double)protobuf_fixed64(&rd, &field);
        } else if (field.number == SUMMARY_SUM) {
            sum = protobuf_double(&rd, &field);
        } else if (field.number == SUMMARY_QUANTILES) {
            r = take_quantile(taking, protobuf_bytes(&rd, &field), &point, err);
        }
    }
    r = r >= 0 && rd.failed ? damaged(err) : r;
    r = r < 0 ? r : add(taking, suffixed(taking, "_sum"), no_label, &point, sum, &ref, err);
    return r < 0 ? r : add(taking, suffixed(taking, "_count"), no_label, &point, count, &ref, err);
}

static int take_point(struct otlp_taking *taking, uint32_t kind, str message,
                      struct baro_error *err)
{
    const bool is_native = kind == METRIC_DATA_EXPONENTIAL ||
                           (kind == METRIC_DATA_HISTOGRAM && taking->options->makes_nhcb);
    int r = is_native ? 0 : append_columns_kind(&taking->columns, false, err);

    if (r < 0) {
        return r;
    }
    switch (kind) {
    case METRIC_DATA_HISTOGRAM:
        return take_histogram(taking, message, err);
    case METRIC_DATA_EXPONENTIAL:
        return take_exponential(taking, message, err);
    case METRIC_DATA_SUMMARY:
        return take_summary(taking, message, err);
    default:
        return take_number(taking, message, err);
    }
}

/* A point that cannot be taken is told of, and the next one follows. */
int otlp_points_take(struct otlp_taking *taking, uint32_t kind, str data, struct baro_error *err)
{
    struct reader rd = reader_over(data);
    struct protobuf_field field = {0};

    while (protobuf_next(&rd, &field)) {
        int r;

        if (field.number != DATA_POINTS) {
            continue;
        }
        r = take_point(taking, kind, protobuf_bytes(&rd, &field), err);
        if (r == BARO_EINVALID) {
            otlp_note(taking, err->message, taking->name);
        } else if (r < 0) {
            return r;
        }
    }
    return rd.failed ? damaged(err) : 0;
}
