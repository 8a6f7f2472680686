#include "words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_FIRST = 1024 };

struct words_vocabulary {
    char **texts; /* by id */
    size_t count;
    size_t room;
    uint32_t *slots; /* id + 1, 0 = free; open addressing, a power of two, at most half full */
    size_t slot_count;
};

/* Sorted, for bsearch. */
static const char *const stop_words[] = {
    "a",    "about", "after", "all",  "also",  "an",    "and",  "any",  "are",    "as",    "at",
    "be",   "been",  "but",   "by",   "can",   "could", "did",  "do",   "does",   "for",   "from",
    "had",  "has",   "have",  "he",   "her",   "his",   "how",  "i",    "if",     "in",    "into",
    "is",   "it",    "its",   "may",  "me",    "more",  "most", "must", "my",     "no",    "not",
    "of",   "on",    "one",   "or",   "our",   "out",   "over", "she",  "should", "so",    "some",
    "such", "tell",  "than",  "that", "the",   "their", "them", "then", "there",  "these", "they",
    "this", "to",    "up",    "us",   "was",   "we",    "were", "what", "when",   "where", "which",
    "who",  "why",   "will",  "with", "would", "you",   "your",
};

static bool is_word_byte(char c)
{
    unsigned char byte = (unsigned char)c;

    return byte >= 0x80 || isalnum(byte) || byte == '\'';
}

static bool is_mark(char c)
{
    return c != '\0' && strchr(".,;:!?", c) != NULL;
}

bool words_next(struct words_cursor *cursor, struct word *ret)
{
    while (cursor->at < cursor->end && !is_word_byte(*cursor->at) && !is_mark(*cursor->at)) {
        cursor->at++;
    }
    if (cursor->at >= cursor->end) {
        return false;
    }
    ret->len = 0;
    ret->is_mark = is_mark(*cursor->at);
    if (ret->is_mark) {
        ret->text[ret->len++] = *cursor->at++;
    }
    while (!ret->is_mark && cursor->at < cursor->end && ret->len < WORD_BYTES_MAX &&
           is_word_byte(*cursor->at)) {
        ret->text[ret->len++] = (char)tolower((unsigned char)*cursor->at++);
    }
    ret->text[ret->len] = '\0';
    return true;
}

struct words_vocabulary *words_vocabulary_new(void)
{
    struct words_vocabulary *vocabulary = calloc(1, sizeof(*vocabulary));

    if (vocabulary != NULL) {
        vocabulary->slots = calloc(SLOTS_FIRST, sizeof(*vocabulary->slots));
        vocabulary->slot_count = SLOTS_FIRST;
    }
    return vocabulary == NULL || vocabulary->slots != NULL ? vocabulary
                                                           : words_vocabulary_free(vocabulary);
}

struct words_vocabulary *words_vocabulary_free(struct words_vocabulary *vocabulary)
{
    if (vocabulary != NULL) {
        for (size_t i = 0; i < vocabulary->count; i++) {
            free(vocabulary->texts[i]);
        }
        free(vocabulary->texts);
        free(vocabulary->slots);
        free(vocabulary);
    }
    return NULL;
}

/* FNV-1a: short keys, and no adversary chooses the corpus to slow its own start. */
static uint64_t hash_of(const char *text, size_t len)
{
    uint64_t hash = 0xcbf29ce484222325ULL;

    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3ULL;
    }
    return hash ^ hash >> 29;
}

/* The slot that holds the word, or the free one where it belongs. */
static size_t slot_of(const struct words_vocabulary *vocabulary, const char *text, size_t len)
{
    size_t mask = vocabulary->slot_count - 1;
    size_t slot = (size_t)hash_of(text, len) & mask;

    while (vocabulary->slots[slot] != 0) {
        const char *other = vocabulary->texts[vocabulary->slots[slot] - 1];

        if (strncmp(other, text, len) == 0 && other[len] == '\0') {
            break;
        }
        slot = (slot + 1) & mask;
    }
    return slot;
}

static bool slots_grow(struct words_vocabulary *vocabulary)
{
    uint32_t *old = vocabulary->slots;

    vocabulary->slots = calloc(vocabulary->slot_count * 2, sizeof(*old));
    if (vocabulary->slots == NULL) {
        vocabulary->slots = old;
        return false;
    }
    vocabulary->slot_count *= 2;
    for (size_t id = 0; id < vocabulary->count; id++) {
        const char *text = vocabulary->texts[id];

        vocabulary->slots[slot_of(vocabulary, text, strlen(text))] = (uint32_t)id + 1;
    }
    free(old);
    return true;
}

static bool texts_grow(struct words_vocabulary *vocabulary)
{
    size_t room = vocabulary->room == 0 ? SLOTS_FIRST : vocabulary->room * 2;
    char **texts = realloc(vocabulary->texts, room * sizeof(*texts));

    if (texts != NULL) {
        vocabulary->texts = texts;
        vocabulary->room = room;
    }
    return texts != NULL;
}

uint32_t words_intern(struct words_vocabulary *vocabulary, const char *text, size_t len)
{
    uint32_t found = words_find(vocabulary, text, len);
    char *copy;

    if (found != WORDS_NONE || vocabulary->count >= WORDS_VOCABULARY_MAX) {
        return found;
    }
    if (vocabulary->count * 2 >= vocabulary->slot_count && !slots_grow(vocabulary)) {
        return WORDS_NONE;
    }
    if (vocabulary->count == vocabulary->room && !texts_grow(vocabulary)) {
        return WORDS_NONE;
    }
    copy = strndup(text, len);
    if (copy == NULL) {
        return WORDS_NONE;
    }
    vocabulary->slots[slot_of(vocabulary, copy, len)] = (uint32_t)vocabulary->count + 1;
    vocabulary->texts[vocabulary->count] = copy;
    return (uint32_t)vocabulary->count++;
}

uint32_t words_find(const struct words_vocabulary *vocabulary, const char *text, size_t len)
{
    return vocabulary->slots[slot_of(vocabulary, text, len)] -
           1; /* a free slot is 0, and wraps to WORDS_NONE */
}

const char *words_text(const struct words_vocabulary *vocabulary, uint32_t id)
{
    return id < vocabulary->count ? vocabulary->texts[id] : "";
}

size_t words_count(const struct words_vocabulary *vocabulary)
{
    return vocabulary->count;
}

static int compare_stop(const void *key, const void *row)
{
    return strcmp(key, *(const char *const *)row);
}

bool words_is_stop(const char *text)
{
    return bsearch(text, stop_words, sizeof(stop_words) / sizeof(stop_words[0]),
                   sizeof(stop_words[0]), compare_stop) != NULL;
}
