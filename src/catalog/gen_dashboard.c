#include "catalog/gen_dashboard.h"

#include "base/arena.h"
#include "codec/json_write.h"

enum {
    GRID_WIDTH = 24, /* of Grafana's grid */
    PANEL_WIDTH = 8,
    PANEL_HEIGHT = 8,
    BY_LABELS_MAX = 3, /* labels by which a panel tells its series apart */
    SCHEMA_VERSION = 39,
};

static const str data_source = STR_INIT("${datasource}");
static const str filter = STR_INIT("job=~\"$job\", instance=~\"$instance\"");

/* ---- which row ---- */

static bool has_word(str name, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_contains(name, str_from(words[i]))) {
            return true;
        }
    }
    return false;
}

enum gen_dashboard_row gen_dashboard_row(const struct catalog_metric *metric)
{
    static const char *const bad[] = {"error",   "fail", "reject", "miss",     "shed",   "drop",
                                      "timeout", "retr", "abort",  "overflow", "repair", "refused"};
    static const char *const full[] = {"queue",   "depth",       "pending",     "waiting",
                                       "backlog", "connections", "active",      "concurrent",
                                       "lag",     "in_use",      "in_progress", "pool"};
    str name = metric->full_name;

    switch (metric->type) {
    case CATALOG_COUNTER:
        return has_word(name, bad, ARRAY_COUNT(bad)) ? GEN_ROW_ERRORS : GEN_ROW_RATE;
    case CATALOG_HISTOGRAM:
    case CATALOG_SUMMARY:
        return str_is(metric->unit, "seconds") ? GEN_ROW_DURATION : GEN_ROW_OTHER;
    case CATALOG_GAUGE:
        return has_word(name, full, ARRAY_COUNT(full)) ? GEN_ROW_SATURATION
               : str_is(metric->unit, "bytes") || str_is(metric->unit, "percent") ||
                       str_is(metric->unit, "ratio")
                   ? GEN_ROW_UTILIZATION
                   : GEN_ROW_OTHER;
    case CATALOG_INFO:
    case CATALOG_STATESET:
    case CATALOG_TYPE_COUNT:
        break;
    }
    return GEN_ROW_OTHER;
}

/* ---- writing ---- */

struct board {
    struct json_writer json;
    struct arena arena;
    int64_t id;
    int64_t x;
    int64_t y;
};

static void write_source(struct json_writer *json)
{
    json_write_key(json, STR("datasource"));
    json_write_object_begin(json);
    json_write_pair_str(json, STR("type"), STR("prometheus"));
    json_write_pair_str(json, STR("uid"), data_source);
    json_write_object_end(json);
}

static void write_position(struct board *board, int64_t width, int64_t height)
{
    struct json_writer *json = &board->json;

    if (board->x + width > GRID_WIDTH) {
        board->x = 0;
        board->y += PANEL_HEIGHT;
    }
    json_write_key(json, STR("gridPos"));
    json_write_object_begin(json);
    json_write_pair_i64(json, STR("x"), board->x);
    json_write_pair_i64(json, STR("y"), board->y);
    json_write_pair_i64(json, STR("w"), width);
    json_write_pair_i64(json, STR("h"), height);
    json_write_object_end(json);
    board->x += width;
}

static void write_row(struct board *board, str title)
{
    struct json_writer *json = &board->json;

    board->y += board->x > 0 ? PANEL_HEIGHT : 0;
    board->x = 0;
    json_write_object_begin(json);
    json_write_pair_i64(json, STR("id"), ++board->id);
    json_write_pair_str(json, STR("type"), STR("row"));
    json_write_pair_str(json, STR("title"), title);
    json_write_pair_bool(json, STR("collapsed"), false);
    write_position(board, GRID_WIDTH, 1);
    json_write_key(json, STR("panels"));
    json_write_array_begin(json);
    json_write_array_end(json);
    json_write_object_end(json);
    buf_char(json->buf, '\n');
    board->x = 0;
    board->y += 1;
}

/* ---- units ---- */

static str unit_of(const struct catalog_metric *metric)
{
    static const struct {
        const char *unit;
        const char *plain;
        const char *rate;
    } units[] = {
        {"seconds", "s", "percentunit"},     {"bytes", "bytes", "Bps"},
        {"ratio", "percentunit", "short"},   {"percent", "percent", "short"},
        {"celsius", "celsius", "short"},     {"volts", "volt", "short"},
        {"amperes", "amp", "short"},         {"joules", "joule", "watt"},
        {"watts", "watt", "short"},          {"hertz", "hertz", "short"},
        {"meters", "lengthm", "velocityms"}, {"grams", "massg", "short"},
    };
    bool is_rate = metric->type == CATALOG_COUNTER;

    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        if (str_is(metric->unit, units[i].unit)) {
            return str_from(is_rate ? units[i].rate : units[i].plain);
        }
    }
    return is_rate ? (str_contains(metric->full_name, STR("request")) ? STR("reqps") : STR("cps"))
                   : STR("short");
}

/* ---- expressions ---- */

/* "stage, type": the labels that a panel keeps, closed ones first. */
static str by_labels(struct board *board, const struct catalog_metric *metric, const char *extra,
                     str *ret_legend)
{
    str by = extra != NULL ? str_from(extra) : STR("");
    str legend = STR("");
    size_t count = 0;

    for (int closed = 1; closed >= 0; closed--) {
        for (size_t i = 0; i < metric->label_count && count < BY_LABELS_MAX; i++) {
            const struct catalog_label *label = &metric->labels[i];

            if ((label->set->value_count > 0) != (closed != 0)) {
                continue;
            }
            by = arena_printf(&board->arena, "%.*s%s%.*s", STR_ARG(by), by.len > 0 ? ", " : "",
                              STR_ARG(label->name));
            legend = arena_printf(&board->arena, "%.*s%s{{%.*s}}", STR_ARG(legend),
                                  legend.len > 0 ? " " : "", STR_ARG(label->name));
            count++;
        }
    }
    *ret_legend = legend;
    return by;
}

static str sum_by(struct board *board, str by, str of)
{
    return by.len > 0
               ? arena_printf(&board->arena, "sum by (%.*s) (%.*s)", STR_ARG(by), STR_ARG(of))
               : arena_printf(&board->arena, "sum(%.*s)", STR_ARG(of));
}

static void write_target(struct board *board, int index, str expr, str legend, bool instant)
{
    static const str letters = STR_INIT("ABCDEFGH");
    struct json_writer *json = &board->json;

    json_write_object_begin(json);
    json_write_pair_str(json, STR("refId"), str_slice(letters, (size_t)index, (size_t)index + 1));
    write_source(json);
    json_write_pair_str(json, STR("editorMode"), STR("code"));
    json_write_pair_str(json, STR("expr"), expr);
    json_write_pair_str(json, STR("legendFormat"), legend);
    json_write_pair_bool(json, STR("range"), !instant);
    json_write_pair_bool(json, STR("instant"), instant);
    if (instant) {
        json_write_pair_str(json, STR("format"), STR("table"));
    }
    json_write_object_end(json);
}

static str selector(struct board *board, const struct catalog_metric *metric, const char *suffix)
{
    return arena_printf(&board->arena, "%.*s%s{%.*s}", STR_ARG(metric->full_name), suffix,
                        STR_ARG(filter));
}

static str rate_of(struct board *board, str of)
{
    return arena_printf(&board->arena, "rate(%.*s[$__rate_interval])", STR_ARG(of));
}

/* Median, p95 and p99 over all series; and p95 by label when there are labels. */
static void write_quantiles(struct board *board, const struct catalog_metric *metric)
{
    static const char *const quantiles[] = {"0.5", "0.95", "0.99"};
    bool is_native = metric->native.only;
    str rates = rate_of(board, selector(board, metric, is_native ? "" : "_bucket"));
    str legend = STR("");
    str by = by_labels(board, metric, is_native ? NULL : "le", &legend);
    int index = 0;

    for (; index < (int)ARRAY_COUNT(quantiles); index++) {
        str sum = sum_by(board, is_native ? STR("") : STR("le"), rates);
        str name = arena_printf(&board->arena, "p%s", quantiles[index] + 2);

        write_target(board, index,
                     arena_printf(&board->arena, "histogram_quantile(%s, %.*s)", quantiles[index],
                                  STR_ARG(sum)),
                     index == 0 ? STR("p50") : name, false);
    }
    if (legend.len > 0) {
        write_target(board, index,
                     arena_printf(&board->arena, "histogram_quantile(0.95, %.*s)",
                                  STR_ARG(sum_by(board, by, rates))),
                     arena_printf(&board->arena, "p95 %.*s", STR_ARG(legend)), false);
    }
}

static void write_summary(struct board *board, const struct catalog_metric *metric)
{
    str legend = STR("");
    str by = by_labels(board, metric, NULL, &legend);
    str sum = sum_by(board, by, rate_of(board, selector(board, metric, "_sum")));
    str count = sum_by(board, by, rate_of(board, selector(board, metric, "_count")));
    int index = 0;

    write_target(board, index++,
                 arena_printf(&board->arena, "%.*s / %.*s", STR_ARG(sum), STR_ARG(count)),
                 arena_printf(&board->arena, "mean %.*s", STR_ARG(legend)), false);
    if (metric->objective_count > 0) {
        by = by_labels(board, metric, "quantile", &legend);
        write_target(board, index,
                     arena_printf(&board->arena, "max by (%.*s) (%.*s)", STR_ARG(by),
                                  STR_ARG(selector(board, metric, ""))),
                     arena_printf(&board->arena, "{{quantile}} %.*s", STR_ARG(legend)), false);
    }
}

static void write_targets(struct board *board, const struct catalog_metric *metric)
{
    str legend = STR("");
    str by = by_labels(board, metric, NULL, &legend);
    str series = selector(board, metric, "");
    str name = legend.len > 0 ? legend : metric->full_name;

    switch (metric->type) {
    case CATALOG_COUNTER:
        write_target(board, 0, sum_by(board, by, rate_of(board, series)), name, false);
        break;
    case CATALOG_GAUGE:
        write_target(board, 0, series,
                     arena_printf(&board->arena, "%.*s%s{{instance}}", STR_ARG(legend),
                                  legend.len > 0 ? " " : ""),
                     false);
        break;
    case CATALOG_HISTOGRAM:
        write_quantiles(board, metric);
        break;
    case CATALOG_SUMMARY:
        write_summary(board, metric);
        break;
    case CATALOG_INFO:
        write_target(board, 0, series, STR(""), true);
        break;
    case CATALOG_STATESET:
        write_target(board, 0, arena_printf(&board->arena, "%.*s == 1", STR_ARG(series)),
                     arena_printf(&board->arena, "{{%.*s}}", STR_ARG(metric->full_name)), false);
        break;
    case CATALOG_TYPE_COUNT:
        break;
    }
}

/* ---- panels ---- */

static void write_field_config(struct board *board, const struct catalog_metric *metric)
{
    struct json_writer *json = &board->json;
    bool is_percent = str_is(metric->unit, "percent");

    json_write_key(json, STR("fieldConfig"));
    json_write_object_begin(json);
    json_write_key(json, STR("defaults"));
    json_write_object_begin(json);
    json_write_pair_str(json, STR("unit"), unit_of(metric));
    json_write_pair_str(json, STR("noValue"), STR("No data"));
    json_write_pair_i64(json, STR("min"), 0);
    if (is_percent || str_is(metric->unit, "ratio")) {
        json_write_pair_i64(json, STR("max"), is_percent ? 100 : 1);
    }
    json_write_key(json, STR("color"));
    json_write_raw(json, STR("{\"mode\":\"palette-classic\"}"));
    json_write_key(json, STR("custom"));
    json_write_raw(json, STR("{\"drawStyle\":\"line\",\"lineWidth\":1,\"fillOpacity\":10,"
                             "\"showPoints\":\"never\",\"spanNulls\":false}"));
    json_write_object_end(json);
    json_write_key(json, STR("overrides"));
    json_write_array_begin(json);
    json_write_array_end(json);
    json_write_object_end(json);
}

static str panel_type(const struct catalog_metric *metric)
{
    return metric->type == CATALOG_INFO       ? STR("table")
           : metric->type == CATALOG_STATESET ? STR("state-timeline")
                                              : STR("timeseries");
}

static str description(struct board *board, const struct catalog_metric *metric)
{
    if (metric->id.len == 0) {
        return metric->help;
    }
    return arena_printf(&board->arena, "%.*s (%.*s)", STR_ARG(metric->help), STR_ARG(metric->id));
}

static void write_panel(struct board *board, const struct catalog_metric *metric)
{
    struct json_writer *json = &board->json;

    json_write_object_begin(json);
    json_write_pair_i64(json, STR("id"), ++board->id);
    json_write_pair_str(json, STR("type"), panel_type(metric));
    json_write_pair_str(json, STR("title"), metric->full_name);
    json_write_pair_str(json, STR("description"), description(board, metric));
    write_source(json);
    write_position(board, PANEL_WIDTH, PANEL_HEIGHT);
    json_write_key(json, STR("targets"));
    json_write_array_begin(json);
    write_targets(board, metric);
    json_write_array_end(json);
    write_field_config(board, metric);
    json_write_key(json, STR("options"));
    json_write_raw(json, metric->type == CATALOG_INFO
                             ? STR("{\"showHeader\":true,\"cellHeight\":\"sm\"}")
                             : STR("{\"legend\":{\"displayMode\":\"list\",\"placement\":\"bottom\","
                                   "\"showLegend\":true},\"tooltip\":{\"mode\":\"multi\",\"sort\":"
                                   "\"desc\"}}"));
    json_write_object_end(json);
    buf_char(json->buf, '\n');
}

static void write_panels(struct board *board, const struct catalog *catalog)
{
    static const char *const titles[GEN_ROW_COUNT] = {
        [GEN_ROW_RATE] = "Rate",
        [GEN_ROW_ERRORS] = "Errors",
        [GEN_ROW_DURATION] = "Duration",
        [GEN_ROW_UTILIZATION] = "Utilization",
        [GEN_ROW_SATURATION] = "Saturation",
        [GEN_ROW_OTHER] = "More",
    };

    for (int row = 0; row < GEN_ROW_COUNT; row++) {
        bool begun = false;

        for (const struct catalog_metric *m = NULL;
             (m = catalog_metric_next(catalog, m)) != NULL;) {
            if (gen_dashboard_row(m) != (enum gen_dashboard_row)row) {
                continue;
            }
            if (!begun) {
                write_row(board, str_from(titles[row]));
                begun = true;
            }
            write_panel(board, m);
        }
    }
}

/* ---- the rest ---- */

static void write_variable(struct board *board, const char *name, const char *label, str query)
{
    struct json_writer *json = &board->json;

    json_write_object_begin(json);
    json_write_pair_str(json, STR("name"), str_from(name));
    json_write_pair_str(json, STR("label"), str_from(label));
    json_write_pair_str(json, STR("type"), STR("query"));
    write_source(json);
    json_write_pair_str(json, STR("definition"), query);
    json_write_key(json, STR("query"));
    json_write_object_begin(json);
    json_write_pair_str(json, STR("query"), query);
    json_write_pair_str(json, STR("refId"), STR("variable"));
    json_write_object_end(json);
    json_write_raw(json,
                   STR("\"refresh\":2,\"includeAll\":true,\"allValue\":\".*\",\"multi\":true,"
                       "\"sort\":1,\"hide\":0,\"regex\":\"\",\"skipUrlSync\":false,"
                       "\"options\":[],\"current\":{\"text\":[\"All\"],\"value\":[\"$__all\"]}"));
    json_write_object_end(json);
}

/* Job and instance are looked for among the series of one metric: the first that has series of its
 * own name or _count. */
static void write_templating(struct board *board, const struct catalog *catalog)
{
    const struct catalog_metric *first = catalog_metric_next(catalog, NULL);
    const char *suffix =
        (first->type == CATALOG_HISTOGRAM && !first->native.only) || first->type == CATALOG_SUMMARY
            ? "_count"
            : "";
    struct json_writer *json = &board->json;

    json_write_key(json, STR("templating"));
    json_write_object_begin(json);
    json_write_key(json, STR("list"));
    json_write_array_begin(json);
    json_write_raw(json,
                   STR("{\"name\":\"datasource\",\"label\":\"Data source\",\"type\":\"datasource\","
                       "\"query\":\"prometheus\",\"refresh\":1,\"hide\":0,\"regex\":\"\","
                       "\"includeAll\":false,\"multi\":false,\"options\":[],\"current\":{},"
                       "\"skipUrlSync\":false}"));
    write_variable(board, "job", "Job",
                   arena_printf(&board->arena, "label_values(%.*s%s, job)",
                                STR_ARG(first->full_name), suffix));
    write_variable(board, "instance", "Instance",
                   arena_printf(&board->arena, "label_values(%.*s%s{job=~\"$job\"}, instance)",
                                STR_ARG(first->full_name), suffix));
    json_write_array_end(json);
    json_write_object_end(json);
}

void gen_dashboard(const struct catalog *catalog, struct buf *out)
{
    struct board board = {.json = json_write_over(out)};
    struct json_writer *json = &board.json;

    json_write_object_begin(json);
    json_write_key(json, STR("id"));
    json_write_null(json);
    json_write_pair_str(
        json, STR("uid"),
        arena_printf(&board.arena, "%.*s-first", STR_ARG(str_slice(catalog->name, 0, 30))));
    json_write_pair_str(json, STR("title"), catalog->title);
    json_write_pair_str(
        json, STR("description"),
        arena_printf(&board.arena,
                     "Every metric of the catalogue %.*s: rate, errors and duration "
                     "of the service, utilization and saturation of what it uses.",
                     STR_ARG(catalog->name)));
    json_write_pair_i64(json, STR("schemaVersion"), SCHEMA_VERSION);
    json_write_raw(json,
                   STR("\"version\":1,\"editable\":true,\"graphTooltip\":1,"
                       "\"fiscalYearStartMonth\":0,\"weekStart\":\"\",\"timezone\":\"browser\","
                       "\"refresh\":\"30s\",\"time\":{\"from\":\"now-1h\",\"to\":\"now\"},"
                       "\"timepicker\":{},\"links\":[],\"annotations\":{\"list\":[]}"));
    json_write_key(json, STR("tags"));
    json_write_array_begin(json);
    json_write_str(json, catalog->name);
    json_write_array_end(json);
    write_templating(&board, catalog);
    json_write_key(json, STR("panels"));
    json_write_array_begin(json);
    buf_char(out, '\n');
    write_panels(&board, catalog);
    json_write_array_end(json);
    json_write_object_end(json);
    buf_char(out, '\n');
    arena_done(&board.arena);
}
