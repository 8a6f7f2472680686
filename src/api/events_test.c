#include "api/events.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "api/api.h"
#include "api/events_watch.h"
#include "base/mem.h"
#include "client/self.h"
#include "testing/test.h"

/* ---- the ring ---- */

static void look(void *context, struct events *events)
{
    int *looks = context;

    (*looks)++;
    events_state(events, STR("{\"n\":1}"));
}

static struct events *make(int *looks)
{
    return events_new(&(struct events_options){.look = look, .context = looks, .boot = 7});
}

static void count_wake(void *context)
{
    (*(int *)context)++;
}

static struct events_client *join(struct events *events, const char *last_id)
{
    struct events_client *client = NULL;
    struct baro_error err = {0};

    assert_ok(events_join(events, str_from(last_id), &client, &err), &err);
    return client;
}

/* Everything that the client may have now, read `step` bytes at a time. */
static void read_all(struct events_client *client, size_t step, struct buf *ret)
{
    char part[4096];

    buf_reset(ret);
    for (size_t n; (n = events_read(client, part, step)) > 0;) {
        buf_str(ret, str_of(part, n));
    }
}

static void expect_all(struct events_client *client, size_t step, const char *want)
{
    struct buf got = {0};

    read_all(client, step, &got);
    assert_str_equal(buf_view(&got), str_from(want));
    buf_done(&got);
}

TEST(events_greet_after_a_look_and_go_on_from_the_last_id)
{
    int looks = 0;
    int wakes = 0;
    struct events *events = make(&looks);
    struct events_client *client = join(events, "");

    events_listen(client, count_wake, &wakes);
    events_post(events, "alerts", STR("{\"before\":1}"));
    expect_all(client, 4096, "retry: 3000\n\n");
    events_look(events);
    assert_int_equal(looks, 1);
    assert_true(wakes >= 2);
    expect_all(client, 3, "id: 7-1\nevent: hello\ndata: {\"n\":1}\n\n");
    events_post(events, "alerts", STR("{\"firing\":1}"));
    events_post(events, "targets", STR("{}"));
    expect_all(
        client, 1,
        "id: 7-2\nevent: alerts\ndata: {\"firing\":1}\n\nid: 7-3\nevent: targets\ndata: {}\n\n");
    events_leave(client);
    client = join(events, "7-2");
    expect_all(client, 4096, "retry: 3000\n\nid: 7-3\nevent: targets\ndata: {}\n\n");
    events_leave(client);
    (void)events_free(events);
}

TEST(events_resync_what_cannot_go_on)
{
    static const struct {
        const char *name;
        const char *last_id;
    } cases[] = {{"of an earlier run", "6-1"}, {"of the future", "7-900"},
                 {"too old", "7-1"},           {"no id", "hello"},
                 {"no number", "7-"},          {"hostile", "7-18446744073709551615"},
                 {"negative", "-7--1"},        {"more than a number", "7-300x"}};
    int looks = 0;
    struct events *events = make(&looks);

    for (int i = 0; i < 300; i++) {
        events_post(events, "rules", STR("{}"));
    }
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct events_client *client = join(events, cases[i].last_id);

        test_row(cases[i].name);
        events_look(events);
        expect_all(client, 4096, "retry: 3000\n\nid: 7-300\nevent: resync\ndata: {\"n\":1}\n\n");
        events_leave(client);
    }
    test_row(NULL);
    (void)events_free(events);
}

TEST(events_tell_a_slow_client_to_ask_anew)
{
    int looks = 0;
    double resyncs = self_get(SELF_EVENTS_RESYNCS);
    struct events *events = make(&looks);
    struct events_client *client = join(events, "");
    char part[8];

    events_look(events);
    assert_int_equal(events_read(client, part, 8), 8); /* the rest of it waits */
    for (int i = 0; i < EVENTS_RING * 3; i++) {
        events_post(events, "rules", STR("{}"));
    }
    events_look(events);
    expect_all(client, 4096, "000\n\nid: 7-768\nevent: hello\ndata: {\"n\":1}\n\n");
    for (int i = 0; i < EVENTS_RING + 1; i++) {
        events_post(events, "rules", STR("{}"));
    }
    expect_all(client, 4096, "id: 7-1025\nevent: resync\ndata: {\"n\":1}\n\n");
    assert_true(self_get(SELF_EVENTS_RESYNCS) - resyncs > 0.5);
    events_leave(client);
    (void)events_free(events);
}

TEST(events_are_bounded)
{
    int looks = 0;
    struct events *events = make(&looks);
    struct events_client *clients[EVENTS_CLIENTS_MAX];
    struct events_client *more = NULL;
    struct baro_error err = {0};
    struct buf huge = {0};

    for (size_t i = 0; i < EVENTS_CLIENTS_MAX; i++) {
        clients[i] = join(events, "");
    }
    assert_int_equal(events_join(events, STR(""), &more, &err), BARO_ELIMIT);
    assert_null(more);
    events_leave(clients[3]);
    clients[3] = join(events, "");
    buf_zero(&huge, EVENT_BYTES_MAX + 1);
    events_look(events);
    events_post(events, "alerts", buf_view(&huge));
    expect_all(clients[3], 4096, "retry: 3000\n\nid: 7-1\nevent: hello\ndata: {\"n\":1}\n\n");
    events_state(events, buf_view(&huge));
    for (size_t i = 0; i < EVENTS_CLIENTS_MAX; i++) {
        events_leave(clients[i]);
    }
    buf_done(&huge);
    (void)events_free(events);
}

/* ---- the thread ---- */

struct pond {
    struct events *events;
    _Atomic int stop;
};

static void *swim(void *context)
{
    struct pond *pond = context;

    for (int i = 0; i < 300 && atomic_load(&pond->stop) == 0; i++) {
        struct events_client *client = NULL;
        char part[64];

        if (events_join(pond->events, i % 2 == 0 ? STR("") : STR("7-3"), &client, NULL) >= 0) {
            events_post(pond->events, "alerts", STR("{}"));
            (void)events_read(client, part, sizeof(part));
            events_leave(client);
        }
    }
    return NULL;
}

static void look_atomic(void *context, struct events *events)
{
    atomic_fetch_add((_Atomic int *)context, 1);
    events_state(events, STR("{}"));
}

TEST(events_thread_looks_only_for_clients_and_ends)
{
    _Atomic int looks = 0;
    struct pond pond = {.events = events_new(&(struct events_options){
                            .look = look_atomic, .context = (void *)&looks, .interval = 1})};
    pthread_t swimmers[3];
    struct events_client *client;
    char part[64];
    size_t got = 0;

    assert_int_equal(atomic_load(&looks), 0);
    for (size_t i = 0; i < ARRAY_COUNT(swimmers); i++) {
        assert_int_equal(pthread_create(&swimmers[i], NULL, swim, &pond), 0);
    }
    for (size_t i = 0; i < ARRAY_COUNT(swimmers); i++) {
        (void)pthread_join(swimmers[i], NULL);
    }
    client = join(pond.events, "");
    for (int i = 0; i < 5000 && got < 20; i++) {
        struct timespec pause = {.tv_nsec = 2000000};

        got += events_read(client, part, sizeof(part));
        (void)nanosleep(&pause, NULL);
    }
    assert_true(got >= 20);
    assert_true(atomic_load(&looks) > 0);
    events_leave(client);
    (void)events_free(pond.events);
}

/* ---- what is found ---- */

struct world {
    enum scrape_health health;
    const char *error;
    size_t target_count;
    enum alert_state alert;
    enum rule_health rule;
    ts config_time;
    bool config_bad;
    bool read_only;
};

static void world_targets(void *app, struct arena *arena, str pool, struct scrape_targets *ret)
{
    struct world *world = app;
    struct scrape_target_info *active =
        ARENA_ARRAY(arena, struct scrape_target_info, world->target_count + 1);

    (void)pool;
    for (size_t i = 0; i < world->target_count; i++) {
        struct label *labels = ARENA_ARRAY(arena, struct label, 2);

        labels[0] = (struct label){STR("instance"), arena_printf(arena, "<h>:%zu", i)};
        labels[1] = (struct label){STR("job"), STR("a")};
        active[i] =
            (struct scrape_target_info){.labels = {labels, 2},
                                        .pool = STR("a"),
                                        .last_error = i == 0 ? str_from(world->error) : STR(""),
                                        .health = i == 0 ? world->health : SCRAPE_HEALTH_UP};
    }
    *ret = (struct scrape_targets){.active = active, .active_count = world->target_count};
}

static void world_rules(void *app, struct arena *arena, struct rule_group_view **ret, size_t *count)
{
    struct world *world = app;
    struct rule_spec *spec = ARENA_NEW(arena, struct rule_spec);

    spec->name = STR("High");
    *ret = ARENA_NEW(arena, struct rule_group_view);
    (*ret)->name = STR("g");
    (*ret)->rules = ARENA_NEW(arena, struct rule_view);
    (*ret)->count = 1;
    (*ret)->rules->spec = spec;
    (*ret)->rules->health = world->rule;
    (*ret)->rules->alerts = ARENA_NEW(arena, struct alert_view);
    (*ret)->rules->alert_count = world->alert == ALERT_INACTIVE ? 0 : 1;
    (*ret)->rules->alerts->state = world->alert;
    *count = 1;
}

static void world_runtime(void *app, struct arena *arena, struct api_runtime *ret)
{
    struct world *world = app;

    (void)arena;
    ret->last_config_time = world->config_time;
    ret->reload_success = !world->config_bad;
}

static bool world_read_only(void *app, char ret_why[TSDB_READ_ONLY_BYTES])
{
    struct world *world = app;

    if (world->read_only) {
        (void)snprintf(ret_why, TSDB_READ_ONLY_BYTES, "disk full");
    }
    return world->read_only;
}

#define TARGETS(unknown, up, down, changed, changes)                                               \
    "targets {\"unknown\":" unknown ",\"up\":" up ",\"down\":" down ",\"changed\":[" changed       \
    "],\"changes\":" changes "}"
#define ALERTS(pending, firing, state)                                                             \
    "alerts {\"suppressed\":0,\"pending\":" pending ",\"firing\":" firing                          \
    ",\"changed\":[{\"alertname\":\"High\",\"group\":\"g\",\"state\":\"" state                     \
    "\"}],\"changes\":1}"

/* Each row is the world after a change, and what is told of it. */
static const struct {
    const char *name;
    struct world world;
    const char *want[3];
} steps[] = {
    {"nothing", {.health = SCRAPE_HEALTH_UP, .target_count = 1}, {NULL}},
    {"a target goes down",
     {.health = SCRAPE_HEALTH_DOWN, .error = "no <b>", .target_count = 1},
     {TARGETS("0", "0", "1",
              "{\"job\":\"a\",\"instance\":\"\\u003ch\\u003e:0\",\"error\":\"no "
              "\\u003cb\\u003e\",\"state\":\"down\"}",
              "1")}},
    {"it is gone",
     {.target_count = 0},
     {TARGETS("0", "0", "0",
              "{\"job\":\"a\",\"instance\":\"\\u003ch\\u003e:0\",\"error\":\"no "
              "\\u003cb\\u003e\",\"state\":\"gone\"}",
              "1")}},
    {"an alert is pending", {.alert = ALERT_PENDING}, {ALERTS("1", "0", "pending")}},
    {"it fires", {.alert = ALERT_FIRING}, {ALERTS("0", "1", "firing")}},
    {"it goes, and its rule fails",
     {.rule = RULE_HEALTH_ERR},
     {ALERTS("0", "0", "gone"),
      "rules {\"unknown\":0,\"ok\":0,\"failing\":1,\"changed\":[{\"rule\":"
      "\"High\",\"group\":\"g\",\"state\":\"err\"}],\"changes\":1}"}},
    {"a reload",
     {.rule = RULE_HEALTH_ERR, .config_time = 5},
     {"config {\"good\":true,\"time\":5}"}},
    {"a bad one, and a full disk",
     {.rule = RULE_HEALTH_ERR, .config_time = 5, .config_bad = true, .read_only = true},
     {"config {\"good\":false,\"time\":5}",
      "notice {\"level\":\"bad\",\"text\":\"The configuration was not reloaded: it has faults, see "
      "the log. The one before goes on.\"}",
      "notice {\"level\":\"bad\",\"text\":\"The storage takes no samples: disk full\"}"}},
    {"room again",
     {.rule = RULE_HEALTH_ERR, .config_time = 5, .config_bad = true},
     {"notice {\"level\":\"ok\",\"text\":\"The storage takes samples again.\"}"}},
};

/* "id: 1-2\nevent: K\ndata: J\n\n" -> "K J". */
static void expect_event(str *text, const char *want)
{
    str kind = str_from_index(*text, str_index(*text, STR("event: ")) + 7);
    size_t end = str_index(kind, STR("\n\n"));
    char got[1024];

    assert_true(end != SIZE_MAX);
    *text = str_from_index(kind, end + 2);
    kind = str_slice(kind, 0, end);
    end = str_index(kind, STR("\ndata: "));
    (void)snprintf(got, sizeof(got), "%.*s %.*s", STR_ARG(str_slice(kind, 0, end)),
                   STR_ARG(str_from_index(kind, end + 7)));
    assert_str_equal(str_from(got), str_from(want));
}

TEST(events_watch_tells_what_changed)
{
    struct world world = {0};
    struct api_context context = {.app = &world,
                                  .sources = {.targets = world_targets,
                                              .rules = world_rules,
                                              .runtime = world_runtime,
                                              .read_only = world_read_only}};
    struct events_watch *watch = events_watch_new(&context);
    struct events *events = events_new(
        &(struct events_options){.look = events_watch_look, .context = watch, .boot = 7});
    struct events_client *client = join(events, "");
    struct buf got = {0};

    world = steps[0].world;
    events_look(events);
    read_all(client, 4096, &got);
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
        str text;

        test_row(steps[i].name);
        world = steps[i].world;
        events_look(events);
        read_all(client, 4096, &got);
        text = buf_view(&got);
        for (size_t j = 0; j < ARRAY_COUNT(steps[i].want) && steps[i].want[j] != NULL; j++) {
            expect_event(&text, steps[i].want[j]);
        }
        assert_str_equal(text, STR(""));
    }
    test_row(NULL);
    buf_done(&got);
    events_leave(client);
    (void)events_free(events);
    (void)events_watch_free(watch);
}

TEST(events_watch_names_few_of_many)
{
    struct world world = {.health = SCRAPE_HEALTH_UP};
    struct api_context context = {.app = &world, .sources = {.targets = world_targets}};
    struct events_watch *watch = events_watch_new(&context);
    struct events *events = events_new(
        &(struct events_options){.look = events_watch_look, .context = watch, .boot = 7});
    struct events_client *client = join(events, "");
    struct buf got = {0};
    size_t named = 0;

    events_look(events);
    read_all(client, 4096, &got);
    world.target_count = 500;
    events_look(events);
    read_all(client, 4096, &got);
    for (str text = buf_view(&got); (text.len > 0);) {
        size_t at = str_index(text, STR("\"instance\""));

        named += at != SIZE_MAX ? 1 : 0;
        text = at != SIZE_MAX ? str_from_index(text, at + 1) : STR("");
    }
    assert_int_equal(named, EVENTS_WATCH_NAMED);
    assert_true(str_index(buf_view(&got), STR("\"changes\":500}")) != SIZE_MAX);
    buf_done(&got);
    events_leave(client);
    (void)events_free(events);
    (void)events_watch_free(watch);
}
