#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dirent.h>

#include "base/attr.h"
#include "base/num.h"
#include "base/vec.h"
#include "exporter/container_stats.h"
#include "exporter/procfs.h"
#include "sys/clock.h"

enum { PROCESSES_MAX = 100000, TICKS_DEFAULT = 100, ANCESTORS_MAX = 64 };

struct process {
    pid_t pid, parent;
    double ticks_user, ticks_system, start_ticks, resident_pages;
    bool is_member; /* of the tree that is looked at */
};

typedef VEC(struct process) processes;

/* "12 (a name) S 1 ...": the name may hold blanks and brackets, so fields are counted from its
 * last bracket. Fields by proc(5), less 3. */
static bool stat_parse(str text, struct process *ret)
{
    enum { PARENT = 1, UTIME = 11, STIME = 12, CUTIME = 13, CSTIME = 14, START = 19, RSS = 21 };
    struct procfs_fields fields;
    size_t bracket = SIZE_MAX;

    for (size_t i = 0; i < text.len; i++) {
        bracket = text.ptr[i] == ')' ? i : bracket;
    }
    procfs_split(str_from_index(text, bracket == SIZE_MAX ? text.len : bracket + 1), &fields);
    if (fields.count <= RSS || str_is(fields.items[0], "Z")) {
        return false;
    }
    ret->parent = (pid_t)procfs_number(&fields, PARENT);
    ret->ticks_user = procfs_number(&fields, UTIME) + procfs_number(&fields, CUTIME);
    ret->ticks_system = procfs_number(&fields, STIME) + procfs_number(&fields, CSTIME);
    ret->start_ticks = procfs_number(&fields, START);
    ret->resident_pages = procfs_number(&fields, RSS);
    return true;
}

static int by_pid(const void *a, const void *b)
{
    const struct process *left = a;
    const struct process *right = b;

    return (left->pid > right->pid) - (left->pid < right->pid);
}

static void processes_read(const char *root, processes *ret, struct buf *text)
{
    char path[PROCFS_PATH_SIZE];
    DIR *directory;

    (void)snprintf(path, sizeof(path), "%s/proc", root);
    directory = opendir(path);
    for (struct dirent *entry;
         directory != NULL && ret->count < PROCESSES_MAX && (entry = readdir(directory)) != NULL;) {
        struct process process = {0};
        uint64_t pid;

        if (!num_parse_u64(str_from(entry->d_name), &pid) || pid == 0 || pid > INT32_MAX) {
            continue;
        }
        (void)snprintf(path, sizeof(path), "/proc/%llu/stat", (unsigned long long)pid);
        process.pid = (pid_t)pid;
        if (procfs_read(root, path, text) && stat_parse(buf_view(text), &process)) {
            vec_push(ret, process);
        }
    }
    if (directory != NULL) {
        (void)closedir(directory);
    }
    if (ret->count > 0) {
        qsort(ret->items, ret->count, sizeof(ret->items[0]), by_pid);
    }
}

/* Of a list in rising order of pids. */
static const struct process *process_find(const processes *all, pid_t pid)
{
    size_t low = 0;
    size_t high = all->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (all->items[middle].pid < pid) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < all->count && all->items[low].pid == pid ? &all->items[low] : NULL;
}

/* Marks the process and its descendants; NULL when there is no such process. */
static const struct process *tree_mark(processes *all, pid_t pid)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct process *at = &all->items[i];

        for (int depth = 0; at != NULL && at->pid != pid && depth < ANCESTORS_MAX; depth++) {
            at = process_find(all, at->parent);
        }
        all->items[i].is_member = at != NULL && at->pid == pid;
    }
    return process_find(all, pid);
}

/* What the processes have read from and written to disks: /proc/PID/io, which only their owner may
 * read. */
static void tree_io(const char *root, const processes *all, struct container_stats *stats,
                    struct buf *text)
{
    struct container_device *device = &stats->devices[0];

    *device = (struct container_device){STR(""), 0, 0, NAN, NAN};
    for (size_t i = 0; i < all->count; i++) {
        char path[64];
        double value;

        (void)snprintf(path, sizeof(path), "/proc/%d/io", (int)all->items[i].pid);
        if (!all->items[i].is_member || !procfs_read(root, path, text)) {
            continue;
        }
        stats->device_count = 1;
        device->read_bytes += procfs_key(buf_view(text), "read_bytes", &value) ? value : 0;
        device->write_bytes += procfs_key(buf_view(text), "write_bytes", &value) ? value : 0;
    }
}

static str image_of(const char *root, struct arena *arena, pid_t pid)
{
    char path[PROCFS_PATH_SIZE];
    char target[PROCFS_PATH_SIZE];
    ssize_t len;
    const char *slash;

    (void)snprintf(path, sizeof(path), "%s/proc/%d/exe", root, (int)pid);
    len = readlink(path, target, sizeof(target) - 1);
    if (len <= 0) {
        return STR("");
    }
    target[len] = '\0';
    slash = strrchr(target, '/');
    return arena_str(arena, str_from(slash != NULL ? slash + 1 : target));
}

static void tree_read(const struct container_options *options, struct arena *arena,
                      const struct container_group *group, processes *all, double boot,
                      struct container_stats *stats)
{
    double hertz = (double)(sysconf(_SC_CLK_TCK) > 0 ? sysconf(_SC_CLK_TCK) : TICKS_DEFAULT);
    double page = (double)sysconf(_SC_PAGESIZE);
    const struct process *first = tree_mark(all, group->pid);
    struct buf text = {.limit = PROCFS_BYTES_MAX * 2};
    char path[64];

    if (first == NULL) {
        return;
    }
    stats->cpu_user_seconds = stats->cpu_system_seconds = 0;
    stats->memory_working_set = stats->processes = 0;
    for (size_t i = 0; i < all->count; i++) {
        const struct process *process = &all->items[i];

        if (process->is_member) {
            stats->cpu_user_seconds += process->ticks_user / hertz;
            stats->cpu_system_seconds += process->ticks_system / hertz;
            stats->memory_working_set += process->resident_pages * page;
            stats->processes++;
        }
    }
    stats->cpu_seconds = stats->cpu_user_seconds + stats->cpu_system_seconds;
    stats->memory_usage = stats->memory_working_set;
    stats->start_time = boot + first->start_ticks / hertz;
    stats->last_seen = (double)clock_now(clock_real()) / 1e3;
    tree_io(options->root, all, stats, &text);
    stats->oom_events = container_oom_read(options->root, group->pid, &text);
    (void)snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)group->pid);
    if (procfs_read(options->root, path, &text)) {
        container_network_read(stats, arena_str(arena, buf_view(&text)));
    }
    stats->image = image_of(options->root, arena, group->pid);
    buf_done(&text);
}

void container_processes_read(const struct container_options *options, struct arena *arena,
                              container_found *found, void *context)
{
    struct buf text = {.limit = PROCFS_BYTES_MAX * 2};
    struct container_stats *stats = ARENA_NEW(arena, struct container_stats);
    processes all = {0};
    double boot = 0;

    if (options->group_count > 0) {
        processes_read(options->root, &all, &text);
        if (procfs_read(options->root, "/proc/stat", &text)) {
            (void)procfs_key(buf_view(&text), "btime", &boot);
        }
    }
    for (size_t i = 0; i < options->group_count; i++) {
        container_stats_init(stats);
        stats->id = arena_printf(arena, "/process/%s", options->groups[i].name);
        stats->name = str_from(options->groups[i].name);
        tree_read(options, arena, &options->groups[i], &all, boot, stats);
        if (!isnan(stats->cpu_seconds)) {
            found(context, stats);
        }
    }
    vec_done(&all);
    buf_done(&text);
}
