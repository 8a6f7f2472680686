#include "tsdb/retention_rules.h"

#include <stdatomic.h>

#include "base/arena.h"
#include "base/assert.h"
#include "base/mem.h"
#include "base/vec.h"

/* A block is cut so many times at most before it is gone. */
enum { STEPS_PER_BLOCK = 8 };

struct retention_rule {
    struct matcher *matchers;
    size_t count;
    dur keep;
};

struct retention_rules {
    _Atomic uint32_t refs;
    struct arena arena; /* of the texts and matchers */
    VEC(struct retention_rule) items;
};

struct retention_rules *retention_rules_new(void)
{
    struct retention_rules *rules = MEM_NEW(struct retention_rules);

    atomic_init(&rules->refs, 1);
    return rules;
}

int retention_rules_add(struct retention_rules *rules, struct matchers matchers, dur keep,
                        struct baro_error *err)
{
    struct retention_rule rule = {
        .matchers = ARENA_ARRAY(&rules->arena, struct matcher, matchers.count + 1), .keep = keep};
    int r = 0;

    ASSERT(keep > 0);
    for (size_t i = 0; r >= 0 && i < matchers.count; i++) {
        r = matcher_init(&rule.matchers[i], matchers.items[i].op,
                         arena_str(&rules->arena, matchers.items[i].name),
                         arena_str(&rules->arena, matchers.items[i].value), err);
        rule.count += r >= 0;
    }
    for (size_t i = 0; r < 0 && i < rule.count; i++) {
        matcher_done(&rule.matchers[i]);
    }
    if (r >= 0) {
        vec_push(&rules->items, rule);
    }
    return r < 0 ? r : 0;
}

struct retention_rules *retention_rules_ref(struct retention_rules *rules)
{
    if (rules != NULL) {
        atomic_fetch_add_explicit(&rules->refs, 1, memory_order_relaxed);
    }
    return rules;
}

struct retention_rules *retention_rules_unref(struct retention_rules *rules)
{
    if (rules == NULL || atomic_fetch_sub_explicit(&rules->refs, 1, memory_order_acq_rel) != 1) {
        return NULL;
    }
    for (size_t i = 0; i < rules->items.count; i++) {
        for (size_t k = 0; k < rules->items.items[i].count; k++) {
            matcher_done(&rules->items.items[i].matchers[k]);
        }
    }
    vec_done(&rules->items);
    arena_done(&rules->arena);
    return mem_free(rules);
}

size_t retention_rules_count(const struct retention_rules *rules)
{
    return rules != NULL ? rules->items.count : 0;
}

dur retention_rules_keep(const struct retention_rules *rules, size_t index)
{
    ASSERT(index < retention_rules_count(rules));
    return rules->items.items[index].keep;
}

size_t retention_rules_find(const struct retention_rules *rules, struct labels labels)
{
    for (size_t i = 0; i < retention_rules_count(rules); i++) {
        const struct retention_rule *rule = &rules->items.items[i];

        if (matchers_match((struct matchers){rule->matchers, rule->count}, labels)) {
            return i;
        }
    }
    return RETENTION_RULE_NONE;
}

dur retention_rules_longest(const struct retention_rules *rules, dur time)
{
    dur longest = time;

    for (size_t i = 0; time > 0 && i < retention_rules_count(rules); i++) {
        dur keep = rules->items.items[i].keep;

        longest = keep > longest ? keep : longest;
    }
    return longest;
}

ts retention_cutoff(dur keep, ts mint, ts maxt, ts newest, dur least)
{
    dur step = (maxt - mint) / STEPS_PER_BLOCK;
    ts cutoff;

    step = step > least ? step : least;
    if (keep <= 0 || newest < INT64_MIN + keep || newest - keep <= mint) {
        return INT64_MIN;
    }
    if (newest - keep >= maxt) {
        return maxt;
    }
    cutoff = mint + (newest - keep - mint) / step * step;
    return cutoff > mint ? cutoff : INT64_MIN;
}
