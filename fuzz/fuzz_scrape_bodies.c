/*
 * Bodies of one target, one after the other (parted by a form feed), with the cache of the scrape
 * before and without: both must give the store the same samples. The last sample of a batch is
 * scrape_series_added, which differs by nature.
 */
#include "fuzz/fuzz.h"

#include <string.h>

#include "base/assert.h"
#include "conf/prom_config.h"
#include "scrape/scrape_append.h"
#include "sys/clock.h"

struct summing {
    struct appender appender;
    uint64_t sum;
};

static int sum_series(struct appender *appender, struct labels labels, series_ref *ret,
                      struct baro_error *err)
{
    (void)appender;
    (void)err;
    *ret = labels_hash(labels);
    return 0;
}

static int sum_samples(struct appender *appender, const struct append_batch *batch,
                       struct baro_error *err)
{
    (void)err;
    for (size_t i = 0; i < batch->count; i++) {
        const uint64_t parts[] = {batch->refs[i], (uint64_t)batch->t[i], value_bits(batch->v[i])};

        batch->status[i] = APPEND_OK;
        if (!value_is_stale(batch->v[i]) && i + 1 < batch->count) {
            ((struct summing *)(void *)appender)->sum +=
                str_hash(str_of((const char *)parts, sizeof(parts)));
        }
    }
    return 0;
}

static int sum_commit(struct appender *appender, struct baro_error *err)
{
    (void)appender;
    (void)err;
    return 0;
}

static void sum_nothing(struct appender *appender)
{
    (void)appender;
}

static const struct appender_ops sum_ops = {
    .series = sum_series, .samples = sum_samples, .commit = sum_commit, .rollback = sum_nothing};

struct target {
    struct summing summing;
    struct scrape_series series;
    struct scrape_scratch scratch;
    struct lock lock;
};

static uint64_t take(struct target *target, const struct prom_scrape *settings, str body,
                     struct clock *clock, struct scrape_result *ret)
{
    const struct scrape_answer answer = {
        .body = body, .content_type = STR("text/plain"), .t = 1000, .clock = clock};

    target->series.settings = settings;
    target->scratch.appender = &target->summing.appender;
    target->summing = (struct summing){.appender = {&sum_ops}};
    scrape_append_run(&target->scratch, &target->series, &answer, ret);
    return target->summing.sum;
}

static void target_init(struct target *target)
{
    memset(target, 0, sizeof(*target));
    lock_init(&target->lock, LOCK_SCRAPE_TARGET);
    target_metadata_init(&target->series.metadata, &target->lock);
}

static void target_done(struct target *target)
{
    scrape_series_done(&target->series);
    scrape_scratch_done(&target->scratch);
    lock_done(&target->lock);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct prom_scrape settings = {.honor_timestamps = true, .label_limit = 64};
    const str data_all = str_of((const char *)data, size);
    str rest = data_all;
    struct clock_fake clock;
    struct target kept;
    str body;

    clock_fake_init(&clock, 5000);
    target_init(&kept);
    while (str_split_next(&rest, '\f', &body)) {
        struct target fresh;
        struct scrape_result one;
        struct scrape_result two;

        target_init(&fresh);
        uint64_t with = take(&kept, &settings, body, &clock.clock, &one);
        uint64_t without = take(&fresh, &settings, body, &clock.clock, &two);
        ASSERT(one.code == two.code && one.scraped == two.scraped);
        ASSERT(one.post_relabel == two.post_relabel);
        /* How le and quantile are written depends on the TYPE line under which a series came first.
         */
        ASSERT(with == without || str_contains(data_all, STR("histogram")) ||
               str_contains(data_all, STR("summary")));
        target_done(&fresh);
    }
    target_done(&kept);
    return 0;
}
