#include "alerting/am_priv.h"
#include "base/assert.h"

static void place(struct am_timers *timers, struct am_timer *timer, size_t index)
{
    timers->items.items[index] = timer;
    timer->slot = index + 1;
}

static bool is_before(const struct am_timer *a, const struct am_timer *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void move_up(struct am_timers *timers, size_t index)
{
    struct am_timer *timer = timers->items.items[index];

    while (index > 0 && is_before(timer, timers->items.items[(index - 1) / 2])) {
        place(timers, timers->items.items[(index - 1) / 2], index);
        index = (index - 1) / 2;
    }
    place(timers, timer, index);
}

static void move_down(struct am_timers *timers, size_t index)
{
    struct am_timer *timer = timers->items.items[index];

    for (;;) {
        size_t child = 2 * index + 1;

        if (child + 1 < timers->items.count &&
            is_before(timers->items.items[child + 1], timers->items.items[child])) {
            child++;
        }
        if (child >= timers->items.count || !is_before(timers->items.items[child], timer)) {
            break;
        }
        place(timers, timers->items.items[child], index);
        index = child;
    }
    place(timers, timer, index);
}

void am_timers_start(struct am_timers *timers, struct am_timer *timer, mono due)
{
    if (timer->slot == 0) {
        vec_push(&timers->items, timer);
        timer->slot = timers->items.count;
    }
    timer->due = due;
    timer->order = timers->started++;
    move_up(timers, timer->slot - 1);
    move_down(timers, timer->slot - 1);
}

void am_timers_stop(struct am_timers *timers, struct am_timer *timer)
{
    size_t index = timer->slot - 1;
    struct am_timer *last;

    if (timer->slot == 0) {
        return;
    }
    ASSERT(timers->items.items[index] == timer);
    last = vec_pop(&timers->items);
    timer->slot = 0;
    if (last != timer) {
        place(timers, last, index);
        move_up(timers, index);
        move_down(timers, last->slot - 1);
    }
}

struct am_timer *am_timers_first(const struct am_timers *timers)
{
    return timers->items.count > 0 ? timers->items.items[0] : NULL;
}

void am_timers_done(struct am_timers *timers)
{
    vec_done(&timers->items);
}
