#include "app/block_maker.h"

#include "model/histogram.h"
#include "sys/fs.h"
#include "testing/test.h"
#include "tsdb/block.h"

static struct labels named(struct label *pair, const char *name)
{
    *pair = (struct label){STR("__name__"), str_from(name)};
    return (struct labels){pair, 1};
}

static void add(struct block_maker *maker, series_ref ref, struct sample sample,
                enum append_status want)
{
    enum append_status status = APPEND_STATUS_COUNT;
    struct baro_error err = {0};

    assert_ok(block_maker_add(maker, ref, &sample, &status, &err), &err);
    assert_int_equal(status, want);
}

TEST(block_maker_writes_floats_and_histograms)
{
    struct block_maker maker = {.dir = test_dir(), .range = 2 * DUR_HOUR};
    char ulid[ULID_CHARS + 1] = "";
    struct block *block = NULL;
    struct baro_error err = {0};
    struct arena arena = {0};
    struct label pair;
    series_ref refs[2] = {0};

    block_maker_begin(&maker);
    assert_ok(block_maker_series(&maker, named(&pair, "a"), &refs[0], &err), &err);
    assert_ok(block_maker_series(&maker, named(&pair, "h"), &refs[1], &err), &err);
    for (ts t = 0; t < 10000; t++) { /* more than are committed at once */
        add(&maker, refs[0], (struct sample){.t = 1000 + t, .v = (double)t}, APPEND_OK);
    }
    add(&maker, refs[1], (struct sample){.t = 500, .h = histogram_new_stale(&arena)}, APPEND_OK);
    add(&maker, refs[0], (struct sample){.t = 2000, .v = 1}, APPEND_OUT_OF_ORDER);
    add(&maker, refs[0], (struct sample){.t = 10999, .v = 1}, APPEND_DUPLICATE);
    assert_int_equal(block_maker_end(&maker, ulid, &err), 1);
    assert_ok(block_open(NULL, fs_path(&arena, maker.dir, ulid), &block, &err), &err);
    assert_int_equal(block_meta(block)->mint, 500);
    assert_int_equal(block_meta(block)->maxt, 11000);
    assert_int_equal(block_meta(block)->series_count, 2);
    assert_int_equal(block_meta(block)->float_count, 10000);
    assert_int_equal(block_meta(block)->histogram_count, 1);
    (void)block_unref(block);

    /* The next one has nothing of it, and is none where nothing comes. */
    block_maker_begin(&maker);
    assert_int_equal(block_maker_end(&maker, ulid, &err), 0);
    block_maker_begin(&maker);
    assert_ok(block_maker_series(&maker, named(&pair, "a"), &refs[0], &err), &err);
    add(&maker, refs[0], (struct sample){.t = 1, .v = 1}, APPEND_OK);
    block_maker_drop(&maker);
    block_maker_drop(&maker);
    arena_done(&arena);
}
