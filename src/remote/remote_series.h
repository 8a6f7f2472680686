/*
 * remote_series: what one remote write queue knows of the series of the WAL: the labels that are
 * sent, which are made once a series (external labels, relabelling), and its metadata. Label pairs
 * are kept once. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "conf/prom_config.h"
#include "model/labels.h"
#include "storage/appender.h"
#include "storage/storage.h"

struct relabel_rules;
struct remote_series;
struct wire_out;

/* Series that are held at most; others are not sent. */
#define REMOTE_SERIES_MAX ((uint32_t)100 << 20)

enum remote_series_state {
    REMOTE_SERIES_UNKNOWN, /* no record of it was seen */
    REMOTE_SERIES_DROPPED, /* by relabelling */
    REMOTE_SERIES_SENT,
};

/* Both are borrowed; `rules` may be NULL. */
struct remote_series *remote_series_new(struct conf_pairs external_labels,
                                        const struct relabel_rules *rules);
struct remote_series *remote_series_free(struct remote_series *series);
DEFINE_CLEANUP(remote_series_free, struct remote_series)

/* remote_series_put takes a series record of the given segment; a ref that is known has its labels
 * already. Fails with BARO_ELIMIT. */
int remote_series_put(struct remote_series *series, series_ref ref, struct labels labels,
                      uint64_t segment, struct baro_error *err);

/* remote_series_put_metadata copies the metadata of a series that is known. */
void remote_series_put_metadata(struct remote_series *series, series_ref ref,
                                const struct metadata *metadata);

/* remote_series_find gives the number of a series that is sent. */
enum remote_series_state remote_series_find(const struct remote_series *series, series_ref ref,
                                            uint32_t *ret_number);

/* remote_series_labels gives the labels that are sent, valid until the next call;
 * remote_series_metadata the metadata, or NULL. */
struct labels remote_series_labels(struct remote_series *series, uint32_t number);
const struct metadata *remote_series_metadata(const struct remote_series *series, uint32_t number);

/* remote_series_fields gives the labels that are sent as fields of a series of remote write 1.0,
 * valid until the next call. */
const str *remote_series_fields(struct remote_series *series, uint32_t number, size_t *ret_count);

/* remote_series_symbols gives them as symbols of a request of 2.0: *ret_count numbers, name, value,
 * name, ..., valid until the next call. */
const uint32_t *remote_series_symbols(struct remote_series *series, uint32_t number,
                                      struct wire_out *out, size_t *ret_count);

/* remote_series_sweep forgets the series whose newest record stands before a segment. Their numbers
 * are given to others: nobody may have them any more. */
void remote_series_sweep(struct remote_series *series, uint64_t segment);

size_t remote_series_count(const struct remote_series *series);
