#include "alerting/am_mail.h"

#include <string.h>

#include "base/vec.h"

enum {
    WORD_BYTES_MAX = 63, /* between "=?utf-8?q?" and "?=", which make 75 with it */
    LINE_BYTES_MAX = 76,
    ADDRESS_BYTES_MAX = 320, /* RFC 3696: 64 before the @, 255 behind it */
};

static void put_hex(struct buf *buf, char c)
{
    buf_printf(buf, "=%02X", (unsigned)(unsigned char)c);
}

/* ---- Header values ---- */

static bool is_plain(char c)
{
    return (c >= ' ' && c <= '~') || c == '\t';
}

static bool stands_for_itself(char c)
{
    return c >= ' ' && c <= '~' && c != '=' && c != '?' && c != '_';
}

void am_mail_word(struct buf *buf, str value)
{
    bool plain = true;
    size_t used = 0;

    for (size_t i = 0; i < value.len; i++) {
        plain &= is_plain(value.ptr[i]);
    }
    if (plain) {
        buf_str(buf, value);
        return;
    }
    buf_c(buf, "=?utf-8?q?");
    for (size_t i = 0; i < value.len;) {
        uint32_t rune = 0;
        size_t size = utf8_decode(str_from_index(value, i), &rune);
        bool itself = stands_for_itself(value.ptr[i]);
        size_t width;

        size = itself || size == 0 ? 1 : size;
        width = itself ? 1 : 3 * size;
        if (used + width > WORD_BYTES_MAX) {
            buf_c(buf, "?=\r\n =?utf-8?q?");
            used = 0;
        }
        for (size_t k = i; k < i + size; k++) {
            if (!itself) {
                put_hex(buf, value.ptr[k]);
            } else {
                buf_char(buf, value.ptr[k] == ' ' ? '_' : value.ptr[k]);
            }
        }
        used += width;
        i += size;
    }
    buf_c(buf, "?=");
}

bool am_mail_name(struct arena *arena, str name, str *ret)
{
    str copy = arena_str(arena, name);
    char *bytes = (char *)(uintptr_t)copy.ptr;
    bool upper = true;

    for (size_t i = 0; i < copy.len; i++) {
        char c = bytes[i];

        if (c <= ' ' || c == ':' || c == 127) {
            return false;
        }
        bytes[i] = (char)(upper && c >= 'a' && c <= 'z'    ? c - 32
                          : !upper && c >= 'A' && c <= 'Z' ? c + 32
                                                           : c);
        upper = c == '-';
    }
    *ret = copy;
    return copy.len > 0;
}

/* ---- Bodies ---- */

struct quoted {
    struct buf *out;
    size_t used; /* of the line */
    char last;   /* of the line, as it was given; '\0' at its start */
};

static void soft_break(struct quoted *quoted)
{
    buf_c(quoted->out, "=\r\n");
    quoted->used = 0;
}

static void encode(struct quoted *quoted, char c)
{
    if (LINE_BYTES_MAX - 1 - quoted->used < 3) {
        soft_break(quoted);
    }
    put_hex(quoted->out, c);
    quoted->used += 3;
}

/* White space before the line's end would be lost. */
static void end_line(struct quoted *quoted)
{
    if (quoted->used > 0 && (quoted->last == ' ' || quoted->last == '\t') && !quoted->out->failed) {
        quoted->out->len--;
        quoted->used--;
        encode(quoted, quoted->last);
    }
}

void am_mail_quoted(struct buf *buf, str text)
{
    struct quoted quoted = {.out = buf};

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '\n' && i > 0 && text.ptr[i - 1] == '\r') {
            continue;
        }
        if (c == '\n' || c == '\r') {
            end_line(&quoted);
            buf_c(buf, "\r\n");
            quoted = (struct quoted){.out = buf};
        } else if ((c >= '!' && c <= '~' && c != '=') || c == ' ' || c == '\t') {
            if (quoted.used == LINE_BYTES_MAX - 1) {
                soft_break(&quoted);
            }
            buf_char(buf, c);
            quoted.used++;
            quoted.last = c;
        } else {
            encode(&quoted, c);
            quoted.last = '=';
        }
    }
    end_line(&quoted);
}

/* ---- Addresses ---- */

static int bad_address(str text, struct baro_error *err)
{
    return error_set(err, BARO_EPARSE, "\"%.*s\" is no e-mail address",
                     STR_ARG(str_slice(text, 0, 100)));
}

/* One @ between two texts without space, control and marks that mean something to a server. */
static bool is_address(str text)
{
    size_t at = SIZE_MAX;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if ((unsigned char)c <= ' ' || c == 127 || strchr("<>()[],;:\\\"", c) != NULL) {
            return false;
        }
        if (c == '@') {
            if (at != SIZE_MAX) {
                return false;
            }
            at = i;
        }
    }
    return at != SIZE_MAX && at > 0 && at + 1 < text.len && text.len <= ADDRESS_BYTES_MAX;
}

/* "Name <address>", with or without quotes around the name, or the address alone. */
static int take_address(struct arena *arena, str item, str *ret, struct baro_error *err)
{
    str text = str_trim(item);
    size_t open = SIZE_MAX;
    bool quoted = false;

    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 127) {
            return bad_address(item, err);
        }
        quoted ^= text.ptr[i] == '"' && (i == 0 || text.ptr[i - 1] != '\\');
        open = text.ptr[i] == '<' && !quoted ? i : open;
    }
    if (open != SIZE_MAX && str_has_suffix(text, STR(">"))) {
        text = str_slice(text, open + 1, text.len - 1);
    }
    if (!is_address(text)) {
        return bad_address(item, err);
    }
    *ret = arena_str(arena, text);
    return 0;
}

/* The length of the list's first item: commas in quotes and brackets do not count. */
static size_t item_length(str list)
{
    bool quoted = false;
    bool inside = false;

    for (size_t i = 0; i < list.len; i++) {
        char c = list.ptr[i];

        quoted ^= c == '"' && (i == 0 || list.ptr[i - 1] != '\\');
        inside = quoted ? inside : c == '<' ? true : c == '>' ? false : inside;
        if (c == ',' && !quoted && !inside) {
            return i;
        }
    }
    return list.len;
}

int am_mail_addresses(struct arena *arena, str list, const str **ret, size_t *ret_count,
                      struct baro_error *err)
{
    VEC(str) found = {0};
    str *kept;
    int result = 0;

    while (result == 0) {
        size_t length = item_length(list);
        str address = STR("");

        result = found.count < AM_MAIL_ADDRESSES_MAX
                     ? take_address(arena, str_slice(list, 0, length), &address, err)
                     : error_set(err, BARO_ELIMIT, "more than %d addresses", AM_MAIL_ADDRESSES_MAX);
        vec_push(&found, address);
        if (length == list.len) {
            break;
        }
        list = str_from_index(list, length + 1);
    }
    kept = ARENA_ARRAY(arena, str, found.count);
    memcpy(kept, found.items, found.count * sizeof(*kept));
    *ret = kept;
    *ret_count = found.count;
    vec_done(&found);
    return result;
}
