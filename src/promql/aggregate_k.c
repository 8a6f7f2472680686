/*
 * aggregate_k: the aggregations that need all series of a group at once: topk, bottomk, limitk,
 * limit_ratio, quantile and count_values. Which of equal values topk keeps, and in which order, is
 * what Prometheus's binary heap (Go's container/heap) makes of them.
 */
#include <math.h>

#include "base/num.h"
#include "base/text.h"
#include "promql/engine_priv.h"

/* A step of a heap is some ten comparisons of values all over memory. */
enum { HEAP_STEPS_PER_TICK = 256, HEAP_STEP_WORK = 30 };

struct choice_of_k {
    struct eval *ev;
    const struct timeline *line;
    const struct expr *expr;
    enum aggregate_op op;
    struct value input;
    uint32_t *group_of; /* per input row */
    size_t group_count;
    struct label_index index;
    double *param; /* per step */
    /* Rows of one group at one step, and their values. */
    uint32_t *heap;
    double *values;
    /* Input rows by group: members[starts[g] .. starts[g + 1]). */
    uint32_t *members;
    uint32_t *starts;
    int stopped; /* the code of a kill or time-out that a heap has noticed */
};

/* ---- heap ---- */

/* A heap may be large: true when the query must stop. */
static bool heap_tick(struct choice_of_k *k, size_t step)
{
    if (step % HEAP_STEPS_PER_TICK == HEAP_STEPS_PER_TICK - 1) {
        k->stopped = eval_tick(k->ev, (size_t)HEAP_STEPS_PER_TICK * HEAP_STEP_WORK, NULL);
    }
    return k->stopped < 0;
}

/* The order of topk's heap: the smallest, and NaN before it, on top. For bottomk the largest. */
static bool heap_less(const struct choice_of_k *k, size_t i, size_t j)
{
    double a = k->values[k->heap[i]];
    double b = k->values[k->heap[j]];

    return isnan(a) || (k->op == AGG_BOTTOMK ? a > b : a < b);
}

static void heap_swap(struct choice_of_k *k, size_t i, size_t j)
{
    uint32_t kept = k->heap[i];

    k->heap[i] = k->heap[j];
    k->heap[j] = kept;
}

static void heap_up(struct choice_of_k *k, size_t j)
{
    while (j > 0) {
        size_t parent = (j - 1) / 2;

        if (!heap_less(k, j, parent)) {
            return;
        }
        heap_swap(k, parent, j);
        j = parent;
    }
}

static void heap_down(struct choice_of_k *k, size_t i, size_t count)
{
    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= count) {
            return;
        }
        if (child + 1 < count && heap_less(k, child + 1, child)) {
            child++;
        }
        if (!heap_less(k, child, i)) {
            return;
        }
        heap_swap(k, i, child);
        i = child;
    }
}

/* Best first; NaN last. Insertion for few, heap sort beyond. */
static void heap_sort(struct choice_of_k *k, size_t count)
{
    if (count <= 12) {
        for (size_t i = 1; i < count; i++) {
            for (size_t j = i; j > 0 && heap_less(k, j - 1, j); j--) {
                heap_swap(k, j, j - 1);
            }
        }
        return;
    }
    for (size_t rest = count; rest > 1 && !heap_tick(k, rest); rest--) {
        heap_swap(k, 0, rest - 1);
        heap_down(k, 0, rest - 1);
    }
}

static size_t select_extremes(struct choice_of_k *k, const uint32_t *members, size_t count,
                              size_t step, size_t wanted)
{
    size_t held = 0;

    for (size_t m = 0; m < count && !heap_tick(k, m); m++) {
        double v = k->input.rows[members[m]].v[step];
        double top;

        if (value_is_absent(v)) {
            continue;
        }
        k->values[members[m]] = v;
        if (held < wanted) {
            k->heap[held] = members[m];
            heap_up(k, held++);
            continue;
        }
        top = k->values[k->heap[0]];
        if ((k->op == AGG_TOPK ? top < v : top > v) || (isnan(top) && !isnan(v))) {
            k->heap[0] = members[m];
            heap_down(k, 0, held);
        }
    }
    heap_sort(k, held);
    return held;
}

static size_t select_first(struct choice_of_k *k, const uint32_t *members, size_t count,
                           size_t step, size_t wanted)
{
    size_t held = 0;

    for (size_t m = 0; m < count && held < wanted; m++) {
        if (row_has(&k->input.rows[members[m]], step)) {
            k->heap[held++] = members[m];
        }
    }
    return held;
}

/* A label set's place in [0, 1), from its hash: the same in every query, and in Prometheus. */
static size_t select_ratio(struct choice_of_k *k, const uint32_t *members, size_t count,
                           size_t step, double ratio)
{
    size_t held = 0;

    for (size_t m = 0; m < count; m++) {
        const struct row *row = &k->input.rows[members[m]];
        double place;

        if (!row_has(row, step)) {
            continue;
        }
        place = (double)labels_hash_prometheus(row->labels) / (double)UINT64_MAX;
        if ((ratio >= 0 && place < ratio) || (ratio < 0 && place >= 1 + ratio)) {
            k->heap[held++] = members[m];
        }
    }
    return held;
}

/* ---- parameters ---- */

static void param_bounds(const struct choice_of_k *k, double *ret_min, double *ret_max,
                         bool *ret_nan)
{
    double low = INFINITY;
    double high = -INFINITY;
    bool nan = false;

    for (size_t i = 0; i < k->line->steps; i++) {
        nan |= isnan(k->param[i]);
        low = k->param[i] < low ? k->param[i] : low;
        high = k->param[i] > high ? k->param[i] : high;
    }
    *ret_min = low;
    *ret_max = high;
    *ret_nan = nan;
}

static int check_count(const struct choice_of_k *k, double low, double high, bool nan,
                       struct baro_error *err)
{
    if (nan) {
        return error_set(err, BARO_EEXEC, "Parameter value is NaN");
    }
    if (low <= -9223372036854775808.0) {
        return error_set(err, BARO_EEXEC, "Scalar value %s underflows int64",
                         eval_float(k->ev, low));
    }
    if (high >= 9223372036854774784.0) {
        return error_set(err, BARO_EEXEC, "Scalar value %s overflows int64",
                         eval_float(k->ev, high));
    }
    return 0;
}

static int check_ratio(const struct choice_of_k *k, double low, double high, bool nan,
                       struct baro_error *err)
{
    struct position_range pos = k->expr->aggregate.param->pos;
    static const char text[] = "ratio value should be between -1 and 1, got %s, capping to %d";

    if (nan) {
        return error_set(err, BARO_EEXEC, "Ratio value is NaN");
    }
    if (high > 1) {
        eval_warn(k->ev, pos, text, eval_float(k->ev, high), 1);
    }
    if (low < -1) {
        eval_warn(k->ev, pos, text, eval_float(k->ev, low), -1);
    }
    return 0;
}

static void check_quantile(const struct choice_of_k *k, double low, double high, bool nan)
{
    struct position_range pos = k->expr->aggregate.param->pos;

    if (nan) {
        eval_warn_quantile(k->ev, NAN, pos);
    }
    if (high > 1) {
        eval_warn_quantile(k->ev, high, pos);
    }
    if (low < 0) {
        eval_warn_quantile(k->ev, low, pos);
    }
}

/* 1 when there is work to do, 0 when the result is empty. */
static int check_param(const struct choice_of_k *k, struct baro_error *err)
{
    double low;
    double high;
    bool nan;
    int r;

    param_bounds(k, &low, &high, &nan);
    if (k->op == AGG_QUANTILE) {
        check_quantile(k, low, high, nan);
        return 1;
    }
    if (k->op == AGG_LIMIT_RATIO) {
        if (low == 0 && high == 0 && !nan) {
            return 0;
        }
        r = check_ratio(k, low, high, nan, err);
        return r < 0 ? r : 1;
    }
    if (high < 1 && !nan) {
        return 0;
    }
    r = check_count(k, low, high, nan, err);
    return r < 0 ? r : 1;
}

/* ---- groups ---- */

static int assign_groups(struct choice_of_k *k, struct baro_error *err)
{
    const struct expr *expr = k->expr;
    struct label local[LABEL_ROOM];
    struct label_choice choice;

    label_choice_init(&choice, k->ev->scratch, expr->aggregate.grouping,
                      expr->aggregate.grouping_count, expr->aggregate.without,
                      expr->aggregate.without ? "__name__" : NULL);
    for (size_t i = 0; i < k->input.count; i++) {
        struct labels labels = k->input.rows[i].labels;
        struct label *room = label_room(k->ev->scratch, local, labels.count);
        int r = label_index_put(&k->index, k->ev->keep, label_choice_pick(&choice, labels, room),
                                &k->group_of[i], err);

        r = r < 0 ? r : eval_tick(k->ev, 20, err);
        if (r < 0) {
            return r;
        }
    }
    k->group_count = k->index.count;
    return 0;
}

static int sort_members(struct choice_of_k *k, struct baro_error *err)
{
    k->starts = eval_alloc(k->ev, k->group_count + 2, sizeof(*k->starts), err);
    if (k->starts == NULL) {
        return BARO_ELIMIT;
    }
    memset(k->starts, 0, (k->group_count + 2) * sizeof(*k->starts));
    for (size_t i = 0; i < k->input.count; i++) {
        k->starts[k->group_of[i] + 2]++;
    }
    for (size_t g = 2; g < k->group_count + 2; g++) {
        k->starts[g] += k->starts[g - 1];
    }
    for (size_t i = 0; i < k->input.count; i++) {
        k->members[k->starts[k->group_of[i] + 1]++] = (uint32_t)i;
    }
    return 0;
}

static int prepare(struct choice_of_k *k, struct baro_error *err)
{
    int r;

    k->group_of = eval_alloc(k->ev, k->input.count, sizeof(*k->group_of), err);
    k->heap = eval_alloc(k->ev, k->input.count, sizeof(*k->heap), err);
    k->members = eval_alloc(k->ev, k->input.count, sizeof(*k->members), err);
    k->values = eval_alloc(k->ev, k->input.count, sizeof(*k->values), err);
    if (k->group_of == NULL || k->heap == NULL || k->members == NULL || k->values == NULL) {
        return BARO_ELIMIT;
    }
    r = assign_groups(k, err);
    return r < 0 ? r : sort_members(k, err);
}

/* ---- results ---- */

static size_t select_members(struct choice_of_k *k, size_t group, size_t step)
{
    const uint32_t *members = k->members + k->starts[group];
    size_t count = k->starts[group + 1] - k->starts[group];
    double param = k->param[step];
    double most = (double)k->input.count;

    if (k->op == AGG_LIMIT_RATIO) {
        return param == 0 ? 0 : select_ratio(k, members, count, step, fmin(1, fmax(-1, param)));
    }
    if (param < 1) {
        return 0;
    }
    if (k->op == AGG_LIMITK) {
        return select_first(k, members, count, step, (size_t)fmin(param, most));
    }
    return select_extremes(k, members, count, step, (size_t)fmin(param, most));
}

/* topk, bottomk and quantile look at floats only, and say so. */
static void note_ignored(const struct choice_of_k *k)
{
    if (k->op == AGG_LIMITK || k->op == AGG_LIMIT_RATIO) {
        return;
    }
    for (size_t i = 0; i < k->input.count; i++) {
        const struct row *row = &k->input.rows[i];

        for (size_t step = 0; row->h != NULL && step < k->line->steps; step++) {
            if (row->h[step] != NULL) {
                eval_info(k->ev, k->expr->aggregate.expr->pos,
                          "ignored histogram in %s aggregation", aggregate_op_name(k->op));
                return;
            }
        }
    }
}

/* One step: the rows as they were chosen, in that order. */
static int choose_once(struct choice_of_k *k, struct value *ret, struct baro_error *err)
{
    struct row *rows = eval_rows(k->ev, k->input.count, err);
    size_t count = 0;

    if (rows == NULL) {
        return BARO_ELIMIT;
    }
    for (size_t g = 0; g < k->group_count; g++) {
        size_t held = select_members(k, g, 0);

        if (k->stopped < 0) {
            return eval_tick_slow(k->ev, err);
        }
        for (size_t i = 0; i < held; i++) {
            rows[count++] = k->input.rows[k->heap[i]];
        }
    }
    *ret = (struct value){.type = VALUE_VECTOR, .rows = rows, .count = count};
    return 0;
}

static int choose(struct choice_of_k *k, struct value *ret, struct baro_error *err)
{
    size_t steps = k->line->steps;
    size_t words = (k->input.count + 63) / 64;
    uint64_t *chosen = eval_alloc(k->ev, words + 1, sizeof(*chosen), err);
    size_t count = 0;

    if (chosen == NULL) {
        return BARO_ELIMIT;
    }
    for (size_t step = 0; step < steps; step++) {
        int r = eval_tick(k->ev, k->input.count, err);

        if (r < 0) {
            return r;
        }
        memset(chosen, 0, words * sizeof(*chosen));
        for (size_t g = 0; g < k->group_count; g++) {
            size_t held = select_members(k, g, step);

            if (k->stopped < 0) {
                return eval_tick_slow(k->ev, err);
            }
            for (size_t i = 0; i < held; i++) {
                chosen[k->heap[i] / 64] |= UINT64_C(1) << (k->heap[i] % 64);
            }
        }
        for (size_t i = 0; i < k->input.count; i++) {
            if ((chosen[i / 64] >> (i % 64) & 1) == 0) {
                row_clear(&k->input.rows[i], step);
            }
        }
    }
    for (size_t i = 0; i < k->input.count; i++) {
        if (row_any(&k->input.rows[i], steps)) {
            k->input.rows[count++] = k->input.rows[i];
        }
    }
    *ret = (struct value){.type = VALUE_VECTOR, .rows = k->input.rows, .count = count};
    return 0;
}

static int quantile_group(struct choice_of_k *k, size_t group, struct row *row,
                          struct baro_error *err)
{
    *row =
        (struct row){.labels = k->index.sets[group], .v = eval_points(k->ev, k->line->steps, err)};
    if (row->v == NULL) {
        return BARO_ELIMIT;
    }
    for (size_t step = 0; step < k->line->steps; step++) {
        size_t count = 0;
        int r;

        for (size_t m = k->starts[group]; m < k->starts[group + 1]; m++) {
            double v = k->input.rows[k->members[m]].v[step];

            if (!value_is_absent(v)) {
                k->values[count++] = v;
            }
        }
        row->v[step] =
            count == 0 ? value_absent() : kernel_quantile(k->param[step], k->values, count);
        r = eval_tick(k->ev, 10 + count * 4, err);
        if (r < 0) {
            return r;
        }
    }
    for (size_t m = k->starts[group]; m < k->starts[group + 1]; m++) {
        row->drop_name |= k->input.rows[k->members[m]].drop_name;
    }
    return 0;
}

static int quantiles(struct choice_of_k *k, struct value *ret, struct baro_error *err)
{
    struct row *rows = eval_rows(k->ev, k->group_count, err);
    int r = rows == NULL ? BARO_ELIMIT : 0;

    for (size_t g = 0; r >= 0 && g < k->group_count; g++) {
        r = quantile_group(k, g, &rows[g], err);
    }
    if (r >= 0) {
        *ret = (struct value){.type = VALUE_VECTOR, .rows = rows, .count = k->group_count};
    }
    return r;
}

int aggregate_k_eval(struct eval *ev, const struct timeline *line, const struct expr *expr,
                     struct value *ret, struct baro_error *err)
{
    struct choice_of_k k = {.ev = ev, .line = line, .expr = expr, .op = expr->aggregate.op};
    int r = eval_scalar(ev, line, expr->aggregate.param, &k.param, err);

    r = r < 0 ? r : eval_expr(ev, line, expr->aggregate.expr, &k.input, err);
    r = r < 0 ? r : check_param(&k, err);
    if (r > 0) {
        note_ignored(&k);
    }
    *ret = (struct value){.type = VALUE_VECTOR};
    if (r > 0) {
        r = prepare(&k, err);
        if (r >= 0 && k.op == AGG_QUANTILE) {
            r = quantiles(&k, ret, err);
        } else if (r >= 0) {
            r = line->steps == 1 ? choose_once(&k, ret, err) : choose(&k, ret, err);
        }
    }
    label_index_done(&k.index);
    return r;
}

/* ---- count_values ---- */

struct value_counter {
    struct eval *ev;
    struct label_index index;
    struct row_collector rows;
    struct label_choice choice;
    struct arena room; /* of one sample */
    str label;
};

static int counter_row_new(struct value_counter *counter, uint32_t ordinal, struct baro_error *err)
{
    struct labels set = counter->index.sets[ordinal];
    struct label *items = arena_alloc(counter->ev->keep, (set.count + 1) * sizeof(*items));
    struct row row = {.v = eval_alloc(counter->ev, counter->rows.steps, sizeof(double), err)};

    if (row.v == NULL) {
        return BARO_ELIMIT;
    }
    for (size_t i = 0; i < set.count; i++) {
        items[i] = set.items[i];
        if (str_eq(items[i].name, counter->label)) {
            items[i].value = arena_str(counter->ev->keep, items[i].value);
        }
    }
    counter->index.sets[ordinal].items = items;
    row.labels = counter->index.sets[ordinal];
    for (size_t i = 0; i < counter->rows.steps; i++) {
        row.v[i] = value_absent();
    }
    return counter->rows.sink.row(counter->rows.sink.context, &row, err);
}

static str value_text(struct arena *arena, const struct row *row, size_t step)
{
    char text[NUM_TEXT_MAX];
    struct buf buf = {0};

    if (row->h == NULL || row->h[step] == NULL) {
        return arena_str(arena, str_of(text, num_format_double(row->v[step], NUM_F, text)));
    }
    histogram_format(&buf, row->h[step]);
    return text_take(arena, &buf);
}

static int count_value(struct value_counter *counter, const struct row *row, size_t step,
                       struct baro_error *err)
{
    struct labels labels;
    struct label *room;
    uint32_t ordinal = 0;
    double *v;
    int r;

    arena_reset(&counter->room);
    labels = labels_with(&counter->room, row->labels, counter->label,
                         value_text(&counter->room, row, step));
    room = arena_alloc(&counter->room, (labels.count + 1) * sizeof(*room));
    r = label_index_put(&counter->index, counter->ev->scratch,
                        label_choice_pick(&counter->choice, labels, room), &ordinal, err);
    r = r > 0 ? counter_row_new(counter, ordinal, err) : r;
    if (r < 0) {
        return r;
    }
    v = counter->rows.rows[ordinal].v;
    v[step] = value_is_absent(v[step]) ? 1 : v[step] + 1;
    return eval_tick(counter->ev, 50, err);
}

static int count_all(struct value_counter *counter, const struct value *input,
                     struct baro_error *err)
{
    for (size_t i = 0; i < input->count; i++) {
        for (size_t step = 0; step < counter->rows.steps; step++) {
            int r = row_has(&input->rows[i], step)
                        ? count_value(counter, &input->rows[i], step, err)
                        : 0;

            if (r < 0) {
                return r;
            }
        }
    }
    return 0;
}

int aggregate_count_values(struct eval *ev, const struct timeline *line, const struct expr *expr,
                           struct value *ret, struct baro_error *err)
{
    str label = expr_unwrap(expr->aggregate.param)->string.value;
    struct value_counter counter = {.ev = ev, .label = label};
    bool without = expr->aggregate.without;
    struct value input = {0};
    int r;

    if (label.len == 0 || !utf8_is_valid(label)) {
        return error_set(err, BARO_EEXEC, "invalid label name %s", eval_quoted(ev, label));
    }
    label_choice_init(&counter.choice, ev->scratch, expr->aggregate.grouping,
                      expr->aggregate.grouping_count, without,
                      without ? "__name__" : arena_str(ev->scratch, label).ptr);
    row_collector_init(&counter.rows, ev, line->steps);
    r = eval_expr(ev, line, expr->aggregate.expr, &input, err);
    r = r < 0 ? r : count_all(&counter, &input, err);
    if (r >= 0) {
        *ret = (struct value){
            .type = VALUE_VECTOR, .rows = counter.rows.rows, .count = counter.rows.count};
    }
    label_index_done(&counter.index);
    arena_done(&counter.room);
    return r;
}
