/* store_postgres: PostgreSQL through libpq; values go as parameters, never into the SQL. */
#include <errno.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"

enum { COLUMNS_MAX = 16 };

static void notice_drop(void *context, const char *message)
{
    (void)context;
    (void)message; /* "relation already exists, skipping" at each start */
}

static int postgres_open(const char *url, void **ret, struct svc_error *err)
{
    PGconn *connection = PQconnectdb(url);

    if (connection == NULL || PQstatus(connection) != CONNECTION_OK) {
        char text[200];

        (void)snprintf(text, sizeof(text), "%s",
                       connection != NULL ? PQerrorMessage(connection) : "out of memory");
        text[strcspn(text, "\n")] = '\0';
        PQfinish(connection);
        return svc_fail(err, -EIO, "postgresql: %s: is it up, and the URL right?", text);
    }
    (void)PQsetNoticeProcessor(connection, notice_drop, NULL);
    *ret = connection;
    return 0;
}

static void postgres_close(void *connection)
{
    PQfinish(connection);
}

static int rows_read(const PGresult *result, store_row *row, void *context)
{
    const char *columns[COLUMNS_MAX];
    int fields = PQnfields(result) < COLUMNS_MAX ? PQnfields(result) : COLUMNS_MAX;
    int count = PQntuples(result);

    for (int i = 0; i < count; i++) {
        for (int k = 0; k < fields; k++) {
            columns[k] = PQgetisnull(result, i, k) ? NULL : PQgetvalue(result, i, k);
        }
        if (row != NULL && row(context, columns, (size_t)fields) != 0) {
            return i + 1;
        }
    }
    return count;
}

static int postgres_run(void *connection, const char *sql, const char *const *params, size_t count,
                        store_row *row, void *context, struct svc_error *err)
{
    PGresult *result = PQexecParams(connection, sql, (int)count, NULL, params, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(result);
    int r;

    if (status == PGRES_TUPLES_OK) {
        r = rows_read(result, row, context);
    } else if (status == PGRES_COMMAND_OK) {
        r = (int)strtol(PQcmdTuples(result), NULL, 10);
    } else {
        const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        char text[200];

        (void)snprintf(text, sizeof(text), "%s", PQerrorMessage(connection));
        text[strcspn(text, "\n")] = '\0';
        r = svc_fail(err, state != NULL && strcmp(state, "23505") == 0 ? -EEXIST : -EIO,
                     "postgresql: %s", text);
    }
    PQclear(result);
    return r;
}

static bool postgres_is_broken(void *connection)
{
    return PQstatus(connection) != CONNECTION_OK;
}

const struct store_driver store_postgres = {postgres_open, postgres_close, postgres_run,
                                            postgres_is_broken};
