/*
 * scrape_labels: the labels of scraped series: how those of the target join them, and what is
 * refused. Pure functions. Source: Prometheus 3, scrape/scrape.go.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "model/labels.h"
#include "model/labels_builder.h"

struct prom_scrape;

/*
 * scrape_labels_join puts the target's labels into the builder. A label that the series has already
 * stays (honor_labels), or moves to "exported_" + name, with as many prefixes as it takes.
 */
void scrape_labels_join(struct labels_builder *builder, struct arena *arena, struct labels target,
                        bool honor_labels);

/*
 * scrape_labels_check says whether a finished set may be stored: named, valid names, within the
 * limits of the job. *ret_limit_hit becomes true when it was a limit. Fails with BARO_EINVALID or
 * BARO_ELIMIT.
 */
int scrape_labels_check(struct labels labels, const struct prom_scrape *settings,
                        bool *ret_limit_hit, struct baro_error *err);
