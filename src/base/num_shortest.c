/*
 * The shortest decimal of a double, by Raffaello Giulietti's method ("The Schubfach way to render
 * doubles", 2020): v = c * 2^q is scaled by the power of ten that makes the distance to the next
 * double 1 to 10, so that the interval of what reads back as v holds at most one multiple of ten,
 * and one to ten whole numbers. The multiple of ten has the fewest digits; else the nearest whole
 * number is taken.
 *
 * Nearly always 64 bits of fraction decide, which takes one multiplication by the power's 128 bits.
 * Only where a border of the interval, or the middle between two candidates, is closer than what
 * was rounded away is it all worked out with bits that tell whether something stands behind them.
 * (libbaro, which stands alone, has that plain way only: client/baro_number.c.)
 */
#include <string.h>

#include "base/attr.h"
#include "base/num_priv.h"

__extension__ typedef unsigned __int128 wide;

enum {
    MANTISSA_BITS = 52,
    BIASED_MAX = 0x7FE,
    EXPONENT_BIAS = 1075,
    POWER_MIN = -292, /* of num_powers.def */
    FRACTION_BITS = 60,
    /* Twice what scaling and the width of the interval are wrong by at most, in units of the
     * fraction's last bit. */
    DOUBT = 4,
};

struct power {
    uint64_t high;
    uint64_t low;
};

static const struct power powers[] = {
#define POWER(high, low) {UINT64_C(high), UINT64_C(low)},
#include "base/num_powers.def"
#undef POWER
};

/* floor(log10(2^q)), floor(log10(2^q * 3/4)) and floor(log2(10^k)), exact for |q| <= 1,500 and |k|
 * <= 330. */
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
static uint64_t scale_exactly(const struct power *power, uint64_t factor)
{
    wide low = (wide)power->low * factor;
    wide high = (wide)power->high * factor + (uint64_t)(low >> 64);

    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

struct num_decimal num_shortest_exactly(uint64_t mantissa, int biased)
{
    uint64_t c = biased != 0 ? mantissa | UINT64_C(1) << MANTISSA_BITS : mantissa;
    int q = (biased != 0 ? biased : 1) - EXPONENT_BIAS;
    bool is_odd = (c & 1) != 0;
    bool lower_is_near = mantissa == 0 && biased > 1; /* the next lower double has a smaller q */
    int k = lower_is_near ? log10_of_three_quarters(q) : log10_of_power2(q);
    int shift = q + log2_of_power10(-k) + 1;
    const struct power *power = &powers[-k - POWER_MIN];
    /* In quarters. The ends belong to the interval when c is even. */
    uint64_t lower = scale_exactly(power, (4 * c - 2 + lower_is_near) << shift) + is_odd;
    uint64_t middle = scale_exactly(power, (4 * c) << shift);
    uint64_t upper = scale_exactly(power, (4 * c + 2) << shift) - is_odd;
    uint64_t whole = middle / 4;
    bool down_fits = lower <= 4 * whole;
    bool up_fits = 4 * whole + 4 <= upper;

    if (whole >= 10) {
        uint64_t tens = whole / 10;
        bool tens_fit = lower <= 40 * tens;
        bool next_fit = 40 * tens + 40 <= upper;

        if (tens_fit != next_fit) {
            return (struct num_decimal){10 * (tens + next_fit), k};
        }
    }
    if (down_fits != up_fits) {
        return (struct num_decimal){whole + up_fits, k};
    }
    up_fits = middle > 4 * whole + 2 || (middle == 4 * whole + 2 && (whole & 1) != 0);
    return (struct num_decimal){whole + up_fits, k};
}

static inline bool is_close(uint64_t a, uint64_t b)
{
    return a - b + DOUBT <= 2 * DOUBT;
}

HOT struct num_decimal num_shortest(double v)
{
    uint64_t bits;
    uint64_t mantissa;
    int biased;

    memcpy(&bits, &v, sizeof(bits));
    mantissa = bits & ((UINT64_C(1) << MANTISSA_BITS) - 1);
    biased = (int)(bits >> MANTISSA_BITS & (BIASED_MAX | 1));
    if (LIKELY(mantissa != 0 && biased != 0)) {
        const uint64_t half = UINT64_C(1) << (FRACTION_BITS - 1);
        int q = biased - EXPONENT_BIAS;
        int k = log10_of_power2(q);
        int shift = q + log2_of_power10(-k) + 1; /* 1 to 4 */
        const struct power *power = &powers[-k - POWER_MIN];
        uint64_t c = (mantissa | UINT64_C(1) << MANTISSA_BITS) << shift;
        wide scaled = (wide)power->high * c + (uint64_t)((wide)power->low * c >> 64);
        uint64_t whole = (uint64_t)(scaled >> 64);
        uint64_t fraction = (uint64_t)scaled >> (64 - FRACTION_BITS);
        uint64_t tens = whole / 10;
        /* How far it is from the multiple of ten below and to the one above, and how far it may be.
         */
        uint64_t down = (whole - 10 * tens) << FRACTION_BITS | fraction;
        uint64_t up = (UINT64_C(10) << FRACTION_BITS) - down;
        uint64_t reach = power->high >> (65 - FRACTION_BITS - shift);

        if (LIKELY(!is_close(down, reach) && !is_close(up, reach) && !is_close(fraction, half))) {
            /* Which it is looks random: no branch. */
            bool next_fits = up < reach;
            uint64_t short_one = 10 * (tens + next_fits);
            uint64_t long_one = whole + (fraction > half);

            return (struct num_decimal){(next_fits | (down < reach)) ? short_one : long_one, k};
        }
    }
    return num_shortest_exactly(mantissa, biased);
}
