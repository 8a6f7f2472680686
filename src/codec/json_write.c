#include "codec/json_write.h"

#include <math.h>
#include <string.h>

#include "base/assert.h"
#include "base/rfc3339.h"

static const char hex_digits[] = "0123456789abcdef";

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

/* Sixteen bytes at once, on every machine that has vectors; compared as signed ones, so that those
 * from 0x80 on are below the space too. */
typedef signed char bytes16 __attribute__((vector_size(16)));

static inline bytes16 specials(bytes16 c, bool html)
{
    bytes16 special = (bytes16)((c < 0x20) | (c == '"') | (c == '\\'));

    return html ? (bytes16)(special | (c == '<') | (c == '>') | (c == '&')) : special;
}

static inline bool is_any(bytes16 mask)
{
    uint64_t halves[2];

    memcpy(halves, &mask, sizeof(mask));
    return (halves[0] | halves[1]) != 0;
}

static inline bool is_plain_vector(bytes16 c, bool html)
{
    return !is_any(specials(c, html));
}

/* A short text is loaded from both of its ends, which may overlap; none is below four bytes. */
static inline bytes16 load_short(str s)
{
    uint64_t halves[2];
    uint32_t quarters[2];
    bytes16 c;

    if (s.len >= 8) {
        memcpy(&halves[0], s.ptr, 8);
        memcpy(&halves[1], s.ptr + s.len - 8, 8);
    } else {
        memcpy(&quarters[0], s.ptr, 4);
        memcpy(&quarters[1], s.ptr + s.len - 4, 4);
        halves[0] = (uint64_t)quarters[0] << 32 | quarters[1];
        halves[1] = halves[0];
    }
    memcpy(&c, halves, sizeof(c));
    return c;
}

/* Whether all of s is plain: nearly every label, name and value is. */
static inline bool is_all_plain(str s, bool html)
{
    bytes16 c;

    if (s.len < 4) {
        for (size_t i = 0; i < s.len; i++) {
            if (!is_plain((unsigned char)s.ptr[i], html)) {
                return false;
            }
        }
        return true;
    }
    if (s.len < sizeof(c)) {
        return is_plain_vector(load_short(s), html);
    }
    for (size_t at = 0; at + sizeof(c) < s.len; at += sizeof(c)) {
        memcpy(&c, s.ptr + at, sizeof(c));
        if (!is_plain_vector(c, html)) {
            return false;
        }
    }
    memcpy(&c, s.ptr + s.len - sizeof(c), sizeof(c));
    return is_plain_vector(c, html);
}

static size_t plain_run(str s, size_t at, bool html)
{
    size_t end = at;

    while (end < s.len && is_plain((unsigned char)s.ptr[end], html)) {
        end++;
    }
    return end - at;
}

static void put_special(struct buf *buf, str s, bool html)
{
    size_t at = 0;

    while (at < s.len) {
        size_t run = plain_run(s, at, html);

        buf_bytes(buf, s.ptr + at, run);
        at += run;
        if (at == s.len) {
            break;
        }
        if ((unsigned char)s.ptr[at] < 0x80) {
            put_escape(buf, (unsigned char)s.ptr[at++]);
        } else {
            at += put_rune(buf, str_from_index(s, at), html);
        }
    }
}

static inline char *copy_str(char *to, str s)
{
    if (s.len > 0) {
        memcpy(to, s.ptr, s.len);
    }
    return to + s.len;
}

static void put_quoted(struct buf *buf, str s, bool html)
{
    char *room = buf_reserve(buf, s.len + 2);

    if (room == NULL) {
        return;
    }
    *room = '"';
    if (LIKELY(is_all_plain(s, html))) {
        *copy_str(room + 1, s) = '"';
        buf->len += s.len + 2;
        return;
    }
    buf->len++;
    put_special(buf, s, html);
    buf_char(buf, '"');
}

void json_write_key(struct json_writer *json, str key)
{
    put_comma(json);
    put_quoted(json->buf, key, false);
    buf_char(json->buf, ':');
    json->need_comma = false;
}

/* Copies a text, and notes in *special what must be escaped: both from one look at it. Short texts
 * are taken from both of their ends, which may overlap. */
static inline char *put_checked(char *to, str s, bool html, bytes16 *special)
{
    uint64_t ends[2];
    bytes16 c;

    if (s.len >= sizeof(c)) {
        for (size_t at = 0; at + sizeof(c) < s.len; at += sizeof(c)) {
            memcpy(&c, s.ptr + at, sizeof(c));
            memcpy(to + at, &c, sizeof(c));
            *special |= specials(c, html);
        }
        memcpy(&c, s.ptr + s.len - sizeof(c), sizeof(c));
        memcpy(to + s.len - sizeof(c), &c, sizeof(c));
        *special |= specials(c, html);
    } else if (s.len >= 8) {
        memcpy(&ends[0], s.ptr, 8);
        memcpy(&ends[1], s.ptr + s.len - 8, 8);
        memcpy(to, &ends[0], 8);
        memcpy(to + s.len - 8, &ends[1], 8);
        memcpy(&c, ends, sizeof(c));
        *special |= specials(c, html);
    } else if (s.len >= 4) {
        uint32_t first;
        uint32_t last;

        memcpy(&first, s.ptr, 4);
        memcpy(&last, s.ptr + s.len - 4, 4);
        memcpy(to, &first, 4);
        memcpy(to + s.len - 4, &last, 4);
        ends[0] = ends[1] = (uint64_t)first << 32 | last;
        memcpy(&c, ends, sizeof(c));
        *special |= specials(c, html);
    } else if (s.len > 0) {
        c = (bytes16){s.ptr[0],
                      s.ptr[s.len / 2],
                      s.ptr[s.len - 1],
                      'x',
                      'x',
                      'x',
                      'x',
                      'x',
                      'x',
                      'x',
                      'x',
                      'x',
                      'x',
                      'x',
                      'x',
                      'x'};
        to[0] = s.ptr[0];
        to[s.len / 2] = s.ptr[s.len / 2];
        to[s.len - 1] = s.ptr[s.len - 1];
        *special |= specials(c, html);
    }
    return to + s.len;
}

/* Labels are most of an answer of many series. */
HOT void json_write_pairs_plain(struct json_writer *json, const str *texts, size_t count)
{
    struct buf *buf = json->buf;
    size_t bytes = 0;
    char *to;

    for (size_t i = 0; i < 2 * count; i++) {
        bytes += texts[i].len + 3;
    }
    to = buf_reserve(buf, bytes);
    for (size_t i = 0; i < 2 * count && to != NULL; i += 2) {
        char *begin = to;
        bytes16 special = {0};

        bytes -= texts[i].len + texts[i + 1].len + 6;
        *to = ',';
        to += json->need_comma;
        *to++ = '"';
        to = put_checked(to, texts[i], false, &special);
        memcpy(to, "\":\"", 3);
        to = put_checked(to + 3, texts[i + 1], false, &special);
        *to++ = '"';
        if (LIKELY(!is_any(special))) {
            buf->len += (size_t)(to - begin);
            json->need_comma = true;
            continue;
        }
        json_write_key(json, texts[i]);
        json_write_str_plain(json, texts[i + 1]);
        to = bytes > 0 ? buf_reserve(buf, bytes) : NULL; /* what was escaped has used up room */
    }
}

void json_write_pair_plain(struct json_writer *json, str key, str value)
{
    json_write_pairs_plain(json, (const str[2]){key, value}, 1);
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

/* Lists of label values are whole answers: written as if nothing had to be escaped, which is nearly
 * always so, and else once more. */
HOT void json_write_strs(struct json_writer *json, const str *items, size_t count)
{
    struct buf *buf = json->buf;
    bytes16 special = {0};
    size_t bytes = 0;
    char *room;
    char *to;

    json_write_array_begin(json);
    for (size_t i = 0; i < count; i++) {
        bytes += items[i].len + 3;
    }
    room = to = buf_reserve(buf, bytes);
    for (size_t i = 0; i < count && room != NULL; i++) {
        *to = ',';
        to += i > 0;
        *to++ = '"';
        to = put_checked(to, items[i], true, &special);
        *to++ = '"';
    }
    if (LIKELY(!is_any(special))) {
        buf->len += (size_t)(to - room);
    }
    for (size_t i = 0; i < count && is_any(special); i++) {
        json_write_str(json, items[i]);
    }
    json_write_array_end(json);
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

void json_write_pair_time(struct json_writer *json, str key, ts t)
{
    struct buf text = {0};

    rfc3339_format(&text, t);
    json_write_pair_str(json, key, buf_view(&text));
    buf_done(&text);
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
    return to + num_format_u64(v, to);
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
        to[0] = (char)('0' + fraction / 100);
        to[1] = (char)('0' + fraction / 10 % 10);
        to[2] = (char)('0' + fraction % 10);
        to += 3;
    }
    return to;
}

HOT char *json_write_point_at(char *to, int64_t t_ms, double v)
{
    *to++ = '[';
    to = write_time(to, t_ms);
    *to++ = ',';
    *to++ = '"';
    to += num_format_value(v, to);
    *to++ = '"';
    *to++ = ']';
    return to;
}

/* All series of a range query have their points at the same times. */
HOT char *json_write_point_again(char *to, struct json_times *times, int64_t t_ms, double v)
{
    struct json_time *slot = &times->slots[(uint64_t)t_ms / 1000 % JSON_TIMES];

    if (UNLIKELY(slot->t != t_ms || slot->size == 0)) {
        char *end;

        if (t_ms < 0 || t_ms > JSON_TIME_MAX) {
            return json_write_point_at(to, t_ms, v);
        }
        slot->t = t_ms;
        slot->text[0] = '[';
        end = write_time(slot->text + 1, t_ms);
        memcpy(end, ",\"", 2);
        slot->size = (uint8_t)(end + 2 - slot->text);
    }
    memcpy(to, slot->text, sizeof(slot->text));
    to += slot->size;
    to += num_format_value(v, to);
    memcpy(to, "\"]", 2);
    return to + 2;
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
