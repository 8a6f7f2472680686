/* The store's own metrics: each counts what really happened. */
#include <stdio.h>

#include "base/attr.h"
#include "base/mem.h"
#include "client/self.h"
#include "client/self_histogram.h"
#include "testing/test.h"
#include "tsdb/block_meta.h"
#include "tsdb/tsdb_fixture_test.h"
#include "tsdb/tsdb_priv.h"

enum { STEP = 1000, RANGE = 100 * STEP, SERIES = 20 };

static const struct tsdb_options quick = {.no_sync_thread = true,
                                          .chunk_range = RANGE,
                                          .wal_segment_size = 32 * 1024,
                                          .exemplars_max = 10,
                                          .no_snapshot = true,
                                          .querier_wait = 20};

static void scrapes(struct tsdb *tsdb, ts from, ts to)
{
    struct appendable *appendable = tsdb_appendable(tsdb);
    struct appender *appender = appendable->appender(appendable);
    struct baro_error err = {0};

    for (ts t = from; t < to; t += STEP) {
        for (unsigned i = 0; i < SERIES; i++) {
            struct exemplar exemplar = {.value = 1, .t = t};
            series_ref ref = fixture_series(appender, STR("m"), i);

            fixture_sample(appender, STR("m"), i, t, (double)t / 7);
            if (i < 3) {
                assert_ok(appender->ops->exemplar(appender, ref, &exemplar, &err), &err);
            }
        }
        assert_ok(appender->ops->commit(appender, &err), &err);
    }
    appender->ops->free(appender);
}

/* What the figures were, to be compared with what they are. */
struct figures {
    double rows[SELF_ID_COUNT];
    uint64_t histograms[SELF_HISTOGRAM_COUNT];
};

static void take(struct figures *ret)
{
    for (int i = 0; i < SELF_ID_COUNT; i++) {
        ret->rows[i] = self_get((enum self_id)i);
    }
    for (int i = 0; i < SELF_HISTOGRAM_COUNT; i++) {
        ret->histograms[i] = self_histogram_count((enum self_histogram)i);
    }
}

static double more(const struct figures *before, enum self_id id)
{
    return self_get(id) - before->rows[id];
}

static uint64_t observed(const struct figures *before, enum self_histogram id)
{
    return self_histogram_count(id) - before->histograms[id];
}

TEST(tsdb_metrics_tell_of_compactions)
{
    struct arena arena = {0};
    struct tsdb *tsdb = fixture_open(fixture_dir(&arena), &quick);
    struct baro_error err = {0};
    struct figures before;
    struct matcher all = {.op = MATCHER_EQUAL, .name = STR("__name__"), .value = STR("m")};

    scrapes(tsdb, 0, 451 * STEP);
    take(&before);
    assert_ok(tsdb_compact(tsdb, &err), &err);
    /* Three ranges of the head, of which two cannot be merged yet. */
    assert_true(more(&before, SELF_COMPACTIONS) == 3);
    assert_true(more(&before, SELF_COMPACTIONS_TRIGGERED) == 1);
    assert_true(more(&before, SELF_COMPACTIONS_FAILED) == 0);
    assert_true(more(&before, SELF_HEAD_TRUNCATIONS) == 3);
    assert_true(more(&before, SELF_HEAD_GC_COUNT) == 3);
    assert_true(more(&before, SELF_RELOADS) == 3);
    assert_true(more(&before, SELF_CHECKPOINTS) == 1);
    assert_true(more(&before, SELF_WAL_TRUNCATIONS) == 1);
    assert_true(more(&before, SELF_WAL_TRUNCATE_COUNT) == 1);
    /* A chunk for each series and range; those of the last range are open yet. */
    assert_true(more(&before, SELF_MMAP_CHUNKS) == SERIES * 4);
    assert_int_equal(observed(&before, SELF_HISTOGRAM_COMPACTION), 3);
    assert_int_equal(observed(&before, SELF_HISTOGRAM_CHUNK_SAMPLES), SERIES * 3);
    assert_int_equal(observed(&before, SELF_HISTOGRAM_CHUNK_SIZE), SERIES * 3);
    assert_int_equal(observed(&before, SELF_HISTOGRAM_CHUNK_RANGE), SERIES * 3);
    assert_true(self_get(SELF_POPULATING_BLOCK) == 0);
    assert_true(self_get(SELF_WAL_STORAGE) > 1000);
    /* Deletions of a block, and the cleaning behind them. */
    take(&before);
    assert_ok(tsdb_delete(tsdb, (struct matchers){&all, 1}, 0, 50 * STEP, &err), &err);
    assert_ok(tsdb_clean_tombstones(tsdb, &err), &err);
    assert_true(more(&before, SELF_COMPACTIONS) == 1);
    assert_int_equal(observed(&before, SELF_HISTOGRAM_TOMBSTONE_CLEANUP), 1);
    fixture_close(tsdb);
    arena_done(&arena);
}

TEST(tsdb_metrics_tell_why_blocks_went)
{
    struct arena arena = {0};
    struct tsdb_options options = quick;
    struct baro_error err = {0};
    struct figures before;
    struct tsdb *tsdb;

    options.block_max = RANGE;
    tsdb = fixture_open(fixture_dir(&arena), &options);
    scrapes(tsdb, 0, 851 * STEP);
    assert_ok(tsdb_compact(tsdb, &err), &err);
    take(&before);
    tsdb_set_retention(tsdb, &(struct retention){.time = 3 * RANGE, .percentage = 50});
    assert_true(self_get(SELF_TSDB_RETENTION_PERCENTAGE) == 50);
    assert_ok(tsdb_compact(tsdb, &err), &err);
    assert_true(more(&before, SELF_TIME_RETENTIONS) == 1);
    assert_true(more(&before, SELF_SIZE_RETENTIONS) == 0);
    tsdb_set_retention(tsdb, &(struct retention){.bytes = 1});
    assert_ok(tsdb_compact(tsdb, &err), &err);
    assert_true(more(&before, SELF_TIME_RETENTIONS) == 1);
    assert_true(more(&before, SELF_SIZE_RETENTIONS) == 1);
    fixture_close(tsdb);
    arena_done(&arena);
}

TEST(tsdb_metrics_tell_of_the_head)
{
    struct arena arena = {0};
    struct tsdb *tsdb = fixture_open(fixture_dir(&arena), &quick);
    struct appendable *appendable = tsdb_appendable(tsdb);
    struct appender *appender = appendable->appender(appendable);
    struct figures before;

    take(&before);
    scrapes(tsdb, 0, 30 * STEP);
    assert_true(more(&before, SELF_HEAD_APPENDERS_CREATED) == 30);
    assert_true(more(&before, SELF_HEAD_APPENDERS_ACTIVE) == 0);
    fixture_sample(appender, STR("m"), 0, 30 * STEP, 1);
    assert_true(more(&before, SELF_HEAD_APPENDERS_ACTIVE) == 1);
    appender->ops->rollback(appender);
    assert_true(more(&before, SELF_HEAD_APPENDERS_ACTIVE) == 0);
    appender->ops->free(appender);
    head_metrics_publish(tsdb->head);
    assert_true(self_get(SELF_HEAD_CHUNKS_CREATED) == SERIES);
    assert_true(self_get(SELF_EXEMPLARS_MAX) == 10);
    assert_true(self_get(SELF_EXEMPLARS_STORED) == 10);
    assert_true(self_get(SELF_EXEMPLARS_SERIES) == 3);
    /* Ten of three a second: those of the seconds 27 to 29, and one of 26. */
    assert_true(self_get(SELF_EXEMPLARS_OLDEST_SECONDS) == 26);
    fixture_close(tsdb);
    arena_done(&arena);
}

TEST(tsdb_metrics_tell_of_a_clean_start)
{
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    const char *lock = fs_path(&arena, dir, "lock");
    struct tsdb *tsdb = fixture_open(dir, &quick), *second = NULL;
    struct baro_error err = {0};
    FILE *left;

    assert_true(self_get(SELF_CLEAN_START) == 1);
    assert_int_equal(tsdb_open(dir, &quick, &second, &err), BARO_EBUSY);
    fixture_close(tsdb);
    assert_null(fopen(lock, "r"));
    /* What a kill leaves. */
    left = fopen(lock, "w");
    assert_non_null(left);
    assert_int_equal(fclose(left), 0);
    tsdb = fixture_open(dir, &quick);
    assert_true(self_get(SELF_CLEAN_START) == 0);
    fixture_close(tsdb);
    tsdb = fixture_open(dir, &quick);
    assert_true(self_get(SELF_CLEAN_START) == 1);
    fixture_close(tsdb);
    arena_done(&arena);
}
