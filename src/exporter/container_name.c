#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "codec/json.h"
#include "exporter/container_stats.h"
#include "exporter/procfs.h"

enum { ID_LEN = 64, SHORT_ID_LEN = 12 };

/* The 64 hexadecimal digits that Docker, Podman, containerd and CRI-O name a group after:
 * "/docker/ID", "docker-ID.scope", "libpod-ID.scope", "cri-containerd-ID.scope", "crio-ID.scope",
 * "/kubepods/.../ID". */
static str id_of(str path)
{
    str last = path;
    size_t slash;

    while ((slash = str_index_char(last, '/')) != SIZE_MAX) {
        last = str_from_index(last, slash + 1);
    }
    if (str_has_suffix(last, STR(".scope"))) {
        last = str_slice(last, 0, last.len - STR(".scope").len);
    }
    last = str_from_index(last, last.len > ID_LEN ? last.len - ID_LEN : 0);
    for (size_t i = 0; i < last.len; i++) {
        if (!((last.ptr[i] >= '0' && last.ptr[i] <= '9') ||
              (last.ptr[i] >= 'a' && last.ptr[i] <= 'f'))) {
            return STR_NULL;
        }
    }
    return last.len == ID_LEN ? last : STR_NULL;
}

/* Docker keeps a file for each container. */
static bool docker_find(const char *root, struct arena *arena, str id, struct buf *text,
                        str *ret_image, str *ret_name)
{
    CLEANUP(json_doc_freep) struct json *json = NULL;
    char path[PROCFS_PATH_SIZE];
    str name;

    (void)snprintf(path, sizeof(path), "/var/lib/docker/containers/%.*s/config.v2.json",
                   STR_ARG(id));
    if (!procfs_read(root, path, text) || json_doc_parse(buf_view(text), &json, NULL) < 0) {
        return false;
    }
    name = json_text(json_get(json, "Name"));
    if (name.len == 0) {
        return false;
    }
    *ret_name = arena_str(arena, str_from_index(name, name.ptr[0] == '/' ? 1 : 0));
    *ret_image = arena_str(arena, json_text(json_get(json_get(json, "Config"), "Image")));
    return true;
}

/* Podman keeps a list of all; the image's name is in the metadata, JSON as text within JSON. */
static bool podman_find(const char *root, struct arena *arena, str id, struct buf *text,
                        str *ret_image, str *ret_name)
{
    CLEANUP(json_doc_freep) struct json *json = NULL;

    if (!procfs_read(root, "/var/lib/containers/storage/overlay-containers/containers.json",
                     text) ||
        json_doc_parse(buf_view(text), &json, NULL) < 0) {
        return false;
    }
    for (size_t i = 0; i < json_count(json); i++) {
        const struct json *container = json_at(json, i);
        str name = json_text(json_at(json_get(container, "names"), 0));

        if (str_eq(json_text(json_get(container, "id")), id) && name.len > 0) {
            CLEANUP(json_doc_freep) struct json *metadata = NULL;

            (void)json_doc_parse(json_text(json_get(container, "metadata")), &metadata, NULL);
            *ret_name = arena_str(arena, name);
            *ret_image = arena_str(arena, json_text(json_get(metadata, "image-name")));
            return true;
        }
    }
    return false;
}

bool container_name_find(const struct container_options *options, struct arena *arena, str path,
                         str *ret_image, str *ret_name)
{
    struct buf text = {.limit = PROCFS_BYTES_MAX * 2};
    str id = id_of(path);

    if (id.len == 0) {
        return false;
    }
    if (!docker_find(options->root, arena, id, &text, ret_image, ret_name) &&
        !podman_find(options->root, arena, id, &text, ret_image, ret_name)) {
        *ret_image = STR("");
        *ret_name = arena_str(arena, str_slice(id, 0, SHORT_ID_LEN));
    }
    buf_done(&text);
    return true;
}
