#include "template/template_alert.h"

#include <math.h>
#include <stdlib.h>

#include "base/num.h"
#include "codec/regex.h"
#include "codec/url_escape.h"
#include "template/template_priv.h"
#include "template/template_time.h"

#define NS_PER_SECOND 1e9

/* What Prometheus puts before each text, so that $labels and the like are there. */
static const str prelude = STR_INIT("{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}"
                                    "{{$externalURL := .ExternalURL}}{{$value := .Value}}");

/* ---- Values ---- */

static struct tvalue labels_value(struct arena *arena, struct labels labels)
{
    str *keys = ARENA_ARRAY(arena, str, labels.count);
    struct tvalue *values = ARENA_ARRAY(arena, struct tvalue, labels.count);

    for (size_t i = 0; i < labels.count; i++) {
        keys[i] = labels.items[i].name;
        values[i] = tvalue_string(labels.items[i].value);
    }
    return tvalue_map_of(arena, keys, values, labels.count, tvalue_string(STR("")));
}

struct sample_object {
    struct tvalue labels;
    double value;
};

static int sample_field(UNUSED struct arena *arena, const struct tvalue *self, str name,
                        struct tvalue *ret)
{
    const struct sample_object *sample = self->object;

    if (str_is(name, "Labels")) {
        *ret = sample->labels;
    } else if (str_is(name, "Value")) {
        *ret = tvalue_float(sample->value);
    } else {
        return 0;
    }
    return 1;
}

static void sample_print(struct buf *buf, const struct tvalue *self)
{
    const struct sample_object *sample = self->object;

    buf_c(buf, "&{");
    tvalue_print(buf, &sample->labels);
    buf_char(buf, ' ');
    buf_double(buf, sample->value, NUM_G);
    buf_char(buf, '}');
}

static const struct tvalue_type sample_type = {
    .name = "*template.sample", .field = sample_field, .print = sample_print};

static struct tvalue sample_value(struct arena *arena, const struct template_sample *sample)
{
    struct sample_object *object = ARENA_NEW(arena, struct sample_object);

    object->labels = labels_value(arena, sample->labels);
    object->value = sample->value;
    return (struct tvalue){.kind = TVALUE_STRUCT, .type = &sample_type, .object = object};
}

/* The sample that an argument must be. */
static const struct sample_object *sample_of(const struct tvalue *value)
{
    return value->kind == TVALUE_STRUCT && value->type == &sample_type ? value->object : NULL;
}

#define FUNCTION(name)                                                                             \
    static int name(const struct template_call *call, struct tvalue *ret,                          \
                    UNUSED struct baro_error *err)

static const struct template_alert *alert_of(const struct template_call *call)
{
    return call->context;
}

static int return_text(const struct template_call *call, struct buf *text, struct tvalue *ret)
{
    *ret = tvalue_string(arena_str(call->arena, buf_view(text)));
    buf_done(text);
    return 0;
}

/* ---- Queries and their results ---- */

FUNCTION(call_query)
{
    const struct template_alert *alert = alert_of(call);
    struct template_sample *samples = NULL;
    size_t count = 0;
    struct tvalue *items;
    int result;

    if (alert->query == NULL) {
        return error_set(err, BARO_EEXEC, "there is nothing to query here");
    }
    result = alert->query(alert->query_context, call->arena, call->args[0].string, alert->t,
                          &samples, &count, err);
    if (result < 0) {
        return result;
    }
    items = ARENA_ARRAY(call->arena, struct tvalue, count);
    for (size_t i = 0; i < count; i++) {
        items[i] = sample_value(call->arena, &samples[i]);
    }
    *ret = tvalue_list_of(call->arena, items, count);
    return 0;
}

FUNCTION(call_first)
{
    const struct tvalue *list = &call->args[0];

    if (list->kind != TVALUE_LIST) {
        return error_set(err, BARO_EEXEC, "first() called on %s, not on a query's result",
                         tvalue_type_name(list));
    }
    if (list->list->count == 0) {
        return error_set(err, BARO_EEXEC, "first() called on vector with no elements");
    }
    *ret = list->list->items[0];
    return 0;
}

static int no_sample(const struct tvalue *value, struct baro_error *err)
{
    return error_set(err, BARO_EEXEC, "a sample is expected; got %s", tvalue_type_name(value));
}

FUNCTION(call_label)
{
    const struct sample_object *sample = sample_of(&call->args[1]);

    if (sample == NULL) {
        return no_sample(&call->args[1], err);
    }
    *ret = tvalue_map_get(sample->labels.map, call->args[0].string, NULL);
    return 0;
}

FUNCTION(call_value)
{
    const struct sample_object *sample = sample_of(&call->args[0]);

    if (sample == NULL) {
        return no_sample(&call->args[0], err);
    }
    *ret = tvalue_float(sample->value);
    return 0;
}

FUNCTION(call_strvalue)
{
    const struct sample_object *sample = sample_of(&call->args[0]);

    if (sample == NULL) {
        return no_sample(&call->args[0], err);
    }
    *ret = tvalue_map_get(sample->labels.map, STR("__value__"), NULL);
    return 0;
}

struct sort_item {
    str key;
    size_t index;
    struct tvalue value;
};

static int sort_compare(const void *a, const void *b)
{
    const struct sort_item *x = a, *y = b;
    int order = str_cmp(x->key, y->key);

    return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

FUNCTION(call_sort_by_label)
{
    const struct tvalue *list = &call->args[1];
    struct sort_item *items;
    struct tvalue *sorted;

    if (list->kind != TVALUE_LIST) {
        return error_set(err, BARO_EEXEC, "sortByLabel() called on %s, not on a query's result",
                         tvalue_type_name(list));
    }
    items = ARENA_ARRAY(call->arena, struct sort_item, list->list->count);
    sorted = ARENA_ARRAY(call->arena, struct tvalue, list->list->count);
    for (size_t i = 0; i < list->list->count; i++) {
        const struct sample_object *sample = sample_of(&list->list->items[i]);

        if (sample == NULL) {
            return no_sample(&list->list->items[i], err);
        }
        items[i] = (struct sort_item){
            tvalue_map_get(sample->labels.map, call->args[0].string, NULL).string, i,
            list->list->items[i]};
    }
    if (list->list->count > 1) {
        qsort(items, list->list->count, sizeof(*items), sort_compare);
    }
    for (size_t i = 0; i < list->list->count; i++) {
        sorted[i] = items[i].value;
    }
    *ret = tvalue_list_of(call->arena, sorted, list->list->count);
    return 0;
}

FUNCTION(call_args)
{
    str *keys = ARENA_ARRAY(call->arena, str, call->count);
    struct tvalue *values = ARENA_ARRAY(call->arena, struct tvalue, call->count);

    for (size_t i = 0; i < call->count; i++) {
        keys[i] = arena_printf(call->arena, "arg%zu", i);
        values[i] = call->args[i];
    }
    *ret = tvalue_map_of(call->arena, keys, values, call->count, tvalue_none());
    return 0;
}

/* ---- Numbers for people ---- */

static int number_of(const struct template_call *call, double *ret, struct baro_error *err)
{
    const struct tvalue *value = &call->args[0];

    switch (value->kind) {
    case TVALUE_FLOAT:
        *ret = value->number;
        return 0;
    case TVALUE_INT:
        *ret =
            value->type != NULL ? (double)value->integer / NS_PER_SECOND : (double)value->integer;
        return 0;
    case TVALUE_STRING:
        if (num_parse_double(value->string, ret)) {
            return 0;
        }
        return error_set(err, BARO_EEXEC, "strconv.ParseFloat: parsing \"%.*s\": invalid syntax",
                         STR_ARG(value->string));
    case TVALUE_NONE:
    case TVALUE_NIL:
    case TVALUE_BOOL:
    case TVALUE_LIST:
    case TVALUE_MAP:
    case TVALUE_STRUCT:
    case TVALUE_KIND_COUNT:
        break;
    }
    return error_set(err, BARO_EEXEC, "can't convert %s to float", tvalue_type_name(value));
}

/* Go's %.4g is C's but for NaN and the infinities. */
static void print_4g(struct buf *buf, double value)
{
    if (isfinite(value)) {
        buf_printf(buf, "%.4g", value);
    } else {
        buf_double(buf, value, NUM_G);
    }
}

/* Scales by `factor` until the value is of the size of one, and puts the prefix behind it. */
static void print_scaled(struct buf *buf, double value, const char *const prefixes[8],
                         double factor)
{
    const char *prefix = "";

    for (size_t i = 0; i < 8 && (factor > 1 ? fabs(value) >= factor : fabs(value) < 1); i++) {
        prefix = prefixes[i];
        value = factor > 1 ? value / factor : value * 1000;
    }
    print_4g(buf, value);
    buf_c(buf, prefix);
}

static const char *const small_prefixes[8] = {"m", "u", "n", "p", "f", "a", "z", "y"};
enum { SMALL = 0 }; /* the factor that asks for small prefixes */

FUNCTION(call_humanize)
{
    static const char *const prefixes[8] = {"k", "M", "G", "T", "P", "E", "Z", "Y"};
    struct buf text = {0};
    double value = 0;
    int result = number_of(call, &value, err);

    if (result < 0) {
        return result;
    }
    if (value == 0 || !isfinite(value)) {
        print_4g(&text, value);
    } else if (fabs(value) >= 1) {
        print_scaled(&text, value, prefixes, 1000);
    } else {
        print_scaled(&text, value, small_prefixes, SMALL);
    }
    return return_text(call, &text, ret);
}

FUNCTION(call_humanize_1024)
{
    static const char *const prefixes[8] = {"ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"};
    struct buf text = {0};
    double value = 0;
    int result = number_of(call, &value, err);

    if (result < 0) {
        return result;
    }
    if (fabs(value) <= 1 || !isfinite(value)) {
        print_4g(&text, value);
    } else {
        print_scaled(&text, value, prefixes, 1024);
    }
    return return_text(call, &text, ret);
}

/* A minute and longer: whole days, hours, minutes and seconds. */
static void print_long_duration(struct buf *buf, double value)
{
    unsigned long long seconds = value < 9e18 ? (unsigned long long)value : 0;
    unsigned long long days = seconds / 86400, hours = seconds / 3600 % 24,
                       minutes = seconds / 60 % 60;

    if (days != 0) {
        buf_printf(buf, "%llud %lluh %llum %llus", days, hours, minutes, seconds % 60);
    } else if (hours != 0) {
        buf_printf(buf, "%lluh %llum %llus", hours, minutes, seconds % 60);
    } else if (minutes != 0) {
        buf_printf(buf, "%llum %llus", minutes, seconds % 60);
    } else {
        buf_printf(buf, "%.4gs", value);
    }
}

int template_humanize_duration(const struct template_call *call, struct tvalue *ret,
                               struct baro_error *err)
{
    struct buf text = {0};
    double value = 0;
    int result = number_of(call, &value, err);

    if (result < 0) {
        return result;
    }
    if (!isfinite(value)) {
        print_4g(&text, value);
    } else if (value == 0) {
        print_4g(&text, value);
        buf_char(&text, 's');
    } else if (fabs(value) >= 1) {
        buf_c(&text, value < 0 ? "-" : "");
        print_long_duration(&text, fabs(value));
    } else {
        print_scaled(&text, value, small_prefixes, SMALL);
        buf_char(&text, 's');
    }
    return return_text(call, &text, ret);
}

FUNCTION(call_humanize_percentage)
{
    struct buf text = {0};
    double value = 0;
    int result = number_of(call, &value, err);

    if (result < 0) {
        return result;
    }
    print_4g(&text, value * 100);
    buf_char(&text, '%');
    return return_text(call, &text, ret);
}

static bool nanoseconds_of(double seconds, int64_t *ret)
{
    double ns = seconds * NS_PER_SECOND;

    if (!(fabs(ns) < 9223372036854774784.0)) {
        return false;
    }
    *ret = (int64_t)ns;
    return true;
}

static int no_nanoseconds(double value, const char *what, struct baro_error *err)
{
    char text[NUM_TEXT_MAX];
    size_t size = num_format_double(value, NUM_G, text);

    if (!isfinite(value)) {
        return error_set(err, BARO_EEXEC, "value is NaN or Inf");
    }
    return error_set(err, BARO_EEXEC, "%.*s cannot be represented as a %s since it overflows int64",
                     (int)size, text, what);
}

FUNCTION(call_humanize_timestamp)
{
    struct buf text = {0};
    struct tvalue time;
    double value = 0;
    int64_t ns = 0;
    int result = number_of(call, &value, err);

    if (result < 0) {
        return result;
    }
    if (!isfinite(value)) {
        print_4g(&text, value);
        return return_text(call, &text, ret);
    }
    if (!nanoseconds_of(value, &ns)) {
        return no_nanoseconds(value, "nanoseconds timestamp", err);
    }
    time = template_time_value(call->arena, (struct template_time){.ns = ns});
    tvalue_print(&text, &time);
    return return_text(call, &text, ret);
}

FUNCTION(call_to_time)
{
    double value = 0;
    int64_t ns = 0;
    int result = number_of(call, &value, err);

    if (result < 0) {
        return result;
    }
    if (!nanoseconds_of(value, &ns)) {
        return no_nanoseconds(value, "nanoseconds timestamp", err);
    }
    *ret = template_time_value(call->arena, (struct template_time){.ns = ns});
    return 0;
}

FUNCTION(call_to_duration)
{
    double value = 0;
    int64_t ns = 0;
    int result = number_of(call, &value, err);

    if (result < 0) {
        return result;
    }
    if (!nanoseconds_of(value, &ns)) {
        return no_nanoseconds(value, "nanoseconds duration", err);
    }
    *ret = template_duration_value(ns);
    return 0;
}

FUNCTION(call_now)
{
    *ret = tvalue_float((double)alert_of(call)->t / 1000);
    return 0;
}

FUNCTION(call_parse_duration)
{
    dur duration = 0;
    int result = dur_parse(call->args[0].string, &duration, err);

    *ret = tvalue_float((double)duration / 1000);
    return result;
}

/* ---- Text ---- */

/* '.' is no line break here, other than in expressions for labels. */
static int regex_of(str pattern, struct regex **ret, struct baro_error *err)
{
    struct buf text = {0};
    int result;

    buf_c(&text, "(?-s)");
    buf_str(&text, pattern);
    result = regex_new(buf_view(&text), false, ret, NULL);
    buf_done(&text);
    /* The message is about what was written. */
    return result < 0 ? regex_new(pattern, false, ret, err) : result;
}

int template_match(const struct template_call *call, struct tvalue *ret, struct baro_error *err)
{
    CLEANUP(regex_freep) struct regex *regex = NULL;
    int result = regex_of(call->args[0].string, &regex, err);

    *ret = tvalue_bool(result == 0 && regex_match(regex, call->args[1].string));
    return result;
}

/* Replaces every match, as Go's Regexp.ReplaceAllString. */
int template_re_replace_all(const struct template_call *call, struct tvalue *ret,
                            struct baro_error *err)
{
    CLEANUP(regex_freep) struct regex *regex = NULL;
    str source = call->args[2].string;
    str groups[REGEX_GROUPS_MAX];
    struct buf text = {.limit = TEMPLATE_OUTPUT_MAX};
    size_t done = 0;
    size_t at = 0;
    int result = regex_of(call->args[0].string, &regex, err);

    if (result < 0) {
        return result;
    }
    source = source.len > 0 ? source : STR("");
    while (at <= source.len && regex_find_from(regex, source, at, groups, REGEX_GROUPS_MAX)) {
        size_t begin = (size_t)(groups[0].ptr - source.ptr);
        size_t end = begin + groups[0].len;
        uint32_t rune;
        size_t size = utf8_decode(str_from_index(source, at), &rune);

        buf_str(&text, str_slice(source, done, begin));
        /* No empty match right behind another one. */
        if (end > done || begin == 0) {
            regex_expand(regex, &text, call->args[1].string, groups, REGEX_GROUPS_MAX);
        }
        done = end;
        size = size == 0 ? 1 : size;
        at = at + size > end ? at + size : end;
    }
    buf_str(&text, str_from_index(source, done));
    if (text.failed) {
        buf_done(&text);
        return error_set(err, BARO_ELIMIT, "the result is too long");
    }
    return return_text(call, &text, ret);
}

FUNCTION(call_safe_html)
{
    *ret = call->args[0];
    return 0;
}

/* Changes ASCII letters; others stay as they are. */
static int change_case(const struct template_call *call, struct tvalue *ret, char first, char last)
{
    str text = arena_str(call->arena, call->args[0].string);
    char *bytes = (char *)(uintptr_t)text.ptr;

    for (size_t i = 0; i < text.len; i++) {
        bytes[i] = (char)(bytes[i] >= first && bytes[i] <= last ? bytes[i] ^ 0x20 : bytes[i]);
    }
    *ret = tvalue_string(text);
    return 0;
}

FUNCTION(call_to_upper)
{
    return change_case(call, ret, 'a', 'z');
}

FUNCTION(call_to_lower)
{
    return change_case(call, ret, 'A', 'Z');
}

FUNCTION(call_title)
{
    str text = arena_str(call->arena, call->args[0].string);
    char *bytes = (char *)(uintptr_t)text.ptr;
    bool in_word = false;

    for (size_t i = 0; i < text.len; i++) {
        bool letter = (bytes[i] >= 'a' && bytes[i] <= 'z') || (bytes[i] >= 'A' && bytes[i] <= 'Z');
        bool goes_on = letter || (bytes[i] >= '0' && bytes[i] <= '9') || bytes[i] == '_' ||
                       bytes[i] == '\'' || (unsigned char)bytes[i] >= 0x80;

        bytes[i] =
            (char)(!in_word && bytes[i] >= 'a' && bytes[i] <= 'z' ? bytes[i] ^ 0x20 : bytes[i]);
        in_word = goes_on;
    }
    *ret = tvalue_string(text);
    return 0;
}

static int link_to(const struct template_call *call, struct tvalue *ret, int tab)
{
    struct buf text = {0};

    buf_c(&text, "/graph?g0.expr=");
    url_query_escape(&text, call->args[0].string);
    buf_printf(&text, "&g0.tab=%d", tab);
    return return_text(call, &text, ret);
}

FUNCTION(call_graph_link)
{
    return link_to(call, ret, 0);
}

FUNCTION(call_table_link)
{
    return link_to(call, ret, 1);
}

FUNCTION(call_url_query_escape)
{
    struct buf text = {0};

    url_query_escape(&text, call->args[0].string);
    return return_text(call, &text, ret);
}

FUNCTION(call_external_url)
{
    *ret = tvalue_string(alert_of(call)->external_url);
    return 0;
}

FUNCTION(call_path_prefix)
{
    str url = alert_of(call)->external_url;
    size_t scheme = str_index(url, STR("://"));
    str behind = scheme == SIZE_MAX ? url : str_from_index(url, scheme + 3);
    size_t slash = str_index_char(behind, '/');

    *ret = tvalue_string(slash == SIZE_MAX ? STR("") : str_from_index(behind, slash));
    return 0;
}

/* Splits host:port and [v6]:port as Go's net.SplitHostPort; false when it is neither. */
static bool split_port(str address, str *ret_host, str *ret_port)
{
    size_t colon = address.len;

    while (colon > 0 && address.ptr[colon - 1] != ':') {
        colon--;
    }
    if (colon == 0) {
        return false;
    }
    *ret_host = str_slice(address, 0, colon - 1);
    *ret_port = str_from_index(address, colon);
    if (str_has_prefix(*ret_host, STR("[")) && str_has_suffix(*ret_host, STR("]"))) {
        *ret_host = str_slice(*ret_host, 1, ret_host->len - 1);
        return true;
    }
    return str_index_char(*ret_host, ':') == SIZE_MAX && str_index_char(*ret_host, '[') == SIZE_MAX;
}

FUNCTION(call_strip_port)
{
    str host = call->args[0].string, port;

    *ret =
        tvalue_string(split_port(call->args[0].string, &host, &port) ? host : call->args[0].string);
    return 0;
}

/* "host.domain:port" becomes "host:port"; addresses stay as they are. */
FUNCTION(call_strip_domain)
{
    str host = call->args[0].string, port = STR_NULL;
    bool has_port = split_port(call->args[0].string, &host, &port);
    bool is_address;
    size_t dot;
    str first;

    if (!has_port) {
        host = call->args[0].string;
    }
    is_address = host.len > 0;
    dot = str_index_char(host, '.');
    first = dot == SIZE_MAX ? host : str_slice(host, 0, dot);
    for (size_t i = 0; i < host.len; i++) {
        is_address &=
            (host.ptr[i] >= '0' && host.ptr[i] <= '9') || host.ptr[i] == '.' || host.ptr[i] == ':';
    }
    if (is_address || str_index_char(host, ':') != SIZE_MAX) {
        *ret = call->args[0];
        return 0;
    }
    *ret = tvalue_string(
        has_port ? arena_printf(call->arena, "%.*s:%.*s", STR_ARG(first), STR_ARG(port)) : first);
    return 0;
}

/* Sorted by name. */
static const struct template_function_row functions[] = {
    {"args", "v*", call_args},
    {"externalURL", "", call_external_url},
    {"first", "v", call_first},
    {"graphLink", "s", call_graph_link},
    {"humanize", "v", call_humanize},
    {"humanize1024", "v", call_humanize_1024},
    {"humanizeDuration", "v", template_humanize_duration},
    {"humanizePercentage", "v", call_humanize_percentage},
    {"humanizeTimestamp", "v", call_humanize_timestamp},
    {"label", "sv", call_label},
    {"match", "ss", template_match},
    {"now", "", call_now},
    {"parseDuration", "s", call_parse_duration},
    {"pathPrefix", "", call_path_prefix},
    {"query", "s", call_query},
    {"reReplaceAll", "sss", template_re_replace_all},
    {"safeHtml", "s", call_safe_html},
    {"sortByLabel", "sv", call_sort_by_label},
    {"stripDomain", "s", call_strip_domain},
    {"stripPort", "s", call_strip_port},
    {"strvalue", "v", call_strvalue},
    {"tableLink", "s", call_table_link},
    {"title", "s", call_title},
    {"toDuration", "v", call_to_duration},
    {"toLower", "s", call_to_lower},
    {"toTime", "v", call_to_time},
    {"toUpper", "s", call_to_upper},
    {"urlQueryEscape", "s", call_url_query_escape},
    {"value", "v", call_value},
};

/* ---- Expanding ---- */

static int parse(struct template_set *set, str name, str text, struct baro_error *err)
{
    struct buf joined = {0};
    int result;

    buf_str(&joined, prelude);
    buf_str(&joined, text);
    result = template_set_parse(set, name, buf_view(&joined), err);
    buf_done(&joined);
    return result < 0 ? error_wrap(err, result, "error parsing template %.*s", STR_ARG(name)) : 0;
}

static struct tvalue data_value(struct arena *arena, const struct template_alert *alert,
                                struct labels labels, double value)
{
    str *keys = ARENA_ARRAY(arena, str, 4);
    struct tvalue *values = ARENA_ARRAY(arena, struct tvalue, 4);

    keys[0] = STR("Labels");
    values[0] = labels_value(arena, labels);
    keys[1] = STR("ExternalLabels");
    values[1] = labels_value(arena, alert->external_labels);
    keys[2] = STR("ExternalURL");
    values[2] = tvalue_string(alert->external_url);
    keys[3] = STR("Value");
    values[3] = tvalue_float(value);
    return tvalue_map_of(arena, keys, values, 4, tvalue_none());
}

int template_alert_expand(const struct template_alert *alert, struct arena *arena, str name,
                          str text, struct labels labels, double value, struct buf *out,
                          struct baro_error *err)
{
    CLEANUP(template_set_freep) struct template_set *set = NULL;
    struct template_run run = {
        .arena = arena, .context = (void *)(uintptr_t)alert, .cancel = alert->cancel};
    size_t start = out->len;
    int result;

    if (str_index(text, STR("{{")) == SIZE_MAX) {
        buf_str(out, text);
        return 0;
    }
    set = template_set_new(functions, ARRAY_COUNT(functions));
    result = parse(set, name, text, err);
    if (result < 0) {
        return result;
    }
    result =
        template_set_execute(set, name, data_value(arena, alert, labels, value), &run, out, err);
    if (result < 0) {
        out->len = start;
        return error_wrap(err, result, "error executing template %.*s", STR_ARG(name));
    }
    return 0;
}

int template_alert_check(str name, str text, struct baro_error *err)
{
    CLEANUP(template_set_freep)
    struct template_set *set = template_set_new(functions, ARRAY_COUNT(functions));

    return parse(set, name, text, err);
}
