/*
 * protobuf: the wire format of protocol buffers, field by field, without a schema: the caller knows
 * the numbers. A message is a struct reader (codec/bytes.h) over its bytes; a message inside it is
 * read by a reader over the field's bytes, so the depth is that of the caller's code and nothing
 * recurses. Groups, which were given up long ago, are refused. Every getter checks the wire type
 * and makes the reader fail when it is another one: read on, and test `failed` once.
 *
 *     while (protobuf_next(&rd, &field)) {
 *         switch (field.number) {
 *         case 1: name = protobuf_bytes(&rd, &field); break;
 *         }
 *     }
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "codec/bytes.h"

enum protobuf_wire {
    PROTOBUF_VARINT = 0,
    PROTOBUF_FIXED64 = 1,
    PROTOBUF_BYTES = 2,
    PROTOBUF_FIXED32 = 5,
};

/* One field of a message; `value` with numbers, `bytes` (borrowed) with PROTOBUF_BYTES. */
struct protobuf_field {
    uint32_t number;
    enum protobuf_wire wire;
    uint64_t value;
    str bytes;
};

/* protobuf_next reads the next field; false at the end of the message, and when it is damaged
 * (rd->failed). */
bool protobuf_next(struct reader *rd, struct protobuf_field *ret);

/* protobuf_fail_with: a message within another one fails the one around it. */
static inline void protobuf_fail_with(struct reader *outer, const struct reader *inner)
{
    outer->failed = outer->failed || inner->failed;
}

/* The value of a field by its type in the schema: uint64, uint32, bool and enums; int64 and int32;
 * sint64; sint32 (which fails beyond 32 bits); fixed64 and sfixed64; double; string, bytes and
 * messages. */
uint64_t protobuf_uint(struct reader *rd, const struct protobuf_field *field);
int64_t protobuf_int(struct reader *rd, const struct protobuf_field *field);
int64_t protobuf_sint(struct reader *rd, const struct protobuf_field *field);
int32_t protobuf_sint32(struct reader *rd, const struct protobuf_field *field);
uint64_t protobuf_fixed64(struct reader *rd, const struct protobuf_field *field);
double protobuf_double(struct reader *rd, const struct protobuf_field *field);
str protobuf_bytes(struct reader *rd, const struct protobuf_field *field);

/* The numbers of a repeated field, which come one a field or packed into one:
 *     items = protobuf_items(&rd, &field, PROTOBUF_VARINT);
 *     while (protobuf_items_next(&items, &value)) ...
 * The message fails when the packed bytes are damaged. */
struct protobuf_items {
    struct reader *message;
    struct reader packed;
    enum protobuf_wire wire;
    uint64_t value; /* of the only one, when it is not packed */
    bool has_value;
};

struct protobuf_items protobuf_items(struct reader *rd, const struct protobuf_field *field,
                                     enum protobuf_wire wire);
bool protobuf_items_next(struct protobuf_items *items, uint64_t *ret);

/* protobuf_double_of makes the number of a PROTOBUF_FIXED64 item. */
double protobuf_double_of(uint64_t value);

/* protobuf_put_ append a field; test buf->failed once at the end. int is two's complement, sint
 * zigzag. */
void protobuf_put_uint(struct buf *buf, uint32_t number, uint64_t value);
void protobuf_put_int(struct buf *buf, uint32_t number, int64_t value);
void protobuf_put_sint(struct buf *buf, uint32_t number, int64_t value);
void protobuf_put_fixed64(struct buf *buf, uint32_t number, uint64_t value);
void protobuf_put_double(struct buf *buf, uint32_t number, double value);
void protobuf_put_bytes(struct buf *buf, uint32_t number, str bytes);
