/* POST /api/v1/otlp/v1/metrics: metrics that others send by OTLP over HTTP, as protobuf or JSON. */
#include "api/api_priv.h"
#include "base/log.h"
#include "client/self.h"
#include "codec/gzip.h"
#include "conf/prom_config.h"
#include "ingest/otlp_json.h"
#include "ingest/otlp_receiver.h"

/* JSON is read into a tree, which takes more than the text. */
#define JSON_BYTES_MAX ((size_t)16 << 20)

static void refuse(struct api_call *call, int status, const char *message)
{
    log_warn("an OTLP request was refused", log_int("status", status),
             log_str("client", call->request->client), log_c("err", message));
    http_response_text(call->response, status, "%s\n", message);
}

static void set_names(const struct prom_otlp *otlp, struct otlp_options *ret)
{
    const str strategy = otlp->translation_strategy;
    const bool is_plain = str_is(strategy, "NoTranslation");

    ret->naming = (struct otlp_naming){
        .adds_suffixes = !is_plain && !str_is(strategy, "UnderscoreEscapingWithoutSuffixes"),
        .allows_utf8 = is_plain || str_is(strategy, "NoUTF8EscapingWithSuffixes"),
        .sanitizes_underscore = otlp->label_name_underscore_sanitization,
        .keeps_underscores = otlp->label_name_preserve_multiple_underscores,
    };
}

/* The running configuration's section `otlp`; false before the first. */
static bool set_options(struct api_call *call, const struct prom_config *config,
                        struct otlp_options *ret)
{
    const struct api_remote *remote = &call->context->remote;
    const struct prom_otlp *otlp = config != NULL ? prom_config_otlp(config) : NULL;
    struct engine_options engine = {0};
    struct conf_strs names;

    if (otlp == NULL) {
        return false;
    }
    call->context->engine(call->context->app, &engine);
    names = otlp->promote_all_resource_attributes ? otlp->ignore_resource_attributes
                                                  : otlp->promote_resource_attributes;
    *ret = (struct otlp_options){
        .appendable = remote->appendable(call->context->app),
        .now = clock_now(call->context->clock),
        .promotes_all = otlp->promote_all_resource_attributes,
        .attributes = names.items,
        .attribute_count = names.count,
        .keeps_identifying = otlp->keep_identifying_resource_attributes,
        .makes_nhcb = otlp->convert_histograms_to_nhcb,
        .promotes_scope = otlp->promote_scope_metadata,
        .takes_deltas = remote->takes_otlp_deltas,
        .type_and_unit_labels = remote->type_and_unit_labels,
        .keeps_metadata = remote->keeps_metadata,
        .lookback = engine.lookback,
    };
    set_names(otlp, ret);
    return true;
}

/* An answer without content is the message that all was taken; in JSON that is an empty object. */
static void answer(struct api_call *call, bool is_json, const struct otlp_receipt *receipt)
{
    struct http_response *response = call->response;

    self_add(SELF_OTLP_EXEMPLARS_OUT_OF_ORDER, (double)receipt->exemplars_out_of_order);
    response->status = receipt->status;
    if (receipt->status == 200) {
        response->content_type = is_json ? "application/json" : "application/x-protobuf";
        buf_c(&response->body, is_json ? "{}" : "");
        return;
    }
    if (receipt->status == 503) {
        http_response_header(response, "Retry-After", API_RETRY_AFTER);
    }
    log_warn("an OTLP request was not taken in full", log_int("status", receipt->status),
             log_int("samples", (int64_t)receipt->samples),
             log_str("client", call->request->client), log_str("err", buf_view(&receipt->message)));
    response->content_type = "text/plain; charset=utf-8";
    buf_str(&response->body, buf_view(&receipt->message));
    buf_char(&response->body, '\n');
}

static void take(struct api_call *call, bool is_json, str body)
{
    CLEANUP(prom_config_unrefp)
    struct prom_config *config = call->context->sources.running != NULL
                                     ? call->context->sources.running(call->context->app)
                                     : NULL;
    struct otlp_options options = {0};
    struct otlp_receipt receipt = {0};

    if (!set_options(call, config, &options)) {
        http_response_text(call->response, 503, "Service Unavailable\n");
        return;
    }
    otlp_receiver_take(&options, body, &receipt);
    answer(call, is_json, &receipt);
    otlp_receipt_done(&receipt);
}

/* The body as a protobuf message: `text` and `message` are room for it. */
static int read_body(struct api_call *call, bool is_json, struct buf *text, struct buf *message,
                     str *ret, struct baro_error *err)
{
    const size_t bytes_max = is_json ? JSON_BYTES_MAX : API_PUSH_BYTES_MAX;
    const str encoding = http_request_header(call->request, "Content-Encoding");
    str body = call->request->body;
    int r = 0;

    if (str_is(encoding, "gzip")) {
        r = gzip_unpack(body, bytes_max, text, err);
        body = buf_view(text);
    } else if (encoding.len > 0) {
        r = error_set(err, BARO_EUNSUPPORTED,
                      "unsupported compression: %.*s. Only \"gzip\" or no compression supported",
                      STR_ARG(encoding));
    }
    if (r >= 0 && is_json) {
        r = otlp_json_metrics(body, message, err);
        body = buf_view(message);
    }
    *ret = body;
    return r;
}

void api_otlp_metrics(struct api_call *call)
{
    const str type = http_request_header(call->request, "Content-Type");
    const bool is_json = str_is(type, "application/json");
    struct baro_error err = {0};
    struct buf text = {0}, message = {0};
    str body = STR_NULL;

    if (!call->context->remote.takes_otlp) {
        http_response_text(
            call->response, 404,
            "otlp write receiver needs to be enabled with --web.enable-otlp-receiver\n");
    } else if (!is_json && !str_is(type, "application/x-protobuf")) {
        (void)error_set(&err, BARO_EINVALID,
                        "unsupported content type: %.*s, supported: [application/json, "
                        "application/x-protobuf]",
                        STR_ARG(type));
        refuse(call, 400, err.message);
    } else if (read_body(call, is_json, &text, &message, &body, &err) < 0) {
        char what[ERROR_FORMAT_BYTES];

        error_format(&err, what, sizeof(what));
        refuse(call, err.code == BARO_ELIMIT ? 413 : 400, what);
    } else {
        take(call, is_json, body);
    }
    buf_done(&text);
    buf_done(&message);
}
