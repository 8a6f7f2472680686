/*
 * label_pairs: label pairs that many series share, each kept once and counted, under a small
 * number, as the field that a series of remote write 1.0 has of it. One thread.
 */
#pragma once

#include <stdint.h>

#include "base/vec.h"
#include "model/labels.h"

/* A pair: the field as wire_label_put writes it; refs 0 = the number is free, and `next` is another
 * free one. */
struct label_pair {
    char *field;
    uint32_t bytes;
    uint32_t name_at;
    uint32_t name_len;
    uint32_t value_len; /* the value is the end of the field */
    uint32_t refs;
    uint32_t next;
    uint32_t request; /* of 2.0, in which it has the symbols below; 0 = none */
    uint32_t name_symbol;
    uint32_t value_symbol;
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

    return (struct label){{pair->field + pair->name_at, pair->name_len},
                          {pair->field + pair->bytes - pair->value_len, pair->value_len}};
}

/* label_pairs_field lives as long as the pair. */
static inline str label_pairs_field(const struct label_pairs *pairs, uint32_t number)
{
    const struct label_pair *pair = &pairs->pairs.items[number];

    return (str){pair->field, pair->bytes};
}
