/* report: what a scenario came to: each figure beside its limit, as a table and as JSON; and a plot
 * of all scenarios. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "scenario.h"
#include "watch.h"

enum report_verdict { REPORT_PASS, REPORT_FAIL, REPORT_WATCH, REPORT_NOT_EXPOSED };

enum report_figure_kind {
    REPORT_GPU,
    REPORT_GPU_HEAT,
    REPORT_HTTP_P95,
    REPORT_ERRORS,
    REPORT_WEBSOCKETS,
    REPORT_STAGES,
    REPORT_QUEUE,
    REPORT_CACHE,
    REPORT_FIGURE_COUNT,
};

struct report_figure {
    const char *name;
    const char *unit;
    double value;
    double limit;  /* NaN = it is only watched */
    bool is_floor; /* the limit is what it must be above */
    enum report_verdict verdict;
    char note[96];
    const char *advice; /* what to do when it fails */
};

struct report {
    struct scenario scenario;
    struct report_figure figures[REPORT_FIGURE_COUNT];
    double seconds;
    double p50_s, p99_s;
    size_t requests, generations, generations_failed, websocket_messages;
    char last_error[128];
    const struct watch *watch;
};

/* report_make judges a scenario by what was watched, which must outlive the report. */
void report_make(struct report *report, const struct scenario *scenario, struct watch *watch,
                 double seconds);

/* report_passes says whether no figure failed. */
bool report_passes(const struct report *report);

void report_print(const struct report *report, FILE *out);
json_t *report_json(const struct report *report);

/* report_plot writes an SVG: of each scenario the request durations with users and queue depth over
 * time. */
int report_plot(const struct report *reports, size_t count, const char *path);
