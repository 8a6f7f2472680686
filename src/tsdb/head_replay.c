#include <errno.h>

#include "base/mem.h"
#include "client/self.h"
#include "tsdb/head_late.h"
#include "tsdb/head_priv.h"
#include "tsdb/head_replay_spread.h"
#include "tsdb/wal_histogram.h"
#include "tsdb/wal_record.h"

struct head_replay_state {
    struct wal_labels labels;
    struct wal_samples samples;
    struct arena arena; /* of one record's histograms */
    const struct refs_page *page;
    struct replay_spread *spread;
};

/* A ref is never given twice, also where damage has taken the record of its series. */
static void note_ref(struct head *head, series_ref ref)
{
    head->last_ref = ref > head->last_ref && ref < HEAD_REF_MAX ? ref : head->last_ref;
}

static void note_unknown(struct head_replay *replay, series_ref ref, enum head_unknown what)
{
    note_ref(replay->head, ref);
    replay->series_unknown++;
    replay->unknown[what]++;
}

/* A series may stand in the WAL under several refs (it was forgotten and came back); all of them
 * lead to one slot. Label sets as Prometheus 3 may write them are taken as they are. */
static int replay_series(struct head_replay *replay, str record, struct baro_error *err)
{
    struct head *head = replay->head;
    struct head_replay_state *state = replay->state;
    struct reader rd = wal_record_body(record);
    series_ref ref = 0;
    uint32_t slot = 0;
    int r;

    while ((r = wal_next_series(&rd, &ref, &state->labels, err)) == 1) {
        struct labels labels = {state->labels.items, state->labels.count};

        if (ref == 0 || ref >= HEAD_REF_MAX) {
            return error_set(err, BARO_ECORRUPT, "series record has an impossible reference");
        }
        r = head_series_get(head, labels, ref, &slot, err);
        if (r == BARO_EINVALID) {
            replay->series_unknown++;
            continue;
        }
        if (r < 0) {
            return r;
        }
        if (r == 0) {
            head_replay_settle(replay); /* of that series as well */
            rwlock_write(&head->index_lock);
            head_refs_add(&head->refs, ref, slot);
            note_ref(head, ref);
            rwlock_release(&head->index_lock);
        }
        head_series_at(head, slot)->flags |= SERIES_LOGGED;
        /* What does not fit is left to the WAL, which has it too. */
        (void)head_chain_attach(head, head_series_at(head, slot), ref);
        state->page = NULL;
    }
    return r;
}

/* Samples are appended while further records are read. */
static int replay_samples(struct head_replay *replay, str record, struct baro_error *err)
{
    struct head *head = replay->head;
    struct wal_samples *samples = &replay->state->samples;
    int r = wal_read_samples(record, samples, err);

    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < samples->count; i++) {
        uint32_t slot = refs_find(&head->refs, &replay->state->page, samples->refs[i]);

        if (slot == HEAD_SLOT_NONE) {
            note_unknown(replay, samples->refs[i], HEAD_UNKNOWN_SAMPLES);
            replay->samples_refused++;
            continue;
        }
        replay_spread_put(replay->state->spread, slot, samples->t[i], samples->v[i],
                          samples->st != NULL ? samples->st[i] : 0);
    }
    replay->samples += samples->count;
    return 0;
}

/* A histogram that a newer Prometheus may have written finer than is kept; false for what cannot be
 * stored. */
static bool make_storable(struct arena *arena, struct histogram *h)
{
    if (histogram_is_stale(h)) {
        return true;
    }
    if (histogram_check(h, NULL) < 0) {
        return false;
    }
    if (h->schema > HISTOGRAM_SCHEMA_MAX && h->schema <= HISTOGRAM_SCHEMA_RESERVED_MAX) {
        histogram_reduce(arena, h, HISTOGRAM_SCHEMA_MAX);
    }
    return histogram_schema_is_valid(h->schema);
}

static bool replay_histogram(struct head_replay *replay, struct wal_histogram *one)
{
    struct head *head = replay->head;
    uint32_t slot = refs_find(&head->refs, &replay->state->page, one->ref);
    bool is_taken, is_filed;

    if (slot == HEAD_SLOT_NONE) {
        note_unknown(replay, one->ref, HEAD_UNKNOWN_HISTOGRAMS);
        return false;
    }
    if (one->t < atomic_load_explicit(&head->min_valid, memory_order_relaxed) ||
        !make_storable(&replay->state->arena, &one->h)) {
        return false;
    }
    lock_acquire(head_stripe(head, slot));
    is_filed = head_is_filed_locked(head, head_series_at(head, slot), one->t);
    is_taken = !is_filed && head_series_append_histogram_locked(head, slot, one->t, &one->h);
    if (is_taken) {
        head_series_note_start_locked(head, slot, one->st);
    }
    lock_release(head_stripe(head, slot));
    if (is_taken) {
        head_note_time(head, one->t, one->t);
    }
    return is_taken || is_filed;
}

static int replay_histograms(struct head_replay *replay, str record, struct baro_error *err)
{
    struct wal_histograms at = {.type = wal_record_type(record)};
    struct reader rd = wal_record_body(record);
    struct wal_histogram one = {0};
    int r;

    while ((r = wal_next_histogram(&rd, &at, &replay->state->arena, &one, err)) == 1) {
        replay->samples++;
        replay->samples_refused += !replay_histogram(replay, &one);
    }
    arena_reset(&replay->state->arena);
    return r;
}

/* ---- the WBL: what is out of order ---- */

static bool replay_late(struct head_replay *replay, series_ref ref, const struct sample *sample)
{
    struct head *head = replay->head;
    uint32_t slot = refs_find(&head->refs, &replay->state->page, ref);
    bool is_taken;

    if (slot == HEAD_SLOT_NONE) {
        note_unknown(replay, ref,
                     sample->h != NULL ? HEAD_UNKNOWN_HISTOGRAMS : HEAD_UNKNOWN_SAMPLES);
        return false;
    }
    lock_acquire(head_stripe(head, slot));
    is_taken = head_ooo_insert_locked(head, slot, sample);
    lock_release(head_stripe(head, slot));
    return is_taken;
}

static int replay_late_samples(struct head_replay *replay, str record, struct baro_error *err)
{
    struct wal_samples *samples = &replay->state->samples;
    int r = wal_read_samples(record, samples, err);

    for (size_t i = 0; r >= 0 && i < samples->count; i++) {
        struct sample sample = {
            .t = samples->t[i], .v = samples->v[i], .st = samples->st != NULL ? samples->st[i] : 0};

        replay->samples++;
        replay->samples_refused += !replay_late(replay, samples->refs[i], &sample);
    }
    return r;
}

static int replay_late_histograms(struct head_replay *replay, str record, struct baro_error *err)
{
    struct wal_histograms at = {.type = wal_record_type(record)};
    struct reader rd = wal_record_body(record);
    struct wal_histogram one = {0};
    int r;

    while ((r = wal_next_histogram(&rd, &at, &replay->state->arena, &one, err)) == 1) {
        struct sample sample = {.t = one.t, .v = one.h.sum, .h = &one.h, .st = one.st};

        replay->samples++;
        replay->samples_refused +=
            !make_storable(&replay->state->arena, &one.h) || !replay_late(replay, one.ref, &sample);
    }
    arena_reset(&replay->state->arena);
    return r;
}

/* A marker names a chunk of chunks_head: the samples of its series up to here stand there. */
static int replay_markers(struct head_replay *replay, str record, struct baro_error *err)
{
    struct head *head = replay->head;
    struct reader rd = wal_record_body(record);
    int r = 0;

    while (r >= 0 && reader_left(&rd) > 0) {
        series_ref ref = read_be64(&rd);
        uint64_t place = read_be64(&rd);
        uint32_t slot;

        if (rd.failed) {
            return error_set(err, BARO_ECORRUPT, "markers record is damaged at byte %zu",
                             rd.offset + 1);
        }
        slot = refs_find(&head->refs, &replay->state->page, ref);
        if (slot == HEAD_SLOT_NONE) {
            note_unknown(replay, ref, HEAD_UNKNOWN_MARKERS);
            continue;
        }
        lock_acquire(head_stripe(head, slot));
        r = head_late_marked_locked(
            head, slot, (struct chunks_place){(uint32_t)(place >> 32), (uint32_t)place}, err);
        lock_release(head_stripe(head, slot));
    }
    return r;
}

static int replay_wbl_record(struct head_replay *replay, str record, struct baro_error *err)
{
    uint8_t type = wal_record_type(record);

    if (type == WAL_RECORD_SAMPLES || type == WAL_RECORD_SAMPLES_V2) {
        return replay_late_samples(replay, record, err);
    }
    if (wal_is_histograms(type)) {
        return replay_late_histograms(replay, record, err);
    }
    if (type == WAL_RECORD_MMAP_MARKERS) {
        return replay_markers(replay, record, err);
    }
    replay->records_skipped++;
    return 0;
}

static int replay_metadata(struct head_replay *replay, str record, struct baro_error *err)
{
    struct head *head = replay->head;
    struct reader rd = wal_record_body(record);
    struct metadata metadata = {0};
    series_ref ref = 0;
    int r;

    while ((r = wal_next_metadata(&rd, &ref, &metadata, err)) == 1) {
        uint32_t slot = refs_find(&head->refs, &replay->state->page, ref);

        if (slot == HEAD_SLOT_NONE) {
            note_unknown(replay, ref, HEAD_UNKNOWN_METADATA);
        } else {
            head_series_at(head, slot)->meta = head_meta_add(&head->meta, &metadata);
        }
    }
    return r;
}

static int replay_exemplars(struct head_replay *replay, str record, struct baro_error *err)
{
    struct head *head = replay->head;
    struct wal_exemplar_base base = {0};
    struct reader rd = wal_record_body(record);
    struct exemplar exemplar = {0};
    series_ref ref = 0;
    int r;

    while ((r = wal_next_exemplar(&rd, &base, &ref, &exemplar, &replay->state->labels, err)) == 1) {
        uint32_t slot = refs_find(&head->refs, &replay->state->page, ref);

        if (slot == HEAD_SLOT_NONE) {
            note_unknown(replay, ref, HEAD_UNKNOWN_EXEMPLARS);
        } else {
            (void)head_exemplars_add(&head->examples, slot, &exemplar);
        }
    }
    return r;
}

/* Nobody reads yet, so what is cut off can go at once. */
static int replay_tombstones(struct head_replay *replay, str record, struct baro_error *err)
{
    struct head *head = replay->head;
    struct reader rd = wal_record_body(record);
    struct head_garbage garbage = {0};
    struct sample_buf scratch = {0};
    int r = 0;

    while (r >= 0 && reader_left(&rd) > 0) {
        series_ref ref = read_be64(&rd);
        ts mint = read_varint(&rd);
        ts maxt = read_varint(&rd);
        uint32_t slot;

        if (rd.failed) {
            r = error_set(err, BARO_ECORRUPT, "tombstones record is damaged at byte %zu",
                          rd.offset + 1);
            break;
        }
        slot = refs_find(&head->refs, &replay->state->page, ref);
        if (slot == HEAD_SLOT_NONE) {
            note_unknown(replay, ref, HEAD_UNKNOWN_TOMBSTONES);
            continue;
        }
        lock_acquire(head_stripe(head, slot));
        r = head_delete_locked(head, slot, mint, maxt, &scratch, &garbage, err);
        lock_release(head_stripe(head, slot));
    }
    head_epoch_advance(&head->epochs, &garbage);
    head_collect(head);
    sample_buf_done(&scratch);
    return r < 0 ? r : 0;
}

static int replay_min_valid(struct head_replay *replay, str record, struct baro_error *err)
{
    struct head *head = replay->head;
    ts t = INT64_MIN;
    int r = wal_read_min_valid_time(record, &t, err);

    if (r >= 0) {
        head_set_in_blocks(head, t);
    }
    return r;
}

/* Of what the order of samples matters to. */
static int replay_rare(struct head_replay *replay, str record, struct baro_error *err)
{
    uint8_t type = wal_record_type(record);

    switch (type) {
    case WAL_RECORD_TOMBSTONES:
        return replay_tombstones(replay, record, err);
    case WAL_RECORD_MIN_VALID_TIME:
        return replay_min_valid(replay, record, err);
    case WAL_RECORD_MMAP_MARKERS:
        /* They say which samples of the WBL stand in chunks_head as well. */
        return 0;
    default:
        if (wal_is_histograms(type)) {
            return replay_histograms(replay, record, err);
        }
        replay->records_skipped++;
        return 0;
    }
}

int head_replay_record(struct head_replay *replay, str record, struct baro_error *err)
{
    if (replay->state == NULL) {
        replay->state = MEM_NEW(struct head_replay_state);
    }
    if (replay->is_wbl) {
        return replay_wbl_record(replay, record, err);
    }
    if (replay->state->spread == NULL) {
        replay->state->spread = replay_spread_new(replay->head, replay->threads_max);
    }
    switch (wal_record_type(record)) {
    case WAL_RECORD_SERIES:
        return replay_series(replay, record, err);
    case WAL_RECORD_SAMPLES:
    case WAL_RECORD_SAMPLES_V2:
        return replay_samples(replay, record, err);
    case WAL_RECORD_METADATA:
        return replay_metadata(replay, record, err);
    case WAL_RECORD_EXEMPLARS:
        return replay_exemplars(replay, record, err);
    default:
        head_replay_settle(replay);
        return replay_rare(replay, record, err);
    }
}

void head_replay_settle(struct head_replay *replay)
{
    if (replay->state != NULL && replay->state->spread != NULL) {
        replay->samples_refused += replay_spread_drain(replay->state->spread);
    }
}

static void count_unknown(const struct head_replay *replay)
{
    const uint64_t *unknown = replay->unknown;

    if (replay->is_wbl) {
        self_add(SELF_WBL_UNKNOWN_REFS_HISTOGRAMS, (double)unknown[HEAD_UNKNOWN_HISTOGRAMS]);
        self_add(SELF_WBL_UNKNOWN_REFS_MMAP_MARKERS, (double)unknown[HEAD_UNKNOWN_MARKERS]);
        self_add(SELF_WBL_UNKNOWN_REFS_SAMPLES, (double)unknown[HEAD_UNKNOWN_SAMPLES]);
        return;
    }
    self_add(SELF_WAL_UNKNOWN_REFS_EXEMPLARS, (double)unknown[HEAD_UNKNOWN_EXEMPLARS]);
    self_add(SELF_WAL_UNKNOWN_REFS_HISTOGRAMS, (double)unknown[HEAD_UNKNOWN_HISTOGRAMS]);
    self_add(SELF_WAL_UNKNOWN_REFS_METADATA, (double)unknown[HEAD_UNKNOWN_METADATA]);
    self_add(SELF_WAL_UNKNOWN_REFS_SAMPLES, (double)unknown[HEAD_UNKNOWN_SAMPLES]);
    self_add(SELF_WAL_UNKNOWN_REFS_TOMBSTONES, (double)unknown[HEAD_UNKNOWN_TOMBSTONES]);
}

void head_replay_done(struct head_replay *replay)
{
    count_unknown(replay);
    if (replay->state != NULL) {
        wal_labels_done(&replay->state->labels);
        wal_samples_done(&replay->state->samples);
        arena_done(&replay->state->arena);
        (void)replay_spread_free(replay->state->spread);
        replay->state = mem_free(replay->state);
    }
}
