#include "alerting/am_config.h"

#include <string.h>

#include "alerting/am_config_priv.h"
#include "base/assert.h"
#include "base/map.h"
#include "base/mem.h"
#include "conf/url.h"

enum { RECEIVERS_MAX = 100000, RULES_MAX = 100000, INTERVALS_MAX = 100000, LABELS_MAX = 10000 };

/* ---- Values that need functions ---- */

static bool keep_node(UNUSED struct option_reader *rd, void *target,
                      UNUSED const struct yaml_node *key, const struct yaml_node *node)
{
    *(const struct yaml_node **)target = yaml_is_null(node) ? NULL : node;
    return true;
}

const struct option_custom am_node_custom = {.read = keep_node};

static bool check_url(struct option_reader *rd, const struct yaml_node *node, str text)
{
    struct baro_error err = {0};
    struct url url = {0};

    if (url_parse(text, &url, &err) < 0) {
        option_fault(rd, node, "%s", err.message);
    } else if (!str_eq_nocase(url.scheme, STR("http")) &&
               !str_eq_nocase(url.scheme, STR("https"))) {
        option_fault(rd, node, "unsupported scheme \"%.*s\" for URL", STR_ARG(url.scheme));
    } else if (url.host.len == 0) {
        option_fault(rd, node, "missing host for URL");
    } else {
        return true;
    }
    return false;
}

static bool read_url(struct option_reader *rd, void *target, UNUSED const struct yaml_node *key,
                     const struct yaml_node *node)
{
    str text = STR("");

    if (!option_text(rd, node, &text) || (text.len > 0 && !check_url(rd, node, text))) {
        return false;
    }
    *(str *)target = text;
    return true;
}

/* A template is a URL only once it was run; the text in a fault would tell the secret. */
static bool read_secret_url(struct option_reader *rd, void *target,
                            UNUSED const struct yaml_node *key, const struct yaml_node *node)
{
    struct baro_error err = {0};
    struct url url = {0};
    str text = STR("");

    if (!option_text(rd, node, &text)) {
        return false;
    }
    if (text.len > 0 && !str_contains(text, STR("{{"))) {
        if (url_parse(text, &url, &err) < 0) {
            option_fault(rd, node, "this is no URL");
            return false;
        }
        if (!check_url(rd, node, text)) {
            return false;
        }
    }
    *(struct secret *)target = secret_from(text);
    return true;
}

static bool read_http(struct option_reader *rd, void *target, UNUSED const struct yaml_node *key,
                      const struct yaml_node *node)
{
    bool good = true;
    struct prom_http *http = NULL;

    if (!yaml_is_null(node)) {
        http = option_read(rd, &prom_http_type, node, &good);
        if (good) {
            prom_http_check(rd, http, node);
        }
    }
    *(const struct prom_http **)target = http;
    return good;
}

static bool read_hostport(struct option_reader *rd, void *target,
                          UNUSED const struct yaml_node *key, const struct yaml_node *node)
{
    str text = STR("");
    size_t colon = SIZE_MAX;

    if (!option_text(rd, node, &text)) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        colon = text.ptr[i] == ':' ? i : colon;
    }
    if (text.len > 0 && colon == SIZE_MAX) {
        option_fault(rd, node, "address %.*s: missing port in address", STR_ARG(text));
        return false;
    }
    if (text.len > 0 && colon + 1 == text.len) {
        option_fault(rd, node, "address \"%.*s\": port cannot be empty", STR_ARG(text));
        return false;
    }
    *(str *)target = text;
    return true;
}

const struct option_custom am_url_custom = {.read = read_url};
const struct option_custom am_secret_url_custom = {.read = read_secret_url};
const struct option_custom am_http_custom = {.read = read_http};
const struct option_custom am_hostport_custom = {.read = read_hostport};

bool am_key_is_set(const struct yaml_node *node, const char *key)
{
    return !yaml_is_null(yaml_get(node, str_from(key)));
}

size_t am_list_count(struct option_reader *rd, const struct yaml_node *list, size_t most,
                     const char *what)
{
    if (list == NULL) {
        return 0;
    }
    if (list->kind != YAML_KIND_SEQUENCE) {
        option_fault(rd, list, "%s: cannot unmarshal %s into a list", what, yaml_tag_name(list));
        return 0;
    }
    if (list->item_count > most) {
        option_fault(rd, list, "%s: %zu are too many, %zu at most", what, list->item_count, most);
        return 0;
    }
    return list->item_count;
}

/* ---- The sections ---- */

static const struct option root_rows[] = {
    ROW("global", CUSTOM, OF(am_node_custom)),
    ROW("route", CUSTOM, OF(am_node_custom)),
    ROW("inhibit_rules", CUSTOM, OF(am_node_custom)),
    ROW("receivers", CUSTOM, OF(am_node_custom)),
    ROW("templates", FILES),
    ROW("mute_time_intervals", CUSTOM, OF(am_node_custom)),
    ROW("time_intervals", CUSTOM, OF(am_node_custom)),
    ROW("event_recorder", STRUCT, OF(am_events_type)),
    ROW("tracing", STRUCT, OF(prom_tracing_type), .flags = OPTION_UNSUPPORTED),
};
static const struct option_type root_type = SLOTS("config.plain", root_rows, NULL);

static const struct option inhibit_rows[] = {
    ROW("name", STR),
    ROW("source_match", CUSTOM, OF(am_node_custom)),
    ROW("source_match_re", CUSTOM, OF(am_node_custom)),
    ROW("source_matchers", CUSTOM, OF(am_node_custom)),
    ROW("target_match", CUSTOM, OF(am_node_custom)),
    ROW("target_match_re", CUSTOM, OF(am_node_custom)),
    ROW("target_matchers", CUSTOM, OF(am_node_custom)),
    ROW("equal", STRS),
};
static const struct option_type inhibit_type = SLOTS("config.plain", inhibit_rows, NULL);

struct reading {
    struct option_reader rd;
    struct am_config *config;
    const void *root;
};

static const struct yaml_node *section(const struct reading *reading, const char *key)
{
    return option_slot_ptr(&root_type, reading->root, key);
}

static void read_inhibit_rules(struct reading *reading)
{
    struct option_reader *rd = &reading->rd;
    const struct yaml_node *list = section(reading, "inhibit_rules");
    size_t count = am_list_count(rd, list, RULES_MAX, "inhibit_rules");

    reading->config->inhibit_rules = ARENA_ARRAY(rd->arena, struct am_inhibit_rule, count);
    reading->config->inhibit_rule_count = count;
    for (size_t i = 0; i < count; i++) {
        struct am_inhibit_rule *rule = &reading->config->inhibit_rules[i];
        const struct yaml_node *node = list->items[i];
        bool good = true;
        const void *text = option_read(rd, &inhibit_type, node, &good);

        rule->name = option_slot_str(&inhibit_type, text, "name");
        rule->equal = option_slot_strs(&inhibit_type, text, "equal");
        am_matchers_read(rd, node, "source_matchers", "source_match", "source_match_re",
                         &rule->source);
        am_matchers_read(rd, node, "target_matchers", "target_match", "target_match_re",
                         &rule->target);
        for (size_t k = 0; k < rule->equal.count; k++) {
            if (rule->equal.items[k].len == 0) {
                option_fault_key(rd, node, "equal", "invalid label name \"\" in equal list");
            }
        }
    }
}

/* A type of one kind's lists: made of the kinds, so that a receiver's table cannot lack one. */
static const struct option_type *receiver_type(struct option_reader *rd)
{
    struct option *rows = ARENA_ARRAY(rd->arena, struct option, am_kind_count + 2);
    struct option_type *type = ARENA_NEW(rd->arena, struct option_type);

    rows[0] = (struct option)ROW("name", STR);
    for (size_t i = 0; i < am_kind_count; i++) {
        rows[i + 1] = (struct option){.key = am_kinds[i].key,
                                      .kind = OPTION_LIST,
                                      .detail = am_kinds[i].type,
                                      .null_fault = "an item of this list is a mapping"};
    }
    rows[am_kind_count + 1] = (struct option)ROW("labels", PAIRS);
    *type = (struct option_type){.name = "config.plain",
                                 .rows = rows,
                                 .count = am_kind_count + 2,
                                 .place_offset = OPTION_NO_PLACE};
    return type;
}

/* Slot 0 of a receiver is its name, slot i + 1 the list of kind i, the last its labels. */
union receiver_slot {
    str name;
    struct option_list list;
    struct conf_pairs labels;
};
STATIC_ASSERT(sizeof(union receiver_slot) == OPTION_SLOT_BYTES, "a slot of a table");

/* The client's settings: the integration's own, else the global ones, else NULL. */
static const struct prom_http *http_of(const struct reading *reading, const struct am_kind *kind,
                                       const void *options)
{
    const struct prom_http *own =
        kind->has_http ? option_slot_ptr(kind->type, options, "http_config") : NULL;

    return own != NULL || !kind->has_http
               ? own
               : option_slot_ptr(&am_global_type, reading->config->global, "http_config");
}

/* A receiver's labels are for those who list receivers; `name` is always one of them. */
static struct labels receiver_labels(struct option_reader *rd, const struct yaml_node *node,
                                     str name, struct conf_pairs own)
{
    struct label *items = ARENA_ARRAY(rd->arena, struct label, own.count + 1);
    size_t count = 0;

    items[count++] = (struct label){STR("name"), name};
    for (size_t i = 0; i < own.count; i++) {
        if (!str_is(own.items[i].name, "name")) {
            items[count++] = (struct label){own.items[i].name, own.items[i].value};
        } else if (!str_eq(own.items[i].value, name)) {
            option_fault_key(
                rd, node, "labels",
                "receiver label \"name\" must match receiver name \"%.*s\", got \"%.*s\"",
                STR_ARG(name), STR_ARG(own.items[i].value));
        }
    }
    labels_sort(items, count);
    return (struct labels){items, count};
}

static void read_receiver(struct reading *reading, const struct option_type *type,
                          const struct yaml_node *node, struct am_receiver *ret)
{
    struct option_reader *rd = &reading->rd;
    VEC(struct am_integration) found = {0};
    bool good = true;
    const void *text = option_read(rd, type, node, &good);
    const union receiver_slot *lists = text;
    struct am_integration *items;

    ret->name = option_slot_str(type, text, "name");
    if (good && ret->name.len == 0) {
        option_fault(rd, node, "missing name in receiver");
    }
    ret->labels = receiver_labels(rd, node, ret->name, lists[am_kind_count + 1].labels);
    for (size_t i = 0; i < am_kind_count && good; i++) {
        const struct yaml_node *list = yaml_get(node, str_from(am_kinds[i].key));

        for (size_t k = 0; !yaml_is_null(list) && k < list->item_count; k++) {
            void *options = lists[i + 1].list.items[k];

            am_kinds[i].finish(rd, reading->config->global, options, list->items[k]);
            vec_push(&found,
                     (struct am_integration){.kind = &am_kinds[i],
                                             .options = options,
                                             .http = http_of(reading, &am_kinds[i], options)});
        }
    }
    items = ARENA_ARRAY(rd->arena, struct am_integration, found.count);
    if (found.count > 0) {
        memcpy(items, found.items, found.count * sizeof(*items));
    }
    ret->integrations = items;
    ret->count = found.count;
    vec_done(&found);
}

static void read_receivers(struct reading *reading, struct map *names)
{
    struct option_reader *rd = &reading->rd;
    const struct yaml_node *list = section(reading, "receivers");
    const struct option_type *type = receiver_type(rd);
    size_t count = am_list_count(rd, list, RECEIVERS_MAX, "receivers");

    reading->config->receivers = ARENA_ARRAY(rd->arena, struct am_receiver, count);
    reading->config->receiver_count = count;
    for (size_t i = 0; i < count; i++) {
        struct am_receiver *receiver = &reading->config->receivers[i];

        read_receiver(reading, type, list->items[i], receiver);
        if (receiver->name.len > 0 && map_put(names, receiver->name, receiver) != NULL) {
            option_fault_key(rd, list->items[i], "name",
                             "notification config name \"%.*s\" is not unique",
                             STR_ARG(receiver->name));
        }
    }
}

static void read_interval_list(struct reading *reading, const struct yaml_node *list, size_t count,
                               const char *what, struct map *names)
{
    struct am_config *config = reading->config;

    for (size_t i = 0; i < count; i++) {
        struct am_interval *interval = &config->intervals[config->interval_count];

        if (!am_interval_read(&reading->rd, list->items[i], interval)) {
            continue;
        }
        config->interval_count++;
        if (interval->name.len == 0) {
            option_fault(&reading->rd, list->items[i], "missing name in %s", what);
        } else if (map_put(names, interval->name, interval) != NULL) {
            option_fault_key(&reading->rd, list->items[i], "name", "%s \"%.*s\" is not unique",
                             what, STR_ARG(interval->name));
        }
    }
}

static void read_intervals(struct reading *reading, struct map *names)
{
    struct option_reader *rd = &reading->rd;
    const struct yaml_node *mute = section(reading, "mute_time_intervals");
    const struct yaml_node *plain = section(reading, "time_intervals");
    size_t mute_count = am_list_count(rd, mute, INTERVALS_MAX, "mute_time_intervals");
    size_t plain_count = am_list_count(rd, plain, INTERVALS_MAX, "time_intervals");

    reading->config->intervals =
        ARENA_ARRAY(rd->arena, struct am_interval, mute_count + plain_count);
    read_interval_list(reading, mute, mute_count, "mute time interval", names);
    read_interval_list(reading, plain, plain_count, "time interval", names);
}

/* ---- What refers to names ---- */

static void check_intervals(struct option_reader *rd, const struct am_route *route, const char *key,
                            struct conf_strs names, const struct map *known)
{
    const struct yaml_node *list = yaml_get(route->node, str_from(key));

    for (size_t i = 0; i < names.count; i++) {
        if (map_get(known, names.items[i]) == NULL) {
            option_fault(rd, list->items[i], "undefined time interval \"%.*s\" used in route",
                         STR_ARG(names.items[i]));
        }
    }
}

static void check_route(struct option_reader *rd, const struct am_route *route,
                        const struct map *receivers, const struct map *intervals)
{
    const struct yaml_node *own = yaml_get(route->node, STR("receiver"));

    /* What is inherited was judged where it stands. */
    if (!yaml_is_null(own) && route->receiver.len > 0 &&
        map_get(receivers, route->receiver) == NULL) {
        option_fault(rd, own, "undefined receiver \"%.*s\" used in route",
                     STR_ARG(route->receiver));
    }
    check_intervals(rd, route, "mute_time_intervals", route->mute_time_intervals, intervals);
    check_intervals(rd, route, "active_time_intervals", route->active_time_intervals, intervals);
    for (size_t i = 0; i < route->count; i++) {
        check_route(rd, route->routes[i], receivers, intervals);
    }
}

static void read_config(struct reading *reading, const struct yaml_node *tree)
{
    struct option_reader *rd = &reading->rd;
    struct am_config *config = reading->config;
    const struct yaml_node *global;
    const struct yaml_node *route;
    struct map receivers = {0};
    struct map intervals = {0};
    bool good = true;

    reading->root = option_read(rd, &root_type, tree, &good);
    global = section(reading, "global");
    config->global = global != NULL ? option_read(rd, &am_global_type, global, &good)
                                    : option_new(rd, &am_global_type);
    config->templates = option_slot_strs(&root_type, reading->root, "templates");
    read_inhibit_rules(reading);
    read_receivers(reading, &receivers);
    read_intervals(reading, &intervals);
    route = section(reading, "route");
    config->route = route != NULL ? am_route_read(rd, route, NULL) : NULL;
    if (route == NULL) {
        option_fault(rd, tree, "no route provided in config");
    } else if (config->route != NULL) {
        am_route_check_root(rd, config->route);
        check_route(rd, config->route, &receivers, &intervals);
    }
    map_done(&receivers);
    map_done(&intervals);
}

static str directory_of(struct arena *arena, str path)
{
    size_t len = path.len;

    while (len > 0 && path.ptr[len - 1] != '/') {
        len--;
    }
    return len == 0   ? STR(".")
           : len == 1 ? STR("/")
                      : arena_str(arena, str_slice(path, 0, len - 1));
}

int am_config_parse(str path, str text, struct am_config **ret, struct faults *faults)
{
    struct am_config *config = mem_alloc_zero(sizeof(*config));
    const struct yaml_node *tree = NULL;
    struct baro_error err = {0};
    uint32_t before = faults->total;
    str file = arena_str(&config->arena, path);
    struct reading reading = {.rd = {.arena = &config->arena,
                                     .file = file.ptr,
                                     .dir = directory_of(&config->arena, file),
                                     .faults = faults,
                                     .unsupported = &config->unsupported},
                              .config = config};

    *ret = NULL;
    if (yaml_parse(&config->arena, text, &tree, &err) < 0) {
        (void)faults_add(faults, err.code, file.ptr, err.line, err.column, "%s", err.message);
    } else if (yaml_is_null(tree)) {
        option_fault(&reading.rd, tree, "no route provided in config");
    } else {
        read_config(&reading, tree);
    }
    if (faults->total == before) {
        *ret = config;
        return 0;
    }
    (void)am_config_free(config);
    return before < faults->count ? faults->items[before].code : BARO_EINVALID;
}

struct am_config *am_config_free(struct am_config *config)
{
    if (config == NULL) {
        return NULL;
    }
    if (config->route != NULL) {
        am_route_done(config->route);
    }
    for (size_t i = 0; i < config->inhibit_rule_count; i++) {
        am_matchers_done(&config->inhibit_rules[i].source);
        am_matchers_done(&config->inhibit_rules[i].target);
    }
    vec_done(&config->unsupported);
    arena_done(&config->arena);
    return mem_free(config);
}
