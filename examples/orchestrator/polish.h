/*
 * polish: makes words of a model into text that may be shown: blocked words masked, runs of one
 * word shortened, punctuation joined, sentences begun in upper case and ended. What comes out is
 * pieces for a stream: their concatenation is the text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
    POLISH_PIECES_MAX = 4096,
    POLISH_BLOCKED_MAX = 10000,
    POLISH_REPEATS_MAX = 2, /* a word may follow itself once */
};

struct polish_text {
    char **pieces;
    size_t count;
    size_t room;
    size_t masked;  /* words that the block list hid */
    size_t dropped; /* words and marks left out as repetitions */
};

/* Blocked words in lower case, sorted. Immutable once loaded. */
struct polish_blocked {
    char **words;
    size_t count;
};

/* polish_blocked_load reads one word a line; "" and lines that begin with # are skipped. 0, or -1
 * with error. */
int polish_blocked_load(struct polish_blocked *blocked, const char *path, char *error,
                        size_t error_bytes);
void polish_blocked_done(struct polish_blocked *blocked);
bool polish_is_blocked(const struct polish_blocked *blocked, const char *word);

/* polish_words makes pieces of words (lower case words and marks, as of words_next). 0, or -1 when
 * memory is out. */
int polish_words(const struct polish_blocked *blocked, const char *const *words, size_t count,
                 struct polish_text *ret);
void polish_text_done(struct polish_text *text);
