#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "client/self.h"
#include "tsdb/head_priv.h"
#include "tsdb/wal.h"
#include "tsdb/wal_record.h"

enum {
    BLOCK = 64,           /* samples whose series are looked up before the first is used */
    COLUMNS_FIRST = 1024, /* an appender that had more than COLUMNS_KEPT gives memory back */
    COLUMNS_KEPT = 1 << 20,
    RECORD_SAMPLES_MAX = 1 << 16, /* per WAL record */
    RECORD_BYTES_MAX = 1 << 20,   /* a record of series or metadata ends beyond */
    PREFETCH_AHEAD = 8,
};

struct pending_exemplar {
    uint32_t slot;
    struct exemplar exemplar; /* in the appender's arena */
};

struct pending_metadata {
    uint32_t slot;
    uint32_t number;
};

struct head_appender {
    struct appender base;
    struct head *head;

    /* What was accepted since the last commit, in columns. */
    series_ref *refs; /* the series' own, as the WAL has them */
    uint32_t *slots;
    ts *t;
    double *v;
    size_t count;
    size_t capacity;

    VEC(uint32_t) unlogged; /* slots whose labels must go to the WAL first */
    VEC(struct pending_exemplar) exemplars;
    VEC(struct pending_metadata) metadata;
    VEC(uint32_t) pinned; /* slots that exemplars and metadata use */
    struct arena arena;   /* of the exemplars */

    struct head_epoch *epoch; /* NULL between transactions */

    /* The bounds of this transaction, looked up once. */
    bool is_started;
    ts min_valid;
    ts max_valid;

    const struct refs_page *page;
    struct wal_batch batch;
    struct buf record;
};

static struct head_appender *appender_of(struct appender *appender)
{
    return CONTAINER_OF(appender, struct head_appender, base);
}

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
    appender->min_valid = oldest_accepted(head, first);
    appender->max_valid =
        head->options.too_far > 0 ? wall_clock() + head->options.too_far : INT64_MAX;
}

static int appender_series(struct appender *base, struct labels labels, series_ref *ret,
                           struct baro_error *err)
{
    struct head_appender *appender = appender_of(base);
    /* Its own visit, since a transaction begins with the first sample only. */
    struct head_epoch *epoch = head_epoch_enter(&appender->head->epochs, HEAD_APPENDER);
    uint32_t slot = 0;
    int r = head_series_get(appender->head, labels, 0, &slot, err);

    if (r >= 0) {
        *ret = head_series_at(appender->head, slot)->ref;
    }
    if (r == 1) {
        self_add(SELF_HEAD_SERIES_CREATED, 1);
    }
    head_epoch_leave(&appender->head->epochs, epoch, HEAD_APPENDER);
    return r < 0 ? r : 0;
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
    if (refs == NULL || slots == NULL || t == NULL || v == NULL) {
        return false;
    }
    appender->capacity = capacity;
    return true;
}

static enum append_status against(ts last_t, double last_v, ts t, double v)
{
    if (t > last_t) {
        return APPEND_OK;
    }
    if (t < last_t) {
        return APPEND_OUT_OF_ORDER;
    }
    return value_bits(v) == value_bits(last_v) ? APPEND_OK : APPEND_DUPLICATE;
}

/* Checks one sample against the series and against what this transaction has for it already, and
 * takes it. A repetition of the last sample is fine and stored once. */
static enum append_status take_locked(struct head_appender *appender, struct head_series *series,
                                      uint32_t slot, ts t, double v)
{
    uint32_t pending = series->pending;
    ts last_t = series->chunk.t;
    double last_v = value_from_bits(series->chunk.v_bits);
    bool has_last = series->chunk.count > 0;
    size_t n = appender->count;

    if (UNLIKELY((series->flags & SERIES_DEAD) != 0)) {
        return APPEND_UNKNOWN;
    }
    if (t < appender->min_valid) {
        return APPEND_OUT_OF_BOUNDS;
    }
    if (t > appender->max_valid) {
        return APPEND_TOO_FAR;
    }
    if (pending < n && appender->slots[pending] == slot) {
        last_t = appender->t[pending];
        last_v = appender->v[pending];
        has_last = true;
    }
    if (has_last && t <= last_t) {
        return against(last_t, last_v, t, v);
    }
    if (UNLIKELY((series->flags & SERIES_LOGGED) == 0)) {
        vec_push(&appender->unlogged, slot);
    }
    head_series_pin_locked(series);
    appender->refs[n] = series->ref;
    appender->slots[n] = slot;
    appender->t[n] = t;
    appender->v[n] = v;
    appender->count = n + 1;
    series->pending = (uint32_t)n;
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
            head_stripe_hold(head, slots[i], &held);
            status = take_locked(appender, head_series_at(head, slots[i]), slots[i],
                                 batch->t[first + i], batch->v[first + i]);
        }
        batch->status[first + i] = (uint8_t)status;
        refused += status != APPEND_OK;
    }
    head_stripe_drop(held);
    return refused;
}

static void count_refusals(const struct append_batch *batch)
{
    size_t counts[APPEND_STATUS_COUNT] = {0};

    for (size_t i = 0; i < batch->count; i++) {
        counts[batch->status[i]]++;
    }
    if (counts[APPEND_OUT_OF_ORDER] > 0) {
        self_add(SELF_SAMPLES_OUT_OF_ORDER, (double)counts[APPEND_OUT_OF_ORDER]);
    }
    if (counts[APPEND_OUT_OF_BOUNDS] > 0) {
        self_add(SELF_SAMPLES_OUT_OF_BOUNDS, (double)counts[APPEND_OUT_OF_BOUNDS]);
    }
    if (counts[APPEND_UNKNOWN] > 0) {
        self_add(SELF_HEAD_SERIES_NOT_FOUND, (double)counts[APPEND_UNKNOWN]);
    }
}

static int appender_samples(struct appender *base, const struct append_batch *batch,
                            struct baro_error *err)
{
    struct head_appender *appender = appender_of(base);
    int refused = 0;

    if (batch->count == 0) {
        return 0;
    }
    if (!columns_reserve(appender, batch->count)) {
        return error_set(err, -ENOMEM, "no memory for a batch of %zu samples", batch->count);
    }
    if (!appender->is_started) {
        start(appender, batch->t[0]);
    }
    for (size_t i = 0; i < batch->count; i += BLOCK) {
        size_t left = batch->count - i;

        refused += take_block(appender, batch, i, left < BLOCK ? left : BLOCK);
    }
    if (refused > 0) {
        count_refusals(batch);
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
    struct head_appender *appender = appender_of(base);
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
    struct head_appender *appender = appender_of(base);
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

static int end_record(struct head_appender *appender, struct baro_error *err)
{
    if (appender->record.failed) {
        return error_set(err, -ENOMEM, "no memory for a WAL record");
    }
    return appender->record.len <= 1
               ? 0
               : wal_batch_add(&appender->batch, buf_view(&appender->record), err);
}

static void begin_record(struct head_appender *appender, enum wal_record_type type)
{
    buf_reset(&appender->record);
    wal_put_type(&appender->record, type);
}

static int log_series(struct head_appender *appender, struct baro_error *err)
{
    const struct head *head = appender->head;
    struct label labels[HEAD_LABELS_MAX];

    begin_record(appender, WAL_RECORD_SERIES);
    for (size_t i = 0; i < appender->unlogged.count; i++) {
        const struct head_series *series = head_series_at(head, appender->unlogged.items[i]);

        if (appender->record.len > RECORD_BYTES_MAX) {
            int r = end_record(appender, err);

            if (r < 0) {
                return r;
            }
            begin_record(appender, WAL_RECORD_SERIES);
        }
        wal_put_series(&appender->record, series->ref, head_series_labels(head, series, labels));
    }
    return end_record(appender, err);
}

static int log_metadata(struct head_appender *appender, struct baro_error *err)
{
    struct head *head = appender->head;

    begin_record(appender, WAL_RECORD_METADATA);
    for (size_t i = 0; i < appender->metadata.count; i++) {
        const struct pending_metadata *pending = &appender->metadata.items[i];

        if (appender->record.len > RECORD_BYTES_MAX) {
            int r = end_record(appender, err);

            if (r < 0) {
                return r;
            }
            begin_record(appender, WAL_RECORD_METADATA);
        }
        wal_put_metadata(&appender->record, head_series_at(head, pending->slot)->ref,
                         head_meta_at(&head->meta, pending->number));
    }
    return end_record(appender, err);
}

static int log_samples(struct head_appender *appender, struct baro_error *err)
{
    for (size_t i = 0; i < appender->count; i += RECORD_SAMPLES_MAX) {
        size_t left = appender->count - i;
        int r;

        buf_reset(&appender->record);
        wal_put_samples(&appender->record, appender->refs + i, appender->t + i, appender->v + i,
                        left < RECORD_SAMPLES_MAX ? left : RECORD_SAMPLES_MAX);
        r = end_record(appender, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int log_exemplars(struct head_appender *appender, struct baro_error *err)
{
    const struct head *head = appender->head;
    series_ref first_ref = 0;
    ts first_t = 0;

    begin_record(appender, WAL_RECORD_EXEMPLARS);
    for (size_t i = 0; i < appender->exemplars.count; i++) {
        const struct pending_exemplar *pending = &appender->exemplars.items[i];
        series_ref ref = head_series_at(head, pending->slot)->ref;

        if (i == 0) {
            first_ref = ref;
            first_t = pending->exemplar.t;
        }
        wal_put_exemplar(&appender->record, ref, &pending->exemplar, first_ref, first_t, i == 0);
    }
    return end_record(appender, err);
}

static int write_wal(struct head_appender *appender, struct baro_error *err)
{
    int r;

    wal_batch_reset(&appender->batch);
    r = log_series(appender, err);
    if (r >= 0) {
        r = log_metadata(appender, err);
    }
    if (r >= 0) {
        r = log_samples(appender, err);
    }
    if (r >= 0) {
        r = log_exemplars(appender, err);
    }
    return r < 0 ? r : wal_write(appender->head->wal, &appender->batch, err);
}

static void prefetch_ahead(const struct head_appender *appender, size_t i)
{
    const struct head *head = appender->head;

    if (i + 2 * (size_t)PREFETCH_AHEAD < appender->count) {
        prefetch_series(head_series_at(head, appender->slots[i + 2 * (size_t)PREFETCH_AHEAD]));
    }
}

/* Puts the columns into the open chunks. Neighbours share a stripe, so a scrape takes few locks.
 * What another appender overtook is dropped and counted. */
static size_t apply_samples(struct head_appender *appender, ts *ret_mint, ts *ret_maxt)
{
    struct head *head = appender->head;
    struct lock *held = NULL;
    size_t applied = 0;
    ts mint = INT64_MAX, maxt = INT64_MIN;

    for (size_t i = 0; i < appender->count; i++) {
        struct head_series *series = head_series_at(head, appender->slots[i]);
        ts t = appender->t[i];

        prefetch_ahead(appender, i);
        head_stripe_hold(head, appender->slots[i], &held);
        series->flags = (uint8_t)((series->flags | SERIES_LOGGED) & ~SERIES_TOUCHED);
        head_series_unpin_locked(series);
        if (LIKELY(head_series_append_locked(head, appender->slots[i], t, appender->v[i]))) {
            mint = t < mint ? t : mint;
            maxt = t > maxt ? t : maxt;
            applied++;
        }
    }
    head_stripe_drop(held);
    *ret_mint = mint;
    *ret_maxt = maxt;
    return applied;
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
    appender->count = 0;
    appender->is_started = false;
    vec_reset(&appender->unlogged);
    vec_reset(&appender->exemplars);
    vec_reset(&appender->metadata);
    arena_reset(&appender->arena);
    if (appender->capacity > COLUMNS_KEPT) {
        appender->refs = mem_free(appender->refs);
        appender->slots = mem_free(appender->slots);
        appender->t = mem_free(appender->t);
        appender->v = mem_free(appender->v);
        appender->capacity = 0;
        buf_done(&appender->record);
        wal_batch_done(&appender->batch);
    }
}

static int appender_commit(struct appender *base, struct baro_error *err)
{
    struct head_appender *appender = appender_of(base);
    size_t applied;
    ts mint, maxt;
    int r = 0;

    if (appender->head->wal != NULL) {
        r = write_wal(appender, err);
    }
    if (r < 0) {
        unpin(appender->head, appender->slots, appender->count);
        forget(appender);
        return r;
    }
    mark_logged(appender);
    applied = apply_samples(appender, &mint, &maxt);
    if (applied > 0) {
        head_note_time(appender->head, mint, maxt);
        self_add(SELF_HEAD_SAMPLES_APPENDED, (double)applied);
    }
    if (applied < appender->count) {
        self_add(SELF_SAMPLES_OUT_OF_ORDER, (double)(appender->count - applied));
    }
    apply_metadata(appender);
    apply_exemplars(appender);
    forget(appender);
    return 0;
}

static void appender_rollback(struct appender *base)
{
    struct head_appender *appender = appender_of(base);

    unpin(appender->head, appender->slots, appender->count);
    forget(appender);
}

static void appender_free(struct appender *base)
{
    struct head_appender *appender = appender_of(base);

    appender_rollback(base);
    (void)mem_free(appender->refs);
    (void)mem_free(appender->slots);
    (void)mem_free(appender->t);
    (void)mem_free(appender->v);
    vec_done(&appender->unlogged);
    vec_done(&appender->exemplars);
    vec_done(&appender->metadata);
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
