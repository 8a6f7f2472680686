#include "client/self_recent.h"

#include <stdlib.h>

#include "testing/test.h"

static double value_of(const struct buf *text, const char *line)
{
    const char *found = strstr(text->ptr, line);

    assert_non_null(found);
    return strtod(found + strlen(line), NULL);
}

TEST(self_recent_has_quantiles_of_ten_minutes)
{
    mono begin = 1000 * 60 * MONO_PER_SECOND;
    static const char *const family = "prometheus_engine_query_duration_seconds";
    struct buf text = {0};
    char line[128];
    double before;

    self_recent_write(&text, begin);
    (void)snprintf(line, sizeof(line), "%s_count{slice=\"prepare_time\"} ", family);
    before = value_of(&text, line);
    for (int i = 1; i <= 1000; i++) {
        self_recent_add(SELF_RECENT_QUERY_PREPARE_TIME, i / 1000.0,
                        begin + i * MONO_PER_SECOND / 10);
    }
    buf_reset(&text);
    self_recent_write(&text, begin + 5 * 60 * MONO_PER_SECOND);
    assert_true(value_of(&text, line) == before + 1000);
    (void)snprintf(line, sizeof(line), "%s{slice=\"prepare_time\",quantile=\"0.5\"} ", family);
    assert_true(value_of(&text, line) > 0.47 && value_of(&text, line) < 0.53);
    (void)snprintf(line, sizeof(line), "%s{slice=\"prepare_time\",quantile=\"0.99\"} ", family);
    assert_true(value_of(&text, line) > 0.94 && value_of(&text, line) < 1.05);
    /* Ten minutes later nothing of it counts any more, but in the sums. */
    buf_reset(&text);
    self_recent_write(&text, begin + 15 * 60 * MONO_PER_SECOND);
    assert_non_null(strstr(text.ptr, "{slice=\"prepare_time\",quantile=\"0.99\"} NaN\n"));
    (void)snprintf(line, sizeof(line), "%s_count{slice=\"prepare_time\"} ", family);
    assert_true(value_of(&text, line) == before + 1000);
    buf_done(&text);
}

TEST(self_recent_tells_values_of_a_label_apart)
{
    static const char *const family = "prometheus_target_sync_length_seconds";
    mono now = 5000 * 60 * MONO_PER_SECOND;
    struct buf text = {0};
    char line[128];

    self_recent_by(SELF_RECENT_TARGET_SYNC, STR("a\"b"), 2, now);
    self_recent_by(SELF_RECENT_TARGET_SYNC, STR("c"), 1, now);
    self_recent_by(SELF_RECENT_TARGET_SYNC, STR("a\"b"), 3, now);
    self_recent_write(&text, now);
    (void)snprintf(line, sizeof(line), "%s_sum{scrape_job=\"a\\\"b\"} ", family);
    assert_true(value_of(&text, line) == 5);
    (void)snprintf(line, sizeof(line), "%s_count{scrape_job=\"c\"} ", family);
    assert_true(value_of(&text, line) == 1);
    (void)snprintf(line, sizeof(line), "%s{scrape_job=\"c\",quantile=\"0.01\"} ", family);
    assert_true(value_of(&text, line) > 0.9 && value_of(&text, line) < 1.1);
    self_recent_forget(SELF_RECENT_TARGET_SYNC, STR("a\"b"));
    self_recent_forget(SELF_RECENT_TARGET_SYNC, STR("never there"));
    buf_reset(&text);
    self_recent_write(&text, now);
    assert_null(strstr(text.ptr, "{scrape_job=\"a"));
    assert_non_null(strstr(text.ptr, "_count{scrape_job=\"c\"} 1\n"));
    self_recent_forget(SELF_RECENT_TARGET_SYNC, STR("c"));
    buf_done(&text);
}

TEST(self_recent_bounds_the_values_of_a_label)
{
    mono now = 9000 * 60 * MONO_PER_SECOND;
    struct buf text = {0};
    char value[SELF_RECENT_VALUE_BYTES + 1];
    size_t found = 0;

    memset(value, 'x', sizeof(value));
    self_recent_by(SELF_RECENT_TARGET_SYNC, str_of(value, sizeof(value)), 1, now);
    for (int i = 0; i < SELF_RECENT_VALUES_MAX + 10; i++) {
        (void)snprintf(value, sizeof(value), "job%d", i);
        self_recent_by(SELF_RECENT_TARGET_SYNC, str_from(value), 1, now);
    }
    self_recent_write(&text, now);
    assert_null(strstr(text.ptr, "xxxx"));
    for (const char *at = text.ptr; (at = strstr(at, "_count{scrape_job=")) != NULL; at++) {
        found++;
    }
    assert_int_equal(found, SELF_RECENT_VALUES_MAX);
    for (int i = 0; i < SELF_RECENT_VALUES_MAX; i++) {
        (void)snprintf(value, sizeof(value), "job%d", i);
        self_recent_forget(SELF_RECENT_TARGET_SYNC, str_from(value));
    }
    buf_done(&text);
}
