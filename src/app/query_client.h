/*
 * query_client: asks any server that speaks Prometheus's API, for the `barograph query` commands.
 * Blocking; one thread.
 */
#pragma once

#include "app/flags.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "codec/json.h"

/* A form of name=value pairs, percent-encoded as they are added. */
struct query_form {
    struct buf text;
};

void query_form_add(struct query_form *form, const char *name, str value);

struct prom_http;

/* How servers are asked: zeroed = without credentials, with no headers of one's own. */
struct query_client {
    const struct prom_http *http; /* NULL = the defaults */
    const char *const *headers;   /* "Name: value" */
    size_t header_count;
};

/* query_client_flags fills a client: from --header=NAME=VALUE (row SIZE_MAX: there is none) and
 * --http.config.file. What it needs lives in the arena. */
int query_client_flags(struct query_client *client, const struct flags *flags, size_t header_row,
                       size_t http_row, struct arena *arena, struct baro_error *err);

/* query_client_fetch is one GET of URL + path (POST of the form, with one) into ret_body. A status
 * that is not 2xx is a result of 0. Fails with BARO_ENETWORK and the like. */
int query_client_fetch(const struct query_client *client, str url, const char *path,
                       const struct query_form *form, int *ret_status, struct buf *ret_body,
                       struct baro_error *err);

/*
 * query_client_ask posts the form (GET when `form` is NULL) to URL + path and gives the `data` of
 * the answer; *ret_root owns it. Warnings and infos go to standard error. Fails with BARO_ENETWORK,
 * or BARO_EINVALID and the server's error text.
 */
int query_client_ask(const struct query_client *client, str url, const char *path,
                     const struct query_form *form, struct json **ret_root,
                     const struct json **ret_data, struct baro_error *err);

/* query_client_labels appends name{a="b"} of an API metric object. */
void query_client_labels(struct buf *buf, const struct json *metric);
