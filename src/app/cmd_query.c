#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/flags.h"
#include "app/plot.h"
#include "app/query_client.h"
#include "base/mem.h"
#include "base/num.h"
#include "sys/clock.h"

enum { COLUMNS_DEFAULT = 100, PLOT_ROWS = 20 };

static const char instant_summary[] =
    "Evaluates EXPR at one time on the server at URL (http://host:port) and prints a line per "
    "series:\n"
    "labels, \"=>\", value, \"@\" time.\n\n"
    "  barograph query instant http://localhost:9090 'sum by (job) (up)'";
static const char range_summary[] =
    "Evaluates EXPR over a time range on the server at URL and prints, per series, its labels and "
    "a line per point;\n"
    "with --plot it draws the series instead.\n\n"
    "  barograph query range --plot http://localhost:9090 'rate(node_cpu_seconds_total[1m])'";
static const char series_summary[] =
    "Prints the series of the server at URL that match any of the selectors.\n\n"
    "  barograph query series http://localhost:9090 'up{job=\"node\"}'";
static const char labels_summary[] = "Prints the values of label NAME on the server at URL.\n\n"
                                     "  barograph query labels http://localhost:9090 job";

/* The first rows of every table. */
enum query_flag { QUERY_FORMAT, QUERY_HEADER, QUERY_HTTP, QUERY_START, QUERY_END, QUERY_MATCH };
enum { RANGE_STEP = QUERY_MATCH, RANGE_PLOT };
enum { INSTANT_TIME = QUERY_START };

#define COMMON_FLAGS                                                                               \
    {"format", FLAG_TEXT, "promql", FLAG_RUN, "promql or json; also -o"},                          \
        {"header", FLAG_LIST, "", FLAG_RUN, "NAME=VALUE: a header of the request; repeatable"},    \
    {                                                                                              \
        "http.config.file", FLAG_TEXT, "", FLAG_RUN,                                               \
            "credentials, TLS and proxy for the server, as in a scrape job"                        \
    }
#define PERIOD_FLAGS                                                                               \
    {"start", FLAG_TEXT, "", FLAG_RUN, "first time, RFC 3339 or Unix seconds"},                    \
    {                                                                                              \
        "end", FLAG_TEXT, "", FLAG_RUN, "last time"                                                \
    }

static const struct flag instant_flags[] = {
    COMMON_FLAGS,
    {"time", FLAG_TEXT, "", FLAG_RUN,
     "evaluation time, RFC 3339 or Unix seconds; now when not given"},
};
static const struct flag range_flags[] = {
    COMMON_FLAGS,
    {"start", FLAG_TEXT, "", FLAG_RUN,
     "first time, RFC 3339 or Unix seconds; an hour ago when not given"},
    {"end", FLAG_TEXT, "", FLAG_RUN, "last time; now when not given"},
    {"step", FLAG_DURATION, "", FLAG_RUN, "distance of the points; 15s or so when not given"},
    {"plot", FLAG_BOOL, "false", FLAG_RUN, "draw the series in the terminal"},
};
static const struct flag period_flags[] = {
    COMMON_FLAGS,
    PERIOD_FLAGS,
    {"match", FLAG_LIST, "", FLAG_RUN, "selector of series; repeatable"},
};

/* A command that runs. */
struct asking {
    struct flags flags;
    struct arena arena;
    struct query_client client;
};

static int fail(const struct baro_error *err)
{
    (void)fprintf(stderr, "barograph: %s\n", err->message);
    return error_exit_status(err->code);
}

/* promtool's short flag. */
static void expand_short(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "-o") == 0) {
            argv[i] = (char *)(uintptr_t) "--format";
        }
    }
}

/* Parses the flags and wants `least` arguments at least. Returns -1 to go on, else the exit status.
 */
static int begin(struct asking *asking, const struct flag *rows, size_t row_count,
                 const char *usage, const char *summary, size_t least, int argc, char **argv)
{
    struct flags *flags = &asking->flags;
    struct baro_error err = {0};
    int status;

    expand_short(argc, argv);
    if (flags_parse(flags, rows, row_count, argc, argv, &err) < 0) {
        return fail(&err);
    }
    if (!flags->help && flags->arg_count >= least) {
        if (!str_is(flags_text(flags, QUERY_FORMAT), "promql") &&
            !str_is(flags_text(flags, QUERY_FORMAT), "json")) {
            (void)error_set(&err, BARO_EUSAGE, "--format: \"%.*s\" is neither promql nor json",
                            STR_ARG(flags_text(flags, QUERY_FORMAT)));
            return fail(&err);
        }
        status = query_client_flags(&asking->client, flags, QUERY_HEADER, QUERY_HTTP,
                                    &asking->arena, &err);
        return status < 0 ? fail(&err) : -1;
    }
    return flags_usage(flags, usage, summary);
}

static void add_time(struct query_form *form, const char *name, str given, ts otherwise)
{
    char text[64];

    if (given.len > 0) {
        query_form_add(form, name, given);
        return;
    }
    (void)snprintf(text, sizeof(text), "%lld.%03lld", (long long)(otherwise / 1000),
                   (long long)(otherwise % 1000));
    query_form_add(form, name, str_from(text));
}

/* The last hour unless --start and --end say otherwise. */
static void add_range(struct query_form *form, const struct flags *flags)
{
    ts now = clock_now(clock_real());

    add_time(form, "start", flags_text(flags, QUERY_START), now - DUR_HOUR);
    add_time(form, "end", flags_text(flags, QUERY_END), now);
}

/* Everything that the server has, likewise. */
static void add_period(struct query_form *form, const struct flags *flags)
{
    if (flags_text(flags, QUERY_START).len > 0) {
        query_form_add(form, "start", flags_text(flags, QUERY_START));
    }
    if (flags_text(flags, QUERY_END).len > 0) {
        query_form_add(form, "end", flags_text(flags, QUERY_END));
    }
}

static void add_matches(struct query_form *form, const struct flags *flags)
{
    for (size_t i = 0; i < flags->list_count; i++) {
        if (flags->list_row[i] == QUERY_MATCH) {
            query_form_add(form, "match[]", flags->list[i]);
        }
    }
}

static void print_point(struct buf *out, const struct json *point)
{
    buf_str(out, json_text(json_at(point, 1)));
    buf_c(out, " @");
    buf_double(out, json_double(json_at(point, 0)), NUM_F);
    buf_char(out, '\n');
}

/* Asks and releases the form. Returns -1 to go on with the data, else the exit status. */
static int ask(struct asking *asking, str url, const char *path, struct query_form *form,
               struct json **ret_root, const struct json **ret_data)
{
    struct baro_error err = {0};
    int r = query_client_ask(&asking->client, url, path, form, ret_root, ret_data, &err);

    if (form != NULL) {
        buf_done(&form->text);
    }
    return r < 0 ? fail(&err) : -1;
}

/* Prints, releases, and is the exit status. */
static int finish(struct asking *asking, struct buf *out)
{
    if (out->len > 0) {
        (void)fwrite(out->ptr, 1, out->len, stdout);
    }
    buf_done(out);
    arena_done(&asking->arena);
    return 0;
}

static bool wants_json(const struct asking *asking)
{
    return str_is(flags_text(&asking->flags, QUERY_FORMAT), "json");
}

static int finish_json(struct asking *asking, const struct json *value)
{
    struct buf out = {0};

    (void)json_print(&out, value);
    buf_char(&out, '\n');
    return finish(asking, &out);
}

int command_query_instant(int argc, char **argv)
{
    static struct asking asking;
    CLEANUP(json_doc_freep) struct json *root = NULL;
    struct query_form form = {0};
    const struct json *data = NULL;
    const struct json *result;
    struct buf out = {0};
    int status = begin(&asking, instant_flags, ARRAY_COUNT(instant_flags),
                       "query instant [FLAGS] URL EXPR", instant_summary, 2, argc, argv);

    if (status >= 0) {
        return status;
    }
    query_form_add(&form, "query", asking.flags.args[1]);
    add_time(&form, "time", flags_text(&asking.flags, INSTANT_TIME), clock_now(clock_real()));
    status = ask(&asking, asking.flags.args[0], "/api/v1/query", &form, &root, &data);
    if (status >= 0) {
        return status;
    }
    result = json_get(data, "result");
    if (wants_json(&asking)) {
        return finish_json(&asking, result);
    }
    if (json_kind_of(json_at(result, 0)) != JSON_KIND_OBJECT && json_count(result) > 0) {
        print_point(&out, result); /* a scalar or string: [time, value] */
    }
    for (size_t i = 0;
         i < json_count(result) && json_kind_of(json_at(result, i)) == JSON_KIND_OBJECT; i++) {
        const struct json *series = json_at(result, i);
        const struct json *values = json_get(series, "values");

        query_client_labels(&out, json_get(series, "metric"));
        buf_c(&out, " => ");
        print_point(&out, values != NULL ? json_at(values, json_count(values) - 1)
                                         : json_get(series, "value"));
    }
    return finish(&asking, &out);
}

static size_t terminal_columns(void)
{
    struct winsize size = {0};

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                           : COLUMNS_DEFAULT;
}

static void plot_result(struct buf *out, const struct json *result)
{
    size_t count = json_count(result);
    struct plot_series *series = mem_alloc_zero(sizeof(*series) * (count + 1));
    bool color = isatty(STDOUT_FILENO) == 1;

    for (size_t s = 0; s < count; s++) {
        const struct json *values = json_get(json_at(result, s), "values");
        size_t points = json_count(values);
        ts *t = mem_alloc_zero(sizeof(*t) * (points + 1));
        double *v = mem_alloc_zero(sizeof(*v) * (points + 1));

        for (size_t i = 0; i < points; i++) {
            t[i] = (ts)(json_double(json_at(json_at(values, i), 0)) * 1000);
            (void)num_parse_double(json_text(json_at(json_at(values, i), 1)), &v[i]);
        }
        series[s] = (struct plot_series){t, v, points};
    }
    plot_draw(out, series, count, terminal_columns(), PLOT_ROWS, color);
    for (size_t s = 0; s < count; s++) {
        if (color) {
            plot_color(out, s);
        }
        query_client_labels(out, json_get(json_at(result, s), "metric"));
        if (color) {
            plot_color(out, SIZE_MAX);
        }
        buf_char(out, '\n');
        (void)mem_free((void *)(uintptr_t)series[s].t);
        (void)mem_free((void *)(uintptr_t)series[s].v);
    }
    (void)mem_free(series);
}

int command_query_range(int argc, char **argv)
{
    static struct asking asking;
    CLEANUP(json_doc_freep) struct json *root = NULL;
    struct query_form form = {0};
    const struct json *data = NULL;
    const struct json *result;
    struct buf out = {0};
    int status = begin(&asking, range_flags, ARRAY_COUNT(range_flags),
                       "query range [FLAGS] URL EXPR", range_summary, 2, argc, argv);
    str step = flags_text(&asking.flags, RANGE_STEP);

    if (status >= 0) {
        return status;
    }
    query_form_add(&form, "query", asking.flags.args[1]);
    add_range(&form, &asking.flags);
    query_form_add(&form, "step", step.len > 0 ? step : STR("15"));
    status = ask(&asking, asking.flags.args[0], "/api/v1/query_range", &form, &root, &data);
    if (status >= 0) {
        return status;
    }
    result = json_get(data, "result");
    if (wants_json(&asking)) {
        return finish_json(&asking, result);
    }
    if (flags_bool(&asking.flags, RANGE_PLOT)) {
        plot_result(&out, result);
    }
    for (size_t i = 0; !flags_bool(&asking.flags, RANGE_PLOT) && i < json_count(result); i++) {
        const struct json *values = json_get(json_at(result, i), "values");

        query_client_labels(&out, json_get(json_at(result, i), "metric"));
        buf_c(&out, " =>\n");
        for (size_t k = 0; k < json_count(values); k++) {
            print_point(&out, json_at(values, k));
        }
    }
    return finish(&asking, &out);
}

int command_query_series(int argc, char **argv)
{
    static struct asking asking;
    CLEANUP(json_doc_freep) struct json *root = NULL;
    struct query_form form = {0};
    const struct json *data = NULL;
    struct buf out = {0};
    int status = begin(&asking, period_flags, ARRAY_COUNT(period_flags),
                       "query series [FLAGS] URL SELECTOR...", series_summary, 1, argc, argv);

    if (status >= 0) {
        return status;
    }
    for (size_t i = 1; i < asking.flags.arg_count; i++) {
        query_form_add(&form, "match[]", asking.flags.args[i]);
    }
    add_period(&form, &asking.flags);
    add_matches(&form, &asking.flags);
    status = ask(&asking, asking.flags.args[0], "/api/v1/series", &form, &root, &data);
    if (status >= 0) {
        return status;
    }
    if (wants_json(&asking)) {
        return finish_json(&asking, data);
    }
    for (size_t i = 0; i < json_count(data); i++) {
        query_client_labels(&out, json_at(data, i));
        buf_char(&out, '\n');
    }
    return finish(&asking, &out);
}

int command_query_labels(int argc, char **argv)
{
    static struct asking asking;
    CLEANUP(json_doc_freep) struct json *root = NULL;
    struct query_form form = {0};
    const struct json *data = NULL;
    struct buf path = {0};
    struct buf out = {0};
    int status = begin(&asking, period_flags, ARRAY_COUNT(period_flags),
                       "query labels [FLAGS] URL NAME", labels_summary, 2, argc, argv);

    if (status >= 0) {
        return status;
    }
    add_period(&form, &asking.flags);
    add_matches(&form, &asking.flags);
    buf_printf(&path, "/api/v1/label/%.*s/values?%.*s", STR_ARG(asking.flags.args[1]),
               STR_ARG(buf_view(&form.text)));
    buf_char(&path, '\0');
    status = ask(&asking, asking.flags.args[0], path.ptr, NULL, &root, &data);
    buf_done(&form.text);
    buf_done(&path);
    if (status >= 0) {
        return status;
    }
    if (wants_json(&asking)) {
        return finish_json(&asking, data);
    }
    for (size_t i = 0; i < json_count(data); i++) {
        buf_str(&out, json_text(json_at(data, i)));
        buf_char(&out, '\n');
    }
    return finish(&asking, &out);
}
