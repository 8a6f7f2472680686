/* Answers must not depend on how many threads computed them. */
#include <math.h>

#include "base/crew.h"
#include "model/histogram.h"
#include "promql/engine.h"
#include "testing/test.h"

enum { SERIES = 400, SAMPLES = 240, STEP_MS = 15000 };

static const char *const queries[] = {
    "http_requests_total",
    "sum by (stage) (rate(http_requests_total[5m]))",
    "sum(http_requests_total)",
    "avg without (pod) (http_requests_total)",
    "stddev(rate(http_requests_total[2m]))",
    "topk(5, increase(http_requests_total[3m]))",
    "quantile_over_time(0.9, http_requests_total[10m])",
    "max_over_time(http_requests_total[10m]) - min_over_time(http_requests_total[10m])",
    "sum by (stage) (http_requests_total offset 3m) / sum by (stage) (http_requests_total)",
    "timestamp(http_requests_total)",
    "count({__name__=~\".+\"})",
    "rate({__name__=~\".+\"}[5m])",
    "last_over_time({__name__=~\".+\"}[1m])",
    "histogram_count(rate(mixed[5m]))",
    "sum(mixed)",
    "mixed",
    "rate(mixed[5m])",
    "smoothed_none",
    "count(http_requests_total @ 900)",
    "rate(http_requests_total[5m:30s])",
    "absent_over_time(http_requests_total[5m])",
    "sum(1, 2)", /* does not parse */
};

static void add(struct memstore *store, const char *name, int i)
{
    char pod[16];
    char stage[8];
    struct label pairs[3] = {{STR("__name__"), str_from(name)}};

    (void)snprintf(pod, sizeof(pod), "pod-%03d", i);
    (void)snprintf(stage, sizeof(stage), "s%d", i % 7);
    pairs[1] = (struct label){STR("pod"), str_from(pod)};
    pairs[2] = (struct label){STR("stage"), str_from(stage)};
    for (int k = 0; k < SAMPLES; k++) {
        double v = fmod((double)(k * (i + 1)) / 7, 1000 + i);
        struct histogram h = {.schema = 0, .count = k, .sum = k * 1.5};
        struct sample sample = {.t = (ts)k * STEP_MS + i % 13, .v = v};

        if ((k + i) % 97 == 0) {
            sample.v = value_stale();
        } else if (name[0] == 'm' && i % 3 == 0 && (i % 2 == 0 || k % 5 == 0)) {
            sample.h = &h;
            sample.v = h.sum;
        }
        (void)memstore_append_sample(store, (struct labels){pairs, 3}, &sample, NULL);
    }
}

static struct memstore *store_new(void)
{
    struct memstore *store = memstore_new();

    for (int i = 0; i < SERIES; i++) {
        add(store, "http_requests_total", i);
        add(store, "mixed", i);
    }
    return store;
}

static void assert_same_result(const struct query_result *a, const struct query_result *b)
{
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->series_count, b->series_count);
    assert_int_equal(a->stats.samples_read, b->stats.samples_read);
    assert_int_equal(a->annotations.warning_count, b->annotations.warning_count);
    assert_int_equal(a->annotations.info_count, b->annotations.info_count);
    for (size_t s = 0; s < a->series_count; s++) {
        assert_true(labels_eq(a->series[s].metric, b->series[s].metric));
        assert_int_equal(a->series[s].count, b->series[s].count);
        for (size_t i = 0; i < a->series[s].count; i++) {
            const struct point *p = &a->series[s].points[i];
            const struct point *q = &b->series[s].points[i];

            assert_int_equal(p->t, q->t);
            assert_int_equal(value_bits(p->v), value_bits(q->v));
            assert_int_equal(p->h != NULL, q->h != NULL);
        }
    }
}

static void compare(struct memstore *store, const struct query *query, struct crew *crew)
{
    struct engine_options options = {.lookback = 5 * DUR_MINUTE,
                                     .default_step = DUR_MINUTE,
                                     .samples_max = 50000000,
                                     .memory_bytes_max = (size_t)1 << 28};
    struct query_result alone = {0};
    struct query_result together = {0};
    struct baro_error errs[2] = {0};
    int r = engine_run(&options, memstore_queryable(store), query, &alone, &errs[0]);

    options.crew = crew;
    options.crew_ns = 1; /* however little there is to do */
    assert_int_equal(engine_run(&options, memstore_queryable(store), query, &together, &errs[1]),
                     r);
    assert_string_equal(errs[0].message, errs[1].message);
    if (r >= 0) {
        assert_same_result(&alone, &together);
        query_result_done(&alone);
        query_result_done(&together);
    }
}

TEST(eval_spread_changes_no_answer)
{
    struct memstore *store = store_new();
    CLEANUP(crew_freep) struct crew *crew = NULL;

    assert_int_equal(crew_new(3, &crew, NULL), 0);
    for (size_t i = 0; i < ARRAY_COUNT(queries); i++) {
        struct query query = {.text = str_from(queries[i]), .start = 1800000, .end = 1800000};

        test_row(queries[i]);
        compare(store, &query, crew);
        query = (struct query){
            .text = str_from(queries[i]), .start = 600000, .end = 3000000, .step = 8000};
        compare(store, &query, crew);
    }
    test_row(NULL);
    store = memstore_free(store);
}

/* Limits, a deadline and a kill end all threads, with the same error. */
TEST(eval_spread_stops)
{
    struct memstore *store = store_new();
    CLEANUP(crew_freep) struct crew *crew = NULL;
    _Atomic bool kill = true;
    struct query query = {.text = STR("sum(rate(http_requests_total[50m]))"),
                          .start = 0,
                          .end = 3000000,
                          .step = 1000};
    struct engine_options options = {
        .lookback = 5 * DUR_MINUTE, .default_step = DUR_MINUTE, .crew_ns = 1};
    struct query_result result = {0};
    struct baro_error err = {0};

    assert_int_equal(crew_new(3, &crew, NULL), 0);
    options.crew = crew;
    query.kill = &kill;
    assert_int_equal(engine_run(&options, memstore_queryable(store), &query, &result, &err),
                     BARO_ECANCELED);
    assert_string_equal(err.message, "query was canceled in expression evaluation");
    query.kill = NULL;
    options.timeout = 1;
    options.samples_max = 100;
    assert_int_equal(engine_run(&options, memstore_queryable(store), &query, &result, &err),
                     BARO_ELIMIT);
    assert_string_equal(
        err.message, "query processing would load too many samples into memory in query execution");
    store = memstore_free(store);
}
