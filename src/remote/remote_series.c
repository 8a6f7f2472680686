#include "remote/remote_series.h"

#include "base/assert.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"
#include "model/labels_builder.h"
#include "model/relabel.h"
#include "remote/label_pairs.h"
#include "remote/wire_out.h"

enum {
    SLOTS_MIN = 1024,
    DROPPED = UINT16_MAX, /* as pair_count: relabelling drops the series */
    PAIRS_MAX = UINT16_MAX - 1,
    METADATA_MAX = 100000, /* different ones; those beyond are not sent */
};

/* ref 0 = free. */
struct entry {
    series_ref ref;
    uint32_t *pairs;
    const struct metadata *metadata; /* NULL = unknown */
    uint32_t segment;                /* of the newest record */
    uint16_t pair_count;
};

struct remote_series {
    struct conf_pairs external_labels;
    const struct relabel_rules *rules;
    struct label_pairs pairs;
    VEC(struct entry) entries;
    VEC(uint32_t) free_numbers;
    uint32_t *slots; /* hash table of entries + 1; 0 = free */
    size_t slot_count;
    size_t used;
    struct labels_builder builder; /* of the series that is made */
    VEC(struct label) scratch;     /* of remote_series_labels */
    VEC(str) fields;               /* of remote_series_fields */
    VEC(uint32_t) symbols;         /* of remote_series_symbols */
    struct arena arena;            /* of relabelling; reset for each series */
    struct arena texts;            /* of metadata */
    struct map metadata;           /* by type, unit and help */
    struct buf key;
};

struct remote_series *remote_series_new(struct conf_pairs external_labels,
                                        const struct relabel_rules *rules)
{
    struct remote_series *series = MEM_NEW(struct remote_series);

    series->external_labels = external_labels;
    series->rules = rules;
    series->slot_count = SLOTS_MIN;
    series->slots = mem_alloc_zero(SLOTS_MIN * sizeof(*series->slots));
    return series;
}

struct remote_series *remote_series_free(struct remote_series *series)
{
    if (series == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < series->entries.count; i++) {
        (void)mem_free(series->entries.items[i].pairs);
    }
    vec_done(&series->entries);
    vec_done(&series->free_numbers);
    vec_done(&series->scratch);
    vec_done(&series->fields);
    vec_done(&series->symbols);
    label_pairs_done(&series->pairs);
    labels_builder_done(&series->builder);
    map_done(&series->metadata);
    buf_done(&series->key);
    arena_done(&series->arena);
    arena_done(&series->texts);
    (void)mem_free(series->slots);
    return mem_free(series);
}

/* The slot of a ref, or the free one where it belongs. Refs are given one after the other, and the
 * samples of a scrape come in their order: so do their slots. */
static size_t slot_of(const struct remote_series *series, series_ref ref)
{
    size_t slot = ref & (series->slot_count - 1);

    while (series->slots[slot] != 0 && series->entries.items[series->slots[slot] - 1].ref != ref) {
        slot = (slot + 1) & (series->slot_count - 1);
    }
    return slot;
}

/* Fills the hash table anew, of the given size. */
static void slots_fill(struct remote_series *series, size_t count)
{
    (void)mem_free(series->slots);
    series->slot_count = count;
    series->slots = mem_alloc_zero(count * sizeof(*series->slots));
    for (uint32_t i = 0; i < series->entries.count; i++) {
        if (series->entries.items[i].ref != 0) {
            series->slots[slot_of(series, series->entries.items[i].ref)] = i + 1;
        }
    }
}

/* The labels that are sent, in the builder; false when the series is dropped. */
static bool labels_make(struct remote_series *series, struct labels labels)
{
    struct labels_builder *builder = &series->builder;

    arena_reset(&series->arena);
    labels_builder_load(builder, labels);
    for (size_t i = 0; i < series->external_labels.count; i++) {
        const struct conf_pair *pair = &series->external_labels.items[i];

        if (labels_builder_get(builder, pair->name).ptr == NULL) {
            labels_builder_add(builder, pair->name, pair->value);
        }
    }
    return relabel_apply(series->rules, builder, &series->arena);
}

static void entry_fill(struct remote_series *series, struct entry *entry, struct labels labels)
{
    struct labels sent = {0};

    if (labels_make(series, labels)) {
        sent = labels_builder_finish(&series->builder);
    }
    if (sent.count == 0 || sent.count > PAIRS_MAX) {
        entry->pair_count = DROPPED;
        return;
    }
    entry->pairs = mem_alloc(sent.count * sizeof(*entry->pairs));
    entry->pair_count = (uint16_t)sent.count;
    for (size_t i = 0; i < sent.count; i++) {
        entry->pairs[i] = label_pairs_take(&series->pairs, sent.items[i].name, sent.items[i].value);
    }
}

static uint32_t number_take(struct remote_series *series)
{
    if (series->free_numbers.count > 0) {
        return vec_pop(&series->free_numbers);
    }
    vec_push(&series->entries, (struct entry){0});
    return (uint32_t)series->entries.count - 1;
}

int remote_series_put(struct remote_series *series, series_ref ref, struct labels labels,
                      uint64_t segment, struct baro_error *err)
{
    struct entry *entry;
    uint32_t number;
    size_t slot = slot_of(series, ref);

    if (ref == 0) {
        return error_set(err, BARO_ECORRUPT, "a series of the write-ahead log has number 0");
    }
    if (series->slots[slot] != 0) {
        series->entries.items[series->slots[slot] - 1].segment = (uint32_t)segment;
        return 0;
    }
    if (series->used >= REMOTE_SERIES_MAX) {
        return error_set(err, BARO_ELIMIT, "more series than remote write can hold");
    }
    if ((series->used + 1) * 2 > series->slot_count) {
        slots_fill(series, series->slot_count * 2);
        slot = slot_of(series, ref);
    }
    number = number_take(series);
    entry = &series->entries.items[number];
    *entry = (struct entry){.ref = ref, .segment = (uint32_t)segment};
    entry_fill(series, entry, labels);
    series->slots[slot] = number + 1;
    series->used++;
    return 0;
}

/* One copy of each different metadata, which lives as long as the table. */
static const struct metadata *metadata_keep(struct remote_series *series,
                                            const struct metadata *metadata)
{
    struct metadata *kept;

    buf_reset(&series->key);
    buf_printf(&series->key, "%d %zu ", (int)metadata->type, metadata->unit.len);
    buf_str(&series->key, metadata->unit);
    buf_str(&series->key, metadata->help);
    kept = map_get(&series->metadata, buf_view(&series->key));
    if (kept == NULL && series->metadata.count < METADATA_MAX && !series->key.failed) {
        kept = ARENA_NEW(&series->texts, struct metadata);
        *kept = (struct metadata){metadata->type, arena_str(&series->texts, metadata->unit),
                                  arena_str(&series->texts, metadata->help)};
        (void)map_put(&series->metadata, arena_str(&series->texts, buf_view(&series->key)), kept);
    }
    return kept;
}

void remote_series_put_metadata(struct remote_series *series, series_ref ref,
                                const struct metadata *metadata)
{
    uint32_t number = series->slots[slot_of(series, ref)];

    if (number != 0) {
        series->entries.items[number - 1].metadata = metadata_keep(series, metadata);
    }
}

enum remote_series_state remote_series_find(const struct remote_series *series, series_ref ref,
                                            uint32_t *ret_number)
{
    uint32_t number = series->slots[slot_of(series, ref)];

    if (number == 0) {
        return REMOTE_SERIES_UNKNOWN;
    }
    *ret_number = number - 1;
    return series->entries.items[number - 1].pair_count == DROPPED ? REMOTE_SERIES_DROPPED
                                                                   : REMOTE_SERIES_SENT;
}

struct labels remote_series_labels(struct remote_series *series, uint32_t number)
{
    const struct entry *entry = &series->entries.items[number];

    ASSERT(entry->ref != 0 && entry->pair_count != DROPPED);
    vec_reset(&series->scratch);
    vec_reserve(&series->scratch, entry->pair_count);
    for (size_t i = 0; i < entry->pair_count; i++) {
        series->scratch.items[i] = label_pairs_get(&series->pairs, entry->pairs[i]);
    }
    return (struct labels){series->scratch.items, entry->pair_count};
}

const str *remote_series_fields(struct remote_series *series, uint32_t number, size_t *ret_count)
{
    const struct entry *entry = &series->entries.items[number];

    ASSERT(entry->ref != 0 && entry->pair_count != DROPPED);
    vec_reset(&series->fields);
    vec_reserve(&series->fields, entry->pair_count);
    for (size_t i = 0; i < entry->pair_count; i++) {
        series->fields.items[i] = label_pairs_field(&series->pairs, entry->pairs[i]);
    }
    *ret_count = entry->pair_count;
    return series->fields.items;
}

const uint32_t *remote_series_symbols(struct remote_series *series, uint32_t number,
                                      struct wire_out *out, size_t *ret_count)
{
    const struct entry *entry = &series->entries.items[number];

    ASSERT(entry->ref != 0 && entry->pair_count != DROPPED);
    vec_reset(&series->symbols);
    vec_reserve(&series->symbols, 2 * (size_t)entry->pair_count);
    for (size_t i = 0; i < entry->pair_count; i++) {
        struct label_pair *pair = &series->pairs.pairs.items[entry->pairs[i]];

        if (pair->request != out->request) {
            struct label label = label_pairs_get(&series->pairs, entry->pairs[i]);

            pair->request = out->request;
            pair->name_symbol = wire_out_symbol(out, label.name);
            pair->value_symbol = wire_out_symbol(out, label.value);
        }
        series->symbols.items[2 * i] = pair->name_symbol;
        series->symbols.items[2 * i + 1] = pair->value_symbol;
    }
    *ret_count = 2 * (size_t)entry->pair_count;
    return series->symbols.items;
}

const struct metadata *remote_series_metadata(const struct remote_series *series, uint32_t number)
{
    return series->entries.items[number].metadata;
}

void remote_series_sweep(struct remote_series *series, uint64_t segment)
{
    size_t before = series->used;

    for (uint32_t i = 0; i < series->entries.count; i++) {
        struct entry *entry = &series->entries.items[i];

        if (entry->ref == 0 || entry->segment >= segment) {
            continue;
        }
        for (size_t k = 0; entry->pair_count != DROPPED && k < entry->pair_count; k++) {
            label_pairs_drop(&series->pairs, entry->pairs[k]);
        }
        *entry = (struct entry){.pairs = mem_free(entry->pairs)};
        vec_push(&series->free_numbers, i);
        series->used--;
    }
    if (series->used != before) {
        slots_fill(series, series->slot_count);
    }
}

size_t remote_series_count(const struct remote_series *series)
{
    return series->used;
}
