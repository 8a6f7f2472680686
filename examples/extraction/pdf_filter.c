#include "pdf_filter.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST 1 /* next_in points to const */
#include <zlib.h>

enum { CHUNK_BYTES = 16384, INPUT_BYTES_MAX = 1 << 30 };

int pdf_flate(const uint8_t *src, size_t len, struct svc_bytes *ret)
{
    uint8_t chunk[CHUNK_BYTES];
    z_stream stream = {.next_in = src, .avail_in = (uInt)len};
    int state;

    if (len > INPUT_BYTES_MAX || inflateInit(&stream) != Z_OK) {
        return -EINVAL;
    }
    do {
        stream.next_out = chunk;
        stream.avail_out = sizeof(chunk);
        state = inflate(&stream, Z_NO_FLUSH);
        svc_bytes_put(ret, chunk, sizeof(chunk) - stream.avail_out);
    } while (state == Z_OK && !ret->failed);
    (void)inflateEnd(&stream);
    if (ret->failed) {
        return -E2BIG;
    }
    return state == Z_STREAM_END ? 0 : -EINVAL;
}

int pdf_ascii_hex(const uint8_t *src, size_t len, struct svc_bytes *ret)
{
    int high = -1;

    for (size_t i = 0; i < len && src[i] != '>'; i++) {
        int digit = isdigit(src[i])    ? src[i] - '0'
                    : isxdigit(src[i]) ? (src[i] | 0x20) - 'a' + 10
                                       : -1;

        if (digit < 0) {
            if (!isspace(src[i])) {
                return -EINVAL;
            }
        } else if (high < 0) {
            high = digit;
        } else {
            uint8_t byte = (uint8_t)(high * 16 + digit);

            svc_bytes_put(ret, &byte, 1);
            high = -1;
        }
    }
    if (high >= 0) {
        uint8_t byte = (uint8_t)(high * 16);

        svc_bytes_put(ret, &byte, 1);
    }
    return ret->failed ? -E2BIG : 0;
}

/* Five digits of base 85 are four bytes; a last group of n digits is n - 1 bytes. */
static void group_put(struct svc_bytes *ret, uint32_t value, int digits)
{
    uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                        (uint8_t)value};

    svc_bytes_put(ret, bytes, (size_t)(digits - 1));
}

int pdf_ascii_85(const uint8_t *src, size_t len, struct svc_bytes *ret)
{
    uint32_t value = 0;
    int digits = 0;

    for (size_t i = 0; i < len && src[i] != '~'; i++) {
        if (isspace(src[i]) || src[i] == '\0') {
            continue;
        }
        if (src[i] == 'z' && digits == 0) {
            group_put(ret, 0, 5);
            continue;
        }
        if (src[i] < '!' || src[i] > 'u') {
            return -EINVAL;
        }
        value = value * 85 + (uint32_t)(src[i] - '!');
        if (++digits == 5) {
            group_put(ret, value, 5);
            value = 0;
            digits = 0;
        }
    }
    if (digits > 1) {
        for (int i = digits; i < 5; i++) {
            value = value * 85 + 84;
        }
        group_put(ret, value, digits);
    }
    return ret->failed ? -E2BIG : digits == 1 ? -EINVAL : 0;
}

static uint8_t paeth(uint8_t left, uint8_t up, uint8_t corner)
{
    int estimate = left + up - corner;
    int to_left = abs(estimate - left);
    int to_up = abs(estimate - up);
    int to_corner = abs(estimate - corner);

    if (to_left <= to_up && to_left <= to_corner) {
        return left;
    }
    return to_up <= to_corner ? up : corner;
}

static int row_unpredict(uint8_t kind, uint8_t *row, const uint8_t *above, size_t row_bytes,
                         size_t pixel_bytes)
{
    for (size_t i = 0; i < row_bytes; i++) {
        uint8_t left = i >= pixel_bytes ? row[i - pixel_bytes] : 0;
        uint8_t up = above != NULL ? above[i] : 0;
        uint8_t corner = above != NULL && i >= pixel_bytes ? above[i - pixel_bytes] : 0;
        uint8_t add = 0;

        switch (kind) {
        case 0:
            break;
        case 1:
            add = left;
            break;
        case 2:
            add = up;
            break;
        case 3:
            add = (uint8_t)((left + up) / 2);
            break;
        case 4:
            add = paeth(left, up, corner);
            break;
        default:
            return -EINVAL;
        }
        row[i] = (uint8_t)(row[i] + add);
    }
    return 0;
}

int pdf_unpredict(struct svc_bytes *bytes, size_t row_bytes, size_t pixel_bytes)
{
    size_t to = 0;
    const uint8_t *above = NULL;

    if (row_bytes == 0 || pixel_bytes == 0) {
        return -EINVAL;
    }
    for (size_t at = 0; at + 1 < bytes->len; at += row_bytes + 1) {
        size_t n = bytes->len - at - 1 < row_bytes ? bytes->len - at - 1 : row_bytes;
        uint8_t kind = bytes->ptr[at];

        memmove(bytes->ptr + to, bytes->ptr + at + 1, n);
        if (row_unpredict(kind, bytes->ptr + to, above, n, pixel_bytes) < 0) {
            return -EINVAL;
        }
        above = bytes->ptr + to;
        to += n;
    }
    bytes->len = to;
    return 0;
}
