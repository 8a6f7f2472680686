#include "tsdb/head_epoch.h"

#include "base/mem.h"

void head_epochs_init(struct head_epochs *epochs)
{
    lock_init(&epochs->lock, LOCK_LEAF);
    lock_condition_init(&epochs->left);
    epochs->oldest = epochs->current = MEM_NEW(struct head_epoch);
}

void head_garbage_done(struct head_garbage *garbage)
{
    vec_done(&garbage->chunks);
    vec_done(&garbage->slots);
    vec_done(&garbage->pages);
    vec_done(&garbage->pairs);
    vec_done(&garbage->replaced);
    vec_done(&garbage->maps);
    vec_done(&garbage->memory);
}

void head_epoch_free(struct head_epoch *epoch)
{
    head_garbage_done(&epoch->garbage);
    (void)mem_free(epoch);
}

void head_epochs_done(struct head_epochs *epochs)
{
    for (struct head_epoch *epoch = epochs->oldest, *newer; epoch != NULL; epoch = newer) {
        newer = epoch->newer;
        for (size_t i = 0; i < epoch->garbage.memory.count; i++) {
            (void)mem_free(epoch->garbage.memory.items[i]);
        }
        for (size_t i = 0; i < epoch->garbage.maps.count; i++) {
            chunks_map_free(epoch->garbage.maps.items[i]);
        }
        head_epoch_free(epoch);
    }
    epochs->oldest = epochs->current = NULL;
    (void)pthread_cond_destroy(&epochs->left);
    lock_done(&epochs->lock);
}

struct head_epoch *head_epoch_enter(struct head_epochs *epochs, enum head_visitor visitor)
{
    struct head_epoch *epoch;

    lock_acquire(&epochs->lock);
    epoch = epochs->current;
    epoch->visitors[visitor]++;
    lock_release(&epochs->lock);
    return epoch;
}

void head_epoch_leave(struct head_epochs *epochs, struct head_epoch *epoch,
                      enum head_visitor visitor)
{
    lock_acquire(&epochs->lock);
    ASSERT(epoch->visitors[visitor] > 0);
    epoch->visitors[visitor]--;
    if (epoch != epochs->current) {
        (void)pthread_cond_signal(&epochs->left);
    }
    lock_release(&epochs->lock);
}

void head_epoch_advance(struct head_epochs *epochs, struct head_garbage *garbage)
{
    struct head_epoch *next = MEM_NEW(struct head_epoch);

    lock_acquire(&epochs->lock);
    epochs->current->garbage = *garbage;
    epochs->current->newer = next;
    epochs->current = next;
    lock_release(&epochs->lock);
    *garbage = (struct head_garbage){0};
}

static bool has_old_locked(const struct head_epochs *epochs, enum head_visitor visitor)
{
    for (const struct head_epoch *epoch = epochs->oldest; epoch != epochs->current;
         epoch = epoch->newer) {
        if (epoch->visitors[visitor] > 0) {
            return true;
        }
    }
    return false;
}

bool head_epoch_wait(struct head_epochs *epochs, enum head_visitor visitor, int64_t deadline)
{
    bool is_clear;

    lock_acquire(&epochs->lock);
    while (has_old_locked(epochs, visitor) && lock_wait(&epochs->lock, &epochs->left, deadline)) {
    }
    is_clear = !has_old_locked(epochs, visitor);
    lock_release(&epochs->lock);
    return is_clear;
}

struct head_epoch *head_epoch_take(struct head_epochs *epochs)
{
    struct head_epoch *epoch = NULL;

    lock_acquire(&epochs->lock);
    if (epochs->oldest != epochs->current && epochs->oldest->visitors[HEAD_QUERIER] == 0 &&
        epochs->oldest->visitors[HEAD_APPENDER] == 0) {
        epoch = epochs->oldest;
        epochs->oldest = epoch->newer;
    }
    lock_release(&epochs->lock);
    return epoch;
}
