/* replay: runs a fuzz target over every file of a corpus directory, in the ordinary test run. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz/fuzz.h"

enum { INPUT_BYTES_MAX = 16 << 20 };

static int replay_file(const char *directory, const char *name)
{
    char path[4096];
    FILE *file;
    uint8_t *data;
    size_t size;

    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "rb");
    data = malloc(INPUT_BYTES_MAX);
    if (file == NULL || data == NULL) {
        (void)fprintf(stderr, "%s: cannot be read\n", path);
        exit(1);
    }
    size = fread(data, 1, INPUT_BYTES_MAX, file);
    (void)fclose(file);
    (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 1;
}

int main(int argc, char **argv)
{
    int count = 0;
    DIR *directory = argc == 2 ? opendir(argv[1]) : NULL;

    if (directory == NULL) {
        (void)fprintf(stderr, "usage: %s CORPUS-DIRECTORY\n", argv[0]);
        return 2;
    }
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        count += entry->d_name[0] != '.' ? replay_file(argv[1], entry->d_name) : 0;
    }
    (void)closedir(directory);
    (void)printf("%d inputs\n", count);
    return count > 0 ? 0 : 1;
}
