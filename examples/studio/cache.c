#include "cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1024, PART_MAX = 8 }; /* one value takes an eighth at most */

struct entry {
    struct entry *next; /* in its slot */
    struct entry *older, *newer;
    struct cache_key key;
    size_t len;
    uint8_t bytes[];
};

struct cache {
    pthread_mutex_t lock; /* of all below */
    size_t bytes, bytes_max;
    struct entry *newest, *oldest;
    struct entry *slots[SLOTS];
};

struct cache *cache_new(size_t bytes_max)
{
    struct cache *cache = calloc(1, sizeof(*cache));

    if (cache != NULL) {
        cache->bytes_max = bytes_max;
        (void)pthread_mutex_init(&cache->lock, NULL);
    }
    return cache;
}

struct cache_key cache_key_of(const void *ptr, size_t len, const char *parameters)
{
    struct cache_key key = {{0}};
    size_t more = strlen(parameters);
    uint8_t *joined = malloc(SVC_SHA256_SIZE + more);
    uint8_t first[SVC_SHA256_SIZE];

    svc_sha256(ptr, len, first);
    if (joined == NULL) {
        svc_random_hex((char *)key.digest, sizeof(key.digest)); /* matches nothing */
        return key;
    }
    memcpy(joined, first, sizeof(first));
    memcpy(joined + sizeof(first), parameters, more);
    svc_sha256(joined, sizeof(first) + more, key.digest);
    free(joined);
    return key;
}

static struct entry **slot_of(struct cache *cache, const struct cache_key *key)
{
    return &cache->slots[(key->digest[0] | (unsigned)key->digest[1] << 8) % SLOTS];
}

static struct entry **find_locked(struct cache *cache, const struct cache_key *key)
{
    struct entry **at = slot_of(cache, key);

    while (*at != NULL && memcmp(&(*at)->key, key, sizeof(*key)) != 0) {
        at = &(*at)->next;
    }
    return at;
}

static void unlink_locked(struct cache *cache, struct entry *entry)
{
    *(entry->newer != NULL ? &entry->newer->older : &cache->newest) = entry->older;
    *(entry->older != NULL ? &entry->older->newer : &cache->oldest) = entry->newer;
}

static void push_locked(struct cache *cache, struct entry *entry)
{
    entry->newer = NULL;
    entry->older = cache->newest;
    *(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) = entry;
    cache->newest = entry;
}

static void drop_locked(struct cache *cache, struct entry *entry)
{
    struct entry **at = find_locked(cache, &entry->key);

    *at = entry->next;
    unlink_locked(cache, entry);
    cache->bytes -= sizeof(*entry) + entry->len;
    free(entry);
}

bool cache_get(struct cache *cache, const struct cache_key *key, struct svc_bytes *ret)
{
    struct svc_bytes copy = {0};
    struct entry *entry;

    (void)pthread_mutex_lock(&cache->lock);
    entry = *find_locked(cache, key);
    if (entry != NULL) {
        unlink_locked(cache, entry);
        push_locked(cache, entry);
        copy.max = entry->len + 1;
        svc_bytes_put(&copy, entry->bytes, entry->len);
    }
    (void)pthread_mutex_unlock(&cache->lock);
    if (entry == NULL || copy.failed) {
        svc_bytes_done(&copy);
        return false;
    }
    *ret = copy;
    return true;
}

void cache_put(struct cache *cache, const struct cache_key *key, const void *ptr, size_t len)
{
    struct entry *entry = NULL;
    struct entry **at;

    if (len <= cache->bytes_max / PART_MAX) {
        entry = malloc(sizeof(*entry) + len);
    }
    if (entry == NULL) {
        return;
    }
    *entry = (struct entry){.key = *key, .len = len};
    memcpy(entry->bytes, ptr, len);
    (void)pthread_mutex_lock(&cache->lock);
    at = find_locked(cache, key);
    if (*at != NULL) {
        drop_locked(cache, *at);
    }
    while (cache->oldest != NULL && cache->bytes + sizeof(*entry) + len > cache->bytes_max) {
        drop_locked(cache, cache->oldest);
    }
    at = slot_of(cache, key);
    entry->next = *at;
    *at = entry;
    push_locked(cache, entry);
    cache->bytes += sizeof(*entry) + len;
    (void)pthread_mutex_unlock(&cache->lock);
}

size_t cache_bytes(struct cache *cache)
{
    size_t bytes;

    (void)pthread_mutex_lock(&cache->lock);
    bytes = cache->bytes;
    (void)pthread_mutex_unlock(&cache->lock);
    return bytes;
}

struct cache *cache_free(struct cache *cache)
{
    if (cache == NULL) {
        return NULL;
    }
    while (cache->oldest != NULL) {
        drop_locked(cache, cache->oldest);
    }
    (void)pthread_mutex_destroy(&cache->lock);
    free(cache);
    return NULL;
}
