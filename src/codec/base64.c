#include "codec/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64_encode(struct buf *buf, str raw, bool for_url)
{
    const char *digits = for_url ? url_alphabet : alphabet;

    for (size_t i = 0; i < raw.len; i += 3) {
        uint32_t bits = (uint32_t)(unsigned char)raw.ptr[i] << 16;

        bits |= i + 1 < raw.len ? (uint32_t)(unsigned char)raw.ptr[i + 1] << 8 : 0;
        bits |= i + 2 < raw.len ? (uint32_t)(unsigned char)raw.ptr[i + 2] : 0;
        buf_char(buf, digits[bits >> 18 & 63]);
        buf_char(buf, digits[bits >> 12 & 63]);
        buf_char(buf, i + 1 < raw.len ? digits[bits >> 6 & 63] : '=');
        buf_char(buf, i + 2 < raw.len ? digits[bits & 63] : '=');
    }
}

static int digit_of(char c, bool for_url)
{
    return c >= 'A' && c <= 'Z'         ? c - 'A'
           : c >= 'a' && c <= 'z'       ? c - 'a' + 26
           : c >= '0' && c <= '9'       ? c - '0' + 52
           : c == (for_url ? '-' : '+') ? 62
           : c == (for_url ? '_' : '/') ? 63
                                        : -1;
}

bool base64_decode(struct buf *buf, str text, bool for_url, size_t *ret_bad)
{
    uint32_t bits = 0;
    unsigned count = 0;
    unsigned padding = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        int digit = digit_of(c, for_url);

        if (c == '\n' || c == '\r') {
            continue;
        }
        *ret_bad = i;
        if (c == '=' ? count < 2 || ++padding + count > 4 : digit < 0 || padding > 0) {
            return false;
        }
        if (c == '=') {
            continue;
        }
        bits = bits << 6 | (uint32_t)digit;
        if (++count == 4) {
            char bytes[3] = {(char)(bits >> 16), (char)(bits >> 8), (char)bits};

            buf_bytes(buf, bytes, 3);
            bits = 0;
            count = 0;
        }
    }
    *ret_bad = text.len;
    if (count > 0 && count + padding != 4) {
        return false;
    }
    if (count > 0) {
        bits <<= 6 * (4 - count);
        buf_char(buf, (char)(bits >> 16));
        if (count == 3) {
            buf_char(buf, (char)(bits >> 8));
        }
    }
    return count > 0 || padding == 0;
}
