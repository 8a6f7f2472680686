#include "app/demo_alerting.h"

#include "alerting/am_config.h"
#include "app/files.h"
#include "testing/test.h"

static const char PACK[] = "# Secrets are files.\n"
                           "global:\n  slack_api_url_file: /etc/url\n"
                           "route:\n"
                           "  receiver: email\n"
                           "  group_wait: 30s\n"
                           "  group_interval: 5m  # a comment\n"
                           "  routes:\n"
                           "    - matchers: [system=\"x\"]\n"
                           "      routes:\n"
                           "        - matchers: [severity=\"critical\"]\n"
                           "          receiver: pager\n"
                           "          repeat_interval: 1h\n"
                           "\n"
                           "inhibit_rules:\n"
                           "  - source_matchers: [a=\"b\"]\n"
                           "    target_matchers: [c=\"d\"]\n"
                           "receivers:\n"
                           "  - name: email\n"
                           "    email_configs:\n"
                           "      - to: who@example.com\n"
                           "        html: '{{ .Status }}'\n"
                           "  - name: pager\n"
                           "    pagerduty_configs:\n"
                           "      - routing_key_file: /etc/key\n"
                           "    webhook_configs:\n"
                           "      - url: http://elsewhere:80/x\n";

TEST(demo_alerting_puts_packs_below_one_root)
{
    struct demo_alerting parts = {.web_port = 11, .mail_port = 22, .hurry = 60};
    struct buf out = {0};

    demo_alerting_add(&parts, "p", str_from(PACK));
    demo_alerting_write(&parts, &out);
    assert_true(str_contains(buf_view(&out), STR("  routes:\n"
                                                 "    - matchers: [system=\"x\"]\n"
                                                 "      receiver: p-email\n"
                                                 "      group_wait: 1s\n"
                                                 "      group_interval: 5s  # a comment\n"
                                                 "      routes:\n"
                                                 "        - matchers: [severity=\"critical\"]\n"
                                                 "          receiver: p-pager\n"
                                                 "          repeat_interval: 1m\n"
                                                 "inhibit_rules:\n"
                                                 "  - source_matchers: [a=\"b\"]\n"
                                                 "    target_matchers: [c=\"d\"]\n"
                                                 "receivers:\n")));
    assert_true(str_contains(buf_view(&out), STR("  - name: p-email\n    email_configs:\n"
                                                 "      - to: who@example.com\n"
                                                 "        html: '{{ .Status }}'\n"
                                                 "  - name: p-pager\n    pagerduty_configs:\n"
                                                 "      - routing_key: demo\n"
                                                 "    webhook_configs:\n"
                                                 "      - url: http://127.0.0.1:11/webhook\n")));
    assert_true(str_contains(buf_view(&out), STR("smtp_smarthost: 127.0.0.1:22\n")));
    assert_false(str_contains(buf_view(&out), STR("/etc/")));
    demo_alerting_done(&parts);
    buf_done(&out);
}

TEST(demo_alerting_takes_whatever_it_is_given)
{
    static const char *const texts[] = {"",
                                        "\n",
                                        "route:",
                                        "receivers:\n  - name: ",
                                        "route:\n  receiver: \n  routes:\n    - ",
                                        "route:\n  group_wait: never\n",
                                        "  a\n b\n\t:"};

    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct demo_alerting parts = {.hurry = 1};
        struct buf out = {0};

        demo_alerting_add(&parts, "p", str_from(texts[i]));
        demo_alerting_write(&parts, &out);
        assert_true(out.len > 0);
        demo_alerting_done(&parts);
        buf_done(&out);
    }
}

TEST(demo_rules_divides_times)
{
    static const struct {
        const char *name;
        const char *line;
        int64_t hurry;
        const char *want;
    } cases[] = {
        {"for", "        for: 5m\n", 60, "        for: 5s\n"},
        {"for, with why", "  for: 5m  # why\n", 60, "  for: 5s  # why\n"},
        {"no shorter than an interval", "for: 10s\n", 60, "for: 1s\n"},
        {"interval", "    interval: 5m\n", 10, "    interval: 30s\n"},
        {"keep_firing_for", "keep_firing_for: 1h\n", 60, "keep_firing_for: 1m\n"},
        {"a range", "expr: rate(x[5m]) > 0\n", 10, "expr: rate(x[30s]) > 0\n"},
        {"ranges", "a[1h] / b[5m]\n", 60, "a[1m] / b[5s]\n"},
        {"a range no shorter than four", "a[1m]\n", 60, "a[4s]\n"},
        {"no range", "a[x] [5m:1m] [] [\n", 60, "a[x] [5m:1m] [] [\n"},
        {"prose", "summary: wait for: 5m\n", 60, "summary: wait for: 5m\n"},
        {"none", "for:\n", 60, "for:\n"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf out = {0};

        test_row(cases[i].name);
        demo_rules(&out, str_slice(str_from(cases[i].line), 0, strlen(cases[i].line) - 1),
                   cases[i].hurry, DUR_SECOND);
        assert_str_equal(buf_view(&out), str_from(cases[i].want));
        buf_done(&out);
    }
    test_row(NULL);
}
