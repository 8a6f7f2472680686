/*
 * backtest: what rules would have done over the stored history, and which notifications an
 * alertmanager.yml would have made of it after grouping, waiting, inhibition and mute times: the
 * dispatcher itself runs, on a clock of its own, and nothing leaves the process.
 */
#pragma once

#include "alerting/am_config.h"
#include "rules/rule_backtest.h"

enum { BACKTEST_NOTIFICATIONS_MAX = 200000 }; /* further ones are counted alone */

struct backtest_notification {
    ts at;
    str receiver;
    str kind; /* of the integration: "email" */
    str group_key;
    str reason;
    size_t firing;
    size_t resolved;
};

struct backtest_notifications {
    struct arena arena;
    struct backtest_notification *items; /* in the order in which they would have gone out */
    size_t count;
    size_t dropped;
};

/*
 * backtest_notify runs the alerts that fired in `alerts` through a configuration, of which `text`
 * is read; `path` names it in messages and is where its files are. Ends two hours behind `end`, so
 * that what was resolved last is told. Fills *ret (backtest_notifications_done). Faults of the text
 * have a line; else BARO_ELIMIT when it takes too long, BARO_ECANCELED when cancel (NULL = none)
 * becomes true.
 */
int backtest_notify(const struct backtest *alerts, ts end, str path, str text,
                    const _Atomic bool *cancel, struct backtest_notifications *ret,
                    struct baro_error *err);
void backtest_notifications_done(struct backtest_notifications *notifications);

/* backtest_write appends both as a JSON object; notifications may be NULL. */
struct json_writer;
void backtest_write(struct json_writer *json, const struct backtest *alerts,
                    const struct backtest_notifications *notifications);
