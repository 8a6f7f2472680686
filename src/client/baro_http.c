#include "client/baro_priv.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/* The methods that are registered and used; whatever else a client sends is one value, or it could
 * send ever new ones. */
static const char *const methods[] = {"CONNECT", "DELETE", "GET", "HEAD",  "OPTIONS",
                                      "PATCH",   "POST",   "PUT", "TRACE", "other"};

enum {
    METHOD_COUNT = 10,
    METHOD_OTHER = METHOD_COUNT - 1,
    ENDPOINTS_MAX = 200,
    NAME_BYTES = 200,
    STATUS_MIN = 100,
    STATUS_MAX = 599,
};

struct baro_http {
    struct baro_family *requests;
    struct baro_family *durations;
    struct baro_family *request_sizes;
    struct baro_family *response_sizes;
    struct baro_family *in_progress;
    baro_gauge methods_in_progress[METHOD_COUNT];
};

static const double size_buckets[] = {100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8};

static struct baro_family *family_of(const struct baro_http_options *options, const char *name,
                                     struct baro_desc desc, struct baro_why *why)
{
    char full[NAME_BYTES];
    const char *prefix = options->prefix == NULL ? "http" : options->prefix;
    int size = snprintf(full, sizeof(full), "%s%s%s", prefix, prefix[0] == '\0' ? "" : "_", name);

    if (size < 0 || (size_t)size >= sizeof(full)) {
        (void)baro_fail(why, BARO_BAD_NAME, "http: the prefix is too long");
        return NULL;
    }
    desc.name = full;
    return baro_family_new(options->registry, &desc, why);
}

static bool families_register(struct baro_http *http, const struct baro_http_options *options,
                              struct baro_why *why)
{
    uint32_t endpoints_max = options->endpoints_max == 0 ? ENDPOINTS_MAX : options->endpoints_max;
    const struct baro_label labels[] = {
        {"method", 0, methods, METHOD_COUNT},
        {"endpoint", endpoints_max, NULL, 0},
        {"status", STATUS_MAX - STATUS_MIN + 2, NULL, 0},
    };
    struct baro_desc counter = {
        .help = "HTTP requests by method, endpoint and status.",
        .type = BARO_COUNTER,
        .labels = labels,
        .label_count = 3,
    };
    struct baro_desc sizes = {
        .unit = "bytes",
        .type = BARO_HISTOGRAM,
        .labels = labels,
        .label_count = 2,
        .buckets = options->size_buckets == NULL ? size_buckets : options->size_buckets,
        .bucket_count = options->size_buckets == NULL ? BARO_COUNT_OF(size_buckets)
                                                      : options->size_bucket_count,
    };
    struct baro_desc durations = {
        .help = "Time from a request's head to the end of its answer.",
        .unit = "seconds",
        .type = BARO_HISTOGRAM,
        .labels = labels,
        .label_count = 2,
        .buckets = options->duration_buckets,
        .bucket_count = options->duration_buckets == NULL ? 0 : options->duration_bucket_count,
        .native = options->native,
    };
    struct baro_desc gauge = {
        .help = "HTTP requests that are being worked on.",
        .type = BARO_GAUGE,
        .labels = labels,
        .label_count = 1,
    };

    http->requests = family_of(options, "requests_total", counter, why);
    http->durations = http->requests == NULL
                          ? NULL
                          : family_of(options, "request_duration_seconds", durations, why);
    sizes.help = "Bytes of the bodies of HTTP requests.";
    http->request_sizes =
        http->durations == NULL ? NULL : family_of(options, "request_size_bytes", sizes, why);
    sizes.help = "Bytes of the bodies of HTTP answers.";
    http->response_sizes =
        http->request_sizes == NULL ? NULL : family_of(options, "response_size_bytes", sizes, why);
    http->in_progress = http->response_sizes == NULL
                            ? NULL
                            : family_of(options, "requests_in_progress", gauge, why);
    return http->in_progress != NULL;
}

struct baro_http *baro_http_new(const struct baro_http_options *options, struct baro_why *why)
{
    static const struct baro_http_options usual;
    struct baro_http *http = calloc(1, sizeof(*http));

    baro_why_clear(why);
    if (http == NULL) {
        (void)baro_fail(why, BARO_NO_MEMORY, "http: no memory");
        return NULL;
    }
    if (!families_register(http, options == NULL ? &usual : options, why)) {
        free(http);
        return NULL;
    }
    return http;
}

struct baro_http *baro_http_free(struct baro_http *http)
{
    free(http);
    return NULL;
}

static uint8_t method_of(const char *method)
{
    for (uint8_t i = 0; method != NULL && i < METHOD_OTHER; i++) {
        if (strcmp(methods[i], method) == 0) {
            return i;
        }
    }
    return METHOD_OTHER;
}

static baro_gauge in_progress(struct baro_http *http, uint8_t method)
{
    const char *values[] = {methods[method], NULL};

    return baro_gauge_cached(&http->methods_in_progress[method], http->in_progress, values);
}

void baro_http_begin(struct baro_http *http, const char *method,
                     struct baro_http_request *ret_request)
{
    if (http == NULL || ret_request == NULL) {
        baro_misuse();
        return;
    }
    ret_request->start_ns = baro_now_ns();
    ret_request->method = method_of(method);
    ret_request->begun = true;
    baro_gauge_inc(in_progress(http, ret_request->method));
}

/* Three digits; what is no status of HTTP is "0". */
static void status_text(int status, char *ret)
{
    size_t size =
        baro_number_u64(status < STATUS_MIN || status > STATUS_MAX ? 0 : (uint64_t)status, ret);

    ret[size] = '\0';
}

void baro_http_end(struct baro_http *http, struct baro_http_request *request, const char *endpoint,
                   int status, uint64_t request_bytes, uint64_t response_bytes,
                   const char *trace_id)
{
    char status_digits[BARO_NUMBER_BYTES];
    const char *values[4];

    if (http == NULL || request == NULL || !request->begun || request->method >= METHOD_COUNT) {
        baro_misuse();
        return;
    }
    request->begun = false;
    status_text(status, status_digits);
    values[0] = methods[request->method];
    values[1] = endpoint == NULL ? "unmatched" : endpoint;
    values[2] = status_digits;
    values[3] = NULL;
    baro_gauge_dec(in_progress(http, request->method));
    baro_counter_inc(baro_counter_with(http->requests, values));
    baro_histogram_observe_trace(baro_histogram_with(http->durations, values),
                                 (double)(baro_now_ns() - request->start_ns) / 1e9, trace_id, NULL);
    baro_histogram_observe(baro_histogram_with(http->request_sizes, values), (double)request_bytes);
    baro_histogram_observe(baro_histogram_with(http->response_sizes, values),
                           (double)response_bytes);
}

/* Where struct tcp_info of <linux/tcp.h> has what is asked for: that header and <netinet/tcp.h>,
 * whose struct is shorter, exclude each other. Linux only adds to its end. */
enum { INFO_NOT_SENT = 144, INFO_SENT = 200, INFO_SENT_AGAIN = 208, INFO_BYTES = 216 };

/* What was sent, less what was sent again, and what waits in the socket. Linux tells it since 4.19.
 */
uint64_t baro_socket_bytes_sent(int fd)
{
    unsigned char info[INFO_BYTES];
    socklen_t size = sizeof(info);
    uint32_t not_sent;
    uint64_t sent;
    uint64_t again;

    memset(info, 0, sizeof(info));
    if (fd < 0 || getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &size) < 0 || size < INFO_BYTES) {
        return 0;
    }
    memcpy(&not_sent, &info[INFO_NOT_SENT], sizeof(not_sent));
    memcpy(&sent, &info[INFO_SENT], sizeof(sent));
    memcpy(&again, &info[INFO_SENT_AGAIN], sizeof(again));
    return sent - again + not_sent;
}
