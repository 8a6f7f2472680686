#include "tsdb/compact.h"

#include "base/assert.h"
#include "base/mem.h"

/* Blocks that are longer than this are unwieldy, whatever the retention. */
enum { RANGE_STEP = 3 };
#define RANGE_MAX ((dur)31 * DUR_DAY)

/* A block is worth rewriting when one series in twenty has deletions. */
static bool has_many_deletions(const struct block_meta *meta)
{
    return meta->tombstone_count > (meta->series_count + 1) / 20;
}

struct compact_ranges compact_ranges_for(dur least, dur retention)
{
    struct compact_ranges ranges = {.items = {least}, .count = 1};
    dur most = retention > 0 && retention / 10 < RANGE_MAX ? retention / 10 : RANGE_MAX;

    most = most < least ? least : most;
    while (ranges.count < COMPACT_RANGES_MAX &&
           ranges.items[ranges.count - 1] <= most / RANGE_STEP) {
        ranges.items[ranges.count] = ranges.items[ranges.count - 1] * RANGE_STEP;
        ranges.count++;
    }
    return ranges;
}

static void take(struct compact_plan *plan, size_t first, size_t end)
{
    for (size_t i = first; i < end && plan->count < COMPACT_BLOCKS_MAX; i++) {
        plan->items[plan->count++] = i;
    }
}

/* The first run of blocks of which each reaches into the time of those before. */
static void plan_overlap(const struct block_meta *const *blocks, size_t count,
                         struct compact_plan *ret)
{
    for (size_t first = 0, end; first < count; first = end) {
        ts maxt = blocks[first]->maxt;
        bool has_failed = blocks[first]->has_failed;

        for (end = first + 1; end < count && blocks[end]->mint < maxt; end++) {
            maxt = blocks[end]->maxt > maxt ? blocks[end]->maxt : maxt;
            has_failed |= blocks[end]->has_failed;
        }
        if (end - first > 1 && !has_failed) {
            take(ret, first, end);
            return;
        }
    }
}

ts compact_range_start(ts t, dur range)
{
    int64_t number = t / range - (t % range < 0);
    ts start;

    return __builtin_mul_overflow(number, range, &start) ? INT64_MIN : start;
}

ts compact_range_end(ts t, dur range)
{
    int64_t number = t / range - (t % range < 0);
    ts end;

    /* The start of the first range may be beyond what can be told, its end is not. */
    return __builtin_mul_overflow(number + 1, range, &end) ? INT64_MAX : end;
}

/* The blocks from `first` on that lie in one range; [first, returned). A block that is longer than
 * the range, or not aligned to it, is passed over: then nothing is returned. */
static size_t group_end(const struct block_meta *const *blocks, size_t count, size_t first,
                        dur range)
{
    ts start = compact_range_start(blocks[first]->mint, range);
    ts limit = compact_range_end(blocks[first]->mint, range);
    size_t end = first;

    while (end < count && blocks[end]->mint >= start && blocks[end]->maxt <= limit) {
        end++;
    }
    return end;
}

static bool is_ready(const struct block_meta *const *blocks, size_t first, size_t end, dur range,
                     ts newest)
{
    ts maxt = blocks[end - 1]->maxt;

    for (size_t i = first; i < end; i++) {
        if (blocks[i]->has_failed) {
            return false;
        }
    }
    /* It fills its range, or nothing more will come into it. */
    return end - first > 1 && (maxt - blocks[first]->mint == range || maxt <= newest);
}

static void plan_range(const struct block_meta *const *blocks, size_t count, dur range,
                       struct compact_plan *ret)
{
    ts newest = blocks[count - 1]->mint;

    for (size_t first = 0, end; first < count && ret->count == 0; first = end) {
        end = group_end(blocks, count, first, range);
        if (end == first) {
            end++;
        } else if (is_ready(blocks, first, end, range, newest)) {
            take(ret, first, end);
        }
    }
}

/* Of the large blocks, the newest with many deletions; of the small ones only one that is deleted
 * whole. */
static void plan_deletions(const struct block_meta *const *blocks, size_t count,
                           const struct compact_ranges *ranges, struct compact_plan *ret)
{
    for (size_t i = count; i-- > 0 && ret->count == 0;) {
        const struct block_meta *meta = blocks[i];
        bool is_large = meta->maxt - meta->mint >= ranges->items[ranges->count / 2];

        if (meta->has_failed) {
            continue;
        }
        if (is_large ? has_many_deletions(meta)
                     : meta->tombstone_count > 0 && meta->tombstone_count >= meta->series_count) {
            take(ret, i, i + 1);
        }
        if (!is_large) {
            return;
        }
    }
}

static void plan_among(const struct block_meta *const *blocks, size_t count,
                       const struct compact_ranges *ranges, struct compact_plan *ret)
{
    plan_overlap(blocks, count, ret);
    if (ret->count > 0 || count < 2) {
        return;
    }
    /* The newest block stays as it is, so that it can be copied away once before it is changed. */
    count--;
    for (size_t i = 1; i < ranges->count && ret->count == 0; i++) {
        plan_range(blocks, count, ranges->items[i], ret);
    }
    if (ret->count == 0) {
        plan_deletions(blocks, count, ranges, ret);
    }
}

/* Up to where samples in order are in blocks: the head takes none before. */
static ts in_order_until(const struct block_meta *const *blocks, size_t count)
{
    ts maxt = INT64_MIN;

    for (size_t i = 0; i < count; i++) {
        if (!blocks[i]->is_out_of_order && blocks[i]->maxt > maxt) {
            maxt = blocks[i]->maxt;
        }
    }
    return maxt;
}

/* A block of samples out of order whose time the head still has in order is left alone: merged with
 * others it would pass for one that has all of that time. */
void compact_plan(const struct block_meta *const *blocks, size_t count,
                  const struct compact_ranges *ranges, struct compact_plan *ret)
{
    const struct block_meta **among = mem_alloc((count + 1) * sizeof(*among));
    size_t *numbers = mem_alloc((count + 1) * sizeof(*numbers));
    ts until = in_order_until(blocks, count);
    size_t kept = 0;

    ret->count = 0;
    for (size_t i = 0; i < count; i++) {
        ASSERT(i == 0 || blocks[i - 1]->mint <= blocks[i]->mint);
        if (!blocks[i]->is_out_of_order || blocks[i]->maxt <= until) {
            numbers[kept] = i;
            among[kept++] = blocks[i];
        }
    }
    plan_among(among, kept, ranges, ret);
    for (size_t i = 0; i < ret->count; i++) {
        ret->items[i] = numbers[ret->items[i]];
    }
    (void)mem_free(numbers);
    (void)mem_free(among);
}
