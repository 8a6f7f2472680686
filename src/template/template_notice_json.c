/* The data of templates from JSON. What is absent is empty, as Go's encoding/json leaves it. */
#include "codec/json.h"
#include "template/template_notice_priv.h"
#include "template/template_time.h"

static int wrong(const char *what, const char *want, struct baro_error *err)
{
    return error_set(err, BARO_EPARSE, "template data: %s: %s is wanted", what, want);
}

static int read_text(struct arena *arena, const struct json *object, const char *key,
                     struct tvalue *ret, struct baro_error *err)
{
    const struct json *node = json_get(object, key);
    str text = json_text(node);

    if (node != NULL && json_kind_of(node) != JSON_KIND_NULL && text.ptr == NULL) {
        return wrong(key, "a text", err);
    }
    *ret = tvalue_string(arena_str(arena, text.ptr != NULL ? text : STR("")));
    return 0;
}

static int read_kv(struct arena *arena, const struct json *object, const char *key,
                   struct tvalue *ret, struct baro_error *err)
{
    const struct json *node = json_get(object, key);
    size_t most = json_kind_of(node) == JSON_KIND_OBJECT ? json_count(node) : 0;
    struct label *items = ARENA_ARRAY(arena, struct label, most);
    const struct json *value = NULL;
    void *iterator = NULL;
    size_t count = 0;
    str name;

    if (node != NULL && json_kind_of(node) != JSON_KIND_OBJECT &&
        json_kind_of(node) != JSON_KIND_NULL) {
        return wrong(key, "an object", err);
    }
    while (count < most && json_member(node, &iterator, &name, &value)) {
        if (json_text(value).ptr == NULL) {
            return wrong(key, "an object of texts", err);
        }
        items[count++] = (struct label){arena_str(arena, name), arena_str(arena, json_text(value))};
    }
    *ret = template_notice_kv(arena, (struct labels){items, count});
    return 0;
}

static int read_time(struct arena *arena, const struct json *object, const char *key,
                     struct tvalue *ret, struct baro_error *err)
{
    struct template_time time = {.ns = TEMPLATE_TIME_ZERO};
    str text = json_text(json_get(object, key));
    int result = text.ptr == NULL
                     ? 0
                     : template_time_parse(STR("2006-01-02T15:04:05Z07:00"), text, &time, err);

    *ret = template_time_value(arena, time);
    return result;
}

static int read_alert(struct arena *arena, const struct json *node, struct tvalue *ret,
                      struct baro_error *err)
{
    struct tvalue values[7];
    int result = json_kind_of(node) == JSON_KIND_OBJECT ? 0 : wrong("alerts", "objects", err);

    result = result == 0 ? read_text(arena, node, "status", &values[0], err) : result;
    result = result == 0 ? read_kv(arena, node, "labels", &values[1], err) : result;
    result = result == 0 ? read_kv(arena, node, "annotations", &values[2], err) : result;
    result = result == 0 ? read_time(arena, node, "startsAt", &values[3], err) : result;
    result = result == 0 ? read_time(arena, node, "endsAt", &values[4], err) : result;
    result = result == 0 ? read_text(arena, node, "generatorURL", &values[5], err) : result;
    result = result == 0 ? read_text(arena, node, "fingerprint", &values[6], err) : result;
    *ret = result == 0 ? template_notice_alert_of(arena, values) : tvalue_none();
    return result;
}

static int read_alerts(struct arena *arena, const struct json *object, struct tvalue *ret,
                       struct baro_error *err)
{
    const struct json *list = json_get(object, "alerts");
    size_t count = json_kind_of(list) == JSON_KIND_ARRAY ? json_count(list) : 0;
    struct tvalue *items = ARENA_ARRAY(arena, struct tvalue, count);
    int result = 0;

    for (size_t i = 0; i < count && result == 0; i++) {
        result = read_alert(arena, json_at(list, i), &items[i], err);
    }
    *ret = tvalue_list_of(arena, items, count);
    return result;
}

int template_notice_read(struct arena *arena, str json, struct tvalue *ret, struct baro_error *err)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    struct tvalue values[9];
    int result = json_doc_parse(json, &root, err);

    if (result == 0 && json_kind_of(root) != JSON_KIND_OBJECT) {
        result = wrong("the text", "an object", err);
    }
    result = result == 0 ? read_text(arena, root, "receiver", &values[0], err) : result;
    result = result == 0 ? read_text(arena, root, "status", &values[1], err) : result;
    result = result == 0 ? read_alerts(arena, root, &values[2], err) : result;
    result = result == 0 ? read_text(arena, root, "notification_reason", &values[3], err) : result;
    result = result == 0 ? read_kv(arena, root, "groupLabels", &values[4], err) : result;
    result = result == 0 ? read_kv(arena, root, "commonLabels", &values[5], err) : result;
    result = result == 0 ? read_kv(arena, root, "commonAnnotations", &values[6], err) : result;
    result = result == 0 ? read_kv(arena, root, "routeLabels", &values[7], err) : result;
    result = result == 0 ? read_text(arena, root, "externalURL", &values[8], err) : result;
    *ret = result == 0 ? template_notice_data_of(arena, values) : tvalue_none();
    return result;
}

/* Two alerts, one of which is over. */
const char template_notice_example[] =
    "{\"receiver\":\"receiver\",\"status\":\"firing\",\"externalURL\":\"https://example.com\","
    "\"notification_reason\":\"first notification\","
    "\"groupLabels\":{\"alertname\":\"HighLatency\"},"
    "\"commonLabels\":{\"alertname\":\"HighLatency\",\"job\":\"api\"},"
    "\"commonAnnotations\":{\"summary\":\"Requests take long\"},"
    "\"alerts\":[{\"status\":\"firing\","
    "\"labels\":{\"alertname\":\"HighLatency\",\"instance\":\"a:8080\",\"job\":\"api\"},"
    "\"annotations\":{\"summary\":\"Requests take long\"},"
    "\"startsAt\":\"2026-01-02T03:04:05.678Z\",\"endsAt\":\"0001-01-01T00:00:00Z\","
    "\"generatorURL\":\"https://example.com/"
    "graph?g0.expr=x\",\"fingerprint\":\"0123456789abcdef\"},"
    "{\"status\":\"resolved\","
    "\"labels\":{\"alertname\":\"HighLatency\",\"instance\":\"b:8080\",\"job\":\"api\"},"
    "\"annotations\":{\"summary\":\"Requests take long\"},"
    "\"startsAt\":\"2026-01-02T03:00:00Z\",\"endsAt\":\"2026-01-02T03:05:00Z\","
    "\"generatorURL\":\"https://example.com/"
    "graph?g0.expr=x\",\"fingerprint\":\"fedcba9876543210\"}]}";
