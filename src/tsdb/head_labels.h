/*
 * head_labels: the inverted index of the head. A label pair (name, value) is stored once and named
 * by a 32-bit number; a series is a list of such numbers, and a pair has the list of its series
 * (slots, rising). A pair without series is removed by a truncation, but stays readable, its
 * postings apart, until head_labels_reuse: so what label_pair_at returns may be read without a lock
 * by whoever has entered an epoch. Everything else happens under the head's index lock.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/vec.h"
#include "model/labels.h"
#include "tsdb/postings.h"

typedef uint32_t pair_ref; /* 0 = none */

struct label_name {
    str text;
    VEC(pair_ref) pairs;  /* one per value, in order of creation */
    uint64_t value_bytes; /* of all values */
};

struct label_pair {
    const struct label_name *name;
    const char *value;
    uint32_t value_len;
    uint32_t count;    /* series that have the pair */
    uint32_t capacity; /* of items; PAIR_INLINE_MAX: the slots stand in `few`; 0: it was removed */
    union {
        uint32_t *items;
        uint32_t few[2];
    };
};

enum {
    PAIR_INLINE_MAX = 2,
    PAIR_PAGE_BITS = 12,
    PAIR_PAGES_MAX = 1 << 16, /* 2^28 pairs */
};

struct head_labels {
    struct label_pair **pages; /* by pair >> PAIR_PAGE_BITS; an entry is written once */
    uint32_t pair_count;       /* numbers handed out; 0 is never one */
    pair_ref *slots;           /* hash table of pairs */
    size_t capacity;           /* a power of two */
    struct map by_name;
    VEC(struct label_name *) names; /* in order of creation */
    VEC(pair_ref) free_pairs;       /* numbers to be given again */
    uint32_t free_count;            /* removed ones, those not in free_pairs yet included */
    struct arena texts;             /* of the names */
    size_t value_bytes;             /* of the values' memory */
    atomic_size_t postings_bytes;
};

void head_labels_init(struct head_labels *index);
void head_labels_done(struct head_labels *index);

static inline struct label_pair *label_pair_at(const struct head_labels *index, pair_ref pair)
{
    return &index->pages[pair >> PAIR_PAGE_BITS][pair & ((1u << PAIR_PAGE_BITS) - 1)];
}

static inline str label_pair_value(const struct label_pair *pair)
{
    return str_of(pair->value, pair->value_len);
}

/* head_labels_add finds or creates a pair; 0 when there are too many. */
pair_ref head_labels_add(struct head_labels *index, str name, str value);

/* head_labels_name_add finds or creates a name. */
const struct label_name *head_labels_name_add(struct head_labels *index, str name);

/* head_labels_reserve makes room for `count` series of a new pair. */
void head_labels_reserve(struct head_labels *index, pair_ref pair, uint32_t count);

/* head_labels_post adds a series to a pair; slots rise from call to call. Threads may post to
 * different pairs at once, while nobody adds or removes any. */
void head_labels_post(struct head_labels *index, pair_ref pair, uint32_t slot);

/* head_labels_find returns the pair or 0; head_labels_name the name or NULL. */
pair_ref head_labels_find(const struct head_labels *index, str name, str value);
const struct label_name *head_labels_name(const struct head_labels *index, str name);

/* head_labels_filter drops the slots that `is_gone` names from a pair's postings; 1 when nothing is
 * left, and then the pair is removed: nobody finds it any more. */
int head_labels_filter(struct head_labels *index, pair_ref pair,
                       bool (*is_gone)(const void *context, uint32_t slot), const void *context);

/* head_labels_tidy takes the removed pairs out of a name's list. */
void head_labels_tidy(struct head_labels *index, struct label_name *name);

/* head_labels_reuse frees a removed pair at which nobody looks any more. */
void head_labels_reuse(struct head_labels *index, pair_ref pair);

/* label_pair_postings is valid until the next head_labels_post. */
static inline struct postings label_pair_postings(const struct label_pair *pair)
{
    return (struct postings){
        .items = pair->capacity <= PAIR_INLINE_MAX ? pair->few : pair->items,
        .count = pair->count,
    };
}

/* head_labels_bytes is the memory of the index, head_labels_postings_bytes what of it is postings.
 */
size_t head_labels_bytes(const struct head_labels *index);
size_t head_labels_postings_bytes(const struct head_labels *index);
