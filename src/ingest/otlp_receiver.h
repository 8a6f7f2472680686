/*
 * otlp_receiver: takes one request of OTLP metrics (ExportMetricsServiceRequest) into a store: one
 * transaction, as remote write has it. What is bad of it (times, names, temporality, histograms) is
 * left out and told, the rest is kept; what may succeed later takes everything back. Any thread.
 * Semantics: Prometheus 3.16, storage/remote/otlptranslator/prometheusremotewrite.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/dur.h"
#include "base/str.h"
#include "ingest/otlp_names.h"
#include "storage/appender.h"

enum {
    OTLP_AHEAD_MAX = 10 * DUR_MINUTE, /* points may be so far in the future */
    OTLP_FAULTS_MAX = 20,             /* that are told one by one */
    OTLP_ATTRIBUTES_MAX = 512,        /* of one point, resource or scope */
    OTLP_EXEMPLARS_MAX = 1 << 16,     /* of one point */
    OTLP_NAME_BYTES_MAX = 1 << 12,    /* of a metric, and of its unit */
    OTLP_TARGET_INFO_MAX = 1000,      /* samples of one target_info series in one request */
};
/* Labels of all series of a request together: what resources and scopes have stands in each. */
#define OTLP_LABEL_BYTES_MAX ((size_t)512 << 20)

struct otlp_options {
    struct appendable *appendable;
    ts now;
    struct otlp_naming naming;
    bool promotes_all; /* attributes of resources become labels, but for `attributes` */
    const str *attributes;
    size_t attribute_count;
    bool keeps_identifying; /* service.name and its kin are labels of target_info too */
    bool makes_nhcb;        /* of histograms with explicit bounds */
    bool promotes_scope;
    bool takes_deltas; /* as they are */
    bool type_and_unit_labels;
    bool keeps_metadata;
    dur lookback;           /* target_info has a sample every half of it */
    size_t label_bytes_max; /* 0 = OTLP_LABEL_BYTES_MAX */
};

struct otlp_receipt {
    int status; /* of HTTP: 200, 400 some or all was bad, 503 nothing was kept */
    size_t samples;
    size_t exemplars_out_of_order;
    struct buf message; /* what was wrong, a line each */
};

/* otlp_receiver_take takes the protobuf message. The receipt is all zero before. */
void otlp_receiver_take(const struct otlp_options *options, str body, struct otlp_receipt *ret);
void otlp_receipt_done(struct otlp_receipt *receipt);
