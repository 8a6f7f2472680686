/*
 * fn_info: adds the labels of info metrics (target_info unless the second argument says otherwise)
 * to the series of a vector. Both are matched by the labels instance and job. Semantics: Prometheus
 * 3.15, promql/info.go.
 */
#include "promql/engine_priv.h"

#define NO_ROW UINT32_MAX

/* Several info metrics may enrich one series. */
enum { INFO_METRICS_MAX = 64 };

struct info {
    struct eval *ev;
    const struct timeline *line;
    struct value base;
    struct value infos;       /* values are the times of samples */
    struct matcher *matchers; /* the second argument's, and behind them what it does not say */
    size_t matcher_count;
    struct matcher name; /* the latter */
    bool has_data_matcher;
    struct label_index groups; /* by instance and job */
    size_t group_count;        /* groups that have info series */
    uint32_t *first;           /* info rows per group */
    uint32_t *next;
    struct label_index sets; /* of the output */
    struct row_collector output;
    double *blank;
};

/* The info series that enrich a series at one step, one per info metric. */
struct chosen {
    uint32_t rows[INFO_METRICS_MAX];
    size_t count;
};

/* ---- the time at which info series are looked at ---- */

/* The times that the selectors of an expression look at. */
struct reference {
    struct modifier
        first; /* of the first selector, @ and offset of all subqueries around it added */
    bool found;
    bool differs; /* others look at other times, or a branch looks at none */
};

static struct modifier modifier_within(struct modifier outer, const struct modifier *inner)
{
    struct modifier both = *inner;

    if (inner->at == AT_NONE) {
        both = outer;
        both.offset += inner->offset;
    }
    return both;
}

static bool same_time(const struct modifier *a, const struct modifier *b)
{
    return a->at == AT_NONE || b->at == AT_NONE ? a->at == b->at && a->offset == b->offset
                                                : a->at_ts - a->offset == b->at_ts - b->offset;
}

static bool find_selectors(struct reference *reference, const struct expr *expr,
                           struct modifier outer);

static bool find_in_call(struct reference *reference, const struct expr *call,
                         struct modifier outer)
{
    /* The second argument of info() selects labels; it is not evaluated. */
    size_t count = call->call.function->id == FUNCTION_info ? 1 : call->call.arg_count;
    bool found = false;

    for (size_t i = 0; i < count; i++) {
        found |= find_selectors(reference, call->call.args[i], outer);
    }
    return found;
}

static bool find_in_binary(struct reference *reference, const struct expr *binary,
                           struct modifier outer)
{
    bool left = find_selectors(reference, binary->binary.lhs, outer);

    return find_selectors(reference, binary->binary.rhs, outer) || left;
}

static void note_selector(struct reference *reference, struct modifier mod)
{
    reference->differs |= reference->found && !same_time(&reference->first, &mod);
    reference->first = reference->found ? reference->first : mod;
    reference->found = true;
}

/* Whether there is a selector; of scalars none counts. */
static bool find_selectors(struct reference *reference, const struct expr *expr,
                           struct modifier outer)
{
    bool found = false;

    if (expr->type != VALUE_VECTOR && expr->type != VALUE_MATRIX) {
        return false;
    }
    switch (expr->kind) {
    case EXPR_VECTOR_SELECTOR:
        note_selector(reference, modifier_within(outer, &expr->vector.mod));
        return true;
    case EXPR_MATRIX_SELECTOR:
        return find_selectors(reference, expr->matrix.vector, outer);
    case EXPR_SUBQUERY:
        return find_selectors(reference, expr->subquery.expr,
                              modifier_within(outer, &expr->subquery.mod));
    case EXPR_PAREN:
    case EXPR_STEP_INVARIANT:
        return find_selectors(reference, expr->paren.expr, outer);
    case EXPR_CALL:
        found = find_in_call(reference, expr, outer);
        break;
    case EXPR_AGGREGATE:
        found = find_selectors(reference, expr->aggregate.expr, outer);
        break;
    case EXPR_BINARY:
        found = find_in_binary(reference, expr, outer);
        break;
    case EXPR_UNARY:
        found = find_selectors(reference, expr->unary.expr, outer);
        break;
    case EXPR_NUMBER:
    case EXPR_STRING:
    case EXPR_DURATION:
        break;
    }
    reference->differs |= !found;
    return found;
}

void fn_info_reference(const struct expr *call, struct modifier *ret)
{
    struct reference reference = {0};

    (void)find_selectors(&reference, call->call.args[0], (struct modifier){0});
    *ret = reference.differs ? (struct modifier){0} : reference.first;
}

/* ---- selecting ---- */

static int select_infos(struct info *info, const struct expr *call, struct baro_error *err)
{
    struct expr selector = {.kind = EXPR_VECTOR_SELECTOR, .type = VALUE_VECTOR};
    struct row_collector collector;
    int r;

    selector.vector.matchers = info->matchers;
    selector.vector.matcher_count = info->matcher_count;
    fn_info_reference(call, &selector.vector.mod);
    row_collector_init(&collector, info->ev, info->line->steps);
    r = info->line->steps == 0 ? 0
                               : eval_vector_selector(info->ev, info->line, &selector,
                                                      SELECT_FLOAT_TIMES, &collector.sink, err);
    info->infos =
        (struct value){.type = VALUE_VECTOR, .rows = collector.rows, .count = collector.count};
    for (size_t i = 0; i < collector.count && r >= 0; i++) {
        if (collector.rows[i].h != NULL) {
            r = error_set(err, BARO_EEXEC, "this should be an info metric, with float samples: %s",
                          labels_string(info->ev->keep, collector.rows[i].labels));
        }
    }
    return r;
}

/* Where no matcher says what the name is, it is target_info, or when some say what it is not, that
 * of any info metric. */
static int take_matchers(struct info *info, const struct expr *call, struct baro_error *err)
{
    const struct expr *selector = call->call.arg_count > 1 ? expr_unwrap(call->call.args[1]) : NULL;
    size_t count = selector != NULL ? selector->vector.matcher_count : 0;
    struct matcher *matchers = ARENA_ARRAY(info->ev->scratch, struct matcher, count + 1);
    bool is_named = false;
    bool is_excluded = false;
    int r = 0;

    for (size_t i = 0; i < count; i++) {
        matchers[i] = selector->vector.matchers[i];
        if (!str_eq(matchers[i].name, LABEL_METRIC_NAME)) {
            info->has_data_matcher = true;
        } else {
            is_named |= !matcher_is_negative(&matchers[i]);
            is_excluded |= matcher_is_negative(&matchers[i]);
        }
    }
    if (!is_named) {
        r = matcher_init(&info->name, is_excluded ? MATCHER_REGEX : MATCHER_EQUAL,
                         LABEL_METRIC_NAME, is_excluded ? STR(".+_info") : STR("target_info"), err);
    }
    if (!is_named && r >= 0) {
        matchers[count++] = info->name;
    }
    info->matchers = matchers;
    info->matcher_count = count;
    return r;
}

static int group_infos(struct info *info, const struct label_choice *choice, struct baro_error *err)
{
    struct label room[2];

    info->first = eval_alloc(info->ev, info->infos.count, sizeof(uint32_t), err);
    info->next = eval_alloc(info->ev, info->infos.count, sizeof(uint32_t), err);
    if (info->first == NULL || info->next == NULL) {
        return BARO_ELIMIT;
    }
    for (size_t i = info->infos.count; i-- > 0;) {
        uint32_t group = 0;
        int r = label_index_put(&info->groups, info->ev->scratch,
                                label_choice_pick(choice, info->infos.rows[i].labels, room), &group,
                                err);

        if (r < 0) {
            return r;
        }
        info->next[i] = r > 0 ? NO_ROW : info->first[group];
        info->first[group] = (uint32_t)i;
    }
    info->group_count = info->groups.count;
    return 0;
}

/* ---- combining ---- */

/* Info series are not enriched themselves. */
static bool is_info_series(const struct info *info, struct labels labels)
{
    str name = labels_get(labels, LABEL_METRIC_NAME);

    for (size_t i = 0; i < info->matcher_count; i++) {
        const struct matcher *matcher = &info->matchers[i];

        if (str_eq(matcher->name, LABEL_METRIC_NAME) && !matcher_matches(matcher, name)) {
            return false;
        }
    }
    return true;
}

static bool matchers_accept_nothing(const struct info *info)
{
    for (size_t i = 0; i < info->matcher_count; i++) {
        if (!str_eq(info->matchers[i].name, LABEL_METRIC_NAME) &&
            !matcher_matches_empty(&info->matchers[i])) {
            return false;
        }
    }
    return true;
}

static bool is_wanted(const struct info *info, str name)
{
    for (size_t i = 0; i < info->matcher_count; i++) {
        if (str_eq(info->matchers[i].name, name)) {
            return true;
        }
    }
    return !info->has_data_matcher;
}

static int duplicate_error(struct info *info, uint32_t a, uint32_t b, size_t step,
                           struct baro_error *err)
{
    const struct row *rows = info->infos.rows;
    long long at = (long long)(rows[a].v[step] * 1000);

    return error_set(err, BARO_EEXEC,
                     "found duplicate series for info metric: existing %s @ %lld, new %s @ %lld",
                     labels_string(info->ev->keep, rows[a].labels), at,
                     labels_string(info->ev->keep, rows[b].labels), at);
}

/* The newest series of each info metric. */
static int choose(struct info *info, uint32_t group, size_t step, struct chosen *ret,
                  struct baro_error *err)
{
    const struct row *rows = info->infos.rows;

    ret->count = 0;
    for (uint32_t i = info->first[group]; i != NO_ROW; i = info->next[i]) {
        str name = labels_get(rows[i].labels, LABEL_METRIC_NAME);
        size_t place = 0;

        if (value_is_absent(rows[i].v[step])) {
            continue;
        }
        while (place < ret->count &&
               !str_eq(labels_get(rows[ret->rows[place]].labels, LABEL_METRIC_NAME), name)) {
            place++;
        }
        if (place == INFO_METRICS_MAX) {
            return error_set(err, BARO_ELIMIT, "info() finds more than %d info metrics",
                             INFO_METRICS_MAX);
        }
        if (place == ret->count) {
            ret->rows[ret->count++] = i;
        } else if (rows[ret->rows[place]].v[step] == rows[i].v[step]) {
            return duplicate_error(info, ret->rows[place], i, step, err);
        } else if (rows[ret->rows[place]].v[step] < rows[i].v[step]) {
            ret->rows[place] = i;
        }
    }
    return 0;
}

static int enrich(struct info *info, struct labels base, const struct chosen *chosen,
                  struct labels *ret, struct baro_error *err)
{
    struct arena *arena = info->ev->keep;
    struct labels labels = base;

    for (size_t c = 0; c < chosen->count; c++) {
        struct labels more = info->infos.rows[chosen->rows[c]].labels;

        for (size_t i = 0; i < more.count; i++) {
            str name = more.items[i].name;
            str before;

            if (str_eq(name, LABEL_METRIC_NAME) || !is_wanted(info, name) ||
                labels_get(base, name).ptr != NULL) {
                continue;
            }
            before = labels_get(labels, name);
            if (before.ptr != NULL && !str_eq(before, more.items[i].value)) {
                return error_set(err, BARO_EEXEC, "conflicting label: %.*s", STR_ARG(name));
            }
            labels = labels_with(arena, labels, name, more.items[i].value);
        }
    }
    *ret = labels;
    return 0;
}

static int output_row(struct info *info, struct labels labels, bool drop_name, uint32_t *ret,
                      struct baro_error *err)
{
    struct row row = {.labels = labels, .v = info->blank, .drop_name = drop_name};
    int r = label_index_put(&info->sets, info->ev->scratch, labels, ret, err);

    return r > 0 ? info->output.sink.row(&info->output, &row, err) : r;
}

static bool same_choice(const struct chosen *a, const struct chosen *b)
{
    return a->count == b->count && memcmp(a->rows, b->rows, a->count * sizeof(a->rows[0])) == 0;
}

static int put_point(struct info *info, struct row *output, const struct row *base, size_t step,
                     struct baro_error *err)
{
    if (row_has(output, step)) {
        return eval_error_same_labels(err);
    }
    output->v[step] = base->v[step];
    if (base->h != NULL && base->h[step] != NULL) {
        if (output->h == NULL) {
            output->h = eval_histograms(info->ev, info->line->steps, err);
        }
        if (output->h == NULL) {
            return BARO_ELIMIT;
        }
        output->h[step] = base->h[step];
    }
    return 0;
}

static int combine_row(struct info *info, const struct row *base, uint32_t group,
                       struct baro_error *err)
{
    struct chosen before = {.count = SIZE_MAX};
    bool keep_plain = matchers_accept_nothing(info);
    uint32_t output = 0;

    for (size_t step = 0; step < info->line->steps; step++) {
        struct chosen chosen = {0};
        struct labels labels = {0};
        int r = 0;

        if (!row_has(base, step)) {
            continue;
        }
        if (group != NO_ROW) {
            r = choose(info, group, step, &chosen, err);
        }
        if (r >= 0 && chosen.count == 0 && !keep_plain && !is_info_series(info, base->labels)) {
            continue;
        }
        if (r >= 0 && !same_choice(&before, &chosen)) {
            r = enrich(info, base->labels, &chosen, &labels, err);
            r = r < 0 ? r : output_row(info, labels, base->drop_name, &output, err);
            before = chosen;
        }
        r = r < 0 ? r : put_point(info, &info->output.rows[output], base, step, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int combine(struct info *info, const struct label_choice *choice, struct baro_error *err)
{
    struct label room[2];

    for (size_t i = 0; i < info->base.count; i++) {
        const struct row *base = &info->base.rows[i];
        struct labels key = label_choice_pick(choice, base->labels, room);
        uint32_t group = NO_ROW;
        int r = eval_tick(info->ev, 100 + info->line->steps * 10, err);

        if (r >= 0 && key.count > 0 && !is_info_series(info, base->labels)) {
            r = label_index_put(&info->groups, info->ev->scratch, key, &group, err);
            group = group >= info->group_count ? NO_ROW : group;
        }
        r = r < 0 ? r : combine_row(info, base, group, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

int fn_info(struct eval *ev, const struct timeline *line, const struct expr *call,
            struct value *ret, struct baro_error *err)
{
    static const str names[2] = {STR_INIT("instance"), STR_INIT("job")};
    struct info info = {.ev = ev, .line = line};
    struct label_choice choice;
    int r;

    label_choice_init(&choice, ev->scratch, names, 2, false, NULL);
    row_collector_init(&info.output, ev, line->steps);
    info.blank = eval_alloc(ev, line->steps, sizeof(double), err);
    r = info.blank == NULL ? BARO_ELIMIT : take_matchers(&info, call, err);
    r = r < 0 ? r : eval_expr(ev, line, call->call.args[0], &info.base, err);
    for (size_t i = 0; r >= 0 && i < line->steps; i++) {
        info.blank[i] = value_absent();
    }
    r = r < 0 ? r : select_infos(&info, call, err);
    r = r < 0 ? r : group_infos(&info, &choice, err);
    r = r < 0 ? r : combine(&info, &choice, err);
    *ret =
        (struct value){.type = VALUE_VECTOR, .rows = info.output.rows, .count = info.output.count};
    matcher_done(&info.name);
    label_index_done(&info.groups);
    label_index_done(&info.sets);
    return r;
}
