#include <errno.h>

#include "base/mem.h"
#include "codec/json_patch.h"
#include "codec/json_span.h"
#include "dash/dash_priv.h"
#include "dash/dash_text.h"
#include "sys/clock.h"
#include "sys/fs.h"

enum { MESSAGE_MAX = 500, NAME_TRIES = 100 };

/* One save on its way. */
struct saving {
    struct dash_store *store;
    const struct dash_save *save;
    struct dash_set *set;
    const struct dash_board *old;     /* NULL = a new dashboard */
    const struct dash_folder *folder; /* NULL = the root folder */
    struct dash_board *wanted;        /* as it was sent */
    struct arena arena;
    const char *path;
    struct buf text;
};

/* ---- where ---- */

/* The directory for dashboards of no folder: the first that may be edited, and whose directories
 * are folders where one is to be made. */
static const char *root_directory(const struct dash_store *store, bool for_folders)
{
    for (size_t i = 0; i < store->providers.count; i++) {
        const struct dash_provider *provider = &store->providers.items[i];

        if (provider->can_save && provider->folder.len == 0 &&
            (provider->folders_from_path || !for_folders) &&
            !str_has_suffix(str_from(provider->path), STR(".json"))) {
            return provider->path;
        }
    }
    return NULL;
}

static bool exists(const struct fs *fs, const char *path)
{
    fs_file file = FS_FILE_NONE;
    bool is_there = fs->open(fs, path, FS_READ, &file, NULL) >= 0;

    if (is_there) {
        (void)fs->close(fs, file, NULL);
    }
    return is_there;
}

static int new_path(struct saving *saving, struct baro_error *err)
{
    const char *dir =
        saving->folder != NULL ? saving->folder->path : root_directory(saving->store, false);
    str slug = dash_slug(&saving->arena, saving->wanted->title);

    if (dir == NULL) {
        return error_set(err, -EACCES,
                         "no directory for it may be edited: start with --dashboards.path=DIR, or "
                         "choose another folder");
    }
    for (int i = 1; i <= NAME_TRIES; i++) {
        const char *name = i == 1
                               ? arena_printf(&saving->arena, "%.*s.json", STR_ARG(slug)).ptr
                               : arena_printf(&saving->arena, "%.*s-%d.json", STR_ARG(slug), i).ptr;

        saving->path = fs_path(&saving->arena, dir, name);
        if (!exists(saving->store->fs, saving->path)) {
            return 0;
        }
    }
    return error_set(err, -EEXIST, "%s: too many dashboards of this title", saving->path);
}

static int find_folder(struct saving *saving, struct baro_error *err)
{
    str uid = saving->save->folder_uid;

    if (uid.ptr == NULL && saving->old != NULL) {
        uid = saving->old->folder_uid;
    }
    if (uid.len > 0) {
        saving->folder = dash_set_folder(saving->set, uid);
        if (saving->folder == NULL) {
            return error_set(err, BARO_ENOTFOUND, "folder not found");
        }
    }
    if (saving->old != NULL && str_eq(uid, saving->old->folder_uid)) {
        saving->path = saving->old->path.ptr;
        return 0;
    }
    return new_path(saving, err);
}

/* ---- what ---- */

static int check_old(const struct saving *saving, struct baro_error *err)
{
    int64_t version = 0;

    if (!saving->old->can_save) {
        return error_set(err, -EACCES,
                         "Cannot save provisioned dashboard: its file is %.*s, and its provider "
                         "does not say allowUiUpdates",
                         STR_ARG(saving->old->path));
    }
    if (!saving->save->overwrite && dash_text_version(saving->save->text, &version) &&
        version != saving->old->version) {
        return error_set(err, BARO_EBUSY,
                         "The dashboard has been changed by someone else: version %lld is stored, "
                         "this one was made of %lld",
                         (long long)saving->old->version, (long long)version);
    }
    return 0;
}

/* The file's own id and version stay as they are: what the API shows under these names is ours. */
static int make_text(struct saving *saving, struct baro_error *err)
{
    struct buf text = {0};
    str old = saving->old != NULL ? saving->old->text : STR_NULL;
    int r = dash_text_for_file(saving->save->text, old, saving->wanted->uid, &text, err);

    if (r >= 0) {
        r = saving->old != NULL ? json_patch(old, buf_view(&text), &saving->text, err)
                                : json_pretty(buf_view(&text), &saving->text, err);
    }
    if (r >= 0 && !json_same(buf_view(&text), buf_view(&saving->text))) {
        r = error_set(err, BARO_ECORRUPT, "the changed text would not mean what was sent");
    }
    buf_done(&text);
    return r;
}

static int write_file(struct saving *saving, struct baro_error *err)
{
    const struct fs *fs = saving->store->fs;
    const char *temporary = arena_printf(&saving->arena, "%s.tmp", saving->path).ptr;
    fs_file file = FS_FILE_NONE;
    int r = fs->open(fs, temporary, FS_CREATE, &file, err);

    if (r < 0) {
        return r;
    }
    r = fs->truncate(fs, file, 0, err);
    r = r < 0 ? r : fs->append(fs, file, saving->text.ptr, saving->text.len, err);
    r = r < 0 ? r : fs->sync(fs, file, err);
    (void)fs->close(fs, file, NULL);
    r = r < 0 ? r : fs->rename(fs, temporary, saving->path, err);
    if (r < 0) {
        (void)fs->remove(fs, temporary, NULL);
        return r;
    }
    /* Else a power cut may take the new name back. */
    r = fs->sync_dir(fs, arena_str(&saving->arena, dash_directory_of(str_from(saving->path))).ptr,
                     err);
    if (r < 0) {
        return r;
    }
    if (saving->old != NULL && !str_is(saving->old->path, saving->path)) {
        r = fs->remove(fs, saving->old->path.ptr, err);
        if (r < 0) {
            (void)fs->remove(fs, saving->path, NULL); /* not two of one uid */
        }
    }
    return r;
}

static int prepare(struct saving *saving, struct baro_error *err)
{
    str uid;
    int r = dash_board_parse(saving->save->text, STR("new"), &saving->wanted, err);

    if (r < 0) {
        return r;
    }
    if (!saving->wanted->has_own_uid) {
        saving->wanted->uid = dash_text_new_uid(&saving->wanted->arena);
    }
    uid = saving->wanted->uid;
    saving->old = dash_set_find(saving->set, uid);
    r = saving->old != NULL ? check_old(saving, err) : 0;
    r = r < 0 ? r : find_folder(saving, err);
    return r < 0 ? r : make_text(saving, err);
}

static int save_locked(struct saving *saving, struct dash_board **ret, struct baro_error *err)
{
    struct dash_store *store = saving->store;
    struct dash_set *now;
    struct dash_board *stored;
    int r = prepare(saving, err);

    r = r < 0 ? r : write_file(saving, err);
    if (r < 0) {
        return r;
    }
    /* Noted before the scan finds the file, so that the version has its author and message. */
    saving->wanted->text = buf_view(&saving->text);
    saving->wanted->updated = clock_now(store->clock);
    dash_store_note(store, saving->wanted, saving->save->author,
                    str_slice(saving->save->message, 0, MESSAGE_MAX));
    now = dash_scan_run(store, saving->set);
    stored = NULL;
    for (size_t i = 0; i < now->count && stored == NULL; i++) {
        if (str_eq(now->boards[i]->uid, saving->wanted->uid)) {
            stored = dash_board_ref(now->boards[i]);
        }
    }
    dash_store_replace(store, now);
    if (stored == NULL) {
        return error_set(err, BARO_ENOTFOUND, "%s: gone while it was being saved", saving->path);
    }
    *ret = stored;
    return 0;
}

int dash_store_save(struct dash_store *store, const struct dash_save *save, struct dash_board **ret,
                    struct baro_error *err)
{
    struct saving saving = {.store = store, .save = save};
    int r;

    lock_acquire(&store->work_lock);
    /* What the files hold now counts, though nobody may have told of their change yet. */
    dash_store_rescan_locked(store);
    saving.set = dash_store_set(store);
    r = save_locked(&saving, ret, err);
    (void)dash_set_unref(saving.set);
    lock_release(&store->work_lock);
    (void)dash_board_unref(saving.wanted);
    arena_done(&saving.arena);
    buf_done(&saving.text);
    return r;
}

/* ---- the rest ---- */

int dash_store_delete(struct dash_store *store, str uid, struct baro_error *err)
{
    CLEANUP(dash_set_unrefp) struct dash_set *set = NULL;
    const struct dash_board *board;
    int r;

    lock_acquire(&store->work_lock);
    set = dash_store_set(store);
    board = dash_set_find(set, uid);
    if (board == NULL) {
        r = error_set(err, BARO_ENOTFOUND, "Dashboard not found");
    } else if (!board->can_save) {
        r = error_set(err, -EACCES, "provisioned dashboard cannot be deleted");
    } else {
        r = store->fs->remove(store->fs, board->path.ptr, err);
    }
    if (r >= 0) {
        dash_store_replace(store, dash_scan_run(store, set));
    }
    lock_release(&store->work_lock);
    return r;
}

/* A title becomes the name of a directory. */
static int check_folder_title(str title, struct baro_error *err)
{
    if (title.len == 0 || title.len > DASH_FOLDER_TITLE_MAX || title.ptr[0] == '.' ||
        str_index_char(title, '/') != SIZE_MAX || str_index_char(title, '\0') != SIZE_MAX ||
        !utf8_is_valid(title)) {
        return error_set(err, BARO_EINVALID,
                         "a folder's title has 1 to %d bytes, no '/', and does not begin with '.'",
                         DASH_FOLDER_TITLE_MAX);
    }
    return 0;
}

int dash_store_add_folder(struct dash_store *store, struct arena *arena, str title, str *ret_uid,
                          struct baro_error *err)
{
    CLEANUP(dash_set_unrefp) struct dash_set *set = NULL;
    const char *root = root_directory(store, true);
    const char *path;
    int r = check_folder_title(title, err);

    if (r >= 0 && root == NULL) {
        r = error_set(err, -EACCES,
                      "no directory takes folders: start with --dashboards.path=DIR, or say "
                      "foldersFromFilesStructure: true in the provider's options");
    }
    if (r < 0) {
        return r;
    }
    path = fs_path(arena, root, arena_str(arena, title).ptr);
    lock_acquire(&store->work_lock);
    set = dash_store_set(store);
    *ret_uid = dash_uid_of(arena, str_from(path));
    if (dash_set_folder(set, *ret_uid) != NULL) {
        r = error_set(err, -EEXIST,
                      "a folder with the same name already exists in the current location");
    } else {
        r = store->fs->mkdir(store->fs, path, err);
    }
    if (r >= 0) {
        dash_store_replace(store, dash_scan_run(store, set));
    }
    lock_release(&store->work_lock);
    return r;
}
