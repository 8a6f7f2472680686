#include "alerting/heartbeat_config.h"

#include "alerting/am_config_priv.h"
#include "base/map.h"
#include "base/mem.h"

/* So that sums with times do not overflow; and a heartbeat that is rarer is none. */
#define DURATION_MAX ((dur)2 * 365 * DUR_DAY)

struct file_text {
    const struct yaml_node *send;
    const struct yaml_node *expect;
};

struct send_text {
    str name;
    struct secret url;
    str url_file;
    str method;
    dur interval;
    dur timeout;
    str alert;
    bool check_receivers;
    const struct prom_http *http;
};

struct expect_text {
    str name;
    dur period;
    dur grace;
    struct conf_pairs labels;
    struct conf_pairs annotations;
};

static const struct option file_rows[] = {
    ROW("send", CUSTOM, AT(struct file_text, send), OF(am_node_custom)),
    ROW("expect", CUSTOM, AT(struct file_text, expect), OF(am_node_custom)),
};
static const struct option_type file_type = {.name = "heartbeats",
                                             .size = sizeof(struct file_text),
                                             TABLE(file_rows),
                                             .place_offset = OPTION_NO_PLACE};

static const struct option send_rows[] = {
    ROW("name", STR, AT(struct send_text, name)),
    ROW("url", CUSTOM, AT(struct send_text, url), OF(am_secret_url_custom)),
    ROW("url_file", FILE, AT(struct send_text, url_file)),
    ROW("method", STR, AT(struct send_text, method), DEFAULT("POST")),
    ROW("interval", DURATION, AT(struct send_text, interval), DEFAULT("1m")),
    ROW("timeout", DURATION, AT(struct send_text, timeout), DEFAULT("10s")),
    ROW("alert", STR, AT(struct send_text, alert)),
    ROW("check_receivers", BOOL, AT(struct send_text, check_receivers), DEFAULT("true")),
    ROW("http_config", CUSTOM, AT(struct send_text, http), OF(am_http_custom)),
};
static const struct option_type send_type = {.name = "heartbeats.send",
                                             .size = sizeof(struct send_text),
                                             TABLE(send_rows),
                                             .place_offset = OPTION_NO_PLACE};

static const struct option expect_rows[] = {
    ROW("name", STR, AT(struct expect_text, name)),
    ROW("period", DURATION, AT(struct expect_text, period)),
    ROW("grace", DURATION, AT(struct expect_text, grace), DEFAULT("0s")),
    ROW("labels", PAIRS, AT(struct expect_text, labels)),
    ROW("annotations", PAIRS, AT(struct expect_text, annotations)),
};
static const struct option_type expect_type = {.name = "heartbeats.expect",
                                               .size = sizeof(struct expect_text),
                                               TABLE(expect_rows),
                                               .place_offset = OPTION_NO_PLACE};

/* ---- Checks ---- */

/* A name stands in a path and in a label. */
static void check_name(struct option_reader *rd, const struct yaml_node *node, str name,
                       struct map *seen)
{
    bool good = name.len > 0 && name.len <= HEARTBEAT_NAME_MAX;

    for (size_t i = 0; i < name.len && good; i++) {
        char c = name.ptr[i];

        good = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' ||
               c == '-' || c == '.';
    }
    if (!good) {
        option_fault_key(rd, node, "name",
                         "name: 1 to %d letters, digits, '_', '-' and '.' are wanted",
                         HEARTBEAT_NAME_MAX);
    } else if (map_put(seen, name, rd) != NULL) {
        option_fault_key(rd, node, "name", "name: \"%.*s\" stands here twice", STR_ARG(name));
    }
}

static void check_duration(struct option_reader *rd, const struct yaml_node *node, const char *key,
                           dur value)
{
    if (value < DUR_SECOND) {
        option_fault_key(rd, node, key, "%s: at least 1s is wanted", key);
    } else if (value > DURATION_MAX) {
        option_fault_key(rd, node, key, "%s: at most 2y is wanted", key);
    }
}

static void read_send(struct option_reader *rd, const struct yaml_node *node, struct map *seen,
                      struct heartbeat_send *ret)
{
    bool good = true;
    const struct send_text *text = option_read(rd, &send_type, node, &good);

    if (!good) {
        return;
    }
    check_name(rd, node, text->name, seen);
    check_duration(rd, node, "interval", text->interval);
    check_duration(rd, node, "timeout", text->timeout);
    if (secret_is_set(text->url) == (text->url_file.len > 0)) {
        option_fault(rd, node, "one of url and url_file is wanted");
    }
    if (str_contains(secret_reveal(text->url), STR("{{"))) {
        option_fault_key(rd, node, "url", "url: templates are not rendered here");
    }
    if (!str_is(text->method, "POST") && !str_is(text->method, "GET")) {
        option_fault_key(rd, node, "method", "method: POST or GET is wanted");
    }
    *ret = (struct heartbeat_send){.name = text->name,
                                   .url = text->url,
                                   .url_file = text->url_file,
                                   .is_get = str_is(text->method, "GET"),
                                   .interval = text->interval,
                                   .timeout = text->timeout,
                                   .alert = text->alert,
                                   .check_receivers = text->check_receivers,
                                   .http = text->http};
}

static struct labels labels_of(struct arena *arena, struct conf_pairs pairs)
{
    struct label *items = ARENA_ARRAY(arena, struct label, pairs.count);

    for (size_t i = 0; i < pairs.count; i++) {
        items[i] = (struct label){pairs.items[i].name, pairs.items[i].value};
    }
    return labels_from_pairs(arena, items, pairs.count);
}

static void read_expect(struct option_reader *rd, const struct yaml_node *node, struct map *seen,
                        struct heartbeat_expect *ret)
{
    bool good = true;
    const struct expect_text *text = option_read(rd, &expect_type, node, &good);

    if (!good) {
        return;
    }
    check_name(rd, node, text->name, seen);
    check_duration(rd, node, "period", text->period);
    if (text->grace != 0) {
        check_duration(rd, node, "grace", text->grace);
    }
    *ret = (struct heartbeat_expect){.name = text->name,
                                     .period = text->period,
                                     .grace = text->grace,
                                     .labels = labels_of(rd->arena, text->labels),
                                     .annotations = labels_of(rd->arena, text->annotations)};
}

static void read_file(struct option_reader *rd, const struct yaml_node *tree,
                      struct heartbeat_config *config)
{
    bool good = true;
    const struct file_text *text = option_read(rd, &file_type, tree, &good);
    size_t sends = am_list_count(rd, text->send, HEARTBEAT_SENDS_MAX, "send");
    size_t expects = am_list_count(rd, text->expect, HEARTBEAT_EXPECTS_MAX, "expect");
    struct heartbeat_send *send = ARENA_ARRAY(rd->arena, struct heartbeat_send, sends);
    struct heartbeat_expect *expect = ARENA_ARRAY(rd->arena, struct heartbeat_expect, expects);
    struct map send_names = {0};
    struct map expect_names = {0};

    for (size_t i = 0; i < sends; i++) {
        read_send(rd, text->send->items[i], &send_names, &send[i]);
    }
    for (size_t i = 0; i < expects; i++) {
        read_expect(rd, text->expect->items[i], &expect_names, &expect[i]);
    }
    map_done(&send_names);
    map_done(&expect_names);
    config->sends = send;
    config->send_count = sends;
    config->expects = expect;
    config->expect_count = expects;
}

static str directory_of(struct arena *arena, str path)
{
    size_t len = path.len;

    while (len > 0 && path.ptr[len - 1] != '/') {
        len--;
    }
    return len == 0 ? STR(".") : arena_str(arena, str_slice(path, 0, len));
}

int heartbeat_config_parse(str path, str text, struct heartbeat_config **ret, struct faults *faults)
{
    CLEANUP(heartbeat_config_freep)
    struct heartbeat_config *config = MEM_NEW(struct heartbeat_config);
    option_notes notes = {0};
    const struct yaml_node *tree = NULL;
    struct baro_error err = {0};
    uint32_t before = faults->total;
    str file = arena_str(&config->arena, path);
    struct option_reader rd = {.arena = &config->arena,
                               .file = file.ptr,
                               .dir = directory_of(&config->arena, file),
                               .faults = faults,
                               .unsupported = &notes,
                               .quiet = true};

    if (yaml_parse(&config->arena, text, &tree, &err) < 0) {
        (void)faults_add(faults, err.code, file.ptr, err.line, err.column, "%s", err.message);
    } else if (!yaml_is_null(tree)) {
        read_file(&rd, tree, config);
    }
    vec_done(&notes);
    if (faults->total > before) {
        return before < faults->count ? faults->items[before].code : BARO_EINVALID;
    }
    *ret = TAKE(config);
    return 0;
}

struct heartbeat_config *heartbeat_config_free(struct heartbeat_config *config)
{
    if (config != NULL) {
        arena_done(&config->arena);
    }
    return mem_free(config);
}
