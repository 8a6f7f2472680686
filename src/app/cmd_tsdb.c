#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cmd_tsdb.h"
#include "app/commands.h"
#include "base/mem.h"
#include "base/vec.h"
#include "sys/fs.h"
#include "tsdb/block_cursor.h"

enum { TOP_DEFAULT = 20, COLUMN_WIDTH_MIN = 13, COLUMN_GAP = 2, COLUMNS = 8 };

static const char list_summary[] = "Lists the blocks of a data directory as promtool tsdb list "
                                   "does. Nothing is changed or locked.\n\n"
                                   "  barograph tsdb list data/";
static const char analyze_summary[] =
    "Tells what one block of a data directory is made of: the newest, or the one that is named.\n\n"
    "  barograph tsdb analyze data/ 01HF4X4Z4QJ7Z0000000000000";

static const struct flag analyze_flags[] = {
    {"limit", FLAG_INT, "20", FLAG_RUN, "how many of each list are printed"},
};

int tsdb_command_begin(struct flags *flags, const struct flag *rows, size_t row_count,
                       const char *usage, const char *summary, int argc, char **argv)
{
    struct baro_error err = {0};
    struct buf out = {0};

    if (flags_parse(flags, rows, row_count, argc, argv, &err) < 0) {
        return tsdb_command_fail(&err);
    }
    if (!flags->help && flags->arg_count >= 1) {
        return -1;
    }
    flags_help(&out, usage, summary, rows, row_count);
    (void)fwrite(out.ptr, 1, out.len, flags->help ? stdout : stderr);
    buf_done(&out);
    return flags->help ? 0 : 2;
}

int tsdb_command_fail(const struct baro_error *err)
{
    (void)fprintf(stderr, "barograph: %s\n", err->message);
    return error_exit_status(err->code);
}

/* The blocks of a directory by time; those that cannot be opened are told of and counted. */
struct opened {
    VEC(struct block *) blocks;
    size_t damaged;
};

static int by_time(const void *a, const void *b)
{
    const struct block_meta *x = block_meta(*(struct block *const *)a);
    const struct block_meta *y = block_meta(*(struct block *const *)b);

    return x->mint != y->mint ? (x->mint > y->mint) - (x->mint < y->mint)
                              : strcmp(x->ulid, y->ulid);
}

static int open_all(str dir, struct opened *ret, struct baro_error *err)
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

static void close_all(struct opened *opened)
{
    for (size_t i = 0; i < opened->blocks.count; i++) {
        (void)block_unref(opened->blocks.items[i]);
    }
    vec_done(&opened->blocks);
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
static str go_duration(struct arena *arena, dur d)
{
    struct buf text = {0};
    str ret;
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
    ret = arena_str(arena, buf_view(&text));
    buf_done(&text);
    return ret;
}

static void list_row(struct arena *arena, const struct block *block, str *ret)
{
    const struct block_meta *meta = block_meta(block);
    uint64_t bytes =
        block_bytes(block) + file_bytes(block, "meta.json") + file_bytes(block, "tombstones");

    ret[0] = arena_printf(arena, "%s", meta->ulid);
    ret[1] = arena_printf(arena, "%" PRId64, meta->mint);
    ret[2] = arena_printf(arena, "%" PRId64, meta->maxt);
    ret[3] = go_duration(arena, meta->maxt - meta->mint);
    ret[4] = arena_printf(arena, "%" PRIu64, meta->sample_count);
    ret[5] = arena_printf(arena, "%" PRIu64, meta->chunk_count);
    ret[6] = arena_printf(arena, "%" PRIu64, meta->series_count);
    ret[7] = arena_printf(arena, "%" PRIu64, bytes);
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

int command_tsdb_list(int argc, char **argv)
{
    static const char *const titles[COLUMNS] = {
        "BLOCK ULID",  "MIN TIME",   "MAX TIME",   "DURATION",
        "NUM SAMPLES", "NUM CHUNKS", "NUM SERIES", "SIZE",
    };
    static struct flags flags;
    struct opened opened = {0};
    struct baro_error err = {0};
    struct arena arena = {0};
    str *cells;
    int status = tsdb_command_begin(&flags, NULL, 0, "tsdb list DIR", list_summary, argc, argv);

    if (status >= 0) {
        return status;
    }
    status = open_all(flags.args[0], &opened, &err) < 0 ? tsdb_command_fail(&err) : 0;
    if (status == 0) {
        cells = ARENA_ARRAY(&arena, str, (opened.blocks.count + 1) * COLUMNS);
        for (size_t i = 0; i < COLUMNS; i++) {
            cells[i] = str_from(titles[i]);
        }
        for (size_t i = 0; i < opened.blocks.count; i++) {
            list_row(&arena, opened.blocks.items[i], &cells[(i + 1) * COLUMNS]);
        }
        print_table(cells, opened.blocks.count + 1);
    }
    status = status == 0 && opened.damaged > 0 ? 1 : status;
    close_all(&opened);
    arena_done(&arena);
    return status;
}

/* ---- analyze ---- */

struct counted {
    uint32_t symbol;
    uint64_t count;
};

/* By symbol: how many series have it as a name, and how many values a name has. */
struct analysis {
    const struct block *block;
    uint64_t *series_of_name;
    uint64_t *values_of_name;
    uint64_t *series_of_metric;
    uint64_t chunks;
    uint64_t samples;
    uint64_t bytes;
    uint64_t series;
    uint64_t pairs; /* label pairs of all series */
};

static int by_count(const void *a, const void *b)
{
    const struct counted *x = a, *y = b;

    if (x->count != y->count) {
        return x->count < y->count ? 1 : -1;
    }
    return (x->symbol > y->symbol) - (x->symbol < y->symbol);
}

static void print_top(const struct analysis *analysis, const char *title, const uint64_t *counts,
                      size_t limit)
{
    uint32_t symbols = block_symbol_count(analysis->block);
    struct counted *order = mem_alloc((symbols + 1u) * sizeof(*order));
    size_t count = 0;

    for (uint32_t i = 0; i < symbols; i++) {
        if (counts[i] > 0) {
            order[count++] = (struct counted){i, counts[i]};
        }
    }
    if (count > 1) {
        qsort(order, count, sizeof(*order), by_count);
    }
    (void)printf("\n%s\n", title);
    for (size_t i = 0; i < count && i < limit; i++) {
        str text = STR_NULL;

        (void)block_symbol(analysis->block, order[i].symbol, &text);
        (void)printf("%" PRIu64 " %.*s\n", order[i].count, STR_ARG(text));
    }
    (void)mem_free(order);
}

static int by_pair(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static int gather(struct analysis *analysis, struct baro_error *err)
{
    struct block_cursor cursor;
    VEC(uint64_t) pairs = {0};
    int r = block_cursor_open(&cursor, analysis->block, err);

    while (r >= 0 && (r = block_cursor_next(&cursor, err)) > 0) {
        analysis->series++;
        for (size_t i = 0; i < cursor.labels.count; i++) {
            struct symbol_pair label = cursor.labels.items[i];
            str name = STR_NULL;

            analysis->series_of_name[label.name]++;
            analysis->pairs++;
            vec_push(&pairs, (uint64_t)label.name << 32 | label.value);
            if (block_symbol(analysis->block, label.name, &name) && str_is(name, "__name__")) {
                analysis->series_of_metric[label.value]++;
            }
        }
        for (size_t i = 0; r >= 0 && i < cursor.chunks.count; i++) {
            uint8_t encoding = 0;
            uint32_t samples = 0;
            str data = STR_NULL;

            r = block_chunk(analysis->block, &cursor.chunks.items[i], &encoding, &data, &samples,
                            err);
            analysis->chunks++;
            analysis->samples += samples;
            analysis->bytes += data.len;
        }
    }
    block_cursor_done(&cursor);
    if (pairs.count > 1) {
        qsort(pairs.items, pairs.count, sizeof(pairs.items[0]), by_pair);
    }
    for (size_t i = 0; i < pairs.count; i++) {
        analysis->values_of_name[pairs.items[i] >> 32] +=
            i == 0 || pairs.items[i] != pairs.items[i - 1];
    }
    vec_done(&pairs);
    return r;
}

static int analyze(const struct block *block, size_t limit, struct baro_error *err)
{
    const struct block_meta *meta = block_meta(block);
    size_t room = (block_symbol_count(block) + 1u) * sizeof(uint64_t);
    struct analysis analysis = {.block = block,
                                .series_of_name = mem_alloc_zero(room),
                                .values_of_name = mem_alloc_zero(room),
                                .series_of_metric = mem_alloc_zero(room)};
    struct arena arena = {0};
    int r = gather(&analysis, err);

    if (r >= 0) {
        (void)printf("Block ID: %s\nDuration: %.*s\nTotal Series: %" PRIu64
                     "\nPostings entries (total label pairs): %" PRIu64 "\nChunks: %" PRIu64
                     "\nSamples: %" PRIu64 "\nBytes per sample: %.3f\n",
                     meta->ulid, STR_ARG(go_duration(&arena, meta->maxt - meta->mint)),
                     analysis.series, analysis.pairs, analysis.chunks, analysis.samples,
                     analysis.samples == 0 ? 0 : (double)analysis.bytes / (double)analysis.samples);
        print_top(&analysis, "Most common label names:", analysis.series_of_name, limit);
        print_top(&analysis, "Highest cardinality labels:", analysis.values_of_name, limit);
        print_top(&analysis, "Highest cardinality metric names:", analysis.series_of_metric, limit);
    }
    arena_done(&arena);
    (void)mem_free(analysis.series_of_name);
    (void)mem_free(analysis.values_of_name);
    (void)mem_free(analysis.series_of_metric);
    return r;
}

int command_tsdb_analyze(int argc, char **argv)
{
    static struct flags flags;
    struct opened opened = {0};
    struct baro_error err = {0};
    const struct block *chosen = NULL;
    int64_t limit;
    int status = tsdb_command_begin(&flags, analyze_flags, ARRAY_COUNT(analyze_flags),
                                    "tsdb analyze DIR [BLOCK]", analyze_summary, argc, argv);

    if (status >= 0) {
        return status;
    }
    limit = flags_int(&flags, 0);
    if (open_all(flags.args[0], &opened, &err) < 0) {
        return tsdb_command_fail(&err);
    }
    for (size_t i = 0; i < opened.blocks.count; i++) {
        const struct block *block = opened.blocks.items[i];

        if (flags.arg_count < 2 || str_is(flags.args[1], block_meta(block)->ulid)) {
            chosen = block;
        }
    }
    if (chosen == NULL) {
        (void)error_set(&err, BARO_ENOTFOUND,
                        "%.*s: no such block: barograph tsdb list tells which are there",
                        STR_ARG(flags.args[flags.arg_count < 2 ? 0 : 1]));
        status = tsdb_command_fail(&err);
    } else {
        status = analyze(chosen, limit > 0 ? (size_t)limit : TOP_DEFAULT, &err) < 0
                     ? tsdb_command_fail(&err)
                     : 0;
    }
    close_all(&opened);
    return status;
}
