/* PagerDuty: version 2 of its events with a routing key, version 1 with a service key. Reference:
 * notify/pagerduty of Alertmanager 0.34. */
#include "alerting/notifiers.h"

enum { SUMMARY_MAX = 1024, EVENT_BYTES_MAX = 512000, DETAILS_MAX = 4 };

static const int retry_v1[] = {403, 0};
static const int retry_v2[] = {429, 0};

static const struct am_field payload_rows[] = {{"class", "class", 0, false},
                                               {"component", "component", 0, false},
                                               {"group", "group", 0, false}};

/* What is told when the configuration has no detail of that name. */
static const struct {
    const char *name;
    const char *template;
} default_details[DETAILS_MAX] = {
    {"firing", "{{ .Alerts.Firing | toJson }}"},
    {"num_firing", "{{ .Alerts.Firing | len }}"},
    {"num_resolved", "{{ .Alerts.Resolved | len }}"},
    {"resolved", "{{ .Alerts.Resolved | toJson }}"},
};

/* A mapping of the configuration's details and the default ones, whose order does not matter. */
static const struct yaml_node *details_of(struct am_attempt *sending)
{
    const struct yaml_node *own = option_slot_ptr(sending->type, sending->options, "details");
    size_t count = own != NULL ? own->pair_count : 0;
    struct yaml_pair *pairs = ARENA_ARRAY(&sending->arena, struct yaml_pair, count + DETAILS_MAX);
    struct yaml_node *all = ARENA_NEW(&sending->arena, struct yaml_node);

    for (size_t i = 0; i < count; i++) {
        pairs[i] = own->pairs[i];
    }
    for (size_t i = 0; i < DETAILS_MAX; i++) {
        struct yaml_node *nodes = ARENA_ARRAY(&sending->arena, struct yaml_node, 2);

        if (yaml_get(own, str_from(default_details[i].name)) != NULL) {
            continue;
        }
        nodes[0] =
            (struct yaml_node){.type = YAML_TYPE_STRING, .text = str_from(default_details[i].name)};
        nodes[1] = (struct yaml_node){.type = YAML_TYPE_STRING,
                                      .text = str_from(default_details[i].template)};
        pairs[count++] = (struct yaml_pair){&nodes[0], &nodes[1]};
    }
    *all = (struct yaml_node){.kind = YAML_KIND_MAPPING, .pairs = pairs, .pair_count = count};
    return all;
}

static str rendered_details(struct am_attempt *sending)
{
    struct buf out = {0};
    struct json_writer json = json_write_over(&out);
    str text;

    am_member_node(sending, &json, details_of(sending));
    text = arena_str(&sending->arena, buf_view(&out));
    (void)am_send_failed(sending, &out);
    buf_done(&out);
    return text;
}

static void put_list(struct am_attempt *sending, struct json_writer *json, const char *key,
                     const struct am_field *rows, size_t count, const char *needed)
{
    const struct option_type *type = NULL;
    struct option_list list = option_slot_list(sending->type, sending->options, key, &type);
    bool begun = false;

    for (size_t i = 0; i < list.count; i++) {
        const void *item = list.items[i];

        if (am_send_render(sending, option_slot_str(type, item, needed)).len == 0) {
            continue;
        }
        if (!begun) {
            json_write_key(json, str_from(key));
            json_write_array_begin(json);
            begun = true;
        }
        json_write_object_begin(json);
        am_member_fields(sending, json, type, item, rows, count);
        json_write_object_end(json);
    }
    if (begun) {
        json_write_array_end(json);
    }
}

static void put_payload(struct am_attempt *sending, struct json_writer *json, str summary,
                        str details)
{
    str source = am_send_option(sending, "source");

    json_write_key(json, STR("payload"));
    json_write_object_begin(json);
    am_member(json, "summary", summary);
    am_member(json, "source",
              source.len > 0 ? am_send_render(sending, source) : am_send_text(sending, "client"));
    am_member(json, "severity", am_send_text(sending, "severity"));
    am_member_fields(sending, json, sending->type, sending->options, payload_rows,
                     ARRAY_COUNT(payload_rows));
    json_write_key(json, STR("custom_details"));
    json_write_raw(json, details);
    json_write_object_end(json);
}

static void put_v2(struct am_attempt *sending, struct json_writer *json, str key, str details)
{
    static const struct am_field image_rows[] = {
        {"src", "src", 0, true}, {"alt", "alt", 0, true}, {"href", "href", 0, true}};
    static const struct am_field link_rows[] = {{"href", "href", 0, true},
                                                {"text", "text", 0, true}};
    str summary = am_cut_runes(&sending->arena, am_send_text(sending, "description"), SUMMARY_MAX);

    json_write_object_begin(json);
    am_member_some(json, "routing_key", key);
    am_member(json, "dedup_key", sending->key_hash);
    am_member(json, "event_action", sending->is_resolved ? STR("resolve") : STR("trigger"));
    put_payload(sending, json, summary, details);
    am_member_some(json, "client", am_send_text(sending, "client"));
    am_member_some(json, "client_url", am_send_text(sending, "client_url"));
    put_list(sending, json, "images", image_rows, ARRAY_COUNT(image_rows), "src");
    put_list(sending, json, "links", link_rows, ARRAY_COUNT(link_rows), "href");
    json_write_object_end(json);
}

static void put_v1(struct am_attempt *sending, struct json_writer *json, str key, str details)
{
    str description =
        am_cut_runes(&sending->arena, am_send_text(sending, "description"), SUMMARY_MAX);

    json_write_object_begin(json);
    am_member_some(json, "service_key", key);
    am_member(json, "incident_key", sending->key_hash);
    am_member(json, "event_type", sending->is_resolved ? STR("resolve") : STR("trigger"));
    am_member_some(json, "description", description);
    am_member(json, "event_action", STR(""));
    json_write_key(json, STR("payload"));
    json_write_null(json);
    if (!sending->is_resolved) {
        am_member_some(json, "client", am_send_text(sending, "client"));
        am_member_some(json, "client_url", am_send_text(sending, "client_url"));
    }
    json_write_key(json, STR("details"));
    json_write_raw(json, details);
    json_write_object_end(json);
}

/* An event that is too long goes without its details. */
static void put_event(struct am_attempt *sending, struct buf *body, bool is_v1, str key)
{
    static const str shortened = STR_INIT(
        "{\"error\":\"Custom details have been removed because the original event exceeds the "
        "maximum size of 512KB\"}");
    str details = rendered_details(sending);

    for (int round = 0; round < 2; round++) {
        struct json_writer json = json_write_over(body);

        buf_reset(body);
        if (is_v1) {
            put_v1(sending, &json, key, details);
        } else {
            put_v2(sending, &json, key, details);
        }
        if (body->len + 1 <= EVENT_BYTES_MAX) {
            break;
        }
        details = shortened;
    }
}

enum am_notify_outcome notify_pagerduty(struct am_attempt *sending)
{
    bool is_v1 = am_send_option(sending, "service_key").len > 0 ||
                 am_send_option(sending, "service_key_file").len > 0;
    str key = is_v1 ? am_send_secret(sending, "service_key", "service_key_file")
                    : am_send_secret(sending, "routing_key", "routing_key_file");
    str url = is_v1 ? STR("https://events.pagerduty.com/generic/2010-04-15/create_event.json")
                    : arena_str(&sending->arena, am_send_option(sending, "url"));
    struct buf body = {0};

    key = am_send_render(sending, key);
    if (sending->failed == 0 && key.len == 0) {
        return am_send_fault(sending, "%s key cannot be empty", is_v1 ? "service" : "routing");
    }
    put_event(sending, &body, is_v1, key);
    am_send_limit(sending, "timeout");
    return am_send_json(sending, url, &body, is_v1 ? retry_v1 : retry_v2, NULL);
}
