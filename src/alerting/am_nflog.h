/*
 * am_nflog: the notification log: what each integration of a receiver was last told about a group.
 * By it a group is told once, again when something changed or the repeat interval is over, and not
 * again after a restart. Source: Alertmanager 0.34, nflog/ and notify.DedupStage. Lock: the
 * alertmanager's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/dur.h"
#include "base/map.h"
#include "base/str.h"

/* More entries are not kept (and counted): their groups may be told again. */
enum { AM_NFLOG_MAX = 1000000 };

/* As a timestamp: the notification was about to be sent when the program ended, and may have been.
 */
enum { AM_NFLOG_INTENT = 0 };

/* One block of memory. */
struct am_nflog_entry {
    str key;       /* GROUP_KEY:RECEIVER/INTEGRATION/INDEX */
    ts timestamp;  /* of the notification, or AM_NFLOG_INTENT */
    ts expires_at; /* forgotten after that */
    const uint64_t *firing;
    size_t firing_count;
    const uint64_t *resolved;
    size_t resolved_count;
    str thread_id;
};

struct am_nflog {
    struct map entries;
};

void am_nflog_done(struct am_nflog *log);

/* am_nflog_get returns the entry of a key, or NULL. */
const struct am_nflog_entry *am_nflog_get(const struct am_nflog *log, str key);

/* am_nflog_put copies the entry in, unless the one that is there is younger; returns what is there
 * now if it was taken, else NULL. */
const struct am_nflog_entry *am_nflog_put(struct am_nflog *log, const struct am_nflog_entry *entry);

/* am_nflog_gc forgets what has expired, and tells of each entry before it goes. */
size_t am_nflog_gc(struct am_nflog *log, ts now,
                   void (*gone)(void *context, const struct am_nflog_entry *entry), void *context);

/* Why a group is told. The texts are those of Alertmanager's templates. */
enum am_reason {
    AM_REASON_NONE,
    AM_REASON_FIRST,
    AM_REASON_NEW,
    AM_REASON_RESOLVED,
    AM_REASON_ALL_RESOLVED,
    AM_REASON_REPEAT,
};
const char *am_reason_text(enum am_reason reason);

/* What a group is now. */
struct am_group_state {
    const uint64_t *firing; /* fingerprints */
    size_t firing_count;
    const uint64_t *resolved;
    size_t resolved_count;
};

/* am_nflog_reason decides whether it has to be told, given what was told last (NULL = nothing). */
enum am_reason am_nflog_reason(const struct am_nflog_entry *entry,
                               const struct am_group_state *state, bool send_resolved, dur repeat,
                               ts now);
