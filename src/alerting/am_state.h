/*
 * am_state: alerts, silences and the notification log in a file (SQLite; docs/formats/alerting.md).
 * Changes go to a queue; one thread writes all that waits as one transaction, so that a thousand
 * cost what one costs. What was written survives a kill at any moment. The functions but open, load
 * and close take no longer than a copy; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alerting/am_ack.h"
#include "alerting/am_nflog.h"
#include "alerting/am_silence.h"
#include "alerting/am_store.h"
#include "base/attr.h"
#include "base/error.h"

struct am_state;

/* More bytes do not wait: changes are refused and counted. */
#define AM_STATE_QUEUE_BYTES_MAX ((size_t)64 << 20)

/* What was delivered, for the history. Borrowed for the call. */
struct am_delivery {
    ts time;
    str receiver;
    str integration; /* webhook */
    str group_key;
    str status;  /* firing, resolved */
    str outcome; /* ok, failed */
    str error;
    str message; /* the body that was sent; cut */
    int64_t alerts;
    int64_t attempts;
    int64_t http_status;
    dur duration;
};

enum { AM_DELIVERIES_MAX = 10000, AM_DELIVERY_MESSAGE_MAX = 64 << 10 };

/* Fails as db_open does. */
int am_state_open(const char *path, struct am_state **ret, struct baro_error *err);

/* am_state_close writes what waits. */
struct am_state *am_state_close(struct am_state *state);
DEFINE_CLEANUP(am_state_close, struct am_state)

/* What is read back, once, before the first change. Everything is borrowed for the call. */
struct am_state_reader {
    void (*alert)(void *context, const struct am_alert *alert, int64_t row);
    void (*silence)(void *context, const struct am_silence_spec *spec);
    void (*entry)(void *context, const struct am_nflog_entry *entry);
    void (*ack)(void *context, const struct am_ack *ack);
    void *context;
};

/* am_state_load reads all; *ret_alive is when the program was last known to run (0 = never). Rows
 * that cannot be read are left out and counted in *ret_bad. */
int am_state_load(struct am_state *state, const struct am_state_reader *reader, ts *ret_alive,
                  size_t *ret_bad, struct baro_error *err);

/* am_state_start begins to write. */
int am_state_start(struct am_state *state, struct baro_error *err);

/* Changes. `touched` says that only the end and the time of the report differ from what is kept. An
 * alert without a row is given one. */
void am_state_alert(struct am_state *state, struct am_kept *kept, bool touched);
void am_state_alert_gone(struct am_state *state, const struct am_kept *kept);
void am_state_silence(struct am_state *state, const struct am_silence *silence, bool gone);
void am_state_entry(struct am_state *state, const struct am_nflog_entry *entry, bool gone);
void am_state_ack(struct am_state *state, const struct am_ack *ack, bool gone);
void am_state_alive(struct am_state *state, ts now);
void am_state_delivery(struct am_state *state, const struct am_delivery *delivery);

/* am_state_flush waits until all that was changed before is on the disk. Fails with BARO_ETIMEOUT,
 * or with what the disk says. */
int am_state_flush(struct am_state *state, dur timeout, struct baro_error *err);

/* am_state_deliveries walks the newest deliveries, newest first, that contain the words (ptr NULL =
 * any). Opens the file anew: not for the alertmanager's lock. */
struct am_delivery_filter {
    str receiver;
    str group_key;
    ts since;
    ts until;
    size_t limit;
};
int am_state_deliveries(const struct am_state *state, const struct am_delivery_filter *filter,
                        void (*visit)(void *context, const struct am_delivery *delivery),
                        void *context, struct baro_error *err);

struct am_state_stats {
    uint64_t transactions;
    uint64_t changes;
    uint64_t failures;
    uint64_t refused; /* the queue was full */
    uint64_t queued_bytes;
};
/* am_state_is_failing: the last transaction failed. */
bool am_state_is_failing(struct am_state *state);
void am_state_stats(struct am_state *state, struct am_state_stats *ret);
