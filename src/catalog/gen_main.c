/* barograph-gen: the generators without the rest of the program, for the build's own use. */
#include <stdio.h>

#include "catalog/gen.h"

static int run(enum gen_kind kind, const char *path, const char *directory)
{
    static struct faults faults;
    CLEANUP(catalog_freep) struct catalog *catalog = NULL;
    char line[ERROR_FORMAT_BYTES];

    if (catalog_load(path, &catalog, &faults) >= 0 &&
        gen_write(kind, catalog, directory, NULL, &faults.items[0]) >= 0) {
        return 0;
    }
    for (uint32_t i = 0; i < (faults.count > 0 ? faults.count : 1); i++) {
        error_format(&faults.items[i], line, sizeof(line));
        (void)fprintf(stderr, "%s\n", line);
    }
    return 1;
}

int main(int argc, char **argv)
{
    enum gen_kind kind = GEN_C;

    if (argc != 4 || !gen_kind_from(str_from(argv[1]), &kind)) {
        (void)fprintf(stderr, "usage: barograph-gen c|docs|dashboard|table CATALOG DIRECTORY\n");
        return 2;
    }
    return run(kind, argv[2], argv[3]);
}
