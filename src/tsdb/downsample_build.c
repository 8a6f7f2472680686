#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/vec.h"
#include "codec/bytes.h"
#include "codec/crc32c.h"
#include "sys/fs.h"
#include "tsdb/block_cursor.h"
#include "tsdb/block_priv.h"
#include "tsdb/chunk.h"
#include "tsdb/chunk_xor.h"
#include "tsdb/downsample.h"
#include "tsdb/downsample_priv.h"
#include "tsdb/file_writer.h"

enum { CRC_BYTES = 4, CHECK_STOP_EVERY = 256 };

/* ---- reducing ---- */

/* The window that holds t: (k * window, (k + 1) * window]. */
static int64_t window_of(ts t, dur window)
{
    return t > 0 ? (t - 1) / window : t / window - 1;
}

static void push(struct sample_buf *ret, ts t, double v)
{
    ret->t[ret->count] = t;
    ret->v[ret->count++] = v;
}

static void push_n(struct sample_buf *ret, ts t, double v, size_t n)
{
    ret->n[ret->count] = (uint32_t)n;
    push(ret, t, v);
    ret->n_count = ret->count;
}

/* Neumaier's sum, as sum_over_time has it. */
static void add_compensated(double v, double *sum, double *c)
{
    double t = *sum + v;

    if (isinf(t)) {
        *c = 0;
    } else if (fabs(*sum) >= fabs(v)) {
        *c += (*sum - t) + v;
    } else {
        *c += (v - t) + *sum;
    }
    *sum = t;
}

/* A sum that is infinite without an infinite sample tells less than the samples do. */
static bool push_sum(const struct sample_buf *raw, size_t first, size_t end, struct sample_buf *ret)
{
    double sum = 0, c = 0;
    bool has_infinite = false;

    for (size_t i = first; i < end; i++) {
        has_infinite |= isinf(raw->v[i]);
        add_compensated(raw->v[i], &sum, &c);
    }
    if (isinf(sum) && !has_infinite) {
        return false;
    }
    push_n(ret, raw->t[end - 1], isinf(sum) ? sum : sum + c, end - first);
    return true;
}

static void push_extreme(const struct sample_buf *raw, size_t first, size_t end, bool is_max,
                         struct sample_buf *ret)
{
    double best = raw->v[first];

    for (size_t i = first + 1; i < end; i++) {
        double v = raw->v[i];

        if (isnan(best) || (is_max ? v > best : v < best)) {
            best = v;
        }
    }
    push(ret, raw->t[end - 1], best);
}

/* What a counter's increase is made of. */
static void push_edges(const struct sample_buf *raw, size_t first, size_t end,
                       struct sample_buf *ret)
{
    size_t before = first;

    push_n(ret, raw->t[first], raw->v[first], 1);
    for (size_t i = first + 1; i < end; i++) {
        bool falls = raw->v[i] < raw->v[i - 1];

        if (falls && before != i - 1) {
            push_n(ret, raw->t[i - 1], raw->v[i - 1], i - 1 - before);
            before = i - 1;
        }
        /* No number is less than a NaN: without it, its neighbours might seem to fall. */
        if (falls || i + 1 == end || isnan(raw->v[i])) {
            push_n(ret, raw->t[i], raw->v[i], i - before);
            before = i;
        }
    }
}

static bool reduce_window(const struct sample_buf *raw, size_t first, size_t end,
                          enum select_reduce reduce, struct sample_buf *ret)
{
    switch (reduce) {
    case REDUCE_SUM:
        return push_sum(raw, first, end, ret);
    case REDUCE_MIN:
    case REDUCE_MAX:
        push_extreme(raw, first, end, reduce == REDUCE_MAX, ret);
        return true;
    case REDUCE_EDGES:
        push_edges(raw, first, end, ret);
        return true;
    case REDUCE_NONE:
    case REDUCE_LAST:
    case REDUCE_KINDS:
        break;
    }
    return true;
}

/* The last sample of each window that is no stale marker, and the marker behind it. */
static void reduce_last(const struct sample_buf *raw, dur window, struct sample_buf *ret)
{
    for (size_t first = 0, end; first < raw->count; first = end) {
        int64_t number = window_of(raw->t[first], window);
        size_t live;

        for (end = first + 1; end < raw->count && window_of(raw->t[end], window) == number;) {
            end++;
        }
        for (live = end; live > first && value_is_stale(raw->v[live - 1]);) {
            live--;
        }
        if (live > first && live < end) {
            push(ret, raw->t[live - 1], raw->v[live - 1]);
        }
        push(ret, raw->t[end - 1], raw->v[end - 1]);
    }
}

bool downsample_reduce(const struct sample_buf *raw, enum select_reduce reduce, dur window,
                       struct sample_buf *ret)
{
    struct sample_buf live = {0}; /* without stale markers */
    bool is_good = sample_buf_reserve(ret, raw->count) &&
                   ((reduce != REDUCE_SUM && reduce != REDUCE_EDGES) || sample_buf_add_n(ret));

    if (is_good && reduce == REDUCE_LAST) {
        reduce_last(raw, window, ret);
        return true;
    }
    is_good = is_good && sample_buf_reserve(&live, raw->count);
    for (size_t i = 0; is_good && i < raw->count; i++) {
        if (!value_is_stale(raw->v[i])) {
            push(&live, raw->t[i], raw->v[i]);
        }
    }
    for (size_t first = 0, end; is_good && first < live.count; first = end) {
        int64_t number = window_of(live.t[first], window);

        for (end = first + 1; end < live.count && window_of(live.t[end], window) == number;) {
            end++;
        }
        is_good = reduce_window(&live, first, end, reduce, ret);
    }
    sample_buf_done(&live);
    return is_good;
}

/* ---- writing ---- */

struct builder {
    const struct block *block;
    dur window;
    struct file_writer out;
    VEC(struct downsample_row) rows;
    struct sample_buf raw;
    struct sample_buf reduced;
    struct buf stream;
    uint8_t *packed; /* room for the longest stream */
};

#define PACKED_BYTES ((size_t)DOWNSAMPLE_SERIES_SAMPLES_MAX * CHUNK_XOR_SAMPLE_BYTES_MAX + 64)

static void put_counts(struct buf *buf, const struct sample_buf *samples)
{
    for (size_t i = 0, end; i < samples->count; i = end) {
        for (end = i + 1; end < samples->count && samples->n[end] == samples->n[i];) {
            end++;
        }
        write_uvarint(buf, samples->n[i]);
        write_uvarint(buf, end - i);
    }
}

/* Makes the bytes of a stream; false when it has too many samples, or memory is out. */
static bool pack_stream(struct builder *builder, enum select_reduce reduce)
{
    struct sample_buf *samples = &builder->reduced;
    struct buf *stream = &builder->stream;
    struct chunk_xor chunk;
    uint32_t crc;

    sample_buf_reset(samples);
    buf_reset(stream);
    if (!downsample_reduce(&builder->raw, reduce, builder->window, samples) ||
        samples->count > DOWNSAMPLE_SERIES_SAMPLES_MAX) {
        return false;
    }
    chunk_xor_init(&chunk, builder->packed);
    for (size_t i = 0; i < samples->count; i++) {
        if (!chunk_xor_append(&chunk, builder->packed, PACKED_BYTES, samples->t[i],
                              samples->v[i])) {
            return false;
        }
    }
    buf_zero(stream, CRC_BYTES);
    write_uvarint(stream, chunk_xor_size(&chunk));
    buf_bytes(stream, builder->packed, chunk_xor_size(&chunk));
    if (samples->n != NULL) {
        put_counts(stream, samples);
    }
    if (stream->failed) {
        return false;
    }
    crc = crc32c(str_from_index(buf_view(stream), CRC_BYTES));
    memcpy(stream->ptr, &crc, sizeof(crc));
    return true;
}

/* 1 when all chunks of the series are floats without start timestamps, and they are in
 * builder->raw; 0 when not. */
static int read_raw(struct builder *builder, const struct block_cursor *cursor,
                    struct baro_error *err)
{
    sample_buf_reset(&builder->raw);
    for (size_t i = 0; i < cursor->chunks.count; i++) {
        uint8_t encoding = CHUNK_NONE;
        uint32_t samples = 0;
        str data = STR_NULL;
        int r =
            block_chunk(builder->block, &cursor->chunks.items[i], &encoding, &data, &samples, err);

        if (r >= 0 && !chunk_is_plain(encoding, data)) {
            return 0;
        }
        r = r < 0 ? r : chunk_decode(encoding, data, INT64_MIN, INT64_MAX, &builder->raw, err);
        if (r < 0) {
            return r;
        }
    }
    for (size_t i = 1; i < builder->raw.count; i++) {
        if (builder->raw.t[i] <= builder->raw.t[i - 1]) {
            return 0; /* chunks overlap: readers sort that out */
        }
    }
    return builder->raw.count > 0;
}

/* A series of which a stream cannot be made is left out. */
static void put_series(struct builder *builder, uint32_t ref)
{
    struct downsample_row row = {.ref = ref, .offset = file_writer_offset(&builder->out)};
    struct buf all = {0};

    for (int reduce = REDUCE_LAST; reduce < REDUCE_KINDS; reduce++) {
        if (!pack_stream(builder, (enum select_reduce)reduce) || builder->stream.len > UINT32_MAX) {
            buf_done(&all);
            return;
        }
        row.sizes[reduce - 1] = (uint32_t)builder->stream.len;
        buf_str(&all, buf_view(&builder->stream));
    }
    if (!all.failed) {
        file_writer_bytes(&builder->out, all.ptr, all.len);
        vec_push(&builder->rows, row);
    }
    buf_done(&all);
}

static int put_all(struct builder *builder, const _Atomic bool *stop, struct baro_error *err)
{
    struct block_cursor cursor;
    size_t done = 0;
    int r = block_cursor_open(&cursor, builder->block, err);

    while (r >= 0 && (r = block_cursor_next(&cursor, err)) > 0) {
        if (done++ % CHECK_STOP_EVERY == 0 && stop != NULL &&
            atomic_load_explicit(stop, memory_order_relaxed)) {
            r = error_set(err, BARO_ECANCELED, "downsampling was stopped");
            break;
        }
        r = read_raw(builder, &cursor, err);
        if (r > 0) {
            put_series(builder, cursor.ref);
        }
    }
    block_cursor_done(&cursor);
    return r;
}

/* The table, then the header, whose place was left free. */
static int finish(struct builder *builder, const struct fs *fs, const char *path,
                  struct baro_error *err)
{
    size_t skip = offsetof(struct downsample_header, window);
    size_t bytes = builder->rows.count * sizeof(struct downsample_row);
    struct downsample_header header = {
        .magic = DOWNSAMPLE_MAGIC,
        .version = DOWNSAMPLE_VERSION,
        .window = builder->window,
        .mint = block_meta(builder->block)->mint,
        .maxt = block_meta(builder->block)->maxt,
        .series = builder->rows.count,
    };
    fs_file file = FS_FILE_NONE;
    int r, closed;

    file_writer_align(&builder->out, 8);
    header.table = file_writer_offset(&builder->out);
    header.table_crc = crc32c(str_of((const char *)builder->rows.items, bytes));
    header.crc = crc32c(str_of((const char *)&header + skip, sizeof(header) - skip));
    if (bytes > 0) {
        file_writer_bytes(&builder->out, builder->rows.items, bytes);
    }
    r = file_writer_finish(&builder->out, err);
    if (r >= 0) {
        r = fs->open(fs, path, FS_WRITE, &file, err);
    }
    if (r >= 0) {
        r = fs->pwrite(fs, file, &header, sizeof(header), 0, err);
        r = r < 0 ? r : fs->sync(fs, file, err);
        closed = fs->close(fs, file, r < 0 ? NULL : err);
        r = r < 0 ? r : closed;
    }
    return r;
}

static int build_one(const struct fs *fs, struct builder *builder, const char *tmp,
                     const _Atomic bool *stop, struct baro_error *err)
{
    static const char zeros[sizeof(struct downsample_header)];
    int r = file_writer_open(&builder->out, fs, tmp, err);

    if (r < 0) {
        return r;
    }
    file_writer_bytes(&builder->out, zeros, sizeof(zeros));
    r = put_all(builder, stop, err);
    if (r >= 0) {
        r = finish(builder, fs, tmp, err);
    }
    file_writer_done(&builder->out);
    return r;
}

int downsample_build(const struct fs *fs, const char *data_dir, const struct block *block,
                     const _Atomic bool *stop, struct baro_error *err)
{
    struct builder builder = {.block = block, .packed = mem_alloc(PACKED_BYTES)};
    struct arena arena = {0};
    const char *dir = fs_path(&arena, data_dir, DOWNSAMPLE_DIR);
    int r = fs->mkdir(fs, dir, err);

    for (int i = 0; r >= 0 && i < DOWNSAMPLE_WINDOWS; i++) {
        const char *path =
            downsample_path(&arena, data_dir, block_meta(block)->ulid, downsample_windows[i]);
        const char *tmp = arena_printf(&arena, "%s.tmp", path).ptr;

        builder.window = downsample_windows[i];
        vec_reset(&builder.rows);
        (void)fs->remove(fs, tmp, NULL);
        r = build_one(fs, &builder, tmp, stop, err);
        if (r >= 0) {
            r = fs->rename(fs, tmp, path, err);
        } else {
            (void)fs->remove(fs, tmp, NULL);
        }
    }
    if (r >= 0) {
        r = fs->sync_dir(fs, dir, err);
    }
    vec_done(&builder.rows);
    sample_buf_done(&builder.raw);
    sample_buf_done(&builder.reduced);
    buf_done(&builder.stream);
    (void)mem_free(builder.packed);
    arena_done(&arena);
    return r < 0 ? error_wrap(err, r, "downsampling of block %s", block_meta(block)->ulid) : 0;
}
