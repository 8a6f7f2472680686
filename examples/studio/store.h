/*
 * store: the studio's database (SQLite, WAL) and its files. Tables: images (by content hash), jobs.
 * Every query's time is observed. Files: DIR/images/HASH, DIR/results/JOB/NAME. What is kept is
 * bounded, by count and by a quota of bytes.
 */
#pragma once

#include <jansson.h>

#include "job.h"

struct store;

struct store_options {
    const char *directory;
    uint64_t quota_bytes; /* of all files; 0 = the file system's */
    long jobs_kept, images_kept;
};

int store_open(const struct store_options *options, struct store **ret, struct svc_error *err);
struct store *store_close(struct store *store);

struct store_image {
    char id[SVC_SHA256_HEX_SIZE];
    char format[8];
    uint32_t width, height;
    size_t size;
};

/* store_image_put keeps a picture; 1 = it was there already, -ENOSPC = the quota is used up.
 * store_image_get: -ENOENT when there is none. */
int store_image_put(struct store *store, const void *ptr, size_t len, const char *format,
                    uint32_t width, uint32_t height, struct store_image *ret,
                    struct svc_error *err);
int store_image_get(struct store *store, const char *id, struct store_image *ret,
                    struct svc_error *err);
int store_image_read(struct store *store, const char *id, struct svc_bytes *ret,
                     struct svc_error *err);

/* store_job_put writes a job's state (new or known), and drops the oldest beyond jobs_kept. */
int store_job_put(struct store *store, const struct job *job, struct svc_error *err);

/* store_job_get and store_jobs return jobs as the API shows them; NULL when there is none. */
json_t *store_job_get(struct store *store, const char *id);
json_t *store_jobs(struct store *store, long limit, const char *state);

/* store_result_write writes a result's file; store_result_path is where it is ("" when the name is
 * none that the studio makes). */
int store_result_write(struct store *store, const char *job_id, const char *name, const void *ptr,
                       size_t len, struct svc_error *err);
void store_result_path(struct store *store, const char *job_id, const char *name, char *ret,
                       size_t size);

/* store_ping is the health check: a query. */
int store_ping(struct store *store, struct svc_error *err);

struct store_usage {
    const char *path;
    uint64_t total, used, free;
};
/* store_usage measures; store_ballast makes a file that fills that share of the quota (0 = none).
 */
void store_usage(struct store *store, struct store_usage *ret);
int store_ballast(struct store *store, double share, struct svc_error *err);
