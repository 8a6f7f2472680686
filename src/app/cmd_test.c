#include <stdio.h>

#include "app/commands.h"
#include "app/files.h"
#include "app/flags.h"
#include "promql/promqltest.h"

enum test_flag { TEST_THOROUGH };

static const struct flag rows[] = {
    {"thorough", FLAG_BOOL, "false", FLAG_RUN,
     "run each instant eval also as the middle of a range query, and with @ at other times"},
};
static const char summary[] =
    "Runs promqltest scripts (load, eval, expect) against the engine and prints what differs.\n"
    "Exit status: 0 all passed, 1 an eval failed or a script is malformed, 2 wrong usage.\n\n"
    "  barograph test promql tests/promql/*.test";

static int run_file(const char *path, const struct promqltest_options *options, size_t *counts)
{
    struct promqltest_report report = {0};
    struct baro_error err = {0};
    struct buf text = {0};
    struct buf out = {0};
    int r = file_read(path, &text, &err);

    if (r >= 0) {
        r = promqltest_run(str_from(path), buf_view(&text), options, &report, &err);
    }
    promqltest_report_print(&out, str_from(path), &report);
    (void)fwrite(out.ptr, 1, out.len, stdout);
    (void)fflush(stdout);
    if (r < 0) {
        char message[ERROR_FORMAT_BYTES];

        error_format(&err, message, sizeof(message));
        (void)fprintf(stderr, "%s\n", message);
    }
    for (size_t i = 0; i < PROMQLTEST_OUTCOME_COUNT; i++) {
        counts[i] += report.counts[i];
    }
    promqltest_report_done(&report);
    buf_done(&text);
    buf_done(&out);
    return r;
}

int command_test_promql(int argc, char **argv)
{
    static struct flags flags;
    size_t counts[PROMQLTEST_OUTCOME_COUNT] = {0};
    struct promqltest_options options;
    struct baro_error err = {0};
    bool broken = false;

    if (flags_parse(&flags, rows, ARRAY_COUNT(rows), argc, argv, &err) < 0) {
        (void)fprintf(stderr, "barograph: %s\n", err.message);
        return 2;
    }
    if (flags.help || flags.arg_count == 0) {
        return flags_usage(&flags, "test promql [FLAGS] FILE...", summary);
    }
    options = (struct promqltest_options){.thorough = flags_bool(&flags, TEST_THOROUGH)};
    for (size_t i = 0; i < flags.arg_count; i++) {
        broken |= run_file(flags.args[i].ptr, &options, counts) < 0;
    }
    (void)printf("%zu passed, %zu failed\n", counts[PROMQLTEST_PASSED], counts[PROMQLTEST_FAILED]);
    return broken || counts[PROMQLTEST_FAILED] > 0 ? 1 : 0;
}
