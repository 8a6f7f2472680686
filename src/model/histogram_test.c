#include "model/histogram.h"

#include <math.h>

#include "base/mem.h"
#include "testing/test.h"

/* A side of up to three spans. */
#define SPANS(...) ((struct histogram_span[]){__VA_ARGS__})
#define SIDE(span_list, spans_used, ...)                                                           \
    ((struct histogram_side){.spans = (span_list),                                                 \
                             .span_count = (spans_used),                                           \
                             .buckets = (double[]){__VA_ARGS__},                                   \
                             .bucket_count = ARRAY_COUNT(((double[]){__VA_ARGS__}))})

static const struct histogram simple = {.count = 4,
                                        .sum = 5,
                                        .positive = {.spans = (struct histogram_span[]){{0, 3}},
                                                     .span_count = 1,
                                                     .buckets = (double[]){1, 2, 1},
                                                     .bucket_count = 3}};

static void assert_text(const struct histogram *h, const char *want)
{
    struct buf buf = {0};

    histogram_format(&buf, h);
    assert_str_equal(buf_view(&buf), str_from(want));
    buf_done(&buf);
}

TEST(histogram_bounds_are_powers)
{
    static const struct {
        int32_t schema;
        int32_t index;
        double want;
    } cases[] = {
        {0, 0, 1},
        {0, 1, 2},
        {0, -1, 0.5},
        {1, 1, 1.414213562373095},
        {2, 2, 1.414213562373095},
        {8, 128, 1.414213562373095},
        {-1, 1, 4},
        {-4, 1, 65536},
        {-4, -1, 1 / 65536.0},
        {0, 1024, 0x1.fffffffffffffp1023},
        {0, 1025, INFINITY},
        {-4, 64, 0x1.fffffffffffffp1023},
        {-4, 65, INFINITY},
        {8, INT32_MIN, 0},
        {-4, INT32_MAX, INFINITY},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct histogram h = {.schema = cases[i].schema};

        if (histogram_bound(&h, cases[i].index) != cases[i].want) {
            fail_msg("schema %d index %d: %.17g", cases[i].schema, cases[i].index,
                     histogram_bound(&h, cases[i].index));
        }
    }
}

TEST(histogram_text_has_all_buckets_in_order)
{
    const struct histogram both = {
        .count = 9,
        .sum = -3.5,
        .zero_threshold = 0.001,
        .zero_count = 2,
        .positive = SIDE(SPANS({0, 1}, {1, 1}), 2, 1, 3),
        .negative = SIDE(SPANS({1, 2}), 1, 2, 1),
    };
    const struct histogram custom = {.schema = HISTOGRAM_SCHEMA_CUSTOM,
                                     .count = 3,
                                     .sum = 8,
                                     .positive = SIDE(SPANS({0, 3}), 1, 1, 0, 2),
                                     .custom = (double[]){2.5, 5},
                                     .custom_count = 2};

    assert_text(&simple, "{count:4, sum:5, (0.5,1]:1, (1,2]:2, (2,4]:1}");
    assert_text(&both, "{count:9, sum:-3.5, [-4,-2):1, [-2,-1):2, [-0.001,0.001]:2, (0.5,1]:1, "
                       "(2,4]:3}");
    assert_text(&custom, "{count:3, sum:8, [-Inf,2.5]:1, (5,+Inf]:2}");
}

TEST(histogram_check_names_the_fault)
{
    static double counts[] = {1, -1, 2};
    static double bounds[] = {1, 1};
    const struct {
        struct histogram h;
        int want;
        const char *text;
    } cases[] = {
        {simple, 0, ""},
        {{.schema = 9}, BARO_EINVALID, "schema 9"},
        {{.positive = {.spans = SPANS({0, 2}), .span_count = 1, .buckets = counts}},
         BARO_EINVALID,
         "spans need 2 buckets, have 0"},
        {{.positive = SIDE(SPANS({0, 1}, {-1, 1}), 2, 1, 1)},
         BARO_EINVALID,
         "span number 2 with offset -1"},
        {{.count = 2, .negative = SIDE(SPANS({0, 3}), 1, 1, -1, 2)},
         BARO_EINVALID,
         "bucket number 2 has a negative count"},
        {{.positive = SIDE(SPANS({INT32_MAX, 1}), 1, 1)}, BARO_EINVALID, "out of range"},
        {{.positive = {.spans = SPANS({0, UINT32_MAX}), .span_count = 1}},
         BARO_EINVALID,
         "out of range"},
        {{.integer = true, .count = 3, .positive = SIDE(SPANS({0, 1}), 1, 2)},
         BARO_EINVALID,
         "2 observations in the buckets, but the count is 3"},
        {{.integer = true, .count = 3, .sum = NAN, .positive = SIDE(SPANS({0, 1}), 1, 2)}, 0, ""},
        {{.schema = -53, .custom = bounds, .custom_count = 2}, BARO_EINVALID, "number 2"},
        {{.schema = -53, .zero_count = 1}, BARO_EINVALID, "zero bucket"},
        {{.schema = -53, .positive = SIDE(SPANS({1, 1}), 1, 1)}, BARO_EINVALID, "too few"},
        {{.custom = bounds, .custom_count = 1}, BARO_EINVALID, "no custom bounds"},
        {{.count = -1}, BARO_EINVALID, "negative"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct baro_error err = {0};

        test_row(cases[i].text);
        assert_int_equal(histogram_check(&cases[i].h, &err), cases[i].want);
        assert_non_null(strstr(err.message, cases[i].text));
    }
    test_row(NULL);
}

TEST(histogram_copies_stand_alone)
{
    struct arena arena = {0};
    const struct histogram custom = {.schema = HISTOGRAM_SCHEMA_CUSTOM,
                                     .count = 3,
                                     .positive = SIDE(SPANS({0, 3}), 1, 1, 0, 2),
                                     .custom = (double[]){2.5, 5},
                                     .custom_count = 2};
    struct histogram *copy = histogram_copy(&arena, &custom);

    assert_true(histogram_eq(copy, &custom));
    histogram_mul(copy, 2);
    assert_false(histogram_eq(copy, &custom));
    assert_true(custom.positive.buckets[2] == 2 && copy->positive.buckets[2] == 4);
    assert_true(histogram_is_stale(histogram_new_stale(&arena)));
    arena_done(&arena);
}

TEST(histogram_adds_layouts)
{
    struct arena arena = {0};
    struct histogram_notes notes = {0};
    struct histogram *sum = histogram_copy(&arena, &simple);
    const struct histogram far = {
        .count = 3, .sum = 30, .positive = SIDE(SPANS({-2, 1}, {2, 1}, {3, 1}), 3, 1, 1, 1)};
    const struct histogram fine = {
        .schema = 1, .count = 5, .sum = 1, .positive = SIDE(SPANS({0, 4}), 1, 1, 1, 1, 2)};

    assert_int_equal(histogram_add(&arena, sum, NULL, &far, &notes), 0);
    assert_text(sum, "{count:7, sum:35, (0.125,0.25]:1, (0.5,1]:1, (1,2]:3, (2,4]:1, (16,32]:1}");
    assert_int_equal(histogram_sub(&arena, sum, &simple, &notes), 0);
    histogram_compact(&arena, sum);
    assert_text(sum, "{count:3, sum:30, (0.125,0.25]:1, (1,2]:1, (16,32]:1}");
    assert_int_equal(sum->positive.bucket_count, 3);

    sum = histogram_copy(&arena, &simple);
    assert_int_equal(histogram_add(&arena, sum, NULL, &fine, &notes), 0);
    assert_text(sum, "{count:9, sum:6, (0.5,1]:2, (1,2]:4, (2,4]:3}");
    sum = histogram_copy(&arena, &fine);
    assert_int_equal(histogram_add(&arena, sum, NULL, &simple, &notes), 0);
    assert_text(sum, "{count:9, sum:6, (0.5,1]:2, (1,2]:4, (2,4]:3}");
    assert_int_equal(sum->schema, 0);
    arena_done(&arena);
}

TEST(histogram_adds_zero_buckets)
{
    struct arena arena = {0};
    struct histogram_notes notes = {0};
    const struct histogram wide = {.count = 2, .zero_threshold = 1, .zero_count = 2};
    const struct histogram cut = {.count = 2, .zero_threshold = 1.5, .zero_count = 2};
    struct histogram *sum = histogram_copy(&arena, &simple);

    assert_int_equal(histogram_add(&arena, sum, NULL, &wide, &notes), 0);
    assert_text(sum, "{count:6, sum:5, [-1,1]:3, (1,2]:2, (2,4]:1}");
    /* A threshold within a bucket moves to the bucket's end, on either side. */
    sum = histogram_copy(&arena, &cut);
    assert_int_equal(histogram_add(&arena, sum, NULL, &simple, &notes), 0);
    assert_text(sum, "{count:6, sum:5, [-2,2]:5, (2,4]:1}");
    arena_done(&arena);
}

TEST(histogram_adds_custom_bounds)
{
    struct arena arena = {0};
    struct histogram_notes notes = {0};
    const struct histogram a = {.schema = -53,
                                .count = 15,
                                .positive = SIDE(SPANS({0, 4}), 1, 1, 2, 5, 7),
                                .custom = (double[]){2, 4, 6},
                                .custom_count = 3};
    const struct histogram b = {.schema = -53,
                                .count = 10,
                                .positive = SIDE(SPANS({0, 4}), 1, 1, 2, 3, 4),
                                .custom = (double[]){1, 2, 6},
                                .custom_count = 3};
    struct histogram *sum = histogram_copy(&arena, &a);

    assert_int_equal(histogram_add(&arena, sum, NULL, &b, &notes), 0);
    assert_true(notes.bounds_reconciled);
    assert_text(sum, "{count:25, sum:0, [-Inf,2]:4, (2,6]:10, (6,+Inf]:11}");
    assert_int_equal(histogram_add(&arena, sum, NULL, &simple, &notes), BARO_EINVALID);
    arena_done(&arena);
}

TEST(histogram_hints_combine)
{
    static const struct {
        enum histogram_hint a, b, want;
        bool collision;
    } cases[] = {
        {HISTOGRAM_HINT_GAUGE, HISTOGRAM_HINT_RESET, HISTOGRAM_HINT_GAUGE, false},
        {HISTOGRAM_HINT_RESET, HISTOGRAM_HINT_GAUGE, HISTOGRAM_HINT_GAUGE, false},
        {HISTOGRAM_HINT_RESET, HISTOGRAM_HINT_NOT_RESET, HISTOGRAM_HINT_UNKNOWN, true},
        {HISTOGRAM_HINT_RESET, HISTOGRAM_HINT_UNKNOWN, HISTOGRAM_HINT_UNKNOWN, false},
        {HISTOGRAM_HINT_RESET, HISTOGRAM_HINT_RESET, HISTOGRAM_HINT_RESET, false},
    };
    struct arena arena = {0};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct histogram_notes notes = {0};
        struct histogram a = {.hint = cases[i].a};
        const struct histogram b = {.hint = cases[i].b};

        assert_int_equal(histogram_add(&arena, &a, NULL, &b, &notes), 0);
        assert_int_equal(a.hint, cases[i].want);
        assert_int_equal(notes.reset_collision, cases[i].collision);
    }
    arena_done(&arena);
}

TEST(histogram_compensates_sums)
{
    struct arena arena = {0};
    struct histogram_notes notes = {0};
    const struct histogram big = {
        .count = 1e100, .sum = 1e100, .positive = SIDE(SPANS({0, 1}), 1, 1e100)};
    const struct histogram minus = {
        .count = -1e100, .sum = -1e100, .positive = SIDE(SPANS({0, 1}), 1, -1e100)};
    struct histogram *sum = histogram_copy(&arena, &simple);
    struct histogram *lost = histogram_zero_like(&arena, sum);

    assert_int_equal(histogram_add(&arena, sum, lost, &big, &notes), 0);
    assert_int_equal(histogram_add(&arena, sum, lost, &minus, &notes), 0);
    histogram_add_plain(sum, lost);
    assert_text(sum, "{count:4, sum:5, (0.5,1]:1, (1,2]:2, (2,4]:1}");
    arena_done(&arena);
}

TEST(histogram_resets_are_found)
{
    struct arena arena = {0};
    const struct histogram coarse = {
        .schema = -1, .count = 4, .sum = 5, .positive = SIDE(SPANS({0, 2}), 1, 1, 3)};
    const struct histogram moved = {.count = 5, .positive = SIDE(SPANS({0, 1}, {1, 1}), 2, 1, 4)};
    const struct histogram wide = {
        .zero_threshold = 1, .zero_count = 1, .count = 4, .positive = SIDE(SPANS({1, 2}), 1, 2, 1)};
    const struct histogram cut = {
        .zero_threshold = 1.5, .zero_count = 3, .count = 4, .positive = SIDE(SPANS({2, 1}), 1, 1)};
    const struct histogram custom = {.schema = -53,
                                     .count = 4,
                                     .positive = SIDE(SPANS({0, 3}), 1, 1, 1, 2),
                                     .custom = (double[]){2, 4},
                                     .custom_count = 2};
    const struct histogram fewer = {.schema = -53,
                                    .count = 5,
                                    .positive = SIDE(SPANS({0, 2}), 1, 3, 2),
                                    .custom = (double[]){4},
                                    .custom_count = 1};
    const struct histogram fewer_less = {.schema = -53,
                                         .count = 5,
                                         .positive = SIDE(SPANS({0, 2}), 1, 1, 4),
                                         .custom = (double[]){4},
                                         .custom_count = 1};
    struct histogram told = simple;

    assert_false(histogram_has_reset(&arena, &simple, &simple));
    assert_false(histogram_has_reset(&arena, &coarse, &simple));
    assert_true(histogram_has_reset(&arena, &simple, &coarse));
    assert_true(histogram_has_reset(&arena, &moved, &simple));
    assert_false(histogram_has_reset(&arena, &wide, &simple));
    assert_true(histogram_has_reset(&arena, &cut, &simple));
    assert_true(histogram_has_reset(&arena, &simple, &wide));
    assert_true(histogram_has_reset(&arena, &custom, &simple));
    assert_false(histogram_has_reset(&arena, &fewer, &custom));
    assert_true(histogram_has_reset(&arena, &fewer_less, &custom));
    told.hint = HISTOGRAM_HINT_RESET;
    assert_true(histogram_has_reset(&arena, &told, &simple));
    told.hint = HISTOGRAM_HINT_NOT_RESET;
    assert_false(histogram_has_reset(&arena, &told, &coarse));
    arena_done(&arena);
}

TEST(histogram_scales)
{
    struct arena arena = {0};
    struct histogram *h = histogram_copy(&arena, &simple);

    histogram_mul(h, -0.5);
    assert_text(h, "{count:-2, sum:-2.5, (0.5,1]:-0.5, (1,2]:-1, (2,4]:-0.5}");
    assert_int_equal(h->hint, HISTOGRAM_HINT_GAUGE);
    histogram_div(h, 0.5);
    assert_text(h, "{count:-4, sum:-5, (0.5,1]:-1, (1,2]:-2, (2,4]:-1}");
    assert_false(histogram_has_overflow(h));
    histogram_div(h, 0);
    assert_text(h, "{count:-Inf, sum:-Inf, [-0,0]:NaN}");
    assert_true(histogram_has_overflow(h));
    arena_done(&arena);
}
