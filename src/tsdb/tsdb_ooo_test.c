/* Samples out of order: taken within the window, merged by queries, replayed, and given to blocks.
 */
#include <stdio.h>

#include "base/mem.h"
#include "base/random.h"
#include "base/vec.h"
#include "client/self.h"
#include "client/self_histogram.h"
#include "sys/fs.h"
#include "testing/test.h"
#include "tsdb/block_writer.h"
#include "tsdb/head_late.h"
#include "tsdb/head_priv.h"
#include "tsdb/tsdb_fixture_test.h"
#include "tsdb/tsdb_priv.h"
#include "tsdb/wal_record.h"
#include "tsdb/wal_tail.h"

enum {
    STEP = 1000,
    RANGE = 100 * STEP,
    WINDOW = 150 * STEP,
    SERIES = 6,
    TURNS_MAX = 4000,
};

static const struct tsdb_options quick = {.no_sync_thread = true,
                                          .chunk_range = RANGE,
                                          .wal_segment_size = 32 * 1024,
                                          .ooo_window = WINDOW,
                                          .querier_wait = 20};

/* Which samples each series must have, by t / STEP. What a sample is follows from its time. */
struct model {
    struct random random;
    bool has[SERIES][TURNS_MAX];
    unsigned newest; /* of all series */
};

static double value_at(unsigned series, unsigned turn)
{
    return series * 10000.0 + turn;
}

/* Whether the store of the test in work keeps start timestamps; it is told of them in any case. */
static bool keeps_starts;

static ts start_of(unsigned series, unsigned turn)
{
    return series % 3 == 1 ? 0 : turn % 17 == 3 ? 0 : (ts)(turn / 40 * 40) * STEP - 7;
}

/* Series 4 has histograms, series 5 both. */
static bool is_histogram(unsigned series, unsigned turn)
{
    return series == 4 || (series == 5 && turn / 10 % 2 == 0);
}

struct one_histogram {
    struct histogram h;
    struct histogram_span span;
    double buckets[3];
};

static const struct histogram *histogram_at(struct one_histogram *ret, unsigned series,
                                            unsigned turn)
{
    *ret = (struct one_histogram){.span = {(int32_t)(turn / 30 % 3), 3},
                                  .buckets = {turn % 40, turn % 7, 1}};
    ret->h = (struct histogram){.schema = 1,
                                .integer = turn / 50 % 2 == 0,
                                .sum = value_at(series, turn),
                                .positive = {&ret->span, ret->buckets, 1, 3}};
    ret->h.count = ret->buckets[0] + ret->buckets[1] + ret->buckets[2];
    return &ret->h;
}

static enum append_status append(struct appender *appender, unsigned series, unsigned turn)
{
    struct baro_error err = {0};
    series_ref ref = fixture_series(appender, STR("o"), series);
    uint8_t status = APPEND_STATUS_COUNT;
    double v = value_at(series, turn);
    ts t = (ts)turn * STEP;
    struct one_histogram one;
    const struct histogram *h = histogram_at(&one, series, turn);
    ts st = start_of(series, turn);
    struct append_batch floats = {&ref, &t, &v, 1, &status, &st};
    struct append_histograms histograms = {
        .refs = &ref, .t = &t, .h = &h, .st = &st, .count = 1, .status = &status};
    int r = is_histogram(series, turn) ? appender->ops->histograms(appender, &histograms, &err)
                                       : appender->ops->samples(appender, &floats, &err);

    assert_ok(r, &err);
    return (enum append_status)status;
}

static void commit(struct appender *appender)
{
    struct baro_error err = {0};

    assert_ok(appender->ops->commit(appender, &err), &err);
}

/* Turns [from, to): most series move on by one; some fall behind, jump back, or repeat. */
static void fill(struct tsdb *tsdb, struct model *model, unsigned from, unsigned to)
{
    struct appendable *appendable = tsdb_appendable(tsdb);
    struct appender *appender = appendable->appender(appendable);

    for (unsigned turn = from; turn < to; turn++) {
        unsigned newest = model->newest;

        for (unsigned i = 0; i < SERIES; i++) {
            uint64_t dice = i == 0 ? 9 : random_below(&model->random, 10);
            unsigned at = turn;

            if (dice < 4) {
                at -= (unsigned)random_below(&model->random, turn < 140 ? turn + 1 : 140);
            } else if (dice == 4) {
                continue;
            }
            /* Within the window all is taken; it ends before the newest sample that was committed.
             */
            assert_int_equal(append(appender, i, at), APPEND_OK);
            model->has[i][at] = true;
            newest = at > newest ? at : newest;
        }
        commit(appender);
        model->newest = newest;
    }
    appender->ops->free(appender);
}

static void check_sample(const struct sample_buf *samples, size_t k, unsigned series, unsigned turn)
{
    struct one_histogram one;
    const struct histogram *want = histogram_at(&one, series, turn), *h;

    assert_int_equal(samples->t[k], (ts)turn * STEP);
    assert_true(samples->v[k] == value_at(series, turn));
    assert_int_equal(samples->st != NULL ? samples->st[k] : 0,
                     keeps_starts ? start_of(series, turn) : 0);
    h = samples->h != NULL ? samples->h[k] : NULL;
    assert_int_equal(h != NULL, is_histogram(series, turn));
    if (h != NULL) {
        assert_true(h->count == want->count);
        assert_int_equal(h->integer, want->integer);
    }
}

static void check_series(struct model *model, struct querier *querier, const struct series *series,
                         unsigned number, unsigned start, unsigned end)
{
    struct sample_buf samples = {0};
    struct baro_error err = {0};
    struct arena arena = {0};
    struct sample found = {0};
    size_t k = 0;
    int r;

    assert_ok(
        querier->ops->samples(querier, series, (ts)start * STEP, (ts)end * STEP, &samples, &err),
        &err);
    for (unsigned turn = start; turn <= end; turn++) {
        if (model->has[number][turn]) {
            assert_true(k < samples.count);
            check_sample(&samples, k++, number, turn);
        }
    }
    assert_int_equal(k, samples.count);
    r = querier->ops->last_sample(querier, series, (ts)start * STEP, (ts)end * STEP, &arena, &found,
                                  &err);
    assert_ok(r, &err);
    assert_int_equal(r, k > 0);
    if (k > 0) {
        assert_int_equal(found.t, samples.t[k - 1]);
        assert_true(found.v == samples.v[k - 1]);
        assert_int_equal(found.st, samples.st != NULL ? samples.st[k - 1] : 0);
    }
    sample_buf_done(&samples);
    arena_done(&arena);
}

static void check(struct tsdb *tsdb, struct model *model)
{
    struct queryable *queryable = tsdb_queryable(tsdb);
    struct querier *querier = NULL;
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
        assert_int_equal(list.count, 1);
        check_series(model, querier, &list.items[0], i, 0, TURNS_MAX - 1);
        for (int k = 0; k < 10; k++) {
            unsigned start = (unsigned)random_below(&model->random, model->newest + 1);

            check_series(model, querier, &list.items[0], i, start,
                         start + (unsigned)random_below(&model->random, 60));
        }
        arena_done(&arena);
    }
    querier_close(querier);
}

static size_t count_ooo_blocks(struct tsdb *tsdb)
{
    struct block_list *list = tsdb_blocks_ref(tsdb);
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++) {
        count += block_meta(list->items[i])->is_out_of_order;
    }
    tsdb_blocks_unref(list);
    return count;
}

static size_t count_segments(const char *dir)
{
    struct wal_listing list = {0};
    struct arena arena = {0};
    struct baro_error err = {0};

    assert_ok(wal_list(fs_real(), &arena, fs_path(&arena, dir, "wbl"), &list, &err), &err);
    arena_done(&arena);
    return list.segment_count;
}

static void live(const struct tsdb_options *options)
{
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    struct model *model = MEM_NEW(struct model);
    struct tsdb_open_report report = {0};
    struct tsdb_options off = *options;
    struct baro_error err = {0};
    struct tsdb *tsdb = fixture_open(dir, options);

    model->random = (struct random){21};
    fill(tsdb, model, 0, 145);
    check(tsdb, model);
    fixture_close(tsdb);
    tsdb = fixture_open(dir, options); /* from the WBL */
    tsdb_open_report(tsdb, &report);
    assert_true(report.ooo_samples > 100);
    check(tsdb, model);
    for (unsigned turn = 145; turn < 1500; turn += 90) {
        fill(tsdb, model, turn, turn + 90);
        assert_ok(tsdb_compact(tsdb, &err), &err);
        check(tsdb, model);
        /* What is left is what came since. */
        assert_true(count_segments(dir) <= 2);
        if (turn % 4 == 1) {
            fixture_close(tsdb);
            tsdb = fixture_open(dir, options);
            check(tsdb, model);
        }
    }
    /* Without a window what is there is still read, and goes to blocks. */
    fill(tsdb, model, model->newest + 1, model->newest + 120);
    fixture_close(tsdb);
    off.ooo_window = 0;
    tsdb = fixture_open(dir, &off);
    check(tsdb, model);
    assert_ok(tsdb_compact(tsdb, &err), &err);
    check(tsdb, model);
    fixture_close(tsdb);
    (void)mem_free(model);
    arena_done(&arena);
}

TEST(tsdb_ooo_samples_are_taken_replayed_and_compacted)
{
    live(&quick);
}

TEST(tsdb_ooo_samples_keep_their_starts)
{
    struct tsdb_options options = quick;

    options.store_starts = true;
    keeps_starts = true;
    live(&options);
    keeps_starts = false;
}

/* How many samples of a time the WAL has. */
static size_t logged_at(const char *dir, ts t)
{
    struct arena arena = {0};
    struct wal_tail tail = {0};
    struct wal_samples samples = {0};
    struct wal_place place;
    struct baro_error err = {0};
    str record;
    size_t count = 0;

    wal_tail_open(&tail, fs_real(), fs_path(&arena, dir, "wal"), (struct wal_place){0, 0});
    while (wal_tail_next(&tail, 0, &record, &place, &err) == 1) {
        if (wal_record_type(record) != WAL_RECORD_SAMPLES) {
            continue;
        }
        assert_ok(wal_read_samples(record, &samples, &err), &err);
        for (size_t i = 0; i < samples.count; i++) {
            count += samples.t[i] == t;
        }
    }
    wal_tail_done(&tail);
    wal_samples_done(&samples);
    arena_done(&arena);
    return count;
}

TEST(tsdb_ooo_samples_stand_in_the_wal_for_those_who_read_it)
{
    struct tsdb_options options = quick;
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    struct tsdb *tsdb;
    struct appender *appender;

    options.log_late = true;
    live(&options);

    tsdb = fixture_open(dir, &options);
    appender = tsdb_appendable(tsdb)->appender(tsdb_appendable(tsdb));
    assert_int_equal(append(appender, 0, 140), APPEND_OK);
    commit(appender);
    assert_int_equal(append(appender, 0, 90), APPEND_OK);
    assert_int_equal(append(appender, 0, 141), APPEND_OK);
    commit(appender);
    tsdb_set_log_late(tsdb, false);
    assert_int_equal(append(appender, 0, 91), APPEND_OK);
    commit(appender);
    appender->ops->free(appender);
    assert_int_equal(logged_at(dir, 141 * STEP), 1);
    assert_int_equal(logged_at(dir, 90 * STEP), 1);
    assert_int_equal(logged_at(dir, 91 * STEP), 0);
    fixture_close(tsdb);
    arena_done(&arena);
}

TEST(tsdb_ooo_blocks_say_so_and_are_merged)
{
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    struct model *model = MEM_NEW(struct model);
    struct baro_error err = {0};
    struct block_list *list;
    struct tsdb *tsdb = fixture_open(dir, &quick);

    model->random = (struct random){22};
    fill(tsdb, model, 0, 260);
    lock_acquire(&tsdb->compact_lock);
    assert_ok(tsdb_ooo_compact(tsdb, &err), &err);
    lock_release(&tsdb->compact_lock);
    assert_int_equal(count_ooo_blocks(tsdb), 3);
    assert_int_equal(tsdb_blocks_maxt(tsdb->blocks), INT64_MIN);
    check(tsdb, model);
    fill(tsdb, model, 260, 300);
    check(tsdb, model);
    for (int i = 0; i < 4; i++) {
        assert_ok(tsdb_compact(tsdb, &err), &err);
        check(tsdb, model);
    }
    /* They overlapped the blocks of what was in order: merged with those, they are nothing apart,
     * but where the head is still in order. */
    list = tsdb_blocks_ref(tsdb);
    for (size_t i = 0; i < list->count; i++) {
        const struct block_meta *meta = block_meta(list->items[i]);

        assert_true(!meta->is_out_of_order || meta->maxt > tsdb_blocks_maxt(list));
    }
    tsdb_blocks_unref(list);
    fixture_close(tsdb);
    (void)mem_free(model);
    arena_done(&arena);
}

TEST(tsdb_ooo_refuses_what_is_too_old)
{
    struct arena arena = {0};
    struct tsdb_options off = quick;
    struct baro_error err = {0};
    struct tsdb *tsdb;
    struct appender *appender;
    const double too_old = self_get(SELF_SAMPLES_TOO_OLD_FLOAT);
    const uint64_t deltas = self_histogram_count(SELF_HISTOGRAM_OOO_DELTA);
    const double taken = self_get(SELF_OOO_SAMPLES_APPENDED_FLOAT);

    off.ooo_window = 0;
    tsdb = fixture_open(fixture_dir(&arena), &off);
    appender = tsdb_appendable(tsdb)->appender(tsdb_appendable(tsdb));
    assert_int_equal(append(appender, 0, 1000), APPEND_OK);
    assert_int_equal(append(appender, 1, 990), APPEND_OK);
    commit(appender);
    assert_int_equal(append(appender, 0, 999), APPEND_OUT_OF_ORDER);
    assert_int_equal(append(appender, 0, 900), APPEND_OUT_OF_BOUNDS);
    commit(appender);
    /* The window opens while the store runs. */
    assert_ok(tsdb_set_ooo_window(tsdb, WINDOW, &err), &err);
    assert_int_equal(append(appender, 0, 999), APPEND_OK);
    assert_int_equal(append(appender, 0, 999), APPEND_OK); /* again: taken once */
    assert_int_equal(append(appender, 0, 850), APPEND_OK);
    assert_int_equal(append(appender, 0, 849), APPEND_TOO_OLD);
    assert_int_equal(append(appender, 1, 991), APPEND_OK);
    assert_int_equal(append(appender, 1, 985), APPEND_OK);
    assert_int_equal(append(appender, 1, 991), APPEND_OK);
    assert_int_equal(append(appender, 1, 995), APPEND_OK); /* in order, in the same transaction */
    commit(appender);
    assert_int_equal(self_get(SELF_SAMPLES_TOO_OLD_FLOAT) - too_old, 1);
    assert_int_equal(self_get(SELF_OOO_SAMPLES_APPENDED_FLOAT) - taken, 3);
    /* And closes. */
    assert_ok(tsdb_set_ooo_window(tsdb, 0, &err), &err);
    assert_int_equal(append(appender, 0, 998), APPEND_OUT_OF_ORDER);
    appender->ops->rollback(appender);
    assert_int_equal(self_histogram_count(SELF_HISTOGRAM_OOO_DELTA) - deltas, 8);
    appender->ops->free(appender);
    fixture_close(tsdb);
    arena_done(&arena);
}

TEST(tsdb_ooo_samples_are_deleted_for_good)
{
    struct matcher all = {.op = MATCHER_EQUAL, .name = STR("__name__"), .value = STR("o")};
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    struct model *model = MEM_NEW(struct model);
    struct baro_error err = {0};
    struct tsdb *tsdb = fixture_open(dir, &quick);

    model->random = (struct random){23};
    fill(tsdb, model, 0, 145);
    assert_ok(tsdb_delete(tsdb, (struct matchers){&all, 1}, 60 * STEP, 80 * STEP, &err), &err);
    for (unsigned i = 0; i < SERIES; i++) {
        for (unsigned turn = 60; turn <= 80; turn++) {
            model->has[i][turn] = false;
        }
    }
    check(tsdb, model);
    fixture_close(tsdb);
    tsdb = fixture_open(dir, &quick);
    check(tsdb, model);
    fixture_close(tsdb);
    (void)mem_free(model);
    arena_done(&arena);
}

/* A WBL as Prometheus leaves it: markers of chunks among the samples, series that are gone, and a
 * torn end. */
TEST(tsdb_ooo_reads_the_wbl_of_prometheus)
{
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena);
    struct model *model = MEM_NEW(struct model);
    struct tsdb_open_report report = {0};
    struct wal_batch batch = {0};
    struct wal *wbl = NULL;
    struct buf record = {0};
    struct tsdb_options off = quick;
    struct baro_error err = {0};
    struct appender *appender;
    series_ref ref = 0;
    struct tsdb *tsdb;

    off.ooo_window = 0;
    tsdb = fixture_open(dir, &off);
    appender = tsdb_appendable(tsdb)->appender(tsdb_appendable(tsdb));

    for (unsigned i = 0; i < SERIES; i++) {
        assert_int_equal(append(appender, i, 100), APPEND_OK);
        model->has[i][100] = true;
    }
    commit(appender);
    ref = fixture_series(appender, STR("o"), 1);
    appender->ops->free(appender);
    fixture_close(tsdb);
    assert_ok(fs_real()->mkdir(fs_real(), fs_path(&arena, dir, "wbl"), &err), &err);
    assert_ok(wal_open(fs_real(), fs_path(&arena, dir, "wbl"), 7, 0, &wbl, &err), &err);
    for (unsigned turn = 50; turn < 60; turn++) {
        series_ref refs[] = {ref, 4711};
        ts times[] = {(ts)turn * STEP, (ts)turn * STEP};
        double values[] = {value_at(1, turn), 1};

        buf_reset(&record);
        wal_put_type(&record, WAL_RECORD_MMAP_MARKERS);
        write_be64(&record, ref);
        write_be64(&record, UINT64_C(0x100000008));
        assert_ok(wal_batch_add(&batch, buf_view(&record), &err), &err);
        buf_reset(&record);
        wal_put_samples(&record, refs, times, values, 2);
        assert_ok(wal_batch_add(&batch, buf_view(&record), &err), &err);
        model->has[1][turn] = true;
    }
    buf_reset(&record);
    wal_put_type(&record, WAL_RECORD_SAMPLES);
    write_be64(&record, ref);
    assert_ok(wal_batch_add(&batch, buf_view(&record), &err), &err);
    assert_ok(wal_write(wbl, &batch, &err), &err);
    assert_ok(wal_close(wbl, &err), &err);
    for (int round = 0; round < 2; round++) {
        tsdb = fixture_open(dir, &quick);
        tsdb_open_report(tsdb, &report);
        assert_int_equal(report.ooo_samples, 20);
        assert_int_equal(report.wal_repairs, round == 0);
        check(tsdb, model);
        /* A ref that the WBL names is not given to another series. */
        appender = tsdb_appendable(tsdb)->appender(tsdb_appendable(tsdb));
        assert_true(fixture_series(appender, STR("o"), 77) > 4711);
        appender->ops->free(appender);
        fixture_close(tsdb);
    }
    buf_done(&record);
    wal_batch_done(&batch);
    (void)mem_free(model);
    arena_done(&arena);
}

/* ---- chunks of them in chunks_head ---- */

static void flush(struct tsdb *tsdb)
{
    struct baro_error err = {0};

    lock_acquire(&tsdb->compact_lock);
    assert_ok(head_files_flush(tsdb->head, NULL, &err), &err);
    lock_release(&tsdb->compact_lock);
}

/* Late chunks by where they are: memory or files. */
static size_t count_late(struct tsdb *tsdb, bool is_filed)
{
    const struct head *head = tsdb->head;
    size_t count = 0;

    for (size_t i = 0; i < HEAD_STRIPES; i++) {
        for (size_t k = 0; k < head->ooo[i].items.count; k++) {
            for (pool_ref ref = ooo_series_of(head->ooo[i].items.items[k])->closed; ref != 0;) {
                const struct head_chunk *chunk = head_chunk_at(head, ref);

                count += (head_chunk_file(chunk) != 0) == is_filed;
                ref = head_chunk_older(chunk);
            }
        }
    }
    return count;
}

/* The segments of the WBL, oldest first, and what of their last one ends behind its last markers.
 */
static size_t find_markers(const char *dir, struct arena *arena, const char **ret_last,
                           size_t *ret_behind)
{
    struct wal_listing list = {0};
    struct wal_reader reader = {0};
    struct baro_error err = {0};
    size_t count = 0;

    assert_ok(wal_list(fs_real(), arena, fs_path(arena, dir, "wbl"), &list, &err), &err);
    for (size_t i = 0; i < list.segment_count; i++) {
        struct fs_map map = {0};
        str record = STR_NULL;

        assert_ok(fs_real()->map(fs_real(), list.segments[i].path, &map, &err), &err);
        wal_reader_over(&reader, str_of(map.ptr, map.size));
        while (wal_reader_next(&reader, &record, &err) == 1) {
            if (wal_record_type(record) == WAL_RECORD_MMAP_MARKERS) {
                count += (record.len - 1) / 16;
                *ret_last = list.segments[i].path;
                *ret_behind = reader.offset;
            }
        }
        fs_real()->unmap(fs_real(), map);
    }
    wal_reader_done(&reader);
    return count;
}

TEST(tsdb_ooo_full_chunks_go_to_files_and_come_back)
{
    struct arena arena = {0};
    const char *dir = fixture_dir(&arena), *last = NULL;
    struct model *model = MEM_NEW(struct model);
    struct tsdb *tsdb = fixture_open(dir, &quick);
    struct baro_error err = {0};
    size_t filed = 0, behind = 0;
    ts mint = 0, maxt = 0;

    model->random = (struct random){24};
    for (unsigned turn = 0; turn < 300; turn += 75) {
        fill(tsdb, model, turn, turn + 75);
        flush(tsdb);
        assert_int_equal(count_late(tsdb, false), 0);
        assert_true(count_late(tsdb, true) >= filed);
        filed = count_late(tsdb, true);
        assert_int_equal(find_markers(dir, &arena, &last, &behind), filed);
        check(tsdb, model);
        fixture_close(tsdb);
        tsdb = fixture_open(dir, &quick);
        /* The chunks come from the files, what is behind them from the WBL. */
        assert_int_equal(count_late(tsdb, true), filed);
        assert_int_equal(count_late(tsdb, false), 0);
        check(tsdb, model);
    }
    assert_true(filed > SERIES);
    /* Files stay while a chunk of theirs is needed. */
    assert_in_range(head_late_first_file(tsdb->head), 1, 4);
    /* Given to blocks, they do not come back. */
    lock_acquire(&tsdb->compact_lock);
    assert_ok(tsdb_ooo_compact(tsdb, &err), &err);
    lock_release(&tsdb->compact_lock);
    check(tsdb, model);
    assert_int_equal(count_late(tsdb, true), 0);
    fixture_close(tsdb);
    tsdb = fixture_open(dir, &quick);
    assert_int_equal(count_late(tsdb, true), 0);
    assert_false(head_ooo_time(tsdb->head, &mint, &maxt));
    assert_int_equal(head_late_first_file(tsdb->head), UINT32_MAX);
    check(tsdb, model);
    fixture_close(tsdb);
    (void)mem_free(model);
    arena_done(&arena);
}

/* The markers are there, and what was written again behind them is not; or there is no such chunk:
 * nothing is lost. */
TEST(tsdb_ooo_markers_alone_lose_nothing)
{
    static const struct {
        const char *name;
        bool cuts_wbl;
        bool loses_files;
    } cases[] = {
        {"a WBL that ends behind the last markers", true, false},
        {"no chunks_head", false, true},
        {"both", true, true},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena = {0};
        const char *dir = fixture_dir(&arena), *last = NULL;
        struct model *model = MEM_NEW(struct model);
        struct tsdb *tsdb = fixture_open(dir, &quick);
        struct baro_error err = {0};
        size_t behind = 0;

        test_row(cases[i].name);
        model->random = (struct random){25};
        fill(tsdb, model, 0, 145);
        flush(tsdb);
        fixture_close(tsdb);
        assert_true(find_markers(dir, &arena, &last, &behind) > 0);
        if (cases[i].cuts_wbl) {
            fs_file file = FS_FILE_NONE;

            assert_ok(fs_real()->open(fs_real(), last, FS_WRITE, &file, &err), &err);
            assert_ok(fs_real()->truncate(fs_real(), file, behind, &err), &err);
            (void)fs_real()->close(fs_real(), file, NULL);
        }
        if (cases[i].loses_files) {
            assert_ok(fs_remove_tree(fs_real(), fs_path(&arena, dir, CHUNKS_HEAD_DIR), &err), &err);
        }
        tsdb = fixture_open(dir, &quick);
        check(tsdb, model);
        fill(tsdb, model, 145, 200);
        flush(tsdb);
        fixture_close(tsdb);
        tsdb = fixture_open(dir, &quick);
        check(tsdb, model);
        fixture_close(tsdb);
        (void)mem_free(model);
        arena_done(&arena);
    }
    test_row(NULL);
}
