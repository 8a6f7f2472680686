/*
 * file_writer: a new file written from its start to its end through one buffer. Failure is sticky:
 * write freely, and ask once at the end. One thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "sys/fs.h"

struct file_writer {
    const struct fs *fs;
    fs_file file;
    char *buffer;
    size_t used;           /* bytes of the buffer */
    uint64_t flushed;      /* bytes of the file */
    uint32_t crc;          /* over what was written since file_writer_crc_begin */
    int failure;           /* the first negative code; 0 while all is well */
    struct baro_error err; /* of the failure */
};

/* file_writer_open begins a file that must not exist. Fails with -errno. */
int file_writer_open(struct file_writer *writer, const struct fs *fs, const char *path,
                     struct baro_error *err);

/* file_writer_bytes appends; the short forms below it write big-endian numbers and varints. */
void file_writer_bytes(struct file_writer *writer, const void *bytes, size_t len);
void file_writer_u8(struct file_writer *writer, uint8_t value);
void file_writer_be32(struct file_writer *writer, uint32_t value);
void file_writer_be64(struct file_writer *writer, uint64_t value);
void file_writer_uvarint(struct file_writer *writer, uint64_t value);
void file_writer_uvarint_str(struct file_writer *writer, str text);

/* file_writer_align writes zeros up to a multiple of `align`. */
void file_writer_align(struct file_writer *writer, uint32_t align);

/* file_writer_crc_begin starts a CRC32C; file_writer_crc_end appends what it has become. */
void file_writer_crc_begin(struct file_writer *writer);
void file_writer_crc_end(struct file_writer *writer);

/* file_writer_offset is where the next byte goes. */
static inline uint64_t file_writer_offset(const struct file_writer *writer)
{
    return writer->flushed + writer->used;
}

/* file_writer_flush hands the buffer to the file, so that it can be mapped. Returns the sticky
 * failure. */
int file_writer_flush(struct file_writer *writer, struct baro_error *err);

/* file_writer_finish flushes, syncs and closes. Returns the sticky failure. */
int file_writer_finish(struct file_writer *writer, struct baro_error *err);

/* file_writer_done closes a file that is not finished, and releases the buffer. */
void file_writer_done(struct file_writer *writer);
