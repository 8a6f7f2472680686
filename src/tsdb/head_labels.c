#include "tsdb/head_labels.h"

#include <string.h>

#include "base/assert.h"
#include "base/mem.h"

enum { TABLE_FIRST = 1024, PAIR_PAGE = 1 << PAIR_PAGE_BITS };

void head_labels_init(struct head_labels *index)
{
    *index = (struct head_labels){.pair_count = 1};
    index->pages = mem_alloc_zero(PAIR_PAGES_MAX * sizeof(index->pages[0]));
    index->capacity = TABLE_FIRST;
    index->slots = mem_alloc_zero(TABLE_FIRST * sizeof(index->slots[0]));
}

void head_labels_done(struct head_labels *index)
{
    if (index->pages == NULL) {
        return;
    }
    for (pair_ref pair = 1; pair < index->pair_count; pair++) {
        struct label_pair *at = label_pair_at(index, pair);

        if (at->capacity > PAIR_INLINE_MAX) {
            at->items = mem_free(at->items);
        }
        (void)mem_free((void *)(uintptr_t)at->value);
    }
    for (size_t i = 0; i < PAIR_PAGES_MAX && index->pages[i] != NULL; i++) {
        (void)mem_free(index->pages[i]);
    }
    for (size_t i = 0; i < index->names.count; i++) {
        vec_done(&index->names.items[i]->pairs);
    }
    index->pages = mem_free(index->pages);
    index->slots = mem_free(index->slots);
    vec_done(&index->names);
    vec_done(&index->free_pairs);
    map_done(&index->by_name);
    arena_done(&index->texts);
}

const struct label_name *head_labels_name(const struct head_labels *index, str name)
{
    return map_get(&index->by_name, name);
}

static size_t hash_pair(const struct label_name *name, str value)
{
    return (size_t)(str_hash(value) ^ ((uint64_t)(uintptr_t)name * UINT64_C(0x9E3779B97F4A7C15)));
}

/* The slot of the table where the pair is, or the free one where it belongs. */
static size_t find_slot(const struct head_labels *index, const struct label_name *name, str value)
{
    size_t mask = index->capacity - 1;
    size_t i = hash_pair(name, value) & mask;

    for (;; i = (i + 1) & mask) {
        const struct label_pair *at;

        if (index->slots[i] == 0) {
            return i;
        }
        at = label_pair_at(index, index->slots[i]);
        if (at->name == name && str_eq(label_pair_value(at), value)) {
            return i;
        }
    }
}

pair_ref head_labels_find(const struct head_labels *index, str name, str value)
{
    const struct label_name *found = head_labels_name(index, name);

    return found == NULL ? 0 : index->slots[find_slot(index, found, value)];
}

static void grow_table(struct head_labels *index)
{
    pair_ref *old = index->slots;

    index->capacity *= 2;
    index->slots = mem_alloc_zero(index->capacity * sizeof(index->slots[0]));
    for (pair_ref pair = 1; pair < index->pair_count; pair++) {
        const struct label_pair *at = label_pair_at(index, pair);

        if (at->capacity > 0) {
            index->slots[find_slot(index, at->name, label_pair_value(at))] = pair;
        }
    }
    (void)mem_free(old);
}

static struct label_name *add_name(struct head_labels *index, str name)
{
    struct label_name *found = map_get(&index->by_name, name);

    if (found == NULL) {
        found = ARENA_NEW(&index->texts, struct label_name);
        found->text = arena_str(&index->texts, name);
        vec_push(&index->names, found);
        (void)map_put(&index->by_name, found->text, found);
    }
    return found;
}

/* A number that was freed, or the next one; 0 when there are too many. */
static pair_ref new_number(struct head_labels *index)
{
    struct label_pair **page = &index->pages[index->pair_count >> PAIR_PAGE_BITS];

    if (index->free_pairs.count > 0) {
        index->free_count--;
        return vec_pop(&index->free_pairs);
    }
    if (index->pair_count >> PAIR_PAGE_BITS == PAIR_PAGES_MAX - 1) {
        return 0;
    }
    if (*page == NULL) {
        *page = mem_alloc(PAIR_PAGE * sizeof(struct label_pair));
    }
    return index->pair_count++;
}

static const char *copy_value(struct head_labels *index, str value)
{
    char *copy = mem_alloc(value.len > 0 ? value.len : 1);

    memcpy(copy, value.ptr, value.len);
    index->value_bytes += value.len;
    return copy;
}

pair_ref head_labels_add(struct head_labels *index, str name, str value)
{
    struct label_name *label = add_name(index, name);
    size_t slot = find_slot(index, label, value);
    pair_ref pair = index->slots[slot];

    if (pair != 0) {
        return pair;
    }
    pair = new_number(index);
    if (pair == 0 || value.len > UINT32_MAX) {
        return 0;
    }
    *label_pair_at(index, pair) = (struct label_pair){
        .name = label,
        .value = copy_value(index, value),
        .value_len = (uint32_t)value.len,
        .capacity = PAIR_INLINE_MAX,
    };
    index->slots[slot] = pair;
    vec_push(&label->pairs, pair);
    label->value_bytes += value.len;
    /* Full to five eighths at most. */
    if (index->pair_count * 8ull > index->capacity * 5ull) {
        grow_table(index);
    }
    return pair;
}

const struct label_name *head_labels_name_add(struct head_labels *index, str name)
{
    return add_name(index, name);
}

/* Also by threads that post side by side. */
static void note_postings(struct head_labels *index, ptrdiff_t bytes)
{
    atomic_fetch_add_explicit(&index->postings_bytes, (size_t)bytes, memory_order_relaxed);
}

void head_labels_reserve(struct head_labels *index, pair_ref pair, uint32_t count)
{
    struct label_pair *at = label_pair_at(index, pair);

    if (at->count == 0 && at->capacity == PAIR_INLINE_MAX && count > PAIR_INLINE_MAX) {
        at->items = mem_alloc(count * sizeof(uint32_t));
        at->capacity = count;
        note_postings(index, (ptrdiff_t)(count * sizeof(uint32_t)));
    }
}

void head_labels_post(struct head_labels *index, pair_ref pair, uint32_t slot)
{
    struct label_pair *at = label_pair_at(index, pair);
    uint32_t *items = at->capacity <= PAIR_INLINE_MAX ? at->few : at->items;

    DASSERT(at->count == 0 || items[at->count - 1] < slot);
    if (at->count == at->capacity) {
        /* Growing by a quarter wastes an eighth on average; doubling would waste a half. */
        uint32_t more = at->capacity < 16 ? 4 : at->capacity / 4;
        uint32_t *grown;

        if (at->capacity <= PAIR_INLINE_MAX) {
            grown = mem_alloc((at->capacity + (size_t)more) * sizeof(uint32_t));
            memcpy(grown, at->few, at->count * sizeof(uint32_t));
            note_postings(index, (ptrdiff_t)((at->capacity + (size_t)more) * sizeof(uint32_t)));
        } else {
            grown = mem_realloc(at->items, (at->capacity + (size_t)more) * sizeof(uint32_t));
            note_postings(index, (ptrdiff_t)((size_t)more * sizeof(uint32_t)));
        }
        at->items = items = grown;
        at->capacity += more;
    }
    items[at->count++] = slot;
}

/* Frees a place of the table and moves those behind it up that are not at home. */
static void remove_slot(struct head_labels *index, size_t hole)
{
    size_t mask = index->capacity - 1;

    for (size_t i = (hole + 1) & mask; index->slots[i] != 0; i = (i + 1) & mask) {
        const struct label_pair *at = label_pair_at(index, index->slots[i]);
        size_t home = hash_pair(at->name, label_pair_value(at)) & mask;

        if (((i - home) & mask) >= ((i - hole) & mask)) {
            index->slots[hole] = index->slots[i];
            hole = i;
        }
    }
    index->slots[hole] = 0;
}

static void free_postings(struct head_labels *index, struct label_pair *at)
{
    if (at->capacity > PAIR_INLINE_MAX) {
        note_postings(index, -(ptrdiff_t)(at->capacity * sizeof(uint32_t)));
        at->items = mem_free(at->items);
    }
}

static void remove_pair(struct head_labels *index, struct label_pair *at)
{
    struct label_name *name = (struct label_name *)(uintptr_t)at->name;

    remove_slot(index, find_slot(index, name, label_pair_value(at)));
    free_postings(index, at);
    at->capacity = 0;
    index->free_count++;
    name->value_bytes -= at->value_len;
}

/* A list that has lost more than half gives memory back. */
static void shrink(struct head_labels *index, struct label_pair *at)
{
    if (at->capacity <= PAIR_INLINE_MAX || at->count > at->capacity / 2) {
        return;
    }
    if (at->count <= PAIR_INLINE_MAX) {
        uint32_t few[PAIR_INLINE_MAX];

        memcpy(few, at->items, at->count * sizeof(uint32_t));
        free_postings(index, at);
        memcpy(at->few, few, at->count * sizeof(uint32_t));
        at->capacity = PAIR_INLINE_MAX;
        return;
    }
    note_postings(index, -(ptrdiff_t)((at->capacity - at->count) * sizeof(uint32_t)));
    at->items = mem_realloc(at->items, at->count * sizeof(uint32_t));
    at->capacity = at->count;
}

int head_labels_filter(struct head_labels *index, pair_ref pair,
                       bool (*is_gone)(const void *context, uint32_t slot), const void *context)
{
    struct label_pair *at = label_pair_at(index, pair);
    uint32_t *items = at->capacity <= PAIR_INLINE_MAX ? at->few : at->items;
    uint32_t kept = 0;

    ASSERT(at->capacity > 0);
    for (uint32_t i = 0; i < at->count; i++) {
        if (!is_gone(context, items[i])) {
            items[kept++] = items[i];
        }
    }
    at->count = kept;
    if (kept == 0) {
        remove_pair(index, at);
        return 1;
    }
    shrink(index, at);
    return 0;
}

void head_labels_tidy(struct head_labels *index, struct label_name *name)
{
    size_t kept = 0;

    for (size_t i = 0; i < name->pairs.count; i++) {
        if (label_pair_at(index, name->pairs.items[i])->capacity > 0) {
            name->pairs.items[kept++] = name->pairs.items[i];
        }
    }
    name->pairs.count = kept;
}

void head_labels_reuse(struct head_labels *index, pair_ref pair)
{
    struct label_pair *at = label_pair_at(index, pair);

    ASSERT(at->capacity == 0 && at->count == 0);
    index->value_bytes -= at->value_len;
    (void)mem_free((void *)(uintptr_t)at->value);
    at->value = NULL;
    at->value_len = 0;
    vec_push(&index->free_pairs, pair);
}

size_t head_labels_postings_bytes(const struct head_labels *index)
{
    return atomic_load_explicit(&index->postings_bytes, memory_order_relaxed);
}

size_t head_labels_bytes(const struct head_labels *index)
{
    size_t pages = (index->pair_count + PAIR_PAGE - 1) / PAIR_PAGE;
    size_t bytes = pages * PAIR_PAGE * sizeof(struct label_pair) +
                   index->capacity * sizeof(pair_ref) + index->texts.used_bytes +
                   index->value_bytes + head_labels_postings_bytes(index);

    for (size_t i = 0; i < index->names.count; i++) {
        bytes += index->names.items[i]->pairs.capacity * sizeof(pair_ref);
    }
    return bytes;
}
