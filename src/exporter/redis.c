#include "exporter/redis.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "exporter/redis_info.h"
#include "sys/clock.h"

enum { PORT_DEFAULT = 6379, TIMEOUT_MS_DEFAULT = 5000, INFO_BYTES_MAX = 8 << 20 };

struct redis_exporter {
    struct arena arena;
    const char *host; /* or the path of a socket */
    const char *user;
    const char *password;
    uint16_t port; /* 0 = a socket */
    int64_t database;
    struct timeval timeout;
    redisContext *context;
    uint64_t scrapes;
    char fault[128]; /* of the last scrape; "" = none */
};

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* A part of a URL with its %XX undone, NUL-terminated. */
static const char *part_decode(struct arena *arena, str part)
{
    char *ret = arena_alloc(arena, part.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < part.len; i++) {
        int high = part.ptr[i] == '%' && i + 2 < part.len ? hex_digit(part.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(part.ptr[i + 2]) : -1;

        ret[len++] = low >= 0 ? (char)(high * 16 + low) : part.ptr[i];
        i += low >= 0 ? 2 : 0;
    }
    ret[len] = '\0';
    return ret;
}

static size_t last_index(str text, char c)
{
    for (size_t i = text.len; i > 0; i--) {
        if (text.ptr[i - 1] == c) {
            return i - 1;
        }
    }
    return SIZE_MAX;
}

/* USER:PASSWORD@ or :PASSWORD@ at the front, cut off. */
static void login_take(struct redis_exporter *redis, str *rest)
{
    size_t at = last_index(*rest, '@');
    str login = str_slice(*rest, 0, at == SIZE_MAX ? 0 : at);
    size_t colon = str_index_char(login, ':');

    if (at == SIZE_MAX) {
        return;
    }
    redis->user = part_decode(&redis->arena, str_slice(login, 0, colon));
    if (colon != SIZE_MAX) {
        redis->password = part_decode(&redis->arena, str_from_index(login, colon + 1));
    }
    *rest = str_from_index(*rest, at + 1);
}

/* HOST[:PORT][/DB] */
static bool place_take(struct redis_exporter *redis, str rest)
{
    size_t slash = str_index_char(rest, '/');
    str place = str_slice(rest, 0, slash);
    str database = slash == SIZE_MAX ? STR("") : str_from_index(rest, slash + 1);
    size_t colon = last_index(place, ':');
    bool is_v6 = place.len > 0 && place.ptr[0] == '[';
    uint64_t port = PORT_DEFAULT;

    if (is_v6 && colon != SIZE_MAX && place.ptr[colon - 1] != ']') {
        colon = SIZE_MAX;
    }
    if (colon != SIZE_MAX && (!num_parse_u64(str_from_index(place, colon + 1), &port) ||
                              port == 0 || port > UINT16_MAX)) {
        return false;
    }
    place = str_slice(place, 0, colon);
    if (is_v6) {
        place = str_slice(place, 1, place.len - (place.ptr[place.len - 1] == ']' ? 1 : 0));
    }
    redis->port = (uint16_t)port;
    redis->host = arena_str(&redis->arena, place.len > 0 ? place : STR("127.0.0.1")).ptr;
    return database.len == 0 || (num_parse_i64(database, &redis->database) &&
                                 redis->database >= 0 && redis->database < 1000000);
}

static int address_take(struct redis_exporter *redis, str address, struct baro_error *err)
{
    size_t scheme = str_index(address, STR("://"));
    str name = str_slice(address, 0, scheme == SIZE_MAX ? 0 : scheme);
    str rest = scheme == SIZE_MAX ? address : str_from_index(address, scheme + 3);

    if (str_is(name, "unix") && rest.len > 1 && rest.ptr[0] == '/') {
        redis->host = arena_str(&redis->arena, rest).ptr;
        return 0;
    }
    if (str_is(name, "rediss")) {
        return error_set(err, BARO_EUNSUPPORTED,
                         "redis address: TLS (rediss://) is not built in: ask the server on its "
                         "own host, or through a tunnel");
    }
    if (name.len > 0 && !str_is(name, "redis")) {
        return error_set(err, BARO_EINVALID,
                         "redis address: give redis://HOST:PORT or unix:///PATH");
    }
    login_take(redis, &rest);
    return place_take(redis, rest)
               ? 0
               : error_set(err, BARO_EINVALID,
                           "redis address: give redis://HOST:PORT/DB with numbers for PORT and DB");
}

int redis_exporter_new(const struct redis_options *options, struct redis_exporter **ret,
                       struct baro_error *err)
{
    struct redis_exporter *redis = MEM_NEW(struct redis_exporter);
    dur timeout = options->timeout > 0 ? options->timeout : TIMEOUT_MS_DEFAULT;
    int r;

    redis->user = arena_str(&redis->arena, options->user).ptr;
    redis->password = arena_str(&redis->arena, options->password).ptr;
    redis->timeout = (struct timeval){timeout / 1000, timeout % 1000 * 1000};
    r = address_take(redis, options->address, err);
    if (r < 0) {
        (void)redis_exporter_free(redis);
        return r;
    }
    *ret = redis;
    return 0;
}

struct redis_exporter *redis_exporter_free(struct redis_exporter *redis)
{
    if (redis != NULL) {
        redisFree(redis->context);
        arena_done(&redis->arena);
        mem_free(redis);
    }
    return NULL;
}

static redisReply *ask(struct redis_exporter *redis, int count, const char **words)
{
    redisReply *reply = redis->context == NULL || redis->context->err != 0
                            ? NULL
                            : redisCommandArgv(redis->context, count, words, NULL);

    if (reply == NULL) {
        (void)snprintf(redis->fault, sizeof(redis->fault), "%.120s",
                       redis->context != NULL ? redis->context->errstr : "no connection");
    } else if (reply->type == REDIS_REPLY_ERROR) {
        (void)snprintf(redis->fault, sizeof(redis->fault), "%.120s", reply->str);
        freeReplyObject(reply);
        reply = NULL;
    }
    return reply;
}

static bool greet(struct redis_exporter *redis)
{
    char database[24];
    redisReply *reply;

    if (redis->password[0] != '\0') {
        const char *words[] = {"AUTH", redis->user, redis->password};

        if (redis->user[0] == '\0') {
            words[1] = redis->password;
        }
        reply = ask(redis, redis->user[0] != '\0' ? 3 : 2, words);
        if (reply == NULL) {
            return false;
        }
        freeReplyObject(reply);
    }
    if (redis->database > 0) {
        (void)snprintf(database, sizeof(database), "%lld", (long long)redis->database);
        reply = ask(redis, 2, (const char *[]){"SELECT", database});
        if (reply == NULL) {
            return false;
        }
        freeReplyObject(reply);
    }
    return true;
}

static bool reconnect(struct redis_exporter *redis)
{
    redisFree(redis->context);
    redis->context = redis->port == 0
                         ? redisConnectUnixWithTimeout(redis->host, redis->timeout)
                         : redisConnectWithTimeout(redis->host, redis->port, redis->timeout);
    if (redis->context == NULL || redis->context->err != 0) {
        (void)snprintf(redis->fault, sizeof(redis->fault), "%.120s",
                       redis->context != NULL ? redis->context->errstr : "out of memory");
        return false;
    }
    (void)redisSetTimeout(redis->context, redis->timeout);
    return greet(redis);
}

/* INFO ALL; once more on a new connection when the old one has died, as after a restart. */
static redisReply *info_ask(struct redis_exporter *redis)
{
    const char *words[] = {"INFO", "ALL"};
    redisReply *reply = redis->context != NULL ? ask(redis, 2, words) : NULL;

    if (reply == NULL && reconnect(redis)) {
        reply = ask(redis, 2, words);
    }
    if (reply != NULL && (reply->type != REDIS_REPLY_STRING || reply->len > INFO_BYTES_MAX)) {
        freeReplyObject(reply);
        reply = NULL;
        (void)snprintf(redis->fault, sizeof(redis->fault), "INFO has no text as its answer");
    }
    return reply;
}

void redis_collect(void *context, struct emit *emit)
{
    struct redis_exporter *redis = context;
    mono begin = clock_mono(clock_real());
    redisReply *reply;

    redis->fault[0] = '\0';
    redis->scrapes++;
    reply = info_ask(redis);
    if (reply != NULL) {
        redis->fault[0] = '\0';
        redis_info_collect(emit, str_of(reply->str, reply->len));
        freeReplyObject(reply);
    }
    emit_single(emit, "redis_up", BARO_GAUGE, "1 when the server could be asked.",
                redis->fault[0] == '\0' ? 1 : 0);
    emit_family(emit, "redis_exporter_last_scrape_error", BARO_GAUGE,
                "Why the last scrape failed; 0 when it did not.",
                (const char *const[]){"err", NULL});
    emit_value(emit, redis->fault[0] == '\0' ? 0 : 1, (str[]){str_from(redis->fault)});
    emit_single(emit, "redis_exporter_scrapes_total", BARO_COUNTER, "Scrapes of this exporter.",
                (double)redis->scrapes);
    emit_single(emit, "redis_exporter_last_scrape_duration_seconds", BARO_GAUGE,
                "Seconds that the server took to answer.",
                (double)(clock_mono(clock_real()) - begin) / 1e9);
}
