/* gpu: usage and memory of NVIDIA GPUs by NVML, which is loaded when the driver brought it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct gpu;

struct gpu_state {
    double usage_percent;
    uint64_t total, used; /* bytes */
};

/* gpu_open returns NULL when there is no driver or no GPU. */
struct gpu *gpu_open(void);
struct gpu *gpu_close(struct gpu *gpu);
unsigned gpu_count(const struct gpu *gpu);
bool gpu_read(struct gpu *gpu, unsigned index, struct gpu_state *ret);
