/*
 * watch: what is seen during a scenario: each request that a user made, and what the service's own
 * metrics say from time to time. Filled by many threads; read when they have ended.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    WATCH_REQUESTS_MAX = 200000,
    WATCH_POINTS_MAX = 4096,
    WATCH_STAGES_MAX = 32,
    WATCH_NAME_SIZE = 48
};

struct watch_request {
    float at_s; /* after the start, when it ended */
    float seconds;
    bool failed;
};

/* One look at the metrics. A figure that is not exposed is NaN. */
struct watch_point {
    double at_s;
    int users;
    double gpu_percent;
    double gpu_celsius;
    double websockets;
    double queue_depth; /* of all queues */
    double cache_hits;
    double cache_misses;
};

/* A stage of the service's pipeline: its histogram's sum and count, at the start and now. */
struct watch_stage {
    char name[WATCH_NAME_SIZE];
    double sum_first, count_first;
    double sum, count;
};

struct watch {
    pthread_mutex_t lock;
    /* lock: watch.lock */
    struct watch_request *requests;
    size_t request_count;
    size_t request_lost; /* beyond the bound; they count as requests all the same */
    size_t failed;
    size_t generations;
    size_t generations_failed;
    size_t websocket_messages;
    struct watch_point *points;
    size_t point_count;
    struct watch_stage stages[WATCH_STAGES_MAX];
    size_t stage_count;
    char last_error[128];
};

int watch_init(struct watch *watch);
void watch_done(struct watch *watch);

void watch_request(struct watch *watch, double at_s, double seconds, bool failed,
                   const char *error);
void watch_generation(struct watch *watch, bool failed);
void watch_messages(struct watch *watch, int count);

/* watch_exposition adds what an exposition says to a point, which begins as watch_point_empty();
 * call it once for each of the service's ports, then watch_point_add. */
struct watch_point watch_point_empty(double at_s, int users);
void watch_exposition(struct watch *watch, struct watch_point *point, const char *text);
void watch_point_add(struct watch *watch, const struct watch_point *point);

/* Figures, NaN where there is nothing to say. watch_quantile sorts the requests. */
double watch_quantile(struct watch *watch, double quantile);
double watch_error_percent(const struct watch *watch);
double watch_cache_percent(const struct watch *watch);
double watch_most(const struct watch *watch, size_t offset); /* of a double of struct watch_point */

/* watch_slowest returns the index of the stage with the longest mean, the second by rank 1, ...; -1
 * when there is none. */
int watch_slowest(const struct watch *watch, int rank);
double watch_stage_mean(const struct watch_stage *stage);
