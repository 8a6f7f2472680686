/*
 * am_silence: silences by identifier: made, changed, expired, and asked whether one covers a label
 * set. A silence is never changed in what it means: another meaning makes another silence and ends
 * the first, so that history stays. Source: Alertmanager 0.34, silence/. Lock: the alertmanager's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alerting/am_matcher.h"
#include "alerting/am_schedule.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/map.h"
#include "base/random.h"
#include "base/str.h"
#include "base/vec.h"

enum am_silence_state { AM_SILENCE_ACTIVE, AM_SILENCE_PENDING, AM_SILENCE_EXPIRED };

enum {
    AM_SILENCE_ID_BYTES = 37, /* a UUID and NUL */
    AM_SILENCES_MAX = 100000, /* active, pending and expired; more are refused */
    AM_SILENCE_BYTES_MAX = 1 << 18,
    AM_SILENCE_ANNOTATIONS_MAX = 1000,
    AM_SILENCES_RECURRING_MAX = 1000, /* of them with a schedule */
};

struct am_silence {
    struct arena arena; /* texts and matchers */
    str id;
    am_matchers matchers; /* in the order given */
    ts starts_at;
    ts ends_at;
    ts updated_at;
    str created_by;
    str comment;
    struct labels annotations;
    const struct am_schedule *schedule; /* NULL = always; else it silences at these times alone */
    bool is_within;                     /* the schedule, until flips_at */
    ts flips_at;
};

/* What is to be made, or what a stored or a peer's silence says. Borrowed for the call. */
struct am_silence_matcher {
    enum matcher_op op;
    str name;
    str value;
};
struct am_silence_spec {
    str id; /* empty = a new one */
    const struct am_silence_matcher *matchers;
    size_t matcher_count;
    ts starts_at; /* 0 = now */
    ts ends_at;
    ts updated_at; /* of am_silences_merge */
    str created_by;
    str comment;
    struct labels annotations; /* sorted by name */
    str schedule;              /* as am_schedule_parse takes it; empty = always */
    bool keep_schedule;        /* of the silence with that id, whatever `schedule` says */
};

struct am_silences {
    struct map by_id;
    VEC(struct am_silence *) items;
    VEC(struct am_silence *) active;
    uint64_t version; /* changes with the set of active silences; never 0 */
    ts next_change;   /* when it may change by itself */
    struct random random;
    /* Called after each change, with the lock held; gone = forgotten altogether. NULL = nobody. */
    void (*changed)(void *context, const struct am_silence *silence, bool gone);
    void *context;
    size_t count_max; /* 0 = AM_SILENCES_MAX */
};

/* am_silences_init: seed makes identifiers differ between programs. */
void am_silences_init(struct am_silences *silences, uint64_t seed);
void am_silences_done(struct am_silences *silences);

/* am_silence_state_of: a recurring silence is pending between its windows. */
enum am_silence_state am_silence_state_of(const struct am_silence *silence, ts now);
const char *am_silence_state_name(enum am_silence_state state);

/*
 * am_silences_set makes a silence, or changes the one of spec->id where that is a change of times,
 * creator or comment; any other change expires it and makes a new one. *ret is borrowed. Fails with
 * BARO_ENOTFOUND, BARO_EINVALID, BARO_EPARSE (a regular expression) or BARO_ELIMIT.
 */
int am_silences_set(struct am_silences *silences, const struct am_silence_spec *spec, ts now,
                    const struct am_silence **ret, struct baro_error *err);

/* am_silences_expire ends a silence. Fails with BARO_ENOTFOUND, or BARO_EINVALID when it is over.
 */
int am_silences_expire(struct am_silences *silences, str id, ts now, struct baro_error *err);

/* am_silences_merge takes a silence as it is, unless the one that is there is as young: 1 when it
 * was taken, 0 when not. Nobody is told. */
int am_silences_merge(struct am_silences *silences, const struct am_silence_spec *spec, ts now,
                      struct baro_error *err);

const struct am_silence *am_silences_get(const struct am_silences *silences, str id);

/* am_silences_gc forgets those that ended before `before`; returns how many. */
size_t am_silences_gc(struct am_silences *silences, ts before, ts now);

/* am_silences_refresh brings the active ones up to date; the queries below want it. */
void am_silences_refresh(struct am_silences *silences, ts now);

/* am_silences_match says whether an active silence covers the labels; with ret_ids not NULL it
 * appends the id of each that does. */
typedef VEC(str) am_strs;
bool am_silences_match(const struct am_silences *silences, struct labels labels, am_strs *ret_ids);
