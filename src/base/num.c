#include "base/num.h"

#include <endian.h>
#include <math.h>
#include <string.h>

#include "base/assert.h"
#include "base/num_priv.h"

static const double powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/*
 * Clinger's fast path: up to 19 digits that make an integer <= 2^53, and a power of ten <= 10^22,
 * are both exact doubles, so one multiplication or division rounds correctly. Returns false when
 * the text needs the exact parser.
 */
static bool parse_short(str s, double *ret)
{
    const char *p = s.ptr;
    const char *end = s.ptr + s.len;
    bool negative = p < end && *p == '-';
    uint64_t mantissa = 0;
    int fraction = 0;
    const char *first;

    p += negative || (p < end && *p == '+') ? 1 : 0;
    if (end - p > 19 || p == end) {
        return false;
    }
    first = p;
    while (p < end && is_digit(*p)) {
        mantissa = mantissa * 10 + (uint64_t)(*p++ - '0');
    }
    if (p < end && *p == '.') {
        const char *point = p++;

        while (p < end && is_digit(*p)) {
            mantissa = mantissa * 10 + (uint64_t)(*p++ - '0');
        }
        fraction = (int)(p - point - 1);
        if (p - first == 1) {
            return false; /* a lone point */
        }
    }
    if (p != end || mantissa > (UINT64_C(1) << 53)) {
        return false;
    }
    *ret = (double)mantissa / powers_of_ten[fraction];
    *ret = negative ? -*ret : *ret;
    return true;
}

static bool parse_special(str s, double *ret)
{
    bool negative = s.len > 0 && s.ptr[0] == '-';
    bool sign = negative || (s.len > 0 && s.ptr[0] == '+');
    str word = str_from_index(s, sign ? 1 : 0);

    if (str_eq_nocase(word, STR("inf")) || str_eq_nocase(word, STR("infinity"))) {
        *ret = negative ? -INFINITY : INFINITY;
        return true;
    }
    if (!sign && str_eq_nocase(word, STR("nan"))) {
        *ret = NAN;
        return true;
    }
    return false;
}

bool num_parse_decimal(str s, double *ret)
{
    str body = s.len > 0 && s.ptr[0] == '+' ? str_from_index(s, 1) : s;

    if (UNLIKELY(s.len == 0)) { /* ptr may be NULL */
        return false;
    }
    if (LIKELY(parse_short(s, ret))) {
        return true;
    }
    if (body.len == 0 || (body.ptr != s.ptr && body.ptr[0] == '-')) {
        return false;
    }
    if (is_digit(body.ptr[body.len - 1]) || body.ptr[body.len - 1] == '.') {
        return num_float_parse(body.ptr, body.len, false, ret);
    }
    return parse_special(s, ret);
}

bool num_parse_double(str s, double *ret)
{
    bool sign = s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+');
    str body = str_from_index(s, sign ? 1 : 0);
    double value;

    if (body.len < 3 || body.ptr[0] != '0' || (body.ptr[1] | 0x20) != 'x') {
        return num_parse_decimal(s, ret);
    }
    /* Go wants the binary exponent of a hexadecimal float. */
    if (str_index_char(body, 'p') == SIZE_MAX && str_index_char(body, 'P') == SIZE_MAX) {
        return false;
    }
    if (body.ptr[2] == '-' || !num_float_parse(body.ptr + 2, body.len - 2, true, &value)) {
        return false;
    }
    *ret = s.ptr[0] == '-' ? -value : value;
    return true;
}

bool num_parse_u64(str s, uint64_t *ret)
{
    uint64_t value = 0;

    if (s.len == 0) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (!is_digit(s.ptr[i]) || __builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(s.ptr[i] - '0'), &value)) {
            return false;
        }
    }
    *ret = value;
    return true;
}

bool num_parse_i64(str s, int64_t *ret)
{
    bool negative = s.len > 0 && s.ptr[0] == '-';
    bool sign = negative || (s.len > 0 && s.ptr[0] == '+');
    uint64_t value;

    if (!num_parse_u64(str_from_index(s, sign ? 1 : 0), &value) ||
        value > (uint64_t)INT64_MAX + (negative ? 1 : 0)) {
        return false;
    }
    *ret = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

/* Two decimal digits at a time. */
static const char digit_pairs[] =
    "00010203040506070809101112131415161718192021222324252627282930313233"
    "34353637383940414243444546474849505152535455565758596061626364656667"
    "6869707172737475767778798081828384858687888990919293949596979899";

static inline void put_pair(char *to, uint32_t v)
{
    memcpy(to, digit_pairs + 2 * (size_t)v, 2);
}

/* Up to four digits. */
static inline size_t write_short(uint32_t v, char *to)
{
    if (v < 10) {
        to[0] = (char)('0' + v);
        return 1;
    }
    if (v < 100) {
        put_pair(to, v);
        return 2;
    }
    if (v < 1000) {
        to[0] = (char)('0' + v / 100);
        put_pair(to + 1, v % 100);
        return 3;
    }
    put_pair(to, v / 100);
    put_pair(to + 2, v % 100);
    return 4;
}

static inline void put_four(char *to, uint32_t v)
{
    put_pair(to, v / 100);
    put_pair(to + 2, v % 100);
}

static size_t write_digits(uint64_t v, char *ret)
{
    size_t size;

    if (v < 10000) {
        return write_short((uint32_t)v, ret);
    }
    if (v >= UINT64_C(100000000)) {
        size = write_digits(v / 100000000, ret);
        put_four(ret + size, (uint32_t)(v % 100000000 / 10000));
        put_four(ret + size + 4, (uint32_t)(v % 10000));
        return size + 8;
    }
    size = write_short((uint32_t)(v / 10000), ret);
    put_four(ret + size, (uint32_t)(v % 10000));
    return size + 4;
}

enum {
    DIGITS_MAX = 17,  /* of the shortest decimal of any double */
    DIGITS_ROOM = 24, /* what is copied of them, for a fixed size is copied faster */
};
STATIC_ASSERT(sizeof("-0.") - 1 + 323 + DIGITS_ROOM <= NUM_TEXT_MAX, "5e-324 with all its zeros");

/* text[0].text[1..] * 10^exponent. Behind the digits that count are zeros up to DIGITS_MAX, and
 * then anything. */
struct digits {
    char text[DIGITS_MAX + DIGITS_ROOM];
    size_t count; /* at least 1; the last one is no zero but in "0" */
    int exponent;
};

/* The eight digits of v < 10^8, one a byte, the first one in the lowest: halves, quarters and
 * eighths of the word are divided side by side. */
static inline uint64_t eight_digits(uint32_t v)
{
    uint64_t fours = v / 10000 | (uint64_t)(v % 10000) << 32;
    uint64_t hundreds = (fours * 10486 >> 20) & UINT64_C(0x7F0000007F);
    uint64_t pairs = hundreds | (fours - 100 * hundreds) << 16;
    uint64_t tens = (pairs * 103 >> 10) & UINT64_C(0x000F000F000F000F);

    return tens | (pairs - 10 * tens) << 8;
}

static inline void put_eight(char *to, uint64_t eight)
{
    uint64_t text = htole64(eight + UINT64_C(0x3030303030303030));

    memcpy(to, &text, sizeof(text));
}

static inline size_t zeros_at_end(uint64_t eight)
{
    return (size_t)__builtin_clzll(eight) / 8;
}

/* v is finite and not negative. */
static void find_digits(double v, struct digits *ret)
{
    const uint64_t top = UINT64_C(10000000000000000); /* the first of DIGITS_MAX digits */
    struct num_decimal decimal = {0};
    bool is_short;
    uint64_t high;
    uint64_t low;

    if (v > 0) {
        decimal = num_shortest(v);
        is_short = decimal.mantissa < top;
        decimal.mantissa = is_short ? decimal.mantissa * 10 : decimal.mantissa;
        decimal.exponent -= is_short;
        while (UNLIKELY(decimal.mantissa < top)) { /* subnormal */
            decimal.mantissa *= 10;
            decimal.exponent--;
        }
        decimal.exponent += DIGITS_MAX - 1;
    }
    ret->exponent = decimal.exponent;
    ret->text[0] = (char)('0' + decimal.mantissa / top);
    high = eight_digits((uint32_t)(decimal.mantissa % top / 100000000));
    low = eight_digits((uint32_t)(decimal.mantissa % 100000000));
    put_eight(ret->text + 1, high);
    put_eight(ret->text + 9, low);
    ret->count = low != 0    ? DIGITS_MAX - zeros_at_end(low)
                 : high != 0 ? DIGITS_MAX - 8 - zeros_at_end(high)
                             : 1;
}

/* Go's %e: at least two exponent digits. */
static size_t write_scientific(const struct digits *digits, char *ret)
{
    char *p = ret + 1;
    int exponent = digits->exponent;

    ret[0] = digits->text[0];
    if (digits->count > 1) {
        *p++ = '.';
        memcpy(p, digits->text + 1, DIGITS_ROOM);
        p += digits->count - 1;
    }
    *p++ = 'e';
    *p++ = exponent < 0 ? '-' : '+';
    exponent = exponent < 0 ? -exponent : exponent;
    if (exponent >= 100) {
        *p++ = (char)('0' + exponent / 100);
    }
    put_pair(p, (uint32_t)exponent % 100);
    return (size_t)(p + 2 - ret);
}

/* The digits are the shortest; zeros fill up to the point, where %.0f would print the digits of the
 * binary value. */
static size_t write_fixed(const struct digits *digits, char *ret)
{
    char *p = ret;
    int whole = digits->exponent + 1; /* digits before the point */

    if (whole <= 0) {
        *p++ = '0';
        *p++ = '.';
        memset(p, '0', (size_t)-whole);
        p += -whole;
        memcpy(p, digits->text, DIGITS_ROOM);
        return (size_t)(p - ret) + digits->count;
    }
    memcpy(p, digits->text, DIGITS_ROOM);
    if ((size_t)whole >= digits->count) {
        memset(p + digits->count, '0', (size_t)whole - digits->count);
        return (size_t)whole;
    }
    p[whole] = '.';
    memcpy(p + whole + 1, digits->text + whole, DIGITS_ROOM);
    return digits->count + 1;
}

static inline size_t write_six(uint32_t v, char *to)
{
    if (LIKELY(v < 100)) {
        put_pair(to, v < 10 ? v * 10 : v); /* "70" for 7, of which the first counts */
        return v < 10 ? 1 : 2;
    }
    return write_digits(v, to);
}

/*
 * Numbers of up to three decimals, as most gauges are, without the search for the shortest digits:
 * when n / 1000 is v, the decimal n / 1000 reads back as v, and no two decimals of so few digits
 * are the same double. v has no sign, and is not whole. Returns 0 when it is none of them. All
 * forms but NUM_E write them alike.
 */
static inline size_t write_thousandths(double v, char *to)
{
    double scaled = v * 1000;
    int32_t n;
    uint32_t rest;
    size_t size;

    if (!(scaled < 1e9)) {
        return 0;
    }
    n = (int32_t)(scaled + 0.5);
    if ((double)n / 1000 != v) {
        return 0;
    }
    size = write_six((uint32_t)n / 1000, to);
    rest = (uint32_t)n % 1000;
    to[size] = '.';
    to[size + 1] = (char)('0' + rest / 100);
    put_pair(to + size + 2, rest % 100);
    return size + 4 - (rest % 10 == 0) - (rest % 100 == 0);
}

/* Whole numbers that have no exponent, as NUM_G from 10^6 on; 0 when v, without a sign, is none. */
static inline size_t write_whole(double v, double limit, char *to)
{
    return v < limit && v == (double)(int64_t)v ? write_digits((uint64_t)(int64_t)v, to) : 0;
}

static inline size_t write_short_value(double v, double whole_limit, char *to)
{
    size_t size = write_whole(v, whole_limit, to);

    return size > 0 ? size : write_thousandths(v, to);
}

static bool is_scientific(double v, enum num_form form, int exponent)
{
    switch (form) {
    case NUM_G:
        return exponent < -4 || exponent >= 6;
    case NUM_F:
        return false;
    case NUM_E:
        return true;
    case NUM_JSON:
        return v != 0 && (v < 1e-6 || v >= 1e21);
    }
    ASSERT(false);
    return false;
}

HOT size_t num_format_double(double v, enum num_form form, char ret[NUM_TEXT_MAX])
{
    struct digits digits;
    char *p = ret;
    size_t size;

    if (isnan(v)) {
        memcpy(ret, "NaN", 3);
        return 3;
    }
    if (isinf(v)) {
        memcpy(ret, v < 0 ? "-Inf" : "+Inf", 4);
        return 4;
    }
    if (signbit(v)) {
        *p++ = '-';
        v = -v;
    }
    size = form == NUM_E ? 0 : write_short_value(v, form == NUM_G ? 1e6 : 1e15, p);
    if (size == 0) {
        find_digits(v, &digits);
        size = is_scientific(v, form, digits.exponent) ? write_scientific(&digits, p)
                                                       : write_fixed(&digits, p);
    }
    return (size_t)(p - ret) + size;
}

HOT size_t num_format_value(double v, char ret[NUM_TEXT_MAX])
{
    size_t size = signbit(v) ? 0 : write_short_value(v, 1e15, ret);

    return size > 0 ? size : num_format_double(v, NUM_JSON, ret);
}

size_t num_format_u64(uint64_t v, char ret[NUM_TEXT_MAX])
{
    return write_digits(v, ret);
}

size_t num_format_i64(int64_t v, char ret[NUM_TEXT_MAX])
{
    if (v >= 0) {
        return write_digits((uint64_t)v, ret);
    }
    ret[0] = '-';
    return 1 + write_digits(0 - (uint64_t)v, ret + 1);
}

void buf_double(struct buf *buf, double v, enum num_form form)
{
    char *room = buf_reserve(buf, NUM_TEXT_MAX);

    buf->len += room != NULL ? num_format_double(v, form, room) : 0;
}

void buf_i64(struct buf *buf, int64_t v)
{
    char *room = buf_reserve(buf, NUM_TEXT_MAX);

    buf->len += room != NULL ? num_format_i64(v, room) : 0;
}

void buf_u64(struct buf *buf, uint64_t v)
{
    char *room = buf_reserve(buf, NUM_TEXT_MAX);

    buf->len += room != NULL ? num_format_u64(v, room) : 0;
}
