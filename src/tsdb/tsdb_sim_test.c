/*
 * The store's life on a file system that loses power and runs full: scrapes, syncs, compactions,
 * snapshots and restarts in an order that a seed gives, with a power cut at any write, sync or
 * rename. Afterwards: it opens; every sample that was committed before the last good sync is there,
 * once and with its value; what was committed later is there or not; nothing else is there.
 *
 * BAROGRAPH_SIM_SEEDS=FIRST[-LAST] runs other seeds; a failing one is printed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/random.h"
#include "base/vec.h"
#include "sys/fs_fake.h"
#include "testing/test.h"
#include "tsdb/tsdb_fixture_test.h"
#include "tsdb/tsdb_priv.h"

enum {
    STEP = 1000,
    RANGE = 40 * STEP,
    WINDOW = 30 * STEP,
    SERIES = 6,
    SEEDS = 100,
    LIVES = 4, /* power cuts per seed */
    OPS_MAX = 60,
    SCRAPES_MAX = 4096,
};

/* What the test knows of each scrape, by number: t = number * STEP. */
enum fate { NEVER, MAYBE, SURELY };

struct life {
    struct fs_fake *fake;
    struct tsdb *tsdb;
    struct random random;
    enum fate fates[SCRAPES_MAX];
    unsigned scrapes;                /* committed so far, or tried */
    bool had_cut;                    /* the power was cut before this start */
    unsigned series_in[SCRAPES_MAX]; /* a bit each; after a power cut those that are left */
    bool is_hole[SCRAPES_MAX];       /* passed over: it may still come, out of order */
    bool is_late[SCRAPES_MAX];       /* it came so, in two logs */
    dur window;                      /* for those */
};

static struct tsdb_options options_of(struct life *life)
{
    life->window = random_below(&life->random, 4) == 0 ? 0 : WINDOW;
    return (struct tsdb_options){
        .no_sync_thread = true,
        .ooo_window = life->window,
        .log_late = random_below(&life->random, 2) == 0,
        .chunk_range = RANGE,
        .wal_segment_size = 32 * 1024,
        .block_segment_size = 4096,
        .chunks_file_size = 700,
        .no_snapshot = random_below(&life->random, 3) == 0,
        .exemplars_max = 5,
        .querier_wait = 1,
        .fs = fs_fake_fs(life->fake),
        .wal_compression = random_below(&life->random, 2) == 0 ? TSDB_WAL_SNAPPY : TSDB_WAL_NONE,
    };
}

static double value_at(unsigned series, unsigned scrape)
{
    return series * 10000.0 + scrape;
}

/* Every other series has histograms: integers, custom buckets, and floats, of which the last
 * changes its buckets now and then. The sum is what floats have as their value. */
struct sim_histogram {
    struct histogram h;
    struct histogram_span span;
    double buckets[4];
};

static const struct histogram *histogram_at(struct sim_histogram *ret, unsigned series,
                                            unsigned scrape)
{
    static const double bounds[] = {1, 2, 4};
    uint32_t count = series == 5 && scrape / 7 % 2 == 0 ? 2 : 4;

    *ret = (struct sim_histogram){.span = {0, count}};
    ret->h = (struct histogram){.schema = series == 3 ? HISTOGRAM_SCHEMA_CUSTOM : 2,
                                .integer = series != 5,
                                .sum = value_at(series, scrape),
                                .positive = {&ret->span, ret->buckets, 1, count}};
    if (series == 3) {
        ret->h.custom = bounds;
        ret->h.custom_count = ARRAY_COUNT(bounds);
    }
    for (uint32_t i = 0; i < count; i++) {
        ret->buckets[i] = scrape % 50 * (i + 1) + 1;
        ret->h.count += ret->buckets[i];
    }
    return &ret->h;
}

static bool has_histograms(unsigned series)
{
    return series % 2 == 1;
}

static int append_one(struct appender *appender, series_ref ref, unsigned series, unsigned scrape)
{
    uint8_t status = APPEND_STATUS_COUNT;
    double v = value_at(series, scrape);
    ts t = (ts)scrape * STEP;
    struct append_batch batch = {.refs = &ref, .t = &t, .v = &v, .count = 1, .status = &status};
    struct sim_histogram one;
    const struct histogram *h = histogram_at(&one, series, scrape);
    struct append_histograms histograms = {
        .refs = &ref, .t = &t, .h = &h, .count = 1, .status = &status};

    return has_histograms(series) ? appender->ops->histograms(appender, &histograms, NULL)
                                  : appender->ops->samples(appender, &batch, NULL);
}

static void assert_histogram(const struct sample_buf *samples, size_t k, unsigned series,
                             unsigned scrape)
{
    struct sim_histogram one;
    const struct histogram *want = histogram_at(&one, series, scrape), *h;

    assert_int_equal(samples->h != NULL && samples->h[k] != NULL, has_histograms(series));
    if (has_histograms(series)) {
        h = samples->h[k];
        assert_true(h->count == want->count && h->sum == want->sum);
        assert_int_equal(h->integer, want->integer);
        assert_int_equal(h->custom_count, want->custom_count);
    }
}

/* Commits one scrape; what fails was not acknowledged, but may be found all the same. */
static bool scrape_number(struct life *life, unsigned number)
{
    struct appendable *appendable = tsdb_appendable(life->tsdb);
    struct appender *appender = appendable->appender(appendable);
    unsigned count = 1 + (unsigned)random_below(&life->random, SERIES);
    int r;

    assert_true(life->scrapes < SCRAPES_MAX);
    life->series_in[number] = (1U << count) - 1;
    /* Floats first, as in a scrape: they are one record of the WAL, and each kind of histograms is
     * another one. */
    for (unsigned k = 0; k < SERIES; k++) {
        unsigned i = k < SERIES / 2 ? 2 * k : 2 * (k - SERIES / 2) + 1;
        char name[16];
        struct label items[] = {{STR("__name__"), STR("m")}, {STR("i"), STR("")}};
        series_ref ref = 0;

        if (i >= count) {
            continue;
        }
        items[1].value = str_of(name, (size_t)snprintf(name, sizeof(name), "%u", i));
        assert_true(appender->ops->series(appender, (struct labels){items, 2}, &ref, NULL) >= 0);
        assert_int_equal(append_one(appender, ref, i, number), 0);
    }
    r = appender->ops->commit(appender, NULL);
    appender->ops->free(appender);
    life->fates[number] = MAYBE;
    return r >= 0;
}

static bool scrape(struct life *life)
{
    return scrape_number(life, life->scrapes++);
}

/* A scrape that leaves a hole before it, or fills one that the window still reaches. */
static void scrape_out_of_order(struct life *life)
{
    unsigned oldest = life->scrapes > WINDOW / STEP ? life->scrapes - WINDOW / STEP + 1 : 0;

    for (unsigned i = oldest; i < life->scrapes && life->window > 0; i++) {
        if (life->is_hole[i] && random_below(&life->random, 2) == 0) {
            life->is_hole[i] = false;
            life->is_late[i] = true;
            (void)scrape_number(life, i);
            return;
        }
    }
    life->is_hole[life->scrapes++] = true;
    (void)scrape(life);
}

static void sync_all(struct life *life)
{
    if (tsdb_sync(life->tsdb, NULL) >= 0) {
        for (unsigned i = 0; i < life->scrapes; i++) {
            life->fates[i] = life->fates[i] == MAYBE ? SURELY : life->fates[i];
        }
    }
}

/* Which scrapes a series has, as marks; fails on anything that was never committed. */
static void read_series(struct life *life, struct querier *querier, unsigned number,
                        uint8_t *ret_marks)
{
    struct arena arena = {0};
    struct matcher matcher = {
        .op = MATCHER_EQUAL, .name = STR("i"), .value = arena_printf(&arena, "%u", number)};
    struct sample_buf samples = {0};
    struct series_list list = {0};
    struct baro_error err = {0};

    assert_ok(querier->ops->select(querier, &arena, NULL, (struct matchers){&matcher, 1}, NULL,
                                   &list, &err),
              &err);
    assert_true(list.count <= 1);
    if (list.count == 1) {
        assert_ok(
            querier->ops->samples(querier, &list.items[0], INT64_MIN, INT64_MAX, &samples, &err),
            &err);
    }
    for (size_t k = 0; k < samples.count; k++) {
        unsigned scrape_number = (unsigned)(samples.t[k] / STEP);

        assert_true(k == 0 || samples.t[k] > samples.t[k - 1]);
        assert_true(samples.t[k] % STEP == 0 && scrape_number < life->scrapes);
        assert_true(life->fates[scrape_number] != NEVER);
        assert_true((life->series_in[scrape_number] >> number & 1) != 0);
        assert_true(samples.v[k] == value_at(number, scrape_number));
        assert_histogram(&samples, k, number, scrape_number);
        ret_marks[scrape_number] |= (uint8_t)(1 << number);
    }
    sample_buf_done(&samples);
    arena_done(&arena);
}

/* The records of a commit are one write, whose beginning may be all that is left: a record is whole
 * or not there, and none is there without those before it. */
static bool is_prefix(unsigned marks, unsigned all)
{
    static const unsigned records[] = {1 << 0 | 1 << 2 | 1 << 4, 1 << 1, 1 << 5, 1 << 3};
    unsigned found = 0;

    for (size_t i = 0; i < ARRAY_COUNT(records) && marks != found; i++) {
        found |= records[i] & all;
    }
    return marks == found;
}

static void check(struct life *life, bool must_have_all)
{
    struct queryable *queryable = tsdb_queryable(life->tsdb);
    uint8_t *marks = mem_alloc_zero(SCRAPES_MAX);
    struct querier *querier = NULL;
    struct baro_error err = {0};

    assert_ok(queryable->querier(queryable, INT64_MIN, INT64_MAX, &querier, &err), &err);
    for (unsigned i = 0; i < SERIES; i++) {
        read_series(life, querier, i, marks);
    }
    querier_close(querier);
    for (unsigned i = 0; i < life->scrapes; i++) {
        unsigned all = life->series_in[i];

        /* A power cut may lose any sectors of what was not synced, and a start goes on behind them:
         * then each record is there or not. */
        assert_true(life->is_late[i] || (life->had_cut && life->fates[i] == MAYBE)
                        ? (marks[i] & ~all) == 0
                        : is_prefix(marks[i], all));
        if (life->fates[i] == SURELY || (must_have_all && life->fates[i] == MAYBE)) {
            assert_int_equal(marks[i], all);
        }
        /* What has come through a restart stays. */
        life->fates[i] = marks[i] == 0 ? NEVER : life->fates[i];
        life->series_in[i] = marks[i];
    }
    (void)mem_free(marks);
}

static void open_again(struct life *life)
{
    struct tsdb_options options = options_of(life);
    struct baro_error err = {0};

    assert_ok(tsdb_open("data", &options, &life->tsdb, &err), &err);
    check(life, false);
}

static void close_it(struct life *life)
{
    if (tsdb_close(life->tsdb, NULL) >= 0) {
        for (unsigned i = 0; i < life->scrapes; i++) {
            life->fates[i] = life->fates[i] == MAYBE ? SURELY : life->fates[i];
        }
    }
    life->tsdb = NULL;
}

/* One thing that the program may do next. */
static void act(struct life *life)
{
    switch (random_below(&life->random, 12)) {
    case 0:
    case 1:
        sync_all(life);
        break;
    case 2:
    case 3:
        (void)tsdb_compact(life->tsdb, NULL);
        break;
    case 4:
        (void)tsdb_snapshot_head(life->tsdb, random_below(&life->random, 2) == 0, NULL);
        break;
    case 5:
        if (!fs_fake_is_off(life->fake)) {
            close_it(life);
            if (!fs_fake_is_off(life->fake)) {
                struct tsdb_options options = options_of(life);

                (void)tsdb_open("data", &options, &life->tsdb, NULL);
            }
        }
        break;
    default:
        for (uint64_t i = random_below(&life->random, 12); i > 0; i--) {
            if (random_below(&life->random, 4) == 0) {
                scrape_out_of_order(life);
            } else {
                (void)scrape(life);
            }
        }
    }
}

static void live(uint64_t seed)
{
    struct life *life = MEM_NEW(struct life);

    life->random = (struct random){seed};
    life->fake = fs_fake_new(seed);
    open_again(life);
    for (int lives = 0; lives < LIVES; lives++) {
        fs_fake_cut_power(life->fake, random_below(&life->random, 300));
        for (int i = 0; i < OPS_MAX && !fs_fake_is_off(life->fake) && life->tsdb != NULL; i++) {
            act(life);
        }
        if (life->tsdb != NULL) {
            (void)tsdb_close(life->tsdb, NULL);
            life->tsdb = NULL;
        }
        fs_fake_reboot(life->fake);
        life->had_cut = true;
        open_again(life);
        life->had_cut = false;
    }
    close_it(life);
    (void)fs_fake_free(life->fake);
    (void)mem_free(life);
}

static void seeds_of(uint64_t *first, uint64_t *last)
{
    const char *wish = getenv("BAROGRAPH_SIM_SEEDS");
    str text = wish != NULL ? str_from(wish) : STR_NULL;
    size_t dash = str_index_char(text, '-');

    *first = 1;
    *last = SEEDS;
    if (text.len > 0 && num_parse_u64(str_slice(text, 0, dash), first)) {
        *last = *first;
        (void)num_parse_u64(dash == SIZE_MAX ? STR_NULL : str_from_index(text, dash + 1), last);
    }
}

TEST(tsdb_sim_survives_power_cuts)
{
    uint64_t first = 0, last = 0;

    test_has_one_thread();
    seeds_of(&first, &last);
    log_setup(LOG_ERROR, LOG_LOGFMT);
    for (uint64_t seed = first; seed <= last; seed++) {
        static char name[64];

        (void)snprintf(name, sizeof(name), "seed %llu (BAROGRAPH_SIM_SEEDS)",
                       (unsigned long long)seed);
        test_row(name);
        live(seed);
    }
    log_setup(LOG_INFO, LOG_LOGFMT);
    test_row(NULL);
}

/* The disk is full for a while: commits are refused, queries go on, and all that was acknowledged
 * is there when space is back, and after a restart. */
TEST(tsdb_sim_survives_a_full_disk)
{
    static const int codes[] = {-ENOSPC, -EIO};

    test_has_one_thread();
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct life *life = MEM_NEW(struct life);
        struct baro_error err = {0};
        unsigned refused = 0;

        life->random = (struct random){seed};
        life->fake = fs_fake_new(seed);
        open_again(life);
        for (int i = 0; i < 150; i++) {
            if (i == 40) {
                fs_fake_fail(life->fake, random_below(&life->random, 30),
                             20 + random_below(&life->random, 200), codes[seed % 2]);
            }
            if (!scrape(life)) {
                refused++;
                life->fates[life->scrapes - 1] = NEVER;
            }
            if (i % 20 == 7) {
                (void)tsdb_compact(life->tsdb, NULL);
            }
            if (i % 10 == 3) {
                (void)tsdb_sync(life->tsdb, NULL);
            }
            check(life, true);
        }
        fs_fake_fail(life->fake, 0, 0, 0);
        assert_true(refused > 0 || seed % 2 == 0);
        assert_true(scrape(life));
        assert_ok(tsdb_compact(life->tsdb, &err), &err);
        check(life, true);
        close_it(life);
        open_again(life);
        check(life, true);
        close_it(life);
        (void)fs_fake_free(life->fake);
        (void)mem_free(life);
    }
}

/* ---- one flipped bit ---- */

/* What a query finds, all series together; fails on a wrong value. `ret_failed` when it was told of
 * damage. */
static size_t count_good(struct life *life, bool *ret_failed)
{
    struct queryable *queryable = tsdb_queryable(life->tsdb);
    struct matcher matcher = {.op = MATCHER_EQUAL, .name = STR("__name__"), .value = STR("m")};
    struct querier *querier = NULL;
    struct sample_buf samples = {0};
    struct series_list list = {0};
    struct arena arena = {0};
    size_t count = 0;

    assert_int_equal(queryable->querier(queryable, INT64_MIN, INT64_MAX, &querier, NULL), 0);
    if (querier->ops->select(querier, &arena, NULL, (struct matchers){&matcher, 1}, NULL, &list,
                             NULL) < 0) {
        *ret_failed = true;
    }
    for (size_t i = 0; i < list.count; i++) {
        uint64_t number = 0;

        sample_buf_reset(&samples);
        if (querier->ops->samples(querier, &list.items[i], INT64_MIN, INT64_MAX, &samples, NULL) <
            0) {
            *ret_failed = true;
            continue;
        }
        assert_true(num_parse_u64(labels_get(list.items[i].labels, STR("i")), &number));
        for (size_t k = 0; k < samples.count; k++) {
            assert_true(samples.v[k] ==
                        value_at((unsigned)number, (unsigned)(samples.t[k] / STEP)));
        }
        count += samples.count;
    }
    *ret_failed |= querier_damage(querier) > 0;
    querier_close(querier);
    sample_buf_done(&samples);
    arena_done(&arena);
    return count;
}

/* Opens a store and says whether somebody noticed that it is not whole. */
static bool is_noticed(struct life *life, size_t all)
{
    struct tsdb_options options = options_of(life);
    struct tsdb_open_report report = {0};
    bool has_failed = false;
    size_t count;
    int r;

    options.no_snapshot = true;
    r = tsdb_open("data", &options, &life->tsdb, NULL);
    if (r < 0) {
        return true;
    }
    tsdb_open_report(life->tsdb, &report);
    count = count_good(life, &has_failed);
    (void)tsdb_close(life->tsdb, NULL);
    life->tsdb = NULL;
    return has_failed || count == all || report.blocks_skipped > 0 || report.wal_repairs > 0 ||
           report.chunks_damages > 0 || report.records_skipped > 0 ||
           report.snapshot_text[0] != '\0';
}

static void small_store(struct life *life, size_t *ret_samples)
{
    bool has_failed = false;

    *life = (struct life){.random = {7}, .fake = fs_fake_new(7)};
    open_again(life);
    for (int i = 0; i < 85; i++) {
        assert_true(scrape(life));
    }
    assert_int_equal(tsdb_compact(life->tsdb, NULL), 0);
    *ret_samples = count_good(life, &has_failed);
    close_it(life);
}

/* False when the file has fewer bits. */
static bool flip_and_open(struct life *whole, const char *path, uint64_t bit, size_t samples)
{
    CLEANUP(fs_fake_freep) struct fs_fake *fake = fs_fake_copy(whole->fake, 7);
    bool is_meta = strstr(path, "meta.json") != NULL;
    struct life life = {.fake = fake, .random = {bit}};

    if (!fs_fake_flip(fake, path, bit)) {
        return false;
    }
    if (!is_noticed(&life, samples) && !is_meta) {
        fail_msg("bit %llu of %s went unnoticed", (unsigned long long)bit, path);
    }
    return true;
}

/* In every file of a small store one bit of every byte, and every bit when asked for
 * (BAROGRAPH_SIM_BITS=all): no wrong value is ever served, and what is missing was told of. A
 * meta.json has no checksum: there only the values count. */
TEST(tsdb_sim_notices_every_flipped_bit)
{
    /* The sanitizer makes each store twenty times as dear. */
    uint64_t step = getenv("BAROGRAPH_SIM_BITS") != NULL ? 1 : BARO_ASAN ? 73 : 9;
    const char *paths[64];
    struct arena arena = {0};
    size_t samples = 0, path_count;
    struct life *whole = MEM_NEW(struct life);
    uint64_t flips = 0;

    test_has_one_thread();
    small_store(whole, &samples);
    path_count =
        fixture_files(fs_fake_fs(whole->fake), &arena, "data", paths, 0, ARRAY_COUNT(paths));
    for (size_t i = 0; i < path_count; i++) {
        for (uint64_t bit = i % step; flip_and_open(whole, paths[i], bit, samples); bit += step) {
            flips++;
        }
    }
    assert_true(flips > 200);
    arena_done(&arena);
    (void)fs_fake_free(whole->fake);
    (void)mem_free(whole);
}
