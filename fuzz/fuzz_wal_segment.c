/* A segment of the WAL: whatever the bytes, records come out whole or the reader says where it
 * ended, and what it gave writes and reads back the same. */
#include "fuzz/fuzz.h"

#include "base/assert.h"
#include "tsdb/wal.h"
#include "tsdb/wal_salvage.h"

/* What is salvaged is a segment of which all is good, and as many records. */
static void salvage(str segment)
{
    struct wal_verdict verdict, again;
    struct buf good = {0};

    if (wal_salvage_segment(segment, &verdict, &good, NULL) >= 0) {
        ASSERT(wal_salvage_segment(buf_view(&good), &again, NULL, NULL) >= 0);
        ASSERT(again.faults == 0 && again.records == verdict.records);
    }
    buf_done(&good);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wal_reader reader = {0}, again = {0};
    struct baro_error err = {0};
    str record = STR_NULL, copy = STR_NULL;
    uint32_t used = 0;
    int r;

    wal_reader_over(&reader, str_of((const char *)data, size));
    while ((r = wal_reader_next(&reader, &record, &err)) == 1) {
        struct buf page = {0};

        ASSERT(reader.offset <= size);
        (void)wal_frame(&page, &used, record, COMPRESS_NONE);
        if (used == page.len % WAL_PAGE_BYTES) {
            wal_reader_over(&again, buf_view(&page));
            ASSERT(wal_reader_next(&again, &copy, &err) == 1);
            ASSERT(str_eq(record, copy));
        }
        used = 0;
        buf_done(&page);
    }
    ASSERT(r == 0 || err.offset <= size);
    salvage(str_of((const char *)data, size));
    wal_reader_done(&reader);
    wal_reader_done(&again);
    return 0;
}
