/*
 * remote_position: how far a remote write queue has come, in a small file that is mapped: what is
 * noted there survives the death of the program at any moment (not a loss of power, after which an
 * older state may be found, and samples are sent twice). Each shard notes its oldest item that was
 * not answered, and the end of the request under way, so that the next start sends that request
 * again as it was and everything else once. One thread. Format: docs/formats/remote_position.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "sys/fs.h"
#include "tsdb/wal_tail.h"

enum { REMOTE_SHARDS_MAX = 1000 };

/* An item of a record of the WAL. */
struct remote_place {
    struct wal_place record;
    uint32_t index; /* of the item in it */
};

static inline int remote_place_cmp(struct remote_place a, struct remote_place b)
{
    int order = wal_place_cmp(a.record, b.record);

    return order != 0 ? order : (a.index > b.index) - (a.index < b.index);
}

/* What a shard has not had answered. */
struct remote_pending {
    bool is_pending;
    struct remote_place begin; /* its oldest item */
    struct remote_place end;   /* behind the last item of the request under way; = begin: none is */
};

struct remote_position;

/* remote_position_open maps the file, made when it is missing (or is none of ours):
 * remote_position_is_new. */
int remote_position_open(const struct fs *fs, const char *path, struct remote_position **ret,
                         struct baro_error *err);
struct remote_position *remote_position_close(struct remote_position *position);
bool remote_position_is_new(const struct remote_position *position);

/* The read place: where reading goes on for shards that have nothing pending; and the number of
 * shards that items were spread over. */
struct remote_place remote_position_read(const struct remote_position *position);
uint32_t remote_position_shards(const struct remote_position *position);
struct remote_pending remote_position_pending(const struct remote_position *position,
                                              uint32_t shard);

/* remote_position_set_read notes the read place; the number of shards may change only while none
 * has anything pending. */
void remote_position_set_read(struct remote_position *position, struct remote_place read,
                              uint32_t shards);
void remote_position_set_pending(struct remote_position *position, uint32_t shard,
                                 const struct remote_pending *pending);

/* remote_position_sync makes it safe against a loss of power. */
int remote_position_sync(struct remote_position *position, struct baro_error *err);
