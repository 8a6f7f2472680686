#include "model/matcher_priv.h"

#include <string.h>

/* One step may not stand for more than EXPANSION_MAX strings unless it is a plain list; the lists
 * of host names that dashboards make have no such bound but the length of the pattern. */
enum { EXPANSION_MAX = 256, GROUP_DEPTH_MAX = 8, GLOBS_MAX = 32, BYTES_MAX = 16 << 20 };

struct strings {
    str *items;
    size_t count;
    size_t capacity;
};

struct expander {
    struct arena *arena;
    str rest; /* of the pattern */
    size_t depth;
    size_t used_bytes; /* of joined strings; the engine takes over beyond BYTES_MAX */
};

static bool expand_alternation(struct expander *ex, struct strings *ret);

static void strings_push(struct expander *ex, struct strings *list, str item)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 4 : list->capacity * 2;
        str *items = arena_alloc(ex->arena, capacity * sizeof(*items));

        if (list->count > 0) {
            memcpy(items, list->items, list->count * sizeof(*items));
        }
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = item;
}

static bool take(struct expander *ex, str what)
{
    if (!str_has_prefix(ex->rest, what)) {
        return false;
    }
    ex->rest = str_from_index(ex->rest, what.len);
    return true;
}

static bool is_special(char c)
{
    return strchr("\\.+*?()|[]{}^$", c) != NULL;
}

/* Reads one literal character: itself, or an escaped punctuation mark. */
static bool take_literal(struct expander *ex, str *ret)
{
    uint32_t rune = 0;
    size_t size = utf8_decode(ex->rest, &rune);

    if (size == 0 || rune == 0) {
        return false;
    }
    if (ex->rest.ptr[0] == '\\') {
        bool escaped = ex->rest.len > 1 && is_special(ex->rest.ptr[1]);
        bool mark = ex->rest.len > 1 && strchr("-/:,;=@#%&!~ '\"<>`", ex->rest.ptr[1]) != NULL &&
                    ex->rest.ptr[1] != '\0' && ex->rest.ptr[1] != ' ';

        if (!escaped && !mark) {
            return false;
        }
        *ret = str_of(ex->rest.ptr + 1, 1);
        ex->rest = str_from_index(ex->rest, 2);
        return true;
    }
    if (size == 1 && is_special(ex->rest.ptr[0])) {
        return false;
    }
    *ret = str_of(ex->rest.ptr, size);
    ex->rest = str_from_index(ex->rest, size);
    return true;
}

static bool at_quantifier(const struct expander *ex)
{
    return ex->rest.len > 0 && strchr("*+?{", ex->rest.ptr[0]) != NULL && ex->rest.ptr[0] != '\0';
}

/* Reads a run of literal characters; one with a quantifier behind it stands alone. */
static bool take_literals(struct expander *ex, str *ret)
{
    str run = STR_NULL;
    str next = STR_NULL;

    if (!take_literal(ex, &run)) {
        return false;
    }
    while (!at_quantifier(ex)) {
        str before = ex->rest;

        if (!take_literal(ex, &next)) {
            break;
        }
        if (next.ptr != run.ptr + run.len || at_quantifier(ex)) {
            ex->rest = before;
            break;
        }
        run.len += next.len;
    }
    *ret = run;
    return true;
}

/* Classes of ASCII letters, digits, '_' and '-' at the ends: [abc], [0-9]. All else is left to the
 * engine. */
static bool expand_class(struct expander *ex, struct strings *ret)
{
    size_t at = 1;

    while (at < ex->rest.len && ex->rest.ptr[at] != ']') {
        const char *c = ex->rest.ptr + at;
        bool range = at + 2 < ex->rest.len && c[1] == '-' && c[2] != ']';
        unsigned char low = (unsigned char)c[0];
        unsigned char high = range ? (unsigned char)c[2] : low;

        if (low >= 0x80 || high >= 0x80 || low > high || strchr("\\[^&~|", low) != NULL ||
            strchr("\\[", high) != NULL || low == '-') {
            return false;
        }
        for (unsigned v = low; v <= high; v++) {
            char *byte = arena_alloc(ex->arena, 1);

            *byte = (char)v;
            strings_push(ex, ret, str_of(byte, 1));
        }
        at += range ? 3 : 1;
    }
    if (at >= ex->rest.len || at == 1) {
        return false;
    }
    ex->rest = str_from_index(ex->rest, at + 1);
    return true;
}

static bool expand_group(struct expander *ex, struct strings *ret)
{
    bool done;

    if (ex->depth == GROUP_DEPTH_MAX) {
        return false;
    }
    if (!take(ex, STR("(?:"))) {
        (void)take(ex, STR("("));
        if (str_has_prefix(ex->rest, STR("?"))) {
            return false;
        }
    }
    ex->depth++;
    done = expand_alternation(ex, ret) && take(ex, STR(")"));
    ex->depth--;
    return done;
}

/* One atom with its quantifier, as the list of what it stands for. */
static bool expand_atom(struct expander *ex, struct strings *ret)
{
    static const char any[] = {GAP_ANY, GAP_SOME, GAP_ONE};
    str literal = STR_NULL;

    if (str_has_prefix(ex->rest, STR(".*")) || str_has_prefix(ex->rest, STR(".+"))) {
        strings_push(ex, ret, str_of(any + (ex->rest.ptr[1] == '*' ? 0 : 1), 1));
        ex->rest = str_from_index(ex->rest, 2);
        (void)take(ex, STR("?")); /* who matches more does not change whether it matches */
        return !at_quantifier(ex);
    }
    if (take(ex, STR("."))) {
        strings_push(ex, ret, str_of(any + 2, 1));
    } else if (str_has_prefix(ex->rest, STR("["))) {
        if (!expand_class(ex, ret)) {
            return false;
        }
    } else if (str_has_prefix(ex->rest, STR("("))) {
        if (!expand_group(ex, ret)) {
            return false;
        }
    } else if (take_literals(ex, &literal)) {
        strings_push(ex, ret, literal);
    } else {
        return false;
    }
    if (!at_quantifier(ex)) {
        return true;
    }
    if (!take(ex, STR("?"))) {
        return false;
    }
    strings_push(ex, ret, STR(""));
    return !at_quantifier(ex);
}

static str join(struct expander *ex, str a, str b)
{
    char *bytes;

    if (a.len == 0) {
        return b;
    }
    if (b.len == 0) {
        return a;
    }
    if (a.ptr + a.len == b.ptr) {
        return str_of(a.ptr, a.len + b.len); /* neighbours in the pattern: nothing to copy */
    }
    ex->used_bytes += a.len + b.len;
    if (ex->used_bytes > BYTES_MAX) {
        return a; /* multiply gives up */
    }
    bytes = arena_alloc(ex->arena, a.len + b.len);
    memcpy(bytes, a.ptr, a.len);
    memcpy(bytes + a.len, b.ptr, b.len);
    return str_of(bytes, a.len + b.len);
}

/* Every string of `left` followed by every string of `right`. */
static bool multiply(struct expander *ex, struct strings *left, const struct strings *right)
{
    struct strings product = {0};

    if (left->count > 1 && right->count > 1 && left->count * right->count > EXPANSION_MAX) {
        return false;
    }
    if (right->count == 1) {
        for (size_t i = 0; i < left->count; i++) {
            left->items[i] = join(ex, left->items[i], right->items[0]);
        }
        return ex->used_bytes <= BYTES_MAX;
    }
    for (size_t i = 0; i < left->count; i++) {
        for (size_t j = 0; j < right->count; j++) {
            strings_push(ex, &product, join(ex, left->items[i], right->items[j]));
        }
    }
    *left = product;
    return ex->used_bytes <= BYTES_MAX;
}

static bool expand_sequence(struct expander *ex, struct strings *ret)
{
    bool top = ex->depth == 0;

    if (top) {
        (void)take(ex, STR("^")); /* both ends are anchored anyway */
    }
    strings_push(ex, ret, STR(""));
    while (ex->rest.len > 0 && ex->rest.ptr[0] != '|' && ex->rest.ptr[0] != ')') {
        struct strings atom = {0};

        if (top && ex->rest.ptr[0] == '$' && (ex->rest.len == 1 || ex->rest.ptr[1] == '|')) {
            ex->rest = str_from_index(ex->rest, 1);
            break;
        }
        if (!expand_atom(ex, &atom) || !multiply(ex, ret, &atom)) {
            return false;
        }
    }
    return true;
}

static bool expand_alternation(struct expander *ex, struct strings *ret)
{
    do {
        struct strings sequence = {0};

        if (!expand_sequence(ex, &sequence)) {
            return false;
        }
        for (size_t i = 0; i < sequence.count; i++) {
            strings_push(ex, ret, sequence.items[i]);
        }
    } while (take(ex, STR("|")));
    return true;
}

bool regex_expand_literals(struct arena *arena, str pattern, struct regex_expansion *ret)
{
    struct expander ex = {.arena = arena, .rest = pattern};
    struct strings list = {0};
    size_t globs = 0;
    size_t masks = 0;

    if (!expand_alternation(&ex, &list) || ex.rest.len > 0) {
        return false;
    }
    for (size_t i = 0; i < list.count; i++) {
        bool is_glob = glob_has_gap(list.items[i]);
        bool is_mask = mask_has_gap(list.items[i]);

        if (is_glob && is_mask) {
            return false; /* characters are counted by the engine */
        }
        globs += is_glob;
        masks += is_mask;
    }
    if (globs > GLOBS_MAX || masks > GLOBS_MAX) {
        return false;
    }
    *ret = (struct regex_expansion){list.items, list.count, globs, masks};
    return true;
}

bool mask_has_gap(str text)
{
    return str_index_char(text, GAP_ONE) != SIZE_MAX;
}

/* Ill-formed UTF-8 matches no character, as in RE2. */
bool mask_matches(str mask, str value)
{
    for (size_t i = 0; i < mask.len; i++) {
        uint32_t rune = 0;
        size_t size = mask.ptr[i] == GAP_ONE ? utf8_decode(value, &rune) : 1;

        if (size == 0 || value.len == 0 ||
            (mask.ptr[i] != GAP_ONE && mask.ptr[i] != value.ptr[0])) {
            return false;
        }
        value = str_from_index(value, size);
    }
    return value.len == 0;
}

bool glob_has_gap(str text)
{
    return str_index_char(text, GAP_ANY) != SIZE_MAX || str_index_char(text, GAP_SOME) != SIZE_MAX;
}

bool glob_init(struct glob *ret, str text)
{
    size_t start = 0;
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char least = text.ptr[i] == GAP_SOME ? 1 : 0;

        if (text.ptr[i] != GAP_ANY && text.ptr[i] != GAP_SOME) {
            continue;
        }
        if (count > 0 && start == i) {
            /* Gaps that meet are one gap; two of at least one character would count characters. */
            if (least + ret->gap_min[count - 1] > 1) {
                return false;
            }
            ret->gap_min[count - 1] |= least;
        } else if (count == GLOB_PARTS_MAX - 1) {
            return false;
        } else {
            ret->parts[count] = str_slice(text, start, i);
            ret->gap_min[count++] = least;
        }
        start = i + 1;
    }
    ret->parts[count++] = str_from_index(text, start);
    ret->part_count = count;
    return count >= 2;
}

/* The first and the last part stand at the ends; those between are looked for from left to right,
 * each as early as it goes, which leaves the most room to the rest. */
bool glob_matches(const struct glob *glob, str value)
{
    size_t last = glob->part_count - 1;
    str rest = value;

    if (!str_has_prefix(rest, glob->parts[0])) {
        return false;
    }
    rest = str_from_index(rest, glob->parts[0].len);
    if (!str_has_suffix(rest, glob->parts[last])) {
        return false;
    }
    rest.len -= glob->parts[last].len;
    for (size_t i = 1; i < last; i++) {
        size_t at;

        if (rest.len < glob->gap_min[i - 1]) {
            return false;
        }
        rest = str_from_index(rest, glob->gap_min[i - 1]);
        at = str_index(rest, glob->parts[i]);
        if (at == SIZE_MAX) {
            return false;
        }
        rest = str_from_index(rest, at + glob->parts[i].len);
    }
    return rest.len >= glob->gap_min[last - 1];
}
