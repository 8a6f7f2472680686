#include "redis.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_S = 30, ARGS_MAX = 8 }; /* longer than any wait for a message */

struct redis {
    char host[128];
    char password[128];
    int port;
    int database;
    redisContext *context;
};

static int url_take(struct redis *redis, const char *url)
{
    char copy[300];
    char *at;
    char *found;
    long number;

    if (strncmp(url, "redis://", 8) != 0 || strlen(url) >= sizeof(copy)) {
        return -EINVAL;
    }
    (void)snprintf(copy, sizeof(copy), "%s", url + 8);
    at = copy;
    found = strrchr(at, '@');
    if (found != NULL) {
        *found = '\0';
        (void)snprintf(redis->password, sizeof(redis->password), "%.127s",
                       strchr(at, ':') != NULL ? strchr(at, ':') + 1 : at);
        at = found + 1;
    }
    found = strchr(at, '/');
    if (found != NULL) {
        *found = '\0';
        number = strtol(found + 1, &found, 10);
        if (*found != '\0' || number < 0 || number > 1000) {
            return -EINVAL;
        }
        redis->database = (int)number;
    }
    redis->port = 6379;
    found = strrchr(at, ':');
    if (found != NULL) {
        *found = '\0';
        number = strtol(found + 1, &found, 10);
        if (*found != '\0' || number < 1 || number > 65535) {
            return -EINVAL;
        }
        redis->port = (int)number;
    }
    (void)snprintf(redis->host, sizeof(redis->host), "%.127s", at[0] != '\0' ? at : "127.0.0.1");
    return 0;
}

static bool reply_is_good(redisReply *reply)
{
    bool good = reply != NULL && reply->type != REDIS_REPLY_ERROR;

    if (!good) {
        freeReplyObject(reply);
    }
    return good;
}

static bool greet(struct redis *redis)
{
    redisReply *reply;

    if (redis->password[0] != '\0') {
        reply = redisCommand(redis->context, "AUTH %s", redis->password);
        if (!reply_is_good(reply)) {
            return false;
        }
        freeReplyObject(reply);
    }
    reply = redisCommand(redis->context, "SELECT %d", redis->database);
    if (!reply_is_good(reply)) {
        return false;
    }
    freeReplyObject(reply);
    return true;
}

static int redis_connect(struct redis *redis, struct svc_error *err)
{
    struct timeval limit = {.tv_sec = TIMEOUT_S};

    if (redis->context != NULL) {
        redisFree(redis->context);
    }
    redis->context = redisConnectWithTimeout(redis->host, redis->port, limit);
    if (redis->context == NULL || redis->context->err != 0) {
        return svc_fail(err, -EIO, "redis: %s:%d: %.100s", redis->host, redis->port,
                        redis->context != NULL ? redis->context->errstr : "out of memory");
    }
    (void)redisSetTimeout(redis->context, limit);
    return greet(redis) ? 0
                        : svc_fail(err, -EIO, "redis: %s:%d: refuses the password or database",
                                   redis->host, redis->port);
}

int redis_open(const char *url, struct redis **ret, struct svc_error *err)
{
    struct redis *redis = calloc(1, sizeof(*redis));
    int r;

    if (redis == NULL) {
        return svc_fail(err, -ENOMEM, "out of memory");
    }
    r = url_take(redis, url);
    r = r < 0 ? svc_fail(err, r, "--redis=%.100s: give redis://HOST:PORT/DB", url)
              : redis_connect(redis, err);
    if (r < 0) {
        (void)redis_close(redis);
        return r;
    }
    *ret = redis;
    return 0;
}

struct redis *redis_close(struct redis *redis)
{
    if (redis != NULL) {
        if (redis->context != NULL) {
            redisFree(redis->context);
        }
        free(redis);
    }
    return NULL;
}

redisReply *redis_command(struct redis *redis, int count, const char **args, const size_t *lens)
{
    redisReply *reply = NULL;

    if (redis->context != NULL && redis->context->err == 0) {
        reply = redisCommandArgv(redis->context, count, args, lens);
    }
    /* Once more on a new connection: the server may have been restarted. */
    if (reply == NULL && redis_connect(redis, NULL) == 0) {
        reply = redisCommandArgv(redis->context, count, args, lens);
    }
    return reply_is_good(reply) ? reply : NULL;
}

redisReply *redis_text(struct redis *redis, int count, const char **args)
{
    size_t lens[ARGS_MAX];

    for (int i = 0; i < count && i < ARGS_MAX; i++) {
        lens[i] = strlen(args[i]);
    }
    return count <= ARGS_MAX ? redis_command(redis, count, args, lens) : NULL;
}
