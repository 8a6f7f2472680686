/*
 * wire_read: the messages of remote read: prometheus.ReadRequest, ReadResponse (samples), and
 * ChunkedReadResponse (chunks as they lie in blocks, in frames: a uvarint with the length of the
 * message, its CRC32C as four bytes, most significant first, the message). Requests and sampled
 * responses are snappy blocks on the way; frames are not. Source: prometheus's prompb/remote.proto,
 * storage/remote/chunked.go.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "codec/bytes.h"
#include "model/labels.h"
#include "model/labels_builder.h"
#include "model/sample.h"

enum wire_response { WIRE_RESPONSE_SAMPLES, WIRE_RESPONSE_CHUNKS, WIRE_RESPONSE_COUNT };

enum {
    WIRE_QUERIES_MAX = 1 << 10,  /* of one request */
    WIRE_MATCHERS_MAX = 1 << 12, /* of one query */
    WIRE_GROUPING_MAX = 1 << 12, /* of one query */
};

/* One matcher as it comes: op is an enum matcher_op, whose order the message has. */
struct wire_matcher {
    int op;
    str name;
    str value;
};

/* What the query behind it does with the series: 0 and empty where nothing is said. */
struct wire_read_hints {
    dur step;
    dur range;
    ts start;
    ts end;
    str func;
    const str *grouping;
    size_t grouping_count;
    bool by;
};

struct wire_query {
    ts start; /* both inclusive */
    ts end;
    const struct wire_matcher *matchers;
    size_t matcher_count;
    bool has_hints;
    struct wire_read_hints hints;
};

struct wire_read_request {
    const struct wire_query *queries;
    size_t query_count;
    const enum wire_response *accepted; /* those that are known, most wanted first */
    size_t accepted_count;
    bool has_accepted; /* the list is not empty, known ones or not */
};

/* wire_read_request_read reads a request that is not packed any more; arrays are in the arena,
 * texts point into the body. Fails with BARO_EPARSE, or BARO_ELIMIT beyond the bounds above. */
int wire_read_request_read(str body, struct arena *arena, struct wire_read_request *ret,
                           struct baro_error *err);

/* wire_read_request_put appends the message. */
void wire_read_request_put(struct buf *buf, const struct wire_read_request *request);

/*
 * A sampled response being made: results (one a query), in each of them series, in each of these
 * samples. Test buf->failed at the end. `at` is what is open; zero it before the first one.
 */
struct wire_response_out {
    struct buf result;
    struct buf series;
    struct buf part;
};
void wire_response_out_done(struct wire_response_out *out);
void wire_response_result(struct wire_response_out *out);
void wire_response_series(struct wire_response_out *out, struct labels labels);
void wire_response_sample(struct wire_response_out *out, const struct sample *sample);
void wire_response_series_end(struct wire_response_out *out);
void wire_response_result_end(struct wire_response_out *out, struct buf *response);

/*
 * A sampled response being read, result by result, series by series:
 *     wire_response_in_begin(&in, body);
 *     while (wire_response_in_result(&in)) {
 *         while (wire_response_in_series(&in, &labels)) {
 *             while (wire_response_in_sample(&in, arena, &sample)) ...
 *         }
 *     }
 *     if (in.failed) ...
 * Labels are as they came, and valid until the next series. Floats of a series come before its
 * histograms.
 */
struct wire_response_in {
    struct reader body;
    struct reader result;
    struct reader floats;
    struct reader histograms;
    struct labels_builder labels;
    bool failed;
};
void wire_response_in_begin(struct wire_response_in *in, str body);
void wire_response_in_done(struct wire_response_in *in);
bool wire_response_in_result(struct wire_response_in *in);
bool wire_response_in_series(struct wire_response_in *in, struct labels *ret);
bool wire_response_in_sample(struct wire_response_in *in, struct arena *arena, struct sample *ret);

/* A chunk as its encoding's number and bytes (without count of length or checksum). */
struct wire_chunk {
    ts mint;
    ts maxt;
    uint32_t encoding; /* that of the chunk files: 1 XOR, 2 histogram, 3 float histogram, ... */
    str data;
};

/* wire_chunk_put appends a chunk to the message of a series; wire_chunk_labels_put the labels that
 * stand in front of them. wire_frame_put appends a frame with that series to the stream. */
void wire_chunk_labels_put(struct buf *series, struct labels labels);
void wire_chunk_put(struct buf *series, const struct wire_chunk *chunk);
void wire_frame_put(struct buf *stream, str series, int64_t query_index);

/* wire_frame_next takes a frame off the front of what has come of a stream: 1 and the message; 0
 * when more bytes are needed; BARO_ECORRUPT when its checksum differs, BARO_ELIMIT when it has more
 * than bytes_max bytes. *stream moves on with 1. */
int wire_frame_next(str *stream, size_t bytes_max, str *ret_message, struct baro_error *err);

/*
 * The message of a frame, series by series, chunk by chunk.
 */
struct wire_chunks_in {
    struct reader message;
    struct reader chunks;
    struct labels_builder labels;
    int64_t query_index;
    bool failed;
};
void wire_chunks_in_begin(struct wire_chunks_in *in, str message);
void wire_chunks_in_done(struct wire_chunks_in *in);
bool wire_chunks_in_series(struct wire_chunks_in *in, struct labels *ret);
bool wire_chunks_in_chunk(struct wire_chunks_in *in, struct wire_chunk *ret);
