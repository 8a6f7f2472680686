#include "tsdb/chunk_histogram.h"

#include <math.h>

#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/chunk_bits.h"
#include "tsdb/chunk_histogram_priv.h"
#include "tsdb/chunk_starts.h"

enum {
    HEADER_BYTES = 3,
    SAMPLES_MAX = UINT16_MAX,
    LEADING_MAX = 31,
    LEADING_FRESH = 0xff,
    /* Zero thresholds that are powers of two from 2^-243 to 2^10 take one byte. */
    THRESHOLD_EXPONENT_MIN = -242,
    THRESHOLD_EXPONENT_MAX = 11,
    THRESHOLD_BIAS = 243,
    THRESHOLD_ANY = 255,
    BOUND_MILLIS_MAX = 33554430,
};

/* Integers in doubles are exact up to here. */
#define COUNT_EXACT_MAX 0x1p53

/* Sizes of the short forms of varbit numbers, by the number of ones in front; then 64 bits. */
static const uint8_t varbit_bits[] = {0, 3, 6, 9, 12, 18, 25, 56, 64};
enum { VARBIT_FORMS = ARRAY_COUNT(varbit_bits) };

/* ---- writing bits ---- */

static void put_bits(struct chunk_histogram *chunk, uint64_t value, unsigned count)
{
    while (count > 0) {
        unsigned more;

        if (chunk->free_bits == 0) {
            buf_char(&chunk->data, '\0');
            chunk->free_bits = 8;
        }
        if (chunk->data.failed) {
            return;
        }
        more = count < chunk->free_bits ? count : chunk->free_bits;
        count -= more;
        chunk->free_bits -= more;
        chunk->data.ptr[chunk->data.len - 1] =
            (char)((unsigned char)chunk->data.ptr[chunk->data.len - 1] |
                   ((value >> count & ((1U << more) - 1)) << chunk->free_bits));
    }
}

static void put_form(struct chunk_histogram *chunk, unsigned ones, uint64_t value)
{
    /* The longest prefix is eight ones without the zero that ends the others. */
    put_bits(chunk, (UINT64_C(1) << (ones + 1)) - 2, ones < VARBIT_FORMS - 1 ? ones + 1 : 0);
    if (ones == VARBIT_FORMS - 1) {
        put_bits(chunk, 0xff, 8);
    }
    put_bits(chunk, value, varbit_bits[ones]);
}

static void put_varbit(struct chunk_histogram *chunk, int64_t value)
{
    unsigned ones = value == 0 ? 0 : 1;

    while (ones > 0 && ones < VARBIT_FORMS - 1 &&
           (value < 1 - (INT64_C(1) << (varbit_bits[ones] - 1)) ||
            value > INT64_C(1) << (varbit_bits[ones] - 1))) {
        ones++;
    }
    put_form(chunk, ones, (uint64_t)value);
}

static void put_uvarbit(struct chunk_histogram *chunk, uint64_t value)
{
    unsigned ones = value == 0 ? 0 : 1;

    while (ones > 0 && ones < VARBIT_FORMS - 1 && value >> varbit_bits[ones] != 0) {
        ones++;
    }
    put_form(chunk, ones, value);
}

/* The value of XOR chunks: what changed since the last one. */
static void put_xor(struct chunk_histogram *chunk, struct chunk_histogram_float *last, double v)
{
    const uint64_t changed = value_bits(v) ^ last->bits;
    unsigned leading;
    unsigned trailing;

    last->bits = value_bits(v);
    if (changed == 0) {
        put_bits(chunk, 0, 1);
        return;
    }
    leading = (unsigned)__builtin_clzll(changed);
    leading = leading > LEADING_MAX ? LEADING_MAX : leading;
    trailing = (unsigned)__builtin_ctzll(changed);
    if (last->leading != LEADING_FRESH && leading >= last->leading && trailing >= last->trailing) {
        put_bits(chunk, 2, 2);
        put_bits(chunk, changed >> last->trailing, 64U - last->leading - last->trailing);
        return;
    }
    last->leading = (uint8_t)leading;
    last->trailing = (uint8_t)trailing;
    put_bits(chunk, 3, 2);
    put_bits(chunk, leading, 5);
    put_bits(chunk, (64U - leading - trailing) & 63, 6);
    put_bits(chunk, changed >> trailing, 64U - leading - trailing);
}

/* ---- writing ---- */

void chunk_histogram_begin(struct chunk_histogram *chunk, bool is_float,
                           enum chunk_histogram_start start)
{
    struct buf data = chunk->data;

    buf_reset(&data);
    (void)mem_free(chunk->room);
    *chunk = (struct chunk_histogram){.data = data, .is_float = is_float};
    buf_zero(&chunk->data, HEADER_BYTES);
    if (!chunk->data.failed) {
        chunk->data.ptr[2] = (char)start;
    }
}

void chunk_histogram_done(struct chunk_histogram *chunk)
{
    buf_done(&chunk->data);
    (void)mem_free(chunk->room);
    *chunk = (struct chunk_histogram){0};
}

static void put_threshold(struct chunk_histogram *chunk, double threshold)
{
    int exponent = 0;
    const double fraction = frexp(threshold, &exponent);

    if (threshold == 0) {
        put_bits(chunk, 0, 8);
    } else if (fraction != 0.5 || exponent < THRESHOLD_EXPONENT_MIN ||
               exponent > THRESHOLD_EXPONENT_MAX) {
        put_bits(chunk, THRESHOLD_ANY, 8);
        put_bits(chunk, value_bits(threshold), 64);
    } else {
        put_bits(chunk, (uint64_t)(exponent + THRESHOLD_BIAS), 8);
    }
}

static void put_spans(struct chunk_histogram *chunk, const struct histogram_side *side)
{
    put_uvarbit(chunk, side->span_count);
    for (uint32_t i = 0; i < side->span_count; i++) {
        put_uvarbit(chunk, side->spans[i].length);
        put_varbit(chunk, side->spans[i].offset);
    }
}

/* Bounds that are whole thousandths, rounded to a double, are short; others follow a zero. */
static void put_bound(struct chunk_histogram *chunk, double bound)
{
    const double millis = bound * 1000;

    if (millis >= 0 && millis <= BOUND_MILLIS_MAX && round(millis) / 1000 == bound) {
        put_uvarbit(chunk, (uint64_t)round(millis) + 1);
    } else {
        put_bits(chunk, 0, 1);
        put_bits(chunk, value_bits(bound), 64);
    }
}

static void put_layout(struct chunk_histogram *chunk, const struct histogram *h)
{
    put_threshold(chunk, h->zero_threshold);
    put_varbit(chunk, h->schema);
    put_spans(chunk, &h->positive);
    put_spans(chunk, &h->negative);
    if (histogram_is_custom(h)) {
        put_uvarbit(chunk, h->custom_count);
        for (uint32_t i = 0; i < h->custom_count; i++) {
            put_bound(chunk, h->custom[i]);
        }
    }
}

static struct histogram_side side_take(const struct histogram_side *side, char **at)
{
    struct histogram_side copy = {.span_count = side->span_count,
                                  .bucket_count = side->bucket_count};
    size_t bytes = side->span_count * sizeof(*side->spans);

    if (bytes > 0) {
        copy.spans = (struct histogram_span *)(void *)*at;
        memcpy(copy.spans, side->spans, bytes);
        *at += bytes;
    }
    return copy;
}

/* Makes the columns for the histograms of this layout, and keeps a copy of it; false when memory is
 * out. The parts of the block are multiples of 8 bytes. */
static bool columns_make(struct chunk_histogram *chunk, const struct histogram *h)
{
    const size_t count =
        FIELD_BUCKETS + (size_t)h->positive.bucket_count + h->negative.bucket_count;
    const size_t fields = chunk->is_float ? 0 : count;
    const size_t floats = 1 + (chunk->is_float ? count : 0);
    const size_t spans = (size_t)h->positive.span_count + h->negative.span_count;
    char *at = mem_try(fields * sizeof(*chunk->fields) + floats * sizeof(*chunk->floats) +
                       h->custom_count * sizeof(double) + spans * sizeof(struct histogram_span));

    if (at == NULL) {
        return false;
    }
    chunk->room = at;
    chunk->field_count = count;
    chunk->fields = (struct chunk_histogram_field *)(void *)at;
    memset(chunk->fields, 0, fields * sizeof(*chunk->fields));
    at += fields * sizeof(*chunk->fields);
    chunk->floats = (struct chunk_histogram_float *)(void *)at;
    for (size_t i = 0; i < floats; i++) {
        chunk->floats[i] = (struct chunk_histogram_float){.leading = LEADING_FRESH};
    }
    at += floats * sizeof(*chunk->floats);
    chunk->layout = (struct histogram){
        .schema = h->schema, .integer = !chunk->is_float, .zero_threshold = h->zero_threshold};
    if (h->custom_count > 0) {
        memcpy(at, h->custom, h->custom_count * sizeof(double));
        chunk->layout.custom = (const double *)(const void *)at;
        chunk->layout.custom_count = h->custom_count;
        at += h->custom_count * sizeof(double);
    }
    chunk->layout.positive = side_take(&h->positive, &at);
    chunk->layout.negative = side_take(&h->negative, &at);
    return true;
}

static bool layout_fits(const struct chunk_histogram *chunk, const struct histogram *h)
{
    const struct histogram *layout = &chunk->layout;

    return h->schema == layout->schema && h->zero_threshold == layout->zero_threshold &&
           histogram_side_layout_eq(&h->positive, &layout->positive) &&
           histogram_side_layout_eq(&h->negative, &layout->negative) &&
           histogram_bounds_eq(h, layout);
}

/* Field `i` as the chunk has it. */
static double field_of(const struct histogram *h, size_t i)
{
    if (i < FIELD_BUCKETS) {
        return i == FIELD_COUNT ? h->count : h->zero_count;
    }
    i -= FIELD_BUCKETS;
    return i < h->positive.bucket_count ? h->positive.buckets[i]
                                        : h->negative.buckets[i - h->positive.bucket_count];
}

static bool is_side_start(const struct chunk_histogram *chunk, size_t i)
{
    return i == FIELD_BUCKETS || i == FIELD_BUCKETS + (size_t)chunk->layout.positive.bucket_count;
}

static void put_time(struct chunk_histogram *chunk, ts t)
{
    const int64_t delta = (int64_t)((uint64_t)t - (uint64_t)chunk->t);

    if (chunk->count == 0) {
        put_varbit(chunk, t);
    } else if (chunk->count == 1) {
        put_varbit(chunk, delta);
    } else {
        put_varbit(chunk, (int64_t)((uint64_t)delta - (uint64_t)chunk->t_delta));
    }
    chunk->t_delta = chunk->count == 0 ? 0 : delta;
    chunk->t = t;
}

/* One count of an integer chunk: itself, its change, then the change of the change. */
static void put_field(struct chunk_histogram *chunk, size_t i, int64_t value)
{
    struct chunk_histogram_field *field = &chunk->fields[i];
    const int64_t delta = value - field->value;

    if (chunk->count == 0 && i < FIELD_BUCKETS) {
        put_uvarbit(chunk, (uint64_t)value);
    } else if (chunk->count == 0) {
        put_varbit(chunk, value);
    } else if (chunk->count == 1) {
        put_varbit(chunk, delta);
    } else {
        put_varbit(chunk, delta - field->delta);
    }
    field->delta = chunk->count == 0 ? 0 : delta;
    field->value = value;
}

static void put_double(struct chunk_histogram *chunk, size_t i, double v)
{
    if (chunk->count == 0) {
        put_bits(chunk, value_bits(v), 64);
        chunk->floats[i].bits = value_bits(v);
    } else {
        put_xor(chunk, &chunk->floats[i], v);
    }
}

static void put_integers(struct chunk_histogram *chunk, const struct histogram *h, bool is_stale)
{
    int64_t before = 0;

    for (size_t i = 0; i < FIELD_BUCKETS; i++) {
        const struct chunk_histogram_field *last = &chunk->fields[i];

        /* With a stale marker the counts go on as they went. */
        put_field(chunk, i,
                  is_stale && chunk->count > 0 ? last->value + (chunk->count > 1 ? last->delta : 0)
                                               : (int64_t)field_of(h, i));
    }
    put_double(chunk, 0, h->sum);
    for (size_t i = FIELD_BUCKETS; !is_stale && i < chunk->field_count; i++) {
        const int64_t count = (int64_t)field_of(h, i);

        put_field(chunk, i, count - (is_side_start(chunk, i) ? 0 : before));
        before = count;
    }
}

static void put_floats(struct chunk_histogram *chunk, const struct histogram *h, bool is_stale)
{
    put_double(chunk, 1 + FIELD_COUNT, h->count);
    put_double(chunk, 1 + FIELD_ZERO, h->zero_count);
    put_double(chunk, 0, h->sum);
    for (size_t i = FIELD_BUCKETS; !is_stale && i < chunk->field_count; i++) {
        put_double(chunk, 1 + i, field_of(h, i));
    }
}

bool chunk_histogram_can_hold(const struct histogram *h)
{
    return !h->integer || histogram_is_stale(h) ||
           (h->count <= COUNT_EXACT_MAX && h->zero_count <= COUNT_EXACT_MAX);
}

static bool fits(const struct chunk_histogram *chunk, const struct histogram *h)
{
    return h->integer != chunk->is_float && chunk_histogram_can_hold(h) &&
           (chunk->count == 0 || layout_fits(chunk, h));
}

bool chunk_histogram_append(struct chunk_histogram *chunk, ts t, const struct histogram *h)
{
    const bool is_stale = histogram_is_stale(h);
    const struct histogram empty = {.sum = h->sum, .integer = !chunk->is_float};

    if (chunk->count == SAMPLES_MAX || chunk->data.failed || (!is_stale && !fits(chunk, h))) {
        return false;
    }
    h = is_stale ? &empty : h;
    if (chunk->count == 0) {
        if (!columns_make(chunk, h)) {
            return false;
        }
        put_layout(chunk, h);
    }
    put_time(chunk, t);
    if (chunk->is_float) {
        put_floats(chunk, h, is_stale);
    } else {
        put_integers(chunk, h, is_stale);
    }
    if (chunk->data.failed) {
        return false;
    }
    chunk->is_stale = is_stale;
    chunk->count++;
    chunk->data.ptr[0] = (char)(chunk->count >> 8);
    chunk->data.ptr[1] = (char)chunk->count;
    return true;
}

size_t chunk_histogram_bytes(const struct chunk_histogram *chunk)
{
    const size_t fields =
        chunk->is_float ? 0 : chunk->field_count * sizeof(struct chunk_histogram_field);
    const size_t floats =
        (1 + (chunk->is_float ? chunk->field_count : 0)) * sizeof(struct chunk_histogram_float);

    return chunk->data.capacity + fields + floats + chunk->layout.custom_count * sizeof(double) +
           ((size_t)chunk->layout.positive.span_count + chunk->layout.negative.span_count) *
               sizeof(struct histogram_span);
}

/* ---- reading bits ---- */

struct bits {
    const uint8_t *data;
    uint64_t at;
    uint64_t end;
    bool failed;
};

/* get_bits reads up to 64 bits; zero and `failed` beyond the end. */
static uint64_t get_bits(struct bits *bits, unsigned count)
{
    uint64_t value = 0;

    if (count > bits->end - bits->at) {
        bits->failed = true;
        bits->at = bits->end;
        return 0;
    }
    while (count > 0) {
        const unsigned used = bits->at % 8;
        const unsigned more = count < 8 - used ? count : 8 - used;
        const unsigned byte = bits->data[bits->at / 8];

        value = value << more | (byte >> (8 - used - more) & ((1U << more) - 1));
        bits->at += more;
        count -= more;
    }
    return value;
}

static unsigned get_form(struct bits *bits)
{
    unsigned ones = 0;

    while (ones < VARBIT_FORMS - 1 && get_bits(bits, 1) == 1) {
        ones++;
    }
    return ones;
}

static int64_t get_varbit(struct bits *bits)
{
    const unsigned size = varbit_bits[get_form(bits)];
    uint64_t value = get_bits(bits, size);

    /* Beyond the middle it is negative; the 64-bit form is two's complement as it stands. */
    if (size > 0 && size < 64 && value > UINT64_C(1) << (size - 1)) {
        value -= UINT64_C(1) << size;
    }
    return (int64_t)value;
}

static uint64_t get_uvarbit(struct bits *bits)
{
    return get_bits(bits, varbit_bits[get_form(bits)]);
}

static double get_xor(struct bits *bits, struct chunk_histogram_float *last)
{
    if (get_bits(bits, 1) == 1) {
        if (get_bits(bits, 1) == 1) {
            const unsigned leading = (unsigned)get_bits(bits, 5);
            const unsigned size = (unsigned)((get_bits(bits, 6) - 1) & 63) + 1;

            if (leading + size > 64) {
                bits->failed = true;
                return 0;
            }
            last->leading = (uint8_t)leading;
            last->trailing = (uint8_t)(64 - leading - size);
        } else if (last->leading == LEADING_FRESH) {
            /* Whoever goes on with a chunk that it has read may start from the widest window. */
            last->leading = last->trailing = 0;
        }
        last->bits ^= get_bits(bits, 64U - last->leading - last->trailing) << last->trailing;
    }
    return value_from_bits(last->bits);
}

/* ---- reading ---- */

/* A chunk being read: its columns, and the layout as a histogram without counts. */
struct walk {
    struct bits bits;
    struct arena scratch; /* of the columns */
    struct arena *arena;  /* of the layout and of what is kept */
    struct histogram layout;
    bool is_float;
    bool is_gauge;
    uint32_t read;
    uint64_t t;
    uint64_t t_delta;
    size_t field_count;
    struct chunk_histogram_field *fields;
    struct chunk_histogram_float *floats;
    double sum;
    struct chunk_starts starts;
};

static double get_threshold(struct bits *bits)
{
    const unsigned code = (unsigned)get_bits(bits, 8);

    if (code == 0) {
        return 0;
    }
    return code == THRESHOLD_ANY ? value_from_bits(get_bits(bits, 64))
                                 : ldexp(0.5, (int)code - THRESHOLD_BIAS);
}

/* Reads the spans of a side; false when they are damaged or beyond bounds. */
static bool get_spans(struct walk *walk, struct histogram_side *ret)
{
    const uint64_t count = get_uvarbit(&walk->bits);
    uint64_t buckets = 0;

    /* A span takes two bits at least. */
    if (count > HISTOGRAM_BUCKETS_MAX || count > (walk->bits.end - walk->bits.at) / 2) {
        return false;
    }
    ret->spans = ARENA_ARRAY(walk->arena, struct histogram_span, count + 1);
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t length = get_uvarbit(&walk->bits);
        const int64_t offset = get_varbit(&walk->bits);

        buckets += length;
        if (length > HISTOGRAM_BUCKETS_MAX || buckets > HISTOGRAM_BUCKETS_MAX ||
            offset > INT32_MAX || offset < INT32_MIN) {
            return false;
        }
        ret->spans[i] = (struct histogram_span){(int32_t)offset, (uint32_t)length};
    }
    ret->span_count = (uint32_t)count;
    ret->bucket_count = (uint32_t)buckets;
    return !walk->bits.failed;
}

static bool get_bounds(struct walk *walk)
{
    const uint64_t count = get_uvarbit(&walk->bits);
    double *custom;

    if (count > HISTOGRAM_BUCKETS_MAX || count > walk->bits.end - walk->bits.at) {
        return false;
    }
    custom = ARENA_ARRAY(walk->arena, double, count + 1);
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t millis = get_uvarbit(&walk->bits);

        custom[i] =
            millis > 0 ? (double)(millis - 1) / 1000 : value_from_bits(get_bits(&walk->bits, 64));
    }
    walk->layout.custom = custom;
    walk->layout.custom_count = (uint32_t)count;
    return !walk->bits.failed;
}

static bool get_layout(struct walk *walk)
{
    struct histogram *layout = &walk->layout;
    int64_t schema;

    layout->zero_threshold = get_threshold(&walk->bits);
    schema = get_varbit(&walk->bits);
    if (schema < INT32_MIN || schema > INT32_MAX || !get_spans(walk, &layout->positive) ||
        !get_spans(walk, &layout->negative)) {
        return false;
    }
    layout->schema = (int32_t)schema;
    layout->integer = !walk->is_float;
    if (histogram_is_custom(layout) && !get_bounds(walk)) {
        return false;
    }
    walk->field_count =
        FIELD_BUCKETS + (size_t)layout->positive.bucket_count + layout->negative.bucket_count;
    walk->fields = ARENA_ARRAY(&walk->scratch, struct chunk_histogram_field, walk->field_count);
    walk->floats = ARENA_ARRAY(&walk->scratch, struct chunk_histogram_float, 1 + walk->field_count);
    for (size_t i = 0; i <= walk->field_count; i++) {
        walk->floats[i].leading = LEADING_FRESH;
    }
    return true;
}

static void get_time(struct walk *walk)
{
    const uint64_t read = (uint64_t)get_varbit(&walk->bits);

    if (walk->read == 0) {
        walk->t = read;
        return;
    }
    walk->t_delta = walk->read == 1 ? read : walk->t_delta + read;
    walk->t += walk->t_delta;
}

static void get_field(struct walk *walk, size_t i)
{
    struct chunk_histogram_field *field = &walk->fields[i];
    uint64_t delta;

    if (walk->read == 0) {
        field->value =
            i < FIELD_BUCKETS ? (int64_t)get_uvarbit(&walk->bits) : get_varbit(&walk->bits);
        return;
    }
    /* Unsigned, since damaged bits may make any sum. */
    delta = (uint64_t)get_varbit(&walk->bits);
    delta += walk->read == 1 ? 0 : (uint64_t)field->delta;
    field->delta = (int64_t)delta;
    field->value = (int64_t)((uint64_t)field->value + delta);
}

static double get_double(struct walk *walk, size_t i)
{
    if (walk->read > 0) {
        return get_xor(&walk->bits, &walk->floats[i]);
    }
    walk->floats[i].bits = get_bits(&walk->bits, 64);
    return value_from_bits(walk->floats[i].bits);
}

static uint64_t get_varint(struct bits *bits)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < UVARINT_BYTES_MAX; i++) {
        const uint64_t byte = get_bits(bits, 8);

        value |= (byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            return value >> 1 ^ (0 - (value & 1));
        }
    }
    bits->failed = true;
    return 0;
}

static void get_start(struct walk *walk, uint64_t before)
{
    if (chunk_starts_has(&walk->starts, walk->read)) {
        chunk_starts_take(&walk->starts, walk->read, walk->read == 0 ? walk->t : before,
                          walk->read == 0 ? (int64_t)get_varint(&walk->bits)
                                          : get_varbit(&walk->bits));
    }
}

/* Reads the next histogram into the columns; false when the chunk ends early. */
static bool walk_next(struct walk *walk)
{
    const uint64_t before = walk->t;

    get_time(walk);
    for (size_t i = 0; i < FIELD_BUCKETS; i++) {
        if (walk->is_float) {
            (void)get_double(walk, 1 + i);
        } else {
            get_field(walk, i);
        }
    }
    walk->sum = get_double(walk, 0);
    for (size_t i = FIELD_BUCKETS; !value_is_stale(walk->sum) && i < walk->field_count; i++) {
        if (walk->is_float) {
            (void)get_double(walk, 1 + i);
        } else {
            get_field(walk, i);
        }
    }
    get_start(walk, before);
    walk->read++;
    return !walk->bits.failed;
}

static double walk_count(const struct walk *walk, size_t i)
{
    return walk->is_float ? value_from_bits(walk->floats[1 + i].bits)
                          : (double)walk->fields[i].value;
}

/* Copies a side's counts; those of integer chunks are differences to the bucket before. */
static void side_counts(const struct walk *walk, size_t first, struct histogram_side *side,
                        double *buckets)
{
    int64_t at = 0;

    for (uint32_t i = 0; i < side->bucket_count; i++) {
        if (walk->is_float) {
            buckets[i] = walk_count(walk, first + i);
        } else {
            at = (int64_t)((uint64_t)at + (uint64_t)walk->fields[first + i].value);
            buckets[i] = (double)at;
        }
    }
    side->buckets = buckets;
}

/* The histogram in the columns, with the hint that its place in the chunk gives it; NULL when
 * memory is out. */
static struct histogram *walk_histogram(const struct walk *walk)
{
    const uint32_t positive = walk->layout.positive.bucket_count;
    const uint32_t negative = walk->layout.negative.bucket_count;
    struct histogram *h = arena_try(walk->arena, sizeof(*h));
    double *buckets = NULL;

    if (h == NULL) {
        return NULL;
    }
    if (value_is_stale(walk->sum)) {
        *h = (struct histogram){.sum = walk->sum, .integer = !walk->is_float};
        return h;
    }
    buckets = arena_try(walk->arena, sizeof(double) * ((size_t)positive + negative + 1));
    if (buckets == NULL) {
        return NULL;
    }
    *h = walk->layout;
    h->hint = walk->is_gauge   ? HISTOGRAM_HINT_GAUGE
              : walk->read > 1 ? HISTOGRAM_HINT_NOT_RESET
                               : HISTOGRAM_HINT_UNKNOWN;
    h->count = walk_count(walk, FIELD_COUNT);
    h->zero_count = walk_count(walk, FIELD_ZERO);
    h->sum = walk->sum;
    side_counts(walk, FIELD_BUCKETS, &h->positive, buckets);
    side_counts(walk, FIELD_BUCKETS + (size_t)positive, &h->negative, buckets + positive);
    return h;
}

static int damaged(struct baro_error *err, str data)
{
    return error_at(err, BARO_ECORRUPT, data.len,
                    "histogram chunk of %zu bytes ends before its samples do, or is damaged",
                    data.len);
}

static int keep(const struct walk *walk, struct sample_buf *ret, struct baro_error *err)
{
    const struct histogram *h = walk_histogram(walk);

    if (h == NULL || !sample_buf_reserve(ret, 1) || !sample_buf_add_h(ret) ||
        (walk->starts.st != 0 && !sample_buf_add_st(ret))) {
        return error_set(err, BARO_ELIMIT, "no memory for the histograms of a series");
    }
    if (!histogram_is_stale(h)) {
        int r = histogram_check(h, err);

        if (r < 0) {
            return error_wrap(err, BARO_ECORRUPT, "histogram chunk");
        }
    }
    ret->t[ret->count] = (ts)walk->t;
    ret->v[ret->count] = h->sum;
    ret->h[ret->count] = h;
    if (ret->st != NULL) {
        ret->st[ret->count] = (ts)walk->starts.st;
    }
    ret->count++;
    return 0;
}

static int decode(struct walk *walk, uint32_t count, str data, ts start, ts end,
                  struct sample_buf *ret, struct baro_error *err)
{
    if (count > 0 && !get_layout(walk)) {
        return damaged(err, data);
    }
    while (walk->read < count) {
        if (!walk_next(walk)) {
            return damaged(err, data);
        }
        if ((ts)walk->t > end) {
            return 0;
        }
        if ((ts)walk->t >= start) {
            int r = keep(walk, ret, err);

            if (r < 0) {
                return r;
            }
        }
    }
    return 0;
}

/* walk_over begins to read a chunk: its count, or BARO_ECORRUPT. Where there are start timestamps
 * the upper bits of the count are the flags. */
static int walk_over(struct walk *walk, str data, bool has_starts, struct baro_error *err)
{
    const uint8_t *bytes = (const uint8_t *)data.ptr;

    if (data.len < HEADER_BYTES) {
        return damaged(err, data);
    }
    walk->is_gauge = (bytes[has_starts ? 0 : 2] & CHUNK_START_GAUGE) == CHUNK_START_GAUGE;
    walk->starts = chunk_starts_of(has_starts ? bytes[2] : 0);
    walk->bits = (struct bits){bytes, (uint64_t)HEADER_BYTES * 8, (uint64_t)data.len * 8, false};
    return has_starts ? (int)chunk_histogram_st_count(data) : bytes[0] << 8 | bytes[1];
}

static int decode_all(str data, struct walk *walk, bool has_starts, ts start, ts end,
                      struct sample_buf *ret, struct baro_error *err)
{
    const size_t before = ret->count;
    int count = walk_over(walk, data, has_starts, err), r;

    if (count < 0) {
        return count;
    }
    r = decode(walk, (uint32_t)count, data, start, end, ret, err);
    arena_done(&walk->scratch);
    if (r < 0) {
        ret->count = before;
    }
    return r;
}

int chunk_histogram_decode(str data, bool is_float, ts start, ts end, struct sample_buf *ret,
                           struct baro_error *err)
{
    struct walk walk = {.arena = &ret->arena, .is_float = is_float};

    return decode_all(data, &walk, false, start, end, ret, err);
}

int chunk_histogram_st_decode(str data, bool is_float, ts start, ts end, struct sample_buf *ret,
                              struct baro_error *err)
{
    struct walk walk = {.arena = &ret->arena, .is_float = is_float};

    return decode_all(data, &walk, true, start, end, ret, err);
}

/* ---- adding start timestamps ---- */

/* Copies the bits of the chunk from `first` to where the walk is. */
static void copy_bits(const struct walk *walk, uint64_t first, uint8_t *data, uint32_t *at)
{
    struct bits from = walk->bits;

    for (from.at = first; from.at < walk->bits.at;) {
        const uint64_t left = walk->bits.at - from.at;
        const unsigned more = left < 64 ? (unsigned)left : 64;

        chunk_bits_put(data, at, get_bits(&from, more), more);
    }
}

static void put_start(uint8_t *data, uint32_t *at, struct chunk_starts *starts, uint32_t index,
                      uint64_t t, ts st)
{
    uint8_t raw[UVARINT_BYTES_MAX];
    int64_t number = 0;

    if (!chunk_starts_give(starts, index, t, st, &number)) {
        return;
    }
    if (index > 0) {
        chunk_bits_put_varbit(data, at, number);
        return;
    }
    for (const uint8_t *byte = raw, *end = put_varint(raw, number); byte < end; byte++) {
        chunk_bits_put(data, at, *byte, 8);
    }
}

/* Each histogram's bits stay as they are, and those of its start follow them. */
static int add_starts(struct walk *walk, uint32_t count, const ts *st, uint8_t *to,
                      uint32_t *ret_bits)
{
    struct chunk_starts starts = {0};
    uint32_t at = HEADER_BYTES * 8;
    uint64_t first = walk->bits.at;
    bool is_good = get_layout(walk);

    for (uint32_t i = 0; is_good && i < count; i++) {
        const uint64_t before = walk->t;

        is_good = walk_next(walk);
        copy_bits(walk, first, to, &at);
        first = walk->bits.at;
        put_start(to, &at, &starts, i, i == 0 ? walk->t : before, st != NULL ? st[i] : 0);
    }
    to[2] = chunk_starts_header(&starts);
    *ret_bits = at;
    return is_good ? 0 : BARO_ECORRUPT;
}

int chunk_histogram_add_starts(str data, bool is_float, const ts *st, struct buf *ret,
                               struct baro_error *err)
{
    struct arena arena = {0};
    struct walk walk = {.arena = &arena, .is_float = is_float};
    const int count = walk_over(&walk, data, false, err);
    /* 72 bits for each start, 80 for the first. */
    size_t room = data.len + 16;
    uint32_t bits = 0;
    int r = count;

    if (count == 0 || count > CHUNK_HISTOGRAM_ST_SAMPLES_MAX) {
        r = error_set(err, BARO_ELIMIT, "a chunk has %d histograms", count);
    }
    if (r >= 0) {
        room += (size_t)count * 9;
        buf_reset(ret);
        buf_zero(ret, room);
        r = ret->failed ? error_set(err, BARO_ELIMIT, "no memory for a chunk of %zu bytes", room)
                        : 0;
    }
    if (r >= 0) {
        uint8_t *to = (uint8_t *)ret->ptr;

        r = add_starts(&walk, (uint32_t)count, st, to, &bits);
        to[0] = (uint8_t)(count >> 8 | ((uint8_t)data.ptr[2] & CHUNK_START_GAUGE));
        to[1] = (uint8_t)count;
        ret->len = (bits + 7u) / 8;
        r = r < 0 ? damaged(err, data) : 0;
    }
    arena_done(&walk.scratch);
    arena_done(&arena);
    return r;
}

/* ---- going on with a chunk ---- */

static int resume(struct chunk_histogram *chunk, struct walk *walk, uint32_t count, str data,
                  struct baro_error *err)
{
    if (!get_layout(walk)) {
        return damaged(err, data);
    }
    while (walk->read < count) {
        if (!walk_next(walk)) {
            return damaged(err, data);
        }
    }
    /* What follows is written into the last byte. */
    if (walk->bits.end - walk->bits.at >= 8) {
        return error_set(err, BARO_ECORRUPT, "histogram chunk has bytes behind its samples");
    }
    buf_reset(&chunk->data);
    buf_str(&chunk->data, data);
    if (chunk->data.failed || !columns_make(chunk, &walk->layout)) {
        return error_set(err, BARO_ELIMIT, "no memory for a histogram chunk");
    }
    if (!chunk->is_float) {
        memcpy(chunk->fields, walk->fields, chunk->field_count * sizeof(*chunk->fields));
    }
    memcpy(chunk->floats, walk->floats,
           (1 + (chunk->is_float ? chunk->field_count : 0)) * sizeof(*chunk->floats));
    chunk->free_bits = (unsigned)(walk->bits.end - walk->bits.at);
    chunk->count = (uint16_t)count;
    chunk->t = (ts)walk->t;
    chunk->t_delta = (int64_t)walk->t_delta;
    chunk->is_stale = value_is_stale(walk->sum);
    return 0;
}

int chunk_histogram_resume(struct chunk_histogram *chunk, str data, bool is_float,
                           struct baro_error *err)
{
    struct arena arena = {0};
    struct walk walk = {.arena = &arena, .is_float = is_float};
    int count = walk_over(&walk, data, false, err), r;

    if (count <= 0) {
        return count < 0 ? count : damaged(err, data);
    }
    chunk_histogram_begin(chunk, is_float, CHUNK_START_UNKNOWN);
    r = resume(chunk, &walk, (uint32_t)count, data, err);
    arena_done(&walk.scratch);
    arena_done(&arena);
    return r;
}
