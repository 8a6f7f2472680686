#include "app/demo_later.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"

struct demo_later {
    dur after;
    void (*act)(void *context);
    void *context;
    int cancel; /* an eventfd: do not begin any more */
    sem_t settled;
    sem_t freed;
    bool is_settled;
    pthread_t thread;
};

static void *run(void *context)
{
    struct demo_later *later = context;
    struct pollfd cancel = {.fd = later->cancel, .events = POLLIN};

    if (poll(&cancel, 1, later->after < INT32_MAX ? (int)later->after : INT32_MAX) == 0) {
        later->act(later->context);
    }
    (void)sem_post(&later->settled);
    (void)sem_wait(&later->freed);
    return NULL;
}

int demo_later_start(dur after, void (*act)(void *context), void *context, struct demo_later **ret,
                     struct baro_error *err)
{
    struct demo_later *later = MEM_NEW(struct demo_later);
    sigset_t all;
    sigset_t before;
    int r;

    *later = (struct demo_later){
        .after = after, .act = act, .context = context, .cancel = eventfd(0, EFD_CLOEXEC)};
    (void)sem_init(&later->settled, 0, 0);
    (void)sem_init(&later->freed, 0, 0);
    (void)sigfillset(&all); /* signals are the main thread's */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    r = later->cancel >= 0 ? pthread_create(&later->thread, NULL, run, later) : EMFILE;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r != 0) {
        (void)close(later->cancel);
        (void)mem_free(later);
        return error_set(err, -r, "no thread for what is done later");
    }
    *ret = later;
    return 0;
}

void demo_later_settle(struct demo_later *later)
{
    const uint64_t one = 1;

    if (later != NULL && !later->is_settled) {
        (void)!write(later->cancel, &one, sizeof(one));
        while (sem_wait(&later->settled) < 0 && errno == EINTR) {
        }
        later->is_settled = true;
    }
}

struct demo_later *demo_later_free(struct demo_later *later)
{
    if (later == NULL) {
        return NULL;
    }
    demo_later_settle(later);
    (void)sem_post(&later->freed);
    (void)pthread_join(later->thread, NULL);
    (void)sem_destroy(&later->settled);
    (void)sem_destroy(&later->freed);
    (void)close(later->cancel);
    return mem_free(later);
}
