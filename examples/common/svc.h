/*
 * svc: the frame of a small HTTP service, over libmicrohttpd. A service is a table of routes,
 * options and faults, and a few hooks; svc_run does the rest: arguments and a --help that teaches,
 * listening, bounded bodies (raw, JSON, multipart), rate limits, health, the metrics path, log
 * lines, and an end that lets running work finish. Each connection has a thread, so a handler may
 * wait; connections, bodies and the time that a client may take are bounded.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "svc_fault.h"
#include "svc_util.h"

struct MHD_Connection;
struct MHD_Response;
struct svc;
struct svc_request;

typedef void svc_handler(struct svc_request *request);

enum svc_route_flags {
    SVC_LIMITED = 1, /* the rate limit applies: 429 beyond it */
    SVC_WORK = 2,    /* takes new work: 503 while the service ends */
    SVC_HIDDEN = 4,  /* not in --help and the index */
};

struct svc_route {
    const char *method; /* "GET" (serves HEAD too), "POST", ... */
    const char *path;   /* "/api/jobs/:id/mesh": a segment with ':' matches any one segment, "*" at
                           the end all that are left */
    svc_handler *handle;
    unsigned flags;
    const char *help;
};

/* One part of a multipart body. */
struct svc_part {
    const char *name;
    const char *filename;     /* "" = none */
    const char *content_type; /* "" = none */
    const uint8_t *ptr;       /* a NUL stands behind it */
    size_t len;
};

enum { SVC_PARAMS_MAX = 4, SVC_PARTS_MAX = 64, SVC_CLIENT_SIZE = 64 };

/* What a handler is given; all of it lives until the handler returns. */
struct svc_request {
    struct svc *svc;
    void *context;                 /* the service's */
    const struct svc_route *route; /* NULL in hooks when none matched */
    const char *method;
    const char *path;
    const char *endpoint;               /* the route's template; "other" when none matched */
    const char *params[SVC_PARAMS_MAX]; /* what the ':' segments stand for, in order, unescaped */
    const char *content_type;           /* "" = none */
    const uint8_t *body;                /* of a body that is no form; a NUL stands behind it */
    size_t body_len;                    /* 0 for forms */
    size_t received_bytes;              /* of every body, forms too */
    const struct svc_part *parts;       /* of forms */
    size_t part_count;
    char client[SVC_CLIENT_SIZE]; /* address without port */
    struct MHD_Connection *connection;
};

/* Look-ups: NULL = absent. svc_query is of the URL, svc_header of the request's headers, svc_part
 * of the form. */
const char *svc_query(const struct svc_request *request, const char *name);
const char *svc_header(const struct svc_request *request, const char *name);
const struct svc_part *svc_part(const struct svc_request *request, const char *name);

/* svc_json parses the body as one JSON object; *ret is the caller's. -EINVAL says where it is
 * wrong. Depth and size are bounded by jansson and the body bound. */
int svc_json(const struct svc_request *request, json_t **ret, struct svc_error *err);

/*
 * Answers: a handler gives exactly one (the last one counts; none is answered 500).
 * svc_answer_error sends {"error": TYPE, "message": ...}; `type` is a constant of few values, fit
 * for a label, and reaches the `answered` hook. svc_answer_json consumes the value;
 * svc_answer_bytes consumes malloc'd bytes. svc_answer_file sends a regular file; filename NULL =
 * shown inline.
 */
void svc_answer_json(struct svc_request *request, int status, json_t *value_consume);
void svc_answer_text(struct svc_request *request, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void svc_answer_bytes(struct svc_request *request, int status, const char *content_type,
                      void *ptr_consume, size_t len);
void svc_answer_file(struct svc_request *request, const char *content_type, const char *path,
                     const char *filename);
void svc_answer_error(struct svc_request *request, int status, const char *type, const char *format,
                      ...) __attribute__((format(printf, 4, 5)));

/* svc_answer_stream sends what `read` gives, in chunks: > 0 bytes written to `to`, 0 = the end, < 0
 * = broken. It may block; `done` is always called, once, when nothing reads any more. */
void svc_answer_stream(struct svc_request *request, int status, const char *content_type,
                       ssize_t (*read)(void *context, char *to, size_t max),
                       void (*done)(void *context), void *context);

/* svc_answer_response sends a response made by other code (libbaro's exposition); consumes it. */
void svc_answer_response(struct svc_request *request, int status,
                         struct MHD_Response *response_consume, size_t body_bytes);

/* svc_answer_header adds a header to the answer; call it before the answer. */
void svc_answer_header(struct svc_request *request, const char *name, const char *value);

/* svc_answered_so_far tells a handler what its answer is now; *ret_error_type NULL = no error. */
void svc_answered_so_far(const struct svc_request *request, int *ret_status,
                         const char **ret_error_type);

/* What is known of a request once it is answered. */
struct svc_answered {
    int status;
    double seconds; /* from its header's end to its answer's last byte */
    size_t request_bytes;
    size_t response_bytes;
    const char *error_type; /* NULL = none */
};

enum svc_option_kind { SVC_OPTION_FLAG, SVC_OPTION_TEXT, SVC_OPTION_INT, SVC_OPTION_NUMBER };

/* --name or --name=VALUE. target: bool, const char *, long, double, by kind, with the preset in it.
 */
struct svc_option {
    const char *name;
    const char *value; /* what VALUE is, for --help; NULL for a flag */
    enum svc_option_kind kind;
    void *target;
    double min, max; /* of numbers */
    const char *help;
};

struct svc_service {
    const char *name;     /* "studio" */
    const char *summary;  /* one line */
    const char *examples; /* lines for the end of --help */
    const char *listen;   /* preset of --listen, "127.0.0.1:5000" */
    const struct svc_option *options;
    size_t option_count;
    const struct svc_fault_def *faults;
    size_t fault_count;
    const struct svc_route *routes;
    size_t route_count;
    void *context;         /* of handlers and hooks */
    size_t body_bytes_max; /* default 16 MiB */
    double rate, burst;    /* presets of --rate and --burst; 0 = no limit */
    int unhealthy_status;  /* of /health; default 503 */

    /* Hooks; NULL = none. start runs before the port opens; tick about once a second on the main
     * thread; drain waits for running work, at most `seconds`; stop ends all threads of the service
     * while the port is still open, and done releases what handlers use when it is closed. */
    int (*start)(void *context, struct svc *svc, struct svc_error *err);
    void (*tick)(void *context);
    bool (*drain)(void *context, double seconds);
    void (*stop)(void *context);
    void (*done)(void *context);
    /* health adds components ({"database": "healthy"}) and says whether all is well. */
    bool (*health)(void *context, json_t *components);
    /* begun and answered surround each request that has a whole header; both on its thread. */
    void (*begun)(void *context, const struct svc_request *request);
    void (*answered)(void *context, const struct svc_request *request,
                     const struct svc_answered *answered);
    void (*limited)(void *context, const struct svc_request *request);
    /* metrics answers GET metrics_path ("/metrics" when NULL). */
    svc_handler *metrics;
    const char *metrics_path;
};

/* What the common arguments say. */
struct svc_settings {
    const char *listen; /* "HOST:PORT", "[::1]:PORT", ":PORT" (all addresses); port 0 picks one */
    double rate, burst;
    double drain_s; /* that running work is given at the end */
    /* what a client may take: so long for a request's header, 4 times that for its body, 10 times
     * for its answer */
    double patience_s;
    long connections_max;
    struct svc_faults faults;
};

/* svc_run is the body of main: the exit status, 0 after a clean end by SIGTERM or SIGINT. */
int svc_run(const struct svc_service *service, int argc, char **argv);

/*
 * The parts of svc_run, for programs that have several listeners or processes.
 * svc_args reads the arguments into the options' targets and *ret; 1 means that --help or --version
 * was answered. svc_start listens and serves; service and settings are kept. svc_finish makes
 * /health say 503 and SVC_WORK routes refuse; svc_free ends requests and closes the port.
 * svc_wait blocks until SIGTERM or SIGINT (which all threads must have blocked: svc_signals_block,
 * called first of all) and calls tick once a second.
 */
int svc_args(const struct svc_service *service, int argc, char **argv, struct svc_settings *ret,
             struct svc_error *err);
void svc_signals_block(void);
int svc_start(const struct svc_service *service, const struct svc_settings *settings,
              struct svc **ret, struct svc_error *err);
void svc_wait(struct svc *svc);
void svc_finish(struct svc *svc);
struct svc *svc_free(struct svc *svc);
uint16_t svc_port(const struct svc *svc);

/* svc_faults are the faults of this run; never NULL. svc_ending is set once the end has begun. */
const struct svc_faults *svc_faults(const struct svc *svc);
const _Atomic bool *svc_ending(const struct svc *svc);
