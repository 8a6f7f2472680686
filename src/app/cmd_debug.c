/*
 * debug: what helps those who look into a fault of a server, as one archive (debug.tar.gz), as
 * `promtool debug` makes it: metrics, and where the server is a Go program its profiles.
 */
#include <stdio.h>
#include <string.h>

#include "app/commands.h"
#include "app/query_client.h"
#include "codec/gzip.h"

enum debug_flag { DEBUG_HTTP, DEBUG_OUT };

static const struct flag rows[] = {
    {"http.config.file", FLAG_TEXT, "", FLAG_RUN,
     "credentials, TLS and proxy for the server, as in a scrape job"},
    {"output", FLAG_TEXT, "debug.tar.gz", FLAG_RUN, "the archive"},
};

/* What is asked for: promtool's files, and what barograph and newer servers tell of themselves. */
static const struct part {
    const char *path;
    const char *file;
    bool is_profile;
} parts[] = {
    {"/metrics", "metrics.txt", false},
    {"/api/v1/status/buildinfo", "buildinfo.json", false},
    {"/api/v1/status/runtimeinfo", "runtimeinfo.json", false},
    {"/api/v1/status/flags", "flags.json", false},
    {"/api/v1/status/config", "config.json", false},
    {"/api/v1/status/tsdb", "tsdb.json", false},
    {"/debug/pprof/profile?seconds=30", "cpu.pb.gz", true},
    {"/debug/pprof/block", "block.pb.gz", true},
    {"/debug/pprof/goroutine", "goroutine.pb.gz", true},
    {"/debug/pprof/heap", "heap.pb.gz", true},
    {"/debug/pprof/mutex", "mutex.pb.gz", true},
    {"/debug/pprof/threadcreate", "threadcreate.pb.gz", true},
    {"/debug/pprof/trace?seconds=30", "trace.out", true},
};

/* Which of them: what has no profiles is no fault when everything is asked for. */
enum debug_what { DEBUG_METRICS = 1, DEBUG_PROFILES = 2 };

/* ---- the archive: POSIX.1-1988 ustar ---- */

enum { TAR_BLOCK = 512, TAR_NAME = 0, TAR_MODE = 100, TAR_SIZE = 124, TAR_TIME = 136 };
enum { TAR_SUM = 148, TAR_KIND = 156, TAR_MAGIC = 257, TAR_FILE_MODE = 0644 };

static void tar_add(struct buf *tar, const char *name, str data)
{
    char header[TAR_BLOCK] = {0};
    unsigned sum = 0;

    (void)snprintf(header + TAR_NAME, TAR_MODE, "%s", name);
    (void)snprintf(header + TAR_MODE, 8, "%07o", TAR_FILE_MODE);
    (void)snprintf(header + TAR_SIZE, 12, "%011llo", (unsigned long long)data.len);
    (void)snprintf(header + TAR_TIME, 12, "%011o", 0);
    memset(header + TAR_SUM, ' ', 8);
    header[TAR_KIND] = '0';
    memcpy(header + TAR_MAGIC, "ustar\00000", 8);
    for (size_t i = 0; i < sizeof(header); i++) {
        sum += (unsigned char)header[i];
    }
    (void)snprintf(header + TAR_SUM, 8, "%06o", sum);
    buf_str(tar, str_of(header, sizeof(header)));
    buf_str(tar, data);
    while (tar->len % TAR_BLOCK != 0 && !tar->failed) {
        buf_char(tar, '\0');
    }
}

static void tar_end(struct buf *tar)
{
    static const char nothing[TAR_BLOCK];

    buf_str(tar, str_of(nothing, sizeof(nothing)));
    buf_str(tar, str_of(nothing, sizeof(nothing)));
}

/* ---- collecting ---- */

static int collect(const struct query_client *client, str url, const struct part *part,
                   bool may_miss, struct buf *tar, struct baro_error *err)
{
    struct buf body = {0};
    int status = 0;
    int r;

    (void)printf("collecting: %.*s%s\n", STR_ARG(url), part->path);
    (void)fflush(stdout);
    r = query_client_fetch(client, url, part->path, NULL, &status, &body, err);
    if (r >= 0 && status == 200) {
        tar_add(tar, part->file, buf_view(&body));
    } else if (r >= 0 && may_miss) {
        (void)printf("  not there: answered %d\n", status);
    } else if (r >= 0) {
        r = error_set(err, BARO_ENETWORK, "%.*s%s: answered %d", STR_ARG(url), part->path, status);
    }
    buf_done(&body);
    return r;
}

static int write_archive(const char *path, struct buf *tar, struct baro_error *err)
{
    CLEANUP(gzip_freep) struct gzip *gzip = gzip_new(6);
    struct buf packed = {0};
    FILE *file = NULL;
    int r = 0;

    tar_end(tar);
    if (gzip == NULL || tar->failed) {
        return error_set(err, BARO_ELIMIT, "no memory for the archive");
    }
    r = gzip_pack(gzip, buf_view(tar), &packed, err);
    file = r >= 0 ? fopen(path, "we") : NULL;
    if (r >= 0 && (file == NULL || fwrite(packed.ptr, 1, packed.len, file) != packed.len)) {
        r = error_set(err, BARO_EINVALID, "%s: cannot be written", path);
    }
    if (file != NULL && fclose(file) != 0 && r >= 0) {
        r = error_set(err, BARO_EINVALID, "%s: cannot be written", path);
    }
    buf_done(&packed);
    return r;
}

static int run(const struct flags *flags, unsigned what, struct baro_error *err)
{
    const char *path = flags_text(flags, DEBUG_OUT).ptr;
    struct query_client client = {0};
    struct arena arena = {0};
    struct buf tar = {0};
    int r = query_client_flags(&client, flags, SIZE_MAX, DEBUG_HTTP, &arena, err);

    for (size_t i = 0; i < ARRAY_COUNT(parts) && r >= 0; i++) {
        unsigned kind = parts[i].is_profile ? DEBUG_PROFILES : DEBUG_METRICS;
        bool may_miss = i > 0 && (what & DEBUG_METRICS) != 0;

        if ((what & kind) != 0) {
            r = collect(&client, flags->args[0], &parts[i], may_miss, &tar, err);
        }
    }
    r = r < 0 ? r : write_archive(path, &tar, err);
    if (r >= 0) {
        (void)printf("Compiling debug information complete, all files written in \"%s\".\n", path);
    }
    buf_done(&tar);
    arena_done(&arena);
    return r;
}

static int begin(const char *usage, const char *summary, unsigned what, int argc, char **argv)
{
    static struct flags flags;
    struct baro_error err = {0};
    int r = flags_parse(&flags, rows, ARRAY_COUNT(rows), argc, argv, &err);

    if (r >= 0 && (flags.help || flags.arg_count != 1)) {
        return flags_usage(&flags, usage, summary);
    }
    r = r < 0 ? r : run(&flags, what, &err);
    if (r < 0) {
        (void)fprintf(stderr, "barograph: %s\n", err.message);
        return error_exit_status(r);
    }
    return 0;
}

int command_debug_all(int argc, char **argv)
{
    return begin("debug all [FLAGS] URL",
                 "Collects metrics, what the server tells of itself, and the profiles of a Go "
                 "program, where there are any, as debug.tar.gz.\n\n"
                 "  barograph debug all http://localhost:9090",
                 DEBUG_METRICS | DEBUG_PROFILES, argc, argv);
}

int command_debug_metrics(int argc, char **argv)
{
    return begin("debug metrics [FLAGS] URL",
                 "Collects metrics and what the server tells of itself as debug.tar.gz.\n\n"
                 "  barograph debug metrics http://localhost:9090",
                 DEBUG_METRICS, argc, argv);
}

int command_debug_pprof(int argc, char **argv)
{
    return begin("debug pprof [FLAGS] URL",
                 "Collects the profiles of a server that is a Go program as debug.tar.gz; it takes "
                 "a minute. barograph has none.\n\n"
                 "  barograph debug pprof http://prometheus:9090",
                 DEBUG_PROFILES, argc, argv);
}
