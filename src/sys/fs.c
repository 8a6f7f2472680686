#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/vec.h"

static int real_open(const struct fs *fs, const char *path, enum fs_open_mode mode, fs_file *ret,
                     struct baro_error *err)
{
    static const int flags[] = {
        [FS_READ] = O_RDONLY,
        [FS_WRITE] = O_RDWR,
        [FS_CREATE] = O_RDWR | O_CREAT,
        [FS_CREATE_NEW] = O_RDWR | O_CREAT | O_EXCL,
    };
    int fd;

    (void)fs;
    do {
        fd = open(path, flags[mode] | O_CLOEXEC, 0666);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) {
        return error_system(err, errno, "open %s", path);
    }
    *ret = fd;
    return 0;
}

static int real_append(const struct fs *fs, fs_file file, const void *bytes, size_t len,
                       struct baro_error *err)
{
    off_t end = lseek(file, 0, SEEK_END);

    if (end < 0) {
        return error_system(err, errno, "seek to the end");
    }
    return fs->pwrite(fs, file, bytes, len, (uint64_t)end, err);
}

static int real_pwrite(const struct fs *fs, fs_file file, const void *bytes, size_t len,
                       uint64_t offset, struct baro_error *err)
{
    const char *next = bytes;

    (void)fs;
    while (len > 0) {
        ssize_t n = pwrite(file, next, len, (off_t)offset);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return error_system(err, n == 0 ? EIO : errno, "write");
        }
        next += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

static int real_pread(const struct fs *fs, fs_file file, void *bytes, size_t len, uint64_t offset,
                      size_t *ret_len, struct baro_error *err)
{
    char *next = bytes;
    size_t done = 0;

    (void)fs;
    while (done < len) {
        ssize_t n = pread(file, next + done, len - done, (off_t)(offset + done));

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return error_system(err, errno, "read");
        }
        if (n == 0) {
            break;
        }
        done += (size_t)n;
    }
    *ret_len = done;
    return 0;
}

static int real_size(const struct fs *fs, fs_file file, uint64_t *ret, struct baro_error *err)
{
    struct stat st;

    (void)fs;
    if (fstat(file, &st) != 0) {
        return error_system(err, errno, "stat");
    }
    *ret = (uint64_t)st.st_size;
    return 0;
}

static int real_truncate(const struct fs *fs, fs_file file, uint64_t size, struct baro_error *err)
{
    (void)fs;
    if (ftruncate(file, (off_t)size) != 0) {
        return error_system(err, errno, "truncate");
    }
    return 0;
}

static int real_sync(const struct fs *fs, fs_file file, struct baro_error *err)
{
    (void)fs;
    if (fdatasync(file) != 0) {
        return error_system(err, errno, "fdatasync");
    }
    return 0;
}

static int real_close(const struct fs *fs, fs_file file, struct baro_error *err)
{
    (void)fs;
    /* After EINTR the descriptor is closed on Linux, and a second close could hit another's file.
     */
    if (close(file) != 0 && errno != EINTR) {
        return error_system(err, errno, "close");
    }
    return 0;
}

static int real_rename(const struct fs *fs, const char *from, const char *to,
                       struct baro_error *err)
{
    (void)fs;
    if (rename(from, to) != 0) {
        return error_system(err, errno, "rename %s to %s", from, to);
    }
    return 0;
}

static int real_link(const struct fs *fs, const char *from, const char *to, struct baro_error *err)
{
    (void)fs;
    if (link(from, to) != 0) {
        return error_system(err, errno, "link %s to %s", from, to);
    }
    return 0;
}

static int real_remove(const struct fs *fs, const char *path, struct baro_error *err)
{
    (void)fs;
    if (remove(path) != 0) {
        return error_system(err, errno, "remove %s", path);
    }
    return 0;
}

static int real_mkdir(const struct fs *fs, const char *path, struct baro_error *err)
{
    struct stat st;

    (void)fs;
    if (mkdir(path, 0777) == 0) {
        return 0;
    }
    if (errno == EEXIST) {
        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
            return 0;
        }
        errno = ENOTDIR;
    }
    return error_system(err, errno, "make directory %s", path);
}

static int real_sync_dir(const struct fs *fs, const char *path, struct baro_error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = 0;

    (void)fs;
    if (fd < 0) {
        return error_system(err, errno, "open directory %s", path);
    }
    if (fsync(fd) != 0) {
        r = error_system(err, errno, "sync directory %s", path);
    }
    (void)close(fd);
    return r;
}

static int entry_cmp(const void *a, const void *b)
{
    return str_cmp(((const struct fs_entry *)a)->name, ((const struct fs_entry *)b)->name);
}

static bool entry_is_dir(DIR *dir, const struct dirent *entry)
{
    struct stat st;

    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK) {
        return entry->d_type == DT_DIR;
    }
    return fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

static int real_list(const struct fs *fs, struct arena *arena, const char *path,
                     struct fs_entry **ret, size_t *ret_count, struct baro_error *err)
{
    VEC(struct fs_entry) found = {0};
    struct dirent *entry;
    DIR *dir = opendir(path);
    int r = 0;

    (void)fs;
    if (dir == NULL) {
        return error_system(err, errno, "open directory %s", path);
    }
    while (errno = 0, (entry = readdir(dir)) != NULL) {
        str name = str_from(entry->d_name);

        if (str_is(name, ".") || str_is(name, "..")) {
            continue;
        }
        if (found.count == FS_ENTRIES_MAX) {
            r = error_set(err, BARO_ELIMIT, "directory %s has more than %d entries", path,
                          FS_ENTRIES_MAX);
            break;
        }
        vec_push(&found, (struct fs_entry){arena_str(arena, name), entry_is_dir(dir, entry)});
    }
    if (r == 0 && errno != 0) {
        r = error_system(err, errno, "read directory %s", path);
    }
    (void)closedir(dir);
    if (r == 0) {
        if (found.count > 0) {
            qsort(found.items, found.count, sizeof(found.items[0]), entry_cmp);
        }
        *ret = ARENA_ARRAY(arena, struct fs_entry, found.count + 1);
        if (found.count > 0) {
            memcpy(*ret, found.items, found.count * sizeof(found.items[0]));
        }
        *ret_count = found.count;
    }
    vec_done(&found);
    return r;
}

static int map_file(const struct fs *fs, const char *path, int protection, struct fs_map *ret,
                    struct baro_error *err)
{
    fs_file file = FS_FILE_NONE;
    uint64_t size = 0;
    void *at = NULL;
    int r = fs->open(fs, path, protection == PROT_READ ? FS_READ : FS_WRITE, &file, err);

    if (r < 0) {
        return r;
    }
    r = fs->size(fs, file, &size, err);
    if (r >= 0 && size > 0) {
        at = mmap(NULL, (size_t)size, protection, MAP_SHARED, file, 0);
        if (at == MAP_FAILED) {
            r = error_system(err, errno, "map %s", path);
        }
    }
    (void)fs->close(fs, file, NULL);
    if (r >= 0) {
        *ret = (struct fs_map){at, (size_t)size};
    }
    return r;
}

static int real_map(const struct fs *fs, const char *path, struct fs_map *ret,
                    struct baro_error *err)
{
    return map_file(fs, path, PROT_READ, ret, err);
}

static int real_map_shared(const struct fs *fs, const char *path, struct fs_map *ret,
                           struct baro_error *err)
{
    return map_file(fs, path, PROT_READ | PROT_WRITE, ret, err);
}

static void real_cool(const struct fs *fs, struct fs_map map)
{
    (void)fs;
    if (map.ptr != NULL) {
        /* A shared mapping loses nothing by that; that it fails costs memory alone. */
        (void)madvise((void *)(uintptr_t)map.ptr, map.size, MADV_DONTNEED);
    }
}

static void real_unmap(const struct fs *fs, struct fs_map map)
{
    (void)fs;
    if (map.ptr != NULL) {
        int r = munmap((void *)(uintptr_t)map.ptr, map.size);

        ASSERT(r == 0);
    }
}

static int real_space(const struct fs *fs, const char *path, uint64_t *ret_size, uint64_t *ret_free,
                      struct baro_error *err)
{
    struct statvfs st;

    (void)fs;
    if (statvfs(path, &st) != 0) {
        return error_system(err, errno, "file system of %s", path);
    }
    if (ret_size != NULL) {
        *ret_size = (uint64_t)st.f_blocks * st.f_frsize;
    }
    if (ret_free != NULL) {
        *ret_free = (uint64_t)st.f_bavail * st.f_frsize;
    }
    return 0;
}

/* Whoever held the lock may have removed the file meanwhile: then another one has its name. */
static bool is_at(fs_file file, const char *path)
{
    struct stat locked, named;

    return fstat(file, &locked) == 0 && stat(path, &named) == 0 && locked.st_dev == named.st_dev &&
           locked.st_ino == named.st_ino;
}

static int real_lock(const struct fs *fs, const char *path, fs_file *ret, struct baro_error *err)
{
    enum { TRIES = 10 };

    for (int i = 0; i < TRIES; i++) {
        fs_file file = FS_FILE_NONE;
        int r = fs->open(fs, path, FS_CREATE, &file, err);

        if (r < 0) {
            return r;
        }
        if (flock(file, LOCK_EX | LOCK_NB) != 0) {
            r = errno == EWOULDBLOCK
                    ? error_set(err, BARO_EBUSY, "%s is locked by another process", path)
                    : error_system(err, errno, "lock %s", path);
            (void)fs->close(fs, file, NULL);
            return r;
        }
        if (is_at(file, path)) {
            *ret = file;
            return 0;
        }
        (void)fs->close(fs, file, NULL);
    }
    return error_set(err, BARO_EBUSY, "%s is removed again and again by another process", path);
}

const struct fs *fs_real(void)
{
    static const struct fs real = {
        .open = real_open,
        .append = real_append,
        .pwrite = real_pwrite,
        .pread = real_pread,
        .size = real_size,
        .truncate = real_truncate,
        .sync = real_sync,
        .close = real_close,
        .rename = real_rename,
        .link = real_link,
        .remove = real_remove,
        .mkdir = real_mkdir,
        .sync_dir = real_sync_dir,
        .list = real_list,
        .map = real_map,
        .unmap = real_unmap,
        .cool = real_cool,
        .map_shared = real_map_shared,
        .space = real_space,
        .lock = real_lock,
    };

    return &real;
}

const char *fs_path(struct arena *arena, const char *dir, const char *name)
{
    return arena_printf(arena, "%s/%s", dir, name).ptr;
}

static int remove_tree(const struct fs *fs, const char *path, int depth, struct baro_error *err)
{
    struct fs_entry *entries = NULL;
    struct arena arena = {0};
    size_t count = 0;
    int r;

    if (depth == 0) {
        return error_set(err, BARO_ELIMIT, "%s is nested too deeply", path);
    }
    r = fs->list(fs, &arena, path, &entries, &count, err);
    for (size_t i = 0; r >= 0 && i < count; i++) {
        const char *inner = fs_path(&arena, path, entries[i].name.ptr);

        r = entries[i].is_dir ? remove_tree(fs, inner, depth - 1, err) : fs->remove(fs, inner, err);
    }
    if (r >= 0) {
        r = fs->remove(fs, path, err);
    }
    arena_done(&arena);
    return r == -ENOENT ? 0 : r;
}

int fs_make_path(const struct fs *fs, const char *path, struct baro_error *err)
{
    char part[FS_PATH_MAX];
    size_t len = strlen(path);
    int r = 0;

    /* Names of files must fit behind it. */
    if (len == 0 || len + 64 > sizeof(part)) {
        return error_set(err, -ENAMETOOLONG, "directory name has %zu bytes", len);
    }
    memcpy(part, path, len + 1);
    for (size_t i = 1; r >= 0 && i <= len; i++) {
        if (path[i] == '/' || path[i] == '\0') {
            part[i] = '\0';
            r = fs->mkdir(fs, part, err);
            part[i] = path[i];
        }
    }
    return r;
}

int fs_remove_tree(const struct fs *fs, const char *path, struct baro_error *err)
{
    return remove_tree(fs, path, FS_TREE_DEPTH_MAX, err);
}

int fs_read_all(const struct fs *fs, struct arena *arena, const char *path, size_t bytes_max,
                str *ret, struct baro_error *err)
{
    fs_file file = FS_FILE_NONE;
    uint64_t size = 0;
    size_t len = 0;
    char *bytes = NULL;
    int r = fs->open(fs, path, FS_READ, &file, err);

    if (r < 0) {
        return r;
    }
    r = fs->size(fs, file, &size, err);
    if (r >= 0 && size > bytes_max) {
        r = error_set(err, BARO_ELIMIT, "%s has more than %zu bytes", path, bytes_max);
    }
    if (r >= 0) {
        bytes = arena_try(arena, (size_t)size + 1);
        r = bytes == NULL ? error_set(err, -ENOMEM, "%s does not fit into memory", path)
                          : fs->pread(fs, file, bytes, (size_t)size, 0, &len, err);
    }
    (void)fs->close(fs, file, NULL);
    if (r >= 0) {
        bytes[len] = '\0';
        *ret = str_of(bytes, len);
    }
    return r;
}
