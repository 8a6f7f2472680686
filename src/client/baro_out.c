#include "client/baro_priv.h"

#include <stdlib.h>

void baro_out_init(struct baro_out *out, baro_write_fn *write, void *context, bool gzip)
{
    memset(out, 0, sizeof(*out));
    out->write = write;
    out->context = context;
    if (gzip && (out->gzip = baro_gzip_new()) == NULL) {
        out->failed = baro_gzip_is_built() ? BARO_NO_MEMORY : BARO_UNSUPPORTED;
    }
}

void baro_out_done(struct baro_out *out)
{
    baro_gzip_free(out->gzip);
    free(out->bytes);
    memset(out, 0, sizeof(*out));
}

static void out_fail(struct baro_out *out, int failed)
{
    if (out->failed == 0) {
        out->failed = failed;
    }
    out->size = 0;
}

void baro_out_flush(struct baro_out *out, bool end)
{
    if (out->failed != 0 || out->write == NULL) {
        return;
    }
    if (out->gzip != NULL) {
        int result =
            baro_gzip_write(out->gzip, out->bytes, out->size, end, out->write, out->context);

        if (result < 0) {
            out_fail(out, result);
        }
    } else if (out->size > 0 && out->write(out->context, out->bytes, out->size) != 0) {
        out_fail(out, BARO_STOPPED);
    }
    out->size = 0;
}

void baro_out_flush_if_full(struct baro_out *out)
{
    if (out->size >= BARO_OUT_CHUNK) {
        baro_out_flush(out, false);
    }
}

static bool out_grow(struct baro_out *out, size_t size)
{
    size_t room = out->room == 0 ? 1024 : out->room;
    char *bytes;

    while (room - out->size < size) {
        if (room > SIZE_MAX / 2) {
            return false;
        }
        room *= 2;
    }
    if ((bytes = realloc(out->bytes, room)) == NULL) {
        return false;
    }
    out->bytes = bytes;
    out->room = room;
    return true;
}

char *baro_out_reserve_slow(struct baro_out *out, size_t size)
{
    if (out->room - out->size < size) {
        if (out->failed == 0 && !out_grow(out, size)) {
            out_fail(out, BARO_NO_MEMORY);
        }
        if (out->failed != 0 && out->room < size && !out_grow(out, size)) {
            return NULL;
        }
    }
    if (out->failed != 0) {
        out->size = 0;
    }
    return &out->bytes[out->size];
}

void baro_out_text(struct baro_out *out, const char *text)
{
    baro_out_put(out, text, strlen(text));
}

void baro_out_u64(struct baro_out *out, uint64_t value)
{
    char *at = baro_out_reserve(out, BARO_NUMBER_BYTES);

    if (at != NULL) {
        out->size += baro_number_u64(value, at);
    }
}

/* Whole numbers below this are written in plain digits: shorter, faster, and easier to read
 * than 1.23456e+08. */
static const double plain_max = 1e15;

void baro_out_double(struct baro_out *out, double value)
{
    char *at = baro_out_reserve(out, BARO_NUMBER_BYTES);

    if (at == NULL) {
        return;
    }
    if (value > -plain_max && value < plain_max && (double)(int64_t)value == value &&
        (value != 0 || baro_bits_of(value) == 0)) {
        out->size += baro_number_i64((int64_t)value, at);
    } else {
        out->size += baro_number_double(value, at);
    }
}

void baro_out_escaped(struct baro_out *out, const char *text, bool quotes)
{
    for (const char *start = text;; text++) {
        if (*text != '\0' && *text != '\\' && *text != '\n' && !(quotes && *text == '"')) {
            continue;
        }
        baro_out_put(out, start, (size_t)(text - start));
        if (*text == '\0') {
            return;
        }
        baro_out_text(out, *text == '\\' ? "\\\\" : *text == '\n' ? "\\n" : "\\\"");
        start = text + 1;
    }
}

static void json_char(struct baro_out *out, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

    if (c == '"' || c == '\\') {
        escape[1] = (char)c;
        baro_out_put(out, escape, 2);
    } else if (c < 0x20) {
        baro_out_put(out, escape, sizeof(escape));
    } else {
        baro_out_put(out, &c, 1);
    }
}

void baro_out_json(struct baro_out *out, const char *text)
{
    size_t size = baro_utf8_cut(text, strlen(text));

    baro_out_put(out, "\"", 1);
    for (size_t i = 0; i < size; i++) {
        json_char(out, (unsigned char)text[i]);
    }
    baro_out_put(out, "\"", 1);
}
