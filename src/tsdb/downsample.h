/*
 * downsample: what a block is made of in windows of five minutes or an hour, in a file beside the
 * blocks, in a folder that Prometheus passes by. For each series five streams of samples stand
 * there, from which queries over aligned windows get the same answers as from all samples
 * (select_reduce tells what each stream is). A file is derived: without it, or when it is damaged,
 * the block itself answers. Format: docs/formats/downsample.md.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/dur.h"
#include "base/error.h"
#include "storage/storage.h"

struct block;
struct fs;

#define DOWNSAMPLE_DIR "barograph_downsample"

/* The windows, from short to long. */
enum { DOWNSAMPLE_WINDOWS = 2 };
extern const dur downsample_windows[DOWNSAMPLE_WINDOWS];

/* A mapped file. Immutable after open; any thread. */
struct downsample;

/* downsample_path is where the file of a block and a window is, in the arena. */
const char *downsample_path(struct arena *arena, const char *data_dir, const char *ulid,
                            dur window);

/* downsample_open maps a file and checks what all of it stands on. Fails with BARO_ECORRUPT,
 * BARO_EUNSUPPORTED or -errno. */
int downsample_open(const struct fs *fs, const char *path, struct downsample **ret,
                    struct baro_error *err);
struct downsample *downsample_free(struct downsample *file);
DEFINE_CLEANUP(downsample_free, struct downsample)

uint64_t downsample_bytes(const struct downsample *file);
dur downsample_window(const struct downsample *file);

/*
 * downsample_read appends a stream of the series of that reference in the block's index, with
 * start <= t <= end, and the column n where the stream has one: 1, or 0 when the series is not in
 * the file (it has histograms). Fails with BARO_ECORRUPT or BARO_ELIMIT; ret is as before then.
 */
int downsample_read(const struct downsample *file, uint32_t ref, enum select_reduce reduce,
                    ts start, ts end, struct sample_buf *ret, struct baro_error *err);

/* downsample_build writes the files of a block for all windows, each in one step. `stop` (NULL =
 * never) ends it: BARO_ECANCELED. */
int downsample_build(const struct fs *fs, const char *data_dir, const struct block *block,
                     const _Atomic bool *stop, struct baro_error *err);

/* ---- for tests ---- */

/* downsample_reduce appends one stream of raw samples (floats) to ret; column n where it has one.
 * False when memory is out, or a sum is not finite although its samples are. */
bool downsample_reduce(const struct sample_buf *raw, enum select_reduce reduce, dur window,
                       struct sample_buf *ret);
