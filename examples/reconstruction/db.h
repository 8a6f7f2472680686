/*
 * db: the job table, in SQLite ("sqlite:PATH", or a path) or PostgreSQL ("postgresql://...").
 * Several processes may use it at once: the API adds jobs, workers claim them. Every query's time
 * is observed by its operation, and every failure counted. Any thread; queries of one handle wait
 * for each other.
 */
#pragma once

#include <jansson.h>

#include "svc_util.h"

struct db;

enum { DB_ID_SIZE = 17, DB_TYPE_SIZE = 17 };

struct db_job {
    char id[DB_ID_SIZE];
    char state[12]; /* queued, running, done, failed */
    char dataset_type[DB_TYPE_SIZE];
    json_t *options; /* what was asked for; never NULL once read */
    json_t *result;  /* what came of it */
};
void db_job_done(struct db_job *job);

/* is_lost (may be NULL) makes every query fail while it is set: a lost database. */
int db_open(const char *url, const _Atomic bool *is_lost, struct db **ret, struct svc_error *err);
struct db *db_close(struct db *db);

/* db_job_add makes a queued job. db_job_update writes state and result of a job that this handle
 * has claimed; of one that was given to another meanwhile nothing is written. */
int db_job_add(struct db *db, const struct db_job *job, struct svc_error *err);
int db_job_update(struct db *db, const struct db_job *job, struct svc_error *err);

/* db_job_get: -ENOENT when there is none. db_job_claim makes the oldest queued job running and
 * returns 1, or 0 when none waits; no two callers get the same. */
int db_job_get(struct db *db, const char *id, struct db_job *ret, struct svc_error *err);
int db_job_claim(struct db *db, struct db_job *ret, struct svc_error *err);

/* db_jobs lists the newest `limit` jobs as JSON; db_job_count counts those in a state. */
int db_jobs(struct db *db, long limit, json_t **ret, struct svc_error *err);
int db_job_count(struct db *db, const char *state, long *ret, struct svc_error *err);
/* db_beat says that the running jobs of this handle are alive; db_reclaim puts those back into the
 * queue of which nobody has said so for lease_s: their worker was killed. Clocks of hosts that
 * share a database must not differ by more than that. */
int db_beat(struct db *db, struct svc_error *err);
int db_reclaim(struct db *db, double lease_s, struct svc_error *err);
/* db_requeue puts running jobs back into the queue: for a process that knows to be the only one. */
int db_requeue(struct db *db, struct svc_error *err);
int db_ping(struct db *db, struct svc_error *err);
