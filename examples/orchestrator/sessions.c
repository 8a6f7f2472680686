#include "sessions.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svc_util.h"

struct exchange {
    char question[SESSIONS_TEXT_BYTES_MAX];
    char answer[SESSIONS_TEXT_BYTES_MAX];
};

struct session {
    char name[PROMPT_SESSION_SIZE]; /* "" = free */
    unsigned in_flight;
    int64_t used_ns;
    size_t exchange_count; /* ever; the last SESSIONS_EXCHANGES_MAX are kept in a ring */
    struct exchange *exchanges;
};

struct sessions {
    pthread_mutex_t lock;
    unsigned in_flight_max;
    struct session *slots; /* lock: sessions.lock */
    size_t count;
};

/* A session lives in one of these many neighbouring slots, so a look-up and an eviction read no
 * more than that. */
enum { NEIGHBOURS = 16 };

struct sessions *sessions_new(unsigned in_flight_max)
{
    struct sessions *sessions = calloc(1, sizeof(*sessions));

    if (sessions == NULL) {
        return NULL;
    }
    sessions->slots = calloc(SESSIONS_MAX, sizeof(*sessions->slots));
    if (sessions->slots == NULL) {
        free(sessions);
        return NULL;
    }
    sessions->in_flight_max = in_flight_max;
    (void)pthread_mutex_init(&sessions->lock, NULL);
    return sessions;
}

struct sessions *sessions_free(struct sessions *sessions)
{
    if (sessions != NULL) {
        for (size_t i = 0; i < SESSIONS_MAX; i++) {
            free(sessions->slots[i].exchanges);
        }
        free(sessions->slots);
        (void)pthread_mutex_destroy(&sessions->lock);
        free(sessions);
    }
    return NULL;
}

static struct session *neighbourhood(struct sessions *sessions, const char *name)
{
    uint32_t hash = 2166136261u;

    for (const char *c = name; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    }
    return &sessions->slots[hash % (SESSIONS_MAX / NEIGHBOURS) * NEIGHBOURS];
}

static struct session *session_find_locked(struct sessions *sessions, const char *name)
{
    struct session *near = neighbourhood(sessions, name);

    for (size_t i = 0; i < NEIGHBOURS; i++) {
        if (strcmp(near[i].name, name) == 0) {
            return &near[i];
        }
    }
    return NULL;
}

/* A free slot, or that of the session idle longest; NULL when all have prompts under way. */
static struct session *session_claim_locked(struct sessions *sessions, const char *name)
{
    struct session *near = neighbourhood(sessions, name);
    struct session *best = NULL;

    for (size_t i = 0; i < NEIGHBOURS; i++) {
        if (near[i].in_flight == 0 && (best == NULL || near[i].used_ns < best->used_ns)) {
            best = &near[i];
        }
    }
    if (best == NULL) {
        return NULL;
    }
    sessions->count += best->name[0] == '\0' ? 1 : 0;
    best->exchange_count = 0;
    (void)snprintf(best->name, sizeof(best->name), "%s", name);
    return best;
}

int sessions_begin(struct sessions *sessions, const char *name)
{
    struct session *session;
    int r = 0;

    if (name[0] == '\0') {
        return 0;
    }
    (void)pthread_mutex_lock(&sessions->lock);
    session = session_find_locked(sessions, name);
    session = session != NULL ? session : session_claim_locked(sessions, name);
    if (session == NULL) {
        r = -ENOSPC;
    } else if (session->in_flight >= sessions->in_flight_max) {
        r = -EBUSY;
    } else {
        session->in_flight++;
        session->used_ns = svc_mono_ns();
    }
    (void)pthread_mutex_unlock(&sessions->lock);
    return r;
}

static void exchange_keep_locked(struct session *session, const char *question, const char *answer)
{
    struct exchange *exchange;

    if (session->exchanges == NULL) {
        session->exchanges = calloc(SESSIONS_EXCHANGES_MAX, sizeof(*session->exchanges));
        if (session->exchanges == NULL) {
            return; /* a conversation without memory goes on */
        }
    }
    exchange = &session->exchanges[session->exchange_count++ % SESSIONS_EXCHANGES_MAX];
    (void)snprintf(exchange->question, sizeof(exchange->question), "%.*s",
                   SESSIONS_TEXT_BYTES_MAX - 1, question);
    (void)snprintf(exchange->answer, sizeof(exchange->answer), "%.*s", SESSIONS_TEXT_BYTES_MAX - 1,
                   answer);
}

void sessions_end(struct sessions *sessions, const char *name, const char *question,
                  const char *answer)
{
    struct session *session;

    if (name[0] == '\0') {
        return;
    }
    (void)pthread_mutex_lock(&sessions->lock);
    session = session_find_locked(sessions, name);
    if (session != NULL && session->in_flight > 0) {
        session->in_flight--;
        if (answer != NULL) {
            exchange_keep_locked(session, question, answer);
        }
    }
    (void)pthread_mutex_unlock(&sessions->lock);
}

size_t sessions_history(struct sessions *sessions, const char *name, char *ret, size_t size)
{
    const struct session *session;
    size_t len = 0;

    ret[0] = '\0';
    if (name[0] == '\0') {
        return 0;
    }
    (void)pthread_mutex_lock(&sessions->lock);
    session = session_find_locked(sessions, name);
    for (size_t i = 0; session != NULL && session->exchanges != NULL && i < SESSIONS_EXCHANGES_MAX;
         i++) {
        size_t at = session->exchange_count + i;
        const struct exchange *exchange = &session->exchanges[at % SESSIONS_EXCHANGES_MAX];

        if (at >= SESSIONS_EXCHANGES_MAX && len < size) {
            int n = snprintf(ret + len, size - len, "Q: %s\nA: %s\n", exchange->question,
                             exchange->answer);

            len += n > 0 ? (size_t)n : 0;
        }
    }
    (void)pthread_mutex_unlock(&sessions->lock);
    return len < size ? len : size - 1;
}

size_t sessions_count(struct sessions *sessions)
{
    size_t count;

    (void)pthread_mutex_lock(&sessions->lock);
    count = sessions->count;
    (void)pthread_mutex_unlock(&sessions->lock);
    return count;
}
