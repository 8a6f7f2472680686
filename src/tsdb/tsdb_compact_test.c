/* From the head to blocks: what was appended is there, once, before, during and after. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/vec.h"
#include "client/self.h"
#include "sys/fs.h"
#include "testing/test.h"
#include "tsdb/block_cursor.h"
#include "tsdb/block_writer.h"
#include "tsdb/tsdb_fixture_test.h"
#include "tsdb/tsdb_priv.h"

enum { STEP = 1000, RANGE = 100 * STEP, SEGMENT = 64 * 1024 };

static const struct tsdb_options quick = {.no_sync_thread = true,
                                          .chunk_range = RANGE,
                                          .wal_segment_size = SEGMENT,
                                          .exemplars_max = 50,
                                          .querier_wait = 20};

static void compact(struct tsdb *tsdb)
{
    struct baro_error err = {0};

    assert_ok(tsdb_compact(tsdb, &err), &err);
}

static double value_at(unsigned series, ts t)
{
    return series * 1000.0 + (double)(t / STEP);
}

/* Series number i: {__name__="m", i="<i>", kind="even"|"odd"}. */
static series_ref series_number(struct appender *appender, unsigned i)
{
    struct baro_error err = {0};
    char number[16];
    struct label items[] = {
        {STR("__name__"), STR("m")}, {STR("i"), STR("")}, {STR("kind"), STR("even")}};
    series_ref ref = 0;

    items[1].value = str_of(number, (size_t)snprintf(number, sizeof(number), "%u", i));
    items[2].value = i % 2 == 0 ? STR("even") : STR("odd");
    assert_ok(appender->ops->series(appender, (struct labels){items, 3}, &ref, &err), &err);
    return ref;
}

/* Commits one scrape of the series [first, end) at t. */
static void scrape(struct appender *appender, unsigned first, unsigned end, ts t)
{
    struct baro_error err = {0};

    for (unsigned i = first; i < end; i++) {
        series_ref ref = series_number(appender, i);
        double v = value_at(i, t);
        uint8_t status = APPEND_STATUS_COUNT;
        struct append_batch batch = {.refs = &ref, .t = &t, .v = &v, .count = 1, .status = &status};

        assert_int_equal(appender->ops->samples(appender, &batch, &err), 0);
    }
    assert_ok(appender->ops->commit(appender, &err), &err);
}

static void scrapes(struct tsdb *tsdb, unsigned first, unsigned end, ts from, ts to)
{
    struct appendable *appendable = tsdb_appendable(tsdb);
    struct appender *appender = appendable->appender(appendable);

    for (ts t = from; t < to; t += STEP) {
        scrape(appender, first, end, t);
    }
    appender->ops->free(appender);
}

/* What one series has, by querier; false when it is not selected. */
static bool read_one(struct querier *querier, unsigned i, struct sample_buf *ret)
{
    struct arena arena = {0};
    struct matcher matcher = {
        .op = MATCHER_EQUAL, .name = STR("i"), .value = arena_printf(&arena, "%u", i)};
    struct series_list list = {0};
    struct baro_error err = {0};

    sample_buf_reset(ret);
    assert_ok(querier->ops->select(querier, &arena, NULL, (struct matchers){&matcher, 1}, NULL,
                                   &list, &err),
              &err);
    if (list.count > 0) {
        assert_int_equal(list.count, 1);
        assert_ok(querier->ops->samples(querier, &list.items[0], INT64_MIN, INT64_MAX, ret, &err),
                  &err);
    }
    arena_done(&arena);
    return list.count > 0;
}

static struct querier *querier_of(struct tsdb *tsdb)
{
    struct queryable *queryable = tsdb_queryable(tsdb);
    struct querier *querier = NULL;
    struct baro_error err = {0};

    assert_ok(queryable->querier(queryable, INT64_MIN, INT64_MAX, &querier, &err), &err);
    return querier;
}

/* Series [first, end) have exactly the samples of [from, to). */
static void check(struct tsdb *tsdb, unsigned first, unsigned end, ts from, ts to)
{
    struct querier *querier = querier_of(tsdb);
    struct sample_buf samples = {0};

    for (unsigned i = first; i < end; i++) {
        assert_true(read_one(querier, i, &samples));
        assert_int_equal(samples.count, (to - from) / STEP);
        for (size_t k = 0; k < samples.count; k++) {
            assert_int_equal(samples.t[k], from + (ts)k * STEP);
            assert_true(samples.v[k] == value_at(i, samples.t[k]));
        }
    }
    querier_close(querier);
    sample_buf_done(&samples);
}

static uint64_t head_series_count(struct tsdb *tsdb)
{
    struct arena arena = {0};
    struct tsdb_stats stats = {0};

    tsdb_stats(tsdb, &arena, 0, &stats);
    arena_done(&arena);
    return stats.series;
}

static size_t block_count(struct tsdb *tsdb)
{
    struct block_list *list = tsdb_blocks_ref(tsdb);
    size_t count = list->count;

    tsdb_blocks_unref(list);
    return count;
}

TEST(tsdb_compact_leaves_a_young_head_alone)
{
    struct arena arena = {0};
    struct tsdb *tsdb = fixture_open(fixture_dir(&arena), &quick);

    scrapes(tsdb, 0, 5, 0, RANGE * 3 / 2);
    compact(tsdb);
    assert_int_equal(block_count(tsdb), 0);
    check(tsdb, 0, 5, 0, RANGE * 3 / 2);
    fixture_close(tsdb);
    arena_done(&arena);
}

TEST(tsdb_compact_moves_full_ranges_into_blocks)
{
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    struct tsdb *tsdb = fixture_open(dir, &quick);
    struct block_list *list;

    /* Ranges [37, 100), [100, 200) and [200, 300) are complete; the head keeps [300, 450). */
    scrapes(tsdb, 0, 20, 37 * STEP, 451 * STEP);
    compact(tsdb);
    list = tsdb_blocks_ref(tsdb);
    assert_int_equal(list->count, 3);
    assert_int_equal(block_meta(list->items[0])->mint, 37 * STEP);
    assert_int_equal(block_meta(list->items[0])->maxt, 100 * STEP);
    assert_int_equal(block_meta(list->items[2])->maxt, 300 * STEP);
    assert_int_equal(block_meta(list->items[1])->sample_count, 20 * 100);
    tsdb_blocks_unref(list);
    check(tsdb, 0, 20, 37 * STEP, 451 * STEP);
    /* Nothing more to do, and nothing changes. */
    compact(tsdb);
    assert_int_equal(block_count(tsdb), 3);
    fixture_close(tsdb);
    /* The blocks, the checkpoint and the rest of the WAL have it all, once. */
    tsdb = fixture_open(dir, &quick);
    assert_int_equal(block_count(tsdb), 3);
    check(tsdb, 0, 20, 37 * STEP, 451 * STEP);
    scrapes(tsdb, 0, 20, 451 * STEP, 700 * STEP);
    compact(tsdb);
    check(tsdb, 0, 20, 37 * STEP, 700 * STEP);
    fixture_close(tsdb);
    arena_done(&arena);
}

static uint64_t wal_bytes(const char *dir)
{
    struct arena arena = {0};
    struct wal_listing list = {0};
    uint64_t bytes = 0;

    assert_int_equal(wal_list(fs_real(), &arena, fs_path(&arena, dir, "wal"), &list, NULL), 0);
    for (size_t i = 0; i < list.segment_count; i++) {
        bytes += list.segments[i].bytes;
    }
    for (size_t i = 0; i < list.checkpoint_count; i++) {
        bytes += list.checkpoint[i].bytes;
    }
    arena_done(&arena);
    return bytes;
}

static uint64_t wal_segments(const char *dir, uint64_t *ret_first)
{
    struct arena arena = {0};
    struct wal_listing list = {0};
    uint64_t count;

    assert_int_equal(wal_list(fs_real(), &arena, fs_path(&arena, dir, "wal"), &list, NULL), 0);
    count = list.segment_count;
    *ret_first = list.segments[0].index;
    arena_done(&arena);
    return count;
}

TEST(tsdb_compact_shortens_the_wal)
{
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    struct tsdb *tsdb = fixture_open(dir, &quick);
    uint64_t first = 0, before, after;

    for (int i = 0; i < 6; i++) {
        scrapes(tsdb, 0, 60, (ts)i * RANGE, (ts)(i + 1) * RANGE);
        compact(tsdb);
    }
    before = wal_segments(dir, &first);
    assert_true(first > 0);
    for (int i = 6; i < 20; i++) {
        scrapes(tsdb, 0, 60, (ts)i * RANGE, (ts)(i + 1) * RANGE);
        compact(tsdb);
    }
    after = wal_segments(dir, &first);
    assert_true(after <= before + 2);
    check(tsdb, 0, 60, 0, 20 * RANGE);
    fixture_close(tsdb);
    tsdb = fixture_open(dir, &quick);
    check(tsdb, 0, 60, 0, 20 * RANGE);
    fixture_close(tsdb);
    arena_done(&arena);
}

/* Each round has 1,500 new series beside 10 that stay. */
/* Damage in the WAL is met by the checkpoint: the head has what is lost, and its snapshot keeps it.
 */
TEST(tsdb_compact_goes_on_over_damage_of_the_wal)
{
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    const char *segment;
    struct tsdb_options options = quick;
    struct tsdb *tsdb;
    double corruptions = self_get(SELF_WAL_CORRUPTIONS);
    uint64_t first = 0;
    FILE *file;

    options.no_snapshot = true; /* not at the end: what a kill leaves is looked at */
    options.wal_segment_size = 32 * 1024;
    tsdb = fixture_open(dir, &options);
    scrapes(tsdb, 0, 20, 0, 451 * STEP);
    segment = fs_path(&arena, fs_path(&arena, dir, "wal"), "00000000");
    file = fopen(segment, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, 60, SEEK_SET), 0); /* within the record of the series */
    assert_true(fputc(0xa5, file) != EOF);
    assert_int_equal(fclose(file), 0);
    compact(tsdb);
    assert_true(wal_segments(dir, &first) > 0 && first > 0);
    assert_true(self_get(SELF_WAL_CORRUPTIONS) > corruptions);
    check(tsdb, 0, 20, 0, 451 * STEP);
    scrapes(tsdb, 0, 20, 451 * STEP, 460 * STEP);
    fixture_close(tsdb);
    tsdb = fixture_open(dir, &options);
    assert_int_equal(fixture_report(tsdb).snapshot_series, 20);
    check(tsdb, 0, 20, 0, 460 * STEP);
    fixture_close(tsdb);
    arena_done(&arena);
}

TEST(tsdb_compact_bounds_memory_under_churn)
{
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    struct tsdb_options options = quick;
    struct tsdb *tsdb;
    size_t early = 0, late = 0;

    options.wal_segment_size = 4 << 20;
    options.retention = 4 * RANGE;
    tsdb = fixture_open(dir, &options);
    for (unsigned round = 0; round < 30; round++) {
        ts from = (ts)round * RANGE;

        scrapes(tsdb, 0, 10, from, from + RANGE);
        scrapes(tsdb, 1000 + round * 1500, 2500 + round * 1500, from + RANGE - 2 * STEP,
                from + RANGE);
        compact(tsdb);
        early = round == 9 ? head_bytes(tsdb->head) : early;
        late = head_bytes(tsdb->head);
        assert_true(head_series_count(tsdb) <= 10 + 3 * 1500);
    }
    assert_true(late < early + early / 4);
    check(tsdb, 0, 10, 25 * RANGE, 30 * RANGE);
    fixture_close(tsdb);
    arena_done(&arena);
}

TEST(tsdb_compact_forgets_series_and_takes_them_back)
{
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    struct tsdb *tsdb = fixture_open(dir, &quick);
    struct appendable *appendable = tsdb_appendable(tsdb);
    struct appender *appender = appendable->appender(appendable);
    series_ref old;
    ts t = 599 * STEP;
    double v = 1;
    uint8_t status = APPEND_STATUS_COUNT;
    struct append_batch batch = {.refs = &old, .t = &t, .v = &v, .count = 1, .status = &status};
    struct str_list names = {0};
    struct querier *querier;

    scrapes(tsdb, 0, 40, 0, 100 * STEP);
    old = series_number(appender, 30);
    scrapes(tsdb, 0, 20, 100 * STEP, 300 * STEP);
    compact(tsdb); /* spares what was asked for meanwhile */
    scrapes(tsdb, 0, 20, 300 * STEP, 600 * STEP);
    compact(tsdb);
    assert_int_equal(head_series_count(tsdb), 20);
    /* The old name of a forgotten series leads nowhere; its labels make a new one. */
    assert_int_equal(appender->ops->samples(appender, &batch, NULL), 1);
    assert_int_equal(status, APPEND_UNKNOWN);
    assert_true(series_number(appender, 30) > old);
    appender->ops->rollback(appender);
    appender->ops->free(appender);
    scrapes(tsdb, 20, 40, 600 * STEP, 610 * STEP);
    assert_int_equal(head_series_count(tsdb), 40);
    querier = querier_of(tsdb);
    assert_int_equal(querier->ops->label_values(querier, &arena, STR("i"), (struct matchers){0},
                                                NULL, &names, NULL),
                     0);
    assert_int_equal(names.count, 40);
    querier_close(querier);
    check(tsdb, 0, 20, 0, 600 * STEP);
    fixture_close(tsdb);
    tsdb = fixture_open(dir, &quick);
    check(tsdb, 0, 20, 0, 600 * STEP);
    assert_int_equal(head_series_count(tsdb), 40);
    fixture_close(tsdb);
    arena_done(&arena);
}

TEST(tsdb_compact_waits_for_open_queries)
{
    struct arena arena = {0};
    struct tsdb *tsdb = fixture_open(fixture_dir(&arena), &quick);
    struct sample_buf samples = {0};
    struct querier *querier;

    scrapes(tsdb, 0, 10, 0, 300 * STEP);
    querier = querier_of(tsdb);
    assert_int_equal(tsdb_compact(tsdb, NULL), BARO_ETIMEOUT);
    assert_true(read_one(querier, 3, &samples));
    assert_int_equal(samples.count, 300);
    check(tsdb, 0, 10, 0, 300 * STEP);
    querier_close(querier);
    compact(tsdb);
    check(tsdb, 0, 10, 0, 300 * STEP);
    assert_int_equal(block_count(tsdb), 2);
    sample_buf_done(&samples);
    fixture_close(tsdb);
    arena_done(&arena);
}

/* A target that tells seconds where milliseconds are meant, before anything else came. */
TEST(tsdb_compact_passes_over_empty_years)
{
    struct arena arena = {0};
    struct tsdb_options options = quick;
    struct tsdb *tsdb;
    ts now = INT64_C(1700000000000);
    double before;

    options.too_old = -1;
    tsdb = fixture_open(fixture_dir(&arena), &options);
    scrapes(tsdb, 0, 1, INT64_C(-1000) * RANGE, INT64_C(-1000) * RANGE + STEP);
    scrapes(tsdb, 1, 2, now / 1000, now / 1000 + STEP);
    scrapes(tsdb, 2, 5, now, now + 451 * STEP);
    before = self_get(SELF_HEAD_TRUNCATIONS);
    compact(tsdb);
    assert_true(self_get(SELF_HEAD_TRUNCATIONS) - before < 12);
    assert_int_equal(block_count(tsdb), 2 + 3);
    check(tsdb, 0, 1, INT64_C(-1000) * RANGE, INT64_C(-1000) * RANGE + STEP);
    check(tsdb, 2, 5, now, now + 451 * STEP);
    /* What is a little older than the newest is still taken. */
    scrapes(tsdb, 5, 6, now + 400 * STEP, now + 401 * STEP);
    check(tsdb, 5, 6, now + 400 * STEP, now + 401 * STEP);
    fixture_close(tsdb);
    arena_done(&arena);
}

TEST(compact_ranges_stop_at_the_ends_of_time)
{
    static const struct {
        ts t;
        dur range;
        ts start;
        ts end;
    } cases[] = {
        {0, 10, 0, 10},
        {9, 10, 0, 10},
        {-1, 10, -10, 0},
        {-10, 10, -10, 0},
        {-11, 10, -20, -10},
        {INT64_MAX, 10, INT64_MAX - 7, INT64_MAX},
        {INT64_MIN, 10, INT64_MIN, INT64_MIN + 8},
        {INT64_MIN + 8, 10, INT64_MIN + 8, INT64_MIN + 18},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_int_equal(compact_range_start(cases[i].t, cases[i].range), cases[i].start);
        assert_int_equal(compact_range_end(cases[i].t, cases[i].range), cases[i].end);
    }
}

TEST(tsdb_compact_merges_and_deletes_blocks)
{
    struct arena arena = {0};
    struct tsdb *tsdb = fixture_open(fixture_dir(&arena), &quick);
    struct retention retention = {.bytes = 1};
    struct block_list *list;

    scrapes(tsdb, 0, 10, 0, 1100 * STEP);
    compact(tsdb);
    /* Three by three: 0-300, 300-600 and 600-900, and then those; 900-1000 is the newest. */
    list = tsdb_blocks_ref(tsdb);
    assert_int_equal(list->count, 2);
    assert_int_equal(block_meta(list->items[0])->maxt, 900 * STEP);
    assert_int_equal(block_meta(list->items[0])->level, 3);
    assert_int_equal(block_meta(list->items[0])->parents.count, 3);
    assert_int_equal(block_meta(list->items[0])->sources.count, 9);
    tsdb_blocks_unref(list);
    check(tsdb, 0, 10, 0, 1100 * STEP);
    tsdb_set_retention(tsdb, &retention);
    compact(tsdb);
    assert_int_equal(block_count(tsdb), 0);
    check(tsdb, 0, 10, 1000 * STEP, 1100 * STEP);
    fixture_close(tsdb);
    arena_done(&arena);
}

static void write_uploaded(const char *path, struct tsdb *tsdb)
{
    struct block_list *list = tsdb_blocks_ref(tsdb);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    (void)fputs("{\"version\": 1, \"uploaded\": [", file);
    for (size_t i = 0; i < list->count; i++) {
        (void)fprintf(file, "%s\"%s\"", i > 0 ? ", " : "", block_meta(list->items[i])->ulid);
    }
    (void)fputs("]}", file);
    assert_int_equal(fclose(file), 0);
    tsdb_blocks_unref(list);
}

/* Merges wait for the uploads of another program. */
TEST(tsdb_compact_waits_for_uploads)
{
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    struct tsdb_options options = quick;
    struct tsdb *tsdb;

    options.delay_compact_path = fs_path(&arena, dir, "thanos.shipper.json");
    tsdb = fixture_open(dir, &options);
    write_uploaded(options.delay_compact_path, tsdb);
    scrapes(tsdb, 0, 10, 0, 1100 * STEP);
    compact(tsdb);
    assert_int_equal(block_count(tsdb), 10);
    write_uploaded(options.delay_compact_path, tsdb);
    tsdb->delay.was_read = false; /* a minute later */
    compact(tsdb);
    assert_int_equal(block_count(tsdb), 2);
    check(tsdb, 0, 10, 0, 1100 * STEP);
    fixture_close(tsdb);
    arena_done(&arena);
}

TEST(tsdb_compact_deletes_what_is_old)
{
    struct arena arena = {0};
    struct tsdb_options options = quick;
    struct tsdb *tsdb;

    options.retention = 6 * RANGE;
    tsdb = fixture_open(fixture_dir(&arena), &options);
    scrapes(tsdb, 0, 10, 0, 1100 * STEP);
    compact(tsdb);
    /* The newest block ends at 1000: what ends at 400 or before goes. Nothing is merged, since a
     * tenth of the retention is shorter than a block. */
    assert_int_equal(block_count(tsdb), 6);
    check(tsdb, 0, 10, 400 * STEP, 1100 * STEP);
    fixture_close(tsdb);
    arena_done(&arena);
}

static bool disk_is_full;

static int write_unless_full(UNUSED const struct fs *fs, fs_file file, const void *bytes,
                             size_t len, uint64_t offset, struct baro_error *err)
{
    return disk_is_full ? error_set(err, -ENOSPC, "No space left on device")
                        : fs_real()->pwrite(fs_real(), file, bytes, len, offset, err);
}

/* Nothing can be written, but what is beyond the retention still goes, and makes room. */
TEST(tsdb_compact_deletes_what_is_old_from_a_full_disk)
{
    struct arena arena = {0};
    struct fs fs = *fs_real();
    struct tsdb_options options = quick;
    struct retention retention = {.time = 3 * RANGE};
    struct baro_error err = {0};
    struct tsdb *tsdb;

    fs.pwrite = write_unless_full;
    options.fs = &fs;
    options.block_max = RANGE;
    tsdb = fixture_open(fixture_dir(&arena), &options);
    scrapes(tsdb, 0, 10, 0, 1000 * STEP);
    compact(tsdb);
    assert_int_equal(block_count(tsdb), 9);
    scrapes(tsdb, 0, 10, 1000 * STEP, 1400 * STEP);
    tsdb_set_retention(tsdb, &retention);
    disk_is_full = true;
    assert_int_equal(tsdb_compact(tsdb, &err), -ENOSPC);
    disk_is_full = false;
    assert_int_equal(block_count(tsdb), 3);
    compact(tsdb);
    check(tsdb, 0, 10, 1000 * STEP, 1400 * STEP);
    fixture_close(tsdb);
    arena_done(&arena);
}

/* The bound is for the directory: full chunks of the head count as blocks do. */
TEST(tsdb_compact_counts_the_files_of_the_head)
{
    struct arena arena = {0};
    struct tsdb *tsdb = fixture_open(fixture_dir(&arena), &quick);
    struct retention retention = {0};
    struct block_list *list;
    size_t count;

    scrapes(tsdb, 0, 50, 0, 449 * STEP);
    compact(tsdb);
    list = tsdb_blocks_ref(tsdb);
    count = list->count;
    for (size_t i = 0; i < count; i++) {
        retention.bytes += block_bytes(list->items[i]);
    }
    tsdb_blocks_unref(list);
    assert_true(count > 1 && head_files_bytes(tsdb->head) > 1000);
    retention.bytes += wal_bytes(tsdb->path);
    tsdb_set_retention(tsdb, &retention);
    compact(tsdb);
    assert_true(block_count(tsdb) < count);
    check(tsdb, 0, 50, 300 * STEP, 449 * STEP);
    fixture_close(tsdb);
    arena_done(&arena);
}

/* A kill between the new block and the removal of its parents. */
TEST(tsdb_compact_settles_what_a_kill_has_left)
{
    static const struct {
        const char *name;
        bool is_damaged; /* the merged block */
        size_t want_blocks;
    } cases[] = {{"a good child", false, 1}, {"a damaged child", true, 3}};

    for (size_t c = 0; c < ARRAY_COUNT(cases); c++) {
        struct arena arena = {0};
        const char *dir = fixture_dir(&arena), *child;
        struct tsdb *tsdb = fixture_open(dir, &quick);
        struct block_list *list;
        struct compact_job job = {.fs = fs_real(), .data_dir = dir, .now = 5};
        char ulid[ULID_CHARS + 1];
        struct baro_error err = {0};

        test_row(cases[c].name);
        scrapes(tsdb, 0, 10, 0, 400 * STEP);
        compact(tsdb);
        list = tsdb_blocks_ref(tsdb);
        assert_int_equal(list->count, 3);
        job.blocks = list->items;
        job.count = 3;
        assert_int_equal(compact_run(&job, ulid, &err), 1);
        tsdb_blocks_unref(list);
        fixture_close(tsdb);
        child = fs_path(&arena, dir, ulid);
        if (cases[c].is_damaged) {
            str raw = STR_NULL;

            assert_ok(fs_read_all(fs_real(), &arena, fs_path(&arena, child, "chunks/000001"),
                                  1 << 20, &raw, &err),
                      &err);
            ((char *)(uintptr_t)raw.ptr)[raw.len / 2] ^= 4;
            assert_ok(
                file_replace(fs_real(), fs_path(&arena, child, "chunks"), "000001", raw, &err),
                &err);
        }
        assert_ok(fs_real()->mkdir(
                      fs_real(),
                      fs_path(&arena, dir, "01HF4X4Z4QJ7Z0000000000000" BLOCK_TMP_CREATION), &err),
                  &err);
        tsdb = fixture_open(dir, &quick);
        assert_int_equal(block_count(tsdb), 1);
        assert_int_equal(tsdb->obsolete.count, 3);
        compact(tsdb);
        assert_int_equal(block_count(tsdb), cases[c].want_blocks);
        check(tsdb, 0, 10, 0, 400 * STEP);
        fixture_close(tsdb);
        tsdb = fixture_open(dir, &quick);
        assert_int_equal(block_count(tsdb), cases[c].want_blocks);
        check(tsdb, 0, 10, 0, 400 * STEP);
        fixture_close(tsdb);
        arena_done(&arena);
    }
    test_row(NULL);
}

enum { STORM_SCRAPES = 1500, STORM_PAUSE_US = 500 };

/* Appending and asking while the head is written out again and again. */
struct storm {
    struct tsdb *tsdb;
    _Atomic int64_t committed; /* every series has the samples up to this time; release */
    _Atomic bool stop;
    _Atomic uint64_t queries;
    unsigned series;
};

static void *storm_append(void *context)
{
    struct storm *storm = context;
    struct appendable *appendable = tsdb_appendable(storm->tsdb);
    struct appender *appender = appendable->appender(appendable);

    for (ts t = 0; t < STORM_SCRAPES * STEP; t += STEP) {
        scrape(appender, 0, storm->series, t);
        /* And series that live for one scrape each. */
        scrape(appender, 100000 + (unsigned)(t / STEP) * 3, 100003 + (unsigned)(t / STEP) * 3, t);
        atomic_store_explicit(&storm->committed, t, memory_order_release);
        (void)usleep(STORM_PAUSE_US);
    }
    atomic_store_explicit(&storm->stop, true, memory_order_relaxed);
    appender->ops->free(appender);
    return NULL;
}

static void *storm_query(void *context)
{
    struct storm *storm = context;
    struct sample_buf samples = {0};
    unsigned i = 0;

    while (!atomic_load_explicit(&storm->stop, memory_order_relaxed)) {
        ts committed = atomic_load_explicit(&storm->committed, memory_order_acquire);
        struct querier *querier;

        if (committed < 0) {
            continue;
        }
        querier = querier_of(storm->tsdb);
        i = (i + 7) % storm->series;
        assert_true(read_one(querier, i, &samples));
        assert_true(samples.count >= (size_t)(committed / STEP) + 1);
        for (size_t k = 0; k < samples.count; k++) {
            assert_int_equal(samples.t[k], (ts)k * STEP);
        }
        querier_close(querier);
        atomic_fetch_add_explicit(&storm->queries, 1, memory_order_relaxed);
    }
    sample_buf_done(&samples);
    return NULL;
}

/* The head is written out, a series that lived for one scrape is deleted, and a snapshot is made.
 */
static void disturb(struct tsdb *tsdb, unsigned round)
{
    struct arena arena = {0};
    struct matcher matcher = {
        .op = MATCHER_EQUAL, .name = STR("i"), .value = arena_printf(&arena, "%u", 100000 + round)};
    char name[TSDB_SNAPSHOT_NAME_BYTES];
    struct baro_error err = {0};

    lock_acquire(&tsdb->compact_lock);
    assert_ok(tsdb_snapshot_head(tsdb, true, &err), &err);
    lock_release(&tsdb->compact_lock);
    assert_ok(tsdb_delete(tsdb, (struct matchers){&matcher, 1}, INT64_MIN, INT64_MAX, &err), &err);
    if (round % 5 == 0) {
        assert_ok(tsdb_snapshot(tsdb, false, name, &err), &err);
    }
    arena_done(&arena);
}

TEST(tsdb_compact_beside_appends_and_queries)
{
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    struct tsdb_options options = quick;
    struct storm storm = {.series = 50};
    pthread_t threads[2];

    options.querier_wait = 10000;
    options.wal_segment_size = 1 << 20;
    storm.tsdb = fixture_open(dir, &options);
    atomic_init(&storm.committed, -1);
    assert_int_equal(pthread_create(&threads[0], NULL, storm_append, &storm), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, storm_query, &storm), 0);
    for (unsigned round = 0; !atomic_load_explicit(&storm.stop, memory_order_relaxed); round++) {
        compact(storm.tsdb);
        if (round % 7 == 3) {
            disturb(storm.tsdb, round);
        }
        (void)usleep(1000);
    }
    assert_int_equal(pthread_join(threads[0], NULL), 0);
    assert_int_equal(pthread_join(threads[1], NULL), 0);
    assert_true(storm.queries > 0);
    assert_true(block_count(storm.tsdb) > 0);
    check(storm.tsdb, 0, storm.series, 0, storm.committed + STEP);
    fixture_close(storm.tsdb);
    storm.tsdb = fixture_open(dir, &options);
    check(storm.tsdb, 0, storm.series, 0, storm.committed + STEP);
    fixture_close(storm.tsdb);
    arena_done(&arena);
}

static const struct {
    const char *name;
    struct retention retention;
    struct retention_block blocks[4];
    size_t count;
    uint64_t head;
    enum retention_verdict want[4];
} retention_cases[] = {
    {"no bounds", {0}, {{10, 5}, {20, 5}}, 2, 0, {RETENTION_KEEP, RETENTION_KEEP}},
    {"by time",
     {.time = 10},
     {{10, 5}, {20, 5}, {11, 5}},
     3,
     0,
     {RETENTION_OLD, RETENTION_KEEP, RETENTION_KEEP}},
    {"the newest stays", {.time = 1}, {{10, 5}}, 1, 0, {RETENTION_KEEP}},
    {"by size, oldest first",
     {.bytes = 12},
     {{30, 5}, {10, 5}, {20, 5}},
     3,
     0,
     {RETENTION_KEEP, RETENTION_LARGE, RETENTION_KEEP}},
    {"a large one takes the older with it",
     {.bytes = 12},
     {{30, 5}, {20, 50}, {10, 1}},
     3,
     0,
     {RETENTION_KEEP, RETENTION_LARGE, RETENTION_LARGE}},
    {"the head counts", {.bytes = 12}, {{30, 5}, {20, 5}}, 2, 3, {RETENTION_KEEP, RETENTION_LARGE}},
    {"by share of the disk",
     {.percentage = 1},
     {{30, 5}, {20, 6}},
     2,
     0,
     {RETENTION_KEEP, RETENTION_LARGE}},
    {"the lesser of both",
     {.bytes = 100, .percentage = 1},
     {{30, 5}, {20, 6}},
     2,
     0,
     {RETENTION_KEEP, RETENTION_LARGE}},
    {"by time and size",
     {.time = 20, .bytes = 12},
     {{40, 5}, {30, 50}, {20, 1}},
     3,
     0,
     {RETENTION_KEEP, RETENTION_LARGE, RETENTION_OLD}},
    {"all", {.bytes = 1}, {{30, 5}, {20, 6}}, 2, 0, {RETENTION_LARGE, RETENTION_LARGE}},
};

TEST(retention_plan_chooses)
{
    for (size_t i = 0; i < ARRAY_COUNT(retention_cases); i++) {
        enum retention_verdict got[4] = {RETENTION_KEEP};
        size_t want = 0;

        test_row(retention_cases[i].name);
        for (size_t k = 0; k < retention_cases[i].count; k++) {
            want += retention_cases[i].want[k] != RETENTION_KEEP;
        }
        assert_int_equal(retention_plan(&retention_cases[i].retention, retention_cases[i].blocks,
                                        retention_cases[i].count, retention_cases[i].head, 1000,
                                        got),
                         want);
        for (size_t k = 0; k < retention_cases[i].count; k++) {
            assert_int_equal(got[k], retention_cases[i].want[k]);
        }
    }
    test_row(NULL);
}
