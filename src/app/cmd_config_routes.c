#include <stdio.h>

#include "alerting/am_config.h"
#include "app/commands.h"
#include "app/files.h"
#include "app/flags.h"

enum routes_flag { ROUTES_CONFIG, ROUTES_VERIFY, ROUTES_KEYS, ROUTES_TREE };

static const struct flag test_rows[] = {
    {"config.file", FLAG_TEXT, "", FLAG_RUN, "the configuration, as Alertmanager reads it"},
    {"verify.receivers", FLAG_TEXT, "", FLAG_RUN,
     "receivers, separated by commas; the exit status is 1 when others are reached"},
    {"keys", FLAG_BOOL, "false", FLAG_RUN,
     "a line for each route that is reached: receiver, key, grouping and times"},
    {"tree", FLAG_BOOL, "false", FLAG_RUN, "print the part of the tree that leads to them too"},
};
static const struct flag show_rows[] = {
    {"config.file", FLAG_TEXT, "", FLAG_RUN, "the configuration, as Alertmanager reads it"},
};
static const char test_summary[] =
    "Says which receivers an alert with these labels reaches, in order.\n"
    "Exit status: 0 good, 1 a fault or other receivers than verified, 2 wrong usage.\n\n"
    "  barograph config routes test --config.file=alertmanager.yml --verify.receivers=ops team=ops";
static const char show_summary[] = "Prints the routing tree of an Alertmanager configuration.\n\n"
                                   "  barograph config routes show --config.file=alertmanager.yml";

/* What both commands begin with. Returns the status to exit with, -1 to go on. */
static int begin(struct flags *flags, const struct flag *rows, size_t count, const char *usage,
                 const char *summary, int argc, char **argv)
{
    struct baro_error err = {0};

    if (flags_parse(flags, rows, count, argc, argv, &err) < 0) {
        (void)fprintf(stderr, "barograph: %s\n", err.message);
        return 2;
    }
    if (flags->help || flags_text(flags, ROUTES_CONFIG).len == 0) {
        return flags_usage(flags, usage, summary);
    }
    return -1;
}

static struct am_config *load(str path)
{
    static struct faults faults;
    struct am_config *config = NULL;
    struct baro_error err = {0};
    struct buf text = {0};

    if (file_read(path.ptr, &text, &err) < 0) {
        (void)fprintf(stderr, "barograph: %s\n", err.message);
    } else if (am_config_parse(path, buf_view(&text), &config, &faults) < 0) {
        for (uint32_t i = 0; i < faults.count; i++) {
            char line[ERROR_FORMAT_BYTES];

            error_format(&faults.items[i], line, sizeof(line));
            (void)fprintf(stderr, "%s\n", line);
        }
    }
    buf_done(&text);
    return config;
}

/* ---- The tree ---- */

static bool is_reached(const struct am_route *route, const am_routes *reached)
{
    for (size_t i = 0; i < reached->count; i++) {
        if (reached->items[i] == route) {
            return true;
        }
    }
    return false;
}

/* Whether a route is reached, or one below it. */
static bool leads_to(const struct am_route *route, const am_routes *reached)
{
    bool found = is_reached(route, reached);

    for (size_t i = 0; i < route->count && !found; i++) {
        found = leads_to(route->routes[i], reached);
    }
    return found;
}

/* What is said of a route: all, or its receiver when that is reached. */
static void print_node(const struct am_route *route, const am_routes *reached)
{
    struct buf out = {0};

    if (route->matchers.count > 0) {
        am_matchers_format(&out, &route->matchers);
    } else {
        buf_c(&out, "default-route");
    }
    buf_c(&out, reached == NULL && route->continues ? "  continue: true" : "");
    if (reached == NULL || is_reached(route, reached)) {
        buf_printf(&out, "  receiver: %.*s", STR_ARG(route->receiver));
    }
    (void)printf(" %.*s\n", STR_ARG(buf_view(&out)));
    buf_done(&out);
}

static void print_below(const struct am_route *route, const am_routes *reached, struct buf *indent)
{
    size_t depth = indent->len;
    size_t left = 0;

    for (size_t i = 0; i < route->count; i++) {
        left += reached == NULL || leads_to(route->routes[i], reached);
    }
    for (size_t i = 0; i < route->count; i++) {
        if (reached != NULL && !leads_to(route->routes[i], reached)) {
            continue;
        }
        left--;
        (void)printf("%.*s%s", STR_ARG(buf_view(indent)), left == 0 ? "└──" : "├──");
        print_node(route->routes[i], reached);
        buf_c(indent, left == 0 ? "    " : "│\u00a0\u00a0 ");
        print_below(route->routes[i], reached, indent);
        indent->len = depth;
    }
}

/* Prints the whole tree, or what of it leads to the routes that are reached. */
static void print_tree(const struct am_route *root, const am_routes *reached)
{
    struct buf indent = {0};

    (void)printf("%s:\n.\n└──", reached != NULL ? "Matching routes" : "Routing tree");
    print_node(root, reached);
    buf_c(&indent, "    ");
    print_below(root, reached, &indent);
    buf_done(&indent);
}

/* ---- test ---- */

/* The arguments are conditions with `=` only. Empty values are labels that are absent. */
static bool read_labels(struct arena *arena, const struct flags *flags, struct labels *ret)
{
    struct label *items = ARENA_ARRAY(arena, struct label, flags->arg_count);
    size_t count = 0;

    for (size_t i = 0; i < flags->arg_count; i++) {
        am_matchers one = {0};
        struct baro_error err = {0};
        int r = am_matchers_parse(arena, flags->args[i], &one, &err);

        if (r >= 0 && (one.count != 1 || one.items[0].op != MATCHER_EQUAL)) {
            r = error_set(&err, BARO_EUSAGE, "'%.*s' is no label: write name=value",
                          STR_ARG(flags->args[i]));
        }
        if (r < 0) {
            (void)fprintf(stderr, "barograph: failed to parse labels: %s\n", err.message);
            am_matchers_done(&one);
            return false;
        }
        items[count++] = (struct label){one.items[0].name, one.items[0].value};
        am_matchers_done(&one);
    }
    labels_sort(items, count);
    *ret = (struct labels){items, count};
    if (labels_has_duplicate(*ret)) {
        (void)fprintf(stderr, "barograph: a label stands twice\n");
        return false;
    }
    return true;
}

static void print_route(const struct am_route *route)
{
    struct buf out = {0};

    buf_printf(&out, "receiver=%.*s key=%.*s group_by=", STR_ARG(route->receiver),
               STR_ARG(route->key));
    buf_c(&out, route->group_by_all ? "..." : "");
    for (size_t i = 0; i < route->group_by.count; i++) {
        buf_printf(&out, "%s%.*s", i > 0 ? "," : "", STR_ARG(route->group_by.items[i]));
    }
    buf_c(&out, " group_wait=");
    dur_format(&out, route->group_wait);
    buf_c(&out, " group_interval=");
    dur_format(&out, route->group_interval);
    buf_c(&out, " repeat_interval=");
    dur_format(&out, route->repeat_interval);
    (void)printf("%.*s\n", STR_ARG(buf_view(&out)));
    buf_done(&out);
}

/* The names after each other, in the order of the routes. */
static void join_receivers(const am_routes *routes, struct buf *out)
{
    for (size_t i = 0; i < routes->count; i++) {
        buf_c(out, i > 0 ? "," : "");
        buf_str(out, routes->items[i]->receiver);
    }
}

static int test_labels(const struct am_config *config, const struct flags *flags,
                       struct labels labels)
{
    am_routes routes = {0};
    struct buf names = {0};
    str wanted = flags_text(flags, ROUTES_VERIFY);
    int status = 0;

    am_route_match(config->route, labels, &routes);
    join_receivers(&routes, &names);
    if (flags_bool(flags, ROUTES_TREE)) {
        print_tree(config->route, &routes);
        (void)printf("\n\n");
    }
    (void)printf("%.*s\n", STR_ARG(buf_view(&names)));
    for (size_t i = 0; flags_bool(flags, ROUTES_KEYS) && i < routes.count; i++) {
        print_route(routes.items[i]);
    }
    if (wanted.len > 0 && !str_eq(wanted, buf_view(&names))) {
        (void)fprintf(stderr, "WARNING: Expected receivers did not match resolved receivers.\n");
        status = 1;
    }
    buf_done(&names);
    vec_done(&routes);
    return status;
}

int command_config_routes_test(int argc, char **argv)
{
    CLEANUP(am_config_freep) struct am_config *config = NULL;
    static struct flags flags;
    struct arena arena = {0};
    struct labels labels = {0};
    int status = begin(&flags, test_rows, ARRAY_COUNT(test_rows),
                       "config routes test --config.file=FILE [FLAGS] NAME=VALUE...", test_summary,
                       argc, argv);

    if (status >= 0) {
        return status;
    }
    config = load(flags_text(&flags, ROUTES_CONFIG));
    status = config != NULL && read_labels(&arena, &flags, &labels)
                 ? test_labels(config, &flags, labels)
                 : 1;
    arena_done(&arena);
    return status;
}

/* ---- show ---- */

int command_config_routes_show(int argc, char **argv)
{
    CLEANUP(am_config_freep) struct am_config *config = NULL;
    static struct flags flags;
    int status = begin(&flags, show_rows, ARRAY_COUNT(show_rows),
                       "config routes show --config.file=FILE", show_summary, argc, argv);

    if (status >= 0) {
        return status;
    }
    config = load(flags_text(&flags, ROUTES_CONFIG));
    if (config == NULL) {
        return 1;
    }
    print_tree(config->route, NULL);
    (void)printf("\n");
    return 0;
}
