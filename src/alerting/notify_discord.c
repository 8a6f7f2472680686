/* Discord. Reference: notify/discord of Alertmanager 0.34. */
#include "alerting/notifiers.h"

enum { TITLE_MAX = 256, MESSAGE_MAX = 4096, CONTENT_MAX = 2000, RED = 0x992D22, GREEN = 0x2ECC71 };

static const struct am_field outer_rows[] = {{"content", "content", CONTENT_MAX, true}};
static const struct am_field embed_rows[] = {{"title", "title", TITLE_MAX, true},
                                             {"description", "message", MESSAGE_MAX, true}};

enum am_notify_outcome notify_discord(struct am_attempt *sending)
{
    str url = am_send_url(sending, "webhook_url", "webhook_url_file");
    struct buf body = {0};
    struct json_writer json = json_write_over(&body);

    json_write_object_begin(&json);
    am_member_fields(sending, &json, sending->type, sending->options, outer_rows,
                     ARRAY_COUNT(outer_rows));
    json_write_key(&json, STR("embeds"));
    json_write_array_begin(&json);
    json_write_object_begin(&json);
    am_member_fields(sending, &json, sending->type, sending->options, embed_rows,
                     ARRAY_COUNT(embed_rows));
    json_write_pair_i64(&json, STR("color"), sending->is_resolved ? GREEN : RED);
    json_write_object_end(&json);
    json_write_array_end(&json);
    am_member_some(&json, "username", am_send_option(sending, "username"));
    am_member_some(&json, "avatar_url", am_send_option(sending, "avatar_url"));
    json_write_object_end(&json);
    return am_send_json(sending, url, &body, NULL, NULL);
}
