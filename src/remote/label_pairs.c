#include "remote/label_pairs.h"

#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "remote/wire_fields.h"

enum { SLOTS_MIN = 256 };

static uint64_t pair_hash(str name, str value)
{
    return str_hash(name) * UINT64_C(0x9E3779B97F4A7C15) ^ str_hash(value);
}

static bool pair_is(const struct label_pairs *pairs, uint32_t number, str name, str value)
{
    struct label pair = label_pairs_get(pairs, number);

    return str_eq(pair.name, name) && str_eq(pair.value, value);
}

/* The slot of a pair, or the free one where it belongs. */
static size_t slot_of(const struct label_pairs *pairs, str name, str value)
{
    size_t slot = pair_hash(name, value) & (pairs->slot_count - 1);

    while (pairs->slots[slot] != 0 && !pair_is(pairs, pairs->slots[slot] - 1, name, value)) {
        slot = (slot + 1) & (pairs->slot_count - 1);
    }
    return slot;
}

static void grow(struct label_pairs *pairs)
{
    pairs->slot_count = pairs->slot_count == 0 ? SLOTS_MIN : pairs->slot_count * 2;
    (void)mem_free(pairs->slots);
    pairs->slots = mem_alloc_zero(pairs->slot_count * sizeof(*pairs->slots));
    for (uint32_t i = 0; i < pairs->pairs.count; i++) {
        if (pairs->pairs.items[i].refs > 0) {
            struct label pair = label_pairs_get(pairs, i);

            pairs->slots[slot_of(pairs, pair.name, pair.value)] = i + 1;
        }
    }
}

void label_pairs_done(struct label_pairs *pairs)
{
    for (size_t i = 0; i < pairs->pairs.count; i++) {
        (void)mem_free(pairs->pairs.items[i].field);
    }
    vec_done(&pairs->pairs);
    (void)mem_free(pairs->slots);
    *pairs = (struct label_pairs){0};
}

static uint32_t number_take(struct label_pairs *pairs)
{
    uint32_t number = (uint32_t)pairs->pairs.count;

    if (pairs->free_ > 0) {
        number = pairs->free_ - 1;
        pairs->free_ = pairs->pairs.items[number].next;
        return number;
    }
    vec_push(&pairs->pairs, (struct label_pair){0});
    return number;
}

static void pair_fill(struct label_pair *pair, struct label label)
{
    struct buf field = {0};

    wire_label_put(&field, SERIES1_LABEL, label);
    ASSERT(!field.failed);
    *pair = (struct label_pair){
        .field = mem_alloc(field.len),
        .bytes = (uint32_t)field.len,
        .name_at = (uint32_t)(field.len - wire_bytes_size(label.value.len) - label.name.len),
        .name_len = (uint32_t)label.name.len,
        .value_len = (uint32_t)label.value.len,
        .refs = 1,
    };
    memcpy(pair->field, field.ptr, field.len);
    buf_done(&field);
}

uint32_t label_pairs_take(struct label_pairs *pairs, str name, str value)
{
    uint32_t number;
    size_t slot;

    if ((pairs->used + 1) * 2 > pairs->slot_count) {
        grow(pairs);
    }
    slot = slot_of(pairs, name, value);
    if (pairs->slots[slot] != 0) {
        number = pairs->slots[slot] - 1;
        pairs->pairs.items[number].refs++;
        return number;
    }
    number = number_take(pairs);
    pair_fill(&pairs->pairs.items[number], (struct label){name, value});
    pairs->slots[slot] = number + 1;
    pairs->used++;
    return number;
}

/* Closes the gap that an emptied slot leaves in its run. */
static void slot_empty(struct label_pairs *pairs, size_t slot)
{
    size_t mask = pairs->slot_count - 1;

    pairs->slots[slot] = 0;
    for (size_t at = (slot + 1) & mask; pairs->slots[at] != 0; at = (at + 1) & mask) {
        struct label pair = label_pairs_get(pairs, pairs->slots[at] - 1);
        size_t home = pair_hash(pair.name, pair.value) & mask;

        /* It may move when its home is not between the gap and itself. */
        if (((at - home) & mask) >= ((at - slot) & mask)) {
            pairs->slots[slot] = pairs->slots[at];
            pairs->slots[at] = 0;
            slot = at;
        }
    }
}

void label_pairs_drop(struct label_pairs *pairs, uint32_t number)
{
    struct label_pair *pair = &pairs->pairs.items[number];
    struct label label = label_pairs_get(pairs, number);

    ASSERT(pair->refs > 0);
    if (--pair->refs > 0) {
        return;
    }
    slot_empty(pairs, slot_of(pairs, label.name, label.value));
    *pair = (struct label_pair){.field = mem_free(pair->field), .next = pairs->free_};
    pairs->free_ = number + 1;
    pairs->used--;
}
