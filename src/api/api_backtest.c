/* POST /api/v1/backtest: rules over the stored history. */
#include "api/api_priv.h"
#include "api/backtest.h"

enum { DEFAULT_RANGE = 24 * DUR_HOUR, DEFAULT_INTERVAL = DUR_MINUTE };

static int read_rules(struct api_call *call, struct rule_file *ret)
{
    struct engine_options engine = {0};
    struct faults faults = {0};
    str text = form_get(&call->form, STR("rules"));

    call->context->engine(call->context->app, &engine);
    if (text.len == 0) {
        return api_fail(call, API_BAD_DATA,
                        "the parameter rules is wanted: the text of a rule file");
    }
    if (rule_file_parse(call->arena, STR("rules"), text, &engine.features, ret, &faults) < 0) {
        return api_fail(call, API_BAD_DATA, "rules:%u:%u: %s", faults.items[0].line,
                        faults.items[0].column, faults.items[0].message);
    }
    return 0;
}

static int read_range(struct api_call *call, struct backtest_options *ret)
{
    ts now = clock_now(clock_real());
    dur interval = 0;
    int r = api_time_param(call, "end", now, &ret->end);

    r = r < 0 ? r : api_time_param(call, "start", ret->end - DEFAULT_RANGE, &ret->start);
    if (r >= 0 && form_get(&call->form, STR("interval")).len > 0) {
        r = api_duration_param(call, "interval", &interval);
    }
    ret->interval = interval > 0 ? interval : DEFAULT_INTERVAL;
    if (r >= 0 && ret->end < ret->start) {
        return api_fail(call, API_BAD_DATA, "end timestamp must not be before start time");
    }
    return r;
}

static int write_all(struct api_call *call, const struct backtest *alerts, ts end)
{
    struct backtest_notifications notifications = {0};
    struct baro_error err = {0};
    str text = form_get(&call->form, STR("alertmanager"));
    int r = 0;

    if (text.len > 0) {
        r = backtest_notify(alerts, end, STR("alertmanager"), text, call->request->cancel,
                            &notifications, &err);
    }
    if (r < 0 && err.line == 0) {
        return api_fail_query(call, &err);
    }
    if (r < 0) {
        return api_fail(call, API_BAD_DATA, "alertmanager:%u:%u: %s", err.line, err.column,
                        err.message);
    }
    backtest_write(&call->json, alerts, text.len > 0 ? &notifications : NULL);
    backtest_notifications_done(&notifications);
    return 0;
}

int api_backtest(struct api_call *call)
{
    struct rule_env env = {.queryable = call->queryable};
    struct backtest_options options = {0};
    struct baro_error err = {0};
    struct rule_file file = {0};
    struct backtest result = {0};
    int r = read_rules(call, &file);

    r = r < 0 ? r : read_range(call, &options);
    if (r < 0) {
        return r;
    }
    call->context->engine(call->context->app, &env.engine);
    env.cancel = call->request->cancel;
    env.external_url =
        str_from(call->context->external_url != NULL ? call->context->external_url : "");
    r = rule_backtest_run(&file, 1, &env, &options, &result, &err);
    if (r < 0) {
        return api_fail_query(call, &err);
    }
    r = write_all(call, &result, options.end);
    rule_backtest_done(&result);
    return r;
}
