#include "remote/remote_position.h"

#include <stdatomic.h>
#include <string.h>

#include "base/arena.h"
#include "base/assert.h"
#include "base/mem.h"
#include "codec/crc32c.h"

/* Two copies of each state, written in turn: a death in the middle of one leaves the other. */
struct copy {
    uint32_t number; /* rises, and begins anew behind the last one; 0 = never written */
    uint32_t count;  /* of shards; or 1 = something is pending */
    uint32_t places[6];
    uint32_t crc; /* of what stands before it */
    uint32_t unused;
};
STATIC_ASSERT(sizeof(struct copy) == 40, "the format of the file");

struct state {
    struct copy copies[2];
};

struct file {
    char magic[8];
    struct state read;
    struct state shards[REMOTE_SHARDS_MAX];
};

static const char magic[8] = {'B', 'A', 'R', 'O', 'R', 'W', 'P', '1'};

struct remote_position {
    const struct fs *fs;
    fs_file handle;
    struct fs_map map;
    struct file *file;
    bool is_new;
};

/* ---- one state ---- */

static uint32_t copy_crc(const struct copy *copy)
{
    return crc32c(str_of((const char *)copy, offsetof(struct copy, crc)));
}

/* The two copies are one note apart, whatever their numbers are. */
static bool is_newer(const struct copy *copy, const struct copy *than)
{
    return than->number == 0 || (int32_t)(copy->number - than->number) > 0;
}

static const struct copy *state_get(const struct state *state)
{
    static const struct copy none;
    const struct copy *best = &none;

    for (size_t i = 0; i < 2; i++) {
        const struct copy *copy = &state->copies[i];

        if (copy->number != 0 && is_newer(copy, best) && copy->crc == copy_crc(copy)) {
            best = copy;
        }
    }
    return best;
}

static void place_put(uint32_t at[3], struct remote_place place)
{
    at[0] = (uint32_t)place.record.segment;
    at[1] = (uint32_t)place.record.offset;
    at[2] = place.index;
}

static struct remote_place place_get(const uint32_t at[3])
{
    return (struct remote_place){{at[0], at[1]}, at[2]};
}

static void state_set(struct state *state, uint32_t count, struct remote_place first,
                      struct remote_place second)
{
    struct copy next = {.number = state_get(state)->number + 1, .count = count};

    if (next.number == 0) {
        next.number = 2; /* 0 is taken; even, for it is the other copy's turn */
    }
    place_put(next.places, first);
    place_put(next.places + 3, second);
    next.crc = copy_crc(&next);
    memcpy(&state->copies[next.number & 1], &next, sizeof(next));
    /* What is noted later is not to be in the file before this. */
    atomic_signal_fence(memory_order_seq_cst);
}

/* ---- the file ---- */

static int file_make(const struct fs *fs, fs_file handle, struct baro_error *err)
{
    struct file *empty = MEM_NEW(struct file);
    int r;

    memcpy(empty->magic, magic, sizeof(magic));
    r = fs->truncate(fs, handle, 0, err);
    r = r < 0 ? r : fs->pwrite(fs, handle, empty, sizeof(*empty), 0, err);
    (void)mem_free(empty);
    return r;
}

static int file_open(struct remote_position *position, const char *path, struct baro_error *err)
{
    const struct fs *fs = position->fs;
    char found[sizeof(magic)] = {0};
    uint64_t size = 0;
    size_t len = 0;
    int r = fs->open(fs, path, FS_CREATE, &position->handle, err);

    r = r < 0 ? r : fs->size(fs, position->handle, &size, err);
    r = r < 0 ? r : fs->pread(fs, position->handle, found, sizeof(found), 0, &len, err);
    if (r >= 0 && (size != sizeof(struct file) || memcmp(found, magic, sizeof(magic)) != 0)) {
        r = file_make(fs, position->handle, err);
    }
    return r < 0 ? r : fs->map_shared(fs, path, &position->map, err);
}

int remote_position_open(const struct fs *fs, const char *path, struct remote_position **ret,
                         struct baro_error *err)
{
    struct remote_position *position = MEM_NEW(struct remote_position);
    int r;

    position->fs = fs;
    position->handle = FS_FILE_NONE;
    r = file_open(position, path, err);
    if (r < 0) {
        (void)remote_position_close(position);
        return r;
    }
    position->file = (struct file *)(uintptr_t)position->map.ptr;
    position->is_new = state_get(&position->file->read)->number == 0;
    *ret = position;
    return 0;
}

struct remote_position *remote_position_close(struct remote_position *position)
{
    if (position != NULL) {
        if (position->map.ptr != NULL) {
            position->fs->unmap(position->fs, position->map);
        }
        if (position->handle != FS_FILE_NONE) {
            (void)position->fs->close(position->fs, position->handle, NULL);
        }
    }
    return mem_free(position);
}

bool remote_position_is_new(const struct remote_position *position)
{
    return position->is_new;
}

struct remote_place remote_position_read(const struct remote_position *position)
{
    return place_get(state_get(&position->file->read)->places);
}

uint32_t remote_position_shards(const struct remote_position *position)
{
    uint32_t shards = state_get(&position->file->read)->count;

    return shards < REMOTE_SHARDS_MAX ? shards : REMOTE_SHARDS_MAX;
}

struct remote_pending remote_position_pending(const struct remote_position *position,
                                              uint32_t shard)
{
    const struct copy *copy = state_get(&position->file->shards[shard]);

    return (struct remote_pending){copy->count != 0, place_get(copy->places),
                                   place_get(copy->places + 3)};
}

void remote_position_set_read(struct remote_position *position, struct remote_place read,
                              uint32_t shards)
{
    ASSERT(shards > 0 && shards <= REMOTE_SHARDS_MAX);
    state_set(&position->file->read, shards, read, read);
}

void remote_position_set_pending(struct remote_position *position, uint32_t shard,
                                 const struct remote_pending *pending)
{
    ASSERT(shard < REMOTE_SHARDS_MAX);
    state_set(&position->file->shards[shard], pending->is_pending, pending->begin, pending->end);
}

int remote_position_sync(struct remote_position *position, struct baro_error *err)
{
    return position->fs->sync(position->fs, position->handle, err);
}
