#include "http/client_grant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "conf/prom_config.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "testing/fake_server.h"
#include "testing/test.h"

/* A token endpoint and a target on one server; the last requests to each. The server's threads
 * write while the test waits for their answers. */
struct site {
    _Atomic int asked; /* for tokens */
    _Atomic int refused;
    _Atomic int held;
    bool holds;      /* the target does not answer */
    bool wants_form; /* refuses Basic */
    const char *type;
    const char *answer;
    int status; /* 0 = 200 */
    char head[2000];
    char body[2000];
};

static void reply(int fd, int status, const char *type, const char *body)
{
    char head[256];

    (void)snprintf(head, sizeof(head),
                   "HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", status, type,
                   strlen(body));
    (void)fake_send(fd, head, strlen(head));
    (void)fake_send(fd, body, strlen(body));
}

static bool answer(int fd, const char *head, void *context)
{
    struct site *site = context;
    const char *length = strstr(head, "Content-Length: ");
    size_t len = length != NULL ? strtoul(length + 16, NULL, 10) : 0;

    if (site->holds && strncmp(head, "GET /target", 11) == 0) {
        site->held++;
        return true;
    }
    if (strncmp(head, "POST /token", 11) != 0) {
        return fake_send_response(fd, "text/plain", "", head, strlen(head));
    }
    (void)snprintf(site->head, sizeof(site->head), "%s", head);
    for (size_t got = 0; got < len && len < sizeof(site->body);) {
        ssize_t more = recv(fd, site->body + got, len - got, 0);

        got += more > 0 ? (size_t)more : len;
        site->body[got < len ? got : len] = '\0';
    }
    site->asked++;
    if (site->wants_form && strstr(head, "Authorization: ") != NULL) {
        site->refused++;
        reply(fd, 401, "application/json", "{\"error\":\"invalid_client\"}");
    } else {
        reply(fd, site->status != 0 ? site->status : 200, site->type, site->answer);
    }
    return true;
}

struct fixture {
    struct fake_server *server;
    struct prom_oauth2 oauth2;
    struct prom_http http;
    char token_url[64];
    char url[64];
};

static void setup(struct fixture *ret, struct site *site)
{
    static const str scopes[] = {STR_INIT("read"), STR_INIT("write all")};
    static const struct conf_pair params[] = {{STR_INIT("audience"), STR_INIT("a&b")}};

    ret->server = fake_server_new(answer, site);
    (void)snprintf(ret->token_url, sizeof(ret->token_url), "http://127.0.0.1:%d/token",
                   fake_server_port(ret->server));
    (void)snprintf(ret->url, sizeof(ret->url), "http://127.0.0.1:%d/target",
                   fake_server_port(ret->server));
    ret->oauth2 = (struct prom_oauth2){.client_id = STR("me@x"),
                                       .client_secret = secret_from(STR("p:w d")),
                                       .scopes = {scopes, 2},
                                       .endpoint_params = {params, 1},
                                       .token_url = str_from(ret->token_url)};
    ret->http = (struct prom_http){.oauth2 = &ret->oauth2, .follow_redirects = true};
}

static int fetch(struct fixture *fixture, struct http_tokens *tokens, struct http_call *call,
                 struct buf *body)
{
    buf_reset(body);
    *call = (struct http_call){.url = fixture->url, .timeout = 20000, .tokens = tokens};
    return http_fetch(&fixture->http, call, body);
}

#define JSON "application/json"

TEST(client_grant_fetches_a_token_once)
{
    struct site site = {
        .type = JSON,
        .answer = "{\"access_token\":\"t0k\",\"token_type\":\"bearer\",\"expires_in\":3600}"};
    CLEANUP(http_tokens_freep) struct http_tokens *tokens = http_tokens_new();
    struct fixture fixture;
    struct http_call call;
    struct buf body = {0};

    setup(&fixture, &site);
    for (int i = 0; i < 3; i++) {
        assert_ok(fetch(&fixture, tokens, &call, &body), &call.err);
        assert_true(str_contains(buf_view(&body), STR("Authorization: Bearer t0k\r\n")));
    }
    assert_int_equal(site.asked, 1);
    /* me%40x:p%3Aw+d */
    assert_true(strstr(site.head, "Authorization: Basic bWUlNDB4OnAlM0F3K2Q=\r\n") != NULL);
    assert_str_equal(str_from(site.body),
                     STR("scope=read+write+all&audience=a%26b&grant_type=client_credentials"));

    /* Another secret is another token. */
    fixture.oauth2.client_secret = secret_from(STR("new"));
    assert_ok(fetch(&fixture, tokens, &call, &body), &call.err);
    assert_int_equal(site.asked, 2);
    /* Without a store each call asks. */
    assert_ok(fetch(&fixture, NULL, &call, &body), &call.err);
    assert_int_equal(site.asked, 3);
    buf_done(&body);
    fake_server_free(fixture.server);
}

TEST(client_grant_asks_by_form_where_basic_is_refused)
{
    struct site site = {.wants_form = true,
                        .type = "application/x-www-form-urlencoded; charset=utf-8",
                        .answer = "access_token=a%2Bb&token_type=MAC&expires_in=5"};
    CLEANUP(http_tokens_freep) struct http_tokens *tokens = http_tokens_new();
    struct fixture fixture;
    struct http_call call;
    struct buf body = {0};

    setup(&fixture, &site);
    assert_ok(fetch(&fixture, tokens, &call, &body), &call.err);
    assert_true(str_contains(buf_view(&body), STR("Authorization: MAC a+b\r\n")));
    assert_int_equal(site.asked, 2);
    assert_true(strstr(site.body, "&client_id=me%40x&client_secret=p%3Aw+d") != NULL);
    assert_int_equal(site.refused, 1);
    /* Five seconds are too short for a second use; how to ask is known. */
    assert_ok(fetch(&fixture, tokens, &call, &body), &call.err);
    assert_int_equal(site.asked, 3);
    assert_int_equal(site.refused, 1);
    buf_done(&body);
    fake_server_free(fixture.server);
}

TEST(client_grant_judges_answers)
{
    static const struct {
        const char *name;
        int status;
        const char *type;
        const char *answer;
        const char *want; /* of the error; NULL = a token */
    } cases[] = {
        {"seconds as text", 200, JSON, "{\"access_token\":\"x\",\"expires_in\":\"60\"}", NULL},
        {"no end", 200, JSON, "{\"access_token\":\"x\"}", NULL},
        {"an odd type", 200, JSON, "{\"access_token\":\"x\",\"token_type\":\"Odd\"}", NULL},
        {"as text", 201, "text/plain", "access_token=x", NULL},
        {"no token", 200, JSON, "{}", "server response missing access_token"},
        {"no JSON", 200, JSON, "oops", "cannot parse the answer"},
        {"refused", 403, JSON, "oops", "oauth2: cannot fetch token: 403 X"},
        {"an error alone", 400, "application/x-www-form-urlencoded", "error=bad",
         "oauth2: \"bad\" \"\""},
        {"an error with 200", 200, JSON, "{\"error\":\"bad\",\"error_description\":\"very\"}",
         "oauth2: \"bad\" \"very\""},
        {"the secret comes back", 400, JSON, "{\"error\":\"bad\",\"error_description\":\"p:w d?\"}",
         "oauth2: cannot fetch token: 400 X"},
        {"a line break", 200, JSON, "{\"access_token\":\"x\\r\\nX-Evil: 1\"}",
         "holds control characters"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct site site = {
            .status = cases[i].status, .type = cases[i].type, .answer = cases[i].answer};
        struct fixture fixture;
        struct http_call call;
        struct buf body = {0};

        test_row(cases[i].name);
        setup(&fixture, &site);
        (void)fetch(&fixture, NULL, &call, &body);
        if (cases[i].want == NULL) {
            assert_ok(call.result, &call.err);
            assert_true(str_contains(buf_view(&body), STR("Authorization: ")));
        } else {
            assert_true(call.result < 0);
            assert_true(str_contains(str_from(call.err.message), str_from(cases[i].want)));
            assert_false(str_contains(str_from(call.err.message), STR("p:w d")));
            assert_int_equal(site.asked, 2); /* both ways were tried */
        }
        buf_done(&body);
        fake_server_free(fixture.server);
    }
    test_row(NULL);
}

TEST(client_grant_refuses_what_it_cannot)
{
    struct site site = {.type = JSON, .answer = "{\"access_token\":\"x\"}"};
    static const struct conf_pair scope[] = {{STR_INIT("scope"), STR_INIT("mine")}};
    struct fixture fixture;
    struct http_call call;
    struct baro_error err = {0};
    struct buf body = {0};

    setup(&fixture, &site);
    fixture.oauth2.client_certificate_key_ref = STR("x");
    assert_int_equal(http_client_check(&fixture.http, &err), BARO_EUNSUPPORTED);
    fixture.oauth2.client_certificate_key_ref = STR("");
    assert_ok(http_client_check(&fixture.http, &err), &err);
    fixture.oauth2.client_secret_ref = STR("x");
    assert_int_equal(http_client_check(&fixture.http, &err), BARO_EUNSUPPORTED);
    fixture.oauth2.client_secret_ref = STR("");
    fixture.oauth2.client_secret_file = STR("/nowhere/secret");
    assert_int_equal(fetch(&fixture, NULL, &call, &body), -2);
    fixture.oauth2.client_secret_file = STR("");
    fixture.oauth2.endpoint_params = (struct conf_pairs){scope, 1};
    assert_int_equal(fetch(&fixture, NULL, &call, &body), BARO_EINVALID);
    assert_int_equal(site.asked, 0);
    buf_done(&body);
    fake_server_free(fixture.server);
}

enum { MANY_MAX = 8 };

struct many {
    struct http_call call;
    struct rig *rig;
};

/* A loop with a client of the fixture's settings, and calls that are counted when they end. */
struct rig {
    struct fixture fixture;
    struct loop *loop;
    struct http_engine *engine;
    struct http_client *client;
    struct many many[MANY_MAX];
    int done;
    int good;
};

static void many_done(struct http_call *call)
{
    struct rig *rig = CONTAINER_OF(call, struct many, call)->rig;

    rig->done++;
    rig->good += call->result == 0 && str_contains(call->body, STR("Bearer x")) ? 1 : 0;
}

static void rig_init(struct rig *rig, struct site *site)
{
    *rig = (struct rig){0};
    setup(&rig->fixture, site);
    assert_ok(loop_new(clock_real(), NULL, NULL, &rig->loop, NULL), NULL);
    assert_ok(http_engine_new(rig->loop, NULL, &rig->engine, NULL), NULL);
    assert_ok(http_client_new(rig->engine, &rig->fixture.http, &rig->client, NULL), NULL);
    for (size_t i = 0; i < MANY_MAX; i++) {
        rig->many[i] =
            (struct many){{.url = rig->fixture.url, .timeout = 20000, .done = many_done}, rig};
    }
}

TEST(client_grant_lets_requests_wait)
{
    enum { CALLS = MANY_MAX };
    struct site site = {.type = JSON, .answer = "{\"access_token\":\"x\",\"expires_in\":3600}"};
    struct rig rig;

    rig_init(&rig, &site);
    for (int i = 0; i < CALLS; i++) {
        http_call_start(rig.client, &rig.many[i].call);
        assert_true(http_call_is_running(&rig.many[i].call));
    }
    http_call_cancel(&rig.many[CALLS - 1].call); /* the last, one in the middle, and the first */
    http_call_cancel(&rig.many[3].call);
    http_call_cancel(&rig.many[0].call);
    for (int turn = 0; turn < 1000 && rig.done < CALLS - 3; turn++) {
        loop_turn(rig.loop, 100);
    }
    assert_int_equal(rig.good, CALLS - 3);
    assert_int_equal(site.asked, 1);

    /* A client that is freed, and an engine that ends, while a token is on its way. */
    rig.fixture.oauth2.client_secret = secret_from(STR("other"));
    http_call_start(rig.client, &rig.many[0].call);
    rig.client = http_client_free(rig.client);
    for (int turn = 0; turn < 1000 && rig.done < CALLS - 2; turn++) {
        loop_turn(rig.loop, 100);
    }
    assert_int_equal(rig.many[0].call.result, BARO_ECANCELED);
    assert_ok(http_client_new(rig.engine, &rig.fixture.http, &rig.client, NULL), NULL);
    http_call_start(rig.client, &rig.many[0].call);
    rig.client = http_client_free(rig.client);
    rig.engine = http_engine_free(rig.engine);
    assert_false(http_call_is_running(&rig.many[0].call));
    rig.loop = loop_free(rig.loop);
    assert_int_equal(rig.done, CALLS - 2);
    fake_server_free(rig.fixture.server);
}

/* Requests that have got their token, over libcurl and without, and one that waits for another. */
TEST(client_grant_ends_with_its_engine)
{
    enum { CALLS = 3 };
    struct site site = {
        .type = JSON, .answer = "{\"access_token\":\"x\",\"expires_in\":1}", .holds = true};
    struct rig rig;

    rig_init(&rig, &site);
    rig.many[1].call.post = STR("body");
    rig.many[1].call.method = "GET";
    http_call_start(rig.client, &rig.many[0].call);
    http_call_start(rig.client, &rig.many[1].call);
    for (int turn = 0; turn < 1000 && site.held < 2; turn++) {
        loop_turn(rig.loop, 20);
    }
    assert_int_equal(site.held, 2);
    http_call_start(rig.client, &rig.many[2].call);
    rig.client = http_client_free(rig.client);
    rig.engine = http_engine_free(rig.engine);
    for (int i = 0; i < CALLS; i++) {
        assert_false(http_call_is_running(&rig.many[i].call));
    }
    rig.loop = loop_free(rig.loop);
    assert_int_equal(rig.done, 0);
    fake_server_free(rig.fixture.server);
}
