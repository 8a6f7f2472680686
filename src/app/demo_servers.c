#include "app/demo_servers.h"

#include <errno.h>
#include <glob.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"

int demo_redis_start(struct demo_process *process, struct arena *arena, const char *data,
                     uint16_t port, str *ret_url, struct baro_error *err)
{
    static const char *const places[] = {"/usr/bin/redis-server", "/usr/local/bin/redis-server"};
    const char *directory = arena_printf(arena, "%s/redis", data).ptr;
    const char *argv[] = {NULL,
                          "--port",
                          arena_printf(arena, "%u", port).ptr,
                          "--bind",
                          "127.0.0.1",
                          "--save",
                          "",
                          "--appendonly",
                          "no",
                          "--maxmemory",
                          "64mb",
                          "--maxmemory-policy",
                          "allkeys-lru",
                          NULL};
    int r;

    for (size_t i = 0; argv[0] == NULL && i < ARRAY_COUNT(places); i++) {
        argv[0] = access(places[i], X_OK) == 0 ? places[i] : NULL;
    }
    if (argv[0] == NULL) {
        return error_set(err, BARO_ENOTFOUND, "Redis is not installed (redis-server)");
    }
    r = demo_process_start(process, "redis", directory, argv, err);
    r = r < 0 ? r : demo_process_text(process, "eady to accept connections", err);
    *ret_url = arena_printf(arena, "redis://127.0.0.1:%u", port);
    return r;
}

/* The newest of Debian's PostgreSQL releases. */
static const char *postgres_find(struct arena *arena)
{
    glob_t found;
    const char *ret = NULL;

    if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) == 0 && found.gl_pathc > 0) {
        str bin = str_from(found.gl_pathv[found.gl_pathc - 1]);
        const char *initdb = arena_printf(arena, "%.*s/initdb", STR_ARG(bin)).ptr;

        ret = access(initdb, X_OK) == 0 ? arena_str(arena, bin).ptr : NULL;
    }
    globfree(&found);
    return ret;
}

/* Whether others than its owner can go through every directory of an absolute path. */
static int path_is_open(const char *path, struct baro_error *err)
{
    char part[DEMO_PATH_SIZE];
    struct stat status;

    (void)snprintf(part, sizeof(part), "%s", path);
    for (char *end = part + strlen(part); end > part; end = strrchr(part, '/')) {
        *end = '\0';
        if (part[0] != '\0' && (stat(part, &status) < 0 || (status.st_mode & S_IXOTH) == 0)) {
            return error_set(err, -EACCES,
                             "PostgreSQL: root runs it as user postgres, who cannot go through %s: "
                             "chmod a+x, or another --data",
                             part);
        }
    }
    return 0;
}

/* Root becomes "postgres", whom the package has made. */
static int user_choose(struct demo_process *process, const char *data, struct baro_error *err)
{
    const struct passwd *user;

    if (geteuid() != 0) {
        return 0;
    }
    user = getpwnam("postgres");
    if (user == NULL || user->pw_uid == 0) {
        return error_set(err, BARO_ENOTFOUND,
                         "PostgreSQL: root cannot run it, and there is no "
                         "user postgres");
    }
    process->uid = user->pw_uid;
    process->gid = user->pw_gid;
    return chmod(data, 0755) == 0 ? path_is_open(data, err)
                                  : error_set(err, -errno, "%s: cannot be opened", data);
}

/* A program of the release that does its work and ends. */
static int tool_run(const struct demo_process *server, const char *name, const char *directory,
                    const char *const *argv, struct baro_error *err)
{
    struct demo_process tool = {.uid = server->uid, .gid = server->gid};
    int r = demo_process_start(&tool, name, directory, argv, err);

    return r < 0 ? r : demo_process_end(&tool, err);
}

int demo_postgres_start(struct demo_process *process, struct arena *arena, const char *data,
                        uint16_t port, str *ret_url, struct baro_error *err)
{
    const char *bin = postgres_find(arena);
    const char *directory = arena_printf(arena, "%s/postgres", data).ptr;
    const char *place = arena_printf(arena, "%s/data", directory).ptr;
    const char *version = arena_printf(arena, "%s/PG_VERSION", place).ptr;
    int r;

    if (bin == NULL) {
        return error_set(err, BARO_ENOTFOUND, "PostgreSQL is not installed (postgresql)");
    }
    *ret_url = arena_printf(arena, "postgresql://demo@127.0.0.1:%u/postgres", port);
    const char *initdb[] = {arena_printf(arena, "%s/initdb", bin).ptr,
                            "-D",
                            place,
                            "-A",
                            "trust",
                            "-U",
                            "demo",
                            "--no-sync",
                            NULL};
    const char *server[] = {arena_printf(arena, "%s/postgres", bin).ptr,
                            "-D",
                            place,
                            "-p",
                            arena_printf(arena, "%u", port).ptr,
                            "-c",
                            "listen_addresses=127.0.0.1",
                            "-c",
                            "unix_socket_directories=",
                            "-c",
                            "fsync=off",
                            "-c",
                            "shared_buffers=16MB",
                            "-c",
                            "max_connections=50",
                            "-c",
                            "shared_preload_libraries=pg_stat_statements",
                            NULL};
    const char *psql[] = {arena_printf(arena, "%s/psql", bin).ptr,
                          "-X",
                          "-c",
                          "CREATE EXTENSION IF NOT EXISTS pg_stat_statements",
                          ret_url->ptr,
                          NULL};

    r = user_choose(process, data, err);
    if (r >= 0 && access(version, F_OK) != 0) {
        r = tool_run(process, "initdb", directory, initdb, err);
    }
    process->stop_signal = SIGINT; /* its "fast" end: it does not wait for its clients */
    r = r < 0 ? r : demo_process_start(process, "postgres", directory, server, err);
    r = r < 0 ? r : demo_process_text(process, "ready to accept connections", err);
    return r < 0 ? r : tool_run(process, "psql", directory, psql, err);
}
