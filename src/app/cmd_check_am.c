#include <stdio.h>

#include "alerting/am_config.h"
#include "app/commands.h"
#include "app/files.h"
#include "app/flags.h"

static const char summary[] =
    "Checks Alertmanager configuration files. Every fault is a line file:line:col: message.\n"
    "Exit status: 0 good, 1 faults, 2 wrong usage.";

static void print_found(const struct am_config *config)
{
    (void)printf("  SUCCESS\nFound:\n - global config\n - route\n - %zu inhibit rules\n"
                 " - %zu receivers\n - %zu templates\n\n",
                 config->inhibit_rule_count, config->receiver_count, config->templates.count);
}

static void print_faults(const struct faults *faults)
{
    char text[ERROR_FORMAT_BYTES];

    (void)printf("  FAILED\n");
    for (uint32_t i = 0; i < faults->count; i++) {
        error_format(&faults->items[i], text, sizeof(text));
        (void)printf("%s\n", text);
    }
    if (faults->total > faults->count) {
        (void)printf("... and %u more\n", faults->total - faults->count);
    }
    (void)printf("\n");
}

static bool check_file(str path)
{
    CLEANUP(am_config_freep) struct am_config *config = NULL;
    static struct faults faults;
    struct baro_error err = {0};
    struct buf text = {0};
    bool good;

    faults = (struct faults){0};
    (void)printf("Checking '%.*s'", STR_ARG(path));
    if (file_read(path.ptr, &text, &err) < 0) {
        (void)printf("  FAILED\n%s\n\n", err.message);
        buf_done(&text);
        return false;
    }
    good = am_config_parse(path, buf_view(&text), &config, &faults) >= 0;
    if (good) {
        print_found(config);
    } else {
        print_faults(&faults);
    }
    buf_done(&text);
    return good;
}

int command_check_am_config(int argc, char **argv)
{
    static struct flags flags;
    struct baro_error err = {0};
    size_t failed = 0;

    if (flags_parse(&flags, NULL, 0, argc, argv, &err) < 0) {
        (void)fprintf(stderr, "barograph: %s\n", err.message);
        return 2;
    }
    if (flags.help || flags.arg_count == 0) {
        struct buf out = {0};

        flags_help(&out, "check alertmanager-config FILE...", summary, NULL, 0);
        (void)fwrite(out.ptr, 1, out.len, flags.help ? stdout : stderr);
        buf_done(&out);
        return flags.help ? 0 : 2;
    }
    for (size_t i = 0; i < flags.arg_count; i++) {
        failed += !check_file(flags.args[i]);
    }
    return failed > 0 ? 1 : 0;
}
