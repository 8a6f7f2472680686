#include "remote/wire_in.h"

#include "base/mem.h"
#include "base/vec.h"
#include "codec/protobuf.h"
#include "model/proto_parts.h"
#include "remote/wire_fields.h"
#include "remote/wire_histogram.h"

static int damaged(struct baro_error *err, const char *what)
{
    return error_set(err, BARO_EPARSE, "remote write request: %s", what);
}

/* What was read failed, for a damage or for what its symbols add up to. */
static int unreadable(const struct wire_in *in, struct baro_error *err, const char *what)
{
    return in->symbol_bytes > WIRE_SYMBOL_BYTES_MAX
               ? error_set(err, BARO_EPARSE,
                           "remote write request: labels and metadata have more than %zu bytes: "
                           "send fewer series in a request",
                           WIRE_SYMBOL_BYTES_MAX)
               : damaged(err, what);
}

/* ---- the request ---- */

/* Reads over the whole message: symbols may come behind the series that use them. */
static int read_symbols(struct wire_in *in, struct baro_error *err)
{
    struct reader rd = in->body;
    struct protobuf_field field = {0};

    for (size_t at = 0; protobuf_next(&rd, &field); at = rd.offset) {
        if (field.number != REQUEST2_SYMBOL) {
            continue;
        }
        if (field.wire != PROTOBUF_BYTES) {
            return damaged(err, "a symbol is no string");
        }
        if (in->symbol_count == in->symbol_capacity) {
            in->symbols = vec_grow_(in->symbols, &in->symbol_capacity, in->symbol_count + 1,
                                    sizeof(*in->symbols));
        }
        in->symbols[in->symbol_count++] = (uint32_t)at;
    }
    return rd.failed ? damaged(err, "the message is damaged") : 0;
}

int wire_in_begin(struct wire_in *in, enum wire_message message, str body, struct baro_error *err)
{
    in->message = message;
    in->body = reader_over(body);
    in->families = in->body;
    in->symbol_count = 0;
    in->symbol_bytes = 0;
    if (body.len >= UINT32_MAX) {
        return error_set(err, BARO_ELIMIT, "remote write request: 4 GiB or more");
    }
    return message == WIRE_WRITE_2 ? read_symbols(in, err) : 0;
}

void wire_in_done(struct wire_in *in)
{
    labels_builder_done(&in->labels);
    labels_builder_done(&in->exemplar);
    in->symbols = mem_free(in->symbols);
    *in = (struct wire_in){0};
}

/* ---- labels ---- */

/* The symbol with a number; ptr is NULL when there is none. Each use counts: the caller looks at
 * the sum. */
static str symbol_at(struct wire_in *in, uint64_t index)
{
    struct reader rd = in->body;
    str symbol;

    if (index >= in->symbol_count) {
        return STR_NULL;
    }
    rd.offset = in->symbols[index];
    rd.failed = false;
    (void)read_uvarint(&rd); /* the tag, which was read before */
    symbol = read_uvarint_bytes(&rd);
    ASSERT(!rd.failed);
    in->symbol_bytes += symbol.len;
    return symbol;
}

/* Labels as numbers of symbols, of which *pending waits for its value. */
static void read_refs(struct wire_in *in, struct reader *rd, const struct protobuf_field *field,
                      struct labels_builder *labels, str *pending, enum wire_fault *fault)
{
    struct protobuf_items items = protobuf_items(rd, field, PROTOBUF_VARINT);
    uint64_t index = 0;

    while (protobuf_items_next(&items, &index)) {
        const str symbol = symbol_at(in, index);

        if (symbol.ptr == NULL) {
            *fault = WIRE_BAD_REFS;
        } else if (pending->ptr == NULL) {
            *pending = symbol;
        } else if (labels->count == WIRE_LABELS_MAX || in->symbol_bytes > WIRE_SYMBOL_BYTES_MAX) {
            rd->failed = true;
            return;
        } else {
            labels_builder_add(labels, *pending, symbol);
            *pending = STR_NULL;
        }
    }
}

static void read_pair(struct reader *rd, const struct protobuf_field *field,
                      struct labels_builder *labels)
{
    const struct label label = proto_pair_read(rd, protobuf_bytes(rd, field));

    if (labels->count == WIRE_LABELS_MAX) {
        rd->failed = true;
    } else {
        labels_builder_add(labels, label.name, label.value);
    }
}

static bool is_label(const struct label *label)
{
    return label->name.len > 0 && utf8_is_valid(label->name) && utf8_is_valid(label->value) &&
           (label->value.len > 0 || !str_eq(label->name, LABEL_METRIC_NAME));
}

/* What Prometheus asks of a series: a metric name, and every name and value UTF-8, once. */
static void check_labels(struct wire_in *in, struct wire_series *series)
{
    struct labels_builder *labels = &in->labels;

    labels_sort(labels->items, labels->count);
    series->labels = (struct labels){labels->items, labels->count};
    if (series->fault != WIRE_GOOD) {
        return;
    }
    if (labels_get(series->labels, LABEL_METRIC_NAME).ptr == NULL) {
        series->fault = WIRE_BAD_LABELS;
        return;
    }
    for (size_t i = 0; i < labels->count; i++) {
        if (!is_label(&labels->items[i])) {
            series->fault = WIRE_BAD_LABELS;
            return;
        }
    }
    for (size_t i = 1; i < labels->count; i++) {
        if (str_eq(labels->items[i - 1].name, labels->items[i].name)) {
            series->fault = WIRE_DUPLICATE_LABEL;
            series->duplicate = labels->items[i].name;
            return;
        }
    }
    series->labels = labels_builder_finish(labels);
}

/* ---- metadata ---- */

static enum metric_type metric_type_of(uint64_t number)
{
    STATIC_ASSERT(METRIC_STATESET == 7, "the messages have the same order");
    return number < METRIC_TYPE_COUNT ? (enum metric_type)number : METRIC_UNKNOWN;
}

static void read_metadata(struct wire_in *in, struct reader *outer, str message,
                          struct wire_series *series)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};
    uint64_t unit = 0;
    uint64_t help = 0;

    while (protobuf_next(&rd, &field)) {
        if (field.number == METADATA_TYPE) {
            series->metadata.type = metric_type_of(protobuf_uint(&rd, &field));
        } else if (field.number == METADATA_HELP) {
            help = protobuf_uint(&rd, &field);
        } else if (field.number == METADATA_UNIT) {
            unit = protobuf_uint(&rd, &field);
        }
    }
    protobuf_fail_with(outer, &rd);
    series->metadata.unit = symbol_at(in, unit);
    series->metadata.help = symbol_at(in, help);
    outer->failed = outer->failed || in->symbol_bytes > WIRE_SYMBOL_BYTES_MAX;
}

/* Texts that are absent are symbol 0, which must be there. */
static void check_metadata(struct wire_in *in, struct wire_series *series)
{
    struct metadata *metadata = &series->metadata;

    if (metadata->unit.ptr == NULL) {
        metadata->unit = symbol_at(in, 0);
    }
    if (series->fault == WIRE_GOOD && (metadata->unit.ptr == NULL || metadata->help.ptr == NULL)) {
        series->fault = WIRE_BAD_METADATA;
    }
    series->has_metadata =
        metadata->type != METRIC_UNKNOWN || metadata->unit.len > 0 || metadata->help.len > 0;
}

int wire_in_family(struct wire_in *in, str *ret_name, struct metadata *ret, struct baro_error *err)
{
    struct protobuf_field field = {0};
    struct metadata metadata = {.unit = STR(""), .help = STR("")};
    str name = STR("");
    struct reader rd;

    do {
        if (in->message != WIRE_WRITE_1 || !protobuf_next(&in->families, &field)) {
            return in->families.failed ? damaged(err, "the message is damaged") : 0;
        }
    } while (field.number != REQUEST1_FAMILY);
    rd = reader_over(protobuf_bytes(&in->families, &field));
    while (protobuf_next(&rd, &field)) {
        switch (field.number) {
        case FAMILY_TYPE:
            metadata.type = metric_type_of(protobuf_uint(&rd, &field));
            break;
        case FAMILY_NAME:
            name = protobuf_bytes(&rd, &field);
            break;
        case FAMILY_HELP:
            metadata.help = protobuf_bytes(&rd, &field);
            break;
        case FAMILY_UNIT:
            metadata.unit = protobuf_bytes(&rd, &field);
            break;
        default:
            break;
        }
    }
    if (rd.failed || in->families.failed) {
        return damaged(err, "the metadata of a metric family is damaged");
    }
    *ret_name = name;
    *ret = metadata;
    return 1;
}

/* ---- series ---- */

static void read_series1(struct wire_in *in, struct reader *rd, struct wire_series *series)
{
    struct protobuf_field field = {0};

    while (protobuf_next(rd, &field)) {
        switch (field.number) {
        case SERIES1_LABEL:
            read_pair(rd, &field, &in->labels);
            break;
        case SERIES1_SAMPLE:
            series->sample_count++;
            break;
        case SERIES1_EXEMPLAR:
            series->exemplar_count++;
            break;
        case SERIES1_HISTOGRAM:
            series->histogram_count++;
            break;
        default:
            break;
        }
    }
}

static void read_series2(struct wire_in *in, struct reader *rd, struct wire_series *series)
{
    struct protobuf_field field = {0};
    str pending = STR_NULL;

    series->metadata.unit = symbol_at(in, 0);
    series->metadata.help = series->metadata.unit;
    while (protobuf_next(rd, &field)) {
        switch (field.number) {
        case SERIES2_REFS:
            read_refs(in, rd, &field, &in->labels, &pending, &series->fault);
            break;
        case SERIES2_SAMPLE:
            series->sample_count++;
            break;
        case SERIES2_HISTOGRAM:
            series->histogram_count++;
            break;
        case SERIES2_EXEMPLAR:
            series->exemplar_count++;
            break;
        case SERIES2_METADATA:
            read_metadata(in, rd, protobuf_bytes(rd, &field), series);
            break;
        default:
            break;
        }
    }
    if (pending.ptr != NULL) {
        series->fault = WIRE_BAD_REFS;
    }
    check_metadata(in, series);
}

int wire_in_series(struct wire_in *in, struct wire_series *ret, struct baro_error *err)
{
    const uint32_t wanted = in->message == WIRE_WRITE_2 ? REQUEST2_SERIES : REQUEST1_SERIES;
    struct protobuf_field field = {0};
    struct wire_series series = {0};
    struct reader rd;

    do {
        if (!protobuf_next(&in->body, &field)) {
            return in->body.failed ? damaged(err, "the message is damaged") : 0;
        }
    } while (field.number != wanted);
    labels_builder_reset(&in->labels);
    rd = reader_over(protobuf_bytes(&in->body, &field));
    series.samples = rd;
    series.histograms = rd;
    series.exemplars = rd;
    series.message = in->message;
    if (in->message == WIRE_WRITE_2) {
        read_series2(in, &rd, &series);
    } else {
        read_series1(in, &rd, &series);
    }
    if (rd.failed || in->body.failed) {
        return unreadable(in, err, "a series is damaged, or has too many labels");
    }
    check_labels(in, &series);
    *ret = series;
    return 1;
}

/* ---- what a series has ---- */

/* The next message with a number in a series; false at the end, or when it is damaged. The series
 * was read over before: its frame holds. */
static bool next_message(struct reader *rd, uint32_t number, str *ret)
{
    struct protobuf_field field = {0};

    while (protobuf_next(rd, &field)) {
        if (field.number == number) {
            *ret = protobuf_bytes(rd, &field);
            return !rd->failed;
        }
    }
    return false;
}

int wire_in_sample(struct wire_series *series, struct sample *ret, struct baro_error *err)
{
    STATIC_ASSERT((int)SERIES1_SAMPLE == (int)SERIES2_SAMPLE, "one number for both");
    str message = STR_NULL;

    if (!next_message(&series->samples, SERIES1_SAMPLE, &message)) {
        return series->samples.failed ? damaged(err, "a sample is damaged") : 0;
    }
    return wire_sample_read(message, series->message == WIRE_WRITE_2, ret)
               ? 1
               : damaged(err, "a sample is damaged");
}

int wire_in_histogram(struct wire_series *series, struct arena *arena, struct sample *ret,
                      struct baro_error *err)
{
    const uint32_t number = series->message == WIRE_WRITE_2 ? SERIES2_HISTOGRAM : SERIES1_HISTOGRAM;
    str message = STR_NULL;
    int r;

    if (!next_message(&series->histograms, number, &message)) {
        return series->histograms.failed ? damaged(err, "a histogram is damaged") : 0;
    }
    r = wire_histogram_read(message, arena, ret, err);
    if (r < 0) {
        return r;
    }
    ret->st = series->message == WIRE_WRITE_2 ? ret->st : 0;
    return 1;
}

static void read_exemplar(struct wire_in *in, struct reader *rd, struct exemplar *ret,
                          enum wire_fault *fault)
{
    struct protobuf_field field = {0};
    str pending = STR_NULL;

    while (protobuf_next(rd, &field)) {
        if (field.number == EXEMPLAR_VALUE) {
            ret->value = protobuf_double(rd, &field);
        } else if (field.number == EXEMPLAR_TIME) {
            ret->t = protobuf_int(rd, &field);
        } else if (field.number == EXEMPLAR_LABELS && in->message == WIRE_WRITE_2) {
            read_refs(in, rd, &field, &in->exemplar, &pending, fault);
        } else if (field.number == EXEMPLAR_LABELS) {
            read_pair(rd, &field, &in->exemplar);
        }
    }
    if (pending.ptr != NULL) {
        *fault = WIRE_BAD_REFS;
    }
}

int wire_in_exemplar(struct wire_in *in, struct wire_series *series, struct exemplar *ret,
                     enum wire_fault *ret_fault, struct baro_error *err)
{
    const uint32_t number = series->message == WIRE_WRITE_2 ? SERIES2_EXEMPLAR : SERIES1_EXEMPLAR;
    struct exemplar exemplar = {0};
    enum wire_fault fault = WIRE_GOOD;
    str message = STR_NULL;
    struct reader rd;

    if (!next_message(&series->exemplars, number, &message)) {
        return series->exemplars.failed ? damaged(err, "an exemplar is damaged") : 0;
    }
    rd = reader_over(message);
    labels_builder_reset(&in->exemplar);
    read_exemplar(in, &rd, &exemplar, &fault);
    if (rd.failed) {
        return unreadable(in, err, "an exemplar is damaged, or has too many labels");
    }
    for (size_t i = 0; i < in->exemplar.count && fault == WIRE_GOOD; i++) {
        const struct label *label = &in->exemplar.items[i];

        if (!utf8_is_valid(label->name) || !utf8_is_valid(label->value)) {
            fault = WIRE_BAD_LABELS;
        }
    }
    exemplar.labels = labels_builder_finish(&in->exemplar);
    if (fault == WIRE_GOOD && labels_has_duplicate(exemplar.labels)) {
        fault = WIRE_DUPLICATE_LABEL;
    }
    *ret = exemplar;
    *ret_fault = fault;
    return 1;
}
