/*
 * fn_info: adds the labels of info metrics (target_info unless the second argument says otherwise)
 * to the series of a vector. Both are matched by the labels instance and job. Semantics: Prometheus
 * 3.14, promql/info.go.
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
    struct matchers matchers; /* the second argument's */
    bool has_name_matcher;    /* one that says what the name is */
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

static bool reference_of(const struct expr *expr, struct modifier *mod);

static bool reference_of_args(const struct expr *call, struct modifier *mod)
{
    for (size_t i = 0; i < call->call.arg_count; i++) {
        if (reference_of(call->call.args[i], mod)) {
            return true;
        }
    }
    return false;
}

static void reference_add(struct modifier *mod, const struct modifier *inner)
{
    mod->offset = inner->offset + (inner->at == AT_NONE ? mod->offset : 0);
    if (inner->at != AT_NONE) {
        mod->at = inner->at;
        mod->at_ts = inner->at_ts;
    }
}

/* Adds up @ and offset on the way to the first selector. */
static bool reference_of(const struct expr *expr, struct modifier *mod)
{
    switch (expr->kind) {
    case EXPR_VECTOR_SELECTOR:
        reference_add(mod, &expr->vector.mod);
        return true;
    case EXPR_MATRIX_SELECTOR:
        return reference_of(expr->matrix.vector, mod);
    case EXPR_SUBQUERY:
        reference_add(mod, &expr->subquery.mod);
        return reference_of(expr->subquery.expr, mod);
    case EXPR_CALL:
        return reference_of_args(expr, mod);
    case EXPR_AGGREGATE:
        return reference_of(expr->aggregate.expr, mod);
    case EXPR_BINARY:
        return reference_of(expr->binary.lhs, mod) || reference_of(expr->binary.rhs, mod);
    case EXPR_UNARY:
        return reference_of(expr->unary.expr, mod);
    case EXPR_PAREN:
    case EXPR_STEP_INVARIANT:
        return reference_of(expr->paren.expr, mod);
    case EXPR_NUMBER:
    case EXPR_STRING:
    case EXPR_DURATION:
        break;
    }
    return false;
}

void fn_info_reference(const struct expr *call, struct modifier *ret)
{
    *ret = (struct modifier){0};
    (void)reference_of(call->call.args[0], ret);
}

/* ---- selecting ---- */

static int select_infos(struct info *info, const struct expr *call, struct baro_error *err)
{
    struct matcher *matchers =
        ARENA_ARRAY(info->ev->scratch, struct matcher, info->matchers.count + 1);
    struct expr selector = {.kind = EXPR_VECTOR_SELECTOR, .type = VALUE_VECTOR};
    struct row_collector collector;
    int r = 0;

    if (info->matchers.count > 0) {
        memcpy(matchers, info->matchers.items, info->matchers.count * sizeof(*matchers));
    }
    selector.vector.matchers = matchers;
    selector.vector.matcher_count = info->matchers.count;
    if (!info->has_name_matcher) {
        r = matcher_init(&matchers[info->matchers.count], MATCHER_EQUAL, LABEL_METRIC_NAME,
                         STR("target_info"), err);
        selector.vector.matcher_count++;
    }
    fn_info_reference(call, &selector.vector.mod);
    row_collector_init(&collector, info->ev, info->line->steps);
    r = r < 0 || info->line->steps == 0
            ? r
            : eval_vector_selector(info->ev, info->line, &selector, SELECT_FLOAT_TIMES,
                                   &collector.sink, err);
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

static void take_matchers(struct info *info, const struct expr *call)
{
    const struct expr *selector;

    if (call->call.arg_count < 2) {
        return;
    }
    selector = expr_unwrap(call->call.args[1]);
    info->matchers = (struct matchers){selector->vector.matchers, selector->vector.matcher_count};
    for (size_t i = 0; i < info->matchers.count; i++) {
        bool is_name = str_eq(info->matchers.items[i].name, LABEL_METRIC_NAME);

        info->has_name_matcher |= is_name && !matcher_is_negative(&info->matchers.items[i]);
        info->has_data_matcher |= !is_name;
    }
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

/* Info series are not enriched themselves: those that all name matchers accept, one of which must
 * say what the name is rather than what it is not. */
static bool is_info_series(const struct info *info, struct labels labels)
{
    str name = labels_get(labels, LABEL_METRIC_NAME);
    bool named = false;

    if (info->matchers.count == 0) {
        return str_is(name, "target_info");
    }
    for (size_t i = 0; i < info->matchers.count; i++) {
        const struct matcher *matcher = &info->matchers.items[i];

        if (!str_eq(matcher->name, LABEL_METRIC_NAME)) {
            continue;
        }
        if (!matcher_matches(matcher, name)) {
            return false;
        }
        named |= !matcher_is_negative(matcher);
    }
    return named;
}

static bool matchers_accept_nothing(const struct info *info)
{
    for (size_t i = 0; i < info->matchers.count; i++) {
        if (!str_eq(info->matchers.items[i].name, LABEL_METRIC_NAME) &&
            !matcher_matches_empty(&info->matchers.items[i])) {
            return false;
        }
    }
    return true;
}

static bool is_wanted(const struct info *info, str name)
{
    for (size_t i = 0; i < info->matchers.count; i++) {
        if (str_eq(info->matchers.items[i].name, name)) {
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
    take_matchers(&info, call);
    row_collector_init(&info.output, ev, line->steps);
    info.blank = eval_alloc(ev, line->steps, sizeof(double), err);
    r = info.blank == NULL ? BARO_ELIMIT : eval_expr(ev, line, call->call.args[0], &info.base, err);
    for (size_t i = 0; r >= 0 && i < line->steps; i++) {
        info.blank[i] = value_absent();
    }
    r = r < 0 ? r : select_infos(&info, call, err);
    r = r < 0 ? r : group_infos(&info, &choice, err);
    r = r < 0 ? r : combine(&info, &choice, err);
    *ret =
        (struct value){.type = VALUE_VECTOR, .rows = info.output.rows, .count = info.output.count};
    label_index_done(&info.groups);
    label_index_done(&info.sets);
    return r;
}
