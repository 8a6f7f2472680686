#include "model/labels.h"

#include "model/sample.h"
#include "testing/test.h"

static struct labels make(struct arena *arena, const char *const *pairs)
{
    struct label items[64];
    size_t count = 0;

    for (; pairs[2 * count] != NULL; count++) {
        items[count] = (struct label){str_from(pairs[2 * count]), str_from(pairs[2 * count + 1])};
    }
    return labels_from_pairs(arena, items, count);
}

#define LABELS(arena, ...) make(arena, (const char *const[]){__VA_ARGS__, NULL})

TEST(labels_are_sorted_and_found)
{
    struct arena arena = {0};
    struct labels labels = LABELS(&arena, "zone", "eu", "__name__", "up", "job", "x");

    assert_str_equal(labels.items[0].name, STR("__name__"));
    assert_str_equal(labels.items[2].name, STR("zone"));
    assert_str_equal(labels_get(labels, STR("job")), STR("x"));
    assert_null(labels_get(labels, STR("no")).ptr);
    assert_false(labels_has_duplicate(labels));
    assert_true(labels_has_duplicate(LABELS(&arena, "a", "1", "b", "2", "a", "3")));
    arena_done(&arena);
}

TEST(labels_sort_orders_large_sets)
{
    enum { COUNT = 1000 };
    static char names[COUNT][8];
    static struct label items[COUNT];

    for (size_t i = 0; i < COUNT; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "l%04u", (unsigned)(i * 7919 % COUNT));
        items[i] = (struct label){str_from(names[i]), STR("v")};
    }
    labels_sort(items, COUNT);
    for (size_t i = 1; i < COUNT; i++) {
        assert_true(str_cmp(items[i - 1].name, items[i].name) < 0);
    }
}

TEST(labels_order_and_equality)
{
    struct arena arena = {0};
    struct labels a = LABELS(&arena, "a", "1", "b", "2");
    struct labels b = LABELS(&arena, "a", "1", "b", "3");
    struct labels c = LABELS(&arena, "a", "1");
    struct labels same = LABELS(&arena, "b", "2", "a", "1");
    struct labels swapped = LABELS(&arena, "a", "2", "b", "1");

    assert_true(labels_cmp(a, b) < 0);
    assert_true(labels_cmp(b, a) > 0);
    assert_true(labels_cmp(c, a) < 0);
    assert_int_equal(labels_cmp(a, same), 0);
    assert_true(labels_eq(a, same));
    assert_false(labels_eq(a, b));
    assert_false(labels_eq(a, c));
    assert_true(labels_hash(a) == labels_hash(same));
    assert_true(labels_hash(a) != labels_hash(b));
    assert_true(labels_hash(a) != labels_hash(swapped));
    assert_true(labels_hash(LABELS(&arena, "ab", "c")) != labels_hash(LABELS(&arena, "a", "bc")));
    assert_true(labels_eq(labels_copy(&arena, a), a));
    arena_done(&arena);
}

TEST(labels_with_and_without)
{
    struct arena arena = {0};
    struct labels base = LABELS(&arena, "b", "1", "d", "2");

    assert_true(labels_eq(labels_without(&arena, base, STR("b")), LABELS(&arena, "d", "2")));
    assert_ptr_equal(labels_without(&arena, base, STR("c")).items, base.items);
    assert_true(labels_eq(labels_with(&arena, base, STR("c"), STR("x")),
                          LABELS(&arena, "b", "1", "c", "x", "d", "2")));
    assert_true(labels_eq(labels_with(&arena, base, STR("e"), STR("x")),
                          LABELS(&arena, "b", "1", "d", "2", "e", "x")));
    assert_true(labels_eq(labels_with(&arena, base, STR("b"), STR("x")),
                          LABELS(&arena, "b", "x", "d", "2")));
    assert_true(labels_eq(labels_with(&arena, base, STR("b"), STR("")), LABELS(&arena, "d", "2")));
    arena_done(&arena);
}

TEST(labels_format_quotes_as_promql)
{
    static const struct {
        const char *pairs[8];
        const char *want;
    } cases[] = {
        {{"__name__", "up", "job", "x"}, "up{job=\"x\"}"},
        {{"__name__", "up"}, "up"},
        {{"job", "x", "a", "y"}, "{a=\"y\", job=\"x\"}"},
        {{"__name__", "a.b", "c", "d"}, "{\"a.b\", c=\"d\"}"},
        {{"__name__", "a.b"}, "{\"a.b\"}"},
        {{"__name__", "a", "b.c", "d"}, "a{\"b.c\"=\"d\"}"},
        {{NULL}, "{}"},
        {{"a", "q\"\\\n\t\x01\x7F\xFF\xC3\xA9"}, "{a=\"q\\\"\\\\\\n\\t\\x01\\x7f\\xff\xC3\xA9\"}"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena = {0};
        struct buf out = {0};

        test_row(cases[i].want);
        labels_format(&out, make(&arena, cases[i].pairs));
        assert_str_equal(buf_view(&out), str_from(cases[i].want));
        buf_done(&out);
        arena_done(&arena);
    }
    test_row(NULL);
}

TEST(label_names_legacy)
{
    assert_true(label_name_is_legacy(STR("_a9")));
    assert_false(label_name_is_legacy(STR("a:b")));
    assert_true(metric_name_is_legacy(STR("a:b")));
    assert_false(metric_name_is_legacy(STR("9a")));
    assert_false(metric_name_is_legacy(STR("")));
    assert_false(label_name_is_legacy(STR("a.b")));
}

TEST(sample_stale_marker_is_told_by_bits)
{
    assert_true(value_is_stale(value_stale()));
    assert_false(value_is_stale(value_from_bits(VALUE_NAN_BITS)));
    assert_false(value_is_stale(0));
    assert_str_equal(str_from(metric_type_name(METRIC_GAUGE_HISTOGRAM)), STR("gaugehistogram"));
}

TEST(labels_hash_prometheus_is_xxh64_of_sized_strings)
{
    static const struct label pairs[] = {{STR_INIT("__name__"), STR_INIT("up")},
                                         {STR_INIT("job"), STR_INIT("a")}};
    char name[300] = "";
    struct label longer = {STR("n"), str_of(name, sizeof(name))};
    struct buf want = {0};

    buf_c(&want, "\x08__name__\x02up\x03job\x01");
    buf_char(&want, 'a');
    assert_true(labels_hash_prometheus((struct labels){pairs, 2}) ==
                str_hash_stable(buf_view(&want)));
    buf_reset(&want);
    memset(name, 'v', sizeof(name));
    buf_c(&want, "\x01n\xff\x2c\x01");
    buf_char(&want, '\0');
    buf_bytes(&want, name, sizeof(name));
    assert_true(labels_hash_prometheus((struct labels){&longer, 1}) ==
                str_hash_stable(buf_view(&want)));
    buf_done(&want);
    /* The vector of the algorithm's own documentation: the empty input. */
    assert_true(str_hash_stable(STR("")) == UINT64_C(0xef46db3751d8e999));
}
