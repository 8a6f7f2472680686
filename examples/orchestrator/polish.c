#include "polish.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

static int compare_texts(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static bool blocked_add(struct polish_blocked *blocked, const char *line)
{
    struct words_cursor cursor = {.at = line, .end = line + strlen(line)};
    struct word word;

    if (line[0] == '#' || !words_next(&cursor, &word) || word.is_mark) {
        return true;
    }
    blocked->words[blocked->count] = strdup(word.text);
    return blocked->words[blocked->count] != NULL && ++blocked->count > 0;
}

int polish_blocked_load(struct polish_blocked *blocked, const char *path, char *error,
                        size_t error_bytes)
{
    FILE *file = fopen(path, "r");
    char line[256];
    bool good = true;

    if (file == NULL) {
        (void)snprintf(error, error_bytes, "%s: %s: give a file with one word a line", path,
                       strerrordesc_np(errno));
        return -1;
    }
    blocked->words = calloc(POLISH_BLOCKED_MAX, sizeof(*blocked->words));
    good = blocked->words != NULL;
    while (good && blocked->count < POLISH_BLOCKED_MAX && fgets(line, sizeof(line), file) != NULL) {
        good = blocked_add(blocked, line);
    }
    (void)fclose(file);
    if (!good) {
        polish_blocked_done(blocked);
        (void)snprintf(error, error_bytes, "%s: out of memory", path);
        return -1;
    }
    qsort(blocked->words, blocked->count, sizeof(*blocked->words), compare_texts);
    return 0;
}

void polish_blocked_done(struct polish_blocked *blocked)
{
    for (size_t i = 0; i < blocked->count; i++) {
        free(blocked->words[i]);
    }
    free(blocked->words);
    *blocked = (struct polish_blocked){0};
}

bool polish_is_blocked(const struct polish_blocked *blocked, const char *word)
{
    return blocked->count > 0 && bsearch(&word, blocked->words, blocked->count,
                                         sizeof(*blocked->words), compare_texts) != NULL;
}

static bool is_mark(const char *word)
{
    return word[0] != '\0' && word[1] == '\0' && strchr(".,;:!?", word[0]) != NULL;
}

static bool is_end(const char *word)
{
    return is_mark(word) && strchr(".!?", word[0]) != NULL;
}

static bool piece_add(struct polish_text *text, const char *before, const char *word, bool upper,
                      bool mask)
{
    char piece[WORD_BYTES_MAX + 3];
    size_t skip = strlen(before);

    (void)snprintf(piece, sizeof(piece), "%s%.*s", before, WORD_BYTES_MAX, word);
    if (upper) {
        piece[skip] = (char)toupper((unsigned char)piece[skip]);
    }
    for (size_t i = skip; mask && piece[i] != '\0'; i++) {
        piece[i] = '*';
    }
    if (text->count == text->room) {
        size_t room = text->room == 0 ? 64 : text->room * 2;
        char **grown = realloc(text->pieces, room * sizeof(*grown));

        if (grown == NULL) {
            return false;
        }
        text->pieces = grown;
        text->room = room;
    }
    text->pieces[text->count] = strdup(piece);
    return text->pieces[text->count] != NULL && ++text->count > 0;
}

int polish_words(const struct polish_blocked *blocked, const char *const *words, size_t count,
                 struct polish_text *ret)
{
    struct polish_text text = {0};
    const char *last = ".";
    int repeats = 0;
    bool good = true;

    for (size_t i = 0; good && i < count && text.count < POLISH_PIECES_MAX - 1; i++) {
        bool mark = is_mark(words[i]);

        repeats = strcmp(last, words[i]) == 0 ? repeats + 1 : 0;
        /* No mark stands behind another or at the start, and a word follows itself once at most. */
        if ((mark && is_mark(last)) || repeats >= POLISH_REPEATS_MAX) {
            text.dropped++;
            continue;
        }
        bool mask = !mark && polish_is_blocked(blocked, words[i]);

        text.masked += mask ? 1 : 0;
        good = piece_add(&text, mark || text.count == 0 ? "" : " ", words[i], is_end(last), mask);
        last = words[i];
    }
    if (good && text.count > 0 && !is_end(last)) {
        good = piece_add(&text, "", ".", false, false);
    }
    if (!good) {
        polish_text_done(&text);
        return -1;
    }
    *ret = text;
    return 0;
}

void polish_text_done(struct polish_text *text)
{
    for (size_t i = 0; i < text->count; i++) {
        free(text->pieces[i]);
    }
    free(text->pieces);
    *text = (struct polish_text){0};
}
