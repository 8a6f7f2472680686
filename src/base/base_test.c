#include <math.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/dur.h"
#include "base/map.h"
#include "base/num.h"
#include "base/slab.h"
#include "base/vec.h"
#include "testing/test.h"

TEST(num_parses_as_go_does)
{
    static const struct {
        const char *text;
        bool ok;
        double want;
    } cases[] = {
        {"0", true, 0},
        {"-1.5", true, -1.5},
        {"+3", true, 3},
        {"1e3", true, 1000},
        {".5", true, 0.5},
        {"5.", true, 5},
        {"1e400", true, INFINITY},
        {"-1e400", true, -INFINITY},
        {"1e-400", true, 0},
        {"+Inf", true, INFINITY},
        {"-inf", true, -INFINITY},
        {"infinity", true, INFINITY},
        {"0x1p-2", true, 0.25},
        {"0x", false, 0},
        {"", false, 0},
        {"+", false, 0},
        {".", false, 0},
        {"1_0", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"+-1", false, 0},
        {"0.1", true, 0.1},
        {"1e", false, 0},
        {"+nan", false, 0},
        {"123456789012345678901234567890", true, 123456789012345678901234567890.0},
        {"9007199254740993", true, 9007199254740992.0},
        {"0.000000000000000000000000000000000000000000000000001e-300", true, 0},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        double got = -42;

        test_row(cases[i].text);
        if (num_parse_double(str_from(cases[i].text), &got) != cases[i].ok ||
            (cases[i].ok && memcmp(&got, &cases[i].want, sizeof(got)) != 0)) {
            fail_msg("\"%s\": got %g", cases[i].text, got);
        }
    }
}

TEST(num_formats_as_go_does)
{
    static const struct {
        double value;
        enum num_form form;
        const char *want;
    } cases[] = {
        {1e6, NUM_G, "1e+06"},
        {123456, NUM_G, "123456"},
        {1234567, NUM_G, "1.234567e+06"},
        {0.0001, NUM_G, "0.0001"},
        {0.00001, NUM_G, "1e-05"},
        {1e23, NUM_F, "100000000000000000000000"},
        {-0.0, NUM_F, "-0"},
        {1e-7, NUM_JSON, "1e-07"},
        {1e20, NUM_JSON, "100000000000000000000"},
        {1e21, NUM_JSON, "1e+21"},
        {INFINITY, NUM_F, "+Inf"},
        {-INFINITY, NUM_G, "-Inf"},
        {NAN, NUM_JSON, "NaN"},
        {0.1, NUM_F, "0.1"},
        {5e-324, NUM_G, "5e-324"},
        {2.5, NUM_E, "2.5e+00"},
        {1e100, NUM_E, "1e+100"},
        {0, NUM_JSON, "0"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[NUM_TEXT_MAX];
        size_t len = num_format_double(cases[i].value, cases[i].form, text);

        assert_str_equal(str_of(text, len), str_from(cases[i].want));
    }
}

TEST(dur_round_trips)
{
    static const struct {
        const char *text;
        int64_t want;
        const char *printed;
    } cases[] = {
        {"0", 0, "0s"},
        {"5m", 300000, "5m"},
        {"1h30m", 5400000, "1h30m"},
        {"1500ms", 1500, "1s500ms"},
        {"7d", 604800000, "1w"},
        {"365d", 31536000000, "1y"},
        {"36h", 129600000, "36h"},
    };
    static const char *const bad[] = {
        "", "1", "m", "5m1h", "-1s", "1.5h", "1h1h", "300y", "99999999999999999999s"};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct baro_error err = {0};
        struct buf text = {0};
        dur got = -1;

        assert_ok(dur_parse(str_from(cases[i].text), &got, &err), &err);
        assert_int_equal(got, cases[i].want);
        dur_format(&text, got);
        assert_str_equal(buf_view(&text), str_from(cases[i].printed));
        buf_done(&text);
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        dur got = -1;

        test_row(bad[i]);
        assert_int_equal(dur_parse(str_from(bad[i]), &got, NULL), BARO_EPARSE);
        assert_int_equal(got, -1);
    }
}

TEST(map_keeps_what_is_not_removed)
{
    enum { KEYS = 1000 };
    static char names[KEYS][8];
    struct map map = {0};

    for (size_t i = 0; i < KEYS; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "k%zu", i);
        assert_null(map_put(&map, str_from(names[i]), names[i]));
    }
    for (size_t i = 0; i < KEYS; i += 2) {
        assert_ptr_equal(map_remove(&map, str_from(names[i])), names[i]);
    }
    for (size_t i = 0; i < KEYS; i++) {
        assert_ptr_equal(map_get(&map, str_from(names[i])), i % 2 == 0 ? NULL : names[i]);
    }
    assert_int_equal(map.count, KEYS / 2);
    map_done(&map);
}

TEST(arena_try_honours_the_limit)
{
    struct arena arena;

    arena_init(&arena, 1000);
    assert_non_null(arena_try(&arena, 600));
    assert_null(arena_try(&arena, 600));
    assert_null(arena_try(&arena, SIZE_MAX / 2));
    arena_reset(&arena);
    assert_non_null(arena_try(&arena, 600));
    assert_str_equal(arena_printf(&arena, "%d-%s", 7, "x"), STR("7-x"));
    arena_done(&arena);
}

TEST(utf8_refuses_what_the_standard_refuses)
{
    static const struct {
        str text;
        bool ok;
    } cases[] = {
        {STR_INIT("plain ascii text"), true},
        {STR_INIT("\xc3\xa9"), true},
        {STR_INIT("\xf0\x9f\x98\x80"), true},
        {STR_INIT("\xc0\x80"), false},
        {STR_INIT("\xed\xa0\x80"), false},
        {STR_INIT("\xf4\x90\x80\x80"), false},
        {STR_INIT("\xe2\x82"), false},
        {STR_INIT("12345678\xff"), false},
        {STR_INIT(""), true},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_int_equal(utf8_is_valid(cases[i].text), cases[i].ok);
    }
}

TEST(buf_quotes_for_go_and_for_the_text_format_of_metrics)
{
    struct buf buf = {0};
    const str text = STR("a\t\"b\\\n\x01");

    buf_quoted(&buf, text);
    assert_str_equal(buf_view(&buf), STR("\"a\\t\\\"b\\\\\\n\\x01\""));
    buf_reset(&buf);
    buf_label_value(&buf, text);
    assert_str_equal(buf_view(&buf), STR("\"a\t\\\"b\\\\\\n\x01\""));
    buf_done(&buf);
}

TEST(buf_refuses_beyond_its_limit_and_keeps_the_rest)
{
    struct buf buf = {.limit = 8};

    buf_c(&buf, "12345");
    buf_c(&buf, "6789");
    assert_true(buf.failed);
    assert_str_equal(buf_view(&buf), STR("12345"));
    buf_reset(&buf);
    buf_printf(&buf, "%d", 1234567);
    assert_false(buf.failed);
    buf_done(&buf);
}

TEST(slab_is_aligned_and_zeroed_and_forgets)
{
    for (int dense = 0; dense < 2; dense++) {
        uint8_t *slab = slab_alloc(dense != 0);

        assert_int_equal((uintptr_t)slab % SLAB_BYTES, 0);
        slab_touch(slab);
        for (size_t i = 0; i < SLAB_BYTES; i += 512) {
            assert_int_equal(slab[i], 0);
            slab[i] = 7;
        }
        /* Bytes beside whole pages stay. */
        slab_forget(slab + 512, SLAB_BYTES - 1024);
        assert_int_equal(slab[0], 7);
        assert_int_equal(slab[512], 7);
        assert_int_equal(slab[SLAB_BYTES - 512], 7);
        assert_int_equal(slab[SLAB_BYTES / 2], 0);
        slab_free(slab);
    }
    slab_free(NULL);
}

TEST(vec_grows)
{
    VEC(int) numbers = {0};

    for (int i = 0; i < 100; i++) {
        vec_push(&numbers, i);
    }
    assert_int_equal(vec_pop(&numbers), 99);
    assert_int_equal(numbers.count, 99);
    assert_int_equal(numbers.items[42], 42);
    vec_done(&numbers);
}

TEST(num_format_double_writes_few_decimals_as_any)
{
    /* 15 digits tell such numbers apart, and %.15g leaves zeros at the end out. */
    for (int n = 1; n < 900000; n += 7) {
        char got[NUM_TEXT_MAX];
        char want[64];
        double v = (n % 2 != 0 ? -n : n) / (n % 3 == 0 ? 1000.0 : n % 3 == 1 ? 100.0 : 10.0);
        int size = snprintf(want, sizeof(want), "%.15g", v);

        assert_str_equal(str_of(got, num_format_double(v, NUM_JSON, got)),
                         str_of(want, (size_t)size));
        assert_str_equal(str_of(got, num_format_double(v, NUM_F, got)), str_of(want, (size_t)size));
    }
}

TEST(num_digits_are_those_of_printf)
{
    uint64_t v = 1;

    for (int i = 0; i < 200000; i++) {
        char want[32];
        char got[NUM_TEXT_MAX];
        size_t size;

        v = i < 100000 ? (uint64_t)i : v * 6364136223846793005u + 1442695040888963407u;
        for (int shift = 0; shift < 64; shift += i < 100000 ? 64 : 9) {
            (void)snprintf(want, sizeof(want), "%llu", (unsigned long long)(v >> shift));
            size = num_format_u64(v >> shift, got);
            assert_str_equal(str_of(got, size), str_from(want));
        }
        if (i % 1000 != 0 && i < 100000) {
            (void)snprintf(want, sizeof(want), "%s%d.%03d", i % 2 == 0 ? "-" : "", i / 1000,
                           i % 1000);
            for (size_t end = strlen(want); want[end - 1] == '0'; end--) {
                want[end - 1] = '\0';
            }
            size = num_format_double((i % 2 == 0 ? -i : i) / 1000.0, NUM_JSON, got);
            assert_str_equal(str_of(got, size), str_from(want));
        }
    }
}
