/*
 * Multi-process mode: one file, DIR/baro.shm, mapped by all processes of a pre-forking service.
 *
 * It holds a head; lanes, each with the owner it belongs to (pid and start time) and the offsets of
 * its pages; pages of cells; and entries, which give a family or a series (by name and label
 * values) the same cells in all processes. Memory in it is taken from the front and never given
 * back, not even that of series that are removed. Everything is built under a robust mutex and
 * becomes visible by one store at the end, so that a process may be killed at any instruction: the
 * next one goes on from what is visible.
 *
 * Nothing is folded when a process ends: its lanes are found to be ownerless and are handed, sums
 * and all, to the next process that needs one. Gauges are read from lanes of living processes only,
 * and cleared when a lane is handed on.
 */
#include "client/baro_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SEGMENT_BYTES = 256 * 1024 * 1024, /* of addresses; the file has holes until they are needed */
    SEGMENT_STEP = 1024 * 1024, /* by which the file gets real memory, so that a full disk is an
                                   error and no SIGBUS */
    PAGES_SHARED_MAX = 1024,    /* a million cells */
    BUCKETS = 4096,
    BLOB_BYTES_MAX = 65536,
    LAYOUT = 2, /* raised with every change of the structs below */
};

static const char segment_magic[8] = {'b', 'a', 'r', 'o', 's', 'h', 'm', '\n'};

struct segment {
    char magic[8];
    uint32_t layout;
    uint32_t head_bytes;
    pthread_mutex_t mutex;
    uint64_t used;     /* bytes from the front */
    uint64_t reserved; /* bytes that the file really has */
    uint64_t lanes;    /* offset of the newest; atomic */
    uint64_t entries;  /* offset of the newest; atomic */
    uint32_t pages;    /* page numbers given out */
    uint32_t page[BARO_CELL_KIND_COUNT];
    uint32_t page_used[BARO_CELL_KIND_COUNT];
    uint8_t page_kinds[PAGES_SHARED_MAX];
    uint64_t buckets[BUCKETS]; /* offsets of entries by hash */
};

struct baro_shared_lane {
    uint64_t next;
    uint64_t owner; /* pid << 32 | lower bits of its start time; atomic */
    uint32_t is_process;
    uint32_t is_alive;                /* as the last scrape found; atomic */
    uint64_t pages[PAGES_SHARED_MAX]; /* offsets; atomic */
};

/* A family: key is its identity, extra what else there is to it. A series: key is its label values,
 * family its family's entry. */
struct entry {
    uint64_t next;   /* of its bucket */
    uint64_t before; /* the one that was made before it */
    uint64_t hash;
    uint64_t family; /* 0 = this is a family */
    int64_t created_ms;
    uint32_t slot;
    uint32_t slot2;
    uint32_t key_size;
    uint32_t extra_size;
    uint32_t is_global; /* a family of the global registry, which others take up in theirs */
    uint32_t state;     /* series: ENTRY_TOUCHED, ENTRY_GONE; atomic */
    uint32_t seen_s;    /* series: when a scrape has found it touched last, monotonic; atomic */
    char bytes[];
};

enum { ENTRY_TOUCHED = 1, ENTRY_GONE = 2 };

static struct {
    pthread_mutex_t mutex;   /* of joining and importing */
    struct segment *segment; /* atomic; NULL = not joined */
    int fd;
    bool is_tried; /* the directory of the environment */
    uint64_t self;
} shared = {.mutex = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

bool baro_shared_is_on(void)
{
    return __atomic_load_n(&shared.segment, __ATOMIC_ACQUIRE) != NULL;
}

static void *at(uint64_t offset)
{
    return offset == 0 ? NULL : (char *)shared.segment + offset;
}

static uint64_t offset_of(const void *memory)
{
    return (uint64_t)((const char *)memory - (const char *)shared.segment);
}

/* ---- Owners
 * -------------------------------------------------------------------------------------- */

/* The start time of a process in ticks, 0 when it is gone or a zombie. */
static uint32_t start_of(uint32_t pid)
{
    char path[32];
    char text[512];
    const char *field;
    ssize_t size;
    int fd;

    (void)snprintf(path, sizeof(path), "/proc/%u/stat", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0) {
        (void)close(fd);
    }
    if (size <= 0) {
        return 0;
    }
    text[size] = '\0';
    field = strrchr(text, ')');
    if (field == NULL || field[1] != ' ' || field[2] == 'Z' || field[2] == 'X') {
        return 0;
    }
    for (int i = 2; field != NULL && i < 22; i++) {
        field = strchr(field + 1, ' ');
    }
    return field == NULL ? 0 : (uint32_t)strtoull(field, NULL, 10) | 1;
}

static uint64_t owner_self(void)
{
    uint32_t pid = (uint32_t)getpid();

    return (uint64_t)pid << 32 | start_of(pid);
}

/* Without /proc, whoever has the pid is taken for the owner. */
static bool owner_is_alive(uint64_t owner)
{
    uint32_t pid = (uint32_t)(owner >> 32);
    uint32_t start;

    if (owner == shared.self) {
        return true;
    }
    if (pid == 0 || (kill((pid_t)pid, 0) < 0 && errno == ESRCH)) {
        return false;
    }
    start = start_of(pid);
    return (uint32_t)owner == 0 || start == (uint32_t)owner;
}

void baro_shared_after_fork(void)
{
    shared.self = owner_self();
}

void baro_shared_fork_prepare(void)
{
    (void)pthread_mutex_lock(&shared.mutex);
}

void baro_shared_fork_done(void)
{
    (void)pthread_mutex_unlock(&shared.mutex);
}

/* ---- Memory of the segment
 * --------------------------------------------------------------------------- */

/* A holder that was killed left nothing half visible. */
static bool segment_lock(void)
{
    int result = pthread_mutex_lock(&shared.segment->mutex);

    if (result == EOWNERDEAD) {
        result = pthread_mutex_consistent(&shared.segment->mutex);
    }
    return result == 0;
}

static void segment_unlock(void)
{
    (void)pthread_mutex_unlock(&shared.segment->mutex);
}

/* A signal interrupts it on some file systems. */
static bool file_reserve(int fd, uint64_t start, uint64_t size)
{
    int failed;

    do {
        failed = posix_fallocate(fd, (off_t)start, (off_t)size);
    } while (failed == EINTR);
    return failed == 0;
}

/* Zeroed memory, 64-byte aligned; 0 when the segment or the disk is full. */
static uint64_t segment_take_locked(size_t size)
{
    struct segment *segment = shared.segment;
    uint64_t start = (segment->used + 63) & ~(uint64_t)63;
    uint64_t end = start + size;

    if (end > SEGMENT_BYTES) {
        return 0;
    }
    while (end > segment->reserved) {
        uint64_t step = segment->reserved + SEGMENT_STEP > SEGMENT_BYTES
                            ? SEGMENT_BYTES - segment->reserved
                            : SEGMENT_STEP;

        if (!file_reserve(shared.fd, segment->reserved, step)) {
            return 0;
        }
        segment->reserved += step;
    }
    segment->used = end;
    return start;
}

static uint32_t run_take_locked(enum baro_cell_kind kind, uint32_t count)
{
    struct segment *segment = shared.segment;
    uint32_t slot;

    if (segment->page[kind] == 0 || segment->page_used[kind] + count > BARO_PAGE_CELLS) {
        if (segment->pages == PAGES_SHARED_MAX) {
            return 0;
        }
        segment->page_kinds[segment->pages] = (uint8_t)kind;
        segment->page_used[kind] = segment->pages == 0 ? 1 : 0;
        segment->page[kind] = ++segment->pages;
    }
    slot = ((segment->page[kind] - 1) << BARO_PAGE_BITS) + segment->page_used[kind];
    segment->page_used[kind] += count;
    return slot;
}

/* ---- Lanes
 * ------------------------------------------------------------------------------------------------
 */

/* What only living processes have is cleared; the sums stay and are counted on. */
static void lane_clear_locked(struct baro_shared_lane *lane)
{
    for (uint32_t i = 0; i < PAGES_SHARED_MAX; i++) {
        uint64_t *page = at(lane->pages[i]);

        for (uint32_t j = 0;
             page != NULL && shared.segment->page_kinds[i] != BARO_CELL_SUM && j < BARO_PAGE_CELLS;
             j++) {
            baro_cell_put(&page[j], 0);
        }
    }
}

static struct baro_shared_lane *lane_adopt_locked(bool is_process)
{
    struct baro_shared_lane *lane = at(shared.segment->lanes);

    for (; lane != NULL; lane = at(lane->next)) {
        if (lane->is_process == is_process && !owner_is_alive(lane->owner)) {
            __atomic_store_n(&lane->is_alive, 0, __ATOMIC_RELEASE);
            lane_clear_locked(lane);
            return lane;
        }
    }
    return NULL;
}

struct baro_shared_lane *baro_shared_lane_claim(bool is_process)
{
    struct baro_shared_lane *lane = NULL;
    bool is_new = false;

    if (!segment_lock()) {
        return NULL;
    }
    lane = lane_adopt_locked(is_process);
    if (lane == NULL) {
        lane = at(segment_take_locked(sizeof(*lane)));
        is_new = lane != NULL;
    }
    if (lane != NULL) {
        lane->is_process = is_process;
        __atomic_store_n(&lane->owner, shared.self, __ATOMIC_RELEASE);
        __atomic_store_n(&lane->is_alive, 1, __ATOMIC_RELEASE);
    }
    if (is_new) {
        lane->next = shared.segment->lanes;
        __atomic_store_n(&shared.segment->lanes, offset_of(lane), __ATOMIC_RELEASE);
    }
    segment_unlock();
    return lane;
}

uint64_t *baro_shared_page(struct baro_shared_lane *lane, uint32_t page)
{
    uint64_t offset;

    if (page >= PAGES_SHARED_MAX || page >= shared.segment->pages) {
        return NULL;
    }
    offset = __atomic_load_n(&lane->pages[page], __ATOMIC_ACQUIRE);
    if (offset == 0 && segment_lock()) {
        offset = segment_take_locked(BARO_PAGE_CELLS * sizeof(uint64_t));
        __atomic_store_n(&lane->pages[page], offset, __ATOMIC_RELEASE);
        segment_unlock();
    }
    return at(offset);
}

void baro_shared_visit(uint32_t slot, baro_lane_visit_fn *visit, void *context)
{
    uint32_t page = slot >> BARO_PAGE_BITS;
    struct baro_shared_lane *lane = at(__atomic_load_n(&shared.segment->lanes, __ATOMIC_ACQUIRE));

    for (; page < PAGES_SHARED_MAX && lane != NULL; lane = at(lane->next)) {
        const uint64_t *cells = at(__atomic_load_n(&lane->pages[page], __ATOMIC_ACQUIRE));
        struct baro_lane_view view;

        if (cells != NULL) {
            view.cells = cells + (slot & (BARO_PAGE_CELLS - 1));
            view.owner = __atomic_load_n(&lane->owner, __ATOMIC_ACQUIRE);
            view.is_alive = __atomic_load_n(&lane->is_alive, __ATOMIC_ACQUIRE) != 0;
            view.is_process = lane->is_process != 0;
            visit(&view, context);
        }
    }
}

/* ---- Entries
 * ------------------------------------------------------------------------------------------------
 */

static uint64_t hash_bytes(const char *bytes, size_t size, uint64_t seed)
{
    uint64_t hash = seed ^ 0xCBF29CE484222325ULL;

    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001B3ULL;
    }
    return hash ^ (hash >> 29);
}

static struct entry *entry_find(uint64_t family, const char *key, size_t key_size, uint64_t hash)
{
    struct entry *entry =
        at(__atomic_load_n(&shared.segment->buckets[hash % BUCKETS], __ATOMIC_ACQUIRE));

    for (; entry != NULL; entry = at(entry->next)) {
        if (entry->hash == hash && entry->family == family && entry->key_size == key_size &&
            (__atomic_load_n(&entry->state, __ATOMIC_ACQUIRE) & ENTRY_GONE) == 0 &&
            memcmp(entry->bytes, key, key_size) == 0) {
            return entry;
        }
    }
    return NULL;
}

static struct entry *entry_new_locked(const struct entry *model, const char *key, const char *extra)
{
    struct entry *entry =
        at(segment_take_locked(sizeof(*entry) + (size_t)model->key_size + model->extra_size));
    uint64_t *bucket;

    if (entry == NULL) {
        return NULL;
    }
    *entry = *model;
    memcpy(entry->bytes, key, model->key_size);
    if (model->extra_size > 0) {
        memcpy(entry->bytes + model->key_size, extra, model->extra_size);
    }
    bucket = &shared.segment->buckets[model->hash % BUCKETS];
    entry->next = *bucket;
    entry->before = shared.segment->entries;
    __atomic_store_n(bucket, offset_of(entry), __ATOMIC_RELEASE);
    __atomic_store_n(&shared.segment->entries, offset_of(entry), __ATOMIC_RELEASE);
    return entry;
}

/* A family as bytes: numbers, names, bounds, quantiles make its identity; help and caps do not. */
struct family_head {
    uint32_t type;
    uint32_t multiprocess;
    uint32_t label_count;
    uint32_t state_count;
    uint32_t bound_count;
    uint32_t quantile_count;
    uint32_t native_on;
    int32_t native_schema;
    uint32_t native_buckets_max;
    uint32_t has_classic;
    uint32_t ttl_s;
    uint32_t unused;
    double native_zero_threshold;
};

static void text_put(struct baro_out *out, const char *text)
{
    baro_out_put(out, text, strlen(text) + 1);
}

static void family_identity(const struct baro_family *family, struct baro_out *out)
{
    struct family_head head;

    memset(&head, 0, sizeof(head));
    head.type = (uint32_t)family->type;
    head.multiprocess = (uint32_t)family->multiprocess;
    head.label_count = family->label_count;
    head.state_count = family->state_count;
    head.bound_count = family->bound_count;
    head.quantile_count = family->quantile_count;
    head.native_on = family->native.on;
    head.native_schema = family->native.schema;
    head.native_buckets_max = family->native.buckets_max;
    head.native_zero_threshold = family->native.zero_threshold;
    head.has_classic = family->has_classic;
    head.ttl_s = family->ttl_s;
    baro_out_put(out, &head, sizeof(head));
    for (uint32_t i = 0; i < family->bound_count; i++) {
        baro_out_put(out, &family->bounds[i], sizeof(double));
    }
    for (uint32_t i = 0; i < family->quantile_count; i++) {
        baro_out_put(out, &family->quantiles[i], sizeof(double));
    }
    text_put(out, family->name);
    for (uint32_t i = 0; i < family->label_count; i++) {
        text_put(out, family->labels[i].name);
    }
    for (uint32_t i = 0; i < family->state_count; i++) {
        text_put(out, family->states[i]);
    }
}

static uint64_t family_entry_locked(const struct baro_family *family)
{
    struct baro_out key;
    struct baro_out extra;
    struct entry *entry = NULL;
    struct entry model;

    baro_out_init(&key, NULL, NULL, false);
    baro_out_init(&extra, NULL, NULL, false);
    family_identity(family, &key);
    text_put(&extra, family->help);
    text_put(&extra, family->unit);
    if (key.failed == 0 && extra.failed == 0 && key.size + extra.size < BLOB_BYTES_MAX) {
        memset(&model, 0, sizeof(model));
        model.hash = hash_bytes(key.bytes, key.size, 0);
        model.key_size = (uint32_t)key.size;
        model.extra_size = (uint32_t)extra.size;
        model.is_global = baro_registry_is_global(family->registry);
        entry = entry_find(0, key.bytes, key.size, model.hash);
        entry = entry != NULL ? entry : entry_new_locked(&model, key.bytes, extra.bytes);
    }
    baro_out_done(&key);
    baro_out_done(&extra);
    return entry == NULL ? 0 : offset_of(entry);
}

static struct entry *series_entry_locked(struct baro_family *family, const char *key,
                                         uint32_t key_size, uint64_t hash)
{
    struct entry *entry = entry_find(family->shared_entry, key, key_size, hash);
    struct entry model;

    if (entry != NULL) {
        return entry;
    }
    memset(&model, 0, sizeof(model));
    model.hash = hash;
    model.family = family->shared_entry;
    model.key_size = key_size;
    model.state = ENTRY_TOUCHED;
    model.created_ms = baro_now_ms();
    model.slot = family->run_cells == 0 ? 0 : run_take_locked(family->run_kind, family->run_cells);
    model.slot2 =
        family->run2_cells == 0 ? 0 : run_take_locked(BARO_CELL_PROCESS, family->run2_cells);
    if ((family->run_cells > 0 && model.slot == 0) ||
        (family->run2_cells > 0 && model.slot2 == 0)) {
        return NULL;
    }
    return entry_new_locked(&model, key, NULL);
}

/* The registry's mutex is held, so that the family's entry is looked for once. */
bool baro_shared_series(struct baro_family *family, const char *key, uint32_t key_size,
                        struct baro_series_cells *ret)
{
    struct entry *entry = NULL;

    if (!segment_lock()) {
        return false;
    }
    if (family->shared_entry == 0) {
        family->shared_entry = family_entry_locked(family);
    }
    if (family->shared_entry != 0) {
        entry = series_entry_locked(family, key, key_size,
                                    hash_bytes(key, key_size, family->shared_entry));
    }
    segment_unlock();
    if (entry == NULL) {
        return false;
    }
    ret->slot = entry->slot;
    ret->slot2 = entry->slot2;
    ret->created_ms = entry->created_ms;
    ret->entry = (uint32_t)offset_of(entry); /* SEGMENT_BYTES is far below 4 GiB */
    return true;
}

/* ---- Removing: a state of the entry. Its memory and its cells stay, as all of the segment does.
 * ---------------------------------------------------------------------------- */

bool baro_shared_is_gone(uint32_t entry)
{
    const struct entry *found = at(entry);

    return (__atomic_load_n(&found->state, __ATOMIC_ACQUIRE) & ENTRY_GONE) != 0;
}

void baro_shared_remove(uint32_t entry)
{
    struct entry *found = at(entry);

    (void)__atomic_fetch_or(&found->state, ENTRY_GONE, __ATOMIC_ACQ_REL);
}

/* An update that meets a series that is gone is lost, and counted, as that of a stale handle. */
void baro_shared_touch(uint32_t entry)
{
    struct entry *found = at(entry);
    uint32_t state = __atomic_load_n(&found->state, __ATOMIC_RELAXED);

    if (state == 0) {
        state = __atomic_fetch_or(&found->state, ENTRY_TOUCHED, __ATOMIC_ACQ_REL);
    }
    if ((state & ENTRY_GONE) != 0) {
        baro_misuse();
    }
}

bool baro_shared_expire(uint32_t entry, uint32_t ttl_s, uint32_t now_s)
{
    struct entry *found = at(entry);
    uint32_t state = __atomic_fetch_and(&found->state, ~(uint32_t)ENTRY_TOUCHED, __ATOMIC_ACQ_REL);
    uint32_t untouched = 0;

    if ((state & ENTRY_GONE) != 0) {
        return true;
    }
    if ((state & ENTRY_TOUCHED) != 0) {
        __atomic_store_n(&found->seen_s, now_s, __ATOMIC_RELAXED);
        return false;
    }
    /* Whoever touches it in between keeps it. */
    return ttl_s > 0 && now_s - __atomic_load_n(&found->seen_s, __ATOMIC_RELAXED) >= ttl_s &&
           __atomic_compare_exchange_n(&found->state, &untouched, ENTRY_GONE, false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* ---- What other processes have made
 * ---------------------------------------------------------------------------- */

/* Takes a text from *at; NULL when it does not end before end. */
static const char *text_take(const char **from, const char *end)
{
    const char *text = *from;
    const char *nul = memchr(text, '\0', (size_t)(end - text));

    *from = nul == NULL ? end : nul + 1;
    return nul == NULL ? NULL : text;
}

struct family_texts {
    struct baro_label labels[BARO_LABELS_MAX];
    const char *states[BARO_STATES_MAX];
    double bounds[BARO_BUCKETS_MAX];
    double quantiles[BARO_QUANTILES_MAX];
};

/* The descriptor of a family's entry. The segment is shared with processes that may have gone
 * wrong, so nothing in it is believed unseen. */
static bool entry_desc(const struct entry *entry, struct family_texts *texts, struct baro_desc *ret)
{
    const char *from = entry->bytes;
    const char *end = entry->bytes + entry->key_size + entry->extra_size;
    struct family_head head;
    bool ok = true;

    memset(ret, 0, sizeof(*ret));
    memset(texts, 0, sizeof(*texts));
    if (entry->key_size < sizeof(head) ||
        (uint64_t)entry->key_size + entry->extra_size > BLOB_BYTES_MAX) {
        return false;
    }
    memcpy(&head, from, sizeof(head));
    from += sizeof(head);
    if (head.label_count > BARO_LABELS_MAX || head.state_count > BARO_STATES_MAX ||
        head.bound_count > BARO_BUCKETS_MAX || head.quantile_count > BARO_QUANTILES_MAX ||
        (size_t)(end - from) < (head.bound_count + head.quantile_count) * sizeof(double)) {
        return false;
    }
    memcpy(texts->bounds, from, head.bound_count * sizeof(double));
    from += head.bound_count * sizeof(double);
    memcpy(texts->quantiles, from, head.quantile_count * sizeof(double));
    from += head.quantile_count * sizeof(double);
    ret->name = text_take(&from, end);
    for (uint32_t i = 0; i < head.label_count; i++) {
        texts->labels[i].name = text_take(&from, end);
        ok &= texts->labels[i].name != NULL;
    }
    for (uint32_t i = 0; i < head.state_count; i++) {
        texts->states[i] = text_take(&from, end);
        ok &= texts->states[i] != NULL;
    }
    ret->help = text_take(&from, end);
    ret->unit = text_take(&from, end);
    ret->type = (enum baro_type)head.type;
    ret->multiprocess = (enum baro_multiprocess)head.multiprocess;
    ret->labels = texts->labels;
    ret->label_count = head.label_count;
    ret->states = texts->states;
    ret->state_count = head.state_count;
    ret->buckets = texts->bounds;
    ret->bucket_count = head.bound_count;
    ret->ttl_s = head.ttl_s;
    ret->quantiles = texts->quantiles;
    ret->quantile_count = head.quantile_count;
    ret->native.on = head.native_on != 0;
    ret->native.schema = (int8_t)head.native_schema;
    ret->native.buckets_max = (uint16_t)head.native_buckets_max;
    ret->native.zero_threshold = head.native_zero_threshold == 0 ? -1 : head.native_zero_threshold;
    return ok && ret->name != NULL && ret->help != NULL && ret->unit != NULL;
}

/* The local family of an entry, made where the global registry lacks it. Its identity must be the
 * same: another process may have the name for something else. */
static struct baro_family *family_of_entry(struct baro_registry *registry, uint64_t offset,
                                           const struct entry *entry)
{
    struct family_texts texts;
    struct baro_desc desc;
    struct baro_family *family;

    if (!entry_desc(entry, &texts, &desc)) {
        return NULL;
    }
    (void)pthread_mutex_lock(&registry->mutex);
    family = baro_family_find_locked(registry, desc.name);
    if (family == NULL && entry->is_global && baro_registry_is_global(registry) &&
        baro_desc_check(registry, &desc, NULL) == BARO_OK &&
        (family = baro_family_build(registry, &desc)) != NULL) {
        family = baro_family_add_locked(registry, family);
    }
    if (family != NULL && family->shared_entry == 0 && segment_lock()) {
        family->shared_entry = family_entry_locked(family);
        segment_unlock();
    }
    (void)pthread_mutex_unlock(&registry->mutex);
    return family != NULL && family->shared_entry == offset ? family : NULL;
}

static void import_entry(struct baro_registry *registry, const struct entry *entry)
{
    struct baro_family *family;

    if (entry->family == 0 ||
        (__atomic_load_n(&entry->state, __ATOMIC_ACQUIRE) & ENTRY_GONE) != 0) {
        return;
    }
    family = family_of_entry(registry, entry->family, at(entry->family));
    if (family != NULL && entry->key_size <= UINT16_MAX) {
        (void)pthread_mutex_lock(&registry->mutex);
        (void)baro_series_import_locked(family, entry->bytes, entry->key_size);
        (void)pthread_mutex_unlock(&registry->mutex);
    }
}

static void lanes_refresh(void)
{
    struct baro_shared_lane *lane = at(__atomic_load_n(&shared.segment->lanes, __ATOMIC_ACQUIRE));

    for (; lane != NULL; lane = at(lane->next)) {
        bool is_alive = owner_is_alive(__atomic_load_n(&lane->owner, __ATOMIC_ACQUIRE));

        __atomic_store_n(&lane->is_alive, is_alive, __ATOMIC_RELEASE);
    }
}

/* Entries are chained from the newest to the oldest; the ones since the last time come first. */
void baro_shared_import(struct baro_registry *registry)
{
    uint64_t newest;

    if (!baro_shared_is_on()) {
        return;
    }
    (void)pthread_mutex_lock(&shared.mutex);
    lanes_refresh();
    newest = __atomic_load_n(&shared.segment->entries, __ATOMIC_ACQUIRE);
    for (uint64_t offset = newest; offset != 0 && offset != registry->imported;) {
        const struct entry *entry = at(offset);

        import_entry(registry, entry);
        offset = entry->before;
    }
    registry->imported = newest;
    (void)pthread_mutex_unlock(&shared.mutex);
}

/* ---- Joining
 * ------------------------------------------------------------------------------------------------------
 */

static int segment_fill(struct segment *segment)
{
    pthread_mutexattr_t attr;
    int failed = pthread_mutexattr_init(&attr);

    if (failed == 0) {
        failed = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
        failed = failed != 0 ? failed : pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
        failed = failed != 0 ? failed : pthread_mutex_init(&segment->mutex, &attr);
        (void)pthread_mutexattr_destroy(&attr);
    }
    segment->layout = LAYOUT;
    segment->head_bytes = sizeof(*segment);
    segment->used = sizeof(*segment);
    segment->reserved = SEGMENT_STEP;
    if (failed == 0) {
        memcpy(segment->magic, segment_magic, sizeof(segment_magic)); /* last: now it is one */
    }
    return failed;
}

/* The file's lock is held: the first process makes it whole before another looks. */
static int segment_map(int fd, const char *path, struct segment **ret, struct baro_why *why)
{
    struct stat stat;
    struct segment *segment;

    if (fstat(fd, &stat) < 0 || !file_reserve(fd, 0, SEGMENT_STEP) ||
        (stat.st_size < SEGMENT_BYTES && ftruncate(fd, SEGMENT_BYTES) < 0)) {
        return baro_fail(why, BARO_IO, "multi-process: %.150s: no room for it on the disk", path);
    }
    segment = mmap(NULL, SEGMENT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (segment == MAP_FAILED) {
        return baro_fail(why, BARO_NO_MEMORY, "multi-process: %.150s: cannot be mapped", path);
    }
    if (segment->magic[0] == '\0' && segment_fill(segment) != 0) {
        (void)munmap(segment, SEGMENT_BYTES);
        return baro_fail(why, BARO_UNSUPPORTED, "multi-process: no robust mutexes on this system");
    }
    if (memcmp(segment->magic, segment_magic, sizeof(segment_magic)) != 0 ||
        segment->layout != LAYOUT || segment->head_bytes != sizeof(*segment)) {
        (void)munmap(segment, SEGMENT_BYTES);
        return baro_fail(
            why, BARO_CONFLICT,
            "multi-process: %.150s: is of another version: remove it at the service's start", path);
    }
    *ret = segment;
    return BARO_OK;
}

static int path_of(const char *directory, char *ret, size_t size, struct baro_why *why)
{
    int length = snprintf(ret, size, "%s/baro.shm", directory);

    if (length < 0 || (size_t)length >= size) {
        return baro_fail(why, BARO_BAD_ARGUMENT, "multi-process: the directory's name is too long");
    }
    return BARO_OK;
}

static bool file_lock(int fd)
{
    int result;

    do {
        result = flock(fd, LOCK_EX);
    } while (result < 0 && errno == EINTR);
    return result == 0;
}

static int join_locked(const char *directory, struct baro_why *why)
{
    char path[4096];
    struct segment *segment = NULL;
    int result = path_of(directory, path, sizeof(path), why);
    int fd;

    if (result < 0) {
        return result;
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || !file_lock(fd)) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return baro_fail(why, BARO_IO,
                         "multi-process: %.150s: cannot be opened: is the directory there?", path);
    }
    result = segment_map(fd, path, &segment, why);
    (void)flock(fd, LOCK_UN);
    if (result < 0) {
        (void)close(fd);
        return result;
    }
    shared.fd = fd;
    shared.self = owner_self();
    __atomic_store_n(&shared.segment, segment, __ATOMIC_RELEASE);
    return BARO_OK;
}

int baro_multiprocess_join(const char *directory, struct baro_why *why)
{
    int result = BARO_OK;

    baro_why_clear(why);
    if (directory == NULL || directory[0] == '\0') {
        baro_misuse();
        return baro_fail(why, BARO_BAD_ARGUMENT, "multi-process: no directory");
    }
    if (!baro_enabled()) {
        return BARO_OK;
    }
    (void)pthread_mutex_lock(&shared.mutex);
    if (!baro_shared_is_on()) {
        if (baro_cells_are_used()) {
            baro_misuse();
            result = baro_fail(why, BARO_CONFLICT,
                               "multi-process: families are there already: join before them");
        } else {
            result = join_locked(directory, why);
        }
    }
    (void)pthread_mutex_unlock(&shared.mutex);
    return result;
}

/* Where the directory of the environment cannot be used, the process counts for itself, and the
 * misuse is counted. */
void baro_shared_start(void)
{
    const char *directory = baro_multiprocess_directory();

    if (directory == NULL || __atomic_load_n(&shared.is_tried, __ATOMIC_ACQUIRE)) {
        return;
    }
    __atomic_store_n(&shared.is_tried, true, __ATOMIC_RELEASE);
    if (baro_multiprocess_join(directory, NULL) < 0) {
        baro_misuse();
    }
}

int baro_multiprocess_reset(const char *directory, struct baro_why *why)
{
    char path[4096];

    baro_why_clear(why);
    if (directory == NULL || directory[0] == '\0') {
        baro_misuse();
        return baro_fail(why, BARO_BAD_ARGUMENT, "multi-process: no directory");
    }
    if (path_of(directory, path, sizeof(path), why) < 0) {
        return BARO_BAD_ARGUMENT;
    }
    if (unlink(path) < 0 && errno != ENOENT) {
        return baro_fail(why, BARO_IO, "multi-process: %.150s: cannot be removed", path);
    }
    return BARO_OK;
}
