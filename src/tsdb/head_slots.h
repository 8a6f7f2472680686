/*
 * head_slots: what few series of a stripe have beside their struct head_series, by rising slot: a
 * list of pointers to the slots that stand in those things, from which CONTAINER_OF leads to them.
 * Under the stripe lock.
 */
#pragma once

#include <stdint.h>

#include "base/vec.h"

struct head_slots {
    VEC(uint32_t *) items;
};

/* head_slots_find gives the place of a slot that is in the list; it may be pointed elsewhere when
 * its thing has moved. Valid until the list changes. */
uint32_t **head_slots_find(const struct head_slots *list, uint32_t slot);

/* head_slots_add puts in one that is not there. Slots are given rising, so it is mostly the last.
 */
void head_slots_add(struct head_slots *list, uint32_t *slot);

/* head_slots_remove takes one out that is there. */
void head_slots_remove(struct head_slots *list, uint32_t slot);
