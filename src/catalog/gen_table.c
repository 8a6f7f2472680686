#include "catalog/gen_table.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "catalog/catalog_priv.h"
#include "catalog/gen_c_priv.h"

static void write_row(struct gen_c *gen, const struct catalog_metric *metric, str id,
                      const char *suffix, str labels)
{
    str macro = catalog_name_upper(&gen->arena, gen->catalog->name);
    str type = catalog_name_upper(&gen->arena, str_from(catalog_type_name(metric->type)));

    buf_printf(gen->out, "%.*s(%.*s, \"%.*s\", %.*s, \"%s\", %.*s, %.*s)\n", STR_ARG(macro),
               STR_ARG(id), STR_ARG(metric->full_name), STR_ARG(type), suffix,
               STR_ARG(gen_c_string(gen, labels)), STR_ARG(gen_c_string(gen, metric->help)));
}

/* Label values as they stand between the braces, in C: backslash, quote and line break escaped. */
static str exposed_value(struct gen_c *gen, str value)
{
    struct buf out = {0};

    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];

        buf_c(&out, c == '\\' ? "\\\\" : c == '"' ? "\\\"" : c == '\n' ? "\\n" : "");
        if (c != '\\' && c != '"' && c != '\n') {
            buf_char(&out, c);
        }
    }
    return text_take(&gen->arena, &out);
}

/* The combination number `index` of the label values. */
static void write_combination(struct gen_c *gen, const struct catalog_metric *metric, size_t index,
                              bool is_only)
{
    struct arena *arena = &gen->arena;
    str labels = STR("");
    str id = metric->id;

    for (size_t i = 0; i < metric->label_count; i++) {
        const struct catalog_label *label = &metric->labels[i];
        size_t value = index % label->set->value_count;

        index /= label->set->value_count;
        labels = arena_printf(arena, "%.*s%s%.*s=\"%.*s\"", STR_ARG(labels), i > 0 ? "," : "",
                              STR_ARG(label->name),
                              STR_ARG(exposed_value(gen, label->set->values[value])));
        if (!is_only) {
            id = arena_printf(arena, "%.*s_%.*s", STR_ARG(id),
                              STR_ARG(label->set->value_c_names[value]));
        }
    }
    if (metric->type == CATALOG_SUMMARY) {
        write_row(gen, metric, arena_printf(arena, "%.*s_COUNT", STR_ARG(id)), "_count", labels);
        write_row(gen, metric, arena_printf(arena, "%.*s_SUM", STR_ARG(id)), "_sum", labels);
    } else {
        write_row(gen, metric, id, "", labels);
    }
}

static bool has_rows(const struct catalog_metric *metric)
{
    bool closed = false;
    bool is_plain = metric->type == CATALOG_COUNTER || metric->type == CATALOG_GAUGE ||
                    (metric->type == CATALOG_SUMMARY && metric->objective_count == 0);

    (void)catalog_series_product(metric, CATALOG_SERIES_MAX, &closed);
    return catalog_name_is_word(metric->id) && is_plain && closed;
}

static int metric_cmp(const void *a, const void *b)
{
    return str_cmp((*(const struct catalog_metric *const *)a)->full_name,
                   (*(const struct catalog_metric *const *)b)->full_name);
}

void gen_table(const struct catalog *catalog, struct buf *out)
{
    struct gen_c gen = {.catalog = catalog, .out = out};
    const struct catalog_metric **sorted =
        ARENA_ARRAY(&gen.arena, const struct catalog_metric *, catalog->metric_count);
    size_t count = 0;

    gen_c_comment(&gen, arena_printf(&gen.arena,
                                     "Made by barograph-gen table from the catalogue %.*s: change "
                                     "that, not this.",
                                     STR_ARG(catalog->name)));
    for (const struct catalog_metric *m = NULL; (m = catalog_metric_next(catalog, m)) != NULL;) {
        if (has_rows(m)) {
            sorted[count++] = m;
        }
    }
    if (count > 0) {
        qsort(sorted, count, sizeof(const struct catalog_metric *), metric_cmp);
    }
    for (size_t i = 0; i < count; i++) {
        size_t product = (size_t)catalog_series_product(sorted[i], CATALOG_SERIES_MAX, NULL);

        for (size_t k = 0; k < product; k++) {
            write_combination(&gen, sorted[i], k, product == 1);
        }
    }
    arena_done(&gen.arena);
}
