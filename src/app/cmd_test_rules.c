#include <stdio.h>

#include "app/commands.h"
#include "app/files.h"
#include "app/flags.h"
#include "app/serve_features.h"
#include "rules/rule_suite.h"

enum test_rules_flag { TEST_RULES_RUN, TEST_RULES_FEATURE };

static const struct flag rows[] = {
    {"run", FLAG_LIST, "", FLAG_RUN,
     "only test groups whose name matches this regular expression; repeatable"},
    {"enable-feature", FLAG_LIST, "", FLAG_RUN,
     "names of experimental features of PromQL, as for serve; repeatable"},
};
static const char summary[] =
    "Runs unit tests of rules, in promtool's format: input series, the alerts that must fire, the\n"
    "samples that expressions must yield. Prints what differs.\n"
    "Exit status: 0 all passed, 1 a test failed or a file is malformed, 2 wrong usage.\n\n"
    "  barograph test rules packs/orfeas/rules/tests/*.yml";

static int run_file(const char *path, const struct rule_suite_options *options)
{
    struct rule_suite_result result = {0};
    struct baro_error err = {0};
    struct buf text = {0};
    struct buf out = {0};
    int r = file_read(path, &text, &err);

    (void)printf("Unit Testing:  %s\n", path);
    if (r >= 0) {
        r = rule_suite_run(str_from(path), buf_view(&text), options, &out, &result);
    } else {
        buf_printf(&out, "    %s\n", err.message);
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

int command_test_rules(int argc, char **argv)
{
    static struct flags flags;
    CLEANUP(regex_freep) struct regex *run = NULL;
    struct rule_suite_options options = {.read = file_read};
    struct serve_features features;
    struct baro_error err = {0};
    int failed = 0;

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
    for (size_t i = 0; i < flags.arg_count; i++) {
        failed |= run_file(flags.args[i].ptr, &options);
    }
    return failed;
}
