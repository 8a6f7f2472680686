#include "alerting/am_redact.h"

#include "alerting/am_config.h"
#include "testing/test.h"

TEST(am_redact_hides_secrets_alone)
{
    static const char text[] = "global:\n"
                               "  smtp_auth_password: s3cret\n"
                               "  slack_api_url: https://hooks.example/s3cret\n"
                               "  smtp_smarthost: 'mail:25'\n"
                               "  smtp_from: me@x\n"
                               "  http_config: {basic_auth: {username: u, password: s3cret}, "
                               "proxy_url: 'http://p:s3cret@proxy:1'}\n"
                               "route: {receiver: a, group_by: ['...'], matchers: ['a=\"b\"'], "
                               "routes: [{receiver: a, continue: true, group_wait: 30s}]}\n"
                               "receivers:\n"
                               "- name: a\n"
                               "  webhook_configs:\n"
                               "  - url: https://user:s3cret@x/y\n"
                               "    send_resolved: false\n"
                               "    max_alerts: 3\n"
                               "  slack_configs: [{channel: '#c', title: \"a\\nb: c\"}]\n"
                               "templates: []\n";
    static const char want[] = "global:\n"
                               "  smtp_auth_password: <secret>\n"
                               "  slack_api_url: https://secret.invalid/\n"
                               "  smtp_smarthost: mail:25\n"
                               "  smtp_from: me@x\n"
                               "  http_config:\n"
                               "    basic_auth:\n"
                               "      username: u\n"
                               "      password: <secret>\n"
                               "    proxy_url: http://p:xxxxx@proxy:1\n"
                               "route:\n"
                               "  receiver: a\n"
                               "  group_by:\n"
                               "  - '...'\n"
                               "  matchers:\n"
                               "  - a=\"b\"\n"
                               "  routes:\n"
                               "  - receiver: a\n"
                               "    continue: true\n"
                               "    group_wait: 30s\n"
                               "receivers:\n"
                               "- name: a\n"
                               "  webhook_configs:\n"
                               "  - url: https://secret.invalid/\n"
                               "    send_resolved: false\n"
                               "    max_alerts: 3\n"
                               "  slack_configs:\n"
                               "  - channel: '#c'\n"
                               "    title: |-\n"
                               "      a\n"
                               "      b: c\n"
                               "templates: []\n";
    struct buf out = {0};
    struct buf again = {0};
    struct baro_error err = {0};

    assert_ok(am_redact(str_from(text), &out, &err), &err);
    assert_str_equal(buf_view(&out), str_from(want));
    assert_ok(am_redact(buf_view(&out), &again, &err), &err);
    assert_str_equal(buf_view(&again), buf_view(&out));
    buf_done(&again);
    buf_done(&out);
    assert_int_equal(am_redact(STR("a: [\n"), &out, &err), BARO_EPARSE);
    buf_done(&out);
}

TEST(am_redact_hides_the_secrets_of_events)
{
    static const char text[] = "event_recorder: {webhook_outputs: [{url: 'https://x/s3cret', "
                               "http_config: {bearer_token: s3cret}}],\n"
                               "  kafka_outputs: [{topic: t, tls_config: {key: s3cret}}], "
                               "stdout_outputs: [{}]}\n";
    static const char want[] = "event_recorder:\n"
                               "  webhook_outputs:\n"
                               "  - url: https://secret.invalid/\n"
                               "    http_config:\n"
                               "      bearer_token: <secret>\n"
                               "  kafka_outputs:\n"
                               "  - topic: t\n"
                               "    tls_config:\n"
                               "      key: <secret>\n"
                               "  stdout_outputs:\n"
                               "  - {}\n";
    struct baro_error err = {0};
    struct buf out = {0};

    assert_ok(am_redact(str_from(text), &out, &err), &err);
    assert_str_equal(buf_view(&out), str_from(want));
    buf_done(&out);
}
