#include "scrape/scrape_starts.h"

#include "base/mem.h"

enum { FLOATS_FIRST = 256 };

/* Beyond this a number of milliseconds is no time; NaN is not either. */
#define START_SECONDS_MAX 9.2e15

void scrape_starts_done(struct scrape_starts *starts)
{
    (void)mem_free(starts->floats);
    vec_done(&starts->waiting);
    *starts = (struct scrape_starts){0};
}

void scrape_starts_begin(struct scrape_starts *starts, bool keeps)
{
    starts->keeps = keeps;
    starts->now = 0;
    vec_reset(&starts->waiting);
}

void scrape_starts_push(struct scrape_starts *starts, size_t i)
{
    if (i >= starts->capacity) {
        starts->capacity = i < FLOATS_FIRST ? FLOATS_FIRST : 2 * i;
        starts->floats = mem_realloc(starts->floats, starts->capacity * sizeof(ts));
    }
    starts->floats[i] = starts->now;
}

static bool has_starts(enum metric_type type)
{
    return type == METRIC_COUNTER || type == METRIC_HISTOGRAM || type == METRIC_SUMMARY;
}

bool scrape_starts_is_created(const struct exposition_event *event, str name)
{
    return has_starts(event->type) && str_has_suffix(name, STR("_created"));
}

/* The line has neither the bound of a bucket nor a quantile, and another name. */
static uint64_t hash_of(const struct exposition_event *event, struct labels labels)
{
    uint64_t hash = 0;

    for (size_t i = 0; i < labels.count; i++) {
        const struct label *label = &labels.items[i];

        if (str_eq(label->name, LABEL_METRIC_NAME) ||
            (event->type == METRIC_HISTOGRAM && str_is(label->name, "le")) ||
            (event->type == METRIC_SUMMARY && str_is(label->name, "quantile"))) {
            continue;
        }
        hash = hash * 31 + labels_hash((struct labels){label, 1});
    }
    return hash;
}

void scrape_starts_wait(struct scrape_starts *starts, const struct exposition_event *event,
                        struct labels labels, size_t floats, size_t histograms)
{
    if (has_starts(event->type)) {
        vec_push(&starts->waiting,
                 (struct start_waiting){hash_of(event, labels), floats, histograms});
    }
}

void scrape_starts_family(struct scrape_starts *starts)
{
    vec_reset(&starts->waiting);
}

void scrape_starts_created(struct scrape_starts *starts, const struct exposition_event *event,
                           struct labels labels, size_t floats, ts *histograms,
                           size_t histogram_count)
{
    uint64_t hash = hash_of(event, labels);
    bool is_time = event->value > -START_SECONDS_MAX && event->value < START_SECONDS_MAX;
    ts st = is_time ? (ts)(event->value * 1000) : 0;

    for (size_t i = 0; i < starts->waiting.count; i++) {
        const struct start_waiting *one = &starts->waiting.items[i];
        bool is_last = i + 1 == starts->waiting.count;
        size_t floats_end = is_last ? floats : one[1].floats;
        size_t histograms_end = is_last ? histogram_count : one[1].histograms;

        if (one->hash != hash) {
            continue;
        }
        for (size_t k = one->floats; k < floats_end; k++) {
            starts->floats[k] = st;
        }
        for (size_t k = one->histograms; k < histograms_end; k++) {
            histograms[k] = st;
        }
    }
    vec_reset(&starts->waiting);
}
