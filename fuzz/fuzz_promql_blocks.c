/* promql_blocks: random expressions over a store with blocks of three sizes, a head, and samples
 * that came late: series in step and out of it, with gaps, stale markers, resets and native
 * histograms. The answer is that of the same samples in memory, and a range query's value at a step
 * is the instant query's. The store is made once. */
#include "base/log.h"
#include "base/mem.h"
#include "fuzz/fuzz.h"
#include "fuzz/promql_made.h"
#include "sys/fs_fake.h"
#include "tsdb/tsdb.h"

enum {
    TURN_MS = 15000,
    TURNS = 200, /* 50 minutes: blocks of 4 and 12, and what the head keeps */
    STEPS = 8,
    LATE_TURNS = 30,
    SERIES = 12,
};

static const char *const names[SERIES] = {
    "b_bucket{a=\"1\",le=\"+Inf\"}",
    "b_bucket{a=\"1\",le=\"1\"}",
    "b_bucket{a=\"1\",le=\"5\"}",
    "c{a=\"1\"}",
    "c{a=\"2\"}",
    "c{a=\"3\"}",
    "g{a=\"1\",b=\"x\"}",
    "g{a=\"2\",b=\"y\"}",
    "g{a=\"3\",b=\"x\"}",
    "g{a=\"4\"}",
    "h{a=\"1\"}",
    "h{a=\"2\"}",
};

/* What a series has at a turn. */
struct made {
    struct histogram h;
    struct histogram_span span;
    double counts[2];
    struct sample sample;
    bool is_late; /* comes LATE_TURNS behind its time */
};

static void make_histogram(struct made *made, unsigned turn, bool custom)
{
    static const double bounds[] = {1, 5};

    made->span = (struct histogram_span){custom ? 0 : (int32_t)(turn / 60 % 3) - 1, 2};
    made->counts[0] = turn % 70;
    made->counts[1] = turn % 70 / 3;
    made->h = (struct histogram){
        .schema = custom ? HISTOGRAM_SCHEMA_CUSTOM : (int32_t)(turn / 90 % 2),
        .integer = turn / 50 % 2 == 0,
        .hint = turn / 80 % 3 == 2 ? HISTOGRAM_HINT_GAUGE : HISTOGRAM_HINT_UNKNOWN,
        .count = made->counts[0] + made->counts[1],
        .sum = made->counts[1] * 3,
        .positive = {&made->span, made->counts, 1, 2}};
    if (custom) {
        made->h.custom = bounds;
        made->h.custom_count = 2;
    }
    made->sample.h = &made->h;
    made->sample.v = made->h.sum;
}

/* False when the series has no sample at the turn. */
static bool make_sample(unsigned series, unsigned turn, struct made *ret)
{
    static const double odd[] = {NAN, INFINITY, -INFINITY, 0, -0.0, 1e300, 5e-324};
    uint64_t dice = ((uint64_t)series * TURNS + turn) * UINT64_C(0x9e3779b97f4a7c15) >> 32;
    ts t = (ts)turn * TURN_MS + (series == 6 ? 7000 : 0);

    *ret = (struct made){.sample = {.t = t, .v = (double)(dice % 256) / 8 - 9}};
    switch (series) {
    case 0: /* regular counters: the buckets, one that is reset, one that is not */
    case 1:
    case 2:
        ret->sample.v = turn * (series == 0 ? 3.0 : series);
        return true;
    case 3:
        ret->sample.v = turn % 83 * 4.0;
        ret->sample.st = turn < 83 ? 0 : (ts)(turn / 83 * 83) * TURN_MS - 1000;
        return true;
    case 4:
        ret->sample.v = turn * 2.5;
        return true;
    case 5: /* in order, but for every fifth sample */
        ret->sample.v = turn * 2.0;
        ret->is_late = turn % 5 == 3;
        return true;
    case 6: /* every second turn, and not on it */
        return turn % 2 == 0;
    case 7: /* whatever may be */
        ret->sample.v = dice % 9 == 0   ? odd[dice / 9 % ARRAY_COUNT(odd)]
                        : dice % 9 == 1 ? value_stale()
                                        : ret->sample.v;
        ret->sample.t += (ts)(dice / 70 % 3) * 1000;
        return dice % 7 != 0;
    case 8: /* late, now and then */
        ret->is_late = turn / 20 % 2 == 1;
        return turn % 3 != 0;
    case 9: /* comes and goes */
        return turn / 30 % 2 == 0;
    case 10:
        make_histogram(ret, turn, turn / 100 == 1);
        return turn % 11 != 10;
    default: /* histograms and floats */
        ret->is_late = turn % 17 == 5;
        if (turn / 25 % 2 == 0) {
            make_histogram(ret, turn, false);
        }
        return true;
    }
}

/* ---- the two stores ---- */

struct stores {
    struct tsdb *tsdb;
    struct memstore *memory;
    struct arena arena;
    struct labels labels[SERIES];
};

static void append(struct stores *stores, struct appender *appender, unsigned series,
                   const struct sample *sample)
{
    series_ref ref = 0;
    uint8_t status = APPEND_STATUS_COUNT;
    struct append_batch floats = {
        .refs = &ref, .t = &sample->t, .v = &sample->v, .st = &sample->st, .count = 1};
    struct append_histograms histograms = {
        .refs = &ref, .t = &sample->t, .h = &sample->h, .st = &sample->st, .count = 1};
    int r = appender->ops->series(appender, stores->labels[series], &ref, NULL);

    ASSERT(r >= 0);
    floats.status = &status;
    histograms.status = &status;
    r = sample->h != NULL ? appender->ops->histograms(appender, &histograms, NULL)
                          : appender->ops->samples(appender, &floats, NULL);
    ASSERT(r == 0 && status == APPEND_OK);
}

static void append_turn(struct stores *stores, unsigned turn)
{
    struct appendable *appendable = tsdb_appendable(stores->tsdb);
    struct appender *appender = appendable->appender(appendable);
    struct made made;

    for (unsigned s = 0; s < SERIES; s++) {
        if (turn < TURNS && make_sample(s, turn, &made) && !made.is_late) {
            append(stores, appender, s, &made.sample);
        }
    }
    ASSERT(appender->ops->commit(appender, NULL) >= 0);
    for (unsigned s = 0; s < SERIES && turn >= LATE_TURNS; s++) {
        if (make_sample(s, turn - LATE_TURNS, &made) && made.is_late) {
            append(stores, appender, s, &made.sample);
        }
    }
    ASSERT(appender->ops->commit(appender, NULL) >= 0);
    appender->ops->free(appender);
}

static void fill_memory(struct stores *stores)
{
    stores->memory = memstore_new();
    for (unsigned s = 0; s < SERIES; s++) {
        for (unsigned turn = 0; turn < TURNS; turn++) {
            struct made made;

            if (make_sample(s, turn, &made)) {
                int r =
                    memstore_append_sample(stores->memory, stores->labels[s], &made.sample, NULL);

                ASSERT(r >= 0);
            }
        }
    }
}

static void make_stores(struct stores *stores)
{
    static struct fs_fake *disk;
    struct tsdb_options options = {.no_sync_thread = true,
                                   .chunk_range = (dur)4 * DUR_MINUTE,
                                   .block_max = (dur)12 * DUR_MINUTE,
                                   .ooo_window = (dur)20 * DUR_MINUTE,
                                   .querier_wait = 1,
                                   .store_starts = true};
    int r;

    log_setup(LOG_WARN, LOG_LOGFMT);
    disk = fs_fake_new(1);
    options.fs = fs_fake_fs(disk);
    r = tsdb_open("data", &options, &stores->tsdb, NULL);
    ASSERT(r >= 0);
    for (unsigned s = 0; s < SERIES; s++) {
        r = promql_parse_metric(&stores->arena, str_from(names[s]), &stores->labels[s], NULL);
        ASSERT(r >= 0);
    }
    for (unsigned turn = 0; turn < TURNS + LATE_TURNS; turn++) {
        append_turn(stores, turn);
        /* What comes late behind the last of these stays in the head. */
        if (turn % 40 == 39 && turn < TURNS) {
            r = tsdb_compact(stores->tsdb, NULL);
            ASSERT(r >= 0);
        }
    }
    fill_memory(stores);
}

/* ---- series in one order, whatever the store: sums and ties depend on it ---- */

struct sorted_querier {
    struct querier querier;
    struct querier *inner;
};

static struct querier *inner_of(struct querier *querier)
{
    return CONTAINER_OF(querier, struct sorted_querier, querier)->inner;
}

static int sorted_select(struct querier *querier, struct arena *arena,
                         const struct select_hints *hints, struct matchers matchers,
                         const struct cancel *cancel, struct series_list *ret,
                         struct baro_error *err)
{
    struct querier *inner = inner_of(querier);
    struct select_hints sorted = *hints;

    sorted.sorted = true;
    sorted.no_labels = false;
    sorted.name_count = 0;
    return inner->ops->select(inner, arena, &sorted, matchers, cancel, ret, err);
}

static int sorted_samples(struct querier *querier, const struct series *series, ts start, ts end,
                          struct sample_buf *ret, struct baro_error *err)
{
    return inner_of(querier)->ops->samples(inner_of(querier), series, start, end, ret, err);
}

static int sorted_view(struct querier *querier, const struct series *series, ts start, ts end,
                       struct sample_view *ret)
{
    struct querier *inner = inner_of(querier);

    return inner->ops->view != NULL ? inner->ops->view(inner, series, start, end, ret) : 0;
}

static int sorted_pieces(struct querier *querier, const struct series *series, ts start, ts end,
                         struct sample_pieces *ret)
{
    struct querier *inner = inner_of(querier);

    return inner->ops->pieces != NULL ? inner->ops->pieces(inner, series, start, end, ret) : 0;
}

static int sorted_last_sample(struct querier *querier, const struct series *series, ts start,
                              ts end, struct arena *arena, struct sample *ret,
                              struct baro_error *err)
{
    struct querier *inner = inner_of(querier);

    return inner->ops->last_sample(inner, series, start, end, arena, ret, err);
}

static void sorted_close(struct querier *querier)
{
    querier_close(inner_of(querier));
    (void)mem_free(CONTAINER_OF(querier, struct sorted_querier, querier));
}

static const struct querier_ops sorted_ops = {
    .select = sorted_select,
    .samples = sorted_samples,
    .view = sorted_view,
    .pieces = sorted_pieces,
    .last_sample = sorted_last_sample,
    .close = sorted_close,
};

struct sorted_store {
    struct queryable queryable;
    struct queryable *inner;
};

static int sorted_querier(struct queryable *queryable, ts mint, ts maxt, struct querier **ret,
                          struct baro_error *err)
{
    struct sorted_store *store = CONTAINER_OF(queryable, struct sorted_store, queryable);
    struct sorted_querier *querier = MEM_NEW(struct sorted_querier);
    int r = store->inner->querier(store->inner, mint, maxt, &querier->inner, err);

    if (r < 0) {
        (void)mem_free(querier);
        return r;
    }
    querier->querier.ops = &sorted_ops;
    *ret = &querier->querier;
    return r;
}

/* ---- asking both ---- */

static int ask(struct queryable *inner, const struct query *query, struct query_result *ret)
{
    static const struct engine_options options = {.lookback = 2 * DUR_MINUTE,
                                                  .default_step = DUR_MINUTE,
                                                  .samples_max = 1000000,
                                                  .memory_bytes_max = (size_t)64 << 20,
                                                  .features = {1, 1, 1, 1, 1, 0, 0}};
    struct sorted_store store = {{.querier = sorted_querier}, inner};

    return engine_run(&options, &store.queryable, query, ret, NULL);
}

static void check_same(const struct query_result *a, const struct query_result *b)
{
    ASSERT(a->type == b->type && a->series_count == b->series_count);
    for (size_t i = 0; i < a->series_count; i++) {
        ASSERT(labels_eq(a->series[i].metric, b->series[i].metric));
        ASSERT(a->series[i].count == b->series[i].count);
        for (size_t k = 0; k < a->series[i].count; k++) {
            ASSERT(a->series[i].points[k].t == b->series[i].points[k].t);
            ASSERT(point_eq(&a->series[i].points[k], &b->series[i].points[k]));
        }
    }
}

static void evaluate(const struct stores *stores, const struct query *range, ts t)
{
    struct queryable *blocks = tsdb_queryable(stores->tsdb);
    struct query at = {.text = range->text, .start = t, .end = t};
    struct query_result wanted = {0};
    struct query_result got = {0};
    struct query_result instant = {0};
    int r = ask(memstore_queryable(stores->memory), range, &wanted);
    int same = ask(blocks, range, &got);
    int one = ask(blocks, &at, &instant);

    /* What a store reads takes more or less memory. */
    ASSERT(r == same || r == BARO_ELIMIT || same == BARO_ELIMIT);
    ASSERT(same < 0 || one >= 0);
    if (r >= 0 && same >= 0) {
        check_same(&wanted, &got);
        check_step(&got, &instant, t);
    }
    if (r >= 0) {
        query_result_done(&wanted);
    }
    if (same >= 0) {
        query_result_done(&got);
    }
    if (one >= 0) {
        query_result_done(&instant);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const dur steps[] = {DUR_MINUTE, 15000, 20000, (dur)5 * DUR_MINUTE, 7000};
    static struct stores stores;
    struct bytes from = {data, size};
    struct buf text = {.limit = 4096};
    struct query query = {.step = PICK(&from, steps)};
    unsigned step = take(&from, STEPS);

    if (stores.tsdb == NULL) {
        make_stores(&stores);
    }
    query.start = (ts)take(&from, TURNS) * TURN_MS + (ts)take(&from, 3) * 3500;
    query.end = query.start + (STEPS - 1) * query.step;
    put_vector(&text, &from, 0);
    if (!text.failed) {
        query.text = buf_view(&text);
        evaluate(&stores, &query, query.start + step * query.step);
    }
    buf_done(&text);
    return 0;
}
