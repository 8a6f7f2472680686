#include "http/client.h"

#include <unistd.h>

#include "base/buf.h"
#include "codec/gzip.h"
#include "conf/prom_config.h"
#include "http/client_settings.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "testing/fake_server.h"
#include "testing/test.h"

/* What the server does is told by the path. */
static bool answer(int fd, const char *head, void *context)
{
    struct buf packed = {0};
    char big[4096];
    bool stays = true;

    (void)context;
    memset(big, 'x', sizeof(big));
    if (strncmp(head, "GET /head", 9) == 0) {
        stays = fake_send_response(fd, "text/plain; version=0.0.4", "", head, strlen(head));
    } else if (strncmp(head, "GET /big", 8) == 0) {
        stays = fake_send_response(fd, NULL, "", big, sizeof(big));
    } else if (strncmp(head, "GET /cut", 8) == 0) {
        (void)fake_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", 43);
        stays = false;
    } else if (strncmp(head, "GET /endless", 12) == 0) {
        (void)fake_send(fd, "HTTP/1.1 200 OK\r\n\r\n", 19);
        while (fake_send(fd, big, sizeof(big))) {
        }
        stays = false;
    } else if (strncmp(head, "GET /slow", 9) == 0) {
        (void)fake_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", 40);
        while (fake_send(fd, "x", 1)) {
            (void)usleep(20000);
        }
        stays = false;
    } else if (strncmp(head, "GET /gzip", 9) == 0 || strncmp(head, "GET /torn", 9) == 0) {
        struct gzip *gzip = gzip_new(6);

        (void)gzip_pack(gzip, str_of(big, sizeof(big)), &packed, NULL);
        (void)gzip_free(gzip);
        packed.len -= head[5] == 't' ? 3 : 0;
        stays = fake_send_response(fd, NULL, "Content-Encoding: gzip\r\n", packed.ptr, packed.len);
    } else if (strncmp(head, "GET /moved", 10) == 0) {
        stays =
            fake_send(fd, "HTTP/1.1 302 Found\r\nLocation: /big\r\nContent-Length: 0\r\n\r\n", 57);
    } else {
        stays = fake_send(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone", 49);
    }
    buf_done(&packed);
    return stays;
}

TEST(client_url_is_shown_without_its_password)
{
    static const struct {
        const char *url;
        const char *want;
    } cases[] = {
        {"http://user:pass@host:80/a", "http://user:***@host:80/a"},
        {"http://user:p:a@s@host/a?b=c:d@e", "http://user:***@host/a?b=c:d@e"},
        {"http://user@host:80/", "http://user@host:80/"},
        {"http://host:80/a:b@c", "http://host:80/a:b@c"},
        {"http://host", "http://host"},
        {"nothing of a URL", "nothing of a URL"},
        {"http://u:p@host/0123456789012345678901234567890123456789",
         "http://u:***@host/012345678901234567890"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char shown[40];

        test_row(cases[i].url);
        assert_string_equal(client_url_show(cases[i].url, shown, sizeof(shown)), cases[i].want);
    }
    test_row(NULL);
}

static const struct prom_http plain = {.follow_redirects = true};

static int fetch(struct fake_server *server, const struct prom_http *settings, const char *path,
                 struct http_call *request, struct buf *body)
{
    char url[128];

    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", fake_server_port(server), path);
    request->url = url;
    request->timeout = request->timeout == 0 ? 5000 : request->timeout;
    (void)http_fetch(settings, request, body);
    request->url = NULL;
    return request->result;
}

TEST(http_client_judges_bodies)
{
    static const struct {
        const char *path;
        uint64_t limit;
        dur timeout;
        int want;
        int status;
        size_t len;
        const char *text;
    } cases[] = {
        {"/big", 0, 0, 0, 200, 4096, ""},
        {"/big", 4097, 0, 0, 200, 4096, ""},
        {"/big", 4096, 0, BARO_ELIMIT, 200, 0, "body size limit exceeded"},
        {"/endless", 100000, 0, BARO_ELIMIT, 200, 0, "body size limit exceeded"},
        {"/cut", 0, 0, BARO_ENETWORK, 200, 0, "unexpected EOF"},
        {"/slow", 0, 1000, BARO_ETIMEOUT, 200, 0, "context deadline exceeded"},
        {"/gzip", 0, 0, 0, 200, 4096, ""},
        {"/gzip", 4096, 0, BARO_ELIMIT, 200, 0, "body size limit exceeded"},
        {"/torn", 0, 0, BARO_ECORRUPT, 200, 0, "gzip"},
        {"/moved", 0, 0, 0, 200, 4096, ""},
        {"/none", 0, 0, 0, 404, 4, ""},
    };
    struct fake_server *server = fake_server_new(answer, NULL);

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct http_call request = {
            .body_bytes_max = cases[i].limit, .timeout = cases[i].timeout, .accept_gzip = true};
        struct buf body = {0};

        test_row(cases[i].path);
        assert_int_equal(fetch(server, &plain, cases[i].path, &request, &body), cases[i].want);
        assert_int_equal(request.status, cases[i].status);
        assert_int_equal(body.len, cases[i].len);
        assert_true(str_contains(str_from(request.err.message), str_from(cases[i].text)));
        assert_int_equal(request.body_is_too_long, cases[i].want == BARO_ELIMIT);
        buf_done(&body);
    }
    test_row(NULL);
    fake_server_free(server);
}

TEST(http_client_gives_up_a_fetch_at_either_flag)
{
    struct fake_server *server = fake_server_new(answer, NULL);
    const _Atomic bool set = true, not_set = false;

    for (int i = 0; i < 2; i++) {
        struct http_call request = {
            .timeout = 60000, .cancel = i == 0 ? &set : &not_set, .kill = i == 0 ? NULL : &set};

        assert_int_equal(fetch(server, &plain, "/slow", &request, NULL), BARO_ECANCELED);
    }
    fake_server_free(server);
}

/* What cannot be kept is no answer, rather than an empty one. */
TEST(http_client_keeps_the_body_or_fails)
{
    struct fake_server *server = fake_server_new(answer, NULL);
    struct http_call request = {0};
    struct buf body = {.limit = 4095};

    assert_int_equal(fetch(server, &plain, "/big", &request, &body), BARO_ELIMIT);
    assert_non_null(strstr(request.err.message, "no memory to keep"));
    buf_reset(&body);
    body.limit = 4096;
    assert_ok(fetch(server, &plain, "/big", &request, &body), &request.err);
    assert_int_equal(body.len, 4096);
    buf_done(&body);
    fake_server_free(server);
}

TEST(http_client_sends_what_the_settings_say)
{
    const char *dir = test_dir();
    char file[256];
    struct conf_strs values = {(str[]){STR("one"), STR("two")}, 2};
    struct prom_header header = {.name = STR("X-Extra"), .values = values};
    struct prom_headers headers = {&header, 1};
    struct prom_basic_auth basic = {.username = STR("ada"), .password = secret_from(STR("pw"))};
    struct prom_authorization bearer = {.type = STR("Bearer")};
    const struct prom_http with_basic = {.basic_auth = &basic, .http_headers = &headers};
    const struct prom_http with_bearer = {.authorization = &bearer};
    struct fake_server *server = fake_server_new(answer, NULL);
    struct http_call request = {0};
    struct buf body = {0};
    FILE *out = NULL;

    assert_ok(fetch(server, &with_basic, "/head", &request, &body), &request.err);
    assert_true(str_contains(buf_view(&body), STR("Authorization: Basic YWRhOnB3\r\n")));
    assert_true(str_contains(buf_view(&body), STR("X-Extra: one\r\nX-Extra: two\r\n")));
    (void)snprintf(file, sizeof(file), "%s/token", dir);
    bearer.credentials_file = str_from(file);
    assert_int_equal(fetch(server, &with_bearer, "/head", &request, NULL), -2);
    out = fopen(file, "w");
    (void)fputs("t0ken\n", out);
    (void)fclose(out);
    buf_reset(&body);
    assert_ok(fetch(server, &with_bearer, "/head", &request, &body), &request.err);
    assert_true(str_contains(buf_view(&body), STR("Authorization: Bearer t0ken\r\n")));
    /* A credential must not be able to add headers of its own. */
    out = fopen(file, "w");
    (void)fputs("a\r\nX-Evil: 1\n", out);
    (void)fclose(out);
    assert_int_equal(fetch(server, &with_bearer, "/head", &request, NULL), BARO_EINVALID);
    buf_done(&body);
    fake_server_free(server);
}

struct many {
    struct http_call request;
    int *done;
    int *good;
};

static void many_done(struct http_call *request)
{
    struct many *many = CONTAINER_OF(request, struct many, request);

    (*many->done)++;
    *many->good += request->result == 0 && request->status == 200 && request->body.len == 4096;
}

TEST(http_client_keeps_connections_and_cancels)
{
    enum { REQUESTS = 20, ROUNDS = 3 };
    struct fake_server *server = fake_server_new(answer, NULL);
    struct loop *loop = NULL;
    struct http_engine *engine = NULL;
    struct http_client *client = NULL;
    struct many many[REQUESTS];
    char url[64];
    int done = 0;
    int good = 0;

    assert_ok(loop_new(clock_real(), NULL, NULL, &loop, NULL), NULL);
    assert_ok(http_engine_new(loop, NULL, &engine, NULL), NULL);
    assert_ok(http_client_new(engine, &plain, &client, NULL), NULL);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/big", fake_server_port(server));
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < REQUESTS; i++) {
            many[i] = (struct many){{.url = url,
                                     .shard = (uint64_t)i,
                                     .timeout = 5000,
                                     .accept_gzip = true,
                                     .done = many_done},
                                    &done,
                                    &good};
            http_call_start(client, &many[i].request);
        }
        for (int turn = 0; turn < 1000 && done < REQUESTS * (round + 1); turn++) {
            loop_turn(loop, 100);
        }
    }
    assert_int_equal(good, REQUESTS * ROUNDS);
    assert_int_equal(fake_server_connections(server), REQUESTS);
    http_call_start(client, &many[0].request);
    http_call_start(client, &many[1].request);
    http_call_cancel(&many[0].request);
    client = http_client_free(client);
    for (int turn = 0; turn < 1500 && done < REQUESTS * ROUNDS + 1; turn++) {
        loop_turn(loop, 20);
    }
    assert_int_equal(done, REQUESTS * ROUNDS + 1);
    http_engine_free(engine);
    loop_free(loop);
    fake_server_free(server);
}

struct again {
    struct http_call request;
    struct http_client *client;
    int count;
};

static void start_again(struct http_call *request)
{
    struct again *again = CONTAINER_OF(request, struct again, request);

    assert_true(request->result < 0);
    if (++again->count < 100) {
        http_call_start(again->client, request);
    }
}

/* One that fails before it is sent, and is started again by its done, leaves the loop its turns. */
TEST(http_client_fails_once_a_turn)
{
    struct prom_authorization bearer = {.type = STR("Bearer"),
                                        .credentials_file = STR("/nowhere/token")};
    const struct prom_http settings = {.authorization = &bearer};
    struct again again = {
        {.url = "http://127.0.0.1:1/", .timeout = 5000, .done = start_again}, NULL, 0};
    struct loop *loop = NULL;
    struct http_engine *engine = NULL;

    assert_ok(loop_new(clock_real(), NULL, NULL, &loop, NULL), NULL);
    assert_ok(http_engine_new(loop, NULL, &engine, NULL), NULL);
    assert_ok(http_client_new(engine, &settings, &again.client, NULL), NULL);
    http_call_start(again.client, &again.request);
    assert_int_equal(again.count, 0);
    for (int turn = 1; turn <= 5; turn++) {
        loop_turn(loop, 1000);
        assert_int_equal(again.count, turn);
    }
    http_call_cancel(&again.request);
    (void)http_client_free(again.client);
    http_engine_free(engine);
    loop_free(loop);
}

TEST(http_client_detours_name_the_true_host)
{
    static const struct {
        const char *url;
        const char *want_url;
        const char *want_connect;
        const char *want_host;
    } cases[] = {
        {"https://10.0.0.1:9100/metrics?a=b", "https://x.example:9100/metrics?a=b",
         "x.example:9100:10.0.0.1:9100", "Host: 10.0.0.1:9100"},
        {"https://host/m", "https://x.example:443/m", "x.example:443:host:443", "Host: host"},
        {"https://[::1]/m", "https://x.example:443/m", "x.example:443:[::1]:443", "Host: [::1]"},
        {"https://[::1]:8/m", "https://x.example:8/m", "x.example:8:[::1]:8", "Host: [::1]:8"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct client_detour detour = {0};

        client_detour_make(cases[i].url, STR("x.example"), &detour);
        assert_string_equal(detour.url, cases[i].want_url);
        assert_string_equal(detour.connect_to, cases[i].want_connect);
        assert_string_equal(detour.host_header, cases[i].want_host);
        client_detour_done(&detour);
    }
}
