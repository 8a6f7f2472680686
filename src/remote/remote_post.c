#include "remote/remote_post.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/calendar.h"
#include "base/mem.h"
#include "base/num.h"
#include "http/client_settings.h"
#include "sys/clock.h"

enum {
    ANSWER_BYTES_MAX = 64 << 10,
    MESSAGE_SHOWN_BYTES = 120,
    URL_SHOWN_BYTES = 1024,
    RETRY_AFTER_MAX = DUR_HOUR, /* a remote is not forgotten for longer */
    JITTER_PERCENT = 20,
};

/* ---- endpoint ---- */

static void line_add(struct remote_endpoint *endpoint, str name, str value)
{
    struct buf line = {0};

    buf_str(&line, name);
    buf_c(&line, ": ");
    buf_str(&line, value);
    endpoint->lines =
        mem_realloc(endpoint->lines, (endpoint->line_count + 1) * sizeof(*endpoint->lines));
    endpoint->lines[endpoint->line_count] = buf_take_c(&line);
    ASSERT(endpoint->lines[endpoint->line_count] != NULL);
    endpoint->line_count++;
}

int remote_endpoint_open(struct remote_endpoint *endpoint, struct http_engine *engine,
                         const struct prom_remote_write *settings, struct baro_error *err)
{
    char shown[URL_SHOWN_BYTES];
    int r = http_client_new(engine, settings->http, &endpoint->client, err);

    if (r < 0) {
        return r;
    }
    endpoint->url = str_dup_c(settings->url);
    endpoint->shown_url = str_dup_c(str_from(client_url_show(endpoint->url, shown, sizeof(shown))));
    endpoint->queue = settings->queue;
    endpoint->timeout = settings->timeout > 0 ? settings->timeout : 1;
    line_add(endpoint, STR("Content-Encoding"), STR("snappy"));
    line_add(endpoint, STR("Content-Type"),
             settings->is_v2 ? STR("application/x-protobuf;proto=io.prometheus.write.v2.Request")
                             : STR("application/x-protobuf"));
    line_add(endpoint, STR("X-Prometheus-Remote-Write-Version"),
             settings->is_v2 ? STR("2.0.0") : STR("0.1.0"));
    for (size_t i = 0; i < settings->headers.count; i++) {
        line_add(endpoint, settings->headers.items[i].name, settings->headers.items[i].value);
    }
    endpoint->headers =
        http_headers_new((const char *const *)endpoint->lines, endpoint->line_count);
    endpoint->random.state = (uint64_t)clock_now_ns(endpoint->clock);
    return 0;
}

void remote_endpoint_close(struct remote_endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->line_count; i++) {
        (void)mem_free(endpoint->lines[i]);
    }
    (void)mem_free(endpoint->lines);
    (void)mem_free(endpoint->url);
    (void)mem_free(endpoint->shown_url);
    (void)mem_free(endpoint->name);
    (void)http_headers_free(endpoint->headers);
    (void)http_client_free(endpoint->client);
    *endpoint = (struct remote_endpoint){0};
}

/* ---- one attempt ---- */

/* Two digits at `at`, or -1. */
static int two_digits(const char *at)
{
    bool good = at[0] >= '0' && at[0] <= '9' && at[1] >= '0' && at[1] <= '9';

    return good ? (at[0] - '0') * 10 + at[1] - '0' : -1;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, IMF-fixdate); 0 for anything else. */
static ts http_date(const char *text)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    enum { DATE_BYTES = 29 };
    const bool is_long = strlen(text) == DATE_BYTES;
    int month = 0;

    if (!is_long || strcmp(text + DATE_BYTES - 4, " GMT") != 0) {
        return 0;
    }
    while (month < 12 && memcmp(months + 3 * month, text + 8, 3) != 0) {
        month++;
    }
    const int fields[] = {two_digits(text + 5),  two_digits(text + 12), two_digits(text + 14),
                          two_digits(text + 17), two_digits(text + 20), two_digits(text + 23)};
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        if (fields[i] < 0) {
            return 0;
        }
    }
    if (month == 12 || fields[0] < 1 || fields[0] > 31) {
        return 0;
    }
    return ((calendar_days((int64_t)fields[1] * 100 + fields[2], month + 1, fields[0]) * 24 +
             fields[3]) *
                3600 +
            (int64_t)fields[4] * 60 + fields[5]) *
           DUR_SECOND;
}

dur remote_retry_after(const char *text, ts now)
{
    uint64_t seconds = 0;
    dur wait;

    if (num_parse_u64(str_from(text), &seconds)) {
        wait = seconds < RETRY_AFTER_MAX / DUR_SECOND ? (dur)seconds * DUR_SECOND : RETRY_AFTER_MAX;
    } else {
        wait = http_date(text) - now;
    }
    return wait <= 0 ? 0 : wait < RETRY_AFTER_MAX ? wait : RETRY_AFTER_MAX;
}

static void wait_set(struct remote_post *post, dur named)
{
    struct remote_endpoint *endpoint = post->endpoint;
    dur least = endpoint->queue->backoff_min > 0 ? endpoint->queue->backoff_min : 1;
    dur most = endpoint->queue->backoff_max > least ? endpoint->queue->backoff_max : least;
    dur wait = post->backoff > 0 ? post->backoff : least;

    if (named > 0) {
        wait = named;
    } else {
        wait += (dur)random_below(&endpoint->random, (uint64_t)(wait * JITTER_PERCENT / 100 + 1));
    }
    post->backoff = wait * 2 < most ? wait * 2 : most;
    post->retry_at = clock_mono(endpoint->clock) + wait * MONO_PER_MS;
}

static enum remote_outcome outcome_of(struct remote_post *post, const struct http_call *call)
{
    str body = str_trim(str_slice(call->body, 0, MESSAGE_SHOWN_BYTES));

    if (call->result < 0 && !(call->body_is_too_long && call->status > 0)) {
        post->err = call->err;
        return REMOTE_RETRY;
    }
    if (call->status / 100 == 2) {
        return REMOTE_ACCEPTED;
    }
    (void)error_set(&post->err, BARO_ENETWORK, "server returned HTTP status %s: %.*s",
                    call->status_text, STR_ARG(body));
    return call->status / 100 == 5 || (call->status == 429 && post->endpoint->queue->retry_on_429)
               ? REMOTE_RETRY
               : REMOTE_REFUSED;
}

static void call_done(struct http_call *call)
{
    struct remote_post *post = CONTAINER_OF(call, struct remote_post, call);
    enum remote_outcome outcome = outcome_of(post, call);

    post->headers = http_headers_free(post->headers);
    if (outcome == REMOTE_RETRY) {
        wait_set(post, call->result < 0 ? 0
                                        : remote_retry_after(call->retry_after,
                                                             clock_now(post->endpoint->clock)));
        post->attempt++;
    } else {
        post->attempt = 0;
        post->backoff = 0;
        post->retry_at = 0;
    }
    post->answered(post, outcome);
}

void remote_post_start(struct remote_post *post, str body)
{
    struct remote_endpoint *endpoint = post->endpoint;
    char line[64];

    ASSERT(!remote_post_is_running(post));
    if (post->attempt > 0) {
        const char **lines = mem_alloc((endpoint->line_count + 1) * sizeof(*lines));

        memcpy(lines, endpoint->lines, endpoint->line_count * sizeof(*lines));
        (void)snprintf(line, sizeof(line), "Retry-Attempt: %u", post->attempt);
        lines[endpoint->line_count] = line;
        post->headers = http_headers_new(lines, endpoint->line_count + 1);
        (void)mem_free(lines);
    }
    post->retry_at = 0;
    post->begun = clock_mono(endpoint->clock);
    post->call = (struct http_call){
        .url = endpoint->url,
        .headers = post->headers != NULL ? post->headers : endpoint->headers,
        .post = body,
        .timeout = endpoint->timeout,
        .body_bytes_max = ANSWER_BYTES_MAX,
        .done = call_done,
    };
    http_call_start(endpoint->client, &post->call);
}

void remote_post_done(struct remote_post *post)
{
    if (remote_post_is_running(post)) {
        http_call_cancel(&post->call);
    }
    post->headers = http_headers_free(post->headers);
}
