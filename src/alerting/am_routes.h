/* am_routes: the routing tree as JSON, for people who want to see where an alert would go. */
#pragma once

#include "alerting/am.h"
#include "alerting/am_route.h"
#include "codec/json_write.h"

/*
 * am_routes_write writes {"tree":{...},"reached":[keys]} of the running configuration: every route
 * with what it has from its parents, and the keys of those that the labels reach, in order. false,
 * and nothing written, when there is no configuration. Any thread.
 */
bool am_routes_write(struct am *am, struct labels labels, struct json_writer *json);

/* am_routes_write_tree is the same of a tree. */
void am_routes_write_tree(const struct am_route *root, struct labels labels,
                          struct json_writer *json);
