#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/api_priv.h"
#include "api/api_read_gate.h"
#include "base/log.h"
#include "base/num.h"
#include "client/self.h"
#include "client/self_histogram.h"
#include "exporter/node.h"

/* The last code stands for all others. */
static const int codes[API_CODE_COUNT] = {200, 204, 400, 403, 404, 405, 413, 422, 500, 503, 504, 0};

/* Prometheus's buckets of request durations. */
static const double bounds[API_DURATION_BUCKETS - 1] = {0.1, 0.2, 0.4, 1, 3, 8, 20, 60, 120};
static const double size_bounds[API_SIZE_BUCKETS - 1] = {1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};

void api_count(struct api *api, const struct http_route *route, int status, double seconds,
               size_t bytes)
{
    struct api_counters *counters = &api->counters[api_route_index(api_route_at(api, route))];
    size_t code = 0;
    size_t bucket = 0;
    size_t size = 0;

    while (code < API_CODE_COUNT - 1 && codes[code] != status) {
        code++;
    }
    while (bucket < API_DURATION_BUCKETS - 1 && seconds > bounds[bucket]) {
        bucket++;
    }
    while (size < API_SIZE_BUCKETS - 1 && (double)bytes > size_bounds[size]) {
        size++;
    }
    atomic_fetch_add_explicit(&counters->sizes[size], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&counters->codes[code], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&counters->buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&counters->duration_us, (uint64_t)(seconds * 1e6),
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&counters->response_bytes, bytes, memory_order_relaxed);
}

/* Routes of one path (GET, POST, PUT) are one handler in Prometheus's metrics. */
struct handler_sum {
    const char *path;
    uint64_t codes[API_CODE_COUNT];
    uint64_t buckets[API_DURATION_BUCKETS];
    uint64_t sizes[API_SIZE_BUCKETS];
    uint64_t duration_us;
    uint64_t response_bytes;
    uint64_t total;
};

static void add_counters(struct handler_sum *sum, const struct api_counters *counters)
{
    for (size_t i = 0; i < API_CODE_COUNT; i++) {
        sum->codes[i] += atomic_load_explicit(&counters->codes[i], memory_order_relaxed);
    }
    for (size_t i = 0; i < API_DURATION_BUCKETS; i++) {
        uint64_t count = atomic_load_explicit(&counters->buckets[i], memory_order_relaxed);

        sum->buckets[i] += count;
        sum->total += count;
    }
    for (size_t i = 0; i < API_SIZE_BUCKETS; i++) {
        sum->sizes[i] += atomic_load_explicit(&counters->sizes[i], memory_order_relaxed);
    }
    sum->duration_us += atomic_load_explicit(&counters->duration_us, memory_order_relaxed);
    sum->response_bytes += atomic_load_explicit(&counters->response_bytes, memory_order_relaxed);
}

/* Fills one row per path that was asked for; "" stands for paths that are not served. */
static size_t sum_handlers(const struct api *api, struct handler_sum *ret)
{
    const struct api_route *routes = api_routes();
    size_t count = 0;

    for (size_t i = 0; i < api_route_count(); i++) {
        if (count == 0 || strcmp(ret[count - 1].path, routes[i].path) != 0) {
            ret[count++] = (struct handler_sum){.path = routes[i].path};
        }
        add_counters(&ret[count - 1], &api->counters[i]);
    }
    ret[count] = (struct handler_sum){.path = ""};
    add_counters(&ret[count], &api->counters[API_ROUTES_MAX - 1]);
    return count + 1;
}

static void write_request_counts(struct buf *buf, const struct handler_sum *sums, size_t count)
{
    self_head(buf, "prometheus_http_requests_total", "counter",
              "Requests answered, by route and status code.");
    for (size_t i = 0; i < count; i++) {
        for (size_t code = 0; code < API_CODE_COUNT; code++) {
            bool wanted = sums[i].codes[code] > 0 || (codes[code] == 200 && i + 1 < count);

            if (wanted && codes[code] != 0) {
                buf_printf(buf, "prometheus_http_requests_total{code=\"%d\",handler=\"%s\"} %llu\n",
                           codes[code], sums[i].path, (unsigned long long)sums[i].codes[code]);
            } else if (wanted) {
                buf_printf(buf,
                           "prometheus_http_requests_total{code=\"other\",handler=\"%s\"} %llu\n",
                           sums[i].path, (unsigned long long)sums[i].codes[code]);
            }
        }
    }
}

/* The histogram of one route; bounds but the last, which is +Inf. */
static void write_histogram(struct buf *buf, const char *name, const char *path,
                            const double *limits, const uint64_t *counts, size_t buckets,
                            double sum)
{
    uint64_t below = 0;

    for (size_t k = 0; k < buckets; k++) {
        below += counts[k];
        buf_printf(buf, "%s_bucket{handler=\"%s\",le=\"", name, path);
        if (k < buckets - 1) {
            buf_double(buf, limits[k], NUM_G);
        } else {
            buf_c(buf, "+Inf");
        }
        buf_printf(buf, "\"} %llu\n", (unsigned long long)below);
    }
    buf_printf(buf, "%s_sum{handler=\"%s\"} ", name, path);
    buf_double(buf, sum, NUM_G);
    buf_printf(buf, "\n%s_count{handler=\"%s\"} %llu\n", name, path, (unsigned long long)below);
}

static void write_durations(struct buf *buf, const struct handler_sum *sums, size_t count)
{
    static const char name[] = "prometheus_http_request_duration_seconds";

    self_head(buf, name, "histogram", "Time to answer a request, by route.");
    for (size_t i = 0; i < count; i++) {
        if (sums[i].total > 0) {
            write_histogram(buf, name, sums[i].path, bounds, sums[i].buckets, API_DURATION_BUCKETS,
                            (double)sums[i].duration_us / 1e6);
        }
    }
}

static void write_sizes(struct buf *buf, const struct handler_sum *sums, size_t count)
{
    static const char name[] = "prometheus_http_response_size_bytes";

    self_head(buf, name, "histogram", "Bytes of answers as they were sent, by route.");
    for (size_t i = 0; i < count; i++) {
        if (sums[i].total > 0) {
            write_histogram(buf, name, sums[i].path, size_bounds, sums[i].sizes, API_SIZE_BUCKETS,
                            (double)sums[i].response_bytes);
        }
    }
}

/* Under the names of Go's libraries, which dashboards of Prometheus know. */
static void write_for_dashboards(struct buf *buf, const struct http_server_stats *stats,
                                 const struct handler_sum *sums, size_t count)
{
    static const char accepted[] = "net_conntrack_listener_conn_accepted_total";
    static const char closed[] = "net_conntrack_listener_conn_closed_total";
    static const char answered[] = "promhttp_metric_handler_requests_total";

    self_head(buf, accepted, "counter", "Connections that were taken.");
    self_value(buf, accepted, "{listener_name=\"http\"}", (double)stats->connections_accepted);
    self_head(buf, closed, "counter", "Connections that have ended.");
    self_value(buf, closed, "{listener_name=\"http\"}",
               (double)(stats->connections_accepted - stats->connections_open));
    self_head(buf, answered, "counter", "Requests for /metrics by status code.");
    for (size_t i = 0; i < count; i++) {
        for (size_t code = 0; strcmp(sums[i].path, "/metrics") == 0 && code < API_CODE_COUNT - 1;
             code++) {
            if (sums[i].codes[code] > 0 || codes[code] == 200) {
                buf_printf(buf, "%s{code=\"%d\"} %llu\n", answered, codes[code],
                           (unsigned long long)sums[i].codes[code]);
            }
        }
    }
}

static void write_server(struct buf *buf, const struct http_server_stats *stats)
{
    static const char refused[] = "barograph_http_refused_total";
    static const char closed[] = "barograph_http_connections_closed_total";
    const struct {
        const char *name;
        const char *reason;
        uint64_t value;
    } rows[] = {
        {refused, "bad_request", stats->refused_bad_request},
        {refused, "body_memory", stats->refused_body_memory},
        {refused, "body_size", stats->refused_body_size},
        {refused, "client_connections", stats->connections_client_refused},
        {refused, "connections", stats->connections_refused},
        {refused, "query_queue", stats->refused_queue_full},
        {refused, "rate", stats->refused_rate},
        {refused, "unauthorized", stats->refused_unauthorized},
        {closed, "idle", stats->closed_idle},
        {closed, "slow_body", stats->closed_slow_body},
        {closed, "slow_header", stats->closed_slow_header},
        {closed, "slow_reader", stats->closed_slow_reader},
    };

    self_one(buf, "barograph_http_accept_failures_total", "counter",
             "Connections that could not be taken, for want of file descriptors or memory.",
             (double)stats->accept_failed);
    self_one(buf, "barograph_http_connections", "gauge", "Open connections.",
             (double)stats->connections_open);
    self_one(buf, "barograph_http_connections_accepted_total", "counter",
             "Connections that were taken.", (double)stats->connections_accepted);
    self_one(buf, "barograph_http_queries_canceled_total", "counter",
             "Requests whose client left while they ran.", (double)stats->canceled_client_gone);
    self_one(buf, "barograph_http_queries_running", "gauge", "Requests that run on the query pool.",
             (double)stats->queries_running);
    self_one(buf, "barograph_http_queries_waiting", "gauge",
             "Requests that wait for the query pool.", (double)stats->queries_waiting);
    self_one(buf, "barograph_http_web_config_failures_total", "counter",
             "Looks at changed files of the web configuration that were no good.",
             (double)stats->web_config_failed);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (i == 0) {
            self_head(buf, refused, "counter", "Requests and connections refused at a limit.");
        } else if (rows[i].name != rows[i - 1].name) {
            self_head(buf, closed, "counter",
                      "Connections closed because the client took too long.");
        }
        buf_printf(buf, "%s{reason=\"%s\"} %llu\n", rows[i].name, rows[i].reason,
                   (unsigned long long)rows[i].value);
    }
}

void api_counters_write(const struct api *api, struct buf *buf)
{
    struct handler_sum *sums = mem_alloc_zero((API_ROUTES_MAX + 1) * sizeof(*sums));
    size_t count = sum_handlers(api, sums);
    struct http_server *server = atomic_load_explicit(&api->server, memory_order_acquire);
    struct http_server_stats stats = {0};

    if (server != NULL) {
        http_server_stats(server, &stats);
    }
    write_server(buf, &stats);
    write_for_dashboards(buf, &stats, sums, count);
    write_durations(buf, sums, count);
    write_request_counts(buf, sums, count);
    write_sizes(buf, sums, count);
    (void)mem_free(sums);
}

/* ---- process_* ---- */

static void count_directory(const char *path, size_t *ret)
{
    DIR *directory = opendir(path);

    *ret = 0;
    if (directory == NULL) {
        return;
    }
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        *ret += entry->d_name[0] != '.' ? 1 : 0;
    }
    (void)closedir(directory);
}

/* Pages in all and in memory: the first two numbers of /proc/self/statm. */
static void read_memory(double *ret_virtual, double *ret_resident)
{
    unsigned long long pages[2] = {0};
    double page = (double)sysconf(_SC_PAGESIZE);
    FILE *file = fopen("/proc/self/statm", "re");

    if (file != NULL) {
        if (fscanf(file, "%llu %llu", &pages[0], &pages[1]) != 2) {
            pages[0] = 0;
            pages[1] = 0;
        }
        (void)fclose(file);
    }
    *ret_virtual = (double)pages[0] * page;
    *ret_resident = (double)pages[1] * page;
}

static double timeval_seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

void api_process_write(struct buf *buf, ts start_time)
{
    struct rusage usage = {0};
    struct rlimit files = {0};
    struct rlimit space = {0};
    size_t open_files = 0;
    size_t threads = 0;
    double virtual_bytes = 0;
    double resident_bytes = 0;

    (void)getrusage(RUSAGE_SELF, &usage);
    (void)getrlimit(RLIMIT_NOFILE, &files);
    (void)getrlimit(RLIMIT_AS, &space);
    count_directory("/proc/self/fd", &open_files);
    count_directory("/proc/self/task", &threads);
    read_memory(&virtual_bytes, &resident_bytes);
    self_one(buf, "process_cpu_seconds_total", "counter",
             "CPU time used, in user and system mode together.",
             timeval_seconds(usage.ru_utime) + timeval_seconds(usage.ru_stime));
    self_one(buf, "process_max_fds", "gauge", "File descriptors that the process may have open.",
             (double)files.rlim_cur);
    self_one(buf, "process_open_fds", "gauge", "File descriptors that are open.",
             (double)open_files);
    self_one(buf, "process_resident_memory_bytes", "gauge", "Memory of the process that is in RAM.",
             resident_bytes);
    self_one(buf, "process_start_time_seconds", "gauge", "Unix time at which the process began.",
             (double)start_time / 1000);
    self_one(buf, "process_threads", "gauge", "Threads of the process.", (double)threads);
    self_one(buf, "process_virtual_memory_bytes", "gauge", "Address space of the process.",
             virtual_bytes);
    self_one(buf, "process_virtual_memory_max_bytes", "gauge",
             "Address space that the process may have.", (double)space.rlim_cur);
}

/* Go's name of what this was built for. */
#if defined(__x86_64__)
#define GOARCH "amd64"
#elif defined(__aarch64__)
#define GOARCH "arm64"
#else
#define GOARCH "other"
#endif

static void write_build(struct buf *buf, const struct api_build *build)
{
    self_head(buf, "barograph_build_info", "gauge", "What this program is.");
    buf_printf(buf, "barograph_build_info{compiler=\"%s\",revision=\"%s\",version=\"%s\"} 1\n",
               build->compiler, build->revision, build->program_version);
    self_head(buf, "prometheus_build_info", "gauge",
              "The Prometheus whose API and formats this program has.");
    buf_printf(buf,
               "prometheus_build_info{branch=\"%s\",goarch=\"" GOARCH "\",goos=\"linux\","
               "goversion=\"%s\",revision=\"%s\",tags=\"\",version=\"%s\"} 1\n",
               build->branch, build->compiler, build->revision, build->version);
}

void api_metrics_write(struct api_call *call, struct buf *buf)
{
    const struct api_context *context = call->context;
    struct api_runtime runtime = {0};

    if (context->sources.runtime != NULL) {
        context->sources.runtime(context->app, call->arena, &runtime);
    }
    self_set(SELF_LOG_DROPPED, (double)log_dropped_count());
    self_write(buf);
    self_histogram_write(buf);
    if (context->sources.metrics != NULL) {
        context->sources.metrics(context->app, buf);
    }
    write_build(buf, &context->build);
    api_counters_write(call->api, buf);
    self_one(buf, "prometheus_remote_read_handler_queries", "gauge",
             "Requests of remote read that are answered, or wait for their turn.",
             (double)api_read_gate_count(call->api->read_gate));
    api_process_write(buf, runtime.start_time);
}

void api_metrics(struct api_call *call)
{
    call->response->content_type = "text/plain; version=0.0.4; charset=utf-8";
    api_metrics_write(call, &call->response->body);
}

void api_host_metrics(struct api_call *call)
{
    call->response->content_type = "text/plain; version=0.0.4; charset=utf-8";
    node_metrics_write(&call->response->body,
                       &(struct node_options){.root = "", .mounts = call->api->mounts});
}
