#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/self.h"
#include "client/self_recent.h"
#include "discover/discover_priv.h"
#include "sys/clock.h"

#define META_FILEPATH STR("__meta_filepath")

enum {
    FILE_BYTES_MAX = 64 << 20,
    READ_BYTES = 64 << 10,
    SETTLE_MS = 100, /* after a change: whoever writes may not be done yet */
};

struct file_state {
    struct loop_fd inotify;
    struct provider *provider;
    struct loop_timer settle;
};

static dur file_interval(const struct prom_sd *sd)
{
    return sd->file->refresh_interval;
}

static bool file_is_same(const struct prom_sd *a, const struct prom_sd *b)
{
    bool same = a->file->files.count == b->file->files.count;

    for (size_t i = 0; same && i < a->file->files.count; i++) {
        same = str_eq(a->file->files.items[i], b->file->files.items[i]);
    }
    return same;
}

static int content_read(const char *path, struct buf *ret, struct baro_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got = 0;

    if (fd < 0) {
        return error_system(err, errno, "open");
    }
    ret->limit = FILE_BYTES_MAX;
    do {
        char *room = buf_reserve(ret, READ_BYTES);

        got = room != NULL ? read(fd, room, READ_BYTES) : 0;
        ret->len += got > 0 ? (size_t)got : 0;
    } while (got > 0);
    (void)close(fd);
    if (ret->failed) {
        return error_set(err, BARO_ELIMIT, "the file is longer than %d bytes", FILE_BYTES_MAX);
    }
    return got < 0 ? error_system(err, errno, "read") : 0;
}

static int groups_read(const char *path, struct target_groups **ret, struct baro_error *err)
{
    const str name = str_from(path);
    struct buf content = {0};
    int result = content_read(path, &content, err);

    if (result >= 0) {
        result = str_has_suffix(name, STR(".json"))
                     ? target_groups_read_json(buf_view(&content), name, META_FILEPATH, ret, err)
                     : target_groups_read_yaml(buf_view(&content), name, META_FILEPATH, ret, err);
    }
    buf_done(&content);
    return result;
}

/* A file that cannot be read keeps what it gave before. */
static void path_refresh(struct provider *provider, const char *path)
{
    struct target_groups *groups = NULL;
    struct baro_error err = {0};

    if (groups_read(path, &groups, &err) >= 0) {
        provider_set_consume(provider, str_from(path), groups);
        return;
    }
    self_add(SELF_SD_FILE_READ_ERRORS, 1);
    log_error("reading a file of targets failed", log_str("job", provider->job),
              log_c("file", path), log_err(&err));
    (void)provider_keep(provider, str_from(path));
}

static void file_refresh(struct provider *provider)
{
    const struct conf_strs patterns = provider->sd->file->files;
    struct clock *clock = loop_clock(provider->discover->loop);
    mono begin = clock_mono(clock);
    mono end;

    for (size_t i = 0; i < patterns.count; i++) {
        char *pattern = str_dup_c(patterns.items[i]);
        glob_t found = {0};

        if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0) {
            for (size_t k = 0; k < found.gl_pathc; k++) {
                path_refresh(provider, found.gl_pathv[k]);
            }
        }
        globfree(&found);
        (void)mem_free(pattern);
    }
    provider_sweep(provider);
    end = clock_mono(clock);
    self_recent_add(SELF_RECENT_FILE_SCAN, (double)(end - begin) / (double)MONO_PER_SECOND, end);
}

static void settled(struct loop_timer *timer)
{
    struct file_state *state = CONTAINER_OF(timer, struct file_state, settle);

    file_refresh(state->provider);
}

static void inotify_ready(struct loop_fd *fd, unsigned events)
{
    struct file_state *state = CONTAINER_OF(fd, struct file_state, inotify);
    struct loop *loop = state->provider->discover->loop;
    char drained[4096];

    (void)events;
    /* Which file it was does not matter: all are few, and read again. */
    while (read(fd->fd, drained, sizeof(drained)) > 0) {
    }
    /* From the first change on, not the last: a directory that never rests is read all the same. */
    if (state->settle.slot == 0) {
        loop_timer_start(loop, &state->settle,
                         clock_mono(loop_clock(loop)) + SETTLE_MS * MONO_PER_MS);
    }
}

static void directory_watch(struct file_state *state, str pattern)
{
    size_t slash = pattern.len;
    char *path = NULL;

    while (slash > 0 && pattern.ptr[slash - 1] != '/') {
        slash--;
    }
    path = str_dup_c(slash == 0 ? STR(".") : str_slice(pattern, 0, slash));
    if (inotify_add_watch(state->inotify.fd, path,
                          IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE) <
        0) {
        self_add(SELF_SD_FILE_WATCHER_ERRORS, 1);
        log_warn("directory cannot be watched, it is read at intervals", log_c("directory", path));
    }
    (void)mem_free(path);
}

static int file_start(struct provider *provider, struct baro_error *err)
{
    struct file_state *state = MEM_NEW(struct file_state);
    const struct conf_strs patterns = provider->sd->file->files;

    provider->state = state;
    state->provider = provider;
    state->settle.fire = settled;
    state->inotify.ready = inotify_ready;
    state->inotify.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (state->inotify.fd < 0) {
        self_add(SELF_SD_FILE_WATCHER_ERRORS, 1);
        return error_system(err, errno, "inotify");
    }
    for (size_t i = 0; i < patterns.count; i++) {
        directory_watch(state, patterns.items[i]);
    }
    return loop_fd_watch(provider->discover->loop, &state->inotify, LOOP_READ);
}

static void file_stop(struct provider *provider)
{
    struct file_state *state = provider->state;

    if (state == NULL) {
        return;
    }
    loop_timer_stop(provider->discover->loop, &state->settle);
    if (state->inotify.fd >= 0) {
        (void)loop_fd_watch(provider->discover->loop, &state->inotify, 0);
        (void)close(state->inotify.fd);
    }
    provider->state = mem_free(state);
}

const struct provider_ops provider_file_ops = {
    .start = file_start,
    .refresh = file_refresh,
    .stop = file_stop,
    .interval = file_interval,
    .is_same = file_is_same,
};
