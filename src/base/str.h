/*
 * str: borrowed bytes, passed by value; not NUL-terminated. Whoever hands out a str says how long
 * it lives. Outside text is checked for UTF-8 once, where it enters (utf8_is_valid).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    const char *ptr;
    size_t len;
} str;

/* STR("literal") is a str over a string literal; STR_INIT is the same in a static initialiser. */
#define STR(literal) ((str){"" literal, sizeof(literal) - 1})
#define STR_INIT(literal)                                                                          \
    {                                                                                              \
        "" literal, sizeof(literal) - 1                                                            \
    }
#define STR_NULL ((str){NULL, 0})

/* printf("%.*s", STR_ARG(s)) */
#define STR_ARG(s) (int)((s).len > 65535 ? 65535 : (s).len), ((s).ptr != NULL ? (s).ptr : "")

static inline str str_from(const char *c_string)
{
    return (str){c_string, c_string != NULL ? strlen(c_string) : 0};
}

static inline str str_of(const char *ptr, size_t len)
{
    return (str){ptr, len};
}

static inline bool str_eq(str a, str b)
{
    return a.len == b.len && (a.ptr == b.ptr || a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool str_is(str a, const char *c_string)
{
    return str_eq(a, str_from(c_string));
}

/* str_cmp orders by bytes, as Go does. */
static inline int str_cmp(str a, str b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter == 0 || a.ptr == b.ptr ? 0 : memcmp(a.ptr, b.ptr, shorter);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static inline bool str_has_prefix(str s, str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

static inline bool str_has_suffix(str s, str suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 || memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0);
}

/* str_from_index is s without its first `index` bytes (all of them when s is shorter). */
static inline str str_from_index(str s, size_t index)
{
    index = index < s.len ? index : s.len;
    return (str){s.ptr != NULL ? s.ptr + index : NULL, s.len - index};
}

/* str_slice is the bytes [start, end) of s, cut to what is there. */
str str_slice(str s, size_t start, size_t end);

/* str_index_char returns the index of the first c, or SIZE_MAX. */
size_t str_index_char(str s, char c);

/* str_index returns the index of the first occurrence of needle, or SIZE_MAX. */
size_t str_index(str s, str needle);

static inline bool str_contains(str s, str needle)
{
    return str_index(s, needle) != SIZE_MAX;
}

/* str_eq_nocase compares ASCII letters without regard to case. */
bool str_eq_nocase(str a, str b);

/* str_trim cuts ASCII white space from both ends. */
str str_trim(str s);

/*
 * str_split_next cuts the next part up to `separator` off *rest into *ret_part. Returns false when
 * nothing is left. for (str part; str_split_next(&rest, ',', &part);) ... A null str yields no
 * part; "" yields one empty part; "a," yields "a" and "".
 */
bool str_split_next(str *rest, char separator, str *ret_part);

/* str_hash_stable is XXH64 of the bytes, seed 0: the same for ever and everywhere. */
uint64_t str_hash_stable(str s);

/* str_hash is XXH3 of the bytes; not stable across program versions. */
uint64_t str_hash(str s);

/* str_hash_wide is a hash of 128 bits that depends on a seed. With a seed that nobody can know, two
 * texts may be taken for one another only as often as 2^-128 happens: its use is to know a text
 * again that is not kept. */
struct str_wide {
    uint64_t low;
    uint64_t high;
};
struct str_wide str_hash_wide(str s, uint64_t seed);

/* str_dup_c returns a NUL-terminated copy that the caller frees with mem_free. */
char *str_dup_c(str s);

/* str_distance is the edit distance of two short names, for "did you mean"; at most `limit` + 1. */
size_t str_distance(str a, str b, size_t limit);

/* utf8_is_valid says whether s is well-formed UTF-8 (surrogates and overlong forms refused). */
bool utf8_is_valid(str s);

/* utf8_decode reads one code point at s.ptr[0]; returns its size in bytes, or 0 when s is empty or
 * ill-formed there. */
size_t utf8_decode(str s, uint32_t *ret_rune);

/* utf8_encode writes a code point (<= 0x10FFFF) and returns its size in bytes, 1 to 4. */
size_t utf8_encode(uint32_t rune, char ret[4]);
