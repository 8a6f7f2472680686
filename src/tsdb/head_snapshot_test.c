#include "tsdb/head_snapshot.h"

#include <errno.h>

#include "base/mem.h"
#include "base/num.h"
#include "sys/fs.h"
#include "testing/test.h"
#include "tsdb/block_writer.h"
#include "tsdb/head_priv.h"
#include "tsdb/tsdb_fixture_test.h"
#include "tsdb/tsdb_priv.h"

enum { STEP = 1000, RANGE = 100 * STEP };

static const struct tsdb_options plain = {.no_sync_thread = true,
                                          .chunk_range = RANGE,
                                          .wal_segment_size = 64 * 1024,
                                          .exemplars_max = 50,
                                          .too_old = 1000 * RANGE};

static double value_at(unsigned series, ts t)
{
    return series * 1000.0 + (double)(t / STEP);
}

/* Scrapes of series [0, count) in [from, to), with an exemplar and metadata now and then. */
static void scrape(struct tsdb *tsdb, unsigned count, ts from, ts to)
{
    struct appendable *appendable = tsdb_appendable(tsdb);
    struct appender *appender = appendable->appender(appendable);
    struct baro_error err = {0};

    for (ts t = from; t < to; t += STEP) {
        for (unsigned i = 0; i < count; i++) {
            char number[16];
            struct label items[] = {{STR("__name__"), STR("m")}, {STR("i"), STR("")}};
            struct label trace = {STR("trace"), STR("abc")};
            struct exemplar exemplar = {{&trace, 1}, (double)i, t};
            struct metadata metadata = {METRIC_COUNTER, STR("s"), STR("help of m")};
            double v = value_at(i, t);
            series_ref ref = 0;
            uint8_t status = APPEND_STATUS_COUNT;
            struct append_batch batch = {
                .refs = &ref, .t = &t, .v = &v, .count = 1, .status = &status};

            items[1].value = str_of(number, (size_t)snprintf(number, sizeof(number), "%u", i));
            assert_ok(appender->ops->series(appender, (struct labels){items, 2}, &ref, &err), &err);
            assert_int_equal(appender->ops->samples(appender, &batch, &err), 0);
            if (i % 7 == 0 && t % (20 * STEP) == 0) {
                assert_ok(appender->ops->exemplar(appender, ref, &exemplar, &err), &err);
                assert_ok(appender->ops->metadata(appender, ref, &metadata, &err), &err);
            }
        }
        assert_ok(appender->ops->commit(appender, &err), &err);
    }
    appender->ops->free(appender);
}

/* Series [0, count) have exactly the samples of [from, to). */
static void check(struct tsdb *tsdb, unsigned count, ts from, ts to)
{
    struct queryable *queryable = tsdb_queryable(tsdb);
    struct matcher matcher = {.op = MATCHER_EQUAL, .name = STR("__name__"), .value = STR("m")};
    struct querier *querier = NULL;
    struct sample_buf samples = {0};
    struct series_list list = {0};
    struct arena arena = {0};
    struct baro_error err = {0};

    assert_ok(queryable->querier(queryable, INT64_MIN, INT64_MAX, &querier, &err), &err);
    assert_ok(querier->ops->select(querier, &arena, NULL, (struct matchers){&matcher, 1}, NULL,
                                   &list, &err),
              &err);
    assert_int_equal(list.count, count);
    for (size_t i = 0; i < list.count; i++) {
        uint64_t number = 0;

        assert_true(num_parse_u64(labels_get(list.items[i].labels, STR("i")), &number));
        sample_buf_reset(&samples);
        assert_ok(
            querier->ops->samples(querier, &list.items[i], INT64_MIN, INT64_MAX, &samples, &err),
            &err);
        assert_int_equal(samples.count, (to - from) / STEP);
        for (size_t k = 0; k < samples.count; k++) {
            assert_int_equal(samples.t[k], from + (ts)k * STEP);
            assert_true(samples.v[k] == value_at((unsigned)number, samples.t[k]));
        }
    }
    querier_close(querier);
    sample_buf_done(&samples);
    arena_done(&arena);
}

static size_t exemplar_count(struct tsdb *tsdb)
{
    struct tsdb_exemplar *found = NULL;
    struct arena arena = {0};
    size_t count = 0;

    assert_int_equal(tsdb_exemplars_select(tsdb, &arena, (struct matchers){0}, INT64_MIN, INT64_MAX,
                                           &found, &count, NULL),
                     0);
    for (size_t i = 0; i < count; i++) {
        assert_str_equal(labels_get(found[i].exemplar.labels, STR("trace")), STR("abc"));
    }
    arena_done(&arena);
    return count;
}

static size_t metadata_count(struct tsdb *tsdb)
{
    struct tsdb_metadata *found = NULL;
    struct arena arena = {0};
    size_t count = 0;

    tsdb_metadata_list(tsdb, &arena, STR(""), &found, &count);
    arena_done(&arena);
    return count;
}

TEST(head_snapshot_replaces_the_replay)
{
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    struct tsdb *tsdb = fixture_open(dir, &plain);

    /* Open chunks and closed ones. */
    scrape(tsdb, 40, 0, 140 * STEP);
    fixture_close(tsdb);
    tsdb = fixture_open(dir, &plain);
    assert_int_equal(fixture_report(tsdb).snapshot_series, 40);
    assert_int_equal(fixture_report(tsdb).samples, 0);
    check(tsdb, 40, 0, 140 * STEP);
    assert_int_equal(exemplar_count(tsdb), 42);
    assert_int_equal(metadata_count(tsdb), 1);
    /* It goes on as if it had never stopped. */
    scrape(tsdb, 60, 140 * STEP, 150 * STEP);
    fixture_close(tsdb);
    tsdb = fixture_open(dir, &plain);
    assert_int_equal(fixture_report(tsdb).series, 60);
    scrape(tsdb, 40, 150 * STEP, 160 * STEP);
    fixture_close(tsdb);
    arena_done(&arena);
}

static void copy_tree(struct arena *arena, const char *from, const char *to)
{
    struct fs_entry *entries = NULL;
    struct baro_error err = {0};
    size_t count = 0;

    assert_ok(fs_real()->mkdir(fs_real(), to, &err), &err);
    assert_ok(fs_real()->list(fs_real(), arena, from, &entries, &count, &err), &err);
    for (size_t i = 0; i < count; i++) {
        const char *source = fs_path(arena, from, entries[i].name.ptr);
        str raw = STR_NULL;

        if (entries[i].is_dir) {
            copy_tree(arena, source, fs_path(arena, to, entries[i].name.ptr));
        } else if (!str_is(entries[i].name, "lock")) {
            assert_ok(fs_read_all(fs_real(), arena, source, 64 << 20, &raw, &err), &err);
            assert_ok(file_replace(fs_real(), to, entries[i].name.ptr, raw, &err), &err);
        }
    }
}

/* What a kill leaves: a snapshot taken earlier, and the WAL that has gone on. */
TEST(head_snapshot_and_the_wal_behind_it)
{
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena), *copy = fixture_dir(&arena);
    struct tsdb *tsdb = fixture_open(dir, &plain), *again;
    struct baro_error err = {0};

    scrape(tsdb, 30, 0, 130 * STEP);
    assert_ok(tsdb_snapshot_head(tsdb, true, &err), &err);
    scrape(tsdb, 50, 130 * STEP, 145 * STEP);
    assert_ok(tsdb_sync(tsdb, &err), &err);
    copy_tree(&arena, dir, copy);
    again = fixture_open(copy, &plain);
    assert_int_equal(fixture_report(again).snapshot_series, 30);
    assert_int_equal(fixture_report(again).samples, 50 * 15);
    assert_int_equal(fixture_report(again).series, 50);
    fixture_close(again);
    fixture_close(tsdb);
    tsdb = fixture_open(dir, &plain);
    scrape(tsdb, 30, 145 * STEP, 146 * STEP);
    fixture_close(tsdb);
    arena_done(&arena);
}

TEST(head_snapshot_fits_behind_a_compaction)
{
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena), *copy = fixture_dir(&arena);
    struct tsdb_options options = plain;
    struct tsdb *tsdb, *again;
    struct baro_error err = {0};

    options.too_old = 0;
    tsdb = fixture_open(dir, &options);
    scrape(tsdb, 30, 0, 250 * STEP);
    assert_ok(tsdb_snapshot_head(tsdb, true, &err), &err);
    assert_ok(tsdb_compact(tsdb, &err), &err);
    scrape(tsdb, 30, 250 * STEP, 260 * STEP);
    assert_ok(tsdb_sync(tsdb, &err), &err);
    copy_tree(&arena, dir, copy);
    /* The snapshot is older than the blocks, and perhaps than the checkpoint. */
    again = fixture_open(copy, &options);
    check(again, 30, 0, 260 * STEP);
    fixture_close(again);
    fixture_close(tsdb);
    tsdb = fixture_open(dir, &options);
    check(tsdb, 30, 0, 260 * STEP);
    assert_int_equal(fixture_report(tsdb).snapshot_series, 30);
    fixture_close(tsdb);
    arena_done(&arena);
}

/* A block that did not come to be, because of a stop or a full disk, leaves its time to the head.
 */
TEST(head_snapshot_behind_a_block_that_was_not_written)
{
    static const _Atomic bool stop = true;
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    struct tsdb *tsdb = fixture_open(dir, &plain);
    struct head_block_job job = {
        .fs = fs_real(), .data_dir = dir, .maxt = RANGE, .now = 250 * STEP, .stop = &stop};
    char ulid[ULID_CHARS + 1] = "";

    scrape(tsdb, 30, 0, 250 * STEP);
    assert_true(head_block_write(tsdb->head, &job, ulid, NULL) < 0);
    fixture_close(tsdb);
    tsdb = fixture_open(dir, &plain);
    assert_int_equal(fixture_report(tsdb).snapshot_series, 30);
    check(tsdb, 30, 0, 250 * STEP);
    fixture_close(tsdb);
    arena_done(&arena);
}

/* Every flipped bit is seen, and then the WAL is replayed as if there were no snapshot. */
TEST(head_snapshot_that_is_damaged_is_passed_over)
{
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena), *place;
    struct tsdb *tsdb = fixture_open(dir, &plain);
    struct tsdb_options keep = plain;
    struct baro_error err = {0};
    str raw = STR_NULL, gone = STR_NULL;

    keep.no_snapshot = true;
    scrape(tsdb, 2, 0, 130 * STEP);
    fixture_close(tsdb);
    place = fs_path(&arena, dir, HEAD_SNAPSHOT_DIR);
    assert_ok(fs_read_all(fs_real(), &arena, fs_path(&arena, place, HEAD_SNAPSHOT_NAME), 1 << 20,
                          &raw, &err),
              &err);
    for (size_t i = 0; i < raw.len; i++) {
        struct head_snapshot_info info = {0};
        struct head_options options = {0};
        struct head *head = head_new(&options);
        int r;

        ((char *)(uintptr_t)raw.ptr)[i] ^= (char)(1 << i % 8);
        assert_ok(file_replace(fs_real(), place, HEAD_SNAPSHOT_NAME, raw, &err), &err);
        ((char *)(uintptr_t)raw.ptr)[i] ^= (char)(1 << i % 8);
        r = head_snapshot_load(head, fs_real(), place, 0, UINT64_MAX, &info, &err);
        assert_true(r == BARO_ECORRUPT || r == BARO_EUNSUPPORTED);
        (void)head_free(head);
        if (i % 97 == 0) {
            tsdb = fixture_open(dir, &keep);
            assert_int_equal(fixture_report(tsdb).snapshot_series, 0);
            assert_true(fixture_report(tsdb).snapshot_text[0] != '\0');
            assert_int_equal(fs_read_all(fs_real(), &arena,
                                         fs_path(&arena, place, HEAD_SNAPSHOT_NAME), 1 << 20, &gone,
                                         NULL),
                             -ENOENT);
            check(tsdb, 2, 0, 130 * STEP);
            fixture_close(tsdb);
        }
    }
    for (size_t len = 0; len < raw.len; len += 31) {
        struct head_snapshot_info info = {0};
        struct head_options options = {0};
        struct head *head = head_new(&options);

        assert_ok(file_replace(fs_real(), place, HEAD_SNAPSHOT_NAME, str_of(raw.ptr, len), &err),
                  &err);
        assert_int_equal(head_snapshot_load(head, fs_real(), place, 0, UINT64_MAX, &info, &err),
                         BARO_ECORRUPT);
        (void)head_free(head);
    }
    arena_done(&arena);
}

/* Without the segment it was taken at, or behind a later checkpoint, it says nothing. */
TEST(head_snapshot_must_fit_to_the_wal)
{
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena), *place;
    struct tsdb *tsdb = fixture_open(dir, &plain);
    struct head_options options = {0};
    struct head_snapshot_info info = {0};
    struct head *head = head_new(&options);

    scrape(tsdb, 5, 0, 10 * STEP);
    fixture_close(tsdb);
    place = fs_path(&arena, dir, HEAD_SNAPSHOT_DIR);
    assert_int_equal(head_snapshot_load(head, fs_real(), place, 2, 9, &info, NULL), 0);
    assert_int_equal(head_snapshot_load(head, fs_real(), place, 0, 0, &info, NULL), 0);
    assert_int_equal(head_snapshot_load(head, fs_real(), dir, 0, 9, &info, NULL), 0);
    assert_int_equal(head_snapshot_load(head, fs_real(), place, 1, 1, &info, NULL), 1);
    assert_int_equal(info.segment, 1);
    (void)head_free(head);
    arena_done(&arena);
}

/* One of many frames is unpacked, and its series entered, by a thread beside the loader. */
TEST(head_snapshot_of_many_frames)
{
    enum { COUNT = 60000, SCRAPES = 3 };
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena), *place = fs_path(&arena, dir, HEAD_SNAPSHOT_DIR);
    struct tsdb *tsdb = fixture_open(dir, &plain);
    struct baro_error err = {0};
    str raw = STR_NULL;

    scrape(tsdb, COUNT, 0, SCRAPES * STEP);
    assert_ok(tsdb_snapshot_head(tsdb, true, &err), &err);
    assert_ok(fs_read_all(fs_real(), &arena, fs_path(&arena, place, HEAD_SNAPSHOT_NAME), 64 << 20,
                          &raw, &err),
              &err);
    assert_true(raw.len > 1 << 20);
    fixture_close(tsdb);
    tsdb = fixture_open(dir, &plain);
    assert_int_equal(fixture_report(tsdb).snapshot_series, COUNT);
    check(tsdb, COUNT, 0, SCRAPES * STEP);
    fixture_close(tsdb);
    for (size_t at = raw.len / 8; at < raw.len; at += raw.len / 8) {
        struct head_options options = {0};
        struct head_snapshot_info info = {0};
        struct head *head = head_new(&options);

        ((char *)(uintptr_t)raw.ptr)[at] ^= 4;
        assert_ok(file_replace(fs_real(), place, HEAD_SNAPSHOT_NAME, raw, &err), &err);
        ((char *)(uintptr_t)raw.ptr)[at] ^= 4;
        assert_int_equal(head_snapshot_load(head, fs_real(), place, 0, UINT64_MAX, &info, &err),
                         BARO_ECORRUPT);
        (void)head_free(head);
    }
    arena_done(&arena);
}
