#include "client/self_histogram.h"

#include <stdlib.h>

#include "base/attr.h"
#include "testing/test.h"

static double value_of(const struct buf *text, const char *line)
{
    const char *found = strstr(text->ptr, line);

    assert_non_null(found);
    return strtod(found + strlen(line), NULL);
}

TEST(self_histogram_counts_into_buckets)
{
    static const struct {
        const char *line;
        double want; /* more than before */
    } rows[] = {
        {"prometheus_tsdb_sample_ooo_delta_bucket{le=\"600\"} ", 2},
        {"prometheus_tsdb_sample_ooo_delta_bucket{le=\"1800\"} ", 3},
        {"prometheus_tsdb_sample_ooo_delta_bucket{le=\"21600\"} ", 3},
        {"prometheus_tsdb_sample_ooo_delta_bucket{le=\"43200\"} ", 4},
        {"prometheus_tsdb_sample_ooo_delta_bucket{le=\"+Inf\"} ", 5},
        {"prometheus_tsdb_sample_ooo_delta_sum ", 1 + 600 + 601 + 43200 + 1e6},
        {"prometheus_tsdb_sample_ooo_delta_count ", 5},
        {"prometheus_tsdb_compaction_chunk_samples_bucket{le=\"13.5\"} ", 0},
    };
    static const double values[] = {1, 600, 601, 43200, 1e6};
    uint64_t count = self_histogram_count(SELF_HISTOGRAM_OOO_DELTA);
    struct buf before = {0}, after = {0};

    self_histogram_write(&before);
    for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
        self_histogram_add(SELF_HISTOGRAM_OOO_DELTA, values[i]);
    }
    self_histogram_write(&after);
    assert_int_equal(self_histogram_count(SELF_HISTOGRAM_OOO_DELTA), count + 5);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        test_row(rows[i].line);
        assert_true(value_of(&after, rows[i].line) - value_of(&before, rows[i].line) ==
                    rows[i].want);
    }
    test_row(NULL);
    buf_done(&before);
    buf_done(&after);
}
