#include <stdio.h>

#include "alerting/heartbeat_config.h"
#include "app/commands.h"
#include "app/files.h"
#include "app/flags.h"

static const char summary[] =
    "Checks files of --alerting.heartbeat-file. Every fault is a line file:line:col: message.\n"
    "Exit status: 0 good, 1 faults, 2 wrong usage.";

static void print_found(const struct heartbeat_config *config)
{
    (void)printf("  SUCCESS\n%zu sent, %zu expected\n\n", config->send_count, config->expect_count);
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
    CLEANUP(heartbeat_config_freep) struct heartbeat_config *config = NULL;
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
    good = heartbeat_config_parse(path, buf_view(&text), &config, &faults) >= 0;
    if (good) {
        print_found(config);
    } else {
        print_faults(&faults);
    }
    buf_done(&text);
    return good;
}

int command_check_heartbeats(int argc, char **argv)
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

        flags_help(&out, "check heartbeats FILE...", summary, NULL, 0);
        (void)fwrite(out.ptr, 1, out.len, flags.help ? stdout : stderr);
        buf_done(&out);
        return flags.help ? 0 : 2;
    }
    for (size_t i = 0; i < flags.arg_count; i++) {
        failed += !check_file(flags.args[i]);
    }
    return failed > 0 ? 1 : 0;
}
