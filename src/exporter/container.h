/*
 * container: what control groups use, under cAdvisor's names: processor, memory, disks, network,
 * processes, of every group below /sys/fs/cgroup (version 1 or 2), with the names that Docker and
 * Podman have given to theirs; and the same of process trees (`groups`), for services that run
 * without control groups. Each scrape reads the kernel's files anew. One thread at a time.
 *
 * Of a process tree: processor time is that of its living processes and of the children they have
 * waited for; memory is resident pages, shared ones counted in each process; disks are not told
 * apart; the network is that of the namespace its first process is in; memory shortages are those
 * of the memory group that process is in.
 */
#pragma once

#include <sys/types.h>

#include "exporter/emit.h"

enum {
    CONTAINERS_MAX = 2000,
    CONTAINER_DEPTH_MAX = 16,
    CONTAINER_DEVICES_MAX = 32,
    CONTAINER_GROUPS_MAX = 64,
};

/* A process and all that descend from it, shown as a container. */
struct container_group {
    const char *name;
    pid_t pid;
};

struct container_options {
    const char *root; /* put before every path: "" on a live host */
    const struct container_group *groups;
    size_t group_count;
    bool groups_only; /* no control groups */
};

/* container_collect emits; the context is a struct container_options. */
void container_collect(void *options, struct emit *emit);
