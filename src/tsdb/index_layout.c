#include "tsdb/index_layout.h"

#include <stdlib.h>

#include "codec/bytes.h"
#include "codec/crc32c.h"
#include "tsdb/frame_mend.h"

enum {
    CRC_BYTES = 4,
    TOC_SECTIONS = 6,
    TOC_BYTES = TOC_SECTIONS * 8 + CRC_BYTES,
    SECTION_ALIGN = 4,
};

/* In the order of the table of contents. */
enum section_kind {
    SECTION_SYMBOLS,
    SECTION_SERIES,
    SECTION_LABEL_INDEXES,
    SECTION_LABEL_OFFSETS,
    SECTION_POSTINGS,
    SECTION_POSTINGS_OFFSETS,
};

struct index_part {
    enum section_kind kind;
    uint64_t start;
    uint64_t end;
};

static int fault(struct baro_error *err, uint64_t offset, const char *what)
{
    return error_at(err, BARO_ECORRUPT, offset, "index: %s", what);
}

static uint64_t aligned(uint64_t offset, uint64_t align)
{
    return (offset + align - 1) / align * align;
}

/* Moves over zeros up to a multiple of `align`, or to the end. */
static int skip_zeros(str data, uint64_t *offset, uint64_t align, uint64_t end,
                      struct baro_error *err)
{
    uint64_t to = aligned(*offset, align);

    to = to < end ? to : end;
    for (; *offset < to; (*offset)++) {
        if (data.ptr[*offset] != 0) {
            return fault(err, *offset, "a byte between two entries is not zero");
        }
    }
    return 0;
}

static int check_part(str data, struct index_part part, struct baro_error *err)
{
    bool is_series = part.kind == SECTION_SERIES;
    bool is_single = part.kind == SECTION_SYMBOLS || part.kind == SECTION_LABEL_OFFSETS ||
                     part.kind == SECTION_POSTINGS_OFFSETS;
    uint64_t align = is_series ? INDEX_SERIES_ALIGN : SECTION_ALIGN;
    uint64_t at = part.start;
    int r = 0;

    for (size_t count = 0; r >= 0 && at < part.end; count++) {
        uint64_t size;

        if (is_single && count == 1) {
            /* What follows is the padding of the next part. */
            return skip_zeros(data, &at, INDEX_SERIES_ALIGN, part.end, err) < 0 || at < part.end
                       ? fault(err, at, "there are bytes behind a section that belong to none")
                       : 0;
        }
        if (!is_single) {
            r = skip_zeros(data, &at, align, part.end, err);
        }
        if (r < 0 || at == part.end) {
            break;
        }
        size = frame_size(str_slice(data, 0, (size_t)part.end), at,
                          is_series ? FRAME_UVARINT : FRAME_BE32, 0);
        if (size == 0) {
            return fault(err, at,
                         is_series ? "the checksum of a series differs, or it ends early"
                                   : "the checksum of a section differs, or it ends early");
        }
        at += size;
    }
    return r;
}

static int by_start(const void *a, const void *b)
{
    const struct index_part *x = a, *y = b;

    if (x->start != y->start) {
        return x->start < y->start ? -1 : 1;
    }
    return (x->kind > y->kind) - (x->kind < y->kind);
}

/* The parts by where they begin; each ends where the next one begins. */
static int read_parts(str data, struct index_part ret[TOC_SECTIONS], size_t *ret_count,
                      struct baro_error *err)
{
    str raw = str_of(data.ptr + data.len - TOC_BYTES, TOC_BYTES);
    struct reader rd = reader_over(raw);
    size_t count = 0;

    if (load_be32(raw.ptr + TOC_BYTES - CRC_BYTES) !=
        crc32c(str_of(raw.ptr, TOC_BYTES - CRC_BYTES))) {
        return fault(err, data.len - TOC_BYTES, "the checksum of the table of contents differs");
    }
    for (int kind = 0; kind < TOC_SECTIONS; kind++) {
        uint64_t start = read_be64(&rd);

        if (start > data.len - TOC_BYTES) {
            return fault(err, start, "a section begins behind the end");
        }
        if (start > 0) {
            ret[count++] = (struct index_part){(enum section_kind)kind, start, 0};
        }
    }
    qsort(ret, count, sizeof(ret[0]), by_start);
    for (size_t i = 0; i < count; i++) {
        ret[i].end = i + 1 < count ? ret[i + 1].start : data.len - TOC_BYTES;
    }
    *ret_count = count;
    return 0;
}

uint64_t index_series_end(str data)
{
    struct index_part parts[TOC_SECTIONS] = {0};
    size_t count = 0;

    if (data.len >= INDEX_HEADER_BYTES + TOC_BYTES && read_parts(data, parts, &count, NULL) >= 0) {
        for (size_t i = 0; i < count; i++) {
            if (parts[i].kind == SECTION_SERIES) {
                return parts[i].end;
            }
        }
    }
    return data.len;
}

int index_layout_check(str data, struct baro_error *err)
{
    struct index_part parts[TOC_SECTIONS] = {0};
    uint64_t at = INDEX_HEADER_BYTES;
    size_t count = 0;
    int r;

    if (data.len < INDEX_HEADER_BYTES + TOC_BYTES) {
        return fault(err, data.len, "the file is too short");
    }
    r = read_parts(data, parts, &count, err);
    if (r >= 0 && count > 0) {
        r = skip_zeros(data, &at, INDEX_SERIES_ALIGN, parts[0].start, err);
        if (r >= 0 && at != parts[0].start) {
            r = fault(err, at, "there are bytes before the first section");
        }
    }
    for (size_t i = 0; r >= 0 && i < count; i++) {
        r = check_part(data, parts[i], err);
    }
    return r;
}

int index_series_scan(str data, uint64_t *offset, uint32_t *ret_ref, struct baro_error *err)
{
    uint64_t size;

    if (*offset == 0) {
        size =
            data.len > INDEX_HEADER_BYTES ? frame_size(data, INDEX_HEADER_BYTES, FRAME_BE32, 0) : 0;
        if (size == 0) {
            return fault(err, INDEX_HEADER_BYTES, "the symbols are damaged: no labels can be read");
        }
        *offset = INDEX_HEADER_BYTES + size;
    }
    for (*offset = aligned(*offset, INDEX_SERIES_ALIGN); *offset < data.len;
         *offset += INDEX_SERIES_ALIGN) {
        uint64_t at = *offset;

        if (at / INDEX_SERIES_ALIGN > UINT32_MAX) {
            return 0;
        }
        size = frame_size(data, at, FRAME_UVARINT, 0);
        if (size > 0) {
            *ret_ref = (uint32_t)(at / INDEX_SERIES_ALIGN);
            *offset = at + size;
            return 1;
        }
    }
    return 0;
}
