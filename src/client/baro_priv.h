/*
 * baro_priv: what the sources of libbaro share. They depend on libc and pthread alone, compile as
 * C99 with the GNU
 * __atomic builtins, and are written into one file by tools/amalgamate, where BARO_PRIVATE is
 * `static`.
 *
 * The way of an update. A series (baro_series.c) owns a run of 8-byte cells, named by the slot of
 * its first. Each thread has a lane (baro_cells.c): a table of pages of cells that it alone writes,
 * by relaxed loads and stores, without a lock prefix. A scrape sums a slot over all lanes. The lane
 * of an ended thread stays as it is and is handed to the next new thread, which counts on: nothing
 * has to be folded, so nothing can be lost in between. In multi-process mode (baro_multiprocess.c)
 * the pages lie in a shared segment, and a dead process's lanes are handed on in the same way.
 *
 * Locks, in this order: the settings' and the list's of baro_registry.c, the one of
 * baro_multiprocess.c, registry.collect_mutex, registry.mutex, the one of baro_series.c, the one of
 * baro_cells.c. Updates and lookups of what exists take none.
 */
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <pthread.h>
#include <string.h>

#include <baro/baro.h>

#define BARO_HIDDEN __attribute__((visibility("hidden")))
#ifndef BARO_PRIVATE
#define BARO_PRIVATE BARO_HIDDEN
#endif

#define BARO_LIKELY(x)   __builtin_expect(!!(x), 1)
#define BARO_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define BARO_COLD        __attribute__((cold, noinline))
#define BARO_COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

/* ---- Cells and lanes (baro_cells.c) ------------------------------------------------------------
 */

enum {
    BARO_PAGE_BITS = 10,
    BARO_PAGE_CELLS = 1 << BARO_PAGE_BITS, /* 8 KiB; a run of cells never crosses a page */
    BARO_PAGES_MAX = 16384,                /* 16.7 million cells */
};

/* What becomes of cells when their process is gone: sums stay, live ones are forgotten. Process
 * cells are live ones that any thread of a process may write: they lie in its process lane. A page
 * has one kind. */
enum baro_cell_kind { BARO_CELL_SUM, BARO_CELL_LIVE, BARO_CELL_PROCESS, BARO_CELL_KIND_COUNT };

struct baro_shared_lane;
struct baro_out;
struct baro_garbage;

struct baro_lane {
    uint64_t *pages[BARO_PAGES_MAX]; /* written by the owner (release), read by scrapes (acquire) */
    uint32_t reading;                /* how many lookups of the owner are under way */
    bool is_free;                    /* lock: cells */
    struct baro_lane *next;          /* set once, before the lane is published */
    struct baro_shared_lane *shared; /* multi-process: where the pages are named for others */
};

extern BARO_HIDDEN __thread struct baro_lane *baro_thread_lane
    __attribute__((tls_model("initial-exec")));
extern BARO_HIDDEN struct baro_lane *baro_process_lane;

/* baro_cells_start makes the library ready (once); false without memory. */
BARO_PRIVATE bool baro_cells_start(void);

/* A fork holds the mutex of the cells, so that the child finds them whole. */
BARO_PRIVATE void baro_cells_fork_prepare(void);
BARO_PRIVATE void baro_cells_fork_done(bool in_child);

/* baro_cell_slow finds the cell where the thread's (the process's) lane has no page for it yet;
 * NULL without memory, or where the slot is no cell. */
BARO_PRIVATE uint64_t *baro_cell_slow(uint32_t slot);
BARO_PRIVATE uint64_t *baro_process_cell_slow(uint32_t slot);

/* baro_cells_are_used is true once a cell was given out or a thread has a lane. */
BARO_PRIVATE bool baro_cells_are_used(void);

/* baro_cells_alloc takes a run of zero cells; returns its slot, 0 without room. baro_cells_free
 * gives it back: it is used again after BARO_QUARANTINE_MS, because an update that is under way
 * writes to it still. */
BARO_PRIVATE uint32_t baro_cells_alloc(enum baro_cell_kind kind, uint32_t count);
BARO_PRIVATE void baro_cells_free(enum baro_cell_kind kind, uint32_t slot, uint32_t count);
enum { BARO_QUARANTINE_MS = 10000 };

/* baro_lanes_visit calls visit for each page (NULL where a lane has none) that holds `slot`: all
 * lanes of the process, or, in multi-process mode, of the family. */
struct baro_lane_view {
    const uint64_t *cells; /* the cell of the slot; read with baro_cell_get */
    uint64_t owner;        /* multi-process: the process; 0 otherwise */
    bool is_alive;
    bool is_process; /* a process lane */
};
typedef void baro_lane_visit_fn(const struct baro_lane_view *view, void *context);
BARO_PRIVATE void baro_lanes_visit(uint32_t slot, baro_lane_visit_fn *visit, void *context);

BARO_PRIVATE uint64_t baro_cells_sum_u64(uint32_t slot);
BARO_PRIVATE double baro_cells_sum_double(uint32_t slot);
/* baro_cells_sum_own sums doubles over the lanes of this process alone. */
BARO_PRIVATE double baro_cells_sum_own(uint32_t slot);

/* baro_thread_enter gives this thread a lane. A lookup stands between baro_reading_begin (false
 * without memory for a lane) and baro_reading_end. */
BARO_PRIVATE bool baro_thread_enter(void);
BARO_PRIVATE bool baro_reading_begin(void);
BARO_PRIVATE void baro_reading_end(void);

/* baro_lanes_are_quiet is true when no thread is in a lookup that began before the call. */
BARO_PRIVATE bool baro_lanes_are_quiet(void);

/*
 * Words that belong together (the value of a gauge and its note, an exemplar) have a lock that
 * nobody waits for: it is odd while a thread writes, and whoever finds it so has been overtaken.
 * Above, it has the epoch: a thread that held it when its process forked does not exist in the
 * child, where the epoch is another one and the lock is taken over.
 */
extern BARO_HIDDEN uint32_t baro_epoch; /* forks between the first process and this one */

static inline bool baro_word_lock(uint64_t *lock, uint64_t *ret_held)
{
    uint64_t word = __atomic_load_n(lock, __ATOMIC_RELAXED);
    uint64_t held = (uint64_t)baro_epoch << 32 | (uint32_t)word | 1;

    if (word == held) {
        return false;
    }
    *ret_held = held;
    return __atomic_compare_exchange_n(lock, &word, held, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

static inline void baro_word_unlock(uint64_t *lock, uint64_t held)
{
    __atomic_store_n(lock, held >> 32 << 32 | (uint32_t)(held + 1), __ATOMIC_RELEASE);
}

static inline uint64_t baro_bits_of(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static inline double baro_double_of(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline uint64_t baro_cell_get(const uint64_t *cell)
{
    return __atomic_load_n(cell, __ATOMIC_RELAXED);
}

static inline void baro_cell_put(uint64_t *cell, uint64_t value)
{
    __atomic_store_n(cell, value, __ATOMIC_RELAXED);
}

static inline void baro_cell_add(uint64_t *cell, uint64_t amount)
{
    baro_cell_put(cell, baro_cell_get(cell) + amount);
}

static inline void baro_cell_add_double(uint64_t *cell, double amount)
{
    baro_cell_put(cell, baro_bits_of(baro_double_of(baro_cell_get(cell)) + amount));
}

/* baro_cell_own returns this thread's cell; its page was written by this thread, or by the one that
 * had the lane before. */
static inline uint64_t *baro_cell_own(uint32_t slot)
{
    uint64_t *page =
        __atomic_load_n(&baro_thread_lane->pages[slot >> BARO_PAGE_BITS], __ATOMIC_RELAXED);

    if (BARO_UNLIKELY(page == NULL)) {
        return baro_cell_slow(slot);
    }
    return &page[slot & (BARO_PAGE_CELLS - 1)];
}

static inline uint64_t *baro_cell_process(uint32_t slot)
{
    struct baro_lane *lane = __atomic_load_n(&baro_process_lane, __ATOMIC_ACQUIRE);
    uint64_t *page = __atomic_load_n(&lane->pages[slot >> BARO_PAGE_BITS], __ATOMIC_ACQUIRE);

    if (BARO_UNLIKELY(page == NULL)) {
        return baro_process_cell_slow(slot);
    }
    return &page[slot & (BARO_PAGE_CELLS - 1)];
}

/* ---- Multi-process (baro_multiprocess.c) --------------------------------------------------------
 */

/* What baro_cells.c needs of the segment. All are called with the cells mutex held, but for visit.
 */
BARO_PRIVATE bool baro_shared_is_on(void);
BARO_PRIVATE struct baro_shared_lane *baro_shared_lane_claim(bool is_process);
BARO_PRIVATE uint64_t *baro_shared_page(struct baro_shared_lane *lane, uint32_t page);
BARO_PRIVATE void baro_shared_visit(uint32_t slot, baro_lane_visit_fn *visit, void *context);
BARO_PRIVATE void baro_shared_after_fork(void);
BARO_PRIVATE void baro_shared_fork_prepare(void);
BARO_PRIVATE void baro_shared_fork_done(void);
BARO_PRIVATE void baro_shared_start(void);

/* What baro_series.c needs: the cells of a series by its identity, the same in all processes. */
struct baro_series_cells {
    uint32_t slot;
    uint32_t slot2;
    uint32_t entry;
    int64_t created_ms;
};
BARO_PRIVATE bool baro_shared_series(struct baro_family *family, const char *key, uint32_t key_size,
                                     struct baro_series_cells *ret);
/* baro_shared_import makes the families and series that other processes have made known in this
 * registry too. */
BARO_PRIVATE void baro_shared_import(struct baro_registry *registry);

/* A series of the segment that was removed is gone for all processes: its values are not shown any
 * more, and its labels get a new one when they come again. baro_shared_touch notes an update for
 * the next scrape, wherever that is; baro_shared_expire takes the note and says whether the series
 * is gone, which it makes it when it was not updated for ttl_s. now_s is of the monotonic clock. */
BARO_PRIVATE bool baro_shared_is_gone(uint32_t entry);
BARO_PRIVATE void baro_shared_remove(uint32_t entry);
BARO_PRIVATE void baro_shared_touch(uint32_t entry);
BARO_PRIVATE bool baro_shared_expire(uint32_t entry, uint32_t ttl_s, uint32_t now_s);

/* ---- Series (baro_series.c) ---------------------------------------------------------------------
 */

enum { BARO_GENERATION_SHIFT = 48 };

/* One series, 64 bytes, in a slab that is never given back: a stale handle reads a valid `word` for
 * ever. */
struct baro_series {
    uint64_t word; /* generation << 48 | slot; a handle is generation << 48 | address. Atomic */
    struct baro_family *family;
    /* One block: the values, each with its NUL, then the rendered labels ("" or `a="b",c="d"`). */
    char *text;
    void *extra; /* exemplars, a callback or a summary's window; atomic */
    int64_t created_ms;
    uint32_t slot2; /* gauges: the process cells */
    uint32_t labels_size;
    uint16_t key_size;
    uint8_t is_touched;   /* TTL: updated since the last scrape; atomic */
    uint8_t has_adds;     /* gauges: baro_gauge_add was used; atomic */
    uint8_t has_callback; /* lock: registry */
    uint8_t unused;
    uint16_t unused2;
    uint32_t seen_s; /* TTL: the second of the last scrape that found it touched; lock: registry */
    uint32_t shared_entry; /* multi-process: where the segment describes it; 0 otherwise */
};

/* A table of the series of a family: open addressing, at most half full, read without a lock. */
struct baro_table {
    uint32_t mask;
    uint32_t used;      /* entries that are or were taken; lock: registry */
    uint64_t entries[]; /* 0, 1 = removed, or 16 hash bits << 48 | address; atomic */
};

/* The distinct values of a capped label; lock: registry. */
struct baro_values {
    char **values; /* open addressing */
    uint32_t mask;
    uint32_t count;
};

/* What series.extra points to tells by its first word what it is: an update may meet another thing
 * there than it expects. */
enum baro_extra { BARO_EXTRA_EXEMPLARS = 1, BARO_EXTRA_CALLBACK = 2 };

struct baro_callback {
    uint32_t kind; /* BARO_EXTRA_CALLBACK */
    baro_read_fn *read;
    void *context;
};

struct baro_bound_text {
    char text[28]; /* 5, 0.25, +Inf; OpenMetrics: 5.0, 0.25, +Inf */
    uint8_t size;
};

struct baro_family {
    enum baro_type type;
    enum baro_multiprocess multiprocess;
    uint32_t label_count;
    uint32_t bound_count;
    struct baro_table *table; /* atomic */
    const double *bounds;     /* rising, without +Inf */
    const uint8_t
        *bound_lut; /* first candidate bound by the upper bits of a value; NULL = search */
    uint32_t lut_first;
    uint32_t lut_count;
    struct baro_native native;
    uint32_t native_cells; /* of the table; 0 = no native histogram */
    uint32_t native_at;    /* offset of its header in the run of cells */
    uint32_t run_cells;    /* cells of a series, and */
    uint32_t run2_cells;   /* its process cells */
    enum baro_cell_kind run_kind;
    bool is_inert;      /* PROMETHEUS_ENABLED=false, and no registry */
    bool has_classic;   /* histograms */
    bool is_capped;     /* a label has a cap or a closed set */
    uint64_t overflows; /* atomic */

    struct baro_registry *registry;
    struct baro_family *next; /* in the registry, by name */
    const char *name;         /* with the registry's prefix */
    uint32_t name_size;
    uint32_t base_size; /* of the name without _total (counters) or _info */
    const char *help;
    const char *unit;
    const struct baro_label *labels;
    struct baro_values *values; /* label_count of them; NULL when !is_capped */
    const double *quantiles;
    uint32_t quantile_count;
    uint32_t max_age_s;
    const char *const *states;
    uint32_t state_count;
    uint32_t series_max;
    uint32_t ttl_s;
    struct baro_bound_text *bound_texts[2]; /* text, OpenMetrics; bound_count + 1 each */
    struct baro_series **list; /* in the order of their making; NULL = removed. lock: registry */
    uint32_t list_count;
    uint32_t list_room;
    uint32_t series_count;
    uint64_t overflow_ref; /* of a full family, so that lookups beyond it need no lock; 0 = not
                              full; atomic */
    uint64_t shared_entry; /* multi-process: where the segment describes it; lock: registry */
};

/* baro_series_live returns the series of a handle, or NULL when it is {0} or stale, which is
 * counted. ret_slot is its run. */
BARO_PRIVATE BARO_COLD void baro_misuse(void);

static inline struct baro_series *baro_series_live(uint64_t ref, uint32_t *ret_slot)
{
    const uint64_t address_mask = ((uint64_t)1 << BARO_GENERATION_SHIFT) - 1;
    struct baro_series *series = (struct baro_series *)(uintptr_t)(ref & address_mask);

    if (BARO_LIKELY(series != NULL)) {
        uint64_t word = __atomic_load_n(&series->word, __ATOMIC_RELAXED);

        if (BARO_LIKELY(((word ^ ref) >> BARO_GENERATION_SHIFT) == 0)) {
            *ret_slot = (uint32_t)word;
            return series;
        }
    }
    baro_misuse();
    return NULL;
}

/* baro_series_is_gone says whether another process of the family has removed the series. */
static inline bool baro_series_is_gone(const struct baro_series *series)
{
    uint32_t entry = __atomic_load_n(&series->shared_entry, __ATOMIC_RELAXED);

    return BARO_UNLIKELY(entry != 0) && baro_shared_is_gone(entry);
}

static inline bool baro_series_is_live(uint64_t ref)
{
    const uint64_t address_mask = ((uint64_t)1 << BARO_GENERATION_SHIFT) - 1;
    const struct baro_series *series = (const struct baro_series *)(uintptr_t)(ref & address_mask);

    return series != NULL &&
           ((__atomic_load_n(&series->word, __ATOMIC_RELAXED) ^ ref) >> BARO_GENERATION_SHIFT) ==
               0 &&
           !baro_series_is_gone(series);
}

/* baro_series_ref is the handle of a series that a caller with the registry's lock, or a reading
 * lane, has found. */
static inline uint64_t baro_series_ref(const struct baro_series *series)
{
    uint64_t word = __atomic_load_n(&series->word, __ATOMIC_RELAXED);

    return (word >> BARO_GENERATION_SHIFT << BARO_GENERATION_SHIFT) | (uint64_t)(uintptr_t)series;
}

static inline uint32_t baro_series_slot(const struct baro_series *series)
{
    return (uint32_t)__atomic_load_n(&series->word, __ATOMIC_RELAXED);
}

/* baro_series_touch_slow notes the update where the scrape that asks for it will look. */
BARO_PRIVATE void baro_series_touch_slow(struct baro_series *series);

static inline void baro_series_touch(struct baro_series *series)
{
    if (__atomic_load_n(&series->is_touched, __ATOMIC_RELAXED) == 0) {
        baro_series_touch_slow(series);
    }
}

/* baro_series_with finds or makes a series; NULL when the arguments are wrong (counted) or memory
 * is out. _locked is for callers that hold the registry's mutex. */
BARO_PRIVATE uint64_t baro_series_with(struct baro_family *family, enum baro_type type,
                                       const char *const *values);
BARO_PRIVATE struct baro_series *baro_series_get_locked(struct baro_family *family,
                                                        const char *const *values);
/* baro_series_get_key_locked takes the values as one block, each with its NUL. */
BARO_PRIVATE struct baro_series *baro_series_get_key_locked(struct baro_family *family,
                                                            const char *key, uint32_t key_size);
/* baro_series_import_locked finds or makes a series that another process has, whatever the caps
 * say. */
BARO_PRIVATE struct baro_series *baro_series_import_locked(struct baro_family *family,
                                                           const char *key, uint32_t key_size);
/* baro_labels_text makes the block that series.text is. */
BARO_PRIVATE bool baro_labels_text(const struct baro_family *family, const char *key,
                                   uint32_t key_size, struct baro_out *out);
/* baro_garbage_add_locked keeps memory (and a series) until nobody can be using it. */
BARO_PRIVATE void baro_garbage_add_locked(struct baro_registry *registry, void *memory,
                                          struct baro_series *series);
BARO_PRIVATE void baro_garbage_free(struct baro_garbage *garbage);
/* baro_series_reclaim_locked releases what was removed once no reader can see it. */
BARO_PRIVATE void baro_series_reclaim_locked(struct baro_registry *registry);
/* baro_series_expire_locked removes the series of a family with a TTL that did not change for so
 * long. */
BARO_PRIVATE void baro_series_expire_locked(struct baro_family *family, uint32_t now_s);
BARO_PRIVATE void baro_series_done_locked(struct baro_family *family);
BARO_PRIVATE void baro_series_fork_prepare(void);
BARO_PRIVATE void baro_series_fork_done(void);

/* ---- Registries and families (baro_registry.c, baro_family.c)
 * ------------------------------------- */

struct baro_collector {
    baro_collect_fn *collect; /* NULL = removed */
    void *context;
};

struct baro_component {
    char *name;
    baro_health_fn *check;
    void *context;
};

/* Memory that was unlinked and waits for its quarantine to pass and readers to be quiet. */
struct baro_garbage {
    struct baro_garbage *next; /* an older one */
    void *memory;
    struct baro_series *series; /* whose text it is, or NULL */
    int64_t since_ns;
};

struct baro_registry {
    pthread_mutex_t mutex;
    pthread_mutex_t collect_mutex; /* held while collectors run; taken before mutex */
    struct baro_registry *next;
    char *prefix;
    struct baro_pair *pairs;
    size_t pair_count;
    bool created_series;
    struct baro_family *families; /* sorted by name; lock: mutex */
    uint32_t exposing;            /* expositions under way: lists keep their holes; lock: mutex */
    struct baro_garbage *garbage;
    struct baro_collector *collectors;
    size_t collector_count;
    struct baro_component *components;
    size_t component_count;
    bool has_process;  /* lock: collect_mutex */
    uint64_t imported; /* multi-process: the newest entry that was taken up */
};

/* baro_registry_of maps NULL to the global registry; NULL without memory. */
BARO_PRIVATE struct baro_registry *baro_registry_of(struct baro_registry *registry);
/* baro_desc_check tells what is wrong with a descriptor; baro_family_build makes an unregistered
 * family of a good one. */
BARO_PRIVATE int baro_desc_check(const struct baro_registry *registry, const struct baro_desc *desc,
                                 struct baro_why *why);
BARO_PRIVATE struct baro_family *baro_family_build(struct baro_registry *registry,
                                                   const struct baro_desc *desc);
BARO_PRIVATE bool baro_registry_is_global(const struct baro_registry *registry);
/* baro_family_add_locked puts a family into the list; where its name is taken it is freed, and the
 * one that is there returned if it is the same, else NULL. */
BARO_PRIVATE struct baro_family *baro_family_add_locked(struct baro_registry *registry,
                                                        struct baro_family *family);
BARO_PRIVATE void baro_family_free(struct baro_family *family);
BARO_PRIVATE struct baro_family *baro_family_find_locked(struct baro_registry *registry,
                                                         const char *name);
/* baro_bound_texts writes count + 1 texts, the last +Inf. */
BARO_PRIVATE void baro_bound_texts(const double *bounds, size_t count, enum baro_format format,
                                   struct baro_bound_text *ret);
/* baro_bounds_are_good says whether bounds rise, without +Inf and NaN. */
BARO_PRIVATE bool baro_bounds_are_good(const double *bounds, size_t count);
/* baro_family_inert is what registration returns under PROMETHEUS_ENABLED=false. */
extern BARO_HIDDEN struct baro_family baro_family_inert;

/* baro_metrics_endpoint is METRICS_ENDPOINT, or NULL. */
BARO_PRIVATE const char *baro_metrics_endpoint(void);
BARO_PRIVATE const char *baro_multiprocess_directory(void);
BARO_PRIVATE void baro_settings_start(void);

/* baro_fail writes why and returns code. */
BARO_PRIVATE int baro_fail(struct baro_why *why, int code, const char *format, ...)
    BARO_PRINTF_(3, 4);
BARO_PRIVATE void baro_why_clear(struct baro_why *why);

BARO_PRIVATE bool baro_name_is_metric(const char *name);
BARO_PRIVATE bool baro_name_is_label(const char *name);
BARO_PRIVATE int64_t baro_now_ms(void); /* since 1970 */

/* baro_text_copy is strdup that takes NULL. */
BARO_PRIVATE char *baro_text_copy(const char *text);
/* baro_utf8_cut is the size of the longest valid UTF-8 start of text, at most `most`. */
BARO_PRIVATE size_t baro_utf8_cut(const char *text, size_t most);

/* ---- Values (baro_update.c, baro_native.c, baro_summary.c, baro_exemplar.c)
 * ------------------------ */

BARO_PRIVATE double baro_value_of(const struct baro_series *series);
BARO_PRIVATE uint64_t baro_states_read(const struct baro_series *series); /* a bit a state */

/* One process's part of a gauge; there is one but in multi-process mode. baro_gauge_parts returns
 * how many. */
struct baro_gauge_part {
    uint64_t owner;
    double value; /* set + (added - before) */
    double set;
    double before;
    double added;
    uint64_t time;
    bool is_used;
};
BARO_PRIVATE size_t baro_gauge_parts(const struct baro_series *series,
                                     struct baro_gauge_part *parts, size_t room);

enum { BARO_NATIVE_HEADER_CELLS = 3 };

/* A native histogram, summed over all lanes. Buckets are sorted by index; index i of schema s has
 * the upper bound 2^(i * 2^-s). */
struct baro_native_bucket {
    int32_t index;
    uint64_t count;
};

struct baro_native_sum {
    int8_t schema;
    double zero_threshold;
    uint64_t zero_count;
    uint64_t count; /* zero, positive, negative */
    struct baro_native_bucket *positive;
    struct baro_native_bucket *negative;
    size_t positive_count;
    size_t negative_count;
    struct baro_native_bucket *memory;
};

BARO_PRIVATE void baro_native_observe(const struct baro_family *family, uint64_t *cells,
                                      double value);
/* baro_native_read sums the lanes; false without memory. Release it with baro_native_sum_done. */
BARO_PRIVATE bool baro_native_read(const struct baro_series *series, struct baro_native_sum *ret);
BARO_PRIVATE void baro_native_sum_done(struct baro_native_sum *sum);
BARO_PRIVATE void baro_native_start(void);
/* baro_native_index is the bucket of a positive finite value. */
BARO_PRIVATE int32_t baro_native_index(double value, int schema);

/* Classic histogram: bucket counts (bound_count + 1) into ret, and the sum. */
BARO_PRIVATE void baro_classic_read(const struct baro_series *series, uint64_t *ret_buckets,
                                    double *ret_sum);

BARO_PRIVATE void baro_summary_record(struct baro_series *series, double value);
BARO_PRIVATE double baro_summary_quantile_of(const struct baro_series *series, double quantile);
BARO_PRIVATE void *baro_summary_window_new(const struct baro_family *family);

enum { BARO_EXEMPLAR_BYTES_MAX = 512 };

/* An exemplar as it is kept: its labels rendered, a="b",c="d". */
struct baro_exemplar_kept {
    double value;
    int64_t time_ms;
    uint16_t size;
    char labels[BARO_EXEMPLAR_BYTES_MAX];
};

/* baro_exemplar_keep keeps one for bucket (0 for counters); wait-free: it gives up when another
 * thread is at it. */
BARO_PRIVATE void baro_exemplar_keep(struct baro_series *series, uint32_t bucket, double value,
                                     const struct baro_exemplar *exemplar);
/* baro_exemplar_read copies it; false when there is none. */
BARO_PRIVATE bool baro_exemplar_read(const struct baro_series *series, uint32_t bucket,
                                     struct baro_exemplar_kept *ret);

/* ---- Text of numbers (baro_number.c)
 * ---------------------------------------------------------------- */

enum { BARO_NUMBER_BYTES = 32 };

/* baro_number_u64 and baro_number_double write at most BARO_NUMBER_BYTES bytes and return how many;
 * the double is the shortest decimal that reads back as the same value, as Go's 'g' with -1 prints
 * it: 1e+06, 0.25, NaN, +Inf. */
BARO_PRIVATE size_t baro_number_u64(uint64_t value, char *ret);
BARO_PRIVATE size_t baro_number_i64(int64_t value, char *ret);
BARO_PRIVATE size_t baro_number_double(double value, char *ret);
BARO_PRIVATE void baro_number_start(void);

/* ---- Output (baro_out.c)
 * ----------------------------------------------------------------------------- */

/* Bytes on their way to a writer, or gathered in memory (write == NULL). `failed` is sticky: a
 * baro_result. */
struct baro_out {
    baro_write_fn *write;
    void *context;
    char *bytes;
    size_t size;
    size_t room;
    void *gzip;
    int failed;
};

enum { BARO_OUT_CHUNK = 65536 };

BARO_PRIVATE void baro_out_init(struct baro_out *out, baro_write_fn *write, void *context,
                                bool gzip);
BARO_PRIVATE void baro_out_done(struct baro_out *out);
/* baro_out_flush hands on what is there; with `end`, a gzip stream ends. */
BARO_PRIVATE void baro_out_flush(struct baro_out *out, bool end);
BARO_PRIVATE void baro_out_flush_if_full(struct baro_out *out);
/* baro_out_reserve returns room for size bytes behind out->size, or NULL without memory. */
BARO_PRIVATE BARO_COLD char *baro_out_reserve_slow(struct baro_out *out, size_t size);

static inline char *baro_out_reserve(struct baro_out *out, size_t size)
{
    if (BARO_LIKELY(out->room - out->size >= size && out->failed == 0)) {
        return &out->bytes[out->size];
    }
    return baro_out_reserve_slow(out, size);
}

static inline void baro_out_put(struct baro_out *out, const void *bytes, size_t size)
{
    char *at = size == 0 ? NULL : baro_out_reserve(out, size);

    if (at != NULL) {
        memcpy(at, bytes, size);
        out->size += size;
    }
}

BARO_PRIVATE void baro_out_text(struct baro_out *out, const char *text);
BARO_PRIVATE void baro_out_u64(struct baro_out *out, uint64_t value);
BARO_PRIVATE void baro_out_double(struct baro_out *out, double value);
/* baro_out_escaped writes text with \\, \n and, if quotes, \" escaped. */
BARO_PRIVATE void baro_out_escaped(struct baro_out *out, const char *text, bool quotes);
/* baro_out_json writes a JSON string with its quotes. */
BARO_PRIVATE void baro_out_json(struct baro_out *out, const char *text);

/* gzip (baro_gzip.c), where zlib is built in. */
BARO_PRIVATE bool baro_gzip_is_built(void);
BARO_PRIVATE void *baro_gzip_new(void);
BARO_PRIVATE void baro_gzip_free(void *gzip);
BARO_PRIVATE int baro_gzip_write(void *gzip, const char *bytes, size_t size, bool end,
                                 baro_write_fn *write, void *context);

/* ---- Exposition (baro_expose*.c, baro_collect.c, baro_process.c)
 * -------------------------------------- */

/* One series on its way out: of the registry, or of a collector (series = NULL). */
struct baro_sample {
    const struct baro_series *series;
    const char *key;    /* the values, each with its NUL */
    const char *labels; /* rendered, constant ones included */
    uint32_t labels_size;
    int64_t created_ms; /* 0 = not known */
    uint32_t pid;       /* a gauge of one process; 0 = no label pid */
};

/* A histogram on its way out; native = NULL: classic alone. */
struct baro_histogram_view {
    struct baro_histogram_data data;
    const struct baro_bound_text *bound_texts; /* bound_count + 1 */
    const struct baro_native_sum *native;
};

struct baro_sink {
    struct baro_registry *registry;
    struct baro_out *out;
    const struct baro_expose_options *options;
    enum baro_format format;
    struct baro_family *family; /* of a collector, begun by baro_sink_family */
    bool is_wanted;             /* by options->names */
    struct baro_out message;    /* protobuf: the family so far, */
    struct baro_out metric;     /* the metric, */
    struct baro_out part;       /* and a message in it */
    char **seen;                /* names that collectors began */
    size_t seen_count;
};

BARO_PRIVATE bool baro_expose_wants(const struct baro_expose_options *options, const char *name);
BARO_PRIVATE void baro_expose_collectors(struct baro_sink *sink);

/* A family's head, its samples and its end, in the sink's format. */
BARO_PRIVATE void baro_emit_family(struct baro_sink *sink, const struct baro_family *family);
BARO_PRIVATE void baro_emit_family_end(struct baro_sink *sink);
BARO_PRIVATE void baro_emit_value(struct baro_sink *sink, const struct baro_family *family,
                                  const struct baro_sample *sample, double value);
BARO_PRIVATE void baro_emit_states(struct baro_sink *sink, const struct baro_family *family,
                                   const struct baro_sample *sample, uint64_t states);
BARO_PRIVATE void baro_emit_histogram(struct baro_sink *sink, const struct baro_family *family,
                                      const struct baro_sample *sample,
                                      const struct baro_histogram_view *view);
BARO_PRIVATE void baro_emit_summary(struct baro_sink *sink, const struct baro_family *family,
                                    const struct baro_sample *sample,
                                    const struct baro_summary_data *data);

/* The same of one format. */
BARO_PRIVATE void baro_text_family(struct baro_sink *sink, const struct baro_family *family);
BARO_PRIVATE void baro_text_value(struct baro_sink *sink, const struct baro_family *family,
                                  const struct baro_sample *sample, double value);
BARO_PRIVATE void baro_text_state(struct baro_sink *sink, const struct baro_family *family,
                                  const struct baro_sample *sample, const char *state, bool on);
BARO_PRIVATE void baro_text_histogram(struct baro_sink *sink, const struct baro_family *family,
                                      const struct baro_sample *sample,
                                      const struct baro_histogram_view *view);
BARO_PRIVATE void baro_text_summary(struct baro_sink *sink, const struct baro_family *family,
                                    const struct baro_sample *sample,
                                    const struct baro_summary_data *data);
BARO_PRIVATE void baro_proto_family(struct baro_sink *sink, const struct baro_family *family);
BARO_PRIVATE void baro_proto_family_end(struct baro_sink *sink);
BARO_PRIVATE void baro_proto_value(struct baro_sink *sink, const struct baro_family *family,
                                   const struct baro_sample *sample, double value);
BARO_PRIVATE void baro_proto_state(struct baro_sink *sink, const struct baro_family *family,
                                   const struct baro_sample *sample, const char *state, bool on);
BARO_PRIVATE void baro_proto_histogram(struct baro_sink *sink, const struct baro_family *family,
                                       const struct baro_sample *sample,
                                       const struct baro_histogram_view *view);
BARO_PRIVATE void baro_proto_summary(struct baro_sink *sink, const struct baro_family *family,
                                     const struct baro_sample *sample,
                                     const struct baro_summary_data *data);

BARO_PRIVATE void baro_process_collect(struct baro_sink *sink, void *context);
