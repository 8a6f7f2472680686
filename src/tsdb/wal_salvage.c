#include "tsdb/wal_salvage.h"

#include "codec/bytes.h"
#include "codec/crc32c.h"
#include "tsdb/wal.h"
#include "tsdb/wal_priv.h"
#include "tsdb/wal_record.h"

enum { TYPE_BITS = WAL_TYPE_MASK | WAL_FLAG_SNAPPY | WAL_FLAG_ZSTD };

struct salvage {
    struct wal_reader reader;
    struct wal_verdict *verdict;
    struct wal_batch batch; /* one record at a time */
    struct buf *good;
    const struct wal_salvage_taker *taker; /* NULL = none */
    uint32_t page_used;
    bool was_good_behind; /* a record stands behind the last fault */
};

static void note_fault(struct salvage *salvage, const struct baro_error *err)
{
    if (salvage->verdict->faults++ == 0) {
        salvage->verdict->first = *err;
    }
    salvage->was_good_behind = false;
}

/* The bits of a fragment's type that no checksum covers. */
static int check_types(struct salvage *salvage, size_t from, size_t to, struct baro_error *err)
{
    str data = salvage->reader.data;

    while (from < to) {
        uint8_t type = (uint8_t)data.ptr[from];
        struct reader rd = {.data = data, .offset = from + 1};

        if ((type & WAL_TYPE_MASK) == WAL_PAGE_END) {
            if (type != 0) {
                return error_at(err, BARO_ECORRUPT, from, "the padding of a WAL page is not zero");
            }
            from = (from / WAL_PAGE_BYTES + 1) * WAL_PAGE_BYTES;
            continue;
        }
        if ((type & ~TYPE_BITS) != 0) {
            return error_at(err, BARO_ECORRUPT, from, "a WAL fragment has an unknown type");
        }
        from += WAL_HEADER_BYTES + read_be16(&rd);
    }
    return 0;
}

/* A place in the page where a record may begin whose checksum holds, or the end of the page. How
 * much is looked at has a bound, whatever the bytes say. */
static size_t find_record(str data, size_t from)
{
    enum { CHECKED_BYTES_MAX = 64 * WAL_PAGE_BYTES };
    size_t page_end = (from / WAL_PAGE_BYTES + 1) * WAL_PAGE_BYTES, checked = 0;
    size_t end = page_end < data.len ? page_end : data.len;

    for (size_t at = from; at + WAL_HEADER_BYTES <= end && checked < CHECKED_BYTES_MAX; at++) {
        struct reader rd = {.data = data, .offset = at};
        uint8_t type = read_u8(&rd);
        uint16_t len = read_be16(&rd);
        uint32_t crc = read_be32(&rd);

        if (((type & WAL_TYPE_MASK) != WAL_FULL && (type & WAL_TYPE_MASK) != WAL_FIRST) ||
            (type & ~TYPE_BITS) != 0 || len == 0 || at + WAL_HEADER_BYTES + len > end) {
            continue;
        }
        checked += len;
        if (crc == crc32c(str_slice(data, rd.offset, rd.offset + len))) {
            return at;
        }
    }
    return end;
}

/* Where to go on behind damage: at the next record of the page, else at the next page. */
static void step_over(struct salvage *salvage)
{
    struct wal_reader *reader = &salvage->reader;

    reader->offset = find_record(reader->data, reader->offset + 1);
}

static int keep(struct salvage *salvage, str record, struct baro_error *err)
{
    struct wal_batch *batch = &salvage->batch;
    int r;

    salvage->verdict->records++;
    salvage->was_good_behind = true;
    if (salvage->good == NULL) {
        return 0;
    }
    wal_batch_reset(batch);
    r = wal_batch_add(batch, record, err);
    if (r >= 0) {
        struct wal_batch_record *packed = &batch->records[0];

        (void)wal_frame(salvage->good, &salvage->page_used,
                        str_of(batch->packed.ptr + packed->offset, packed->len), packed->kind);
        r = salvage->good->failed ? error_set(err, BARO_ELIMIT, "no memory for a WAL segment") : 0;
    }
    return r;
}

/* A record of a kind that no writer makes has come out of a damaged flag. */
static int check_record(const struct salvage *salvage, str record, struct baro_error *err)
{
    uint8_t type = wal_record_type(record);

    return type == 0 || type > WAL_RECORD_MIN_VALID_TIME
               ? error_at(err, BARO_ECORRUPT, salvage->reader.record_start,
                          "a WAL record is of kind %u, which nobody writes", type)
               : 0;
}

/* The next record that is good for everybody: 1, or 0 at the end. BARO_ECORRUPT is damage, told in
 * *fault; any other failure, in *err, ends the reading. */
static int next_good(struct salvage *salvage, str *ret, struct baro_error *fault,
                     struct baro_error *err)
{
    size_t before = salvage->reader.offset;
    struct baro_error why = {0};
    int r = wal_reader_next(&salvage->reader, ret, fault);

    if (r <= 0) {
        return r < 0 && r != BARO_ECORRUPT ? error_wrap(err, r, "%s", fault->message) : r;
    }
    r = check_types(salvage, before, salvage->reader.offset, fault);
    r = r < 0 ? r : check_record(salvage, *ret, fault);
    if (r >= 0 && salvage->taker != NULL) {
        r = salvage->taker->take(salvage->taker->context, *ret, &why);
        if (r == BARO_ECORRUPT) {
            (void)error_at(fault, r, salvage->reader.record_start, "%s", why.message);
        } else if (r < 0 && err != NULL) {
            *err = why;
        }
    }
    return r < 0 ? r : 1;
}

int wal_salvage_segment(str data, struct wal_verdict *ret, struct buf *ret_good,
                        struct baro_error *err)
{
    return wal_salvage_rest(data, 0, NULL, ret, ret_good, err);
}

int wal_salvage_rest(str data, size_t from, const struct wal_salvage_taker *taker,
                     struct wal_verdict *ret, struct buf *ret_good, struct baro_error *err)
{
    struct salvage salvage = {.verdict = ret,
                              .good = ret_good,
                              .taker = taker,
                              .page_used = from % WAL_PAGE_BYTES,
                              .batch = {.compress = COMPRESS_SNAPPY}};
    bool is_in_fault = false;
    size_t fault_at = 0;
    int failure = 0;

    *ret = (struct wal_verdict){0};
    wal_reader_over(&salvage.reader, data);
    salvage.reader.offset = salvage.reader.record_start = from;
    while (failure >= 0) {
        size_t before = salvage.reader.offset;
        struct baro_error fault = {0};
        str record = STR_NULL;
        int r = next_good(&salvage, &record, &fault, err);

        if (r == 0 || (r < 0 && r != BARO_ECORRUPT)) {
            failure = r;
            break;
        }
        if (r > 0) {
            ret->bytes_lost += is_in_fault ? before - fault_at : 0;
            is_in_fault = false;
            failure = keep(&salvage, record, err);
            continue;
        }
        if (!is_in_fault) {
            note_fault(&salvage, &fault);
            fault_at = before;
        }
        if (salvage.reader.offset == before) {
            step_over(&salvage);
        }
        is_in_fault = true;
    }
    ret->bytes_lost += is_in_fault ? data.len - fault_at : 0;
    ret->is_torn = ret->faults == 1 && !salvage.was_good_behind;
    wal_reader_done(&salvage.reader);
    wal_batch_done(&salvage.batch);
    return failure;
}
