#include "dash/dash_store.h"

#include <errno.h>

#include "dash/dash_text.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "testing/test.h"

/* A store over a directory of its own. */
struct bench {
    struct arena arena;
    const char *dir;
    struct dash_store *store;
};

static const char *file_path(struct bench *bench, const char *name)
{
    return fs_path(&bench->arena, bench->dir, name);
}

static void write_text(struct bench *bench, const char *name, const char *text)
{
    const struct fs *fs = fs_real();
    struct baro_error err = {0};
    fs_file file = FS_FILE_NONE;

    assert_ok(fs->open(fs, file_path(bench, name), FS_CREATE, &file, &err), &err);
    assert_ok(fs->truncate(fs, file, 0, &err), &err);
    assert_ok(fs->append(fs, file, text, strlen(text), &err), &err);
    assert_ok(fs->close(fs, file, &err), &err);
}

static str read_text(struct bench *bench, const char *name)
{
    struct baro_error err = {0};
    str text = STR_NULL;

    assert_ok(
        fs_read_all(fs_real(), &bench->arena, file_path(bench, name), DASH_BYTES_MAX, &text, &err),
        &err);
    return text;
}

static void begin(struct bench *bench)
{
    *bench = (struct bench){0};
    bench->dir = arena_str(&bench->arena, str_from(test_dir())).ptr;
    for (size_t i = 0; i < 3; i++) {
        static const char *const names[] = {"boards", "boards/Team", "data"};
        struct baro_error err = {0};

        assert_ok(fs_real()->mkdir(fs_real(), file_path(bench, names[i]), &err), &err);
    }
}

static void open_store(struct bench *bench, const char *path)
{
    struct baro_error err = {0};
    const char *paths[] = {file_path(bench, path)};
    struct dash_store_options options = {.clock = clock_real(),
                                         .fs = fs_real(),
                                         .paths = paths,
                                         .path_count = 1,
                                         .data_dir = file_path(bench, "data")};

    assert_ok(dash_store_new(&options, &bench->store, &err), &err);
}

static void end(struct bench *bench)
{
    bench->store = dash_store_free(bench->store);
    arena_done(&bench->arena);
}

static size_t count_boards(struct bench *bench)
{
    struct dash_set *set = dash_store_set(bench->store);
    size_t count = set->count;

    (void)dash_set_unref(set);
    return count;
}

TEST(dash_store_finds_files_and_folders)
{
    struct bench bench;
    struct dash_set *set;
    const struct dash_board *board;

    begin(&bench);
    write_text(&bench, "boards/a.json", "{\"title\":\"A\",\"uid\":\"a\"}");
    write_text(&bench, "boards/Team/b.json", "{\"title\":\"B\",\"uid\":\"b\"}");
    write_text(&bench, "boards/broken.json", "{\"title\":");
    write_text(&bench, "boards/again.json", "{\"title\":\"C\",\"uid\":\"b\"}");
    write_text(&bench, "boards/notes.txt", "no dashboard");
    open_store(&bench, "boards");
    set = dash_store_set(bench.store);
    assert_int_equal(set->count, 2);
    assert_int_equal(set->folder_count, 1);
    assert_str_equal(set->folders[0].title, STR("Team"));
    board = dash_set_find(set, STR("b"));
    assert_non_null(board);
    assert_int_equal(set->fault_count, 2);
    assert_true(board->can_save);
    assert_int_equal(board->version, 1);
    (void)dash_set_unref(set);
    end(&bench);
}

TEST(dash_store_saves_only_what_differs)
{
    struct bench bench;
    struct baro_error err = {0};
    struct dash_board *saved = NULL;
    struct dash_version *versions = NULL;
    struct dash_version first = {0};
    size_t count = 0;
    struct dash_save save = {
        .text = STR("{\"id\":5,\"uid\":\"a\",\"title\":\"A\",\"refresh\":\"5s\",\"version\":1}"),
        .message = STR("faster"),
        .author = STR("me"),
    };

    begin(&bench);
    write_text(&bench, "boards/a.json",
               "{ \"uid\": \"a\",\n   \"title\":  \"A\",\n   \"refresh\": \"30s\" }\n");
    open_store(&bench, "boards");
    assert_ok(dash_store_save(bench.store, &save, &saved, &err), &err);
    assert_str_equal(read_text(&bench, "boards/a.json"),
                     STR("{ \"uid\": \"a\",\n   \"title\":  \"A\",\n   \"refresh\": \"5s\" }\n"));
    assert_int_equal(saved->version, 2);
    saved = dash_board_unref(saved);
    /* The same again is made of a version that is not the stored one any more. */
    assert_int_equal(dash_store_save(bench.store, &save, &saved, &err), BARO_EBUSY);
    save.overwrite = true;
    assert_ok(dash_store_save(bench.store, &save, &saved, &err), &err);
    assert_int_equal(saved->version, 2);
    saved = dash_board_unref(saved);
    assert_ok(dash_store_versions(bench.store, &bench.arena, STR("a"), &versions, &count, &err),
              &err);
    assert_int_equal(count, 2);
    assert_str_equal(versions[0].message, STR("faster"));
    assert_str_equal(versions[0].author, STR("me"));
    assert_ok(dash_store_version(bench.store, &bench.arena, STR("a"), 1, &first, &err), &err);
    assert_true(str_contains(first.text, STR("30s")));
    assert_int_equal(dash_store_version(bench.store, &bench.arena, STR("a"), 9, &first, &err),
                     BARO_ENOTFOUND);
    end(&bench);
}

TEST(dash_store_makes_moves_and_removes)
{
    struct bench bench;
    struct baro_error err = {0};
    struct dash_board *saved = NULL;
    struct dash_save save = {.text = STR("{\"title\":\"My Board\"}")};
    str uid;
    str folder;

    begin(&bench);
    open_store(&bench, "boards");
    assert_ok(dash_store_save(bench.store, &save, &saved, &err), &err);
    uid = arena_str(&bench.arena, saved->uid);
    saved = dash_board_unref(saved);
    assert_true(str_contains(read_text(&bench, "boards/my-board.json"), uid));
    assert_ok(dash_store_add_folder(bench.store, &bench.arena, STR("Ops"), &folder, &err), &err);
    assert_int_equal(dash_store_add_folder(bench.store, &bench.arena, STR("Ops"), &folder, &err),
                     -EEXIST);
    assert_int_equal(dash_store_add_folder(bench.store, &bench.arena, STR("../x"), &folder, &err),
                     BARO_EINVALID);
    save.text = read_text(&bench, "boards/my-board.json");
    save.folder_uid = folder;
    assert_ok(dash_store_save(bench.store, &save, &saved, &err), &err);
    assert_str_equal(saved->folder_title, STR("Ops"));
    saved = dash_board_unref(saved);
    (void)read_text(&bench, "boards/Ops/my-board.json");
    assert_int_equal(count_boards(&bench), 1);
    save.folder_uid = STR("nowhere");
    assert_int_equal(dash_store_save(bench.store, &save, &saved, &err), BARO_ENOTFOUND);
    assert_ok(dash_store_delete(bench.store, uid, &err), &err);
    assert_int_equal(dash_store_delete(bench.store, uid, &err), BARO_ENOTFOUND);
    assert_int_equal(count_boards(&bench), 0);
    end(&bench);
}

TEST(dash_store_follows_provisioning)
{
    struct bench bench;
    struct baro_error err = {0};
    struct dash_board *saved = NULL;
    struct dash_set *set;
    struct dash_save save = {.text = STR("{\"title\":\"B\",\"uid\":\"b\"}"), .overwrite = true};

    begin(&bench);
    write_text(&bench, "boards/Team/b.json", "{\"title\":\"A\",\"uid\":\"b\"}");
    write_text(&bench, "p.yml",
               "apiVersion: 1\nproviders:\n  - name: x\n    folder: F\n    folderUid: f\n"
               "    options: {path: boards/Team}\n");
    open_store(&bench, "p.yml");
    set = dash_store_set(bench.store);
    assert_int_equal(set->count, 1);
    assert_str_equal(set->boards[0]->folder_title, STR("F"));
    assert_str_equal(set->boards[0]->folder_uid, STR("f"));
    (void)dash_set_unref(set);
    assert_int_equal(dash_store_save(bench.store, &save, &saved, &err), -EACCES);
    assert_int_equal(dash_store_delete(bench.store, STR("b"), &err), -EACCES);
    end(&bench);
}

TEST(dash_store_refuses_faulty_provisioning)
{
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        {"providers:\n  - name: x\n    type: sql\n    options: {path: x}\n", "has to be file"},
        {"providers: [{name: x}]\n", "needs options.path"},
        {"providers: [x]\n", "a provider is a mapping"},
        {"datasources: []\n", "no dashboard providers"},
        {"a: [\n", "p.yml"},
    };
    struct bench bench;

    begin(&bench);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct baro_error err = {0};
        const char *paths[] = {file_path(&bench, "p.yml")};
        struct dash_store_options options = {.clock = clock_real(),
                                             .fs = fs_real(),
                                             .paths = paths,
                                             .path_count = 1,
                                             .data_dir = file_path(&bench, "data")};
        char text[ERROR_FORMAT_BYTES];

        write_text(&bench, "p.yml", cases[i].text);
        assert_true(dash_store_new(&options, &bench.store, &err) < 0);
        error_format(&err, text, sizeof(text));
        assert_true(str_contains(str_from(text), str_from(cases[i].want)));
    }
    end(&bench);
}

/* A file that is spoilt keeps what it was; one that changes is seen, and is a version. */
TEST(dash_store_sees_changes_of_files)
{
    struct bench bench;
    struct dash_set *set;

    begin(&bench);
    write_text(&bench, "boards/a.json", "{\"title\":\"A\",\"uid\":\"a\"}");
    open_store(&bench, "boards");
    write_text(&bench, "boards/a.json", "{\"title\":\"A");
    dash_store_rescan(bench.store);
    set = dash_store_set(bench.store);
    assert_int_equal(set->count, 1);
    assert_int_equal(set->fault_count, 1);
    (void)dash_set_unref(set);
    write_text(&bench, "boards/a.json", "{\"title\":\"New\",\"uid\":\"a\"}");
    dash_store_rescan(bench.store);
    set = dash_store_set(bench.store);
    assert_str_equal(set->boards[0]->title, STR("New"));
    assert_int_equal(set->boards[0]->version, 2);
    (void)dash_set_unref(set);
    end(&bench);
}

/* Somebody writes the file, and before that is seen another one saves over what he read. */
TEST(dash_store_save_meets_a_file_that_has_just_changed)
{
    struct bench bench;
    struct baro_error err = {0};
    struct dash_board *saved = NULL;
    struct dash_save save = {.text = STR("{\"uid\":\"a\",\"title\":\"Mine\",\"version\":1}")};

    begin(&bench);
    write_text(&bench, "boards/a.json", "{\"uid\":\"a\",\"title\":\"A\"}");
    open_store(&bench, "boards");
    write_text(&bench, "boards/a.json", "{\"uid\":\"a\",\"title\":\"Theirs, longer\"}");
    assert_int_equal(dash_store_save(bench.store, &save, &saved, &err), BARO_EBUSY);
    assert_true(str_contains(read_text(&bench, "boards/a.json"), STR("Theirs")));
    save.overwrite = true;
    assert_ok(dash_store_save(bench.store, &save, &saved, &err), &err);
    assert_int_equal(saved->version, 3);
    (void)dash_board_unref(saved);
    end(&bench);
}

/* A directory of such a provider is no folder: what is made there would be seen by nobody. */
TEST(dash_store_makes_folders_only_where_directories_are_folders)
{
    static const struct {
        const char *option;
        int want;
    } cases[] = {{"", -EACCES}, {", foldersFromFilesStructure: true", 0}};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct bench bench;
        struct baro_error err = {0};
        struct dash_set *set;
        char text[200];
        str uid = STR_NULL;

        begin(&bench);
        (void)snprintf(text, sizeof(text),
                       "providers:\n  - name: x\n    allowUiUpdates: true\n"
                       "    options: {path: boards%s}\n",
                       cases[i].option);
        write_text(&bench, "p.yml", text);
        open_store(&bench, "p.yml");
        assert_int_equal(dash_store_add_folder(bench.store, &bench.arena, STR("Ops"), &uid, &err),
                         cases[i].want);
        set = dash_store_set(bench.store);
        assert_true((dash_set_folder(set, uid) != NULL) == (cases[i].want == 0));
        (void)dash_set_unref(set);
        end(&bench);
    }
}
