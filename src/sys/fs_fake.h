/*
 * fs_fake: a file system in memory for tests, which can fail and lose power. What was written is
 * seen at once, but lasts only as far as it was synced: after a power cut a file is what its last
 * sync left, plus an arbitrary part of what was written since, torn at sectors and in any order;
 * names in directories are what the last sync of the directory left, plus a first part of what was
 * done since (as a journal keeps it). All from a seed. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sys/fs.h"

struct fs_fake;

struct fs_fake *fs_fake_new(uint64_t seed);
struct fs_fake *fs_fake_free(struct fs_fake *fake);
DEFINE_CLEANUP(fs_fake_free, struct fs_fake)

/* fs_fake_copy makes another disk, on which all lasts that is seen on this one. */
struct fs_fake *fs_fake_copy(const struct fs_fake *from, uint64_t seed);

/* fs_fake_fs is the body; it lives as long as the fake. */
const struct fs *fs_fake_fs(struct fs_fake *fake);

/* fs_fake_ops is how many operations that change anything there were (writes, truncations, syncs,
 * and every change of a name). */
uint64_t fs_fake_ops(const struct fs_fake *fake);

/* fs_fake_cut_power lets the power fail at the operation of this number (from now: 0 = the next);
 * a write may be done in part. From then on everything fails with -EIO. UINT64_MAX = never. */
void fs_fake_cut_power(struct fs_fake *fake, uint64_t after);
bool fs_fake_is_off(const struct fs_fake *fake);

/* fs_fake_reboot makes what the power cut has left the state of the disk, and turns it on. Files
 * that were open are closed. Without a power cut it is one now. */
void fs_fake_reboot(struct fs_fake *fake);

/* fs_fake_fail makes the next `count` writing operations behind `after` fail with `code` (a
 * negative errno); -ENOSPC spares removals and truncations, as a full disk does. */
void fs_fake_fail(struct fs_fake *fake, uint64_t after, uint64_t count, int code);

/* fs_fake_fail_map makes the mapping of a file fail with `code`: the one behind `after` others. It
 * returns whether one that was asked for before has failed meanwhile; UINT64_MAX = none. */
bool fs_fake_fail_map(struct fs_fake *fake, uint64_t after, int code);

/* fs_fake_flip flips one bit of a file: on the disk and in what is seen. False when the file has
 * fewer bytes. */
bool fs_fake_flip(struct fs_fake *fake, const char *path, uint64_t bit);
