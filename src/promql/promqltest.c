#include "promql/promqltest.h"

#include <stdio.h>

#include "promql/promqltest_priv.h"

/* Text lines of one script, and of one eval's block. */
enum { SCRIPT_LINES_MAX = 1000000, EVAL_RULES_MAX = 100000 };

struct script {
    str name;
    str rest; /* the lines not read yet */
    str line; /* the current one, trimmed */
    uint32_t number;
    const struct promqltest_options *options;
    struct script_store store;
    struct arena arena; /* of one command */
    struct promqltest_report *report;
    struct baro_error *err;
};

/* next_line moves on; false at the end of the script. */
static bool next_line(struct script *script)
{
    if (script->rest.ptr == NULL || !str_split_next(&script->rest, '\n', &script->line)) {
        script->line = STR_NULL;
        return false;
    }
    script->number++;
    script->line = str_trim(script->line);
    return script->number < SCRIPT_LINES_MAX;
}

static bool is_blank(str line)
{
    return line.len == 0 || line.ptr[0] == '#';
}

static int fail_line(struct script *script, const char *format, ...) PRINTF_LIKE(2, 3);
static int fail_line(struct script *script, const char *format, ...)
{
    va_list args;
    str text;
    int r;

    va_start(args, format);
    text = arena_vprintf(&script->arena, format, args);
    va_end(args);
    r = error_at_line(script->err, BARO_EPARSE, script->number, 1, "%.*s", STR_ARG(text));
    if (script->err != NULL) {
        (void)snprintf(script->err->input, sizeof(script->err->input), "%.*s",
                       STR_ARG(script->name));
    }
    return r;
}

static int parse_time(struct script *script, str word, dur *ret)
{
    struct baro_error err = {0};

    if (dur_parse(word, ret, &err) < 0) {
        return fail_line(script, "%s", err.message);
    }
    return 0;
}

typedef VEC(struct script_load) script_loads;

/* load_starts reads a line `series@st offsets`; the series line itself follows. */
static int load_starts(struct script *script, str metric, str offsets, script_loads *loads)
{
    struct script_load load = {0};
    struct baro_error err = {0};
    int r = promql_parse_metric(&script->arena, metric, &load.labels, &err);

    r = r < 0 ? r : script_starts_parse(offsets, &load.starts, &err);
    vec_push(loads, load);
    return r < 0 ? fail_line(script, "%s", err.message) : 0;
}

/* The line of start timestamps before a series line is about the same series. */
static int load_line(struct script *script, script_loads *loads, bool *after_starts)
{
    size_t end = script_metric_end(script->line);
    struct script_load load = {0};
    struct baro_error err = {0};
    int r;

    if (str_has_prefix(str_from_index(script->line, end), STR("@st"))) {
        *after_starts = true;
        return load_starts(script, str_slice(script->line, 0, end),
                           str_from_index(script->line, end + 3), loads);
    }
    r = script_series_parse(&script->arena, script->line, &load.labels, &load.values, &err);
    if (r >= 0 && *after_starts) {
        struct script_load *before = vec_last(loads);

        before->values = load.values;
        *after_starts = false;
        return labels_eq(before->labels, load.labels) && before->starts.count == load.values.count
                   ? 0
                   : fail_line(script, "the start timestamps before it are not of this series");
    }
    vec_push(loads, load);
    return r < 0 ? fail_line(script, "%s", err.message) : 0;
}

static int store_loads(struct script *script, const script_loads *loads, dur step, bool with_nhcb)
{
    struct baro_error err = {0};
    int r = 0;

    for (size_t i = 0; i < loads->count && r >= 0; i++) {
        const struct script_load *load = &loads->items[i];

        r = script_store_load(&script->store, load->labels, &load->values, &load->starts, step,
                              &err);
    }
    if (r >= 0 && with_nhcb) {
        r = script_nhcb_load(&script->arena, &script->store, loads->items, loads->count, step,
                             &err);
    }
    return r < 0 ? fail_line(script, "%s", err.message) : 0;
}

static void loads_done(script_loads *loads)
{
    for (size_t i = 0; i < loads->count; i++) {
        vec_done(&loads->items[i].values);
        vec_done(&loads->items[i].starts);
    }
    vec_done(loads);
}

static int run_load(struct script *script, str command, str args)
{
    bool with_nhcb = str_eq_nocase(command, STR("load_with_nhcb"));
    script_loads loads = {0};
    bool after_starts = false;
    dur step = 0;
    str word = script_word(&args);
    int r = 0;

    if (!with_nhcb && !str_eq_nocase(command, STR("load"))) {
        return fail_line(script, "unknown command \"%.*s\"", STR_ARG(command));
    }
    if (parse_time(script, word, &step) < 0 || str_trim(args).len > 0) {
        return fail_line(script, "wanted \"load STEP\"");
    }
    while (r >= 0 && next_line(script) && !is_blank(script->line)) {
        r = load_line(script, &loads, &after_starts);
    }
    r = r < 0 ? r : store_loads(script, &loads, step, with_nhcb);
    loads_done(&loads);
    return r;
}

/* parse_message reads what may follow `expect fail`, `expect warn` and `expect info`. */
static int parse_message(struct script *script, str text, struct message_rule *ret)
{
    text = str_trim(text);
    if (text.len == 0) {
        *ret = (struct message_rule){.any = true};
    } else if (str_has_prefix(text, STR("msg:"))) {
        *ret = (struct message_rule){.text = str_trim(str_from_index(text, 4))};
    } else if (str_has_prefix(text, STR("regex:"))) {
        *ret = (struct message_rule){.text = str_trim(str_from_index(text, 6)), .regex = true};
    } else {
        return fail_line(script, "wanted \"msg: TEXT\" or \"regex: RE\"");
    }
    return 0;
}

static int parse_string_rule(struct script *script, struct script_eval *eval, str text)
{
    struct expr *expr = NULL;

    if (promql_parse(&script->arena, str_trim(text), NULL, &expr, NULL) < 0) {
        return fail_line(script, "wanted a quoted string");
    }
    if (expr->kind != EXPR_STRING) {
        promql_expr_done(expr);
        return fail_line(script, "wanted a quoted string");
    }
    eval->has_string = true;
    eval->string = expr->string.value;
    return 0;
}

/* parse_matrix_rule reads `vector from A to B step S`. */
static int parse_matrix_rule(struct script *script, struct script_eval *eval, str text)
{
    dur end = 0;
    bool ok = str_is(script_word(&text), "vector") && str_is(script_word(&text), "from") &&
              parse_time(script, script_word(&text), &eval->matrix_start) >= 0 &&
              str_is(script_word(&text), "to") &&
              parse_time(script, script_word(&text), &end) >= 0 &&
              str_is(script_word(&text), "step") &&
              parse_time(script, script_word(&text), &eval->matrix_step) >= 0;

    if (!ok || eval->matrix_step <= 0) {
        return fail_line(script, "wanted \"expect range vector from A to B step S\"");
    }
    eval->matrix = true;
    return 0;
}

static int parse_expect(struct script *script, struct script_eval *eval, str text)
{
    str word = script_word(&text);
    struct message_rule rule = {0};
    bool warn = str_is(word, "warn");
    int r = 0;

    if (str_is(word, "ordered")) {
        eval->ordered = true;
    } else if (str_is(word, "no_warn")) {
        eval->none[ANNOTATION_WARN] = true;
    } else if (str_is(word, "no_info")) {
        eval->none[ANNOTATION_INFO] = true;
    } else if (str_is(word, "string")) {
        r = parse_string_rule(script, eval, text);
    } else if (str_is(word, "range")) {
        r = parse_matrix_rule(script, eval, text);
    } else if (str_is(word, "fail")) {
        eval->fail = true;
        r = parse_message(script, text, &eval->fail_rule);
    } else if (warn || str_is(word, "info")) {
        r = parse_message(script, text, &rule);
        vec_push(&eval->some[warn ? ANNOTATION_WARN : ANNOTATION_INFO], rule);
    } else {
        r = fail_line(script, "unknown expectation \"%.*s\"", STR_ARG(word));
    }
    return r;
}

static int parse_result_line(struct script *script, struct script_eval *eval)
{
    script_values values = {0};
    struct series_rule rule = {0};
    struct baro_error err = {0};
    int r = script_series_parse(&script->arena, script->line, &rule.labels, &values, &err);

    if (r < 0) {
        r = fail_line(script, "%s", err.message);
    } else if (!eval->range && !eval->matrix && values.count != 1) {
        r = fail_line(script, "an instant eval has one value for each series");
    } else {
        rule.values = ARENA_ARRAY(&script->arena, struct script_value, values.count + 1);
        rule.count = values.count;
        for (size_t i = 0; i < values.count; i++) {
            rule.values[i] = values.items[i];
        }
        vec_push(&eval->series, rule);
    }
    vec_done(&values);
    return r;
}

/* parse_old_fail reads `expected_fail_message TEXT` and `expected_fail_regexp RE`. */
static bool parse_old_fail(struct script_eval *eval, str line)
{
    str word = script_word(&line);
    bool regex = str_is(word, "expected_fail_regexp");

    if (!regex && !str_is(word, "expected_fail_message")) {
        return false;
    }
    eval->fail_rule = (struct message_rule){.text = str_trim(line), .regex = regex};
    return true;
}

static int parse_block(struct script *script, struct script_eval *eval)
{
    while (next_line(script) && !is_blank(script->line)) {
        str rest = script->line;
        int r = 0;

        if (eval->series.count + eval->some[0].count + eval->some[1].count > EVAL_RULES_MAX) {
            return fail_line(script, "more than %d lines in one block", EVAL_RULES_MAX);
        }
        if (str_is(script_word(&rest), "expect")) {
            r = parse_expect(script, eval, rest);
        } else if (eval->fail && parse_old_fail(eval, script->line)) {
            return 0;
        } else if (script_scalar_parse(script->line, &eval->scalar)) {
            eval->has_scalar = true;
            return 0;
        } else {
            r = parse_result_line(script, eval);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* parse_head reads the eval line behind the first word. */
static int parse_head(struct script *script, struct script_eval *eval, str rest)
{
    str kind = script_word(&rest);
    bool ok;

    if (str_is(kind, "instant")) {
        ok = str_is(script_word(&rest), "at") &&
             parse_time(script, script_word(&rest), &eval->start) >= 0;
        eval->end = eval->start;
    } else {
        eval->range = true;
        ok = str_is(kind, "range") && str_is(script_word(&rest), "from") &&
             parse_time(script, script_word(&rest), &eval->start) >= 0 &&
             str_is(script_word(&rest), "to") &&
             parse_time(script, script_word(&rest), &eval->end) >= 0 &&
             str_is(script_word(&rest), "step") &&
             parse_time(script, script_word(&rest), &eval->step) >= 0 && eval->step > 0;
    }
    eval->query = str_trim(rest);
    return ok ? 0
              : fail_line(script, "wanted \"eval instant at T QUERY\" or \"eval range from A to B "
                                  "step S QUERY\"");
}

static int apply_old_form(struct script *script, struct script_eval *eval, str command)
{
    struct message_rule any = {.any = true};

    if (str_eq_nocase(command, STR("eval_fail"))) {
        eval->fail = true;
        eval->fail_rule = any;
    } else if (str_eq_nocase(command, STR("eval_ordered"))) {
        eval->ordered = true;
    } else if (str_eq_nocase(command, STR("eval_warn"))) {
        vec_push(&eval->some[ANNOTATION_WARN], any);
    } else if (str_eq_nocase(command, STR("eval_info"))) {
        vec_push(&eval->some[ANNOTATION_INFO], any);
    } else if (!str_eq_nocase(command, STR("eval"))) {
        return fail_line(script, "unknown command \"%.*s\"", STR_ARG(command));
    }
    return 0;
}

static void run_parsed(struct script *script, const struct script_eval *eval, uint32_t line,
                       str command)
{
    struct promqltest_report *report = script->report;
    struct promqltest_eval entry = {.line = line, .command = arena_str(&report->arena, command)};
    bool thorough = script->options != NULL && script->options->thorough;
    str wanted = STR_NULL;
    str got = STR_NULL;

    if (!script_eval_run(&script->arena, eval, &script->store, thorough, &wanted, &got)) {
        entry.outcome = PROMQLTEST_FAILED;
        entry.wanted = arena_str(&report->arena, wanted);
        entry.got = arena_str(&report->arena, got);
    }
    report->counts[entry.outcome]++;
    vec_push(&report->evals, entry);
}

static int run_eval(struct script *script, str command, str args)
{
    struct script_eval eval = {0};
    uint32_t line = script->number;
    str text = script->line;
    int r = apply_old_form(script, &eval, command);

    if (r >= 0) {
        r = parse_head(script, &eval, args);
    }
    if (r >= 0) {
        r = parse_block(script, &eval);
    }
    if (r >= 0) {
        run_parsed(script, &eval, line, text);
    }
    vec_done(&eval.series);
    vec_done(&eval.some[ANNOTATION_WARN]);
    vec_done(&eval.some[ANNOTATION_INFO]);
    return r;
}

static int run_command(struct script *script)
{
    str rest = script->line;
    str word = script_word(&rest);

    if (str_eq_nocase(word, STR("clear"))) {
        script_store_clear(&script->store);
        return 0;
    }
    if (str_eq_nocase(str_slice(word, 0, 4), STR("load"))) {
        return run_load(script, word, rest);
    }
    if (str_eq_nocase(str_slice(word, 0, 4), STR("eval"))) {
        return run_eval(script, word, rest);
    }
    return fail_line(script, "unknown command \"%.*s\"", STR_ARG(word));
}

int promqltest_run(str name, str text, const struct promqltest_options *options,
                   struct promqltest_report *report, struct baro_error *err)
{
    struct script script = {
        .name = name, .rest = text, .options = options, .report = report, .err = err};
    int r = 0;

    script_store_init(&script.store);
    while (r >= 0 && next_line(&script)) {
        if (!is_blank(script.line)) {
            r = run_command(&script);
        }
        arena_reset(&script.arena);
    }
    script_store_done(&script.store);
    arena_done(&script.arena);
    return r;
}

void promqltest_report_done(struct promqltest_report *report)
{
    vec_done(&report->evals);
    arena_done(&report->arena);
}

void promqltest_report_print(struct buf *buf, str name, const struct promqltest_report *report)
{
    for (size_t i = 0; i < report->evals.count; i++) {
        const struct promqltest_eval *eval = &report->evals.items[i];

        if (eval->outcome != PROMQLTEST_PASSED) {
            buf_printf(buf, "%.*s:%u: %.*s\n    wanted %.*s\n    got    %.*s\n", STR_ARG(name),
                       eval->line, STR_ARG(eval->command), STR_ARG(eval->wanted),
                       STR_ARG(eval->got));
        }
    }
    buf_printf(buf, "%.*s: %zu passed, %zu failed\n", STR_ARG(name),
               report->counts[PROMQLTEST_PASSED], report->counts[PROMQLTEST_FAILED]);
}
