/*
 * From matchers to series, in a block. A matcher that refuses the empty value asks for the series
 * of the values that it accepts; one that accepts it also takes series without the label, so there
 * the series of the values that it refuses are taken away. Source: Prometheus tsdb/querier.go,
 * PostingsForMatchers.
 */
#include "base/vec.h"
#include "tsdb/block_priv.h"

enum { CANCEL_EVERY_VALUES = 4096 };

/* The postings that one matcher names. */
struct gathering {
    const struct index_reader *index;
    const struct matcher *matcher;
    const struct cancel *cancel;
    uint32_t name;
    VEC(struct postings) lists;
};

static int take_value(struct gathering *gathering, uint32_t value, struct baro_error *err)
{
    struct postings list = {0};
    int r = index_reader_postings(gathering->index, gathering->name, value, &list, err);

    if (r >= 0 && list.count > 0) {
        vec_push(&gathering->lists, list);
    }
    return r;
}

static int take_literal(struct gathering *gathering, str literal, struct baro_error *err)
{
    uint32_t value = index_reader_value_seek(gathering->index, gathering->name, literal);

    if (value == index_reader_value_count(gathering->index, gathering->name) ||
        !str_eq(index_reader_value(gathering->index, gathering->name, value), literal)) {
        return 0;
    }
    return take_value(gathering, value, err);
}

/* walk_values takes the values that the matcher accepts (or refuses, when `wanted` is false). All
 * accepted ones stand together when they share a prefix. */
static int walk_values(struct gathering *gathering, bool wanted, struct baro_error *err)
{
    uint32_t count = index_reader_value_count(gathering->index, gathering->name);
    str prefix = wanted ? matcher_prefix(gathering->matcher) : STR_NULL;
    uint32_t first =
        prefix.len == 0 ? 0 : index_reader_value_seek(gathering->index, gathering->name, prefix);

    for (uint32_t i = first; i < count; i++) {
        str value = index_reader_value(gathering->index, gathering->name, i);
        int r = i % CANCEL_EVERY_VALUES == 0 ? cancel_check(gathering->cancel, err) : 0;

        if (!str_has_prefix(value, prefix)) {
            break;
        }
        if (r >= 0 && matcher_matches(gathering->matcher, value) == wanted) {
            r = take_value(gathering, i, err);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int gather(struct gathering *gathering, bool wanted, struct baro_error *err)
{
    const struct matcher *matcher = gathering->matcher;
    const str *values = NULL;
    size_t count = 0;

    if (wanted ? matcher->op == MATCHER_EQUAL : matcher->op == MATCHER_NOT_EQUAL) {
        return take_literal(gathering, matcher->value, err);
    }
    if (wanted && matcher->op == MATCHER_REGEX) {
        matcher_set_values(matcher, &values, &count);
    }
    for (size_t i = 0; i < count; i++) {
        int r = take_literal(gathering, values[i], err);

        if (r < 0) {
            return r;
        }
    }
    return count > 0 ? 0 : walk_values(gathering, wanted, err);
}

/* named_by unites the series of the values that the matcher accepts or refuses. */
static int named_by(const struct block *block, struct arena *arena, const struct matcher *matcher,
                    bool wanted, const struct cancel *cancel, struct postings *ret,
                    struct baro_error *err)
{
    struct gathering gathering = {.index = block->index, .matcher = matcher, .cancel = cancel};
    int r;

    *ret = (struct postings){0};
    if (!index_reader_name_find(block->index, matcher->name, &gathering.name)) {
        return 0;
    }
    r = gather(&gathering, wanted, err);
    if (r >= 0 && gathering.lists.count > 0) {
        r = postings_union(arena, gathering.lists.items, gathering.lists.count, ret, err);
    }
    vec_done(&gathering.lists);
    return r;
}

static int subtract(struct arena *arena, struct postings *from, struct postings what,
                    struct baro_error *err)
{
    uint32_t *items;

    if (from->count == 0 || what.count == 0) {
        return 0;
    }
    items = arena_try(arena, from->count * sizeof(*items));
    if (items == NULL) {
        return error_set(err, BARO_ELIMIT, "no memory for %zu postings", from->count);
    }
    *from = (struct postings){.items = items, .count = postings_without(*from, what, items)};
    return 0;
}

/* wanted_by intersects what the matchers that refuse the empty value name; all series when there
 * are none. */
static int wanted_by(const struct block *block, struct arena *arena, struct matchers matchers,
                     const struct cancel *cancel, struct postings *ret, struct baro_error *err)
{
    struct postings *lists = ARENA_ARRAY(arena, struct postings, matchers.count + 1);
    size_t count = 0;

    for (size_t i = 0; i < matchers.count; i++) {
        int r;

        if (matcher_matches_empty(&matchers.items[i])) {
            continue;
        }
        r = named_by(block, arena, &matchers.items[i], true, cancel, &lists[count++], err);
        if (r < 0) {
            return r;
        }
        if (lists[count - 1].count == 0) {
            *ret = (struct postings){0};
            return 0;
        }
    }
    return count == 0 ? index_reader_all_postings(block->index, ret, err)
                      : postings_intersect_all(arena, lists, count, ret, err);
}

int block_postings(const struct block *block, struct arena *arena, struct matchers matchers,
                   const struct cancel *cancel, struct postings *ret, struct baro_error *err)
{
    struct postings kept = {0};
    int r = wanted_by(block, arena, matchers, cancel, &kept, err);

    for (size_t i = 0; i < matchers.count && r >= 0 && kept.count > 0; i++) {
        struct postings refused = {0};

        if (!matcher_matches_empty(&matchers.items[i])) {
            continue;
        }
        r = named_by(block, arena, &matchers.items[i], false, cancel, &refused, err);
        if (r >= 0) {
            r = subtract(arena, &kept, refused, err);
        }
    }
    if (r >= 0) {
        *ret = kept;
    }
    return r;
}
