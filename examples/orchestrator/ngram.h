/*
 * ngram: a language model of three words, trained on a corpus at start.
 * The training text is kept as numbers of words, and its positions sorted by the two words before
 * each: the next word after (a, b) is drawn by taking any position whose two words are (a, b),
 * which is in proportion to the counts. Where the pair was never seen, one word decides; where that
 * was not seen either, the text as a whole. Immutable once trained.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "corpus.h"
#include "words.h"

enum { NGRAM_TOKENS_MAX = 4 << 20 };

struct ngram_model;

/* ngram_model_new trains on a corpus; words that are new go to the vocabulary, which must outlive
 * the model. NULL when memory is out or the corpus has no words. */
struct ngram_model *ngram_model_new(const struct corpus *corpus,
                                    struct words_vocabulary *vocabulary);
struct ngram_model *ngram_model_free(struct ngram_model *model);

size_t ngram_model_tokens(const struct ngram_model *model);

/* ngram_next draws the word after (a, b), either of which may be WORDS_NONE; seed is the state of
 * the random numbers. */
uint32_t ngram_next(const struct ngram_model *model, uint32_t a, uint32_t b, uint64_t *seed);

/* ngram_count returns how often the pair (a, b) was followed by anything; b alone when a is
 * WORDS_NONE. */
size_t ngram_count(const struct ngram_model *model, uint32_t a, uint32_t b);
