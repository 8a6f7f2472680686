/* replay: runs a fuzz target over every file of a corpus directory, in the ordinary test run. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay_targets.h"

enum { INPUT_BYTES_MAX = 16 << 20 };

#define REPLAY(name) int fuzz_##name(const uint8_t *data, size_t size);
REPLAY_TARGETS
#undef REPLAY

typedef int replay_target(const uint8_t *data, size_t size);

static const struct {
    const char *name;
    replay_target *run;
} targets[] = {
#define REPLAY(name) {#name, fuzz_##name},
    REPLAY_TARGETS
#undef REPLAY
};

static replay_target *target_find(const char *name)
{
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        if (strcmp(targets[i].name, name) == 0) {
            return targets[i].run;
        }
    }
    return NULL;
}

/* The input lies in memory of its very size, so that the sanitizers see who reads behind it. */
static int replay_file(replay_target *run, const char *directory, const char *name)
{
    char path[4096];
    FILE *file;
    uint8_t *data;
    uint8_t *exact;
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
    exact = malloc(size > 0 ? size : 1);
    if (exact == NULL) {
        (void)fprintf(stderr, "%s: no memory for it\n", path);
        exit(1);
    }
    if (size > 0) {
        memcpy(exact, data, size);
    }
    free(data);
    (void)run(exact, size);
    free(exact);
    return 1;
}

int main(int argc, char **argv)
{
    int count = 0;
    replay_target *run = argc == 3 ? target_find(argv[1]) : NULL;
    DIR *directory = run != NULL ? opendir(argv[2]) : NULL;

    if (directory == NULL) {
        (void)fprintf(stderr, "usage: %s TARGET CORPUS-DIRECTORY\n", argv[0]);
        return 2;
    }
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        count += entry->d_name[0] != '.' ? replay_file(run, argv[2], entry->d_name) : 0;
    }
    (void)closedir(directory);
    (void)printf("%d inputs\n", count);
    return count > 0 ? 0 : 1;
}
