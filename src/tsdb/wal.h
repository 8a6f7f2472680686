/*
 * wal: the write-ahead log: records in numbered segment files, byte for byte as Prometheus writes
 * and reads them. A batch collects the records of one commit and packs them outside any lock;
 * wal_write frames them and makes one write(2) of it. Any thread may write; wal_sync may run beside
 * it. Format: docs/formats/wal.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "codec/compress.h"
#include "sys/fs.h"

enum {
    WAL_PAGE_BYTES = 32 * 1024,
    WAL_HEADER_BYTES = 7, /* of a fragment: type, length, checksum */
    WAL_SEGMENT_NAME_DIGITS = 8,
};

#define WAL_SEGMENT_BYTES_DEFAULT (UINT64_C(128) << 20)

/* A record beyond this is refused by the reader, so that a damaged length cannot take all memory;
 * the writer splits far below it. */
#define WAL_RECORD_BYTES_MAX ((size_t)256 << 20)

struct wal;

/* One packed record of a batch: `len` bytes at `offset` of batch.packed. */
struct wal_batch_record {
    size_t offset;
    size_t len;
    enum compress_kind kind;
};

/* The records of one commit. A zeroed batch with `compress` set is ready; reuse it. */
struct wal_batch {
    enum compress_kind compress;
    struct compressor *compressor;
    struct buf packed;
    struct wal_batch_record *records;
    size_t count;
    size_t capacity;
    uint64_t saved_bytes; /* by packing, since the last reset */
};

void wal_batch_reset(struct wal_batch *batch);
void wal_batch_done(struct wal_batch *batch);

/* wal_batch_add packs one record (kept raw when packing does not make it smaller). Fails with
 * BARO_ELIMIT when memory is out. */
int wal_batch_add(struct wal_batch *batch, str record, struct baro_error *err);

/*
 * wal_open starts segment `segment`, which must not exist, in an existing directory.
 * segment_bytes is a multiple of WAL_PAGE_BYTES (BARO_EINVALID otherwise), 0 = 128 MiB.
 */
int wal_open(const struct fs *fs, const char *dir, uint64_t segment, uint64_t segment_bytes,
             struct wal **ret, struct baro_error *err);

/* wal_close syncs what is not synced and closes; the wal is gone whatever is returned. */
int wal_close(struct wal *wal, struct baro_error *err);

/* wal_write appends all records of the batch, in one write(2) and in one segment (a new one is
 * begun when they do not fit). On failure nothing of the batch will be read back. */
int wal_write(struct wal *wal, const struct wal_batch *batch, struct baro_error *err);

/* wal_sync makes what was written so far safe against a power cut, and closes ended segments. */
int wal_sync(struct wal *wal, struct baro_error *err);

/*
 * Whether records can be written. A write or sync that fails (the disk is full, or broken) makes
 * the WAL read-only: commits fail. Every write tries anew, and so does wal_probe, for when there
 * are none: what succeeds ends that state. After a failed sync nothing is written until one
 * succeeds, and what is not synced by then may be lost on the disk: the head, which has it, is to
 * be written out.
 */
struct wal_health {
    bool is_read_only;
    uint64_t syncs_failed; /* so far */
    char text[232];        /* why; empty when all is well */
};
void wal_health(struct wal *wal, struct wal_health *ret);
int wal_probe(struct wal *wal, struct baro_error *err);

/* wal_cut ends the segment and begins the next one, unless nothing was written to it yet. */
int wal_cut(struct wal *wal, struct baro_error *err);

struct wal_stats {
    uint64_t segment;     /* being written */
    uint64_t bytes;       /* written since wal_open, page padding included */
    uint64_t pages;       /* completed */
    uint64_t parts;       /* record fragments */
    uint64_t saved_bytes; /* by packing records */
    uint64_t writes_failed;
};
void wal_stats(struct wal *wal, struct wal_stats *ret);

/*
 * wal_frame appends a record as fragments to out, for a page that is filled up to *page_used
 * already, padding pages with zeros where no header fits; returns the number of fragments.
 */
uint32_t wal_frame(struct buf *out, uint32_t *page_used, str packed, enum compress_kind kind);

/* A reader over the bytes of one segment; zeroed, then wal_reader_over. */
struct wal_reader {
    str data;
    size_t offset;       /* of the next fragment */
    size_t record_start; /* of the record that was read last, or that failed */
    size_t part_start;   /* of its fragment that was read last; = offset when that one is damaged */
    struct buf joined;
    struct buf raw;
    struct compressor *compressor;
};

void wal_reader_over(struct wal_reader *reader, str data);
void wal_reader_done(struct wal_reader *reader);

/*
 * wal_reader_next gives the next record: 1 and *ret (valid until the next call), or 0 at the end of
 * the segment. Fails with BARO_ECORRUPT and the offset where the damaged or torn record begins;
 * everything before it is good.
 */
int wal_reader_next(struct wal_reader *reader, str *ret, struct baro_error *err);

/* A segment or checkpoint on disk. */
struct wal_file {
    uint64_t index;
    const char *path;
    uint64_t bytes;
};

/* What a WAL directory holds; all in the arena. */
struct wal_listing {
    struct wal_file *segments; /* by index */
    size_t segment_count;
    struct wal_file *checkpoint; /* segments of the newest checkpoint */
    size_t checkpoint_count;
    uint64_t checkpoint_index; /* covers all segments up to this one */
    bool has_checkpoint;
};

/* wal_list reads the directory. Other names than segments and checkpoints are passed over. */
int wal_list(const struct fs *fs, struct arena *arena, const char *dir, struct wal_listing *ret,
             struct baro_error *err);

/* wal_checkpoint_index reads the number out of a checkpoint's name; false for other names. */
bool wal_checkpoint_index(str name, uint64_t *ret);

/* wal_segment_path is DIR/00000042 in the arena. */
const char *wal_segment_path(struct arena *arena, const char *dir, uint64_t segment);
