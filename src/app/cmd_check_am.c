#include "alerting/am_config.h"
#include "app/check_files.h"
#include "app/commands.h"

static int parse(str path, str text, struct buf *ret_found, struct faults *faults)
{
    CLEANUP(am_config_freep) struct am_config *config = NULL;
    int r = am_config_parse(path, text, &config, faults);

    for (size_t i = 0; r >= 0 && i < config->unsupported.count; i++) {
        const struct baro_error *note = &config->unsupported.items[i];

        buf_printf(ret_found, "%.*s:%u:%u: warning: %s\n", STR_ARG(path), note->line, note->column,
                   note->message);
    }
    if (r >= 0) {
        buf_printf(ret_found,
                   "Found:\n - global config\n - route\n - %zu inhibit rules\n"
                   " - %zu receivers\n - %zu templates\n",
                   config->inhibit_rule_count, config->receiver_count, config->templates.count);
    }
    return r;
}

int command_check_am_config(int argc, char **argv)
{
    static const struct file_check check = {
        .usage = "check alertmanager-config FILE...",
        .summary = "Checks Alertmanager configuration files. Every fault is a line file:line:col: "
                   "message.\nExit status: 0 good, 1 faults, 2 wrong usage.\n\n"
                   "  barograph check alertmanager-config alertmanager.yml",
        .parse = parse,
    };

    return check_files(&check, argc, argv);
}
