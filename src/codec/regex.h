/*
 * regex: regular expressions with Go's (RE2's) syntax in linear time, over RE2. Immutable after
 * regex_new; any thread may match. '.' matches newlines, as Prometheus 3 compiles label
 * expressions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

struct regex;

/* A compiled program is refused beyond this many bytes; 20k host names in one alternation need
 * about 256 MB. */
#define REGEX_BYTES_MAX ((size_t)256 << 20)

/* regex_new compiles; anchored ones must match the whole text. Fails with BARO_EPARSE (Go's
 * wording) or BARO_ELIMIT. */
int regex_new(str pattern, bool anchored, struct regex **ret, struct baro_error *err);
struct regex *regex_free(struct regex *regex);
DEFINE_CLEANUP(regex_free, struct regex)

bool regex_match(const struct regex *regex, str text);

/* regex_prefix writes up to `size` bytes with which every match of an anchored expression begins;
 * returns their number, 0 when nothing is known. */
size_t regex_prefix(const struct regex *regex, char *ret, size_t size);

/* regex_find gives the first match and its groups (group 0 is the match); absent groups have ptr
 * NULL. */
enum { REGEX_GROUPS_MAX = 64 };
bool regex_find(const struct regex *regex, str text, str *ret_groups, size_t group_count);

/* regex_find_from is regex_find from byte `start` on (<= text.len); what is before it still counts
 * for ^ and \b. */
bool regex_find_from(const struct regex *regex, str text, size_t start, str *ret_groups,
                     size_t group_count);

/* regex_group_count returns the number of capturing groups, group 0 not counted. */
size_t regex_group_count(const struct regex *regex);

/* regex_expand appends `template` with $1, ${1}, $name, ${name}, $$ replaced by groups, as Go's
 * Regexp.Expand does. */
void regex_expand(const struct regex *regex, struct buf *buf, str template, const str *groups,
                  size_t group_count);
