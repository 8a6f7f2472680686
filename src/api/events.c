#include "api/events.h"

#include <pthread.h>
#include <time.h>

#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "client/self.h"

/* A look may take up to one part of LOOK_SHARE of the time. */
enum { LOOK_SHARE = 20, RETRY_MS = 3000 };

/* What a client is to be told before it goes on with the ring. */
enum greeting { GREETING_NONE, GREETING_HELLO, GREETING_RESYNC };

struct event {
    const char *kind;
    struct buf json;
};

struct events_client {
    struct events_client *next; /* lock: events.lock, as all below */
    struct events_client **at;
    struct events *events;
    void (*wake)(void *context);
    void *context;
    uint64_t position; /* number of the event that it got last */
    uint64_t joined;   /* looks there had been */
    enum greeting greeting;
    mono quiet_until; /* a heartbeat is due then */
    bool wants_heartbeat;
    struct buf text; /* that is being sent */
    size_t sent;
};

struct events {
    struct events_options options;
    pthread_t thread;
    struct lock lock;
    pthread_cond_t changed;         /* a client came, or the end */
    struct event ring[EVENTS_RING]; /* lock: events.lock, as all below; by number modulo its size */
    uint64_t newest;                /* number of the last event; the first one is 1 */
    struct buf state;
    struct events_client *clients;
    size_t client_count;
    uint64_t looks;
    bool has_thread;
    bool ending;
};

static mono now_mono(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * MONO_PER_SECOND + now.tv_nsec;
}

/* ---- events ---- */

static void wake_all_locked(struct events *events)
{
    lock_assert_held(&events->lock);
    for (struct events_client *client = events->clients; client != NULL; client = client->next) {
        if (client->wake != NULL) {
            client->wake(client->context);
        }
    }
}

void events_post(struct events *events, const char *kind, str json)
{
    struct event *event;

    lock_acquire(&events->lock);
    event = &events->ring[++events->newest % EVENTS_RING];
    event->kind = kind;
    buf_reset(&event->json);
    buf_str(&event->json, json.len <= EVENT_BYTES_MAX ? json : STR("null"));
    wake_all_locked(events);
    lock_release(&events->lock);
    self_add(SELF_EVENTS_POSTED, 1);
}

void events_state(struct events *events, str json)
{
    lock_acquire(&events->lock);
    buf_reset(&events->state);
    buf_str(&events->state, json.len <= EVENT_BYTES_MAX ? json : STR("null"));
    lock_release(&events->lock);
}

/* ---- what a client is sent ---- */

static void write_event(struct events_client *client, const char *kind, str json)
{
    buf_printf(&client->text,
               "id: %lld-%llu\nevent: %s\ndata: ", (long long)client->events->options.boot,
               (unsigned long long)client->position, kind);
    buf_str(&client->text, json);
    buf_c(&client->text, "\n\n");
}

/* The oldest event that is still there. */
static uint64_t oldest_locked(const struct events *events)
{
    return events->newest < EVENTS_RING ? 1 : events->newest - EVENTS_RING + 1;
}

static void write_next_locked(struct events_client *client)
{
    struct events *events = client->events;

    lock_assert_held(&events->lock);
    if (client->greeting != GREETING_NONE && client->joined == events->looks) {
        return; /* what is true now is known after the next look */
    }
    if (client->greeting == GREETING_NONE && client->position + 1 < oldest_locked(events)) {
        client->greeting = GREETING_RESYNC;
        self_add(SELF_EVENTS_RESYNCS, 1);
    }
    if (client->greeting != GREETING_NONE) {
        client->position = events->newest;
        write_event(client, client->greeting == GREETING_HELLO ? "hello" : "resync",
                    buf_view(&events->state));
        client->greeting = GREETING_NONE;
    } else if (client->position < events->newest) {
        const struct event *event = &events->ring[++client->position % EVENTS_RING];

        write_event(client, event->kind, buf_view(&event->json));
    } else if (client->wants_heartbeat) {
        buf_c(&client->text, ":\n\n");
    }
    client->wants_heartbeat = false;
}

size_t events_read(struct events_client *client, char *ret, size_t size)
{
    struct events *events = client->events;
    size_t count;

    lock_acquire(&events->lock);
    if (client->sent == client->text.len) {
        buf_reset(&client->text);
        client->sent = 0;
        write_next_locked(client);
    }
    count = client->text.len - client->sent;
    count = count < size ? count : size;
    if (count > 0) {
        memcpy(ret, client->text.ptr + client->sent, count);
        client->sent += count;
        client->quiet_until = now_mono() + EVENTS_HEARTBEAT_MS * MONO_PER_MS;
    }
    lock_release(&events->lock);
    return count;
}

/* ---- the thread ---- */

/* Proxies and browsers give up on what is silent for long. */
static void beat_locked(struct events *events)
{
    mono now = now_mono();

    for (struct events_client *client = events->clients; client != NULL; client = client->next) {
        if (client->wake != NULL && now >= client->quiet_until) {
            client->wants_heartbeat = true;
            client->quiet_until = now + EVENTS_HEARTBEAT_MS * MONO_PER_MS;
            client->wake(client->context);
        }
    }
}

static void look_locked(struct events *events)
{
    bool greets = false;

    lock_release(&events->lock);
    events->options.look(events->options.context, events);
    lock_acquire(&events->lock);
    events->looks++;
    for (struct events_client *client = events->clients; client != NULL; client = client->next) {
        greets |= client->greeting != GREETING_NONE;
    }
    if (greets) {
        wake_all_locked(events);
    }
}

void events_look(struct events *events)
{
    lock_acquire(&events->lock);
    look_locked(events);
    lock_release(&events->lock);
}

static bool has_new_client_locked(const struct events *events)
{
    for (struct events_client *client = events->clients; client != NULL; client = client->next) {
        if (client->greeting != GREETING_NONE && client->joined == events->looks) {
            return true;
        }
    }
    return false;
}

/* A new client is looked for at once, but no sooner than the share of looks allows. */
static void rest_locked(struct events *events, mono look_took)
{
    mono begin = now_mono();
    mono usual = events->options.interval * MONO_PER_MS;
    mono least = look_took * LOOK_SHARE;
    mono end = begin + (usual > least ? usual : least);

    while (!events->ending) {
        bool is_new = has_new_client_locked(events);
        mono until = events->clients == NULL ? 0 : is_new ? begin + least : end;

        if (until != 0 && now_mono() >= until) {
            return;
        }
        (void)lock_wait(&events->lock, &events->changed, until);
    }
}

static void *run(void *context)
{
    struct events *events = context;

    lock_acquire(&events->lock);
    while (!events->ending) {
        mono begin = now_mono();

        look_locked(events);
        beat_locked(events);
        rest_locked(events, now_mono() - begin);
    }
    lock_release(&events->lock);
    return NULL;
}

/* ---- clients ---- */

/* "BOOT-NUMBER", of this run and still in the ring. */
static bool find_place_locked(const struct events *events, str id, uint64_t *ret)
{
    size_t dash = str_index_char(id, '-');
    int64_t boot = 0;

    return dash != SIZE_MAX && num_parse_i64(str_slice(id, 0, dash), &boot) &&
           boot == events->options.boot && num_parse_u64(str_from_index(id, dash + 1), ret) &&
           *ret <= events->newest && *ret + 1 >= oldest_locked(events);
}

static int start_thread_locked(struct events *events, struct baro_error *err)
{
    int r = events->has_thread ? 0 : pthread_create(&events->thread, NULL, run, events);

    if (r != 0) {
        return error_system(err, r, "start the thread of events");
    }
    if (!events->has_thread) {
        (void)pthread_setname_np(events->thread, "events");
    }
    events->has_thread = true;
    return 0;
}

static struct events_client *join_locked(struct events *events, str last_id)
{
    struct events_client *client = MEM_NEW(struct events_client);

    client->events = events;
    client->joined = events->looks;
    client->quiet_until = now_mono() + EVENTS_HEARTBEAT_MS * MONO_PER_MS;
    if (last_id.len == 0) {
        client->greeting = GREETING_HELLO;
    } else if (!find_place_locked(events, last_id, &client->position)) {
        client->greeting = GREETING_RESYNC;
    }
    buf_printf(&client->text, "retry: %d\n\n", RETRY_MS);
    client->next = events->clients;
    client->at = &events->clients;
    if (client->next != NULL) {
        client->next->at = &client->next;
    }
    events->clients = client;
    events->client_count++;
    self_set(SELF_EVENTS_CLIENTS, (double)events->client_count);
    (void)pthread_cond_signal(&events->changed);
    return client;
}

int events_join(struct events *events, str last_id, struct events_client **ret,
                struct baro_error *err)
{
    int r = 0;

    lock_acquire(&events->lock);
    if (events->client_count >= EVENTS_CLIENTS_MAX) {
        r = error_set(
            err, BARO_ELIMIT,
            "%d pages listen already: close some; this one asks every few seconds instead",
            EVENTS_CLIENTS_MAX);
        self_add(SELF_EVENTS_REFUSED, 1);
    } else if (events->options.interval > 0) {
        r = start_thread_locked(events, err);
    }
    if (r >= 0) {
        *ret = join_locked(events, last_id);
    }
    lock_release(&events->lock);
    return r;
}

void events_listen(struct events_client *client, void (*wake)(void *context), void *context)
{
    lock_acquire(&client->events->lock);
    client->wake = wake;
    client->context = context;
    lock_release(&client->events->lock);
}

void events_leave(struct events_client *client)
{
    struct events *events = client->events;

    lock_acquire(&events->lock);
    *client->at = client->next;
    if (client->next != NULL) {
        client->next->at = client->at;
    }
    events->client_count--;
    self_set(SELF_EVENTS_CLIENTS, (double)events->client_count);
    lock_release(&events->lock);
    buf_done(&client->text);
    (void)mem_free(client);
}

/* ---- life cycle ---- */

struct events *events_new(const struct events_options *options)
{
    struct events *events = MEM_NEW(struct events);

    events->options = *options;
    buf_c(&events->state, "null");
    lock_init(&events->lock, LOCK_EVENTS);
    lock_condition_init(&events->changed);
    return events;
}

struct events *events_free(struct events *events)
{
    bool has_thread;

    if (events == NULL) {
        return NULL;
    }
    lock_acquire(&events->lock);
    events->ending = true;
    has_thread = events->has_thread;
    (void)pthread_cond_signal(&events->changed);
    lock_release(&events->lock);
    if (has_thread) {
        (void)pthread_join(events->thread, NULL);
    }
    ASSERT(events->clients == NULL);
    for (size_t i = 0; i < EVENTS_RING; i++) {
        buf_done(&events->ring[i].json);
    }
    buf_done(&events->state);
    (void)pthread_cond_destroy(&events->changed);
    lock_done(&events->lock);
    (void)mem_free(events);
    return NULL;
}
