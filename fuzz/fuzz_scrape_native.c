/*
 * Bodies of one target, one after the other (parted by a form feed), protobuf or OpenMetrics text
 * by the first byte, which also has the settings of native histograms: with the cache of the scrape
 * before and without, the store must get the same number of floats and the same histograms, each of
 * which it could keep.
 */
#include "fuzz/fuzz.h"

#include <string.h>

#include "base/assert.h"
#include "conf/prom_config.h"
#include "scrape/scrape_append.h"
#include "sys/clock.h"

struct counting {
    struct appender appender;
    size_t floats;
    uint64_t histograms;
};

static int take_series(struct appender *appender, struct labels labels, series_ref *ret,
                       struct baro_error *err)
{
    (void)appender;
    (void)err;
    *ret = labels_hash(labels);
    return 0;
}

static int take_samples(struct appender *appender, const struct append_batch *batch,
                        struct baro_error *err)
{
    (void)err;
    for (size_t i = 0; i < batch->count; i++) {
        batch->status[i] = APPEND_OK;
        ((struct counting *)(void *)appender)->floats += !value_is_stale(batch->v[i]);
    }
    return 0;
}

static int take_histograms(struct appender *appender, const struct append_histograms *batch,
                           struct baro_error *err)
{
    (void)err;
    for (size_t i = 0; i < batch->count; i++) {
        const struct histogram *h = batch->h[i];
        const uint64_t parts[] = {batch->refs[i], (uint64_t)batch->t[i], value_bits(h->sum),
                                  value_bits(h->count), h->positive.bucket_count};

        batch->status[i] = APPEND_OK;
        if (!histogram_is_stale(h)) {
            ASSERT(histogram_check(h, NULL) >= 0);
            ((struct counting *)(void *)appender)->histograms +=
                str_hash(str_of((const char *)parts, sizeof(parts)));
        }
    }
    return 0;
}

static int take_exemplar(struct appender *appender, series_ref ref, const struct exemplar *exemplar,
                         struct baro_error *err)
{
    (void)appender;
    (void)ref;
    (void)err;
    return exemplar->labels.count > ((size_t)1 << 20) ? BARO_EINVALID : 0;
}

static int commit(struct appender *appender, struct baro_error *err)
{
    (void)appender;
    (void)err;
    return 0;
}

static void rollback(struct appender *appender)
{
    (void)appender;
}

static const struct appender_ops ops = {.series = take_series,
                                        .samples = take_samples,
                                        .histograms = take_histograms,
                                        .exemplar = take_exemplar,
                                        .commit = commit,
                                        .rollback = rollback};

struct target {
    struct counting counting;
    struct scrape_series series;
    struct scrape_scratch scratch;
    struct lock lock;
};

static void target_init(struct target *target, const struct prom_scrape *settings)
{
    memset(target, 0, sizeof(*target));
    lock_init(&target->lock, LOCK_SCRAPE_TARGET);
    target_metadata_init(&target->series.metadata, &target->lock);
    target->series.settings = settings;
    target->series.append_exemplars = true;
    target->scratch.appender = &target->counting.appender;
}

static void target_done(struct target *target)
{
    scrape_series_done(&target->series);
    scrape_scratch_done(&target->scratch);
    lock_done(&target->lock);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const unsigned bits = size > 0 ? data[0] : 0;
    const struct prom_scrape settings = {
        .honor_timestamps = true,
        .scrape_native_histograms = (bits & 1) != 0 ? CONF_ON : CONF_OFF,
        .convert_classic_histograms_to_nhcb = (bits & 2) != 0 ? CONF_ON : CONF_OFF,
        .always_scrape_classic_histograms = (bits & 4) != 0 ? CONF_ON : CONF_OFF,
        .native_histogram_bucket_limit = bits >> 4,
    };
    struct clock_fake clock;
    struct scrape_answer answer = {.content_type = (bits & 8) != 0
                                                       ? STR("application/vnd.google.protobuf")
                                                       : STR("application/openmetrics-text"),
                                   .t = 1000,
                                   .clock = &clock.clock};
    str rest = size > 0 ? str_of((const char *)data + 1, size - 1) : STR_NULL;
    struct target kept;

    clock_fake_init(&clock, 5000);
    target_init(&kept, &settings);
    while (str_split_next(&rest, '\f', &answer.body)) {
        struct target fresh;
        struct scrape_result one;
        struct scrape_result two;

        target_init(&fresh, &settings);
        kept.counting = fresh.counting = (struct counting){.appender = {&ops}};
        scrape_append_run(&kept.scratch, &kept.series, &answer, &one);
        scrape_append_run(&fresh.scratch, &fresh.series, &answer, &two);
        ASSERT(one.code == two.code && one.scraped == two.scraped);
        ASSERT(one.post_relabel == two.post_relabel);
        ASSERT(kept.counting.floats == fresh.counting.floats);
        /* How le is written depends on the TYPE line under which a series came first. */
        ASSERT(kept.counting.histograms == fresh.counting.histograms ||
               answer.content_type.len < sizeof("application/vnd.google.protobuf") - 1);
        target_done(&fresh);
    }
    target_done(&kept);
    return 0;
}
