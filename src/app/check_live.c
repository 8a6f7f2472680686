#include "app/check_live.h"

#include <stdio.h>

#include "app/files.h"
#include "catalog/catalog_live.h"
#include "conf/prom_config.h"
#include "http/client.h"

enum { FETCH_TIMEOUT_MS = 30 * DUR_SECOND };

/* What a check works on, to be released together. */
struct live {
    struct catalog *catalogs[FLAG_LIST_MAX];
    size_t catalog_count;
    struct regex *allowed[FLAG_LIST_MAX + 1];
    size_t allowed_count;
    struct buf body;
};

static int print_error(const struct baro_error *err)
{
    char line[ERROR_FORMAT_BYTES];

    error_format(err, line, sizeof(line));
    (void)fprintf(stderr, "%s\n", line);
    return -1;
}

static int load_catalog(struct live *live, const char *path)
{
    static struct faults faults;

    faults = (struct faults){0};
    if (catalog_load(path, &live->catalogs[live->catalog_count], &faults) >= 0) {
        live->catalog_count++;
        return 0;
    }
    for (uint32_t i = 0; i < faults.count; i++) {
        (void)print_error(&faults.items[i]);
    }
    return -1;
}

static int allow(struct live *live, str pattern)
{
    struct baro_error err = {0};

    if (regex_new(pattern, true, &live->allowed[live->allowed_count], &err) < 0) {
        return print_error(&err);
    }
    live->allowed_count++;
    return 0;
}

static int load(struct live *live, const struct check_live_options *options)
{
    const struct flags *flags = options->flags;
    int r = allow(live, STR("process_.*"));

    for (size_t i = 0; i < flags->list_count && r == 0; i++) {
        if (flags->list_row[i] == options->catalog_row) {
            r = load_catalog(live, flags->list[i].ptr);
        } else if (flags->list_row[i] == options->allow_row) {
            r = allow(live, flags->list[i]);
        }
    }
    return r;
}

static int fetch(const char *url, struct buf *ret_body)
{
    static const struct prom_http settings = {.follow_redirects = true};
    static const char *const accept =
        "Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
    CLEANUP(http_headers_freep) struct http_headers *headers = http_headers_new(&accept, 1);
    struct http_call request = {
        .url = url,
        .headers = headers,
        .timeout = FETCH_TIMEOUT_MS,
        .accept_gzip = true,
        .body_bytes_max = FILE_BYTES_MAX,
    };

    if (http_fetch(&settings, &request, ret_body) < 0) {
        (void)fprintf(stderr, "%s: %s\n", url, request.err.message);
        return -1;
    }
    if (request.status != 200) {
        (void)fprintf(stderr, "%s: answered %s\n", url, request.status_text);
        return -1;
    }
    return 0;
}

static int read_body(const char *input, struct buf *ret_body)
{
    struct baro_error err = {0};

    if (str_contains(str_from(input), STR("://"))) {
        return fetch(input, ret_body);
    }
    return file_read(input, ret_body, &err) < 0 ? print_error(&err) : 0;
}

static enum exposition_format format_of(enum exposition_check_format wanted, str body)
{
    bool ends = str_has_suffix(str_trim(body), STR("# EOF"));

    return wanted == EXPOSITION_CHECK_OPENMETRICS || (wanted == EXPOSITION_CHECK_AUTO && ends)
               ? EXPOSITION_OPENMETRICS
               : EXPOSITION_TEXT;
}

static int compare(struct live *live, const struct check_live_options *options, const char *input)
{
    struct catalog_live_options check = {
        .catalogs = (const struct catalog *const *)live->catalogs,
        .catalog_count = live->catalog_count,
        .allowed = live->allowed,
        .allowed_count = live->allowed_count,
        .complete = options->complete,
        .input = strcmp(input, "-") == 0 ? "stdin" : input,
        .format = format_of(options->format, buf_view(&live->body)),
    };
    struct buf out = {0};
    size_t series = 0;
    size_t found = catalog_live_check(buf_view(&live->body), &check, &series, &out);

    (void)fwrite(out.ptr, 1, out.len, stdout);
    if (found == 0) {
        (void)printf("%s: good: %zu series are as the catalogue says\n", check.input, series);
    }
    buf_done(&out);
    return found > 0 ? 1 : 0;
}

int check_live(const struct check_live_options *options)
{
    const struct flags *flags = options->flags;
    const char *input = flags->arg_count == 1 ? flags->args[0].ptr : "-";
    struct live live = {0};
    int status = 1;

    if (load(&live, options) == 0 && read_body(input, &live.body) == 0) {
        status = compare(&live, options, input);
    }
    for (size_t i = 0; i < live.catalog_count; i++) {
        (void)catalog_free(live.catalogs[i]);
    }
    for (size_t i = 0; i < live.allowed_count; i++) {
        (void)regex_free(live.allowed[i]);
    }
    buf_done(&live.body);
    return status;
}
