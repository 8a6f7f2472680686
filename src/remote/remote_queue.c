#include "remote/remote_queue.h"

#include "base/log.h"
#include "base/mem.h"
#include "client/self.h"
#include "remote/remote_queue_priv.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/loop.h"

enum {
    POLL_MS = 100, /* how often the end of the WAL is looked at */
    SYNC_EVERY_MS = 5000,
    BATCHES_MAX = 1024, /* of one shard, for the sake of requests of one sample */
    /* As Prometheus has it: room for exemplars beside the samples that they belong to. */
    EXEMPLAR_SHARE = 10,
};

static void position_keep(struct remote_queue *queue, mono now)
{
    struct baro_error err = {0};

    if (!queue->position_changed || now - queue->position_synced < SYNC_EVERY_MS * MONO_PER_MS) {
        return;
    }
    queue->position_synced = now;
    queue->position_changed = false;
    if (remote_position_sync(queue->position, &err) < 0) {
        log_warn("the position of a remote is not safe against a loss of power",
                 log_c("remote", queue->options.name), log_err(&err));
    }
}

/* All that was read has been answered: items may be spread anew, and no series' order changes. */
static void reshard(struct remote_queue *queue)
{
    uint32_t wanted = queue->shards_wanted;

    remote_shards_free(queue);
    remote_shards_start(queue, wanted);
}

/* One turn: reads, begins requests, and says when it wants to run again. */
static mono turn(struct remote_queue *queue, mono now)
{
    bool is_draining = queue->shards_wanted != queue->shard_count;
    bool has_more = false;
    mono next, metadata_next = INT64_MAX;

    if (is_draining && remote_shards_are_empty(queue)) {
        reshard(queue);
        is_draining = false;
    }
    if (is_draining) {
        remote_shards_cut(queue);
    } else if (!queue->is_blocked && !(remote_queue_is_stopping(queue) && queue->is_flushed)) {
        has_more = remote_feed_turn(queue);
    }
    if (remote_queue_is_stopping(queue) && queue->is_flushed) {
        remote_shards_cut(queue);
    }
    next = remote_shards_turn(queue, now);
    if (!remote_queue_is_stopping(queue)) {
        remote_rate_turn(queue, now);
        metadata_next = remote_metadata_turn(queue, now);
        position_keep(queue, now);
    }
    next = metadata_next < next ? metadata_next : next;
    if (has_more) {
        return now;
    }
    /* A full shard says so when it has room again. */
    return !queue->is_blocked && !is_draining && next > now + POLL_MS * MONO_PER_MS
               ? now + POLL_MS * MONO_PER_MS
               : next;
}

static bool is_over(struct remote_queue *queue, mono now)
{
    int64_t stop_at = atomic_load_explicit(&queue->stop_at, memory_order_relaxed);

    if (stop_at == 0) {
        return false;
    }
    return now >= stop_at || queue->gave_up ||
           (queue->is_flushed && remote_shards_are_empty(queue));
}

static int wait_ms(mono next, mono now)
{
    enum { WAIT_MS_MAX = 1000 };
    mono wait = next > now ? (next - now + MONO_PER_MS - 1) / MONO_PER_MS : 0;

    return wait < WAIT_MS_MAX ? (int)wait : WAIT_MS_MAX;
}

static void *run(void *argument)
{
    struct remote_queue *queue = argument;
    mono now = clock_mono(queue->clock);

    while (!is_over(queue, now)) {
        bool was_stopping = remote_queue_is_stopping(queue);
        mono next = turn(queue, now);

        /* Flushed means: the WAL was read to its end after the end was asked for. */
        queue->is_flushed = queue->is_flushed && was_stopping;
        loop_turn(queue->loop, wait_ms(next, clock_mono(queue->clock)));
        now = clock_mono(queue->clock);
    }
    return NULL;
}

static int rules_make(struct remote_queue *queue, struct baro_error *err)
{
    const struct prom_global *global = prom_config_global(queue->options.config);
    bool legacy = global->metric_name_validation_scheme == PROM_VALIDATION_LEGACY;
    int r = relabel_rules_new(queue->settings->relabel_configs, legacy, &queue->rules, err);

    if (r >= 0) {
        queue->series = remote_series_new(global->external_labels, queue->rules);
    }
    return r;
}

static int connect_make(struct remote_queue *queue, struct baro_error *err)
{
    const struct http_engine_options options = {
        .multi_count = 1,
        .connections_max = REMOTE_SHARDS_MAX,
        .user_agent = queue->options.user_agent,
        .shuffle_addresses = queue->settings->round_robin_dns,
    };
    int r = loop_new(queue->clock, NULL, NULL, &queue->loop, err);

    r = r < 0 ? r : http_engine_new(queue->loop, &options, &queue->engine, err);
    if (r < 0) {
        return r;
    }
    queue->endpoint.clock = queue->clock;
    return remote_endpoint_open(&queue->endpoint, queue->engine, queue->settings, err);
}

static void sizes_set(struct remote_queue *queue)
{
    const struct prom_queue *settings = queue->settings->queue;
    int64_t batches = settings->capacity / settings->samples_per_send;

    batches = batches < BATCHES_MAX ? batches : BATCHES_MAX;
    /* One more is filled while all that wait are full. */
    queue->batches_max = (size_t)(batches > 0 ? batches : 1) + 1;
    queue->batch_items_max = (size_t)settings->samples_per_send;
    if (queue->settings->send_exemplars) {
        queue->batch_items_max += (size_t)settings->samples_per_send / EXEMPLAR_SHARE;
    }
}

static int start_thread(struct remote_queue *queue, struct baro_error *err)
{
    int r = pthread_create(&queue->thread, NULL, run, queue);

    queue->has_thread = r == 0;
    return r == 0 ? 0 : error_set(err, -r, "cannot start a thread for remote write");
}

int remote_queue_new(const struct remote_queue_options *options, struct remote_queue **ret,
                     struct baro_error *err)
{
    struct remote_queue *queue = MEM_NEW(struct remote_queue);
    int r;

    queue->options = *options;
    queue->settings = options->settings;
    queue->stats = options->stats;
    queue->clock = clock_real();
    queue->options.fs = options->fs != NULL ? options->fs : fs_real();
    queue->rates_ticked = clock_mono(queue->clock);
    queue->appended_seen =
        self_get(SELF_HEAD_SAMPLES_APPENDED_FLOAT) + self_get(SELF_HEAD_SAMPLES_APPENDED_HISTOGRAM);
    sizes_set(queue);
    r = rules_make(queue, err);
    r = r < 0 ? r : connect_make(queue, err);
    r = r < 0 ? r
              : remote_position_open(queue->options.fs, options->position_path, &queue->position,
                                     err);
    r = r < 0 ? r : remote_feed_begin(queue, err);
    r = r < 0 ? r : start_thread(queue, err);
    if (r < 0) {
        (void)remote_queue_free(queue);
        return r;
    }
    *ret = queue;
    return 0;
}

void remote_queue_stop(struct remote_queue *queue, dur deadline)
{
    atomic_store_explicit(&queue->stop_at,
                          clock_mono(queue->clock) + (deadline > 0 ? deadline : 0) * MONO_PER_MS,
                          memory_order_relaxed);
    loop_wake(queue->loop);
}

struct remote_queue *remote_queue_free(struct remote_queue *queue)
{
    struct baro_error err = {0};

    if (queue == NULL) {
        return NULL;
    }
    if (queue->has_thread) {
        (void)pthread_join(queue->thread, NULL);
    }
    if (queue->shards != NULL) {
        remote_shards_free(queue);
    }
    remote_metadata_done(queue);
    remote_endpoint_close(&queue->endpoint);
    queue->engine = http_engine_free(queue->engine);
    queue->loop = loop_free(queue->loop);
    if (queue->position != NULL && remote_position_sync(queue->position, &err) < 0) {
        log_warn("the position of a remote is not safe", log_c("remote", queue->options.name),
                 log_err(&err));
    }
    queue->position = remote_position_close(queue->position);
    remote_feed_done(&queue->feed);
    queue->series = remote_series_free(queue->series);
    queue->rules = relabel_rules_free(queue->rules);
    wire_out_done(&queue->wire);
    vec_done(&queue->guests);
    return mem_free(queue);
}

const char *remote_queue_url(const struct remote_queue *queue)
{
    return queue->endpoint.shown_url;
}
