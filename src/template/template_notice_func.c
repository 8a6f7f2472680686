/* The functions of notification templates. Reference: Alertmanager 0.34, template/template.go. */
#include "base/map.h"
#include "codec/base64.h"
#include "codec/white_space.h"
#include "template/html_filter.h"
#include "template/template_case.h"
#include "template/template_json.h"
#include "template/template_notice_priv.h"
#include "template/template_priv.h"
#include "template/template_time.h"

#define FUNCTION(name)                                                                             \
    static int name(const struct template_call *call, struct tvalue *ret,                          \
                    UNUSED struct baro_error *err)

static const struct template_notice *notice_of(const struct template_call *call)
{
    return call->context;
}

static int result(const struct template_call *call, struct buf *text, struct tvalue *ret,
                  struct baro_error *err)
{
    bool failed = text->failed;

    *ret = tvalue_string(arena_str(call->arena, failed ? STR("") : buf_view(text)));
    buf_done(text);
    return failed ? error_set(err, BARO_ELIMIT, "the result is too long") : 0;
}

static int wrong_type(const char *want, const struct tvalue *got, struct baro_error *err)
{
    return error_set(err, BARO_EEXEC, "wrong type for value; expected %s; got %s", want,
                     tvalue_type_name(got));
}

bool template_is_strings(const struct tvalue *value)
{
    str name = str_from(tvalue_type_name(value));

    return value->kind == TVALUE_LIST &&
           (str_is(name, "[]string") || str_is(name, "template.Strings"));
}

/* ---- Text ---- */

FUNCTION(call_upper)
{
    struct buf text = {.limit = TEMPLATE_OUTPUT_MAX};

    template_upper(&text, call->args[0].string);
    return result(call, &text, ret, err);
}

FUNCTION(call_lower)
{
    struct buf text = {.limit = TEMPLATE_OUTPUT_MAX};

    template_lower(&text, call->args[0].string);
    return result(call, &text, ret, err);
}

FUNCTION(call_title)
{
    struct buf text = {.limit = TEMPLATE_OUTPUT_MAX};

    template_title(&text, call->args[0].string);
    return result(call, &text, ret, err);
}

FUNCTION(call_trim_space)
{
    *ret = tvalue_string(white_space_trim(call->args[0].string));
    return 0;
}

FUNCTION(call_join)
{
    struct buf text = {.limit = TEMPLATE_OUTPUT_MAX};

    if (!template_is_strings(&call->args[1])) {
        return wrong_type("[]string", &call->args[1], err);
    }
    template_join(&text, call->args[0].string, call->args[1].list);
    return result(call, &text, ret, err);
}

FUNCTION(call_string_slice)
{
    *ret = tvalue_list_of(call->arena, call->args, call->count);
    ((struct tvalue_list *)(uintptr_t)ret->list)->item_type = "[]string";
    return 0;
}

FUNCTION(call_safe_html)
{
    *ret = call->args[0];
    ret->type = &html_type;
    return 0;
}

FUNCTION(call_safe_url)
{
    *ret = call->args[0];
    ret->type = &html_url_type;
    return 0;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

FUNCTION(call_url_unescape)
{
    str text = call->args[0].string;
    struct buf out = {.limit = TEMPLATE_OUTPUT_MAX};

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '%') {
            buf_char(&out, text.ptr[i] == '+' ? ' ' : text.ptr[i]);
            continue;
        }
        if (i + 2 >= text.len || hex_value(text.ptr[i + 1]) < 0 || hex_value(text.ptr[i + 2]) < 0) {
            buf_done(&out);
            return error_set(err, BARO_EEXEC, "invalid URL escape \"%.*s\"",
                             STR_ARG(str_slice(text, i, i + 3)));
        }
        buf_char(&out, (char)(hex_value(text.ptr[i + 1]) << 4 | hex_value(text.ptr[i + 2])));
        i += 2;
    }
    return result(call, &out, ret, err);
}

FUNCTION(call_base64_encode)
{
    struct buf out = {.limit = TEMPLATE_OUTPUT_MAX};

    base64_encode(&out, call->args[0].string, true);
    return result(call, &out, ret, err);
}

FUNCTION(call_base64_decode)
{
    struct buf out = {.limit = TEMPLATE_OUTPUT_MAX};
    size_t bad = 0;

    if (!base64_decode(&out, call->args[0].string, true, &bad)) {
        buf_done(&out);
        return error_set(err, BARO_EEXEC, "illegal base64 data at input byte %zu", bad);
    }
    return result(call, &out, ret, err);
}

FUNCTION(call_to_json)
{
    struct buf out = {.limit = TEMPLATE_OUTPUT_MAX};

    template_json(&out, &call->args[0]);
    return result(call, &out, ret, err);
}

/* What the function routeLabels knows while the labels themselves are rendered: each is rendered
 * once, and one that asks for itself is told so. */
enum { ROUTE_LABELS_DEEP = 32 };

struct template_notice_resolver {
    const struct template_set *set;
    struct tvalue data;
    struct arena *arena;
    str *values;                     /* by the label's place; ptr NULL = not rendered yet */
    size_t stack[ROUTE_LABELS_DEEP]; /* those that are being rendered */
    size_t depth;
};

static int fail_cycle(const struct template_notice *notice, size_t again, struct baro_error *err)
{
    const struct template_notice_resolver *resolver = notice->resolver;
    struct buf names = {0};
    int result;

    for (size_t i = 0; i < resolver->depth; i++) {
        buf_str(&names, notice->route_labels.items[resolver->stack[i]].name);
        buf_c(&names, " -> ");
    }
    result = error_set(err, BARO_EINVALID, "route label cycle detected: %.*s%.*s",
                       STR_ARG(buf_view(&names)), STR_ARG(notice->route_labels.items[again].name));
    buf_done(&names);
    return result;
}

static int resolve(const struct template_notice *notice, size_t index, str *ret,
                   struct baro_error *err)
{
    struct template_notice_resolver *resolver = notice->resolver;
    struct buf out = {.limit = TEMPLATE_OUTPUT_MAX};
    int result;

    for (size_t i = 0; i < resolver->depth; i++) {
        if (resolver->stack[i] == index) {
            return fail_cycle(notice, index, err);
        }
    }
    if (resolver->depth == ROUTE_LABELS_DEEP) {
        return error_set(err, BARO_ELIMIT, "route labels ask for each other more than %d deep",
                         ROUTE_LABELS_DEEP);
    }
    if (resolver->values[index].ptr == NULL) {
        resolver->stack[resolver->depth++] = index;
        result = template_notice_run(resolver->set, notice, resolver->data, resolver->arena,
                                     notice->route_labels.items[index].value, false, &out, err);
        resolver->depth--;
        if (result >= 0) {
            resolver->values[index] = arena_str(resolver->arena, buf_view(&out));
        }
        buf_done(&out);
        if (result < 0) {
            return result;
        }
    }
    *ret = resolver->values[index];
    return 0;
}

size_t template_notice_route_labels(const struct template_set *set,
                                    const struct template_notice *notice, struct arena *arena,
                                    struct labels *ret, struct baro_error *err)
{
    size_t count = notice->route_labels.count;
    struct label *items = ARENA_ARRAY(arena, struct label, count);
    struct template_notice_resolver resolver = {
        .set = set, .arena = arena, .values = ARENA_ARRAY(arena, str, count)};
    struct template_notice resolving = *notice;
    size_t failed = 0;
    size_t kept = 0;

    resolving.reason = STR(""); /* there is no notification: "unknown" */
    resolving.resolver = &resolver;
    resolver.data = template_notice_value(arena, &resolving);
    for (size_t i = 0; i < count; i++) {
        struct baro_error why = {0};

        items[kept].name = notice->route_labels.items[i].name;
        if (resolve(&resolving, i, &items[kept].value, &why) >= 0) {
            kept++;
        } else if (failed++ == 0 && err != NULL) {
            *err = why;
        }
    }
    *ret = (struct labels){items, kept};
    return failed;
}

FUNCTION(call_route_labels)
{
    const struct template_notice *notice = notice_of(call);
    struct labels labels = notice->route_labels;
    str value = STR("");

    for (size_t i = 0; i < labels.count; i++) {
        if (str_eq(labels.items[i].name, call->args[0].string)) {
            int result = 0;

            value = labels.items[i].value;
            result = notice->resolver != NULL ? resolve(notice, i, &value, err) : 0;
            if (result < 0) {
                return result;
            }
        }
    }
    *ret = tvalue_string(value);
    return 0;
}

/* ---- Times ---- */

FUNCTION(call_date)
{
    struct template_time time;
    struct buf out = {.limit = TEMPLATE_OUTPUT_MAX};

    if (!template_time_get(&call->args[1], &time)) {
        return wrong_type("time.Time", &call->args[1], err);
    }
    template_time_format(&out, time, call->args[0].string);
    return result(call, &out, ret, err);
}

FUNCTION(call_tz)
{
    str name = call->args[0].string;
    const struct template_notice *notice = notice_of(call);
    struct template_time time;
    char zone[16] = "";
    int64_t seconds;
    int found = 0;

    if (!template_time_get(&call->args[1], &time)) {
        return wrong_type("time.Time", &call->args[1], err);
    }
    seconds = time.ns == TEMPLATE_TIME_ZERO ? INT64_C(-62135596800) : time.ns / 1000000000;
    time.offset = 0;
    time.zone = STR_NULL;
    if (name.len > 0 && !str_is(name, "UTC") && notice->zone != NULL) {
        found = notice->zone(name, seconds, &time.offset, zone, err);
        time.zone = arena_str(call->arena, str_from(zone));
    } else if (name.len > 0 && !str_is(name, "UTC")) {
        found = error_set(err, BARO_ENOTFOUND, "unknown time zone %.*s", STR_ARG(name));
    }
    *ret = template_time_value(call->arena, time);
    return found < 0 ? found : 0;
}

FUNCTION(call_now)
{
    *ret = template_time_value(call->arena,
                               (struct template_time){.ns = notice_of(call)->now * 1000000});
    return 0;
}

FUNCTION(call_since)
{
    struct template_time time;
    int64_t since = 0;

    if (!template_time_get(&call->args[0], &time)) {
        return wrong_type("time.Time", &call->args[0], err);
    }
    if (time.ns == TEMPLATE_TIME_ZERO ||
        __builtin_sub_overflow(notice_of(call)->now * 1000000, time.ns, &since)) {
        since = INT64_MAX;
    }
    *ret = template_duration_value(since);
    return 0;
}

FUNCTION(call_to_date)
{
    struct template_time time = {.ns = TEMPLATE_TIME_ZERO};

    if (template_time_parse(call->args[0].string, call->args[1].string, &time, NULL) < 0) {
        time = (struct template_time){.ns = TEMPLATE_TIME_ZERO};
    }
    *ret = template_time_value(call->arena, time);
    return 0;
}

FUNCTION(call_must_to_date)
{
    struct template_time time = {.ns = TEMPLATE_TIME_ZERO};
    int found = template_time_parse(call->args[0].string, call->args[1].string, &time, err);

    *ret = template_time_value(call->arena, time);
    return found;
}

/* ---- Lists and maps ---- */

FUNCTION(call_list)
{
    *ret = tvalue_list_of(call->arena, call->args, call->count);
    return 0;
}

FUNCTION(call_append)
{
    const struct tvalue *list = &call->args[0];

    if (list->kind != TVALUE_LIST || list->type != NULL || list->list->item_type != NULL) {
        return wrong_type("[]interface {}", list, err);
    }
    *ret = tvalue_list_append(call->arena, list->list, call->args + 1, call->count - 1);
    return 0;
}

FUNCTION(call_dict)
{
    str *keys = ARENA_ARRAY(call->arena, str, call->count / 2);
    struct tvalue *values = ARENA_ARRAY(call->arena, struct tvalue, call->count / 2);
    struct map places = {0}; /* key -> its value's place */
    size_t count = 0;
    int failed = call->count % 2 == 0
                     ? 0
                     : error_set(err, BARO_EEXEC, "dict requires an even number of arguments");

    for (size_t i = 0; i < call->count && failed == 0; i += 2) {
        struct tvalue *place;

        if (call->args[i].kind != TVALUE_STRING) {
            failed = error_set(err, BARO_EEXEC, "dict keys must be strings");
            break;
        }
        place = map_get(&places, call->args[i].string);
        if (place == NULL) {
            keys[count] = call->args[i].string;
            place = &values[count++];
            (void)map_put(&places, call->args[i].string, place);
        }
        *place = call->args[i + 1];
    }
    map_done(&places);
    *ret = tvalue_map_of(call->arena, keys, values, failed == 0 ? count : 0, tvalue_none());
    return failed;
}

/* Sorted by name. */
const struct template_function_row template_notice_functions[] = {
    {"append", "vv*", call_append},
    {"base64decode", "s", call_base64_decode},
    {"base64encode", "s", call_base64_encode},
    {"date", "sv", call_date},
    {"dict", "v*", call_dict},
    {"humanizeDuration", "v", template_humanize_duration},
    {"join", "sv", call_join},
    {"list", "v*", call_list},
    {"match", "ss", template_match},
    {"mustToDate", "ss", call_must_to_date},
    {"now", "", call_now},
    {"reReplaceAll", "sss", template_re_replace_all},
    {"routeLabels", "s", call_route_labels},
    {"safeHtml", "s", call_safe_html},
    {"safeUrl", "s", call_safe_url},
    {"since", "v", call_since},
    {"stringSlice", "s*", call_string_slice},
    {"title", "s", call_title},
    {"toDate", "ss", call_to_date},
    {"toJson", "v", call_to_json},
    {"toLower", "s", call_lower},
    {"toUpper", "s", call_upper},
    {"trimSpace", "s", call_trim_space},
    {"tz", "sv", call_tz},
    {"urlUnescape", "s", call_url_unescape},
};
const size_t template_notice_function_count = ARRAY_COUNT(template_notice_functions);
