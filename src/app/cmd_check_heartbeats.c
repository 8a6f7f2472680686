#include "alerting/heartbeat_config.h"
#include "app/check_files.h"
#include "app/commands.h"

static int parse(str path, str text, struct buf *ret_found, struct faults *faults)
{
    CLEANUP(heartbeat_config_freep) struct heartbeat_config *config = NULL;
    int r = heartbeat_config_parse(path, text, &config, faults);

    if (r >= 0) {
        buf_printf(ret_found, "%zu sent, %zu expected\n", config->send_count, config->expect_count);
    }
    return r;
}

int command_check_heartbeats(int argc, char **argv)
{
    static const struct file_check check = {
        .usage = "check heartbeats FILE...",
        .summary =
            "Checks files of --alerting.heartbeat-file. Every fault is a line file:line:col: "
            "message.\nExit status: 0 good, 1 faults, 2 wrong usage.\n\n"
            "  barograph check heartbeats heartbeats.yml",
        .parse = parse,
    };

    return check_files(&check, argc, argv);
}
