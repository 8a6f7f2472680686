/*
 * gpu: NVIDIA GPUs by NVML, which is loaded when the driver has brought it, under two sets of
 * names: nvidia_gpu_* as nvidia_gpu_prometheus_exporter (:9445) has them, and DCGM_FI_DEV_* as
 * DCGM's exporter has them. A figure that a GPU does not tell is left out. One thread at a time.
 *
 * The simulated device is for dashboards on hosts without a GPU, and is named so in its labels: its
 * use and memory are those of the host's processors and memory; its temperature is the host's first
 * thermal zone, and where there is none a model: a body that use warms from 35 to 85 degrees, in
 * about a minute.
 */
#pragma once

#include "base/error.h"
#include "exporter/emit.h"

struct gpu_exporter;

/* gpu_exporter_new fails with BARO_ENOTFOUND when there is no driver or no GPU. `root` is put
 * before /proc and /sys of the simulated device. */
int gpu_exporter_new(bool is_simulated, const char *root, struct gpu_exporter **ret,
                     struct baro_error *err);
struct gpu_exporter *gpu_exporter_free(struct gpu_exporter *gpu);

/* gpu_collect emits; the context is the struct gpu_exporter. */
void gpu_collect(void *gpu, struct emit *emit);
