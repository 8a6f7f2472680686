/*
 * node_mounts: asks mounted file systems for their room, and does not wait for those that do not
 * answer, as one of a file server that has gone. A question that takes longer than
 * NODE_MOUNTS_WAIT_MS makes its mount point stuck: it is not asked again before that question has
 * been answered. Any thread. A thread asks for the length of a call; one that is stuck stays until
 * its answer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/statvfs.h>

#include "base/dur.h"

struct node_mounts;

/* How long one file system has, and how many may be stuck: when they are, none is asked. */
enum { NODE_MOUNTS_WAIT_MS = 5000, NODE_MOUNTS_STUCK_MAX = 64 };

/* A mount point: its path; and what was found, `status` if `failed` is 0, not -errno. */
struct node_mount_room {
    const char *path;
    int failed; /* -ETIMEDOUT: stuck */
    struct statvfs status;
};

/* node_mounts_new: `ask` is statvfs, or a test's. node_mounts_free lets stuck questions be: they
 * end by themselves. */
struct node_mounts *node_mounts_new(int (*ask)(const char *path, struct statvfs *ret), dur wait);
struct node_mounts *node_mounts_free(struct node_mounts *mounts);

/* node_mounts_ask fills in all rooms, of which each path stands once. */
void node_mounts_ask(struct node_mounts *mounts, struct node_mount_room *rooms, size_t count);
