/* Native histograms through the whole store: what was appended is read back from the head, after a
 * replay, from blocks and from merged ones. */
#include <stdio.h>

#include "base/mem.h"
#include "base/random.h"
#include "base/vec.h"
#include "client/self.h"
#include "codec/crc32c.h"
#include "sys/fs.h"
#include "testing/test.h"
#include "tsdb/block_cursor.h"
#include "tsdb/head_priv.h"
#include "tsdb/head_snapshot.h"
#include "tsdb/tsdb_fixture_test.h"
#include "tsdb/tsdb_priv.h"

enum { STEP = 1000, RANGE = 100 * STEP, SERIES = 9 };

static const struct tsdb_options quick = {.no_sync_thread = true,
                                          .chunk_range = RANGE,
                                          .wal_segment_size = 64 * 1024,
                                          .querier_wait = 20};

/* What a series must have; histograms in the model's arena. */
struct model_series {
    VEC(struct sample) samples;
};

struct model {
    struct arena arena;
    struct random random;
    struct model_series series[SERIES];
};

static void model_done(struct model *model)
{
    for (size_t i = 0; i < SERIES; i++) {
        vec_done(&model->series[i].samples);
    }
    arena_done(&model->arena);
}

/* A histogram of the sort that series `i` has: integers, floats, custom bounds, gauges, many
 * buckets; it grows from turn to turn, and now and then begins anew or gets other buckets. */
static struct histogram *histogram_at(struct model *model, unsigned i, unsigned turn)
{
    struct arena *arena = &model->arena;
    struct histogram *h = ARENA_NEW(arena, struct histogram);
    unsigned kind = i % 4, resets = turn / 37;
    uint32_t count = i == 8 ? 600 : 3 + turn / 23 % 4;
    static const double bounds[] = {0.25, 0.57, 1, 2, 4, 8};

    h->integer = kind != 1;
    h->schema = kind == 2 ? HISTOGRAM_SCHEMA_CUSTOM : turn / 61 % 2 == 0 ? 3 : 2;
    h->zero_threshold = kind == 2 ? 0 : 0x1p-128;
    h->hint = kind == 3 ? HISTOGRAM_HINT_GAUGE : HISTOGRAM_HINT_UNKNOWN;
    h->zero_count = kind == 2 ? 0 : turn % 37 / 2;
    h->positive.spans = ARENA_ARRAY(arena, struct histogram_span, 2);
    h->positive.spans[0] = (struct histogram_span){kind == 2 ? 0 : -1, count - 1};
    h->positive.spans[1] = (struct histogram_span){kind == 2 ? 0 : 2, 1};
    h->positive.span_count = 2;
    h->positive.bucket_count = count;
    h->positive.buckets = ARENA_ARRAY(arena, double, count);
    h->count = h->zero_count;
    for (uint32_t k = 0; k < count; k++) {
        double noise = kind == 3 ? (double)random_below(&model->random, 5) : 0;

        h->positive.buckets[k] = (turn - resets * 37) * (k + 1) + noise + (kind == 1 ? 0.5 : 0);
        h->count += h->positive.buckets[k];
    }
    if (kind == 2) {
        h->custom = bounds;
        h->custom_count = ARRAY_COUNT(bounds);
    }
    h->sum = turn * 1.5;
    return h;
}

/* The sample of a series at a turn: series 4 alternates with floats, series 5 goes now and then. */
static struct sample sample_at(struct model *model, unsigned i, unsigned turn, ts t)
{
    struct sample sample = {.t = t};

    if (i == 4 && turn / 5 % 3 == 0) {
        sample.v = turn;
    } else if (i == 5 && turn % 31 == 30) {
        sample.h = histogram_new_stale(&model->arena);
        sample.v = sample.h->sum;
    } else {
        sample.h = histogram_at(model, i, turn);
        sample.v = sample.h->sum;
    }
    return sample;
}

static enum append_status append(struct appender *appender, series_ref ref,
                                 const struct sample *sample)
{
    struct baro_error err = {0};
    uint8_t status = APPEND_STATUS_COUNT;
    struct append_histograms histograms = {
        .refs = &ref, .t = &sample->t, .h = &sample->h, .count = 1, .status = &status};
    struct append_batch floats = {&ref, &sample->t, &sample->v, 1, &status, NULL};
    int r = sample->h != NULL ? appender->ops->histograms(appender, &histograms, &err)
                              : appender->ops->samples(appender, &floats, &err);

    assert_ok(r, &err);
    return (enum append_status)status;
}

static void commit(struct appender *appender)
{
    struct baro_error err = {0};

    assert_ok(appender->ops->commit(appender, &err), &err);
}

/* Appends the turns [from, to) of all series, one commit a turn. */
static void fill(struct tsdb *tsdb, struct model *model, unsigned from, unsigned to)
{
    struct appendable *appendable = tsdb_appendable(tsdb);
    struct appender *appender = appendable->appender(appendable);

    for (unsigned turn = from; turn < to; turn++) {
        for (unsigned i = 0; i < SERIES; i++) {
            struct sample sample = sample_at(model, i, turn, (ts)turn * STEP);

            assert_int_equal(append(appender, fixture_series(appender, STR("h"), i), &sample),
                             APPEND_OK);
            vec_push(&model->series[i].samples, sample);
        }
        commit(appender);
    }
    appender->ops->free(appender);
}

static void assert_same(const struct sample *want, ts t, double v, const struct histogram *h)
{
    assert_int_equal(t, want->t);
    assert_true(value_bits(v) == value_bits(want->v));
    assert_int_equal(h != NULL, want->h != NULL);
    if (h == NULL || histogram_is_stale(h)) {
        return;
    }
    assert_int_equal(h->integer, want->h->integer);
    assert_int_equal(h->hint == HISTOGRAM_HINT_GAUGE, want->h->hint == HISTOGRAM_HINT_GAUGE);
    if (!histogram_eq(h, want->h)) {
        /* Buckets without a count may have come in between. */
        struct arena arena = {0};
        struct histogram *a = histogram_copy(&arena, h), *b = histogram_copy(&arena, want->h);

        histogram_compact(&arena, a);
        histogram_compact(&arena, b);
        assert_true(histogram_eq(a, b));
        arena_done(&arena);
    }
}

/* What hints must not say: that a counter was not reset where it fell. */
static void assert_hint(struct arena *arena, const struct histogram *h,
                        const struct histogram *before)
{
    struct histogram *unknown = histogram_copy(arena, h);

    if (h->hint == HISTOGRAM_HINT_NOT_RESET) {
        unknown->hint = HISTOGRAM_HINT_UNKNOWN;
        assert_false(histogram_has_reset(arena, unknown, before));
    }
}

static void check_samples(const struct model_series *want, const struct sample_buf *samples)
{
    struct arena arena = {0};

    assert_int_equal(samples->count, want->samples.count);
    for (size_t k = 0; k < samples->count; k++) {
        const struct histogram *h = samples->h != NULL ? samples->h[k] : NULL;
        const struct histogram *before = k > 0 && samples->h != NULL ? samples->h[k - 1] : NULL;

        assert_same(&want->samples.items[k], samples->t[k], samples->v[k], h);
        if (h != NULL && before != NULL && !histogram_is_stale(h) && !histogram_is_stale(before) &&
            h->hint != HISTOGRAM_HINT_GAUGE) {
            assert_hint(&arena, h, before);
        }
    }
    arena_done(&arena);
}

static void check_last(struct model *model, struct querier *querier, const struct series *series,
                       const struct model_series *want)
{
    struct baro_error err = {0};
    struct arena arena = {0};

    for (int i = 0; i < 20; i++) {
        ts end = (ts)random_below(&model->random, want->samples.count + 5) * STEP;
        const struct sample *last = NULL;
        struct sample found = {0};
        int r = querier->ops->last_sample(querier, series, INT64_MIN, end, &arena, &found, &err);

        for (size_t k = 0; k < want->samples.count && want->samples.items[k].t <= end; k++) {
            last = &want->samples.items[k];
        }
        assert_ok(r, &err);
        assert_int_equal(r, last != NULL);
        if (last != NULL) {
            assert_same(last, found.t, found.v, found.h);
        }
    }
    arena_done(&arena);
}

static void check(struct tsdb *tsdb, struct model *model)
{
    struct queryable *queryable = tsdb_queryable(tsdb);
    struct querier *querier = NULL;
    struct sample_buf samples = {0};
    struct baro_error err = {0};

    assert_ok(queryable->querier(queryable, INT64_MIN, INT64_MAX, &querier, &err), &err);
    for (unsigned i = 0; i < SERIES; i++) {
        struct arena arena = {0};
        struct matcher matcher = {
            .op = MATCHER_EQUAL, .name = STR("i"), .value = arena_printf(&arena, "%u", i)};
        struct series_list list = {0};

        assert_ok(querier->ops->select(querier, &arena, NULL, (struct matchers){&matcher, 1}, NULL,
                                       &list, &err),
                  &err);
        assert_int_equal(list.count, model->series[i].samples.count > 0);
        if (list.count == 1) {
            sample_buf_reset(&samples);
            assert_ok(querier->ops->samples(querier, &list.items[0], INT64_MIN, INT64_MAX, &samples,
                                            &err),
                      &err);
            check_samples(&model->series[i], &samples);
            check_last(model, querier, &list.items[0], &model->series[i]);
        }
        arena_done(&arena);
    }
    sample_buf_done(&samples);
    querier_close(querier);
}

static void compact(struct tsdb *tsdb)
{
    struct baro_error err = {0};

    assert_ok(tsdb_compact(tsdb, &err), &err);
}

static void remove_snapshot(const char *dir)
{
    struct arena arena = {0};

    assert_int_equal(fs_remove_tree(fs_real(), fs_path(&arena, dir, HEAD_SNAPSHOT_DIR), NULL), 0);
    arena_done(&arena);
}

TEST(tsdb_histograms_survive_replay_blocks_and_merges)
{
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    struct model model = {.random = {7}};
    struct tsdb_open_report report = {0};
    struct block_list *list;
    struct tsdb *tsdb = fixture_open(dir, &quick);

    fill(tsdb, &model, 0, 80);
    check(tsdb, &model);
    fixture_close(tsdb);
    tsdb = fixture_open(dir, &quick); /* from the snapshot */
    tsdb_open_report(tsdb, &report);
    assert_int_equal(report.snapshot_series, SERIES);
    check(tsdb, &model);
    fixture_close(tsdb);
    remove_snapshot(dir);
    tsdb = fixture_open(dir, &quick); /* from the WAL */
    tsdb_open_report(tsdb, &report);
    assert_int_equal(report.snapshot_series, 0);
    check(tsdb, &model);
    fill(tsdb, &model, 80, 330);
    check(tsdb, &model);
    compact(tsdb);
    check(tsdb, &model);
    list = tsdb_blocks_ref(tsdb);
    assert_int_equal(list->count, 2);
    tsdb_blocks_unref(list);
    fixture_close(tsdb);
    tsdb = fixture_open(dir, &quick); /* from blocks, a checkpoint and the WAL */
    check(tsdb, &model);
    for (unsigned turn = 330; turn < 1200; turn += 110) {
        fill(tsdb, &model, turn, turn + 110);
        compact(tsdb);
        check(tsdb, &model);
    }
    list = tsdb_blocks_ref(tsdb);
    assert_true(list->count < 9); /* three each were merged */
    tsdb_blocks_unref(list);
    fixture_close(tsdb);
    tsdb = fixture_open(dir, &quick);
    check(tsdb, &model);
    fixture_close(tsdb);
    model_done(&model);
    arena_done(&arena);
}

static void forget_range(struct model *model, unsigned i, ts start, ts end)
{
    struct model_series *series = &model->series[i];
    size_t kept = 0;

    for (size_t k = 0; k < series->samples.count; k++) {
        if (series->samples.items[k].t < start || series->samples.items[k].t > end) {
            series->samples.items[kept++] = series->samples.items[k];
        }
    }
    series->samples.count = kept;
}

/* Blocks that overlap, since the same was written twice, and deletions in head and blocks. */
TEST(tsdb_histograms_are_merged_and_deleted)
{
    struct matcher all = {.op = MATCHER_EQUAL, .name = STR("__name__"), .value = STR("h")};
    struct matcher one = {.op = MATCHER_EQUAL, .name = STR("i"), .value = STR("1")};
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    struct model model = {.random = {8}};
    struct tsdb *tsdb = fixture_open(dir, &quick);
    struct baro_error err = {0};
    struct head_block_job job = {.fs = fs_real(),
                                 .data_dir = dir,
                                 .mint = 40 * STEP,
                                 .maxt = 130 * STEP,
                                 .now = tsdb_wall(),
                                 .is_copy = true};
    char ulid[ULID_CHARS + 1] = "";
    struct block *copy = NULL;

    fill(tsdb, &model, 0, 270);
    assert_ok(tsdb_delete(tsdb, (struct matchers){&all, 1}, 20 * STEP, 25 * STEP, &err), &err);
    for (unsigned i = 0; i < SERIES; i++) {
        forget_range(&model, i, 20 * STEP, 25 * STEP);
    }
    check(tsdb, &model);
    /* A block of a part of the head, which the blocks of whole ranges then overlap. */
    assert_int_equal(head_block_write(tsdb->head, &job, ulid, &err), 1);
    assert_ok(tsdb_blocks_load(tsdb, ulid, &copy, &err), &err);
    tsdb_blocks_replace(tsdb, copy, NULL, 0);
    check(tsdb, &model);
    compact(tsdb);
    check(tsdb, &model);
    assert_ok(tsdb_delete(tsdb, (struct matchers){&one, 1}, 50 * STEP, 110 * STEP, &err), &err);
    forget_range(&model, 1, 50 * STEP, 110 * STEP);
    check(tsdb, &model);
    assert_ok(tsdb_clean_tombstones(tsdb, &err), &err);
    check(tsdb, &model);
    fixture_close(tsdb);
    tsdb = fixture_open(dir, &quick);
    check(tsdb, &model);
    fixture_close(tsdb);
    model_done(&model);
    arena_done(&arena);
}

TEST(tsdb_histograms_refuse_what_cannot_be_stored)
{
    struct arena arena = {0};
    struct model model = {.random = {9}};
    struct tsdb *tsdb = fixture_open(fixture_dir(&arena), &quick);
    struct appendable *appendable = tsdb_appendable(tsdb);
    struct appender *appender = appendable->appender(appendable);
    series_ref ref = fixture_series(appender, STR("h"), 0);
    struct histogram *h = histogram_at(&model, 0, 3), *other = histogram_at(&model, 0, 4);
    struct histogram *broken = histogram_copy(&arena, h), *huge = histogram_copy(&arena, h);
    const double refused = self_get(SELF_SAMPLES_OUT_OF_ORDER_HISTOGRAM);
    struct sample rows[] = {
        {.t = 500000, .h = h}, {.t = 500000, .h = h},      {.t = 500000, .h = other},
        {.t = 499999, .h = h}, {.t = 500001, .h = broken}, {.t = 500001, .h = huge},
        {.t = 500000, .v = 1}, {.t = 100000, .h = h},      {.t = 500002, .v = value_stale()},
    };
    static const enum append_status want[] = {
        APPEND_OK,      APPEND_OK,      APPEND_DUPLICATE, APPEND_OUT_OF_ORDER,
        APPEND_INVALID, APPEND_INVALID, APPEND_DUPLICATE, APPEND_OUT_OF_BOUNDS,
        APPEND_OK};
    struct sample_buf samples = {0};
    struct head_series *series;

    broken->count = 1;
    huge->count = 0x1p60;
    for (int round = 0; round < 2; round++) {
        /* In one transaction, then against what is committed. */
        for (size_t i = 0; i < ARRAY_COUNT(rows) - (round == 0); i++) {
            assert_int_equal(append(appender, ref, &rows[i]),
                             round == 0 && i == 7 ? APPEND_OUT_OF_BOUNDS : want[i]);
            if (round == 1) {
                commit(appender);
            }
        }
        commit(appender);
    }
    assert_int_equal(self_get(SELF_SAMPLES_OUT_OF_ORDER_HISTOGRAM) - refused, 2);
    assert_int_equal(append(appender, 999999, &rows[0]), APPEND_UNKNOWN);
    /* The stale float became a stale histogram, in the same chunk. */
    series = head_series_at(tsdb->head, 0);
    assert_true(head_series_is_histogram(series));
    assert_int_equal(series->chunk.count, 2);
    assert_true(value_is_stale(value_from_bits(series->chunk.v_bits)));
    appender->ops->free(appender);
    sample_buf_done(&samples);
    fixture_close(tsdb);
    model_done(&model);
    arena_done(&arena);
}

/* Buckets that grow by known numbers, and begin anew once. */
static void grow(struct histogram *h, uint64_t turn)
{
    h->count = 0;
    for (uint32_t k = 0; k < h->positive.bucket_count; k++) {
        double before = turn == 180 ? 0 : h->positive.buckets[k];

        h->positive.buckets[k] = before + (double)((turn * 7919 + k * UINT64_C(104729)) % 97);
        h->count += h->positive.buckets[k];
    }
    h->sum = (double)turn * 1.5;
}

/* All chunks of the only series, oldest first: how many samples each has, and a checksum over all
 * bytes. */
static size_t read_chunks(struct head *head, uint32_t *ret_counts, size_t room, uint32_t *ret_crc)
{
    const struct head_series *series = head_series_at(head, 0);
    VEC(str) chunks = {0};
    uint8_t encoding = CHUNK_NONE;
    str data = head_open_data_locked(head, series, &encoding);
    size_t count;

    vec_push(&chunks, data);
    for (const struct head_chunk *chunk = head_chunk_at(head, series->closed); chunk != NULL;
         chunk = head_chunk_at(head, head_chunk_older(chunk))) {
        assert_int_equal(head_chunk_encoding(chunk), encoding);
        assert_int_equal(head_chunk_data(head, chunk, &data, NULL), 0);
        vec_push(&chunks, data);
    }
    *ret_crc = 0;
    count = chunks.count;
    assert_true(count <= room);
    for (size_t i = 0; i < count; i++) {
        data = chunks.items[count - 1 - i];
        ret_counts[i] = chunk_samples(CHUNK_HISTOGRAM, data);
        *ret_crc = crc32c_add(*ret_crc, data.ptr, data.len);
    }
    vec_done(&chunks);
    return count;
}

/* Chunks end where those of Prometheus do: what a head of its 3.16 makes of the same histograms is
 * in the table. By bytes: a quarter of 1024 sets the end, and none has fewer than ten samples
 * before its range ends. */
TEST(tsdb_histograms_are_cut_as_prometheus_cuts)
{
    static const struct {
        bool is_float;
        uint32_t buckets;
        uint32_t counts[26];
        uint32_t crc;
    } cases[] = {
        {false, 4, {100, 80, 20, 50}, 0x26f2d91e},
        {false, 40, {17, 17, 17, 17, 16, 16, 17, 17, 17, 17, 12, 20, 17, 17, 16}, 0x021d8b9f},
        {false,
         400,
         {10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10,
          10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10},
         0x960ac162},
        {true, 4, {100, 80, 20, 50}, 0x35c36d7b},
        {true,
         40,
         {10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10,
          10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10},
         0xbefb5ed5},
        {true,
         400,
         {10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10,
          10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10},
         0x7c330ac8},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct head *head = head_new(&(struct head_options){.chunk_range = RANGE});
        struct appender *appender = head_appender(head);
        series_ref ref = fixture_series(appender, STR("h"), 0);
        struct histogram_span span = {-1, cases[i].buckets};
        double buckets[400] = {0};
        struct histogram h = {.schema = 3,
                              .integer = !cases[i].is_float,
                              .zero_threshold = 0x1p-128,
                              .positive = {&span, buckets, 1, cases[i].buckets}};
        uint32_t counts[26] = {0}, crc = 0;
        size_t count;

        for (ts turn = 0; turn < 250; turn++) {
            struct sample sample = {.t = turn * STEP, .h = &h};

            grow(&h, (uint64_t)turn);
            assert_int_equal(append(appender, ref, &sample), APPEND_OK);
            commit(appender);
        }
        count = read_chunks(head, counts, ARRAY_COUNT(counts), &crc);
        for (size_t k = 0; k <= count; k++) {
            assert_int_equal(k < count ? counts[k] : 0, cases[i].counts[k]);
        }
        assert_int_equal(crc, cases[i].crc);
        appender->ops->free(appender);
        (void)head_free(head);
    }
}
