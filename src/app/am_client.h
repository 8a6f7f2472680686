/*
 * am_client: asks any server that speaks Alertmanager's API v2, for the `barograph alert` and
 * `barograph silence` commands, and prints as amtool does. Blocking; one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "alerting/am_matcher.h"
#include "app/flags.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "codec/json.h"

/* Rows that all these commands have, first in their tables. */
enum { AM_CLIENT_URL, AM_CLIENT_OUTPUT, AM_CLIENT_TIMEOUT, AM_CLIENT_ROWS };
#define AM_CLIENT_FLAGS                                                                            \
    {"alertmanager.url", FLAG_TEXT, "http://127.0.0.1:9090", FLAG_RUN,                             \
     "the server to talk to: barograph, or an Alertmanager"},                                      \
        {"output", FLAG_TEXT, "simple", FLAG_RUN, "simple, extended or json"},                     \
    {                                                                                              \
        "timeout", FLAG_DURATION, "30s", FLAG_RUN, "of each request"                               \
    }

enum am_output { AM_OUTPUT_SIMPLE, AM_OUTPUT_EXTENDED, AM_OUTPUT_JSON };

struct am_client {
    struct flags flags;
    struct arena arena;
    struct buf answer; /* the last one, as it came */
    enum am_output output;
};

/* am_client_begin reads the flags; returns the status to exit with, -1 to go on. */
int am_client_begin(struct am_client *client, const struct flag *rows, size_t count,
                    const char *usage, const char *summary, int argc, char **argv);

/* am_client_end says what was wrong, if anything, and returns the exit status. */
int am_client_end(struct am_client *client, const struct baro_error *err);

/* am_client_ask sends a request for a path below /api/v2 and gives the answer (*ret_root may be
 * NULL for an empty one). A status that is not 2xx is BARO_EINVALID with the server's text. */
int am_client_ask(struct am_client *client, const char *method, const char *path, str body,
                  struct json **ret_root, struct baro_error *err);

/* am_client_matchers reads the arguments as matchers; a first one without an operator is the value
 * of alertname, as amtool has it. */
int am_client_matchers(struct am_client *client, am_matchers *ret, struct baro_error *err);

/* am_client_filter appends "filter=..." for each matcher, as a query string. */
void am_client_filter(const am_matchers *matchers, struct buf *ret);

/* A table of texts, columns separated by two spaces, each as wide as its widest. */
struct am_table {
    struct arena *arena;
    size_t columns;
    VEC(str) cells;
};
void am_table_add(struct am_table *table, str cell);
void am_table_print(struct am_table *table);

/* am_client_print_answer prints the last answer as it came. */
void am_client_print_answer(const struct am_client *client);

/* am_client_time is "2006-01-02 15:04:05 UTC" for the API's form; the text itself otherwise. */
str am_client_time(struct arena *arena, const struct json *node);
