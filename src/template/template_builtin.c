/* Go's predefined functions. Reference: text/template, funcs.go. */
#include <string.h>

#include "codec/url_escape.h"
#include "base/text.h"
#include "template/template_priv.h"

static int result_string(const struct template_call *call, struct buf *buf, struct tvalue *ret,
                         struct baro_error *err)
{
    bool failed = buf->failed;

    *ret = tvalue_string(failed ? STR("") : arena_str(call->arena, buf_view(buf)));
    buf_done(buf);
    return failed ? error_set(err, BARO_ELIMIT, "the result is too long") : 0;
}

/* ---- Text ---- */

void template_print_all(struct buf *buf, const struct tvalue *args, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && args[i].kind != TVALUE_STRING && args[i - 1].kind != TVALUE_STRING) {
            buf_char(buf, ' ');
        }
        if (args[i].kind == TVALUE_NONE) {
            buf_c(buf, "<nil>");
        } else {
            tvalue_print(buf, &args[i]);
        }
    }
}

static int call_print(const struct template_call *call, struct tvalue *ret, struct baro_error *err)
{
    struct buf buf = {.limit = TEMPLATE_OUTPUT_MAX};

    template_print_all(&buf, call->args, call->count);
    return result_string(call, &buf, ret, err);
}

static int call_println(const struct template_call *call, struct tvalue *ret,
                        struct baro_error *err)
{
    struct buf buf = {.limit = TEMPLATE_OUTPUT_MAX};

    for (size_t i = 0; i < call->count; i++) {
        buf_c(&buf, i > 0 ? " " : "");
        template_print_all(&buf, &call->args[i], 1);
    }
    buf_char(&buf, '\n');
    return result_string(call, &buf, ret, err);
}

static int call_printf(const struct template_call *call, struct tvalue *ret, struct baro_error *err)
{
    struct buf buf = {.limit = TEMPLATE_OUTPUT_MAX};

    template_format(&buf, call->args[0].string, call->args + 1, call->count - 1);
    return result_string(call, &buf, ret, err);
}

/* The text that the escapers work on: one string as it is, anything else as print makes it. Where
 * that is too long, `out` has failed. */
static str text_of_args(const struct template_call *call, struct buf *out)
{
    struct buf buf = {.limit = TEMPLATE_OUTPUT_MAX};

    if (call->count == 1 && call->args[0].kind == TVALUE_STRING) {
        return call->args[0].string;
    }
    template_print_all(&buf, call->args, call->count);
    out->failed |= buf.failed;
    return text_take(call->arena, &buf);
}

static int call_html(const struct template_call *call, struct tvalue *ret, struct baro_error *err)
{
    struct buf buf = {.limit = TEMPLATE_OUTPUT_MAX};
    str text = text_of_args(call, &buf);

    for (size_t i = 0; i < text.len; i++) {
        switch (text.ptr[i]) {
        case '"':
            buf_c(&buf, "&#34;");
            break;
        case '\'':
            buf_c(&buf, "&#39;");
            break;
        case '&':
            buf_c(&buf, "&amp;");
            break;
        case '<':
            buf_c(&buf, "&lt;");
            break;
        case '>':
            buf_c(&buf, "&gt;");
            break;
        case '\0':
            buf_c(&buf, "\xEF\xBF\xBD");
            break;
        default:
            buf_char(&buf, text.ptr[i]);
        }
    }
    return result_string(call, &buf, ret, err);
}

static int call_js(const struct template_call *call, struct tvalue *ret, struct baro_error *err)
{
    struct buf buf = {.limit = TEMPLATE_OUTPUT_MAX};
    str text = text_of_args(call, &buf);

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '\\' || c == '\'' || c == '"') {
            buf_char(&buf, '\\');
            buf_char(&buf, c);
        } else if (c == '<' || c == '>' || c == '&' || c == '=' || (unsigned char)c < 0x20) {
            buf_printf(&buf, "\\u%04X", (unsigned)(unsigned char)c);
        } else if (str_has_prefix(str_from_index(text, i), STR("\xE2\x80\xA8")) ||
                   str_has_prefix(str_from_index(text, i), STR("\xE2\x80\xA9"))) {
            buf_c(&buf, text.ptr[i + 2] == '\xA8' ? "\\u2028" : "\\u2029");
            i += 2;
        } else {
            buf_char(&buf, c);
        }
    }
    return result_string(call, &buf, ret, err);
}

static int call_urlquery(const struct template_call *call, struct tvalue *ret,
                         struct baro_error *err)
{
    struct buf buf = {.limit = TEMPLATE_OUTPUT_MAX};

    url_query_escape(&buf, text_of_args(call, &buf));
    return result_string(call, &buf, ret, err);
}

/* ---- Comparison ---- */

static bool is_basic(enum tvalue_kind kind)
{
    return kind == TVALUE_BOOL || kind == TVALUE_INT || kind == TVALUE_FLOAT ||
           kind == TVALUE_STRING;
}

static bool is_nothing(const struct tvalue *value)
{
    return value->kind == TVALUE_NIL || value->kind == TVALUE_NONE;
}

static int incomparable(const struct tvalue *value, struct baro_error *err)
{
    struct buf shown = {.limit = TEMPLATE_SHOWN_MAX};
    int result;

    tvalue_print(&shown, value);
    result = error_set(err, BARO_EEXEC, "non-comparable type %.*s: %s", STR_ARG(buf_view(&shown)),
                       tvalue_type_name(value));
    buf_done(&shown);
    return result;
}

/* 1 equal, 0 not, or a negative code. */
static int equal(const struct tvalue *a, const struct tvalue *b, struct baro_error *err)
{
    if (is_nothing(a) || is_nothing(b)) {
        return is_nothing(a) && is_nothing(b);
    }
    if (!is_basic(a->kind) || !is_basic(b->kind)) {
        return incomparable(is_basic(a->kind) ? b : a, err);
    }
    if (a->kind != b->kind) {
        return error_set(err, BARO_EEXEC, "incompatible types for comparison: %s and %s",
                         tvalue_type_name(a), tvalue_type_name(b));
    }
    return a->kind == TVALUE_BOOL    ? a->boolean == b->boolean
           : a->kind == TVALUE_INT   ? a->integer == b->integer
           : a->kind == TVALUE_FLOAT ? a->number == b->number
                                     : str_eq(a->string, b->string);
}

static int call_eq(const struct template_call *call, struct tvalue *ret, struct baro_error *err)
{
    int result = 0;

    if (call->count == 1) {
        return error_set(err, BARO_EEXEC, "missing argument for comparison");
    }
    for (size_t i = 1; i < call->count && result == 0; i++) {
        result = equal(&call->args[0], &call->args[i], err);
    }
    *ret = tvalue_bool(result > 0);
    return result < 0 ? result : 0;
}

static int call_ne(const struct template_call *call, struct tvalue *ret, struct baro_error *err)
{
    int result = equal(&call->args[0], &call->args[1], err);

    *ret = tvalue_bool(result == 0);
    return result < 0 ? result : 0;
}

/* Whether args[a] < args[b]: 1, 0, or a negative code. */
static int less(const struct template_call *call, size_t a, size_t b, struct baro_error *err)
{
    const struct tvalue *left = &call->args[a];
    const struct tvalue *right = &call->args[b];

    if (!is_basic(left->kind) || !is_basic(right->kind)) {
        return error_set(err, BARO_EEXEC, "invalid type for comparison: %s",
                         tvalue_type_name(is_basic(left->kind) ? right : left));
    }
    if (left->kind != right->kind) {
        return error_set(err, BARO_EEXEC, "incompatible types for comparison: %s and %s",
                         tvalue_type_name(left), tvalue_type_name(right));
    }
    if (left->kind == TVALUE_BOOL) {
        return error_set(err, BARO_EEXEC, "invalid type for comparison: bool");
    }
    return left->kind == TVALUE_INT     ? left->integer < right->integer
           : left->kind == TVALUE_FLOAT ? left->number < right->number
                                        : str_cmp(left->string, right->string) < 0;
}

static int call_lt(const struct template_call *call, struct tvalue *ret, struct baro_error *err)
{
    int result = less(call, 0, 1, err);

    *ret = tvalue_bool(result > 0);
    return result < 0 ? result : 0;
}

static int call_le(const struct template_call *call, struct tvalue *ret, struct baro_error *err)
{
    int is_less = less(call, 0, 1, err);
    int is_equal = is_less == 0 ? equal(&call->args[0], &call->args[1], err) : 0;

    *ret = tvalue_bool(is_less > 0 || is_equal > 0);
    return is_less < 0 ? is_less : is_equal < 0 ? is_equal : 0;
}

/* Go defines these two by the former: x > y is !(x <= y). */
static int call_gt(const struct template_call *call, struct tvalue *ret, struct baro_error *err)
{
    int result = call_le(call, ret, err);

    ret->boolean = !ret->boolean;
    return result;
}

static int call_ge(const struct template_call *call, struct tvalue *ret, struct baro_error *err)
{
    int result = call_lt(call, ret, err);

    ret->boolean = !ret->boolean;
    return result;
}

static int call_not(const struct template_call *call, struct tvalue *ret, struct baro_error *err)
{
    (void)err;
    *ret = tvalue_bool(!tvalue_is_true(&call->args[0]));
    return 0;
}

/* ---- Lists and maps ---- */

static int call_len(const struct template_call *call, struct tvalue *ret, struct baro_error *err)
{
    const struct tvalue *value = &call->args[0];

    if (is_nothing(value)) {
        return error_set(err, BARO_EEXEC, "len of nil pointer");
    }
    if (value->kind != TVALUE_STRING && value->kind != TVALUE_LIST && value->kind != TVALUE_MAP) {
        return error_set(err, BARO_EEXEC, "len of type %s", tvalue_type_name(value));
    }
    *ret = tvalue_int((int64_t)(value->kind == TVALUE_STRING ? value->string.len
                                : value->kind == TVALUE_LIST ? value->list->count
                                                             : value->map->count));
    return 0;
}

/* An index into something of `size` items; `size` itself is allowed for slices. */
static int check_index(const struct tvalue *index, size_t size, struct baro_error *err)
{
    if (is_nothing(index)) {
        return error_set(err, BARO_EEXEC, "cannot index slice/array with nil");
    }
    if (index->kind != TVALUE_INT) {
        return error_set(err, BARO_EEXEC, "cannot index slice/array with type %s",
                         tvalue_type_name(index));
    }
    if (index->integer < 0 || (uint64_t)index->integer >= size) {
        return error_set(err, BARO_EEXEC, "index out of range: %lld", (long long)index->integer);
    }
    return 0;
}

static int index_one(const struct tvalue *item, const struct tvalue *index, struct tvalue *ret,
                     struct baro_error *err)
{
    int result;

    switch (item->kind) {
    case TVALUE_MAP:
        if (index->kind != TVALUE_STRING) {
            return error_set(err, BARO_EEXEC, "value has type %s; should be string",
                             tvalue_type_name(index));
        }
        *ret = tvalue_map_get(item->map, index->string, NULL);
        return 0;
    case TVALUE_LIST:
        result = check_index(index, item->list->count, err);
        *ret = result == 0 ? item->list->items[index->integer] : tvalue_none();
        return result;
    case TVALUE_STRING:
        result = check_index(index, item->string.len, err);
        *ret = result == 0 ? tvalue_int((unsigned char)item->string.ptr[index->integer])
                           : tvalue_none();
        return result;
    case TVALUE_NONE:
    case TVALUE_NIL:
        return error_set(err, BARO_EEXEC, "index of untyped nil");
    case TVALUE_BOOL:
    case TVALUE_INT:
    case TVALUE_FLOAT:
    case TVALUE_STRUCT:
    case TVALUE_KIND_COUNT:
        break;
    }
    return error_set(err, BARO_EEXEC, "can't index item of type %s", tvalue_type_name(item));
}

static int call_index(const struct template_call *call, struct tvalue *ret, struct baro_error *err)
{
    struct tvalue item = call->args[0];
    int result = 0;

    for (size_t i = 1; i < call->count && result == 0; i++) {
        struct tvalue got = tvalue_none();

        result = index_one(&item, &call->args[i], &got, err);
        item = got;
    }
    *ret = item;
    return result;
}

static int call_slice(const struct template_call *call, struct tvalue *ret, struct baro_error *err)
{
    const struct tvalue *item = &call->args[0];
    size_t size = item->kind == TVALUE_STRING ? item->string.len
                  : item->kind == TVALUE_LIST ? item->list->count
                                              : 0;
    size_t bounds[3] = {0, size, size};
    struct tvalue_list *list;

    if (item->kind != TVALUE_STRING && item->kind != TVALUE_LIST) {
        return error_set(err, BARO_EEXEC, "can't slice item of type %s", tvalue_type_name(item));
    }
    if (call->count > 4) {
        return error_set(err, BARO_EEXEC, "too many slice indexes: %zu", call->count - 1);
    }
    if (call->count > 3 && item->kind == TVALUE_STRING) {
        return error_set(err, BARO_EEXEC, "cannot 3-index slice a string");
    }
    for (size_t i = 1; i < call->count; i++) {
        int result = check_index(&call->args[i], size + 1, err);

        if (result != 0) {
            return result;
        }
        bounds[i - 1] = (size_t)call->args[i].integer;
    }
    if (bounds[0] > bounds[1]) {
        return error_set(err, BARO_EEXEC, "invalid slice index: %zu > %zu", bounds[0], bounds[1]);
    }
    if (call->count > 3 && bounds[1] > bounds[2]) {
        return error_set(err, BARO_EEXEC, "invalid slice index: %zu > %zu", bounds[1], bounds[2]);
    }
    if (item->kind == TVALUE_STRING) {
        *ret = tvalue_string(str_slice(item->string, bounds[0], bounds[1]));
        return 0;
    }
    list = ARENA_NEW(call->arena, struct tvalue_list);
    *list = (struct tvalue_list){.items = item->list->items + bounds[0],
                                 .count = bounds[1] - bounds[0],
                                 .item_type = item->list->item_type};
    *ret = *item;
    ret->list = list;
    return 0;
}

/* Values are no functions here: {{call}} is known so that its message is Go's. */
static int call_call(const struct template_call *call, struct tvalue *ret, struct baro_error *err)
{
    (void)ret;
    if (is_nothing(&call->args[0])) {
        return error_set(err, BARO_EEXEC, "call of nil");
    }
    return error_set(err, BARO_EEXEC, "non-function of type %s", tvalue_type_name(&call->args[0]));
}

/* Sorted by name. Those without a function are evaluated by the interpreter. */
const struct template_function_row template_builtins[] = {
    {"and", "vv*", NULL},
    {"call", "vv*", call_call},
    {"eq", "vv*", call_eq},
    {"ge", "vv", call_ge},
    {"gt", "vv", call_gt},
    {"html", "v*", call_html},
    {"index", "vv*", call_index},
    {"js", "v*", call_js},
    {"le", "vv", call_le},
    {"len", "v", call_len},
    {"lt", "vv", call_lt},
    {"ne", "vv", call_ne},
    {"not", "v", call_not},
    {"or", "vv*", NULL},
    {"print", "v*", call_print},
    {"printf", "sv*", call_printf},
    {"println", "v*", call_println},
    {"slice", "vv*", call_slice},
    {"urlquery", "v*", call_urlquery},
};
const size_t template_builtin_count = ARRAY_COUNT(template_builtins);
