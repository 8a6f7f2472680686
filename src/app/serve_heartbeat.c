#include "app/serve_heartbeat.h"

#include <stdatomic.h>
#include <stdio.h>

#include "alerting/am_peer.h"
#include "app/files.h"
#include "app/serve_alerting.h"
#include "app/version.h"
#include "sys/fs.h"

/* Rules send a firing alert again at their evaluation after --rules.alert.resend-delay. */
enum { FRESH_RESENDS = 4 };

int serve_heartbeat_load(const struct serve *serve, bool print, struct heartbeat_config **ret,
                         struct baro_error *err)
{
    str path = flags_text(&serve->flags, SERVE_FLAG_HEARTBEAT_FILE);
    struct faults *faults;
    struct buf text = {0};
    int r;

    *ret = NULL;
    if (path.len == 0) {
        return 0;
    }
    faults = MEM_NEW(struct faults);
    r = file_read(path.ptr, &text, err);
    if (r >= 0) {
        r = heartbeat_config_parse(path, buf_view(&text), ret, faults);
        r = r < 0 ? file_faults(faults, print, err) : r;
    }
    buf_done(&text);
    (void)mem_free(faults);
    return r;
}

/* ---- Is all well? ---- */

static bool is_well(void *context, const struct heartbeat_send *send, struct buf *ret_why)
{
    struct serve *serve = context;
    struct am *am = atomic_load_explicit(&serve->am, memory_order_acquire);
    dur resend = flags_duration(&serve->flags, SERVE_FLAG_RULES_RESEND);
    char why[TSDB_READ_ONLY_BYTES] = "";

    /* Acquire: pairs with the release behind the start of the rules. */
    if (atomic_load_explicit(&serve->queryable, memory_order_acquire) == NULL) {
        buf_c(ret_why, "starting");
        return false;
    }
    if (tsdb_is_read_only(serve->tsdb, why)) {
        buf_printf(ret_why, "the storage takes nothing: %s", why);
        return false;
    }
    if (!rule_manager_is_well(serve->rules, ret_why) ||
        !am_is_well(am, send->check_receivers, ret_why)) {
        return false;
    }
    if (send->alert.len > 0 &&
        !am_alert_is_fresh(am, send->alert, FRESH_RESENDS * (resend + DUR_MINUTE))) {
        buf_printf(ret_why, "alert %.*s does not fire here", STR_ARG(send->alert));
        return false;
    }
    return true;
}

/* ---- Peers ---- */

static void heard(void *context, str name, ts heard_at)
{
    struct serve *serve = context;
    struct am *am = atomic_load_explicit(&serve->am, memory_order_acquire);

    if (am != NULL) {
        am_peers_heartbeat(am, name, heard_at);
    }
}

void serve_heartbeat_take(void *context, str name, ts heard_at)
{
    struct serve *serve = context;
    struct heartbeats *beats = atomic_load_explicit(&serve->beats, memory_order_acquire);

    if (beats != NULL) {
        (void)heartbeats_merge(beats, name, heard_at);
    }
}

static ts known(void *context, str name)
{
    return am_peers_heard(context, name);
}

/* Peers may have told of one before it was expected. */
static void ask_peers(struct serve *serve, struct heartbeats *beats)
{
    struct am *am = atomic_load_explicit(&serve->am, memory_order_acquire);

    if (beats != NULL && am != NULL) {
        heartbeats_ask(beats, known, am);
    }
}

/* ---- Life cycle ---- */

int serve_heartbeat_start(struct serve *serve, struct heartbeat_config *config,
                          struct baro_error *err)
{
    const struct heartbeat_options options = {
        .sink = serve_alerting_sink(serve),
        .state_path = fs_path(&serve->arena, flags_text(&serve->flags, SERVE_FLAG_TSDB_PATH).ptr,
                              "heartbeats.db"),
        .is_well = is_well,
        .heard = heard,
        .context = serve,
        .resend_delay = flags_duration(&serve->flags, SERVE_FLAG_RULES_RESEND),
    };
    struct heartbeats *beats = NULL;
    int r = config != NULL ? heartbeats_new(&options, config, &beats, err) : 0;

    /* Release: pairs with the acquire in the API's callbacks; nobody else writes it. */
    atomic_store_explicit(&serve->beats, beats, memory_order_release);
    ask_peers(serve, beats);
    return r;
}

int serve_heartbeat_apply(struct serve *serve, struct heartbeat_config *config,
                          struct baro_error *err)
{
    struct heartbeats *beats = atomic_load_explicit(&serve->beats, memory_order_acquire);
    int r = config != NULL ? heartbeats_apply(beats, config, err) : 0;

    ask_peers(serve, beats);
    return r;
}

void serve_heartbeat_stop(struct serve *serve)
{
    struct heartbeats *beats = atomic_load_explicit(&serve->beats, memory_order_acquire);

    if (beats != NULL) {
        heartbeats_stop(beats);
    }
}

void serve_heartbeat_free(struct serve *serve)
{
    (void)heartbeats_free(atomic_load_explicit(&serve->beats, memory_order_acquire));
    atomic_store_explicit(&serve->beats, NULL, memory_order_release);
}
