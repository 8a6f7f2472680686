/* api_priv: what the handlers share. */
#pragma once

#include <stdatomic.h>

#include "api/api.h"
#include "base/map.h"
#include "base/vec.h"
#include "codec/json_write.h"
#include "codec/regex.h"
#include "http/form.h"
#include "promql/query_registry.h"

/* The kinds of errors of Prometheus's API, with their words and HTTP statuses. */
enum api_fault {
    API_BAD_DATA,
    API_CANCELED, /* 499, as nginx says it of a client that has left */
    API_DISABLED, /* by a flag */
    API_EXECUTION,
    API_INTERNAL,
    API_NOT_FOUND,
    API_TIMEOUT,
    API_UNAVAILABLE,
    API_FAULT_COUNT,
};

typedef VEC(str) api_strs;

/* One request. */
struct api_call {
    const struct api *api;
    const struct api_context *context;
    struct http_request *request;
    struct http_response *response;
    struct arena *arena;
    struct queryable *queryable; /* NULL while the WAL is replayed */
    struct form form;            /* of the body, then of the query string */
    uint64_t short_key;          /* 0 on a route whose requests are never short */
    struct json_writer json;     /* where the handler writes the value of "data" */
    enum api_fault fault;
    str message; /* of the fault; ptr NULL when there is none */
    api_strs warnings;
    api_strs infos;
};

/*
 * A handler writes its data to call->json and returns 0, or makes a fault with api_fail and returns
 * its negative result: what it has written is then dropped.
 */
typedef int api_json_handler(struct api_call *call);

enum api_kind {
    API_JSON,       /* the handler writes "data"; 503 until the store is ready */
    API_JSON_EARLY, /* likewise, but it answers during the replay as well */
    API_TEXT,       /* the handler fills the response; 503 until the store is ready */
    API_TEXT_EARLY,
};

typedef void api_text_handler(struct api_call *call);

struct api_route {
    enum http_method method;
    const char *path;
    enum api_kind kind;
    api_json_handler *json;
    api_text_handler *text;
    bool blocking;
    const char *help;
};

/* api_route_at is the row of a route that the server chose; NULL for none. */
const struct api_route *api_route_at(const struct api *api, const struct http_route *route);
size_t api_route_index(const struct api_route *route);
size_t api_route_count(void);
const struct api_route *api_routes(void);

/* api_fail makes the fault of a call; returns BARO_EINVALID. */
int api_fail(struct api_call *call, enum api_fault fault, const char *format, ...)
    PRINTF_LIKE(3, 4) COLD;

/* api_fail_query makes the fault that an error of the engine or the store is. */
int api_fail_query(struct api_call *call, const struct baro_error *err) COLD;

void api_warn(struct api_call *call, str warning);

/* For handlers of text: api_parse_form fills call->form; api_write_fault makes the response the
 * fault of the call. */
int api_parse_form(struct api_call *call, struct baro_error *err);
void api_write_fault(struct api_call *call);

/* What receivers of pushed samples unpack at most, as in Prometheus. */
#define API_PUSH_BYTES_MAX ((size_t)32 << 20)

/* Seconds after which a sender may try again what found no room. */
#define API_RETRY_AFTER "5"

/* ---- api_params.c ---- */

/* The widest times that the API takes, in ms: those of Go's clients. */
#define API_TIME_MIN ((INT64_MIN / 1000 + 62135596801) * 1000)
#define API_TIME_MAX ((INT64_MAX / 1000 - 62135596801) * 1000 + 999)

/* api_parse_time reads "1435781430.781" or RFC 3339; false when it is neither. */
bool api_parse_time(str text, ts *ret);

/* api_format_time appends RFC 3339 in UTC with as many digits as are needed; INT64_MIN is Go's zero
 * time. */
void api_format_time(struct buf *buf, ts t);

/* api_parse_duration reads seconds or "1m30s"; the message is Prometheus's. */
int api_parse_duration(str text, dur *ret, struct baro_error *err);

/* Parameters by name: on failure the fault is made, and negative returned. */
int api_time_param(struct api_call *call, const char *name, ts initial, ts *ret);
int api_duration_param(struct api_call *call, const char *name, dur *ret);
int api_limit_param(struct api_call *call, size_t *ret);
int api_range_params(struct api_call *call, ts *ret_start, ts *ret_end);

/* All match[] parameters; the compiled matchers are released by api_selectors_done. */
struct api_selectors {
    struct expr **items;
    size_t count;
};
int api_match_params(struct api_call *call, struct api_selectors *ret);
int api_selector_parse(struct api_call *call, str text, struct api_selectors *ret,
                       struct baro_error *err);
void api_selectors_done(struct api_selectors *selectors);
struct matchers api_selector_matchers(const struct api_selectors *selectors, size_t index);

/* api_unescape_name undoes the U__ escaping of names in URLs; s itself when it has none. */
str api_unescape_name(struct arena *arena, str s);

/* api_write_labels writes {"name":"value",...}. */
void api_write_labels(struct json_writer *json, struct labels labels);

/* api_write_histogram_point writes [1435781451.781,{"count":"4","sum":"5","buckets":[...]}]; empty
 * buckets are left out. */
struct histogram;
void api_write_histogram_point(struct json_writer *json, ts t, const struct histogram *h);

/* ---- api_query.c, api_queries.c ---- */

/* api_write_stats writes the key "stats" and its object; counts by step only when told of the
 * query. */
void api_write_stats(struct json_writer *json, const struct query_stats *stats,
                     const struct query *query);
void api_write_explain(struct json_writer *json, const struct explain_node *node);
/* api_log_query tells the log of a query that has ended, with what was wrong (NULL = nothing). */
void api_log_query(struct api_call *call, const struct query *query,
                   const struct query_stats *stats, const struct baro_error *err);

/* ---- counters of requests ---- */

enum { API_CODE_COUNT = 12, API_DURATION_BUCKETS = 10, API_SIZE_BUCKETS = 9, API_ROUTES_MAX = 192 };

struct api_counters {
    _Atomic uint64_t codes[API_CODE_COUNT];
    _Atomic uint64_t buckets[API_DURATION_BUCKETS];
    _Atomic uint64_t sizes[API_SIZE_BUCKETS];
    _Atomic uint64_t duration_us;
    _Atomic uint64_t response_bytes;
};

enum { API_COST_SLOTS = 4096 };

struct api {
    struct api_context context;
    struct query_registry *queries;
    struct events_watch *watch;
    struct events *events;
    struct node_mounts *mounts; /* of /host/metrics */
    struct api_read_gate *read_gate;
    struct regex *cors; /* NULL = every origin */
    bool no_cors;
    _Atomic(struct http_server *) server;
    struct http_route *routes;
    _Atomic uint64_t costs[API_COST_SLOTS];       /* of requests, by key: api_short.c */
    _Atomic uint32_t sizes[API_COST_SLOTS];       /* of their answers, in bytes */
    struct buf index;                             /* index.html with its <base> */
    struct api_counters counters[API_ROUTES_MAX]; /* the last one: no route */
};

/* api_can_be_short: a route whose requests are often short, and read only. */
bool api_can_be_short(const struct api_route *route);

/* ---- api_short.c: requests that may run on an event thread ---- */

/* api_short_key stands for what a request asks, times left out; it is never 0. */
uint64_t api_short_key(const struct http_request *request);
/* api_is_short says that the same request was short the last time. The context is the api. */
bool api_is_short(void *context, const struct http_request *request);
/* api_cost_clock is what the time that a request takes is measured with; api_short_note keeps it,
 * by the request's key. */
void api_short_note(struct api *api, uint64_t key, const struct http_request *request,
                    const struct http_response *response, mono ns);
/* api_short_reserve makes room for an answer of the size that the last one had. */
void api_short_reserve(const struct api *api, uint64_t key, struct buf *body);
mono api_cost_clock(const struct http_request *request);

/* api_count is one answered request. */
void api_count(struct api *api, const struct http_route *route, int status, double seconds,
               size_t bytes);

/* api_counters_write appends prometheus_http_* and the counters of the server. */
void api_counters_write(const struct api *api, struct buf *buf);

/* api_page_prepare writes index.html for the path under which browsers reach this server. */
void api_page_prepare(struct api *api);

/* api_metrics_write appends all of this program's metrics as Prometheus text. */
void api_metrics_write(struct api_call *call, struct buf *buf);

/* api_process_write appends process_*. */
void api_process_write(struct buf *buf, ts start_time);

/* Handlers: the columns of routes.def. */
#define API_ROUTE_JSON(handler)                            int handler(struct api_call *call);
#define API_ROUTE_JSON_EARLY(handler)                      int handler(struct api_call *call);
#define API_ROUTE_TEXT(handler)                            void handler(struct api_call *call);
#define API_ROUTE_TEXT_EARLY(handler)                      void handler(struct api_call *call);
#define ROUTE(method, path, kind, handler, blocking, help) API_ROUTE_##kind(handler)
#include "api/routes.def"
#undef ROUTE
#undef API_ROUTE_JSON
#undef API_ROUTE_JSON_EARLY
#undef API_ROUTE_TEXT
#undef API_ROUTE_TEXT_EARLY
