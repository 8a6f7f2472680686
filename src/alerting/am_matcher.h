/*
 * am_matcher: conditions on labels as Alertmanager writes them: {a="b", c=~"d"}, braces optional.
 * A text is read by the grammar for UTF-8 names first and by the classic one (ASCII names, loose
 * quotes) when that fails or when both can read it and disagree, as Alertmanager's fallback mode
 * does. Source of grammar and wording: Alertmanager's documentation, "Label matchers".
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "base/vec.h"
#include "model/labels.h"
#include "model/matcher.h"

struct am_matcher {
    enum matcher_op op;
    str name;
    str value; /* as written; what is compiled may differ */
    struct matcher compiled;
};

typedef VEC(struct am_matcher) am_matchers;

/* Longer texts, and more conditions in one list, are refused with BARO_ELIMIT. */
enum { AM_MATCHER_BYTES_MAX = 1 << 16, AM_MATCHERS_MAX = 1000 };

/* am_matchers_add appends one condition; name and value are borrowed and must outlive the list.
 * Fails with BARO_EPARSE or BARO_ELIMIT as matcher_init does. */
int am_matchers_add(am_matchers *matchers, struct arena *arena, enum matcher_op op, str name,
                    str value, struct baro_error *err);

/* am_matchers_parse appends all conditions of a text, or none when it fails. What they hold lives
 * in the arena or in text. */
int am_matchers_parse(struct arena *arena, str text, am_matchers *matchers, struct baro_error *err);

void am_matchers_done(am_matchers *matchers);

/* am_matchers_sort orders by name, value, operator, as route keys have them. */
void am_matchers_sort(am_matchers *matchers);

/* am_matchers_match says whether a label set satisfies all; a label that is absent is empty. */
bool am_matchers_match(const am_matchers *matchers, struct labels labels);

/* am_matchers_format appends {a="b",c=~"d"}. */
void am_matchers_format(struct buf *buf, const am_matchers *matchers);
