/*
 * memory: what this process has in RAM, as the kernel counts it. Any thread; costs a few
 * microseconds.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct memory_use {
    uint64_t resident_bytes;
    uint64_t anonymous_bytes; /* of them, what no file stands behind: the kernel cannot drop it */
};

/* memory_use_read is false when the kernel does not say. */
bool memory_use_read(struct memory_use *ret);
