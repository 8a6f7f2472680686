#include "tsdb/chunk_writer.h"

#include "base/arena.h"
#include "base/mem.h"
#include "tsdb/chunk_reader.h"
#include "tsdb/file_writer.h"

#define SEGMENT_MAGIC 0x85BD40DDu

enum {
    SEGMENT_VERSION = 1,
    CHUNK_OVERHEAD_MAX = 10 + 1 + 4, /* length, encoding, checksum */
};

struct chunk_writer {
    const struct fs *fs;
    char *directory;
    uint64_t segment_bytes;
    uint64_t ended_bytes;
    struct file_writer out;
    uint32_t segment; /* from 1; 0 before the first chunk */
};

int chunk_writer_open(const struct fs *fs, const char *directory, uint64_t segment_bytes,
                      struct chunk_writer **ret, struct baro_error *err)
{
    struct chunk_writer *writer;
    int r = fs->mkdir(fs, directory, err);

    if (r < 0) {
        return r;
    }
    writer = MEM_NEW(struct chunk_writer);
    writer->fs = fs;
    writer->directory = str_dup_c(str_from(directory));
    writer->segment_bytes = segment_bytes == 0 ? CHUNK_SEGMENT_BYTES_DEFAULT : segment_bytes;
    writer->out.file = FS_FILE_NONE;
    *ret = writer;
    return 0;
}

struct chunk_writer *chunk_writer_free(struct chunk_writer *writer)
{
    if (writer != NULL) {
        file_writer_done(&writer->out);
        (void)mem_free(writer->directory);
    }
    return mem_free(writer);
}

static int end_segment(struct chunk_writer *writer, struct baro_error *err)
{
    int r = 0;

    if (writer->segment > 0) {
        writer->ended_bytes += file_writer_offset(&writer->out);
        r = file_writer_finish(&writer->out, err);
        file_writer_done(&writer->out);
    }
    return r;
}

static int begin_segment(struct chunk_writer *writer, struct baro_error *err)
{
    struct arena arena = {0};
    int r = end_segment(writer, err);

    if (r >= 0 && writer->segment == CHUNK_SEGMENTS_MAX) {
        r = error_set(err, BARO_ELIMIT, "chunks: more than %d segments", (int)CHUNK_SEGMENTS_MAX);
    }
    if (r >= 0) {
        const char *name = arena_printf(&arena, "%06u", writer->segment + 1).ptr;

        r = file_writer_open(&writer->out, writer->fs, fs_path(&arena, writer->directory, name),
                             err);
    }
    if (r >= 0) {
        writer->segment++;
        file_writer_be32(&writer->out, SEGMENT_MAGIC);
        file_writer_u8(&writer->out, SEGMENT_VERSION);
        file_writer_bytes(&writer->out, "\0\0\0", 3);
    }
    arena_done(&arena);
    return r;
}

int chunk_writer_add(struct chunk_writer *writer, uint8_t encoding, str data, uint64_t *ret_ref,
                     struct baro_error *err)
{
    uint64_t offset;

    if (writer->segment == 0 ||
        file_writer_offset(&writer->out) + data.len + CHUNK_OVERHEAD_MAX > writer->segment_bytes) {
        int r = begin_segment(writer, err);

        if (r < 0) {
            return r;
        }
    }
    offset = file_writer_offset(&writer->out);
    file_writer_uvarint(&writer->out, data.len);
    file_writer_crc_begin(&writer->out);
    file_writer_u8(&writer->out, encoding);
    file_writer_bytes(&writer->out, data.ptr, data.len);
    file_writer_crc_end(&writer->out);
    *ret_ref = (uint64_t)(writer->segment - 1) << 32 | offset;
    if (writer->out.failure < 0 && err != NULL) {
        *err = writer->out.err;
    }
    return writer->out.failure;
}

int chunk_writer_finish(struct chunk_writer *writer, struct baro_error *err)
{
    int r = end_segment(writer, err);

    writer->segment = 0;
    return r < 0 ? r : writer->fs->sync_dir(writer->fs, writer->directory, err);
}

uint64_t chunk_writer_bytes(const struct chunk_writer *writer)
{
    return writer->ended_bytes +
           (writer->out.buffer != NULL ? file_writer_offset(&writer->out) : 0);
}
