/* Slack, by a webhook or as an app, which can change a message. Reference: notify/slack of
 * Alertmanager 0.34. */
#include <string.h>

#include "alerting/notifiers.h"
#include "codec/json.h"

enum { TITLE_MAX = 1024 };

static const struct am_field attachment_rows[] = {
    {"title", "title", TITLE_MAX, false}, {"title_link", "title_link", 0, false},
    {"pretext", "pretext", 0, false},     {"text", "text", 0, true},
    {"fallback", "fallback", 0, true},    {"callback_id", "callback_id", 0, true}};
static const struct am_field picture_rows[] = {{"image_url", "image_url", 0, false},
                                               {"thumb_url", "thumb_url", 0, false},
                                               {"footer", "footer", 0, true},
                                               {"color", "color", 0, false}};
static const struct am_field field_rows[] = {{"title", "title", 0, false},
                                             {"value", "value", 0, false}};
static const struct am_field action_rows[] = {{"type", "type", 0, false},
                                              {"text", "text", 0, false},
                                              {"url", "url", 0, false},
                                              {"style", "style", 0, false}};
static const struct am_field button_rows[] = {{"name", "name", 0, false},
                                              {"value", "value", 0, false}};
static const struct am_field confirm_rows[] = {{"text", "text", 0, false},
                                               {"title", "title", 0, false},
                                               {"ok_text", "ok_text", 0, false},
                                               {"dismiss_text", "dismiss_text", 0, false}};

static void put_fields(struct am_attempt *sending, struct json_writer *json)
{
    const struct option_type *type = NULL;
    struct option_list list = option_slot_list(sending->type, sending->options, "fields", &type);

    if (list.count == 0) {
        return;
    }
    json_write_key(json, STR("fields"));
    json_write_array_begin(json);
    for (size_t i = 0; i < list.count; i++) {
        int64_t own = option_slot_int(type, list.items[i], "short");

        json_write_object_begin(json);
        am_member_fields(sending, json, type, list.items[i], field_rows, ARRAY_COUNT(field_rows));
        json_write_pair_bool(json, STR("short"),
                             own == CONF_UNSET ? am_send_number(sending, "short_fields") != 0
                                               : own == CONF_ON);
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

/* A link has neither name nor value nor a question before it. */
static void put_action(struct am_attempt *sending, struct json_writer *json,
                       const struct option_type *type, const void *action)
{
    const void *confirm = option_slot_ptr(type, action, "confirm");
    bool is_link = option_slot_is_set(type, action, "url");

    json_write_object_begin(json);
    am_member_fields(sending, json, type, action, action_rows, ARRAY_COUNT(action_rows));
    if (!is_link) {
        am_member_fields(sending, json, type, action, button_rows, ARRAY_COUNT(button_rows));
    }
    if (!is_link && confirm != NULL) {
        json_write_key(json, STR("confirm"));
        json_write_object_begin(json);
        am_member_fields(sending, json, option_slot_type(type, "confirm"), confirm, confirm_rows,
                         ARRAY_COUNT(confirm_rows));
        json_write_object_end(json);
    }
    json_write_object_end(json);
}

static void put_actions(struct am_attempt *sending, struct json_writer *json)
{
    const struct option_type *type = NULL;
    struct option_list list = option_slot_list(sending->type, sending->options, "actions", &type);

    if (list.count == 0) {
        return;
    }
    json_write_key(json, STR("actions"));
    json_write_array_begin(json);
    for (size_t i = 0; i < list.count; i++) {
        put_action(sending, json, type, list.items[i]);
    }
    json_write_array_end(json);
}

static void put_markdown(struct am_attempt *sending, struct json_writer *json)
{
    static const str usual[] = {STR_INIT("fallback"), STR_INIT("pretext"), STR_INIT("text")};
    struct conf_strs own = option_slot_strs(sending->type, sending->options, "mrkdwn_in");
    const str *items = own.count > 0 ? own.items : usual;
    size_t count = own.count > 0 ? own.count : ARRAY_COUNT(usual);

    json_write_key(json, STR("mrkdwn_in"));
    json_write_array_begin(json);
    for (size_t i = 0; i < count; i++) {
        json_write_str(json, items[i]);
    }
    json_write_array_end(json);
}

static void put_attachment(struct am_attempt *sending, struct json_writer *json)
{
    const struct option_type *type = sending->type;

    json_write_object_begin(json);
    am_member_fields(sending, json, type, sending->options, attachment_rows,
                     ARRAY_COUNT(attachment_rows));
    put_fields(sending, json);
    put_actions(sending, json);
    am_member_fields(sending, json, type, sending->options, picture_rows,
                     ARRAY_COUNT(picture_rows));
    put_markdown(sending, json);
    json_write_object_end(json);
}

/* What the group's thread is known by: the channel, a space, the message's time. */
static bool thread_of(const struct am_attempt *sending, str *ret_channel, str *ret_time)
{
    str id = sending->notification->thread_id;
    size_t space = str_index_char(id, ' ');

    if (am_send_number(sending, "update_message") == 0 || space == SIZE_MAX) {
        return false;
    }
    *ret_channel = str_slice(id, 0, space);
    *ret_time = str_from_index(id, space + 1);
    return ret_time->len > 0 && ret_channel->len > 0;
}

static void put_message(struct am_attempt *sending, struct json_writer *json, str channel, str time)
{
    json_write_object_begin(json);
    am_member_some(json, "channel", channel);
    am_member_some(json, "ts", time);
    am_member_some(json, "username", am_send_text(sending, "username"));
    am_member_some(json, "icon_emoji", am_send_text(sending, "icon_emoji"));
    am_member_some(json, "icon_url", am_send_text(sending, "icon_url"));
    if (am_send_number(sending, "link_names") != 0) {
        json_write_pair_bool(json, STR("link_names"), true);
    }
    am_member_some(json, "text", am_send_text(sending, "message_text"));
    json_write_key(json, STR("attachments"));
    json_write_array_begin(json);
    put_attachment(sending, json);
    json_write_array_end(json);
    json_write_object_end(json);
}

/* Slack answers 200 to what it refuses. */
static enum am_notify_outcome read_answer(struct am_attempt *sending, str channel,
                                          const struct am_response *answer)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    str text;
    str time;

    if (!str_has_prefix(answer->content_type, STR("application/json"))) {
        return str_is(answer->body, "ok")
                   ? AM_NOTIFY_OK
                   : am_send_fault(sending,
                                   "channel \"%.*s\": received an error response from Slack: %.*s",
                                   STR_ARG(channel), STR_ARG(str_slice(answer->body, 0, 500)));
    }
    if (json_doc_parse(answer->body, &root, NULL) < 0) {
        return am_send_again(sending, "channel \"%.*s\": could not unmarshal JSON response",
                             STR_ARG(channel));
    }
    text = json_text(json_get(root, "error"));
    if (!json_is_yes(json_get(root, "ok"))) {
        return am_send_fault(sending, "channel \"%.*s\": error response from Slack: %.*s",
                             STR_ARG(channel), STR_ARG(text));
    }
    text = json_text(json_get(root, "channel"));
    time = json_text(json_get(root, "ts"));
    if (am_send_number(sending, "update_message") != 0 && text.len > 0 && time.len > 0) {
        buf_reset(&sending->receipt->thread_id);
        buf_printf(&sending->receipt->thread_id, "%.*s %.*s", STR_ARG(text), STR_ARG(time));
    }
    return AM_NOTIFY_OK;
}

enum am_notify_outcome notify_slack(struct am_attempt *sending)
{
    str token = am_send_secret(sending, "app_token", "app_token_file");
    struct am_request request = {.url = STR("")};
    struct am_response answer = {0};
    struct buf body = {0};
    struct json_writer json = json_write_over(&body);
    str time = STR("");
    str channel = am_send_text(sending, "channel");
    enum am_notify_outcome outcome = AM_NOTIFY_FAIL;

    request.url = token.len > 0 ? arena_str(&sending->arena, am_send_option(sending, "app_url"))
                                : am_send_url(sending, "api_url", "api_url_file");
    if (token.len > 0) {
        request.headers[request.header_count++] =
            arena_printf(&sending->arena, "Authorization: Bearer %.*s", STR_ARG(token)).ptr;
    }
    if (thread_of(sending, &channel, &time)) {
        request.url = STR("https://slack.com/api/chat.update");
    }
    put_message(sending, &json, channel, time);
    buf_char(&body, '\n');
    am_send_limit(sending, "timeout");
    request.body = buf_view(&body);
    if (!am_send_failed(sending, &body)) {
        outcome = am_send_request(sending, &request, &answer);
        if (outcome == AM_NOTIFY_OK && !sending->is_rendering) {
            outcome = read_answer(sending, channel, &answer);
        }
    }
    buf_done(&body);
    return outcome;
}
