#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

#include "app/serve_priv.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/self.h"

/*
 * The log of queries, global.query_log_file. The file is opened when a query ends and the
 * configuration names another one than is open, and anew after each reload. Lines are appended
 * by one write each, so writers need no lock; the open file is counted, and the last one closes it.
 */
struct query_log {
    _Atomic uint32_t references;
    int fd; /* -1: it could not be opened */
    char *path;
};

static void unref(struct query_log *log)
{
    if (log == NULL || atomic_fetch_sub_explicit(&log->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (log->fd >= 0) {
        (void)close(log->fd);
    }
    (void)mem_free(log->path);
    (void)mem_free(log);
}

static struct query_log *current(struct serve *serve)
{
    struct query_log *log;

    lock_acquire(&serve->query_log_lock);
    log = serve->query_log;
    if (log != NULL) {
        (void)atomic_fetch_add_explicit(&log->references, 1, memory_order_relaxed);
    }
    lock_release(&serve->query_log_lock);
    return log;
}

/* Opens the file and makes it the current one; returns it with a reference for the caller. */
static struct query_log *replace(struct serve *serve, str path)
{
    struct query_log *log = MEM_NEW(struct query_log);
    struct query_log *old;

    log->path = str_dup_c(path);
    log->fd = open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (log->fd < 0) {
        log_error("the log of queries cannot be opened", log_str("path", path),
                  log_str("err", str_from(error_text(-errno))));
    }
    atomic_init(&log->references, 2);
    lock_acquire(&serve->query_log_lock);
    old = serve->query_log;
    serve->query_log = log;
    lock_release(&serve->query_log_lock);
    unref(old);
    return log;
}

bool serve_logs_queries(void *app)
{
    CLEANUP(prom_config_unrefp) struct prom_config *config = serve_config_get(app);

    return config != NULL && prom_config_global(config)->query_log_file.len > 0;
}

void serve_query_log(void *app, str line)
{
    struct serve *serve = app;
    CLEANUP(prom_config_unrefp) struct prom_config *config = serve_config_get(serve);
    str path = config != NULL ? prom_config_global(config)->query_log_file : STR_NULL;
    struct query_log *log;

    if (path.len == 0) {
        return;
    }
    log = current(serve);
    if (log == NULL || !str_is(path, log->path)) {
        unref(log);
        log = replace(serve, path);
    }
    if (log->fd < 0) {
        self_add(SELF_QUERY_LOG_FAILURES, 1);
    } else if (write(log->fd, line.ptr, line.len) < 0) {
        self_add(SELF_QUERY_LOG_FAILURES, 1);
        log_warn("the log of queries cannot be written",
                 log_str("err", str_from(error_text(-errno))));
    }
    unref(log);
}

void serve_query_log_renew(struct serve *serve)
{
    struct query_log *old;

    lock_acquire(&serve->query_log_lock);
    old = serve->query_log;
    serve->query_log = NULL;
    lock_release(&serve->query_log_lock);
    unref(old);
}

void serve_query_log_done(struct serve *serve)
{
    unref(serve->query_log);
    serve->query_log = NULL;
}
