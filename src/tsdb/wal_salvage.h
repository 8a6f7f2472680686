/*
 * wal_salvage: whether every byte of a segment of a log (WAL, checkpoint, WBL) is what it has to
 * be, and which records are still good where it is not. After damage it goes on at the next
 * place of the page where a record begins whose checksum holds, or at the next page. Format:
 * docs/formats/wal.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

struct wal_verdict {
    uint64_t records;    /* good ones */
    uint64_t faults;     /* places where records are lost */
    uint64_t bytes_lost; /* behind the first fault and before the next good record, all faults */
    bool is_torn;        /* the only fault is the end: a write that was cut short */
    struct baro_error first; /* of the faults */
};

/* Where good records go besides: BARO_ECORRUPT refuses one, which then counts as damage; any other
 * failure ends the reading. */
struct wal_salvage_taker {
    int (*take)(void *context, str record, struct baro_error *err);
    void *context;
};

/*
 * wal_salvage_rest reads a segment from `from` on, where a record begins or damage lies. The good
 * records go to the taker, and are framed anew into `ret_good` (NULL = not wanted): what stands
 * before `from`, and these bytes, are a segment. Fails as the taker does, and with BARO_ELIMIT.
 */
int wal_salvage_rest(str data, size_t from, const struct wal_salvage_taker *taker,
                     struct wal_verdict *ret, struct buf *ret_good, struct baro_error *err);

/*
 * wal_salvage_segment reads a segment. The good records are framed anew into `ret_good` (NULL = not
 * wanted), which is a segment then. Fails with BARO_ELIMIT only.
 */
int wal_salvage_segment(str data, struct wal_verdict *ret, struct buf *ret_good,
                        struct baro_error *err);
