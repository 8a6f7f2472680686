/*
 * The WAL beside the program that defines it: Debian's prometheus reads what we wrote, and we read
 * what it wrote, after a clean stop and after a kill. Skipped where it is not installed.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>

#include "base/buf.h"
#include "sys/fs.h"
#include "testing/child.h"
#include "testing/test.h"
#include "tsdb/tsdb.h"
#include "tsdb/wal.h"

#define PROMETHEUS "/usr/bin/prometheus"

enum { SERIES = 30, SCRAPES = 200, STEP = 15000, TRIES_MAX = 1800, TRY_MS = 50 };

static void sleep_ms(long ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    (void)nanosleep(&pause, NULL);
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct timeval patience = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)(const void *)&to, sizeof(to)) != 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

/* GET; the whole answer in buf, empty when there is none. */
static void get(uint16_t port, const char *path, struct buf *buf)
{
    int fd = connect_to(port);
    struct buf request = {0};
    ssize_t n;

    buf_reset(buf);
    if (fd < 0) {
        return;
    }
    buf_printf(&request, "GET %s HTTP/1.0\r\nHost: x\r\n\r\n", path);
    if (write(fd, request.ptr, request.len) == (ssize_t)request.len) {
        char *room;

        while ((room = buf_reserve(buf, 4096)) != NULL && (n = read(fd, room, 4096)) > 0) {
            buf->len += (size_t)n;
        }
    }
    buf_done(&request);
    (void)close(fd);
}

static pid_t start_prometheus(struct arena *arena, const char *dir, uint16_t port,
                              const char *config)
{
    const char *config_path = fs_path(arena, dir, "config.yml");
    const char *args[] = {PROMETHEUS,
                          arena_printf(arena, "--config.file=%s", config_path).ptr,
                          arena_printf(arena, "--storage.tsdb.path=%s/data", dir).ptr,
                          arena_printf(arena, "--web.listen-address=127.0.0.1:%u", port).ptr,
                          "--log.level=error",
                          NULL};
    struct buf answer = {0};
    fs_file file = FS_FILE_NONE;
    struct baro_error err = {0};
    pid_t pid;
    int tries = 0;

    assert_ok(fs_real()->open(fs_real(), config_path, FS_CREATE, &file, &err), &err);
    assert_ok(fs_real()->pwrite(fs_real(), file, config, strlen(config), 0, &err), &err);
    assert_ok(fs_real()->close(fs_real(), file, &err), &err);
    pid = child_start(args);
    while (tries++ < TRIES_MAX && !str_contains(buf_view(&answer), STR("200 OK"))) {
        sleep_ms(TRY_MS);
        get(port, "/-/ready", &answer);
    }
    buf_done(&answer);
    assert_true(tries < TRIES_MAX);
    return pid;
}

static struct tsdb *open_data(struct arena *arena, const char *dir,
                              enum tsdb_wal_compression compression)
{
    struct tsdb_options options = {.no_snapshot = true,
                                   .wal_compression = compression,
                                   .wal_segment_size = 2 * WAL_PAGE_BYTES,
                                   .exemplars_max = 10};
    struct baro_error err = {0};
    struct tsdb *tsdb = NULL;

    assert_ok(tsdb_open(fs_path(arena, dir, "data"), &options, &tsdb, &err), &err);
    return tsdb;
}

static void write_scrapes(struct tsdb *tsdb, ts start)
{
    struct appender *appender = tsdb_appendable(tsdb)->appender(tsdb_appendable(tsdb));
    const struct metadata metadata = {METRIC_COUNTER, STR(""), STR("Of a test.")};
    series_ref refs[SERIES];
    ts t[SERIES];
    double v[SERIES];
    uint8_t status[SERIES];
    struct append_batch batch = {refs, t, v, SERIES, status, NULL};
    struct baro_error err = {0};
    struct arena arena = {0};

    for (unsigned k = 0; k < SCRAPES; k++) {
        for (unsigned i = 0; i < SERIES; i++) {
            struct label items[] = {{STR("__name__"), STR("written_total")},
                                    {STR("i"), arena_printf(&arena, "%u", i)}};

            assert_ok(appender->ops->series(appender, (struct labels){items, 2}, &refs[i], &err),
                      &err);
            assert_ok(appender->ops->metadata(appender, refs[i], &metadata, &err), &err);
            t[i] = start + (ts)k * STEP;
            v[i] = k == SCRAPES - 1 && i == 3 ? value_stale() : i * 0.25 + k;
        }
        assert_int_equal(appender->ops->samples(appender, &batch, &err), 0);
        assert_ok(appender->ops->commit(appender, &err), &err);
    }
    appender->ops->free(appender);
    arena_done(&arena);
}

static void expect(uint16_t port, const char *query, ts at, const char *want)
{
    struct buf answer = {0};
    struct buf path = {0};

    buf_printf(&path, "/api/v1/query?query=%s&time=%lld", query, (long long)(at / 1000));
    buf_char(&path, '\0');
    get(port, path.ptr, &answer);
    if (!str_contains(buf_view(&answer), str_from(want))) {
        fprintf(stderr, "%s: wanted %s in: %.*s\n", query, want, STR_ARG(buf_view(&answer)));
        assert_true(false);
    }
    buf_done(&answer);
    buf_done(&path);
}

TEST(tsdb_wal_is_read_by_prometheus)
{
    static const enum tsdb_wal_compression kinds[] = {TSDB_WAL_SNAPPY, TSDB_WAL_NONE};
    struct arena arena = {0};

    if (access(PROMETHEUS, X_OK) != 0) {
        test_skip("prometheus is not installed");
    }
    for (size_t k = 0; k < ARRAY_COUNT(kinds); k++) {
        const char *dir = arena_str(&arena, str_from(test_dir())).ptr;
        struct tsdb *tsdb = open_data(&arena, dir, kinds[k]);
        ts start = ((ts)time(NULL) - SCRAPES * STEP / 1000) * 1000;
        ts end = start + (ts)(SCRAPES - 1) * STEP;
        uint16_t port = child_port();
        struct baro_error err = {0};
        pid_t pid;

        write_scrapes(tsdb, start);
        assert_ok(tsdb_close(tsdb, &err), &err);
        pid = start_prometheus(&arena, dir, port, "global: {}\n");
        expect(port, "count(count_over_time(written_total[2h]))", end, "\"30\"]");
        expect(port, "sum(count_over_time(written_total[2h]))", end, "\"5999\"]");
        expect(port, "sum(written_total)", end, "\"5879\"]");
        expect(port, "sum(sum_over_time(written_total[2h]))", end, "\"618550.25\"]");
        (void)child_stop(pid, SIGTERM);
        /* And back again, over the WAL that both wrote. */
        tsdb = open_data(&arena, dir, kinds[k]);
        struct tsdb_open_report report = {0};
        tsdb_open_report(tsdb, &report);
        assert_int_equal(report.wal_repairs, 0);
        assert_int_equal(report.series, SERIES);
        assert_int_equal(report.samples, SERIES * SCRAPES);
        assert_ok(tsdb_close(tsdb, &err), &err);
    }
    arena_done(&arena);
}

/* The number of samples of up{}, and of all series. */
static void count_samples(struct tsdb *tsdb, size_t *ret_up, size_t *ret_all)
{
    struct queryable *queryable = tsdb_queryable(tsdb);
    struct matcher matcher;
    struct querier *querier = NULL;
    struct series_list list = {0};
    struct sample_buf samples = {0};
    struct baro_error err = {0};
    struct arena arena = {0};

    *ret_up = *ret_all = 0;
    assert_ok(matcher_init(&matcher, MATCHER_NOT_EQUAL, STR("__name__"), STR(""), &err), &err);
    assert_ok(queryable->querier(queryable, INT64_MIN, INT64_MAX, &querier, &err), &err);
    assert_ok(querier->ops->select(querier, &arena, NULL, (struct matchers){&matcher, 1}, NULL,
                                   &list, &err),
              &err);
    for (size_t i = 0; i < list.count; i++) {
        sample_buf_reset(&samples);
        assert_ok(
            querier->ops->samples(querier, &list.items[i], INT64_MIN, INT64_MAX, &samples, &err),
            &err);
        *ret_all += samples.count;
        if (str_is(labels_get(list.items[i].labels, LABEL_METRIC_NAME), "up")) {
            *ret_up += samples.count;
        }
    }
    querier_close(querier);
    sample_buf_done(&samples);
    matcher_done(&matcher);
    arena_done(&arena);
}

TEST(tsdb_reads_the_wal_of_prometheus)
{
    struct arena arena = {0};
    struct buf answer = {0};
    const char *dir;
    struct tsdb *tsdb;
    struct tsdb_open_report report = {0};
    struct baro_error err = {0};
    size_t up = 0, all = 0;
    uint16_t port = child_port();
    pid_t pid;

    if (access(PROMETHEUS, X_OK) != 0) {
        test_skip("prometheus is not installed");
    }
    dir = arena_str(&arena, str_from(test_dir())).ptr;
    pid = start_prometheus(
        &arena, dir, port,
        arena_printf(&arena,
                     "global: {scrape_interval: 300ms, scrape_timeout: 300ms}\nscrape_configs: "
                     "[{job_name: self, static_configs: [{targets: ['127.0.0.1:%u']}]}]\n",
                     port)
            .ptr);
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        get(port, "/api/v1/query?query=count_over_time(up[5m])%3E=5", &answer);
        if (str_contains(buf_view(&answer), STR("\"value\""))) {
            break;
        }
        sleep_ms(TRY_MS);
    }
    assert_true(str_contains(buf_view(&answer), STR("\"value\"")));
    (void)child_stop(pid, SIGKILL);
    tsdb = open_data(&arena, dir, TSDB_WAL_SNAPPY);
    tsdb_open_report(tsdb, &report);
    count_samples(tsdb, &up, &all);
    assert_true(up >= 5);
    assert_true(report.series > 200);
    assert_int_equal(all, report.samples - report.samples_refused);
    assert_int_equal(report.samples_refused, 0);
    assert_ok(tsdb_close(tsdb, &err), &err);
    buf_done(&answer);
    arena_done(&arena);
}
