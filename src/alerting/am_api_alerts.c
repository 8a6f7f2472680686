#include "alerting/am_api_priv.h"
#include "codec/regex.h"

/* One post: more alerts, or longer label sets, are refused. */
enum { ALERTS_PER_POST_MAX = 200000, LABELS_MAX = 1000 };

/* ---- Reading ---- */

struct parsing {
    struct arena *arena;
    int *status;
    int *code;
    struct baro_error *err;
};

static int fault(const struct parsing *parsing, int status, int code, const char *format, ...)
    PRINTF_LIKE(4, 5);
static int fault(const struct parsing *parsing, int status, int code, const char *format, ...)
{
    va_list args;
    str text;

    va_start(args, format);
    text = arena_vprintf(parsing->arena, format, args);
    va_end(args);
    *parsing->status = status;
    *parsing->code = code;
    return error_set(parsing->err, BARO_EINVALID, "%.*s", STR_ARG(text));
}

/* Empty values are left out, as labels have none. */
static int read_labels(const struct parsing *parsing, size_t index, const char *key,
                       const struct json *node, bool keep_empty, struct labels *ret)
{
    size_t most = json_count(node);
    struct label *items;
    const struct json *value;
    void *iterator = NULL;
    size_t count = 0;
    str name;

    if (json_kind_of(node) != JSON_KIND_OBJECT) {
        return fault(parsing, 400, 400,
                     "parsing alerts body from \"\" failed, because %zu.%s is no object", index,
                     key);
    }
    if (most > LABELS_MAX) {
        return fault(parsing, 400, 400, "%zu.%s has more than %d names", index, key, LABELS_MAX);
    }
    items = ARENA_ARRAY(parsing->arena, struct label, most);
    while (json_member(node, &iterator, &name, &value)) {
        str text = json_text(value);

        if (text.ptr == NULL) {
            return fault(parsing, 400, 400,
                         "parsing alerts body from \"\" failed, because %zu.%s.%.*s is no string",
                         index, key, STR_ARG(name));
        }
        if (text.len > 0 || keep_empty) {
            items[count++] =
                (struct label){arena_str(parsing->arena, name), arena_str(parsing->arena, text)};
        }
    }
    *ret = labels_from_pairs(parsing->arena, items, count);
    return 0;
}

static int read_alert(const struct parsing *parsing, size_t index, const struct json *node,
                      struct am_alert *ret)
{
    const struct json *labels = json_get(node, "labels");
    const struct json *annotations = json_get(node, "annotations");
    const struct json *url = json_get(node, "generatorURL");
    int r = 0;

    if (json_kind_of(node) != JSON_KIND_OBJECT) {
        return fault(parsing, 400, 400,
                     "parsing alerts body from \"\" failed, because %zu is no object", index);
    }
    if (json_kind_of(labels) == JSON_KIND_NULL) {
        return fault(parsing, 422, AM_FAULT_REQUIRED, "%zu.labels in body is required", index);
    }
    if (!am_call_parse_time(json_get(node, "startsAt"), &ret->starts_at) ||
        !am_call_parse_time(json_get(node, "endsAt"), &ret->ends_at)) {
        return fault(parsing, 400, 400,
                     "parsing alerts body from \"\" failed, because %zu.startsAt or endsAt is no "
                     "time (RFC 3339)",
                     index);
    }
    if (json_kind_of(url) != JSON_KIND_NULL && json_text(url).ptr == NULL) {
        return fault(parsing, 400, 400,
                     "parsing alerts body from \"\" failed, because %zu.generatorURL is no string",
                     index);
    }
    r = read_labels(parsing, index, "labels", labels, false, &ret->labels);
    if (r >= 0 && json_kind_of(annotations) != JSON_KIND_NULL) {
        r = read_labels(parsing, index, "annotations", annotations, true, &ret->annotations);
    }
    ret->generator_url = arena_str(parsing->arena, json_text(url));
    return r;
}

int am_api_alerts_parse(struct arena *arena, str body, struct am_alert **ret, size_t *ret_count,
                        int *ret_status, int *ret_code, struct baro_error *err)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    const struct parsing parsing = {arena, ret_status, ret_code, err};
    struct am_alert *alerts;
    struct baro_error why = {0};
    size_t count;

    if (json_doc_parse(body, &root, &why) < 0) {
        return fault(&parsing, 400, 400, "parsing alerts body from \"\" failed, because %u:%u: %s",
                     why.line, why.column, why.message);
    }
    count = json_count(root);
    if (json_kind_of(root) != JSON_KIND_ARRAY) {
        return fault(&parsing, 400, 400,
                     "parsing alerts body from \"\" failed, because it is no list of alerts");
    }
    if (count > ALERTS_PER_POST_MAX) {
        return fault(&parsing, 400, 400, "more than %d alerts in one request", ALERTS_PER_POST_MAX);
    }
    alerts = ARENA_ARRAY(arena, struct am_alert, count + 1);
    for (size_t i = 0; i < count; i++) {
        int r = read_alert(&parsing, i, json_at(root, i), &alerts[i]);

        if (r < 0) {
            return r;
        }
    }
    *ret = alerts;
    *ret_count = count;
    return 0;
}

void am_api_post_alerts(struct am_call *call)
{
    struct am_put_result result = {0};
    struct am_alert *alerts = NULL;
    struct baro_error err = {0};
    size_t count = 0;
    int status = 0;
    int code = 0;

    if (am_api_alerts_parse(call->arena, call->request->body, &alerts, &count, &status, &code,
                            &err) < 0) {
        am_call_fault(call, status, code, "%s", err.message);
    } else if (am_alerts_put(call->am, alerts, count, true, &result, &err) < 0) {
        am_call_text(call, 500, "%s", err.message);
    } else if (result.invalid > 0) {
        am_call_text(call, 400, "%.*s", STR_ARG(buf_view(&result.message)));
    }
    buf_done(&result.message);
}

/* ---- Writing ---- */

static void write_strs(struct json_writer *json, str key, const str *items, size_t count)
{
    json_write_key(json, key);
    json_write_array_begin(json);
    for (size_t i = 0; i < count; i++) {
        json_write_str(json, items[i]);
    }
    json_write_array_end(json);
}

static str fingerprint_text(struct arena *arena, uint64_t fp)
{
    return arena_printf(arena, "%016llx", (unsigned long long)fp);
}

static void write_status(struct am_call *call, const struct am_alert_view *view, str muted_by)
{
    struct json_writer *json = &call->json;
    str inhibited_by = fingerprint_text(call->arena, view->inhibited_by);

    json_write_key(json, STR("status"));
    json_write_object_begin(json);
    write_strs(json, STR("inhibitedBy"), &inhibited_by, view->inhibited_by != 0 ? 1 : 0);
    write_strs(json, STR("mutedBy"), &muted_by, muted_by.len > 0 ? 1 : 0);
    write_strs(json, STR("silencedBy"), view->silenced_by, view->silenced_count);
    json_write_pair_str(json, STR("state"),
                        view->status == AM_STATUS_ACTIVE ? STR("active") : STR("suppressed"));
    json_write_object_end(json);
}

static void write_alert(struct am_call *call, const struct am_alert_view *view, str muted_by)
{
    struct json_writer *json = &call->json;

    json_write_object_begin(json);
    am_call_labels(json, STR("annotations"), view->alert.annotations);
    am_call_time(json, STR("endsAt"), view->alert.ends_at);
    json_write_pair_str(json, STR("fingerprint"),
                        fingerprint_text(call->arena, view->alert.fingerprint));
    json_write_key(json, STR("receivers"));
    json_write_array_begin(json);
    for (size_t i = 0; i < view->receiver_count; i++) {
        json_write_object_begin(json);
        json_write_pair_str(json, STR("name"), view->receivers[i]);
        json_write_object_end(json);
    }
    json_write_array_end(json);
    am_call_time(json, STR("startsAt"), view->alert.starts_at);
    write_status(call, view, muted_by);
    am_call_time(json, STR("updatedAt"), view->alert.updated_at);
    if (view->alert.generator_url.len > 0) {
        json_write_pair_str(json, STR("generatorURL"), view->alert.generator_url);
    }
    am_call_labels(json, STR("labels"), view->alert.labels);
    if (view->is_acknowledged) {
        json_write_key(json, STR("acknowledgement"));
        json_write_object_begin(json);
        am_call_ack(json, &view->ack);
        json_write_object_end(json);
    }
    json_write_object_end(json);
}

/* ---- Questions ---- */

static bool receiver_matches(void *context, str name)
{
    return regex_match(context, name);
}

/* The parameters of both lists; false when the call is answered. */
static bool read_filter(struct am_call *call, am_matchers *matchers, am_matchers *owners,
                        struct regex **regex, struct am_filter *ret)
{
    str receiver = form_get(&call->form, STR("receiver"));
    struct baro_error err = {0};
    bool unprocessed = true; /* there are none: every alert is looked at when it is asked for */

    *ret = (struct am_filter){
        .active = true, .silenced = true, .inhibited = true, .muted = true, .matchers = matchers};
    if (!am_call_bool(call, "active", &ret->active) ||
        !am_call_bool(call, "silenced", &ret->silenced) ||
        !am_call_bool(call, "inhibited", &ret->inhibited) ||
        !am_call_bool(call, "muted", &ret->muted) ||
        !am_call_bool(call, "unprocessed", &unprocessed) ||
        !am_call_matchers(call, "filter", "", matchers) ||
        !am_call_matchers(call, "receiver_matchers",
                          "failed to parse receiver_matchers param: ", owners)) {
        return false;
    }
    ret->receiver_matchers = owners->count > 0 ? owners : NULL;
    if (receiver.len > 0) {
        if (regex_new(receiver, true, regex, &err) < 0) {
            am_call_text(call, 400, "failed to parse receiver param: %s", err.message);
            return false;
        }
        ret->receiver = receiver_matches;
        ret->context = *regex;
    }
    return true;
}

void am_api_get_alerts(struct am_call *call)
{
    CLEANUP(regex_freep) struct regex *regex = NULL;
    am_matchers matchers = {0};
    am_matchers owners = {0};
    struct am_filter filter = {0};
    struct am_alert_view *views = NULL;
    size_t count = 0;

    if (read_filter(call, &matchers, &owners, &regex, &filter)) {
        am_alerts(call->am, &filter, call->arena, &views, &count);
        json_write_array_begin(&call->json);
        for (size_t i = 0; i < count; i++) {
            write_alert(call, &views[i], STR(""));
        }
        json_write_array_end(&call->json);
    }
    am_matchers_done(&matchers);
    am_matchers_done(&owners);
}

static void write_group(struct am_call *call, const struct am_group_view *group)
{
    struct json_writer *json = &call->json;

    json_write_object_begin(json);
    json_write_key(json, STR("alerts"));
    json_write_array_begin(json);
    for (size_t i = 0; i < group->count; i++) {
        write_alert(call, &group->alerts[i], group->muted_by);
    }
    json_write_array_end(json);
    am_call_labels(json, STR("labels"), group->labels);
    json_write_key(json, STR("receiver"));
    json_write_object_begin(json);
    json_write_pair_str(json, STR("name"), group->receiver);
    json_write_object_end(json);
    am_call_labels(json, STR("routeLabels"), group->route_labels);
    json_write_object_end(json);
}

void am_api_get_groups(struct am_call *call)
{
    CLEANUP(regex_freep) struct regex *regex = NULL;
    am_matchers matchers = {0};
    am_matchers owners = {0};
    struct am_filter filter = {0};
    struct am_group_view *groups = NULL;
    size_t count = 0;

    if (read_filter(call, &matchers, &owners, &regex, &filter)) {
        am_groups(call->am, &filter, call->arena, &groups, &count);
        json_write_array_begin(&call->json);
        for (size_t i = 0; i < count; i++) {
            write_group(call, &groups[i]);
        }
        json_write_array_end(&call->json);
    }
    am_matchers_done(&matchers);
    am_matchers_done(&owners);
}
