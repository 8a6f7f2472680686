/*
 * node: metrics of this host, read from /proc as the node exporter reads them and under its names,
 * so that dashboards and alerts for it work: load, memory, CPU, processes, network, disks, file
 * systems, time, kernel. Any thread; each call reads the files anew (below 1 ms) and keeps nothing.
 */
#pragma once

#include "base/buf.h"

/*
 * node_metrics_write appends the host's metrics in the Prometheus text format 0.0.4. `root` is put
 * before /proc: "" on a live host, a fixture directory in tests. A file that cannot be read leaves
 * its families out and sets node_scrape_collector_success{collector} to 0.
 */
void node_metrics_write(struct buf *buf, const char *root);
