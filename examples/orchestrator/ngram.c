#include "ngram.h"

#include <stdbool.h>
#include <stdlib.h>

struct ngram_model {
    uint32_t *tokens;
    size_t token_count;
    uint32_t *by_pair; /* positions i >= 2, sorted by tokens[i-1], then tokens[i-2], then i */
    size_t pair_count;
};

static int compare_positions(const void *left, const void *right, void *context)
{
    const uint32_t *tokens = context;
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;

    if (tokens[a - 1] != tokens[b - 1]) {
        return tokens[a - 1] < tokens[b - 1] ? -1 : 1;
    }
    if (tokens[a - 2] != tokens[b - 2]) {
        return tokens[a - 2] < tokens[b - 2] ? -1 : 1;
    }
    return a < b ? -1 : a > b;
}

static bool tokens_read(struct ngram_model *model, const struct corpus *corpus,
                        struct words_vocabulary *vocabulary)
{
    struct words_cursor cursor = {.at = corpus->text, .end = corpus->text + corpus->len};
    struct word word;
    size_t room = 0;

    while (model->token_count < NGRAM_TOKENS_MAX && words_next(&cursor, &word)) {
        uint32_t id = words_intern(vocabulary, word.text, word.len);

        if (model->token_count == room) {
            uint32_t *grown =
                realloc(model->tokens, (room == 0 ? 4096 : room * 2) * sizeof(*grown));

            if (grown == NULL) {
                return false;
            }
            model->tokens = grown;
            room = room == 0 ? 4096 : room * 2;
        }
        if (id != WORDS_NONE) {
            model->tokens[model->token_count++] = id;
        }
    }
    return model->token_count > 2;
}

struct ngram_model *ngram_model_new(const struct corpus *corpus,
                                    struct words_vocabulary *vocabulary)
{
    struct ngram_model *model = calloc(1, sizeof(*model));

    if (model == NULL || !tokens_read(model, corpus, vocabulary)) {
        return ngram_model_free(model);
    }
    model->by_pair = malloc(model->token_count * sizeof(*model->by_pair));
    if (model->by_pair == NULL) {
        return ngram_model_free(model);
    }
    for (uint32_t i = 2; i < model->token_count; i++) {
        model->by_pair[model->pair_count++] = i;
    }
    qsort_r(model->by_pair, model->pair_count, sizeof(*model->by_pair), compare_positions,
            model->tokens);
    return model;
}

struct ngram_model *ngram_model_free(struct ngram_model *model)
{
    if (model != NULL) {
        free(model->tokens);
        free(model->by_pair);
        free(model);
    }
    return NULL;
}

size_t ngram_model_tokens(const struct ngram_model *model)
{
    return model->token_count;
}

/* The first position whose (last, before) is not below the given pair. */
static size_t pair_lower(const struct ngram_model *model, uint64_t last, uint64_t before)
{
    size_t low = 0;
    size_t high = model->pair_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint32_t at = model->by_pair[middle];
        uint32_t at_last = model->tokens[at - 1];

        if (at_last < last || (at_last == last && model->tokens[at - 2] < before)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void pair_range(const struct ngram_model *model, uint32_t a, uint32_t b, size_t *ret_begin,
                       size_t *ret_end)
{
    *ret_begin = pair_lower(model, b, a == WORDS_NONE ? 0 : a);
    *ret_end = a == WORDS_NONE ? pair_lower(model, (uint64_t)b + 1, 0)
                               : pair_lower(model, b, (uint64_t)a + 1);
}

static uint64_t random_next(uint64_t *seed)
{
    *seed += 0x9e3779b97f4a7c15ULL; /* splitmix64: any seed will do, 0 included */
    uint64_t z = (*seed ^ *seed >> 30) * 0xbf58476d1ce4e5b9ULL;

    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

uint32_t ngram_next(const struct ngram_model *model, uint32_t a, uint32_t b, uint64_t *seed)
{
    size_t begin = 0;
    size_t end = 0;

    if (b != WORDS_NONE) {
        pair_range(model, a, b, &begin, &end);
        if (begin == end) {
            pair_range(model, WORDS_NONE, b, &begin, &end);
        }
    }
    if (begin == end) {
        return model->tokens[random_next(seed) % model->token_count];
    }
    return model->tokens[model->by_pair[begin + random_next(seed) % (end - begin)]];
}

size_t ngram_count(const struct ngram_model *model, uint32_t a, uint32_t b)
{
    size_t begin;
    size_t end;

    pair_range(model, a, b, &begin, &end);
    return end - begin;
}
