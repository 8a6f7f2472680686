/*
 * tombstones: which times of which series of a block are deleted. Immutable after parsing. Format:
 * docs/formats/block.md.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"
#include "storage/storage.h"

/* One deleted interval, both ends inclusive. */
struct tombstone {
    uint64_t ref; /* of the series in the block's index */
    ts mint;
    ts maxt;
};

/* Sorted by ref and mint; the intervals of a series do not touch. */
struct tombstones {
    struct tombstone *items;
    size_t count;
};

/* tombstones_parse reads the bytes of a tombstones file. Fails with BARO_ECORRUPT or
 * BARO_EUNSUPPORTED. */
int tombstones_parse(str data, struct tombstones *ret, struct baro_error *err);
void tombstones_done(struct tombstones *tombstones);

/* tombstones_write appends the bytes of a tombstones file; an empty one is a file as well. */
void tombstones_write(const struct tombstones *tombstones, struct buf *buf);

/* tombstones_join sorts the intervals and unites those that overlap. */
void tombstones_join(struct tombstones *tombstones);

/* tombstones_of gives the intervals of one series, by time. */
struct tombstones tombstones_of(const struct tombstones *all, uint64_t ref);

/* tombstones_cover gives the interval that holds t, or NULL. `of` belongs to one series. */
const struct tombstone *tombstones_cover(struct tombstones of, ts t);

/* tombstones_apply drops the deleted samples from `first` on. */
void tombstones_apply(struct tombstones of, struct sample_buf *samples, size_t first);
