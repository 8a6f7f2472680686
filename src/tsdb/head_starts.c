#include "tsdb/head_starts.h"

#include "base/mem.h"
#include "tsdb/head_priv.h"

enum { RUNS_FIRST = 2 };

static struct head_slots *list_of(const struct head *head, uint32_t slot)
{
    return &((struct head *)(uintptr_t)head)->starts[slot >> HEAD_STRIPE_BITS & (HEAD_STRIPES - 1)];
}

/* NULL when the series has none. */
static struct starts_series *find_locked(const struct head *head, uint32_t slot)
{
    return (head_series_at(head, slot)->flags & SERIES_STARTS) != 0
               ? CONTAINER_OF(*head_slots_find(list_of(head, slot), slot), struct starts_series,
                              slot)
               : NULL;
}

static size_t bytes_of(uint32_t capacity)
{
    return sizeof(struct starts_series) + capacity * sizeof(struct starts_run);
}

static struct starts_series *make_locked(struct head *head, uint32_t slot)
{
    struct starts_series *one = mem_alloc_zero(bytes_of(RUNS_FIRST));

    one->slot = slot;
    one->capacity = RUNS_FIRST;
    head_slots_add(list_of(head, slot), &one->slot);
    head_series_at(head, slot)->flags |= SERIES_STARTS;
    atomic_fetch_add_explicit(&head->outside, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&head->outside_bytes, bytes_of(RUNS_FIRST), memory_order_relaxed);
    return one;
}

/* Returns what it was given, which may have moved. */
static struct starts_series *push_run(struct head *head, struct starts_series *one, ts st,
                                      uint64_t from)
{
    if (one->count == one->capacity) {
        uint32_t **place = head_slots_find(list_of(head, one->slot), one->slot);

        one->capacity *= 2;
        one = mem_realloc(one, bytes_of(one->capacity));
        *place = &one->slot;
        atomic_fetch_add_explicit(&head->outside_bytes,
                                  one->capacity / 2 * sizeof(struct starts_run),
                                  memory_order_relaxed);
    }
    one->runs[one->count++] = (struct starts_run){st, from};
    return one;
}

void head_starts_note_locked(struct head *head, uint32_t slot, ts st)
{
    uint64_t index = head_series_at(head, slot)->chunk.count - 1u;
    struct starts_series *one = find_locked(head, slot);

    if (one == NULL) {
        if (st == 0) {
            return;
        }
        one = make_locked(head, slot);
        if (index > 0) {
            one = push_run(head, one, 0, 0);
        }
    } else if (one->runs[one->count - 1].st == st) {
        return;
    }
    (void)push_run(head, one, st, index);
}

const struct starts_series *head_starts_runs_locked(const struct head *head, uint32_t slot)
{
    struct starts_series *one = find_locked(head, slot);

    ASSERT(one != NULL);
    return one;
}

void head_starts_set_locked(struct head *head, uint32_t slot, const struct starts_run *runs,
                            uint32_t count)
{
    struct starts_series *one;

    ASSERT(count > 0 && find_locked(head, slot) == NULL);
    one = make_locked(head, slot);
    for (uint32_t i = 0; i < count; i++) {
        one = push_run(head, one, runs[i].st, runs[i].from);
    }
}

ts head_starts_last_locked(const struct head *head, uint32_t slot)
{
    const struct starts_series *one = find_locked(head, slot);

    return one == NULL ? 0 : one->runs[one->count - 1].st;
}

bool head_starts_pack_locked(const struct head *head, uint32_t slot, str data, uint8_t *encoding,
                             struct buf *ret)
{
    const struct starts_series *one = find_locked(head, slot);
    size_t count = head_series_at(head, slot)->chunk.count;
    uint8_t with = CHUNK_NONE;
    uint8_t packed[HEAD_REPACKED_MAX];
    struct chunk_xor state;
    ts *st;
    int r = 0;

    if (one == NULL) {
        return false;
    }
    /* At most 2 * 120 floats, or histograms of two kilobytes. */
    st = mem_alloc(count * sizeof(ts));
    for (size_t i = 0, run = 0; i < count; i++) {
        run += run + 1 < one->count && one->runs[run + 1].from == i;
        st[i] = one->runs[run].st;
    }
    if (*encoding == CHUNK_DECIMAL) {
        r = chunk_decimal_repack(data, packed, sizeof(packed), &state, NULL);
        data = str_of((char *)packed, r < 0 ? 0 : chunk_xor_size(&state));
    }
    r = r < 0 ? r
              : chunk_add_starts(*encoding == CHUNK_DECIMAL ? CHUNK_XOR : *encoding, data, st, ret,
                                 &with, NULL);
    (void)mem_free(st);
    *encoding = r >= 0 ? with : *encoding;
    return r >= 0;
}

void head_starts_drop_locked(struct head *head, uint32_t slot)
{
    struct starts_series *one = find_locked(head, slot);

    if (one == NULL) {
        return;
    }
    atomic_fetch_sub_explicit(&head->outside, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&head->outside_bytes, bytes_of(one->capacity), memory_order_relaxed);
    head_slots_remove(list_of(head, slot), slot);
    (void)mem_free(one);
    head_series_at(head, slot)->flags &= (uint8_t)~SERIES_STARTS;
}

void head_starts_done(struct head *head)
{
    for (size_t i = 0; i < HEAD_STRIPES; i++) {
        ASSERT(head->starts[i].items.count == 0);
        vec_done(&head->starts[i].items);
    }
}
