/*
 * A program that uses every kind of metric, for the tests of what it exposes.
 * client_demo expose text|openmetrics|protobuf; client_demo serve ADDRESS [WEB-CONFIG]: prints
 * "port N" and serves until its standard input ends; client_demo push URL; client_demo file PATH.
 */
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <baro/baro.h>

static const struct baro_label request_labels[] = {{"method", 0, NULL, 0}, {"code", 0, NULL, 0}};
static const struct baro_desc requests = {
    .name = "demo_requests_total",
    .help = "Requests with a \"quote\", a \\ and a\nline end.",
    .type = BARO_COUNTER,
    .labels = request_labels,
    .label_count = 2,
};
static const struct baro_desc both = {
    .name = "demo_both_seconds",
    .help = "A histogram of both kinds.",
    .unit = "seconds",
    .type = BARO_HISTOGRAM,
    .native = {.on = true, .schema = 3},
    .buckets = (const double[]){0.1, 1, 10},
    .bucket_count = 3,
};
static const struct baro_desc native = {
    .name = "demo_native_seconds",
    .help = "A native histogram.",
    .unit = "seconds",
    .type = BARO_HISTOGRAM,
    .native = {.on = true, .schema = 5},
};
static const struct baro_desc summary = {
    .name = "demo_latency_seconds",
    .help = "A summary.",
    .type = BARO_SUMMARY,
    .quantiles = (const double[]){0.5, 0.99},
    .quantile_count = 2,
};
static const struct baro_desc state = {
    .name = "demo_state",
    .help = "A state set.",
    .type = BARO_STATESET,
    .states = (const char *const[]){"starting", "running", "stopped"},
    .state_count = 3,
};
static const struct baro_label info_labels[] = {{"version", 0, NULL, 0}};
static const struct baro_desc info = {
    .name = "demo_app_info",
    .help = "What runs.",
    .type = BARO_INFO,
    .labels = info_labels,
    .label_count = 1,
};
static const struct baro_desc unknown = {
    .name = "demo_unknown",
    .help = "From elsewhere.",
    .type = BARO_UNKNOWN,
};

static double forty_two(void *context)
{
    (void)context;
    return 42;
}

static void collect(struct baro_sink *sink, void *context)
{
    static const struct baro_label labels[] = {{"disk", 0, NULL, 0}};
    static const struct baro_desc gauge = {
        .name = "demo_disk_bytes",
        .help = "Room on a disk.",
        .unit = "bytes",
        .type = BARO_GAUGE,
        .labels = labels,
        .label_count = 1,
    };
    static const struct baro_desc histogram = {
        .name = "demo_collected_seconds",
        .help = "A histogram from elsewhere.",
        .type = BARO_HISTOGRAM,
    };
    const struct baro_histogram_data data = {
        .count = 6,
        .sum = 9.5,
        .bounds = (const double[]){1, 2},
        .buckets = (const uint64_t[]){1, 2, 3},
        .bound_count = 2,
    };

    (void)context;
    (void)baro_sink_family(sink, &gauge);
    (void)baro_sink_value(sink, BARO_VALUES("/dev/\"sda\""), 1e12);
    (void)baro_sink_value(sink, BARO_VALUES("sdb"), 0.5);
    (void)baro_sink_family(sink, &histogram);
    (void)baro_sink_histogram(sink, NULL, &data);
}

static void fill(void)
{
    struct baro_family *family = baro_family_new(NULL, &requests, NULL);
    struct baro_exemplar exemplar = {(const struct baro_pair[]){{"trace_id", "abc\"def"}}, 1,
                                     1700000000123};
    baro_histogram both_series = baro_histogram_with(baro_family_new(NULL, &both, NULL), NULL);
    baro_histogram native_series = baro_histogram_with(baro_family_new(NULL, &native, NULL), NULL);
    baro_summary summary_series = baro_summary_with(baro_family_new(NULL, &summary, NULL), NULL);
    baro_gauge gauge = baro_gauge_new(NULL, "demo_temperature_celsius", "A gauge.");

    baro_counter_add_exemplar(baro_counter_with(family, BARO_VALUES("GET", "200")), 3, &exemplar);
    baro_counter_add(baro_counter_with(family, BARO_VALUES("P\\\"\nT", "caf\xc3\xa9")), 0.5);
    baro_gauge_set(gauge, -1.5);
    for (int i = 1; i <= 1000; i++) {
        baro_histogram_observe(both_series, i / 100.0);
        baro_histogram_observe(native_series, (i % 2 == 0 ? 1 : -1) * i / 100.0);
        baro_summary_observe(summary_series, i / 100.0);
    }
    baro_histogram_observe_trace(both_series, 0.05, "0123456789abcdef0123456789abcdef", "");
    baro_stateset_select(baro_stateset_with(baro_family_new(NULL, &state, NULL), NULL), 1);
    baro_info_set(baro_family_new(NULL, &info, NULL), BARO_VALUES("1.2.3"));
    (void)baro_callback_add(baro_family_new(NULL, &unknown, NULL), NULL, forty_two, NULL);
    (void)baro_collector_add(NULL, collect, NULL);
}

static enum baro_health check(void *context, char *text, size_t size)
{
    (void)snprintf(text, size, "queue \"%s\"", (const char *)context);
    return BARO_DEGRADED;
}

static int serve(const char *address, const char *web_config)
{
    struct baro_server_options options = {
        .listen = address, .web_config_file = web_config, .connections_max = 8, .timeout_ms = 2000};
    struct baro_why why;
    struct baro_server *server = baro_server_start(&options, &why);
    char byte;

    if (server == NULL) {
        (void)fprintf(stderr, "%s\n", why.text);
        return 1;
    }
    (void)baro_health_add(NULL, "queue", check, "long");
    (void)printf("port %d\n", baro_server_port(server));
    (void)fflush(stdout);
    while (read(0, &byte, 1) > 0) {
    }
    (void)baro_server_stop(server);
    return 0;
}

static int write_out(void *context, const void *bytes, size_t size)
{
    (void)context;
    return fwrite(bytes, 1, size, stdout) == size ? 0 : -1;
}

static int result_of(int result, const struct baro_why *why)
{
    if (result < 0) {
        (void)fprintf(stderr, "%s\n", why->text);
        return 1;
    }
    return 0;
}

static void nothing(int signal)
{
    (void)signal;
}

/* A program with a timer, as of a profiler: its signals interrupt whatever waits. */
static void ticks_start(void)
{
    const struct itimerval often = {{0, 5000}, {0, 5000}};
    struct sigaction action = {.sa_handler = nothing};

    (void)sigaction(SIGALRM, &action, NULL);
    (void)setitimer(ITIMER_REAL, &often, NULL);
}

int main(int argc, char **argv)
{
    struct baro_why why = {""};
    struct baro_expose_options options = {.format = BARO_TEXT};

    if (argc < 3) {
        return 2;
    }
    fill();
    if (strcmp(argv[1], "serve") == 0) {
        return serve(argv[2], argc > 3 ? argv[3] : NULL);
    }
    if (strcmp(argv[1], "push") == 0) {
        struct baro_push_options push = {.url = argv[2],
                                         .job = "a job",
                                         .timeout_ms = 3000,
                                         .username = "me",
                                         .password = "secret"};
        const struct baro_pair grouping[] = {{"instance", "a/b"}, {"zone", "eu"}};

        ticks_start();
        push.grouping = grouping;
        push.grouping_count = 2;
        return result_of(baro_push(NULL, &push, &why), &why);
    }
    if (strcmp(argv[1], "file") == 0) {
        return result_of(baro_textfile_write(NULL, argv[2], &why), &why);
    }
    options.format = strcmp(argv[2], "openmetrics") == 0 ? BARO_OPENMETRICS
                     : strcmp(argv[2], "protobuf") == 0  ? BARO_PROTOBUF
                                                         : BARO_TEXT;
    return baro_expose(NULL, &options, write_out, NULL) < 0;
}
