#include "tsdb/wal_salvage.h"

#include "codec/bytes.h"
#include "tsdb/wal.h"
#include "tsdb/wal_priv.h"
#include "tsdb/wal_record.h"

enum { TYPE_BITS = WAL_TYPE_MASK | WAL_FLAG_SNAPPY | WAL_FLAG_ZSTD };

struct salvage {
    struct wal_reader reader;
    struct wal_verdict *verdict;
    struct wal_batch batch; /* one record at a time */
    struct buf *good;
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

/* Where to go on behind damage: the fragment that the length tells of, when it lies in the page,
 * else the next page. What is wrong there is the next fault of the same run. */
static void step_over(struct salvage *salvage, bool was_stepped)
{
    struct wal_reader *reader = &salvage->reader;
    size_t page_end = (reader->offset / WAL_PAGE_BYTES + 1) * WAL_PAGE_BYTES;
    struct reader rd = {.data = reader->data, .offset = reader->offset + 1};
    size_t next = reader->offset + WAL_HEADER_BYTES + read_be16(&rd);

    reader->offset = !was_stepped && !rd.failed && next < page_end ? next : page_end;
    if (reader->offset > reader->data.len) {
        reader->offset = reader->data.len;
    }
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

int wal_salvage_segment(str data, struct wal_verdict *ret, struct buf *ret_good,
                        struct baro_error *err)
{
    struct salvage salvage = {
        .verdict = ret, .good = ret_good, .batch = {.compress = COMPRESS_SNAPPY}};
    bool is_in_fault = false;
    size_t fault_at = 0;
    int failure = 0;

    *ret = (struct wal_verdict){0};
    wal_reader_over(&salvage.reader, data);
    while (failure >= 0) {
        size_t before = salvage.reader.offset;
        struct baro_error fault = {0};
        str record = STR_NULL;
        int r = wal_reader_next(&salvage.reader, &record, &fault);

        if (r > 0) {
            r = check_types(&salvage, before, salvage.reader.offset, &fault);
            r = r < 0 ? r : check_record(&salvage, record, &fault);
            r = r < 0 ? r : 1;
        }
        if (r == 0) {
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
            step_over(&salvage, is_in_fault);
        }
        is_in_fault = true;
    }
    ret->bytes_lost += is_in_fault ? data.len - fault_at : 0;
    ret->is_torn = ret->faults == 1 && !salvage.was_good_behind;
    wal_reader_done(&salvage.reader);
    wal_batch_done(&salvage.batch);
    return failure;
}
