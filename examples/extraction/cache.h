/*
 * cache: results that are asked for again, by key: in this process with the least recently used one
 * leaving first, or in Redis. What is in it can always be had from the database. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "svc_util.h"

enum {
    CACHE_ENTRIES_MAX = 1024,
    CACHE_KEY_SIZE = 128,
    CACHE_VALUE_BYTES_MAX = 1 << 20,
    CACHE_SECONDS = 3600
};

struct cache;

/* cache_new: redis NULL = embedded; prefix is put before keys in Redis. */
int cache_new(const char *redis, const char *prefix, struct cache **ret, struct svc_error *err);
struct cache *cache_free(struct cache *cache);

/* Each returns whether the key was there, a negative errno when Redis does not answer or the value
 * is too long. cache_get returns a malloc'd, NUL-terminated value. */
int cache_get(struct cache *cache, const char *key, char **ret);
int cache_set(struct cache *cache, const char *key, const char *value);
int cache_delete(struct cache *cache, const char *key);

/* cache_fill puts junk into Redis until it uses that share of its maxmemory; how many keys, or
 * -ENOTSUP when there is no Redis or no maxmemory. It is for the fault redis-memory. */
long cache_fill(struct cache *cache, double share, struct svc_error *err);

/* cache_drain takes the junk of an earlier fault out of Redis, which keeps it longer than the fault
 * lasts; how many keys. */
long cache_drain(struct cache *cache);
