/*
 * words: text cut into words and punctuation marks, and the vocabulary that gives each a small
 * number. A word is a run of letters, digits, apostrophes and bytes of UTF-8 beyond ASCII, in lower
 * case; one of ".,;:!?" is a mark; everything else separates. A vocabulary is filled by one thread
 * and read by any number afterwards.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WORD_BYTES_MAX = 63, /* longer runs are cut: nothing in prose is longer */
    WORDS_VOCABULARY_MAX = 1 << 20,
};

/* WORDS_NONE is the id of a word that the vocabulary does not have. */
#define WORDS_NONE UINT32_MAX

struct word {
    char text[WORD_BYTES_MAX + 1]; /* lower case, NUL-terminated */
    size_t len;
    bool is_mark;
};

struct words_cursor {
    const char *at;
    const char *end;
};

struct words_vocabulary;

/* words_next takes the next word or mark; false at the end of the text. */
bool words_next(struct words_cursor *cursor, struct word *ret);

struct words_vocabulary *words_vocabulary_new(void);
struct words_vocabulary *words_vocabulary_free(struct words_vocabulary *vocabulary);

/* words_intern returns the id of a word, a new one when need be; WORDS_NONE when the vocabulary is
 * full or memory is out. Ids count from 0. */
uint32_t words_intern(struct words_vocabulary *vocabulary, const char *text, size_t len);

/* words_find returns the id of a word or WORDS_NONE. */
uint32_t words_find(const struct words_vocabulary *vocabulary, const char *text, size_t len);

/* words_text returns the word of an id, owned by the vocabulary; "" for an unknown id. */
const char *words_text(const struct words_vocabulary *vocabulary, uint32_t id);
size_t words_count(const struct words_vocabulary *vocabulary);

/* words_is_stop says whether a word carries no subject (the, and, of, ...). */
bool words_is_stop(const char *text);
