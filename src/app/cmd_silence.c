#include <stdio.h>
#include <unistd.h>

#include "app/am_client.h"
#include "app/commands.h"
#include "app/files.h"
#include "app/silence_schedule.h"
#include "base/rfc3339.h"
#include "base/text.h"
#include "codec/json_write.h"
#include "sys/clock.h"

enum add_flag {
    ADD_AUTHOR = AM_CLIENT_ROWS,
    ADD_DURATION,
    ADD_START,
    ADD_END,
    ADD_COMMENT,
    ADD_ANNOTATION,
    ADD_RECURRING,
    ADD_PREVIEW,
};
enum query_flag { QUERY_EXPIRED = AM_CLIENT_ROWS, QUERY_QUIET, QUERY_CREATED_BY, QUERY_WITHIN };
enum update_flag {
    UPDATE_QUIET = AM_CLIENT_ROWS,
    UPDATE_DURATION,
    UPDATE_START,
    UPDATE_END,
    UPDATE_COMMENT,
};

static const struct flag add_rows[] = {
    AM_CLIENT_FLAGS,
    {"author", FLAG_TEXT, "", FLAG_RUN, "who makes it; default: the user's name"},
    {"duration", FLAG_DURATION, "1h", FLAG_RUN, "how long it lasts"},
    {"start", FLAG_TEXT, "", FLAG_RUN, "when it begins (RFC 3339); default: now"},
    {"end", FLAG_TEXT, "", FLAG_RUN, "when it ends (RFC 3339), instead of a duration"},
    {"comment", FLAG_TEXT, "", FLAG_RUN, "why"},
    {"annotation", FLAG_LIST, "", FLAG_RUN,
     "name=value of an annotation; may be given several times"},
    {"recurring", FLAG_LIST, "", FLAG_RUN,
     "silence at these times alone: 'weekdays=saturday times=22:00-24:00 location=Europe/Vienna'; "
     "may be given several times; lasts a year when nothing else is said (barograph only)"},
    {"preview", FLAG_BOOL, "false", FLAG_RUN, "print the next windows, and make nothing"},
};
static const struct flag query_rows[] = {
    AM_CLIENT_FLAGS,
    {"expired", FLAG_BOOL, "false", FLAG_RUN, "show expired silences instead of the others"},
    {"quiet", FLAG_BOOL, "false", FLAG_RUN, "show identifiers alone"},
    {"created-by", FLAG_TEXT, "", FLAG_RUN, "show those that this creator made"},
    {"within", FLAG_DURATION, "", FLAG_RUN, "show those that end, or ended, within a time"},
};
static const struct flag update_rows[] = {
    AM_CLIENT_FLAGS,
    {"quiet", FLAG_BOOL, "false", FLAG_RUN, "show identifiers alone"},
    {"duration", FLAG_DURATION, "", FLAG_RUN, "how long it lasts from its begin"},
    {"start", FLAG_TEXT, "", FLAG_RUN, "when it begins (RFC 3339)"},
    {"end", FLAG_TEXT, "", FLAG_RUN, "when it ends (RFC 3339), instead of a duration"},
    {"comment", FLAG_TEXT, "", FLAG_RUN, "why"},
};
static const struct flag plain_rows[] = {AM_CLIENT_FLAGS};

static const char add_summary[] =
    "Makes a silence, and prints its identifier. The first matcher may be an alert's name.\n\n"
    "  barograph silence add backup_failed 'host=~a|b' --duration=2h --comment=moving\n"
    "  barograph silence add 'job=batch' --comment=nights \\\n"
    "    --recurring='weekdays=monday:friday times=00:00-05:00 location=Europe/Vienna'";
static const char preview_summary[] =
    "Prints when recurring silences will silence, in UTC.\n\n"
    "  barograph silence preview $(barograph silence query --quiet)";
static const char query_summary[] = "Lists silences, with filters on their matchers.\n\n"
                                    "  barograph silence query --within=1h job=batch";
static const char expire_summary[] =
    "Ends silences, by their identifiers.\n\n"
    "  barograph silence expire $(barograph silence query --quiet job=batch)";
static const char update_summary[] =
    "Changes times or comments of silences.\n\n"
    "  barograph silence update --duration=4h 4bf92f35-77b3-4da6-a3ce-929d0e0e4736";
static const char import_summary[] =
    "Makes silences from a file (or standard input), as `silence export` and amtool's\n"
    "`silence query -o json` write them.\n\n"
    "  barograph silence import --alertmanager.url=http://new:9090 silences.json";
static const char export_summary[] = "Prints all silences that have not expired, as JSON.\n\n"
                                     "  barograph silence export > silences.json";

/* ---- Bodies ---- */

/* What POST /silences takes. Times are texts of the API. */
struct posting {
    str id;
    str starts_at;
    str ends_at;
    str created_by;
    str comment;
    const struct json *matchers; /* of a silence that is there; NULL = those below */
    am_matchers list;
    am_matchers annotations;              /* name=value each */
    const struct json *annotations_there; /* of one that is there */
    str intervals;                        /* JSON of a new silence; empty = none */
    const struct json *intervals_there;   /* of one that is there */
};

static void write_matcher(struct json_writer *json, str name, str value, bool is_regex,
                          bool is_equal)
{
    json_write_object_begin(json);
    json_write_pair_str(json, STR("name"), name);
    json_write_pair_str(json, STR("value"), value);
    json_write_pair_bool(json, STR("isRegex"), is_regex);
    json_write_pair_bool(json, STR("isEqual"), is_equal);
    json_write_object_end(json);
}

static void write_matchers(struct json_writer *json, const struct posting *posting)
{
    json_write_key(json, STR("matchers"));
    json_write_array_begin(json);
    for (size_t i = 0; i < posting->list.count; i++) {
        const struct am_matcher *m = &posting->list.items[i];

        write_matcher(json, m->name, m->value, m->op == MATCHER_REGEX || m->op == MATCHER_NOT_REGEX,
                      m->op == MATCHER_EQUAL || m->op == MATCHER_REGEX);
    }
    for (size_t i = 0; i < json_count(posting->matchers); i++) {
        const struct json *m = json_at(posting->matchers, i);
        const struct json *equal = json_get(m, "isEqual");

        write_matcher(json, json_text(json_get(m, "name")), json_text(json_get(m, "value")),
                      json_is_yes(json_get(m, "isRegex")),
                      json_kind_of(equal) == JSON_KIND_NULL || json_is_yes(equal));
    }
    json_write_array_end(json);
}

static void write_intervals(struct json_writer *json, const struct posting *posting)
{
    struct buf copy = {0};

    if (posting->intervals.len > 0 || posting->intervals_there != NULL) {
        json_write_key(json, STR("timeIntervals"));
        (void)json_print(&copy, posting->intervals_there);
        json_write_raw(json, posting->intervals.len > 0 ? posting->intervals : buf_view(&copy));
    }
    buf_done(&copy);
}

static void write_annotations(struct json_writer *json, const struct posting *posting)
{
    struct buf copy = {0};

    if (posting->annotations.count > 0) {
        json_write_key(json, STR("annotations"));
        json_write_object_begin(json);
        for (size_t i = 0; i < posting->annotations.count; i++) {
            const struct am_matcher *one = &posting->annotations.items[i];

            json_write_pair_str(json, one->name, one->value);
        }
        json_write_object_end(json);
    } else if (json_count(posting->annotations_there) > 0 &&
               json_print(&copy, posting->annotations_there)) {
        json_write_key(json, STR("annotations"));
        json_write_raw(json, buf_view(&copy));
    }
    buf_done(&copy);
}

/* Makes or changes a silence; *ret_id is in the arena. */
static int post(struct am_client *client, const struct posting *posting, str *ret_id,
                struct baro_error *err)
{
    CLEANUP(json_doc_freep) struct json *answer = NULL;
    struct buf body = {0};
    struct json_writer json = json_write_over(&body);
    int r;

    json_write_object_begin(&json);
    if (posting->id.len > 0) {
        json_write_pair_str(&json, STR("id"), posting->id);
    }
    json_write_pair_str(&json, STR("startsAt"), posting->starts_at);
    json_write_pair_str(&json, STR("endsAt"), posting->ends_at);
    json_write_pair_str(&json, STR("createdBy"), posting->created_by);
    json_write_pair_str(&json, STR("comment"), posting->comment);
    write_matchers(&json, posting);
    write_annotations(&json, posting);
    write_intervals(&json, posting);
    json_write_object_end(&json);
    r = am_client_ask(client, "POST", "/silences", buf_view(&body), &answer, err);
    if (r >= 0) {
        *ret_id = arena_str(&client->arena, json_text(json_get(answer, "silenceID")));
    }
    buf_done(&body);
    return r;
}

static int time_flag(const struct am_client *client, size_t row, ts initial, ts *ret,
                     struct baro_error *err)
{
    str text = flags_text(&client->flags, row);

    *ret = initial;
    if (text.len > 0 && !rfc3339_parse(text, ret)) {
        return error_set(err, BARO_EUSAGE, "\"%.*s\" is no time (RFC 3339)", STR_ARG(text));
    }
    return 0;
}

/* ---- Add ---- */

/* The list of the flags --recurring, in the arena; empty when there is none. */
static int read_recurring(struct am_client *client, str *ret, struct baro_error *err)
{
    const struct flags *flags = &client->flags;
    struct buf buf = {0};
    struct json_writer json = json_write_over(&buf);
    bool any = false;
    int r = 0;

    json_write_array_begin(&json);
    for (size_t i = 0; i < flags->list_count && r >= 0; i++) {
        if (flags->list_row[i] == ADD_RECURRING) {
            any = true;
            r = silence_schedule_write(&json, flags->list[i], err);
        }
    }
    json_write_array_end(&json);
    *ret = any ? arena_str(&client->arena, buf_view(&buf)) : STR("");
    buf_done(&buf);
    return r;
}

/* The flags --annotation. A name may stand once: it is a key. */
static int read_annotations(struct am_client *client, am_matchers *ret, struct baro_error *err)
{
    const struct flags *flags = &client->flags;
    int r = 0;

    for (size_t i = 0; i < flags->list_count && r >= 0; i++) {
        size_t before = ret->count;

        if (flags->list_row[i] != ADD_ANNOTATION) {
            continue;
        }
        r = am_matchers_parse(&client->arena, flags->list[i], ret, err);
        if (r >= 0 && (ret->count != before + 1 || ret->items[before].op != MATCHER_EQUAL)) {
            r = error_set(err, BARO_EUSAGE, "--annotation=%.*s: is no name=value",
                          STR_ARG(flags->list[i]));
        }
        for (size_t k = 0; r >= 0 && k < before; k++) {
            if (str_eq(ret->items[k].name, ret->items[before].name)) {
                r = error_set(err, BARO_EUSAGE, "--annotation=%.*s: is there twice",
                              STR_ARG(flags->list[i]));
            }
        }
    }
    return r;
}

static int preview(struct am_client *client, const struct posting *posting, struct baro_error *err)
{
    CLEANUP(json_doc_freep) struct json *answer = NULL;
    struct buf body = {0};
    struct json_writer json = json_write_over(&body);
    int r;

    json_write_object_begin(&json);
    json_write_pair_str(&json, STR("startsAt"), posting->starts_at);
    json_write_pair_str(&json, STR("endsAt"), posting->ends_at);
    write_intervals(&json, posting);
    json_write_object_end(&json);
    r = am_client_ask(client, "POST", "/silences/preview", buf_view(&body), &answer, err);
    if (r >= 0) {
        silence_schedule_print(json_get(answer, "nextWindows"));
    }
    buf_done(&body);
    return r;
}

static int add(struct am_client *client, struct posting *posting, struct baro_error *err)
{
    const struct flags *flags = &client->flags;
    ts now = clock_now(clock_real());
    str author = flags_text(flags, ADD_AUTHOR);
    const char *user = getlogin();
    str id = STR_NULL;
    ts start = 0;
    ts end = 0;
    bool is_preview = flags_bool(flags, ADD_PREVIEW);
    dur duration = flags_duration(flags, ADD_DURATION);
    int r = am_client_matchers(client, &posting->list, err);

    r = r < 0 ? r : read_recurring(client, &posting->intervals, err);
    r = r < 0 ? r : read_annotations(client, &posting->annotations, err);
    if (posting->intervals.len > 0 && !flags->given[ADD_DURATION]) {
        duration = 365 * (dur)DUR_DAY;
    }
    r = r < 0 ? r : time_flag(client, ADD_START, now, &start, err);
    r = r < 0 ? r : time_flag(client, ADD_END, start + duration, &end, err);
    if (r >= 0 && is_preview) {
        posting->starts_at = text_time(&client->arena, start);
        posting->ends_at = text_time(&client->arena, end);
        return preview(client, posting, err);
    }
    if (r >= 0 && posting->list.count == 0) {
        r = error_set(err, BARO_EUSAGE, "no matchers specified");
    }
    if (r >= 0 && flags_text(flags, ADD_COMMENT).len == 0) {
        r = error_set(err, BARO_EUSAGE, "comment required: --comment=WHY");
    }
    if (r < 0) {
        return r;
    }
    posting->starts_at = text_time(&client->arena, start);
    posting->ends_at = text_time(&client->arena, end);
    posting->created_by = author.len > 0 ? author : str_from(user != NULL ? user : "nobody");
    posting->comment = flags_text(flags, ADD_COMMENT);
    r = post(client, posting, &id, err);
    if (r >= 0) {
        (void)printf("%.*s\n", STR_ARG(id));
    }
    return r;
}

int command_silence_add(int argc, char **argv)
{
    static struct am_client client;
    struct posting posting = {0};
    struct baro_error err = {0};
    int r = am_client_begin(&client, add_rows, ARRAY_COUNT(add_rows),
                            "silence add [FLAGS] MATCHER...", add_summary, argc, argv);

    if (r >= 0) {
        return r;
    }
    (void)add(&client, &posting, &err);
    am_matchers_done(&posting.list);
    am_matchers_done(&posting.annotations);
    return am_client_end(&client, &err);
}

/* ---- Query ---- */

static str state_of(const struct json *silence)
{
    return json_text(json_get(json_get(silence, "status"), "state"));
}

static bool is_wanted(const struct am_client *client, const struct json *silence, ts now)
{
    const struct flags *flags = &client->flags;
    bool expired = str_is(state_of(silence), "expired");
    str creator = flags_text(flags, QUERY_CREATED_BY);
    dur within = flags_duration(flags, QUERY_WITHIN);
    ts end = 0;

    (void)rfc3339_parse(json_text(json_get(silence, "endsAt")), &end);
    return expired == flags_bool(flags, QUERY_EXPIRED) &&
           (creator.len == 0 || str_eq(creator, json_text(json_get(silence, "createdBy")))) &&
           (within <= 0 || (expired ? end >= now - within : end <= now + within));
}

static str matchers_text(struct arena *arena, const struct json *list)
{
    static const char *const ops[] = {"!=", "=", "!~", "=~"};
    struct buf buf = {0};

    for (size_t i = 0; i < json_count(list); i++) {
        const struct json *m = json_at(list, i);
        const struct json *equal = json_get(m, "isEqual");
        bool is_equal = json_kind_of(equal) == JSON_KIND_NULL || json_is_yes(equal);

        buf_c(&buf, i > 0 ? " " : "");
        buf_str(&buf, json_text(json_get(m, "name")));
        buf_c(&buf, ops[(json_is_yes(json_get(m, "isRegex")) ? 2 : 0) + (is_equal ? 1 : 0)]);
        buf_quoted(&buf, json_text(json_get(m, "value")));
    }
    return text_take(arena, &buf);
}

static void add_row(struct am_table *table, const struct json *silence, bool extended)
{
    struct arena *arena = table->arena;

    am_table_add(table, arena_str(arena, json_text(json_get(silence, "id"))));
    am_table_add(table, matchers_text(arena, json_get(silence, "matchers")));
    if (extended) {
        am_table_add(table, am_client_time(arena, json_get(silence, "startsAt")));
    }
    am_table_add(table, am_client_time(arena, json_get(silence, "endsAt")));
    if (extended) {
        am_table_add(table, am_client_time(arena, json_get(silence, "updatedAt")));
    }
    am_table_add(table, arena_str(arena, json_text(json_get(silence, "createdBy"))));
    am_table_add(table, arena_str(arena, json_text(json_get(silence, "comment"))));
}

static struct am_table table_of(struct am_client *client)
{
    static const char *const simple[] = {"ID", "Matchers", "Ends At", "Created By", "Comment"};
    static const char *const extended[] = {"ID",         "Matchers",   "Starts At", "Ends At",
                                           "Updated At", "Created By", "Comment"};
    bool wide = client->output == AM_OUTPUT_EXTENDED;
    struct am_table table = {.arena = &client->arena,
                             .columns = wide ? ARRAY_COUNT(extended) : ARRAY_COUNT(simple)};

    for (size_t i = 0; i < table.columns; i++) {
        am_table_add(&table, str_from(wide ? extended[i] : simple[i]));
    }
    return table;
}

static void print_silences(struct am_client *client, const struct json *silences)
{
    struct am_table table = table_of(client);
    ts now = clock_now(clock_real());

    for (size_t i = 0; i < json_count(silences); i++) {
        const struct json *silence = json_at(silences, i);

        if (!is_wanted(client, silence, now)) {
            continue;
        }
        if (flags_bool(&client->flags, QUERY_QUIET)) {
            (void)printf("%.*s\n", STR_ARG(json_text(json_get(silence, "id"))));
        } else {
            add_row(&table, silence, client->output == AM_OUTPUT_EXTENDED);
        }
    }
    if (flags_bool(&client->flags, QUERY_QUIET)) {
        vec_done(&table.cells);
    } else {
        am_table_print(&table);
    }
}

int command_silence_query(int argc, char **argv)
{
    static struct am_client client;
    CLEANUP(json_doc_freep) struct json *silences = NULL;
    am_matchers matchers = {0};
    struct baro_error err = {0};
    struct buf query = {0};
    int r = am_client_begin(&client, query_rows, ARRAY_COUNT(query_rows),
                            "silence query [FLAGS] [MATCHER...]", query_summary, argc, argv);

    if (r >= 0) {
        return r;
    }
    r = am_client_matchers(&client, &matchers, &err);
    if (r >= 0) {
        am_client_filter(&matchers, &query);
        r = am_client_ask(
            &client, "GET",
            arena_printf(&client.arena, "/silences?%.*s", STR_ARG(buf_view(&query))).ptr, STR_NULL,
            &silences, &err);
    }
    if (r >= 0 && client.output == AM_OUTPUT_JSON) {
        am_client_print_answer(&client);
    } else if (r >= 0) {
        print_silences(&client, silences);
    }
    am_matchers_done(&matchers);
    buf_done(&query);
    return am_client_end(&client, &err);
}

/* ---- Preview ---- */

static const char *silence_path(struct am_client *client, str id)
{
    return arena_printf(&client->arena, "/silence/%.*s", STR_ARG(id)).ptr;
}

int command_silence_preview(int argc, char **argv)
{
    static struct am_client client;
    struct baro_error err = {0};
    int r = am_client_begin(&client, plain_rows, ARRAY_COUNT(plain_rows),
                            "silence preview [FLAGS] ID...", preview_summary, argc, argv);

    if (r >= 0) {
        return r;
    }
    if (client.flags.arg_count == 0) {
        (void)error_set(&err, BARO_EUSAGE, "no silence IDs specified");
    }
    for (size_t i = 0; i < client.flags.arg_count && err.code == 0; i++) {
        CLEANUP(json_doc_freep) struct json *silence = NULL;
        str id = client.flags.args[i];

        if (am_client_ask(&client, "GET", silence_path(&client, id), STR_NULL, &silence, &err) <
            0) {
            continue;
        }
        if (json_get(silence, "timeIntervals") == NULL) {
            (void)error_set(&err, BARO_EUSAGE, "%.*s is no recurring silence", STR_ARG(id));
        } else {
            (void)printf("%.*s\n", STR_ARG(id));
            silence_schedule_print(json_get(silence, "nextWindows"));
        }
    }
    return am_client_end(&client, &err);
}

/* ---- Expire and update ---- */

int command_silence_expire(int argc, char **argv)
{
    static struct am_client client;
    struct baro_error err = {0};
    int r = am_client_begin(&client, plain_rows, ARRAY_COUNT(plain_rows),
                            "silence expire [FLAGS] ID...", expire_summary, argc, argv);

    if (r >= 0) {
        return r;
    }
    if (client.flags.arg_count == 0) {
        r = error_set(&err, BARO_EUSAGE, "no silence IDs specified");
    }
    for (size_t i = 0; i < client.flags.arg_count && err.code == 0; i++) {
        CLEANUP(json_doc_freep) struct json *answer = NULL;

        (void)am_client_ask(&client, "DELETE", silence_path(&client, client.flags.args[i]),
                            STR_NULL, &answer, &err);
    }
    return am_client_end(&client, &err);
}

/* The silence with what the flags say instead. */
static int update(struct am_client *client, str id, struct am_table *table, struct baro_error *err)
{
    CLEANUP(json_doc_freep) struct json *silence = NULL;
    CLEANUP(json_doc_freep) struct json *after = NULL;
    const struct flags *flags = &client->flags;
    struct posting posting = {.id = id};
    str comment = flags_text(flags, UPDATE_COMMENT);
    ts start = 0;
    ts end = 0;
    int r = am_client_ask(client, "GET", silence_path(client, id), STR_NULL, &silence, err);

    if (r < 0) {
        return r;
    }
    (void)rfc3339_parse(json_text(json_get(silence, "startsAt")), &start);
    (void)rfc3339_parse(json_text(json_get(silence, "endsAt")), &end);
    r = time_flag(client, UPDATE_START, start, &start, err);
    if (r >= 0 && flags->given[UPDATE_DURATION]) {
        end = start + flags_duration(flags, UPDATE_DURATION);
    }
    r = r < 0 ? r : time_flag(client, UPDATE_END, end, &end, err);
    posting.starts_at = text_time(&client->arena, start);
    posting.ends_at = text_time(&client->arena, end);
    posting.created_by = json_text(json_get(silence, "createdBy"));
    posting.comment = comment.len > 0 ? comment : json_text(json_get(silence, "comment"));
    posting.matchers = json_get(silence, "matchers");
    posting.annotations_there = json_get(silence, "annotations");
    r = r < 0 ? r : post(client, &posting, &id, err);
    r = r < 0 ? r : am_client_ask(client, "GET", silence_path(client, id), STR_NULL, &after, err);
    if (r >= 0 && flags_bool(flags, UPDATE_QUIET)) {
        (void)printf("%.*s\n", STR_ARG(id));
    } else if (r >= 0) {
        add_row(table, after, client->output == AM_OUTPUT_EXTENDED);
    }
    return r;
}

int command_silence_update(int argc, char **argv)
{
    static struct am_client client;
    struct baro_error err = {0};
    struct am_table table;
    int r = am_client_begin(&client, update_rows, ARRAY_COUNT(update_rows),
                            "silence update [FLAGS] ID...", update_summary, argc, argv);

    if (r >= 0) {
        return r;
    }
    if (client.flags.arg_count == 0) {
        r = error_set(&err, BARO_EUSAGE, "no silence IDs specified");
    }
    table = table_of(&client);
    for (size_t i = 0; i < client.flags.arg_count && err.code == 0; i++) {
        (void)update(&client, client.flags.args[i], &table, &err);
    }
    if (flags_bool(&client.flags, UPDATE_QUIET) || err.code != 0) {
        vec_done(&table.cells);
    } else {
        am_table_print(&table);
    }
    return am_client_end(&client, &err);
}

/* ---- Export and import ---- */

int command_silence_export(int argc, char **argv)
{
    static struct am_client client;
    CLEANUP(json_doc_freep) struct json *silences = NULL;
    struct baro_error err = {0};
    int r = am_client_begin(&client, plain_rows, ARRAY_COUNT(plain_rows), "silence export [FLAGS]",
                            export_summary, argc, argv);
    struct buf out = {0};
    struct json_writer json = json_write_over(&out);

    if (r >= 0) {
        return r;
    }
    r = am_client_ask(&client, "GET", "/silences", STR_NULL, &silences, &err);
    json_write_array_begin(&json);
    for (size_t i = 0; i < json_count(silences) && r >= 0; i++) {
        const struct json *silence = json_at(silences, i);
        const struct posting posting = {.matchers = json_get(silence, "matchers"),
                                        .annotations_there = json_get(silence, "annotations"),
                                        .intervals_there = json_get(silence, "timeIntervals")};
        static const char *const keys[] = {"comment", "createdBy", "endsAt", "id", "startsAt"};

        if (str_is(state_of(silence), "expired")) {
            continue;
        }
        json_write_object_begin(&json);
        for (size_t k = 0; k < ARRAY_COUNT(keys); k++) {
            json_write_pair_str(&json, str_from(keys[k]), json_text(json_get(silence, keys[k])));
        }
        write_matchers(&json, &posting);
        write_annotations(&json, &posting);
        write_intervals(&json, &posting);
        json_write_object_end(&json);
    }
    json_write_array_end(&json);
    buf_char(&out, '\n');
    if (r >= 0) {
        (void)fwrite(out.ptr, 1, out.len, stdout);
    }
    buf_done(&out);
    return am_client_end(&client, &err);
}

static int import(struct am_client *client, const struct json *silences, struct baro_error *err)
{
    if (json_kind_of(silences) != JSON_KIND_ARRAY) {
        return error_set(err, BARO_EPARSE, "no list of silences");
    }
    for (size_t i = 0; i < json_count(silences); i++) {
        const struct json *silence = json_at(silences, i);
        const struct posting posting = {
            .starts_at = json_text(json_get(silence, "startsAt")),
            .ends_at = json_text(json_get(silence, "endsAt")),
            .created_by = json_text(json_get(silence, "createdBy")),
            .comment = json_text(json_get(silence, "comment")),
            .matchers = json_get(silence, "matchers"),
            .annotations_there = json_get(silence, "annotations"),
            .intervals_there = json_get(silence, "timeIntervals"),
        };
        str id = STR_NULL;
        int r = post(client, &posting, &id, err);

        if (r < 0) {
            return error_wrap(err, r, "silence %zu", i + 1);
        }
        (void)printf("%.*s\n", STR_ARG(id));
    }
    return 0;
}

int command_silence_import(int argc, char **argv)
{
    static struct am_client client;
    CLEANUP(json_doc_freep) struct json *silences = NULL;
    struct baro_error err = {0};
    struct buf text = {0};
    int r = am_client_begin(&client, plain_rows, ARRAY_COUNT(plain_rows),
                            "silence import [FLAGS] [FILE]", import_summary, argc, argv);

    if (r >= 0) {
        return r;
    }
    r = file_read(client.flags.arg_count > 0 ? client.flags.args[0].ptr : "-", &text, &err);
    r = r < 0 ? r : json_doc_parse(buf_view(&text), &silences, &err);
    if (r >= 0) {
        (void)import(&client, silences, &err);
    }
    buf_done(&text);
    return am_client_end(&client, &err);
}
