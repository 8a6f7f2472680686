#include "dash/dash_text.h"

#include <sys/random.h>

#include "base/assert.h"
#include "codec/json_span.h"
#include "codec/json_write.h"
#include "dash/dash_board.h"

enum { UID_LETTERS = 14 };

/* Members that are not taken over from a text, and what stands for them. */
struct replacement {
    str key;
    str raw; /* the value's JSON; ptr NULL = leave it out */
    bool done;
};

static void write_member(struct buf *ret, str key, str raw, bool *is_first)
{
    struct json_writer json = json_write_over(ret);

    buf_c(ret, *is_first ? "" : ",");
    json_write_key(&json, key);
    buf_str(ret, raw);
    *is_first = false;
}

static struct replacement *find(struct replacement *items, size_t count, str key)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(items[i].key, key)) {
            return &items[i];
        }
    }
    return NULL;
}

static void write_replaced(struct buf *ret, const struct json_span *object,
                           struct replacement *items, size_t count)
{
    bool is_first = true;

    buf_char(ret, '{');
    for (size_t i = 0; i < object->count; i++) {
        const struct json_span_member *member = &object->members[i];
        struct replacement *item = find(items, count, member->key);
        str raw = item != NULL ? item->raw : member->value.raw;

        if (raw.ptr != NULL) {
            write_member(ret, member->key, raw, &is_first);
        }
        if (item != NULL) {
            item->done = true;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!items[i].done && items[i].raw.ptr != NULL) {
            write_member(ret, items[i].key, items[i].raw, &is_first);
        }
    }
    buf_char(ret, '}');
}

static str quoted(struct arena *arena, str text)
{
    return arena_printf(arena, "\"%.*s\"", STR_ARG(text));
}

void dash_text_for_api(const struct dash_board *board, struct buf *ret)
{
    struct arena arena = {0};
    struct json *root = NULL;
    struct json_span span = {0};
    struct replacement items[] = {
        {STR("id"), arena_printf(&arena, "%lld", (long long)board->id), false},
        {STR("uid"), quoted(&arena, board->uid), false},
        {STR("version"), arena_printf(&arena, "%lld", (long long)board->version), false},
    };
    int r = json_span_parse(&arena, board->text, &root, &span, NULL);

    ASSERT(r >= 0); /* it was parsed when the board was made */
    write_replaced(ret, &span, items, ARRAY_COUNT(items));
    (void)json_doc_free(root);
    arena_done(&arena);
}

static str member_raw(const struct json_span *object, str key)
{
    const struct json_span_member *member = json_span_get(object, key);

    return member != NULL ? member->value.raw : STR_NULL;
}

int dash_text_for_file(str text, str old_text, str uid, struct buf *ret, struct baro_error *err)
{
    struct arena arena = {0};
    struct json *root = NULL;
    struct json *old_root = NULL;
    struct json_span span = {0};
    struct json_span old = {0};
    int r = json_span_parse(&arena, text, &root, &span, err);

    if (r >= 0 && old_text.ptr != NULL) {
        r = json_span_parse(&arena, old_text, &old_root, &old, err);
    }
    if (r >= 0) {
        struct replacement items[] = {
            {STR("id"), member_raw(&old, STR("id")), false},
            {STR("uid"), quoted(&arena, uid), false},
            {STR("version"), member_raw(&old, STR("version")), false},
        };

        write_replaced(ret, &span, items, ARRAY_COUNT(items));
    }
    (void)json_doc_free(root);
    (void)json_doc_free(old_root);
    arena_done(&arena);
    return r;
}

bool dash_text_version(str text, int64_t *ret)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;

    return json_doc_parse(text, &root, NULL) >= 0 && json_int(json_get(root, "version"), ret);
}

/* ---- inputs of an import ---- */

/* Many mentions of a long value would make gigabytes of a short text: no more is written than a
 * dashboard may have. */
static int write_filled(struct buf *ret, str text, const struct json *inputs,
                        struct baro_error *err)
{
    while (text.len > 0 && ret->len <= DASH_BYTES_MAX) {
        size_t at = str_index(text, STR("${"));
        str rest = str_from_index(text, at);
        size_t end = str_index_char(rest, '}');
        str name = str_slice(rest, 2, end);
        str value = STR_NULL;

        buf_str(ret, str_slice(text, 0, at));
        for (size_t i = 0; end != SIZE_MAX && i < json_count(inputs); i++) {
            if (str_eq(json_text(json_get(json_at(inputs, i), "name")), name)) {
                value = json_text(json_get(json_at(inputs, i), "value"));
            }
        }
        if (value.ptr != NULL) {
            struct buf escaped = {0};
            struct json_writer json = json_write_over(&escaped);

            json_write_str(&json, value);
            buf_str(ret, str_slice(buf_view(&escaped), 1, escaped.len - 1));
            buf_done(&escaped);
        } else {
            buf_str(ret, str_slice(rest, 0, end == SIZE_MAX ? rest.len : end + 1));
        }
        text = str_from_index(rest, end == SIZE_MAX ? rest.len : end + 1);
    }
    return ret->len <= DASH_BYTES_MAX
               ? 0
               : error_set(err, BARO_ELIMIT, "with its inputs it has more than %d bytes",
                           DASH_BYTES_MAX);
}

int dash_text_fill(str text, str inputs, struct buf *ret, struct baro_error *err)
{
    struct arena arena = {0};
    CLEANUP(json_doc_freep) struct json *root = NULL;
    CLEANUP(json_doc_freep) struct json *values = NULL;
    struct json_span span = {0};
    struct buf bare = {0};
    struct replacement none = {STR("__inputs"), STR_NULL, false};
    int r = json_span_parse(&arena, text, &root, &span, err);

    if (r >= 0 && inputs.ptr != NULL) {
        r = json_doc_parse(inputs, &values, err);
    }
    if (r >= 0) {
        /* "${" stands nowhere in JSON but in strings. */
        write_replaced(&bare, &span, &none, 1);
        r = write_filled(ret, buf_view(&bare), values, err);
    }
    buf_done(&bare);
    arena_done(&arena);
    return r;
}

str dash_text_new_uid(struct arena *arena)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint8_t bytes[UID_LETTERS];
    char uid[UID_LETTERS + 1] = {0};

    ASSERT(getrandom(bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes));
    for (size_t i = 0; i < UID_LETTERS; i++) {
        uid[i] = letters[bytes[i] & 31];
    }
    return arena_str(arena, str_of(uid, UID_LETTERS));
}
