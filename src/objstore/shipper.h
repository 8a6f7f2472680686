/*
 * shipper: uploads finished blocks to a bucket, as Thanos's sidecar does, so that Thanos Store,
 * Query and Compact take it from there. A block is linked to thanos/upload/ULID of the data
 * directory as soon as it is there (so that compaction cannot take it away), gets a meta.json with
 * the Thanos section, and is uploaded: chunks, index, and meta.json last. A thread of its own;
 * logs. What was uploaded stands in thanos.shipper.json. Recipe: docs/howto/object-storage.md.
 */
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/error.h"
#include "conf/prom_config.h"
#include "objstore/objstore.h"
#include "tsdb/block_meta.h"

struct fs;
struct shipper;

struct shipper_options {
    const struct fs *fs; /* NULL = the real one */
    const char *data_dir;
    const struct objstore_config *config; /* outlives the shipper */
    bool upload_compacted;                /* also blocks of level 2 and higher */
    bool no_thread;                       /* for tests: shipper_sync alone */
    /* Gives the external labels of now, in the arena. */
    struct conf_pairs (*labels)(void *context, struct arena *arena);
    void *context;
};

/* shipper_new starts the thread. Fails with BARO_EINVALID when there are no external labels (Thanos
 * tells stores apart by them) or -errno. */
int shipper_new(const struct shipper_options *options, struct shipper **ret,
                struct baro_error *err);

/* shipper_free ends an upload in work (it goes on after the next start) and waits for the thread.
 */
struct shipper *shipper_free(struct shipper *shipper);
DEFINE_CLEANUP(shipper_free, struct shipper)

/* shipper_block_written links a new block, before anything else can happen to it; any thread. */
void shipper_block_written(struct shipper *shipper, const char *directory,
                           const struct block_meta *meta);

/* shipper_sync does one round: the number of blocks that were uploaded, or the first failure. */
int shipper_sync(struct shipper *shipper, struct baro_error *err);

/* shipper_meta_write appends meta.json with the Thanos section. `files` have sizes. */
struct shipper_file {
    str path; /* within the block */
    uint64_t bytes;
};
void shipper_meta_write(const struct block_meta *meta, struct conf_pairs labels,
                        const struct shipper_file *files, size_t count, struct buf *buf);
