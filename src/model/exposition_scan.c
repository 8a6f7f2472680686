#include <math.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/num.h"
#include "model/exposition_priv.h"

#define ALL        (BYTE_NAME_START | BYTE_NAME | BYTE_METRIC_START | BYTE_METRIC)
#define DIGIT      (BYTE_NAME | BYTE_METRIC)
#define TWO(c, v)  [(c)] = (v), [(c) + 1] = (v)
#define FIVE(c, v) TWO(c, v), TWO((c) + 2, v), [(c) + 4] = (v)
#define LETTERS(c) /* 26 of them */                                                                \
    FIVE(c, ALL), FIVE((c) + 5, ALL), FIVE((c) + 10, ALL), FIVE((c) + 15, ALL),                    \
        FIVE((c) + 20, ALL), [(c) + 25] = ALL

const uint8_t exposition_bytes[256] = {
    FIVE('0', DIGIT), FIVE('5', DIGIT), [':'] = BYTE_METRIC_START | BYTE_METRIC,
    LETTERS('A'),     ['_'] = ALL,      LETTERS('a'),
};

const char *exposition_string_end(const char *at, const char *end)
{
    while (at < end) {
        if (*at == '"') {
            return at + 1;
        }
        at += *at == '\\' ? 2 : 1;
    }
    return NULL;
}

static const char *block_end_bytewise(const char *at, const char *end, bool in_string)
{
    if (in_string) {
        at = exposition_string_end(at, end);
    }
    while (at != NULL && at < end) {
        if (*at == '}') {
            return at + 1;
        }
        at = *at == '"' ? exposition_string_end(at + 1, end) : at + 1;
    }
    return NULL;
}

#if defined(__SSE2__)

enum { CHUNK = 64 };

static uint64_t mask_of(const __m128i block[4], char c)
{
    __m128i wanted = _mm_set1_epi8(c);
    uint64_t mask = 0;

    for (unsigned i = 0; i < 4; i++) {
        unsigned bits = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(block[i], wanted));

        mask |= (uint64_t)bits << (16 * i);
    }
    return mask;
}

/* Bit i of the result is the parity of the bits 0 to i: between an opening quote (included) and its
 * closing quote (excluded) it is set. */
static uint64_t prefix_xor(uint64_t bits)
{
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    return bits ^ bits << 32;
}

/* 64 bytes at a time; a backslash hands the rest of the block to the bytewise scan. */
const char *exposition_block_end(const char *at, const char *end)
{
    uint64_t carry = 0; /* all ones: the chunk begins within a string */

    while (end - at >= CHUNK) {
        __m128i block[4];
        uint64_t strings;
        uint64_t closing;

        for (unsigned i = 0; i < 4; i++) {
            block[i] = _mm_loadu_si128((const __m128i *)(const void *)(at + 16 * i));
        }
        if (UNLIKELY(mask_of(block, '\\') != 0)) {
            break;
        }
        strings = prefix_xor(mask_of(block, '"')) ^ carry;
        closing = mask_of(block, '}') & ~strings;
        if (closing != 0) {
            return at + __builtin_ctzll(closing) + 1;
        }
        carry = 0 - (strings >> 63);
        at += CHUNK;
    }
    return block_end_bytewise(at, end, carry != 0);
}

#else

const char *exposition_block_end(const char *at, const char *end)
{
    return block_end_bytewise(at, end, false);
}

#endif

static const uint64_t tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
static const double powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
enum { EXPONENT_MAX = 22, DIGITS_MAX = 19 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/*
 * Reads digits, eight at a time: the bytes that are digits are moved to the high end of a word, so
 * that zeros lead, and three multiplications add them up pairwise, by fours and by eights. Stops
 * after three rounds: the caller counts the digits and refuses more than 19.
 */
static const char *read_digits(const char *at, const char *end, uint64_t *mantissa)
{
    uint64_t sum = *mantissa;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (unsigned round = 0; round < 3 && end - at >= 8; round++) {
        uint64_t word;
        uint64_t others;
        unsigned count;

        memcpy(&word, at, sizeof(word));
        word ^= UINT64_C(0x3030303030303030);
        others = ((word + UINT64_C(0x7676767676767676)) | word) & UINT64_C(0x8080808080808080);
        count = others != 0 ? (unsigned)__builtin_ctzll(others) / 8 : 8;
        if (count == 0) {
            *mantissa = sum;
            return at;
        }
        word <<= 64 - 8 * count;
        word = (word * 10 + (word >> 8)) & UINT64_C(0x00FF00FF00FF00FF);
        word = (word * 100 + (word >> 16)) & UINT64_C(0x0000FFFF0000FFFF);
        word = (word * 10000 + (word >> 32)) & UINT64_C(0xFFFFFFFF);
        sum = sum * tens[count] + word;
        at += count;
        if (count < 8) {
            *mantissa = sum;
            return at;
        }
    }
#endif
    while (at < end && is_digit(*at)) {
        sum = sum * 10 + (uint64_t)(*at++ - '0');
    }
    *mantissa = sum;
    return at;
}

static const char *read_exponent(const char *at, const char *end, int *ret)
{
    bool negative = false;
    int exponent = 0;
    const char *first;

    if (at < end && (*at == '-' || *at == '+')) {
        negative = *at++ == '-';
    }
    first = at;
    while (at < end && is_digit(*at) && at - first < 4) {
        exponent = exponent * 10 + (*at++ - '0');
    }
    *ret = negative ? -exponent : exponent;
    return at > first ? at : NULL;
}

/*
 * Clinger's fast path: an integer up to 2^53 and a power of ten up to 10^22 are exact doubles, so
 * one multiplication or division rounds correctly.
 */
const char *exposition_number(const char *at, const char *end, double *ret)
{
    bool negative = at < end && *at == '-';
    uint64_t mantissa = 0;
    int exponent = 0;
    const char *first = at + (negative ? 1 : 0);
    double value;

    at = read_digits(first, end, &mantissa);
    if (at == first || at - first > DIGITS_MAX) {
        return NULL;
    }
    if (at < end && *at == '.') {
        const char *point = at;

        at = read_digits(point + 1, end, &mantissa);
        exponent = (int)(point + 1 - at);
        if (at - first - 1 > DIGITS_MAX) {
            return NULL;
        }
    }
    if (at < end && (*at | 0x20) == 'e') {
        int shift = 0;

        at = read_exponent(at + 1, end, &shift);
        if (at == NULL) {
            return NULL;
        }
        exponent += shift;
    }
    if (mantissa > UINT64_C(1) << 53 || exponent > EXPONENT_MAX || exponent < -EXPONENT_MAX) {
        return NULL;
    }
    value = exponent < 0 ? (double)mantissa / powers_of_ten[-exponent]
                         : (double)mantissa * powers_of_ten[exponent];
    *ret = negative ? -value : value;
    return at;
}

bool exposition_number_exact(str text, double *ret)
{
    char last = text.len > 0 ? (char)(text.ptr[text.len - 1] | 0x20) : '\0';
    double value;

    if (!num_parse_decimal(text, &value)) {
        return false;
    }
    /* A number that overflows is refused, as in Go; "inf" and "infinity" end in a letter. */
    if (isinf(value) && last != 'f' && last != 'y') {
        return false;
    }
    *ret = isnan(value) ? value_from_bits(VALUE_NAN_BITS) : value;
    return true;
}

bool exposition_seconds_to_ms(double seconds, ts *ret)
{
    /* The largest double below 2^63. */
    if (!(fabs(seconds * 1000) < 9223372036854775807.0)) {
        return false;
    }
    *ret = (ts)(seconds * 1000);
    return true;
}
