#include <stdio.h>

#include "app/commands.h"
#include "app/flags.h"
#include "catalog/gen.h"

enum gen_flag { GEN_OUT };

static const struct flag rows[] = {
    {"out", FLAG_TEXT, ".", FLAG_RUN, "the directory to write to; it exists"},
};

static const struct {
    const char *usage;
    const char *summary;
} texts[] = {
    [GEN_C] = {"gen c [--out DIR] CATALOG",
               "Writes NAME.h and NAME.c over libbaro for the catalogue NAME: a function for each "
               "metric and operation,\n"
               "one for each helper, a type for each closed set of label values, and "
               "NAME_register.\n\n"
               "  barograph gen c --out=generated packs/orfeas/catalog.yaml"},
    [GEN_DOCS] = {"gen docs [--out DIR] CATALOG",
                  "Writes NAME.md for the catalogue NAME: a table of metrics for each group, label "
                  "values, buckets, helpers.\n\n"
                  "  barograph gen docs --out=docs packs/orfeas/catalog.yaml"},
    [GEN_DASHBOARD] =
        {"gen dashboard [--out DIR] CATALOG",
         "Writes NAME.json for the catalogue NAME: a first Grafana dashboard with a "
         "panel for each metric,\n"
         "in rows by RED (rate, errors, duration) and USE (utilization, saturation).\n\n"
         "  barograph gen dashboard --out=dashboards packs/orfeas/catalog.yaml"},
};

static int print_faults(const struct faults *faults)
{
    char line[ERROR_FORMAT_BYTES];

    for (uint32_t i = 0; i < faults->count; i++) {
        error_format(&faults->items[i], line, sizeof(line));
        (void)fprintf(stderr, "%s\n", line);
    }
    return 1;
}

static int run(enum gen_kind kind, const char *path, const char *directory)
{
    static struct faults faults;
    CLEANUP(catalog_freep) struct catalog *catalog = NULL;
    struct baro_error err = {0};
    struct buf names = {0};
    int r;

    if (catalog_load(path, &catalog, &faults) < 0) {
        return print_faults(&faults);
    }
    r = gen_write(kind, catalog, directory, &names, &err);
    (void)fwrite(names.ptr, 1, names.len, stdout);
    buf_done(&names);
    if (r < 0) {
        (void)fprintf(stderr, "barograph: %s\n", err.message);
    }
    return r < 0 ? 1 : 0;
}

static int command_gen(enum gen_kind kind, int argc, char **argv)
{
    static struct flags flags;
    struct baro_error err = {0};

    if (flags_parse(&flags, rows, ARRAY_COUNT(rows), argc, argv, &err) < 0) {
        (void)fprintf(stderr, "barograph: %s\n", err.message);
        return 2;
    }
    if (flags.help || flags.arg_count != 1) {
        return flags_usage(&flags, texts[kind].usage, texts[kind].summary);
    }
    return run(kind, flags.args[0].ptr, flags_text(&flags, GEN_OUT).ptr);
}

int command_gen_c(int argc, char **argv)
{
    return command_gen(GEN_C, argc, argv);
}

int command_gen_dashboard(int argc, char **argv)
{
    return command_gen(GEN_DASHBOARD, argc, argv);
}

int command_gen_docs(int argc, char **argv)
{
    return command_gen(GEN_DOCS, argc, argv);
}
