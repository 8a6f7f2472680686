/*
 * events: what has changed, told to pages as it happens, as server-sent events (WHATWG HTML, 9.2).
 * The newest events stand in one ring; a client is a place in it, so that one who reads slowly
 * costs no memory: when the ring has passed it by, it is told to ask for everything anew. A thread
 * of its own looks for changes (events_watch.h) as long as there are clients. All functions: any
 * thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"

enum {
    EVENTS_RING = 256,
    EVENTS_CLIENTS_MAX = 128,
    EVENT_BYTES_MAX = 16 << 10, /* of one event's JSON */
    EVENTS_HEARTBEAT_MS = 15000,
    EVENTS_LOOK_MS = 1000, /* between two looks, when they are quick */
};

struct events;
struct events_client;

struct events_options {
    /* Posts what has changed since the last look. The thread of the events, without a lock. */
    void (*look)(void *context, struct events *events);
    void *context;
    ts boot;      /* stands in ids: events of an earlier run are no place to go on from */
    dur interval; /* between looks; 0 = no thread: a test calls events_look */
};

struct events *events_new(const struct events_options *options);

/* events_free ends the thread. All clients have left. */
struct events *events_free(struct events *events);
DEFINE_CLEANUP(events_free, struct events)

/* events_post adds an event; `kind` is a constant, json one line of JSON. One that is too long is
 * sent as null: the page then asks for itself. */
void events_post(struct events *events, const char *kind, str json);

/* events_state keeps what a new client is told first: JSON, copied. */
void events_state(struct events *events, str json);

/*
 * events_join makes a client. last_id is what the browser got last, or empty: it goes on from there
 * when that is still in the ring. `wake` is called, under a lock, whenever there is something to
 * read. Fails with BARO_ELIMIT when there are EVENTS_CLIENTS_MAX, -EAGAIN when no thread can be
 * had.
 */
int events_join(struct events *events, str last_id, struct events_client **ret,
                struct baro_error *err);

/* events_listen names whom to wake. */
void events_listen(struct events_client *client, void (*wake)(void *context), void *context);

/* events_read copies at most `size` bytes of what the client has not got yet; 0 = it has all. */
size_t events_read(struct events_client *client, char *ret, size_t size);

/* events_leave: wake is not called any more once it has returned; the client is gone. */
void events_leave(struct events_client *client);

/* events_look looks at once, in this thread: for tests. */
void events_look(struct events *events);
