/* cmd_tsdb: what the `tsdb` subcommands share. */
#pragma once

#include "app/flags.h"
#include "base/arena.h"
#include "base/vec.h"
#include "tsdb/block.h"

/* tsdb_command_begin parses the flags and wants an argument at least. Returns -1 to go on, else the
 * exit status. */
int tsdb_command_begin(struct flags *flags, const struct flag *rows, size_t row_count,
                       const char *usage, const char *summary, int argc, char **argv);

/* tsdb_command_fail prints the error and returns the exit status. */
int tsdb_command_fail(const struct baro_error *err);

/* The blocks of a directory by time; those that cannot be opened are told of and counted. */
struct tsdb_opened {
    VEC(struct block *) blocks;
    size_t damaged;
};
int tsdb_open_blocks(str dir, struct tsdb_opened *ret, struct baro_error *err);
void tsdb_close_blocks(struct tsdb_opened *opened);

/* tsdb_print_blocks prints the table of promtool tsdb list. */
void tsdb_print_blocks(const struct tsdb_opened *opened, bool is_human);

/* tsdb_go_duration is a duration as Go prints it: 1h59m59.985s, 20s, 0s. */
str tsdb_go_duration(struct arena *arena, dur d);

/* tsdb_draw_progress draws how far it is, where standard error is a terminal; tsdb_end_progress
 * takes that away. total is above 0. */
void tsdb_draw_progress(uint64_t done, uint64_t total);
void tsdb_end_progress(void);
