/*
 * Dashboards under the paths and in the shapes of Grafana's HTTP API, so that scripts and tools
 * that talk to Grafana work. Source: Grafana, "Dashboard HTTP API", "Folder HTTP API",
 * "Folder/dashboard search API".
 */
#include <errno.h>

#include "api/api_priv.h"
#include "codec/json_span.h"
#include "codec/url_escape.h"
#include "dash/dash_store.h"
#include "dash/dash_text.h"

enum { SEARCH_LIMIT = 1000, SEARCH_LIMIT_MAX = 5000, ORGANISATION = 1 };

/* ---- answers ---- */

static struct json_writer begin(struct api_call *call, int status)
{
    call->response->status = status;
    call->response->content_type = "application/json";
    return json_write_over(&call->response->body);
}

static void refuse_as(struct api_call *call, int status, const char *word, const char *message)
{
    struct json_writer json = begin(call, status);

    json_write_object_begin(&json);
    json_write_pair_str(&json, STR("message"), str_from(message));
    if (word != NULL) {
        json_write_pair_str(&json, STR("status"), str_from(word));
    }
    json_write_object_end(&json);
}

static void refuse(struct api_call *call, const struct baro_error *err)
{
    switch (err->code) {
    case BARO_EBUSY:
        refuse_as(call, 412, "version-mismatch", err->message);
        break;
    case BARO_ENOTFOUND:
        refuse_as(call, 404, "not-found", err->message);
        break;
    case -EACCES:
        refuse_as(call, 400, NULL, err->message);
        break;
    case -EEXIST:
        refuse_as(call, 409, NULL, err->message);
        break;
    default:
        refuse_as(call, error_http_status(err->code), NULL, err->message);
        break;
    }
}

/* The store, or NULL with the answer made. */
static struct dash_store *store_of(struct api_call *call)
{
    if (call->context->dash == NULL) {
        refuse_as(call, 404, NULL, "no dashboards are served here");
    }
    return call->context->dash;
}

static str board_url(struct api_call *call, const struct dash_board *board)
{
    return arena_printf(call->arena, "%s/d/%.*s/%.*s",
                        call->context->prefix != NULL ? call->context->prefix : "",
                        STR_ARG(board->uid), STR_ARG(board->slug));
}

static str folder_url(struct api_call *call, str uid, str title)
{
    return arena_printf(call->arena, "%s/dashboards/f/%.*s/%.*s",
                        call->context->prefix != NULL ? call->context->prefix : "", STR_ARG(uid),
                        STR_ARG(dash_slug(call->arena, title)));
}

static int64_t number_of(str uid)
{
    return (int64_t)(str_hash_stable(uid) & 0x3fffffff) + 1;
}

/* ---- one dashboard ---- */

static void write_meta(struct api_call *call, struct json_writer *json,
                       const struct dash_board *board)
{
    json_write_object_begin(json);
    json_write_pair_str(json, STR("type"), STR("db"));
    json_write_pair_bool(json, STR("canSave"), board->can_save);
    json_write_pair_bool(json, STR("canEdit"), board->can_save);
    json_write_pair_bool(json, STR("canAdmin"), board->can_save);
    json_write_pair_bool(json, STR("canStar"), false);
    json_write_pair_bool(json, STR("canDelete"), board->can_save);
    json_write_pair_str(json, STR("slug"), board->slug);
    json_write_pair_str(json, STR("url"), board_url(call, board));
    json_write_pair_time(json, STR("created"), board->updated);
    json_write_pair_time(json, STR("updated"), board->updated);
    json_write_pair_i64(json, STR("version"), board->version);
    json_write_pair_bool(json, STR("isFolder"), false);
    json_write_pair_i64(json, STR("folderId"),
                        board->folder_uid.len > 0 ? number_of(board->folder_uid) : 0);
    json_write_pair_str(json, STR("folderUid"), board->folder_uid);
    json_write_pair_str(json, STR("folderTitle"), board->folder_title);
    json_write_pair_str(json, STR("folderUrl"),
                        board->folder_uid.len > 0
                            ? folder_url(call, board->folder_uid, board->folder_title)
                            : STR(""));
    json_write_pair_bool(json, STR("provisioned"), !board->can_save);
    json_write_pair_str(json, STR("provisionedExternalId"), board->path);
    json_write_object_end(json);
}

static void write_board(struct api_call *call, const struct dash_board *board)
{
    struct json_writer json = begin(call, 200);

    json_write_object_begin(&json);
    json_write_key(&json, STR("meta"));
    write_meta(call, &json, board);
    json_write_key(&json, STR("dashboard"));
    dash_text_for_api(board, json.buf);
    json_write_object_end(&json);
}

static void write_version(struct json_writer *json, const struct dash_version *version, str uid)
{
    json_write_pair_i64(json, STR("id"), version->number);
    json_write_pair_str(json, STR("uid"), uid);
    json_write_pair_i64(json, STR("version"), version->number);
    json_write_pair_i64(json, STR("parentVersion"), version->number - 1);
    json_write_pair_time(json, STR("created"), version->created);
    json_write_pair_str(json, STR("createdBy"), version->author);
    json_write_pair_str(json, STR("message"), version->message);
}

static void write_versions(struct api_call *call, struct dash_store *store, str uid)
{
    struct dash_version *versions = NULL;
    struct baro_error err = {0};
    struct json_writer json;
    size_t count = 0;

    if (dash_store_versions(store, call->arena, uid, &versions, &count, &err) < 0) {
        refuse(call, &err);
        return;
    }
    json = begin(call, 200);
    json_write_object_begin(&json);
    json_write_key(&json, STR("versions"));
    json_write_array_begin(&json);
    for (size_t i = 0; i < count; i++) {
        json_write_object_begin(&json);
        write_version(&json, &versions[i], uid);
        json_write_object_end(&json);
    }
    json_write_array_end(&json);
    json_write_object_end(&json);
}

static void write_one_version(struct api_call *call, struct dash_store *store, str uid, str number)
{
    struct dash_version version = {0};
    struct baro_error err = {0};
    struct json_writer json;
    int64_t wanted = 0;

    if (!num_parse_i64(number, &wanted)) {
        refuse_as(call, 400, NULL, "bad request data: the version is no number");
        return;
    }
    if (dash_store_version(store, call->arena, uid, wanted, &version, &err) < 0) {
        refuse(call, &err);
        return;
    }
    json = begin(call, 200);
    json_write_object_begin(&json);
    write_version(&json, &version, uid);
    json_write_key(&json, STR("data"));
    json_write_raw(&json, version.text);
    json_write_object_end(&json);
}

/* "UID", "UID/versions", "UID/versions/7", "UID/restore" behind /api/dashboards/uid/. */
static void split_tail(struct api_call *call, str ret[3])
{
    str path = call->request->path;
    str prefix = STR("/api/dashboards/uid/");
    str rest = str_from_index(path, str_index(path, prefix) + prefix.len);

    for (size_t i = 0; i < 3; i++) {
        ret[i] = STR_NULL;
        (void)str_split_next(&rest, '/', &ret[i]);
    }
}

void api_dash_get(struct api_call *call)
{
    CLEANUP(dash_set_unrefp) struct dash_set *set = NULL;
    struct dash_store *store = store_of(call);
    const struct dash_board *board;
    str tail[3];

    if (store == NULL) {
        return;
    }
    split_tail(call, tail);
    set = dash_store_set(store);
    board = dash_set_find(set, tail[0]);
    if (str_eq(tail[1], STR("versions"))) {
        if (tail[2].len > 0) {
            write_one_version(call, store, tail[0], tail[2]);
        } else {
            write_versions(call, store, tail[0]);
        }
    } else if (board == NULL || tail[1].ptr != NULL) {
        refuse_as(call, 404, NULL, "Dashboard not found");
    } else {
        write_board(call, board);
    }
}

void api_dash_delete(struct api_call *call)
{
    struct dash_store *store = store_of(call);
    struct baro_error err = {0};
    struct json_writer json;
    str tail[3];

    if (store == NULL) {
        return;
    }
    split_tail(call, tail);
    if (dash_store_delete(store, tail[0], &err) < 0) {
        refuse(call, &err);
        return;
    }
    json = begin(call, 200);
    json_write_object_begin(&json);
    json_write_pair_str(&json, STR("title"), tail[0]);
    json_write_pair_str(&json, STR("message"),
                        arena_printf(call->arena, "Dashboard %.*s deleted", STR_ARG(tail[0])));
    json_write_pair_i64(&json, STR("id"), number_of(tail[0]));
    json_write_object_end(&json);
}

/* ---- saving ---- */

/* The body of a request that changes something. */
struct dash_body {
    struct json *root;
    struct json_span span;
};

/* Only bodies that say they are JSON are taken: a page elsewhere cannot make a browser send that
 * without asking first. */
static bool read_body(struct api_call *call, struct dash_body *ret)
{
    struct baro_error err = {0};
    str type = http_request_header(call->request, "Content-Type");

    if (!str_eq_nocase(str_trim(str_slice(type, 0, str_index_char(type, ';'))),
                       STR("application/json"))) {
        refuse_as(call, 415, NULL, "bad request data: send it with Content-Type: application/json");
        return false;
    }
    if (json_span_parse(call->arena, call->request->body, &ret->root, &ret->span, &err) < 0) {
        refuse_as(call, 400, NULL,
                  arena_printf(call->arena, "bad request data: %u:%u: %s", err.line, err.column,
                               err.message)
                      .ptr);
        return false;
    }
    return true;
}

static str body_text(const struct dash_body *body, const char *key)
{
    return json_text(json_get(body->root, key));
}

static str body_raw(const struct dash_body *body, str key, enum json_kind kind)
{
    const struct json_span_member *member = json_span_get(&body->span, key);

    return member != NULL && member->value.kind == kind ? member->value.raw : STR_NULL;
}

/* Folders are named by uid, or by number in old scripts; 0 is the root folder. */
static str folder_of(struct dash_store *store, struct arena *arena, const struct dash_body *body)
{
    str uid = body_text(body, "folderUid");
    int64_t id = 0;

    if (uid.ptr == NULL && json_int(json_get(body->root, "folderId"), &id)) {
        struct dash_set *set = dash_store_set(store);

        uid = id == 0 ? STR("") : STR("unknown");
        for (size_t i = 0; i < set->folder_count; i++) {
            if (number_of(set->folders[i].uid) == id) {
                uid = arena_str(arena, set->folders[i].uid);
            }
        }
        (void)dash_set_unref(set);
    }
    return uid;
}

static void save_and_answer(struct api_call *call, struct dash_store *store,
                            const struct dash_save *save)
{
    CLEANUP(dash_board_unrefp) struct dash_board *board = NULL;
    struct baro_error err = {0};
    struct json_writer json;

    if (dash_store_save(store, save, &board, &err) < 0) {
        refuse(call, &err);
        return;
    }
    json = begin(call, 200);
    json_write_object_begin(&json);
    json_write_pair_str(&json, STR("folderUid"), board->folder_uid);
    json_write_pair_i64(&json, STR("id"), board->id);
    json_write_pair_str(&json, STR("slug"), board->slug);
    json_write_pair_str(&json, STR("status"), STR("success"));
    json_write_pair_str(&json, STR("uid"), board->uid);
    json_write_pair_str(&json, STR("url"), board_url(call, board));
    json_write_pair_i64(&json, STR("version"), board->version);
    json_write_object_end(&json);
}

static void save_body(struct api_call *call, struct dash_store *store, const struct dash_body *body,
                      bool is_import)
{
    struct baro_error err = {0};
    struct buf filled = {0};
    struct dash_save save = {
        .text = body_raw(body, STR("dashboard"), JSON_KIND_OBJECT),
        .folder_uid = folder_of(store, call->arena, body),
        .message = body_text(body, "message"),
        .author = call->request->client,
        .overwrite = json_is_yes(json_get(body->root, "overwrite")),
    };

    if (save.text.ptr == NULL) {
        refuse_as(call, 400, NULL, "bad request data: the body needs {\"dashboard\": {...}}");
        return;
    }
    if (is_import) {
        str inputs = body_raw(body, STR("inputs"), JSON_KIND_ARRAY);

        if (dash_text_fill(save.text, inputs, &filled, &err) < 0) {
            refuse(call, &err);
        }
        save.text = buf_view(&filled);
    }
    if (err.code == 0) {
        save_and_answer(call, store, &save);
    }
    buf_done(&filled);
}

static void save_request(struct api_call *call, bool is_import)
{
    struct dash_store *store = store_of(call);
    struct dash_body body = {0};

    if (store != NULL && read_body(call, &body)) {
        save_body(call, store, &body, is_import);
    }
    (void)json_doc_free(body.root);
}

void api_dash_save(struct api_call *call)
{
    save_request(call, false);
}

void api_dash_import(struct api_call *call)
{
    save_request(call, true);
}

void api_dash_restore(struct api_call *call)
{
    struct dash_store *store = store_of(call);
    struct dash_body body = {0};
    struct dash_version version = {0};
    struct baro_error err = {0};
    int64_t wanted = 0;
    str tail[3];

    if (store == NULL) {
        return;
    }
    split_tail(call, tail);
    if (!str_eq(tail[1], STR("restore"))) {
        refuse_as(call, 404, NULL, "Not found");
    } else if (!read_body(call, &body)) {
        return;
    } else if (!json_int(json_get(body.root, "version"), &wanted)) {
        refuse_as(call, 400, NULL, "bad request data: the body needs {\"version\": N}");
    } else if (dash_store_version(store, call->arena, tail[0], wanted, &version, &err) < 0) {
        refuse(call, &err);
    } else {
        save_and_answer(call, store,
                        &(struct dash_save){
                            .text = version.text,
                            .message = arena_printf(call->arena, "Restored from version %lld",
                                                    (long long)wanted),
                            .author = call->request->client,
                            .overwrite = true,
                        });
    }
    (void)json_doc_free(body.root);
}

/* ---- search ---- */

struct dash_search {
    str query;
    bool wants_boards;
    bool wants_folders;
    const struct form *form;
    size_t skip;
    size_t left;
};

static bool contains_nocase(str text, str part)
{
    for (size_t i = 0; i + part.len <= text.len; i++) {
        if (str_eq_nocase(str_slice(text, i, i + part.len), part)) {
            return true;
        }
    }
    return false;
}

/* Whether a parameter that may come several times is absent or names the value. */
static bool is_wanted(const struct form *form, str name, str value)
{
    bool is_there = false;

    for (size_t i = 0; i < form->count; i++) {
        if (str_eq(form->items[i].name, name)) {
            is_there = true;
            if (str_eq(form->items[i].value, value)) {
                return true;
            }
        }
    }
    return !is_there;
}

static bool has_tag(const struct dash_board *board, str tag)
{
    for (size_t i = 0; i < board->tag_count; i++) {
        if (str_eq(board->tags[i], tag)) {
            return true;
        }
    }
    return false;
}

static bool has_all_tags(const struct dash_board *board, const struct form *form)
{
    for (size_t i = 0; i < form->count; i++) {
        if (str_eq(form->items[i].name, STR("tag")) && !has_tag(board, form->items[i].value)) {
            return false;
        }
    }
    return true;
}

static bool take(struct dash_search *search)
{
    if (search->skip > 0) {
        search->skip--;
        return false;
    }
    search->left -= search->left > 0 ? 1 : 0;
    return true;
}

static void write_hit(struct json_writer *json, str uid, str title, str url, const char *type)
{
    json_write_pair_i64(json, STR("id"), number_of(uid));
    json_write_pair_str(json, STR("uid"), uid);
    json_write_pair_i64(json, STR("orgId"), ORGANISATION);
    json_write_pair_str(json, STR("title"), title);
    json_write_pair_str(json, STR("url"), url);
    json_write_pair_str(json, STR("type"), str_from(type));
    json_write_pair_bool(json, STR("isStarred"), false);
    json_write_pair_i64(json, STR("sortMeta"), 0);
}

static void write_strs(struct json_writer *json, const str *items, size_t count)
{
    json_write_array_begin(json);
    for (size_t i = 0; i < count; i++) {
        json_write_str(json, items[i]);
    }
    json_write_array_end(json);
}

static void search_folders(struct api_call *call, struct dash_search *search,
                           const struct dash_set *set, struct json_writer *json)
{
    for (size_t i = 0; i < set->folder_count && search->left > 0; i++) {
        const struct dash_folder *folder = &set->folders[i];

        if (!contains_nocase(folder->title, search->query) || form_has(search->form, STR("tag")) ||
            form_has(search->form, STR("folderUIDs")) ||
            form_has(search->form, STR("dashboardUIDs")) || !take(search)) {
            continue;
        }
        json_write_object_begin(json);
        write_hit(json, folder->uid, folder->title, folder_url(call, folder->uid, folder->title),
                  "dash-folder");
        json_write_key(json, STR("tags"));
        write_strs(json, NULL, 0);
        json_write_object_end(json);
    }
}

/* Grafana calls the root folder "general" in searches. */
static str folder_name(const struct dash_board *board)
{
    return board->folder_uid.len > 0 ? board->folder_uid : STR("general");
}

static void search_boards(struct api_call *call, struct dash_search *search,
                          const struct dash_set *set, struct json_writer *json)
{
    for (size_t i = 0; i < set->count && search->left > 0; i++) {
        const struct dash_board *board = set->boards[i];

        if (!contains_nocase(board->title, search->query) || !has_all_tags(board, search->form) ||
            !is_wanted(search->form, STR("folderUIDs"), folder_name(board)) ||
            !is_wanted(search->form, STR("dashboardUIDs"), board->uid) || !take(search)) {
            continue;
        }
        json_write_object_begin(json);
        write_hit(json, board->uid, board->title, board_url(call, board), "dash-db");
        json_write_pair_str(json, STR("description"), board->description);
        json_write_key(json, STR("tags"));
        write_strs(json, board->tags, board->tag_count);
        if (board->folder_uid.len > 0) {
            json_write_pair_i64(json, STR("folderId"), number_of(board->folder_uid));
            json_write_pair_str(json, STR("folderUid"), board->folder_uid);
            json_write_pair_str(json, STR("folderTitle"), board->folder_title);
            json_write_pair_str(json, STR("folderUrl"),
                                folder_url(call, board->folder_uid, board->folder_title));
        }
        json_write_object_end(json);
    }
}

/* A count in a query string; what is no number counts as absent. */
static size_t count_param(const struct form *form, str name, size_t initial, size_t most)
{
    int64_t number = 0;

    if (!num_parse_i64(form_get(form, name), &number) || number < 1) {
        return initial;
    }
    return (size_t)number < most ? (size_t)number : most;
}

void api_dash_search(struct api_call *call)
{
    CLEANUP(dash_set_unrefp) struct dash_set *set = NULL;
    struct dash_store *store = store_of(call);
    struct baro_error err = {0};
    struct dash_search search;
    struct json_writer json;
    size_t limit;
    str type;

    if (store == NULL) {
        return;
    }
    if (form_parse(call->arena, call->request->query, &call->form, &err) < 0) {
        refuse_as(call, 400, NULL, err.message);
        return;
    }
    type = form_get(&call->form, STR("type"));
    limit = count_param(&call->form, STR("limit"), SEARCH_LIMIT, SEARCH_LIMIT_MAX);
    search = (struct dash_search){
        .query = form_get(&call->form, STR("query")),
        .wants_boards = type.len == 0 || str_eq(type, STR("dash-db")),
        .wants_folders = type.len == 0 || str_eq(type, STR("dash-folder")),
        .form = &call->form,
        .left = limit,
        .skip = (count_param(&call->form, STR("page"), 1, DASH_BOARDS_MAX) - 1) * limit,
    };
    set = dash_store_set(store);
    json = begin(call, 200);
    json_write_array_begin(&json);
    if (search.wants_folders) {
        search_folders(call, &search, set, &json);
    }
    if (search.wants_boards) {
        search_boards(call, &search, set, &json);
    }
    json_write_array_end(&json);
}

void api_dash_tags(struct api_call *call)
{
    CLEANUP(dash_set_unrefp) struct dash_set *set = NULL;
    struct dash_store *store = store_of(call);
    struct json_writer json;
    api_strs seen = {0};

    if (store == NULL) {
        return;
    }
    set = dash_store_set(store);
    json = begin(call, 200);
    json_write_array_begin(&json);
    for (size_t i = 0; i < set->count; i++) {
        for (size_t k = 0; k < set->boards[i]->tag_count; k++) {
            str tag = set->boards[i]->tags[k];
            int64_t count = 0;
            bool is_known = false;

            for (size_t s = 0; s < seen.count && !is_known; s++) {
                is_known = str_eq(seen.items[s], tag);
            }
            for (size_t b = i; b < set->count && !is_known; b++) {
                count += has_tag(set->boards[b], tag) ? 1 : 0;
            }
            if (!is_known) {
                vec_push(&seen, tag);
                json_write_object_begin(&json);
                json_write_pair_str(&json, STR("term"), tag);
                json_write_pair_i64(&json, STR("count"), count);
                json_write_object_end(&json);
            }
        }
    }
    json_write_array_end(&json);
    vec_done(&seen);
}

/* ---- folders ---- */

static void write_folder(struct api_call *call, struct json_writer *json, str uid, str title,
                         bool can_save)
{
    json_write_object_begin(json);
    json_write_pair_i64(json, STR("id"), number_of(uid));
    json_write_pair_str(json, STR("uid"), uid);
    json_write_pair_str(json, STR("title"), title);
    json_write_pair_str(json, STR("url"), folder_url(call, uid, title));
    json_write_pair_bool(json, STR("canSave"), can_save);
    json_write_pair_bool(json, STR("canEdit"), can_save);
    json_write_object_end(json);
}

void api_dash_folders(struct api_call *call)
{
    CLEANUP(dash_set_unrefp) struct dash_set *set = NULL;
    struct dash_store *store = store_of(call);
    struct json_writer json;

    if (store == NULL) {
        return;
    }
    set = dash_store_set(store);
    json = begin(call, 200);
    json_write_array_begin(&json);
    for (size_t i = 0; i < set->folder_count; i++) {
        write_folder(call, &json, set->folders[i].uid, set->folders[i].title,
                     set->folders[i].path != NULL);
    }
    json_write_array_end(&json);
}

void api_dash_folder(struct api_call *call)
{
    CLEANUP(dash_set_unrefp) struct dash_set *set = NULL;
    struct dash_store *store = store_of(call);
    const struct dash_folder *folder;
    struct json_writer json;

    if (store == NULL) {
        return;
    }
    set = dash_store_set(store);
    folder = dash_set_folder(set, call->request->param);
    if (folder == NULL) {
        refuse_as(call, 404, "not-found", "folder not found");
        return;
    }
    json = begin(call, 200);
    write_folder(call, &json, folder->uid, folder->title, folder->path != NULL);
}

void api_dash_add_folder(struct api_call *call)
{
    struct dash_store *store = store_of(call);
    struct dash_body body = {0};
    struct baro_error err = {0};
    struct json_writer json;
    str uid = STR_NULL;

    if (store == NULL || !read_body(call, &body)) {
        return;
    }
    if (dash_store_add_folder(store, call->arena, body_text(&body, "title"), &uid, &err) < 0) {
        refuse(call, &err);
    } else {
        json = begin(call, 200);
        write_folder(call, &json, uid, body_text(&body, "title"), true);
    }
    (void)json_doc_free(body.root);
}

/* ---- what clients of Grafana ask beside ---- */

void api_dash_health(struct api_call *call)
{
    struct json_writer json = begin(call, 200);

    json_write_object_begin(&json);
    json_write_pair_str(&json, STR("commit"), str_from(call->context->build.revision));
    json_write_pair_str(&json, STR("database"), STR("ok"));
    json_write_pair_str(&json, STR("version"), str_from(call->context->build.program_version));
    json_write_object_end(&json);
}

void api_dash_datasources(struct api_call *call)
{
    struct json_writer json = begin(call, 200);

    json_write_array_begin(&json);
    json_write_object_begin(&json);
    json_write_pair_i64(&json, STR("id"), 1);
    json_write_pair_str(&json, STR("uid"), STR("barograph"));
    json_write_pair_i64(&json, STR("orgId"), ORGANISATION);
    json_write_pair_str(&json, STR("name"), STR("barograph"));
    json_write_pair_str(&json, STR("type"), STR("prometheus"));
    json_write_pair_str(&json, STR("access"), STR("proxy"));
    json_write_pair_bool(&json, STR("isDefault"), true);
    json_write_pair_bool(&json, STR("readOnly"), true);
    json_write_key(&json, STR("jsonData"));
    json_write_object_begin(&json);
    json_write_object_end(&json);
    json_write_object_end(&json);
    json_write_array_end(&json);
}
