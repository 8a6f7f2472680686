#include "svc_limit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Clients remembered at once, and how many slots one address may fall into: what is pushed out gets
 * a full bucket again, so the table bounds memory and not honest clients. */
enum { SLOT_COUNT = 1024, SLOT_TRIES = 8 };

struct slot {
    uint64_t client; /* hash of the address; 0 = free */
    int64_t seen_ns;
    double tokens;
};

struct svc_limit {
    double rate, burst;
    pthread_mutex_t lock; /* of slots */
    struct slot slots[SLOT_COUNT];
};

struct svc_limit *svc_limit_new(double rate, double burst)
{
    struct svc_limit *limit = calloc(1, sizeof(*limit));

    if (limit != NULL) {
        limit->rate = rate;
        limit->burst = burst >= 1 ? burst : 1;
        (void)pthread_mutex_init(&limit->lock, NULL);
    }
    return limit;
}

struct svc_limit *svc_limit_free(struct svc_limit *limit)
{
    if (limit != NULL) {
        (void)pthread_mutex_destroy(&limit->lock);
        free(limit);
    }
    return NULL;
}

/* FNV-1a, 64 bits. */
static uint64_t client_hash(const char *client)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (; *client != '\0'; client++) {
        hash = (hash ^ (uint8_t)*client) * 0x100000001b3u;
    }
    return hash != 0 ? hash : 1;
}

static struct slot *find_slot_locked(struct svc_limit *limit, uint64_t client, int64_t now_ns)
{
    struct slot *oldest = NULL;

    for (size_t i = 0; i < SLOT_TRIES; i++) {
        struct slot *slot = &limit->slots[(client + i) % SLOT_COUNT];

        if (slot->client == client) {
            return slot;
        }
        if (oldest == NULL || slot->seen_ns < oldest->seen_ns) {
            oldest = slot;
        }
    }
    *oldest = (struct slot){.client = client, .seen_ns = now_ns, .tokens = limit->burst};
    return oldest;
}

bool svc_limit_take(struct svc_limit *limit, const char *client, int64_t now_ns, double *ret_wait_s)
{
    struct slot *slot;
    bool took;

    if (limit->rate <= 0) {
        return true;
    }
    (void)pthread_mutex_lock(&limit->lock);
    slot = find_slot_locked(limit, client_hash(client), now_ns);
    slot->tokens += (double)(now_ns - slot->seen_ns) / 1e9 * limit->rate;
    slot->tokens = slot->tokens < limit->burst ? slot->tokens : limit->burst;
    slot->seen_ns = now_ns;
    took = slot->tokens >= 1;
    if (took) {
        slot->tokens -= 1;
    } else if (ret_wait_s != NULL) {
        *ret_wait_s = (1 - slot->tokens) / limit->rate;
    }
    (void)pthread_mutex_unlock(&limit->lock);
    return took;
}
