/*
 * rule_series: the series that one rule wrote at its last evaluation. What it wrote then and does
 * not write now gets a stale marker, as in Prometheus. Owned by the rule; used by the thread that
 * evaluates its group.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/map.h"
#include "model/labels.h"
#include "model/sample.h"
#include "storage/appender.h"

struct rule_series;

/* A zeroed one is empty and ready. */
struct rule_series_set {
    struct map series; /* key -> struct rule_series */
    uint64_t round;    /* of the evaluation at hand */
};

void rule_series_done(struct rule_series_set *set);

/* What became of the samples of one evaluation. */
struct rule_written {
    uint64_t samples;
    uint64_t out_of_order;
    uint64_t duplicate;
    uint64_t too_old;
    uint64_t stale; /* markers written */
};

/* One evaluation being written. */
struct rule_writer;

/* rule_writer_begin starts a round; rule_writer_add takes one sample of it (labels and histogram
 * are borrowed until rule_writer_commit). Fails with BARO_EEXEC when the same labels come twice. */
struct rule_writer *rule_writer_begin(struct rule_series_set *set, struct appendable *appendable);
int rule_writer_add(struct rule_writer *writer, struct labels labels, const struct sample *sample,
                    struct baro_error *err);

/* rule_writer_commit appends everything at the times given, and stale markers at t for what is
 * gone, as one transaction. rule_writer_cancel forgets the round. Both free the writer. */
int rule_writer_commit(struct rule_writer *writer, ts t, struct rule_written *ret,
                       struct baro_error *err);
void rule_writer_cancel(struct rule_writer *writer);

/* rule_series_mark_stale writes stale markers for all series of the set, which are then forgotten:
 * the rule is gone. */
int rule_series_mark_stale(struct rule_series_set *set, struct appendable *appendable, ts t,
                           struct baro_error *err);
