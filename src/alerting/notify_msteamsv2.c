/* Microsoft Teams by a flow: an adaptive card. Reference: notify/msteamsv2 of Alertmanager 0.34. */
#include "alerting/notifiers.h"

static void put_title(struct am_attempt *sending, struct json_writer *json)
{
    json_write_object_begin(json);
    am_member(json, "type", STR("TextBlock"));
    am_member(json, "text", am_send_text(sending, "title"));
    am_member(json, "weight", STR("Bolder"));
    am_member(json, "size", STR("Medium"));
    json_write_pair_bool(json, STR("wrap"), true);
    am_member(json, "style", STR("heading"));
    am_member(json, "color", sending->is_resolved ? STR("Good") : STR("Attention"));
    json_write_object_end(json);
}

static void put_card(struct am_attempt *sending, struct json_writer *json)
{
    json_write_object_begin(json);
    am_member(json, "$schema", STR("http://adaptivecards.io/schemas/adaptive-card.json"));
    am_member(json, "type", STR("AdaptiveCard"));
    am_member(json, "version", STR("1.2"));
    json_write_key(json, STR("body"));
    json_write_array_begin(json);
    put_title(sending, json);
    json_write_object_begin(json);
    am_member(json, "type", STR("TextBlock"));
    am_member(json, "text", am_send_text(sending, "text"));
    json_write_pair_bool(json, STR("wrap"), true);
    json_write_object_end(json);
    json_write_array_end(json);
    json_write_key(json, STR("msteams"));
    json_write_object_begin(json);
    am_member(json, "width", STR("full"));
    json_write_object_end(json);
    json_write_object_end(json);
}

enum am_notify_outcome notify_msteamsv2(struct am_attempt *sending)
{
    str url = am_send_url(sending, "webhook_url", "webhook_url_file");
    struct buf body = {0};
    struct json_writer json = json_write_over(&body);

    json_write_object_begin(&json);
    am_member(&json, "type", STR("message"));
    json_write_key(&json, STR("attachments"));
    json_write_array_begin(&json);
    json_write_object_begin(&json);
    am_member(&json, "contentType", STR("application/vnd.microsoft.card.adaptive"));
    json_write_key(&json, STR("contentUrl"));
    json_write_null(&json);
    json_write_key(&json, STR("content"));
    put_card(sending, &json);
    json_write_object_end(&json);
    json_write_array_end(&json);
    json_write_object_end(&json);
    return am_send_json(sending, url, &body, NULL, NULL);
}
