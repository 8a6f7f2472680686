/*
 * tsdb_fixture_test: what tests of the whole store share: opening and closing that must go well,
 * numbered series, single samples, the files below a directory. For tests alone.
 */
#pragma once

#include "base/arena.h"
#include "sys/fs.h"
#include "tsdb/tsdb.h"

/* fixture_dir returns a new, empty directory; its name lives in the arena. */
const char *fixture_dir(struct arena *arena);

/* fixture_open opens a store and fails the test when that fails. */
struct tsdb *fixture_open(const char *dir, const struct tsdb_options *options);

/* fixture_close closes it, which must go well too. */
void fixture_close(struct tsdb *tsdb);

/* fixture_report returns what the start has found. */
struct tsdb_open_report fixture_report(struct tsdb *tsdb);

/* fixture_series returns the ref of {__name__="<name>", i="<i>"}. */
series_ref fixture_series(struct appender *appender, str name, unsigned i);

/* fixture_sample appends one sample to that series, which must be taken. */
void fixture_sample(struct appender *appender, str name, unsigned i, ts t, double v);

/* fixture_files writes the paths of all files below dir but lock files behind the first `count` of
 * ret, which has room for max, and returns how many there are then. */
size_t fixture_files(const struct fs *fs, struct arena *arena, const char *dir, const char **ret,
                     size_t count, size_t max);
