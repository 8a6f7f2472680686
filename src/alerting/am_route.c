#include "alerting/am_route.h"

#include "base/text.h"
#include "alerting/am_config_priv.h"
#include "codec/regex.h"

enum { ROUTES_MAX = 100000 };

struct route_text {
    str receiver;
    struct conf_strs group_by;
    const struct yaml_node *match;
    const struct yaml_node *match_re;
    const struct yaml_node *matchers;
    bool continues;
    dur group_wait;
    dur group_interval;
    dur repeat_interval;
    struct conf_strs mute;
    struct conf_strs active;
    struct conf_pairs labels;
    const struct yaml_node *routes;
};

static const struct option route_rows[] = {
    ROW("receiver", STR, AT(struct route_text, receiver)),
    ROW("group_by", STRS, AT(struct route_text, group_by)),
    ROW("match", CUSTOM, AT(struct route_text, match), OF(am_node_custom)),
    ROW("match_re", CUSTOM, AT(struct route_text, match_re), OF(am_node_custom)),
    ROW("matchers", CUSTOM, AT(struct route_text, matchers), OF(am_node_custom)),
    ROW("continue", BOOL, AT(struct route_text, continues)),
    ROW("group_wait", DURATION, AT(struct route_text, group_wait)),
    ROW("group_interval", DURATION, AT(struct route_text, group_interval)),
    ROW("repeat_interval", DURATION, AT(struct route_text, repeat_interval)),
    ROW("mute_time_intervals", STRS, AT(struct route_text, mute)),
    ROW("active_time_intervals", STRS, AT(struct route_text, active)),
    ROW("labels", PAIRS, AT(struct route_text, labels)),
    ROW("routes", CUSTOM, AT(struct route_text, routes), OF(am_node_custom)),
};
static const struct option_type route_type = {.name = "config.plain",
                                              .size = sizeof(struct route_text),
                                              .rows = route_rows,
                                              .count = ARRAY_COUNT(route_rows),
                                              .place_offset = OPTION_NO_PLACE};

/* ---- Matchers of a mapping ---- */

/* The expression is judged before the matcher anchors it again, for the message. */
static void add_regex(struct option_reader *rd, const struct yaml_node *node, str name, str value,
                      am_matchers *ret)
{
    CLEANUP(regex_freep) struct regex *regex = NULL;
    struct baro_error err = {0};
    str anchored = arena_printf(rd->arena, "^(?:%.*s)$", STR_ARG(value));

    if (regex_new(anchored, false, &regex, &err) < 0 ||
        am_matchers_add(ret, rd->arena, MATCHER_REGEX, name, anchored, &err) < 0) {
        option_fault(rd, node, "%s", err.message);
    }
}

static void read_match_re(struct option_reader *rd, const struct yaml_node *map, am_matchers *ret)
{
    if (map == NULL || map->kind != YAML_KIND_MAPPING) {
        if (!yaml_is_null(map)) {
            option_fault(rd, map, "cannot unmarshal %s into config.MatchRegexps",
                         yaml_tag_name(map));
        }
        return;
    }
    for (size_t i = 0; i < map->pair_count; i++) {
        const struct yaml_pair *pair = &map->pairs[i];
        str name = STR("");
        str value = STR("");

        if (!option_text(rd, pair->key, &name)) {
            continue;
        }
        if (!label_name_is_legacy(name)) {
            option_fault(rd, pair->key, "invalid label name \"%.*s\"", STR_ARG(name));
        } else if (yaml_is_null(pair->value)) {
            option_fault(rd, pair->value, "invalid regexp value for \"%.*s\"", STR_ARG(name));
        } else if (option_text(rd, pair->value, &value)) {
            add_regex(rd, pair->value, name, value, ret);
        }
    }
}

static void read_match(struct option_reader *rd, const struct yaml_node *map, am_matchers *ret)
{
    struct baro_error err = {0};

    if (map == NULL || map->kind != YAML_KIND_MAPPING) {
        if (!yaml_is_null(map)) {
            option_fault(rd, map, "cannot unmarshal %s into map[string]string", yaml_tag_name(map));
        }
        return;
    }
    for (size_t i = 0; i < map->pair_count; i++) {
        const struct yaml_pair *pair = &map->pairs[i];
        str name = STR("");
        str value = STR("");

        if (!option_text(rd, pair->key, &name) || !option_text(rd, pair->value, &value)) {
            continue;
        }
        if (!label_name_is_legacy(name)) {
            option_fault(rd, pair->key, "invalid label name \"%.*s\"", STR_ARG(name));
        } else if (am_matchers_add(ret, rd->arena, MATCHER_EQUAL, name, value, &err) < 0) {
            option_fault(rd, pair->value, "%s", err.message);
        }
    }
}

void am_matchers_read(struct option_reader *rd, const struct yaml_node *node, const char *list_key,
                      const char *match_key, const char *match_re_key, am_matchers *ret)
{
    const struct yaml_node *list = yaml_get(node, str_from(list_key));

    read_match(rd, yaml_get(node, str_from(match_key)), ret);
    read_match_re(rd, yaml_get(node, str_from(match_re_key)), ret);
    list = yaml_is_null(list) ? NULL : list;
    for (size_t i = 0, n = am_list_count(rd, list, AM_MATCHERS_MAX, list_key); i < n; i++) {
        struct baro_error err = {0};
        str text = STR("");

        if (option_text(rd, list->items[i], &text) &&
            am_matchers_parse(rd->arena, text, ret, &err) < 0) {
            option_fault(rd, list->items[i], "%s", err.message);
        }
    }
    am_matchers_sort(ret);
}

/* ---- Reading ---- */

static void check_group_by(struct option_reader *rd, const struct yaml_node *node,
                           struct conf_strs names, bool *ret_all)
{
    for (size_t i = 0; i < names.count; i++) {
        str name = names.items[i];

        if (str_is(name, "...")) {
            *ret_all = true;
        } else if (name.len == 0 || !utf8_is_valid(name)) {
            option_fault_key(rd, node, "group_by", "invalid label name \"%.*s\" in group_by list",
                             STR_ARG(name));
        }
        for (size_t k = 0; k < i && !str_is(name, "..."); k++) {
            if (str_eq(names.items[k], name)) {
                option_fault_key(rd, node, "group_by", "duplicated label \"%.*s\" in group_by",
                                 STR_ARG(name));
            }
        }
    }
    if (*ret_all && names.count > 1) {
        option_fault_key(rd, node, "group_by",
                         "cannot have wildcard group_by (`...`) and other labels at the same time");
    }
}

static void check_not_zero(struct option_reader *rd, const struct yaml_node *node, const char *key,
                           dur value)
{
    if (am_key_is_set(node, key) && value == 0) {
        option_fault_key(rd, node, key, "%s cannot be zero", key);
    }
}

static void inherit(struct am_route *route, const struct route_text *text,
                    const struct yaml_node *node)
{
    const struct am_route *parent = route->parent;

    if (parent == NULL) {
        /* Alertmanager's defaults. */
        route->group_wait = (dur)30 * DUR_SECOND;
        route->group_interval = (dur)5 * DUR_MINUTE;
        route->repeat_interval = (dur)4 * DUR_HOUR;
    } else {
        route->receiver = parent->receiver;
        route->group_by = parent->group_by;
        route->group_by_all = parent->group_by_all;
        route->group_wait = parent->group_wait;
        route->group_interval = parent->group_interval;
        route->repeat_interval = parent->repeat_interval;
    }
    route->receiver = text->receiver.len > 0 ? text->receiver : route->receiver;
    if (am_key_is_set(node, "group_wait")) {
        route->group_wait = text->group_wait;
    }
    if (am_key_is_set(node, "group_interval")) {
        route->group_interval = text->group_interval;
    }
    if (am_key_is_set(node, "repeat_interval")) {
        route->repeat_interval = text->repeat_interval;
    }
}

/* The parent's labels, and this route's own in place of those of the same name. */
static void read_labels(struct option_reader *rd, const struct yaml_node *node,
                        struct conf_pairs own, struct am_route *route)
{
    struct labels above = route->parent != NULL ? route->parent->labels : (struct labels){0};
    struct label *items = ARENA_ARRAY(rd->arena, struct label, above.count + own.count);
    size_t count = 0;

    for (size_t i = 0; i < above.count; i++) {
        bool is_own = false;

        for (size_t k = 0; k < own.count && !is_own; k++) {
            is_own = str_eq(above.items[i].name, own.items[k].name);
        }
        if (!is_own) {
            items[count++] = above.items[i];
        }
    }
    for (size_t i = 0; i < own.count; i++) {
        if (own.items[i].name.len == 0 || !utf8_is_valid(own.items[i].name)) {
            option_fault_key(rd, node, "labels", "invalid label name \"%.*s\" in route labels",
                             STR_ARG(own.items[i].name));
        }
        items[count++] = (struct label){own.items[i].name, own.items[i].value};
    }
    labels_sort(items, count);
    route->labels = (struct labels){items, count};
}

static void set_key(struct option_reader *rd, struct am_route *route)
{
    struct buf key = {0};

    if (route->parent != NULL) {
        buf_str(&key, route->parent->key);
        buf_char(&key, '/');
    }
    am_matchers_format(&key, &route->matchers);
    route->key = text_take(rd->arena, &key);
}

static void read_routes(struct option_reader *rd, const struct yaml_node *list,
                        struct am_route *route)
{
    size_t count = am_list_count(rd, list, ROUTES_MAX, "routes");

    route->routes = ARENA_ARRAY(rd->arena, struct am_route *, count);
    for (size_t i = 0; i < count; i++) {
        struct am_route *child = am_route_read(rd, list->items[i], route);

        if (child != NULL) {
            route->routes[route->count++] = child;
        }
    }
}

/* As deep as the YAML tree may be (YAML_DEPTH_MAX). */
struct am_route *am_route_read(struct option_reader *rd, const struct yaml_node *node,
                               struct am_route *parent)
{
    struct am_route *route = ARENA_NEW(rd->arena, struct am_route);
    const struct route_text *text;
    bool all = false;
    bool good = true;

    if (yaml_is_null(node) || node->kind != YAML_KIND_MAPPING) {
        option_fault(rd, node, "a route is {receiver: NAME, matchers: [...], ...}");
        return NULL;
    }
    text = option_read(rd, &route_type, node, &good);
    *route = (struct am_route){.parent = parent,
                               .node = node,
                               .mute_time_intervals = text->mute,
                               .active_time_intervals = text->active,
                               .continues = text->continues};
    inherit(route, text, node);
    check_group_by(rd, node, text->group_by, &all);
    if (am_key_is_set(node, "group_by")) { /* [] is one group, whatever the parent has */
        route->group_by = all ? (struct conf_strs){0} : text->group_by;
        route->group_by_all = all;
    }
    check_not_zero(rd, node, "group_interval", text->group_interval);
    check_not_zero(rd, node, "repeat_interval", text->repeat_interval);
    am_matchers_read(rd, node, "matchers", "match", "match_re", &route->matchers);
    read_labels(rd, node, text->labels, route);
    set_key(rd, route);
    read_routes(rd, text->routes, route);
    return route;
}

void am_route_check_root(struct option_reader *rd, const struct am_route *root)
{
    const struct yaml_node *node = root->node;

    if (root->receiver.len == 0) {
        option_fault_key(rd, node, "receiver", "root route must specify a default receiver");
    }
    if (root->matchers.count > 0) {
        const char *key = am_key_is_set(node, "matchers")   ? "matchers"
                          : am_key_is_set(node, "match_re") ? "match_re"
                                                            : "match";

        option_fault_key(rd, node, key, "root route must not have any matchers");
    }
    if (root->mute_time_intervals.count > 0) {
        option_fault_key(rd, node, "mute_time_intervals",
                         "root route must not have any mute time intervals");
    }
    if (root->active_time_intervals.count > 0) {
        option_fault_key(rd, node, "active_time_intervals",
                         "root route must not have any active time intervals");
    }
    if (root->continues) {
        option_fault_key(rd, node, "continue", "cannot have continue in root route");
    }
}

/* ---- The tree ---- */

/* Returns whether the route matched. */
static bool match_route(const struct am_route *route, struct labels labels, am_routes *ret)
{
    bool any = false;

    if (!am_matchers_match(&route->matchers, labels)) {
        return false;
    }
    for (size_t i = 0; i < route->count; i++) {
        bool matched = match_route(route->routes[i], labels, ret);

        any |= matched;
        if (matched && !route->routes[i]->continues) {
            break;
        }
    }
    if (!any) {
        vec_push(ret, route);
    }
    return true;
}

void am_route_match(const struct am_route *root, struct labels labels, am_routes *ret)
{
    (void)match_route(root, labels, ret);
}

void am_route_done(struct am_route *route)
{
    am_matchers_done(&route->matchers);
    for (size_t i = 0; i < route->count; i++) {
        am_route_done(route->routes[i]);
    }
}
