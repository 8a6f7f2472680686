/*
 * Native histograms: buckets whose bounds grow by 2^(2^-schema), only those that were hit. Bucket i
 * of schema s holds 2^((i-1) * 2^-s) < |v| <= 2^(i * 2^-s), so that bucket i of schema 8 is bucket
 * ceil(i / 2^(8-s)) of schema s: one table of the 256 bounds of an octave serves them all.
 *
 * The part of a thread, in its run of cells: a header (sequence << 32 | populated << 8 | how often
 * the schema was lowered), the count of the zero bucket, the count of NaN, and an open-addressing
 * table of entries key << 43 | count. When there would be more than buckets_max, the schema is
 * lowered by one, which halves them: the sequence is odd meanwhile, and a reader tries again.
 * Schema -4 has 264 buckets for all doubles of both signs; the table has room for those at least.
 */
#include "client/baro_priv.h"

#include <stdlib.h>

enum {
    SCHEMA_TOP = 8,
    SCHEMA_BOTTOM = -4,
    OCTAVE = 256,    /* buckets of an octave at SCHEMA_TOP */
    CELL_SHIFT = 43, /* an octave in 512 cells: at most one bound lies within each */
    CELL_COUNT = 512,
    COUNT_BITS = 43,
    INDEX_BIAS = 1 << 19, /* |index| <= 1,075 * 256 */
    READS_MAX = 100,
};

enum { NATIVE_HEADER, NATIVE_ZERO, NATIVE_NAN };

static uint64_t bounds[OCTAVE + 1]; /* fractions of 2^(j/256), j = 0..256, as 52-bit integers */
static uint16_t first[CELL_COUNT];  /* the first bound that is not below the start of a cell */

/* Square root by Newton's method: libm is not linked. */
static long double root(long double value)
{
    long double x = value;

    for (int i = 0; i < 64; i++) {
        x = (x + value / x) / 2;
    }
    return x;
}

void baro_native_start(void)
{
    long double step = 2;
    uint32_t bound = 0;

    for (int i = 0; i < SCHEMA_TOP; i++) {
        step = root(step);
    }
    for (int j = 0; j < OCTAVE; j++) {
        long double value = 1;
        long double square = step;

        for (int bit = j; bit > 0; bit >>= 1) {
            value = (bit & 1) != 0 ? value * square : value;
            square *= square;
        }
        bounds[j] = baro_bits_of((double)value) & (((uint64_t)1 << 52) - 1);
    }
    bounds[OCTAVE] = (uint64_t)1 << 52;
    for (uint32_t cell = 0; cell < CELL_COUNT; cell++) {
        while (bounds[bound] < (uint64_t)cell << CELL_SHIFT) {
            bound++;
        }
        first[cell] = (uint16_t)bound;
    }
}

/* The bucket at SCHEMA_TOP of a positive finite number. */
static inline int32_t index_top(uint64_t bits)
{
    int32_t exponent = (int32_t)(bits >> 52);
    uint64_t fraction = bits & (((uint64_t)1 << 52) - 1);
    uint32_t j;

    if (BARO_UNLIKELY(exponent == 0)) {
        int shift = __builtin_clzll(fraction) - 11;

        fraction = (fraction << shift) & (((uint64_t)1 << 52) - 1);
        exponent = 1 - shift;
    }
    j = first[fraction >> CELL_SHIFT];
    while (fraction > bounds[j]) {
        j++;
    }
    return (exponent - 1023) * OCTAVE + (int32_t)j;
}

/* ceil(index / 2^by), also of negative ones: >> of a negative integer rounds down with gcc and
 * clang. */
static inline int32_t index_lower(int32_t index, int by)
{
    return (index + (1 << by) - 1) >> by;
}

int32_t baro_native_index(double value, int schema)
{
    return index_lower(index_top(baro_bits_of(value)), SCHEMA_TOP - schema);
}

static inline uint64_t key_of(int32_t index, bool is_negative)
{
    return ((uint64_t)(uint32_t)(index + INDEX_BIAS) << 1) | is_negative;
}

static inline uint32_t place_of(uint64_t key, uint32_t cells)
{
    uint32_t hash = (uint32_t)key * 0x9E3779B1U;

    return (uint32_t)(((uint64_t)hash * cells) >> 32);
}

/* Adds to the entry of key; false when it is not there and may not be made. Reading threads see a
 * whole entry or none. */
static inline bool entry_add(uint64_t *table, uint32_t cells, uint64_t key, uint64_t count,
                             bool may_make, bool *ret_is_new)
{
    for (uint32_t i = place_of(key, cells);; i = i + 1 == cells ? 0 : i + 1) {
        uint64_t entry = baro_cell_get(&table[i]);

        if (BARO_LIKELY(entry >> COUNT_BITS == key)) {
            __atomic_store_n(&table[i], entry + count, __ATOMIC_RELEASE);
            return true;
        }
        if (entry == 0) {
            if (!may_make) {
                return false;
            }
            *ret_is_new = true;
            __atomic_store_n(&table[i], (key << COUNT_BITS) + count, __ATOMIC_RELEASE);
            return true;
        }
    }
}

/* Lowers the schema by one: every entry moves to the bucket of twice its width. */
static BARO_COLD void schema_lower(uint64_t *cells, uint32_t table_cells)
{
    uint64_t entries[BARO_PAGE_CELLS];
    uint64_t *table = &cells[BARO_NATIVE_HEADER_CELLS];
    uint64_t header = baro_cell_get(&cells[NATIVE_HEADER]);
    uint64_t sequence = header >> 32;
    uint32_t populated = 0;

    baro_cell_put(&cells[NATIVE_HEADER], (sequence | 1) << 32 | (header & 0xFFFFFFFF));
    for (uint32_t i = 0; i < table_cells; i++) {
        entries[i] = baro_cell_get(&table[i]);
        __atomic_store_n(&table[i], 0, __ATOMIC_RELEASE);
    }
    for (uint32_t i = 0; i < table_cells; i++) {
        uint64_t key = entries[i] >> COUNT_BITS;
        int32_t index = (int32_t)(key >> 1) - INDEX_BIAS;
        bool is_new = false;

        if (entries[i] != 0) {
            (void)entry_add(table, table_cells, key_of(index_lower(index, 1), (key & 1) != 0),
                            entries[i] & (((uint64_t)1 << COUNT_BITS) - 1), true, &is_new);
            populated += is_new;
        }
    }
    __atomic_store_n(&cells[NATIVE_HEADER],
                     ((sequence | 1) + 1) << 32 | (uint64_t)populated << 8 | ((header & 0xFF) + 1),
                     __ATOMIC_RELEASE);
}

static void bucket_hit(const struct baro_family *family, uint64_t *cells, int32_t index,
                       bool is_negative)
{
    for (;;) {
        uint64_t header = baro_cell_get(&cells[NATIVE_HEADER]);
        int lowered = (int)(header & 0xFF);
        uint32_t populated = (uint32_t)(header >> 8) & 0xFFFF;
        int schema = family->native.schema - lowered;
        bool may_make = populated < family->native.buckets_max || schema <= SCHEMA_BOTTOM;
        bool is_new = false;

        if (BARO_LIKELY(entry_add(&cells[BARO_NATIVE_HEADER_CELLS], family->native_cells,
                                  key_of(index_lower(index, SCHEMA_TOP - schema), is_negative), 1,
                                  may_make, &is_new))) {
            if (BARO_UNLIKELY(is_new)) {
                baro_cell_put(&cells[NATIVE_HEADER], header + (1 << 8));
            }
            return;
        }
        schema_lower(cells, family->native_cells);
    }
}

void baro_native_observe(const struct baro_family *family, uint64_t *cells, double value)
{
    uint64_t bits = baro_bits_of(value);
    bool is_negative = bits >> 63 != 0;
    double magnitude;
    int32_t index;

    bits &= ~((uint64_t)1 << 63);
    magnitude = baro_double_of(bits);
    if (BARO_UNLIKELY(!(magnitude > family->native.zero_threshold))) {
        baro_cell_add(&cells[value != value ? NATIVE_NAN : NATIVE_ZERO], 1);
        return;
    }
    if (BARO_UNLIKELY(bits >> 52 == 0x7FF)) {
        index = 1024 * OCTAVE + 1; /* infinity: the bucket behind the one of the largest double */
        bucket_hit(family, cells, index, is_negative);
        return;
    }
    bucket_hit(family, cells, index_top(bits), is_negative);
}

/* ---- Reading
 * -------------------------------------------------------------------------------------- */

/* One lane's entries, as they were read, with their schema. */
struct entry {
    int32_t index;
    int8_t schema;
    bool is_negative;
    uint64_t count;
};

struct gathering {
    const struct baro_family *family;
    struct entry *entries;
    size_t count;
    size_t room;
    int schema;
    uint64_t zero_count;
    uint64_t nan_count;
    bool failed;
};

static bool gather_room(struct gathering *all, size_t more)
{
    if (all->room - all->count < more) {
        size_t room = (all->count + more) * 2;
        struct entry *entries = realloc(all->entries, room * sizeof(*entries));

        if (entries == NULL) {
            all->failed = true;
            return false;
        }
        all->entries = entries;
        all->room = room;
    }
    return true;
}

static size_t gather_table(struct gathering *all, const uint64_t *table, int schema)
{
    size_t count = 0;

    for (uint32_t i = 0; i < all->family->native_cells; i++) {
        uint64_t entry = __atomic_load_n(&table[i], __ATOMIC_ACQUIRE);
        uint64_t key = entry >> COUNT_BITS;

        if (entry != 0) {
            all->entries[all->count + count++] = (struct entry){
                .index = (int32_t)(key >> 1) - INDEX_BIAS,
                .schema = (int8_t)schema,
                .is_negative = (key & 1) != 0,
                .count = entry & (((uint64_t)1 << COUNT_BITS) - 1),
            };
        }
    }
    return count;
}

static void gather_lane(const struct baro_lane_view *view, void *context)
{
    struct gathering *all = context;
    const uint64_t *cells = view->cells + all->family->native_at;

    all->zero_count += baro_cell_get(&cells[NATIVE_ZERO]);
    all->nan_count += baro_cell_get(&cells[NATIVE_NAN]);
    if (!gather_room(all, all->family->native_cells)) {
        return;
    }
    for (int i = 0; i < READS_MAX; i++) {
        uint64_t header = __atomic_load_n(&cells[NATIVE_HEADER], __ATOMIC_ACQUIRE);
        int schema = all->family->native.schema - (int)(header & 0xFF);
        size_t count = gather_table(all, &cells[BARO_NATIVE_HEADER_CELLS], schema);
        uint64_t again = baro_cell_get(&cells[NATIVE_HEADER]);

        if (((header >> 32 & 1) == 0 && again >> 32 == header >> 32) || i == READS_MAX - 1) {
            all->count += count;
            all->schema = count > 0 && schema < all->schema ? schema : all->schema;
            return;
        }
    }
}

static int entry_compare(const void *left, const void *right)
{
    const struct entry *a = left;
    const struct entry *b = right;

    if (a->is_negative != b->is_negative) {
        return a->is_negative ? 1 : -1;
    }
    return a->index < b->index ? -1 : a->index > b->index;
}

/* Brings all entries to one schema, sorts them and adds up equal ones. */
static void gather_merge(struct gathering *all)
{
    size_t kept = 0;

    for (size_t i = 0; i < all->count; i++) {
        all->entries[i].index =
            index_lower(all->entries[i].index, all->entries[i].schema - all->schema);
        all->entries[i].schema = (int8_t)all->schema;
    }
    qsort(all->entries, all->count, sizeof(*all->entries), entry_compare);
    for (size_t i = 0; i < all->count; i++) {
        if (kept > 0 && entry_compare(&all->entries[kept - 1], &all->entries[i]) == 0) {
            all->entries[kept - 1].count += all->entries[i].count;
        } else {
            all->entries[kept++] = all->entries[i];
        }
    }
    all->count = kept;
}

static bool gather_finish(struct gathering *all, struct baro_native_sum *ret)
{
    struct baro_native_bucket *memory = calloc(all->count + 1, sizeof(*memory));

    if (memory == NULL) {
        return false;
    }
    memset(ret, 0, sizeof(*ret));
    ret->schema = (int8_t)all->schema;
    ret->zero_threshold = all->family->native.zero_threshold;
    ret->zero_count = all->zero_count;
    ret->count = all->zero_count + all->nan_count;
    ret->memory = memory;
    for (size_t i = 0; i < all->count; i++) {
        memory[i] = (struct baro_native_bucket){all->entries[i].index, all->entries[i].count};
        ret->count += all->entries[i].count;
        ret->positive_count += !all->entries[i].is_negative;
    }
    ret->negative_count = all->count - ret->positive_count;
    ret->positive = memory;
    ret->negative = memory + ret->positive_count;
    return true;
}

bool baro_native_read(const struct baro_series *series, struct baro_native_sum *ret)
{
    struct gathering all = {.family = series->family, .schema = series->family->native.schema};
    bool ok;

    baro_lanes_visit(baro_series_slot(series), gather_lane, &all);
    if (all.count > 0 && !all.failed) {
        gather_merge(&all);
        while (all.count > series->family->native.buckets_max && all.schema > SCHEMA_BOTTOM) {
            all.schema--;
            gather_merge(&all);
        }
    }
    ok = !all.failed && gather_finish(&all, ret);
    free(all.entries);
    return ok;
}

void baro_native_sum_done(struct baro_native_sum *sum)
{
    free(sum->memory);
    sum->memory = NULL;
}
