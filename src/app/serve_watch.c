/* serve_watch: --config.auto-reload. */
#include <string.h>

#include "app/config_digest.h"
#include "app/serve_priv.h"
#include "base/log.h"

/* Digests of prometheus.yml and alertmanager.yml, each with what it names. */
static int read_digests(const struct serve *serve, struct serve_watch *ret, struct baro_error *err)
{
    str alertmanager = flags_text(&serve->flags, SERVE_FLAG_ALERTMANAGER_CONFIG);
    int r =
        serve->config_path != NULL ? config_digest(serve->config_path, ret->digests[0], err) : 0;

    return r < 0 || alertmanager.len == 0 ? r
                                          : config_digest(alertmanager.ptr, ret->digests[1], err);
}

int serve_watch_wait_ms(const struct serve *serve)
{
    dur interval = flags_duration(&serve->flags, SERVE_FLAG_CONFIG_AUTO_RELOAD_INTERVAL);

    if (!serve->features.auto_reload && !flags_bool(&serve->flags, SERVE_FLAG_CONFIG_AUTO_RELOAD)) {
        return -1;
    }
    return interval < DUR_SECOND  ? (int)DUR_SECOND
           : interval > INT32_MAX ? INT32_MAX
                                  : (int)interval;
}

void serve_watch_note(struct serve *serve)
{
    struct baro_error err = {0};

    serve->watch.is_known =
        serve_watch_wait_ms(serve) > 0 && read_digests(serve, &serve->watch, &err) >= 0;
}

void serve_watch_look(struct serve *serve)
{
    struct serve_watch now = {.is_known = true};
    struct baro_error err = {0};

    if (read_digests(serve, &now, &err) < 0) {
        /* A file may be missing for a moment while it is replaced: the next look tells. */
        log_warn("the configuration cannot be looked at", log_err(&err));
        return;
    }
    if (serve->watch.is_known &&
        memcmp(now.digests, serve->watch.digests, sizeof(now.digests)) == 0) {
        return;
    }
    /* Also when it is refused: it is tried again once it has changed, back to what it was as well.
     */
    serve->watch = now;
    log_info("the configuration has changed: loading it");
    (void)serve_reload(serve, NULL);
}
