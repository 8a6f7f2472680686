#include <math.h>
#include <stdlib.h>

#include "api/api_priv.h"
#include "base/num.h"

/* Prometheus's limit of a page, where none is asked for: all groups. */
enum { TOKEN_BYTES = 16 };

/* What a request wants to see. */
struct rules_filter {
    bool alerts; /* alerting rules; without both, all */
    bool records;
    bool no_active; /* exclude_alerts */
    struct api_selectors match;
    size_t group_limit; /* 0 = no pages */
    str next_token;
};

static void get_groups(struct api_call *call, struct rule_group_view **ret, size_t *ret_count)
{
    const struct api_context *context = call->context;

    *ret_count = 0;
    if (context->sources.rules != NULL) {
        context->sources.rules(context->app, call->arena, ret, ret_count);
    }
}

/* ---- Filters ---- */

/* Whether one of the values of a parameter is `text`; true when there is none. */
static bool is_asked_for(const struct api_call *call, str name, str text)
{
    bool any = false;
    size_t index = 0;

    for (str value; form_next(&call->form, name, &index, &value);) {
        any = true;
        if (str_eq(value, text)) {
            return true;
        }
    }
    return !any;
}

static bool labels_match(const struct rules_filter *filter, struct labels labels)
{
    bool matches = filter->match.count == 0;

    for (size_t i = 0; !matches && i < filter->match.count; i++) {
        struct matchers matchers = api_selector_matchers(&filter->match, i);

        matches = true;
        for (size_t k = 0; matches && k < matchers.count; k++) {
            str value = labels_get(labels, matchers.items[k].name);

            matches = matcher_matches(&matchers.items[k], value.ptr != NULL ? value : STR(""));
        }
    }
    return matches;
}

static bool wants_rule(const struct api_call *call, const struct rules_filter *filter,
                       const struct rule_view *rule)
{
    bool is_alert = rule->spec->kind == RULE_ALERTING;

    if ((is_alert && !filter->alerts) || (!is_alert && !filter->records)) {
        return false;
    }
    return is_asked_for(call, STR("rule_name[]"), rule->spec->name) &&
           labels_match(filter, rule->spec->labels);
}

static int read_filter(struct api_call *call, struct rules_filter *ret)
{
    str type = form_get(&call->form, STR("type"));
    str exclude = form_get(&call->form, STR("exclude_alerts"));
    str limit = form_get(&call->form, STR("group_limit"));
    uint64_t number = 0;

    if (type.len > 0 && !str_eq_nocase(type, STR("alert")) && !str_eq_nocase(type, STR("record"))) {
        return api_fail(call, API_BAD_DATA,
                        "invalid parameter \"type\": not supported value \"%.*s\"", STR_ARG(type));
    }
    ret->alerts = type.len == 0 || str_eq_nocase(type, STR("alert"));
    ret->records = type.len == 0 || str_eq_nocase(type, STR("record"));
    ret->no_active =
        str_eq_nocase(exclude, STR("true")) || str_is(exclude, "1") || str_is(exclude, "t");
    if (limit.len > 0 && (!num_parse_u64(limit, &number) || number == 0)) {
        return api_fail(
            call, API_BAD_DATA,
            "invalid parameter \"group_limit\": group_limit needs to be a valid number");
    }
    ret->group_limit = (size_t)number;
    ret->next_token = form_get(&call->form, STR("group_next_token"));
    if (ret->next_token.len > 0 && ret->group_limit == 0) {
        return api_fail(call, API_BAD_DATA,
                        "invalid parameter \"group_limit\": group_limit needs to be present in "
                        "order to paginate over the "
                        "groups");
    }
    return form_has(&call->form, STR("match[]")) ? api_match_params(call, &ret->match) : 0;
}

/* ---- Writing ---- */

static void write_time(struct json_writer *json, str key, ts t)
{
    struct buf text = {0};

    api_format_time(&text, t != 0 ? t : INT64_MIN);
    json_write_pair_str(json, key, buf_view(&text));
    buf_done(&text);
}

static void write_alert(struct json_writer *json, const struct alert_view *alert)
{
    struct buf value = {0};

    json_write_object_begin(json);
    json_write_key(json, STR("labels"));
    api_write_labels(json, alert->labels);
    json_write_key(json, STR("annotations"));
    api_write_labels(json, alert->annotations);
    json_write_pair_str(json, STR("state"), str_from(alert_state_name(alert->state)));
    write_time(json, STR("activeAt"), alert->active_at);
    if (alert->keep_firing_since != 0) {
        write_time(json, STR("keepFiringSince"), alert->keep_firing_since);
    }
    if (alert->missing_since != 0) { /* not in Prometheus */
        write_time(json, STR("noDataSince"), alert->missing_since);
    }
    buf_double(&value, alert->value, NUM_E);
    json_write_pair_str(json, STR("value"), buf_view(&value));
    buf_done(&value);
    json_write_object_end(json);
}

static void write_alerts(struct json_writer *json, const struct rule_view *rule, bool leave_out)
{
    json_write_key(json, STR("alerts"));
    json_write_array_begin(json);
    for (size_t i = 0; i < rule->alert_count && !leave_out; i++) {
        write_alert(json, &rule->alerts[i]);
    }
    json_write_array_end(json);
}

/* Alerts that ended because their inputs are gone; not in Prometheus. */
static void write_no_data_alerts(struct json_writer *json, const struct rule_view *rule)
{
    for (size_t i = 0; i < rule->no_data_count; i++) {
        write_alert(json, &rule->no_data[i]);
    }
}

/* What of the rule has no data; nothing where all has, so that answers are Prometheus's. */
static void write_no_data(struct json_writer *json, const struct rule_view *rule)
{
    size_t count = rule->no_data_count;

    for (size_t i = 0; i < rule->alert_count; i++) {
        count += rule->alerts[i].missing_since != 0 ? 1 : 0;
    }
    if (!rule->has_no_data && count == 0) {
        return;
    }
    json_write_key(json, STR("noData"));
    json_write_object_begin(json);
    json_write_pair_bool(json, STR("rule"), rule->has_no_data);
    if (rule->no_data_since != 0) {
        write_time(json, STR("since"), rule->no_data_since);
    }
    json_write_pair_u64(json, STR("count"), count);
    json_write_key(json, STR("alerts"));
    json_write_array_begin(json);
    write_no_data_alerts(json, rule);
    json_write_array_end(json);
    json_write_object_end(json);
}

static void write_health(struct json_writer *json, const struct rule_view *rule, str type)
{
    json_write_pair_str(json, STR("health"), str_from(rule_health_name(rule->health)));
    if (rule->error.len > 0) {
        json_write_pair_str(json, STR("lastError"), rule->error);
    }
    json_write_pair_number(json, STR("evaluationTime"), rule->evaluation_seconds);
    write_time(json, STR("lastEvaluation"), rule->evaluated_at);
    json_write_pair_str(json, STR("type"), type);
}

static void write_rule(struct json_writer *json, const struct rule_view *rule, bool no_active)
{
    const struct rule_spec *spec = rule->spec;

    json_write_object_begin(json);
    if (spec->kind == RULE_ALERTING) {
        json_write_pair_str(json, STR("state"), str_from(alert_state_name(rule->state)));
    }
    json_write_pair_str(json, STR("name"), spec->name);
    json_write_pair_str(json, STR("query"), spec->expr);
    if (spec->kind == RULE_ALERTING) {
        json_write_pair_number(json, STR("duration"), (double)spec->hold / 1000);
        json_write_pair_number(json, STR("keepFiringFor"), (double)spec->keep_firing / 1000);
        json_write_key(json, STR("labels"));
        api_write_labels(json, spec->labels);
        json_write_key(json, STR("annotations"));
        api_write_labels(json, spec->annotations);
        write_alerts(json, rule, no_active);
        write_no_data(json, rule);
    } else if (spec->labels.count > 0) {
        json_write_key(json, STR("labels"));
        api_write_labels(json, spec->labels);
    }
    write_health(json, rule, spec->kind == RULE_ALERTING ? STR("alerting") : STR("recording"));
    json_write_object_end(json);
}

static void write_group(struct api_call *call, const struct rules_filter *filter,
                        const struct rule_group_view *group)
{
    struct json_writer *json = &call->json;

    json_write_object_begin(json);
    json_write_pair_str(json, STR("name"), group->name);
    json_write_pair_str(json, STR("file"), group->file);
    json_write_key(json, STR("rules"));
    json_write_array_begin(json);
    for (size_t i = 0; i < group->count; i++) {
        if (wants_rule(call, filter, &group->rules[i])) {
            write_rule(json, &group->rules[i], filter->no_active);
        }
    }
    json_write_array_end(json);
    json_write_pair_number(json, STR("interval"), (double)group->interval / 1000);
    json_write_pair_u64(json, STR("limit"), group->limit);
    json_write_pair_number(json, STR("evaluationTime"), group->evaluation_seconds);
    write_time(json, STR("lastEvaluation"), group->evaluated_at);
    json_write_object_end(json);
}

static bool wants_group(const struct api_call *call, const struct rules_filter *filter,
                        const struct rule_group_view *group)
{
    bool filtered = filter->match.count > 0 || form_has(&call->form, STR("rule_name[]"));
    bool any = !filtered && filter->alerts && filter->records;

    if (!is_asked_for(call, STR("rule_group[]"), group->name) ||
        !is_asked_for(call, STR("file[]"), group->file)) {
        return false;
    }
    for (size_t i = 0; i < group->count && !any; i++) {
        any = wants_rule(call, filter, &group->rules[i]);
    }
    return any;
}

/* A group's place among the pages: what a client gives back as group_next_token. */
static str token_of(struct arena *arena, const struct rule_group_view *group)
{
    struct buf name = {0};
    uint64_t hash;

    buf_printf(&name, "%.*s;%.*s", STR_ARG(group->file), STR_ARG(group->name));
    hash = str_hash(buf_view(&name));
    buf_done(&name);
    return arena_printf(arena, "%0*llx", TOKEN_BYTES, (unsigned long long)hash);
}

/* The first group behind the one that the token names; `count` when no group has it. */
static size_t page_start(const struct api_call *call, const struct rules_filter *filter,
                         const struct rule_group_view *groups, size_t count)
{
    size_t at = 0;

    if (filter->next_token.len == 0) {
        return 0;
    }
    while (at < count && !str_eq(token_of(call->arena, &groups[at]), filter->next_token)) {
        at++;
    }
    return at < count ? at + 1 : SIZE_MAX;
}

static int write_groups(struct api_call *call, const struct rules_filter *filter)
{
    struct rule_group_view *groups = NULL;
    const struct rule_group_view *last = NULL;
    size_t count = 0;
    size_t written = 0;
    size_t at;
    bool more = false;

    get_groups(call, &groups, &count);
    at = page_start(call, filter, groups, count);
    if (at == SIZE_MAX) {
        return api_fail(
            call, API_BAD_DATA,
            "invalid parameter \"group_next_token\": invalid group_next_token '%.*s'. were "
            "rule groups changed?",
            STR_ARG(filter->next_token));
    }
    json_write_object_begin(&call->json);
    json_write_key(&call->json, STR("groups"));
    json_write_array_begin(&call->json);
    for (; at < count && !more; at++) {
        if (!wants_group(call, filter, &groups[at])) {
            continue;
        }
        more = filter->group_limit > 0 && written == filter->group_limit;
        if (!more) {
            write_group(call, filter, &groups[at]);
            last = &groups[at];
            written++;
        }
    }
    json_write_array_end(&call->json);
    if (more) {
        json_write_pair_str(&call->json, STR("groupNextToken"), token_of(call->arena, last));
    }
    json_write_object_end(&call->json);
    return 0;
}

int api_rules(struct api_call *call)
{
    struct rules_filter filter = {0};
    int r = read_filter(call, &filter);

    r = r >= 0 ? write_groups(call, &filter) : r;
    api_selectors_done(&filter.match);
    return r;
}

static void write_all_without_data(struct json_writer *json, const struct rule_group_view *groups,
                                   size_t count)
{
    bool any = false;

    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < groups[i].count; k++) {
            if (groups[i].rules[k].no_data_count > 0 && !any) {
                any = true;
                json_write_key(json, STR("noData"));
                json_write_array_begin(json);
            }
            write_no_data_alerts(json, &groups[i].rules[k]);
        }
    }
    if (any) {
        json_write_array_end(json);
    }
}

int api_alerts(struct api_call *call)
{
    struct json_writer *json = &call->json;
    struct rule_group_view *groups = NULL;
    size_t count = 0;

    get_groups(call, &groups, &count);
    json_write_object_begin(json);
    json_write_key(json, STR("alerts"));
    json_write_array_begin(json);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < groups[i].count; k++) {
            for (size_t a = 0; a < groups[i].rules[k].alert_count; a++) {
                write_alert(json, &groups[i].rules[k].alerts[a]);
            }
        }
    }
    json_write_array_end(json);
    write_all_without_data(json, groups, count);
    json_write_object_end(json);
    return 0;
}
