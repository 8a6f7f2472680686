#include "db.h"

#include <e2e3d.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "db_priv.h"

/* In the order of the catalogue's label `operation`. */
enum operation { OP_SELECT, OP_INSERT, OP_UPDATE };

struct db {
    const struct db_driver *driver;
    void *handle;
    const _Atomic bool *is_lost;
    pthread_mutex_t lock; /* of handle */
    char owner[17];       /* of the jobs that this handle claims; new each time */
};

/* SQL that both databases understand. seq orders jobs; two that are added at once may share one. */
static const char *const schema[] = {
    "CREATE TABLE IF NOT EXISTS jobs (id TEXT PRIMARY KEY, seq BIGINT NOT NULL, state TEXT NOT "
    "NULL, "
    "dataset_type TEXT NOT NULL, options TEXT NOT NULL, result TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS jobs_state ON jobs (state, seq)",
};

/* Columns that came later: each is refused where it is there already. `beat` is when the owner was
 * last heard of, in milliseconds since 1970. */
static const char *const later[] = {
    "ALTER TABLE jobs ADD COLUMN owner TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE jobs ADD COLUMN beat BIGINT NOT NULL DEFAULT 0",
};

#define COLUMNS "id, state, dataset_type, options, result"

static int run(struct db *db, enum operation operation, const char *sql, const char *const *params,
               size_t count, db_row_fn *row, void *context, struct svc_error *err)
{
    int64_t start_ns = svc_mono_ns();
    int r;

    (void)pthread_mutex_lock(&db->lock);
    r = db->is_lost != NULL && *db->is_lost
            ? svc_fail(err, -EIO, "database: lost by --fault=lost-database")
            : db->driver->run(db->handle, sql, params, count, row, context, err);
    (void)pthread_mutex_unlock(&db->lock);
    e2e3d_db_query_duration_seconds_observe(
        e2e3d_db_query_duration_seconds_operation_at((size_t)operation), svc_since_s(start_ns));
    if (r < 0) {
        e2e3d_db_query_errors_total_inc(
            e2e3d_db_query_errors_total_operation_at((size_t)operation));
    }
    return r;
}

static void no_row(void *context, const char *const *columns, size_t count)
{
    (void)context;
    (void)columns;
    (void)count;
}

static bool is_postgresql(const char *url)
{
    return strncmp(url, "postgresql://", 13) == 0 || strncmp(url, "postgres://", 11) == 0;
}

int db_open(const char *url, const _Atomic bool *is_lost, struct db **ret, struct svc_error *err)
{
    struct db *db = calloc(1, sizeof(*db));
    int r;

    if (db == NULL) {
        return svc_fail(err, -ENOMEM, "database: out of memory");
    }
    db->driver = is_postgresql(url) ? &db_postgresql : &db_sqlite;
    (void)pthread_mutex_init(&db->lock, NULL);
    r = db->driver->open(strncmp(url, "sqlite:", 7) == 0 ? url + 7 : url, &db->handle, err);
    for (size_t i = 0; i < sizeof(schema) / sizeof(schema[0]) && r == 0; i++) {
        r = db->driver->run(db->handle, schema[i], NULL, 0, no_row, NULL, err);
    }
    if (r < 0) {
        (void)db_close(db);
        return r;
    }
    for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
        (void)db->driver->run(db->handle, later[i], NULL, 0, no_row, NULL, NULL);
    }
    svc_random_hex(db->owner, sizeof(db->owner));
    db->is_lost = is_lost;
    *ret = db;
    return 0;
}

struct db *db_close(struct db *db)
{
    if (db != NULL) {
        if (db->handle != NULL) {
            db->driver->close(db->handle);
        }
        (void)pthread_mutex_destroy(&db->lock);
        free(db);
    }
    return NULL;
}

void db_job_done(struct db_job *job)
{
    json_decref(job->options);
    json_decref(job->result);
    *job = (struct db_job){.options = NULL};
}

/* A value as one line of JSON, to be freed; "{}" stands for none. */
static char *text_of(const json_t *value)
{
    return value != NULL ? json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(9)) : strdup("{}");
}

int db_job_add(struct db *db, const struct db_job *job, struct svc_error *err)
{
    char *options = text_of(job->options);
    const char *params[] = {job->id, job->dataset_type, options};
    int r =
        options == NULL
            ? svc_fail(err, -ENOMEM, "database: out of memory")
            : run(db, OP_INSERT,
                  "INSERT INTO jobs (id, dataset_type, options, seq, state, result) VALUES ($1, "
                  "$2, $3, (SELECT coalesce(max(seq), 0) + 1 FROM jobs), 'queued', '{}')",
                  params, 3, no_row, NULL, err);

    free(options);
    return r;
}

int db_job_update(struct db *db, const struct db_job *job, struct svc_error *err)
{
    char *result = text_of(job->result);
    const char *params[] = {job->state, result, job->id, db->owner};
    int r = result == NULL
                ? svc_fail(err, -ENOMEM, "database: out of memory")
                : run(db, OP_UPDATE,
                      "UPDATE jobs SET state = $1, result = $2 WHERE id = $3 AND owner = $4",
                      params, 4, no_row, NULL, err);

    free(result);
    return r;
}

struct found {
    struct db_job job;
    bool is_found;
};

static void take_job(void *context, const char *const *columns, size_t count)
{
    struct found *found = context;
    struct db_job *job = &found->job;

    if (count < 5 || found->is_found) {
        return;
    }
    (void)snprintf(job->id, sizeof(job->id), "%s", columns[0]);
    (void)snprintf(job->state, sizeof(job->state), "%s", columns[1]);
    (void)snprintf(job->dataset_type, sizeof(job->dataset_type), "%s", columns[2]);
    job->options = json_loads(columns[3], 0, NULL);
    job->result = json_loads(columns[4], 0, NULL);
    job->options = job->options != NULL ? job->options : json_object();
    job->result = job->result != NULL ? job->result : json_object();
    found->is_found = true;
}

int db_job_get(struct db *db, const char *id, struct db_job *ret, struct svc_error *err)
{
    struct found found = {.is_found = false};
    int r = run(db, OP_SELECT, "SELECT " COLUMNS " FROM jobs WHERE id = $1",
                (const char *const[]){id}, 1, take_job, &found, err);

    if (r == 0 && !found.is_found) {
        return svc_fail(err, -ENOENT, "no such job: GET /api/jobs lists them");
    }
    if (r == 0) {
        *ret = found.job;
    }
    return r;
}

/* The time of day less so many seconds, in milliseconds, as text. */
static void now_text(double less_s, char ret[24])
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)snprintf(ret, 24, "%lld",
                   (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000 -
                       (long long)(less_s * 1000));
}

int db_beat(struct db *db, struct svc_error *err)
{
    char now[24];

    now_text(0, now);
    return run(db, OP_UPDATE, "UPDATE jobs SET beat = $1 WHERE state = 'running' AND owner = $2",
               (const char *const[]){now, db->owner}, 2, no_row, NULL, err);
}

int db_reclaim(struct db *db, double lease_s, struct svc_error *err)
{
    char before[24];

    now_text(lease_s, before);
    return run(db, OP_UPDATE,
               "UPDATE jobs SET state = 'queued', owner = '' WHERE state = 'running' AND beat < $1",
               (const char *const[]){before}, 1, no_row, NULL, err);
}

int db_job_claim(struct db *db, struct db_job *ret, struct svc_error *err)
{
    struct found found = {.is_found = false};
    char sql[400];
    char now[24];
    int r;

    now_text(0, now);
    (void)snprintf(sql, sizeof(sql),
                   "UPDATE jobs SET state = 'running', owner = $1, beat = $2 WHERE state = "
                   "'queued' AND id = (SELECT id "
                   "FROM jobs WHERE state = 'queued' ORDER BY seq LIMIT 1 %s) RETURNING " COLUMNS,
                   db->driver->claim_suffix);
    r = run(db, OP_UPDATE, sql, (const char *const[]){db->owner, now}, 2, take_job, &found, err);
    if (r == 0 && found.is_found) {
        *ret = found.job;
        return 1;
    }
    return r;
}

static void list_job(void *context, const char *const *columns, size_t count)
{
    struct found found = {.is_found = false};

    take_job(&found, columns, count);
    if (found.is_found) {
        (void)json_array_append_new(context,
                                    json_pack("{s:s, s:s, s:s, s:O}", "job_id", found.job.id,
                                              "state", found.job.state, "dataset_type",
                                              found.job.dataset_type, "result", found.job.result));
    }
    db_job_done(&found.job);
}

int db_jobs(struct db *db, long limit, json_t **ret, struct svc_error *err)
{
    json_t *rows = json_array();
    char sql[128];
    int r;

    (void)snprintf(sql, sizeof(sql), "SELECT " COLUMNS " FROM jobs ORDER BY seq DESC LIMIT %ld",
                   limit);
    r = run(db, OP_SELECT, sql, NULL, 0, list_job, rows, err);
    if (r < 0) {
        json_decref(rows);
        return r;
    }
    *ret = rows;
    return 0;
}

static void take_count(void *context, const char *const *columns, size_t count)
{
    *(long *)context = count > 0 ? strtol(columns[0], NULL, 10) : 0;
}

int db_job_count(struct db *db, const char *state, long *ret, struct svc_error *err)
{
    return run(db, OP_SELECT, "SELECT count(*) FROM jobs WHERE state = $1",
               (const char *const[]){state}, 1, take_count, ret, err);
}

int db_requeue(struct db *db, struct svc_error *err)
{
    return run(db, OP_UPDATE, "UPDATE jobs SET state = 'queued' WHERE state = 'running'", NULL, 0,
               no_row, NULL, err);
}

int db_ping(struct db *db, struct svc_error *err)
{
    return run(db, OP_SELECT, "SELECT 1", NULL, 0, no_row, NULL, err);
}
