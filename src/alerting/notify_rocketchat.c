/* Rocket.Chat. Reference: notify/rocketchat of Alertmanager 0.34. */
#include "alerting/notifiers.h"
#include "codec/json.h"

enum { TITLE_MAX = 1024 };

static const struct am_field attachment_rows[] = {
    {"title", "title", TITLE_MAX, false}, {"title_link", "title_link", 0, false},
    {"text", "text", 0, false},           {"image_url", "image_url", 0, false},
    {"thumb_url", "thumb_url", 0, false}, {"color", "color", 0, false}};
static const struct am_field field_rows[] = {{"title", "title", 0, false},
                                             {"value", "value", 0, false}};

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
        json_write_pair_bool(json, STR("short"),
                             own == CONF_UNSET ? am_send_number(sending, "short_fields") != 0
                                               : own == CONF_ON);
        am_member_fields(sending, json, type, list.items[i], field_rows, ARRAY_COUNT(field_rows));
        json_write_object_end(json);
    }
    json_write_array_end(json);
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
        const void *action = list.items[i];

        json_write_object_begin(json);
        am_member(json, "type", STR("button"));
        am_member_some(json, "text",
                       am_send_render(sending, option_slot_str(type, action, "text")));
        am_member_some(json, "url", am_send_render(sending, option_slot_str(type, action, "url")));
        json_write_pair_bool(json, STR("is_webview"), false);
        am_member_some(json, "msg", am_send_render(sending, option_slot_str(type, action, "msg")));
        json_write_pair_bool(json, STR("msg_in_chat_window"), false);
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

static void put_message(struct am_attempt *sending, struct json_writer *json, str channel)
{
    json_write_object_begin(json);
    am_member_some(json, "channel", channel);
    am_member_some(json, "emoji", am_send_text(sending, "emoji"));
    am_member_some(json, "avatar", am_send_text(sending, "icon_url"));
    json_write_key(json, STR("attachments"));
    json_write_array_begin(json);
    json_write_object_begin(json);
    am_member_fields(sending, json, sending->type, sending->options, attachment_rows,
                     ARRAY_COUNT(attachment_rows));
    put_fields(sending, json);
    put_actions(sending, json);
    json_write_object_end(json);
    json_write_array_end(json);
    json_write_object_end(json);
}

/* A refusal may come with status 200. */
static enum am_notify_outcome read_answer(struct am_attempt *sending, str channel, str body)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;

    if (json_doc_parse(body, &root, NULL) < 0) {
        return am_send_again(sending, "channel \"%.*s\": could not unmarshal JSON response",
                             STR_ARG(channel));
    }
    return json_is_yes(json_get(root, "success"))
               ? AM_NOTIFY_OK
               : am_send_fault(sending, "channel \"%.*s\": error response from Rocketchat: %.*s",
                               STR_ARG(channel), STR_ARG(json_text(json_get(root, "error"))));
}

enum am_notify_outcome notify_rocketchat(struct am_attempt *sending)
{
    str token = am_send_secret(sending, "token", "token_file");
    str id = am_send_secret(sending, "token_id", "token_id_file");
    str channel = am_send_text(sending, "channel");
    struct am_response answer = {0};
    struct am_request request = {
        .url = am_url_add(&sending->arena, am_send_option(sending, "api_url"),
                          STR("api/v1/chat.postMessage"), STR("")),
        .headers = {arena_printf(&sending->arena, "X-Auth-Token: %.*s", STR_ARG(token)).ptr,
                    arena_printf(&sending->arena, "X-User-Id: %.*s", STR_ARG(id)).ptr},
        .header_count = 2};
    struct buf body = {0};
    struct json_writer json = json_write_over(&body);
    enum am_notify_outcome outcome = AM_NOTIFY_FAIL;

    put_message(sending, &json, channel);
    buf_char(&body, '\n');
    request.body = buf_view(&body);
    if (!am_send_failed(sending, &body)) {
        outcome = am_send_request(sending, &request, &answer);
        if (outcome == AM_NOTIFY_OK && !sending->is_rendering) {
            outcome = read_answer(sending, channel, answer.body);
        }
    }
    buf_done(&body);
    return outcome;
}
