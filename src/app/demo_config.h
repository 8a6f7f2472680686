/*
 * demo_config: the configuration of `barograph demo`: the packs' scrape jobs, with the ports that
 * the services have got. The packs' files are ours, so they are edited as text, line by line; what
 * comes out is checked as any configuration is.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* A job of a pack that the demo can scrape. */
struct demo_target {
    const char *job;
    const char *path; /* in place of the pack's metrics_path; NULL = as it is */
    uint16_t port;    /* 0 = it is not there, and its job is left out */
};

/*
 * demo_scrape_jobs appends the jobs of a pack's scrape.yml that are among the targets, each with
 * its port in place of "localhost:N" and without an interval of its own. Returns how many there
 * were.
 */
size_t demo_scrape_jobs(struct buf *out, str yaml, const struct demo_target *targets, size_t count);

/* demo_config appends the main file: the jobs beside it, the server itself, and the rules when
 * `rules` is a pattern. */
void demo_config(struct buf *out, const char *interval, uint16_t own_port, const char *const *rules,
                 size_t rule_count);
