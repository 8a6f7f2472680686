/*
 * statsd: events as Airflow sends them, over UDP: counters and timers under "airflow.", so that
 * what watches Airflow's DAGs by a StatsD exporter can watch these jobs. Sending never blocks and
 * never fails the sender: a datagram that cannot go is dropped.
 */
#pragma once

#include "svc_util.h"

struct statsd;

/* statsd_open: "HOST:PORT"; "" gives NULL, which all calls take and do nothing for. */
int statsd_open(const char *address, struct statsd **ret, struct svc_error *err);
struct statsd *statsd_close(struct statsd *statsd);

/* One metric: "airflow." and the printf'd name. */
void statsd_count(struct statsd *statsd, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void statsd_timing(struct statsd *statsd, double seconds, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void statsd_gauge(struct statsd *statsd, double value, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
