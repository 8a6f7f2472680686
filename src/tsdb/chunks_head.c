#include "tsdb/chunks_head.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/vec.h"
#include "client/self.h"
#include "codec/bytes.h"
#include "codec/crc32c.h"
#include "sys/fs.h"

#define FILE_MAGIC 0x0130BC91u

enum {
    FILE_VERSION = 1,
    NAME_CHARS = 6,              /* at least */
    FIXED_BYTES = 8 + 8 + 8 + 1, /* ref, times, encoding */
    CRC_BYTES = 4,
};

struct chunks_map {
    const struct fs *fs;
    struct fs_map map;
};

struct chunks_head {
    struct chunks_head_options options;
    char dir[FS_PATH_MAX];
    VEC(struct chunks_head_file) list; /* of the thread that writes; by number, without a gap */
    uint32_t next;                     /* number of the next file */
    uint32_t unsettled;     /* the last file of an earlier run, not synced yet; 0 = none */
    _Atomic uint64_t bytes; /* relaxed: a figure for others */
    fs_file file;           /* the last of the list, while it is written; FS_FILE_NONE otherwise */
    bool is_torn;           /* a failed write is still to be cut off */
    bool is_dirty;          /* written since the last sync */
    struct buf out;
    /* By number % CHUNKS_HEAD_FILES_MAX. Release, paired with acquire in chunks_head_get. */
    _Atomic(struct chunks_map *) *maps;
};

static struct chunks_head_file *last_file(struct chunks_head *files)
{
    return &files->list.items[files->list.count - 1];
}

/* Negative ones wrap around. */
static void add_bytes(struct chunks_head *files, uint64_t bytes)
{
    atomic_fetch_add_explicit(&files->bytes, bytes, memory_order_relaxed);
}

/* ---- one chunk ---- */

static bool is_zero(str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.ptr[i] != 0) {
            return false;
        }
    }
    return true;
}

int chunks_head_next(str file, size_t *offset, struct chunks_item *ret, struct baro_error *err)
{
    struct reader rd = reader_over(file);
    struct chunks_item item = {0};
    size_t start = *offset;
    uint64_t size;
    uint32_t crc;

    if (file.len - start < CHUNKS_HEAD_META_MAX && is_zero(str_from_index(file, start))) {
        return 0;
    }
    rd.offset = start;
    item.ref = read_be64(&rd);
    item.mint = (ts)read_be64(&rd);
    item.maxt = (ts)read_be64(&rd);
    if (!rd.failed && item.ref == 0 && item.mint == 0 && item.maxt == 0) {
        return is_zero(str_from_index(file, start))
                   ? 0
                   : error_at(err, BARO_ECORRUPT, start, "zeros stand where a chunk should");
    }
    item.encoding = read_u8(&rd);
    size = read_uvarint(&rd);
    item.data = read_bytes(&rd, size <= CHUNKS_HEAD_DATA_MAX ? size : UINT64_MAX);
    if (rd.failed) {
        return error_at(err, BARO_ECORRUPT, start, "a chunk ends behind its file");
    }
    crc = crc32c(str_slice(file, start, rd.offset));
    if (read_be32(&rd) != crc || rd.failed) {
        return error_at(err, BARO_ECORRUPT, start, "the checksum of a chunk differs");
    }
    if (item.ref == 0 || item.mint > item.maxt || item.data.len < sizeof(uint16_t)) {
        return error_at(err, BARO_ECORRUPT, start, "a chunk is impossible");
    }
    *offset = rd.offset;
    *ret = item;
    return 1;
}

static void put_chunk(struct buf *out, const struct chunks_item *item)
{
    size_t start = out->len;

    write_be64(out, item->ref);
    write_be64(out, (uint64_t)item->mint);
    write_be64(out, (uint64_t)item->maxt);
    write_u8(out, item->encoding);
    write_uvarint(out, item->data.len);
    buf_str(out, item->data);
    if (!out->failed) {
        write_be32(out, crc32c(str_from_index(buf_view(out), start)));
    }
}

static int check_header(str file, struct baro_error *err)
{
    if (file.len < CHUNKS_HEAD_HEADER_BYTES || load_be32(file.ptr) != FILE_MAGIC) {
        return error_at(err, BARO_ECORRUPT, 0, "the magic number differs");
    }
    if (file.ptr[4] != FILE_VERSION) {
        return error_at(err, BARO_ECORRUPT, 0, "version %u is not supported, only %u is",
                        (unsigned)(uint8_t)file.ptr[4], (unsigned)FILE_VERSION);
    }
    return 0;
}

/* ---- mappings ---- */

static const char *path_of(const struct chunks_head *files, struct arena *arena, uint32_t number)
{
    return arena_printf(arena, "%s/%06" PRIu32, files->dir, number).ptr;
}

static _Atomic(struct chunks_map *) *map_at(const struct chunks_head *files, uint32_t number)
{
    return &files->maps[number % CHUNKS_HEAD_FILES_MAX];
}

void chunks_map_free(struct chunks_map *map)
{
    if (map != NULL) {
        map->fs->unmap(map->fs, map->map);
    }
    (void)mem_free(map);
}

/* Puts another mapping in the place of a file's; NULL when the file is gone. */
static void replace_map(struct chunks_head *files, uint32_t number, struct chunks_map *map)
{
    struct chunks_map *old =
        atomic_exchange_explicit(map_at(files, number), map, memory_order_acq_rel);

    if (old != NULL) {
        files->options.retire(files->options.retire_context, old);
    }
}

static int map_file(const struct chunks_head *files, uint32_t number, struct chunks_map **ret,
                    struct baro_error *err)
{
    const struct fs *fs = files->options.fs;
    struct arena arena = {0};
    struct fs_map map = {0};
    int r = fs->map(fs, path_of(files, &arena, number), &map, err);

    arena_done(&arena);
    if (r >= 0) {
        *ret = mem_alloc(sizeof(**ret));
        **ret = (struct chunks_map){fs, map};
    }
    return r;
}

int chunks_head_get(const struct chunks_head *files, struct chunks_place place,
                    uint8_t *ret_encoding, str *ret_data, struct baro_error *err)
{
    const struct chunks_map *map =
        atomic_load_explicit(map_at(files, place.file), memory_order_acquire);
    struct chunks_item item = {0};
    size_t offset = place.offset;
    int r;

    if (map == NULL || offset >= map->map.size) {
        return error_set(err, BARO_ECORRUPT,
                         CHUNKS_HEAD_DIR "/%06" PRIu32
                                         ": a chunk is missing: restart, so that it is made "
                                         "anew from the WAL",
                         place.file);
    }
    r = chunks_head_next(str_of(map->map.ptr, map->map.size), &offset, &item, err);
    if (r == 1) {
        *ret_encoding = item.encoding & (uint8_t)~CHUNKS_HEAD_OUT_OF_ORDER;
        *ret_data = item.data;
        return 0;
    }
    return error_wrap(err, BARO_ECORRUPT,
                      CHUNKS_HEAD_DIR "/%06" PRIu32 " at byte %" PRIu32
                                      ": damaged: restart, so that it is made anew from the WAL",
                      place.file, place.offset);
}

/* ---- opening ---- */

struct opening {
    struct chunks_head *files;
    struct chunks_head_report *report;
    uint32_t *numbers; /* of the files in the directory, rising */
    size_t count;
};

static bool number_of(str name, uint32_t *ret)
{
    uint64_t number = 0;

    if (name.len < NAME_CHARS || !num_parse_u64(name, &number) || number == 0 ||
        number > CHUNKS_HEAD_NUMBER_MAX) {
        return false;
    }
    *ret = (uint32_t)number;
    return true;
}

static int list_numbers(struct opening *opening, struct arena *arena, struct baro_error *err)
{
    const struct fs *fs = opening->files->options.fs;
    struct fs_entry *entries = NULL;
    size_t count = 0;
    int r = fs->list(fs, arena, opening->files->dir, &entries, &count, err);

    if (r < 0) {
        return r == -ENOENT ? 0 : r;
    }
    opening->numbers = arena_alloc(arena, (count + 1) * sizeof(uint32_t));
    for (size_t i = 0; i < count; i++) {
        if (!entries[i].is_dir && number_of(entries[i].name, &opening->numbers[opening->count])) {
            opening->count++;
        }
    }
    return 0;
}

/* Reads a file to its end, or to the damage: BARO_ECORRUPT. */
static int read_file(struct opening *opening, uint32_t number, str bytes,
                     struct chunks_head_file *ret, struct baro_error *err)
{
    const struct chunks_head_options *options = &opening->files->options;
    struct chunks_item item = {0};
    size_t offset = CHUNKS_HEAD_HEADER_BYTES;
    int r = check_header(bytes, err);

    *ret = (struct chunks_head_file){.number = number, .maxt = INT64_MIN};
    if (r < 0) {
        return r;
    }
    for (;;) {
        struct chunks_place place = {number, (uint32_t)offset};

        ret->bytes = offset;
        r = chunks_head_next(bytes, &offset, &item, err);
        if (r <= 0) {
            return r;
        }
        item.place = place;
        if (!options->visit(options->context, &item)) {
            return error_at(err, BARO_ECORRUPT, place.offset, "a chunk is out of its order");
        }
        ret->maxt = item.maxt > ret->maxt ? item.maxt : ret->maxt;
        opening->report->chunks++;
    }
}

/* The mapping that was read is not kept: its pages would count as ours. */
static int open_file(struct opening *opening, uint32_t number, struct baro_error *err)
{
    struct chunks_head *files = opening->files;
    struct chunks_head_file file = {0};
    struct chunks_map *map = NULL;
    int r = map_file(files, number, &map, err), mapped;

    if (r < 0) {
        return r;
    }
    r = map->map.size > UINT32_MAX
            ? error_at(err, BARO_ECORRUPT, 0, "the file is larger than any may be")
            : read_file(opening, number, str_of(map->map.ptr, map->map.size), &file, err);
    chunks_map_free(map);
    if (r < 0 && (r != BARO_ECORRUPT || file.bytes == 0)) {
        return r;
    }
    mapped = map_file(files, number, &map, err);
    if (mapped < 0) {
        return mapped;
    }
    vec_push(&files->list, file);
    add_bytes(files, file.bytes);
    opening->report->files++;
    replace_map(files, number, map);
    return r;
}

static const char *aside_path(const struct chunks_head *files, struct arena *arena, uint32_t number,
                              uint64_t offset)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return arena_printf(arena, "%s/" CHUNKS_HEAD_ASIDE_DIR "/%06" PRIu32 ".from-%" PRIu64 ".%lld",
                        files->options.data_dir, number, offset, (long long)now.tv_sec)
        .ptr;
}

/* Keeps a copy of what stands behind the damage, where there is room for it. */
static void keep_end(struct chunks_head *files, struct arena *arena, uint32_t number,
                     uint64_t offset)
{
    const struct fs *fs = files->options.fs;
    fs_file aside = FS_FILE_NONE;
    struct fs_map map = {0};
    int r = fs->map(fs, path_of(files, arena, number), &map, NULL);

    if (r >= 0 && offset < map.size &&
        fs->open(fs, aside_path(files, arena, number, offset), FS_CREATE, &aside, NULL) >= 0) {
        (void)fs->pwrite(fs, aside, map.ptr + offset, map.size - offset, 0, NULL);
        (void)fs->close(fs, aside, NULL);
    }
    fs->unmap(fs, map);
}

static int cut_file(struct chunks_head *files, struct arena *arena, uint32_t number,
                    uint64_t offset, struct baro_error *err)
{
    const struct fs *fs = files->options.fs;
    fs_file file = FS_FILE_NONE;
    int r;

    keep_end(files, arena, number, offset);
    r = fs->open(fs, path_of(files, arena, number), FS_WRITE, &file, err);
    if (r >= 0) {
        r = fs->truncate(fs, file, offset, err);
        r = r < 0 ? r : fs->sync(fs, file, err);
        (void)fs->close(fs, file, NULL);
    }
    return r;
}

/* From the damage in file `at` (of opening->numbers) on, nothing can be used. Later files go first:
 * no hole may come into the numbers. That it cannot be kept, on a full disk, is no loss. */
static int set_aside(struct opening *opening, size_t at, struct baro_error *err)
{
    struct chunks_head *files = opening->files;
    const struct fs *fs = files->options.fs;
    struct arena arena = {0};
    size_t good = files->list.count;
    bool is_cut = good > 0 && files->list.items[good - 1].number == opening->numbers[at];
    int r = 0;

    (void)fs->mkdir(fs, fs_path(&arena, files->options.data_dir, CHUNKS_HEAD_ASIDE_DIR), NULL);
    for (size_t i = opening->count; r >= 0 && i-- > at + is_cut;) {
        const char *path = path_of(files, &arena, opening->numbers[i]);

        r = fs->rename(fs, path, aside_path(files, &arena, opening->numbers[i], 0), NULL);
        r = r < 0 ? fs->remove(fs, path, err) : r;
    }
    if (r >= 0 && is_cut) {
        r = cut_file(files, &arena, opening->numbers[at], files->list.items[good - 1].bytes, err);
    }
    if (r >= 0) {
        r = fs->sync_dir(fs, files->dir, err);
    }
    arena_done(&arena);
    return r;
}

static int open_files(struct opening *opening, struct baro_error *err)
{
    int r = 0;

    for (size_t i = 0; i < opening->count; i++) {
        uint32_t number = opening->numbers[i];

        if (i > 0 && number != opening->numbers[i - 1] + 1) {
            r = error_at(err, BARO_ECORRUPT, 0, "the file before it is missing");
        } else if (i == CHUNKS_HEAD_FILES_MAX - 1) {
            r = error_at(err, BARO_ECORRUPT, 0, "there are more files than may be");
        } else {
            r = open_file(opening, number, err);
        }
        if (r == BARO_ECORRUPT) {
            opening->report->damages++;
            (void)snprintf(opening->report->damage_text, sizeof(opening->report->damage_text),
                           CHUNKS_HEAD_DIR "/%06" PRIu32 " at byte %" PRIu64 ": %.150s", number,
                           err->offset, err->message);
            return opening->files->options.read_only ? 0 : set_aside(opening, i, err);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static void no_retire(UNUSED void *context, struct chunks_map *map)
{
    chunks_map_free(map);
}

int chunks_head_open(const struct chunks_head_options *options, struct chunks_head **ret,
                     struct chunks_head_report *ret_report, struct baro_error *err)
{
    struct chunks_head *files = MEM_NEW(struct chunks_head);
    struct opening opening = {.files = files, .report = ret_report};
    struct baro_error local = {0};
    struct arena arena = {0};
    int r;

    *ret_report = (struct chunks_head_report){0};
    files->options = *options;
    files->options.file_bytes =
        options->file_bytes > 0 ? options->file_bytes : CHUNKS_HEAD_FILE_BYTES;
    files->options.retire = options->retire != NULL ? options->retire : no_retire;
    files->file = FS_FILE_NONE;
    files->maps = mem_alloc_zero(CHUNKS_HEAD_FILES_MAX * sizeof(*files->maps));
    r = snprintf(files->dir, sizeof(files->dir), "%s/" CHUNKS_HEAD_DIR, options->data_dir);
    err = err != NULL ? err : &local;
    r = r >= (int)sizeof(files->dir) - 64
            ? error_set(err, -ENAMETOOLONG, "data directory name is too long")
            : list_numbers(&opening, &arena, err);
    if (r >= 0) {
        r = open_files(&opening, err);
    }
    arena_done(&arena);
    if (r < 0) {
        (void)chunks_head_free(files);
        return r;
    }
    *err = (struct baro_error){0};
    files->unsettled = files->list.count > 0 ? last_file(files)->number : 0;
    files->next = files->unsettled + 1;
    *ret = files;
    return 0;
}

struct chunks_head *chunks_head_free(struct chunks_head *files)
{
    if (files == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < files->list.count; i++) {
        chunks_map_free(
            atomic_load_explicit(map_at(files, files->list.items[i].number), memory_order_relaxed));
    }
    if (files->file != FS_FILE_NONE) {
        (void)files->options.fs->close(files->options.fs, files->file, NULL);
    }
    vec_done(&files->list);
    buf_done(&files->out);
    (void)mem_free(files->maps);
    return mem_free(files);
}

/* ---- writing ---- */

/* Cuts off what a failed write has left; as long as that fails, nothing is written behind it. */
static int mend(struct chunks_head *files, struct baro_error *err)
{
    const struct fs *fs = files->options.fs;
    int r = 0;

    if (files->is_torn) {
        r = fs->truncate(fs, files->file, last_file(files)->bytes, err);
        files->is_torn = r < 0;
    }
    return r;
}

/* Ends the file that is written: its content lasts before a later one has any. */
static int finish_file(struct chunks_head *files, struct baro_error *err)
{
    const struct fs *fs = files->options.fs;
    int r = chunks_head_sync(files, err);

    if (r >= 0 && files->file != FS_FILE_NONE) {
        (void)fs->close(fs, files->file, NULL);
        files->file = FS_FILE_NONE;
    }
    return r;
}

/* What an earlier run has written last, and not synced, lasts before a new file has any. */
static int settle_last(struct chunks_head *files, struct baro_error *err)
{
    const struct fs *fs = files->options.fs;
    struct arena arena = {0};
    fs_file file = FS_FILE_NONE;
    int r = 0;

    if (files->unsettled != 0) {
        r = fs->open(fs, path_of(files, &arena, files->unsettled), FS_WRITE, &file, err);
        if (r >= 0) {
            r = fs->sync(fs, file, err);
            (void)fs->close(fs, file, NULL);
        }
    }
    files->unsettled = r < 0 ? files->unsettled : 0;
    arena_done(&arena);
    return r;
}

static int begin_file(struct chunks_head *files, struct baro_error *err)
{
    static const char header[CHUNKS_HEAD_HEADER_BYTES] = {0x01, 0x30, (char)0xBC, (char)0x91,
                                                          FILE_VERSION};
    const struct fs *fs = files->options.fs;
    struct chunks_head_file file = {
        .number = files->next,
        .maxt = INT64_MIN,
        .bytes = sizeof(header),
    };
    struct arena arena = {0};
    const char *path = path_of(files, &arena, file.number);
    int r = 0;

    if (files->list.count == CHUNKS_HEAD_FILES_MAX - 1 || file.number > CHUNKS_HEAD_NUMBER_MAX) {
        r = error_set(err, BARO_ELIMIT, CHUNKS_HEAD_DIR " has as many files as it may have");
    }
    if (r >= 0) {
        r = settle_last(files, err);
    }
    if (r >= 0) {
        r = fs->mkdir(fs, files->dir, err);
    }
    if (r >= 0) {
        r = fs->open(fs, path, FS_CREATE, &files->file, err);
    }
    if (r >= 0) {
        /* What an earlier attempt has left goes. */
        r = fs->truncate(fs, files->file, 0, err);
        r = r < 0 ? r : fs->pwrite(fs, files->file, header, sizeof(header), 0, err);
        r = r < 0 ? r : fs->sync_dir(fs, files->dir, err);
        if (r < 0) {
            (void)fs->close(fs, files->file, NULL);
            files->file = FS_FILE_NONE;
            (void)fs->remove(fs, path, NULL);
        }
    }
    if (r >= 0) {
        vec_push(&files->list, file);
        files->next++;
        add_bytes(files, file.bytes);
        files->is_dirty = true;
    }
    arena_done(&arena);
    return r;
}

static int write_out(struct chunks_head *files, struct baro_error *err)
{
    const struct fs *fs = files->options.fs;
    struct chunks_head_file *file = last_file(files);
    struct chunks_map *map = NULL;
    int r;

    if (files->out.failed) {
        return error_set(err, -ENOMEM, "no memory for chunks of the head");
    }
    r = fs->pwrite(fs, files->file, files->out.ptr, files->out.len, file->bytes, err);
    if (r >= 0) {
        r = map_file(files, file->number, &map, err);
    }
    if (r < 0) {
        files->is_torn = fs->truncate(fs, files->file, file->bytes, NULL) < 0;
        return r;
    }
    file->bytes += files->out.len;
    add_bytes(files, files->out.len);
    files->is_dirty = true;
    replace_map(files, file->number, map);
    return 0;
}

static size_t item_bytes_max(const struct chunks_item *item)
{
    return CHUNKS_HEAD_META_MAX + item->data.len;
}

int chunks_head_write(struct chunks_head *files, struct chunks_item *items, size_t count,
                      struct baro_error *err)
{
    struct chunks_head_file *file;
    size_t n = 0;
    ts maxt;
    int r = mend(files, err);

    if (r >= 0 && files->file != FS_FILE_NONE && count > 0 &&
        last_file(files)->bytes > CHUNKS_HEAD_HEADER_BYTES &&
        last_file(files)->bytes + item_bytes_max(&items[0]) > files->options.file_bytes) {
        r = finish_file(files, err);
    }
    if (r >= 0 && files->file == FS_FILE_NONE) {
        r = begin_file(files, err);
    }
    if (r < 0) {
        return error_wrap(err, r, CHUNKS_HEAD_DIR);
    }
    file = last_file(files);
    maxt = file->maxt;
    buf_reset(&files->out);
    do {
        ASSERT(items[n].data.len <= CHUNKS_HEAD_DATA_MAX && items[n].mint <= items[n].maxt);
        items[n].place =
            (struct chunks_place){file->number, (uint32_t)(file->bytes + files->out.len)};
        put_chunk(&files->out, &items[n]);
        maxt = items[n].maxt > maxt ? items[n].maxt : maxt;
        n++;
    } while (n < count && n < INT32_MAX &&
             file->bytes + files->out.len + item_bytes_max(&items[n]) <= files->options.file_bytes);
    r = write_out(files, err);
    if (r < 0) {
        return error_wrap(err, r, CHUNKS_HEAD_DIR "/%06" PRIu32, file->number);
    }
    file->maxt = maxt;
    self_add(SELF_MMAP_CHUNKS, (double)n);
    return (int)n;
}

int chunks_head_sync(struct chunks_head *files, struct baro_error *err)
{
    const struct fs *fs = files->options.fs;
    int r = 0;

    buf_done(&files->out);
    if (files->file != FS_FILE_NONE && files->is_dirty) {
        r = fs->sync(fs, files->file, err);
        files->is_dirty = r < 0;
    }
    return r;
}

/* ---- truncation ---- */

int chunks_head_truncate(struct chunks_head *files, ts t, uint32_t keep, struct baro_error *err)
{
    const struct fs *fs = files->options.fs;
    size_t gone = 0;
    int r = 0;

    while (r >= 0 && gone < files->list.count && files->list.items[gone].maxt < t &&
           files->list.items[gone].number < keep) {
        struct chunks_head_file file = files->list.items[gone];
        struct arena arena = {0};

        if (gone + 1 == files->list.count && files->file != FS_FILE_NONE) {
            break; /* it is being written */
        }
        r = fs->remove(fs, path_of(files, &arena, file.number), err);
        arena_done(&arena);
        if (r >= 0) {
            files->unsettled = files->unsettled == file.number ? 0 : files->unsettled;
            replace_map(files, file.number, NULL);
            add_bytes(files, -file.bytes);
            gone++;
        }
    }
    files->list.count -= gone;
    for (size_t i = 0; i < files->list.count && gone > 0; i++) {
        files->list.items[i] = files->list.items[i + gone];
    }
    return r < 0 ? error_wrap(err, r, CHUNKS_HEAD_DIR) : 0;
}

/* The four bytes before `bytes` of a file. */
static uint32_t end_of(const struct chunks_head *files, uint32_t number, uint64_t bytes)
{
    const struct chunks_map *map =
        atomic_load_explicit(map_at(files, number), memory_order_acquire);
    uint32_t end = 0;

    if (map != NULL && bytes >= sizeof(end) && bytes <= map->map.size) {
        memcpy(&end, (const char *)map->map.ptr + bytes - sizeof(end), sizeof(end));
    }
    return end;
}

size_t chunks_head_list(const struct chunks_head *files, struct arena *arena,
                        struct chunks_head_file **ret)
{
    *ret = arena_alloc(arena, (files->list.count + 1) * sizeof(**ret));
    for (size_t i = 0; i < files->list.count; i++) {
        (*ret)[i] = files->list.items[i];
        (*ret)[i].end = end_of(files, (*ret)[i].number, (*ret)[i].bytes);
    }
    return files->list.count;
}

bool chunks_head_has(const struct chunks_head *files, const struct chunks_head_file *listed)
{
    uint32_t first = files->list.count > 0 ? files->list.items[0].number : 0;

    return listed->number >= first && listed->number - first < files->list.count &&
           files->list.items[listed->number - first].bytes >= listed->bytes &&
           (listed->end == 0 || listed->end == end_of(files, listed->number, listed->bytes));
}

void chunks_head_cool(struct chunks_head *files)
{
    for (size_t i = 0; i < files->list.count; i++) {
        const struct chunks_map *map =
            atomic_load_explicit(map_at(files, files->list.items[i].number), memory_order_relaxed);

        map->fs->cool(map->fs, map->map);
    }
}

uint64_t chunks_head_bytes(const struct chunks_head *files)
{
    return atomic_load_explicit(&files->bytes, memory_order_relaxed);
}
