/* wal_priv: what writing and reading the WAL share. Format: docs/formats/wal.md. */
#pragma once

/* The low three bits of a fragment's first byte. */
enum wal_fragment {
    WAL_PAGE_END = 0, /* the rest of the page is zeros */
    WAL_FULL = 1,
    WAL_FIRST = 2,
    WAL_MIDDLE = 3,
    WAL_LAST = 4,
};

enum {
    WAL_TYPE_MASK = 0x07,
    WAL_FLAG_SNAPPY = 0x08,
    WAL_FLAG_ZSTD = 0x10,
};
