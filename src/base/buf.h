/*
 * buf: growing owned bytes with a sticky failure: write freely, test `failed` once before trusting
 * the content. A zeroed struct buf is empty and ready. With limit > 0 it refuses to grow beyond
 * (failed is set, content kept).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

struct buf {
    char *ptr;
    size_t len;
    size_t capacity;
    size_t limit; /* bytes at most; 0 = none */
    bool failed;
};

/* buf_done frees the bytes and leaves an empty buf. */
void buf_done(struct buf *buf);

/* buf_reset forgets content and failure, and keeps the memory for reuse. */
static inline void buf_reset(struct buf *buf)
{
    buf->len = 0;
    buf->failed = false;
}

/* buf_reserve makes room for `more` bytes behind len and returns a pointer to it, NULL (and failed)
 * when it cannot. */
char *buf_reserve(struct buf *buf, size_t more);

/* buf_bytes appends `len` bytes; buf_str a str; buf_char one byte; buf_c a C string; buf_zero `len`
 * zero bytes. */
void buf_bytes(struct buf *buf, const void *bytes, size_t len);
void buf_zero(struct buf *buf, size_t len);
void buf_c(struct buf *buf, const char *c_string);

static inline void buf_str(struct buf *buf, str s)
{
    buf_bytes(buf, s.ptr, s.len);
}

static inline void buf_char(struct buf *buf, char c)
{
    if (LIKELY(buf->len < buf->capacity)) {
        buf->ptr[buf->len++] = c;
    } else {
        buf_bytes(buf, &c, 1);
    }
}

/* buf_printf appends formatted text. */
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
/* buf_quoted appends text in double quotes with Go's escapes, which are PromQL's too. */
void buf_quoted(struct buf *buf, str text);
/* buf_label_text appends text as the text format of metrics has it in label values: quotes,
 * backslashes and line breaks are escaped, and nothing else may be. buf_label_value puts double
 * quotes around it. */
void buf_label_text(struct buf *buf, str text);
void buf_label_value(struct buf *buf, str text);

/* buf_view is the content, valid until the next change. */
static inline str buf_view(const struct buf *buf)
{
    return (str){buf->ptr, buf->len};
}

/* buf_take_c terminates the content with NUL and hands the memory to the caller (mem_free); NULL
 * when failed. */
char *buf_take_c(struct buf *buf);
