#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "remote/remote_queue_priv.h"
#include "sys/clock.h"

/* Upper bounds of the buckets of sent_batch_duration_seconds, in milliseconds. */
static const int64_t duration_bounds[REMOTE_DURATION_BUCKETS] = {
    5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 60000, 120000, 300000};

static struct remote_batch *oldest(struct remote_shard *shard)
{
    return &shard->batches[shard->first];
}

static struct remote_batch *newest(struct remote_shard *shard)
{
    return &shard->batches[(shard->first + shard->used - 1) % shard->queue->batches_max];
}

static void note_pending(struct remote_shard *shard, const struct remote_pending *pending)
{
    remote_position_set_pending(shard->queue->position, shard->number, pending);
    shard->queue->position_changed = true;
}

/* ---- filling ---- */

static void batch_open(struct remote_shard *shard, struct remote_batch *batch,
                       struct remote_place place)
{
    vec_reset(&batch->items);
    memset(batch->kinds, 0, sizeof(batch->kinds));
    arena_reset(&batch->arena);
    batch->is_cut = false;
    batch->begin = place;
    batch->first_at = clock_mono(shard->queue->clock);
    batch->lowest = INT64_MAX;
    batch->highest = INT64_MIN;
}

/* An exemplar comes right behind the samples of its commit, and belongs into their request. */
static bool takes_exemplar(const struct remote_shard *shard, const struct remote_batch *batch)
{
    return !shard->has_cut && batch->items.count < shard->queue->batch_items_max * 2 &&
           (shard->used > 1 ||
            (!remote_post_is_running(&shard->post) && shard->post.retry_at == 0));
}

struct remote_batch *remote_shard_room(struct remote_shard *shard, struct remote_place place,
                                       enum remote_kind kind)
{
    bool is_behind_cut = shard->has_cut && remote_place_cmp(place, shard->cut_at) >= 0;
    bool is_before_cut = shard->has_cut && !is_behind_cut;
    struct remote_batch *batch = shard->used > 0 ? newest(shard) : NULL;

    if (batch != NULL && is_behind_cut) {
        batch->is_cut = true;
    }
    if (batch != NULL && kind == REMOTE_EXEMPLAR && takes_exemplar(shard, batch)) {
        return batch;
    }
    if (batch == NULL || batch->is_cut) {
        if (shard->used == shard->queue->batches_max) {
            return NULL;
        }
        shard->used++;
        batch = newest(shard);
        batch_open(shard, batch, place);
        /* What the run before had under way stays noted until it is sent again. */
        if (shard->used == 1 && !is_before_cut) {
            note_pending(shard, &(struct remote_pending){true, place, place});
        }
    }
    shard->has_cut = is_before_cut;
    return batch;
}

void remote_shard_added(struct remote_shard *shard, struct remote_batch *batch,
                        struct remote_place place)
{
    const struct remote_item *item = vec_last(&batch->items);

    batch->end = (struct remote_place){place.record, place.index + 1};
    batch->kinds[item->kind]++;
    batch->lowest = item->t < batch->lowest ? item->t : batch->lowest;
    batch->highest = item->t > batch->highest ? item->t : batch->highest;
    batch->is_cut = batch->is_cut || batch->items.count >= shard->queue->batch_items_max;
    atomic_fetch_add_explicit(&shard->queue->stats->pending[item->kind], 1, memory_order_relaxed);
}

void remote_shards_cut(struct remote_queue *queue)
{
    for (uint32_t i = 0; i < queue->shard_count; i++) {
        if (queue->shards[i].used > 0) {
            newest(&queue->shards[i])->is_cut = true;
        }
    }
}

/* ---- sending ---- */

static void add(_Atomic uint64_t *counter, uint64_t amount)
{
    atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

/*
 * In 2.0 an exemplar has to stand beside a sample: Prometheus refuses a series that has nothing
 * else. It goes with the newest sample of its series before it: queue->guests chains each sample to
 * its exemplars.
 */
static bool has_hosts(const struct remote_queue *queue, const struct remote_batch *batch)
{
    return queue->settings->is_v2 && batch->kinds[REMOTE_EXEMPLAR] > 0;
}

#define NO_GUEST UINT32_MAX

static void guests_find(struct remote_queue *queue, const struct remote_batch *batch)
{
    const struct remote_item *items = batch->items.items;

    vec_reset(&queue->guests);
    vec_reserve(&queue->guests, batch->items.count);
    for (size_t i = 0; i < batch->items.count; i++) {
        size_t host = i;

        queue->guests.items[i] = NO_GUEST;
        if (items[i].kind != REMOTE_EXEMPLAR) {
            continue;
        }
        while (host-- > 0) {
            if (items[host].series == items[i].series && items[host].kind != REMOTE_EXEMPLAR) {
                queue->guests.items[i] = queue->guests.items[host];
                queue->guests.items[host] = (uint32_t)i;
                break;
            }
        }
        /* SIZE_MAX: its samples were in an earlier request. */
        add(&queue->stats->failed[REMOTE_EXEMPLAR], host == SIZE_MAX);
    }
}

/* One series with one sample, histogram or exemplar, and the exemplars that go with it. */
static void put_item(struct remote_queue *queue, const struct remote_batch *batch, size_t index)
{
    struct wire_out *wire = &queue->wire;
    const struct remote_item *item = &batch->items.items[index];
    const struct metadata *metadata = remote_series_metadata(queue->series, item->series);
    size_t count = 0;

    if (queue->settings->is_v2) {
        const uint32_t *refs = remote_series_symbols(queue->series, item->series, wire, &count);

        wire_out_series_refs(wire, refs, count);
    } else if (item->kind == REMOTE_SAMPLE) {
        const str *fields = remote_series_fields(queue->series, item->series, &count);

        wire_out_float(wire, fields, count, item->v, item->t);
        return;
    } else {
        wire_out_series(wire, remote_series_labels(queue->series, item->series));
    }
    switch (item->kind) {
    case REMOTE_SAMPLE:
        wire_out_sample(wire, &(struct sample){.t = item->t, .v = item->v, .st = item->st});
        break;
    case REMOTE_HISTOGRAM:
        wire_out_sample(wire, &(struct sample){.t = item->t, .h = item->h, .st = item->st});
        break;
    case REMOTE_EXEMPLAR:
        wire_out_exemplar(wire, item->exemplar);
        break;
    case REMOTE_KIND_COUNT:
        break;
    }
    for (uint32_t i = has_hosts(queue, batch) ? queue->guests.items[index] : NO_GUEST;
         i != NO_GUEST; i = queue->guests.items[i]) {
        wire_out_exemplar(wire, batch->items.items[i].exemplar);
    }
    if (metadata != NULL && queue->settings->is_v2) {
        wire_out_metadata(wire, metadata);
    }
    wire_out_series_end(wire);
}

static ts age_limit(const struct remote_queue *queue)
{
    dur limit = queue->settings->queue->sample_age_limit;

    return limit > 0 ? clock_now(queue->clock) - limit : INT64_MIN;
}

/* Packs the oldest batch, without what has become too old meanwhile: body_count tells what is left.
 */
static int body_make(struct remote_shard *shard, struct baro_error *err)
{
    struct remote_queue *queue = shard->queue;
    const struct remote_batch *batch = oldest(shard);
    ts limit = age_limit(queue);

    shard->body_lowest = INT64_MAX;
    shard->body_count = 0;
    buf_reset(&shard->body);
    if (has_hosts(queue, batch)) {
        guests_find(queue, batch);
    }
    wire_out_begin(&queue->wire, queue->settings->is_v2 ? WIRE_WRITE_2 : WIRE_WRITE_1);
    for (size_t i = 0; i < batch->items.count; i++) {
        const struct remote_item *item = &batch->items.items[i];

        if (item->t < limit || (item->kind == REMOTE_EXEMPLAR && has_hosts(queue, batch))) {
            continue;
        }
        put_item(queue, batch, i);
        shard->body_count++;
        shard->body_lowest = item->t < shard->body_lowest ? item->t : shard->body_lowest;
    }
    return shard->body_count == 0 ? 0 : wire_out_finish(&queue->wire, &shard->body, err);
}

/* Takes the oldest batch out: it was answered, or is given up. */
static void batch_end(struct remote_shard *shard)
{
    struct remote_queue *queue = shard->queue;
    struct remote_batch *batch = oldest(shard);
    struct remote_pending pending = {0};

    for (size_t k = 0; k < REMOTE_KIND_COUNT; k++) {
        atomic_fetch_sub_explicit(&queue->stats->pending[k], batch->kinds[k], memory_order_relaxed);
    }
    /* One batch of each shard keeps its memory. */
    if (shard->used > 1) {
        vec_done(&batch->items);
        arena_done(&batch->arena);
    }
    buf_reset(&shard->body);
    shard->first = (shard->first + 1) % queue->batches_max;
    shard->used--;
    if (shard->used > 0) {
        pending = (struct remote_pending){true, oldest(shard)->begin, oldest(shard)->begin};
    }
    note_pending(shard, &pending);
    queue->is_blocked = false;
}

static void count_kinds(const struct remote_batch *batch, _Atomic uint64_t counters[])
{
    for (size_t k = 0; k < REMOTE_KIND_COUNT; k++) {
        add(&counters[k], batch->kinds[k]);
    }
}

static void duration_note(struct remote_stats *stats, mono took)
{
    size_t bucket = 0;

    while (bucket < REMOTE_DURATION_BUCKETS && took > duration_bounds[bucket] * MONO_PER_MS) {
        bucket++;
    }
    add(&stats->durations[bucket], 1);
    add(&stats->duration_ns, (uint64_t)took);
}

static void batch_answered(struct remote_shard *shard, mono now)
{
    struct remote_queue *queue = shard->queue;
    const struct remote_batch *batch = oldest(shard);
    ts sent = atomic_load_explicit(&queue->stats->highest_sent_t, memory_order_relaxed);

    add(&queue->stats->bytes, shard->body.len);
    if (batch->highest > sent) {
        atomic_store_explicit(&queue->stats->highest_sent_t, batch->highest, memory_order_relaxed);
    }
    queue->out.events += (double)batch->items.count;
    queue->out_seconds.events += (double)(now - shard->sent_since) / (double)MONO_PER_SECOND;
    queue->last_answer = now;
    batch_end(shard);
}

static void answered(struct remote_post *post, enum remote_outcome outcome)
{
    struct remote_shard *shard = CONTAINER_OF(post, struct remote_shard, post);
    struct remote_queue *queue = shard->queue;
    const struct remote_batch *batch = oldest(shard);
    mono now = clock_mono(queue->clock);

    duration_note(queue->stats, now - post->begun);
    switch (outcome) {
    case REMOTE_ACCEPTED:
        batch_answered(shard, now);
        break;
    case REMOTE_REFUSED:
        log_error("a remote refuses samples, they are dropped",
                  log_c("remote", queue->options.name), log_c("url", queue->endpoint.shown_url),
                  log_int("count", (int64_t)batch->items.count), log_err(&post->err));
        count_kinds(batch, queue->stats->failed);
        batch_answered(shard, now);
        break;
    case REMOTE_RETRY:
        log_warn("a remote does not take samples, they are sent again",
                 log_c("remote", queue->options.name), log_c("url", queue->endpoint.shown_url),
                 log_int("wait_ms", (post->retry_at - now) / MONO_PER_MS), log_err(&post->err));
        count_kinds(batch, queue->stats->retried);
        /* More shards would make it worse. */
        if (post->retry_at + (post->retry_at - now) > queue->no_reshard_until) {
            queue->no_reshard_until = post->retry_at + (post->retry_at - now);
        }
        queue->gave_up = queue->gave_up || remote_queue_is_stopping(queue);
        break;
    }
}

static void give_up(struct remote_shard *shard, const struct baro_error *err)
{
    log_error("samples cannot be made into a request, they are dropped",
              log_c("remote", shard->queue->options.name), log_err(err));
    count_kinds(oldest(shard), shard->queue->stats->failed);
    batch_end(shard);
}

static void too_old(struct remote_shard *shard)
{
    const struct remote_batch *batch = oldest(shard);

    for (size_t k = 0; k < REMOTE_KIND_COUNT; k++) {
        add(&shard->queue->stats->dropped[k][REMOTE_TOO_OLD], batch->kinds[k]);
    }
    batch_end(shard);
}

/* Begins an attempt to send the oldest batch. */
static void batch_send(struct remote_shard *shard)
{
    struct remote_batch *batch = oldest(shard);
    struct baro_error err = {0};
    int r = 0;

    batch->is_cut = true;
    shard->has_cut = false;
    if (shard->body.len == 0 || shard->body_lowest < age_limit(shard->queue)) {
        r = body_make(shard, &err);
        if (r < 0) {
            give_up(shard, &err);
            return;
        }
        if (shard->body_count == 0) {
            too_old(shard);
            return;
        }
    }
    if (shard->post.attempt == 0) {
        shard->sent_since = clock_mono(shard->queue->clock);
    }
    note_pending(shard, &(struct remote_pending){true, batch->begin, batch->end});
    count_kinds(batch, shard->queue->stats->sent);
    remote_post_start(&shard->post, buf_view(&shard->body));
}

/* When the oldest batch is to be sent; INT64_MAX: an answer comes first. */
static mono due(struct remote_shard *shard)
{
    if (shard->used == 0 || remote_post_is_running(&shard->post)) {
        return INT64_MAX;
    }
    if (shard->post.retry_at != 0) {
        /* At the end there is one more attempt, and no wait for it. */
        return remote_queue_is_stopping(shard->queue) ? 0 : shard->post.retry_at;
    }
    return oldest(shard)->is_cut
               ? 0
               : oldest(shard)->first_at +
                     shard->queue->settings->queue->batch_send_deadline * MONO_PER_MS;
}

mono remote_shards_turn(struct remote_queue *queue, mono now)
{
    mono next = INT64_MAX;

    for (uint32_t i = 0; i < queue->shard_count; i++) {
        mono at = due(&queue->shards[i]);

        /* What is too old, or cannot be packed, leaves at once, and the next one may be due. */
        while (at <= now) {
            batch_send(&queue->shards[i]);
            at = due(&queue->shards[i]);
        }
        next = at < next ? at : next;
    }
    return next;
}

bool remote_shards_are_empty(const struct remote_queue *queue)
{
    for (uint32_t i = 0; i < queue->shard_count; i++) {
        if (queue->shards[i].used > 0) {
            return false;
        }
    }
    return true;
}

/* ---- life ---- */

void remote_shards_start(struct remote_queue *queue, uint32_t count)
{
    ASSERT(count > 0 && count <= REMOTE_SHARDS_MAX);
    queue->shards = mem_alloc_zero(count * sizeof(*queue->shards));
    queue->shard_count = count;
    queue->shards_wanted = count;
    for (uint32_t i = 0; i < count; i++) {
        struct remote_shard *shard = &queue->shards[i];

        shard->queue = queue;
        shard->number = i;
        shard->post.endpoint = &queue->endpoint;
        shard->post.answered = answered;
        shard->batches = mem_alloc_zero(queue->batches_max * sizeof(*shard->batches));
    }
    atomic_store_explicit(&queue->stats->shards, count, memory_order_relaxed);
}

void remote_shards_free(struct remote_queue *queue)
{
    for (uint32_t i = 0; i < queue->shard_count; i++) {
        struct remote_shard *shard = &queue->shards[i];

        remote_post_done(&shard->post);
        for (size_t b = 0; b < queue->batches_max; b++) {
            vec_done(&shard->batches[b].items);
            arena_done(&shard->batches[b].arena);
        }
        (void)mem_free(shard->batches);
        buf_done(&shard->body);
    }
    queue->shards = mem_free(queue->shards);
    queue->shard_count = 0;
    for (size_t k = 0; k < REMOTE_KIND_COUNT; k++) {
        atomic_store_explicit(&queue->stats->pending[k], 0, memory_order_relaxed);
    }
}
