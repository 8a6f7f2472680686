#include "tsdb/head_snapshot.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "codec/bytes.h"
#include "codec/crc32c.h"
#include "sys/fs.h"
#include "tsdb/head_priv.h"
#include "tsdb/head_snapshot_feed.h"
#include "tsdb/head_snapshot_priv.h"
#include "tsdb/head_touch.h"

enum { PACKED_MOST = 64 }; /* times that a frame is larger unpacked, for what is only a hint */
enum { STOCK_BLOCKS = 64, STOCK_SIZES = HEAD_POOL_BLOCK_BYTES_MAX / HEAD_POOL_GRAIN + 1 };

/* Fewer are in their shards before a thread is up. */
enum { PAYS_SERIES = 50000 };

/* Blocks of one size that were taken of the pool together, with its lock taken once. */
struct stock {
    size_t left; /* the last ones of the refs */
    pool_ref refs[STOCK_BLOCKS];
};

struct loading {
    struct head *head;
    struct snapshot_header header;
    str data;
    struct snapshot_feed *feed;
    struct stock (*stocks)[STOCK_SIZES]; /* by use: POOL_LABELS and POOL_OPEN */
    const struct label_name **names;
    size_t name_count;
    size_t name_room;
    pair_ref *pairs;
    size_t pair_count;
    size_t pair_room;
    uint32_t meta_count;
    uint32_t *meta_of;                           /* number in the head by number in the file - 1 */
    uint32_t *slots;                             /* by number of the series */
    VEC(struct head_placed) placed[HEAD_SHARDS]; /* where they stood, so that no label is hashed */
    size_t series_count;
    ts min_valid;
    ts mint;
    ts maxt;
    uint64_t chunks;
};

static int damaged(struct baro_error *err, const char *what)
{
    return error_set(err, BARO_ECORRUPT, "head snapshot: %s", what);
}

static pool_ref take_block(struct loading *loading, size_t size, enum head_pool_use use)
{
    struct stock *stock = &loading->stocks[use][head_pool_size(size) / HEAD_POOL_GRAIN];

    if (stock->left == 0) {
        head_pool_alloc_many(&loading->head->pool, size, use, STOCK_BLOCKS, stock->refs);
        stock->left = STOCK_BLOCKS;
    }
    return stock->refs[STOCK_BLOCKS - stock->left--];
}

static void give_blocks_back(struct loading *loading)
{
    for (size_t use = POOL_LABELS; use <= POOL_OPEN; use++) {
        for (size_t size = 0; size < STOCK_SIZES; size++) {
            struct stock *stock = &loading->stocks[use][size];

            while (stock->left > 0) {
                head_pool_free(&loading->head->pool, stock->refs[STOCK_BLOCKS - stock->left--],
                               size * HEAD_POOL_GRAIN, (enum head_pool_use)use);
            }
        }
    }
}

static int read_header(struct loading *loading, struct baro_error *err)
{
    struct snapshot_header *header = &loading->header;

    if (loading->data.len < sizeof(*header)) {
        return damaged(err, "the file is too short");
    }
    memcpy(header, loading->data.ptr, sizeof(*header));
    if (header->magic != SNAPSHOT_MAGIC) {
        return damaged(err, "the magic number differs");
    }
    if (header->version != SNAPSHOT_VERSION) {
        return error_set(err, BARO_EUNSUPPORTED, "head snapshot: version %u is not supported",
                         header->version);
    }
    if (header->crc != crc32c_add(0, &header->segment,
                                  sizeof(*header) - offsetof(struct snapshot_header, segment))) {
        return damaged(err, "the checksum of the header differs");
    }
    /* A series takes a byte at least, however well it packs, so that a wild count cannot ask for
     * all memory. */
    if (header->series_count > loading->data.len ||
        header->series_count > loading->head->options.series_max) {
        return damaged(err, "the series count is impossible");
    }
    return 0;
}

static void read_struct(struct reader *rd, void *ret, size_t size)
{
    const uint8_t *at = reader_take(rd, size);

    if (at != NULL) {
        memcpy(ret, at, size);
    }
}

static void read_padding(struct reader *rd)
{
    (void)read_bytes(rd, snapshot_padded(rd->offset) - rd->offset);
}

static void *grow(void *items, size_t *room, size_t count, size_t size)
{
    if (count < *room) {
        return items;
    }
    *room = *room == 0 ? 1024 : *room * 2;
    return mem_realloc(items, *room * size);
}

static bool load_name(struct loading *loading, struct reader *rd)
{
    struct snapshot_text entry = {0};
    str text;

    read_struct(rd, &entry, sizeof(entry));
    text = read_bytes(rd, entry.len);
    read_padding(rd);
    if (rd->failed || text.len == 0) {
        return false;
    }
    loading->names =
        grow(loading->names, &loading->name_room, loading->name_count, sizeof(*loading->names));
    loading->names[loading->name_count++] = head_labels_name_add(&loading->head->labels, text);
    return true;
}

static bool load_pair(struct loading *loading, struct reader *rd)
{
    struct snapshot_text entry = {0};
    pair_ref pair;
    str text;

    read_struct(rd, &entry, sizeof(entry));
    text = read_bytes(rd, entry.len);
    read_padding(rd);
    if (rd->failed || entry.name >= loading->name_count || text.len == 0 ||
        entry.count > loading->header.series_count) {
        return false;
    }
    pair = head_labels_add(&loading->head->labels, loading->names[entry.name]->text, text);
    if (pair == 0) {
        return false;
    }
    head_labels_reserve(&loading->head->labels, pair, entry.count);
    loading->pairs =
        grow(loading->pairs, &loading->pair_room, loading->pair_count, sizeof(*loading->pairs));
    loading->pairs[loading->pair_count++] = pair;
    return true;
}

static bool load_metadata(struct loading *loading, struct reader *rd)
{
    struct snapshot_metadata entry = {0};
    struct metadata metadata = {0};

    read_struct(rd, &entry, sizeof(entry));
    metadata.unit = read_bytes(rd, entry.unit_len);
    metadata.help = read_bytes(rd, entry.help_len);
    read_padding(rd);
    if (rd->failed || entry.type >= METRIC_TYPE_COUNT || loading->meta_count == UINT32_MAX) {
        return false;
    }
    metadata.type = (enum metric_type)entry.type;
    if ((loading->meta_count & (loading->meta_count - 1)) == 0) {
        size_t room = loading->meta_count == 0 ? 1 : (size_t)loading->meta_count * 2;

        loading->meta_of = mem_realloc(loading->meta_of, room * sizeof(uint32_t));
    }
    loading->meta_of[loading->meta_count++] = head_meta_add(&loading->head->meta, &metadata);
    return true;
}

static bool load_file(struct loading *loading, struct reader *rd)
{
    struct snapshot_file entry = {0};
    struct chunks_head_file file;

    read_struct(rd, &entry, sizeof(entry));
    file = (struct chunks_head_file){
        .bytes = entry.bytes, .maxt = entry.maxt, .number = entry.number, .end = entry.end};
    /* A file that blocks have made needless may be gone. */
    return !rd->failed &&
           (file.maxt < loading->min_valid ||
            (loading->head->files != NULL && chunks_head_has(loading->head->files, &file)));
}

/* What chunks_head has of a series is all that there is up to here. */
static ts filed_until(const struct head *head, const struct head_series *series)
{
    const struct head_chunk *chunk = head_chunk_at(head, series->closed);

    return chunk != NULL && head_chunk_file(chunk) != 0 ? head_chunk_maxt(chunk) : INT64_MIN;
}

static bool is_encoding(uint8_t encoding)
{
    return encoding == CHUNK_DECIMAL || chunk_is_known(encoding);
}

/* The closed chunks of a series, oldest first, but those that a block or chunks_head has. */
static bool load_closed(struct loading *loading, struct reader *rd, uint32_t count, uint32_t slot,
                        ts *ret_mint)
{
    struct head_series *series = head_series_at(loading->head, slot);
    struct head *head = loading->head;
    ts filed = filed_until(head, series), last = INT64_MIN;

    for (uint32_t i = 0; i < count; i++) {
        struct snapshot_chunk entry = {0};
        str bytes;

        read_struct(rd, &entry, sizeof(entry));
        bytes = read_bytes(rd, entry.size);
        read_padding(rd);
        if (rd->failed || entry.mint > entry.maxt || entry.mint < last ||
            (uint64_t)entry.maxt - (uint64_t)entry.mint > HEAD_CHUNK_SPAN_MAX ||
            !is_encoding(entry.encoding) || bytes.len < CHUNK_XOR_HEADER_BYTES) {
            return false;
        }
        last = entry.maxt;
        if (entry.maxt < loading->min_valid || entry.maxt <= filed) {
            continue;
        }
        if (entry.mint <= filed) {
            return false;
        }
        series->closed =
            head_chunk_new(head, entry.mint, entry.maxt, entry.encoding, bytes, series->closed);
        head_note_closed_locked(head, slot, bytes.len);
        *ret_mint = entry.mint < *ret_mint ? entry.mint : *ret_mint;
        loading->chunks++;
    }
    return true;
}

static bool load_open_histograms(struct loading *loading, const struct snapshot_series *entry,
                                 str data, struct head_series *series)
{
    struct head_open *open = head_open_new_locked(loading->head, series);
    double sum = value_from_bits(entry->chunk.v_bits);

    if (chunk_histogram_resume(&open->chunk, data, entry->open_encoding == CHUNK_FLOAT_HISTOGRAM,
                               NULL) < 0) {
        chunk_histogram_begin(&open->chunk, false, CHUNK_START_UNKNOWN);
    }
    open->mint = (ts)entry->chunk.delta;
    open->has_end = (entry->flags & SNAPSHOT_SERIES_HAS_END) != 0;
    atomic_fetch_add_explicit(&loading->head->outside_bytes,
                              head_open_bytes(open) - sizeof(struct head_open),
                              memory_order_relaxed);
    if (open->chunk.count != entry->chunk.count || open->chunk.t != entry->chunk.t ||
        open->mint > open->chunk.t) {
        return false;
    }
    head_open_show_locked(series, open, sum);
    series->next_at = entry->next_at;
    loading->chunks++;
    return true;
}

static bool load_open(struct loading *loading, const struct snapshot_series *entry, str open,
                      struct head_series *series)
{
    struct head *head = loading->head;
    size_t room = open.len + HEAD_POOL_GRAIN;

    if (entry->chunk.count == 0 || entry->chunk.t < loading->min_valid ||
        entry->chunk.t <= filed_until(head, series)) {
        return open.len == 0 || entry->chunk.count > 0;
    }
    if (entry->open_encoding != CHUNK_XOR && entry->open_encoding != CHUNK_DECIMAL) {
        return (entry->open_encoding == CHUNK_HISTOGRAM ||
                entry->open_encoding == CHUNK_FLOAT_HISTOGRAM) &&
               load_open_histograms(loading, entry, open, series) &&
               head_open_mint_locked(head, series) > filed_until(head, series);
    }
    if (open.len <= CHUNK_XOR_HEADER_BYTES || chunk_xor_size(&entry->chunk) != open.len ||
        open.len > HEAD_POOL_BLOCK_BYTES_MAX ||
        (entry->open_encoding == CHUNK_DECIMAL && !chunk_decimal_is_sound(&entry->chunk))) {
        return false;
    }
    series->flags |= entry->open_encoding == CHUNK_DECIMAL ? SERIES_DECIMAL : 0;
    room = room > HEAD_POOL_BLOCK_BYTES_MAX ? HEAD_POOL_BLOCK_BYTES_MAX : head_pool_size(room);
    series->chunk = entry->chunk;
    series->next_at = entry->next_at;
    series->open_size = (uint16_t)room;
    series->open = take_block(loading, room, POOL_OPEN);
    memcpy(head_pool_at(&head->pool, series->open), open.ptr, open.len);
    loading->chunks++;
    return head_open_mint_locked(head, series) > filed_until(head, series);
}

static void note_time(struct loading *loading, const struct head_series *series, ts mint)
{
    if (series->chunk.count > 0) {
        ts open = head_open_mint_locked(loading->head, series);

        mint = open < mint ? open : mint;
        loading->maxt = series->chunk.t > loading->maxt ? series->chunk.t : loading->maxt;
    }
    loading->mint = mint < loading->mint ? mint : loading->mint;
}

static bool load_series(struct loading *loading, struct reader *rd)
{
    struct snapshot_series entry = {0};
    struct head_restore restore = {0};
    struct head_series *series;
    pair_ref pairs[HEAD_LABELS_MAX];
    str numbers, open;
    ts mint = INT64_MAX;
    uint32_t slot;

    read_struct(rd, &entry, sizeof(entry));
    numbers = read_bytes(rd, (uint64_t)entry.pair_count * sizeof(uint32_t));
    read_padding(rd);
    open = read_bytes(rd, entry.open_bytes);
    read_padding(rd);
    if (rd->failed || entry.pair_count == 0 || entry.pair_count > HEAD_LABELS_MAX ||
        entry.ref == 0 || entry.shard >= HEAD_SHARDS || entry.tag == 0 ||
        loading->series_count == loading->header.series_count) {
        return false;
    }
    for (size_t i = 0; i < entry.pair_count; i++) {
        uint32_t number;

        memcpy(&number, numbers.ptr + i * sizeof(number), sizeof(number));
        if (number >= loading->pair_count) {
            return false;
        }
        pairs[i] = loading->pairs[number];
    }
    restore = (struct head_restore){
        .ref = entry.ref,
        .hash = entry.hash,
        .pairs = pairs,
        .pair_count = entry.pair_count,
        .block = take_block(loading, entry.pair_count * sizeof(pair_ref), POOL_LABELS)};
    slot = head_series_restore(loading->head, &restore);
    vec_push(&loading->placed[entry.shard], ((struct head_placed){entry.hash, slot, entry.tag}));
    series = head_series_at(loading->head, slot);
    loading->slots[loading->series_count++] = slot;
    series->meta =
        entry.meta > 0 && entry.meta <= loading->meta_count ? loading->meta_of[entry.meta - 1] : 0;
    if ((entry.flags & SNAPSHOT_SERIES_UNFILED) != 0) {
        series->flags |= SERIES_UNFILED;
    }
    if (!head_chain_attach(loading->head, series, entry.ref) ||
        !load_open(loading, &entry, open, series) ||
        !load_closed(loading, rd, entry.closed_count, slot, &mint)) {
        return false;
    }
    if (series->closed != 0 && series->chunk.count == 0 &&
        head_chunk_file(head_chunk_at(loading->head, series->closed)) == 0) {
        return false; /* the open chunk is the newest */
    }
    note_time(loading, series, mint);
    return true;
}

static bool load_alias(struct loading *loading, struct reader *rd)
{
    struct snapshot_alias entry = {0};

    read_struct(rd, &entry, sizeof(entry));
    if (rd->failed || entry.series >= loading->series_count || entry.ref == 0) {
        return false;
    }
    head_refs_add(&loading->head->refs, entry.ref, loading->slots[entry.series]);
    return head_chain_attach(
        loading->head, head_series_at(loading->head, loading->slots[entry.series]), entry.ref);
}

/* Runs begin at the first sample and rise. */
static bool are_runs(const struct head_series *series, const struct starts_run *runs,
                     uint64_t count)
{
    uint64_t end = series->chunk.count > 0 ? series->chunk.count : UINT64_MAX;
    bool are_good = runs[0].from == 0 && (series->flags & SERIES_STARTS) == 0;

    for (uint64_t i = 1; i < count; i++) {
        are_good &= runs[i].from > runs[i - 1].from;
    }
    return are_good && runs[count - 1].from < end;
}

/* Those of an open chunk that blocks or files have instead
 * are passed over. */
static bool load_starts(struct loading *loading, struct reader *rd)
{
    struct snapshot_starts entry = {0};
    struct starts_run *runs;
    bool is_good;
    uint32_t slot;

    read_struct(rd, &entry, sizeof(entry));
    if (rd->failed || entry.series >= loading->series_count || entry.count == 0 ||
        entry.count > UINT16_MAX) {
        return false;
    }
    slot = loading->slots[entry.series];
    runs = mem_alloc_zero(entry.count * sizeof(runs[0]));
    read_struct(rd, runs, entry.count * sizeof(runs[0]));
    is_good = !rd->failed && are_runs(head_series_at(loading->head, slot), runs, entry.count);
    if (is_good && head_series_at(loading->head, slot)->chunk.count > 0) {
        head_starts_set_locked(loading->head, slot, runs, (uint32_t)entry.count);
    }
    (void)mem_free(runs);
    return is_good;
}

static bool load_exemplar(struct loading *loading, struct reader *rd)
{
    struct snapshot_exemplar entry = {0};
    struct label items[EXEMPLAR_RUNES_MAX + 1];
    struct exemplar exemplar = {0};

    read_struct(rd, &entry, sizeof(entry));
    if (rd->failed || entry.series >= loading->series_count ||
        entry.label_count > ARRAY_COUNT(items)) {
        return false;
    }
    for (uint32_t i = 0; i < entry.label_count; i++) {
        uint32_t lens[2] = {0};

        read_struct(rd, lens, sizeof(lens));
        items[i].name = read_bytes(rd, lens[0]);
        items[i].value = read_bytes(rd, lens[1]);
    }
    read_padding(rd);
    exemplar = (struct exemplar){{items, entry.label_count}, entry.value, entry.t};
    if (!rd->failed) {
        (void)head_exemplars_add(&loading->head->examples, loading->slots[entry.series], &exemplar);
    }
    return !rd->failed;
}

static int load_frames(struct loading *loading, struct baro_error *err)
{
    static bool (*const loaders[SNAPSHOT_KIND_COUNT])(struct loading *, struct reader *) = {
        [SNAPSHOT_NAMES] = load_name,        [SNAPSHOT_PAIRS] = load_pair,
        [SNAPSHOT_METADATA] = load_metadata, [SNAPSHOT_SERIES] = load_series,
        [SNAPSHOT_ALIASES] = load_alias,     [SNAPSHOT_EXEMPLARS] = load_exemplar,
        [SNAPSHOT_FILES] = load_file,        [SNAPSHOT_STARTS] = load_starts,
    };
    struct snapshot_frame frame = {0};
    struct reader rd = {0};
    int r;

    while ((r = snapshot_feed_next(loading->feed, &frame, &rd, err)) == 1) {
        if (frame.kind >= SNAPSHOT_KIND_COUNT || loaders[frame.kind] == NULL) {
            return damaged(err, "a frame is of an unknown kind");
        }
        if (frame.kind != SNAPSHOT_SERIES) {
            snapshot_feed_settle(loading->feed);
        }
        for (uint32_t i = 0; i < frame.count; i++) {
            if (!loaders[frame.kind](loading, &rd)) {
                return damaged(err, "an entry is impossible");
            }
        }
        snapshot_feed_enter(loading->feed, loading->head->slot_count);
    }
    snapshot_feed_settle(loading->feed);
    if (r == 0 && loading->series_count != loading->header.series_count) {
        return damaged(err, "series are missing");
    }
    return r;
}

static void fill_shards(struct loading *loading, size_t first)
{
    for (size_t i = first; i < HEAD_SHARDS; i += 2) {
        head_shard_fill(loading->head, i, loading->placed[i].items, loading->placed[i].count);
    }
}

static void *fill_odd_shards(void *argument)
{
    fill_shards(argument, 1);
    return NULL;
}

static void finish(struct loading *loading, struct head_snapshot_info *ret)
{
    struct head *head = loading->head;
    bool has_thread = false;
    pthread_t thread;

    if (loading->series_count >= PAYS_SERIES) {
        has_thread = pthread_create(&thread, NULL, fill_odd_shards, loading) == 0;
    }
    if (has_thread) {
        (void)pthread_setname_np(thread, "shards");
    }
    fill_shards(loading, 0);
    if (has_thread) {
        (void)pthread_join(thread, NULL);
    } else {
        fill_shards(loading, 1);
    }
    if (loading->header.last_ref > head->last_ref) {
        head->last_ref = loading->header.last_ref;
    }
    if (loading->mint <= loading->maxt) {
        head_note_time(head, loading->mint, loading->maxt);
    }
    atomic_fetch_add_explicit(&head->chunks, loading->chunks, memory_order_relaxed);
    *ret = (struct head_snapshot_info){.segment = loading->header.segment,
                                       .series = loading->series_count,
                                       .chunks = loading->chunks,
                                       .bytes = loading->data.len};
}

/* What the series in the frames will take of the pool: their entries but for the part that becomes
 * the series itself. The frames are not checked yet: a file cannot make it more than some times its
 * size. */
static uint64_t pool_bytes_of(const struct loading *loading)
{
    size_t at = sizeof(struct snapshot_header), len = loading->data.len;
    struct snapshot_frame frame;
    uint64_t bytes = 0;

    for (; len - at >= sizeof(frame); at += frame.bytes) {
        memcpy(&frame, loading->data.ptr + at, sizeof(frame));
        at += sizeof(frame);
        if (frame.bytes > len - at || frame.raw_bytes / PACKED_MOST > frame.bytes) {
            break;
        }
        if (frame.kind == SNAPSHOT_SERIES) {
            uint64_t own =
                (uint64_t)frame.count * (sizeof(struct snapshot_series) - HEAD_POOL_GRAIN);

            bytes += frame.raw_bytes > own ? frame.raw_bytes - own : 0;
        }
    }
    return bytes;
}

static int load(struct loading *loading, uint64_t segment_min, uint64_t segment_max,
                struct head_snapshot_info *ret, struct baro_error *err)
{
    struct head *head = loading->head;
    struct head_touch *touch;
    int r = read_header(loading, err);

    if (r < 0) {
        return r;
    }
    if (loading->header.segment < segment_min || loading->header.segment > segment_max) {
        return 0;
    }
    head_set_in_blocks(head, loading->header.min_valid);
    loading->min_valid = atomic_load_explicit(&head->min_valid, memory_order_relaxed);
    head->unfiled_until = loading->header.unfiled_until;
    loading->slots = mem_alloc((loading->header.series_count + 1) * sizeof(uint32_t));
    head_shards_reserve(head, loading->header.series_count);
    for (size_t i = 0; i < HEAD_SHARDS; i++) {
        vec_reserve(&loading->placed[i], loading->header.series_count / HEAD_SHARDS * 9 / 8);
    }
    touch = head_touch_new(head, loading->header.series_count, pool_bytes_of(loading));
    r = load_frames(loading, err);
    (void)head_touch_free(touch);
    if (r >= 0) {
        finish(loading, ret);
        r = 1;
    }
    return r;
}

int head_snapshot_load(struct head *head, const struct fs *fs, const char *dir,
                       uint64_t segment_min, uint64_t segment_max, struct head_snapshot_info *ret,
                       struct baro_error *err)
{
    struct loading loading = {.head = head, .mint = INT64_MAX, .maxt = INT64_MIN};
    struct arena arena = {0};
    struct fs_map map = {0};
    int r = fs->map(fs, fs_path(&arena, dir, HEAD_SNAPSHOT_NAME), &map, err);

    ASSERT(head->slot_count == 0);
    arena_done(&arena);
    if (r < 0) {
        return r == -ENOENT ? 0 : r;
    }
    loading.data = str_of(map.ptr, map.size);
    loading.feed = snapshot_feed_new(head, loading.data);
    loading.stocks = mem_alloc_zero((POOL_OPEN + 1) * sizeof(loading.stocks[0]));
    r = load(&loading, segment_min, segment_max, ret, err);
    (void)snapshot_feed_free(loading.feed);
    fs->unmap(fs, map);
    give_blocks_back(&loading);
    (void)mem_free(loading.stocks);
    (void)mem_free(loading.names);
    (void)mem_free(loading.pairs);
    (void)mem_free(loading.meta_of);
    (void)mem_free(loading.slots);
    for (size_t i = 0; i < HEAD_SHARDS; i++) {
        vec_done(&loading.placed[i]);
    }
    return r;
}
