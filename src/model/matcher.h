/*
 * matcher: one condition of a selector. Regular expressions have RE2 syntax and are anchored at
 * both ends, '.' matches newlines. Literals, alternations of literals, prefixes, suffixes and
 * contains take fast paths that use no regex. Immutable after matcher_new; any thread may match.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "model/labels.h"

enum matcher_op { MATCHER_EQUAL, MATCHER_NOT_EQUAL, MATCHER_REGEX, MATCHER_NOT_REGEX };

struct matcher_program; /* compiled form of a regular expression */

struct matcher {
    enum matcher_op op;
    str name;
    str value;
    struct matcher_program *program; /* NULL but for the regex operators */
};

struct matchers {
    const struct matcher *items;
    size_t count;
};

/*
 * matcher_init makes a matcher; name and value are borrowed and must outlive it. The program is
 * released by matcher_done. Fails with BARO_EPARSE ("error parsing regexp: ...", as Go words it) or
 * BARO_ELIMIT.
 */
int matcher_init(struct matcher *ret, enum matcher_op op, str name, str value,
                 struct baro_error *err);
void matcher_done(struct matcher *matcher);

/* matcher_matches says whether a label value (empty for an absent label) satisfies the matcher. */
bool matcher_matches(const struct matcher *matcher, str value);

/* matcher_matches_empty says whether series without the label satisfy it. */
bool matcher_matches_empty(const struct matcher *matcher);

/* matcher_set_values: when the matcher accepts exactly a finite set of literals (a|b|c), gives
 * them; else count 0. */
void matcher_set_values(const struct matcher *matcher, const str **ret_values, size_t *ret_count);

/* matcher_prefix gives a literal prefix that every accepted value has; empty when there is none. */
str matcher_prefix(const struct matcher *matcher);

/* matcher_is_negative says whether op is != or !~. */
static inline bool matcher_is_negative(const struct matcher *matcher)
{
    return matcher->op == MATCHER_NOT_EQUAL || matcher->op == MATCHER_NOT_REGEX;
}

/* matchers_match says whether a label set satisfies all. */
bool matchers_match(struct matchers matchers, struct labels labels);

/* matcher_format appends name="value" with PromQL quoting. */
void matcher_format(struct buf *buf, const struct matcher *matcher);
