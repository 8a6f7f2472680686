/*
 * check_dashboards: the expressions of Grafana dashboards (JSON), for `check dashboards`: targets
 * of panels, annotations and query variables whose data source is Prometheus or unknown. Grafana's
 * variables stand for anything; labels in legends ({{stage}}) are looked for, too.
 */
#pragma once

#include "app/expr_known.h"
#include "base/buf.h"

/* check_dashboard appends a line "FILE:LINE:COL: MESSAGE" for each fault and returns their number;
 * *ret_expressions counts what was looked at. */
size_t check_dashboard(str text, const char *file, const struct expr_known *known,
                       size_t *ret_expressions, struct buf *out);
