#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PATH_SIZE = 2048, DEPTH_MAX = 16 };

struct object {
    char *name; /* "bucket/key" */
    uint64_t bytes;
};

struct store {
    char directory[PATH_SIZE / 2];
    pthread_mutex_t lock; /* all below, and changes of files */
    char buckets[STORE_BUCKETS_MAX][64];
    size_t bucket_count;
    struct object *objects; /* by name */
    size_t count, capacity;
};

bool store_bucket_is_name(const char *name)
{
    size_t len = strlen(name);

    return len >= 3 && len < 64 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len &&
           name[0] != '-' && name[len - 1] != '-';
}

bool store_key_is_good(const char *key)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/";
    size_t len = strlen(key);
    int depth = 0;

    for (const char *at = key; (at = strchr(at, '/')) != NULL; at++) {
        depth++;
    }
    return len > 0 && len < STORE_KEY_SIZE && strspn(key, letters) == len && key[0] != '/' &&
           key[len - 1] != '/' && strstr(key, "//") == NULL && strstr(key, "..") == NULL &&
           strstr(key, "/./") == NULL && strncmp(key, "./", 2) != 0 && strcmp(key, ".") != 0 &&
           depth < DEPTH_MAX;
}

/* ---- the index ---- */

/* Where the name is, or belongs. */
static size_t place_of(const struct store *store, const char *name)
{
    size_t low = 0, high = store->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(store->objects[middle].name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_at(const struct store *store, size_t at, const char *name)
{
    return at < store->count && strcmp(store->objects[at].name, name) == 0;
}

static int index_put(struct store *store, const char *name, uint64_t bytes)
{
    size_t at = place_of(store, name);
    char *copy;

    if (is_at(store, at, name)) {
        store->objects[at].bytes = bytes;
        return 0;
    }
    if (store->count >= STORE_OBJECTS_MAX) {
        return -ENOSPC;
    }
    if (store->count == store->capacity) {
        size_t capacity = store->capacity == 0 ? 64 : 2 * store->capacity;
        struct object *grown = realloc(store->objects, capacity * sizeof(*grown));

        if (grown == NULL) {
            return -ENOMEM;
        }
        store->objects = grown;
        store->capacity = capacity;
    }
    copy = strdup(name);
    if (copy == NULL) {
        return -ENOMEM;
    }
    memmove(&store->objects[at + 1], &store->objects[at],
            (store->count - at) * sizeof(store->objects[0]));
    store->objects[at] = (struct object){copy, bytes};
    store->count++;
    return 0;
}

static void index_remove(struct store *store, size_t at)
{
    free(store->objects[at].name);
    store->count--;
    memmove(&store->objects[at], &store->objects[at + 1],
            (store->count - at) * sizeof(store->objects[0]));
}

static bool bucket_is_locked(const struct store *store, const char *bucket)
{
    for (size_t i = 0; i < store->bucket_count; i++) {
        if (strcmp(store->buckets[i], bucket) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- the start ---- */

/* Takes the files below directory/name into the index. */
static int directory_read(struct store *store, const char *name, int depth)
{
    char path[PATH_SIZE];
    DIR *directory;
    int r = 0;

    (void)snprintf(path, sizeof(path), "%s/%s", store->directory, name);
    directory = opendir(path);
    for (struct dirent *entry; r == 0 && directory != NULL && depth <= DEPTH_MAX &&
                               (entry = readdir(directory)) != NULL;) {
        char inner[STORE_KEY_SIZE + 64];
        struct stat status = {.st_mode = 0};
        int len = snprintf(inner, sizeof(inner), "%s/%s", name, entry->d_name);

        if (entry->d_name[0] == '.' || len < 0 || (size_t)len >= sizeof(inner)) {
            continue; /* "." and "..", and what no put has made */
        }
        (void)snprintf(path, sizeof(path), "%s/%s", store->directory, inner);
        if (lstat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
            r = directory_read(store, inner, depth + 1);
        } else if (S_ISREG(status.st_mode)) {
            r = index_put(store, inner, (uint64_t)status.st_size);
        }
    }
    if (directory != NULL) {
        (void)closedir(directory);
    }
    return r;
}

static int buckets_read(struct store *store)
{
    DIR *directory = opendir(store->directory);
    int r = directory != NULL ? 0 : -errno;

    for (struct dirent *entry; r == 0 && (entry = readdir(directory)) != NULL;) {
        if (store_bucket_is_name(entry->d_name) && store->bucket_count < STORE_BUCKETS_MAX) {
            (void)snprintf(store->buckets[store->bucket_count++], sizeof(store->buckets[0]),
                           "%.63s", entry->d_name);
            r = directory_read(store, entry->d_name, 0);
        }
    }
    if (directory != NULL) {
        (void)closedir(directory);
    }
    return r;
}

int store_open(const char *directory, struct store **ret, struct svc_error *err)
{
    struct store *store = calloc(1, sizeof(*store));
    int r;

    if (store == NULL || strlen(directory) >= sizeof(store->directory)) {
        free(store);
        return svc_fail(err, -EINVAL, "--data: the path is too long");
    }
    (void)snprintf(store->directory, sizeof(store->directory), "%s", directory);
    (void)pthread_mutex_init(&store->lock, NULL);
    r = mkdir(directory, 0750) < 0 && errno != EEXIST ? -errno : buckets_read(store);
    if (r < 0) {
        (void)store_close(store);
        return svc_fail(err, r, "--data=%.120s: %s", directory, strerrordesc_np(-r));
    }
    *ret = store;
    return 0;
}

struct store *store_close(struct store *store)
{
    if (store != NULL) {
        for (size_t i = 0; i < store->count; i++) {
            free(store->objects[i].name);
        }
        free(store->objects);
        (void)pthread_mutex_destroy(&store->lock);
        free(store);
    }
    return NULL;
}

/* ---- buckets and objects ---- */

int store_bucket_make(struct store *store, const char *bucket, struct svc_error *err)
{
    char path[PATH_SIZE];
    int r = 0;

    if (!store_bucket_is_name(bucket)) {
        return svc_fail(err, -EINVAL, "a bucket's name is 3 to 63 letters a-z, digits and '-'");
    }
    (void)snprintf(path, sizeof(path), "%s/%s", store->directory, bucket);
    (void)pthread_mutex_lock(&store->lock);
    if (bucket_is_locked(store, bucket)) {
        r = svc_fail(err, -EEXIST, "the bucket is there already");
    } else if (store->bucket_count == STORE_BUCKETS_MAX) {
        r = svc_fail(err, -ENOSPC, "at most %d buckets", STORE_BUCKETS_MAX);
    } else if (mkdir(path, 0750) < 0 && errno != EEXIST) {
        r = svc_fail(err, -errno, "bucket %s: %s", bucket, strerrordesc_np(errno));
    } else {
        (void)snprintf(store->buckets[store->bucket_count++], sizeof(store->buckets[0]), "%s",
                       bucket);
    }
    (void)pthread_mutex_unlock(&store->lock);
    return r;
}

bool store_bucket_is(struct store *store, const char *bucket)
{
    bool found;

    (void)pthread_mutex_lock(&store->lock);
    found = bucket_is_locked(store, bucket);
    (void)pthread_mutex_unlock(&store->lock);
    return found;
}

/* The object's name in the index and its path; false when bucket or key cannot be. */
static bool names_make(struct store *store, const char *bucket, const char *key, char *ret_name,
                       char *ret_path)
{
    if (!store_bucket_is_name(bucket) || !store_key_is_good(key)) {
        return false;
    }
    (void)snprintf(ret_name, STORE_KEY_SIZE + 64, "%s/%s", bucket, key);
    (void)snprintf(ret_path, PATH_SIZE, "%s/%s", store->directory, ret_name);
    return bucket_is_locked(store, bucket);
}

/* Makes the directories between the store's and the file. */
static void directories_make(const struct store *store, char *path)
{
    for (char *at = path + strlen(store->directory) + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        (void)mkdir(path, 0750); /* what does not work shows when the file is written */
        *at = '/';
    }
}

int store_put(struct store *store, const char *bucket, const char *key, const void *ptr, size_t len,
              struct svc_error *err)
{
    char name[STORE_KEY_SIZE + 64], path[PATH_SIZE];
    int r;

    (void)pthread_mutex_lock(&store->lock);
    if (!names_make(store, bucket, key, name, path)) {
        r = svc_fail(err, -ENOENT, "no such bucket, or no key");
    } else {
        directories_make(store, path);
        r = svc_file_write(path, ptr, len, err);
        if (r >= 0) {
            r = index_put(store, name, len);
            if (r < 0) {
                (void)unlink(path);
                (void)svc_fail(err, r, "at most %d objects", STORE_OBJECTS_MAX);
            }
        }
    }
    (void)pthread_mutex_unlock(&store->lock);
    return r;
}

int store_get(struct store *store, const char *bucket, const char *key, size_t max,
              struct svc_bytes *ret, struct svc_error *err)
{
    char name[STORE_KEY_SIZE + 64], path[PATH_SIZE];
    bool found;

    (void)pthread_mutex_lock(&store->lock);
    found = names_make(store, bucket, key, name, path) && is_at(store, place_of(store, name), name);
    (void)pthread_mutex_unlock(&store->lock);
    return found ? svc_file_read(path, max, ret, err) : svc_fail(err, -ENOENT, "no such object");
}

int store_delete(struct store *store, const char *bucket, const char *key, struct svc_error *err)
{
    char name[STORE_KEY_SIZE + 64], path[PATH_SIZE];
    int r = 0;

    (void)pthread_mutex_lock(&store->lock);
    if (names_make(store, bucket, key, name, path) && is_at(store, place_of(store, name), name)) {
        if (unlink(path) < 0 && errno != ENOENT) {
            r = svc_fail(err, -errno, "%s: %s", key, strerrordesc_np(errno));
        } else {
            index_remove(store, place_of(store, name));
        }
    } else {
        r = svc_fail(err, -ENOENT, "no such object");
    }
    (void)pthread_mutex_unlock(&store->lock);
    return r;
}

bool store_usage(struct store *store, size_t index, struct store_usage *ret)
{
    bool found;

    (void)pthread_mutex_lock(&store->lock);
    found = index < store->bucket_count;
    if (found) {
        char prefix[80];
        size_t len = (size_t)snprintf(prefix, sizeof(prefix), "%s/", store->buckets[index]);

        *ret = (struct store_usage){.bytes = 0};
        (void)snprintf(ret->bucket, sizeof(ret->bucket), "%s", store->buckets[index]);
        for (size_t i = place_of(store, prefix);
             i < store->count && strncmp(store->objects[i].name, prefix, len) == 0; i++) {
            ret->bytes += store->objects[i].bytes;
            ret->objects++;
        }
    }
    (void)pthread_mutex_unlock(&store->lock);
    return found;
}

int store_list(struct store *store, const char *bucket, const char *prefix, const char *after,
               size_t max, store_object *object, void *context)
{
    char begin[2 * STORE_KEY_SIZE];
    size_t bucket_len = strlen(bucket) + 1;
    size_t given = 0;
    int more = -ENOENT;

    (void)pthread_mutex_lock(&store->lock);
    if (bucket_is_locked(store, bucket)) {
        more = 0;
        (void)snprintf(begin, sizeof(begin), "%s/%.*s", bucket, STORE_KEY_SIZE,
                       strcmp(after, prefix) > 0 ? after : prefix);
        for (size_t i = place_of(store, begin); i < store->count && more == 0; i++) {
            const char *name = store->objects[i].name;

            if (strncmp(name, begin, bucket_len) != 0 ||
                strncmp(name + bucket_len, prefix, strlen(prefix)) != 0) {
                break;
            }
            if (strcmp(name + bucket_len, after) <= 0) {
                continue;
            }
            if (given++ < max) {
                object(context, name + bucket_len, store->objects[i].bytes);
            } else {
                more = 1;
            }
        }
    }
    (void)pthread_mutex_unlock(&store->lock);
    return more;
}

bool store_space(const struct store *store, uint64_t *ret_total, uint64_t *ret_free)
{
    struct statvfs status;

    if (statvfs(store->directory, &status) < 0) {
        return false;
    }
    *ret_total = (uint64_t)status.f_blocks * status.f_frsize;
    *ret_free = (uint64_t)status.f_bavail * status.f_frsize;
    return true;
}
