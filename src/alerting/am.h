/*
 * am: what Alertmanager is, in this process: takes alerts, groups them by the routes of the running
 * configuration, mutes what is inhibited, silenced or out of hours, tells receivers, tries again,
 * and remembers what it told. Semantics, order and times are those of Alertmanager 0.34. One thread
 * (`alerting`) keeps the clocks of groups; up to worker_max threads send. All functions but
 * life cycle: any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alerting/am_ack.h"
#include "alerting/am_alert.h"
#include "alerting/am_config.h"
#include "alerting/am_notify.h"
#include "alerting/am_silence.h"
#include "alerting/am_state.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/dur.h"
#include "base/error.h"
#include "model/alert.h"

struct am;
struct clock;

/* How notifications leave: am_notifier in the program, scripted receivers in tests. */
struct am_sending {
    /* Makes a configuration's receivers ready; *ret is given to the others. */
    int (*prepare)(void *context, const struct am_config *config, void **ret,
                   struct baro_error *err);
    void (*release)(void *prepared);
    /* As am_notifier_send. */
    enum am_notify_outcome (*send)(void *prepared, const struct am_integration *integration,
                                   const struct am_notification *notification, dur timeout,
                                   const _Atomic bool *cancel, struct am_receipt *receipt,
                                   struct baro_error *err);
    /* As am_notifier_route_labels; NULL = the API shows none. */
    struct labels (*route_labels)(void *prepared, const struct am_notification *notification,
                                  struct arena *arena);
};

/* Zero in any number means the default. */
struct am_options {
    struct clock *clock;
    const struct am_sending *sending;
    void *sending_context;
    const char *state_path;   /* NULL = nothing is kept over a restart */
    uint32_t worker_max;      /* threads that send; 64 */
    uint32_t groups_max;      /* 200,000; alerts of further groups are refused and counted */
    dur retention;            /* of expired silences and of the notification log; 120 h */
    dur gc_interval;          /* of resolved alerts; 30 min */
    dur empty_group_interval; /* 30 s */
};

/* am_new reads the state back. There is no configuration until am_apply. */
int am_new(const struct am_options *options, struct am **ret, struct baro_error *err);

/* am_free stops, if that has not been done, and writes the state. */
struct am *am_free(struct am *am);
DEFINE_CLEANUP(am_free, struct am)

/*
 * am_apply makes a configuration the running one; takes `config` over, also when it fails. `text`
 * is the file's, for the API. Groups are made anew, and begin to be told when what is on its way to
 * receivers has arrived, or after 5 s. On failure the running one stays.
 */
int am_apply(struct am *am, struct am_config *config, str text, struct baro_error *err);

/* am_start starts the threads; am_stop ends them, waiting at most 5 s for what is on its way. */
int am_start(struct am *am, struct baro_error *err);
void am_stop(struct am *am);

/* am_sink is for rules; valid as long as am is. */
struct alert_sink *am_sink(struct am *am);

/* ---- For tests: the work of the threads, in this one ---- */

/* am_turn does what is due; returns when there is more to do on the monotonic clock. */
mono am_turn(struct am *am);
/* am_work sends one notification that waits; false when none does. */
bool am_work(struct am *am);

/* ---- Alerts ---- */

enum am_status { AM_STATUS_ACTIVE, AM_STATUS_SUPPRESSED };

/* What was posted; completed by am_alerts_put: times that are 0, updated_at, fingerprint. */
struct am_put_result {
    size_t invalid;
    struct buf message; /* why, a line each */
};

/*
 * am_alerts_put takes alerts. Those that are invalid are left out, counted and explained. With
 * `wait` it returns when the good ones are on the disk, and fails with what the disk says.
 */
int am_alerts_put(struct am *am, const struct am_alert *alerts, size_t count, bool wait,
                  struct am_put_result *result, struct baro_error *err);

/* An alert as the API shows it. */
struct am_alert_view {
    struct am_alert alert;
    enum am_status status;
    const str *silenced_by;
    size_t silenced_count;
    uint64_t inhibited_by; /* 0 = not */
    const str *receivers;
    size_t receiver_count;
    bool is_acknowledged;
    struct am_ack ack;
};

struct am_group_view {
    struct labels labels;
    struct labels route_labels; /* rendered */
    str receiver;
    str key;
    str muted_by; /* name of the time interval; empty = not */
    const struct am_alert_view *alerts;
    size_t count;
    const struct am_notification *unrendered; /* private to am_groups */
};

/* What a request wants to see. */
struct am_filter {
    const am_matchers *matchers; /* NULL = all */
    bool active;
    bool silenced;
    bool inhibited;
    bool muted;                                /* of groups */
    bool (*receiver)(void *context, str name); /* NULL = all */
    void *context;
    const am_matchers *receiver_matchers; /* of a receiver's labels; NULL = all */
};

/* am_alerts copies alerts that are not over into the arena, by fingerprint. am_groups the groups,
 * by labels and receiver. */
void am_alerts(struct am *am, const struct am_filter *filter, struct arena *arena,
               struct am_alert_view **ret, size_t *ret_count);
void am_groups(struct am *am, const struct am_filter *filter, struct arena *arena,
               struct am_group_view **ret, size_t *ret_count);

/* ---- Silences ---- */

struct am_silence_view {
    str id;
    enum am_silence_state state;
    const struct am_silence_matcher *matchers;
    size_t matcher_count;
    ts starts_at;
    ts ends_at;
    ts updated_at;
    str created_by;
    str comment;
    struct labels annotations;
    str schedule; /* JSON; empty = always */
    ts now;       /* of this view */
};

/* am_silence_set and am_silence_expire return when the change is on the disk. ret_id holds
 * AM_SILENCE_ID_BYTES. Fail as am_silences_set and am_silences_expire do. */
int am_silence_set(struct am *am, const struct am_silence_spec *spec, char *ret_id,
                   struct baro_error *err);
int am_silence_expire(struct am *am, str id, struct baro_error *err);

/* am_silence_list copies all, or the one of that id: active, pending, expired ones. */
void am_silence_list(struct am *am, str id, struct arena *arena, struct am_silence_view **ret,
                     size_t *ret_count);

/* ---- Acknowledgements ---- */

/*
 * am_ack_set acknowledges alerts that fire, or takes their acknowledgement back
 * (wanted->is_taken_back), and returns when that is on the disk: how many there were. ret_found
 * holds `count` answers. Times of `wanted` but ends_at do not matter. Fails as am_acks_put does.
 */
int am_ack_set(struct am *am, const struct am_ack *wanted, const uint64_t *fingerprints,
               size_t count, bool *ret_found, struct baro_error *err);

/* am_ack_list copies those in effect. */
struct am_ack_view {
    struct am_ack ack;
    struct labels labels; /* of the alert */
};
void am_ack_list(struct am *am, struct arena *arena, struct am_ack_view **ret, size_t *ret_count);

/* ---- The rest ---- */

/* am_receiver_list and am_config_text copy what the running configuration has. Labels of receivers
 * have their names among them. */
void am_receiver_list(struct am *am, const am_matchers *matchers, struct arena *arena,
                      struct labels **ret, size_t *ret_count);
str am_config_text(struct am *am, struct arena *arena);
ts am_started_at(const struct am *am);
ts am_clock_now(const struct am *am);

/*
 * am_is_well: groups are told in time and the state is written; with check_receivers also that the
 * last notification of no integration was given up. Appends what is wrong, else.
 * am_alert_is_fresh: an alert of that name fires and was heard of within `age`.
 */
bool am_is_well(struct am *am, bool check_receivers, struct buf *ret_why);
bool am_alert_is_fresh(struct am *am, str name, dur age);

/* am_state_of is where deliveries are read from; NULL when nothing is kept. */
const struct am_state *am_state_of(const struct am *am);

/* am_metrics_write appends alertmanager_* in Prometheus's text format. */
void am_metrics_write(struct am *am, struct buf *buf);
