#include "app/check_cardinality.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/vec.h"

enum { COLUMN_GAP = 4 };

struct family {
    str name;
    size_t count;
};

struct counting {
    struct arena arena;
    struct exposition parser;
    struct labels_builder builder;
    struct map map; /* name -> struct family */
    VEC(struct family *) families;
    str family; /* of the last TYPE line */
    size_t total;
};

/* Series of histograms and summaries carry suffixes. */
static bool is_of_family(str name, str family, enum metric_type type)
{
    static const char *const suffixes[] = {"_bucket",  "_sum",  "_count",  "_total",
                                           "_created", "_gsum", "_gcount", "_info"};
    str suffix = str_from_index(name, family.len);

    if (family.len == 0 || !str_has_prefix(name, family)) {
        return false;
    }
    if (suffix.len == 0) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_COUNT(suffixes); i++) {
        if (str_is(suffix, suffixes[i])) {
            return type != METRIC_UNKNOWN;
        }
    }
    return false;
}

static void count_series(struct counting *counting, str name, enum metric_type type)
{
    struct family *family;

    name = is_of_family(name, counting->family, type) ? counting->family : name;
    family = map_get(&counting->map, name);
    if (family == NULL) {
        family = ARENA_NEW(&counting->arena, struct family);
        family->name = arena_str(&counting->arena, name);
        (void)map_put(&counting->map, family->name, family);
        vec_push(&counting->families, family);
    }
    family->count++;
    counting->total++;
}

static int count_all(struct counting *counting, struct baro_error *err)
{
    struct exposition_event event;
    int kind;

    while ((kind = exposition_next(&counting->parser, &event, err)) > EXPOSITION_END) {
        struct labels labels = {0};

        if (kind == EXPOSITION_TYPE) {
            counting->family = event.name;
        } else if (kind == EXPOSITION_SERIES) {
            int r = exposition_series_labels(&counting->parser, &event, &counting->builder,
                                             &counting->arena, &labels, err);

            if (r < 0) {
                return r;
            }
            count_series(counting, labels_get(labels, LABEL_METRIC_NAME), event.type);
        }
    }
    return kind;
}

static int larger_first(const void *a, const void *b)
{
    const struct family *left = *(const struct family *const *)a;
    const struct family *right = *(const struct family *const *)b;

    return left->count != right->count ? (left->count < right->count ? 1 : -1)
                                       : str_cmp(left->name, right->name);
}

static void write_table(const struct counting *counting, struct buf *out)
{
    int width = (int)sizeof("Metric") - 1;

    for (size_t i = 0; i < counting->families.count; i++) {
        int size = (int)counting->families.items[i]->name.len;

        width = size > width ? size : width;
    }
    width += COLUMN_GAP;
    buf_printf(out, "%-*sCardinality    Percentage\n", width, "Metric");
    for (size_t i = 0; i < counting->families.count; i++) {
        const struct family *family = counting->families.items[i];

        buf_printf(out, "%.*s%*s%-15zu%.2f%%\n", STR_ARG(family->name),
                   width - (int)family->name.len, "", family->count,
                   100.0 * (double)family->count / (double)counting->total);
    }
    buf_printf(out, "%-*s%-15zu100%%\n", width, "Total", counting->total);
}

int check_cardinality(str body, enum exposition_format format, struct buf *out,
                      struct baro_error *err)
{
    struct counting counting = {0};
    int r;

    exposition_init(&counting.parser, body, format);
    r = count_all(&counting, err);
    if (r >= 0) {
        if (counting.families.count > 1) {
            qsort(counting.families.items, counting.families.count,
                  sizeof(*counting.families.items), larger_first);
        }
        write_table(&counting, out);
    }
    map_done(&counting.map);
    vec_done(&counting.families);
    labels_builder_done(&counting.builder);
    arena_done(&counting.arena);
    return r;
}
