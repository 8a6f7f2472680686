#include "tsdb/chunk_xor.h"

#include <string.h>

#include "codec/bytes.h"
#include "tsdb/chunk_pieces.h"

/* Leading zeros have five bits on disk, so a window starts at bit 31 at the latest. */
enum { LEADING_MAX = 31 };

void chunk_xor_init(struct chunk_xor *chunk, uint8_t *data)
{
    *chunk = (struct chunk_xor){.bits = CHUNK_XOR_HEADER_BYTES * 8, .leading = CHUNK_XOR_FRESH};
    data[0] = 0;
    data[1] = 0;
}

/* What one sample adds, and the value's window behind it. */
struct addition {
    struct chunk_addition bits;
    uint8_t leading;
    uint8_t trailing;
};

static inline void add_value(struct addition *addition, const struct chunk_xor *chunk,
                             uint64_t v_bits)
{
    uint64_t changed = v_bits ^ chunk->v_bits;
    uint8_t leading;
    uint8_t trailing;
    uint32_t count;

    addition->leading = chunk->leading;
    addition->trailing = chunk->trailing;
    if (changed == 0) {
        chunk_header_more(&addition->bits, 0, 1);
        return;
    }
    leading = (uint8_t)__builtin_clzll(changed);
    leading = leading > LEADING_MAX ? LEADING_MAX : leading;
    trailing = (uint8_t)__builtin_ctzll(changed);
    if (chunk->leading != CHUNK_XOR_FRESH && leading >= chunk->leading &&
        trailing >= chunk->trailing) {
        chunk_header_more(&addition->bits, 2, 2);
        count = 64u - chunk->leading - chunk->trailing;
    } else {
        count = 64u - leading - trailing;
        chunk_header_more(&addition->bits,
                          (uint64_t)3 << 11 | (uint64_t)leading << 6 | (count & 63), 13);
        addition->leading = leading;
        addition->trailing = trailing;
    }
    addition->bits.payload = (struct chunk_piece){changed >> addition->trailing, count};
}

/* append_first writes the sample that has nothing before it: whole bytes. */
static bool append_first(struct chunk_xor *chunk, uint8_t *data, size_t capacity, ts t, double v)
{
    uint8_t raw[UVARINT_BYTES_MAX + 8];
    uint8_t *end = put_be64(put_varint(raw, t), value_bits(v));
    size_t size = (size_t)(end - raw);

    if (capacity < CHUNK_XOR_HEADER_BYTES + size) {
        return false;
    }
    memcpy(data + CHUNK_XOR_HEADER_BYTES, raw, size);
    chunk->bits += (uint32_t)size * 8;
    chunk->t = t;
    chunk->v_bits = value_bits(v);
    return true;
}

/* second_delta writes a whole delta as a varint, in one piece of at most eight bytes and a rest. */
static void second_delta(struct addition *addition, uint64_t delta)
{
    uint8_t raw[UVARINT_BYTES_MAX];
    uint32_t size = (uint32_t)(put_uvarint(raw, delta) - raw);

    for (uint32_t i = 0; i < size; i++) {
        struct chunk_piece *piece = i < 2 ? &addition->bits.lead : &addition->bits.longer;

        piece->value = piece->value << 8 | raw[i];
        piece->count += 8;
    }
}

static bool append_next(struct chunk_xor *chunk, uint8_t *data, size_t capacity, ts t, double v)
{
    struct addition addition = {0};
    uint64_t delta = (uint64_t)t - (uint64_t)chunk->t;
    uint32_t bits = chunk->bits;

    if (chunk->count == 1) {
        second_delta(&addition, delta);
    } else {
        chunk_add_dod(&addition.bits, (int64_t)(delta - chunk->delta), chunk_dod_bits);
    }
    add_value(&addition, chunk, value_bits(v));
    if (!chunk_put(data, capacity, &bits, &addition.bits)) {
        return false;
    }
    chunk->t = t;
    chunk->delta = delta;
    chunk->v_bits = value_bits(v);
    chunk->bits = bits;
    chunk->leading = addition.leading;
    chunk->trailing = addition.trailing;
    return true;
}

bool chunk_xor_append(struct chunk_xor *chunk, uint8_t *data, size_t capacity, ts t, double v)
{
    DASSERT(chunk->bits >= CHUNK_XOR_HEADER_BYTES * 8 && chunk_xor_size(chunk) <= capacity);
    if (chunk->count == CHUNK_XOR_SAMPLES_MAX) {
        return false;
    }
    if (!(chunk->count == 0 ? append_first(chunk, data, capacity, t, v)
                            : append_next(chunk, data, capacity, t, v))) {
        return false;
    }
    chunk->count++;
    data[0] = (uint8_t)(chunk->count >> 8);
    data[1] = (uint8_t)chunk->count;
    return true;
}

/*
 * A step takes at most 145 bits (4 + 64 of time, 13 + 64 of value) and its last load begins within
 * eleven bytes of its start and covers nine, so it may run while STEP_BYTES are left. The last
 * bytes are copied in front of zeros, where steps may run up to the very end.
 */
enum { STEP_BYTES = 24 };

struct cursor {
    const uint8_t *base;
    uint64_t bit;      /* of the next step, from base */
    uint64_t bit_safe; /* a step may begin here at the latest */
    uint64_t bit_end;  /* of the data */
    uint64_t t;
    uint64_t delta;
    uint64_t v_bits;
    uint32_t leading;
    uint32_t payload; /* bits of the window */
    uint32_t left;    /* samples */
    bool bad_window;
    str data;
    uint8_t tail[3 * STEP_BYTES];
};

/* step_value reads a value; `word` holds the stream from its first bit on. */
static inline __attribute__((always_inline)) void step_value(struct cursor *cursor, uint64_t word)
{
    bool fresh;
    uint32_t trailing;
    uint64_t changed;

    if ((int64_t)word >= 0) {
        cursor->bit++;
        return;
    }
    fresh = word >> 62 == 3;
    cursor->leading = fresh ? (uint32_t)(word >> 57) & 31 : cursor->leading;
    cursor->payload = fresh ? (((uint32_t)(word >> 51) - 1) & 63) + 1 : cursor->payload;
    cursor->bit += fresh ? 13 : 2;
    trailing = 64 - cursor->leading - cursor->payload;
    cursor->bad_window |= trailing > 63;
    changed = chunk_bits64(cursor->base, cursor->bit) >> (64 - cursor->payload);
    cursor->v_bits ^= changed << (trailing & 63);
    cursor->bit += cursor->payload;
}

/* step_time_long reads a difference of deltas that is not zero, and returns the stream behind it.
 */
static inline __attribute__((always_inline)) uint64_t step_time_long(struct cursor *cursor,
                                                                     uint64_t word)
{
    unsigned ones = word == UINT64_MAX ? 4 : (unsigned)__builtin_clzll(~word);
    unsigned bits;
    uint64_t dod;

    if (UNLIKELY(ones >= ARRAY_COUNT(chunk_dod_bits))) {
        cursor->delta += chunk_bits64(cursor->base, cursor->bit + 4);
        cursor->bit += 68;
        return chunk_bits57(cursor->base, cursor->bit);
    }
    bits = chunk_dod_bits[ones];
    dod = word << (ones + 1) >> (64 - bits);
    dod -= dod > UINT64_C(1) << (bits - 1) ? UINT64_C(1) << bits : 0;
    cursor->delta += dod;
    cursor->bit += ones + 1 + bits;
    return word << (ones + 1 + bits);
}

static inline __attribute__((always_inline)) void step(struct cursor *cursor)
{
    uint64_t word = chunk_bits57(cursor->base, cursor->bit);

    if ((int64_t)word >= 0) {
        cursor->bit++;
        word <<= 1;
    } else {
        word = step_time_long(cursor, word);
    }
    cursor->t += cursor->delta;
    step_value(cursor, word);
}

/* cursor_to_tail goes on in a copy of the last bytes that zeros follow. */
COLD static void cursor_to_tail(struct cursor *cursor)
{
    size_t offset = (size_t)(cursor->bit / 8);
    size_t size = cursor->data.len - offset;

    ASSERT(offset <= cursor->data.len && size <= STEP_BYTES);
    memset(cursor->tail, 0, sizeof(cursor->tail));
    memcpy(cursor->tail, cursor->data.ptr + offset, size);
    cursor->base = cursor->tail;
    cursor->bit %= 8;
    cursor->bit_end = (uint64_t)size * 8;
    cursor->bit_safe = cursor->bit_end;
}

/* cursor_settle makes the next step possible; false when the data have ended. */
static bool cursor_settle(struct cursor *cursor)
{
    if (cursor->bit > cursor->bit_safe && cursor->base != cursor->tail) {
        if (cursor->bit > cursor->bit_end) {
            return false;
        }
        cursor_to_tail(cursor);
    }
    return cursor->bit <= cursor->bit_safe;
}

static int cut_short(struct baro_error *err, str data)
{
    return error_at(err, BARO_ECORRUPT, data.len,
                    "chunk of %zu bytes ends before its %u samples do, or is damaged", data.len,
                    (unsigned)chunk_xor_count(data));
}

/* cursor_open reads the first sample of a chunk that has one. `left` is what remains. */
static int cursor_open(str data, struct cursor *ret, struct baro_error *err)
{
    struct reader rd = reader_over(data);
    uint16_t count = read_be16(&rd);
    int64_t t = read_varint(&rd);
    uint64_t v_bits = read_be64(&rd);

    if (rd.failed) {
        return cut_short(err, data);
    }
    ret->data = data;
    ret->base = (const uint8_t *)data.ptr;
    ret->bit = (uint64_t)rd.offset * 8;
    ret->bit_end = (uint64_t)data.len * 8;
    ret->bit_safe = data.len >= STEP_BYTES ? (uint64_t)(data.len - STEP_BYTES) * 8 : 0;
    ret->t = (uint64_t)t;
    ret->delta = 0;
    ret->v_bits = v_bits;
    ret->leading = 0;
    ret->payload = 64;
    ret->left = count - 1u;
    ret->bad_window = false;
    return 0;
}

/* cursor_second reads the second sample, whose delta is whole; there is one. */
static int cursor_second(struct cursor *cursor, struct baro_error *err)
{
    struct reader rd = reader_over(cursor->data);

    rd.offset = (size_t)(cursor->bit / 8);
    cursor->delta = read_uvarint(&rd);
    cursor->bit = (uint64_t)rd.offset * 8;
    if (rd.failed || !cursor_settle(cursor)) {
        return cut_short(err, cursor->data);
    }
    cursor->t += cursor->delta;
    cursor->left--;
    step_value(cursor, chunk_bits57(cursor->base, cursor->bit));
    return 0;
}

static bool cursor_is_sound(const struct cursor *cursor)
{
    return cursor->bit <= cursor->bit_end && !cursor->bad_window;
}

int chunk_xor_resume(str data, struct chunk_xor *ret, struct baro_error *err)
{
    struct cursor cursor;
    uint32_t count = chunk_xor_count(data);
    size_t tail_offset;
    int r;

    if (count == 0) {
        uint8_t header[CHUNK_XOR_HEADER_BYTES];

        if (data.len < CHUNK_XOR_HEADER_BYTES) {
            return cut_short(err, data);
        }
        chunk_xor_init(ret, header);
        return 0;
    }
    r = cursor_open(data, &cursor, err);
    if (r >= 0 && cursor.left > 0) {
        r = cursor_second(&cursor, err);
    }
    for (; r >= 0 && cursor.left > 0 && cursor_settle(&cursor); cursor.left--) {
        step(&cursor);
    }
    if (r >= 0 && (cursor.left > 0 || !cursor_is_sound(&cursor))) {
        r = cut_short(err, data);
    }
    if (r < 0) {
        return r;
    }
    tail_offset = cursor.base == cursor.tail ? data.len - (size_t)(cursor.bit_end / 8) : 0;
    /* A window of all 64 bits may stand for none at all; a fresh one is right in both cases. */
    *ret = (struct chunk_xor){
        .t = (ts)cursor.t,
        .delta = cursor.delta,
        .v_bits = cursor.v_bits,
        .bits = (uint32_t)(tail_offset * 8 + cursor.bit),
        .count = (uint16_t)count,
        .leading = cursor.payload == 64 ? CHUNK_XOR_FRESH : (uint8_t)cursor.leading,
        .trailing = (uint8_t)(64 - cursor.leading - cursor.payload),
    };
    return 0;
}

/* Where decoded samples go; `to` is where the next one is written. */
struct column_writer {
    ts *t;
    double *v;
    size_t to;
    ts start;
    ts end;
};

/* column_put writes a sample, and keeps it when it is not before start. */
static inline __attribute__((always_inline)) void column_put(struct column_writer *out,
                                                             const struct cursor *cursor)
{
    out->t[out->to] = (ts)cursor->t;
    out->v[out->to] = value_from_bits(cursor->v_bits);
    out->to += (ts)cursor->t >= out->start;
}

/* decode_rest runs steps until the samples, the data or the range end. */
static HOT void decode_rest(struct cursor *outer, struct column_writer *outer_out)
{
    struct cursor *cursor = outer;
    struct column_writer out = *outer_out;

    while (cursor->left > 0 && cursor_settle(cursor)) {
        uint64_t bit_safe = cursor->bit_safe;

        do {
            step(cursor);
            cursor->left--;
            if ((ts)cursor->t > out.end) {
                cursor->left = 0;
                break;
            }
            column_put(&out, cursor);
        } while (cursor->left > 0 && cursor->bit <= bit_safe);
    }
    *outer_out = out;
}

int chunk_xor_decode(str data, ts start, ts end, struct sample_buf *ret, struct baro_error *err)
{
    struct cursor cursor;
    struct column_writer out;
    uint32_t count = chunk_xor_count(data);
    int r;

    if (count == 0) {
        return data.len < CHUNK_XOR_HEADER_BYTES ? cut_short(err, data) : 0;
    }
    if (!sample_buf_reserve(ret, count)) {
        return error_set(err, BARO_ELIMIT, "no memory for %u more samples", (unsigned)count);
    }
    r = cursor_open(data, &cursor, err);
    if (r < 0) {
        return r;
    }
    out = (struct column_writer){ret->t, ret->v, ret->count, start, end};
    if ((ts)cursor.t > end) {
        return 0;
    }
    column_put(&out, &cursor);
    if (cursor.left > 0) {
        r = cursor_second(&cursor, err);
        if (r < 0) {
            return r;
        }
        if ((ts)cursor.t <= end) {
            column_put(&out, &cursor);
            decode_rest(&cursor, &out);
        } else {
            cursor.left = 0;
        }
    }
    if (cursor.left > 0 || !cursor_is_sound(&cursor)) {
        return cut_short(err, data);
    }
    if (ret->h != NULL) {
        memset(ret->h + ret->count, 0, (out.to - ret->count) * sizeof(*ret->h));
    }
    if (ret->st != NULL) {
        memset(ret->st + ret->count, 0, (out.to - ret->count) * sizeof(*ret->st));
    }
    ret->count = out.to;
    return 0;
}

int chunk_xor_last(str data, ts start, ts end, ts *ret_t, double *ret_v, struct baro_error *err)
{
    struct cursor cursor;
    uint64_t t = 0;
    uint64_t v_bits = 0;
    bool has = false;
    int r;

    if (chunk_xor_count(data) == 0) {
        return data.len < CHUNK_XOR_HEADER_BYTES ? cut_short(err, data) : 0;
    }
    r = cursor_open(data, &cursor, err);
    if (r >= 0 && (ts)cursor.t <= end && cursor.left > 0) {
        has = true;
        t = cursor.t;
        v_bits = cursor.v_bits;
        r = cursor_second(&cursor, err);
    }
    while (r >= 0 && (ts)cursor.t <= end && cursor.left > 0 && cursor_settle(&cursor)) {
        uint64_t bit_safe = cursor.bit_safe;

        do {
            t = cursor.t;
            v_bits = cursor.v_bits;
            step(&cursor);
            cursor.left--;
        } while (cursor.left > 0 && (ts)cursor.t <= end && cursor.bit <= bit_safe);
    }
    if (r < 0) {
        return r;
    }
    if (!cursor_is_sound(&cursor) || ((ts)cursor.t <= end && cursor.left > 0)) {
        return cut_short(err, data);
    }
    if ((ts)cursor.t <= end) {
        has = true;
        t = cursor.t;
        v_bits = cursor.v_bits;
    }
    if (!has || (ts)t < start) {
        return 0;
    }
    *ret_t = (ts)t;
    *ret_v = value_from_bits(v_bits);
    return 1;
}
