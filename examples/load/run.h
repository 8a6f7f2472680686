/* run: a scenario against a service: a thread a user, and one that watches. */
#pragma once

#include "report.h"
#include "user.h"

enum { RUN_METRICS_MAX = 8 };

struct run {
    const struct user_profile *profile;
    struct net_place place;
    struct {
        struct net_place place;
        char path[128];
    } metrics[RUN_METRICS_MAX];
    size_t metrics_count;
    long websockets; /* clients beside the one that each user has */
    long mistakes;   /* one generation of so many is one that must fail; 0 = none */
    double limit_s;  /* for one request, and for one generation */
    double pause_s;  /* between generations of a user */
    const _Atomic bool *stopping;
};

/* run_metrics_parse takes "URL,URL" with {url} for the service's own. */
int run_metrics_parse(struct run *run, const char *url, const char *text, struct svc_error *err);

/* run_scenario plays it, and fills the watch; how long it took, in seconds. */
double run_scenario(const struct run *run, const struct scenario *scenario, struct watch *watch);
