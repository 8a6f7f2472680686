#include <stdio.h>

#include "app/check_live.h"
#include "app/commands.h"
#include "app/files.h"
#include "app/flags.h"
#include "app/retention_rules_config.h"
#include "conf/prom_check.h"
#include "model/exposition_lint.h"

enum config_flag {
    CONFIG_AGENT,
    CONFIG_LINT,
    CONFIG_LINT_FATAL,
    CONFIG_STRICT,
    CONFIG_SYNTAX_ONLY
};
enum metrics_flag { METRICS_FORMAT, METRICS_CATALOG, METRICS_ALLOW, METRICS_COMPLETE };

static const struct flag config_rows[] = {
    {"agent", FLAG_BOOL, "false", FLAG_RUN, "check by the rules of agent mode"},
    {"lint", FLAG_TEXT, "duplicate-rules", FLAG_RUN,
     "duplicate-rules, or none to leave the lint out"},
    {"lint-fatal", FLAG_BOOL, "false", FLAG_RUN, "lint findings are exit status 3"},
    {"strict", FLAG_BOOL, "false", FLAG_RUN,
     "what is valid but not supported yet is exit status 1"},
    {"syntax-only", FLAG_BOOL, "false", FLAG_RUN,
     "do not look at the files that the configuration names"},
};
static const struct flag metrics_rows[] = {
    {"format", FLAG_TEXT, "auto", FLAG_RUN,
     "text, openmetrics, or auto: OpenMetrics when the last line is # EOF; what is empty is "
     "refused"},
    {"catalog", FLAG_LIST, "", FLAG_RUN,
     "a metric catalogue; repeatable. With one, the exposition is compared with it instead"},
    {"allow", FLAG_LIST, "", FLAG_RUN,
     "a regular expression for names that no catalogue has, as 'go_.*'; process_.* is allowed; "
     "repeatable"},
    {"complete", FLAG_BOOL, "false", FLAG_RUN,
     "with --catalog: every stable metric of the catalogues must be there"},
};

static const char config_summary[] =
    "Checks Prometheus configuration files. Every fault is a line file:line:col: message.\n"
    "What is valid but not supported by barograph yet is a warning.\n"
    "Exit status: 0 good, 1 faults, 2 wrong usage, 3 lint findings with --lint-fatal.";
static const char metrics_summary[] =
    "Reads an exposition from standard input (or FILE) and judges it: OpenMetrics by the whole "
    "specification,\n"
    "Prometheus text by its grammar and the naming conventions.\n"
    "With --catalog, it compares the exposition (or a live target's: URL) with metric catalogues:\n"
    "names, types, help, units, labels, their values and number.\n"
    "Exit status: 0 good, 1 not parseable or not as the catalogues say, 2 wrong usage, 3 lint "
    "findings.\n\n"
    "  curl -s localhost:9100/metrics | barograph check metrics\n"
    "  barograph check metrics --catalog packs/orfeas/catalog.yaml http://localhost:5000/metrics";

static int print_help(const char *usage, const char *summary, const struct flag *rows, size_t count,
                      bool wanted)
{
    struct buf out = {0};

    flags_help(&out, usage, summary, rows, count);
    (void)fwrite(out.ptr, 1, out.len, wanted ? stdout : stderr);
    buf_done(&out);
    return wanted ? 0 : 2;
}

int command_check_config(int argc, char **argv)
{
    static struct flags flags;
    struct prom_check_options options;
    struct baro_error err = {0};
    struct buf out = {0};
    int worst = 0;

    if (flags_parse(&flags, config_rows, ARRAY_COUNT(config_rows), argc, argv, &err) < 0) {
        (void)fprintf(stderr, "barograph: %s\n", err.message);
        return 2;
    }
    if (flags.help || flags.arg_count == 0) {
        return print_help("check config [FLAGS] FILE...", config_summary, config_rows,
                          ARRAY_COUNT(config_rows), flags.help);
    }
    options = (struct prom_check_options){
        .syntax_only = flags_bool(&flags, CONFIG_SYNTAX_ONLY),
        .agent = flags_bool(&flags, CONFIG_AGENT),
        .strict = flags_bool(&flags, CONFIG_STRICT),
        .lint_fatal = flags_bool(&flags, CONFIG_LINT_FATAL),
        .no_lint = str_eq(flags_text(&flags, CONFIG_LINT), STR("none")),
        .check_selector = retention_selector_check,
    };
    for (size_t i = 0; i < flags.arg_count; i++) {
        int status = prom_config_check(flags.args[i].ptr, &options, &out);

        worst = status == PROM_CHECK_FAILED || worst == 0 ? status : worst;
    }
    (void)fwrite(out.ptr, 1, out.len, stdout);
    buf_done(&out);
    return worst;
}

int command_check_metrics(int argc, char **argv)
{
    static struct flags flags;
    struct exposition_check_options options = {0};
    struct baro_error err = {0};
    struct buf text = {0};
    struct buf out = {0};
    str format;
    int status;

    if (flags_parse(&flags, metrics_rows, ARRAY_COUNT(metrics_rows), argc, argv, &err) < 0) {
        (void)fprintf(stderr, "barograph: %s\n", err.message);
        return 2;
    }
    format = flags_text(&flags, METRICS_FORMAT);
    options.format = str_eq(format, STR("text"))          ? EXPOSITION_CHECK_TEXT
                     : str_eq(format, STR("openmetrics")) ? EXPOSITION_CHECK_OPENMETRICS
                                                          : EXPOSITION_CHECK_AUTO;
    if (flags.help || flags.arg_count > 1 ||
        (options.format == EXPOSITION_CHECK_AUTO && !str_eq(format, STR("auto")))) {
        return print_help("check metrics [FLAGS] [FILE|URL]", metrics_summary, metrics_rows,
                          ARRAY_COUNT(metrics_rows), flags.help);
    }
    if (flags.given[METRICS_CATALOG]) {
        return check_live(&(struct check_live_options){
            .flags = &flags,
            .catalog_row = METRICS_CATALOG,
            .allow_row = METRICS_ALLOW,
            .complete = flags_bool(&flags, METRICS_COMPLETE),
            .format = options.format,
        });
    }
    options.input =
        flags.arg_count == 1 && !str_eq(flags.args[0], STR("-")) ? flags.args[0].ptr : NULL;
    if (file_read(options.input != NULL ? options.input : "-", &text, &err) < 0) {
        (void)fprintf(stderr, "barograph: %s\n", err.message);
        return 1;
    }
    status = exposition_check(buf_view(&text), &options, &out);
    (void)fwrite(out.ptr, 1, out.len, stdout);
    buf_done(&text);
    buf_done(&out);
    return status;
}
