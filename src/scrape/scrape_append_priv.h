/* scrape_append_priv: the columns of a scrape, and its health series, which scrape_report.c
 * writes. */
#pragma once

#include "base/attr.h"
#include "scrape/scrape_append.h"

/* scrape_columns_reserve makes room for so many samples. */
void scrape_columns_reserve(struct scrape_scratch *scratch, size_t wanted);

/* There must be room: scrape_columns_reserve came before. */
static inline void scrape_columns_push(struct scrape_scratch *scratch, series_ref ref, ts t,
                                       double v, uint32_t id)
{
    const size_t i = scratch->count++;

    scratch->refs[i] = ref;
    scratch->t[i] = t;
    scratch->v[i] = v;
    scratch->ids[i] = id;
    if (UNLIKELY(scratch->starts.keeps)) {
        scrape_starts_push(&scratch->starts, i);
    }
}

/* scrape_report_push puts the health series of a target into the columns, or their stale markers.
 * What the store has no room for is left out. */
int scrape_report_push(struct scrape_scratch *scratch, struct scrape_series *series,
                       const struct scrape_answer *answer, const struct scrape_result *result,
                       bool is_stale, struct baro_error *err);
