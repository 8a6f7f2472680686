#include "gauges.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gpu.h"

enum { CORES_MAX = 512, PROC_BYTES_MAX = 1 << 20, CORES_SIMULATED = 4 };

struct gauges {
    struct gauges_options options;
    struct gpu *gpu; /* NULL = none */
    int64_t start_ns;
    struct {
        uint64_t busy, all;
    } cores[CORES_MAX];
};

int gauges_new(const struct gauges_options *options, struct gauges **ret, struct svc_error *err)
{
    struct gauges *gauges = calloc(1, sizeof(*gauges));

    if (gauges == NULL) {
        return svc_fail(err, -ENOMEM, "gauges: out of memory");
    }
    gauges->options = *options;
    gauges->start_ns = svc_mono_ns();
    gauges->gpu = options->gpu == GPU_AUTO ? gpu_open() : NULL;
    *ret = gauges;
    return 0;
}

struct gauges *gauges_free(struct gauges *gauges)
{
    if (gauges != NULL) {
        (void)gpu_close(gauges->gpu);
        free(gauges);
    }
    return NULL;
}

/* The rest of the line that begins with `name`, or NULL. */
static const char *line_of(const char *text, const char *name)
{
    size_t len = strlen(name);

    while (text != NULL && strncmp(text, name, len) != 0) {
        text = strchr(text, '\n');
        text = text != NULL ? text + 1 : NULL;
    }
    return text != NULL ? text + len : NULL;
}

bool proc_stat_core(const char *text, unsigned core, uint64_t *ret_busy, uint64_t *ret_all)
{
    enum { FIELDS = 8, IDLE = 3, IOWAIT = 4 }; /* guest time, behind them, is part of user time */
    char name[16];
    const char *at;
    uint64_t all = 0, idle = 0;

    (void)snprintf(name, sizeof(name), "cpu%u ", core);
    at = line_of(text, name);
    for (int i = 0; at != NULL && i < FIELDS; i++) {
        char *end = NULL;
        uint64_t jiffies = strtoull(at, &end, 10);

        if (end == at) {
            return false;
        }
        all += jiffies;
        idle += i == IDLE || i == IOWAIT ? jiffies : 0;
        at = end;
    }
    *ret_busy = all - idle;
    *ret_all = all;
    return at != NULL;
}

bool proc_meminfo(const char *text, const char *name, uint64_t *ret)
{
    const char *at = line_of(text, name);
    char *end = NULL;
    uint64_t kib = at != NULL ? strtoull(at, &end, 10) : 0;

    if (at == NULL || end == at || strncmp(end, " kB", 3) != 0) {
        return false;
    }
    *ret = kib * 1024;
    return true;
}

/* Reads a file of /proc as a string; false when it is not there. */
static bool proc_read(const char *path, struct svc_bytes *ret)
{
    if (svc_file_read(path, PROC_BYTES_MAX, ret, NULL) < 0) {
        return false;
    }
    ret->max = PROC_BYTES_MAX + 1;
    svc_bytes_put(ret, "", 1);
    return !ret->failed;
}

static void update_cpu(struct gauges *gauges)
{
    struct svc_bytes text = {0};
    char name[16];

    if (!proc_read("/proc/stat", &text)) {
        return;
    }
    for (unsigned core = 0; core < CORES_MAX; core++) {
        uint64_t busy = 0, all = 0, before = gauges->cores[core].all;

        if (!proc_stat_core((const char *)text.ptr, core, &busy, &all)) {
            break;
        }
        (void)snprintf(name, sizeof(name), "%u", core);
        if (all > before) {
            /* The first reading is the mean since the host started. */
            orfeas_cpu_usage_percent_set(name, 100.0 * (double)(busy - gauges->cores[core].busy) /
                                                   (double)(all - before));
            gauges->cores[core].busy = busy;
            gauges->cores[core].all = all;
        }
    }
    svc_bytes_done(&text);
}

/* The process's resident bytes: the second number of statm, in pages. */
static uint64_t resident_bytes(void)
{
    struct svc_bytes text = {0};
    uint64_t pages = 0;
    char *end = NULL;

    if (proc_read("/proc/self/statm", &text)) {
        (void)strtoull((const char *)text.ptr, &end, 10);
        pages = strtoull(end, NULL, 10);
    }
    svc_bytes_done(&text);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void update_memory(const struct gauges *gauges)
{
    uint64_t total = gauges->options.memory_limit_bytes, available = 0;
    struct svc_bytes text = {0};

    if (total != 0) {
        uint64_t used = resident_bytes();

        available = used < total ? total - used : 0;
    } else if (!proc_read("/proc/meminfo", &text) ||
               !proc_meminfo((const char *)text.ptr, "MemTotal:", &total) ||
               !proc_meminfo((const char *)text.ptr, "MemAvailable:", &available)) {
        svc_bytes_done(&text);
        return;
    }
    svc_bytes_done(&text);
    orfeas_memory_usage_bytes_set(ORFEAS_MEMORY_USAGE_BYTES_TYPE_TOTAL, (double)total);
    orfeas_memory_usage_bytes_set(ORFEAS_MEMORY_USAGE_BYTES_TYPE_USED, (double)(total - available));
    orfeas_memory_usage_bytes_set(ORFEAS_MEMORY_USAGE_BYTES_TYPE_AVAILABLE, (double)available);
}

static void update_disk(const struct gauges *gauges)
{
    struct store_usage usage;

    store_usage(gauges->options.store, &usage);
    orfeas_disk_usage_bytes_set(usage.path, ORFEAS_DISK_USAGE_BYTES_TYPE_TOTAL,
                                (double)usage.total);
    orfeas_disk_usage_bytes_set(usage.path, ORFEAS_DISK_USAGE_BYTES_TYPE_USED, (double)usage.used);
    orfeas_disk_usage_bytes_set(usage.path, ORFEAS_DISK_USAGE_BYTES_TYPE_FREE, (double)usage.free);
}

static void set_gpu(unsigned index, const struct gpu_state *state)
{
    char name[16];

    (void)snprintf(name, sizeof(name), "%u", index);
    orfeas_gpu_usage_percent_set(name, state->usage_percent);
    orfeas_gpu_memory_bytes_set(name, ORFEAS_GPU_MEMORY_BYTES_TYPE_TOTAL, (double)state->total);
    orfeas_gpu_memory_bytes_set(name, ORFEAS_GPU_MEMORY_BYTES_TYPE_USED, (double)state->used);
    orfeas_gpu_memory_bytes_set(name, ORFEAS_GPU_MEMORY_BYTES_TYPE_FREE,
                                (double)(state->total - state->used));
}

static void update_gpus(const struct gauges *gauges)
{
    const struct gauges_options *options = &gauges->options;
    struct gpu_state state;

    if (options->gpu == GPU_SIMULATED) {
        state = (struct gpu_state){.usage_percent = 100 * options->busy(options->context),
                                   .total = (uint64_t)8 << 30,
                                   .used = options->held(options->context)};
        set_gpu(0, &state);
    }
    for (unsigned i = 0; gauges->gpu != NULL && i < gpu_count(gauges->gpu); i++) {
        if (gpu_read(gauges->gpu, i, &state)) {
            set_gpu(i, &state);
        }
    }
}

static void show_cpu(double percent)
{
    char name[16];

    for (int core = 0; core < CORES_SIMULATED; core++) {
        (void)snprintf(name, sizeof(name), "%d", core);
        orfeas_cpu_usage_percent_set(name, percent);
    }
}

void gauges_update(struct gauges *gauges)
{
    if (gauges->options.cpu_percent >= 0) {
        show_cpu(gauges->options.cpu_percent);
    } else {
        update_cpu(gauges);
    }
    update_memory(gauges);
    update_disk(gauges);
    update_gpus(gauges);
    orfeas_app_uptime_seconds_set(svc_since_s(gauges->start_ns));
}
