#include <stdatomic.h>
#include <time.h>

#include "storage/storage.h"

int cancel_check(const struct cancel *cancel, struct baro_error *err)
{
    struct timespec now;

    if (cancel == NULL) {
        return 0;
    }
    /* Relaxed: the flag carries no data, and is looked at again within 10 ms. */
    if (cancel->flag != NULL && atomic_load_explicit(cancel->flag, memory_order_relaxed)) {
        return error_set(err, BARO_ECANCELED, "query was canceled");
    }
    if (cancel->kill != NULL && atomic_load_explicit(cancel->kill, memory_order_relaxed)) {
        return error_set(err, BARO_ECANCELED, "query was killed");
    }
    if (cancel->deadline == 0) {
        return 0;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec * MONO_PER_SECOND + now.tv_nsec >= cancel->deadline) {
        return error_set(err, BARO_ETIMEOUT, "query timed out");
    }
    return 0;
}
