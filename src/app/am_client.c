#include "app/am_client.h"

#include <stdio.h>

#include "base/calendar.h"
#include "base/rfc3339.h"
#include "codec/url_escape.h"
#include "conf/prom_config.h"
#include "http/client.h"

int am_client_begin(struct am_client *client, const struct flag *rows, size_t count,
                    const char *usage, const char *summary, int argc, char **argv)
{
    static const char *const outputs[] = {"simple", "extended", "json"};
    struct baro_error err = {0};
    str output;

    *client = (struct am_client){0};
    if (flags_parse(&client->flags, rows, count, argc, argv, &err) < 0) {
        (void)fprintf(stderr, "barograph: %s\n", err.message);
        return 2;
    }
    if (client->flags.help) {
        return flags_usage(&client->flags, usage, summary);
    }
    output = flags_text(&client->flags, AM_CLIENT_OUTPUT);
    for (size_t i = 0; i < ARRAY_COUNT(outputs); i++) {
        if (str_is(output, outputs[i])) {
            client->output = (enum am_output)i;
            return -1;
        }
    }
    (void)fprintf(stderr, "barograph: --output: \"%.*s\" is none of simple, extended, json\n",
                  STR_ARG(output));
    return 2;
}

int am_client_end(struct am_client *client, const struct baro_error *err)
{
    arena_done(&client->arena);
    buf_done(&client->answer);
    if (err->code == 0) {
        return 0;
    }
    (void)fprintf(stderr, "barograph: %s\n", err->message);
    return error_exit_status(err->code);
}

/* Alertmanager's own faults are strings, those of its framework objects with a message. */
static int refused(const struct http_call *call, str body, struct baro_error *err)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    str text = str_trim(body);

    if (json_doc_parse(body, &root, NULL) >= 0) {
        str message = json_text(json_get(root, "message"));

        text = message.ptr != NULL ? message : text;
    }
    return error_set(err, BARO_EINVALID, "%s: answered %s: %.*s", call->url, call->status_text,
                     STR_ARG(text));
}

int am_client_ask(struct am_client *client, const char *method, const char *path, str body,
                  struct json **ret_root, struct baro_error *err)
{
    static const struct prom_http settings = {.follow_redirects = true};
    static const char *const lines[] = {"Content-Type: application/json"};
    CLEANUP(http_headers_freep)
    struct http_headers *headers = http_headers_new(lines, ARRAY_COUNT(lines));
    str url = flags_text(&client->flags, AM_CLIENT_URL);
    struct http_call call = {.headers = headers,
                             .method = method,
                             .post = body,
                             .timeout = flags_duration(&client->flags, AM_CLIENT_TIMEOUT)};
    int r;

    buf_reset(&client->answer);
    while (url.len > 0 && url.ptr[url.len - 1] == '/') {
        url.len--;
    }
    call.url = arena_printf(&client->arena, "%s%.*s/api/v2%s",
                            str_contains(url, STR("://")) ? "" : "http://", STR_ARG(url), path)
                   .ptr;
    r = http_fetch(&settings, &call, &client->answer);
    if (r < 0) {
        r = error_set(err, r, "%s: %s", call.url, call.err.message);
    } else if (call.status / 100 != 2) {
        r = refused(&call, buf_view(&client->answer), err);
    } else if (client->answer.len > 0) {
        r = json_doc_parse(buf_view(&client->answer), ret_root, err);
    }
    return r;
}

int am_client_matchers(struct am_client *client, am_matchers *ret, struct baro_error *err)
{
    for (size_t i = 0; i < client->flags.arg_count; i++) {
        str text = client->flags.args[i];
        bool is_name = i == 0 && str_index_char(text, '=') == SIZE_MAX &&
                       str_index_char(text, '~') == SIZE_MAX;
        int r = is_name ? am_matchers_add(ret, &client->arena, MATCHER_EQUAL, STR("alertname"),
                                          text, err)
                        : am_matchers_parse(&client->arena, text, ret, err);

        if (r < 0) {
            return r;
        }
    }
    return 0;
}

void am_client_filter(const am_matchers *matchers, struct buf *ret)
{
    for (size_t i = 0; i < matchers->count; i++) {
        am_matchers one = {.items = &matchers->items[i], .count = 1};
        struct buf text = {0};

        am_matchers_format(&text, &one);
        buf_c(ret, ret->len > 0 ? "&filter=" : "filter=");
        /* Without the braces: Alertmanager before 0.27 takes none here. */
        url_query_escape(ret, str_slice(buf_view(&text), 1, text.len - 1));
        buf_done(&text);
    }
}

/* ---- Tables ---- */

void am_table_add(struct am_table *table, str cell)
{
    vec_push(&table->cells, cell);
}

/* In characters, not bytes. */
static size_t width_of(str text)
{
    size_t width = 0;

    for (size_t i = 0; i < text.len; i++) {
        width += ((unsigned char)text.ptr[i] & 0xC0) != 0x80 ? 1 : 0;
    }
    return width;
}

/* Control characters would move the cursor of who looks at it. */
static void print_cell(str text)
{
    for (size_t i = 0; i < text.len; i++) {
        (void)putchar((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f ? ' ' : text.ptr[i]);
    }
}

void am_table_print(struct am_table *table)
{
    size_t *widths = ARENA_ARRAY(table->arena, size_t, table->columns);

    for (size_t i = 0; i < table->cells.count; i++) {
        size_t width = width_of(table->cells.items[i]);

        widths[i % table->columns] =
            widths[i % table->columns] > width ? widths[i % table->columns] : width;
    }
    for (size_t i = 0; i < table->cells.count; i++) {
        size_t column = i % table->columns;

        print_cell(table->cells.items[i]);
        (void)printf("%*s", (int)(widths[column] - width_of(table->cells.items[i]) + 2), "");
        if (column + 1 == table->columns) {
            (void)putchar('\n');
        }
    }
    vec_done(&table->cells);
}

void am_client_print_answer(const struct am_client *client)
{
    str text = str_trim(buf_view(&client->answer));

    (void)fwrite(text.ptr, 1, text.len, stdout);
    (void)putchar('\n');
}

str am_client_time(struct arena *arena, const struct json *node)
{
    struct calendar date;
    ts t = 0;

    if (!rfc3339_parse(json_text(node), &t)) {
        return arena_str(arena, json_text(node));
    }
    date = calendar_of(t / 1000);
    return arena_printf(arena, "%04d-%02d-%02d %02d:%02d:%02d UTC", (int)date.year, date.month,
                        date.day, date.hour, date.minute, date.second);
}
