/*
 * Numbers as text, without libc's printf, which is slow and obeys the locale.
 *
 * The shortest decimal of a double, by Raffaello Giulietti's method ("The Schubfach way to render
 * doubles", 2020): v = c * 2^q and the middles to its neighbours are scaled by a power of ten, kept
 * to 128 bits and rounded up, so that the quotients come out as integers with two fraction bits
 * plus a sticky one. The interval then holds at most two candidates with one digit less, else at
 * most two with all digits. The powers of ten are worked out once, with long integers.
 */
#include "client/baro_priv.h"

enum {
    POWER_MIN = -292, /* 10^-k of the largest doubles */
    POWER_MAX = 324,  /* and of the smallest subnormal ones */
    LIMBS = 40,       /* 1,280 bits: 2^1279 / 10^292 has 309 bits left, 10^324 has 1,077 */
    DIGITS_MAX = 17,
};

struct power {
    uint64_t high;
    uint64_t low;
};

static struct power powers[POWER_MAX - POWER_MIN + 1];

/* The leading 128 bits of a long integer (little endian limbs), rounded up when anything stands
 * behind them. */
static struct power power_top(const uint32_t *limbs, bool is_inexact)
{
    int top = LIMBS - 1;
    uint32_t words[5];
    int shift;
    struct power ret;

    while (limbs[top] == 0) {
        top--;
    }
    shift = __builtin_clz(limbs[top]);
    for (int i = 0; i < 5; i++) {
        words[i] = top - i >= 0 ? limbs[top - i] : 0;
    }
    for (int i = 0; i < 4; i++) {
        uint64_t pair = ((uint64_t)words[i] << 32) | words[i + 1];

        words[i] = (uint32_t)(pair << shift >> 32);
    }
    is_inexact |= (uint32_t)(words[4] << shift) != 0;
    for (int i = 0; i < top - 4; i++) {
        is_inexact |= limbs[i] != 0;
    }
    ret.high = ((uint64_t)words[0] << 32) | words[1];
    ret.low = ((uint64_t)words[2] << 32) | words[3];
    if (is_inexact && ++ret.low == 0) {
        ret.high++;
    }
    return ret;
}

static void limbs_multiply(uint32_t *limbs, uint32_t by)
{
    uint64_t carry = 0;

    for (int i = 0; i < LIMBS; i++) {
        carry += (uint64_t)limbs[i] * by;
        limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static void limbs_divide(uint32_t *limbs, uint32_t by)
{
    uint64_t rest = 0;

    for (int i = LIMBS - 1; i >= 0; i--) {
        rest = (rest << 32) | limbs[i];
        limbs[i] = (uint32_t)(rest / by);
        rest %= by;
    }
}

void baro_number_start(void)
{
    uint32_t limbs[LIMBS] = {1};

    for (int k = 0; k <= POWER_MAX; k++) {
        powers[k - POWER_MIN] = power_top(limbs, false);
        limbs_multiply(limbs, 10);
    }
    memset(limbs, 0, sizeof(limbs));
    limbs[LIMBS - 1] = 1U << 31;
    for (int k = -1; k >= POWER_MIN; k--) {
        limbs_divide(limbs, 10);
        powers[k - POWER_MIN] = power_top(limbs, true); /* a power of two has no divisor ten */
    }
}

/* floor(log10(2^q)), floor(log10(2^q * 3/4)) and floor(log2(10^k)), exact for |q| <= 1,500 and |k|
 * <= 330 (a test compares the digits of many doubles with those of base/num). */
static int log10_of_power2(int q)
{
    return (q * 1262611) >> 22;
}

static int log10_of_three_quarters(int q)
{
    return (q * 1262611 - 524031) >> 22;
}

static int log2_of_power10(int k)
{
    return (k * 1741647) >> 19;
}

/* The upper 64 bits of power * factor / 2^64 with everything below folded into the last bit. */
static uint64_t scale(struct power power, uint64_t factor)
{
    __extension__ typedef unsigned __int128 wide;
    wide low = (wide)power.low * factor;
    wide high = (wide)power.high * factor + (uint64_t)(low >> 64);

    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

struct decimal {
    uint64_t digits;
    int exponent;
};

static struct decimal decimal_of(uint64_t fraction, int biased)
{
    uint64_t c = biased != 0 ? fraction | ((uint64_t)1 << 52) : fraction;
    int q = (biased != 0 ? biased : 1) - 1075;
    bool is_odd = (c & 1) != 0;
    bool lower_is_near = fraction == 0 && biased > 1;
    int k = lower_is_near ? log10_of_three_quarters(q) : log10_of_power2(q);
    int shift = q + log2_of_power10(-k) + 1;
    struct power power = powers[-k - POWER_MIN];
    uint64_t lower = scale(power, (4 * c - 2 + lower_is_near) << shift) + is_odd;
    uint64_t middle = scale(power, (4 * c) << shift);
    uint64_t upper = scale(power, (4 * c + 2) << shift) - is_odd;
    uint64_t s = middle / 4;

    if (s >= 10) {
        uint64_t tens = s / 10;
        bool down_fits = lower <= 40 * tens;
        bool up_fits = 40 * tens + 40 <= upper;

        if (down_fits != up_fits) {
            return (struct decimal){tens + up_fits, k + 1};
        }
    }
    if ((lower <= 4 * s) != (4 * s + 4 <= upper)) {
        return (struct decimal){s + (4 * s + 4 <= upper), k};
    }
    return (struct decimal){s + (middle > 4 * s + 2 || (middle == 4 * s + 2 && (s & 1) != 0)), k};
}

static const char digit_pairs[] =
    "00010203040506070809101112131415161718192021222324252627282930313233"
    "34353637383940414243444546474849505152535455565758596061626364656667"
    "68697071727374757677787980818283848586878889909192939495969798"
    "99";

size_t baro_number_u64(uint64_t value, char *ret)
{
    char text[20];
    size_t at = sizeof(text);

    while (value >= 100) {
        at -= 2;
        memcpy(&text[at], &digit_pairs[value % 100 * 2], 2);
        value /= 100;
    }
    if (value >= 10) {
        at -= 2;
        memcpy(&text[at], &digit_pairs[value * 2], 2);
    } else {
        text[--at] = (char)('0' + value);
    }
    memcpy(ret, &text[at], sizeof(text) - at);
    return sizeof(text) - at;
}

size_t baro_number_i64(int64_t value, char *ret)
{
    if (value < 0) {
        *ret = '-';
        return 1 + baro_number_u64(0 - (uint64_t)value, ret + 1);
    }
    return baro_number_u64((uint64_t)value, ret);
}

/* d.ddde+XX */
static size_t write_exponent(const char *digits, size_t count, int exponent, char *ret)
{
    size_t at = 0;
    unsigned magnitude = (unsigned)(exponent < 0 ? -exponent : exponent);

    ret[at++] = digits[0];
    if (count > 1) {
        ret[at++] = '.';
        memcpy(&ret[at], &digits[1], count - 1);
        at += count - 1;
    }
    ret[at++] = 'e';
    ret[at++] = exponent < 0 ? '-' : '+';
    if (magnitude < 10) {
        ret[at++] = '0';
    }
    return at + baro_number_u64(magnitude, &ret[at]);
}

/* ddd.ddd, 0.000ddd, or ddd000 */
static size_t write_plain(const char *digits, size_t count, int exponent, char *ret)
{
    size_t at = 0;
    size_t whole = exponent < 0 ? 0 : (size_t)exponent + 1;

    if (whole == 0) {
        ret[at++] = '0';
        ret[at++] = '.';
        for (int i = -1; i > exponent; i--) {
            ret[at++] = '0';
        }
    }
    for (size_t i = 0; i < count || i < whole; i++) {
        if (i == whole && whole > 0) {
            ret[at++] = '.';
        }
        ret[at++] = i < count ? digits[i] : '0';
    }
    return at;
}

/* Go's border for 'g' with the shortest precision: an exponent below -4 or of 6 and more is written
 * as such. */
enum { EXPONENT_MIN = -4, EXPONENT_MAX = 5 };

size_t baro_number_double(double value, char *ret)
{
    uint64_t bits = baro_bits_of(value);
    uint64_t fraction = bits & (((uint64_t)1 << 52) - 1);
    int biased = (int)(bits >> 52 & 0x7FF);
    size_t sign = bits >> 63;
    struct decimal decimal;
    char digits[20];
    size_t count;
    int exponent;

    if (biased == 0x7FF) {
        const char *text = fraction != 0 ? "NaN" : sign ? "-Inf" : "+Inf";

        memcpy(ret, text, strlen(text));
        return strlen(text);
    }
    if (sign) {
        *ret++ = '-';
    }
    if (fraction == 0 && biased == 0) {
        *ret = '0';
        return sign + 1;
    }
    decimal = decimal_of(fraction, biased);
    while (decimal.digits >= 10 && decimal.digits % 10 == 0) {
        decimal.digits /= 10;
        decimal.exponent++;
    }
    count = baro_number_u64(decimal.digits, digits);
    exponent = decimal.exponent + (int)count - 1;
    return sign + (exponent < EXPONENT_MIN || exponent > EXPONENT_MAX
                       ? write_exponent(digits, count, exponent, ret)
                       : write_plain(digits, count, exponent, ret));
}
