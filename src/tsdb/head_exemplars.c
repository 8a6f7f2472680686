#include "tsdb/head_exemplars.h"

#include <string.h>

#include "base/mem.h"
#include "client/self.h"

void head_exemplars_init(struct head_exemplars *ring, uint32_t max)
{
    size_t table = 16;

    *ring = (struct head_exemplars){.max = max};
    lock_init(&ring->lock, LOCK_LEAF);
    if (max > 0) {
        while (table < (size_t)max * 2) {
            table *= 2;
        }
        ring->items = mem_alloc_zero((size_t)max * sizeof(ring->items[0]));
        ring->newest = mem_alloc_zero(table * sizeof(ring->newest[0]));
        ring->table_mask = table - 1;
    }
}

void head_exemplars_done(struct head_exemplars *ring)
{
    for (uint32_t i = 0; i < ring->max; i++) {
        (void)mem_free(ring->items[i].labels);
    }
    ring->items = mem_free(ring->items);
    ring->newest = mem_free(ring->newest);
    lock_done(&ring->lock);
}

static size_t home(const struct head_exemplars *ring, uint32_t slot)
{
    return (size_t)(slot * UINT64_C(0x9E3779B97F4A7C15) >> 32) & ring->table_mask;
}

/* The place in the table of the series' newest exemplar, or the free one where it belongs. */
static size_t find(const struct head_exemplars *ring, uint32_t slot)
{
    size_t i = home(ring, slot);

    while (ring->newest[i] != 0 && ring->items[ring->newest[i] - 1].slot != slot) {
        i = (i + 1) & ring->table_mask;
    }
    return i;
}

/* Closes the gap that a removed entry leaves, so that the search of find stays unbroken. */
static void table_remove(struct head_exemplars *ring, size_t gap)
{
    size_t i = gap;

    for (;;) {
        size_t from;

        i = (i + 1) & ring->table_mask;
        if (ring->newest[i] == 0) {
            break;
        }
        from = home(ring, ring->items[ring->newest[i] - 1].slot);
        if (((i - from) & ring->table_mask) >= ((i - gap) & ring->table_mask)) {
            ring->newest[gap] = ring->newest[i];
            gap = i;
        }
    }
    ring->newest[gap] = 0;
}

static bool labels_are(const struct exemplar_slot *item, struct labels labels)
{
    const char *at = item->labels;

    if (item->label_count != labels.count) {
        return false;
    }
    for (size_t i = 0; i < labels.count * 2; i++) {
        str text = i % 2 == 0 ? labels.items[i / 2].name : labels.items[i / 2].value;

        if (!str_eq(str_from(at), text)) {
            return false;
        }
        at += text.len + 1;
    }
    return true;
}

static size_t labels_bytes(struct labels labels)
{
    return labels_text_bytes(labels) + 2 * labels.count;
}

static size_t labels_runes(struct labels labels)
{
    size_t runes = 0;

    for (size_t i = 0; i < labels.count * 2; i++) {
        str text = i % 2 == 0 ? labels.items[i / 2].name : labels.items[i / 2].value;

        for (size_t at = 0; at < text.len; at++) {
            runes += ((uint8_t)text.ptr[at] & 0xc0) != 0x80;
        }
    }
    return runes;
}

static int check_locked(struct head_exemplars *ring, uint32_t slot, const struct exemplar *exemplar,
                        struct baro_error *err)
{
    uint32_t index = ring->newest[find(ring, slot)];
    const struct exemplar_slot *newest;

    if (index == 0) {
        return 1;
    }
    newest = &ring->items[index - 1];
    if (exemplar->t == newest->t && value_bits(exemplar->value) == value_bits(newest->value) &&
        labels_are(newest, exemplar->labels)) {
        return 0;
    }
    if (exemplar->t < newest->t) {
        return error_set(err, BARO_EOUTOFORDER, "out of order exemplar");
    }
    return 1;
}

int head_exemplars_check(struct head_exemplars *ring, uint32_t slot,
                         const struct exemplar *exemplar, struct baro_error *err)
{
    int r;

    if (ring->max == 0) {
        return 0;
    }
    if (labels_runes(exemplar->labels) > EXEMPLAR_RUNES_MAX) {
        return error_set(err, BARO_ELIMIT,
                         "label names and values of the exemplar exceed %d characters",
                         EXEMPLAR_RUNES_MAX);
    }
    lock_acquire(&ring->lock);
    r = check_locked(ring, slot, exemplar, err);
    lock_release(&ring->lock);
    return r;
}

static void store_labels(struct exemplar_slot *item, struct labels labels)
{
    size_t bytes = labels_bytes(labels);
    char *at;

    if (bytes > item->label_bytes || item->labels == NULL) {
        item->labels = mem_realloc(item->labels, bytes + 1);
    }
    at = item->labels;
    for (size_t i = 0; i < labels.count * 2; i++) {
        str text = i % 2 == 0 ? labels.items[i / 2].name : labels.items[i / 2].value;

        memcpy(at, text.ptr, text.len);
        at[text.len] = '\0';
        at += text.len + 1;
    }
    item->label_bytes = (uint16_t)(bytes > item->label_bytes ? bytes : item->label_bytes);
    item->label_count = (uint16_t)labels.count;
}

/* The oldest exemplar gives its place away; when it was its series' newest, the series has none. */
static void evict_locked(struct head_exemplars *ring, uint32_t index)
{
    size_t place = find(ring, ring->items[index].slot);

    if (ring->newest[place] == index + 1) {
        table_remove(ring, place);
        ring->series--;
    }
}

bool head_exemplars_add(struct head_exemplars *ring, uint32_t slot, const struct exemplar *exemplar)
{
    bool is_added = false;

    if (ring->max == 0 || labels_runes(exemplar->labels) > EXEMPLAR_RUNES_MAX) {
        return false;
    }
    lock_acquire(&ring->lock);
    if (check_locked(ring, slot, exemplar, NULL) == 1) {
        struct exemplar_slot *item = &ring->items[ring->next];
        size_t place;

        if (ring->count == ring->max) {
            evict_locked(ring, ring->next);
        } else {
            ring->count++;
        }
        item->slot = slot;
        item->t = exemplar->t;
        item->value = exemplar->value;
        store_labels(item, exemplar->labels);
        place = find(ring, slot);
        ring->series += ring->newest[place] == 0;
        ring->newest[place] = ring->next + 1;
        ring->next = (ring->next + 1) % ring->max;
        is_added = true;
    }
    lock_release(&ring->lock);
    return is_added;
}

/* Moves the kept ones together, oldest first, and builds the table anew. */
void head_exemplars_forget(struct head_exemplars *ring,
                           bool (*is_gone)(const void *context, uint32_t slot), const void *context)
{
    uint32_t kept = 0, first;

    if (ring->max == 0) {
        return;
    }
    lock_acquire(&ring->lock);
    ring->series = 0;
    first = (ring->next + ring->max - ring->count) % ring->max;
    memset(ring->newest, 0, (ring->table_mask + 1) * sizeof(ring->newest[0]));
    for (uint32_t i = 0; i < ring->count; i++) {
        uint32_t from = (first + i) % ring->max, to = (first + kept) % ring->max;
        struct exemplar_slot moved = ring->items[from];
        size_t place;

        if (is_gone(context, moved.slot)) {
            continue;
        }
        /* The place that is left keeps a label buffer for its next exemplar. */
        ring->items[from] = ring->items[to];
        ring->items[to] = moved;
        place = find(ring, moved.slot);
        ring->series += ring->newest[place] == 0;
        ring->newest[place] = to + 1;
        kept++;
    }
    ring->count = kept;
    ring->next = (first + kept) % ring->max;
    lock_release(&ring->lock);
}

static struct labels load_labels(struct arena *arena, const struct exemplar_slot *item)
{
    struct label *items = ARENA_ARRAY(arena, struct label, item->label_count + 1u);
    const char *at = item->labels;

    for (size_t i = 0; i < item->label_count * 2u; i++) {
        str text = arena_str(arena, str_from(at));

        *(i % 2 == 0 ? &items[i / 2].name : &items[i / 2].value) = text;
        at += text.len + 1;
    }
    return (struct labels){items, item->label_count};
}

size_t head_exemplars_list(struct head_exemplars *ring, struct arena *arena, ts start, ts end,
                           struct exemplar_found **ret)
{
    size_t count = 0;

    lock_acquire(&ring->lock);
    *ret = ARENA_ARRAY(arena, struct exemplar_found, ring->count + 1u);
    for (uint32_t i = 0; i < ring->count; i++) {
        uint32_t index = (ring->next + ring->max - ring->count + i) % ring->max;
        const struct exemplar_slot *item = &ring->items[index];

        if (item->t >= start && item->t <= end) {
            (*ret)[count++] = (struct exemplar_found){
                .slot = item->slot,
                .exemplar = {load_labels(arena, item), item->value, item->t},
            };
        }
    }
    lock_release(&ring->lock);
    return count;
}

struct head_exemplars_figures head_exemplars_figures(struct head_exemplars *ring)
{
    struct head_exemplars_figures figures;

    lock_acquire(&ring->lock);
    figures = (struct head_exemplars_figures){.count = ring->count, .series = ring->series};
    if (ring->count > 0) {
        figures.oldest = ring->items[(ring->next + ring->max - ring->count) % ring->max].t;
    }
    lock_release(&ring->lock);
    return figures;
}

size_t head_exemplars_bytes(struct head_exemplars *ring)
{
    size_t bytes = 0;

    if (ring->max > 0) {
        lock_acquire(&ring->lock);
        bytes = ring->count * sizeof(ring->items[0]);
        for (uint32_t i = 0; i < ring->count; i++) {
            bytes += ring->items[i].label_bytes;
        }
        lock_release(&ring->lock);
    }
    return bytes;
}
