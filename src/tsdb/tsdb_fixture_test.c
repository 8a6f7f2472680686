#include "tsdb/tsdb_fixture_test.h"

#include "testing/test.h"

const char *fixture_dir(struct arena *arena)
{
    return arena_str(arena, str_from(test_dir())).ptr;
}

struct tsdb *fixture_open(const char *dir, const struct tsdb_options *options)
{
    struct baro_error err = {0};
    struct tsdb *tsdb = NULL;

    assert_ok(tsdb_open(dir, options, &tsdb, &err), &err);
    return tsdb;
}

void fixture_close(struct tsdb *tsdb)
{
    struct baro_error err = {0};

    assert_ok(tsdb_close(tsdb, &err), &err);
}

struct tsdb_open_report fixture_report(struct tsdb *tsdb)
{
    struct tsdb_open_report report = {0};

    tsdb_open_report(tsdb, &report);
    return report;
}

series_ref fixture_series(struct appender *appender, str name, unsigned i)
{
    struct baro_error err = {0};
    char number[16];
    struct label items[] = {{STR("__name__"), name}, {STR("i"), STR("")}};
    series_ref ref = 0;

    items[1].value = str_of(number, (size_t)snprintf(number, sizeof(number), "%u", i));
    assert_ok(appender->ops->series(appender, (struct labels){items, 2}, &ref, &err), &err);
    return ref;
}

void fixture_sample(struct appender *appender, str name, unsigned i, ts t, double v)
{
    series_ref ref = fixture_series(appender, name, i);
    struct baro_error err = {0};
    uint8_t status = APPEND_STATUS_COUNT;
    struct append_batch batch = {.refs = &ref, .t = &t, .v = &v, .count = 1, .status = &status};

    assert_int_equal(appender->ops->samples(appender, &batch, &err), 0);
}

size_t fixture_files(const struct fs *fs, struct arena *arena, const char *dir, const char **ret,
                     size_t count, size_t max)
{
    struct fs_entry *entries = NULL;
    size_t entry_count = 0;

    assert_int_equal(fs->list(fs, arena, dir, &entries, &entry_count, NULL), 0);
    for (size_t i = 0; i < entry_count; i++) {
        const char *path = fs_path(arena, dir, entries[i].name.ptr);

        if (entries[i].is_dir) {
            count = fixture_files(fs, arena, path, ret, count, max);
        } else if (!str_is(entries[i].name, "lock")) {
            assert_true(count < max);
            ret[count++] = path;
        }
    }
    return count;
}
