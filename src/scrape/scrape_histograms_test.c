#include "scrape/scrape_histograms.h"

#include <math.h>

#include "base/num.h"
#include "conf/prom_config.h"
#include "testing/test.h"

/* ---- limits ---- */

/* A histogram with `count` buckets of one sample each, from index 0 on. */
static struct histogram *histogram_of(struct arena *arena, int32_t schema, uint32_t count)
{
    struct histogram *h = ARENA_NEW(arena, struct histogram);

    h->schema = schema;
    h->integer = true;
    h->count = count;
    h->sum = 1;
    h->positive.span_count = 1;
    h->positive.spans = ARENA_NEW(arena, struct histogram_span);
    h->positive.spans[0].length = count;
    h->positive.bucket_count = count;
    h->positive.buckets = ARENA_ARRAY(arena, double, count);
    for (uint32_t i = 0; i < count; i++) {
        h->positive.buckets[i] = 1;
    }
    return h;
}

TEST(scrape_histogram_admit_keeps_the_limits)
{
    static const struct {
        const char *name;
        int32_t schema;
        uint32_t buckets;
        uint64_t limit;
        double factor;
        int want; /* code */
        int32_t want_schema;
    } cases[] = {
        {"no limits", 8, 100, 0, 0, 0, 8},
        {"within the limit", 3, 100, 100, 0, 0, 3},
        {"half as many", 3, 100, 60, 0, 0, 2},
        {"very few", 8, 256, 2, 0, 0, 0},
        {"fewer than any schema has", -4, 3, 2, 0, BARO_ELIMIT, 0},
        {"a wide factor", 8, 10, 0, 2, 0, 0},
        {"a factor of schema 3", 8, 10, 0, 1.09, 0, 3},
        {"a factor just above it", 8, 10, 0, 1.0906, 0, 2},
        {"a factor that is met", 2, 10, 0, 1.09, 0, 2},
        {"a huge factor", 8, 10, 0, 1e9, 0, -4},
        {"a factor that is none", 8, 10, 0, 1, 0, 8},
    };
    struct arena arena = {0};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct prom_scrape settings = {.native_histogram_bucket_limit = cases[i].limit,
                                             .native_histogram_min_bucket_factor = cases[i].factor};
        const struct histogram *h = histogram_of(&arena, cases[i].schema, cases[i].buckets);
        struct histogram *kept = NULL;

        test_row(cases[i].name);
        assert_int_equal(scrape_histogram_admit(&arena, h, &settings, &kept, NULL), cases[i].want);
        if (cases[i].want == 0) {
            assert_int_equal(kept->schema, cases[i].want_schema);
            assert_int_equal(histogram_check(kept, NULL), 0);
            assert_int_equal(h->schema, cases[i].schema);
        } else {
            assert_null(kept);
        }
    }
    test_row(NULL);
    arena_done(&arena);
}

TEST(scrape_histogram_admit_cannot_merge_custom_buckets)
{
    const struct prom_scrape settings = {.native_histogram_bucket_limit = 2};
    struct arena arena = {0};
    struct histogram *h = histogram_of(&arena, HISTOGRAM_SCHEMA_CUSTOM, 3);
    struct histogram *kept = NULL;
    static const double custom[] = {1, 2};

    h->custom = custom;
    h->custom_count = 2;
    assert_int_equal(scrape_histogram_admit(&arena, h, &settings, &kept, NULL), BARO_ELIMIT);
    arena_done(&arena);
}

/* ---- classic histograms ---- */

static const struct label target[] = {{STR_INIT("__name__"), STR_INIT("h_bucket")},
                                      {STR_INIT("a\"b"), STR_INIT("c\n")},
                                      {STR_INIT("le"), STR_INIT("1")}};

/* Takes one series "SUFFIX=VALUE" or "LE=VALUE" of the family h. */
static void take(struct nhcb *nhcb, str text)
{
    struct label items[ARRAY_COUNT(target)];
    struct labels labels = {items, ARRAY_COUNT(items)};
    struct exposition_event event = {0};
    str left = STR_NULL;
    enum nhcb_part part;

    memcpy(items, target, sizeof(items));
    assert_true(str_split_next(&text, '=', &left));
    assert_true(num_parse_double(text, &event.value));
    if (str_is(left, "count") || str_is(left, "sum")) {
        items[0].value = str_is(left, "count") ? STR("h_count") : STR("h_sum");
        labels.count = 2;
    } else {
        items[2].value = left;
    }
    part = nhcb_look(nhcb, labels, STR("h"));
    assert_int_not_equal(part, NHCB_NONE);
    nhcb_take(nhcb, part, labels, &event);
}

TEST(nhcb_makes_custom_buckets)
{
    static const struct {
        const char *name;
        const char *series;
        const char *want; /* "" = none */
    } cases[] = {
        {"in order", "1=2 2.5=5 +Inf=6 sum=9 count=6",
         "{count:6, sum:9, [-Inf,1]:2, (1,2.5]:3, (2.5,+Inf]:1}"},
        {"without +Inf", "1=2 count=6 sum=9", "{count:6, sum:9, [-Inf,1]:2, (1,+Inf]:4}"},
        {"without count", "1=2 +Inf=6 sum=9", "{count:6, sum:9, [-Inf,1]:2, (1,+Inf]:4}"},
        {"without anything but buckets", "1=2 2=2", "{count:2, sum:0, [-Inf,1]:2}"},
        {"the count alone", "count=3 sum=1", "{count:3, sum:1, [-Inf,+Inf]:3}"},
        {"out of order", "+Inf=6 2.5=5 1=2 count=6 sum=9",
         "{count:6, sum:9, [-Inf,1]:2, (1,2.5]:3, (2.5,+Inf]:1}"},
        {"a bound twice", "1=2 1=3 +Inf=6 count=6 sum=9",
         "{count:6, sum:9, [-Inf,1]:2, (1,+Inf]:4}"},
        {"parts of counts", "1=0.5 +Inf=1.5 count=1.5 sum=1",
         "{count:1.5, sum:1, [-Inf,1]:0.5, (1,+Inf]:1}"},
        {"counts that fall", "1=5 2=4 +Inf=6 count=6 sum=9", ""},
        {"counts that fall, out of order", "2=4 1=5 +Inf=6 count=6 sum=9", ""},
        {"a negative count", "1=-1 +Inf=6 count=6 sum=9", ""},
        {"a count that is no number", "1=1 +Inf=6 count=NaN sum=9", ""},
        {"a bucket that is no number", "1=NaN +Inf=6 count=6 sum=9", ""},
        {"a count below the buckets", "1=5 count=3 sum=9", ""},
        {"a count that differs from +Inf", "1=5 +Inf=7 count=6 sum=9", ""},
    };
    struct arena arena = {0};
    struct nhcb nhcb = {0};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        str rest = str_from(cases[i].series);
        struct histogram *h;
        struct buf text = {0};
        str one;

        test_row(cases[i].name);
        nhcb_reset(&nhcb);
        while (str_split_next(&rest, ' ', &one)) {
            take(&nhcb, one);
        }
        assert_str_equal(buf_view(&nhcb.key), STR("{\"h\",\"a\\\"b\"=\"c\\n\"}"));
        h = nhcb_make(&nhcb, &arena);
        assert_false(nhcb.is_collecting);
        if (h != NULL) {
            assert_int_equal(histogram_check(h, NULL), 0);
            assert_int_equal(h->schema, HISTOGRAM_SCHEMA_CUSTOM);
            assert_int_equal(h->integer, h->count == floor(h->count));
            histogram_format(&text, h);
        }
        assert_str_equal(buf_view(&text), str_from(cases[i].want));
        buf_done(&text);
    }
    test_row(NULL);
    nhcb_done(&nhcb);
    arena_done(&arena);
}

TEST(nhcb_look_knows_the_parts)
{
    static const struct {
        const char *name;
        const char *le;
        enum nhcb_part want;
    } cases[] = {
        {"h_bucket", "1", NHCB_BUCKET}, {"h_bucket", "+Inf", NHCB_BUCKET},
        {"h_bucket", "NaN", NHCB_NONE}, {"h_bucket", "x", NHCB_NONE},
        {"h_bucket", "", NHCB_NONE},    {"h_count", "", NHCB_COUNT},
        {"h_sum", "", NHCB_SUM},        {"h", "", NHCB_NONE},
        {"h_created", "", NHCB_NONE},   {"other_sum", "", NHCB_NONE},
        {"h_sum_sum", "", NHCB_NONE},   {"", "", NHCB_NONE},
    };
    struct nhcb nhcb = {0};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct label items[] = {{LABEL_METRIC_NAME, str_from(cases[i].name)},
                                      {STR("le"), str_from(cases[i].le)}};

        test_row(cases[i].name);
        assert_int_equal(
            nhcb_look(&nhcb, (struct labels){items, cases[i].le[0] != '\0' ? 2 : 1}, STR("h")),
            cases[i].want);
    }
    test_row(NULL);
    nhcb_done(&nhcb);
}

TEST(histogram_columns_grow_and_forget)
{
    struct histogram_columns columns = {0};

    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 1000; i++) {
            histogram_columns_push(&columns, i, (ts)i * 10, (ts)i,
                                   histogram_of(&columns.arena, 0, 1 + i % 3), i + 1);
        }
        assert_int_equal(columns.count, 1000);
        for (uint32_t i = 0; i < 1000; i++) {
            assert_int_equal(columns.refs[i], i);
            assert_int_equal(columns.t[i], i * 10);
            assert_int_equal(columns.ids[i], i + 1);
            assert_int_equal(columns.h[i]->positive.bucket_count, 1 + i % 3);
        }
        histogram_columns_reset(&columns);
        assert_int_equal(columns.count, 0);
    }
    histogram_columns_done(&columns);
}
