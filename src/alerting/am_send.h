/*
 * am_send: one attempt to deliver a notification, as the kinds of receivers see it: templates of
 * their options, secrets, JSON, requests. A kind is a row of notifiers.def and a function in
 * notify_<kind>.c. A template that fails makes the attempt fail; it is noted once and asked for at
 * the end (am_send_failed), so that the functions read straight down.
 */
#pragma once

#include "alerting/am_config_priv.h"
#include "alerting/am_notify.h"
#include "base/lock.h"
#include "base/vec.h"
#include "codec/json_write.h"
#include "template/template_notice.h"

struct am_token {
    const struct am_integration *integration;
    char *text;
    ts asked_at;
};

struct am_notifier {
    const struct am_config *config;
    char *external_url;
    char *user_agent;
    struct template_set *templates;
    struct http_tokens *oauth2_tokens;
    struct lock lock;            /* over what follows */
    VEC(struct am_token) tokens; /* at most one an integration */
};

struct am_attempt {
    struct am_notifier *notifier;
    const struct am_integration *integration;
    const struct am_notification *notification;
    const struct option_type *type; /* of the integration's options */
    const void *options;
    struct arena arena;
    struct template_notice notice;
    struct tvalue data;
    str key_hash; /* SHA-256 of the group's key, hexadecimal */
    bool is_resolved;
    bool is_rendering; /* nothing is sent */
    dur timeout;
    const _Atomic bool *cancel;
    struct am_receipt *receipt; /* never NULL */
    struct baro_error *err;     /* never NULL */
    int failed;                 /* the first fault's code; 0 = none */
    VEC(str) secrets;           /* to be hidden in messages */
};

typedef enum am_notify_outcome am_notify_function(struct am_attempt *sending);

/* ---- Options ---- */

/* What an option's template yields; "" after a fault. am_send_render takes the template itself. */
str am_send_text(struct am_attempt *sending, const char *key);
str am_send_html(struct am_attempt *sending, const char *key);
str am_send_render(struct am_attempt *sending, str template);

/* An option as it stands. */
str am_send_option(const struct am_attempt *sending, const char *key);
int64_t am_send_number(const struct am_attempt *sending, const char *key);

/* The secret, which may be ${NAME} of the environment, or the content of the file, read now,
 * without white space around it. file_key may be NULL. */
str am_send_secret(struct am_attempt *sending, const char *key, const char *file_key);
str am_send_file(struct am_attempt *sending, str path);

/* What the integration was last given with am_send_keep_token, when that is no longer ago than
 * `most`; else empty. An empty token makes it forgotten. */
str am_send_token(struct am_attempt *sending, dur most);
void am_send_keep_token(struct am_attempt *sending, str token);

/* ---- JSON ---- */

/* Members that are texts; am_member_some only when they are not empty. */
void am_member(struct json_writer *json, const char *name, str value);
void am_member_some(struct json_writer *json, const char *name, str value);

/* A row of a body: the option's text, cut to runes_max characters (0 = not). */
struct am_field {
    const char *name;
    const char *key;
    size_t runes_max;
    bool always; /* even when empty */
};

/* am_member_fields renders the options of `object`, of `type`. */
void am_member_fields(struct am_attempt *sending, struct json_writer *json,
                      const struct option_type *type, const void *object,
                      const struct am_field *rows, size_t count);

/* am_member_node writes a YAML tree whose texts are templates: what one yields is read as YAML
 * again unless it is a text. */
void am_member_node(struct am_attempt *sending, struct json_writer *json,
                    const struct yaml_node *node);

/* am_member_webhook writes a webhook's message about the first max_alerts alerts (0 = all), of
 * which it names `shown` (0 = all). */
void am_member_webhook(struct am_attempt *sending, struct json_writer *json, const char *version,
                       size_t max_alerts, size_t shown);

/* Cut texts: the last character becomes an ellipsis. */
str am_cut_runes(struct arena *arena, str text, size_t most);
str am_cut_bytes(struct arena *arena, str text, size_t most);

/* ---- Requests ---- */

struct am_request {
    const char *method; /* NULL = POST */
    str url;
    const char *content_type; /* NULL = application/json */
    str body;
    const char *headers[4]; /* "Name: value", of the arena */
    size_t header_count;
    const int *retry_codes; /* besides 5xx; 0 at the end; may be NULL */
    bool is_look_up;        /* a rendering shows no body and takes an empty answer for it */
};

struct am_response {
    int status;
    str body; /* of the arena */
    str content_type;
};

/* am_send_request sends, and judges by the status. `ret` may be NULL. */
enum am_notify_outcome am_send_request(struct am_attempt *sending, const struct am_request *request,
                                       struct am_response *ret);

/* am_send_json ends a body with a newline, as Go's encoder does, and posts it. */
enum am_notify_outcome am_send_json(struct am_attempt *sending, str url, struct buf *body,
                                    const int *retry_codes, struct am_response *ret);

/* am_url_add puts a path (escaped) and a query (as it is) behind a URL's own. */
str am_url_add(struct arena *arena, str base, str path, str query);

/* am_query_add appends name=value to a query. */
void am_query_add(struct buf *query, const char *name, str value);

/* The URL of `key`, or of the file. */
str am_send_url(struct am_attempt *sending, const char *key, const char *file_key);

/* Shortens the time-out to the option's, where that is set. */
void am_send_limit(struct am_attempt *sending, const char *key);

/* am_send_fault is an outcome of FAIL with a message; am_send_again one of RETRY. */
enum am_notify_outcome am_send_fault(struct am_attempt *sending, const char *format, ...)
    PRINTF_LIKE(2, 3);
enum am_notify_outcome am_send_again(struct am_attempt *sending, const char *format, ...)
    PRINTF_LIKE(2, 3);

/* am_send_failed says whether a template, a file or a body has failed. */
bool am_send_failed(struct am_attempt *sending, const struct buf *body);

/* am_send_show keeps what goes out in the receipt, without secrets. */
void am_send_show(struct am_attempt *sending, str message);

/* am_send_hide replaces secrets in a message. */
void am_send_hide(const struct am_attempt *sending, struct buf *buf, str message);
