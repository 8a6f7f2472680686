/*
 * template_alert: the functions and the data that Prometheus gives to the templates of alert labels
 * and annotations: $labels, $externalLabels, $externalURL, $value, query, humanize and the rest.
 * Reference: Prometheus 3, template/template.go, and docs/configuration/template_reference.
 */
#pragma once

#include "base/dur.h"
#include "model/labels.h"
#include "template/template.h"

/* One sample of a query's result. */
struct template_sample {
    struct labels labels;
    double value;
};

/* Runs an instant query for the function `query`; samples are in the arena. */
typedef int template_query(void *context, struct arena *arena, str expr, ts t,
                           struct template_sample **ret, size_t *ret_count, struct baro_error *err);

/* Where a template is expanded. */
struct template_alert {
    template_query *query; /* NULL = queries fail */
    void *query_context;
    ts t; /* of the evaluation */
    str external_url;
    struct labels external_labels;
    const _Atomic bool *cancel;
};

/* template_alert_expand appends what `text` makes of an alert's labels and value. On failure out is
 * as before, and the message is Prometheus's: "error parsing template NAME: ..." or "error
 * executing template NAME: ...". */
int template_alert_expand(const struct template_alert *alert, struct arena *arena, str name,
                          str text, struct labels labels, double value, struct buf *out,
                          struct baro_error *err);

/* template_alert_check parses a text, for checks of rule files; `name` is the alert's. */
int template_alert_check(str name, str text, struct baro_error *err);
