#include "alerting/am_peer.h"

#include "alerting/am_script_test.h"
#include "testing/test.h"

static const char config[] = "route: {receiver: a, group_by: [alertname], group_wait: 30s, "
                             "group_interval: 1m}\n"
                             "receivers: [{name: a, webhook_configs: [{url: 'http://x/'}]}]\n";

static str take(struct am *am, const char *body, struct buf *answer)
{
    struct baro_error err = {0};

    buf_reset(answer);
    assert_ok(am_peers_take(am, str_from(body), answer, &err), &err);
    return buf_view(answer);
}

/* What a peer has told is not told again; what it has silenced is silent. Times are those of
 * AM_SCRIPT_START. */
TEST(am_peers_take_what_is_younger)
{
    struct am_script script;
    struct buf answer = {0};

    am_script_begin(&script, config, NULL);
    assert_str_equal(take(script.am,
                          "{\"name\":\"b\",\"entries\":[{\"key\":\"{}:{alertname=\\\"X\\\"}:a/"
                          "webhook/0\",\"time\":1767600005000,\"expires\":1767700000000,"
                          "\"firing\":\"4b2e5f1d6ac7b8a2\",\"resolved\":\"\",\"thread\":\"\"}],"
                          "\"silences\":[{\"id\":\"01234567-0123-4123-8123-0123456789ab\","
                          "\"starts\":1767600000000,\"ends\":1767600100000,\"updated\":"
                          "1767600000000,\"creator\":\"me\",\"comment\":\"\",\"matchers\":[["
                          "\"alertname\",\"=~\",\"Q.*\"]]}]}",
                          &answer),
                     STR("{\"name\":\"\"}"));
    am_script_run(&script, "0 fire alertname=Quiet\n99 end\n200 end");
    assert_str_equal(buf_view(&script.told), STR("150 a/webhook first notification: +Quiet\n"));
    am_script_end(&script);
    buf_done(&answer);
}

TEST(am_peers_take_any_body)
{
    static const char *const bodies[] = {
        "{}",
        "[]",
        "{\"silences\":{},\"entries\":1,\"name\":[]}",
        "{\"silences\":[1,{},{\"id\":\"x\",\"matchers\":[[],1,[1,2,3]]}]}",
        "{\"silences\":[{\"id\":\"01234567-0123-4123-8123-0123456789ab-and-more\",\"updated\":9,"
        "\"matchers\":[[\"a\",\"=\",\"b\"]]}]}",
        "{\"entries\":[{\"key\":\"k\",\"expires\":9999999999999,\"firing\":\"zz\",\"resolved\":"
        "\"0123456789abcdefXYZ\"}]}",
        "{\"entries\":[{\"key\":\"\",\"expires\":9999999999999}]}",
    };
    struct am_script script;
    struct buf answer = {0};
    struct baro_error err = {0};
    struct am_silence_view *silences = NULL;
    struct arena arena = {0};
    size_t count = 0;

    am_script_begin(&script, config, NULL);
    for (size_t i = 0; i < ARRAY_COUNT(bodies); i++) {
        test_row(bodies[i]);
        assert_str_equal(take(script.am, bodies[i], &answer), STR("{\"name\":\"\"}"));
    }
    test_row(NULL);
    assert_int_equal(am_peers_take(script.am, STR("{"), &answer, &err), BARO_EPARSE);
    am_silence_list(script.am, STR_NULL, &arena, &silences, &count);
    assert_int_equal(count, 0);
    arena_done(&arena);
    am_script_end(&script);
    buf_done(&answer);
}

TEST(am_peers_start_refuses_too_many)
{
    static const str urls[AM_PEERS_MAX + 1];
    const struct am_peers_options options = {
        .name = STR("x"), .urls = urls, .count = AM_PEERS_MAX + 1};
    struct am_script script;
    struct baro_error err = {0};

    am_script_begin(&script, config, NULL);
    assert_int_equal(am_peers_start(script.am, &options, &err), BARO_ELIMIT);
    am_script_end(&script);
}
