#include "tsdb/block_meta.h"

#include <inttypes.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"
#include "codec/json.h"

static const char ulid_alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void block_meta_done(struct block_meta *meta)
{
    meta->sources.items = mem_free(meta->sources.items);
    meta->parents.items = mem_free(meta->parents.items);
    meta->sources.count = meta->parents.count = 0;
}

bool block_meta_is_parent(const struct block_meta *child, const char *ulid)
{
    for (size_t i = 0; i < child->parents.count; i++) {
        if (strcmp(child->parents.items[i].ulid, ulid) == 0) {
            return true;
        }
    }
    return false;
}

void block_parents_add(struct block_parents *parents, const char *ulid, ts mint, ts maxt)
{
    struct block_parent parent = {.mint = mint, .maxt = maxt};

    memcpy(parent.ulid, ulid, ULID_CHARS);
    /* Grows by doubling whenever the count is a power of two. */
    if ((parents->count & (parents->count - 1)) == 0) {
        size_t room = parents->count == 0 ? 1 : parents->count * 2;

        parents->items = mem_realloc(parents->items, room * sizeof(parents->items[0]));
    }
    parents->items[parents->count++] = parent;
}

bool ulid_is_valid(str text)
{
    /* 26 characters carry 130 bits, so the first one may be 7 at most. */
    if (text.len != ULID_CHARS || text.ptr[0] > '7') {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\0' || strchr(ulid_alphabet, text.ptr[i]) == NULL) {
            return false;
        }
    }
    return true;
}

void ulid_make(ts now, char ret[ULID_CHARS + 1])
{
    enum { TIME_CHARS = 10, RANDOM_CHARS = 16 };
    uint8_t random[RANDOM_CHARS];
    uint64_t time = (uint64_t)now;

    /* So few bytes are always given whole; should the call fail, the time alone must do. */
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        memset(random, 0, sizeof(random));
    }
    for (int i = TIME_CHARS; i-- > 0; time >>= 5) {
        ret[i] = ulid_alphabet[time & 31];
    }
    ret[0] = ret[0] > '7' ? '7' : ret[0];
    for (int i = 0; i < RANDOM_CHARS; i++) {
        ret[TIME_CHARS + i] = ulid_alphabet[random[i] & 31];
    }
    ret[ULID_CHARS] = '\0';
}

ts ulid_time(const char *ulid)
{
    uint64_t time = 0;

    for (int i = 0; i < 10; i++) {
        const char *at = strchr(ulid_alphabet, ulid[i]);

        time = time << 5 | (uint64_t)(at != NULL ? at - ulid_alphabet : 0);
    }
    return (ts)time;
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

/* Sources are names, parents are objects; what is neither is passed over. */
static void read_parents(const struct json *list, struct block_parents *ret)
{
    size_t size = json_count(list);

    for (size_t i = 0; i < size && i < BLOCK_SOURCES_MAX; i++) {
        const struct json *item = json_at(list, i);
        bool is_object = json_kind_of(item) == JSON_KIND_OBJECT;
        str id = json_text(is_object ? json_get(item, "ulid") : item);

        if (ulid_is_valid(id)) {
            block_parents_add(ret, id.ptr, is_object ? number(item, "minTime", 0) : 0,
                              is_object ? number(item, "maxTime", 0) : 0);
        }
    }
}

static void read_compaction(const struct json *compaction, struct block_meta *ret)
{
    const struct json *hints = json_get(compaction, "hints");

    ret->is_deletable = json_is_yes(json_get(compaction, "deletable"));
    ret->has_failed = json_is_yes(json_get(compaction, "failed"));
    for (size_t i = 0; i < json_count(hints); i++) {
        ret->is_out_of_order |= str_is(json_text(json_at(hints, i)), "from-out-of-order");
    }
    read_parents(json_get(compaction, "sources"), &ret->sources);
    read_parents(json_get(compaction, "parents"), &ret->parents);
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
        .float_count = count(stats, "numFloatSamples"),
        .histogram_count = count(stats, "numHistogramSamples"),
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
    read_compaction(json_get(root, "compaction"), &meta);
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

static void put_count(struct buf *buf, const char *key, uint64_t value, bool *is_first)
{
    if (value > 0) {
        buf_printf(buf, "%s\n\t\t\"%s\": %" PRIu64, *is_first ? "" : ",", key, value);
        *is_first = false;
    }
}

static void put_sources(struct buf *buf, const struct block_parents *sources)
{
    buf_c(buf, ",\n\t\t\"sources\": [");
    for (size_t i = 0; i < sources->count; i++) {
        buf_printf(buf, "%s\n\t\t\t\"%s\"", i > 0 ? "," : "", sources->items[i].ulid);
    }
    buf_c(buf, "\n\t\t]");
}

static void put_parents(struct buf *buf, const struct block_parents *parents)
{
    buf_c(buf, ",\n\t\t\"parents\": [");
    for (size_t i = 0; i < parents->count; i++) {
        const struct block_parent *parent = &parents->items[i];

        buf_printf(buf,
                   "%s\n\t\t\t{\n\t\t\t\t\"ulid\": \"%s\",\n\t\t\t\t\"minTime\": %" PRId64
                   ",\n\t\t\t\t\"maxTime\": %" PRId64 "\n\t\t\t}",
                   i > 0 ? "," : "", parent->ulid, parent->mint, parent->maxt);
    }
    buf_c(buf, "\n\t\t]");
}

void block_meta_write(const struct block_meta *meta, struct buf *buf)
{
    bool is_first = true;

    buf_printf(buf,
               "{\n\t\"ulid\": \"%s\",\n\t\"minTime\": %" PRId64 ",\n\t\"maxTime\": %" PRId64
               ",\n\t\"stats\": {",
               meta->ulid, meta->mint, meta->maxt);
    put_count(buf, "numSamples", meta->sample_count, &is_first);
    put_count(buf, "numFloatSamples", meta->float_count, &is_first);
    put_count(buf, "numHistogramSamples", meta->histogram_count, &is_first);
    put_count(buf, "numSeries", meta->series_count, &is_first);
    put_count(buf, "numChunks", meta->chunk_count, &is_first);
    put_count(buf, "numTombstones", meta->tombstone_count, &is_first);
    buf_c(buf, is_first ? "}" : "\n\t}");
    buf_printf(buf, ",\n\t\"compaction\": {\n\t\t\"level\": %" PRIu32, meta->level);
    if (meta->sources.count > 0) {
        put_sources(buf, &meta->sources);
    }
    if (meta->is_deletable) {
        buf_c(buf, ",\n\t\t\"deletable\": true");
    }
    if (meta->parents.count > 0) {
        put_parents(buf, &meta->parents);
    }
    if (meta->has_failed) {
        buf_c(buf, ",\n\t\t\"failed\": true");
    }
    if (meta->is_out_of_order) {
        buf_c(buf, ",\n\t\t\"hints\": [\n\t\t\t\"from-out-of-order\"\n\t\t]");
    }
    buf_printf(buf, "\n\t},\n\t\"version\": %d\n}", (int)BLOCK_META_VERSION);
}
