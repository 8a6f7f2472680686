/* plot: the report as an SVG picture: one row a scenario; requests as dots on a logarithmic scale,
 * users and queue depth as steps. */
#include <math.h>
#include <stdio.h>

#include "report.h"

enum {
    WIDTH = 960,
    ROW_HEIGHT = 260,
    LEFT = 70,
    RIGHT = 60,
    TOP = 40,
    BOTTOM = 36,
    DOTS_MAX = 4000
};
static const double SECONDS_LEAST = 1e-4;

struct frame {
    double x0, x1, y0, y1; /* of the plot, y0 below */
    double seconds;        /* at x1 */
    double seconds_most;   /* at y1, of durations */
    double count_most;     /* at y1, of users and queue */
};

static double x_of(const struct frame *frame, double at_s)
{
    return frame->x0 + (frame->x1 - frame->x0) * fmin(at_s / frame->seconds, 1);
}

static double y_of_duration(const struct frame *frame, double seconds)
{
    double share = log(fmax(seconds, SECONDS_LEAST) / SECONDS_LEAST) /
                   log(frame->seconds_most / SECONDS_LEAST);

    return frame->y0 - (frame->y0 - frame->y1) * fmin(share, 1);
}

static double y_of_count(const struct frame *frame, double count)
{
    return frame->y0 - (frame->y0 - frame->y1) * fmin(count / frame->count_most, 1);
}

static void grid_print(const struct frame *frame, FILE *out)
{
    for (double seconds = SECONDS_LEAST; seconds <= frame->seconds_most * 1.001; seconds *= 10) {
        double y = y_of_duration(frame, seconds);

        (void)fprintf(out,
                      "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"grid\"/>\n",
                      frame->x0, y, frame->x1, y);
        (void)fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%g s</text>\n",
                      frame->x0 - 6, y + 4, seconds);
    }
    for (int i = 0; i <= 4; i++) {
        double x = frame->x0 + (frame->x1 - frame->x0) * i / 4;
        double count = frame->count_most * i / 4;

        (void)fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%.3g s</text>\n", x,
                      frame->y0 + 16, frame->seconds * i / 4);
        (void)fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" class=\"count\">%.3g</text>\n",
                      frame->x1 + 6, y_of_count(frame, count) + 4, count);
    }
}

static void dots_print(const struct frame *frame, const struct watch *watch, FILE *out)
{
    size_t step = watch->request_count / DOTS_MAX + 1;

    for (size_t i = 0; i < watch->request_count; i += step) {
        const struct watch_request *request = &watch->requests[i];

        (void)fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"1.6\" class=\"%s\"/>\n",
                      x_of(frame, (double)request->at_s),
                      y_of_duration(frame, (double)request->seconds),
                      request->failed ? "bad" : "dot");
    }
}

static void steps_print(const struct frame *frame, const struct watch *watch, bool is_queue,
                        FILE *out)
{
    double before = NAN;

    (void)fprintf(out, "<path class=\"%s\" d=\"", is_queue ? "queue" : "users");
    for (size_t i = 0; i < watch->point_count; i++) {
        const struct watch_point *point = &watch->points[i];
        double count = is_queue ? point->queue_depth : point->users;

        if (isnan(count)) {
            continue;
        }
        if (isnan(before)) {
            (void)fprintf(out, "M%.1f %.1f", x_of(frame, point->at_s), y_of_count(frame, count));
        } else {
            (void)fprintf(out, "H%.1fV%.1f", x_of(frame, point->at_s), y_of_count(frame, count));
        }
        before = count;
    }
    (void)fprintf(out, "\"/>\n");
}

static struct frame frame_of(const struct report *report, size_t row)
{
    const struct watch *watch = report->watch;
    double top = (double)row * ROW_HEIGHT;
    double longest = SECONDS_LEAST * 10;
    double count = report->scenario.users;
    double queue = watch_most(watch, offsetof(struct watch_point, queue_depth));

    for (size_t i = 0; i < watch->request_count; i++) {
        longest = fmax(longest, (double)watch->requests[i].seconds);
    }
    return (struct frame){
        .x0 = LEFT,
        .x1 = WIDTH - RIGHT,
        .y0 = top + ROW_HEIGHT - BOTTOM,
        .y1 = top + TOP,
        .seconds = fmax(report->seconds, 1e-3),
        .seconds_most = pow(10, ceil(log10(longest))),
        .count_most = fmax(count, isnan(queue) ? 0 : queue),
    };
}

int report_plot(const struct report *reports, size_t count, const char *path)
{
    FILE *out = fopen(path, "w");

    if (out == NULL) {
        return -1;
    }
    (void)fprintf(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%zu\" "
                  "viewBox=\"0 0 %d %zu\">\n"
                  "<style>text{font:12px "
                  "sans-serif;fill:#444}.title{font-weight:bold;fill:#111}.grid{stroke:#ddd}"
                  ".dot{fill:#3274d9;fill-opacity:.5}.bad{fill:#e02f44}.users{fill:none;stroke:#"
                  "37872d;stroke-width:1.5}"
                  ".queue{fill:none;stroke:#ff9830;stroke-width:1.5}.count{fill:#37872d}</style>\n"
                  "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
                  WIDTH, count * ROW_HEIGHT, WIDTH, count * ROW_HEIGHT);
    for (size_t i = 0; i < count; i++) {
        struct frame frame = frame_of(&reports[i], i);

        (void)fprintf(out,
                      "<text x=\"%.1f\" y=\"%.1f\" class=\"title\">%s %s: requests (blue, failed "
                      "red), users (green), "
                      "queue depth (orange)</text>\n",
                      frame.x0, frame.y1 - 14, reports[i].scenario.id, reports[i].scenario.name);
        grid_print(&frame, out);
        dots_print(&frame, reports[i].watch, out);
        steps_print(&frame, reports[i].watch, false, out);
        steps_print(&frame, reports[i].watch, true, out);
    }
    (void)fprintf(out, "</svg>\n");
    return fclose(out) == 0 ? 0 : -1;
}
