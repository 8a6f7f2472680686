#include <stdio.h>

#include "app/check_dashboards.h"
#include "app/check_rules.h"
#include "app/commands.h"
#include "app/files.h"
#include "app/flags.h"
#include "app/serve_features.h"

enum expr_flag {
    EXPR_CATALOG,
    EXPR_ALLOW,
    EXPR_LABEL,
    EXPR_RULES,
    EXPR_LINT,
    EXPR_LINT_FATAL,
    EXPR_FEATURE,
    EXPR_IGNORE_UNKNOWN
};

static const struct flag rows[] = {
    {"catalog", FLAG_LIST, "", FLAG_RUN,
     "a metric catalogue; repeatable. With one, every metric and label that is named must be in "
     "one"},
    {"allow", FLAG_LIST, "", FLAG_RUN,
     "a regular expression for names of metrics that no catalogue has, as 'node_.*'; repeatable"},
    {"label", FLAG_LIST, "", FLAG_RUN,
     "a label that scraping adds to every series, beside job and instance; repeatable"},
    {"rules", FLAG_LIST, "", FLAG_RUN,
     "a rule file whose recording rules may be named, too; repeatable"},
    {"lint", FLAG_TEXT, "duplicate-rules", FLAG_RUN,
     "of rule files: duplicate-rules, all, or none to leave the lint out"},
    {"lint-fatal", FLAG_BOOL, "false", FLAG_RUN, "lint findings are exit status 3"},
    {"enable-feature", FLAG_LIST, "", FLAG_RUN,
     "names of experimental features of PromQL, as for serve; repeatable"},
    {"ignore-unknown-fields", FLAG_BOOL, "false", FLAG_RUN,
     "of rule files: take fields that are not known"},
};

static const char dashboards_summary[] =
    "Checks the PromQL of Grafana dashboards: that it parses and, with --catalog, that it names "
    "only\n"
    "metrics and labels that a catalogue has. Every fault is a line file:line:col: message.\n"
    "Exit status: 0 good, 1 faults, 2 wrong usage.\n\n"
    "  barograph check dashboards --catalog=catalog.yaml --rules=rules.yml dashboards/*.json";
static const char rules_summary[] =
    "Checks rule files: their YAML, names and expressions and, with --catalog, that expressions "
    "and\n"
    "annotations name only metrics and labels that a catalogue has. Every fault is a line\n"
    "file:line:col: message; rules that are there twice are lint. Exit status: 0 good, 1 faults, 2 "
    "wrong\n"
    "usage, 3 lint findings with --lint-fatal.\n\n"
    "  barograph check rules --catalog=catalog.yaml rules/*.yml";

static int print_error(const struct baro_error *err)
{
    char line[ERROR_FORMAT_BYTES];

    error_format(err, line, sizeof(line));
    (void)fprintf(stderr, "%s\n", line);
    return 1;
}

static int load_catalog(struct expr_known *known, const char *path)
{
    static struct faults faults;

    faults = (struct faults){0};
    if (expr_known_load(known, path, &faults) >= 0) {
        return 0;
    }
    for (uint32_t i = 0; i < faults.count; i++) {
        (void)print_error(&faults.items[i]);
    }
    return 1;
}

static int load_rules(struct expr_known *known, const char *path)
{
    struct baro_error err = {0};
    struct buf text = {0};
    int r = file_read(path, &text, &err);

    if (r >= 0) {
        check_rules_record(buf_view(&text), known);
    }
    buf_done(&text);
    return r < 0 ? print_error(&err) : 0;
}

/* What the flags say is known. */
static int load_known(struct expr_known *known, const struct flags *flags,
                      struct serve_features *features)
{
    struct baro_error err = {0};
    int worst = 0;

    for (size_t i = 0; i < flags->list_count; i++) {
        str value = flags->list[i];

        switch ((enum expr_flag)flags->list_row[i]) {
        case EXPR_CATALOG:
            worst |= load_catalog(known, value.ptr);
            break;
        case EXPR_ALLOW:
            worst |= expr_known_allow(known, value, &err) < 0 ? print_error(&err) : 0;
            break;
        case EXPR_LABEL:
            expr_known_label(known, value);
            break;
        case EXPR_RULES:
            worst |= load_rules(known, value.ptr);
            break;
        case EXPR_FEATURE:
            worst |= serve_features_add(features, value, &err) < 0 ? print_error(&err) : 0;
            break;
        case EXPR_LINT:
        case EXPR_LINT_FATAL:
        case EXPR_IGNORE_UNKNOWN:
            break; /* no lists */
        }
    }
    return worst;
}

/* The bits of an exit status that says what was found in several files. */
enum { FOUND_FAULTS = 1, FOUND_LINT = 2 };

/* What a check is given beside its file. */
struct check_context {
    const struct expr_known *known;
    struct serve_features features;
    bool lint;
    bool ignore_unknown;
};

static int check_rule_file(const char *path, const struct check_context *context)
{
    struct rule_counts counts = {0};
    struct baro_error err = {0};
    struct buf text = {0};
    struct buf out = {0};
    size_t found = 0;
    int r = file_read(path, &text, &err);

    if (r >= 0) {
        found =
            check_rules(buf_view(&text), path,
                        &(struct check_rules_options){.features = &context->features.promql,
                                                      .known = context->known,
                                                      .lint = context->lint,
                                                      .ignore_unknown = context->ignore_unknown},
                        &counts, &out);
        (void)fwrite(out.ptr, 1, out.len, stdout);
    }
    if (r >= 0 && found == 0) {
        (void)printf("%s: good: %zu recording and %zu alerting rules in %zu groups\n", path,
                     counts.recording, counts.alerting, counts.groups);
    }
    buf_done(&text);
    buf_done(&out);
    if (r < 0) {
        return print_error(&err);
    }
    return (found > 0 ? FOUND_FAULTS : 0) | (counts.lints > 0 ? FOUND_LINT : 0);
}

static int check_dashboard_file(const char *path, const struct check_context *context)
{
    struct baro_error err = {0};
    struct buf text = {0};
    struct buf out = {0};
    size_t expressions = 0;
    size_t found = 0;
    int r = file_read(path, &text, &err);

    if (r >= 0) {
        found = check_dashboard(buf_view(&text), path, context->known, &expressions, &out);
        (void)fwrite(out.ptr, 1, out.len, stdout);
    }
    if (r >= 0 && found == 0) {
        (void)printf("%s: good: %zu expressions\n", path, expressions);
    }
    buf_done(&text);
    buf_done(&out);
    return r < 0 ? print_error(&err) : found > 0;
}

static int run(int argc, char **argv, const char *usage, const char *summary,
               int (*check)(const char *path, const struct check_context *context), bool are_rules)
{
    static struct flags flags;
    CLEANUP(expr_known_freep) struct expr_known *known = expr_known_new();
    struct check_context context = {.known = known};
    struct baro_error err = {0};
    int failed;

    if (flags_parse(&flags, rows, ARRAY_COUNT(rows), argc, argv, &err) < 0) {
        (void)fprintf(stderr, "barograph: %s\n", err.message);
        return 2;
    }
    if (are_rules && flags.arg_count == 0) {
        flags.args[flags.arg_count++] = STR("-"); /* promtool reads standard input then, too */
    }
    if (flags.help || flags.arg_count == 0) {
        return flags_usage(&flags, usage, summary);
    }
    serve_features_init(&context.features);
    context.lint = !str_is(flags_text(&flags, EXPR_LINT), "none");
    context.ignore_unknown = flags_bool(&flags, EXPR_IGNORE_UNKNOWN);
    failed = load_known(known, &flags, &context.features);
    for (size_t i = 0; i < flags.arg_count && are_rules && !str_is(flags.args[i], "-"); i++) {
        failed |= load_rules(known, flags.args[i].ptr);
    }
    if (failed != 0) {
        return 1;
    }
    for (size_t i = 0; i < flags.arg_count; i++) {
        failed |= check(flags.args[i].ptr, &context);
    }
    if ((failed & FOUND_FAULTS) != 0) {
        return 1;
    }
    return (failed & FOUND_LINT) != 0 && flags_bool(&flags, EXPR_LINT_FATAL) ? 3 : 0;
}

int command_check_dashboards(int argc, char **argv)
{
    return run(argc, argv, "check dashboards [FLAGS] FILE...", dashboards_summary,
               check_dashboard_file, false);
}

int command_check_rules(int argc, char **argv)
{
    return run(argc, argv, "check rules [FLAGS] [FILE...]", rules_summary, check_rule_file, true);
}
