/*
 * store: buckets of objects in a directory, BUCKET/KEY, with an index of keys and sizes in memory
 * that is made anew at the start. Keys are segments of [A-Za-z0-9._-] joined by '/'. Any thread; a
 * put object is there whole or not at all.
 */
#pragma once

#include "svc_util.h"

enum { STORE_BUCKETS_MAX = 64, STORE_OBJECTS_MAX = 100000, STORE_KEY_SIZE = 512 };

struct store;

int store_open(const char *directory, struct store **ret, struct svc_error *err);
struct store *store_close(struct store *store);

bool store_bucket_is_name(const char *name);
bool store_key_is_good(const char *key);

/* store_bucket_make: -EEXIST when it is there already, -EINVAL for a name that is none. */
int store_bucket_make(struct store *store, const char *bucket, struct svc_error *err);
bool store_bucket_is(struct store *store, const char *bucket);

/* Objects: -ENOENT when bucket or key is not there. */
int store_put(struct store *store, const char *bucket, const char *key, const void *ptr, size_t len,
              struct svc_error *err);
int store_get(struct store *store, const char *bucket, const char *key, size_t max,
              struct svc_bytes *ret, struct svc_error *err);
int store_delete(struct store *store, const char *bucket, const char *key, struct svc_error *err);

/* What is in a bucket. index counts buckets from 0; false behind the last one. */
struct store_usage {
    char bucket[64];
    uint64_t bytes, objects;
};
bool store_usage(struct store *store, size_t index, struct store_usage *ret);

/* store_list calls `object` for keys of the bucket behind `after`, in order, with this prefix, at
 * most `max`; returns whether there are more, or -ENOENT. */
typedef void store_object(void *context, const char *key, uint64_t bytes);
int store_list(struct store *store, const char *bucket, const char *prefix, const char *after,
               size_t max, store_object *object, void *context);

/* store_space is the size of the file system and what is free of it. */
bool store_space(const struct store *store, uint64_t *ret_total, uint64_t *ret_free);
