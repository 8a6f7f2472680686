/* Answers must not depend on what a store knows of its samples: that they lie where they can be
 * read, are equally far apart, never fall. */
#include <math.h>

#include "base/mem.h"
#include "base/random.h"
#include "promql/engine.h"
#include "testing/test.h"

enum { SAMPLES = 500, SERIES = 40, DISTANCE_MS = 15000 };

/* A store in memory that tells of its samples what it is asked to. */
struct telling {
    struct queryable queryable;
    struct queryable *store;
    bool has_views;
    bool knows;
    bool has_pieces;
};

struct telling_querier {
    struct querier querier;
    const struct telling *telling;
    struct querier *store;
    struct arena arena;
};

static struct telling_querier *of(struct querier *querier)
{
    return CONTAINER_OF(querier, struct telling_querier, querier);
}

static int telling_select(struct querier *querier, struct arena *arena,
                          const struct select_hints *hints, struct matchers matchers,
                          const struct cancel *cancel, struct series_list *ret,
                          struct baro_error *err)
{
    struct querier *store = of(querier)->store;

    return store->ops->select(store, arena, hints, matchers, cancel, ret, err);
}

static int telling_samples(struct querier *querier, const struct series *series, ts start, ts end,
                           struct sample_buf *ret, struct baro_error *err)
{
    struct querier *store = of(querier)->store;

    return store->ops->samples(store, series, start, end, ret, err);
}

static void learn(struct sample_view *view)
{
    view->facts.distance = view->count > 1 ? view->t[1] - view->t[0] : 0;
    view->facts.never_falls = true;
    view->facts.no_nan = true;
    for (size_t i = 1; i < view->count; i++) {
        view->facts.distance =
            view->t[i] - view->t[i - 1] == view->facts.distance ? view->facts.distance : 0;
        view->facts.never_falls &= view->v[i] >= view->v[i - 1];
    }
    for (size_t i = 0; i < view->count; i++) {
        view->facts.no_nan &= !isnan(view->v[i]);
    }
}

static int telling_view(struct querier *querier, const struct series *series, ts start, ts end,
                        struct sample_view *ret)
{
    struct telling_querier *telling = of(querier);
    struct sample_buf samples = {0};
    ts *t;
    double *v;

    if (!telling->telling->has_views) {
        return 0;
    }
    assert_int_equal(telling_samples(querier, series, start, end, &samples, NULL), 0);
    t = arena_alloc(&telling->arena, samples.count * sizeof(*t));
    v = arena_alloc(&telling->arena, samples.count * sizeof(*v));
    if (samples.count > 0) {
        memcpy(t, samples.t, samples.count * sizeof(*t));
        memcpy(v, samples.v, samples.count * sizeof(*v));
    }
    *ret = (struct sample_view){.t = t, .v = v, .count = samples.count};
    if (telling->telling->knows) {
        learn(ret);
    }
    sample_buf_done(&samples);
    return 1;
}

/* A piece ends behind every 97th sample. */
static int telling_pieces(struct querier *querier, const struct series *series, ts start, ts end,
                          struct sample_pieces *ret)
{
    struct sample_view view = {0};

    if (!of(querier)->telling->has_pieces ||
        telling_view(querier, series, start, end, &view) <= 0 || !view.facts.no_nan ||
        view.facts.distance <= 0) {
        return 0;
    }
    *ret = (struct sample_pieces){.first = view.t[0],
                                  .distance = view.facts.distance,
                                  .count = view.count,
                                  .never_falls = view.facts.never_falls};
    for (size_t i = 0; i < view.count; i += 97) {
        size_t piece = ret->piece_count++;

        ret->pieces[piece].v = view.v + i;
        ret->pieces[piece].begin = i;
        ret->pieces[piece].end = i + 97 < view.count ? i + 97 : view.count;
        ret->pieces[piece].never_falls = true;
        for (size_t k = i + 1; k < ret->pieces[piece].end; k++) {
            ret->pieces[piece].never_falls &= view.v[k] >= view.v[k - 1];
        }
    }
    return 1;
}

static int telling_last_sample(struct querier *querier, const struct series *series, ts start,
                               ts end, struct arena *arena, struct sample *ret,
                               struct baro_error *err)
{
    struct querier *store = of(querier)->store;

    return store->ops->last_sample(store, series, start, end, arena, ret, err);
}

static void telling_close(struct querier *querier)
{
    struct telling_querier *telling = of(querier);

    querier_close(telling->store);
    arena_done(&telling->arena);
    (void)mem_free(telling);
}

static const struct querier_ops telling_ops = {
    .select = telling_select,
    .samples = telling_samples,
    .view = telling_view,
    .pieces = telling_pieces,
    .last_sample = telling_last_sample,
    .close = telling_close,
};

static int telling_querier(struct queryable *queryable, ts mint, ts maxt, struct querier **ret,
                           struct baro_error *err)
{
    struct telling *telling = CONTAINER_OF(queryable, struct telling, queryable);
    struct telling_querier *querier = MEM_NEW(struct telling_querier);

    querier->querier.ops = &telling_ops;
    querier->telling = telling;
    assert_int_equal(telling->store->querier(telling->store, mint, maxt, &querier->store, err), 0);
    *ret = &querier->querier;
    return 0;
}

/* Counters that rise, stay, begin anew, begin at zero; gauges; stale markers, NaNs; and gaps. */
static void add_series(struct memstore *store, struct random *random, int i)
{
    char number[8];
    struct label pairs[2] = {{STR("__name__"), STR("m_total")}, {STR("i"), STR_NULL}};
    ts offset = (ts)random_below(random, DISTANCE_MS);
    double v = i % 3 == 0 ? 0 : (double)random_below(random, 1000);

    (void)snprintf(number, sizeof(number), "%d", i);
    pairs[1].value = str_from(number);
    for (int k = 0; k < SAMPLES; k++) {
        if (i % 5 == 4 && k % 90 > 60) {
            continue;
        }
        v += random_below(random, 3) == 0 ? 0 : (double)random_below(random, 100) / 8;
        if (i % 4 == 1 && random_below(random, 80) == 0) {
            v = 0;
        } else if (i % 4 == 2) {
            v = (double)random_below(random, 100);
        }
        if (i % 7 == 3 && random_below(random, 60) == 0) {
            (void)memstore_append(store, (struct labels){pairs, 2}, offset + k * DISTANCE_MS,
                                  k % 2 == 0 ? value_stale() : NAN, NULL);
            continue;
        }
        assert_int_equal(
            memstore_append(store, (struct labels){pairs, 2}, offset + k * DISTANCE_MS, v, NULL),
            0);
    }
}

static void assert_same(const struct query_result *a, const struct query_result *b)
{
    assert_int_equal(a->series_count, b->series_count);
    assert_int_equal(a->stats.samples_read, b->stats.samples_read);
    for (size_t s = 0; s < a->series_count; s++) {
        assert_int_equal(a->series[s].count, b->series[s].count);
        for (size_t i = 0; i < a->series[s].count; i++) {
            assert_int_equal(a->series[s].points[i].t, b->series[s].points[i].t);
            assert_int_equal(value_bits(a->series[s].points[i].v),
                             value_bits(b->series[s].points[i].v));
        }
    }
}

static void compare(struct telling *telling, const struct query *query)
{
    struct engine_options options = {.lookback = 5 * DUR_MINUTE,
                                     .default_step = DUR_MINUTE,
                                     .samples_max = 50000000,
                                     .memory_bytes_max = (size_t)1 << 28};
    struct query_result results[4] = {0};
    struct baro_error err = {0};

    for (int i = 0; i < 4; i++) {
        telling->has_views = i > 0;
        telling->knows = i > 1;
        telling->has_pieces = i > 2;
        assert_ok(engine_run(&options, &telling->queryable, query, &results[i], &err), &err);
        assert_same(&results[0], &results[i]);
    }
    for (int i = 0; i < 4; i++) {
        query_result_done(&results[i]);
    }
}

TEST(eval_views_change_no_answer)
{
    static const char *const queries[] = {
        "m_total",
        "timestamp(m_total)",
        "m_total offset 7m",
        "rate(m_total[5m])",
        "rate(m_total[47s])",
        "increase(m_total[1m]) + 1",
        "delta(m_total[3m] offset 2m)",
        "sum(rate(m_total[2m]))",
        "avg(m_total)",
        "max(m_total) - min(m_total)",
        "avg(rate(m_total[3m])) + count(m_total)",
        "max_over_time(m_total[4m])",
        "min_over_time(m_total[16m] offset 1m)",
        "sum(max_over_time(m_total[15s])) - avg(min_over_time(m_total[100s]))",
        "max by (i) (increase(m_total[30s]))",
        "sum_over_time(rate(m_total[1m])[5m:30s])",
        "irate(m_total[1m])",
        "resets(m_total[10m])",
    };
    static const dur steps[] = {1000, 7000, 15000, 30000, 60000, 75000, 450000, 7200000};
    struct memstore *store = memstore_new();
    struct telling telling = {.queryable = {.querier = telling_querier},
                              .store = memstore_queryable(store)};
    struct random random = {7};

    for (int i = 0; i < SERIES; i++) {
        add_series(store, &random, i);
    }
    for (size_t i = 0; i < ARRAY_COUNT(queries); i++) {
        test_row(queries[i]);
        for (size_t k = 0; k < ARRAY_COUNT(steps); k++) {
            ts start = (ts)random_below(&random, 600000) - 300000;
            struct query query = {.text = str_from(queries[i]),
                                  .start = start,
                                  .end = start + (steps[k] == 1000 ? 1800000 : 9000000),
                                  .step = steps[k]};

            compare(&telling, &query);
        }
    }
    test_row(NULL);
    store = memstore_free(store);
}
