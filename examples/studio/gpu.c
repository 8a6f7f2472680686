#include "gpu.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

enum { GPUS_MAX = 16, NVML_OK = 0 };

/* The few declarations of NVML's stable C interface that are needed (nvml.h, "NVML API Reference"):
 * handles are opaque pointers, functions return an int-sized enum with 0 for success. */
typedef void *nvml_device;
struct nvml_utilization {
    unsigned gpu, memory; /* percent */
};
struct nvml_memory {
    unsigned long long total, free, used; /* bytes */
};

struct gpu {
    void *library;
    int (*init)(void);
    int (*shutdown)(void);
    int (*device_count)(unsigned *count);
    int (*device_by_index)(unsigned index, nvml_device *device);
    int (*utilization)(nvml_device device, struct nvml_utilization *utilization);
    int (*memory)(nvml_device device, struct nvml_memory *memory);
    nvml_device devices[GPUS_MAX];
    unsigned count;
};

/* Assigns a function's address; ISO C has no cast for it, POSIX wants this copy to work. */
static bool load(void *library, const char *name, void *ret)
{
    void *symbol = dlsym(library, name);

    memcpy(ret, &symbol, sizeof(symbol));
    return symbol != NULL;
}

static bool load_all(struct gpu *gpu)
{
    return load(gpu->library, "nvmlInit_v2", &gpu->init) &&
           load(gpu->library, "nvmlShutdown", &gpu->shutdown) &&
           load(gpu->library, "nvmlDeviceGetCount_v2", &gpu->device_count) &&
           load(gpu->library, "nvmlDeviceGetHandleByIndex_v2", &gpu->device_by_index) &&
           load(gpu->library, "nvmlDeviceGetUtilizationRates", &gpu->utilization) &&
           load(gpu->library, "nvmlDeviceGetMemoryInfo", &gpu->memory);
}

struct gpu *gpu_open(void)
{
    struct gpu *gpu = calloc(1, sizeof(*gpu));
    unsigned found = 0;

    if (gpu == NULL) {
        return NULL;
    }
    gpu->library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (gpu->library == NULL || !load_all(gpu) || gpu->init() != NVML_OK) {
        if (gpu->library != NULL) {
            (void)dlclose(gpu->library);
        }
        free(gpu);
        return NULL;
    }
    if (gpu->device_count(&found) == NVML_OK) {
        for (unsigned i = 0; i < found && i < GPUS_MAX; i++) {
            gpu->count += gpu->device_by_index(i, &gpu->devices[gpu->count]) == NVML_OK;
        }
    }
    return gpu->count > 0 ? gpu : gpu_close(gpu);
}

struct gpu *gpu_close(struct gpu *gpu)
{
    if (gpu != NULL) {
        (void)gpu->shutdown();
        (void)dlclose(gpu->library);
        free(gpu);
    }
    return NULL;
}

unsigned gpu_count(const struct gpu *gpu)
{
    return gpu->count;
}

bool gpu_read(struct gpu *gpu, unsigned index, struct gpu_state *ret)
{
    struct nvml_utilization utilization = {0};
    struct nvml_memory memory = {0};

    if (gpu->utilization(gpu->devices[index], &utilization) != NVML_OK ||
        gpu->memory(gpu->devices[index], &memory) != NVML_OK) {
        return false;
    }
    *ret = (struct gpu_state){
        .usage_percent = utilization.gpu, .total = memory.total, .used = memory.used};
    return true;
}
