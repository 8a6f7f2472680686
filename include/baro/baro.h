/*
 * libbaro: metrics for C and C++ programs, in the formats that Prometheus scrapes.
 *
 *     #include <baro/baro.h>
 *
 *     int main(void)
 *     {
 *         baro_counter jobs = baro_counter_new(NULL, "jobs_total", "Jobs that were done.");
 *         baro_serve(NULL, "127.0.0.1:9400", NULL);
 *         for (;;) { do_a_job(); baro_counter_inc(jobs); }
 *     }
 *
 * The shape of it. A *registry* (NULL = the global one) holds *families*; a family is a name, a
 * help text, a type and label names; a *series* is a family with label values. A series is looked
 * up once and is then a *handle*: a small value (baro_counter, baro_gauge, ...) to copy, to keep in
 * a static variable, to use from any thread. Updates by handle take no lock, make no system call
 * and allocate nothing: each thread writes cells of its own, and a scrape sums them up. (The first
 * update of a thread in a range of 1,024 cells takes the memory for them; without memory the update
 * goes to a shared cell.)
 *
 * Manners. libbaro never aborts, never logs, and starts a thread only where a function says so
 * (baro_server_start, baro_serve). Misuse (a wrong type, a handle of a removed series, a negative
 * counter step, NULL) is a no-op that is counted: baro_misuse_count. Registration that is refused
 * returns NULL or an empty handle, says why, and everything done with that does nothing.
 *
 * Environment. PROMETHEUS_ENABLED=false turns every call into a no-op; METRICS_ENDPOINT is the
 * default path to serve on; PROMETHEUS_MULTIPROC_DIR (or prometheus_multiproc_dir) puts all cells
 * into one memory segment that the processes of a pre-forking service share. They are read once, at
 * the first registration or by baro_settings_reload.
 *
 * C99 with GNU attributes; C++11 and later. Errors are negative numbers (enum baro_result), text
 * goes to an optional struct baro_why. Strings are UTF-8 and NUL-terminated. Guide: docs/client.md.
 */
#ifndef BARO_BARO_H
#define BARO_BARO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BARO_VERSION       "0.1.0"
#define BARO_VERSION_MAJOR 0
#define BARO_VERSION_MINOR 1
#define BARO_VERSION_PATCH 0

#if defined(__GNUC__)
#define BARO_API             __attribute__((visibility("default")))
#define BARO_PRINTF_(fmt, a) __attribute__((format(printf, fmt, a)))
#else
#define BARO_API
#define BARO_PRINTF_(fmt, a)
#endif

/* The label value that gathers everything beyond a cap. */
#define BARO_OVERFLOW "__overflow__"

enum baro_limit {
    BARO_LABELS_MAX = 32,            /* label names of one family */
    BARO_NAME_BYTES_MAX = 256,       /* a metric or label name */
    BARO_VALUE_BYTES_MAX = 1024,     /* a label value; a longer one is cut at a whole character */
    BARO_BUCKETS_MAX = 256,          /* upper bounds of a classic histogram, +Inf not counted */
    BARO_QUANTILES_MAX = 16,         /* of a summary */
    BARO_STATES_MAX = 64,            /* of a state set */
    BARO_EXEMPLAR_RUNES_MAX = 128,   /* names and values of an exemplar together (OpenMetrics) */
    BARO_SERIES_MAX_DEFAULT = 10000, /* of one family, where its descriptor says 0 */
};

/* What a call returns when it fails; 0 or more is success. */
enum baro_result {
    BARO_OK = 0,
    BARO_BAD_ARGUMENT = -1, /* NULL, empty, or out of its documented range */
    BARO_BAD_NAME = -2,     /* not a metric or label name, or one that is reserved */
    BARO_BAD_TYPE = -3,     /* the family has another type */
    BARO_CONFLICT = -4,     /* the name is taken by a family that differs */
    BARO_NO_MEMORY = -5,
    BARO_NO_SERIES = -6,   /* there is no such series */
    BARO_IO = -7,          /* the system or the peer refused: see the text */
    BARO_UNSUPPORTED = -8, /* this build is without TLS, basic auth or gzip */
    BARO_STOPPED = -9,     /* a write callback asked to stop */
    BARO_DISABLED = -10,   /* PROMETHEUS_ENABLED=false */
};

/* Why something was refused: "where: what: what to do", or "" after success. May always be NULL. */
struct baro_why {
    char text[256];
};

/* ---- Registries ------------------------------------------------------------------------------ */

struct baro_registry;
struct baro_family;

/* A name and a value: constant labels, grouping keys, exemplar labels. */
struct baro_pair {
    const char *name;
    const char *value;
};

struct baro_registry_options {
    const char *prefix;            /* put before every family name with a "_" between, or NULL */
    const struct baro_pair *pairs; /* constant labels of every series */
    size_t pair_count;
    bool created_series; /* OpenMetrics: expose x_created lines (protobuf always has the time) */
};

/* baro_registry_new returns an empty registry, for a component or a test; NULL without memory or
 * when a pair is not a label. options may be NULL. */
BARO_API struct baro_registry *baro_registry_new(const struct baro_registry_options *options,
                                                 struct baro_why *why);

/* baro_registry_free releases a registry with its families and returns NULL. Handles of it become
 * stale (a counted no-op), but no other thread may be in a call that was given the registry or a
 * family of it. The global one stays. */
BARO_API struct baro_registry *baro_registry_free(struct baro_registry *registry);

/* baro_registry_default is the global registry, what NULL means everywhere. It has the process
 * collector. */
BARO_API struct baro_registry *baro_registry_default(void);

/* baro_enabled is false under PROMETHEUS_ENABLED=false; baro_settings_reload reads the environment
 * again (not while other threads use the library; a multi-process segment once joined stays
 * joined). */
BARO_API bool baro_enabled(void);
BARO_API void baro_settings_reload(void);

/* baro_misuse_count tells how many calls were no-ops because they were wrong, in this process. */
BARO_API uint64_t baro_misuse_count(void);

/* ---- Families -------------------------------------------------------------------------------- */

enum baro_type {
    BARO_COUNTER = 1,
    BARO_GAUGE = 2,
    BARO_HISTOGRAM = 3, /* classic, native or both: see buckets and native */
    BARO_SUMMARY = 4,
    BARO_INFO = 5,     /* the value is 1; named with its _info */
    BARO_STATESET = 6, /* one series a state, 0 or 1, under the label of the family's own name */
    BARO_UNKNOWN = 7,  /* callbacks and collectors only */
};

/* How the gauges of several processes become one in multi-process mode; those of dead processes are
 * gone always. */
enum baro_multiprocess {
    BARO_LIVE_SUM = 0,
    BARO_LIVE_ALL = 1, /* one series a process, with the label pid */
    BARO_LIVE_MAX = 2,
    BARO_LIVE_MIN = 3,
    BARO_LIVE_LATEST = 4, /* the one that was set last */
};

/* A label of a family. */
struct baro_label {
    const char *name;
    uint32_t values_max; /* distinct values; a further one counts as BARO_OVERFLOW. 0 = no cap of
                            its own */
    const char *const
        *values; /* the closed set of values, or NULL. What is not in it counts as BARO_OVERFLOW */
    size_t value_count;
};

/* The resolution of a native histogram: bucket bounds grow by the factor 2^(2^-schema). */
struct baro_native {
    bool on;
    int8_t schema;        /* -4 .. 8; 3 (factor 1.09) is usual */
    uint16_t buckets_max; /* populated buckets a thread keeps before the schema is lowered; 0 = 160,
                             at most 670 (500 beside classic ones) */
    double zero_threshold; /* values nearer to zero go to the zero bucket; 0 = 2^-128; negative =
                              only zero itself */
};

/* What a family is. Everything is copied; a static const one is usual. Zero and NULL mean the
 * default. */
struct baro_desc {
    const char *name; /* of counters with "_total"; OpenMetrics adds it where it is missing */
    const char *help;
    const char *unit; /* "seconds", "bytes", ...; the name (without _total) then ends with it, or
                         OpenMetrics omits it */
    enum baro_type type;
    const struct baro_label *labels;
    size_t label_count;
    uint32_t
        series_max; /* series; a further one counts as BARO_OVERFLOW. 0 = BARO_SERIES_MAX_DEFAULT */
    uint32_t
        ttl_s; /* a series that was not updated for so long is removed at a scrape; 0 = never */
    enum baro_multiprocess multiprocess; /* gauges */
    const double *buckets;               /* histograms: rising upper bounds without +Inf; */
    size_t bucket_count;                 /* 0 without native = baro_buckets_default */
    struct baro_native native;           /* histograms; with buckets = both kinds */
    const double *quantiles;             /* summaries: 0 .. 1, rising; */
    size_t quantile_count;               /* 0 = count and sum alone */
    uint32_t max_age_s;                  /* summaries: the window of the quantiles; 0 = 600 */
    const char *const *states;           /* state sets */
    size_t state_count;
};

/* baro_family_new registers a family. The same descriptor again gives the same family (so that two
 * parts of a program may share one); a different one under that name is refused. NULL: see why. A
 * family lives as long as its registry. */
BARO_API struct baro_family *baro_family_new(struct baro_registry *registry,
                                             const struct baro_desc *desc, struct baro_why *why);

/* baro_families_new registers count families at once, as generated code does, into ret. It goes on
 * after a refusal, which leaves NULL there, and returns the first failure or BARO_OK. */
BARO_API int baro_families_new(struct baro_registry *registry,
                               const struct baro_desc *const descs[], size_t count,
                               struct baro_family *ret[], struct baro_why *why);

/* baro_family_find returns the family with this name, as registered (with the prefix), or NULL. */
BARO_API struct baro_family *baro_family_find(struct baro_registry *registry, const char *name);

/* baro_family_series_count tells how many series there are, baro_family_overflow_count how many
 * lookups were put into an BARO_OVERFLOW series. */
BARO_API size_t baro_family_series_count(struct baro_family *family);
BARO_API uint64_t baro_family_overflow_count(struct baro_family *family);

/* Bucket bounds: the usual eleven of 5 ms .. 10 s; start, start + width, ...; start, start *
 * factor, ... The latter two write count bounds into ret. */
BARO_API const double *baro_buckets_default(size_t *ret_count);
BARO_API int baro_buckets_linear(double start, double width, size_t count, double *ret);
BARO_API int baro_buckets_exponential(double start, double factor, size_t count, double *ret);

/* ---- Handles --------------------------------------------------------------------------------- */

/* A handle is one series. {0} is no series, and using it is a counted no-op. Handles of removed or
 * expired series are stale, and using them is a counted no-op too. */
typedef struct {
    uint64_t ref;
} baro_counter;

typedef struct {
    uint64_t ref;
} baro_gauge;

typedef struct {
    uint64_t ref;
} baro_histogram;

typedef struct {
    uint64_t ref;
} baro_summary;

typedef struct {
    uint64_t ref;
} baro_stateset;

/*
 * baro_x_with looks a series up by its label values, and makes it where it is missing. `values` has
 * one string a label in the order of the descriptor; it is NULL for a family without labels. No
 * lock where the series exists. BARO_VALUES makes the array in place and ends it with
 * NULL, so that too few are noticed: baro_counter_inc(baro_counter_with(requests,
 * BARO_VALUES("GET", "200"))); A NULL family, a family of another type, or too few values give {0}.
 */
#ifndef __cplusplus
#define BARO_VALUES(...) ((const char *const[]){__VA_ARGS__, NULL})
#endif

BARO_API baro_counter baro_counter_with(struct baro_family *family, const char *const *values);
BARO_API baro_gauge baro_gauge_with(struct baro_family *family, const char *const *values);
BARO_API baro_histogram baro_histogram_with(struct baro_family *family, const char *const *values);
BARO_API baro_summary baro_summary_with(struct baro_family *family, const char *const *values);
BARO_API baro_stateset baro_stateset_with(struct baro_family *family, const char *const *values);

/*
 * baro_x_cached is baro_x_with with a memory: *cell (zero at first, shared by all threads) keeps
 * the handle, and the lookup is done again only when the series was removed. It is for static
 * tables of closed label sets: static baro_counter cells[METHOD_COUNT][STATUS_COUNT];
 *     baro_counter_inc(baro_counter_cached(&cells[m][s], requests, BARO_VALUES(method_names[m],
 * status_names[s])));
 */
BARO_API baro_counter baro_counter_cached(baro_counter *cell, struct baro_family *family,
                                          const char *const *values);
BARO_API baro_gauge baro_gauge_cached(baro_gauge *cell, struct baro_family *family,
                                      const char *const *values);
BARO_API baro_histogram baro_histogram_cached(baro_histogram *cell, struct baro_family *family,
                                              const char *const *values);
BARO_API baro_summary baro_summary_cached(baro_summary *cell, struct baro_family *family,
                                          const char *const *values);
BARO_API baro_stateset baro_stateset_cached(baro_stateset *cell, struct baro_family *family,
                                            const char *const *values);

/* baro_x_new registers a family without labels and returns its only series: for small programs. {0}
 * when refused. */
BARO_API baro_counter baro_counter_new(struct baro_registry *registry, const char *name,
                                       const char *help);
BARO_API baro_gauge baro_gauge_new(struct baro_registry *registry, const char *name,
                                   const char *help);
/* bucket_count 0 = baro_buckets_default. */
BARO_API baro_histogram baro_histogram_new(struct baro_registry *registry, const char *name,
                                           const char *help, const double *buckets,
                                           size_t bucket_count);
BARO_API baro_summary baro_summary_new(struct baro_registry *registry, const char *name,
                                       const char *help);

/* baro_series_remove removes one series, in multi-process mode for all processes; BARO_NO_SERIES
 * when there is none. Its memory is used again once no thread can be looking at it.
 * baro_family_clear removes all. */
BARO_API int baro_series_remove(struct baro_family *family, const char *const *values);
BARO_API int baro_family_clear(struct baro_family *family);

/* ---- Updates: any thread, wait-free ------------------------------------------------------------
 */

/* An exemplar: a request that stands for its kind. Its labels have at most BARO_EXEMPLAR_RUNES_MAX
 * characters together, or it is dropped (counted) and the update done without it. It is kept for
 * the newest update of the series (of the bucket). */
struct baro_exemplar {
    const struct baro_pair *pairs;
    size_t pair_count;
    int64_t time_ms; /* since 1970; 0 = now */
};

BARO_API void baro_counter_inc(baro_counter counter);
/* A negative or NaN amount is a counted no-op. */
BARO_API void baro_counter_add(baro_counter counter, double amount);
BARO_API void baro_counter_add_u64(baro_counter counter, uint64_t amount);
BARO_API void baro_counter_add_exemplar(baro_counter counter, double amount,
                                        const struct baro_exemplar *exemplar);

BARO_API void baro_gauge_set(baro_gauge gauge, double value);
BARO_API void baro_gauge_inc(baro_gauge gauge);
BARO_API void baro_gauge_dec(baro_gauge gauge);
BARO_API void baro_gauge_add(baro_gauge gauge, double amount);
BARO_API void baro_gauge_sub(baro_gauge gauge, double amount);
BARO_API void baro_gauge_set_now(baro_gauge gauge); /* seconds since 1970 */

BARO_API void baro_histogram_observe(baro_histogram histogram, double value);
BARO_API void baro_histogram_observe_exemplar(baro_histogram histogram, double value,
                                              const struct baro_exemplar *exemplar);
/* The exemplar {trace_id="...", span_id="..."}; a NULL or "" id is left out. */
BARO_API void baro_histogram_observe_trace(baro_histogram histogram, double value,
                                           const char *trace_id, const char *span_id);

BARO_API void baro_summary_observe(baro_summary summary, double value);

/* baro_stateset_enable sets one state and leaves the others; baro_stateset_select makes `state` the
 * only one that is set. State is an index into the descriptor's states. */
BARO_API void baro_stateset_enable(baro_stateset set, size_t state, bool on);
BARO_API void baro_stateset_select(baro_stateset set, size_t state);

/* baro_info_set makes a series of an info family be there, with value 1. */
BARO_API void baro_info_set(struct baro_family *family, const char *const *values);

/* baro_now_ns is the monotonic clock; observe_since observes the seconds since such a time. */
BARO_API int64_t baro_now_ns(void);
BARO_API void baro_histogram_observe_since(baro_histogram histogram, int64_t start_ns);
BARO_API void baro_summary_observe_since(baro_summary summary, int64_t start_ns);

/* ---- Reading: for programs that look at their own figures, and for tests. 0 for {0}. ------------
 */

BARO_API double baro_counter_value(baro_counter counter);
BARO_API double baro_gauge_value(baro_gauge gauge);
BARO_API uint64_t baro_histogram_count(baro_histogram histogram);
BARO_API double baro_histogram_sum(baro_histogram histogram);
BARO_API uint64_t baro_histogram_bucket(baro_histogram histogram,
                                        size_t bucket); /* not cumulative */
BARO_API uint64_t baro_summary_count(baro_summary summary);
BARO_API double baro_summary_sum(baro_summary summary);
BARO_API double baro_summary_quantile(baro_summary summary,
                                      double quantile); /* NaN without samples */
BARO_API bool baro_stateset_is_on(baro_stateset set, size_t state);

/* ---- Callbacks and collectors: values that are found at the scrape
 * ------------------------------- */

/* A callback returns a value at each scrape, in the scraping thread; it must not call baro_expose,
 * register, or add or remove callbacks, collectors and health checks. */
typedef double baro_read_fn(void *context);

/* baro_callback_add makes one series of a counter, gauge or unknown family come from a callback. A
 * later one for the same values replaces it; NULL as read removes the series
 * and waits for a scrape that is calling it. */
BARO_API int baro_callback_add(struct baro_family *family, const char *const *values,
                               baro_read_fn *read, void *context);

/* What a collector writes to. */
struct baro_sink;

struct baro_histogram_data {
    uint64_t count;
    double sum;
    const double *bounds;    /* classic: rising upper bounds without +Inf */
    const uint64_t *buckets; /* bound_count + 1 counts, not cumulative, the last for +Inf */
    size_t bound_count;
};

struct baro_summary_data {
    uint64_t count;
    double sum;
    const double *quantiles;
    const double *values;
    size_t quantile_count;
};

/* A collector is called at each scrape and writes families: baro_sink_family starts one (of desc:
 * name, help, unit, type, labels, states), the others add series to it. They return a negative code
 * for what is wrong, which is then left out. A name that is registered, or was begun before in this
 * scrape, is refused with BARO_CONFLICT. */
typedef void baro_collect_fn(struct baro_sink *sink, void *context);

BARO_API int baro_sink_family(struct baro_sink *sink, const struct baro_desc *desc);
BARO_API int baro_sink_value(struct baro_sink *sink, const char *const *values, double value);
BARO_API int baro_sink_histogram(struct baro_sink *sink, const char *const *values,
                                 const struct baro_histogram_data *data);
BARO_API int baro_sink_summary(struct baro_sink *sink, const char *const *values,
                               const struct baro_summary_data *data);

/* baro_collector_add returns an id >= 0 for baro_collector_remove, which waits for a running
 * scrape. */
BARO_API int baro_collector_add(struct baro_registry *registry, baro_collect_fn *collect,
                                void *context);
BARO_API int baro_collector_remove(struct baro_registry *registry, int id);

/* baro_process_collector_add adds process_cpu_seconds_total, process_resident_memory_bytes,
 * process_open_fds, ... and BARO_OK again when they are there. */
BARO_API int baro_process_collector_add(struct baro_registry *registry);

/* ---- Exposition
 * ---------------------------------------------------------------------------------- */

enum baro_format {
    BARO_TEXT = 0,        /* Prometheus text 0.0.4 */
    BARO_OPENMETRICS = 1, /* OpenMetrics text 1.0.0 */
    BARO_PROTOBUF = 2, /* io.prometheus.client.MetricFamily, delimited; the only one that has native
                          histograms */
};

/* baro_format_negotiate picks the format for an Accept header (NULL = none), baro_gzip_negotiate
 * whether an Accept-Encoding header allows gzip (false where the build has none);
 * baro_format_content_type is the Content-Type to answer with. */
BARO_API enum baro_format baro_format_negotiate(const char *accept);
BARO_API bool baro_gzip_negotiate(const char *accept_encoding);
BARO_API const char *baro_format_content_type(enum baro_format format);

/* A writer takes the next bytes and returns 0, or something else to stop. */
typedef int baro_write_fn(void *context, const void *bytes, size_t size);

struct baro_expose_options {
    enum baro_format format;
    bool gzip;
    const char *const *names; /* only families with these names, or NULL for all */
    size_t name_count;
};

/* baro_expose writes all families, in the order of their names, and then those of collectors, in
 * pieces of up to 64 KiB; the whole is never in memory. options may be NULL. BARO_STOPPED when the
 * writer stopped, BARO_NO_MEMORY, BARO_UNSUPPORTED for gzip. */
BARO_API int baro_expose(struct baro_registry *registry, const struct baro_expose_options *options,
                         baro_write_fn *write, void *context);

/* baro_expose_alloc returns the exposition as a NUL-terminated string for free(), or NULL. ret_size
 * may be NULL. */
BARO_API char *baro_expose_alloc(struct baro_registry *registry,
                                 const struct baro_expose_options *options, size_t *ret_size);

/* baro_textfile_write replaces a file atomically, for the textfile collector of node_exporter. */
BARO_API int baro_textfile_write(struct baro_registry *registry, const char *path,
                                 struct baro_why *why);

struct baro_push_options {
    const char *url; /* of the Pushgateway: http://host:port[/prefix] */
    const char *job;
    const struct baro_pair *grouping; /* further grouping labels */
    size_t grouping_count;
    bool replace;         /* PUT: replace the whole group, not only the names that are pushed */
    const char *username; /* basic auth, or NULL */
    const char *password;
    uint32_t timeout_ms; /* of the whole push, but for the look-up of a name; 0 = 10,000 */
};

/* baro_push sends all metrics to a Pushgateway; baro_push_delete deletes the group. They block. */
BARO_API int baro_push(struct baro_registry *registry, const struct baro_push_options *options,
                       struct baro_why *why);
BARO_API int baro_push_delete(const struct baro_push_options *options, struct baro_why *why);

/* ---- The small HTTP server: /metrics and /health
 * -------------------------------------------------- */

struct baro_server;

struct baro_server_options {
    struct baro_registry *registry; /* NULL = the global one */
    const char
        *listen;      /* "HOST:PORT[,HOST:PORT...]"; ":9400" = every address; port 0 = a free one */
    const char *path; /* NULL = METRICS_ENDPOINT or "/metrics" */
    const char *health_path;     /* NULL = "/health" */
    const char *web_config_file; /* Prometheus's web-config (tls_server_config, basic_auth_users),
                                    or NULL */
    uint32_t connections_max;    /* at once; 0 = 64. A further one is answered with 503 */
    uint32_t timeout_ms;         /* for a request to come in and its answer to go out; 0 = 10,000 */
    bool text_only; /* never OpenMetrics, which puts "_total" to names of counters: for bridges,
                       whose names are others' */
};

/* baro_server_start listens and starts one thread that answers; it blocks all signals. NULL: see
 * why. */
BARO_API struct baro_server *baro_server_start(const struct baro_server_options *options,
                                               struct baro_why *why);

/* baro_server_stop ends the thread, closes the connections, and returns NULL. In a child of fork it
 * closes the child's copies of the sockets and leaves the parent's server alone. */
BARO_API struct baro_server *baro_server_stop(struct baro_server *server);

/* baro_server_port is the port of the first address. */
BARO_API uint16_t baro_server_port(const struct baro_server *server);

/* baro_serve is baro_server_start with the usual options, for servers that live as long as the
 * program. */
BARO_API struct baro_server *baro_serve(struct baro_registry *registry, const char *listen,
                                        struct baro_why *why);

/* A health check fills in a short text (optional) and returns the state; it runs in the asking
 * thread. */
enum baro_health { BARO_HEALTHY = 0, BARO_DEGRADED = 1, BARO_UNHEALTHY = 2 };
typedef enum baro_health baro_health_fn(void *context, char *text, size_t text_size);

/* baro_health_add adds a component; the same name again replaces it, NULL as check removes it. */
BARO_API int baro_health_add(struct baro_registry *registry, const char *component,
                             baro_health_fn *check, void *context);

/* baro_health_write writes {"status":"healthy","components":{...}} as JSON to buffer, cut never,
 * and returns the worst state; BARO_NO_MEMORY (< 0) when it does not fit. baro_health_status is
 * 200, or 503 when unhealthy. */
BARO_API int baro_health_write(struct baro_registry *registry, char *buffer, size_t size);
BARO_API int baro_health_status(int health);

/* ---- Requests of an HTTP server: method, endpoint, status, duration, sizes, concurrency
 * ------------ */

/* For libmicrohttpd there is baro/mhd.h, which calls these. */
struct baro_http;

struct baro_http_options {
    struct baro_registry *registry; /* NULL = the global one */
    const char *prefix;             /* of the names; NULL = "http" */
    const double *duration_buckets; /* seconds; NULL = baro_buckets_default */
    size_t duration_bucket_count;
    const double *size_buckets; /* bytes; NULL = 100, 1000, ... 10^8 */
    size_t size_bucket_count;
    uint32_t endpoints_max;    /* distinct endpoint templates; 0 = 200 */
    struct baro_native native; /* of the durations */
};

/*
 * baro_http_new registers, with the prefix "http":
 *     http_requests_total{method,endpoint,status}             counter
 *     http_request_duration_seconds{method,endpoint}          histogram
 *     http_request_size_bytes, http_response_size_bytes       histograms {method,endpoint}
 *     http_requests_in_progress{method}                       gauge
 * method is one of the registered ones or "other"; endpoint is the template that the caller gives,
 * never the raw path.
 */
BARO_API struct baro_http *baro_http_new(const struct baro_http_options *options,
                                         struct baro_why *why);
BARO_API struct baro_http *baro_http_free(struct baro_http *http); /* the families stay */

struct baro_http_request {
    int64_t start_ns;
    uint8_t method; /* index of the method; internal */
    bool begun;
};

BARO_API void baro_http_begin(struct baro_http *http, const char *method,
                              struct baro_http_request *ret_request);
/* endpoint NULL = "unmatched". trace_id may be NULL; it becomes the exemplar of the duration. */
BARO_API void baro_http_end(struct baro_http *http, struct baro_http_request *request,
                            const char *endpoint, int status, uint64_t request_bytes,
                            uint64_t response_bytes, const char *trace_id);

/* baro_socket_bytes_sent is how many bytes were written to a TCP socket so far, as the kernel
 * counts them; 0 where it does not. */
BARO_API uint64_t baro_socket_bytes_sent(int fd);

/* ---- Multi-process
 * --------------------------------------------------------------------------------- */

/*
 * baro_multiprocess_join makes this process one of a family that shares its figures by one file,
 * DIR/baro.shm, mapped into all. PROMETHEUS_MULTIPROC_DIR does the same by itself. It comes before
 * the first registration, best before the first fork. Counters and histograms of ended processes
 * stay, gauges of theirs go; a scrape of any process shows all. The family's first process makes
 * the file; baro_multiprocess_reset(DIR) removes it, when the service starts anew and no process
 * uses it.
 */
BARO_API int baro_multiprocess_join(const char *directory, struct baro_why *why);
BARO_API int baro_multiprocess_reset(const char *directory, struct baro_why *why);

/* baro_thread_prepare takes the memory for this thread's cells of all series there are, so that no
 * update allocates; in multi-process mode it takes the thread's place in the file alone. */
BARO_API int baro_thread_prepare(void);

#ifdef __cplusplus
}

/* BARO_VALUES for C++: an array that lives as long as the call that it is written in. */
template <class... Strings> struct baro_values_ {
    const char *array[sizeof...(Strings) + 1];
    explicit baro_values_(Strings... strings) : array{strings..., nullptr}
    {
    }
};

template <class... Strings> inline baro_values_<Strings...> baro_values_of_(Strings... strings)
{
    return baro_values_<Strings...>(strings...);
}

#define BARO_VALUES(...) (baro_values_of_(__VA_ARGS__).array)
#endif

#endif
