/*
 * search_score: how well a name fits what somebody has typed, for /api/v1/search/: the two ways of
 * Prometheus's experimental search API, with its figures. A struct belongs to one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

enum search_way {
    SEARCH_SUBSEQUENCE,  /* the characters stand in the name in that order */
    SEARCH_JARO_WINKLER, /* the name contains the text, or is like it */
};

enum { SEARCH_TERMS_MAX = 32, SEARCH_RUNES_MAX = 4096 };

struct search_score;

struct search_options {
    const str *terms; /* any of them is enough; empty ones are left out */
    size_t term_count;
    enum search_way way;
    double threshold; /* 0 to 1: what scores less is none */
    bool fold_case;   /* capital and small letters are the same */
};

/* search_score_new copies the terms. Without terms everything fits. */
struct search_score *search_score_new(const struct search_options *options);
struct search_score *search_score_free(struct search_score *score);
DEFINE_CLEANUP(search_score_free, struct search_score)

/* search_score_of says whether the name fits, and how well: 1 = as well as can be. */
bool search_score_of(struct search_score *score, str name, double *ret);
