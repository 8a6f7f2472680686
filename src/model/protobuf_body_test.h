/*
 * protobuf_body_test: bodies in the protobuf exposition format, made by hand for tests. Messages
 * are written to buffers from the inside out; a message that was put into another is empty again.
 * Numbers of fields and families: docs/formats/exposition-protobuf.md.
 */
#pragma once

#include "base/buf.h"

/* protobuf_body_message puts a message into field `number` of out. */
void protobuf_body_message(struct buf *out, uint32_t number, struct buf *message);
void protobuf_body_label(struct buf *metric, const char *name, const char *value);

/* protobuf_body_exemplar makes an exemplar with the label `trace`; seconds 0 = without a timestamp,
 * else 5 ms are added. */
void protobuf_body_exemplar(struct buf *out, uint32_t number, const char *value, double at,
                            int64_t seconds);

/* protobuf_body_family appends a family with one metric: `value` goes to the field of its type,
 * behind a label a="b". */
void protobuf_body_family(struct buf *body, const char *name, unsigned type, struct buf *value);
void protobuf_body_span(struct buf *histogram, uint32_t number, int64_t offset, uint64_t length);
void protobuf_body_bucket(struct buf *histogram, double upper, uint64_t count, const char *exemplar,
                          int64_t seconds);
