/* What a scraped sample costs from the body to the appender: parse, cache, batch, commit. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/buf.h"
#include "bench/bench.h"
#include "codec/protobuf.h"
#include "conf/prom_config.h"
#include "scrape/scrape_append.h"
#include "sys/clock.h"
#include "tsdb/tsdb.h"

enum { SERIES = 1000, BODIES = 16, FAMILY_SERIES = 50, NATIVE_BUCKETS = 20 };

/* ---- an appender that takes everything and keeps nothing ---- */

static int null_series(struct appender *appender, struct labels labels, series_ref *ret,
                       struct baro_error *err)
{
    (void)appender;
    (void)err;
    *ret = labels_hash(labels);
    return 0;
}

static int null_samples(struct appender *appender, const struct append_batch *batch,
                        struct baro_error *err)
{
    (void)appender;
    (void)err;
    bench_keep(batch->v);
    memset(batch->status, APPEND_OK, batch->count);
    return 0;
}

static int null_histograms(struct appender *appender, const struct append_histograms *batch,
                           struct baro_error *err)
{
    (void)appender;
    (void)err;
    bench_keep(batch->h);
    memset(batch->status, APPEND_OK, batch->count);
    return 0;
}

static int null_metadata(struct appender *appender, series_ref ref, const struct metadata *metadata,
                         struct baro_error *err)
{
    (void)appender;
    (void)ref;
    (void)metadata;
    (void)err;
    return 0;
}

static int null_commit(struct appender *appender, struct baro_error *err)
{
    (void)appender;
    (void)err;
    return 0;
}

static void null_nothing(struct appender *appender)
{
    (void)appender;
}

static const struct appender_ops null_ops = {
    .series = null_series,
    .samples = null_samples,
    .histograms = null_histograms,
    .metadata = null_metadata,
    .commit = null_commit,
    .rollback = null_nothing,
    .free = null_nothing,
};

/* ---- bodies ---- */

struct rig {
    struct scrape_scratch scratch;
    struct scrape_series series;
    struct prom_scrape settings;
    struct lock lock;
    struct buf bodies[BODIES];
    str content_type;
    struct clock_fake clock;
    ts t;
    unsigned turn;
};

/* Six labels and some 160 bytes a line; `gone` series are left out. */
static void body_make(struct buf *body, unsigned turn, size_t gone)
{
    for (size_t i = gone; i < SERIES; i++) {
        if (i % 50 == 0) {
            buf_printf(body,
                       "# HELP http_requests_%zu_total How many.\n"
                       "# TYPE http_requests_%zu_total counter\n",
                       i / 50, i / 50);
        }
        buf_printf(
            body,
            "http_requests_%zu_total{code=\"200\",handler=\"/api/v1/items/%zu\",method=\"GET\","
            "namespace=\"production\",pod=\"frontend-5d4f7b9c6-%zu\",zone=\"eu-central-1\"} "
            "%zu\n",
            i / 50, i % 50, i % 20, (i + 1) * (1000 + turn * (i % 7)));
    }
}

static void put_message(struct buf *out, uint32_t number, struct buf *message)
{
    protobuf_put_bytes(out, number, buf_view(message));
    buf_reset(message);
}

static void put_label(struct buf *metric, const char *name, const char *value)
{
    struct buf pair = {0};

    protobuf_put_bytes(&pair, 1, str_from(name));
    protobuf_put_bytes(&pair, 2, str_from(value));
    put_message(metric, 1, &pair);
    buf_done(&pair);
}

/* A counter, or a native histogram of NATIVE_BUCKETS buckets. */
static void put_metric(struct buf *family, size_t i, unsigned turn, bool is_native)
{
    struct buf metric = {0};
    struct buf value = {0};
    struct buf span = {0};
    char pod[32];

    (void)snprintf(pod, sizeof(pod), "frontend-5d4f7b9c6-%zu", i);
    put_label(&metric, "code", "200");
    put_label(&metric, "handler", "/api/v1/items");
    put_label(&metric, "method", "GET");
    put_label(&metric, "namespace", "production");
    put_label(&metric, "pod", pod);
    put_label(&metric, "zone", "eu-central-1");
    if (is_native) {
        protobuf_put_uint(&value, 1, (uint64_t)NATIVE_BUCKETS * (turn + 1));
        protobuf_put_double(&value, 2, 4.5 * turn);
        protobuf_put_sint(&value, 5, 3);
        protobuf_put_sint(&span, 1, -5);
        protobuf_put_uint(&span, 2, NATIVE_BUCKETS);
        put_message(&value, 12, &span);
        for (int k = 0; k < NATIVE_BUCKETS; k++) {
            protobuf_put_sint(&value, 13, k == 0 ? (int64_t)turn + 1 : 0);
        }
    } else {
        protobuf_put_double(&value, 1, (double)((i + 1) * (1000 + turn * (i % 7))));
    }
    put_message(&metric, is_native ? 7 : 3, &value);
    put_message(family, 4, &metric);
    buf_done(&metric);
    buf_done(&value);
    buf_done(&span);
}

static void protobuf_body_make(struct buf *body, unsigned turn, bool is_native)
{
    struct buf family = {0};
    char name[32];

    for (size_t i = 0; i < SERIES; i += FAMILY_SERIES) {
        (void)snprintf(name, sizeof(name), "http_requests_%zu_total", i / FAMILY_SERIES);
        protobuf_put_bytes(&family, 1, str_from(name));
        protobuf_put_bytes(&family, 2, STR("How many."));
        protobuf_put_uint(&family, 3, is_native ? 4 : 0);
        for (size_t k = i; k < i + FAMILY_SERIES; k++) {
            put_metric(&family, k, turn, is_native);
        }
        write_uvarint_bytes(body, buf_view(&family));
        buf_reset(&family);
    }
    buf_done(&family);
}

static void rig_init(struct rig *rig, struct appender *appender, bool changes)
{
    static const struct label labels[] = {{STR_INIT("instance"), STR_INIT("10.0.0.1:9100")},
                                          {STR_INIT("job"), STR_INIT("bench")}};

    memset(rig, 0, sizeof(*rig));
    lock_init(&rig->lock, LOCK_SCRAPE_TARGET);
    clock_fake_init(&rig->clock, INT64_C(1700000000000));
    rig->t = clock_now(&rig->clock.clock);
    rig->settings.honor_timestamps = true;
    rig->series.labels = (struct labels){labels, ARRAY_COUNT(labels)};
    rig->series.settings = &rig->settings;
    target_metadata_init(&rig->series.metadata, &rig->lock);
    rig->scratch.appender = appender;
    rig->content_type = STR("text/plain; version=0.0.4");
    for (unsigned i = 0; i < BODIES; i++) {
        body_make(&rig->bodies[i], i, changes && i % 2 == 1 ? 1 : 0);
    }
}

static void rig_done(struct rig *rig)
{
    scrape_scratch_done(&rig->scratch);
    scrape_series_done(&rig->series);
    lock_done(&rig->lock);
    for (size_t i = 0; i < BODIES; i++) {
        buf_done(&rig->bodies[i]);
    }
}

static void scrape_once(void *context)
{
    struct rig *rig = context;
    const struct scrape_answer answer = {.body = buf_view(&rig->bodies[rig->turn++ % BODIES]),
                                         .content_type = rig->content_type,
                                         .t = rig->t,
                                         .clock = &rig->clock.clock};
    struct scrape_result result;

    scrape_append_run(&rig->scratch, &rig->series, &answer, &result);
    ASSERT(result.code == 0 && result.commit_code == 0);
    rig->t += 15000;
    clock_fake_advance(&rig->clock, 15000);
}

static void null_measure(const char *what, bool changes)
{
    struct appender appender = {.ops = &null_ops};
    static struct rig rig;

    rig_init(&rig, &appender, changes);
    bench_measure(what, scrape_once, &rig, SERIES, rig.bodies[0].len);
    rig_done(&rig);
}

static void protobuf_measure(const char *what, bool is_native)
{
    struct appender appender = {.ops = &null_ops};
    static struct rig rig;

    rig_init(&rig, &appender, false);
    rig.content_type = STR("application/vnd.google.protobuf");
    rig.settings.scrape_native_histograms = is_native ? CONF_ON : CONF_OFF;
    for (unsigned i = 0; i < BODIES; i++) {
        buf_reset(&rig.bodies[i]);
        protobuf_body_make(&rig.bodies[i], i, is_native);
    }
    bench_measure(what, scrape_once, &rig, SERIES, rig.bodies[0].len);
    rig_done(&rig);
}

BENCH(scrape_protobuf)
{
    protobuf_measure("scrape 1000 counters as protobuf, null appender, per sample", false);
    protobuf_measure("scrape 1000 native histograms, 20 buckets, per histogram", true);
}

BENCH(scrape_to_null_appender)
{
    null_measure("scrape 1000 series, null appender, per sample", false);
    null_measure("scrape 1000 series, one comes or goes each time", true);
}

static int entry_remove(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static void dir_remove(const char *path)
{
    (void)nftw(path, entry_remove, 8, FTW_DEPTH | FTW_PHYS);
}

BENCH(scrape_to_head)
{
    char dir[] = "/tmp/barograph-bench-XXXXXX";
    const struct tsdb_options options = {.no_sync_thread = true};
    struct tsdb *tsdb = NULL;
    struct appender *appender = NULL;
    static struct rig rig;

    ASSERT(mkdtemp(dir) != NULL);
    if (tsdb_open(dir, &options, &tsdb, NULL) < 0) {
        return;
    }
    appender = tsdb_appendable(tsdb)->appender(tsdb_appendable(tsdb));
    rig_init(&rig, appender, false);
    bench_measure("scrape 1000 series, head and WAL, per sample", scrape_once, &rig, SERIES,
                  rig.bodies[0].len);
    rig_done(&rig);
    appender->ops->free(appender);
    (void)tsdb_close(tsdb, NULL);
    dir_remove(dir);
}
