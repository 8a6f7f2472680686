/*
 * head_meta: metadata (type, unit, help), each distinct one stored once and named by a number,
 * since all series of a family share theirs. Any thread.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/lock.h"
#include "base/map.h"
#include "base/vec.h"
#include "storage/appender.h"

struct head_meta {
    struct lock lock;
    struct map by_key;                  /* lock: this one; to number as a pointer */
    VEC(const struct metadata *) items; /* lock: this one; by number - 1 */
    struct arena texts;
};

/* Help texts are cut to this many bytes, and beyond this many distinct ones none are added. */
enum { HEAD_META_TEXT_MAX = 4096, HEAD_META_COUNT_MAX = 1 << 20 };

void head_meta_init(struct head_meta *meta);
void head_meta_done(struct head_meta *meta);

/* head_meta_add returns the number of this metadata, from 1; 0 when there are too many. */
uint32_t head_meta_add(struct head_meta *meta, const struct metadata *metadata);

/* head_meta_at returns the metadata of a number; it lives as long as the head. */
const struct metadata *head_meta_at(struct head_meta *meta, uint32_t number);

/* head_meta_count is the greatest number given so far. */
uint32_t head_meta_count(struct head_meta *meta);

size_t head_meta_bytes(struct head_meta *meta);
