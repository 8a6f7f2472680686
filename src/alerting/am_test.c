#include "alerting/am.h"

#include <stdio.h>

#include "alerting/am_script_test.h"
#include "testing/test.h"

#define RECEIVERS                                                                                  \
    "receivers:\n"                                                                                 \
    "- name: a\n"                                                                                  \
    "  webhook_configs: [{url: 'http://127.0.0.1:1/'}]\n"                                          \
    "- name: b\n"                                                                                  \
    "  webhook_configs: [{url: 'http://127.0.0.1:1/', send_resolved: false}]\n"                    \
    "- name: two\n"                                                                                \
    "  webhook_configs: [{url: 'http://127.0.0.1:1/'}, {url: 'http://127.0.0.1:2/'}]\n"            \
    "- name: none\n"

#define ROOT(more)                                                                                 \
    "route:\n"                                                                                     \
    "  receiver: a\n"                                                                              \
    "  group_by: [alertname]\n"                                                                    \
    "  group_wait: 30s\n"                                                                          \
    "  group_interval: 60s\n"                                                                      \
    "  repeat_interval: 600s\n" more

static const char plain[] = ROOT("") RECEIVERS;

/*
 * What is wanted follows from Alertmanager's documentation: the first notification after
 * group_wait, changes at multiples of group_interval from there, repeats at the first of those
 * behind repeat_interval.
 */
static const struct {
    const char *name;
    const char *config;
    const char *steps;
    const char *want;
} cases[] = {
    {"one alert, told once, repeated, resolved", plain,
     "0 fire alertname=X\n1500 resolve alertname=X\n1800 end",
     "30 a/webhook first notification: +X\n"
     "690 a/webhook repeat interval elapsed: +X\n"
     "1350 a/webhook repeat interval elapsed: +X\n"
     "1530 a/webhook all alerts resolved: -X\n"},
    {"resolved before group_wait: nobody hears of it", plain,
     "0 fire alertname=X\n10 resolve alertname=X\n300 end", ""},
    {"one group collects, later ones wait for group_interval", plain,
     "0 fire alertname=X,i=1\n10 fire alertname=X,i=2\n40 fire alertname=X,i=3\n50 fire "
     "alertname=Y,i=1\n300 end",
     "30 a/webhook first notification: +X1 +X2\n"
     "80 a/webhook first notification: +Y1\n"
     "90 a/webhook new alerts added: +X1 +X2 +X3\n"},
    {"some resolved", plain,
     "0 fire alertname=X,i=1\n0 fire alertname=X,i=2\n40 resolve alertname=X,i=1\n100 resolve "
     "alertname=X,i=2\n300 end",
     "30 a/webhook first notification: +X1 +X2\n"
     "90 a/webhook some alerts resolved: -X1 +X2\n"
     "150 a/webhook all alerts resolved: -X2\n"},
    {"resolved and firing again between two times is no news", plain,
     "0 fire alertname=X\n40 resolve alertname=X\n50 fire alertname=X\n300 end",
     "30 a/webhook first notification: +X\n"},
    {"an alert without end is over after resolve_timeout", plain, "0 post alertname=X\n600 end",
     "30 a/webhook first notification: +X\n330 a/webhook all alerts resolved: -X\n"},
    {"an alert that is not heard of any more ends when it said", plain,
     "0 fire alertname=X for 100\n50 fire alertname=X for 100\n600 end",
     "30 a/webhook first notification: +X\n150 a/webhook all alerts resolved: -X\n"},
    {"send_resolved: false", ROOT("  routes: [{receiver: b}]\n") RECEIVERS,
     "0 fire alertname=X,i=1\n0 fire alertname=X,i=2\n40 resolve alertname=X,i=1\n100 resolve "
     "alertname=X,i=2\n200 fire alertname=X,i=2\n300 end",
     "30 b/webhook first notification: +X1 +X2\n"
     "230 b/webhook new alerts added: +X2\n"},
    {"an old alert does not wait", plain, "0 fire alertname=X\n100 reload\n101 end",
     "30 a/webhook first notification: +X\n"},
    {"continue reaches both, in order",
     ROOT("  routes: [{receiver: b, continue: true}, {receiver: a, group_wait: 30s}]\n") RECEIVERS,
     "0 fire alertname=X\n100 end",
     "30 b/webhook first notification: +X\n30 a/webhook first notification: +X\n"},
    {"two integrations", ROOT("  routes: [{receiver: two}]\n") RECEIVERS,
     "0 fire alertname=X\n100 end",
     "30 two/webhook first notification: +X\n30 two/webhook first notification: +X\n"},
    {"a receiver without integrations", ROOT("  routes: [{receiver: none}]\n") RECEIVERS,
     "0 fire alertname=X\n100 end", ""},
    {"group_by: all", "route: {receiver: a, group_by: ['...'], group_wait: 10s}\n" RECEIVERS,
     "0 fire alertname=X,i=1\n0 fire alertname=X,i=2\n1 end\n20 end",
     "10 a/webhook first notification: +X1\n10 a/webhook first notification: +X2\n"},
    {"order: job, instance, number of labels, values",
     "route: {receiver: a, group_wait: 10s}\n" RECEIVERS,
     "0 fire alertname=A,i=1\n0 fire alertname=B,job=z\n0 fire alertname=C,job=y,instance=2\n0 "
     "fire "
     "alertname=D,job=y,instance=1\n0 fire alertname=E\n0 fire alertname=F,job=y\n20 end",
     "10 a/webhook first notification: +D +C +F +B +E +A1\n"},
    {"refused: told again at the next time, though nothing changed", plain,
     "0 fire alertname=X\n5 refuse 1\n200 end",
     "30 a/webhook refused first notification: +X\n90 a/webhook first notification: +X\n"},
    {"resolved while refused: it stays in the group", plain,
     "0 fire alertname=X\n31 resolve alertname=X\n32 refuse 1\n300 end",
     "30 a/webhook first notification: +X\n"
     "90 a/webhook refused all alerts resolved: -X\n"
     "150 a/webhook all alerts resolved: -X\n"},
    {"silenced", plain,
     "0 fire alertname=X,i=1\n0 fire alertname=X,i=2\n1 silence i=\"1\" 1000\n40 unsilence\n200 "
     "end",
     "30 a/webhook first notification: +X2\n90 a/webhook new alerts added: +X1 +X2\n"},
    {"a silence that ends by itself", plain,
     "0 fire alertname=X\n1 silence alertname=~\"X|Y\" 100\n300 end",
     "150 a/webhook first notification: +X\n"},
    {"resolved under a silence", plain,
     "0 fire alertname=X\n40 silence alertname=X 300\n50 resolve alertname=X\n800 end",
     "30 a/webhook first notification: +X\n"},
    {"inhibited",
     ROOT("") RECEIVERS "inhibit_rules:\n"
                        "- {source_matchers: [alertname=S], target_matchers: [alertname=X], equal: "
                        "[i]}\n",
     "0 fire alertname=X,i=1\n0 fire alertname=X,i=2\n5 fire alertname=S,i=1\n60 resolve "
     "alertname=S,i=1\n200 end",
     "30 a/webhook first notification: +X2\n"
     "35 a/webhook first notification: +S1\n"
     "90 a/webhook new alerts added: +X1 +X2\n"
     "95 a/webhook all alerts resolved: -S1\n"},
    {"alerts of both sides do not inhibit each other",
     ROOT("") RECEIVERS "inhibit_rules:\n"
                        "- {source_matchers: ['i=~\"1|2\"'], target_matchers: ['i=~\"2|3\"']}\n",
     "0 fire alertname=X,i=2\n0 fire alertname=Y,i=3\n100 end",
     "30 a/webhook first notification: +X2\n"},
    {"an alert does not inhibit itself",
     ROOT("") RECEIVERS "inhibit_rules:\n- {source_matchers: [i=1], target_matchers: [i=1]}\n",
     "0 fire alertname=X,i=1\n100 end", "30 a/webhook first notification: +X1\n"},
    {"out of hours",
     ROOT("  routes: [{receiver: a, mute_time_intervals: [early]}]\n") RECEIVERS
     "time_intervals:\n"
     "- {name: early, time_intervals: [{times: [{start_time: '08:00', end_time: '08:02'}]}]}\n",
     "0 fire alertname=X\n300 end", "150 a/webhook first notification: +X\n"},
    {"in active hours only",
     ROOT("  routes: [{receiver: a, active_time_intervals: [late]}]\n") RECEIVERS
     "time_intervals:\n"
     "- {name: late, time_intervals: [{times: [{start_time: '08:04', end_time: '09:00'}]}]}\n",
     "0 fire alertname=X\n600 end", "270 a/webhook first notification: +X\n"},
    {"an empty group goes, and a new one waits", plain,
     "0 fire alertname=X\n40 resolve alertname=X\n125 fire alertname=X\n300 end",
     "30 a/webhook first notification: +X\n"
     "90 a/webhook all alerts resolved: -X\n"
     "155 a/webhook new alerts added: +X\n"},
    {"a slow receiver: the group's next time waits for it", plain,
     "0 fire alertname=X,i=1\n20 slow\n85 arrive\n86 fire alertname=X,i=2\n200 end",
     "85 a/webhook first notification: +X1\n90 a/webhook new alerts added: +X1 +X2\n"},
    {"so slow that its time is over", plain, "0 fire alertname=X,i=1\n20 slow\n95 arrive\n200 end",
     "95 a/webhook first notification: +X1\n"},
};

TEST(am_tells_what_alertmanager_tells)
{
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct am_script script;

        test_row(cases[i].name);
        am_script_begin(&script, cases[i].config, NULL);
        am_script_run(&script, cases[i].steps);
        assert_str_equal(buf_view(&script.told), str_from(cases[i].want));
        am_script_end(&script);
    }
    test_row(NULL);
}

/* The waits are random: what is sure is how many there are and that the first is within a second.
 */
TEST(am_tries_again_with_growing_waits)
{
    struct am_script script;
    str told;

    am_script_begin(&script, plain, NULL);
    am_script_run(&script, "0 fire alertname=X\n1 retry 4\n300 end");
    told = buf_view(&script.told);
    /* 0.5, 0.75, 1.125 and 1.6875 s, each between half and one and a half of it. */
    assert_true(str_cmp(told, STR("32")) > 0 && str_cmp(told, STR("36.2")) < 0);
    assert_int_equal(script.retries, 0);
    assert_true(str_contains(told, STR(" a/webhook first notification: +X\n")));
    am_script_end(&script);
}

TEST(am_gives_up_at_the_next_time)
{
    struct am_script script;

    am_script_begin(&script, plain, NULL);
    am_script_run(&script, "0 fire alertname=X\n1 retry 1000\n120 retry 0\n200 end");
    assert_true(str_contains(buf_view(&script.told), STR(" a/webhook first notification: +X\n")));
    am_script_end(&script);
}

/* With the state in a file: one table, each step of life that a restart may fall into. */
TEST(am_state_survives_a_restart)
{
    static const struct {
        const char *name;
        const char *steps;
        const char *want;
    } rows[] = {
        {"told before: not again", "0 fire alertname=X\n40 restart\n300 end",
         "30 a/webhook first notification: +X\n"},
        {"not told before: told at once if it has waited",
         "0 fire alertname=X\n29 restart\n100 end", "59 a/webhook first notification: +X\n"},
        {"resolved afterwards", "0 fire alertname=X\n40 restart\n50 resolve alertname=X\n300 end",
         "30 a/webhook first notification: +X\n100 a/webhook all alerts resolved: -X\n"},
        {"resolved before, told afterwards",
         "0 fire alertname=X\n40 resolve alertname=X\n50 restart\n300 end",
         "30 a/webhook first notification: +X\n50 a/webhook all alerts resolved: -X\n"},
        {"told of the end before: not again",
         "0 fire alertname=X,i=1\n0 fire alertname=X,i=2\n40 resolve alertname=X,i=1\n100 "
         "restart\n800 end",
         "30 a/webhook first notification: +X1 +X2\n"
         "90 a/webhook some alerts resolved: -X1 +X2\n"
         "700 a/webhook repeat interval elapsed: +X2\n"},
        {"the silence stays", "0 fire alertname=X\n5 silence alertname=X 200\n10 restart\n300 end",
         "220 a/webhook first notification: +X\n"},
        {"an expired silence stays expired",
         "0 fire alertname=X\n5 silence alertname=X 200\n8 unsilence\n10 restart\n100 end",
         "40 a/webhook first notification: +X\n"},
        {"its end passed unheard: time to be heard of again",
         "0 fire alertname=X for 100\n40 restart\n420 end",
         "30 a/webhook first notification: +X\n340 a/webhook all alerts resolved: -X\n"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct am_script script;
        char path[512];

        test_row(rows[i].name);
        (void)snprintf(path, sizeof(path), "%s/alerting.db", test_dir());
        am_script_begin(&script, plain, path);
        am_script_run(&script, rows[i].steps);
        assert_str_equal(buf_view(&script.told), str_from(rows[i].want));
        am_script_end(&script);
    }
    test_row(NULL);
}
