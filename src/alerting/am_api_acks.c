/* Acknowledgements over the API: /acks and /ack/FINGERPRINT. Not in Alertmanager. */
#include "alerting/am_api_priv.h"

/* More alerts in one request are refused. */
enum { ACKS_PER_POST_MAX = 10000, FINGERPRINT_DIGITS = 16 };

/* ---- Reading ---- */

static bool read_fingerprint(str text, uint64_t *ret)
{
    uint64_t value = 0;

    if (text.len != FINGERPRINT_DIGITS) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

        if (digit < 0) {
            return false;
        }
        value = value << 4 | (uint64_t)digit;
    }
    *ret = value;
    return true;
}

/* What a request names. */
struct chosen {
    const uint64_t *fingerprints;
    size_t count;
};

/* false when the call is answered. */
static bool read_fingerprints(struct am_call *call, const struct json *list, struct chosen *ret)
{
    size_t count = json_count(list);
    uint64_t *items = ARENA_ARRAY(call->arena, uint64_t, count + 1);

    if (json_kind_of(list) != JSON_KIND_ARRAY || count == 0 || count > ACKS_PER_POST_MAX) {
        am_call_fault(call, 400, 400, "fingerprints in body is a list of 1 to %d fingerprints",
                      ACKS_PER_POST_MAX);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!read_fingerprint(json_text(json_at(list, i)), &items[i])) {
            am_call_fault(call, 400, 400, "fingerprints.%zu: 16 hexadecimal digits are wanted", i);
            return false;
        }
    }
    *ret = (struct chosen){items, count};
    return true;
}

static bool is_group(const struct am_group_view *group, const struct json *labels, str receiver)
{
    const struct json *value;
    void *iterator = NULL;
    str name;

    if (json_count(labels) != group->labels.count ||
        (receiver.len > 0 && !str_eq(receiver, group->receiver))) {
        return false;
    }
    while (json_member(labels, &iterator, &name, &value)) {
        str have = labels_get(group->labels, name);

        if (have.ptr == NULL || !str_eq(have, json_text(value))) {
            return false;
        }
    }
    return true;
}

/* The alerts of groups with these labels, of all receivers or of one. */
static bool read_group(struct am_call *call, const struct json *node, struct chosen *ret)
{
    const struct am_filter all = {
        .active = true, .silenced = true, .inhibited = true, .muted = true};
    const struct json *labels = json_get(node, "labels");
    struct am_group_view *groups = NULL;
    uint64_t *items = ARENA_ARRAY(call->arena, uint64_t, ACKS_PER_POST_MAX);
    size_t count = 0;

    if (json_kind_of(labels) != JSON_KIND_OBJECT) {
        am_call_fault(call, 422, AM_FAULT_REQUIRED, "group.labels in body is required");
        return false;
    }
    am_groups(call->am, &all, call->arena, &groups, &count);
    ret->count = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < groups[i].count && ret->count < ACKS_PER_POST_MAX &&
                           is_group(&groups[i], labels, json_text(json_get(node, "receiver")));
             k++) {
            items[ret->count++] = groups[i].alerts[k].alert.fingerprint;
        }
    }
    ret->fingerprints = items;
    return true;
}

/* ---- Changes ---- */

static void write_list(struct am_call *call, str key, const struct chosen *chosen,
                       const bool *found, bool wanted)
{
    json_write_key(&call->json, key);
    json_write_array_begin(&call->json);
    for (size_t i = 0; i < chosen->count; i++) {
        if (found[i] == wanted) {
            json_write_str(&call->json, arena_printf(call->arena, "%016llx",
                                                     (unsigned long long)chosen->fingerprints[i]));
        }
    }
    json_write_array_end(&call->json);
}

static void set(struct am_call *call, const struct am_ack *ack, const struct chosen *chosen)
{
    bool *found = ARENA_ARRAY(call->arena, bool, chosen->count + 1);
    struct baro_error err = {0};
    int r = am_ack_set(call->am, ack, chosen->fingerprints, chosen->count, found, &err);

    if (r < 0) {
        am_call_text(call, r == BARO_EINVALID || r == BARO_ELIMIT ? 400 : 500, "%s", err.message);
    } else if (r == 0) {
        am_call_text(call, 404,
                     ack->is_taken_back ? "no such alert is acknowledged" : "no such alert fires");
    } else {
        json_write_object_begin(&call->json);
        write_list(call, ack->is_taken_back ? STR("takenBack") : STR("acknowledged"), chosen, found,
                   true);
        write_list(call, STR("unknown"), chosen, found, false);
        json_write_object_end(&call->json);
    }
}

void am_api_post_acks(struct am_call *call)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    struct am_ack ack = {0};
    struct chosen chosen = {0};
    struct baro_error err = {0};
    const struct json *group;

    if (json_doc_parse(call->request->body, &root, &err) < 0) {
        am_call_fault(call, 400, 400, "%u:%u: %s", err.line, err.column, err.message);
        return;
    }
    group = json_get(root, "group");
    ack.created_by = json_text(json_get(root, "createdBy"));
    ack.comment = json_text(json_get(root, "comment"));
    if (!am_call_parse_time(json_get(root, "endsAt"), &ack.ends_at)) {
        am_call_fault(call, 400, 400, "endsAt is no time (RFC 3339)");
    } else if (ack.ends_at != 0 && ack.ends_at <= am_clock_now(call->am)) {
        am_call_text(call, 400, "endsAt can't be in the past");
    } else if (group != NULL ? read_group(call, group, &chosen)
                             : read_fingerprints(call, json_get(root, "fingerprints"), &chosen)) {
        set(call, &ack, &chosen);
    }
}

void am_api_delete_ack(struct am_call *call)
{
    str by = form_get(&call->form, STR("createdBy"));
    const struct am_ack ack = {.is_taken_back = true,
                               .created_by = by.len > 0 ? by : STR("unknown"),
                               .comment = form_get(&call->form, STR("comment"))};
    uint64_t fingerprint = 0;

    if (!read_fingerprint(call->rest, &fingerprint)) {
        am_call_fault(call, 422, AM_FAULT_TYPE,
                      "fingerprint in path: 16 hexadecimal digits are wanted");
        return;
    }
    set(call, &ack, &(struct chosen){&fingerprint, 1});
}

/* ---- Questions ---- */

void am_call_ack(struct json_writer *json, const struct am_ack *ack)
{
    json_write_pair_str(json, STR("createdBy"), ack->created_by);
    json_write_pair_str(json, STR("comment"), ack->comment);
    am_call_time(json, STR("createdAt"), ack->created_at);
    if (ack->ends_at != 0) {
        am_call_time(json, STR("endsAt"), ack->ends_at);
    }
}

void am_api_get_acks(struct am_call *call)
{
    struct am_ack_view *views = NULL;
    size_t count = 0;

    am_ack_list(call->am, call->arena, &views, &count);
    json_write_array_begin(&call->json);
    for (size_t i = 0; i < count; i++) {
        json_write_object_begin(&call->json);
        json_write_pair_str(
            &call->json, STR("fingerprint"),
            arena_printf(call->arena, "%016llx", (unsigned long long)views[i].ack.fingerprint));
        am_call_labels(&call->json, STR("labels"), views[i].labels);
        am_call_ack(&call->json, &views[i].ack);
        json_write_object_end(&call->json);
    }
    json_write_array_end(&call->json);
}
