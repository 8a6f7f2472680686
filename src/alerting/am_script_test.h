/*
 * am_script_test: an alertmanager on a virtual clock, driven by a script; what its receivers are
 * told is written down line by line. For tests alone.
 *
 * A script has one step a line, "SECONDS WORD ARGS...", times rising:
 *   fire LABELS [for SECONDS]   reports an alert (labels a=b,c=d); it ends after SECONDS (default:
 * it never does, until it is resolved) resolve LABELS              reports that it is over post
 * LABELS                 reports it without any end, as clients do silence MATCHERS SECONDS begins
 * a silence unsilence                   expires the last one; ack LABELS [SECONDS] acknowledges an
 * alert, unack LABELS takes that back; retry N, refuse N           the next N attempts fail for
 * now, or for good slow                        what is sent stays on its way until `arrive` arrive
 * lets it arrive reload                      applies the configuration again restart ends the
 * alertmanager and starts it anew on its state end                         nothing; time passes
 * until then
 *
 * A notification is a line "SECONDS RECEIVER/KIND REASON: +A -B" with the values of the label
 * `alertname` (and `i` behind it where there is one): + fires, - is over, in order.
 */
#pragma once

#include "alerting/am.h"
#include "base/buf.h"
#include "sys/clock.h"

struct am_script {
    struct clock_fake clock;
    struct am *am;
    const char *config;
    const char *state_path; /* NULL = none */
    struct buf told;
    char silence[AM_SILENCE_ID_BYTES];
    int retries;
    int refusals;
    bool is_slow;
};

/* am_script_begin starts at AM_SCRIPT_START; am_script_run runs steps; am_script_end frees. */
#define AM_SCRIPT_START (INT64_C(1767600000) * 1000) /* Monday 2026-01-05T08:00:00Z */
void am_script_begin(struct am_script *script, const char *config, const char *state_path);
void am_script_run(struct am_script *script, const char *steps);
void am_script_end(struct am_script *script);
