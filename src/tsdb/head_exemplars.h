/*
 * head_exemplars: the newest exemplars of all series in one ring; the oldest makes room. Any
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/lock.h"
#include "storage/appender.h"

/* Label names and values of one exemplar together, in code points; the bound of OpenMetrics. */
enum { EXEMPLAR_RUNES_MAX = 128 };

struct exemplar_slot {
    char *labels; /* names and values, each followed by NUL; owned */
    double value;
    ts t;
    uint32_t slot; /* of the series */
    uint16_t label_count;
    uint16_t label_bytes;
};

struct head_exemplars {
    struct lock lock;
    struct exemplar_slot *items; /* lock: this one; NULL when none are kept */
    uint32_t *newest;            /* lock: this one; hash table by series: index + 1 */
    size_t table_mask;
    uint32_t max;
    uint32_t next;   /* lock: this one; where the next one goes */
    uint32_t count;  /* lock: this one */
    uint32_t series; /* lock: this one; those in the table */
};

void head_exemplars_init(struct head_exemplars *ring, uint32_t max);
void head_exemplars_done(struct head_exemplars *ring);

/*
 * head_exemplars_check says whether an exemplar may be added: 1, or 0 when it is the series' newest
 * one already. Fails with BARO_EOUTOFORDER, or BARO_ELIMIT when its labels are too long.
 */
int head_exemplars_check(struct head_exemplars *ring, uint32_t slot,
                         const struct exemplar *exemplar, struct baro_error *err);

/* head_exemplars_add keeps a copy; one that head_exemplars_check would refuse is dropped: false. */
bool head_exemplars_add(struct head_exemplars *ring, uint32_t slot,
                        const struct exemplar *exemplar);

/* head_exemplars_forget drops those of series that `is_gone` names. */
void head_exemplars_forget(struct head_exemplars *ring,
                           bool (*is_gone)(const void *context, uint32_t slot),
                           const void *context);

/* head_exemplars_list copies those with start <= t <= end into the arena, oldest first, with the
 * slots of their series. */
struct exemplar_found {
    struct exemplar exemplar;
    uint32_t slot;
};
size_t head_exemplars_list(struct head_exemplars *ring, struct arena *arena, ts start, ts end,
                           struct exemplar_found **ret);

/* head_exemplars_figures tells what is kept now; oldest is 0 when there is none. */
struct head_exemplars_figures {
    uint32_t count;
    uint32_t series;
    ts oldest;
};
struct head_exemplars_figures head_exemplars_figures(struct head_exemplars *ring);

size_t head_exemplars_bytes(struct head_exemplars *ring);
