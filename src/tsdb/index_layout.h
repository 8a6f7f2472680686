/*
 * index_layout: whether every byte of an index file is what it has to be. A reader looks at what it
 * is asked for; this walks through all sections, one behind the other, checks every checksum, and
 * that what lies between them is zeros. Format: docs/formats/index.md.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

enum { INDEX_HEADER_BYTES = 5, INDEX_SERIES_ALIGN = 16 };

/* index_series_end is where the series end by the table of contents, or where the file does when
 * that is damaged. */
uint64_t index_series_end(str data);

/* index_layout_check returns 0, or BARO_ECORRUPT with the first fault. */
int index_layout_check(str data, struct baro_error *err);

/*
 * index_series_scan finds the series entries whose checksum holds without the help of postings or
 * the table of contents, for salvage. It begins at *offset (0 = the first place where one may be),
 * gives the reference of the next entry and moves *offset behind it: 1, or 0 when there is none
 * left. The symbols must be readable: BARO_ECORRUPT otherwise.
 */
int index_series_scan(str data, uint64_t *offset, uint32_t *ret_ref, struct baro_error *err);
