#include "api/api_priv.h"
#include "promql/ast_json.h"

/* A query on an event thread that turns out not to be short begins anew on the query pool. */
enum { BRIEF_MS = 5 };

enum {
    RANGE_POINTS_MAX = 11000,
    POINTS_PER_RESERVE = 256,
    MANY_POINTS = 1000,
    SHORT_POINT_BYTES = 64
};

/* ---- results ---- */

/*
 * The hot loop of a matrix answer. Room is reserved for a run of points of ordinary size; a number
 * may be as long as NUM_TEXT_MAX, so the run ends early when the room gets short.
 */
static void write_points(struct json_writer *json, struct json_times *times,
                         const struct point *points, size_t count)
{
    struct buf *buf = json->buf;
    size_t at = 0;

    json_write_array_begin(json);
    while (at < count) {
        size_t run = count - at < POINTS_PER_RESERVE ? count - at : POINTS_PER_RESERVE;
        size_t room = run * SHORT_POINT_BYTES + JSON_WRITE_POINT_MAX;
        char *begin = buf_reserve(buf, room);
        char *to = begin;

        if (begin == NULL) {
            return;
        }
        while (run > 0 && (size_t)(to - begin) + JSON_WRITE_POINT_MAX < room) {
            if (at > 0) {
                *to++ = ',';
            }
            to = times != NULL ? json_write_point_again(to, times, points[at].t, points[at].v)
                               : json_write_point_at(to, points[at].t, points[at].v);
            at++;
            run--;
        }
        buf->len += (size_t)(to - begin);
    }
    json_write_array_end(json);
}

/* A series that has histograms: floats and histograms stand in two lists, and what is empty is left
 * out. The points are moved apart for that. */
static void write_mixed_points(struct json_writer *json, struct point *points, size_t count)
{
    size_t floats = 0;
    size_t histograms = 0;
    struct point *apart = mem_alloc(count * sizeof(*apart));

    for (size_t i = 0; i < count; i++) {
        if (points[i].h != NULL) {
            apart[histograms++] = points[i];
        } else {
            points[floats++] = points[i];
        }
    }
    if (floats > 0) {
        json_write_key(json, STR("values"));
        write_points(json, NULL, points, floats);
    }
    json_write_key(json, STR("histograms"));
    json_write_array_begin(json);
    for (size_t i = 0; i < histograms; i++) {
        api_write_histogram_point(json, apart[i].t, apart[i].h);
    }
    json_write_array_end(json);
    mem_free(apart);
}

static bool has_histograms(const struct result_series *series)
{
    for (size_t i = 0; i < series->count; i++) {
        if (series->points[i].h != NULL) {
            return true;
        }
    }
    return false;
}

static void write_samples(struct json_writer *json, struct json_times *times,
                          const struct query_result *result, const struct result_series *series)
{
    if (result->type == VALUE_MATRIX && has_histograms(series)) {
        write_mixed_points(json, series->points, series->count);
    } else if (result->type == VALUE_MATRIX) {
        json_write_key(json, STR("values"));
        write_points(json, times, series->points, series->count);
    } else if (series->points[0].h != NULL) {
        json_write_key(json, STR("histogram"));
        api_write_histogram_point(json, series->points[0].t, series->points[0].h);
    } else {
        json_write_key(json, STR("value"));
        json_write_point(json, series->points[0].t, series->points[0].v);
    }
}

/* A range query of several series asks for the same times for each of them. */
static bool has_same_times(const struct query_result *result, size_t count)
{
    return result->type == VALUE_MATRIX && count > 1 &&
           result->series[0].count * count > MANY_POINTS;
}

static void write_series(struct json_writer *json, const struct query_result *result, size_t count)
{
    struct json_times *times =
        has_same_times(result, count) ? mem_alloc_zero(sizeof(*times)) : NULL;
    json_write_array_begin(json);
    for (size_t i = 0; i < count; i++) {
        const struct result_series *series = &result->series[i];

        json_write_object_begin(json);
        json_write_key(json, STR("metric"));
        api_write_labels(json, series->metric);
        write_samples(json, times, result, series);
        json_write_object_end(json);
    }
    json_write_array_end(json);
    (void)mem_free(times);
}

/* Scalars and strings go through Go's plain encoder there: the time is a JSON number, and the value
 * never has an exponent. */
static void write_alone(struct json_writer *json, const struct query_result *result)
{
    char text[NUM_TEXT_MAX];

    json_write_array_begin(json);
    json_write_number(json, (double)result->t / 1000);
    if (result->type == VALUE_STRING) {
        json_write_str(json, result->string);
    } else {
        json_write_str(json, str_of(text, num_format_double(result->scalar, NUM_F, text)));
    }
    json_write_array_end(json);
}

static void write_value(struct json_writer *json, const struct query_result *result, size_t count)
{
    switch (result->type) {
    case VALUE_SCALAR:
    case VALUE_STRING:
        write_alone(json, result);
        break;
    case VALUE_NONE:
    case VALUE_VECTOR:
    case VALUE_MATRIX:
        write_series(json, result, count);
        break;
    }
}

static double seconds(mono ns)
{
    return (double)ns / (double)MONO_PER_SECOND;
}

/* Sorting and queueing are not measured apart. */
static void write_steps(struct json_writer *json, const struct query_stats *stats,
                        const struct query *query)
{
    json_write_key(json, STR("totalQueryableSamplesPerStep"));
    json_write_array_begin(json);
    for (size_t i = 0; i < stats->steps; i++) {
        json_write_array_begin(json);
        json_write_timestamp(json, query->start + (ts)i * query->step);
        json_write_u64(json, stats->samples_per_step[i]);
        json_write_array_end(json);
    }
    json_write_array_end(json);
}

void api_write_stats(struct json_writer *json, const struct query_stats *stats,
                     const struct query *query)
{
    double all = seconds(stats->prepare_ns + stats->eval_ns);

    json_write_key(json, STR("stats"));
    json_write_object_begin(json);
    json_write_key(json, STR("timings"));
    json_write_object_begin(json);
    json_write_pair_number(json, STR("evalTotalTime"), all);
    json_write_pair_number(json, STR("resultSortTime"), 0);
    json_write_pair_number(json, STR("queryPreparationTime"), seconds(stats->prepare_ns));
    json_write_pair_number(json, STR("innerEvalTime"), seconds(stats->eval_ns));
    json_write_pair_number(json, STR("execQueueTime"), 0);
    json_write_pair_number(json, STR("execTotalTime"), all);
    json_write_object_end(json);
    json_write_key(json, STR("samples"));
    json_write_object_begin(json);
    if (query != NULL && stats->samples_per_step != NULL) {
        write_steps(json, stats, query);
    }
    json_write_pair_u64(json, STR("totalQueryableSamples"), stats->samples_read);
    json_write_pair_u64(json, STR("peakSamples"), stats->samples_peak);
    json_write_object_end(json);
    json_write_object_end(json);
}

/* Annotations die with the result: they are copied into the arena of the request. */
static void keep_annotations(struct api_call *call, const struct annotations *from)
{
    for (size_t i = 0; i < from->warning_count; i++) {
        api_warn(call, arena_str(call->arena, from->warnings[i]));
    }
    for (size_t i = 0; i < from->info_count; i++) {
        vec_push(&call->infos, arena_str(call->arena, from->infos[i]));
    }
}

static void write_result(struct api_call *call, const struct query *query,
                         const struct query_result *result, size_t limit)
{
    struct json_writer *json = &call->json;
    size_t count = result->series_count;
    str stats = form_get(&call->form, STR("stats"));

    if (limit > 0 && count > limit) {
        count = limit;
        api_warn(call, STR("results truncated due to limit"));
    }
    json_write_object_begin(json);
    json_write_pair_str(json, STR("resultType"), str_from(value_type_name(result->type)));
    json_write_key(json, STR("result"));
    write_value(json, result, count);
    if (stats.len > 0) {
        api_write_stats(json, &result->stats, query);
        if (!str_is(stats, "true") && !str_is(stats, "all")) {
            api_warn(call, arena_printf(call->arena,
                                        "value \"%.*s\" for parameter \"stats\" is deprecated and "
                                        "will be rejected in the next major release, use \"true\" "
                                        "or \"all\"",
                                        STR_ARG(stats)));
        }
    }
    if (result->explain != NULL) {
        json_write_key(json, STR("explain"));
        api_write_explain(json, result->explain);
    }
    json_write_object_end(json);
    keep_annotations(call, &result->annotations);
}

/* ---- running ---- */

static int timeout_param(struct api_call *call, struct engine_options *options)
{
    str text = form_get(&call->form, STR("timeout"));
    dur timeout = 0;
    int r;

    if (text.len == 0) {
        return 0;
    }
    r = api_duration_param(call, "timeout", &timeout);
    if (r >= 0 && (options->timeout == 0 || timeout < options->timeout)) {
        options->timeout = timeout > 0 ? timeout : 1; /* 0 would be none */
    }
    return r;
}

static int lookback_param(struct api_call *call, dur *ret)
{
    str text = form_get(&call->form, STR("lookback_delta"));
    struct baro_error err = {0};

    if (text.len > 0 && api_parse_duration(text, ret, &err) < 0) {
        return api_fail(call, API_BAD_DATA, "error parsing lookback delta duration: %s",
                        err.message);
    }
    return 0;
}

/* A request may lower a limit of the engine, never raise it. */
static int lower_limit(struct api_call *call, const char *name, size_t *limit)
{
    str text = form_get(&call->form, str_from(name));
    uint64_t wanted = 0;

    if (text.len == 0) {
        return 0;
    }
    if (!num_parse_u64(text, &wanted) || wanted == 0) {
        return api_fail(call, API_BAD_DATA,
                        "invalid parameter \"%s\": \"%.*s\" is no positive number", name,
                        STR_ARG(text));
    }
    if (*limit == 0 || wanted < *limit) {
        *limit = (size_t)wanted;
    }
    return 0;
}

static int read_options(struct api_call *call, struct engine_options *options, struct query *query)
{
    str explain = form_get(&call->form, STR("explain"));
    int r;

    call->context->engine(call->context->app, options);
    r = timeout_param(call, options);
    if (call->request->brief && (options->timeout == 0 || options->timeout > BRIEF_MS)) {
        options->timeout = BRIEF_MS;
    }
    r = r < 0 ? r : lookback_param(call, &query->lookback);
    r = r < 0 ? r : lower_limit(call, "max_samples", &options->samples_max);
    r = r < 0 ? r : lower_limit(call, "max_bytes", &options->memory_bytes_max);
    query->explain = str_is(explain, "true") || str_is(explain, "1");
    query->per_step_stats =
        options->per_step_stats && str_is(form_get(&call->form, STR("stats")), "all");
    return r;
}

static int run_listed(struct api_call *call, const struct engine_options *options,
                      struct query *query, struct query_result *ret, struct baro_error *err)
{
    struct running_query running = {.text = query->text,
                                    .kind = query->step == 0 ? "instant" : "range",
                                    .client = call->request->client,
                                    .begun = clock_now(call->context->clock)};
    int r;

    query_registry_begin(call->api->queries, &running);
    query->kill = &running.killed;
    r = engine_run(options, call->queryable, query, ret, err);
    query_registry_end(call->api->queries, &running);
    query->kill = NULL;
    if (r == BARO_ETIMEOUT && call->request->brief) {
        call->response->again = true;
        return r;
    }
    api_log_query(call, query, &ret->stats, r < 0 ? err : NULL);
    return r;
}

static int run(struct api_call *call, struct query *query, size_t limit)
{
    struct engine_options options = {0};
    struct query_result result = {0};
    struct baro_error err = {0};
    int r = read_options(call, &options, query);

    if (r < 0) {
        return r;
    }
    query->text = form_get(&call->form, STR("query"));
    query->text = query->text.ptr != NULL ? query->text : STR("");
    query->cancel = call->request->cancel;
    r = run_listed(call, &options, query, &result, &err);
    if (r < 0) {
        return err.code == BARO_EPARSE || err.code == BARO_EINVALID
                   ? api_fail(call, API_BAD_DATA, "invalid parameter \"query\": %s", err.message)
                   : api_fail_query(call, &err);
    }
    write_result(call, query, &result, limit);
    query_result_done(&result);
    return 0;
}

int api_query(struct api_call *call)
{
    struct query query = {0};
    size_t limit = 0;
    int r = api_limit_param(call, &limit);

    r = r < 0 ? r : api_time_param(call, "time", clock_now(call->context->clock), &query.start);
    if (r < 0) {
        return r;
    }
    query.end = query.start;
    return run(call, &query, limit);
}

/* start and end have no default here, and Prometheus words their faults without a wrapper. */
static int range_time(struct api_call *call, const char *name, ts *ret)
{
    str text = form_get(&call->form, str_from(name));

    if (text.ptr == NULL || !api_parse_time(text, ret)) {
        return api_fail(call, API_BAD_DATA,
                        "invalid parameter \"%s\": cannot parse \"%.*s\" to a valid timestamp",
                        name, STR_ARG(text));
    }
    return 0;
}

static int range_step(struct api_call *call, const struct query *query, dur *ret)
{
    int r = api_duration_param(call, "step", ret);

    if (r < 0) {
        return r;
    }
    if (*ret <= 0) {
        return api_fail(call, API_BAD_DATA,
                        "invalid parameter \"step\": zero or negative query resolution step "
                        "widths are not accepted. Try a positive integer");
    }
    if (((uint64_t)query->end - (uint64_t)query->start) / (uint64_t)*ret > RANGE_POINTS_MAX) {
        return api_fail(call, API_BAD_DATA,
                        "exceeded maximum resolution of 11,000 points per timeseries. Try "
                        "decreasing the query resolution (?step=XX)");
    }
    return 0;
}

int api_query_range(struct api_call *call)
{
    struct query query = {0};
    size_t limit = 0;
    int r = api_limit_param(call, &limit);

    r = r < 0 ? r : range_time(call, "start", &query.start);
    r = r < 0 ? r : range_time(call, "end", &query.end);
    if (r >= 0 && query.end < query.start) {
        r = api_fail(call, API_BAD_DATA,
                     "invalid parameter \"end\": end timestamp must not be before start time");
    }
    r = r < 0 ? r : range_step(call, &query, &query.step);
    return r < 0 ? r : run(call, &query, limit);
}

/* ---- expressions without evaluation ---- */

static int parse(struct api_call *call, struct expr **ret)
{
    struct engine_options options = {0};
    struct baro_error err = {0};
    str text = form_get(&call->form, STR("query"));
    int r;

    call->context->engine(call->context->app, &options);
    r = promql_parse(call->arena, text.ptr != NULL ? text : STR(""), &options.features, ret, &err);
    r = promql_error_prefix(r, &err);
    return r < 0 ? api_fail(call, API_BAD_DATA, "invalid parameter \"query\": %s", err.message) : 0;
}

int api_format_query(struct api_call *call)
{
    struct expr *expr = NULL;
    struct buf text = {0};
    int r = parse(call, &expr);

    if (r < 0) {
        return r;
    }
    promql_pretty(&text, expr);
    json_write_str(&call->json, buf_view(&text));
    call->json.buf->failed |= text.failed;
    buf_done(&text);
    promql_expr_done(expr);
    return 0;
}

int api_parse_query(struct api_call *call)
{
    struct expr *expr = NULL;
    int r = parse(call, &expr);

    if (r < 0) {
        return r;
    }
    json_write_raw(&call->json, STR(""));
    promql_ast_json(call->json.buf, expr);
    promql_expr_done(expr);
    return 0;
}

/* ---- exemplars ---- */

struct exemplar_walk {
    struct api_call *call;
    ts start;
    ts end;
    int result;
};

static void write_exemplars(struct json_writer *json, const struct tsdb_exemplar *items,
                            size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool is_first = i == 0 || !labels_eq(items[i].series, items[i - 1].series);
        bool is_last = i + 1 == count || !labels_eq(items[i].series, items[i + 1].series);

        if (is_first) {
            json_write_object_begin(json);
            json_write_key(json, STR("seriesLabels"));
            api_write_labels(json, items[i].series);
            json_write_key(json, STR("exemplars"));
            json_write_array_begin(json);
        }
        json_write_object_begin(json);
        json_write_key(json, STR("labels"));
        api_write_labels(json, items[i].exemplar.labels);
        json_write_key(json, STR("value"));
        json_write_value(json, items[i].exemplar.value);
        json_write_key(json, STR("timestamp"));
        json_write_timestamp(json, items[i].exemplar.t);
        json_write_object_end(json);
        if (is_last) {
            json_write_array_end(json);
            json_write_object_end(json);
        }
    }
}

static bool visit_selector(struct expr *node, void *context)
{
    struct exemplar_walk *walk = context;
    const struct api_context *api = walk->call->context;
    struct tsdb_exemplar *items = NULL;
    struct baro_error err = {0};
    size_t count = 0;

    if (node->kind != EXPR_VECTOR_SELECTOR || api->sources.exemplars == NULL) {
        return true;
    }
    walk->result =
        api->sources.exemplars(api->app, walk->call->arena,
                               (struct matchers){node->vector.matchers, node->vector.matcher_count},
                               walk->start, walk->end, &items, &count, &err);
    if (walk->result < 0) {
        (void)api_fail_query(walk->call, &err);
        return false;
    }
    write_exemplars(&walk->call->json, items, count);
    return true;
}

int api_query_exemplars(struct api_call *call)
{
    struct exemplar_walk walk = {.call = call};
    struct expr *expr = NULL;
    int r = api_range_params(call, &walk.start, &walk.end);

    if (r >= 0 && walk.end < walk.start) {
        r = api_fail(call, API_BAD_DATA, "end timestamp must not be before start timestamp");
    }
    r = r < 0 ? r : parse(call, &expr);
    if (r < 0) {
        return r;
    }
    json_write_array_begin(&call->json);
    (void)promql_expr_walk(expr, visit_selector, &walk);
    json_write_array_end(&call->json);
    promql_expr_done(expr);
    return walk.result < 0 ? walk.result : 0;
}
