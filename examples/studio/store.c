#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <sqlite3.h>

enum { IMAGE_BYTES_MAX = 64 << 20, BUSY_MS = 2000, PATH_SIZE = 1024, WALK_FDS = 8 };

struct store {
    struct store_options options;
    sqlite3 *db;
    pthread_mutex_t lock;  /* of db: one statement at a time, so that changes() is its own */
    _Atomic uint64_t used; /* bytes of all files, when there is a quota */
};

static const char schema[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    "CREATE TABLE IF NOT EXISTS images (id TEXT PRIMARY KEY, format TEXT NOT NULL, width INTEGER "
    "NOT "
    "NULL, height INTEGER NOT NULL, size INTEGER NOT NULL, seq INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS jobs (id TEXT PRIMARY KEY, seq INTEGER NOT NULL, type TEXT NOT "
    "NULL, "
    "state TEXT NOT NULL, body TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS jobs_seq ON jobs (seq);"
    "CREATE INDEX IF NOT EXISTS images_seq ON images (seq);";

/* A statement with its lock and its time. */
struct query {
    struct store *store;
    sqlite3_stmt *statement;
    const char *type;
    int64_t start_ns;
};

static int query_begin(struct store *store, const char *type, const char *sql, struct query *ret,
                       struct svc_error *err)
{
    (void)pthread_mutex_lock(&store->lock);
    *ret = (struct query){.store = store, .type = type, .start_ns = svc_mono_ns()};
    if (sqlite3_prepare_v2(store->db, sql, -1, &ret->statement, NULL) != SQLITE_OK) {
        (void)svc_fail(err, -EIO, "database: %.150s", sqlite3_errmsg(store->db));
        (void)pthread_mutex_unlock(&store->lock);
        return -EIO;
    }
    return 0;
}

static void bind_text(struct query *query, int at, const char *text)
{
    (void)sqlite3_bind_text(query->statement, at, text, -1, SQLITE_TRANSIENT);
}

static void bind_int(struct query *query, int at, int64_t value)
{
    (void)sqlite3_bind_int64(query->statement, at, value);
}

/* 1 = a row, 0 = the end, < 0 = failed. */
static int query_step(struct query *query, struct svc_error *err)
{
    int r = sqlite3_step(query->statement);

    if (r == SQLITE_ROW || r == SQLITE_DONE) {
        return r == SQLITE_ROW;
    }
    return svc_fail(err, r == SQLITE_FULL ? -ENOSPC : -EIO, "database: %.150s",
                    sqlite3_errmsg(query->store->db));
}

static void query_end(struct query *query)
{
    (void)sqlite3_finalize(query->statement);
    (void)pthread_mutex_unlock(&query->store->lock);
    orfeas_db_query_duration_seconds_observe(query->type, svc_since_s(query->start_ns));
}

/* Runs a statement that gives no rows. */
static int query_run(struct query *query, struct svc_error *err)
{
    int r = query_step(query, err);

    query_end(query);
    return r;
}

/* ---- files ---- */

static void path_of(const struct store *store, const char *kind, const char *name, char *ret)
{
    (void)snprintf(ret, PATH_SIZE, "%s/%s/%s", store->options.directory, kind, name);
}

static uint64_t walk_sum; /* nftw has no context; under walk_lock */
static pthread_mutex_t walk_lock = PTHREAD_MUTEX_INITIALIZER;

static int walk_add(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)path;
    (void)at;
    walk_sum += kind == FTW_F ? (uint64_t)info->st_size : 0;
    return 0;
}

static uint64_t directory_bytes(const char *path)
{
    uint64_t sum;

    (void)pthread_mutex_lock(&walk_lock);
    walk_sum = 0;
    (void)nftw(path, walk_add, WALK_FDS, FTW_PHYS);
    sum = walk_sum;
    (void)pthread_mutex_unlock(&walk_lock);
    return sum;
}

static int check_quota(struct store *store, size_t len, struct svc_error *err)
{
    if (store->options.quota_bytes != 0 && store->used + len > store->options.quota_bytes) {
        return svc_fail(err, -ENOSPC, "%s: the quota of %llu bytes is used up: delete results",
                        store->options.directory, (unsigned long long)store->options.quota_bytes);
    }
    return 0;
}

static int write_file(struct store *store, const char *path, const void *ptr, size_t len,
                      struct svc_error *err)
{
    int r = check_quota(store, len, err);

    if (r == 0) {
        r = svc_file_write(path, ptr, len, err);
    }
    if (r == 0) {
        store->used += len;
    }
    return r;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

/* ---- opening ---- */

static int make_directory(const char *path, struct svc_error *err)
{
    if (mkdir(path, 0755) < 0 && errno != EEXIST) {
        int r = -errno;

        return svc_fail(err, r, "--data=%.150s: cannot be made: %s", path, strerrordesc_np(-r));
    }
    return 0;
}

static int open_database(struct store *store, struct svc_error *err)
{
    char path[PATH_SIZE];

    (void)snprintf(path, sizeof(path), "%s/studio.sqlite", store->options.directory);
    if (sqlite3_open_v2(path, &store->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX,
                        NULL) != SQLITE_OK ||
        sqlite3_busy_timeout(store->db, BUSY_MS) != SQLITE_OK ||
        sqlite3_exec(store->db, schema, NULL, NULL, NULL) != SQLITE_OK) {
        return svc_fail(err, -EIO, "%.120s: %.100s", path,
                        store->db != NULL ? sqlite3_errmsg(store->db) : "out of memory");
    }
    /* What was running when the last run ended will not go on. */
    (void)sqlite3_exec(store->db,
                       "UPDATE jobs SET state = 'failed' WHERE state IN ('queued', 'running')",
                       NULL, NULL, NULL);
    return 0;
}

int store_open(const struct store_options *options, struct store **ret, struct svc_error *err)
{
    struct store *store = calloc(1, sizeof(*store));
    char path[PATH_SIZE];
    int r;

    if (store == NULL) {
        return svc_fail(err, -ENOMEM, "database: out of memory");
    }
    store->options = *options;
    (void)pthread_mutex_init(&store->lock, NULL);
    r = strlen(options->directory) < PATH_SIZE / 2
            ? make_directory(options->directory, err)
            : svc_fail(err, -ENAMETOOLONG, "--data: the path is too long");
    for (size_t i = 0; i < 2 && r == 0; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", options->directory,
                       i == 0 ? "images" : "results");
        r = make_directory(path, err);
    }
    if (r == 0) {
        r = open_database(store, err);
    }
    if (r < 0) {
        (void)store_close(store);
        return r;
    }
    store->used = directory_bytes(options->directory);
    *ret = store;
    return 0;
}

struct store *store_close(struct store *store)
{
    if (store != NULL) {
        (void)sqlite3_close(store->db);
        (void)pthread_mutex_destroy(&store->lock);
        free(store);
    }
    return NULL;
}

/* ---- images ---- */

/* Deletes what is beyond the bound, oldest first; ids of what was deleted go through `gone`. */
static void drop_oldest(struct store *store, const char *sql, long kept,
                        void (*gone)(struct store *store, const char *id))
{
    enum { ROUNDS_MAX = 64 }; /* a put adds one, so a few are enough */

    for (int i = 0; i < ROUNDS_MAX; i++) {
        struct query query;
        char id[SVC_SHA256_HEX_SIZE] = "";

        if (query_begin(store, "delete", sql, &query, NULL) < 0) {
            return;
        }
        bind_int(&query, 1, kept);
        if (query_step(&query, NULL) == 1) {
            (void)snprintf(id, sizeof(id), "%s", sqlite3_column_text(query.statement, 0));
            (void)query_step(&query, NULL);
        }
        query_end(&query);
        if (id[0] == '\0') {
            return;
        }
        gone(store, id);
    }
}

static void image_gone(struct store *store, const char *id)
{
    char path[PATH_SIZE];

    path_of(store, "images", id, path);
    (void)unlink(path);
}

int store_image_put(struct store *store, const void *ptr, size_t len, const char *format,
                    uint32_t width, uint32_t height, struct store_image *ret, struct svc_error *err)
{
    struct store_image image = {.width = width, .height = height, .size = len};
    char path[PATH_SIZE];
    struct query query;
    int r;

    svc_sha256_hex(ptr, len, image.id);
    (void)snprintf(image.format, sizeof(image.format), "%s", format);
    if (store_image_get(store, image.id, ret, NULL) == 0) {
        return 1;
    }
    path_of(store, "images", image.id, path);
    r = write_file(store, path, ptr, len, err);
    if (r == 0) {
        r = query_begin(store, "insert",
                        "INSERT OR REPLACE INTO images VALUES (?1, ?2, ?3, ?4, ?5, (SELECT "
                        "coalesce(max(seq), 0) + 1 FROM images))",
                        &query, err);
    }
    if (r < 0) {
        return r;
    }
    bind_text(&query, 1, image.id);
    bind_text(&query, 2, image.format);
    bind_int(&query, 3, width);
    bind_int(&query, 4, height);
    bind_int(&query, 5, (int64_t)len);
    r = query_run(&query, err);
    if (r == 0) {
        *ret = image;
        drop_oldest(store,
                    "DELETE FROM images WHERE seq = (SELECT min(seq) FROM images) AND (SELECT "
                    "count(*) FROM images) > ?1 RETURNING id",
                    store->options.images_kept, image_gone);
    }
    return r;
}

int store_image_get(struct store *store, const char *id, struct store_image *ret,
                    struct svc_error *err)
{
    struct query query;
    int r = query_begin(store, "select",
                        "SELECT format, width, height, size FROM images WHERE id=?1", &query, err);

    if (r < 0) {
        return r;
    }
    bind_text(&query, 1, id);
    r = query_step(&query, err);
    if (r == 1) {
        (void)snprintf(ret->id, sizeof(ret->id), "%s", id);
        (void)snprintf(ret->format, sizeof(ret->format), "%s",
                       sqlite3_column_text(query.statement, 0));
        ret->width = (uint32_t)sqlite3_column_int64(query.statement, 1);
        ret->height = (uint32_t)sqlite3_column_int64(query.statement, 2);
        ret->size = (size_t)sqlite3_column_int64(query.statement, 3);
    }
    query_end(&query);
    if (r == 0) {
        return svc_fail(err, -ENOENT, "image_id: %.70s: no such image: upload it first", id);
    }
    return r < 0 ? r : 0;
}

int store_image_read(struct store *store, const char *id, struct svc_bytes *ret,
                     struct svc_error *err)
{
    char path[PATH_SIZE];

    if (strlen(id) != SVC_SHA256_HEX_SIZE - 1 ||
        strspn(id, "0123456789abcdef") != SVC_SHA256_HEX_SIZE - 1) {
        return svc_fail(err, -ENOENT, "image_id: not a hash: upload an image first");
    }
    path_of(store, "images", id, path);
    return svc_file_read(path, IMAGE_BYTES_MAX, ret, err);
}

/* ---- jobs ---- */

static void job_gone(struct store *store, const char *id)
{
    char path[PATH_SIZE];

    path_of(store, "results", id, path);
    (void)nftw(path, remove_entry, WALK_FDS, FTW_PHYS | FTW_DEPTH);
}

int store_job_put(struct store *store, const struct job *job, struct svc_error *err)
{
    json_t *root = job_json(job);
    char *body = root != NULL ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    bool is_new = job->state == JOB_QUEUED;
    struct query query;
    int r =
        body == NULL
            ? svc_fail(err, -ENOMEM, "database: out of memory")
            : query_begin(store, is_new ? "insert" : "update",
                          is_new ? "INSERT INTO jobs VALUES (?1, (SELECT coalesce(max(seq), 0) + "
                                   "1 FROM jobs), ?2, ?3, ?4)"
                                 : "UPDATE jobs SET type=?2, state=?3, body=?4 WHERE id=?1",
                          &query, err);

    json_decref(root);
    if (r == 0) {
        bind_text(&query, 1, job->id);
        bind_text(&query, 2, job_type_name(job->type));
        bind_text(&query, 3, job_state_name(job->state));
        bind_text(&query, 4, body);
        r = query_run(&query, err);
    }
    free(body);
    if (r == 0 && is_new) {
        drop_oldest(store,
                    "DELETE FROM jobs WHERE seq = (SELECT min(seq) FROM jobs WHERE state NOT IN "
                    "('queued', 'running')) AND (SELECT count(*) FROM jobs) > ?1 RETURNING id",
                    store->options.jobs_kept, job_gone);
    }
    return r;
}

static json_t *row_json(struct query *query)
{
    json_t *root = json_loads((const char *)sqlite3_column_text(query->statement, 0), 0, NULL);

    if (root != NULL) {
        /* The column knows of a restart; the body does not. */
        (void)json_object_set_new(
            root, "state", json_string((const char *)sqlite3_column_text(query->statement, 1)));
    }
    return root;
}

json_t *store_job_get(struct store *store, const char *id)
{
    struct query query;
    json_t *root = NULL;

    if (query_begin(store, "select", "SELECT body, state FROM jobs WHERE id=?1", &query, NULL) <
        0) {
        return NULL;
    }
    bind_text(&query, 1, id);
    if (query_step(&query, NULL) == 1) {
        root = row_json(&query);
    }
    query_end(&query);
    return root;
}

json_t *store_jobs(struct store *store, long limit, const char *state)
{
    json_t *rows = json_array();
    struct query query;

    if (query_begin(store, "select",
                    "SELECT body, state FROM jobs WHERE ?1 = '' OR state = ?1 ORDER BY seq DESC "
                    "LIMIT ?2",
                    &query, NULL) < 0) {
        return rows;
    }
    bind_text(&query, 1, state != NULL ? state : "");
    bind_int(&query, 2, limit);
    while (query_step(&query, NULL) == 1) {
        (void)json_array_append_new(rows, row_json(&query));
    }
    query_end(&query);
    return rows;
}

/* ---- results ---- */

static bool is_plain_name(const char *name)
{
    return name[0] != '\0' && name[0] != '.' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.") == strlen(name);
}

void store_result_path(struct store *store, const char *job_id, const char *name, char *ret,
                       size_t size)
{
    ret[0] = '\0';
    if (is_plain_name(job_id) && is_plain_name(name)) {
        (void)snprintf(ret, size, "%s/results/%s/%s", store->options.directory, job_id, name);
    }
}

int store_result_write(struct store *store, const char *job_id, const char *name, const void *ptr,
                       size_t len, struct svc_error *err)
{
    char path[PATH_SIZE];
    int r;

    path_of(store, "results", job_id, path);
    r = make_directory(path, err);
    if (r == 0) {
        store_result_path(store, job_id, name, path, sizeof(path));
        r = write_file(store, path, ptr, len, err);
    }
    return r;
}

int store_ping(struct store *store, struct svc_error *err)
{
    struct query query;
    int r = query_begin(store, "ping", "SELECT count(*) FROM jobs", &query, err);

    if (r == 0) {
        r = query_step(&query, err);
        query_end(&query);
    }
    return r < 0 ? r : 0;
}

void store_usage(struct store *store, struct store_usage *ret)
{
    struct statvfs info;

    *ret = (struct store_usage){.path = store->options.directory};
    if (store->options.quota_bytes != 0) {
        store->used = directory_bytes(store->options.directory);
        ret->total = store->options.quota_bytes;
        ret->used = store->used;
        ret->free = ret->used < ret->total ? ret->total - ret->used : 0;
    } else if (statvfs(store->options.directory, &info) == 0) {
        ret->total = (uint64_t)info.f_blocks * info.f_frsize;
        ret->free = (uint64_t)info.f_bavail * info.f_frsize;
        ret->used = (uint64_t)(info.f_blocks - info.f_bfree) * info.f_frsize;
    }
}

int store_ballast(struct store *store, double share, struct svc_error *err)
{
    char path[PATH_SIZE];
    off_t size = (off_t)(share * (double)store->options.quota_bytes);
    int fd;
    int r;

    (void)snprintf(path, sizeof(path), "%s/ballast", store->options.directory);
    if (share <= 0) {
        (void)unlink(path);
        return 0;
    }
    if (store->options.quota_bytes == 0) {
        return svc_fail(err, -EINVAL,
                        "--fault=disk-fill: give --disk-quota=MB too: this fault "
                        "fills a quota, not the machine");
    }
    /* Sparse: the size counts, the machine's disk does not lose it. */
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    r = fd < 0 || ftruncate(fd, size) < 0 ? -errno : 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return r < 0 ? svc_fail(err, r, "%s: %s", path, strerrordesc_np(-r)) : 0;
}
