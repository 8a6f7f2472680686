#include "tsdb/tsdb.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "base/random.h"
#include "base/vec.h"
#include "sys/fs.h"
#include "testing/test.h"
#include "tsdb/tsdb_fixture_test.h"
#include "tsdb/wal.h"
#include "tsdb/wal_record.h"

static const struct tsdb_options quiet_default = {.no_sync_thread = true, .no_snapshot = true};

/* Commits one scrape of `count` series at t: value = i + t. */
static int scrape(struct appender *appender, unsigned count, ts t, struct baro_error *err)
{
    for (unsigned i = 0; i < count; i++) {
        fixture_sample(appender, STR("m"), i, t, i + (double)t);
    }
    return appender->ops->commit(appender, err);
}

static void must_scrape(struct appender *appender, unsigned count, ts t)
{
    struct baro_error err = {0};

    assert_ok(scrape(appender, count, t, &err), &err);
}

/* Checks that each of `count` series has the samples t = step, 2 * step, ... of `scrapes` scrapes,
 * but of scrape number `lost` (from 1; 0 = all are there). */
static void check_scrapes_but(struct tsdb *tsdb, unsigned count, unsigned scrapes, ts step,
                              unsigned lost)
{
    struct matcher matcher;
    const struct select_hints hints = {0};
    struct queryable *queryable = tsdb_queryable(tsdb);
    struct sample_buf samples = {0};
    struct querier *querier = NULL;
    struct series_list list = {0};
    struct baro_error err = {0};
    struct arena arena = {0};

    assert_ok(matcher_init(&matcher, MATCHER_EQUAL, STR("__name__"), STR("m"), &err), &err);
    assert_ok(queryable->querier(queryable, INT64_MIN, INT64_MAX, &querier, &err), &err);
    assert_ok(querier->ops->select(querier, &arena, &hints, (struct matchers){&matcher, 1}, NULL,
                                   &list, &err),
              &err);
    assert_int_equal(list.count, scrapes == 0 ? 0 : count);
    for (size_t i = 0; i < list.count; i++) {
        int64_t number = 0;

        assert_true(num_parse_i64(labels_get(list.items[i].labels, STR("i")), &number));
        sample_buf_reset(&samples);
        assert_ok(
            querier->ops->samples(querier, &list.items[i], INT64_MIN, INT64_MAX, &samples, &err),
            &err);
        assert_int_equal(samples.count, scrapes - (lost > 0));
        for (size_t k = 0; k < samples.count; k++) {
            size_t turn = k + 1 + (lost > 0 && k + 1 >= lost);

            assert_int_equal(samples.t[k], (ts)turn * step);
            assert_true(samples.v[k] == (double)number + (double)samples.t[k]);
        }
    }
    querier_close(querier);
    matcher_done(&matcher);
    sample_buf_done(&samples);
    arena_done(&arena);
}

static void check_scrapes(struct tsdb *tsdb, unsigned count, unsigned scrapes, ts step)
{
    check_scrapes_but(tsdb, count, scrapes, step, 0);
}

TEST(tsdb_keeps_what_was_committed)
{
    static const enum tsdb_wal_compression kinds[] = {TSDB_WAL_SNAPPY, TSDB_WAL_NONE,
                                                      TSDB_WAL_ZSTD};
    struct arena arena = {0};

    for (size_t k = 0; k < ARRAY_COUNT(kinds); k++) {
        const char *dir = fixture_dir(&arena);
        struct tsdb_options options = {.no_sync_thread = k != 0,
                                       .no_snapshot = true,
                                       .wal_compression = kinds[k],
                                       .wal_segment_size = 2 * WAL_PAGE_BYTES};
        struct tsdb_open_report report = {0};
        struct tsdb *tsdb = fixture_open(dir, &options);
        struct appender *appender = tsdb_appendable(tsdb)->appender(tsdb_appendable(tsdb));

        for (unsigned i = 1; i <= 40; i++) {
            must_scrape(appender, 150, (ts)i * 15000);
        }
        (void)fixture_series(appender, STR("m"), 1000);
        check_scrapes(tsdb, 150, 40, 15000);
        appender->ops->free(appender);
        fixture_close(tsdb);

        tsdb = fixture_open(dir, &options);
        check_scrapes(tsdb, 150, 40, 15000);
        tsdb_open_report(tsdb, &report);
        assert_int_equal(report.series, 150);
        assert_int_equal(report.samples, 150 * 40);
        assert_int_equal(report.samples_refused, 0);
        assert_int_equal(report.wal_repairs, 0);
        appender = tsdb_appendable(tsdb)->appender(tsdb_appendable(tsdb));
        for (unsigned i = 41; i <= 50; i++) {
            must_scrape(appender, 150, (ts)i * 15000);
        }
        appender->ops->free(appender);
        fixture_close(tsdb);
        tsdb = fixture_open(dir, &quiet_default);
        check_scrapes(tsdb, 150, 50, 15000);
        fixture_close(tsdb);
    }
    arena_done(&arena);
}

TEST(tsdb_directory_has_one_owner)
{
    struct tsdb_options quiet = {.no_sync_thread = true};
    struct baro_error err = {0};
    struct tsdb *second = NULL;
    struct arena arena = {0};
    const char *dir = fs_path(&arena, test_dir(), "a/b");
    struct tsdb *tsdb = fixture_open(dir, &quiet);

    assert_int_equal(tsdb_open(dir, &quiet, &second, &err), BARO_EBUSY);
    assert_true(str_contains(str_from(err.message), STR("in use")));
    fixture_close(tsdb);
    tsdb = fixture_open(dir, &quiet);
    fixture_close(tsdb);
    arena_done(&arena);
}

static void write_file(const char *path, str bytes)
{
    struct baro_error err = {0};
    fs_file file = FS_FILE_NONE;

    assert_ok(fs_real()->open(fs_real(), path, FS_CREATE, &file, &err), &err);
    assert_ok(fs_real()->truncate(fs_real(), file, 0, &err), &err);
    assert_ok(fs_real()->pwrite(fs_real(), file, bytes.ptr, bytes.len, 0, &err), &err);
    assert_ok(fs_real()->close(fs_real(), file, &err), &err);
}

/* A WAL of `scrapes` scrapes of three series in one segment; offsets[i] is its size after scrape i.
 */
static str make_wal(struct arena *arena, unsigned scrapes, uint64_t *offsets)
{
    const char *dir = fixture_dir(arena);
    const char *path = wal_segment_path(arena, fs_path(arena, dir, "wal"), 0);
    struct tsdb *tsdb = fixture_open(dir, &quiet_default);
    struct appender *appender = tsdb_appendable(tsdb)->appender(tsdb_appendable(tsdb));
    struct baro_error err = {0};
    str bytes = STR_NULL;

    offsets[0] = 0;
    for (unsigned i = 1; i <= scrapes; i++) {
        must_scrape(appender, 3, (ts)i * 1000);
        assert_ok(fs_read_all(fs_real(), arena, path, 1 << 20, &bytes, &err), &err);
        offsets[i] = bytes.len;
    }
    appender->ops->free(appender);
    fixture_close(tsdb);
    return bytes;
}

TEST(tsdb_repairs_a_wal_torn_at_any_byte)
{
    enum { SCRAPES = 6 };
    uint64_t offsets[SCRAPES + 1];
    struct arena arena = {0};
    str whole = make_wal(&arena, SCRAPES, offsets);

    test_has_one_thread();
    for (size_t cut = 0; cut <= whole.len; cut++) {
        struct arena inner = {0};
        const char *dir = fixture_dir(&inner);
        struct tsdb_open_report report = {0};
        struct tsdb *tsdb;
        unsigned good = 0;

        while (good < SCRAPES && offsets[good + 1] <= cut) {
            good++;
        }
        assert_ok(fs_real()->mkdir(fs_real(), fs_path(&inner, dir, "wal"), NULL), NULL);
        write_file(wal_segment_path(&inner, fs_path(&inner, dir, "wal"), 0),
                   str_slice(whole, 0, cut));
        tsdb = fixture_open(dir, &quiet_default);
        tsdb_open_report(tsdb, &report);
        check_scrapes(tsdb, 3, good, 1000);
        /* Writing goes on behind the repair, and the next start finds both parts. */
        if (cut % 7 == 0) {
            struct appender *appender = tsdb_appendable(tsdb)->appender(tsdb_appendable(tsdb));

            must_scrape(appender, 3, (ts)(good + 1) * 1000);
            appender->ops->free(appender);
            fixture_close(tsdb);
            tsdb = fixture_open(dir, &quiet_default);
            tsdb_open_report(tsdb, &report);
            assert_int_equal(report.wal_repairs, 0);
            check_scrapes(tsdb, 3, good + 1, 1000);
        }
        fixture_close(tsdb);
        (void)fs_remove_tree(fs_real(), dir, NULL);
        arena_done(&inner);
    }
    arena_done(&arena);
}

static size_t files_in(struct arena *arena, const char *dir, const char *name)
{
    struct fs_entry *entries = NULL;
    size_t count = 0;

    return fs_real()->list(fs_real(), arena, fs_path(arena, dir, name), &entries, &count, NULL) < 0
               ? 0
               : count;
}

/* Writes a WAL of two segments, the first with a flipped bit. */
static void write_flipped(struct arena *arena, const char *dir, str whole, size_t split, size_t at)
{
    const char *wal_dir = fs_path(arena, dir, "wal");
    char *bytes = arena_alloc(arena, whole.len);

    memcpy(bytes, whole.ptr, whole.len);
    bytes[at] = (char)(bytes[at] ^ 1 << at % 8);
    assert_ok(fs_real()->mkdir(fs_real(), wal_dir, NULL), NULL);
    write_file(wal_segment_path(arena, wal_dir, 0), str_of(bytes, split));
    write_file(wal_segment_path(arena, wal_dir, 1),
               str_from_index(str_of(bytes, whole.len), split));
}

/* A start loses the record that has the bit, and nothing behind it, in its segment or another one;
 * the next start finds no damage. */
TEST(tsdb_goes_on_behind_a_flipped_bit)
{
    enum { SCRAPES = 8, IN_FIRST = 5 };
    uint64_t offsets[SCRAPES + 1];
    struct arena arena = {0};
    str whole = make_wal(&arena, SCRAPES, offsets);
    size_t mended = 0, cut = 0, without_series = 0;

    for (size_t at = 0; at < offsets[IN_FIRST]; at += 11) {
        struct arena inner = {0};
        const char *dir = fixture_dir(&inner);
        struct tsdb_open_report report = {0};
        struct tsdb *tsdb;
        unsigned lost = 1;

        while (offsets[lost] <= at) {
            lost++;
        }
        write_flipped(&inner, dir, whole, (size_t)offsets[IN_FIRST], at);
        for (int start = 0; start < 3; start++) {
            struct tsdb_options options = quiet_default;

            /* The first one only reads, and must read on all the same. */
            options.read_only = start == 0;
            tsdb = fixture_open(dir, &options);
            report = fixture_report(tsdb);
            /* An unused bit of the type byte may change without harm. */
            assert_true(report.wal_repairs == 1 || start == 2 || report.wal_bytes_dropped == 0);
            assert_true(report.wal_repairs == 0 || start < 2);
            if (report.series == 0) {
                /* The record of the series is lost, so nothing can be said of their samples. */
                assert_int_equal(lost, 1);
                check_scrapes(tsdb, 3, 0, 1000);
                without_series += start == 1;
            } else if (report.wal_repairs == 1 || files_in(&inner, dir, "damaged") > 0 ||
                       files_in(&inner, dir, "wal.corrupt") > 0) {
                check_scrapes_but(tsdb, 3, SCRAPES, 1000, lost);
            } else {
                check_scrapes(tsdb, 3, SCRAPES, 1000);
            }
            fixture_close(tsdb);
        }
        mended += files_in(&inner, dir, "damaged");
        cut += files_in(&inner, dir, "wal.corrupt");
        assert_true(files_in(&inner, dir, "damaged") + files_in(&inner, dir, "wal.corrupt") <= 1);
        (void)fs_remove_tree(fs_real(), dir, NULL);
        arena_done(&inner);
    }
    assert_true(mended > 0 && cut > 0 && without_series > 0);
    arena_done(&arena);
}

/* Writes one segment with the records of `batch`. */
static void write_segment(const char *dir, uint64_t segment, struct wal_batch *batch)
{
    struct baro_error err = {0};
    struct wal *wal = NULL;

    assert_ok(fs_real()->mkdir(fs_real(), dir, &err), &err);
    assert_ok(wal_open(fs_real(), dir, segment, 0, &wal, &err), &err);
    assert_ok(wal_write(wal, batch, &err), &err);
    assert_ok(wal_close(wal, &err), &err);
    wal_batch_done(batch);
    *batch = (struct wal_batch){0};
}

static void put_series(struct wal_batch *batch, series_ref ref, unsigned i)
{
    struct arena arena = {0};
    struct label items[] = {{STR("__name__"), STR("m")}, {STR("i"), arena_printf(&arena, "%u", i)}};
    struct buf buf = {0};

    wal_put_type(&buf, WAL_RECORD_SERIES);
    wal_put_series(&buf, ref, (struct labels){items, 2});
    assert_ok(wal_batch_add(batch, buf_view(&buf), NULL), NULL);
    buf_done(&buf);
    arena_done(&arena);
}

static void put_sample(struct wal_batch *batch, series_ref ref, unsigned i, ts t)
{
    struct buf buf = {0};
    double v = i + (double)t;

    wal_put_samples(&buf, &ref, &t, &v, 1);
    assert_ok(wal_batch_add(batch, buf_view(&buf), NULL), NULL);
    buf_done(&buf);
}

TEST(tsdb_replays_checkpoints_and_series_under_several_refs)
{
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    const char *wal_dir = fs_path(&arena, dir, "wal");
    struct tsdb_replay_status status = {0};
    struct tsdb_open_report report = {0};
    struct wal_batch batch = {0};
    struct appender *appender;
    struct tsdb *tsdb;

    assert_ok(fs_real()->mkdir(fs_real(), wal_dir, NULL), NULL);
    put_series(&batch, 7, 0);
    put_series(&batch, 900000000007, 1);
    put_sample(&batch, 7, 0, 1000);
    put_sample(&batch, 900000000007, 1, 1000);
    write_segment(fs_path(&arena, wal_dir, "checkpoint.00000003"), 0, &batch);
    /* Covered by the checkpoint: not to be read again. */
    put_series(&batch, 7, 1);
    write_segment(wal_dir, 3, &batch);
    put_series(&batch, 12, 0);
    put_sample(&batch, 12, 0, 2000);
    put_sample(&batch, 900000000007, 1, 2000);
    put_sample(&batch, 55, 1, 2000);
    assert_ok(wal_batch_add(&batch, STR("\xf1whatever"), NULL), NULL);
    assert_ok(wal_batch_add(&batch, STR("\xf2whatever"), NULL), NULL);
    assert_ok(wal_batch_add(&batch, STR("\xf0unknown"), NULL), NULL);
    write_segment(wal_dir, 4, &batch);
    put_sample(&batch, 7, 0, 3000);
    put_sample(&batch, 900000000007, 1, 3000);
    write_segment(wal_dir, 5, &batch);

    tsdb = fixture_open(dir, &quiet_default);
    check_scrapes(tsdb, 2, 3, 1000);
    tsdb_open_report(tsdb, &report);
    assert_int_equal(report.records_skipped, 3);
    assert_int_equal(report.samples_refused, 1);
    tsdb_replay_status(tsdb, &status);
    assert_true(status.done);
    assert_int_equal(status.min, 4);
    assert_int_equal(status.max, 5);
    /* A new series has a ref that never stood in this WAL. */
    appender = tsdb_appendable(tsdb)->appender(tsdb_appendable(tsdb));
    assert_int_equal(fixture_series(appender, STR("m"), 2), 900000000008);
    must_scrape(appender, 2, 4000);
    appender->ops->free(appender);
    fixture_close(tsdb);
    tsdb = fixture_open(dir, &quiet_default);
    check_scrapes(tsdb, 2, 4, 1000);
    fixture_close(tsdb);
    arena_done(&arena);
}

/* Numbers have no holes afterwards, so that Prometheus opens the WAL too. */
TEST(tsdb_goes_on_behind_a_missing_segment)
{
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    const char *wal_dir = fs_path(&arena, dir, "wal");
    struct tsdb_open_report report = {0};
    struct wal_batch batch = {0};
    struct appender *appender;
    struct tsdb *tsdb;

    put_series(&batch, 1, 0);
    put_sample(&batch, 1, 0, 1000);
    write_segment(wal_dir, 0, &batch);
    put_sample(&batch, 1, 0, 3000);
    /* Its series stood in the segment that is gone; its ref must not be given again. */
    put_sample(&batch, 77, 5, 3000);
    write_segment(wal_dir, 3, &batch);
    tsdb = fixture_open(dir, &quiet_default);
    tsdb_open_report(tsdb, &report);
    assert_int_equal(report.wal_repairs, 1);
    assert_int_equal(report.samples_refused, 1);
    assert_true(str_contains(str_from(report.wal_repair_text), STR("00000001 is missing")));
    check_scrapes_but(tsdb, 1, 3, 1000, 2);
    appender = tsdb_appendable(tsdb)->appender(tsdb_appendable(tsdb));
    assert_int_equal(fixture_series(appender, STR("other"), 0), 78);
    must_scrape(appender, 1, 4000);
    appender->ops->free(appender);
    fixture_close(tsdb);
    assert_true(files_in(&arena, dir, "wal") >= 5);
    tsdb = fixture_open(dir, &quiet_default);
    tsdb_open_report(tsdb, &report);
    assert_int_equal(report.wal_repairs, 0);
    check_scrapes_but(tsdb, 1, 4, 1000, 2);
    fixture_close(tsdb);
    arena_done(&arena);
}

/* A hole that is wider than anybody's mistake ends the WAL; what is behind it is set aside. */
TEST(tsdb_ends_a_wal_at_a_wide_hole)
{
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    const char *wal_dir = fs_path(&arena, dir, "wal");
    struct wal_batch batch = {0};
    struct tsdb *tsdb;

    put_series(&batch, 1, 0);
    put_sample(&batch, 1, 0, 1000);
    write_segment(wal_dir, 0, &batch);
    put_sample(&batch, 1, 0, 2000);
    write_segment(wal_dir, 2000000, &batch);
    tsdb = fixture_open(dir, &quiet_default);
    assert_int_equal(fixture_report(tsdb).wal_repairs, 1);
    check_scrapes(tsdb, 1, 1, 1000);
    fixture_close(tsdb);
    assert_int_equal(files_in(&arena, dir, "wal.corrupt"), 1);
    tsdb = fixture_open(dir, &quiet_default);
    assert_int_equal(fixture_report(tsdb).wal_repairs, 0);
    fixture_close(tsdb);
    arena_done(&arena);
}

/* A checkpoint is mended as a segment is. */
TEST(tsdb_goes_on_behind_damage_of_a_checkpoint)
{
    enum { SCRAPES = 6 };
    uint64_t offsets[SCRAPES + 1];
    struct arena arena = {0};
    str whole = make_wal(&arena, SCRAPES, offsets);
    const char *dir = fixture_dir(&arena);
    const char *wal_dir = fs_path(&arena, dir, "wal");
    const char *checkpoint = fs_path(&arena, wal_dir, "checkpoint.00000003");
    char *bytes = arena_alloc(&arena, whole.len);

    memcpy(bytes, whole.ptr, whole.len);
    bytes[offsets[2] + 20] ^= 4;
    assert_ok(fs_real()->mkdir(fs_real(), wal_dir, NULL), NULL);
    assert_ok(fs_real()->mkdir(fs_real(), checkpoint, NULL), NULL);
    write_file(wal_segment_path(&arena, checkpoint, 0), str_of(bytes, whole.len));
    for (int start = 0; start < 2; start++) {
        struct tsdb *tsdb = fixture_open(dir, &quiet_default);

        assert_int_equal(fixture_report(tsdb).wal_repairs, start == 0);
        check_scrapes_but(tsdb, 3, SCRAPES, 1000, 3);
        fixture_close(tsdb);
    }
    assert_int_equal(files_in(&arena, dir, "damaged"), 1);
    arena_done(&arena);
}

TEST(tsdb_logs_series_that_another_appender_created)
{
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    struct tsdb *tsdb = fixture_open(dir, &quiet_default);
    struct appender *first = tsdb_appendable(tsdb)->appender(tsdb_appendable(tsdb));
    struct appender *second = tsdb_appendable(tsdb)->appender(tsdb_appendable(tsdb));

    /* The creator rolls back, or never commits; the samples of others must survive a restart. */
    (void)fixture_series(first, STR("m"), 0);
    (void)fixture_series(first, STR("m"), 1);
    must_scrape(second, 2, 1000);
    first->ops->rollback(first);
    must_scrape(second, 2, 2000);
    first->ops->free(first);
    second->ops->free(second);
    fixture_close(tsdb);
    tsdb = fixture_open(dir, &quiet_default);
    check_scrapes(tsdb, 2, 2, 1000);
    fixture_close(tsdb);
    arena_done(&arena);
}

/* A file system whose next pwrite fails after some bytes. */
struct failing_fs {
    struct fs fs;
    int writes_left;
    size_t bytes_kept;
};

static int failing_pwrite(const struct fs *fs, fs_file file, const void *bytes, size_t len,
                          uint64_t offset, struct baro_error *err)
{
    struct failing_fs *failing = CONTAINER_OF(fs, struct failing_fs, fs);

    if (failing->writes_left-- == 0) {
        len = len < failing->bytes_kept ? len : failing->bytes_kept;
        (void)fs_real()->pwrite(fs_real(), file, bytes, len, offset, NULL);
        return error_set(err, -28, "no space left");
    }
    return fs_real()->pwrite(fs_real(), file, bytes, len, offset, err);
}

TEST(tsdb_forgets_a_commit_whose_write_failed)
{
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    struct failing_fs failing = {.fs = *fs_real(), .writes_left = 2, .bytes_kept = 20};
    struct tsdb_options options = {.no_sync_thread = true, .fs = &failing.fs};
    struct tsdb_open_report report = {0};
    struct baro_error err = {0};
    struct appender *appender;
    struct tsdb *tsdb;

    failing.fs.pwrite = failing_pwrite;
    tsdb = fixture_open(dir, &options);
    appender = tsdb_appendable(tsdb)->appender(tsdb_appendable(tsdb));
    must_scrape(appender, 3, 1000);
    must_scrape(appender, 3, 2000);
    assert_int_equal(scrape(appender, 4, 2500, &err), -28);
    check_scrapes(tsdb, 3, 2, 1000);
    must_scrape(appender, 3, 3000);
    check_scrapes(tsdb, 3, 3, 1000);
    appender->ops->free(appender);
    fixture_close(tsdb);
    tsdb = fixture_open(dir, &quiet_default);
    tsdb_open_report(tsdb, &report);
    assert_int_equal(report.wal_repairs, 0);
    check_scrapes(tsdb, 3, 3, 1000);
    fixture_close(tsdb);
    arena_done(&arena);
}

static void count_progress(void *context, const struct tsdb_replay_status *status)
{
    unsigned *calls = context;

    assert_true(status->min <= status->current && status->current <= status->max);
    (*calls)++;
}

TEST(tsdb_tells_the_progress_of_the_replay)
{
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    unsigned calls = 0;
    struct tsdb_options options = {.no_sync_thread = true,
                                   .no_snapshot = true,
                                   .progress = count_progress,
                                   .progress_context = &calls};

    fixture_close(fixture_open(dir, &quiet_default));
    fixture_close(fixture_open(dir, &quiet_default));
    fixture_close(fixture_open(dir, &quiet_default));
    fixture_close(fixture_open(dir, &options));
    assert_int_equal(calls, 3 + 2);
    arena_done(&arena);
}

TEST(tsdb_passes_over_directories_that_are_no_blocks)
{
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    struct tsdb_open_report report = {0};
    struct tsdb *tsdb;

    assert_ok(fs_real()->mkdir(fs_real(), fs_path(&arena, dir, "01GRZ3ZGPQ9ZS2VKY3DGYKDVBQ"), NULL),
              NULL);
    assert_ok(fs_real()->mkdir(fs_real(), fs_path(&arena, dir, "chunks_head"), NULL), NULL);
    tsdb = fixture_open(dir, &quiet_default);
    tsdb_open_report(tsdb, &report);
    assert_int_equal(report.blocks, 0);
    assert_int_equal(report.blocks_skipped, 1);
    assert_true(str_contains(str_from(report.block_skip_text), STR("01GRZ3ZGPQ9ZS2VKY3DGYKDVBQ")));
    fixture_close(tsdb);
    arena_done(&arena);
}

/* A child commits scrapes and tells each one's number through a pipe, until it is killed. */
static void scrape_until_killed(const char *dir, unsigned first, int told)
{
    struct tsdb_options options = {.wal_segment_size = 2 * WAL_PAGE_BYTES};
    struct baro_error err = {0};
    struct appender *appender;
    struct tsdb *tsdb = NULL;

    if (tsdb_open(dir, &options, &tsdb, &err) < 0) {
        _exit(1);
    }
    appender = tsdb_appendable(tsdb)->appender(tsdb_appendable(tsdb));
    for (unsigned i = first; i < first + 100000; i++) {
        if (scrape(appender, 200, (ts)i * 1000, &err) < 0 ||
            write(told, &i, sizeof(i)) != (ssize_t)sizeof(i)) {
            _exit(1);
        }
    }
    _exit(0);
}

static unsigned kill_one(const char *dir, unsigned done, long after_us)
{
    struct timespec pause = {.tv_nsec = after_us * 1000};
    unsigned number = done;
    int pipes[2], status = 0;
    pid_t pid;

    assert_int_equal(pipe(pipes), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(pipes[0]);
        scrape_until_killed(dir, done + 1, pipes[1]);
    }
    (void)close(pipes[1]);
    /* At least one commit, then a moment more. */
    assert_int_equal(read(pipes[0], &number, sizeof(number)), sizeof(number));
    (void)nanosleep(&pause, NULL);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    while (read(pipes[0], &number, sizeof(number)) == (ssize_t)sizeof(number)) {
    }
    (void)close(pipes[0]);
    return number;
}

/* How many scrapes series 0 has. */
static unsigned count_scrapes(struct tsdb *tsdb)
{
    struct queryable *queryable = tsdb_queryable(tsdb);
    struct sample_buf samples = {0};
    struct series_list list = {0};
    struct querier *querier = NULL;
    struct baro_error err = {0};
    struct arena arena = {0};
    struct matcher matcher;
    unsigned count;

    assert_ok(matcher_init(&matcher, MATCHER_EQUAL, STR("i"), STR("0"), &err), &err);
    assert_ok(queryable->querier(queryable, INT64_MIN, INT64_MAX, &querier, &err), &err);
    assert_ok(querier->ops->select(querier, &arena, NULL, (struct matchers){&matcher, 1}, NULL,
                                   &list, &err),
              &err);
    assert_int_equal(list.count, 1);
    assert_ok(querier->ops->samples(querier, &list.items[0], INT64_MIN, INT64_MAX, &samples, &err),
              &err);
    count = (unsigned)samples.count;
    querier_close(querier);
    matcher_done(&matcher);
    sample_buf_done(&samples);
    arena_done(&arena);
    return count;
}

TEST(tsdb_loses_no_commit_when_killed)
{
    enum { KILLS = 25 };
    struct random random = {(uint64_t)getpid()};
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    unsigned done = 0;

    for (int i = 0; i < KILLS; i++) {
        unsigned told = kill_one(dir, done, (long)random_below(&random, 20000));
        struct tsdb *tsdb = fixture_open(dir, &quiet_default);

        /* What was told is there; one more may be, whose telling the kill prevented. */
        done = count_scrapes(tsdb);
        assert_true(done == told || done == told + 1);
        check_scrapes(tsdb, 200, done, 1000);
        fixture_close(tsdb);
    }
    arena_done(&arena);
}
