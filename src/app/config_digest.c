#include "app/config_digest.h"

#include <glob.h>

#include "base/buf.h"
#include "codec/yaml.h"
#include "conf/option.h"
#include "conf/prom_config_file.h"

/* Whose values are lists of patterns. */
static const char *const lists[] = {"rule_files", "scrape_config_files", "templates"};

/* Appends the path and the digest of what is there now. */
static int add_file(struct buf *all, const char *path, struct baro_error *err)
{
    uint8_t digest[SHA256_BYTES];
    struct buf text = {0};
    int r = prom_config_file_read(path, &text, err);

    if (r >= 0) {
        sha256_digest(buf_view(&text), digest);
        buf_c(all, path);
        buf_char(all, '\0');
        buf_bytes(all, (const char *)digest, sizeof(digest));
    }
    buf_done(&text);
    return r;
}

static int add_matches(struct buf *all, struct arena *arena, str dir, str pattern,
                       struct baro_error *err)
{
    glob_t found = {0};
    int r = 0;

    if (glob(arena_str(arena, option_path(arena, dir, pattern)).ptr, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc && r >= 0; i++) {
            r = add_file(all, found.gl_pathv[i], err);
        }
    }
    globfree(&found);
    return r;
}

static str directory_of(str path)
{
    size_t len = path.len;

    while (len > 0 && path.ptr[len - 1] != '/') {
        len--;
    }
    return len == 0 ? STR(".") : len == 1 ? STR("/") : str_of(path.ptr, len - 1);
}

static int add_named(struct buf *all, struct arena *arena, const char *path, struct baro_error *err)
{
    const struct yaml_node *tree = NULL;
    struct buf text = {0};
    int r = prom_config_file_read(path, &text, err);

    r = r < 0 ? r : yaml_parse(arena, buf_view(&text), &tree, err);
    buf_done(&text);
    for (size_t i = 0; i < ARRAY_COUNT(lists) && r >= 0; i++) {
        const struct yaml_node *list = yaml_get(tree, str_from(lists[i]));

        buf_c(all, lists[i]);
        for (size_t k = 0;
             list != NULL && list->kind == YAML_KIND_SEQUENCE && k < list->item_count && r >= 0;
             k++) {
            if (list->items[k]->kind == YAML_KIND_SCALAR) {
                r = add_matches(all, arena, directory_of(str_from(path)), list->items[k]->text,
                                err);
            }
        }
    }
    return r;
}

int config_digest(const char *path, uint8_t ret[SHA256_BYTES], struct baro_error *err)
{
    struct arena arena = {0};
    struct buf all = {0};
    int r = add_file(&all, path, err);

    r = r < 0 ? r : add_named(&all, &arena, path, err);
    if (r >= 0) {
        sha256_digest(buf_view(&all), ret);
    }
    buf_done(&all);
    arena_done(&arena);
    return r;
}
