#include "tsdb/wal_record.h"

#include <errno.h>

#include "base/mem.h"

void wal_put_type(struct buf *buf, enum wal_record_type type)
{
    write_u8(buf, (uint8_t)type);
}

static void put_labels(struct buf *buf, struct labels labels)
{
    write_uvarint(buf, labels.count);
    for (size_t i = 0; i < labels.count; i++) {
        write_uvarint_bytes(buf, labels.items[i].name);
        write_uvarint_bytes(buf, labels.items[i].value);
    }
}

void wal_put_series(struct buf *buf, series_ref ref, struct labels labels)
{
    write_be64(buf, ref);
    put_labels(buf, labels);
}

void wal_put_metadata(struct buf *buf, series_ref ref, const struct metadata *metadata)
{
    write_uvarint(buf, ref);
    write_u8(buf, (uint8_t)metadata->type);
    write_uvarint(buf, 2);
    write_uvarint_bytes(buf, STR("UNIT"));
    write_uvarint_bytes(buf, metadata->unit);
    write_uvarint_bytes(buf, STR("HELP"));
    write_uvarint_bytes(buf, metadata->help);
}

void wal_put_samples(struct buf *buf, const series_ref *refs, const ts *t, const double *v,
                     size_t count)
{
    enum { SAMPLE_BYTES_MAX = 2 * UVARINT_BYTES_MAX + 8, HEADER_BYTES = 17 };
    uint8_t *at;

    ASSERT(count > 0);
    at = (uint8_t *)buf_reserve(buf, HEADER_BYTES + count * SAMPLE_BYTES_MAX);
    if (at == NULL) {
        return;
    }
    at = put_u8(at, WAL_RECORD_SAMPLES);
    at = put_be64(at, refs[0]);
    at = put_be64(at, (uint64_t)t[0]);
    for (size_t i = 0; i < count; i++) {
        at = put_varint(at, (int64_t)(refs[i] - refs[0]));
        at = put_varint(at, (int64_t)((uint64_t)t[i] - (uint64_t)t[0]));
        at = put_be64(at, value_bits(v[i]));
    }
    buf->len = (size_t)((char *)at - buf->ptr);
}

void wal_put_sample(struct buf *buf, series_ref ref, ts t, double v, series_ref first_ref,
                    ts first_t, bool is_first)
{
    if (is_first) {
        write_be64(buf, first_ref);
        write_be64(buf, (uint64_t)first_t);
    }
    write_varint(buf, (int64_t)(ref - first_ref));
    write_varint(buf, (int64_t)((uint64_t)t - (uint64_t)first_t));
    write_be64(buf, value_bits(v));
}

void wal_put_samples_st(struct buf *buf, const series_ref *refs, const ts *t, const double *v,
                        const ts *st, size_t count)
{
    struct wal_samples_at at = {0};

    ASSERT(count > 0);
    wal_put_type(buf, WAL_RECORD_SAMPLES_V2);
    for (size_t i = 0; i < count; i++) {
        wal_put_sample_st(buf, &at, refs[i],
                          &(struct sample){.t = t[i], .v = v[i], .st = st != NULL ? st[i] : 0});
    }
}

void wal_put_sample_st(struct buf *buf, struct wal_samples_at *at, series_ref ref,
                       const struct sample *sample)
{
    if (!at->has_one) {
        at->has_one = true;
        at->first_t = sample->t;
        at->first_st = sample->st;
        write_varint(buf, (int64_t)ref);
        write_varint(buf, sample->t);
        write_varint(buf, sample->st);
    } else {
        write_varint(buf, (int64_t)(ref - at->ref));
        write_varint(buf, (int64_t)((uint64_t)sample->t - (uint64_t)at->first_t));
        wal_put_start(buf, sample->st, at->first_st, at->st);
    }
    write_be64(buf, value_bits(sample->v));
    at->ref = ref;
    at->st = sample->st;
}

void wal_put_exemplar(struct buf *buf, series_ref ref, const struct exemplar *exemplar,
                      series_ref first_ref, ts first_t, bool is_first)
{
    if (is_first) {
        write_be64(buf, first_ref);
        write_be64(buf, (uint64_t)first_t);
    }
    write_varint(buf, (int64_t)(ref - first_ref));
    write_varint(buf, (int64_t)((uint64_t)exemplar->t - (uint64_t)first_t));
    write_be64(buf, value_bits(exemplar->value));
    put_labels(buf, exemplar->labels);
}

void wal_labels_done(struct wal_labels *labels)
{
    labels->items = mem_free(labels->items);
    labels->count = labels->capacity = 0;
}

struct reader wal_record_body(str record)
{
    return reader_over(str_from_index(record, 1));
}

static int corrupt(const struct reader *rd, const char *what, struct baro_error *err)
{
    return error_set(err, BARO_ECORRUPT, "%s record is damaged at byte %zu", what, rd->offset + 1);
}

static bool next_labels(struct reader *rd, struct wal_labels *labels)
{
    uint64_t count = read_uvarint(rd);

    /* A label takes two bytes at least, so a count beyond that is damage. */
    if (rd->failed || count > WAL_LABELS_MAX || count > reader_left(rd) / 2) {
        return false;
    }
    if (count > labels->capacity) {
        labels->capacity = (size_t)count + 16;
        labels->items = mem_realloc(labels->items, labels->capacity * sizeof(struct label));
    }
    for (uint64_t i = 0; i < count; i++) {
        labels->items[i].name = read_uvarint_bytes(rd);
        labels->items[i].value = read_uvarint_bytes(rd);
    }
    labels->count = (size_t)count;
    return !rd->failed;
}

int wal_next_series(struct reader *rd, series_ref *ret, struct wal_labels *labels,
                    struct baro_error *err)
{
    series_ref ref;

    if (reader_left(rd) == 0) {
        return 0;
    }
    ref = read_be64(rd);
    if (!next_labels(rd, labels)) {
        return corrupt(rd, "series", err);
    }
    *ret = ref;
    return 1;
}

int wal_next_metadata(struct reader *rd, series_ref *ret, struct metadata *ret_metadata,
                      struct baro_error *err)
{
    struct metadata found = {0};
    series_ref ref;
    uint64_t fields;
    uint8_t type;

    if (reader_left(rd) == 0) {
        return 0;
    }
    ref = read_uvarint(rd);
    type = read_u8(rd);
    fields = read_uvarint(rd);
    for (uint64_t i = 0; i < fields && !rd->failed; i++) {
        str name = read_uvarint_bytes(rd);
        str value = read_uvarint_bytes(rd);

        if (str_is(name, "UNIT")) {
            found.unit = value;
        } else if (str_is(name, "HELP")) {
            found.help = value;
        }
    }
    if (rd->failed) {
        return corrupt(rd, "metadata", err);
    }
    /* The numbers of Prometheus's records are those of enum metric_type. */
    found.type = type < METRIC_TYPE_COUNT ? (enum metric_type)type : METRIC_UNKNOWN;
    *ret = ref;
    *ret_metadata = found;
    return 1;
}

int wal_next_exemplar(struct reader *rd, struct wal_exemplar_base *base, series_ref *ret,
                      struct exemplar *ret_exemplar, struct wal_labels *labels,
                      struct baro_error *err)
{
    struct exemplar found = {0};
    series_ref ref;

    if (reader_left(rd) == 0) {
        return 0;
    }
    if (!base->is_set) {
        base->ref = read_be64(rd);
        base->t = (ts)read_be64(rd);
        base->is_set = true;
        if (reader_left(rd) == 0 && !rd->failed) {
            return 0;
        }
    }
    ref = base->ref + (uint64_t)read_varint(rd);
    found.t = (ts)((uint64_t)base->t + (uint64_t)read_varint(rd));
    found.value = value_from_bits(read_be64(rd));
    if (!next_labels(rd, labels)) {
        return corrupt(rd, "exemplar", err);
    }
    found.labels = (struct labels){labels->items, labels->count};
    *ret = ref;
    *ret_exemplar = found;
    return 1;
}

void wal_samples_done(struct wal_samples *samples)
{
    samples->refs = mem_free(samples->refs);
    samples->t = mem_free(samples->t);
    samples->v = mem_free(samples->v);
    samples->st_room = mem_free(samples->st_room);
    samples->st = NULL;
    samples->count = samples->capacity = 0;
}

static bool samples_reserve(struct wal_samples *samples, size_t count)
{
    if (count <= samples->capacity) {
        return true;
    }
    wal_samples_done(samples);
    samples->refs = mem_try(count * sizeof(series_ref));
    samples->t = mem_try(count * sizeof(ts));
    samples->v = mem_try(count * sizeof(double));
    samples->st_room = mem_try(count * sizeof(ts));
    if (samples->refs == NULL || samples->t == NULL || samples->v == NULL ||
        samples->st_room == NULL) {
        wal_samples_done(samples);
        return false;
    }
    samples->capacity = count;
    return true;
}

/* Varints are mostly one or two bytes here; the rest goes the checked way. */
static inline uint64_t fast_uvarint(struct reader *rd)
{
    const uint8_t *at = (const uint8_t *)rd->data.ptr + rd->offset;

    if (LIKELY(rd->data.len - rd->offset >= 2 && at[1] < 0x80 && at[0] >= 0x80)) {
        rd->offset += 2;
        return (uint64_t)(at[0] & 0x7f) | (uint64_t)at[1] << 7;
    }
    return read_uvarint(rd);
}

static void read_samples_v1(struct reader *rd, struct wal_samples *ret)
{
    uint64_t first_ref = read_be64(rd);
    uint64_t first_t = read_be64(rd);
    size_t n = 0;

    while (!rd->failed && rd->offset < rd->data.len) {
        uint64_t ref = first_ref + (uint64_t)unzigzag(fast_uvarint(rd));
        uint64_t t = first_t + (uint64_t)read_varint(rd);
        uint64_t bits = read_be64(rd);

        ret->refs[n] = ref;
        ret->t[n] = (ts)t;
        ret->v[n++] = value_from_bits(bits);
    }
    ret->count = rd->failed ? 0 : n;
}

enum { START_NONE = 0, START_SAME = 1, START_GIVEN = 2 };

void wal_put_start(struct buf *buf, ts st, ts first, ts before)
{
    if (st == 0 || st == before) {
        write_u8(buf, st == 0 ? START_NONE : START_SAME);
        return;
    }
    write_u8(buf, START_GIVEN);
    write_varint(buf, (int64_t)((uint64_t)st - (uint64_t)first));
}

ts wal_next_start(struct reader *rd, ts first, ts before)
{
    uint8_t marker = read_u8(rd);

    if (marker == START_NONE || marker == START_SAME) {
        return marker == START_NONE ? 0 : before;
    }
    return (ts)((uint64_t)first + (uint64_t)read_varint(rd));
}

/* Version 2: ref as difference to the one before, time to the first; a marker says whether a start
 * time follows. */
static void read_samples_v2(struct reader *rd, struct wal_samples *ret)
{
    uint64_t ref = 0, first_t = 0;
    size_t n = 0;

    ret->st = ret->st_room;

    while (!rd->failed && rd->offset < rd->data.len) {
        ref += (uint64_t)read_varint(rd);
        ret->refs[n] = ref;
        ret->t[n] = (ts)(first_t + (uint64_t)read_varint(rd));
        if (n == 0) {
            first_t = (uint64_t)ret->t[0];
            ret->st[0] = read_varint(rd);
        } else {
            ret->st[n] = wal_next_start(rd, ret->st[0], ret->st[n - 1]);
        }
        ret->v[n++] = value_from_bits(read_be64(rd));
    }
    ret->count = rd->failed ? 0 : n;
}

int wal_read_samples(str record, struct wal_samples *ret, struct baro_error *err)
{
    enum { SAMPLE_BYTES_MIN = 10 };
    struct reader rd = wal_record_body(record);

    ret->count = 0;
    ret->st = NULL;
    if (reader_left(&rd) == 0) {
        return 0;
    }
    if (!samples_reserve(ret, record.len / SAMPLE_BYTES_MIN + 2)) {
        return error_set(err, -ENOMEM, "no memory for a samples record of %zu bytes", record.len);
    }
    if (wal_record_type(record) == WAL_RECORD_SAMPLES) {
        read_samples_v1(&rd, ret);
    } else {
        read_samples_v2(&rd, ret);
    }
    return rd.failed ? corrupt(&rd, "samples", err) : 0;
}

int wal_read_min_valid_time(str record, ts *ret, struct baro_error *err)
{
    struct reader rd = wal_record_body(record);
    ts t = (ts)read_be64(&rd);

    if (rd.failed) {
        return corrupt(&rd, "min valid time", err);
    }
    *ret = t;
    return 0;
}
