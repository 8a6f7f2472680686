/*
 * demo_alerting: the packs' rules and alertmanager.yml as `barograph demo` runs them: the four
 * routing trees below one root, receivers that end at the demo's inbox, and times that may be
 * divided, so that an alert's life passes while one looks. The packs' files are ours, so they are
 * edited as text, line by line; what comes out is checked as any configuration is.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/dur.h"
#include "base/str.h"

/* The parts of the merged file; zeroed = empty. */
struct demo_alerting {
    struct buf routes;
    struct buf inhibit_rules;
    struct buf receivers;
    uint16_t web_port; /* of the inbox */
    uint16_t mail_port;
    int64_t hurry; /* times are divided by it; >= 1 */
};

/* demo_alerting_add takes in a pack's alertmanager.yml. Its receivers are called PACK-NAME, and
 * each of its first routes has what its root says. */
void demo_alerting_add(struct demo_alerting *parts, const char *pack, str yaml);

/* demo_alerting_write appends the whole file. */
void demo_alerting_write(const struct demo_alerting *parts, struct buf *out);
void demo_alerting_done(struct demo_alerting *parts);

/* demo_rules appends a rule file whose `for`, `keep_firing_for`, `interval` and ranges are divided
 * by `hurry`: nothing gets shorter than one interval, and ranges not than four. */
void demo_rules(struct buf *out, str yaml, int64_t hurry, dur interval);
