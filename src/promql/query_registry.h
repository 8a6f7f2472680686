/*
 * query_registry: the queries that run right now: what /api/v1/queries lists and kills, and what a
 * file tells after a crash. Any thread. The file is Prometheus's queries.active: a '[' and slots of
 * a fixed size, each with the JSON of one running query.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"

struct fs;
struct query_registry;

/* Slots of the file; further queries run, but are not in it. */
enum { QUERY_REGISTRY_SLOTS = 64, QUERY_REGISTRY_SLOT_BYTES = 1000 };

struct query_registry *query_registry_new(void);
struct query_registry *query_registry_free(struct query_registry *registry);
DEFINE_CLEANUP(query_registry_free, struct query_registry)

/*
 * query_registry_track keeps the running queries in a file from now on. What the file says of
 * queries that ran when its last writer ended is appended to *ret, one line of JSON each. Fails
 * with -errno; queries then run untracked.
 */
int query_registry_track(struct query_registry *registry, const struct fs *fs, const char *path,
                         struct buf *ret, struct baro_error *err);

/* A running query; its owner keeps it from begin to end. */
struct running_query {
    uint64_t id;
    str text;         /* borrowed until the end */
    const char *kind; /* "instant", "range", "rule"; for ever */
    str client;       /* borrowed until the end */
    ts begun;         /* wall clock, for humans */
    mono begun_mono;
    _Atomic bool killed; /* hand its address to the query as a cancel flag */
    struct running_query *next;
    struct running_query *before;
    int slot;          /* -1: none */
    size_t slot_bytes; /* that it has written there */
};

/* query_registry_begin enters a query whose text, kind, client and begun are set. */
void query_registry_begin(struct query_registry *registry, struct running_query *query);
void query_registry_end(struct query_registry *registry, struct running_query *query);

/* query_registry_kill makes a query stop; false when there is none with that id. */
bool query_registry_kill(struct query_registry *registry, uint64_t id);

struct query_listing {
    uint64_t id;
    str text;
    str client;
    const char *kind;
    ts begun;
    mono running_ns;
    bool killed;
};

/* query_registry_list copies what runs, oldest first, into the arena. */
struct query_listing *query_registry_list(struct query_registry *registry, struct arena *arena,
                                          size_t *ret_count);
