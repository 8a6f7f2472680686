#include "objstore/shipper_state.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "codec/json.h"
#include "codec/json_write.h"
#include "sys/fs.h"
#include "tsdb/block_writer.h"

enum { STATE_BYTES_MAX = 64 << 20, STATE_VERSION = 1 };

static bool parse_uploaded(struct shipper_state *state, str text)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    const struct json *list;

    if (text.len == 0 || json_doc_parse(text, &root, NULL) < 0) {
        return text.len == 0;
    }
    list = json_get(root, "uploaded");
    for (size_t i = 0; i < json_count(list); i++) {
        str ulid = json_text(json_at(list, i));
        struct shipper_ulid item = {0};

        if (ulid_is_valid(ulid)) {
            memcpy(item.text, ulid.ptr, ULID_CHARS);
            vec_push(&state->uploaded, item);
        }
    }
    return true;
}

static bool parse_progress(struct shipper_state *state, str text)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    const struct json *parts;
    int64_t files = 0;
    str block, id;

    if (text.len == 0 || json_doc_parse(text, &root, NULL) < 0) {
        return text.len == 0;
    }
    block = json_text(json_get(root, "block"));
    id = json_text(json_get(root, "upload_id"));
    parts = json_get(root, "etags");
    if (!ulid_is_valid(block) || !json_int(json_get(root, "files_done"), &files) || files < 0 ||
        id.len >= sizeof(state->upload.id) || json_count(parts) > OBJSTORE_PARTS_MAX) {
        return false;
    }
    memcpy(state->block.text, block.ptr, ULID_CHARS);
    state->files_done = (size_t)files;
    if (id.len > 0) {
        memcpy(state->upload.id, id.ptr, id.len);
        state->upload.etags =
            mem_alloc_zero((json_count(parts) + 1) * sizeof(state->upload.etags[0]));
    }
    for (size_t i = 0; id.len > 0 && i < json_count(parts); i++) {
        str etag = json_text(json_at(parts, i));

        if (etag.len == 0 || etag.len >= OBJSTORE_ETAG_BYTES) {
            break;
        }
        memcpy(state->upload.etags[i], etag.ptr, etag.len);
        state->upload.part_count++;
    }
    return true;
}

bool shipper_state_parse(struct shipper_state *state, str uploaded, str progress)
{
    bool is_good = parse_uploaded(state, uploaded);

    return parse_progress(state, progress) && is_good;
}

void shipper_state_open(struct shipper_state *state, const struct fs *fs, const char *dir)
{
    struct arena arena = {0};
    str uploaded = STR_NULL, progress = STR_NULL;

    *state = (struct shipper_state){.fs = fs, .dir = str_dup_c(str_from(dir))};
    (void)fs_read_all(fs, &arena, fs_path(&arena, dir, SHIPPER_STATE_NAME), STATE_BYTES_MAX,
                      &uploaded, NULL);
    (void)fs_read_all(fs, &arena, fs_path(&arena, dir, SHIPPER_PROGRESS_NAME), STATE_BYTES_MAX,
                      &progress, NULL);
    (void)shipper_state_parse(state, uploaded, progress);
    arena_done(&arena);
}

void shipper_state_done(struct shipper_state *state)
{
    vec_done(&state->uploaded);
    objstore_upload_done(&state->upload);
    state->dir = mem_free(state->dir);
}

bool shipper_state_has(const struct shipper_state *state, const char *ulid)
{
    for (size_t i = 0; i < state->uploaded.count; i++) {
        if (strcmp(state->uploaded.items[i].text, ulid) == 0) {
            return true;
        }
    }
    return false;
}

static int write_json(struct shipper_state *state, const char *name, struct buf *text,
                      struct baro_error *err)
{
    int r = text->failed ? error_set(err, -ENOMEM, "no memory for %s", name)
                         : file_replace(state->fs, state->dir, name, buf_view(text), err);

    buf_done(text);
    return r;
}

/* As Thanos writes it. */
static int write_uploaded(struct shipper_state *state, struct baro_error *err)
{
    struct buf text = {0};

    buf_printf(&text, "{\n\t\"version\": %d,\n\t\"uploaded\": [", (int)STATE_VERSION);
    for (size_t i = 0; i < state->uploaded.count; i++) {
        buf_printf(&text, "%s\n\t\t\"%s\"", i > 0 ? "," : "", state->uploaded.items[i].text);
    }
    buf_printf(&text, "%s]\n}", state->uploaded.count > 0 ? "\n\t" : "");
    return write_json(state, SHIPPER_STATE_NAME, &text, err);
}

static void forget_work(struct shipper_state *state)
{
    struct arena arena = {0};

    state->block = (struct shipper_ulid){0};
    state->files_done = 0;
    objstore_upload_done(&state->upload);
    (void)state->fs->remove(state->fs, fs_path(&arena, state->dir, SHIPPER_PROGRESS_NAME), NULL);
    arena_done(&arena);
}

int shipper_state_add(struct shipper_state *state, const char *ulid, struct baro_error *err)
{
    struct shipper_ulid item = {0};
    int r = 0;

    memcpy(item.text, ulid, ULID_CHARS);
    if (!shipper_state_has(state, ulid)) {
        vec_push(&state->uploaded, item);
        r = write_uploaded(state, err);
    }
    if (r >= 0 && strcmp(state->block.text, ulid) == 0) {
        forget_work(state);
    }
    return r;
}

int shipper_state_drop(struct shipper_state *state,
                       bool (*is_kept)(void *context, const char *ulid), void *context,
                       struct baro_error *err)
{
    size_t kept = 0, before = state->uploaded.count;

    for (size_t i = 0; i < before; i++) {
        if (is_kept(context, state->uploaded.items[i].text)) {
            state->uploaded.items[kept++] = state->uploaded.items[i];
        }
    }
    state->uploaded.count = kept;
    return kept == before ? 0 : write_uploaded(state, err);
}

void shipper_state_begin(struct shipper_state *state, const char *ulid)
{
    if (strcmp(state->block.text, ulid) != 0) {
        forget_work(state);
        memcpy(state->block.text, ulid, ULID_CHARS);
    }
}

int shipper_state_keep(struct shipper_state *state, struct baro_error *err)
{
    struct buf text = {0};
    struct json_writer json = json_write_over(&text);

    json_write_object_begin(&json);
    json_write_pair_plain(&json, STR("block"), str_from(state->block.text));
    json_write_key(&json, STR("files_done"));
    json_write_u64(&json, state->files_done);
    json_write_pair_plain(&json, STR("upload_id"), str_from(state->upload.id));
    json_write_key(&json, STR("etags"));
    json_write_array_begin(&json);
    for (size_t i = 0; i < state->upload.part_count; i++) {
        json_write_str_plain(&json, str_from(state->upload.etags[i]));
    }
    json_write_array_end(&json);
    json_write_object_end(&json);
    return write_json(state, SHIPPER_PROGRESS_NAME, &text, err);
}
