#include <inttypes.h>

#include "base/log.h"
#include "base/mem.h"
#include "remote/remote_queue_priv.h"
#include "sys/clock.h"
#include "sys/fs.h"

enum {
    TURN_RECORDS = 64,
    LOOK_EVERY_MS = 15000, /* for a newer checkpoint */
};

/* ---- the records ---- */

static bool wants(const struct remote_queue *queue, enum remote_kind kind)
{
    switch (kind) {
    case REMOTE_SAMPLE:
        break;
    case REMOTE_HISTOGRAM:
        return queue->settings->send_native_histograms;
    case REMOTE_EXEMPLAR:
        return queue->settings->send_exemplars;
    case REMOTE_KIND_COUNT:
        return false;
    }
    return true;
}

static int take_series(struct remote_queue *queue, str record, uint64_t segment,
                       struct baro_error *err)
{
    struct reader rd = wal_record_body(record);
    struct wal_labels *labels = &queue->feed.labels;
    series_ref ref = 0;
    int r;

    while ((r = wal_next_series(&rd, &ref, labels, err)) > 0) {
        r = remote_series_put(queue->series, ref, (struct labels){labels->items, labels->count},
                              segment, err);
        if (r < 0) {
            break;
        }
    }
    atomic_store_explicit(&queue->stats->series, remote_series_count(queue->series),
                          memory_order_relaxed);
    return r;
}

static int take_metadata(struct remote_queue *queue, str record, struct baro_error *err)
{
    struct reader rd = wal_record_body(record);
    struct metadata metadata = {0};
    series_ref ref = 0;
    int r;

    while ((r = wal_next_metadata(&rd, &ref, &metadata, err)) > 0) {
        remote_series_put_metadata(queue->series, ref, &metadata);
    }
    return r;
}

static int open_histograms(struct remote_feed *feed, str record, struct baro_error *err)
{
    struct reader rd = wal_record_body(record);
    struct wal_histograms at = {.type = wal_record_type(record)};
    VEC(struct wal_histogram) found = {0};
    struct wal_histogram one = {0};
    int r;

    while ((r = wal_next_histogram(&rd, &at, &feed->arena, &one, err)) > 0) {
        vec_push(&found, one);
    }
    feed->histograms = ARENA_ARRAY(&feed->arena, struct wal_histogram, found.count + 1);
    for (size_t i = 0; i < found.count; i++) {
        feed->histograms[i] = found.items[i];
    }
    feed->count = (uint32_t)found.count;
    vec_done(&found);
    return r;
}

static int open_exemplars(struct remote_feed *feed, str record, struct baro_error *err)
{
    struct reader rd = wal_record_body(record);
    struct wal_exemplar_base base = {0};
    VEC(struct remote_wal_exemplar) found = {0};
    struct remote_wal_exemplar one = {0};
    int r;

    while ((r = wal_next_exemplar(&rd, &base, &one.ref, &one.exemplar, &feed->labels, err)) > 0) {
        one.exemplar.labels = labels_copy(&feed->arena, one.exemplar.labels);
        vec_push(&found, one);
    }
    feed->exemplars = ARENA_ARRAY(&feed->arena, struct remote_wal_exemplar, found.count + 1);
    for (size_t i = 0; i < found.count; i++) {
        feed->exemplars[i] = found.items[i];
    }
    feed->count = (uint32_t)found.count;
    vec_done(&found);
    return r;
}

/* Makes the items of a record ready to be handed on. What is damaged behind good items is left out.
 */
static int open_record(struct remote_queue *queue, str record, enum remote_kind kind,
                       struct baro_error *err)
{
    struct remote_feed *feed = &queue->feed;
    int r = 0;

    arena_reset(&feed->arena);
    feed->kind = kind;
    feed->count = 0;
    feed->next = 0;
    switch (kind) {
    case REMOTE_SAMPLE:
        r = wal_read_samples(record, &feed->samples, err);
        feed->count = r < 0 ? 0 : (uint32_t)feed->samples.count;
        break;
    case REMOTE_HISTOGRAM:
        r = open_histograms(feed, record, err);
        break;
    case REMOTE_EXEMPLAR:
        r = open_exemplars(feed, record, err);
        break;
    case REMOTE_KIND_COUNT:
        break;
    }
    feed->has_record = feed->count > 0;
    return r;
}

static int take_record(struct remote_queue *queue, str record, struct wal_place place,
                       struct baro_error *err)
{
    struct remote_feed *feed = &queue->feed;
    uint8_t type = wal_record_type(record);
    enum remote_kind kind = wal_is_histograms(type)         ? REMOTE_HISTOGRAM
                            : type == WAL_RECORD_EXEMPLARS  ? REMOTE_EXEMPLAR
                            : type == WAL_RECORD_SAMPLES    ? REMOTE_SAMPLE
                            : type == WAL_RECORD_SAMPLES_V2 ? REMOTE_SAMPLE
                                                            : REMOTE_KIND_COUNT;

    if (type < 16) {
        atomic_fetch_add_explicit(&queue->stats->records[type], 1, memory_order_relaxed);
    }
    if (type == WAL_RECORD_SERIES) {
        return take_series(queue, record, place.segment, err);
    }
    if (type == WAL_RECORD_METADATA) {
        return queue->settings->is_v2 ? take_metadata(queue, record, err) : 0;
    }
    if (!wants(queue, kind) || wal_place_cmp(place, feed->resume.record) < 0) {
        return 0;
    }
    feed->record = place;
    return open_record(queue, record, kind, err);
}

/* ---- handing on ---- */

static void drop(struct remote_queue *queue, enum remote_kind kind, enum remote_reason reason)
{
    atomic_fetch_add_explicit(&queue->stats->dropped[kind][reason], 1, memory_order_relaxed);
    queue->dropped.events += reason != REMOTE_TOO_OLD;
}

/* The item, but for what belongs to a batch; its ref in *ret_ref. */
static struct remote_item item_at(const struct remote_feed *feed, uint32_t i, series_ref *ret_ref)
{
    struct remote_item item = {.kind = feed->kind};

    switch (feed->kind) {
    case REMOTE_SAMPLE:
        *ret_ref = feed->samples.refs[i];
        item.t = feed->samples.t[i];
        item.v = feed->samples.v[i];
        item.st = feed->samples.st != NULL ? feed->samples.st[i] : 0;
        break;
    case REMOTE_HISTOGRAM:
        *ret_ref = feed->histograms[i].ref;
        item.t = feed->histograms[i].t;
        item.st = feed->histograms[i].st;
        item.h = &feed->histograms[i].h;
        break;
    case REMOTE_EXEMPLAR:
        *ret_ref = feed->exemplars[i].ref;
        item.t = feed->exemplars[i].exemplar.t;
        item.exemplar = &feed->exemplars[i].exemplar;
        break;
    case REMOTE_KIND_COUNT:
        break;
    }
    return item;
}

/* Copies what an item points at to where its batch has it. */
static void item_keep(struct remote_item *item, struct arena *arena)
{
    if (item->kind == REMOTE_HISTOGRAM) {
        item->h = histogram_copy(arena, item->h);
    } else if (item->kind == REMOTE_EXEMPLAR) {
        struct exemplar *copy = ARENA_NEW(arena, struct exemplar);

        *copy = *item->exemplar;
        copy->labels = labels_copy(arena, copy->labels);
        item->exemplar = copy;
    }
}

/* Whether an item is to be sent at all: its series' number in it then. */
static bool is_wanted(struct remote_queue *queue, struct remote_item *item, series_ref ref, ts now)
{
    const struct remote_feed *feed = &queue->feed;
    dur limit = queue->settings->queue->sample_age_limit;
    enum remote_series_state state;

    if (item->t <= feed->since_t && wal_place_cmp(feed->record, feed->since) < 0) {
        return false;
    }
    if (limit > 0 && item->t < now - limit) {
        drop(queue, item->kind, REMOTE_TOO_OLD);
        return false;
    }
    if (item->kind == REMOTE_HISTOGRAM && !queue->settings->is_v2 && histogram_is_custom(item->h)) {
        drop(queue, item->kind, REMOTE_CUSTOM_BUCKETS);
        return false;
    }
    state = remote_series_find(queue->series, ref, &item->series);
    if (state != REMOTE_SERIES_SENT) {
        drop(queue, item->kind,
             state == REMOTE_SERIES_DROPPED ? REMOTE_DROPPED_SERIES : REMOTE_UNKNOWN_SERIES);
        return false;
    }
    return true;
}

static void highest_note(_Atomic int64_t *highest, ts t)
{
    if (t > atomic_load_explicit(highest, memory_order_relaxed)) {
        atomic_store_explicit(highest, t, memory_order_relaxed);
    }
}

/* Hands the items of the record to their shards; false when one is full. */
static bool hand_on(struct remote_queue *queue)
{
    struct remote_feed *feed = &queue->feed;
    ts now = clock_now(queue->clock);

    for (; feed->next < feed->count; feed->next++) {
        struct remote_place place = {feed->record, feed->next};
        series_ref ref = 0;
        struct remote_item item = item_at(feed, feed->next, &ref);
        struct remote_shard *shard = &queue->shards[ref % queue->shard_count];
        struct remote_batch *batch;

        if ((feed->is_resuming && remote_place_cmp(place, shard->skip_to) < 0) ||
            !is_wanted(queue, &item, ref, now)) {
            continue;
        }
        batch = remote_shard_room(shard, place, item.kind);
        if (batch == NULL) {
            return false;
        }
        item_keep(&item, &batch->arena);
        vec_push(&batch->items, item);
        remote_shard_added(shard, batch, place);
        highest_note(&queue->stats->highest_t, item.t);
    }
    feed->has_record = false;
    return true;
}

/* ---- the place ---- */

static struct remote_place place_now(const struct remote_feed *feed)
{
    return feed->has_record ? (struct remote_place){feed->record, feed->next}
                            : (struct remote_place){feed->tail.place, 0};
}

/* Behind everything that was under way at the end of the run before, what is noted is of this run.
 */
static void resume_end(struct remote_queue *queue)
{
    const struct remote_pending none = {0};

    queue->feed.is_resuming = false;
    for (uint32_t i = 0; i < queue->shard_count; i++) {
        queue->shards[i].has_cut = false;
        if (queue->shards[i].used == 0) {
            remote_position_set_pending(queue->position, i, &none);
        }
    }
}

static void note_place(struct remote_queue *queue)
{
    struct remote_feed *feed = &queue->feed;
    struct remote_place place = place_now(feed);

    if (feed->is_resuming && remote_place_cmp(place, feed->caught) >= 0) {
        resume_end(queue);
    }
    if (!feed->is_resuming) {
        remote_position_set_read(queue->position, place, queue->shard_count);
        queue->position_changed = true;
    }
}

/* ---- start, and newer checkpoints ---- */

/* Reads the series and metadata of a checkpoint; their records count as of segment `index`. */
static int checkpoint_read(struct remote_queue *queue, uint64_t index, struct baro_error *err)
{
    struct arena arena = {0};
    struct wal_tail tail = {0};
    struct wal_place place = {0};
    str record = STR_NULL;
    const char *dir =
        arena_printf(&arena, "%s/checkpoint.%08" PRIu64, queue->options.wal_dir, index).ptr;
    int r;

    wal_tail_open(&tail, queue->options.fs, dir, (struct wal_place){0, 0});
    while ((r = wal_tail_next(&tail, clock_mono(queue->clock), &record, &place, err)) > 0) {
        if (remote_queue_is_stopping(queue)) {
            r = error_set(err, BARO_ECANCELED, "canceled");
            break;
        }
        if (wal_record_type(record) == WAL_RECORD_SERIES) {
            (void)take_series(queue, record, index, NULL);
        } else if (wal_record_type(record) == WAL_RECORD_METADATA && queue->settings->is_v2) {
            (void)take_metadata(queue, record, NULL);
        }
    }
    wal_tail_done(&tail);
    arena_done(&arena);
    return r;
}

static int wal_look(struct remote_queue *queue, struct arena *arena, struct wal_listing *ret,
                    struct baro_error *err)
{
    return wal_list(queue->options.fs, arena, queue->options.wal_dir, ret, err);
}

/* Learns the series of the newest checkpoint, which must still be the newest afterwards. */
static int checkpoint_learn(struct remote_queue *queue, uint64_t *ret_first, struct baro_error *err)
{
    struct remote_feed *feed = &queue->feed;
    struct arena arena = {0};
    struct wal_listing before = {0}, after = {0};
    int r = wal_look(queue, &arena, &before, err);

    if (r >= 0 && before.has_checkpoint) {
        r = checkpoint_read(queue, before.checkpoint_index, err);
        r = r < 0 ? r : wal_look(queue, &arena, &after, err);
        if (r >= 0 && after.checkpoint_index != before.checkpoint_index) {
            r = error_set(err, BARO_EBUSY, "the write-ahead log has got another checkpoint");
        }
    }
    if (r >= 0) {
        feed->has_checkpoint = before.has_checkpoint;
        feed->checkpoint = before.checkpoint_index;
        *ret_first = before.has_checkpoint      ? before.checkpoint_index + 1
                     : before.segment_count > 0 ? before.segments[0].index
                                                : 0;
    }
    arena_done(&arena);
    return r;
}

static void note_missing(const struct remote_queue *queue, uint64_t segments)
{
    log_warn("what a remote was still to be sent is not in the write-ahead log any more",
             log_c("remote", queue->options.name), log_int("segments", (int64_t)segments));
}

/* Learns the series that records name which are yet to be read: of the checkpoint here, of the
 * segments behind it as they are read. */
static int load(struct remote_queue *queue, struct baro_error *err)
{
    struct remote_feed *feed = &queue->feed;
    uint64_t first = 0;
    int r = checkpoint_learn(queue, &first, err);

    if (r < 0) {
        return r;
    }
    wal_tail_open(&feed->tail, queue->options.fs, queue->options.wal_dir,
                  (struct wal_place){first, 0});
    if (first > feed->resume.record.segment) {
        feed->missing = first - feed->resume.record.segment;
        note_missing(queue, feed->missing);
    }
    feed->is_loaded = true;
    feed->looked = clock_mono(queue->clock);
    return 0;
}

/* Segments were removed before they were read: the checkpoint has their series. */
static int jump(struct remote_queue *queue, uint64_t segments, struct baro_error *err)
{
    struct wal_place place = queue->feed.tail.place;
    uint64_t first = 0;

    if (wal_place_cmp(place, queue->feed.resume.record) >= 0) {
        queue->feed.missing += segments;
        note_missing(queue, segments);
    }
    return checkpoint_learn(queue, &first, err);
}

/* The oldest segment that anything may still be needed of. */
static uint64_t oldest_segment(const struct remote_queue *queue)
{
    uint64_t oldest = place_now(&queue->feed).record.segment;

    for (uint32_t i = 0; i < queue->shard_count; i++) {
        const struct remote_shard *shard = &queue->shards[i];

        if (shard->used > 0 && shard->batches[shard->first].begin.record.segment < oldest) {
            oldest = shard->batches[shard->first].begin.record.segment;
        }
    }
    return oldest;
}

/* A newer checkpoint tells which series are gone. Items that are still held name no series that it
 * has forgotten when they all come from behind it. */
static void look_for_checkpoint(struct remote_queue *queue)
{
    struct remote_feed *feed = &queue->feed;
    struct arena arena = {0};
    struct wal_listing listing = {0};
    mono now = clock_mono(queue->clock);

    if (now - feed->looked < LOOK_EVERY_MS * MONO_PER_MS) {
        return;
    }
    feed->looked = now;
    if (wal_look(queue, &arena, &listing, NULL) >= 0 && listing.has_checkpoint &&
        (!feed->has_checkpoint || listing.checkpoint_index > feed->checkpoint) &&
        oldest_segment(queue) > listing.checkpoint_index &&
        checkpoint_read(queue, listing.checkpoint_index, NULL) >= 0) {
        feed->has_checkpoint = true;
        feed->checkpoint = listing.checkpoint_index;
        remote_series_sweep(queue->series, listing.checkpoint_index);
        atomic_store_explicit(&queue->stats->series, remote_series_count(queue->series),
                              memory_order_relaxed);
    }
    arena_done(&arena);
}

/* Nothing is known of this remote, or nothing that fits the WAL: from now on. */
static void begin_anew(struct remote_queue *queue, const struct wal_listing *listing)
{
    const struct remote_pending none = {0};
    struct remote_feed *feed = &queue->feed;
    uint32_t shards = (uint32_t)queue->settings->queue->shards_min;

    feed->since_t = clock_now(queue->clock);
    if (listing->segment_count > 0) {
        const struct wal_file *newest = &listing->segments[listing->segment_count - 1];

        feed->since = (struct wal_place){newest->index, newest->bytes};
        feed->resume.record.segment = newest->index;
    }
    /* Nothing is noted before reading has come to where it begins. */
    feed->caught.record = feed->since;
    feed->is_resuming = true;
    remote_shards_start(queue, shards < REMOTE_SHARDS_MAX ? shards : REMOTE_SHARDS_MAX);
    for (uint32_t i = 0; i < REMOTE_SHARDS_MAX; i++) {
        remote_position_set_pending(queue->position, i, &none);
    }
    remote_position_set_read(queue->position, (struct remote_place){feed->since, 0},
                             queue->shard_count);
}

/* Where the run before has ended: each shard where it had come to. */
static void begin_again(struct remote_queue *queue)
{
    struct remote_feed *feed = &queue->feed;
    struct remote_place read = remote_position_read(queue->position);

    feed->resume = read;
    feed->caught = read;
    feed->is_resuming = true;
    feed->since_t = INT64_MIN;
    remote_shards_start(queue, remote_position_shards(queue->position));
    for (uint32_t i = 0; i < queue->shard_count; i++) {
        struct remote_shard *shard = &queue->shards[i];
        struct remote_pending pending = remote_position_pending(queue->position, i);

        shard->skip_to = pending.is_pending ? pending.begin : read;
        shard->cut_at = pending.end;
        shard->has_cut = pending.is_pending && remote_place_cmp(pending.end, pending.begin) > 0;
        if (remote_place_cmp(shard->skip_to, feed->resume) < 0) {
            feed->resume = shard->skip_to;
        }
    }
}

int remote_feed_begin(struct remote_queue *queue, struct baro_error *err)
{
    struct arena arena = {0};
    struct wal_listing listing = {0};
    int r = wal_look(queue, &arena, &listing, err);

    if (r >= 0) {
        uint64_t newest =
            listing.segment_count > 0 ? listing.segments[listing.segment_count - 1].index : 0;

        if (remote_position_is_new(queue->position) ||
            remote_position_shards(queue->position) == 0 ||
            remote_position_read(queue->position).record.segment > newest) {
            begin_anew(queue, &listing);
        } else {
            begin_again(queue);
        }
    }
    arena_done(&arena);
    return r;
}

void remote_feed_done(struct remote_feed *feed)
{
    wal_tail_done(&feed->tail);
    wal_samples_done(&feed->samples);
    wal_labels_done(&feed->labels);
    arena_done(&feed->arena);
}

/* ---- a turn ---- */

static void stats_note(struct remote_queue *queue)
{
    const struct wal_tail *tail = &queue->feed.tail;

    atomic_store_explicit(&queue->stats->segment, tail->place.segment, memory_order_relaxed);
    atomic_store_explicit(&queue->stats->read_faults, tail->faults, memory_order_relaxed);
    atomic_store_explicit(&queue->stats->segments_missing, queue->feed.missing,
                          memory_order_relaxed);
}

/* Reads until a record has items: 1; 0 when there is nothing now. */
static int next_items(struct remote_queue *queue, uint32_t *left, struct baro_error *err)
{
    struct remote_feed *feed = &queue->feed;
    int r = 1;

    while (r > 0 && !feed->has_record && *left > 0) {
        uint64_t segment = feed->tail.place.segment;
        uint64_t missing = feed->tail.segments_missing;
        struct wal_place place = {0};
        str record = STR_NULL;

        (*left)--;
        r = wal_tail_next(&feed->tail, clock_mono(queue->clock), &record, &place, err);
        if (feed->tail.place.segment != segment) {
            /* So that what an earlier run wrote, or another program, is never in one request with
             * what this run has. */
            remote_shards_cut(queue);
        }
        if (feed->tail.segments_missing != missing) {
            struct baro_error fault = {0};

            if (jump(queue, feed->tail.segments_missing - missing, &fault) < 0) {
                log_warn("series of removed segments are not known to a remote",
                         log_c("remote", queue->options.name), log_err(&fault));
            }
        }
        if (r > 0 && take_record(queue, record, place, err) < 0) {
            log_warn("a record of the write-ahead log cannot be read, and is not sent",
                     log_c("remote", queue->options.name), log_err(err));
            feed->tail.faults++;
        }
    }
    return r;
}

bool remote_feed_turn(struct remote_queue *queue)
{
    struct remote_feed *feed = &queue->feed;
    struct baro_error err = {0};
    uint32_t left = TURN_RECORDS;
    int r = feed->is_loaded ? 0 : load(queue, &err);

    look_for_checkpoint(queue);
    while (r >= 0 && left > 0) {
        r = next_items(queue, &left, &err);
        if (feed->has_record && !hand_on(queue)) {
            atomic_fetch_add_explicit(&queue->stats->enqueue_retries, 1, memory_order_relaxed);
            queue->is_blocked = true;
            break;
        }
        if (r == 0) {
            queue->is_flushed = true;
            break;
        }
    }
    if (r < 0 && remote_queue_is_stopping(queue)) {
        /* Nothing was taken that is not known: the next start goes on here. */
        queue->gave_up = true;
    } else if (r < 0) {
        log_warn("the write-ahead log cannot be read for a remote; it is tried again",
                 log_c("remote", queue->options.name), log_err(&err));
    }
    if (feed->is_loaded) {
        note_place(queue);
    }
    stats_note(queue);
    return r > 0 && !queue->is_blocked;
}
