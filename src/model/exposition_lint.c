#include "model/exposition_lint.h"

#include <stdarg.h>
#include <stdio.h>

#include "model/exposition_lint_priv.h"

/* A body with more findings than this has one that repeats; the rest is only counted. */
enum { FINDINGS_MAX = 1000 };

void lint_find(struct lint *lint, const char *at, const char *format, ...)
{
    char text[512];
    uint32_t line;
    uint32_t column;
    va_list args;

    if (lint->finding_count++ >= FINDINGS_MAX) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    exposition_position(&lint->parser, at, &line, &column);
    buf_printf(lint->out, "%s:%u:%u: %s\n", lint->input, line, column, text);
}

static bool looks_like_openmetrics(str body)
{
    if (str_has_suffix(body, STR("\n"))) {
        body.len--;
    }
    return str_is(body, "# EOF") || str_has_suffix(body, STR("\n# EOF"));
}

int exposition_check(str body, const struct exposition_check_options *options, struct buf *out)
{
    bool openmetrics = options->format == EXPOSITION_CHECK_OPENMETRICS ||
                       (options->format == EXPOSITION_CHECK_AUTO && looks_like_openmetrics(body));
    struct lint lint = {.out = out, .input = options->input != NULL ? options->input : "stdin"};
    struct baro_error err = {0};
    int r;

    exposition_init(&lint.parser, body, openmetrics ? EXPOSITION_OPENMETRICS : EXPOSITION_TEXT);
    r = openmetrics ? lint_openmetrics(&lint, &err) : lint_text(&lint, &err);
    if (r < 0) {
        buf_printf(out, "%s:%u:%u: %s\n", lint.input, err.line, err.column, err.message);
    }
    if (lint.finding_count > FINDINGS_MAX) {
        buf_printf(out, "%s: and %zu more findings\n", lint.input,
                   lint.finding_count - FINDINGS_MAX);
    }
    labels_builder_done(&lint.builder);
    arena_done(&lint.family);
    arena_done(&lint.names);
    if (r < 0) {
        return EXPOSITION_CHECK_WRONG;
    }
    return lint.finding_count > 0 ? EXPOSITION_CHECK_LINT : EXPOSITION_CHECK_OK;
}
