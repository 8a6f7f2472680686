/*
 * am_route: the routing tree. A label set goes to the deepest routes that match; siblings after a
 * match are tried only when it says `continue`. What a route does not set it has from its parent.
 * Immutable once read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "alerting/am_matcher.h"
#include "base/dur.h"
#include "base/str.h"
#include "base/vec.h"
#include "conf/prom_config.h"
#include "model/labels.h"

struct am_route {
    const struct am_route *parent; /* NULL = this is the root */
    str receiver;
    struct conf_strs group_by;
    bool group_by_all; /* '...' */
    dur group_wait;
    dur group_interval;
    dur repeat_interval;
    struct conf_strs mute_time_intervals; /* this route's own; they are not inherited */
    struct conf_strs active_time_intervals;
    am_matchers matchers; /* sorted */
    struct labels labels; /* templates; with those of its parents */
    bool continues;
    str key; /* {}/{a="b"}: stable as long as the matchers on the way are */
    struct am_route **routes;
    size_t count;
    const struct yaml_node *node;
};

typedef VEC(const struct am_route *) am_routes;

/* am_route_match appends the routes that a label set reaches, in order; none when the root's
 * matchers refuse it. */
void am_route_match(const struct am_route *root, struct labels labels, am_routes *ret);

/* am_route_done releases what the tree's matchers compiled. */
void am_route_done(struct am_route *route);
