/*
 * wire_in: reading a request of remote write, series by series, from its unpacked bytes:
 * prometheus.WriteRequest (1.0) or io.prometheus.write.v2.Request (2.0). Nothing is allocated for a
 * sample; labels and texts point into the request. A request that turns out to be damaged after
 * some series is refused as a whole: roll back what was taken.
 *
 *     wire_in_begin(&in, WIRE_WRITE_2, body, err);
 *     while ((r = wire_in_series(&in, &series, err)) > 0) {
 *         while ((r = wire_in_sample(&in, &series, &sample, err)) > 0) ...
 *     }
 *     wire_in_done(&in);
 *
 * One thread. Source: prometheus.io/docs/specs/prw, prometheus's prompb.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "codec/bytes.h"
#include "model/labels_builder.h"
#include "model/sample.h"
#include "storage/appender.h"

enum wire_message { WIRE_WRITE_1, WIRE_WRITE_2, WIRE_MESSAGE_COUNT };

/* Labels of one series or exemplar at most. */
enum { WIRE_LABELS_MAX = 1 << 12 };
/* Symbols are short to name again: labels and metadata of all series of a request together. */
#define WIRE_SYMBOL_BYTES_MAX ((size_t)256 << 20)

/* What is wrong with a series that can be read; the rest of the request is good. */
enum wire_fault {
    WIRE_GOOD,
    WIRE_BAD_REFS,     /* references to symbols that are not there, or an odd count of them (2.0) */
    WIRE_BAD_METADATA, /* likewise, of its metadata */
    WIRE_BAD_LABELS,   /* no metric name, or a name or value that cannot be one */
    WIRE_DUPLICATE_LABEL,
};

/* One series. Its labels are sorted, without empty values, and valid until the next series; those
 * of a faulty one are as they came, sorted. */
struct wire_series {
    enum wire_message message;
    enum wire_fault fault;
    struct labels labels;
    str duplicate;            /* the name, with WIRE_DUPLICATE_LABEL */
    bool has_metadata;        /* 2.0: type, unit or help is given */
    struct metadata metadata; /* 2.0 */
    size_t sample_count;
    size_t histogram_count;
    size_t exemplar_count;
    struct reader samples; /* of the message of the series, each at its own place */
    struct reader histograms;
    struct reader exemplars;
};

struct wire_in {
    enum wire_message message;
    struct reader body;
    struct reader families; /* 1.0 */
    struct labels_builder labels;
    struct labels_builder exemplar;
    uint32_t *symbols; /* 2.0: where the length of each stands in the body */
    size_t symbol_count;
    size_t symbol_capacity;
    size_t symbol_bytes; /* of all uses so far */
};

/* wire_in_begin starts on a request, which must outlive the reading. A struct wire_in is all zero
 * before the first one and may be used for many. Fails with BARO_EPARSE when the frame of the
 * message is damaged, with BARO_ELIMIT when it has 4 GiB or more. */
int wire_in_begin(struct wire_in *in, enum wire_message message, str body, struct baro_error *err);
void wire_in_done(struct wire_in *in);

/* wire_in_series reads the next series: 1; 0 when there is none; BARO_EPARSE when the request is
 * damaged. A series with a fault is returned too. */
int wire_in_series(struct wire_in *in, struct wire_series *ret, struct baro_error *err);

/* The next sample, histogram (in the arena) or exemplar (its labels are valid until the next one;
 * as they came, without empty values) of the series: 1; 0 when there is none; BARO_EPARSE; of a
 * histogram as wire_histogram_read. wire_in_exemplar sets *ret_fault: an exemplar may be faulty
 * where the series is not. */
int wire_in_sample(struct wire_series *series, struct sample *ret, struct baro_error *err);
int wire_in_histogram(struct wire_series *series, struct arena *arena, struct sample *ret,
                      struct baro_error *err);
int wire_in_exemplar(struct wire_in *in, struct wire_series *series, struct exemplar *ret,
                     enum wire_fault *ret_fault, struct baro_error *err);

/* wire_in_family reads the next metadata of a metric family (1.0): 1; 0 when there is none;
 * BARO_EPARSE. */
int wire_in_family(struct wire_in *in, str *ret_name, struct metadata *ret, struct baro_error *err);
