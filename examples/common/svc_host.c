#include "svc_host.h"

enum { CORES = 4, TEXT_BYTES_MAX = 16384 };

static const double disk_bytes = 100e9;

/* What the processors do that are busy, in shares of it. */
static const struct {
    const char *mode;
    double share;
} modes[] = {{"user", 0.8}, {"system", 0.15}, {"iowait", 0.05}};

static void write_cpu(const struct svc_host *host, double seconds, struct svc_bytes *ret)
{
    svc_bytes_printf(ret, "# HELP node_cpu_seconds_total CPU time by CPU and mode.\n"
                          "# TYPE node_cpu_seconds_total counter\n");
    for (int core = 0; core < CORES; core++) {
        svc_bytes_printf(ret, "node_cpu_seconds_total{cpu=\"%d\",mode=\"idle\"} %.3f\n", core,
                         seconds * (1 - host->busy));
        for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
            svc_bytes_printf(ret, "node_cpu_seconds_total{cpu=\"%d\",mode=\"%s\"} %.3f\n", core,
                             modes[i].mode, seconds * host->busy * modes[i].share);
        }
    }
}

static void write_disk(const char *name, const char *help, double bytes, struct svc_bytes *ret)
{
    svc_bytes_printf(ret,
                     "# HELP %s %s\n# TYPE %s gauge\n"
                     "%s{device=\"/dev/simulated\",fstype=\"ext4\",mountpoint=\"/\"} %.0f\n",
                     name, help, name, name, bytes);
}

void svc_host_write(const struct svc_host *host, double seconds, struct svc_bytes *ret)
{
    write_cpu(host, seconds, ret);
    write_disk("node_filesystem_size_bytes", "Size of a file system.", disk_bytes, ret);
    write_disk("node_filesystem_avail_bytes", "What users may still write.",
               disk_bytes * host->disk_free, ret);
}

void svc_host_answer(struct svc_request *request, const struct svc_host *host)
{
    struct svc_bytes text = {.max = TEXT_BYTES_MAX};

    svc_host_write(host, svc_since_s(host->since_ns), &text);
    if (text.failed) {
        svc_bytes_done(&text);
        svc_answer_error(request, 500, "memory", "no memory for the metrics");
        return;
    }
    svc_answer_bytes(request, 200, "text/plain; version=0.0.4", text.ptr, text.len);
}
