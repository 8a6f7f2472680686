/*
 * demo_servers: the Redis and PostgreSQL of `barograph demo`: Debian's own programs on free
 * loopback ports, started where they are installed, with data in the demo's directory. They have no
 * passwords: who may use this host's loopback may look into the demo.
 */
#pragma once

#include "app/demo_process.h"
#include "base/arena.h"

/* Each starts the server and gives its URL, in the arena. BARO_ENOTFOUND when it is not installed;
 * other failures say where the log is. `port` is a free one. */
int demo_redis_start(struct demo_process *process, struct arena *arena, const char *data,
                     uint16_t port, str *ret_url, struct baro_error *err);

/* PostgreSQL refuses to run as root, so root starts it as the user of Debian's package, who then
 * must be able to reach `data`. */
int demo_postgres_start(struct demo_process *process, struct arena *arena, const char *data,
                        uint16_t port, str *ret_url, struct baro_error *err);
