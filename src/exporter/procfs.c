#include "exporter/procfs.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/num.h"

enum { READ_BYTES = 16384 };

bool procfs_read(const char *root, const char *path, struct buf *ret)
{
    char full[PROCFS_PATH_SIZE];
    int len = snprintf(full, sizeof(full), "%s%s", root, path);
    int fd = len > 0 && (size_t)len < sizeof(full) ? open(full, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t got = -1;

    buf_reset(ret);
    if (fd < 0) {
        return false;
    }
    while (ret->len < PROCFS_BYTES_MAX) {
        char *room = buf_reserve(ret, READ_BYTES);

        got = room != NULL ? read(fd, room, READ_BYTES) : -1;
        if (got <= 0) {
            break;
        }
        ret->len += (size_t)got;
    }
    (void)close(fd);
    return got == 0;
}

void procfs_split(str line, struct procfs_fields *ret)
{
    ret->count = 0;
    for (str part; ret->count < PROCFS_FIELDS_MAX && str_split_next(&line, ' ', &part);) {
        part = str_trim(part);
        if (part.len > 0) {
            ret->items[ret->count++] = part;
        }
    }
}

double procfs_number(const struct procfs_fields *fields, size_t index)
{
    double value = 0;

    if (index < fields->count) {
        (void)num_parse_decimal(fields->items[index], &value);
    }
    return value;
}

bool procfs_key(str text, const char *key, double *ret)
{
    for (str line; str_split_next(&text, '\n', &line);) {
        struct procfs_fields fields;

        procfs_split(line, &fields);
        if (fields.count > 1 && str_has_prefix(fields.items[0], str_from(key))) {
            str rest = str_from_index(fields.items[0], strlen(key));

            if (rest.len == 0 || str_is(rest, ":")) {
                return num_parse_decimal(fields.items[1], ret);
            }
        }
    }
    return false;
}
