/*
 * objstore: a bucket of an object store: S3 and what speaks like it, or a directory. Configured in
 * Thanos's YAML form. Blocking; one thread at a time.
 *
 *     type: S3
 *     config: {bucket: b, endpoint: "minio:9000", access_key: k, secret_key: s, insecure: true}
 *     prefix: prometheus
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "conf/secret.h"

enum objstore_type { OBJSTORE_S3, OBJSTORE_FILESYSTEM };

struct objstore_config {
    enum objstore_type type;
    str prefix; /* of all names, without slashes at its ends; may be empty */
    str bucket;
    str endpoint; /* host or host:port */
    str region;
    str access_key;
    struct secret secret_key;
    struct secret session_token;
    bool insecure;       /* http, not https */
    bool virtual_hosted; /* https://BUCKET.ENDPOINT/, not https://ENDPOINT/BUCKET/ */
    bool insecure_skip_verify;
    str ca_file;
    str cert_file;
    str key_file;
    uint64_t part_bytes; /* longer objects are sent in parts of so many */
    str directory;       /* of OBJSTORE_FILESYSTEM */
    struct arena arena;  /* owns the texts */
};

enum { OBJSTORE_CONFIG_BYTES_MAX = 1 << 20 };

/* objstore_config_parse reads the YAML; `name` is for messages. Where neither key stands in the
 * file, `getenv_` is asked for AWS_ACCESS_KEY_ID and its like. Fails with BARO_EPARSE, with line
 * and column, or BARO_EUNSUPPORTED (another type of store). */
int objstore_config_parse(str text, const char *name, const char *(*getenv_)(const char *name),
                          struct objstore_config *ret, struct baro_error *err);
void objstore_config_done(struct objstore_config *config);

struct objstore;

/* objstore_new makes a bucket of a configuration, which must outlive it. `cancel` (NULL = never)
 * ends requests. */
struct objstore *objstore_new(const struct objstore_config *config, const _Atomic bool *cancel);
struct objstore *objstore_free(struct objstore *store);
DEFINE_CLEANUP(objstore_free, struct objstore)

/* objstore_get reads a small object: 1, or 0 when there is none of that name. */
int objstore_get(struct objstore *store, str name, size_t bytes_max, struct buf *ret,
                 struct baro_error *err);

/*
 * Where the upload of an object in parts stands; zeroed for a new one. It can be kept, and the
 * upload goes on with it after a restart.
 */
enum { OBJSTORE_ETAG_BYTES = 80, OBJSTORE_PARTS_MAX = 10000 };

struct objstore_upload {
    char id[1100]; /* empty = not begun */
    char (*etags)[OBJSTORE_ETAG_BYTES];
    size_t part_count; /* that are there */
};
void objstore_upload_done(struct objstore_upload *upload);

/* Called after each part of a long upload, to keep where it stands; a negative code ends it. */
typedef int objstore_progress(void *context, const struct objstore_upload *upload,
                              struct baro_error *err);

/*
 * objstore_put writes an object, whole or not at all. `upload` is where an earlier attempt of the
 * same bytes stands (NULL = there was none, and none is kept). Fails with BARO_ENETWORK,
 * BARO_ETIMEOUT, BARO_ECANCELED, BARO_EINVALID (the store refused: its reason is in the message) or
 * -errno.
 */
int objstore_put(struct objstore *store, str name, str data, struct objstore_upload *upload,
                 objstore_progress *progress, void *context, struct baro_error *err);

/* objstore_url tells where the bucket is, for the log; no secrets. */
const char *objstore_url(const struct objstore *store);
