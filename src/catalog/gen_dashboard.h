/*
 * gen_dashboard: a first Grafana dashboard (schema 39) for a catalogue. Its rows follow the two
 * questions that are asked first: rate, errors and duration of what a service does (RED), and
 * utilization and saturation of what it uses (USE). Every metric has a panel, with unit and
 * description; variables choose data source, job and instance.
 */
#pragma once

#include "base/buf.h"
#include "catalog/catalog.h"

/* The row of a metric. */
enum gen_dashboard_row {
    GEN_ROW_RATE,
    GEN_ROW_ERRORS,
    GEN_ROW_DURATION,
    GEN_ROW_UTILIZATION,
    GEN_ROW_SATURATION,
    GEN_ROW_OTHER,
    GEN_ROW_COUNT,
};

/* gen_dashboard_row tells by type, unit and the words of the name where a metric belongs. */
enum gen_dashboard_row gen_dashboard_row(const struct catalog_metric *metric);

void gen_dashboard(const struct catalog *catalog, struct buf *out);
