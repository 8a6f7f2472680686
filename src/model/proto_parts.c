#include "model/proto_parts.h"

#include "codec/protobuf.h"

struct label proto_pair_read(struct reader *outer, str message)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};
    struct label label = {STR(""), STR("")};

    while (protobuf_next(&rd, &field)) {
        if (field.number == PROTO_PAIR_NAME) {
            label.name = protobuf_bytes(&rd, &field);
        } else if (field.number == PROTO_PAIR_VALUE) {
            label.value = protobuf_bytes(&rd, &field);
        }
    }
    protobuf_fail_with(outer, &rd);
    return label;
}

struct histogram_span proto_span_read(struct reader *outer, str message)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};
    struct histogram_span span = {0};

    while (protobuf_next(&rd, &field)) {
        if (field.number == PROTO_SPAN_OFFSET) {
            span.offset = protobuf_sint32(&rd, &field);
        } else if (field.number == PROTO_SPAN_LENGTH) {
            const uint64_t length = protobuf_uint(&rd, &field);

            rd.failed = rd.failed || length > UINT32_MAX;
            span.length = rd.failed ? 0 : (uint32_t)length;
        }
    }
    protobuf_fail_with(outer, &rd);
    return span;
}
