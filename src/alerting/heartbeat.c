#include "alerting/heartbeat.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rfc3339.h"
#include "base/vec.h"
#include "http/client.h"
#include "sys/clock.h"
#include "sys/db.h"
#include "sys/fs.h"

#define RESEND_DEFAULT ((dur)DUR_MINUTE)
#define WRITE_PATIENCE ((dur)10 * DUR_SECOND)
#define RECOVERY       ((dur)5 * DUR_SECOND)
#define RETRY_NS       (1 * MONO_PER_SECOND)

enum { ANSWER_BYTES_MAX = 64 << 10, URL_BYTES_MAX = 8 << 10 };

static const char schema[] = "CREATE TABLE IF NOT EXISTS heartbeats(name TEXT PRIMARY KEY,"
                             " heard INTEGER, since INTEGER) WITHOUT ROWID;";

/* Everything but spec, thread and owner under the lock. */
struct out {
    struct heartbeats *owner;
    const struct heartbeat_send *spec;
    pthread_t thread;
    bool is_running;
    ts tried_at; /* 0 = never, and so below */
    ts sent_at;
    bool is_withheld;
    char why[256]; /* it was not sent, or did not arrive; "" = all is well */
    uint64_t sent, failed, withheld;
};

struct in {
    const struct heartbeat_expect *spec;
    ts heard_at; /* 0 = never */
    ts since;    /* it is expected */
    ts told_at;  /* the alert was sent */
    ts over;     /* it was missing since then, and has come: the end is to be told; 0 = no */
    bool is_dirty;
    uint64_t heard;
};

struct heartbeats {
    struct heartbeat_options options;
    struct db *db; /* of the watching thread; of apply while there is none. NULL = none */

    struct lock lock;       /* guards what follows */
    pthread_cond_t changed; /* something came in, or the end is near */
    pthread_cond_t written;
    struct heartbeat_config *config;
    struct out *outs;
    struct in *ins;
    uint64_t put, done; /* changes for the disk */
    struct baro_error failure;
    _Atomic bool stop;
    pthread_t watcher;
    bool is_watching;
};

static ts now_ms(void)
{
    return clock_now(clock_real());
}

static ts due_of(const struct in *in)
{
    return (in->heard_at != 0 ? in->heard_at : in->since) + in->spec->period + in->spec->grace;
}

/* ---- Out ---- */

static int read_url(const struct heartbeat_send *spec, struct arena *arena, str *ret,
                    struct baro_error *err)
{
    int r = 0;

    *ret = secret_reveal(spec->url);
    if (spec->url_file.len > 0) {
        r = fs_read_all(fs_real(), arena, spec->url_file.ptr, URL_BYTES_MAX, ret, err);
    }
    *ret = str_trim(*ret);
    return r < 0 ? r : ret->len == 0 ? error_set(err, BARO_EINVALID, "the URL is empty") : 0;
}

static void write_body(const struct heartbeat_send *spec, struct buf *ret)
{
    struct json_writer json = json_write_over(ret);
    struct buf time = {0};

    rfc3339_format(&time, now_ms());
    json_write_object_begin(&json);
    json_write_pair_str(&json, STR("name"), spec->name);
    json_write_pair_str(&json, STR("status"), STR("ok"));
    json_write_pair_str(&json, STR("time"), buf_view(&time));
    json_write_object_end(&json);
    buf_done(&time);
}

/* Errors of HTTP clients name the URL, which may be a secret. */
static int call_url(const struct out *out, struct baro_error *err)
{
    static const struct prom_http defaults = {.follow_redirects = true};
    static const char *const lines[] = {"Content-Type: application/json"};
    CLEANUP(http_headers_freep)
    struct http_headers *headers = http_headers_new(lines, ARRAY_COUNT(lines));
    const struct heartbeat_send *spec = out->spec;
    struct http_call call = {.headers = headers,
                             .timeout = spec->timeout,
                             .body_bytes_max = ANSWER_BYTES_MAX,
                             .cancel = &out->owner->stop};
    struct arena arena = {0};
    struct buf body = {0};
    struct buf answer = {0};
    str url = STR("");
    int r = read_url(spec, &arena, &url, err);

    if (r >= 0) {
        write_body(spec, &body);
        call.url = arena_str(&arena, url).ptr;
        call.post = spec->is_get ? STR_NULL : buf_view(&body);
        r = http_fetch(spec->http != NULL ? spec->http : &defaults, &call, &answer);
        if (r < 0) {
            r = error_set(err, r, r == BARO_ETIMEOUT ? "no answer in time" : "cannot be reached");
        } else if (call.status / 100 != 2) {
            r = error_set(err, BARO_ENETWORK, "answered %s", call.status_text);
        }
    }
    arena_done(&arena);
    buf_done(&body);
    buf_done(&answer);
    return r;
}

static void note_out(struct out *out, bool withheld, str why)
{
    struct heartbeats *beats = out->owner;
    bool is_news;

    lock_acquire(&beats->lock);
    is_news = (why.len > 0) != (out->why[0] != '\0') || out->is_withheld != withheld;
    out->tried_at = now_ms();
    out->is_withheld = withheld;
    (void)snprintf(out->why, sizeof(out->why), "%.*s", STR_ARG(why));
    if (withheld) {
        out->withheld++;
    } else if (why.len > 0) {
        out->failed++;
    } else {
        out->sent++;
        out->sent_at = out->tried_at;
    }
    lock_release(&beats->lock);
    if (is_news && why.len > 0) {
        log_warn(withheld ? "a heartbeat is held back" : "a heartbeat did not arrive",
                 log_str("name", out->spec->name), log_str("why", why));
    } else if (is_news) {
        log_info("a heartbeat is sent again", log_str("name", out->spec->name));
    }
}

/* Whether it was not held back. */
static bool send_one(struct out *out)
{
    const struct heartbeat_options *options = &out->owner->options;
    struct baro_error err = {0};
    struct buf why = {0};
    bool good = options->is_well == NULL || options->is_well(options->context, out->spec, &why);

    if (!good) {
        note_out(out, true, why.len > 0 ? buf_view(&why) : STR("not well"));
    } else if (call_url(out, &err) < 0) {
        if (!atomic_load_explicit(&out->owner->stop, memory_order_relaxed)) {
            note_out(out, false, str_from(err.message));
        }
    } else {
        note_out(out, false, STR(""));
    }
    buf_done(&why);
    return good;
}

static void *send_loop(void *context)
{
    struct out *out = context;
    struct heartbeats *beats = out->owner;

    lock_acquire(&beats->lock);
    while (!atomic_load_explicit(&beats->stop, memory_order_relaxed)) {
        mono start = clock_mono(clock_real());
        dur wait = out->spec->interval;
        mono next;

        lock_release(&beats->lock);
        if (!send_one(out) && wait > RECOVERY) {
            wait = RECOVERY; /* as soon as all is well again */
        }
        next = start + wait * MONO_PER_MS;
        lock_acquire(&beats->lock);
        while (!atomic_load_explicit(&beats->stop, memory_order_relaxed) &&
               clock_mono(clock_real()) < next) {
            (void)lock_wait(&beats->lock, &beats->changed, next);
        }
    }
    lock_release(&beats->lock);
    return NULL;
}

/* ---- In ---- */

/* The alert of one that stays away; in the arena. */
static struct alert alert_of(const struct in *in, ts starts_at, ts ends_at, struct arena *arena)
{
    const struct heartbeat_expect *spec = in->spec;
    struct labels labels = labels_with(arena, spec->labels, STR("heartbeat"), spec->name);
    struct labels annotations = spec->annotations;
    struct buf period = {0};

    if (labels_get(labels, STR("alertname")).ptr == NULL) {
        labels = labels_with(arena, labels, STR("alertname"), STR("HeartbeatMissing"));
    }
    dur_format(&period, spec->period);
    if (labels_get(annotations, STR("summary")).ptr == NULL) {
        annotations = labels_with(
            arena, annotations, STR("summary"),
            arena_printf(arena, "Heartbeat %.*s has not come; it is expected every %.*s",
                         STR_ARG(spec->name), STR_ARG(buf_view(&period))));
    }
    buf_done(&period);
    return (struct alert){.labels = labels,
                          .annotations = annotations,
                          .starts_at = starts_at,
                          .ends_at = ends_at,
                          .generator_url = STR("")};
}

/* What the watching thread has to do now, taken down under the lock. */
struct round {
    struct arena arena;
    VEC(struct alert) alerts;
    VEC(struct in) dirty;
    uint64_t put;
    ts next; /* when one will be missed */
};

static void look_locked(struct heartbeats *beats, struct round *round)
{
    dur resend = beats->options.resend_delay;
    ts now = now_ms();

    lock_assert_held(&beats->lock);
    round->next = now + resend;
    round->put = beats->put;
    for (size_t i = 0; i < beats->config->expect_count; i++) {
        struct in *in = &beats->ins[i];
        ts due = due_of(in);

        if (in->is_dirty) {
            vec_push(&round->dirty, *in);
            in->is_dirty = false;
        }
        if (in->over != 0) {
            vec_push(&round->alerts, alert_of(in, in->over, now, &round->arena));
            in->over = 0;
            in->told_at = 0;
        }
        if (now >= due && now - in->told_at >= resend) {
            vec_push(&round->alerts, alert_of(in, due, now + 4 * resend, &round->arena));
            in->told_at = now;
        }
        due = now >= due ? in->told_at + resend : due;
        round->next = due < round->next ? due : round->next;
    }
}

static int write_rows(struct heartbeats *beats, const struct in *items, size_t count,
                      struct baro_error *err)
{
    CLEANUP(db_query_freep) struct db_query *query = NULL;
    int r =
        db_prepare(beats->db, "INSERT OR REPLACE INTO heartbeats VALUES(?1,?2,?3)", &query, err);

    r = r < 0 ? r : db_begin(beats->db, err);
    for (size_t i = 0; i < count && r >= 0; i++) {
        db_bind_str(query, 1, items[i].spec->name);
        db_bind_i64(query, 2, items[i].heard_at);
        db_bind_i64(query, 3, items[i].since);
        r = db_query_run(query, err);
    }
    r = r < 0 ? r : db_commit(beats->db, err);
    if (r < 0) {
        db_rollback(beats->db);
    }
    return r;
}

/* Without the lock; a row that could not be written is dirty again. */
static bool write_dirty(struct heartbeats *beats, const struct round *round)
{
    struct baro_error err = {0};
    int r = 0;

    if (beats->db != NULL && round->dirty.count > 0) {
        r = write_rows(beats, round->dirty.items, round->dirty.count, &err);
    }
    if (r < 0) {
        log_error("heartbeats cannot be written; trying again", log_err(&err));
    }
    lock_acquire(&beats->lock);
    beats->failure = err;
    for (size_t i = 0; r < 0 && i < round->dirty.count; i++) {
        beats->ins[round->dirty.items[i].spec - beats->config->expects].is_dirty = true;
    }
    beats->done = r >= 0 ? round->put : beats->done;
    (void)pthread_cond_broadcast(&beats->written);
    lock_release(&beats->lock);
    return r >= 0;
}

static void *watch_loop(void *context)
{
    struct heartbeats *beats = context;

    lock_acquire(&beats->lock);
    while (!atomic_load_explicit(&beats->stop, memory_order_relaxed)) {
        struct round round = {0};
        bool good;

        look_locked(beats, &round);
        lock_release(&beats->lock);
        if (round.alerts.count > 0) {
            beats->options.sink->send(beats->options.sink, round.alerts.items, round.alerts.count);
        }
        good = write_dirty(beats, &round);
        lock_acquire(&beats->lock);
        if (!atomic_load_explicit(&beats->stop, memory_order_relaxed) &&
            (beats->put == round.put || !good)) {
            mono wait = (round.next - now_ms()) * MONO_PER_MS;

            wait = !good && wait > RETRY_NS ? RETRY_NS : wait;
            (void)lock_wait(&beats->lock, &beats->changed,
                            clock_mono(clock_real()) + (wait > 0 ? wait : MONO_PER_MS));
        }
        vec_done(&round.alerts);
        vec_done(&round.dirty);
        arena_done(&round.arena);
    }
    lock_release(&beats->lock);
    return NULL;
}

static struct in *find_in(struct heartbeats *beats, str name)
{
    for (size_t i = 0; i < beats->config->expect_count; i++) {
        if (str_eq(beats->ins[i].spec->name, name)) {
            return &beats->ins[i];
        }
    }
    return NULL;
}

/* Waits until the change `wanted` is on the disk. */
static int wait_written_locked(struct heartbeats *beats, uint64_t wanted, struct baro_error *err)
{
    mono deadline = clock_mono(clock_real()) + WRITE_PATIENCE * MONO_PER_MS;

    while (beats->done < wanted) {
        if (atomic_load_explicit(&beats->stop, memory_order_relaxed)) {
            return error_set(err, BARO_EBUSY, "heartbeats: stopping, or reloading: try again");
        }
        if (beats->failure.code != 0) {
            *err = beats->failure;
            return error_wrap(err, err->code, "heartbeats");
        }
        if (!lock_wait(&beats->lock, &beats->written, deadline)) {
            return error_set(err, BARO_ETIMEOUT, "heartbeats: the disk did not answer in time");
        }
    }
    return 0;
}

/* It has come: an alert about it, if there is one, ends now. */
static void note_in_locked(struct heartbeats *beats, struct in *in, ts heard_at)
{
    lock_assert_held(&beats->lock);
    if (now_ms() >= due_of(in)) {
        in->over = due_of(in);
    }
    in->heard_at = heard_at;
    in->is_dirty = true;
    beats->put++;
    (void)pthread_cond_broadcast(&beats->changed);
}

int heartbeats_hear(struct heartbeats *beats, str name, ts *ret_due, struct baro_error *err)
{
    struct in *in;
    ts now = now_ms();
    int r = 0;

    lock_acquire(&beats->lock);
    in = find_in(beats, name);
    if (in == NULL) {
        r = error_set(err, BARO_ENOTFOUND, "no heartbeat \"%.*s\" is expected", STR_ARG(name));
    } else {
        note_in_locked(beats, in, now);
        in->heard++;
        *ret_due = due_of(in);
        beats->failure = (struct baro_error){0};
        r = wait_written_locked(beats, beats->put, err);
    }
    lock_release(&beats->lock);
    if (r != BARO_ENOTFOUND && beats->options.heard != NULL) {
        beats->options.heard(beats->options.context, name, now);
    }
    return r;
}

bool heartbeats_merge(struct heartbeats *beats, str name, ts heard_at)
{
    struct in *in;
    ts now = now_ms();

    heard_at = heard_at < now ? heard_at : now;
    lock_acquire(&beats->lock);
    in = find_in(beats, name);
    if (in != NULL && heard_at > in->heard_at) {
        note_in_locked(beats, in, heard_at);
    }
    lock_release(&beats->lock);
    return in != NULL;
}

void heartbeats_ask(struct heartbeats *beats, ts (*known)(void *context, str name), void *context)
{
    for (size_t i = 0; i < beats->config->expect_count; i++) {
        str name = beats->config->expects[i].name;

        (void)heartbeats_merge(beats, name, known(context, name));
    }
}

/* ---- Life cycle ---- */

/* What is known of an expected one: from before, from the disk, or it begins now. */
static int load_in(struct heartbeats *beats, struct in *in, struct baro_error *err)
{
    CLEANUP(db_query_freep) struct db_query *query = NULL;
    int r = 0;

    in->since = now_ms();
    if (beats->db == NULL) {
        return 0;
    }
    r = db_prepare(beats->db, "SELECT heard, since FROM heartbeats WHERE name = ?1", &query, err);
    if (r >= 0) {
        db_bind_str(query, 1, in->spec->name);
        r = db_query_step(query, err);
    }
    if (r > 0) {
        in->heard_at = db_column_i64(query, 0);
        in->since = db_column_i64(query, 1);
    } else if (r == 0) {
        query = db_query_free(query);
        r = write_rows(beats, in, 1, err);
    }
    return r < 0 ? r : 0;
}

static int start_threads(struct heartbeats *beats, struct baro_error *err)
{
    int r = pthread_create(&beats->watcher, NULL, watch_loop, beats);

    beats->is_watching = r == 0;
    for (size_t i = 0; i < beats->config->send_count && r == 0; i++) {
        r = pthread_create(&beats->outs[i].thread, NULL, send_loop, &beats->outs[i]);
        beats->outs[i].is_running = r == 0;
    }
    return r == 0 ? 0 : error_system(err, r, "heartbeats: no thread");
}

/* Nobody changes the list meanwhile: life cycle is one thread's. */
static void tell_known(struct heartbeats *beats)
{
    for (size_t i = 0; beats->options.heard != NULL && i < beats->config->expect_count; i++) {
        ts heard_at;

        lock_acquire(&beats->lock);
        heard_at = beats->ins[i].heard_at;
        lock_release(&beats->lock);
        if (heard_at != 0) {
            beats->options.heard(beats->options.context, beats->config->expects[i].name, heard_at);
        }
    }
}

static int begin(struct heartbeats *beats, struct heartbeat_config *config, struct baro_error *err)
{
    struct out *outs = mem_alloc_zero((config->send_count + 1) * sizeof(*outs));
    struct in *ins = mem_alloc_zero((config->expect_count + 1) * sizeof(*ins));
    int r = 0;

    for (size_t i = 0; i < config->send_count; i++) {
        outs[i].owner = beats;
        outs[i].spec = &config->sends[i];
    }
    for (size_t i = 0; i < config->expect_count && r >= 0; i++) {
        ins[i].spec = &config->expects[i];
        r = load_in(beats, &ins[i], err);
    }
    lock_acquire(&beats->lock);
    for (size_t i = 0; beats->config != NULL && i < config->expect_count; i++) {
        const struct in *before = find_in(beats, config->expects[i].name);

        if (before != NULL) {
            ins[i] = *before;
            ins[i].spec = &config->expects[i];
        }
    }
    (void)mem_free(beats->outs);
    (void)mem_free(beats->ins);
    (void)heartbeat_config_free(beats->config);
    beats->outs = outs;
    beats->ins = ins;
    beats->config = config;
    atomic_store_explicit(&beats->stop, false, memory_order_relaxed);
    lock_release(&beats->lock);
    if (r >= 0) {
        tell_known(beats);
        r = start_threads(beats, err);
    }
    return r;
}

int heartbeats_new(const struct heartbeat_options *options, struct heartbeat_config *config,
                   struct heartbeats **ret, struct baro_error *err)
{
    CLEANUP(heartbeats_freep) struct heartbeats *beats = MEM_NEW(struct heartbeats);
    int r = 0;

    beats->options = *options;
    beats->options.resend_delay =
        options->resend_delay > 0 ? options->resend_delay : RESEND_DEFAULT;
    lock_init(&beats->lock, LOCK_HEARTBEAT);
    lock_condition_init(&beats->changed);
    lock_condition_init(&beats->written);
    if (options->state_path != NULL) {
        r = db_open(options->state_path, schema, DB_SYNC_NORMAL, &beats->db, err);
    }
    if (r < 0) {
        (void)heartbeat_config_free(config);
        return r;
    }
    r = begin(beats, config, err);
    if (r < 0) {
        return r;
    }
    *ret = TAKE(beats);
    return 0;
}

void heartbeats_stop(struct heartbeats *beats)
{
    lock_acquire(&beats->lock);
    atomic_store_explicit(&beats->stop, true, memory_order_relaxed);
    (void)pthread_cond_broadcast(&beats->changed);
    (void)pthread_cond_broadcast(&beats->written);
    lock_release(&beats->lock);
    for (size_t i = 0; beats->config != NULL && i < beats->config->send_count; i++) {
        if (beats->outs[i].is_running) {
            (void)pthread_join(beats->outs[i].thread, NULL);
            beats->outs[i].is_running = false;
        }
    }
    if (beats->is_watching) {
        (void)pthread_join(beats->watcher, NULL);
        beats->is_watching = false;
    }
}

int heartbeats_apply(struct heartbeats *beats, struct heartbeat_config *config,
                     struct baro_error *err)
{
    heartbeats_stop(beats);
    return begin(beats, config, err);
}

struct heartbeats *heartbeats_free(struct heartbeats *beats)
{
    if (beats == NULL) {
        return NULL;
    }
    heartbeats_stop(beats);
    (void)mem_free(beats->outs);
    (void)mem_free(beats->ins);
    (void)heartbeat_config_free(beats->config);
    (void)db_close(beats->db);
    (void)pthread_cond_destroy(&beats->changed);
    (void)pthread_cond_destroy(&beats->written);
    lock_done(&beats->lock);
    return mem_free(beats);
}

/* ---- What is shown ---- */

static void write_time(struct json_writer *json, str key, ts t)
{
    struct buf text = {0};

    if (t != 0) {
        rfc3339_format(&text, t);
        json_write_pair_str(json, key, buf_view(&text));
    }
    buf_done(&text);
}

static void write_out(struct json_writer *json, const struct out *out)
{
    json_write_object_begin(json);
    json_write_pair_str(json, STR("name"), out->spec->name);
    json_write_pair_number(json, STR("intervalSeconds"), (double)out->spec->interval / 1000);
    json_write_pair_str(json, STR("state"),
                        out->tried_at == 0    ? STR("new")
                        : out->is_withheld    ? STR("withheld")
                        : out->why[0] != '\0' ? STR("failed")
                                              : STR("ok"));
    write_time(json, STR("sentAt"), out->sent_at);
    if (out->why[0] != '\0') {
        json_write_pair_str(json, STR("why"), str_from(out->why));
    }
    json_write_object_end(json);
}

static void write_in(struct json_writer *json, const struct in *in, ts now)
{
    json_write_object_begin(json);
    json_write_pair_str(json, STR("name"), in->spec->name);
    json_write_pair_number(json, STR("periodSeconds"), (double)in->spec->period / 1000);
    json_write_pair_number(json, STR("graceSeconds"), (double)in->spec->grace / 1000);
    json_write_pair_str(json, STR("state"),
                        now >= due_of(in)   ? STR("missing")
                        : in->heard_at == 0 ? STR("new")
                                            : STR("ok"));
    write_time(json, STR("heardAt"), in->heard_at);
    write_time(json, STR("dueAt"), due_of(in));
    json_write_object_end(json);
}

void heartbeats_write(struct heartbeats *beats, struct json_writer *json)
{
    ts now = now_ms();

    lock_acquire(&beats->lock);
    json_write_object_begin(json);
    json_write_key(json, STR("send"));
    json_write_array_begin(json);
    for (size_t i = 0; i < beats->config->send_count; i++) {
        write_out(json, &beats->outs[i]);
    }
    json_write_array_end(json);
    json_write_key(json, STR("expect"));
    json_write_array_begin(json);
    for (size_t i = 0; i < beats->config->expect_count; i++) {
        write_in(json, &beats->ins[i], now);
    }
    json_write_array_end(json);
    json_write_object_end(json);
    lock_release(&beats->lock);
}

static void write_head(struct buf *buf, const char *name, const char *type, const char *help)
{
    buf_printf(buf, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_line(struct buf *buf, const char *name, str heartbeat, const char *more,
                       double value)
{
    buf_printf(buf, "%s{heartbeat=\"%.*s\"%s} ", name, STR_ARG(heartbeat), more);
    buf_double(buf, value, NUM_G);
    buf_char(buf, '\n');
}

void heartbeats_metrics_write(struct heartbeats *beats, struct buf *buf)
{
    static const char calls[] = "barograph_heartbeat_calls_total";
    static const char missing[] = "barograph_heartbeat_missing";
    static const char heard[] = "barograph_heartbeat_heard_timestamp_seconds";
    ts now = now_ms();

    lock_acquire(&beats->lock);
    write_head(buf, calls, "counter",
               "Heartbeats that were due to be sent, by what became of them.");
    for (size_t i = 0; i < beats->config->send_count; i++) {
        const struct out *out = &beats->outs[i];

        write_line(buf, calls, out->spec->name, ",outcome=\"sent\"", (double)out->sent);
        write_line(buf, calls, out->spec->name, ",outcome=\"failed\"", (double)out->failed);
        write_line(buf, calls, out->spec->name, ",outcome=\"withheld\"", (double)out->withheld);
    }
    write_head(buf, missing, "gauge", "Whether an expected heartbeat stays away.");
    for (size_t i = 0; i < beats->config->expect_count; i++) {
        write_line(buf, missing, beats->ins[i].spec->name, "",
                   now >= due_of(&beats->ins[i]) ? 1 : 0);
    }
    write_head(buf, heard, "gauge", "When an expected heartbeat came last.");
    for (size_t i = 0; i < beats->config->expect_count; i++) {
        write_line(buf, heard, beats->ins[i].spec->name, "", (double)beats->ins[i].heard_at / 1000);
    }
    lock_release(&beats->lock);
}
