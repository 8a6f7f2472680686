/*
 * query_client: asks any server that speaks Prometheus's API, for the `barograph query` commands.
 * Blocking; one thread.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "codec/json.h"

/* A form of name=value pairs, percent-encoded as they are added. */
struct query_form {
    struct buf text;
};

void query_form_add(struct query_form *form, const char *name, str value);

/*
 * query_client_ask posts the form (GET when `form` is NULL) to URL + path and gives the `data` of
 * the answer; *ret_root owns it. Warnings and infos go to standard error. Fails with BARO_ENETWORK,
 * or BARO_EINVALID and the server's error text.
 */
int query_client_ask(str url, const char *path, const struct query_form *form,
                     struct json **ret_root, const struct json **ret_data, struct baro_error *err);

/* query_client_labels appends name{a="b"} of an API metric object. */
void query_client_labels(struct buf *buf, const struct json *metric);
