/* The studio's faults that need threads, memory or files of their own. */
#include "studio.h"

static double number(const struct studio *studio, enum studio_fault fault)
{
    double value = 0;

    (void)svc_fault_on(svc_faults(studio->svc), fault, NULL, &value);
    return value;
}

int chaos_start(struct studio *studio, struct svc_error *err)
{
    struct svc_chaos_options options = {
        .svc = studio->svc,
        .burn_percent = number(studio, FAULT_CPU_BURN),
        .flood_rate = number(studio, FAULT_FLOOD),
        .flood_path = "/api/jobs",
        .crash_s = number(studio, FAULT_CRASH),
        .ballast_bytes = (size_t)number(studio, FAULT_MEMORY_BALLAST) << 20,
    };
    int r = svc_chaos_start(&options, &studio->chaos, err);

    return r < 0 ? r : store_ballast(studio->store, number(studio, FAULT_DISK_FILL), err);
}

void chaos_stop(struct studio *studio)
{
    studio->chaos = svc_chaos_stop(studio->chaos);
}
