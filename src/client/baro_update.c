#include "client/baro_priv.h"

/* Whole amounts below this fit the integer cell of a counter. */
static const double whole_max = 9007199254740992.0;

enum { GAUGE_VALUE, GAUGE_BEFORE, GAUGE_LOCK, GAUGE_TIME };

/* ---- Counters ----------------------------------------------------------------------------------
 */

static inline void counter_add_whole(uint64_t ref, uint64_t amount)
{
    uint32_t slot = 0;
    struct baro_series *series = baro_series_live(ref, &slot);
    uint64_t *cell;

    if (BARO_UNLIKELY(series == NULL)) {
        return;
    }
    cell = baro_cell_own(slot);
    if (BARO_LIKELY(cell != NULL)) {
        baro_cell_add(cell, amount);
    }
    baro_series_touch(series);
}

void baro_counter_inc(baro_counter counter)
{
    counter_add_whole(counter.ref, 1);
}

void baro_counter_add_u64(baro_counter counter, uint64_t amount)
{
    counter_add_whole(counter.ref, amount);
}

static BARO_COLD void counter_add_part(uint64_t ref, double amount)
{
    uint32_t slot = 0;
    struct baro_series *series = baro_series_live(ref, &slot);
    uint64_t *cell;

    if (series != NULL && (cell = baro_cell_own(slot + 1)) != NULL) {
        baro_cell_add_double(cell, amount);
        baro_series_touch(series);
    }
}

void baro_counter_add(baro_counter counter, double amount)
{
    if (BARO_LIKELY(amount >= 0 && amount < whole_max && (double)(uint64_t)amount == amount)) {
        counter_add_whole(counter.ref, (uint64_t)amount);
    } else if (amount >= 0) {
        counter_add_part(counter.ref, amount);
    } else {
        baro_misuse();
    }
}

void baro_counter_add_exemplar(baro_counter counter, double amount,
                               const struct baro_exemplar *exemplar)
{
    uint32_t slot = 0;
    struct baro_series *series;

    baro_counter_add(counter, amount);
    if (exemplar != NULL && amount >= 0 &&
        (series = baro_series_live(counter.ref, &slot)) != NULL) {
        baro_exemplar_keep(series, 0, amount, exemplar);
    }
}

static double counter_read(const struct baro_series *series)
{
    uint32_t slot = baro_series_slot(series);

    return (double)baro_cells_sum_u64(slot) + baro_cells_sum_double(slot + 1);
}

/* ---- Gauges
 * -------------------------------------------------------------------------------------- */

/*
 * A gauge is what was set last, and what all threads have added since. Additions go to the thread's
 * own cell, as a counter's do. Setting stores one cell; only when the gauge is added to as well
 * does it note the sum of additions at that time, so that they count no more. All bits zero mean
 * "never set": a 0 is stored as -0. Two threads that set at once: the one that finds the other at
 * it has been overtaken by it.
 */
static inline uint64_t set_bits(double value)
{
    return value == 0 ? (uint64_t)1 << 63 : baro_bits_of(value);
}

static void gauge_set_both(uint64_t *cells, uint32_t slot, double value)
{
    uint64_t held = 0;

    if (!baro_word_lock(&cells[GAUGE_LOCK], &held)) {
        return;
    }
    __atomic_store_n(&cells[GAUGE_VALUE], set_bits(value), __ATOMIC_RELEASE);
    __atomic_store_n(&cells[GAUGE_BEFORE], baro_bits_of(baro_cells_sum_own(slot)),
                     __ATOMIC_RELEASE);
    baro_word_unlock(&cells[GAUGE_LOCK], held);
}

void baro_gauge_set(baro_gauge gauge, double value)
{
    uint32_t slot = 0;
    struct baro_series *series = baro_series_live(gauge.ref, &slot);
    uint64_t *cells;

    if (BARO_UNLIKELY(series == NULL)) {
        return;
    }
    cells = baro_cell_process(series->slot2);
    if (BARO_UNLIKELY(cells == NULL)) {
        return;
    }
    if (BARO_LIKELY(__atomic_load_n(&series->has_adds, __ATOMIC_RELAXED) == 0)) {
        baro_cell_put(&cells[GAUGE_VALUE], set_bits(value));
    } else {
        gauge_set_both(cells, slot, value);
    }
    if (BARO_UNLIKELY(series->family->multiprocess == BARO_LIVE_LATEST)) {
        baro_cell_put(&cells[GAUGE_TIME], (uint64_t)baro_now_ms());
    }
    baro_series_touch(series);
}

void baro_gauge_add(baro_gauge gauge, double amount)
{
    uint32_t slot = 0;
    struct baro_series *series = baro_series_live(gauge.ref, &slot);
    uint64_t *cell;

    if (BARO_UNLIKELY(series == NULL)) {
        return;
    }
    if (BARO_UNLIKELY(__atomic_load_n(&series->has_adds, __ATOMIC_RELAXED) == 0)) {
        __atomic_store_n(&series->has_adds, 1, __ATOMIC_RELAXED);
    }
    cell = baro_cell_own(slot);
    if (BARO_LIKELY(cell != NULL)) {
        baro_cell_add_double(cell, amount);
    }
    baro_series_touch(series);
}

void baro_gauge_inc(baro_gauge gauge)
{
    baro_gauge_add(gauge, 1);
}

void baro_gauge_dec(baro_gauge gauge)
{
    baro_gauge_add(gauge, -1);
}

void baro_gauge_sub(baro_gauge gauge, double amount)
{
    baro_gauge_add(gauge, -amount);
}

void baro_gauge_set_now(baro_gauge gauge)
{
    baro_gauge_set(gauge, (double)baro_now_ms() / 1e3);
}

struct gauge_parts {
    struct baro_gauge_part *parts;
    size_t room;
    size_t count;
    bool has_time;
};

enum { GAUGE_PARTS_MAX = 256, GAUGE_READS_MAX = 100 };

static struct baro_gauge_part *part_of(struct gauge_parts *parts, const struct baro_lane_view *view)
{
    for (size_t i = 0; i < parts->count; i++) {
        if (parts->parts[i].owner == view->owner) {
            return &parts->parts[i];
        }
    }
    if (!view->is_alive || parts->count == parts->room) {
        return NULL;
    }
    memset(&parts->parts[parts->count], 0, sizeof(parts->parts[0]));
    parts->parts[parts->count].owner = view->owner;
    return &parts->parts[parts->count++];
}

/* Value and note belong together; a reader that meets a change between them tries again. */
static void part_set(const struct baro_lane_view *view, void *context)
{
    struct gauge_parts *parts = context;
    struct baro_gauge_part *part = view->is_process ? part_of(parts, view) : NULL;

    for (int i = 0; part != NULL && i < GAUGE_READS_MAX; i++) {
        uint64_t lock = __atomic_load_n(&view->cells[GAUGE_LOCK], __ATOMIC_ACQUIRE);
        uint64_t set = __atomic_load_n(&view->cells[GAUGE_VALUE], __ATOMIC_ACQUIRE);

        part->before =
            baro_double_of(__atomic_load_n(&view->cells[GAUGE_BEFORE], __ATOMIC_ACQUIRE));
        part->set = baro_double_of(set) == 0 ? 0 : baro_double_of(set);
        part->is_used |= set != 0;
        if ((lock & 1) == 0 && baro_cell_get(&view->cells[GAUGE_LOCK]) == lock) {
            break;
        }
    }
    if (part != NULL && parts->has_time) {
        part->time = baro_cell_get(&view->cells[GAUGE_TIME]);
    }
}

static void part_add(const struct baro_lane_view *view, void *context)
{
    struct baro_gauge_part *part = part_of(context, view);
    double added = baro_double_of(baro_cell_get(view->cells));

    if (part != NULL) {
        part->added += added;
        part->is_used |= added != 0;
    }
}

size_t baro_gauge_parts(const struct baro_series *series, struct baro_gauge_part *parts,
                        size_t room)
{
    struct gauge_parts all = {parts, room, 0, series->family->multiprocess == BARO_LIVE_LATEST};

    baro_lanes_visit(series->slot2, part_set, &all);
    baro_lanes_visit(baro_series_slot(series), part_add, &all);
    for (size_t i = 0; i < all.count; i++) {
        parts[i].value = parts[i].set + (parts[i].added - parts[i].before);
    }
    return all.count;
}

static bool part_wins(enum baro_multiprocess mode, const struct baro_gauge_part *part,
                      const struct baro_gauge_part *best)
{
    return best == NULL || (mode == BARO_LIVE_MAX && part->value > best->value) ||
           (mode == BARO_LIVE_MIN && part->value < best->value) ||
           (mode == BARO_LIVE_LATEST && part->time > best->time);
}

static double gauge_read(const struct baro_series *series)
{
    enum baro_multiprocess mode = series->family->multiprocess;
    struct baro_gauge_part parts[GAUGE_PARTS_MAX];
    size_t count = baro_gauge_parts(series, parts, GAUGE_PARTS_MAX);
    const struct baro_gauge_part *best = NULL;
    double sum = 0;

    for (size_t i = 0; i < count; i++) {
        sum += parts[i].value;
        if (parts[i].is_used && part_wins(mode, &parts[i], best)) {
            best = &parts[i];
        }
    }
    if (mode == BARO_LIVE_SUM || mode == BARO_LIVE_ALL) {
        return sum;
    }
    return best == NULL ? 0 : best->value;
}

/* ---- Histograms
 * ------------------------------------------------------------------------------------ */

static uint32_t bucket_by_halving(const struct baro_family *family, double value)
{
    uint32_t low = 0;
    uint32_t high = family->bound_count;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (value <= family->bounds[middle]) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return value != value ? family->bound_count : low;
}

/* The first bound that is not below value; NaN belongs to +Inf. The upper bits of the value, which
 * rise with it, say where to begin, and one or two comparisons settle it. */
static inline uint32_t bucket_of(const struct baro_family *family, double value)
{
    int64_t key = (int64_t)baro_bits_of(value) >> 48;
    uint32_t bucket;

    if (BARO_UNLIKELY(family->bound_lut == NULL)) {
        return bucket_by_halving(family, value);
    }
    if (BARO_UNLIKELY(key < (int64_t)family->lut_first)) {
        return value != value ? family->bound_count : 0;
    }
    key -= family->lut_first;
    if (BARO_UNLIKELY(key >= (int64_t)family->lut_count)) {
        return family->bound_count;
    }
    bucket = family->bound_lut[key];
    while (bucket < family->bound_count && value > family->bounds[bucket]) {
        bucket++;
    }
    return bucket;
}

/* The run of a histogram: the sum, a count for each bound, one for +Inf, then the native part. */
void baro_histogram_observe(baro_histogram histogram, double value)
{
    uint32_t slot = 0;
    struct baro_series *series = baro_series_live(histogram.ref, &slot);
    const struct baro_family *family;
    uint64_t *cells;

    if (BARO_UNLIKELY(series == NULL)) {
        return;
    }
    family = series->family;
    cells = baro_cell_own(slot);
    if (BARO_UNLIKELY(cells == NULL)) {
        return;
    }
    baro_cell_add_double(cells, value);
    if (family->has_classic) {
        baro_cell_add(&cells[1 + bucket_of(family, value)], 1);
    }
    if (family->native_cells > 0) {
        baro_native_observe(family, &cells[family->native_at], value);
    }
    baro_series_touch(series);
}

void baro_histogram_observe_exemplar(baro_histogram histogram, double value,
                                     const struct baro_exemplar *exemplar)
{
    uint32_t slot = 0;
    struct baro_series *series;

    baro_histogram_observe(histogram, value);
    if (exemplar != NULL && (series = baro_series_live(histogram.ref, &slot)) != NULL) {
        baro_exemplar_keep(series, bucket_of(series->family, value), value, exemplar);
    }
}

void baro_histogram_observe_trace(baro_histogram histogram, double value, const char *trace_id,
                                  const char *span_id)
{
    struct baro_pair pairs[2];
    struct baro_exemplar exemplar = {pairs, 0, 0};

    if (trace_id != NULL && trace_id[0] != '\0') {
        pairs[exemplar.pair_count++] = (struct baro_pair){"trace_id", trace_id};
    }
    if (span_id != NULL && span_id[0] != '\0') {
        pairs[exemplar.pair_count++] = (struct baro_pair){"span_id", span_id};
    }
    baro_histogram_observe_exemplar(histogram, value, exemplar.pair_count > 0 ? &exemplar : NULL);
}

void baro_histogram_observe_since(baro_histogram histogram, int64_t start_ns)
{
    baro_histogram_observe(histogram, (double)(baro_now_ns() - start_ns) / 1e9);
}

struct classic {
    uint64_t *buckets;
    uint32_t count;
    double sum;
};

static void classic_add(const struct baro_lane_view *view, void *context)
{
    struct classic *classic = context;

    classic->sum += baro_double_of(baro_cell_get(view->cells));
    for (uint32_t i = 0; i < classic->count; i++) {
        classic->buckets[i] += baro_cell_get(&view->cells[1 + i]);
    }
}

void baro_classic_read(const struct baro_series *series, uint64_t *ret_buckets, double *ret_sum)
{
    struct classic classic = {ret_buckets, series->family->bound_count + 1, 0};

    memset(ret_buckets, 0, classic.count * sizeof(*ret_buckets));
    baro_lanes_visit(baro_series_slot(series), classic_add, &classic);
    *ret_sum = classic.sum;
}

/* ---- Summaries, state sets, info
 * --------------------------------------------------------------------- */

void baro_summary_observe(baro_summary summary, double value)
{
    uint32_t slot = 0;
    struct baro_series *series = baro_series_live(summary.ref, &slot);
    uint64_t *cells;

    if (BARO_UNLIKELY(series == NULL) || (cells = baro_cell_own(slot)) == NULL) {
        return;
    }
    baro_cell_add(&cells[0], 1);
    baro_cell_add_double(&cells[1], value);
    if (series->family->quantile_count > 0) {
        baro_summary_record(series, value);
    }
    baro_series_touch(series);
}

void baro_summary_observe_since(baro_summary summary, int64_t start_ns)
{
    baro_summary_observe(summary, (double)(baro_now_ns() - start_ns) / 1e9);
}

void baro_stateset_enable(baro_stateset set, size_t state, bool on)
{
    uint32_t slot = 0;
    struct baro_series *series = baro_series_live(set.ref, &slot);
    uint64_t *cell;

    if (series == NULL) {
        return;
    }
    if (state >= series->family->state_count) {
        baro_misuse();
    } else if ((cell = baro_cell_process(series->slot2)) != NULL) {
        if (on) {
            (void)__atomic_fetch_or(cell, (uint64_t)1 << state, __ATOMIC_RELAXED);
        } else {
            (void)__atomic_fetch_and(cell, ~((uint64_t)1 << state), __ATOMIC_RELAXED);
        }
        baro_series_touch(series);
    }
}

void baro_stateset_select(baro_stateset set, size_t state)
{
    uint32_t slot = 0;
    struct baro_series *series = baro_series_live(set.ref, &slot);
    uint64_t *cell;

    if (series == NULL) {
        return;
    }
    if (state >= series->family->state_count) {
        baro_misuse();
    } else if ((cell = baro_cell_process(series->slot2)) != NULL) {
        baro_cell_put(cell, (uint64_t)1 << state);
        baro_series_touch(series);
    }
}

static void states_or(const struct baro_lane_view *view, void *context)
{
    if (view->is_process && view->is_alive) {
        *(uint64_t *)context |= baro_cell_get(view->cells);
    }
}

uint64_t baro_states_read(const struct baro_series *series)
{
    uint64_t states = 0;

    baro_lanes_visit(series->slot2, states_or, &states);
    return states;
}

void baro_info_set(struct baro_family *family, const char *const *values)
{
    (void)baro_series_with(family, BARO_INFO, values);
}

/* ---- Handles
 * --------------------------------------------------------------------------------------------- */

baro_counter baro_counter_with(struct baro_family *family, const char *const *values)
{
    return (baro_counter){baro_series_with(family, BARO_COUNTER, values)};
}

baro_gauge baro_gauge_with(struct baro_family *family, const char *const *values)
{
    return (baro_gauge){baro_series_with(family, BARO_GAUGE, values)};
}

baro_histogram baro_histogram_with(struct baro_family *family, const char *const *values)
{
    return (baro_histogram){baro_series_with(family, BARO_HISTOGRAM, values)};
}

baro_summary baro_summary_with(struct baro_family *family, const char *const *values)
{
    return (baro_summary){baro_series_with(family, BARO_SUMMARY, values)};
}

baro_stateset baro_stateset_with(struct baro_family *family, const char *const *values)
{
    return (baro_stateset){baro_series_with(family, BARO_STATESET, values)};
}

/* The word of a kept handle is read and written whole; a series that was removed is looked up
 * again. */
static inline uint64_t cached(uint64_t *cell, struct baro_family *family, enum baro_type type,
                              const char *const *values)
{
    uint64_t ref;

    if (BARO_UNLIKELY(cell == NULL)) {
        return baro_series_with(family, type, values);
    }
    ref = __atomic_load_n(cell, __ATOMIC_RELAXED);
    if (BARO_LIKELY(baro_series_is_live(ref))) {
        return ref;
    }
    ref = baro_series_with(family, type, values);
    __atomic_store_n(cell, ref, __ATOMIC_RELAXED);
    return ref;
}

baro_counter baro_counter_cached(baro_counter *cell, struct baro_family *family,
                                 const char *const *values)
{
    return (baro_counter){cached(cell == NULL ? NULL : &cell->ref, family, BARO_COUNTER, values)};
}

baro_gauge baro_gauge_cached(baro_gauge *cell, struct baro_family *family,
                             const char *const *values)
{
    return (baro_gauge){cached(cell == NULL ? NULL : &cell->ref, family, BARO_GAUGE, values)};
}

baro_histogram baro_histogram_cached(baro_histogram *cell, struct baro_family *family,
                                     const char *const *values)
{
    return (baro_histogram){
        cached(cell == NULL ? NULL : &cell->ref, family, BARO_HISTOGRAM, values)};
}

baro_summary baro_summary_cached(baro_summary *cell, struct baro_family *family,
                                 const char *const *values)
{
    return (baro_summary){cached(cell == NULL ? NULL : &cell->ref, family, BARO_SUMMARY, values)};
}

baro_stateset baro_stateset_cached(baro_stateset *cell, struct baro_family *family,
                                   const char *const *values)
{
    return (baro_stateset){cached(cell == NULL ? NULL : &cell->ref, family, BARO_STATESET, values)};
}

static struct baro_family *simple_family(struct baro_registry *registry, enum baro_type type,
                                         const char *name, const char *help)
{
    struct baro_desc desc;

    memset(&desc, 0, sizeof(desc));
    desc.name = name;
    desc.help = help;
    desc.type = type;
    return baro_family_new(registry, &desc, NULL);
}

baro_counter baro_counter_new(struct baro_registry *registry, const char *name, const char *help)
{
    return baro_counter_with(simple_family(registry, BARO_COUNTER, name, help), NULL);
}

baro_gauge baro_gauge_new(struct baro_registry *registry, const char *name, const char *help)
{
    return baro_gauge_with(simple_family(registry, BARO_GAUGE, name, help), NULL);
}

baro_summary baro_summary_new(struct baro_registry *registry, const char *name, const char *help)
{
    return baro_summary_with(simple_family(registry, BARO_SUMMARY, name, help), NULL);
}

baro_histogram baro_histogram_new(struct baro_registry *registry, const char *name,
                                  const char *help, const double *buckets, size_t bucket_count)
{
    struct baro_desc desc;

    memset(&desc, 0, sizeof(desc));
    desc.name = name;
    desc.help = help;
    desc.type = BARO_HISTOGRAM;
    desc.buckets = buckets;
    desc.bucket_count = bucket_count;
    return baro_histogram_with(baro_family_new(registry, &desc, NULL), NULL);
}

/* ---- Reading
 * -----------------------------------------------------------------------------------------------
 */

double baro_value_of(const struct baro_series *series)
{
    switch (series->family->type) {
    case BARO_COUNTER:
        return counter_read(series);
    case BARO_GAUGE:
        return gauge_read(series);
    case BARO_INFO:
        return 1;
    case BARO_HISTOGRAM:
    case BARO_SUMMARY:
    case BARO_STATESET:
    case BARO_UNKNOWN:
        break;
    }
    return 0;
}

double baro_counter_value(baro_counter counter)
{
    uint32_t slot = 0;
    struct baro_series *series = baro_series_live(counter.ref, &slot);

    return series == NULL ? 0 : counter_read(series);
}

double baro_gauge_value(baro_gauge gauge)
{
    uint32_t slot = 0;
    struct baro_series *series = baro_series_live(gauge.ref, &slot);

    return series == NULL ? 0 : gauge_read(series);
}

double baro_histogram_sum(baro_histogram histogram)
{
    uint32_t slot = 0;
    struct baro_series *series = baro_series_live(histogram.ref, &slot);

    return series == NULL ? 0 : baro_cells_sum_double(slot);
}

uint64_t baro_histogram_count(baro_histogram histogram)
{
    uint32_t slot = 0;
    struct baro_series *series = baro_series_live(histogram.ref, &slot);
    uint64_t count = 0;

    if (series != NULL && series->family->has_classic) {
        for (uint32_t i = 0; i <= series->family->bound_count; i++) {
            count += baro_cells_sum_u64(slot + 1 + i);
        }
    } else if (series != NULL) {
        struct baro_native_sum native;

        if (baro_native_read(series, &native)) {
            count = native.count;
            baro_native_sum_done(&native);
        }
    }
    return count;
}

uint64_t baro_histogram_bucket(baro_histogram histogram, size_t bucket)
{
    uint32_t slot = 0;
    struct baro_series *series = baro_series_live(histogram.ref, &slot);

    if (series == NULL || !series->family->has_classic || bucket > series->family->bound_count) {
        return 0;
    }
    return baro_cells_sum_u64(slot + 1 + (uint32_t)bucket);
}

uint64_t baro_summary_count(baro_summary summary)
{
    uint32_t slot = 0;
    struct baro_series *series = baro_series_live(summary.ref, &slot);

    return series == NULL ? 0 : baro_cells_sum_u64(slot);
}

double baro_summary_sum(baro_summary summary)
{
    uint32_t slot = 0;
    struct baro_series *series = baro_series_live(summary.ref, &slot);

    return series == NULL ? 0 : baro_cells_sum_double(slot + 1);
}

double baro_summary_quantile(baro_summary summary, double quantile)
{
    uint32_t slot = 0;
    struct baro_series *series = baro_series_live(summary.ref, &slot);

    return series == NULL ? baro_double_of((uint64_t)0x7FF8 << 48)
                          : baro_summary_quantile_of(series, quantile);
}

bool baro_stateset_is_on(baro_stateset set, size_t state)
{
    uint32_t slot = 0;
    struct baro_series *series = baro_series_live(set.ref, &slot);

    return series != NULL && state < series->family->state_count &&
           (baro_states_read(series) >> state & 1) != 0;
}
