#include "client/baro_priv.h"

#include <linux/membarrier.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A lane without pages: what a thread has before its first update, so that one check finds both
 * cases. Never written. */
static struct baro_lane empty_lane;

__thread struct baro_lane *baro_thread_lane __attribute__((tls_model("initial-exec"))) =
    &empty_lane;
struct baro_lane *baro_process_lane = &empty_lane;
uint32_t baro_epoch;

/* A run of cells that was given back, and when. */
struct free_run {
    uint32_t slot;
    uint32_t count;
    int64_t since_ms;
    enum baro_cell_kind kind;
};

static struct {
    pthread_mutex_t mutex;
    bool is_started;       /* the thread key is there */
    bool has_membarrier;   /* otherwise readers fence for themselves; set once */
    pthread_key_t key;     /* its destructor gives a lane back */
    struct baro_lane *all; /* atomic: scrapes walk it without the mutex */
    uint32_t pages;        /* given out so far; page 0 starts behind slot 0, which is "none" */
    uint32_t page[BARO_CELL_KIND_COUNT]; /* the page that is being filled, + 1; 0 = none */
    uint32_t used[BARO_CELL_KIND_COUNT]; /* cells of it */
    struct free_run *runs;
    size_t run_count;
    size_t run_room;
} cells = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static int64_t mono_ms(void)
{
    struct timespec now = {0, 0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- Life cycle ---------------------------------------------------------------------------- */

/* A thread ends: its lane, with all that it counted, waits for the next one. */
static void lane_release(void *value)
{
    struct baro_lane *lane = value;

    baro_thread_lane = &empty_lane;
    (void)pthread_mutex_lock(&cells.mutex);
    lane->is_free = true;
    (void)pthread_mutex_unlock(&cells.mutex);
}

void baro_cells_fork_prepare(void)
{
    (void)pthread_mutex_lock(&cells.mutex);
}

/* Only the forking thread lives on in a child: the lanes of the others are free there. In
 * multi-process mode every lane stays the parent's, and the child takes new ones. */
static void fork_child_locked(void)
{
    struct baro_lane *lane = cells.all;

    if (baro_shared_is_on()) {
        while ((lane = cells.all) != NULL) { /* their pages are the segment's */
            cells.all = lane->next;
            free(lane);
        }
        baro_thread_lane = &empty_lane;
        baro_process_lane = &empty_lane;
        (void)pthread_setspecific(cells.key, NULL);
        baro_shared_after_fork();
        return;
    }
    for (; lane != NULL; lane = lane->next) {
        lane->is_free = lane != baro_thread_lane && lane != baro_process_lane;
        lane->reading = 0;
    }
}

void baro_cells_fork_done(bool in_child)
{
    if (in_child) {
        baro_epoch++;
        fork_child_locked();
    }
    (void)pthread_mutex_unlock(&cells.mutex);
}

static bool start_locked(void)
{
    if (!cells.is_started) {
        if (pthread_key_create(&cells.key, lane_release) != 0) {
            return false;
        }
        cells.has_membarrier =
            syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
        baro_number_start();
        baro_native_start();
        cells.is_started = true;
    }
    return true;
}

bool baro_cells_start(void)
{
    bool ok;

    (void)pthread_mutex_lock(&cells.mutex);
    ok = start_locked();
    (void)pthread_mutex_unlock(&cells.mutex);
    return ok;
}

/* The library is unloaded: no destructor may be called any more. */
__attribute__((destructor)) static void cells_end(void)
{
    if (cells.is_started) {
        (void)pthread_key_delete(cells.key);
    }
}

/* ---- Lanes --------------------------------------------------------------------------------- */

/* The 128 KiB of page pointers come from calloc as untouched memory: a lane costs the few KiB that
 * it uses. */
static struct baro_lane *lane_new_locked(bool is_process)
{
    struct baro_lane *lane = calloc(1, sizeof(*lane));

    if (lane == NULL) {
        return NULL;
    }
    if (baro_shared_is_on() && (lane->shared = baro_shared_lane_claim(is_process)) == NULL) {
        free(lane);
        return NULL;
    }
    lane->next = cells.all;
    __atomic_store_n(&cells.all, lane, __ATOMIC_RELEASE);
    return lane;
}

static struct baro_lane *lane_take_locked(void)
{
    struct baro_lane *lane = cells.all;

    while (lane != NULL && !lane->is_free) {
        lane = lane->next;
    }
    if (lane == NULL && (lane = lane_new_locked(false)) == NULL) {
        return NULL;
    }
    lane->is_free = false;
    return lane;
}

/* The calling thread gets a lane. Where no destructor can be set, the lane stays taken, which costs
 * only memory. */
static bool thread_enter_locked(void)
{
    struct baro_lane *lane;

    if (baro_thread_lane != &empty_lane) {
        return true;
    }
    if (!start_locked() || (lane = lane_take_locked()) == NULL) {
        return false;
    }
    (void)pthread_setspecific(cells.key, lane);
    baro_thread_lane = lane;
    return true;
}

static uint64_t *page_of_locked(struct baro_lane *lane, uint32_t index)
{
    uint64_t *page = lane->pages[index];

    if (page != NULL) {
        return page;
    }
    if (lane->shared != NULL) {
        page = baro_shared_page(lane->shared, index);
    } else if (posix_memalign((void **)&page, 64, BARO_PAGE_CELLS * sizeof(*page)) == 0) {
        memset(page, 0, BARO_PAGE_CELLS * sizeof(*page));
    } else {
        page = NULL;
    }
    if (page != NULL) {
        __atomic_store_n(&lane->pages[index], page, __ATOMIC_RELEASE);
    }
    return page;
}

static bool slot_is_cell_locked(uint32_t slot)
{
    return slot != 0 && (slot >> BARO_PAGE_BITS) < BARO_PAGES_MAX &&
           (baro_shared_is_on() || (slot >> BARO_PAGE_BITS) < cells.pages);
}

uint64_t *baro_cell_slow(uint32_t slot)
{
    uint64_t *page = NULL;

    (void)pthread_mutex_lock(&cells.mutex);
    if (slot_is_cell_locked(slot) && thread_enter_locked()) {
        page = page_of_locked(baro_thread_lane, slot >> BARO_PAGE_BITS);
    }
    (void)pthread_mutex_unlock(&cells.mutex);
    if (page == NULL) {
        baro_misuse();
        return NULL;
    }
    return &page[slot & (BARO_PAGE_CELLS - 1)];
}

uint64_t *baro_process_cell_slow(uint32_t slot)
{
    uint64_t *page = NULL;

    (void)pthread_mutex_lock(&cells.mutex);
    if (slot_is_cell_locked(slot) && start_locked()) {
        struct baro_lane *lane = baro_process_lane;

        if (lane == &empty_lane && (lane = lane_new_locked(true)) != NULL) {
            __atomic_store_n(&baro_process_lane, lane, __ATOMIC_RELEASE);
        }
        page = lane == NULL ? NULL : page_of_locked(lane, slot >> BARO_PAGE_BITS);
    }
    (void)pthread_mutex_unlock(&cells.mutex);
    if (page == NULL) {
        baro_misuse();
        return NULL;
    }
    return &page[slot & (BARO_PAGE_CELLS - 1)];
}

bool baro_thread_enter(void)
{
    bool ok;

    (void)pthread_mutex_lock(&cells.mutex);
    ok = thread_enter_locked();
    (void)pthread_mutex_unlock(&cells.mutex);
    return ok;
}

int baro_thread_prepare(void)
{
    bool ok;

    if (!baro_enabled()) {
        return BARO_OK;
    }
    (void)pthread_mutex_lock(&cells.mutex);
    ok = thread_enter_locked();
    for (uint32_t i = 0; ok && !baro_shared_is_on() && i < cells.pages; i++) {
        ok = page_of_locked(baro_thread_lane, i) != NULL;
    }
    (void)pthread_mutex_unlock(&cells.mutex);
    return ok ? BARO_OK : BARO_NO_MEMORY;
}

/* ---- Runs of cells ------------------------------------------------------------------------- */

/* Zero in every lane: whoever updated it last did so BARO_QUARANTINE_MS ago. */
static void run_clear_locked(uint32_t slot, uint32_t count)
{
    for (struct baro_lane *lane = cells.all; lane != NULL; lane = lane->next) {
        uint64_t *page = lane->pages[slot >> BARO_PAGE_BITS];

        for (uint32_t i = 0; page != NULL && i < count; i++) {
            baro_cell_put(&page[(slot & (BARO_PAGE_CELLS - 1)) + i], 0);
        }
    }
}

/* The run that was freed first, if it fits and has waited for long enough. Runs come in few sizes,
 * so the search is short. */
static uint32_t run_again_locked(enum baro_cell_kind kind, uint32_t count)
{
    int64_t now = mono_ms();

    for (size_t i = 0; i < cells.run_count && now - cells.runs[i].since_ms >= BARO_QUARANTINE_MS;
         i++) {
        struct free_run run = cells.runs[i];

        if (run.kind == kind && run.count == count) {
            cells.run_count--;
            memmove(&cells.runs[i], &cells.runs[i + 1], (cells.run_count - i) * sizeof(run));
            run_clear_locked(run.slot, run.count);
            return run.slot;
        }
    }
    return 0;
}

static uint32_t run_new_locked(enum baro_cell_kind kind, uint32_t count)
{
    uint32_t slot;

    if (cells.page[kind] == 0 || cells.used[kind] + count > BARO_PAGE_CELLS) {
        if (cells.pages == BARO_PAGES_MAX) {
            return 0;
        }
        cells.used[kind] = cells.pages == 0 ? 1 : 0;
        cells.page[kind] = ++cells.pages;
    }
    slot = ((cells.page[kind] - 1) << BARO_PAGE_BITS) + cells.used[kind];
    cells.used[kind] += count;
    return slot;
}

bool baro_cells_are_used(void)
{
    bool used;

    (void)pthread_mutex_lock(&cells.mutex);
    used = cells.pages > 0 || cells.all != NULL;
    (void)pthread_mutex_unlock(&cells.mutex);
    return used;
}

uint32_t baro_cells_alloc(enum baro_cell_kind kind, uint32_t count)
{
    uint32_t slot = 0;

    if (count == 0 || count >= BARO_PAGE_CELLS) {
        return 0;
    }
    (void)pthread_mutex_lock(&cells.mutex);
    slot = run_again_locked(kind, count);
    if (slot == 0) {
        slot = run_new_locked(kind, count);
    }
    (void)pthread_mutex_unlock(&cells.mutex);
    return slot;
}

/* Without memory for the note, the run is lost: 8 bytes a cell, until the process ends. */
void baro_cells_free(enum baro_cell_kind kind, uint32_t slot, uint32_t count)
{
    (void)pthread_mutex_lock(&cells.mutex);
    if (cells.run_count == cells.run_room) {
        size_t room = cells.run_room == 0 ? 64 : cells.run_room * 2;
        struct free_run *runs = realloc(cells.runs, room * sizeof(*runs));

        if (runs != NULL) {
            cells.runs = runs;
            cells.run_room = room;
        }
    }
    if (slot != 0 && cells.run_count < cells.run_room) {
        cells.runs[cells.run_count++] =
            (struct free_run){.slot = slot, .count = count, .since_ms = mono_ms(), .kind = kind};
    }
    (void)pthread_mutex_unlock(&cells.mutex);
}

/* ---- Reading ------------------------------------------------------------------------------- */

void baro_lanes_visit(uint32_t slot, baro_lane_visit_fn *visit, void *context)
{
    if (slot == 0) {
        return;
    }
    if (baro_shared_is_on()) {
        baro_shared_visit(slot, visit, context);
        return;
    }
    for (struct baro_lane *lane = __atomic_load_n(&cells.all, __ATOMIC_ACQUIRE); lane != NULL;
         lane = lane->next) {
        uint64_t *page = __atomic_load_n(&lane->pages[slot >> BARO_PAGE_BITS], __ATOMIC_ACQUIRE);

        if (page != NULL) {
            struct baro_lane_view view = {
                .cells = &page[slot & (BARO_PAGE_CELLS - 1)],
                .is_alive = true,
                .is_process = lane == __atomic_load_n(&baro_process_lane, __ATOMIC_RELAXED),
            };

            visit(&view, context);
        }
    }
}

static void add_u64(const struct baro_lane_view *view, void *context)
{
    *(uint64_t *)context += baro_cell_get(view->cells);
}

static void add_double(const struct baro_lane_view *view, void *context)
{
    *(double *)context += baro_double_of(baro_cell_get(view->cells));
}

uint64_t baro_cells_sum_u64(uint32_t slot)
{
    uint64_t sum = 0;

    baro_lanes_visit(slot, add_u64, &sum);
    return sum;
}

double baro_cells_sum_double(uint32_t slot)
{
    double sum = 0;

    baro_lanes_visit(slot, add_double, &sum);
    return sum;
}

double baro_cells_sum_own(uint32_t slot)
{
    double sum = 0;

    for (struct baro_lane *lane = __atomic_load_n(&cells.all, __ATOMIC_ACQUIRE); lane != NULL;
         lane = lane->next) {
        uint64_t *page = __atomic_load_n(&lane->pages[slot >> BARO_PAGE_BITS], __ATOMIC_ACQUIRE);

        if (page != NULL) {
            sum += baro_double_of(baro_cell_get(&page[slot & (BARO_PAGE_CELLS - 1)]));
        }
    }
    return sum;
}

/* ---- Readers of tables --------------------------------------------------------------------- */

/*
 * A lookup marks its lane, looks, and unmarks it (a count, for a signal handler that looks too).
 * Whoever unlinked something makes every thread pass a memory barrier (membarrier; where the kernel
 * has none the readers fence themselves) and then looks whether any lane is marked: if none is, no
 * lookup can still see it.
 */
bool baro_reading_begin(void)
{
    struct baro_lane *lane = baro_thread_lane;

    if (BARO_UNLIKELY(lane == &empty_lane)) {
        if (!baro_thread_enter()) {
            return false;
        }
        lane = baro_thread_lane;
    }
    __atomic_store_n(&lane->reading, lane->reading + 1, __ATOMIC_RELAXED);
    if (BARO_UNLIKELY(!cells.has_membarrier)) {
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return true;
}

void baro_reading_end(void)
{
    struct baro_lane *lane = baro_thread_lane;

    __atomic_store_n(&lane->reading, lane->reading - 1, __ATOMIC_RELEASE);
}

/* A busy thread is between two lookups sooner or later: so many looks at its mark are enough,
 * unless it was preempted. */
enum { QUIET_LOOKS_MAX = 2000 };

bool baro_lanes_are_quiet(void)
{
    if (cells.has_membarrier) {
        (void)syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    } else {
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
    for (struct baro_lane *lane = __atomic_load_n(&cells.all, __ATOMIC_ACQUIRE); lane != NULL;
         lane = lane->next) {
        int looks = 0;

        while (__atomic_load_n(&lane->reading, __ATOMIC_ACQUIRE) != 0) {
            if (++looks == QUIET_LOOKS_MAX) {
                return false;
            }
        }
    }
    return true;
}
