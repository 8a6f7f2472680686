#include "retrieve.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The usual constants of BM25: how soon repetitions stop to count, and how much long passages are
 * discounted. */
static const double K1 = 1.2;
static const double B = 0.75;

struct posting {
    uint32_t term;
    uint32_t passage;
    uint32_t count;
};

struct retrieve_index {
    const struct words_vocabulary *vocabulary;
    size_t passage_count;
    uint32_t *lengths; /* words of each passage */
    double mean_length;
    struct posting *postings; /* by term, then passage */
    size_t posting_count;
    size_t posting_room;
};

static int compare_postings(const void *left, const void *right)
{
    const struct posting *a = left;
    const struct posting *b = right;

    if (a->term != b->term) {
        return a->term < b->term ? -1 : 1;
    }
    return a->passage < b->passage ? -1 : a->passage > b->passage;
}

static bool posting_add(struct retrieve_index *index, uint32_t term, uint32_t passage)
{
    if (index->posting_count == index->posting_room) {
        size_t room = index->posting_room == 0 ? 4096 : index->posting_room * 2;
        struct posting *grown = realloc(index->postings, room * sizeof(*grown));

        if (grown == NULL) {
            return false;
        }
        index->postings = grown;
        index->posting_room = room;
    }
    index->postings[index->posting_count++] =
        (struct posting){.term = term, .passage = passage, .count = 1};
    return true;
}

static bool passage_index(struct retrieve_index *index, const struct corpus *corpus,
                          uint32_t passage, struct words_vocabulary *vocabulary)
{
    const char *text = corpus->text + corpus->passages[passage].begin;
    struct words_cursor cursor = {.at = text, .end = text + corpus->passages[passage].len};
    struct word word;

    while (words_next(&cursor, &word)) {
        uint32_t term;

        if (word.is_mark || words_is_stop(word.text)) {
            continue;
        }
        term = words_intern(vocabulary, word.text, word.len);
        index->lengths[passage]++;
        if (term != WORDS_NONE && !posting_add(index, term, passage)) {
            return false;
        }
    }
    return true;
}

/* Sorts, and adds up the postings of one term in one passage. */
static void postings_merge(struct retrieve_index *index)
{
    size_t kept = 0;

    qsort(index->postings, index->posting_count, sizeof(*index->postings), compare_postings);
    for (size_t i = 0; i < index->posting_count; i++) {
        if (kept > 0 && compare_postings(&index->postings[kept - 1], &index->postings[i]) == 0) {
            index->postings[kept - 1].count++;
        } else {
            index->postings[kept++] = index->postings[i];
        }
    }
    index->posting_count = kept;
}

struct retrieve_index *retrieve_index_new(const struct corpus *corpus,
                                          struct words_vocabulary *vocabulary)
{
    struct retrieve_index *index = calloc(1, sizeof(*index));
    double words = 0;

    if (index == NULL) {
        return NULL;
    }
    index->vocabulary = vocabulary;
    index->passage_count = corpus->passage_count;
    index->lengths = calloc(corpus->passage_count + 1, sizeof(*index->lengths));
    for (uint32_t i = 0; index->lengths != NULL && i < corpus->passage_count; i++) {
        if (!passage_index(index, corpus, i, vocabulary)) {
            return retrieve_index_free(index);
        }
        words += index->lengths[i];
    }
    if (index->lengths == NULL) {
        return retrieve_index_free(index);
    }
    if (index->posting_count > 0) {
        postings_merge(index);
    }
    index->mean_length =
        corpus->passage_count == 0 || words <= 0 ? 1 : words / (double)corpus->passage_count;
    return index;
}

struct retrieve_index *retrieve_index_free(struct retrieve_index *index)
{
    if (index != NULL) {
        free(index->lengths);
        free(index->postings);
        free(index);
    }
    return NULL;
}

/* The first posting whose term is not below `term`. */
static size_t posting_lower(const struct retrieve_index *index, uint32_t term)
{
    size_t low = 0;
    size_t high = index->posting_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (index->postings[middle].term < term) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void term_score(const struct retrieve_index *index, uint32_t term, double *scores)
{
    size_t begin = posting_lower(index, term);
    size_t end = posting_lower(index, term + 1);
    double containing = (double)(end - begin);
    double rarity = log(1 + ((double)index->passage_count - containing + 0.5) / (containing + 0.5));

    for (size_t i = begin; i < end; i++) {
        const struct posting *posting = &index->postings[i];
        double length = index->lengths[posting->passage] / index->mean_length;

        scores[posting->passage] +=
            rarity * posting->count * (K1 + 1) / (posting->count + K1 * (1 - B + B * length));
    }
}

static int hits_insert(struct retrieve_hit *hits, int held, int count, struct retrieve_hit hit)
{
    int at = held;

    while (at > 0 && hits[at - 1].score < hit.score) {
        if (at < count) {
            hits[at] = hits[at - 1];
        }
        at--;
    }
    if (at < count) {
        hits[at] = hit;
    }
    return held < count ? held + 1 : held;
}

int retrieve_search(const struct retrieve_index *index, const char *question, size_t len,
                    struct retrieve_hit *hits, int count)
{
    struct words_cursor cursor = {.at = question, .end = question + len};
    double *scores = calloc(index->passage_count + 1, sizeof(*scores));
    struct word word;
    int held = 0;

    if (scores == NULL) {
        return -1;
    }
    count = count < RETRIEVE_HITS_MAX ? count : RETRIEVE_HITS_MAX;
    for (int terms = 0; terms < RETRIEVE_TERMS_MAX && words_next(&cursor, &word);) {
        uint32_t term =
            word.is_mark ? WORDS_NONE : words_find(index->vocabulary, word.text, word.len);

        if (term != WORDS_NONE && !words_is_stop(word.text)) {
            term_score(index, term, scores);
            terms++;
        }
    }
    for (uint32_t i = 0; i < index->passage_count; i++) {
        if (scores[i] > 0) {
            held = hits_insert(hits, held, count,
                               (struct retrieve_hit){.passage = i, .score = scores[i]});
        }
    }
    free(scores);
    return held;
}
