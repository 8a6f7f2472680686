#include "client/self_histogram.h"

#include <stdatomic.h>

#include "base/attr.h"
#include "base/num.h"
#include "client/self.h"

enum { BOUNDS_MAX = 14 };

/* Source of names and bounds: Prometheus 3, tsdb/compact.go, tsdb/db.go and tsdb/head.go. */
static const struct {
    const char *family;
    const char *help;
    unsigned count; /* of the bounds */
    double bounds[BOUNDS_MAX];
} rows[SELF_HISTOGRAM_COUNT] = {
    [SELF_HISTOGRAM_CHUNK_RANGE] = {"prometheus_tsdb_compaction_chunk_range_seconds",
                                    "Times that chunks of the head spanned when they went to a "
                                    "block; in milliseconds, as Prometheus has it.",
                                    10,
                                    {100, 400, 1600, 6400, 25600, 102400, 409600, 1638400, 6553600,
                                     26214400}},
    [SELF_HISTOGRAM_CHUNK_SAMPLES] = {"prometheus_tsdb_compaction_chunk_samples",
                                      "Samples of chunks of the head when they went to a block.",
                                      12,
                                      {4, 6, 9, 13.5, 20.25, 30.375, 45.5625, 68.34375, 102.515625,
                                       153.7734375, 230.66015625, 345.990234375}},
    [SELF_HISTOGRAM_CHUNK_SIZE] = {"prometheus_tsdb_compaction_chunk_size_bytes",
                                   "Bytes of chunks of the head when they went to a block.",
                                   12,
                                   {32, 48, 72, 108, 162, 243, 364.5, 546.75, 820.125, 1230.1875,
                                    1845.28125, 2767.921875}},
    [SELF_HISTOGRAM_COMPACTION] = {"prometheus_tsdb_compaction_duration_seconds",
                                   "Times that blocks took to be written.",
                                   14,
                                   {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192}},
    [SELF_HISTOGRAM_OOO_DELTA] = {"prometheus_tsdb_sample_ooo_delta",
                                  "Seconds by which samples were older than the newest one of the "
                                  "head, whether they were taken or not.",
                                  7,
                                  {600, 1800, 3600, 7200, 10800, 21600, 43200}},
    [SELF_HISTOGRAM_TOMBSTONE_CLEANUP] = {"prometheus_tsdb_tombstone_cleanup_seconds",
                                          "Times that it took to clean blocks of tombstones.",
                                          11,
                                          {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}},
};

static struct {
    _Atomic uint64_t counts[BOUNDS_MAX + 1]; /* relaxed; each bucket alone, the last is +Inf */
    _Atomic double sum;                      /* relaxed */
} figures[SELF_HISTOGRAM_COUNT];

void self_histogram_add(enum self_histogram id, double value)
{
    double seen = atomic_load_explicit(&figures[id].sum, memory_order_relaxed);
    unsigned i = 0;

    while (i < rows[id].count && value > rows[id].bounds[i]) {
        i++;
    }
    atomic_fetch_add_explicit(&figures[id].counts[i], 1, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&figures[id].sum, &seen, seen + value,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
}

uint64_t self_histogram_count(enum self_histogram id)
{
    uint64_t count = 0;

    for (unsigned i = 0; i <= rows[id].count; i++) {
        count += atomic_load_explicit(&figures[id].counts[i], memory_order_relaxed);
    }
    return count;
}

static void write_one(struct buf *buf, enum self_histogram id)
{
    const char *family = rows[id].family;
    uint64_t below = 0;

    self_head(buf, family, "histogram", rows[id].help);
    for (unsigned i = 0; i <= rows[id].count; i++) {
        below += atomic_load_explicit(&figures[id].counts[i], memory_order_relaxed);
        buf_printf(buf, "%s_bucket{le=\"", family);
        if (i < rows[id].count) {
            buf_double(buf, rows[id].bounds[i], NUM_G);
        } else {
            buf_c(buf, "+Inf");
        }
        buf_printf(buf, "\"} %llu\n", (unsigned long long)below);
    }
    buf_printf(buf, "%s_sum ", family);
    buf_double(buf, atomic_load_explicit(&figures[id].sum, memory_order_relaxed), NUM_G);
    buf_printf(buf, "\n%s_count %llu\n", family, (unsigned long long)below);
}

void self_histogram_write(struct buf *buf)
{
    for (int id = 0; id < SELF_HISTOGRAM_COUNT; id++) {
        write_one(buf, (enum self_histogram)id);
    }
}
