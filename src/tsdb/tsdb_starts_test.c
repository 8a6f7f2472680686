/* Start timestamps through the store: head, log, snapshot, files of chunks, blocks, deletions. */
#include "base/attr.h"
#include "base/mem.h"
#include "model/histogram.h"
#include "testing/test.h"
#include "tsdb/block_cursor.h"
#include "tsdb/block_priv.h"
#include "tsdb/chunk.h"
#include "tsdb/tsdb_fixture_test.h"
#include "tsdb/tsdb_priv.h"

enum {
    STEP = 1000,
    RANGE = 200 * STEP,
    SERIES = 5, /* a counter, a gauge, deltas, a histogram, a float histogram */
};

static const char *const names[SERIES] = {"counted", "gauge", "delta", "hist", "fhist"};

static bool is_histogram(size_t s)
{
    return s >= 3;
}

static ts start_of(size_t s, ts k)
{
    ts reset = k / 70 * 70 * STEP + 1;

    return s == 1 ? 0 : s == 2 ? k * STEP - STEP + 1 : k % 70 == 69 ? 0 : reset;
}

static double value_of(ts k)
{
    return (double)(k % 70) * 3;
}

static struct histogram *histogram_of(struct arena *arena, ts k, bool is_float)
{
    static struct histogram_span span = {1, 2};
    double *counts = ARENA_ARRAY(arena, double, 2);
    struct histogram *h = ARENA_ARRAY(arena, struct histogram, 1);

    counts[0] = (double)(k % 70);
    counts[1] = (double)(k % 70) * 2;
    *h = (struct histogram){.schema = 0,
                            .integer = !is_float,
                            .count = 1 + counts[0] + counts[1],
                            .zero_count = 1,
                            .sum = value_of(k),
                            .positive = {&span, counts, 1, 2}};
    return h;
}

/* Appends samples [first, end) of all series, each time a transaction. */
static void append(struct tsdb *tsdb, ts first, ts end, bool with_starts)
{
    struct appender *appender = tsdb_appendable(tsdb)->appender(tsdb_appendable(tsdb));
    struct arena arena = {0};
    series_ref refs[SERIES];

    for (size_t s = 0; s < SERIES; s++) {
        refs[s] = fixture_series(appender, str_from(names[s]), 0);
    }
    for (ts k = first; k < end; k++) {
        ts t[SERIES], st[SERIES];
        double v[SERIES];
        const struct histogram *h[SERIES] = {0};
        uint8_t status[SERIES];
        struct append_batch floats = {.refs = refs,
                                      .t = t,
                                      .v = v,
                                      .count = 3,
                                      .status = status,
                                      .st = with_starts ? st : NULL};
        struct append_histograms histograms = {.refs = refs + 3,
                                               .t = t + 3,
                                               .h = h + 3,
                                               .st = with_starts ? st + 3 : NULL,
                                               .count = 2,
                                               .status = status};

        for (size_t s = 0; s < SERIES; s++) {
            t[s] = k * STEP;
            v[s] = value_of(k);
            st[s] = start_of(s, k);
            h[s] = is_histogram(s) ? histogram_of(&arena, k, s == 4) : NULL;
        }
        assert_int_equal(appender->ops->samples(appender, &floats, NULL), 0);
        assert_int_equal(appender->ops->histograms(appender, &histograms, NULL), 0);
        assert_int_equal(appender->ops->commit(appender, NULL), 0);
        arena_reset(&arena);
    }
    appender->ops->free(appender);
    arena_done(&arena);
}

static void check_sample(size_t s, ts k, bool has_starts, const struct sample *got)
{
    if (got->t != k * STEP || got->v != value_of(k) ||
        got->st != (has_starts ? start_of(s, k) : 0) || (got->h != NULL) != is_histogram(s)) {
        print_error("%s at %lld: t %lld, v %g, st %lld\n", names[s], (long long)k,
                    (long long)got->t, got->v, (long long)got->st);
        fail();
    }
}

/* Sample `*k` of those that are wanted: [first, end) without [gap, gap_end). */
static ts behind_gap(ts k, ts gap, ts gap_end)
{
    return k >= gap && k < gap_end ? gap_end : k;
}

static void check_series(struct querier *querier, size_t s, ts first, ts end, ts gap, ts gap_end,
                         bool has_starts)
{
    struct matcher matcher = {0};
    struct select_hints hints = {0};
    struct series_list list = {0};
    struct sample_buf samples = {0};
    struct arena arena = {0};
    struct sample last = {0};
    ts k = behind_gap(first, gap, gap_end);

    assert_int_equal(
        matcher_init(&matcher, MATCHER_EQUAL, LABEL_METRIC_NAME, str_from(names[s]), NULL), 0);
    assert_int_equal(querier->ops->select(querier, &arena, &hints, (struct matchers){&matcher, 1},
                                          NULL, &list, NULL),
                     0);
    assert_int_equal(list.count, 1);
    assert_int_equal(
        querier->ops->samples(querier, &list.items[0], INT64_MIN, INT64_MAX, &samples, NULL), 0);
    for (size_t i = 0; i < samples.count; i++, k = behind_gap(k + 1, gap, gap_end)) {
        check_sample(s, k, has_starts,
                     &(struct sample){.t = samples.t[i],
                                      .v = samples.v[i],
                                      .h = samples.h != NULL ? samples.h[i] : NULL,
                                      .st = samples.st != NULL ? samples.st[i] : 0});
    }
    assert_int_equal(k, behind_gap(end, gap, gap_end));
    assert_int_equal(querier->ops->last_sample(querier, &list.items[0], INT64_MIN, INT64_MAX,
                                               &arena, &last, NULL),
                     1);
    check_sample(s, end - 1, has_starts, &last);
    sample_buf_done(&samples);
    matcher_done(&matcher);
    arena_done(&arena);
}

static void check_without(struct tsdb *tsdb, ts first, ts end, ts gap, ts gap_end, bool has_starts)
{
    struct queryable *queryable = tsdb_queryable(tsdb);
    struct querier *querier = NULL;

    assert_int_equal(queryable->querier(queryable, INT64_MIN, INT64_MAX, &querier, NULL), 0);
    for (size_t s = 0; s < SERIES; s++) {
        check_series(querier, s, first, end, gap, gap_end, has_starts);
    }
    querier_close(querier);
}

static void check(struct tsdb *tsdb, ts end)
{
    check_without(tsdb, 0, end, end, end, true);
}

static const struct tsdb_options stores = {
    .store_starts = true, .no_sync_thread = true, .chunk_range = RANGE, .too_old = -1};

/* Open and closed chunks of the head, and what a start makes of the log alone and of a snapshot. */
TEST(tsdb_starts_outlive_a_restart)
{
    static const bool no_snapshot[] = {false, true};
    struct arena arena = {0};

    for (size_t i = 0; i < ARRAY_COUNT(no_snapshot); i++) {
        const char *dir = fixture_dir(&arena);
        struct tsdb_options options = stores;
        struct tsdb *tsdb;

        options.no_snapshot = no_snapshot[i];
        tsdb = fixture_open(dir, &options);
        append(tsdb, 0, 90, true);
        check(tsdb, 90);
        append(tsdb, 90, 290, true);
        check(tsdb, 290);
        fixture_close(tsdb);
        tsdb = fixture_open(dir, &options);
        check(tsdb, 290);
        append(tsdb, 290, 300, true);
        check(tsdb, 300);
        fixture_close(tsdb);
        /* They are in the log, so a start without the option has them too. */
        options.store_starts = false;
        tsdb = fixture_open(dir, &options);
        check(tsdb, 300);
        fixture_close(tsdb);
    }
    arena_done(&arena);
}

/* Blocks, checkpoints of the log, and blocks that were merged. */
TEST(tsdb_starts_go_to_blocks)
{
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    struct tsdb_options options = stores;
    struct tsdb *tsdb;

    options.no_snapshot = true;
    tsdb = fixture_open(dir, &options);
    for (ts k = 0; k < 2600; k += 130) {
        append(tsdb, k, k + 130, true);
        assert_int_equal(tsdb_compact(tsdb, NULL), 0);
        check(tsdb, k + 130);
    }
    fixture_close(tsdb);
    tsdb = fixture_open(dir, &options);
    check(tsdb, 2600);
    fixture_close(tsdb);
    arena_done(&arena);
}

/* What is left of chunks is packed anew with its starts, in the head and in blocks. */
TEST(tsdb_starts_stay_where_others_are_deleted)
{
    struct matcher all = {0};
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    struct tsdb_options options = stores;
    struct tsdb *tsdb;

    assert_int_equal(matcher_init(&all, MATCHER_REGEX, LABEL_METRIC_NAME, STR(".+"), NULL), 0);
    options.no_snapshot = true;
    tsdb = fixture_open(dir, &options);
    append(tsdb, 0, 150, true);
    assert_int_equal(tsdb_delete(tsdb, (struct matchers){&all, 1}, 60 * STEP, 99 * STEP, NULL), 0);
    check_without(tsdb, 0, 150, 60, 100, true);
    fixture_close(tsdb);
    tsdb = fixture_open(dir, &options);
    check_without(tsdb, 0, 150, 60, 100, true);
    append(tsdb, 150, 600, true);
    assert_int_equal(tsdb_compact(tsdb, NULL), 0);
    check_without(tsdb, 0, 600, 60, 100, true);
    fixture_close(tsdb);
    matcher_done(&all);
    arena_done(&arena);
}

/* The encodings of the chunks of all blocks. */
static void count_encodings(struct tsdb *tsdb, size_t counts[CHUNK_FLOAT_HISTOGRAM_ST + 1])
{
    struct block_list *list = tsdb_blocks_ref(tsdb);

    assert_true(list->count > 0);
    for (size_t i = 0; i < list->count; i++) {
        const struct block_meta *meta = block_meta(list->items[i]);
        struct block_cursor cursor = {0};

        /* Three series of floats, two of histograms, at the same times. */
        assert_int_equal(meta->float_count * 2, meta->histogram_count * 3);
        assert_int_equal(meta->float_count + meta->histogram_count, meta->sample_count);
        assert_int_equal(block_cursor_open(&cursor, list->items[i], NULL), 0);
        while (block_cursor_next(&cursor, NULL) > 0) {
            for (size_t k = 0; k < cursor.chunks.count; k++) {
                uint8_t encoding = CHUNK_NONE;
                uint32_t samples = 0;
                str data = STR_NULL;

                assert_int_equal(block_chunk(list->items[i], &cursor.chunks.items[k], &encoding,
                                             &data, &samples, NULL),
                                 0);
                assert_true(encoding <= CHUNK_FLOAT_HISTOGRAM_ST);
                counts[encoding]++;
            }
        }
        block_cursor_done(&cursor);
    }
    tsdb_blocks_unref(list);
}

/* Newer encodings on request, without any start: of what the head writes, of what is late, and of
 * what merges pack anew; a change holds for what is written from then on. */
TEST(tsdb_writes_the_encodings_that_are_wished_for)
{
    static const struct {
        unsigned newer;
        uint8_t floats;
        uint8_t histograms;
        uint8_t float_histograms;
    } cases[] = {
        {0, CHUNK_XOR, CHUNK_HISTOGRAM, CHUNK_FLOAT_HISTOGRAM},
        {CHUNK_NEWER_FLOATS, CHUNK_XOR2, CHUNK_HISTOGRAM, CHUNK_FLOAT_HISTOGRAM},
        {CHUNK_NEWER_HISTOGRAMS, CHUNK_XOR, CHUNK_HISTOGRAM_ST, CHUNK_FLOAT_HISTOGRAM_ST},
        {CHUNK_NEWER_FLOATS | CHUNK_NEWER_HISTOGRAMS, CHUNK_XOR2, CHUNK_HISTOGRAM_ST,
         CHUNK_FLOAT_HISTOGRAM_ST},
    };
    struct matcher all = {0};
    struct arena arena = {0};

    assert_int_equal(matcher_init(&all, MATCHER_REGEX, LABEL_METRIC_NAME, STR(".+"), NULL), 0);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const char *dir = fixture_dir(&arena);
        size_t counts[CHUNK_FLOAT_HISTOGRAM_ST + 1] = {0}, chunks = 0;
        struct tsdb_options options = stores;
        struct tsdb *tsdb;

        options.store_starts = false;
        options.ooo_window = 10 * RANGE;
        options.too_old = 0;
        options.newer_chunks = i % 2 == 0 ? cases[i].newer : 0;
        tsdb = fixture_open(dir, &options);
        tsdb_set_newer_chunks(tsdb, cases[i].newer);
        append(tsdb, 200, 350, false);
        append(tsdb, 100, 200, false); /* late, so that blocks overlap and are merged */
        assert_int_equal(tsdb_compact(tsdb, NULL), 0);
        check_without(tsdb, 100, 350, 350, 350, false);
        append(tsdb, 350, 900, false);
        assert_int_equal(tsdb_compact(tsdb, NULL), 0);
        assert_int_equal(
            tsdb_delete(tsdb, (struct matchers){&all, 1}, 260 * STEP, 299 * STEP, NULL), 0);
        assert_int_equal(tsdb_clean_tombstones(tsdb, NULL), 0);
        check_without(tsdb, 100, 900, 260, 300, false);
        count_encodings(tsdb, counts);
        for (size_t k = 0; k < ARRAY_COUNT(counts); k++) {
            chunks += counts[k];
        }
        assert_true(counts[cases[i].floats] > 0 && counts[cases[i].histograms] > 0);
        assert_int_equal(counts[cases[i].floats] + counts[cases[i].histograms] +
                             counts[cases[i].float_histograms],
                         chunks);
        fixture_close(tsdb);
        options.newer_chunks = 0;
        tsdb = fixture_open(dir, &options);
        check_without(tsdb, 100, 900, 260, 300, false);
        fixture_close(tsdb);
    }
    matcher_done(&all);
    arena_done(&arena);
}

/* Without the option nothing of them is kept, and the files are those of a store that was not told
 * of any. */
TEST(tsdb_starts_change_nothing_where_they_are_not_kept)
{
    struct arena arena = {0};
    const struct fs *fs = fs_real();
    str contents[2][16];
    size_t counts[2] = {0};

    for (int told = 0; told < 2; told++) {
        const char *dir = fixture_dir(&arena);
        struct tsdb_options options = stores;
        const char *files[16];
        struct tsdb *tsdb;

        options.store_starts = false;
        options.no_snapshot = true;
        tsdb = fixture_open(dir, &options);
        append(tsdb, 0, 290, told == 1);
        check_without(tsdb, 0, 290, 290, 290, false);
        fixture_close(tsdb);
        counts[told] = fixture_files(fs, &arena, dir, files, 0, ARRAY_COUNT(files));
        for (size_t i = 0; i < counts[told]; i++) {
            struct fs_map map = {0};

            assert_int_equal(fs->map(fs, files[i], &map, NULL), 0);
            contents[told][i] = arena_str(&arena, str_of(map.ptr, map.size));
            fs->unmap(fs, map);
        }
    }
    assert_int_equal(counts[0], counts[1]);
    for (size_t i = 0; i < counts[0]; i++) {
        assert_true(str_eq(contents[0][i], contents[1][i]));
    }
    arena_done(&arena);
}
