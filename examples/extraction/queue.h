/*
 * queue: short messages between processes, first in, first out: tasks for workers, events for the
 * API. Embedded, it is a pipe made before the processes fork: records of one size are written and
 * read whole, by any number of both, and a process that dies holds no lock. With a URL it is a list
 * in Redis.
 */
#pragma once

#include <stddef.h>

#include "svc_util.h"

enum {
    QUEUE_MESSAGE_SIZE = 128, /* with its NUL */
    QUEUE_MAX = 8000,         /* messages that wait; what a pipe of 1 MiB holds */
};

/* One end of a queue in one process; one thread uses it at a time. */
struct queue;

/* What processes share, before they fork. */
struct queue_place {
    const char *name;
    const char *redis;  /* NULL = embedded */
    const char *prefix; /* of keys in Redis */
    int fds[2];         /* of the pipe: read, write; -1 = none */
};

/* queue_place_init makes the pipe of an embedded queue. */
int queue_place_init(struct queue_place *place, struct svc_error *err);
void queue_place_done(struct queue_place *place);

/* queue_open connects: the place must outlive it. */
int queue_open(const struct queue_place *place, struct queue **ret, struct svc_error *err);
struct queue *queue_close(struct queue *queue);

/* queue_push appends a message: 0, -EAGAIN when the queue is full, -EMSGSIZE, -EIO. */
int queue_push(struct queue *queue, const char *message);

/* queue_pop takes the oldest, and waits for one at most that long: 1, 0 when there was none, -EIO.
 */
int queue_pop(struct queue *queue, char ret[QUEUE_MESSAGE_SIZE], double seconds);

/* queue_depth returns how many wait, or -EIO. */
long queue_depth(struct queue *queue);
