/*
 * binary: operators between scalars and vectors. Series of both sides are matched once, by the hash
 * of the labels they are matched on; arithmetic then runs over whole rows. Which points meet is
 * decided per step, so the checks for ambiguous matches look at steps too, but only where a match
 * group has several series. Semantics: Prometheus 3.14, promql/engine.go (VectorBinop and others).
 */
#include <math.h>

#include "promql/engine_priv.h"

#define NO_ROW UINT32_MAX

/* One side: rows by match group. */
struct side {
    struct value value;
    uint32_t *group_of; /* per row */
    uint32_t *first;    /* per group, NO_ROW when empty */
    uint32_t *last;
    uint32_t *next; /* per row: the next of the same group */
    uint8_t *
        *presence; /* per group: the steps at which any row has a point; NULL until asked for */
};

/* The points that one match group gives to one label set. */
struct output {
    struct row row;
    struct row many; /* the pair of rows that it was made of first */
    struct row one;
    uint8_t *matched; /* the steps that any pair has matched at; NULL while there was only one */
    uint32_t group;
    uint32_t next; /* output of another group with equal labels */
};

struct matching {
    struct eval *ev;
    const struct timeline *line;
    const struct expr *expr;
    enum binary_op op;
    const struct vector_matching *spec;
    bool swapped; /* many is the right-hand side */
    struct side many;
    struct side one;
    size_t group_count;
    struct label_choice choice; /* the labels that are matched on */
    struct label_choice kept;   /* one-to-one: the labels that the result has */
    struct label_index groups;
    struct label_index sets; /* label sets of outputs */
    uint32_t *heads;         /* per label set: its first output */
    size_t head_capacity;
    struct output *outputs;
    size_t output_count;
    size_t output_capacity;
    double *room; /* one row */
    const struct histogram **room_h;
};

/* ---- match groups ---- */

static int side_assign(struct matching *m, struct side *side, struct baro_error *err)
{
    struct label local[LABEL_ROOM];

    side->group_of = eval_alloc(m->ev, side->value.count, sizeof(uint32_t), err);
    side->next = eval_alloc(m->ev, side->value.count, sizeof(uint32_t), err);
    if (side->group_of == NULL || side->next == NULL) {
        return BARO_ELIMIT;
    }
    for (size_t i = 0; i < side->value.count; i++) {
        struct labels labels = side->value.rows[i].labels;
        struct label *room = label_room(m->ev->scratch, local, labels.count);
        int r =
            label_index_put(&m->groups, m->ev->scratch, label_choice_pick(&m->choice, labels, room),
                            &side->group_of[i], err);

        r = r < 0 ? r : eval_tick(m->ev, 10, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int side_chain(struct matching *m, struct side *side, struct baro_error *err)
{
    side->first = eval_alloc(m->ev, m->group_count, sizeof(uint32_t), err);
    side->last = eval_alloc(m->ev, m->group_count, sizeof(uint32_t), err);
    side->presence = eval_alloc(m->ev, m->group_count, sizeof(*side->presence), err);
    if (side->first == NULL || side->last == NULL || side->presence == NULL) {
        return BARO_ELIMIT;
    }
    for (size_t g = 0; g < m->group_count; g++) {
        side->first[g] = NO_ROW;
        side->presence[g] = NULL;
    }
    for (size_t i = 0; i < side->value.count; i++) {
        uint32_t group = side->group_of[i];

        side->next[i] = NO_ROW;
        if (side->first[group] == NO_ROW) {
            side->first[group] = (uint32_t)i;
        } else {
            side->next[side->last[group]] = (uint32_t)i;
        }
        side->last[group] = (uint32_t)i;
    }
    return 0;
}

static int match_groups(struct matching *m, struct baro_error *err)
{
    int r;

    label_choice_init(&m->choice, m->ev->scratch, m->spec->labels, m->spec->label_count,
                      !m->spec->on, m->spec->on ? NULL : "__name__");
    label_choice_init(&m->kept, m->ev->scratch, m->spec->labels, m->spec->label_count, !m->spec->on,
                      NULL);
    r = side_assign(m, &m->many, err);
    r = r < 0 ? r : side_assign(m, &m->one, err);
    m->group_count = m->groups.count;
    r = r < 0 ? r : side_chain(m, &m->many, err);
    return r < 0 ? r : side_chain(m, &m->one, err);
}

static int mark_present(struct matching *m, const struct row *row, uint8_t *present,
                        struct baro_error *err)
{
    for (size_t step = 0; step < m->line->steps; step++) {
        present[step] |= row_has(row, step);
    }
    return eval_tick(m->ev, m->line->steps / 4 + 1, err);
}

static uint8_t *no_steps(struct matching *m, struct baro_error *err)
{
    uint8_t *steps = eval_alloc(m->ev, m->line->steps, 1, err);

    if (steps != NULL) {
        memset(steps, 0, m->line->steps);
    }
    return steps;
}

/* The steps at which a group has a point on this side. */
static int side_presence(struct matching *m, struct side *side, uint32_t group, const uint8_t **ret,
                         struct baro_error *err)
{
    uint8_t *present = side->presence[group];
    int r = 0;

    if (present == NULL) {
        present = no_steps(m, err);
        r = present == NULL ? BARO_ELIMIT : 0;
        for (uint32_t i = side->first[group]; r >= 0 && i != NO_ROW; i = side->next[i]) {
            r = mark_present(m, &side->value.rows[i], present, err);
        }
        side->presence[group] = present;
    }
    *ret = present;
    return r;
}

static int duplicate_error(const struct matching *m, uint32_t earlier, uint32_t later,
                           struct baro_error *err)
{
    const struct row *rows = m->one.value.rows;
    struct labels group = m->groups.sets[m->one.group_of[later]];
    struct arena *arena = m->ev->keep;
    bool in_order = labels_cmp(rows[earlier].labels, rows[later].labels) <= 0;

    return error_set(err, BARO_EEXEC,
                     "found duplicate series for the match group %s on the %s hand-side of the "
                     "operation: [%s, %s];many-to-many matching not allowed: matching labels must "
                     "be unique on one side",
                     labels_string(arena, group), m->swapped ? "left" : "right",
                     labels_string(arena, rows[in_order ? earlier : later].labels),
                     labels_string(arena, rows[in_order ? later : earlier].labels));
}

/* The "one" side must have at most one point per group and step, where the other side has any. */
static int check_group(struct matching *m, uint32_t group, const uint8_t *asked,
                       struct baro_error *err)
{
    const struct row *rows = m->one.value.rows;

    for (size_t step = 0; step < m->line->steps; step++) {
        uint32_t seen = NO_ROW;
        size_t work = 0;
        int r;

        for (uint32_t i = m->one.first[group]; i != NO_ROW; i = m->one.next[i], work++) {
            if (!row_has(&rows[i], step)) {
                continue;
            }
            if (seen != NO_ROW && asked[step] != 0) {
                return duplicate_error(m, seen, i, err);
            }
            seen = i;
        }
        r = eval_tick(m->ev, work, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* The steps at which the other side has any point at all, or is filled in. */
static int asked_steps(struct matching *m, uint8_t **ret, struct baro_error *err)
{
    int r = 0;

    *ret = no_steps(m, err);
    if (*ret == NULL) {
        return BARO_ELIMIT;
    }
    if (m->spec->has_fill_left || m->spec->has_fill_right) {
        memset(*ret, 1, m->line->steps);
        return 0;
    }
    for (size_t i = 0; r >= 0 && i < m->many.value.count; i++) {
        r = mark_present(m, &m->many.value.rows[i], *ret, err);
    }
    return r;
}

static bool has_several(const struct side *side, uint32_t group)
{
    return side->first[group] != NO_ROW && side->first[group] != side->last[group];
}

static int check_one_side(struct matching *m, struct baro_error *err)
{
    uint8_t *asked = NULL;
    int r = 0;

    for (uint32_t group = 0; r >= 0 && group < m->group_count; group++) {
        if (!has_several(&m->one, group)) {
            continue;
        }
        r = asked == NULL ? asked_steps(m, &asked, err) : 0;
        r = r < 0 ? r : check_group(m, group, asked, err);
    }
    return r;
}

/* ---- labels of results ---- */

static struct labels result_labels(struct matching *m, struct labels many, struct labels one)
{
    const struct vector_matching *spec = m->spec;
    struct arena *arena = m->ev->keep;
    struct labels labels = many;

    if (binary_op_changes_schema(m->op) ||
        (m->expr->binary.return_bool && !m->ev->delayed_name_removal)) {
        labels = labels_drop_meta(arena, labels);
    }
    if (spec->card == CARD_ONE_TO_ONE) {
        struct label *room = arena_alloc(arena, (labels.count + 1) * sizeof(*room));

        labels = label_choice_pick(&m->kept, labels, room);
    }
    for (size_t i = 0; i < spec->include_count; i++) {
        str value = labels_get(one, spec->include[i]);

        labels = labels_with(arena, labels, spec->include[i], value);
    }
    return labels;
}

/* ---- outputs ---- */

static int match_error(const struct matching *m, struct baro_error *err)
{
    return error_set(err, BARO_EEXEC,
                     m->spec->card == CARD_ONE_TO_ONE
                         ? "multiple matches for labels: many-to-one matching must be explicit "
                           "(group_left/group_right)"
                         : "multiple matches for labels: grouping labels must ensure unique "
                           "matches");
}

static void *grow(struct eval *ev, void *old, size_t count, size_t size, size_t *capacity,
                  struct baro_error *err)
{
    size_t wanted = *capacity == 0 ? 64 : *capacity * 2;
    void *fresh = eval_alloc(ev, wanted, size, err);

    if (fresh == NULL) {
        return NULL;
    }
    if (count > 0) {
        memcpy(fresh, old, count * size);
    }
    *capacity = wanted;
    return fresh;
}

static int output_new(struct matching *m, uint32_t group, uint32_t *ret, struct baro_error *err)
{
    if (m->output_count == m->output_capacity) {
        struct output *outputs =
            grow(m->ev, m->outputs, m->output_count, sizeof(*outputs), &m->output_capacity, err);

        if (outputs == NULL) {
            return BARO_ELIMIT;
        }
        m->outputs = outputs;
    }
    *ret = (uint32_t)m->output_count++;
    m->outputs[*ret] = (struct output){.group = group, .next = NO_ROW};
    return 0;
}

/* Finds the output of a group and label set; 1 when it was made. */
static int output_find(struct matching *m, uint32_t group, struct labels labels, uint32_t *ret,
                       struct baro_error *err)
{
    uint32_t set = 0;
    uint32_t *link;
    int r = label_index_put(&m->sets, m->ev->keep, labels, &set, err);

    if (r < 0) {
        return r;
    }
    if (r > 0) {
        if (set >= m->head_capacity) {
            uint32_t *heads = grow(m->ev, m->heads, set, sizeof(*heads), &m->head_capacity, err);

            if (heads == NULL) {
                return BARO_ELIMIT;
            }
            m->heads = heads;
        }
        m->heads[set] = NO_ROW;
    }
    for (link = &m->heads[set]; *link != NO_ROW; link = &m->outputs[*link].next) {
        if (m->outputs[*link].group == group) {
            *ret = *link;
            return 0;
        }
    }
    r = output_new(m, group, ret, err);
    if (r < 0) {
        return r;
    }
    /* The outputs may have moved: the end of the chain is looked up again. */
    for (link = &m->heads[set]; *link != NO_ROW; link = &m->outputs[*link].next) {
    }
    *link = *ret;
    m->outputs[*ret].row.labels = m->sets.sets[set];
    return 1;
}

/* Computes a pair of rows into m->room; *ret_h is m->room_h when any side has histograms. */
static int compute(const struct matching *m, const struct row *many, const struct row *one,
                   const struct histogram ***ret_h, struct baro_error *err)
{
    const struct row *lhs = m->swapped ? one : many;
    const struct row *rhs = m->swapped ? many : one;
    size_t steps = m->line->steps;

    binary_note_trim(m->ev, m->expr, lhs->v, rhs->v, steps);
    binary_rows(m->op, m->expr->binary.return_bool, lhs->v, rhs->v, lhs->v, m->room, steps);
    *ret_h = NULL;
    if (LIKELY(lhs->h == NULL && rhs->h == NULL)) {
        return 0;
    }
    *ret_h = m->room_h;
    return binary_histograms(m->ev, m->expr, lhs, rhs, m->room, m->room_h, steps, err);
}

static int output_histograms(struct matching *m, struct output *output, struct baro_error *err)
{
    if (output->row.h == NULL) {
        output->row.h = eval_histograms(m->ev, m->line->steps, err);
    }
    return output->row.h == NULL ? BARO_ELIMIT : 0;
}

/* A further pair gives points to an output: at other steps, or the match is ambiguous. */
static int output_join(struct matching *m, struct output *output, const struct row *many,
                       const struct row *one, const struct histogram **h, struct baro_error *err)
{
    size_t steps = m->line->steps;

    if (output->matched == NULL) {
        output->matched = eval_alloc(m->ev, steps, 1, err);
        if (output->matched == NULL) {
            return BARO_ELIMIT;
        }
        for (size_t i = 0; i < steps; i++) {
            output->matched[i] = row_has(&output->many, i) && row_has(&output->one, i);
        }
    }
    if (h != NULL && output_histograms(m, output, err) < 0) {
        return BARO_ELIMIT;
    }
    for (size_t i = 0; i < steps; i++) {
        if (!row_has(many, i) || !row_has(one, i)) {
            continue;
        }
        if (output->matched[i]) {
            return match_error(m, err);
        }
        output->matched[i] = 1;
        output->row.v[i] = m->room[i];
        if (h != NULL) {
            output->row.h[i] = h[i];
        }
    }
    return 0;
}

static bool rows_meet(const struct row *a, const struct row *b, size_t steps)
{
    for (size_t i = 0; i < steps; i++) {
        if (row_has(a, i) && row_has(b, i)) {
            return true;
        }
    }
    return false;
}

static int output_fill(struct matching *m, struct output *output, const struct row *many,
                       const struct row *one, const struct histogram **h, struct baro_error *err)
{
    size_t steps = m->line->steps;

    output->row.v = eval_points(m->ev, steps, err);
    if (output->row.v == NULL || (h != NULL && output_histograms(m, output, err) < 0)) {
        return BARO_ELIMIT;
    }
    memcpy(output->row.v, m->room, steps * sizeof(double));
    if (h != NULL) {
        memcpy(output->row.h, h, steps * sizeof(*h));
    }
    output->row.drop_name = m->expr->binary.return_bool;
    output->many = *many;
    output->one = *one;
    return 0;
}

static int pair_add(struct matching *m, uint32_t group, const struct row *many,
                    const struct row *one, struct baro_error *err)
{
    size_t steps = m->line->steps;
    const struct histogram **h = NULL;
    struct labels labels;
    uint32_t ordinal = 0;
    int r = eval_tick(m->ev, 10 + steps / 4, err);

    if (r < 0 || !rows_meet(many, one, steps)) {
        return r;
    }
    r = compute(m, many, one, &h, err);
    if (r < 0) {
        return r;
    }
    labels = result_labels(m, many->labels, one->labels);
    r = output_find(m, group, labels, &ordinal, err);
    if (r < 0) {
        return r;
    }
    return r == 0 ? output_join(m, &m->outputs[ordinal], many, one, h, err)
                  : output_fill(m, &m->outputs[ordinal], many, one, h, err);
}

/* One-to-one: two rows of one group must not match at the same step, whatever labels they give. */
static int check_one_to_one(struct matching *m, uint32_t group, struct baro_error *err)
{
    bool fill = m->spec->has_fill_left || m->spec->has_fill_right;
    uint8_t *seen = no_steps(m, err);
    const uint8_t *one = NULL;
    int r = seen == NULL ? BARO_ELIMIT : side_presence(m, &m->one, group, &one, err);

    for (uint32_t i = m->many.first[group]; r >= 0 && i != NO_ROW; i = m->many.next[i]) {
        const struct row *row = &m->many.value.rows[i];

        for (size_t step = 0; step < m->line->steps; step++) {
            bool present = row_has(row, step) && (fill || one[step] != 0);

            if (present && seen[step] != 0) {
                return match_error(m, err);
            }
            seen[step] |= present;
        }
        r = eval_tick(m->ev, m->line->steps / 4 + 1, err);
    }
    return r;
}

/* ---- fill modifiers ---- */

static struct labels match_labels(struct matching *m, struct labels labels)
{
    struct label *room = arena_alloc(m->ev->keep, (labels.count + 1) * sizeof(*room));

    return label_choice_pick(&m->choice, labels, room);
}

/* A row that stands in where `present` has a point and no row of the group's other side has. */
static int filled_row(struct matching *m, struct side *other, uint32_t group,
                      const struct row *present, double fill, struct row *ret,
                      struct baro_error *err)
{
    const uint8_t *matched = NULL;
    bool any = false;
    int r = side_presence(m, other, group, &matched, err);

    if (r < 0) {
        return r;
    }
    *ret = (struct row){.labels = match_labels(m, present->labels),
                        .v = eval_points(m->ev, m->line->steps, err)};
    if (ret->v == NULL) {
        return BARO_ELIMIT;
    }
    for (size_t step = 0; step < m->line->steps; step++) {
        bool missing = row_has(present, step) && matched[step] == 0;

        ret->v[step] = missing ? fill : value_absent();
        any |= missing;
    }
    return any;
}

static int fill_one(struct matching *m, double fill, struct baro_error *err)
{
    for (size_t i = 0; i < m->many.value.count; i++) {
        const struct row *many = &m->many.value.rows[i];
        uint32_t group = m->many.group_of[i];
        struct row one;
        int r = filled_row(m, &m->one, group, many, fill, &one, err);

        r = r > 0 ? pair_add(m, group, many, &one, err) : r;
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int fill_many(struct matching *m, double fill, struct baro_error *err)
{
    for (size_t i = 0; i < m->one.value.count; i++) {
        const struct row *one = &m->one.value.rows[i];
        uint32_t group = m->one.group_of[i];
        struct row many;
        int r = filled_row(m, &m->many, group, one, fill, &many, err);

        r = r > 0 ? pair_add(m, group, &many, one, err) : r;
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int fill_both(struct matching *m, struct baro_error *err)
{
    const struct vector_matching *spec = m->spec;
    int r = 0;

    /* With group_right, too, it is fill_right that fills in the "one" side, as in Prometheus. */
    if (spec->has_fill_right) {
        r = fill_one(m, spec->fill_right, err);
    }
    if (r >= 0 && spec->has_fill_left) {
        r = fill_many(m, spec->fill_left, err);
    }
    return r;
}

/* ---- arithmetic and comparison of vectors ---- */

static int join_rows(struct matching *m, struct baro_error *err)
{
    for (size_t i = 0; i < m->many.value.count; i++) {
        uint32_t group = m->many.group_of[i];
        int r = 0;

        if (m->spec->card == CARD_ONE_TO_ONE && m->many.first[group] == (uint32_t)i &&
            m->many.last[group] != (uint32_t)i) {
            r = check_one_to_one(m, group, err);
        }
        for (uint32_t o = m->one.first[group]; r >= 0 && o != NO_ROW; o = m->one.next[o]) {
            r = pair_add(m, group, &m->many.value.rows[i], &m->one.value.rows[o], err);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* Outputs of different groups with equal labels become one series. */
static int collect_outputs(struct matching *m, struct value *ret, struct baro_error *err)
{
    struct row *rows = eval_rows(m->ev, m->output_count, err);
    size_t count = 0;

    if (rows == NULL) {
        return BARO_ELIMIT;
    }
    for (size_t i = 0; i < m->output_count; i++) {
        if (row_any(&m->outputs[i].row, m->line->steps)) {
            rows[count++] = m->outputs[i].row;
        }
    }
    *ret = (struct value){.type = VALUE_VECTOR, .rows = rows, .count = count};
    return m->sets.count == m->output_count ? 0 : value_merge(m->ev, m->line, ret, err);
}

static int match_vectors(struct matching *m, struct value *ret, struct baro_error *err)
{
    int r = match_groups(m, err);

    m->room = eval_alloc(m->ev, m->line->steps, sizeof(double), err);
    m->room_h = eval_histograms(m->ev, m->line->steps, err);
    r = r < 0 || (m->room != NULL && m->room_h != NULL) ? r : BARO_ELIMIT;
    r = r < 0 ? r : check_one_side(m, err);
    r = r < 0 ? r : join_rows(m, err);
    r = r < 0 ? r : fill_both(m, err);
    return r < 0 ? r : collect_outputs(m, ret, err);
}

/* ---- set operators ---- */

/* Takes the points of row i out where the group's rows on the other side have one (or have none).
 */
static int mask_row(struct matching *m, const struct side *side, size_t i, struct side *other,
                    bool keep_matched, struct baro_error *err)
{
    const uint8_t *present = NULL;
    struct row *row = &side->value.rows[i];
    int r = side_presence(m, other, side->group_of[i], &present, err);

    for (size_t step = 0; r >= 0 && step < m->line->steps; step++) {
        if ((present[step] != 0) != keep_matched) {
            row_clear(row, step);
        }
    }
    return r < 0 ? r : eval_tick(m->ev, m->line->steps / 4 + 1, err);
}

static int set_operator(struct matching *m, struct value *ret, struct baro_error *err)
{
    bool is_or = m->op == OP_OR;
    struct side *masked = is_or ? &m->one : &m->many;
    struct side *other = is_or ? &m->many : &m->one;
    struct row *rows;
    size_t count = 0;
    int r = match_groups(m, err);

    rows = eval_rows(m->ev, m->many.value.count + m->one.value.count, err);
    r = rows == NULL ? BARO_ELIMIT : r;
    for (size_t i = 0; r >= 0 && i < masked->value.count; i++) {
        r = mask_row(m, masked, i, other, m->op == OP_AND, err);
    }
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < m->many.value.count; i++) {
        if (is_or || row_any(&m->many.value.rows[i], m->line->steps)) {
            rows[count++] = m->many.value.rows[i];
        }
    }
    for (size_t i = 0; is_or && i < m->one.value.count; i++) {
        if (row_any(&m->one.value.rows[i], m->line->steps)) {
            rows[count++] = m->one.value.rows[i];
        }
    }
    *ret = (struct value){.type = VALUE_VECTOR, .rows = rows, .count = count};
    return is_or ? value_merge(m->ev, m->line, ret, err) : 0;
}

static int vector_vector(struct eval *ev, const struct timeline *line, const struct expr *expr,
                         struct value *ret, struct baro_error *err)
{
    struct matching m = {
        .ev = ev, .line = line, .expr = expr, .op = expr->binary.op, .spec = expr->binary.matching};
    int r;

    m.swapped = m.spec->card == CARD_ONE_TO_MANY;
    r = eval_expr(ev, line, expr->binary.lhs, m.swapped ? &m.one.value : &m.many.value, err);
    r = r < 0
            ? r
            : eval_expr(ev, line, expr->binary.rhs, m.swapped ? &m.many.value : &m.one.value, err);
    if (r >= 0) {
        r = binary_op_is_set(m.op) ? set_operator(&m, ret, err) : match_vectors(&m, ret, err);
    }
    label_index_done(&m.groups);
    label_index_done(&m.sets);
    return r;
}

/* ---- vector and scalar ---- */

static int row_scalar(struct eval *ev, const struct timeline *line, const struct expr *expr,
                      struct row *row, double *scalar, struct baro_error *err)
{
    bool swap = expr->binary.lhs->type == VALUE_SCALAR;
    const struct row constant = {.v = scalar};
    double *v = row->v;
    int r = eval_tick(ev, line->steps, err);

    binary_note_trim(ev, expr, v, scalar, line->steps);
    binary_rows(expr->binary.op, expr->binary.return_bool, swap ? scalar : v, swap ? v : scalar, v,
                v, line->steps);
    if (r < 0 || LIKELY(row->h == NULL)) {
        return r;
    }
    return binary_histograms(ev, expr, swap ? &constant : row, swap ? row : &constant, v, row->h,
                             line->steps, err);
}

static int vector_scalar(struct eval *ev, const struct timeline *line, const struct expr *expr,
                         struct value *ret, struct baro_error *err)
{
    bool swap = expr->binary.lhs->type == VALUE_SCALAR;
    struct value vector = {0};
    double *scalar = NULL;
    size_t count = 0;
    int r = eval_expr(ev, line, swap ? expr->binary.rhs : expr->binary.lhs, &vector, err);

    r = r < 0 ? r : eval_scalar(ev, line, swap ? expr->binary.lhs : expr->binary.rhs, &scalar, err);
    for (size_t i = 0; r >= 0 && i < vector.count; i++) {
        r = row_scalar(ev, line, expr, &vector.rows[i], scalar, err);
        if (r >= 0 && row_any(&vector.rows[i], line->steps)) {
            vector.rows[count++] = vector.rows[i];
        }
    }
    if (r < 0) {
        return r;
    }
    *ret = (struct value){.type = VALUE_VECTOR, .rows = vector.rows, .count = count};
    if (binary_op_changes_schema(expr->binary.op) || expr->binary.return_bool) {
        return value_drop_names(ev, line, ret, err);
    }
    return 0;
}

static int scalar_scalar(struct eval *ev, const struct timeline *line, const struct expr *expr,
                         struct value *ret, struct baro_error *err)
{
    double *lhs = NULL;
    double *rhs = NULL;
    int r = eval_scalar(ev, line, expr->binary.lhs, &lhs, err);

    r = r < 0 ? r : eval_scalar(ev, line, expr->binary.rhs, &rhs, err);
    for (size_t i = 0; r >= 0 && i < line->steps; i++) {
        lhs[i] = binary_scalar(expr->binary.op, lhs[i], rhs[i]);
    }
    *ret = (struct value){.type = VALUE_SCALAR, .scalar = lhs};
    return r;
}

int binary_eval(struct eval *ev, const struct timeline *line, const struct expr *expr,
                struct value *ret, struct baro_error *err)
{
    bool lhs_scalar = expr->binary.lhs->type == VALUE_SCALAR;
    bool rhs_scalar = expr->binary.rhs->type == VALUE_SCALAR;

    if (lhs_scalar && rhs_scalar) {
        return scalar_scalar(ev, line, expr, ret, err);
    }
    return lhs_scalar || rhs_scalar ? vector_scalar(ev, line, expr, ret, err)
                                    : vector_vector(ev, line, expr, ret, err);
}
