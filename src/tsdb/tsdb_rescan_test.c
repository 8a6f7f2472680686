/* Blocks that come into the directory of a store that runs, and go. */
#include <errno.h>
#include <string.h>

#include "sys/fs.h"
#include "testing/test.h"
#include "tsdb/compact.h"
#include "tsdb/tsdb_fixture_test.h"
#include "tsdb/tsdb_priv.h"

enum { RANGE = 100000, STEP = 1000, SERIES = 5 };

static const struct tsdb_options quiet = {
    .no_sync_thread = true, .no_snapshot = true, .chunk_range = RANGE, .querier_wait = 20};

static void round_of(struct tsdb *tsdb)
{
    struct baro_error err = {0};

    assert_ok(tsdb_compact(tsdb, &err), &err);
}

static size_t block_count(struct tsdb *tsdb)
{
    struct block_list *list = tsdb_blocks_ref(tsdb);
    size_t count = list->count;

    tsdb_blocks_unref(list);
    return count;
}

static void append(struct tsdb *tsdb, ts from, ts to)
{
    struct appendable *appendable = tsdb_appendable(tsdb);
    struct appender *appender = appendable->appender(appendable);
    struct baro_error err = {0};

    for (ts t = from; t < to; t += STEP) {
        for (unsigned i = 0; i < SERIES; i++) {
            fixture_sample(appender, STR("m"), i, t, (double)t);
        }
        assert_ok(appender->ops->commit(appender, &err), &err);
    }
    appender->ops->free(appender);
}

/* A store with blocks [0, 100), [100, 200), [200, 300) s; their names go to ret. */
static const char *other_store(struct arena *arena, char ret[3][ULID_CHARS + 1])
{
    const char *dir = fixture_dir(arena);
    struct tsdb *tsdb = fixture_open(dir, &quiet);
    struct block_list *list;

    append(tsdb, 0, 4 * RANGE);
    round_of(tsdb);
    list = tsdb_blocks_ref(tsdb);
    assert_int_equal(list->count, 3);
    for (size_t i = 0; i < 3; i++) {
        memcpy(ret[i], block_meta(list->items[i])->ulid, ULID_CHARS + 1);
    }
    tsdb_blocks_unref(list);
    fixture_close(tsdb);
    return dir;
}

static void move(struct arena *arena, const char *from, const char *to, const char *name)
{
    struct baro_error err = {0};

    assert_ok(
        fs_real()->rename(fs_real(), fs_path(arena, from, name), fs_path(arena, to, name), &err),
        &err);
}

TEST(tsdb_rescan_serves_blocks_that_come_and_drops_those_that_go)
{
    struct arena arena = {0};
    char names[3][ULID_CHARS + 1];
    const char *other = other_store(&arena, names), *dir = fixture_dir(&arena);
    struct tsdb *tsdb = fixture_open(dir, &quiet);

    append(tsdb, 10 * RANGE, 10 * RANGE + 10 * STEP);
    round_of(tsdb);
    assert_int_equal(block_count(tsdb), 0);
    move(&arena, other, dir, names[0]);
    round_of(tsdb);
    assert_int_equal(block_count(tsdb), 1);
    move(&arena, other, dir, names[1]);
    round_of(tsdb);
    assert_int_equal(block_count(tsdb), 2);
    move(&arena, dir, other, names[0]);
    round_of(tsdb);
    assert_int_equal(block_count(tsdb), 1);
    fixture_close(tsdb);
    tsdb = fixture_open(dir, &quiet);
    assert_int_equal(block_count(tsdb), 1);
    fixture_close(tsdb);
    arena_done(&arena);
}

/* A block is served when all of it is there, and is never taken for a damaged one meanwhile. */
TEST(tsdb_rescan_waits_for_the_rest_of_a_block)
{
    static const char *const late[] = {"index", "chunks/000001", "meta.json"};

    for (size_t i = 0; i < ARRAY_COUNT(late); i++) {
        struct arena arena = {0};
        char names[3][ULID_CHARS + 1];
        const char *other = other_store(&arena, names), *dir = fixture_dir(&arena);
        const char *whole = fs_path(&arena, other, names[0]),
                   *part = fs_path(&arena, dir, names[0]);
        const char *aside = fs_path(&arena, other, "aside");
        struct tsdb *tsdb = fixture_open(dir, &quiet);
        struct baro_error err = {0};

        test_row(late[i]);
        assert_ok(fs_real()->rename(fs_real(), fs_path(&arena, whole, late[i]), aside, &err), &err);
        move(&arena, other, dir, names[0]);
        for (int round = 0; round < 2; round++) {
            round_of(tsdb);
            assert_int_equal(block_count(tsdb), 0);
            assert_int_equal(tsdb->strangers.count, 1);
        }
        assert_ok(fs_real()->rename(fs_real(), aside, fs_path(&arena, part, late[i]), &err), &err);
        round_of(tsdb);
        assert_int_equal(block_count(tsdb), 0); /* its time has not come */
        tsdb->strangers.items[0].retry_at = 0;
        round_of(tsdb);
        assert_int_equal(block_count(tsdb), 1);
        assert_int_equal(tsdb->strangers.count, 0);
        fixture_close(tsdb);
        arena_done(&arena);
    }
    test_row(NULL);
}

TEST(tsdb_rescan_puts_a_child_in_the_place_of_its_parents)
{
    struct arena arena = {0};
    char names[3][ULID_CHARS + 1], child[ULID_CHARS + 1];
    const char *other = other_store(&arena, names), *dir = fixture_dir(&arena);
    struct compact_job job = {.fs = fs_real(), .data_dir = other, .now = 5, .count = 3};
    struct tsdb *tsdb = fixture_open(other, &quiet);
    struct block_list *list = tsdb_blocks_ref(tsdb);
    struct baro_error err = {0};

    job.blocks = list->items;
    assert_int_equal(compact_run(&job, child, &err), 1);
    tsdb_blocks_unref(list);
    fixture_close(tsdb);
    tsdb = fixture_open(dir, &quiet);
    move(&arena, other, dir, names[0]);
    move(&arena, other, dir, names[1]);
    round_of(tsdb);
    assert_int_equal(block_count(tsdb), 2);
    move(&arena, other, dir, child);
    round_of(tsdb);
    assert_int_equal(block_count(tsdb), 1);
    /* A parent that comes late is not served beside its child, and goes. */
    move(&arena, other, dir, names[2]);
    round_of(tsdb);
    assert_int_equal(block_count(tsdb), 1);
    assert_int_equal(tsdb->obsolete.count, 0);
    for (size_t i = 0; i < 3; i++) {
        struct fs_entry *entries = NULL;
        size_t count = 0;

        assert_int_equal(fs_real()->list(fs_real(), &arena, fs_path(&arena, dir, names[i]),
                                         &entries, &count, NULL),
                         -ENOENT);
    }
    fixture_close(tsdb);
    arena_done(&arena);
}
