/* redis: one connection to a Redis server by URL, which is made again when it breaks. */
#pragma once

#include <hiredis/hiredis.h>

#include "svc_util.h"

struct redis;

/* redis_open takes "redis://[:PASSWORD@]HOST[:PORT][/DB]" and connects; -EINVAL or -EIO. */
int redis_open(const char *url, struct redis **ret, struct svc_error *err);
struct redis *redis_close(struct redis *redis);

/* redis_command sends one command as an array of arguments; the reply is the caller's
 * (freeReplyObject), NULL when the server cannot be reached or answers with an error. One thread at
 * a time. */
redisReply *redis_command(struct redis *redis, int count, const char **args, const size_t *lens);

/* redis_text is redis_command of NUL-terminated arguments. */
redisReply *redis_text(struct redis *redis, int count, const char **args);
