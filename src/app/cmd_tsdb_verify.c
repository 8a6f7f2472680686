#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/cmd_tsdb.h"
#include "app/commands.h"
#include "base/arena.h"
#include "tsdb/dir_verify.h"

enum { BAR_CHARS = 30, BAR_STEP_BYTES = 1 << 20 };

static const char summary[] =
    "Reads every byte of a data directory: blocks, the write-ahead log with its checkpoint, the "
    "out-of-order log, what the head keeps for a\nquick start. Prints a line for each block and "
    "file.\n"
    "With --repair (no server may have the directory) what is damaged is set aside in damaged/, "
    "and "
    "what is good of it serves on: a block\nis made anew of the series and chunks whose checksums "
    "hold, a segment of the log of its good records.\n"
    "Exit status: 0 all is good, or was repaired; 1 something is damaged; 2 wrong usage.\n\n"
    "  barograph tsdb verify data/\n"
    "  barograph tsdb verify --repair data/";

static const struct flag verify_flags[] = {
    {"repair", FLAG_BOOL, "false", FLAG_RUN, "set aside what is damaged, and save what is good"},
};

enum { FLAG_REPAIR };

struct bar {
    bool is_drawn; /* standard error is a terminal */
    uint64_t drawn_at;
};

static void draw(void *context, const char *name, uint64_t done, uint64_t all)
{
    struct bar *bar = context;
    int filled = all == 0 ? 0 : (int)(done * BAR_CHARS / all);

    if (!bar->is_drawn || done < bar->drawn_at + BAR_STEP_BYTES) {
        return;
    }
    bar->drawn_at = done;
    filled = filled > BAR_CHARS ? BAR_CHARS : filled;
    (void)fprintf(stderr, "\r[%.*s%*s] %3d%% %.40s\033[K", filled, "##############################",
                  BAR_CHARS - filled, "",
                  all == 0     ? 100
                  : done > all ? 100
                               : (int)(done * 100 / all),
                  name);
}

static void print_part(void *context, const struct dir_part *part)
{
    static const char *const words[] = {
        [DIR_PART_GOOD] = "good",         [DIR_PART_NOTED] = "good", [DIR_PART_DAMAGED] = "DAMAGED",
        [DIR_PART_REPAIRED] = "repaired", [DIR_PART_LOST] = "LOST",
    };
    struct bar *bar = context;

    if (bar->is_drawn) {
        (void)fprintf(stderr, "\r\033[K");
    }
    (void)printf("%s: %s: %s\n", part->name, words[part->state], part->text);
}

int command_tsdb_verify(int argc, char **argv)
{
    static struct flags flags;
    struct bar bar = {.is_drawn = isatty(STDERR_FILENO) != 0};
    struct dir_verify_job job = {.progress = draw, .part = print_part, .context = &bar};
    struct dir_verdict verdict = {0};
    struct baro_error err = {0};
    struct arena arena = {0};
    int r, status = tsdb_command_begin(&flags, verify_flags, 1, "tsdb verify [flags] DIR", summary,
                                       argc, argv);

    if (status >= 0) {
        return status;
    }
    job.path = arena_str(&arena, flags.args[0]).ptr;
    job.must_repair = flags_bool(&flags, FLAG_REPAIR);
    r = dir_verify_run(&job, &verdict, &err);
    arena_done(&arena);
    if (r < 0) {
        return tsdb_command_fail(&err);
    }
    if (verdict.bad > 0) {
        (void)printf("%llu of %llu parts are damaged%s\n",
                     (unsigned long long)(job.must_repair ? verdict.left : verdict.bad),
                     (unsigned long long)verdict.parts,
                     job.must_repair ? " after the repair" : ": tsdb verify --repair mends them");
    }
    (void)printf("%llu of %llu blocks are good\n",
                 (unsigned long long)(verdict.blocks - verdict.blocks_bad),
                 (unsigned long long)verdict.blocks);
    return verdict.left > 0 ? 1 : 0;
}
