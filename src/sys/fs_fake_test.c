#include "sys/fs_fake.h"

#include <errno.h>

#include "testing/test.h"

static void write_file(const struct fs *fs, const char *path, const char *text, bool must_sync)
{
    struct baro_error err = {0};
    fs_file file = FS_FILE_NONE;

    assert_ok(fs->open(fs, path, FS_CREATE, &file, &err), &err);
    assert_ok(fs->append(fs, file, text, strlen(text), &err), &err);
    if (must_sync) {
        assert_ok(fs->sync(fs, file, &err), &err);
    }
    assert_ok(fs->close(fs, file, &err), &err);
}

static bool has_file(const struct fs *fs, const char *path, const char *text)
{
    struct arena arena = {0};
    str raw = STR_NULL;
    bool is_same = fs_read_all(fs, &arena, path, 1 << 20, &raw, NULL) >= 0 && str_is(raw, text);

    arena_done(&arena);
    return is_same;
}

TEST(fs_fake_keeps_what_was_synced)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        CLEANUP(fs_fake_freep) struct fs_fake *fake = fs_fake_new(seed);
        const struct fs *fs = fs_fake_fs(fake);
        struct baro_error err = {0};

        assert_ok(fs->mkdir(fs, "d", &err), &err);
        write_file(fs, "d/kept", "all of it", true);
        assert_ok(fs->sync_dir(fs, "d", &err), &err);
        write_file(fs, "d/nameless", "synced, but its name is not", true);
        fs_fake_reboot(fake);
        assert_true(has_file(fs, "d/kept", "all of it"));
    }
}

/* What is not synced may be there or not, whole or in part, or under its old name. */
TEST(fs_fake_loses_what_was_not)
{
    unsigned lost_bytes = 0, lost_names = 0, kept_names = 0;

    for (uint64_t seed = 0; seed < 200; seed++) {
        CLEANUP(fs_fake_freep) struct fs_fake *fake = fs_fake_new(seed);
        const struct fs *fs = fs_fake_fs(fake);
        struct baro_error err = {0};

        assert_ok(fs->mkdir(fs, "d", &err), &err);
        write_file(fs, "d/a", "x", true);
        assert_ok(fs->sync_dir(fs, "d", &err), &err);
        write_file(fs, "d/a", "yz", false);
        assert_ok(fs->rename(fs, "d/a", "d/b", &err), &err);
        assert_true(has_file(fs, "d/b", "xyz"));
        fs_fake_reboot(fake);
        lost_bytes += !has_file(fs, "d/a", "xyz") && !has_file(fs, "d/b", "xyz");
        lost_names += has_file(fs, "d/a", "xyz") || has_file(fs, "d/a", "x");
        kept_names += has_file(fs, "d/b", "xyz") || has_file(fs, "d/b", "x");
    }
    assert_true(lost_bytes > 10 && lost_names > 10 && kept_names > 10);
    assert_int_equal(lost_names + kept_names, 200);
}

TEST(fs_fake_fails_when_told)
{
    CLEANUP(fs_fake_freep) struct fs_fake *fake = fs_fake_new(1);
    const struct fs *fs = fs_fake_fs(fake);
    struct fs_entry *entries = NULL;
    struct arena arena = {0};
    size_t count = 0;
    fs_file file = FS_FILE_NONE, again = FS_FILE_NONE;

    assert_int_equal(fs->open(fs, "d/f", FS_CREATE, &file, NULL), -ENOENT);
    assert_int_equal(fs->mkdir(fs, "d", NULL), 0);
    assert_int_equal(fs->lock(fs, "d/lock", &file, NULL), 0);
    assert_int_equal(fs->lock(fs, "d/lock", &again, NULL), BARO_EBUSY);
    write_file(fs, "d/f", "abc", true);
    assert_int_equal(fs->remove(fs, "d", NULL), -ENOTEMPTY);
    fs_fake_fail(fake, 0, 2, -ENOSPC);
    assert_int_equal(fs->open(fs, "d/g", FS_CREATE_NEW, &again, NULL), -ENOSPC);
    assert_int_equal(fs->remove(fs, "d/f", NULL), 0);
    assert_int_equal(fs->open(fs, "d/g", FS_CREATE_NEW, &again, NULL), 0);
    assert_int_equal(fs->open(fs, "d/g", FS_CREATE_NEW, &again, NULL), -EEXIST);
    assert_int_equal(fs->list(fs, &arena, "d", &entries, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_str_equal(entries[0].name, STR("g"));
    assert_true(!fs_fake_flip(fake, "d/g", 0));
    fs_fake_cut_power(fake, 0);
    assert_int_equal(fs->sync_dir(fs, "d", NULL), -EIO);
    assert_true(fs_fake_is_off(fake));
    assert_int_equal(fs->open(fs, "d/g", FS_READ, &again, NULL), -EIO);
    fs_fake_reboot(fake);
    assert_int_equal(fs->pwrite(fs, file, "x", 1, 0, NULL), -EIO);
    assert_true(fs_fake_ops(fake) > 0);
    arena_done(&arena);
}
