#include "remote/remote_write.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "sys/fs.h"
#include "testing/test.h"

static struct prom_config *config_of(const char *text)
{
    struct prom_config *config = NULL;
    struct faults faults = {0};

    assert_true(prom_config_parse(str_from(text), "test.yml", NULL, &config, &faults) >= 0);
    return config;
}

static int apply(struct remote_write *remote, const char *text)
{
    CLEANUP(prom_config_unrefp) struct prom_config *config = config_of(text);
    struct baro_error err = {0};

    return remote_write_apply(remote, config, &err);
}

static size_t position_count(const char *dir)
{
    struct arena arena = {0};
    struct fs_entry *files = NULL;
    struct baro_error err = {0};
    size_t count = 0;

    assert_ok(
        fs_real()->list(fs_real(), &arena, fs_path(&arena, dir, "remote"), &files, &count, &err),
        &err);
    arena_done(&arena);
    return count;
}

/* What hinders a start may be gone at the next one, which is to go on where the last one was. */
TEST(remote_write_keeps_the_position_of_a_queue_that_cannot_start)
{
    static const char two[] = "remote_write:\n- {url: 'http://127.0.0.1:1/a'}\n"
                              "- {url: 'http://127.0.0.1:1/b'}\n";
    static const char one[] = "remote_write:\n- {url: 'http://127.0.0.1:1/a'}\n";
    struct arena arena = {0};
    const char *dir = test_dir();
    const char *wal = fs_path(&arena, dir, "wal");
    struct remote_write *remote =
        remote_write_new(&(struct remote_write_options){.data_dir = dir, .flush_deadline = 0});
    FILE *file;

    assert_int_equal(mkdir(wal, 0700), 0);
    assert_int_equal(apply(remote, two), 0);
    remote_write_stop(remote);
    assert_int_equal(position_count(dir), 2);

    /* The write-ahead log cannot be listed. */
    assert_int_equal(rename(wal, fs_path(&arena, dir, "set-aside")), 0);
    file = fopen(wal, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_true(apply(remote, two) < 0);
    assert_int_equal(position_count(dir), 2);

    assert_int_equal(remove(wal), 0);
    assert_int_equal(rename(fs_path(&arena, dir, "set-aside"), wal), 0);
    assert_int_equal(apply(remote, one), 0);
    assert_int_equal(position_count(dir), 1);
    (void)remote_write_free(remote);
    arena_done(&arena);
}
