/* Faults that need threads of their own. All are bounded, and end with the service. */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "studio.h"

enum { THREADS_MAX = 64, BALLAST_STEP = 1 << 20 };

struct chaos {
    struct studio *studio;
    _Atomic bool stop;
    pthread_t threads[THREADS_MAX];
    size_t count;
    void *ballast;
    size_t ballast_bytes;
};

static double number(const struct chaos *chaos, enum studio_fault fault)
{
    double value = 0;

    (void)svc_fault_on(svc_faults(chaos->studio->svc), fault, NULL, &value);
    return value;
}

/* Works for a share of each tenth of a second. */
static void *burn(void *context)
{
    struct chaos *chaos = context;
    double share = number(chaos, FAULT_CPU_BURN) / 100;
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
static void ask(uint16_t port, const char *request)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = 2};
    char answer[512];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        send(fd, request, strlen(request), MSG_NOSIGNAL) > 0) {
        while (recv(fd, answer, sizeof(answer), 0) > 0) {
        }
    }
    (void)close(fd);
}

static void *flood(void *context)
{
    static const char request[] = "GET /api/jobs HTTP/1.1\r\nHost: localhost\r\n"
                                  "Connection: close\r\n\r\n";
    struct chaos *chaos = context;
    double pause_s = 1 / number(chaos, FAULT_FLOOD);

    while (svc_sleep_s(pause_s, &chaos->stop)) {
        uint16_t port = svc_port(chaos->studio->svc);

        if (port != 0) { /* not listening yet */
            ask(port, request);
        }
    }
    return NULL;
}

static void *crash(void *context)
{
    struct chaos *chaos = context;

    if (svc_sleep_s(number(chaos, FAULT_CRASH), &chaos->stop)) {
        svc_log("error", "crashing by --fault=crash", NULL);
        _exit(70); /* not abort: no core file is wanted of a crash that was asked for */
    }
    return NULL;
}

static int begin(struct chaos *chaos, enum studio_fault fault, void *(*run)(void *), long count,
                 struct svc_error *err)
{
    if (!svc_fault_on(svc_faults(chaos->studio->svc), fault, NULL, NULL)) {
        return 0;
    }
    for (long i = 0; i < count && chaos->count < THREADS_MAX; i++) {
        int r = pthread_create(&chaos->threads[chaos->count], NULL, run, chaos);

        if (r != 0) {
            return svc_fail(err, -r, "--fault: no more threads: %s", strerrordesc_np(r));
        }
        chaos->count++;
    }
    return 0;
}

static int load_ballast(struct chaos *chaos, struct svc_error *err)
{
    size_t bytes = (size_t)number(chaos, FAULT_MEMORY_BALLAST) * BALLAST_STEP;

    if (bytes == 0) {
        return 0;
    }
    chaos->ballast = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (chaos->ballast == MAP_FAILED) {
        chaos->ballast = NULL;
        return svc_fail(err, -ENOMEM, "--fault=memory-ballast: out of memory: give less");
    }
    chaos->ballast_bytes = bytes;
    memset(chaos->ballast, 0x5a, bytes); /* touched, or it would not count */
    return 0;
}

int chaos_start(struct studio *studio, struct svc_error *err)
{
    struct chaos *chaos = calloc(1, sizeof(*chaos));
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int r;

    if (chaos == NULL) {
        return svc_fail(err, -ENOMEM, "--fault: out of memory");
    }
    chaos->studio = studio;
    studio->chaos = chaos;
    r = begin(chaos, FAULT_CPU_BURN, burn, cores < THREADS_MAX - 2 ? cores : THREADS_MAX - 2, err);
    r = r < 0 ? r : begin(chaos, FAULT_FLOOD, flood, 1, err);
    r = r < 0 ? r : begin(chaos, FAULT_CRASH, crash, 1, err);
    r = r < 0 ? r : load_ballast(chaos, err);
    return r < 0 ? r : store_ballast(studio->store, number(chaos, FAULT_DISK_FILL), err);
}

void chaos_stop(struct studio *studio)
{
    struct chaos *chaos = studio->chaos;

    if (chaos == NULL) {
        return;
    }
    chaos->stop = true;
    for (size_t i = 0; i < chaos->count; i++) {
        (void)pthread_join(chaos->threads[i], NULL);
    }
    if (chaos->ballast != NULL) {
        (void)munmap(chaos->ballast, chaos->ballast_bytes);
    }
    free(chaos);
    studio->chaos = NULL;
}
