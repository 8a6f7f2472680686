#include "app/check_files.h"
#include "app/commands.h"
#include "http/server_web.h"

static int parse(str path, str text, struct buf *ret_found, struct faults *faults)
{
    CLEANUP(server_web_unrefp) struct server_web *web = NULL;
    int r = server_web_load(path.ptr, &web, faults);

    (void)text; /* what it names is read with it, by the path */
    if (r >= 0) {
        buf_printf(ret_found, "%s, %s\n", server_web_has_tls(web) ? "TLS" : "no TLS",
                   server_web_has_users(web) ? "passwords" : "no passwords");
    }
    return r;
}

int command_check_web_config(int argc, char **argv)
{
    static const struct file_check check = {
        .usage = "check web-config FILE...",
        .summary =
            "Checks files of --web.config.file, and the certificates that they name. Every fault "
            "is a line\nfile:line:col: message.\nExit status: 0 good, 1 faults, 2 wrong usage.\n\n"
            "  barograph check web-config web.yml",
        .parse = parse,
    };

    return check_files(&check, argc, argv);
}
