/*
 * shipper_state: what was uploaded already (thanos.shipper.json, as Thanos's sidecar keeps it) and
 * where an upload in work stands (barograph.upload.json): so that nothing is uploaded twice, and an
 * upload goes on after a kill. One thread. Format: docs/formats/shipper.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "base/vec.h"
#include "objstore/objstore.h"
#include "tsdb/block_meta.h"

struct fs;

#define SHIPPER_STATE_NAME    "thanos.shipper.json"
#define SHIPPER_PROGRESS_NAME "barograph.upload.json"

struct shipper_ulid {
    char text[ULID_CHARS + 1];
};

struct shipper_state {
    const struct fs *fs;
    char *dir;
    VEC(struct shipper_ulid) uploaded;

    /* The block in work. */
    struct shipper_ulid block;     /* empty = none */
    size_t files_done;             /* of its list */
    struct objstore_upload upload; /* of the next file, when it goes in parts */
};

/* shipper_state_open reads both files of a data directory; a missing or damaged one is empty (the
 * bucket is asked before each upload, so nothing is uploaded twice). */
void shipper_state_open(struct shipper_state *state, const struct fs *fs, const char *dir);
void shipper_state_done(struct shipper_state *state);

bool shipper_state_has(const struct shipper_state *state, const char *ulid);

/* shipper_state_add notes that a block is uploaded, shipper_state_drop forgets those that `is_kept`
 * does not want (the data directory has none of them any more). Fails with -errno. */
int shipper_state_add(struct shipper_state *state, const char *ulid, struct baro_error *err);
int shipper_state_drop(struct shipper_state *state,
                       bool (*is_kept)(void *context, const char *ulid), void *context,
                       struct baro_error *err);

/* shipper_state_begin makes a block the one in work, and keeps how far it is when it is already;
 * shipper_state_keep writes how far it is. */
void shipper_state_begin(struct shipper_state *state, const char *ulid);
int shipper_state_keep(struct shipper_state *state, struct baro_error *err);

/* shipper_state_parse reads the two files' texts; for tests. False when a text is none. */
bool shipper_state_parse(struct shipper_state *state, str uploaded, str progress);
