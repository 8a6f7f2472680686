/*
 * scrape_target: from what a discovery found to what is scraped: labels before and after
 * relabelling, defaults, checks, URL, offset. Pure functions. Source: Prometheus 3,
 * scrape/target.go.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/dur.h"
#include "base/error.h"
#include "model/labels.h"
#include "model/labels_builder.h"

struct prom_scrape;
struct relabel_rules;
struct target_group;

/* What one discovered target becomes; everything is in the arena. */
struct target_plan {
    struct labels discovered; /* before relabelling */
    struct labels labels;     /* after it, without __meta_ */
    struct labels shown;      /* those that do not start with "__": of each of its series */
    str url;
    dur interval;
    dur timeout;
    uint64_t hash; /* of labels and URL: the target's identity */
    bool is_dropped;
};

/*
 * target_plan_make plans the target `index` of a group. Returns 0 (is_dropped when relabelling
 * dropped it; only `discovered` is set then) or BARO_EINVALID.
 */
int target_plan_make(struct arena *arena, struct labels_builder *builder,
                     const struct target_group *group, size_t index,
                     const struct prom_scrape *settings, const struct relabel_rules *rules,
                     struct target_plan *ret, struct baro_error *err);

/*
 * target_window_count cuts an interval into windows for the targets of one thread: those of a
 * window are scraped together, a handful at a time. A scrape after a sleep finds every cache cold;
 * its neighbours do not (docs/decisions/scrapes-in-windows.md). At least 1.
 */
uint64_t target_window_count(size_t targets, dur interval);

/* target_offset says how many ns after now (wall clock, ns) the first scrape comes: targets are
 * spread over the windows of the interval by hash, the same way after each start. */
int64_t target_offset(uint64_t hash, uint64_t seed, dur interval, uint64_t windows, int64_t now_ns);

/* target_accept_header appends the value of Accept for the protocols of a job. */
void target_accept_header(struct buf *buf, const struct prom_scrape *settings);

/* target_global_url is the URL as others reach it: where its host is this one (localhost or a
 * loopback address), with the host of external_url. */
str target_global_url(struct arena *arena, str url, const char *external_url);
