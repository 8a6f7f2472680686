#include "tsdb/file_writer.h"

#include <string.h>

#include "base/mem.h"
#include "codec/bytes.h"
#include "codec/crc32c.h"

/* Large enough that a write costs far more than the call, small enough to stay in the cache. */
enum { BUFFER_BYTES = 256 * 1024 };

int file_writer_open(struct file_writer *writer, const struct fs *fs, const char *path,
                     struct baro_error *err)
{
    int r;

    *writer = (struct file_writer){.fs = fs, .file = FS_FILE_NONE};
    r = fs->open(fs, path, FS_CREATE_NEW, &writer->file, err);
    if (r < 0) {
        writer->file = FS_FILE_NONE;
        return r;
    }
    writer->buffer = mem_alloc(BUFFER_BYTES);
    return 0;
}

static void write_out(struct file_writer *writer)
{
    if (writer->failure == 0 && writer->used > 0) {
        int r = writer->fs->pwrite(writer->fs, writer->file, writer->buffer, writer->used,
                                   writer->flushed, &writer->err);

        writer->failure = r < 0 ? r : 0;
    }
    writer->flushed += writer->used;
    writer->used = 0;
}

void file_writer_bytes(struct file_writer *writer, const void *bytes, size_t len)
{
    const char *from = bytes;

    writer->crc = crc32c_add(writer->crc, bytes, len);
    while (len > 0) {
        size_t room = BUFFER_BYTES - writer->used;
        size_t part = len < room ? len : room;

        memcpy(writer->buffer + writer->used, from, part);
        writer->used += part;
        from += part;
        len -= part;
        if (writer->used == BUFFER_BYTES) {
            write_out(writer);
        }
    }
}

void file_writer_u8(struct file_writer *writer, uint8_t value)
{
    file_writer_bytes(writer, &value, sizeof(value));
}

void file_writer_be32(struct file_writer *writer, uint32_t value)
{
    uint8_t raw[4];

    store_be32(raw, value);
    file_writer_bytes(writer, raw, sizeof(raw));
}

void file_writer_be64(struct file_writer *writer, uint64_t value)
{
    uint8_t raw[8];

    store_be64(raw, value);
    file_writer_bytes(writer, raw, sizeof(raw));
}

void file_writer_uvarint(struct file_writer *writer, uint64_t value)
{
    uint8_t raw[UVARINT_BYTES_MAX];

    file_writer_bytes(writer, raw, (size_t)(put_uvarint(raw, value) - raw));
}

void file_writer_uvarint_str(struct file_writer *writer, str text)
{
    file_writer_uvarint(writer, text.len);
    file_writer_bytes(writer, text.ptr, text.len);
}

void file_writer_align(struct file_writer *writer, uint32_t align)
{
    static const char zeros[64];
    size_t over = (size_t)(file_writer_offset(writer) % align);

    ASSERT(align <= sizeof(zeros));
    if (over != 0) {
        file_writer_bytes(writer, zeros, align - over);
    }
}

void file_writer_crc_begin(struct file_writer *writer)
{
    writer->crc = 0;
}

void file_writer_crc_end(struct file_writer *writer)
{
    file_writer_be32(writer, writer->crc);
}

static int failure(const struct file_writer *writer, struct baro_error *err)
{
    if (writer->failure < 0 && err != NULL) {
        *err = writer->err;
    }
    return writer->failure;
}

int file_writer_flush(struct file_writer *writer, struct baro_error *err)
{
    write_out(writer);
    return failure(writer, err);
}

int file_writer_finish(struct file_writer *writer, struct baro_error *err)
{
    int r;

    write_out(writer);
    if (writer->failure == 0) {
        r = writer->fs->sync(writer->fs, writer->file, &writer->err);
        writer->failure = r < 0 ? r : 0;
    }
    r = writer->fs->close(writer->fs, writer->file, writer->failure == 0 ? &writer->err : NULL);
    writer->file = FS_FILE_NONE;
    if (r < 0 && writer->failure == 0) {
        writer->failure = r;
    }
    return failure(writer, err);
}

void file_writer_done(struct file_writer *writer)
{
    if (writer->file != FS_FILE_NONE && writer->buffer != NULL) {
        (void)writer->fs->close(writer->fs, writer->file, NULL);
    }
    writer->file = FS_FILE_NONE;
    writer->buffer = mem_free(writer->buffer);
}
