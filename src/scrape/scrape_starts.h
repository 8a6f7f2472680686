/*
 * scrape_starts: the start timestamps of one scrape's samples (`--enable-feature=st-storage`). The
 * protobuf format has them with each sample; in OpenMetrics they are lines of their own,
 * <name>_created, which follow the samples of their metric and are no series then. One thread.
 * Source of the semantics: Prometheus 3.16, model/textparse/openmetricsparse.go.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dur.h"
#include "base/vec.h"
#include "model/exposition.h"
#include "model/labels.h"

/* A sample that waits for its line: what the columns have from here to the next one. */
struct start_waiting {
    uint64_t hash; /* of the labels that the line has as well */
    size_t floats;
    size_t histograms;
};

/* Zeroed = nothing is kept. */
struct scrape_starts {
    bool keeps;
    ts now;     /* of the sample at hand; 0 = unknown */
    ts *floats; /* beside the column of floats; NULL until one is kept */
    size_t capacity;
    VEC(struct start_waiting) waiting;
};

void scrape_starts_done(struct scrape_starts *starts);

/* scrape_starts_begin is for the start of a body. */
void scrape_starts_begin(struct scrape_starts *starts, bool keeps);

/* scrape_starts_push keeps `now` for float number i. */
void scrape_starts_push(struct scrape_starts *starts, size_t i);

/* scrape_starts_is_created says whether a line of OpenMetrics is no series, but tells a start. */
bool scrape_starts_is_created(const struct exposition_event *event, str name);

/* scrape_starts_wait notes a series before its sample goes to the columns, which have so many.
 * scrape_starts_family ends a family: nothing waits any more. */
void scrape_starts_wait(struct scrape_starts *starts, const struct exposition_event *event,
                        struct labels labels, size_t floats, size_t histograms);
void scrape_starts_family(struct scrape_starts *starts);

/* scrape_starts_created gives the start that a line tells to the samples that wait and have its
 * labels; the others have none. `histograms` is the column of those. */
void scrape_starts_created(struct scrape_starts *starts, const struct exposition_event *event,
                           struct labels labels, size_t floats, ts *histograms,
                           size_t histogram_count);
