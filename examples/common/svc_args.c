/* Arguments: the service's options and those that every service has, and a --help that teaches. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svc.h"

enum { COMMON_COUNT = 6 };

/* The options of every service, bound to one run's settings. */
static void common_options(struct svc_settings *settings, struct svc_option ret[COMMON_COUNT])
{
    ret[0] = (struct svc_option){"listen",
                                 "HOST:PORT",
                                 SVC_OPTION_TEXT,
                                 &settings->listen,
                                 0,
                                 0,
                                 "where to listen; port 0 picks a free one and prints it"};
    ret[1] = (struct svc_option){"rate",
                                 "N",
                                 SVC_OPTION_NUMBER,
                                 &settings->rate,
                                 0,
                                 1e6,
                                 "requests a second that one client may make of limited routes; 0 "
                                 "= no limit"};
    ret[2] = (struct svc_option){"burst",
                                 "N",
                                 SVC_OPTION_NUMBER,
                                 &settings->burst,
                                 1,
                                 1e6,
                                 "requests that it may make at once"};
    ret[3] = (struct svc_option){"drain",
                                 "SECONDS",
                                 SVC_OPTION_NUMBER,
                                 &settings->drain_s,
                                 0,
                                 3600,
                                 "time for running work to finish at SIGTERM"};
    ret[4] = (struct svc_option){"connections",
                                 "N",
                                 SVC_OPTION_INT,
                                 &settings->connections_max,
                                 1,
                                 4096,
                                 "open connections at most"};
    ret[5] = (struct svc_option){"patience",
                                 "SECONDS",
                                 SVC_OPTION_NUMBER,
                                 &settings->patience_s,
                                 0.1,
                                 3600,
                                 "time for a request's header; 4 times that for its body, 10 times "
                                 "for its answer"};
}

static int set_number(const struct svc_option *option, const char *text, struct svc_error *err)
{
    char *end = NULL;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !(value >= option->min && value <= option->max) ||
        (option->kind == SVC_OPTION_INT && value != floor(value))) {
        return svc_fail(err, -EINVAL, "--%s=%.60s: give a %snumber from %.10g to %.10g",
                        option->name, text, option->kind == SVC_OPTION_INT ? "whole " : "",
                        option->min, option->max);
    }
    if (option->kind == SVC_OPTION_INT) {
        *(long *)option->target = (long)value;
    } else {
        *(double *)option->target = value;
    }
    return 0;
}

static int set_option(const struct svc_option *option, const char *text, struct svc_error *err)
{
    if (option->kind == SVC_OPTION_FLAG) {
        if (text != NULL) {
            return svc_fail(err, -EINVAL, "--%s: takes no value", option->name);
        }
        *(bool *)option->target = true;
        return 0;
    }
    if (text == NULL) {
        return svc_fail(err, -EINVAL, "--%s: give a value: --%s=%s", option->name, option->name,
                        option->value);
    }
    if (option->kind == SVC_OPTION_TEXT) {
        *(const char **)option->target = text;
        return 0;
    }
    return set_number(option, text, err);
}

static void print_option(const struct svc_option *option)
{
    char left[64];
    char preset[96] = "";

    (void)snprintf(left, sizeof(left), "--%s%s%s", option->name, option->value != NULL ? "=" : "",
                   option->value != NULL ? option->value : "");
    switch (option->kind) {
    case SVC_OPTION_FLAG:
        break;
    case SVC_OPTION_TEXT:
        if (*(const char **)option->target != NULL) {
            (void)snprintf(preset, sizeof(preset), " (%s)", *(const char **)option->target);
        }
        break;
    case SVC_OPTION_INT:
        (void)snprintf(preset, sizeof(preset), " (%ld)", *(long *)option->target);
        break;
    case SVC_OPTION_NUMBER:
        (void)snprintf(preset, sizeof(preset), " (%g)", *(double *)option->target);
        break;
    }
    (void)printf("  %-28s %s%s\n", left, option->help, preset);
}

static void print_faults(const struct svc_service *service)
{
    if (service->fault_count > 0) {
        (void)printf(
            "\nFaults, to see dashboards and alerts at work (repeat --fault as needed):\n");
    }
    for (size_t i = 0; i < service->fault_count; i++) {
        const struct svc_fault_def *def = &service->faults[i];
        char left[64];

        (void)snprintf(left, sizeof(left), "--fault=%s%s%s", def->name,
                       def->keys != NULL ? "[:NAME]" : "",
                       def->unit == NULL   ? ""
                       : def->keys != NULL ? "[=N]"
                                           : "[:N]");
        (void)printf("  %-28s %s", left, def->help);
        if (def->unit != NULL) {
            (void)printf("; N: %s (%g)", def->unit, def->preset);
        }
        for (size_t k = 0; def->keys != NULL && def->keys[k] != NULL; k++) {
            (void)printf("%s%s", k == 0 ? "; NAME: " : ", ", def->keys[k]);
        }
        (void)printf("\n");
    }
}

static void print_help(const struct svc_service *service, const struct svc_option *common)
{
    (void)printf("%s: %s\n\nUsage: %s [--OPTION=VALUE ...]\n\nOptions (presets in brackets):\n",
                 service->name, service->summary, service->name);
    for (size_t i = 0; i < COMMON_COUNT; i++) {
        print_option(&common[i]);
    }
    for (size_t i = 0; i < service->option_count; i++) {
        print_option(&service->options[i]);
    }
    print_faults(service);
    (void)printf("\nRoutes:\n  %-6s %-34s %s\n  %-6s %-34s %s\n", "GET", "/health, /api/health",
                 "health with components", "GET",
                 service->metrics_path != NULL ? service->metrics_path : "/metrics",
                 "metrics, for Prometheus and its like");
    for (size_t i = 0; i < service->route_count; i++) {
        const struct svc_route *route = &service->routes[i];

        if ((route->flags & SVC_HIDDEN) == 0) {
            (void)printf("  %-6s %-34s %s\n", route->method, route->path, route->help);
        }
    }
    if (service->examples != NULL) {
        (void)printf("\nExamples:\n%s", service->examples);
    }
}

static const struct svc_option *find_option(const struct svc_option *options, size_t count,
                                            const char *name, size_t len)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(options[i].name) == len && memcmp(options[i].name, name, len) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

static int take_argument(const struct svc_service *service, const struct svc_option *common,
                         struct svc_settings *settings, const char *argument, struct svc_error *err)
{
    const char *name = argument + 2;
    const char *equals = strchr(argument, '=');
    size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
    const struct svc_option *option;

    if (len == 5 && memcmp(name, "fault", 5) == 0) {
        return equals != NULL ? svc_fault_set(&settings->faults, equals + 1, err)
                              : svc_fail(err, -EINVAL, "--fault: give a name: --help lists them");
    }
    option = find_option(common, COMMON_COUNT, name, len);
    if (option == NULL) {
        option = find_option(service->options, service->option_count, name, len);
    }
    if (option == NULL) {
        return svc_fail(err, -EINVAL, "%.60s: unknown: --help lists the options", argument);
    }
    return set_option(option, equals != NULL ? equals + 1 : NULL, err);
}

int svc_args(const struct svc_service *service, int argc, char **argv, struct svc_settings *ret,
             struct svc_error *err)
{
    struct svc_option common[COMMON_COUNT];
    int r = 0;

    *ret = (struct svc_settings){
        .listen = service->listen,
        .rate = service->rate,
        .burst = service->burst > 1 ? service->burst : 1,
        .drain_s = 10,
        .patience_s = 30,
        .connections_max = 200,
        .faults = {.defs = service->faults, .count = service->fault_count},
    };
    common_options(ret, common);
    for (int i = 1; i < argc && r == 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help(service, common);
            return 1;
        }
        if (strncmp(argv[i], "--", 2) != 0) {
            return svc_fail(err, -EINVAL, "%.60s: options begin with --: see --help", argv[i]);
        }
        r = take_argument(service, common, ret, argv[i], err);
    }
    return r;
}
