/* remote_write_priv: what remote_write.c and remote_metrics.c share. */
#pragma once

#include "base/lock.h"
#include "base/vec.h"
#include "remote/remote_write.h"

/* A running queue and what it borrows. */
struct remote_entry {
    struct remote_queue *queue;
    struct remote_stats *stats;
    struct prom_config *config; /* a reference */
    size_t index;               /* of its section */
    const struct prom_remote_write *settings;
    char *key; /* names the file of its position */
    char *name;
    char *position_path;
};

typedef VEC(struct remote_entry) remote_entries;

struct remote_write {
    struct remote_write_options options;
    char *wal_dir;
    char *dir;
    struct lock lock;
    remote_entries entries; /* lock: this one; changed by who applies alone */
};
