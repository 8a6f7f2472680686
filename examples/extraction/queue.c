#include "queue.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "redis.h"

/* A write of up to PIPE_BUF bytes is whole or not at all (POSIX), which keeps records apart. */
static_assert((int)QUEUE_MESSAGE_SIZE <= (int)PIPE_BUF, "a message is written whole");

enum { PIPE_BYTES = 1 << 20, KEY_SIZE = 128 };

struct queue {
    const struct queue_place *place;
    struct redis *redis;
    char key[KEY_SIZE];
};

int queue_place_init(struct queue_place *place, struct svc_error *err)
{
    place->fds[0] = place->fds[1] = -1;
    if (place->redis != NULL) {
        return 0;
    }
    if (pipe2(place->fds, O_NONBLOCK | O_CLOEXEC) < 0) {
        return svc_fail(err, -errno, "queue %s: %s", place->name, strerrordesc_np(errno));
    }
    /* A smaller pipe, where the system allows no larger, means a smaller queue. */
    (void)fcntl(place->fds[1], F_SETPIPE_SZ, (int)PIPE_BYTES);
    return 0;
}

void queue_place_done(struct queue_place *place)
{
    for (int i = 0; i < 2; i++) {
        if (place->fds[i] >= 0) {
            (void)close(place->fds[i]);
        }
        place->fds[i] = -1;
    }
}

int queue_open(const struct queue_place *place, struct queue **ret, struct svc_error *err)
{
    struct queue *queue = calloc(1, sizeof(*queue));
    int r = 0;

    if (queue == NULL) {
        return svc_fail(err, -ENOMEM, "out of memory");
    }
    queue->place = place;
    if (place->redis != NULL) {
        (void)snprintf(queue->key, sizeof(queue->key), "%s:queue:%s", place->prefix, place->name);
        r = redis_open(place->redis, &queue->redis, err);
    }
    if (r < 0) {
        free(queue);
        return r;
    }
    *ret = queue;
    return 0;
}

struct queue *queue_close(struct queue *queue)
{
    if (queue != NULL) {
        queue->redis = redis_close(queue->redis);
        free(queue);
    }
    return NULL;
}

static int redis_push(struct queue *queue, const char *message)
{
    redisReply *reply = redis_text(queue->redis, 3, (const char *[]){"LPUSH", queue->key, message});
    int r = reply != NULL ? 0 : -EIO;

    freeReplyObject(reply);
    return r;
}

static int redis_pop(struct queue *queue, char ret[QUEUE_MESSAGE_SIZE], double seconds)
{
    char limit[32];
    redisReply *reply;
    int r = 0;

    (void)snprintf(limit, sizeof(limit), "%.3f", seconds > 0.01 ? seconds : 0.01);
    reply = redis_text(queue->redis, 3, (const char *[]){"BRPOP", queue->key, limit});
    if (reply == NULL) {
        return -EIO;
    }
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) {
        r = reply->element[1]->len < QUEUE_MESSAGE_SIZE ? 1 : -EIO;
        if (r == 1) {
            memcpy(ret, reply->element[1]->str, reply->element[1]->len + 1);
        }
    }
    freeReplyObject(reply);
    return r;
}

static long redis_depth(struct queue *queue)
{
    redisReply *reply = redis_text(queue->redis, 2, (const char *[]){"LLEN", queue->key});
    long depth = reply != NULL && reply->type == REDIS_REPLY_INTEGER ? (long)reply->integer : -EIO;

    freeReplyObject(reply);
    return depth;
}

int queue_push(struct queue *queue, const char *message)
{
    char record[QUEUE_MESSAGE_SIZE] = {0};
    long depth = queue_depth(queue);

    if (strlen(message) >= sizeof(record)) {
        return -EMSGSIZE;
    }
    if (depth < 0 || depth >= QUEUE_MAX) {
        return depth < 0 ? -EIO : -EAGAIN;
    }
    if (queue->redis != NULL) {
        return redis_push(queue, message);
    }
    memcpy(record, message, strlen(message));
    if (write(queue->place->fds[1], record, sizeof(record)) == (ssize_t)sizeof(record)) {
        return 0;
    }
    return errno == EAGAIN ? -EAGAIN : -EIO;
}

int queue_pop(struct queue *queue, char ret[QUEUE_MESSAGE_SIZE], double seconds)
{
    struct pollfd ready = {.fd = queue->place->fds[0], .events = POLLIN};
    ssize_t n;

    if (queue->redis != NULL) {
        return redis_pop(queue, ret, seconds);
    }
    if (poll(&ready, 1, (int)(seconds * 1000)) <= 0) {
        return 0; /* nothing, or a signal */
    }
    n = read(queue->place->fds[0], ret, QUEUE_MESSAGE_SIZE);
    if (n < 0) {
        return errno == EAGAIN || errno == EINTR ? 0 : -EIO; /* another process was quicker */
    }
    ret[QUEUE_MESSAGE_SIZE - 1] = '\0';
    return n == QUEUE_MESSAGE_SIZE ? 1 : n == 0 ? -EPIPE : -EIO;
}

long queue_depth(struct queue *queue)
{
    int bytes = 0;

    if (queue->redis != NULL) {
        return redis_depth(queue);
    }
    return ioctl(queue->place->fds[0], FIONREAD, &bytes) == 0 ? bytes / QUEUE_MESSAGE_SIZE : -EIO;
}
