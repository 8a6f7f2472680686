/*
 * assets: the built files of the web UI, each packed by gzip, made at build time by
 * tools/web_build. Sorted by path. The table is empty in a build without the UI (-Dweb=false).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct web_asset {
    const char *path; /* as in the URL, below the prefix: "/assets/index-1a2b.js" */
    const char *type;
    const char *etag; /* a hash of the raw bytes, in quotes */
    uint32_t offset;  /* of the packed bytes in web_assets_blob */
    uint32_t packed_bytes;
    uint32_t raw_bytes;
};

/* One row more than web_asset_count, so that the array is never empty. */
extern const struct web_asset web_assets[];
extern const size_t web_asset_count;
extern const char web_assets_blob[];
