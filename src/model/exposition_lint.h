/*
 * exposition_lint: the strict judge of expositions, for `check metrics`. OpenMetrics is held to the
 * whole specification (OpenMetrics 1.0, and the reference parser where the text is open),
 * Prometheus text to its grammar and then to the conventions that promtool checks.
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

enum exposition_check_format {
    /* OpenMetrics when the last line is "# EOF", else text. An empty body, which shows no format
     * and is most often an answer that never came, is refused; text that has what only OpenMetrics
     * knows gets a note. */
    EXPOSITION_CHECK_AUTO,
    EXPOSITION_CHECK_TEXT,
    EXPOSITION_CHECK_OPENMETRICS,
};

struct exposition_check_options {
    enum exposition_check_format format;
    const char *input; /* name in messages; NULL = "stdin" */
};

/* What exposition_check returns: promtool's exit statuses. */
enum {
    EXPOSITION_CHECK_OK = 0,
    EXPOSITION_CHECK_WRONG = 1,
    EXPOSITION_CHECK_LINT = 3,
};

/* exposition_check reads the whole body, appends its findings to out, a line "INPUT:LINE:COL: TEXT"
 * each, and returns the exit status. */
int exposition_check(str body, const struct exposition_check_options *options, struct buf *out);
