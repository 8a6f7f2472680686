/*
 * chunks_head: full chunks of the head in numbered files, byte for byte as Prometheus writes and
 * reads them, mapped for reading. They are no source of truth: all that they hold stands in the WAL
 * as well, and what is damaged is set aside. A series's chunks stand in the order of their times,
 * and without a gap between the first and the last one: whoever has read them can pass over the
 * samples of the WAL up to there.
 *
 * One thread writes and truncates, the one that truncates the head; any thread reads. A mapping
 * that was replaced or whose file is gone is handed to `retire`, since readers may still look at
 * it. Format: docs/formats/chunks_head.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"
#include "storage/storage.h"

struct fs;
struct chunks_head;
struct chunks_map;

/* Within the data directory. */
#define CHUNKS_HEAD_DIR       "chunks_head"
#define CHUNKS_HEAD_ASIDE_DIR "chunks_head.corrupt"

#define CHUNKS_HEAD_FILE_BYTES (UINT64_C(128) << 20)

enum {
    CHUNKS_HEAD_HEADER_BYTES = 8,
    CHUNKS_HEAD_FILES_MAX = 1 << 16,        /* at a time */
    CHUNKS_HEAD_NUMBER_MAX = (1 << 24) - 1, /* of a file */
    CHUNKS_HEAD_DATA_MAX = 1 << 24,  /* bytes of a chunk: ten histograms of the most buckets */
    CHUNKS_HEAD_META_MAX = 34,       /* bytes of a chunk beside its data, at most */
    CHUNKS_HEAD_OUT_OF_ORDER = 0x80, /* a bit of the encoding */
};

/* Where a chunk stands. */
struct chunks_place {
    uint32_t file; /* from 1 */
    uint32_t offset;
};

/* A chunk as a file has it. */
struct chunks_item {
    series_ref ref;
    ts mint;
    ts maxt;
    uint8_t encoding; /* CHUNKS_HEAD_OUT_OF_ORDER included */
    str data;
    struct chunks_place place;
};

/* chunks_head_next reads the chunk at *offset of a file's bytes and moves *offset behind it: 1, or
 * 0 at the end (which zeros are as well: files are longer than their content while they are
 * written). Fails with BARO_ECORRUPT; *offset stays. It does not set ret->place. */
int chunks_head_next(str file, size_t *offset, struct chunks_item *ret, struct baro_error *err);

struct chunks_head_options {
    const struct fs *fs;
    const char *data_dir;
    uint64_t file_bytes; /* a file ends before it would be longer; 0 = as Prometheus */
    bool read_only;      /* nothing is set aside: the reading ends at the damage */
    /* Is given every good chunk, in the order of the files; false says that it does not fit to
     * those before, which counts as damage. */
    bool (*visit)(void *context, const struct chunks_item *item);
    void *context;
    void (*retire)(void *context, struct chunks_map *map);
    void *retire_context;
};

/* What chunks_head_open found. */
struct chunks_head_report {
    uint64_t chunks;
    uint64_t files;
    uint64_t damages;      /* 0 or 1: what begins there was set aside */
    char damage_text[232]; /* where, and what it was */
};

/* chunks_head_open reads the files, verifies every checksum, and sets aside what stands behind
 * damage. A directory that is missing is empty. Fails with -errno. */
int chunks_head_open(const struct chunks_head_options *options, struct chunks_head **ret,
                     struct chunks_head_report *ret_report, struct baro_error *err);
struct chunks_head *chunks_head_free(struct chunks_head *files);

/* chunks_head_write appends chunks and sets their places; they can be read when it returns. It
 * returns how many were written (all, unless a file is full: call it again), or fails with -errno,
 * and none was. */
int chunks_head_write(struct chunks_head *files, struct chunks_item *items, size_t count,
                      struct baro_error *err);

/* chunks_head_sync makes what was written last against a power cut. */
int chunks_head_sync(struct chunks_head *files, struct baro_error *err);

/* chunks_head_get gives a chunk's encoding and bytes, which live until the mapping that is current
 * now is retired. Fails with BARO_ECORRUPT. */
int chunks_head_get(const struct chunks_head *files, struct chunks_place place,
                    uint8_t *ret_encoding, str *ret_data, struct baro_error *err);

/* chunks_head_truncate removes the files, oldest first, that have nothing from t on and come before
 * number `keep`. */
int chunks_head_truncate(struct chunks_head *files, ts t, uint32_t keep, struct baro_error *err);

/* A file, as a snapshot of the head remembers it. */
struct chunks_head_file {
    uint64_t bytes; /* good ones */
    ts maxt;
    uint32_t number;
    uint32_t end; /* the last four bytes: the checksum of the last chunk; 0 = not known */
};

/* chunks_head_list gives the files in the arena. chunks_head_has says whether a file is there that
 * has at least the good bytes of one that was listed, and the same end of those. */
size_t chunks_head_list(const struct chunks_head *files, struct arena *arena,
                        struct chunks_head_file **ret);
bool chunks_head_has(const struct chunks_head *files, const struct chunks_head_file *listed);

/* chunks_head_cool gives back the memory that reading many chunks has taken; reading goes on. */
void chunks_head_cool(struct chunks_head *files);

/* chunks_head_bytes is what the files take on the disk. */
uint64_t chunks_head_bytes(const struct chunks_head *files);

/* chunks_map_free releases a mapping that was retired. */
void chunks_map_free(struct chunks_map *map);
