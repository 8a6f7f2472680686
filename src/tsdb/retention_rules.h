/*
 * retention_rules: how long the series of a selector are kept: the first rule that matches a series
 * decides, and the retention of the whole store where none does. A rule may keep series for a
 * shorter time than the store, or for a longer one. Immutable once built, counted; any thread.
 * Recipe: docs/howto/retention-rules.md.
 */
#pragma once

#include <stddef.h>

#include "base/attr.h"
#include "base/dur.h"
#include "base/error.h"
#include "model/labels.h"
#include "model/matcher.h"

struct retention_rules;

#define RETENTION_RULE_NONE SIZE_MAX

/* retention_rules_new makes an empty list with one reference; retention_rules_add appends a rule,
 * before the list is shared (the matchers are copied), and fails as matcher_init does. */
struct retention_rules *retention_rules_new(void);
int retention_rules_add(struct retention_rules *rules, struct matchers matchers, dur keep,
                        struct baro_error *err);

/* retention_rules_ref takes a reference (of NULL: NULL); retention_rules_unref gives one back and
 * returns NULL. */
struct retention_rules *retention_rules_ref(struct retention_rules *rules);
struct retention_rules *retention_rules_unref(struct retention_rules *rules);
DEFINE_CLEANUP(retention_rules_unref, struct retention_rules)

/* NULL is a list without rules. */
size_t retention_rules_count(const struct retention_rules *rules);
dur retention_rules_keep(const struct retention_rules *rules, size_t index);

/* retention_rules_find gives the number of the rule that decides, or RETENTION_RULE_NONE. */
size_t retention_rules_find(const struct retention_rules *rules, struct labels labels);

/* retention_rules_longest is how long anything is kept; `time` is that of the store, 0 = for ever.
 */
dur retention_rules_longest(const struct retention_rules *rules, dur time);

/*
 * retention_cutoff is the time before which the chunks of a series go that is kept for `keep`
 * (0 = for ever: INT64_MIN), in a block [mint, maxt) of a store whose newest block ends at
 * `newest`. It moves in steps of an eighth of the block (at least `least`), so that a block is
 * rewritten a bounded number of times.
 */
ts retention_cutoff(dur keep, ts mint, ts maxt, ts newest, dur least);
