#include "corpus.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUILTIN_PASSAGES = 240, BUILTIN_SENTENCES = 5 };

/* The built-in text: each sentence is subject, verb, object and circumstance, drawn in a fixed
 * pseudo-random order. */
static const char *const subjects[] = {
    "the retrieval stage",   "a bounded queue",         "the inference worker",
    "every session",         "the assembled prompt",    "the scheduler",
    "a slow consumer",       "the language model",      "the post processor",
    "the token stream",      "an overloaded stage",     "the vector of scores",
    "a long document",       "the cache of passages",   "the gateway",
    "a barograph",           "the pressure of a queue", "an operator",
    "the latency histogram", "a shed request",
};
static const char *const verbs[] = {
    "keeps",   "measures", "hands over", "waits for", "counts",   "refuses",  "orders",
    "follows", "shortens", "reports",    "protects",  "releases", "predicts", "records",
};
static const char *const objects[] = {
    "the next free worker",        "the depth of its queue",      "the oldest prompt first",
    "the most relevant passages",  "one token at a time",         "the tail of the latency",
    "what the reader asked for",   "the order of a conversation", "the words that matter",
    "a bounded amount of memory",  "the pressure behind it",      "the errors of each stage",
    "the number of tokens",        "a signal to the sender",      "the history of a session",
    "every request that it drops",
};
static const char *const circumstances[] = {
    "when the load rises",
    "before the answer is written",
    "while the reader is waiting",
    "because memory is finite",
    "so that nothing is lost unseen",
    "until the queue is empty again",
    "as soon as a worker is free",
    "without a lock on the way",
    "even under a flood of prompts",
    "at the end of the pipeline",
    "in less than a second",
    "for as long as the session lives",
};

static size_t draw(uint64_t *state, size_t count)
{
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (size_t)(*state >> 33) % count;
}

#define DRAW(state, table) (table)[draw((state), sizeof(table) / sizeof((table)[0]))]

static void sentence_print(FILE *out, uint64_t *state)
{
    char subject[64];

    (void)snprintf(subject, sizeof(subject), "%s", DRAW(state, subjects));
    subject[0] = (char)toupper((unsigned char)subject[0]);
    (void)fprintf(out, "%s %s %s %s", subject, DRAW(state, verbs), DRAW(state, objects),
                  DRAW(state, circumstances));
    if (draw(state, 3) == 0) {
        (void)fprintf(out, ", and %s %s %s", DRAW(state, subjects), DRAW(state, verbs),
                      DRAW(state, objects));
    }
    (void)fputs(". ", out);
}

int corpus_builtin(struct corpus *corpus)
{
    uint64_t state = 2026;
    FILE *out = open_memstream(&corpus->text, &corpus->len);

    if (out == NULL) {
        return -1;
    }
    for (int passage = 0; passage < BUILTIN_PASSAGES; passage++) {
        for (int sentence = 0; sentence < BUILTIN_SENTENCES; sentence++) {
            sentence_print(out, &state);
        }
        (void)fputs("\n\n", out);
    }
    return fclose(out) == 0 ? corpus_cut(corpus) : -1;
}

static int file_read(struct corpus *corpus, FILE *file)
{
    corpus->text = malloc((size_t)CORPUS_BYTES_MAX + 1);
    if (corpus->text == NULL) {
        return -1;
    }
    corpus->len = fread(corpus->text, 1, (size_t)CORPUS_BYTES_MAX + 1, file);
    return corpus->len > CORPUS_BYTES_MAX || ferror(file) ? -1 : 0;
}

int corpus_load(struct corpus *corpus, const char *path, char *error, size_t error_bytes)
{
    FILE *file = fopen(path, "rb");
    int r;

    if (file == NULL) {
        (void)snprintf(error, error_bytes, "%s: %s: give a readable text file", path,
                       strerrordesc_np(errno));
        return -1;
    }
    r = file_read(corpus, file);
    (void)fclose(file);
    if (r < 0) {
        (void)snprintf(error, error_bytes, "%s: cannot be read whole: at most %d MiB", path,
                       CORPUS_BYTES_MAX >> 20);
        corpus_done(corpus);
        return -1;
    }
    if (corpus_cut(corpus) < 0 || corpus->passage_count == 0) {
        (void)snprintf(error, error_bytes, "%s: no text in it: give a file with words", path);
        corpus_done(corpus);
        return -1;
    }
    return 0;
}

/* Where the passage that begins at `at` ends: a blank line, or the last space before the bound. */
static size_t passage_end(const struct corpus *corpus, size_t at)
{
    size_t limit =
        corpus->len - at > CORPUS_PASSAGE_BYTES_MAX ? at + CORPUS_PASSAGE_BYTES_MAX : corpus->len;
    size_t space = limit;

    for (size_t i = at; i < limit; i++) {
        if (corpus->text[i] == '\n' && i + 1 < corpus->len && corpus->text[i + 1] == '\n') {
            return i;
        }
        space = isspace((unsigned char)corpus->text[i]) ? i : space;
    }
    return limit == corpus->len || space == limit ? limit : space;
}

static bool passage_add(struct corpus *corpus, size_t begin, size_t end)
{
    if ((corpus->passage_count & (corpus->passage_count - 1)) == 0) {
        size_t room = corpus->passage_count == 0 ? 1 : corpus->passage_count * 2;
        struct corpus_passage *grown = realloc(corpus->passages, room * sizeof(*grown));

        if (grown == NULL) {
            return false;
        }
        corpus->passages = grown;
    }
    corpus->passages[corpus->passage_count++] =
        (struct corpus_passage){.begin = begin, .len = end - begin};
    return true;
}

int corpus_cut(struct corpus *corpus)
{
    size_t at = 0;

    while (at < corpus->len && corpus->passage_count < CORPUS_PASSAGES_MAX) {
        size_t end;

        if (isspace((unsigned char)corpus->text[at]) || corpus->text[at] == '\0') {
            at++;
            continue;
        }
        end = passage_end(corpus, at);
        end = end > at ? end : at + 1;
        if (!passage_add(corpus, at, end)) {
            return -1;
        }
        at = end;
    }
    return 0;
}

void corpus_done(struct corpus *corpus)
{
    free(corpus->text);
    free(corpus->passages);
    *corpus = (struct corpus){0};
}
