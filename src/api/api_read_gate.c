#include "api/api_read_gate.h"

#include "base/lock.h"
#include "base/mem.h"
#include "sys/clock.h"

/* How often somebody who waits looks whether the client is still there. */
enum { LOOK_MS = 100 };

struct api_read_gate {
    struct lock lock;
    pthread_cond_t change;
    uint32_t places;  /* 0 = no bound */
    uint32_t running; /* lock: this one */
    uint32_t waiting; /* lock: this one */
};

struct api_read_gate *api_read_gate_new(uint32_t places)
{
    struct api_read_gate *gate = MEM_NEW(struct api_read_gate);

    lock_init(&gate->lock, LOCK_EVENTS);
    lock_condition_init(&gate->change);
    gate->places = places;
    return gate;
}

struct api_read_gate *api_read_gate_free(struct api_read_gate *gate)
{
    if (gate == NULL) {
        return NULL;
    }
    lock_acquire(&gate->lock);
    while (gate->running > 0) {
        (void)lock_wait(&gate->lock, &gate->change, 0);
    }
    lock_release(&gate->lock);
    (void)pthread_cond_destroy(&gate->change);
    lock_done(&gate->lock);
    (void)mem_free(gate);
    return NULL;
}

bool api_read_gate_enter(struct api_read_gate *gate, const _Atomic bool *cancel)
{
    bool enters;

    lock_acquire(&gate->lock);
    gate->waiting++;
    /* Relaxed: a client that has left is found the next time. */
    while (gate->places > 0 && gate->running >= gate->places &&
           !atomic_load_explicit(cancel, memory_order_relaxed)) {
        (void)lock_wait(&gate->lock, &gate->change,
                        clock_mono(clock_real()) + LOOK_MS * MONO_PER_MS);
    }
    gate->waiting--;
    enters = gate->places == 0 || gate->running < gate->places;
    gate->running += enters;
    lock_release(&gate->lock);
    return enters;
}

void api_read_gate_leave(struct api_read_gate *gate)
{
    lock_acquire(&gate->lock);
    ASSERT(gate->running > 0);
    gate->running--;
    (void)pthread_cond_broadcast(&gate->change);
    lock_release(&gate->lock);
}

uint32_t api_read_gate_count(struct api_read_gate *gate)
{
    uint32_t count;

    lock_acquire(&gate->lock);
    count = gate->running + gate->waiting;
    lock_release(&gate->lock);
    return count;
}
