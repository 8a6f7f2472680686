#include "api/api_priv.h"
#include "base/num.h"

static int check_admin(struct api_call *call)
{
    return call->context->admin.delete_series != NULL
               ? 0
               : api_fail(call, API_DISABLED, "admin APIs disabled");
}

int api_admin_delete_series(struct api_call *call)
{
    const struct api_context *context = call->context;
    struct api_selectors selectors = {0};
    struct baro_error err = {0};
    ts start = INT64_MIN, end = INT64_MAX;
    int r = check_admin(call);

    if (r < 0) {
        return r;
    }
    if (!form_has(&call->form, STR("match[]"))) {
        return api_fail(call, API_BAD_DATA, "no match[] parameter provided");
    }
    r = api_time_param(call, "start", INT64_MIN, &start);
    r = r < 0 ? r : api_time_param(call, "end", INT64_MAX, &end);
    r = r < 0 ? r : api_match_params(call, &selectors);
    for (size_t i = 0; r >= 0 && i < selectors.count; i++) {
        if (context->admin.delete_series(context->app, api_selector_matchers(&selectors, i), start,
                                         end, &err) < 0) {
            r = api_fail_query(call, &err);
        }
    }
    api_selectors_done(&selectors);
    if (r >= 0) {
        call->response->status = 204;
    }
    return r;
}

int api_admin_clean_tombstones(struct api_call *call)
{
    const struct api_context *context = call->context;
    struct baro_error err = {0};
    int r = check_admin(call);

    if (r >= 0 && context->admin.clean_tombstones(context->app, &err) < 0) {
        r = api_fail_query(call, &err);
    }
    if (r >= 0) {
        call->response->status = 204;
    }
    return r;
}

int api_admin_snapshot(struct api_call *call)
{
    const struct api_context *context = call->context;
    str skip = form_get(&call->form, STR("skip_head"));
    char name[TSDB_SNAPSHOT_NAME_BYTES] = "";
    struct baro_error err = {0};
    int r = check_admin(call);
    bool skip_head = str_is(skip, "true") || str_is(skip, "1") || str_is(skip, "t");

    if (r < 0) {
        return r;
    }
    if (skip.len > 0 && !skip_head && !str_is(skip, "false") && !str_is(skip, "0") &&
        !str_is(skip, "f")) {
        return api_fail(call, API_BAD_DATA,
                        "invalid parameter \"skip_head\": \"%.*s\" is neither true nor false",
                        STR_ARG(skip));
    }
    if (context->admin.snapshot(context->app, skip_head, name, &err) < 0) {
        return api_fail_query(call, &err);
    }
    json_write_object_begin(&call->json);
    json_write_pair_str(&call->json, STR("name"), str_from(name));
    json_write_object_end(&call->json);
    return 0;
}

int api_status_tsdb_blocks(struct api_call *call)
{
    const struct api_context *context = call->context;

    json_write_object_begin(&call->json);
    json_write_key(&call->json, STR("blocks"));
    if (context->sources.blocks != NULL) {
        context->sources.blocks(context->app, &call->json);
    } else {
        json_write_raw(&call->json, STR("[]"));
    }
    json_write_object_end(&call->json);
    return 0;
}
