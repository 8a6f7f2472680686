/*
 * eval_share: an aggregation that stands in an expression several times is evaluated once, as in
 * error ratios: sum(rate(a)) / (sum(rate(a)) + sum(rate(b))). Only aggregations are kept, since
 * their results are small; one that annotates is evaluated again, for the annotation tells a
 * position.
 */
#include "base/map.h"
#include "promql/engine_priv.h"

/* Printing all aggregations of a longer text might cost more than it gains. */
enum { SHARED_TEXT_MAX = 16384 };

struct shared_value {
    uint32_t uses; /* that are still to come */
    bool ready;
    uint64_t samples_read;
    struct timeline line;
    struct value value;
};

struct marking {
    struct arena *arena;
    struct map by_text;
};

static bool visit_aggregate(struct expr *node, void *context)
{
    struct marking *marking = context;
    struct buf text = {0};
    struct shared_value *shared;

    if (node->kind != EXPR_AGGREGATE) {
        return true;
    }
    promql_print(&text, node);
    shared = map_get(&marking->by_text, buf_view(&text));
    if (shared == NULL) {
        shared = ARENA_NEW(marking->arena, struct shared_value);
        (void)map_put(&marking->by_text, arena_str(marking->arena, buf_view(&text)), shared);
    }
    shared->uses++;
    node->shared = shared;
    buf_done(&text);
    return true;
}

void engine_mark_shared(struct arena *arena, str text, struct expr *tree)
{
    struct marking marking = {.arena = arena};

    if (text.len <= SHARED_TEXT_MAX) {
        (void)promql_expr_walk(tree, visit_aggregate, &marking);
        map_done(&marking.by_text);
    }
}

static int copy_rows(struct eval *ev, size_t steps, const struct value *from, struct value *ret,
                     struct baro_error *err)
{
    struct row *rows = eval_rows(ev, from->count, err);

    if (rows == NULL) {
        return BARO_ELIMIT;
    }
    for (size_t i = 0; i < from->count; i++) {
        rows[i] = from->rows[i];
        rows[i].v = eval_points(ev, steps, err);
        rows[i].h = from->rows[i].h != NULL ? eval_histograms(ev, steps, err) : NULL;
        if (rows[i].v == NULL || (from->rows[i].h != NULL && rows[i].h == NULL)) {
            return BARO_ELIMIT;
        }
        memcpy(rows[i].v, from->rows[i].v, steps * sizeof(double));
        if (rows[i].h != NULL) {
            memcpy(rows[i].h, from->rows[i].h, steps * sizeof(*rows[i].h));
        }
    }
    *ret = *from;
    ret->rows = rows;
    return eval_tick(ev, steps * from->count / 4, err);
}

static bool is_same(const struct timeline *a, const struct timeline *b)
{
    return a->start == b->start && a->step == b->step && a->steps == b->steps;
}

static size_t annotation_count(const struct eval *ev)
{
    return ev->annotations.warnings.count + ev->annotations.infos.count;
}

int eval_shared(struct eval *ev, const struct timeline *line, const struct expr *expr,
                struct value *ret, struct baro_error *err)
{
    struct shared_value *shared = expr->shared;
    size_t annotations = annotation_count(ev);
    uint64_t samples_read;
    int r;

    shared->uses -= shared->uses > 0;
    /* Samples are counted as if they had been read again; by step they can only be counted anew. */
    if (shared->ready && is_same(&shared->line, line) && ev->samples_per_step == NULL) {
        ev->stats.samples_read += shared->samples_read;
        return copy_rows(ev, line->steps, &shared->value, ret, err);
    }
    samples_read = ev->stats.samples_read;
    r = aggregate_eval(ev, line, expr, ret, err);
    if (r >= 0 && shared->uses > 0 && annotation_count(ev) == annotations) {
        r = copy_rows(ev, line->steps, ret, &shared->value, err);
        shared->line = *line;
        shared->samples_read = ev->stats.samples_read - samples_read;
        shared->ready = r >= 0;
    }
    return r;
}
