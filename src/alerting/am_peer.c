#include "alerting/am_peer.h"

#include <stdio.h>
#include <string.h>

#include "alerting/am_peer_priv.h"
#include "base/log.h"
#include "codec/json.h"
#include "conf/prom_config.h"
#include "http/client.h"
#include "sys/clock.h"

#define PEER_TIMEOUT_DEFAULT ((dur)15 * DUR_SECOND)
#define ALIVE_DEFAULT        ((dur)10 * DUR_SECOND)
#define REQUEST_TIMEOUT      ((dur)2 * DUR_SECOND)
#define PING_NS              (1 * MONO_PER_SECOND)
#define SETTLE_NS            (5 * MONO_PER_SECOND)

/* A message has at most so many silences and entries; what is over it goes with the next. */
enum {
    MESSAGE_KEYS_MAX = 2000,
    OUTBOX_MAX = 100000,
    HASHES_MAX = 1 << 20,
    NAME_BYTES_MAX = 200,
    BEATS_MAX = 1000, /* HEARTBEAT_EXPECTS_MAX */
};

/* ---- What is said ---- */

static void write_matchers(struct json_writer *json, const am_matchers *matchers)
{
    static const char *const ops[] = {"=", "!=", "=~", "!~"};

    json_write_key(json, STR("matchers"));
    json_write_array_begin(json);
    for (size_t i = 0; i < matchers->count; i++) {
        json_write_array_begin(json);
        json_write_str_plain(json, matchers->items[i].name);
        json_write_str_plain(json, str_from(ops[matchers->items[i].op]));
        json_write_str_plain(json, matchers->items[i].value);
        json_write_array_end(json);
    }
    json_write_array_end(json);
}

static void write_silence(struct json_writer *json, const struct am_silence *silence)
{
    json_write_object_begin(json);
    json_write_pair_str(json, STR("id"), silence->id);
    json_write_pair_i64(json, STR("starts"), silence->starts_at);
    json_write_pair_i64(json, STR("ends"), silence->ends_at);
    json_write_pair_i64(json, STR("updated"), silence->updated_at);
    json_write_pair_str(json, STR("creator"), silence->created_by);
    json_write_pair_str(json, STR("comment"), silence->comment);
    if (silence->annotations.count > 0) {
        json_write_key(json, STR("annotations"));
        json_write_object_begin(json);
        for (size_t i = 0; i < silence->annotations.count; i++) {
            json_write_pair_str(json, silence->annotations.items[i].name,
                                silence->annotations.items[i].value);
        }
        json_write_object_end(json);
    }
    write_matchers(json, &silence->matchers);
    if (silence->schedule != NULL) {
        json_write_pair_str(json, STR("schedule"), am_schedule_text(silence->schedule));
    }
    json_write_object_end(json);
}

static void write_hashes(struct json_writer *json, str key, const uint64_t *hashes, size_t count)
{
    struct buf text = {0};

    for (size_t i = 0; i < count; i++) {
        buf_printf(&text, "%016llx", (unsigned long long)hashes[i]);
    }
    json_write_pair_str(json, key, buf_view(&text));
    buf_done(&text);
}

static void write_entry(struct json_writer *json, const struct am_nflog_entry *entry)
{
    json_write_object_begin(json);
    json_write_pair_str(json, STR("key"), entry->key);
    json_write_pair_i64(json, STR("time"), entry->timestamp);
    json_write_pair_i64(json, STR("expires"), entry->expires_at);
    write_hashes(json, STR("firing"), entry->firing, entry->firing_count);
    write_hashes(json, STR("resolved"), entry->resolved, entry->resolved_count);
    json_write_pair_str(json, STR("thread"), entry->thread_id);
    json_write_object_end(json);
}

static bool read_hash(str text, uint64_t *ret);

static void write_ack(struct json_writer *json, const struct am_ack *ack)
{
    json_write_object_begin(json);
    write_hashes(json, STR("alert"), &ack->fingerprint, 1);
    json_write_pair_i64(json, STR("created"), ack->created_at);
    json_write_pair_i64(json, STR("ends"), ack->ends_at);
    json_write_pair_i64(json, STR("updated"), ack->updated_at);
    json_write_pair_bool(json, STR("takenBack"), ack->is_taken_back);
    json_write_pair_str(json, STR("creator"), ack->created_by);
    json_write_pair_str(json, STR("comment"), ack->comment);
    json_write_object_end(json);
}

static void write_beat(struct json_writer *json, const struct am_peer_beat *beat)
{
    json_write_object_begin(json);
    json_write_pair_str(json, STR("name"), beat->name);
    json_write_pair_i64(json, STR("heard"), beat->heard_at);
    json_write_object_end(json);
}

/* One thing of an outbox, unless it is gone meanwhile. */
static void write_item_locked(struct am *am, struct json_writer *json, char kind, str key)
{
    const struct am_silence *silence = kind == 's' ? am_silences_get(&am->silences, key) : NULL;
    const struct am_nflog_entry *entry = kind == 'n' ? am_nflog_get(&am->nflog, key) : NULL;
    const struct am_peer_beat *beat = kind == 'h' ? map_get(&am->peers->beats, key) : NULL;
    const struct am_ack *ack = NULL;
    uint64_t fingerprint = 0;

    if (kind == 'a' && read_hash(key, &fingerprint)) {
        ack = am_acks_get(&am->acks, fingerprint);
    }
    if (silence != NULL) {
        write_silence(json, silence);
    } else if (entry != NULL) {
        write_entry(json, entry);
    } else if (ack != NULL) {
        write_ack(json, ack);
    } else if (beat != NULL) {
        write_beat(json, beat);
    }
}

static void write_kind_locked(struct am *am, struct json_writer *json, const struct am_peer *peer,
                              size_t count, char kind, str name)
{
    json_write_key(json, name);
    json_write_array_begin(json);
    for (size_t i = 0; i < count; i++) {
        str key = str_from(peer->outbox.items[i] + 1);

        if (peer->outbox.items[i][0] == kind) {
            write_item_locked(am, json, kind, key);
        }
    }
    json_write_array_end(json);
}

/* ---- Outboxes ---- */

static void put_locked(struct am_peer *peer, char kind, str key)
{
    char *item;

    if (peer->outbox.count >= OUTBOX_MAX) {
        peer->needs_all = true;
        return;
    }
    item = mem_alloc(key.len + 2);
    item[0] = kind;
    memcpy(item + 1, key.ptr, key.len);
    item[key.len + 1] = '\0';
    vec_push(&peer->outbox, item);
}

static void clear_locked(struct am_peer *peer, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)mem_free(peer->outbox.items[i]);
    }
    if (count > 0) {
        memmove(peer->outbox.items, peer->outbox.items + count,
                (peer->outbox.count - count) * sizeof(*peer->outbox.items));
        peer->outbox.count -= count;
    }
}

static void put_all_locked(struct am *am, struct am_peer *peer)
{
    size_t index = 0;

    peer->needs_all = false;
    if (peer->outbox.count > 0) {
        clear_locked(peer, peer->outbox.count);
    }
    for (size_t i = 0; i < am->silences.items.count; i++) {
        put_locked(peer, 's', am->silences.items.items[i]->id);
    }
    for (const struct map_entry *slot; (slot = map_next(&am->nflog.entries, &index)) != NULL;) {
        put_locked(peer, 'n', slot->key);
    }
    index = 0;
    for (const struct am_fp_slot *slot; (slot = am_fps_next(&am->acks.items, &index)) != NULL;) {
        char key[20];
        int len = snprintf(key, sizeof(key), "%016llx", (unsigned long long)slot->fp);

        put_locked(peer, 'a', str_of(key, (size_t)len));
    }
    index = 0;
    for (const struct map_entry *slot; (slot = map_next(&am->peers->beats, &index)) != NULL;) {
        put_locked(peer, 'h', slot->key);
    }
}

void am_peers_changed_locked(struct am *am, char kind, str key)
{
    lock_assert_held(&am->lock);
    for (size_t i = 0; am->peers != NULL && i < am->peers->count; i++) {
        put_locked(&am->peers->items[i], kind, key);
        (void)pthread_cond_signal(&am->peers->items[i].filled);
    }
}

/* ---- Heartbeats ---- */

/* Whether that is news. */
static bool keep_beat_locked(struct am_peers *peers, str name, ts heard_at)
{
    struct am_peer_beat *beat = map_get(&peers->beats, name);

    if (beat == NULL && peers->beats.count < BEATS_MAX && name.len > 0 &&
        name.len <= NAME_BYTES_MAX) {
        char *bytes;

        beat = mem_alloc(sizeof(*beat) + name.len);
        bytes = (char *)(beat + 1);
        memcpy(bytes, name.ptr, name.len);
        *beat = (struct am_peer_beat){.heard_at = INT64_MIN, .name = str_of(bytes, name.len)};
        (void)map_put(&peers->beats, beat->name, beat);
    }
    if (beat == NULL || heard_at <= beat->heard_at) {
        return false;
    }
    beat->heard_at = heard_at;
    return true;
}

void am_peers_heartbeat(struct am *am, str name, ts heard_at)
{
    lock_acquire(&am->lock);
    if (am->peers != NULL && keep_beat_locked(am->peers, name, heard_at)) {
        am_peers_changed_locked(am, 'h', name);
    }
    lock_release(&am->lock);
}

ts am_peers_heard(struct am *am, str name)
{
    const struct am_peer_beat *beat;
    ts heard_at;

    lock_acquire(&am->lock);
    beat = am->peers != NULL ? map_get(&am->peers->beats, name) : NULL;
    heard_at = beat != NULL ? beat->heard_at : 0;
    lock_release(&am->lock);
    return heard_at;
}

/* ---- Who is there ---- */

static mono now_real(void)
{
    return clock_mono(clock_real());
}

static bool is_alive(const struct am_peers *peers, const struct am_peer *peer)
{
    return peer->name != NULL && peer->heard_at != INT64_MIN &&
           now_real() - peer->heard_at <= peers->alive_for * MONO_PER_MS;
}

dur am_peers_wait_locked(const struct am *am)
{
    size_t position = 0;

    for (size_t i = 0; am->peers != NULL && i < am->peers->count; i++) {
        const struct am_peer *peer = &am->peers->items[i];

        position += is_alive(am->peers, peer) && strcmp(peer->name, am->peers->name) < 0 ? 1 : 0;
    }
    return position > 0 ? (dur)position * am->peers->peer_timeout : 0;
}

bool am_peers_settled_locked(const struct am *am)
{
    for (size_t i = 0; am->peers != NULL && i < am->peers->count; i++) {
        if (!am->peers->items[i].was_tried && now_real() - am->peers->started_at < SETTLE_NS) {
            return false;
        }
    }
    return true;
}

static void hear_locked(struct am_peer *peer, str name)
{
    if (peer->name == NULL || !str_is(name, peer->name)) {
        (void)mem_free(peer->name);
        peer->name = str_dup_c(name);
        peer->needs_all = true; /* another program: it knows nothing yet */
    }
    peer->heard_at = now_real();
}

/* ---- Talking ---- */

static int send(struct am_peer *peer, str body, struct buf *answer, struct baro_error *err)
{
    static const struct prom_http settings = {.follow_redirects = true};
    static const char *const lines[] = {"Content-Type: application/json"};
    CLEANUP(http_headers_freep)
    struct http_headers *headers = http_headers_new(lines, ARRAY_COUNT(lines));
    struct http_call call = {
        .url = peer->url, .headers = headers, .post = body, .timeout = REQUEST_TIMEOUT};
    int r = http_fetch(&settings, &call, answer);

    if (r < 0) {
        *err = call.err;
        return r;
    }
    return call.status == 200
               ? 0
               : error_set(err, BARO_ENETWORK, "%s: answered %s", peer->url, call.status_text);
}

/* One message, and whether it was answered; the lock is held at begin and end. */
static bool talk_locked(struct am_peer *peer)
{
    struct am *am = peer->am;
    CLEANUP(json_doc_freep) struct json *root = NULL;
    struct buf body = {0};
    struct buf answer = {0};
    struct json_writer json = json_write_over(&body);
    struct baro_error err = {0};
    size_t count;
    str name = STR_NULL;
    bool is_answered;
    int r;

    lock_assert_held(&am->lock);
    if (peer->needs_all) {
        put_all_locked(am, peer);
    }
    count = peer->outbox.count < MESSAGE_KEYS_MAX ? peer->outbox.count : MESSAGE_KEYS_MAX;
    json_write_object_begin(&json);
    json_write_pair_str(&json, STR("name"), str_from(am->peers->name));
    write_kind_locked(am, &json, peer, count, 's', STR("silences"));
    write_kind_locked(am, &json, peer, count, 'n', STR("entries"));
    write_kind_locked(am, &json, peer, count, 'a', STR("acks"));
    write_kind_locked(am, &json, peer, count, 'h', STR("heartbeats"));
    json_write_object_end(&json);
    lock_release(&am->lock);
    r = send(peer, buf_view(&body), &answer, &err);
    if (r >= 0 && json_doc_parse(buf_view(&answer), &root, &err) >= 0) {
        name = json_text(json_get(root, "name"));
    }
    is_answered = name.len > 0 && name.len <= NAME_BYTES_MAX;
    lock_acquire(&am->lock);
    if (peer->is_answering && !is_answered) {
        log_warn("a peer of the alertmanager does not answer", log_c("peer", peer->url),
                 log_err(&err));
    }
    peer->was_tried = true;
    peer->is_answering = is_answered;
    if (is_answered) {
        clear_locked(peer, count < peer->outbox.count ? count : peer->outbox.count);
        hear_locked(peer, name);
    } else {
        peer->needs_all = true;
    }
    buf_done(&body);
    buf_done(&answer);
    return is_answered;
}

/* One that does not answer is left alone for a while, whatever there is to say. */
static void *talk_loop(void *context)
{
    struct am_peer *peer = context;
    struct am *am = peer->am;

    lock_acquire(&am->lock);
    while (!am->is_stopping) {
        bool is_answered = talk_locked(peer);
        mono until = now_real() + PING_NS;

        while (!am->is_stopping && (peer->outbox.count == 0 || !is_answered) &&
               lock_wait(&am->lock, &peer->filled, until)) {
        }
    }
    lock_release(&am->lock);
    return NULL;
}

/* ---- Life cycle ---- */

static char *url_of(str url)
{
    struct buf buf = {0};

    while (url.len > 0 && url.ptr[url.len - 1] == '/') {
        url.len--;
    }
    buf_printf(&buf, "%s%.*s/api/v2/peer", str_contains(url, STR("://")) ? "" : "http://",
               STR_ARG(url));
    return buf_take_c(&buf);
}

int am_peers_start(struct am *am, const struct am_peers_options *options, struct baro_error *err)
{
    struct am_peers *peers;
    int r = 0;

    if (options->count > AM_PEERS_MAX) {
        return error_set(err, BARO_ELIMIT, "more than %d peers", AM_PEERS_MAX);
    }
    if (options->count == 0) {
        return 0;
    }
    peers = MEM_NEW(struct am_peers);
    peers->name = str_dup_c(options->name);
    peers->peer_timeout = options->peer_timeout > 0 ? options->peer_timeout : PEER_TIMEOUT_DEFAULT;
    peers->alive_for = options->alive_for > 0 ? options->alive_for : ALIVE_DEFAULT;
    peers->items = mem_alloc_zero(options->count * sizeof(*peers->items));
    peers->count = options->count;
    peers->started_at = now_real();
    peers->take_heartbeat = options->take_heartbeat;
    peers->context = options->context;
    for (size_t i = 0; i < peers->count; i++) {
        struct am_peer *peer = &peers->items[i];

        peer->am = am;
        peer->url = url_of(options->urls[i]);
        peer->heard_at = INT64_MIN;
        peer->needs_all = true;
        lock_condition_init(&peer->filled);
    }
    lock_acquire(&am->lock);
    am->peers = peers;
    lock_release(&am->lock);
    for (size_t i = 0; i < peers->count && r == 0; i++) {
        r = pthread_create(&peers->items[i].thread, NULL, talk_loop, &peers->items[i]);
        peers->items[i].is_running = r == 0;
    }
    return r == 0 ? 0 : error_system(err, r, "alerting: no thread for a peer");
}

static void beats_free(struct am_peers *peers)
{
    size_t index = 0;

    for (const struct map_entry *slot; (slot = map_next(&peers->beats, &index)) != NULL;) {
        (void)mem_free(slot->value);
    }
    map_done(&peers->beats);
}

void am_peers_stop(struct am *am)
{
    struct am_peers *peers = am->peers;

    for (size_t i = 0; peers != NULL && i < peers->count; i++) {
        struct am_peer *peer = &peers->items[i];

        if (peer->is_running) {
            lock_acquire(&am->lock);
            (void)pthread_cond_signal(&peer->filled);
            lock_release(&am->lock);
            (void)pthread_join(peer->thread, NULL);
        }
    }
    lock_acquire(&am->lock);
    am->peers = NULL;
    lock_release(&am->lock);
    for (size_t i = 0; peers != NULL && i < peers->count; i++) {
        struct am_peer *peer = &peers->items[i];

        if (peer->outbox.count > 0) {
            clear_locked(peer, peer->outbox.count);
        }
        vec_done(&peer->outbox);
        (void)pthread_cond_destroy(&peer->filled);
        (void)mem_free(peer->url);
        (void)mem_free(peer->name);
    }
    if (peers != NULL) {
        beats_free(peers);
        (void)mem_free(peers->items);
        (void)mem_free(peers->name);
        (void)mem_free(peers);
    }
}

/* ---- Listening ---- */

static int64_t int_of(const struct json *object, const char *key)
{
    int64_t value = 0;

    (void)json_int(json_get(object, key), &value);
    return value;
}

static enum matcher_op op_of(str text)
{
    return str_is(text, "!=")   ? MATCHER_NOT_EQUAL
           : str_is(text, "=~") ? MATCHER_REGEX
           : str_is(text, "!~") ? MATCHER_NOT_REGEX
                                : MATCHER_EQUAL;
}

static void take_silence(struct am *am, struct arena *arena, const struct json *node)
{
    const struct json *list = json_get(node, "matchers");
    size_t count = json_count(list) < AM_MATCHERS_MAX ? json_count(list) : AM_MATCHERS_MAX;
    struct am_silence_matcher *matchers = ARENA_ARRAY(arena, struct am_silence_matcher, count);
    struct am_silence_spec spec = {.id = json_text(json_get(node, "id")),
                                   .matchers = matchers,
                                   .matcher_count = count,
                                   .starts_at = int_of(node, "starts"),
                                   .ends_at = int_of(node, "ends"),
                                   .updated_at = int_of(node, "updated"),
                                   .created_by = json_text(json_get(node, "creator")),
                                   .comment = json_text(json_get(node, "comment")),
                                   .schedule = json_text(json_get(node, "schedule"))};

    (void)am_labels_read(arena, json_get(node, "annotations"), AM_SILENCE_ANNOTATIONS_MAX,
                         &spec.annotations);
    for (size_t i = 0; i < count; i++) {
        const struct json *row = json_at(list, i);

        matchers[i] =
            (struct am_silence_matcher){op_of(json_text(json_at(row, 1))),
                                        json_text(json_at(row, 0)), json_text(json_at(row, 2))};
    }
    lock_acquire(&am->lock);
    if (am_silences_merge(&am->silences, &spec, am_now(am), NULL) > 0 && am->state != NULL) {
        am_state_silence(am->state, am_silences_get(&am->silences, spec.id), false);
    }
    lock_release(&am->lock);
}

static size_t read_hashes(struct arena *arena, str text, const uint64_t **ret)
{
    size_t count = text.len / 16 < HASHES_MAX ? text.len / 16 : HASHES_MAX;
    uint64_t *hashes = ARENA_ARRAY(arena, uint64_t, count);

    for (size_t i = 0; i < count * 16; i++) {
        char c = text.ptr[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 0;

        hashes[i / 16] = hashes[i / 16] << 4 | (uint64_t)digit;
    }
    *ret = hashes;
    return count;
}

static void take_entry(struct am *am, struct arena *arena, const struct json *node)
{
    struct am_nflog_entry entry = {.key = json_text(json_get(node, "key")),
                                   .timestamp = int_of(node, "time"),
                                   .expires_at = int_of(node, "expires"),
                                   .thread_id = json_text(json_get(node, "thread"))};
    const struct am_nflog_entry *taken;

    if (entry.key.len == 0) {
        return;
    }
    entry.firing_count = read_hashes(arena, json_text(json_get(node, "firing")), &entry.firing);
    entry.resolved_count =
        read_hashes(arena, json_text(json_get(node, "resolved")), &entry.resolved);
    lock_acquire(&am->lock);
    taken = entry.expires_at > am_now(am) ? am_nflog_put(&am->nflog, &entry) : NULL;
    if (taken != NULL && am->state != NULL) {
        am_state_entry(am->state, taken, false);
    }
    lock_release(&am->lock);
}

bool am_peers_any(struct am *am)
{
    bool any;

    lock_acquire(&am->lock);
    any = am->peers != NULL;
    lock_release(&am->lock);
    return any;
}

static bool read_hash(str text, uint64_t *ret)
{
    struct arena arena = {0};
    const uint64_t *hashes = NULL;
    bool good = text.len == 16 && read_hashes(&arena, text, &hashes) == 1;

    if (good) {
        *ret = hashes[0];
    }
    arena_done(&arena);
    return good;
}

static void take_ack(struct am *am, const struct json *node)
{
    struct am_ack ack = {.created_at = int_of(node, "created"),
                         .ends_at = int_of(node, "ends"),
                         .updated_at = int_of(node, "updated"),
                         .is_taken_back = json_is_yes(json_get(node, "takenBack")),
                         .created_by = json_text(json_get(node, "creator")),
                         .comment = json_text(json_get(node, "comment"))};

    if (read_hash(json_text(json_get(node, "alert")), &ack.fingerprint)) {
        lock_acquire(&am->lock);
        (void)am_ack_merge_locked(am, &ack, NULL);
        lock_release(&am->lock);
    }
}

/* It is kept, expected or not: the expectations may not have begun, and one that was not there when
 * it came is told of it. */
static void take_heartbeat(struct am *am, const struct json *node)
{
    str name = json_text(json_get(node, "name"));
    ts heard_at = int_of(node, "heard");
    void (*take)(void *context, str name, ts heard_at) = NULL;
    void *context = NULL;

    heard_at = heard_at < am_now(am) ? heard_at : am_now(am);
    if (name.len == 0 || heard_at <= 0) {
        return;
    }
    lock_acquire(&am->lock);
    if (am->peers != NULL && keep_beat_locked(am->peers, name, heard_at)) {
        take = am->peers->take_heartbeat;
        context = am->peers->context;
    }
    lock_release(&am->lock);
    if (take != NULL) {
        take(context, name, heard_at);
    }
}

/* A message is also a sign of life of whoever has that name. */
static void note_sender(struct am *am, str name)
{
    lock_acquire(&am->lock);
    for (size_t i = 0; am->peers != NULL && i < am->peers->count; i++) {
        if (am->peers->items[i].name != NULL && str_is(name, am->peers->items[i].name)) {
            am->peers->items[i].heard_at = now_real();
        }
    }
    lock_release(&am->lock);
}

int am_peers_take(struct am *am, str body, struct buf *answer, struct baro_error *err)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    struct json_writer json = json_write_over(answer);
    const struct json *silences;
    const struct json *entries;
    const struct json *acks;
    const struct json *beats;
    struct arena arena = {0};
    int r = json_doc_parse(body, &root, err);

    if (r < 0) {
        return r;
    }
    silences = json_get(root, "silences");
    entries = json_get(root, "entries");
    acks = json_get(root, "acks");
    beats = json_get(root, "heartbeats");
    for (size_t i = 0; i < json_count(silences); i++) {
        take_silence(am, &arena, json_at(silences, i));
    }
    for (size_t i = 0; i < json_count(entries); i++) {
        take_entry(am, &arena, json_at(entries, i));
    }
    for (size_t i = 0; i < json_count(acks); i++) {
        take_ack(am, json_at(acks, i));
    }
    for (size_t i = 0; i < json_count(beats); i++) {
        take_heartbeat(am, json_at(beats, i));
    }
    arena_done(&arena);
    note_sender(am, json_text(json_get(root, "name")));
    json_write_object_begin(&json);
    lock_acquire(&am->lock);
    json_write_pair_str(&json, STR("name"),
                        am->peers != NULL ? str_from(am->peers->name) : STR(""));
    lock_release(&am->lock);
    json_write_object_end(&json);
    return 0;
}

void am_peers_write_status(struct am *am, struct json_writer *json)
{
    lock_acquire(&am->lock);
    json_write_object_begin(json);
    if (am->peers != NULL) {
        json_write_pair_str(json, STR("name"), str_from(am->peers->name));
    }
    json_write_key(json, STR("peers"));
    json_write_array_begin(json);
    for (size_t i = 0; am->peers != NULL && i < am->peers->count; i++) {
        const struct am_peer *peer = &am->peers->items[i];

        if (is_alive(am->peers, peer)) {
            json_write_object_begin(json);
            json_write_pair_str(json, STR("address"), str_from(peer->url));
            json_write_pair_str(json, STR("name"), str_from(peer->name));
            json_write_object_end(json);
        }
    }
    json_write_array_end(json);
    json_write_pair_str(json, STR("status"),
                        am->peers == NULL             ? STR("disabled")
                        : am_peers_settled_locked(am) ? STR("ready")
                                                      : STR("settling"));
    json_write_object_end(json);
    lock_release(&am->lock);
}
