#include "model/exposition_write.h"

#include "testing/test.h"

TEST(exposition_write_lines)
{
    static const struct label plain[] = {
        {STR_INIT("__name__"), STR_INIT("x")},
        {STR_INIT("job"), STR_INIT("a\"b\\c\nd")},
        {STR_INIT("instance"), STR_INIT("")},
    };
    static const struct label dotted[] = {{STR_INIT("a.b"), STR_INIT("c")}};
    struct buf out = {0};
    ts t = 1234;

    exposition_write_type(&out, STR("x"), METRIC_UNKNOWN);
    exposition_write_type(&out, STR("x.y"), METRIC_COUNTER);
    exposition_write_type(&out, STR("x"), METRIC_INFO);
    exposition_write_sample(&out, STR("x"), (struct labels){plain, 3}, 1e6, &t);
    exposition_write_sample(&out, STR("x"), (struct labels){plain, 1}, -0.5, NULL);
    exposition_write_sample(&out, STR("x.y"), (struct labels){NULL, 0}, value_stale(), NULL);
    exposition_write_sample(&out, STR("x.y"), (struct labels){dotted, 1}, 1, NULL);
    assert_str_equal(buf_view(&out), STR("# TYPE x untyped\n"
                                         "# TYPE \"x.y\" counter\n"
                                         "# TYPE x untyped\n"
                                         "x{job=\"a\\\"b\\\\c\\nd\",instance=\"\"} 1e+06 1234\n"
                                         "x -0.5\n"
                                         "{\"x.y\"} NaN\n"
                                         "{\"x.y\",\"a.b\"=\"c\"} 1\n"));
    buf_done(&out);
}
