/*
 * am_ack: acknowledgements: somebody has seen an alert and works on it. While one is in effect the
 * alert is no reason to repeat a notification; everything else is told as ever. It is of one alert,
 * by fingerprint, and ends when that alert is resolved (what fires again later has begun later), at
 * its own end, or when it is taken back. Not in Alertmanager. Lock: the alertmanager's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alerting/am_alert.h"
#include "alerting/am_fps.h"
#include "base/error.h"

/* More acknowledgements, and longer texts, are refused with BARO_ELIMIT. */
enum { AM_ACKS_MAX = 100000, AM_ACK_TEXT_MAX = 4096 };

/* One block of memory where it is kept. */
struct am_ack {
    uint64_t fingerprint;
    ts created_at;
    ts ends_at;    /* 0 = when the alert is resolved */
    ts updated_at; /* of two reports the younger counts */
    bool is_taken_back;
    str created_by;
    str comment;
};

struct am_acks {
    struct am_fps items;
};

void am_acks_done(struct am_acks *acks);

/* am_acks_put keeps a copy, unless the one that is there is as young: 1 when it was taken, 0 when
 * not. Fails with BARO_EINVALID (an author is wanted, texts must be UTF-8) or BARO_ELIMIT. */
int am_acks_put(struct am_acks *acks, const struct am_ack *ack, struct baro_error *err);

/* am_acks_get returns what is kept of a fingerprint, in effect or not, or NULL. */
const struct am_ack *am_acks_get(const struct am_acks *acks, uint64_t fingerprint);

/* am_acks_find returns the acknowledgement of an alert that is in effect, or NULL. */
const struct am_ack *am_acks_find(const struct am_acks *acks, const struct am_alert *alert, ts now);

/* am_acks_gc forgets those that `is_over` says are, and were changed before `before`; each is told
 * of before it goes. */
size_t am_acks_gc(struct am_acks *acks, ts before,
                  bool (*is_over)(void *context, const struct am_ack *ack),
                  void (*gone)(void *context, const struct am_ack *ack), void *context);
