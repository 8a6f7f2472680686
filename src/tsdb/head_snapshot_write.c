#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "codec/compress.h"
#include "codec/crc32c.h"
#include "sys/fs.h"
#include "tsdb/file_writer.h"
#include "tsdb/head_priv.h"
#include "tsdb/head_snapshot.h"
#include "tsdb/head_snapshot_priv.h"
#include "tsdb/wal.h"

enum { APPENDERS_WAIT_MS = 10000, CHECK_STOP_EVERY = 4096 };

struct snapshot {
    struct head *head;
    struct file_writer out;
    struct buf frame; /* entries that are not written yet */
    struct buf packed;
    struct compressor *compressor;
    enum snapshot_kind kind;
    uint32_t frame_count;

    uint32_t *slots; /* of the series, in the order of the file */
    size_t slot_count;
    uint32_t *number_of; /* by slot - 1: its place in the file + 1; 0 = not in it */
    uint32_t slot_end;
    uint16_t *places;  /* by slot: shard << 8 | tag */
    uint32_t *pair_of; /* by pair: its number in the file */
    uint32_t pair_end;
    struct buf starts; /* of the series so far, as the file will have them */
    VEC(const struct label_name *) names;
    VEC(pool_ref) closed;
};

static void frame_end(struct snapshot *snapshot)
{
    str entries = buf_view(&snapshot->frame);
    struct snapshot_frame header = {
        .kind = snapshot->kind,
        .count = snapshot->frame_count,
        .raw_bytes = (uint32_t)entries.len,
    };

    if (snapshot->frame_count == 0 && snapshot->kind != SNAPSHOT_END) {
        return;
    }
    buf_reset(&snapshot->packed);
    if (compressor_pack(snapshot->compressor, COMPRESS_ZSTD, entries, &snapshot->packed, NULL) >=
            0 &&
        snapshot->packed.len < entries.len) {
        entries = buf_view(&snapshot->packed);
    }
    header.bytes = (uint32_t)entries.len;
    header.crc = crc32c_add(0, &header, offsetof(struct snapshot_frame, crc));
    header.crc = crc32c_add(header.crc, entries.ptr, entries.len);
    file_writer_bytes(&snapshot->out, &header, sizeof(header));
    file_writer_bytes(&snapshot->out, entries.ptr, entries.len);
    buf_reset(&snapshot->frame);
    snapshot->frame_count = 0;
}

/* An entry is complete; a full frame goes out. */
static void entry_end(struct snapshot *snapshot)
{
    size_t over = snapshot->frame.len % 8;

    if (over != 0) {
        buf_zero(&snapshot->frame, 8 - over);
    }
    snapshot->frame_count++;
    if (snapshot->frame.len >= SNAPSHOT_FRAME_BYTES) {
        frame_end(snapshot);
    }
}

static void kind_begin(struct snapshot *snapshot, enum snapshot_kind kind)
{
    frame_end(snapshot);
    snapshot->kind = kind;
}

static void pad(struct buf *buf)
{
    if (buf->len % 8 != 0) {
        buf_zero(buf, 8 - buf->len % 8);
    }
}

/* Where each series stands among the shards, so that loading need not hash its labels. */
static void note_places(struct snapshot *snapshot)
{
    struct head *head = snapshot->head;

    for (size_t i = 0; i < HEAD_SHARDS; i++) {
        struct head_shard *shard = &head->shards[i];

        lock_acquire(&shard->lock);
        for (size_t k = 0; k < shard->capacity; k++) {
            if (shard->tags[k] != 0 && shard->slots[k] < snapshot->slot_end) {
                snapshot->places[shard->slots[k]] = (uint16_t)(i << 8 | shard->tags[k]);
            }
        }
        lock_release(&shard->lock);
    }
}

/* Series that the WAL knows; one that it does not know yet comes with the commit that uses it. */
static void choose_series(struct snapshot *snapshot)
{
    struct head *head = snapshot->head;
    struct lock *held = NULL;
    size_t count;

    rwlock_read(&head->index_lock);
    snapshot->slots = mem_alloc((head->series_count + 1u) * sizeof(uint32_t));
    snapshot->slot_end = head->slot_count;
    count = head_slots_alive_locked(head, snapshot->slots);
    rwlock_release(&head->index_lock);
    snapshot->number_of = mem_alloc_zero((snapshot->slot_end + 1u) * sizeof(uint32_t));
    snapshot->places = mem_alloc_zero((snapshot->slot_end + 1u) * sizeof(uint16_t));
    note_places(snapshot);
    for (size_t i = 0; i < count; i++) {
        uint32_t slot = snapshot->slots[i];

        head_stripe_hold(head, slot, &held);
        if ((head_series_at(head, slot)->flags & SERIES_LOGGED) != 0 &&
            snapshot->places[slot] != 0) {
            snapshot->slots[snapshot->slot_count++] = slot;
            snapshot->number_of[slot] = (uint32_t)snapshot->slot_count;
        }
    }
    head_stripe_drop(held);
}

static uint32_t name_number(struct snapshot *snapshot, const struct label_name *name)
{
    for (size_t i = snapshot->names.count; i-- > 0;) {
        if (snapshot->names.items[i] == name) {
            return (uint32_t)i;
        }
    }
    vec_push(&snapshot->names, name);
    return (uint32_t)snapshot->names.count - 1;
}

/* How many of the chosen series have each pair; numbers go to pairs that any has. */
static uint32_t *count_pairs(struct snapshot *snapshot)
{
    struct head *head = snapshot->head;
    uint32_t *counts;

    rwlock_read(&head->index_lock);
    snapshot->pair_end = head->labels.pair_count;
    rwlock_release(&head->index_lock);
    counts = mem_alloc_zero(snapshot->pair_end * sizeof(uint32_t));
    snapshot->pair_of = mem_alloc_zero(snapshot->pair_end * sizeof(uint32_t));
    for (size_t i = 0; i < snapshot->slot_count; i++) {
        const struct head_series *series = head_series_at(head, snapshot->slots[i]);
        const pair_ref *pairs = head_series_pairs(head, series);

        for (size_t k = 0; k < series->pair_count; k++) {
            counts[pairs[k]]++;
        }
    }
    return counts;
}

static void put_text(struct snapshot *snapshot, struct snapshot_text head, str text)
{
    head.len = (uint32_t)text.len;
    buf_bytes(&snapshot->frame, &head, sizeof(head));
    buf_str(&snapshot->frame, text);
    entry_end(snapshot);
}

static uint32_t put_pairs(struct snapshot *snapshot)
{
    struct head *head = snapshot->head;
    uint32_t *counts = count_pairs(snapshot);
    uint32_t *names = mem_alloc(snapshot->pair_end * sizeof(uint32_t));
    uint32_t number = 0;

    for (pair_ref pair = 1; pair < snapshot->pair_end; pair++) {
        if (counts[pair] > 0) {
            names[pair] = name_number(snapshot, label_pair_at(&head->labels, pair)->name);
        }
    }
    kind_begin(snapshot, SNAPSHOT_NAMES);
    for (size_t i = 0; i < snapshot->names.count; i++) {
        put_text(snapshot, (struct snapshot_text){0}, snapshot->names.items[i]->text);
    }
    kind_begin(snapshot, SNAPSHOT_PAIRS);
    for (pair_ref pair = 1; pair < snapshot->pair_end; pair++) {
        if (counts[pair] > 0) {
            snapshot->pair_of[pair] = number++;
            put_text(snapshot, (struct snapshot_text){.name = names[pair], .count = counts[pair]},
                     label_pair_value(label_pair_at(&head->labels, pair)));
        }
    }
    (void)mem_free(names);
    (void)mem_free(counts);
    return number;
}

static void put_metadata(struct snapshot *snapshot)
{
    uint32_t count = head_meta_count(&snapshot->head->meta);

    kind_begin(snapshot, SNAPSHOT_METADATA);
    for (uint32_t number = 1; number <= count; number++) {
        const struct metadata *metadata = head_meta_at(&snapshot->head->meta, number);
        struct snapshot_metadata entry = {
            .type = (uint32_t)metadata->type,
            .unit_len = (uint32_t)metadata->unit.len,
            .help_len = (uint32_t)metadata->help.len,
        };

        buf_bytes(&snapshot->frame, &entry, sizeof(entry));
        buf_str(&snapshot->frame, metadata->unit);
        buf_str(&snapshot->frame, metadata->help);
        entry_end(snapshot);
    }
}

static void put_files(struct snapshot *snapshot)
{
    struct chunks_head_file *files = NULL;
    struct arena arena = {0};
    size_t count =
        snapshot->head->files != NULL ? chunks_head_list(snapshot->head->files, &arena, &files) : 0;

    kind_begin(snapshot, SNAPSHOT_FILES);
    for (size_t i = 0; i < count; i++) {
        struct snapshot_file entry = {.number = files[i].number,
                                      .end = files[i].end,
                                      .bytes = files[i].bytes,
                                      .maxt = files[i].maxt};

        buf_bytes(&snapshot->frame, &entry, sizeof(entry));
        entry_end(snapshot);
    }
    arena_done(&arena);
}

static void put_closed(struct snapshot *snapshot, pool_ref newest)
{
    struct head *head = snapshot->head;

    vec_reset(&snapshot->closed);
    for (pool_ref ref = newest; ref != 0 && head_chunk_file(head_chunk_at(head, ref)) == 0;) {
        vec_push(&snapshot->closed, ref);
        ref = head_chunk_older(head_chunk_at(head, ref));
    }
    for (size_t i = snapshot->closed.count; i-- > 0;) {
        const struct head_chunk *chunk = head_chunk_at(head, snapshot->closed.items[i]);
        struct snapshot_chunk entry = {.mint = chunk->mint,
                                       .maxt = head_chunk_maxt(chunk),
                                       .encoding = head_chunk_encoding(chunk)};
        str data = STR_NULL;

        (void)head_chunk_data(head, chunk, &data, NULL);
        entry.size = (uint32_t)data.len;
        buf_bytes(&snapshot->frame, &entry, sizeof(entry));
        buf_str(&snapshot->frame, data);
        pad(&snapshot->frame);
    }
}

/* Start timestamps follow behind all series: a file without any is as it always was. */
static void note_starts_locked(struct snapshot *snapshot, uint32_t slot)
{
    const struct starts_series *starts;
    struct snapshot_starts entry = {.series = snapshot->number_of[slot] - 1u};

    if ((head_series_at(snapshot->head, slot)->flags & SERIES_STARTS) == 0) {
        return;
    }
    starts = head_starts_runs_locked(snapshot->head, slot);
    entry.count = starts->count;
    buf_bytes(&snapshot->starts, &entry, sizeof(entry));
    buf_bytes(&snapshot->starts, starts->runs, starts->count * sizeof(starts->runs[0]));
}

static void put_starts(struct snapshot *snapshot)
{
    str left = buf_view(&snapshot->starts);

    snapshot->frame.failed |= snapshot->starts.failed;
    kind_begin(snapshot, SNAPSHOT_STARTS);
    while (left.len > 0) {
        struct snapshot_starts entry;
        size_t size;

        memcpy(&entry, left.ptr, sizeof(entry));
        size = sizeof(entry) + entry.count * sizeof(struct starts_run);
        buf_str(&snapshot->frame, str_slice(left, 0, size));
        entry_end(snapshot);
        left = str_from_index(left, size);
    }
}

static void put_series(struct snapshot *snapshot, uint32_t slot)
{
    struct head *head = snapshot->head;
    const struct head_series *series = head_series_at(head, slot);
    const pair_ref *pairs = head_series_pairs(head, series);
    size_t at = snapshot->frame.len;
    struct snapshot_series entry = {
        .ref = series->ref,
        .hash = series->hash,
        .pair_count = series->pair_count,
        .shard = (uint8_t)(snapshot->places[slot] >> 8),
        .tag = (uint8_t)snapshot->places[slot],
    };
    pool_ref closed;
    str open;

    buf_bytes(&snapshot->frame, &entry, sizeof(entry));
    for (size_t i = 0; i < series->pair_count; i++) {
        buf_bytes(&snapshot->frame, &snapshot->pair_of[pairs[i]], sizeof(uint32_t));
    }
    pad(&snapshot->frame);
    lock_acquire(head_stripe(head, slot));
    entry.chunk = series->chunk;
    entry.next_at = series->next_at;
    entry.meta = series->meta;
    entry.flags = (series->flags & SERIES_UNFILED) != 0 ? SNAPSHOT_SERIES_UNFILED : 0;
    closed = series->closed;
    open = head_open_data_locked(head, series, &entry.open_encoding);
    entry.open_bytes = (uint32_t)open.len;
    buf_str(&snapshot->frame, open);
    if (head_series_is_histogram(series)) {
        entry.chunk.delta = (uint64_t)head_open_mint_locked(head, series);
        entry.flags |= head_open_at(head, series)->has_end ? SNAPSHOT_SERIES_HAS_END : 0;
    }
    note_starts_locked(snapshot, slot);
    lock_release(head_stripe(head, slot));
    pad(&snapshot->frame);
    put_closed(snapshot, closed);
    entry.closed_count = (uint32_t)snapshot->closed.count;
    if (!snapshot->frame.failed) {
        memcpy(snapshot->frame.ptr + at, &entry, sizeof(entry));
    }
    entry_end(snapshot);
}

static void note_alias(void *context, series_ref ref, uint32_t slot)
{
    struct snapshot *snapshot = context;
    struct snapshot_alias alias = {.ref = ref};

    if (slot < snapshot->slot_end && snapshot->number_of[slot] != 0 &&
        head_series_at(snapshot->head, slot)->ref != ref) {
        alias.series = snapshot->number_of[slot] - 1;
        buf_bytes(&snapshot->frame, &alias, sizeof(alias));
        entry_end(snapshot);
    }
}

static void put_aliases(struct snapshot *snapshot)
{
    kind_begin(snapshot, SNAPSHOT_ALIASES);
    rwlock_read(&snapshot->head->index_lock);
    head_refs_walk(&snapshot->head->refs, note_alias, snapshot);
    rwlock_release(&snapshot->head->index_lock);
}

static void put_exemplars(struct snapshot *snapshot)
{
    struct exemplar_found *found = NULL;
    struct arena arena = {0};
    size_t count =
        head_exemplars_list(&snapshot->head->examples, &arena, INT64_MIN, INT64_MAX, &found);

    kind_begin(snapshot, SNAPSHOT_EXEMPLARS);
    for (size_t i = 0; i < count; i++) {
        const struct exemplar *exemplar = &found[i].exemplar;
        struct snapshot_exemplar entry = {.t = exemplar->t,
                                          .value = exemplar->value,
                                          .label_count = (uint32_t)exemplar->labels.count};

        if (found[i].slot >= snapshot->slot_end || snapshot->number_of[found[i].slot] == 0) {
            continue;
        }
        entry.series = snapshot->number_of[found[i].slot] - 1;
        for (size_t k = 0; k < exemplar->labels.count; k++) {
            struct label label = exemplar->labels.items[k];

            entry.bytes += (uint32_t)(8 + label.name.len + label.value.len);
        }
        buf_bytes(&snapshot->frame, &entry, sizeof(entry));
        for (size_t k = 0; k < exemplar->labels.count; k++) {
            struct label label = exemplar->labels.items[k];
            uint32_t lens[] = {(uint32_t)label.name.len, (uint32_t)label.value.len};

            buf_bytes(&snapshot->frame, lens, sizeof(lens));
            buf_str(&snapshot->frame, label.name);
            buf_str(&snapshot->frame, label.value);
        }
        entry_end(snapshot);
    }
    arena_done(&arena);
}

static int put_all_series(struct snapshot *snapshot, const _Atomic bool *stop,
                          struct baro_error *err)
{
    kind_begin(snapshot, SNAPSHOT_SERIES);
    for (size_t i = 0; i < snapshot->slot_count; i++) {
        if (i % CHECK_STOP_EVERY == 0 && stop != NULL &&
            atomic_load_explicit(stop, memory_order_relaxed)) {
            return error_set(err, BARO_ECANCELED, "the snapshot was stopped");
        }
        put_series(snapshot, snapshot->slots[i]);
    }
    return 0;
}

/* The header stands first, and what it counts must be known before the series are written. */
static void put_header(struct snapshot *snapshot, uint64_t segment)
{
    struct head *head = snapshot->head;
    struct snapshot_header header = {
        .magic = SNAPSHOT_MAGIC,
        .version = SNAPSHOT_VERSION,
        .segment = segment,
        .min_valid = atomic_load_explicit(&head->in_blocks, memory_order_relaxed),
        .series_count = snapshot->slot_count,
        .unfiled_until = head->unfiled_until,
    };

    rwlock_read(&head->index_lock);
    header.last_ref = head->last_ref;
    rwlock_release(&head->index_lock);
    header.crc =
        crc32c_add(0, &header.segment, sizeof(header) - offsetof(struct snapshot_header, segment));
    file_writer_bytes(&snapshot->out, &header, sizeof(header));
}

static int write_file(struct snapshot *snapshot, uint64_t segment, const _Atomic bool *stop,
                      struct baro_error *err)
{
    int r;

    choose_series(snapshot);
    put_header(snapshot, segment);
    (void)put_pairs(snapshot);
    put_metadata(snapshot);
    put_files(snapshot);
    r = put_all_series(snapshot, stop, err);
    if (r >= 0) {
        put_aliases(snapshot);
        put_exemplars(snapshot);
        put_starts(snapshot);
        kind_begin(snapshot, SNAPSHOT_END);
        frame_end(snapshot);
    }
    if (r >= 0 && snapshot->frame.failed) {
        r = error_set(err, -ENOMEM, "no memory for a frame");
    }
    return r;
}

/* From the segment that is returned on, the WAL has all that may be missing in the snapshot. */
static int begin_segment(struct head *head, uint64_t *ret, struct baro_error *err)
{
    struct head_garbage none = {0};
    struct wal_stats stats = {0};
    struct timespec now;
    int r = wal_cut(head->wal, err);

    if (r < 0) {
        return r;
    }
    wal_stats(head->wal, &stats);
    head_epoch_advance(&head->epochs, &none);
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    if (!head_epoch_wait(&head->epochs, HEAD_APPENDER,
                         (int64_t)now.tv_sec * MONO_PER_SECOND + now.tv_nsec +
                             APPENDERS_WAIT_MS * MONO_PER_MS)) {
        return error_set(err, BARO_ETIMEOUT, "an append has not ended for %d s",
                         APPENDERS_WAIT_MS / 1000);
    }
    *ret = stats.segment;
    /* A snapshot hides what is before its segment; should it be lost itself, that must be whole. */
    r = wal_sync(head->wal, err);
    return r < 0 ? r : head_files_sync(head, err);
}

static void snapshot_done(struct snapshot *snapshot)
{
    file_writer_done(&snapshot->out);
    buf_done(&snapshot->frame);
    buf_done(&snapshot->packed);
    buf_done(&snapshot->starts);
    (void)compressor_free(snapshot->compressor);
    (void)mem_free(snapshot->slots);
    (void)mem_free(snapshot->number_of);
    (void)mem_free(snapshot->places);
    (void)mem_free(snapshot->pair_of);
    vec_done(&snapshot->names);
    vec_done(&snapshot->closed);
}

int head_snapshot_write(struct head *head, const struct fs *fs, const char *dir, bool must_sync,
                        const _Atomic bool *stop, uint64_t *ret_bytes, struct baro_error *err)
{
    struct snapshot snapshot = {.head = head,
                                .kind = SNAPSHOT_NAMES,
                                .out.file = FS_FILE_NONE,
                                .compressor = compressor_new()};
    struct arena arena = {0};
    const char *tmp = fs_path(&arena, dir, HEAD_SNAPSHOT_NAME ".tmp");
    uint64_t segment = 0, bytes = 0;
    int r = fs->mkdir(fs, dir, err);

    if (r >= 0) {
        r = fs->remove(fs, tmp, err);
        r = r == -ENOENT ? 0 : r;
    }
    if (r >= 0) {
        r = begin_segment(head, &segment, err);
    }
    if (r >= 0) {
        r = file_writer_open(&snapshot.out, fs, tmp, err);
    }
    if (r >= 0) {
        r = write_file(&snapshot, segment, stop, err);
        bytes = file_writer_offset(&snapshot.out);
    }
    if (r >= 0) {
        r = must_sync ? file_writer_finish(&snapshot.out, err)
                      : file_writer_flush(&snapshot.out, err);
    }
    snapshot_done(&snapshot);
    if (r >= 0) {
        r = fs->rename(fs, tmp, fs_path(&arena, dir, HEAD_SNAPSHOT_NAME), err);
    }
    if (r >= 0 && must_sync) {
        r = fs->sync_dir(fs, dir, err);
    }
    if (r < 0) {
        (void)fs->remove(fs, tmp, NULL);
    } else {
        *ret_bytes = bytes;
    }
    arena_done(&arena);
    return r < 0 ? error_wrap(err, r, "head snapshot") : 0;
}
