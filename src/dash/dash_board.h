/*
 * dash_board: one dashboard: the text of its file as it is, and the few facts of it that lists and
 * searches need. Immutable and counted. The text is Grafana's JSON model of schema 1 to 42 or
 * later; what it means is the page's business.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"

/* A dashboard of more bytes is refused; the largest public ones have 1 MB. */
enum { DASH_BYTES_MAX = 8 << 20, DASH_UID_MAX = 40, DASH_TAGS_MAX = 100 };

struct dash_board {
    _Atomic uint32_t references;
    struct arena arena; /* of all below */
    str text;
    str uid;
    bool has_own_uid; /* the text has it; else it is made of the path */
    str title;
    str slug;
    str description;
    const str *tags;
    size_t tag_count;
    str path;         /* of the file */
    str folder_uid;   /* empty = the root folder */
    str folder_title; /* "General" for the root folder */
    str provider;     /* whose file it is */
    bool can_save;
    int64_t id;      /* a number for old scripts, made of the uid */
    int64_t version; /* from 1 */
    ts updated;      /* of the file */
    /* What tells whether the file has changed. */
    int64_t file_mtime_ns;
    uint64_t file_size;
    uint64_t file_inode;
};

/* dash_board_parse reads a text (copied) into a new board with one reference. Fails with
 * BARO_EPARSE (line and column set) or BARO_EINVALID when it is no dashboard. */
int dash_board_parse(str text, str path, struct dash_board **ret, struct baro_error *err);

struct dash_board *dash_board_ref(struct dash_board *board);
struct dash_board *dash_board_unref(struct dash_board *board);
DEFINE_CLEANUP(dash_board_unref, struct dash_board)

/* dash_uid_is_valid: 1 to DASH_UID_MAX of [a-zA-Z0-9_-], as Grafana has it. */
bool dash_uid_is_valid(str uid);

/* dash_slug makes "my-board" of "My Board!"; "dashboard" when nothing is left. In the arena. */
str dash_slug(struct arena *arena, str title);

/* dash_uid_of makes a uid of any text, always the same. In the arena. */
str dash_uid_of(struct arena *arena, str text);
