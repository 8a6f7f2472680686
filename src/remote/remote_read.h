/*
 * remote_read: other stores that queries read beside the local one (remote_read of the
 * configuration). A query gets one merged view; a remote that fails is left out, with a warning.
 * Source of the behaviour: Prometheus 3.14, storage/remote/read.go, client.go. Recipe:
 * docs/howto/remote.md.
 */
#pragma once

#include "base/attr.h"
#include "base/buf.h"
#include "base/dur.h"
#include "base/error.h"
#include "conf/prom_config.h"
#include "storage/storage.h"

struct remote_read;

struct remote_read_options {
    struct queryable *local; /* outlives it */
    /* The time of its oldest sample; false when it has none. */
    bool (*lowest_time)(void *context, ts *ret);
    void *context;
    /* A remote without read_recent is asked for what is older than the local store's oldest sample
     * and this. */
    dur start_margin;
};

struct remote_read *remote_read_new(const struct remote_read_options *options);
struct remote_read *remote_read_free(struct remote_read *read);
DEFINE_CLEANUP(remote_read_free, struct remote_read)

/* remote_read_apply makes a configuration the running one, and takes a reference; queries that run
 * keep the one before. Fails with BARO_EINVALID for sections that are written twice, and as
 * http_client_check; the one before then stays. */
int remote_read_apply(struct remote_read *read, struct prom_config *config, struct baro_error *err);

/* remote_read_queryable is the local store and the remotes as one; its `local` is the local store.
 * Without remotes it costs nothing. */
struct queryable *remote_read_queryable(struct remote_read *read);

/* remote_read_metrics appends prometheus_remote_storage_read_*. Any thread. */
void remote_read_metrics(struct remote_read *read, struct buf *buf);
