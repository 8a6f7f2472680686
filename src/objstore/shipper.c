#include "objstore/shipper.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"
#include "client/self.h"
#include "codec/json_write.h"
#include "objstore/shipper_state.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "tsdb/block_writer.h"

#define UPLOAD_DIR "thanos/upload"

enum {
    SYNC_EVERY_MS = 30 * 1000, /* as Thanos */
    BACKOFF_MIN_MS = 1000,
    BACKOFF_MAX_MS = 5 * 60 * 1000,
    UPLOADS_MAX = 100000,
};

struct shipper {
    struct shipper_options options;
    const struct fs *fs;
    char *data_dir;
    struct objstore *store;
    struct shipper_state state; /* of the thread that syncs */
    uint64_t files_sent;        /* likewise: while there is progress, it is tried again soon */
    _Atomic bool stop;          /* relaxed; also ends requests */

    struct lock lock;
    pthread_cond_t wake;
    bool must_stop; /* lock: this one */
    bool has_news;  /* lock: this one; a block was linked */
    pthread_t thread;
    bool has_thread;
};

/* ---- the meta.json that Thanos wants ---- */

static void put_labels(struct json_writer *json, struct conf_pairs labels)
{
    json_write_key(json, STR("labels"));
    json_write_object_begin(json);
    for (size_t i = 0; i < labels.count; i++) {
        json_write_pair_plain(json, labels.items[i].name, labels.items[i].value);
    }
    json_write_object_end(json);
}

static void put_files(struct json_writer *json, const struct shipper_file *files, size_t count)
{
    json_write_key(json, STR("segment_files"));
    json_write_array_begin(json);
    for (size_t i = 0; i < count; i++) {
        if (str_has_prefix(files[i].path, STR("chunks/"))) {
            json_write_str_plain(json, str_from_index(files[i].path, strlen("chunks/")));
        }
    }
    json_write_array_end(json);
    json_write_key(json, STR("files"));
    json_write_array_begin(json);
    for (size_t i = 0; i < count; i++) {
        json_write_object_begin(json);
        json_write_pair_plain(json, STR("rel_path"), files[i].path);
        json_write_key(json, STR("size_bytes"));
        json_write_u64(json, files[i].bytes);
        json_write_object_end(json);
    }
    json_write_object_begin(json);
    json_write_pair_plain(json, STR("rel_path"), STR("meta.json"));
    json_write_object_end(json);
    json_write_array_end(json);
}

void shipper_meta_write(const struct block_meta *meta, struct conf_pairs labels,
                        const struct shipper_file *files, size_t count, struct buf *buf)
{
    struct json_writer json = json_write_over(buf);

    block_meta_write(meta, buf);
    /* The last member goes before the closing brace. */
    while (buf->len > 0 && buf->ptr[buf->len - 1] != '}') {
        buf->len--;
    }
    buf->len -= buf->len > 0;
    while (buf->len > 0 && buf->ptr[buf->len - 1] == '\n') {
        buf->len--;
    }
    buf_c(buf, ",\n\t\"thanos\": ");
    json_write_object_begin(&json);
    json_write_key(&json, STR("version"));
    json_write_u64(&json, 1);
    put_labels(&json, labels);
    json_write_key(&json, STR("downsample"));
    json_write_object_begin(&json);
    json_write_key(&json, STR("resolution"));
    json_write_u64(&json, 0);
    json_write_object_end(&json);
    json_write_pair_plain(&json, STR("source"), STR("sidecar"));
    put_files(&json, files, count);
    json_write_object_end(&json);
    buf_c(buf, "\n}\n");
}

/* ---- linking ---- */

static int link_file(const struct fs *fs, const char *from, const char *to, struct baro_error *err)
{
    int r = fs->link(fs, from, to, err);

    return r == -EEXIST ? 0 : r;
}

static int link_block(struct shipper *shipper, const char *directory, const char *to,
                      struct baro_error *err)
{
    const struct fs *fs = shipper->fs;
    struct arena arena = {0};
    const char *chunks = fs_path(&arena, directory, "chunks"),
               *chunks_to = fs_path(&arena, to, "chunks");
    struct fs_entry *entries = NULL;
    size_t count = 0;
    int r = fs->mkdir(fs, to, err);

    if (r >= 0) {
        r = fs->mkdir(fs, chunks_to, err);
    }
    if (r >= 0) {
        r = fs->list(fs, &arena, chunks, &entries, &count, err);
    }
    for (size_t i = 0; r >= 0 && i < count; i++) {
        r = link_file(fs, fs_path(&arena, chunks, entries[i].name.ptr),
                      fs_path(&arena, chunks_to, entries[i].name.ptr), err);
    }
    if (r >= 0) {
        r = link_file(fs, fs_path(&arena, directory, "index"), fs_path(&arena, to, "index"), err);
    }
    /* Last: a directory with a meta.json is whole. */
    if (r >= 0) {
        r = link_file(fs, fs_path(&arena, directory, "meta.json"), fs_path(&arena, to, "meta.json"),
                      err);
    }
    arena_done(&arena);
    return r;
}

static const char *upload_dir(const struct shipper *shipper, struct arena *arena, const char *ulid)
{
    const char *all = fs_path(arena, shipper->data_dir, UPLOAD_DIR);

    return ulid != NULL ? fs_path(arena, all, ulid) : all;
}

static int make_upload_dir(struct shipper *shipper, struct arena *arena, struct baro_error *err)
{
    int r = shipper->fs->mkdir(shipper->fs, fs_path(arena, shipper->data_dir, "thanos"), err);

    return r < 0 ? r : shipper->fs->mkdir(shipper->fs, upload_dir(shipper, arena, NULL), err);
}

/* Links by way of another name (each thread has its own suffix), so that a half-linked block is
 * never taken for a whole one. */
static int take_block(struct shipper *shipper, const char *directory, const char *ulid,
                      const char *suffix, struct baro_error *err)
{
    const struct fs *fs = shipper->fs;
    struct arena arena = {0};
    const char *to = upload_dir(shipper, &arena, ulid);
    const char *tmp = arena_printf(&arena, "%s.%s", to, suffix).ptr;
    int r = make_upload_dir(shipper, &arena, err);

    if (r >= 0) {
        r = fs_remove_tree(fs, tmp, err);
    }
    if (r >= 0) {
        r = link_block(shipper, directory, tmp, err);
    }
    if (r >= 0) {
        r = fs->rename(fs, tmp, to, err);
        r = r == -EEXIST || r == -ENOTEMPTY ? fs_remove_tree(fs, tmp, err) : r;
    }
    arena_done(&arena);
    return r;
}

void shipper_block_written(struct shipper *shipper, const char *directory,
                           const struct block_meta *meta)
{
    struct baro_error err = {0};

    if (meta->level == 1 && take_block(shipper, directory, meta->ulid, "new", &err) < 0) {
        log_warn("a block cannot be linked for its upload; it is tried again",
                 log_c("block", meta->ulid), log_err(&err));
    }
    lock_acquire(&shipper->lock);
    shipper->has_news = true;
    (void)pthread_cond_signal(&shipper->wake);
    lock_release(&shipper->lock);
}

/* ---- uploading ---- */

/* A block in thanos/upload. */
struct shipment {
    struct shipper *shipper;
    struct arena arena;
    const char *dir;
    struct block_meta meta;
    VEC(struct shipper_file) files; /* but meta.json */
};

static int add_file(struct shipment *shipment, const char *path, struct baro_error *err)
{
    const struct fs *fs = shipment->shipper->fs;
    struct shipper_file file = {.path = str_from(path)};
    fs_file open = FS_FILE_NONE;
    int r = fs->open(fs, fs_path(&shipment->arena, shipment->dir, path), FS_READ, &open, err);

    if (r >= 0) {
        r = fs->size(fs, open, &file.bytes, err);
        (void)fs->close(fs, open, NULL);
        vec_push(&shipment->files, file);
    }
    return r;
}

static int open_shipment(struct shipment *shipment, struct baro_error *err)
{
    const struct fs *fs = shipment->shipper->fs;
    struct arena *arena = &shipment->arena;
    struct fs_entry *entries = NULL;
    size_t count = 0;
    str raw = STR_NULL;
    int r = fs_read_all(fs, arena, fs_path(arena, shipment->dir, "meta.json"), BLOCK_META_BYTES_MAX,
                        &raw, err);

    if (r >= 0) {
        r = block_meta_parse(raw, &shipment->meta, err);
    }
    if (r >= 0) {
        r = fs->list(fs, arena, fs_path(arena, shipment->dir, "chunks"), &entries, &count, err);
    }
    for (size_t i = 0; r >= 0 && i < count; i++) {
        r = add_file(shipment, fs_path(arena, "chunks", entries[i].name.ptr), err);
    }
    return r < 0 ? r : add_file(shipment, "index", err);
}

static void close_shipment(struct shipment *shipment)
{
    vec_done(&shipment->files);
    block_meta_done(&shipment->meta);
    arena_done(&shipment->arena);
}

static str object_name(struct shipment *shipment, str path)
{
    return arena_printf(&shipment->arena, "%s/%.*s", shipment->meta.ulid, STR_ARG(path));
}

static int keep_progress(void *context, UNUSED const struct objstore_upload *upload,
                         struct baro_error *err)
{
    struct shipper *shipper = context;

    shipper->files_sent++;
    return shipper_state_keep(&shipper->state, err);
}

static int upload_file(struct shipment *shipment, const struct shipper_file *file,
                       struct baro_error *err)
{
    struct shipper *shipper = shipment->shipper;
    const struct fs *fs = shipper->fs;
    struct fs_map map = {0};
    int r = fs->map(fs, fs_path(&shipment->arena, shipment->dir, file->path.ptr), &map, err);

    if (r >= 0) {
        r = objstore_put(shipper->store, object_name(shipment, file->path),
                         str_of(map.ptr, map.size), &shipper->state.upload, keep_progress, shipper,
                         err);
        fs->unmap(fs, map);
    }
    return r;
}

static int upload_meta(struct shipment *shipment, struct conf_pairs labels, struct baro_error *err)
{
    struct buf json = {0};
    int r;

    shipper_meta_write(&shipment->meta, labels, shipment->files.items, shipment->files.count,
                       &json);
    r = json.failed
            ? error_set(err, -ENOMEM, "no memory for meta.json")
            : objstore_put(shipment->shipper->store, object_name(shipment, STR("meta.json")),
                           buf_view(&json), NULL, NULL, NULL, err);
    buf_done(&json);
    return r;
}

/* 1 when the bucket has the block already: meta.json comes last, so it is there whole. */
static int is_in_bucket(struct shipment *shipment, struct baro_error *err)
{
    struct buf meta = {0};
    int r = objstore_get(shipment->shipper->store, object_name(shipment, STR("meta.json")),
                         BLOCK_META_BYTES_MAX, &meta, err);

    buf_done(&meta);
    return r;
}

static int upload_files(struct shipment *shipment, struct baro_error *err)
{
    struct shipper_state *state = &shipment->shipper->state;
    int r = 0;

    shipper_state_begin(state, shipment->meta.ulid);
    if (state->files_done > shipment->files.count) {
        state->files_done = 0;
    }
    for (size_t i = state->files_done; r >= 0 && i < shipment->files.count; i++) {
        r = upload_file(shipment, &shipment->files.items[i], err);
        if (r >= 0) {
            objstore_upload_done(&state->upload);
            state->files_done = i + 1;
            shipment->shipper->files_sent++;
            r = shipper_state_keep(state, err);
        }
    }
    return r;
}

/* Whether the samples of a block are in the bucket by way of a block that it descends from. */
static bool has_uploaded_source(const struct shipper_state *state, const struct block_meta *meta)
{
    for (size_t i = 0; i < meta->sources.count; i++) {
        if (shipper_state_has(state, meta->sources.items[i].ulid)) {
            return true;
        }
    }
    return shipper_state_has(state, meta->ulid);
}

static int upload_block(struct shipper *shipper, struct shipment *shipment, struct baro_error *err)
{
    struct conf_pairs labels = shipper->options.labels(shipper->options.context, &shipment->arena);
    int64_t start = clock_mono(clock_real());
    int r;

    if (labels.count == 0) {
        return error_set(err, BARO_EINVALID,
                         "global.external_labels is empty: Thanos tells stores apart by it");
    }
    r = is_in_bucket(shipment, err);
    if (r > 0) {
        log_info("the bucket has the block already", log_c("block", shipment->meta.ulid));
        return 0;
    }
    r = r < 0 ? r : upload_files(shipment, err);
    r = r < 0 ? r : upload_meta(shipment, labels, err);
    if (r < 0) {
        self_add(SELF_SHIPPER_UPLOAD_FAILURES, 1);
        return r;
    }
    self_add(SELF_SHIPPER_UPLOADS, 1);
    log_info("block uploaded", log_c("block", shipment->meta.ulid),
             log_c("bucket", objstore_url(shipper->store)),
             log_int("files", (int64_t)shipment->files.count + 1),
             log_int("dur_ms", (clock_mono(clock_real()) - start) / MONO_PER_MS));
    return 1;
}

/* One block of thanos/upload: 1 when it was uploaded, 0 when that was not needed. */
static int ship(struct shipper *shipper, const char *ulid, struct baro_error *err)
{
    struct shipment shipment = {.shipper = shipper};
    int r;

    shipment.dir = upload_dir(shipper, &shipment.arena, ulid);
    r = open_shipment(&shipment, err);
    if (r >= 0 && strcmp(shipment.meta.ulid, ulid) != 0) {
        r = error_set(err, BARO_ECORRUPT, "meta.json names another block, %s", shipment.meta.ulid);
    }
    if (r >= 0 && !has_uploaded_source(&shipper->state, &shipment.meta)) {
        r = upload_block(shipper, &shipment, err);
    }
    if (r >= 0) {
        int kept = shipper_state_add(&shipper->state, ulid, err);

        kept = kept < 0 ? kept : fs_remove_tree(shipper->fs, shipment.dir, err);
        r = kept < 0 ? kept : r;
    }
    close_shipment(&shipment);
    return r < 0 ? error_wrap(err, r, "upload of block %s", ulid) : r;
}

/* Links the blocks of the data directory that are not uploaded yet. */
static int take_all(struct shipper *shipper, struct arena *arena, const struct fs_entry *entries,
                    size_t count, struct baro_error *err)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < count; i++) {
        const char *dir = fs_path(arena, shipper->data_dir, entries[i].name.ptr);
        struct block_meta meta = {0};
        str raw = STR_NULL;

        if (!entries[i].is_dir || !ulid_is_valid(entries[i].name) ||
            shipper_state_has(&shipper->state, entries[i].name.ptr) ||
            fs_read_all(shipper->fs, arena, fs_path(arena, dir, "meta.json"), BLOCK_META_BYTES_MAX,
                        &raw, NULL) < 0 ||
            block_meta_parse(raw, &meta, NULL) < 0) {
            continue;
        }
        if ((meta.level == 1 || shipper->options.upload_compacted) && meta.series_count > 0 &&
            !has_uploaded_source(&shipper->state, &meta)) {
            r = take_block(shipper, dir, entries[i].name.ptr, "old", err);
            r = r == -ENOENT ? 0 : r; /* it was merged meanwhile */
        }
        block_meta_done(&meta);
    }
    return r;
}

struct directory {
    const struct fs_entry *entries;
    size_t count;
};

/* Uploaded blocks are remembered as long as they, or what descends from them, may be there. */
static bool is_remembered(void *context, const char *ulid)
{
    const struct directory *directory = context;
    ts oldest = INT64_MAX;

    for (size_t i = 0; i < directory->count; i++) {
        if (directory->entries[i].is_dir && ulid_is_valid(directory->entries[i].name)) {
            ts made = ulid_time(directory->entries[i].name.ptr);

            oldest = made < oldest ? made : oldest;
            if (str_is(directory->entries[i].name, ulid)) {
                return true;
            }
        }
    }
    /* A block of many sources is younger than they are: ninety days are longer than any merge. */
    return ulid_time(ulid) > oldest - 90 * (dur)DUR_DAY;
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct fs_entry *)a)->name, ((const struct fs_entry *)b)->name);
}

int shipper_sync(struct shipper *shipper, struct baro_error *err)
{
    const struct fs *fs = shipper->fs;
    struct arena arena = {0};
    struct fs_entry *entries = NULL;
    struct baro_error first = {0};
    size_t count = 0;
    int shipped = 0;
    int r = fs->list(fs, &arena, shipper->data_dir, &entries, &count, err);

    self_add(SELF_SHIPPER_SYNCS, 1);
    if (r >= 0) {
        r = shipper_state_drop(&shipper->state, is_remembered, &(struct directory){entries, count},
                               err);
    }
    if (r >= 0) {
        r = take_all(shipper, &arena, entries, count, err);
    }
    if (r >= 0) {
        r = fs->list(fs, &arena, upload_dir(shipper, &arena, NULL), &entries, &count, err);
        count = r == -ENOENT ? 0 : count;
        r = r == -ENOENT ? 0 : r;
    }
    if (r >= 0 && count > 1) {
        /* ULIDs sort by age. */
        qsort(entries, count, sizeof(entries[0]), by_name);
    }
    for (size_t i = 0; r >= 0 && i < count && i < UPLOADS_MAX; i++) {
        if (!entries[i].is_dir || !ulid_is_valid(entries[i].name)) {
            continue;
        }
        r = ship(shipper, entries[i].name.ptr, &first);
        shipped += r > 0;
    }
    if (r < 0) {
        self_add(SELF_SHIPPER_SYNC_FAILURES, 1);
        if (err != NULL && first.code != 0) {
            *err = first;
        }
    }
    arena_done(&arena);
    return r < 0 ? r : shipped;
}

/* ---- the thread ---- */

/* Waits for `ms`, or for a new block when `for_news`; false when the end has come. */
static bool pause_for(struct shipper *shipper, int64_t ms, bool for_news)
{
    int64_t end = clock_mono(clock_real()) + ms * MONO_PER_MS;
    bool goes_on;

    lock_acquire(&shipper->lock);
    while (!shipper->must_stop && !(for_news && shipper->has_news) &&
           lock_wait(&shipper->lock, &shipper->wake, end)) {
    }
    goes_on = !shipper->must_stop;
    shipper->has_news = false;
    lock_release(&shipper->lock);
    return goes_on;
}

static void *ship_loop(void *context)
{
    struct shipper *shipper = context;
    int64_t backoff_ms = BACKOFF_MIN_MS;
    int64_t pause_ms = 0;
    bool is_calm = true;

    while (pause_for(shipper, pause_ms, is_calm)) {
        struct baro_error err = {0};
        uint64_t before = shipper->files_sent;
        int r = shipper_sync(shipper, &err);

        backoff_ms = shipper->files_sent > before ? BACKOFF_MIN_MS : backoff_ms;
        is_calm = r >= 0;
        pause_ms = is_calm ? SYNC_EVERY_MS : backoff_ms;
        if (r < 0 && r != BARO_ECANCELED) {
            log_error("blocks cannot be uploaded; it is tried again", log_err(&err),
                      log_int("after_ms", backoff_ms));
        }
        backoff_ms = is_calm                           ? BACKOFF_MIN_MS
                     : backoff_ms * 2 < BACKOFF_MAX_MS ? backoff_ms * 2
                                                       : BACKOFF_MAX_MS;
    }
    return NULL;
}

static int check_labels(const struct shipper_options *options, struct baro_error *err)
{
    struct arena arena = {0};
    size_t count = options->labels(options->context, &arena).count;

    arena_done(&arena);
    return count > 0 ? 0
                     : error_set(err, BARO_EINVALID,
                                 "object storage wants global.external_labels in the "
                                 "configuration file: Thanos tells stores apart by them");
}

int shipper_new(const struct shipper_options *options, struct shipper **ret, struct baro_error *err)
{
    struct shipper *shipper;
    int r = check_labels(options, err);

    if (r < 0) {
        return r;
    }
    shipper = MEM_NEW(struct shipper);
    shipper->options = *options;
    shipper->fs = options->fs != NULL ? options->fs : fs_real();
    shipper->data_dir = str_dup_c(str_from(options->data_dir));
    shipper->store = objstore_new(options->config, &shipper->stop);
    lock_init(&shipper->lock, LOCK_SHIPPER);
    lock_condition_init(&shipper->wake);
    shipper_state_open(&shipper->state, shipper->fs, shipper->data_dir);
    if (!options->no_thread) {
        r = pthread_create(&shipper->thread, NULL, ship_loop, shipper);
        if (r != 0) {
            (void)shipper_free(shipper);
            return error_system(err, r, "start the thread that uploads");
        }
        (void)pthread_setname_np(shipper->thread, "shipper");
        shipper->has_thread = true;
    }
    *ret = shipper;
    return 0;
}

struct shipper *shipper_free(struct shipper *shipper)
{
    if (shipper == NULL) {
        return NULL;
    }
    atomic_store_explicit(&shipper->stop, true, memory_order_relaxed);
    lock_acquire(&shipper->lock);
    shipper->must_stop = true;
    (void)pthread_cond_broadcast(&shipper->wake);
    lock_release(&shipper->lock);
    if (shipper->has_thread) {
        (void)pthread_join(shipper->thread, NULL);
    }
    shipper_state_done(&shipper->state);
    (void)objstore_free(shipper->store);
    (void)pthread_cond_destroy(&shipper->wake);
    lock_done(&shipper->lock);
    (void)mem_free(shipper->data_dir);
    return mem_free(shipper);
}
