/*
 * gen_table: rows for a C table from a catalogue, sorted by name: one for each series of the
 * counters, gauges and summaries that have an id and closed labels. SELF(ID, "family", TYPE,
 * "suffix", "label=\"value\"", "help") The macro's name is the catalogue's in capitals. Of a
 * summary there are ID_COUNT and ID_SUM; of a metric with several label combinations ID_VALUE...
 * This is how src/client/self.c gets its table.
 */
#pragma once

#include "base/buf.h"
#include "catalog/catalog.h"

void gen_table(const struct catalog *catalog, struct buf *out);
