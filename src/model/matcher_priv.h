/*
 * matcher_priv: the regular expressions that need no regex engine. An expression made of literals,
 * groups, alternations, small character classes, '.', '?', '.*' and '.+' is expanded to the strings
 * that it stands for; a gap in such a string is one byte that valid UTF-8 cannot contain.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

/* .* and .+ in an expanded string, and a single character. */
#define GAP_ANY  '\xFF'
#define GAP_SOME '\xFE'
#define GAP_ONE  '\xFD'

struct regex_expansion {
    const str *items;
    size_t count;
    size_t glob_count; /* items that have a gap of any length */
    size_t mask_count; /* items that have single characters left open, and no other gap */
};

/* regex_expand_literals expands a pattern (valid UTF-8) into the arena; false when it has other
 * constructs, is wrong, or stands for too many strings: the regex engine then decides. */
bool regex_expand_literals(struct arena *arena, str pattern, struct regex_expansion *ret);

enum { GLOB_PARTS_MAX = 16 };

/* Literals in order with gaps between them: parts[0] is at the start and the last part at the end,
 * both may be empty. gap_min[i] bytes at least lie between parts[i] and parts[i + 1]. */
struct glob {
    str parts[GLOB_PARTS_MAX];
    unsigned char gap_min[GLOB_PARTS_MAX];
    size_t part_count; /* at least 2 */
};

bool glob_has_gap(str text);

/* A mask is an expanded string whose only gaps are single characters: "5..". */
bool mask_has_gap(str text);
bool mask_matches(str mask, str value);

/* glob_init splits an expanded string (borrowed) at its gaps; false when there are too many, or
 * when two gaps meet in a way that counts characters. */
bool glob_init(struct glob *ret, str text);
bool glob_matches(const struct glob *glob, str value);
