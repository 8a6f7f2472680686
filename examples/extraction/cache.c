#include "cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "redis.h"

enum { FILL_KEYS_MAX = 100000, FILL_BYTES = 64 << 10, DRAIN_SCANS_MAX = 1000 };

struct entry {
    char key[CACHE_KEY_SIZE]; /* "" = free */
    char *value;
    uint64_t used; /* a clock of look-ups */
};

struct cache {
    pthread_mutex_t lock;
    struct redis *redis; /* lock: cache.lock, as all below */
    char prefix[64];
    struct entry *entries;
    uint64_t clock;
};

int cache_new(const char *redis, const char *prefix, struct cache **ret, struct svc_error *err)
{
    struct cache *cache = calloc(1, sizeof(*cache));
    int r = 0;

    if (cache == NULL) {
        return svc_fail(err, -ENOMEM, "out of memory");
    }
    (void)pthread_mutex_init(&cache->lock, NULL);
    (void)snprintf(cache->prefix, sizeof(cache->prefix), "%s", prefix);
    if (redis != NULL) {
        r = redis_open(redis, &cache->redis, err);
    } else {
        cache->entries = calloc(CACHE_ENTRIES_MAX, sizeof(*cache->entries));
        r = cache->entries != NULL ? 0 : svc_fail(err, -ENOMEM, "out of memory");
    }
    if (r < 0) {
        (void)cache_free(cache);
        return r;
    }
    *ret = cache;
    return 0;
}

struct cache *cache_free(struct cache *cache)
{
    if (cache != NULL) {
        for (size_t i = 0; cache->entries != NULL && i < CACHE_ENTRIES_MAX; i++) {
            free(cache->entries[i].value);
        }
        free(cache->entries);
        cache->redis = redis_close(cache->redis);
        (void)pthread_mutex_destroy(&cache->lock);
        free(cache);
    }
    return NULL;
}

static struct entry *find_locked(struct cache *cache, const char *key)
{
    for (size_t i = 0; key[0] != '\0' && i < CACHE_ENTRIES_MAX; i++) {
        if (strcmp(cache->entries[i].key, key) == 0) {
            cache->entries[i].used = ++cache->clock;
            return &cache->entries[i];
        }
    }
    return NULL;
}

static struct entry *oldest_locked(struct cache *cache)
{
    struct entry *oldest = &cache->entries[0];

    for (size_t i = 1; i < CACHE_ENTRIES_MAX; i++) {
        oldest = cache->entries[i].used < oldest->used ? &cache->entries[i] : oldest;
    }
    return oldest;
}

static void key_of(const struct cache *cache, const char *key, char ret[CACHE_KEY_SIZE + 64])
{
    (void)snprintf(ret, CACHE_KEY_SIZE + 64, "%s:cache:%s", cache->prefix, key);
}

static int redis_get(struct cache *cache, const char *key, char **ret)
{
    char full[CACHE_KEY_SIZE + 64];
    redisReply *reply;
    int r = -EIO;

    key_of(cache, key, full);
    reply = redis_text(cache->redis, 2, (const char *[]){"GET", full});
    if (reply != NULL && reply->type == REDIS_REPLY_STRING) {
        *ret = strndup(reply->str, reply->len);
        r = *ret != NULL ? 1 : -ENOMEM;
    } else if (reply != NULL && reply->type == REDIS_REPLY_NIL) {
        r = 0;
    }
    freeReplyObject(reply);
    return r;
}

int cache_get(struct cache *cache, const char *key, char **ret)
{
    struct entry *entry;
    int r = 0;

    (void)pthread_mutex_lock(&cache->lock);
    if (cache->redis != NULL) {
        r = redis_get(cache, key, ret);
    } else {
        entry = find_locked(cache, key);
        if (entry != NULL) {
            *ret = strdup(entry->value);
            r = *ret != NULL ? 1 : -ENOMEM;
        }
    }
    (void)pthread_mutex_unlock(&cache->lock);
    return r;
}

static int redis_set(struct cache *cache, const char *key, const char *value)
{
    char full[CACHE_KEY_SIZE + 64];
    char seconds[16];
    redisReply *reply;
    int r;

    key_of(cache, key, full);
    (void)snprintf(seconds, sizeof(seconds), "%d", CACHE_SECONDS);
    reply = redis_text(cache->redis, 6, (const char *[]){"SET", full, value, "EX", seconds, "GET"});
    r = reply == NULL ? -EIO : reply->type == REDIS_REPLY_STRING ? 1 : 0;
    freeReplyObject(reply);
    return r;
}

int cache_set(struct cache *cache, const char *key, const char *value)
{
    struct entry *entry;
    char *copy;
    int r;

    if (strlen(value) > CACHE_VALUE_BYTES_MAX || strlen(key) >= CACHE_KEY_SIZE || key[0] == '\0') {
        return -E2BIG;
    }
    (void)pthread_mutex_lock(&cache->lock);
    if (cache->redis != NULL) {
        r = redis_set(cache, key, value);
    } else {
        entry = find_locked(cache, key);
        r = entry != NULL ? 1 : 0;
        copy = strdup(value);
        entry = entry != NULL ? entry : oldest_locked(cache);
        if (copy == NULL) {
            r = -ENOMEM;
        } else {
            free(entry->value);
            *entry = (struct entry){.value = copy, .used = ++cache->clock};
            (void)snprintf(entry->key, sizeof(entry->key), "%s", key);
        }
    }
    (void)pthread_mutex_unlock(&cache->lock);
    return r;
}

int cache_delete(struct cache *cache, const char *key)
{
    char full[CACHE_KEY_SIZE + 64];
    struct entry *entry;
    redisReply *reply;
    int r = 0;

    (void)pthread_mutex_lock(&cache->lock);
    if (cache->redis != NULL) {
        key_of(cache, key, full);
        reply = redis_text(cache->redis, 2, (const char *[]){"DEL", full});
        r = reply != NULL && reply->type == REDIS_REPLY_INTEGER ? (int)reply->integer : -EIO;
        freeReplyObject(reply);
    } else if ((entry = find_locked(cache, key)) != NULL) {
        free(entry->value);
        *entry = (struct entry){0};
        r = 1;
    }
    (void)pthread_mutex_unlock(&cache->lock);
    return r;
}

/* A figure of INFO memory, "used_memory:123", or -1. */
static double info_number(struct redis *redis, const char *name)
{
    redisReply *reply = redis_text(redis, 2, (const char *[]){"INFO", "memory"});
    const char *at =
        reply != NULL && reply->type == REDIS_REPLY_STRING ? strstr(reply->str, name) : NULL;
    double value = at != NULL ? strtod(at + strlen(name), NULL) : -1;

    freeReplyObject(reply);
    return value;
}

long cache_fill(struct cache *cache, double share, struct svc_error *err)
{
    double most = cache->redis != NULL ? info_number(cache->redis, "\r\nmaxmemory:") : -1;
    char *junk = calloc(FILL_BYTES + 1, 1);
    long count = 0;

    if (most <= 0 || junk == NULL) {
        free(junk);
        return svc_fail(err, -ENOTSUP,
                        "fault redis-memory: give --redis of a server with a maxmemory");
    }
    memset(junk, 'x', FILL_BYTES);
    while (count < FILL_KEYS_MAX && info_number(cache->redis, "\r\nused_memory:") < most * share) {
        char key[32];

        (void)snprintf(key, sizeof(key), "fill:%ld", count);
        if (cache_set(cache, key, junk) < 0) {
            break;
        }
        count++;
    }
    free(junk);
    return count;
}

/* Drops the keys of one answer to SCAN, and keeps its cursor; how many, negative when there is
 * none.
 */
static long drop_found(struct cache *cache, const redisReply *found, char *cursor, size_t size)
{
    long count = 0;

    if (found == NULL || found->type != REDIS_REPLY_ARRAY || found->elements != 2 ||
        found->element[0]->type != REDIS_REPLY_STRING) {
        return -EIO;
    }
    (void)snprintf(cursor, size, "%s", found->element[0]->str);
    for (size_t i = 0; i < found->element[1]->elements; i++) {
        redisReply *reply = redis_text(cache->redis, 2,
                                       (const char *[]){"DEL", found->element[1]->element[i]->str});

        count += reply != NULL && reply->type == REDIS_REPLY_INTEGER ? (long)reply->integer : 0;
        freeReplyObject(reply);
    }
    return count;
}

long cache_drain(struct cache *cache)
{
    char pattern[CACHE_KEY_SIZE + 64];
    char cursor[24] = "0";
    long count = 0;
    long dropped = 0;

    key_of(cache, "fill:*", pattern);
    for (int i = 0; cache->redis != NULL && i < DRAIN_SCANS_MAX && dropped >= 0; i++) {
        redisReply *found;

        (void)pthread_mutex_lock(&cache->lock);
        found = redis_text(cache->redis, 6,
                           (const char *[]){"SCAN", cursor, "MATCH", pattern, "COUNT", "1000"});
        dropped = drop_found(cache, found, cursor, sizeof(cursor));
        freeReplyObject(found);
        (void)pthread_mutex_unlock(&cache->lock);
        count += dropped > 0 ? dropped : 0;
        if (strcmp(cursor, "0") == 0) {
            break;
        }
    }
    return count;
}
