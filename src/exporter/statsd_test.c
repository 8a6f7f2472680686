#include <arpa/inet.h>
#include <math.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "exporter/exporter_test.h"
#include "exporter/sketch.h"
#include "exporter/statsd.h"
#include "sys/clock.h"
#include "testing/test.h"

/* ---- lines ---- */

static void event_print(void *context, const struct statsd_event *event)
{
    static const char *const types[] = {"c", "g", "o"};
    struct buf *out = context;

    buf_printf(out, "%s %.*s %g%s", types[event->type], STR_ARG(event->name), event->value,
               event->is_relative ? " rel" : "");
    if (event->repeats != 1) {
        buf_printf(out, " x%zu", event->repeats);
    }
    for (size_t i = 0; i < event->tag_count; i++) {
        buf_printf(out, " %.*s=%.*s", STR_ARG(event->tags[i].name), STR_ARG(event->tags[i].value));
    }
    buf_char(out, ';');
}

static void fault_print(void *context, enum statsd_fault fault)
{
    buf_printf(context, "!%s;", statsd_fault_name(fault));
}

TEST(statsd_lines_of_every_style)
{
    static const struct {
        const char *line;
        const char *want;
    } cases[] = {
        {"a.b:3|c", "c a.b 3;"},
        {"a:1|c|@0.1", "c a 10;"},
        {"a:-1.5|g", "g a -1.5 rel;"},
        {"a:+2|g", "g a 2 rel;"},
        {"a:2|g", "g a 2;"},
        {"a:1500|ms", "o a 1.5;"},
        {"a:2|h|@0.25", "o a 2 x4;"},
        {"a:2|d", "o a 2;"},
        {"a:2|h|@0.000001", "o a 2 x1000;"},
        {"a:1|c:2|c:3|ms", "c a 1;c a 2;o a 0.003;"},
        {"a:1:2:3|c", "c a 1;c a 2;c a 3;"},
        {"a:1:2|ms|#k:v", "o a 0.001 k=v;o a 0.002 k=v;"},
        {"a:1|c|#k:v,k2:v2:x", "c a 1 k=v k2=v2:x;"},
        {"a:1|c|@0.5|#k:v", "c a 2 k=v;"},
        {"a,k=v,k2=v2:1|c", "c a 1 k=v k2=v2;"},
        {"a#k=v:1|c", "c a 1 k=v;"},
        {"a[k=v,k2=v:2]:1|c", "c a 1 k=v k2=v:2;"},
        {"[k=v]a:1|c", "c a 1 k=v;"},
        {"a,k=v:1|c|#x:y", "!mixed_tagging_styles;"},
        {"a:1|c|#broken", "!malformed_tag;c a 1;"},
        {"a,=v:1|c", "!malformed_tag;c a 1;"},
        {"", ""},
        {"a", "!malformed_line;"},
        {":1|c", "!malformed_line;"},
        {"a:", "!malformed_component;"},
        {"a:1", "!malformed_component;"},
        {"a:1|", "!malformed_component;"},
        {"a:x|c", "!malformed_value;"},
        {"a:|c", "!malformed_value;"},
        {"a:0x10|c", "!malformed_value;"},
        {"a:nan|c", "!malformed_value;"},
        {"a:1e308|c|@0.001", "!malformed_value;"},
        {"a:inf|ms", "!malformed_value;"},
        {"a:inf|g", "g a inf;"},
        {"a:1|s", "!illegal_event;"},
        {"a:1|c|@0", "!invalid_sample_factor;c a 1;"},
        {"a:1|c|@x", "!invalid_sample_factor;c a 1;"},
        {"a:1|c|@2", "!invalid_sample_factor;c a 1;"},
        {"a:1|c|what", "!malformed_component;"},
        {"\xff:1|c", "!malformed_line;"},
        {",k=v:1|c", "!malformed_line;"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf out = {0};
        const struct statsd_sink sink = {event_print, fault_print, &out};

        test_row(cases[i].line);
        statsd_line_parse(str_from(cases[i].line), &sink);
        assert_str_equal(buf_view(&out), str_from(cases[i].want));
        buf_done(&out);
    }
    test_row(NULL);
}

TEST(statsd_lines_are_bounded)
{
    struct buf line = {0};
    struct buf out = {0};
    const struct statsd_sink sink = {event_print, fault_print, &out};

    buf_c(&line, "a:1|c|#");
    for (int i = 0; i < 40; i++) {
        buf_printf(&line, "%sk%d:v", i > 0 ? "," : "", i);
    }
    statsd_line_parse(buf_view(&line), &sink);
    assert_true(str_has_prefix(buf_view(&out), STR("!malformed_tag;c a 1 k0=v")));
    assert_true(str_contains(buf_view(&out), STR("k31=v")));
    assert_false(str_contains(buf_view(&out), STR("k32=v")));
    buf_reset(&out);
    while (line.len <= STATSD_LINE_BYTES_MAX) {
        buf_char(&line, 'x');
    }
    statsd_line_parse(buf_view(&line), &sink);
    assert_str_equal(buf_view(&out), STR("!malformed_line;"));
    buf_reset(&out);
    statsd_line_parse(STR("a,k=v\0w:1|c"), &sink); /* a label's value would end in the middle */
    assert_str_equal(buf_view(&out), STR("!malformed_line;"));
    buf_done(&line);
    buf_done(&out);
}

/* ---- mapping ---- */

static struct statsd_map *map_of(const char *yaml)
{
    struct faults faults = {0};
    struct statsd_map *map = NULL;

    (void)statsd_map_parse(str_from(yaml), "map.yml", &map, &faults);
    assert_ok(faults.total > 0 ? faults.items[0].code : 0, &faults.items[0]);
    return map;
}

static void mapped_print(const struct statsd_mapped *mapped, struct buf *out)
{
    buf_printf(out, "%s%.*s",
               mapped->is_dropped  ? "drop "
               : mapped->is_mapped ? ""
                                   : "unmapped ",
               STR_ARG(mapped->name));
    for (size_t i = 0; i < mapped->tag_count; i++) {
        buf_printf(out, " %.*s=%.*s", STR_ARG(mapped->tags[i].name),
                   STR_ARG(mapped->tags[i].value));
    }
}

TEST(statsd_names_are_mapped)
{
    static const char yaml[] =
        "defaults: {timer_type: histogram, buckets: [1, 2]}\n"
        "mappings:\n"
        "- {match: a.*.b, name: 'a_$1', labels: {x: '${1}y', z: '$1-$2'}}\n"
        "- {match: only.counters, name: counters, match_metric_type: counter}\n"
        "- {match: only.*, action: drop}\n"
        "- {match: '^r([0-9]+)\\.(.*)$', match_type: regex, name: r, labels: {n: '$1', rest: "
        "'$2'}}\n"
        "- {match: tagged, name: tagged, labels: {k: rule}}\n"
        "- {match: honest, name: honest, labels: {k: rule}, honor_labels: true}\n"
        "- {match: 0.bad, name: 0-bad.name}\n";
    static const struct statsd_tag tag = {STR_INIT("k"), STR_INIT("sent")};
    static const struct {
        const char *name;
        enum statsd_type type;
        bool has_tag;
        const char *want;
    } cases[] = {
        {"a.foo.b", STATSD_COUNTER, false, "a_foo x=fooy z=foo-"},
        {"a.foo.bar.b", STATSD_COUNTER, false, "unmapped a_foo_bar_b"},
        {"a.foo", STATSD_COUNTER, false, "unmapped a_foo"},
        {"only.counters", STATSD_COUNTER, false, "counters"},
        {"only.counters", STATSD_GAUGE, false, "drop "},
        {"r12.x.y", STATSD_COUNTER, false, "r n=12 rest=x.y"},
        {"rx", STATSD_COUNTER, false, "unmapped rx"},
        {"tagged", STATSD_COUNTER, true, "tagged k=rule"},
        {"honest", STATSD_COUNTER, true, "honest k=sent"},
        {"free", STATSD_COUNTER, true, "unmapped free k=sent"},
        {"0.bad", STATSD_COUNTER, false, "_0_bad_name"},
        {"9-x/y", STATSD_COUNTER, false, "unmapped _9_x_y"},
    };
    CLEANUP(statsd_map_freep) struct statsd_map *map = map_of(yaml);

    assert_true(statsd_map_count(map) == 7);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct statsd_event event = {.type = cases[i].type,
                                           .name = str_from(cases[i].name),
                                           .tags = &tag,
                                           .tag_count = cases[i].has_tag ? 1 : 0};
        struct statsd_mapped mapped;
        struct arena arena = {0};
        struct buf out = {0};

        test_row(cases[i].name);
        statsd_map_find(map, &event, &arena, &mapped);
        mapped_print(&mapped, &out);
        assert_str_equal(buf_view(&out), str_from(cases[i].want));
        assert_true(mapped.observer->is_histogram && mapped.observer->bucket_count == 2);
        buf_done(&out);
        arena_done(&arena);
    }
    test_row(NULL);
}

TEST(statsd_mapping_faults_say_where)
{
    static const struct {
        const char *yaml;
        uint32_t line;
        const char *part;
    } cases[] = {
        {"mappings:\n- {name: x}\n", 2, "needs a match"},
        {"mappings:\n- {match: a}\n", 2, "needs a name"},
        {"mappings:\n- {match: 'a b', name: x}\n", 2, "no glob"},
        {"mappings:\n- {match: 'a.b*', name: x}\n", 2, "no glob"},
        {"mappings:\n- {match: 'a(', match_type: regex, name: x}\n", 2, "missing"},
        {"mappings:\n- {match: a, name: x, action: what}\n", 2, "map or drop"},
        {"mappings:\n- {match: a, name: x, match_type: what}\n", 2, "glob or regex"},
        {"mappings:\n- {match: a, name: x, match_metric_type: what}\n", 2, "observer"},
        {"mappings:\n- {match: a, name: x, timer_type: what}\n", 2, "histogram or summary"},
        {"mappings:\n- {match: a, name: x, buckets: [2, 1]}\n", 2, "rise"},
        {"mappings:\n- {match: a, name: x, buckets: [x]}\n", 2, "not a number"},
        {"mappings:\n- {match: a, name: x, quantiles: [{quantile: 2}]}\n", 2, "between 0 and 1"},
        {"mappings:\n- {match: a, name: x, quantiles: [1]}\n", 2, "quantile: 0.5"},
        {"mappings:\n- {match: a, name: x, nonsense: 1}\n", 2, "nonsense"},
        {"mappings:\n- {match: a, name: x, summary_options: {max_age: x}}\n", 2, "max_age"},
        {"mappings: {}\n", 1, "list"},
        {"nonsense: 1\n", 1, "nonsense"},
        {"- x\n", 1, "mapping"},
        {"a: [\n", 0, ""},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct faults faults = {0};
        struct statsd_map *map = NULL;

        test_row(cases[i].yaml);
        assert_true(statsd_map_parse(str_from(cases[i].yaml), "map.yml", &map, &faults) < 0);
        assert_null(map);
        assert_true(faults.count >= 1);
        assert_non_null(strstr(faults.items[0].message, cases[i].part));
        assert_true(cases[i].line == 0 || faults.items[0].line == cases[i].line);
    }
    test_row(NULL);
}

/* ---- quantiles ---- */

TEST(sketch_quantiles_are_within_one_percent)
{
    static const double quantiles[] = {0, .1, .5, .9, .99, 1};
    struct sketch sketch;

    sketch_init(&sketch, 60000);
    assert_true(isnan(sketch_quantile(&sketch, .5, 1000)));
    for (int i = 1; i <= 10000; i++) {
        sketch_add(&sketch, i / 100.0, 1, 1000 + i);
    }
    sketch_add(&sketch, NAN, 1, 12000);
    sketch_add(&sketch, INFINITY, 1, 12000);
    for (size_t i = 0; i < ARRAY_COUNT(quantiles); i++) {
        double want = quantiles[i] * 100 < .01 ? .01 : quantiles[i] * 100;
        double got = sketch_quantile(&sketch, quantiles[i], 12000);

        assert_true(fabs(got - want) <= want * .0101);
    }
    /* What is older than max_age does not count any more, at most a slice late. */
    sketch_add(&sketch, -5, 3, 75000);
    assert_true(fabs(sketch_quantile(&sketch, .5, 75000) + 5) <= .06);
    sketch_add(&sketch, 0, 9, 75000);
    assert_true(sketch_quantile(&sketch, .9, 75000) == 0);
    assert_true(isnan(sketch_quantile(&sketch, .5, 200000)));
    sketch_done(&sketch);
}

TEST(sketch_memory_is_bounded)
{
    struct sketch sketch;

    sketch_init(&sketch, 1);
    for (int i = -300; i <= 300; i++) {
        for (int k = 0; k < 100; k++) {
            sketch_add(&sketch, (k % 2 == 0 ? 1 : -1) * pow(10, i) * (1 + k / 100.0), 1, 5);
        }
    }
    assert_true(sketch.slices[0].count == SKETCH_BUCKETS_MAX);
    assert_true(!isnan(sketch_quantile(&sketch, .5, 5)));
    sketch_done(&sketch);
}

/* ---- the store ---- */

TEST(statsd_store_keeps_what_events_become)
{
    static const char yaml[] = "defaults: {ttl: 0}\n"
                               "mappings:\n"
                               "- {match: t.*, name: t_seconds, labels: {which: $1}, timer_type: "
                               "histogram, buckets: [.1, 1]}\n"
                               "- {match: short, name: short, ttl: 10s, help: Soon gone.}\n"
                               "- {match: scaled, name: scaled, scale: 0.001}\n"
                               "- {match: secret.*, action: drop}\n";
    static const char lines[] = "hits:1|c\nhits:2|c\r\nlevel:5|g\nlevel:+2|g\nlevel:-3|g\nt.a:50|"
                                "ms\nt.a:500|ms\nt.a:5000|ms\n"
                                "size:10|h\nsize:20|h\nshort:1|c\nscaled:1500|g\nsecret.x:1|"
                                "c\nhits:-1|c\nhits:1|g\nbroken\n"
                                "web,code=200:1|c\nweb,code=500,method=get:1|c\n\n";
    static const char *const wanted[] = {
        "# TYPE hits counter",
        "hits 3",
        "level 4",
        "t_seconds_bucket{which=\"a\",le=\"0.1\"} 1",
        "t_seconds_bucket{which=\"a\",le=\"1\"} 2",
        "t_seconds_bucket{which=\"a\",le=\"+Inf\"} 3",
        "t_seconds_sum{which=\"a\"} 5.55",
        "size_sum 30",
        "size_count 2",
        "# HELP short Soon gone.",
        "short 1",
        "scaled 1.5",
        "web{code=\"200\",method=\"\"} 1",
        "web{code=\"500\",method=\"get\"} 1",
        "statsd_exporter_lines_total 18",
        "statsd_exporter_events_actions_total{action=\"drop\"} 1",
        "statsd_exporter_events_error_total{reason=\"illegal_negative_counter\"} 1",
        "statsd_exporter_events_conflict_total{type=\"gauge\"} 1",
        "statsd_exporter_sample_errors_total{reason=\"malformed_line\"} 1",
        "statsd_exporter_udp_packets_total 1",
        "statsd_exporter_loaded_mappings 4",
        "statsd_exporter_series 8",
        NULL,
    };
    CLEANUP(statsd_map_freep) struct statsd_map *map = map_of(yaml);
    struct clock_fake clock;
    CLEANUP(statsd_store_freep) struct statsd_store *store = NULL;
    char *text;

    clock_fake_init(&clock, 1000000);
    store = statsd_store_new(map, &clock.clock);
    statsd_store_lines(store, str_from(lines), STATSD_UDP, true);
    text = exporter_collect_text(statsd_store_collect, store);
    exporter_expect(text, wanted);
    assert_null(strstr(text, "secret"));
    assert_non_null(strstr(text, "size{quantile=\"0.5\"} 10."));
    mem_free(text);
    clock_fake_advance(&clock, 10001);
    text = exporter_collect_text(statsd_store_collect, store);
    assert_null(strstr(text, "\nshort 1"));
    assert_non_null(strstr(text, "\nhits 3\n"));
    mem_free(text);
}

/* A peer that sends ever new names must not fill the memory with families of no series. */
TEST(statsd_store_forgets_families_without_series)
{
    CLEANUP(statsd_map_freep) struct statsd_map *map = map_of("defaults: {ttl: 1s}\n");
    struct clock_fake clock;
    CLEANUP(statsd_store_freep) struct statsd_store *store = NULL;
    char *text;

    clock_fake_init(&clock, 1000000);
    store = statsd_store_new(map, &clock.clock);
    statsd_store_lines(store, STR("negative:-1|c\nnegative:7|g\nshort:1|c"), STATSD_UDP, true);
    text = exporter_collect_text(statsd_store_collect, store);
    assert_non_null(strstr(text, "\nnegative 7\n")); /* the counter has left nothing behind */
    assert_non_null(strstr(text, "\nshort 1\n"));
    mem_free(text);
    clock_fake_advance(&clock, 1001);
    text = exporter_collect_text(statsd_store_collect, store);
    assert_null(strstr(text, "\nshort"));
    mem_free(text);
    statsd_store_lines(store, STR("short:2|g"), STATSD_UDP, true);
    text = exporter_collect_text(statsd_store_collect, store);
    assert_non_null(strstr(text, "# TYPE short gauge\nshort 2\n"));
    mem_free(text);
}

TEST(statsd_store_refuses_series_beyond_its_bound)
{
    CLEANUP(statsd_map_freep) struct statsd_map *map = map_of("");
    CLEANUP(statsd_store_freep) struct statsd_store *store = statsd_store_new(map, clock_real());
    struct buf lines = {0};
    char *text;

    for (int i = 0; i < STATSD_SERIES_MAX + 10; i++) {
        buf_printf(&lines, "a,k=%d:1|c\n", i);
    }
    statsd_store_lines(store, buf_view(&lines), STATSD_TCP, false);
    statsd_store_lines(store, STR("other:1|c"), STATSD_TCP, false);
    text = exporter_collect_text(statsd_store_collect, store);
    assert_non_null(
        strstr(text, "\nstatsd_exporter_events_error_total{reason=\"too_many_series\"} 11\n"));
    mem_free(text);
    buf_done(&lines);
}

/* ---- the server ---- */

static int connect_to(int kind, uint16_t port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, kind | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

static void await_text(struct statsd_store *store, const char *part)
{
    for (int i = 0; i < 3000; i++) {
        char *text = exporter_collect_text(statsd_store_collect, store);
        bool found = strstr(text, part) != NULL;

        mem_free(text);
        if (found) {
            return;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    fail_msg("not within 30 s: %s", part);
}

TEST(statsd_server_receives_by_every_way)
{
    CLEANUP(statsd_map_freep) struct statsd_map *map = map_of("");
    CLEANUP(statsd_store_freep) struct statsd_store *store = statsd_store_new(map, clock_real());
    struct statsd_server *server = NULL;
    struct baro_error err = {0};
    const struct statsd_options options = {
        .udp = STR("127.0.0.1:0"), .tcp = STR("127.0.0.1:0"), .unix_path = STR(""), .store = store};
    static char flood[STATSD_LINE_BYTES_MAX + 1];
    int udp;
    int tcp;

    assert_ok(statsd_server_start(&options, &server, &err), &err);
    udp = connect_to(SOCK_DGRAM, statsd_server_udp_port(server));
    tcp = connect_to(SOCK_STREAM, statsd_server_tcp_port(server));
    assert_true(send(udp, "u:1|c\nu:2|c", 11, 0) == 11);
    await_text(store, "\nu 3\n");
    assert_true(send(tcp, "t:1|c\nt:", 8, 0) == 8);
    await_text(store, "\nt 1\n");
    assert_true(send(tcp, "4|c\nlast:1|c", 12, 0) == 12);
    await_text(store, "\nt 5\n");
    (void)close(tcp);
    await_text(store, "\nlast 1\n");
    tcp = connect_to(SOCK_STREAM, statsd_server_tcp_port(server));
    memset(flood, 'x', sizeof(flood));
    (void)send(tcp, flood, sizeof(flood), MSG_NOSIGNAL);
    await_text(store, "\nstatsd_exporter_tcp_too_long_lines_total 1\n");
    (void)close(tcp);
    (void)close(udp);
    tcp = connect_to(SOCK_STREAM, statsd_server_tcp_port(server)); /* open at the end */
    server = statsd_server_stop(server);
    assert_null(server);
    (void)close(tcp);
}

TEST(statsd_server_says_what_it_cannot_listen_on)
{
    static const char *const addresses[] = {"nonsense", "127.0.0.1:", "127.0.0.1:x", "256.0.0.1:1"};

    for (size_t i = 0; i < ARRAY_COUNT(addresses); i++) {
        struct statsd_server *server = NULL;
        struct baro_error err = {0};
        const struct statsd_options options = {
            .udp = str_from(addresses[i]), .tcp = STR(""), .unix_path = STR("")};

        test_row(addresses[i]);
        assert_true(statsd_server_start(&options, &server, &err) < 0);
        assert_non_null(strstr(err.message, addresses[i]));
    }
    test_row(NULL);
}
