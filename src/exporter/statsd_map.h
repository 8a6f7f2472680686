/*
 * statsd_map: statsd_exporter's mapping file: which StatsD name becomes which metric with which
 * labels. Rules are tried in order, the first that matches counts: globs, whose "*" stands for one
 * part between dots, or regular expressions; "$1" in names and labels is what a part stood for. A
 * name that no rule matches is the metric itself, with "_" for what no name may have. Immutable.
 */
#pragma once

#include "base/arena.h"
#include "base/attr.h"
#include "base/dur.h"
#include "base/error.h"
#include "exporter/statsd_line.h"

struct regex;
struct statsd_map;

enum {
    STATSD_RULES_MAX = 10000,
    STATSD_BUCKETS_MAX = 200,
    STATSD_QUANTILES_MAX = 16,
    STATSD_MAP_BYTES_MAX = 4 << 20,
};

/* What observers of a rule become. */
struct statsd_observer {
    bool is_histogram;
    const double *buckets; /* rising */
    size_t bucket_count;
    const double *quantiles; /* rising */
    size_t quantile_count;
    dur max_age; /* of what quantiles are over */
};

struct statsd_mapped {
    bool is_dropped;
    bool is_mapped; /* some rule matched */
    str name;       /* in the arena */
    const char *help;
    struct statsd_tag tags[STATSD_TAGS_MAX]; /* labels, in the order of their names, each once */
    size_t tag_count;
    const struct statsd_observer *observer;
    dur ttl; /* 0 = for ever */
    double scale;
};

/* statsd_map_parse reads the file's text; "" is no rules. Fails with faults at lines. */
int statsd_map_parse(str text, const char *file, struct statsd_map **ret, struct faults *faults);
struct statsd_map *statsd_map_free(struct statsd_map *map);
DEFINE_CLEANUP(statsd_map_free, struct statsd_map)

size_t statsd_map_count(const struct statsd_map *map);

/* statsd_map_find says what an event becomes; its texts live in the arena, or as long as the map.
 * Tags of the event are labels too, those of the rule first. */
void statsd_map_find(const struct statsd_map *map, const struct statsd_event *event,
                     struct arena *arena, struct statsd_mapped *ret);
