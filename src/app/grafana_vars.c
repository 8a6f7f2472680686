#include "app/grafana_vars.h"

#include "base/assert.h"

/* Where in the expression a variable stands. */
struct place {
    char quote;   /* of the string around it, 0 outside */
    int brackets; /* depth of [ ] */
    int braces;   /* depth of { } */
};

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The size of the variable that text[at] begins; 0 when it begins none. */
static size_t variable_size(str text, size_t at)
{
    str rest = str_from_index(text, at);
    size_t size = 1;

    if (str_has_prefix(rest, STR("${")) || str_has_prefix(rest, STR("[["))) {
        str end = rest.ptr[0] == '$' ? STR("}") : STR("]]");
        size_t index = str_index(rest, end);

        return index == SIZE_MAX || index == 2 || !is_word(rest.ptr[2]) ? 0 : index + end.len;
    }
    if (!str_has_prefix(rest, STR("$"))) {
        return 0;
    }
    while (size < rest.len && is_word(rest.ptr[size])) {
        size++;
    }
    return size > 1 && !(rest.ptr[1] >= '0' && rest.ptr[1] <= '9') ? size : 0;
}

/* The last byte before `at` that is no white space, 0 when there is none; the next from `at` on. */
static char byte_before(const char *text, size_t at)
{
    while (at > 0 && is_space(text[at - 1])) {
        at--;
    }
    return at > 0 ? text[at - 1] : 0;
}

static char byte_after(str text, size_t at)
{
    while (at < text.len && is_space(text.ptr[at])) {
        at++;
    }
    return at < text.len ? text.ptr[at] : 0;
}

/* The word that ends right before `at`, white space between them. */
static str word_before(const char *text, size_t at)
{
    size_t end;

    while (at > 0 && is_space(text[at - 1])) {
        at--;
    }
    end = at;
    while (at > 0 && is_word(text[at - 1])) {
        at--;
    }
    return str_of(text + at, end - at);
}

/* Whether the list in parentheses around `at` is one of labels: by (...), on (...). */
static bool in_label_list(const char *text, size_t at)
{
    static const char *const words[] = {"by",       "without",    "on",
                                        "ignoring", "group_left", "group_right"};

    while (at > 0 && text[at - 1] != '(') {
        char c = text[at - 1];

        if (!is_word(c) && !is_space(c) && c != ',') {
            return false;
        }
        at--;
    }
    str word = at > 0 ? word_before(text, at - 1) : STR("");
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (str_is(word, words[i])) {
            return true;
        }
    }
    return false;
}

/* A name when it touches one, is followed by braces or a range, or stands in a list of labels. */
static bool is_name(str text, const char *done, size_t at, size_t size)
{
    char next = at + size < text.len ? text.ptr[at + size] : 0;
    char after = byte_after(text, at + size);

    return (at > 0 && is_word(done[at - 1])) || is_word(next) || next == '$' || next == ':' ||
           after == '{' || after == '[' || in_label_list(done, at);
}

static bool is_matcher(str text, const char *done, const struct place *place, size_t at,
                       size_t size)
{
    char before = byte_before(done, at);
    char after = byte_after(text, at + size);

    return place->braces > 0 && size >= 5 && (before == '{' || before == ',') &&
           (after == '}' || after == ',');
}

static void fill(char *done, size_t at, size_t size, const char *start)
{
    size_t length = strlen(start);

    ASSERT(length <= size);
    memset(done + at, ' ', size);
    memcpy(done + at, start, length);
}

static void fill_name(char *done, size_t at, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        done[at + i] = GRAFANA_VARS_MARK[i % 2];
    }
}

static void replace(str text, char *done, const struct place *place, size_t at, size_t size)
{
    if (place->quote != 0) {
        fill_name(done, at, size);
    } else if (place->brackets > 0 || str_is(word_before(done, at), "offset")) {
        fill(done, at, size, "5m");
        if (at + size < text.len && is_word(text.ptr[at + size])) {
            fill(done, at, size, ""); /* the unit follows: [${minutes}m] */
            done[at + size - 1] = '5';
        }
    } else if (is_matcher(text, done, place, at, size)) {
        fill(done, at, size, GRAFANA_VARS_MARK "=\"\"");
    } else if (is_name(text, done, at, size)) {
        fill_name(done, at, size);
    } else {
        fill(done, at, size, "1");
    }
}

static void advance(struct place *place, char c)
{
    if (place->quote != 0) {
        place->quote = c == place->quote ? 0 : place->quote;
        return;
    }
    place->quote = c == '"' || c == '\'' || c == '`' ? c : 0;
    place->brackets += c == '[' ? 1 : c == ']' ? -1 : 0;
    place->braces += c == '{' ? 1 : c == '}' ? -1 : 0;
}

str grafana_vars_replace(struct arena *arena, str text)
{
    struct place place = {0};
    str copy = arena_str(arena, text);
    char *done = (char *)(uintptr_t)copy.ptr;

    for (size_t i = 0; i < text.len;) {
        size_t size = variable_size(text, i);

        if (size > 0) {
            replace(text, done, &place, i, size);
            i += size;
        } else if (text.ptr[i] == '\\' && place.quote != 0 && place.quote != '`') {
            i += 2;
        } else {
            advance(&place, text.ptr[i]);
            i++;
        }
    }
    return copy;
}
