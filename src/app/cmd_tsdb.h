/* cmd_tsdb: what the `tsdb` subcommands share. */
#pragma once

#include "app/flags.h"

/* tsdb_command_begin parses the flags and wants an argument at least. Returns -1 to go on, else the
 * exit status. */
int tsdb_command_begin(struct flags *flags, const struct flag *rows, size_t row_count,
                       const char *usage, const char *summary, int argc, char **argv);

/* tsdb_command_fail prints the error and returns the exit status. */
int tsdb_command_fail(const struct baro_error *err);
