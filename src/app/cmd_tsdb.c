#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/cmd_tsdb.h"
#include "app/commands.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/vec.h"
#include "sys/fs.h"

enum { TOP_DEFAULT = 20, COLUMN_WIDTH_MIN = 13, COLUMN_GAP = 2, COLUMNS = 8 };

static const char list_summary[] = "Lists the blocks of a data directory as promtool tsdb list "
                                   "does. Nothing is changed or locked.\n\n"
                                   "  barograph tsdb list data/";
static const struct flag list_flags[] = {
    {"human-readable", FLAG_BOOL, "false", FLAG_RUN,
     "times and sizes as people read them; also -r"},
};

/* promtool's short flags. */
static void expand_short(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "-r") == 0) {
            argv[i] = (char *)(uintptr_t) "--human-readable";
        } else if (strcmp(argv[i], "-q") == 0) {
            argv[i] = (char *)(uintptr_t) "--quiet";
        }
    }
}

int tsdb_command_begin(struct flags *flags, const struct flag *rows, size_t row_count,
                       const char *usage, const char *summary, int argc, char **argv)
{
    struct baro_error err = {0};

    expand_short(argc, argv);
    if (flags_parse(flags, rows, row_count, argc, argv, &err) < 0) {
        return tsdb_command_fail(&err);
    }
    if (!flags->help && flags->arg_count >= 1) {
        return -1;
    }
    return flags_usage(flags, usage, summary);
}

int tsdb_command_fail(const struct baro_error *err)
{
    (void)fprintf(stderr, "barograph: %s\n", err->message);
    return error_exit_status(err->code);
}

static int by_time(const void *a, const void *b)
{
    const struct block_meta *x = block_meta(*(struct block *const *)a);
    const struct block_meta *y = block_meta(*(struct block *const *)b);

    return x->mint != y->mint ? (x->mint > y->mint) - (x->mint < y->mint)
                              : strcmp(x->ulid, y->ulid);
}

int tsdb_open_blocks(str dir, struct tsdb_opened *ret, struct baro_error *err)
{
    const struct fs *fs = fs_real();
    struct fs_entry *entries = NULL;
    struct arena arena = {0};
    const char *path = arena_str(&arena, dir).ptr;
    size_t count = 0;
    int r = fs->list(fs, &arena, path, &entries, &count, err);

    for (size_t i = 0; r >= 0 && i < count; i++) {
        struct baro_error why = {0};
        struct block *block = NULL;

        if (!entries[i].is_dir || !ulid_is_valid(entries[i].name)) {
            continue;
        }
        if (block_open(NULL, fs_path(&arena, path, entries[i].name.ptr), &block, &why) < 0) {
            (void)fprintf(stderr, "barograph: %s\n", why.message);
            ret->damaged++;
            continue;
        }
        vec_push(&ret->blocks, block);
    }
    if (ret->blocks.count > 1) {
        qsort(ret->blocks.items, ret->blocks.count, sizeof(ret->blocks.items[0]), by_time);
    }
    arena_done(&arena);
    return r < 0 ? r : 0;
}

void tsdb_close_blocks(struct tsdb_opened *opened)
{
    for (size_t i = 0; i < opened->blocks.count; i++) {
        (void)block_unref(opened->blocks.items[i]);
    }
    vec_done(&opened->blocks);
}

void tsdb_draw_progress(uint64_t done, uint64_t total)
{
    int percent = (int)((double)done * 100 / (double)total);

    if (isatty(STDERR_FILENO) != 0) {
        (void)fprintf(stderr, "\r[%.*s%*s] %3d%%\033[K", percent / 4, "#########################",
                      25 - percent / 4, "", percent);
    }
}

void tsdb_end_progress(void)
{
    if (isatty(STDERR_FILENO) != 0) {
        (void)fprintf(stderr, "\r\033[K");
    }
}

/* ---- list ---- */

static uint64_t file_bytes(const struct block *block, const char *name)
{
    const struct fs *fs = fs_real();
    struct arena arena = {0};
    fs_file file = FS_FILE_NONE;
    uint64_t bytes = 0;

    if (fs->open(fs, fs_path(&arena, block_directory(block), name), FS_READ, &file, NULL) >= 0) {
        (void)fs->size(fs, file, &bytes, NULL);
        (void)fs->close(fs, file, NULL);
    }
    arena_done(&arena);
    return bytes;
}

/* As Go prints a duration: 1h59m59.985s, 20s, 0s. */
str tsdb_go_duration(struct arena *arena, dur d)
{
    struct buf text = {0};
    dur hours = d / DUR_HOUR, minutes = d % DUR_HOUR / DUR_MINUTE, ms = d % DUR_MINUTE;

    if (hours > 0) {
        buf_printf(&text, "%" PRId64 "h", hours);
    }
    if (d >= DUR_MINUTE) {
        buf_printf(&text, "%" PRId64 "m", minutes);
    }
    if (d > 0 && d < DUR_SECOND) {
        buf_printf(&text, "%" PRId64 "ms", ms);
    } else {
        buf_printf(&text, "%" PRId64, ms / DUR_SECOND);
        if (ms % DUR_SECOND != 0) {
            buf_printf(&text, ".%03" PRId64, ms % DUR_SECOND);
            while (text.ptr[text.len - 1] == '0') {
                text.len--;
            }
        }
        buf_char(&text, 's');
    }
    return text_take(arena, &text);
}

/* As Go prints a time of whole seconds, and as promtool prints bytes: 8KiB699B. */
static str human_time(struct arena *arena, ts t)
{
    time_t seconds = (time_t)(t / 1000);
    struct tm parts;

    (void)gmtime_r(&seconds, &parts);
    return arena_printf(arena, "%04d-%02d-%02d %02d:%02d:%02d +0000 UTC", parts.tm_year + 1900,
                        parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

static str human_bytes(struct arena *arena, uint64_t bytes)
{
    static const char *const units[] = {"EiB", "PiB", "TiB", "GiB", "MiB", "KiB", "B"};
    struct buf text = {0};

    for (int i = 0; i < 7; i++) {
        int shift = (6 - i) * 10;
        uint64_t count = bytes >> shift;

        if (count > 0 || (i == 6 && text.len == 0)) {
            buf_printf(&text, "%" PRIu64 "%s", count, units[i]);
        }
        bytes -= count << shift;
    }
    return text_take(arena, &text);
}

static void list_row(struct arena *arena, const struct block *block, bool is_human, str *ret)
{
    const struct block_meta *meta = block_meta(block);
    uint64_t bytes =
        block_bytes(block) + file_bytes(block, "meta.json") + file_bytes(block, "tombstones");

    ret[0] = arena_printf(arena, "%s", meta->ulid);
    ret[1] = is_human ? human_time(arena, meta->mint) : arena_printf(arena, "%" PRId64, meta->mint);
    ret[2] = is_human ? human_time(arena, meta->maxt) : arena_printf(arena, "%" PRId64, meta->maxt);
    ret[3] = tsdb_go_duration(arena, meta->maxt - meta->mint);
    ret[4] = arena_printf(arena, "%" PRIu64, meta->sample_count);
    ret[5] = arena_printf(arena, "%" PRIu64, meta->chunk_count);
    ret[6] = arena_printf(arena, "%" PRIu64, meta->series_count);
    ret[7] = is_human ? human_bytes(arena, bytes) : arena_printf(arena, "%" PRIu64, bytes);
}

static void print_table(const str *cells, size_t rows)
{
    for (size_t row = 0; row < rows; row++) {
        for (size_t column = 0; column < COLUMNS; column++) {
            size_t width = COLUMN_WIDTH_MIN - COLUMN_GAP;

            for (size_t i = 0; i < rows; i++) {
                size_t len = cells[i * COLUMNS + column].len;

                width = len > width ? len : width;
            }
            if (column + 1 == COLUMNS) {
                (void)printf("%.*s\n", STR_ARG(cells[row * COLUMNS + column]));
            } else {
                (void)printf("%-*.*s", (int)(width + COLUMN_GAP),
                             STR_ARG(cells[row * COLUMNS + column]));
            }
        }
    }
}

void tsdb_print_blocks(const struct tsdb_opened *opened, bool is_human)
{
    static const char *const titles[COLUMNS] = {
        "BLOCK ULID",  "MIN TIME",   "MAX TIME",   "DURATION",
        "NUM SAMPLES", "NUM CHUNKS", "NUM SERIES", "SIZE",
    };
    struct arena arena = {0};
    str *cells = ARENA_ARRAY(&arena, str, (opened->blocks.count + 1) * COLUMNS);

    for (size_t i = 0; i < COLUMNS; i++) {
        cells[i] = str_from(titles[i]);
    }
    for (size_t i = 0; i < opened->blocks.count; i++) {
        list_row(&arena, opened->blocks.items[i], is_human, &cells[(i + 1) * COLUMNS]);
    }
    print_table(cells, opened->blocks.count + 1);
    arena_done(&arena);
}

int command_tsdb_list(int argc, char **argv)
{
    static struct flags flags;
    struct tsdb_opened opened = {0};
    struct baro_error err = {0};
    int status = tsdb_command_begin(&flags, list_flags, 1, "tsdb list [flags] DIR", list_summary,
                                    argc, argv);

    if (status >= 0) {
        return status;
    }
    if (tsdb_open_blocks(flags.args[0], &opened, &err) < 0) {
        status = tsdb_command_fail(&err);
    } else {
        tsdb_print_blocks(&opened, flags_bool(&flags, 0));
        status = opened.damaged > 0 ? 1 : 0;
    }
    tsdb_close_blocks(&opened);
    return status;
}
