/* db_priv: what the two databases look like from db.c: SQL with $1, $2, ... in order, text in, text
 * out. */
#pragma once

#include "svc_util.h"

enum { DB_PARAMS_MAX = 6 };

/* A driver's row: columns as text, "" for NULL; they live until the function returns. */
typedef void db_row_fn(void *context, const char *const *columns, size_t count);

struct db_driver {
    const char *claim_suffix; /* behind the claim's inner SELECT */
    int (*open)(const char *url, void **ret, struct svc_error *err);
    void (*close)(void *handle);
    /* Runs one statement; returns 0, or -EIO with the database's own words. */
    int (*run)(void *handle, const char *sql, const char *const *params, size_t count,
               db_row_fn *row, void *context, struct svc_error *err);
};

extern const struct db_driver db_sqlite, db_postgresql;
