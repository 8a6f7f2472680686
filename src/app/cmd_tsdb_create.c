#include <stdio.h>
#include <string.h>

#include "app/block_maker.h"
#include "app/cmd_tsdb.h"
#include "app/commands.h"
#include "base/mem.h"
#include "model/exposition.h"
#include "model/labels_builder.h"
#include "sys/fs.h"

enum {
    PIECE_BYTES = 16 << 10,
    PIECES_MAX = 1 << 16,
};

/* So that the end of a block has room. */
#define TIME_MAX (INT64_C(1) << 61)

static const char summary[] =
    "Makes blocks of the samples of an OpenMetrics text, a block for each two hours, as promtool "
    "does.\nSamples need times, and times must rise in each series. OUTPUT is data/ when it is not "
    "given.\n\n"
    "  barograph tsdb create-blocks-from openmetrics all.om data/";

static const struct flag rows[] = {
    {"block-duration", FLAG_DURATION, "2h", FLAG_RUN, "time of a block"},
    {"human-readable", FLAG_BOOL, "false", FLAG_RUN,
     "times and sizes as people read them; also -r"},
    {"label", FLAG_LIST, "", FLAG_RUN, "NAME=VALUE: a label of every series; repeatable"},
    {"quiet", FLAG_BOOL, "false", FLAG_RUN, "do not print the blocks that were made; also -q"},
};
enum { FLAG_RANGE, FLAG_HUMAN, FLAG_LABEL, FLAG_QUIET };

/* A stretch of the text, up to the next one: each block reads those alone that hold its times. */
struct piece {
    struct exposition begin;
    ts mint;
    ts maxt;
};

struct creation {
    str body;
    const struct flags *flags;
    struct block_maker maker;
    VEC(struct piece) pieces;
    struct labels_builder builder;
    struct arena arena;
    struct tsdb_opened made;
};

/* The next sample, which must have a time; or EXPOSITION_END. */
static int next_sample(struct exposition *parser, struct exposition_event *ret,
                       struct baro_error *err)
{
    int r;

    do {
        r = exposition_next(parser, ret, err);
    } while (r > EXPOSITION_END && r != EXPOSITION_SERIES);
    if (r == EXPOSITION_SERIES && !ret->has_timestamp) {
        uint32_t line = 0, column = 0;

        exposition_position(parser, ret->raw.ptr, &line, &column);
        return error_at_line(err, BARO_EINVALID, line, column,
                             "expected timestamp for series \"%.*s\", got none",
                             STR_ARG(str_slice(ret->raw, 0, 200)));
    }
    return r;
}

struct span {
    ts mint;
    ts maxt;
};

/* Checks each line of the text, and tells which times lie where. */
static int find_pieces(struct creation *creation, struct span *ret, struct baro_error *err)
{
    const size_t piece_bytes = creation->body.len / PIECES_MAX + PIECE_BYTES;
    struct exposition parser;
    struct exposition_event event;
    int r;

    *ret = (struct span){INT64_MAX, INT64_MIN};
    exposition_init(&parser, creation->body, EXPOSITION_OPENMETRICS);
    for (struct exposition before = parser;
         (r = next_sample(&parser, &event, err)) > EXPOSITION_END; before = parser) {
        struct piece *piece;

        if (creation->pieces.count == 0 ||
            (size_t)(before.at - vec_last(&creation->pieces)->begin.at) >= piece_bytes) {
            vec_push(&creation->pieces, (struct piece){before, event.t, event.t});
        }
        piece = vec_last(&creation->pieces);
        piece->mint = event.t < piece->mint ? event.t : piece->mint;
        piece->maxt = event.t > piece->maxt ? event.t : piece->maxt;
        ret->mint = piece->mint < ret->mint ? piece->mint : ret->mint;
        ret->maxt = piece->maxt > ret->maxt ? piece->maxt : ret->maxt;
    }
    return r;
}

/* The time of one block. */
struct filling {
    ts mint;
    ts maxt; /* exclusive */
    ts next; /* of the first sample behind */
};

static int refuse(struct exposition *parser, const struct exposition_event *event, const char *what,
                  struct baro_error *err)
{
    uint32_t line = 0, column = 0;

    exposition_position(parser, event->raw.ptr, &line, &column);
    return error_at_line(err, BARO_EOUTOFORDER, line, column, "%s", what);
}

/* The labels at hand and those of the flags. */
static struct labels with_labels(struct creation *creation)
{
    for (size_t i = 0; i < creation->flags->list_count; i++) {
        str pair = creation->flags->list[i];
        size_t equals = str_index_char(pair, '=');

        labels_builder_set(&creation->builder, str_slice(pair, 0, equals),
                           str_from_index(pair, equals + 1));
    }
    return labels_builder_finish(&creation->builder);
}

static int check_labels(const struct flags *flags, struct baro_error *err)
{
    for (size_t i = 0; i < flags->list_count; i++) {
        size_t equals = str_index_char(flags->list[i], '=');

        if (equals == 0 || equals == SIZE_MAX) {
            return error_set(err, BARO_EUSAGE, "--label: \"%.*s\": NAME=VALUE is wanted",
                             STR_ARG(flags->list[i]));
        }
    }
    return 0;
}

static int take_sample(struct creation *creation, struct filling *filling,
                       struct exposition *parser, const struct exposition_event *event,
                       struct baro_error *err)
{
    const struct sample sample = {.t = event->t, .v = event->value};
    enum append_status status = APPEND_OK;
    struct labels labels = {0};
    series_ref ref = 0;
    ts t = event->t;
    int r;

    if (t < filling->mint || t >= filling->maxt) {
        filling->next = t >= filling->maxt && t < filling->next ? t : filling->next;
        return 0;
    }
    r = exposition_series_labels(parser, event, &creation->builder, &creation->arena, &labels, err);
    if (r >= 0 && creation->flags->list_count > 0) {
        labels = with_labels(creation);
    }
    if (r >= 0) {
        r = block_maker_series(&creation->maker, labels, &ref, err);
    }
    if (r >= 0) {
        r = block_maker_add(&creation->maker, ref, &sample, &status, err);
    }
    arena_reset(&creation->arena);
    if (r < 0) {
        return r;
    }
    if (status != APPEND_OK) {
        return refuse(parser, event,
                      status == APPEND_DUPLICATE
                          ? "two samples of one series have the same time and other values"
                          : "the times of a series do not rise",
                      err);
    }
    return 0;
}

static int fill(struct creation *creation, struct filling *filling, struct baro_error *err)
{
    for (size_t i = 0; i < creation->pieces.count; i++) {
        const struct piece *piece = &creation->pieces.items[i];
        const char *end = i + 1 < creation->pieces.count ? piece[1].begin.at : NULL;
        struct exposition parser = piece->begin;
        struct exposition_event event;
        int r = EXPOSITION_SERIES;

        if (piece->mint >= filling->maxt && piece->mint < filling->next) {
            filling->next = piece->mint;
        }
        if (piece->mint >= filling->maxt || piece->maxt < filling->mint) {
            continue;
        }
        while (parser.at != end && (r = next_sample(&parser, &event, err)) > EXPOSITION_END) {
            r = take_sample(creation, filling, &parser, &event, err);
            if (r < 0) {
                return r;
            }
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* A block of the samples in [start, start + range), if there are any; *ret_next is the time of the
 * first one behind, or INT64_MAX. */
static int make_block(struct creation *creation, ts start, ts *ret_next, struct baro_error *err)
{
    struct filling filling = {
        .mint = start, .maxt = start + creation->maker.range, .next = INT64_MAX};
    char ulid[ULID_CHARS + 1] = "";
    int r;

    block_maker_begin(&creation->maker);
    r = fill(creation, &filling, err);
    if (r >= 0) {
        r = block_maker_end(&creation->maker, ulid, err);
    }
    block_maker_drop(&creation->maker);
    if (r > 0) {
        struct arena arena = {0};
        struct block *block = NULL;

        r = block_open(NULL, fs_path(&arena, creation->maker.dir, ulid), &block, err);
        arena_done(&arena);
        if (r >= 0) {
            vec_push(&creation->made.blocks, block);
        }
    }
    *ret_next = filling.next;
    return r < 0 ? r : 0;
}

static ts block_start(ts t, dur range)
{
    return t >= 0 ? t / range * range : (t - range + 1) / range * range;
}

static int create(struct creation *creation, struct baro_error *err)
{
    struct span span;
    ts start;
    int r = check_labels(creation->flags, err);

    r = r < 0 ? r : find_pieces(creation, &span, err);

    if (r >= 0 && span.mint > span.maxt) {
        return error_set(err, BARO_EINVALID, "there are no samples");
    }
    if (r >= 0) {
        r = fs_real()->mkdir(fs_real(), creation->maker.dir, err);
    }
    if (r >= 0 && (span.mint < -TIME_MAX || span.maxt > TIME_MAX)) {
        return error_set(err, BARO_EINVALID, "a sample's time is out of range");
    }
    for (ts next = span.mint; r >= 0 && next != INT64_MAX;) {
        start = block_start(next, creation->maker.range);
        tsdb_draw_progress((uint64_t)(start > span.mint ? start - span.mint : 0),
                           (uint64_t)(span.maxt - span.mint) + 1);
        r = make_block(creation, start, &next, err);
    }
    tsdb_end_progress();
    return r;
}

int command_tsdb_create_openmetrics(int argc, char **argv)
{
    static struct flags flags;
    struct baro_error err = {0};
    struct creation creation = {0};
    struct arena arena = {0};
    struct fs_map map = {0};
    int status = tsdb_command_begin(&flags, rows, ARRAY_COUNT(rows),
                                    "tsdb create-blocks-from openmetrics [FLAGS] FILE [OUTPUT]",
                                    summary, argc, argv);
    int r;

    if (status >= 0) {
        return status;
    }
    creation.flags = &flags;
    creation.maker.range = flags_duration(&flags, FLAG_RANGE);
    creation.maker.dir = flags.arg_count > 1 ? arena_str(&arena, flags.args[1]).ptr : "data";
    if (creation.maker.range <= 0 || creation.maker.range > TIME_MAX) {
        r = error_set(&err, BARO_EUSAGE, "--block-duration: a time above 0 is wanted");
    } else {
        r = fs_real()->map(fs_real(), arena_str(&arena, flags.args[0]).ptr, &map, &err);
    }
    if (r >= 0) {
        creation.body = str_of(map.ptr, map.size);
        r = create(&creation, &err);
        fs_real()->unmap(fs_real(), map);
    }
    if (r >= 0 && !flags_bool(&flags, FLAG_QUIET)) {
        tsdb_print_blocks(&creation.made, flags_bool(&flags, FLAG_HUMAN));
    }
    tsdb_close_blocks(&creation.made);
    vec_done(&creation.pieces);
    labels_builder_done(&creation.builder);
    arena_done(&creation.arena);
    if (r < 0 && err.line > 0) {
        (void)fprintf(stderr, "%.*s:%u:%u: %s\n", STR_ARG(flags.args[0]), err.line, err.column,
                      err.message);
    }
    arena_done(&arena);
    if (r < 0) {
        return err.line > 0 ? error_exit_status(err.code) : tsdb_command_fail(&err);
    }
    return 0;
}
