/*
 * A small store with each of its bits flipped in turn: dir_verify tells of it, a repair leaves a
 * store of which every part is good, and what serves then are samples that were there, all of them
 * but those of the damaged part.
 */
#include "tsdb/dir_verify.h"

#include <stdlib.h>

#include "base/attr.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "sys/fs_fake.h"
#include "testing/test.h"
#include "tsdb/block_salvage.h"
#include "tsdb/block_seal.h"
#include "tsdb/tsdb_fixture_test.h"
#include "tsdb/tsdb_priv.h"
#include "tsdb/wal.h"
#include "tsdb/wal_record.h"
#include "tsdb/wal_salvage.h"

enum {
    STEP = 1000,
    RANGE = 40 * STEP,
    SERIES = 3,
    SCRAPES = 70,
    ALL = SERIES * SCRAPES,
    FILES_MAX = 64
};

static struct tsdb *open_store(const struct fs *fs)
{
    struct tsdb_options options = {
        .no_sync_thread = true,
        .chunk_range = RANGE,
        .wal_segment_size = 32 * 1024,
        .fs = fs,
        .querier_wait = 1,
    };
    return fixture_open("data", &options);
}

static double value_at(unsigned series, ts t)
{
    return series * 1000.0 + (double)(t / STEP);
}

static void fill_from(struct tsdb *tsdb, ts first)
{
    struct appendable *appendable = tsdb_appendable(tsdb);

    for (ts t = first; t < first + (ts)SCRAPES * STEP; t += STEP) {
        struct appender *appender = appendable->appender(appendable);

        for (unsigned i = 0; i < SERIES; i++) {
            fixture_sample(appender, STR("m"), i, t, value_at(i, t));
        }
        assert_int_equal(appender->ops->commit(appender, NULL), 0);
        appender->ops->free(appender);
    }
}

static void fill(struct tsdb *tsdb)
{
    fill_from(tsdb, 0);
}

static struct fs_fake *small_store(void)
{
    struct fs_fake *fake = fs_fake_new(11);
    struct tsdb *tsdb = open_store(fs_fake_fs(fake));

    fill(tsdb);
    assert_int_equal(tsdb_compact(tsdb, NULL), 0);
    assert_int_equal(tsdb_close(tsdb, NULL), 0);
    return fake;
}

/* The samples that are served; fails on one that was never stored. */
static size_t count_served(const struct fs *fs)
{
    struct tsdb *tsdb = open_store(fs);
    struct queryable *queryable = tsdb_queryable(tsdb);
    struct matcher matcher = {.op = MATCHER_EQUAL, .name = STR("__name__"), .value = STR("m")};
    struct querier *querier = NULL;
    struct sample_buf samples = {0};
    struct series_list list = {0};
    struct baro_error err = {0};
    struct arena arena = {0};
    size_t count = 0;

    assert_ok(queryable->querier(queryable, INT64_MIN, INT64_MAX, &querier, &err), &err);
    assert_ok(querier->ops->select(querier, &arena, NULL, (struct matchers){&matcher, 1}, NULL,
                                   &list, &err),
              &err);
    for (size_t i = 0; i < list.count; i++) {
        uint64_t number = 0;

        sample_buf_reset(&samples);
        assert_ok(
            querier->ops->samples(querier, &list.items[i], INT64_MIN, INT64_MAX, &samples, &err),
            &err);
        assert_true(num_parse_u64(labels_get(list.items[i].labels, STR("i")), &number));
        for (size_t k = 0; k < samples.count; k++) {
            assert_true(samples.v[k] == value_at((unsigned)number, samples.t[k]));
        }
        count += samples.count;
    }
    assert_int_equal(querier_damage(querier), 0);
    querier_close(querier);
    sample_buf_done(&samples);
    arena_done(&arena);
    (void)tsdb_free(tsdb);
    return count;
}

static void note_bad(void *context, const struct dir_part *part)
{
    if (part->state >= DIR_PART_DAMAGED) {
        (void)snprintf(context, sizeof(part->text), "%.60s: %.200s", part->name, part->text);
    }
}

/* What is wrong stands in last_fault then. */
static char last_fault[320];
static struct dir_verdict verify(const struct fs *fs, bool must_repair)
{
    struct dir_verify_job job = {.fs = fs,
                                 .path = "data",
                                 .must_repair = must_repair,
                                 .part = note_bad,
                                 .context = last_fault};
    struct dir_verdict verdict = {0};
    struct baro_error err = {0};

    assert_ok(dir_verify_run(&job, &verdict, &err), &err);
    return verdict;
}

/* A flip in a block costs nothing; in the log, everything that a lost series record defines. */
static size_t least_served(const char *path)
{
    return strstr(path, "/wal/") != NULL ? RANGE / STEP * SERIES : ALL;
}

/* Flips a bit of a file of a copy of the store; false when it has no such bit. */
static bool flip_and_repair(const struct fs_fake *whole, const char *path, uint64_t bit)
{
    CLEANUP(fs_fake_freep) struct fs_fake *fake = fs_fake_copy(whole, 11);
    const struct fs *fs = fs_fake_fs(fake);
    size_t served;

    if (!fs_fake_flip(fake, path, bit)) {
        return false;
    }
    if (verify(fs, false).bad == 0 && strstr(path, "/wal/") == NULL) {
        fail_msg("bit %llu of %s went unnoticed", (unsigned long long)bit, path);
    }
    if (verify(fs, true).left > 0 || verify(fs, false).bad > 0) {
        fail_msg("bit %llu of %s: %s", (unsigned long long)bit, path, last_fault);
    }
    served = count_served(fs);
    if (served < least_served(path) || served > ALL) {
        fail_msg("bit %llu of %s: %zu samples are served", (unsigned long long)bit, path, served);
    }
    return true;
}

TEST(dir_verify_repairs_every_flipped_bit)
{
    /* The sanitizer makes each store twenty times as dear. */
    uint64_t step = getenv("BAROGRAPH_SIM_BITS") != NULL ? 1 : BARO_ASAN ? 97 : 7;
    CLEANUP(fs_fake_freep) struct fs_fake *whole = small_store();
    const char *paths[FILES_MAX];
    struct arena arena = {0};
    size_t count = fixture_files(fs_fake_fs(whole), &arena, "data", paths, 0, FILES_MAX);
    uint64_t flips = 0;

    test_has_one_thread();
    log_setup(LOG_ERROR, LOG_LOGFMT);
    for (size_t i = 0; i < count; i++) {
        for (uint64_t bit = i % step; flip_and_repair(whole, paths[i], bit); bit += step) {
            flips++;
        }
    }
    log_setup(LOG_INFO, LOG_LOGFMT);
    assert_true(flips > 100);
    assert_int_equal(count_served(fs_fake_fs(whole)), ALL);
    arena_done(&arena);
}

/* A flipped bit of a chunk under a running store: the query has the rest and says so, and the next
 * compaction puts a good block in the place of the damaged one. */
/* Full chunks in files, which the snapshot leaves out. */
TEST(dir_verify_finds_a_snapshot_with_files_good)
{
    struct tsdb_options options = {.no_sync_thread = true};
    struct fs_fake *fake = fs_fake_new(12);
    struct baro_error err = {0};
    struct tsdb *tsdb;

    options.fs = fs_fake_fs(fake);
    tsdb = fixture_open("data", &options);
    for (int i = 0; i < 4; i++) {
        fill_from(tsdb, i * (ts)SCRAPES * STEP);
    }
    lock_acquire(&tsdb->compact_lock);
    assert_ok(head_files_flush(tsdb->head, NULL, &err), &err);
    lock_release(&tsdb->compact_lock);
    assert_true(head_files_bytes(tsdb->head) > 0);
    assert_int_equal(tsdb_close(tsdb, NULL), 0);
    assert_int_equal(verify(fs_fake_fs(fake), false).bad, 0);
    (void)fs_fake_free(fake);
}

TEST(tsdb_mends_the_block_in_which_a_query_met_damage)
{
    struct fs_fake *fake = small_store();
    const struct fs *fs = fs_fake_fs(fake);
    const char *paths[FILES_MAX];
    struct arena arena = {0};
    size_t count = fixture_files(fs, &arena, "data", paths, 0, FILES_MAX);
    struct fs_entry *entries = NULL;
    struct baro_error err = {0};
    struct tsdb *tsdb;
    char before[ULID_CHARS + 1] = "";

    for (size_t i = 0; i < count; i++) {
        if (strstr(paths[i], "/chunks/000001") != NULL) {
            assert_true(fs_fake_flip(fake, paths[i], (8 + 30) * 8));
            (void)snprintf(before, sizeof(before), "%s", paths[i] + strlen("data/"));
        }
    }
    log_setup(LOG_ERROR, LOG_LOGFMT);
    tsdb = open_store(fs);
    for (int round = 0; round < 2; round++) {
        struct querier *querier = NULL;
        struct matcher matcher = {.op = MATCHER_EQUAL, .name = STR("__name__"), .value = STR("m")};
        struct series_list list = {0};
        struct sample_buf samples = {0};
        size_t found = 0;

        assert_ok(tsdb_queryable(tsdb)->querier(tsdb_queryable(tsdb), 0, INT64_MAX, &querier, &err),
                  &err);
        assert_ok(querier->ops->select(querier, &arena, NULL, (struct matchers){&matcher, 1}, NULL,
                                       &list, &err),
                  &err);
        for (size_t i = 0; i < list.count; i++) {
            sample_buf_reset(&samples);
            assert_ok(querier->ops->samples(querier, &list.items[i], 0, INT64_MAX, &samples, &err),
                      &err);
            found += samples.count;
        }
        assert_int_equal(found, round == 0 ? ALL - RANGE / STEP : ALL);
        assert_int_equal(querier_damage(querier), round == 0 ? 1 : 0);
        querier_close(querier);
        sample_buf_done(&samples);
        assert_ok(tsdb_compact(tsdb, &err), &err);
    }
    (void)tsdb_free(tsdb);
    assert_int_equal(fs->list(fs, &arena, "data/" DAMAGED_DIR, &entries, &count, &err), 0);
    assert_int_equal(count, 1);
    assert_str_equal(entries[0].name, str_from(before));
    log_setup(LOG_INFO, LOG_LOGFMT);
    assert_int_equal(verify(fs, false).bad, 0);
    arena_done(&arena);
    (void)fs_fake_free(fake);
}

TEST(block_seal_tells_damage_from_what_another_program_wrote)
{
    static const char json[] =
        "{\"ulid\": \"01BKGV7JBM69T2G1BGBGM6KB12\", \"minTime\": 1, \"maxTime\": 9,"
        " \"stats\": {\"numSeries\": 2, \"numTombstones\": 1},"
        " \"compaction\": {\"level\": 1}, \"version\": 1}";
    static const struct {
        const char *name, *from, *to;
        bool is_damaged;
    } cases[] = {
        {"untouched", "", "", false},
        {"a digit of a time", "\"maxTime\": 9", "\"maxTime\": 8", true},
        {"a time of another length", "\"maxTime\": 9", "\"maxTime\": 99", true},
        {"no JSON", "{", "[", true},
        {"one more tombstone, and a new field", "\"numTombstones\": 1",
         "\"numTombstones\": 12, \"numFloatSamples\": 7", false},
        {"one flip in what nobody compares", "\"numTombstones\": 1", "\"numTombstones\": 3", true},
    };
    struct buf seal = {0}, text = {0};
    struct baro_error err = {0};
    str copy = STR_NULL;

    block_seal_write(str_from(json), &seal);
    assert_ok(block_seal_read(buf_view(&seal), &copy, &err), &err);
    assert_str_equal(copy, str_from(json));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t at = str_index(str_from(json), str_from(cases[i].from));
        struct block_meta meta = {0};
        bool is_damaged = false;

        test_row(cases[i].name);
        buf_reset(&text);
        buf_str(&text, str_slice(str_from(json), 0, at));
        buf_c(&text, cases[i].to);
        buf_str(&text, str_from_index(str_from(json), at + strlen(cases[i].from)));
        assert_ok(block_seal_judge(buf_view(&text), copy, &meta, &is_damaged, &err), &err);
        assert_int_equal(is_damaged, cases[i].is_damaged);
        assert_int_equal(meta.maxt, 9);
        block_meta_done(&meta);
    }
    test_row(NULL);
    seal.ptr[20] ^= 1;
    assert_int_equal(block_seal_read(buf_view(&seal), &copy, &err), BARO_ECORRUPT);
    buf_done(&seal);
    buf_done(&text);
}

/* Of a log with a damaged record the others are kept, also those behind it. */
TEST(wal_salvage_keeps_the_records_around_the_damage)
{
    enum { RECORDS = 400, RECORD_BYTES = 300 };
    struct wal_verdict verdict = {0};
    struct buf segment = {0}, good = {0}, again = {0};
    struct baro_error err = {0};
    char record[RECORD_BYTES];
    uint32_t used = 0;

    for (int i = 0; i < RECORDS; i++) {
        memset(record, i, sizeof(record));
        record[0] = WAL_RECORD_SAMPLES;
        (void)wal_frame(&segment, &used, str_of(record, sizeof(record)), COMPRESS_NONE);
    }
    assert_ok(wal_salvage_segment(buf_view(&segment), &verdict, NULL, &err), &err);
    assert_int_equal(verdict.records, RECORDS);
    assert_int_equal(verdict.faults, 0);
    segment.ptr[50000] ^= 4;
    assert_ok(wal_salvage_segment(buf_view(&segment), &verdict, &good, &err), &err);
    assert_int_equal(verdict.records, RECORDS - 1);
    assert_int_equal(verdict.faults, 1);
    assert_false(verdict.is_torn);
    assert_in_range(verdict.bytes_lost, RECORD_BYTES, 2 * RECORD_BYTES);
    assert_ok(wal_salvage_segment(buf_view(&good), &verdict, &again, &err), &err);
    assert_int_equal(verdict.records, RECORDS - 1);
    assert_int_equal(verdict.faults, 0);
    assert_str_equal(buf_view(&again), buf_view(&good));
    segment.ptr[50000] ^= 4;
    segment.len -= 10;
    assert_ok(wal_salvage_segment(buf_view(&segment), &verdict, NULL, &err), &err);
    assert_int_equal(verdict.records, RECORDS - 1);
    assert_true(verdict.is_torn);
    buf_done(&segment);
    buf_done(&good);
    buf_done(&again);
}
