#include "remote/wire_out.h"

#include <errno.h>

#include "codec/bytes.h"
#include "codec/compress.h"
#include "codec/protobuf.h"
#include "remote/wire_fields.h"
#include "remote/wire_histogram.h"

/* It is 0 for the empty text. */
uint32_t wire_out_symbol(struct wire_out *out, str text)
{
    void *known = text.len > 0 ? map_get(&out->symbol_numbers, text) : NULL;

    if (text.len == 0) {
        return 0;
    }
    if (known == NULL) {
        /* Values of the map are not NULL, and no text but the empty one has number 0. */
        known = (void *)(uintptr_t)out->symbol_count++; // NOLINT(performance-no-int-to-ptr)
        (void)map_put(&out->symbol_numbers, arena_str(&out->texts, text), known);
        protobuf_put_bytes(&out->symbols, REQUEST2_SYMBOL, text);
    }
    return (uint32_t)(uintptr_t)known;
}

void wire_out_begin(struct wire_out *out, enum wire_message message)
{
    out->message = message;
    out->request++;
    buf_reset(&out->body);
    buf_reset(&out->series);
    buf_reset(&out->symbols);
    map_done(&out->symbol_numbers);
    arena_reset(&out->texts);
    out->symbol_count = 0;
    if (message == WIRE_WRITE_2) {
        protobuf_put_bytes(&out->symbols, REQUEST2_SYMBOL, STR(""));
        out->symbol_count = 1;
    }
}

void wire_out_done(struct wire_out *out)
{
    buf_done(&out->body);
    buf_done(&out->series);
    buf_done(&out->part);
    buf_done(&out->refs);
    buf_done(&out->symbols);
    map_done(&out->symbol_numbers);
    arena_done(&out->texts);
    *out = (struct wire_out){0};
}

/* Labels as pairs, or as numbers of symbols in one packed field. */
static void put_labels(struct wire_out *out, struct buf *buf, uint32_t number, struct labels labels)
{
    struct buf *refs = &out->refs;

    buf_reset(refs);
    for (size_t i = 0; i < labels.count; i++) {
        if (out->message == WIRE_WRITE_1) {
            wire_label_put(buf, number, labels.items[i]);
        } else {
            write_uvarint(refs, wire_out_symbol(out, labels.items[i].name));
            write_uvarint(refs, wire_out_symbol(out, labels.items[i].value));
        }
    }
    if (refs->len > 0) {
        protobuf_put_bytes(buf, number, buf_view(refs));
    }
    buf->failed = buf->failed || refs->failed;
}

void wire_out_series(struct wire_out *out, struct labels labels)
{
    STATIC_ASSERT((int)SERIES1_LABEL == (int)SERIES2_REFS, "one number for both");
    buf_reset(&out->series);
    put_labels(out, &out->series, SERIES1_LABEL, labels);
}

void wire_out_series_refs(struct wire_out *out, const uint32_t *refs, size_t count)
{
    enum { REF_BYTES_MAX = 5 }; /* of 32 bits, seven a byte */
    uint8_t *at;

    ASSERT(out->message == WIRE_WRITE_2);
    buf_reset(&out->series);
    buf_reset(&out->refs);
    at = (uint8_t *)buf_reserve(&out->refs, count * REF_BYTES_MAX + UVARINT_BYTES_MAX);
    if (at == NULL) {
        out->series.failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        at = put_uvarint(at, refs[i]);
    }
    out->refs.len = (size_t)((char *)at - out->refs.ptr);
    protobuf_put_bytes(&out->series, SERIES2_REFS, buf_view(&out->refs));
}

void wire_out_sample(struct wire_out *out, const struct sample *sample)
{
    const bool v2 = out->message == WIRE_WRITE_2;
    struct sample copy = *sample;

    copy.st = v2 ? copy.st : 0;
    if (copy.h == NULL) {
        wire_sample_put(&out->series, v2 ? SERIES2_SAMPLE : SERIES1_SAMPLE, &copy);
    } else {
        buf_reset(&out->part);
        wire_histogram_put(&out->part, &copy);
        protobuf_put_bytes(&out->series, v2 ? SERIES2_HISTOGRAM : SERIES1_HISTOGRAM,
                           buf_view(&out->part));
        out->series.failed = out->series.failed || out->part.failed;
    }
}

void wire_out_exemplar(struct wire_out *out, const struct exemplar *exemplar)
{
    const bool v2 = out->message == WIRE_WRITE_2;

    buf_reset(&out->part);
    put_labels(out, &out->part, EXEMPLAR_LABELS, exemplar->labels);
    if (value_bits(exemplar->value) != 0) {
        protobuf_put_double(&out->part, EXEMPLAR_VALUE, exemplar->value);
    }
    if (exemplar->t != 0) {
        protobuf_put_int(&out->part, EXEMPLAR_TIME, exemplar->t);
    }
    protobuf_put_bytes(&out->series, v2 ? SERIES2_EXEMPLAR : SERIES1_EXEMPLAR,
                       buf_view(&out->part));
    out->series.failed = out->series.failed || out->part.failed;
}

/* The enumerations of both messages have the order of ours. */
void wire_out_metadata(struct wire_out *out, const struct metadata *metadata)
{
    ASSERT(out->message == WIRE_WRITE_2);
    buf_reset(&out->part);
    protobuf_put_uint(&out->part, METADATA_TYPE, (uint64_t)metadata->type);
    protobuf_put_uint(&out->part, METADATA_HELP, wire_out_symbol(out, metadata->help));
    protobuf_put_uint(&out->part, METADATA_UNIT, wire_out_symbol(out, metadata->unit));
    protobuf_put_bytes(&out->series, SERIES2_METADATA, buf_view(&out->part));
    out->series.failed = out->series.failed || out->part.failed;
}

void wire_out_series_end(struct wire_out *out)
{
    protobuf_put_bytes(&out->body, out->message == WIRE_WRITE_2 ? REQUEST2_SERIES : REQUEST1_SERIES,
                       buf_view(&out->series));
    out->body.failed = out->body.failed || out->series.failed;
}

void wire_out_float(struct wire_out *out, const str *fields, size_t count, double v, int64_t t)
{
    /* Tag and length, value with its tag, time with its tag. */
    uint8_t sample[2 + 9 + 1 + UVARINT_BYTES_MAX];
    uint8_t *end = sample + 2;
    uint64_t bits = value_bits(v);
    size_t bytes = 0;
    uint8_t *at;

    ASSERT(out->message == WIRE_WRITE_1);
    if (bits != 0) {
        *end++ = SAMPLE_VALUE << 3 | PROTOBUF_FIXED64;
        memcpy(end, &bits, sizeof(bits));
        end += sizeof(bits);
    }
    if (t != 0) {
        *end++ = SAMPLE_TIME << 3 | PROTOBUF_VARINT;
        end = put_uvarint(end, (uint64_t)t);
    }
    sample[0] = SERIES1_SAMPLE << 3 | PROTOBUF_BYTES;
    sample[1] = (uint8_t)(end - sample - 2);
    for (size_t i = 0; i < count; i++) {
        bytes += fields[i].len;
    }
    bytes += (size_t)(end - sample);
    at = (uint8_t *)buf_reserve(&out->body, bytes + 1 + UVARINT_BYTES_MAX);
    if (at == NULL) {
        return;
    }
    *at++ = REQUEST1_SERIES << 3 | PROTOBUF_BYTES;
    at = put_uvarint(at, bytes);
    for (size_t i = 0; i < count; i++) {
        memcpy(at, fields[i].ptr, fields[i].len);
        at += fields[i].len;
    }
    memcpy(at, sample, (size_t)(end - sample));
    at += end - sample;
    out->body.len = (size_t)((char *)at - out->body.ptr);
}

void wire_out_family(struct wire_out *out, str name, const struct metadata *metadata)
{
    ASSERT(out->message == WIRE_WRITE_1);
    buf_reset(&out->part);
    protobuf_put_uint(&out->part, FAMILY_TYPE, (uint64_t)metadata->type);
    protobuf_put_bytes(&out->part, FAMILY_NAME, name);
    protobuf_put_bytes(&out->part, FAMILY_HELP, metadata->help);
    protobuf_put_bytes(&out->part, FAMILY_UNIT, metadata->unit);
    protobuf_put_bytes(&out->body, REQUEST1_FAMILY, buf_view(&out->part));
    out->body.failed = out->body.failed || out->part.failed;
}

size_t wire_out_bytes(const struct wire_out *out)
{
    return out->symbols.len + out->body.len;
}

int wire_out_finish_raw(struct wire_out *out, struct buf *ret, struct baro_error *err)
{
    if (out->symbols.failed || out->body.failed) {
        return error_set(err, -ENOMEM, "no memory for a remote write request");
    }
    buf_str(ret, buf_view(&out->symbols));
    buf_str(ret, buf_view(&out->body));
    return ret->failed ? error_set(err, -ENOMEM, "no memory for a remote write request") : 0;
}

/* Symbols go in front of the series, which refer to them. */
int wire_out_finish(struct wire_out *out, struct buf *ret, struct baro_error *err)
{
    int r;

    buf_reset(&out->series);
    r = wire_out_finish_raw(out, &out->series, err);
    return r < 0 ? r : snappy_pack(buf_view(&out->series), ret, err);
}
