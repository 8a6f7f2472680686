#include "codec/json_patch.h"

#include "base/mem.h"
#include "base/vec.h"
#include "codec/json_span.h"

/* Cells of the table that aligns two arrays; larger ones are matched by place. Objects of more
 * members are replaced as a whole: looking members up takes a walk. */
enum { ALIGN_CELLS_MAX = 1 << 20, MEMBERS_MAX = 4096, SCORE_SAME = 4, SCORE_IDENTITY = 3 };

/* What becomes of one member: kept or changed (both), removed (old alone), new (new alone). */
struct item {
    const struct json_span_member *old;
    const struct json_span_member *new;
};

typedef VEC(struct item) item_list;

/* Two arrays that are being matched. */
struct pairing {
    const struct json_span *old;
    const struct json_span *new;
    const uint64_t *old_ids;
    const uint64_t *new_ids;
    const uint32_t *best;
};

struct patch {
    struct arena *arena;
    struct buf *out;
    str unit;       /* of the old text's indentation; empty = all on one line */
    str colon;      /* ": " */
    bool has_lines; /* the old text has a member a line */
};

/* ---- style ---- */

static str last_line(str space)
{
    size_t at = space.len;

    while (at > 0 && space.ptr[at - 1] != '\n') {
        at--;
    }
    return str_from_index(space, at);
}

static void learn_style(struct patch *patch, const struct json_span *root)
{
    patch->colon = STR(": ");
    if (root->count > 0) {
        patch->has_lines = str_index_char(root->members[0].lead, '\n') != SIZE_MAX;
        patch->unit = last_line(root->members[0].lead);
        if (root->kind == JSON_KIND_OBJECT) {
            patch->colon = root->members[0].colon;
        }
    }
}

static void put_break(struct patch *patch, size_t depth)
{
    if (patch->has_lines) {
        buf_char(patch->out, '\n');
        for (size_t i = 0; i < depth; i++) {
            buf_str(patch->out, patch->unit);
        }
    }
}

/* ---- what is new ---- */

static void print(struct patch *patch, const struct json_span *span, size_t depth)
{
    bool is_object = span->kind == JSON_KIND_OBJECT;

    if (!is_object && span->kind != JSON_KIND_ARRAY) {
        buf_str(patch->out, span->raw);
        return;
    }
    buf_char(patch->out, is_object ? '{' : '[');
    for (size_t i = 0; i < span->count; i++) {
        buf_c(patch->out, i > 0 ? "," : "");
        put_break(patch, depth + 1);
        if (is_object) {
            buf_str(patch->out, span->members[i].key_raw);
            buf_str(patch->out, patch->colon);
        }
        print(patch, &span->members[i].value, depth + 1);
    }
    if (span->count > 0) {
        put_break(patch, depth);
    }
    buf_char(patch->out, is_object ? '}' : ']');
}

/* ---- objects ---- */

static void list_members(const struct json_span *old, const struct json_span *new, item_list *ret)
{
    for (size_t i = 0; i < old->count; i++) {
        const struct json_span_member *now = json_span_get(new, old->members[i].key);

        if (now != NULL) {
            vec_push(ret, (struct item){&old->members[i], now});
        }
    }
    for (size_t i = 0; i < new->count; i++) {
        struct item item = {.new = &new->members[i]};
        size_t place = 0;

        if (json_span_get(old, item.new->key) != NULL) {
            continue;
        }
        while (i > 0 && place < ret->count && ret->items[place].new != &new->members[i - 1]) {
            place++;
        }
        place = i > 0 && place < ret->count ? place + 1 : i > 0 ? ret->count : 0;
        vec_push(ret, item);
        memmove(&ret->items[place + 1], &ret->items[place],
                (ret->count - 1 - place) * sizeof(item));
        ret->items[place] = item;
    }
}

/* ---- arrays ---- */

/* What tells an object from its neighbours, as a number; 0 = nothing does. */
static uint64_t identity(const struct json_span *span)
{
    static const char *const keys[] = {"id", "uid", "refId", "name"};

    for (size_t i = 0; span->kind == JSON_KIND_OBJECT && i < ARRAY_COUNT(keys); i++) {
        const struct json_span_member *member =
            span->count <= MEMBERS_MAX ? json_span_get(span, str_from(keys[i])) : NULL;

        if (member != NULL) {
            return member->value.hash + i;
        }
    }
    return 0;
}

static uint64_t *identities(struct patch *patch, const struct json_span *array)
{
    uint64_t *ret = ARENA_ARRAY(patch->arena, uint64_t, array->count);

    for (size_t i = 0; i < array->count; i++) {
        ret[i] = identity(&array->members[i].value);
    }
    return ret;
}

static uint32_t score(const struct pairing *pairing, size_t i, size_t j)
{
    if (json_span_same(&pairing->old->members[i].value, &pairing->new->members[j].value)) {
        return SCORE_SAME;
    }
    return pairing->old_ids[i] != 0 && pairing->old_ids[i] == pairing->new_ids[j] ? SCORE_IDENTITY
                                                                                  : 0;
}

/* A run of elements on both sides in which nothing matches: by place, as far as kinds agree. */
static void list_gap(const struct json_span *old, size_t old_start, size_t old_end,
                     const struct json_span *new, size_t new_start, size_t new_end, item_list *ret)
{
    for (size_t i = new_start; i < new_end; i++) {
        size_t at = old_start + (i - new_start);
        bool has_old = at < old_end && old->members[at].value.kind == new->members[i].value.kind;

        vec_push(ret, (struct item){has_old ? &old->members[at] : NULL, &new->members[i]});
    }
}

/* best[i][j] is the best score of old[i..] against new[j..]: the classic table of the longest
 * common subsequence, with weights. */
static void align(struct patch *patch, struct pairing *pairing)
{
    size_t width = pairing->new->count + 1;
    uint32_t *best = ARENA_ARRAY(patch->arena, uint32_t, (pairing->old->count + 1) * width);

    for (size_t i = pairing->old->count; i-- > 0;) {
        for (size_t j = pairing->new->count; j-- > 0;) {
            uint32_t points = score(pairing, i, j);
            uint32_t pair = points > 0 ? points + best[(i + 1) * width + j + 1] : 0;
            uint32_t left = best[(i + 1) * width + j];
            uint32_t right = best[i * width + j + 1];
            uint32_t other = left > right ? left : right;

            best[i * width + j] = pair > other ? pair : other;
        }
    }
    pairing->best = best;
}

static void list_elements(struct patch *patch, const struct json_span *old,
                          const struct json_span *new, item_list *ret)
{
    struct pairing pairing = {.old = old, .new = new};
    size_t width = new->count + 1;
    size_t old_done = 0;
    size_t new_done = 0;

    if ((old->count + 1) > ALIGN_CELLS_MAX / width) {
        list_gap(old, 0, old->count, new, 0, new->count, ret);
        return;
    }
    pairing.old_ids = identities(patch, old);
    pairing.new_ids = identities(patch, new);
    align(patch, &pairing);
    for (size_t i = 0, j = 0; i < old->count && j < new->count;) {
        uint32_t here = pairing.best[i * width + j];
        uint32_t points = score(&pairing, i, j);

        if (points > 0 && here == points + pairing.best[(i + 1) * width + j + 1]) {
            list_gap(old, old_done, i, new, new_done, j, ret);
            vec_push(ret, (struct item){&old->members[i], &new->members[j]});
            old_done = ++i;
            new_done = ++j;
        } else if (here == pairing.best[(i + 1) * width + j]) {
            i++;
        } else {
            j++;
        }
    }
    list_gap(old, old_done, old->count, new, new_done, new->count, ret);
}

/* ---- both ---- */

/* White space before the index-th item: its own, or that of a neighbour of its kind. */
static void put_lead(struct patch *patch, const struct json_span *old, const struct item *item,
                     size_t index, size_t depth)
{
    if (old->count == 0) {
        put_break(patch, depth + 1);
    } else if (index == 0) {
        buf_str(patch->out, old->members[0].lead);
    } else if (item->old != NULL && item->old != &old->members[0]) {
        buf_str(patch->out, item->old->lead);
    } else if (old->count > 1) {
        buf_str(patch->out, old->members[1].lead);
    } else if (old->members[0].lead.len > 0) {
        buf_str(patch->out, old->members[0].lead);
    } else {
        buf_c(patch->out, patch->has_lines ? " " : "");
    }
}

static void write_value(struct patch *patch, const struct json_span *old,
                        const struct json_span *new, size_t depth);

static void write_items(struct patch *patch, const struct json_span *old, const item_list *items,
                        size_t depth)
{
    bool is_object = old->kind == JSON_KIND_OBJECT;

    buf_char(patch->out, is_object ? '{' : '[');
    for (size_t i = 0; i < items->count; i++) {
        const struct item *item = &items->items[i];

        buf_c(patch->out, i > 0 ? "," : "");
        put_lead(patch, old, item, i, depth);
        if (is_object) {
            buf_str(patch->out, item->old != NULL ? item->old->key_raw : item->new->key_raw);
            buf_str(patch->out, item->old != NULL ? item->old->colon : patch->colon);
        }
        if (item->old != NULL) {
            write_value(patch, &item->old->value, &item->new->value, depth + 1);
        } else {
            print(patch, &item->new->value, depth + 1);
        }
    }
    if (items->count > 0 && old->count > 0) {
        buf_str(patch->out, old->tail);
    } else if (items->count > 0) {
        put_break(patch, depth);
    }
    buf_char(patch->out, is_object ? '}' : ']');
}

static bool can_be_merged(const struct json_span *old, const struct json_span *new)
{
    return old->kind == new->kind && (old->kind == JSON_KIND_ARRAY ||
                                      (old->kind == JSON_KIND_OBJECT && old->count <= MEMBERS_MAX &&
                                       new->count <= MEMBERS_MAX));
}

static void write_value(struct patch *patch, const struct json_span *old,
                        const struct json_span *new, size_t depth)
{
    item_list items = {0};

    if (json_span_same(old, new)) {
        buf_str(patch->out, old->raw);
    } else if (!can_be_merged(old, new)) {
        print(patch, new, depth);
    } else {
        if (old->kind == JSON_KIND_OBJECT) {
            list_members(old, new, &items);
        } else {
            list_elements(patch, old, new, &items);
        }
        write_items(patch, old, &items, depth);
    }
    vec_done(&items);
}

int json_patch(str old_text, str new_text, struct buf *ret, struct baro_error *err)
{
    struct arena arena = {0};
    struct patch patch = {.arena = &arena, .out = ret};
    CLEANUP(json_doc_freep) struct json *old_root = NULL;
    CLEANUP(json_doc_freep) struct json *new_root = NULL;
    struct json_span old;
    struct json_span new;
    int r = json_span_parse(&arena, old_text, &old_root, &old, err);

    if (r < 0) {
        (void)error_wrap(err, r, "the old text");
    } else if ((r = json_span_parse(&arena, new_text, &new_root, &new, err)) < 0) {
        (void)error_wrap(err, r, "the new text");
    } else {
        size_t start = (size_t)(old.raw.ptr - old_text.ptr);

        learn_style(&patch, &old);
        buf_str(ret, str_slice(old_text, 0, start));
        write_value(&patch, &old, &new, 0);
        buf_str(ret, str_from_index(old_text, start + old.raw.len));
    }
    arena_done(&arena);
    return r < 0 ? r : 0;
}

int json_pretty(str text, struct buf *ret, struct baro_error *err)
{
    struct arena arena = {0};
    struct patch patch = {.out = ret, .unit = STR("  "), .colon = STR(": "), .has_lines = true};
    struct json *root = NULL;
    struct json_span span;
    int r = json_span_parse(&arena, text, &root, &span, err);

    if (r >= 0) {
        print(&patch, &span, 0);
        buf_char(ret, '\n');
    }
    (void)json_doc_free(root);
    arena_done(&arena);
    return r;
}

bool json_same(str a, str b)
{
    struct arena arena = {0};
    CLEANUP(json_doc_freep) struct json *a_root = NULL;
    CLEANUP(json_doc_freep) struct json *b_root = NULL;
    struct json_span a_span;
    struct json_span b_span;
    bool same = json_span_parse(&arena, a, &a_root, &a_span, NULL) >= 0 &&
                json_span_parse(&arena, b, &b_root, &b_span, NULL) >= 0 &&
                json_span_same(&a_span, &b_span);

    arena_done(&arena);
    return same;
}
