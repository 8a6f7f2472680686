/*
 * Downsampled samples: every function that takes them gives over aligned windows what it gives over
 * all samples (sums to the last bits, everything else bit for bit); what is not aligned does not
 * take them; damage and deletions cost nothing.
 */
#include <math.h>

#include "base/log.h"
#include "base/random.h"
#include "promql/engine.h"
#include "sys/fs_fake.h"
#include "testing/test.h"
#include "tsdb/downsample.h"
#include "tsdb/tsdb.h"

enum { RANGE = 2 * DUR_HOUR, SCRAPE = 30 * 1000, SERIES = 6 };
#define END ((ts)40 * RANGE)

/* Series 0 counts evenly, 1 with resets, 2 is a gauge, 3 comes and goes with stale markers, 4 has
 * NaN and infinities, 5 is rare. */
static bool sample_at(unsigned series, ts t, struct random *random, double *state, double *ret)
{
    switch (series) {
    case 0:
        *ret = *state += 3;
        return true;
    case 1:
        *state = random_below(random, 97) == 0 ? 1 : *state + (double)random_below(random, 9);
        *ret = *state;
        return true;
    case 2:
        *ret = sin((double)t / 1e6) * 1000 + (double)random_below(random, 100) / 7;
        return true;
    case 3:
        *ret = t / (DUR_HOUR + 7 * SCRAPE) % 3 == 1 ? value_stale() : (double)(t / 1000);
        return t / (DUR_HOUR + 7 * SCRAPE) % 3 < 2;
    case 4:
        *ret = random_below(random, 300) == 0  ? INFINITY
               : random_below(random, 50) == 0 ? NAN
                                               : (double)(t % 7919);
        return true;
    default:
        *ret = (double)t;
        return random_below(random, 40) == 0;
    }
}

static void scrape(struct tsdb *tsdb, ts t, struct random *random, double *state)
{
    struct appendable *appendable = tsdb_appendable(tsdb);
    struct appender *appender = appendable->appender(appendable);

    for (unsigned i = 0; i < SERIES; i++) {
        char name[8];
        struct label items[] = {{STR("__name__"), STR("m_total")}, {STR("i"), STR("")}};
        ts at = t + (ts)i * 1000 + (i == 5 ? (ts)random_below(random, 20000) : 0);
        double v = 0;
        series_ref ref = 0;
        uint8_t status = 0;
        struct append_batch batch = {
            .refs = &ref, .t = &at, .v = &v, .count = 1, .status = &status};

        items[1].value = str_of(name, (size_t)snprintf(name, sizeof(name), "%u", i));
        if (sample_at(i, t, random, &state[i], &v)) {
            assert_true(appender->ops->series(appender, (struct labels){items, 2}, &ref, NULL) >=
                        0);
            assert_int_equal(appender->ops->samples(appender, &batch, NULL), 0);
        }
    }
    assert_int_equal(appender->ops->commit(appender, NULL), 0);
    appender->ops->free(appender);
}

static struct tsdb *open_store(const struct fs *fs, bool downsample)
{
    struct tsdb_options options = {
        .no_sync_thread = true,
        .downsample = downsample,
        .fs = fs,
        .querier_wait = 1,
        .no_snapshot = true,
    };
    struct baro_error err = {0};
    struct tsdb *tsdb = NULL;

    assert_ok(tsdb_open("data", &options, &tsdb, &err), &err);
    return tsdb;
}

static void fill(struct tsdb *tsdb)
{
    struct random random = {17};
    double state[SERIES] = {0};
    struct baro_error err = {0};

    for (ts t = 0; t < END; t += SCRAPE) {
        scrape(tsdb, t, &random, state);
        if (t % RANGE == 0) {
            assert_ok(tsdb_compact(tsdb, &err), &err);
        }
    }
    assert_ok(tsdb_compact(tsdb, &err), &err);
}

static size_t files_of(const struct fs *fs)
{
    struct fs_entry *entries = NULL;
    struct arena arena = {0};
    size_t count = 0;

    if (fs->list(fs, &arena, "data/" DOWNSAMPLE_DIR, &entries, &count, NULL) < 0) {
        count = 0;
    }
    arena_done(&arena);
    return count;
}

static void ask(struct tsdb *tsdb, const char *text, ts start, dur step, struct query_result *ret)
{
    const struct engine_options options = {.samples_max = 50000000,
                                           .features = {.experimental_functions = true}};
    struct query query = {.text = str_from(text), .start = start, .end = END - RANGE, .step = step};
    struct baro_error err = {0};

    *ret = (struct query_result){0};
    assert_ok(engine_run(&options, tsdb_queryable(tsdb), &query, ret, &err), &err);
}

static bool is_near(double a, double b, double tolerance)
{
    if (isnan(a) || isnan(b) || isinf(a) || isinf(b)) {
        return (isnan(a) && isnan(b)) || a == b;
    }
    return fabs(a - b) <= tolerance * (fabs(a) + fabs(b));
}

static void compare(const struct query_result *got, const struct query_result *want,
                    double tolerance)
{
    assert_int_equal(got->series_count, want->series_count);
    for (size_t s = 0; s < got->series_count; s++) {
        const struct result_series *a = &got->series[s], *b = &want->series[s];

        assert_int_equal(a->count, b->count);
        for (size_t i = 0; i < a->count; i++) {
            assert_int_equal(a->points[i].t, b->points[i].t);
            if (!is_near(a->points[i].v, b->points[i].v, tolerance)) {
                fail_msg("series %zu at %lld: %.17g, wanted %.17g", s, (long long)a->points[i].t,
                         a->points[i].v, b->points[i].v);
            }
        }
    }
}

/* What is asked, and how far sums may differ: they are summed in another order. */
static const struct {
    const char *text;
    ts start;
    dur step;
    double tolerance;
    bool takes_fewer;
} cases[] = {
    {"rate(m_total[5m])", DUR_HOUR, 5 * DUR_MINUTE, 0, true},
    {"rate(m_total[1h])", DUR_HOUR, DUR_HOUR, 0, true},
    {"increase(m_total[2h])", 2 * DUR_HOUR, DUR_HOUR, 0, true},
    {"increase(m_total[15m])", DUR_HOUR, 10 * DUR_MINUTE, 0, true},
    {"delta(m_total[1h])", DUR_HOUR, 30 * DUR_MINUTE, 0, true},
    {"sum_over_time(m_total[1h])", DUR_HOUR, DUR_HOUR, 1e-14, true},
    {"sum_over_time(m_total[10m])", DUR_HOUR, 5 * DUR_MINUTE, 1e-14, true},
    {"avg_over_time(m_total[3h])", 4 * DUR_HOUR, DUR_HOUR, 1e-14, true},
    {"count_over_time(m_total[1h])", DUR_HOUR, DUR_HOUR, 0, true},
    {"min_over_time(m_total[1h])", DUR_HOUR, DUR_HOUR, 0, true},
    {"max_over_time(m_total[25m])", DUR_HOUR, 5 * DUR_MINUTE, 0, true},
    {"present_over_time(m_total[1h])", DUR_HOUR, DUR_HOUR, 0, true},
    {"last_over_time(m_total[1h])", DUR_HOUR, DUR_HOUR, 0, true},
    {"first_over_time(m_total[1h])", DUR_HOUR, DUR_HOUR, 0, true},
    {"m_total", DUR_HOUR, DUR_HOUR, 0, true},
    {"timestamp(m_total)", DUR_HOUR, 5 * DUR_MINUTE, 0, true},
    {"sum(rate(m_total[1h] offset 2h))", 4 * DUR_HOUR, DUR_HOUR, 1e-14, true},
    {"max_over_time(rate(m_total[5m])[1h:5m])", 4 * DUR_HOUR, DUR_HOUR, 0, true},
    /* Not aligned, or not to be had from windows. */
    {"rate(m_total[5m])", DUR_HOUR + 1000, 5 * DUR_MINUTE, 0, false},
    {"rate(m_total[5m])", DUR_HOUR, 7 * DUR_MINUTE, 0, false},
    {"rate(m_total[7m])", DUR_HOUR, 5 * DUR_MINUTE, 0, false},
    {"rate(m_total[5m] offset 1m)", DUR_HOUR, 5 * DUR_MINUTE, 0, false},
    {"quantile_over_time(0.5, m_total[1h])", DUR_HOUR, DUR_HOUR, 0, false},
    {"changes(m_total[1h])", DUR_HOUR, DUR_HOUR, 0, false},
    {"stddev_over_time(m_total[1h])", DUR_HOUR, DUR_HOUR, 0, false},
};

static void compare_all(struct tsdb *fewer, struct tsdb *all)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct query_result got, want;

        test_row(cases[i].text);
        ask(fewer, cases[i].text, cases[i].start, cases[i].step, &got);
        ask(all, cases[i].text, cases[i].start, cases[i].step, &want);
        compare(&got, &want, cases[i].tolerance);
        assert_true(cases[i].takes_fewer ? got.stats.samples_read <= want.stats.samples_read
                                         : got.stats.samples_read == want.stats.samples_read);
        query_result_done(&got);
        query_result_done(&want);
    }
    test_row(NULL);
}

/* How many samples a selection reads with a wish, and without. */
static size_t count_read(struct tsdb *tsdb, enum select_reduce reduce, dur window)
{
    struct select_hints hints = {.reduce = reduce, .window = window};
    struct matcher matcher = {.op = MATCHER_EQUAL, .name = STR("i"), .value = STR("0")};
    struct queryable *queryable = tsdb_queryable(tsdb);
    struct querier *querier = NULL;
    struct sample_buf samples = {0};
    struct series_list list = {0};
    struct baro_error err = {0};
    struct arena arena = {0};
    size_t count;

    assert_ok(queryable->querier(queryable, 0, END, &querier, &err), &err);
    assert_ok(querier->ops->select(querier, &arena, &hints, (struct matchers){&matcher, 1}, NULL,
                                   &list, &err),
              &err);
    assert_int_equal(list.count, 1);
    assert_ok(querier->ops->samples(querier, &list.items[0], 0, END, &samples, &err), &err);
    count = samples.count;
    querier_close(querier);
    sample_buf_done(&samples);
    arena_done(&arena);
    return count;
}

static void damage_files(struct fs_fake *fake)
{
    const struct fs *fs = fs_fake_fs(fake);
    struct fs_entry *entries = NULL;
    struct arena arena = {0};
    size_t count = 0;

    assert_int_equal(fs->list(fs, &arena, "data/" DOWNSAMPLE_DIR, &entries, &count, NULL), 0);
    for (size_t i = 0; i < count; i++) {
        const char *path = fs_path(&arena, "data/" DOWNSAMPLE_DIR, entries[i].name.ptr);

        /* One within a stream, one within a header. */
        assert_true(fs_fake_flip(fake, path, i % 2 == 0 ? 5000 : 200));
    }
    arena_done(&arena);
}

/* A sample out of order, in the time of a block that has fewer. */
static void append_late(struct tsdb *tsdb)
{
    struct appendable *appendable = tsdb_appendable(tsdb);
    struct appender *appender = appendable->appender(appendable);
    const struct label items[] = {{STR("__name__"), STR("m_total")}, {STR("i"), STR("0")}};
    ts t = 20 * (ts)RANGE + 7001;
    double v = 1e6;
    series_ref ref = 0;
    uint8_t status = 0;
    struct append_batch batch = {.refs = &ref, .t = &t, .v = &v, .count = 1, .status = &status};
    struct baro_error err = {0};

    assert_ok(tsdb_set_ooo_window(tsdb, END, &err), &err);
    assert_true(appender->ops->series(appender, (struct labels){items, 2}, &ref, NULL) >= 0);
    assert_int_equal(appender->ops->samples(appender, &batch, NULL), 0);
    assert_int_equal(status, APPEND_OK);
    assert_int_equal(appender->ops->commit(appender, NULL), 0);
    appender->ops->free(appender);
}

TEST(downsampled_answers_are_those_of_all_samples)
{
    struct fs_fake *fake = fs_fake_new(5), *plain = fs_fake_new(5);
    struct tsdb *tsdb, *all;
    struct baro_error err = {0};
    size_t raw;

    log_setup(LOG_ERROR, LOG_LOGFMT);
    tsdb = open_store(fs_fake_fs(fake), true);
    fill(tsdb);
    all = open_store(fs_fake_fs(plain), false);
    fill(all);
    assert_true(files_of(fs_fake_fs(fake)) >= 4);
    assert_int_equal(files_of(fs_fake_fs(plain)), 0);
    raw = count_read(all, REDUCE_LAST, DUR_HOUR);
    assert_int_equal(raw, END / SCRAPE);
    assert_true(count_read(tsdb, REDUCE_NONE, 0) == raw);
    assert_true(count_read(tsdb, REDUCE_LAST, 5 * (dur)DUR_MINUTE) < raw / 2);
    assert_true(count_read(tsdb, REDUCE_LAST, DUR_HOUR) < raw / 2);
    assert_true(count_read(tsdb, REDUCE_LAST, DUR_MINUTE) == raw);
    compare_all(tsdb, all);
    /* After a restart, with damage, and with deletions. */
    (void)tsdb_free(tsdb);
    damage_files(fake);
    tsdb = open_store(fs_fake_fs(fake), true);
    assert_ok(tsdb_compact(tsdb, &err), &err);
    compare_all(tsdb, all);
    for (int i = 0; i < 2; i++) {
        struct matcher matcher = {.op = MATCHER_EQUAL, .name = STR("i"), .value = STR("2")};

        assert_ok(tsdb_delete(i == 0 ? tsdb : all, (struct matchers){&matcher, 1}, 3 * DUR_HOUR,
                              9 * DUR_HOUR, &err),
                  &err);
    }
    compare_all(tsdb, all);
    append_late(tsdb);
    append_late(all);
    compare_all(tsdb, all);
    (void)tsdb_free(tsdb);
    /* Without the option they go. */
    tsdb = open_store(fs_fake_fs(fake), false);
    assert_ok(tsdb_compact(tsdb, &err), &err);
    assert_int_equal(files_of(fs_fake_fs(fake)), 0);
    (void)tsdb_free(tsdb);
    (void)tsdb_free(all);
    log_setup(LOG_INFO, LOG_LOGFMT);
    (void)fs_fake_free(fake);
    (void)fs_fake_free(plain);
}
