#include "app/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { READ_BYTES = 65536 };

static int read_all(int fd, const char *path, struct buf *ret, struct baro_error *err)
{
    for (;;) {
        char *room = buf_reserve(ret, READ_BYTES);
        ssize_t got;

        if (room == NULL || ret->len > FILE_BYTES_MAX) {
            return error_set(err, BARO_ELIMIT, "%s: larger than %d bytes", path, FILE_BYTES_MAX);
        }
        got = read(fd, room, READ_BYTES);
        if (got < 0 && errno != EINTR) {
            return error_system(err, errno, "%s", path);
        }
        if (got == 0) {
            return 0;
        }
        ret->len += got > 0 ? (size_t)got : 0;
    }
}

int file_read(const char *path, struct buf *ret, struct baro_error *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    int r;

    if (fd < 0) {
        return error_system(err, errno, "%s", path);
    }
    r = read_all(fd, path, ret, err);
    if (!is_stdin) {
        (void)close(fd);
    }
    return r;
}

int file_faults(const struct faults *faults, bool print, struct baro_error *err)
{
    for (uint32_t i = 0; print && i < faults->count; i++) {
        char text[ERROR_FORMAT_BYTES];

        error_format(&faults->items[i], text, sizeof(text));
        (void)fprintf(stderr, "%s\n", text);
    }
    if (err != NULL) {
        *err = faults->items[0];
    }
    return faults->items[0].code;
}
