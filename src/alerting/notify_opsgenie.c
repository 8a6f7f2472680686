/* Opsgenie. Reference: notify/opsgenie of Alertmanager 0.34. */
#include <stdlib.h>

#include "alerting/notifiers.h"
#include "template/template_json.h"

enum { MESSAGE_MAX = 130 };

static const int retry_codes[] = {429, 0};
static const struct am_field responder_rows[] = {{"id", "id", 0, false},
                                                 {"name", "name", 0, false},
                                                 {"username", "username", 0, false},
                                                 {"type", "type", 0, true}};

static int pair_compare(const void *a, const void *b)
{
    return str_cmp(((const struct conf_pair *)a)->name, ((const struct conf_pair *)b)->name);
}

/* The common labels, and the configuration's details, which win. */
static void put_details(struct am_attempt *sending, struct json_writer *json)
{
    struct labels common = template_notice_common(&sending->arena, &sending->notice, false);
    struct conf_pairs own = option_slot_pairs(sending->type, sending->options, "details");
    struct conf_pair *all =
        ARENA_ARRAY(&sending->arena, struct conf_pair, common.count + own.count);
    size_t count = 0;

    for (size_t i = 0; i < own.count; i++) {
        all[count++] =
            (struct conf_pair){own.items[i].name, am_send_render(sending, own.items[i].value)};
    }
    for (size_t i = 0; i < common.count; i++) {
        bool hidden = false;

        for (size_t k = 0; k < own.count; k++) {
            hidden |= str_eq(own.items[k].name, common.items[i].name);
        }
        if (!hidden) {
            all[count++] = (struct conf_pair){common.items[i].name, common.items[i].value};
        }
    }
    if (count > 1) {
        qsort(all, count, sizeof(*all), pair_compare);
    }
    json_write_key(json, STR("details"));
    json_write_object_begin(json);
    for (size_t i = 0; i < count; i++) {
        buf_c(json->buf, i > 0 ? "," : "");
        template_json_str(json->buf, all[i].name);
        buf_char(json->buf, ':');
        template_json_str(json->buf, all[i].value);
    }
    json_write_object_end(json);
}

/* Members that are texts between commas; empty ones are dropped, and an empty list too. */
static void put_split(struct json_writer *json, const char *name, str text)
{
    str rest = str_trim(text);
    bool begun = false;

    for (str part; str_split_next(&rest, ',', &part);) {
        if (part.len == 0) {
            continue;
        }
        if (!begun) {
            json_write_key(json, str_from(name));
            json_write_array_begin(json);
        }
        buf_c(json->buf, begun ? "," : "");
        template_json_str(json->buf, part);
        json->need_comma = true;
        begun = true;
    }
    if (begun) {
        json_write_array_end(json);
    }
}

static void put_team(struct json_writer *json, str name)
{
    json_write_object_begin(json);
    am_member_some(json, "name", name);
    am_member(json, "type", STR("team"));
    json_write_object_end(json);
}

/* `teams` is a list of names. Members whose text came out empty are nobody. */
static void put_responder(struct am_attempt *sending, struct json_writer *json,
                          const struct option_type *type, const void *item)
{
    str kind = am_send_render(sending, option_slot_str(type, item, "type"));
    str rest = str_trim(am_send_render(sending, option_slot_str(type, item, "name")));

    if (!str_is(kind, "teams")) {
        json_write_object_begin(json);
        am_member_fields(sending, json, type, item, responder_rows, ARRAY_COUNT(responder_rows));
        json_write_object_end(json);
        return;
    }
    for (str part; str_split_next(&rest, ',', &part);) {
        if (part.len > 0) {
            put_team(json, am_send_render(sending, part));
        }
    }
}

static void put_responders(struct am_attempt *sending, struct json_writer *json)
{
    const struct option_type *type = NULL;
    struct option_list list =
        option_slot_list(sending->type, sending->options, "responders", &type);
    struct buf inner = {0};
    struct json_writer items = json_write_over(&inner);

    for (size_t i = 0; i < list.count; i++) {
        size_t length = 0;

        for (size_t k = 0; k < ARRAY_COUNT(responder_rows); k++) {
            length +=
                am_send_render(sending, option_slot_str(type, list.items[i], responder_rows[k].key))
                    .len;
        }
        if (length > 0) {
            put_responder(sending, &items, type, list.items[i]);
        }
    }
    if (inner.len > 0) {
        json_write_key(json, STR("responders"));
        json_write_array_begin(json);
        json_write_raw(json, buf_view(&inner));
        json_write_array_end(json);
    }
    buf_done(&inner);
}

static void put_create(struct am_attempt *sending, struct json_writer *json, str message)
{
    json_write_object_begin(json);
    am_member(json, "alias", sending->key_hash);
    am_member(json, "message", message);
    am_member_some(json, "description", am_send_text(sending, "description"));
    put_details(sending, json);
    am_member(json, "source", am_send_text(sending, "source"));
    put_responders(sending, json);
    put_split(json, "tags", am_send_text(sending, "tags"));
    am_member_some(json, "note", am_send_text(sending, "note"));
    am_member_some(json, "priority", am_send_text(sending, "priority"));
    am_member_some(json, "entity", am_send_text(sending, "entity"));
    put_split(json, "actions", am_send_text(sending, "actions"));
    json_write_object_end(json);
}

/* `tail` is what stands behind the alias; NULL = the alerts themselves. */
static enum am_notify_outcome request(struct am_attempt *sending, const char *method,
                                      const char *tail, struct buf *body)
{
    str key = am_send_render(sending, am_send_secret(sending, "api_key", "api_key_file"));
    str path = tail == NULL ? STR("v2/alerts")
                            : arena_printf(&sending->arena, "v2/alerts/%.*s/%s",
                                           STR_ARG(sending->key_hash), tail);
    struct am_request request = {
        .method = method,
        .url = am_url_add(&sending->arena, am_send_option(sending, "api_url"), path,
                          tail == NULL ? STR("") : STR("identifierType=alias")),
        .headers = {arena_printf(&sending->arena, "Authorization: GenieKey %.*s",
                                 STR_ARG(str_trim(key)))
                        .ptr},
        .header_count = 1,
        .retry_codes = retry_codes};
    enum am_notify_outcome outcome = AM_NOTIFY_FAIL;

    buf_char(body, '\n');
    request.body = buf_view(body);
    if (!am_send_failed(sending, body)) {
        outcome = am_send_request(sending, &request, NULL);
    }
    buf_done(body);
    return outcome;
}

static enum am_notify_outcome request_one(struct am_attempt *sending, const char *method,
                                          const char *tail, const char *name, str value)
{
    struct buf body = {0};
    struct json_writer json = json_write_over(&body);

    json_write_object_begin(&json);
    if (value.len > 0 || str_is(str_from(name), "source")) {
        am_member(&json, name, value);
    }
    json_write_object_end(&json);
    return request(sending, method, tail, &body);
}

enum am_notify_outcome notify_opsgenie(struct am_attempt *sending)
{
    struct buf body = {0};
    struct json_writer json = json_write_over(&body);
    enum am_notify_outcome outcome;
    str message;

    if (sending->is_resolved) {
        return request_one(sending, NULL, "close", "source", am_send_text(sending, "source"));
    }
    message = am_cut_runes(&sending->arena, am_send_text(sending, "message"), MESSAGE_MAX);
    put_create(sending, &json, message);
    outcome = request(sending, NULL, NULL, &body);
    if (outcome != AM_NOTIFY_OK || sending->is_rendering ||
        am_send_number(sending, "update_alerts") == 0) {
        return outcome;
    }
    outcome = request_one(sending, "PUT", "message", "message", message);
    return outcome != AM_NOTIFY_OK ? outcome
                                   : request_one(sending, "PUT", "description", "description",
                                                 am_send_text(sending, "description"));
}
