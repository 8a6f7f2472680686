/*
 * am_fps: a hash map from fingerprints (64 bits, any value) to pointers, open addressing with
 * linear probing. A zeroed struct am_fps is empty and ready. Values are not NULL. Not thread-safe.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct am_fp_slot {
    uint64_t fp;
    void *value; /* NULL = free slot */
};

struct am_fps {
    struct am_fp_slot *slots;
    size_t count;
    size_t capacity; /* 0 or a power of two */
};

void am_fps_done(struct am_fps *fps);

/* am_fps_get returns the value or NULL. */
void *am_fps_get(const struct am_fps *fps, uint64_t fp);

/* am_fps_put stores or replaces; returns the value that was there before, or NULL. */
void *am_fps_put(struct am_fps *fps, uint64_t fp, void *value);

/* am_fps_remove returns the value that was removed, or NULL. */
void *am_fps_remove(struct am_fps *fps, uint64_t fp);

/* am_fps_next walks in slot order; start with *index = 0; NULL at the end. No changes meanwhile. */
const struct am_fp_slot *am_fps_next(const struct am_fps *fps, size_t *index);
