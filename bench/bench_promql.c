/* PromQL over a store in memory: what the engine costs, storage left out as far as possible. */
#include <stdio.h>

#include "base/error.h"
#include "base/num.h"
#include "bench/bench.h"
#include "model/histogram.h"
#include "promql/engine.h"
#include "storage/storage.h"

enum {
    POD_COUNT = 74,
    STAGE_COUNT = 20,
    SAMPLE_COUNT = 240,
    SCRAPE_MS = 15000,
    HISTOGRAM_SERIES = 200
};

static const struct engine_options options = {.lookback = 5 * DUR_MINUTE,
                                              .default_step = DUR_MINUTE,
                                              .samples_max = 50000000,
                                              .memory_bytes_max = (size_t)1 << 30};

struct bench_query {
    struct memstore *store;
    struct query query;
};

static void add_series(struct memstore *store, const struct label *pairs, size_t count,
                       size_t samples, uint64_t seed)
{
    struct labels labels = {pairs, count};
    double v = 0;

    for (size_t i = 0; i < samples; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        v += (double)(seed >> 60);
        (void)memstore_append(store, labels, (ts)i * SCRAPE_MS, v, NULL);
    }
}

/* http_requests_total of 1,480 series and one build_info a pod. */
static struct memstore *store_new(size_t samples)
{
    struct memstore *store = memstore_new();

    for (size_t pod = 0; pod < POD_COUNT; pod++) {
        char name[32];
        int size = snprintf(name, sizeof(name), "pod-%03zu", pod);
        str pod_name = str_of(name, (size_t)size);

        for (size_t stage = 0; stage < STAGE_COUNT; stage++) {
            char text[32];
            int text_size = snprintf(text, sizeof(text), "stage-%zu", stage);
            struct label pairs[] = {{STR("__name__"), STR("http_requests_total")},
                                    {STR("endpoint"), STR("/api/v1/cart")},
                                    {STR("pod"), pod_name},
                                    {STR("stage"), str_of(text, (size_t)text_size)}};

            add_series(store, pairs, 4, samples, pod * 1000 + stage);
        }
        add_series(store,
                   (struct label[]){{STR("__name__"), STR("build_info")},
                                    {STR("pod"), pod_name},
                                    {STR("version"), pod % 2 == 0 ? STR("1") : STR("2")}},
                   3, samples, 0);
    }
    return store;
}

static void run_query(void *context)
{
    struct bench_query *bench = context;
    struct query_result result = {0};
    struct baro_error err = {0};

    if (engine_run(&options, memstore_queryable(bench->store), &bench->query, &result, &err) < 0) {
        printf("%s\n", err.message);
        return;
    }
    bench_keep(result.series);
    query_result_done(&result);
}

static void measure(const char *what, struct memstore *store, const char *text, size_t steps,
                    uint64_t ops)
{
    ts end = (ts)(SAMPLE_COUNT - 1) * SCRAPE_MS;
    struct bench_query bench = {.store = store, .query = {.text = str_from(text)}};

    bench.query.end = end;
    bench.query.start = steps > 1 ? end - (ts)(steps - 1) * SCRAPE_MS : end;
    bench.query.step = steps > 1 ? SCRAPE_MS : 0;
    bench_measure(what, run_query, &bench, ops, 0);
}

BENCH(promql_engine)
{
    struct memstore *store = store_new(SAMPLE_COUNT);
    uint64_t series = (uint64_t)POD_COUNT * STAGE_COUNT;

    measure("vector(1), per query", store, "vector(1)", 1, 1);
    measure("selector instant, per series", store, "http_requests_total", 1, series);
    measure("rate instant, per series", store, "rate(http_requests_total[5m])", 1, series);
    measure("rate range, per series and step", store, "rate(http_requests_total[5m])", 200,
            series * 200);
    measure("sum by (stage) (rate), per series and step", store,
            "sum by (stage) (rate(http_requests_total[5m]))", 200, series * 200);
    measure("sum by (stage), per series", store, "sum by (stage) (http_requests_total)", 1, series);
    measure("max_over_time 1h range, per series and step", store,
            "max(max_over_time(http_requests_total[1h]))", 200, series * 200);
    measure("avg_over_time 5m range, per series and step", store,
            "max(avg_over_time(http_requests_total[5m]))", 200, series * 200);
    measure("quantile_over_time 1h instant, per sample", store,
            "quantile_over_time(0.95, http_requests_total[1h])", 1, series * SAMPLE_COUNT);
    measure("group_left join range, per series and step", store,
            "sum by (version) (http_requests_total * on (pod) group_left (version) build_info)",
            200, series * 200);
    measure("a ratio of the same sums, per series and step", store,
            "sum by (stage) (rate(http_requests_total[5m])) / sum by (stage) "
            "(rate(http_requests_total[5m]))",
            200, series * 200);
    measure("topk(10) instant, per series", store, "topk(10, http_requests_total)", 1, series);
    store = memstore_free(store);
}

/* latency of 200 series, 20 buckets each. */
static struct memstore *store_of_histograms(size_t samples)
{
    struct memstore *store = memstore_new();

    for (size_t pod = 0; pod < HISTOGRAM_SERIES; pod++) {
        double buckets[20] = {0};
        struct histogram_span span = {-4, 20};
        struct histogram h = {.schema = 2, .positive = {&span, buckets, 1, 20}};
        char name[32];
        int size = snprintf(name, sizeof(name), "pod-%03zu", pod);
        struct label pairs[] = {{STR("__name__"), STR("latency")},
                                {STR("pod"), str_of(name, (size_t)size)}};

        for (size_t i = 0; i < samples; i++) {
            buckets[(pod + i) % 20] += 3;
            h.count += 3;
            h.sum += 2.5;
            (void)memstore_append_sample(
                store, (struct labels){pairs, 2},
                &(struct sample){.t = (ts)i * SCRAPE_MS, .v = h.sum, .h = &h}, NULL);
        }
    }
    return store;
}

BENCH(promql_histograms)
{
    struct memstore *store = store_of_histograms(SAMPLE_COUNT);
    uint64_t points = (uint64_t)HISTOGRAM_SERIES * 60;

    measure("histogram rate range, per series and step", store, "rate(latency[5m])", 60, points);
    measure("histogram sum of rates, per series and step", store, "sum(rate(latency[5m]))", 60,
            points);
    measure("histogram_quantile of rates, per series and step", store,
            "histogram_quantile(0.9, rate(latency[5m]))", 60, points);
    measure("histogram_count, per series and step", store, "histogram_count(latency)", 60, points);
    store = memstore_free(store);
}

BENCH(promql_rate_1440)
{
    struct memstore *store = memstore_new();
    struct bench_query bench = {.store = store,
                                .query = {.text = STR("rate(x_total[5m])"),
                                          .start = 1380 * (ts)SCRAPE_MS,
                                          .end = 1440 * (ts)SCRAPE_MS,
                                          .step = SCRAPE_MS}};

    add_series(store, &(struct label){STR("__name__"), STR("x_total")}, 1, 1440, 1);
    bench.query.start = 0;
    bench.query.end = 60 * (ts)360000;
    bench.query.step = 360000;
    bench_measure("rate of 1440 samples at 61 steps, per sample", run_query, &bench, 1440, 0);
    store = memstore_free(store);
}
