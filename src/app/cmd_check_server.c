#include <stdio.h>

#include "app/commands.h"
#include "app/query_client.h"

enum server_flag { SERVER_URL, SERVER_HTTP };

static const struct flag rows[] = {
    {"url", FLAG_TEXT, "http://localhost:9090", FLAG_RUN, "the server"},
    {"http.config.file", FLAG_TEXT, "", FLAG_RUN,
     "credentials, TLS and proxy for the server, as in a scrape job"},
};

/* As promtool: what the server says of itself is the exit status. */
static int ask(const struct query_client *client, str url, const char *path, struct baro_error *err)
{
    struct buf body = {0};
    int status = 0;
    int r = query_client_fetch(client, url, path, NULL, &status, &body, err);

    if (r >= 0 && status != 200) {
        r = error_set(err, BARO_ENETWORK, "%.*s%s: answered %d: %.*s", STR_ARG(url), path, status,
                      STR_ARG(str_trim(buf_view(&body))));
    } else if (r >= 0) {
        (void)printf("  SUCCESS: %.*s\n", STR_ARG(str_trim(buf_view(&body))));
    }
    buf_done(&body);
    return r;
}

static int run(const char *usage, const char *summary, const char *path, int argc, char **argv)
{
    static struct flags flags;
    struct query_client client = {0};
    struct arena arena = {0};
    struct baro_error err = {0};
    int r = flags_parse(&flags, rows, ARRAY_COUNT(rows), argc, argv, &err);

    if (r >= 0 && (flags.help || flags.arg_count > 0)) {
        return flags_usage(&flags, usage, summary);
    }
    r = r < 0 ? r : query_client_flags(&client, &flags, SIZE_MAX, SERVER_HTTP, &arena, &err);
    r = r < 0 ? r : ask(&client, flags_text(&flags, SERVER_URL), path, &err);
    arena_done(&arena);
    if (r < 0) {
        (void)fprintf(stderr, "barograph: %s\n", err.message);
    }
    return r < 0 ? error_exit_status(r) : 0;
}

int command_check_healthy(int argc, char **argv)
{
    return run("check healthy [FLAGS]",
               "Asks a server whether it is healthy. Exit status: 0 it is, 1 it is not or cannot "
               "be reached, 2 wrong usage.\n\n"
               "  barograph check healthy --url=http://localhost:9090",
               "/-/healthy", argc, argv);
}

int command_check_ready(int argc, char **argv)
{
    return run("check ready [FLAGS]",
               "Asks a server whether it is ready for queries. Exit status: 0 it is, 1 it is not "
               "or cannot be reached, 2 wrong usage.\n\n"
               "  until barograph check ready --url=http://localhost:9090; do sleep 1; done",
               "/-/ready", argc, argv);
}
