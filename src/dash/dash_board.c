#include "dash/dash_board.h"

#include "base/mem.h"
#include "codec/json.h"

enum { SLUG_BYTES_MAX = 100, ID_MASK = 0x3fffffff };

bool dash_uid_is_valid(str uid)
{
    for (size_t i = 0; i < uid.len; i++) {
        char c = uid.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_')) {
            return false;
        }
    }
    return uid.len > 0 && uid.len <= DASH_UID_MAX;
}

str dash_slug(struct arena *arena, str title)
{
    char *slug = arena_alloc(arena, SLUG_BYTES_MAX + 1);
    size_t len = 0;

    for (size_t i = 0; i < title.len && len < SLUG_BYTES_MAX; i++) {
        char c = title.ptr[i];
        bool is_upper = c >= 'A' && c <= 'Z';

        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || is_upper || c == '_') {
            slug[len++] = is_upper ? (char)(c - 'A' + 'a') : c;
        } else if (len > 0 && slug[len - 1] != '-') {
            slug[len++] = '-';
        }
    }
    while (len > 0 && slug[len - 1] == '-') {
        len--;
    }
    slug[len] = '\0';
    return len > 0 ? str_of(slug, len) : STR("dashboard");
}

str dash_uid_of(struct arena *arena, str text)
{
    return arena_printf(arena, "f%016llx", (unsigned long long)str_hash_stable(text));
}

static void read_tags(struct dash_board *board, const struct json *tags)
{
    size_t count = json_kind_of(tags) == JSON_KIND_ARRAY ? json_count(tags) : 0;
    str *ret = ARENA_ARRAY(&board->arena, str, count < DASH_TAGS_MAX ? count : DASH_TAGS_MAX);

    for (size_t i = 0; i < count && board->tag_count < DASH_TAGS_MAX; i++) {
        str tag = json_text(json_at(tags, i));

        if (tag.len > 0) {
            ret[board->tag_count++] = arena_str(&board->arena, tag);
        }
    }
    board->tags = ret;
}

static int read_facts(struct dash_board *board, const struct json *root, struct baro_error *err)
{
    str title = json_text(json_get(root, "title"));
    str uid = json_text(json_get(root, "uid"));

    if (json_kind_of(root) != JSON_KIND_OBJECT) {
        return error_set(err, BARO_EINVALID, "a dashboard is a JSON object");
    }
    if (title.len == 0) {
        return error_set(err, BARO_EINVALID, "Dashboard title cannot be empty");
    }
    if (uid.len > 0 && !dash_uid_is_valid(uid)) {
        return error_set(err, BARO_EINVALID,
                         "uid \"%.*s\": has to be 1 to %d of the characters a-z A-Z 0-9 - _",
                         STR_ARG(str_slice(uid, 0, DASH_UID_MAX)), DASH_UID_MAX);
    }
    board->has_own_uid = uid.len > 0;
    board->uid =
        uid.len > 0 ? arena_str(&board->arena, uid) : dash_uid_of(&board->arena, board->path);
    board->title = arena_str(&board->arena, title);
    board->slug = dash_slug(&board->arena, title);
    board->description = arena_str(&board->arena, json_text(json_get(root, "description")));
    board->id = (int64_t)(str_hash_stable(board->uid) & ID_MASK) + 1;
    read_tags(board, json_get(root, "tags"));
    return 0;
}

int dash_board_parse(str text, str path, struct dash_board **ret, struct baro_error *err)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    struct dash_board *board;
    int r;

    if (text.len > DASH_BYTES_MAX) {
        return error_set(err, BARO_ELIMIT, "a dashboard has at most %d bytes", DASH_BYTES_MAX);
    }
    r = json_doc_parse(text, &root, err);
    if (r < 0) {
        return r;
    }
    board = MEM_NEW(struct dash_board);
    board->references = 1;
    board->path = arena_str(&board->arena, path);
    r = read_facts(board, root, err);
    if (r < 0) {
        (void)dash_board_unref(board);
        return r;
    }
    board->text = arena_str(&board->arena, text);
    *ret = board;
    return 0;
}

struct dash_board *dash_board_ref(struct dash_board *board)
{
    (void)atomic_fetch_add_explicit(&board->references, 1, memory_order_relaxed);
    return board;
}

struct dash_board *dash_board_unref(struct dash_board *board)
{
    /* Release and acquire: what others did with the board happens before it is freed. */
    if (board != NULL &&
        atomic_fetch_sub_explicit(&board->references, 1, memory_order_acq_rel) == 1) {
        arena_done(&board->arena);
        (void)mem_free(board);
    }
    return NULL;
}
