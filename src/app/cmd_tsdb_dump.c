#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/cmd_tsdb.h"
#include "app/commands.h"
#include "base/arena.h"
#include "base/num.h"
#include "base/vec.h"
#include "codec/json_write.h"
#include "model/histogram.h"
#include "promql/ast.h"
#include "promql/parser.h"
#include "tsdb/tsdb.h"

static const char dump_summary[] =
    "Prints every sample of a data directory, blocks and write-ahead log, as promtool tsdb dump "
    "does:\nlabels, value (a histogram in braces), time in ms. Nothing is changed or locked.\n\n"
    "  barograph tsdb dump --match='{job=\"node\"}' data/";
static const char openmetrics_summary[] =
    "Prints every sample of a data directory as OpenMetrics, for tsdb create-blocks-from "
    "openmetrics.\n\n"
    "  barograph tsdb dump-openmetrics data/ > all.om";

enum dump_flag { DUMP_MIN, DUMP_MAX, DUMP_MATCH, DUMP_SANDBOX, DUMP_FORMAT };

#define MATCH_ALL "{__name__=~\"(?s:.*)\"}"

static const struct flag rows[] = {
    {"min-time", FLAG_TEXT, "", FLAG_RUN, "least time, in ms"},
    {"max-time", FLAG_TEXT, "", FLAG_RUN, "greatest time, in ms"},
    {"match", FLAG_LIST, MATCH_ALL, FLAG_RUN, "selector of the series; repeatable"},
    {"sandbox-dir-root", FLAG_TEXT, "", FLAG_NOOP, "nothing is written anywhere"},
    {"format", FLAG_TEXT, "prom", FLAG_RUN,
     "prom: the samples; seriesjson: the labels of each series alone, as JSON"},
};

enum form { FORM_PLAIN, FORM_OPENMETRICS, FORM_SERIES };

static void put_labels(struct buf *out, struct labels labels, enum form form)
{
    bool is_first = true;

    if (form == FORM_OPENMETRICS) {
        buf_str(out, labels_get(labels, LABEL_METRIC_NAME));
    }
    buf_char(out, '{');
    for (size_t i = 0; i < labels.count; i++) {
        if (form == FORM_OPENMETRICS && str_eq(labels.items[i].name, LABEL_METRIC_NAME)) {
            continue;
        }
        buf_c(out, is_first ? "" : form == FORM_PLAIN ? ", " : ",");
        buf_str(out, labels.items[i].name);
        buf_char(out, '=');
        buf_quoted(out, labels.items[i].value);
        is_first = false;
    }
    buf_c(out, "} ");
}

static void put_value(struct buf *out, double v)
{
    char text[NUM_TEXT_MAX];

    buf_bytes(out, text, num_format_double(v, NUM_G, text));
}

static void put_sample(struct buf *out, str labels, ts t, double v, const struct histogram *h,
                       enum form form)
{
    buf_str(out, labels);
    if (h != NULL) {
        histogram_format_stored(out, h);
    } else {
        put_value(out, v);
    }
    if (form == FORM_PLAIN) {
        buf_printf(out, " %" PRId64 "\n", t);
    } else {
        buf_printf(out, " %s%" PRId64 ".%03" PRId64 "\n", t < 0 ? "-" : "",
                   t < 0 ? -(t / 1000) : t / 1000, t < 0 ? -(t % 1000) : t % 1000);
    }
}

static void put_series(struct buf *out, struct labels labels)
{
    struct json_writer json = json_write_over(out);

    json_write_object_begin(&json);
    for (size_t i = 0; i < labels.count; i++) {
        json_write_pair_str(&json, labels.items[i].name, labels.items[i].value);
    }
    json_write_object_end(&json);
    buf_char(out, '\n');
}

static int dump_series(struct querier *querier, const struct series *series,
                       struct sample_buf *samples, enum form form, struct baro_error *err)
{
    struct buf labels = {0}, out = {0};
    int r;

    sample_buf_reset(samples);
    r = querier->ops->samples(querier, series, INT64_MIN, INT64_MAX, samples, err);
    put_labels(&labels, series->labels, form);
    if (form == FORM_SERIES && samples->count > 0) {
        put_series(&out, series->labels);
    }
    for (size_t i = 0; r >= 0 && i < samples->count && form != FORM_SERIES; i++) {
        const struct histogram *h = samples->h != NULL ? samples->h[i] : NULL;

        if (h != NULL && form == FORM_OPENMETRICS) {
            continue; /* it has no native histograms */
        }
        put_sample(&out, buf_view(&labels), samples->t[i], samples->v[i], h, form);
    }
    if (r >= 0) {
        (void)fwrite(out.ptr, 1, out.len, stdout);
    }
    buf_done(&labels);
    buf_done(&out);
    return r;
}

typedef VEC(struct series) series_vec;

static int by_labels(const void *a, const void *b)
{
    return labels_cmp(((const struct series *)a)->labels, ((const struct series *)b)->labels);
}

/* The series that any selector finds, each once. */
static int select_all(struct querier *querier, struct arena *arena, struct expr *const *selectors,
                      size_t count, series_vec *ret, struct baro_error *err)
{
    const struct select_hints hints = {.sorted = true};
    size_t kept = 0;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < count; i++) {
        const struct matchers matchers = {selectors[i]->vector.matchers,
                                          selectors[i]->vector.matcher_count};
        struct series_list list = {0};

        r = querier->ops->select(querier, arena, &hints, matchers, NULL, &list, err);
        for (size_t k = 0; r >= 0 && k < list.count; k++) {
            vec_push(ret, list.items[k]);
        }
    }
    if (count > 1 && ret->count > 1) {
        qsort(ret->items, ret->count, sizeof(ret->items[0]), by_labels);
        for (size_t i = 1; i < ret->count; i++) {
            if (!labels_eq(ret->items[i].labels, ret->items[kept].labels)) {
                ret->items[++kept] = ret->items[i];
            }
        }
        ret->count = kept + 1;
    }
    return r;
}

static int dump_selected(struct tsdb *tsdb, struct expr *const *selectors, size_t count, ts mint,
                         ts maxt, enum form form, struct baro_error *err)
{
    struct queryable *queryable = tsdb_queryable(tsdb);
    struct querier *querier = NULL;
    struct sample_buf samples = {0};
    series_vec list = {0};
    struct arena arena = {0};
    int r = queryable->querier(queryable, mint, maxt, &querier, err);

    if (r >= 0) {
        r = select_all(querier, &arena, selectors, count, &list, err);
        for (size_t i = 0; r >= 0 && i < list.count; i++) {
            r = dump_series(querier, &list.items[i], &samples, form, err);
        }
        querier_close(querier);
    }
    vec_done(&list);
    sample_buf_done(&samples);
    arena_done(&arena);
    return r;
}

static int time_flag(const struct flags *flags, enum dump_flag row, ts initial, ts *ret,
                     struct baro_error *err)
{
    str text = flags_text(flags, row);

    *ret = initial;
    return text.len == 0 || num_parse_i64(text, ret)
               ? 0
               : error_set(err, BARO_EUSAGE, "--%s: \"%.*s\" is no time in milliseconds",
                           rows[row].name, STR_ARG(text));
}

static int read_selectors(const struct flags *flags, struct arena *arena, struct expr **ret,
                          size_t *ret_count, struct baro_error *err)
{
    int r = 0;

    *ret_count = 0;
    for (size_t i = 0; r >= 0 && i < flags->list_count; i++) {
        r = promql_parse_selector(arena, flags->list[i], &ret[*ret_count], err);
        *ret_count += r >= 0;
    }
    if (flags->list_count == 0) {
        r = promql_parse_selector(arena, STR(MATCH_ALL), &ret[0], err);
        *ret_count = r >= 0;
    }
    return r;
}

static int read_form(const struct flags *flags, enum form *ret, struct baro_error *err)
{
    str text = *ret == FORM_PLAIN ? flags_text(flags, DUMP_FORMAT) : STR("prom");

    if (str_eq(text, STR("seriesjson"))) {
        *ret = FORM_SERIES;
    } else if (!str_eq(text, STR("prom"))) {
        return error_set(err, BARO_EUSAGE, "--format: \"%.*s\" is neither prom nor seriesjson",
                         STR_ARG(text));
    }
    return 0;
}

static int dump(const struct flags *flags, enum form form, struct baro_error *err)
{
    const struct tsdb_options options = {.read_only = true, .too_old = -1};
    struct arena arena = {0};
    struct expr *selectors[FLAG_LIST_MAX] = {NULL};
    struct tsdb *tsdb = NULL;
    size_t count = 0;
    ts mint = 0, maxt = 0;
    int r = read_form(flags, &form, err);

    r = r < 0 ? r : time_flag(flags, DUMP_MIN, INT64_MIN, &mint, err);
    r = r < 0 ? r : time_flag(flags, DUMP_MAX, INT64_MAX, &maxt, err);
    r = r < 0 ? r : read_selectors(flags, &arena, selectors, &count, err);
    r = r < 0 ? r : tsdb_open(arena_str(&arena, flags->args[0]).ptr, &options, &tsdb, err);
    if (r >= 0) {
        r = dump_selected(tsdb, selectors, count, mint, maxt, form, err);
        (void)tsdb_free(tsdb);
    }
    for (size_t i = 0; i < count; i++) {
        promql_expr_done(selectors[i]);
    }
    arena_done(&arena);
    if (r >= 0 && form == FORM_OPENMETRICS) {
        (void)printf("# EOF\n");
    }
    return r;
}

static int run(enum form form, const char *usage, const char *summary, int argc, char **argv)
{
    static struct flags flags;
    struct baro_error err = {0};
    /* OpenMetrics is a format already. */
    size_t count = form == FORM_OPENMETRICS ? DUMP_FORMAT : ARRAY_COUNT(rows);
    int status = tsdb_command_begin(&flags, rows, count, usage, summary, argc, argv);

    if (status >= 0) {
        return status;
    }
    return dump(&flags, form, &err) < 0 ? tsdb_command_fail(&err) : 0;
}

int command_tsdb_dump(int argc, char **argv)
{
    return run(FORM_PLAIN, "tsdb dump [FLAGS] DIR", dump_summary, argc, argv);
}

int command_tsdb_dump_openmetrics(int argc, char **argv)
{
    return run(FORM_OPENMETRICS, "tsdb dump-openmetrics [FLAGS] DIR", openmetrics_summary, argc,
               argv);
}
