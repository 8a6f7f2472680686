/* load: users for the example services, in the five scenarios that the studio's document plans. See
 * README.md. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"
#include "svc.h"

static const char *target = "studio";
static const char *url;
static const char *metrics;
static const char *wanted = "all";
static const char *plot;
static double scale = 1;
static double limit_s = 120;
static double pause_ms;
static long websockets;
static long mistakes;
static bool as_json;
static bool show_list;

static const struct svc_option options[] = {
    {"target", "NAME", SVC_OPTION_TEXT, &target, 0, 0,
     "which service: studio, orchestrator, extraction, reconstruction"},
    {"url", "URL", SVC_OPTION_TEXT, &url, 0, 0,
     "where it is; default: the port that its document names"},
    {"metrics", "URL,URL", SVC_OPTION_TEXT, &metrics, 0, 0, "its metrics; {url} stands for --url"},
    {"scenario", "NAME", SVC_OPTION_TEXT, &wanted, 0, 0,
     "baseline, normal, peak, spike, sustained, or all"},
    {"scale", "F", SVC_OPTION_NUMBER, &scale, 1e-4, 100,
     "multiplies times and generations: 0.01 is a hundredth"},
    {"websockets", "N", SVC_OPTION_INT, &websockets, 0, 4000,
     "WebSocket clients beside the users' own"},
    {"limit", "SECONDS", SVC_OPTION_NUMBER, &limit_s, 0.1, 3600,
     "for a request, and for a generation"},
    {"pause-ms", "N", SVC_OPTION_NUMBER, &pause_ms, 0, 60000, "between the generations of a user"},
    {"mistakes", "N", SVC_OPTION_INT, &mistakes, 0, 100000,
     "reconstruction: one generation of N is on photos that cannot do, and must fail; 0 = none"},
    {"json", NULL, SVC_OPTION_FLAG, &as_json, 0, 0, "the report as JSON"},
    {"plot", "FILE", SVC_OPTION_TEXT, &plot, 0, 0, "an SVG picture of all requests"},
    {"list", NULL, SVC_OPTION_FLAG, &show_list, 0, 0, "the scenarios, and no run"},
};

static _Atomic bool stopping;

static void on_stop(int signal_number)
{
    (void)signal_number;
    stopping = true;
}

static void list_print(void)
{
    for (size_t i = 0; i < scenario_count; i++) {
        const struct scenario *row = &scenarios[i];

        (void)printf("%s  %-10s %2d users, ", row->id, row->name, row->users);
        if (row->generations > 0) {
            (void)printf("%d generations\n", row->generations);
        } else {
            (void)printf("%g s%s\n", row->seconds, row->ramp_s > 0 ? ", coming within 30 s" : "");
        }
    }
}

static int run_prepare(struct run *run, struct svc_error *err)
{
    int r;

    run->profile = user_profile_find(target);
    if (run->profile == NULL) {
        return svc_fail(
            err, -EINVAL,
            "--target=%.40s: there are studio, orchestrator, extraction, reconstruction", target);
    }
    if (strcmp(wanted, "all") != 0 && scenario_find(wanted) == NULL) {
        return svc_fail(err, -EINVAL, "--scenario=%.40s: --list shows them", wanted);
    }
    url = url != NULL ? url : run->profile->url;
    run->limit_s = limit_s;
    run->pause_s = pause_ms / 1e3;
    run->websockets = websockets;
    run->mistakes = mistakes;
    run->stopping = &stopping;
    r = net_place_parse(url, &run->place, err);
    return r < 0 ? r
                 : run_metrics_parse(run, url, metrics != NULL ? metrics : run->profile->metrics,
                                     err);
}

/* Prints and draws what was run; whether all of it passed. */
static bool reports_give(const struct report *reports, size_t count)
{
    json_t *root = json_array();
    bool passes = count > 0;

    for (size_t i = 0; i < count; i++) {
        passes = passes && report_passes(&reports[i]);
        if (as_json) {
            json_array_append_new(root, report_json(&reports[i]));
        } else {
            report_print(&reports[i], stdout);
        }
    }
    if (as_json) {
        json_t *all = json_pack("{s:s, s:f, s:b, s:O}", "target", target, "scale", scale, "pass",
                                passes, "scenarios", root);

        (void)json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
        (void)printf("\n");
        json_decref(all);
    } else {
        (void)printf("\n%s\n", passes ? "all within their limits" : "NOT all within their limits");
    }
    json_decref(root);
    if (plot != NULL && report_plot(reports, count, plot) < 0) {
        (void)fprintf(stderr, "load: --plot=%s: cannot be written\n", plot);
        passes = false;
    }
    return passes;
}

static bool scenarios_run(const struct run *run)
{
    static struct watch watches[16];
    static struct report reports[16];
    size_t count = 0;
    bool passes;

    for (size_t i = 0; i < scenario_count && !stopping; i++) {
        struct scenario scenario = scenario_scaled(&scenarios[i], scale);
        double seconds;

        if ((strcmp(wanted, "all") != 0 && scenario_find(wanted) != &scenarios[i]) ||
            watch_init(&watches[count]) < 0) {
            continue;
        }
        if (!as_json) {
            (void)fprintf(stderr, "%s %s ...\n", scenario.id, scenario.name);
        }
        seconds = run_scenario(run, &scenario, &watches[count]);
        report_make(&reports[count], &scenario, &watches[count], seconds);
        count++;
    }
    passes = reports_give(reports, count);
    for (size_t i = 0; i < count; i++) {
        watch_done(&watches[i]);
    }
    return passes;
}

int main(int argc, char **argv)
{
    static struct run run;
    static struct svc_settings unused;
    struct sigaction action = {.sa_handler = on_stop};
    struct svc_error err = {0};
    const struct svc_service frame = {
        .name = "load",
        .summary = "users for the example services, in five scenarios, with a report of what is to "
                   "be watched",
        .examples = "  load --scale=0.01                      # the studio, a hundredth of the "
                    "planned time\n"
                    "  load --target=orchestrator --scenario=spike --scale=0.1 --plot=spike.svg\n",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
    };
    int r = svc_args(&frame, argc, argv, &unused, &err);

    if (r > 0) {
        return 0;
    }
    if (r == 0 && show_list) {
        list_print();
        return 0;
    }
    r = r < 0 ? r : run_prepare(&run, &err);
    if (r < 0) {
        (void)fprintf(stderr, "load: %s\n", err.text);
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    return scenarios_run(&run) ? 0 : 1;
}
