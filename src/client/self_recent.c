#include "client/self_recent.h"

#include <math.h>
#include <string.h>

#include "base/attr.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "client/self.h"

/* From a microsecond to an hour and a half. */
enum { BUCKETS = 236, WINDOWS = 5 };
#define WINDOW_NS (120 * MONO_PER_SECOND)

static const double first_bound = 1e-6;
static const double growth = 1.1;
static const double log2_of_growth = 0.13750352374993502;
static const double quantiles[] = {0.5, 0.9, 0.99};
static const double target_quantiles[] = {0.01, 0.05, 0.5, 0.9, 0.99};

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
    [SELF_RECENT_RULE_EVALUATION] = {"prometheus_rule_evaluation_duration_seconds", "",
                                     "Time that evaluations of single rules took."},
    [SELF_RECENT_FILE_SCAN] = {"prometheus_sd_file_scan_duration_seconds", "",
                               "Time that reading files of targets took."},
#undef HELP
#undef ENGINE
    [SELF_RECENT_WAL_FSYNC] = {"prometheus_tsdb_wal_fsync_duration_seconds", "",
                               "Time to sync the write-ahead log to disk."},
};

static const struct {
    const char *family;
    const char *label;
    const char *help;
} families[SELF_RECENT_FAMILY_COUNT] = {
    [SELF_RECENT_TARGET_INTERVAL] = {"prometheus_target_interval_length_seconds", "interval",
                                     "Time between two scrapes of a target."},
    [SELF_RECENT_TARGET_SYNC] = {"prometheus_target_sync_length_seconds", "scrape_job",
                                 "Time that making targets of what was found took."},
};

/* What is kept for a value of a label. */
struct valued {
    struct recent recent;
    struct valued *next;
    size_t value_len;
    char value[SELF_RECENT_VALUE_BYTES];
};

static struct lock lock = {.mutex = PTHREAD_MUTEX_INITIALIZER, .class = LOCK_LEAF};
static struct recent recents[SELF_RECENT_COUNT]; /* lock: the one above, as what follows */
static struct valued *lists[SELF_RECENT_FAMILY_COUNT];
static size_t list_counts[SELF_RECENT_FAMILY_COUNT];

/* log2(v) of a normal v > 0, right to 0.01: the exponent, and a parabola over the mantissa. */
static double roughly_log2(double v)
{
    const uint64_t mantissa = (UINT64_C(1) << 52) - 1;
    uint64_t bits;
    double rest;

    memcpy(&bits, &v, sizeof(bits));
    rest = (double)(bits & mantissa) / (double)(mantissa + 1);
    return (double)(bits >> 52) - 1023 + rest * (1.3465 - 0.3465 * rest);
}

/* A query adds its times: what libm has for it would be read from memory for that alone. */
static size_t bucket_of(double seconds)
{
    double index = seconds > first_bound ? roughly_log2(seconds / first_bound) / log2_of_growth : 0;

    return index < BUCKETS - 1 ? (size_t)index : BUCKETS - 1;
}

static void add_locked(struct recent *recent, double seconds, mono now)
{
    int64_t number = now / WINDOW_NS;
    struct window *window = &recent->windows[number % WINDOWS];

    lock_assert_held(&lock);
    if (window->number != number) {
        *window = (struct window){.number = number};
    }
    window->counts[bucket_of(seconds)]++;
    recent->count++;
    recent->sum += seconds;
}

void self_recent_add(enum self_recent id, double seconds, mono now)
{
    lock_acquire(&lock);
    add_locked(&recents[id], seconds, now);
    lock_release(&lock);
}

/* The place of a value in its list, that of the end when it is not there. */
static struct valued **place_locked(enum self_recent_family family, str value)
{
    struct valued **place = &lists[family];

    lock_assert_held(&lock);
    while (*place != NULL && !str_eq(str_of((*place)->value, (*place)->value_len), value)) {
        place = &(*place)->next;
    }
    return place;
}

void self_recent_by(enum self_recent_family family, str value, double seconds, mono now)
{
    struct valued **place;

    if (value.len > SELF_RECENT_VALUE_BYTES) {
        return;
    }
    lock_acquire(&lock);
    place = place_locked(family, value);
    if (*place == NULL && list_counts[family] < SELF_RECENT_VALUES_MAX) {
        *place = MEM_NEW(struct valued);
        (*place)->value_len = value.len;
        memcpy((*place)->value, value.ptr, value.len);
        list_counts[family]++;
    }
    if (*place != NULL) {
        add_locked(&(*place)->recent, seconds, now);
    }
    lock_release(&lock);
}

void self_recent_forget(enum self_recent_family family, str value)
{
    struct valued **place;

    lock_acquire(&lock);
    place = place_locked(family, value);
    if (*place != NULL) {
        struct valued *gone = *place;

        *place = gone->next;
        list_counts[family]--;
        (void)mem_free(gone);
    }
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

/* The lines of one summary; `labels` as they stand between the braces, or "". */
static void write_one(struct buf *buf, const char *family, str labels, const struct recent *recent,
                      const double *wanted, size_t wanted_count, mono now)
{
    const char *comma = labels.len > 0 ? "," : "";
    uint64_t counts[BUCKETS];
    uint64_t total = add_up(recent, now, counts);

    for (size_t i = 0; i < wanted_count; i++) {
        buf_printf(buf, "%s{%.*s%squantile=\"%g\"} ", family, STR_ARG(labels), comma, wanted[i]);
        buf_double(buf, quantile_of(counts, total, wanted[i]), NUM_G);
        buf_char(buf, '\n');
    }
    buf_printf(buf, labels.len > 0 ? "%s_sum{%.*s} " : "%s_sum%.*s ", family, STR_ARG(labels));
    buf_double(buf, recent->sum, NUM_G);
    buf_printf(buf, labels.len > 0 ? "\n%s_count{%.*s} %llu\n" : "\n%s_count%.*s %llu\n", family,
               STR_ARG(labels), (unsigned long long)recent->count);
}

static void write_family_locked(struct buf *buf, enum self_recent_family family, mono now)
{
    struct buf labels = {0};

    lock_assert_held(&lock);
    if (lists[family] != NULL) {
        self_head(buf, families[family].family, "summary", families[family].help);
    }
    for (const struct valued *valued = lists[family]; valued != NULL; valued = valued->next) {
        buf_reset(&labels);
        buf_printf(&labels, "%s=", families[family].label);
        buf_label_value(&labels, str_of(valued->value, valued->value_len));
        write_one(buf, families[family].family, buf_view(&labels), &valued->recent,
                  target_quantiles, ARRAY_COUNT(target_quantiles), now);
    }
    buf_done(&labels);
}

void self_recent_write(struct buf *buf, mono now)
{
    lock_acquire(&lock);
    for (size_t r = 0; r < SELF_RECENT_COUNT; r++) {
        if (r == 0 || strcmp(rows[r].family, rows[r - 1].family) != 0) {
            self_head(buf, rows[r].family, "summary", rows[r].help);
        }
        write_one(buf, rows[r].family, str_from(rows[r].labels), &recents[r], quantiles,
                  ARRAY_COUNT(quantiles), now);
    }
    for (size_t i = 0; i < SELF_RECENT_FAMILY_COUNT; i++) {
        write_family_locked(buf, (enum self_recent_family)i, now);
    }
    lock_release(&lock);
}
