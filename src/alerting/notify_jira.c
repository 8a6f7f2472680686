/*
 * Jira: an issue for a group of alerts. One that is open already is looked up by its label,
 * changed, and moved on when the group fires again or is over. Reference: notify/jira of
 * Alertmanager 0.34.
 */
#include <stdlib.h>

#include "alerting/notifiers.h"
#include "base/text.h"
#include "codec/json.h"
#include "template/template_json.h"

enum { SUMMARY_MAX = 255, DESCRIPTION_MAX = 32767, MS_PER_MINUTE = 60000 };

static const int retry_codes[] = {429, 0};

/* The issue that was found. */
struct issue {
    str key; /* empty = none */
    str category;
    bool has_status;
};

/* ---- Requests ---- */

static enum am_notify_outcome call(struct am_attempt *sending, const char *method, str url,
                                   struct buf *body, bool is_look_up, struct am_response *ret)
{
    struct am_request request = {.method = method,
                                 .url = url,
                                 .headers = {"Accept-Language: en"},
                                 .header_count = 1,
                                 .retry_codes = retry_codes,
                                 .is_look_up = is_look_up};
    enum am_notify_outcome outcome = AM_NOTIFY_FAIL;
    struct am_response unread = {0};

    ret = ret != NULL ? ret : &unread;
    if (body != NULL) {
        buf_char(body, '\n');
        request.body = buf_view(body);
    }
    if (!am_send_failed(sending, body)) {
        outcome = am_send_request(sending, &request, ret);
        /* Without an answer it is not tried again, as there. */
        outcome = outcome == AM_NOTIFY_RETRY && ret->status == 0 ? AM_NOTIFY_FAIL : outcome;
    }
    if (body != NULL) {
        buf_done(body);
    }
    return outcome;
}

static str url_of(struct am_attempt *sending, str path)
{
    return am_url_add(&sending->arena, am_send_option(sending, "api_url"), path, STR(""));
}

/* ---- Looking up ---- */

/* A string of Jira's query language, quoted as Go's %q. */
static void put_quoted(struct buf *out, str text)
{
    buf_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '"' || c == '\\') {
            buf_char(out, '\\');
            buf_char(out, c);
        } else if ((unsigned char)c < 0x20 || c == 0x7F) {
            buf_printf(out, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\x%02x", (unsigned)c);
        } else {
            buf_char(out, c);
        }
    }
    buf_char(out, '"');
}

static void put_query(struct am_attempt *sending, struct buf *out)
{
    str wont_fix = am_send_option(sending, "wont_fix_resolution");
    long long reopen = (long long)(am_send_number(sending, "reopen_duration") / MS_PER_MINUTE);

    if (wont_fix.len > 0) {
        buf_c(out, "(resolution is EMPTY or resolution != ");
        put_quoted(out, wont_fix);
        buf_c(out, ") and ");
    }
    if (!sending->is_resolved && reopen > 0 &&
        am_send_option(sending, "reopen_transition").len > 0) {
        buf_printf(out, "(resolutiondate is EMPTY OR resolutiondate >= -%lldm) and ", reopen);
    } else {
        buf_c(out, "statusCategory != Done and ");
    }
    buf_c(out, "project=");
    put_quoted(out, am_send_text(sending, "project"));
    buf_printf(out, " and labels=\"ALERT{%.*s}\" order by status ASC,resolutiondate DESC",
               STR_ARG(sending->key_hash));
}

/* The cloud has a newer address for it, which the other kind has not. */
static str search_url(struct am_attempt *sending)
{
    str base = am_send_option(sending, "api_url");
    str type = am_send_option(sending, "api_type");
    size_t start = str_index(base, STR("://"));
    str rest = str_from_index(base, start == SIZE_MAX ? 0 : start + 3);
    str host = str_slice(rest, 0, str_index_char(rest, '/'));
    bool is_cloud = str_is(type, "cloud") ||
                    (str_is(type, "auto") && str_has_suffix(host, STR("atlassian.net")));
    str url = url_of(sending, is_cloud ? STR("search/jql") : STR("search"));
    size_t old = str_index(url, STR("/rest/api/2/"));

    if (is_cloud && old != SIZE_MAX) {
        url = arena_printf(&sending->arena, "%.*s/rest/api/3/%.*s", STR_ARG(str_slice(url, 0, old)),
                           STR_ARG(str_from_index(url, old + 12)));
    }
    return url;
}

static enum am_notify_outcome look_up(struct am_attempt *sending, struct issue *ret)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    struct am_response answer = {0};
    struct buf body = {0};
    struct buf query = {0};
    struct json_writer json = json_write_over(&body);
    const struct json *first;
    const struct json *status;
    enum am_notify_outcome outcome;

    put_query(sending, &query);
    json_write_object_begin(&json);
    json_write_key(&json, STR("fields"));
    json_write_raw(&json, STR("[\"status\"]"));
    am_member(&json, "jql", buf_view(&query));
    json_write_pair_i64(&json, STR("maxResults"), 2);
    json_write_object_end(&json);
    buf_done(&query);
    outcome = call(sending, NULL, search_url(sending), &body, true, &answer);
    if (outcome != AM_NOTIFY_OK || sending->is_rendering) {
        return outcome;
    }
    if (json_doc_parse(answer.body, &root, NULL) < 0) {
        return am_send_fault(sending, "failed to look up existing issues: the answer is no JSON");
    }
    first = json_at(json_get(root, "issues"), 0);
    status = json_get(json_get(first, "fields"), "status");
    ret->key = arena_str(&sending->arena, json_text(json_get(first, "key")));
    ret->category =
        arena_str(&sending->arena, json_text(json_get(json_get(status, "statusCategory"), "key")));
    ret->has_status = status != NULL;
    return AM_NOTIFY_OK;
}

/* ---- The issue ---- */

/* A text, or a mapping of a template and whether a later notification changes it. */
static str template_of(struct am_attempt *sending, const char *key, const char *usual,
                       bool *ret_update)
{
    const struct yaml_node *node = option_slot_ptr(sending->type, sending->options, key);
    const struct yaml_node *template = node;
    const struct yaml_node *update = yaml_get(node, STR("enable_update"));

    *ret_update = update == NULL || update->type != YAML_TYPE_BOOL || update->boolean;
    if (node != NULL && node->kind == YAML_KIND_MAPPING) {
        template = yaml_get(node, STR("template"));
    }
    return template != NULL && template->kind == YAML_KIND_SCALAR ? template->text
                                                                  : str_from(usual);
}

/* A member of the issue, as JSON. */
struct member {
    str name;
    str json;
};

struct members {
    VEC(struct member) list;
};

static int member_compare(const void *a, const void *b)
{
    return str_cmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

static void member_set(struct members *members, str name, str json)
{
    for (size_t i = 0; i < members->list.count; i++) {
        if (str_eq(members->list.items[i].name, name)) {
            members->list.items[i].json = json;
            return;
        }
    }
    vec_push(&members->list, ((struct member){name, json}));
}

static str json_of(struct am_attempt *sending, const char *before, str text, const char *behind)
{
    struct buf out = {0};

    buf_c(&out, before);
    template_json_str(&out, text);
    buf_c(&out, behind);
    return text_take(&sending->arena, &out);
}

static int str_compare(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

static str labels_of(struct am_attempt *sending)
{
    struct conf_strs own = option_slot_strs(sending->type, sending->options, "labels");
    str *all = ARENA_ARRAY(&sending->arena, str, own.count + 1);
    struct buf out = {0};

    for (size_t i = 0; i < own.count; i++) {
        all[i] = am_send_render(sending, own.items[i]);
    }
    all[own.count] = arena_printf(&sending->arena, "ALERT{%.*s}", STR_ARG(sending->key_hash));
    qsort(all, own.count + 1, sizeof(*all), str_compare);
    for (size_t i = 0; i <= own.count; i++) {
        buf_char(&out, i > 0 ? ',' : '[');
        template_json_str(&out, all[i]);
    }
    buf_char(&out, ']');
    return text_take(&sending->arena, &out);
}

/* Version 3 of the API wants a document as JSON, others a text. */
static void add_description(struct am_attempt *sending, struct members *members, bool is_change)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    str base = am_send_option(sending, "api_url");
    bool update = true;
    str text = template_of(sending, "description", "{{ template \"jira.default.description\" . }}",
                           &update);

    while (str_has_suffix(base, STR("/"))) {
        base.len--;
    }
    text = am_cut_runes(&sending->arena, am_send_render(sending, text), DESCRIPTION_MAX);
    if (is_change && !update) {
        return;
    }
    if (!str_has_suffix(base, STR("/3"))) {
        if (text.len > 0) {
            member_set(members, STR("description"), json_of(sending, "", text, ""));
        }
        return;
    }
    text = str_trim(text);
    if (text.len > 0 && json_doc_parse(text, &root, NULL) < 0 && sending->failed == 0) {
        sending->failed =
            error_set(sending->err, BARO_EPARSE, "description template: invalid JSON for API v3");
    } else if (text.len > 0) {
        member_set(members, STR("description"), text);
    }
}

/* Any fields of the configuration, which win. */
static void add_fields(struct am_attempt *sending, struct members *members)
{
    const struct yaml_node *fields = option_slot_ptr(sending->type, sending->options, "fields");

    for (size_t i = 0; fields != NULL && i < fields->pair_count; i++) {
        struct buf out = {0};
        struct json_writer json = json_write_over(&out);

        if (fields->kind != YAML_KIND_MAPPING) {
            break;
        }
        am_member_node(sending, &json, fields->pairs[i].value);
        (void)am_send_failed(sending, &out);
        member_set(members, fields->pairs[i].key->text, arena_str(&sending->arena, buf_view(&out)));
        buf_done(&out);
    }
}

static void put_issue(struct am_attempt *sending, struct buf *body, bool is_change)
{
    struct members members = {0};
    bool update = true;
    str summary =
        template_of(sending, "summary", "{{ template \"jira.default.summary\" . }}", &update);
    str priority = am_send_text(sending, "priority");

    summary = am_cut_runes(&sending->arena, am_send_render(sending, summary), SUMMARY_MAX);
    if (!is_change || update) {
        member_set(&members, STR("summary"), json_of(sending, "", summary, ""));
    }
    add_description(sending, &members, is_change);
    member_set(&members, STR("issuetype"),
               json_of(sending, "{\"name\":", am_send_text(sending, "issue_type"), "}"));
    member_set(&members, STR("labels"), labels_of(sending));
    member_set(&members, STR("project"),
               json_of(sending, "{\"key\":", am_send_text(sending, "project"), "}"));
    if (priority.len > 0) {
        member_set(&members, STR("priority"), json_of(sending, "{\"name\":", priority, "}"));
    }
    add_fields(sending, &members);
    qsort(members.list.items, members.list.count, sizeof(struct member), member_compare);
    buf_c(body, "{\"fields\":{");
    for (size_t i = 0; i < members.list.count; i++) {
        buf_c(body, i > 0 ? "," : "");
        template_json_str(body, members.list.items[i].name);
        buf_char(body, ':');
        buf_str(body, members.list.items[i].json);
    }
    buf_c(body, "}}");
    vec_done(&members.list);
}

/* ---- Moving on ---- */

static enum am_notify_outcome find_transition(struct am_attempt *sending, str url, str name,
                                              str *ret)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    struct am_response answer = {0};
    enum am_notify_outcome outcome = call(sending, "GET", url, NULL, true, &answer);
    const struct json *list;

    if (outcome != AM_NOTIFY_OK) {
        return outcome;
    }
    (void)json_doc_parse(answer.body, &root, NULL);
    list = json_get(root, "transitions");
    for (size_t i = 0; i < json_count(list); i++) {
        if (str_eq(json_text(json_get(json_at(list, i), "name")), name)) {
            *ret = arena_str(&sending->arena, json_text(json_get(json_at(list, i), "id")));
            return AM_NOTIFY_OK;
        }
    }
    return am_send_fault(sending, "can't find transition %.*s for issue %.*s", STR_ARG(name),
                         STR_ARG(url));
}

static enum am_notify_outcome move_on(struct am_attempt *sending, const struct issue *issue)
{
    bool is_done = str_is(issue->category, "done");
    str name =
        am_send_option(sending, sending->is_resolved ? "resolve_transition" : "reopen_transition");
    str url = url_of(sending,
                     arena_printf(&sending->arena, "issue/%.*s/transitions", STR_ARG(issue->key)));
    struct buf body = {0};
    str id = STR("");
    enum am_notify_outcome outcome;

    if (issue->key.len == 0 || !issue->has_status || is_done == sending->is_resolved ||
        name.len == 0) {
        return AM_NOTIFY_OK;
    }
    outcome = find_transition(sending, url, name, &id);
    if (outcome != AM_NOTIFY_OK) {
        return outcome;
    }
    buf_str(&body, json_of(sending, "{\"transition\":{\"id\":", id, "}}"));
    return call(sending, NULL, url, &body, true, NULL);
}

enum am_notify_outcome notify_jira(struct am_attempt *sending)
{
    struct issue issue = {.key = STR("")};
    struct buf body = {0};
    enum am_notify_outcome outcome = look_up(sending, &issue);
    bool is_new = issue.key.len == 0;

    if (outcome != AM_NOTIFY_OK) {
        return outcome;
    }
    if (is_new && sending->is_resolved && !sending->is_rendering) {
        return AM_NOTIFY_OK; /* nobody wants an issue about what is over */
    }
    put_issue(sending, &body, !is_new);
    outcome = call(
        sending, is_new ? NULL : "PUT",
        url_of(sending, is_new ? STR("issue")
                               : arena_printf(&sending->arena, "issue/%.*s", STR_ARG(issue.key))),
        &body, false, NULL);
    return outcome == AM_NOTIFY_OK ? move_on(sending, &issue) : outcome;
}
