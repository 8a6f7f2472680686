#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/mem.h"

/* Small ones double: most of what is written has less than DOUBLED_BYTES_MAX. */
enum { BUF_BYTES_MIN = 64, DOUBLED_BYTES_MAX = 64 << 10 };

void buf_done(struct buf *buf)
{
    (void)mem_free(buf->ptr);
    *buf = (struct buf){.limit = buf->limit};
}

char *buf_reserve(struct buf *buf, size_t more)
{
    size_t wanted;
    size_t capacity;
    char *grown;

    if (LIKELY(buf->capacity - buf->len >= more && buf->ptr != NULL && !buf->failed)) {
        return buf->ptr + buf->len;
    }
    if (buf->failed || !size_add(buf->len, more, &wanted) ||
        (buf->limit > 0 && wanted > buf->limit)) {
        buf->failed = true;
        return NULL;
    }
    capacity =
        buf->capacity + (buf->capacity < DOUBLED_BYTES_MAX ? buf->capacity : buf->capacity / 2);
    capacity = capacity < BUF_BYTES_MIN ? BUF_BYTES_MIN : capacity;
    capacity = capacity < wanted ? wanted : capacity;
    capacity = buf->limit > 0 && capacity > buf->limit ? buf->limit : capacity;
    grown = mem_try_realloc(buf->ptr, capacity);
    if (grown == NULL) {
        buf->failed = true;
        return NULL;
    }
    buf->ptr = grown;
    buf->capacity = capacity;
    return buf->ptr + buf->len;
}

void buf_bytes(struct buf *buf, const void *bytes, size_t len)
{
    char *room;

    if (len == 0) {
        return;
    }
    room = buf_reserve(buf, len);
    if (room != NULL) {
        memcpy(room, bytes, len);
        buf->len += len;
    }
}

void buf_zero(struct buf *buf, size_t len)
{
    char *room = buf_reserve(buf, len);

    if (room != NULL) {
        memset(room, 0, len);
        buf->len += len;
    }
}

void buf_c(struct buf *buf, const char *c_string)
{
    buf_bytes(buf, c_string, strlen(c_string));
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    int size;
    char *room;

    va_start(args, format);
    size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    ASSERT(size >= 0);
    room = buf_reserve(buf, (size_t)size + 1);
    if (room != NULL) {
        va_start(args, format);
        (void)vsnprintf(room, (size_t)size + 1, format, args);
        va_end(args);
        buf->len += (size_t)size;
    }
}

char *buf_take_c(struct buf *buf)
{
    char *text;

    buf_char(buf, '\0');
    if (buf->failed) {
        buf_done(buf);
        return NULL;
    }
    text = buf->ptr;
    *buf = (struct buf){.limit = buf->limit};
    return text;
}

/* The escapes of Go's strconv.Quote for what has a letter; other control characters become \x..,
 * and what is not UTF-8 too. */
void buf_quoted(struct buf *buf, str text)
{
    static const char letters[] = "abtnvfr"; /* 0x07.. 0x0D */

    buf_char(buf, '"');
    while (text.len > 0) {
        uint32_t rune = 0;
        size_t size = utf8_decode(text, &rune);
        unsigned char c = (unsigned char)text.ptr[0];

        if (size == 0 || c < 0x07 || (c > 0x0D && c < 0x20) || c == 0x7F) {
            buf_printf(buf, "\\x%02x", c);
            size = 1;
        } else if (c <= 0x0D) {
            buf_char(buf, '\\');
            buf_char(buf, letters[c - 0x07]);
        } else if (c == '"' || c == '\\') {
            buf_char(buf, '\\');
            buf_char(buf, (char)c);
        } else {
            buf_bytes(buf, text.ptr, size);
        }
        text = str_from_index(text, size);
    }
    buf_char(buf, '"');
}

void buf_label_text(struct buf *buf, str text)
{
    size_t start = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '\\' || c == '"' || c == '\n') {
            buf_str(buf, str_slice(text, start, i));
            buf_char(buf, '\\');
            buf_char(buf, c == '\n' ? 'n' : c);
            start = i + 1;
        }
    }
    buf_str(buf, str_from_index(text, start));
}

void buf_label_value(struct buf *buf, str text)
{
    buf_char(buf, '"');
    buf_label_text(buf, text);
    buf_char(buf, '"');
}
