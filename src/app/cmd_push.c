/*
 * push metrics: an exposition sent to a remote write receiver (protocol 1.0), as `promtool push
 * metrics` does it: for trying things out.
 */
#include <stdio.h>

#include "app/commands.h"
#include "app/files.h"
#include "app/query_client.h"
#include "base/vec.h"
#include "conf/prom_config.h"
#include "http/client.h"
#include "model/exposition.h"
#include "remote/wire_out.h"
#include "sys/clock.h"

enum push_flag { PUSH_HEADER, PUSH_HTTP, PUSH_LABEL, PUSH_TIMEOUT, PUSH_MESSAGE, PUSH_PATH };

static const struct flag rows[] = {
    {"header", FLAG_LIST, "", FLAG_RUN, "NAME=VALUE: a header of the request; repeatable"},
    {"http.config.file", FLAG_TEXT, "", FLAG_RUN,
     "credentials, TLS and proxy for the server, as in a scrape job"},
    {"label", FLAG_LIST, "", FLAG_RUN,
     "NAME=VALUE: a label of every series; repeatable (default: job=promtool)"},
    {"timeout", FLAG_DURATION, "30s", FLAG_RUN, "how long the server may take"},
    {"protobuf_message", FLAG_TEXT, "prometheus.WriteRequest", FLAG_RUN,
     "prometheus.WriteRequest; the message of remote write 2.0 is not made"},
    {"remote-write.path", FLAG_TEXT, "/api/v1/write", FLAG_RUN, "path of the receiver"},
};
static const char summary[] =
    "Sends the series of expositions (files, or standard input) to a remote write receiver.\n"
    "Exit status: 0 sent, 1 refused or failed, 2 wrong usage.\n\n"
    "  curl -s localhost:9100/metrics | barograph push metrics http://localhost:9009";

struct pushing {
    const struct flags *flags;
    struct query_client client;
    struct arena arena;
    struct labels_builder builder;
    VEC(struct label) extra;
    struct wire_out request;
    str help; /* of the family that comes */
};

static int take_series(struct pushing *pushing, const struct exposition *parser,
                       const struct exposition_event *event, ts now, struct baro_error *err)
{
    struct labels labels = {0};
    int r =
        exposition_series_labels(parser, event, &pushing->builder, &pushing->arena, &labels, err);

    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < pushing->extra.count; i++) {
        labels_builder_set(&pushing->builder, pushing->extra.items[i].name,
                           pushing->extra.items[i].value);
    }
    wire_out_series(&pushing->request, labels_builder_finish(&pushing->builder));
    wire_out_sample(
        &pushing->request,
        &(struct sample){.v = event->value, .t = event->has_timestamp ? event->t : now});
    wire_out_series_end(&pushing->request);
    return 0;
}

static int make_request(struct pushing *pushing, str body, struct baro_error *err)
{
    bool ends = str_has_suffix(str_trim(body), STR("# EOF"));
    ts now = clock_now(clock_real());
    struct exposition parser;
    struct exposition_event event;
    int kind;

    wire_out_begin(&pushing->request, WIRE_WRITE_1);
    pushing->help = STR("");
    exposition_init(&parser, body, ends ? EXPOSITION_OPENMETRICS : EXPOSITION_TEXT);
    while ((kind = exposition_next(&parser, &event, err)) > EXPOSITION_END) {
        int r = 0;

        if (kind == EXPOSITION_HELP) {
            pushing->help = exposition_unescape(&parser, event.text, &pushing->arena);
        } else if (kind == EXPOSITION_TYPE) {
            const struct metadata metadata = {event.type, STR(""), pushing->help};

            wire_out_family(&pushing->request, event.name, &metadata);
            pushing->help = STR("");
        } else if (kind == EXPOSITION_SERIES) {
            r = take_series(pushing, &parser, &event, now, err);
        }
        if (r < 0) {
            return r;
        }
    }
    return kind;
}

static int send_request(struct pushing *pushing, struct baro_error *err)
{
    static const struct prom_http defaults = {.follow_redirects = true};
    const char *lines[FLAG_LIST_MAX + 3] = {
        "Content-Type: application/x-protobuf",
        "Content-Encoding: snappy",
        "X-Prometheus-Remote-Write-Version: 0.1.0",
    };
    CLEANUP(http_headers_freep) struct http_headers *headers = NULL;
    struct http_call call = {.timeout = flags_duration(pushing->flags, PUSH_TIMEOUT)};
    str url = pushing->flags->args[0];
    struct buf packed = {0};
    struct buf answer = {0};
    int r = wire_out_finish(&pushing->request, &packed, err);

    for (size_t i = 0; i < pushing->client.header_count; i++) {
        lines[3 + i] = pushing->client.headers[i];
    }
    headers = http_headers_new(lines, 3 + pushing->client.header_count);
    while (url.len > 0 && url.ptr[url.len - 1] == '/') {
        url.len--;
    }
    call.url = arena_printf(&pushing->arena, "%.*s%.*s", STR_ARG(url),
                            STR_ARG(flags_text(pushing->flags, PUSH_PATH)))
                   .ptr;
    call.headers = headers;
    call.post = buf_view(&packed);
    if (r >= 0 && http_fetch(pushing->client.http != NULL ? pushing->client.http : &defaults, &call,
                             &answer) < 0) {
        r = error_set(err, BARO_ENETWORK, "%s: %s", call.url, call.err.message);
    } else if (r >= 0 && call.status / 100 != 2) {
        r = error_set(err, BARO_ENETWORK, "%s: answered %s: %.*s", call.url, call.status_text,
                      STR_ARG(str_trim(buf_view(&answer))));
    }
    buf_done(&packed);
    buf_done(&answer);
    return r;
}

static int push_file(struct pushing *pushing, const char *path)
{
    bool is_input = str_is(str_from(path), "-");
    struct baro_error err = {0};
    struct buf text = {0};
    int r = file_read(path, &text, &err);

    (void)printf("Parsing %s%s\n", is_input ? "standard input" : "metrics file ",
                 is_input ? "" : path);
    r = r < 0 ? r : make_request(pushing, buf_view(&text), &err);
    r = r < 0 ? r : send_request(pushing, &err);
    if (r < 0) {
        char message[ERROR_FORMAT_BYTES];

        error_format(&err, message, sizeof(message));
        (void)fprintf(stderr, "  FAILED: %s\n", message);
    } else {
        (void)printf("  SUCCESS: metrics%s%s pushed to remote write.\n", is_input ? "" : " file ",
                     is_input ? "" : path);
    }
    buf_done(&text);
    return r < 0;
}

static int take_labels(struct pushing *pushing, struct baro_error *err)
{
    const struct flags *flags = pushing->flags;

    if (!flags->given[PUSH_LABEL]) {
        vec_push(&pushing->extra, (struct label){STR("job"), STR("promtool")});
    }
    for (size_t i = 0; i < flags->list_count; i++) {
        str text = flags->list[i];
        size_t equals = str_index_char(text, '=');

        if (flags->list_row[i] != PUSH_LABEL) {
            continue;
        }
        if (equals == SIZE_MAX || equals == 0) {
            return error_set(err, BARO_EUSAGE, "--label: \"%.*s\" is not NAME=VALUE",
                             STR_ARG(text));
        }
        vec_push(&pushing->extra,
                 (struct label){str_slice(text, 0, equals), str_from_index(text, equals + 1)});
    }
    return 0;
}

static int run(const struct flags *flags)
{
    struct pushing pushing = {.flags = flags};
    struct baro_error err = {0};
    int r = take_labels(&pushing, &err);
    int failed = 0;

    if (r >= 0 && !str_is(flags_text(flags, PUSH_MESSAGE), "prometheus.WriteRequest")) {
        r = error_set(&err, BARO_EUSAGE,
                      "--protobuf_message: \"%.*s\" is not made: prometheus.WriteRequest is",
                      STR_ARG(flags_text(flags, PUSH_MESSAGE)));
    }
    r = r < 0 ? r
              : query_client_flags(&pushing.client, flags, PUSH_HEADER, PUSH_HTTP, &pushing.arena,
                                   &err);
    for (size_t i = 1; i < flags->arg_count && r >= 0; i++) {
        failed |= push_file(&pushing, flags->args[i].ptr);
    }
    if (r >= 0 && flags->arg_count == 1) {
        failed = push_file(&pushing, "-");
    }
    wire_out_done(&pushing.request);
    vec_done(&pushing.extra);
    labels_builder_done(&pushing.builder);
    arena_done(&pushing.arena);
    if (r < 0) {
        (void)fprintf(stderr, "barograph: %s\n", err.message);
        return error_exit_status(r);
    }
    return failed;
}

int command_push_metrics(int argc, char **argv)
{
    static struct flags flags;
    struct baro_error err = {0};

    if (flags_parse(&flags, rows, ARRAY_COUNT(rows), argc, argv, &err) < 0) {
        (void)fprintf(stderr, "barograph: %s\n", err.message);
        return 2;
    }
    if (flags.help || flags.arg_count == 0) {
        return flags_usage(&flags, "push metrics [FLAGS] URL [FILE...]", summary);
    }
    return run(&flags);
}
