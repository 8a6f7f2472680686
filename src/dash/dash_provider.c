#include "dash/dash_provider.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "codec/yaml.h"
#include "sys/fs.h"

struct reading {
    struct arena *arena;
    const struct fs *fs;
    const char *path; /* of the YAML file */
    dash_providers *ret;
    struct baro_error *err;
};

static bool is_directory(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_yaml(str name)
{
    return str_has_suffix(name, STR(".yaml")) || str_has_suffix(name, STR(".yml"));
}

str dash_directory_of(str path)
{
    size_t len = path.len;

    while (len > 0 && path.ptr[len - 1] != '/') {
        len--;
    }
    return len == 0 ? STR(".") : str_slice(path, 0, len > 1 ? len - 1 : 1);
}

static int fault(struct reading *reading, const struct yaml_node *node, const char *text)
{
    (void)error_at_line(reading->err, BARO_EINVALID, node->line, node->column, "%s", text);
    return BARO_EINVALID;
}

static str scalar(const struct yaml_node *map, const char *key)
{
    const struct yaml_node *node = yaml_get(map, str_from(key));

    return node != NULL && node->kind == YAML_KIND_SCALAR && node->type != YAML_TYPE_NULL
               ? node->text
               : STR_NULL;
}

static bool truth(const struct yaml_node *map, const char *key)
{
    const struct yaml_node *node = yaml_get(map, str_from(key));

    return node != NULL && node->kind == YAML_KIND_SCALAR && node->type == YAML_TYPE_BOOL &&
           node->boolean;
}

/*
 * Provisioning files often name a path inside a container. Where that does not exist, what was
 * meant to be mounted there usually lies beside the file: in dashboards/, or right there.
 */
static void find_path(struct reading *reading, struct dash_provider *provider, str wanted)
{
    str dir = dash_directory_of(str_from(reading->path));
    const char *base = arena_str(reading->arena, dir).ptr;
    const char *beside = fs_path(reading->arena, base, "dashboards");

    provider->path = wanted.ptr[0] == '/'
                         ? arena_str(reading->arena, wanted).ptr
                         : fs_path(reading->arena, base, arena_str(reading->arena, wanted).ptr);
    if (!is_directory(provider->path)) {
        provider->is_moved = true;
        provider->path = is_directory(beside) ? beside : base;
    }
}

static int read_provider(struct reading *reading, const struct yaml_node *node)
{
    struct dash_provider provider = {
        .name = arena_str(reading->arena, scalar(node, "name")),
        .folder = arena_str(reading->arena, scalar(node, "folder")),
        .folder_uid = arena_str(reading->arena, scalar(node, "folderUid")),
        .can_save = truth(node, "allowUiUpdates"),
    };
    const struct yaml_node *options = yaml_get(node, STR("options"));
    str type = scalar(node, "type");
    str path = scalar(options, "path");

    if (node->kind != YAML_KIND_MAPPING) {
        return fault(reading, node, "a provider is a mapping: name, type, options");
    }
    if (type.len > 0 && !str_eq(type, STR("file"))) {
        return fault(reading, node, "a provider's type has to be file");
    }
    if (path.len == 0) {
        path = scalar(options, "folder"); /* the old name */
    }
    if (path.len == 0) {
        return fault(reading, node, "a provider needs options.path, the directory of its files");
    }
    if (reading->ret->count >= DASH_PROVIDERS_MAX) {
        return fault(reading, node, "too many providers: 100 at most");
    }
    provider.folders_from_path = truth(options, "foldersFromFilesStructure");
    find_path(reading, &provider, path);
    vec_push(reading->ret, provider);
    return 0;
}

static bool is_provisioning(const struct yaml_node *root)
{
    const struct yaml_node *providers = yaml_get(root, STR("providers"));

    return providers != NULL && providers->kind == YAML_KIND_SEQUENCE;
}

/* A file that is none of ours (one of data sources lies beside it) is passed over when it was found
 * in a directory, and a fault when it was named. */
static int read_yaml(struct reading *reading, bool was_named)
{
    const struct yaml_node *root = NULL;
    const struct yaml_node *providers;
    str text = STR_NULL;
    int r = fs_read_all(reading->fs, reading->arena, reading->path, DASH_PROVISIONING_BYTES_MAX,
                        &text, reading->err);

    r = r < 0 ? r : yaml_parse(reading->arena, text, &root, reading->err);
    if (r >= 0 && root != NULL && !is_provisioning(root) && was_named) {
        r = fault(reading, root, "no dashboard providers in it: wanted providers: [...]");
    }
    if (r >= 0 && root != NULL && is_provisioning(root)) {
        providers = yaml_get(root, STR("providers"));
        for (size_t i = 0; i < providers->item_count && r >= 0; i++) {
            r = read_provider(reading, providers->items[i]);
        }
    }
    if (r < 0 && reading->err != NULL) {
        (void)snprintf(reading->err->input, sizeof(reading->err->input), "%s", reading->path);
    }
    return r;
}

static int read_directory(struct reading *reading, const char *path)
{
    struct fs_entry *entries = NULL;
    size_t count = 0;
    size_t before = reading->ret->count;
    int r = reading->fs->list(reading->fs, reading->arena, path, &entries, &count, reading->err);

    for (size_t i = 0; i < count && r >= 0; i++) {
        if (!entries[i].is_dir && is_yaml(entries[i].name)) {
            reading->path = fs_path(reading->arena, path, entries[i].name.ptr);
            r = read_yaml(reading, false);
        }
    }
    if (r >= 0 && reading->ret->count == before) {
        vec_push(reading->ret,
                 (struct dash_provider){.name = arena_str(reading->arena, str_from(path)),
                                        .path = path,
                                        .folders_from_path = true,
                                        .can_save = true});
    }
    return r;
}

int dash_providers_read(struct arena *arena, const struct fs *fs, const char *path,
                        dash_providers *ret, struct baro_error *err)
{
    const char *kept = arena_str(arena, str_from(path)).ptr;
    struct reading reading = {.arena = arena, .fs = fs, .path = kept, .ret = ret, .err = err};
    struct stat st;

    if (stat(path, &st) != 0) {
        return error_system(err, errno, "%s", path);
    }
    if (S_ISDIR(st.st_mode)) {
        return read_directory(&reading, kept);
    }
    if (is_yaml(str_from(path))) {
        return read_yaml(&reading, true);
    }
    if (!str_has_suffix(str_from(path), STR(".json"))) {
        return error_set(err, BARO_EINVALID,
                         "%s: neither a directory nor .json (a dashboard) nor .yaml "
                         "(provisioning)",
                         path);
    }
    vec_push(ret, (struct dash_provider){.name = str_from(kept), .path = kept, .can_save = true});
    return 0;
}
