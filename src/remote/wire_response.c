/* The responses of remote read: remote/wire_read.h. */
#include <errno.h>

#include "codec/crc32c.h"
#include "codec/protobuf.h"
#include "model/proto_parts.h"
#include "remote/wire_fields.h"
#include "remote/wire_histogram.h"
#include "remote/wire_read.h"

enum { RESPONSE_RESULT = 1, RESULT_SERIES = 1 };
enum { CHUNKED_SERIES = 1, CHUNKED_QUERY };
enum { CHUNKED_LABEL = 1, CHUNKED_CHUNK };
enum { CHUNK_MINT = 1, CHUNK_MAXT, CHUNK_ENCODING, CHUNK_DATA };
enum { CRC_BYTES = 4, LABELS_MAX = 1 << 12 };

/* ---- samples out ---- */

void wire_response_out_done(struct wire_response_out *out)
{
    buf_done(&out->result);
    buf_done(&out->series);
    buf_done(&out->part);
}

void wire_response_result(struct wire_response_out *out)
{
    buf_reset(&out->result);
}

void wire_response_series(struct wire_response_out *out, struct labels labels)
{
    buf_reset(&out->series);
    for (size_t i = 0; i < labels.count; i++) {
        wire_label_put(&out->series, SERIES1_LABEL, labels.items[i]);
    }
}

void wire_response_sample(struct wire_response_out *out, const struct sample *sample)
{
    struct sample copy = *sample;

    copy.st = 0; /* the message has no room for it */
    if (copy.h == NULL) {
        wire_sample_put(&out->series, SERIES1_SAMPLE, &copy);
        return;
    }
    buf_reset(&out->part);
    wire_histogram_put(&out->part, &copy);
    protobuf_put_bytes(&out->series, SERIES1_HISTOGRAM, buf_view(&out->part));
    out->series.failed = out->series.failed || out->part.failed;
}

void wire_response_series_end(struct wire_response_out *out)
{
    protobuf_put_bytes(&out->result, RESULT_SERIES, buf_view(&out->series));
    out->result.failed = out->result.failed || out->series.failed;
}

void wire_response_result_end(struct wire_response_out *out, struct buf *response)
{
    protobuf_put_bytes(response, RESPONSE_RESULT, buf_view(&out->result));
    response->failed = response->failed || out->result.failed;
}

/* ---- samples in ---- */

/* The next message with a number; false at the end, and when it is damaged. */
static bool next_message(struct reader *rd, uint32_t number, bool *failed, str *ret)
{
    struct protobuf_field field = {0};

    while (!*failed && protobuf_next(rd, &field)) {
        if (field.number == number) {
            *ret = protobuf_bytes(rd, &field);
            break;
        }
        field.number = 0;
    }
    *failed = *failed || rd->failed;
    return !*failed && field.number == number;
}

/* The labels of a series, sorted. */
static bool read_labels(str message, uint32_t number, struct labels_builder *builder,
                        struct labels *ret)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};

    labels_builder_reset(builder);
    while (protobuf_next(&rd, &field)) {
        if (field.number == number) {
            const struct label label = proto_pair_read(&rd, protobuf_bytes(&rd, &field));

            rd.failed = rd.failed || builder->count == LABELS_MAX;
            if (!rd.failed) {
                labels_builder_add(builder, label.name, label.value);
            }
        }
    }
    *ret = labels_builder_finish(builder);
    return !rd.failed;
}

void wire_response_in_begin(struct wire_response_in *in, str body)
{
    in->body = reader_over(body);
    in->result = reader_over(STR(""));
    in->floats = in->result;
    in->histograms = in->result;
    in->failed = false;
}

void wire_response_in_done(struct wire_response_in *in)
{
    labels_builder_done(&in->labels);
}

bool wire_response_in_result(struct wire_response_in *in)
{
    str message = STR_NULL;

    if (!next_message(&in->body, RESPONSE_RESULT, &in->failed, &message)) {
        return false;
    }
    in->result = reader_over(message);
    return true;
}

bool wire_response_in_series(struct wire_response_in *in, struct labels *ret)
{
    str message = STR_NULL;

    if (!next_message(&in->result, RESULT_SERIES, &in->failed, &message)) {
        return false;
    }
    in->floats = reader_over(message);
    in->histograms = in->floats;
    in->failed = !read_labels(message, SERIES1_LABEL, &in->labels, ret);
    return !in->failed;
}

bool wire_response_in_sample(struct wire_response_in *in, struct arena *arena, struct sample *ret)
{
    str message = STR_NULL;

    if (next_message(&in->floats, SERIES1_SAMPLE, &in->failed, &message)) {
        in->failed = !wire_sample_read(message, false, ret);
        return !in->failed;
    }
    if (next_message(&in->histograms, SERIES1_HISTOGRAM, &in->failed, &message)) {
        in->failed = wire_histogram_read(message, arena, ret, NULL) < 0;
        return !in->failed;
    }
    return false;
}

/* ---- chunks ---- */

void wire_chunk_labels_put(struct buf *series, struct labels labels)
{
    for (size_t i = 0; i < labels.count; i++) {
        wire_label_put(series, CHUNKED_LABEL, labels.items[i]);
    }
}

void wire_chunk_put(struct buf *series, const struct wire_chunk *chunk)
{
    uint8_t bytes[3 * (1 + UVARINT_BYTES_MAX)];
    uint8_t *at = bytes;

    if (chunk->mint != 0) {
        *at++ = CHUNK_MINT << 3 | PROTOBUF_VARINT;
        at = put_uvarint(at, (uint64_t)chunk->mint);
    }
    if (chunk->maxt != 0) {
        *at++ = CHUNK_MAXT << 3 | PROTOBUF_VARINT;
        at = put_uvarint(at, (uint64_t)chunk->maxt);
    }
    *at++ = CHUNK_ENCODING << 3 | PROTOBUF_VARINT;
    at = put_uvarint(at, chunk->encoding);
    wire_bytes_head(series, CHUNKED_CHUNK, (size_t)(at - bytes) + wire_bytes_size(chunk->data.len));
    buf_bytes(series, bytes, (size_t)(at - bytes));
    protobuf_put_bytes(series, CHUNK_DATA, chunk->data);
}

void wire_frame_put(struct buf *stream, str series, int64_t query_index)
{
    uint8_t tail[1 + UVARINT_BYTES_MAX];
    uint8_t *at = tail;
    size_t crc_at;
    size_t message_at;
    size_t size;

    if (query_index != 0) {
        *at++ = CHUNKED_QUERY << 3 | PROTOBUF_VARINT;
        at = put_uvarint(at, (uint64_t)query_index);
    }
    size = wire_bytes_size(series.len) + (size_t)(at - tail);
    write_uvarint(stream, size);
    crc_at = stream->len;
    buf_zero(stream, CRC_BYTES);
    message_at = stream->len;
    protobuf_put_bytes(stream, CHUNKED_SERIES, series);
    buf_bytes(stream, tail, (size_t)(at - tail));
    if (!stream->failed) {
        store_be32(stream->ptr + crc_at, crc32c(str_of(stream->ptr + message_at, size)));
    }
}

int wire_frame_next(str *stream, size_t bytes_max, str *ret_message, struct baro_error *err)
{
    struct reader rd = reader_over(*stream);
    const uint64_t size = read_uvarint(&rd);
    const uint32_t crc = read_be32(&rd);
    str message;

    if (rd.failed) {
        return stream->len >= UVARINT_BYTES_MAX + CRC_BYTES
                   ? error_set(err, BARO_ECORRUPT, "remote read: the length of a frame is damaged")
                   : 0;
    }
    if (size > bytes_max) {
        return error_set(err, BARO_ELIMIT, "remote read: a frame of more than %zu bytes",
                         bytes_max);
    }
    message = read_bytes(&rd, size);
    if (rd.failed) {
        return 0;
    }
    if (crc32c(message) != crc) {
        return error_set(err, BARO_ECORRUPT, "remote read: the checksum of a frame differs");
    }
    *stream = str_from_index(*stream, rd.offset);
    *ret_message = message;
    return 1;
}

/* The number of the query may stand behind the series. */
void wire_chunks_in_begin(struct wire_chunks_in *in, str message)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};

    in->message = rd;
    in->chunks = reader_over(STR(""));
    in->query_index = 0;
    while (protobuf_next(&rd, &field)) {
        if (field.number == CHUNKED_QUERY) {
            in->query_index = protobuf_int(&rd, &field);
        }
    }
    in->failed = rd.failed;
}

void wire_chunks_in_done(struct wire_chunks_in *in)
{
    labels_builder_done(&in->labels);
}

bool wire_chunks_in_series(struct wire_chunks_in *in, struct labels *ret)
{
    str message = STR_NULL;

    if (!next_message(&in->message, CHUNKED_SERIES, &in->failed, &message)) {
        return false;
    }
    in->chunks = reader_over(message);
    in->failed = !read_labels(message, CHUNKED_LABEL, &in->labels, ret);
    return !in->failed;
}

bool wire_chunks_in_chunk(struct wire_chunks_in *in, struct wire_chunk *ret)
{
    struct protobuf_field field = {0};
    struct wire_chunk chunk = {.data = STR("")};
    str message = STR_NULL;
    struct reader rd;

    if (!next_message(&in->chunks, CHUNKED_CHUNK, &in->failed, &message)) {
        return false;
    }
    rd = reader_over(message);
    while (protobuf_next(&rd, &field)) {
        if (field.number == CHUNK_MINT) {
            chunk.mint = protobuf_int(&rd, &field);
        } else if (field.number == CHUNK_MAXT) {
            chunk.maxt = protobuf_int(&rd, &field);
        } else if (field.number == CHUNK_ENCODING) {
            const uint64_t encoding = protobuf_uint(&rd, &field);

            rd.failed = rd.failed || encoding > UINT8_MAX;
            chunk.encoding = rd.failed ? 0 : (uint32_t)encoding;
        } else if (field.number == CHUNK_DATA) {
            chunk.data = protobuf_bytes(&rd, &field);
        }
    }
    in->failed = in->failed || rd.failed;
    if (!in->failed) {
        *ret = chunk;
    }
    return !in->failed;
}
