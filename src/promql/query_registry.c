#include "promql/query_registry.h"

#include <string.h>

#include "base/buf.h"
#include "base/lock.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "sys/clock.h"
#include "sys/fs.h"

struct query_registry {
    struct lock lock;
    struct running_query *first; /* lock: this; oldest first */
    struct running_query *last;
    uint64_t ids;
    const struct fs *fs;
    fs_file file;
    struct fs_map map;               /* of the file; ptr NULL = it is written instead */
    bool used[QUERY_REGISTRY_SLOTS]; /* lock: this */
};

struct query_registry *query_registry_new(void)
{
    struct query_registry *registry = MEM_NEW(struct query_registry);

    lock_init(&registry->lock, LOCK_LEAF);
    registry->file = FS_FILE_NONE;
    return registry;
}

struct query_registry *query_registry_free(struct query_registry *registry)
{
    if (registry != NULL) {
        if (registry->map.ptr != NULL) {
            registry->fs->unmap(registry->fs, registry->map);
        }
        if (registry->file != FS_FILE_NONE) {
            (void)registry->fs->close(registry->fs, registry->file, NULL);
        }
        lock_done(&registry->lock);
    }
    return mem_free(registry);
}

/* ---- the file ---- */

static void read_left(str content, struct buf *ret)
{
    for (size_t at = 1; at < content.len; at += QUERY_REGISTRY_SLOT_BYTES) {
        str slot = str_slice(content, at, at + QUERY_REGISTRY_SLOT_BYTES);
        size_t size = slot.len;

        /* The JSON ends with the last brace; a comma and zeros follow. */
        while (size > 0 && slot.ptr[size - 1] != '}') {
            size--;
        }
        if (size > 1 && slot.ptr[0] == '{') {
            buf_bytes(ret, slot.ptr, size);
            buf_char(ret, '\n');
        }
    }
}

int query_registry_track(struct query_registry *registry, const struct fs *fs, const char *path,
                         struct buf *ret, struct baro_error *err)
{
    enum { FILE_BYTES = 1 + QUERY_REGISTRY_SLOTS * QUERY_REGISTRY_SLOT_BYTES };
    struct arena arena = {0};
    fs_file file = FS_FILE_NONE;
    struct fs_map map = {0};
    str content = STR_NULL;
    char *blank;
    int r;

    if (fs_read_all(fs, &arena, path, 4 * FILE_BYTES, &content, NULL) >= 0) {
        read_left(content, ret);
    }
    r = fs->open(fs, path, FS_CREATE, &file, err);
    if (r >= 0) {
        blank = arena_alloc_zero(&arena, FILE_BYTES);
        blank[0] = '[';
        r = fs->truncate(fs, file, 0, err);
        r = r < 0 ? r : fs->pwrite(fs, file, blank, FILE_BYTES, 0, err);
        if (r < 0) {
            (void)fs->close(fs, file, NULL);
        }
    }
    arena_done(&arena);
    if (r < 0) {
        return r;
    }
    if (fs->map_shared != NULL) {
        (void)fs->map_shared(fs, path, &map, NULL);
    }
    lock_acquire(&registry->lock);
    registry->fs = fs;
    registry->file = file;
    registry->map = map.size >= FILE_BYTES ? map : (struct fs_map){0};
    lock_release(&registry->lock);
    return 0;
}

/* The text is cut so that the slot holds it, however many of its bytes are escaped. Returns the
 * bytes. */
static size_t slot_json(const struct running_query *query, char ret[QUERY_REGISTRY_SLOT_BYTES])
{
    struct buf buf = {0};
    size_t most = query->text.len;
    size_t size = 0;

    (void)buf_reserve(&buf, QUERY_REGISTRY_SLOT_BYTES);
    do {
        struct json_writer json;

        buf_reset(&buf);
        json = json_write_over(&buf);
        json_write_object_begin(&json);
        json_write_pair_str(&json, STR("query"), str_slice(query->text, 0, most));
        json_write_pair_i64(&json, STR("timestamp_sec"), query->begun / 1000);
        json_write_object_end(&json);
        buf_char(&buf, ',');
        most = most * 3 / 4;
    } while (buf.len > QUERY_REGISTRY_SLOT_BYTES && most > 0);
    if (buf.len <= QUERY_REGISTRY_SLOT_BYTES && !buf.failed) {
        size = buf.len;
        memcpy(ret, buf.ptr, size);
    }
    buf_done(&buf);
    return size;
}

/* The file is a help after a crash: that it cannot be written stops no query. A slot that is not
 * used is all zeros, so only what a query has of it is written, and taken back. */
static void write_slot(struct query_registry *registry, int slot, const char *bytes, size_t size)
{
    uint64_t offset = 1 + (uint64_t)slot * QUERY_REGISTRY_SLOT_BYTES;

    if (registry->map.ptr != NULL) {
        memcpy((char *)(uintptr_t)registry->map.ptr + offset, bytes, size);
    } else {
        (void)registry->fs->pwrite(registry->fs, registry->file, bytes, size, offset, NULL);
    }
}

static int take_slot_locked(struct query_registry *registry)
{
    for (int i = 0; registry->file != FS_FILE_NONE && i < QUERY_REGISTRY_SLOTS; i++) {
        if (!registry->used[i]) {
            registry->used[i] = true;
            return i;
        }
    }
    return -1;
}

/* ---- running ---- */

void query_registry_begin(struct query_registry *registry, struct running_query *query)
{
    query->begun_mono = clock_mono(clock_real());
    atomic_init(&query->killed, false);
    lock_acquire(&registry->lock);
    query->id = ++registry->ids;
    query->next = NULL;
    query->before = registry->last;
    if (registry->last != NULL) {
        registry->last->next = query;
    } else {
        registry->first = query;
    }
    registry->last = query;
    query->slot = take_slot_locked(registry);
    lock_release(&registry->lock);
    if (query->slot >= 0) {
        char bytes[QUERY_REGISTRY_SLOT_BYTES];

        query->slot_bytes = slot_json(query, bytes);
        write_slot(registry, query->slot, bytes, query->slot_bytes);
    }
}

void query_registry_end(struct query_registry *registry, struct running_query *query)
{
    if (query->slot >= 0) {
        static const char blank[QUERY_REGISTRY_SLOT_BYTES];

        write_slot(registry, query->slot, blank, query->slot_bytes);
    }
    lock_acquire(&registry->lock);
    if (query->slot >= 0) {
        registry->used[query->slot] = false;
    }
    if (query->before != NULL) {
        query->before->next = query->next;
    } else {
        registry->first = query->next;
    }
    if (query->next != NULL) {
        query->next->before = query->before;
    } else {
        registry->last = query->before;
    }
    lock_release(&registry->lock);
}

bool query_registry_kill(struct query_registry *registry, uint64_t id)
{
    bool found = false;

    lock_acquire(&registry->lock);
    for (struct running_query *query = registry->first; query != NULL; query = query->next) {
        if (query->id == id) {
            atomic_store_explicit(&query->killed, true, memory_order_relaxed);
            found = true;
        }
    }
    lock_release(&registry->lock);
    return found;
}

static size_t count_locked(const struct query_registry *registry)
{
    size_t count = 0;

    for (const struct running_query *query = registry->first; query != NULL; query = query->next) {
        count++;
    }
    return count;
}

/* Texts are bounded (PROMQL_TEXT_MAX), and so is how many queries run: copying under the lock does
 * not hold others up for long. */
struct query_listing *query_registry_list(struct query_registry *registry, struct arena *arena,
                                          size_t *ret_count)
{
    struct query_listing *list;
    mono now = clock_mono(clock_real());
    size_t count;

    lock_acquire(&registry->lock);
    count = count_locked(registry);
    list = ARENA_ARRAY(arena, struct query_listing, count + 1);
    count = 0;
    for (const struct running_query *query = registry->first; query != NULL; query = query->next) {
        list[count++] = (struct query_listing){
            .id = query->id,
            .text = arena_str(arena, query->text),
            .client = arena_str(arena, query->client),
            .kind = query->kind,
            .begun = query->begun,
            .running_ns = now - query->begun_mono,
            .killed = atomic_load_explicit(&query->killed, memory_order_relaxed),
        };
    }
    lock_release(&registry->lock);
    *ret_count = count;
    return list;
}
