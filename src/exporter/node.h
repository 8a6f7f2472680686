/*
 * node: metrics of this host, read from /proc as the node exporter reads them and under its names,
 * so that dashboards and alerts for it work: load, memory, CPU, processes, network, disks, file
 * systems, time, kernel. Any thread; each call reads the files anew (below 1 ms) and keeps nothing.
 */
#pragma once

#include "base/buf.h"
#include "exporter/emit.h"

struct node_mounts;
struct regex;

struct node_options {
    const char *root; /* put before /proc: "" on a live host, a fixture directory in tests */
    const struct regex *fstypes_exclude; /* NULL = those that the node exporter leaves out */
    const struct regex *mounts_exclude;  /* of mount points; NULL = none */
    struct node_mounts *mounts; /* asks for room; NULL = asked here, however long it takes */
};

/* The node exporter's own defaults for the two expressions, for flags. */
extern const char node_fstypes_exclude_default[];
extern const char node_mounts_exclude_default[];

/* node_collect emits everything; the context is a struct node_options. A file that cannot be read
 * leaves its families out and sets node_scrape_collector_success{collector} to 0. */
void node_collect(void *options, struct emit *emit);

/* node_metrics_write appends the same as text in the format 0.0.4. */
void node_metrics_write(struct buf *buf, const struct node_options *options);

/* node_filesystems_collect is the part that asks file systems for their room. */
bool node_filesystems_collect(struct emit *emit, const struct node_options *options,
                              struct buf *text);
