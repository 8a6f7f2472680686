#include "alerting/am_send.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/client.h"
#include "sys/fs.h"
#include "template/template_json.h"

enum {
    SECRET_FILE_BYTES_MAX = 1 << 20,
    ANSWER_BYTES_MAX = 1 << 20,
    ANSWER_SHOWN_BYTES = 500, /* of an answer, in a message */
    SECRET_BYTES_MIN = 4,     /* shorter ones are found everywhere */
    FULL_BYTES = 64 << 20,    /* of a message */
};

/* ---- Outcomes ---- */

static enum am_notify_outcome outcome(struct am_attempt *sending, enum am_notify_outcome what,
                                      const char *format, va_list args)
{
    str text = arena_vprintf(&sending->arena, format, args);

    (void)error_set(sending->err, BARO_ENETWORK, "%.*s", STR_ARG(text));
    return what;
}

enum am_notify_outcome am_send_fault(struct am_attempt *sending, const char *format, ...)
{
    enum am_notify_outcome what;
    va_list args;

    va_start(args, format);
    what = outcome(sending, AM_NOTIFY_FAIL, format, args);
    va_end(args);
    return what;
}

enum am_notify_outcome am_send_again(struct am_attempt *sending, const char *format, ...)
{
    enum am_notify_outcome what;
    va_list args;

    va_start(args, format);
    what = outcome(sending, AM_NOTIFY_RETRY, format, args);
    va_end(args);
    return what;
}

bool am_send_failed(struct am_attempt *sending, const struct buf *body)
{
    if (sending->failed == 0 && body != NULL && body->failed) {
        sending->failed = error_set(sending->err, BARO_ELIMIT, "the message is too long");
    }
    return sending->failed != 0;
}

/* ---- Options ---- */

static str render(struct am_attempt *sending, str template, bool is_html)
{
    struct buf out = {.limit = FULL_BYTES};
    struct baro_error err = {0};
    str text = STR("");
    int result;

    if (sending->failed != 0) {
        return text;
    }
    result = template_notice_run(sending->notifier->templates, &sending->notice, sending->data,
                                 &sending->arena, template, is_html, &out, &err);
    if (result < 0) {
        sending->failed = result;
        *sending->err = err;
    } else {
        text = arena_str(&sending->arena, buf_view(&out));
    }
    buf_done(&out);
    return text;
}

str am_send_render(struct am_attempt *sending, str template)
{
    return render(sending, template, false);
}

str am_send_text(struct am_attempt *sending, const char *key)
{
    return render(sending, am_send_option(sending, key), false);
}

str am_send_html(struct am_attempt *sending, const char *key)
{
    return render(sending, am_send_option(sending, key), true);
}

str am_send_option(const struct am_attempt *sending, const char *key)
{
    return option_slot_str(sending->type, sending->options, key);
}

int64_t am_send_number(const struct am_attempt *sending, const char *key)
{
    return option_slot_int(sending->type, sending->options, key);
}

str am_send_file(struct am_attempt *sending, str path)
{
    char *name = str_dup_c(path);
    struct baro_error err = {0};
    str text = STR("");
    int result = fs_read_all(fs_real(), &sending->arena, name, SECRET_FILE_BYTES_MAX, &text, &err);

    if (result < 0 && sending->failed == 0) {
        sending->failed = result;
        *sending->err = err;
    }
    (void)mem_free(name);
    return str_trim(text);
}

/* ${NAME}, and nothing else, is the variable of the environment; when there is none such, it is a
 * secret of odd looks. */
static str from_environment(str text)
{
    const char *value;
    char *name;

    if (!str_has_prefix(text, STR("${")) || !str_has_suffix(text, STR("}"))) {
        return text;
    }
    name = str_dup_c(str_slice(text, 2, text.len - 1));
    value = getenv(name);
    (void)mem_free(name);
    return value != NULL ? str_from(value) : text;
}

str am_send_secret(struct am_attempt *sending, const char *key, const char *file_key)
{
    str text = from_environment(am_send_option(sending, key));

    if (text.len == 0 && file_key != NULL && am_send_option(sending, file_key).len > 0) {
        text = am_send_file(sending, am_send_option(sending, file_key));
    }
    if (text.len >= SECRET_BYTES_MIN) {
        vec_push(&sending->secrets, text);
    }
    return text;
}

str am_send_url(struct am_attempt *sending, const char *key, const char *file_key)
{
    return arena_str(&sending->arena, am_send_secret(sending, key, file_key));
}

void am_send_limit(struct am_attempt *sending, const char *key)
{
    dur most = am_send_number(sending, key);

    sending->timeout = most > 0 && most < sending->timeout ? most : sending->timeout;
}

/* ---- Tokens ---- */

static struct am_token *token_of(struct am_attempt *sending)
{
    struct am_notifier *notifier = sending->notifier;

    for (size_t i = 0; i < notifier->tokens.count; i++) {
        if (notifier->tokens.items[i].integration == sending->integration) {
            return &notifier->tokens.items[i];
        }
    }
    vec_push(&notifier->tokens, (struct am_token){.integration = sending->integration});
    return vec_last(&notifier->tokens);
}

str am_send_token(struct am_attempt *sending, dur most)
{
    ts now = sending->notification->now;
    struct am_token *token;
    str text = STR("");

    if (sending->is_rendering) {
        return text; /* the same each time */
    }
    lock_acquire(&sending->notifier->lock);
    token = token_of(sending);
    if (token->text != NULL && now >= token->asked_at && now - token->asked_at <= most) {
        text = arena_str(&sending->arena, str_from(token->text));
    }
    lock_release(&sending->notifier->lock);
    return text;
}

void am_send_keep_token(struct am_attempt *sending, str text)
{
    struct am_token *token;

    lock_acquire(&sending->notifier->lock);
    token = token_of(sending);
    (void)mem_free(token->text);
    token->text = text.len > 0 ? str_dup_c(text) : NULL;
    token->asked_at = sending->notification->now;
    lock_release(&sending->notifier->lock);
}

/* ---- What may be shown ---- */

/* How many bytes of a secret stand here; 0 = none does. */
static size_t secret_at(const struct am_attempt *sending, str text)
{
    for (size_t i = 0; i < sending->secrets.count; i++) {
        if (str_has_prefix(text, sending->secrets.items[i])) {
            return sending->secrets.items[i].len;
        }
    }
    return 0;
}

void am_send_hide(const struct am_attempt *sending, struct buf *buf, str message)
{
    for (size_t i = 0; i < message.len;) {
        size_t size = secret_at(sending, str_from_index(message, i));

        if (size > 0) {
            buf_c(buf, SECRET_TEXT);
        } else {
            buf_char(buf, message.ptr[i]);
        }
        i += size > 0 ? size : 1;
    }
}

void am_send_show(struct am_attempt *sending, str message)
{
    buf_reset(&sending->receipt->message);
    am_send_hide(sending, &sending->receipt->message, message);
}

/* ---- Requests ---- */

static const struct prom_http default_http = {.follow_redirects = true, .enable_http2 = true};

/* Seconds, or a date, which counts as unknown. */
static dur retry_after_of(const char *text)
{
    dur seconds = 0;

    for (const char *c = text; *c >= '0' && *c <= '9' && seconds < 1000000; c++) {
        seconds = seconds * 10 + (*c - '0');
    }
    return seconds * 1000;
}

static bool is_retried(const struct am_request *request, int status)
{
    for (const int *code = request->retry_codes; code != NULL && *code != 0; code++) {
        if (*code == status) {
            return true;
        }
    }
    return status / 100 == 5;
}

/* The client's message names the URL, which may be a secret as a whole. */
static enum am_notify_outcome no_answer(struct am_attempt *sending, const struct http_call *call)
{
    str message = str_from(call->err.message);
    size_t at = str_index(message, STR("\": "));

    if (at != SIZE_MAX && str_index(message, STR("://")) < at) {
        message = str_from_index(message, at + 3);
    }
    return am_send_again(sending, "%s \"<redacted>\": %.*s",
                         call->method != NULL ? call->method : "Post", STR_ARG(message));
}

static enum am_notify_outcome judge(struct am_attempt *sending, const struct am_request *request,
                                    const struct http_call *call, str body)
{
    sending->receipt->status = call->status;
    sending->receipt->retry_after = retry_after_of(call->retry_after);
    if (call->result < 0) {
        return no_answer(sending, call);
    }
    if (call->status / 100 == 2) {
        return AM_NOTIFY_OK;
    }
    body = str_slice(body, 0, ANSWER_SHOWN_BYTES);
    if (is_retried(request, call->status)) {
        return am_send_again(sending, "unexpected status code %d%s%.*s", call->status,
                             body.len > 0 ? ": " : "", STR_ARG(body));
    }
    return am_send_fault(sending, "unexpected status code %d%s%.*s", call->status,
                         body.len > 0 ? ": " : "", STR_ARG(body));
}

struct answer {
    struct am_attempt *sending;
    struct am_response *response;
};

static _Thread_local struct answer *current_answer;

/* The type is gone with the connection. */
static void keep_type(struct http_call *call)
{
    current_answer->response->content_type =
        arena_str(&current_answer->sending->arena, call->content_type);
}

enum am_notify_outcome am_send_request(struct am_attempt *sending, const struct am_request *request,
                                       struct am_response *ret)
{
    const struct prom_http *http =
        sending->integration->http != NULL ? sending->integration->http : &default_http;
    struct am_response unread = {0};
    struct answer answer = {sending, ret != NULL ? ret : &unread};
    struct buf body = {.limit = ANSWER_BYTES_MAX};
    const char *lines[ARRAY_COUNT(request->headers) + 4];
    struct http_headers *headers;
    struct http_call call = {.method = request->method,
                             .url = request->url.ptr,
                             .post = request->body.ptr != NULL ? request->body : STR(""),
                             .timeout = sending->timeout,
                             .body_bytes_max = ANSWER_BYTES_MAX,
                             .accept_gzip = true,
                             .cancel = sending->cancel,
                             .tokens = sending->notifier->oauth2_tokens,
                             .done = keep_type};
    enum am_notify_outcome what;
    size_t count = 0;

    if (!request->is_look_up) {
        am_send_show(sending, request->body);
    }
    if (sending->is_rendering) {
        *answer.response = (struct am_response){.status = 200, .body = STR("")};
        return AM_NOTIFY_OK;
    }
    if (request->method != NULL && strcmp(request->method, "GET") == 0) {
        call.post = STR_NULL;
    } else {
        lines[count++] = request->content_type != NULL ? request->content_type
                                                       : "Content-Type: application/json";
    }
    lines[count++] = sending->notifier->user_agent;
    lines[count++] = "Accept:";
    lines[count++] = "Expect:";
    for (size_t i = 0; i < request->header_count; i++) {
        lines[count++] = request->headers[i];
        if (strpbrk(request->headers[i], "\r\n") != NULL) {
            return am_send_fault(sending, "a secret holds a line break");
        }
    }
    headers = http_headers_new(lines, count);
    call.headers = headers;
    current_answer = &answer;
    (void)http_fetch(http, &call, &body);
    current_answer = NULL;
    (void)http_headers_free(headers);
    answer.response->status = call.status;
    answer.response->body = text_take(&sending->arena, &body);
    what = judge(sending, request, &call, answer.response->body);
    return what;
}

enum am_notify_outcome am_send_json(struct am_attempt *sending, str url, struct buf *body,
                                    const int *retry_codes, struct am_response *ret)
{
    enum am_notify_outcome what = AM_NOTIFY_FAIL;

    buf_char(body, '\n');
    if (!am_send_failed(sending, body)) {
        what = am_send_request(
            sending,
            &(struct am_request){.url = url, .body = buf_view(body), .retry_codes = retry_codes},
            ret);
    }
    buf_done(body);
    return what;
}
