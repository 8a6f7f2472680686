#include "catalog/gen_docs.h"

#include "base/num.h"

/* Text in a table cell or paragraph: one line, no cell borders, no markup by accident. */
static void write_text(struct buf *out, str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '\n' || c == '\r' || c == '\t') {
            c = ' ';
        }
        if (c == '|' || c == '<' || c == '*' || c == '`' || c == '\\' || c == '[' ||
            (c == '_' && i > 0 && text.ptr[i - 1] == '_')) {
            buf_char(out, '\\');
        }
        buf_char(out, c);
    }
}

/* Text as code. A back quote in it would end it: then the fence is two of them. In a table, a
 * border must be escaped even so. */
static void write_code(struct buf *out, str text)
{
    const char *fence = str_index_char(text, '`') != SIZE_MAX ? "`` " : "`";

    buf_c(out, fence);
    for (size_t i = 0; i < text.len; i++) {
        buf_c(out, text.ptr[i] == '|' ? "\\" : "");
        buf_char(out, text.ptr[i] == '\n' ? ' ' : text.ptr[i]);
    }
    buf_c(out, fence[1] == '`' ? " ``" : "`");
}

static void write_list(struct buf *out, const str *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_c(out, i > 0 ? ", " : "");
        write_code(out, items[i]);
    }
}

/* ---- metrics ---- */

static void write_type(struct buf *out, const struct catalog_metric *metric)
{
    buf_c(out, catalog_type_name(metric->type));
    if (metric->native.on) {
        buf_c(out, metric->native.only ? ", native" : ", classic and native");
    }
    if (metric->stability != CATALOG_STABLE) {
        buf_printf(out, " (%s)", catalog_stability_name(metric->stability));
    }
}

static void write_row(struct buf *out, const struct catalog_metric *metric)
{
    buf_c(out, "| ");
    write_code(out, metric->full_name);
    if (metric->id.len > 0) {
        buf_c(out, " ");
        write_text(out, metric->id);
    }
    buf_c(out, " | ");
    write_type(out, metric);
    buf_c(out, " | ");
    write_text(out, metric->unit);
    buf_c(out, " | ");
    for (size_t i = 0; i < metric->label_count; i++) {
        buf_c(out, i > 0 ? ", " : "");
        write_code(out, metric->labels[i].name);
    }
    buf_c(out, " | ");
    write_text(out, metric->help);
    buf_c(out, " |\n");
}

static void write_set(struct buf *out, const struct catalog_set *set)
{
    if (set->help.len > 0) {
        write_text(out, set->help);
        buf_char(out, ' ');
    }
    if (set->value_count > 0) {
        write_list(out, set->values, set->value_count);
        return;
    }
    buf_printf(out, "at most %llu value%s", (unsigned long long)set->max, set->max == 1 ? "" : "s");
    if (set->pattern.len > 0) {
        buf_c(out, ", each matching ");
        write_code(out, set->pattern);
    }
}

static void write_labels(struct buf *out, const struct catalog_metric *metric)
{
    for (size_t i = 0; i < metric->label_count; i++) {
        buf_c(out, "| ");
        write_code(out, metric->full_name);
        buf_c(out, " | ");
        write_code(out, metric->labels[i].name);
        buf_c(out, " | ");
        write_set(out, metric->labels[i].set);
        buf_c(out, " |\n");
    }
    if (metric->states != NULL) {
        buf_c(out, "| ");
        write_code(out, metric->full_name);
        buf_c(out, " | ");
        write_code(out, metric->full_name);
        buf_c(out, " | ");
        write_set(out, metric->states);
        buf_c(out, " |\n");
    }
}

static void write_buckets(struct buf *out, const struct catalog_metric *metric)
{
    for (size_t i = 0; i < metric->bucket_count; i++) {
        buf_c(out, i > 0 ? ", " : "");
        buf_double(out, metric->buckets[i], NUM_G);
    }
}

static void write_details(struct buf *out, const struct catalog_metric *metric)
{
    if (metric->bucket_count > 0) {
        buf_c(out, "- Buckets of ");
        write_code(out, metric->full_name);
        buf_c(out, ": ");
        write_buckets(out, metric);
        buf_char(out, '\n');
    }
    if (metric->objective_count > 0) {
        buf_c(out, "- Quantiles of ");
        write_code(out, metric->full_name);
        buf_c(out, ": ");
        for (size_t i = 0; i < metric->objective_count; i++) {
            buf_c(out, i > 0 ? ", " : "");
            buf_double(out, metric->objectives[i].quantile, NUM_G);
            buf_c(out, " ± ");
            buf_double(out, metric->objectives[i].error, NUM_G);
        }
        buf_char(out, '\n');
    }
}

static void write_group(struct buf *out, const struct catalog_group *group)
{
    bool labels = false;
    bool details = false;

    buf_c(out, "\n## ");
    write_text(out, group->title);
    buf_c(out, "\n\n| metric | type | unit | labels | meaning |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < group->metric_count; i++) {
        const struct catalog_metric *metric = &group->metrics[i];

        write_row(out, metric);
        labels |= metric->label_count > 0 || metric->states != NULL;
        details |= metric->bucket_count > 0 || metric->objective_count > 0;
    }
    buf_c(out, labels ? "\n| metric | label | values |\n|---|---|---|\n" : "");
    for (size_t i = 0; i < group->metric_count; i++) {
        write_labels(out, &group->metrics[i]);
    }
    buf_c(out, details ? "\n" : "");
    for (size_t i = 0; i < group->metric_count; i++) {
        write_details(out, &group->metrics[i]);
    }
}

/* ---- helpers ---- */

static const char *param_type(const struct catalog_param *param)
{
    static const char *const types[] = {
        [CATALOG_PARAM_BOOL] = "bool",
        [CATALOG_PARAM_INT] = "int",
        [CATALOG_PARAM_DOUBLE] = "double",
        [CATALOG_PARAM_STRING] = "string",
    };

    return param->kind == CATALOG_PARAM_VALUE ? "one of" : types[param->kind];
}

static void write_operand(struct buf *out, const struct catalog_operand *operand, bool number)
{
    if (operand->param != NULL) {
        buf_printf(out, "*%.*s*", STR_ARG(operand->param->name));
    } else if (number) {
        buf_double(out, operand->value, NUM_G);
    } else {
        write_code(out, operand->text);
    }
}

static void write_conditions(struct buf *out, const struct catalog_action *action)
{
    for (size_t i = 0; i < action->condition_count; i++) {
        const struct catalog_condition *condition = &action->conditions[i];
        bool is_bool = condition->param->kind == CATALOG_PARAM_BOOL;

        buf_printf(out, "%s*%.*s* is ", i == 0 ? ", when " : " and ",
                   STR_ARG(condition->param->name));
        if (is_bool) {
            buf_c(out, condition->equals.value != 0 ? "true" : "false");
        } else {
            write_code(out, condition->equals.text);
        }
    }
}

static void write_action(struct buf *out, const struct catalog_action *action)
{
    const struct catalog_metric *metric = action->metric;

    buf_printf(out, "- %s ", catalog_op_name(action->op));
    write_code(out, metric->full_name);
    for (size_t i = 0; i < metric->label_count; i++) {
        buf_c(out, i == 0 ? " {" : ", ");
        buf_printf(out, "%.*s = ", STR_ARG(metric->labels[i].name));
        write_operand(out, &action->labels[i], false);
    }
    buf_c(out, metric->label_count > 0 ? "}" : "");
    if (action->has_value) {
        buf_c(out, action->op == CATALOG_SET ? " to " : ": ");
        write_operand(out, &action->value, metric->states == NULL);
    }
    write_conditions(out, action);
    buf_char(out, '\n');
}

static void write_params(struct buf *out, const struct catalog_helper *helper)
{
    buf_c(out, helper->param_count > 0 ? "\n| parameter | type | unit |\n|---|---|---|\n" : "");
    for (size_t i = 0; i < helper->param_count; i++) {
        const struct catalog_param *param = &helper->params[i];

        buf_printf(out, "| %.*s | %s", STR_ARG(param->name), param_type(param));
        if (param->kind == CATALOG_PARAM_VALUE) {
            buf_char(out, ' ');
            write_list(out, param->set->values, param->set->value_count);
        }
        buf_printf(out, " | %.*s |\n", STR_ARG(param->unit));
    }
}

static void write_helper(struct buf *out, const struct catalog_helper *helper)
{
    buf_printf(out, "\n### %.*s(", STR_ARG(helper->name));
    for (size_t i = 0; i < helper->param_count; i++) {
        buf_printf(out, "%s%.*s", i > 0 ? ", " : "", STR_ARG(helper->params[i].name));
    }
    buf_c(out, ")\n\n");
    write_text(out, helper->help);
    if (helper->id.len > 0) {
        buf_printf(out, "%s(%.*s)", helper->help.len > 0 ? " " : "", STR_ARG(helper->id));
    }
    buf_c(out, helper->help.len + helper->id.len > 0 ? "\n" : "");
    write_params(out, helper);
    buf_char(out, '\n');
    for (size_t i = 0; i < helper->action_count; i++) {
        write_action(out, &helper->actions[i]);
    }
}

void gen_docs(const struct catalog *catalog, struct buf *out)
{
    buf_c(out, "# ");
    write_text(out, catalog->title);
    buf_printf(
        out,
        ": metrics\n\nMade by `barograph gen docs` from the catalogue %.*s: change that, not "
        "this. %zu metrics in %zu groups, %zu helpers.\n",
        STR_ARG(catalog->name), catalog->metric_count, catalog->group_count, catalog->helper_count);
    for (size_t i = 0; i < catalog->group_count; i++) {
        write_group(out, &catalog->groups[i]);
    }
    buf_c(out, catalog->helper_count > 0 ? "\n## Helpers\n" : "");
    for (size_t i = 0; i < catalog->helper_count; i++) {
        write_helper(out, &catalog->helpers[i]);
    }
}
