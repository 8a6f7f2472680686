#include "app/expr_known.h"

#include <stdarg.h>
#include <stdio.h>

#include "app/grafana_vars.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"
#include "catalog/catalog_nearest.h"
#include "codec/regex.h"
#include "promql/functions.h"
#include "promql/parser.h"

/* A name that series have: of one metric, or of several (of different catalogues). */
struct entry {
    const struct catalog_metric *metric;
    const char *extra; /* the label that its type adds: le, quantile; NULL = none */
    bool bare;         /* a histogram's own name: only a native one has series of it */
    struct entry *next;
};

struct expr_known {
    struct arena arena;
    struct map names; /* -> struct entry */
    struct map recorded;
    VEC(struct regex *) allowed;
    VEC(str) labels;
    VEC(struct catalog *) catalogs;
};

/* Names that every Prometheus has, whatever is scraped. */
static const char *const always[] = {"up", "ALERTS", "ALERTS_FOR_STATE"};

struct expr_known *expr_known_new(void)
{
    struct expr_known *known = MEM_NEW(struct expr_known);

    vec_push(&known->labels, STR("job"));
    vec_push(&known->labels, STR("instance"));
    return known;
}

struct expr_known *expr_known_free(struct expr_known *known)
{
    if (known == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < known->allowed.count; i++) {
        (void)regex_free(known->allowed.items[i]);
    }
    for (size_t i = 0; i < known->catalogs.count; i++) {
        (void)catalog_free(known->catalogs.items[i]);
    }
    vec_done(&known->allowed);
    vec_done(&known->catalogs);
    vec_done(&known->labels);
    map_done(&known->names);
    map_done(&known->recorded);
    arena_done(&known->arena);
    return mem_free(known);
}

bool expr_known_is_empty(const struct expr_known *known)
{
    return known->catalogs.count == 0;
}

int expr_known_allow(struct expr_known *known, str text, struct baro_error *err)
{
    struct regex *regex = NULL;
    int r = regex_new(text, true, &regex, err);

    if (r >= 0) {
        vec_push(&known->allowed, regex);
    }
    return r;
}

void expr_known_label(struct expr_known *known, str name)
{
    vec_push(&known->labels, arena_str(&known->arena, name));
}

void expr_known_record(struct expr_known *known, str name)
{
    (void)map_put(&known->recorded, arena_str(&known->arena, name), known);
}

/* ---- names of catalogues ---- */

static void add_name(struct expr_known *known, const struct catalog_metric *metric,
                     const char *suffix, const char *extra, bool bare)
{
    struct entry *entry = ARENA_NEW(&known->arena, struct entry);
    str name = arena_printf(&known->arena, "%.*s%s", STR_ARG(metric->full_name), suffix);

    *entry = (struct entry){metric, extra, bare, map_get(&known->names, name)};
    (void)map_put(&known->names, name, entry);
}

static void add_metric(struct expr_known *known, const struct catalog_metric *metric)
{
    struct catalog_series series[CATALOG_SERIES_NAMES_MAX];
    size_t count = catalog_series_names(metric, series);

    for (size_t i = 0; i < count; i++) {
        add_name(known, metric, series[i].suffix, series[i].extra, false);
    }
    if (metric->type == CATALOG_HISTOGRAM && !metric->native.on) {
        add_name(known, metric, "", NULL, true);
    }
}

int expr_known_load(struct expr_known *known, const char *path, struct faults *faults)
{
    struct catalog *catalog = NULL;
    int r = catalog_load(path, &catalog, faults);

    if (r < 0) {
        return r;
    }
    vec_push(&known->catalogs, catalog);
    for (const struct catalog_metric *m = NULL; (m = catalog_metric_next(catalog, m)) != NULL;) {
        add_metric(known, m);
    }
    return 0;
}

static bool is_allowed(const struct expr_known *known, str name)
{
    for (size_t i = 0; i < ARRAY_COUNT(always); i++) {
        if (str_is(name, always[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < known->allowed.count; i++) {
        if (regex_match(known->allowed.items[i], name)) {
            return true;
        }
    }
    return str_has_prefix(name, STR("scrape_")) || map_get(&known->recorded, name) != NULL;
}

/* ---- one expression ---- */

struct check {
    const struct expr_known *known;
    struct arena *arena;
    str text;
    expr_fault_fn *fault;
    void *context;
};

static void PRINTF_LIKE(3, 4) report(struct check *c, uint32_t offset, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    c->fault(c->context, offset, arena_vprintf(c->arena, format, args).ptr);
    va_end(args);
}

/* Where a piece of the text stands; `otherwise` when the parser made it. */
static uint32_t offset_of(const struct check *c, str piece, uint32_t otherwise)
{
    uintptr_t at = (uintptr_t)piece.ptr;
    uintptr_t start = (uintptr_t)c->text.ptr;

    return at >= start && at < start + c->text.len ? (uint32_t)(at - start) : otherwise;
}

static bool is_variable(str name)
{
    return str_contains(name, STR(GRAFANA_VARS_MARK));
}

/* ---- label sets ---- */

static const struct expr_labels no_labels;
static const struct expr_labels any_labels = {.any = true};

bool expr_labels_have(const struct expr_labels *labels, str name)
{
    for (size_t i = 0; i < labels->count; i++) {
        if (str_eq(labels->names[i], name)) {
            return true;
        }
    }
    return labels->any;
}

str expr_labels_text(struct arena *arena, const struct expr_labels *labels)
{
    str text = STR("none");

    for (size_t i = 0; i < labels->count; i++) {
        text = i == 0 ? labels->names[i]
                      : arena_printf(arena, "%.*s, %.*s", STR_ARG(text), STR_ARG(labels->names[i]));
    }
    return text;
}

static struct expr_labels with(struct check *c, struct expr_labels labels, str name)
{
    if (name.len == 0 || expr_labels_have(&labels, name)) {
        return labels;
    }
    str *names = ARENA_ARRAY(c->arena, str, labels.count + 1);
    for (size_t i = 0; i < labels.count; i++) {
        names[i] = labels.names[i];
    }
    names[labels.count] = name;
    labels.names = names;
    labels.count++;
    return labels;
}

static struct expr_labels without(struct check *c, struct expr_labels labels, str name)
{
    str *names = ARENA_ARRAY(c->arena, str, labels.count);
    size_t count = 0;

    for (size_t i = 0; i < labels.count; i++) {
        if (!str_eq(labels.names[i], name)) {
            names[count++] = labels.names[i];
        }
    }
    labels.names = names;
    labels.count = count;
    return labels;
}

static struct expr_labels both(struct check *c, struct expr_labels a, struct expr_labels b)
{
    a.any |= b.any;
    a.native |= b.native;
    for (size_t i = 0; i < b.count; i++) {
        a = with(c, a, b.names[i]);
    }
    return a;
}

/* Reports a label that no series has; variables and empty names pass. */
static void want_label(struct check *c, const struct expr_labels *labels, str name, uint32_t node,
                       const char *where)
{
    if (!expr_known_is_empty(c->known) && name.len > 0 && !is_variable(name) &&
        !expr_labels_have(labels, name)) {
        report(c, offset_of(c, name, node),
               "no series here has the label '%.*s' of %s; there is: %.*s", STR_ARG(name), where,
               STR_ARG(expr_labels_text(c->arena, labels)));
    }
}

/* ---- selectors ---- */

static str metric_name(const struct expr *node)
{
    for (size_t i = 0; i < node->vector.matcher_count && node->vector.name.len == 0; i++) {
        const struct matcher *matcher = &node->vector.matchers[i];

        if (str_is(matcher->name, "__name__") && matcher->op == MATCHER_EQUAL) {
            return matcher->value;
        }
    }
    return node->vector.name;
}

static struct expr_labels entry_labels(struct check *c, const struct entry *entry)
{
    struct expr_labels labels = {0};

    for (; entry != NULL; entry = entry->next) {
        for (size_t i = 0; i < entry->metric->label_count; i++) {
            labels = with(c, labels, entry->metric->labels[i].name);
        }
        if (entry->extra != NULL) {
            labels = with(c, labels, str_from(entry->extra));
        }
        labels.native |= entry->metric->native.on && entry->extra == NULL;
    }
    for (size_t i = 0; i < c->known->labels.count; i++) {
        labels = with(c, labels, c->known->labels.items[i]);
    }
    return labels;
}

static void unknown_metric(struct check *c, str name, uint32_t offset)
{
    struct catalog_nearest nearest = {.name = name};
    const struct map_entry *entry;

    for (size_t i = 0; (entry = map_next(&c->known->names, &i)) != NULL;) {
        catalog_nearest_try(&nearest, entry->key);
    }
    if (catalog_nearest_found(&nearest)) {
        report(c, offset, "no catalogue has the metric '%.*s'; did you mean '%.*s'?", STR_ARG(name),
               STR_ARG(nearest.best));
    } else {
        report(c, offset, "no catalogue has the metric '%.*s'", STR_ARG(name));
    }
}

/* The closed set of a label: NULL when it is open, or differs between metrics of one name. */
static const struct catalog_set *closed_set(const struct entry *entry, str label)
{
    const struct catalog_set *set = NULL;

    for (const struct entry *e = entry; e != NULL; e = e->next) {
        for (size_t i = 0; i < e->metric->label_count; i++) {
            if (str_eq(e->metric->labels[i].name, label)) {
                if (e->next != NULL || e != entry) {
                    return NULL;
                }
                set = e->metric->labels[i].set;
            }
        }
    }
    return set != NULL && set->value_count > 0 ? set : NULL;
}

/* A matcher that no value of a closed label satisfies selects nothing, ever. An empty value asks
 * for series without the label, which is a question that may be asked. */
static void check_value(struct check *c, const struct entry *entry, const struct matcher *matcher,
                        str metric, uint32_t offset)
{
    const struct catalog_set *set = closed_set(entry, matcher->name);

    if (set == NULL || matcher->value.len == 0 || is_variable(matcher->value) ||
        matcher_is_negative(matcher)) {
        return;
    }
    for (size_t i = 0; i < set->value_count; i++) {
        if (matcher_matches(matcher, set->values[i])) {
            return;
        }
    }
    report(c, offset, "no value of label %.*s of %.*s matches \"%.*s\"", STR_ARG(matcher->name),
           STR_ARG(metric), STR_ARG(matcher->value));
}

static void check_matchers(struct check *c, const struct expr *node, const struct entry *entry,
                           const struct expr_labels *labels, str name)
{
    for (size_t i = 0; i < node->vector.matcher_count; i++) {
        const struct matcher *matcher = &node->vector.matchers[i];
        uint32_t offset = offset_of(c, matcher->name, node->pos.start);

        if (str_is(matcher->name, "__name__") || is_variable(matcher->name)) {
            continue;
        }
        if (!expr_labels_have(labels, matcher->name)) {
            report(c, offset, "metric %.*s has no label '%.*s'; it has: %.*s", STR_ARG(name),
                   STR_ARG(matcher->name), STR_ARG(expr_labels_text(c->arena, labels)));
        } else {
            check_value(c, entry, matcher, name, offset);
        }
    }
}

static struct expr_labels selector_labels(struct check *c, const struct expr *node)
{
    str name = metric_name(node);
    uint32_t offset = offset_of(c, name, node->pos.start);
    const struct entry *entry = map_get(&c->known->names, name);
    struct expr_labels labels;

    if (expr_known_is_empty(c->known) || name.len == 0 || is_variable(name)) {
        return any_labels;
    }
    if (entry == NULL) {
        if (!is_allowed(c->known, name)) {
            unknown_metric(c, name, offset);
        }
        return any_labels;
    }
    if (entry->bare && entry->next == NULL) {
        report(c, offset,
               "%.*s is a classic histogram: its series are %.*s_bucket, _sum and _count",
               STR_ARG(name), STR_ARG(name));
        return any_labels;
    }
    labels = entry_labels(c, entry);
    check_matchers(c, node, entry, &labels, name);
    return labels;
}

/* ---- what operators make of them ---- */

static struct expr_labels labels_of(struct check *c, const struct expr *node);

static str string_arg(const struct expr *node, size_t index)
{
    const struct expr *arg = index < node->call.arg_count ? node->call.args[index] : NULL;

    while (arg != NULL && (arg->kind == EXPR_PAREN || arg->kind == EXPR_STEP_INVARIANT)) {
        arg = arg->paren.expr;
    }
    return arg != NULL && arg->kind == EXPR_STRING ? arg->string.value : STR("");
}

static void want_le(struct check *c, const struct expr_labels *labels, const struct expr *node)
{
    if (!expr_known_is_empty(c->known) && !labels->native && !expr_labels_have(labels, STR("le"))) {
        report(c, node->pos.start,
               "%s of series without the label 'le': aggregate by (le, ...), or use _bucket",
               node->call.function->name);
    }
}

/* absent() gives its result the labels that the selector asks to be equal. */
static struct expr_labels absent_labels(struct check *c, const struct expr *arg)
{
    struct expr_labels labels = no_labels;
    const struct expr *selector = arg->kind == EXPR_MATRIX_SELECTOR ? arg->matrix.vector : arg;

    (void)labels_of(c, arg);
    for (size_t i = 0; selector->kind == EXPR_VECTOR_SELECTOR && i < selector->vector.matcher_count;
         i++) {
        const struct matcher *matcher = &selector->vector.matchers[i];

        if (matcher->op == MATCHER_EQUAL && !str_is(matcher->name, "__name__")) {
            labels = with(c, labels, matcher->name);
        }
    }
    return labels;
}

static struct expr_labels argument_labels(struct check *c, const struct expr *node)
{
    struct expr_labels labels = no_labels;

    for (size_t i = 0; i < node->call.arg_count; i++) {
        labels = both(c, labels, labels_of(c, node->call.args[i]));
    }
    return labels;
}

static struct expr_labels call_labels(struct check *c, const struct expr *node)
{
    struct expr_labels labels;

    switch (node->call.function->id) {
    case FUNCTION_absent:
    case FUNCTION_absent_over_time:
        return absent_labels(c, node->call.args[0]);
    case FUNCTION_label_replace:
        labels = argument_labels(c, node);
        want_label(c, &labels, string_arg(node, 3), node->pos.start, "label_replace");
        return with(c, labels, string_arg(node, 1));
    case FUNCTION_label_join:
        labels = argument_labels(c, node);
        for (size_t i = 3; i < node->call.arg_count; i++) {
            want_label(c, &labels, string_arg(node, i), node->pos.start, "label_join");
        }
        return with(c, labels, string_arg(node, 1));
    case FUNCTION_histogram_quantile:
    case FUNCTION_histogram_fraction:
        labels = argument_labels(c, node);
        want_le(c, &labels, node);
        return without(c, labels, STR("le"));
    case FUNCTION_histogram_quantiles:
        labels = argument_labels(c, node);
        want_le(c, &labels, node);
        return with(c, without(c, labels, STR("le")), string_arg(node, 1));
    case FUNCTION_scalar:
        (void)argument_labels(c, node);
        return no_labels;
    case FUNCTION_info:
        (void)labels_of(c, node->call.args[0]);
        return any_labels;
    default:
        return argument_labels(c, node);
    }
}

static struct expr_labels aggregate_labels(struct check *c, const struct expr *node)
{
    struct expr_labels labels = labels_of(c, node->aggregate.expr);
    struct expr_labels result = {.native = labels.native};
    enum aggregate_op op = node->aggregate.op;
    const str *grouping = node->aggregate.grouping;

    if (node->aggregate.param != NULL) {
        (void)labels_of(c, node->aggregate.param);
    }
    for (size_t i = 0; i < node->aggregate.grouping_count; i++) {
        want_label(c, &labels, grouping[i], node->pos.start,
                   node->aggregate.without ? "without ()" : "by ()");
        result.any |= is_variable(grouping[i]);
    }
    if (op == AGG_TOPK || op == AGG_BOTTOMK || op == AGG_LIMITK || op == AGG_LIMIT_RATIO) {
        return labels;
    }
    if (node->aggregate.without) {
        for (size_t i = 0; i < node->aggregate.grouping_count; i++) {
            labels = without(c, labels, grouping[i]);
        }
        result = labels;
    } else {
        result.names = grouping;
        result.count = node->aggregate.grouping_count;
    }
    if (op == AGG_COUNT_VALUES && node->aggregate.param->kind == EXPR_STRING) {
        result = with(c, result, node->aggregate.param->string.value);
    }
    return result;
}

static struct expr_labels matched_labels(struct check *c, const struct expr *node,
                                         struct expr_labels lhs, struct expr_labels rhs)
{
    const struct vector_matching *matching = node->binary.matching;
    struct expr_labels all = both(c, lhs, rhs);
    struct expr_labels one = matching->card == CARD_ONE_TO_MANY ? lhs : rhs;
    struct expr_labels many = matching->card == CARD_ONE_TO_MANY ? rhs : lhs;

    for (size_t i = 0; i < matching->label_count; i++) {
        want_label(c, &all, matching->labels[i], node->pos.start,
                   matching->on ? "on ()" : "ignoring ()");
        all.any |= is_variable(matching->labels[i]);
    }
    for (size_t i = 0; i < matching->include_count; i++) {
        want_label(c, &one, matching->include[i], node->pos.start, "group_left or group_right ()");
        many = with(c, many, matching->include[i]);
    }
    if (binary_op_is_set(node->binary.op)) {
        return node->binary.op == OP_OR ? both(c, lhs, rhs) : lhs;
    }
    return matching->card == CARD_ONE_TO_ONE ? all : many;
}

static struct expr_labels binary_labels(struct check *c, const struct expr *node)
{
    struct expr_labels lhs = labels_of(c, node->binary.lhs);
    struct expr_labels rhs = labels_of(c, node->binary.rhs);

    return node->binary.matching != NULL ? matched_labels(c, node, lhs, rhs) : both(c, lhs, rhs);
}

static struct expr_labels labels_of(struct check *c, const struct expr *node)
{
    switch (node->kind) {
    case EXPR_VECTOR_SELECTOR:
        return selector_labels(c, node);
    case EXPR_MATRIX_SELECTOR:
        return labels_of(c, node->matrix.vector);
    case EXPR_SUBQUERY:
        return labels_of(c, node->subquery.expr);
    case EXPR_CALL:
        return call_labels(c, node);
    case EXPR_AGGREGATE:
        return aggregate_labels(c, node);
    case EXPR_BINARY:
        return binary_labels(c, node);
    case EXPR_UNARY:
        return labels_of(c, node->unary.expr);
    case EXPR_PAREN:
    case EXPR_STEP_INVARIANT:
        return labels_of(c, node->paren.expr);
    case EXPR_NUMBER:
    case EXPR_STRING:
    case EXPR_DURATION:
        break;
    }
    return no_labels;
}

/* The offset of a line and column, both from 1, in bytes. */
static uint32_t offset_at(str text, uint32_t line, uint32_t column)
{
    size_t offset = 0;

    for (; line > 1 && offset < text.len; offset++) {
        line -= text.ptr[offset] == '\n' ? 1 : 0;
    }
    offset += column > 0 ? column - 1 : 0;
    return (uint32_t)(offset < text.len ? offset : text.len);
}

void expr_check(const struct expr_known *known, struct arena *arena, str text, bool variables,
                expr_fault_fn *fault, void *context, struct expr_labels *ret_labels)
{
    static const struct promql_features features = {
        .experimental_functions = true,
        .duration_expressions = true,
        .extended_range = true,
        .binop_fill = true,
    };
    str parsed = variables ? grafana_vars_replace(arena, text) : text;
    struct check c = {known, arena, parsed, fault, context};
    struct expr *expr = NULL;
    struct baro_error err = {0};

    *ret_labels = any_labels;
    if (str_trim(text).len == 0) {
        report(&c, 0, "the expression is empty");
        return;
    }
    if (promql_parse(arena, parsed, &features, &expr, &err) < 0) {
        report(&c, offset_at(parsed, err.line, err.column), "parse error: %s", err.message);
        return;
    }
    *ret_labels = labels_of(&c, expr);
    promql_expr_done(expr);
}
