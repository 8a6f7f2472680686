#include <stdio.h>

#include "alerting/am_script_test.h"
#include "testing/test.h"

static const char config[] = "route:\n"
                             "  receiver: a\n"
                             "  group_by: [alertname]\n"
                             "  group_wait: 30s\n"
                             "  group_interval: 60s\n"
                             "  repeat_interval: 600s\n"
                             "receivers:\n"
                             "- name: a\n"
                             "  webhook_configs: [{url: 'http://127.0.0.1:1/'}]\n";

/* Flushes are at 30 + 60 k; without acknowledgement repeats are at 690, 1350 ... */
static const struct {
    const char *name;
    const char *steps;
    const char *want;
} cases[] = {
    {"repeats are held back, for longer than the log remembers; the end is told",
     "0 fire alertname=X\n100 ack alertname=X\n4000 resolve alertname=X\n4200 end",
     "30 a/webhook first notification: +X\n4050 a/webhook all alerts resolved: -X\n"},
    {"a new alert of the group is told, and repeated with the others",
     "0 fire alertname=X,i=1\n100 ack alertname=X,i=1\n200 fire alertname=X,i=2\n900 end",
     "30 a/webhook first notification: +X1\n"
     "210 a/webhook new alerts added: +X1 +X2\n"
     "870 a/webhook repeat interval elapsed: +X1 +X2\n"},
    {"until all of them are",
     "0 fire alertname=X,i=1\n0 fire alertname=X,i=2\n100 ack "
     "alertname=X,i=1\n700 ack alertname=X,i=2\n3000 end",
     "30 a/webhook first notification: +X1 +X2\n"
     "690 a/webhook repeat interval elapsed: +X1 +X2\n"},
    {"for a time", "0 fire alertname=X\n100 ack alertname=X 800\n1000 end",
     "30 a/webhook first notification: +X\n930 a/webhook repeat interval elapsed: +X\n"},
    {"taken back", "0 fire alertname=X\n100 ack alertname=X\n1000 unack alertname=X\n1100 end",
     "30 a/webhook first notification: +X\n1050 a/webhook repeat interval elapsed: +X\n"},
    {"some resolved",
     "0 fire alertname=X,i=1\n0 fire alertname=X,i=2\n100 ack alertname=X,i=1\n100 ack "
     "alertname=X,i=2\n200 resolve alertname=X,i=1\n1000 end",
     "30 a/webhook first notification: +X1 +X2\n210 a/webhook some alerts resolved: -X1 +X2\n"},
    {"what fires anew is not acknowledged",
     "0 fire alertname=X\n100 ack alertname=X\n200 resolve alertname=X\n400 fire "
     "alertname=X\n1100 end",
     "30 a/webhook first notification: +X\n210 a/webhook all alerts resolved: -X\n"
     "430 a/webhook new alerts added: +X\n1090 a/webhook repeat interval elapsed: +X\n"},
    {"over a restart", "0 fire alertname=X\n100 ack alertname=X\n200 restart\n3000 end",
     "30 a/webhook first notification: +X\n"},
    {"over a reload", "0 fire alertname=X\n100 ack alertname=X\n200 reload\n3000 end",
     "30 a/webhook first notification: +X\n"},
};

TEST(am_acks_hold_repeats_back_and_nothing_else)
{
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct am_script script;
        char path[512];

        test_row(cases[i].name);
        (void)snprintf(path, sizeof(path), "%s/alerting-%zu.db", test_dir(), i);
        am_script_begin(&script, config, path);
        am_script_run(&script, cases[i].steps);
        assert_str_equal(buf_view(&script.told), str_from(cases[i].want));
        am_script_end(&script);
    }
    test_row(NULL);
}

TEST(am_ack_set_names_what_fires)
{
    const struct am_ack ack = {.created_by = STR("me"), .comment = STR("on it")};
    const struct label pair[] = {{STR("alertname"), STR("X")}};
    const uint64_t fps[] = {1, am_fingerprint((struct labels){pair, 1})};
    struct am_ack back = ack;
    struct am_ack_view *views = NULL;
    struct baro_error err = {0};
    struct arena arena = {0};
    struct am_script script;
    bool found[2] = {true, true};
    size_t count = 0;

    back.is_taken_back = true;
    am_script_begin(&script, config, NULL);
    am_script_run(&script, "0 fire alertname=X\n10 end");
    assert_int_equal(am_ack_set(script.am, &back, fps, 2, found, &err), 0);
    assert_int_equal(am_ack_set(script.am, &ack, fps, 2, found, &err), 1);
    assert_true(!found[0] && found[1]);
    am_ack_list(script.am, &arena, &views, &count);
    assert_int_equal(count, 1);
    assert_str_equal(views[0].ack.comment, STR("on it"));
    assert_str_equal(labels_get(views[0].labels, STR("alertname")), STR("X"));
    assert_int_equal(am_ack_set(script.am, &(struct am_ack){0}, fps, 2, found, &err),
                     BARO_EINVALID);
    assert_int_equal(am_ack_set(script.am, &back, fps, 2, found, &err), 1);
    am_ack_list(script.am, &arena, &views, &count);
    assert_int_equal(count, 0);
    arena_done(&arena);
    am_script_end(&script);
}
