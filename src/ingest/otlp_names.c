#include "ingest/otlp_names.h"

#include "base/attr.h"
#include "base/buf.h"
#include "base/text.h"
#include "base/vec.h"

/* Codes of UCUM, as far as they have a word. */
static const struct {
    const char *code;
    const char *word;
} units[] =
    {
        {"%", "percent"},       {"1", ""},
        {"A", "amperes"},       {"By", "bytes"},
        {"Cel", "celsius"},     {"GBy", "gigabytes"},
        {"GiBy", "gibibytes"},  {"Hz", "hertz"},
        {"J", "joules"},        {"KBy", "kilobytes"},
        {"KiBy", "kibibytes"},  {"MBy", "megabytes"},
        {"MiBy", "mebibytes"},  {"TBy", "terabytes"},
        {"TiBy", "tebibytes"},  {"V", "volts"},
        {"W", "watts"},         {"d", "days"},
        {"g", "grams"},         {"h", "hours"},
        {"m", "meters"},        {"min", "minutes"},
        {"ms", "milliseconds"}, {"ns", "nanoseconds"},
        {"s", "seconds"},       {"us", "microseconds"},
},
  per_units[] = {
      {"d", "day"},    {"h", "hour"}, {"m", "minute"}, {"mo", "month"},
      {"s", "second"}, {"w", "week"}, {"y", "year"},
};

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_metric_char(char c)
{
    return is_alnum(c) || c == ':';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_underscores(str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '_') {
            return false;
        }
    }
    return true;
}

/* How many bytes a code point takes; bytes that are none count one each. */
static size_t rune_size(str text)
{
    uint32_t rune = 0;
    const size_t size = utf8_decode(text, &rune);

    return size > 0 ? size : 1;
}

/* ---- units ---- */

static bool is_annotation(str unit)
{
    return str_index_char(unit, '{') != SIZE_MAX || str_index_char(unit, '}') != SIZE_MAX;
}

static str main_unit(str unit)
{
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        if (str_is(unit, units[i].code)) {
            return str_from(units[i].word);
        }
    }
    return unit;
}

static str per_unit(str unit)
{
    for (size_t i = 0; i < ARRAY_COUNT(per_units); i++) {
        if (str_is(unit, per_units[i].code)) {
            return str_from(per_units[i].word);
        }
    }
    return unit;
}

/* "By/s": "bytes" and "per_second"; annotations in braces are no units. */
static void split_unit(struct arena *arena, str unit, str *ret_main, str *ret_per)
{
    const size_t slash = str_index_char(unit, '/');
    str first = str_trim(str_slice(unit, 0, slash));
    str second = slash != SIZE_MAX ? str_trim(str_from_index(unit, slash + 1)) : STR("");

    *ret_main = is_annotation(first) ? STR("") : main_unit(first);
    second = is_annotation(second) ? STR("") : per_unit(second);
    *ret_per = second.len > 0 ? arena_printf(arena, "per_%.*s", STR_ARG(second)) : STR("");
}

/* Other characters become underscores, several of which become one; one in front goes. */
static str clean_unit(struct arena *arena, str unit)
{
    struct buf out = {0};
    str result;

    for (size_t i = 0; i < unit.len; i += rune_size(str_from_index(unit, i))) {
        if (is_metric_char(unit.ptr[i])) {
            buf_char(&out, unit.ptr[i]);
        } else if (out.len == 0 || out.ptr[out.len - 1] != '_') {
            buf_char(&out, '_');
        }
    }
    result = text_take(arena, &out);
    return str_has_prefix(result, STR("_")) ? str_from_index(result, 1) : result;
}

static str trim_last_underscore(str text)
{
    return str_has_suffix(text, STR("_")) ? str_slice(text, 0, text.len - 1) : text;
}

str otlp_unit_name(struct arena *arena, str unit, bool allows_utf8)
{
    str main = STR(""), per = STR(""), name;

    split_unit(arena, unit, &main, &per);
    if (!allows_utf8) {
        main = clean_unit(arena, main);
        per = clean_unit(arena, per);
    }
    name = main.len == 0  ? per
           : per.len == 0 ? main
                          : arena_printf(arena, "%.*s_%.*s", STR_ARG(main), STR_ARG(per));
    name = str_has_prefix(name, STR("_")) ? str_from_index(name, 1) : name;
    return trim_last_underscore(name);
}

/* ---- metrics ---- */

typedef VEC(str) tokens;

static bool has_token(const tokens *list, str token)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_eq(list->items[i], token)) {
            return true;
        }
    }
    return false;
}

/* The token stands at the end, and nowhere else. */
static void move_to_end(tokens *list, str token)
{
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (!str_eq(list->items[i], token)) {
            list->items[count++] = list->items[i];
        }
    }
    list->count = count;
    vec_push(list, token);
}

static void split_name(str name, tokens *ret)
{
    size_t begin = 0;

    for (size_t i = 0; i <= name.len; i++) {
        if (i == name.len || !is_metric_char(name.ptr[i])) {
            if (i > begin) {
                vec_push(ret, str_slice(name, begin, i));
            }
            begin = i + 1;
        }
    }
}

static void add_units(struct arena *arena, str unit, tokens *list)
{
    str main = STR(""), per = STR("");

    split_unit(arena, unit, &main, &per);
    main = clean_unit(arena, main);
    per = clean_unit(arena, per);
    main = has_token(list, main) ? STR("") : main;
    per = trim_last_underscore(per);
    per = str_is(per, "per") || has_token(list, per) ? STR("") : per;
    main = per.len > 0 ? trim_last_underscore(main) : main;
    if (main.len > 0) {
        vec_push(list, main);
    }
    if (per.len > 0) {
        vec_push(list, per);
    }
}

static str join_tokens(struct arena *arena, const tokens *list)
{
    struct buf out = {0};

    if (list->count > 0 && is_digit(list->items[0].ptr[0])) {
        buf_char(&out, '_');
    }
    for (size_t i = 0; i < list->count; i++) {
        buf_c(&out, i > 0 ? "_" : "");
        buf_str(&out, list->items[i]);
    }
    return text_take(arena, &out);
}

static str name_with_suffixes(struct arena *arena, str name, str unit, enum otlp_type type)
{
    tokens list = {0};
    str result;

    split_name(name, &list);
    add_units(arena, unit, &list);
    if (type == OTLP_COUNTER) {
        move_to_end(&list, STR("total"));
    }
    if (str_is(unit, "1") && type == OTLP_GAUGE) {
        move_to_end(&list, STR("ratio"));
    }
    result = join_tokens(arena, &list);
    vec_done(&list);
    return result;
}

/* Runs of characters that cannot stand there become one underscore; underscores stay. */
static str name_without_suffixes(struct arena *arena, str name)
{
    struct buf out = {0};
    bool has_gap = false;

    for (size_t i = 0; i < name.len; i++) {
        const char c = name.ptr[i];

        if (!is_metric_char(c) && c != '_') {
            has_gap = out.len > 0;
            continue;
        }
        if (has_gap || (out.len == 0 && is_digit(c))) {
            buf_char(&out, '_');
        }
        has_gap = false;
        buf_char(&out, c);
    }
    return text_take(arena, &out);
}

static str cut_suffix(str name, str suffix)
{
    return str_has_suffix(name, suffix) && name.len > suffix.len + 1
               ? str_slice(name, 0, name.len - suffix.len - 1)
               : name;
}

/* Suffixes are moved behind the unit, or added there. */
static str utf8_name(struct arena *arena, str name, str unit, enum otlp_type type)
{
    const bool is_ratio = str_is(unit, "1") && type == OTLP_GAUGE;
    str main = STR(""), per = STR("");
    struct buf out = {0};

    name = is_ratio ? cut_suffix(name, STR("ratio")) : name;
    name = type == OTLP_COUNTER ? cut_suffix(name, STR("total")) : name;
    split_unit(arena, unit, &main, &per);
    name = per.len > 0 ? cut_suffix(name, per) : name;
    buf_str(&out, name);
    if (main.len > 0 && !str_has_suffix(name, main)) {
        buf_char(&out, '_');
        buf_str(&out, main);
    }
    if (per.len > 0) {
        buf_char(&out, '_');
        buf_str(&out, per);
    }
    buf_c(&out, type == OTLP_COUNTER ? "_total" : "");
    buf_c(&out, is_ratio ? "_ratio" : "");
    return text_take(arena, &out);
}

str otlp_metric_name(struct arena *arena, const struct otlp_naming *naming, str name, str unit,
                     enum otlp_type type)
{
    str result;

    if (naming->allows_utf8) {
        result = naming->adds_suffixes ? utf8_name(arena, name, unit, type) : name;
        return result.len > 0 ? result : STR_NULL;
    }
    result = naming->adds_suffixes ? name_with_suffixes(arena, name, unit, type)
                                   : name_without_suffixes(arena, name);
    return result.len == 0 || (is_underscores(result) && !str_eq(result, name)) ? STR_NULL : result;
}

/* ---- labels ---- */

static bool is_reserved(str name)
{
    return name.len >= 4 && str_has_prefix(name, STR("__")) && str_has_suffix(name, STR("__"));
}

static void put_sanitized(struct buf *out, str name, bool keeps_underscores)
{
    bool was_underscore = false;

    for (size_t i = 0; i < name.len; i += rune_size(str_from_index(name, i))) {
        if (is_alnum(name.ptr[i])) {
            buf_char(out, name.ptr[i]);
            was_underscore = false;
        } else if (keeps_underscores || !was_underscore) {
            buf_char(out, '_');
            was_underscore = true;
        }
    }
}

str otlp_label_name(struct arena *arena, const struct otlp_naming *naming, str name)
{
    const bool wraps = !naming->keeps_underscores && is_reserved(name);
    struct buf out = {0};
    str clean;

    if (name.len == 0 || (naming->allows_utf8 && is_underscores(name))) {
        return STR_NULL;
    }
    if (naming->allows_utf8) {
        return name;
    }
    buf_c(&out, wraps ? "__" : "");
    put_sanitized(&out, wraps ? str_slice(name, 2, name.len - 2) : name, naming->keeps_underscores);
    buf_c(&out, wraps ? "__" : "");
    clean = text_take(arena, &out);
    if (is_digit(clean.ptr[0])) {
        return arena_printf(arena, "key_%.*s", STR_ARG(clean));
    }
    if (naming->sanitizes_underscore && clean.ptr[0] == '_' && !str_has_prefix(clean, STR("__"))) {
        clean = arena_printf(arena, "key%.*s", STR_ARG(clean));
    }
    return is_underscores(clean) ? STR_NULL : clean;
}
