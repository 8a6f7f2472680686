/*
 * am_notify: from a group of alerts to a message at a receiver. A notifier is a configuration's
 * receivers made ready: templates parsed, secrets' files known, connections kept. The dispatcher
 * says what to send and when, and tries again; this does one attempt. Reference: Alertmanager 0.34,
 * notify/, template/.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "alerting/am_alert.h"
#include "alerting/am_config.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"
#include "model/labels.h"

/* What is to be told. Borrowed for the call. */
struct am_notification {
    str receiver;
    str group_key; /* {}/{a="b"}:{alertname="x"} */
    struct labels group_labels;
    const struct am_alert *alerts; /* in Alertmanager's order; resolved ones only where the
                                      integration has send_resolved */
    size_t count;
    ts now;
    dur repeat_interval;
    str reason; /* "first notification", "new alerts added", "some alerts resolved", "all alerts
                   resolved", "repeat interval elapsed"; empty = "unknown" */
    struct labels route_labels;   /* the route's `labels`, templates; empty where it has none */
    const struct am_alert *batch; /* all of the group, muted ones too, for these; NULL = `alerts` */
    size_t batch_count;
    str thread_id; /* what the integration gave back at the group's last notification (Slack's
                      message to update); empty = none */
};

enum am_notify_outcome {
    AM_NOTIFY_OK,
    AM_NOTIFY_RETRY, /* may go better later: time-outs, 429, 5xx */
    AM_NOTIFY_FAIL,  /* the same attempt would fail again */
};

/* What came of an attempt. The buffers are the caller's (buf_done), and may be left empty. */
struct am_receipt {
    struct buf message;   /* what was sent: the request's body, or the e-mail */
    struct buf thread_id; /* to be given with the group's next notification */
    int status;           /* of HTTP or SMTP; 0 = none came */
    dur retry_after;      /* what the receiver asked for; 0 = nothing */
};

struct am_notifier_options {
    const char *external_url; /* kept; .ExternalURL and links to alerts */
    const char *version;      /* of the User-Agent */
};

struct am_notifier;

/*
 * am_notifier_new makes the receivers of `config` ready, which must outlive it. Opens the template
 * files. Fails with a template's or a TLS file's message.
 */
int am_notifier_new(const struct am_config *config, const struct am_notifier_options *options,
                    struct am_notifier **ret, struct baro_error *err);
struct am_notifier *am_notifier_free(struct am_notifier *notifier);
DEFINE_CLEANUP(am_notifier_free, struct am_notifier)

/*
 * am_notifier_send tries once to deliver through one integration of the configuration: blocks until
 * it was answered, `timeout` is over, or *cancel becomes true. `err` says what went wrong, without
 * secrets. receipt may be NULL. Any number of threads.
 */
enum am_notify_outcome am_notifier_send(struct am_notifier *notifier,
                                        const struct am_integration *integration,
                                        const struct am_notification *notification, dur timeout,
                                        const _Atomic bool *cancel, struct am_receipt *receipt,
                                        struct baro_error *err);

/*
 * am_notifier_route_labels renders the route's labels over the batch, as the API shows them and
 * notifications have them. What cannot be rendered is left out and logged. Any number of threads.
 */
struct labels am_notifier_route_labels(const struct am_notifier *notifier,
                                       const struct am_notification *notification,
                                       struct arena *arena);

/* am_notifier_render is am_notifier_send without the sending: receipt->message is what would go
 * out. */
int am_notifier_render(struct am_notifier *notifier, const struct am_integration *integration,
                       const struct am_notification *notification, struct am_receipt *receipt,
                       struct baro_error *err);
