/* What a selector can do with instead of all samples: a wish to the store, which may have less than
 * all at hand, already summed up by windows. Only where the answer is the same. */
#include "promql/engine_priv.h"

/* The windows that a store may have, long ones first. */
static const dur windows[] = {DUR_HOUR, (dur)5 * DUR_MINUTE};

static enum select_reduce reduce_of(enum function_id id)
{
    switch (id) {
    case FUNCTION_rate:
    case FUNCTION_increase:
    case FUNCTION_delta:
    case FUNCTION_first_over_time:
        return REDUCE_EDGES;
    case FUNCTION_sum_over_time:
    case FUNCTION_avg_over_time:
    case FUNCTION_count_over_time:
    case FUNCTION_present_over_time:
        return REDUCE_SUM;
    case FUNCTION_min_over_time:
        return REDUCE_MIN;
    case FUNCTION_max_over_time:
        return REDUCE_MAX;
    case FUNCTION_last_over_time:
        return REDUCE_LAST;
    default:
        return REDUCE_NONE;
    }
}

/* Each range (end - range, end] must be whole windows. */
static struct reduction aligned(enum select_reduce reduce, ts ref_start, dur ref_step, dur range)
{
    for (size_t i = 0; reduce != REDUCE_NONE && i < sizeof(windows) / sizeof(windows[0]); i++) {
        if (range > 0 && ref_start % windows[i] == 0 && ref_step % windows[i] == 0 &&
            range % windows[i] == 0) {
            return (struct reduction){reduce, windows[i]};
        }
    }
    return (struct reduction){0};
}

struct reduction reduction_of_range(enum function_id id, const struct range_call *call)
{
    return call->anchored || call->smoothed
               ? (struct reduction){0}
               : aligned(reduce_of(id), call->ref_start, call->ref_step, call->range);
}

struct reduction reduction_of_instant(ts ref_start, dur ref_step, dur lookback)
{
    return aligned(REDUCE_LAST, ref_start, ref_step, lookback);
}

/* From "so many since the one before" to "so many up to here", for the kernels. */
void samples_rank(struct sample_buf *samples)
{
    uint32_t sum = 0;

    if (samples->n == NULL) {
        return;
    }
    (void)sample_buf_add_n(samples);
    for (size_t i = 0; i < samples->count; i++) {
        sum += samples->n[i];
        samples->n[i] = sum;
    }
}
