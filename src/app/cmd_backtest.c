/* barograph backtest: what rules would have done over a data directory's history. */
#include <stdio.h>

#include "api/backtest.h"
#include "app/commands.h"
#include "app/files.h"
#include "app/flags.h"
#include "base/rfc3339.h"
#include "codec/json_write.h"
#include "sys/clock.h"
#include "tsdb/tsdb.h"

enum backtest_flag {
    BACKTEST_FROM,
    BACKTEST_TO,
    BACKTEST_PATH,
    BACKTEST_AM,
    BACKTEST_INTERVAL,
    BACKTEST_LOOKBACK,
    BACKTEST_JSON,
};

static const struct flag rows[] = {
    {"from", FLAG_TEXT, "", FLAG_RUN,
     "begin: RFC 3339, seconds since 1970, or how long before --to: 30d"},
    {"to", FLAG_TEXT, "", FLAG_RUN, "end: RFC 3339 or seconds since 1970; now when not given"},
    {"storage.tsdb.path", FLAG_TEXT, "data/", FLAG_RUN, "the data directory; it is only read"},
    {"alertmanager.config.file", FLAG_TEXT, "", FLAG_RUN,
     "also say which notifications would have gone out by this configuration"},
    {"evaluation-interval", FLAG_DURATION, "1m", FLAG_RUN, "of groups that name none"},
    {"query.lookback-delta", FLAG_DURATION, "5m", FLAG_RUN, "how old a sample may be"},
    {"json", FLAG_BOOL, "false", FLAG_RUN, "the answer of the API"},
};
static const char summary[] =
    "Evaluates rule files over stored history, and says when each alert would have been pending,\n"
    "firing and over, and which notifications would have gone out.\n"
    "Exit status: 0 done, 1 a fault, 2 wrong usage.\n\n"
    "  barograph backtest --from=30d --storage.tsdb.path=data/ rules/*.yml";

enum { FILES_MAX = 1000, SAMPLES_MAX = 50000000 };
#define MEMORY_BYTES_MAX ((size_t)4 << 30)

static int read_range(const struct flags *flags, struct backtest_options *ret,
                      struct baro_error *err)
{
    str from = flags_text(flags, BACKTEST_FROM);
    str to = flags_text(flags, BACKTEST_TO);
    dur before = 0;

    ret->end = clock_now(clock_real());
    if (to.len > 0 && !flags_time_parse(to, &ret->end)) {
        return error_set(err, BARO_EUSAGE, "--to: \"%.*s\" is no time", STR_ARG(to));
    }
    if (!flags_time_parse(from, &ret->start)) {
        if (dur_parse(from, &before, err) < 0) {
            return error_set(err, BARO_EUSAGE, "--from: \"%.*s\" is neither a time nor a duration",
                             STR_ARG(from));
        }
        ret->start = ret->end - before;
    }
    ret->interval = flags_duration(flags, BACKTEST_INTERVAL);
    if (ret->start > ret->end || ret->interval <= 0) {
        return error_set(err, BARO_EUSAGE, "--from must be before --to, and the interval above 0");
    }
    return 0;
}

static int read_files(struct arena *arena, const struct flags *flags, struct rule_file *files,
                      const struct promql_features *features, struct baro_error *err)
{
    static struct faults faults;

    for (size_t i = 0; i < flags->arg_count; i++) {
        struct buf text = {0};
        int r = file_read(flags->args[i].ptr, &text, err);

        if (r >= 0 && rule_file_parse(arena, flags->args[i], buf_view(&text), features, &files[i],
                                      &faults) < 0) {
            r = BARO_EINVALID;
            *err = faults.items[0];
        }
        buf_done(&text);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* ---- Printing ---- */

static void put_time(struct buf *out, const char *what, ts t, const char *none)
{
    buf_printf(out, "  %s ", what);
    if (t == 0) {
        buf_c(out, none);
    } else {
        rfc3339_format(out, t);
    }
}

static void print_text(const struct backtest *alerts, const struct backtest_notifications *told,
                       bool has_told)
{
    struct buf out = {0};
    size_t fired = 0;

    for (size_t i = 0; i < alerts->alert_count; i++) {
        const struct backtest_alert *alert = &alerts->alerts[i];

        fired += alert->firing_at != 0;
        buf_str(&out, alert->rule);
        labels_format(&out, alert->labels);
        put_time(&out, "pending", alert->pending_at, "-");
        put_time(&out, "firing", alert->firing_at, "never");
        put_time(&out, "resolved", alert->resolved_at, "not yet");
        buf_char(&out, '\n');
    }
    for (size_t i = 0; has_told && i < told->count; i++) {
        const struct backtest_notification *one = &told->items[i];

        rfc3339_format(&out, one->at);
        buf_printf(&out, " %.*s/%.*s %.*s: %zu firing, %zu resolved  %.*s\n",
                   STR_ARG(one->receiver), STR_ARG(one->kind), STR_ARG(one->reason), one->firing,
                   one->resolved, STR_ARG(one->group_key));
    }
    buf_printf(&out, "%zu rules, %zu evaluations: %zu alerts, %zu of them fired",
               alerts->rule_count, alerts->evaluations, alerts->alert_count + alerts->dropped,
               fired);
    if (has_told) {
        buf_printf(&out, ", %zu notifications", told->count + told->dropped);
    }
    (void)printf("%.*s\n", (int)out.len, out.ptr);
    buf_done(&out);
}

static void print_json(const struct backtest *alerts, const struct backtest_notifications *told,
                       bool has_told)
{
    struct buf out = {0};
    struct json_writer json = json_write_over(&out);

    backtest_write(&json, alerts, has_told ? told : NULL);
    (void)fwrite(out.ptr, 1, out.len, stdout);
    (void)printf("\n");
    buf_done(&out);
}

static int print_result(const struct flags *flags, const struct backtest *alerts, ts end,
                        struct baro_error *err)
{
    struct backtest_notifications told = {0};
    str path = flags_text(flags, BACKTEST_AM);
    struct buf text = {0};
    int r = path.len > 0 ? file_read(path.ptr, &text, err) : 0;

    if (r >= 0 && path.len > 0) {
        r = backtest_notify(alerts, end, path, buf_view(&text), NULL, &told, err);
    }
    if (r >= 0 && flags_bool(flags, BACKTEST_JSON)) {
        print_json(alerts, &told, path.len > 0);
    } else if (r >= 0) {
        print_text(alerts, &told, path.len > 0);
    }
    backtest_notifications_done(&told);
    buf_done(&text);
    return r;
}

static int run(const struct flags *flags, struct baro_error *err)
{
    static struct rule_file files[FILES_MAX];
    const struct tsdb_options options = {.read_only = true, .too_old = -1};
    struct rule_env env = {.engine = {.lookback = flags_duration(flags, BACKTEST_LOOKBACK),
                                      .default_step = flags_duration(flags, BACKTEST_INTERVAL),
                                      .samples_max = SAMPLES_MAX,
                                      .memory_bytes_max = MEMORY_BYTES_MAX}};
    struct backtest_options range = {0};
    struct backtest result = {0};
    struct arena arena = {0};
    struct tsdb *tsdb = NULL;
    int r = read_range(flags, &range, err);

    r = r < 0 ? r : read_files(&arena, flags, files, &env.engine.features, err);
    r = r < 0 ? r : tsdb_open(flags_text(flags, BACKTEST_PATH).ptr, &options, &tsdb, err);
    if (r >= 0) {
        env.queryable = tsdb_queryable(tsdb);
        r = rule_backtest_run(files, flags->arg_count, &env, &range, &result, err);
    }
    if (r >= 0) {
        r = print_result(flags, &result, range.end, err);
        rule_backtest_done(&result);
    }
    (void)tsdb_free(tsdb);
    arena_done(&arena);
    return r;
}

int command_backtest(int argc, char **argv)
{
    static struct flags flags;
    struct baro_error err = {0};
    int r = flags_parse(&flags, rows, ARRAY_COUNT(rows), argc, argv, &err);

    if (r >= 0 && !flags.help && flags.arg_count > 0 && flags.arg_count <= FILES_MAX &&
        flags_text(&flags, BACKTEST_FROM).len > 0) {
        r = run(&flags, &err);
        if (r >= 0) {
            return 0;
        }
    } else if (r >= 0) {
        return flags_usage(&flags, "backtest --from=TIME [FLAGS] RULES...", summary);
    }
    {
        char line[ERROR_FORMAT_BYTES];

        error_format(&err, line, sizeof(line));
        (void)fprintf(stderr, "barograph: %s\n", line);
    }
    return r == BARO_EUSAGE ? 2 : 1;
}
