#include "alerting/am_templates.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "alerting/am_zone.h"
#include "base/mem.h"
#include "sys/fs.h"

static int load_file(struct template_set *set, const char *path, struct baro_error *err)
{
    const char *slash = strrchr(path, '/');
    struct arena arena = {0};
    str text = STR_NULL;
    int result = fs_read_all(fs_real(), &arena, path, TEMPLATE_BYTES_MAX, &text, err);

    if (result >= 0) {
        result = template_set_parse(set, str_from(slash != NULL ? slash + 1 : path), text, err);
    }
    arena_done(&arena);
    return result;
}

int am_templates_load(struct template_set *set, str pattern, struct baro_error *err)
{
    char *text = str_dup_c(pattern);
    glob_t found = {0};
    int result = 0;

    if (glob(text, GLOB_NOESCAPE, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc && result >= 0; i++) {
            result = load_file(set, found.gl_pathv[i], err);
        }
    }
    globfree(&found);
    (void)mem_free(text);
    return result;
}

int am_templates_zone(str name, int64_t seconds, int32_t *ret_offset, char ret_abbreviation[16],
                      struct baro_error *err)
{
    const struct am_zone *zone = NULL;
    struct arena arena = {0};
    int result = am_zone_load(&arena, name, &zone, err);

    if (result >= 0) {
        *ret_offset = am_zone_offset(zone, seconds);
        (void)snprintf(ret_abbreviation, 16, "%.*s", STR_ARG(am_zone_abbreviation(zone, seconds)));
    }
    arena_done(&arena);
    return result < 0 ? result : 0;
}
