#include "sys/db.h"

#include <errno.h>
#include <sqlite3.h>

#include "base/mem.h"

enum { BUSY_WAIT_MS = 3000 };

struct db {
    sqlite3 *handle;
    char *path;
};

struct db_query {
    struct db *db;
    sqlite3_stmt *statement;
};

static int db_fail(const struct db *db, int result, struct baro_error *err)
{
    int code = -EIO;

    switch (result & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        code = BARO_ECORRUPT;
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        code = BARO_EBUSY;
        break;
    case SQLITE_FULL:
        code = -ENOSPC;
        break;
    default:
        break;
    }
    return error_set(err, code, "%s: %s", db->path,
                     db->handle != NULL ? sqlite3_errmsg(db->handle) : "out of memory");
}

int db_exec(struct db *db, const char *sql, struct baro_error *err)
{
    int r = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

    return r == SQLITE_OK ? 0 : db_fail(db, r, err);
}

int db_open(const char *path, const char *schema, enum db_sync sync, struct db **ret,
            struct baro_error *err)
{
    CLEANUP(db_closep) struct db *db = MEM_NEW(struct db);
    int r;

    db->path = str_dup_c(str_from(path));
    r = sqlite3_open_v2(path, &db->handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (r != SQLITE_OK) {
        return db_fail(db, r, err);
    }
    (void)sqlite3_busy_timeout(db->handle, BUSY_WAIT_MS);
    r = db_exec(db, "PRAGMA journal_mode=WAL", err);
    r = r < 0 ? r
              : db_exec(db,
                        sync == DB_SYNC_FULL ? "PRAGMA synchronous=FULL"
                                             : "PRAGMA synchronous=NORMAL",
                        err);
    r = r < 0 ? r : db_exec(db, schema, err);
    if (r < 0) {
        return r;
    }
    *ret = TAKE(db);
    return 0;
}

struct db *db_close(struct db *db)
{
    if (db != NULL) {
        (void)sqlite3_close(db->handle);
        (void)mem_free(db->path);
        (void)mem_free(db);
    }
    return NULL;
}

int db_begin(struct db *db, struct baro_error *err)
{
    return db_exec(db, "BEGIN IMMEDIATE", err);
}

int db_commit(struct db *db, struct baro_error *err)
{
    return db_exec(db, "COMMIT", err);
}

void db_rollback(struct db *db)
{
    if (sqlite3_get_autocommit(db->handle) == 0) {
        (void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    }
}

int db_prepare(struct db *db, const char *sql, struct db_query **ret, struct baro_error *err)
{
    sqlite3_stmt *statement = NULL;
    int r = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);

    if (r != SQLITE_OK) {
        return db_fail(db, r, err);
    }
    *ret = MEM_NEW(struct db_query);
    **ret = (struct db_query){.db = db, .statement = statement};
    return 0;
}

struct db_query *db_query_free(struct db_query *query)
{
    if (query != NULL) {
        (void)sqlite3_finalize(query->statement);
        (void)mem_free(query);
    }
    return NULL;
}

void db_bind_str(struct db_query *query, int index, str value)
{
    (void)sqlite3_bind_text64(query->statement, index, value.ptr, value.len, SQLITE_STATIC,
                              SQLITE_UTF8);
}

void db_bind_i64(struct db_query *query, int index, int64_t value)
{
    (void)sqlite3_bind_int64(query->statement, index, value);
}

int db_query_step(struct db_query *query, struct baro_error *err)
{
    int r = sqlite3_step(query->statement);

    switch (r) {
    case SQLITE_ROW:
        return 1;
    case SQLITE_DONE:
        return 0;
    default:
        return db_fail(query->db, r, err);
    }
}

str db_column_str(struct db_query *query, int column)
{
    const char *text = (const char *)sqlite3_column_text(query->statement, column);

    return str_of(text, (size_t)sqlite3_column_bytes(query->statement, column));
}

int64_t db_column_i64(struct db_query *query, int column)
{
    return sqlite3_column_int64(query->statement, column);
}

void db_query_reset(struct db_query *query)
{
    (void)sqlite3_reset(query->statement);
    (void)sqlite3_clear_bindings(query->statement);
}

int db_query_run(struct db_query *query, struct baro_error *err)
{
    int r = 1;

    while (r > 0) {
        r = db_query_step(query, err);
    }
    db_query_reset(query);
    return r;
}

int64_t db_changes(const struct db *db)
{
    return sqlite3_changes(db->handle);
}
