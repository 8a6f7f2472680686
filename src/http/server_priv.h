/* server_priv: what the parts of http/server share; server_mhd.h adds what speaks with
 * libmicrohttpd. */
#pragma once

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>

#include "base/lock.h"
#include "http/server.h"
#include "http/server_web_priv.h"

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

/* What finds most routes without looking at them all. */
struct server_routes;
struct server_routes *server_routes_new(const struct http_route *routes, size_t count);
struct server_routes *server_routes_free(struct server_routes *table);

/* server_routes_get is server_route_find with a table's routes, but that `methods` may lack some
 * when a route is found. */
struct server_match server_routes_get(const struct server_routes *table, enum http_method method,
                                      str path);

/* server_method reads a method's name; HTTP_METHOD_COUNT when it is not known. */
enum http_method server_method(const char *name);

/* server_accepts_gzip reads an Accept-Encoding header (RFC 9110, 12.5.3). */
bool server_accepts_gzip(str accept_encoding);

/* server_target_split finds path and query of a target; of one in absolute form, behind scheme and
 * authority. */
void server_target_split(str target, str *ret_path, str *ret_query);

/* ---- server_pool.c: the query pool ---- */

struct pool_client;

/* Embedded in what shall be run. Who asks for it, which is what threads and queue are shared by:
 * the address, and at an address the user; both live until the job has run. */
struct server_job {
    struct server_job *next;
    struct pool_client *client;
    void (*run)(struct server_job *job);
    str address;
    str user;
};

struct server_pool;

/* server_pool_new makes a pool of so many threads at most: they are started as jobs come. */
struct server_pool *server_pool_new(uint32_t thread_count, uint32_t queue_max,
                                    struct baro_error *err);

/* server_pool_add queues a job; false when the queue, or what the client may have of it, is full,
 * or the pool stops. The job is run exactly once, on a pool thread. */
bool server_pool_add(struct server_pool *pool, struct server_job *job);

/* server_pool_load tells how many jobs run and wait. */
void server_pool_load(struct server_pool *pool, uint64_t *ret_running, uint64_t *ret_waiting);

/* server_pool_stop runs what is queued and ends the threads; later jobs are refused. */
void server_pool_stop(struct server_pool *pool);

/* server_pool_free stops, if that has not been done, and releases. */
struct server_pool *server_pool_free(struct server_pool *pool);

/* ---- connections and requests ---- */

enum { SERVER_LISTENERS_MAX = 64, SERVER_THREADS_MAX = 16, SERVER_PACKERS_MAX = 64 };

struct MHD_Connection;
struct MHD_Daemon;

/* What the client is waited for; the sweeper closes the socket when the time is over. */
enum server_phase { PHASE_HEADER, PHASE_BODY, PHASE_RUNNING, PHASE_WRITING, PHASE_IDLE };

struct server_exchange;

struct server_connection {
    struct server_connection *previous; /* lock: server.lock, as next */
    struct server_connection *next;
    struct server_exchange *exchange; /* lock: server.lock; the request that is on it */
    int fd;
    bool is_shut; /* lock: server.lock */
    _Atomic enum server_phase phase;
    _Atomic int64_t deadline; /* mono; 0 = none */
    struct server_web *web;   /* of its TLS; NULL without */
    void *tls_session;        /* likewise */
    char client[INET6_ADDRSTRLEN];
};

enum server_state {
    STATE_NEW,     /* the request line is there */
    STATE_BODY,    /* headers are there and accepted */
    STATE_RUNNING, /* on the query pool; the connection is suspended */
    STATE_DONE,    /* the response is ready */
    STATE_SENT,
    STATE_STREAMING, /* the response's body comes over time */
    STATE_DISCARD,   /* refused in the middle of its body */
};

/* A connection whose source has nothing is suspended until somebody wakes it. */
struct http_stream {
    struct http_stream_source source; /* read == NULL: the response is no stream */
    struct MHD_Connection *mhd;
    struct lock lock;
    bool is_woken;     /* lock: stream.lock; since the source was asked */
    bool is_suspended; /* lock: stream.lock */
};

/* One request and its response. */
struct server_exchange {
    struct server_job job; /* first: the pool hands it back */
    struct http_server *server;
    struct server_connection *connection;
    struct MHD_Connection *mhd;
    struct arena arena;
    struct http_request request;
    struct http_response response;
    struct http_stream stream;
    struct server_web *web; /* NULL = no web configuration */
    enum server_verdict verdict;
    struct buf body;
    str target;
    size_t discard_left;
    mono begin;
    _Atomic enum server_state state;
    _Atomic bool cancel;
};

struct http_server {
    struct http_server_options options;
    int listeners[SERVER_LISTENERS_MAX];
    uint16_t ports[SERVER_LISTENERS_MAX];
    size_t listener_count;
    int wake; /* eventfd: the accept thread has something to look at */
    pthread_t accept_thread;
    bool accept_started;
    struct MHD_Daemon *daemons[SERVER_THREADS_MAX];
    size_t daemon_count;
    size_t daemon_next; /* accept thread only */
    struct server_routes *routes;
    struct server_pool *pool;
    bool stopped;
    _Atomic bool stopping; /* no more connections are accepted */
    _Atomic bool ending;   /* the accept thread shall end */
    bool has_tls;
    mono
        web_looked; /* accept thread only: when the files of the web configuration were looked at */

    struct lock lock;
    struct server_connection *connections; /* lock: server.lock, as all below */
    struct server_connection **by_fd;
    size_t by_fd_count;
    struct gzip *packers[SERVER_PACKERS_MAX];
    size_t packer_count;
    struct server_web *web; /* NULL = no web configuration */

    _Atomic size_t body_bytes; /* of all requests */
    _Atomic uint64_t counts[sizeof(struct http_server_stats) / sizeof(uint64_t)];
};

/* The counter of a field of struct http_server_stats; relaxed: each stands for itself. */
#define SERVER_COUNT(server, field, amount)                                                        \
    atomic_fetch_add_explicit(                                                                     \
        &(server)->counts[offsetof(struct http_server_stats, field) / sizeof(uint64_t)],           \
        (uint64_t)(amount), memory_order_relaxed)

static inline mono server_now(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * MONO_PER_SECOND + now.tv_nsec;
}

static inline void server_set_phase(struct server_connection *connection, enum server_phase phase,
                                    mono deadline)
{
    atomic_store_explicit(&connection->phase, phase, memory_order_relaxed);
    atomic_store_explicit(&connection->deadline, deadline, memory_order_relaxed);
}

/* server_admit gives a fresh connection to the next event thread, which closes it; false when it
 * could not. */
bool server_admit(struct http_server *server, int fd, const struct sockaddr_storage *address,
                  socklen_t address_bytes);

/* server_connection_free forgets a connection that is closed. */
void server_connection_free(struct http_server *server, struct server_connection *connection);

/* server_accept_loop is the accept thread: new connections, deadlines, clients that left; it ends
 * when server->ending is set. The argument is the server. */
void *server_accept_loop(void *server);

void server_close_listeners(struct http_server *server);

/* server_web_current is the web configuration with a reference of its own; NULL without. */
struct server_web *server_web_current(struct http_server *server);

/* ---- server_stream.c: bodies that come over time ---- */

/* server_stream_read is called by libmicrohttpd when the client has taken what it was given before;
 * the context is the exchange. */
ssize_t server_stream_read(void *context, uint64_t position, char *ret, size_t size);

/* server_stream_end tells the source that the response is over. */
void server_stream_end(struct http_stream *stream);

/* server_streams_end: the server stops: those that rest end well, those whose client is slow are
 * cut. */
void server_streams_end(struct http_server *server);
