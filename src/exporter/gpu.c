#include "exporter/gpu.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/mem.h"
#include "base/num.h"
#include "exporter/procfs.h"
#include "sys/clock.h"

enum { GPUS_MAX = 32, NVML_OK = 0, NVML_TEXT_SIZE = 96, NVML_TEMPERATURE_GPU = 0 };
enum { NVML_CLOCK_SM = 1, NVML_CLOCK_MEMORY = 2 };

/* The few declarations of NVML's stable C interface that are needed ("NVML API Reference"): handles
 * are opaque pointers, functions return an int-sized enum with 0 for success. */
typedef void *nvml_device;

struct nvml_utilization {
    unsigned gpu, memory; /* percent */
};

struct nvml_memory {
    unsigned long long total, free, used; /* bytes */
};

struct nvml {
    void *library;
    int (*init)(void);
    int (*shutdown)(void);
    int (*device_count)(unsigned *count);
    int (*device_by_index)(unsigned index, nvml_device *device);
    int (*uuid)(nvml_device device, char *text, unsigned size);
    int (*name)(nvml_device device, char *text, unsigned size);
    int (*minor)(nvml_device device, unsigned *number);
    int (*utilization)(nvml_device device, struct nvml_utilization *utilization);
    int (*memory)(nvml_device device, struct nvml_memory *memory);
    int (*temperature)(nvml_device device, int sensor, unsigned *degrees);
    int (*power)(nvml_device device, unsigned *milliwatts);
    int (*fan)(nvml_device device, unsigned *percent);
    int (*clock)(nvml_device device, int kind, unsigned *megahertz);
};

struct device {
    nvml_device handle;
    str minor, name, uuid;
};

/* What one GPU tells; NaN = it does not. */
struct reading {
    double use, memory_use, memory_total, memory_used, memory_free;
    double temperature, power, fan, clock_sm, clock_memory;
};

struct gpu_exporter {
    struct arena arena;
    struct nvml nvml;
    struct device devices[GPUS_MAX];
    size_t count;
    bool is_simulated;
    const char *root;
    double busy, all; /* processor time at the last scrape, in ticks */
    double temperature;
    mono last;
};

/* Assigns a function's address; ISO C has no cast for it, POSIX wants this copy to work. */
static bool load(void *library, const char *name, void *ret)
{
    void *symbol = dlsym(library, name);

    memcpy(ret, &symbol, sizeof(symbol));
    return symbol != NULL;
}

/* The first ones must be there; the others came later, and are asked for when they are. */
static bool nvml_load(struct nvml *nvml)
{
    void *library = nvml->library;

    (void)load(library, "nvmlDeviceGetMinorNumber", &nvml->minor);
    (void)load(library, "nvmlDeviceGetTemperature", &nvml->temperature);
    (void)load(library, "nvmlDeviceGetPowerUsage", &nvml->power);
    (void)load(library, "nvmlDeviceGetFanSpeed", &nvml->fan);
    (void)load(library, "nvmlDeviceGetClockInfo", &nvml->clock);
    (void)load(library, "nvmlDeviceGetUUID", &nvml->uuid);
    (void)load(library, "nvmlDeviceGetName", &nvml->name);
    return load(library, "nvmlInit_v2", &nvml->init) &&
           load(library, "nvmlShutdown", &nvml->shutdown) &&
           load(library, "nvmlDeviceGetCount_v2", &nvml->device_count) &&
           load(library, "nvmlDeviceGetHandleByIndex_v2", &nvml->device_by_index) &&
           load(library, "nvmlDeviceGetUtilizationRates", &nvml->utilization) &&
           load(library, "nvmlDeviceGetMemoryInfo", &nvml->memory);
}

static void device_take(struct gpu_exporter *gpu, unsigned index)
{
    struct device *device = &gpu->devices[gpu->count];
    char text[NVML_TEXT_SIZE] = "";
    unsigned minor = index;

    if (gpu->nvml.device_by_index(index, &device->handle) != NVML_OK) {
        return;
    }
    if (gpu->nvml.minor != NULL) {
        (void)gpu->nvml.minor(device->handle, &minor);
    }
    device->minor = arena_printf(&gpu->arena, "%u", minor);
    device->name = STR("");
    device->uuid = STR("");
    if (gpu->nvml.name != NULL && gpu->nvml.name(device->handle, text, sizeof(text)) == NVML_OK) {
        text[sizeof(text) - 1] = '\0';
        device->name = arena_str(&gpu->arena, str_from(text));
    }
    if (gpu->nvml.uuid != NULL && gpu->nvml.uuid(device->handle, text, sizeof(text)) == NVML_OK) {
        text[sizeof(text) - 1] = '\0';
        device->uuid = arena_str(&gpu->arena, str_from(text));
    }
    gpu->count++;
}

static int nvml_open(struct gpu_exporter *gpu, struct baro_error *err)
{
    unsigned found = 0;

    gpu->nvml.library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (gpu->nvml.library == NULL || !nvml_load(&gpu->nvml) || gpu->nvml.init() != NVML_OK) {
        gpu->nvml.shutdown = NULL;
        return error_set(err, BARO_ENOTFOUND,
                         "gpu: no NVIDIA driver here (libnvidia-ml.so.1): --simulated shows a "
                         "software device in its place");
    }
    if (gpu->nvml.device_count(&found) == NVML_OK) {
        for (unsigned i = 0; i < found && gpu->count < GPUS_MAX; i++) {
            device_take(gpu, i);
        }
    }
    return gpu->count > 0 ? 0 : error_set(err, BARO_ENOTFOUND, "gpu: the driver knows no GPU");
}

int gpu_exporter_new(bool is_simulated, const char *root, struct gpu_exporter **ret,
                     struct baro_error *err)
{
    struct gpu_exporter *gpu = MEM_NEW(struct gpu_exporter);
    int r = 0;

    gpu->is_simulated = is_simulated;
    gpu->root = root;
    gpu->temperature = NAN;
    if (is_simulated) {
        gpu->devices[0] = (struct device){NULL, STR("0"), STR("simulated"), STR("simulated-0")};
        gpu->count = 1;
    } else {
        r = nvml_open(gpu, err);
    }
    if (r < 0) {
        (void)gpu_exporter_free(gpu);
        return r;
    }
    *ret = gpu;
    return 0;
}

struct gpu_exporter *gpu_exporter_free(struct gpu_exporter *gpu)
{
    if (gpu != NULL) {
        if (gpu->nvml.shutdown != NULL) {
            (void)gpu->nvml.shutdown();
        }
        if (gpu->nvml.library != NULL) {
            (void)dlclose(gpu->nvml.library);
        }
        arena_done(&gpu->arena);
        mem_free(gpu);
    }
    return NULL;
}

/* ---- the simulated device ---- */

/* The share of processor time that was used since the last scrape, in percent; since the host
 * started at the first. */
static double host_use(struct gpu_exporter *gpu, struct buf *text)
{
    struct procfs_fields fields;
    str line;
    str rest;
    double all = 0;
    double idle;
    double use;

    if (!procfs_read(gpu->root, "/proc/stat", text)) {
        return NAN;
    }
    rest = buf_view(text);
    (void)str_split_next(&rest, '\n', &line);
    procfs_split(line, &fields);
    for (size_t i = 1; i < fields.count && i <= 8; i++) {
        all += procfs_number(&fields, i);
    }
    idle = procfs_number(&fields, 4) + procfs_number(&fields, 5);
    use = all > gpu->all ? 100 * (all - idle - gpu->busy) / (all - gpu->all) : 0;
    gpu->busy = all - idle;
    gpu->all = all;
    return use;
}

static double host_temperature(struct gpu_exporter *gpu, double use, struct buf *text)
{
    static const double cold = 35, warm = 85, settle_s = 60;
    double target = cold + (warm - cold) * use / 100;
    mono now = clock_mono(clock_real());
    double value;

    if (procfs_read(gpu->root, "/sys/class/thermal/thermal_zone0/temp", text) &&
        num_parse_decimal(str_trim(buf_view(text)), &value)) {
        return value / 1000;
    }
    if (isnan(gpu->temperature)) {
        gpu->temperature = target;
    } else {
        gpu->temperature +=
            (target - gpu->temperature) * (1 - exp(-(double)(now - gpu->last) / 1e9 / settle_s));
    }
    gpu->last = now;
    return gpu->temperature;
}

static void simulated_read(struct gpu_exporter *gpu, struct reading *ret)
{
    struct buf text = {.limit = PROCFS_BYTES_MAX * 2};
    double total = NAN;
    double available = NAN;

    ret->use = host_use(gpu, &text);
    ret->temperature = host_temperature(gpu, isnan(ret->use) ? 0 : ret->use, &text);
    if (procfs_read(gpu->root, "/proc/meminfo", &text) &&
        procfs_key(buf_view(&text), "MemTotal", &total) &&
        procfs_key(buf_view(&text), "MemAvailable", &available)) {
        ret->memory_total = total * 1024;
        ret->memory_free = available * 1024;
        ret->memory_used = (total - available) * 1024;
        ret->memory_use = 100 * (total - available) / total;
    }
    buf_done(&text);
}

/* ---- real ones ---- */

static void nvml_read(const struct nvml *nvml, nvml_device device, struct reading *ret)
{
    struct nvml_utilization utilization = {0};
    struct nvml_memory memory = {0};
    unsigned value = 0;

    if (nvml->utilization(device, &utilization) == NVML_OK) {
        ret->use = utilization.gpu;
        ret->memory_use = utilization.memory;
    }
    if (nvml->memory(device, &memory) == NVML_OK) {
        ret->memory_total = (double)memory.total;
        ret->memory_used = (double)memory.used;
        ret->memory_free = (double)memory.free;
    }
    if (nvml->temperature != NULL &&
        nvml->temperature(device, NVML_TEMPERATURE_GPU, &value) == NVML_OK) {
        ret->temperature = value;
    }
    if (nvml->power != NULL && nvml->power(device, &value) == NVML_OK) {
        ret->power = value;
    }
    if (nvml->fan != NULL && nvml->fan(device, &value) == NVML_OK) {
        ret->fan = value;
    }
    if (nvml->clock != NULL && nvml->clock(device, NVML_CLOCK_SM, &value) == NVML_OK) {
        ret->clock_sm = value;
    }
    if (nvml->clock != NULL && nvml->clock(device, NVML_CLOCK_MEMORY, &value) == NVML_OK) {
        ret->clock_memory = value;
    }
}

#define COLUMN(name, scale, help, field)                                                           \
    {                                                                                              \
        name, scale, help, offsetof(struct reading, field)                                         \
    }

static const struct {
    const char *name;
    double scale;
    const char *help;
    size_t offset;
} columns[] = {
    COLUMN("nvidia_gpu_duty_cycle", 1, "Utilization, 0 to 100.", use),
    COLUMN("nvidia_gpu_memory_used_bytes", 1, "Memory in use.", memory_used),
    COLUMN("nvidia_gpu_memory_total_bytes", 1, "Memory of the GPU.", memory_total),
    COLUMN("nvidia_gpu_temperature_celsius", 1, "Temperature.", temperature),
    COLUMN("nvidia_gpu_power_usage_milliwatts", 1, "Power drawn.", power),
    COLUMN("nvidia_gpu_fanspeed_percent", 1, "Speed of the fan, 0 to 100.", fan),
    COLUMN("DCGM_FI_DEV_GPU_UTIL", 1, "Utilization, 0 to 100.", use),
    COLUMN("DCGM_FI_DEV_MEM_COPY_UTIL", 1, "Utilization of the memory, 0 to 100.", memory_use),
    COLUMN("DCGM_FI_DEV_GPU_TEMP", 1, "Temperature in degrees Celsius.", temperature),
    COLUMN("DCGM_FI_DEV_POWER_USAGE", 1e-3, "Power drawn, in watts.", power),
    COLUMN("DCGM_FI_DEV_SM_CLOCK", 1, "Clock of the processors, in MHz.", clock_sm),
    COLUMN("DCGM_FI_DEV_MEM_CLOCK", 1, "Clock of the memory, in MHz.", clock_memory),
    COLUMN("DCGM_FI_DEV_FB_USED", 1.0 / 1048576, "Memory in use, in MiB.", memory_used),
    COLUMN("DCGM_FI_DEV_FB_FREE", 1.0 / 1048576, "Memory free, in MiB.", memory_free),
};

void gpu_collect(void *context, struct emit *emit)
{
    static const char *const nvidia_labels[] = {"minor_number", "name", "uuid", NULL};
    static const char *const dcgm_labels[] = {"gpu", "modelName", "UUID", NULL};
    struct gpu_exporter *gpu = context;
    struct reading readings[GPUS_MAX];

    for (size_t i = 0; i < gpu->count; i++) {
        readings[i] = (struct reading){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
        if (gpu->is_simulated) {
            simulated_read(gpu, &readings[i]);
        } else {
            nvml_read(&gpu->nvml, gpu->devices[i].handle, &readings[i]);
        }
    }
    emit_single(emit, "nvidia_gpu_num_devices", BARO_GAUGE, "GPUs.", (double)gpu->count);
    for (size_t k = 0; k < ARRAY_COUNT(columns); k++) {
        bool is_dcgm = columns[k].name[0] == 'D';

        emit_family(emit, columns[k].name, BARO_GAUGE, columns[k].help,
                    is_dcgm ? dcgm_labels : nvidia_labels);
        for (size_t i = 0; i < gpu->count; i++) {
            double value;

            memcpy(&value, (const char *)&readings[i] + columns[k].offset, sizeof(value));
            if (!isnan(value)) {
                emit_value(
                    emit, value * columns[k].scale,
                    (str[]){gpu->devices[i].minor, gpu->devices[i].name, gpu->devices[i].uuid});
            }
        }
    }
}
