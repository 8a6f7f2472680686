/*
 * dir_verify: reads every byte of a data directory (blocks, the write-ahead log with its
 * checkpoint, the out-of-order log, the head's chunk files and snapshot), says what is damaged, and
 * repairs what can be. What is damaged is set aside in `damaged/` of the directory before anything
 * is changed, so that nothing is lost. One thread; a repair takes the directory's lock.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct fs;

enum dir_part_state {
    DIR_PART_GOOD,
    DIR_PART_NOTED,    /* good; `text` tells of something that the next start sees to */
    DIR_PART_DAMAGED,  /* and left as it is */
    DIR_PART_REPAIRED, /* what was good of it serves on */
    DIR_PART_LOST,     /* nothing of it could be saved; it was set aside */
};

/* One block, segment or file. */
struct dir_part {
    const char *name; /* within the directory */
    enum dir_part_state state;
    char text[320];
};

struct dir_verify_job {
    const struct fs *fs; /* NULL = the real one */
    const char *path;
    bool must_repair;
    const _Atomic bool *stop; /* NULL = never */
    /* Called as it goes on, when not NULL. */
    void (*progress)(void *context, const char *name, uint64_t done_bytes, uint64_t all_bytes);
    void (*part)(void *context, const struct dir_part *part);
    void *context;
};

struct dir_verdict {
    uint64_t blocks; /* all of them */
    uint64_t blocks_bad;
    uint64_t parts; /* files and blocks that were looked at */
    uint64_t bad;   /* of the parts, before the repair */
    uint64_t left;  /* of the bad parts, not repaired */
};

/* dir_verify_run returns 0 whatever it finds. Fails with BARO_EBUSY (a repair, and a server has the
 * directory), BARO_ECANCELED or -errno. */
int dir_verify_run(const struct dir_verify_job *job, struct dir_verdict *ret,
                   struct baro_error *err);
