/* POST /api/v1/write: samples that others send (remote write 1.0 and 2.0). */
#include "api/api_priv.h"
#include "base/log.h"
#include "client/self.h"
#include "codec/compress.h"
#include "remote/write_receiver.h"

static const char *const message_names[WIRE_MESSAGE_COUNT] = {
    [WIRE_WRITE_1] = "prometheus.WriteRequest",
    [WIRE_WRITE_2] = "io.prometheus.write.v2.Request",
};

static void refuse(struct api_call *call, int status, const char *message)
{
    log_warn("a remote write request was refused", log_int("status", status),
             log_str("client", call->request->client), log_c("err", message));
    http_response_text(call->response, status, "%s\n", message);
}

/* The message by the header Content-Type: "application/x-protobuf", and what follows "proto=". */
static int message_of(struct api_call *call, enum wire_message *ret, struct baro_error *err)
{
    const str header = http_request_header(call->request, "Content-Type");
    str rest = str_trim(header);
    str part = STR_NULL;

    *ret = WIRE_WRITE_1;
    if (rest.len == 0) {
        return 0;
    }
    (void)str_split_next(&rest, ';', &part);
    if (!str_is(part, "application/x-protobuf")) {
        return error_set(err, BARO_EINVALID,
                         "expected application/x-protobuf as the first (media) part, got %.*s "
                         "content-type",
                         STR_ARG(header));
    }
    while (str_split_next(&rest, ';', &part)) {
        const size_t equals = str_index_char(part, '=');

        if (equals == SIZE_MAX) {
            return error_set(err, BARO_EINVALID,
                             "expected parameters to be key-values, got %.*s in %.*s content-type",
                             STR_ARG(part), STR_ARG(header));
        }
        if (!str_is(str_slice(part, 0, equals), "proto")) {
            continue;
        }
        part = str_from_index(part, equals + 1);
        for (int i = 0; i < WIRE_MESSAGE_COUNT; i++) {
            if (str_is(part, message_names[i])) {
                *ret = (enum wire_message)i;
                return 0;
            }
        }
        return error_set(err, BARO_EINVALID,
                         "got %.*s content type; unknown type for remote write protobuf message "
                         "%.*s, supported: %s, %s",
                         STR_ARG(header), STR_ARG(part), message_names[WIRE_WRITE_1],
                         message_names[WIRE_WRITE_2]);
    }
    return 0;
}

/* What the sender is told of a request that was read. */
static void answer(struct api_call *call, enum wire_message message, struct write_receipt *receipt)
{
    struct http_response *response = call->response;

    if (message == WIRE_WRITE_2) {
        http_response_header(response, "X-Prometheus-Remote-Write-Samples-Written",
                             arena_printf(call->arena, "%zu", receipt->samples).ptr);
        http_response_header(response, "X-Prometheus-Remote-Write-Histograms-Written",
                             arena_printf(call->arena, "%zu", receipt->histograms).ptr);
        http_response_header(response, "X-Prometheus-Remote-Write-Exemplars-Written",
                             arena_printf(call->arena, "%zu", receipt->exemplars).ptr);
    }
    self_add(SELF_WRITE_BAD_LABELS, (double)receipt->bad_labels);
    self_add(SELF_WRITE_WITHOUT_METADATA, (double)receipt->without_metadata);
    response->status = receipt->status;
    if (receipt->status == 204) {
        return;
    }
    if (receipt->status == 503) {
        http_response_header(response, "Retry-After", API_RETRY_AFTER);
    }
    log_warn("a remote write request was not taken in full", log_int("status", receipt->status),
             log_int("samples", (int64_t)(receipt->samples + receipt->histograms)),
             log_str("client", call->request->client), log_str("err", buf_view(&receipt->message)));
    response->content_type = "text/plain; charset=utf-8";
    buf_str(&response->body, buf_view(&receipt->message));
    buf_char(&response->body, '\n');
}

static void take(struct api_call *call, enum wire_message message, str body)
{
    const struct api_remote *remote = &call->context->remote;
    const struct write_options options = {
        .appendable = remote->appendable(call->context->app),
        .now = clock_now(call->context->clock),
        .keeps_metadata = remote->keeps_metadata,
        .type_and_unit_labels = remote->type_and_unit_labels,
    };
    struct write_receipt receipt = {0};

    write_receiver_take(&options, message, body, &receipt);
    answer(call, message, &receipt);
    write_receipt_done(&receipt);
}

void api_remote_write(struct api_call *call)
{
    const struct api_remote *remote = &call->context->remote;
    const str encoding = http_request_header(call->request, "Content-Encoding");
    enum wire_message message = WIRE_WRITE_1;
    struct baro_error err = {0};
    struct buf body = {0};

    if (!remote->takes_write[WIRE_WRITE_1] && !remote->takes_write[WIRE_WRITE_2]) {
        http_response_text(call->response, 404,
                           "remote write receiver needs to be enabled with "
                           "--web.enable-remote-write-receiver\n");
        return;
    }
    if (encoding.len > 0 && !str_is(encoding, "snappy")) {
        (void)error_set(&err, BARO_EINVALID,
                        "%.*s encoding (compression) is not accepted by this server; only snappy "
                        "is acceptable",
                        STR_ARG(encoding));
        refuse(call, 415, err.message);
    } else if (message_of(call, &message, &err) < 0) {
        refuse(call, 415, err.message);
    } else if (!remote->takes_write[message]) {
        (void)error_set(&err, BARO_EINVALID,
                        "%s protobuf message is not accepted by this server; only accepts %s",
                        message_names[message], message_names[1 - message]);
        refuse(call, 415, err.message);
    } else if (snappy_unpack(call->request->body, API_PUSH_BYTES_MAX, &body, &err) < 0) {
        refuse(call, err.code == BARO_ELIMIT ? 413 : 400, err.message);
    } else {
        take(call, message, buf_view(&body));
    }
    buf_done(&body);
}
