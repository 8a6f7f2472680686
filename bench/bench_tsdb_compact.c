/*
 * What appends and queries notice of a compaction: 100,000 series with three hours of samples are
 * written to a block, the head is truncated and the WAL cut, while one thread commits scrapes of
 * 1,000 series at the pace of a 15 s interval (a commit each 1.5 ms would be 10 s) and another
 * one asks. Wall-clock latencies of each commit and query, with and without the compaction.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "bench/bench.h"
#include "sys/fs.h"
#include "tsdb/tsdb.h"

enum {
    TARGETS = 100,
    PER_TARGET = 1000,
    SERIES = TARGETS * PER_TARGET,
    INTERVAL_MS = 60000,
    SCRAPES = 185, /* 3 h 5 min: one full range of 2 h behind half a range */
    STEADY_INTERVAL_MS = 15000,
    STEADY_SCRAPES = 700, /* 2 h 55 min: the most that a head holds before it gives a block */
    STEADY_ROUND = 20,    /* scrapes between two rounds of the maintenance: 5 min instead of 5 s */
    LATENCIES_MAX = 1 << 20,
    COMMIT_PAUSE_US = 1000,
    QUERY_PAUSE_US = 5000,
    CALM_MS = 2000,
};

static series_ref refs[SERIES];
static double values[SERIES];

struct load {
    struct tsdb *tsdb;
    _Atomic bool stop;
    double *commits_ms;
    size_t commit_count;
    double *queries_ms;
    size_t query_count;
    int next_scrape;
    ts interval;
};

static double now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void create(struct appender *appender)
{
    for (unsigned target = 0; target < TARGETS; target++) {
        struct arena arena = {0};

        for (unsigned i = 0; i < PER_TARGET; i++) {
            struct label items[] = {
                {STR("__name__"), arena_printf(&arena, "bench_metric_%u_total", i / 10)},
                {STR("code"), arena_printf(&arena, "%u", 200 + i % 10)},
                {STR("instance"), arena_printf(&arena, "10.0.0.%u:9100", target)},
                {STR("job"), STR("bench")},
                {STR("rack"), arena_printf(&arena, "rack-%u", target % 20)},
            };

            (void)appender->ops->series(appender, (struct labels){items, ARRAY_COUNT(items)},
                                        &refs[target * PER_TARGET + i], NULL);
        }
        arena_done(&arena);
    }
}

static void scrape_one(struct appender *appender, unsigned target, ts t)
{
    static uint8_t status[PER_TARGET];
    static ts times[PER_TARGET];
    unsigned first = target * PER_TARGET;
    struct append_batch batch = {.refs = refs + first,
                                 .t = times,
                                 .v = values + first,
                                 .count = PER_TARGET,
                                 .status = status};

    for (unsigned i = 0; i < PER_TARGET; i++) {
        times[i] = INT64_C(1699999200000) + t + target * 7;
        values[first + i] += i % 3 == 0 ? 1 : i % 3 == 1 ? (double)(i % 100) / 8 : 0;
    }
    (void)appender->ops->samples(appender, &batch, NULL);
    (void)appender->ops->commit(appender, NULL);
}

static void *append_loop(void *context)
{
    struct load *load = context;
    struct appendable *appendable = tsdb_appendable(load->tsdb);
    struct appender *appender = appendable->appender(appendable);
    const struct timespec pause = {.tv_nsec = COMMIT_PAUSE_US * 1000};
    unsigned target = 0;

    while (!atomic_load_explicit(&load->stop, memory_order_relaxed) &&
           load->commit_count < LATENCIES_MAX) {
        double start = now_ms();

        scrape_one(appender, target, load->next_scrape * load->interval);
        load->commits_ms[load->commit_count++] = now_ms() - start;
        target = (target + 1) % TARGETS;
        load->next_scrape += target == 0;
        (void)nanosleep(&pause, NULL);
    }
    appender->ops->free(appender);
    return NULL;
}

static void ask(struct load *load)
{
    struct matcher matchers[] = {
        {.op = MATCHER_EQUAL, .name = STR("__name__"), .value = STR("bench_metric_7_total")},
        {.op = MATCHER_EQUAL, .name = STR("instance"), .value = STR("10.0.0.17:9100")},
    };
    struct queryable *queryable = tsdb_queryable(load->tsdb);
    struct querier *querier = NULL;
    struct sample_buf samples = {0};
    struct series_list list = {0};
    struct arena arena = {0};

    (void)queryable->querier(queryable, INT64_MIN, INT64_MAX, &querier, NULL);
    (void)querier->ops->select(querier, &arena, NULL, (struct matchers){matchers, 2}, NULL, &list,
                               NULL);
    for (size_t i = 0; i < list.count; i++) {
        sample_buf_reset(&samples);
        (void)querier->ops->samples(querier, &list.items[i], INT64_MIN, INT64_MAX, &samples, NULL);
        bench_keep(samples.v);
    }
    querier_close(querier);
    sample_buf_done(&samples);
    arena_done(&arena);
}

static void *query_loop(void *context)
{
    struct load *load = context;
    const struct timespec pause = {.tv_nsec = QUERY_PAUSE_US * 1000};

    while (!atomic_load_explicit(&load->stop, memory_order_relaxed) &&
           load->query_count < LATENCIES_MAX) {
        double start = now_ms();

        ask(load);
        load->queries_ms[load->query_count++] = now_ms() - start;
        (void)nanosleep(&pause, NULL);
    }
    return NULL;
}

static void print_head(struct tsdb *tsdb, const char *what)
{
    struct tsdb_stats stats = {0};
    struct arena arena = {0};

    tsdb_stats(tsdb, &arena, 0, &stats);
    printf("%-40s %.0f bytes a series\n", what, (double)stats.head_bytes / SERIES);
    arena_done(&arena);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void print(const char *what, double *ms, size_t count)
{
    if (count > 0) {
        qsort(ms, count, sizeof(*ms), by_value);
        printf("%-40s p50 %7.3f  p99 %7.3f  p99.9 %7.3f  max %7.3f ms  (%zu)\n", what,
               ms[count / 2], ms[count * 99 / 100], ms[count * 999 / 1000], ms[count - 1], count);
    }
}

/* Loads the store while `work` runs, or for CALM_MS. */
static void run_beside(struct load *load, const char *name, bool must_compact)
{
    const struct timespec calm = {.tv_sec = CALM_MS / 1000};
    pthread_t threads[2];
    double start;
    char what[80];

    atomic_store_explicit(&load->stop, false, memory_order_relaxed);
    load->commit_count = load->query_count = 0;
    (void)pthread_create(&threads[0], NULL, append_loop, load);
    (void)pthread_create(&threads[1], NULL, query_loop, load);
    start = now_ms();
    if (must_compact) {
        struct baro_error err = {0};

        if (tsdb_compact(load->tsdb, &err) < 0) {
            printf("compaction failed: %s\n", err.message);
        }
        printf("%-40s %.0f ms\n", "compaction of 100k series, 12M samples", now_ms() - start);
    } else {
        (void)nanosleep(&calm, NULL);
    }
    atomic_store_explicit(&load->stop, true, memory_order_relaxed);
    (void)pthread_join(threads[0], NULL);
    (void)pthread_join(threads[1], NULL);
    (void)snprintf(what, sizeof(what), "commit of 1,000 samples, %s", name);
    print(what, load->commits_ms, load->commit_count);
    (void)snprintf(what, sizeof(what), "query of 10 series, %s", name);
    print(what, load->queries_ms, load->query_count);
}

/* Opens a store in dir and makes the series; NULL when there is no room for it. */
static struct appender *load_open(struct load *load, char *dir)
{
    const struct tsdb_options options = {.no_sync_thread = true};
    struct appendable *appendable;
    struct appender *appender;

    if (mkdtemp(dir) == NULL || tsdb_open(dir, &options, &load->tsdb, NULL) < 0) {
        return NULL;
    }
    load->commits_ms = mem_alloc(LATENCIES_MAX * sizeof(double));
    load->queries_ms = mem_alloc(LATENCIES_MAX * sizeof(double));
    appendable = tsdb_appendable(load->tsdb);
    appender = appendable->appender(appendable);
    create(appender);
    return appender;
}

/* One scrape of every target. */
static void load_scrape(const struct load *load, struct appender *appender)
{
    for (unsigned target = 0; target < TARGETS; target++) {
        scrape_one(appender, target, load->next_scrape * load->interval);
    }
}

static void load_close(struct load *load, const char *dir)
{
    (void)tsdb_close(load->tsdb, NULL);
    (void)fs_remove_tree(fs_real(), dir, NULL);
    (void)mem_free(load->commits_ms);
    (void)mem_free(load->queries_ms);
}

BENCH(compact_beside_appends)
{
    static struct load load = {.interval = INTERVAL_MS};
    char dir[] = "/var/tmp/bench-tsdb-XXXXXX";
    struct appender *appender = load_open(&load, dir);

    if (appender == NULL) {
        return;
    }
    for (; load.next_scrape < SCRAPES; load.next_scrape++) {
        load_scrape(&load, appender);
    }
    appender->ops->free(appender);
    print_head(load.tsdb, "head with 185 samples a series");
    run_beside(&load, "calm", false);
    run_beside(&load, "compacting", true);
    print_head(load.tsdb, "head with 65 samples a series");
    load_close(&load, dir);
}

/* A line of /proc/self/smaps_rollup, in bytes. */
static double memory_of(const char *key)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    char line[256];
    double kib = 0;

    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0) {
            kib = strtod(line + strlen(key), NULL);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return kib * 1024;
}

/* What a series takes when full chunks go to files, and what commits notice of that. */
BENCH(head_steady)
{
    static struct load load = {.interval = STEADY_INTERVAL_MS};
    double rss = memory_of("Rss:"), anonymous = memory_of("Anonymous:");
    char dir[] = "/var/tmp/bench-tsdb-XXXXXX";
    struct appender *appender = load_open(&load, dir);
    double start;

    if (appender == NULL) {
        return;
    }
    for (; load.next_scrape < STEADY_SCRAPES; load.next_scrape++) {
        load_scrape(&load, appender);
        if (load.next_scrape % STEADY_ROUND == 0) {
            (void)tsdb_compact(load.tsdb, NULL);
        }
        if (load.next_scrape == SCRAPES) {
            print_head(load.tsdb, "head with 185 samples a series at 15 s");
        }
    }
    print_head(load.tsdb, "head with 700 samples a series at 15 s");
    printf("%-40s %.0f bytes a series, of them anonymous %.0f\n", "resident memory",
           (memory_of("Rss:") - rss) / SERIES, (memory_of("Anonymous:") - anonymous) / SERIES);
    /* All chunks fill up within a few scrapes: the largest batch for the files. */
    run_beside(&load, "calm", false);
    for (int i = 0; i < 130; i++, load.next_scrape++) {
        load_scrape(&load, appender);
    }
    appender->ops->free(appender);
    start = now_ms();
    run_beside(&load, "full chunks going to files", true);
    printf("%-40s %.0f ms\n", "that round", now_ms() - start);
    load_close(&load, dir);
}
