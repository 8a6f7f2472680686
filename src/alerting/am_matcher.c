#include "alerting/am_matcher.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/text.h"
#include "codec/regex.h"
#include "codec/white_space.h"

/* A condition that was read and not compiled yet. */
struct draft {
    enum matcher_op op;
    str name;
    str value;
};

typedef VEC(struct draft) drafts;

static const struct {
    const char *text;
    enum matcher_op op;
} operators[] = {
    /* The longer ones first. */
    {"=~", MATCHER_REGEX},
    {"!~", MATCHER_NOT_REGEX},
    {"!=", MATCHER_NOT_EQUAL},
    {"=", MATCHER_EQUAL},
};

static bool take_operator(str *rest, enum matcher_op *ret)
{
    for (size_t i = 0; i < ARRAY_COUNT(operators); i++) {
        if (str_has_prefix(*rest, str_from(operators[i].text))) {
            *ret = operators[i].op;
            *rest = str_from_index(*rest, strlen(operators[i].text));
            return true;
        }
    }
    return false;
}

static const char *operator_text(enum matcher_op op)
{
    for (size_t i = 0; i < ARRAY_COUNT(operators); i++) {
        if (operators[i].op == op) {
            return operators[i].text;
        }
    }
    ASSERT(false);
    return "";
}

/* ---- The grammar for UTF-8 names ---- */

/* Bytes of a character that no name or value has without quotes, at the start of the text. */
static size_t reserved_len(str text)
{
    bool is_sign = text.ptr[0] != '\0' && strchr("{}!=~,\\\"'`", text.ptr[0]) != NULL;

    return is_sign ? 1 : white_space_len(text);
}

static void skip_space(str *rest)
{
    for (size_t size; (size = white_space_len(*rest)) > 0;) {
        *rest = str_from_index(*rest, size);
    }
}

static bool take_char(str *rest, char c)
{
    skip_space(rest);
    if (rest->len == 0 || rest->ptr[0] != c) {
        return false;
    }
    *rest = str_from_index(*rest, 1);
    return true;
}

static int digit_of(char c, unsigned base)
{
    int value = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : 99;

    return value < (int)base ? value : -1;
}

/* Appends what a numeric escape of Go stands for: \ooo and \xhh a byte, \u and \U a code point. */
static bool unescape_number(str *rest, unsigned base, size_t digits, bool is_rune, struct buf *out)
{
    uint32_t value = 0;
    char bytes[4];

    if (rest->len < digits) {
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        int digit = digit_of(rest->ptr[i], base);

        if (digit < 0) {
            return false;
        }
        value = value * base + (uint32_t)digit;
    }
    *rest = str_from_index(*rest, digits);
    if (!is_rune) {
        buf_char(out, (char)value);
        return value <= 0xFF;
    }
    if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) {
        return false;
    }
    buf_bytes(out, bytes, utf8_encode(value, bytes));
    return true;
}

static bool unescape(str *rest, struct buf *out)
{
    static const char letters[] = "abfnrtv\\\"";
    static const char meanings[] = "\a\b\f\n\r\t\v\\\"";
    char c = rest->len > 0 ? rest->ptr[0] : '\0';
    const char *at = c != '\0' ? strchr(letters, c) : NULL;

    if (at == NULL && c >= '0' && c <= '7') {
        return unescape_number(rest, 8, 3, false, out);
    }
    *rest = str_from_index(*rest, 1);
    if (at != NULL) {
        buf_char(out, meanings[at - letters]);
        return true;
    }
    switch (c) {
    case 'x':
        return unescape_number(rest, 16, 2, false, out);
    case 'u':
        return unescape_number(rest, 16, 4, true, out);
    case 'U':
        return unescape_number(rest, 16, 8, true, out);
    default:
        return false;
    }
}

/* The rest of a double-quoted string, by the rules of Go's string literals. */
static bool take_quoted(struct arena *arena, str *rest, str *ret)
{
    struct buf out = {0};
    bool good = true;

    while (good && rest->len > 0 && rest->ptr[0] != '"') {
        char c = rest->ptr[0];

        *rest = str_from_index(*rest, 1);
        if (c == '\\') {
            good = unescape(rest, &out);
        } else {
            good = c != '\n';
            buf_char(&out, c);
        }
    }
    good = good && take_char(rest, '"') && utf8_is_valid(buf_view(&out));
    *ret = good ? arena_str(arena, buf_view(&out)) : STR_NULL;
    buf_done(&out);
    return good;
}

/* A name or a value: a quoted string, or characters that are not reserved. */
static bool take_word(struct arena *arena, str *rest, str *ret)
{
    size_t len = 0;

    if (take_char(rest, '"')) {
        return take_quoted(arena, rest, ret);
    }
    while (len < rest->len && reserved_len(str_from_index(*rest, len)) == 0) {
        len++;
    }
    *ret = str_slice(*rest, 0, len);
    *rest = str_from_index(*rest, len);
    return len > 0 && utf8_is_valid(*ret);
}

static bool take_draft(struct arena *arena, str *rest, struct draft *ret)
{
    if (!take_word(arena, rest, &ret->name) || ret->name.len == 0) {
        return false;
    }
    skip_space(rest);
    return take_operator(rest, &ret->op) && take_word(arena, rest, &ret->value);
}

static bool parse_utf8(struct arena *arena, str text, drafts *ret)
{
    str rest = text;
    bool braces = take_char(&rest, '{');
    bool more = true;

    for (size_t i = 0; i <= AM_MATCHERS_MAX; i++) {
        struct draft draft = {0};

        skip_space(&rest);
        if (rest.len == 0 || rest.ptr[0] == '}') {
            break;
        }
        if (!more || !take_draft(arena, &rest, &draft)) {
            return false;
        }
        vec_push(ret, draft);
        more = take_char(&rest, ',');
    }
    if (braces && !take_char(&rest, '}')) {
        return false;
    }
    skip_space(&rest);
    return rest.len == 0;
}

/* ---- The classic grammar ---- */

static bool is_name_char(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' ||
           (!first && c >= '0' && c <= '9');
}

/* Takes quotes and escapes off a value; a backslash before any other character stands for itself.
 */
static int classic_value(struct arena *arena, str raw, str *ret, struct baro_error *err)
{
    struct buf out = {0};
    bool quoted = raw.len > 0 && raw.ptr[0] == '"';
    bool closed = false;
    size_t i = quoted ? 1 : 0;

    for (; i < raw.len; i++) {
        char c = raw.ptr[i];
        char next = i + 1 < raw.len ? raw.ptr[i + 1] : '\0';

        if (c == '\\' && (next == 'n' || next == '"' || next == '\\')) {
            buf_char(&out, next == 'n' ? '\n' : next);
            i++;
        } else if (c == '"') {
            closed = quoted && i + 1 == raw.len;
            if (!closed) {
                break;
            }
        } else {
            buf_char(&out, c);
        }
    }
    *ret = text_take(arena, &out);
    if (i < raw.len || quoted != closed) {
        return error_set(err, BARO_EPARSE, "matcher value contains unescaped double quote: %.*s",
                         STR_ARG(raw));
    }
    if (!utf8_is_valid(raw)) {
        return error_set(err, BARO_EPARSE, "matcher value not valid UTF-8: %.*s", STR_ARG(raw));
    }
    return 0;
}

static int classic_draft(struct arena *arena, str text, struct draft *ret, struct baro_error *err)
{
    str rest = str_trim(text);
    size_t len = 0;

    while (len < rest.len && is_name_char(rest.ptr[len], len == 0)) {
        len++;
    }
    ret->name = str_slice(rest, 0, len);
    rest = str_trim(str_from_index(rest, len));
    if (len == 0 || !take_operator(&rest, &ret->op)) {
        return error_set(err, BARO_EPARSE, "bad matcher format: %.*s", STR_ARG(text));
    }
    return classic_value(arena, str_trim(rest), &ret->value, err);
}

/* The bytes up to the next comma outside of quotes. A backslash hides a quote, but no comma; what
 * it does to the next character outlives the comma, as in Alertmanager. */
static size_t classic_size(str rest, bool *is_escaped)
{
    bool is_quoted = false;
    size_t i = 0;

    for (; i < rest.len && (is_quoted || rest.ptr[i] != ','); i++) {
        char c = rest.ptr[i];

        if (c == '"' && !*is_escaped) {
            is_quoted = !is_quoted;
        } else if (c != ',') {
            *is_escaped = c == '\\' && !*is_escaped;
        }
    }
    return i;
}

static int parse_classic(struct arena *arena, str text, drafts *ret, struct baro_error *err)
{
    str rest = text;
    str trimmed;
    bool is_escaped = false;

    if (rest.len > 0 && rest.ptr[0] == '{') {
        rest = str_from_index(rest, 1);
    }
    if (rest.len > 0 && rest.ptr[rest.len - 1] == '}') {
        rest.len--;
    }
    trimmed = white_space_trim(rest);
    rest.len = trimmed.len > 0 ? (size_t)(trimmed.ptr - rest.ptr) + trimmed.len : 0;
    while (rest.len > 0) {
        struct draft draft = {0};
        size_t size = classic_size(rest, &is_escaped);
        str one = str_slice(rest, 0, size);
        /* Only what follows the last comma may have spaces of Unicode around it. */
        int r = classic_draft(arena, size < rest.len ? one : white_space_trim(one), &draft, err);

        if (r < 0) {
            return r;
        }
        if (ret->count >= AM_MATCHERS_MAX) {
            return error_set(err, BARO_ELIMIT, "more than %d matchers in one list",
                             AM_MATCHERS_MAX);
        }
        vec_push(ret, draft);
        rest = str_from_index(rest, size + 1);
    }
    return 0;
}

/* ---- Lists ---- */

static bool is_regex(enum matcher_op op)
{
    return op == MATCHER_REGEX || op == MATCHER_NOT_REGEX;
}

/* Alertmanager's expressions let '.' match all but a line feed; ours match everything unless told.
 */
static str pattern_of(struct arena *arena, enum matcher_op op, str value)
{
    return is_regex(op) && str_index_char(value, '.') != SIZE_MAX
               ? arena_printf(arena, "(?-s:%.*s)", STR_ARG(value))
               : value;
}

/* What is in (?-s:...) must be an expression of its own; messages show it as Alertmanager has it.
 */
static int check_regex(struct arena *arena, enum matcher_op op, str value, struct baro_error *err)
{
    struct regex *regex = NULL;
    int r = is_regex(op)
                ? regex_new(arena_printf(arena, "^(?:%.*s)$", STR_ARG(value)), false, &regex, err)
                : 0;

    regex = regex_free(regex);
    return r;
}

int am_matchers_add(am_matchers *matchers, struct arena *arena, enum matcher_op op, str name,
                    str value, struct baro_error *err)
{
    struct am_matcher matcher = {.op = op, .name = name, .value = value};
    int r;

    if (matchers->count >= AM_MATCHERS_MAX || value.len > AM_MATCHER_BYTES_MAX - 16) {
        return error_set(err, BARO_ELIMIT, "more than %d matchers in one list, or a value too long",
                         AM_MATCHERS_MAX);
    }
    r = check_regex(arena, op, value, err);
    if (r < 0) {
        return r;
    }
    r = matcher_init(&matcher.compiled, op, name, pattern_of(arena, op, value), err);
    if (r < 0) {
        return r;
    }
    vec_push(matchers, matcher);
    return 0;
}

static int add_drafts(struct arena *arena, const drafts *list, am_matchers *matchers,
                      struct baro_error *err)
{
    size_t before = matchers->count;
    int r = 0;

    for (size_t i = 0; i < list->count && r >= 0; i++) {
        const struct draft *draft = &list->items[i];

        r = am_matchers_add(matchers, arena, draft->op, draft->name, draft->value, err);
    }
    while (r < 0 && matchers->count > before) {
        matcher_done(&matchers->items[--matchers->count].compiled);
    }
    return r;
}

int am_matchers_parse(struct arena *arena, str text, am_matchers *matchers, struct baro_error *err)
{
    drafts utf8 = {0};
    drafts classic = {0};
    struct baro_error of_utf8 = {0};
    bool utf8_good;
    int r;

    if (text.len > AM_MATCHER_BYTES_MAX) {
        return error_set(err, BARO_ELIMIT, "a matcher of %zu bytes; %d at most", text.len,
                         AM_MATCHER_BYTES_MAX);
    }
    utf8_good = parse_utf8(arena, text, &utf8);
    r = parse_classic(arena, text, &classic, err);
    r = r >= 0 ? add_drafts(arena, &classic, matchers, err) : r;
    /* Where both are good, the classic one counts, whether they agree or not; its fault is told. */
    if (r < 0 && utf8_good && add_drafts(arena, &utf8, matchers, &of_utf8) >= 0) {
        r = 0;
    }
    vec_done(&utf8);
    vec_done(&classic);
    return r;
}

void am_matchers_done(am_matchers *matchers)
{
    for (size_t i = 0; i < matchers->count; i++) {
        matcher_done(&matchers->items[i].compiled);
    }
    vec_done(matchers);
}

static int matcher_cmp(const void *a, const void *b)
{
    const struct am_matcher *x = a;
    const struct am_matcher *y = b;
    /* Alertmanager's order of operators. */
    static const int ranks[] = {
        [MATCHER_EQUAL] = 0, [MATCHER_NOT_EQUAL] = 1, [MATCHER_REGEX] = 2, [MATCHER_NOT_REGEX] = 3};
    int order = str_cmp(x->name, y->name);

    order = order != 0 ? order : str_cmp(x->value, y->value);
    return order != 0 ? order : ranks[x->op] - ranks[y->op];
}

void am_matchers_sort(am_matchers *matchers)
{
    if (matchers->count > 1) {
        qsort(matchers->items, matchers->count, sizeof(*matchers->items), matcher_cmp);
    }
}

bool am_matchers_match(const am_matchers *matchers, struct labels labels)
{
    for (size_t i = 0; i < matchers->count; i++) {
        str value = labels_get(labels, matchers->items[i].name);

        if (!matcher_matches(&matchers->items[i].compiled, value.ptr != NULL ? value : STR(""))) {
            return false;
        }
    }
    return true;
}

/* Only what OpenMetrics escapes. */
static void format_value(struct buf *buf, str value)
{
    buf_char(buf, '"');
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];

        if (c == '\n' || c == '"' || c == '\\') {
            buf_char(buf, '\\');
            c = c == '\n' ? 'n' : c;
        }
        buf_char(buf, c);
    }
    buf_char(buf, '"');
}

static bool needs_quotes(str name)
{
    bool reserved = false;

    for (size_t i = 0; i < name.len; i++) {
        reserved |= reserved_len(str_from_index(name, i)) > 0;
    }
    return reserved;
}

void am_matchers_format(struct buf *buf, const am_matchers *matchers)
{
    buf_char(buf, '{');
    for (size_t i = 0; i < matchers->count; i++) {
        const struct am_matcher *matcher = &matchers->items[i];
        bool quotes = needs_quotes(matcher->name);

        buf_c(buf, i > 0 ? "," : "");
        if (quotes) {
            buf_quoted(buf, matcher->name);
        } else {
            buf_str(buf, matcher->name);
        }
        buf_c(buf, operator_text(matcher->op));
        if (quotes) {
            buf_quoted(buf, matcher->value);
        } else {
            format_value(buf, matcher->value);
        }
    }
    buf_char(buf, '}');
}
