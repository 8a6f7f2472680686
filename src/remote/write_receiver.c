#include "remote/write_receiver.h"

#include "base/mem.h"
#include "base/vec.h"
#include "model/histogram.h"
#include "storage/append_columns.h"

enum { SHOWN_BYTES = 1024 /* of the labels of a series, in a fault */ };

/* One request on its way. */
struct taking {
    const struct write_options *options;
    struct write_receipt *receipt;
    enum wire_message message;
    str body;
    struct wire_in in;
    struct append_columns columns;
    struct arena arena; /* of labels with type and unit */
    size_t faults;
    VEC(struct exemplar) exemplars;
};

/* Where a sample came from: its series in the body, and whether that has metadata. */
static uint64_t tag_of(uint32_t offset, bool has_metadata)
{
    return (uint64_t)offset << 1 | has_metadata;
}

void write_receipt_done(struct write_receipt *receipt)
{
    buf_done(&receipt->message);
}

/* ---- faults ---- */

/* One line for the sender; the first few of them. */
static void note(struct taking *taking, const char *what, struct labels labels)
{
    struct buf *message = &taking->receipt->message;

    if (taking->faults++ >= WRITE_FAULTS_MAX) {
        return;
    }
    if (message->len > 0) {
        buf_char(message, '\n');
    }
    buf_c(message, what);
    if (labels.count > 0) {
        struct buf shown = {.limit = SHOWN_BYTES};

        labels_format(&shown, labels);
        buf_c(message, " for series ");
        buf_str(message, buf_view(&shown));
        buf_c(message, shown.failed ? "..." : "");
        buf_done(&shown);
    }
}

/* Labels of a sample that waits are read again where it came from: this happens to bad ones alone.
 */
static void note_at(struct taking *taking, const char *what, uint32_t offset)
{
    struct wire_in in = taking->in;
    struct wire_series series = {0};

    if (taking->faults >= WRITE_FAULTS_MAX) {
        taking->faults++;
        return;
    }
    in.labels = (struct labels_builder){0};
    in.body.offset = offset;
    in.symbol_bytes = 0;
    if (wire_in_series(&in, &series, NULL) > 0) {
        note(taking, what, series.labels);
    }
    labels_builder_done(&in.labels);
}

/* ---- samples ---- */

static void settled(void *context, uint64_t tag, enum append_status status,
                    const struct histogram *h)
{
    struct taking *taking = context;
    struct baro_error err = {0};

    if (status == APPEND_OK) {
        *(h != NULL ? &taking->receipt->histograms : &taking->receipt->samples) += 1;
        taking->receipt->without_metadata += (tag & 1) == 0;
    } else {
        const bool is_told = status == APPEND_INVALID && h != NULL && histogram_check(h, &err) < 0;

        note_at(taking, is_told ? err.message : append_status_text(status), (uint32_t)(tag >> 1));
    }
}

static int push(struct taking *taking, const struct sample *sample, series_ref ref, uint64_t tag,
                struct baro_error *err)
{
    if (sample->t > taking->options->now + WRITE_AHEAD_MAX) {
        note_at(taking, append_status_text(APPEND_TOO_FAR), (uint32_t)(tag >> 1));
        return 0;
    }
    return append_columns_push(&taking->columns, ref, sample, tag, err);
}

/* Finer schemas than are kept lose resolution, as in Prometheus; what cannot be right is left as it
 * is, to be refused. */
static void reduce(struct arena *arena, const struct sample *sample)
{
    struct histogram *h = (struct histogram *)sample->h;
    const int32_t schema = h->schema;

    if (schema <= HISTOGRAM_SCHEMA_MAX || schema > HISTOGRAM_SCHEMA_RESERVED_MAX) {
        return;
    }
    h->schema = HISTOGRAM_SCHEMA_MAX; /* the check is of everything else */
    if (histogram_check(h, NULL) == 0) {
        h->schema = schema;
        histogram_reduce(arena, h, HISTOGRAM_SCHEMA_MAX);
    } else {
        h->schema = schema;
    }
}

static int take_samples(struct taking *taking, struct wire_series *series, series_ref ref,
                        uint64_t tag, struct baro_error *err)
{
    struct sample sample;
    int r = 0;

    if (series->sample_count > 0) {
        r = append_columns_kind(&taking->columns, false, err);
        while (r >= 0 && (r = wire_in_sample(series, &sample, err)) > 0) {
            r = push(taking, &sample, ref, tag, err);
        }
    }
    if (r >= 0 && series->histogram_count > 0) {
        r = append_columns_kind(&taking->columns, true, err);
        while (r >= 0 &&
               (r = wire_in_histogram(series, &taking->columns.arena, &sample, err)) > 0) {
            reduce(&taking->columns.arena, &sample);
            r = push(taking, &sample, ref, tag, err);
        }
    }
    return r;
}

/* ---- exemplars ---- */

/* The store's word on one exemplar; its faults do not fail the request but for those of 2.0 that
 * are out of order. */
static void give_exemplar(struct taking *taking, series_ref ref, const struct exemplar *exemplar,
                          const struct wire_series *series)
{
    struct baro_error err = {0};
    int r;

    if (exemplar->t > taking->options->now + WRITE_AHEAD_MAX) {
        return;
    }
    r = taking->columns.appender->ops->exemplar(taking->columns.appender, ref, exemplar, &err);
    if (r >= 0) {
        taking->receipt->exemplars++;
    } else if (r == BARO_EOUTOFORDER && taking->in.message == WIRE_WRITE_2) {
        note(taking, "out of order exemplar", series->labels);
    }
}

static int take_exemplars(struct taking *taking, struct wire_series *series, series_ref ref,
                          struct baro_error *err)
{
    struct arena arena = {0};
    struct exemplar exemplar;
    enum wire_fault fault = WIRE_GOOD;
    int r;

    if (series->exemplar_count > WRITE_EXEMPLARS_MAX) {
        return error_set(err, BARO_EPARSE,
                         "remote write request: a series has more than %d exemplars: send fewer at "
                         "once",
                         WRITE_EXEMPLARS_MAX);
    }
    vec_reset(&taking->exemplars);
    while ((r = wire_in_exemplar(&taking->in, series, &exemplar, &fault, err)) > 0) {
        if (fault == WIRE_GOOD) {
            exemplar.labels = labels_copy(&arena, exemplar.labels);
            vec_push(&taking->exemplars, exemplar);
        } else if (taking->in.message == WIRE_WRITE_2) {
            note(taking, "parsing exemplar: labels are no good", series->labels);
        }
    }
    append_exemplars_sort(taking->exemplars.items, taking->exemplars.count);
    for (size_t i = 0; r >= 0 && i < taking->exemplars.count; i++) {
        give_exemplar(taking, ref, &taking->exemplars.items[i], series);
    }
    arena_done(&arena);
    return r;
}

/* ---- series ---- */

/* The labels __type__ and __unit__ are what the metadata say, if these say anything. */
static struct labels typed_labels(struct taking *taking, const struct wire_series *series)
{
    struct arena *arena = &taking->arena;
    struct labels labels = series->labels;

    arena_reset(arena);
    if (!taking->options->type_and_unit_labels ||
        (series->metadata.type == METRIC_UNKNOWN && series->metadata.unit.len == 0)) {
        return labels;
    }
    labels = labels_with(arena, labels, LABEL_TYPE,
                         series->metadata.type == METRIC_UNKNOWN
                             ? STR("")
                             : str_from(metric_type_name(series->metadata.type)));
    return labels_with(arena, labels, LABEL_UNIT, series->metadata.unit);
}

/* True when the series can be taken; else it was told why not. */
static bool is_good(struct taking *taking, const struct wire_series *series)
{
    static const char *const texts[] = {
        [WIRE_BAD_REFS] = "parsing labels: references outside of the symbols table",
        [WIRE_BAD_METADATA] = "parsing metadata: references outside of the symbols table",
        [WIRE_BAD_LABELS] = "invalid metric name or labels",
        [WIRE_DUPLICATE_LABEL] = "invalid labels: a label name is not unique",
    };

    if (series->fault != WIRE_GOOD) {
        if (series->fault != WIRE_BAD_METADATA) {
            taking->receipt->bad_labels += series->sample_count + series->histogram_count;
        }
        /* 1.0 passes over such series, as Prometheus does: the counter tells. */
        if (taking->in.message == WIRE_WRITE_2) {
            note(taking, texts[series->fault], series->labels);
        }
        return false;
    }
    if (taking->in.message == WIRE_WRITE_2 && series->sample_count + series->histogram_count == 0) {
        note(taking, "TimeSeries must contain at least one sample or histogram", series->labels);
        return false;
    }
    return true;
}

static int take_series(struct taking *taking, struct wire_series *series, uint32_t offset,
                       struct baro_error *err)
{
    const struct appender_ops *ops = taking->columns.appender->ops;
    const uint64_t tag = tag_of(offset, series->has_metadata);
    struct labels labels;
    series_ref ref = 0;
    int r;

    if (!is_good(taking, series)) {
        return 0;
    }
    labels = typed_labels(taking, series);
    if (labels.count > APPENDER_LABELS_MAX) {
        taking->receipt->bad_labels += series->sample_count + series->histogram_count;
        note(taking, "more than 512 labels", labels);
        return 0;
    }
    r = ops->series(taking->columns.appender, labels, &ref, err);
    if (r >= 0 && taking->options->keeps_metadata && series->has_metadata) {
        r = ops->metadata(taking->columns.appender, ref, &series->metadata, err);
        if (r == BARO_ENOTFOUND) {
            taking->columns.forgotten = true;
            r = 0;
        }
    }
    r = r < 0 ? r : take_samples(taking, series, ref, tag, err);
    return r >= 0 && series->exemplar_count > 0 ? take_exemplars(taking, series, ref, err) : r;
}

static void receipt_reset(struct write_receipt *receipt)
{
    struct buf message = receipt->message;

    buf_reset(&message);
    *receipt = (struct write_receipt){.message = message};
}

static int take_body(void *context, struct baro_error *err)
{
    struct taking *taking = context;
    struct wire_series series;
    int r = wire_in_begin(&taking->in, taking->message, taking->body, err);

    receipt_reset(taking->receipt);
    taking->faults = 0;
    while (r >= 0) {
        const uint32_t offset = (uint32_t)taking->in.body.offset;

        r = wire_in_series(&taking->in, &series, err);
        if (r <= 0) {
            break;
        }
        r = take_series(taking, &series, offset, err);
    }
    return r;
}

/* ---- requests ---- */

/* Nothing of the request was kept. What is damaged will be so again; all else may go by. */
static void refuse(struct write_receipt *receipt, const struct baro_error *err)
{
    receipt_reset(receipt);
    receipt->status = err->code == BARO_EPARSE || err->code == BARO_ECORRUPT ||
                              err->code == BARO_EINVALID || err->code == BARO_EUNSUPPORTED
                          ? 400
                          : 503;
    buf_c(&receipt->message, err->message);
}

static void conclude(struct taking *taking)
{
    struct write_receipt *receipt = taking->receipt;

    receipt->status = taking->faults > 0 ? 400 : 204;
    if (taking->faults > WRITE_FAULTS_MAX) {
        buf_printf(&receipt->message, "\nand %zu more", taking->faults - WRITE_FAULTS_MAX);
    }
}

void write_receiver_take(const struct write_options *options, enum wire_message message, str body,
                         struct write_receipt *ret)
{
    struct taking *taking = MEM_NEW(struct taking);
    struct baro_error err = {0};

    taking->options = options;
    taking->receipt = ret;
    taking->message = message;
    taking->body = body;
    taking->columns.appender = options->appendable->appender(options->appendable);
    taking->columns.settled = settled;
    taking->columns.context = taking;
    if (append_columns_run(&taking->columns, take_body, &err) < 0) {
        refuse(ret, &err);
    } else {
        conclude(taking);
    }
    taking->columns.appender->ops->free(taking->columns.appender);
    wire_in_done(&taking->in);
    vec_done(&taking->exemplars);
    append_columns_done(&taking->columns);
    arena_done(&taking->arena);
    (void)mem_free(taking);
}
