#include <stdio.h>

#include "app/commands.h"
#include "app/flags.h"
#include "catalog/catalog.h"

static const char summary[] =
    "Checks metric catalogues: names, types, units, labels, buckets, helpers, generated C names.\n"
    "Every fault is a line file:line:col: message. Exit status: 0 good, 1 faults, 2 wrong "
    "usage.\n\n"
    "  barograph check catalog packs/*/catalog.yaml";

static int check_file(const char *path)
{
    static struct faults faults;
    CLEANUP(catalog_freep) struct catalog *catalog = NULL;
    char line[ERROR_FORMAT_BYTES];

    faults = (struct faults){0};
    if (catalog_load(path, &catalog, &faults) < 0) {
        for (uint32_t i = 0; i < faults.count; i++) {
            error_format(&faults.items[i], line, sizeof(line));
            (void)printf("%s\n", line);
        }
        if (faults.total > faults.count) {
            (void)printf("%s: %u more faults\n", path, faults.total - faults.count);
        }
        return 1;
    }
    (void)printf("%s: good: %zu metrics in %zu groups, %zu helpers\n", path, catalog->metric_count,
                 catalog->group_count, catalog->helper_count);
    return 0;
}

int command_check_catalog(int argc, char **argv)
{
    static struct flags flags;
    struct baro_error err = {0};
    int worst = 0;

    if (flags_parse(&flags, NULL, 0, argc, argv, &err) < 0) {
        (void)fprintf(stderr, "barograph: %s\n", err.message);
        return 2;
    }
    if (flags.help || flags.arg_count == 0) {
        return flags_usage(&flags, "check catalog FILE...", summary);
    }
    for (size_t i = 0; i < flags.arg_count; i++) {
        worst |= check_file(flags.args[i].ptr);
    }
    return worst;
}
