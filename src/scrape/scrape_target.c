#include "scrape/scrape_target.h"

#include "base/assert.h"
#include "base/text.h"
#include "conf/prom_config.h"
#include "discover/target_group.h"
#include "model/relabel.h"

#define LABEL_ADDRESS  STR("__address__")
#define LABEL_SCHEME   STR("__scheme__")
#define LABEL_PATH     STR("__metrics_path__")
#define LABEL_INTERVAL STR("__scrape_interval__")
#define LABEL_TIMEOUT  STR("__scrape_timeout__")
#define LABEL_JOB      STR("job")
#define LABEL_INSTANCE STR("instance")
#define PARAM_PREFIX   STR("__param_")
#define META_PREFIX    STR("__meta_")

enum {
    WINDOWS_MIN = 8,    /* however few the targets, they are not all asked at once */
    WINDOW_TARGETS = 8, /* at most, on average: their bodies are in memory at the same time */
};

static str dur_text(struct arena *arena, dur d)
{
    struct buf text = {0};

    dur_format(&text, d);
    return text_take(arena, &text);
}

static void set_default(struct labels_builder *builder, str name, str value)
{
    if (labels_builder_get(builder, name).len == 0) {
        labels_builder_set(builder, name, value);
    }
}

/* The target's own labels, those of its group, and what the job says of every target. */
static void labels_collect(struct arena *arena, struct labels_builder *builder,
                           const struct target_group *group, size_t index,
                           const struct prom_scrape *settings)
{
    labels_builder_reset(builder);
    if (group->extra != NULL) {
        labels_builder_load(builder, group->extra[index]);
    }
    labels_builder_set(builder, LABEL_ADDRESS, group->addresses[index]);
    for (size_t i = 0; i < group->labels.count; i++) {
        set_default(builder, group->labels.items[i].name, group->labels.items[i].value);
    }
    set_default(builder, LABEL_JOB, settings->job_name);
    set_default(builder, LABEL_INTERVAL, dur_text(arena, settings->scrape_interval));
    set_default(builder, LABEL_TIMEOUT, dur_text(arena, settings->scrape_timeout));
    set_default(builder, LABEL_PATH, settings->metrics_path);
    set_default(builder, LABEL_SCHEME, settings->scheme);
    for (size_t i = 0; i < settings->params.count; i++) {
        const struct conf_param *param = &settings->params.items[i];

        if (param->values.count > 0) {
            labels_builder_set(builder, arena_printf(arena, "__param_%.*s", STR_ARG(param->name)),
                               param->values.items[0]);
        }
    }
}

static int times_check(const struct labels_builder *builder, struct target_plan *plan,
                       struct baro_error *err)
{
    str interval = labels_builder_get(builder, LABEL_INTERVAL);
    str timeout = labels_builder_get(builder, LABEL_TIMEOUT);
    int result = dur_parse(interval, &plan->interval, err);

    if (result < 0) {
        return error_wrap(err, result, "error parsing scrape interval");
    }
    if (plan->interval <= 0) {
        return error_set(err, BARO_EINVALID, "scrape interval cannot be 0");
    }
    result = dur_parse(timeout, &plan->timeout, err);
    if (result < 0) {
        return error_wrap(err, result, "error parsing scrape timeout");
    }
    if (plan->timeout <= 0) {
        return error_set(err, BARO_EINVALID, "scrape timeout cannot be 0");
    }
    if (plan->timeout > plan->interval) {
        return error_set(err, BARO_EINVALID,
                         "scrape timeout cannot be greater than scrape interval (\"%.*s\" > "
                         "\"%.*s\")",
                         STR_ARG(timeout), STR_ARG(interval));
    }
    return 0;
}

/* ---- URL ---- */

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

static void percent(struct buf *buf, char c)
{
    static const char digits[] = "0123456789ABCDEF";

    buf_char(buf, '%');
    buf_char(buf, digits[(unsigned char)c >> 4]);
    buf_char(buf, digits[(unsigned char)c & 15]);
}

static void path_append(struct buf *buf, str path)
{
    if (path.len > 0 && path.ptr[0] != '/') {
        buf_char(buf, '/');
    }
    for (size_t i = 0; i < path.len; i++) {
        if (is_unreserved(path.ptr[i]) ||
            (path.ptr[i] != '\0' && strchr("$&+,/:;=@", path.ptr[i]) != NULL)) {
            buf_char(buf, path.ptr[i]);
        } else {
            percent(buf, path.ptr[i]);
        }
    }
}

static void query_text_append(struct buf *buf, str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (is_unreserved(text.ptr[i])) {
            buf_char(buf, text.ptr[i]);
        } else if (text.ptr[i] == ' ') {
            buf_char(buf, '+');
        } else {
            percent(buf, text.ptr[i]);
        }
    }
}

static void query_append(struct buf *buf, bool *is_first, str name, str value)
{
    buf_char(buf, *is_first ? '?' : '&');
    *is_first = false;
    query_text_append(buf, name);
    buf_char(buf, '=');
    query_text_append(buf, value);
}

static const struct conf_param *param_find(struct conf_params params, str name)
{
    for (size_t i = 0; i < params.count; i++) {
        if (str_eq(params.items[i].name, name)) {
            return &params.items[i];
        }
    }
    return NULL;
}

/*
 * Parameters come from the labels __param_NAME, which hold the first value of each, and from the
 * job, for the values behind the first. Both lists rise by name; a name that has no label any more
 * keeps what the job says.
 */
static void params_append(struct buf *buf, struct labels labels, struct conf_params params)
{
    bool is_first = true;
    size_t next = 0;

    for (size_t i = 0; i < labels.count; i++) {
        const struct conf_param *param = NULL;
        str name = labels.items[i].name;

        if (!str_has_prefix(name, PARAM_PREFIX)) {
            continue;
        }
        name = str_from_index(name, PARAM_PREFIX.len);
        for (; next < params.count && str_cmp(params.items[next].name, name) < 0; next++) {
            for (size_t k = 0; k < params.items[next].values.count; k++) {
                query_append(buf, &is_first, params.items[next].name,
                             params.items[next].values.items[k]);
            }
        }
        query_append(buf, &is_first, name, labels.items[i].value);
        param = param_find(params, name);
        for (size_t k = 1; param != NULL && k < param->values.count; k++) {
            query_append(buf, &is_first, name, param->values.items[k]);
        }
        next += next < params.count && str_eq(params.items[next].name, name) ? 1 : 0;
    }
    for (; next < params.count; next++) {
        for (size_t k = 0; k < params.items[next].values.count; k++) {
            query_append(buf, &is_first, params.items[next].name,
                         params.items[next].values.items[k]);
        }
    }
}

static str url_make(struct arena *arena, struct labels labels, struct conf_params params)
{
    struct buf url = {0};

    buf_str(&url, labels_get(labels, LABEL_SCHEME));
    buf_c(&url, "://");
    buf_str(&url, labels_get(labels, LABEL_ADDRESS));
    path_append(&url, labels_get(labels, LABEL_PATH));
    params_append(&url, labels, params);
    return text_take(arena, &url);
}

/* ---- the plan ---- */

static int address_check(str address, struct baro_error *err)
{
    if (address.len == 0) {
        return error_set(err, BARO_EINVALID, "no address");
    }
    for (size_t i = 0; i < address.len; i++) {
        /* A blank or control character would end the request line or the host name. */
        if (address.ptr[i] == '/' || (unsigned char)address.ptr[i] <= ' ') {
            return error_set(err, BARO_EINVALID, "\"%.*s\" is not a valid hostname",
                             STR_ARG(address));
        }
    }
    return 0;
}

static int scheme_check(str scheme, struct baro_error *err)
{
    if (!str_is(scheme, "http") && !str_is(scheme, "https")) {
        return error_set(err, BARO_EINVALID, "invalid scheme: \"%.*s\"", STR_ARG(scheme));
    }
    return 0;
}

static void meta_remove(struct labels_builder *builder)
{
    for (size_t i = builder->count; i > 0; i--) {
        if (str_has_prefix(builder->items[i - 1].name, META_PREFIX)) {
            labels_builder_del(builder, builder->items[i - 1].name);
            i = builder->count + 1;
        }
    }
}

static struct labels labels_shown(struct arena *arena, struct labels labels)
{
    struct label *items = ARENA_ARRAY(arena, struct label, labels.count + 1);
    size_t count = 0;

    for (size_t i = 0; i < labels.count; i++) {
        if (!str_has_prefix(labels.items[i].name, STR("__"))) {
            items[count++] = labels.items[i];
        }
    }
    return (struct labels){items, count};
}

static int values_check(struct labels labels, struct baro_error *err)
{
    for (size_t i = 0; i < labels.count; i++) {
        if (!utf8_is_valid(labels.items[i].value)) {
            return error_set(err, BARO_EINVALID, "invalid label value for \"%.*s\"",
                             STR_ARG(labels.items[i].name));
        }
    }
    return 0;
}

int target_plan_make(struct arena *arena, struct labels_builder *builder,
                     const struct target_group *group, size_t index,
                     const struct prom_scrape *settings, const struct relabel_rules *rules,
                     struct target_plan *ret, struct baro_error *err)
{
    struct target_plan plan = {0};
    str address = STR_NULL;
    int result = 0;

    ASSERT(index < group->target_count);
    labels_collect(arena, builder, group, index, settings);
    plan.discovered = labels_copy(arena, labels_builder_finish(builder));
    labels_builder_load(builder, plan.discovered);
    plan.is_dropped = !relabel_apply(rules, builder, arena);
    if (plan.is_dropped) {
        *ret = plan;
        return 0;
    }
    address = labels_builder_get(builder, LABEL_ADDRESS);
    result = address_check(address, err);
    if (result >= 0) {
        result = scheme_check(labels_builder_get(builder, LABEL_SCHEME), err);
    }
    if (result >= 0) {
        result = times_check(builder, &plan, err);
    }
    if (result < 0) {
        return result;
    }
    meta_remove(builder);
    set_default(builder, LABEL_INSTANCE, address);
    plan.labels = labels_copy(arena, labels_builder_finish(builder));
    result = values_check(plan.labels, err);
    if (result < 0) {
        return result;
    }
    plan.shown = labels_shown(arena, plan.labels);
    plan.url = url_make(arena, plan.labels, settings->params);
    plan.hash = labels_hash(plan.labels) ^ (str_hash(plan.url) * UINT64_C(0x9E3779B97F4A7C15));
    *ret = plan;
    return 0;
}

uint64_t target_window_count(size_t targets, dur interval)
{
    uint64_t windows = WINDOWS_MIN;

    while (windows * WINDOW_TARGETS < targets) {
        windows *= 2;
    }
    return windows < (uint64_t)interval ? windows : (uint64_t)interval;
}

int64_t target_offset(uint64_t hash, uint64_t seed, dur interval, uint64_t windows, int64_t now_ns)
{
    const int64_t interval_ns = interval * MONO_PER_MS;
    const int64_t window_ns = interval_ns / (int64_t)windows;
    const int64_t base = interval_ns - now_ns % interval_ns;
    const int64_t spread = (int64_t)((hash ^ seed) % (uint64_t)interval_ns);
    const int64_t next = base + spread - spread % window_ns;

    ASSERT(interval > 0);
    ASSERT(windows > 0 && window_ns > 0);
    return next > interval_ns ? next - interval_ns : next;
}

void target_accept_header(struct buf *buf, const struct prom_scrape *settings)
{
    static const struct {
        const char *type;
        bool has_escaping;
    } kinds[PROM_PROTOCOL_COUNT] = {
        [PROM_PROTOCOL_PROTO] = {"application/vnd.google.protobuf;"
                                 "proto=io.prometheus.client.MetricFamily;encoding=delimited",
                                 false},
        [PROM_PROTOCOL_TEXT_0_0_4] = {"text/plain;version=0.0.4", false},
        [PROM_PROTOCOL_TEXT_1_0_0] = {"text/plain;version=1.0.0", true},
        [PROM_PROTOCOL_OPENMETRICS_0_0_1] = {"application/openmetrics-text;version=0.0.1", false},
        [PROM_PROTOCOL_OPENMETRICS_1_0_0] = {"application/openmetrics-text;version=1.0.0", true},
    };
    const char *escaping = prom_escaping_name(settings->metric_name_escaping_scheme);
    int weight = (int)PROM_PROTOCOL_COUNT;

    for (size_t i = 0; i < settings->scrape_protocols.count; i++) {
        const enum prom_protocol protocol = settings->scrape_protocols.items[i];

        if (kinds[protocol].type != NULL && weight > 1) {
            buf_c(buf, kinds[protocol].type);
            if (kinds[protocol].has_escaping && escaping[0] != '\0') {
                buf_printf(buf, ";escaping=%s", escaping);
            }
            buf_printf(buf, ";q=0.%d,", weight--);
        }
    }
    buf_printf(buf, "*/*;q=0.%d", weight);
}

str target_global_url(struct arena *arena, str url, const char *external_url)
{
    static const char *const local[] = {"localhost", "127.0.0.1", "[::1]"};
    str external = str_from(external_url);
    size_t scheme = str_index(url, STR("://"));
    size_t other = str_index(external, STR("://"));
    str host = STR_NULL;
    str rest = STR_NULL;

    if (scheme == SIZE_MAX || other == SIZE_MAX) {
        return arena_str(arena, url);
    }
    rest = str_from_index(url, scheme + 3);
    external = str_from_index(external, other + 3);
    external = str_slice(external, 0, str_index_char(external, '/'));
    if (external.len > 0 && external.ptr[external.len - 1] != ']' &&
        str_index_char(external, ':') != SIZE_MAX) {
        size_t colon = external.len;

        while (external.ptr[colon - 1] != ':') {
            colon--;
        }
        external = str_slice(external, 0, colon - 1);
    }
    for (size_t i = 0; i < ARRAY_COUNT(local); i++) {
        host = str_from(local[i]);
        if (str_has_prefix(rest, host) &&
            (rest.len == host.len || strchr(":/?", rest.ptr[host.len]) != NULL)) {
            return arena_printf(arena, "%.*s://%.*s%.*s", STR_ARG(str_slice(url, 0, scheme)),
                                STR_ARG(external), STR_ARG(str_from_index(rest, host.len)));
        }
    }
    return arena_str(arena, url);
}
