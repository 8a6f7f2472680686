#include <math.h>

#include "app/plot.h"
#include "testing/test.h"

static size_t count_lines(str text)
{
    size_t lines = 0;

    for (size_t i = 0; i < text.len; i++) {
        lines += text.ptr[i] == '\n' ? 1 : 0;
    }
    return lines;
}

TEST(plot_draws_a_rising_line_from_corner_to_corner)
{
    static const ts t[] = {0, 1000, 2000};
    static const double v[] = {0, 1, 2};
    const struct plot_series series = {t, v, 3};
    struct buf out = {0};

    plot_draw(&out, &series, 1, 40, 5, false);
    assert_int_equal(count_lines(buf_view(&out)), 6);
    assert_true(str_has_prefix(buf_view(&out), STR("        2 |")));
    /* The line rises by a dot in three columns, so it starts with both dots at the foot of the
     * lowest left cell, 7 and 8: U+28C0. */
    assert_true(str_contains(buf_view(&out), STR("        0 |\xe2\xa3\x80")));
    buf_done(&out);
}

TEST(plot_survives_what_is_not_finite)
{
    static const ts t[] = {0, 1000, 2000};
    const double v[] = {NAN, INFINITY, -INFINITY};
    const struct plot_series series[] = {{t, v, 3}, {NULL, NULL, 0}};
    struct buf out = {0};

    plot_draw(&out, series, 2, 0, 0, true);
    assert_str_equal(buf_view(&out), STR("nothing to draw\n"));
    buf_done(&out);
}

TEST(plot_of_a_constant_is_in_the_middle)
{
    static const ts t[] = {0, 1000};
    static const double v[] = {5, 5};
    const struct plot_series series = {t, v, 2};
    struct buf out = {0};

    plot_draw(&out, &series, 1, 30, 4, true);
    assert_int_equal(count_lines(buf_view(&out)), 5);
    buf_done(&out);
}
