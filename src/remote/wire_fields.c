#include "remote/wire_fields.h"

#include "codec/protobuf.h"
#include "model/proto_parts.h"

size_t wire_bytes_size(size_t size)
{
    return 1 + uvarint_size(size) + size;
}

void wire_bytes_head(struct buf *buf, uint32_t number, size_t size)
{
    write_uvarint(buf, (uint64_t)number << 3 | PROTOBUF_BYTES);
    write_uvarint(buf, size);
}

void wire_label_put(struct buf *buf, uint32_t number, struct label label)
{
    wire_bytes_head(buf, number,
                    wire_bytes_size(label.name.len) + wire_bytes_size(label.value.len));
    protobuf_put_bytes(buf, PROTO_PAIR_NAME, label.name);
    protobuf_put_bytes(buf, PROTO_PAIR_VALUE, label.value);
}

/* A zero is left out, as the format has it; minus zero is not one. */
void wire_sample_put(struct buf *buf, uint32_t number, const struct sample *sample)
{
    uint8_t bytes[3 * (1 + UVARINT_BYTES_MAX)];
    uint8_t *at = bytes;
    const uint64_t bits = value_bits(sample->v);

    if (bits != 0) {
        *at++ = SAMPLE_VALUE << 3 | PROTOBUF_FIXED64;
        memcpy(at, &bits, sizeof(bits));
        at += sizeof(bits);
    }
    if (sample->t != 0) {
        *at++ = SAMPLE_TIME << 3 | PROTOBUF_VARINT;
        at = put_uvarint(at, (uint64_t)sample->t);
    }
    if (sample->st != 0) {
        *at++ = SAMPLE_START << 3 | PROTOBUF_VARINT;
        at = put_uvarint(at, (uint64_t)sample->st);
    }
    protobuf_put_bytes(buf, number, str_of((const char *)bytes, (size_t)(at - bytes)));
}

bool wire_sample_read(str message, bool with_start, struct sample *ret)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};
    struct sample sample = {0};

    while (protobuf_next(&rd, &field)) {
        if (field.number == SAMPLE_VALUE) {
            sample.v = protobuf_double(&rd, &field);
        } else if (field.number == SAMPLE_TIME) {
            sample.t = protobuf_int(&rd, &field);
        } else if (field.number == SAMPLE_START && with_start) {
            sample.st = protobuf_int(&rd, &field);
        }
    }
    if (!rd.failed) {
        *ret = sample;
    }
    return !rd.failed;
}
