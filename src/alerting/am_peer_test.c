#include "alerting/am_peer.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alerting/am_script_test.h"
#include "sys/clock.h"
#include "testing/fake_server.h"
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

/* A peer: answers each message, and looks for a heartbeat in it. */
static bool answer_peer(int fd, const char *head, void *context)
{
    _Atomic bool *is_told = context;
    const char *length = strstr(head, "Content-Length: ");
    size_t len = length != NULL ? strtoul(length + 16, NULL, 10) : 0;
    char body[4000] = "";

    for (size_t got = 0; got < len && len < sizeof(body);) {
        ssize_t more = recv(fd, body + got, len - got, 0);

        got += more > 0 ? (size_t)more : len;
    }
    if (strstr(body, "\"heartbeats\":[{\"name\":\"backup\",\"heard\":1767600001000}]") != NULL) {
        atomic_store(is_told, true);
    }
    return fake_send_response(fd, "application/json", "", "{\"name\":\"b\"}", 12);
}

struct beat {
    str name;
    ts heard_at;
    int count;
};

static void take_beat(void *context, str name, ts heard_at)
{
    struct beat *beat = context;

    beat->count++;
    beat->name = name;
    beat->heard_at = heard_at;
}

TEST(am_peers_tell_each_other_of_heartbeats)
{
    _Atomic bool is_told = false;
    struct fake_server *server = fake_server_new(answer_peer, &is_told);
    char text[64];
    str url;
    struct beat beat = {0};
    struct am_peers_options options = {
        .name = STR("a"), .count = 1, .take_heartbeat = take_beat, .context = &beat};
    mono end = clock_mono(clock_real()) + 60 * MONO_PER_SECOND;
    struct am_script script;
    struct baro_error err = {0};
    struct buf answer = {0};

    (void)snprintf(text, sizeof(text), "127.0.0.1:%d", fake_server_port(server));
    url = str_from(text);
    options.urls = &url;
    am_script_begin(&script, config, NULL);
    assert_ok(am_peers_start(script.am, &options, &err), &err);
    am_peers_heartbeat(script.am, STR("backup"), AM_SCRIPT_START + 1000);
    am_peers_heartbeat(script.am, STR("backup"), AM_SCRIPT_START); /* is no news */
    while (!atomic_load(&is_told)) {
        assert_true(clock_mono(clock_real()) < end);
        (void)usleep(2000);
    }
    /* It is 1767600000000 here: what lies in the future was just now. */
    (void)take(script.am,
               "{\"name\":\"b\",\"heartbeats\":[{\"name\":\"other\",\"heard\":1999999999999},1,"
               "{\"name\":\"\",\"heard\":5},{\"name\":\"x\"},{\"name\":[],\"heard\":5}]}",
               &answer);
    assert_int_equal(beat.count, 1);
    assert_int_equal(beat.heard_at, AM_SCRIPT_START);
    assert_int_equal(am_peers_heard(script.am, STR("other")), AM_SCRIPT_START);
    assert_int_equal(am_peers_heard(script.am, STR("backup")), AM_SCRIPT_START + 1000);
    assert_int_equal(am_peers_heard(script.am, STR("x")), 0);
    am_script_end(&script);
    buf_done(&answer);
    (void)fake_server_free(server);
}
