#include "app/query_client.h"

#include <stdio.h>

#include "base/dur.h"
#include "base/mem.h"
#include "conf/prom_config_file.h"
#include "http/client.h"
#include "model/labels.h"
#include "codec/url_escape.h"

enum { ANSWER_TIMEOUT_MS = 150 * DUR_SECOND, LABELS_MAX = 1024 };

/* Some twenty million points. */
#define ANSWER_TREE_BYTES_MAX ((size_t)4 << 30)

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

enum { HEADERS_MAX = FLAG_LIST_MAX };

/* "NAME=VALUE" or "NAME:VALUE" -> "NAME: VALUE" */
static int take_header(struct arena *arena, str text, const char **ret, struct baro_error *err)
{
    size_t equals = str_index_char(text, '=');
    size_t colon = str_index_char(text, ':');
    size_t at = equals < colon ? equals : colon;

    if (at == SIZE_MAX || at == 0) {
        return error_set(err, BARO_EUSAGE, "--header: \"%.*s\" is not NAME=VALUE", STR_ARG(text));
    }
    *ret = arena_printf(arena, "%.*s: %.*s", STR_ARG(str_slice(text, 0, at)),
                        STR_ARG(str_trim(str_from_index(text, at + 1))))
               .ptr;
    return 0;
}

static int take_http(struct query_client *client, const char *path, struct arena *arena,
                     struct baro_error *err)
{
    struct faults *faults = MEM_NEW(struct faults);
    int r = prom_http_file_load(path, arena, &client->http, faults);

    if (r < 0) {
        char text[ERROR_FORMAT_BYTES];

        error_format(&faults->items[0], text, sizeof(text));
        r = error_set(err, BARO_EINVALID, "--http.config.file: %s", text);
    }
    (void)mem_free(faults);
    return r;
}

int query_client_flags(struct query_client *client, const struct flags *flags, size_t header_row,
                       size_t http_row, struct arena *arena, struct baro_error *err)
{
    const char **headers = ARENA_ARRAY(arena, const char *, flags->list_count + 1);
    str path = flags_text(flags, http_row);

    *client = (struct query_client){.headers = headers};
    for (size_t i = 0; i < flags->list_count; i++) {
        if (flags->list_row[i] == header_row) {
            int r = take_header(arena, flags->list[i], &headers[client->header_count++], err);

            if (r < 0) {
                return r;
            }
        }
    }
    return path.len > 0 ? take_http(client, path.ptr, arena, err) : 0;
}

int query_client_fetch(const struct query_client *client, str url, const char *path,
                       const struct query_form *form, int *ret_status, struct buf *ret_body,
                       struct baro_error *err)
{
    static const struct prom_http defaults = {.follow_redirects = true};
    const char *lines[HEADERS_MAX + 1] = {"Content-Type: application/x-www-form-urlencoded"};
    CLEANUP(http_headers_freep) struct http_headers *headers = NULL;
    struct buf full = {0};
    struct http_call request = {.timeout = ANSWER_TIMEOUT_MS, .accept_gzip = true};
    size_t skip = form == NULL ? 1 : 0;
    size_t count = 1;
    int r;

    while (url.len > 0 && url.ptr[url.len - 1] == '/') {
        url.len--;
    }
    for (size_t i = 0; i < client->header_count && i < HEADERS_MAX; i++) {
        lines[count++] = client->headers[i];
    }
    headers = http_headers_new(lines + skip, count - skip);
    buf_printf(&full, "%s%.*s%s", str_contains(url, STR("://")) ? "" : "http://", STR_ARG(url),
               path);
    buf_char(&full, '\0');
    request.url = full.ptr;
    request.headers = headers;
    if (form != NULL) {
        request.post = buf_view(&form->text);
    }
    r = http_fetch(client->http != NULL ? client->http : &defaults, &request, ret_body);
    if (r < 0) {
        r = error_set(err, r, "%s: %s", full.ptr, request.err.message);
    } else {
        *ret_status = request.status;
    }
    buf_done(&full);
    return r;
}

int query_client_ask(const struct query_client *client, str url, const char *path,
                     const struct query_form *form, struct json **ret_root,
                     const struct json **ret_data, struct baro_error *err)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    struct buf body = {0};
    int status = 0;
    int r = query_client_fetch(client, url, path, form, &status, &body, err);

    if (r >= 0 && json_tree_bytes(buf_view(&body)) > ANSWER_TREE_BYTES_MAX) {
        r = error_set(err, BARO_ELIMIT,
                      "%.*s%s: the answer of %zu bytes is too large: ask for less", STR_ARG(url),
                      path, body.len);
    } else if (r >= 0 && json_doc_parse(buf_view(&body), &root, err) < 0) {
        r = error_set(err, BARO_EINVALID, "%.*s%s: answered %d, and not with JSON", STR_ARG(url),
                      path, status);
    } else if (r >= 0 && !str_eq(json_text(json_get(root, "status")), STR("success"))) {
        r = error_set(err, BARO_EINVALID, "%.*s: %.*s",
                      STR_ARG(json_text(json_get(root, "errorType"))),
                      STR_ARG(json_text(json_get(root, "error"))));
    } else if (r >= 0) {
        print_notes(root, "warnings");
        print_notes(root, "infos");
        *ret_data = json_get(root, "data");
        *ret_root = TAKE(root);
    }
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
