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

/* Whether a line has what OpenMetrics knows and the text format does not: a unit, a type of its
 * own, an exemplar. */
static bool line_is_openmetrics(str line)
{
    static const char *const types[] = {" unknown", " info", " stateset", " gaugehistogram"};

    if (!str_has_prefix(line, STR("#"))) {
        return str_contains(line, STR(" # {"));
    }
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        if (str_has_prefix(line, STR("# TYPE ")) && str_has_suffix(line, str_from(types[i]))) {
            return true;
        }
    }
    return str_has_prefix(line, STR("# UNIT "));
}

/* Says once that a body was taken for text although it has signs of OpenMetrics. Good text has them
 * in comments and label values only, so this is no finding. */
static void note_openmetrics(const struct lint *lint, str body)
{
    str line = STR_NULL;

    for (uint32_t number = 1; str_split_next(&body, '\n', &line); number++) {
        if (line_is_openmetrics(line)) {
            buf_printf(
                lint->out,
                "%s:%u:1: note: this is OpenMetrics, but the last line is not \"# EOF\": the "
                "body was checked as Prometheus text; --format=openmetrics checks it as "
                "OpenMetrics\n",
                lint->input, number);
            return;
        }
    }
}

int exposition_check(str body, const struct exposition_check_options *options, struct buf *out)
{
    const bool is_auto = options->format == EXPOSITION_CHECK_AUTO;
    const bool openmetrics = options->format == EXPOSITION_CHECK_OPENMETRICS ||
                             (is_auto && looks_like_openmetrics(body));
    struct lint lint = {.out = out, .input = options->input != NULL ? options->input : "stdin"};
    struct baro_error err = {0};
    int r;

    if (is_auto && body.len == 0) {
        buf_printf(out,
                   "%s:1:1: nothing to check: the body is empty (OpenMetrics ends with \"# EOF\"; "
                   "--format=text takes an empty body)\n",
                   lint.input);
        return EXPOSITION_CHECK_WRONG;
    }
    exposition_init(&lint.parser, body, openmetrics ? EXPOSITION_OPENMETRICS : EXPOSITION_TEXT);
    r = openmetrics ? lint_openmetrics(&lint, &err) : lint_text(&lint, &err);
    if (r < 0) {
        buf_printf(out, "%s:%u:%u: %s\n", lint.input, err.line, err.column, err.message);
    }
    if (is_auto && !openmetrics) {
        note_openmetrics(&lint, body);
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
