#include "app/query_client.h"

#include <stdio.h>

#include "base/dur.h"
#include "conf/prom_config.h"
#include "http/client.h"
#include "model/labels.h"
#include "codec/url_escape.h"

enum { ANSWER_TIMEOUT_MS = 150 * DUR_SECOND, LABELS_MAX = 1024 };

void query_form_add(struct query_form *form, const char *name, str value)
{
    struct buf *buf = &form->text;

    buf_printf(buf, "%s%s=", buf->len > 0 ? "&" : "", name);
    url_query_escape(buf, value);
}

static void print_notes(const struct json *root, const char *key)
{
    const struct json *notes = json_get(root, key);

    for (size_t i = 0; i < json_count(notes); i++) {
        (void)fprintf(stderr, "%s: %.*s\n", key, STR_ARG(json_text(json_at(notes, i))));
    }
}

int query_client_ask(str url, const char *path, const struct query_form *form,
                     struct json **ret_root, const struct json **ret_data, struct baro_error *err)
{
    static const struct prom_http settings = {.follow_redirects = true};
    static const char *const form_header = "Content-Type: application/x-www-form-urlencoded";
    CLEANUP(http_headers_freep) struct http_headers *headers = http_headers_new(&form_header, 1);
    CLEANUP(json_doc_freep) struct json *root = NULL;
    struct buf full = {0};
    struct buf body = {0};
    struct http_call request = {.timeout = ANSWER_TIMEOUT_MS, .accept_gzip = true};
    int r;

    while (url.len > 0 && url.ptr[url.len - 1] == '/') {
        url.len--;
    }
    buf_printf(&full, "%s%.*s%s", str_contains(url, STR("://")) ? "" : "http://", STR_ARG(url),
               path);
    buf_char(&full, '\0');
    request.url = full.ptr;
    if (form != NULL) {
        request.headers = headers;
        request.post = buf_view(&form->text);
    }
    r = http_fetch(&settings, &request, &body);
    if (r < 0) {
        r = error_set(err, r, "%s: %s", full.ptr, request.err.message);
    } else if (json_doc_parse(buf_view(&body), &root, err) < 0) {
        r = error_set(err, BARO_EINVALID, "%s: answered %d, and not with JSON", full.ptr,
                      request.status);
    } else if (!str_eq(json_text(json_get(root, "status")), STR("success"))) {
        r = error_set(err, BARO_EINVALID, "%.*s: %.*s",
                      STR_ARG(json_text(json_get(root, "errorType"))),
                      STR_ARG(json_text(json_get(root, "error"))));
    } else {
        print_notes(root, "warnings");
        print_notes(root, "infos");
        *ret_data = json_get(root, "data");
        *ret_root = TAKE(root);
    }
    buf_done(&full);
    buf_done(&body);
    return r;
}

void query_client_labels(struct buf *buf, const struct json *metric)
{
    struct label items[LABELS_MAX];
    struct arena arena = {0};
    const struct json *value;
    void *iterator = NULL;
    size_t count = 0;

    while (count < LABELS_MAX && json_member(metric, &iterator, &items[count].name, &value)) {
        items[count++].value = json_text(value);
    }
    labels_format(buf, labels_from_pairs(&arena, items, count));
    arena_done(&arena);
}
