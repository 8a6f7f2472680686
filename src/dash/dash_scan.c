#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "dash/dash_priv.h"
#include "sys/fs.h"

/* Where the walk stands. */
struct place {
    const char *path;
    str folder_uid;
    str folder_title;
    size_t depth;
};

static void walk(struct dash_scan *scan, const struct place *place);

/* ---- folders ---- */

static const struct dash_folder *find_folder(const struct dash_scan *scan, str uid)
{
    for (size_t i = 0; i < scan->folders.count; i++) {
        if (str_eq(scan->folders.items[i].uid, uid)) {
            return &scan->folders.items[i];
        }
    }
    return NULL;
}

/* Two providers may fill one folder; new files go to the first directory that takes them. */
static void add_folder(struct dash_scan *scan, str uid, str title, const char *path)
{
    const char *kept =
        scan->provider->can_save ? arena_str(&scan->set->arena, str_from(path)).ptr : NULL;
    const struct dash_folder *known = find_folder(scan, uid);

    if (known == NULL) {
        vec_push(&scan->folders, (struct dash_folder){arena_str(&scan->set->arena, uid),
                                                      arena_str(&scan->set->arena, title), kept});
    } else if (known->path == NULL) {
        scan->folders.items[known - scan->folders.items].path = kept;
    }
}

/* ---- files ---- */

static bool is_known_fault(const struct dash_scan *scan, const struct dash_fault *fault)
{
    for (size_t i = 0; scan->old != NULL && i < scan->old->fault_count; i++) {
        const struct dash_fault *old = &scan->old->faults[i];

        if (str_eq(old->path, fault->path) && str_eq(old->message, fault->message) &&
            old->file_mtime_ns == fault->file_mtime_ns && old->file_size == fault->file_size) {
            return true;
        }
    }
    return false;
}

static int64_t mtime_ns(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static void add_fault(struct dash_scan *scan, const char *path, const struct stat *st,
                      const struct baro_error *err)
{
    char text[ERROR_FORMAT_BYTES];
    struct dash_fault fault = {.path = arena_str(&scan->set->arena, str_from(path)),
                               .file_mtime_ns = mtime_ns(st),
                               .file_size = (uint64_t)st->st_size};

    error_format(err, text, sizeof(text));
    fault.message = arena_str(&scan->set->arena, str_from(text));
    if (!is_known_fault(scan, &fault)) {
        log_warn("a file is no dashboard", log_str("file", fault.path),
                 log_str("reason", fault.message));
    }
    vec_push(&scan->faults, fault);
}

static int read_board(struct dash_scan *scan, const char *path, const struct stat *st,
                      struct dash_board **ret, struct baro_error *err)
{
    struct arena arena = {0};
    str text = STR_NULL;
    int r = fs_read_all(scan->store->fs, &arena, path, DASH_BYTES_MAX, &text, err);

    r = r < 0 ? r : dash_board_parse(text, str_from(path), ret, err);
    arena_done(&arena);
    if (r >= 0) {
        (*ret)->file_mtime_ns = mtime_ns(st);
        (*ret)->file_size = (uint64_t)st->st_size;
        (*ret)->file_inode = (uint64_t)st->st_ino;
        (*ret)->updated = mtime_ns(st) / 1000000;
    }
    return r;
}

static bool is_uid_free(const struct dash_scan *scan, const struct dash_board *board,
                        struct baro_error *err)
{
    const struct dash_board *other = map_get(&scan->by_uid, board->uid);

    if (other != NULL) {
        (void)error_set(err, BARO_EINVALID, "its uid \"%.*s\" is that of %.*s: give it another one",
                        STR_ARG(board->uid), STR_ARG(other->path));
    }
    return other == NULL;
}

/* A file that is being written, or was spoilt, leaves the dashboard as it was. */
static void take_file(struct dash_scan *scan, const struct place *place, const char *path,
                      const struct stat *st)
{
    struct dash_board *old = map_get(&scan->old_by_path, str_from(path));
    bool is_same = old != NULL && old->file_mtime_ns == mtime_ns(st) &&
                   old->file_size == (uint64_t)st->st_size &&
                   old->file_inode == (uint64_t)st->st_ino &&
                   str_eq(old->folder_uid, place->folder_uid);
    struct dash_board *board = NULL;
    struct baro_error err = {0};

    if (!is_same && read_board(scan, path, st, &board, &err) < 0) {
        add_fault(scan, path, st, &err);
    } else if (!is_same) {
        board->folder_uid = arena_str(&board->arena, place->folder_uid);
        board->folder_title = arena_str(&board->arena, place->folder_title);
        board->provider = arena_str(&board->arena, scan->provider->name);
        board->can_save = scan->provider->can_save;
        dash_store_note(scan->store, board, STR(""),
                        old == NULL ? STR("found") : STR("changed in its file"));
    }
    if (board == NULL && old != NULL) {
        board = dash_board_ref(old);
    }
    if (board != NULL && !is_uid_free(scan, board, &err)) {
        add_fault(scan, path, st, &err);
        board = dash_board_unref(board);
    }
    if (board != NULL) {
        vec_push(&scan->boards, board);
        (void)map_put(&scan->by_uid, board->uid, board);
    }
}

/* ---- directories ---- */

/* "..data" and the like are how mounted configuration maps are swapped; what counts is the links
 * beside them. */
static bool is_hidden(str name)
{
    return name.len == 0 || name.ptr[0] == '.';
}

static void take_entry(struct dash_scan *scan, const struct place *place, str name)
{
    struct arena *arena = &scan->set->arena;
    const char *path = fs_path(arena, place->path, name.ptr);
    struct place below = {path, place->folder_uid, place->folder_title, place->depth + 1};
    struct stat st;

    if (is_hidden(name) || stat(path, &st) != 0) {
        return; /* hidden, gone meanwhile, or a link to nowhere */
    }
    if (S_ISDIR(st.st_mode)) {
        if (scan->provider->folders_from_path && place->depth == 0) {
            below.folder_title = name;
            below.folder_uid = dash_uid_of(arena, str_from(path));
            add_folder(scan, below.folder_uid, name, path);
        }
        walk(scan, &below);
    } else if (S_ISREG(st.st_mode) && str_has_suffix(name, STR(".json")) &&
               scan->boards.count < DASH_BOARDS_MAX) {
        take_file(scan, place, path, &st);
    }
}

static void walk(struct dash_scan *scan, const struct place *place)
{
    struct arena arena = {0};
    struct fs_entry *entries = NULL;
    size_t count = 0;
    struct baro_error err = {0};

    if (place->depth > DASH_DEPTH_MAX || scan->directory_count >= DASH_DIRECTORIES_MAX) {
        return;
    }
    scan->directory_count++;
    dash_store_watch(scan->store, place->path);
    if (scan->store->fs->list(scan->store->fs, &arena, place->path, &entries, &count, &err) < 0) {
        log_warn("a directory of dashboards cannot be read", log_c("path", place->path),
                 log_err(&err));
    }
    for (size_t i = 0; i < count; i++) {
        take_entry(scan, place, entries[i].name);
    }
    arena_done(&arena);
}

static void scan_provider(struct dash_scan *scan, const struct dash_provider *provider)
{
    struct place place = {provider->path, STR(""), STR("General"), 0};
    struct stat st;

    scan->provider = provider;
    if (provider->folder.len > 0) {
        place.folder_title = provider->folder;
        place.folder_uid = provider->folder_uid.len > 0
                               ? provider->folder_uid
                               : dash_uid_of(&scan->set->arena, provider->folder);
        add_folder(scan, place.folder_uid, place.folder_title, provider->path);
    }
    if (stat(provider->path, &st) == 0 && S_ISREG(st.st_mode)) {
        take_file(scan, &place, provider->path, &st);
    } else {
        walk(scan, &place);
    }
}

/* ---- the set ---- */

static int by_title(const void *a, const void *b)
{
    const struct dash_board *left = *(struct dash_board *const *)a;
    const struct dash_board *right = *(struct dash_board *const *)b;
    int order = str_cmp(left->title, right->title);

    return order != 0 ? order : str_cmp(left->uid, right->uid);
}

static int by_folder_title(const void *a, const void *b)
{
    const struct dash_folder *left = a;
    const struct dash_folder *right = b;
    int order = str_cmp(left->title, right->title);

    return order != 0 ? order : str_cmp(left->uid, right->uid);
}

static void *keep(struct dash_set *set, const void *items, size_t count, size_t size)
{
    void *ret = arena_alloc_zero(&set->arena, count * size + 1);

    if (count > 0) {
        memcpy(ret, items, count * size);
    }
    return ret;
}

struct dash_set *dash_scan_run(struct dash_store *store, const struct dash_set *old)
{
    struct dash_scan scan = {.store = store, .old = old, .set = MEM_NEW(struct dash_set)};
    struct dash_set *set = scan.set;

    lock_assert_held(&store->work_lock);
    set->references = 1;
    for (size_t i = 0; old != NULL && i < old->count; i++) {
        (void)map_put(&scan.old_by_path, old->boards[i]->path, old->boards[i]);
    }
    for (size_t i = 0; i < store->providers.count; i++) {
        scan_provider(&scan, &store->providers.items[i]);
    }
    if (scan.boards.count > 1) {
        qsort(scan.boards.items, scan.boards.count, sizeof(*scan.boards.items), by_title);
    }
    if (scan.folders.count > 1) {
        qsort(scan.folders.items, scan.folders.count, sizeof(*scan.folders.items), by_folder_title);
    }
    set->count = scan.boards.count;
    set->boards = keep(set, scan.boards.items, scan.boards.count, sizeof(*scan.boards.items));
    set->folder_count = scan.folders.count;
    set->folders = keep(set, scan.folders.items, scan.folders.count, sizeof(*scan.folders.items));
    set->fault_count = scan.faults.count;
    set->faults = keep(set, scan.faults.items, scan.faults.count, sizeof(*scan.faults.items));
    map_done(&scan.old_by_path);
    map_done(&scan.by_uid);
    vec_done(&scan.boards);
    vec_done(&scan.folders);
    vec_done(&scan.faults);
    return set;
}
