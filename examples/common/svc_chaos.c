#include "svc_chaos.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { THREADS_MAX = 64 };

struct svc_chaos {
    struct svc_chaos_options options;
    _Atomic bool stop;
    pthread_t threads[THREADS_MAX];
    size_t count;
    void *ballast;
};

/* Works for a share of each tenth of a second. */
static void *burn(void *context)
{
    struct svc_chaos *chaos = context;
    double share = chaos->options.burn_percent / 100;
    const double period_s = 0.1;

    while (!chaos->stop) {
        int64_t start_ns = svc_mono_ns();
        volatile double sink = 1;

        while (svc_since_s(start_ns) < share * period_s) {
            for (int i = 0; i < 1000; i++) {
                sink = sink * 1.0000001 + 1e-9;
            }
        }
        (void)svc_sleep_s(period_s * (1 - share), &chaos->stop);
    }
    return NULL;
}

/* One request to ourselves, over the loopback, as a client would make it. */
static void ask(uint16_t port, const char *path)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_usec = 200000}; /* a flood does not wait for slow answers */
    char text[512];
    int len = snprintf(text, sizeof(text),
                       "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        send(fd, text, (size_t)len, MSG_NOSIGNAL) > 0) {
        while (recv(fd, text, sizeof(text), 0) > 0) {
        }
    }
    (void)close(fd);
}

static void *flood(void *context)
{
    struct svc_chaos *chaos = context;

    while (svc_sleep_s(1 / chaos->options.flood_rate, &chaos->stop)) {
        uint16_t port = svc_port(chaos->options.svc);

        if (port != 0) { /* it listens */
            ask(port, chaos->options.flood_path);
        }
    }
    return NULL;
}

static void *crash(void *context)
{
    struct svc_chaos *chaos = context;

    if (svc_sleep_s(chaos->options.crash_s, &chaos->stop)) {
        svc_log("error", "crashing by --fault=crash", NULL);
        _exit(SVC_CHAOS_STATUS); /* not abort: nobody wants a core file of a crash asked for */
    }
    return NULL;
}

static int begin(struct svc_chaos *chaos, bool on, void *(*run)(void *), long count,
                 struct svc_error *err)
{
    for (long i = 0; on && i < count && chaos->count < THREADS_MAX; i++) {
        int r = pthread_create(&chaos->threads[chaos->count], NULL, run, chaos);

        if (r != 0) {
            return svc_fail(err, -r, "--fault: no more threads: %s", strerrordesc_np(r));
        }
        chaos->count++;
    }
    return 0;
}

static int load_ballast(struct svc_chaos *chaos, struct svc_error *err)
{
    size_t bytes = chaos->options.ballast_bytes;

    if (bytes == 0) {
        return 0;
    }
    chaos->ballast = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (chaos->ballast == MAP_FAILED) {
        chaos->ballast = NULL;
        return svc_fail(err, -ENOMEM, "--fault=memory-ballast: out of memory: give less");
    }
    memset(chaos->ballast, 0x5a, bytes); /* touched, or it would not count */
    return 0;
}

int svc_chaos_start(const struct svc_chaos_options *options, struct svc_chaos **ret,
                    struct svc_error *err)
{
    struct svc_chaos *chaos = calloc(1, sizeof(*chaos));
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int r;

    if (chaos == NULL) {
        return svc_fail(err, -ENOMEM, "--fault: out of memory");
    }
    chaos->options = *options;
    r = begin(chaos, options->burn_percent > 0, burn,
              cores < THREADS_MAX - 2 ? cores : THREADS_MAX - 2, err);
    r = r < 0 ? r : begin(chaos, options->flood_rate > 0, flood, 1, err);
    r = r < 0 ? r : begin(chaos, options->crash_s > 0, crash, 1, err);
    r = r < 0 ? r : load_ballast(chaos, err);
    if (r < 0) {
        (void)svc_chaos_stop(chaos);
        return r;
    }
    *ret = chaos;
    return 0;
}

struct svc_chaos *svc_chaos_stop(struct svc_chaos *chaos)
{
    if (chaos == NULL) {
        return NULL;
    }
    chaos->stop = true;
    for (size_t i = 0; i < chaos->count; i++) {
        (void)pthread_join(chaos->threads[i], NULL);
    }
    if (chaos->ballast != NULL) {
        (void)munmap(chaos->ballast, chaos->options.ballast_bytes);
    }
    free(chaos);
    return NULL;
}

/* Bytes that must go for only that share to be free. */
static int64_t too_free(int fd, double share)
{
    struct statvfs status;

    if (fstatvfs(fd, &status) < 0) {
        return 0;
    }
    return (int64_t)((double)status.f_bavail * (double)status.f_frsize -
                     share * (double)status.f_blocks * (double)status.f_frsize);
}

int svc_disk_fill(const char *directory, double share, struct svc_error *err)
{
    static const char block[65536] = "filled by --fault";
    struct statvfs status;
    char name[512];
    int fd;

    if (statvfs(directory, &status) < 0) {
        return svc_fail(err, -errno, "%.120s: %s", directory, strerrordesc_np(errno));
    }
    if ((double)status.f_blocks * (double)status.f_frsize > SVC_DISK_FILL_MAX) {
        return svc_fail(err, -ENOTSUP,
                        "%.120s: its file system is larger than 1 GiB, and filling it would harm "
                        "others: give a small one of its own",
                        directory);
    }
    (void)snprintf(name, sizeof(name), "%.480s/fill-XXXXXX", directory);
    fd = mkostemp(name, O_CLOEXEC);
    if (fd < 0) {
        return svc_fail(err, -errno, "%.120s: %s", directory, strerrordesc_np(errno));
    }
    (void)unlink(name);
    for (int i = 0; too_free(fd, share) > 0 && i < SVC_DISK_FILL_MAX / (int)sizeof(block); i++) {
        if (write(fd, block, sizeof(block)) <= 0) {
            break; /* full before, as where root has a reserve */
        }
    }
    return fd;
}
