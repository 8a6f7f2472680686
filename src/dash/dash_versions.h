/*
 * dash_versions: what dashboards said before: the last DASH_VERSIONS_MAX texts of each, in a SQLite
 * file. One thread at a time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"

enum { DASH_VERSIONS_MAX = 50 };

struct dash_versions;

struct dash_version {
    int64_t number;
    ts created;
    str author;
    str message;
    str text; /* only from dash_versions_get */
};

int dash_versions_open(const char *path, struct dash_versions **ret, struct baro_error *err);
struct dash_versions *dash_versions_close(struct dash_versions *versions);
DEFINE_CLEANUP(dash_versions_close, struct dash_versions)

/* dash_versions_note keeps a text as the newest version unless it is that already; *ret_number is
 * its number, from 1. */
int dash_versions_note(struct dash_versions *versions, str uid, const struct dash_version *version,
                       int64_t *ret_number, struct baro_error *err);

/* dash_versions_list gives all versions of a dashboard, the newest first, without texts. */
int dash_versions_list(struct dash_versions *versions, struct arena *arena, str uid,
                       struct dash_version **ret, size_t *ret_count, struct baro_error *err);

/* dash_versions_get gives one version; BARO_ENOTFOUND when there is none of that number. */
int dash_versions_get(struct dash_versions *versions, struct arena *arena, str uid, int64_t number,
                      struct dash_version *ret, struct baro_error *err);
