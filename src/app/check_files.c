#include "app/check_files.h"

#include <stdio.h>

#include "app/files.h"
#include "app/flags.h"

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

static bool check_file(const struct file_check *check, str path)
{
    static struct faults faults;
    struct baro_error err = {0};
    struct buf found = {0};
    struct buf text = {0};
    bool good;

    faults = (struct faults){0};
    (void)printf("Checking '%.*s'", STR_ARG(path));
    if (file_read(path.ptr, &text, &err) < 0) {
        (void)printf("  FAILED\n%s\n\n", err.message);
        buf_done(&text);
        return false;
    }
    good = check->parse(path, buf_view(&text), &found, &faults) >= 0;
    if (good) {
        (void)printf("  SUCCESS\n%.*s\n", STR_ARG(buf_view(&found)));
    } else {
        print_faults(&faults);
    }
    buf_done(&found);
    buf_done(&text);
    return good;
}

int check_files(const struct file_check *check, int argc, char **argv)
{
    static struct flags flags;
    struct baro_error err = {0};
    size_t failed = 0;

    if (flags_parse(&flags, NULL, 0, argc, argv, &err) < 0) {
        (void)fprintf(stderr, "barograph: %s\n", err.message);
        return 2;
    }
    if (flags.help || flags.arg_count == 0) {
        return flags_usage(&flags, check->usage, check->summary);
    }
    for (size_t i = 0; i < flags.arg_count; i++) {
        failed += !check_file(check, flags.args[i]);
    }
    return failed > 0 ? 1 : 0;
}
