/*
 * studio: what the parts of the service share. A 3D generation goes through five stages
 * (pipeline.c); progress.c tells WebSocket clients and the metrics about each; quality.c judges the
 * results; studio_api.c has the routes, studio.c the arguments and the life.
 */
#pragma once

#include "cache.h"
#include "gauges.h"
#include "job.h"
#include "mask.h"
#include "relief.h"
#include "store.h"
#include "svc.h"
#include "svc_chaos.h"
#include "svc_pool.h"
#include "svc_ws.h"
#include "texture.h"

enum studio_fault {
    FAULT_BAD_MESH,
    FAULT_BUSY_CPU,
    FAULT_CPU_BURN,
    FAULT_CRASH,
    FAULT_DISK_FILL,
    FAULT_ERRORS,
    FAULT_FAIL_STAGE,
    FAULT_FLOOD,
    FAULT_MEMORY_BALLAST,
    FAULT_SLOW_HTTP,
    FAULT_SLOW_STAGE,
    FAULT_COUNT,
};

struct studio {
    struct svc *svc;
    struct store *store;
    struct jobs *jobs;
    struct cache *cache;
    struct gauges *gauges;
    struct svc_ws *ws;
    struct svc_pool *pools[JOB_TYPE_COUNT]; /* none for uploads: they are done at once */
    struct svc_chaos *chaos;                /* threads of faults */
    _Atomic uint64_t held_bytes;            /* what the pipeline holds now */
    _Atomic uint64_t meshes, manifold_meshes, printable_meshes;
    /* options */
    const char *data, *cpu, *gpu;
    long workers, queue_max, jobs_kept, images_kept, cache_mb, disk_quota_mb, memory_limit_mb;
};

/* ---- progress.c ---- */

/* progress_* are called by the job's worker. A stage begins and ends (track_pipeline_stage) or
 * fails (track_pipeline_stage_error); clients get stage_change, progress, complete and error
 * messages. */
void progress_stage_begin(struct studio *studio, struct job *job, orfeas_pipeline_stage stage);
void progress_set(struct studio *studio, struct job *job, int percent);
void progress_stage_end(struct studio *studio, struct job *job, orfeas_pipeline_stage stage,
                        int64_t start_ns);
void progress_stage_failed(struct studio *studio, struct job *job, orfeas_pipeline_stage stage,
                           const char *error_type);
void progress_ended(struct studio *studio, struct job *job);

/* progress_hooks are the WebSockets' callbacks. */
struct svc_ws_options progress_hooks(struct studio *studio);

/* ---- quality.c ---- */

/* What the stages found out. */
struct quality_input {
    const struct mask *mask;
    const struct relief *relief;
    const struct mesh_report *mesh;
    const struct texture_report *texture;
};

/* quality_judge computes the scores, and counts what was repaired and what failed a check. */
void quality_judge(struct studio *studio, const struct quality_input *input,
                   struct job_scores *ret);

/* quality_publish sets the gauges and counts grades and thresholds of a finished generation. */
void quality_publish(struct studio *studio, const struct job_scores *scores);

/* ---- pipeline.c ---- */

/* pipeline_run does a job of either kind: queued to done, failed or canceled. */
void pipeline_run(void *studio, void *job);
void pipeline_drop(void *studio, void *job);

/* ---- chaos.c ---- */

/* chaos_start begins the faults that need threads of their own (cpu-burn, memory-ballast, flood,
 * crash, disk-fill); chaos_stop ends them. */
int chaos_start(struct studio *studio, struct svc_error *err);
void chaos_stop(struct studio *studio);

/* ---- studio_api.c ---- */

extern const struct svc_route studio_routes[];
extern const size_t studio_route_count;

/* studio_pool is the workers of a kind of job. */
static inline struct svc_pool *studio_pool(const struct studio *studio, enum job_type type)
{
    return studio->pools[type];
}
