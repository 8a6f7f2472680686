/*
 * block_maker: a block of samples, for the commands that create blocks. The samples gather in a
 * head of their own, without a WAL. One thread; a maker is used for one block after the other.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/dur.h"
#include "base/error.h"
#include "model/labels.h"
#include "model/sample.h"
#include "storage/appender.h"
#include "tsdb/block_meta.h"

struct head;

struct block_maker {
    const char *dir;  /* where blocks go */
    dur range;        /* time of a block */
    uint64_t samples; /* of the block at hand */
    struct head *head;
    struct appender *appender;
};

/* block_maker_begin starts a block; dir and range are set. block_maker_end or block_maker_drop
 * follows. */
void block_maker_begin(struct block_maker *maker);

/* block_maker_series finds or creates a series of the block at hand; fails as appenders do. */
int block_maker_series(struct block_maker *maker, struct labels labels, series_ref *ret,
                       struct baro_error *err);

/* block_maker_add gives *ret what became of the sample; those that are not APPEND_OK are not in the
 * block. */
int block_maker_add(struct block_maker *maker, series_ref ref, const struct sample *sample,
                    enum append_status *ret, struct baro_error *err);

/* block_maker_end writes the block: 1 and its name, or 0 when there are no samples. */
int block_maker_end(struct block_maker *maker, char ret_ulid[ULID_CHARS + 1],
                    struct baro_error *err);

/* block_maker_drop forgets what block_maker_begin has started; without that it does nothing. */
void block_maker_drop(struct block_maker *maker);
