#include "sys/fs_fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/vec.h"

enum { SECTOR = 512, NODE_NONE = -1, DISK_BYTES = 1 << 30 };

/* A write that is not synced. */
struct fake_write {
    uint64_t offset;
    str bytes;          /* owned */
    bool is_truncation; /* to `offset` bytes */
};

struct fake_node {
    struct buf seen;    /* what a reader sees */
    struct buf durable; /* what the last sync has left */
    VEC(struct fake_write) pending;
    bool is_dir;
};

/* A name: full paths, so that a directory's rename moves all below it. */
struct fake_name {
    char *path; /* owned */
    int node;
};

struct fake_names {
    VEC(struct fake_name) items;
};

/* A change of names that no sync of a directory has made last. */
struct fake_change {
    enum { NAME_MADE, NAME_MOVED, NAME_REMOVED } kind;
    char *path; /* owned */
    char *to;   /* owned; of NAME_MOVED */
    int node;
};

struct fake_file {
    int node;
    bool is_open;
    bool is_lock;
};

struct fs_fake {
    struct fs fs;
    struct random random;
    VEC(struct fake_node *) nodes;
    struct fake_names seen;
    struct fake_names durable;
    VEC(struct fake_change) changes;
    VEC(struct fake_file) files;
    uint64_t ops;
    uint64_t cut_at;
    bool is_off;
    uint64_t fail_from;
    uint64_t fail_until;
    int fail_code;
    uint64_t maps_left; /* that go well before one fails; UINT64_MAX = all */
    int map_code;
    bool map_has_failed;
};

static struct fs_fake *fake_of(const struct fs *fs)
{
    return CONTAINER_OF((struct fs *)(uintptr_t)fs, struct fs_fake, fs);
}

/* ---- names ---- */

static struct fake_name *names_find(struct fake_names *names, const char *path)
{
    for (size_t i = 0; i < names->items.count; i++) {
        if (strcmp(names->items.items[i].path, path) == 0) {
            return &names->items.items[i];
        }
    }
    return NULL;
}

static void names_remove(struct fake_names *names, const char *path)
{
    struct fake_name *found = names_find(names, path);

    if (found != NULL) {
        (void)mem_free(found->path);
        *found = vec_pop(&names->items);
    }
}

static void names_put(struct fake_names *names, const char *path, int node)
{
    names_remove(names, path);
    vec_push(&names->items, ((struct fake_name){str_dup_c(str_from(path)), node}));
}

static bool is_below(const char *path, const char *dir)
{
    size_t len = strlen(dir);

    return strncmp(path, dir, len) == 0 && path[len] == '/';
}

/* Moves a name, and all names below it. */
static void names_move(struct fake_names *names, const char *from, const char *to)
{
    size_t len = strlen(from);
    uint64_t due = mem_fail_due();

    mem_fail_after(UINT64_MAX); /* the disk has room whatever memory the program has */
    names_remove(names, to);
    for (size_t i = 0; i < names->items.count; i++) {
        struct fake_name *name = &names->items.items[i];

        if (strcmp(name->path, from) == 0 || is_below(name->path, from)) {
            struct buf path = {0};

            buf_c(&path, to);
            buf_c(&path, name->path + len);
            (void)mem_free(name->path);
            name->path = buf_take_c(&path);
        }
    }
    mem_fail_after(due);
}

static void names_copy(struct fake_names *to, const struct fake_names *from)
{
    for (size_t i = 0; i < to->items.count; i++) {
        (void)mem_free(to->items.items[i].path);
    }
    vec_reset(&to->items);
    for (size_t i = 0; i < from->items.count; i++) {
        vec_push(&to->items, ((struct fake_name){str_dup_c(str_from(from->items.items[i].path)),
                                                 from->items.items[i].node}));
    }
}

static void change_done(struct fake_change *change)
{
    (void)mem_free(change->path);
    (void)mem_free(change->to);
}

static void change_apply(struct fake_names *names, const struct fake_change *change)
{
    switch (change->kind) {
    case NAME_MADE:
        names_put(names, change->path, change->node);
        break;
    case NAME_MOVED:
        if (names_find(names, change->path) != NULL) {
            names_move(names, change->path, change->to);
        }
        break;
    case NAME_REMOVED:
        names_remove(names, change->path);
        break;
    }
}

/* A change is seen at once, and lasts from the next sync of any directory on: a journal keeps all
 * that was before. */
static void change_names(struct fs_fake *fake, struct fake_change change)
{
    change.path = str_dup_c(str_from(change.path));
    change.to = change.to != NULL ? str_dup_c(str_from(change.to)) : NULL;
    change_apply(&fake->seen, &change);
    vec_push(&fake->changes, change);
}

/* Makes the first `count` changes last. */
static void keep_changes(struct fs_fake *fake, size_t count)
{
    for (size_t i = 0; i < fake->changes.count; i++) {
        if (i < count) {
            change_apply(&fake->durable, &fake->changes.items[i]);
        }
        change_done(&fake->changes.items[i]);
    }
    vec_reset(&fake->changes);
}

/* ---- contents ---- */

static void grow_content(struct buf *content, size_t more)
{
    uint64_t due = mem_fail_due();

    mem_fail_after(UINT64_MAX);
    buf_zero(content, more);
    mem_fail_after(due);
    ASSERT(!content->failed);
}

static void put_at(struct buf *content, uint64_t offset, const char *bytes, size_t len)
{
    if (len == 0) {
        return;
    }
    if (content->len < offset + len) {
        grow_content(content, (size_t)offset + len - content->len);
    }
    if (len > 0) { /* an empty content has no bytes to point at */
        memcpy(content->ptr + offset, bytes, len);
    }
}

static void set_size(struct buf *content, uint64_t size)
{
    if (size > content->len) {
        grow_content(content, (size_t)size - content->len);
    }
    content->len = (size_t)size;
}

static void copy_content(struct buf *to, const struct buf *from)
{
    buf_reset(to);
    put_at(to, 0, from->ptr, from->len);
}

static void forget_pending(struct fake_node *node)
{
    for (size_t i = 0; i < node->pending.count; i++) {
        (void)mem_free((void *)(uintptr_t)node->pending.items[i].bytes.ptr);
    }
    vec_reset(&node->pending);
}

/* Sector by sector, each with even chance: what a disk may have written of this. */
static void apply_torn(struct fs_fake *fake, struct buf *content, const struct fake_write *write)
{
    if (write->is_truncation) {
        if (random_below(&fake->random, 2) == 0) {
            set_size(content, write->offset);
        }
        return;
    }
    for (uint64_t at = write->offset, end = write->offset + write->bytes.len; at < end;) {
        uint64_t next = (at / SECTOR + 1) * SECTOR;

        next = next < end ? next : end;
        if (random_below(&fake->random, 4) != 0) {
            put_at(content, at, write->bytes.ptr + (at - write->offset), (size_t)(next - at));
        }
        at = next;
    }
}

static void settle_node(struct fs_fake *fake, struct fake_node *node)
{
    for (size_t i = 0; i < node->pending.count; i++) {
        apply_torn(fake, &node->durable, &node->pending.items[i]);
    }
    forget_pending(node);
    copy_content(&node->seen, &node->durable);
}

void fs_fake_reboot(struct fs_fake *fake)
{
    keep_changes(fake, (size_t)random_below(&fake->random, fake->changes.count + 1));
    names_copy(&fake->seen, &fake->durable);
    for (size_t i = 0; i < fake->nodes.count; i++) {
        settle_node(fake, fake->nodes.items[i]);
    }
    vec_reset(&fake->files);
    fake->is_off = false;
    fake->cut_at = UINT64_MAX;
    fake->fail_from = fake->fail_until = 0;
}

/* ---- faults ---- */

static int off(struct baro_error *err)
{
    return error_set(err, -EIO, "the power is off");
}

/* Before every operation that changes something: 0, or how it fails. */
static int begin_op(struct fs_fake *fake, bool needs_room, struct baro_error *err)
{
    uint64_t op = fake->ops;

    if (fake->is_off) {
        return off(err);
    }
    if (op >= fake->cut_at) {
        fake->is_off = true;
        return off(err);
    }
    fake->ops++;
    if (op >= fake->fail_from && op < fake->fail_until &&
        (needs_room || fake->fail_code != -ENOSPC)) {
        return error_system(err, -fake->fail_code, "injected");
    }
    return 0;
}

static int find_node(struct fs_fake *fake, const char *path, struct baro_error *err)
{
    const struct fake_name *name = names_find(&fake->seen, path);

    return name != NULL ? name->node : error_system(err, ENOENT, "open %s", path);
}

/* ---- operations ---- */

static int new_node(struct fs_fake *fake, bool is_dir)
{
    struct fake_node *node = MEM_NEW(struct fake_node);

    node->is_dir = is_dir;
    vec_push(&fake->nodes, node);
    return (int)fake->nodes.count - 1;
}

static bool has_parent(struct fs_fake *fake, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *dir;
    bool is_there;

    if (slash == NULL || slash == path) {
        return true;
    }
    dir = str_dup_c(str_of(path, (size_t)(slash - path)));
    is_there = names_find(&fake->seen, dir) != NULL;
    (void)mem_free(dir);
    return is_there;
}

static int fake_open(const struct fs *fs, const char *path, enum fs_open_mode mode, fs_file *ret,
                     struct baro_error *err)
{
    struct fs_fake *fake = fake_of(fs);
    const struct fake_name *name;
    int node, r;

    if (fake->is_off) {
        return off(err);
    }
    name = names_find(&fake->seen, path);
    if (name != NULL && mode == FS_CREATE_NEW) {
        return error_system(err, EEXIST, "open %s", path);
    }
    if (name == NULL && (mode == FS_READ || mode == FS_WRITE || !has_parent(fake, path))) {
        return error_system(err, ENOENT, "open %s", path);
    }
    if (name == NULL) {
        r = begin_op(fake, true, err);
        if (r < 0) {
            return r;
        }
        node = new_node(fake, false);
        change_names(fake, (struct fake_change){NAME_MADE, (char *)(uintptr_t)path, NULL, node});
    } else {
        node = name->node;
    }
    vec_push(&fake->files, ((struct fake_file){.node = node, .is_open = true}));
    *ret = (int)fake->files.count - 1;
    return 0;
}

/* Files of before a reboot are closed. */
static struct fake_node *node_of(struct fs_fake *fake, fs_file file)
{
    if (fake->is_off || file < 0 || (size_t)file >= fake->files.count ||
        !fake->files.items[file].is_open) {
        return NULL;
    }
    return fake->nodes.items[fake->files.items[file].node];
}

static int fake_pwrite(const struct fs *fs, fs_file file, const void *bytes, size_t len,
                       uint64_t offset, struct baro_error *err)
{
    struct fs_fake *fake = fake_of(fs);
    struct fake_node *node = node_of(fake, file);
    bool was_on = !fake->is_off;
    int r = node == NULL ? off(err) : begin_op(fake, true, err);
    size_t done = len;

    if (r < 0) {
        /* The power fails, or the disk is full, in the middle of the write. */
        if (node == NULL || !was_on) {
            return r;
        }
        done = (size_t)random_below(&fake->random, len + 1);
    }
    put_at(&node->seen, offset, bytes, done);
    vec_push(&node->pending,
             ((struct fake_write){.offset = offset,
                                  .bytes = str_of(str_dup_c(str_of(bytes, done)), done)}));
    return r;
}

static int fake_append(const struct fs *fs, fs_file file, const void *bytes, size_t len,
                       struct baro_error *err)
{
    struct fake_node *node = node_of(fake_of(fs), file);

    return node == NULL ? off(err) : fake_pwrite(fs, file, bytes, len, node->seen.len, err);
}

static int fake_pread(const struct fs *fs, fs_file file, void *bytes, size_t len, uint64_t offset,
                      size_t *ret_len, struct baro_error *err)
{
    struct fake_node *node = node_of(fake_of(fs), file);
    size_t left;

    if (node == NULL) {
        return off(err);
    }
    left = offset < node->seen.len ? node->seen.len - (size_t)offset : 0;
    *ret_len = len < left ? len : left;
    if (*ret_len > 0) {
        memcpy(bytes, node->seen.ptr + offset, *ret_len);
    }
    return 0;
}

static int fake_size(const struct fs *fs, fs_file file, uint64_t *ret, struct baro_error *err)
{
    struct fake_node *node = node_of(fake_of(fs), file);

    if (node == NULL) {
        return off(err);
    }
    *ret = node->seen.len;
    return 0;
}

static int fake_truncate(const struct fs *fs, fs_file file, uint64_t size, struct baro_error *err)
{
    struct fs_fake *fake = fake_of(fs);
    struct fake_node *node = node_of(fake, file);
    int r = node == NULL ? off(err) : begin_op(fake, false, err);

    if (r >= 0) {
        set_size(&node->seen, size);
        vec_push(&node->pending, ((struct fake_write){.offset = size, .is_truncation = true}));
    }
    return r;
}

static int fake_sync(const struct fs *fs, fs_file file, struct baro_error *err)
{
    struct fs_fake *fake = fake_of(fs);
    struct fake_node *node = node_of(fake, file);
    int r = node == NULL ? off(err) : begin_op(fake, true, err);

    if (r >= 0) {
        copy_content(&node->durable, &node->seen);
        forget_pending(node);
    }
    return r;
}

static int fake_close(const struct fs *fs, fs_file file, struct baro_error *err)
{
    struct fs_fake *fake = fake_of(fs);

    (void)err;
    if (file >= 0 && (size_t)file < fake->files.count) {
        fake->files.items[file].is_open = false;
    }
    return 0;
}

static int fake_rename(const struct fs *fs, const char *from, const char *to,
                       struct baro_error *err)
{
    struct fs_fake *fake = fake_of(fs);
    int r = fake->is_off ? off(err) : find_node(fake, from, err);

    for (size_t i = 0; r >= 0 && i < fake->seen.items.count; i++) {
        if (is_below(fake->seen.items.items[i].path, to)) {
            return error_system(err, ENOTEMPTY, "rename %s to %s", from, to);
        }
    }
    if (r >= 0) {
        r = begin_op(fake, true, err);
    }
    if (r >= 0) {
        change_names(fake, (struct fake_change){NAME_MOVED, (char *)(uintptr_t)from,
                                                (char *)(uintptr_t)to, NODE_NONE});
    }
    return r < 0 ? r : 0;
}

static int fake_link(const struct fs *fs, const char *from, const char *to, struct baro_error *err)
{
    struct fs_fake *fake = fake_of(fs);
    int node = fake->is_off ? off(err) : find_node(fake, from, err);
    int r = node < 0 ? node : begin_op(fake, true, err);

    if (r >= 0 && names_find(&fake->seen, to) != NULL) {
        return error_system(err, EEXIST, "link %s", to);
    }
    if (r >= 0) {
        change_names(fake, (struct fake_change){NAME_MADE, (char *)(uintptr_t)to, NULL, node});
    }
    return r < 0 ? r : 0;
}

static int fake_remove(const struct fs *fs, const char *path, struct baro_error *err)
{
    struct fs_fake *fake = fake_of(fs);
    int r = fake->is_off ? off(err) : find_node(fake, path, err);

    for (size_t i = 0; r >= 0 && i < fake->seen.items.count; i++) {
        if (is_below(fake->seen.items.items[i].path, path)) {
            return error_system(err, ENOTEMPTY, "remove %s", path);
        }
    }
    if (r >= 0) {
        r = begin_op(fake, false, err);
    }
    if (r >= 0) {
        change_names(fake,
                     (struct fake_change){NAME_REMOVED, (char *)(uintptr_t)path, NULL, NODE_NONE});
    }
    return r < 0 ? r : 0;
}

static int fake_mkdir(const struct fs *fs, const char *path, struct baro_error *err)
{
    struct fs_fake *fake = fake_of(fs);
    int r;

    if (fake->is_off) {
        return off(err);
    }
    if (names_find(&fake->seen, path) != NULL) {
        return 0;
    }
    if (!has_parent(fake, path)) {
        return error_system(err, ENOENT, "make directory %s", path);
    }
    r = begin_op(fake, true, err);
    if (r >= 0) {
        change_names(fake, (struct fake_change){NAME_MADE, (char *)(uintptr_t)path, NULL,
                                                new_node(fake, true)});
    }
    return r;
}

static int fake_sync_dir(const struct fs *fs, const char *path, struct baro_error *err)
{
    struct fs_fake *fake = fake_of(fs);
    int r = begin_op(fake, true, err);

    (void)path;
    if (r >= 0) {
        keep_changes(fake, fake->changes.count);
    }
    return r;
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct fs_entry *)a)->name, ((const struct fs_entry *)b)->name);
}

static int fake_list(const struct fs *fs, struct arena *arena, const char *path,
                     struct fs_entry **ret, size_t *ret_count, struct baro_error *err)
{
    struct fs_fake *fake = fake_of(fs);
    size_t len = strlen(path);
    int r = fake->is_off ? off(err) : find_node(fake, path, err);

    if (r < 0) {
        return r;
    }
    *ret = ARENA_ARRAY(arena, struct fs_entry, fake->seen.items.count + 1);
    *ret_count = 0;
    for (size_t i = 0; i < fake->seen.items.count; i++) {
        const struct fake_name *name = &fake->seen.items.items[i];

        if (is_below(name->path, path) && strchr(name->path + len + 1, '/') == NULL) {
            (*ret)[(*ret_count)++] =
                (struct fs_entry){arena_str(arena, str_from(name->path + len + 1)),
                                  fake->nodes.items[name->node]->is_dir};
        }
    }
    qsort(*ret, *ret_count, sizeof(**ret), by_name);
    return 0;
}

/* A copy, so that it stays as it is whatever becomes of the file. */
static int fake_map(const struct fs *fs, const char *path, struct fs_map *ret,
                    struct baro_error *err)
{
    struct fs_fake *fake = fake_of(fs);
    int node = fake->is_off ? off(err) : find_node(fake, path, err);
    const struct buf *content;
    char *copy = NULL;

    if (node < 0) {
        return node;
    }
    if (fake->maps_left != UINT64_MAX && fake->maps_left-- == 0) {
        fake->map_has_failed = true;
        return error_system(err, -fake->map_code, "injected");
    }
    content = &fake->nodes.items[node]->seen;
    if (content->len > 0) {
        copy = mem_alloc(content->len);
        memcpy(copy, content->ptr, content->len);
    }
    *ret = (struct fs_map){copy, content->len};
    return 0;
}

static void fake_unmap(const struct fs *fs, struct fs_map map)
{
    (void)fs;
    (void)mem_free((void *)(uintptr_t)map.ptr);
}

static void fake_cool(const struct fs *fs, struct fs_map map)
{
    (void)fs;
    (void)map;
}

static int fake_space(const struct fs *fs, const char *path, uint64_t *ret_size, uint64_t *ret_free,
                      struct baro_error *err)
{
    (void)fs;
    (void)path;
    (void)err;
    if (ret_size != NULL) {
        *ret_size = DISK_BYTES;
    }
    if (ret_free != NULL) {
        *ret_free = DISK_BYTES / 2;
    }
    return 0;
}

static int fake_lock(const struct fs *fs, const char *path, fs_file *ret, struct baro_error *err)
{
    struct fs_fake *fake = fake_of(fs);
    int r = fake_open(fs, path, FS_CREATE, ret, err);

    for (size_t i = 0; r >= 0 && i < fake->files.count; i++) {
        const struct fake_file *file = &fake->files.items[i];

        if (file->is_open && file->is_lock && file->node == fake->files.items[*ret].node) {
            (void)fake_close(fs, *ret, NULL);
            return error_set(err, BARO_EBUSY, "%s is locked", path);
        }
    }
    if (r >= 0) {
        fake->files.items[*ret].is_lock = true;
    }
    return r;
}

struct fs_fake *fs_fake_new(uint64_t seed)
{
    struct fs_fake *fake = MEM_NEW(struct fs_fake);

    fake->fs = (struct fs){
        .open = fake_open,
        .append = fake_append,
        .pwrite = fake_pwrite,
        .pread = fake_pread,
        .size = fake_size,
        .truncate = fake_truncate,
        .sync = fake_sync,
        .close = fake_close,
        .rename = fake_rename,
        .link = fake_link,
        .remove = fake_remove,
        .mkdir = fake_mkdir,
        .sync_dir = fake_sync_dir,
        .list = fake_list,
        .map = fake_map,
        .unmap = fake_unmap,
        .cool = fake_cool,
        .space = fake_space,
        .lock = fake_lock,
    };
    fake->random = (struct random){seed};
    fake->cut_at = fake->maps_left = UINT64_MAX;
    return fake;
}

struct fs_fake *fs_fake_copy(const struct fs_fake *from, uint64_t seed)
{
    struct fs_fake *fake = fs_fake_new(seed);

    names_copy(&fake->seen, &from->seen);
    names_copy(&fake->durable, &from->seen);
    for (size_t i = 0; i < from->nodes.count; i++) {
        const struct fake_node *node = from->nodes.items[i];
        int copy = new_node(fake, node->is_dir);

        copy_content(&fake->nodes.items[copy]->seen, &node->seen);
        copy_content(&fake->nodes.items[copy]->durable, &node->seen);
    }
    return fake;
}

struct fs_fake *fs_fake_free(struct fs_fake *fake)
{
    if (fake == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < fake->nodes.count; i++) {
        struct fake_node *node = fake->nodes.items[i];

        forget_pending(node);
        vec_done(&node->pending);
        buf_done(&node->seen);
        buf_done(&node->durable);
        (void)mem_free(node);
    }
    keep_changes(fake, 0);
    names_copy(&fake->seen, &(struct fake_names){0});
    names_copy(&fake->durable, &(struct fake_names){0});
    vec_done(&fake->seen.items);
    vec_done(&fake->durable.items);
    vec_done(&fake->changes);
    vec_done(&fake->files);
    vec_done(&fake->nodes);
    return mem_free(fake);
}

const struct fs *fs_fake_fs(struct fs_fake *fake)
{
    return &fake->fs;
}

uint64_t fs_fake_ops(const struct fs_fake *fake)
{
    return fake->ops;
}

void fs_fake_cut_power(struct fs_fake *fake, uint64_t after)
{
    fake->cut_at = after > UINT64_MAX - fake->ops ? UINT64_MAX : fake->ops + after;
}

bool fs_fake_is_off(const struct fs_fake *fake)
{
    return fake->is_off;
}

void fs_fake_fail(struct fs_fake *fake, uint64_t after, uint64_t count, int code)
{
    fake->fail_from = fake->ops + after;
    fake->fail_until = fake->fail_from + count;
    fake->fail_code = code;
}

bool fs_fake_fail_map(struct fs_fake *fake, uint64_t after, int code)
{
    bool has_failed = fake->map_has_failed;

    fake->maps_left = after;
    fake->map_code = code;
    fake->map_has_failed = false;
    return has_failed;
}

bool fs_fake_flip(struct fs_fake *fake, const char *path, uint64_t bit)
{
    const struct fake_name *name = names_find(&fake->seen, path);
    struct fake_node *node = name != NULL ? fake->nodes.items[name->node] : NULL;
    char mask = (char)(1 << bit % 8);

    if (node == NULL || bit / 8 >= node->seen.len) {
        return false;
    }
    node->seen.ptr[bit / 8] ^= mask;
    if (bit / 8 < node->durable.len) {
        node->durable.ptr[bit / 8] ^= mask;
    }
    return true;
}
