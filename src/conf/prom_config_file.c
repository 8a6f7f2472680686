#include "conf/prom_config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/yaml.h"
#include "conf/prom_config_priv.h"

/* A configuration or target file larger than this is none. */
#define FILE_BYTES_MAX ((size_t)32 << 20)

enum { READ_BYTES = 1 << 16 };

static int read_all(int fd, const char *path, struct buf *buf, struct baro_error *err)
{
    size_t start = buf->len;

    for (;;) {
        char *room = buf->len - start < FILE_BYTES_MAX ? buf_reserve(buf, READ_BYTES) : NULL;

        if (room == NULL) {
            return error_set(err, BARO_ELIMIT, "%s is larger than %zu MiB", path,
                             FILE_BYTES_MAX >> 20);
        }
        ssize_t got = read(fd, room, READ_BYTES);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? error_system(err, errno, "read %s", path) : 0;
        }
        buf->len += (size_t)got;
    }
}

int prom_config_file_read(const char *path, struct buf *buf, struct baro_error *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return error_system(err, errno, "open %s", path);
    }
    int r = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) ? error_system(err, EISDIR, "read %s", path)
                                                       : read_all(fd, path, buf, err);
    (void)close(fd);
    return r;
}

int prom_target_text_parse(str text, const char *name, struct arena *arena,
                           const struct prom_target_group *const **ret_groups, size_t *ret_count,
                           struct faults *faults)
{
    const struct yaml_node *tree = NULL;
    struct baro_error err = {0};
    option_notes notes = {0};
    uint32_t before = faults->total;
    struct option_reader rd = {
        .arena = arena,
        .file = arena_str(arena, str_from(name)).ptr,
        .dir = STR("."),
        .faults = faults,
        .unsupported = &notes,
        .quiet = true,
    };

    if (yaml_parse(arena, text, &tree, &err) < 0) {
        return faults_add(faults, err.code, name, err.line, err.column, "%s", err.message);
    }
    if (yaml_is_null(tree)) {
        *ret_groups = NULL;
        *ret_count = 0;
        return 0;
    }
    if (tree->kind != YAML_KIND_SEQUENCE) {
        return faults_add(faults, BARO_EPARSE, name, tree->line, tree->column,
                          "cannot unmarshal %s into a list of target groups", yaml_tag_name(tree));
    }
    const struct prom_target_group **groups =
        ARENA_ARRAY(arena, const struct prom_target_group *, tree->item_count);
    for (size_t i = 0; i < tree->item_count; i++) {
        bool good = true;

        if (yaml_is_null(tree->items[i])) {
            option_fault(&rd, tree->items[i], "nil target group item found (index %zu)", i);
        }
        groups[i] = option_read(&rd, &prom_group_type, tree->items[i], &good);
    }
    if (faults->total > before) {
        return BARO_EPARSE;
    }
    *ret_groups = groups;
    *ret_count = tree->item_count;
    return 0;
}

int prom_target_file_load(const char *path, struct arena *arena,
                          const struct prom_target_group *const **ret_groups, size_t *ret_count,
                          struct faults *faults)
{
    struct buf text = {0};
    struct baro_error err = {0};
    int r = prom_config_file_read(path, &text, &err);

    if (r < 0) {
        (void)faults_add(faults, r, path, 0, 0, "%s", err.message);
    } else {
        r = prom_target_text_parse(buf_view(&text), path, arena, ret_groups, ret_count, faults);
    }
    buf_done(&text);
    return r;
}

int prom_http_file_load(const char *path, struct arena *arena, const struct prom_http **ret,
                        struct faults *faults)
{
    const struct yaml_node *tree = NULL;
    uint32_t before = faults->total;
    option_notes notes = {0};
    struct buf text = {0};
    struct baro_error err = {0};
    const char *slash = strrchr(path, '/');
    struct option_reader rd = {
        .arena = arena,
        .file = arena_str(arena, str_from(path)).ptr,
        .dir =
            slash == NULL ? STR(".") : arena_str(arena, str_of(path, (size_t)(slash - path + 1))),
        .faults = faults,
        .unsupported = &notes,
    };
    bool good = true;
    int r = prom_config_file_read(path, &text, &err);

    r = r < 0 ? r : yaml_parse(arena, buf_view(&text), &tree, &err);
    if (r < 0) {
        (void)faults_add(faults, r, path, err.line, err.column, "%s", err.message);
    } else {
        *ret = yaml_is_null(tree) ? option_new(&rd, &prom_http_type)
                                  : option_read(&rd, &prom_http_type, tree, &good);
        if (good) {
            prom_http_check(&rd, *ret, tree);
        }
    }
    if (notes.count > 0) {
        (void)faults_add(faults, BARO_EUNSUPPORTED, path, notes.items[0].line,
                         notes.items[0].column, "%s", notes.items[0].message);
    }
    vec_done(&notes);
    buf_done(&text);
    return faults->total > before ? BARO_EPARSE : 0;
}
