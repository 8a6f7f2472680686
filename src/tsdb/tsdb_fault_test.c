/*
 * The i-th write, sync or change of a name, mapping, or allocation of outside size fails, for every
 * i of a short life: scrapes, chunks to files, a deletion, a snapshot, a block, a checkpoint, a
 * stop and a start. Nothing ends the program; what was acknowledged is there once, at once and
 * after the next start; what was refused is not; and everything works again. Sanitizers look for
 * leaks.
 */
#include <errno.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "sys/fs_fake.h"
#include "testing/test.h"
#include "tsdb/tsdb_priv.h"

enum {
    STEP = 1000,
    RANGE = 20 * STEP,
    SCRAPES = 60,
    SERIES = 3,
    DELETED = SERIES, /* a series more, which a deletion takes */
    FAULTS_MAX_OPS = 20000,
};

struct life {
    struct fs_fake *fake;
    struct tsdb *tsdb;
    bool is_acked[SCRAPES + 1];
    unsigned refused;
    bool deletion_failed;
};

static int open_it(struct life *life)
{
    struct tsdb_options options = {
        .no_sync_thread = true,
        .chunk_range = RANGE,
        .wal_segment_size = 32 * 1024,
        .block_segment_size = 4096,
        .chunks_file_size = 300,
        .exemplars_max = 4,
        .querier_wait = 1,
        .fs = fs_fake_fs(life->fake),
    };
    struct baro_error err = {0};
    int r = tsdb_open("data", &options, &life->tsdb, &err);

    assert_true(r >= 0 || err.message[0] != '\0');
    return r;
}

static bool add(struct appender *appender, unsigned series, ts t)
{
    char name[16];
    struct label items[] = {{STR("__name__"), STR("m")}, {STR("i"), STR("")}};
    struct label trace = {STR("trace"), STR("abc")};
    struct exemplar exemplar = {{&trace, 1}, 1, t};
    struct metadata metadata = {METRIC_GAUGE, STR("s"), STR("help")};
    double v = series * 1000.0 + (double)(t / STEP);
    series_ref ref = 0;
    uint8_t status = APPEND_STATUS_COUNT;
    struct append_batch batch = {.refs = &ref, .t = &t, .v = &v, .count = 1, .status = &status};

    items[1].value = str_of(name, (size_t)snprintf(name, sizeof(name), "%u", series));
    return appender->ops->series(appender, (struct labels){items, 2}, &ref, NULL) >= 0 &&
           appender->ops->samples(appender, &batch, NULL) == 0 &&
           appender->ops->exemplar(appender, ref, &exemplar, NULL) >= 0 &&
           appender->ops->metadata(appender, ref, &metadata, NULL) >= 0;
}

static void scrape(struct life *life, unsigned number)
{
    struct appendable *appendable = tsdb_appendable(life->tsdb);
    struct appender *appender = appendable->appender(appendable);
    bool is_good = true;

    for (unsigned i = 0; is_good && i <= DELETED; i++) {
        is_good = add(appender, i, (ts)number * STEP);
    }
    if (!is_good) {
        appender->ops->rollback(appender);
    }
    life->is_acked[number] = is_good && appender->ops->commit(appender, NULL) >= 0;
    life->refused += !life->is_acked[number];
    appender->ops->free(appender);
}

/* The samples of one series are those of acknowledged scrapes; false when the query says that it
 * failed. */
static bool check_series(struct life *life, struct querier *querier, const struct series *series)
{
    struct sample_buf samples = {0};
    uint64_t number = 0;
    size_t at = 0;
    bool is_good =
        querier->ops->samples(querier, series, INT64_MIN, INT64_MAX, &samples, NULL) >= 0;

    assert_true(num_parse_u64(labels_get(series->labels, STR("i")), &number));
    for (unsigned i = 0; is_good && number != DELETED && i <= SCRAPES; i++) {
        if (life->is_acked[i]) {
            assert_true(at < samples.count && samples.t[at] == (ts)i * STEP);
            assert_true(samples.v[at++] == (double)number * 1000 + i);
        }
    }
    assert_true(!is_good || number == DELETED || at == samples.count);
    sample_buf_done(&samples);
    return is_good;
}

static void check(struct life *life, bool must_answer)
{
    struct queryable *queryable = tsdb_queryable(life->tsdb);
    struct matcher matcher = {.op = MATCHER_EQUAL, .name = STR("__name__"), .value = STR("m")};
    struct querier *querier = NULL;
    struct series_list list = {0};
    struct arena arena = {0};
    bool is_good = queryable->querier(queryable, INT64_MIN, INT64_MAX, &querier, NULL) >= 0;

    if (is_good) {
        is_good = querier->ops->select(querier, &arena, NULL, (struct matchers){&matcher, 1}, NULL,
                                       &list, NULL) >= 0;
        for (size_t i = 0; is_good && i < list.count; i++) {
            is_good = check_series(life, querier, &list.items[i]);
        }
        querier_close(querier);
    }
    assert_true(is_good || !must_answer);
    arena_done(&arena);
}

static void delete_one(struct life *life)
{
    struct matcher matcher = {.op = MATCHER_EQUAL, .name = STR("i"), .value = STR("3")};

    (void)tsdb_delete(life->tsdb, (struct matchers){&matcher, 1}, INT64_MIN, INT64_MAX, NULL);
}

/* Whatever fails in it, it comes to its end. */
static void live(struct life *life)
{
    if (open_it(life) < 0) {
        return;
    }
    for (unsigned i = 0; i < SCRAPES; i++) {
        scrape(life, i);
        if (i % 7 == 3) {
            (void)tsdb_sync(life->tsdb, NULL);
        }
        if (i % 16 == 15) {
            (void)tsdb_compact(life->tsdb, NULL);
        }
        if (i == 25) {
            delete_one(life);
        }
        if (i == 28) {
            (void)tsdb_snapshot_head(life->tsdb, true, NULL);
        }
        if (i == 30) {
            (void)tsdb_close(life->tsdb, NULL);
            life->tsdb = NULL;
            if (open_it(life) < 0) {
                return;
            }
        }
        if (i % 20 == 19) {
            check(life, false);
        }
    }
    (void)tsdb_clean_tombstones(life->tsdb, NULL);
    (void)tsdb_close(life->tsdb, NULL);
    life->tsdb = NULL;
}

/* The fault is over. */
static void live_on(struct life *life)
{
    struct baro_error err = {0};

    if (life->tsdb == NULL) {
        assert_ok(open_it(life), &err);
    }
    check(life, true);
    scrape(life, SCRAPES);
    assert_true(life->is_acked[SCRAPES]);
    assert_ok(tsdb_compact(life->tsdb, &err), &err);
    check(life, true);
    assert_ok(tsdb_close(life->tsdb, &err), &err);
    assert_ok(open_it(life), &err);
    check(life, true);
    assert_ok(tsdb_close(life->tsdb, &err), &err);
}

static struct life *new_life(void)
{
    struct life *life = MEM_NEW(struct life);

    life->fake = fs_fake_new(1);
    return life;
}

static void end_life(struct life *life)
{
    live_on(life);
    (void)fs_fake_free(life->fake);
    (void)mem_free(life);
}

static void tell(const char *what, uint64_t i)
{
    static char row[64];

    (void)snprintf(row, sizeof(row), "%s %llu", what, (unsigned long long)i);
    test_row(row);
}

/* Sanitizers make each life some twenty times as dear. */
static const uint64_t stride = BARO_ASAN ? 5 : 1;

TEST(tsdb_outlives_every_failed_write)
{
    static const int codes[] = {-ENOSPC, -EIO};

    test_has_one_thread();
    log_setup(LOG_ERROR + 1, LOG_LOGFMT);
    for (size_t kind = 0; kind < ARRAY_COUNT(codes); kind++) {
        struct life *life = new_life();
        unsigned refused = 0;
        uint64_t i = 0, ops;

        live(life);
        ops = fs_fake_ops(life->fake);
        end_life(life);
        for (; i < ops; i += stride) {
            life = new_life();

            tell(kind == 0 ? "no space at" : "I/O error at", i);
            fs_fake_fail(life->fake, i, 1, codes[kind]);
            live(life);
            refused += life->refused;
            end_life(life);
        }
        assert_true(ops > 100 && refused > 0);
    }
    log_setup(LOG_INFO, LOG_LOGFMT);
    test_row(NULL);
}

TEST(tsdb_outlives_every_failed_mapping)
{
    bool has_failed = true;
    uint64_t i = 0;

    test_has_one_thread();
    log_setup(LOG_ERROR + 1, LOG_LOGFMT);
    for (; has_failed && i < FAULTS_MAX_OPS; i++) {
        struct life *life = new_life();

        tell("mapping", i);
        (void)fs_fake_fail_map(life->fake, i, i % 2 == 0 ? -ENOMEM : -EIO);
        live(life);
        has_failed = fs_fake_fail_map(life->fake, UINT64_MAX, 0);
        end_life(life);
    }
    assert_true(i > 8);
    log_setup(LOG_INFO, LOG_LOGFMT);
    test_row(NULL);
}

TEST(tsdb_outlives_every_failed_allocation)
{
    bool has_failed = true;
    uint64_t i = 0;

    test_has_one_thread();
    log_setup(LOG_ERROR + 1, LOG_LOGFMT);
    for (; has_failed && i < FAULTS_MAX_OPS; i += stride) {
        struct life *life = new_life();

        tell("allocation", i);
        mem_fail_after(i);
        live(life);
        has_failed = mem_fail_due() == UINT64_MAX;
        mem_fail_after(UINT64_MAX);
        end_life(life);
    }
    assert_true(i > 50);
    log_setup(LOG_INFO, LOG_LOGFMT);
    test_row(NULL);
}
