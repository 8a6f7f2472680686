/*
 * db: small state in one file: SQLite with its write-ahead log. What was committed survives a kill
 * at any moment; a power cut may cost the last commits, unless DB_SYNC_FULL. A damaged file is
 * reported, never repaired silently. One thread at a time uses a db and its queries.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "base/str.h"

struct db;
struct db_query; /* a prepared statement */

enum db_sync {
    DB_SYNC_NORMAL, /* 14 us a commit: a power cut may lose the last ones */
    DB_SYNC_FULL,   /* 170 us and the disk's own time */
};

/*
 * db_open opens or makes the file and runs `schema`: statements that are right on a new and on an
 * existing file (CREATE TABLE IF NOT EXISTS ...). Fails with BARO_ECORRUPT for a damaged file or
 * one that is no database, BARO_EBUSY when another process holds it, or -EIO; the message names the
 * path.
 */
int db_open(const char *path, const char *schema, enum db_sync sync, struct db **ret,
            struct baro_error *err);

/* db_close: queries must have been freed before. */
struct db *db_close(struct db *db);
DEFINE_CLEANUP(db_close, struct db)

/* db_exec runs statements that have no parameters and whose rows do not matter. */
int db_exec(struct db *db, const char *sql, struct baro_error *err);

/* db_begin opens a transaction; db_commit ends it; db_rollback drops it, or does nothing when none
 * is open. */
int db_begin(struct db *db, struct baro_error *err);
int db_commit(struct db *db, struct baro_error *err);
void db_rollback(struct db *db);

/* db_prepare compiles one statement; it is used many times: bind, step, reset. */
int db_prepare(struct db *db, const char *sql, struct db_query **ret, struct baro_error *err);
struct db_query *db_query_free(struct db_query *query);
DEFINE_CLEANUP(db_query_free, struct db_query)

/* Parameters, from 1. Bytes of a str are borrowed until db_query_reset; ptr NULL binds NULL. */
void db_bind_str(struct db_query *query, int index, str value);
void db_bind_i64(struct db_query *query, int index, int64_t value);

/* db_query_step returns 1 with a row, 0 at the end, or negative. */
int db_query_step(struct db_query *query, struct baro_error *err);

/* Columns of the row, from 0; a str lives until the next step or reset. */
str db_column_str(struct db_query *query, int column);
int64_t db_column_i64(struct db_query *query, int column);

/* db_query_reset ends the walk and forgets the parameters. */
void db_query_reset(struct db_query *query);

/* db_query_run steps to the end and resets: for statements that only change something. */
int db_query_run(struct db_query *query, struct baro_error *err);

/* db_changes is how many rows the last statement changed. */
int64_t db_changes(const struct db *db);
