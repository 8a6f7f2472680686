/*
 * eval_extend: ranges that are asked for themselves with anchored or smoothed, as x[5m] anchored:
 * they get samples at their ends.
 */
#include <string.h>

#include "promql/engine_priv.h"
#include "promql/kernel_mixed.h"

static struct sample sample_at(const struct sample_buf *samples, size_t index)
{
    return (struct sample){.t = samples->t[index],
                           .v = samples->v[index],
                           .h = samples->h != NULL ? samples->h[index] : NULL};
}

/* The sample between two neighbours; the earlier one where they are of two kinds. */
static struct sample interpolate(struct sample_buf *samples, size_t index, ts at)
{
    struct sample a = sample_at(samples, index);
    struct sample b = sample_at(samples, index + 1);
    double fraction = (double)(at - a.t) / (double)(b.t - a.t);
    struct histogram_notes notes = {0};
    const struct histogram *h;

    if (a.h == NULL && b.h == NULL) {
        a.v += (b.v - a.v) * (double)(at - a.t) / (double)(b.t - a.t);
    } else if (a.h != NULL && b.h != NULL) {
        h = kernel_interpolate(&samples->arena, a.h, b.h, fraction,
                               a.h->hint != HISTOGRAM_HINT_GAUGE, &notes);
        a.h = h != NULL ? h : a.h;
    }
    return a;
}

static void put_sample(struct sample_buf *samples, size_t index, ts t, const struct sample *sample)
{
    samples->t[index] = t;
    samples->v[index] = sample->h != NULL ? sample->h->sum : sample->v;
    if (samples->h != NULL) {
        samples->h[index] = sample->h;
    }
}

static void move_samples(struct sample_buf *samples, size_t to, size_t from, size_t count)
{
    memmove(samples->t + to, samples->t + from, count * sizeof(*samples->t));
    memmove(samples->v + to, samples->v + from, count * sizeof(*samples->v));
    if (samples->h != NULL) {
        memmove(samples->h + to, samples->h + from, count * sizeof(*samples->h));
    }
}

void samples_extend(struct sample_buf *samples, ts start, ts end, bool smoothed)
{
    size_t last = samples->count - 1;
    size_t first = 0;
    size_t kept = 0;
    struct sample left;
    struct sample right;

    while (first < last && samples->t[first] <= start) {
        first++;
    }
    first -= first > 0;
    if (smoothed) {
        size_t i = 0;

        while (i < last && samples->t[i] < end) {
            i++;
        }
        last = i;
    }
    if (samples->t[last] <= start || !sample_buf_reserve(samples, 2)) {
        samples->count = 0;
        return;
    }
    left = smoothed && samples->t[first] < start ? interpolate(samples, first, start)
                                                 : sample_at(samples, first);
    right = smoothed && last > 0 && samples->t[last] > end ? interpolate(samples, last - 1, end)
                                                           : sample_at(samples, last);
    first += samples->t[first] <= start;
    kept = last + 1 - (samples->t[last] >= end);
    kept = kept > first ? kept - first : 0;
    move_samples(samples, 1, first, kept);
    put_sample(samples, 0, start, &left);
    put_sample(samples, kept + 1, end, &right);
    samples->count = kept + 2;
}
