/*
 * wire_out: making a request of remote write, series by series: prometheus.WriteRequest (1.0) or
 * io.prometheus.write.v2.Request (2.0), as a snappy block. Memory is kept from request to request.
 * One thread. Formats: remote/wire_fields.h.
 *
 *     wire_out_begin(&out, WIRE_WRITE_2);
 *     wire_out_series(&out, labels);
 *     wire_out_sample(&out, &sample);
 *     wire_out_series_end(&out);
 *     r = wire_out_finish(&out, &packed, err);
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/map.h"
#include "model/labels.h"
#include "model/sample.h"
#include "remote/wire_in.h"
#include "storage/appender.h"

struct wire_out {
    enum wire_message message;
    struct buf body;    /* whole series and families */
    struct buf series;  /* the one that is open */
    struct buf part;    /* an item of it */
    struct buf refs;    /* 2.0: the labels of the series or item */
    struct buf symbols; /* 2.0: the fields with the texts */
    struct map symbol_numbers;
    struct arena texts; /* the keys of that map */
    uint32_t symbol_count;
    uint32_t request; /* its number, from 1 */
};

/* wire_out_begin starts a request and forgets the one before. A struct wire_out is all zero at
 * first. */
void wire_out_begin(struct wire_out *out, enum wire_message message);
void wire_out_done(struct wire_out *out);

/* wire_out_series opens a series, wire_out_series_end closes it. In between, in this order as far
 * as there are any: samples (floats and histograms), exemplars, and with 2.0 its metadata. Start
 * timestamps are written with 2.0 alone. */
void wire_out_series(struct wire_out *out, struct labels labels);
void wire_out_sample(struct wire_out *out, const struct sample *sample);
void wire_out_exemplar(struct wire_out *out, const struct exemplar *exemplar);
void wire_out_metadata(struct wire_out *out, const struct metadata *metadata);
void wire_out_series_end(struct wire_out *out);

/* wire_out_series_refs is wire_out_series of 2.0 for labels whose symbols are known already: name,
 * value, name, ... wire_out_symbol gives the number of a text, which holds for this request. */
void wire_out_series_refs(struct wire_out *out, const uint32_t *refs, size_t count);
uint32_t wire_out_symbol(struct wire_out *out, str text);

/* wire_out_float adds a whole series of 1.0 with one float sample; its labels are fields that
 * wire_label_put has written. */
void wire_out_float(struct wire_out *out, const str *fields, size_t count, double v, int64_t t);

/* wire_out_family adds the metadata of a metric family (1.0). */
void wire_out_family(struct wire_out *out, str name, const struct metadata *metadata);

/* wire_out_bytes is how large the request is so far, before it is packed. */
size_t wire_out_bytes(const struct wire_out *out);

/* wire_out_finish appends the request, packed, to ret. Fails with -ENOMEM, or as snappy_pack. */
int wire_out_finish(struct wire_out *out, struct buf *ret, struct baro_error *err);

/* wire_out_finish_raw appends it as it is. */
int wire_out_finish_raw(struct wire_out *out, struct buf *ret, struct baro_error *err);
