/*
 * am_store: the alerts that are known, by fingerprint. What is received again is merged with what
 * is there, as Alertmanager 0.34's provider/mem does. A kept alert is immutable but for its cache
 * of silences and its row, and counted, so that groups and notifications on their way share it.
 * Lock: the alertmanager's, but for references.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alerting/am_alert.h"
#include "alerting/am_fps.h"

/* More alerts at once are refused and counted. At 1 KB each that is a gigabyte. */
enum { AM_ALERTS_MAX = 1000000 };

struct am_kept {
    struct am_alert alert;
    uint64_t silence_version; /* of am_silences when is_silenced was found out; 0 = never */
    int64_t row;              /* in the file of am_state; 0 = in none */
    bool is_silenced;
    _Atomic uint32_t refs;
};

/* am_kept_new copies an alert into one block, with one reference. */
struct am_kept *am_kept_new(const struct am_alert *alert);
struct am_kept *am_kept_ref(struct am_kept *kept);
void am_kept_unref(struct am_kept *kept); /* NULL is fine */

/* am_kept_bytes is the size of its block. */
size_t am_kept_bytes(const struct am_alert *alert);

struct am_store {
    struct am_fps alerts; /* of struct am_kept, a reference each */
};

void am_store_done(struct am_store *store);

/* am_store_put keeps the alert, merged with the one before; returns what is kept now (the store's
 * reference), NULL when the store is full. */
struct am_kept *am_store_put(struct am_store *store, const struct am_alert *alert, ts now);

/* am_store_load keeps an alert as it is, with the row that it was read from. */
struct am_kept *am_store_load(struct am_store *store, const struct am_alert *alert, int64_t row);

struct am_kept *am_store_get(const struct am_store *store, uint64_t fingerprint);

/* am_store_gc forgets what is resolved, and tells of each alert before it goes. */
void am_store_gc(struct am_store *store, ts now, void (*gone)(void *context, struct am_kept *kept),
                 void *context);
