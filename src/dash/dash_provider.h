/*
 * dash_provider: where dashboards come from: directories of JSON files, named by a flag or by
 * Grafana's provisioning files. Source of the YAML form: Grafana, "Provision dashboards".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "base/vec.h"

struct fs;

enum { DASH_PROVIDERS_MAX = 100, DASH_PROVISIONING_BYTES_MAX = 1 << 20 };

struct dash_provider {
    str name;
    const char *path;       /* of a directory, or of one JSON file */
    str folder;             /* all go into this folder; empty = the root folder */
    str folder_uid;         /* empty = made of the title */
    bool folders_from_path; /* the first directory below path is the folder */
    bool can_save;
    bool is_moved; /* the path of the YAML file is not here: path is what lies beside that file */
};

typedef VEC(struct dash_provider) dash_providers;

/*
 * dash_providers_read appends the providers that `path` names: a provisioning file (.yaml, .yml),
 * one dashboard (.json), or a directory: its provisioning files, and when it has none, itself as a
 * bare directory that may be edited. Texts are in the arena. Fails with -errno, BARO_EPARSE,
 * BARO_EINVALID or BARO_ELIMIT; faults of a file name it with line and column.
 */
int dash_providers_read(struct arena *arena, const struct fs *fs, const char *path,
                        dash_providers *ret, struct baro_error *err);

/* dash_directory_of is the directory of a path: "." when it names none. */
str dash_directory_of(str path);
