#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "db_priv.h"

enum { COLUMNS_MAX = 8 };

/* libpq's messages end in a newline, and may name the password's place but never the password. */
static int fail(PGconn *connection, const char *what, struct svc_error *err)
{
    const char *text = PQerrorMessage(connection);

    return svc_fail(err, -EIO, "%s: %.*s", what, (int)strcspn(text, "\n"), text);
}

/* "relation exists, skipping" and its like are for nobody; errors come back as results. */
static void no_notice(void *context, const char *message)
{
    (void)context;
    (void)message;
}

static int postgresql_open(const char *url, void **ret, struct svc_error *err)
{
    /* A later keyword wins over an earlier one, and the URL is expanded where it stands. */
    const char *const keywords[] = {"dbname", "connect_timeout", "application_name", NULL};
    const char *const values[] = {url, "3", "reconstruction", NULL};
    PGconn *connection = PQconnectdbParams(keywords, values, 1);
    int r = 0;

    if (PQstatus(connection) != CONNECTION_OK) {
        r = fail(connection, "--database", err);
        PQfinish(connection);
        return r;
    }
    (void)PQsetNoticeProcessor(connection, no_notice, NULL);
    *ret = connection;
    return 0;
}

static void postgresql_close(void *handle)
{
    PQfinish(handle);
}

static void give_rows(const PGresult *result, db_row_fn *row, void *context)
{
    const char *columns[COLUMNS_MAX] = {NULL};
    int count = PQnfields(result);

    count = count < COLUMNS_MAX ? count : COLUMNS_MAX;
    for (int i = 0; i < PQntuples(result); i++) {
        for (int k = 0; k < count; k++) {
            columns[k] = PQgetvalue(result, i, k);
        }
        row(context, columns, (size_t)count);
    }
}

static int postgresql_run(void *handle, const char *sql, const char *const *params, size_t count,
                          db_row_fn *row, void *context, struct svc_error *err)
{
    PGresult *result;
    ExecStatusType status;

    if (PQstatus(handle) != CONNECTION_OK) {
        PQreset(handle); /* once; waits connect_timeout at most */
    }
    result = PQexecParams(handle, sql, (int)count, NULL, params, NULL, NULL, 0);
    status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK) {
        give_rows(result, row, context);
    }
    PQclear(result);
    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK ? 0
                                                                   : fail(handle, "database", err);
}

const struct db_driver db_postgresql = {.claim_suffix = "FOR UPDATE SKIP LOCKED",
                                        .open = postgresql_open,
                                        .close = postgresql_close,
                                        .run = postgresql_run};
