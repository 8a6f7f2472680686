/*
 * aggregate: sum, avg, min, max, count, group, stddev and stdvar. Series are consumed one by one as
 * their selector or range function produces them; only the groups are kept. Summation follows
 * Prometheus (promql/engine.go, aggregation): Neumaier's algorithm, the mean computed directly
 * until the sum overflows and incrementally from there on.
 */
#include <math.h>

#include "promql/accumulate.h"
#include "promql/engine_priv.h"
#include "promql/scan.h"

/* What a group has of histograms at one step. */
struct group_histogram {
    struct histogram *sum;
    struct histogram *lost;
    struct histogram_mean mean; /* avg */
    bool incompatible;          /* exponential and custom buckets have met */
    bool resets[4];             /* by hint: seen */
};

struct group {
    struct group_histogram *h; /* per step; NULL while there are floats only */
    double *v;
    double *c;         /* compensation of sums; mean of variances */
    double *n;         /* how many values, beside those of `whole` */
    size_t whole;      /* avg: rows that have added a value to every step at once */
    bool *incremental; /* avg: steps whose sum has overflowed; NULL while none has */
    bool is_fresh;     /* no row has come yet */
    bool is_full;      /* every step has a value: a row without a gap was among the first ones */
    bool drop_name;
};

/* Groups by the addresses of the values that name them: strings of one block or of the head are
 * there once. */
enum { HINTS = 256, HINT_LABELS = 4, ROWS_BEFORE_HINTS = 32 };

struct group_hint {
    uint32_t generation; /* of the picker: the names are the same */
    uint32_t group;
    str values[HINT_LABELS];
};

struct aggregation {
    struct eval *ev;
    const struct timeline *line;
    const struct expr *expr;
    enum aggregate_op op;
    struct label_choice choice;
    bool single;       /* one group without labels */
    bool told_ignored; /* that histograms are passed over */
    struct label_index index;
    struct label_picker picker;
    struct group_hint *hints; /* NULL until there are many rows */
    size_t rows;
    struct group *groups;
    size_t group_count;
    size_t group_capacity;
};

/* ---- accumulators: one row into one group ---- */

static void add_sum(struct group *group, const double *v, size_t steps, bool is_whole)
{
    size_t first = is_whole ? accumulate_sum(group->v, group->c, v, steps) : 0;

    for (size_t i = first; i < steps; i++) {
        if (value_is_absent(v[i])) {
            continue;
        }
        if (value_is_absent(group->v[i])) {
            group->v[i] = v[i];
            group->c[i] = 0;
        } else {
            kahan_add(v[i], &group->v[i], &group->c[i]);
        }
    }
}

static void add_extreme(struct group *group, const double *v, size_t steps, bool is_whole,
                        bool want_max)
{
    if (is_whole) {
        accumulate_extreme(group->v, v, steps, want_max);
        return;
    }
    for (size_t i = 0; i < steps; i++) {
        double old = group->v[i];

        /* NaN, of which "absent" is one, gives way to whatever comes. */
        if (!value_is_absent(v[i]) && (isnan(old) || (want_max ? old < v[i] : old > v[i]))) {
            group->v[i] = v[i];
        }
    }
}

static void add_count(struct group *group, const double *v, size_t steps)
{
    for (size_t i = 0; i < steps; i++) {
        if (!value_is_absent(v[i])) {
            group->v[i] = value_is_absent(group->v[i]) ? 1 : group->v[i] + 1;
        }
    }
}

static void add_one(struct group *group, const double *v, size_t steps)
{
    for (size_t i = 0; i < steps; i++) {
        group->v[i] = value_is_absent(v[i]) ? group->v[i] : 1;
    }
}

static void add_variance(struct group *group, const double *v, size_t steps)
{
    for (size_t i = 0; i < steps; i++) {
        double delta;

        if (value_is_absent(v[i])) {
            continue;
        }
        if (value_is_absent(group->v[i])) {
            group->v[i] = isfinite(v[i]) ? 0 : NAN;
            group->c[i] = v[i];
            group->n[i] = 1;
            continue;
        }
        delta = v[i] - group->c[i];
        group->n[i] += 1;
        group->c[i] += delta / group->n[i];
        group->v[i] += delta * (v[i] - group->c[i]);
    }
}

static double mean_count(const struct group *group, size_t i)
{
    return group->n[i] + (double)group->whole;
}

static void add_mean_step(struct group *group, double v, size_t i)
{
    double count = mean_count(group, i);
    double q = (count - 1) / count;

    group->v[i] *= q;
    group->c[i] *= q;
    kahan_add(v / count, &group->v[i], &group->c[i]);
}

static int add_avg(struct aggregation *agg, struct group *group, const double *v, size_t steps,
                   bool is_whole, struct baro_error *err)
{
    size_t first =
        is_whole && group->incremental == NULL ? accumulate_sum(group->v, group->c, v, steps) : 0;

    if (first == steps) {
        group->whole++;
        return 0;
    }
    for (size_t i = 0; i < first; i++) {
        group->n[i] += 1;
    }
    for (size_t i = first; i < steps; i++) {
        double sum = group->v[i];
        double c = group->c[i];

        if (value_is_absent(v[i])) {
            continue;
        }
        if (value_is_absent(sum)) {
            group->v[i] = v[i];
            group->c[i] = 0;
            group->n[i] = 1;
            continue;
        }
        group->n[i] += 1;
        if (group->incremental == NULL || !group->incremental[i]) {
            kahan_add(v[i], &sum, &c);
            if (LIKELY(!isinf(sum))) {
                group->v[i] = sum;
                group->c[i] = c;
                continue;
            }
            if (group->incremental == NULL) {
                group->incremental = eval_alloc(agg->ev, steps, sizeof(bool), err);
                if (group->incremental == NULL) {
                    return BARO_ELIMIT;
                }
                memset(group->incremental, 0, steps);
            }
            group->incremental[i] = true;
            group->v[i] /= mean_count(group, i) - 1;
            group->c[i] /= mean_count(group, i) - 1;
        }
        add_mean_step(group, v[i], i);
    }
    return 0;
}

/* A sum or mean begins with the first row as it is, when that has no gap. */
static bool begin_sum(const struct aggregation *agg, struct group *group, const double *v)
{
    size_t bytes = agg->line->steps * sizeof(*v);

    if (agg->op != AGG_SUM && agg->op != AGG_AVG) {
        return false;
    }
    memcpy(group->v, v, bytes);
    memset(group->c, 0, bytes);
    if (agg->op == AGG_AVG) {
        memset(group->n, 0, bytes);
        group->whole = 1;
    }
    return true;
}

static int add_row(struct aggregation *agg, struct group *group, const struct row *row,
                   struct baro_error *err)
{
    size_t steps = agg->line->steps;
    const double *v = row->v;
    bool has_all = row->is_whole || (steps > 1 && scan_nan(v, 0, steps) == steps);
    bool is_whole = has_all && group->is_full;
    bool is_first = group->is_fresh;

    group->is_fresh = false;
    group->is_full |= has_all;
    if (is_first && has_all && begin_sum(agg, group, v)) {
        return 0;
    }
    switch ((int)agg->op) {
    case AGG_SUM:
        add_sum(group, v, steps, is_whole);
        break;
    case AGG_AVG:
        return add_avg(agg, group, v, steps, is_whole, err);
    case AGG_MIN:
        add_extreme(group, v, steps, is_whole, false);
        break;
    case AGG_MAX:
        add_extreme(group, v, steps, is_whole, true);
        break;
    case AGG_COUNT:
        add_count(group, v, steps);
        break;
    case AGG_GROUP:
        add_one(group, v, steps);
        break;
    default:
        add_variance(group, v, steps);
        break;
    }
    return 0;
}

/* ---- histograms ---- */

static void note_ignored(struct aggregation *agg)
{
    if (!agg->told_ignored) {
        eval_info(agg->ev, agg->expr->aggregate.expr->pos, "ignored histogram in %s aggregation",
                  aggregate_op_name(agg->op));
    }
    agg->told_ignored = true;
}

static void note_reconciled(struct aggregation *agg, const struct histogram_notes *notes)
{
    if (notes->bounds_reconciled) {
        eval_info_reconciled(agg->ev, agg->expr->aggregate.expr->pos, "aggregation");
    }
}

static int add_histogram_sum(struct aggregation *agg, struct group_histogram *at,
                             const struct histogram *h)
{
    struct histogram_notes notes = {0};
    int r = 0;

    at->resets[h->hint] = true;
    if (at->sum == NULL) {
        at->sum = histogram_copy(agg->ev->scratch, h);
        at->lost = histogram_zero_like(agg->ev->scratch, h);
        return at->sum == NULL || at->lost == NULL ? BARO_ELIMIT : 0;
    }
    r = histogram_add(agg->ev->scratch, at->sum, at->lost, h, &notes);
    note_reconciled(agg, &notes);
    return r;
}

static int add_histogram_avg(struct aggregation *agg, struct group_histogram *at,
                             const struct histogram *h)
{
    int r = 0;

    at->resets[h->hint] = true;
    if (at->mean.sum == NULL) {
        histogram_mean_start(agg->ev->scratch, &at->mean, h);
        at->sum = at->mean.sum;
        return at->sum == NULL ? BARO_ELIMIT : 0;
    }
    r = histogram_mean_add(agg->ev->scratch, &at->mean, h);
    note_reconciled(agg, &at->mean.notes);
    return r;
}

static int add_histogram(struct aggregation *agg, struct group *group, size_t step,
                         const struct row *row, struct baro_error *err)
{
    const struct histogram *h = row->h[step];
    struct group_histogram *at = &group->h[step];
    int r;

    if (at->incompatible) {
        return 0;
    }
    r = agg->op == AGG_SUM ? add_histogram_sum(agg, at, h) : add_histogram_avg(agg, at, h);
    if (r == BARO_EINVALID) {
        at->incompatible = true;
        eval_warn_mixed_schemas(agg->ev, agg->expr->aggregate.expr->pos,
                                labels_get(row->labels, LABEL_METRIC_NAME));
        return 0;
    }
    return r < 0 ? eval_error_memory(err) : eval_tick(agg->ev, 100, err);
}

static int group_histograms_init(struct aggregation *agg, struct group *group,
                                 struct baro_error *err)
{
    group->h = eval_alloc(agg->ev, agg->line->steps, sizeof(*group->h), err);
    if (group->h == NULL) {
        return BARO_ELIMIT;
    }
    memset(group->h, 0, agg->line->steps * sizeof(*group->h));
    return 0;
}

/* The histograms of a row; its floats have been taken already. */
static int add_histograms(struct aggregation *agg, struct group *group, const struct row *row,
                          struct baro_error *err)
{
    for (size_t i = 0; i < agg->line->steps; i++) {
        int r = 0;

        if (row->h[i] == NULL) {
            continue;
        }
        if (agg->op == AGG_COUNT) {
            group->v[i] = value_is_absent(group->v[i]) ? 1 : group->v[i] + 1;
        } else if (agg->op == AGG_GROUP) {
            group->v[i] = 1;
        } else if (agg->op == AGG_SUM || agg->op == AGG_AVG) {
            r = group->h == NULL ? group_histograms_init(agg, group, err) : 0;
            r = r < 0 ? r : add_histogram(agg, group, i, row, err);
        } else {
            note_ignored(agg);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* The histogram that stands for a step; steps with floats as well have nothing. */
static const struct histogram *finish_histogram(struct aggregation *agg, struct group *group,
                                                size_t step)
{
    struct group_histogram *at = &group->h[step];
    struct histogram *h;

    if (at->sum == NULL) {
        return NULL;
    }
    if (!value_is_absent(group->v[step])) {
        group->v[step] = value_absent();
        eval_warn(agg->ev, agg->expr->aggregate.expr->pos,
                  "encountered a mix of histograms and floats for aggregation");
        return NULL;
    }
    if (at->incompatible) {
        return NULL;
    }
    if (at->resets[HISTOGRAM_HINT_RESET] && at->resets[HISTOGRAM_HINT_NOT_RESET]) {
        eval_warn_collision(agg->ev, agg->expr->aggregate.expr->pos, "aggregation");
    }
    if (agg->op == AGG_AVG) {
        h = histogram_mean_finish(&at->mean);
    } else {
        h = at->sum;
        histogram_add_plain(h, at->lost);
    }
    histogram_compact(agg->ev->scratch, h);
    return h;
}

static int finish_histograms(struct aggregation *agg, struct group *group, struct row *row,
                             struct baro_error *err)
{
    if (group->h == NULL) {
        return 0;
    }
    row->h = eval_histograms(agg->ev, agg->line->steps, err);
    if (row->h == NULL) {
        return BARO_ELIMIT;
    }
    for (size_t i = 0; i < agg->line->steps; i++) {
        row->h[i] = finish_histogram(agg, group, i);
    }
    return eval_tick(agg->ev, agg->line->steps, err);
}

/* ---- groups ---- */

static bool needs_compensation(enum aggregate_op op)
{
    return op == AGG_SUM || op == AGG_AVG || op == AGG_STDDEV || op == AGG_STDVAR;
}

static int group_init(struct aggregation *agg, struct group *group, struct baro_error *err)
{
    size_t steps = agg->line->steps;

    *group = (struct group){.v = eval_points(agg->ev, steps, err), .is_fresh = true};
    if (group->v == NULL) {
        return BARO_ELIMIT;
    }
    for (size_t i = 0; i < steps; i++) {
        group->v[i] = value_absent();
    }
    if (needs_compensation(agg->op)) {
        group->c = eval_alloc(agg->ev, steps, sizeof(double), err);
        if (group->c == NULL) {
            return BARO_ELIMIT;
        }
    }
    if (needs_compensation(agg->op) && agg->op != AGG_SUM) {
        group->n = eval_alloc(agg->ev, steps, sizeof(double), err);
        if (group->n == NULL) {
            return BARO_ELIMIT;
        }
    }
    return 0;
}

static int group_add(struct aggregation *agg, struct baro_error *err)
{
    int r;

    if (agg->group_count == agg->group_capacity) {
        size_t capacity = agg->group_capacity == 0 ? 16 : agg->group_capacity * 2;
        struct group *groups = eval_alloc(agg->ev, capacity, sizeof(*groups), err);

        if (groups == NULL) {
            return BARO_ELIMIT;
        }
        if (agg->group_count > 0) {
            memcpy(groups, agg->groups, agg->group_count * sizeof(*groups));
        }
        agg->groups = groups;
        agg->group_capacity = capacity;
    }
    r = group_init(agg, &agg->groups[agg->group_count], err);
    agg->group_count += r >= 0;
    return r;
}

static struct group_hint *hint_of(struct aggregation *agg, struct labels key)
{
    uint64_t hash = 0;

    if (agg->hints == NULL || key.count > HINT_LABELS) {
        return NULL;
    }
    for (size_t i = 0; i < key.count; i++) {
        hash = (hash ^ (uintptr_t)key.items[i].value.ptr) * UINT64_C(0x9e3779b97f4a7c15);
    }
    return &agg->hints[hash >> 56];
}

static bool hint_holds(const struct aggregation *agg, const struct group_hint *hint,
                       struct labels key)
{
    bool holds = hint->generation == agg->picker.generation;

    for (size_t i = 0; holds && i < key.count; i++) {
        holds = str_is_same(hint->values[i], key.items[i].value);
    }
    return holds;
}

static void hint_set(const struct aggregation *agg, struct group_hint *hint, struct labels key,
                     uint32_t group)
{
    hint->generation = agg->picker.generation;
    hint->group = group;
    for (size_t i = 0; i < key.count; i++) {
        hint->values[i] = key.items[i].value;
    }
}

static void make_hints(struct aggregation *agg)
{
    if (++agg->rows == ROWS_BEFORE_HINTS) {
        agg->hints = arena_try(agg->ev->scratch, HINTS * sizeof(*agg->hints));
        if (agg->hints != NULL) {
            memset(agg->hints, 0, HINTS * sizeof(*agg->hints));
        }
    }
}

static int group_find(struct aggregation *agg, struct labels labels, uint32_t *ret,
                      struct baro_error *err)
{
    struct label local[LABEL_ROOM];
    struct labels key = {0};
    struct group_hint *hint = NULL;
    bool known = false;
    int r;

    if (agg->single && agg->group_count > 0) {
        *ret = 0;
        return 0;
    }
    if (!agg->single) {
        make_hints(agg);
        key = label_choice_pick_again(&agg->choice, &agg->picker, labels,
                                      label_room(agg->ev->scratch, local, labels.count), &known);
        hint = known ? hint_of(agg, key) : NULL;
        if (hint != NULL && hint_holds(agg, hint, key)) {
            *ret = hint->group;
            return 0;
        }
    }
    r = label_index_put(&agg->index, agg->ev->keep, key, ret, err);
    if (r >= 0 && hint != NULL) {
        hint_set(agg, hint, key, *ret);
    }
    return r > 0 ? group_add(agg, err) : r;
}

static int take_row(void *context, const struct row *row, struct baro_error *err)
{
    struct aggregation *agg = context;
    uint32_t group = 0;
    int r = group_find(agg, row->labels, &group, err);

    if (r < 0) {
        return r;
    }
    agg->groups[group].drop_name |= row->drop_name;
    r = eval_tick(agg->ev, agg->line->steps, err);
    r = r < 0 ? r : add_row(agg, &agg->groups[group], row, err);
    return r < 0 || LIKELY(row->h == NULL) ? r : add_histograms(agg, &agg->groups[group], row, err);
}

/* ---- results ---- */

static void finish_group(const struct aggregation *agg, struct group *group)
{
    for (size_t i = 0; i < agg->line->steps; i++) {
        if (value_is_absent(group->v[i])) {
            continue;
        }
        if (agg->op == AGG_SUM) {
            group->v[i] += group->c[i];
        } else if (agg->op == AGG_AVG) {
            group->v[i] =
                group->incremental != NULL && group->incremental[i]
                    ? group->v[i] + group->c[i]
                    : group->v[i] / mean_count(group, i) + group->c[i] / mean_count(group, i);
        } else if (agg->op == AGG_STDVAR) {
            group->v[i] /= group->n[i];
        } else if (agg->op == AGG_STDDEV) {
            group->v[i] = sqrt(group->v[i] / group->n[i]);
        }
    }
}

static int finish(struct aggregation *agg, struct value *ret, struct baro_error *err)
{
    struct row *rows = eval_rows(agg->ev, agg->group_count, err);
    size_t count = 0;
    int r;

    if (rows == NULL) {
        return BARO_ELIMIT;
    }
    for (size_t g = 0; g < agg->group_count; g++) {
        struct group *group = &agg->groups[g];

        if (needs_compensation(agg->op)) {
            finish_group(agg, group);
        }
        rows[count] = (struct row){
            .labels = agg->index.sets[g], .v = group->v, .drop_name = group->drop_name};
        if (finish_histograms(agg, group, &rows[count], err) < 0) {
            return BARO_ELIMIT;
        }
        count += row_any(&rows[count], agg->line->steps);
        r = eval_tick(agg->ev, 10 + agg->line->steps, err);
        if (r < 0) {
            return r;
        }
    }
    *ret = (struct value){.type = VALUE_VECTOR, .rows = rows, .count = count};
    return 0;
}

int aggregate_eval(struct eval *ev, const struct timeline *line, const struct expr *expr,
                   struct value *ret, struct baro_error *err)
{
    struct aggregation agg = {.ev = ev, .line = line, .expr = expr, .op = expr->aggregate.op};
    struct row_sink sink = {.row = take_row, .context = &agg};
    int r;

    if (agg.op == AGG_COUNT_VALUES) {
        return aggregate_count_values(ev, line, expr, ret, err);
    }
    if (agg.op == AGG_TOPK || agg.op == AGG_BOTTOMK || agg.op == AGG_LIMITK ||
        agg.op == AGG_LIMIT_RATIO || agg.op == AGG_QUANTILE) {
        return aggregate_k_eval(ev, line, expr, ret, err);
    }
    label_choice_init(&agg.choice, ev->scratch, expr->aggregate.grouping,
                      expr->aggregate.grouping_count, expr->aggregate.without,
                      expr->aggregate.without ? "__name__" : NULL);
    agg.single = !expr->aggregate.without && expr->aggregate.grouping_count == 0;
    sink.no_labels = agg.single;
    sink.by = agg.single || agg.choice.without ? NULL : &agg.choice;
    r = eval_each(ev, line, expr->aggregate.expr, &sink, err);
    r = r < 0 ? r : finish(&agg, ret, err);
    label_index_done(&agg.index);
    return r;
}
