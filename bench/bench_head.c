#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/mem.h"
#include "sys/fs.h"
#include "tsdb/head.h"
#include "tsdb/wal.h"

enum { TARGETS = 200, PER_TARGET = 5000, SERIES = TARGETS * PER_TARGET };

static series_ref refs[SERIES];
static ts times[SERIES];
static double values[SERIES];
static uint8_t status[SERIES];

static double seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Nine labels, as a scraped target has them: two name the series, seven the target. */
static struct labels make_labels(struct arena *arena, unsigned target, unsigned i)
{
    struct label *items = ARENA_ARRAY(arena, struct label, 9);

    items[0] =
        (struct label){STR("__name__"), arena_printf(arena, "bench_metric_%u_total", i / 10)};
    items[1] = (struct label){STR("cluster"), STR("production-eu")};
    items[2] = (struct label){STR("code"), arena_printf(arena, "%u", 200 + i % 10)};
    items[3] = (struct label){STR("datacenter"), arena_printf(arena, "dc-%u", target % 4)};
    items[4] = (struct label){STR("environment"), STR("production")};
    items[5] = (struct label){STR("instance"),
                              arena_printf(arena, "10.0.%u.%u:9100", target / 250, target % 250)};
    items[6] = (struct label){STR("job"), STR("bench")};
    items[7] = (struct label){STR("rack"), arena_printf(arena, "rack-%u", target % 20)};
    items[8] = (struct label){STR("team"), arena_printf(arena, "team-%u", target % 8)};
    return (struct labels){items, 9};
}

static void create_series(struct appender *appender)
{
    struct arena arena = {0};
    double spent = 0;

    for (unsigned target = 0; target < TARGETS; target++) {
        struct labels labels[PER_TARGET];
        double start;

        for (unsigned i = 0; i < PER_TARGET; i++) {
            labels[i] = make_labels(&arena, target, i);
        }
        start = seconds();
        for (unsigned i = 0; i < PER_TARGET; i++) {
            (void)appender->ops->series(appender, labels[i], &refs[target * PER_TARGET + i], NULL);
        }
        spent += seconds() - start;
        arena_reset(&arena);
    }
    printf("%-40s %10.1f ns/op\n", "head: create a series of 9 labels", spent / SERIES * 1e9);
    arena_done(&arena);
}

/* One scrape of every target: a batch and a commit each. */
static void scrape_all(struct appender *appender, int round)
{
    for (unsigned target = 0; target < TARGETS; target++) {
        unsigned first = target * PER_TARGET;
        struct append_batch batch = {refs + first, times + first,  values + first,
                                     PER_TARGET,   status + first, NULL};

        for (unsigned i = first; i < first + PER_TARGET; i++) {
            times[i] = INT64_C(1700000000000) + round * 15000 + target * 7;
            values[i] += i % 3 == 0 ? 1 : i % 3 == 1 ? (double)(i % 100) / 8 : 0;
        }
        (void)appender->ops->samples(appender, &batch, NULL);
        (void)appender->ops->commit(appender, NULL);
    }
}

static void measure_append(struct appender *appender, const char *what, int first, int rounds)
{
    double start = seconds();

    for (int round = first; round < first + rounds; round++) {
        scrape_all(appender, round);
    }
    printf("%-40s %10.1f ns/op\n", what, (seconds() - start) / rounds / SERIES * 1e9);
}

/* One metric of all targets: sorted labels, then the newest sample of each, as an instant query. */
static void select_one(struct head *head, const char *what, const struct matcher *matchers,
                       size_t count, bool sorted)
{
    const struct select_hints hints = {.sorted = sorted};
    struct series_list list = {0};
    double best = 1e9;

    for (int round = 0; round < 5; round++) {
        struct querier *querier = NULL;
        struct arena arena = {0};
        double start = seconds();

        (void)head_querier(head, INT64_MIN, INT64_MAX, &querier, NULL);
        (void)querier->ops->select(querier, &arena, &hints, (struct matchers){matchers, count},
                                   NULL, &list, NULL);
        for (size_t i = 0; i < list.count; i++) {
            struct sample last = {0};

            (void)querier->ops->last_sample(querier, &list.items[i], INT64_MIN, INT64_MAX, &arena,
                                            &last, NULL);
            bench_keep(&last);
        }
        start = seconds() - start;
        best = start < best ? start : best;
        querier_close(querier);
        arena_done(&arena);
    }
    printf("%-40s %10.1f ns/op  (%zu series, %.2f ms)\n", what,
           list.count == 0 ? 0 : best / (double)list.count * 1e9, list.count, best * 1e3);
}

static void select_all(struct head *head)
{
    struct matcher matchers[2];

    (void)matcher_init(&matchers[0], MATCHER_EQUAL, STR("job"), STR("bench"), NULL);
    (void)matcher_init(&matchers[1], MATCHER_REGEX, STR("__name__"), STR("bench_metric_1._total"),
                       NULL);
    select_one(head, "head: select and last sample", matchers, 2, false);
    select_one(head, "head: the same, sorted by labels", matchers, 2, true);
    select_one(head, "head: select all, sorted by labels", matchers, 1, true);
    matcher_done(&matchers[0]);
    matcher_done(&matchers[1]);
}

static void replay_all(const char *dir)
{
    struct head_options options = {0};
    struct head *head = head_new(&options);
    struct head_replay replay = {.head = head};
    struct wal_listing list = {0};
    struct wal_reader reader = {0};
    struct arena arena = {0};
    double start = seconds();
    str record = STR_NULL;

    (void)wal_list(fs_real(), &arena, dir, &list, NULL);
    for (size_t i = 0; i < list.segment_count; i++) {
        struct fs_map map = {0};

        (void)fs_real()->map(fs_real(), list.segments[i].path, &map, NULL);
        wal_reader_over(&reader, str_of(map.ptr, map.size));
        while (wal_reader_next(&reader, &record, NULL) == 1) {
            (void)head_replay_record(&replay, record, NULL);
        }
        fs_real()->unmap(fs_real(), map);
    }
    printf("%-40s %10.1f ns/op  (%.1f M/s, %llu samples)\n", "head: replay a sample",
           (seconds() - start) / (double)replay.samples * 1e9,
           (double)replay.samples / (seconds() - start) / 1e6, (unsigned long long)replay.samples);
    wal_reader_done(&reader);
    head_replay_done(&replay);
    arena_done(&arena);
    (void)head_free(head);
}

BENCH(head_append)
{
    struct head_options options = {0};
    char dir[] = "/tmp/bench-head-XXXXXX";
    struct head *head = head_new(&options);
    struct appender *appender = head_appender(head);
    struct wal *wal = NULL;

    if (mkdtemp(dir) == NULL || wal_open(fs_real(), dir, 0, 0, &wal, NULL) < 0) {
        return;
    }
    create_series(appender);
    measure_append(appender, "head: first samples, without WAL", 0, 1);
    measure_append(appender, "head: append, without WAL", 1, 5);
    head_set_wal(head, wal);
    measure_append(appender, "head: first samples with WAL", 6, 1);
    measure_append(appender, "head: append with WAL (snappy)", 7, 5);
    printf("%-40s %10.1f\n", "head: bytes per series, 12 samples",
           (double)head_bytes(head) / SERIES);
    select_all(head);
    appender->ops->free(appender);
    (void)wal_close(wal, NULL);
    (void)head_free(head);
    replay_all(dir);
    (void)fs_remove_tree(fs_real(), dir, NULL);
}
