#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cmd_tsdb.h"
#include "app/commands.h"
#include "base/mem.h"
#include "tsdb/block_cursor.h"

enum { BUCKETS = 10, CHUNK_SAMPLES = 120 };

static const char analyze_summary[] = "Tells what one block of a data directory is made of: the "
                                      "newest, or the one that is named. The "
                                      "lists are those of promtool.\n\n"
                                      "  barograph tsdb analyze data/ 01HF4X4Z4QJ7Z0000000000000";

static const struct flag analyze_flags[] = {
    {"limit", FLAG_INT, "20", FLAG_RUN, "how many of each list are printed"},
    {"extended", FLAG_BOOL, "false", FLAG_RUN, "also how full the chunks are"},
};
enum { FLAG_LIMIT, FLAG_EXTENDED };

/* A row of a list: a name, or a name and its value. */
struct counted {
    struct symbol_pair pair;
    bool has_value;
    uint64_t count;
};

/* What one series adds for a label pair of its. */
struct pair_use {
    struct symbol_pair pair;
    uint64_t uncovered; /* ms of the block that the series has nothing in */
};

struct analysis {
    const struct block *block;
    uint64_t *series_of_metric;    /* by symbol */
    uint64_t *uncovered_of_name;   /* by symbol */
    uint64_t *values_of_name;      /* by symbol */
    uint64_t *value_bytes_of_name; /* by symbol; of distinct values */
    VEC(struct pair_use) uses;
    VEC(struct counted) uncovered_of_pair, series_of_pair;
    uint64_t chunks, samples, bytes, series, pairs, names;
    uint64_t fullness[BUCKETS];
};

static int by_count(const void *a, const void *b)
{
    const struct counted *x = a, *y = b;

    if (x->count != y->count) {
        return x->count < y->count ? 1 : -1;
    }
    if (x->pair.name != y->pair.name) {
        return x->pair.name < y->pair.name ? -1 : 1;
    }
    return (x->pair.value > y->pair.value) - (x->pair.value < y->pair.value);
}

static void print_rows(const struct analysis *analysis, const char *title, struct counted *rows,
                       size_t count, size_t limit)
{
    if (count > 1) {
        qsort(rows, count, sizeof(*rows), by_count);
    }
    (void)printf("\n%s\n", title);
    for (size_t i = 0; i < count && i < limit; i++) {
        str name = STR_NULL, value = STR_NULL;

        (void)block_symbol(analysis->block, rows[i].pair.name, &name);
        (void)block_symbol(analysis->block, rows[i].pair.value, &value);
        (void)printf("%" PRIu64 " %.*s%s%.*s\n", rows[i].count, STR_ARG(name),
                     rows[i].has_value ? "=" : "", rows[i].has_value ? (int)value.len : 0,
                     value.ptr != NULL ? value.ptr : "");
    }
}

/* Of the symbols that are in use, also those whose count is 0. */
static void print_symbols(const struct analysis *analysis, const char *title,
                          const uint64_t *counts, const uint64_t *in_use, size_t limit)
{
    uint32_t symbols = block_symbol_count(analysis->block);
    struct counted *rows = mem_alloc((symbols + 1u) * sizeof(*rows));
    size_t count = 0;

    for (uint32_t i = 0; i < symbols; i++) {
        if (in_use[i] > 0) {
            rows[count++] = (struct counted){.pair = {i, i}, .count = counts[i]};
        }
    }
    print_rows(analysis, title, rows, count, limit);
    (void)mem_free(rows);
}

static int by_pair(const void *a, const void *b)
{
    const struct pair_use *x = a, *y = b;

    if (x->pair.name != y->pair.name) {
        return x->pair.name < y->pair.name ? -1 : 1;
    }
    return (x->pair.value > y->pair.value) - (x->pair.value < y->pair.value);
}

static uint64_t length_of(const struct block *block)
{
    return (uint64_t)(block_meta(block)->maxt - block_meta(block)->mint);
}

/* Sums up what the series have noted, pair by pair. */
static void sum_pairs(struct analysis *analysis)
{
    double length = (double)length_of(analysis->block);

    if (analysis->uses.count > 1) {
        qsort(analysis->uses.items, analysis->uses.count, sizeof(analysis->uses.items[0]), by_pair);
    }
    for (size_t first = 0, end; first < analysis->uses.count; first = end) {
        struct symbol_pair pair = analysis->uses.items[first].pair;
        uint64_t uncovered = 0;
        str value = STR_NULL;

        for (end = first; end < analysis->uses.count &&
                          by_pair(&analysis->uses.items[first], &analysis->uses.items[end]) == 0;
             end++) {
            uncovered += analysis->uses.items[end].uncovered;
        }
        vec_push(&analysis->series_of_pair, ((struct counted){pair, true, end - first}));
        vec_push(&analysis->uncovered_of_pair,
                 ((struct counted){pair, true, (uint64_t)((double)uncovered / length)}));
        (void)block_symbol(analysis->block, pair.value, &value);
        analysis->names += analysis->values_of_name[pair.name]++ == 0;
        analysis->value_bytes_of_name[pair.name] += value.len;
    }
    for (uint32_t i = 0; i < block_symbol_count(analysis->block); i++) {
        analysis->uncovered_of_name[i] =
            (uint64_t)((double)analysis->uncovered_of_name[i] / length);
    }
}

static void gather_labels(struct analysis *analysis, const struct block_cursor *cursor)
{
    const struct chunk_meta *chunks = cursor->chunks.items;
    size_t count = cursor->chunks.count;
    uint64_t covered = count > 0 ? (uint64_t)(chunks[count - 1].maxt - chunks[0].mint) : 0;
    uint64_t uncovered = length_of(analysis->block) - covered;

    for (size_t i = 0; i < cursor->labels.count; i++) {
        struct symbol_pair label = cursor->labels.items[i];
        str name = STR_NULL;

        analysis->pairs++;
        analysis->uncovered_of_name[label.name] += uncovered;
        vec_push(&analysis->uses, ((struct pair_use){label, uncovered}));
        if (block_symbol(analysis->block, label.name, &name) && str_is(name, "__name__")) {
            analysis->series_of_metric[label.value]++;
        }
    }
}

static int gather_chunks(struct analysis *analysis, const struct block_cursor *cursor,
                         struct baro_error *err)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < cursor->chunks.count; i++) {
        uint8_t encoding = 0;
        uint32_t samples = 0, bucket;
        str data = STR_NULL;

        r = block_chunk(analysis->block, &cursor->chunks.items[i], &encoding, &data, &samples, err);
        bucket = samples * BUCKETS / CHUNK_SAMPLES;
        analysis->fullness[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
        analysis->chunks++;
        analysis->samples += samples;
        analysis->bytes += data.len;
    }
    return r;
}

static int gather(struct analysis *analysis, struct baro_error *err)
{
    struct block_cursor cursor;
    int r = block_cursor_open(&cursor, analysis->block, err);

    while (r >= 0 && (r = block_cursor_next(&cursor, err)) > 0) {
        analysis->series++;
        gather_labels(analysis, &cursor);
        r = gather_chunks(analysis, &cursor, err);
    }
    block_cursor_done(&cursor);
    sum_pairs(analysis);
    return r;
}

static void print_fullness(const struct analysis *analysis)
{
    (void)printf("\nCompaction analysis:\nFullness: Amount of samples in chunks (100%% is %d "
                 "samples)\n",
                 (int)CHUNK_SAMPLES);
    for (int i = 0; i < BUCKETS; i++) {
        uint64_t percent =
            analysis->chunks == 0 ? 0 : 100 * analysis->fullness[i] / analysis->chunks;

        (void)printf("%7d%%: ", (i + 1) * 10);
        for (uint64_t k = 0; k < percent; k++) {
            (void)putchar('#');
        }
        (void)putchar('\n');
    }
}

static void print_all(struct analysis *analysis, const struct flags *flags)
{
    const struct block_meta *meta = block_meta(analysis->block);
    size_t limit = (size_t)flags_int(flags, FLAG_LIMIT);
    struct arena arena = {0};

    (void)printf("Block ID: %s\nDuration: %.*s\nSeries: %" PRIu64 "\nLabel names: %" PRIu64
                 "\nPostings (unique label pairs): %zu\nPostings entries (total label pairs): "
                 "%" PRIu64 "\nChunks: %" PRIu64 "\nSamples: %" PRIu64 "\nBytes per sample: %.3f\n",
                 meta->ulid, STR_ARG(tsdb_go_duration(&arena, meta->maxt - meta->mint)),
                 analysis->series, analysis->names, analysis->series_of_pair.count, analysis->pairs,
                 analysis->chunks, analysis->samples,
                 analysis->samples == 0 ? 0 : (double)analysis->bytes / (double)analysis->samples);
    print_rows(analysis,
               "Label pairs most involved in churning:", analysis->uncovered_of_pair.items,
               analysis->uncovered_of_pair.count, limit);
    print_symbols(analysis, "Label names most involved in churning:", analysis->uncovered_of_name,
                  analysis->values_of_name, limit);
    print_rows(analysis, "Most common label pairs:", analysis->series_of_pair.items,
               analysis->series_of_pair.count, limit);
    print_symbols(analysis, "Label names with highest cumulative label value length:",
                  analysis->value_bytes_of_name, analysis->values_of_name, limit);
    print_symbols(analysis, "Highest cardinality labels:", analysis->values_of_name,
                  analysis->values_of_name, limit);
    print_symbols(analysis, "Highest cardinality metric names:", analysis->series_of_metric,
                  analysis->series_of_metric, limit);
    if (flags_bool(flags, FLAG_EXTENDED)) {
        print_fullness(analysis);
    }
    arena_done(&arena);
}

static int analyze(const struct block *block, const struct flags *flags, struct baro_error *err)
{
    size_t room = (block_symbol_count(block) + 1u) * sizeof(uint64_t);
    struct analysis analysis = {.block = block,
                                .series_of_metric = mem_alloc_zero(room),
                                .uncovered_of_name = mem_alloc_zero(room),
                                .values_of_name = mem_alloc_zero(room),
                                .value_bytes_of_name = mem_alloc_zero(room)};
    int r = gather(&analysis, err);

    if (r >= 0) {
        print_all(&analysis, flags);
    }
    (void)mem_free(analysis.series_of_metric);
    (void)mem_free(analysis.uncovered_of_name);
    (void)mem_free(analysis.values_of_name);
    (void)mem_free(analysis.value_bytes_of_name);
    vec_done(&analysis.uses);
    vec_done(&analysis.uncovered_of_pair);
    vec_done(&analysis.series_of_pair);
    return r;
}

int command_tsdb_analyze(int argc, char **argv)
{
    static struct flags flags;
    struct tsdb_opened opened = {0};
    struct baro_error err = {0};
    const struct block *chosen = NULL;
    int status =
        tsdb_command_begin(&flags, analyze_flags, ARRAY_COUNT(analyze_flags),
                           "tsdb analyze [flags] DIR [BLOCK]", analyze_summary, argc, argv);

    if (status >= 0) {
        return status;
    }
    if (tsdb_open_blocks(flags.args[0], &opened, &err) < 0) {
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
        status = flags_int(&flags, FLAG_LIMIT) < 0   ? 2
                 : analyze(chosen, &flags, &err) < 0 ? tsdb_command_fail(&err)
                                                     : 0;
    }
    tsdb_close_blocks(&opened);
    return status;
}
