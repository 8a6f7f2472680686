/*
 * Merging blocks. What one block becomes when it is merged alone must equal, byte for byte, what
 * Prometheus's own promtool wrote; what several become must have every sample once.
 */

#include "base/arena.h"
#include "base/mem.h"
#include "model/matcher.h"
#include "sys/fs_fake.h"
#include "testing/child.h"
#include "testing/test.h"
#include "tsdb/block_cursor.h"
#include "tsdb/block_verify.h"
#include "tsdb/block_writer.h"
#include "tsdb/chunk_xor.h"
#include "tsdb/compact.h"
#include "tsdb/tombstones.h"

enum { NOW = 1700000000 };

/* The first block of a data directory. */
static const char *only_block(struct arena *arena, const char *data_dir)
{
    struct fs_entry *entries = NULL;
    struct baro_error err = {0};
    size_t count = 0;

    assert_ok(fs_real()->list(fs_real(), arena, data_dir, &entries, &count, &err), &err);
    for (size_t i = 0; i < count; i++) {
        if (ulid_is_valid(entries[i].name)) {
            return fs_path(arena, data_dir, entries[i].name.ptr);
        }
    }
    fail_msg("no block in %s", data_dir);
    return NULL;
}

static str read_file(struct arena *arena, const char *dir, const char *name)
{
    struct baro_error err = {0};
    str raw = STR_NULL;

    assert_ok(fs_read_all(fs_real(), arena, fs_path(arena, dir, name), 64 << 20, &raw, &err), &err);
    return raw;
}

static struct block *open_block(const char *path)
{
    struct baro_error err = {0};
    struct block *block = NULL;

    assert_ok(block_open(NULL, path, &block, &err), &err);
    return block;
}

/* Merges blocks into a new one of `data_dir`, which is opened; NULL when nothing was left. */
static struct block *merge(struct arena *arena, const char *data_dir, struct block **blocks,
                           size_t count)
{
    struct compact_job job = {.fs = fs_real(),
                              .data_dir = data_dir,
                              .blocks = blocks,
                              .count = count,
                              .now = (ts)NOW * 1000};
    char ulid[ULID_CHARS + 1] = "";
    struct baro_error err = {0};
    struct block_verdict verdict;
    struct block *merged;
    int r = compact_run(&job, ulid, &err);

    assert_ok(r, &err);
    if (r == 0) {
        return NULL;
    }
    merged = open_block(fs_path(arena, data_dir, ulid));
    assert_ok(block_verify(merged, NULL, &verdict, &err), &err);
    assert_int_equal(verdict.faults, 0);
    return merged;
}

TEST(compact_writes_what_promtool_writes)
{
    struct arena arena = {0};
    const char *dir = arena_str(&arena, str_from(test_dir())).ptr;
    const char *text = fs_path(&arena, dir, "in.om"), *from = fs_path(&arena, dir, "from");
    const char *names[] = {"index", "chunks/000001", "tombstones"};
    const char *argv[] = {"promtool", "tsdb", "create-blocks-from", "openmetrics", text,
                          from,       NULL};
    FILE *file = fopen(text, "w");
    const char *old_path;
    struct block *old, *merged;

    assert_non_null(file);
    for (int i = 0; i < 2000; i++) {
        for (int k = 0; k < 30; k++) {
            (void)fprintf(file, "metric_%d{instance=\"host-%d\",job=\"%s\"%s} %d %d\n", i % 7,
                          i % 400, i % 3 == 0 ? "three" : "other",
                          i % 5 == 0 ? ",x=\"\xc3\xa4\"" : "", i * k % 17, NOW + k * 15);
        }
    }
    (void)fprintf(file, "# EOF\n");
    assert_int_equal(fclose(file), 0);
    assert_int_equal(child_run(argv), 0);
    old_path = only_block(&arena, from);
    old = open_block(old_path);
    merged = merge(&arena, dir, &old, 1);
    assert_non_null(merged);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        str want = read_file(&arena, old_path, names[i]);
        str got = read_file(&arena, block_directory(merged), names[i]);

        test_row(names[i]);
        assert_int_equal(got.len, want.len);
        assert_memory_equal(got.ptr, want.ptr, want.len);
    }
    test_row(NULL);
    (void)block_unref(merged);
    (void)block_unref(old);
    arena_done(&arena);
}

/* A block of `series` series {__name__="m", i="<i>"}, each with samples first, first + step ...
 * below end, of value v + i. */
struct made {
    unsigned first_series;
    unsigned series;
    ts first;
    ts end;
    ts step;
    double v;
};

static struct block *make(struct arena *arena, const char *data_dir, const struct made *made)
{
    str symbols[64] = {STR("__name__")};
    struct block_writer *writer = NULL;
    struct block_meta meta = {.mint = made->first, .maxt = made->end, .level = 1};
    struct baro_error err = {0};
    struct block *block;

    /* "__name__" < "i0".. < "m": digits are two, so that the numbers sort. */
    for (unsigned i = 0; i < made->series; i++) {
        symbols[2 + i] = arena_printf(arena, "i%02u", made->first_series + i);
    }
    symbols[1] = STR("i");
    symbols[2 + made->series] = STR("m");
    assert_ok(block_writer_open(fs_real(), data_dir, (ts)NOW * 1000, 0, &writer, &err), &err);
    block_writer_symbols(writer, symbols, made->series + 3);
    for (unsigned i = 0; i < made->series; i++) {
        struct symbol_pair labels[] = {{0, made->series + 2}, {1, 2 + i}};
        ts t = made->first;

        block_writer_begin(writer, labels, 2);
        while (t < made->end) {
            uint8_t data[4096];
            struct chunk_xor chunk;
            ts mint = t;

            chunk_xor_init(&chunk, data);
            for (; t < made->end && chunk.count < 50; t += made->step) {
                assert_true(chunk_xor_append(&chunk, data, sizeof(data), t, made->v + i));
            }
            assert_ok(block_writer_chunk(writer, CHUNK_XOR,
                                         str_of((char *)data, chunk_xor_size(&chunk)), mint,
                                         t - made->step, chunk.count, &err),
                      &err);
        }
        block_writer_end(writer);
    }
    assert_ok(block_writer_finish(writer, &meta, &err), &err);
    (void)block_writer_free(writer);
    block = open_block(fs_path(arena, data_dir, meta.ulid));
    assert_int_equal(meta.sources.count, 1);
    block_meta_done(&meta);
    return block;
}

/* Reads series i of a block; fails when it is not there, unless `may_miss`. */
static size_t read_series(struct block *block, unsigned i, struct sample_buf *ret)
{
    struct arena arena = {0};
    str value = arena_printf(&arena, "i%02u", i);
    struct matcher matcher = {.op = MATCHER_EQUAL, .name = STR("i"), .value = value};
    struct querier *querier = NULL;
    struct series_list list = {0};
    struct baro_error err = {0};

    sample_buf_reset(ret);
    assert_ok(block_querier(block, INT64_MIN, INT64_MAX, &querier, &err), &err);
    assert_ok(querier->ops->select(querier, &arena, NULL, (struct matchers){&matcher, 1}, NULL,
                                   &list, &err),
              &err);
    if (list.count > 0) {
        assert_ok(querier->ops->samples(querier, &list.items[0], INT64_MIN, INT64_MAX, ret, &err),
                  &err);
    }
    querier_close(querier);
    arena_done(&arena);
    return ret->count;
}

TEST(compact_merges_blocks_that_follow_each_other)
{
    struct arena arena = {0};
    const char *dir = arena_str(&arena, str_from(test_dir())).ptr;
    struct block *blocks[] = {
        make(&arena, dir, &(struct made){0, 10, 0, 1000, 10, 1}),
        make(&arena, dir, &(struct made){5, 10, 1000, 2000, 10, 2}),
        make(&arena, dir, &(struct made){0, 3, 3000, 4000, 10, 3}),
    };
    struct sample_buf samples = {0};
    struct block *merged = merge(&arena, dir, blocks, ARRAY_COUNT(blocks));
    const struct block_meta *meta = block_meta(merged);

    assert_int_equal(meta->mint, 0);
    assert_int_equal(meta->maxt, 4000);
    assert_int_equal(meta->level, 2);
    assert_int_equal(meta->series_count, 15);
    assert_int_equal(meta->sample_count, 10 * 100 + 10 * 100 + 3 * 100);
    assert_int_equal(meta->chunk_count, 2 * 23);
    assert_int_equal(meta->sources.count, 3);
    assert_int_equal(meta->parents.count, 3);
    assert_int_equal(meta->parents.items[1].mint, 1000);
    assert_int_equal(read_series(merged, 0, &samples), 200);
    assert_int_equal(samples.t[100], 3000);
    assert_int_equal(read_series(merged, 7, &samples), 200);
    assert_true(samples.v[0] == 8 && samples.v[199] == 4);
    assert_int_equal(read_series(merged, 14, &samples), 100);
    assert_int_equal(read_series(merged, 15, &samples), 0);
    for (size_t i = 0; i < ARRAY_COUNT(blocks); i++) {
        (void)block_unref(blocks[i]);
    }
    (void)block_unref(merged);
    sample_buf_done(&samples);
    arena_done(&arena);
}

TEST(compact_merges_blocks_that_overlap)
{
    static const struct {
        const char *name;
        struct made a;
        struct made b;
        size_t want; /* samples of series 1 */
        size_t want_chunks;
    } cases[] = {
        {"interleaved", {0, 2, 0, 1000, 10, 1}, {0, 2, 5, 1000, 10, 2}, 200, 2},
        {"the same samples", {0, 2, 0, 1000, 10, 1}, {0, 2, 0, 1000, 10, 1}, 100, 1},
        {"the end over the start", {0, 2, 0, 1000, 10, 1}, {0, 2, 700, 2000, 10, 2}, 200, 4},
        {"one inside the other", {0, 2, 0, 3000, 10, 1}, {0, 2, 1005, 1095, 10, 2}, 309, 7},
        {"other series", {0, 2, 0, 1000, 10, 1}, {1, 2, 0, 1000, 20, 2}, 100, 1},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena = {0};
        const char *dir = arena_str(&arena, str_from(test_dir())).ptr;
        struct block *blocks[] = {make(&arena, dir, &cases[i].a), make(&arena, dir, &cases[i].b)};
        struct sample_buf samples = {0};
        struct block *merged = merge(&arena, dir, blocks, 2);

        test_row(cases[i].name);
        assert_int_equal(read_series(merged, 1, &samples), cases[i].want);
        for (size_t k = 1; k < samples.count; k++) {
            assert_true(samples.t[k] > samples.t[k - 1]);
        }
        (void)block_unref(blocks[0]);
        (void)block_unref(blocks[1]);
        (void)block_unref(merged);
        sample_buf_done(&samples);
        arena_done(&arena);
    }
    test_row(NULL);
}

TEST(compact_leaves_out_what_is_deleted)
{
    struct arena arena = {0};
    const char *dir = arena_str(&arena, str_from(test_dir())).ptr;
    struct block *block = make(&arena, dir, &(struct made){0, 3, 0, 1000, 10, 1});
    const char *path = arena_str(&arena, str_from(block_directory(block))).ptr;
    struct block_cursor cursor;
    struct tombstone items[4];
    struct buf raw = {0};
    struct sample_buf samples = {0};
    struct baro_error err = {0};
    struct block *merged;

    assert_ok(block_cursor_open(&cursor, block, &err), &err);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(block_cursor_next(&cursor, &err), 1);
        items[i].ref = cursor.ref;
    }
    items[3] = items[0];
    block_cursor_done(&cursor);
    /* Of the first series a part, the second whole; the third keeps all. */
    items[0] = (struct tombstone){items[0].ref, 95, 204};
    items[1] = (struct tombstone){items[1].ref, 0, 5000};
    items[2] = (struct tombstone){items[2].ref, 2000, 3000};
    items[3] = (struct tombstone){items[3].ref, 500, 1000};
    tombstones_write(&(struct tombstones){items, 4}, &raw);
    assert_ok(file_replace(fs_real(), path, "tombstones", buf_view(&raw), &err), &err);
    buf_done(&raw);
    (void)block_unref(block);
    block = open_block(path);
    merged = merge(&arena, dir, &block, 1);
    assert_int_equal(block_meta(merged)->series_count, 2);
    assert_int_equal(read_series(merged, 0, &samples), 100 - 11 - 50);
    assert_int_equal(samples.t[10], 210);
    assert_int_equal(read_series(merged, 1, &samples), 0);
    assert_int_equal(read_series(merged, 2, &samples), 100);
    (void)block_unref(block);
    (void)block_unref(merged);
    sample_buf_done(&samples);
    arena_done(&arena);
}

TEST(compact_stops_when_told)
{
    struct arena arena = {0};
    const char *dir = arena_str(&arena, str_from(test_dir())).ptr;
    struct block *block = make(&arena, dir, &(struct made){0, 3, 0, 1000, 10, 1});
    _Atomic bool stop = true;
    struct compact_job job = {
        .fs = fs_real(), .data_dir = dir, .blocks = &block, .count = 1, .stop = &stop};
    char ulid[ULID_CHARS + 1];
    struct fs_entry *entries = NULL;
    size_t count = 0;

    assert_int_equal(compact_run(&job, ulid, NULL), BARO_ECANCELED);
    assert_int_equal(fs_real()->list(fs_real(), &arena, dir, &entries, &count, NULL), 0);
    assert_int_equal(count, 1);
    (void)block_unref(block);
    arena_done(&arena);
}

TEST(block_verify_finds_damage)
{
    struct arena arena = {0};
    const char *dir = arena_str(&arena, str_from(test_dir())).ptr;
    struct block *block = make(&arena, dir, &(struct made){0, 3, 0, 1000, 10, 1});
    const char *path = arena_str(&arena, str_from(block_directory(block))).ptr;
    str chunks = read_file(&arena, path, "chunks/000001");
    struct block_verdict verdict;
    struct baro_error err = {0};

    (void)block_unref(block);
    ((char *)(uintptr_t)chunks.ptr)[100] ^= 1;
    assert_ok(file_replace(fs_real(), fs_path(&arena, path, "chunks"), "000001", chunks, &err),
              &err);
    block = open_block(path);
    assert_int_equal(block_verify(block, NULL, &verdict, &err), BARO_ECORRUPT);
    assert_true(verdict.faults == 2); /* the chunk, and the sums */
    assert_int_equal(verdict.chunks, 5);
    (void)block_unref(block);
    arena_done(&arena);
}

TEST(block_remove_takes_it_away)
{
    struct arena arena = {0};
    const char *dir = arena_str(&arena, str_from(test_dir())).ptr;
    struct block *block = make(&arena, dir, &(struct made){0, 3, 0, 1000, 10, 1});
    struct baro_error err = {0};
    struct fs_entry *entries = NULL;
    size_t count = 0;

    assert_ok(block_remove(fs_real(), dir, block_meta(block)->ulid, &err), &err);
    assert_ok(block_remove(fs_real(), dir, block_meta(block)->ulid, &err), &err);
    (void)block_unref(block);
    assert_ok(fs_real()->list(fs_real(), &arena, dir, &entries, &count, &err), &err);
    assert_int_equal(count, 0);
    arena_done(&arena);
}

TEST(block_meta_round_trip)
{
    struct block_meta meta = {.mint = -5,
                              .maxt = 7,
                              .level = 3,
                              .sample_count = 9,
                              .has_failed = true,
                              .is_out_of_order = true,
                              .is_deletable = true};
    struct block_meta read = {0};
    struct baro_error err = {0};
    struct buf json = {0}, again = {0};

    ulid_make((ts)1700000000123, meta.ulid);
    assert_true(ulid_is_valid(str_from(meta.ulid)));
    assert_int_equal(ulid_time(meta.ulid), (ts)1700000000123);
    for (int i = 0; i < 5; i++) {
        char ulid[ULID_CHARS + 1];

        ulid_make(i, ulid);
        block_parents_add(&meta.sources, ulid, 0, 0);
        block_parents_add(&meta.parents, ulid, i, i + 10);
    }
    block_meta_write(&meta, &json);
    assert_ok(block_meta_parse(buf_view(&json), &read, &err), &err);
    assert_int_equal(read.sources.count, 5);
    assert_int_equal(read.parents.items[4].maxt, 14);
    assert_true(read.has_failed && read.is_out_of_order && read.is_deletable);
    block_meta_write(&read, &again);
    assert_str_equal(buf_view(&again), buf_view(&json));
    block_meta_done(&meta);
    block_meta_done(&read);
    buf_done(&json);
    buf_done(&again);
}

/* Whichever operation fails, the merge fails and leaves nothing that a start would take for a
 * block, or it succeeds. */
TEST(compact_that_fails_leaves_no_block)
{
    unsigned failed = 0;

    for (uint64_t fault = 0; fault < 40; fault++) {
        CLEANUP(fs_fake_freep) struct fs_fake *fake = fs_fake_new(fault);
        const struct fs *fs = fs_fake_fs(fake);
        struct arena arena = {0};
        const char *dir = arena_str(&arena, str_from(test_dir())).ptr;
        struct block *block = make(&arena, dir, &(struct made){0, 3, 0, 1000, 10, 1});
        struct compact_job job = {.fs = fs, .data_dir = "data", .blocks = &block, .count = 1};
        char ulid[ULID_CHARS + 1] = "";
        struct fs_entry *entries = NULL;
        struct baro_error err = {0};
        size_t count = 0, blocks = 0;
        int r;

        assert_ok(fs->mkdir(fs, "data", &err), &err);
        fs_fake_fail(fake, fault, 1, -5);
        r = compact_run(&job, ulid, &err);
        failed += r < 0;
        assert_ok(fs->list(fs, &arena, "data", &entries, &count, &err), &err);
        for (size_t i = 0; i < count; i++) {
            blocks += ulid_is_valid(entries[i].name);
        }
        assert_int_equal(blocks, r < 0 ? 0 : 1);
        (void)block_unref(block);
        arena_done(&arena);
    }
    assert_in_range(failed, 10, 39);
}
