/*
 * gauges: the host's and the process's state, read about once a second and set as gauges: CPU by
 * core
 * (/proc/stat), memory (/proc/meminfo, or the process's against --memory-limit), disk (the store),
 * GPUs (NVML, loaded when it is there), uptime. A simulated GPU is shown only when asked for by
 * --gpu=simulated, so that dashboards can be seen without one: its usage is the share of workers
 * that are busy, its memory what the pipeline holds. Simulated processors (--cpu=simulated) are for
 * alerts about busy ones, which would not end on a machine that is busy.
 */
#pragma once

#include "store.h"

struct gauges;

enum gpu_mode { GPU_AUTO, GPU_NONE, GPU_SIMULATED };

struct gauges_options {
    double cpu_percent; /* of simulated processors; below 0 = the host's */
    enum gpu_mode gpu;
    uint64_t memory_limit_bytes; /* 0 = the host's memory */
    struct store *store;
    /* of the simulated GPU: 0 .. 1, and bytes */
    double (*busy)(void *context);
    uint64_t (*held)(void *context);
    void *context;
};

int gauges_new(const struct gauges_options *options, struct gauges **ret, struct svc_error *err);
struct gauges *gauges_free(struct gauges *gauges);

/* gauges_update reads and sets all; on one thread. */
void gauges_update(struct gauges *gauges);

/* Parts that are pure, for tests: /proc/stat's jiffies of core `core` (busy and all),
 * /proc/meminfo's bytes of "MemTotal:" and the like; false when the text has none. */
bool proc_stat_core(const char *text, unsigned core, uint64_t *ret_busy, uint64_t *ret_all);
bool proc_meminfo(const char *text, const char *name, uint64_t *ret);
