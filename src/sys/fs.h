/*
 * fs: files and directories behind one struct of functions, so that a test can fail, cut short or
 * reorder what a store does to its disk. fs_real() is the operating system. Paths are
 * NUL-terminated UTF-8 bytes, relative ones from the working directory. Every function returns >= 0
 * or a negative code, with the path in the message.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

/* An open file: a descriptor for the real body, a number of its own for another one. */
typedef int fs_file;
enum { FS_FILE_NONE = -1 };

/* Longest path that the store makes; longer ones are refused with -ENAMETOOLONG. */
enum { FS_PATH_MAX = 4096 };

enum fs_open_mode {
    FS_READ,       /* must exist */
    FS_WRITE,      /* read and write; must exist */
    FS_CREATE,     /* read and write; made when missing, kept when there */
    FS_CREATE_NEW, /* read and write; must not exist */
};

struct fs_entry {
    str name; /* without the directory; followed by a NUL byte */
    bool is_dir;
};

struct fs_map {
    const char *ptr; /* NULL for an empty file */
    size_t size;
};

/* The functions; `fs` is the struct itself, so that a body may keep state behind it. */
struct fs {
    int (*open)(const struct fs *fs, const char *path, enum fs_open_mode mode, fs_file *ret,
                struct baro_error *err);
    /* Writes all bytes at the end of the file in one write(2) where the system allows it. */
    int (*append)(const struct fs *fs, fs_file file, const void *bytes, size_t len,
                  struct baro_error *err);
    /* Writes all bytes at an offset. */
    int (*pwrite)(const struct fs *fs, fs_file file, const void *bytes, size_t len, uint64_t offset,
                  struct baro_error *err);
    /* Reads up to len bytes at an offset; *ret_len is less only at the end of the file. */
    int (*pread)(const struct fs *fs, fs_file file, void *bytes, size_t len, uint64_t offset,
                 size_t *ret_len, struct baro_error *err);
    int (*size)(const struct fs *fs, fs_file file, uint64_t *ret, struct baro_error *err);
    int (*truncate)(const struct fs *fs, fs_file file, uint64_t size, struct baro_error *err);
    /* Data and what is needed to read it back are on the disk afterwards. */
    int (*sync)(const struct fs *fs, fs_file file, struct baro_error *err);
    int (*close)(const struct fs *fs, fs_file file, struct baro_error *err);
    /* Replaces the target in one step; make it last with sync_dir. */
    int (*rename)(const struct fs *fs, const char *from, const char *to, struct baro_error *err);
    /* Gives a file a second name, which must not exist. */
    int (*link)(const struct fs *fs, const char *from, const char *to, struct baro_error *err);
    /* Removes a file or an empty directory. */
    int (*remove)(const struct fs *fs, const char *path, struct baro_error *err);
    /* Makes a directory; that it is there already is fine. */
    int (*mkdir)(const struct fs *fs, const char *path, struct baro_error *err);
    /* Makes names in the directory (created, renamed, removed) last. */
    int (*sync_dir)(const struct fs *fs, const char *path, struct baro_error *err);
    /* Entries without "." and "..", sorted by name, in the arena. At most FS_ENTRIES_MAX. */
    int (*list)(const struct fs *fs, struct arena *arena, const char *path, struct fs_entry **ret,
                size_t *ret_count, struct baro_error *err);
    /* Maps a whole file for reading; unmap releases it. A file that shrinks meanwhile is the
     * caller's fault. */
    int (*map)(const struct fs *fs, const char *path, struct fs_map *ret, struct baro_error *err);
    void (*unmap)(const struct fs *fs, struct fs_map map);
    /* The pages of a mapping no longer count as this process's; who reads it maps them again. For
     * what was read whole once and is not needed soon. */
    void (*cool)(const struct fs *fs, struct fs_map map);
    /* Maps a file for writing, all of whose bytes have been written once: what is put there is in
     * the file though the program dies, but not through a loss of power. NULL: cannot be done.
     * Released by unmap. */
    int (*map_shared)(const struct fs *fs, const char *path, struct fs_map *ret,
                      struct baro_error *err);
    /* The size of the file system that holds a path, and what is free of it; NULL = not wanted. */
    int (*space)(const struct fs *fs, const char *path, uint64_t *ret_size, uint64_t *ret_free,
                 struct baro_error *err);
    /* Takes an exclusive lock on the file, created when missing, without waiting: BARO_EBUSY when
     * another holds it. Closing the file releases it. */
    int (*lock)(const struct fs *fs, const char *path, fs_file *ret, struct baro_error *err);
};

enum { FS_ENTRIES_MAX = 1000000 };

/* fs_real returns the operating system's body; it has no state. */
const struct fs *fs_real(void);

/* fs_path joins two parts with '/' in the arena; NUL-terminated. */
const char *fs_path(struct arena *arena, const char *dir, const char *name);

/* fs_make_path makes a directory and those above it that are missing (mkdir -p). */
int fs_make_path(const struct fs *fs, const char *path, struct baro_error *err);

/* fs_remove_tree removes a directory with all that is in it (FS_TREE_DEPTH_MAX levels); that it is
 * missing is fine. */
enum { FS_TREE_DEPTH_MAX = 8 };
int fs_remove_tree(const struct fs *fs, const char *path, struct baro_error *err);

/* fs_read_all reads a file of at most bytes_max into the arena; fails with BARO_ELIMIT beyond. */
int fs_read_all(const struct fs *fs, struct arena *arena, const char *path, size_t bytes_max,
                str *ret, struct baro_error *err);
