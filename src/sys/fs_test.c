#include "sys/fs.h"

#include <errno.h>

#include "sys/memory.h"
#include "testing/test.h"

static const char *in_dir(struct arena *arena, const char *name)
{
    static char dir[FS_PATH_MAX];

    if (name == NULL) {
        (void)snprintf(dir, sizeof(dir), "%s", test_dir());
        return dir;
    }
    return fs_path(arena, dir, name);
}

TEST(fs_writes_and_reads_back)
{
    const struct fs *fs = fs_real();
    struct baro_error err = {0};
    struct arena arena = {0};
    const char *path;
    fs_file file = FS_FILE_NONE;
    uint64_t size = 0;
    struct fs_map map = {0};
    str all = STR_NULL;
    char bytes[16];
    size_t len = 0;

    (void)in_dir(&arena, NULL);
    path = in_dir(&arena, "a");
    assert_int_equal(fs->open(fs, path, FS_READ, &file, &err), -ENOENT);
    assert_true(str_contains(str_from(err.message), STR("/a")));
    assert_ok(fs->open(fs, path, FS_CREATE_NEW, &file, &err), &err);
    assert_ok(fs->append(fs, file, "hello ", 6, &err), &err);
    assert_ok(fs->append(fs, file, "world", 5, &err), &err);
    assert_ok(fs->pwrite(fs, file, "W", 1, 6, &err), &err);
    assert_ok(fs->sync(fs, file, &err), &err);
    assert_ok(fs->size(fs, file, &size, &err), &err);
    assert_int_equal(size, 11);
    assert_ok(fs->pread(fs, file, bytes, sizeof(bytes), 6, &len, &err), &err);
    assert_str_equal(str_of(bytes, len), STR("World"));
    assert_ok(fs->truncate(fs, file, 7, &err), &err);
    assert_ok(fs->close(fs, file, &err), &err);
    assert_int_equal(fs->open(fs, path, FS_CREATE_NEW, &file, &err), -EEXIST);
    assert_ok(fs->map(fs, path, &map, &err), &err);
    assert_str_equal(str_of(map.ptr, map.size), STR("hello W"));
    fs->unmap(fs, map);
    assert_ok(fs_read_all(fs, &arena, path, 7, &all, &err), &err);
    assert_str_equal(all, STR("hello W"));
    assert_int_equal(fs_read_all(fs, &arena, path, 6, &all, &err), BARO_ELIMIT);
    arena_done(&arena);
}

TEST(fs_lists_renames_and_removes_trees)
{
    const struct fs *fs = fs_real();
    struct baro_error err = {0};
    struct arena arena = {0};
    const char *dir = in_dir(&arena, NULL);
    struct fs_entry *entries = NULL;
    size_t count = 0;
    fs_file file = FS_FILE_NONE;

    assert_ok(fs->mkdir(fs, in_dir(&arena, "sub"), &err), &err);
    assert_ok(fs->mkdir(fs, in_dir(&arena, "sub"), &err), &err);
    assert_ok(fs->mkdir(fs, in_dir(&arena, "sub/deep"), &err), &err);
    assert_ok(fs->open(fs, in_dir(&arena, "sub/deep/f"), FS_CREATE, &file, &err), &err);
    assert_ok(fs->close(fs, file, &err), &err);
    assert_ok(fs->open(fs, in_dir(&arena, "b"), FS_CREATE, &file, &err), &err);
    assert_ok(fs->close(fs, file, &err), &err);
    assert_int_equal(fs->mkdir(fs, in_dir(&arena, "b"), &err), -ENOTDIR);
    assert_ok(fs->rename(fs, in_dir(&arena, "b"), in_dir(&arena, "a"), &err), &err);
    assert_ok(fs->sync_dir(fs, dir, &err), &err);
    assert_ok(fs->list(fs, &arena, dir, &entries, &count, &err), &err);
    assert_int_equal(count, 2);
    assert_str_equal(entries[0].name, STR("a"));
    assert_false(entries[0].is_dir);
    assert_str_equal(entries[1].name, STR("sub"));
    assert_true(entries[1].is_dir);
    assert_ok(fs_remove_tree(fs, in_dir(&arena, "sub"), &err), &err);
    assert_ok(fs_remove_tree(fs, in_dir(&arena, "sub"), &err), &err);
    assert_ok(fs->list(fs, &arena, dir, &entries, &count, &err), &err);
    assert_int_equal(count, 1);
    assert_int_equal(fs->list(fs, &arena, in_dir(&arena, "no"), &entries, &count, &err), -ENOENT);
    arena_done(&arena);
}

TEST(fs_lock_is_exclusive)
{
    const struct fs *fs = fs_real();
    struct baro_error err = {0};
    struct arena arena = {0};
    fs_file first = FS_FILE_NONE, second = FS_FILE_NONE;
    const char *path;

    (void)in_dir(&arena, NULL);
    path = in_dir(&arena, "lock");
    assert_ok(fs->lock(fs, path, &first, &err), &err);
    assert_int_equal(fs->lock(fs, path, &second, &err), BARO_EBUSY);
    assert_true(str_contains(str_from(err.message), STR("locked by another process")));
    assert_ok(fs->close(fs, first, &err), &err);
    assert_ok(fs->lock(fs, path, &second, &err), &err);
    assert_ok(fs->close(fs, second, &err), &err);
    arena_done(&arena);
}

TEST(fs_cools_what_was_read)
{
    enum { BYTES = 16 << 20, PAGE = 4096 };
    const struct fs *fs = fs_real();
    struct memory_use warm = {0}, cool = {0};
    struct baro_error err = {0};
    struct arena arena = {0};
    struct fs_map map = {0};
    fs_file file = FS_FILE_NONE;
    uint64_t sum = 0, again = 0;

    (void)in_dir(&arena, NULL);
    assert_ok(fs->open(fs, in_dir(&arena, "f"), FS_CREATE, &file, &err), &err);
    assert_ok(fs->pwrite(fs, file, "x", 1, BYTES - 1, &err), &err);
    assert_ok(fs->pwrite(fs, file, "abc", 3, 5 * PAGE, &err), &err);
    assert_ok(fs->close(fs, file, &err), &err);
    assert_ok(fs->map(fs, in_dir(&arena, "f"), &map, &err), &err);
    for (size_t i = 0; i < map.size; i++) {
        sum += (uint8_t)map.ptr[i] * (i % 251);
    }
    assert_true(memory_use_read(&warm));
    fs->cool(fs, map);
    assert_true(memory_use_read(&cool));
    assert_true(cool.resident_bytes + BYTES / 2 < warm.resident_bytes);
    for (size_t i = 0; i < map.size; i++) {
        again += (uint8_t)map.ptr[i] * (i % 251);
    }
    assert_true(sum == again && sum > 0);
    fs->unmap(fs, map);
    arena_done(&arena);
}
