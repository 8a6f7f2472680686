/*
 * json_patch: a new value written into an old JSON text so that only what differs changes: all else
 * keeps its bytes: order of keys, white space, escapes, forms of numbers. For files that people
 * keep under version control. Values count as the same when they mean the same: 1 and 1.0, "a" and
 * "\u0061", objects in any order.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/*
 * json_patch appends the patched text to ret. Both texts are objects or arrays. Members that are
 * new stand behind those that they follow in new_text, in the old text's indentation; elements of
 * arrays are matched by value, then by an identifying member (id, uid, refId, name), then by
 * place. Fails with BARO_EPARSE, the message saying which text, and leaves ret as it was.
 */
int json_patch(str old_text, str new_text, struct buf *ret, struct baro_error *err);

/* json_pretty appends a text with a member or element a line, two spaces a level. */
int json_pretty(str text, struct buf *ret, struct baro_error *err);

/* json_same tells whether two texts mean the same value; false as well when one is no JSON. */
bool json_same(str a, str b);
