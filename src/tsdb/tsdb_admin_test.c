#include <stdio.h>

#include "base/num.h"
#include "codec/json_write.h"
#include "sys/fs.h"
#include "testing/test.h"
#include "tsdb/tsdb_fixture_test.h"
#include "tsdb/tsdb_priv.h"

enum { STEP = 1000, RANGE = 100 * STEP };

static const struct tsdb_options quick = {.no_sync_thread = true,
                                          .chunk_range = RANGE,
                                          .wal_segment_size = 64 * 1024,
                                          .querier_wait = 20};

/* Series {__name__="m", i="<i>"} for i in [0, count), a sample each STEP in [from, to). */
static void scrape(struct tsdb *tsdb, unsigned count, ts from, ts to)
{
    struct appendable *appendable = tsdb_appendable(tsdb);
    struct appender *appender = appendable->appender(appendable);
    struct baro_error err = {0};

    for (ts t = from; t < to; t += STEP) {
        for (unsigned i = 0; i < count; i++) {
            fixture_sample(appender, STR("m"), i, t, (double)t + i);
        }
        assert_ok(appender->ops->commit(appender, &err), &err);
    }
    appender->ops->free(appender);
}

/* How many samples series i has, and whether any lies in [start, end]. */
static size_t count_of(struct tsdb *tsdb, unsigned i, ts start, ts end, bool *ret_any)
{
    struct queryable *queryable = tsdb_queryable(tsdb);
    struct querier *querier = NULL;
    struct sample_buf samples = {0};
    struct series_list list = {0};
    struct arena arena = {0};
    struct matcher matcher = {
        .op = MATCHER_EQUAL, .name = STR("i"), .value = arena_printf(&arena, "%u", i)};
    struct baro_error err = {0};
    size_t count;

    assert_ok(queryable->querier(queryable, INT64_MIN, INT64_MAX, &querier, &err), &err);
    assert_ok(querier->ops->select(querier, &arena, NULL, (struct matchers){&matcher, 1}, NULL,
                                   &list, &err),
              &err);
    if (list.count > 0) {
        assert_ok(
            querier->ops->samples(querier, &list.items[0], INT64_MIN, INT64_MAX, &samples, &err),
            &err);
    }
    *ret_any = false;
    for (size_t k = 0; k < samples.count; k++) {
        assert_true(samples.v[k] == (double)samples.t[k] + i);
        *ret_any |= samples.t[k] >= start && samples.t[k] <= end;
    }
    count = samples.count;
    querier_close(querier);
    sample_buf_done(&samples);
    arena_done(&arena);
    return count;
}

static void delete_one(struct tsdb *tsdb, const char *i, ts start, ts end)
{
    struct matcher matcher = {.op = MATCHER_EQUAL, .name = STR("i"), .value = str_from(i)};
    struct baro_error err = {0};

    assert_ok(tsdb_delete(tsdb, (struct matchers){&matcher, 1}, start, end, &err), &err);
}

static uint64_t tombstones_in_blocks(struct tsdb *tsdb)
{
    struct block_list *list = tsdb_blocks_ref(tsdb);
    uint64_t count = 0;

    for (size_t i = 0; i < list->count; i++) {
        count += block_meta(list->items[i])->tombstone_count;
    }
    tsdb_blocks_unref(list);
    return count;
}

TEST(tsdb_delete_takes_samples_out_for_good)
{
    static const struct {
        const char *name;
        ts start;
        ts end;
        size_t want; /* of 260 samples */
    } cases[] = {
        {"in a block", 10 * STEP, 19 * STEP, 250},
        {"in the head", 210 * STEP, 229 * STEP, 240},
        {"across both", 90 * STEP, 215 * STEP, 134},
        {"the newest", 250 * STEP, INT64_MAX, 250},
        {"all", INT64_MIN, INT64_MAX, 0},
        {"nothing there", 900 * STEP, 1000 * STEP, 260},
        {"between two samples", 10 * STEP + 1, 11 * STEP - 1, 260},
    };

    for (size_t c = 0; c < ARRAY_COUNT(cases); c++) {
        for (int way = 0; way < 2; way++) { /* the restart reads the snapshot, or the WAL */
            struct arena arena = {0};
            const char *dir = fixture_dir(&arena);
            struct tsdb_options options = quick;
            struct tsdb *tsdb;
            struct baro_error err = {0};
            bool any = false;

            options.no_snapshot = way == 1;
            tsdb = fixture_open(dir, &options);
            test_row(cases[c].name);
            scrape(tsdb, 3, 0, 260 * STEP);
            assert_ok(tsdb_compact(tsdb, &err), &err);
            delete_one(tsdb, "1", cases[c].start, cases[c].end);
            for (int round = 0; round < 4; round++) {
                assert_int_equal(count_of(tsdb, 1, cases[c].start, cases[c].end, &any),
                                 cases[c].want);
                assert_false(any);
                assert_int_equal(count_of(tsdb, 0, 0, 0, &any), 260);
                assert_int_equal(count_of(tsdb, 2, 0, 0, &any), 260);
                if (round == 0) {
                    fixture_close(tsdb);
                    tsdb = fixture_open(dir, &options);
                } else if (round == 1) {
                    assert_ok(tsdb_clean_tombstones(tsdb, &err), &err);
                    assert_int_equal(tombstones_in_blocks(tsdb), 0);
                } else if (round == 2) {
                    fixture_close(tsdb);
                    tsdb = fixture_open(dir, &options);
                }
            }
            fixture_close(tsdb);
            arena_done(&arena);
        }
    }
    test_row(NULL);
}

TEST(tsdb_delete_leaves_room_for_new_samples)
{
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    struct tsdb *tsdb = fixture_open(dir, &quick);
    struct baro_error err = {0};
    bool any = false;

    scrape(tsdb, 3, 0, 130 * STEP);
    delete_one(tsdb, "1", INT64_MIN, INT64_MAX);
    assert_int_equal(count_of(tsdb, 1, 0, 0, &any), 0);
    scrape(tsdb, 3, 130 * STEP, 260 * STEP);
    assert_int_equal(count_of(tsdb, 1, 0, 0, &any), 130);
    assert_ok(tsdb_compact(tsdb, &err), &err);
    assert_int_equal(count_of(tsdb, 1, 0, 0, &any), 130);
    assert_int_equal(count_of(tsdb, 0, 0, 0, &any), 260);
    assert_int_equal(tsdb_delete(tsdb, (struct matchers){0}, 0, 1, &err), BARO_EINVALID);
    fixture_close(tsdb);
    arena_done(&arena);
}

TEST(tsdb_snapshot_is_a_data_directory)
{
    for (int skip_head = 0; skip_head < 2; skip_head++) {
        struct arena arena = {0};
        const char *dir = fixture_dir(&arena);
        struct tsdb *tsdb = fixture_open(dir, &quick), *copy;
        char name[TSDB_SNAPSHOT_NAME_BYTES];
        struct baro_error err = {0};
        bool any = false;

        scrape(tsdb, 3, 0, 260 * STEP);
        assert_ok(tsdb_compact(tsdb, &err), &err);
        delete_one(tsdb, "1", 0, 9 * STEP);
        assert_ok(tsdb_snapshot(tsdb, skip_head == 1, name, &err), &err);
        /* What happens afterwards is not in it. */
        delete_one(tsdb, "2", INT64_MIN, INT64_MAX);
        scrape(tsdb, 3, 260 * STEP, 270 * STEP);
        copy = fixture_open(fs_path(&arena, fs_path(&arena, dir, "snapshots"), name), &quick);
        assert_int_equal(count_of(copy, 0, 0, 0, &any), skip_head == 1 ? 200 : 260);
        assert_int_equal(count_of(copy, 1, 0, 0, &any), skip_head == 1 ? 190 : 250);
        assert_int_equal(count_of(copy, 2, 0, 0, &any), skip_head == 1 ? 200 : 260);
        fixture_close(copy);
        assert_int_equal(count_of(tsdb, 0, 0, 0, &any), 270);
        fixture_close(tsdb);
        arena_done(&arena);
    }
}

TEST(tsdb_blocks_write_lists_them)
{
    struct tsdb *tsdb = fixture_open(test_dir(), &quick);
    struct buf text = {0};
    struct json_writer json = json_write_over(&text);
    struct baro_error err = {0};

    scrape(tsdb, 3, 0, 260 * STEP);
    assert_ok(tsdb_compact(tsdb, &err), &err);
    tsdb_blocks_write(tsdb, &json);
    assert_true(str_contains(buf_view(&text), STR("\"numSeries\": 3")));
    assert_true(text.ptr[0] == '[' && text.ptr[text.len - 1] == ']');
    buf_done(&text);
    fixture_close(tsdb);
}
