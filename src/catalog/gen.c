#include "catalog/gen.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/mem.h"
#include "catalog/gen_c.h"
#include "catalog/gen_dashboard.h"
#include "catalog/gen_docs.h"
#include "catalog/gen_table.h"
#include "conf/prom_config_file.h"

enum { FILES_MAX = 2 };

static const struct {
    const char *name;
    struct {
        const char *suffix;
        void (*make)(const struct catalog *catalog, struct buf *out);
    } files[FILES_MAX];
} kinds[] = {
    [GEN_C] = {"c", {{".h", gen_c_header}, {".c", gen_c_source}}},
    [GEN_DOCS] = {"docs", {{".md", gen_docs}}},
    [GEN_DASHBOARD] = {"dashboard", {{".json", gen_dashboard}}},
    [GEN_TABLE] = {"table", {{".def", gen_table}}},
};

bool gen_kind_from(str name, enum gen_kind *ret)
{
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (str_is(name, kinds[i].name)) {
            *ret = (enum gen_kind)i;
            return true;
        }
    }
    return false;
}

static bool is_unchanged(const char *path, str text)
{
    struct buf old = {0};
    bool same = prom_config_file_read(path, &old, NULL) >= 0 && str_eq(buf_view(&old), text);

    buf_done(&old);
    return same;
}

static int write_file(const char *path, str text, struct baro_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int r = 0;

    if (fd < 0) {
        return error_system(err, errno, "open %s", path);
    }
    while (text.len > 0 && r == 0) {
        ssize_t done = write(fd, text.ptr, text.len);

        if (done < 0 && errno != EINTR) {
            r = error_system(err, errno, "write %s", path);
        }
        text = str_from_index(text, done > 0 ? (size_t)done : 0);
    }
    if (close(fd) != 0 && r == 0) {
        r = error_system(err, errno, "write %s", path);
    }
    return r;
}

int gen_write(enum gen_kind kind, const struct catalog *catalog, const char *directory,
              struct buf *ret_names, struct baro_error *err)
{
    struct buf text = {0};
    struct buf path = {0};
    int r = 0;

    if (kind == GEN_C && catalog->foreign) {
        return error_set(err, BARO_EINVALID,
                         "%.*s: a foreign catalogue describes what other programs expose: there is "
                         "no code to make",
                         STR_ARG(catalog->name));
    }
    for (size_t i = 0; i < FILES_MAX && kinds[kind].files[i].make != NULL && r == 0; i++) {
        buf_reset(&text);
        buf_reset(&path);
        kinds[kind].files[i].make(catalog, &text);
        ASSERT(!text.failed);
        buf_printf(&path, "%s/%.*s%s", directory, STR_ARG(catalog->name),
                   kinds[kind].files[i].suffix);
        buf_char(&path, '\0');
        if (!is_unchanged(path.ptr, buf_view(&text))) {
            r = write_file(path.ptr, buf_view(&text), err);
        }
        if (r == 0 && ret_names != NULL) {
            buf_printf(ret_names, "%s\n", path.ptr);
        }
    }
    buf_done(&text);
    buf_done(&path);
    return r;
}
