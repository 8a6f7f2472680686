/*
 * scan: the searches that kernels do over a series' samples, over several values at a time. Values
 * of a row are doubles one after the other; vectors of two are what every machine has.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dur.h"
#include "storage/storage.h"

typedef double scan_double2 __attribute__((vector_size(16), aligned(8), may_alias));
typedef int64_t scan_mask2 __attribute__((vector_size(16)));

static inline scan_double2 scan_at(const double *v, size_t index)
{
    return *(const scan_double2 *)(const void *)(v + index);
}

static inline bool scan_any(scan_mask2 mask)
{
    return (mask[0] | mask[1]) != 0;
}

/* scan_nan returns the index of the first NaN at or behind `from`, or count. */
static inline size_t scan_nan(const double *v, size_t from, size_t count)
{
    size_t i = from;

    for (; i + 8 <= count; i += 8) {
        scan_double2 a = scan_at(v, i);
        scan_double2 b = scan_at(v, i + 2);
        scan_double2 c = scan_at(v, i + 4);
        scan_double2 d = scan_at(v, i + 6);

        if (scan_any((scan_mask2)((a != a) | (b != b) | (c != c) | (d != d)))) {
            break;
        }
    }
    while (i < count && v[i] == v[i]) {
        i++;
    }
    return i;
}

/* scan_fall returns the first index at or behind `from` (1 or more) whose value is below the one
 * before it, or count. */
static inline size_t scan_fall(const double *v, size_t from, size_t count)
{
    size_t i = from;

    for (; i + 8 <= count; i += 8) {
        scan_mask2 a = (scan_mask2)(scan_at(v, i) < scan_at(v, i - 1));
        scan_mask2 b = (scan_mask2)(scan_at(v, i + 2) < scan_at(v, i + 1));
        scan_mask2 c = (scan_mask2)(scan_at(v, i + 4) < scan_at(v, i + 3));
        scan_mask2 d = (scan_mask2)(scan_at(v, i + 6) < scan_at(v, i + 5));

        if (scan_any(a | b | c | d)) {
            break;
        }
    }
    while (i < count && !(v[i] < v[i - 1])) {
        i++;
    }
    return i;
}

/* A position in rising times that only moves on. It first looks where the last move would lead to:
 * over a regularly scraped series and evenly spaced steps, that is the place. */
struct scan_seek {
    size_t at;
    size_t last_move;
};

/* scan_past moves to the first index whose time is after t, or to count. */
static inline size_t scan_past(struct scan_seek *seek, const ts *times, size_t count, ts t)
{
    size_t from = seek->at;
    size_t to = from + seek->last_move;

    if (to > from && to <= count && times[to - 1] <= t) {
        from = to;
    }
    while (from < count && times[from] <= t) {
        from++;
    }
    seek->last_move = from - seek->at;
    seek->at = from;
    return from;
}

/*
 * Steps whose place moves by the same number of samples each time: over samples that are equally
 * far apart, when steps are a multiple of that distance.
 */
static inline size_t scan_stride(dur distance, dur step)
{
    return distance > 0 && step > 0 && step % distance == 0 ? (size_t)(step / distance) : 0;
}

/* scan_steps_left is how many more steps of `stride` lead from the place `at` to `limit` or before
 * it. */
static inline size_t scan_steps_left(size_t at, size_t stride, size_t limit)
{
    return at < limit ? (limit - at) / stride : 0;
}

/* How many of the samples are at or before `at`: below zero, or more than there are, when the row
 * of them would have to go on for that. */
static inline int64_t scan_pieces_until(const struct sample_pieces *pieces, ts at)
{
    ts since = at - pieces->first;

    return since >= 0 ? since / pieces->distance + 1
                      : -((-since + pieces->distance - 1) / pieces->distance) + 1;
}

static inline size_t scan_within(int64_t index, size_t count)
{
    return index < 0 ? 0 : (size_t)index > count ? count : (size_t)index;
}

/* scan_piece_at gives a sample; indices that rise keep the piece. */
static inline const double *scan_piece_at(const struct sample_pieces *pieces, size_t *piece,
                                          size_t index)
{
    while (index >= pieces->pieces[*piece].end) {
        (*piece)++;
    }
    return pieces->pieces[*piece].v + (index - pieces->pieces[*piece].begin);
}
