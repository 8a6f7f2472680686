#include "client/self_recent.h"

#include <math.h>
#include <string.h>

#include "base/attr.h"
#include "base/lock.h"
#include "base/num.h"
#include "client/self.h"

/* From a microsecond to an hour and a half. */
enum { BUCKETS = 236, WINDOWS = 5 };
#define WINDOW_NS (120 * MONO_PER_SECOND)

static const double first_bound = 1e-6;
static const double growth = 1.1;
static const double quantiles[] = {0.5, 0.9, 0.99};

struct window {
    int64_t number; /* of its time since the clock began; another one is over */
    uint32_t counts[BUCKETS];
};

struct recent {
    uint64_t count;
    double sum;
    struct window windows[WINDOWS];
};

static const struct {
    const char *family;
    const char *labels; /* as they stand between the braces; "" = none */
    const char *help;
} rows[SELF_RECENT_COUNT] = {
#define ENGINE "prometheus_engine_query_duration_seconds"
#define HELP   "Time that parts of queries took."
    [SELF_RECENT_QUERY_INNER_EVAL] = {ENGINE, "slice=\"inner_eval\"", HELP},
    [SELF_RECENT_QUERY_PREPARE_TIME] = {ENGINE, "slice=\"prepare_time\"", HELP},
#undef HELP
#undef ENGINE
    [SELF_RECENT_WAL_FSYNC] = {"prometheus_tsdb_wal_fsync_duration_seconds", "",
                               "Time to sync the write-ahead log to disk."},
};

static struct lock lock = {.mutex = PTHREAD_MUTEX_INITIALIZER, .class = LOCK_LEAF};
static struct recent recents[SELF_RECENT_COUNT]; /* lock: the one above */

static size_t bucket_of(double seconds)
{
    double index = seconds > first_bound ? log(seconds / first_bound) / log(growth) : 0;

    return index < BUCKETS - 1 ? (size_t)index : BUCKETS - 1;
}

void self_recent_add(enum self_recent id, double seconds, mono now)
{
    struct recent *recent = &recents[id];
    int64_t number = now / WINDOW_NS;
    struct window *window = &recent->windows[number % WINDOWS];

    lock_acquire(&lock);
    if (window->number != number) {
        *window = (struct window){.number = number};
    }
    window->counts[bucket_of(seconds)]++;
    recent->count++;
    recent->sum += seconds;
    lock_release(&lock);
}

/* The middle of the bucket that holds the rank. */
static double quantile_of(const uint64_t counts[BUCKETS], uint64_t total, double q)
{
    uint64_t rank = (uint64_t)ceil(q * (double)total);
    uint64_t below = 0;
    size_t i = 0;

    if (total == 0) {
        return NAN;
    }
    while (i < BUCKETS - 1 && below + counts[i] < rank) {
        below += counts[i++];
    }
    return first_bound * pow(growth, (double)i + 0.5);
}

static uint64_t add_up(const struct recent *recent, mono now, uint64_t counts[BUCKETS])
{
    int64_t number = now / WINDOW_NS;
    uint64_t total = 0;

    memset(counts, 0, BUCKETS * sizeof(*counts));
    for (size_t w = 0; w < WINDOWS; w++) {
        for (size_t i = 0; number - recent->windows[w].number < WINDOWS && i < BUCKETS; i++) {
            counts[i] += recent->windows[w].counts[i];
            total += recent->windows[w].counts[i];
        }
    }
    return total;
}

static void write_one(struct buf *buf, size_t r, const uint64_t counts[BUCKETS], uint64_t total)
{
    const char *family = rows[r].family, *labels = rows[r].labels;
    bool has_labels = labels[0] != '\0';

    for (size_t i = 0; i < ARRAY_COUNT(quantiles); i++) {
        buf_printf(buf, "%s{%s%squantile=\"%g\"} ", family, labels, has_labels ? "," : "",
                   quantiles[i]);
        buf_double(buf, quantile_of(counts, total, quantiles[i]), NUM_G);
        buf_char(buf, '\n');
    }
    buf_printf(buf, has_labels ? "%s_sum{%s} " : "%s_sum%s ", family, labels);
    buf_double(buf, recents[r].sum, NUM_G);
    buf_printf(buf, has_labels ? "\n%s_count{%s} %llu\n" : "\n%s_count%s %llu\n", family, labels,
               (unsigned long long)recents[r].count);
}

void self_recent_write(struct buf *buf, mono now)
{
    uint64_t counts[BUCKETS];

    lock_acquire(&lock);
    for (size_t r = 0; r < SELF_RECENT_COUNT; r++) {
        uint64_t total = add_up(&recents[r], now, counts);
        const char *family = rows[r].family;

        if (r == 0 || strcmp(family, rows[r - 1].family) != 0) {
            self_head(buf, family, "summary", rows[r].help);
        }
        write_one(buf, r, counts, total);
    }
    lock_release(&lock);
}
