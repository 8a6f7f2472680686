/*
 * label_pairs: label pairs that many series share, each kept once and counted, under a small
 * number. One thread.
 */
#pragma once

#include <stdint.h>

#include "base/vec.h"
#include "model/labels.h"

/* A pair: name and value are one text; refs 0 = the number is free, and `next` is another free one.
 */
struct label_pair {
    char *text;
    uint32_t name_len;
    uint32_t value_len;
    uint32_t refs;
    uint32_t next;
};

/* Zeroed = empty. */
struct label_pairs {
    VEC(struct label_pair) pairs;
    uint32_t *slots; /* hash table of numbers + 1; 0 = free */
    size_t slot_count;
    size_t used;    /* pairs that are there */
    uint32_t free_; /* a free number + 1; 0 = none */
};

void label_pairs_done(struct label_pairs *pairs);

/* label_pairs_take returns the number of a pair, made when it is new, and counts it;
 * label_pairs_drop takes a count back. */
uint32_t label_pairs_take(struct label_pairs *pairs, str name, str value);
void label_pairs_drop(struct label_pairs *pairs, uint32_t number);

/* label_pairs_get lives as long as the pair. */
static inline struct label label_pairs_get(const struct label_pairs *pairs, uint32_t number)
{
    const struct label_pair *pair = &pairs->pairs.items[number];

    return (struct label){{pair->text, pair->name_len},
                          {pair->text + pair->name_len, pair->value_len}};
}
