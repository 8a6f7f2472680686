#include "tsdb/block.h"

#include <errno.h>

#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/block_priv.h"
#include "tsdb/block_seal.h"
#include "tsdb/block_writer.h"
#include "tsdb/block_cache.h"

/* A tombstones file has some 20 bytes an interval; this bounds what is read at once. */
#define TOMBSTONES_BYTES_MAX ((size_t)256 << 20)

int block_read_meta(const struct fs *fs, struct arena *arena, const char *directory,
                    struct block_meta *ret, bool *ret_is_damaged, struct baro_error *err)
{
    str raw = STR_NULL, seal = STR_NULL, copy = STR_NULL;
    bool is_bad_seal = false;
    int r = fs_read_all(fs, arena, fs_path(arena, directory, "meta.json"), BLOCK_META_BYTES_MAX,
                        &raw, err);

    if (r < 0) {
        return r;
    }
    if (fs_read_all(fs, arena, fs_path(arena, directory, BLOCK_SEAL_NAME),
                    BLOCK_META_BYTES_MAX + BLOCK_SEAL_HEAD_BYTES_MAX, &seal, NULL) >= 0) {
        is_bad_seal = block_seal_read(seal, &copy, NULL) < 0;
    }
    r = block_seal_judge(raw, copy, ret, ret_is_damaged, err);
    *ret_is_damaged |= is_bad_seal;
    return r;
}

static int open_tombstones(struct block *block, struct arena *arena, struct baro_error *err)
{
    str raw = STR_NULL;
    int r = fs_read_all(block->fs, arena, fs_path(arena, block->directory, "tombstones"),
                        TOMBSTONES_BYTES_MAX, &raw, err);

    if (r == -ENOENT) {
        return 0; /* nothing was ever deleted */
    }
    return r < 0 ? r : tombstones_parse(raw, &block->tombstones, err);
}

static int open_parts(struct block *block, struct arena *arena, struct baro_error *err)
{
    int r = block_read_meta(block->fs, arena, block->directory, &block->meta,
                            &block->is_meta_damaged, err);

    if (r < 0) {
        return r;
    }
    r = open_tombstones(block, arena, err);
    if (r < 0) {
        return r;
    }
    r = block->fs->map(block->fs, fs_path(arena, block->directory, "index"), &block->index_map,
                       err);
    if (r < 0) {
        return r;
    }
    r = index_reader_open(str_of(block->index_map.ptr, block->index_map.size), &block->index, err);
    if (r < 0) {
        return r;
    }
    return chunk_reader_open(block->fs, fs_path(arena, block->directory, "chunks"), &block->chunks,
                             err);
}

int block_open(const struct fs *fs, const char *directory, struct block **ret,
               struct baro_error *err)
{
    CLEANUP(block_unrefp) struct block *block = MEM_NEW(struct block);
    struct arena arena = {0};
    int r;

    atomic_init(&block->references, 1);
    block->fs = fs != NULL ? fs : fs_real();
    block->directory = str_dup_c(str_from(directory));
    r = open_parts(block, &arena, err);
    arena_done(&arena);
    if (r < 0) {
        return error_wrap(err, r, "block %s", directory);
    }
    *ret = TAKE(block);
    return 0;
}

struct block *block_ref(struct block *block)
{
    uint32_t before = atomic_fetch_add_explicit(&block->references, 1, memory_order_relaxed);

    ASSERT(before > 0);
    return block;
}

static void release(struct block *block)
{
    for (int i = 0; i < DOWNSAMPLE_WINDOWS; i++) {
        (void)downsample_free(atomic_load_explicit(&block->downsampled[i], memory_order_relaxed));
    }
    if (block->cache != NULL) {
        block_cache_forget(block->cache, block->cache_owner);
    }
    (void)index_reader_free(block->index);
    (void)chunk_reader_free(block->chunks);
    tombstones_done(&block->tombstones);
    block_meta_done(&block->meta);
    if (block->index_map.ptr != NULL) {
        block->fs->unmap(block->fs, block->index_map);
    }
    (void)mem_free(block->directory);
    (void)mem_free(block);
}

struct block *block_unref(struct block *block)
{
    /* Release and acquire pair up, so that the last owner sees what the others did before. */
    if (block != NULL &&
        atomic_fetch_sub_explicit(&block->references, 1, memory_order_acq_rel) == 1) {
        release(block);
    }
    return NULL;
}

void block_set_cache(struct block *block, struct block_cache *cache)
{
    block->cache = cache;
    block->cache_owner = block_cache_owner(cache);
}

const struct block_meta *block_meta(const struct block *block)
{
    return &block->meta;
}

int block_set_failed(struct block *block, struct baro_error *err)
{
    block->meta.has_failed = true;
    return block_meta_replace(block->fs, block->directory, &block->meta, err);
}

const char *block_directory(const struct block *block)
{
    return block->directory;
}

uint64_t block_bytes(const struct block *block)
{
    uint64_t bytes = block->index_map.size + chunk_reader_bytes(block->chunks);

    for (int i = 0; i < DOWNSAMPLE_WINDOWS; i++) {
        const struct downsample *file =
            atomic_load_explicit(&block->downsampled[i], memory_order_acquire);

        bytes += file != NULL ? downsample_bytes(file) : 0;
    }
    return bytes;
}

bool block_is_damaged(const struct block *block)
{
    return block->is_meta_damaged || block_damage(block) > 0;
}

uint64_t block_damage(const struct block *block)
{
    return atomic_load_explicit(&block->damage, memory_order_relaxed);
}

uint64_t block_skipped_chunks(const struct block *block)
{
    return atomic_load_explicit(&block->skipped_chunks, memory_order_relaxed);
}
