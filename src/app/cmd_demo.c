/*
 * demo: the server with the four example services as its children, on free ports, with users at
 * work, scraped as the packs say; with the databases that they use where those are installed, an
 * object store, and exporters for all that does not tell itself. Everything that is made lies in
 * one directory.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alerting/am_config.h"
#include "app/commands.h"
#include "app/demo_alerting.h"
#include "app/demo_config.h"
#include "app/demo_inbox.h"
#include "app/demo_later.h"
#include "app/demo_process.h"
#include "app/demo_servers.h"
#include "app/files.h"
#include "app/flags.h"
#include "base/arena.h"
#include "base/attr.h"
#include "conf/prom_config.h"

enum {
    DEMO_DATA,
    DEMO_EXAMPLES,
    DEMO_FAULT,
    DEMO_FAULT_FOR,
    DEMO_HURRY,
    DEMO_INTERVAL,
    DEMO_LOAD,
    DEMO_PACKS,
    DEMO_LISTEN,
};

static const struct flag rows[] = {
    [DEMO_DATA] = {"data", FLAG_TEXT, "demo-data", FLAG_RUN, "the directory for all that is made"},
    [DEMO_EXAMPLES] = {"examples", FLAG_TEXT, "", FLAG_RUN,
                       "where the example services are; default: examples/ beside this program"},
    [DEMO_FAULT] =
        {"fault", FLAG_LIST, "", FLAG_RUN,
         "SERVICE=FAULT of one of the services, as in orchestrator=slow-stage:post=6; repeatable"},
    [DEMO_FAULT_FOR] = {"fault-for", FLAG_DURATION, "", FLAG_RUN,
                        "how long after the start the faulty services are started anew without; "
                        "default: never"},
    [DEMO_HURRY] = {"hurry", FLAG_INT, "1", FLAG_RUN,
                    "divide the times of the packs' rules and routes: 60 makes an hour a minute"},
    [DEMO_INTERVAL] = {"interval", FLAG_DURATION, "5s", FLAG_RUN, "how often all are scraped"},
    [DEMO_LOAD] = {"load", FLAG_BOOL, "true", FLAG_RUN, "users for each service"},
    [DEMO_PACKS] = {"packs", FLAG_TEXT, "", FLAG_RUN,
                    "the packs; default: packs/ here, or beside this program"},
    [DEMO_LISTEN] = {"web.listen-address", FLAG_TEXT, "", FLAG_RUN,
                     "of the server; default: 127.0.0.1:9090, or a free port where that is taken"},
};

/* The processes, in the order of their start: the API of the reconstruction asks its worker. */
enum demo_child {
    CHILD_OBJECTSTORE,
    CHILD_STUDIO,
    CHILD_RECONSTRUCTION_WORKER,
    CHILD_RECONSTRUCTION,
    CHILD_ORCHESTRATOR,
    CHILD_EXTRACTION,
    CHILD_COUNT,
};

static const struct {
    const char *service; /* of --fault, and of the directory */
    const char *name;
    const char *binary;
    const char *arguments[3];
} children[CHILD_COUNT] = {
    [CHILD_OBJECTSTORE] = {"objectstore",
                           "objectstore",
                           "objectstore/objectstore",
                           {"--data=objects", "--buckets=photos"}},
    [CHILD_STUDIO] = {"studio", "studio", "studio/studio", {"--gpu=simulated"}},
    [CHILD_RECONSTRUCTION_WORKER] = {"reconstruction",
                                     "reconstruction-worker",
                                     "reconstruction/reconstruction",
                                     {"--role=worker"}},
    [CHILD_RECONSTRUCTION] = {"reconstruction",
                              "reconstruction",
                              "reconstruction/reconstruction",
                              {"--role=api"}},
    [CHILD_ORCHESTRATOR] = {"orchestrator", "orchestrator", "orchestrator/orchestrator", {NULL}},
    [CHILD_EXTRACTION] = {"extraction", "extraction", "extraction/extraction", {NULL}},
};

/* What a fault needs beside itself: what is filled is a bound of the service, not the machine. What
 * stays is there without the fault, too, so that the alert ends however busy the machine is. */
static const struct {
    enum demo_child child;
    const char *fault;
    const char *argument;
    bool stays;
} fault_needs[] = {
    {CHILD_STUDIO, "busy-cpu", "--cpu=simulated", true},
    {CHILD_STUDIO, "disk-fill", "--disk-quota=200", false},
    {CHILD_STUDIO, "memory-ballast", "--memory-limit=280", false},
    {CHILD_ORCHESTRATOR, "flooded-queue", "--queue=3000", false},
    {CHILD_EXTRACTION, "websockets", "--connections=1300", false},
};

/* Faults of hosts: their service shows a simulated one there, which is scraped in place of this
 * one. */
static const char fault_busy_host[] = "busy-host";
static const char fault_low_disk[] = "low-disk";
static const char simulated_host[] = "/simulated-host";

/* The fault that keeps the orchestrator's port closed, and what its log says then. */
static const char fault_down[] = "down";
static const char down_phrase[] = "the port stays closed";

/* The users: of which service, and where its metrics are. */
static const struct {
    enum demo_child child;
    const char *metrics;
} loads[] = {
    {CHILD_STUDIO, "{url}/metrics"},
    {CHILD_RECONSTRUCTION, "{url}/metrics"},
    {CHILD_ORCHESTRATOR, "{url}/metrics"},
    {CHILD_EXTRACTION, "{url}/api/v1/metrics"},
};

/* Exporters: this program itself, as barograph export NAME. There are two for trees of processes,
 * one for the services of each pack that asks for containers, as there is one a host. */
enum demo_export {
    EXPORT_STATSD,
    EXPORT_GPU,
    EXPORT_REDIS,
    EXPORT_POSTGRES,
    EXPORT_CONTAINER_E2E3D,
    EXPORT_CONTAINER_PYBASE,
    EXPORT_COUNT,
};

static const struct {
    const char *exporter;
    const char *name;
} exports[EXPORT_COUNT] = {
    [EXPORT_STATSD] = {"statsd", "export-statsd"},
    [EXPORT_GPU] = {"gpu", "export-gpu"},
    [EXPORT_REDIS] = {"redis", "export-redis"},
    [EXPORT_POSTGRES] = {"postgres", "export-postgres"},
    [EXPORT_CONTAINER_E2E3D] = {"container", "export-container-e2e3d"},
    [EXPORT_CONTAINER_PYBASE] = {"container", "export-container-pybase"},
};

static const char *const packs[] = {"e2e3d", "orchestrator", "orfeas", "pybase"};

/* The processes, in the order of their start but for the StatsD exporter; they are ended the other
 * way round. */
enum {
    LOAD_COUNT = ARRAY_COUNT(loads),
    PROCESS_REDIS = 0,
    PROCESS_POSTGRES,
    PROCESS_CHILDREN,
    PROCESS_EXPORTS = PROCESS_CHILDREN + CHILD_COUNT,
    PROCESS_LOADS = PROCESS_EXPORTS + EXPORT_COUNT,
    PROCESS_COUNT = PROCESS_LOADS + LOAD_COUNT,
    SERVE_ARGS_MAX = 64,
    SECRET_BYTES = 16,
    HURRY_MAX = 3600,
    STOP_MS = 15000,
    FAULTY_STOP_MS = 3000, /* for a service whose fault is over */
};

struct demo {
    struct flags flags;
    struct arena arena;
    char own[PATH_MAX]; /* this program */
    char data[PATH_MAX];
    char examples[PATH_MAX];
    char packs[PATH_MAX];
    char interval[32];
    const char *listen;
    uint16_t own_port;
    uint16_t ports[CHILD_COUNT];
    uint16_t extraction_worker, extraction_search;
    uint16_t export_ports[EXPORT_COUNT];
    uint16_t statsd_port;
    str redis_url, postgres_url; /* "" = not there */
    char absent[2][256];         /* why not */
    struct demo_process processes[PROCESS_COUNT];
    bool has_rules;
    int64_t hurry;
    struct demo_inbox *inbox;
    struct demo_later *faults_end;
};

static int fail(const struct baro_error *err)
{
    char text[ERROR_FORMAT_BYTES];

    error_format(err, text, sizeof(text));
    (void)fprintf(stderr, "barograph: %s\n", text);
    return error_exit_status(err->code);
}

/* The first of the places that is there, as an absolute path. */
static int place_find(const char *given, const char *const *places, const char *what,
                      char ret[PATH_MAX], struct baro_error *err)
{
    if (given[0] != '\0') {
        return realpath(given, ret) != NULL
                   ? 0
                   : error_set(err, BARO_EUSAGE, "--%s: %s is not there", what, given);
    }
    for (; *places != NULL; places++) {
        if (realpath(*places, ret) != NULL) {
            return 0;
        }
    }
    return error_set(err, BARO_EUSAGE, "the %s are not found: say where they are by --%s", what,
                     what);
}

static int places_find(struct demo *demo, struct baro_error *err)
{
    const char *data = flags_text(&demo->flags, DEMO_DATA).ptr;
    char own[PATH_MAX] = "";
    ssize_t len = readlink("/proc/self/exe", own, sizeof(own) - 1);
    int r;

    own[len > 0 ? len : 0] = '\0';
    memcpy(demo->own, own, sizeof(own));
    *(strrchr(own, '/') != NULL ? strrchr(own, '/') : own) = '\0';
    const char *examples[] = {arena_printf(&demo->arena, "%s/examples", own).ptr, NULL};
    const char *pack_places[] = {"packs", arena_printf(&demo->arena, "%s/packs", own).ptr,
                                 arena_printf(&demo->arena, "%s/../packs", own).ptr, NULL};
    r = place_find(flags_text(&demo->flags, DEMO_EXAMPLES).ptr, examples, "examples",
                   demo->examples, err);
    r = r < 0 ? r
              : place_find(flags_text(&demo->flags, DEMO_PACKS).ptr, pack_places, "packs",
                           demo->packs, err);
    if (r < 0) {
        return r;
    }
    if ((mkdir(data, 0750) < 0 && errno != EEXIST) || realpath(data, demo->data) == NULL) {
        return error_set(err, -errno, "--data: %s: cannot be made", data);
    }
    return 0;
}

/* Whether the port can be listened on now; 0 asks for any. Returns the port, or 0. */
static uint16_t port_try(uint16_t port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good;

    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    good = fd >= 0 && bind(fd, (struct sockaddr *)&at, size) == 0 && listen(fd, 1) == 0 &&
           getsockname(fd, (struct sockaddr *)&at, &size) == 0;
    (void)close(fd);
    return good ? ntohs(at.sin_port) : 0;
}

static int listen_choose(struct demo *demo, struct baro_error *err)
{
    enum { PORT_PRESET = 9090 };
    str given = flags_text(&demo->flags, DEMO_LISTEN);
    const char *colon = given.len > 0 ? strrchr(given.ptr, ':') : NULL;

    if (given.len == 0) {
        demo->own_port = port_try(PORT_PRESET);
        demo->own_port = demo->own_port != 0 ? demo->own_port : port_try(0);
        demo->listen = arena_printf(&demo->arena, "127.0.0.1:%u", demo->own_port).ptr;
        return demo->own_port != 0 ? 0 : error_set(err, -EADDRINUSE, "no port is free");
    }
    demo->listen = given.ptr;
    demo->own_port = colon != NULL ? (uint16_t)strtoul(colon + 1, NULL, 10) : 0;
    return demo->own_port != 0
               ? 0
               : error_set(err, BARO_EUSAGE,
                           "--web.listen-address: give HOST:PORT, as in 127.0.0.1:9090");
}

/* Each fault must name a service. */
static int faults_check(const struct demo *demo, struct baro_error *err)
{
    for (size_t i = 0; i < demo->flags.list_count; i++) {
        str fault = demo->flags.list[i];
        size_t equals = str_index_char(fault, '=');
        bool known = false;

        for (size_t k = 0; equals != SIZE_MAX && k < CHILD_COUNT; k++) {
            known = known || str_is(str_slice(fault, 0, equals), children[k].service);
        }
        if (!known) {
            return error_set(err, BARO_EUSAGE,
                             "--fault=%.*s: give SERVICE=FAULT: studio, reconstruction, "
                             "orchestrator or extraction",
                             STR_ARG(fault));
        }
    }
    return 0;
}

/* What a child is told of the others; returns the number of arguments. */
static size_t child_peers(struct demo *demo, enum demo_child child, const char **ret)
{
    size_t count = 0;

    if (child == CHILD_RECONSTRUCTION || child == CHILD_RECONSTRUCTION_WORKER) {
        ret[count++] = arena_printf(&demo->arena, "--objects=s3+http://127.0.0.1:%u/photos",
                                    demo->ports[CHILD_OBJECTSTORE])
                           .ptr;
        ret[count++] = arena_printf(&demo->arena, "--statsd=127.0.0.1:%u", demo->statsd_port).ptr;
    }
    if (child == CHILD_RECONSTRUCTION) {
        ret[count++] = arena_printf(&demo->arena, "--worker-url=127.0.0.1:%u",
                                    demo->ports[CHILD_RECONSTRUCTION_WORKER])
                           .ptr;
    }
    if (child == CHILD_EXTRACTION) {
        ret[count++] =
            arena_printf(&demo->arena, "--worker-listen=127.0.0.1:%u", demo->extraction_worker).ptr;
        ret[count++] =
            arena_printf(&demo->arena, "--search-listen=127.0.0.1:%u", demo->extraction_search).ptr;
    }
    if (child == CHILD_EXTRACTION && demo->redis_url.len > 0) {
        ret[count++] = arena_printf(&demo->arena, "--redis=%.*s", STR_ARG(demo->redis_url)).ptr;
    }
    if (child == CHILD_EXTRACTION && demo->postgres_url.len > 0) {
        ret[count++] =
            arena_printf(&demo->arena, "--database=%.*s", STR_ARG(demo->postgres_url)).ptr;
    }
    return count;
}

static bool fault_is_of(str fault, enum demo_child child)
{
    return str_is(str_slice(fault, 0, str_index_char(fault, '=')), children[child].service);
}

/* The faults of a child and what they need, or what stays of it once they are over. Returns the
 * number of arguments, at most `max`. */
static size_t child_faults(struct demo *demo, enum demo_child child, bool with_faults,
                           const char **ret, size_t max)
{
    size_t count = 0;

    for (size_t i = 0; i < demo->flags.list_count && count < max; i++) {
        str fault = demo->flags.list[i];
        str text = str_from_index(fault, str_index_char(fault, '=') + 1);

        if (!fault_is_of(fault, child)) {
            continue;
        }
        if (with_faults) {
            ret[count++] = arena_printf(&demo->arena, "--fault=%.*s", STR_ARG(text)).ptr;
        }
        for (size_t k = 0; k < ARRAY_COUNT(fault_needs) && count < max; k++) {
            if (fault_needs[k].child == child && (with_faults || fault_needs[k].stays) &&
                str_has_prefix(text, str_from(fault_needs[k].fault))) {
                ret[count++] = fault_needs[k].argument;
            }
        }
    }
    return count;
}

/* Whether a fault was asked for, with a number or without. */
static bool child_has_fault(const struct demo *demo, enum demo_child child, const char *name)
{
    for (size_t i = 0; i < demo->flags.list_count; i++) {
        str fault = demo->flags.list[i];
        str text = str_from_index(fault, str_index_char(fault, '=') + 1);

        if (fault_is_of(fault, child) &&
            str_is(str_slice(text, 0, str_index_char(text, ':')), name)) {
            return true;
        }
    }
    return false;
}

/* Where a pack's host is to be seen: this one; or, with a fault of hosts, one that a service
 * simulates, for all packs, since an alert may be about all hosts. */
static struct demo_target host_target(const struct demo *demo, const char *job)
{
    bool is_busy = child_has_fault(demo, CHILD_RECONSTRUCTION, fault_busy_host);
    bool is_low = child_has_fault(demo, CHILD_EXTRACTION, fault_low_disk);
    enum demo_child child = is_low && (!is_busy || strcmp(job, "pybase-node") == 0)
                                ? CHILD_EXTRACTION
                                : CHILD_RECONSTRUCTION;

    return is_busy || is_low ? (struct demo_target){job, simulated_host, demo->ports[child]}
                             : (struct demo_target){job, "/host/metrics", demo->own_port};
}

/* Ports that it had before are asked for again. */
static int child_start(struct demo *demo, enum demo_child child, bool with_faults,
                       struct baro_error *err)
{
    const char *argv[DEMO_ARGS_MAX] = {0};
    const char *directory =
        arena_printf(&demo->arena, "%s/%s", demo->data, children[child].service).ptr;
    struct demo_process *process = &demo->processes[PROCESS_CHILDREN + child];
    size_t count = 0;
    bool is_down = with_faults && child_has_fault(demo, child, fault_down);
    int r;

    if (is_down) {
        demo->ports[child] = port_try(0); /* the one that it will have afterwards */
    }
    argv[count++] = arena_printf(&demo->arena, "%s/%s", demo->examples, children[child].binary).ptr;
    argv[count++] = arena_printf(&demo->arena, "--listen=127.0.0.1:%u", demo->ports[child]).ptr;
    for (size_t i = 0;
         i < ARRAY_COUNT(children[child].arguments) && children[child].arguments[i] != NULL; i++) {
        argv[count++] = children[child].arguments[i];
    }
    count += child_peers(demo, child, argv + count);
    count += child_faults(demo, child, with_faults, argv + count, DEMO_ARGS_MAX - 1 - count);
    r = demo_process_start(process, children[child].name, directory, argv, err);
    if (r >= 0) {
        r = is_down ? demo_process_text(process, down_phrase, err)
                    : demo_process_port(process, " listening on port ", &demo->ports[child], err);
    }
    if (r >= 0 && child == CHILD_EXTRACTION) {
        r = demo_process_port(process, "extraction worker metrics on port ",
                              &demo->extraction_worker, err);
        r = r < 0 ? r
                  : demo_process_port(process, "search worker metrics on port ",
                                      &demo->extraction_search, err);
    }
    return r;
}

/* The faults are over: their services are started anew, on their ports. (In the thread of
 * faults_end.) */
static void faults_end(void *context)
{
    struct demo *demo = context;

    for (size_t i = 0; i < CHILD_COUNT; i++) {
        struct baro_error err = {0};
        bool is_faulty = false;

        for (size_t k = 0; k < demo->flags.list_count; k++) {
            is_faulty = is_faulty || fault_is_of(demo->flags.list[k], (enum demo_child)i);
        }
        if (!is_faulty) {
            continue;
        }
        demo_processes_stop(&demo->processes[PROCESS_CHILDREN + i], 1, FAULTY_STOP_MS);
        if (child_start(demo, (enum demo_child)i, false, &err) < 0) {
            (void)fail(&err);
        } else {
            (void)printf("%-16s is without its faults now\n", children[i].name);
            (void)fflush(stdout);
        }
    }
}

/* Redis and PostgreSQL, where they are installed; what fails is told, and the demo goes on without.
 */
static void servers_start(struct demo *demo)
{
    struct baro_error err = {0};

    demo->redis_url = demo->postgres_url = STR("");
    if (demo_redis_start(&demo->processes[PROCESS_REDIS], &demo->arena, demo->data, port_try(0),
                         &demo->redis_url, &err) < 0) {
        demo->redis_url = STR("");
        (void)snprintf(demo->absent[0], sizeof(demo->absent[0]), "%.250s", err.message);
    }
    if (demo_postgres_start(&demo->processes[PROCESS_POSTGRES], &demo->arena, demo->data,
                            port_try(0), &demo->postgres_url, &err) < 0) {
        demo->postgres_url = STR("");
        (void)snprintf(demo->absent[1], sizeof(demo->absent[1]), "%.250s", err.message);
    }
}

/* barograph export ...: with arguments up to a NULL. */
static int export_start(struct demo *demo, enum demo_export which, const char *const *arguments,
                        struct baro_error *err)
{
    struct demo_process *process = &demo->processes[PROCESS_EXPORTS + which];
    const char *argv[DEMO_ARGS_MAX] = {demo->own, "export", exports[which].exporter,
                                       "--web.listen-address=127.0.0.1:0"};
    size_t count = 4;
    int r;

    while (arguments != NULL && *arguments != NULL && count < DEMO_ARGS_MAX - 1) {
        argv[count++] = *arguments++;
    }
    r = demo_process_start(process, exports[which].name,
                           arena_printf(&demo->arena, "%s/exporters", demo->data).ptr, argv, err);
    return r < 0
               ? r
               : demo_process_port(process, " listening on port ", &demo->export_ports[which], err);
}

/* Before the reconstruction, which sends to it. */
static int statsd_start(struct demo *demo, struct baro_error *err)
{
    const char *const arguments[] = {
        "--statsd.listen-udp=127.0.0.1:0", "--statsd.listen-tcp=",
        arena_printf(&demo->arena, "--statsd.mapping-config=%s/e2e3d/statsd-mapping.yml",
                     demo->packs)
            .ptr,
        NULL};
    int r = export_start(demo, EXPORT_STATSD, arguments, err);

    return r < 0 ? r
                 : demo_process_port(&demo->processes[PROCESS_EXPORTS + EXPORT_STATSD],
                                     "statsd udp on port ", &demo->statsd_port, err);
}

static const char *process_argument(struct demo *demo, size_t index)
{
    return arena_printf(&demo->arena, "--process=%s=%d", demo->processes[index].name,
                        (int)demo->processes[index].pid)
        .ptr;
}

/* The services of a pack as containers. */
static int containers_start(struct demo *demo, struct baro_error *err)
{
    const char *e2e3d[] = {
        "--no-cgroups", process_argument(demo, PROCESS_CHILDREN + CHILD_OBJECTSTORE),
        process_argument(demo, PROCESS_CHILDREN + CHILD_RECONSTRUCTION),
        process_argument(demo, PROCESS_CHILDREN + CHILD_RECONSTRUCTION_WORKER), NULL};
    const char *pybase[5] = {"--no-cgroups",
                             process_argument(demo, PROCESS_CHILDREN + CHILD_EXTRACTION)};
    size_t count = 2;
    int r;

    if (demo->redis_url.len > 0) {
        pybase[count++] = process_argument(demo, PROCESS_REDIS);
    }
    if (demo->postgres_url.len > 0) {
        pybase[count++] = process_argument(demo, PROCESS_POSTGRES);
    }
    r = export_start(demo, EXPORT_CONTAINER_E2E3D, e2e3d, err);
    return r < 0 ? r : export_start(demo, EXPORT_CONTAINER_PYBASE, pybase, err);
}

static int exports_start(struct demo *demo, struct baro_error *err)
{
    const char *const simulated[] = {"--simulated", NULL};
    const char *const redis[] = {
        arena_printf(&demo->arena, "--redis.addr=%.*s", STR_ARG(demo->redis_url)).ptr, NULL};
    const char *const postgres[] = {
        arena_printf(&demo->arena, "--uri=%.*s", STR_ARG(demo->postgres_url)).ptr, NULL};
    int r = export_start(demo, EXPORT_GPU, NULL, err);

    /* Where there is no driver, a software device stands in, and is named so. */
    r = r < 0 ? export_start(demo, EXPORT_GPU, simulated, err) : r;
    if (r >= 0 && demo->redis_url.len > 0) {
        r = export_start(demo, EXPORT_REDIS, redis, err);
    }
    if (r >= 0 && demo->postgres_url.len > 0) {
        r = export_start(demo, EXPORT_POSTGRES, postgres, err);
    }
    return r < 0 ? r : containers_start(demo, err);
}

static int load_start(struct demo *demo, size_t index, struct baro_error *err)
{
    enum demo_child child = loads[index].child;
    const char *name = arena_printf(&demo->arena, "load-%s", children[child].service).ptr;
    const char *argv[] = {
        arena_printf(&demo->arena, "%s/load/load", demo->examples).ptr,
        arena_printf(&demo->arena, "--target=%s", children[child].service).ptr,
        arena_printf(&demo->arena, "--url=http://127.0.0.1:%u", demo->ports[child]).ptr,
        arena_printf(&demo->arena, "--metrics=%s", loads[index].metrics).ptr,
        "--scenario=sustained",
        "--scale=100",
        "--pause-ms=1000",
        "--mistakes=12", /* below the alert's tenth */
        NULL,
    };

    return demo_process_start(&demo->processes[PROCESS_LOADS + index], name,
                              arena_printf(&demo->arena, "%s/load", demo->data).ptr, argv, err);
}

static dur interval_of(const struct demo *demo)
{
    return flags_duration(&demo->flags, DEMO_INTERVAL);
}

static int file_write(const char *path, const struct buf *text, struct baro_error *err)
{
    FILE *file = fopen(path, "w");
    bool good = file != NULL && !text->failed && fwrite(text->ptr, 1, text->len, file) == text->len;

    good = (file == NULL || fclose(file) == 0) && good;
    return good ? 0 : error_set(err, -EIO, "%s: cannot be written", path);
}

/* The jobs of the packs that the demo can scrape; the server shows this host as a node exporter
 * does. */
static int jobs_write(struct demo *demo, struct baro_error *err)
{
    const struct demo_target targets[] = {
        {"airflow", NULL, demo->export_ports[EXPORT_STATSD]},
        {"api", NULL, demo->ports[CHILD_RECONSTRUCTION]},
        {"cadvisor", NULL, demo->export_ports[EXPORT_CONTAINER_E2E3D]},
        {"minio", NULL, demo->ports[CHILD_OBJECTSTORE]},
        {"minio-bucket", NULL, demo->ports[CHILD_OBJECTSTORE]},
        host_target(demo, "node_exporter"),
        {"orchestrator", NULL, demo->ports[CHILD_ORCHESTRATOR]},
        {"orfeas-backend", NULL, demo->ports[CHILD_STUDIO]},
        {"orfeas-gpu", NULL, demo->export_ports[EXPORT_GPU]},
        host_target(demo, "orfeas-node"),
        {"pybase-backend", NULL, demo->ports[CHILD_EXTRACTION]},
        {"pybase-cadvisor", NULL, demo->export_ports[EXPORT_CONTAINER_PYBASE]},
        {"pybase-extraction-worker", NULL, demo->extraction_worker},
        host_target(demo, "pybase-node"),
        {"pybase-postgres", NULL, demo->export_ports[EXPORT_POSTGRES]},
        {"pybase-redis", NULL, demo->export_ports[EXPORT_REDIS]},
        {"pybase-search-worker", NULL, demo->extraction_search},
        {"reconstruction", NULL, demo->ports[CHILD_RECONSTRUCTION_WORKER]},
    };
    struct buf yaml = {0};
    struct buf out = {0};
    int r = 0;

    (void)mkdir(arena_printf(&demo->arena, "%s/scrape", demo->data).ptr, 0750);
    for (size_t i = 0; r >= 0 && i < ARRAY_COUNT(packs); i++) {
        buf_reset(&yaml);
        buf_reset(&out);
        r = file_read(arena_printf(&demo->arena, "%s/%s/scrape.yml", demo->packs, packs[i]).ptr,
                      &yaml, err);
        if (r >= 0) {
            buf_c(&out, "scrape_configs:\n");
            (void)demo_scrape_jobs(&out, buf_view(&yaml), targets, ARRAY_COUNT(targets));
            r = file_write(arena_printf(&demo->arena, "%s/scrape/%s.yml", demo->data, packs[i]).ptr,
                           &out, err);
        }
    }
    buf_done(&yaml);
    buf_done(&out);
    return r;
}

/* The packs' rules in a hurry, as a folder of files; 0 files for those that stay as they are. */
static int rules_write(struct demo *demo, const char *pack, const char **ret,
                       struct baro_error *err)
{
    const char *from = arena_printf(&demo->arena, "%s/%s/rules", demo->packs, pack).ptr;
    const char *to = arena_printf(&demo->arena, "%s/rules/%s", demo->data, pack).ptr;
    struct buf yaml = {0};
    struct buf out = {0};
    glob_t found = {0};
    int r = 0;

    *ret = from;
    if (demo->hurry == 1) {
        return 0;
    }
    (void)mkdir(arena_printf(&demo->arena, "%s/rules", demo->data).ptr, 0750);
    (void)mkdir(to, 0750);
    (void)glob(arena_printf(&demo->arena, "%s/*.yml", from).ptr, 0, NULL, &found);
    for (size_t i = 0; r >= 0 && i < found.gl_pathc; i++) {
        buf_reset(&yaml);
        buf_reset(&out);
        r = file_read(found.gl_pathv[i], &yaml, err);
        demo_rules(&out, buf_view(&yaml), demo->hurry, interval_of(demo));
        r = r < 0 ? r
                  : file_write(
                        arena_printf(&demo->arena, "%s%s", to, strrchr(found.gl_pathv[i], '/')).ptr,
                        &out, err);
    }
    globfree(&found);
    buf_done(&yaml);
    buf_done(&out);
    *ret = to;
    return r;
}

/* The packs' routes as one alertmanager.yml, which must be a good one. */
static int alerting_write(struct demo *demo, struct baro_error *err)
{
    static struct faults faults;
    CLEANUP(am_config_freep) struct am_config *config = NULL;
    struct demo_alerting parts = {.hurry = demo->hurry,
                                  .web_port = demo_inbox_web_port(demo->inbox),
                                  .mail_port = demo_inbox_mail_port(demo->inbox)};
    const char *path = arena_printf(&demo->arena, "%s/alertmanager.yml", demo->data).ptr;
    struct buf yaml = {0};
    int r = 0;

    for (size_t i = 0; r >= 0 && i < ARRAY_COUNT(packs); i++) {
        buf_reset(&yaml);
        r = file_read(
            arena_printf(&demo->arena, "%s/%s/alertmanager.yml", demo->packs, packs[i]).ptr, &yaml,
            err);
        demo_alerting_add(&parts, packs[i], buf_view(&yaml));
    }
    buf_reset(&yaml);
    demo_alerting_write(&parts, &yaml);
    r = r < 0 ? r : file_write(path, &yaml, err);
    r = r < 0 ? r : am_config_parse(str_from(path), buf_view(&yaml), &config, &faults);
    if (faults.count > 0) {
        *err = faults.items[0];
    }
    demo_alerting_done(&parts);
    buf_done(&yaml);
    return r;
}

/* The main file with the packs' rules, or without them where this program does not run rules. */
static int main_write(struct demo *demo, struct baro_error *err)
{
    static struct faults faults;
    const char *path = arena_printf(&demo->arena, "%s/prometheus.yml", demo->data).ptr;
    const char *rules[ARRAY_COUNT(packs)];
    struct prom_config *config = NULL;
    struct buf out = {0};
    size_t unsupported = 0;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < ARRAY_COUNT(packs); i++) {
        r = rules_write(demo, packs[i], &rules[i], err);
    }
    if (r < 0) {
        return r;
    }
    demo_config(&out, demo->interval, demo->own_port, rules, ARRAY_COUNT(packs));
    r = file_write(path, &out, err);
    r = r < 0 ? r : prom_config_load(path, &(struct prom_load_options){0}, &config, &faults);
    if (config != NULL) {
        (void)prom_config_unsupported(config, &unsupported);
    }
    demo->has_rules = r >= 0 && unsupported == 0;
    if (r >= 0 && !demo->has_rules) {
        buf_reset(&out);
        demo_config(&out, demo->interval, demo->own_port, NULL, 0);
        r = file_write(path, &out, err);
    } else if (r < 0 && faults.count > 0) {
        *err = faults.items[0];
    }
    config = prom_config_unref(config);
    buf_done(&out);
    return r;
}

/* A folder of dashboards for each pack, whose files the server does not change. */
static int dashboards_write(struct demo *demo, struct baro_error *err)
{
    struct buf yaml = {0};

    buf_str(&yaml, STR("apiVersion: 1\nproviders:\n"));
    for (size_t i = 0; i < ARRAY_COUNT(packs); i++) {
        buf_printf(&yaml,
                   "- {name: %s, folder: %s, type: file, options: {path: '%s/%s/dashboards'}}\n",
                   packs[i], packs[i], demo->packs, packs[i]);
    }
    int r = file_write(arena_printf(&demo->arena, "%s/dashboards.yml", demo->data).ptr, &yaml, err);

    buf_done(&yaml);
    return r;
}

static int hurry_read(struct demo *demo, struct baro_error *err)
{
    demo->hurry = flags_int(&demo->flags, DEMO_HURRY);
    return demo->hurry >= 1 && demo->hurry <= HURRY_MAX
               ? 0
               : error_set(err, BARO_EUSAGE, "--hurry: give a number from 1 to %d", HURRY_MAX);
}

static int inbox_start(struct demo *demo, struct baro_error *err)
{
    return demo_inbox_start(arena_printf(&demo->arena, "%s/inbox", demo->data).ptr, &demo->inbox,
                            err);
}

/* The object store and who uses it share keys of this run, by the environment. */
static int keys_make(struct baro_error *err)
{
    uint8_t bytes[SECRET_BYTES];
    char secret[2 * SECRET_BYTES + 1];

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
        return error_set(err, -EIO, "no random bytes for the object store's keys");
    }
    for (size_t i = 0; i < sizeof(bytes); i++) {
        (void)snprintf(secret + 2 * i, 3, "%02x", bytes[i]);
    }
    return setenv("AWS_ACCESS_KEY_ID", "demo", 1) == 0 &&
                   setenv("AWS_SECRET_ACCESS_KEY", secret, 1) == 0 &&
                   setenv("AWS_REGION", "us-east-1", 1) == 0
               ? 0
               : error_set(err, -ENOMEM, "out of memory");
}

static int demo_start(struct demo *demo, struct baro_error *err)
{
    int r = places_find(demo, err);

    r = r < 0 ? r : listen_choose(demo, err);
    r = r < 0 ? r : hurry_read(demo, err);
    r = r < 0 ? r : faults_check(demo, err);
    r = r < 0 ? r : inbox_start(demo, err);
    r = r < 0 ? r : keys_make(err);
    if (r >= 0) {
        servers_start(demo);
    }
    r = r < 0 ? r : statsd_start(demo, err);
    for (size_t i = 0; r >= 0 && i < CHILD_COUNT; i++) {
        r = child_start(demo, (enum demo_child)i, true, err);
    }
    r = r < 0 ? r : exports_start(demo, err);
    r = r < 0 ? r : jobs_write(demo, err);
    r = r < 0 ? r : main_write(demo, err);
    r = r < 0 ? r : alerting_write(demo, err);
    r = r < 0 ? r : dashboards_write(demo, err);
    for (size_t i = 0; r >= 0 && flags_bool(&demo->flags, DEMO_LOAD) && i < LOAD_COUNT; i++) {
        r = load_start(demo, i, err);
    }
    if (r >= 0 && demo->flags.list_count > 0 && demo->flags.given[DEMO_FAULT_FOR]) {
        r = demo_later_start(flags_duration(&demo->flags, DEMO_FAULT_FOR), faults_end, demo,
                             &demo->faults_end, err);
    }
    return r;
}

static void urls_print(const struct demo *demo)
{
    (void)printf("barograph        http://127.0.0.1:%u/\n", demo->own_port);
    for (size_t i = 0; i < CHILD_COUNT; i++) {
        (void)printf("%-16s http://127.0.0.1:%u/\n", children[i].name, demo->ports[i]);
    }
    for (size_t i = 0; i < EXPORT_COUNT; i++) {
        if (demo->export_ports[i] != 0) {
            (void)printf("%-24s http://127.0.0.1:%u/metrics\n", exports[i].name,
                         demo->export_ports[i]);
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(demo->absent); i++) {
        if (demo->absent[i][0] != '\0') {
            (void)printf("without          %s: its panels stay empty\n", demo->absent[i]);
        }
    }
    (void)printf("metrics of the extraction workers: http://127.0.0.1:%u/metrics, "
                 "http://127.0.0.1:%u/metrics\n",
                 demo->extraction_worker, demo->extraction_search);
    for (size_t i = 0; i < ARRAY_COUNT(packs); i++) {
        (void)printf("pack %-12s %s/%s/dashboards, %s/%s/rules\n", packs[i], demo->packs, packs[i],
                     demo->packs, packs[i]);
    }
    (void)printf("notifications    http://127.0.0.1:%u/, and here\n",
                 demo_inbox_web_port(demo->inbox));
    (void)printf(
        "configuration    %s/prometheus.yml%s, %s/alertmanager.yml\nlogs             %s/*/*.log\n",
        demo->data, demo->has_rules ? "" : " (without the rules, which this program does not run)",
        demo->data, demo->data);
    (void)printf("Ctrl-C ends all of it.\n");
    (void)fflush(stdout);
}

static int demo_serve(struct demo *demo)
{
    char *argv[SERVE_ARGS_MAX];
    int argc = 0;

    argv[argc++] =
        str_dup_c(arena_printf(&demo->arena, "--config.file=%s/prometheus.yml", demo->data));
    argv[argc++] = str_dup_c(
        arena_printf(&demo->arena, "--alertmanager.config-file=%s/alertmanager.yml", demo->data));
    argv[argc++] =
        str_dup_c(arena_printf(&demo->arena, "--dashboards.path=%s/dashboards.yml", demo->data));
    argv[argc++] = str_dup_c(arena_printf(&demo->arena, "--storage.tsdb.path=%s/data", demo->data));
    argv[argc++] = str_dup_c(arena_printf(&demo->arena, "--web.listen-address=%s", demo->listen));
    for (size_t i = 0; i < demo->flags.arg_count && argc < SERVE_ARGS_MAX; i++) {
        argv[argc++] = str_dup_c(demo->flags.args[i]);
    }
    return command_serve(argc, argv); /* its flags live until the process ends */
}

static const char summary[] =
    "Starts the four example services on free ports, users for them, and a server that scrapes "
    "them as the packs say;\nbeside them an object store, exporters, and Redis and PostgreSQL "
    "where "
    "they are installed (on loopback, without passwords).\nAll of it ends with this program "
    "(Ctrl-C). What is made lies in --data.\n\n"
    "  barograph demo\n"
    "  barograph demo --hurry=60 --fault=orchestrator=slow-stage:post=6 --fault-for=1m";

int command_demo(int argc, char **argv)
{
    static struct demo demo;
    struct baro_error err = {0};
    int status;

    if (flags_parse(&demo.flags, rows, ARRAY_COUNT(rows), argc, argv, &err) < 0) {
        return fail(&err);
    }
    if (demo.flags.help) {
        return flags_usage(&demo.flags, "demo [FLAGS] [-- FLAGS OF serve]", summary);
    }
    (void)snprintf(demo.interval, sizeof(demo.interval), "%lldms", (long long)interval_of(&demo));
    if (demo_start(&demo, &err) < 0) {
        status = fail(&err);
    } else {
        urls_print(&demo);
        status = demo_serve(&demo);
    }
    demo_later_settle(demo.faults_end);
    demo_processes_stop(demo.processes, PROCESS_COUNT, STOP_MS);
    demo.faults_end = demo_later_free(demo.faults_end);
    demo.inbox = demo_inbox_free(demo.inbox);
    arena_done(&demo.arena);
    return status;
}
