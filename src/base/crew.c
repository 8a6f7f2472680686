#include "base/crew.h"

#include <pthread.h>

#include "base/lock.h"
#include "base/mem.h"

struct crew {
    struct lock lock;
    pthread_cond_t wake;     /* there is a call, or the end */
    pthread_cond_t left;     /* a hand has left a call */
    struct crew_call *first; /* lock: this, as all below */
    struct crew_call *last;
    size_t idle;
    bool stopping;
    uint32_t count; /* constant after crew_new */
    pthread_t *threads;
};

static void link_last_locked(struct crew *crew, struct crew_call *call)
{
    call->next = NULL;
    call->before = crew->last;
    *(crew->last != NULL ? &crew->last->next : &crew->first) = call;
    crew->last = call;
}

static void unlink_locked(struct crew *crew, struct crew_call *call)
{
    *(call->before != NULL ? &call->before->next : &crew->first) = call->next;
    *(call->next != NULL ? &call->next->before : &crew->last) = call->before;
}

/* The oldest call goes behind the others when it is taken, so that hands spread over the calls. */
static struct crew_call *next_locked(struct crew *crew)
{
    struct crew_call *call = crew->first;

    while (call != NULL && call->is_over) {
        call = call->next;
    }
    if (call != NULL && call->next != NULL) {
        unlink_locked(crew, call);
        link_last_locked(crew, call);
    }
    return call;
}

static void *serve(void *argument)
{
    struct crew *crew = argument;

    lock_acquire(&crew->lock);
    while (!crew->stopping) {
        struct crew_call *call = next_locked(crew);

        if (call == NULL) {
            crew->idle++;
            (void)lock_wait(&crew->lock, &crew->wake, 0);
            crew->idle--;
            continue;
        }
        call->helpers++;
        lock_release(&crew->lock);
        call->help(call);
        lock_acquire(&crew->lock);
        call->is_over = true;
        if (--call->helpers == 0) {
            (void)pthread_cond_broadcast(&crew->left);
        }
    }
    lock_release(&crew->lock);
    return NULL;
}

int crew_new(uint32_t count, struct crew **ret, struct baro_error *err)
{
    struct crew *crew = MEM_NEW(struct crew);

    lock_init(&crew->lock, LOCK_LEAF);
    lock_condition_init(&crew->wake);
    lock_condition_init(&crew->left);
    crew->threads = mem_alloc_zero((count + 1) * sizeof(*crew->threads));
    for (; crew->count < count; crew->count++) {
        int r = pthread_create(&crew->threads[crew->count], NULL, serve, crew);

        if (r != 0) {
            r = error_system(err, r, "start thread %u of %u that help queries", crew->count + 1,
                             count);
            (void)crew_free(crew);
            return r;
        }
        (void)pthread_setname_np(crew->threads[crew->count], "crew");
    }
    *ret = crew;
    return 0;
}

struct crew *crew_free(struct crew *crew)
{
    if (crew == NULL) {
        return NULL;
    }
    lock_acquire(&crew->lock);
    ASSERT(crew->first == NULL);
    crew->stopping = true;
    (void)pthread_cond_broadcast(&crew->wake);
    lock_release(&crew->lock);
    for (uint32_t i = 0; i < crew->count; i++) {
        (void)pthread_join(crew->threads[i], NULL);
    }
    (void)pthread_cond_destroy(&crew->wake);
    (void)pthread_cond_destroy(&crew->left);
    lock_done(&crew->lock);
    (void)mem_free(crew->threads);
    return mem_free(crew);
}

size_t crew_size(const struct crew *crew)
{
    return crew->count;
}

void crew_begin(struct crew *crew, struct crew_call *call)
{
    lock_acquire(&crew->lock);
    call->helpers = 0;
    call->is_over = false;
    link_last_locked(crew, call);
    if (crew->idle > 0) {
        (void)pthread_cond_broadcast(&crew->wake);
    }
    lock_release(&crew->lock);
}

void crew_end(struct crew *crew, struct crew_call *call)
{
    lock_acquire(&crew->lock);
    call->is_over = true;
    unlink_locked(crew, call);
    while (call->helpers > 0) {
        (void)lock_wait(&crew->lock, &crew->left, 0);
    }
    lock_release(&crew->lock);
}
