#include "base/num.h"
#include "catalog/catalog_priv.h"
#include "catalog/gen_c_priv.h"

/* ---- from one set to another ---- */

static bool same_values(const struct catalog_set *a, const struct catalog_set *b)
{
    for (size_t i = 0; i < a->value_count && a->value_count == b->value_count; i++) {
        if (!str_eq(a->values[i], b->values[i])) {
            return false;
        }
    }
    return a->value_count == b->value_count;
}

static str map_name(struct gen_c *gen, const struct catalog_set *from, const struct catalog_set *to)
{
    return arena_printf(&gen->arena, "%.*s_to_%zu_", STR_ARG(from->c_name), to->index);
}

static void write_map(struct gen_c *gen, const struct catalog_set *from,
                      const struct catalog_set *to)
{
    str upper = catalog_name_upper(&gen->arena, from->c_name);
    str name = map_name(gen, from, to);
    size_t width = 0;

    for (size_t i = 0; i < from->value_count; i++) {
        size_t index = catalog_set_find(to, from->values[i]);
        size_t digits = index < 10 ? 1 : index < 100 ? 2 : 3;

        width = digits + 1 > width ? digits + 1 : width;
    }
    buf_printf(gen->out,
               "static %.*s %.*s(%.*s value)\n{\n    static const unsigned short to[] = {",
               STR_ARG(to->c_name), STR_ARG(name), STR_ARG(from->c_name));
    for (size_t i = 0; i < from->value_count; i++) {
        str number = arena_printf(&gen->arena, "%zu,", catalog_set_find(to, from->values[i]));

        buf_printf(gen->out, "\n        %-*.*s /* %.*s */", (int)width, STR_ARG(number),
                   STR_ARG(from->value_c_names[i]));
    }
    buf_printf(gen->out,
               "\n    };\n    size_t index = SIZE_MAX;\n\n    if (value.index_ < %.*s_COUNT) {\n"
               "        index = to[value.index_];\n    }\n    return %.*s_at(index);\n}\n\n",
               STR_ARG(upper), STR_ARG(to->c_name));
}

/* Writes the function that an operand needs to become a value of another set, once. */
static void need_map(struct gen_c *gen, struct map *done, const struct catalog_operand *operand,
                     const struct catalog_set *set)
{
    const struct catalog_param *param = operand->param;

    if (param == NULL || param->kind != CATALOG_PARAM_VALUE || set->value_count == 0 ||
        same_values(param->set, set)) {
        return;
    }
    if (map_put(done, map_name(gen, param->set, set), gen) == NULL) {
        write_map(gen, param->set, set);
    }
}

static void write_maps(struct gen_c *gen)
{
    struct map done = {0};

    for (size_t i = 0; i < gen->catalog->helper_count; i++) {
        const struct catalog_helper *helper = &gen->catalog->helpers[i];

        for (size_t k = 0; k < helper->action_count; k++) {
            const struct catalog_action *action = &helper->actions[k];

            for (size_t l = 0; l < action->metric->label_count; l++) {
                need_map(gen, &done, &action->labels[l], action->metric->labels[l].set);
            }
            if (action->metric->states != NULL) {
                need_map(gen, &done, &action->value, action->metric->states);
            }
        }
    }
    map_done(&done);
}

/* ---- operands ---- */

static str closed_operand(struct gen_c *gen, const struct catalog_operand *operand,
                          const struct catalog_set *set)
{
    const struct catalog_param *param = operand->param;
    struct arena *arena = &gen->arena;

    if (param == NULL) {
        return arena_printf(arena, "%.*s_%.*s", STR_ARG(catalog_name_upper(arena, set->c_name)),
                            STR_ARG(set->value_c_names[operand->index]));
    }
    if (param->set == set) {
        return param->c_name;
    }
    if (same_values(param->set, set)) {
        return arena_printf(arena, "%.*s_at(%.*s.index_)", STR_ARG(set->c_name),
                            STR_ARG(param->c_name));
    }
    return arena_printf(arena, "%.*s(%.*s)", STR_ARG(map_name(gen, param->set, set)),
                        STR_ARG(param->c_name));
}

static str open_operand(struct gen_c *gen, const struct catalog_operand *operand)
{
    const struct catalog_param *param = operand->param;
    struct arena *arena = &gen->arena;

    if (param == NULL) {
        return gen_c_string(gen, operand->text);
    }
    switch (param->kind) {
    case CATALOG_PARAM_BOOL:
        return arena_printf(arena, "%.*s ? \"true\" : \"false\"", STR_ARG(param->c_name));
    case CATALOG_PARAM_INT:
        return arena_printf(arena, "%.*s_text_", STR_ARG(param->c_name));
    case CATALOG_PARAM_VALUE:
        return arena_printf(arena, "%.*s_text(%.*s)", STR_ARG(param->set->c_name),
                            STR_ARG(param->c_name));
    case CATALOG_PARAM_DOUBLE: /* refused by the reader */
    case CATALOG_PARAM_STRING:
        break;
    }
    return param->c_name;
}

static str number_operand(struct gen_c *gen, const struct catalog_operand *operand)
{
    const struct catalog_param *param = operand->param;

    if (param == NULL) {
        return gen_c_number(gen, operand->value);
    }
    if (param->kind == CATALOG_PARAM_BOOL) {
        return arena_printf(&gen->arena, "%.*s ? 1.0 : 0.0", STR_ARG(param->c_name));
    }
    if (param->kind == CATALOG_PARAM_INT) {
        return arena_printf(&gen->arena, "(double)%.*s", STR_ARG(param->c_name));
    }
    return param->c_name;
}

/* ---- conditions ---- */

static str condition_text(struct gen_c *gen, const struct catalog_condition *condition)
{
    const struct catalog_param *param = condition->param;
    const struct catalog_operand *equals = &condition->equals;
    struct arena *arena = &gen->arena;
    str name = param->c_name;

    switch (param->kind) {
    case CATALOG_PARAM_BOOL:
        return equals->value != 0 ? name : arena_printf(arena, "!%.*s", STR_ARG(name));
    case CATALOG_PARAM_INT:
        return arena_printf(arena, "%.*s == %.*s", STR_ARG(name), STR_ARG(equals->text));
    case CATALOG_PARAM_STRING:
        return arena_printf(arena, "%.*s != NULL && strcmp(%.*s, %.*s) == 0", STR_ARG(name),
                            STR_ARG(name), STR_ARG(gen_c_string(gen, equals->text)));
    case CATALOG_PARAM_VALUE:
        return arena_printf(arena, "%.*s.index_ == %.*s_%.*s.index_", STR_ARG(name),
                            STR_ARG(catalog_name_upper(arena, param->set->c_name)),
                            STR_ARG(param->set->value_c_names[equals->index]));
    case CATALOG_PARAM_DOUBLE: /* refused by the reader */
        break;
    }
    return name;
}

static bool same_conditions(struct gen_c *gen, const struct catalog_action *a,
                            const struct catalog_action *b)
{
    for (size_t i = 0; i < a->condition_count && a->condition_count == b->condition_count; i++) {
        if (!str_eq(condition_text(gen, &a->conditions[i]),
                    condition_text(gen, &b->conditions[i]))) {
            return false;
        }
    }
    return a->condition_count == b->condition_count;
}

static void write_if(struct gen_c *gen, const struct catalog_action *action)
{
    str terms[CATALOG_PARAMS_MAX];

    for (size_t i = 0; i < action->condition_count; i++) {
        terms[i] = condition_text(gen, &action->conditions[i]);
    }
    gen_c_list(gen, 4, STR("if ("), terms, action->condition_count, " && ", ") {");
}

/* ---- actions ---- */

static void write_action(struct gen_c *gen, const struct catalog_action *action, size_t indent)
{
    const struct catalog_metric *metric = action->metric;
    str args[CATALOG_LABELS_MAX + 1];
    size_t count = 0;
    const char *op = metric->type == CATALOG_STATESET ? "select" : catalog_op_name(action->op);

    for (; count < metric->label_count; count++) {
        const struct catalog_set *set = metric->labels[count].set;

        args[count] = set->value_count > 0 ? closed_operand(gen, &action->labels[count], set)
                                           : open_operand(gen, &action->labels[count]);
    }
    if (action->has_value) {
        args[count++] = metric->states != NULL ? closed_operand(gen, &action->value, metric->states)
                                               : number_operand(gen, &action->value);
    }
    gen_c_list(gen, indent, arena_printf(&gen->arena, "%.*s_%s(", STR_ARG(metric->c_name), op),
               args, count, ", ", ");");
}

/* Integers that become label values need room for their digits. */
static void write_int_texts(struct gen_c *gen, const struct catalog_helper *helper)
{
    bool needed[CATALOG_PARAMS_MAX] = {false};
    bool any = false;

    for (size_t i = 0; i < helper->action_count; i++) {
        const struct catalog_action *action = &helper->actions[i];

        for (size_t k = 0; k < action->metric->label_count; k++) {
            const struct catalog_param *param = action->labels[k].param;

            if (param != NULL && param->kind == CATALOG_PARAM_INT) {
                needed[param - helper->params] = any = true;
            }
        }
    }
    for (size_t i = 0; i < helper->param_count; i++) {
        if (needed[i]) {
            buf_printf(gen->out, "    char %.*s_text_[24];\n", STR_ARG(helper->params[i].c_name));
        }
    }
    buf_c(gen->out, any ? "\n" : "");
    for (size_t i = 0; i < helper->param_count; i++) {
        str name = helper->params[i].c_name;
        str text = arena_printf(&gen->arena, "%.*s_text_", STR_ARG(name));
        str args[] = {text, arena_printf(&gen->arena, "sizeof(%.*s)", STR_ARG(text)),
                      STR("\"%lld\""), arena_printf(&gen->arena, "(long long)%.*s", STR_ARG(name))};

        if (needed[i]) {
            gen_c_list(gen, 4, STR("(void)snprintf("), args, ARRAY_COUNT(args), ", ", ");");
        }
    }
}

static void write_helper(struct gen_c *gen, const struct catalog_helper *helper)
{
    struct gen_c_head head = gen_c_helper_head(gen, helper);

    gen_c_definition(gen, &head);
    write_int_texts(gen, helper);
    for (size_t i = 0; i < helper->action_count;) {
        const struct catalog_action *first = &helper->actions[i];
        bool conditional = first->condition_count > 0;

        if (conditional) {
            write_if(gen, first);
        }
        do {
            write_action(gen, &helper->actions[i], conditional ? 8 : 4);
            i++;
        } while (i < helper->action_count && same_conditions(gen, first, &helper->actions[i]));
        buf_c(gen->out, conditional ? "    }\n" : "");
    }
    buf_c(gen->out, "}\n\n");
}

void gen_c_helpers(struct gen_c *gen)
{
    write_maps(gen);
    for (size_t i = 0; i < gen->catalog->helper_count; i++) {
        write_helper(gen, &gen->catalog->helpers[i]);
    }
}
