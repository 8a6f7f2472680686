#include "tsdb/block_writer.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/vec.h"
#include "client/self.h"
#include "client/self_histogram.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "tsdb/block_seal.h"
#include "tsdb/chunk.h"
#include "tsdb/chunk_writer.h"
#include "tsdb/tombstones.h"

struct block_writer {
    const struct fs *fs;
    struct arena arena; /* of the paths */
    const char *data_dir;
    const char *tmp_dir;
    char ulid[ULID_CHARS + 1];
    struct index_writer *index;
    struct chunk_writer *chunks;
    bool is_finished;
    mono started_at;

    /* The series in work. */
    VEC(struct symbol_pair) labels;
    VEC(struct chunk_meta) metas;

    uint64_t series_count;
    uint64_t sample_count;
    uint64_t histogram_count; /* of the samples */
    uint64_t chunk_count;
};

static int open_parts(struct block_writer *writer, uint64_t segment_bytes, struct baro_error *err)
{
    const struct fs *fs = writer->fs;
    int r = fs->mkdir(fs, writer->tmp_dir, err);

    if (r >= 0) {
        r = chunk_writer_open(fs, fs_path(&writer->arena, writer->tmp_dir, "chunks"), segment_bytes,
                              &writer->chunks, err);
    }
    if (r >= 0) {
        r = index_writer_open(fs, fs_path(&writer->arena, writer->tmp_dir, "index"), &writer->index,
                              err);
    }
    return r;
}

int block_writer_open(const struct fs *fs, const char *data_dir, ts now, uint64_t segment_bytes,
                      struct block_writer **ret, struct baro_error *err)
{
    CLEANUP(block_writer_freep) struct block_writer *writer = MEM_NEW(struct block_writer);
    int r;

    writer->fs = fs;
    ulid_make(now, writer->ulid);
    writer->data_dir = arena_str(&writer->arena, str_from(data_dir)).ptr;
    writer->tmp_dir =
        arena_printf(&writer->arena, "%s/%s" BLOCK_TMP_CREATION, data_dir, writer->ulid).ptr;
    writer->started_at = clock_mono(clock_real());
    self_set(SELF_POPULATING_BLOCK, 1);
    r = open_parts(writer, segment_bytes, err);
    if (r < 0) {
        return error_wrap(err, r, "new block");
    }
    *ret = TAKE(writer);
    return 0;
}

struct block_writer *block_writer_free(struct block_writer *writer)
{
    if (writer != NULL) {
        (void)index_writer_free(writer->index);
        (void)chunk_writer_free(writer->chunks);
        if (!writer->is_finished) {
            (void)fs_remove_tree(writer->fs, writer->tmp_dir, NULL);
        }
        self_set(SELF_POPULATING_BLOCK, 0);
        self_add(SELF_COMPACTIONS, 1);
        self_histogram_add(SELF_HISTOGRAM_COMPACTION,
                           (double)(clock_mono(clock_real()) - writer->started_at) /
                               MONO_PER_SECOND);
        vec_done(&writer->labels);
        vec_done(&writer->metas);
        arena_done(&writer->arena);
    }
    return mem_free(writer);
}

void block_writer_symbols(struct block_writer *writer, const str *symbols, size_t count)
{
    index_writer_symbols(writer->index, symbols, count);
}

void block_writer_begin(struct block_writer *writer, const struct symbol_pair *labels, size_t count)
{
    vec_reset(&writer->labels);
    vec_reset(&writer->metas);
    vec_reserve(&writer->labels, count);
    memcpy(writer->labels.items, labels, count * sizeof(*labels));
    writer->labels.count = count;
}

int block_writer_chunk(struct block_writer *writer, uint8_t encoding, str data, ts mint, ts maxt,
                       uint32_t samples, struct baro_error *err)
{
    struct chunk_meta meta = {.mint = mint, .maxt = maxt};
    int r;

    ASSERT(mint <= maxt && samples > 0);
    ASSERT(writer->metas.count == 0 || vec_last(&writer->metas)->maxt < mint);
    r = chunk_writer_add(writer->chunks, encoding, data, &meta.ref, err);
    if (r >= 0) {
        vec_push(&writer->metas, meta);
        writer->sample_count += samples;
        writer->histogram_count += chunk_is_histogram(encoding) ? samples : 0;
    }
    return r < 0 ? r : 0;
}

void block_writer_end(struct block_writer *writer)
{
    if (writer->metas.count > 0) {
        index_writer_series(writer->index, writer->labels.items, writer->labels.count,
                            writer->metas.items, writer->metas.count);
        writer->series_count++;
        writer->chunk_count += writer->metas.count;
    }
}

uint64_t block_writer_series(const struct block_writer *writer)
{
    return writer->series_count;
}

static int write_all(const struct fs *fs, const char *path, enum fs_open_mode mode, str bytes,
                     struct baro_error *err)
{
    fs_file file = FS_FILE_NONE;
    int r = fs->open(fs, path, mode, &file, err);
    int closed;

    if (r < 0) {
        return r;
    }
    r = fs->truncate(fs, file, 0, err);
    if (r >= 0 && bytes.len > 0) {
        r = fs->pwrite(fs, file, bytes.ptr, bytes.len, 0, err);
    }
    if (r >= 0) {
        r = fs->sync(fs, file, err);
    }
    closed = fs->close(fs, file, r < 0 ? NULL : err);
    return r < 0 ? r : closed;
}

int file_replace(const struct fs *fs, const char *directory, const char *name, str bytes,
                 struct baro_error *err)
{
    struct arena arena = {0};
    const char *tmp = arena_printf(&arena, "%s/%s.tmp", directory, name).ptr;
    int r = write_all(fs, tmp, FS_CREATE, bytes, err);

    if (r >= 0) {
        r = fs->rename(fs, tmp, fs_path(&arena, directory, name), err);
    }
    if (r >= 0) {
        r = fs->sync_dir(fs, directory, err);
    }
    arena_done(&arena);
    return r;
}

int block_meta_replace(const struct fs *fs, const char *directory, const struct block_meta *meta,
                       struct baro_error *err)
{
    struct buf json = {0}, seal = {0};
    int r;

    block_meta_write(meta, &json);
    block_seal_write(buf_view(&json), &seal);
    r = json.failed || seal.failed ? error_set(err, -ENOMEM, "no memory for meta.json")
                                   : file_replace(fs, directory, "meta.json", buf_view(&json), err);
    if (r >= 0) {
        r = file_replace(fs, directory, BLOCK_SEAL_NAME, buf_view(&seal), err);
    }
    buf_done(&json);
    buf_done(&seal);
    return r;
}

static void complete_meta(const struct block_writer *writer, struct block_meta *meta)
{
    memcpy(meta->ulid, writer->ulid, sizeof(meta->ulid));
    meta->series_count = writer->series_count;
    meta->sample_count = writer->sample_count;
    meta->histogram_count = writer->histogram_count;
    meta->float_count = writer->sample_count - writer->histogram_count;
    meta->chunk_count = writer->chunk_count;
    meta->tombstone_count = 0;
    if (meta->sources.count == 0) {
        block_parents_add(&meta->sources, writer->ulid, 0, 0);
    }
}

/* All that is in the directory is synced, then the directory, then it gets its name, and last the
 * name is made to last. */
static int publish(struct block_writer *writer, struct baro_error *err)
{
    const struct fs *fs = writer->fs;
    int r = fs->sync_dir(fs, writer->tmp_dir, err);

    if (r >= 0) {
        r = fs->rename(fs, writer->tmp_dir, fs_path(&writer->arena, writer->data_dir, writer->ulid),
                       err);
        writer->is_finished = r >= 0;
    }
    if (r >= 0) {
        r = fs->sync_dir(fs, writer->data_dir, err);
        if (r < 0) {
            /* The caller takes it for failed, so a later start must not find it. */
            (void)block_remove(fs, writer->data_dir, writer->ulid, NULL);
        }
    }
    return r;
}

int block_writer_finish(struct block_writer *writer, struct block_meta *meta,
                        struct baro_error *err)
{
    struct buf tombstones = {0};
    int r = index_writer_finish(writer->index, err);

    complete_meta(writer, meta);
    if (r >= 0) {
        r = chunk_writer_finish(writer->chunks, err);
    }
    if (r >= 0) {
        tombstones_write(&(struct tombstones){0}, &tombstones);
        r = write_all(writer->fs, fs_path(&writer->arena, writer->tmp_dir, "tombstones"), FS_CREATE,
                      buf_view(&tombstones), err);
        buf_done(&tombstones);
    }
    if (r >= 0) {
        r = block_meta_replace(writer->fs, writer->tmp_dir, meta, err);
    }
    if (r >= 0) {
        r = publish(writer, err);
    }
    return r < 0 ? error_wrap(err, r, "block %s", writer->ulid) : 0;
}

int block_remove(const struct fs *fs, const char *data_dir, const char *ulid,
                 struct baro_error *err)
{
    struct arena arena = {0};
    const char *gone = arena_printf(&arena, "%s/%s" BLOCK_TMP_DELETION, data_dir, ulid).ptr;
    int r = fs->rename(fs, fs_path(&arena, data_dir, ulid), gone, err);

    if (r >= 0) {
        r = fs->sync_dir(fs, data_dir, err);
    }
    if (r >= 0) {
        r = fs_remove_tree(fs, gone, err);
    }
    arena_done(&arena);
    return r == -ENOENT ? 0 : r;
}
