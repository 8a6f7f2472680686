/*
 * remote_write: the queues of a configuration's remote_write sections, one each (remote_queue). A
 * reload restarts those alone whose section has changed, where they were. Recipe:
 * docs/howto/remote.md.
 */
#pragma once

#include "base/attr.h"
#include "base/buf.h"
#include "base/dur.h"
#include "base/error.h"
#include "conf/prom_config.h"
#include "remote/remote_queue.h"

struct remote_write;

struct remote_write_options {
    const struct fs *fs;    /* NULL = the real one */
    const char *data_dir;   /* of the tsdb; positions are in remote/ below it */
    dur flush_deadline;     /* how long the end may take */
    const char *user_agent; /* kept by the caller */
    /* As in remote_queue_options. */
    void (*metadata)(void *context, struct arena *arena, struct remote_metadata_entry **ret,
                     size_t *ret_count);
    void *context;
};

struct remote_write *remote_write_new(const struct remote_write_options *options);

/* remote_write_stop lets all queues send what there is (flush_deadline) and ends them. The tsdb
 * must not be closed before. */
void remote_write_stop(struct remote_write *remote);
struct remote_write *remote_write_free(struct remote_write *remote);
DEFINE_CLEANUP(remote_write_free, struct remote_write)

/*
 * remote_write_apply makes a configuration the running one, and takes a reference. One thread at a
 * time; the tsdb must be open. Fails with BARO_EINVALID for sections that are written twice, and as
 * remote_queue_new; what can be known before anything has changed is checked first, and then the
 * configuration before stays.
 */
int remote_write_apply(struct remote_write *remote, struct prom_config *config,
                       struct baro_error *err);

/* remote_write_metrics appends prometheus_remote_storage_* and prometheus_wal_watcher_*. Any
 * thread. */
void remote_write_metrics(struct remote_write *remote, struct buf *buf);
