#include "model/protobuf_body_test.h"

#include "codec/protobuf.h"

void protobuf_body_message(struct buf *out, uint32_t number, struct buf *message)
{
    protobuf_put_bytes(out, number, buf_view(message));
    buf_reset(message);
}

void protobuf_body_label(struct buf *metric, const char *name, const char *value)
{
    struct buf pair = {0};

    protobuf_put_bytes(&pair, 1, str_from(name));
    protobuf_put_bytes(&pair, 2, str_from(value));
    protobuf_body_message(metric, 1, &pair);
    buf_done(&pair);
}

void protobuf_body_exemplar(struct buf *out, uint32_t number, const char *value, double at,
                            int64_t seconds)
{
    struct buf exemplar = {0};
    struct buf time = {0};

    protobuf_body_label(&exemplar, "trace", value);
    protobuf_put_double(&exemplar, 2, at);
    if (seconds != 0) {
        protobuf_put_int(&time, 1, seconds);
        protobuf_put_int(&time, 2, 5000000);
        protobuf_body_message(&exemplar, 3, &time);
    }
    protobuf_body_message(out, number, &exemplar);
    buf_done(&exemplar);
    buf_done(&time);
}

/* A family with one metric: `value` goes to the field of its type, behind a label a="b". */
void protobuf_body_family(struct buf *body, const char *name, unsigned type, struct buf *value)
{
    static const uint32_t fields[] = {3, 2, 4, 5, 7, 7};
    struct buf family = {0};
    struct buf metric = {0};

    protobuf_body_label(&metric, "a", "b");
    protobuf_body_message(&metric, fields[type], value);
    protobuf_put_bytes(&family, 1, str_from(name));
    protobuf_put_bytes(&family, 2, STR("help of it"));
    protobuf_put_uint(&family, 3, type);
    protobuf_body_message(&family, 4, &metric);
    write_uvarint_bytes(body, buf_view(&family));
    buf_done(&family);
    buf_done(&metric);
}

void protobuf_body_span(struct buf *histogram, uint32_t number, int64_t offset, uint64_t length)
{
    struct buf span = {0};

    protobuf_put_sint(&span, 1, offset);
    protobuf_put_uint(&span, 2, length);
    protobuf_body_message(histogram, number, &span);
    buf_done(&span);
}

void protobuf_body_bucket(struct buf *histogram, double upper, uint64_t count, const char *exemplar,
                          int64_t seconds)
{
    struct buf bucket = {0};

    protobuf_put_uint(&bucket, 1, count);
    protobuf_put_double(&bucket, 2, upper);
    if (exemplar != NULL) {
        protobuf_body_exemplar(&bucket, 3, exemplar, upper / 2, seconds);
    }
    protobuf_body_message(histogram, 3, &bucket);
    buf_done(&bucket);
}
