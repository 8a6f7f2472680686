#include "alerting/am_notify.h"

#include "testing/fake_server.h"
#include "testing/test.h"

static const struct label label_items[] = {{STR_INIT("alertname"), STR_INIT("A")},
                                           {STR_INIT("job"), STR_INIT("<j>\r\n")}};
static const struct label note_items[] = {{STR_INIT("summary"), STR_INIT("it \"burns\"")}};

/* One configuration, with a receiver r, and a notification for it. */
struct fixture {
    struct am_config *config;
    struct am_notifier *notifier;
    struct am_alert alerts[2];
    struct am_notification notification;
};

static void fixture_init(struct fixture *fixture, const char *receiver)
{
    const struct am_notifier_options options = {"http://am.example", "1"};
    static struct faults faults;
    struct baro_error err = {0};
    struct buf text = {0};

    *fixture = (struct fixture){0};
    faults = (struct faults){0};
    buf_printf(&text, "route: {receiver: r}\nreceivers:\n- name: r\n  %s\n", receiver);
    if (am_config_parse(STR("am.yml"), buf_view(&text), &fixture->config, &faults) < 0) {
        fail_msg("%s", faults.items[0].message);
    }
    buf_done(&text);
    assert_ok(am_notifier_new(fixture->config, &options, &fixture->notifier, &err), &err);
    for (size_t i = 0; i < 2; i++) {
        fixture->alerts[i] = (struct am_alert){
            .labels = {label_items, 2 - i},
            .annotations = {note_items, 1},
            .starts_at = 1767323045678,
            .ends_at = 1767323100000,
            .fingerprint = 0xabc + i,
        };
    }
    fixture->notification = (struct am_notification){
        .receiver = STR("r"),
        .group_key = STR("{}:{alertname=\"A\"}"),
        .group_labels = {label_items, 1},
        .alerts = fixture->alerts,
        .count = 1,
        .now = 1767323050000,
        .reason = STR("first notification"),
    };
}

static void fixture_done(struct fixture *fixture)
{
    (void)am_notifier_free(fixture->notifier);
    (void)am_config_free(fixture->config);
}

static const struct am_integration *integration(const struct fixture *fixture)
{
    return &fixture->config->receivers[0].integrations[0];
}

static const struct {
    const char *receiver;
    const char *want;
} bodies[] = {
    {"webhook_configs: [{url: 'http://h', max_alerts: 1}]",
     "{\"receiver\":\"r\",\"status\":\"firing\",\"alerts\":[{\"status\":\"firing\",\"labels\":{"
     "\"alertname\":\"A\",\"job\":\"\\u003cj\\u003e\\r\\n\"},\"annotations\":{\"summary\":\"it "
     "\\\"burns\\\"\"},\"startsAt\":\"2026-01-02T03:04:05.678Z\",\"endsAt\":\"0001-01-01T00:00:"
     "00Z\",\"generatorURL\":\"\",\"fingerprint\":\"0000000000000abc\"}],\"notification_"
     "reason\":"
     "\"first "
     "notification\",\"groupLabels\":{\"alertname\":\"A\"},\"commonLabels\":{\"alertname\":"
     "\"A\",\"job\":\"\\u003cj\\u003e\\r\\n\"},\"commonAnnotations\":{\"summary\":\"it "
     "\\\"burns\\\"\"},\"routeLabels\":{},\"externalURL\":\"http://"
     "am.example\",\"version\":\"4\","
     "\"groupKey\":\"{}:{alertname=\\\"A\\\"}\",\"truncatedAlerts\":1}\n"},
    {"webhook_configs: [{url: 'http://h', payload: {b: '{{ .Status }}', a: [1, '{{ len .Alerts "
     "}}', {c: 'x: w'}]}}]",
     "{\"a\":[1,2,{\"c\":{\"x\":\"w\"}}],\"b\":\"firing\"}\n"},
    {"telegram_configs: [{bot_token: '123:abc', chat_id: -5, message: '<b>{{ (index .Alerts "
     "0).Labels.job }}</b>'}]",
     "{\"chat_id\":\"-5\",\"disable_web_page_preview\":\"true\",\"parse_mode\":\"HTML\","
     "\"text\":"
     "\"\\u003cb\\u003e\\u0026lt;j\\u0026gt;\\r\\n\\u003c/b\\u003e\"}\n"},
    {"discord_configs: [{webhook_url: 'http://h', title: t, message: m, username: u}]",
     "{\"content\":\"\",\"embeds\":[{\"title\":\"t\",\"description\":\"m\",\"color\":10038562}]"
     ","
     "\"username\":\"u\"}\n"},
    {"webex_configs: [{room_id: x, message: m, http_config: {authorization: {credentials: "
     "y}}}]",
     "{\"markdown\":\"m\",\"roomId\":\"x\"}\n"},
    {"pushover_configs: [{user_key: userkey, token: tokentoken, title: t, message: ' ', url: "
     "u, "
     "priority: '1', html: true}]",
     "device=&expire=3600&html=1&message=%28no+details%29&priority=1&retry=60&sound=&title=t&"
     "token=<secret>&url=u&url_title=&user=<secret>"},
    {"opsgenie_configs: [{api_key: k, message: m, description: d, source: s, tags: ' a,,b', "
     "responders: [{name: 'x,y', type: teams}], details: {alertname: B, z: '{{ .Status }}'}}]",
     "{\"alias\":\"ad4b39d3af6c5f089ddb8504a474cd124febe3ef322f263d58074fb0c51dc572\","
     "\"message\":"
     "\"m\",\"description\":\"d\",\"details\":{\"alertname\":\"B\",\"z\":\"firing\"},"
     "\"source\":\"s\","
     "\"responders\":[{\"name\":\"x\",\"type\":\"team\"},{\"name\":\"y\",\"type\":\"team\"}],"
     "\"tags\":["
     "\"a\",\"b\"]}\n"},
    {"pagerduty_configs: [{routing_key: secretkey, details: {firing: x, resolved: x, "
     "num_firing: "
     "'{{ .Alerts.Firing | len }}', num_resolved: w}, description: d, client: c, client_url: "
     "u}]",
     "{\"routing_key\":\"<secret>\",\"dedup_key\":"
     "\"ad4b39d3af6c5f089ddb8504a474cd124febe3ef322f263d58074fb0c51dc572\",\"event_action\":"
     "\"trigger\",\"payload\":{\"summary\":\"d\",\"source\":\"c\",\"severity\":\"error\","
     "\"custom_details\":{\"firing\":\"x\",\"num_firing\":2,\"num_resolved\":\"w\","
     "\"resolved\":\"x\"}},"
     "\"client\":\"c\",\"client_url\":\"u\"}\n"},
};

/* Bodies, to the byte; what real servers get is tested by tests/alerting/run_receivers.py. */
TEST(am_notifier_renders_bodies)
{
    for (size_t i = 0; i < ARRAY_COUNT(bodies); i++) {
        struct am_receipt receipt = {0};
        struct baro_error err = {0};
        struct fixture fixture;

        test_row(bodies[i].receiver);
        fixture_init(&fixture, bodies[i].receiver);
        fixture.notification.count = 2;
        assert_ok(am_notifier_render(fixture.notifier, integration(&fixture), &fixture.notification,
                                     &receipt, &err),
                  &err);
        assert_str_equal(buf_view(&receipt.message), str_from(bodies[i].want));
        buf_done(&receipt.message);
        fixture_done(&fixture);
    }
    test_row(NULL);
}

/* ---- Outcomes ---- */

struct answer {
    const char *status; /* "500 Oops"; NULL closes the connection */
    const char *headers;
    const char *body;
};

static bool answer_all(int fd, const char *head, void *context)
{
    const struct answer *answer = context;
    struct buf text = {0};
    bool sent;

    (void)head;
    if (answer->status == NULL) {
        return false;
    }
    buf_printf(&text, "HTTP/1.1 %s\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n%s",
               answer->status, answer->headers, strlen(answer->body), answer->body);
    sent = fake_send(fd, text.ptr, text.len);
    buf_done(&text);
    return sent && false;
}

#define JSON_TYPE "Content-Type: application/json\r\n"

static const struct {
    const char *receiver; /* %u is the server's port */
    struct answer answer;
    enum am_notify_outcome want;
    dur retry_after;
    const char *message; /* a part of it */
} outcomes[] = {
    {"webhook_configs: [{url: 'http://127.0.0.1:%u/s3cret'}]",
     {"204 No", "", ""},
     AM_NOTIFY_OK,
     0,
     ""},
    {"webhook_configs: [{url: 'http://127.0.0.1:%u/s3cret'}]",
     {"400 Bad", "", "why"},
     AM_NOTIFY_FAIL,
     0,
     "unexpected status code 400: why"},
    {"webhook_configs: [{url: 'http://127.0.0.1:%u/'}]",
     {"429 Slow", "Retry-After: 7\r\n", ""},
     AM_NOTIFY_FAIL,
     7000,
     "unexpected status code 429"},
    {"webhook_configs: [{url: 'http://127.0.0.1:%u/'}]",
     {"503 Down", "", ""},
     AM_NOTIFY_RETRY,
     0,
     "503"},
    {"webhook_configs: [{url: 'http://127.0.0.1:%u/s3cret'}]",
     {NULL, "", ""},
     AM_NOTIFY_RETRY,
     0,
     "<redacted>"},
    {"opsgenie_configs: [{api_key: k, api_url: 'http://127.0.0.1:%u/'}]",
     {"429 Slow", "Retry-After: 2\r\n", ""},
     AM_NOTIFY_RETRY,
     2000,
     "429"},
    {"telegram_configs: [{bot_token: '12:s3cret', chat_id: 1, api_url: 'http://127.0.0.1:%u'}]",
     {"404 No", "", "no"},
     AM_NOTIFY_RETRY,
     0,
     "404"},
    {"slack_configs: [{api_url: 'http://127.0.0.1:%u/', channel: c}]",
     {"200 OK", "", "ok"},
     AM_NOTIFY_OK,
     0,
     ""},
    {"slack_configs: [{api_url: 'http://127.0.0.1:%u/', channel: c}]",
     {"200 OK", "", "no_such_channel"},
     AM_NOTIFY_FAIL,
     0,
     "channel \"c\": received an error response from Slack: no_such_channel"},
    {"slack_configs: [{api_url: 'http://127.0.0.1:%u/', channel: c}]",
     {"200 OK", JSON_TYPE, "{\"ok\":false,\"error\":\"bad\"}"},
     AM_NOTIFY_FAIL,
     0,
     "error response from Slack: bad"},
    {"slack_configs: [{api_url: 'http://127.0.0.1:%u/', channel: c}]",
     {"200 OK", JSON_TYPE, "{"},
     AM_NOTIFY_RETRY,
     0,
     "could not unmarshal"},
    {"rocketchat_configs: [{api_url: 'http://127.0.0.1:%u/', token: t, token_id: i}]",
     {"200 OK", JSON_TYPE, "{\"success\":false,\"error\":\"no\"}"},
     AM_NOTIFY_FAIL,
     0,
     "error response from Rocketchat: no"},
    {"incidentio_configs: [{url: 'http://127.0.0.1:%u/', alert_source_token: t}]",
     {"422 Bad", JSON_TYPE, "{\"message\":\"m\",\"errors\":[\"a\",\"b\"]}"},
     AM_NOTIFY_FAIL,
     0,
     "unexpected status code 422: m: a, b"},
    {"webhook_configs: [{url_file: /nonexistent/file}]",
     {"200 OK", "", ""},
     AM_NOTIFY_FAIL,
     0,
     "/nonexistent/file"},
    {"webhook_configs: [{url: '{{ .CommonLabels.none }}'}]",
     {"200 OK", "", ""},
     AM_NOTIFY_FAIL,
     0,
     "webhook URL is empty after templating"},
    {"webhook_configs: [{url: '{{ .Nothing }}'}]",
     {"200 OK", "", ""},
     AM_NOTIFY_FAIL,
     0,
     "can't evaluate field Nothing"},
    {"pagerduty_configs: [{routing_key: '{{ .CommonLabels.none }}'}]",
     {"200 OK", "", ""},
     AM_NOTIFY_FAIL,
     0,
     "routing key cannot be empty"},
};

TEST(am_notifier_tells_what_may_go_better_later)
{
    for (size_t i = 0; i < ARRAY_COUNT(outcomes); i++) {
        struct answer answer = outcomes[i].answer;
        struct fake_server *server = fake_server_new(answer_all, &answer);
        struct am_receipt receipt = {0};
        struct baro_error err = {0};
        struct fixture fixture;
        char receiver[300];
        enum am_notify_outcome outcome;
        const char *percent = strchr(outcomes[i].receiver, '%');

        test_row(outcomes[i].receiver);
        (void)snprintf(receiver, sizeof(receiver), "%.*s%u%s",
                       percent != NULL ? (int)(percent - outcomes[i].receiver) : 0,
                       outcomes[i].receiver, (unsigned)fake_server_port(server),
                       percent != NULL ? percent + 2 : "");
        fixture_init(&fixture, percent != NULL ? receiver : outcomes[i].receiver);
        outcome = am_notifier_send(fixture.notifier, integration(&fixture), &fixture.notification,
                                   20000, NULL, &receipt, &err);
        if (outcome != outcomes[i].want ||
            !str_contains(str_from(err.message), str_from(outcomes[i].message)) ||
            str_contains(str_from(err.message), STR("s3cret"))) {
            fail_msg("outcome %d, got: %s", (int)outcome, err.message);
        }
        assert_int_equal(receipt.retry_after, outcomes[i].retry_after);
        buf_done(&receipt.message);
        buf_done(&receipt.thread_id);
        fixture_done(&fixture);
        (void)fake_server_free(server);
    }
    test_row(NULL);
}

TEST(am_notifier_gives_up_when_told)
{
    const _Atomic bool cancel = true;
    struct answer answer = {"200 OK", "", ""};
    struct fake_server *server = fake_server_new(answer_all, &answer);
    struct baro_error err = {0};
    struct fixture fixture;
    char receiver[100];

    (void)snprintf(receiver, sizeof(receiver), "webhook_configs: [{url: 'http://127.0.0.1:%u/'}]",
                   (unsigned)fake_server_port(server));
    fixture_init(&fixture, receiver);
    assert_int_equal(am_notifier_send(fixture.notifier, integration(&fixture),
                                      &fixture.notification, 20000, &cancel, NULL, &err),
                     AM_NOTIFY_RETRY);
    fixture_done(&fixture);
    (void)fake_server_free(server);
}

/* Slack tells which message it made; the next notification changes that one. */
TEST(am_notifier_keeps_the_thread)
{
    struct am_receipt receipt = {0};
    struct baro_error err = {0};
    struct fixture fixture;

    fixture_init(&fixture, "slack_configs: [{api_url: 'https://slack.com/api/chat.postMessage', "
                           "channel: c, update_message: true}]");
    fixture.notification.thread_id = STR("C9 12.34");
    assert_ok(am_notifier_render(fixture.notifier, integration(&fixture), &fixture.notification,
                                 &receipt, &err),
              &err);
    assert_true(str_has_prefix(buf_view(&receipt.message),
                               STR("{\"channel\":\"C9\",\"ts\":\"12.34\",\"username\":")));
    buf_done(&receipt.message);
    fixture_done(&fixture);
}

struct wechat {
    unsigned asked;
    unsigned refused; /* how many messages are, from now on */
};

static bool answer_wechat(int fd, const char *head, void *context)
{
    struct wechat *wechat = context;
    char body[64];

    if (strstr(head, "/gettoken?") != NULL) {
        (void)snprintf(body, sizeof(body), "{\"access_token\":\"token-%u\"}", ++wechat->asked);
    } else {
        bool is_newest = false;

        (void)snprintf(body, sizeof(body), "access_token=token-%u ", wechat->asked);
        is_newest = strstr(head, body) != NULL;
        (void)snprintf(body, sizeof(body), "{\"errcode\":%d,\"errmsg\":\"no\"}",
                       is_newest && wechat->refused == 0 ? 0 : 42001);
        wechat->refused -= wechat->refused > 0 ? 1 : 0;
    }
    (void)fake_send_response(fd, "application/json", "Connection: close\r\n", body, strlen(body));
    return false;
}

/* A token is used for two hours, and no longer than it is taken. */
TEST(am_notifier_keeps_the_token)
{
    static const struct {
        ts after; /* the one before */
        unsigned refused;
        enum am_notify_outcome want;
        unsigned asked; /* in all */
    } cases[] = {
        {0, 0, AM_NOTIFY_OK, 1}, {2 * DUR_HOUR, 0, AM_NOTIFY_OK, 1},
        {1, 0, AM_NOTIFY_OK, 2}, {1, 1, AM_NOTIFY_RETRY, 2},
        {1, 0, AM_NOTIFY_OK, 3},
    };
    struct wechat wechat = {0};
    struct fake_server *server = fake_server_new(answer_wechat, &wechat);
    struct fixture fixture;
    char receiver[200];

    (void)snprintf(receiver, sizeof(receiver),
                   "wechat_configs: [{api_url: 'http://127.0.0.1:%u/', corp_id: c, api_secret: s, "
                   "to_user: u}]",
                   (unsigned)fake_server_port(server));
    fixture_init(&fixture, receiver);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct baro_error err = {0};

        fixture.notification.now += cases[i].after;
        wechat.refused = cases[i].refused;
        if (am_notifier_send(fixture.notifier, integration(&fixture), &fixture.notification, 20000,
                             NULL, NULL, &err) != cases[i].want) {
            fail_msg("%zu: %s", i, err.message);
        }
        assert_int_equal(wechat.asked, cases[i].asked);
    }
    fixture_done(&fixture);
    (void)fake_server_free(server);
}
