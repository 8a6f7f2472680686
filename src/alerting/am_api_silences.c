#include "alerting/am_api_priv.h"

/* ---- Reading ---- */

static int fault(int status, int code, int *ret_status, int *ret_code, struct baro_error *err,
                 const char *message)
{
    *ret_status = status;
    *ret_code = code;
    return error_set(err, BARO_EINVALID, "%s", message);
}

/* A flag that may be absent. */
static bool flag(const struct json *node, bool initial)
{
    return json_kind_of(node) == JSON_KIND_NULL ? initial : json_is_yes(node);
}

static bool read_matcher(struct arena *arena, const struct json *node,
                         struct am_silence_matcher *ret)
{
    const struct json *name = json_get(node, "name");
    const struct json *value = json_get(node, "value");
    bool is_regex = flag(json_get(node, "isRegex"), false);
    bool is_equal = flag(json_get(node, "isEqual"), true);

    ret->name = arena_str(arena, json_text(name));
    ret->value = arena_str(arena, json_text(value));
    ret->op = is_regex   ? is_equal ? MATCHER_REGEX : MATCHER_NOT_REGEX
              : is_equal ? MATCHER_EQUAL
                         : MATCHER_NOT_EQUAL;
    return json_text(name).ptr != NULL && json_text(value).ptr != NULL &&
           json_kind_of(json_get(node, "isRegex")) == JSON_KIND_BOOL;
}

static int check_silence(const struct json *root, int *ret_status, int *ret_code,
                         struct baro_error *err)
{
    static const struct {
        const char *key;
        const char *message;
    } required[] = {
        {"comment", "comment in body is required"},
        {"createdBy", "createdBy in body is required"},
        {"endsAt", "endsAt in body is required"},
        {"matchers", "matchers in body is required"},
        {"startsAt", "startsAt in body is required"},
    };

    if (json_kind_of(root) != JSON_KIND_OBJECT) {
        return fault(400, 400, ret_status, ret_code, err,
                     "parsing silence body from \"\" failed, because it is no object");
    }
    for (size_t i = 0; i < ARRAY_COUNT(required); i++) {
        if (json_kind_of(json_get(root, required[i].key)) == JSON_KIND_NULL) {
            return fault(422, AM_FAULT_REQUIRED, ret_status, ret_code, err, required[i].message);
        }
    }
    if (json_kind_of(json_get(root, "matchers")) != JSON_KIND_ARRAY ||
        json_text(json_get(root, "comment")).ptr == NULL ||
        json_text(json_get(root, "createdBy")).ptr == NULL) {
        return fault(400, 400, ret_status, ret_code, err,
                     "parsing silence body from \"\" failed, because matchers is no list, or "
                     "comment or createdBy no string");
    }
    if (json_count(json_get(root, "matchers")) == 0) {
        return fault(422, AM_FAULT_TOO_FEW, ret_status, ret_code, err,
                     "matchers in body should have at least 1 items");
    }
    return 0;
}

/* Not in Alertmanager. A client that does not know the key does not make a silence hold always. */
static bool read_schedule(struct arena *arena, const struct json *root, str *ret)
{
    const struct json *node = json_get(root, "timeIntervals");
    struct buf text = {0};
    bool is_none = json_kind_of(node) == JSON_KIND_NULL ||
                   (json_kind_of(node) == JSON_KIND_ARRAY && json_count(node) == 0);

    if (!is_none && json_print(&text, node)) {
        *ret = arena_str(arena, buf_view(&text));
    }
    buf_done(&text);
    return node != NULL;
}

int am_api_silence_parse(struct arena *arena, str body, struct am_silence_spec *ret,
                         int *ret_status, int *ret_code, struct baro_error *err)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    const struct json *list;
    struct am_silence_matcher *matchers;
    struct baro_error why = {0};
    int r;

    if (json_doc_parse(body, &root, &why) < 0) {
        return fault(400, 400, ret_status, ret_code, err,
                     arena_printf(arena, "parsing silence body from \"\" failed, because %u:%u: %s",
                                  why.line, why.column, why.message)
                         .ptr);
    }
    r = check_silence(root, ret_status, ret_code, err);
    if (r < 0) {
        return r;
    }
    list = json_get(root, "matchers");
    if (json_count(list) > AM_MATCHERS_MAX) {
        return fault(400, 400, ret_status, ret_code, err, "too many matchers");
    }
    matchers = ARENA_ARRAY(arena, struct am_silence_matcher, json_count(list));
    *ret = (struct am_silence_spec){
        .id = arena_str(arena, json_text(json_get(root, "id"))),
        .matchers = matchers,
        .matcher_count = json_count(list),
        .created_by = arena_str(arena, json_text(json_get(root, "createdBy"))),
        .comment = arena_str(arena, json_text(json_get(root, "comment"))),
    };
    if (json_kind_of(json_get(root, "annotations")) != JSON_KIND_NULL &&
        !am_labels_read(arena, json_get(root, "annotations"), AM_SILENCE_ANNOTATIONS_MAX,
                        &ret->annotations)) {
        return fault(400, 400, ret_status, ret_code, err,
                     "parsing silence body from \"\" failed, because annotations is no object of "
                     "at most 1000 strings");
    }
    ret->keep_schedule = !read_schedule(arena, root, &ret->schedule);
    for (size_t i = 0; i < ret->matcher_count; i++) {
        if (!read_matcher(arena, json_at(list, i), &matchers[i])) {
            return fault(
                422, AM_FAULT_REQUIRED, ret_status, ret_code, err,
                arena_printf(arena, "matchers.%zu.name, value and isRegex are required", i).ptr);
        }
    }
    if (!am_call_parse_time(json_get(root, "startsAt"), &ret->starts_at) ||
        !am_call_parse_time(json_get(root, "endsAt"), &ret->ends_at)) {
        return fault(400, 400, ret_status, ret_code, err,
                     "parsing silence body from \"\" failed, because startsAt or endsAt is no time "
                     "(RFC 3339)");
    }
    return 0;
}

/* "nextWindows": when the schedule silences, the window of now among them. */
static void write_windows(struct json_writer *json, str text, ts from, ts until, int days)
{
    struct am_window windows[AM_SCHEDULE_PREVIEW];
    ts most = from + days * (dur)DUR_DAY;
    const struct am_schedule *schedule = NULL;
    struct arena arena = {0};
    struct baro_error err = {0};
    size_t count = 0;

    if (am_schedule_parse(&arena, text, &schedule, &err) >= 0) {
        count = am_schedule_windows(schedule, from, until < most ? until : most, windows,
                                    AM_SCHEDULE_PREVIEW);
    }
    json_write_key(json, STR("nextWindows"));
    json_write_array_begin(json);
    for (size_t i = 0; i < count; i++) {
        json_write_object_begin(json);
        am_call_time(json, STR("startsAt"), windows[i].start);
        am_call_time(json, STR("endsAt"), windows[i].end);
        json_write_object_end(json);
    }
    json_write_array_end(json);
    arena_done(&arena);
}

/* ---- Changes ---- */

static void set_silence(struct am_call *call, const struct am_silence_spec *spec)
{
    char id[AM_SILENCE_ID_BYTES];
    struct baro_error err = {0};
    int r;

    if (spec->starts_at >= spec->ends_at) {
        am_call_text(call, 400, "Failed to create silence: start time must be before end time");
        return;
    }
    if (spec->ends_at < am_clock_now(call->am)) {
        am_call_text(call, 400, "Failed to create silence: end time can't be in the past");
        return;
    }
    r = am_silence_set(call->am, spec, id, &err);
    if (r < 0) {
        bool is_ours = r == BARO_EINVALID || r == BARO_EPARSE || r == BARO_ELIMIT;

        am_call_text(call, r == BARO_ENOTFOUND ? 404 : is_ours ? 400 : 500, "%s", err.message);
        return;
    }
    json_write_object_begin(&call->json);
    json_write_pair_str(&call->json, STR("silenceID"), str_from(id));
    json_write_object_end(&call->json);
}

/* The windows that a silence would have; nothing is made. */
void am_api_preview_silence(struct am_call *call)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    const struct am_schedule *schedule = NULL;
    ts now = am_clock_now(call->am);
    struct baro_error err = {0};
    str text = STR("");
    ts start = 0;
    ts end = 0;

    if (json_doc_parse(call->request->body, &root, &err) < 0) {
        am_call_fault(call, 400, 400, "%u:%u: %s", err.line, err.column, err.message);
    } else if (!am_call_parse_time(json_get(root, "startsAt"), &start) ||
               !am_call_parse_time(json_get(root, "endsAt"), &end)) {
        am_call_fault(call, 400, 400, "startsAt or endsAt is no time (RFC 3339)");
    } else {
        (void)read_schedule(call->arena, root, &text);
        if (am_schedule_parse(call->arena, text, &schedule, &err) < 0) {
            am_call_text(call, 400, "timeIntervals: %s", err.message);
            return;
        }
        json_write_object_begin(&call->json);
        write_windows(&call->json, text, start > now ? start : now, end == 0 ? INT64_MAX : end,
                      AM_SCHEDULE_DAYS);
        json_write_object_end(&call->json);
    }
}

void am_api_post_silences(struct am_call *call)
{
    struct am_silence_spec spec = {0};
    struct baro_error err = {0};
    int status = 0;
    int code = 0;

    if (am_api_silence_parse(call->arena, call->request->body, &spec, &status, &code, &err) < 0) {
        am_call_fault(call, status, code, "%s", err.message);
    } else {
        set_silence(call, &spec);
    }
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

/* A UUID, with or without its dashes; false when the call is answered. */
static bool check_id(struct am_call *call)
{
    size_t digits = 0;
    bool good = true;

    for (size_t i = 0; i < call->rest.len; i++) {
        digits += is_hex(call->rest.ptr[i]) ? 1 : 0;
        good = good && (is_hex(call->rest.ptr[i]) || call->rest.ptr[i] == '-');
    }
    if (!good || digits != 32) {
        am_call_fault(call, 422, AM_FAULT_TYPE, "silenceID in path must be of type uuid: \"%.*s\"",
                      STR_ARG(call->rest));
        return false;
    }
    return true;
}

void am_api_delete_silence(struct am_call *call)
{
    struct baro_error err = {0};
    int r;

    if (!check_id(call)) {
        return;
    }
    r = am_silence_expire(call->am, call->rest, &err);
    if (r == BARO_ENOTFOUND) {
        call->response->status = 404;
    } else if (r < 0) {
        am_call_text(call, 500, "%s", err.message);
    }
}

/* ---- Questions ---- */

static void write_silence(struct json_writer *json, const struct am_silence_view *view, int days)
{
    json_write_object_begin(json);
    json_write_pair_str(json, STR("id"), view->id);
    json_write_key(json, STR("status"));
    json_write_object_begin(json);
    json_write_pair_str(json, STR("state"), str_from(am_silence_state_name(view->state)));
    json_write_object_end(json);
    am_call_time(json, STR("updatedAt"), view->updated_at);
    am_call_labels(json, STR("annotations"), view->annotations);
    json_write_pair_str(json, STR("comment"), view->comment);
    json_write_pair_str(json, STR("createdBy"), view->created_by);
    am_call_time(json, STR("endsAt"), view->ends_at);
    json_write_key(json, STR("matchers"));
    json_write_array_begin(json);
    for (size_t i = 0; i < view->matcher_count; i++) {
        const struct am_silence_matcher *m = &view->matchers[i];

        json_write_object_begin(json);
        json_write_pair_bool(json, STR("isEqual"),
                             m->op == MATCHER_EQUAL || m->op == MATCHER_REGEX);
        json_write_pair_bool(json, STR("isRegex"),
                             m->op == MATCHER_REGEX || m->op == MATCHER_NOT_REGEX);
        json_write_pair_str(json, STR("name"), m->name);
        json_write_pair_str(json, STR("value"), m->value);
        json_write_object_end(json);
    }
    json_write_array_end(json);
    am_call_time(json, STR("startsAt"), view->starts_at);
    if (view->schedule.len > 0) {
        json_write_key(json, STR("timeIntervals"));
        json_write_raw(json, view->schedule);
        write_windows(json, view->schedule,
                      view->now > view->starts_at ? view->now : view->starts_at, view->ends_at,
                      days);
    }
    json_write_object_end(json);
}

/* The matchers of a silence, taken as labels, against those that are asked for. */
static bool silence_matches(struct arena *arena, const struct am_silence_view *view,
                            const am_matchers *wanted)
{
    struct label *items = ARENA_ARRAY(arena, struct label, view->matcher_count);
    size_t count = 0;

    if (wanted->count == 0) {
        return true;
    }
    for (size_t i = 0; i < view->matcher_count; i++) {
        size_t k = 0;

        while (k < count && !str_eq(items[k].name, view->matchers[i].name)) {
            k++;
        }
        items[k] = (struct label){view->matchers[i].name, view->matchers[i].value};
        count = k == count ? count + 1 : count;
    }
    return am_matchers_match(wanted, labels_from_pairs(arena, items, count));
}

static bool is_of_creator(struct am_call *call, str name)
{
    size_t index = 0;
    bool any = false;

    for (str wanted; form_next(&call->form, STR("creator"), &index, &wanted);) {
        any = true;
        if (str_eq(wanted, name)) {
            return true;
        }
    }
    return !any;
}

void am_api_get_silences(struct am_call *call)
{
    struct am_silence_view *views = NULL;
    bool states[] = {
        [AM_SILENCE_ACTIVE] = true, [AM_SILENCE_PENDING] = true, [AM_SILENCE_EXPIRED] = true};
    am_matchers wanted = {0};
    size_t count = 0;

    if (am_call_bool(call, "active", &states[AM_SILENCE_ACTIVE]) &&
        am_call_bool(call, "expired", &states[AM_SILENCE_EXPIRED]) &&
        am_call_bool(call, "pending", &states[AM_SILENCE_PENDING]) &&
        am_call_matchers(call, "filter", "", &wanted)) {
        am_silence_list(call->am, STR_NULL, call->arena, &views, &count);
        json_write_array_begin(&call->json);
        for (size_t i = 0; i < count; i++) {
            if (states[views[i].state] && silence_matches(call->arena, &views[i], &wanted) &&
                is_of_creator(call, views[i].created_by)) {
                write_silence(&call->json, &views[i], AM_SCHEDULE_LIST_DAYS);
            }
        }
        json_write_array_end(&call->json);
    }
    am_matchers_done(&wanted);
}

void am_api_get_silence(struct am_call *call)
{
    struct am_silence_view *views = NULL;
    size_t count = 0;

    if (!check_id(call)) {
        return;
    }
    am_silence_list(call->am, call->rest, call->arena, &views, &count);
    if (count == 0) {
        call->response->status = 404;
    } else {
        write_silence(&call->json, &views[0], AM_SCHEDULE_DAYS);
    }
}
