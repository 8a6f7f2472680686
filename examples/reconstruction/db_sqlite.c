#include <errno.h>
#include <sqlite3.h>

#include "db_priv.h"

enum { BUSY_MS = 3000, COLUMNS_MAX = 8 };

static int sqlite_open(const char *url, void **ret, struct svc_error *err)
{
    sqlite3 *db = NULL;

    if (sqlite3_open_v2(url, &db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX,
                        NULL) != SQLITE_OK ||
        sqlite3_busy_timeout(db, BUSY_MS) != SQLITE_OK ||
        sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL", NULL, NULL, NULL) !=
            SQLITE_OK) {
        (void)svc_fail(err, -EIO, "--database=%.100s: %.100s", url,
                       db != NULL ? sqlite3_errmsg(db) : "out of memory");
        (void)sqlite3_close(db);
        return -EIO;
    }
    *ret = db;
    return 0;
}

static void sqlite_close(void *handle)
{
    (void)sqlite3_close(handle);
}

static void give_row(sqlite3_stmt *statement, db_row_fn *row, void *context)
{
    const char *columns[COLUMNS_MAX] = {NULL};
    size_t count = (size_t)sqlite3_column_count(statement);

    count = count < COLUMNS_MAX ? count : COLUMNS_MAX;
    for (size_t i = 0; i < count; i++) {
        const char *text = (const char *)sqlite3_column_text(statement, (int)i);

        columns[i] = text != NULL ? text : "";
    }
    row(context, columns, count);
}

static int sqlite_run(void *handle, const char *sql, const char *const *params, size_t count,
                      db_row_fn *row, void *context, struct svc_error *err)
{
    sqlite3_stmt *statement = NULL;
    int r = sqlite3_prepare_v2(handle, sql, -1, &statement, NULL);

    /* SQLite takes "$1" for a name, and numbers names in the order in which they first appear. */
    for (size_t i = 0; i < count && r == SQLITE_OK; i++) {
        r = sqlite3_bind_text(statement, (int)i + 1, params[i], -1, SQLITE_STATIC);
    }
    if (r == SQLITE_OK) {
        while ((r = sqlite3_step(statement)) == SQLITE_ROW) {
            give_row(statement, row, context);
        }
    }
    if (r != SQLITE_DONE) {
        (void)svc_fail(err, -EIO, "database: %.200s", sqlite3_errmsg(handle));
    }
    (void)sqlite3_finalize(statement);
    return r == SQLITE_DONE ? 0 : -EIO;
}

const struct db_driver db_sqlite = {
    .claim_suffix = "", .open = sqlite_open, .close = sqlite_close, .run = sqlite_run};
