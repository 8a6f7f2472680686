/* A bucket that is a directory: objects are files, written aside and renamed. */
#include <errno.h>
#include <string.h>

#include "objstore/objstore_priv.h"
#include "sys/fs.h"

/* A name has slashes, and no parts that lead elsewhere. */
static int check_name(str name, struct baro_error *err)
{
    str rest = name, part;

    while (str_split_next(&rest, '/', &part)) {
        if (part.len == 0 || str_is(part, ".") || str_is(part, "..")) {
            return error_set(err, BARO_EINVALID, "\"%.*s\" is no name of an object", STR_ARG(name));
        }
    }
    return 0;
}

static const char *path_of(struct arena *arena, const struct objstore *store, str name)
{
    const struct objstore_config *config = store->config;

    return arena_printf(arena, "%.*s/%.*s%s%.*s", STR_ARG(config->directory),
                        STR_ARG(config->prefix), config->prefix.len > 0 ? "/" : "", STR_ARG(name))
        .ptr;
}

static int directory_get(struct objstore *store, str name, size_t bytes_max, struct buf *ret,
                         struct baro_error *err)
{
    struct arena arena = {0};
    str raw = STR_NULL;
    int r = check_name(name, err);

    if (r >= 0) {
        r = fs_read_all(fs_real(), &arena, path_of(&arena, store, name), bytes_max, &raw, err);
    }
    if (r >= 0) {
        buf_str(ret, raw);
    }
    arena_done(&arena);
    return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

/* Makes the directories above a path. */
static int make_parents(const struct fs *fs, const char *path, struct baro_error *err)
{
    char part[FS_PATH_MAX];
    size_t len = strlen(path);
    int r = 0;

    if (len >= sizeof(part)) {
        return error_set(err, -ENAMETOOLONG, "%.100s...: the path is too long", path);
    }
    memcpy(part, path, len + 1);
    for (size_t i = 1; r >= 0 && i < len; i++) {
        if (part[i] == '/') {
            part[i] = '\0';
            r = fs->mkdir(fs, part, err);
            part[i] = '/';
        }
    }
    return r;
}

static int write_file(const struct fs *fs, const char *path, str data, struct baro_error *err)
{
    fs_file file = FS_FILE_NONE;
    int r = fs->open(fs, path, FS_CREATE, &file, err), closed;

    if (r < 0) {
        return r;
    }
    r = fs->truncate(fs, file, 0, err);
    if (r >= 0 && data.len > 0) {
        r = fs->pwrite(fs, file, data.ptr, data.len, 0, err);
    }
    if (r >= 0) {
        r = fs->sync(fs, file, err);
    }
    closed = fs->close(fs, file, r < 0 ? NULL : err);
    return r < 0 ? r : closed;
}

static int directory_put(struct objstore *store, str name, str data,
                         UNUSED struct objstore_upload *upload, UNUSED objstore_progress *progress,
                         UNUSED void *context, struct baro_error *err)
{
    const struct fs *fs = fs_real();
    struct arena arena = {0};
    const char *path = path_of(&arena, store, name);
    const char *tmp = arena_printf(&arena, "%s.tmp", path).ptr;
    int r = check_name(name, err);

    if (r >= 0) {
        r = make_parents(fs, path, err);
    }
    if (r >= 0) {
        r = write_file(fs, tmp, data, err);
    }
    if (r >= 0) {
        r = fs->rename(fs, tmp, path, err);
    }
    arena_done(&arena);
    return r < 0 ? r : 0;
}

const struct objstore_ops directory_ops = {.get = directory_get, .put = directory_put};
