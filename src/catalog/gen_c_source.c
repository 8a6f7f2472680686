#include <math.h>

#include "base/assert.h"
#include "catalog/catalog_priv.h"
#include "catalog/gen_c_priv.h"

/* ---- tables: lines as long as they need be ---- */

static void write_texts(struct gen_c *gen, const struct catalog_set *set)
{
    buf_printf(gen->out, "static const char *const %.*s_texts_[%zu] = {\n", STR_ARG(set->c_name),
               set->value_count + 1);
    for (size_t i = 0; i < set->value_count; i++) {
        buf_printf(gen->out, "    %.*s,\n", STR_ARG(gen_c_string(gen, set->values[i])));
    }
    buf_c(gen->out, "    NULL,\n};\n");
}

static void write_doubles(struct gen_c *gen, const char *what, size_t index, const double *values,
                          size_t count, size_t stride)
{
    buf_printf(gen->out, "static const double %s_%zu_[] = {", what, index);
    for (size_t i = 0; i < count; i++) {
        buf_printf(gen->out, "%s%.*s", i > 0 ? ", " : "",
                   STR_ARG(gen_c_number(gen, values[i * stride])));
    }
    buf_c(gen->out, "};\n");
}

static void write_labels(struct gen_c *gen, const struct catalog_metric *metric)
{
    buf_printf(gen->out, "static const struct baro_label labels_%zu_[] = {\n", metric->index);
    for (size_t i = 0; i < metric->label_count; i++) {
        const struct catalog_label *label = &metric->labels[i];
        const struct catalog_set *set = label->set;

        if (set->value_count > 0) {
            buf_printf(gen->out, "    {\"%.*s\", 0, %.*s_texts_, %zu},\n", STR_ARG(label->name),
                       STR_ARG(set->c_name), set->value_count);
        } else {
            buf_printf(gen->out, "    {\"%.*s\", %llu, NULL, 0},\n", STR_ARG(label->name),
                       (unsigned long long)set->max);
        }
    }
    buf_c(gen->out, "};\n");
}

/* The coarsest schema whose buckets grow by no more than the factor: growth is 2^(2^-schema). */
static int native_schema(double factor)
{
    double schema = -floor(log2(log2(factor)));

    return schema < -4 ? -4 : schema > 8 ? 8 : (int)schema;
}

static void write_desc(struct gen_c *gen, const struct catalog_metric *metric)
{
    static const char *const modes[] = {
        [CATALOG_SUM] = "SUM", [CATALOG_ALL] = "ALL",       [CATALOG_MAX] = "MAX",
        [CATALOG_MIN] = "MIN", [CATALOG_LATEST] = "LATEST",
    };
    struct buf *out = gen->out;
    size_t i = metric->index;

    buf_printf(out, "static const struct baro_desc desc_%zu_ = {\n    .name = \"%.*s\",\n", i,
               STR_ARG(metric->full_name));
    buf_printf(out, "    .help = %.*s,\n", STR_ARG(gen_c_string(gen, metric->help)));
    if (metric->unit.len > 0) {
        buf_printf(out, "    .unit = \"%.*s\",\n", STR_ARG(metric->unit));
    }
    buf_printf(out, "    .type = BARO_%.*s,\n",
               STR_ARG(catalog_name_upper(&gen->arena, str_from(gen_c_type(metric->type)))));
    if (metric->label_count > 0) {
        buf_printf(out, "    .labels = labels_%zu_,\n    .label_count = %zu,\n", i,
                   metric->label_count);
    }
    buf_printf(out, "    .series_max = %llu,\n", (unsigned long long)metric->series_max);
    if (metric->ttl > 0) {
        buf_printf(out, "    .ttl_s = %lld,\n", (long long)(metric->ttl / DUR_SECOND));
    }
    if (metric->multiprocess != CATALOG_SUM) {
        buf_printf(out, "    .multiprocess = BARO_LIVE_%s,\n", modes[metric->multiprocess]);
    }
    if (metric->bucket_count > 0) {
        buf_printf(out, "    .buckets = buckets_%zu_,\n    .bucket_count = %zu,\n", i,
                   metric->bucket_count);
    }
    if (metric->native.on) {
        buf_printf(out, "    .native = {.on = true, .schema = %d, .buckets_max = %u},\n",
                   native_schema(metric->native.factor), metric->native.buckets);
    }
    if (metric->objective_count > 0) {
        buf_printf(out, "    .quantiles = quantiles_%zu_,\n    .quantile_count = %zu,\n", i,
                   metric->objective_count);
    }
    if (metric->max_age > 0) {
        buf_printf(out, "    .max_age_s = %lld,\n", (long long)(metric->max_age / DUR_SECOND));
    }
    if (metric->states != NULL) {
        buf_printf(out, "    .states = %.*s_texts_,\n    .state_count = %zu,\n",
                   STR_ARG(metric->states->c_name), metric->states->value_count);
    }
    buf_c(out, "};\n");
}

static void write_metric_tables(struct gen_c *gen, const struct catalog_metric *metric)
{
    /* What a histogram that is both native and classic has when it names no buckets. */
    static const double usual[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
    struct catalog_metric full = *metric;

    buf_char(gen->out, '\n');
    if (metric->label_count > 0) {
        write_labels(gen, metric);
    }
    if (metric->bucket_count > 0) {
        write_doubles(gen, "buckets", metric->index, metric->buckets, metric->bucket_count, 1);
    } else if (metric->native.on && !metric->native.only) {
        write_doubles(gen, "buckets", metric->index, usual, ARRAY_COUNT(usual), 1);
        full.bucket_count = ARRAY_COUNT(usual);
    }
    if (metric->objective_count > 0) {
        STATIC_ASSERT(sizeof(struct catalog_objective) == 2 * sizeof(double), "quantile, error");
        write_doubles(gen, "quantiles", metric->index, &metric->objectives[0].quantile,
                      metric->objective_count, 2);
    }
    write_desc(gen, &full);
}

static void write_tables(struct gen_c *gen)
{
    const struct catalog *catalog = gen->catalog;

    buf_c(gen->out, "/* clang-format off */\n");
    for (size_t i = 0; i < catalog->set_count; i++) {
        write_texts(gen, catalog->sets[i]);
    }
    for (const struct catalog_metric *m = NULL; (m = catalog_metric_next(catalog, m)) != NULL;) {
        write_metric_tables(gen, m);
    }
    buf_c(gen->out, "\nstatic const struct baro_desc *const descs_[] = {\n");
    for (size_t i = 0; i < catalog->metric_count; i++) {
        buf_printf(gen->out, "    &desc_%zu_,\n", i);
    }
    buf_c(gen->out, "};\n\n/* Places in families_. */\nenum {\n");
    for (const struct catalog_metric *m = NULL; (m = catalog_metric_next(catalog, m)) != NULL;) {
        buf_printf(gen->out, "    F_%.*s,\n", STR_ARG(m->full_name));
    }
    buf_c(gen->out, "};\n/* clang-format on */\n\n");
}

/* ---- cells ---- */

/* Cells of a metric's table: one more a label, for a value that is none. 0 = no table. */
static size_t cell_count(const struct catalog_metric *metric)
{
    size_t cells = 1;

    for (size_t i = 0; i < metric->label_count; i++) {
        size_t count = metric->labels[i].set->value_count;

        if (count == 0 || cells * (count + 1) > GEN_C_CELLS_MAX) {
            return 0;
        }
        cells *= count + 1;
    }
    return gen_c_has_handle(metric) ? cells : 0;
}

static bool write_cells(struct gen_c *gen)
{
    bool any = false;

    for (const struct catalog_metric *m = NULL;
         (m = catalog_metric_next(gen->catalog, m)) != NULL;) {
        size_t cells = cell_count(m);

        if (cells == 0) {
            continue;
        }
        if (!any) {
            buf_c(gen->out, "/* Handles by label values, found once. */\nstatic struct {\n");
        }
        any = true;
        buf_printf(gen->out, "    baro_%s m_%.*s[%zu];\n", gen_c_type(m->type),
                   STR_ARG(m->full_name), cells);
    }
    if (any) {
        buf_c(gen->out, "} cells_;\n\n");
    }
    return any;
}

/* ---- label values ---- */

static void write_set_tools(struct gen_c *gen)
{
    if (gen->catalog->set_count > 0) {
        buf_c(gen->out,
              "/* What is no value stands behind the last one. */\n"
              "static size_t clamp_(size_t index, size_t count)\n{\n"
              "    return index < count ? index : count;\n}\n\n"
              "static size_t find_(const char *const *texts, const char *text)\n{\n"
              "    for (size_t i = 0; text != NULL && texts[i] != NULL; i++) {\n"
              "        if (strcmp(texts[i], text) == 0) {\n            return i;\n        }\n"
              "    }\n    return SIZE_MAX;\n}\n\n");
    }
}

static void write_set(struct gen_c *gen, const struct catalog_set *set)
{
    str name = set->c_name;
    str upper = catalog_name_upper(&gen->arena, name);
    str clamp_args[] = {STR("value.index_"),
                        arena_printf(&gen->arena, "%.*s_COUNT)];", STR_ARG(upper))};
    str at_args[] = {STR("index"), arena_printf(&gen->arena, "%.*s_COUNT", STR_ARG(upper))};
    struct gen_c_head text = gen_c_set_head(gen, set, "text");
    struct gen_c_head from = gen_c_set_head(gen, set, "from");
    struct gen_c_head at = gen_c_set_head(gen, set, "at");

    gen_c_definition(gen, &text);
    gen_c_list(gen, 4, arena_printf(&gen->arena, "return %.*s_texts_[clamp_(", STR_ARG(name)),
               clamp_args, 2, ", ", "");
    buf_c(gen->out, "}\n\n");
    gen_c_definition(gen, &from);
    buf_printf(gen->out,
               "    size_t index = find_(%.*s_texts_, text);\n\n"
               "    if (index == SIZE_MAX) {\n        return false;\n    }\n"
               "    *ret = %.*s_at(index);\n    return true;\n}\n\n",
               STR_ARG(name), STR_ARG(name));
    gen_c_definition(gen, &at);
    buf_printf(gen->out, "    %.*s value;\n\n", STR_ARG(name));
    gen_c_assign(gen, STR("value.index_"),
                 set->value_count > 255 ? STR("(unsigned short)clamp_")
                                        : STR("(unsigned char)clamp_"),
                 at_args, 2);
    buf_c(gen->out, "    return value;\n}\n\n");
}

/* ---- metrics ---- */

static void write_values(struct gen_c *gen, const struct catalog_metric *metric)
{
    str items[CATALOG_LABELS_MAX];

    for (size_t i = 0; i < metric->label_count; i++) {
        const struct catalog_set *set = metric->labels[i].set;
        str label = gen_c_label(gen, &metric->labels[i]);

        items[i] = set->value_count > 0 ? arena_printf(&gen->arena, "%.*s_text(%.*s)",
                                                       STR_ARG(set->c_name), STR_ARG(label))
                                        : label;
    }
    gen_c_values(gen, items, metric->label_count);
}

/* The place in the table: as in an array of as many dimensions as there are labels. */
static void write_cell_index(struct gen_c *gen, const struct catalog_metric *metric)
{
    for (size_t i = 0; i < metric->label_count; i++) {
        str upper = catalog_name_upper(&gen->arena, metric->labels[i].set->c_name);
        str args[] = {
            arena_printf(&gen->arena, "%.*s.index_", STR_ARG(gen_c_label(gen, &metric->labels[i]))),
            arena_printf(&gen->arena, "%.*s_COUNT", STR_ARG(upper)),
        };

        if (i == 0) {
            gen_c_assign(gen, STR("size_t cell"), STR("clamp_"), args, 2);
        } else {
            gen_c_assign(gen, STR("cell"),
                         arena_printf(&gen->arena, "cell * %zu + clamp_",
                                      metric->labels[i].set->value_count + 1),
                         args, 2);
        }
        buf_c(gen->out, i == 0 ? "\n" : "");
    }
}

static void write_handle(struct gen_c *gen, const struct catalog_metric *metric)
{
    struct arena *arena = &gen->arena;
    const char *type = gen_c_type(metric->type);
    bool has_cells = cell_count(metric) > 0;
    struct gen_c_head head =
        gen_c_metric_head(gen, metric, arena_printf(arena, "baro_%s ", type).ptr, "handle", true);
    str family = arena_printf(arena, "families_[F_%.*s]", STR_ARG(metric->full_name));
    str values = metric->label_count > 0 ? STR("values") : STR("NULL");
    str cell = arena_printf(arena, "&cells_.m_%.*s[%s]", STR_ARG(metric->full_name),
                            metric->label_count > 0 ? "cell" : "0");
    str cached[] = {cell, family, values};
    str with[] = {family, values};

    gen_c_definition(gen, &head);
    if (metric->label_count > 0) {
        write_values(gen, metric);
        if (has_cells) {
            write_cell_index(gen, metric);
        } else {
            buf_char(gen->out, '\n');
        }
    }
    gen_c_list(gen, 4,
               arena_printf(arena, "return baro_%s_%s(", type, has_cells ? "cached" : "with"),
               has_cells ? cached : with, has_cells ? 3 : 2, ", ", ");");
    buf_c(gen->out, "}\n\n");
}

static void write_op(struct gen_c *gen, const struct catalog_metric *metric,
                     const struct gen_c_op *op)
{
    struct arena *arena = &gen->arena;
    const char *type = gen_c_type(metric->type);
    struct gen_c_head head = gen_c_op_head(gen, metric, op);
    str call = arena_printf(arena, "%.*s_handle", STR_ARG(metric->c_name));
    str labels[CATALOG_LABELS_MAX];
    str args[GEN_C_EXTRAS_MAX + 1] = {STR("handle")};
    size_t count = 1;

    for (size_t i = 0; i < metric->label_count; i++) {
        labels[i] = gen_c_label(gen, &metric->labels[i]);
    }
    for (; count <= GEN_C_EXTRAS_MAX && op->args[count - 1] != NULL; count++) {
        args[count] = str_from(op->args[count - 1]);
    }
    gen_c_definition(gen, &head);
    gen_c_assign(gen, arena_printf(arena, "baro_%s handle", type), call, labels,
                 metric->label_count);
    buf_char(gen->out, '\n');
    gen_c_list(gen, 4, arena_printf(arena, "baro_%s_%s(", type, op->name), args, count, ", ", ");");
    buf_c(gen->out, "}\n\n");
}

/* Functions that hand the label values to libbaro with the family: set of an info metric, remove.
 */
static void write_by_values(struct gen_c *gen, const struct catalog_metric *metric,
                            const char *type, const char *name, const char *call)
{
    struct gen_c_head head = gen_c_metric_head(gen, metric, type, name, true);
    str args[] = {
        arena_printf(&gen->arena, "families_[F_%.*s]", STR_ARG(metric->full_name)),
        metric->label_count > 0 ? STR("values") : STR("NULL"),
    };

    gen_c_definition(gen, &head);
    if (metric->label_count > 0) {
        write_values(gen, metric);
        buf_char(gen->out, '\n');
    }
    gen_c_list(gen, 4, str_from(call), args, 2, ", ", ");");
    buf_c(gen->out, "}\n\n");
}

static void write_metric(struct gen_c *gen, const struct catalog_metric *metric)
{
    struct gen_c_head head;

    if (metric->type == CATALOG_INFO) {
        write_by_values(gen, metric, "void ", "set", "baro_info_set(");
    } else {
        write_handle(gen, metric);
        for (const struct gen_c_op *op = gen_c_ops(metric->type); op->name != NULL; op++) {
            write_op(gen, metric, op);
        }
    }
    head = gen_c_metric_head(gen, metric, "struct baro_family *", "family", false);
    gen_c_definition(gen, &head);
    buf_printf(gen->out, "    return families_[F_%.*s];\n}\n\n", STR_ARG(metric->full_name));
    if (metric->label_count > 0) {
        write_by_values(gen, metric, "int ", "remove", "return baro_series_remove(");
    }
}

/* ---- registration ---- */

/* Whether a metric's series are there from registration on. A gauge that nobody has set is absent
 * rather than 0, unless it has no labels. */
static bool is_eager(const struct catalog_metric *metric)
{
    return cell_count(metric) > 0 &&
           (metric->label_count == 0 ||
            (metric->type != CATALOG_GAUGE &&
             catalog_series_product(metric, GEN_C_EAGER_MAX + 1, NULL) <= GEN_C_EAGER_MAX));
}

static void write_eager(struct gen_c *gen, const struct catalog_metric *metric)
{
    struct arena *arena = &gen->arena;
    str call = arena_printf(arena, "(void)%.*s_handle(", STR_ARG(metric->c_name));
    size_t product = (size_t)catalog_series_product(metric, GEN_C_EAGER_MAX, NULL);
    size_t below = product;
    str args[CATALOG_LABELS_MAX];

    for (size_t i = 0; i < metric->label_count; i++) {
        const struct catalog_set *set = metric->labels[i].set;
        const char *modulo = i > 0 ? arena_printf(arena, " %% %zu", set->value_count).ptr : "";

        below /= set->value_count;
        args[i] = below > 1 ? arena_printf(arena, "%.*s_at(i / %zu%s)", STR_ARG(set->c_name), below,
                                           modulo)
                            : arena_printf(arena, "%.*s_at(i%s)", STR_ARG(set->c_name), modulo);
    }
    if (metric->label_count > 0) {
        buf_printf(gen->out, "    for (size_t i = 0; i < %zu; i++) {\n", product);
    }
    gen_c_list(gen, metric->label_count > 0 ? 8 : 4, call, args, metric->label_count, ", ", ");");
    buf_c(gen->out, metric->label_count > 0 ? "    }\n" : "");
}

static bool write_all_eager(struct gen_c *gen)
{
    bool any = false;

    for (const struct catalog_metric *m = NULL;
         (m = catalog_metric_next(gen->catalog, m)) != NULL;) {
        if (is_eager(m)) {
            buf_c(gen->out, any ? ""
                                : "/* Series that are there, with 0, before the first event: "
                                  "rates count that one, too. */\n"
                                  "static void make_series_(void)\n{\n");
            write_eager(gen, m);
            any = true;
        }
    }
    buf_c(gen->out, any ? "}\n\n" : "");
    return any;
}

static void write_register(struct gen_c *gen, bool has_cells, bool has_eager)
{
    static const char count[] = "sizeof(descs_) / sizeof(descs_[0])";
    str prefix = gen->catalog->prefix;
    str args[] = {STR("registry"), STR("descs_"), str_from(count), STR("families_"), STR("why")};

    struct gen_c_head head = {
        .type = STR("int "),
        .name = arena_printf(&gen->arena, "%.*s_register_why", STR_ARG(prefix)),
        .params = {STR("struct baro_registry *registry"), STR("struct baro_why *why")},
        .param_count = 2,
    };
    gen_c_definition(gen, &head);
    gen_c_assign(gen, STR("int result"), STR("baro_families_new"), args, ARRAY_COUNT(args));
    buf_c(gen->out, "\n    if (!baro_enabled()) {\n        return BARO_OK;\n    }\n");
    buf_c(gen->out, has_cells ? "    memset(&cells_, 0, sizeof(cells_));\n" : "");
    buf_c(gen->out, has_eager ? "    make_series_();\n" : "");
    buf_printf(gen->out,
               "    return result;\n}\n\nint %.*s_register(struct baro_registry *registry)\n{\n"
               "    return %.*s_register_why(registry, NULL);\n}\n",
               STR_ARG(prefix), STR_ARG(prefix));
}

void gen_c_source(const struct catalog *catalog, struct buf *out)
{
    struct gen_c gen = {.catalog = catalog, .out = out};
    bool has_cells;
    bool has_eager;

    gen_c_comment(&gen, arena_printf(&gen.arena,
                                     "Made by barograph gen c from the catalogue %.*s: change "
                                     "that, not this.",
                                     STR_ARG(catalog->name)));
    buf_printf(out, "#include \"%.*s.h\"\n\n#include <stdio.h>\n#include <string.h>\n\n",
               STR_ARG(catalog->name));
    write_tables(&gen);
    buf_printf(out, "static struct baro_family *families_[%zu];\n\n", catalog->metric_count);
    has_cells = write_cells(&gen);
    write_set_tools(&gen);
    for (size_t i = 0; i < catalog->set_count; i++) {
        write_set(&gen, catalog->sets[i]);
    }
    for (const struct catalog_metric *m = NULL; (m = catalog_metric_next(catalog, m)) != NULL;) {
        write_metric(&gen, m);
    }
    gen_c_helpers(&gen);
    has_eager = write_all_eager(&gen);
    write_register(&gen, has_cells, has_eager);
    arena_done(&gen.arena);
}
