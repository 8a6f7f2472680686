#include "app/plot.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "base/mem.h"

/* A braille cell is 2 dots wide and 4 high; U+2800 plus one bit a dot (Unicode, block Braille
 * Patterns). */
enum { DOTS_WIDE = 2, DOTS_HIGH = 4, BRAILLE_FIRST = 0x2800, AXIS_WIDTH = 11 };

struct canvas {
    uint8_t *dots;  /* per cell */
    uint8_t *color; /* per cell: 1 + series of the last dot */
    size_t columns;
    size_t rows;
};

struct range {
    double low;
    double high;
};

static void set_dot(struct canvas *canvas, size_t x, size_t y, size_t series)
{
    static const uint8_t bits[DOTS_HIGH][DOTS_WIDE] = {
        {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    size_t cell = y / DOTS_HIGH * canvas->columns + x / DOTS_WIDE;

    canvas->dots[cell] |= bits[y % DOTS_HIGH][x % DOTS_WIDE];
    canvas->color[cell] = (uint8_t)(1 + series % PLOT_COLORS);
}

static void draw_line(struct canvas *canvas, double x0, double y0, double x1, double y1,
                      size_t series)
{
    double steps = fmax(fmax(fabs(x1 - x0), fabs(y1 - y0)), 1);

    for (double i = 0; i <= steps; i++) {
        set_dot(canvas, (size_t)lround(x0 + (x1 - x0) * i / steps),
                (size_t)lround(y0 + (y1 - y0) * i / steps), series);
    }
}

static void widen(struct range *range, double v)
{
    range->low = v < range->low ? v : range->low;
    range->high = v > range->high ? v : range->high;
}

static double scale(double v, struct range range, double size)
{
    return range.high > range.low ? (v - range.low) / (range.high - range.low) * size : size / 2;
}

static void draw_series(struct canvas *canvas, const struct plot_series *series, size_t index,
                        struct range times, struct range values)
{
    double width = (double)(canvas->columns * DOTS_WIDE - 1);
    double height = (double)(canvas->rows * DOTS_HIGH - 1);
    bool has_last = false;
    double last_x = 0;
    double last_y = 0;

    for (size_t i = 0; i < series->count; i++) {
        double x = scale((double)series->t[i], times, width);
        double y = height - scale(series->v[i], values, height);

        if (!isfinite(series->v[i])) {
            has_last = false;
            continue;
        }
        draw_line(canvas, has_last ? last_x : x, has_last ? last_y : y, x, y, index);
        last_x = x;
        last_y = y;
        has_last = true;
    }
}

void plot_color(struct buf *buf, size_t i)
{
    static const char *const codes[PLOT_COLORS] = {"36", "33", "35", "32", "31", "34"};

    buf_printf(buf, "\033[%sm", i == SIZE_MAX ? "0" : codes[i % PLOT_COLORS]);
}

static void write_canvas(struct buf *buf, const struct canvas *canvas, struct range values,
                         bool color)
{
    for (size_t row = 0; row < canvas->rows; row++) {
        double at =
            values.high - (values.high - values.low) * (double)row / (double)(canvas->rows - 1);
        uint8_t active = 0;

        buf_printf(buf, "%*.4g |", AXIS_WIDTH - 2, at);
        for (size_t column = 0; column < canvas->columns; column++) {
            size_t cell = row * canvas->columns + column;
            char rune[4];

            if (color && canvas->dots[cell] != 0 && canvas->color[cell] != active) {
                active = canvas->color[cell];
                plot_color(buf, active - 1u);
            }
            if (canvas->dots[cell] == 0) {
                buf_char(buf, ' ');
            } else {
                buf_bytes(buf, rune, utf8_encode(BRAILLE_FIRST + canvas->dots[cell], rune));
            }
        }
        if (active != 0) {
            plot_color(buf, SIZE_MAX);
        }
        buf_char(buf, '\n');
    }
}

static void write_time(struct buf *buf, double at)
{
    time_t seconds = (time_t)(at / 1000);
    struct tm parts = {0};

    (void)gmtime_r(&seconds, &parts);
    buf_printf(buf, "%02d-%02d %02d:%02d:%02d", parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
               parts.tm_min, parts.tm_sec);
}

void plot_draw(struct buf *buf, const struct plot_series *series, size_t count, size_t columns,
               size_t rows, bool color)
{
    enum { TIME_WIDTH = 14 };
    struct canvas canvas = {.columns = columns < 20                 ? 20
                                       : columns > PLOT_COLUMNS_MAX ? PLOT_COLUMNS_MAX
                                                                    : columns,
                            .rows = rows < 4               ? 4
                                    : rows > PLOT_ROWS_MAX ? PLOT_ROWS_MAX
                                                           : rows};
    struct range times = {INFINITY, -INFINITY};
    struct range values = {INFINITY, -INFINITY};

    canvas.columns -= AXIS_WIDTH;
    for (size_t s = 0; s < count; s++) {
        for (size_t i = 0; i < series[s].count; i++) {
            if (isfinite(series[s].v[i])) {
                widen(&times, (double)series[s].t[i]);
                widen(&values, series[s].v[i]);
            }
        }
    }
    if (times.low > times.high) {
        buf_c(buf, "nothing to draw\n");
        return;
    }
    canvas.dots = mem_alloc_zero(canvas.columns * canvas.rows);
    canvas.color = mem_alloc_zero(canvas.columns * canvas.rows);
    for (size_t s = 0; s < count; s++) {
        draw_series(&canvas, &series[s], s, times, values);
    }
    write_canvas(buf, &canvas, values, color);
    buf_printf(buf, "%*s", AXIS_WIDTH, "");
    write_time(buf, times.low);
    buf_printf(buf, "%*s",
               canvas.columns > 2 * TIME_WIDTH ? (int)(canvas.columns - 2 * TIME_WIDTH) : 1, "");
    write_time(buf, times.high);
    buf_c(buf, " UTC\n");
    (void)mem_free(canvas.dots);
    (void)mem_free(canvas.color);
}
