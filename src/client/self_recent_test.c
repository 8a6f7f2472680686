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
