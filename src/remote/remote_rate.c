/*
 * How many shards a queue should have: Prometheus's formula (calculateDesiredShards), over averages
 * that follow what comes in, goes out and is dropped.
 */
#include <math.h>

#include "base/log.h"
#include "client/self.h"
#include "remote/remote_queue_priv.h"

#define WEIGHT         0.2
#define TICK_SECONDS   10
#define TOLERANCE      0.3
#define CATCH_UP       0.05 /* of what is pending, a second */
#define BEHIND_SECONDS 10.0
#define NO_ANSWER_MONO (TICK_SECONDS * MONO_PER_SECOND)

static void tick(struct remote_rate *rate)
{
    double now = rate->events / TICK_SECONDS;

    if (rate->is_set) {
        rate->rate += WEIGHT * (now - rate->rate);
    } else if (rate->events > 0) {
        rate->is_set = true;
        rate->rate = now;
    }
    rate->events = 0;
}

static double seconds_behind(const struct remote_queue *queue)
{
    int64_t sent = atomic_load_explicit(&queue->stats->highest_sent_t, memory_order_relaxed);
    double behind = (self_get(SELF_HEAD_MAX_TIME) - (double)sent) / DUR_SECOND;

    return sent == 0 || behind < 0 ? 0 : behind;
}

static uint32_t shards_wanted(struct remote_queue *queue)
{
    const struct prom_queue *settings = queue->settings->queue;
    double behind = seconds_behind(queue);
    double kept = queue->out.rate / (queue->dropped.rate + queue->out.rate);
    double shards = (double)queue->shard_count;
    double wanted;

    if (queue->out.rate <= 0) {
        return queue->shard_count;
    }
    wanted = queue->out_seconds.rate / queue->out.rate *
             (queue->in.rate * kept + CATCH_UP * behind * queue->in.rate * kept);
    atomic_store_explicit(&queue->stats->shards_desired, wanted, memory_order_relaxed);
    wanted = ceil(wanted);
    if ((wanted >= shards * (1 - TOLERANCE) && wanted <= shards * (1 + TOLERANCE)) ||
        (wanted < shards && behind > BEHIND_SECONDS)) {
        wanted = shards;
    }
    wanted = wanted > (double)settings->shards_max ? (double)settings->shards_max : wanted;
    wanted = wanted < (double)settings->shards_min ? (double)settings->shards_min : wanted;
    return wanted > REMOTE_SHARDS_MAX ? REMOTE_SHARDS_MAX : (uint32_t)wanted;
}

void remote_rate_turn(struct remote_queue *queue, mono now)
{
    double appended =
        self_get(SELF_HEAD_SAMPLES_APPENDED_FLOAT) + self_get(SELF_HEAD_SAMPLES_APPENDED_HISTOGRAM);
    uint32_t wanted;

    if (now - queue->rates_ticked < TICK_SECONDS * MONO_PER_SECOND) {
        return;
    }
    queue->rates_ticked = now;
    queue->in.events = appended - queue->appended_seen;
    queue->appended_seen = appended;
    tick(&queue->in);
    tick(&queue->out);
    tick(&queue->dropped);
    tick(&queue->out_seconds);
    wanted = shards_wanted(queue);
    if (wanted == queue->shards_wanted || queue->feed.is_resuming ||
        now - queue->last_answer > NO_ANSWER_MONO || now < queue->no_reshard_until) {
        return;
    }
    log_info("the number of shards of a remote changes", log_c("remote", queue->options.name),
             log_int("from", queue->shard_count), log_int("to", wanted));
    queue->shards_wanted = wanted;
}
