/*
 * corpus: the text that answers are drawn from: a file's, or a built-in one about the work that
 * prompt pipelines do. It is cut into passages at blank lines; passages longer than
 * CORPUS_PASSAGE_BYTES_MAX are cut at a word's end. Immutable once loaded.
 */
#pragma once

#include <stddef.h>

enum {
    CORPUS_BYTES_MAX = 64 << 20,
    CORPUS_PASSAGES_MAX = 200000,
    CORPUS_PASSAGE_BYTES_MAX = 1200,
};

struct corpus_passage {
    size_t begin; /* offset into text */
    size_t len;
};

struct corpus {
    char *text;
    size_t len;
    struct corpus_passage *passages;
    size_t passage_count;
};

/* corpus_load reads a text file; 0, or -1 with what is wrong in error. */
int corpus_load(struct corpus *corpus, const char *path, char *error, size_t error_bytes);

/* corpus_builtin writes a text of its own, the same at every start. 0, or -1 when memory is out. */
int corpus_builtin(struct corpus *corpus);

/* corpus_cut finds the passages of corpus->text. 0, or -1 when memory is out. The two functions
 * above have called it. */
int corpus_cut(struct corpus *corpus);

void corpus_done(struct corpus *corpus);
