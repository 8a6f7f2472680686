#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/attr.h"
#include "base/map.h"
#include "base/num.h"
#include "exporter/container_stats.h"
#include "exporter/procfs.h"
#include "sys/clock.h"

/* v1's "no limit" is the largest number of pages; cAdvisor shows it, and 0 for v2's "max". */
enum { USEC = 1000000, TICKS = 100, GROUP_PATH_SIZE = 512 };

static const char base[] = "/sys/fs/cgroup";

struct walk {
    const struct container_options *options;
    struct arena *arena;
    struct map seen;
    struct buf text;
    str disks; /* /proc/diskstats */
    bool is_unified;
    struct container_stats stats;
    container_found *found;
    void *context;
};

/* ---- the kernel's files ---- */

/* "8:0" as /dev/sda, by /proc/diskstats; itself where that has none. */
static str device_name(struct arena *arena, str number, str disks)
{
    size_t colon = str_index_char(number, ':');
    str major = str_slice(number, 0, colon);
    str minor = str_from_index(number, colon == SIZE_MAX ? number.len : colon + 1);

    for (str line; str_split_next(&disks, '\n', &line);) {
        struct procfs_fields fields;

        procfs_split(line, &fields);
        if (fields.count > 2 && str_eq(fields.items[0], major) && str_eq(fields.items[1], minor)) {
            return arena_printf(arena, "/dev/%.*s", STR_ARG(fields.items[2]));
        }
    }
    return arena_str(arena, number);
}

static struct container_device *device_get(struct container_stats *stats, str name)
{
    for (size_t i = 0; i < stats->device_count; i++) {
        if (str_eq(stats->devices[i].name, name)) {
            return &stats->devices[i];
        }
    }
    if (stats->device_count >= CONTAINER_DEVICES_MAX) {
        return NULL;
    }
    stats->devices[stats->device_count] = (struct container_device){name, NAN, NAN, NAN, NAN};
    return &stats->devices[stats->device_count++];
}

void container_io_stat_parse(struct container_stats *stats, struct arena *arena, str text,
                             str disks)
{
    for (str line; str_split_next(&text, '\n', &line);) {
        struct procfs_fields fields;
        struct container_device *device;

        procfs_split(line, &fields);
        if (fields.count < 2 || str_index_char(fields.items[0], ':') == SIZE_MAX) {
            continue;
        }
        device = device_get(stats, device_name(arena, fields.items[0], disks));
        for (size_t i = 1; device != NULL && i < fields.count; i++) {
            size_t equals = str_index_char(fields.items[i], '=');
            str key = str_slice(fields.items[i], 0, equals);
            double *to = str_is(key, "rbytes")   ? &device->read_bytes
                         : str_is(key, "wbytes") ? &device->write_bytes
                         : str_is(key, "rios")   ? &device->reads
                         : str_is(key, "wios")   ? &device->writes
                                                 : NULL;

            if (to != NULL && equals != SIZE_MAX) {
                (void)num_parse_decimal(str_from_index(fields.items[i], equals + 1), to);
            }
        }
    }
}

void container_blkio_parse(struct container_stats *stats, struct arena *arena, str text, str disks,
                           bool is_count)
{
    for (str line; str_split_next(&text, '\n', &line);) {
        struct procfs_fields fields;
        struct container_device *device;
        bool is_read;

        procfs_split(line, &fields);
        is_read = fields.count == 3 && str_is(fields.items[1], "Read");
        if (!is_read && (fields.count != 3 || !str_is(fields.items[1], "Write"))) {
            continue; /* Sync, Async, Discard, Total */
        }
        device = device_get(stats, device_name(arena, fields.items[0], disks));
        if (device != NULL) {
            double *to = is_count ? (is_read ? &device->reads : &device->writes)
                                  : (is_read ? &device->read_bytes : &device->write_bytes);

            (void)num_parse_decimal(fields.items[2], to);
        }
    }
}

/* The content of a file of a group, "" when there is none. The controller is "" in version 2. */
static str file_text(struct walk *walk, const char *controller, str group, const char *file)
{
    char path[PROCFS_PATH_SIZE];

    (void)snprintf(path, sizeof(path), "%s%s%.*s/%s", base, controller, STR_ARG(group), file);
    return procfs_read(walk->options->root, path, &walk->text) ? buf_view(&walk->text) : STR("");
}

static double file_number(struct walk *walk, const char *controller, str group, const char *file)
{
    double value = NAN;

    (void)num_parse_decimal(str_trim(file_text(walk, controller, group, file)), &value);
    return value;
}

static double key_number(str text, const char *key, double scale)
{
    double value;

    return procfs_key(text, key, &value) ? value / scale : NAN;
}

/* What is in use less the file pages that nobody has touched for long: the kernel takes those
 * back. */
static double working_set(double usage, double inactive)
{
    return isnan(usage) ? NAN : isnan(inactive) ? usage : inactive > usage ? 0 : usage - inactive;
}

static void stats_read_v2(struct walk *walk, str group)
{
    struct container_stats *stats = &walk->stats;
    str text = file_text(walk, "", group, "cpu.stat");

    stats->cpu_seconds = key_number(text, "usage_usec", USEC);
    stats->cpu_user_seconds = key_number(text, "user_usec", USEC);
    stats->cpu_system_seconds = key_number(text, "system_usec", USEC);
    stats->cfs_periods = key_number(text, "nr_periods", 1);
    stats->cfs_throttled_periods = key_number(text, "nr_throttled", 1);
    stats->cfs_throttled_seconds = key_number(text, "throttled_usec", USEC);
    stats->memory_usage = file_number(walk, "", group, "memory.current");
    stats->memory_swap = file_number(walk, "", group, "memory.swap.current");
    text = file_text(walk, "", group, "memory.max");
    stats->memory_limit = str_is(str_trim(text), "max") ? 0 : NAN;
    if (isnan(stats->memory_limit)) {
        (void)num_parse_decimal(str_trim(text), &stats->memory_limit);
    }
    text = file_text(walk, "", group, "memory.stat");
    stats->memory_rss = key_number(text, "anon", 1);
    stats->memory_cache = key_number(text, "file", 1);
    stats->memory_working_set =
        working_set(stats->memory_usage, key_number(text, "inactive_file", 1));
    text = file_text(walk, "", group, "memory.events");
    stats->memory_failures = key_number(text, "max", 1);
    stats->oom_events = key_number(text, "oom_kill", 1);
    stats->processes = file_number(walk, "", group, "pids.current");
    container_io_stat_parse(stats, walk->arena, file_text(walk, "", group, "io.stat"), walk->disks);
}

static void stats_read_v1(struct walk *walk, str group)
{
    struct container_stats *stats = &walk->stats;
    str text = file_text(walk, "/cpuacct", group, "cpuacct.stat");

    stats->cpu_user_seconds = key_number(text, "user", TICKS);
    stats->cpu_system_seconds = key_number(text, "system", TICKS);
    stats->cpu_seconds = file_number(walk, "/cpuacct", group, "cpuacct.usage") / 1e9;
    text = file_text(walk, "/cpu", group, "cpu.stat");
    stats->cfs_periods = key_number(text, "nr_periods", 1);
    stats->cfs_throttled_periods = key_number(text, "nr_throttled", 1);
    stats->cfs_throttled_seconds = key_number(text, "throttled_time", 1e9);
    stats->memory_usage = file_number(walk, "/memory", group, "memory.usage_in_bytes");
    stats->memory_limit = file_number(walk, "/memory", group, "memory.limit_in_bytes");
    stats->memory_failures = file_number(walk, "/memory", group, "memory.failcnt");
    text = file_text(walk, "/memory", group, "memory.stat");
    stats->memory_rss = key_number(text, "total_rss", 1);
    stats->memory_cache = key_number(text, "total_cache", 1);
    stats->memory_swap = key_number(text, "total_swap", 1);
    stats->memory_working_set =
        working_set(stats->memory_usage, key_number(text, "total_inactive_file", 1));
    stats->oom_events =
        key_number(file_text(walk, "/memory", group, "memory.oom_control"), "oom_kill", 1);
    stats->processes = file_number(walk, "/pids", group, "pids.current");
    container_blkio_parse(stats, walk->arena,
                          file_text(walk, "/blkio", group, "blkio.throttle.io_service_bytes"),
                          walk->disks, false);
    container_blkio_parse(stats, walk->arena,
                          file_text(walk, "/blkio", group, "blkio.throttle.io_serviced"),
                          walk->disks, true);
}

/* A container has a network of its own when its processes do not share the host's: that of its
 * first process. */
static void network_read(struct walk *walk, str group)
{
    str text = file_text(walk, walk->is_unified ? "" : "/memory", group, "cgroup.procs");
    char path[64];
    str pid;
    uint64_t number;

    if (str_split_next(&text, '\n', &pid) && num_parse_u64(pid, &number)) {
        (void)snprintf(path, sizeof(path), "/proc/%llu/net/dev", (unsigned long long)number);
        if (procfs_read(walk->options->root, path, &walk->text)) {
            container_network_read(&walk->stats, arena_str(walk->arena, buf_view(&walk->text)));
        }
    }
}

static void group_read(struct walk *walk, const char *controller, str group)
{
    struct container_stats *stats = &walk->stats;
    char path[PROCFS_PATH_SIZE];
    struct stat status;

    container_stats_init(stats);
    stats->id = group.len > 0 ? arena_str(walk->arena, group) : STR("/");
    if (walk->is_unified) {
        stats_read_v2(walk, group);
    } else {
        stats_read_v1(walk, group);
    }
    (void)snprintf(path, sizeof(path), "%s%s%s%.*s", walk->options->root, base, controller,
                   STR_ARG(group));
    if (stat(path, &status) == 0) {
        stats->start_time = (double)status.st_mtim.tv_sec + (double)status.st_mtim.tv_nsec / 1e9;
    }
    stats->last_seen = (double)clock_now(clock_real()) / 1e3;
    if (container_name_find(walk->options, walk->arena, group, &stats->image, &stats->name)) {
        network_read(walk, group);
    }
    walk->found(walk->context, stats);
}

/* Goes down the tree. Groups come and go meanwhile: what is gone is left out. */
static void tree_walk(struct walk *walk, const char *controller, str group, int depth)
{
    char path[PROCFS_PATH_SIZE];
    int len = snprintf(path, sizeof(path), "%s%s%s%.*s", walk->options->root, base, controller,
                       STR_ARG(group));
    DIR *directory = len > 0 && (size_t)len < sizeof(path) ? opendir(path) : NULL;

    if (directory == NULL) {
        return;
    }
    if (map_get(&walk->seen, group) == NULL && walk->seen.count < CONTAINERS_MAX) {
        (void)map_put(&walk->seen, group, walk);
        group_read(walk, controller, group);
    }
    for (struct dirent *entry; depth < CONTAINER_DEPTH_MAX && walk->seen.count < CONTAINERS_MAX &&
                               (entry = readdir(directory)) != NULL;) {
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
            tree_walk(walk, controller,
                      arena_printf(walk->arena, "%.*s/%s", STR_ARG(group), entry->d_name),
                      depth + 1);
        }
    }
    (void)closedir(directory);
}

void container_cgroups_read(const struct container_options *options, struct arena *arena,
                            container_found *found, void *context)
{
    struct walk walk = {.options = options,
                        .arena = arena,
                        .text = {.limit = PROCFS_BYTES_MAX * 2},
                        .found = found,
                        .context = context};
    char path[PROCFS_PATH_SIZE];
    struct stat status;

    walk.disks = procfs_read(options->root, "/proc/diskstats", &walk.text)
                     ? arena_str(arena, buf_view(&walk.text))
                     : STR("");
    (void)snprintf(path, sizeof(path), "%s%s/cgroup.controllers", options->root, base);
    walk.is_unified = stat(path, &status) == 0;
    tree_walk(&walk, walk.is_unified ? "" : "/memory", STR(""), 0);
    if (!walk.is_unified) {
        tree_walk(&walk, "/cpuacct", STR(""), 0);
    }
    map_done(&walk.seen);
    buf_done(&walk.text);
}

/* "4:memory:/path" (version 1) or "0::/path" of /proc/PID/cgroup. */
static bool memory_group(str text, bool *ret_unified, str *ret_group)
{
    bool found = false;

    for (str line; str_split_next(&text, '\n', &line);) {
        size_t first = str_index_char(line, ':');
        str rest = str_from_index(line, first == SIZE_MAX ? line.len : first + 1);
        size_t second = str_index_char(rest, ':');
        str controllers = str_slice(rest, 0, second);

        if (second != SIZE_MAX &&
            (str_is(controllers, "memory") || (controllers.len == 0 && !found))) {
            found = true;
            *ret_unified = controllers.len == 0;
            *ret_group = str_from_index(rest, second + 1);
            *ret_group = str_is(*ret_group, "/") ? STR("") : *ret_group;
        }
    }
    return found;
}

double container_oom_read(const char *root, pid_t pid, struct buf *text)
{
    char path[PROCFS_PATH_SIZE];
    bool is_unified = false;
    str group = STR("");
    double value;

    (void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
    if (procfs_read(root, path, text) && memory_group(buf_view(text), &is_unified, &group)) {
        (void)snprintf(path, sizeof(path), "%s%s%.*s/%s", base, is_unified ? "" : "/memory",
                       (int)(group.len < GROUP_PATH_SIZE ? group.len : GROUP_PATH_SIZE), group.ptr,
                       is_unified ? "memory.events" : "memory.oom_control");
        if (procfs_read(root, path, text) && procfs_key(buf_view(text), "oom_kill", &value)) {
            return value;
        }
    }
    /* The group of all groups counts none: those of the host are all. */
    return procfs_read(root, "/proc/vmstat", text) && procfs_key(buf_view(text), "oom_kill", &value)
               ? value
               : NAN;
}
