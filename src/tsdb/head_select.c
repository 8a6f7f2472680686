/*
 * From matchers to series. Values that a matcher accepts become a union of postings; the unions are
 * intersected, and what negative matchers name is taken away. A matcher that accepts the empty
 * value also accepts series without the label, so there the values that it refuses are taken away.
 * Source: Prometheus tsdb/querier.go, PostingsForMatchers.
 */
#include "tsdb/head_priv.h"

enum { CANCEL_EVERY = 4096 }; /* values between two looks at the cancel flag */

typedef VEC(struct postings) postings_list;

static int push_value(const struct head *head, const struct matcher *matcher, str value,
                      postings_list *lists)
{
    pair_ref pair = head_labels_find(&head->labels, matcher->name, value);

    if (pair != 0) {
        struct postings postings = label_pair_postings(label_pair_at(&head->labels, pair));

        if (postings.count > 0) {
            vec_push(lists, postings);
        }
    }
    return 0;
}

/* All values of the label that the matcher accepts (or refuses, when `want` is false). */
static int push_walk(const struct head *head, const struct matcher *matcher, bool want,
                     const struct cancel *cancel, postings_list *lists, struct baro_error *err)
{
    const struct label_name *name = head_labels_name(&head->labels, matcher->name);
    str prefix = want && matcher->op == MATCHER_REGEX ? matcher_prefix(matcher) : STR_NULL;

    for (size_t i = 0; name != NULL && i < name->pairs.count; i++) {
        const struct label_pair *pair = label_pair_at(&head->labels, name->pairs.items[i]);
        str value = label_pair_value(pair);

        if (i % CANCEL_EVERY == CANCEL_EVERY - 1) {
            int r = cancel_check(cancel, err);

            if (r < 0) {
                return r;
            }
        }
        if (pair->count > 0 && str_has_prefix(value, prefix) &&
            matcher_matches(matcher, value) == want) {
            vec_push(lists, label_pair_postings(pair));
        }
    }
    return 0;
}

static int push_accepted(const struct head *head, const struct matcher *matcher,
                         const struct cancel *cancel, postings_list *lists, struct baro_error *err)
{
    const str *values = NULL;
    size_t count = 0;

    if (matcher->op == MATCHER_EQUAL) {
        return push_value(head, matcher, matcher->value, lists);
    }
    if (matcher->op == MATCHER_REGEX) {
        matcher_set_values(matcher, &values, &count);
        for (size_t i = 0; i < count; i++) {
            (void)push_value(head, matcher, values[i], lists);
        }
        if (count > 0) {
            return 0;
        }
    }
    return push_walk(head, matcher, true, cancel, lists, err);
}

static int push_refused(const struct head *head, const struct matcher *matcher,
                        const struct cancel *cancel, postings_list *lists, struct baro_error *err)
{
    const str *values = NULL;
    size_t count = 0;

    if (matcher->op == MATCHER_NOT_EQUAL) {
        return push_value(head, matcher, matcher->value, lists);
    }
    if (matcher->op == MATCHER_NOT_REGEX) {
        matcher_set_values(matcher, &values, &count);
        for (size_t i = 0; i < count; i++) {
            (void)push_value(head, matcher, values[i], lists);
        }
        if (count > 0) {
            return 0;
        }
    }
    return push_walk(head, matcher, false, cancel, lists, err);
}

static int all_series(const struct head *head, struct arena *arena, struct postings *ret,
                      struct baro_error *err)
{
    uint32_t *items = arena_try(arena, (head->series_count + 1u) * sizeof(uint32_t));

    if (items == NULL) {
        return error_set(err, BARO_ELIMIT, "the query needs too much memory");
    }
    *ret = (struct postings){.items = items, .count = head_slots_alive_locked(head, items)};
    return 0;
}

static int union_of(const struct head *head, const struct matcher *matcher, bool accepted,
                    struct arena *arena, const struct cancel *cancel, struct postings *ret,
                    struct baro_error *err)
{
    postings_list lists = {0};
    int r = accepted ? push_accepted(head, matcher, cancel, &lists, err)
                     : push_refused(head, matcher, cancel, &lists, err);

    if (r >= 0) {
        *ret = (struct postings){0};
        r = lists.count == 0 ? 0 : postings_union(arena, lists.items, lists.count, ret, err);
    }
    vec_done(&lists);
    return r;
}

static int take_away(struct arena *arena, struct postings *from, struct postings what,
                     struct baro_error *err)
{
    uint32_t *items;

    if (what.count == 0 || from->count == 0) {
        return 0;
    }
    items = arena_try(arena, from->count * sizeof(uint32_t));
    if (items == NULL) {
        return error_set(err, BARO_ELIMIT, "the query needs too much memory");
    }
    from->count = postings_without(*from, what, items);
    from->items = items;
    return 0;
}

/* Series that every matcher wants which does not accept the empty value. */
static int select_positive(const struct head *head, struct arena *arena, struct matchers matchers,
                           const struct cancel *cancel, struct postings *ret,
                           struct baro_error *err)
{
    postings_list lists = {0};
    int r = 0;

    for (size_t i = 0; r >= 0 && i < matchers.count; i++) {
        struct postings one = {0};

        if (!matcher_matches_empty(&matchers.items[i])) {
            r = union_of(head, &matchers.items[i], true, arena, cancel, &one, err);
            if (r >= 0) {
                vec_push(&lists, one);
            }
        }
    }
    if (r >= 0) {
        r = lists.count == 0 ? all_series(head, arena, ret, err)
                             : postings_intersect_all(arena, lists.items, lists.count, ret, err);
    }
    vec_done(&lists);
    return r;
}

int head_select_locked(struct head *head, struct arena *arena, struct matchers matchers,
                       const struct cancel *cancel, struct postings *ret, struct baro_error *err)
{
    struct postings found = {0};
    int r;

    r = select_positive(head, arena, matchers, cancel, &found, err);
    for (size_t i = 0; r >= 0 && found.count > 0 && i < matchers.count; i++) {
        struct postings one = {0};

        if (matcher_matches_empty(&matchers.items[i])) {
            r = union_of(head, &matchers.items[i], false, arena, cancel, &one, err);
            if (r >= 0) {
                r = take_away(arena, &found, one, err);
            }
        }
    }
    if (r >= 0) {
        *ret = found;
    }
    return r;
}
