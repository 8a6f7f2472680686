#include "template/template_notice.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/text.h"
#include "template/template_json.h"
#include "template/template_notice_priv.h"
#include "template/template_time.h"

#define METHOD(name)                                                                               \
    static int name(struct arena *arena, const struct tvalue *self,                                \
                    UNUSED const struct tvalue *args, UNUSED size_t count, struct tvalue *ret,     \
                    UNUSED struct baro_error *err)

/* ---- template.Pair, Pairs, Strings ---- */

struct pair {
    str name;
    str value;
};

static int pair_field(UNUSED struct arena *arena, const struct tvalue *self, str name,
                      struct tvalue *ret)
{
    const struct pair *pair = self->object;

    if (!str_is(name, "Name") && !str_is(name, "Value")) {
        return 0;
    }
    *ret = tvalue_string(str_is(name, "Name") ? pair->name : pair->value);
    return 1;
}

static void pair_print(struct buf *buf, const struct tvalue *self)
{
    const struct pair *pair = self->object;

    buf_printf(buf, "{");
    buf_str(buf, pair->name);
    buf_char(buf, ' ');
    buf_str(buf, pair->value);
    buf_char(buf, '}');
}

static void pair_json(struct buf *buf, const struct tvalue *self)
{
    const struct pair *pair = self->object;

    buf_c(buf, "{\"Name\":");
    template_json_str(buf, pair->name);
    buf_c(buf, ",\"Value\":");
    template_json_str(buf, pair->value);
    buf_char(buf, '}');
}

static const struct tvalue_type pair_type = {
    .name = "template.Pair", .field = pair_field, .print = pair_print, .json = pair_json};

METHOD(strings_join)
{
    struct buf text = {.limit = TEMPLATE_OUTPUT_MAX};

    template_join(&text, args[0].string, self->list);
    *ret = tvalue_string(text_take(arena, &text));
    return 0;
}

void template_join(struct buf *buf, str separator, const struct tvalue_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        buf_str(buf, i > 0 ? separator : STR(""));
        buf_str(buf, list->items[i].string);
    }
}

static const struct tvalue_method strings_methods[] = {{"Join", "s", strings_join}};
static const struct tvalue_type strings_type = {.name = "template.Strings",
                                                .methods = strings_methods,
                                                .method_count = ARRAY_COUNT(strings_methods)};

static struct tvalue strings_of_pairs(struct arena *arena, const struct tvalue *pairs, bool names)
{
    const struct tvalue_list *list = pairs->list;
    struct tvalue *items = ARENA_ARRAY(arena, struct tvalue, list->count);
    struct tvalue value;

    for (size_t i = 0; i < list->count; i++) {
        const struct pair *pair = list->items[i].object;

        items[i] = tvalue_string(names ? pair->name : pair->value);
    }
    value = tvalue_list_of(arena, items, list->count);
    value.type = &strings_type;
    return value;
}

METHOD(pairs_names)
{
    *ret = strings_of_pairs(arena, self, true);
    return 0;
}

METHOD(pairs_values)
{
    *ret = strings_of_pairs(arena, self, false);
    return 0;
}

static void pairs_print(struct buf *buf, const struct tvalue *self)
{
    for (size_t i = 0; i < self->list->count; i++) {
        const struct pair *pair = self->list->items[i].object;

        buf_c(buf, i > 0 ? ", " : "");
        buf_str(buf, pair->name);
        buf_char(buf, '=');
        buf_str(buf, pair->value);
    }
}

static const struct tvalue_method pairs_methods[] = {{"Names", "", pairs_names},
                                                     {"Values", "", pairs_values}};
static const struct tvalue_type pairs_type = {.name = "template.Pairs",
                                              .methods = pairs_methods,
                                              .method_count = ARRAY_COUNT(pairs_methods),
                                              .print = pairs_print};

/* ---- template.KV ---- */

/* In order of names, but the alert's name first. */
static struct tvalue sorted_pairs(struct arena *arena, const struct tvalue_map *map)
{
    struct tvalue *items = ARENA_ARRAY(arena, struct tvalue, map->count);
    struct pair *pairs = ARENA_ARRAY(arena, struct pair, map->count);
    struct tvalue value;
    bool found = false;
    size_t at = 0;

    (void)tvalue_map_get(map, STR("alertname"), &found);
    at = found;
    for (size_t i = 0; i < map->count; i++) {
        bool is_first = str_is(map->keys[i], "alertname");
        size_t place = is_first ? 0 : at++;

        pairs[place] = (struct pair){map->keys[i], map->values[i].string};
        items[place] =
            (struct tvalue){.kind = TVALUE_STRUCT, .type = &pair_type, .object = &pairs[place]};
    }
    value = tvalue_list_of(arena, items, map->count);
    value.type = &pairs_type;
    return value;
}

METHOD(kv_sorted_pairs)
{
    *ret = sorted_pairs(arena, self->map);
    return 0;
}

METHOD(kv_names)
{
    struct tvalue pairs = sorted_pairs(arena, self->map);

    *ret = strings_of_pairs(arena, &pairs, true);
    return 0;
}

METHOD(kv_values)
{
    struct tvalue pairs = sorted_pairs(arena, self->map);

    *ret = strings_of_pairs(arena, &pairs, false);
    return 0;
}

static bool list_has(const struct tvalue_list *list, str text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].kind == TVALUE_STRING && str_eq(list->items[i].string, text)) {
            return true;
        }
    }
    return false;
}

static const struct tvalue_type kv_type;

METHOD(kv_remove)
{
    const struct tvalue_map *map = self->map;
    struct tvalue_map *left = ARENA_NEW(arena, struct tvalue_map);
    str *keys = ARENA_ARRAY(arena, str, map->count);
    struct tvalue *values = ARENA_ARRAY(arena, struct tvalue, map->count);

    if (!template_is_strings(&args[0])) {
        return error_set(err, BARO_EEXEC, "wrong type for value; expected []string; got %s",
                         tvalue_type_name(&args[0]));
    }
    for (size_t i = 0; i < map->count; i++) {
        if (!list_has(args[0].list, map->keys[i])) {
            keys[left->count] = map->keys[i];
            values[left->count++] = map->values[i];
        }
    }
    left->keys = keys;
    left->values = values;
    left->absent = map->absent;
    *ret = (struct tvalue){.kind = TVALUE_MAP, .type = &kv_type, .map = left};
    return 0;
}

static void kv_print(struct buf *buf, const struct tvalue *self)
{
    struct arena arena = {0};
    struct tvalue pairs = sorted_pairs(&arena, self->map);

    pairs_print(buf, &pairs);
    arena_done(&arena);
}

static const struct tvalue_method kv_methods[] = {{"Names", "", kv_names},
                                                  {"Remove", "v", kv_remove},
                                                  {"SortedPairs", "", kv_sorted_pairs},
                                                  {"Values", "", kv_values}};
static const struct tvalue_type kv_type = {.name = "template.KV",
                                           .methods = kv_methods,
                                           .method_count = ARRAY_COUNT(kv_methods),
                                           .print = kv_print};

struct tvalue template_notice_kv(struct arena *arena, struct labels labels)
{
    str *keys = ARENA_ARRAY(arena, str, labels.count);
    struct tvalue *values = ARENA_ARRAY(arena, struct tvalue, labels.count);
    struct tvalue value;

    for (size_t i = 0; i < labels.count; i++) {
        keys[i] = labels.items[i].name;
        values[i] = tvalue_string(labels.items[i].value);
    }
    value = tvalue_map_of(arena, keys, values, labels.count, tvalue_string(STR("")));
    value.type = &kv_type;
    return value;
}

/* ---- Structs with named fields ---- */

enum { FIELDS_MAX = 10 };

/* Go's name, the name in JSON, and where the value is. */
struct field_row {
    const char *name;
    const char *json;
};

struct record {
    struct tvalue values[FIELDS_MAX];
};

static int record_field(const struct field_row *rows, size_t count, const struct tvalue *self,
                        str name, struct tvalue *ret)
{
    const struct record *record = self->object;

    for (size_t i = 0; i < count; i++) {
        if (str_is(name, rows[i].name)) {
            *ret = record->values[i];
            return 1;
        }
    }
    return 0;
}

static void record_print(const struct field_row *rows, size_t count, struct buf *buf,
                         const struct tvalue *self)
{
    const struct record *record = self->object;

    (void)rows;
    for (size_t i = 0; i < count; i++) {
        buf_char(buf, i > 0 ? ' ' : '{');
        tvalue_print(buf, &record->values[i]);
    }
    buf_char(buf, '}');
}

static void record_json(const struct field_row *rows, size_t count, struct buf *buf,
                        const struct tvalue *self)
{
    const struct record *record = self->object;

    for (size_t i = 0; i < count; i++) {
        buf_printf(buf, "%c\"%s\":", i > 0 ? ',' : '{', rows[i].json);
        template_json(buf, &record->values[i]);
    }
    buf_char(buf, '}');
}

#define RECORD(name, rows)                                                                         \
    static int name##_field(UNUSED struct arena *arena, const struct tvalue *self, str field,      \
                            struct tvalue *ret)                                                    \
    {                                                                                              \
        return record_field(rows, ARRAY_COUNT(rows), self, field, ret);                            \
    }                                                                                              \
    static void name##_print(struct buf *buf, const struct tvalue *self)                           \
    {                                                                                              \
        record_print(rows, ARRAY_COUNT(rows), buf, self);                                          \
    }                                                                                              \
    static void name##_json(struct buf *buf, const struct tvalue *self)                            \
    {                                                                                              \
        record_json(rows, ARRAY_COUNT(rows), buf, self);                                           \
    }

/* ---- template.Alert, Alerts ---- */

static const struct field_row alert_rows[] = {
    {"Status", "status"},          {"Labels", "labels"}, {"Annotations", "annotations"},
    {"StartsAt", "startsAt"},      {"EndsAt", "endsAt"}, {"GeneratorURL", "generatorURL"},
    {"Fingerprint", "fingerprint"}};

RECORD(alert, alert_rows)

static const struct tvalue_type alert_type = {
    .name = "template.Alert", .field = alert_field, .print = alert_print, .json = alert_json};

static struct tvalue time_of(struct arena *arena, ts t)
{
    int64_t ns = 0;

    if (t == 0 || __builtin_mul_overflow(t, INT64_C(1000000), &ns)) {
        ns = TEMPLATE_TIME_ZERO;
    }
    return template_time_value(arena, (struct template_time){.ns = ns});
}

struct tvalue template_notice_alert_of(struct arena *arena, const struct tvalue *values)
{
    struct record *record = ARENA_NEW(arena, struct record);

    for (size_t i = 0; i < ARRAY_COUNT(alert_rows); i++) {
        record->values[i] = values[i];
    }
    return (struct tvalue){.kind = TVALUE_STRUCT, .type = &alert_type, .object = record};
}

static struct tvalue alert_value(struct arena *arena, const struct template_notice_alert *alert)
{
    struct tvalue values[ARRAY_COUNT(alert_rows)];

    values[0] = tvalue_string(alert->is_resolved ? STR("resolved") : STR("firing"));
    values[1] = template_notice_kv(arena, alert->labels);
    values[2] = template_notice_kv(arena, alert->annotations);
    values[3] = time_of(arena, alert->starts_at);
    values[4] = time_of(arena, alert->ends_at);
    values[5] = tvalue_string(alert->generator_url);
    values[6] =
        tvalue_string(arena_printf(arena, "%016llx", (unsigned long long)alert->fingerprint));
    return template_notice_alert_of(arena, values);
}

/* The alerts of one status; Go gives a plain list, which has no methods. */
static struct tvalue alerts_with(struct arena *arena, const struct tvalue *self, const char *status)
{
    struct tvalue *items = ARENA_ARRAY(arena, struct tvalue, self->list->count);
    struct tvalue_list *list = ARENA_NEW(arena, struct tvalue_list);

    for (size_t i = 0; i < self->list->count; i++) {
        const struct record *record = self->list->items[i].object;

        if (str_is(record->values[0].string, status)) {
            items[list->count++] = self->list->items[i];
        }
    }
    list->items = items;
    list->item_type = "[]template.Alert";
    return (struct tvalue){.kind = TVALUE_LIST, .list = list};
}

METHOD(alerts_firing)
{
    *ret = alerts_with(arena, self, "firing");
    return 0;
}

METHOD(alerts_resolved)
{
    *ret = alerts_with(arena, self, "resolved");
    return 0;
}

static const struct tvalue_method alerts_methods[] = {{"Firing", "", alerts_firing},
                                                      {"Resolved", "", alerts_resolved}};
static const struct tvalue_type alerts_type = {.name = "template.Alerts",
                                               .methods = alerts_methods,
                                               .method_count = ARRAY_COUNT(alerts_methods)};

/* ---- template.Data ---- */

static const struct field_row data_rows[] = {{"Receiver", "receiver"},
                                             {"Status", "status"},
                                             {"Alerts", "alerts"},
                                             {"NotificationReason", "notification_reason"},
                                             {"GroupLabels", "groupLabels"},
                                             {"CommonLabels", "commonLabels"},
                                             {"CommonAnnotations", "commonAnnotations"},
                                             {"RouteLabels", "routeLabels"},
                                             {"ExternalURL", "externalURL"}};

static int data_field(UNUSED struct arena *arena, const struct tvalue *self, str field,
                      struct tvalue *ret)
{
    return record_field(data_rows, ARRAY_COUNT(data_rows), self, field, ret);
}

/* As a pointer to Go's struct, whose last field tells that the route's labels are rendered. */
static void data_print(struct buf *buf, const struct tvalue *self)
{
    buf_char(buf, '&');
    record_print(data_rows, ARRAY_COUNT(data_rows), buf, self);
    buf->len -= buf->failed ? 0 : 1;
    buf_c(buf, " true}");
}

static void data_json(struct buf *buf, const struct tvalue *self)
{
    record_json(data_rows, ARRAY_COUNT(data_rows), buf, self);
}

static const struct tvalue_type data_type = {
    .name = "*template.Data", .field = data_field, .print = data_print, .json = data_json};

str template_notice_status(const struct template_notice *notice)
{
    for (size_t i = 0; i < notice->count; i++) {
        if (!notice->alerts[i].is_resolved) {
            return STR("firing");
        }
    }
    return STR("resolved");
}

struct labels template_notice_common(struct arena *arena, const struct template_notice *notice,
                                     bool annotations)
{
    struct label *items;
    struct labels first;
    size_t kept = 0;

    if (notice->count == 0) {
        return (struct labels){0};
    }
    first = annotations ? notice->alerts[0].annotations : notice->alerts[0].labels;
    items = ARENA_ARRAY(arena, struct label, first.count);
    for (size_t k = 0; k < first.count; k++) {
        bool is_common = true;

        for (size_t i = 1; i < notice->count && is_common; i++) {
            struct labels other =
                annotations ? notice->alerts[i].annotations : notice->alerts[i].labels;

            is_common = str_eq(labels_get(other, first.items[k].name), first.items[k].value);
        }
        if (is_common) {
            items[kept++] = first.items[k];
        }
    }
    return (struct labels){items, kept};
}

/* As Go's regexp.QuoteMeta, which Alertmanager applies for the links to its page. */
static str quote_meta(struct arena *arena, str text)
{
    static const char special[] = "\\.+*?()|[]{}^$";
    struct buf out = {0};

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '\0' &&
            str_index_char(STR("\\.+*?()|[]{}^$"), text.ptr[i]) != SIZE_MAX) {
            buf_char(&out, '\\');
        }
        buf_char(&out, text.ptr[i]);
    }
    STATIC_ASSERT(sizeof(special) == 15, "Go's fourteen");
    return text_take(arena, &out);
}

struct tvalue template_notice_data_of(struct arena *arena, const struct tvalue *values)
{
    struct record *record = ARENA_NEW(arena, struct record);

    for (size_t i = 0; i < ARRAY_COUNT(data_rows); i++) {
        record->values[i] = values[i];
    }
    record->values[2].type = &alerts_type;
    return (struct tvalue){.kind = TVALUE_STRUCT, .type = &data_type, .object = record};
}

struct tvalue template_notice_value(struct arena *arena, const struct template_notice *notice)
{
    struct tvalue values[ARRAY_COUNT(data_rows)];
    struct tvalue *alerts = ARENA_ARRAY(arena, struct tvalue, notice->count);

    for (size_t i = 0; i < notice->count; i++) {
        alerts[i] = alert_value(arena, &notice->alerts[i]);
    }
    values[0] = tvalue_string(quote_meta(arena, notice->receiver));
    values[1] = tvalue_string(template_notice_status(notice));
    values[2] = tvalue_list_of(arena, alerts, notice->count);
    values[3] = tvalue_string(notice->reason.len > 0 ? notice->reason : STR("unknown"));
    values[4] = template_notice_kv(arena, notice->group_labels);
    values[5] = template_notice_kv(arena, template_notice_common(arena, notice, false));
    values[6] = template_notice_kv(arena, template_notice_common(arena, notice, true));
    values[7] = template_notice_kv(arena, notice->route_labels);
    values[8] = tvalue_string(notice->external_url);
    return template_notice_data_of(arena, values);
}

struct tvalue template_notice_cut(struct arena *arena, const struct tvalue *data, size_t count)
{
    const struct record *record = data->object;
    const struct tvalue_list *list = record->values[2].list;
    struct tvalue values[ARRAY_COUNT(data_rows)];

    for (size_t i = 0; i < ARRAY_COUNT(data_rows); i++) {
        values[i] = record->values[i];
    }
    values[2] = tvalue_list_of(arena, list->items, count < list->count ? count : list->count);
    return template_notice_data_of(arena, values);
}

/* ---- Running ---- */

/* Our own texts, which must parse. */
static void parse_own(struct template_set *set, const char *name, const char *const *parts)
{
    struct baro_error err = {0};
    struct buf text = {0};
    int result;

    for (size_t i = 0; parts[i] != NULL; i++) {
        buf_c(&text, parts[i]);
    }
    result = template_set_parse(set, str_from(name), buf_view(&text), &err);
    buf_done(&text);
    ASSERT(result == 0);
}

struct template_set *template_notice_set(void)
{
    struct template_set *set =
        template_set_new(template_notice_functions, template_notice_function_count);

    parse_own(set, "default.tmpl", template_notice_texts);
    parse_own(set, "email.tmpl", template_notice_emails);
    return set;
}

static int run_set(const struct template_set *set, const struct template_notice *notice,
                   struct tvalue data, struct arena *arena, bool is_html, struct buf *out,
                   struct baro_error *err)
{
    struct template_run run = {
        .arena = arena, .context = (void *)(uintptr_t)notice, .cancel = notice->cancel};
    CLEANUP(template_set_freep) struct template_set *escaped = NULL;
    int result = is_html ? template_set_escape(set, STR(""), &escaped, err) : 0;

    return result < 0
               ? result
               : template_set_execute(is_html ? escaped : set, STR(""), data, &run, out, err);
}

int template_notice_run(const struct template_set *set, const struct template_notice *notice,
                        struct tvalue data, struct arena *arena, str text, bool is_html,
                        struct buf *out, struct baro_error *err)
{
    CLEANUP(template_set_freep) struct template_set *own = NULL;
    size_t start = out->len;
    int result;

    if (text.len == 0) {
        return 0;
    }
    if (!is_html && str_index(text, STR("{{")) == SIZE_MAX) {
        buf_str(out, text);
        return 0;
    }
    own = template_set_over(set);
    result = template_set_parse(own, STR(""), text, err);
    if (result == 0) {
        result = run_set(own, notice, data, arena, is_html, out, err);
    }
    if (result < 0) {
        out->len = start;
    }
    return result;
}
