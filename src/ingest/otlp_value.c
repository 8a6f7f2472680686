#include "ingest/otlp_value.h"

#include "base/num.h"
#include "base/text.h"
#include "base/vec.h"
#include "codec/base64.h"
#include "codec/json_write.h"
#include "codec/protobuf.h"
#include "ingest/otlp_fields.h"
#include "model/proto_parts.h"

enum {
    DEPTH_MAX = 32,      /* lists and maps within each other */
    PAIRS_MAX = 1 << 16, /* of one map, which are sorted */
};

/* ES6's form: the exponent has no leading zero. */
static void put_double(struct buf *out, double value)
{
    char text[NUM_TEXT_MAX];
    const size_t len = num_format_double(value, NUM_JSON, text);
    const size_t e = str_index(str_of(text, len), STR("e-0"));

    buf_str(out, str_slice(str_of(text, len), 0, e != SIZE_MAX ? e + 2 : len));
    if (e != SIZE_MAX) {
        buf_str(out, str_slice(str_of(text, len), e + 3, len));
    }
}

static void put_json(struct reader *outer, str message, struct arena *arena, int depth,
                     struct json_writer *json);

static void put_array(struct reader *outer, str message, struct arena *arena, int depth,
                      struct json_writer *json)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};

    json_write_array_begin(json);
    while (protobuf_next(&rd, &field)) {
        if (field.number == LIST_VALUES) {
            put_json(&rd, protobuf_bytes(&rd, &field), arena, depth + 1, json);
        }
    }
    json_write_array_end(json);
    protobuf_fail_with(outer, &rd);
}

/* Keys are sorted, as Go's encoder has it. */
static void put_map(struct reader *outer, str message, struct arena *arena, int depth,
                    struct json_writer *json)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};
    VEC(struct label) pairs = {0};

    while (protobuf_next(&rd, &field)) {
        if (field.number == LIST_VALUES && pairs.count == PAIRS_MAX) {
            rd.failed = true;
        } else if (field.number == LIST_VALUES) {
            vec_push(&pairs, proto_pair_read(&rd, protobuf_bytes(&rd, &field)));
        }
    }
    if (pairs.count > 0) {
        labels_sort(pairs.items, pairs.count);
    }
    json_write_object_begin(json);
    for (size_t i = 0; i < pairs.count; i++) {
        json_write_key(json, pairs.items[i].name);
        put_json(&rd, pairs.items[i].value, arena, depth + 1, json);
    }
    json_write_object_end(json);
    vec_done(&pairs);
    protobuf_fail_with(outer, &rd);
}

/* The field of an AnyValue that is set; number 0 when none is. */
static struct protobuf_field value_field(struct reader *outer, str message)
{
    struct reader rd = reader_over(message);
    struct protobuf_field field = {0};
    struct protobuf_field last = {0};

    while (protobuf_next(&rd, &field)) {
        last = field.number >= ANY_STRING && field.number <= ANY_BYTES ? field : last;
    }
    protobuf_fail_with(outer, &rd);
    return last;
}

static void put_json(struct reader *outer, str message, struct arena *arena, int depth,
                     struct json_writer *json)
{
    const struct protobuf_field field = value_field(outer, message);
    str text;

    outer->failed = outer->failed || depth > DEPTH_MAX;
    if (outer->failed || field.number == 0) {
        json_write_null(json);
        return;
    }
    switch (field.number) {
    case ANY_ARRAY:
        put_array(outer, protobuf_bytes(outer, &field), arena, depth, json);
        break;
    case ANY_KVLIST:
        put_map(outer, protobuf_bytes(outer, &field), arena, depth, json);
        break;
    default:
        text = otlp_value_text(outer, message, arena);
        if (field.number == ANY_STRING || field.number == ANY_BYTES) {
            json_write_str(json, text);
        } else {
            json_write_raw(json, text);
        }
        break;
    }
}

static str json_text_of(struct reader *outer, str message, struct arena *arena)
{
    struct buf out = {0};
    struct json_writer json = json_write_over(&out);

    put_json(outer, message, arena, 0, &json);
    return text_take(arena, &out);
}

str otlp_value_text(struct reader *outer, str message, struct arena *arena)
{
    const struct protobuf_field field = value_field(outer, message);
    struct buf out = {0};

    switch (field.number) {
    case ANY_STRING:
        return protobuf_bytes(outer, &field);
    case ANY_BOOL:
        return protobuf_uint(outer, &field) != 0 ? STR("true") : STR("false");
    case ANY_INT:
        buf_i64(&out, protobuf_int(outer, &field));
        break;
    case ANY_DOUBLE:
        put_double(&out, protobuf_double(outer, &field));
        break;
    case ANY_BYTES:
        base64_encode(&out, protobuf_bytes(outer, &field), false);
        break;
    case ANY_ARRAY:
    case ANY_KVLIST:
        return json_text_of(outer, message, arena);
    default:
        return STR("");
    }
    return text_take(arena, &out);
}

struct label otlp_attribute_read(struct reader *outer, str message, struct arena *arena)
{
    struct label label = proto_pair_read(outer, message);

    label.value = otlp_value_text(outer, label.value, arena);
    return label;
}
