#include "remote/remote_position.h"

#include "base/arena.h"
#include "codec/crc32c.h"
#include "testing/test.h"

static struct remote_place place(uint64_t segment, uint64_t offset, uint32_t index)
{
    return (struct remote_place){{segment, offset}, index};
}

static struct remote_position *open_at(const char *path)
{
    struct remote_position *position = NULL;
    struct baro_error err = {0};

    assert_ok(remote_position_open(fs_real(), path, &position, &err), &err);
    return position;
}

TEST(remote_position_keeps_what_was_noted)
{
    struct arena arena = {0};
    const char *path = fs_path(&arena, test_dir(), "a.position");
    struct remote_position *position = open_at(path);
    struct baro_error err = {0};

    assert_true(remote_position_is_new(position));
    for (uint32_t i = 1; i < 10; i++) {
        remote_position_set_read(position, place(i, 100 + i, i), i);
        remote_position_set_pending(
            position, 3, &(struct remote_pending){i % 2 == 1, place(i, 1, 2), place(i, 3, 4)});
    }
    assert_ok(remote_position_sync(position, &err), &err);
    position = remote_position_close(position);

    position = open_at(path);
    assert_false(remote_position_is_new(position));
    assert_int_equal(remote_place_cmp(remote_position_read(position), place(9, 109, 9)), 0);
    assert_int_equal(remote_position_shards(position), 9);
    struct remote_pending pending = remote_position_pending(position, 3);
    assert_true(pending.is_pending);
    assert_int_equal(remote_place_cmp(pending.begin, place(9, 1, 2)), 0);
    assert_int_equal(remote_place_cmp(pending.end, place(9, 3, 4)), 0);
    assert_false(remote_position_pending(position, 4).is_pending);
    (void)remote_position_close(position);
    arena_done(&arena);
}

/* Changes a byte of the file. */
static void damage(const char *path, uint64_t at)
{
    const struct fs *fs = fs_real();
    struct baro_error err = {0};
    fs_file file = FS_FILE_NONE;
    char byte = 0;
    size_t len = 0;

    assert_ok(fs->open(fs, path, FS_WRITE, &file, &err), &err);
    assert_ok(fs->pread(fs, file, &byte, 1, at, &len, &err), &err);
    byte ^= 1;
    assert_ok(fs->pwrite(fs, file, &byte, 1, at, &err), &err);
    assert_ok(fs->close(fs, file, &err), &err);
}

TEST(remote_position_survives_a_torn_note)
{
    struct arena arena = {0};
    const char *path = fs_path(&arena, test_dir(), "a.position");
    struct remote_position *position = open_at(path);

    remote_position_set_read(position, place(1, 10, 0), 2);
    remote_position_set_read(position, place(1, 20, 0), 2);
    remote_position_set_read(position, place(1, 30, 0), 2);
    (void)remote_position_close(position);
    /* The third note is the second copy, behind the magic. */
    damage(path, 8 + 40 + 9);
    position = open_at(path);
    assert_int_equal(remote_place_cmp(remote_position_read(position), place(1, 20, 0)), 0);
    (void)remote_position_close(position);
    /* A file that is none of ours begins anew. */
    damage(path, 3);
    position = open_at(path);
    assert_true(remote_position_is_new(position));
    (void)remote_position_close(position);
    arena_done(&arena);
}

/* A queue that notes thousands of times a second comes to the last number within weeks. */
TEST(remote_position_goes_on_behind_its_last_number)
{
    enum { COPY_BYTES = 40, CRC_AT = 32 };
    struct arena arena = {0};
    const struct fs *fs = fs_real();
    const char *path = fs_path(&arena, test_dir(), "a.position");
    struct remote_position *position = remote_position_close(open_at(path));
    struct baro_error err = {0};
    fs_file file = FS_FILE_NONE;

    assert_null(position);
    assert_ok(fs->open(fs, path, FS_WRITE, &file, &err), &err);
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t copy[COPY_BYTES / 4] = {UINT32_MAX - 1 + i, 1, 7, 70 + i};

        copy[CRC_AT / 4] = crc32c(str_of((const char *)copy, CRC_AT));
        assert_ok(fs->pwrite(fs, file, copy, sizeof(copy), 8 + COPY_BYTES * i, &err), &err);
    }
    assert_ok(fs->close(fs, file, &err), &err);
    for (uint32_t i = 0; i < 4; i++) {
        position = open_at(path);
        assert_int_equal(remote_place_cmp(remote_position_read(position), place(7, 71 + i, 0)), 0);
        remote_position_set_read(position, place(7, 72 + i, 0), 1);
        assert_int_equal(remote_place_cmp(remote_position_read(position), place(7, 72 + i, 0)), 0);
        (void)remote_position_close(position);
    }
    arena_done(&arena);
}
