/*
 * cache: results by the hash of what they were made from. Bytes are bounded; what was used longest
 * ago goes first. Any thread; a found value is copied out.
 */
#pragma once

#include "svc_util.h"

struct cache;

struct cache *cache_new(size_t bytes_max);
struct cache *cache_free(struct cache *cache);

/* A key: SHA-256 of everything that the value depends on. */
struct cache_key {
    uint8_t digest[SVC_SHA256_SIZE];
};

/* cache_key_of hashes bytes and a text of parameters. */
struct cache_key cache_key_of(const void *ptr, size_t len, const char *parameters);

/* cache_get copies a value into *ret (of the caller then); false = there is none. */
bool cache_get(struct cache *cache, const struct cache_key *key, struct svc_bytes *ret);

/* cache_put keeps a copy, if it is not larger than an eighth of all. */
void cache_put(struct cache *cache, const struct cache_key *key, const void *ptr, size_t len);

size_t cache_bytes(struct cache *cache);
