/*
 * dash_store: the dashboards that are there: files below the paths that the user named. Changes of
 * files are seen by inotify, and by a look every few seconds where that does not reach; changes by
 * the API are written to the file, only the parts that differ, and each version is kept. Readers
 * get an immutable set; a thread of its own watches. Any thread may call anything here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/error.h"
#include "base/str.h"
#include "dash/dash_board.h"
#include "dash/dash_versions.h"

struct clock;
struct fs;
struct dash_store;

enum {
    DASH_BOARDS_MAX = 10000,
    DASH_DIRECTORIES_MAX = 1000,
    DASH_DEPTH_MAX = 8, /* of directories below a path */
    DASH_FOLDER_TITLE_MAX = 190,
};

struct dash_store_options {
    struct clock *clock;
    const struct fs *fs;
    const char *const *paths; /* of --dashboards.path; see dash_providers_read */
    size_t path_count;
    const char *data_dir; /* holds dashboards.db, and dashboards/, which is used when no path is
                             given */
};

struct dash_folder {
    str uid;
    str title;
    const char *path; /* of the directory that new dashboards go to; NULL = none may be added */
};

/* A file that is no dashboard, and why. */
struct dash_fault {
    str path;
    str message;
    int64_t file_mtime_ns;
    uint64_t file_size;
};

struct dash_set {
    _Atomic uint32_t references;
    struct arena arena;
    struct dash_board **boards; /* by title, then uid */
    size_t count;
    const struct dash_folder *folders; /* by title; the root folder is not among them */
    size_t folder_count;
    const struct dash_fault *faults;
    size_t fault_count;
};

/* dash_store_new reads all files and starts the thread. Fails when a path is not there or a
 * provisioning file is faulty; a faulty dashboard is logged and left out. */
int dash_store_new(const struct dash_store_options *options, struct dash_store **ret,
                   struct baro_error *err);
struct dash_store *dash_store_free(struct dash_store *store);
DEFINE_CLEANUP(dash_store_free, struct dash_store)

/* dash_store_set returns what there is now, with a reference. */
struct dash_set *dash_store_set(struct dash_store *store);
struct dash_set *dash_set_unref(struct dash_set *set);
DEFINE_CLEANUP(dash_set_unref, struct dash_set)

/* dash_set_find returns the dashboard (lives as long as the set) or NULL. */
const struct dash_board *dash_set_find(const struct dash_set *set, str uid);
const struct dash_folder *dash_set_folder(const struct dash_set *set, str uid);

/* dash_store_rescan looks at all files now; the thread does it by itself. */
void dash_store_rescan(struct dash_store *store);

/* What is to be saved. */
struct dash_save {
    str text;       /* of the dashboard; its version is checked against the stored one */
    str folder_uid; /* empty = the root folder; ptr NULL = where it is */
    str message;
    str author;
    bool overwrite; /* whatever the stored version is */
};

/*
 * dash_store_save writes a new or a changed dashboard. *ret (dash_board_unref) is what is stored
 * now. Fails with BARO_EINVALID, BARO_EPARSE (the text), BARO_ENOTFOUND (the folder), -EACCES (it
 * is provisioned), BARO_EBUSY (another version is stored: reload, or overwrite), or what the disk
 * says; then nothing has changed (but for a directory that cannot be synced).
 */
int dash_store_save(struct dash_store *store, const struct dash_save *save, struct dash_board **ret,
                    struct baro_error *err);

/* dash_store_delete removes the file; its versions stay. BARO_ENOTFOUND, -EACCES. */
int dash_store_delete(struct dash_store *store, str uid, struct baro_error *err);

/* dash_store_add_folder makes a directory in the first path that may be edited; *ret_uid is in the
 * arena. BARO_EINVALID; -EEXIST when there is one of that title. */
int dash_store_add_folder(struct dash_store *store, struct arena *arena, str title, str *ret_uid,
                          struct baro_error *err);

/* dash_store_versions and dash_store_version are dash_versions_list and dash_versions_get. */
int dash_store_versions(struct dash_store *store, struct arena *arena, str uid,
                        struct dash_version **ret, size_t *ret_count, struct baro_error *err);
int dash_store_version(struct dash_store *store, struct arena *arena, str uid, int64_t number,
                       struct dash_version *ret, struct baro_error *err);
