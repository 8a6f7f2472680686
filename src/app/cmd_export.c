/*
 * export: exporters as programs of their own: collectors of exporter/ behind libbaro's server, so
 * that each has /metrics, /health, TLS and passwords. Ports are those of the exporters whose names
 * the metrics have; the address is the loopback one unless a flag says otherwise.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/commands.h"
#include "app/files.h"
#include "app/flags.h"
#include "base/attr.h"
#include "base/mem.h"
#include "base/num.h"
#include "baro/baro.h"
#include "codec/regex.h"
#include "exporter/container.h"
#include "exporter/gpu.h"
#include "exporter/node.h"
#include "exporter/node_mounts.h"
#include "exporter/postgres.h"
#include "exporter/redis.h"
#include "exporter/statsd.h"
#include "sys/clock.h"

/* Rows that every exporter has; they come first. */
enum { WEB_LISTEN, WEB_PATH, WEB_CONFIG, OWN_FIRST };

#define WEB_ROWS(port)                                                                             \
    [WEB_LISTEN] = {"web.listen-address", FLAG_TEXT, "127.0.0.1:" port, FLAG_RUN,                  \
                    "where metrics are served; :PORT is every address, port 0 a free one"},        \
    [WEB_PATH] = {"web.telemetry-path", FLAG_TEXT, "/metrics", FLAG_RUN, "their path"},            \
    [WEB_CONFIG] = {"web.config.file", FLAG_TEXT, "", FLAG_RUN,                                    \
                    "TLS and passwords, in Prometheus's web configuration format"}

static int fail(const struct baro_error *err)
{
    char text[ERROR_FORMAT_BYTES];

    error_format(err, text, sizeof(text));
    (void)fprintf(stderr, "barograph: %s\n", text);
    return error_exit_status(err->code);
}

/* Parses the flags. Returns -1 to go on, else the exit status. */
static int begin(struct flags *flags, const struct flag *rows, size_t count, const char *name,
                 const char *summary, int argc, char **argv)
{
    struct baro_error err = {0};
    char usage[64];

    if (flags_parse(flags, rows, count, argc, argv, &err) < 0) {
        return fail(&err);
    }
    (void)snprintf(usage, sizeof(usage), "export %s [FLAGS]", name);
    if (flags->help || flags->arg_count > 0) {
        return flags_usage(flags, usage, summary);
    }
    if (!baro_enabled()) {
        (void)error_set(&err, BARO_EINVALID,
                        "export %s: PROMETHEUS_ENABLED=false switches all metrics off: unset it",
                        name);
        return fail(&err);
    }
    return -1;
}

/* All threads inherit the mask, so that only sigwait gets these. */
static void signals_block(sigset_t *ret)
{
    (void)sigemptyset(ret);
    (void)sigaddset(ret, SIGINT);
    (void)sigaddset(ret, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, ret, NULL);
}

/* Serves the collector until SIGTERM or SIGINT. */
static int serve(const struct flags *flags, const char *name, struct emit_collector *collector)
{
    str config = flags_text(flags, WEB_CONFIG);
    struct baro_registry *registry = baro_registry_new(NULL, NULL);
    const struct baro_server_options options = {
        .registry = registry,
        .listen = flags_text(flags, WEB_LISTEN).ptr,
        .path = flags_text(flags, WEB_PATH).ptr,
        .web_config_file = config.len > 0 ? config.ptr : NULL,
        .text_only = true,
    };
    struct baro_server *server = NULL;
    struct baro_why why = {0};
    sigset_t signals;
    int signal_number = 0;

    signals_block(&signals);
    (void)baro_process_collector_add(registry);
    if (baro_collector_add(registry, emit_collect, collector) >= 0) {
        server = baro_server_start(&options, &why);
    }
    if (server == NULL) {
        (void)fprintf(stderr, "barograph: export %s: %s\n", name, why.text);
        (void)baro_registry_free(registry);
        return 1;
    }
    (void)printf("export %s listening on port %u\n", name, baro_server_port(server));
    (void)fflush(stdout);
    (void)sigwait(&signals, &signal_number);
    (void)baro_server_stop(server);
    (void)baro_registry_free(registry);
    return 0;
}

/* What a variable of the environment or, with _FILE at its end, the file that it names says; "" =
 * nothing. The text is the caller's, for mem_free. */
static char *setting(const char *name)
{
    char file_name[64];
    const char *value = getenv(name);
    const char *path;
    struct buf text = {0};

    (void)snprintf(file_name, sizeof(file_name), "%s_FILE", name);
    path = getenv(file_name);
    if (value == NULL && path != NULL && file_read(path, &text, NULL) >= 0) {
        char *ret = str_dup_c(str_trim(buf_view(&text)));

        buf_done(&text);
        return ret;
    }
    buf_done(&text);
    return str_dup_c(str_from(value != NULL ? value : ""));
}

/* ---- node ---- */

enum { NODE_FSTYPES = OWN_FIRST, NODE_MOUNTS };

static int regex_take(const struct flags *flags, size_t row, struct regex **ret,
                      struct baro_error *err)
{
    str pattern = flags_text(flags, row);
    int r = pattern.len == 0 ? 0 : regex_new(pattern, false, ret, err);

    return r < 0 ? error_wrap(err, BARO_EUSAGE, "--%s", flags->rows[row].name) : 0;
}

int command_export_node(int argc, char **argv)
{
    static struct flags flags;
    const struct flag rows[] = {
        WEB_ROWS("9100"),
        [NODE_FSTYPES] = {"collector.filesystem.fs-types-exclude", FLAG_TEXT,
                          node_fstypes_exclude_default, FLAG_RUN,
                          "kinds of file systems to leave out, a regular expression"},
        [NODE_MOUNTS] = {"collector.filesystem.mount-points-exclude", FLAG_TEXT,
                         node_mounts_exclude_default, FLAG_RUN,
                         "mount points to leave out, a regular expression"},
    };
    CLEANUP(regex_freep) struct regex *fstypes = NULL;
    CLEANUP(regex_freep) struct regex *mounts = NULL;
    struct baro_error err = {0};
    int status = begin(&flags, rows, ARRAY_COUNT(rows), "node",
                       "Metrics of this host under the node exporter's names: processors, memory, "
                       "load, disks, file systems, network.\n\n"
                       "  barograph export node --web.listen-address=:9100",
                       argc, argv);

    if (status >= 0) {
        return status;
    }
    if (regex_take(&flags, NODE_FSTYPES, &fstypes, &err) < 0 ||
        regex_take(&flags, NODE_MOUNTS, &mounts, &err) < 0) {
        return fail(&err);
    }
    struct node_options options = {"", fstypes, mounts,
                                   node_mounts_new(statvfs, NODE_MOUNTS_WAIT_MS)};
    status = serve(&flags, "node", &(struct emit_collector){node_collect, &options});
    (void)node_mounts_free(options.mounts);
    return status;
}

/* ---- containers ---- */

enum { CONTAINER_PROCESS = OWN_FIRST, CONTAINER_CGROUPS };

/* NAME=PID */
static int group_take(struct container_group *ret, str text, struct baro_error *err)
{
    size_t equals = str_index_char(text, '=');
    uint64_t pid = 0;

    if (equals == SIZE_MAX || equals == 0 ||
        !num_parse_u64(str_from_index(text, equals + 1), &pid) || pid == 0 || pid > INT32_MAX) {
        return error_set(err, BARO_EUSAGE, "--process=%.*s: give NAME=PID", STR_ARG(text));
    }
    ret->name = str_dup_c(str_slice(text, 0, equals)); /* lives until the program ends */
    ret->pid = (pid_t)pid;
    return 0;
}

int command_export_container(int argc, char **argv)
{
    static struct flags flags;
    static struct container_group groups[CONTAINER_GROUPS_MAX];
    static const struct flag rows[] = {
        WEB_ROWS("8080"),
        [CONTAINER_PROCESS] = {"process", FLAG_LIST, "", FLAG_RUN,
                               "NAME=PID: show this process and all that descend from it as a "
                               "container of that name; repeatable"},
        [CONTAINER_CGROUPS] = {"cgroups", FLAG_BOOL, "true", FLAG_RUN,
                               "show the control groups below /sys/fs/cgroup"},
    };
    struct container_options options = {.root = "", .groups = groups};
    struct baro_error err = {0};
    int status =
        begin(&flags, rows, ARRAY_COUNT(rows), "container",
              "What containers use, under cAdvisor's names, by the kernel's control groups "
              "(version 1 or 2),\nand what trees of processes use.\n\n"
              "  barograph export container --process=web=1234",
              argc, argv);

    if (status >= 0) {
        return status;
    }
    for (size_t i = 0; i < flags.list_count && i < CONTAINER_GROUPS_MAX; i++) {
        if (group_take(&groups[i], flags.list[i], &err) < 0) {
            return fail(&err);
        }
        options.group_count = i + 1;
    }
    options.groups_only = !flags_bool(&flags, CONTAINER_CGROUPS);
    return serve(&flags, "container", &(struct emit_collector){container_collect, &options});
}

/* ---- GPUs ---- */

enum { GPU_SIMULATED = OWN_FIRST };

int command_export_gpu(int argc, char **argv)
{
    static struct flags flags;
    static const struct flag rows[] = {
        WEB_ROWS("9445"),
        [GPU_SIMULATED] = {"simulated", FLAG_BOOL, "false", FLAG_RUN,
                           "show a software device, made of this host's processors, where there "
                           "is no GPU"},
    };
    struct gpu_exporter *gpu = NULL;
    struct baro_error err = {0};
    int status = begin(
        &flags, rows, ARRAY_COUNT(rows), "gpu",
        "NVIDIA GPUs, by the driver's NVML, under the names of nvidia_gpu_prometheus_exporter "
        "and DCGM's exporter.\n\n"
        "  barograph export gpu --web.listen-address=:9445",
        argc, argv);

    if (status >= 0) {
        return status;
    }
    if (gpu_exporter_new(flags_bool(&flags, GPU_SIMULATED), "", &gpu, &err) < 0) {
        return fail(&err);
    }
    status = serve(&flags, "gpu", &(struct emit_collector){gpu_collect, gpu});
    (void)gpu_exporter_free(gpu);
    return status;
}

/* ---- PostgreSQL ---- */

enum { POSTGRES_URI = OWN_FIRST, POSTGRES_TIMEOUT };

/* DATA_SOURCE_NAME, or DATA_SOURCE_URI with DATA_SOURCE_USER and DATA_SOURCE_PASS, as the
 * postgres_exporter has them. For mem_free. */
static char *postgres_url(str given)
{
    char *name = setting("DATA_SOURCE_NAME");
    char *uri = setting("DATA_SOURCE_URI");
    char *user = setting("DATA_SOURCE_USER");
    char *password = setting("DATA_SOURCE_PASS");
    struct buf url = {0};

    if (given.len > 0) {
        buf_str(&url, given);
    } else if (name[0] != '\0' || uri[0] == '\0') {
        buf_c(&url, name[0] != '\0' ? name : "postgresql://");
    } else {
        buf_printf(&url, "postgresql://%s%s%s%s%s", user, password[0] != '\0' ? ":" : "", password,
                   user[0] != '\0' || password[0] != '\0' ? "@" : "", uri);
    }
    mem_free(name);
    mem_free(uri);
    mem_free(user);
    mem_free(password);
    return buf_take_c(&url);
}

int command_export_postgres(int argc, char **argv)
{
    static struct flags flags;
    static const struct flag rows[] = {
        WEB_ROWS("9187"),
        [POSTGRES_URI] = {"uri", FLAG_TEXT, "", FLAG_RUN,
                          "postgresql://USER@HOST:PORT/DATABASE; default: DATA_SOURCE_NAME, or "
                          "DATA_SOURCE_URI, DATA_SOURCE_USER and DATA_SOURCE_PASS (each also with "
                          "_FILE) of the environment, then libpq's own"},
        [POSTGRES_TIMEOUT] = {"timeout", FLAG_DURATION, "5s", FLAG_RUN,
                              "for connecting and for each query"},
    };
    struct postgres_exporter *postgres = NULL;
    struct baro_error err = {0};
    char *url;
    int status = begin(&flags, rows, ARRAY_COUNT(rows), "postgres",
                       "A PostgreSQL server's figures under postgres_exporter's names. Give "
                       "passwords by the environment or a file, not by a flag.\n\n"
                       "  DATA_SOURCE_PASS_FILE=secret barograph export postgres "
                       "--uri=postgresql://monitor@db:5432/postgres",
                       argc, argv);

    if (status >= 0) {
        return status;
    }
    url = postgres_url(flags_text(&flags, POSTGRES_URI));
    status = postgres_exporter_new(
        &(struct postgres_options){str_from(url), flags_duration(&flags, POSTGRES_TIMEOUT)},
        &postgres, &err);
    mem_free(url);
    if (status < 0) {
        return fail(&err);
    }
    status = serve(&flags, "postgres", &(struct emit_collector){postgres_collect, postgres});
    (void)postgres_exporter_free(postgres);
    return status;
}

/* ---- Redis ---- */

enum { REDIS_ADDRESS = OWN_FIRST, REDIS_USER, REDIS_TIMEOUT };

int command_export_redis(int argc, char **argv)
{
    static struct flags flags;
    static const struct flag rows[] = {
        WEB_ROWS("9121"),
        [REDIS_ADDRESS] = {"redis.addr", FLAG_TEXT, "", FLAG_RUN,
                           "redis://[USER:PASSWORD@]HOST:PORT/DB or unix:///PATH; default: "
                           "REDIS_ADDR of the environment, then redis://127.0.0.1:6379"},
        [REDIS_USER] = {"redis.user", FLAG_TEXT, "", FLAG_RUN,
                        "default: REDIS_USER; the password is REDIS_PASSWORD, or in the file "
                        "REDIS_PASSWORD_FILE"},
        [REDIS_TIMEOUT] = {"connection-timeout", FLAG_DURATION, "5s", FLAG_RUN,
                           "for connecting and for each answer"},
    };
    struct redis_exporter *redis = NULL;
    struct baro_error err = {0};
    int status =
        begin(&flags, rows, ARRAY_COUNT(rows), "redis",
              "A Redis server's figures under redis_exporter's names.\n\n"
              "  REDIS_PASSWORD_FILE=secret barograph export redis --redis.addr=redis://cache:6379",
              argc, argv);

    if (status >= 0) {
        return status;
    }
    char *address = setting("REDIS_ADDR");
    char *user = setting("REDIS_USER");
    char *password = setting("REDIS_PASSWORD");
    str given = flags_text(&flags, REDIS_ADDRESS);
    const struct redis_options options = {
        .address = given.len > 0        ? given
                   : address[0] != '\0' ? str_from(address)
                                        : STR("redis://127.0.0.1:6379"),
        .user = flags_text(&flags, REDIS_USER).len > 0 ? flags_text(&flags, REDIS_USER)
                                                       : str_from(user),
        .password = str_from(password),
        .timeout = flags_duration(&flags, REDIS_TIMEOUT),
    };
    status = redis_exporter_new(&options, &redis, &err);
    mem_free(address);
    mem_free(user);
    mem_free(password);
    if (status < 0) {
        return fail(&err);
    }
    status = serve(&flags, "redis", &(struct emit_collector){redis_collect, redis});
    (void)redis_exporter_free(redis);
    return status;
}

/* ---- StatsD ---- */

enum {
    STATSD_LISTEN_UDP = OWN_FIRST,
    STATSD_LISTEN_TCP,
    STATSD_SOCKET,
    STATSD_MAPPING,
    STATSD_CHECK
};

static int map_load(str path, struct statsd_map **ret)
{
    static struct faults faults;
    struct baro_error err = {0};
    struct buf text = {0};
    int r = path.len > 0 ? file_read(path.ptr, &text, &err) : 0;

    if (r < 0) {
        buf_done(&text);
        return fail(&err);
    }
    r = statsd_map_parse(buf_view(&text), path.len > 0 ? path.ptr : "no mapping", ret, &faults);
    buf_done(&text);
    for (size_t i = 0; r < 0 && i < faults.count; i++) {
        (void)fail(&faults.items[i]);
    }
    return r < 0 ? 1 : 0;
}

static int statsd_run(const struct flags *flags, const struct statsd_map *map)
{
    CLEANUP(statsd_store_freep) struct statsd_store *store = statsd_store_new(map, clock_real());
    const struct statsd_options options = {
        .udp = flags_text(flags, STATSD_LISTEN_UDP),
        .tcp = flags_text(flags, STATSD_LISTEN_TCP),
        .unix_path = flags_text(flags, STATSD_SOCKET),
        .store = store,
    };
    struct statsd_server *server = NULL;
    struct baro_error err = {0};
    sigset_t signals;
    int status;

    signals_block(&signals);
    if (statsd_server_start(&options, &server, &err) < 0) {
        return fail(&err);
    }
    (void)printf("statsd udp on port %u\nstatsd tcp on port %u\n", statsd_server_udp_port(server),
                 statsd_server_tcp_port(server));
    status = serve(flags, "statsd", &(struct emit_collector){statsd_store_collect, store});
    (void)statsd_server_stop(server);
    return status;
}

int command_export_statsd(int argc, char **argv)
{
    static struct flags flags;
    static const struct flag rows[] = {
        WEB_ROWS("9102"),
        [STATSD_LISTEN_UDP] = {"statsd.listen-udp", FLAG_TEXT, "127.0.0.1:9125", FLAG_RUN,
                               "where datagrams are received; \"\" = nowhere"},
        [STATSD_LISTEN_TCP] = {"statsd.listen-tcp", FLAG_TEXT, "127.0.0.1:9125", FLAG_RUN,
                               "where connections are accepted; \"\" = nowhere"},
        [STATSD_SOCKET] = {"statsd.listen-unixgram", FLAG_TEXT, "", FLAG_RUN,
                           "a Unix socket for datagrams"},
        [STATSD_MAPPING] = {"statsd.mapping-config", FLAG_TEXT, "", FLAG_RUN,
                            "rules that name metrics, in statsd_exporter's format"},
        [STATSD_CHECK] = {"check-config", FLAG_BOOL, "false", FLAG_RUN, "check the rules and end"},
    };
    CLEANUP(statsd_map_freep) struct statsd_map *map = NULL;
    int status = begin(&flags, rows, ARRAY_COUNT(rows), "statsd",
                       "Metrics of the StatsD lines that others send, named by rules; the names "
                       "and rules are statsd_exporter's.\n\n"
                       "  barograph export statsd --statsd.mapping-config=mapping.yml",
                       argc, argv);

    if (status >= 0) {
        return status;
    }
    status = map_load(flags_text(&flags, STATSD_MAPPING), &map);
    if (status != 0 || flags_bool(&flags, STATSD_CHECK)) {
        (void)(status == 0 ? printf("%zu mappings\n", statsd_map_count(map)) : 0);
        return status;
    }
    return statsd_run(&flags, map);
}
