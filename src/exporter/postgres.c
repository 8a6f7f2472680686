#include "exporter/postgres.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/mem.h"
#include "base/num.h"
#include "exporter/postgres_queries.h"
#include "sys/clock.h"

enum { TIMEOUT_MS_DEFAULT = 5000, SETTINGS_MAX = 1000 };

struct postgres_exporter {
    char *url;
    dur timeout;
    PGconn *connection;
    bool is_failed; /* some collector of this scrape has */
};

static void notice_drop(void *context, const char *message)
{
    (void)context;
    (void)message;
}

int postgres_exporter_new(const struct postgres_options *options, struct postgres_exporter **ret,
                          struct baro_error *err)
{
    struct postgres_exporter *postgres = MEM_NEW(struct postgres_exporter);
    char *fault = NULL;
    PQconninfoOption *parsed;

    postgres->url = str_dup_c(options->url);
    postgres->timeout = options->timeout > 0 ? options->timeout : TIMEOUT_MS_DEFAULT;
    parsed = PQconninfoParse(postgres->url, &fault);
    if (parsed == NULL) {
        /* libpq's text repeats the URL, and so the password: it is not shown. */
        (void)error_set(err, BARO_EINVALID,
                        "postgres address: not one that libpq takes: give "
                        "postgresql://USER:PASSWORD@HOST:PORT/DATABASE");
        PQfreemem(fault);
        (void)postgres_exporter_free(postgres);
        return BARO_EINVALID;
    }
    PQconninfoFree(parsed);
    *ret = postgres;
    return 0;
}

struct postgres_exporter *postgres_exporter_free(struct postgres_exporter *postgres)
{
    if (postgres != NULL) {
        PQfinish(postgres->connection);
        mem_free(postgres->url);
        mem_free(postgres);
    }
    return NULL;
}

static bool is_connected(struct postgres_exporter *postgres)
{
    char seconds[24];
    const char *const keys[] = {"dbname",     "connect_timeout", "fallback_application_name",
                                "keepalives", "keepalives_idle", NULL};
    const char *const values[] = {postgres->url, seconds, "barograph export postgres",
                                  "1",           "10",    NULL};

    if (postgres->connection != NULL && PQstatus(postgres->connection) == CONNECTION_OK) {
        return true;
    }
    /* libpq counts whole seconds, and takes 1 for 2. */
    (void)snprintf(seconds, sizeof(seconds), "%lld", (long long)(postgres->timeout + 999) / 1000);
    PQfinish(postgres->connection);
    postgres->connection = PQconnectdbParams(keys, values, 1);
    if (postgres->connection == NULL || PQstatus(postgres->connection) != CONNECTION_OK) {
        PQfinish(postgres->connection);
        postgres->connection = NULL;
        return false;
    }
    (void)PQsetNoticeProcessor(postgres->connection, notice_drop, NULL);
    return true;
}

/* Waits for the answer, at most the timeout; a connection that is late is given up. */
static bool answer_await(struct postgres_exporter *postgres)
{
    mono end = clock_mono(clock_real()) + postgres->timeout * 1000000;

    while (PQisBusy(postgres->connection) != 0) {
        struct pollfd fd = {.fd = PQsocket(postgres->connection), .events = POLLIN};
        int64_t left_ms = (end - clock_mono(clock_real())) / 1000000;

        if (left_ms <= 0 || poll(&fd, 1, (int)left_ms) <= 0 ||
            PQconsumeInput(postgres->connection) == 0) {
            PQfinish(postgres->connection);
            postgres->connection = NULL;
            return false;
        }
    }
    return true;
}

/* The answer to one query, NULL when it failed. */
static PGresult *ask(struct postgres_exporter *postgres, const char *sql)
{
    PGresult *answer = NULL;
    PGresult *next;

    if (postgres->connection == NULL || PQsendQuery(postgres->connection, sql) == 0) {
        return NULL;
    }
    while (answer_await(postgres) && (next = PQgetResult(postgres->connection)) != NULL) {
        PQclear(answer);
        answer = next;
    }
    if (PQresultStatus(answer) != PGRES_TUPLES_OK || postgres->connection == NULL) {
        PQclear(answer);
        return NULL;
    }
    return answer;
}

static str cell(const PGresult *answer, int row, int column)
{
    return str_of(PQgetvalue(answer, row, column), (size_t)PQgetlength(answer, row, column));
}

static void column_emit(struct emit *emit, const struct pg_query *query, const PGresult *answer,
                        int column, size_t label_count, str server)
{
    const char *labels[PG_COLUMNS_MAX + 2] = {"server"};
    char name[BARO_NAME_BYTES_MAX];

    for (size_t i = 0; i < label_count; i++) {
        labels[i + 1] = query->columns[i].name;
    }
    (void)snprintf(name, sizeof(name), "%s_%s", query->prefix, query->columns[column].name);
    emit_family(emit, name, query->columns[column].type, query->columns[column].help, labels);
    for (int row = 0; row < PQntuples(answer) && row < PG_ROWS_MAX; row++) {
        str values[PG_COLUMNS_MAX + 1] = {server};
        double value;

        for (size_t i = 0; i < label_count; i++) {
            values[i + 1] = cell(answer, row, (int)i);
        }
        if (PQgetisnull(answer, row, column) == 0 &&
            num_parse_decimal(cell(answer, row, column), &value)) {
            emit_value(emit, value, values);
        }
    }
}

static bool query_emit(struct postgres_exporter *postgres, struct emit *emit,
                       const struct pg_query *query, str server)
{
    PGresult *answer = ask(postgres, query->sql);
    size_t label_count = 0;
    int column_count = 0;

    if (answer == NULL) {
        return false;
    }
    while (query->columns[column_count].name != NULL) {
        label_count += query->columns[column_count].type == 0 ? 1 : 0;
        column_count++;
    }
    for (int column = (int)label_count; column < column_count && column < PQnfields(answer);
         column++) {
        column_emit(emit, query, answer, column, label_count, server);
    }
    PQclear(answer);
    return true;
}

/* Units of pg_settings: what a value is multiplied with, and what its name ends with then. */
static bool unit_find(str unit, double *ret_scale, const char **ret_suffix)
{
    static const struct {
        const char *unit;
        double scale;
        const char *suffix;
    } rows[] = {
        {"", 1, ""},
        {"B", 1, "_bytes"},
        {"kB", 1024, "_bytes"},
        {"8kB", 8192, "_bytes"},
        {"16kB", 16384, "_bytes"},
        {"32kB", 32768, "_bytes"},
        {"64kB", 65536, "_bytes"},
        {"MB", 1048576, "_bytes"},
        {"16MB", 16777216, "_bytes"},
        {"ms", 1e-3, "_seconds"},
        {"s", 1, "_seconds"},
        {"min", 60, "_seconds"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (str_is(unit, rows[i].unit)) {
            *ret_scale = rows[i].scale;
            *ret_suffix = rows[i].suffix;
            return true;
        }
    }
    return false;
}

/* "max_connections" in 100 without a unit is pg_settings_max_connections 100; -1 keeps its meaning
 * (none) in every unit. */
static void setting_emit(struct emit *emit, const PGresult *answer, int row, str server)
{
    str text = cell(answer, row, 1);
    char name[BARO_NAME_BYTES_MAX];
    const char *suffix;
    double scale;
    double value;
    int len;

    if (!unit_find(cell(answer, row, 2), &scale, &suffix)) {
        return;
    }
    if (str_is(cell(answer, row, 3), "bool")) {
        value = str_is(text, "on") ? 1 : 0;
    } else if (!num_parse_decimal(text, &value)) {
        return;
    }
    len = snprintf(name, sizeof(name), "pg_settings_%.*s%s", STR_ARG(cell(answer, row, 0)), suffix);
    for (int i = 0; i < len && (size_t)i < sizeof(name) - 1; i++) {
        name[i] = name[i] == '.' || name[i] == '-' ? '_' : name[i];
    }
    emit_family(emit, name, BARO_GAUGE, "A setting of the server.",
                (const char *const[]){"server", NULL});
    emit_value(emit, value == -1 ? value : value * scale, &server);
}

static bool settings_emit(struct postgres_exporter *postgres, struct emit *emit, str server)
{
    PGresult *answer =
        ask(postgres, "SELECT name, setting, coalesce(unit, ''), vartype FROM pg_settings"
                      " WHERE vartype IN ('bool', 'integer', 'real') ORDER BY name");

    if (answer == NULL) {
        return false;
    }
    for (int row = 0; row < PQntuples(answer) && row < SETTINGS_MAX && PQnfields(answer) == 4;
         row++) {
        setting_emit(emit, answer, row, server);
    }
    PQclear(answer);
    return true;
}

static void collectors_emit(struct postgres_exporter *postgres, struct emit *emit)
{
    const char *names[64];
    bool success[ARRAY_COUNT(names)];
    size_t count = 0;
    int version = PQserverVersion(postgres->connection);
    const char *port = PQport(postgres->connection);
    str server = arena_printf(&emit->arena, "%s:%s", PQhost(postgres->connection), port);

    for (size_t i = 0; i < pg_query_count && count + 1 < ARRAY_COUNT(names); i++) {
        if (version >= pg_queries[i].version_min &&
            (pg_queries[i].version_end == 0 || version < pg_queries[i].version_end)) {
            names[count] = pg_queries[i].collector;
            success[count++] = query_emit(postgres, emit, &pg_queries[i], server);
        }
    }
    names[count] = "settings";
    success[count++] = settings_emit(postgres, emit, server);
    emit_family(emit, "pg_scrape_collector_success", BARO_GAUGE, "Whether a collector succeeded.",
                (const char *const[]){"collector", NULL});
    for (size_t i = 0; i < count; i++) {
        emit_value(emit, success[i] ? 1 : 0, (str[]){str_from(names[i])});
        postgres->is_failed = postgres->is_failed || !success[i];
    }
}

void postgres_collect(void *context, struct emit *emit)
{
    struct postgres_exporter *postgres = context;
    mono begin = clock_mono(clock_real());
    bool is_up = is_connected(postgres);
    PGresult *probe = is_up ? ask(postgres, "SELECT 1") : NULL;

    /* A server that was restarted leaves a dead connection behind: once more on a new one. */
    if (is_up && probe == NULL) {
        PQfinish(postgres->connection);
        postgres->connection = NULL;
        is_up = is_connected(postgres);
    }
    PQclear(probe);
    postgres->is_failed = !is_up;
    emit_single(emit, "pg_up", BARO_GAUGE, "1 when the server could be asked.", is_up ? 1 : 0);
    if (is_up) {
        collectors_emit(postgres, emit);
    }
    emit_single(emit, "pg_exporter_last_scrape_error", BARO_GAUGE,
                "Whether anything of the last scrape failed.", postgres->is_failed ? 1 : 0);
    emit_single(emit, "pg_exporter_last_scrape_duration_seconds", BARO_GAUGE,
                "Seconds that the server took to answer.",
                (double)(clock_mono(clock_real()) - begin) / 1e9);
}
