#include "client/baro_priv.h"

#include <stdlib.h>

enum {
    SLAB_SERIES = 64,  /* a slab of 4 KiB */
    TABLE_FIRST = 8,   /* entries of a family's first table */
    ENTRY_REMOVED = 1, /* an entry that was taken: a search goes on behind it */
    KEY_BYTES_STACK = 1024,
};

static const uint64_t address_mask = ((uint64_t)1 << BARO_GENERATION_SHIFT) - 1;

/* Slabs belong to the process: a series of a freed registry is used again by the next, its
 * generation raised. */
static struct {
    pthread_mutex_t mutex;
    struct baro_series *free_list; /* linked by text */
} slabs = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* ---- Keys -------------------------------------------------------------------------------------
 */

static inline uint64_t mix(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t load64(const char *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof(word));
    return word;
}

/* The last 1 to 8 bytes of a value as a word, without reading behind it. */
static inline uint64_t load_tail(const char *p, size_t size)
{
    uint32_t low = 0;
    uint32_t high = 0;

    if (size >= 4) {
        memcpy(&low, p, 4);
        memcpy(&high, p + size - 4, 4);
        return ((uint64_t)high << 32) | low;
    }
    if (size == 0) {
        return 0;
    }
    return ((uint64_t)(unsigned char)p[0] << 16) | ((uint64_t)(unsigned char)p[size >> 1] << 8) |
           (unsigned char)p[size - 1];
}

/* Odd random constants; the hash only has to spread what programs use as label values: the table of
 * a family is capped. */
static const uint64_t hash_seed = 0x9E3779B97F4A7C15ULL;
static const uint64_t hash_step = 0xD6E8FEB86659FD93ULL;

static inline uint64_t hash_value(uint64_t hash, const char *value, size_t size)
{
    size_t left = size;

    while (left > 8) {
        hash = mix(hash ^ load64(value), hash_step);
        value += 8;
        left -= 8;
    }
    return mix(hash ^ load_tail(value, left) ^ ((uint64_t)size << 56), hash_step);
}

static uint64_t hash_key(const char *key, uint32_t key_size)
{
    uint64_t hash = hash_seed;

    for (uint32_t at = 0; at < key_size;) {
        size_t size = strlen(&key[at]);

        hash = hash_value(hash, &key[at], size);
        at += (uint32_t)size + 1;
    }
    return hash;
}

/* ---- Reading the table --------------------------------------------------------------------------
 */

static inline struct baro_series *entry_series(uint64_t entry)
{
    return (struct baro_series *)(uintptr_t)(entry & address_mask);
}

/* Sizes are known to be equal in sum only: a value that ends early differs at its NUL. */
static inline bool key_is(const struct baro_series *series, const char *const *values,
                          const size_t *sizes, uint32_t count)
{
    const char *key = series->text;

    for (uint32_t i = 0; i < count; i++) {
        if (memcmp(key, values[i], sizes[i] + 1) != 0) {
            return false;
        }
        key += sizes[i] + 1;
    }
    return true;
}

struct lookup {
    const char *const *values;
    size_t sizes[BARO_LABELS_MAX];
    uint32_t count;
    uint32_t key_size;
    uint64_t hash;
};

/* Too few values (a NULL among them) are misuse, told by false. Values are cut later, when a series
 * is made: a longer one has another hash then, and is looked up again with the lock. */
static inline bool lookup_start(struct lookup *look, const struct baro_family *family,
                                const char *const *values)
{
    uint64_t hash = hash_seed;
    size_t total = 0;

    look->values = values;
    look->count = family->label_count;
    if (look->count > 0 && values == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < look->count; i++) {
        size_t size;

        if (BARO_UNLIKELY(values[i] == NULL)) {
            return false;
        }
        size = strlen(values[i]);
        look->sizes[i] = size;
        hash = hash_value(hash, values[i], size);
        total += size + 1;
    }
    look->key_size = total > UINT16_MAX ? 0 : (uint32_t)total; /* 0: longer than any key */
    look->hash = hash;
    return true;
}

static inline struct baro_series *table_find(const struct baro_table *table,
                                             const struct lookup *look)
{
    uint64_t tag = look->hash >> BARO_GENERATION_SHIFT;

    for (uint32_t i = (uint32_t)look->hash & table->mask;; i = (i + 1) & table->mask) {
        uint64_t entry = __atomic_load_n(&table->entries[i], __ATOMIC_ACQUIRE);

        if (entry == 0) {
            return NULL;
        }
        if (entry >> BARO_GENERATION_SHIFT == tag && entry_series(entry) != NULL &&
            entry != ENTRY_REMOVED) {
            struct baro_series *series = entry_series(entry);

            if (series->key_size == look->key_size &&
                key_is(series, look->values, look->sizes, look->count)) {
                return series;
            }
        }
    }
}

static BARO_COLD uint64_t with_slow(struct baro_family *family, const char *const *values)
{
    struct baro_series *series;
    uint64_t ref = 0;

    (void)pthread_mutex_lock(&family->registry->mutex);
    series = baro_series_get_locked(family, values);
    if (series != NULL) {
        ref = baro_series_ref(series);
    }
    (void)pthread_mutex_unlock(&family->registry->mutex);
    if (ref == 0) {
        baro_misuse();
    }
    return ref;
}

uint64_t baro_series_with(struct baro_family *family, enum baro_type type,
                          const char *const *values)
{
    struct lookup look;
    struct baro_series *series = NULL;
    struct baro_table *table;
    uint64_t ref = 0;

    if (BARO_UNLIKELY(family == NULL || family->type != type) ||
        !lookup_start(&look, family, values)) {
        if (family == NULL || !family->is_inert) {
            baro_misuse();
        }
        return 0;
    }
    if (BARO_UNLIKELY(!baro_reading_begin())) {
        return with_slow(family, values);
    }
    table = __atomic_load_n(&family->table, __ATOMIC_ACQUIRE);
    if (BARO_LIKELY(table != NULL)) {
        series = table_find(table, &look);
    }
    if (BARO_LIKELY(series != NULL) && BARO_LIKELY(!baro_series_is_gone(series))) {
        ref = baro_series_ref(series);
    }
    baro_reading_end();
    if (BARO_LIKELY(ref != 0)) {
        return ref;
    }
    ref = __atomic_load_n(&family->overflow_ref, __ATOMIC_RELAXED);
    if (ref != 0) {
        (void)__atomic_fetch_add(&family->overflows, 1, __ATOMIC_RELAXED);
        return ref;
    }
    return with_slow(family, values);
}

/* ---- Changing the table: the registry's mutex is held
 * --------------------------------------------- */

/* baro_garbage_add_locked keeps memory until readers are quiet. Without memory for the note it is
 * lost, which is rare and small. */
void baro_garbage_add_locked(struct baro_registry *registry, void *memory,
                             struct baro_series *series)
{
    struct baro_garbage *garbage = memory == NULL ? NULL : malloc(sizeof(*garbage));

    if (garbage != NULL) {
        garbage->memory = memory;
        garbage->series = series;
        garbage->since_ns = baro_now_ns();
        garbage->next = registry->garbage;
        registry->garbage = garbage;
    }
}

static void table_put(struct baro_table *table, uint64_t hash, struct baro_series *series)
{
    uint32_t i = (uint32_t)hash & table->mask;

    while (table->entries[i] != 0) {
        i = (i + 1) & table->mask;
    }
    __atomic_store_n(&table->entries[i],
                     (hash >> BARO_GENERATION_SHIFT << BARO_GENERATION_SHIFT) |
                         (uint64_t)(uintptr_t)series,
                     __ATOMIC_RELEASE);
    table->used++;
}

/* A table for twice the series there are; what was removed is left behind. */
static bool table_grow(struct baro_family *family)
{
    struct baro_table *old = family->table;
    struct baro_table *table;
    uint32_t size = TABLE_FIRST;

    if (old != NULL && (old->used + 1) * 2 <= old->mask + 1) {
        return true;
    }
    while (size < (family->series_count + 2) * 2) {
        size *= 2;
    }
    table = calloc(1, sizeof(*table) + size * sizeof(table->entries[0]));
    if (table == NULL) {
        return false;
    }
    table->mask = size - 1;
    for (uint32_t i = 0; i < family->list_count; i++) {
        struct baro_series *series = family->list[i];

        if (series != NULL) {
            table_put(table, hash_key(series->text, series->key_size), series);
        }
    }
    __atomic_store_n(&family->table, table, __ATOMIC_RELEASE);
    if (old != NULL && baro_lanes_are_quiet()) {
        free(old); /* tables are only read between the marks of a lookup, so there is no quarantine
                    */
    } else {
        baro_garbage_add_locked(family->registry, old, NULL);
    }
    return true;
}

static void table_remove(struct baro_family *family, const struct baro_series *series)
{
    struct baro_table *table = family->table;
    uint64_t hash = hash_key(series->text, series->key_size);

    for (uint32_t i = (uint32_t)hash & table->mask; table->entries[i] != 0;
         i = (i + 1) & table->mask) {
        if (entry_series(table->entries[i]) == series) {
            __atomic_store_n(&table->entries[i], ENTRY_REMOVED, __ATOMIC_RELEASE);
            return;
        }
    }
}

void baro_series_fork_prepare(void)
{
    (void)pthread_mutex_lock(&slabs.mutex);
}

void baro_series_fork_done(void)
{
    (void)pthread_mutex_unlock(&slabs.mutex);
}

static struct baro_series *slab_take(void)
{
    struct baro_series *series;

    (void)pthread_mutex_lock(&slabs.mutex);
    if (slabs.free_list == NULL) {
        void *slab = NULL;

        if (posix_memalign(&slab, 64, SLAB_SERIES * sizeof(*series)) == 0) {
            memset(slab, 0, SLAB_SERIES * sizeof(*series));
            series = slab;
            for (int i = SLAB_SERIES - 1; i >= 0; i--) {
                series[i].word = (uint64_t)1 << BARO_GENERATION_SHIFT;
                series[i].text = (char *)slabs.free_list;
                slabs.free_list = &series[i];
            }
        }
    }
    series = slabs.free_list;
    if (series != NULL) {
        slabs.free_list = (struct baro_series *)(void *)series->text;
    }
    (void)pthread_mutex_unlock(&slabs.mutex);
    return series;
}

/* The generation was raised when the series was removed; 0 is skipped, so that no handle is ever 0.
 */
static void slab_give(struct baro_series *series)
{
    (void)pthread_mutex_lock(&slabs.mutex);
    series->text = (char *)slabs.free_list;
    slabs.free_list = series;
    (void)pthread_mutex_unlock(&slabs.mutex);
}

static void series_bump(struct baro_series *series)
{
    uint64_t generation = (series->word >> BARO_GENERATION_SHIFT) + 1;

    generation &= 0xFFFF;
    __atomic_store_n(&series->word, (generation == 0 ? 1 : generation) << BARO_GENERATION_SHIFT,
                     __ATOMIC_RELAXED);
}

/* ---- Making a series
 * -------------------------------------------------------------------------------- */

static void labels_render(struct baro_out *out, const struct baro_family *family, const char *key)
{
    const char *comma = "";

    for (size_t i = 0; i < family->registry->pair_count; i++) {
        baro_out_text(out, comma);
        baro_out_text(out, family->registry->pairs[i].name);
        baro_out_text(out, "=\"");
        baro_out_escaped(out, family->registry->pairs[i].value, true);
        baro_out_text(out, "\"");
        comma = ",";
    }
    for (uint32_t i = 0; i < family->label_count; i++) {
        baro_out_text(out, comma);
        baro_out_text(out, family->labels[i].name);
        baro_out_text(out, "=\"");
        baro_out_escaped(out, key, true);
        baro_out_text(out, "\"");
        key += strlen(key) + 1;
        comma = ",";
    }
}

bool baro_labels_text(const struct baro_family *family, const char *key, uint32_t key_size,
                      struct baro_out *out)
{
    baro_out_init(out, NULL, NULL, false);
    baro_out_put(out, key, key_size);
    labels_render(out, family, key);
    baro_out_put(out, "", 1);
    return out->failed == 0;
}

static bool series_cells(struct baro_series *series, const char *key, uint32_t key_size)
{
    struct baro_family *family = series->family;
    struct baro_series_cells found = {0, 0, 0, baro_now_ms()};

    if (baro_shared_is_on()) {
        if (!baro_shared_series(family, key, key_size, &found)) {
            return false;
        }
    } else {
        if (family->run_cells > 0) {
            found.slot = baro_cells_alloc(family->run_kind, family->run_cells);
        }
        if (family->run2_cells > 0) {
            found.slot2 = baro_cells_alloc(BARO_CELL_PROCESS, family->run2_cells);
        }
        if ((family->run_cells > 0 && found.slot == 0) ||
            (family->run2_cells > 0 && found.slot2 == 0)) {
            baro_cells_free(family->run_kind, found.slot, family->run_cells);
            baro_cells_free(BARO_CELL_PROCESS, found.slot2, family->run2_cells);
            return false;
        }
    }
    __atomic_store_n(&series->word,
                     (series->word >> BARO_GENERATION_SHIFT << BARO_GENERATION_SHIFT) | found.slot,
                     __ATOMIC_RELAXED);
    series->slot2 = found.slot2;
    __atomic_store_n(&series->shared_entry, found.entry, __ATOMIC_RELAXED);
    series->created_ms = found.created_ms;
    return true;
}

static bool list_room(struct baro_family *family)
{
    if (family->list_count == family->list_room) {
        uint32_t room = family->list_room == 0 ? 8 : family->list_room * 2;
        struct baro_series **list = realloc(family->list, room * sizeof(struct baro_series *));

        if (list == NULL) {
            return false;
        }
        family->list = list;
        family->list_room = room;
    }
    return true;
}

static void *series_extra(const struct baro_family *family)
{
    return family->type == BARO_SUMMARY && family->quantile_count > 0
               ? baro_summary_window_new(family)
               : NULL;
}

static bool series_fill(struct baro_series *series, struct baro_family *family, const char *key,
                        uint32_t key_size)
{
    struct baro_out out;

    if (!baro_labels_text(family, key, key_size, &out)) {
        baro_out_done(&out);
        return false;
    }
    series->family = family;
    series->extra = series_extra(family);
    series->text = realloc(out.bytes, out.size);
    if (series->text == NULL) {
        series->text = out.bytes;
    }
    series->key_size = (uint16_t)key_size;
    series->labels_size = (uint32_t)out.size - key_size - 1;
    series->shared_entry = 0;
    /* In multi-process mode its entry tells; 0 makes each update look there. */
    series->is_touched = family->ttl_s > 0 && baro_shared_is_on() ? 0 : 1;
    series->has_adds = 0;
    series->has_callback = 0;
    series->seen_s = 0;
    if ((family->type == BARO_SUMMARY && family->quantile_count > 0 && series->extra == NULL) ||
        !series_cells(series, key, key_size)) {
        free(series->text);
        free(series->extra);
        return false;
    }
    return true;
}

static struct baro_series *series_new_locked(struct baro_family *family, const char *key,
                                             uint32_t key_size)
{
    struct baro_series *series = slab_take();

    if (series == NULL) {
        return NULL;
    }
    if (!list_room(family) || !table_grow(family) || !series_fill(series, family, key, key_size)) {
        slab_give(series);
        return NULL;
    }
    family->list[family->list_count++] = series;
    family->series_count++;
    table_put(family->table, hash_key(key, key_size), series);
    return series;
}

/* ---- Caps
 * ------------------------------------------------------------------------------------------ */

/* values_note returns whether value is among the distinct values of a capped label, or was added to
 * them. */
static bool values_note(struct baro_values *values, uint32_t most, const char *value)
{
    uint64_t hash = hash_value(hash_seed, value, strlen(value));
    uint32_t i;

    if (values->values == NULL || (values->count + 1) * 2 > values->mask) {
        uint32_t size = values->values == NULL ? 16 : (values->mask + 1) * 2;
        struct baro_values grown = {calloc(size, sizeof(char *)), size - 1, values->count};

        if (grown.values == NULL) {
            return false;
        }
        for (uint32_t j = 0; values->values != NULL && j <= values->mask; j++) {
            char *moved = values->values[j];

            if (moved != NULL) {
                i = (uint32_t)hash_value(hash_seed, moved, strlen(moved)) & grown.mask;
                while (grown.values[i] != NULL) {
                    i = (i + 1) & grown.mask;
                }
                grown.values[i] = moved;
            }
        }
        free(values->values);
        *values = grown;
    }
    for (i = (uint32_t)hash & values->mask; values->values[i] != NULL; i = (i + 1) & values->mask) {
        if (strcmp(values->values[i], value) == 0) {
            return true;
        }
    }
    if (values->count >= most || (values->values[i] = baro_text_copy(value)) == NULL) {
        return false;
    }
    values->count++;
    return true;
}

static bool label_allows_locked(struct baro_family *family, uint32_t index, const char *value)
{
    const struct baro_label *label = &family->labels[index];
    bool is_in = label->values == NULL;

    for (size_t i = 0; !is_in && i < label->value_count; i++) {
        is_in = strcmp(label->values[i], value) == 0;
    }
    return is_in && (label->values_max == 0 ||
                     values_note(&family->values[index], label->values_max, value));
}

/* The key with what the caps allow; true when a value was replaced. A value beyond its size is cut,
 * bytes that are no UTF-8 end it. */
static bool key_build_locked(struct baro_family *family, const char *const *values,
                             struct baro_out *key)
{
    bool is_over = false;

    for (uint32_t i = 0; i < family->label_count; i++) {
        size_t size = baro_utf8_cut(values[i], BARO_VALUE_BYTES_MAX);
        size_t start = key->size;

        baro_out_put(key, values[i], size);
        baro_out_put(key, "", 1);
        if (key->failed == 0 && family->is_capped && strcmp(values[i], BARO_OVERFLOW) != 0 &&
            !label_allows_locked(family, i, &key->bytes[start])) {
            key->size = start;
            baro_out_put(key, BARO_OVERFLOW, sizeof(BARO_OVERFLOW));
            is_over = true;
        }
    }
    return is_over;
}

static struct baro_series *key_find_locked(const struct baro_family *family, const char *key,
                                           uint32_t key_size)
{
    uint64_t hash = hash_key(key, key_size);
    const struct baro_table *table = family->table;

    for (uint32_t i = (uint32_t)hash & (table == NULL ? 0 : table->mask);
         table != NULL && table->entries[i] != 0; i = (i + 1) & table->mask) {
        struct baro_series *series =
            table->entries[i] == ENTRY_REMOVED ? NULL : entry_series(table->entries[i]);

        if (series != NULL && series->key_size == key_size &&
            (key_size == 0 || memcmp(series->text, key, key_size) == 0)) {
            return series;
        }
    }
    return NULL;
}

static void series_unlink_locked(struct baro_family *family, uint32_t index);

/* Takes out a series that another process has removed. */
static void series_drop_locked(struct baro_family *family, const struct baro_series *series)
{
    for (uint32_t i = 0; i < family->list_count; i++) {
        if (family->list[i] == series) {
            series_unlink_locked(family, i);
            return;
        }
    }
}

static struct baro_series *overflow_series_locked(struct baro_family *family)
{
    struct baro_series *series;
    struct baro_out key;

    baro_out_init(&key, NULL, NULL, false);
    for (uint32_t i = 0; i < family->label_count; i++) {
        baro_out_put(&key, BARO_OVERFLOW, sizeof(BARO_OVERFLOW));
    }
    series = key_find_locked(family, key.bytes, (uint32_t)key.size);
    if (series == NULL && key.failed == 0) {
        series = series_new_locked(family, key.bytes, (uint32_t)key.size);
    }
    baro_out_done(&key);
    return series;
}

struct baro_series *baro_series_get_key_locked(struct baro_family *family, const char *key,
                                               uint32_t key_size)
{
    struct baro_series *series = key_find_locked(family, key, key_size);

    if (series != NULL && baro_series_is_gone(series)) {
        series_drop_locked(family, series);
        series = NULL;
    }
    if (series != NULL) {
        return series;
    }
    if (family->series_count >= family->series_max && family->label_count > 0) {
        (void)__atomic_fetch_add(&family->overflows, 1, __ATOMIC_RELAXED);
        series = overflow_series_locked(family);
        if (series != NULL && !family->is_capped) {
            __atomic_store_n(&family->overflow_ref, baro_series_ref(series), __ATOMIC_RELAXED);
        }
        return series;
    }
    return series_new_locked(family, key, key_size);
}

struct baro_series *baro_series_import_locked(struct baro_family *family, const char *key,
                                              uint32_t key_size)
{
    struct baro_series *series = key_find_locked(family, key, key_size);

    if (series != NULL && baro_series_is_gone(series)) {
        series_drop_locked(family, series);
        series = NULL;
    }
    return series != NULL ? series : series_new_locked(family, key, key_size);
}

struct baro_series *baro_series_get_locked(struct baro_family *family, const char *const *values)
{
    struct baro_series *series = NULL;
    struct baro_out key;

    for (uint32_t i = 0; i < family->label_count; i++) {
        if (values == NULL || values[i] == NULL) {
            return NULL;
        }
    }
    baro_out_init(&key, NULL, NULL, false);
    if (key_build_locked(family, values, &key)) {
        (void)__atomic_fetch_add(&family->overflows, 1, __ATOMIC_RELAXED);
    }
    if (key.failed == 0) {
        series =
            baro_series_get_key_locked(family, key.size == 0 ? "" : key.bytes, (uint32_t)key.size);
    }
    baro_out_done(&key);
    return series;
}

/* ---- Removing
 * ---------------------------------------------------------------------------------------- */

/* Those of the segment are never used again. */
static void series_cells_free(const struct baro_series *series)
{
    if (series->shared_entry == 0) {
        baro_cells_free(series->family->run_kind, baro_series_slot(series),
                        series->family->run_cells);
        baro_cells_free(BARO_CELL_PROCESS, series->slot2, series->family->run2_cells);
    }
}

/* The series leaves table and list at once. Its memory is used again when no reader can see it and
 * no update can be under way with it any more, its cells likewise (baro_cells_free). */
static void series_unlink_locked(struct baro_family *family, uint32_t index)
{
    struct baro_series *series = family->list[index];

    table_remove(family, series);
    series_cells_free(series);
    series_bump(series);
    baro_garbage_add_locked(family->registry,
                            __atomic_exchange_n(&series->extra, NULL, __ATOMIC_ACQ_REL), NULL);
    baro_garbage_add_locked(family->registry, series->text, series);
    family->list[index] = NULL;
    family->series_count--;
    __atomic_store_n(&family->overflow_ref, 0, __ATOMIC_RELAXED);
}

/* An update that was under way at the removal may have given the series its exemplars after it. */
static void garbage_release(struct baro_garbage *garbage)
{
    free(garbage->memory);
    if (garbage->series != NULL) {
        free(garbage->series->extra);
        garbage->series->extra = NULL;
        slab_give(garbage->series);
    }
    free(garbage);
}

void baro_series_reclaim_locked(struct baro_registry *registry)
{
    struct baro_garbage **link = &registry->garbage;
    int64_t now = baro_now_ns();

    while (*link != NULL && now - (*link)->since_ns < (int64_t)BARO_QUARANTINE_MS * 1000000) {
        link = &(*link)->next;
    }
    if (*link == NULL || !baro_lanes_are_quiet()) {
        return;
    }
    while (*link != NULL) {
        struct baro_garbage *garbage = *link;

        *link = garbage->next;
        garbage_release(garbage);
    }
}

/* Holes in the list are closed when nobody walks it by index. */
static void list_close_locked(struct baro_family *family)
{
    uint32_t kept = 0;

    if (family->registry->exposing > 0 || family->list_count == family->series_count) {
        return;
    }
    for (uint32_t i = 0; i < family->list_count; i++) {
        if (family->list[i] != NULL) {
            family->list[kept++] = family->list[i];
        }
    }
    family->list_count = kept;
}

/* In multi-process mode: what is too old, and what others have removed. */
static void shared_expire_locked(struct baro_family *family, uint32_t now_s)
{
    for (uint32_t i = 0; i < family->list_count; i++) {
        struct baro_series *series = family->list[i];

        if (series != NULL && series->shared_entry != 0 &&
            (family->ttl_s > 0 && family->label_count > 0 && !series->has_callback
                 ? baro_shared_expire(series->shared_entry, family->ttl_s, now_s)
                 : baro_shared_is_gone(series->shared_entry))) {
            series_unlink_locked(family, i);
        }
    }
    list_close_locked(family);
}

void baro_series_touch_slow(struct baro_series *series)
{
    uint32_t entry = __atomic_load_n(&series->shared_entry, __ATOMIC_RELAXED);

    if (entry == 0 || series->family->ttl_s == 0) {
        __atomic_store_n(&series->is_touched, 1, __ATOMIC_RELAXED);
    } else {
        baro_shared_touch(entry);
    }
}

void baro_series_expire_locked(struct baro_family *family, uint32_t now_s)
{
    if (baro_shared_is_on()) {
        shared_expire_locked(family, now_s);
        return;
    }
    if (family->ttl_s == 0 || family->label_count == 0) {
        return;
    }
    for (uint32_t i = 0; i < family->list_count; i++) {
        struct baro_series *series = family->list[i];

        if (series == NULL || series->has_callback) {
            continue;
        }
        if (__atomic_exchange_n(&series->is_touched, 0, __ATOMIC_RELAXED) != 0) {
            series->seen_s = now_s;
        } else if (now_s - series->seen_s >= family->ttl_s) {
            series_unlink_locked(family, i);
        }
    }
    list_close_locked(family);
}

/* The registry goes: nobody looks any more, and the series are free at once. */
void baro_series_done_locked(struct baro_family *family)
{
    for (uint32_t i = 0; i < family->list_count; i++) {
        struct baro_series *series = family->list[i];

        if (series != NULL) {
            series_cells_free(series);
            series_bump(series);
            free(series->extra);
            series->extra = NULL;
            free(series->text);
            slab_give(series);
        }
    }
    free(family->list);
    free(family->table);
}

void baro_garbage_free(struct baro_garbage *garbage)
{
    while (garbage != NULL) {
        struct baro_garbage *next = garbage->next;

        garbage_release(garbage);
        garbage = next;
    }
}

/* For all processes, where there are several. */
static void series_remove_locked(struct baro_family *family, uint32_t index)
{
    if (family->list[index]->shared_entry != 0) {
        baro_shared_remove(family->list[index]->shared_entry);
    }
    series_unlink_locked(family, index);
}

static int remove_check(struct baro_family *family)
{
    if (family == NULL) {
        baro_misuse();
        return BARO_BAD_ARGUMENT;
    }
    if (family->is_inert) {
        return BARO_DISABLED;
    }
    /* Others may have made series that this process has not looked at yet. */
    baro_shared_import(family->registry);
    return BARO_OK;
}

int baro_series_remove(struct baro_family *family, const char *const *values)
{
    int result = remove_check(family);
    struct baro_out key;

    if (result < 0) {
        return result;
    }
    for (uint32_t i = 0; i < family->label_count; i++) {
        if (values == NULL || values[i] == NULL) {
            baro_misuse();
            return BARO_BAD_ARGUMENT;
        }
    }
    baro_out_init(&key, NULL, NULL, false);
    for (uint32_t i = 0; i < family->label_count; i++) {
        baro_out_put(&key, values[i], baro_utf8_cut(values[i], BARO_VALUE_BYTES_MAX));
        baro_out_put(&key, "", 1);
    }
    (void)pthread_mutex_lock(&family->registry->mutex);
    result = key.failed != 0 ? BARO_NO_MEMORY : BARO_NO_SERIES;
    for (uint32_t i = 0; key.failed == 0 && i < family->list_count; i++) {
        struct baro_series *series = family->list[i];

        if (series != NULL && series->key_size == key.size &&
            (key.size == 0 || memcmp(series->text, key.bytes, key.size) == 0)) {
            series_remove_locked(family, i);
            result = BARO_OK;
            break;
        }
    }
    list_close_locked(family);
    baro_series_reclaim_locked(family->registry);
    (void)pthread_mutex_unlock(&family->registry->mutex);
    baro_out_done(&key);
    return result;
}

int baro_family_clear(struct baro_family *family)
{
    int result = remove_check(family);

    if (result < 0) {
        return result;
    }
    (void)pthread_mutex_lock(&family->registry->mutex);
    for (uint32_t i = 0; i < family->list_count; i++) {
        if (family->list[i] != NULL) {
            series_remove_locked(family, i);
        }
    }
    list_close_locked(family);
    baro_series_reclaim_locked(family->registry);
    (void)pthread_mutex_unlock(&family->registry->mutex);
    return BARO_OK;
}
