/* server_priv: the parts of http/server that know nothing of libmicrohttpd. */
#pragma once

#include "base/lock.h"
#include "http/server.h"

/* ---- server_listen.c: addresses ---- */

/* server_listen makes a listening socket for "host:port", "[::1]:port" or ":port" (all interfaces,
 * both families where there are both), and tells the port that was bound. */
int server_listen(const char *address, int *ret_fd, uint16_t *ret_port, struct baro_error *err);

/* ---- server_route.c: which handler, which encoding ---- */

struct server_match {
    const struct http_route *route; /* NULL when none fits path and method */
    str param;
    uint32_t methods; /* bits of the methods that the path has, OPTIONS left out */
};

/* server_route_find looks a path up; `routes` may stand in any order. */
struct server_match server_route_find(const struct http_route *routes, size_t count,
                                      enum http_method method, str path);

/* server_method reads a method's name; HTTP_METHOD_COUNT when it is not known. */
enum http_method server_method(const char *name);

/* server_accepts_gzip reads an Accept-Encoding header (RFC 9110, 12.5.3). */
bool server_accepts_gzip(str accept_encoding);

/* server_target_path cuts scheme and authority of an absolute-form target and the query off. */
void server_target_split(str target, str *ret_path, str *ret_query);

/* ---- server_pool.c: the query pool ---- */

/* Embedded in what shall be run. */
struct server_job {
    struct server_job *next;
    void (*run)(struct server_job *job);
};

struct server_pool;

struct server_pool *server_pool_new(uint32_t thread_count, uint32_t queue_max,
                                    struct baro_error *err);

/* server_pool_add queues a job; false when the queue is full or the pool stops. The job is run
 * exactly once, on a pool thread. */
bool server_pool_add(struct server_pool *pool, struct server_job *job);

/* server_pool_load tells how many jobs run and wait. */
void server_pool_load(struct server_pool *pool, uint64_t *ret_running, uint64_t *ret_waiting);

/* server_pool_stop runs what is queued and ends the threads; later jobs are refused. */
void server_pool_stop(struct server_pool *pool);

/* server_pool_free stops, if that has not been done, and releases. */
struct server_pool *server_pool_free(struct server_pool *pool);
