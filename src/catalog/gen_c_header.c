#include "catalog/catalog_priv.h"
#include "catalog/gen_c_priv.h"

/* ---- the functions of each type ---- */

static const struct gen_c_op counter_ops[] = {
    {"inc", {NULL}, {NULL}},
    {"add", {"double amount"}, {"amount"}},
    {"add_exemplar",
     {"double amount", "const struct baro_exemplar *exemplar"},
     {"amount", "exemplar"}},
    {NULL, {NULL}, {NULL}},
};
static const struct gen_c_op gauge_ops[] = {
    {"set", {"double value"}, {"value"}},
    {"inc", {NULL}, {NULL}},
    {"dec", {NULL}, {NULL}},
    {"add", {"double amount"}, {"amount"}},
    {"sub", {"double amount"}, {"amount"}},
    {NULL, {NULL}, {NULL}},
};
static const struct gen_c_op histogram_ops[] = {
    {"observe", {"double value"}, {"value"}},
    {"observe_exemplar",
     {"double value", "const struct baro_exemplar *exemplar"},
     {"value", "exemplar"}},
    {"observe_trace",
     {"double value", "const char *trace_id", "const char *span_id"},
     {"value", "trace_id", "span_id"}},
    {"observe_since", {"int64_t start_ns"}, {"start_ns"}},
    {NULL, {NULL}, {NULL}},
};
static const struct gen_c_op summary_ops[] = {
    {"observe", {"double value"}, {"value"}},
    {"observe_since", {"int64_t start_ns"}, {"start_ns"}},
    {NULL, {NULL}, {NULL}},
};
static const struct gen_c_op info_ops[] = {
    {"set", {NULL}, {NULL}},
    {NULL, {NULL}, {NULL}},
};
static const struct gen_c_op stateset_ops[] = {
    {"select", {"@ state"}, {"state.index_"}},
    {"enable", {"@ state", "bool on"}, {"state.index_", "on"}},
    {NULL, {NULL}, {NULL}},
};

static const struct gen_c_op *const ops[CATALOG_TYPE_COUNT] = {
    [CATALOG_COUNTER] = counter_ops,     [CATALOG_GAUGE] = gauge_ops,
    [CATALOG_HISTOGRAM] = histogram_ops, [CATALOG_SUMMARY] = summary_ops,
    [CATALOG_INFO] = info_ops,           [CATALOG_STATESET] = stateset_ops,
};

/* Names of parameters that labels must leave alone: those above and those of the bodies. */
static const char *const taken[] = {
    "amount",   "cell",  "exemplar", "handle", "on",     "span_id",
    "start_ns", "state", "trace_id", "value",  "values",
};

const struct gen_c_op *gen_c_ops(enum catalog_type type)
{
    return ops[type];
}

bool gen_c_has_handle(const struct catalog_metric *metric)
{
    return metric->type != CATALOG_INFO;
}

const char *gen_c_type(enum catalog_type type)
{
    return catalog_type_name(type);
}

str gen_c_label(struct gen_c *gen, const struct catalog_label *label)
{
    for (size_t i = 0; i < ARRAY_COUNT(taken); i++) {
        if (str_is(label->c_name, taken[i])) {
            return arena_printf(&gen->arena, "%.*s_", STR_ARG(label->c_name));
        }
    }
    return label->c_name;
}

/* ---- heads ---- */

struct gen_c_head gen_c_metric_head(struct gen_c *gen, const struct catalog_metric *metric,
                                    const char *type, const char *name, bool labels)
{
    struct gen_c_head head = {.type = str_from(type)};

    head.name = arena_printf(&gen->arena, "%.*s_%s", STR_ARG(metric->c_name), name);
    for (size_t i = 0; labels && i < metric->label_count; i++) {
        const struct catalog_label *label = &metric->labels[i];
        str param = gen_c_label(gen, label);

        head.params[head.param_count++] =
            label->set->value_count > 0
                ? arena_printf(&gen->arena, "%.*s %.*s", STR_ARG(label->set->c_name),
                               STR_ARG(param))
                : arena_printf(&gen->arena, "const char *%.*s", STR_ARG(param));
    }
    return head;
}

struct gen_c_head gen_c_op_head(struct gen_c *gen, const struct catalog_metric *metric,
                                const struct gen_c_op *op)
{
    struct gen_c_head head = gen_c_metric_head(gen, metric, "void ", op->name, true);

    for (size_t i = 0; i < GEN_C_EXTRAS_MAX && op->params[i] != NULL; i++) {
        const char *param = op->params[i];

        head.params[head.param_count++] =
            param[0] == '@'
                ? arena_printf(&gen->arena, "%.*s%s", STR_ARG(metric->states->c_name), param + 1)
                : str_from(param);
    }
    return head;
}

struct gen_c_head gen_c_set_head(struct gen_c *gen, const struct catalog_set *set, const char *name)
{
    struct arena *arena = &gen->arena;
    struct gen_c_head head = {
        .type = STR("const char *"),
        .name = arena_printf(arena, "%.*s_%s", STR_ARG(set->c_name), name),
        .params = {arena_printf(arena, "%.*s value", STR_ARG(set->c_name))},
        .param_count = 1,
    };

    if (strcmp(name, "from") == 0) {
        head.type = STR("bool ");
        head.params[0] = STR("const char *text");
        head.params[1] = arena_printf(arena, "%.*s *ret", STR_ARG(set->c_name));
        head.param_count = 2;
    } else if (strcmp(name, "at") == 0) {
        head.type = arena_printf(arena, "%.*s ", STR_ARG(set->c_name));
        head.params[0] = STR("size_t index");
    }
    return head;
}

struct gen_c_head gen_c_helper_head(struct gen_c *gen, const struct catalog_helper *helper)
{
    static const char *const types[] = {
        [CATALOG_PARAM_BOOL] = "bool ",
        [CATALOG_PARAM_INT] = "int64_t ",
        [CATALOG_PARAM_DOUBLE] = "double ",
        [CATALOG_PARAM_STRING] = "const char *",
    };
    struct gen_c_head head = {.type = STR("void "), .name = helper->name};

    for (size_t i = 0; i < helper->param_count; i++) {
        const struct catalog_param *param = &helper->params[i];

        head.params[head.param_count++] =
            param->kind == CATALOG_PARAM_VALUE
                ? arena_printf(&gen->arena, "%.*s %.*s", STR_ARG(param->set->c_name),
                               STR_ARG(param->c_name))
                : arena_printf(&gen->arena, "%s%.*s", types[param->kind], STR_ARG(param->c_name));
    }
    return head;
}

/* ---- the header ---- */

/* The values as macros, in one column, as clang-format aligns them. */
static void write_constants(struct gen_c *gen, const struct catalog_set *set)
{
    str prefix = catalog_name_upper(&gen->arena, set->c_name);
    str macro = catalog_name_upper(&gen->arena, gen->catalog->prefix);
    size_t width = 0;
    size_t line;

    for (size_t i = 0; i < set->value_count; i++) {
        width = set->value_c_names[i].len > width ? set->value_c_names[i].len : width;
    }
    line = strlen("#define _ _VALUE_(, 999)") + prefix.len + width + macro.len + set->c_name.len;
    buf_c(gen->out, line > GEN_C_COLUMNS ? "/* clang-format off */\n" : "");
    for (size_t i = 0; i < set->value_count; i++) {
        buf_printf(gen->out, "#define %.*s_%-*.*s %.*s_VALUE_(%.*s, %zu)\n", STR_ARG(prefix),
                   (int)width, STR_ARG(set->value_c_names[i]), STR_ARG(macro), STR_ARG(set->c_name),
                   i);
    }
    buf_c(gen->out, line > GEN_C_COLUMNS ? "/* clang-format on */\n" : "");
}

static void write_set(struct gen_c *gen, const struct catalog_set *set)
{
    static const char *const functions[] = {"text", "from", "at"};
    str upper = catalog_name_upper(&gen->arena, set->c_name);
    str name = set->c_name;

    if (set->help.len > 0) {
        gen_c_comment(gen, set->help);
    }
    buf_printf(gen->out, "typedef struct {\n    unsigned %s index_;\n} %.*s;\n",
               set->value_count > 255 ? "short" : "char", STR_ARG(name));
    write_constants(gen, set);
    buf_printf(gen->out, "enum { %.*s_COUNT = %zu };\n", STR_ARG(upper), set->value_count);
    for (size_t i = 0; i < ARRAY_COUNT(functions); i++) {
        struct gen_c_head head = gen_c_set_head(gen, set, functions[i]);

        gen_c_prototype(gen, &head);
    }
    buf_char(gen->out, '\n');
}

static void write_metric(struct gen_c *gen, const struct catalog_metric *metric)
{
    const char *type = gen_c_type(metric->type);
    str note = metric->stability == CATALOG_STABLE
                   ? STR("")
                   : arena_printf(&gen->arena, ", %s", catalog_stability_name(metric->stability));
    str id =
        metric->id.len > 0 ? arena_printf(&gen->arena, ", %.*s", STR_ARG(metric->id)) : STR("");
    struct gen_c_head head;

    gen_c_comment(gen,
                  arena_printf(&gen->arena, "%.*s (%s%.*s%.*s): %.*s", STR_ARG(metric->full_name),
                               type, STR_ARG(note), STR_ARG(id), STR_ARG(metric->help)));
    for (const struct gen_c_op *op = gen_c_ops(metric->type); op->name != NULL; op++) {
        head = gen_c_op_head(gen, metric, op);
        gen_c_prototype(gen, &head);
    }
    if (gen_c_has_handle(metric)) {
        head = gen_c_metric_head(gen, metric, arena_printf(&gen->arena, "baro_%s ", type).ptr,
                                 "handle", true);
        gen_c_prototype(gen, &head);
    }
    head = gen_c_metric_head(gen, metric, "struct baro_family *", "family", false);
    gen_c_prototype(gen, &head);
    if (metric->label_count > 0) {
        head = gen_c_metric_head(gen, metric, "int ", "remove", true);
        gen_c_prototype(gen, &head);
    }
    buf_char(gen->out, '\n');
}

static void write_helper(struct gen_c *gen, const struct catalog_helper *helper)
{
    struct gen_c_head head = gen_c_helper_head(gen, helper);
    str id =
        helper->id.len > 0 ? arena_printf(&gen->arena, "%.*s: ", STR_ARG(helper->id)) : STR("");
    str units = STR("");

    for (size_t i = 0; i < helper->param_count; i++) {
        if (helper->params[i].unit.len > 0) {
            units = arena_printf(&gen->arena, "%.*s %.*s: %.*s.", STR_ARG(units),
                                 STR_ARG(helper->params[i].name), STR_ARG(helper->params[i].unit));
        }
    }
    if (id.len + helper->help.len + units.len > 0) {
        gen_c_comment(gen, arena_printf(&gen->arena, "%.*s%.*s%.*s", STR_ARG(id),
                                        STR_ARG(helper->help), STR_ARG(units)));
    }
    gen_c_prototype(gen, &head);
    buf_char(gen->out, '\n');
}

static void write_top(struct gen_c *gen)
{
    const struct catalog *catalog = gen->catalog;
    str upper = catalog_name_upper(&gen->arena, catalog->prefix);

    gen_c_comment(gen, arena_printf(&gen->arena,
                                    "%.*s: telemetry. Made by barograph gen c from the catalogue "
                                    "%.*s: change that, not this.",
                                    STR_ARG(catalog->title), STR_ARG(catalog->name)));
    buf_printf(gen->out,
               "#ifndef %.*s_CATALOG_H\n#define %.*s_CATALOG_H\n\n#include <stdbool.h>\n"
               "#include <stddef.h>\n#include <stdint.h>\n\n#include <baro/baro.h>\n\n"
               "#ifdef __cplusplus\nextern \"C\" {\n#define %.*s_VALUE_(type, index) "
               "(type{index})\n#else\n#define %.*s_VALUE_(type, index) ((type){index})\n#endif\n\n",
               STR_ARG(upper), STR_ARG(upper), STR_ARG(upper), STR_ARG(upper));
    buf_printf(
        gen->out,
        "/* Registers all %zu metrics (NULL = the global registry), before the first update: "
        "0, or a\n * negative enum baro_result. Again in another registry moves them "
        "there. */\n"
        "int %.*s_register(struct baro_registry *registry);\n"
        "int %.*s_register_why(struct baro_registry *registry, struct baro_why *why);\n\n",
        catalog->metric_count, STR_ARG(catalog->prefix), STR_ARG(catalog->prefix));
}

void gen_c_header(const struct catalog *catalog, struct buf *out)
{
    struct gen_c gen = {.catalog = catalog, .out = out};

    write_top(&gen);
    if (catalog->set_count > 0) {
        buf_c(out, "/*\n * Label values. Each set is a type of its own, so that a value of another "
                   "one does not compile.\n * X_text is a value as it is exposed; X_from looks one "
                   "up by that text, false when there is none;\n * X_at is the value with an "
                   "index below X_COUNT (beyond, a value that updates nothing).\n */\n\n");
    }
    for (size_t i = 0; i < catalog->set_count; i++) {
        write_set(&gen, catalog->sets[i]);
    }
    for (size_t i = 0; i < catalog->group_count; i++) {
        const struct catalog_group *group = &catalog->groups[i];

        gen_c_comment(&gen, arena_printf(&gen.arena, "---- %.*s ----", STR_ARG(group->title)));
        buf_char(out, '\n');
        for (size_t k = 0; k < group->metric_count; k++) {
            write_metric(&gen, &group->metrics[k]);
        }
    }
    if (catalog->helper_count > 0) {
        buf_c(out, "/* ---- helpers ---- */\n\n");
    }
    for (size_t i = 0; i < catalog->helper_count; i++) {
        write_helper(&gen, &catalog->helpers[i]);
    }
    buf_c(out, "#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
    arena_done(&gen.arena);
}
