#include "alerting/am_config.h"

#include "conf/prom_config_file.h"
#include "testing/test.h"

/* What every configuration of these tests begins with. */
#define ROUTE    "route: {receiver: r}\n"
#define RECEIVER ROUTE "receivers:\n- name: r\n"

static const struct {
    const char *name;
    const char *text;
    const char *fault; /* line:column: message; NULL = it is good */
} cases[] = {
    {"empty", "", "1:1: no route provided in config"},
    {"no route", "receivers: []", "1:1: no route provided in config"},
    {"null global", "global:\n" RECEIVER, NULL},
    {"unknown key", RECEIVER "reciever: x", "4:1: field reciever not found in type config.plain"},
    {"undefined receiver", "route: {receiver: x}", "1:19: undefined receiver \"x\" used in route"},
    {"root without receiver", "route: {group_wait: 1s}",
     "1:8: root route must specify a default receiver"},
    {"root with matchers", "route: {receiver: r, matchers: [a=b]}\nreceivers: [{name: r}]",
     "1:32: root route must not have any matchers"},
    {"root with match", "route: {receiver: r, match: {a: b}}\nreceivers: [{name: r}]",
     "1:29: root route must not have any matchers"},
    {"root with continue", "route: {receiver: r, continue: true}\nreceivers: [{name: r}]",
     "1:32: cannot have continue in root route"},
    {"root muted", "route: {receiver: r, mute_time_intervals: [x]}\nreceivers: [{name: r}]",
     "1:43: root route must not have any mute time intervals"},
    {"receiver twice", RECEIVER "- name: r", "4:9: notification config name \"r\" is not unique"},
    {"receiver without name", ROUTE "receivers: [{name: r}, {}]", "2:24: missing name in receiver"},
    {"group_by twice", "route: {receiver: r, group_by: [a, a]}\nreceivers: [{name: r}]",
     "1:32: duplicated label \"a\" in group_by"},
    {"group_by all and other", "route: {receiver: r, group_by: [a, ...]}\nreceivers: [{name: r}]",
     "1:32: cannot have wildcard group_by (`...`) and other labels at the same time"},
    {"zero repeat", "route: {receiver: r, repeat_interval: 0s}\nreceivers: [{name: r}]",
     "1:39: repeat_interval cannot be zero"},
    {"zero group_interval", "route: {receiver: r, group_interval: 0s}\nreceivers: [{name: r}]",
     "1:38: group_interval cannot be zero"},
    {"route's label", "route: {receiver: r, labels: {'': x}}\nreceivers: [{name: r}]",
     "1:30: invalid label name \"\" in route labels"},
    {"route's labels", "route: {receiver: r, labels: {a.b: '{{ x }}'}}\nreceivers: [{name: r}]",
     NULL},
    {"receiver's name as label", ROUTE "receivers: [{name: r, labels: {name: q}}]",
     "2:31: receiver label \"name\" must match receiver name \"r\", got \"q\""},
    {"receiver's labels", ROUTE "receivers: [{name: r, labels: {name: r, team: x}}]", NULL},
    {"zero wait", "route: {receiver: r, group_wait: 0s}\nreceivers: [{name: r}]", NULL},
    {"undefined interval",
     "route: {receiver: r, routes: [{active_time_intervals: [x]}]}\nreceivers: [{name: r}]",
     "1:56: undefined time interval \"x\" used in route"},
    {"interval twice", RECEIVER "time_intervals: [{name: a}]\nmute_time_intervals: [{name: a}]\n",
     "4:25: time interval \"a\" is not unique"},
    {"weekday", RECEIVER "time_intervals: [{name: a, time_intervals: [{weekdays: [noday]}]}]",
     "4:57: noday is not a valid weekday"},
    {"weekday order",
     RECEIVER "time_intervals: [{name: a, time_intervals: [{weekdays: ['friday:monday']}]}]",
     "4:57: start day cannot be before end day"},
    {"day", RECEIVER "time_intervals: [{name: a, time_intervals: [{days_of_month: ['0']}]}]",
     "4:62: 0 is not a valid day of the month: out of range"},
    {"day signs",
     RECEIVER "time_intervals: [{name: a, time_intervals: [{days_of_month: ['-3:5']}]}]",
     "4:62: end day must be negative if start day is negative"},
    {"day order",
     RECEIVER "time_intervals: [{name: a, time_intervals: [{days_of_month: ['5:3']}]}]",
     "4:62: end day 3 is always before start day 5"},
    {"day from the end",
     RECEIVER "time_intervals: [{name: a, time_intervals: [{days_of_month: ['20:-1']}]}]", NULL},
    {"month order",
     RECEIVER "time_intervals: [{name: a, time_intervals: [{months: ['may:march']}]}]",
     "4:55: end month march is before start month may"},
    {"year order", RECEIVER "time_intervals: [{name: a, time_intervals: [{years: ['2025:2024']}]}]",
     "4:54: end year 2024 is before start year 2025"},
    {"month", RECEIVER "time_intervals: [{name: a, time_intervals: [{months: ['13']}]}]",
     "4:55: 13 is not a valid month"},
    {"time",
     RECEIVER "time_intervals: [{name: a, time_intervals: [{times: [{start_time: '25:00', "
              "end_time: '26:00'}]}]}]",
     "4:67: couldn't parse timestamp 25:00, invalid format"},
    {"time order",
     RECEIVER "time_intervals: [{name: a, time_intervals: [{times: [{start_time: '10:00', "
              "end_time: '09:00'}]}]}]",
     "4:54: start time cannot be equal or greater than end time"},
    {"zone", RECEIVER "time_intervals: [{name: a, time_intervals: [{location: ../etc/passwd}]}]",
     "4:56: unknown time zone ../etc/passwd"},
    {"matcher", "route: {receiver: r, routes: [{matchers: ['a']}]}\nreceivers: [{name: r}]",
     "1:43: bad matcher format: a"},
    {"match name", "route: {receiver: r, routes: [{match: {a-b: c}}]}\nreceivers: [{name: r}]",
     "1:40: invalid label name \"a-b\""},
    {"inhibit regexp", RECEIVER "inhibit_rules: [{source_match_re: {a: '['}}]",
     "4:39: error parsing regexp: missing closing ]: `[)$`"},
    {"smarthost", RECEIVER "  email_configs: [{to: x}]", "4:19: no global SMTP smarthost set"},
    {"port", RECEIVER "  email_configs: [{to: x, from: y, smarthost: localhost}]",
     "4:47: address localhost: missing port in address"},
    {"address", RECEIVER "  email_configs: [{smarthost: 'a:1'}]",
     "4:19: missing to address in email config"},
    {"header",
     RECEIVER "  email_configs: [{to: x, from: y, smarthost: 'a:1', headers: {a: b, A: c}}]",
     "4:70: duplicate header \"A\" in email config"},
    {"null item", RECEIVER "  webhook_configs: [null]", "4:21: an item of this list is a mapping"},
    {"webhook", RECEIVER "  webhook_configs: [{}]",
     "4:21: one of url or url_file must be configured"},
    {"webhook both", RECEIVER "  webhook_configs: [{url: 'http://a', url_file: b}]",
     "4:49: at most one of url & url_file must be configured"},
    {"event file", RECEIVER "event_recorder: {file_outputs: [{}]}",
     "4:33: event_recorder file output requires a path"},
    {"event url", RECEIVER "event_recorder: {webhook_outputs: [{batch: true}]}",
     "4:36: event_recorder webhook output requires a url"},
    {"event batch",
     RECEIVER "event_recorder: {webhook_outputs: [{url: 'http://a', batch_max_events: 1}]}",
     "4:72: event_recorder webhook batch settings require batch: true"},
    {"event batch size",
     RECEIVER "event_recorder: {webhook_outputs: [{url: 'http://a', batch_max_bytes: -1}]}",
     "4:71: event_recorder webhook batch settings cannot be negative"},
    {"events",
     RECEIVER "event_recorder: {file_outputs: [{path: a}], webhook_outputs: [{url: 'http://a', "
              "batch: true, batch_max_events: 1, workers: 2, http_config: {}}], kafka_outputs: "
              "[{brokers: [a], topic: b, acks: all, tls_config: {}}], stdout_outputs: [{}]}",
     NULL},
    {"event broker", RECEIVER "event_recorder: {kafka_outputs: [{topic: a}]}",
     "4:34: event_recorder kafka: at least one broker is required"},
    {"event topic", RECEIVER "event_recorder: {kafka_outputs: [{brokers: ['a:1']}]}",
     "4:34: event_recorder kafka output requires a topic"},
    {"event acks", RECEIVER "event_recorder: {kafka_outputs: [{brokers: [a], topic: b, acks: c}]}",
     "4:65: event_recorder kafka: unknown acks \"c\", must be"},
    {"event field", RECEIVER "event_recorder: {stdout_outputs: [{a: b}]}",
     "4:36: field a not found in type eventrecorder.StdoutOutputConfig"},
    {"scheme", RECEIVER "  webhook_configs: [{url: 'ftp://a'}]",
     "4:27: unsupported scheme \"ftp\" for URL"},
    {"host", RECEIVER "  webhook_configs: [{url: 'http:///x'}]", "4:27: missing host for URL"},
    {"pagerduty", RECEIVER "  pagerduty_configs: [{}]",
     "4:23: missing service or routing key in PagerDuty config"},
    {"opsgenie", RECEIVER "  opsgenie_configs: [{api_key: a, responders: [{name: x, type: y}]}]",
     "4:64: opsGenieConfig responder type \"y\" does not match valid options"},
    {"pushover", RECEIVER "  pushover_configs: [{user_key: a}]",
     "4:22: one of token or token_file must be configured"},
    {"pushover formats",
     RECEIVER "  pushover_configs: [{user_key: a, token: b, html: true, monospace: true}]",
     "4:22: at most one of monospace & html must be configured"},
    {"victorops", RECEIVER "  victorops_configs: [{routing_key: a}]",
     "4:23: no global VictorOps API Key set"},
    {"victorops field",
     RECEIVER "  victorops_configs: [{routing_key: a, api_key: b, custom_fields: {entity_id: c}}]",
     "4:68: victorOps config contains custom field entity_id"},
    {"telegram mode", RECEIVER "  telegram_configs: [{bot_token: a, chat_id: 1, parse_mode: x}]",
     "4:61: unknown parse_mode on telegram_config"},
    {"telegram chat", RECEIVER "  telegram_configs: [{bot_token: a}]",
     "4:22: missing chat_id on telegram_config"},
    {"webex", RECEIVER "  webex_configs: [{room_id: a}]",
     "4:19: missing webex_configs.http_config.authorization"},
    {"wechat", RECEIVER "  wechat_configs: [{message_type: x}]",
     "4:35: weChat message type \"x\" does not match valid options"},
    {"jira", RECEIVER "  jira_configs: [{project: a, issue_type: b}]",
     "4:18: no global Jira Cloud URL set"},
    {"slack action",
     RECEIVER "  slack_configs: [{api_url: 'http://a', actions: [{type: a, text: b}]}]",
     "4:51: missing name or url in Slack action configuration"},
    {"slack field", RECEIVER "  slack_configs: [{api_url: 'http://a', fields: [{title: a}]}]",
     "4:50: missing value in Slack field configuration"},
    {"incidentio", RECEIVER "  incidentio_configs: [{url: 'http://a'}]",
     "4:24: at least one of alert_source_token"},
    {"sigv4", RECEIVER "  sns_configs: [{topic_arn: a, sigv4: {access_key: b}}]",
     "4:39: must provide a AWS SigV4 Access key and Secret Key"},
    {"http_config",
     RECEIVER
     "  webhook_configs: [{url: 'http://a', http_config: {basic_auth: {}, authorization: {}}}]",
     "4:52: at most one of basic_auth, oauth2 & authorization must be configured"},
};

static bool has_fault(const struct faults *faults, const char *want)
{
    for (uint32_t i = 0; i < faults->count; i++) {
        char text[ERROR_FORMAT_BYTES];

        error_format(&faults->items[i], text, sizeof(text));
        if (str_has_prefix(str_from(text), STR("am.yml:")) &&
            str_has_prefix(str_from(text + strlen("am.yml:")), str_from(want))) {
            return true;
        }
        fprintf(stderr, "%s\n", text);
    }
    return false;
}

TEST(am_config_checks)
{
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        static struct faults faults;
        struct am_config *config = NULL;
        int r;

        test_row(cases[i].name);
        faults = (struct faults){0};
        r = am_config_parse(STR("am.yml"), str_from(cases[i].text), &config, &faults);
        if (cases[i].fault == NULL) {
            assert_ok(r, &faults.items[0]);
        } else {
            assert_true(r < 0);
            assert_null(config);
            assert_true(has_fault(&faults, cases[i].fault));
        }
        config = am_config_free(config);
    }
    test_row(NULL);
}

static struct am_config *load(const char *path)
{
    static struct faults faults;
    struct am_config *config = NULL;
    struct buf text = {0};
    struct baro_error err = {0};

    faults = (struct faults){0};
    assert_ok(prom_config_file_read(path, &text, &err), &err);
    assert_ok(am_config_parse(str_from(path), buf_view(&text), &config, &faults), &faults.items[0]);
    buf_done(&text);
    return config;
}

TEST(am_route_inherits_labels)
{
    static const char text[] = "route: {receiver: r, labels: {b: one, a: two}, routes: "
                               "[{labels: {b: three, c: four}}]}\nreceivers: [{name: r}]";
    static struct faults faults;
    CLEANUP(am_config_freep) struct am_config *config = NULL;
    struct labels child;

    assert_ok(am_config_parse(STR("f"), str_from(text), &config, &faults), &faults.items[0]);
    child = config->route->routes[0]->labels;
    assert_int_equal(config->route->labels.count, 2);
    assert_int_equal(child.count, 3);
    assert_str_equal(labels_get(child, STR("a")), STR("two"));
    assert_str_equal(labels_get(child, STR("b")), STR("three"));
    assert_str_equal(labels_get(child, STR("c")), STR("four"));
}

/* An empty list is a list: one group, whatever the parent has. */
TEST(am_route_inherits_group_by)
{
    static const struct {
        const char *parent;
        const char *child;
        size_t want;
        bool want_all;
    } rows[] = {
        {"[a, b]", "", 2, false},
        {"[a, b]", "group_by: ", 2, false},
        {"[a, b]", "group_by: [c]", 1, false},
        {"[a, b]", "group_by: []", 0, false},
        {"[a]", "group_by: [...]", 0, true},
        {"[...]", "", 0, true},
        {"[...]", "group_by: []", 0, false},
        {"[...]", "group_by: [a]", 1, false},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        static struct faults faults;
        CLEANUP(am_config_freep) struct am_config *config = NULL;
        const struct am_route *child;
        struct buf text = {0};

        test_row(rows[i].child);
        faults = (struct faults){0};
        buf_printf(&text,
                   "route: {receiver: r, group_by: %s, routes: [{receiver: r, %s}]}\n"
                   "receivers: [{name: r}]",
                   rows[i].parent, rows[i].child);
        assert_ok(am_config_parse(STR("f"), buf_view(&text), &config, &faults), &faults.items[0]);
        child = config->route->routes[0];
        assert_int_equal(child->group_by.count, rows[i].want);
        assert_int_equal(child->group_by_all, rows[i].want_all);
        buf_done(&text);
    }
    test_row(NULL);
}

TEST(am_config_reads_every_kind)
{
    struct am_config *config = load("fuzz/corpus/am_config/full.yml");
    const struct am_receiver *all = &config->receivers[1];
    const struct am_interval_spec *spec;

    assert_int_equal(config->receiver_count, 2);
    assert_int_equal(config->inhibit_rule_count, 2);
    assert_int_equal(config->inhibit_rules[1].source.count, 2);
    assert_str_equal(config->templates.items[0], STR("fuzz/corpus/am_config/*.tmpl"));
    assert_str_equal(config->templates.items[1], STR("/etc/x.tmpl"));
    assert_int_equal(all->count, 18);
    for (size_t i = 0; i < all->count; i++) {
        const struct am_integration *one = &all->integrations[i];

        test_row(one->kind->name);
        assert_true(i == 0 || strcmp(all->integrations[i - 1].kind->name, one->kind->name) < 0);
        assert_int_equal(one->http != NULL, one->kind->has_http);
        /* inherited, unless it has a client of its own */
        assert_true(one->http == NULL || strcmp(one->kind->name, "webex") == 0 ||
                    !one->http->follow_redirects);
    }
    test_row(NULL);
    assert_str_equal(option_slot_str(all->integrations[7].kind->type, all->integrations[7].options,
                                     "api_key_file"),
                     STR("fuzz/corpus/am_config/key"));
    assert_str_equal(
        option_slot_str(all->integrations[1].kind->type, all->integrations[1].options, "hello"),
        STR("localhost"));
    assert_int_equal(config->interval_count, 2);
    spec = &config->intervals[1].specs[0];
    assert_str_equal(config->intervals[1].name, STR("nights"));
    assert_int_equal(spec->times.items[0].begin, 22 * 60);
    assert_int_equal(spec->times.items[0].end, 24 * 60);
    assert_int_equal(spec->weekdays.items[0].begin, 1);
    assert_int_equal(spec->weekdays.items[0].end, 5);
    assert_int_equal(spec->weekdays.items[1].begin, 0);
    assert_int_equal(spec->days_of_month.items[1].begin, -3);
    assert_int_equal(spec->months.items[2].end, 12);
    assert_int_equal(spec->years.items[0].end, 2030);
    config = am_config_free(config);
}

/* No secret may stand in a message: here the URL cannot be parsed. */
TEST(am_config_hides_secrets)
{
    static struct faults faults;
    struct am_config *config = NULL;

    assert_true(am_config_parse(STR("am.yml"),
                                STR(RECEIVER "  webhook_configs: [{url: 'http://a b:hidden'}]"),
                                &config, &faults) < 0);
    for (uint32_t i = 0; i < faults.count; i++) {
        assert_null(strstr(faults.items[i].message, "hidden"));
    }
}

/* ---- The conformance data, whose manifests are JSON, which YAML contains ---- */

static const struct yaml_node *manifest(struct arena *arena, const char *name)
{
    const struct yaml_node *root = NULL;
    struct buf text = {0};
    struct baro_error err = {0};

    assert_ok(prom_config_file_read(test_shared(name), &text, &err), &err);
    assert_ok(yaml_parse(arena, buf_view(&text), &root, &err), &err);
    buf_done(&text);
    return yaml_get(root, STR("cases"));
}

static bool config_case(struct arena *arena, const struct yaml_node *one)
{
    static struct faults faults;
    const struct yaml_node *errors = yaml_get(one, STR("errors"));
    struct am_config *config = NULL;
    struct buf text = {0};
    struct baro_error err = {0};
    str path = arena_printf(arena, "conformance/alertmanager/config/%.*s",
                            STR_ARG(yaml_get(one, STR("file"))->text));
    bool good;

    faults = (struct faults){0};
    assert_ok(prom_config_file_read(test_shared(path.ptr), &text, &err), &err);
    good = (am_config_parse(path, buf_view(&text), &config, &faults) >= 0) ==
           str_is(yaml_get(one, STR("expect"))->text, "pass");
    for (size_t i = 0; errors != NULL && i < errors->item_count; i++) {
        bool found = false;

        for (uint32_t k = 0; k < faults.count; k++) {
            found |= str_contains(str_from(faults.items[k].message), errors->items[i]->text);
        }
        good &= found;
    }
    if (!good) {
        fprintf(stderr, "%s: %s\n", path.ptr, faults.items[0].message);
    }
    config = am_config_free(config);
    buf_done(&text);
    return good;
}

TEST(am_config_conformance)
{
    struct arena arena = {0};
    const struct yaml_node *list =
        manifest(&arena, "conformance/alertmanager/config/manifest.json");
    size_t failed = 0;

    for (size_t i = 0; i < list->item_count; i++) {
        failed += !config_case(&arena, list->items[i]);
    }
    assert_true(list->item_count > 0);
    arena_done(&arena);
    assert_int_equal(failed, 0);
}

static dur duration(const struct yaml_node *node)
{
    dur value = 0;
    struct baro_error err = {0};

    assert_ok(dur_parse(node->text, &value, &err), &err);
    return value;
}

static void check_options(const struct am_route *route, const struct yaml_node *want)
{
    const struct yaml_node *names = yaml_get(want, STR("group_by"));

    assert_int_equal(route->group_by_all, yaml_get(want, STR("group_by_all"))->boolean);
    assert_int_equal(route->group_wait, duration(yaml_get(want, STR("group_wait"))));
    assert_int_equal(route->group_interval, duration(yaml_get(want, STR("group_interval"))));
    assert_int_equal(route->repeat_interval, duration(yaml_get(want, STR("repeat_interval"))));
    assert_int_equal(route->group_by.count, names->item_count);
    for (size_t i = 0; i < names->item_count; i++) {
        assert_str_equal(route->group_by.items[i], names->items[i]->text);
    }
}

static void routing_case(struct arena *arena, const struct yaml_node *one)
{
    str path = arena_printf(arena, "conformance/alertmanager/routing/%.*s",
                            STR_ARG(yaml_get(one, STR("config"))->text));
    const struct yaml_node *pairs = yaml_get(one, STR("labels"));
    const struct yaml_node *receivers = yaml_get(one, STR("receivers"));
    const struct yaml_node *keys = yaml_get(one, STR("keys"));
    const struct yaml_node *options = yaml_get(one, STR("options"));
    struct label *items = ARENA_ARRAY(arena, struct label, pairs->pair_count);
    struct am_config *config = load(test_shared(path.ptr));
    am_routes routes = {0};

    for (size_t i = 0; i < pairs->pair_count; i++) {
        items[i] = (struct label){pairs->pairs[i].key->text, pairs->pairs[i].value->text};
    }
    labels_sort(items, pairs->pair_count);
    am_route_match(config->route, (struct labels){items, pairs->pair_count}, &routes);
    assert_int_equal(routes.count, receivers->item_count);
    for (size_t i = 0; i < routes.count; i++) {
        assert_str_equal(routes.items[i]->receiver, receivers->items[i]->text);
        if (keys != NULL) {
            assert_str_equal(routes.items[i]->key, keys->items[i]->text);
        }
        if (options != NULL) {
            check_options(routes.items[i], options->items[i]);
        }
    }
    vec_done(&routes);
    config = am_config_free(config);
}

TEST(am_route_conformance)
{
    struct arena arena = {0};
    const struct yaml_node *list =
        manifest(&arena, "conformance/alertmanager/routing/manifest.json");

    assert_true(list->item_count > 0);
    for (size_t i = 0; i < list->item_count; i++) {
        test_row(arena_printf(&arena, "%.*s, case at line %u",
                              STR_ARG(yaml_get(list->items[i], STR("file"))->text),
                              list->items[i]->line)
                     .ptr);
        routing_case(&arena, list->items[i]);
    }
    test_row(NULL);
    arena_done(&arena);
}
