#include "alerting/heartbeat.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/rfc3339.h"
#include "sys/clock.h"
#include "testing/fake_server.h"
#include "testing/test.h"

#define PATIENCE_NS (30 * MONO_PER_SECOND)

/* What is on the other sides. */
struct world {
    struct alert_sink sink;
    struct lock lock;
    uint32_t firing, resolved; /* lock: alerts that were sent */
    char name[64];             /* lock: of the last one */
    _Atomic uint32_t calls;
    _Atomic bool is_well;
    _Atomic bool refuses;
    char head[512]; /* lock: of the last call */
};

static void take(struct alert_sink *sink, const struct alert *alerts, size_t count)
{
    struct world *world = CONTAINER_OF(sink, struct world, sink);

    lock_acquire(&world->lock);
    for (size_t i = 0; i < count; i++) {
        bool over = alerts[i].ends_at <= clock_now(clock_real());

        world->firing += over ? 0 : 1;
        world->resolved += over ? 1 : 0;
        assert_str_equal(labels_get(alerts[i].labels, STR("alertname")), STR("HeartbeatMissing"));
        (void)snprintf(world->name, sizeof(world->name), "%.*s",
                       STR_ARG(labels_get(alerts[i].labels, STR("heartbeat"))));
    }
    lock_release(&world->lock);
}

static bool answer(int fd, const char *head, void *context)
{
    struct world *world = context;

    lock_acquire(&world->lock);
    (void)snprintf(world->head, sizeof(world->head), "%s", head);
    lock_release(&world->lock);
    atomic_fetch_add(&world->calls, 1);
    if (atomic_load(&world->refuses)) {
        static const char no[] = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n";

        return fake_send(fd, no, sizeof(no) - 1);
    }
    return fake_send_response(fd, "text/plain", "", "ok", 2);
}

static bool is_well(void *context, const struct heartbeat_send *send, struct buf *ret_why)
{
    struct world *world = context;

    assert_str_equal(send->name, STR("out"));
    buf_c(ret_why, atomic_load(&world->is_well) ? "" : "the rules sleep");
    return atomic_load(&world->is_well);
}

static struct heartbeat_config *parse(const char *text)
{
    struct heartbeat_config *config = NULL;
    struct faults faults = {0};

    assert_ok(heartbeat_config_parse(STR("h.yml"), str_from(text), &config, &faults),
              &faults.items[0]);
    return config;
}

static struct heartbeats *begin(struct world *world, const char *text, const char *state)
{
    const struct heartbeat_options options = {.sink = &world->sink,
                                              .state_path = state,
                                              .is_well = is_well,
                                              .context = world,
                                              .resend_delay = 100};
    struct heartbeats *beats = NULL;
    struct baro_error err = {0};

    assert_ok(heartbeats_new(&options, parse(text), &beats, &err), &err);
    return beats;
}

static void world_init(struct world *world)
{
    *world = (struct world){.sink = {.send = take}};
    lock_init(&world->lock, LOCK_LEAF);
    atomic_store(&world->is_well, true);
}

static bool shows(struct heartbeats *beats, const char *part)
{
    struct buf text = {0};
    struct json_writer json = json_write_over(&text);
    bool found;

    heartbeats_write(beats, &json);
    found = str_contains(buf_view(&text), str_from(part));
    buf_done(&text);
    return found;
}

static void wait_shown(struct heartbeats *beats, const char *part)
{
    mono end = clock_mono(clock_real()) + PATIENCE_NS;

    while (!shows(beats, part)) {
        assert_true(clock_mono(clock_real()) < end);
        (void)usleep(2000);
    }
}

static void wait_number(struct world *world, const uint32_t *number, uint32_t at_least)
{
    mono end = clock_mono(clock_real()) + PATIENCE_NS;
    uint32_t have = 0;

    while (have < at_least) {
        assert_true(clock_mono(clock_real()) < end);
        (void)usleep(2000);
        lock_acquire(&world->lock);
        have = *number;
        lock_release(&world->lock);
    }
}

TEST(heartbeats_are_sent_while_all_is_well)
{
    struct world world;
    struct heartbeats *beats;
    struct fake_server *server;
    struct buf metrics = {0};
    char text[256];

    world_init(&world);
    server = fake_server_new(answer, &world);
    (void)snprintf(text, sizeof(text),
                   "send: [{name: out, interval: 1s, url: 'http://127.0.0.1:%u/ping/SECRET'}]",
                   fake_server_port(server));
    beats = begin(&world, text, NULL);
    wait_shown(beats, "\"state\":\"ok\"");
    lock_acquire(&world.lock);
    assert_true(str_has_prefix(str_from(world.head), STR("POST /ping/SECRET HTTP/1.1")));
    lock_release(&world.lock);
    atomic_store(&world.is_well, false);
    wait_shown(beats, "\"why\":\"the rules sleep\"");
    assert_true(shows(beats, "\"state\":\"withheld\""));
    atomic_store(&world.refuses, true);
    atomic_store(&world.is_well, true);
    wait_shown(beats, "\"why\":\"answered 500 No\"");
    assert_true(shows(beats, "\"state\":\"failed\""));
    atomic_store(&world.refuses, false);
    wait_shown(beats, "\"state\":\"ok\"");
    assert_false(shows(beats, "SECRET"));
    heartbeats_metrics_write(beats, &metrics);
    assert_true(str_contains(
        buf_view(&metrics),
        STR("barograph_heartbeat_calls_total{heartbeat=\"out\",outcome=\"withheld\"} ")));
    buf_done(&metrics);
    (void)heartbeats_free(beats);
    (void)fake_server_free(server);
    lock_done(&world.lock);
}

TEST(heartbeats_that_stay_away_are_alerts)
{
    static const char text[] = "expect: [{name: job, period: 1s}, {name: slow, period: 1h}]";
    struct world world;
    struct heartbeats *beats;
    struct baro_error err = {0};
    ts due = 0;

    world_init(&world);
    beats = begin(&world, text, NULL);
    assert_int_equal(heartbeats_hear(beats, STR("other"), &due, &err), BARO_ENOTFOUND);
    assert_true(shows(beats, "\"state\":\"new\""));
    wait_number(&world, &world.firing, 3); /* it is told again and again */
    assert_true(shows(beats, "\"state\":\"missing\""));
    assert_string_equal(world.name, "job");
    assert_ok(heartbeats_hear(beats, STR("job"), &due, &err), &err);
    assert_true(due > clock_now(clock_real()) - PATIENCE_NS / MONO_PER_MS);
    wait_number(&world, &world.resolved, 1);
    assert_ok(heartbeats_hear(beats, STR("slow"), &due, &err), &err);
    (void)heartbeats_free(beats);
    assert_string_equal(world.name, "job");
    lock_done(&world.lock);
}

TEST(heartbeats_survive_a_restart_and_a_reload)
{
    static const char text[] = "expect: [{name: a, period: 1h}, {name: b, period: 1h}]";
    static const char after[] = "expect: [{name: a, period: 2h}]";
    struct world world;
    struct heartbeats *beats;
    struct baro_error err = {0};
    char path[512];
    char want[80];
    struct buf time = {0};
    ts due = 0;

    world_init(&world);
    (void)snprintf(path, sizeof(path), "%s/heartbeats.db", test_dir());
    beats = begin(&world, text, path);
    assert_ok(heartbeats_hear(beats, STR("a"), &due, &err), &err);
    (void)heartbeats_free(beats);
    beats = begin(&world, text, path);
    assert_true(shows(beats, "{\"name\":\"a\",\"periodSeconds\":3600,\"graceSeconds\":0,\"state\":"
                             "\"ok\""));
    assert_true(shows(beats, "{\"name\":\"b\",\"periodSeconds\":3600,\"graceSeconds\":0,\"state\":"
                             "\"new\""));
    assert_ok(heartbeats_apply(beats, parse(after), &err), &err);
    assert_true(shows(beats, "\"periodSeconds\":7200,\"graceSeconds\":0,\"state\":\"ok\""));
    assert_false(shows(beats, "\"name\":\"b\""));
    rfc3339_format(&time, due + DUR_HOUR);
    (void)snprintf(want, sizeof(want), "\"dueAt\":\"%.*s\"", STR_ARG(buf_view(&time)));
    assert_true(shows(beats, want));
    assert_ok(heartbeats_hear(beats, STR("a"), &due, &err), &err);
    buf_done(&time);
    (void)heartbeats_free(beats);
    lock_done(&world.lock);
}

static void heard(void *context, str name, ts heard_at)
{
    ts *last = context;

    assert_str_equal(name, STR("in"));
    *last = heard_at;
}

static ts known(void *context, str name)
{
    const ts *now = context;

    assert_str_equal(name, STR("in"));
    return *now;
}

/* What a peer has heard counts, but not what is older or lies in the future. */
TEST(heartbeats_take_what_peers_have_heard)
{
    struct world world;
    ts last = 0;
    const struct heartbeat_options options = {
        .sink = &world.sink, .heard = heard, .context = &last, .resend_delay = 100};
    CLEANUP(heartbeats_freep) struct heartbeats *beats = NULL;
    struct baro_error err = {0};
    ts now = clock_now(clock_real());
    ts due = 0;

    world_init(&world);
    assert_ok(heartbeats_new(&options, parse("expect: [{name: in, period: 1h, grace: 1h}]"), &beats,
                             &err),
              &err);
    assert_int_equal(last, 0);
    assert_false(heartbeats_merge(beats, STR("other"), now));
    assert_true(heartbeats_merge(beats, STR("in"), now - 3 * (ts)DUR_HOUR));
    wait_shown(beats, "\"state\":\"missing\"");
    assert_true(heartbeats_merge(beats, STR("in"), now - 1000));
    wait_shown(beats, "\"state\":\"ok\"");
    wait_number(&world, &world.resolved, 1);
    assert_true(heartbeats_merge(beats, STR("in"), now - 4 * (ts)DUR_HOUR));
    assert_true(shows(beats, "\"state\":\"ok\""));
    assert_true(heartbeats_merge(beats, STR("in"), now + 100 * (ts)DUR_HOUR));
    heartbeats_ask(beats, known, &now);
    assert_int_equal(last, 0); /* peers know what they have told */
    assert_ok(heartbeats_hear(beats, STR("in"), &due, &err), &err);
    assert_true(last >= now && due == last + 2 * (ts)DUR_HOUR);
    last = 0;
    assert_ok(heartbeats_apply(beats, parse("expect: [{name: in, period: 2h}]"), &err), &err);
    assert_true(last >= now);
}
