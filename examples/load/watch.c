#include "watch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expose.h"

/* The same figure has a name of its own in each of the services. */
static const char *const queue_names[] = {"celery_queue_length", "job_queue_depth",
                                          "job_queue_size", "orchestrator_queue_depth"};
static const struct {
    const char *name;
    const char *label;
} stage_names[] = {
    {"extraction_duration_seconds", "task_type"},
    {"orchestrator_stage_duration_seconds", "stage"},
    {"pipeline_stage_duration_seconds", "stage"},
    {"reconstruction_stage_duration_seconds", "stage"},
};

int watch_init(struct watch *watch)
{
    *watch = (struct watch){.requests = calloc(WATCH_REQUESTS_MAX, sizeof(*watch->requests)),
                            .points = calloc(WATCH_POINTS_MAX, sizeof(*watch->points))};
    (void)pthread_mutex_init(&watch->lock, NULL);
    return watch->requests != NULL && watch->points != NULL ? 0 : -1;
}

void watch_done(struct watch *watch)
{
    free(watch->requests);
    free(watch->points);
    (void)pthread_mutex_destroy(&watch->lock);
}

void watch_request(struct watch *watch, double at_s, double seconds, bool failed, const char *error)
{
    (void)pthread_mutex_lock(&watch->lock);
    if (watch->request_count < WATCH_REQUESTS_MAX) {
        watch->requests[watch->request_count++] = (struct watch_request){
            .at_s = (float)at_s, .seconds = (float)seconds, .failed = failed};
    } else {
        watch->request_lost++;
    }
    watch->failed += failed ? 1 : 0;
    if (failed) {
        (void)snprintf(watch->last_error, sizeof(watch->last_error), "%.127s", error);
    }
    (void)pthread_mutex_unlock(&watch->lock);
}

void watch_generation(struct watch *watch, bool failed)
{
    (void)pthread_mutex_lock(&watch->lock);
    watch->generations++;
    watch->generations_failed += failed ? 1 : 0;
    (void)pthread_mutex_unlock(&watch->lock);
}

void watch_messages(struct watch *watch, int count)
{
    (void)pthread_mutex_lock(&watch->lock);
    watch->websocket_messages += (size_t)count;
    (void)pthread_mutex_unlock(&watch->lock);
}

struct watch_point watch_point_empty(double at_s, int users)
{
    return (struct watch_point){.at_s = at_s,
                                .users = users,
                                .gpu_percent = NAN,
                                .gpu_celsius = NAN,
                                .websockets = NAN,
                                .queue_depth = NAN,
                                .cache_hits = NAN,
                                .cache_misses = NAN};
}

static void most(double *figure, double value)
{
    *figure = isnan(*figure) || value > *figure ? value : *figure;
}

static void add(double *figure, double value)
{
    *figure = isnan(*figure) ? value : *figure + value;
}

static struct watch_stage *stage_of(struct watch *watch, const char *name)
{
    for (size_t i = 0; i < watch->stage_count; i++) {
        if (strcmp(watch->stages[i].name, name) == 0) {
            return &watch->stages[i];
        }
    }
    if (watch->stage_count == WATCH_STAGES_MAX) {
        return NULL;
    }
    (void)snprintf(watch->stages[watch->stage_count].name, WATCH_NAME_SIZE, "%s", name);
    return &watch->stages[watch->stage_count++];
}

/* x_sum and x_count of a stage histogram; several ports or further labels add up. */
static void stage_take(struct watch *watch, const struct expose_line *line, bool is_first)
{
    for (size_t i = 0; i < sizeof(stage_names) / sizeof(stage_names[0]); i++) {
        size_t len = strlen(stage_names[i].name);
        bool is_sum = line->name_len == len + 4 && memcmp(line->name + len, "_sum", 4) == 0;
        bool is_count = line->name_len == len + 6 && memcmp(line->name + len, "_count", 6) == 0;
        char name[WATCH_NAME_SIZE];
        struct watch_stage *stage;

        if ((!is_sum && !is_count) || memcmp(line->name, stage_names[i].name, len) != 0 ||
            !expose_label(line, stage_names[i].label, name, sizeof(name))) {
            continue;
        }
        stage = stage_of(watch, name);
        if (stage != NULL) {
            *(is_sum ? &stage->sum : &stage->count) += line->value;
            *(is_sum ? &stage->sum_first : &stage->count_first) += is_first ? line->value : 0;
        }
    }
}

static void line_take(struct watch_point *point, const struct expose_line *line)
{
    char text[32];

    if (expose_is(line, "gpu_usage_percent")) {
        most(&point->gpu_percent, line->value);
    } else if (expose_is(line, "nvidia_gpu_temperature_celsius") ||
               expose_is(line, "DCGM_FI_DEV_GPU_TEMP")) {
        most(&point->gpu_celsius, line->value);
    } else if (expose_is(line, "websocket_connections_active")) {
        add(&point->websockets, line->value);
    } else if (expose_is(line, "cache_hits_total")) {
        add(&point->cache_hits, line->value);
    } else if (expose_is(line, "cache_misses_total")) {
        add(&point->cache_misses, line->value);
    } else if (expose_is(line, "cache_operations_total") &&
               expose_label(line, "operation", text, sizeof(text)) && strcmp(text, "get") == 0 &&
               expose_label(line, "status", text, sizeof(text))) {
        add(strcmp(text, "hit") == 0 ? &point->cache_hits : &point->cache_misses, line->value);
    }
    for (size_t i = 0; i < sizeof(queue_names) / sizeof(queue_names[0]); i++) {
        if (expose_is(line, queue_names[i])) {
            add(&point->queue_depth, line->value);
        }
    }
}

void watch_exposition(struct watch *watch, struct watch_point *point, const char *text)
{
    struct expose_reader reader = {.at = text};
    struct expose_line line;

    (void)pthread_mutex_lock(&watch->lock);
    while (expose_next(&reader, &line)) {
        line_take(point, &line);
        stage_take(watch, &line, watch->point_count == 0);
    }
    (void)pthread_mutex_unlock(&watch->lock);
}

void watch_point_add(struct watch *watch, const struct watch_point *point)
{
    (void)pthread_mutex_lock(&watch->lock);
    if (watch->point_count < WATCH_POINTS_MAX) {
        watch->points[watch->point_count++] = *point;
    }
    (void)pthread_mutex_unlock(&watch->lock);
}

static int compare_seconds(const void *left, const void *right)
{
    const struct watch_request *a = left;
    const struct watch_request *b = right;

    return a->seconds < b->seconds ? -1 : a->seconds > b->seconds;
}

double watch_quantile(struct watch *watch, double quantile)
{
    if (watch->request_count == 0) {
        return NAN;
    }
    qsort(watch->requests, watch->request_count, sizeof(*watch->requests), compare_seconds);
    return (double)watch->requests[(size_t)ceil(quantile * (double)watch->request_count) - 1]
        .seconds;
}

double watch_error_percent(const struct watch *watch)
{
    size_t count = watch->request_count + watch->request_lost;

    return count > 0 ? 100.0 * (double)watch->failed / (double)count : NAN;
}

double watch_cache_percent(const struct watch *watch)
{
    const struct watch_point *first = &watch->points[0];
    const struct watch_point *last;
    double hits;
    double misses;

    if (watch->point_count < 2) {
        return NAN;
    }
    last = &watch->points[watch->point_count - 1];
    /* A counter that was not there at first was 0. */
    hits = last->cache_hits - (isnan(first->cache_hits) ? 0 : first->cache_hits);
    misses = last->cache_misses - (isnan(first->cache_misses) ? 0 : first->cache_misses);
    hits = isnan(hits) && !isnan(misses) ? 0 : hits;
    misses = isnan(misses) && !isnan(hits) ? 0 : misses;
    return hits + misses > 0 ? 100 * hits / (hits + misses) : NAN;
}

double watch_most(const struct watch *watch, size_t offset)
{
    double figure = NAN;

    for (size_t i = 0; i < watch->point_count; i++) {
        double value = *(const double *)(const void *)((const char *)&watch->points[i] + offset);

        if (!isnan(value)) {
            most(&figure, value);
        }
    }
    return figure;
}

double watch_stage_mean(const struct watch_stage *stage)
{
    double count = stage->count - stage->count_first;

    return count > 0 ? (stage->sum - stage->sum_first) / count : NAN;
}

int watch_slowest(const struct watch *watch, int rank)
{
    bool used[WATCH_STAGES_MAX] = {false};
    int best = -1;

    for (int k = 0; k <= rank; k++) {
        best = -1;
        for (int i = 0; i < (int)watch->stage_count; i++) {
            double mean = watch_stage_mean(&watch->stages[i]);

            if (!used[i] && !isnan(mean) &&
                (best < 0 || mean > watch_stage_mean(&watch->stages[best]))) {
                best = i;
            }
        }
        if (best < 0) {
            return -1;
        }
        used[best] = true;
    }
    return best;
}
