/*
 * Requests that were short the last time run where they arrive, on an event thread: handing one to
 * the query pool and back costs more than a short query does (35 of 115 us). What is known of a
 * request is the processor time that it took last, in a table of one word each, by everything of it
 * but the times that it asks for. Whoever turns out not to be short gives up (BRIEF_MS) and is run
 * again on the pool. Why and what it gains: docs/decisions/short-requests.md.
 */
#include <time.h>

#include "api/api_priv.h"
#include "base/num.h"

enum {
    SHORT_US_MAX = 2000,
    COST_BITS = 20, /* of a slot, in us; the tag has the others */
    COST_MAX = (1 << COST_BITS) - 1,
    PACKED_NS_PER_BYTE = 12, /* gzip */
    KNOWN_BYTES_MAX = 1 << 20,
};

struct span {
    double start;
    double end;
    double step;
};

static bool is_time(str name, str value, struct span *span)
{
    double *which = str_is(name, "start")  ? &span->start
                    : str_is(name, "end")  ? &span->end
                    : str_is(name, "step") ? &span->step
                                           : NULL;

    if (which != NULL) {
        return num_parse_double(value, which);
    }
    return str_is(name, "time") || str_is(name, "_");
}

static void hash_params(str params, uint64_t *hash, struct span *span)
{
    for (str param; str_split_next(&params, '&', &param);) {
        size_t sign = str_index_char(param, '=');
        str name = str_slice(param, 0, sign);

        if (param.len > 0 && !is_time(name, str_slice(param, sign + 1, param.len), span)) {
            *hash = *hash * UINT64_C(0x9E3779B97F4A7C15) + str_hash(param);
        }
    }
}

/* Of a range only its length matters, and how many steps it has. */
uint64_t api_short_key(const struct http_request *request)
{
    struct span span = {0};
    uint64_t hash = str_hash(request->path);
    double length;

    hash_params(request->query, &hash, &span);
    hash_params(request->body, &hash, &span);
    length = span.end - span.start;
    hash = hash * UINT64_C(0x9E3779B97F4A7C15) +
           str_hash(str_of((const char *)&length, sizeof(length)));
    hash ^= str_hash(str_of((const char *)&span.step, sizeof(span.step)));
    return hash != 0 ? hash : 1;
}

static uint64_t tag_of(uint64_t key)
{
    return key >> COST_BITS << COST_BITS;
}

/* Relaxed: a slot is one word that stands for itself. */
bool api_is_short(void *context, const struct http_request *request)
{
    const struct api *api = context;
    uint64_t key;
    uint64_t slot;

    if (!api_can_be_short(api_route_at(api, request->route))) {
        return false;
    }
    key = api_short_key(request);
    slot = atomic_load_explicit(&api->costs[key % API_COST_SLOTS], memory_order_relaxed);

    return (slot ^ tag_of(key)) <= SHORT_US_MAX;
}

/* A body that grows is copied again and again. Two requests may share a slot: it is a guess. */
void api_short_reserve(const struct api *api, uint64_t key, struct buf *body)
{
    size_t size = atomic_load_explicit(&api->sizes[key % API_COST_SLOTS], memory_order_relaxed);

    size += size / 16 + 64;
    if (body->limit == 0 || size < body->limit) {
        (void)buf_reserve(body, size);
    }
}

void api_short_note(struct api *api, uint64_t key, const struct http_request *request,
                    const struct http_response *response, mono ns)
{
    bool packed = http_accepts_gzip(request);
    uint64_t us;

    ns += packed ? (mono)response->body.len * PACKED_NS_PER_BYTE : 0;
    us = ns < 0 ? 0 : (uint64_t)ns / 1000;
    us = response->again || us > COST_MAX ? COST_MAX : us;
    /* By the clock a little more may be another's doing. */
    us = request->brief && us > SHORT_US_MAX && us <= 2 * SHORT_US_MAX ? SHORT_US_MAX : us;
    atomic_store_explicit(&api->costs[key % API_COST_SLOTS], tag_of(key) | us,
                          memory_order_relaxed);
    atomic_store_explicit(
        &api->sizes[key % API_COST_SLOTS],
        (uint32_t)(response->body.len < KNOWN_BYTES_MAX ? response->body.len : KNOWN_BYTES_MAX),
        memory_order_relaxed);
}

/* On the query pool processor time, so that a busy machine makes no request long. On an event
 * thread, whose requests were short, the clock: it costs no system call, and who is held up there
 * is measured on the pool the next time. */
mono api_cost_clock(const struct http_request *request)
{
    struct timespec now = {0};

    (void)clock_gettime(request->brief ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * MONO_PER_SECOND + now.tv_nsec;
}
