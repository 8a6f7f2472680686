#include "alerting/heartbeat_config.h"

#include "testing/test.h"

TEST(heartbeat_config_reads_both_lists)
{
    static const char text[] =
        "send:\n"
        "- name: out\n"
        "  url: http://127.0.0.1:1/secret\n"
        "  alert: Watchdog\n"
        "  http_config: {follow_redirects: false}\n"
        "- {name: two, url_file: url.txt, method: GET, interval: 30s, timeout: 2s, "
        "check_receivers: "
        "false}\n"
        "expect:\n"
        "- {name: backup, period: 24h, grace: 1h, labels: {severity: page}, annotations: {summary: "
        "x}}\n";
    CLEANUP(heartbeat_config_freep) struct heartbeat_config *config = NULL;
    struct faults faults = {0};

    assert_ok(heartbeat_config_parse(STR("/etc/h.yml"), str_from(text), &config, &faults),
              &faults.items[0]);
    assert_int_equal(config->send_count, 2);
    assert_str_equal(secret_reveal(config->sends[0].url), STR("http://127.0.0.1:1/secret"));
    assert_str_equal(config->sends[0].alert, STR("Watchdog"));
    assert_int_equal(config->sends[0].interval, DUR_MINUTE);
    assert_true(config->sends[0].check_receivers && !config->sends[0].is_get);
    assert_non_null(config->sends[0].http);
    assert_str_equal(config->sends[1].url_file, STR("/etc/url.txt"));
    assert_true(config->sends[1].is_get && !config->sends[1].check_receivers);
    assert_int_equal(config->sends[1].timeout, 2 * DUR_SECOND);
    assert_int_equal(config->expect_count, 1);
    assert_int_equal(config->expects[0].period, DUR_DAY);
    assert_int_equal(config->expects[0].grace, DUR_HOUR);
    assert_str_equal(labels_get(config->expects[0].labels, STR("severity")), STR("page"));
}

TEST(heartbeat_config_names_faults_with_their_place)
{
    static const struct {
        const char *text;
        uint32_t line;
        const char *message;
    } cases[] = {
        {"send: 1", 1, "send"},
        {"sends: []", 1, "sends"},
        {"send:\n- {name: a}", 2, "one of url and url_file is wanted"},
        {"send:\n- {name: a, url: 'http://x', url_file: y}", 2, "one of url and url_file"},
        {"send:\n- {name: a, url: 'ftp://x'}", 2, "unsupported scheme"},
        {"send:\n- {name: a, url: 'http://{{x}}'}", 2, "templates are not rendered"},
        {"send:\n- {name: a, url: 'http://x', method: PUT}", 2, "POST or GET is wanted"},
        {"send:\n- {name: a, url: 'http://x', interval: 10ms}", 2, "interval: at least 1s"},
        {"send:\n- {name: 'a/b', url: 'http://x'}", 2, "letters, digits"},
        {"expect:\n- {name: a, period: 1m}\n- {name: a, period: 1m}", 3, "stands here twice"},
        {"expect:\n- {name: a, period: 200y}", 2, "at most 2y"},
        {"expect:\n- {name: a, period: 1h, grace: 10y}", 2, "at most 2y"},
        {"expect:\n- {name: a}", 2, "period: at least 1s"},
        {"expect:\n- {name: a, period: x}", 2, ""},
        {"expect: [", 2, ""},
        {"send: [0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]", 1, ""},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct heartbeat_config *config = NULL;
        struct faults faults = {0};

        test_row(cases[i].text);
        assert_true(
            heartbeat_config_parse(STR("h.yml"), str_from(cases[i].text), &config, &faults) < 0);
        assert_null(config);
        assert_int_equal(faults.items[0].line, cases[i].line);
        assert_true(str_contains(str_from(faults.items[0].message), str_from(cases[i].message)));
    }
    test_row(NULL);
}

TEST(heartbeat_config_may_be_empty)
{
    CLEANUP(heartbeat_config_freep) struct heartbeat_config *config = NULL;
    struct faults faults = {0};

    assert_ok(heartbeat_config_parse(STR("h.yml"), STR("# none\n"), &config, &faults), NULL);
    assert_int_equal(config->send_count + config->expect_count, 0);
}
