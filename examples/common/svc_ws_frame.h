/* svc_ws_frame: the bytes of RFC 6455, both ways. Pure; memory is bounded by the caller's limits.
 */
#pragma once

#include "svc_util.h"

enum svc_ws_opcode {
    SVC_WS_CONTINUATION = 0,
    SVC_WS_TEXT = 1,
    SVC_WS_BINARY = 2,
    SVC_WS_CLOSE = 8,
    SVC_WS_PING = 9,
    SVC_WS_PONG = 10,
};

/* Close codes (RFC 6455, 7.4.1); parsers return them negated. */
enum {
    SVC_WS_CODE_GOING_AWAY = 1001,
    SVC_WS_CODE_PROTOCOL = 1002,
    SVC_WS_CODE_UNSUPPORTED = 1003,
    SVC_WS_CODE_NOT_UTF8 = 1007,
    SVC_WS_CODE_TOO_BIG = 1009,
};

struct svc_ws_frame {
    enum svc_ws_opcode opcode;
    bool is_final;
    uint8_t *payload; /* unmasked in place */
    size_t len;
};

/*
 * svc_ws_frame_read takes one frame from a client off ptr: > 0 = bytes consumed, 0 = more bytes are
 * needed, < 0 = a negated close code: the connection must end.
 */
int64_t svc_ws_frame_read(uint8_t *ptr, size_t len, size_t payload_max, struct svc_ws_frame *ret);

/* svc_ws_frame_write appends one final, unmasked frame. */
void svc_ws_frame_write(struct svc_bytes *to, enum svc_ws_opcode opcode, const void *payload,
                        size_t len);

/* A message that comes in fragments. Start with { .bytes.max = N }. */
struct svc_ws_message {
    struct svc_bytes bytes;
    bool is_open; /* a first fragment came, the final one did not */
};

/* svc_ws_message_take adds a data frame: 1 = the message is whole, in bytes (reset by the next
 * call), 0 = not yet, < 0 = a negated close code. */
int svc_ws_message_take(struct svc_ws_message *message, const struct svc_ws_frame *frame);

/* svc_ws_accept computes Sec-WebSocket-Accept for a client's key; false when the key is none. */
enum { SVC_WS_ACCEPT_SIZE = 29 };
bool svc_ws_accept(const char *key, char ret[SVC_WS_ACCEPT_SIZE]);

/* svc_utf8_is_valid refuses overlong forms, surrogates and what exceeds U+10FFFF. */
bool svc_utf8_is_valid(const uint8_t *ptr, size_t len);
