#include "tsdb/compact_delay.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "codec/json.h"
#include "sys/fs.h"

/* A ULID takes some 30 bytes, a year of blocks 130 KB. */
enum { FILE_BYTES_MAX = 64 << 20, FRESH_SECONDS = 60 };

void compact_delay_done(struct compact_delay *delay)
{
    vec_done(&delay->uploaded);
}

static int by_ulid(const void *a, const void *b)
{
    return strcmp(((const struct compact_delay_name *)a)->ulid,
                  ((const struct compact_delay_name *)b)->ulid);
}

static int parse(struct compact_delay *delay, str text, struct baro_error *err)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    const struct json *list;
    int r = json_doc_parse(text, &root, err);

    if (r < 0) {
        return r;
    }
    list = json_get(root, "uploaded");
    if (json_kind_of(root) != JSON_KIND_OBJECT ||
        (list != NULL && json_kind_of(list) != JSON_KIND_ARRAY &&
         json_kind_of(list) != JSON_KIND_NULL)) {
        return error_set(err, BARO_EINVALID, "an object with an array 'uploaded' is wanted");
    }
    for (size_t i = 0; i < json_count(list); i++) {
        str ulid = json_text(json_at(list, i));
        struct compact_delay_name name = {0};

        if (ulid_is_valid(ulid)) {
            memcpy(name.ulid, ulid.ptr, ULID_CHARS);
            vec_push(&delay->uploaded, name);
        }
    }
    if (delay->uploaded.count > 1) {
        qsort(delay->uploaded.items, delay->uploaded.count, sizeof(delay->uploaded.items[0]),
              by_ulid);
    }
    return 0;
}

int compact_delay_refresh(struct compact_delay *delay, mono now, struct baro_error *err)
{
    struct arena arena = {0};
    str text = STR_NULL;
    int r;

    if (delay->path == NULL ||
        (delay->was_read && now - delay->read_at < FRESH_SECONDS * MONO_PER_SECOND)) {
        return 0;
    }
    vec_reset(&delay->uploaded);
    r = fs_read_all(delay->fs, &arena, delay->path, FILE_BYTES_MAX, &text, err);
    r = r < 0 ? r : parse(delay, text, err);
    delay->was_read = true;
    delay->is_known = r >= 0;
    delay->read_at = now;
    arena_done(&arena);
    return r < 0 ? error_wrap(err, r, "%s", delay->path) : 0;
}

static bool must_wait(const struct compact_delay *delay, const struct block_meta *block)
{
    struct compact_delay_name wanted;

    /* What was merged is not uploaded, but what it was made of. */
    if (block->level > 1) {
        return false;
    }
    memcpy(wanted.ulid, block->ulid, sizeof(wanted.ulid));
    return delay->uploaded.count == 0 ||
           bsearch(&wanted, delay->uploaded.items, delay->uploaded.count,
                   sizeof(delay->uploaded.items[0]), by_ulid) == NULL;
}

/* Uploads go from the oldest to the newest, and so do merges: what was made behind the first block
 * that waits is left alone too, so that no single blocks stay behind between merged ones. */
size_t compact_delay_keep(const struct compact_delay *delay, const struct block_meta *const *blocks,
                          size_t count, size_t *ret)
{
    const char *first = NULL;
    size_t kept = 0;

    for (size_t i = 0; delay->path != NULL && delay->is_known && i < count; i++) {
        if (must_wait(delay, blocks[i]) && (first == NULL || strcmp(blocks[i]->ulid, first) < 0)) {
            first = blocks[i]->ulid;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (first == NULL || strcmp(blocks[i]->ulid, first) < 0) {
            ret[kept++] = i;
        }
    }
    return kept;
}
