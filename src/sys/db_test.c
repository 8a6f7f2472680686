#include "sys/db.h"

#include "sys/fs.h"
#include "testing/test.h"

#define SCHEMA "CREATE TABLE IF NOT EXISTS t (k TEXT PRIMARY KEY, v INTEGER) WITHOUT ROWID"

static struct db *open_at(const char *path)
{
    struct baro_error err = {0};
    struct db *db = NULL;

    assert_ok(db_open(path, SCHEMA, DB_SYNC_NORMAL, &db, &err), &err);
    return db;
}

static void put(struct db *db, str key, int64_t value)
{
    struct baro_error err = {0};
    CLEANUP(db_query_freep) struct db_query *query = NULL;

    assert_ok(db_prepare(db, "INSERT OR REPLACE INTO t VALUES (?, ?)", &query, &err), &err);
    db_bind_str(query, 1, key);
    db_bind_i64(query, 2, value);
    assert_ok(db_query_run(query, &err), &err);
    assert_int_equal(db_changes(db), 1);
}

static int64_t sum(struct db *db)
{
    struct baro_error err = {0};
    CLEANUP(db_query_freep) struct db_query *query = NULL;
    int64_t total = 0;

    assert_ok(db_prepare(db, "SELECT k, v FROM t ORDER BY k", &query, &err), &err);
    while (db_query_step(query, &err) == 1) {
        assert_true(db_column_str(query, 0).len == 3);
        total += db_column_i64(query, 1);
    }
    return total;
}

TEST(db_keeps_what_was_committed)
{
    struct baro_error err = {0};
    struct arena arena = {0};
    const char *path = fs_path(&arena, test_dir(), "state.db");
    struct db *db = open_at(path);

    put(db, STR("a\0b"), 1);
    assert_ok(db_begin(db, &err), &err);
    put(db, STR("abc"), 2);
    assert_ok(db_commit(db, &err), &err);
    assert_ok(db_begin(db, &err), &err);
    put(db, STR("abd"), 4);
    db_rollback(db);
    db_rollback(db);
    db = db_close(db);
    db = open_at(path);
    assert_int_equal(sum(db), 3);
    db = db_close(db);
    arena_done(&arena);
}

TEST(db_says_what_is_wrong)
{
    struct baro_error err = {0};
    struct arena arena = {0};
    const char *path = fs_path(&arena, test_dir(), "not.db");
    fs_file file = FS_FILE_NONE;
    struct db *db = NULL;
    struct db_query *query = NULL;
    const struct fs *fs = fs_real();

    assert_ok(fs->open(fs, path, FS_CREATE, &file, &err), &err);
    for (int i = 0; i < 100; i++) {
        assert_ok(fs->append(fs, file, "this is no database, but text. ", 31, &err), &err);
    }
    assert_ok(fs->close(fs, file, &err), &err);
    assert_int_equal(db_open(path, SCHEMA, DB_SYNC_FULL, &db, &err), BARO_ECORRUPT);
    assert_true(str_contains(str_from(err.message), STR("not.db: file is not a database")));
    assert_true(db_open("/nonexistent/x.db", SCHEMA, DB_SYNC_FULL, &db, &err) < 0);
    assert_null(db);
    db = open_at(fs_path(&arena, test_dir(), "good.db"));
    assert_true(db_prepare(db, "SELECT x FROM nowhere", &query, &err) < 0);
    assert_true(str_contains(str_from(err.message), STR("good.db: no such table: nowhere")));
    db = db_close(db);
    arena_done(&arena);
}
