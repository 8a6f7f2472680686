#include "tsdb/head_starts.h"

#include <string.h>

#include "base/mem.h"
#include "tsdb/head_priv.h"

enum { RUNS_FIRST = 2 };

static struct starts_stripe *stripe_of(const struct head *head, uint32_t slot)
{
    return &((struct head *)(uintptr_t)head)->starts[slot >> HEAD_STRIPE_BITS & (HEAD_STRIPES - 1)];
}

/* Where the series of a slot stands, or would. Slots are given rising, so a new one is mostly the
 * last. */
static size_t place_of(const struct starts_stripe *stripe, uint32_t slot)
{
    size_t low = 0, high = stripe->series.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (stripe->series.items[middle]->slot < slot) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct starts_series **find_locked(const struct head *head, uint32_t slot)
{
    struct starts_stripe *stripe = stripe_of(head, slot);
    size_t at;

    if ((head_series_at(head, slot)->flags & SERIES_STARTS) == 0) {
        return NULL;
    }
    at = place_of(stripe, slot);
    ASSERT(at < stripe->series.count && stripe->series.items[at]->slot == slot);
    return &stripe->series.items[at];
}

static size_t bytes_of(uint32_t capacity)
{
    return sizeof(struct starts_series) + capacity * sizeof(struct starts_run);
}

static struct starts_series **make_locked(struct head *head, uint32_t slot)
{
    struct starts_stripe *stripe = stripe_of(head, slot);
    struct starts_series *one = mem_alloc_zero(bytes_of(RUNS_FIRST));
    size_t at = place_of(stripe, slot);

    one->slot = slot;
    one->capacity = RUNS_FIRST;
    vec_push(&stripe->series, one);
    memmove(stripe->series.items + at + 1, stripe->series.items + at,
            (stripe->series.count - 1 - at) * sizeof(struct starts_series *));
    stripe->series.items[at] = one;
    head_series_at(head, slot)->flags |= SERIES_STARTS;
    atomic_fetch_add_explicit(&head->outside, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&head->outside_bytes, bytes_of(RUNS_FIRST), memory_order_relaxed);
    return &stripe->series.items[at];
}

static void push_run(struct head *head, struct starts_series **place, ts st, uint64_t from)
{
    struct starts_series *one = *place;

    if (one->count == one->capacity) {
        one->capacity *= 2;
        one = *place = mem_realloc(one, bytes_of(one->capacity));
        atomic_fetch_add_explicit(&head->outside_bytes,
                                  one->capacity / 2 * sizeof(struct starts_run),
                                  memory_order_relaxed);
    }
    one->runs[one->count++] = (struct starts_run){st, from};
}

void head_starts_note_locked(struct head *head, uint32_t slot, ts st)
{
    uint64_t index = head_series_at(head, slot)->chunk.count - 1u;
    struct starts_series **place = find_locked(head, slot);

    if (place == NULL) {
        if (st == 0) {
            return;
        }
        place = make_locked(head, slot);
        if (index > 0) {
            push_run(head, place, 0, 0);
        }
    } else if ((*place)->runs[(*place)->count - 1].st == st) {
        return;
    }
    push_run(head, place, st, index);
}

const struct starts_series *head_starts_runs_locked(const struct head *head, uint32_t slot)
{
    struct starts_series **place = find_locked(head, slot);

    ASSERT(place != NULL);
    return *place;
}

void head_starts_set_locked(struct head *head, uint32_t slot, const struct starts_run *runs,
                            uint32_t count)
{
    struct starts_series **place;

    ASSERT(count > 0 && find_locked(head, slot) == NULL);
    place = make_locked(head, slot);
    for (uint32_t i = 0; i < count; i++) {
        push_run(head, place, runs[i].st, runs[i].from);
    }
}

ts head_starts_last_locked(const struct head *head, uint32_t slot)
{
    struct starts_series **place = find_locked(head, slot);

    return place == NULL ? 0 : (*place)->runs[(*place)->count - 1].st;
}

bool head_starts_pack_locked(const struct head *head, uint32_t slot, str data, uint8_t *encoding,
                             struct buf *ret)
{
    struct starts_series **place = find_locked(head, slot);
    size_t count = head_series_at(head, slot)->chunk.count;
    uint8_t with = CHUNK_NONE;
    uint8_t packed[HEAD_REPACKED_MAX];
    struct chunk_xor state;
    ts *st;
    int r = 0;

    if (place == NULL) {
        return false;
    }
    /* At most 2 * 120 floats, or histograms of two kilobytes. */
    st = mem_alloc(count * sizeof(ts));
    for (size_t i = 0, run = 0; i < count; i++) {
        run += run + 1 < (*place)->count && (*place)->runs[run + 1].from == i;
        st[i] = (*place)->runs[run].st;
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
    struct starts_series **place = find_locked(head, slot);
    struct starts_stripe *stripe = stripe_of(head, slot);
    size_t at;

    if (place == NULL) {
        return;
    }
    at = (size_t)(place - stripe->series.items);
    atomic_fetch_sub_explicit(&head->outside, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&head->outside_bytes, bytes_of((*place)->capacity),
                              memory_order_relaxed);
    (void)mem_free(*place);
    memmove(stripe->series.items + at, stripe->series.items + at + 1,
            (stripe->series.count - 1 - at) * sizeof(struct starts_series *));
    stripe->series.count--;
    head_series_at(head, slot)->flags &= (uint8_t)~SERIES_STARTS;
}

void head_starts_done(struct head *head)
{
    for (size_t i = 0; i < HEAD_STRIPES; i++) {
        ASSERT(head->starts[i].series.count == 0);
        vec_done(&head->starts[i].series);
    }
}
