/*
 * server: HTTP/1.1 over libmicrohttpd. One thread accepts on all addresses and enforces the limits
 * on connections and time; as many event threads as cores move bytes and run short handlers; routes
 * marked `blocking` run on a bounded pool of query threads, and are answered 503 when its queue is
 * full. Bodies are gzipped when the client asks for it and it pays. Whatever arrives is bounded:
 * connections, header, body and URL sizes, and the time a client may take for each of them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"
#include "http/server_web.h"

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_PATCH,
    HTTP_OPTIONS,
    HTTP_METHOD_COUNT,
};

/* http_method_name is "GET" and so on. */
const char *http_method_name(enum http_method method);

struct http_route;

/* What a handler is given. Strings live as long as the handler runs. */
struct http_request {
    enum http_method
        method; /* HTTP_HEAD runs the handler of HTTP_GET; the body is left out later */
    str path;   /* as sent, without prefix and query: escapes not undone */
    str param;  /* what ":name" of the route's path stands for, escapes not undone */
    str query;  /* behind '?', escapes not undone */
    str body;
    str client;                 /* address without port */
    struct arena *arena;        /* of this request */
    const _Atomic bool *cancel; /* becomes true when the client is gone or the server stops */
    const struct http_route *route;
    bool brief;        /* on an event thread: set response->again rather than take long */
    dur write_timeout; /* the server's */
    void *connection;  /* the server's */
};

/* http_request_header returns a header's value, ptr NULL when it is absent. Only while the handler
 * runs. */
str http_request_header(const struct http_request *request, const char *name);

/* http_accepts_gzip is whether the client takes a body packed by gzip. */
bool http_accepts_gzip(const struct http_request *request);

enum { HTTP_RESPONSE_HEADERS_MAX = 12 };

/* A zeroed response but for status 200; the server takes the body over and releases it. A body with
 * a header Content-Encoding is sent as it is. */
struct http_response {
    int status;
    const char *content_type; /* a constant; NULL = none */
    struct buf body;
    str constant_body; /* sent instead of body when ptr is not NULL; lives for ever */
    struct {
        const char *name;  /* a constant */
        const char *value; /* a constant or in the request's arena */
    } headers[HTTP_RESPONSE_HEADERS_MAX];
    size_t header_count;
    bool again; /* of a brief request: what is here is dropped, and the handler runs anew on the
                   query pool */
};

/* http_response_header adds a header; more than HTTP_RESPONSE_HEADERS_MAX is a mistake of ours. */
void http_response_header(struct http_response *response, const char *name, const char *value);

struct http_stream;

/* What a source returns when there is nothing more: that was all, or the connection is to be broken
 * off, so that the client does not take the part for the whole. */
enum { HTTP_STREAM_END = -1, HTTP_STREAM_BROKEN = -2 };

/*
 * A body that comes over time. `read` copies what there is to send, at most `size` bytes, and
 * returns how much; 0 = nothing now: it is asked again after http_stream_wake; else HTTP_STREAM_END
 * or HTTP_STREAM_BROKEN. `done` comes once, when the response is over for whatever reason: the
 * stream is gone then. Both run on an event thread, and must be quick. When the server stops, the
 * body ends.
 */
struct http_stream_source {
    ptrdiff_t (*read)(void *context, char *ret, size_t size);
    void (*done)(void *context);
    void *context;
};

/* http_response_stream gives the response such a body; only while its handler runs. */
struct http_stream *http_response_stream(struct http_request *request,
                                         const struct http_stream_source *source);

/* http_stream_wake has the source be asked. Any thread, until `done` has been called. */
void http_stream_wake(struct http_stream *stream);

/* http_write_time is how long a client may take for so many bytes, given a server's write_timeout.
 */
dur http_write_time(dur write_timeout, size_t bytes);

/* http_response_text makes the response a line of text/plain with that status. */
void http_response_text(struct http_response *response, int status, const char *format, ...)
    PRINTF_LIKE(3, 4);

typedef void http_handler(void *context, struct http_request *request,
                          struct http_response *response);

/*
 * A path is literal ("/api/v1/query"), has one segment that begins with ':' and matches any one
 * segment ("/api/v1/label/:name/values"), or ends in '*' and matches every tail: the longest such
 * path wins. A lone star below "/" is the fallback: it makes no method known to paths that have
 * none, and answers no path that has other methods.
 */
struct http_route {
    enum http_method method;
    const char *path;
    http_handler *handler;
    bool blocking; /* runs on the query pool */
};

/* Zero in any field but addresses and routes means the default. */
struct http_server_options {
    const char *const *addresses; /* "host:port", "[::1]:port", ":port"; port 0 picks one */
    size_t address_count;
    const struct http_route *routes; /* kept */
    size_t route_count;
    void *context;                       /* of the handlers */
    const char *prefix;                  /* before every path, "/prom"; NULL or "" = none; kept */
    uint32_t thread_count;               /* event threads; default: cores, at most 16 */
    uint32_t query_thread_count;         /* default 20 */
    uint32_t query_queue_max;            /* requests that wait; default 1,000 */
    uint32_t connections_max;            /* default 512 */
    uint32_t connections_per_client_max; /* by address; default 3/4 of connections_max */
    size_t header_bytes_max;             /* request line and headers; default 16 KiB */
    size_t body_bytes_max;               /* default 10 MiB; more is answered 413 */
    size_t body_bytes_total_max;         /* of all requests at once; default 256 MiB; then 503 */
    dur header_timeout; /* from the first byte of a request to the end of its headers; default 10 s
                         */
    dur body_timeout;   /* from there to the end of the body; default 30 s */
    dur idle_timeout;   /* between requests; default 5 min */
    dur write_timeout;  /* to take the response, and 1 s more for each 64 KiB; default 60 s */
    dur stop_timeout;   /* that running requests are given at http_server_stop; default 5 s */

    struct server_web *web; /* TLS, passwords, headers; NULL = none. It follows its files */

    /* Whether a request of a blocking route is so short that it may run where it arrived
     * (request->brief); NULL = none is. Event threads. */
    bool (*is_short)(void *context, const struct http_request *request);

    /* Called once for each answered request, on any thread: route is NULL when none matched. */
    void (*observe)(void *context, const struct http_route *route, int status, double seconds,
                    size_t body_bytes);
};

struct http_server;

/*
 * http_server_start listens and serves until http_server_stop. All addresses must be usable: fails
 * with -EADDRINUSE ("listen on 127.0.0.1:9090: port is taken ...") and the like.
 */
int http_server_start(const struct http_server_options *options, struct http_server **ret,
                      struct baro_error *err);

/* http_server_port is the port of the index-th address, as bound. */
uint16_t http_server_port(const struct http_server *server, size_t index);

/*
 * http_server_stop ends listening, waits stop_timeout for running requests, then cancels them and
 * closes all connections. The handlers' context is not used any more once it has returned.
 */
void http_server_stop(struct http_server *server);

/* http_server_free stops, if that has not been done, and releases. */
struct http_server *http_server_free(struct http_server *server);
DEFINE_CLEANUP(http_server_free, struct http_server)

/* Counters since the start but for *_open, *_running and *_waiting, which are now. */
struct http_server_stats {
    uint64_t connections_open;
    uint64_t connections_accepted;
    uint64_t connections_refused;        /* connections_max was reached */
    uint64_t connections_client_refused; /* connections_per_client_max was reached */
    uint64_t accept_failed;              /* out of file descriptors and the like */
    uint64_t closed_slow_header;         /* a client took too long */
    uint64_t closed_slow_body;
    uint64_t closed_slow_reader;
    uint64_t closed_idle;
    uint64_t refused_bad_request;  /* malformed request line, headers or framing that got to us */
    uint64_t refused_body_size;    /* 413 */
    uint64_t refused_body_memory;  /* 503, body_bytes_total_max */
    uint64_t refused_queue_full;   /* 503, query_queue_max */
    uint64_t refused_unauthorized; /* 401 */
    uint64_t refused_rate;         /* 429, rate_limit of the web configuration */
    uint64_t web_config_failed;    /* changed files of the web configuration that were no good */
    uint64_t canceled_client_gone; /* the client left while its request ran */
    uint64_t requests;
    uint64_t requests_open;
    uint64_t queries_running;
    uint64_t queries_waiting;
};
void http_server_stats(struct http_server *server, struct http_server_stats *ret);
