/*
 * service: what the parts of the reconstruction service share. Two roles, in one process (`all`) or
 * in two: the API takes photo sets and answers questions (api.c), workers claim jobs from the
 * database and do them (worker.c). Both know the same database and object store.
 */
#pragma once

#include <e2e3d.h>

#include "db.h"
#include "objects.h"
#include "recon.h"
#include "statsd.h"
#include "svc.h"
#include "svc_chaos.h"
#include "svc_host.h"

enum recon_fault {
    FAULT_BUSY_HOST,
    FAULT_CPU_BURN,
    FAULT_CRASH,
    FAULT_FAIL_STAGE,
    FAULT_LOST_DATABASE,
    FAULT_LOST_STORAGE,
    FAULT_LOST_WORKER,
    FAULT_SLOW_HTTP,
    FAULT_SLOW_STAGE,
    FAULT_COUNT,
};

enum role { ROLE_ALL, ROLE_API, ROLE_WORKER, ROLE_COUNT };

enum {
    WORKERS_MAX = 16,
    PHOTO_BYTES_MAX = 16 << 20,
    BODY_BYTES_MAX = 96 << 20, /* a set of photos */
    RESULT_BYTES_MAX = 256 << 20,
};

struct service {
    struct svc *svc;
    enum role role;
    struct db *db;
    struct objects *objects;
    struct statsd *statsd;
    struct svc_chaos *chaos;
    struct svc_host host;                           /* simulated */
    _Atomic bool is_database_lost, is_storage_lost; /* by faults */
    struct workers *workers;
    /* options */
    const char *role_name, *database, *store, *statsd_address, *worker_url;
    long worker_count, queue_max;
    double lease_s;
};

/* What is asked for, as it stands in the job's row. */
struct request_options {
    struct recon_options recon;
    size_t photo_count; /* in the object store; 0 = synthetic */
    enum solid_kind solid;
    long views;
    double noise;
};
/* options_json and options_read are each other's inverse; read takes what a row has. */
json_t *options_json(const struct request_options *options);
void options_read(const json_t *root, struct request_options *ret);

/* photo_key is where photo i of a job is, result_key a result's file. */
enum { KEY_SIZE = 96 };
void photo_key(const char *job_id, size_t i, char ret[KEY_SIZE]);
void result_key(const char *job_id, const char *name, char ret[KEY_SIZE]);

/* ---- api.c ---- */

extern const struct svc_route api_routes[];
extern const size_t api_route_count;
bool api_health(struct service *service, json_t *components);

/* ---- worker.c ---- */

int workers_start(struct service *service, struct svc_error *err);
/* workers_stop ends claiming; running jobs go on for `drain_s`, and then are canceled: they are put
 * back into the queue. Returns whether all ended by themselves. workers_free waits. */
bool workers_drain(struct service *service, double drain_s);
void workers_free(struct service *service);
bool workers_are_well(struct service *service);
