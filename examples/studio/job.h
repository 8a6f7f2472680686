/*
 * job: what is asked of the studio and what came of it. Jobs live in a table in memory while they
 * wait and run and for some time after; the store (SQLite) has them all.
 */
#pragma once

#include <jansson.h>
#include <orfeas.h>

#include "paint.h"
#include "svc_pool.h"

enum job_type { JOB_UPLOAD, JOB_TEXT_TO_IMAGE, JOB_GENERATE_3D, JOB_TYPE_COUNT };
enum job_state {
    JOB_QUEUED,
    JOB_RUNNING,
    JOB_DONE,
    JOB_FAILED,
    JOB_CANCELED,
    JOB_STATE_COUNT,
};

/* The catalogue's words for both. */
orfeas_job_type job_type_label(enum job_type type);
const char *job_type_name(enum job_type type);
const char *job_state_name(enum job_state state);

enum {
    JOB_ID_SIZE = 17,
    JOB_FILES_MAX = 3,
    JOB_PROMPT_MAX = 500,
    JOBS_MAX = 512, /* in memory: the queues' bounds, and what ended last */
};

enum quality { QUALITY_DRAFT, QUALITY_STANDARD, QUALITY_HIGH, QUALITY_COUNT };
enum mesh_format { MESH_GLB, MESH_OBJ, MESH_STL, MESH_FORMAT_COUNT };
const char *quality_name(enum quality quality);
const char *mesh_format_name(enum mesh_format format);

struct job_request {
    char image_id[SVC_SHA256_HEX_SIZE]; /* generate_3d: which picture */
    enum mesh_format format;
    enum quality quality;
    double size_mm, relief_mm, base_mm;
    bool is_cutout;
    char prompt[JOB_PROMPT_MAX + 1]; /* text_to_image */
    enum paint_style style;
    uint32_t width, height, seed;
};

struct job_file {
    char name[24];
    size_t size;
};

/* What a 3D generation is worth; all scores 0 .. 1. */
struct job_scores {
    double bg_removal, shape, texture, final, overall;
    char grade[3];
    bool is_manifold, is_printable;
    uint64_t triangles;
    double volume_mm3;
};

struct job {
    char id[JOB_ID_SIZE];
    enum job_type type;
    enum job_state state;
    struct job_request request;
    int progress; /* 0 .. 100 */
    char stage[24];
    char error_type[32], error[200];
    struct job_file files[JOB_FILES_MAX];
    size_t file_count;
    struct job_scores scores; /* of a finished generate_3d */
    bool is_cached;
    char created[SVC_TIME_ISO_SIZE];
    int64_t started_ns;
    double seconds; /* of work, once ended */
    _Atomic bool is_cancel_asked;
};

struct jobs;

struct jobs *jobs_new(void);
struct jobs *jobs_free(struct jobs *jobs);

/* jobs_add makes a queued job with a new id; NULL when JOBS_MAX wait or run. It stays the table's;
 * one thread at a time (who runs it) may change it, between jobs_lock and jobs_unlock. */
struct job *jobs_add(struct jobs *jobs, enum job_type type, const struct job_request *request);
void jobs_lock(struct jobs *jobs);
void jobs_unlock(struct jobs *jobs); /* and wakes who waits */

/* jobs_remove forgets a job that was never run. */
void jobs_remove(struct jobs *jobs, struct job *job);

/* jobs_get copies a job; false when it is not in memory. jobs_wait waits until it has ended, at
 * most that long, and copies it then. */
bool jobs_get(struct jobs *jobs, const char *id, struct job *ret);
bool jobs_wait(struct jobs *jobs, const char *id, double seconds, const _Atomic bool *stop,
               struct job *ret);

/* job_json is a job as the API shows it. */
json_t *job_json(const struct job *job);

/* jobs_cancel asks a job to end; false when there is none, or it has ended. */
bool jobs_cancel(struct jobs *jobs, const char *id);

/* jobs_cancel_all asks all that wait or run, at the service's end. */
void jobs_cancel_all(struct jobs *jobs);
