/* store_sqlite: the embedded database: one file in WAL mode, so that readers and a writer of
 * several processes get along. */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "store.h"

enum { BUSY_MS = 10000, COLUMNS_MAX = 16 };

static int fail(sqlite3 *db, struct svc_error *err)
{
    int code = sqlite3_extended_errcode(db);

    (void)svc_fail(err, -EIO, "sqlite: %.200s", sqlite3_errmsg(db));
    return code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_UNIQUE ? -EEXIST
                                                                                    : -EIO;
}

static int sqlite_open(const char *url, void **ret, struct svc_error *err)
{
    sqlite3 *db = NULL;
    int r = sqlite3_open_v2(url, &db,
                            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);

    if (r == SQLITE_OK) {
        (void)sqlite3_busy_timeout(db, BUSY_MS);
        r = sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL", NULL, NULL,
                         NULL);
    }
    if (r != SQLITE_OK) {
        (void)svc_fail(err, -EIO, "%.100s: %.100s: give a file that can be written", url,
                       db != NULL ? sqlite3_errmsg(db) : "out of memory");
        (void)sqlite3_close(db);
        return -EIO;
    }
    *ret = db;
    return 0;
}

static void sqlite_close(void *connection)
{
    (void)sqlite3_close(connection);
}

static int rows_read(sqlite3 *db, sqlite3_stmt *statement, store_row *row, void *context,
                     struct svc_error *err)
{
    const char *columns[COLUMNS_MAX];
    int count = sqlite3_column_count(statement);
    int rows = 0;
    int r;

    while ((r = sqlite3_step(statement)) == SQLITE_ROW) {
        rows++;
        for (int i = 0; i < count && i < COLUMNS_MAX; i++) {
            columns[i] = (const char *)sqlite3_column_text(statement, i);
        }
        if (row != NULL &&
            row(context, columns, (size_t)(count < COLUMNS_MAX ? count : COLUMNS_MAX)) != 0) {
            return rows;
        }
    }
    if (r != SQLITE_DONE) {
        return fail(db, err);
    }
    return count > 0 ? rows : sqlite3_changes(db);
}

static int sqlite_run(void *connection, const char *sql, const char *const *params, size_t count,
                      store_row *row, void *context, struct svc_error *err)
{
    sqlite3 *db = connection;
    sqlite3_stmt *statement = NULL;
    int r;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
        return fail(db, err);
    }
    for (size_t i = 0; i < count; i++) {
        char name[24];
        int at;

        (void)snprintf(name, sizeof(name), "$%zu", i + 1);
        at = sqlite3_bind_parameter_index(statement, name);
        if (at > 0 && sqlite3_bind_text(statement, at, params[i], -1, SQLITE_STATIC) != SQLITE_OK) {
            (void)sqlite3_finalize(statement);
            return fail(db, err);
        }
    }
    r = rows_read(db, statement, row, context, err);
    (void)sqlite3_finalize(statement);
    return r;
}

static bool sqlite_is_broken(void *connection)
{
    (void)connection;
    return false;
}

const struct store_driver store_sqlite = {sqlite_open, sqlite_close, sqlite_run, sqlite_is_broken};
