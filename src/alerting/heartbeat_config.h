/*
 * heartbeat_config: the file of --alerting.heartbeat-file: heartbeats that are sent to somebody
 * who raises the alarm when they stay away (`send`), and such that are expected from others
 * (`expect`). Our own format: docs/howto/alerting.md. Immutable once read.
 */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/dur.h"
#include "base/error.h"
#include "conf/prom_config.h"
#include "conf/secret.h"
#include "model/labels.h"

/* More are refused: each one that is sent has a thread. */
enum { HEARTBEAT_SENDS_MAX = 16, HEARTBEAT_EXPECTS_MAX = 1000, HEARTBEAT_NAME_MAX = 100 };

struct heartbeat_send {
    str name;
    struct secret url;
    str url_file; /* read anew each time; one of the two is there */
    bool is_get;
    dur interval;
    dur timeout;
    str alert;            /* sent only while this alert fires, by name; empty = whatever fires */
    bool check_receivers; /* not sent while a receiver cannot be told */
    const struct prom_http *http; /* NULL = defaults */
};

struct heartbeat_expect {
    str name;
    dur period;
    dur grace;
    struct labels labels; /* of the alert */
    struct labels annotations;
};

struct heartbeat_config {
    struct arena arena; /* all texts */
    const struct heartbeat_send *sends;
    size_t send_count;
    const struct heartbeat_expect *expects;
    size_t expect_count;
};

/* heartbeat_config_parse reads the text of the file `path`; faults are added to `faults`. Fails
 * with the code of the first one. An empty text is a configuration without heartbeats. */
int heartbeat_config_parse(str path, str text, struct heartbeat_config **ret,
                           struct faults *faults);
struct heartbeat_config *heartbeat_config_free(struct heartbeat_config *config);
DEFINE_CLEANUP(heartbeat_config_free, struct heartbeat_config)
