/* Mattermost. Reference: notify/mattermost of Alertmanager 0.34. */
#include "alerting/notifiers.h"

enum { TEXT_MAX = 16383 };

static const struct am_field head_rows[] = {{"channel", "channel", 0, false},
                                            {"username", "username", 0, false},
                                            {"icon_url", "icon_url", 0, false},
                                            {"icon_emoji", "icon_emoji", 0, false}};
static const struct am_field first_rows[] = {{"fallback", "fallback", 0, false},
                                             {"color", "color", 0, false},
                                             {"pretext", "pretext", 0, false}};
static const struct am_field text_rows[] = {{"text", "text", 0, false}};
static const struct am_field more_rows[] = {{"author_name", "author_name", 0, false},
                                            {"author_link", "author_link", 0, false},
                                            {"author_icon", "author_icon", 0, false},
                                            {"title", "title", 0, false},
                                            {"title_link", "title_link", 0, false}};
static const struct am_field last_rows[] = {{"thumb_url", "thumb_url", 0, false},
                                            {"footer", "footer", 0, false},
                                            {"footer_icon", "footer_icon", 0, false},
                                            {"image_url", "image_url", 0, false}};
static const struct am_field field_rows[] = {{"title", "title", 0, false},
                                             {"value", "value", 0, false}};

static void put_fields(struct am_attempt *sending, struct json_writer *json,
                       const struct option_type *type, const void *object)
{
    const struct option_type *field_type = NULL;
    struct option_list list = option_slot_list(type, object, "fields", &field_type);

    if (list.count == 0) {
        return;
    }
    json_write_key(json, STR("fields"));
    json_write_array_begin(json);
    for (size_t i = 0; i < list.count; i++) {
        int64_t is_short = option_slot_int(field_type, list.items[i], "short");

        json_write_object_begin(json);
        am_member_fields(sending, json, field_type, list.items[i], field_rows,
                         ARRAY_COUNT(field_rows));
        if (is_short != CONF_UNSET) {
            json_write_pair_bool(json, STR("short"), is_short == CONF_ON);
        }
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

static void put_attachment(struct am_attempt *sending, struct json_writer *json,
                           const struct option_type *type, const void *object)
{
    json_write_object_begin(json);
    am_member_fields(sending, json, type, object, first_rows, ARRAY_COUNT(first_rows));
    am_member_fields(sending, json, type, object, text_rows, ARRAY_COUNT(text_rows));
    am_member_fields(sending, json, type, object, more_rows, ARRAY_COUNT(more_rows));
    put_fields(sending, json, type, object);
    am_member_fields(sending, json, type, object, last_rows, ARRAY_COUNT(last_rows));
    json_write_object_end(json);
}

/* Only urgent messages may persist, and standard ones ask for no answer. */
static void put_priority(struct am_attempt *sending, struct json_writer *json)
{
    const struct option_type *type = option_slot_type(sending->type, "priority");
    const void *priority = option_slot_ptr(sending->type, sending->options, "priority");
    bool is_urgent;
    bool is_important;
    str name;

    if (priority == NULL || !option_slot_is_set(type, priority, "priority")) {
        return;
    }
    name = am_send_render(sending, option_slot_str(type, priority, "priority"));
    is_urgent = str_eq_nocase(name, STR("urgent"));
    is_important = str_eq_nocase(name, STR("important"));
    json_write_key(json, STR("priority"));
    json_write_object_begin(json);
    am_member(json, "priority",
              is_urgent      ? STR("urgent")
              : is_important ? STR("important")
                             : STR("standard"));
    if ((is_urgent || is_important) && option_slot_int(type, priority, "requested_ack") != 0) {
        json_write_pair_bool(json, STR("requested_ack"), true);
    }
    if (is_urgent && option_slot_int(type, priority, "persistent_notifications") != 0) {
        json_write_pair_bool(json, STR("persistent_notifications"), true);
    }
    json_write_object_end(json);
}

static void put_props(struct am_attempt *sending, struct json_writer *json)
{
    const struct option_type *type = option_slot_type(sending->type, "props");
    const void *props = option_slot_ptr(sending->type, sending->options, "props");

    if (props == NULL || !option_slot_is_set(type, props, "card")) {
        return;
    }
    json_write_key(json, STR("props"));
    json_write_object_begin(json);
    am_member_some(json, "card", am_send_render(sending, option_slot_str(type, props, "card")));
    json_write_object_end(json);
}

static void put_attachments(struct am_attempt *sending, struct json_writer *json,
                            struct option_list list, const struct option_type *type)
{
    json_write_key(json, STR("attachments"));
    json_write_array_begin(json);
    for (size_t i = 0; i < list.count; i++) {
        put_attachment(sending, json, type, list.items[i]);
    }
    if (list.count == 0) {
        put_attachment(sending, json, sending->type, sending->options);
    }
    json_write_array_end(json);
}

enum am_notify_outcome notify_mattermost(struct am_attempt *sending)
{
    const struct option_type *type = NULL;
    struct option_list list =
        option_slot_list(sending->type, sending->options, "attachments", &type);
    str url = am_send_url(sending, "webhook_url", "webhook_url_file");
    struct buf body = {0};
    struct json_writer json = json_write_over(&body);

    json_write_object_begin(&json);
    if (list.count > 0) {
        am_member_some(&json, "text",
                       am_cut_runes(&sending->arena, am_send_text(sending, "text"), TEXT_MAX));
    }
    am_member_fields(sending, &json, sending->type, sending->options, head_rows,
                     ARRAY_COUNT(head_rows));
    put_attachments(sending, &json, list, type);
    am_member_some(&json, "type", am_send_text(sending, "type"));
    put_props(sending, &json);
    put_priority(sending, &json);
    json_write_object_end(&json);
    return am_send_json(sending, url, &body, NULL, NULL);
}
