#include "base/num.h"

#include <math.h>
#include <stdio.h>

#include "base/num_priv.h"
#include "base/random.h"
#include "testing/test.h"

/* num_reference_test.cc */
size_t num_reference_scientific(double v, char *ret, size_t size);

struct reference {
    char digits[24];
    size_t count;
    int exponent;
    char scientific[40];
    size_t size;
};

static struct reference reference_of(double v)
{
    struct reference ret = {0};
    size_t mark;

    ret.size = num_reference_scientific(v, ret.scientific, sizeof(ret.scientific));
    mark = str_index_char(str_of(ret.scientific, ret.size), 'e');
    for (size_t i = 0; i < mark; i++) {
        if (ret.scientific[i] != '.') {
            ret.digits[ret.count++] = ret.scientific[i];
        }
    }
    for (size_t i = mark + 2; i < ret.size; i++) {
        ret.exponent = ret.exponent * 10 + ret.scientific[i] - '0';
    }
    ret.exponent = ret.scientific[mark + 1] == '-' ? -ret.exponent : ret.exponent;
    return ret;
}

/* One digit after the other, each at its place. */
static size_t write_plainly(const struct reference *reference, char *ret)
{
    int first = reference->exponent > 0 ? reference->exponent : 0;
    int last = reference->exponent - (int)reference->count + 1;
    size_t size = 0;

    for (int place = first; place >= 0 || place >= last; place--) {
        size_t i = (size_t)(reference->exponent - place);

        if (place == -1) {
            ret[size++] = '.';
        }
        ret[size++] =
            place <= reference->exponent && i < reference->count ? reference->digits[i] : '0';
    }
    return size;
}

static void compare(double v)
{
    struct reference reference = reference_of(v);
    str scientific = str_of(reference.scientific, reference.size);
    char fixed_text[NUM_TEXT_MAX];
    str fixed = str_of(fixed_text, write_plainly(&reference, fixed_text));
    bool is_g_scientific = reference.exponent < -4 || reference.exponent >= 6;
    const struct {
        enum num_form form;
        str want;
    } rows[] = {
        {NUM_E, scientific},
        {NUM_F, fixed},
        {NUM_G, is_g_scientific && v != 0 ? scientific : fixed},
        {NUM_JSON, v != 0 && (v < 1e-6 || v >= 1e21) ? scientific : fixed},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char got[NUM_TEXT_MAX];
        size_t size = num_format_double(v, rows[i].form, got);

        if (!str_eq(str_of(got, size), rows[i].want)) {
            assert_str_equal(str_of(got, size), rows[i].want);
        }
        if (rows[i].form == NUM_JSON) {
            size = num_format_value(v, got);
            assert_true(str_eq(str_of(got, size), rows[i].want));
            size = num_format_value(-v, got);
            assert_true(got[0] == '-' && str_eq(str_of(got + 1, size - 1), rows[i].want));
        }
        size = num_format_double(-v, rows[i].form, got);
        if (got[0] != '-' || !str_eq(str_of(got + 1, size - 1), rows[i].want)) {
            assert_str_equal(str_of(got, size), rows[i].want);
        }
    }
}

static double double_of(uint64_t bits)
{
    double v;

    memcpy(&v, &bits, sizeof(v));
    return v;
}

TEST(num_doubles_are_those_of_the_library)
{
    const uint64_t mantissa_most = (UINT64_C(1) << 52) - 1;
    struct random random = {.state = 1};

    test_has_one_thread();
    compare(0);
    for (uint64_t biased = 0; biased < 0x7FF; biased++) {
        for (uint64_t i = 0; i < 4; i++) {
            if (biased > 0 || i > 0) {
                compare(double_of(biased << 52 | i));
            }
            compare(double_of(biased << 52 | (mantissa_most - i)));
            compare(double_of(biased << 52 | UINT64_C(1) << (random_next(&random) % 52)));
            compare(double_of(biased << 52 | random_next(&random) >> 12));
        }
    }
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = random_next(&random) >> 1;

        if (bits >> 52 < 0x7FF) {
            compare(double_of(bits));
        }
        compare(double_of((bits & mantissa_most) >> bits % 52)); /* subnormal */
        compare(double_of(UINT64_C(0x3FF) << 52 | bits >> 11));  /* 1 to 2, and more */
    }
}

TEST(num_doubles_near_decimals_are_those_of_the_library)
{
    struct random random = {.state = 2};

    for (int exponent = -323; exponent <= 308; exponent++) {
        char text[16];
        double v = 0;

        (void)snprintf(text, sizeof(text), "1e%d", exponent);
        assert_true(num_parse_double(str_from(text), &v));
        compare(v);
        compare(nextafter(v, INFINITY));
        if (exponent > -323) {
            compare(nextafter(v, 0));
        }
    }
    for (int i = 0; i < 100000; i++) {
        uint64_t digits = random_next(&random) >> random_next(&random) % 64;
        double v = (double)digits / pow(10, (double)(random_next(&random) % 23));

        compare(v);
        compare(v * 0x1p-30);
    }
}

/* The way for what 64 bits of fraction cannot tell is hardly ever gone. */
TEST(num_shortest_has_two_ways_that_agree)
{
    struct random random = {.state = 3};

    for (int i = 0; i < 300000; i++) {
        uint64_t mantissa = random_next(&random) >> 12 | 1;
        uint64_t biased = 1 + random_next(&random) % 0x7FE;
        struct num_decimal quick = num_shortest(double_of(biased << 52 | mantissa));
        struct num_decimal exact = num_shortest_exactly(mantissa, (int)biased);

        assert_true(quick.mantissa == exact.mantissa && quick.exponent == exact.exponent);
    }
}
