#include "discover/discover.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "client/self.h"
#include "conf/prom_config.h"
#include "discover/discover_priv.h"
#include "http/client.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "testing/fake_server.h"
#include "testing/test.h"

/* ---- texts ---- */

static void group_print(const struct target_group *group, void *context)
{
    struct buf *buf = context;

    buf_printf(buf, "%.*s ", STR_ARG(group->source));
    labels_format(buf, group->labels);
    for (size_t i = 0; i < group->target_count; i++) {
        buf_printf(buf, " %.*s", STR_ARG(group->addresses[i]));
        if (group->extra != NULL) {
            labels_format(buf, group->extra[i]);
        }
    }
    buf_char(buf, '\n');
}

TEST(target_groups_read_both_languages)
{
    static const struct {
        const char *json;
        const char *yaml;
        int want;
        const char *text; /* the groups, or part of the message */
    } cases[] = {
        {"[]", "[]", 0, ""},
        {"[]", "", 0, ""},
        {"[{\"targets\":[\"a:1\",\"b:2\"],\"labels\":{\"x\":\"y\"}},{\"targets\":[]}]",
         "- targets: [a:1, 'b:2']\n  labels: {x: y}\n- targets: []\n", 0,
         "n:0 {m=\"n\", x=\"y\"} a:1 b:2\nn:1 {m=\"n\"}\n"},
        {"[{\"targets\":null,\"labels\":null}]", "- targets:\n  labels:\n", 0, "n:0 {m=\"n\"}\n"},
        {"[{\"targets\":[],\"labels\":{\"m\":\"mine\"}}]", "- labels: {m: mine}\n", 0,
         "n:0 {m=\"n\"}\n"},
        {"{}", "a: b\n", BARO_EPARSE, "not a list"},
        {"[1]", "- 1\n", BARO_EPARSE, "group 0"},
        {"[{\"target\":[]}]", "- target: []\n", BARO_EPARSE, "target"},
        {"[{\"targets\":\"a\"}]", "- targets: a\n", BARO_EPARSE, "targets"},
        {"[{\"targets\":[[]]}]", "- targets: [[]]\n", BARO_EPARSE, "not a string"},
        {"[{\"labels\":{\"\":\"x\"}}]", "- labels: {'': x}\n", BARO_EPARSE,
         "not a valid label name"},
        {"[{\"labels\":{\"a\":{}}}]", "- labels: {a: {}}\n", BARO_EPARSE, "not a string"},
        {"[{\"labels\":[]}]", "- labels: []\n", BARO_EPARSE, "labels"},
        {"[", "[", BARO_EPARSE, ""},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        for (int yaml = 0; yaml < 2; yaml++) {
            CLEANUP(target_groups_freep) struct target_groups *groups = NULL;
            const char *text = yaml != 0 ? cases[i].yaml : cases[i].json;
            struct baro_error err = {0};
            struct buf printed = {0};

            test_row(text);
            assert_int_equal((yaml != 0 ? target_groups_read_yaml : target_groups_read_json)(
                                 str_from(text), STR("n"), STR("m"), &groups, &err),
                             cases[i].want);
            if (cases[i].want == 0) {
                for (size_t k = 0; k < groups->count; k++) {
                    group_print(&groups->items[k], &printed);
                }
                assert_str_equal(buf_view(&printed), str_from(cases[i].text));
            } else {
                assert_true(str_contains(str_from(err.message), str_from(cases[i].text)));
            }
            buf_done(&printed);
        }
    }
    test_row(NULL);
}

/* ---- running sources ---- */

struct rig {
    struct loop *loop;
    struct http_engine *engine;
    struct discover *discover;
    int changes;
};

static void changed(void *context)
{
    ((struct rig *)context)->changes++;
}

static void rig_init(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    assert_ok(loop_new(clock_real(), NULL, NULL, &rig->loop, NULL), NULL);
    assert_ok(http_engine_new(rig->loop, NULL, &rig->engine, NULL), NULL);
    assert_ok(discover_new(rig->loop, rig->engine, changed, rig, &rig->discover, NULL), NULL);
}

static void rig_done(struct rig *rig)
{
    discover_free(rig->discover);
    http_engine_free(rig->engine);
    loop_free(rig->loop);
}

static int rig_apply(struct rig *rig, const char *text, struct baro_error *err)
{
    struct prom_config *config = NULL;
    struct faults faults = {0};
    int result = prom_config_parse(str_from(text), "test.yml", NULL, &config, &faults);

    assert_ok(result, &faults.items[0]);
    result = discover_apply(rig->discover, config, err);
    prom_config_unref(config);
    return result;
}

/* Of 20 ms at most: half a minute, which a busy machine may take. */
enum { TURNS_MAX = 1500 };

/* Turns the loop until job j has exactly these groups. */
static void rig_expect(struct rig *rig, const char *want)
{
    struct buf got = {0};

    for (int i = 0; i < TURNS_MAX; i++) {
        buf_reset(&got);
        discover_each(rig->discover, STR("j"), group_print, &got);
        if (str_is(buf_view(&got), want)) {
            break;
        }
        loop_turn(rig->loop, 20);
    }
    assert_str_equal(buf_view(&got), str_from(want));
    buf_done(&got);
}

TEST(discover_takes_static_lists)
{
    struct rig rig;

    rig_init(&rig);
    assert_ok(rig_apply(&rig,
                        "scrape_configs:\n- job_name: j\n  static_configs:\n"
                        "  - {targets: [a, b], labels: {x: y}}\n  - {targets: [c]}\n"
                        "- job_name: k\n  static_configs: [{targets: [d]}]\n",
                        NULL),
              NULL);
    rig_expect(&rig, "0 {x=\"y\"} a b\n1 {} c\n");
    assert_int_equal(rig.changes, 0);
    rig_done(&rig);
}

TEST(discover_refuses_kinds_that_are_not_run)
{
    struct rig rig;
    struct baro_error err = {0};

    rig_init(&rig);
    assert_ok(
        rig_apply(&rig, "scrape_configs: [{job_name: j, static_configs: [{targets: [a]}]}]", NULL),
        NULL);
    assert_int_equal(rig_apply(&rig,
                               "scrape_configs:\n- job_name: j\n"
                               "  consul_sd_configs: [{server: 'localhost:1'}]\n",
                               &err),
                     BARO_EUNSUPPORTED);
    assert_true(str_contains(str_from(err.message), STR("consul_sd_configs")));
    rig_expect(&rig, "0 {} a\n");
    rig_done(&rig);
}

static void file_write(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");

    assert_non_null(out);
    (void)fputs(text, out);
    (void)fclose(out);
}

TEST(discover_keeps_the_last_good_file)
{
    struct rig rig;
    char json[300];
    char yaml[300];
    char config[512];
    char want[1400];
    const char *dir = test_dir();
    double errors = self_get(SELF_SD_FILE_READ_ERRORS);

    rig_init(&rig);
    (void)snprintf(json, sizeof(json), "%s/a.json", dir);
    (void)snprintf(yaml, sizeof(yaml), "%s/b.yml", dir);
    (void)snprintf(config, sizeof(config),
                   "scrape_configs:\n- job_name: j\n  file_sd_configs:\n"
                   "  - {files: ['%s/*.json', '%s/b.yml']}\n",
                   dir, dir);
    file_write(json, "[{\"targets\":[\"a\"]}]");
    assert_ok(rig_apply(&rig, config, NULL), NULL);
    (void)snprintf(want, sizeof(want), "%s:0 {__meta_filepath=\"%s\"} a\n", json, json);
    rig_expect(&rig, want);
    file_write(yaml, "- targets: [b]\n");
    (void)snprintf(want, sizeof(want),
                   "%s:0 {__meta_filepath=\"%s\"} a\n%s:0 {__meta_filepath=\"%s\"} b\n", json, json,
                   yaml, yaml);
    rig_expect(&rig, want);
    assert_true(rig.changes > 0);
    file_write(json, "[{\"targets\":[");
    for (int i = 0; i < TURNS_MAX && self_get(SELF_SD_FILE_READ_ERRORS) == errors; i++) {
        loop_turn(rig.loop, 20);
    }
    rig_expect(&rig, want);
    assert_int_equal(unlink(json), 0);
    (void)snprintf(want, sizeof(want), "%s:0 {__meta_filepath=\"%s\"} b\n", yaml, yaml);
    rig_expect(&rig, want);
    rig_done(&rig);
}

/* ---- HTTP ---- */

struct site {
    _Atomic(const char *) type;
    atomic_int served;
};

static bool site_answer(int fd, const char *head, void *context)
{
    struct site *site = context;
    static const char body[] = "[{\"targets\":[\"h:1\"],\"labels\":{\"x\":\"y\"}}]";

    assert_non_null(strstr(head, "X-Prometheus-Refresh-Interval-Seconds: 1\r\n"));
    assert_non_null(strstr(head, "Accept: application/json\r\n"));
    atomic_fetch_add(&site->served, 1);
    return fake_send_response(fd, atomic_load(&site->type), "", body, strlen(body));
}

TEST(discover_asks_over_http_and_survives_failure)
{
    struct rig rig;
    struct site site = {.type = "application/json; charset=utf-8"};
    struct fake_server *server = fake_server_new(site_answer, &site);
    double failures = self_get(SELF_SD_HTTP_FAILURES);
    char config[256];
    char want[256];

    rig_init(&rig);
    (void)snprintf(config, sizeof(config),
                   "scrape_configs:\n- job_name: j\n  http_sd_configs:\n"
                   "  - {url: 'http://127.0.0.1:%d/sd', refresh_interval: 1s}\n",
                   fake_server_port(server));
    (void)snprintf(
        want, sizeof(want),
        "http://127.0.0.1:%d/sd:0 {__meta_url=\"http://127.0.0.1:%d/sd\", x=\"y\"} h:1\n",
        fake_server_port(server), fake_server_port(server));
    assert_ok(rig_apply(&rig, config, NULL), NULL);
    rig_expect(&rig, want);
    atomic_store(&site.type, "text/html");
    for (int i = 0; i < TURNS_MAX && self_get(SELF_SD_HTTP_FAILURES) == failures; i++) {
        loop_turn(rig.loop, 20);
    }
    assert_true(self_get(SELF_SD_HTTP_FAILURES) > failures);
    rig_expect(&rig, want);
    /* The same source under a new configuration keeps what it had, before it answers again. */
    assert_ok(rig_apply(&rig, config, NULL), NULL);
    rig_expect(&rig, want);
    rig_done(&rig);
    fake_server_free(server);
}

/* ---- DNS ---- */

/* Answers each question on a loopback port: A, AAAA and SRV of "good.example", no such name else.
 */
struct dns_site {
    int fd;
    pthread_t thread;
    atomic_bool is_stopped;
    char address[32];
};

static size_t rdata_put(unsigned char *at, int type)
{
    static const unsigned char a[] = {0, 4, 10, 0, 0, 7};
    static const unsigned char aaaa[] = {0, 16, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};
    static const unsigned char srv[] = {0,   15, 0,   1,   0,   1,   0x23, 0x8c, 1,
                                        't', 4,  't', 'e', 's', 't', 1,    'z',  0};
    static const unsigned char mx[] = {0, 8, 0, 5, 4, 'm', 'a', 'i', 'l', 0};
    static const unsigned char ns[] = {0, 4, 2, 'n', 's', 0};

    switch (type) {
    case 1:
        memcpy(at, a, sizeof(a));
        return sizeof(a);
    case 28:
        memcpy(at, aaaa, sizeof(aaaa));
        return sizeof(aaaa);
    case 33:
        memcpy(at, srv, sizeof(srv));
        at[1] = (unsigned char)(sizeof(srv) - 2);
        return sizeof(srv);
    case 15:
        memcpy(at, mx, sizeof(mx));
        return sizeof(mx);
    default:
        memcpy(at, ns, sizeof(ns));
        return sizeof(ns);
    }
}

static void *dns_site_run(void *argument)
{
    struct dns_site *site = argument;

    while (!atomic_load(&site->is_stopped)) {
        unsigned char text[512];
        struct sockaddr_in peer = {0};
        socklen_t peer_len = sizeof(peer);
        struct pollfd waiting = {.fd = site->fd, .events = POLLIN};
        ssize_t len = 0;
        size_t end = 12;

        if (poll(&waiting, 1, 20) <= 0) {
            continue;
        }
        len = recvfrom(site->fd, text, 256, 0, (struct sockaddr *)&peer, &peer_len);
        if (len < 17) {
            continue;
        }
        while (text[end] != 0 && end + 5 < (size_t)len) {
            end += 1U + text[end];
        }
        end += 5;
        text[2] = 0x84;
        text[3] = 0x80;
        text[7] = 0;
        memset(text + 8, 0, 4);
        if (memcmp(text + 12, "\4good", 5) == 0) {
            static const unsigned char head[] = {0xc0, 12, 0, 0, 0, 1, 0, 0, 0, 60};
            int type = text[end - 3];

            text[7] = 1;
            memcpy(text + end, head, sizeof(head));
            text[end + 3] = (unsigned char)type;
            end += sizeof(head);
            end += rdata_put(text + end, type);
        } else {
            text[3] = memcmp(text + 12, "\6broken", 7) == 0 ? 0x82 : 0x83;
        }
        (void)sendto(site->fd, text, end, 0, (struct sockaddr *)&peer, peer_len);
    }
    return NULL;
}

static void dns_site_start(struct dns_site *site)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);

    memset(site, 0, sizeof(*site));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    site->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(site->fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(site->fd, (struct sockaddr *)&address, &len), 0);
    (void)snprintf(site->address, sizeof(site->address), "127.0.0.1:%d", ntohs(address.sin_port));
    assert_int_equal(pthread_create(&site->thread, NULL, dns_site_run, site), 0);
}

static void dns_site_stop(struct dns_site *site)
{
    atomic_store(&site->is_stopped, true);
    (void)pthread_join(site->thread, NULL);
    (void)close(site->fd);
}

TEST(discover_resolves_names)
{
    static const struct {
        const char *type;
        const char *name;
        const char *want;
    } cases[] = {
        {"A", "good.example.", "good.example. {} 10.0.0.7:80{__meta_dns_name=\"good.example.\"}\n"},
        {"AAAA", "good.example.",
         "good.example. {} [fd00::9]:80{__meta_dns_name=\"good.example.\"}\n"},
        {"SRV", "good.example.",
         "good.example. {} t.test.z:9100{__meta_dns_name=\"good.example.\", "
         "__meta_dns_srv_record_port=\"9100\", __meta_dns_srv_record_target=\"t.test.z.\"}\n"},
        {"MX", "good.example.",
         "good.example. {} mail:80{__meta_dns_mx_record_target=\"mail.\", "
         "__meta_dns_name=\"good.example.\"}\n"},
        {"NS", "good.example.",
         "good.example. {} ns:80{__meta_dns_name=\"good.example.\", "
         "__meta_dns_ns_record_target=\"ns.\"}\n"},
        {"A", "missing.example.", "missing.example. {}\n"},
    };
    struct dns_site site;

    dns_site_start(&site);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct rig rig;
        char config[256];

        test_row(cases[i].type);
        rig_init(&rig);
        rig.discover->dns_servers = site.address;
        (void)snprintf(config, sizeof(config),
                       "scrape_configs:\n- job_name: j\n  dns_sd_configs:\n"
                       "  - {names: [%s], type: %s, port: 80}\n",
                       cases[i].name, cases[i].type);
        assert_ok(rig_apply(&rig, config, NULL), NULL);
        rig_expect(&rig, cases[i].want);
        rig_done(&rig);
    }
    test_row(NULL);
    dns_site_stop(&site);
}

TEST(discover_counts_names_that_cannot_be_resolved)
{
    struct rig rig;
    struct dns_site site;
    double failures = self_get(SELF_SD_DNS_LOOKUP_FAILURES);

    dns_site_start(&site);
    rig_init(&rig);
    rig.discover->dns_servers = site.address;
    assert_ok(rig_apply(&rig,
                        "scrape_configs:\n- job_name: j\n  dns_sd_configs:\n"
                        "  - {names: [broken.example.], type: A, port: 80}\n",
                        NULL),
              NULL);
    for (int i = 0; i < TURNS_MAX && self_get(SELF_SD_DNS_LOOKUP_FAILURES) == failures; i++) {
        loop_turn(rig.loop, 20);
    }
    assert_true(self_get(SELF_SD_DNS_LOOKUP_FAILURES) > failures);
    rig_expect(&rig, "");
    rig_done(&rig);
    dns_site_stop(&site);
}
