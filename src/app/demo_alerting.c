#include "app/demo_alerting.h"

#include <string.h>

#include "base/attr.h"

enum { RANGE_INTERVALS_MIN = 4 }; /* so that a rate has its two samples when one is late */

/* The duration at the start of text, up to a space; 0 when it is none. Returns its length. */
static size_t dur_at(str text, dur *ret)
{
    size_t len = 0;

    while (len < text.len && text.ptr[len] != ' ' && text.ptr[len] != ']') {
        len++;
    }
    return len > 0 && dur_parse(str_slice(text, 0, len), ret, NULL) >= 0 ? len : 0;
}

/* "  key: 5m  # why" with the time divided, when the line has that key; false otherwise. */
static bool time_put(struct buf *out, str line, const char *key, int64_t hurry, dur min)
{
    size_t at = str_index(line, str_from(key));
    str value = at == SIZE_MAX ? STR_NULL : str_from_index(line, at + strlen(key));
    dur time = 0;
    size_t len = dur_at(value, &time);

    if (len == 0 || str_trim(str_slice(line, 0, at)).len > 0) {
        return false;
    }
    time = time / hurry > min ? time / hurry : min;
    buf_str(out, str_slice(line, 0, at + strlen(key)));
    dur_format(out, time);
    buf_str(out, str_from_index(value, len));
    buf_char(out, '\n');
    return true;
}

/* ---- Alertmanager's file ---- */

/* "receiver: slack" of a pack as "receiver: PACK-slack". */
static bool name_put(struct buf *out, str line, const char *key, const char *pack)
{
    size_t at = str_index(line, str_from(key));

    if (at == SIZE_MAX) {
        return false;
    }
    at += strlen(key);
    buf_str(out, str_slice(line, 0, at));
    buf_printf(out, "%s-", pack);
    buf_str(out, str_from_index(line, at));
    buf_char(out, '\n');
    return true;
}

static void route_put(struct buf *out, str line, const char *pack, int64_t hurry)
{
    static const char *const times[] = {"group_wait: ", "group_interval: ", "repeat_interval: "};
    bool is_done = name_put(out, line, "receiver: ", pack);

    for (size_t i = 0; !is_done && i < ARRAY_COUNT(times); i++) {
        is_done = time_put(out, line, times[i], hurry, DUR_SECOND);
    }
    if (!is_done) {
        buf_str(out, line);
        buf_char(out, '\n');
    }
}

/* Addresses and keys become the inbox's; the texts stay as they are. */
static void receiver_put(const struct demo_alerting *parts, struct buf *out, str line,
                         const char *pack)
{
    size_t url = str_index(line, STR("url: http"));
    size_t key = str_index(line, STR("routing_key_file: "));

    if (str_has_prefix(line, STR("  - name: "))) {
        (void)name_put(out, line, "name: ", pack);
        return;
    }
    if (url != SIZE_MAX) {
        buf_str(out, str_slice(line, 0, url));
        buf_printf(out, "url: http://127.0.0.1:%u/webhook", parts->web_port);
    } else if (key != SIZE_MAX) {
        buf_str(out, str_slice(line, 0, key));
        buf_c(out, "routing_key: demo");
    } else {
        buf_str(out, line);
    }
    buf_char(out, '\n');
}

enum section { SECTION_OTHER, SECTION_ROUTE, SECTION_ROUTES, SECTION_INHIBIT, SECTION_RECEIVERS };

static enum section section_of(str line)
{
    return str_has_prefix(line, STR("route:"))           ? SECTION_ROUTE
           : str_has_prefix(line, STR("inhibit_rules:")) ? SECTION_INHIBIT
           : str_has_prefix(line, STR("receivers:"))     ? SECTION_RECEIVERS
                                                         : SECTION_OTHER;
}

void demo_alerting_add(struct demo_alerting *parts, const char *pack, str yaml)
{
    enum section section = SECTION_OTHER;
    struct buf root = {0}; /* what the pack's root route says, for each of its first routes */

    for (str line; str_split_next(&yaml, '\n', &line);) {
        str text = str_trim(line);

        if (text.len == 0 || text.ptr[0] == '#') {
            continue;
        }
        if (line.ptr[0] != ' ') {
            section = section_of(line);
        } else if (section == SECTION_ROUTE && str_is(line, "  routes:")) {
            section = SECTION_ROUTES;
        } else if (section == SECTION_ROUTE) {
            buf_c(&root, "    "); /* from the root's two columns to a first route's six */
            route_put(&root, line, pack, parts->hurry);
        } else if (section == SECTION_ROUTES) {
            route_put(&parts->routes, line, pack, parts->hurry);
            if (str_has_prefix(line, STR("    - "))) {
                buf_str(&parts->routes, buf_view(&root));
            }
        } else if (section == SECTION_INHIBIT) {
            buf_str(&parts->inhibit_rules, line);
            buf_char(&parts->inhibit_rules, '\n');
        } else if (section == SECTION_RECEIVERS) {
            receiver_put(parts, &parts->receivers, line, pack);
        }
    }
    buf_done(&root);
}

void demo_alerting_write(const struct demo_alerting *parts, struct buf *out)
{
    buf_printf(out,
               "# Made by barograph demo at each start: the packs' routes, and receivers that end "
               "at its inbox.\n"
               "global:\n  smtp_smarthost: 127.0.0.1:%u\n  smtp_require_tls: false\n"
               "  smtp_from: barograph@demo.invalid\n  slack_api_url: http://127.0.0.1:%u/slack\n"
               "  pagerduty_url: http://127.0.0.1:%u/pagerduty\n",
               parts->mail_port, parts->web_port, parts->web_port);
    buf_c(out, "route:\n  receiver: demo\n  group_by: [alertname, system]\n  routes:\n");
    buf_str(out, buf_view(&parts->routes));
    buf_c(out, "inhibit_rules:\n");
    buf_str(out, buf_view(&parts->inhibit_rules));
    buf_printf(out,
               "receivers:\n  - name: demo\n    webhook_configs:\n      - url: "
               "http://127.0.0.1:%u/webhook\n",
               parts->web_port);
    buf_str(out, buf_view(&parts->receivers));
}

void demo_alerting_done(struct demo_alerting *parts)
{
    buf_done(&parts->routes);
    buf_done(&parts->inhibit_rules);
    buf_done(&parts->receivers);
}

/* ---- Rules ---- */

/* Ranges, as in [5m]: brackets around nothing but a duration. */
static void ranges_put(struct buf *out, str line, int64_t hurry, dur min)
{
    for (size_t at; (at = str_index_char(line, '[')) != SIZE_MAX;) {
        str rest = str_from_index(line, at + 1);
        dur time = 0;
        size_t len = dur_at(rest, &time);

        buf_str(out, str_slice(line, 0, at + 1));
        if (len > 0 && len < rest.len && rest.ptr[len] == ']') {
            dur_format(out, time / hurry > min ? time / hurry : min);
            rest = str_from_index(rest, len);
        }
        line = rest;
    }
    buf_str(out, line);
    buf_char(out, '\n');
}

void demo_rules(struct buf *out, str yaml, int64_t hurry, dur interval)
{
    static const char *const times[] = {"for: ", "keep_firing_for: ", "interval: "};

    for (str line; str_split_next(&yaml, '\n', &line);) {
        bool is_done = false;

        for (size_t i = 0; !is_done && i < ARRAY_COUNT(times); i++) {
            is_done = time_put(out, line, times[i], hurry, interval);
        }
        if (!is_done) {
            ranges_put(out, line, hurry, interval * RANGE_INTERVALS_MIN);
        }
    }
}
