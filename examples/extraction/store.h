/*
 * store: a connection to the database: SQLite by path, PostgreSQL by URL, with one SQL that both
 * know ($1 placeholders, text in and out). A pool bounds how many there are. What each query took,
 * and whether it failed, is told to the observer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "svc_fault.h"
#include "svc_util.h"

enum store_operation {
    STORE_SELECT,
    STORE_INSERT,
    STORE_UPDATE,
    STORE_DELETE,
    STORE_OPERATION_COUNT
};

enum { STORE_PARAMS_MAX = 16, STORE_POOL_MAX = 64 };

/* One row: columns as text, NULL for SQL's NULL; valid during the call. Not 0 ends the reading. */
typedef int store_row(void *context, const char *const *columns, size_t count);

struct store_options {
    const char *url; /* "postgresql://..." or the path of an SQLite file */
    const struct svc_faults *faults;
    const _Atomic bool *stop; /* ends a slow query of the faults; may be NULL */
    void (*observed)(void *context, enum store_operation operation, bool good,
                     double seconds); /* may be NULL */
    void *context;
};

struct store;

/* store_open connects; 0, or a negative errno that says what to do. Keeps the pointers in options.
 */
int store_open(const struct store_options *options, struct store **ret, struct svc_error *err);
struct store *store_close(struct store *store);

/* store_run runs one statement: the number of rows read, or changed; -EEXIST for a key that is
 * there, -EIO for other failures. row may be NULL. One thread at a time. */
int store_run(struct store *store, enum store_operation operation, const char *sql,
              const char *const *params, size_t count, store_row *row, void *context,
              struct svc_error *err);

/* store_begin and store_end frame a transaction; not observed, they are no queries. store_end keeps
 * or undoes it. */
int store_begin(struct store *store, struct svc_error *err);
int store_end(struct store *store, bool keep, struct svc_error *err);

/* store_migrate makes the tables that are missing. */
int store_migrate(struct store *store, struct svc_error *err);

/* ---- A pool ---- */

struct store_pool;

/* store_pool_new opens `count` connections at most, each when it is first needed. in_use is told at
 * each change, may be NULL. */
struct store_pool *store_pool_new(const struct store_options *options, size_t count,
                                  void (*in_use)(void *context, size_t count));
struct store_pool *store_pool_free(struct store_pool *pool);

/* store_pool_take waits for a free connection, at most that long: -EAGAIN when there is none.
 * store_pool_give returns it; a broken one is closed. */
int store_pool_take(struct store_pool *pool, double seconds, struct store **ret,
                    struct svc_error *err);
void store_pool_give(struct store_pool *pool, struct store *store);

/* ---- The two kinds of database ---- */

struct store_driver {
    int (*open)(const char *url, void **ret, struct svc_error *err);
    void (*close)(void *connection);
    int (*run)(void *connection, const char *sql, const char *const *params, size_t count,
               store_row *row, void *context, struct svc_error *err);
    bool (*is_broken)(void *connection);
};

extern const struct store_driver store_sqlite;
extern const struct store_driver store_postgres;
