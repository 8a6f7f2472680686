/* dash_priv: what the files of the store share. */
#pragma once

#include <pthread.h>

#include "base/lock.h"
#include "base/map.h"
#include "base/vec.h"
#include "dash/dash_provider.h"
#include "dash/dash_store.h"
#include "sys/loop.h"

struct dash_store {
    struct arena arena; /* of options and providers */
    struct clock *clock;
    const struct fs *fs;
    dash_providers providers;

    /* One scan or save at a time; files are read and written under it. */
    struct lock work_lock;
    struct dash_versions *versions; /* lock: work_lock; NULL = its file cannot be used */

    struct lock set_lock;
    struct dash_set *set; /* lock: set_lock */

    pthread_t thread;
    bool has_thread;
    struct loop *loop;
    struct loop_fd inotify;
    struct loop_timer settle;
    struct loop_timer poll;
};

/* A set in the making. */
struct dash_scan {
    struct dash_store *store;
    const struct dash_set *old; /* may be NULL */
    struct map old_by_path;
    struct map by_uid;
    struct dash_set *set;
    const struct dash_provider *provider;
    VEC(struct dash_board *) boards;
    VEC(struct dash_folder) folders;
    VEC(struct dash_fault) faults;
    size_t directory_count;
};

/* dash_scan_run reads what has changed since `old` and makes the set of all; takes the work lock's
 * being held for granted. */
struct dash_set *dash_scan_run(struct dash_store *store, const struct dash_set *old);

/* dash_store_note tells the versions of a board and sets its version. */
void dash_store_note(struct dash_store *store, struct dash_board *board, str author, str message);

/* dash_store_replace makes a set the current one, and takes the reference over. */
void dash_store_replace(struct dash_store *store, struct dash_set *set);

/* dash_store_rescan_locked is dash_store_rescan with the work lock held. */
void dash_store_rescan_locked(struct dash_store *store);

/* dash_store_watch watches a directory from now on. */
void dash_store_watch(struct dash_store *store, const char *path);
