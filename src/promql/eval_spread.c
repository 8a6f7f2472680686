#include "promql/eval_spread.h"

#include "base/crew.h"
#include "base/lock.h"
#include "sys/clock.h"

/* Waking a thread takes some 50 microseconds, and as much again until its caches are warm; another
 * one's core is seldom free for less than this. */
enum { PAYS_NS = 2000000 };

/* The first rows wait for memory that later ones find in the caches: nothing is judged by less than
 * this part of what would pay. */
enum { WATCHED_SHARE = 10 };

enum {
    BATCH_NS = 60000, /* of work that is claimed at once */
    BATCH_ROWS_MAX = 512,
    BATCH_POINTS_MAX = 16384, /* of all rows: 128 KiB */
    WINDOW = 6, /* batches between the oldest that was not taken and the newest claimed */
};

enum batch_state { BATCH_FREE, BATCH_CLAIMED, BATCH_DONE };

struct batch {
    enum batch_state state; /* lock: team */
    int result;
    struct baro_error err;
    double *points;
    struct spread_row *rows;
};

/* The threads that compute one selector's rows. */
struct team {
    struct crew_call call;
    struct eval *ev;
    const struct spread *spread;
    struct range_call range; /* as it was before anybody began: the caller goes on with his own */
    size_t batch_rows;
    size_t batch_count;
    struct lock lock;
    pthread_cond_t changed;
    size_t next;           /* lock: this; batch to be claimed */
    size_t taken;          /* lock: this; batches that were taken */
    bool stopping;         /* lock: this */
    uint64_t samples_read; /* lock: this */
    struct batch batches[WINDOW];
};

struct spread_watch spread_watch_begin(const struct eval *ev, size_t count)
{
    bool is_possible = ev->options->crew != NULL && crew_size(ev->options->crew) > 0 &&
                       ev->samples_per_step == NULL && count > 1;

    mono now = is_possible ? clock_mono(clock_real()) : 0;

    return (struct spread_watch){
        .begin = now, .last = now, .row_ns = INT64_MAX, .look_at = is_possible ? 1 : 0};
}

/* Looked at behind 1, 2, 4, 8 ... rows: who was interrupted while one of them was computed was not
 * so at all of them. */
bool eval_spread_pays(const struct eval *ev, struct spread_watch *watch, struct spread *spread,
                      size_t done)
{
    mono enough = ev->options->crew_ns > 0 ? ev->options->crew_ns : PAYS_NS;
    mono now;
    mono row_ns;

    if (done != watch->look_at || done == 0) {
        return false;
    }
    now = clock_mono(clock_real());
    row_ns = (now - watch->last) / (mono)(done > 1 ? done / 2 : 1) + 1;
    watch->row_ns = row_ns < watch->row_ns ? row_ns : watch->row_ns;
    watch->last = now;
    watch->look_at = done * 2;
    spread->first = done;
    spread->row_ns = watch->row_ns;
    return done > 1 && now - watch->begin >= enough / WATCHED_SHARE &&
           (mono)(spread->count - done) >= enough / watch->row_ns + 1;
}

static void worker_init(struct spread_worker *worker, const struct team *team)
{
    memset(worker, 0, sizeof(*worker));
    arena_init(&worker->arena, team->ev->options->memory_bytes_max);
    worker->ev = (struct eval){.options = team->ev->options,
                               .query = team->ev->query,
                               .querier = team->ev->querier,
                               .keep = &worker->arena,
                               .scratch = &worker->arena,
                               .cancel = team->ev->cancel,
                               .lookback = team->ev->lookback,
                               .delayed_name_removal = team->ev->delayed_name_removal};
    if (team->spread->call != NULL) {
        worker->call = team->range;
        worker->call.ev = &worker->ev;
    }
}

static void worker_done(struct spread_worker *worker, struct team *team)
{
    lock_acquire(&team->lock);
    team->samples_read += worker->ev.stats.samples_read;
    lock_release(&team->lock);
    sample_buf_done(&worker->ev.samples);
    arena_done(&worker->arena);
    (void)mem_free(worker->call.room);
}

static void compute_batch(struct team *team, struct spread_worker *worker, size_t number)
{
    const struct spread *spread = team->spread;
    struct batch *batch = &team->batches[number % WINDOW];
    size_t first = spread->first + number * team->batch_rows;
    size_t count =
        spread->count - first < team->batch_rows ? spread->count - first : team->batch_rows;

    batch->result = 0;
    for (size_t i = 0; i < count && batch->result >= 0; i++) {
        batch->rows[i] = (struct spread_row){0};
        batch->result =
            spread->compute(spread->context, worker, first + i, batch->points + i * spread->steps,
                            &batch->rows[i], &batch->err);
    }
}

static bool can_claim_locked(const struct team *team)
{
    return team->next < team->batch_count && team->next < team->taken + WINDOW;
}

/* Claims a batch, computes it without the lock, and marks it done. */
static void claim_locked(struct team *team, struct spread_worker *worker)
{
    size_t number = team->next++;

    team->batches[number % WINDOW].state = BATCH_CLAIMED;
    lock_release(&team->lock);
    compute_batch(team, worker, number);
    lock_acquire(&team->lock);
    team->batches[number % WINDOW].state = BATCH_DONE;
    (void)pthread_cond_broadcast(&team->changed);
}

static void help(struct crew_call *call)
{
    struct team *team = CONTAINER_OF(call, struct team, call);
    struct spread_worker worker;

    worker_init(&worker, team);
    lock_acquire(&team->lock);
    while (!team->stopping && team->next < team->batch_count) {
        if (can_claim_locked(team)) {
            claim_locked(team, &worker);
        } else {
            (void)lock_wait(&team->lock, &team->changed, 0);
        }
    }
    lock_release(&team->lock);
    worker_done(&worker, team);
}

/* Waits until a batch is done, and works meanwhile. */
static struct batch *wait_for(struct team *team, struct spread_worker *worker, size_t number)
{
    struct batch *batch = &team->batches[number % WINDOW];

    lock_acquire(&team->lock);
    while (team->next <= number || batch->state != BATCH_DONE) {
        if (can_claim_locked(team)) {
            claim_locked(team, worker);
        } else {
            (void)lock_wait(&team->lock, &team->changed, 0);
        }
    }
    lock_release(&team->lock);
    return batch;
}

static int take_batch(struct team *team, const struct batch *batch, size_t number,
                      struct baro_error *err)
{
    const struct spread *spread = team->spread;
    size_t first = spread->first + number * team->batch_rows;
    int r = batch->result;

    if (r < 0) {
        if (err != NULL) {
            *err = batch->err;
        }
        return r;
    }
    for (size_t i = 0; i < team->batch_rows && first + i < spread->count && r >= 0; i++) {
        if (batch->rows[i].kind != SPREAD_EMPTY) {
            r = spread->take(spread->context, first + i, batch->points + i * spread->steps,
                             &batch->rows[i], err);
        }
    }
    return r;
}

static int take_all(struct team *team, struct baro_error *err)
{
    struct spread_worker worker;
    int r = 0;

    worker_init(&worker, team);
    for (size_t number = 0; number < team->batch_count && r >= 0; number++) {
        struct batch *batch = wait_for(team, &worker, number);

        r = take_batch(team, batch, number, err);
        lock_acquire(&team->lock);
        batch->state = BATCH_FREE;
        team->taken++;
        team->stopping = r < 0;
        (void)pthread_cond_broadcast(&team->changed);
        lock_release(&team->lock);
    }
    worker_done(&worker, team);
    return r;
}

static int make_batches(struct team *team, struct baro_error *err)
{
    const struct spread *spread = team->spread;
    size_t rows = (size_t)(BATCH_NS / spread->row_ns);
    size_t most = BATCH_POINTS_MAX / (spread->steps + 1);

    rows = rows > BATCH_ROWS_MAX ? BATCH_ROWS_MAX : rows;
    rows = rows > most ? most : rows;
    team->batch_rows = rows > 0 ? rows : 1;
    team->batch_count = (spread->count - spread->first + team->batch_rows - 1) / team->batch_rows;
    for (size_t i = 0; i < WINDOW && i < team->batch_count; i++) {
        struct batch *batch = &team->batches[i];

        batch->points = eval_alloc(team->ev, team->batch_rows * spread->steps, sizeof(double), err);
        batch->rows = eval_alloc(team->ev, team->batch_rows, sizeof(*batch->rows), err);
        if (batch->points == NULL || batch->rows == NULL) {
            return BARO_ELIMIT;
        }
    }
    return 0;
}

int eval_spread(struct eval *ev, const struct spread *spread, struct baro_error *err)
{
    struct team team = {.call.help = help, .ev = ev, .spread = spread};
    struct crew *crew = ev->options->crew;
    int r = make_batches(&team, err);

    if (r < 0) {
        return r;
    }
    if (spread->call != NULL) {
        team.range = *spread->call;
        team.range.room = NULL;
        team.range.room_bytes = 0;
    }
    lock_init(&team.lock, LOCK_LEAF);
    lock_condition_init(&team.changed);
    crew_begin(crew, &team.call);
    r = take_all(&team, err);
    lock_acquire(&team.lock);
    team.stopping = true;
    (void)pthread_cond_broadcast(&team.changed);
    lock_release(&team.lock);
    crew_end(crew, &team.call);
    ev->stats.samples_read += team.samples_read;
    (void)pthread_cond_destroy(&team.changed);
    lock_done(&team.lock);
    return r;
}
