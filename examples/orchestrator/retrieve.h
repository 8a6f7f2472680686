/*
 * retrieve: the passages of a corpus that a question is about, by BM25 over an inverted index.
 * Immutable once built; any thread may search.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "corpus.h"
#include "words.h"

enum { RETRIEVE_HITS_MAX = 8, RETRIEVE_TERMS_MAX = 64 };

struct retrieve_hit {
    uint32_t passage; /* index into corpus->passages */
    double score;
};

struct retrieve_index;

/* retrieve_index_new indexes a corpus, which must outlive it; words that are new go to the
 * vocabulary. NULL when memory is out. */
struct retrieve_index *retrieve_index_new(const struct corpus *corpus,
                                          struct words_vocabulary *vocabulary);
struct retrieve_index *retrieve_index_free(struct retrieve_index *index);

/* retrieve_search fills hits with at most `count` (bounded by RETRIEVE_HITS_MAX) passages, the best
 * first, ties in the order of the text. Returns how many, 0 when no word of the question is known;
 * -1 when memory is out. */
int retrieve_search(const struct retrieve_index *index, const char *question, size_t len,
                    struct retrieve_hit *hits, int count);
