#include <stdio.h>

#include "app/am_client.h"
#include "app/commands.h"
#include "base/rfc3339.h"
#include "base/text.h"
#include "codec/json_write.h"
#include "codec/url_escape.h"
#include "model/labels.h"

enum query_flag {
    QUERY_INHIBITED = AM_CLIENT_ROWS,
    QUERY_SILENCED,
    QUERY_ACTIVE,
    QUERY_UNPROCESSED,
    QUERY_RECEIVER,
};
enum add_flag { ADD_GENERATOR = AM_CLIENT_ROWS, ADD_START, ADD_END, ADD_ANNOTATION };

static const struct flag query_rows[] = {
    AM_CLIENT_FLAGS,
    {"inhibited", FLAG_BOOL, "false", FLAG_RUN, "show inhibited alerts"},
    {"silenced", FLAG_BOOL, "false", FLAG_RUN, "show silenced alerts"},
    {"active", FLAG_BOOL, "false", FLAG_RUN, "show active alerts"},
    {"unprocessed", FLAG_BOOL, "false", FLAG_RUN, "show unprocessed alerts"},
    {"receiver", FLAG_TEXT, "", FLAG_RUN, "show alerts of receivers that match"},
};
static const struct flag add_rows[] = {
    AM_CLIENT_FLAGS,
    {"generator-url", FLAG_TEXT, "", FLAG_RUN, "the URL of what made the alert"},
    {"start", FLAG_TEXT, "", FLAG_RUN, "when it began (RFC 3339); default: now"},
    {"end", FLAG_TEXT, "", FLAG_RUN, "when it ends (RFC 3339); default: the server's time-out"},
    {"annotation", FLAG_LIST, "", FLAG_RUN, "NAME=VALUE; may be given several times"},
};
static const char query_summary[] =
    "Lists the alerts that are known to a server. Without a flag, active ones; the first argument\n"
    "may be an alert's name.\n\n"
    "  barograph alert query severity=critical 'job=~web.*'";
static const char add_summary[] = "Sends an alert to a server.\n\n"
                                  "  barograph alert add backup_failed host=a --annotation=x=y";

/* ---- Listing ---- */

static void write_labels(struct buf *buf, const struct json *object)
{
    const struct json *value;
    void *iterator = NULL;
    str key;

    while (json_member(object, &iterator, &key, &value)) {
        buf_c(buf, buf->len > 0 ? " " : "");
        buf_str(buf, key);
        buf_char(buf, '=');
        buf_quoted(buf, json_text(value));
    }
}

static str labels_text(struct arena *arena, const struct json *object)
{
    struct buf buf = {0};

    write_labels(&buf, object);
    return text_take(arena, &buf);
}

static str text_of(struct arena *arena, const struct json *object, const char *key)
{
    str text = json_text(json_get(object, key));

    return arena_str(arena, text.ptr != NULL ? text : STR(""));
}

static void print_simple(struct arena *arena, const struct json *alerts)
{
    struct am_table table = {.arena = arena, .columns = 4};

    am_table_add(&table, STR("Alertname"));
    am_table_add(&table, STR("Starts At"));
    am_table_add(&table, STR("Summary"));
    am_table_add(&table, STR("State"));
    for (size_t i = 0; i < json_count(alerts); i++) {
        const struct json *alert = json_at(alerts, i);

        am_table_add(&table, text_of(arena, json_get(alert, "labels"), "alertname"));
        am_table_add(&table, am_client_time(arena, json_get(alert, "startsAt")));
        am_table_add(&table, text_of(arena, json_get(alert, "annotations"), "summary"));
        am_table_add(&table, text_of(arena, json_get(alert, "status"), "state"));
    }
    am_table_print(&table);
}

static void print_extended(struct arena *arena, const struct json *alerts)
{
    static const char *const heads[] = {"Labels",  "Annotations",   "Starts At",
                                        "Ends At", "Generator URL", "State"};
    struct am_table table = {.arena = arena, .columns = ARRAY_COUNT(heads)};

    for (size_t i = 0; i < ARRAY_COUNT(heads); i++) {
        am_table_add(&table, str_from(heads[i]));
    }
    for (size_t i = 0; i < json_count(alerts); i++) {
        const struct json *alert = json_at(alerts, i);

        am_table_add(&table, labels_text(arena, json_get(alert, "labels")));
        am_table_add(&table, labels_text(arena, json_get(alert, "annotations")));
        am_table_add(&table, am_client_time(arena, json_get(alert, "startsAt")));
        am_table_add(&table, am_client_time(arena, json_get(alert, "endsAt")));
        am_table_add(&table, text_of(arena, alert, "generatorURL"));
        am_table_add(&table, text_of(arena, json_get(alert, "status"), "state"));
    }
    am_table_print(&table);
}

/* Without any of the flags amtool asks for active and unprocessed alerts. */
static void write_query(struct am_client *client, const am_matchers *matchers, struct buf *ret)
{
    const struct flags *flags = &client->flags;
    bool any = flags_bool(flags, QUERY_INHIBITED) || flags_bool(flags, QUERY_SILENCED) ||
               flags_bool(flags, QUERY_ACTIVE) || flags_bool(flags, QUERY_UNPROCESSED);
    str receiver = flags_text(flags, QUERY_RECEIVER);

    am_client_filter(matchers, ret);
    buf_printf(ret, "%sactive=%s&unprocessed=%s&silenced=%s&inhibited=%s", ret->len > 0 ? "&" : "",
               !any || flags_bool(flags, QUERY_ACTIVE) ? "true" : "false",
               !any || flags_bool(flags, QUERY_UNPROCESSED) ? "true" : "false",
               flags_bool(flags, QUERY_SILENCED) ? "true" : "false",
               flags_bool(flags, QUERY_INHIBITED) ? "true" : "false");
    if (receiver.len > 0) {
        buf_c(ret, "&receiver=");
        url_query_escape(ret, receiver);
    }
}

int command_alert_query(int argc, char **argv)
{
    static struct am_client client;
    CLEANUP(json_doc_freep) struct json *alerts = NULL;
    am_matchers matchers = {0};
    struct baro_error err = {0};
    struct buf query = {0};
    int r = am_client_begin(&client, query_rows, ARRAY_COUNT(query_rows),
                            "alert query [FLAGS] [MATCHER...]", query_summary, argc, argv);

    if (r >= 0) {
        return r;
    }
    r = am_client_matchers(&client, &matchers, &err);
    if (r >= 0) {
        write_query(&client, &matchers, &query);
        r = am_client_ask(
            &client, "GET",
            arena_printf(&client.arena, "/alerts?%.*s", STR_ARG(buf_view(&query))).ptr, STR_NULL,
            &alerts, &err);
    }
    if (r >= 0 && client.output == AM_OUTPUT_JSON) {
        am_client_print_answer(&client);
    } else if (r >= 0 && client.output == AM_OUTPUT_EXTENDED) {
        print_extended(&client.arena, alerts);
    } else if (r >= 0) {
        print_simple(&client.arena, alerts);
    }
    am_matchers_done(&matchers);
    buf_done(&query);
    return am_client_end(&client, &err);
}

/* ---- Adding ---- */

static int write_pair(struct json_writer *json, str text, struct baro_error *err)
{
    size_t equals = str_index_char(text, '=');

    if (equals == SIZE_MAX || equals == 0) {
        return error_set(err, BARO_EUSAGE, "\"%.*s\" is not NAME=VALUE", STR_ARG(text));
    }
    json_write_pair_str(json, str_slice(text, 0, equals), str_from_index(text, equals + 1));
    return 0;
}

static int write_alert(struct am_client *client, struct json_writer *json, struct baro_error *err)
{
    const struct flags *flags = &client->flags;
    static const struct {
        size_t row;
        str key;
    } times[] = {{ADD_START, STR_INIT("startsAt")}, {ADD_END, STR_INIT("endsAt")}};
    int r = 0;

    json_write_array_begin(json);
    json_write_object_begin(json);
    json_write_key(json, STR("labels"));
    json_write_object_begin(json);
    for (size_t i = 0; i < flags->arg_count && r >= 0; i++) {
        if (i == 0 && str_index_char(flags->args[i], '=') == SIZE_MAX) {
            json_write_pair_str(json, STR("alertname"), flags->args[i]);
        } else {
            r = write_pair(json, flags->args[i], err);
        }
    }
    json_write_object_end(json);
    json_write_key(json, STR("annotations"));
    json_write_object_begin(json);
    for (size_t i = 0; i < flags->list_count && r >= 0; i++) {
        r = write_pair(json, flags->list[i], err);
    }
    json_write_object_end(json);
    json_write_pair_str(json, STR("generatorURL"), flags_text(flags, ADD_GENERATOR));
    for (size_t i = 0; i < ARRAY_COUNT(times) && r >= 0; i++) {
        str text = flags_text(flags, times[i].row);
        ts ignored;

        if (text.len > 0 && !rfc3339_parse(text, &ignored)) {
            r = error_set(err, BARO_EUSAGE, "\"%.*s\" is no time (RFC 3339)", STR_ARG(text));
        } else if (text.len > 0) {
            json_write_pair_str(json, times[i].key, text);
        }
    }
    json_write_object_end(json);
    json_write_array_end(json);
    return r;
}

int command_alert_add(int argc, char **argv)
{
    static struct am_client client;
    CLEANUP(json_doc_freep) struct json *answer = NULL;
    struct baro_error err = {0};
    struct buf body = {0};
    struct json_writer json = json_write_over(&body);
    int r = am_client_begin(&client, add_rows, ARRAY_COUNT(add_rows),
                            "alert add [FLAGS] NAME=VALUE...", add_summary, argc, argv);

    if (r >= 0) {
        return r;
    }
    if (client.flags.arg_count == 0) {
        r = error_set(&err, BARO_EUSAGE, "an alert needs labels: see barograph alert add --help");
    } else {
        r = write_alert(&client, &json, &err);
    }
    if (r >= 0) {
        (void)am_client_ask(&client, "POST", "/alerts", buf_view(&body), &answer, &err);
    }
    buf_done(&body);
    return am_client_end(&client, &err);
}
