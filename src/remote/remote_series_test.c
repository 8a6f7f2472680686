#include "remote/remote_series.h"

#include <stdio.h>

#include "base/arena.h"
#include "model/relabel.h"
#include "remote/label_pairs.h"
#include "remote/wire_out.h"
#include "testing/test.h"

static const struct conf_pair external[] = {{STR_INIT("cluster"), STR_INIT("c1")},
                                            {STR_INIT("job"), STR_INIT("outer")}};

static void put(struct remote_series *series, series_ref ref, uint64_t segment, const char *name,
                const char *n)
{
    const struct label items[] = {
        {LABEL_METRIC_NAME, str_from(name)}, {STR("job"), STR("inner")}, {STR("n"), str_from(n)}};
    struct baro_error err = {0};

    assert_ok(
        remote_series_put(series, ref, (struct labels){items, ARRAY_COUNT(items)}, segment, &err),
        &err);
}

static void expect(struct remote_series *series, series_ref ref, const char *want)
{
    struct buf got = {0};
    uint32_t number = 0;

    assert_int_equal(remote_series_find(series, ref, &number), REMOTE_SERIES_SENT);
    labels_format(&got, remote_series_labels(series, number));
    assert_str_equal(buf_view(&got), str_from(want));
    buf_done(&got);
}

TEST(remote_series_have_external_labels_and_are_relabelled)
{
    static const str sources[] = {STR_INIT("n")};
    static const struct prom_relabel drop = {
        .source_labels = {sources, 1},
        .separator = STR_INIT(";"),
        .regex = STR_INIT("9.*"),
        .replacement = STR_INIT("$1"),
        .action = PROM_RELABEL_DROP,
    };
    static const struct prom_relabel add = {
        .source_labels = {sources, 1},
        .separator = STR_INIT(";"),
        .regex = STR_INIT("(.)(.*)"),
        .replacement = STR_INIT("<$1>"),
        .target_label = STR_INIT("first"),
        .action = PROM_RELABEL_REPLACE,
    };
    static const struct prom_relabel *const rules_list[] = {&drop, &add};
    struct relabel_rules *rules = NULL;
    struct baro_error err = {0};
    struct metadata metadata = {METRIC_COUNTER, STR(""), STR("Help.")};
    uint32_t number = 0, other = 0;

    assert_ok(relabel_rules_new((struct prom_relabels){rules_list, 2}, false, &rules, &err), &err);
    struct remote_series *series = remote_series_new((struct conf_pairs){external, 2}, rules);
    put(series, 1, 0, "a", "12");
    put(series, 2, 0, "a", "93");
    put(series, 1, 1, "other", "labels of a known series do not change");
    expect(series, 1, "a{cluster=\"c1\", first=\"<1>\", job=\"inner\", n=\"12\"}");
    assert_int_equal(remote_series_find(series, 2, &number), REMOTE_SERIES_DROPPED);
    assert_int_equal(remote_series_find(series, 3, &number), REMOTE_SERIES_UNKNOWN);
    assert_int_equal(remote_series_put(series, 0, (struct labels){0}, 0, &err), BARO_ECORRUPT);

    put(series, 3, 0, "a", "5");
    remote_series_put_metadata(series, 1, &metadata);
    remote_series_put_metadata(series, 3, &metadata);
    remote_series_put_metadata(series, 77, &metadata);
    (void)remote_series_find(series, 1, &number);
    (void)remote_series_find(series, 3, &other);
    assert_ptr_equal(remote_series_metadata(series, number), remote_series_metadata(series, other));
    assert_str_equal(remote_series_metadata(series, number)->help, STR("Help."));
    (void)remote_series_free(series);
    (void)relabel_rules_free(rules);
}

TEST(remote_series_sweep_forgets_old_ones)
{
    enum { COUNT = 5000 };
    struct remote_series *series = remote_series_new((struct conf_pairs){external, 1}, NULL);
    char n[16];

    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 1; i <= COUNT; i++) {
            (void)snprintf(n, sizeof(n), "%u", i);
            put(series, (uint64_t)round * COUNT + i, round, "a", n);
        }
        /* Every tenth of the round before is still there. */
        for (uint32_t i = 10; round > 0 && i <= COUNT; i += 10) {
            put(series, (uint64_t)(round - 1) * COUNT + i, round, "a", "x");
        }
        remote_series_sweep(series, round);
        assert_int_equal(remote_series_count(series), round == 0 ? COUNT : COUNT + COUNT / 10);
    }
    for (uint32_t i = 1; i <= 3 * COUNT; i++) {
        uint32_t number = 0;
        bool is_there = i > 2 * COUNT || (i > COUNT && i % 10 == 0);

        assert_int_equal(remote_series_find(series, i, &number),
                         is_there ? REMOTE_SERIES_SENT : REMOTE_SERIES_UNKNOWN);
    }
    expect(series, 2 * COUNT + 7, "a{cluster=\"c1\", job=\"inner\", n=\"7\"}");
    expect(series, COUNT + 20, "a{cluster=\"c1\", job=\"inner\", n=\"20\"}");
    (void)remote_series_free(series);
}

TEST(label_pairs_are_kept_once_and_counted)
{
    enum { COUNT = 2000 };
    struct label_pairs pairs = {0};
    uint32_t numbers[COUNT];
    char value[16];

    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < COUNT; i++) {
            (void)snprintf(value, sizeof(value), "%u", i / 2);
            numbers[i] = label_pairs_take(&pairs, STR("name"), str_from(value));
        }
        assert_int_equal(pairs.used, COUNT / 2);
        for (uint32_t i = 0; i < COUNT; i++) {
            assert_int_equal(numbers[i], numbers[i / 2 * 2]);
        }
        /* In another order than they came. */
        for (uint32_t i = 0; i < COUNT; i++) {
            label_pairs_drop(&pairs, numbers[(i * 7 + 3) % COUNT]);
        }
        assert_int_equal(pairs.used, 0);
    }
    assert_int_equal(pairs.pairs.count, COUNT / 2);
    label_pairs_done(&pairs);
}

TEST(remote_series_fields_are_those_of_the_labels)
{
    static const struct {
        double v;
        ts t;
    } cases[] = {{1.5, 1700000000000}, {0, 5}, {-0.0, 0}, {0, 0}, {2, -1}};
    struct remote_series *series = remote_series_new((struct conf_pairs){external, 1}, NULL);
    struct wire_out slow = {0}, fast = {0};
    struct buf want = {0}, got = {0};
    struct baro_error err = {0};
    uint32_t number = 0;
    size_t count = 0;

    put(series, 7, 0, "metric_name",
        "a value that is longer than the others, and of 2 bytes: \xc3\xa9");
    assert_int_equal(remote_series_find(series, 7, &number), REMOTE_SERIES_SENT);
    wire_out_begin(&slow, WIRE_WRITE_1);
    wire_out_begin(&fast, WIRE_WRITE_1);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const str *fields = remote_series_fields(series, number, &count);

        wire_out_series(&slow, remote_series_labels(series, number));
        wire_out_sample(&slow, &(struct sample){.t = cases[i].t, .v = cases[i].v});
        wire_out_series_end(&slow);
        wire_out_float(&fast, fields, count, cases[i].v, cases[i].t);
    }
    assert_ok(wire_out_finish_raw(&slow, &want, &err), &err);
    assert_ok(wire_out_finish_raw(&fast, &got, &err), &err);
    assert_str_equal(buf_view(&got), buf_view(&want));
    wire_out_done(&slow);
    wire_out_done(&fast);
    buf_done(&want);
    buf_done(&got);
    (void)remote_series_free(series);
}
