/*
 * write_receiver: takes one request of remote write into a store: one transaction, so one record of
 * the log, durable as a scrape is. What is bad of a request (labels, times, histograms) is left
 * out and told; the rest is kept. What may succeed later (no memory, no disk) takes everything
 * back, so that the sender can send it again. Any thread. Semantics: Prometheus 3.16,
 * storage/remote/write_handler.go.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"
#include "remote/wire_in.h"
#include "storage/appender.h"

enum {
    WRITE_AHEAD_MAX = 10 * DUR_MINUTE, /* samples may be so far in the future */
    WRITE_FAULTS_MAX = 20,             /* that are told one by one */
    WRITE_EXEMPLARS_MAX = 1 << 16,     /* of one series */
};

struct write_options {
    struct appendable *appendable;
    ts now;
    bool keeps_metadata;       /* of series (2.0), as --enable-feature=metadata-wal-records */
    bool type_and_unit_labels; /* made of metadata (2.0), as the feature of that name */
};

/* What became of a request. */
struct write_receipt {
    int status;     /* of HTTP: 204 all was taken; 400 some or all was bad; 503 nothing was kept */
    size_t samples; /* taken */
    size_t histograms;
    size_t exemplars;
    size_t bad_labels;       /* samples and histograms of series whose labels are no good */
    size_t without_metadata; /* of those taken */
    struct buf message;      /* what was wrong, a line each */
};

/* write_receiver_take takes an unpacked request. The receipt is all zero before, and released by
 * write_receipt_done. */
void write_receiver_take(const struct write_options *options, enum wire_message message, str body,
                         struct write_receipt *ret);
void write_receipt_done(struct write_receipt *receipt);
