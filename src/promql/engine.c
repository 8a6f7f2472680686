#include <stdlib.h>

#include "client/self_recent.h"
#include "promql/engine_priv.h"
#include "sys/clock.h"

/* ---- results ---- */

static int limit_error(struct baro_error *err)
{
    return error_set(err, BARO_ELIMIT, "query needs too much memory in query execution");
}

/* Rows become series of the result as they come; the list of series grows in scratch memory. */
struct result_sink {
    struct row_sink sink;
    struct eval *ev;
    struct query_result *result;
    const struct timeline *line;
    struct result_series *series;
    size_t count;
    size_t capacity;
};

static size_t count_points(const struct row *row, size_t steps)
{
    size_t count = 0;

    if (row->is_whole) {
        return steps;
    }
    for (size_t i = 0; i < steps; i++) {
        count += !value_is_absent(row->v[i]);
    }
    for (size_t i = 0; row->h != NULL && i < steps; i++) {
        count += row->h[i] != NULL;
    }
    return count;
}

static int put_point(struct result_sink *sink, const struct row *row, size_t step,
                     struct point *ret, struct baro_error *err)
{
    *ret = (struct point){.t = timeline_at(sink->line, step), .v = row->v[step]};
    if (row->h != NULL && row->h[step] != NULL) {
        ret->v = row->h[step]->sum;
        ret->h = histogram_copy(&sink->result->arena, row->h[step]);
        return ret->h == NULL ? limit_error(err) : 0;
    }
    return 0;
}

static int make_room(struct result_sink *sink, size_t points, struct baro_error *err)
{
    struct eval *ev = sink->ev;

    ev->held += points;
    if (ev->held > ev->stats.samples_peak) {
        ev->stats.samples_peak = ev->held;
    }
    if (ev->held > ev->options->samples_max && ev->options->samples_max != 0) {
        return eval_error_samples(err);
    }
    if (sink->count == sink->capacity) {
        size_t capacity = sink->capacity == 0 ? 64 : sink->capacity * 2;
        struct result_series *series = eval_alloc(ev, capacity, sizeof(*series), err);

        if (series == NULL) {
            return BARO_ELIMIT;
        }
        if (sink->count > 0) {
            memcpy(series, sink->series, sink->count * sizeof(*series));
        }
        sink->series = series;
        sink->capacity = capacity;
    }
    return 0;
}

static int result_row(void *context, const struct row *row, struct baro_error *err)
{
    struct result_sink *sink = context;
    size_t steps = sink->line->steps;
    size_t count = count_points(row, steps);
    struct point *points;
    size_t next = 0;
    int r = count == 0 ? 0 : make_room(sink, count, err);

    if (count == 0 || r < 0) {
        return r;
    }
    points = arena_try(&sink->result->arena, count * sizeof(*points));
    if (points == NULL) {
        return limit_error(err);
    }
    for (size_t i = 0; i < steps; i++) {
        if (row_has(row, i)) {
            r = put_point(sink, row, i, &points[next++], err);
            if (r < 0) {
                return r;
            }
        }
    }
    sink->series[sink->count++] =
        (struct result_series){.metric = row->labels, .points = points, .count = count};
    return eval_tick(sink->ev, steps, err);
}

static void result_sink_init(struct result_sink *sink, struct eval *ev, struct query_result *result,
                             const struct timeline *line)
{
    *sink = (struct result_sink){.ev = ev, .result = result, .line = line};
    sink->sink = (struct row_sink){.row = result_row, .context = sink};
}

static int result_sink_finish(struct result_sink *sink, struct baro_error *err)
{
    struct query_result *result = sink->result;

    result->series = arena_try(&result->arena, (sink->count + 1) * sizeof(*result->series));
    if (result->series == NULL) {
        return limit_error(err);
    }
    if (sink->count > 0) {
        memcpy(result->series, sink->series, sink->count * sizeof(*result->series));
    }
    result->series_count = sink->count;
    return 0;
}

static bool series_before(UNUSED void *context, const void *a, const void *b)
{
    return labels_cmp(((const struct result_series *)a)->metric,
                      ((const struct result_series *)b)->metric) < 0;
}

static int sort_result(struct eval *ev, struct query_result *ret, struct baro_error *err)
{
    static const struct eval_order order = {series_before, NULL};
    void *series = ret->series;
    int r = eval_tick_slow(ev, err);

    r = r < 0 ? r : eval_sort(ev, &series, ret->series_count, sizeof(*ret->series), &order, err);
    /* What is sorted may stand in scratch memory, which does not live as long as the result. */
    if (r >= 0 && series != ret->series) {
        memcpy(ret->series, series, ret->series_count * sizeof(*ret->series));
    }
    return r;
}

/* Removes the names whose removal was delayed. */
static int clean_names(struct eval *ev, const struct timeline *line, struct value *value,
                       struct baro_error *err)
{
    bool any = false;

    if (!ev->delayed_name_removal) {
        return 0;
    }
    for (size_t i = 0; i < value->count; i++) {
        if (value->rows[i].drop_name) {
            value->rows[i].labels = labels_drop_meta(ev->keep, value->rows[i].labels);
            any = true;
        }
    }
    return any ? value_merge(ev, line, value, err) : 0;
}

/* Names that are dropped late may make rows equal: all of them must be there first. */
static int evaluate_vector(struct eval *ev, const struct timeline *line, const struct expr *tree,
                           struct query_result *ret, struct baro_error *err)
{
    struct result_sink sink;
    struct value value = {0};
    int r;

    result_sink_init(&sink, ev, ret, line);
    if (!ev->delayed_name_removal) {
        r = eval_each(ev, line, tree, &sink.sink, err);
        return r < 0 ? r : result_sink_finish(&sink, err);
    }
    r = eval_expr(ev, line, tree, &value, err);
    r = r < 0 ? r : clean_names(ev, line, &value, err);
    for (size_t i = 0; r >= 0 && i < value.count; i++) {
        r = result_row(&sink, &value.rows[i], err);
    }
    return r < 0 ? r : result_sink_finish(&sink, err);
}

/* The scalars of a range query are a series without labels. */
static int evaluate_scalar(struct eval *ev, const struct timeline *line, const struct expr *tree,
                           struct query_result *ret, struct baro_error *err)
{
    struct result_sink sink;
    struct row row = {0};
    int r = eval_scalar(ev, line, tree, &row.v, err);

    if (r >= 0 && ret->type == VALUE_SCALAR) {
        ret->scalar = row.v[0];
        return 0;
    }
    result_sink_init(&sink, ev, ret, line);
    r = r < 0 ? r : result_row(&sink, &row, err);
    return r < 0 ? r : result_sink_finish(&sink, err);
}

static int count_by_step(struct eval *ev, size_t steps, struct query_result *ret,
                         struct baro_error *err)
{
    if (!ev->query->per_step_stats) {
        return 0;
    }
    ev->samples_per_step = arena_try(&ret->arena, steps * sizeof(uint64_t));
    if (ev->samples_per_step == NULL) {
        return eval_error_memory(err);
    }
    memset(ev->samples_per_step, 0, steps * sizeof(uint64_t));
    ev->stats.samples_per_step = ev->samples_per_step;
    ev->stats.steps = steps;
    return 0;
}

static int evaluate_steps(struct eval *ev, const struct expr *tree, struct query_result *ret,
                          struct baro_error *err)
{
    const struct query *query = ev->query;
    bool instant = query->step == 0;
    struct timeline line = {.start = query->start, .step = instant ? 1 : query->step, .steps = 1};
    int r;

    if (!instant) {
        line.is_range = query->end != query->start;
        line.steps = (size_t)((query->end - query->start) / query->step) + 1;
    }
    ret->type = instant ? tree->type : VALUE_MATRIX;
    ret->t = query->start;
    if (tree->type == VALUE_STRING) {
        ret->string = arena_str(&ret->arena, expr_unwrap(tree)->string.value);
        return 0;
    }
    r = count_by_step(ev, line.steps, ret, err);
    if (r < 0) {
        return r;
    }
    r = tree->type == VALUE_SCALAR ? evaluate_scalar(ev, &line, tree, ret, err)
                                   : evaluate_vector(ev, &line, tree, ret, err);
    return r < 0 || instant ? r : sort_result(ev, ret, err);
}

static int evaluate(struct eval *ev, const struct expr *tree, struct query_result *ret,
                    struct baro_error *err)
{
    int r;

    if (tree->type != VALUE_MATRIX) {
        return evaluate_steps(ev, tree, ret, err);
    }
    ret->type = VALUE_MATRIX;
    ret->t = ev->query->start;
    r = count_by_step(ev, 1, ret, err);
    r = r < 0 ? r : eval_matrix(ev, ev->query->start, tree, ret, err);
    return r < 0 ? r : sort_result(ev, ret, err);
}

static void copy_list(struct arena *arena, const str *items, size_t count, str **ret,
                      size_t *ret_count)
{
    *ret = arena_alloc(arena, (count + 1) * sizeof(str));
    if (count > 0) {
        memcpy(*ret, items, count * sizeof(str));
    }
    *ret_count = count;
}

/* ---- running ---- */

static int check_query(const struct query *query, const struct expr *tree, struct baro_error *err)
{
    if (query->start < -ENGINE_TIME_MAX || query->end > ENGINE_TIME_MAX ||
        query->step > ENGINE_TIME_MAX) {
        return error_set(err, BARO_EINVALID, "the time of the query is out of range");
    }
    if (query->step == 0 && query->start == query->end) {
        return 0;
    }
    if (query->step <= 0 || query->end < query->start) {
        return error_set(err, BARO_EINVALID,
                         "a range query needs a positive step and start <= end");
    }
    if (tree->type != VALUE_VECTOR && tree->type != VALUE_SCALAR) {
        return error_set(err, BARO_EPARSE,
                         "invalid expression type \"%s\" for range query, must be Scalar or "
                         "instant Vector",
                         value_type_doc(tree->type));
    }
    return 0;
}

static int run_tree(struct eval *ev, struct queryable *queryable, struct expr **tree,
                    struct query_result *ret, struct baro_error *err)
{
    mono begin = clock_mono(clock_real());
    ts start = 0;
    ts end = 0;
    int r;

    engine_mark_shared(ev->keep, ev->query->text, *tree);
    if (ev->query->explain) {
        ret->explain = engine_explain(ev->keep, *tree);
    }
    r = engine_prepare(ev->keep, ev->query, tree, err);
    if (r < 0) {
        return r;
    }
    engine_time_range(*tree, ev->query, ev->lookback, &start, &end);
    r = queryable->querier(queryable, start, end, &ret->querier, err);
    if (r < 0) {
        return r;
    }
    ev->querier = ret->querier;
    ev->stats.prepare_ns = clock_mono(clock_real()) - begin;
    r = evaluate(ev, *tree, ret, err);
    for (size_t i = 0; querier_warning(ev->querier, i) != NULL; i++) {
        vec_push(&ev->annotations.warnings,
                 arena_str(ev->keep, str_from(querier_warning(ev->querier, i))));
    }
    if (querier_damage(ev->querier) > 0) {
        vec_push(&ev->annotations.warnings,
                 arena_printf(ev->keep,
                              "storage: %llu damaged series or chunks were left out: see the log, "
                              "and run tsdb verify",
                              (unsigned long long)querier_damage(ev->querier)));
    }
    ev->stats.eval_ns = clock_mono(clock_real()) - begin - ev->stats.prepare_ns;
    return r;
}

static void note_times(const struct query_stats *stats)
{
    mono now = clock_mono(clock_real());

    self_recent_add(SELF_RECENT_QUERY_PREPARE_TIME, (double)stats->prepare_ns / MONO_PER_SECOND,
                    now);
    self_recent_add(SELF_RECENT_QUERY_INNER_EVAL, (double)stats->eval_ns / MONO_PER_SECOND, now);
}

static int run_parsed(const struct engine_options *options, struct queryable *queryable,
                      const struct query *query, struct expr **tree, struct query_result *ret,
                      struct baro_error *err)
{
    struct arena scratch;
    struct eval ev = {.options = options,
                      .query = query,
                      .keep = &ret->arena,
                      .scratch = &scratch,
                      .cancel = {.flag = query->cancel, .kill = query->kill},
                      .lookback = query->lookback != 0 ? query->lookback : options->lookback,
                      .delayed_name_removal = options->features.delayed_name_removal};
    int r;

    if (ev.lookback <= 0) {
        ev.lookback = 5 * (dur)DUR_MINUTE;
    }
    if (options->timeout > 0) {
        ev.cancel.deadline = clock_mono(clock_real()) + options->timeout * MONO_PER_MS;
    }
    arena_init(&scratch, options->memory_bytes_max);
    r = run_tree(&ev, queryable, tree, ret, err);
    copy_list(&ret->arena, ev.annotations.warnings.items, ev.annotations.warnings.count,
              &ret->annotations.warnings, &ret->annotations.warning_count);
    copy_list(&ret->arena, ev.annotations.infos.items, ev.annotations.infos.count,
              &ret->annotations.infos, &ret->annotations.info_count);
    ret->stats = ev.stats;
    note_times(&ev.stats);
    annotation_list_done(&ev.annotations);
    sample_buf_done(&ev.samples);
    arena_done(&scratch);
    return r;
}

int engine_run(const struct engine_options *options, struct queryable *queryable,
               const struct query *query, struct query_result *ret, struct baro_error *err)
{
    struct query_result result = {0};
    struct query kept = *query;
    struct expr *tree = NULL;
    int r;

    arena_init(&result.arena, options->memory_bytes_max);
    kept.text = arena_str(&result.arena, query->text);
    r = promql_parse(&result.arena, kept.text, &options->features, &tree, err);
    r = promql_error_prefix(r, err);
    if (r >= 0) {
        r = check_query(&kept, tree, err);
        r = r < 0 ? r : run_parsed(options, queryable, &kept, &tree, &result, err);
        promql_expr_done(tree);
    }
    if (r < 0) {
        query_result_done(&result);
        return r;
    }
    *ret = result;
    return 0;
}

void query_result_done(struct query_result *result)
{
    if (result->querier != NULL) {
        querier_close(result->querier);
    }
    arena_done(&result->arena);
    *result = (struct query_result){0};
}
