/*
 * wal_tail: reads a directory of segments (the WAL, or a checkpoint) record by record while it is
 * being written, by pread: beside who writes, without a lock. At the end of the newest segment it
 * says that there is nothing now; ask again later. Behind damage it goes on at the next page. One
 * thread. Format: docs/formats/wal.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"
#include "sys/fs.h"
#include "tsdb/wal.h"

/* Where a record begins. */
struct wal_place {
    uint64_t segment;
    uint64_t offset;
};

static inline int wal_place_cmp(struct wal_place a, struct wal_place b)
{
    return a.segment != b.segment ? (a.segment > b.segment) - (a.segment < b.segment)
                                  : (a.offset > b.offset) - (a.offset < b.offset);
}

/* Zeroed, then wal_tail_open. What is above the line is for all to read. */
struct wal_tail {
    struct wal_place place;    /* of the next record */
    uint64_t faults;           /* places where records could not be read */
    uint64_t segments_missing; /* that were gone before they were read */

    const struct fs *fs; /* private from here on */
    char *dir;
    fs_file file;
    bool is_open;
    struct buf window;   /* bytes of the file from window_at on */
    uint64_t window_at;  /* a multiple of WAL_PAGE_BYTES */
    size_t window_bytes; /* how much of the file is read at once */
    struct wal_reader reader;
    bool is_resyncing; /* behind damage, and before the next good record */
    mono listed;       /* when the directory was looked at last */
    mono stuck_since;  /* at a record that cannot be read, while it may still be written; 0 = not */
};

/* wal_tail_open begins at a place; segments before the oldest that is there count as missing. */
void wal_tail_open(struct wal_tail *tail, const struct fs *fs, const char *dir,
                   struct wal_place place);
void wal_tail_done(struct wal_tail *tail);

/*
 * wal_tail_next gives the next record, valid until the next call: 1; 0 when there is none now, in
 * the newest segment. `*ret_place` is where it begins. Fails with -errno of the file system, and
 * may be called again.
 */
int wal_tail_next(struct wal_tail *tail, mono now, str *ret, struct wal_place *ret_place,
                  struct baro_error *err);
