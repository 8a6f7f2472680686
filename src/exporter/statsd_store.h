/*
 * statsd_store: the metrics that StatsD events have become: counters, gauges, summaries and
 * histograms by name and labels, until their time to live is over. Its own figures stand beside
 * them under statsd_exporter's names. Any thread; one lock. Bounds: STATSD_SERIES_MAX series; what
 * is beyond is counted and dropped.
 */
#pragma once

#include "exporter/emit.h"
#include "exporter/statsd_map.h"

struct clock;
struct statsd_store;

enum { STATSD_SERIES_MAX = 100000 };

/* statsd_store_new keeps map and clock. */
struct statsd_store *statsd_store_new(const struct statsd_map *map, struct clock *clock);
struct statsd_store *statsd_store_free(struct statsd_store *store);
DEFINE_CLEANUP(statsd_store_free, struct statsd_store)

/* How a packet came. */
enum statsd_source { STATSD_UDP, STATSD_TCP, STATSD_UNIX, STATSD_SOURCE_COUNT };

/* statsd_store_lines takes whole lines, as of one datagram; is_packet counts it. */
void statsd_store_lines(struct statsd_store *store, str text, enum statsd_source source,
                        bool is_packet);

/* statsd_store_count is one of the figures that only the receiver knows. */
enum statsd_count {
    STATSD_TCP_CONNECTIONS,
    STATSD_TCP_ERRORS,
    STATSD_TCP_LONG_LINES,
    STATSD_COUNT_COUNT,
};
void statsd_store_count(struct statsd_store *store, enum statsd_count count);

/* statsd_store_collect emits everything; the context is the store. */
void statsd_store_collect(void *store, struct emit *emit);
