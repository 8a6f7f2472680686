/* VictorOps (Splunk On-Call). Reference: notify/victorops of Alertmanager 0.34. */
#include <stdlib.h>

#include "alerting/notifiers.h"
#include "template/template_json.h"

enum { STATE_MAX = 20480 };

struct member {
    str name;
    str value;
};

static int member_compare(const void *a, const void *b)
{
    return str_cmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

static str message_type(struct am_attempt *sending)
{
    static const char *const allowed[] = {"INFO", "WARNING", "CRITICAL"};
    str type = am_send_text(sending, "message_type");

    if (sending->is_resolved) {
        return STR("RECOVERY");
    }
    for (size_t i = 0; i < ARRAY_COUNT(allowed); i++) {
        if (str_is(type, allowed[i])) {
            return type;
        }
    }
    return STR("CRITICAL");
}

/* In order of names, as Go writes maps; a custom field may hide one of the five. */
static void put_members(struct json_writer *json, struct member *members, size_t count)
{
    qsort(members, count, sizeof(*members), member_compare);
    json_write_object_begin(json);
    for (size_t i = 0; i < count; i++) {
        buf_c(json->buf, i > 0 ? "," : "");
        template_json_str(json->buf, members[i].name);
        buf_char(json->buf, ':');
        template_json_str(json->buf, members[i].value);
    }
    json_write_object_end(json);
}

enum am_notify_outcome notify_victorops(struct am_attempt *sending)
{
    struct conf_pairs custom = option_slot_pairs(sending->type, sending->options, "custom_fields");
    struct member *members = ARENA_ARRAY(&sending->arena, struct member, custom.count + 5);
    str key = am_send_secret(sending, "api_key", "api_key_file");
    str path = arena_printf(&sending->arena, "%.*s/%.*s", STR_ARG(key),
                            STR_ARG(am_send_text(sending, "routing_key")));
    str url = am_url_add(&sending->arena, am_send_option(sending, "api_url"), path, STR(""));
    struct buf body = {0};
    struct json_writer json = json_write_over(&body);

    members[0] = (struct member){STR("message_type"), message_type(sending)};
    members[1] = (struct member){STR("entity_id"), sending->key_hash};
    members[2] =
        (struct member){STR("entity_display_name"), am_send_text(sending, "entity_display_name")};
    members[3] = (struct member){
        STR("state_message"),
        am_cut_runes(&sending->arena, am_send_text(sending, "state_message"), STATE_MAX)};
    members[4] = (struct member){STR("monitoring_tool"), am_send_text(sending, "monitoring_tool")};
    for (size_t i = 0; i < custom.count; i++) {
        members[5 + i] =
            (struct member){custom.items[i].name, am_send_render(sending, custom.items[i].value)};
    }
    put_members(&json, members, custom.count + 5);
    return am_send_json(sending, url, &body, NULL, NULL);
}
