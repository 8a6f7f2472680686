/*
 * container_stats: what is known of one container; between the readers of it (container_cgroup,
 * container_process) and container, which emits. A figure that is not known is NaN and left out.
 */
#pragma once

#include "exporter/container.h"

struct container_device {
    str name;
    double read_bytes, write_bytes, reads, writes;
};

struct container_interface {
    str name;
    double values[8]; /* received bytes, packets, errors, drops; sent ones */
};

struct container_stats {
    str id, image, name;
    double cpu_seconds, cpu_user_seconds, cpu_system_seconds;
    double cfs_periods, cfs_throttled_periods, cfs_throttled_seconds;
    double memory_usage, memory_working_set, memory_rss, memory_cache, memory_swap;
    double memory_limit, memory_failures, oom_events;
    double processes, start_time, last_seen;
    struct container_device devices[CONTAINER_DEVICES_MAX];
    size_t device_count;
    struct container_interface interfaces[CONTAINER_DEVICES_MAX];
    size_t interface_count;
};

/* container_stats_init makes every figure unknown. */
void container_stats_init(struct container_stats *stats);

/* What found containers are given to. */
typedef void container_found(void *context, const struct container_stats *stats);

/* container_network_read takes the interfaces of text, /proc/PID/net/dev, but lo. */
void container_network_read(struct container_stats *stats, str text);

/* The readers. Texts live in the arena. */
void container_cgroups_read(const struct container_options *options, struct arena *arena,
                            container_found *found, void *context);
void container_processes_read(const struct container_options *options, struct arena *arena,
                              container_found *found, void *context);

/* container_oom_read is how often the memory group of a process ran out of memory; NaN when
 * unknown. */
double container_oom_read(const char *root, pid_t pid, struct buf *text);

/* Parsers of the kernel's files, for readers and tests. io.stat: "8:0 rbytes=1 wbytes=2 rios=3
 * wios=4"; blkio.throttle.*: "8:0 Read 123". disks is /proc/diskstats, for the devices' names. */
void container_io_stat_parse(struct container_stats *stats, struct arena *arena, str text,
                             str disks);
void container_blkio_parse(struct container_stats *stats, struct arena *arena, str text, str disks,
                           bool is_count);

/* container_name_find takes image and name of the container that runs in a control group: from what
 * Docker and Podman keep of it, else the short id; false when the path is none of a container. */
bool container_name_find(const struct container_options *options, struct arena *arena, str path,
                         str *ret_image, str *ret_name);
