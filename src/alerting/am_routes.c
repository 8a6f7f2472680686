#include "alerting/am_routes.h"

#include "alerting/am_priv.h"
#include "base/dur.h"

static void write_names(struct json_writer *json, str key, const struct conf_strs *names)
{
    json_write_key(json, key);
    json_write_array_begin(json);
    for (size_t i = 0; i < names->count; i++) {
        json_write_str(json, names->items[i]);
    }
    json_write_array_end(json);
}

static void write_dur(struct json_writer *json, str key, dur d)
{
    struct buf text = {0};

    dur_format(&text, d);
    json_write_pair_str(json, key, buf_view(&text));
    buf_done(&text);
}

static void write_route(struct json_writer *json, const struct am_route *route)
{
    struct buf matchers = {0};

    am_matchers_format(&matchers, &route->matchers);
    json_write_object_begin(json);
    json_write_pair_str(json, STR("key"), route->key);
    json_write_pair_str(json, STR("receiver"), route->receiver);
    json_write_pair_str(json, STR("matchers"), buf_view(&matchers));
    json_write_pair_bool(json, STR("continue"), route->continues);
    json_write_pair_bool(json, STR("groupByAll"), route->group_by_all);
    write_names(json, STR("groupBy"), &route->group_by);
    write_dur(json, STR("groupWait"), route->group_wait);
    write_dur(json, STR("groupInterval"), route->group_interval);
    write_dur(json, STR("repeatInterval"), route->repeat_interval);
    write_names(json, STR("muteTimeIntervals"), &route->mute_time_intervals);
    write_names(json, STR("activeTimeIntervals"), &route->active_time_intervals);
    json_write_key(json, STR("routes"));
    json_write_array_begin(json);
    for (size_t i = 0; i < route->count; i++) {
        /* As deep as the YAML reader lets a file be. */
        write_route(json, route->routes[i]);
    }
    json_write_array_end(json);
    json_write_object_end(json);
    buf_done(&matchers);
}

void am_routes_write_tree(const struct am_route *root, struct labels labels,
                          struct json_writer *json)
{
    am_routes reached = {0};

    json_write_object_begin(json);
    json_write_key(json, STR("tree"));
    write_route(json, root);
    json_write_key(json, STR("reached"));
    json_write_array_begin(json);
    am_route_match(root, labels, &reached);
    for (size_t i = 0; i < reached.count; i++) {
        json_write_str(json, reached.items[i]->key);
    }
    json_write_array_end(json);
    json_write_object_end(json);
    vec_done(&reached);
}

bool am_routes_write(struct am *am, struct labels labels, struct json_writer *json)
{
    struct am_setup *setup;

    lock_acquire(&am->lock);
    setup = am->setup != NULL ? am_setup_ref(am->setup) : NULL;
    lock_release(&am->lock);
    if (setup == NULL) {
        return false;
    }
    am_routes_write_tree(setup->config->route, labels, json);
    lock_acquire(&am->lock);
    am_setup_unref(setup);
    lock_release(&am->lock);
    return true;
}
