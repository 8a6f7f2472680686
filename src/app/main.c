#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "app/commands.h"
#include "app/version.h"
#include "base/attr.h"
#include "base/str.h"

/* jemalloc's settings: what a large query has freed goes back to the kernel within seconds, even
 * when nothing runs any more. */
extern const char *malloc_conf;
const char *malloc_conf = "background_thread:true,max_background_threads:1,dirty_decay_ms:2000";

static const struct {
    const char *words;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
#define COMMAND(words, function, help) {words, function, help},
#include "app/commands.def"
#undef COMMAND
};

/* The commands that begin with these words; all without. */
static void print_commands(FILE *out, str words)
{
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        if (str_has_prefix(str_from(commands[i].words), words)) {
            (void)fprintf(out, "  %-35s %s\n", commands[i].words, commands[i].help);
        }
    }
}

static void print_help(FILE *out)
{
    (void)fprintf(
        out, "barograph: a monitoring stack in one program\n\n"
             "usage: barograph COMMAND [FLAGS] [ARGUMENTS]\n"
             "       barograph [FLAGS]                 the same as: barograph serve [FLAGS]\n\n");
    print_commands(out, STR(""));
    (void)fprintf(out, "  %-35s %s\n\n", "version", "program version");
    (void)fprintf(out, "barograph help COMMAND, or COMMAND --help, tells more and gives an "
                       "example.\nExit status: 0 "
                       "good, 1 refused or failed, 2 wrong usage, 3 lint findings.\n");
}

/* How many of argv's words the command's words take up, 0 when they differ. */
static int match_words(const char *words, int argc, char **argv)
{
    str rest = str_from(words);
    int count = 0;

    for (str word; str_split_next(&rest, ' ', &word); count++) {
        if (count >= argc || !str_is(word, argv[count])) {
            return 0;
        }
    }
    return count;
}

/* The commands of a group ("check"), or all. Wanted: `help check`, `check --help`. */
static int print_group(int argc, char **argv, bool is_wanted)
{
    char words[64];
    bool has_more = false;

    (void)snprintf(words, sizeof(words), "%s ", argv[0]);
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        has_more |= str_has_prefix(str_from(commands[i].words), str_from(words));
    }
    is_wanted = is_wanted && has_more && argc == 1;
    if (!is_wanted) {
        (void)fprintf(stderr, "barograph: no such command: %s %s\n\n", argv[0],
                      argc > 1 ? argv[1] : "");
    }
    if (has_more) {
        print_commands(is_wanted ? stdout : stderr, str_from(words));
    } else {
        print_help(stderr);
    }
    return is_wanted ? 0 : 2;
}

static int run_command(int argc, char **argv)
{
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        int taken = match_words(commands[i].words, argc, argv);

        if (taken > 0) {
            return commands[i].run(argc - taken, argv + taken);
        }
    }
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        return print_group(1, argv, true);
    }
    return print_group(argc, argv, false);
}

/* `help check config` is `check config --help`. */
static int run_help(int argc, char **argv)
{
    static char wanted[] = "--help";
    char *help[] = {wanted, NULL};

    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        int taken = match_words(commands[i].words, argc, argv);

        if (taken > 0 && taken == argc) {
            return commands[i].run(1, help);
        }
    }
    if (argc > 0) {
        return print_group(argc, argv, true);
    }
    print_help(stdout);
    return 0;
}

int main(int argc, char **argv)
{
    /* A reader that goes away is an error of write(2), not a reason to die. */
    (void)signal(SIGPIPE, SIG_IGN);
    argc--;
    argv++;
    if (argc > 0 && (strcmp(argv[0], "--version") == 0 || strcmp(argv[0], "version") == 0)) {
        version_print();
        return 0;
    }
    if (argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0 ||
                     strcmp(argv[0], "help") == 0)) {
        return run_help(argc - 1, argv + 1);
    }
    if (argc == 0 || argv[0][0] == '-') {
        return command_serve(argc, argv);
    }
    return run_command(argc, argv);
}
