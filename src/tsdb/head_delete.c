/*
 * Deleting samples in the head. The tombstones go to the WAL first, as Prometheus writes them; then
 * each series is packed anew without what they cover, so that neither queries nor blocks need to
 * know of them. A replay meets the record at its place among the samples and does the same.
 */
#include <errno.h>

#include "base/mem.h"
#include "tsdb/head_priv.h"
#include "tsdb/wal.h"
#include "tsdb/wal_record.h"

enum { RECORD_BYTES_MAX = 1 << 20 };

/* All samples of a series; the stripe lock is held. */
static int read_all_locked(struct head *head, uint32_t slot, struct sample_buf *ret,
                           struct baro_error *err)
{
    const struct head_series *series = head_series_at(head, slot);
    VEC(const struct head_chunk *) closed = {0};
    int r = 0;

    for (pool_ref ref = series->closed; ref != 0;) {
        const struct head_chunk *chunk = head_chunk_at(head, ref);

        vec_push(&closed, chunk);
        ref = head_chunk_older(chunk);
    }
    for (size_t i = closed.count; r >= 0 && i-- > 0;) {
        r = head_chunk_read(head, closed.items[i], INT64_MIN, INT64_MAX, ret, err);
    }
    if (r >= 0 && series->chunk.count > 0) {
        uint8_t encoding = CHUNK_NONE;
        str open = head_open_data_locked(head, series, &encoding);
        struct buf with_starts = {0};

        if (head_starts_pack_locked(head, slot, open, &encoding, &with_starts)) {
            open = buf_view(&with_starts);
        }
        r = head_chunk_decode(encoding, open, INT64_MIN, INT64_MAX, ret, err);
        buf_done(&with_starts);
    }
    vec_done(&closed);
    return r;
}

static size_t count_chunks_locked(const struct head *head, const struct head_series *series)
{
    size_t count = series->chunk.count > 0;

    for (pool_ref ref = series->closed; ref != 0; count++) {
        ref = head_chunk_older(head_chunk_at(head, ref));
    }
    return count;
}

static bool has_any(const struct sample_buf *samples, ts start, ts end)
{
    for (size_t i = 0; i < samples->count; i++) {
        if (samples->t[i] >= start && samples->t[i] <= end) {
            return true;
        }
    }
    return false;
}

/* From what files have of the series, something is taken: they must get no more of it. */
static void leave_files_locked(struct head *head, struct head_series *series, ts last)
{
    for (pool_ref ref = series->closed; ref != 0;) {
        const struct head_chunk *chunk = head_chunk_at(head, ref);

        if (head_chunk_file(chunk) != 0) {
            series->flags |= SERIES_UNFILED;
            head->unfiled_until = last > head->unfiled_until ? last : head->unfiled_until;
            return;
        }
        ref = head_chunk_older(chunk);
    }
}

int head_delete_locked(struct head *head, uint32_t slot, ts start, ts end,
                       struct sample_buf *scratch, struct head_garbage *garbage,
                       struct baro_error *err)
{
    struct head_series *series = head_series_at(head, slot);
    size_t chunks = count_chunks_locked(head, series);
    int r;

    sample_buf_reset(scratch);
    r = read_all_locked(head, slot, scratch, err);
    if (r < 0 || !has_any(scratch, start, end)) {
        return r;
    }
    if (series->closed != 0) {
        leave_files_locked(head, series, scratch->t[scratch->count - 1]);
        vec_push(&garbage->chunks, series->closed);
        series->closed = 0;
    }
    head_open_drop_locked(head, slot);
    atomic_fetch_sub_explicit(&head->chunks, chunks, memory_order_relaxed);
    for (size_t i = 0; i < scratch->count; i++) {
        if (scratch->t[i] < start || scratch->t[i] > end) {
            head_series_put_back_locked(head, slot, scratch, i);
        }
    }
    return 1;
}

/* What is deleted of each series ends with its last sample of now, as in Prometheus: whoever reads
 * the tombstones may have later samples already when it does. */
static void find_ends(struct head *head, const uint32_t *slots, size_t count, ts end, ts *ret)
{
    struct lock *held = NULL;

    for (size_t i = 0; i < count; i++) {
        const struct head_series *series = head_series_at(head, slots[i]);

        head_stripe_hold(head, slots[i], &held);
        ret[i] = series->chunk.count == 0 ? INT64_MIN
                 : series->chunk.t < end  ? series->chunk.t
                                          : end;
    }
    head_stripe_drop(held);
}

static int log_tombstones(struct head *head, const uint32_t *slots, const ts *ends, size_t count,
                          ts start, struct baro_error *err)
{
    struct wal_batch batch = {0};
    struct buf record = {0};
    int r = 0;

    for (size_t i = 0; r >= 0 && i < count; i++) {
        if (record.len == 0) {
            wal_put_type(&record, WAL_RECORD_TOMBSTONES);
        }
        if (ends[i] >= start) {
            write_be64(&record, head_series_at(head, slots[i])->ref);
            write_varint(&record, start);
            write_varint(&record, ends[i]);
        }
        if (record.len > RECORD_BYTES_MAX || (i + 1 == count && record.len > 1)) {
            r = record.failed ? error_set(err, -ENOMEM, "no memory for a WAL record")
                              : wal_batch_add(&batch, buf_view(&record), err);
            buf_reset(&record);
        }
    }
    if (r >= 0 && head->wal != NULL) {
        r = wal_write(head->wal, &batch, err);
    }
    if (r >= 0 && head->wal != NULL) {
        r = wal_sync(head->wal, err);
    }
    buf_done(&record);
    wal_batch_done(&batch);
    return r;
}

/* The slots that match, in the arena. */
static int find_slots(struct head *head, struct arena *arena, struct matchers matchers,
                      uint32_t **ret, size_t *ret_count, struct baro_error *err)
{
    struct postings found = {0};
    int r;

    rwlock_read(&head->index_lock);
    r = head_select_locked(head, arena, matchers, NULL, &found, err);
    if (r >= 0) {
        *ret = arena_alloc(arena, (found.count + 1) * sizeof(uint32_t));
        *ret_count = postings_copy(found, *ret);
    }
    rwlock_release(&head->index_lock);
    return r;
}

int head_delete(struct head *head, struct matchers matchers, ts start, ts end, bool *ret_had_ooo,
                struct baro_error *err)
{
    struct head_garbage garbage = {0};
    struct sample_buf scratch = {0};
    struct arena arena = {0};
    uint32_t *slots = NULL;
    ts *ends = NULL;
    size_t count = 0;
    int r = find_slots(head, &arena, matchers, &slots, &count, err);

    if (r >= 0 && count > 0) {
        ends = arena_alloc(&arena, count * sizeof(ts));
        find_ends(head, slots, count, end, ends);
        r = log_tombstones(head, slots, ends, count, start, err);
    }
    for (size_t i = 0; r >= 0 && i < count; i++) {
        lock_acquire(head_stripe(head, slots[i]));
        if (ends[i] >= start) {
            r = head_delete_locked(head, slots[i], start, ends[i], &scratch, &garbage, err);
        }
        if (r >= 0) {
            r = head_ooo_delete_locked(head, slots[i], start, end, &garbage, err);
            *ret_had_ooo |= r > 0;
        }
        lock_release(head_stripe(head, slots[i]));
    }
    head_epoch_advance(&head->epochs, &garbage);
    sample_buf_done(&scratch);
    arena_done(&arena);
    return r < 0 ? r : 0;
}
