#include "tsdb/head_replay_spread.h"

#include <unistd.h>

#include "base/mem.h"
#include "tsdb/head_priv.h"

enum {
    BATCH_SAMPLES = 4096,
    BATCHES = 4,
    THREADS_MAX = 4, /* a power of two; what reads records does not feed more */
    AHEAD = 16,      /* series fetched into the caches before they are needed */
};

struct batch {
    size_t count;
    uint32_t slots[BATCH_SAMPLES];
    ts t[BATCH_SAMPLES];
    double v[BATCH_SAMPLES];
    ts st[BATCH_SAMPLES];
};

struct hand {
    struct replay_spread *spread;
    pthread_t thread;
    uint32_t part;
    uint64_t done; /* lock: spread; batches that it has gone through */
};

struct replay_spread {
    struct head *head;
    uint32_t parts; /* what stripes are shared out to: a power of two */
    uint32_t hand_count;
    struct lock lock;
    pthread_cond_t given;
    pthread_cond_t taken;
    uint64_t batches_given; /* lock: this, as all below */
    uint64_t refused;
    bool stopping;
    struct hand hands[THREADS_MAX];
    struct batch batches[BATCHES]; /* a given one is not written until all hands are through */
};

static inline bool is_mine(uint32_t slot, uint32_t part, uint32_t parts)
{
    return (slot >> HEAD_STRIPE_BITS & (parts - 1)) == part;
}

/* First the series, and when that is there the chunk where it goes on. Both are this part's own. */
static inline void fetch_ahead(const struct head *head, const struct batch *batch, size_t i,
                               uint32_t part, uint32_t parts)
{
    if (i + AHEAD < batch->count && is_mine(batch->slots[i + AHEAD], part, parts)) {
        const char *series = (const char *)head_series_at(head, batch->slots[i + AHEAD]);

        __builtin_prefetch(series, 1);
        __builtin_prefetch(series + 64, 1);
    }
    if (i + AHEAD / 2 < batch->count && is_mine(batch->slots[i + AHEAD / 2], part, parts)) {
        const struct head_series *series = head_series_at(head, batch->slots[i + AHEAD / 2]);

        __builtin_prefetch(head_pool_at(&head->pool, series->open), 1);
    }
}

/* Appends the samples of one part of the stripes; returns how many were refused. */
static uint64_t append_part(struct head *head, const struct batch *batch, uint32_t part,
                            uint32_t parts)
{
    ts min_valid = atomic_load_explicit(&head->min_valid, memory_order_relaxed);
    ts mint = INT64_MAX, maxt = INT64_MIN;
    struct lock *held = NULL;
    uint64_t refused = 0;

    for (size_t i = 0; i < batch->count; i++) {
        uint32_t slot = batch->slots[i];
        ts t = batch->t[i];

        if (!is_mine(slot, part, parts)) {
            continue;
        }
        fetch_ahead(head, batch, i, part, parts);
        head_stripe_hold(head, slot, &held);
        if (head_is_filed_locked(head, head_series_at(head, slot), t)) {
            continue;
        }
        if (t < min_valid || !head_series_append_locked(head, slot, t, batch->v[i])) {
            refused++;
            continue;
        }
        head_series_note_start_locked(head, slot, batch->st[i]);
        mint = t < mint ? t : mint;
        maxt = t > maxt ? t : maxt;
    }
    head_stripe_drop(held);
    if (mint <= maxt) {
        head_note_time(head, mint, maxt);
    }
    return refused;
}

static void *append_loop(void *argument)
{
    struct hand *hand = argument;
    struct replay_spread *spread = hand->spread;

    lock_acquire(&spread->lock);
    while (!spread->stopping || hand->done < spread->batches_given) {
        const struct batch *batch = &spread->batches[hand->done % BATCHES];
        uint64_t refused;

        if (hand->done == spread->batches_given) {
            (void)lock_wait(&spread->lock, &spread->given, 0);
            continue;
        }
        lock_release(&spread->lock);
        refused = append_part(spread->head, batch, hand->part, spread->parts);
        lock_acquire(&spread->lock);
        spread->refused += refused;
        hand->done++;
        (void)pthread_cond_signal(&spread->taken);
    }
    lock_release(&spread->lock);
    return NULL;
}

/* A part whose thread does not start is the owner's. */
static void start(struct replay_spread *spread)
{
    while (spread->hand_count < spread->parts) {
        struct hand *hand = &spread->hands[spread->hand_count];

        *hand = (struct hand){
            .spread = spread, .part = spread->hand_count, .done = spread->batches_given};
        if (pthread_create(&hand->thread, NULL, append_loop, hand) != 0) {
            break;
        }
        (void)pthread_setname_np(hand->thread, "replay");
        spread->hand_count++;
    }
}

static uint64_t least_done_locked(const struct replay_spread *spread)
{
    uint64_t least = spread->batches_given;

    for (uint32_t i = 0; i < spread->hand_count; i++) {
        least = spread->hands[i].done < least ? spread->hands[i].done : least;
    }
    return least;
}

static void wait_locked(struct replay_spread *spread, uint64_t done)
{
    while (least_done_locked(spread) < done) {
        (void)lock_wait(&spread->lock, &spread->taken, 0);
    }
}

/* Gives the batch that is being filled to the hands, does what has none, and takes the next one. */
static void give(struct replay_spread *spread)
{
    struct batch *batch = &spread->batches[spread->batches_given % BATCHES];
    uint64_t refused = 0;

    lock_acquire(&spread->lock);
    spread->batches_given++;
    (void)pthread_cond_broadcast(&spread->given);
    lock_release(&spread->lock);
    for (uint32_t part = spread->hand_count; part < spread->parts; part++) {
        refused += append_part(spread->head, batch, part, spread->parts);
    }
    lock_acquire(&spread->lock);
    spread->refused += refused;
    if (spread->batches_given >= BATCHES) {
        wait_locked(spread, spread->batches_given - BATCHES + 1);
    }
    lock_release(&spread->lock);
    spread->batches[spread->batches_given % BATCHES].count = 0;
}

struct replay_spread *replay_spread_new(struct head *head, uint32_t threads_max)
{
    struct replay_spread *spread = mem_alloc(sizeof(*spread));
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t most = threads_max > 0 ? threads_max : processors > 0 ? (uint32_t)processors : 1;

    spread->head = head;
    spread->parts = 1;
    while (spread->parts * 2 <= most && spread->parts < THREADS_MAX) {
        spread->parts *= 2;
    }
    spread->hand_count = 0;
    spread->batches_given = 0;
    spread->refused = 0;
    spread->stopping = false;
    spread->batches[0].count = 0;
    lock_init(&spread->lock, LOCK_LEAF);
    lock_condition_init(&spread->given);
    lock_condition_init(&spread->taken);
    return spread;
}

struct replay_spread *replay_spread_free(struct replay_spread *spread)
{
    if (spread == NULL) {
        return NULL;
    }
    lock_acquire(&spread->lock);
    spread->stopping = true;
    (void)pthread_cond_broadcast(&spread->given);
    lock_release(&spread->lock);
    for (uint32_t i = 0; i < spread->hand_count; i++) {
        (void)pthread_join(spread->hands[i].thread, NULL);
    }
    (void)pthread_cond_destroy(&spread->given);
    (void)pthread_cond_destroy(&spread->taken);
    lock_done(&spread->lock);
    return mem_free(spread);
}

void replay_spread_put(struct replay_spread *spread, uint32_t slot, ts t, double v, ts st)
{
    struct batch *batch = &spread->batches[spread->batches_given % BATCHES];
    size_t i = batch->count++;

    batch->slots[i] = slot;
    batch->t[i] = t;
    batch->v[i] = v;
    batch->st[i] = st;
    if (batch->count == BATCH_SAMPLES) {
        if (spread->parts > 1 && spread->hand_count == 0) {
            start(spread);
        }
        give(spread);
    }
}

uint64_t replay_spread_drain(struct replay_spread *spread)
{
    uint64_t refused;

    if (spread->batches[spread->batches_given % BATCHES].count > 0) {
        give(spread);
    }
    lock_acquire(&spread->lock);
    wait_locked(spread, spread->batches_given);
    refused = spread->refused;
    spread->refused = 0;
    lock_release(&spread->lock);
    return refused;
}
