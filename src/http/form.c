#include "http/form.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes escapes into `to`, which has room for s.len bytes; returns the size, or -1 and the place
 * of a bad escape. */
static int64_t unescape(str s, bool plus_is_space, char *to, size_t *ret_bad)
{
    size_t size = 0;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (c == '%') {
            int high = i + 2 < s.len ? hex_value(s.ptr[i + 1]) : -1;
            int low = i + 2 < s.len ? hex_value(s.ptr[i + 2]) : -1;

            if (high < 0 || low < 0) {
                *ret_bad = i;
                return -1;
            }
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        to[size++] = c;
    }
    return (int64_t)size;
}

static int decode(struct arena *arena, str s, bool plus_is_space, str *ret, struct baro_error *err)
{
    size_t bad = 0;
    int64_t size;
    char *copy;

    copy = arena_try(arena, s.len + 1);
    if (copy == NULL) {
        return error_set(err, BARO_ELIMIT, "no memory for form values");
    }
    size = unescape(s, plus_is_space, copy, &bad);
    if (size < 0) {
        str part = str_slice(s, bad, bad + 3);

        return error_set(err, BARO_EPARSE, "invalid URL escape \"%.*s\"", STR_ARG(part));
    }
    copy[size] = '\0';
    *ret = str_of(copy, (size_t)size);
    return 0;
}

static int push(struct arena *arena, struct form *form, struct form_pair pair,
                struct baro_error *err)
{
    if (form->count == FORM_PAIRS_MAX) {
        return error_set(err, BARO_ELIMIT, "more than %d form values", FORM_PAIRS_MAX);
    }
    if (form->count == form->capacity) {
        size_t capacity = form->capacity == 0 ? 8 : form->capacity * 2;
        struct form_pair *items = ARENA_ARRAY(arena, struct form_pair, capacity);

        if (form->count > 0) {
            memcpy(items, form->items, form->count * sizeof(*items));
        }
        form->items = items;
        form->capacity = capacity;
    }
    form->items[form->count++] = pair;
    return 0;
}

int form_parse(struct arena *arena, str text, struct form *ret, struct baro_error *err)
{
    str rest = text;

    if (text.len == 0) {
        return 0;
    }
    for (str part; str_split_next(&rest, '&', &part);) {
        struct form_pair pair = {0};
        size_t equals = str_index_char(part, '=');
        int r;

        if (part.len == 0) {
            continue;
        }
        if (str_index_char(part, ';') != SIZE_MAX) {
            return error_set(err, BARO_EPARSE, "invalid semicolon separator in query");
        }
        r = decode(arena, str_slice(part, 0, equals), true, &pair.name, err);
        if (r >= 0) {
            str value = equals == SIZE_MAX ? STR("") : str_from_index(part, equals + 1);

            r = decode(arena, value, true, &pair.value, err);
        }
        r = r >= 0 ? push(arena, ret, pair, err) : r;
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

bool form_next(const struct form *form, str name, size_t *index, str *ret)
{
    for (; *index < form->count; (*index)++) {
        if (str_eq(form->items[*index].name, name)) {
            *ret = form->items[(*index)++].value;
            return true;
        }
    }
    return false;
}

str form_get(const struct form *form, str name)
{
    size_t index = 0;
    str value = STR_NULL;

    (void)form_next(form, name, &index, &value);
    return value;
}

bool form_has(const struct form *form, str name)
{
    return form_get(form, name).ptr != NULL;
}

int url_path_decode(struct arena *arena, str segment, str *ret, struct baro_error *err)
{
    return decode(arena, segment, false, ret, err);
}
