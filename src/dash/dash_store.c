#include "dash/dash_store.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "dash/dash_priv.h"
#include "sys/clock.h"
#include "sys/fs.h"

enum {
    SETTLE_MS = 100, /* after a change: whoever writes may not be done yet */
    POLL_MS = 10000, /* for file systems that tell nothing */
    DRAIN_BYTES = 4096,
};

/* ---- sets ---- */

static struct dash_set *set_ref(struct dash_set *set)
{
    (void)atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
    return set;
}

struct dash_set *dash_set_unref(struct dash_set *set)
{
    /* Release and acquire: as dash_board_unref. */
    if (set != NULL && atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel) == 1) {
        for (size_t i = 0; i < set->count; i++) {
            (void)dash_board_unref(set->boards[i]);
        }
        arena_done(&set->arena);
        (void)mem_free(set);
    }
    return NULL;
}

struct dash_set *dash_store_set(struct dash_store *store)
{
    struct dash_set *set;

    lock_acquire(&store->set_lock);
    set = set_ref(store->set);
    lock_release(&store->set_lock);
    return set;
}

void dash_store_replace(struct dash_store *store, struct dash_set *set)
{
    struct dash_set *old;

    lock_acquire(&store->set_lock);
    old = store->set;
    store->set = set;
    lock_release(&store->set_lock);
    (void)dash_set_unref(old);
}

const struct dash_board *dash_set_find(const struct dash_set *set, str uid)
{
    for (size_t i = 0; i < set->count; i++) {
        if (str_eq(set->boards[i]->uid, uid)) {
            return set->boards[i];
        }
    }
    return NULL;
}

const struct dash_folder *dash_set_folder(const struct dash_set *set, str uid)
{
    for (size_t i = 0; i < set->folder_count; i++) {
        if (str_eq(set->folders[i].uid, uid)) {
            return &set->folders[i];
        }
    }
    return NULL;
}

/* ---- watching ---- */

void dash_store_watch(struct dash_store *store, const char *path)
{
    /* A path that is watched already keeps its one watch. What cannot be watched is polled. */
    if (store->inotify.fd >= 0) {
        (void)inotify_add_watch(store->inotify.fd, path,
                                IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
                                    IN_CREATE);
    }
}

void dash_store_rescan_locked(struct dash_store *store)
{
    struct dash_set *old = dash_store_set(store);

    dash_store_replace(store, dash_scan_run(store, old));
    (void)dash_set_unref(old);
}

void dash_store_rescan(struct dash_store *store)
{
    lock_acquire(&store->work_lock);
    dash_store_rescan_locked(store);
    lock_release(&store->work_lock);
}

static void start_poll(struct dash_store *store)
{
    loop_timer_start(store->loop, &store->poll, clock_mono(store->clock) + POLL_MS * MONO_PER_MS);
}

static void settled(struct loop_timer *timer)
{
    dash_store_rescan(CONTAINER_OF(timer, struct dash_store, settle));
}

static void polled(struct loop_timer *timer)
{
    struct dash_store *store = CONTAINER_OF(timer, struct dash_store, poll);

    dash_store_rescan(store);
    start_poll(store);
}

static void inotify_ready(struct loop_fd *fd, unsigned events)
{
    struct dash_store *store = CONTAINER_OF(fd, struct dash_store, inotify);
    char drained[DRAIN_BYTES];

    (void)events;
    while (read(fd->fd, drained, sizeof(drained)) > 0) {
    }
    if (store->settle.slot == 0) {
        loop_timer_start(store->loop, &store->settle,
                         clock_mono(store->clock) + SETTLE_MS * MONO_PER_MS);
    }
}

static void *run(void *context)
{
    loop_run(((struct dash_store *)context)->loop);
    return NULL;
}

static int start_thread(struct dash_store *store, struct baro_error *err)
{
    int r;

    start_poll(store);
    if (store->inotify.fd >= 0) {
        r = loop_fd_watch(store->loop, &store->inotify, LOOP_READ);
        if (r < 0) {
            return error_system(err, -r, "watching dashboards");
        }
    }
    r = pthread_create(&store->thread, NULL, run, store);
    store->has_thread = r == 0;
    return r == 0 ? 0 : error_system(err, r, "starting the thread of dashboards");
}

/* ---- life cycle ---- */

/* Dashboards can be seen without their history. */
static void open_versions(struct dash_store *store, const char *data_dir)
{
    struct baro_error err = {0};
    const char *path = fs_path(&store->arena, data_dir, "dashboards.db");

    if (dash_versions_open(path, &store->versions, &err) < 0) {
        log_error("versions of dashboards are not kept", log_err(&err));
    }
}

static int read_providers(struct dash_store *store, const struct dash_store_options *options,
                          struct baro_error *err)
{
    const char *own = fs_path(&store->arena, options->data_dir, "dashboards");
    int r = 0;

    if (options->path_count == 0) {
        r = store->fs->mkdir(store->fs, own, err);
        return r < 0 ? r
                     : dash_providers_read(&store->arena, store->fs, own, &store->providers, err);
    }
    for (size_t i = 0; i < options->path_count && r >= 0; i++) {
        r = dash_providers_read(&store->arena, store->fs, options->paths[i], &store->providers,
                                err);
    }
    for (size_t i = 0; i < store->providers.count && r >= 0; i++) {
        if (store->providers.items[i].is_moved) {
            log_info("the path of a dashboard provider is not here: what lies beside its file is "
                     "read",
                     log_str("provider", store->providers.items[i].name),
                     log_c("path", store->providers.items[i].path));
        }
    }
    return r;
}

int dash_store_new(const struct dash_store_options *options, struct dash_store **ret,
                   struct baro_error *err)
{
    CLEANUP(dash_store_freep) struct dash_store *store = MEM_NEW(struct dash_store);
    int r;

    store->clock = options->clock;
    store->fs = options->fs;
    lock_init(&store->work_lock, LOCK_DASH);
    lock_init(&store->set_lock, LOCK_LEAF);
    store->inotify.ready = inotify_ready;
    store->inotify.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    store->settle.fire = settled;
    store->poll.fire = polled;
    store->set = MEM_NEW(struct dash_set);
    store->set->references = 1;
    r = loop_new(store->clock, NULL, NULL, &store->loop, err);
    r = r < 0 ? r : read_providers(store, options, err);
    if (r < 0) {
        return r;
    }
    open_versions(store, options->data_dir);
    dash_store_rescan(store);
    r = start_thread(store, err);
    if (r < 0) {
        return r;
    }
    *ret = TAKE(store);
    return 0;
}

struct dash_store *dash_store_free(struct dash_store *store)
{
    if (store == NULL) {
        return NULL;
    }
    if (store->has_thread) {
        loop_stop(store->loop);
        (void)pthread_join(store->thread, NULL);
    }
    store->loop = loop_free(store->loop);
    if (store->inotify.fd >= 0) {
        (void)close(store->inotify.fd);
    }
    store->set = dash_set_unref(store->set);
    store->versions = dash_versions_close(store->versions);
    vec_done(&store->providers);
    lock_done(&store->set_lock);
    lock_done(&store->work_lock);
    arena_done(&store->arena);
    return mem_free(store);
}

/* ---- versions ---- */

void dash_store_note(struct dash_store *store, struct dash_board *board, str author, str message)
{
    struct dash_version version = {
        .created = board->updated, .author = author, .message = message, .text = board->text};
    struct baro_error err = {0};

    lock_assert_held(&store->work_lock);
    board->version = 1;
    if (store->versions != NULL &&
        dash_versions_note(store->versions, board->uid, &version, &board->version, &err) < 0) {
        log_warn("a version of a dashboard was not kept", log_str("uid", board->uid),
                 log_err(&err));
    }
}

int dash_store_versions(struct dash_store *store, struct arena *arena, str uid,
                        struct dash_version **ret, size_t *ret_count, struct baro_error *err)
{
    int r = 0;

    *ret_count = 0;
    lock_acquire(&store->work_lock);
    if (store->versions != NULL) {
        r = dash_versions_list(store->versions, arena, uid, ret, ret_count, err);
    }
    lock_release(&store->work_lock);
    return r;
}

int dash_store_version(struct dash_store *store, struct arena *arena, str uid, int64_t number,
                       struct dash_version *ret, struct baro_error *err)
{
    int r = BARO_ENOTFOUND;

    lock_acquire(&store->work_lock);
    if (store->versions != NULL) {
        r = dash_versions_get(store->versions, arena, uid, number, ret, err);
    } else {
        (void)error_set(err, r, "versions are not kept: see the log");
    }
    lock_release(&store->work_lock);
    return r;
}
