#include "base/str.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/assert.h"
#include "base/mem.h"

str str_slice(str s, size_t start, size_t end)
{
    end = end < s.len ? end : s.len;
    start = start < end ? start : end;
    return (str){start > 0 ? s.ptr + start : s.ptr, end - start}; /* ptr may be NULL */
}

size_t str_index_char(str s, char c)
{
    const char *found = s.len > 0 ? memchr(s.ptr, c, s.len) : NULL;

    return found != NULL ? (size_t)(found - s.ptr) : SIZE_MAX;
}

size_t str_index(str s, str needle)
{
    const char *found;

    if (needle.len == 0) {
        return 0;
    }
    found = s.len > 0 ? memmem(s.ptr, s.len, needle.ptr, needle.len) : NULL;
    return found != NULL ? (size_t)(found - s.ptr) : SIZE_MAX;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool str_eq_nocase(str a, str b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i])) {
            return false;
        }
    }
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

str str_trim(str s)
{
    while (s.len > 0 && is_space(s.ptr[0])) {
        s = str_from_index(s, 1);
    }
    while (s.len > 0 && is_space(s.ptr[s.len - 1])) {
        s.len--;
    }
    return s;
}

bool str_split_next(str *rest, char separator, str *ret_part)
{
    size_t at;

    if (rest->ptr == NULL) {
        return false;
    }
    at = str_index_char(*rest, separator);
    if (at == SIZE_MAX) {
        *ret_part = *rest;
        *rest = STR_NULL;
        return true;
    }
    *ret_part = str_slice(*rest, 0, at);
    *rest = str_from_index(*rest, at + 1);
    return true;
}

uint64_t str_hash_stable(str s)
{
    return XXH64(s.ptr, s.len, 0);
}

uint64_t str_hash(str s)
{
    return XXH3_64bits(s.ptr, s.len);
}

struct str_wide str_hash_wide(str s, uint64_t seed)
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(s.ptr, s.len, seed);

    return (struct str_wide){hash.low64, hash.high64};
}

char *str_dup_c(str s)
{
    char *copy = mem_alloc(s.len + 1);

    if (s.len > 0) {
        memcpy(copy, s.ptr, s.len);
    }
    copy[s.len] = '\0';
    return copy;
}

size_t str_distance(str a, str b, size_t limit)
{
    enum { NAME_BYTES_MAX = 64 };
    size_t row[NAME_BYTES_MAX + 1];

    if (a.len > NAME_BYTES_MAX || b.len > NAME_BYTES_MAX) {
        return limit + 1;
    }
    for (size_t j = 0; j <= b.len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t above = row[j];
            size_t best = diagonal + (a.ptr[i - 1] == b.ptr[j - 1] ? 0 : 1);

            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            best = above + 1 < best ? above + 1 : best;
            row[j] = best;
            diagonal = above;
        }
    }
    return row[b.len] <= limit ? row[b.len] : limit + 1;
}

size_t utf8_decode(str s, uint32_t *ret_rune)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t size;
    uint32_t rune;

    if (s.len == 0) {
        return 0;
    }
    if (p[0] < 0x80) {
        *ret_rune = p[0];
        return 1;
    }
    size = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    if (p[0] < 0xC2 || p[0] > 0xF4 || s.len < size) {
        return 0;
    }
    rune = p[0] & (0xFFu >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 0;
        }
        rune = rune << 6 | (p[i] & 0x3Fu);
    }
    if (rune < least[size] || rune > 0x10FFFF || (rune >= 0xD800 && rune <= 0xDFFF)) {
        return 0;
    }
    *ret_rune = rune;
    return size;
}

bool utf8_is_valid(str s)
{
    size_t i = 0;

    while (i < s.len) {
        uint64_t word;
        uint32_t rune;
        size_t size;

        if (i + sizeof(word) <= s.len) {
            memcpy(&word, s.ptr + i, sizeof(word));
            if ((word & 0x8080808080808080u) == 0) {
                i += sizeof(word);
                continue;
            }
        }
        size = utf8_decode(str_from_index(s, i), &rune);
        if (size == 0) {
            return false;
        }
        i += size;
    }
    return true;
}

size_t utf8_encode(uint32_t rune, char ret[4])
{
    ASSERT(rune <= 0x10FFFF);
    if (rune < 0x80) {
        ret[0] = (char)rune;
        return 1;
    }
    if (rune < 0x800) {
        ret[0] = (char)(0xC0 | rune >> 6);
        ret[1] = (char)(0x80 | (rune & 0x3F));
        return 2;
    }
    if (rune < 0x10000) {
        ret[0] = (char)(0xE0 | rune >> 12);
        ret[1] = (char)(0x80 | (rune >> 6 & 0x3F));
        ret[2] = (char)(0x80 | (rune & 0x3F));
        return 3;
    }
    ret[0] = (char)(0xF0 | rune >> 18);
    ret[1] = (char)(0x80 | (rune >> 12 & 0x3F));
    ret[2] = (char)(0x80 | (rune >> 6 & 0x3F));
    ret[3] = (char)(0x80 | (rune & 0x3F));
    return 4;
}
