/*
 * client_response: reads one HTTP/1.x response as its bytes arrive (RFC 9112). The owner receives
 * straight into `bytes`; a body with a Content-Length is then used where it lies, a chunked one is
 * joined in place. The peer is hostile: lines, headers and bodies are bounded, and framing that can
 * be read in two ways is refused. No I/O, no clock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

enum {
    RESPONSE_HEAD_BYTES_MAX = 64 << 10,  /* of all heads of a response, interim ones included */
    RESPONSE_CHUNK_LINE_BYTES_MAX = 256, /* size and extensions of a chunk */
    RESPONSE_INTERIM_MAX = 5,            /* 1xx responses before the final one, as in Go */
};

enum response_phase {
    RESPONSE_STATUS,
    RESPONSE_HEADERS,
    RESPONSE_LENGTH,
    RESPONSE_CHUNK_SIZE,
    RESPONSE_CHUNK_DATA,
    RESPONSE_CHUNK_END,
    RESPONSE_TRAILER,
    RESPONSE_UNTIL_CLOSE,
    RESPONSE_COMPLETE,
};

/* Zeroed = no memory yet; response_reset before each use. The first half is the outcome. */
struct response {
    struct buf bytes;     /* heads, decoded body, and what was not looked at yet */
    int status;           /* 0 = no status line yet */
    char status_text[64]; /* "404 Not Found", as the server worded it */
    bool is_packed;       /* Content-Encoding: gzip */
    bool is_too_long;     /* the body reached body_bytes_max */
    bool stays_open;      /* the connection can carry a further request */
    size_t body_at;       /* the decoded body in bytes */
    size_t body_len;      /* what of it has come */
    uint64_t left;        /* of the body or the chunk, yet to come */
    size_t type_at;       /* Content-Type in bytes; type_len 0 = absent */
    size_t type_len;

    uint64_t body_bytes_max; /* private from here on: a body of this size is too long */
    enum response_phase phase;
    size_t at;      /* bytes before it were read */
    size_t scanned; /* no line ends between `at` and here */
    size_t trailer_bytes;
    uint64_t content_length;
    uint32_t interim_count;
    bool is_old; /* HTTP/1.0 */
    bool has_length;
    bool is_chunked;
};

/* response_reset starts anew and keeps the memory. body_bytes_max > 0. */
void response_reset(struct response *response, uint64_t body_bytes_max);
void response_done(struct response *response);

/* response_room says how many bytes to make room for; more may be received. */
size_t response_room(const struct response *response);

/*
 * response_advance reads what was appended to bytes. Returns 1 when the response is complete, 0
 * when more must come; fails with BARO_ENETWORK (not HTTP, or framed in a way that is refused) or
 * BARO_ELIMIT (too long a head or body).
 */
int response_advance(struct response *response, struct baro_error *err);

/* response_end says what the end of the connection means: 0 when the body ends with it, else
 * BARO_ENETWORK. */
int response_end(struct response *response, struct baro_error *err);
