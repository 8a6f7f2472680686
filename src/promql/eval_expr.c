#include <math.h>

#include "promql/engine_priv.h"

/* A quarter of a millisecond, or some more where the memory is new. */
enum { STEPS_PER_TICK = 1 << 16 };

/* Label sets are made without asking first; this is where they are held against the limit. */
static int check_memory(const struct eval *ev, struct baro_error *err)
{
    size_t limit = ev->options->memory_bytes_max;

    if (limit != 0 && (ev->keep->used_bytes > limit || ev->scratch->used_bytes > limit)) {
        return error_set(err, BARO_ELIMIT, "query needs more than %zu bytes in query execution",
                         limit);
    }
    return 0;
}

int eval_tick_slow(struct eval *ev, struct baro_error *err)
{
    int r;

    ev->work = 0;
    r = cancel_check(&ev->cancel, NULL);
    if (r == BARO_ETIMEOUT) {
        return error_set(err, r, "query timed out in expression evaluation");
    }
    if (r < 0) {
        return error_set(err, r, "query was canceled in expression evaluation");
    }
    return check_memory(ev, err);
}

int eval_fill(struct eval *ev, double *to, double v, size_t steps, struct baro_error *err)
{
    int r = 0;

    for (size_t from = 0; from < steps && r >= 0; from += STEPS_PER_TICK) {
        size_t end = steps - from < STEPS_PER_TICK ? steps : from + STEPS_PER_TICK;

        for (size_t i = from; i < end; i++) {
            to[i] = v;
        }
        r = eval_tick(ev, (end - from) / 4, err);
    }
    return r;
}

int eval_copy(struct eval *ev, double *to, const double *from, size_t steps, struct baro_error *err)
{
    int r = 0;

    for (size_t at = 0; at < steps && r >= 0; at += STEPS_PER_TICK) {
        size_t count = steps - at < STEPS_PER_TICK ? steps - at : STEPS_PER_TICK;

        memcpy(to + at, from + at, count * sizeof(*to));
        r = eval_tick(ev, count / 4, err);
    }
    return r;
}

void *eval_alloc(struct eval *ev, size_t count, size_t size, struct baro_error *err)
{
    size_t bytes = 0;
    void *memory = size_mul(count, size, &bytes) && bytes < SIZE_MAX / 2
                       ? arena_try(ev->scratch, bytes + 1)
                       : NULL;

    if (memory == NULL) {
        (void)error_set(err, BARO_ELIMIT, "query needs more than %zu bytes in query execution",
                        ev->options->memory_bytes_max);
    }
    return memory;
}

int eval_error_memory(struct baro_error *err)
{
    return error_set(err, BARO_ELIMIT, "query needs too much memory in query execution");
}

const struct histogram **eval_histograms(struct eval *ev, size_t steps, struct baro_error *err)
{
    const struct histogram **h = eval_alloc(ev, steps + 1, sizeof(*h), err);

    if (h != NULL) {
        memset(h, 0, (steps + 1) * sizeof(*h));
    }
    return h;
}

int eval_error_samples(struct baro_error *err)
{
    return error_set(err, BARO_ELIMIT,
                     "query processing would load too many samples into memory in query execution");
}

double *eval_points(struct eval *ev, size_t steps, struct baro_error *err)
{
    ev->held += steps;
    if (ev->held > ev->stats.samples_peak) {
        ev->stats.samples_peak = ev->held;
    }
    if (ev->held > ev->options->samples_max && ev->options->samples_max != 0) {
        (void)eval_error_samples(err);
        return NULL;
    }
    return eval_alloc(ev, steps + 1, sizeof(double), err);
}

struct row *eval_rows(struct eval *ev, size_t count, struct baro_error *err)
{
    return eval_alloc(ev, count + 1, sizeof(struct row), err);
}

/* ---- collecting rows ---- */

static int collect(void *context, const struct row *row, struct baro_error *err)
{
    struct row_collector *collector = context;
    double *v = eval_points(collector->ev, collector->steps, err);
    const struct histogram **h = NULL;
    int r;

    if (row->h != NULL) {
        h = eval_histograms(collector->ev, collector->steps, err);
    }
    if (v == NULL || (row->h != NULL && h == NULL)) {
        return BARO_ELIMIT;
    }
    r = eval_copy(collector->ev, v, row->v, collector->steps, err);
    if (r < 0) {
        return r;
    }
    if (h != NULL) {
        memcpy(h, row->h, collector->steps * sizeof(*h));
    }
    if (collector->count == collector->capacity) {
        size_t capacity = collector->capacity == 0 ? 64 : collector->capacity * 2;
        struct row *rows = eval_rows(collector->ev, capacity, err);

        if (rows == NULL) {
            return BARO_ELIMIT;
        }
        if (collector->count > 0) {
            memcpy(rows, collector->rows, collector->count * sizeof(*rows));
        }
        collector->rows = rows;
        collector->capacity = capacity;
    }
    collector->rows[collector->count++] =
        (struct row){.labels = row->labels, .v = v, .h = h, .drop_name = row->drop_name};
    return 0;
}

void row_collector_init(struct row_collector *collector, struct eval *ev, size_t steps)
{
    *collector = (struct row_collector){.ev = ev, .steps = steps};
    collector->sink = (struct row_sink){.row = collect, .context = collector};
}

/* ---- nodes ---- */

static int eval_number(struct eval *ev, const struct timeline *line, double number,
                       struct value *ret, struct baro_error *err)
{
    double *v = eval_points(ev, line->steps, err);

    if (v == NULL) {
        return BARO_ELIMIT;
    }
    *ret = (struct value){.type = VALUE_SCALAR, .scalar = v};
    return eval_fill(ev, v, number, line->steps, err);
}

static int negate_histograms(struct eval *ev, struct row *row, size_t steps, struct baro_error *err)
{
    for (size_t i = 0; row->h != NULL && i < steps; i++) {
        struct histogram *negative;

        if (row->h[i] == NULL) {
            continue;
        }
        negative = histogram_copy(ev->scratch, row->h[i]);
        if (negative == NULL) {
            return eval_error_memory(err);
        }
        histogram_mul(negative, -1);
        row->h[i] = negative;
    }
    return 0;
}

static int eval_unary(struct eval *ev, const struct timeline *line, const struct expr *expr,
                      struct value *ret, struct baro_error *err)
{
    int r = eval_expr(ev, line, expr->unary.expr, ret, err);

    if (r < 0 || !expr->unary.negative) {
        return r;
    }
    if (ret->type == VALUE_SCALAR) {
        for (size_t i = 0; i < line->steps; i++) {
            ret->scalar[i] = -ret->scalar[i];
        }
        return 0;
    }
    for (size_t s = 0; s < ret->count; s++) {
        double *v = ret->rows[s].v;

        for (size_t i = 0; i < line->steps; i++) {
            v[i] = value_is_absent(v[i]) ? v[i] : -v[i];
        }
        r = negate_histograms(ev, &ret->rows[s], line->steps, err);
        if (r < 0) {
            return r;
        }
    }
    return value_drop_names(ev, line, ret, err);
}

static int spread(struct eval *ev, size_t steps, double **v, struct baro_error *err)
{
    double *all = eval_points(ev, steps, err);
    double first;

    if (all == NULL) {
        return BARO_ELIMIT;
    }
    first = (*v)[0];
    *v = all;
    return eval_fill(ev, all, first, steps, err);
}

static int spread_row(struct eval *ev, size_t steps, struct row *row, struct baro_error *err)
{
    const struct histogram *h = row->h != NULL ? row->h[0] : NULL;

    if (h != NULL) {
        row->h = eval_histograms(ev, steps, err);
        if (row->h == NULL) {
            return BARO_ELIMIT;
        }
        for (size_t i = 0; i < steps; i++) {
            row->h[i] = h;
        }
    } else {
        row->h = NULL;
    }
    return spread(ev, steps, &row->v, err);
}

/* What is the same at every step is evaluated at the first one and repeated. */
static int eval_invariant(struct eval *ev, const struct timeline *line, const struct expr *expr,
                          struct value *ret, struct baro_error *err)
{
    struct timeline once = {.start = line->start, .step = line->step, .steps = 1};
    uint64_t *per_step = ev->samples_per_step;
    uint64_t samples_read = ev->stats.samples_read;
    int r;

    if (line->steps <= 1) {
        return eval_expr(ev, line, expr->paren.expr, ret, err);
    }
    ev->samples_per_step = NULL;
    r = eval_expr(ev, &once, expr->paren.expr, ret, err);
    ev->samples_per_step = per_step;
    samples_read = ev->stats.samples_read - samples_read;
    ev->stats.samples_read += samples_read * (line->steps - 1);
    for (size_t i = 0; per_step != NULL && i < line->steps; i++) {
        per_step[i] += samples_read;
    }
    if (r >= 0 && ret->type == VALUE_SCALAR) {
        r = spread(ev, line->steps, &ret->scalar, err);
    }
    for (size_t i = 0; r >= 0 && ret->type == VALUE_VECTOR && i < ret->count; i++) {
        r = spread_row(ev, line->steps, &ret->rows[i], err);
        r = r < 0 ? r : eval_tick(ev, line->steps, err);
    }
    return r;
}

static int each(struct eval *ev, const struct timeline *line, const struct expr *expr,
                struct row_sink *sink, struct baro_error *err);

/* Whether eval_each can produce the rows without collecting them first. */
static bool is_streamed(const struct expr *expr)
{
    return expr->kind == EXPR_VECTOR_SELECTOR ||
           (expr->kind == EXPR_CALL && kernel_get(expr->call.function->id) != NULL);
}

static int eval_streamed(struct eval *ev, const struct timeline *line, const struct expr *expr,
                         struct value *ret, struct baro_error *err)
{
    struct row_collector collector;
    int r;

    row_collector_init(&collector, ev, line->steps);
    r = each(ev, line, expr, &collector.sink, err);
    if (r >= 0) {
        *ret =
            (struct value){.type = VALUE_VECTOR, .rows = collector.rows, .count = collector.count};
    }
    return r;
}

static int eval_node(struct eval *ev, const struct timeline *line, const struct expr *expr,
                     struct value *ret, struct baro_error *err)
{
    if (is_streamed(expr)) {
        return eval_streamed(ev, line, expr, ret, err);
    }
    switch (expr->kind) {
    case EXPR_NUMBER:
        return eval_number(ev, line, expr->number.value, ret, err);
    case EXPR_STRING:
        *ret = (struct value){.type = VALUE_STRING, .string = expr->string.value};
        return 0;
    case EXPR_CALL:
        return fn_call(ev, line, expr, ret, err);
    case EXPR_AGGREGATE:
        return expr->shared != NULL ? eval_shared(ev, line, expr, ret, err)
                                    : aggregate_eval(ev, line, expr, ret, err);
    case EXPR_BINARY:
        return binary_eval(ev, line, expr, ret, err);
    case EXPR_UNARY:
        return eval_unary(ev, line, expr, ret, err);
    case EXPR_PAREN:
        return eval_expr(ev, line, expr->paren.expr, ret, err);
    case EXPR_STEP_INVARIANT:
        return eval_invariant(ev, line, expr, ret, err);
    case EXPR_VECTOR_SELECTOR:
    case EXPR_MATRIX_SELECTOR:
    case EXPR_SUBQUERY:
    case EXPR_DURATION:
        break;
    }
    return error_set(err, BARO_EEXEC, "a range vector cannot stand here");
}

int eval_expr(struct eval *ev, const struct timeline *line, const struct expr *expr,
              struct value *ret, struct baro_error *err)
{
    size_t held = ev->held;
    struct explain_mark mark = {0};
    int r = eval_tick(ev, 100, err);

    if (UNLIKELY(expr->explain != NULL)) {
        mark = explain_begin(ev, expr);
    }
    *ret = (struct value){.type = expr->type};
    r = r < 0 ? r : eval_node(ev, line, expr, ret, err);
    if (UNLIKELY(mark.node != NULL)) {
        explain_end(ev, &mark, ret->count, ret->count * line->steps);
    }
    ev->held = held + (ret->scalar != NULL ? line->steps : 0) + ret->count * line->steps;
    return r;
}

int eval_scalar(struct eval *ev, const struct timeline *line, const struct expr *expr, double **ret,
                struct baro_error *err)
{
    struct value value = {0};
    int r = eval_expr(ev, line, expr, &value, err);

    if (r >= 0) {
        *ret = value.scalar;
    }
    return r;
}

static int each(struct eval *ev, const struct timeline *line, const struct expr *expr,
                struct row_sink *sink, struct baro_error *err)
{
    struct value value = {0};
    int r;

    if (expr->kind == EXPR_VECTOR_SELECTOR) {
        return line->steps == 0 ? 0
                                : eval_vector_selector(ev, line, expr, SELECT_VALUES, sink, err);
    }
    if (is_streamed(expr)) {
        return line->steps == 0 ? 0 : eval_range_function(ev, line, expr, sink, err);
    }
    r = eval_expr(ev, line, expr, &value, err);
    for (size_t i = 0; r >= 0 && i < value.count; i++) {
        r = sink->row(sink->context, &value.rows[i], err);
        r = r < 0 ? r : eval_tick(ev, line->steps, err);
    }
    return r;
}

/* Counts what goes by, when the query is explained. */
struct counting_sink {
    struct row_sink sink;
    struct row_sink *inner;
    uint64_t rows;
};

static int count_row(void *context, const struct row *row, struct baro_error *err)
{
    struct counting_sink *counting = context;

    counting->rows++;
    return counting->inner->row(counting->inner->context, row, err);
}

int eval_each(struct eval *ev, const struct timeline *line, const struct expr *expr,
              struct row_sink *sink, struct baro_error *err)
{
    struct counting_sink counting = {.inner = sink};
    struct explain_mark mark;
    int r;

    while (expr->kind == EXPR_PAREN) {
        expr = expr->paren.expr;
    }
    if (LIKELY(expr->explain == NULL) || !is_streamed(expr)) {
        return each(ev, line, expr, sink, err);
    }
    counting.sink = (struct row_sink){
        .row = count_row, .context = &counting, .no_labels = sink->no_labels, .by = sink->by};
    mark = explain_begin(ev, expr);
    r = each(ev, line, expr, &counting.sink, err);
    explain_end(ev, &mark, counting.rows, counting.rows * line->steps);
    return r;
}
