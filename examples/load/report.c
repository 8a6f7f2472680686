#include "report.h"

#include <math.h>
#include <string.h>

/* The document's limits, and what its readers are to do when one is exceeded. */
static const struct {
    const char *name;
    const char *unit;
    double limit; /* 0 = only watched */
    bool is_floor;
    const char *advice;
} rows[REPORT_FIGURE_COUNT] = {
    [REPORT_GPU] = {"GPU utilisation, most", "%", 95, false,
                    "fewer jobs at a time, or another GPU"},
    [REPORT_GPU_HEAT] = {"GPU temperature, most", "C", 85, false,
                         "check the fans; lower the power limit"},
    [REPORT_HTTP_P95] = {"HTTP duration, P95", "s", 120, false,
                         "look at the slowest stage; answer by job, not by wait"},
    [REPORT_ERRORS] = {"error rate", "%", 1, false,
                       "find the endpoint in errors_total, then its log lines"},
    [REPORT_WEBSOCKETS] = {"WebSocket connections, most", "", 0, false, ""},
    [REPORT_STAGES] = {"slowest stage, mean", "s", 0, false, ""},
    [REPORT_QUEUE] = {"queue depth, most", "jobs", 10, false, "more workers, or refuse earlier"},
    [REPORT_CACHE] = {"cache hit rate", "%", 70, true,
                      "a larger cache; look at what is asked for once only"},
};

static enum report_verdict judge(const struct report_figure *figure)
{
    if (isnan(figure->value)) {
        return REPORT_NOT_EXPOSED;
    }
    if (isnan(figure->limit)) {
        return REPORT_WATCH;
    }
    return (figure->is_floor ? figure->value > figure->limit : figure->value < figure->limit)
               ? REPORT_PASS
               : REPORT_FAIL;
}

static double value_of(struct watch *watch, enum report_figure_kind kind)
{
    int slowest;

    switch (kind) {
    case REPORT_GPU:
        return watch_most(watch, offsetof(struct watch_point, gpu_percent));
    case REPORT_GPU_HEAT:
        return watch_most(watch, offsetof(struct watch_point, gpu_celsius));
    case REPORT_HTTP_P95:
        return watch_quantile(watch, 0.95);
    case REPORT_ERRORS:
        return watch_error_percent(watch);
    case REPORT_WEBSOCKETS:
        return watch_most(watch, offsetof(struct watch_point, websockets));
    case REPORT_STAGES:
        slowest = watch_slowest(watch, 0);
        return slowest >= 0 ? watch_stage_mean(&watch->stages[slowest]) : NAN;
    case REPORT_QUEUE:
        return watch_most(watch, offsetof(struct watch_point, queue_depth));
    case REPORT_CACHE:
        return watch_cache_percent(watch);
    case REPORT_FIGURE_COUNT:
        break;
    }
    return NAN;
}

/* "shape 0.52 s, texture 0.21 s, export 0.01 s" */
static void stages_note(const struct watch *watch, char *ret, size_t size)
{
    size_t len = 0;
    int index;

    ret[0] = '\0';
    for (int rank = 0; rank < 3 && (index = watch_slowest(watch, rank)) >= 0 && len < size;
         rank++) {
        const struct watch_stage *stage = &watch->stages[index];

        len += (size_t)snprintf(ret + len, size - len, "%s%.24s %.4f s", rank > 0 ? ", " : "",
                                stage->name, watch_stage_mean(stage));
    }
}

void report_make(struct report *report, const struct scenario *scenario, struct watch *watch,
                 double seconds)
{
    *report = (struct report){
        .scenario = *scenario,
        .seconds = seconds,
        .p50_s = watch_quantile(watch, 0.5),
        .p99_s = watch_quantile(watch, 0.99),
        .requests = watch->request_count + watch->request_lost,
        .generations = watch->generations,
        .generations_failed = watch->generations_failed,
        .websocket_messages = watch->websocket_messages,
        .watch = watch,
    };
    (void)snprintf(report->last_error, sizeof(report->last_error), "%s", watch->last_error);
    for (int i = 0; i < REPORT_FIGURE_COUNT; i++) {
        struct report_figure *figure = &report->figures[i];

        *figure = (struct report_figure){.name = rows[i].name,
                                         .unit = rows[i].unit,
                                         .value = value_of(watch, (enum report_figure_kind)i),
                                         .limit = rows[i].limit > 0 ? rows[i].limit : NAN,
                                         .is_floor = rows[i].is_floor,
                                         .advice = rows[i].advice};
        figure->verdict = judge(figure);
    }
    stages_note(watch, report->figures[REPORT_STAGES].note, sizeof(report->figures[0].note));
}

bool report_passes(const struct report *report)
{
    for (int i = 0; i < REPORT_FIGURE_COUNT; i++) {
        if (report->figures[i].verdict == REPORT_FAIL) {
            return false;
        }
    }
    return report->generations_failed == 0 && report->requests > 0;
}

static const char *verdict_name(enum report_verdict verdict)
{
    static const char *const names[] = {[REPORT_PASS] = "pass",
                                        [REPORT_FAIL] = "FAIL",
                                        [REPORT_WATCH] = "-",
                                        [REPORT_NOT_EXPOSED] = "not exposed"};

    return names[verdict];
}

void report_print(const struct report *report, FILE *out)
{
    const struct scenario *scenario = &report->scenario;

    (void)fprintf(out,
                  "\n%s %s: %d user%s, %.1f s: %zu generations (%zu failed), %zu requests, %zu "
                  "WebSocket messages\n",
                  scenario->id, scenario->name, scenario->users, scenario->users == 1 ? "" : "s",
                  report->seconds, report->generations, report->generations_failed,
                  report->requests, report->websocket_messages);
    (void)fprintf(out, "  %-28s %12s %10s  %s\n", "figure", "value", "limit", "verdict");
    for (int i = 0; i < REPORT_FIGURE_COUNT; i++) {
        const struct report_figure *figure = &report->figures[i];
        char value[32] = "";
        char limit[32] = "";

        if (!isnan(figure->value)) {
            (void)snprintf(value, sizeof(value), "%.4g %s", figure->value, figure->unit);
        }
        if (!isnan(figure->limit)) {
            (void)snprintf(limit, sizeof(limit), "%s %g", figure->is_floor ? ">" : "<",
                           figure->limit);
        }
        (void)fprintf(out, "  %-28s %12s %10s  %s%s%s\n", figure->name, value, limit,
                      verdict_name(figure->verdict), figure->note[0] != '\0' ? "  " : "",
                      figure->note);
    }
    (void)fprintf(out, "  %-28s %10.4g s\n  %-28s %10.4g s\n", "HTTP duration, P50", report->p50_s,
                  "HTTP duration, P99", report->p99_s);
    for (int i = 0; i < REPORT_FIGURE_COUNT; i++) {
        if (report->figures[i].verdict == REPORT_FAIL) {
            (void)fprintf(out, "  advice: %s: %s\n", report->figures[i].name,
                          report->figures[i].advice);
        }
    }
    if (report->last_error[0] != '\0') {
        (void)fprintf(out, "  last error: %s\n", report->last_error);
    }
}

static json_t *number_json(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *report_json(const struct report *report)
{
    json_t *figures = json_array();
    json_t *stages = json_object();
    const struct scenario *scenario = &report->scenario;

    for (int i = 0; i < REPORT_FIGURE_COUNT; i++) {
        const struct report_figure *figure = &report->figures[i];

        json_array_append_new(figures, json_pack("{s:s, s:o, s:o, s:s, s:s}", "name", figure->name,
                                                 "value", number_json(figure->value), "limit",
                                                 number_json(figure->limit), "unit", figure->unit,
                                                 "verdict", verdict_name(figure->verdict)));
    }
    for (size_t i = 0; i < report->watch->stage_count; i++) {
        const struct watch_stage *stage = &report->watch->stages[i];

        json_object_set_new(stages, stage->name, number_json(watch_stage_mean(stage)));
    }
    return json_pack(
        "{s:s, s:s, s:i, s:f, s:I, s:I, s:I, s:I, s:o, s:o, s:b, s:s, s:o, s:o}", "id",
        scenario->id, "name", scenario->name, "users", scenario->users, "seconds", report->seconds,
        "requests", (json_int_t)report->requests, "generations", (json_int_t)report->generations,
        "generations_failed", (json_int_t)report->generations_failed, "websocket_messages",
        (json_int_t)report->websocket_messages, "http_p50_seconds", number_json(report->p50_s),
        "http_p99_seconds", number_json(report->p99_s), "pass", report_passes(report), "last_error",
        report->last_error, "figures", figures, "stages", stages);
}
