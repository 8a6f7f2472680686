#include "scrape/scrape.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/mem.h"
#include "client/self.h"
#include "conf/prom_config.h"
#include "sys/clock.h"
#include "testing/child.h"
#include "testing/fake_server.h"
#include "testing/recorder.h"
#include "testing/test.h"

enum { WAIT_STEPS = 2000, WAIT_STEP_US = 10000 };

/* A target whose answers the test changes while it is scraped. */
struct site {
    struct fake_server *server;
    _Atomic(const char *) body;
    atomic_int status;
    char head[4096]; /* of the last request; lock: mutex */
    pthread_mutex_t mutex;
};

static bool site_answer(int fd, const char *head, void *context)
{
    struct site *site = context;
    const char *body = atomic_load(&site->body);

    (void)pthread_mutex_lock(&site->mutex);
    (void)snprintf(site->head, sizeof(site->head), "%s", head);
    (void)pthread_mutex_unlock(&site->mutex);
    if (atomic_load(&site->status) != 200) {
        return fake_send(fd, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", 56);
    }
    return fake_send_response(fd, "text/plain; version=0.0.4", "", body, strlen(body));
}

struct rig {
    struct site site;
    struct recorder *recorder;
    struct scrape_manager *manager;
    struct buf lines; /* all that was recorded */
};

static void rig_init(struct rig *rig)
{
    const struct scrape_options options = {
        .thread_count = 2, .discovery_reload = 20, .user_agent = "probe/1"};

    memset(rig, 0, sizeof(*rig));
    (void)pthread_mutex_init(&rig->site.mutex, NULL);
    atomic_store(&rig->site.body, "a 1\nb 2\n");
    atomic_store(&rig->site.status, 200);
    rig->site.server = fake_server_new(site_answer, &rig->site);
    rig->recorder = recorder_new();
    rig->manager =
        scrape_manager_new(recorder_appendable(rig->recorder), clock_real(), &options, NULL);
    assert_non_null(rig->manager);
}

static void rig_done(struct rig *rig)
{
    rig->manager = scrape_manager_free(rig->manager);
    fake_server_free(rig->site.server);
    recorder_free(rig->recorder);
    (void)pthread_mutex_destroy(&rig->site.mutex);
    buf_done(&rig->lines);
}

/* Applies a configuration in which PORT stands for the site's port. */
static int rig_apply(struct rig *rig, const char *text, struct baro_error *err)
{
    struct prom_config *config = NULL;
    struct faults faults = {0};
    struct buf filled = {0};
    int result = 0;

    for (const char *at = text; *at != '\0'; at++) {
        if (strncmp(at, "PORT", 4) == 0) {
            buf_printf(&filled, "%d", fake_server_port(rig->site.server));
            at += 3;
        } else {
            buf_char(&filled, *at);
        }
    }
    result = prom_config_parse(buf_view(&filled), "test.yml", NULL, &config, &faults);
    assert_ok(result, &faults.items[0]);
    result = scrape_manager_apply(rig->manager, config, err);
    prom_config_unref(config);
    buf_done(&filled);
    return result;
}

static void rig_collect(struct rig *rig)
{
    char *lines = recorder_take(rig->recorder);

    buf_c(&rig->lines, lines);
    (void)mem_free(lines);
}

/* Waits until the text was recorded, at most twenty seconds. */
static bool rig_wait(struct rig *rig, const char *text)
{
    for (int i = 0; i < WAIT_STEPS; i++) {
        rig_collect(rig);
        if (str_contains(buf_view(&rig->lines), str_from(text))) {
            return true;
        }
        (void)usleep(WAIT_STEP_US);
    }
    return false;
}

/* Whether the last scrape of every target ended with this error, "" when it was good. */
static bool all_ended(struct rig *rig, const char *error)
{
    const enum scrape_health want = *error == '\0' ? SCRAPE_HEALTH_UP : SCRAPE_HEALTH_DOWN;
    struct arena arena = {0};
    struct scrape_targets targets = {0};
    bool is_all = true;

    scrape_manager_targets(rig->manager, &arena, STR_NULL, &targets);
    for (size_t i = 0; i < targets.active_count; i++) {
        is_all = is_all && targets.active[i].health == want &&
                 str_eq(targets.active[i].last_error, str_from(error));
    }
    is_all = is_all && targets.active_count > 0;
    arena_done(&arena);
    return is_all;
}

/* Waits for all_ended, at most twenty seconds: a scrape that came too late on a busy machine is not
 * the last. */
static bool rig_wait_error(struct rig *rig, const char *error)
{
    for (int i = 0; i < WAIT_STEPS; i++) {
        if (all_ended(rig, error)) {
            return true;
        }
        (void)usleep(WAIT_STEP_US);
    }
    return false;
}

/* A scrape that came too late on a busy machine marks what the target sent, never `up`: only a
 * target that has ended does. */
static bool has_ended(struct rig *rig)
{
    str rest = buf_view(&rig->lines);

    for (str line; str_split_next(&rest, '\n', &line);) {
        if (str_has_prefix(line, STR("up{")) && str_contains(line, STR(" stale @"))) {
            return true;
        }
    }
    return false;
}

#define TARGET "instance=\"127.0.0.1:"

static const char *const one_job = "scrape_configs:\n"
                                   "- job_name: j\n"
                                   "  scrape_interval: 200ms\n"
                                   "  scrape_timeout: 200ms\n"
                                   "  params: {x: ['1 2']}\n"
                                   "  static_configs:\n"
                                   "  - targets: ['127.0.0.1:PORT']\n"
                                   "    labels: {zone: z}\n";

TEST(scrape_runs_from_configuration_to_store)
{
    struct rig rig;
    struct arena arena = {0};
    struct scrape_targets targets = {0};
    char want[128];

    rig_init(&rig);
    assert_ok(rig_apply(&rig, one_job, NULL), NULL);
    assert_true(rig_wait(&rig, "up{"));
    (void)snprintf(want, sizeof(want), "a{" TARGET "%d\", job=\"j\", zone=\"z\"} 1 @",
                   fake_server_port(rig.site.server));
    assert_true(rig_wait(&rig, want));
    assert_true(rig_wait_error(&rig, ""));
    scrape_manager_targets(rig.manager, &arena, STR_NULL, &targets);
    assert_int_equal(targets.active_count, 1);
    assert_int_equal(targets.active[0].interval, 200);
    assert_true(str_contains(targets.active[0].scrape_url, STR("/metrics?x=1+2")));
    assert_str_equal(labels_get(targets.active[0].discovered, STR("__scheme__")), STR("http"));
    (void)pthread_mutex_lock(&rig.site.mutex);
    assert_non_null(strstr(rig.site.head, "GET /metrics?x=1+2 HTTP/1.1\r\n"));
    assert_non_null(strstr(rig.site.head, "X-Prometheus-Scrape-Timeout-Seconds: 0.2\r\n"));
    assert_non_null(strstr(rig.site.head, "User-Agent: probe/1\r\n"));
    assert_non_null(strstr(rig.site.head, "Accept-Encoding: gzip\r\n"));
    assert_non_null(strstr(rig.site.head, "Accept: application/openmetrics-text;version=1.0.0;"));
    (void)pthread_mutex_unlock(&rig.site.mutex);
    arena_done(&arena);
    rig_done(&rig);
}

TEST(scrape_marks_stale_when_the_target_fails_and_comes_back)
{
    struct rig rig;

    rig_init(&rig);
    assert_ok(rig_apply(&rig, one_job, NULL), NULL);
    assert_true(rig_wait(&rig, "} 1 @"));
    atomic_store(&rig.site.status, 503);
    buf_reset(&rig.lines);
    assert_true(rig_wait(&rig, "b{" TARGET));
    assert_true(rig_wait(&rig, "stale @"));
    assert_true(rig_wait_error(&rig, "server returned HTTP status 503 Service Unavailable"));
    atomic_store(&rig.site.status, 200);
    buf_reset(&rig.lines);
    assert_true(rig_wait(&rig, "} 2 @"));
    rig_done(&rig);
}

TEST(scrape_keeps_unchanged_targets_over_a_reload)
{
    struct rig rig;
    unsigned connections = 0;
    size_t calls = 0;

    rig_init(&rig);
    assert_ok(rig_apply(&rig, one_job, NULL), NULL);
    assert_true(rig_wait(&rig, "up{"));
    for (int i = 0; i < 5; i++) {
        buf_reset(&rig.lines);
        assert_true(rig_wait(&rig, "up{"));
        if (i == 2) {
            connections = fake_server_connections(rig.site.server);
            calls = recorder_series_calls(rig.recorder);
            assert_ok(rig_apply(&rig, one_job, NULL), NULL);
        }
    }
    assert_int_equal(fake_server_connections(rig.site.server), connections);
    assert_int_equal(recorder_series_calls(rig.recorder), calls);
    assert_false(has_ended(&rig));
    rig_done(&rig);
}

/* How many series have ended: those that a late scrape has marked before count once. */
static size_t stale_count(const struct rig *rig)
{
    const str lines = buf_view(&rig->lines);
    size_t count = 0;

    for (str rest = lines, line; str_split_next(&rest, '\n', &line);) {
        const size_t at = str_index(line, STR(" stale @"));

        /* Nowhere behind: it is the last of its series. */
        count += at != SIZE_MAX && !str_contains(rest, str_slice(line, 0, at + 8));
    }
    return count;
}

TEST(scrape_writes_stale_markers_for_removed_targets)
{
    struct rig rig;

    rig_init(&rig);
    assert_ok(rig_apply(&rig, one_job, NULL), NULL);
    assert_true(rig_wait(&rig, "up{"));
    assert_ok(rig_apply(&rig,
                        "scrape_configs:\n- job_name: j\n  scrape_interval: 200ms\n"
                        "  scrape_timeout: 200ms\n",
                        NULL),
              NULL);
    /* Both series and the five of the target's health. */
    for (int i = 0; i < WAIT_STEPS && stale_count(&rig) < 7; i++) {
        (void)usleep(WAIT_STEP_US);
        rig_collect(&rig);
    }
    assert_int_equal(stale_count(&rig), 7);
    assert_true(has_ended(&rig));
    rig_done(&rig);
}

TEST(scrape_shutdown_and_removed_jobs_leave_no_stale_markers)
{
    struct rig rig;

    rig_init(&rig);
    assert_ok(rig_apply(&rig, one_job, NULL), NULL);
    assert_true(rig_wait(&rig, "up{"));
    assert_ok(rig_apply(&rig, "global: {}\n", NULL), NULL);
    (void)usleep(300000);
    assert_ok(rig_apply(&rig, one_job, NULL), NULL);
    buf_reset(&rig.lines);
    assert_true(rig_wait(&rig, "up{"));
    scrape_manager_stop(rig.manager);
    rig_collect(&rig);
    assert_false(has_ended(&rig));
    rig_done(&rig);
}

TEST(scrape_fails_all_targets_beyond_target_limit)
{
    struct rig rig;
    struct arena arena = {0};
    struct scrape_targets targets = {0};

    rig_init(&rig);
    assert_ok(rig_apply(&rig,
                        "scrape_configs:\n- job_name: j\n  scrape_interval: 50ms\n"
                        "  scrape_timeout: 50ms\n  target_limit: 1\n  keep_dropped_targets: 1\n"
                        "  relabel_configs:\n"
                        "  - {source_labels: [__address__], regex: 'drop.*', action: drop}\n"
                        "  static_configs:\n"
                        "  - targets: ['127.0.0.1:PORT', 'localhost:PORT', drop1, drop2]\n",
                        NULL),
              NULL);
    assert_true(rig_wait_error(&rig, "target_limit exceeded (number of targets: 2, limit: 1)"));
    scrape_manager_targets(rig.manager, &arena, STR_NULL, &targets);
    assert_int_equal(targets.active_count, 2);
    assert_int_equal(targets.dropped_count, 1);
    assert_int_equal(targets.pools[0].dropped_count, 2);
    assert_int_equal(fake_server_connections(rig.site.server), 0);
    arena_done(&arena);
    rig_done(&rig);
}

TEST(scrape_refuses_a_configuration_as_a_whole)
{
    struct rig rig;
    struct baro_error err = {0};
    struct arena arena = {0};
    struct scrape_targets targets = {0};

    rig_init(&rig);
    assert_ok(rig_apply(&rig, one_job, NULL), NULL);
    assert_true(rig_apply(&rig,
                          "scrape_configs:\n- job_name: k\n"
                          "  tls_config: {ca_file: /nowhere/ca.pem}\n"
                          "  static_configs: [{targets: ['127.0.0.1:PORT']}]\n",
                          &err) < 0);
    assert_true(str_contains(str_from(err.message), STR("/nowhere/ca.pem")));
    scrape_manager_targets(rig.manager, &arena, STR_NULL, &targets);
    assert_int_equal(targets.pool_count, 1);
    assert_str_equal(targets.pools[0].name, STR("j"));
    arena_done(&arena);
    rig_done(&rig);
}

TEST(scrape_shows_metadata)
{
    struct rig rig;
    struct arena arena = {0};
    struct scrape_metadata_list list = {0};

    rig_init(&rig);
    atomic_store(&rig.site.body,
                 "# HELP a some \\\\ help\n# TYPE a counter\na 1\n# TYPE b gauge\n");
    assert_ok(rig_apply(&rig, one_job, NULL), NULL);
    /* The first scrape may be too late on a busy machine; a sample is there only after a good one.
     */
    assert_true(rig_wait(&rig, "a{"));
    scrape_manager_metadata(rig.manager, &arena, STR_NULL, (struct matchers){0}, 0, &list);
    assert_int_equal(list.count, 2);
    assert_str_equal(list.items[0].metadata.help, STR("some \\ help"));
    assert_int_equal(list.items[0].metadata.type, METRIC_COUNTER);
    scrape_manager_metadata(rig.manager, &arena, STR("b"), (struct matchers){0}, 0, &list);
    assert_int_equal(list.count, 1);
    assert_str_equal(labels_get(list.items[0].target, STR("job")), STR("j"));
    scrape_manager_metadata(rig.manager, &arena, STR_NULL, (struct matchers){0}, 1, &list);
    assert_int_equal(list.count, 1);
    arena_done(&arena);
    rig_done(&rig);
}

TEST(scrape_follows_files)
{
    struct rig rig;
    char text[512];
    char path[300];
    double errors = self_get(SELF_SD_FILE_READ_ERRORS);
    FILE *out = NULL;

    rig_init(&rig);
    (void)snprintf(path, sizeof(path), "%s/t.json", test_dir());
    (void)snprintf(text, sizeof(text),
                   "scrape_configs:\n- job_name: f\n  scrape_interval: 50ms\n"
                   "  scrape_timeout: 50ms\n  file_sd_configs: [{files: ['%s']}]\n",
                   path);
    assert_ok(rig_apply(&rig, text, NULL), NULL);
    out = fopen(path, "w");
    (void)fprintf(out, "[{\"targets\":[\"127.0.0.1:%d\"],\"labels\":{\"from\":\"file\"}}]",
                  fake_server_port(rig.site.server));
    (void)fclose(out);
    assert_true(rig_wait(&rig, "a{from=\"file\", "));
    /* A broken file changes nothing but the counter. */
    out = fopen(path, "w");
    (void)fprintf(out, "[{");
    (void)fclose(out);
    for (int i = 0; i < WAIT_STEPS && self_get(SELF_SD_FILE_READ_ERRORS) == errors; i++) {
        (void)usleep(WAIT_STEP_US);
    }
    assert_true(self_get(SELF_SD_FILE_READ_ERRORS) > errors);
    buf_reset(&rig.lines);
    assert_true(rig_wait(&rig, "a{from=\"file\", "));
    assert_int_equal(unlink(path), 0);
    assert_true(rig_wait(&rig, "stale @"));
    rig_done(&rig);
}

/* ---- the real thing ---- */

TEST(scrape_takes_the_node_exporter)
{
    uint16_t port = child_port();
    char listen[64];
    const char *args[] = {"prometheus-node-exporter", listen, NULL};
    struct arena arena = {0};
    struct scrape_targets targets = {0};
    struct scrape_metadata_list list = {0};
    struct rig rig;
    char text[256];
    pid_t pid;

    (void)snprintf(listen, sizeof(listen), "--web.listen-address=127.0.0.1:%d", port);
    pid = child_start(args);
    rig_init(&rig);
    (void)snprintf(text, sizeof(text),
                   "scrape_configs:\n- job_name: node\n  scrape_interval: 1s\n"
                   "  scrape_timeout: 1s\n  static_configs: [{targets: ['127.0.0.1:%d']}]\n",
                   port);
    assert_ok(rig_apply(&rig, text, NULL), NULL);
    assert_true(rig_wait(&rig, "node_boot_time_seconds{instance="));
    buf_reset(&rig.lines);
    assert_true(rig_wait(&rig, "node_boot_time_seconds{instance="));
    scrape_manager_targets(rig.manager, &arena, STR_NULL, &targets);
    assert_int_equal(targets.active[0].health, SCRAPE_HEALTH_UP);
    assert_str_equal(targets.active[0].last_error, STR(""));
    scrape_manager_metadata(rig.manager, &arena, STR("node_cpu_seconds_total"),
                            (struct matchers){0}, 0, &list);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].metadata.type, METRIC_COUNTER);
    (void)child_stop(pid, SIGTERM);
    arena_done(&arena);
    rig_done(&rig);
}
