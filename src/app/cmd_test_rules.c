#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "app/commands.h"
#include "app/files.h"
#include "app/flags.h"
#include "app/junit.h"
#include "app/serve_features.h"
#include "rules/rule_suite.h"

enum test_rules_flag {
    TEST_RULES_RUN,
    TEST_RULES_FEATURE,
    TEST_RULES_JUNIT,
    TEST_RULES_DEBUG,
    TEST_RULES_DIFF,
    TEST_RULES_IGNORE,
};

static const struct flag rows[] = {
    {"run", FLAG_LIST, "", FLAG_RUN,
     "only test groups whose name matches this regular expression; repeatable"},
    {"enable-feature", FLAG_LIST, "", FLAG_RUN,
     "names of experimental features of PromQL, as for serve; repeatable"},
    {"junit", FLAG_TEXT, "", FLAG_RUN, "write the results into this file, in JUnit's XML"},
    {"debug", FLAG_BOOL, "false", FLAG_RUN, "tell on standard error how long each test took"},
    {"diff", FLAG_BOOL, "false", FLAG_NOOP, "what was wanted and what was got is always shown"},
    {"ignore-unknown-fields", FLAG_BOOL, "false", FLAG_RUN,
     "rule files may have keys that Prometheus does not know"},
};
static const char summary[] =
    "Runs unit tests of rules, in promtool's format: input series, the alerts that must fire, the\n"
    "samples that expressions must yield. Prints what differs.\n"
    "Exit status: 0 all passed, 1 a test failed or a file is malformed, 2 wrong usage.\n\n"
    "  barograph test rules packs/orfeas/rules/tests/*.yml";

struct reports {
    struct junit junit;
    bool debug;
    struct timespec since; /* the end of the test before, or the beginning of the file */
};

static void report_test(void *context, str name, str failed)
{
    struct reports *reports = context;
    struct timespec now;

    junit_case(&reports->junit, name, failed);
    if (reports->debug) {
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        (void)fprintf(stderr, "DEBUG: Test %.*s finished, took %.3fms\n", STR_ARG(name),
                      1e3 * (double)(now.tv_sec - reports->since.tv_sec) +
                          1e-6 * (double)(now.tv_nsec - reports->since.tv_nsec));
        reports->since = now;
    }
}

static int run_file(const char *path, const struct rule_suite_options *options)
{
    struct reports *reports = options->context;
    struct rule_suite_result result = {0};
    struct baro_error err = {0};
    struct buf text = {0};
    struct buf out = {0};
    int r = file_read(path, &text, &err);

    (void)printf("Unit Testing:  %s\n", path);
    junit_suite(&reports->junit, str_from(path), time(NULL));
    (void)clock_gettime(CLOCK_MONOTONIC, &reports->since);
    if (r >= 0) {
        r = rule_suite_run(str_from(path), buf_view(&text), options, &out, &result);
    } else {
        buf_printf(&out, "    %s\n", err.message);
    }
    if (r < 0) {
        junit_abort(&reports->junit, buf_view(&out));
    }
    if (r < 0 || result.failed > 0) {
        (void)printf("  FAILED:\n%.*s\n", (int)out.len, out.len > 0 ? out.ptr : "");
    } else {
        (void)printf("%.*s  SUCCESS\n\n", (int)out.len, out.len > 0 ? out.ptr : "");
    }
    (void)fflush(stdout);
    buf_done(&text);
    buf_done(&out);
    return r < 0 || result.failed > 0;
}

/* All --run values become one expression, of which any alternative may match. */
static int read_flags(const struct flags *flags, struct regex **ret_run, struct serve_features *ret,
                      struct baro_error *err)
{
    struct buf all = {0};
    int r = 0;

    for (size_t i = 0; i < flags->list_count && r == 0; i++) {
        if (flags->list_row[i] == TEST_RULES_FEATURE) {
            r = serve_features_add(ret, flags->list[i], err);
        } else {
            buf_printf(&all, "%s(?:%.*s)", all.len > 0 ? "|" : "", STR_ARG(flags->list[i]));
        }
    }
    if (r == 0 && all.len > 0) {
        r = regex_new(buf_view(&all), false, ret_run, err);
    }
    buf_done(&all);
    return r;
}

static int write_junit(struct junit *junit, const char *path, struct baro_error *err)
{
    FILE *file = fopen(path, "we");
    struct buf text = {0};
    int r = 0;

    if (file == NULL) {
        return error_system(err, errno, "%s", path);
    }
    junit_write(junit, &text);
    if (fwrite(text.ptr, 1, text.len, file) != text.len) {
        r = error_system(err, errno, "%s", path);
    }
    if (fclose(file) != 0 && r == 0) {
        r = error_system(err, errno, "%s", path);
    }
    buf_done(&text);
    return r;
}

static int run_files(const struct flags *flags, struct rule_suite_options *options)
{
    struct reports reports = {.debug = flags_bool(flags, TEST_RULES_DEBUG)};
    struct baro_error err = {0};
    str to = flags_text(flags, TEST_RULES_JUNIT);
    int failed = 0;

    options->ignore_unknown = flags_bool(flags, TEST_RULES_IGNORE);
    options->on_test = report_test;
    options->context = &reports;
    for (size_t i = 0; i < flags->arg_count; i++) {
        failed |= run_file(flags->args[i].ptr, options);
    }
    if (to.len > 0 && write_junit(&reports.junit, to.ptr, &err) < 0) {
        (void)fprintf(stderr, "barograph: %s\n", err.message);
        failed = 1;
    }
    junit_done(&reports.junit);
    return failed;
}

int command_test_rules(int argc, char **argv)
{
    static struct flags flags;
    CLEANUP(regex_freep) struct regex *run = NULL;
    struct rule_suite_options options = {.read = file_read};
    struct serve_features features;
    struct baro_error err = {0};

    serve_features_init(&features);
    if (flags_parse(&flags, rows, ARRAY_COUNT(rows), argc, argv, &err) < 0 ||
        read_flags(&flags, &run, &features, &err) < 0) {
        (void)fprintf(stderr, "barograph: %s\n", err.message);
        return 2;
    }
    if (flags.help || flags.arg_count == 0) {
        return flags_usage(&flags, "test rules [FLAGS] FILE...", summary);
    }
    options.features = features.promql;
    options.run = run;
    return run_files(&flags, &options);
}
