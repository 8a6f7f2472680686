/* objstore_priv: what the two kinds of bucket share. */
#pragma once

#include "objstore/objstore.h"

struct objstore_ops {
    int (*get)(struct objstore *store, str name, size_t bytes_max, struct buf *ret,
               struct baro_error *err);
    int (*put)(struct objstore *store, str name, str data, struct objstore_upload *upload,
               objstore_progress *progress, void *context, struct baro_error *err);
};

struct objstore {
    const struct objstore_ops *ops;
    const struct objstore_config *config;
    const _Atomic bool *cancel;
    char *url;
};

extern const struct objstore_ops s3_ops, directory_ops;
