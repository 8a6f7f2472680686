#include "app/serve_alerting.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "alerting/am_notify.h"
#include "alerting/am_peer.h"
#include "app/files.h"
#include "app/serve_heartbeat.h"
#include "app/version.h"
#include "base/log.h"
#include "http/server.h"
#include "sys/clock.h"
#include "sys/fs.h"

/* Alerts can be seen, grouped and silenced without a file, but go to nobody. */
static const char embedded[] = "# The configuration that barograph runs when it is given none.\n"
                               "route:\n"
                               "  receiver: nobody\n"
                               "receivers:\n"
                               "- name: nobody\n";

/* ---- Receivers ---- */

static int prepare(void *context, const struct am_config *config, void **ret,
                   struct baro_error *err)
{
    const struct serve *serve = context;
    const struct am_notifier_options options = {
        .external_url = serve->external_url,
        .version = BAROGRAPH_VERSION,
    };
    struct am_notifier *notifier = NULL;
    int r = am_notifier_new(config, &options, &notifier, err);

    *ret = notifier;
    return r;
}

static void release(void *prepared)
{
    (void)am_notifier_free(prepared);
}

static enum am_notify_outcome send(void *prepared, const struct am_integration *integration,
                                   const struct am_notification *notification, dur timeout,
                                   const _Atomic bool *cancel, struct am_receipt *receipt,
                                   struct baro_error *err)
{
    return am_notifier_send(prepared, integration, notification, timeout, cancel, receipt, err);
}

static struct labels route_labels(void *prepared, const struct am_notification *notification,
                                  struct arena *arena)
{
    return am_notifier_route_labels(prepared, notification, arena);
}

static const struct am_sending sending = {prepare, release, send, route_labels};

/* ---- Configurations ---- */

int serve_alerting_load(const struct serve *serve, bool print, struct serve_alerting *ret,
                        struct baro_error *err)
{
    str path = flags_text(&serve->flags, SERVE_FLAG_ALERTMANAGER_CONFIG);
    struct faults *faults = MEM_NEW(struct faults);
    int r = 0;

    *ret = (struct serve_alerting){0};
    if (path.len == 0) {
        buf_c(&ret->text, embedded);
    } else {
        r = file_read(path.ptr, &ret->text, err);
    }
    if (r >= 0) {
        r = am_config_parse(path.len > 0 ? path : STR("(embedded)"), buf_view(&ret->text),
                            &ret->config, faults);
        r = r < 0 ? file_faults(faults, print, err) : r;
    }
    for (size_t i = 0; r >= 0 && i < ret->config->unsupported.count; i++) {
        char line[ERROR_FORMAT_BYTES];

        error_format(&ret->config->unsupported.items[i], line, sizeof(line));
        log_warn("alertmanager.yml: this is read, and changes nothing", log_c("what", line));
    }
    (void)mem_free(faults);
    return r;
}

void serve_alerting_done(struct serve_alerting *alerting)
{
    alerting->config = am_config_free(alerting->config);
    buf_done(&alerting->text);
}

int serve_alerting_apply(struct serve *serve, struct prom_config *config,
                         struct serve_alerting *alerting, struct baro_error *err)
{
    struct am *am = atomic_load_explicit(&serve->am, memory_order_relaxed);
    struct am_sender *sender = atomic_load_explicit(&serve->sender, memory_order_relaxed);
    int r = am_apply(am, TAKE(alerting->config), buf_view(&alerting->text), err);

    if (r < 0) {
        return error_wrap(err, r, "--alertmanager.config-file");
    }
    return am_sender_apply(sender, config, err);
}

/* ---- Life cycle ---- */

static int make_am(struct serve *serve, struct am **ret, struct baro_error *err)
{
    const struct am_options options = {
        .clock = clock_real(),
        .sending = &sending,
        .sending_context = serve,
        .state_path = fs_path(&serve->arena, flags_text(&serve->flags, SERVE_FLAG_TSDB_PATH).ptr,
                              "alerting.db"),
        .retention = flags_duration(&serve->flags, SERVE_FLAG_ALERTMANAGER_RETENTION),
    };

    return am_new(&options, ret, err);
}

static int make_sender(struct serve *serve, struct am *am, struct am_sender **ret,
                       struct baro_error *err)
{
    int64_t queue = flags_int(&serve->flags, SERVE_FLAG_ALERTMANAGER_QUEUE);
    int64_t batch = flags_int(&serve->flags, SERVE_FLAG_ALERTMANAGER_BATCH);
    const struct am_sender_options options = {
        .clock = clock_real(),
        .local = am_sink(am),
        .batch_max = batch > 0 ? (size_t)batch : 0,
        .queue_max = queue > 0 ? (size_t)queue : 0,
        .drain = flags_bool(&serve->flags, SERVE_FLAG_ALERTMANAGER_DRAIN),
        .user_agent = "barograph/" BAROGRAPH_VERSION,
    };

    return am_sender_new(&options, ret, err);
}

static int start_peers(struct serve *serve, struct am *am, struct baro_error *err)
{
    str urls[FLAG_LIST_MAX];
    char host[256] = "";
    struct am_peers_options options = {
        .name = flags_text(&serve->flags, SERVE_FLAG_ALERTMANAGER_PEER_NAME),
        .urls = urls,
        .peer_timeout = flags_duration(&serve->flags, SERVE_FLAG_ALERTMANAGER_PEER_TIMEOUT),
        .take_heartbeat = serve_heartbeat_take,
        .context = serve,
    };

    for (size_t i = 0; i < serve->flags.list_count; i++) {
        if (serve->flags.list_row[i] == SERVE_FLAG_ALERTMANAGER_PEER) {
            urls[options.count++] = serve->flags.list[i];
        }
    }
    if (options.name.len == 0) {
        (void)gethostname(host, sizeof(host) - 1);
        options.name =
            arena_printf(&serve->arena, "%s:%u", host, http_server_port(serve->server, 0));
    }
    return am_peers_start(am, &options, err);
}

int serve_alerting_start(struct serve *serve, struct serve_alerting *alerting,
                         struct baro_error *err)
{
    struct am_sender *sender = NULL;
    struct am *am = NULL;
    int r = make_am(serve, &am, err);

    if (r < 0) {
        return r;
    }
    /* Release: pairs with the acquire in the API's callbacks; nobody else writes them. */
    atomic_store_explicit(&serve->am, am, memory_order_release);
    r = make_sender(serve, am, &sender, err);
    if (r < 0) {
        return r;
    }
    atomic_store_explicit(&serve->sender, sender, memory_order_release);
    r = serve_alerting_apply(serve, serve->config, alerting, err);
    r = r < 0 ? r : start_peers(serve, am, err);
    return r < 0 ? r : am_start(am, err);
}

struct alert_sink *serve_alerting_sink(struct serve *serve)
{
    return am_sender_sink(atomic_load_explicit(&serve->sender, memory_order_relaxed));
}

void serve_alerting_stop(struct serve *serve)
{
    struct am_sender *sender = atomic_load_explicit(&serve->sender, memory_order_relaxed);
    struct am *am = atomic_load_explicit(&serve->am, memory_order_relaxed);

    if (sender != NULL) {
        am_sender_stop(sender);
    }
    if (am != NULL) {
        am_stop(am);
    }
}

void serve_alerting_free(struct serve *serve)
{
    (void)am_sender_free(atomic_load_explicit(&serve->sender, memory_order_relaxed));
    (void)am_free(atomic_load_explicit(&serve->am, memory_order_relaxed));
    atomic_store_explicit(&serve->sender, NULL, memory_order_relaxed);
    atomic_store_explicit(&serve->am, NULL, memory_order_relaxed);
}
