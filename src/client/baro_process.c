#include "client/baro_priv.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* What /proc/self tells; -1 = not found. */
struct process {
    double cpu_s;
    double resident_bytes;
    double virtual_bytes;
    double start_s;
    double open_fds;
    double max_fds;
    double threads;
};

static size_t file_read(const char *path, char *buffer, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, buffer, size - 1);

    if (fd >= 0) {
        (void)close(fd);
    }
    got = got < 0 ? 0 : got;
    buffer[got] = '\0';
    return (size_t)got;
}

/* Boot time, which start times count from: the line btime of /proc/stat. -1e300 makes the sum
 * negative: not known. */
static double boot_s(void)
{
    char line[256];
    double found = -1e300;
    FILE *file = fopen("/proc/stat", "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "btime ", 6) == 0) {
            found = (double)strtoll(line + 6, NULL, 10);
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return found;
}

/* Fields of /proc/self/stat are counted behind the last parenthesis of the command: field 3 comes
 * first. */
static void stat_read(struct process *process)
{
    char text[1024];
    const char *at;
    double ticks = (double)sysconf(_SC_CLK_TCK);

    (void)file_read("/proc/self/stat", text, sizeof(text));
    at = strrchr(text, ')');
    for (int field = 3; at != NULL && field <= 24; field++) {
        double value;

        at = strchr(at, ' ');
        if (at == NULL) {
            return;
        }
        at++;
        value = (double)strtoll(at, NULL, 10);
        if (field == 20) {
            process->threads = value;
        } else if (field == 22) {
            process->start_s = boot_s() + value / ticks;
        } else if (field == 23) {
            process->virtual_bytes = value;
        } else if (field == 24) {
            process->resident_bytes = value * (double)sysconf(_SC_PAGESIZE);
        }
    }
}

static double fds_count(void)
{
    DIR *dir = opendir("/proc/self/fd");
    double count = 0;

    if (dir == NULL) {
        return -1;
    }
    while (readdir(dir) != NULL) {
        count++;
    }
    (void)closedir(dir);
    return count - 3; /* ".", "..", and the directory's own */
}

static void process_read(struct process *process)
{
    struct timespec cpu = {0, 0};
    struct rlimit limit = {0, 0};

    *process = (struct process){-1, -1, -1, -1, -1, -1, -1};
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) == 0) {
        process->cpu_s = (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9;
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        process->max_fds = limit.rlim_cur == RLIM_INFINITY ? -1 : (double)limit.rlim_cur;
    }
    stat_read(process);
    process->open_fds = fds_count();
}

static void one(struct baro_sink *sink, const char *name, enum baro_type type, const char *unit,
                const char *help, double value)
{
    struct baro_desc desc;

    memset(&desc, 0, sizeof(desc));
    desc.name = name;
    desc.help = help;
    desc.unit = unit;
    desc.type = type;
    if (value >= 0 && baro_sink_family(sink, &desc) == BARO_OK) {
        (void)baro_sink_value(sink, NULL, value);
    }
}

void baro_process_collect(struct baro_sink *sink, void *context)
{
    struct process process;

    (void)context;
    process_read(&process);
    one(sink, "process_cpu_seconds_total", BARO_COUNTER, "seconds",
        "Total user and system CPU time spent in seconds.", process.cpu_s);
    one(sink, "process_max_fds", BARO_GAUGE, NULL, "Maximum number of open file descriptors.",
        process.max_fds);
    one(sink, "process_open_fds", BARO_GAUGE, NULL, "Number of open file descriptors.",
        process.open_fds);
    one(sink, "process_resident_memory_bytes", BARO_GAUGE, "bytes",
        "Resident memory size in bytes.", process.resident_bytes);
    one(sink, "process_start_time_seconds", BARO_GAUGE, "seconds",
        "Start time of the process since unix epoch in seconds.", process.start_s);
    one(sink, "process_threads", BARO_GAUGE, NULL, "Number of OS threads of the process.",
        process.threads);
    one(sink, "process_virtual_memory_bytes", BARO_GAUGE, "bytes", "Virtual memory size in bytes.",
        process.virtual_bytes);
}
