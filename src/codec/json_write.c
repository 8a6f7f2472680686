#include "codec/json_write.h"

#include <math.h>
#include <string.h>

#include "base/assert.h"

static const char hex_digits[] = "0123456789abcdef";

/* Two decimal digits at a time: timestamps are most of a matrix answer. */
static const char digit_pairs[] =
    "00010203040506070809101112131415161718192021222324252627282930313233"
    "34353637383940414243444546474849505152535455565758596061626364656667"
    "6869707172737475767778798081828384858687888990919293949596979899";

static void put_comma(struct json_writer *json)
{
    if (json->need_comma) {
        buf_char(json->buf, ',');
    }
    json->need_comma = true;
}

void json_write_object_begin(struct json_writer *json)
{
    put_comma(json);
    buf_char(json->buf, '{');
    json->need_comma = false;
}

void json_write_object_end(struct json_writer *json)
{
    buf_char(json->buf, '}');
    json->need_comma = true;
}

void json_write_array_begin(struct json_writer *json)
{
    put_comma(json);
    buf_char(json->buf, '[');
    json->need_comma = false;
}

void json_write_array_end(struct json_writer *json)
{
    buf_char(json->buf, ']');
    json->need_comma = true;
}

/* Bytes that can be copied as they are: neither control, quote, backslash, HTML nor multi-byte. */
static inline bool is_plain(unsigned char c, bool html)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' &&
           !(html && (c == '<' || c == '>' || c == '&'));
}

static void put_escape(struct buf *buf, unsigned char c)
{
    char text[6] = {'\\', 'u', '0', '0', hex_digits[c >> 4], hex_digits[c & 15]};

    switch (c) {
    case '"':
        buf_str(buf, STR("\\\""));
        break;
    case '\\':
        buf_str(buf, STR("\\\\"));
        break;
    case '\n':
        buf_str(buf, STR("\\n"));
        break;
    case '\r':
        buf_str(buf, STR("\\r"));
        break;
    case '\t':
        buf_str(buf, STR("\\t"));
        break;
    default:
        buf_bytes(buf, text, sizeof(text));
        break;
    }
}

/* A multi-byte character at s.ptr[0]: itself, an escape, or U+FFFD for an ill-formed byte. Returns
 * the bytes read. */
static size_t put_rune(struct buf *buf, str s, bool html)
{
    uint32_t rune = 0;
    size_t size = utf8_decode(s, &rune);

    if (size == 0) {
        buf_str(buf, STR("\\ufffd"));
        return 1;
    }
    if (html && (rune == 0x2028 || rune == 0x2029)) {
        buf_str(buf, rune == 0x2028 ? STR("\\u2028") : STR("\\u2029"));
    } else {
        buf_bytes(buf, s.ptr, size);
    }
    return size;
}

static void put_quoted(struct buf *buf, str s, bool html)
{
    size_t at = 0;

    buf_char(buf, '"');
    while (at < s.len) {
        size_t run = at;

        while (run < s.len && is_plain((unsigned char)s.ptr[run], html)) {
            run++;
        }
        buf_bytes(buf, s.ptr + at, run - at);
        at = run;
        if (at == s.len) {
            break;
        }
        if ((unsigned char)s.ptr[at] < 0x80) {
            put_escape(buf, (unsigned char)s.ptr[at++]);
        } else {
            at += put_rune(buf, str_from_index(s, at), html);
        }
    }
    buf_char(buf, '"');
}

void json_write_key(struct json_writer *json, str key)
{
    put_comma(json);
    put_quoted(json->buf, key, false);
    buf_char(json->buf, ':');
    json->need_comma = false;
}

void json_write_str(struct json_writer *json, str value)
{
    put_comma(json);
    put_quoted(json->buf, value, true);
}

void json_write_str_plain(struct json_writer *json, str value)
{
    put_comma(json);
    put_quoted(json->buf, value, false);
}

void json_write_raw(struct json_writer *json, str text)
{
    put_comma(json);
    buf_str(json->buf, text);
}

void json_write_bool(struct json_writer *json, bool value)
{
    json_write_raw(json, value ? STR("true") : STR("false"));
}

void json_write_null(struct json_writer *json)
{
    json_write_raw(json, STR("null"));
}

void json_write_i64(struct json_writer *json, int64_t value)
{
    put_comma(json);
    buf_i64(json->buf, value);
}

void json_write_u64(struct json_writer *json, uint64_t value)
{
    put_comma(json);
    buf_u64(json->buf, value);
}

void json_write_number(struct json_writer *json, double value)
{
    char text[NUM_TEXT_MAX];
    size_t size;

    if (!isfinite(value)) {
        json_write_null(json);
        return;
    }
    size = num_format_double(value, NUM_JSON, text);
    /* encoding/json writes e-09 as e-9. */
    if (size >= 4 && text[size - 4] == 'e' && text[size - 3] == '-' && text[size - 2] == '0') {
        text[size - 2] = text[size - 1];
        size--;
    }
    json_write_raw(json, str_of(text, size));
}

void json_write_value(struct json_writer *json, double value)
{
    put_comma(json);
    buf_char(json->buf, '"');
    buf_double(json->buf, value, NUM_JSON);
    buf_char(json->buf, '"');
}

void json_write_pair_str(struct json_writer *json, str key, str value)
{
    json_write_key(json, key);
    json_write_str(json, value);
}

void json_write_pair_i64(struct json_writer *json, str key, int64_t value)
{
    json_write_key(json, key);
    json_write_i64(json, value);
}

void json_write_pair_u64(struct json_writer *json, str key, uint64_t value)
{
    json_write_key(json, key);
    json_write_u64(json, value);
}

void json_write_pair_number(struct json_writer *json, str key, double value)
{
    json_write_key(json, key);
    json_write_number(json, value);
}

void json_write_pair_bool(struct json_writer *json, str key, bool value)
{
    json_write_key(json, key);
    json_write_bool(json, value);
}

static char *write_u64(char *to, uint64_t v)
{
    char text[20];
    size_t at = sizeof(text);

    while (v >= 100) {
        at -= 2;
        memcpy(text + at, digit_pairs + 2 * (v % 100), 2);
        v /= 100;
    }
    if (v >= 10) {
        at -= 2;
        memcpy(text + at, digit_pairs + 2 * v, 2);
    } else {
        text[--at] = (char)('0' + v);
    }
    memcpy(to, text + at, sizeof(text) - at);
    return to + (sizeof(text) - at);
}

/* Seconds, and three digits behind the point unless they are all zero. */
static char *write_time(char *to, int64_t t_ms)
{
    uint64_t magnitude = t_ms < 0 ? 0 - (uint64_t)t_ms : (uint64_t)t_ms;
    uint64_t fraction = magnitude % 1000;

    if (t_ms < 0) {
        *to++ = '-';
    }
    to = write_u64(to, magnitude / 1000);
    if (fraction != 0) {
        *to++ = '.';
        *to++ = (char)('0' + fraction / 100);
        memcpy(to, digit_pairs + 2 * (fraction % 100), 2);
        to += 2;
    }
    return to;
}

/* Most values are small whole numbers, which need no shortest-digits search. */
static char *write_value(char *to, double v)
{
    if (v >= 0 && v < 1e15 && v == (double)(uint64_t)v && !signbit(v)) {
        return write_u64(to, (uint64_t)v);
    }
    return to + num_format_double(v, NUM_JSON, to);
}

HOT char *json_write_point_at(char *to, int64_t t_ms, double v)
{
    *to++ = '[';
    to = write_time(to, t_ms);
    *to++ = ',';
    *to++ = '"';
    to = write_value(to, v);
    *to++ = '"';
    *to++ = ']';
    return to;
}

void json_write_timestamp(struct json_writer *json, int64_t t_ms)
{
    char text[32];

    json_write_raw(json, str_of(text, (size_t)(write_time(text, t_ms) - text)));
}

void json_write_point(struct json_writer *json, int64_t t_ms, double v)
{
    char *room;

    put_comma(json);
    room = buf_reserve(json->buf, JSON_WRITE_POINT_MAX);
    if (room != NULL) {
        json->buf->len += (size_t)(json_write_point_at(room, t_ms, v) - room);
    }
}
