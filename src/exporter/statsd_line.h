/*
 * statsd_line: one line of StatsD's text as events. Understood are plain StatsD ("a.b:3|c|@0.1",
 * several values "a:1|c:2|ms"), and tags as DogStatsD ("a:1|c|#k:v,k2:v2"), InfluxDB ("a,k=v:1|c"),
 * Librato ("a#k=v:1|c") and SignalFX ("a[k=v]:1|c") write them. Types: c, g, ms (milliseconds,
 * given on as seconds), h and d (as they are). Pure; everything comes from outside.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum { STATSD_TAGS_MAX = 32, STATSD_LINE_BYTES_MAX = 65536, STATSD_REPEATS_MAX = 1000 };

enum statsd_type { STATSD_COUNTER, STATSD_GAUGE, STATSD_OBSERVER, STATSD_TYPE_COUNT };

struct statsd_tag {
    str name; /* as sent */
    str value;
};

struct statsd_event {
    enum statsd_type type;
    str name; /* as sent, without tags */
    double value;
    bool is_relative; /* gauges: "+1" and "-1" change the value */
    bool is_timer;    /* "ms" */
    size_t repeats;   /* observers: how many were seen for this one that was sent */
    const struct statsd_tag *tags;
    size_t tag_count;
};

/* Why a sample was left out; rows of statsd_exporter_sample_errors_total. */
enum statsd_fault {
    STATSD_FAULT_NO_VALUE,     /* malformed_line */
    STATSD_FAULT_COMPONENT,    /* malformed_component */
    STATSD_FAULT_VALUE,        /* malformed_value */
    STATSD_FAULT_TYPE,         /* illegal_event */
    STATSD_FAULT_SAMPLE_RATE,  /* invalid_sample_factor */
    STATSD_FAULT_TAG,          /* not_enough_parts_after_colon and the like */
    STATSD_FAULT_MIXED_STYLES, /* mixed_tagging_styles */
    STATSD_FAULT_COUNT,
};
const char *statsd_fault_name(enum statsd_fault fault);

/* What is told of a line: each event, each fault. */
struct statsd_sink {
    void (*event)(void *context, const struct statsd_event *event);
    void (*fault)(void *context, enum statsd_fault fault);
    void *context;
};

/* statsd_line_parse reads one line, without its end. Texts of an event live for its call only. */
void statsd_line_parse(str line, const struct statsd_sink *sink);
