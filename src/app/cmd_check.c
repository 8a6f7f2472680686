#include <stdio.h>

#include "app/check_cardinality.h"
#include "app/check_live.h"
#include "app/check_rules.h"
#include "app/commands.h"
#include "app/files.h"
#include "app/flags.h"
#include "app/retention_rules_config.h"
#include "app/serve_features.h"
#include "conf/prom_check.h"
#include "model/exposition_lint.h"

enum config_flag {
    CONFIG_AGENT,
    CONFIG_LINT,
    CONFIG_LINT_FATAL,
    CONFIG_STRICT,
    CONFIG_SYNTAX_ONLY,
    CONFIG_LOOKBACK,
    CONFIG_FEATURE,
    CONFIG_IGNORE_UNKNOWN
};
enum metrics_flag {
    METRICS_FORMAT,
    METRICS_CATALOG,
    METRICS_ALLOW,
    METRICS_COMPLETE,
    METRICS_EXTENDED,
    METRICS_LINT
};

static const struct flag config_rows[] = {
    {"agent", FLAG_BOOL, "false", FLAG_RUN, "check by the rules of agent mode"},
    {"lint", FLAG_TEXT, "duplicate-rules", FLAG_RUN,
     "duplicate-rules, too-long-scrape-interval, all, or none to leave the lint out"},
    {"lint-fatal", FLAG_BOOL, "false", FLAG_RUN, "lint findings are exit status 3"},
    {"strict", FLAG_BOOL, "false", FLAG_RUN,
     "what is valid but not supported yet is exit status 1"},
    {"syntax-only", FLAG_BOOL, "false", FLAG_RUN,
     "do not look at the files that the configuration names"},
    {"query.lookback-delta", FLAG_DURATION, "5m", FLAG_RUN,
     "for too-long-scrape-interval: series would vanish between scrapes that are further apart"},
    {"enable-feature", FLAG_LIST, "", FLAG_RUN,
     "names of experimental features of PromQL in rule files, as for serve; repeatable"},
    {"ignore-unknown-fields", FLAG_BOOL, "false", FLAG_RUN,
     "take rule files with fields that are not known"},
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
    {"extended", FLAG_BOOL, "false", FLAG_RUN, "print how many series each metric has"},
    {"lint", FLAG_TEXT, "all", FLAG_RUN, "all, or none to leave the conventions out"},
};

static const char config_summary[] =
    "Checks Prometheus configuration files. Every fault is a line file:line:col: message.\n"
    "What is valid but not supported by barograph yet is a warning.\n"
    "Exit status: 0 good, 1 faults, 2 wrong usage, 3 lint findings with --lint-fatal.\n\n"
    "  barograph check config --strict /etc/prometheus/prometheus.yml";
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

/* What rule files are judged with. */
struct rules_check {
    struct expr_known *known;
    struct serve_features features;
    bool ignore_unknown;
};

static size_t judge_rules(const void *context, str text, const char *path, struct buf *out)
{
    const struct rules_check *check = context;
    struct rule_counts counts = {0};

    return check_rules(text, path,
                       &(struct check_rules_options){.features = &check->features.promql,
                                                     .known = check->known,
                                                     .ignore_unknown = check->ignore_unknown},
                       &counts, out);
}

static bool has_word(str list, const char *word)
{
    for (str item; str_split_next(&list, ',', &item);) {
        if (str_is(str_trim(item), word) || str_is(str_trim(item), "all")) {
            return true;
        }
    }
    return false;
}

static int read_features(const struct flags *flags, struct serve_features *ret,
                         struct baro_error *err)
{
    int r = 0;

    serve_features_init(ret);
    for (size_t i = 0; i < flags->list_count && r >= 0; i++) {
        r = serve_features_add(ret, flags->list[i], err);
    }
    return r;
}

int command_check_config(int argc, char **argv)
{
    static struct flags flags;
    CLEANUP(expr_known_freep) struct expr_known *known = expr_known_new();
    struct rules_check rules = {.known = known};
    struct prom_check_options options;
    struct baro_error err = {0};
    struct buf out = {0};
    str lint;
    int worst = 0;

    if (flags_parse(&flags, config_rows, ARRAY_COUNT(config_rows), argc, argv, &err) < 0 ||
        read_features(&flags, &rules.features, &err) < 0) {
        (void)fprintf(stderr, "barograph: %s\n", err.message);
        return 2;
    }
    if (flags.help || flags.arg_count == 0) {
        return flags_usage(&flags, "check config [FLAGS] FILE...", config_summary);
    }
    rules.ignore_unknown = flags_bool(&flags, CONFIG_IGNORE_UNKNOWN);
    lint = flags_text(&flags, CONFIG_LINT);
    options = (struct prom_check_options){
        .syntax_only = flags_bool(&flags, CONFIG_SYNTAX_ONLY),
        .agent = flags_bool(&flags, CONFIG_AGENT),
        .strict = flags_bool(&flags, CONFIG_STRICT),
        .lint_fatal = flags_bool(&flags, CONFIG_LINT_FATAL),
        .no_lint = !has_word(lint, "duplicate-rules"),
        .interval_max = has_word(lint, "too-long-scrape-interval")
                            ? flags_duration(&flags, CONFIG_LOOKBACK)
                            : 0,
        .check_selector = retention_selector_check,
        .check_rules = judge_rules,
        .context = &rules,
    };
    for (size_t i = 0; i < flags.arg_count; i++) {
        int status = prom_config_check(flags.args[i].ptr, &options, &out);

        worst = status == PROM_CHECK_FAILED || worst == 0 ? status : worst;
    }
    (void)fwrite(out.ptr, 1, out.len, stdout);
    buf_done(&out);
    return worst;
}

/* Without --lint the body must be readable, which --extended finds out by itself. */
static int judge_metrics(const struct flags *flags, str body,
                         const struct exposition_check_options *options, struct buf *out)
{
    bool lint = !str_is(flags_text(flags, METRICS_LINT), "none");
    bool ends = str_has_suffix(str_trim(body), STR("# EOF"));
    enum exposition_format format = options->format == EXPOSITION_CHECK_OPENMETRICS ||
                                            (options->format == EXPOSITION_CHECK_AUTO && ends)
                                        ? EXPOSITION_OPENMETRICS
                                        : EXPOSITION_TEXT;
    struct baro_error err = {0};
    int status = lint ? exposition_check(body, options, out) : 0;

    if (flags_bool(flags, METRICS_EXTENDED) && status != EXPOSITION_CHECK_WRONG &&
        check_cardinality(body, format, out, &err) < 0) {
        buf_printf(out, "%s:%u:%u: %s\n", options->input != NULL ? options->input : "stdin",
                   err.line, err.column, err.message);
        status = EXPOSITION_CHECK_WRONG;
    }
    return status;
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
        return flags_usage(&flags, "check metrics [FLAGS] [FILE|URL]", metrics_summary);
    }
    if (!flags_bool(&flags, METRICS_EXTENDED) && str_is(flags_text(&flags, METRICS_LINT), "none")) {
        (void)fprintf(stderr, "barograph: nothing to do: give --extended, or leave --lint=none "
                              "out\n");
        return 1;
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
    status = judge_metrics(&flags, buf_view(&text), &options, &out);
    if (out.len > 0) {
        (void)fwrite(out.ptr, 1, out.len, stdout);
    }
    buf_done(&text);
    buf_done(&out);
    return status;
}
