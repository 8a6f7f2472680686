#include "tsdb/chunk_decimal.h"

#include <string.h>

#include "codec/bytes.h"
#include "tsdb/chunk_pieces.h"

enum {
    EXPONENT_MAX = 9,
    /* A difference that needs this much less than the width has is worth telling a new width. */
    WIDTH_SLACK = 6,
    WIDTH_BITS = 6,
    WIDTH_MAX = 52, /* two numbers differ by 2^51 at most, and there is the sign */
    EXPONENT_BITS = 4,
    POOR_BITS = 48, /* a sample, in the mean, that chunk_xor may do better with */
    POOR_SPARE = 24 * 8,
    POOR_EVERY = 8, /* samples between two looks */
};

/* Up to here a value times a power of ten, rounded, is the multiple that it was made from: the
 * errors of both steps together are below a half. */
#define NUMBER_MAX 0x1p50

static const double powers[EXPONENT_MAX + 1] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};

/* How a value is written: a zero alone when it is the last one again. */
enum {
    SAME_WIDTH = 0x2,   /* 10, then the difference */
    NEW_WIDTH = 0x6,    /* 110, the width, the difference */
    NEW_EXPONENT = 0xe, /* 1110, the exponent, the width, the difference */
    WHOLE = 0xf,        /* 1111, 64 bits */
};

/* Most numbers are whole: those need no division. */
static double value_of(int64_t number, unsigned exponent)
{
    return exponent == 0 ? (double)number : (double)number / powers[exponent];
}

/* The multiple of 10^-exponent that v is, to the bit; false when it is none. */
static inline bool number_of(double v, unsigned exponent, int64_t *ret)
{
    double scaled = v * powers[exponent];
    int64_t number;

    if (!(scaled >= -NUMBER_MAX && scaled <= NUMBER_MAX)) {
        return false; /* NaN as well */
    }
    number = (int64_t)(scaled + (scaled < 0 ? -0.5 : 0.5));
    *ret = number;
    return value_bits(value_of(number, exponent)) == value_bits(v);
}

/* The same with the least exponent from *exponent on. */
static inline bool find_number(double v, unsigned *exponent, int64_t *ret)
{
    for (unsigned at = *exponent; at <= EXPONENT_MAX; at++) {
        if (number_of(v, at, ret)) {
            *exponent = at;
            return true;
        }
    }
    return false;
}

/* A number with a larger exponent; 0 when it would be too large. Both ways compute it alike. */
static int64_t raise_number(int64_t number, unsigned from, unsigned to)
{
    double raised = (double)number * powers[to - from];

    return raised >= -NUMBER_MAX && raised <= NUMBER_MAX ? (int64_t)raised : 0;
}

/* The number of the last value; 0 when that stands as it is, and before the first. */
static int64_t last_number(const struct chunk_xor *chunk)
{
    int64_t number = 0;

    if (chunk->count == 0 || (chunk->leading & CHUNK_DECIMAL_WHOLE) != 0) {
        return 0;
    }
    (void)number_of(value_from_bits(chunk->v_bits), chunk->leading, &number);
    return number;
}

bool chunk_decimal_suits(double v)
{
    unsigned exponent = 0;
    int64_t number;

    return find_number(v, &exponent, &number);
}

void chunk_decimal_init(struct chunk_xor *chunk, uint8_t *data)
{
    *chunk = (struct chunk_xor){.bits = CHUNK_XOR_HEADER_BYTES * 8};
    data[0] = 0;
    data[1] = 0;
}

/* The exponent and width behind a value. */
struct form {
    uint8_t exponent; /* with CHUNK_DECIMAL_WHOLE */
    uint8_t width;
};

static inline struct form add_value(struct chunk_addition *addition, const struct chunk_xor *chunk,
                                    double v)
{
    struct form form = {chunk->leading, chunk->trailing};
    unsigned exponent = chunk->leading & ~(unsigned)CHUNK_DECIMAL_WHOLE, old = exponent;
    int64_t number = 0, before;
    uint64_t changed;
    unsigned width;

    if (chunk->count > 0 && value_bits(v) == chunk->v_bits) {
        chunk_header_more(addition, 0, 1);
        return form;
    }
    if (!find_number(v, &exponent, &number)) {
        chunk_header_more(addition, WHOLE, 4);
        addition->payload = (struct chunk_piece){value_bits(v), 64};
        form.exponent |= CHUNK_DECIMAL_WHOLE;
        return form;
    }
    before = last_number(chunk);
    before = exponent > old ? raise_number(before, old, exponent) : before;
    changed = zigzag(number - before);
    width = changed == 0 ? 0 : 64 - (unsigned)__builtin_clzll(changed);
    form.exponent = (uint8_t)exponent;
    if (exponent == old && width <= form.width && form.width - width <= WIDTH_SLACK) {
        chunk_header_more(addition, SAME_WIDTH, 2);
    } else {
        form.width = (uint8_t)width;
        if (exponent == old) {
            chunk_header_more(addition, NEW_WIDTH, 3);
        } else {
            chunk_header_more(addition, (uint64_t)NEW_EXPONENT << EXPONENT_BITS | exponent,
                              4 + EXPONENT_BITS);
        }
        chunk_header_more(addition, width, WIDTH_BITS);
    }
    addition->payload = (struct chunk_piece){changed, form.width};
    return form;
}

bool chunk_decimal_append(struct chunk_xor *chunk, uint8_t *data, size_t capacity, ts t, double v)
{
    struct chunk_addition addition = {0};
    uint64_t delta = chunk->count == 0 ? 0 : (uint64_t)t - (uint64_t)chunk->t;
    uint8_t raw[UVARINT_BYTES_MAX];
    uint32_t bits = chunk->bits, first = 0;
    struct form form;

    if (chunk->count == CHUNK_XOR_SAMPLES_MAX) {
        return false;
    }
    if (chunk->count == 0) {
        first = (uint32_t)(put_varint(raw, t) - raw);
        if (chunk_xor_size(chunk) + first > capacity) {
            return false;
        }
        bits += first * 8;
    } else {
        chunk_add_dod(&addition, (int64_t)(delta - chunk->delta), chunk_dod_bits_near);
    }
    form = add_value(&addition, chunk, v);
    if (!chunk_put(data, capacity, &bits, &addition)) {
        return false;
    }
    memcpy(data + CHUNK_XOR_HEADER_BYTES, raw, first);
    chunk->count++;
    data[0] = (uint8_t)(chunk->count >> 8);
    data[1] = (uint8_t)chunk->count;
    chunk->t = t;
    chunk->delta = delta;
    chunk->v_bits = value_bits(v);
    chunk->bits = bits;
    chunk->leading = form.exponent;
    chunk->trailing = form.width;
    return true;
}

bool chunk_decimal_is_poor(const struct chunk_xor *chunk)
{
    return chunk->count % POOR_EVERY == 0 && (chunk->leading & CHUNK_DECIMAL_WHOLE) != 0 &&
           chunk->bits > (uint32_t)chunk->count * POOR_BITS + POOR_SPARE;
}

bool chunk_decimal_is_sound(const struct chunk_xor *chunk)
{
    return chunk->count > 0 && chunk->bits > CHUNK_XOR_HEADER_BYTES * 8 &&
           (chunk->leading & ~(unsigned)CHUNK_DECIMAL_WHOLE) <= EXPONENT_MAX &&
           chunk->trailing <= WIDTH_MAX;
}

/* ---- reading ---- */

/* A step reads 18 bytes at most from where it begins. */
enum { SPARE_BYTES = 32 };

struct cursor {
    const uint8_t *base; /* the chunk, and zeros */
    uint64_t bit;
    uint64_t t;
    uint64_t delta;
    uint64_t v_bits;
    int64_t number;
    unsigned exponent;
    unsigned width;
    bool is_bad;
    uint64_t bit_end;
};

/* Where a chunk is read: a copy, so that no step has to look for the end. It is no part of the
 * cursor, so that those can be in registers. */
struct chunk_copy {
    uint8_t bytes[CHUNK_DECIMAL_BYTES_MAX + SPARE_BYTES];
};

static int damaged(str data, struct baro_error *err)
{
    return error_at(err, BARO_ECORRUPT, data.len,
                    "open chunk of %zu bytes ends before its %u samples do, or is damaged",
                    data.len, (unsigned)chunk_xor_count(data));
}

/* A difference, `skip` bits behind the start of a value. */
static inline __attribute__((always_inline)) void step_number(struct cursor *cursor, unsigned skip)
{
    uint64_t changed = 0;

    cursor->bit += skip;
    if (cursor->width > 0) {
        changed = chunk_bits64(cursor->base, cursor->bit) >> (64 - cursor->width);
    }
    cursor->bit += cursor->width;
    cursor->number = (int64_t)((uint64_t)cursor->number + (uint64_t)unzigzag(changed));
    cursor->v_bits = value_bits(value_of(cursor->number, cursor->exponent));
}

static inline __attribute__((always_inline)) void step_value(struct cursor *cursor)
{
    uint64_t word = chunk_bits57(cursor->base, cursor->bit);

    if ((int64_t)word >= 0) {
        cursor->bit++;
        return;
    }
    if (LIKELY(word >> 62 == SAME_WIDTH)) {
        step_number(cursor, 2);
    } else if (word >> 61 == NEW_WIDTH) {
        cursor->width = (unsigned)(word >> (61 - WIDTH_BITS)) & ((1u << WIDTH_BITS) - 1);
        step_number(cursor, 3 + WIDTH_BITS);
    } else if (word >> 60 == NEW_EXPONENT) {
        unsigned exponent = (unsigned)(word >> (60 - EXPONENT_BITS)) & ((1u << EXPONENT_BITS) - 1);

        cursor->width =
            (unsigned)(word >> (60 - EXPONENT_BITS - WIDTH_BITS)) & ((1u << WIDTH_BITS) - 1);
        if (exponent > EXPONENT_MAX || exponent < cursor->exponent) {
            cursor->is_bad = true;
            return;
        }
        cursor->number = raise_number(cursor->number, cursor->exponent, exponent);
        cursor->exponent = exponent;
        step_number(cursor, 4 + EXPONENT_BITS + WIDTH_BITS);
    } else {
        cursor->v_bits = chunk_bits64(cursor->base, cursor->bit + 4);
        cursor->number = 0;
        cursor->bit += 68;
    }
}

/* Reads the first sample, of which there is one. */
static int cursor_open(str data, struct chunk_copy *copy, struct cursor *ret,
                       struct baro_error *err)
{
    struct reader rd = reader_over(data);

    (void)read_be16(&rd);
    *ret = (struct cursor){.base = copy->bytes, .bit_end = (uint64_t)data.len * 8};
    ret->t = (uint64_t)read_varint(&rd);
    ret->bit = (uint64_t)rd.offset * 8;
    if (rd.failed || data.len > CHUNK_DECIMAL_BYTES_MAX) {
        return damaged(data, err);
    }
    memcpy(copy->bytes, data.ptr, data.len);
    memset(copy->bytes + data.len, 0, SPARE_BYTES);
    step_value(ret);
    return ret->bit > ret->bit_end || ret->is_bad ? damaged(data, err) : 0;
}

static inline __attribute__((always_inline)) bool cursor_next(struct cursor *cursor)
{
    cursor->delta += chunk_dod_read(cursor->base, &cursor->bit, chunk_dod_bits_near);
    cursor->t += cursor->delta;
    step_value(cursor);
    return cursor->bit <= cursor->bit_end && !cursor->is_bad;
}

int chunk_decimal_decode(str data, ts start, ts end, struct sample_buf *ret, struct baro_error *err)
{
    struct chunk_copy copy;
    struct cursor cursor;
    uint32_t count = chunk_xor_count(data);
    size_t to = ret->count;
    int r;

    if (count == 0) {
        return data.len < CHUNK_XOR_HEADER_BYTES ? damaged(data, err) : 0;
    }
    r = cursor_open(data, &copy, &cursor, err);
    if (r < 0) {
        return r;
    }
    if (!sample_buf_reserve(ret, count)) {
        return error_set(err, BARO_ELIMIT, "no memory for %u more samples", (unsigned)count);
    }
    for (uint32_t i = 0; (ts)cursor.t <= end;) {
        ret->t[to] = (ts)cursor.t;
        ret->v[to] = value_from_bits(cursor.v_bits);
        to += (ts)cursor.t >= start;
        if (++i == count) {
            break;
        }
        if (!cursor_next(&cursor)) {
            return damaged(data, err);
        }
    }
    if (ret->h != NULL) {
        memset(ret->h + ret->count, 0, (to - ret->count) * sizeof(*ret->h));
    }
    if (ret->st != NULL) {
        memset(ret->st + ret->count, 0, (to - ret->count) * sizeof(*ret->st));
    }
    ret->count = to;
    return 0;
}

int chunk_decimal_repack(str data, uint8_t *to, size_t room, struct chunk_xor *ret,
                         struct baro_error *err)
{
    struct chunk_copy copy;
    struct cursor cursor;
    struct chunk_xor chunk;
    uint32_t count = chunk_xor_count(data);
    int r;

    if (room < CHUNK_XOR_HEADER_BYTES || count == 0) {
        return damaged(data, err);
    }
    r = cursor_open(data, &copy, &cursor, err);
    if (r < 0) {
        return r;
    }
    chunk_xor_init(&chunk, to);
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 && !cursor_next(&cursor)) {
            return damaged(data, err);
        }
        if (!chunk_xor_append(&chunk, to, room, (ts)cursor.t, value_from_bits(cursor.v_bits))) {
            return error_set(err, BARO_ELIMIT, "an open chunk takes more than %zu bytes", room);
        }
    }
    *ret = chunk;
    return 0;
}
