#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "client/self.h"
#include "client/self_histogram.h"
#include "tsdb/head_append_priv.h"

enum {
    BLOCK = 64,           /* samples whose series are looked up before the first is used */
    COLUMNS_FIRST = 1024, /* an appender that had more than COLUMNS_KEPT gives memory back */
    COLUMNS_KEPT = 1 << 20,
    PREFETCH_AHEAD = 8,
    LIMIT_CHECK_EVERY = 256, /* new series between two looks at the memory */
};

static ts wall_clock(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (ts)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static ts oldest_accepted(const struct head *head, ts first)
{
    ts valid = atomic_load_explicit(&head->min_valid, memory_order_relaxed);
    ts maxt = atomic_load_explicit(&head->maxt, memory_order_relaxed);
    ts floor;

    if (head->options.too_old < 0) {
        return valid;
    }
    /* An empty head takes the first sample that comes as its newest. */
    maxt = maxt == INT64_MIN ? first : maxt;
    return __builtin_sub_overflow(maxt, head->options.too_old, &floor) || floor < valid ? valid
                                                                                        : floor;
}

/* From here to the end of the transaction no series that it finds is freed. */
static void enter(struct head_appender *appender)
{
    if (appender->epoch == NULL) {
        appender->epoch = head_epoch_enter(&appender->head->epochs, HEAD_APPENDER);
        appender->page = NULL;
    }
}

static void start(struct head_appender *appender, ts first)
{
    const struct head *head = appender->head;

    enter(appender);
    appender->is_started = true;
    self_add(SELF_HEAD_APPENDERS_CREATED, 1);
    self_add(SELF_HEAD_APPENDERS_ACTIVE, 1);
    appender->min_valid = oldest_accepted(head, first);
    appender->max_valid =
        head->options.too_far > 0 ? wall_clock() + head->options.too_far : INT64_MAX;
    head_append_late_begin(appender);
}

static int appender_series(struct appender *base, struct labels labels, series_ref *ret,
                           struct baro_error *err)
{
    struct head_appender *appender = head_appender_of(base);
    /* Its own visit, since a transaction begins with the first sample only. */
    struct head_epoch *epoch = head_epoch_enter(&appender->head->epochs, HEAD_APPENDER);
    uint32_t slot = 0;
    int r = head_series_get(appender->head, labels, 0, &slot, err);

    if (r >= 0) {
        *ret = head_series_at(appender->head, slot)->ref;
    }
    if (r == 1) {
        self_add(SELF_HEAD_SERIES_CREATED, 1);
        appender->created++;
    }
    head_epoch_leave(&appender->head->epochs, epoch, HEAD_APPENDER);
    if (appender->created == LIMIT_CHECK_EVERY) {
        appender->created = 0;
        head_limit_check(appender->head);
    }
    return r < 0 ? r : 0;
}

static bool column_h_grow(struct head_appender *appender, size_t capacity)
{
    void *h = mem_try_realloc(appender->h, capacity * sizeof(*appender->h));

    appender->h = h != NULL ? h : appender->h;
    return h != NULL;
}

static bool column_st_grow(struct head_appender *appender, size_t capacity)
{
    void *st = mem_try_realloc(appender->st, capacity * sizeof(*appender->st));

    appender->st = st != NULL ? st : appender->st;
    return st != NULL;
}

static bool columns_reserve(struct head_appender *appender, size_t more)
{
    size_t capacity = appender->capacity == 0 ? COLUMNS_FIRST : appender->capacity;
    void *refs, *slots, *t, *v;

    if (appender->count + more <= appender->capacity) {
        return true;
    }
    while (capacity < appender->count + more) {
        capacity *= 2;
    }
    refs = mem_try_realloc(appender->refs, capacity * sizeof(series_ref));
    appender->refs = refs != NULL ? refs : appender->refs;
    slots = mem_try_realloc(appender->slots, capacity * sizeof(uint32_t));
    appender->slots = slots != NULL ? slots : appender->slots;
    t = mem_try_realloc(appender->t, capacity * sizeof(ts));
    appender->t = t != NULL ? t : appender->t;
    v = mem_try_realloc(appender->v, capacity * sizeof(double));
    appender->v = v != NULL ? v : appender->v;
    if (refs == NULL || slots == NULL || t == NULL || v == NULL ||
        (appender->h != NULL && !column_h_grow(appender, capacity)) ||
        (appender->head->options.store_starts && !column_st_grow(appender, capacity))) {
        return false;
    }
    appender->capacity = capacity;
    return true;
}

/* The column of histograms is made when the first one comes. */
bool head_append_make_h(struct head_appender *appender)
{
    if (appender->h != NULL) {
        return true;
    }
    if (!column_h_grow(appender, appender->capacity)) {
        return false;
    }
    memset(appender->h, 0, appender->count * sizeof(*appender->h));
    return true;
}

bool head_append_reserve(struct head_appender *appender, size_t more, ts first)
{
    if (!columns_reserve(appender, more)) {
        return false;
    }
    if (!appender->is_started) {
        start(appender, first);
    }
    return true;
}

/* What becomes of a sample that is older than it should be. */
static enum append_status late_status(const struct head_appender *appender, ts t,
                                      enum append_status refusal, struct append_last *ret_last)
{
    ts newest = atomic_load_explicit(&appender->head->maxt, memory_order_relaxed);

    if (newest > t) {
        self_histogram_add(SELF_HISTOGRAM_OOO_DELTA, ((double)newest - (double)t) / DUR_SECOND);
    }
    if (appender->wbl == NULL) {
        return refusal;
    }
    ret_last->is_late = t >= appender->late_from;
    return ret_last->is_late ? APPEND_OUT_OF_ORDER : APPEND_TOO_OLD;
}

enum append_status head_append_admit_locked(const struct head_appender *appender,
                                            const struct head_series *series, uint32_t slot, ts t,
                                            struct append_last *ret_last)
{
    uint32_t pending = series->pending;

    *ret_last = (struct append_last){series->chunk.count > 0, series->chunk.t,
                                     value_from_bits(series->chunk.v_bits), SIZE_MAX, false};
    if (UNLIKELY((series->flags & SERIES_DEAD) != 0)) {
        return APPEND_UNKNOWN;
    }
    if (t < appender->min_valid) {
        return late_status(appender, t, APPEND_OUT_OF_BOUNDS, ret_last);
    }
    if (t > appender->max_valid) {
        return APPEND_TOO_FAR;
    }
    if (pending < appender->count && appender->slots[pending] == slot) {
        *ret_last =
            (struct append_last){true, appender->t[pending], appender->v[pending], pending, false};
    }
    if (!ret_last->has_one || t > ret_last->t) {
        return APPEND_OK;
    }
    return t < ret_last->t ? late_status(appender, t, APPEND_OUT_OF_ORDER, ret_last)
                           : APPEND_DUPLICATE;
}

void head_append_push_locked(struct head_appender *appender, struct head_series *series,
                             uint32_t slot, ts t, double v, const struct histogram *h)
{
    size_t n = appender->count;

    if (UNLIKELY((series->flags & SERIES_LOGGED) == 0)) {
        vec_push(&appender->unlogged, slot);
    }
    head_series_pin_locked(series);
    appender->refs[n] = series->ref;
    appender->slots[n] = slot;
    appender->t[n] = t;
    appender->v[n] = v;
    if (appender->h != NULL) {
        appender->h[n] = h;
    }
    if (appender->st != NULL) {
        appender->st[n] = 0;
    }
    appender->count = n + 1;
    series->pending = (uint32_t)n;
}

bool head_append_is_histogram_locked(const struct head_appender *appender,
                                     const struct head_series *series,
                                     const struct append_last *last, bool *ret_is_float)
{
    if (!last->has_one) {
        return false;
    }
    if (last->index == SIZE_MAX) {
        *ret_is_float = head_series_is_histogram(series) &&
                        head_open_at(appender->head, series)->chunk.is_float;
        return head_series_is_histogram(series);
    }
    if (appender->h == NULL || appender->h[last->index] == NULL) {
        return false;
    }
    *ret_is_float = !appender->h[last->index]->integer;
    return true;
}

/* Checks one sample against the series and against what this transaction has for it already, and
 * takes it. A repetition of the last sample is fine and stored once. */
static enum append_status take_locked(struct head_appender *appender, struct head_series *series,
                                      uint32_t slot, ts t, double v)
{
    struct append_last last = {0};
    enum append_status status = head_append_admit_locked(appender, series, slot, t, &last);
    bool is_float = false;

    if (UNLIKELY(status == APPEND_DUPLICATE)) {
        return value_bits(v) == value_bits(last.v) &&
                       (value_is_stale(v) ||
                        !head_append_is_histogram_locked(appender, series, &last, &is_float))
                   ? APPEND_OK
                   : APPEND_DUPLICATE;
    }
    if (UNLIKELY(status != APPEND_OK)) {
        /* A stale marker that comes late belongs to a target that came back. */
        return last.is_late && !value_is_stale(v)
                   ? head_append_late_locked(appender, series, slot, t, v, NULL)
                   : status;
    }
    if (UNLIKELY(value_is_stale(v)) &&
        head_append_is_histogram_locked(appender, series, &last, &is_float)) {
        return head_append_stale_locked(appender, series, slot, t, is_float);
    }
    head_append_push_locked(appender, series, slot, t, v, NULL);
    if (LIKELY(series->open != 0)) {
        /* The commit will write behind the last bit of the chunk. */
        __builtin_prefetch((const char *)head_pool_at(&appender->head->pool, series->open) +
                               chunk_xor_size(&series->chunk),
                           1);
    }
    return APPEND_OK;
}

static void prefetch_series(const struct head_series *series)
{
    __builtin_prefetch(series, 1);
    __builtin_prefetch((const char *)series + 64, 1);
}

static int take_block(struct head_appender *appender, const struct append_batch *batch,
                      size_t first, size_t count)
{
    struct head *head = appender->head;
    struct lock *held = NULL;
    uint32_t slots[BLOCK];
    int refused = 0;

    for (size_t i = 0; i < count; i++) {
        slots[i] = refs_find(&head->refs, &appender->page, batch->refs[first + i]);
        if (slots[i] != HEAD_SLOT_NONE) {
            prefetch_series(head_series_at(head, slots[i]));
        }
    }
    for (size_t i = 0; i < count; i++) {
        enum append_status status = APPEND_UNKNOWN;

        if (slots[i] != HEAD_SLOT_NONE) {
            size_t before = appender->count, late = appender->late.count;

            head_stripe_hold(head, slots[i], &held);
            status = take_locked(appender, head_series_at(head, slots[i]), slots[i],
                                 batch->t[first + i], batch->v[first + i]);
            head_append_start(appender, before, late, batch->st, first + i);
        }
        batch->status[first + i] = (uint8_t)status;
        refused += status != APPEND_OK;
    }
    head_stripe_drop(held);
    return refused;
}

void head_append_count(const uint8_t *status, size_t count, bool is_histogram)
{
    size_t counts[APPEND_STATUS_COUNT] = {0};

    for (size_t i = 0; i < count; i++) {
        counts[status[i]]++;
    }
    if (counts[APPEND_OUT_OF_ORDER] > 0) {
        self_add(is_histogram ? SELF_SAMPLES_OUT_OF_ORDER_HISTOGRAM
                              : SELF_SAMPLES_OUT_OF_ORDER_FLOAT,
                 (double)counts[APPEND_OUT_OF_ORDER]);
    }
    if (counts[APPEND_OUT_OF_BOUNDS] > 0) {
        self_add(is_histogram ? SELF_SAMPLES_OUT_OF_BOUNDS_HISTOGRAM
                              : SELF_SAMPLES_OUT_OF_BOUNDS_FLOAT,
                 (double)counts[APPEND_OUT_OF_BOUNDS]);
    }
    if (counts[APPEND_TOO_OLD] > 0) {
        self_add(is_histogram ? SELF_SAMPLES_TOO_OLD_HISTOGRAM : SELF_SAMPLES_TOO_OLD_FLOAT,
                 (double)counts[APPEND_TOO_OLD]);
    }
    if (counts[APPEND_UNKNOWN] > 0) {
        self_add(SELF_HEAD_SERIES_NOT_FOUND, (double)counts[APPEND_UNKNOWN]);
    }
}

static int appender_samples(struct appender *base, const struct append_batch *batch,
                            struct baro_error *err)
{
    struct head_appender *appender = head_appender_of(base);
    int refused = 0;

    if (batch->count == 0) {
        return 0;
    }
    if (!head_append_reserve(appender, batch->count, batch->t[0])) {
        return error_set(err, -ENOMEM, "no memory for a batch of %zu samples", batch->count);
    }
    for (size_t i = 0; i < batch->count; i += BLOCK) {
        size_t left = batch->count - i;

        refused += take_block(appender, batch, i, left < BLOCK ? left : BLOCK);
    }
    if (refused > 0) {
        head_append_count(batch->status, batch->count, false);
    }
    return refused;
}

/* Finds the series of a ref for metadata and exemplars, and sees to it that the WAL knows it. */
static struct head_series *series_for(struct head_appender *appender, series_ref ref,
                                      uint32_t *ret_slot, struct baro_error *err)
{
    struct head *head = appender->head;
    struct head_series *series = NULL;

    enter(appender);
    *ret_slot = refs_find(&head->refs, &appender->page, ref);
    if (*ret_slot != HEAD_SLOT_NONE) {
        series = head_series_at(head, *ret_slot);
        lock_acquire(head_stripe(head, *ret_slot));
        if ((series->flags & SERIES_DEAD) != 0) {
            lock_release(head_stripe(head, *ret_slot));
            series = NULL;
        }
    }
    if (series == NULL) {
        (void)error_set(err, BARO_ENOTFOUND, "unknown series");
        return NULL;
    }
    if ((series->flags & SERIES_LOGGED) == 0) {
        vec_push(&appender->unlogged, *ret_slot);
    }
    head_series_pin_locked(series);
    vec_push(&appender->pinned, *ret_slot);
    lock_release(head_stripe(head, *ret_slot));
    return series;
}

static int appender_exemplar(struct appender *base, series_ref ref, const struct exemplar *exemplar,
                             struct baro_error *err)
{
    struct head_appender *appender = head_appender_of(base);
    struct exemplar copy = *exemplar;
    uint32_t slot = 0;
    int r;

    if (appender->head->examples.max == 0) {
        return 0;
    }
    if (series_for(appender, ref, &slot, err) == NULL) {
        return BARO_ENOTFOUND;
    }
    r = head_exemplars_check(&appender->head->examples, slot, exemplar, err);
    if (r == BARO_EOUTOFORDER) {
        self_add(SELF_EXEMPLARS_OUT_OF_ORDER, 1);
    }
    if (r <= 0) {
        return r;
    }
    copy.labels = labels_copy(&appender->arena, exemplar->labels);
    vec_push(&appender->exemplars, (struct pending_exemplar){slot, copy});
    return 0;
}

static int appender_metadata(struct appender *base, series_ref ref, const struct metadata *metadata,
                             struct baro_error *err)
{
    struct head_appender *appender = head_appender_of(base);
    struct head *head = appender->head;
    struct head_series *series;
    uint32_t slot = 0;
    uint32_t number, seen;

    series = series_for(appender, ref, &slot, err);
    if (series == NULL) {
        return BARO_ENOTFOUND;
    }
    number = head_meta_add(&head->meta, metadata);
    lock_acquire(head_stripe(head, slot));
    seen = series->meta;
    lock_release(head_stripe(head, slot));
    if (number != 0 && number != seen) {
        vec_push(&appender->metadata, (struct pending_metadata){slot, number});
    }
    return 0;
}

static void prefetch_ahead(const struct head_appender *appender, size_t i)
{
    const struct head *head = appender->head;

    if (i + 2 * (size_t)PREFETCH_AHEAD < appender->count) {
        prefetch_series(head_series_at(head, appender->slots[i + 2 * (size_t)PREFETCH_AHEAD]));
    }
}

/* What became of a transaction. */
struct applied {
    size_t floats;
    size_t histograms;
    size_t lost_floats; /* another appender overtook them */
    size_t lost_histograms;
    ts mint;
    ts maxt;
};

/* The sample that was taken is in the head: so is its start. */
static void apply_start_locked(struct head_appender *appender, size_t i)
{
    head_series_note_start_locked(appender->head, appender->slots[i],
                                  appender->st != NULL ? appender->st[i] : 0);
}

static bool apply_one_locked(struct head_appender *appender, size_t i, struct applied *ret)
{
    struct head *head = appender->head;
    bool is_taken;

    if (LIKELY(appender->h == NULL || appender->h[i] == NULL)) {
        is_taken =
            head_series_append_locked(head, appender->slots[i], appender->t[i], appender->v[i]);
        ret->floats += is_taken;
        ret->lost_floats += !is_taken && !head_append_overtaken_locked(appender, i);
        return is_taken;
    }
    is_taken = head_series_append_histogram_locked(head, appender->slots[i], appender->t[i],
                                                   appender->h[i]);
    ret->histograms += is_taken;
    ret->lost_histograms += !is_taken && !head_append_overtaken_locked(appender, i);
    return is_taken;
}

/* Puts the columns into the open chunks. Neighbours share a stripe, so a scrape takes few locks. */
static void apply_samples(struct head_appender *appender, struct applied *ret)
{
    struct head *head = appender->head;
    struct lock *held = NULL;
    ts mint = INT64_MAX, maxt = INT64_MIN;

    for (size_t i = 0; i < appender->count; i++) {
        struct head_series *series = head_series_at(head, appender->slots[i]);
        ts t = appender->t[i];

        prefetch_ahead(appender, i);
        head_stripe_hold(head, appender->slots[i], &held);
        series->flags = (uint8_t)((series->flags | SERIES_LOGGED) & ~SERIES_TOUCHED);
        head_series_unpin_locked(series);
        if (LIKELY(apply_one_locked(appender, i, ret))) {
            apply_start_locked(appender, i);
            mint = t < mint ? t : mint;
            maxt = t > maxt ? t : maxt;
        }
    }
    head_stripe_drop(held);
    ret->mint = mint;
    ret->maxt = maxt;
}

static void count_applied(struct head_appender *appender, const struct applied *applied)
{
    static const struct {
        enum self_id taken;
        enum self_id lost;
    } rows[] = {{SELF_HEAD_SAMPLES_APPENDED_FLOAT, SELF_SAMPLES_OUT_OF_ORDER_FLOAT},
                {SELF_HEAD_SAMPLES_APPENDED_HISTOGRAM, SELF_SAMPLES_OUT_OF_ORDER_HISTOGRAM}};
    const size_t taken[] = {applied->floats, applied->histograms};
    const size_t lost[] = {applied->lost_floats, applied->lost_histograms};

    if (applied->mint <= applied->maxt) {
        head_note_time(appender->head, applied->mint, applied->maxt);
    }
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (taken[i] > 0) {
            self_add(rows[i].taken, (double)taken[i]);
        }
        if (lost[i] > 0) {
            self_add(rows[i].lost, (double)lost[i]);
        }
    }
}

static void apply_metadata(struct head_appender *appender)
{
    struct head *head = appender->head;

    for (size_t i = 0; i < appender->metadata.count; i++) {
        uint32_t slot = appender->metadata.items[i].slot;

        lock_acquire(head_stripe(head, slot));
        head_series_at(head, slot)->meta = appender->metadata.items[i].number;
        lock_release(head_stripe(head, slot));
    }
}

static void apply_exemplars(struct head_appender *appender)
{
    for (size_t i = 0; i < appender->exemplars.count; i++) {
        const struct pending_exemplar *pending = &appender->exemplars.items[i];

        if (head_exemplars_add(&appender->head->examples, pending->slot, &pending->exemplar)) {
            self_add(SELF_EXEMPLARS_APPENDED, 1);
        }
    }
}

static void mark_logged(struct head_appender *appender)
{
    struct head *head = appender->head;

    for (size_t i = 0; i < appender->unlogged.count; i++) {
        uint32_t slot = appender->unlogged.items[i];

        lock_acquire(head_stripe(head, slot));
        head_series_at(head, slot)->flags |= SERIES_LOGGED;
        lock_release(head_stripe(head, slot));
    }
}

static void unpin(struct head *head, const uint32_t *slots, size_t count)
{
    struct lock *held = NULL;

    for (size_t i = 0; i < count; i++) {
        head_stripe_hold(head, slots[i], &held);
        head_series_unpin_locked(head_series_at(head, slots[i]));
    }
    head_stripe_drop(held);
}

/* Ends the transaction; the samples are unpinned already. */
static void forget(struct head_appender *appender)
{
    unpin(appender->head, appender->pinned.items, appender->pinned.count);
    vec_reset(&appender->pinned);
    if (appender->epoch != NULL) {
        head_epoch_leave(&appender->head->epochs, appender->epoch, HEAD_APPENDER);
        appender->epoch = NULL;
    }
    if (appender->is_started) {
        self_add(SELF_HEAD_APPENDERS_ACTIVE, -1);
    }
    appender->count = 0;
    appender->is_started = false;
    appender->is_by_sample = false;
    vec_reset(&appender->unlogged);
    vec_reset(&appender->exemplars);
    vec_reset(&appender->metadata);
    vec_reset(&appender->late);
    arena_reset(&appender->arena);
    if (appender->capacity > COLUMNS_KEPT) {
        appender->refs = mem_free(appender->refs);
        appender->slots = mem_free(appender->slots);
        appender->t = mem_free(appender->t);
        appender->v = mem_free(appender->v);
        appender->h = mem_free(appender->h);
        appender->st = mem_free(appender->st);
        appender->capacity = 0;
        buf_done(&appender->record);
        wal_batch_done(&appender->batch);
    }
}

/* Second, so that the series are known wherever a sample of theirs is found. */
static int commit_late(struct head_appender *appender, struct baro_error *err)
{
    struct rwlock *lock = &appender->head->late_lock;
    int r;

    rwlock_read(lock);
    r = head_append_late_log(appender, 0, err);
    if (r >= 0) {
        head_append_late_apply(appender);
    }
    rwlock_release(lock);
    return r;
}

static int appender_commit(struct appender *base, struct baro_error *err)
{
    struct head_appender *appender = head_appender_of(base);
    struct applied applied = {0};
    size_t late;
    int r = 0;

    if (appender->head->wal != NULL) {
        r = head_append_log(appender, err);
    }
    late = appender->late.count;
    if (r >= 0 && late > 0) {
        r = commit_late(appender, err);
    }
    if (r < 0) {
        unpin(appender->head, appender->slots, appender->count);
        forget(appender);
        return r;
    }
    mark_logged(appender);
    apply_samples(appender, &applied);
    count_applied(appender, &applied);
    if (UNLIKELY(appender->late.count > late)) {
        /* They are in the head, and in the WAL, whose replay finds them out of order. */
        (void)head_append_late_log(appender, late, NULL);
    }
    apply_metadata(appender);
    apply_exemplars(appender);
    forget(appender);
    return 0;
}

static void appender_rollback(struct appender *base)
{
    struct head_appender *appender = head_appender_of(base);

    unpin(appender->head, appender->slots, appender->count);
    forget(appender);
}

static void appender_free(struct appender *base)
{
    struct head_appender *appender = head_appender_of(base);

    appender_rollback(base);
    (void)mem_free(appender->refs);
    (void)mem_free(appender->slots);
    (void)mem_free(appender->t);
    (void)mem_free(appender->v);
    (void)mem_free(appender->h);
    (void)mem_free(appender->st);
    vec_done(&appender->unlogged);
    vec_done(&appender->exemplars);
    vec_done(&appender->metadata);
    vec_done(&appender->late);
    vec_done(&appender->pinned);
    arena_done(&appender->arena);
    wal_batch_done(&appender->batch);
    buf_done(&appender->record);
    (void)mem_free(appender);
}

struct appender *head_appender(struct head *head)
{
    static const struct appender_ops ops = {
        .series = appender_series,
        .samples = appender_samples,
        .histograms = head_append_histograms,
        .exemplar = appender_exemplar,
        .metadata = appender_metadata,
        .commit = appender_commit,
        .rollback = appender_rollback,
        .free = appender_free,
    };
    static const enum compress_kind kinds[] = {
        [TSDB_WAL_SNAPPY] = COMPRESS_SNAPPY,
        [TSDB_WAL_NONE] = COMPRESS_NONE,
        [TSDB_WAL_ZSTD] = COMPRESS_ZSTD,
    };
    struct head_appender *appender = MEM_NEW(struct head_appender);

    appender->base.ops = &ops;
    appender->head = head;
    appender->batch.compress = kinds[head->options.wal_compression];
    return &appender->base;
}
