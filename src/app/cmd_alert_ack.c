/* `barograph alert ack`: acknowledges alerts that fire, or takes that back. */
#include <stdio.h>
#include <unistd.h>

#include "app/am_client.h"
#include "app/commands.h"
#include "base/rfc3339.h"
#include "codec/json_write.h"
#include "codec/url_escape.h"
#include "sys/clock.h"

enum ack_flag {
    ACK_AUTHOR = AM_CLIENT_ROWS,
    ACK_COMMENT,
    ACK_DURATION,
    ACK_FINGERPRINT,
    ACK_REMOVE,
    ACK_LIST
};

static const struct flag rows[] = {
    AM_CLIENT_FLAGS,
    {"author", FLAG_TEXT, "", FLAG_RUN, "who works on it; default: the user's name"},
    {"comment", FLAG_TEXT, "", FLAG_RUN, "what is being done"},
    {"duration", FLAG_DURATION, "", FLAG_RUN, "how long it holds; default: until resolved"},
    {"fingerprint", FLAG_LIST, "", FLAG_RUN,
     "of an alert, instead of matchers; may be given several times"},
    {"remove", FLAG_BOOL, "false", FLAG_RUN, "take acknowledgements back"},
    {"list", FLAG_BOOL, "false", FLAG_RUN, "list acknowledgements"},
};
static const char summary[] =
    "Acknowledges alerts that fire: their repeats are held back until they are resolved, or for\n"
    "--duration; new alerts of their group and resolved ones are told all the same. The first\n"
    "matcher may be an alert's name. Prints the fingerprints.\n\n"
    "  barograph alert ack disk_full 'host=~db.*' --comment='adding a disk'";

typedef VEC(str) fingerprints;

/* Those of the flags, else of the alerts that match; in the arena. */
static int find(struct am_client *client, fingerprints *ret, struct baro_error *err)
{
    CLEANUP(json_doc_freep) struct json *alerts = NULL;
    const struct flags *flags = &client->flags;
    am_matchers matchers = {0};
    struct buf query = {0};
    int r = 0;

    for (size_t i = 0; i < flags->list_count; i++) {
        vec_push(ret, flags->list[i]);
    }
    if (ret->count > 0) {
        return 0;
    }
    r = am_client_matchers(client, &matchers, err);
    if (r >= 0 && matchers.count == 0) {
        r = error_set(err, BARO_EUSAGE, "which alerts? give matchers or --fingerprint");
    }
    if (r >= 0) {
        am_client_filter(&matchers, &query);
        r = am_client_ask(
            client, "GET",
            arena_printf(&client->arena, "/alerts?%.*s", STR_ARG(buf_view(&query))).ptr, STR_NULL,
            &alerts, err);
    }
    for (size_t i = 0; i < json_count(alerts); i++) {
        vec_push(ret,
                 arena_str(&client->arena, json_text(json_get(json_at(alerts, i), "fingerprint"))));
    }
    if (r >= 0 && ret->count == 0) {
        r = error_set(err, BARO_EUSAGE, "no alert matches");
    }
    am_matchers_done(&matchers);
    buf_done(&query);
    return r;
}

static str author_of(const struct am_client *client)
{
    str author = flags_text(&client->flags, ACK_AUTHOR);
    const char *user = getlogin();

    return author.len > 0 ? author : str_from(user != NULL ? user : "nobody");
}

static void write_body(const struct am_client *client, const fingerprints *found, struct buf *ret)
{
    struct json_writer json = json_write_over(ret);
    struct buf time = {0};

    json_write_object_begin(&json);
    json_write_key(&json, STR("fingerprints"));
    json_write_array_begin(&json);
    for (size_t i = 0; i < found->count; i++) {
        json_write_str(&json, found->items[i]);
    }
    json_write_array_end(&json);
    json_write_pair_str(&json, STR("createdBy"), author_of(client));
    json_write_pair_str(&json, STR("comment"), flags_text(&client->flags, ACK_COMMENT));
    if (client->flags.given[ACK_DURATION]) {
        rfc3339_format(&time,
                       clock_now(clock_real()) + flags_duration(&client->flags, ACK_DURATION));
        json_write_pair_str(&json, STR("endsAt"), buf_view(&time));
    }
    json_write_object_end(&json);
    buf_done(&time);
}

static void print_strs(const struct json *list)
{
    for (size_t i = 0; i < json_count(list); i++) {
        (void)printf("%.*s\n", STR_ARG(json_text(json_at(list, i))));
    }
}

static int acknowledge(struct am_client *client, const fingerprints *found, struct baro_error *err)
{
    CLEANUP(json_doc_freep) struct json *answer = NULL;
    struct buf body = {0};
    int r;

    write_body(client, found, &body);
    r = am_client_ask(client, "POST", "/acks", buf_view(&body), &answer, err);
    if (r >= 0) {
        print_strs(json_get(answer, "acknowledged"));
    }
    buf_done(&body);
    return r;
}

static int take_back(struct am_client *client, const fingerprints *found, struct baro_error *err)
{
    int r = 0;

    for (size_t i = 0; i < found->count && r >= 0; i++) {
        CLEANUP(json_doc_freep) struct json *answer = NULL;
        struct buf path = {0};

        buf_printf(&path, "/ack/%.*s?createdBy=", STR_ARG(found->items[i]));
        url_query_escape(&path, author_of(client));
        buf_c(&path, "&comment=");
        url_query_escape(&path, flags_text(&client->flags, ACK_COMMENT));
        r = am_client_ask(client, "DELETE", arena_str(&client->arena, buf_view(&path)).ptr,
                          STR_NULL, &answer, err);
        buf_done(&path);
        if (r >= 0) {
            print_strs(json_get(answer, "takenBack"));
        }
    }
    return r;
}

static int list(struct am_client *client, struct baro_error *err)
{
    CLEANUP(json_doc_freep) struct json *acks = NULL;
    struct am_table table = {.arena = &client->arena, .columns = 5};
    static const char *const heads[] = {"Fingerprint", "Alertname", "Since", "Created By",
                                        "Comment"};
    int r = am_client_ask(client, "GET", "/acks", STR_NULL, &acks, err);

    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < ARRAY_COUNT(heads); i++) {
        am_table_add(&table, str_from(heads[i]));
    }
    for (size_t i = 0; i < json_count(acks); i++) {
        const struct json *ack = json_at(acks, i);

        am_table_add(&table, json_text(json_get(ack, "fingerprint")));
        am_table_add(&table, json_text(json_get(json_get(ack, "labels"), "alertname")));
        am_table_add(&table, am_client_time(&client->arena, json_get(ack, "createdAt")));
        am_table_add(&table, json_text(json_get(ack, "createdBy")));
        am_table_add(&table, json_text(json_get(ack, "comment")));
    }
    if (client->output == AM_OUTPUT_JSON) {
        vec_done(&table.cells);
        am_client_print_answer(client);
    } else {
        am_table_print(&table);
    }
    return 0;
}

int command_alert_ack(int argc, char **argv)
{
    static struct am_client client;
    fingerprints found = {0};
    struct baro_error err = {0};
    int r = am_client_begin(&client, rows, ARRAY_COUNT(rows), "alert ack [FLAGS] MATCHER...",
                            summary, argc, argv);

    if (r >= 0) {
        return r;
    }
    if (flags_bool(&client.flags, ACK_LIST)) {
        (void)list(&client, &err);
        return am_client_end(&client, &err);
    }
    r = find(&client, &found, &err);
    if (r >= 0) {
        (void)(flags_bool(&client.flags, ACK_REMOVE) ? take_back(&client, &found, &err)
                                                     : acknowledge(&client, &found, &err));
    }
    vec_done(&found);
    return am_client_end(&client, &err);
}
