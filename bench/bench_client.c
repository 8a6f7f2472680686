/* libbaro: what an update, a lookup and a rendered byte cost; bench_client_peers.py measures the
 * same of other clients. */
#include "bench/bench.h"

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <baro/baro.h>

enum { OPS = 100000, VALUES = 1024, SERIES = 10000, THREADS_MAX = 64 };

static double values[VALUES];

struct client {
    struct baro_registry *registry;
    struct baro_family *family;
    baro_counter counter;
    baro_counter cell;
    baro_gauge gauge;
    baro_histogram histogram;
    baro_summary summary;
    enum baro_format format;
    size_t bytes;
    bool stop;
};

static const struct baro_label two_labels[] = {{.name = "method"}, {.name = "status"}};
static const struct baro_desc requests = {
    .name = "requests_total",
    .help = "Requests.",
    .type = BARO_COUNTER,
    .labels = two_labels,
    .label_count = 2,
    .series_max = 10 * SERIES,
};
static const struct baro_desc native = {
    .name = "native_seconds", .type = BARO_HISTOGRAM, .native = {.on = true, .schema = 3}};

/* Latencies as a service has them: most of some milliseconds, a few of seconds; always the same. */
static void values_fill(void)
{
    uint32_t state = 1;

    for (int i = 0; i < VALUES; i++) {
        state = state * 1664525 + 1013904223;
        values[i] = (double)(state >> 16) / 65536 * (i % 10 == 0 ? 3 : 0.05);
    }
}

static struct client client_new(void)
{
    struct client client = {.registry = baro_registry_new(NULL, NULL)};

    values_fill();
    client.family = baro_family_new(client.registry, &requests, NULL);
    client.counter = baro_counter_new(client.registry, "jobs_total", "Jobs.");
    client.gauge = baro_gauge_new(client.registry, "temperature", "");
    return client;
}

#define CLIENT_LOOP(name, update)                                                                  \
    static void name(void *context)                                                                \
    {                                                                                              \
        struct client *client = context;                                                           \
                                                                                                   \
        for (int i = 0; i < OPS; i++) {                                                            \
            update;                                                                                \
        }                                                                                          \
    }

CLIENT_LOOP(counter_loop, baro_counter_inc(client->counter))
CLIENT_LOOP(counter_add_loop, baro_counter_add(client->counter, 0.5))
CLIENT_LOOP(gauge_set_loop, baro_gauge_set(client->gauge, i))
CLIENT_LOOP(gauge_add_loop, baro_gauge_inc(client->gauge))
CLIENT_LOOP(lookup_loop, bench_keep(&(baro_counter){
                             baro_counter_with(client->family, BARO_VALUES("GET", "200")).ref}))
CLIENT_LOOP(cached_loop, baro_counter_inc(baro_counter_cached(&client->cell, client->family,
                                                              BARO_VALUES("GET", "200"))))
CLIENT_LOOP(histogram_loop, baro_histogram_observe(client->histogram, values[i & (VALUES - 1)]))
CLIENT_LOOP(summary_loop, baro_summary_observe(client->summary, values[i & (VALUES - 1)]))

static void *hammer(void *context)
{
    struct client *client = context;

    while (!__atomic_load_n(&client->stop, __ATOMIC_RELAXED)) {
        counter_loop(client);
    }
    return NULL;
}

BENCH(client_update)
{
    struct client client = client_new();
    baro_gauge mixed = baro_gauge_new(client.registry, "level", "");

    bench_measure("client: counter inc", counter_loop, &client, OPS, 0);
    bench_measure("client: counter add 0.5", counter_add_loop, &client, OPS, 0);
    bench_measure("client: gauge set", gauge_set_loop, &client, OPS, 0);
    client.gauge = mixed;
    bench_measure("client: gauge inc", gauge_add_loop, &client, OPS, 0);
    bench_measure("client: lookup by two label values", lookup_loop, &client, OPS, 0);
    bench_measure("client: counter inc by a cached handle", cached_loop, &client, OPS, 0);
    client.histogram = baro_histogram_new(client.registry, "seconds", "", NULL, 0);
    bench_measure("client: classic histogram observe, 11 buckets", histogram_loop, &client, OPS, 0);
    client.histogram = baro_histogram_with(baro_family_new(client.registry, &native, NULL), NULL);
    bench_measure("client: native histogram observe, schema 3", histogram_loop, &client, OPS, 0);
    client.summary = baro_summary_new(client.registry, "summary", "");
    bench_measure("client: summary observe, no quantiles", summary_loop, &client, OPS, 0);
    (void)baro_registry_free(client.registry);
}

BENCH(client_all_cores)
{
    struct client client = client_new();
    pthread_t threads[THREADS_MAX];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    long count = 0;

    while (count < cores - 1 && count < THREADS_MAX &&
           pthread_create(&threads[count], NULL, hammer, &client) == 0) {
        count++;
    }
    bench_measure("client: counter inc, all cores on one series", counter_loop, &client, OPS, 0);
    __atomic_store_n(&client.stop, true, __ATOMIC_RELAXED);
    while (count > 0) {
        (void)pthread_join(threads[--count], NULL);
    }
    (void)baro_registry_free(client.registry);
}

static int count_bytes(void *context, const void *bytes, size_t size)
{
    (void)bytes;
    *(size_t *)context += size;
    return 0;
}

static void render(void *context)
{
    struct client *client = context;
    const struct baro_expose_options options = {.format = client->format};

    client->bytes = 0;
    (void)baro_expose(client->registry, &options, count_bytes, &client->bytes);
}

static void render_measure(const char *what, struct client *client, enum baro_format format,
                           uint64_t series)
{
    client->format = format;
    render(client);
    bench_measure(what, render, client, series, client->bytes);
}

BENCH(client_render)
{
    static const struct baro_desc durations = {
        .name = "request_duration_seconds",
        .type = BARO_HISTOGRAM,
        .labels = two_labels,
        .label_count = 2,
    };
    struct client client = client_new();
    struct baro_registry *counters = client.registry;
    struct baro_family *family;

    for (int i = 0; i < SERIES; i++) {
        char status[16];

        (void)snprintf(status, sizeof(status), "%d", i);
        baro_counter_add_u64(baro_counter_with(client.family, BARO_VALUES("GET", status)),
                             (uint64_t)i * 7919);
    }
    render_measure("client: render 10k counters, text", &client, BARO_TEXT, SERIES);
    render_measure("client: render 10k counters, OpenMetrics", &client, BARO_OPENMETRICS, SERIES);
    render_measure("client: render 10k counters, protobuf", &client, BARO_PROTOBUF, SERIES);
    client.registry = baro_registry_new(NULL, NULL);
    family = baro_family_new(client.registry, &durations, NULL);
    for (int i = 0; i < SERIES / 10; i++) {
        char status[16];
        baro_histogram histogram;

        (void)snprintf(status, sizeof(status), "%d", i);
        histogram = baro_histogram_with(family, BARO_VALUES("GET", status));
        for (int j = 0; j < 50; j++) {
            baro_histogram_observe(histogram, values[(i * 50 + j) & (VALUES - 1)]);
        }
    }
    render_measure("client: render 1k histograms, text", &client, BARO_TEXT, SERIES / 10);
    render_measure("client: render 1k histograms, protobuf", &client, BARO_PROTOBUF, SERIES / 10);
    (void)baro_registry_free(client.registry);
    (void)baro_registry_free(counters);
}

static size_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

/* Heap in use before and after, names left out: what a series costs beside its label values. */
BENCH(client_memory)
{
    struct client client = client_new();
    size_t before;
    size_t names = 0;
    size_t used;

    baro_counter_inc(client.counter);
    before = heap_bytes();
    for (int i = 0; i < 10 * SERIES; i++) {
        char status[16];
        int size = snprintf(status, sizeof(status), "%d", i);

        /* The values, each with its NUL, and method="GET",status="..." with its NUL. */
        names += (size_t)size + 1 + 4 + sizeof("method=\"GET\",status=\"\"") + (size_t)size;
        baro_counter_inc(baro_counter_with(client.family, BARO_VALUES("GET", status)));
    }
    used = heap_bytes() - before;
    (void)printf("%-56s %12.1f bytes, and %.1f of names\n", "client: memory of a counter series",
                 (double)(used - names) / (10 * SERIES), (double)names / (10 * SERIES));
    (void)baro_registry_free(client.registry);
}
