/*
 * objects: where photos and results are kept: a directory, or a bucket of S3 ("s3+http://host:port/
 * bucket" or "s3+https://...", path style, signed by Signature Version 4 with AWS_ACCESS_KEY_ID,
 * AWS_SECRET_ACCESS_KEY and AWS_REGION of the environment). Keys are segments of [a-z0-9.-] joined
 * by
 * '/'. Any thread.
 */
#pragma once

#include "svc_util.h"

struct objects;

/* is_lost (may be NULL) makes every call fail while it is set: a lost store. */
int objects_open(const char *url, const _Atomic bool *is_lost, struct objects **ret,
                 struct svc_error *err);
struct objects *objects_close(struct objects *objects);

int objects_put(struct objects *objects, const char *key, const void *ptr, size_t len,
                struct svc_error *err);
/* objects_get: at most `max` bytes; -ENOENT when there is none. */
int objects_get(struct objects *objects, const char *key, size_t max, struct svc_bytes *ret,
                struct svc_error *err);
/* objects_ping writes and reads a small object. */
int objects_ping(struct objects *objects, struct svc_error *err);

/* objects_sign is the Authorization header of Signature Version 4, for tests: everything that goes
 * into it is given. ret has OBJECTS_SIGNATURE_SIZE. */
enum { OBJECTS_SIGNATURE_SIZE = 512 };
struct objects_request {
    const char *method, *host, *path; /* path: as on the wire */
    const char *payload_hash;         /* SHA-256 in hex */
    const char *time;                 /* "20130524T000000Z" */
    const char *access_key, *secret_key, *region;
};
void objects_sign(const struct objects_request *request, char *ret);
