/* Pushover: a form in the URL. Reference: notify/pushover of Alertmanager 0.34. */
#include "alerting/notifiers.h"

enum { TITLE_MAX = 250, MESSAGE_MAX = 1024, URL_MAX = 512, MS_PER_SECOND = 1000 };

static str seconds_of(struct am_attempt *sending, const char *key)
{
    return arena_printf(&sending->arena, "%lld",
                        (long long)(am_send_number(sending, key) / MS_PER_SECOND));
}

static str message_of(struct am_attempt *sending)
{
    str text = am_send_number(sending, "html") != 0 ? am_send_html(sending, "message")
                                                    : am_send_text(sending, "message");

    text = str_trim(am_cut_runes(&sending->arena, text, MESSAGE_MAX));
    return text.len > 0 ? text : STR("(no details)");
}

/* In order of names, as Go encodes a form. */
static void make_query(struct am_attempt *sending, struct buf *query)
{
    am_query_add(query, "device", am_send_text(sending, "device"));
    am_query_add(query, "expire", seconds_of(sending, "expire"));
    if (am_send_number(sending, "html") != 0) {
        am_query_add(query, "html", STR("1"));
    }
    am_query_add(query, "message", message_of(sending));
    if (am_send_number(sending, "monospace") != 0) {
        am_query_add(query, "monospace", STR("1"));
    }
    am_query_add(query, "priority", am_send_text(sending, "priority"));
    am_query_add(query, "retry", seconds_of(sending, "retry"));
    am_query_add(query, "sound", am_send_text(sending, "sound"));
    am_query_add(query, "title",
                 am_cut_runes(&sending->arena, am_send_text(sending, "title"), TITLE_MAX));
    am_query_add(query, "token",
                 am_send_render(sending, am_send_secret(sending, "token", "token_file")));
    if (am_send_number(sending, "ttl") >= MS_PER_SECOND) {
        am_query_add(query, "ttl", seconds_of(sending, "ttl"));
    }
    am_query_add(query, "url",
                 am_cut_runes(&sending->arena, am_send_text(sending, "url"), URL_MAX));
    am_query_add(query, "url_title", am_send_text(sending, "url_title"));
    am_query_add(query, "user",
                 am_send_render(sending, am_send_secret(sending, "user_key", "user_key_file")));
}

enum am_notify_outcome notify_pushover(struct am_attempt *sending)
{
    struct am_request request = {.content_type = "Content-Type: text/plain", .is_look_up = true};
    struct buf query = {0};
    enum am_notify_outcome outcome = AM_NOTIFY_FAIL;

    make_query(sending, &query);
    request.url = am_url_add(&sending->arena, STR("https://api.pushover.net/1/messages.json"),
                             STR(""), buf_view(&query));
    if (!am_send_failed(sending, &query)) {
        am_send_show(sending, buf_view(&query));
        outcome = am_send_request(sending, &request, NULL);
    }
    buf_done(&query);
    return outcome;
}
