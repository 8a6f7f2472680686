/*
 * Graphs over thirty days, from all samples and from downsampled ones: 60 series, a sample each 15
 * s, in blocks as the head and compaction make them. The same query begins one second later for
 * "all": its windows are not aligned then, so it cannot take fewer.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "bench/bench.h"
#include "promql/engine.h"
#include "sys/fs.h"
#include "tsdb/downsample.h"
#include "tsdb/tsdb.h"

enum { SERIES = 60, INTERVAL = 15000, RANGE = 2 * DUR_HOUR, DAYS = 30 };
#define BEGIN ((ts)1699920000000) /* a multiple of a day */
#define END   (BEGIN + DAYS * (ts)DUR_DAY)

struct ask {
    struct tsdb *tsdb;
    const char *text;
    dur step;
    bool takes_all;
    size_t points;
};

static void scrape(struct tsdb *tsdb, ts t, series_ref *refs, double *values)
{
    struct appendable *appendable = tsdb_appendable(tsdb);
    struct appender *appender = appendable->appender(appendable);
    ts times[SERIES];
    uint8_t status[SERIES];
    struct append_batch batch = {
        .refs = refs, .t = times, .v = values, .count = SERIES, .status = status};

    for (unsigned i = 0; i < SERIES; i++) {
        char number[8];
        struct label items[] = {{STR("__name__"), STR("m_total")}, {STR("i"), STR("")}};

        times[i] = t + (ts)i * 13;
        values[i] += i % 3 == 0 ? 7 : (double)((t / INTERVAL + i) % 11) / 3;
        items[1].value = str_of(number, (size_t)snprintf(number, sizeof(number), "%u", i));
        (void)appender->ops->series(appender, (struct labels){items, 2}, &refs[i], NULL);
    }
    (void)appender->ops->samples(appender, &batch, NULL);
    (void)appender->ops->commit(appender, NULL);
    appender->ops->free(appender);
}

static void run(void *context)
{
    struct ask *ask = context;
    const struct engine_options options = {.samples_max = 500000000};
    ts shift = ask->takes_all ? 1000 : 0;
    struct query query = {.text = str_from(ask->text),
                          .start = BEGIN + DUR_DAY + shift,
                          .end = END - DUR_DAY + shift,
                          .step = ask->step};
    struct query_result result = {0};
    struct baro_error err = {0};

    if (engine_run(&options, tsdb_queryable(ask->tsdb), &query, &result, &err) < 0) {
        (void)fprintf(stderr, "bench: %s\n", err.message);
        exit(1);
    }
    ask->points = result.series_count > 0 ? result.series[0].count : 0;
    bench_keep(&result);
    query_result_done(&result);
}

static uint64_t files_bytes(const char *dir, const char *suffix)
{
    const struct fs *fs = fs_real();
    struct fs_entry *entries = NULL;
    struct arena arena = {0};
    size_t count = 0;
    uint64_t all = 0, bytes = 0;

    (void)fs->list(fs, &arena, fs_path(&arena, dir, DOWNSAMPLE_DIR), &entries, &count, NULL);
    for (size_t i = 0; i < count; i++) {
        fs_file file = FS_FILE_NONE;

        if (str_has_suffix(entries[i].name, str_from(suffix)) &&
            fs->open(fs, fs_path(&arena, fs_path(&arena, dir, DOWNSAMPLE_DIR), entries[i].name.ptr),
                     FS_READ, &file, NULL) >= 0) {
            (void)fs->size(fs, file, &bytes, NULL);
            (void)fs->close(fs, file, NULL);
            all += bytes;
        }
    }
    arena_done(&arena);
    return all;
}

BENCH(downsample_thirty_days)
{
    static const struct {
        const char *text;
        dur step;
    } queries[] = {
        {"m_total", DUR_HOUR},
        {"sum(rate(m_total[5m]))", DUR_HOUR},
        {"sum(rate(m_total[1h]))", DUR_HOUR},
        {"sum(increase(m_total[1d]))", DUR_DAY},
        {"max(max_over_time(m_total[1h]))", DUR_HOUR},
        {"avg(avg_over_time(m_total[1h]))", DUR_HOUR},
    };
    char dir[] = "/tmp/bench-downsample-XXXXXX";
    struct tsdb_options options = {
        .no_sync_thread = true, .downsample = true, .no_snapshot = true, .too_old = -1};
    struct tsdb *tsdb = NULL;
    series_ref refs[SERIES] = {0};
    double values[SERIES] = {0};

    if (mkdtemp(dir) == NULL || tsdb_open(dir, &options, &tsdb, NULL) < 0) {
        return;
    }
    log_setup(LOG_ERROR, LOG_LOGFMT);
    for (ts t = BEGIN; t < END; t += INTERVAL) {
        scrape(tsdb, t, refs, values);
        if ((t - BEGIN) % RANGE == 0) {
            (void)tsdb_compact(tsdb, NULL);
        }
    }
    (void)tsdb_compact(tsdb, NULL);
    for (size_t i = 0; i < ARRAY_COUNT(queries); i++) {
        struct ask ask = {.tsdb = tsdb, .text = queries[i].text, .step = queries[i].step};
        char what[96];

        for (int all = 1; all >= 0; all--) {
            ask.takes_all = all == 1;
            (void)snprintf(what, sizeof(what), "%s, %s", queries[i].text,
                           all == 1 ? "all samples" : "downsampled");
            bench_measure(what, run, &ask, 1, 0);
        }
    }
    (void)printf("downsampled files: 5m %.1f MB, 1h %.1f MB for %.1f million samples\n",
                 (double)files_bytes(dir, ".300") / 1e6, (double)files_bytes(dir, ".3600") / 1e6,
                 (double)SERIES * DAYS * 86400 / (INTERVAL / 1000.0) / 1e6);
    (void)tsdb_free(tsdb);
    (void)fs_remove_tree(fs_real(), dir, NULL);
    log_setup(LOG_INFO, LOG_LOGFMT);
}
