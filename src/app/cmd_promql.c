#include <stdio.h>
#include <string.h>

#include "app/commands.h"
#include "app/flags.h"
#include "app/serve_features.h"
#include "model/matcher.h"
#include "promql/ast.h"
#include "promql/parser.h"

enum promql_flag { PROMQL_FEATURE, PROMQL_TYPE };

static const struct flag rows[] = {
    {"enable-feature", FLAG_LIST, "", FLAG_RUN,
     "names of experimental features of PromQL, as for serve; repeatable"},
    {"type", FLAG_TEXT, "=", FLAG_RUN, "=, !=, =~ or !~; also -t"},
};
enum { ROWS_WITHOUT_TYPE = 1 };

/* By enum matcher_op. */
static const char *const operators[] = {"=", "!=", "=~", "!~"};

/* What is done to every selector of an expression; NULL name: nothing. */
struct edit {
    struct arena arena;
    str name;
    str value; /* ptr NULL = the matchers of that name go */
    enum matcher_op op;
    struct baro_error err;
};

/* Matchers of the name are replaced where they stand, or one is added. That it can be made was
 * tried before. */
static bool edit_selector(struct expr *node, void *context)
{
    struct edit *edit = context;
    struct matcher *before = node->vector.matchers;
    struct matcher *after;
    bool is_set = edit->value.ptr != NULL;
    bool found = false;
    size_t count = 0;

    if (node->kind != EXPR_VECTOR_SELECTOR) {
        return true;
    }
    after = ARENA_ARRAY(&edit->arena, struct matcher, node->vector.matcher_count + 1);
    for (size_t i = 0; i < node->vector.matcher_count; i++) {
        bool is_meant = str_eq(before[i].name, edit->name);

        found |= is_meant;
        if (!is_meant) {
            after[count++] = before[i];
        } else {
            matcher_done(&before[i]);
            if (is_set) {
                (void)matcher_init(&after[count++], edit->op, edit->name, edit->value, NULL);
            }
        }
    }
    if (!found && is_set) {
        (void)matcher_init(&after[count++], edit->op, edit->name, edit->value, NULL);
    }
    node->vector.matchers = after;
    node->vector.matcher_count = count;
    return true;
}

static int try_matcher(struct edit *edit)
{
    struct matcher matcher = {0};
    int r = edit->value.ptr != NULL
                ? matcher_init(&matcher, edit->op, edit->name, edit->value, &edit->err)
                : 0;

    if (r >= 0 && edit->value.ptr != NULL) {
        matcher_done(&matcher);
    }
    return r;
}

static int fail(const struct baro_error *err)
{
    (void)fprintf(stderr, "barograph: %s\n", err->message);
    return error_exit_status(err->code);
}

static int run(struct edit *edit, str text, const struct promql_features *features)
{
    struct expr *expr = NULL;
    struct buf out = {0};
    int r = try_matcher(edit);

    r = r < 0 ? r : promql_parse(&edit->arena, text, features, &expr, &edit->err);
    if (r >= 0 && edit->name.ptr != NULL) {
        (void)promql_expr_walk(expr, edit_selector, edit);
    }
    if (r >= 0) {
        promql_pretty(&out, expr);
        (void)printf("%.*s\n", STR_ARG(buf_view(&out)));
    }
    buf_done(&out);
    if (expr != NULL) {
        promql_expr_done(expr);
    }
    return r < 0 ? fail(&edit->err) : 0;
}

/* Parses the flags and wants so many arguments. Returns -1 to go on, else the exit status. */
static int begin(struct flags *flags, size_t row_count, struct promql_features *features,
                 const char *usage, const char *summary, size_t wanted, int argc, char **argv)
{
    struct serve_features all;
    struct baro_error err = {0};
    int r;

    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "-t") == 0) {
            argv[i] = (char *)(uintptr_t) "--type";
        }
    }
    serve_features_init(&all);
    r = flags_parse(flags, rows, row_count, argc, argv, &err);
    for (size_t i = 0; r >= 0 && i < flags->list_count; i++) {
        r = serve_features_add(&all, flags->list[i], &err);
    }
    if (r < 0) {
        return fail(&err);
    }
    *features = all.promql;
    if (!flags->help && flags->arg_count == wanted) {
        return -1;
    }
    return flags_usage(flags, usage, summary);
}

static int finish(struct edit *edit, const struct flags *flags,
                  const struct promql_features *features)
{
    int status = run(edit, flags->args[0], features);

    arena_done(&edit->arena);
    return status;
}

int command_promql_format(int argc, char **argv)
{
    static struct flags flags;
    struct promql_features features;
    struct edit edit = {0};
    int status = begin(&flags, ROWS_WITHOUT_TYPE, &features, "promql format [FLAGS] EXPR",
                       "Prints an expression as Prometheus formats it, over several lines where "
                       "it is long.\n\n"
                       "  barograph promql format 'sum by(job)(rate(x[5m]))'",
                       1, argc, argv);

    return status < 0 ? finish(&edit, &flags, &features) : status;
}

int command_promql_set(int argc, char **argv)
{
    static struct flags flags;
    struct promql_features features;
    struct edit edit = {0};
    size_t op = 0;
    int status = begin(
        &flags, ARRAY_COUNT(rows), &features, "promql label-matchers set [FLAGS] EXPR NAME VALUE",
        "Prints an expression with a condition in each of its selectors: the one of that "
        "label is replaced,\nor one is added.\n\n"
        "  barograph promql label-matchers set 'sum(up)' job node",
        3, argc, argv);

    if (status >= 0) {
        return status;
    }
    while (op < ARRAY_COUNT(operators) && !str_is(flags_text(&flags, PROMQL_TYPE), operators[op])) {
        op++;
    }
    if (op == ARRAY_COUNT(operators)) {
        (void)error_set(&edit.err, BARO_EUSAGE, "--type: \"%.*s\" is none of =, !=, =~, !~",
                        STR_ARG(flags_text(&flags, PROMQL_TYPE)));
        return fail(&edit.err);
    }
    edit.name = flags.args[1];
    edit.value = flags.args[2];
    edit.op = (enum matcher_op)op;
    return finish(&edit, &flags, &features);
}

int command_promql_delete(int argc, char **argv)
{
    static struct flags flags;
    struct promql_features features;
    struct edit edit = {0};
    int status = begin(&flags, ROWS_WITHOUT_TYPE, &features,
                       "promql label-matchers delete [FLAGS] EXPR NAME",
                       "Prints an expression without the conditions on a label.\n\n"
                       "  barograph promql label-matchers delete 'sum(up{job=\"node\"})' job",
                       2, argc, argv);

    edit.name = status < 0 ? flags.args[1] : STR_NULL;
    return status < 0 ? finish(&edit, &flags, &features) : status;
}
