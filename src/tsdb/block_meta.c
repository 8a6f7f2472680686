#include "tsdb/block_meta.h"

#include <string.h>

#include "codec/json.h"

bool ulid_is_valid(str text)
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    /* 26 characters carry 130 bits, so the first one may be 7 at most. */
    if (text.len != ULID_CHARS || text.ptr[0] > '7') {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\0' || strchr(alphabet, text.ptr[i]) == NULL) {
            return false;
        }
    }
    return true;
}

/* number reads an integer field; a missing one is `otherwise`. */
static int64_t number(const struct json *object, const char *key, int64_t otherwise)
{
    int64_t value = otherwise;

    return json_int(json_get(object, key), &value) ? value : otherwise;
}

static uint64_t count(const struct json *object, const char *key)
{
    int64_t value = number(object, key, 0);

    return value > 0 ? (uint64_t)value : 0;
}

static int read_fields(const struct json *root, struct block_meta *ret, struct baro_error *err)
{
    const struct json *stats = json_get(root, "stats");
    str id = json_text(json_get(root, "ulid"));
    int64_t version = number(root, "version", 0);
    int64_t level = number(json_get(root, "compaction"), "level", 1);
    struct block_meta meta = {
        .mint = number(root, "minTime", INT64_MAX),
        .maxt = number(root, "maxTime", INT64_MIN),
        .level = level > 0 && level < UINT32_MAX ? (uint32_t)level : 1,
        .series_count = count(stats, "numSeries"),
        .sample_count = count(stats, "numSamples"),
        .chunk_count = count(stats, "numChunks"),
        .tombstone_count = count(stats, "numTombstones"),
    };

    if (version != BLOCK_META_VERSION) {
        return error_set(err, BARO_EUNSUPPORTED,
                         "meta.json: version %lld is not supported, only %d is", (long long)version,
                         (int)BLOCK_META_VERSION);
    }
    if (!ulid_is_valid(id)) {
        return error_set(err, BARO_EINVALID, "meta.json: 'ulid' is missing or no ULID");
    }
    if (meta.mint > meta.maxt) {
        return error_set(err, BARO_EINVALID,
                         "meta.json: 'minTime' and 'maxTime' are missing or in the wrong order");
    }
    memcpy(meta.ulid, id.ptr, id.len);
    *ret = meta;
    return 0;
}

int block_meta_parse(str json, struct block_meta *ret, struct baro_error *err)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    int r;

    if (json.len > BLOCK_META_BYTES_MAX) {
        return error_set(err, BARO_ELIMIT, "meta.json has %zu bytes", json.len);
    }
    r = json_doc_parse(json, &root, err);
    if (r < 0) {
        return error_wrap(err, r, "meta.json");
    }
    if (json_kind_of(root) != JSON_KIND_OBJECT) {
        return error_set(err, BARO_EINVALID, "meta.json: an object is wanted");
    }
    return read_fields(root, ret, err);
}
