/*
 * The memory limit. Samples of series that are there are always taken; when memory is short, no new
 * series are. A young series will take more than it does now (its chunks fill up), and that must
 * fit as well: so what counts is what the process has in RAM and what its series will still grow
 * by. Pages of mapped files do not count: the kernel drops them when it needs to.
 */
#include "base/mem.h"
#include "client/self.h"
#include "sys/memory.h"
#include "tsdb/head_priv.h"

enum {
    /* What a series comes to in the pool: its label list, an open chunk of 100 samples with room to
     * grow, and 24 bytes for each of six chunks in files (three hours at 15 s). Measured by
     * bench/bench_tsdb_compact.c. */
    SERIES_POOL_BYTES = 360,
    /* New series are taken again below this share of the limit, in percent. */
    AGAIN_PERCENT = 97,
};

static uint64_t anonymous_bytes(const struct head *head)
{
    struct memory_use use = {0};

    if (head->options.memory_used != NULL) {
        return head->options.memory_used(head->options.memory_context);
    }
    return memory_use_read(&use) ? use.anonymous_bytes : 0;
}

void head_limit_check(struct head *head)
{
    uint64_t limit = head->options.memory_limit, used, series, pool, needed;
    bool was_full = atomic_load_explicit(&head->is_full, memory_order_relaxed), is_full;

    if (limit == 0) {
        return;
    }
    rwlock_read(&head->index_lock);
    series = head->series_count;
    rwlock_release(&head->index_lock);
    used = anonymous_bytes(head);
    pool = head_pool_used(&head->pool);
    needed = series * SERIES_POOL_BYTES;
    used += needed > pool ? needed - pool : 0;
    is_full = used > (was_full ? limit / 100 * AGAIN_PERCENT : limit);
    atomic_store_explicit(&head->is_full, is_full, memory_order_relaxed);
}

int head_limit_refuse(struct head *head, struct baro_error *err)
{
    self_add(SELF_HEAD_SERIES_REFUSED, 1);
    return error_set(err, BARO_ELIMIT,
                     "storage: no new series are taken, the memory limit of %llu MiB is reached: "
                     "raise --storage.memory-limit, or drop labels or series",
                     (unsigned long long)(head->options.memory_limit >> 20));
}
