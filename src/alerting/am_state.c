#include "alerting/am_state.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/json.h"
#include "codec/json_write.h"
#include "sys/clock.h"
#include "sys/db.h"

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS alerts(id INTEGER PRIMARY KEY, starts INTEGER, ends INTEGER,"
    " updated INTEGER, timeout INTEGER, labels TEXT, annotations TEXT, generator TEXT);"
    "CREATE TABLE IF NOT EXISTS silences(id TEXT PRIMARY KEY, starts INTEGER, ends INTEGER,"
    " updated INTEGER, matchers TEXT, creator TEXT, comment TEXT) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS schedules(id TEXT PRIMARY KEY, intervals TEXT) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS silence_annotations(id TEXT PRIMARY KEY, annotations TEXT) WITHOUT "
    "ROWID;"
    "CREATE TABLE IF NOT EXISTS nflog(key TEXT PRIMARY KEY, time INTEGER, expires INTEGER,"
    " firing TEXT, resolved TEXT, thread TEXT) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS acks(fingerprint INTEGER PRIMARY KEY, created INTEGER,"
    " ends INTEGER, updated INTEGER, taken_back INTEGER, creator TEXT, comment TEXT);"
    "CREATE TABLE IF NOT EXISTS deliveries(id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER,"
    " receiver TEXT, integration TEXT, group_key TEXT, status TEXT, outcome TEXT, error TEXT,"
    " message TEXT, alerts INTEGER, attempts INTEGER, http_status INTEGER, duration INTEGER);";

/* Files of before had their alerts in the order of fingerprints, which is any: 2,000 that came in
 * one message were on 2,000 pages. */
static const char is_old[] = "SELECT 1 FROM pragma_table_info('alerts') WHERE name='fingerprint'";
static const char renew[] =
    "ALTER TABLE alerts RENAME TO alerts_before;"
    "CREATE TABLE alerts(id INTEGER PRIMARY KEY, starts INTEGER, ends INTEGER, updated INTEGER,"
    " timeout INTEGER, labels TEXT, annotations TEXT, generator TEXT);"
    "INSERT INTO alerts SELECT NULL, starts, ends, updated, timeout, labels, annotations, generator"
    " FROM alerts_before;"
    "DROP TABLE alerts_before;";

/* 8 MiB of pages are kept, so that fewer are read before they are changed, and the WAL takes 32 MiB
 * before it is written back, so that a page is written back once for many changes. */
static const char pages[] = "PRAGMA cache_size=-8192; PRAGMA wal_autocheckpoint=8192;";

/* The kinds of changes; each is one statement. */
enum op_kind {
    OP_ALERT,
    OP_ALERT_TOUCHED,
    OP_ALERT_GONE,
    OP_SILENCE,
    OP_SILENCE_GONE,
    OP_SCHEDULE,
    OP_SCHEDULE_GONE,
    OP_ANNOTATIONS,
    OP_ANNOTATIONS_GONE,
    OP_ACK,
    OP_ACK_GONE,
    OP_ENTRY,
    OP_ENTRY_GONE,
    OP_ALIVE,
    OP_DELIVERY,
    OP_COUNT,
};

enum { OP_NUMBERS = 6, OP_TEXTS = 8, RETRY_SECONDS = 1 };

static const char *const statements[OP_COUNT] = {
    [OP_ALERT] = "INSERT OR REPLACE INTO alerts VALUES(?1,?2,?3,?4,?5,?7,?8,?9)",
    [OP_ALERT_TOUCHED] = "UPDATE alerts SET ends=?3, updated=?4, timeout=?5 WHERE id=?1",
    [OP_ALERT_GONE] = "DELETE FROM alerts WHERE id=?1",
    [OP_SILENCE] = "INSERT OR REPLACE INTO silences VALUES(?7,?1,?2,?3,?8,?9,?10)",
    [OP_SILENCE_GONE] = "DELETE FROM silences WHERE id=?7",
    [OP_SCHEDULE] = "INSERT OR REPLACE INTO schedules VALUES(?7,?8)",
    [OP_SCHEDULE_GONE] = "DELETE FROM schedules WHERE id=?7",
    [OP_ANNOTATIONS] = "INSERT OR REPLACE INTO silence_annotations VALUES(?7,?8)",
    [OP_ANNOTATIONS_GONE] = "DELETE FROM silence_annotations WHERE id=?7",
    [OP_ACK] = "INSERT OR REPLACE INTO acks VALUES(?1,?2,?3,?4,?5,?7,?8)",
    [OP_ACK_GONE] = "DELETE FROM acks WHERE fingerprint=?1",
    [OP_ENTRY] = "INSERT OR REPLACE INTO nflog VALUES(?7,?1,?2,?8,?9,?10)",
    [OP_ENTRY_GONE] = "DELETE FROM nflog WHERE key=?7",
    [OP_ALIVE] = "INSERT OR REPLACE INTO meta VALUES('alive',?1)",
    [OP_DELIVERY] = "INSERT INTO deliveries VALUES(NULL,?1,?7,?8,?9,?10,?11,?12,?13,?2,?3,?4,?5)",
};

/* One change: numbers are parameters 1 to 6, texts 7 to 14. One block. */
struct op {
    struct op *next;
    struct am_kept *kept; /* of OP_ALERT: its texts are made by the writer */
    enum op_kind kind;
    int64_t numbers[OP_NUMBERS];
    str texts[OP_TEXTS];
    size_t bytes;
};

struct am_state {
    struct db *db; /* of the opener until start, of the writer afterwards */
    struct db_query *queries[OP_COUNT];
    char *path;
    pthread_t thread;
    bool is_started;
    _Atomic int64_t last_row; /* of an alert; a counter */

    struct lock lock;
    pthread_cond_t wanted;  /* something waits, or the end is near */
    pthread_cond_t written; /* a transaction has ended */
    struct op *first;       /* lock: what waits, in order */
    struct op **last;
    uint64_t put;  /* changes ever queued */
    uint64_t done; /* changes ever written */
    bool ending;
    struct baro_error failure; /* of the last transaction; code 0 when it went well */
    struct am_state_stats stats;
};

/* ---- Life cycle ---- */

static int alerts_renew(struct am_state *state, struct baro_error *err)
{
    CLEANUP(db_query_freep) struct db_query *query = NULL;
    int r = db_prepare(state->db, is_old, &query, err);

    r = r < 0 ? r : db_query_step(query, err);
    query = db_query_free(query);
    if (r <= 0) {
        return r;
    }
    r = db_begin(state->db, err);
    r = r < 0 ? r : db_exec(state->db, renew, err);
    r = r < 0 ? r : db_commit(state->db, err);
    if (r < 0) {
        db_rollback(state->db);
    }
    return r;
}

static int last_row_read(struct am_state *state, struct baro_error *err)
{
    CLEANUP(db_query_freep) struct db_query *query = NULL;
    int r = db_prepare(state->db, "SELECT max(id) FROM alerts", &query, err);

    r = r < 0 ? r : db_query_step(query, err);
    if (r > 0) {
        atomic_init(&state->last_row, db_column_i64(query, 0));
    }
    return r;
}

int am_state_open(const char *path, struct am_state **ret, struct baro_error *err)
{
    CLEANUP(am_state_closep) struct am_state *state = MEM_NEW(struct am_state);
    int r;

    lock_init(&state->lock, LOCK_AM_STATE);
    lock_condition_init(&state->wanted);
    lock_condition_init(&state->written);
    state->last = &state->first;
    state->path = str_dup_c(str_from(path));
    r = db_open(path, schema, DB_SYNC_NORMAL, &state->db, err);
    r = r < 0 ? r : db_exec(state->db, pages, err);
    r = r < 0 ? r : alerts_renew(state, err);
    r = r < 0 ? r : last_row_read(state, err);
    for (size_t i = 0; r >= 0 && i < OP_COUNT; i++) {
        r = db_prepare(state->db, statements[i], &state->queries[i], err);
    }
    if (r < 0) {
        return r;
    }
    *ret = TAKE(state);
    return 0;
}

static void op_free(struct op *op)
{
    am_kept_unref(op->kept);
    (void)mem_free(op);
}

struct am_state *am_state_close(struct am_state *state)
{
    if (state == NULL) {
        return NULL;
    }
    if (state->is_started) {
        lock_acquire(&state->lock);
        state->ending = true;
        (void)pthread_cond_broadcast(&state->wanted);
        lock_release(&state->lock);
        (void)pthread_join(state->thread, NULL);
    }
    while (state->first != NULL) {
        struct op *op = state->first;

        state->first = op->next;
        op_free(op);
    }
    for (size_t i = 0; i < OP_COUNT; i++) {
        (void)db_query_free(state->queries[i]);
    }
    (void)db_close(state->db);
    (void)pthread_cond_destroy(&state->wanted);
    (void)pthread_cond_destroy(&state->written);
    lock_done(&state->lock);
    (void)mem_free(state->path);
    return mem_free(state);
}

/* ---- Texts ---- */

static void write_labels(struct buf *buf, struct labels labels)
{
    struct json_writer json = json_write_over(buf);

    json_write_object_begin(&json);
    for (size_t i = 0; i < labels.count; i++) {
        json_write_key(&json, labels.items[i].name);
        json_write_str_plain(&json, labels.items[i].value);
    }
    json_write_object_end(&json);
}

static void write_matchers(struct buf *buf, const am_matchers *matchers)
{
    static const char *const ops[] = {"=", "!=", "=~", "!~"};
    struct json_writer json = json_write_over(buf);

    json_write_array_begin(&json);
    for (size_t i = 0; i < matchers->count; i++) {
        json_write_array_begin(&json);
        json_write_str_plain(&json, matchers->items[i].name);
        json_write_str(&json, str_from(ops[matchers->items[i].op]));
        json_write_str_plain(&json, matchers->items[i].value);
        json_write_array_end(&json);
    }
    json_write_array_end(&json);
}

static void write_hashes(struct buf *buf, const uint64_t *hashes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_printf(buf, "%016llx", (unsigned long long)hashes[i]);
    }
}

/* ---- Changes ---- */

static void push(struct am_state *state, struct op *op)
{
    lock_acquire(&state->lock);
    if (state->stats.queued_bytes + op->bytes > AM_STATE_QUEUE_BYTES_MAX) {
        state->stats.refused++;
        lock_release(&state->lock);
        op_free(op);
        return;
    }
    state->stats.queued_bytes += op->bytes;
    state->put++;
    *state->last = op;
    state->last = &op->next;
    if (state->first == op) {
        (void)pthread_cond_signal(&state->wanted);
    }
    lock_release(&state->lock);
}

/* An operation with its texts copied behind it. */
static struct op *op_new(enum op_kind kind, const int64_t *numbers, size_t number_count,
                         const str *texts, size_t text_count)
{
    size_t bytes = sizeof(struct op);
    struct op *op;
    char *to;

    ASSERT(number_count <= OP_NUMBERS && text_count <= OP_TEXTS);
    for (size_t i = 0; i < text_count; i++) {
        bytes += texts[i].len;
    }
    op = mem_alloc(bytes);
    *op = (struct op){.kind = kind, .bytes = bytes};
    if (number_count > 0) {
        memcpy(op->numbers, numbers, number_count * sizeof(*numbers));
    }
    to = (char *)(op + 1);
    for (size_t i = 0; i < text_count; i++) {
        if (texts[i].len > 0) {
            memcpy(to, texts[i].ptr, texts[i].len);
        }
        op->texts[i] = str_of(to, texts[i].len);
        to += texts[i].len;
    }
    return op;
}

void am_state_alert(struct am_state *state, struct am_kept *kept, bool touched)
{
    struct op *op;

    /* Those that come together lie together: later reports of them change few pages. */
    if (kept->row == 0) {
        kept->row = atomic_fetch_add_explicit(&state->last_row, 1, memory_order_relaxed) + 1;
    }
    op = op_new(touched ? OP_ALERT_TOUCHED : OP_ALERT,
                (const int64_t[]){kept->row, kept->alert.starts_at, kept->alert.ends_at,
                                  kept->alert.updated_at, kept->alert.ends_by_time_out},
                5, NULL, 0);
    op->kept = touched ? NULL : am_kept_ref(kept);
    op->bytes += touched ? 0 : am_kept_bytes(&kept->alert);
    push(state, op);
}

void am_state_alert_gone(struct am_state *state, const struct am_kept *kept)
{
    push(state, op_new(OP_ALERT_GONE, &kept->row, 1, NULL, 0));
}

void am_state_silence(struct am_state *state, const struct am_silence *silence, bool gone)
{
    const int64_t numbers[] = {silence->starts_at, silence->ends_at, silence->updated_at};
    struct buf matchers = {0};
    struct buf annotations = {0};

    write_matchers(&matchers, &silence->matchers);
    push(state, op_new(gone ? OP_SILENCE_GONE : OP_SILENCE, numbers, 3,
                       (const str[]){silence->id, buf_view(&matchers), silence->created_by,
                                     silence->comment},
                       4));
    if (silence->schedule != NULL) {
        push(state, op_new(gone ? OP_SCHEDULE_GONE : OP_SCHEDULE, NULL, 0,
                           (const str[]){silence->id, am_schedule_text(silence->schedule)}, 2));
    }
    if (silence->annotations.count > 0) {
        write_labels(&annotations, silence->annotations);
    }
    push(state, op_new(gone || annotations.len == 0 ? OP_ANNOTATIONS_GONE : OP_ANNOTATIONS, NULL, 0,
                       (const str[]){silence->id, buf_view(&annotations)}, 2));
    buf_done(&annotations);
    buf_done(&matchers);
}

void am_state_entry(struct am_state *state, const struct am_nflog_entry *entry, bool gone)
{
    const int64_t numbers[] = {entry->timestamp, entry->expires_at};
    struct buf firing = {0};
    struct buf resolved = {0};

    write_hashes(&firing, entry->firing, gone ? 0 : entry->firing_count);
    write_hashes(&resolved, entry->resolved, gone ? 0 : entry->resolved_count);
    push(state,
         op_new(gone ? OP_ENTRY_GONE : OP_ENTRY, numbers, 2,
                (const str[]){entry->key, buf_view(&firing), buf_view(&resolved), entry->thread_id},
                4));
    buf_done(&firing);
    buf_done(&resolved);
}

void am_state_ack(struct am_state *state, const struct am_ack *ack, bool gone)
{
    const int64_t numbers[] = {(int64_t)ack->fingerprint, ack->created_at, ack->ends_at,
                               ack->updated_at, ack->is_taken_back};

    push(state, op_new(gone ? OP_ACK_GONE : OP_ACK, numbers, 5,
                       (const str[]){ack->created_by, ack->comment}, 2));
}

void am_state_alive(struct am_state *state, ts now)
{
    push(state, op_new(OP_ALIVE, &now, 1, NULL, 0));
}

void am_state_delivery(struct am_state *state, const struct am_delivery *d)
{
    const int64_t numbers[] = {d->time, d->alerts, d->attempts, d->http_status, d->duration};
    const str texts[] = {d->receiver,
                         d->integration,
                         d->group_key,
                         d->status,
                         d->outcome,
                         d->error,
                         str_slice(d->message, 0, AM_DELIVERY_MESSAGE_MAX)};

    push(state, op_new(OP_DELIVERY, numbers, 5, texts, 7));
}

/* ---- The writer ---- */

static int run_op(struct am_state *state, const struct op *op, struct buf *labels,
                  struct buf *annotations, struct baro_error *err)
{
    struct db_query *query = state->queries[op->kind];
    str texts[OP_TEXTS];

    memcpy(texts, op->texts, sizeof(texts));
    if (op->kept != NULL) {
        buf_reset(labels);
        buf_reset(annotations);
        write_labels(labels, op->kept->alert.labels);
        write_labels(annotations, op->kept->alert.annotations);
        texts[0] = buf_view(labels);
        texts[1] = buf_view(annotations);
        texts[2] = op->kept->alert.generator_url;
    }
    for (int i = 0; i < OP_NUMBERS; i++) {
        db_bind_i64(query, i + 1, op->numbers[i]);
    }
    for (int i = 0; i < OP_TEXTS; i++) {
        db_bind_str(query, OP_NUMBERS + i + 1, texts[i].ptr != NULL ? texts[i] : STR(""));
    }
    return db_query_run(query, err);
}

static int trim_deliveries(struct am_state *state, struct baro_error *err)
{
    char sql[160];

    (void)snprintf(sql, sizeof(sql),
                   "DELETE FROM deliveries WHERE id <= (SELECT max(id) FROM deliveries) - %d",
                   AM_DELIVERIES_MAX);
    return db_exec(state->db, sql, err);
}

static int write_all(struct am_state *state, const struct op *first, struct baro_error *err)
{
    struct buf labels = {0};
    struct buf annotations = {0};
    bool has_delivery = false;
    int r = db_begin(state->db, err);

    for (const struct op *op = first; r >= 0 && op != NULL; op = op->next) {
        r = run_op(state, op, &labels, &annotations, err);
        has_delivery = has_delivery || op->kind == OP_DELIVERY;
    }
    r = r >= 0 && has_delivery ? trim_deliveries(state, err) : r;
    r = r >= 0 ? db_commit(state->db, err) : r;
    if (r < 0) {
        db_rollback(state->db);
    }
    buf_done(&labels);
    buf_done(&annotations);
    return r;
}

/* Puts back what could not be written, before what has come since. */
static void put_back_locked(struct am_state *state, struct op *first, struct op **last)
{
    lock_assert_held(&state->lock);
    *last = state->first;
    if (state->first == NULL) {
        state->last = last;
    }
    state->first = first;
}

/* Writes what waits; the lock is held at begin and end. */
static void write_some_locked(struct am_state *state)
{
    struct op *first = state->first;
    struct op **last = state->last;
    struct baro_error err = {0};
    uint64_t count = 0;
    size_t bytes = 0;
    int r;

    lock_assert_held(&state->lock);
    state->first = NULL;
    state->last = &state->first;
    lock_release(&state->lock);
    r = write_all(state, first, &err);
    for (struct op *op = first; r >= 0 && op != NULL;) {
        struct op *next = op->next;

        count++;
        bytes += op->bytes;
        op_free(op);
        op = next;
    }
    if (r < 0) {
        log_error("alerting: state cannot be written; trying again", log_err(&err));
    }
    lock_acquire(&state->lock);
    state->failure = err;
    state->stats.queued_bytes -= bytes;
    state->stats.changes += count;
    state->stats.transactions += r >= 0 ? 1 : 0;
    state->stats.failures += r < 0 ? 1 : 0;
    state->done += count;
    if (r < 0) {
        put_back_locked(state, first, last);
    }
    (void)pthread_cond_broadcast(&state->written);
}

static void *write_loop(void *context)
{
    struct am_state *state = context;

    lock_acquire(&state->lock);
    for (;;) {
        while (state->first == NULL && !state->ending) {
            (void)lock_wait(&state->lock, &state->wanted, 0);
        }
        if (state->first == NULL) {
            break;
        }
        write_some_locked(state);
        if (state->failure.code != 0) {
            if (state->ending) {
                break;
            }
            (void)lock_wait(&state->lock, &state->wanted,
                            clock_mono(clock_real()) + RETRY_SECONDS * MONO_PER_SECOND);
        }
    }
    lock_release(&state->lock);
    return NULL;
}

int am_state_start(struct am_state *state, struct baro_error *err)
{
    int r = pthread_create(&state->thread, NULL, write_loop, state);

    if (r != 0) {
        return error_system(err, r, "alerting: no thread for the state");
    }
    state->is_started = true;
    return 0;
}

int am_state_flush(struct am_state *state, dur timeout, struct baro_error *err)
{
    mono deadline = clock_mono(clock_real()) + timeout * MONO_PER_MS;
    uint64_t wanted;
    uint64_t failures;
    int r = 0;

    lock_acquire(&state->lock);
    wanted = state->put;
    failures = state->stats.failures;
    while (state->done < wanted && r >= 0) {
        if (state->stats.failures > failures && state->failure.code != 0) {
            *err = state->failure;
            r = error_wrap(err, err->code, "alerting state");
        } else if (!lock_wait(&state->lock, &state->written, deadline)) {
            r = error_set(err, BARO_ETIMEOUT, "alerting state: the disk did not answer in time");
        }
    }
    lock_release(&state->lock);
    return r;
}

bool am_state_is_failing(struct am_state *state)
{
    bool failing;

    lock_acquire(&state->lock);
    failing = state->failure.code != 0;
    lock_release(&state->lock);
    return failing;
}

void am_state_stats(struct am_state *state, struct am_state_stats *ret)
{
    lock_acquire(&state->lock);
    *ret = state->stats;
    lock_release(&state->lock);
}

/* ---- Reading back ---- */

static bool read_labels(struct arena *arena, str text, struct labels *ret)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;

    return json_doc_parse(text, &root, NULL) >= 0 && am_labels_read(arena, root, SIZE_MAX, ret);
}

static int load_alerts(struct am_state *state, const struct am_state_reader *reader,
                       size_t *ret_bad, struct baro_error *err)
{
    CLEANUP(db_query_freep) struct db_query *query = NULL;
    struct arena arena = {0};
    int r = db_prepare(state->db,
                       "SELECT starts, ends, updated, timeout, labels, annotations, generator, id"
                       " FROM alerts",
                       &query, err);

    while (r >= 0 && (r = db_query_step(query, err)) > 0) {
        struct am_alert alert = {.starts_at = db_column_i64(query, 0),
                                 .ends_at = db_column_i64(query, 1),
                                 .updated_at = db_column_i64(query, 2),
                                 .ends_by_time_out = db_column_i64(query, 3) != 0,
                                 .generator_url = db_column_str(query, 6)};

        arena_reset(&arena);
        if (read_labels(&arena, db_column_str(query, 4), &alert.labels) && alert.labels.count > 0 &&
            read_labels(&arena, db_column_str(query, 5), &alert.annotations)) {
            alert.fingerprint = am_fingerprint(alert.labels);
            reader->alert(reader->context, &alert, db_column_i64(query, 7));
        } else {
            ++*ret_bad;
        }
    }
    arena_done(&arena);
    return r;
}

static bool read_matchers(struct arena *arena, str text, struct am_silence_spec *spec)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    struct am_silence_matcher *matchers;
    static const char *const ops[] = {"=", "!=", "=~", "!~"};

    if (json_doc_parse(text, &root, NULL) < 0) {
        return false;
    }
    spec->matcher_count = json_count(root);
    matchers = ARENA_ARRAY(arena, struct am_silence_matcher, spec->matcher_count + 1);
    for (size_t i = 0; i < spec->matcher_count; i++) {
        const struct json *row = json_at(root, i);

        matchers[i].name = arena_str(arena, json_text(json_at(row, 0)));
        matchers[i].value = arena_str(arena, json_text(json_at(row, 2)));
        for (size_t k = 0; k < ARRAY_COUNT(ops); k++) {
            if (str_is(json_text(json_at(row, 1)), ops[k])) {
                matchers[i].op = (enum matcher_op)k;
            }
        }
    }
    spec->matchers = matchers;
    return true;
}

static int load_silences(struct am_state *state, const struct am_state_reader *reader,
                         size_t *ret_bad, struct baro_error *err)
{
    CLEANUP(db_query_freep) struct db_query *query = NULL;
    struct arena arena = {0};
    int r = db_prepare(state->db,
                       "SELECT id, starts, ends, updated, matchers, creator, comment, intervals,"
                       " annotations FROM silences LEFT JOIN schedules USING (id)"
                       " LEFT JOIN silence_annotations USING (id)",
                       &query, err);

    while (r >= 0 && (r = db_query_step(query, err)) > 0) {
        struct am_silence_spec spec = {.id = db_column_str(query, 0),
                                       .starts_at = db_column_i64(query, 1),
                                       .ends_at = db_column_i64(query, 2),
                                       .updated_at = db_column_i64(query, 3),
                                       .created_by = db_column_str(query, 5),
                                       .comment = db_column_str(query, 6),
                                       .schedule = db_column_str(query, 7)};

        arena_reset(&arena);
        if (read_matchers(&arena, db_column_str(query, 4), &spec) &&
            (db_column_str(query, 8).len == 0 ||
             read_labels(&arena, db_column_str(query, 8), &spec.annotations))) {
            reader->silence(reader->context, &spec);
        } else {
            ++*ret_bad;
        }
    }
    arena_done(&arena);
    return r;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hashes(struct arena *arena, str text, const uint64_t **ret, size_t *ret_count)
{
    uint64_t *hashes = ARENA_ARRAY(arena, uint64_t, text.len / 16 + 1);

    for (size_t i = 0; i < text.len; i++) {
        int digit = hex_digit(text.ptr[i]);

        if (digit < 0) {
            return false;
        }
        hashes[i / 16] = hashes[i / 16] << 4 | (uint64_t)digit;
    }
    *ret = hashes;
    *ret_count = text.len / 16;
    return text.len % 16 == 0;
}

static int load_entries(struct am_state *state, const struct am_state_reader *reader,
                        size_t *ret_bad, struct baro_error *err)
{
    CLEANUP(db_query_freep) struct db_query *query = NULL;
    struct arena arena = {0};
    int r = db_prepare(state->db, "SELECT key, time, expires, firing, resolved, thread FROM nflog",
                       &query, err);

    while (r >= 0 && (r = db_query_step(query, err)) > 0) {
        struct am_nflog_entry entry = {.key = db_column_str(query, 0),
                                       .timestamp = db_column_i64(query, 1),
                                       .expires_at = db_column_i64(query, 2),
                                       .thread_id = db_column_str(query, 5)};

        arena_reset(&arena);
        if (read_hashes(&arena, db_column_str(query, 3), &entry.firing, &entry.firing_count) &&
            read_hashes(&arena, db_column_str(query, 4), &entry.resolved, &entry.resolved_count)) {
            reader->entry(reader->context, &entry);
        } else {
            ++*ret_bad;
        }
    }
    arena_done(&arena);
    return r;
}

static int load_acks(struct am_state *state, const struct am_state_reader *reader,
                     struct baro_error *err)
{
    CLEANUP(db_query_freep) struct db_query *query = NULL;
    int r = db_prepare(state->db,
                       "SELECT fingerprint, created, ends, updated, taken_back, creator, comment"
                       " FROM acks",
                       &query, err);

    while (r >= 0 && (r = db_query_step(query, err)) > 0) {
        reader->ack(reader->context,
                    &(struct am_ack){.fingerprint = (uint64_t)db_column_i64(query, 0),
                                     .created_at = db_column_i64(query, 1),
                                     .ends_at = db_column_i64(query, 2),
                                     .updated_at = db_column_i64(query, 3),
                                     .is_taken_back = db_column_i64(query, 4) != 0,
                                     .created_by = db_column_str(query, 5),
                                     .comment = db_column_str(query, 6)});
    }
    return r;
}

int am_state_load(struct am_state *state, const struct am_state_reader *reader, ts *ret_alive,
                  size_t *ret_bad, struct baro_error *err)
{
    CLEANUP(db_query_freep) struct db_query *query = NULL;
    int r = db_prepare(state->db, "SELECT value FROM meta WHERE name = 'alive'", &query, err);

    ASSERT(!state->is_started);
    *ret_alive = 0;
    *ret_bad = 0;
    if (r >= 0 && (r = db_query_step(query, err)) > 0) {
        *ret_alive = db_column_i64(query, 0);
    }
    r = r >= 0 ? load_entries(state, reader, ret_bad, err) : r;
    r = r >= 0 ? load_silences(state, reader, ret_bad, err) : r;
    r = r >= 0 ? load_acks(state, reader, err) : r;
    return r >= 0 ? load_alerts(state, reader, ret_bad, err) : r;
}

/* ---- The history ---- */

static int visit_deliveries(struct db_query *query,
                            void (*visit)(void *context, const struct am_delivery *delivery),
                            void *context, struct baro_error *err)
{
    int r;

    while ((r = db_query_step(query, err)) > 0) {
        visit(context, &(struct am_delivery){.time = db_column_i64(query, 0),
                                             .receiver = db_column_str(query, 1),
                                             .integration = db_column_str(query, 2),
                                             .group_key = db_column_str(query, 3),
                                             .status = db_column_str(query, 4),
                                             .outcome = db_column_str(query, 5),
                                             .error = db_column_str(query, 6),
                                             .message = db_column_str(query, 7),
                                             .alerts = db_column_i64(query, 8),
                                             .attempts = db_column_i64(query, 9),
                                             .http_status = db_column_i64(query, 10),
                                             .duration = db_column_i64(query, 11)});
    }
    return r;
}

int am_state_deliveries(const struct am_state *state, const struct am_delivery_filter *filter,
                        void (*visit)(void *context, const struct am_delivery *delivery),
                        void *context, struct baro_error *err)
{
    CLEANUP(db_closep) struct db *db = NULL;
    CLEANUP(db_query_freep) struct db_query *query = NULL;
    int r = db_open(state->path, schema, DB_SYNC_NORMAL, &db, err);

    r = r < 0 ? r
              : db_prepare(db,
                           "SELECT time, receiver, integration, group_key, status, outcome, error,"
                           " message, alerts, attempts, http_status, duration FROM deliveries"
                           " WHERE time >= ?1 AND time <= ?2 AND (?3 = '' OR receiver = ?3)"
                           " AND (?4 = '' OR group_key = ?4) ORDER BY id DESC LIMIT ?5",
                           &query, err);
    if (r < 0) {
        return r;
    }
    db_bind_i64(query, 1, filter->since);
    db_bind_i64(query, 2, filter->until);
    db_bind_str(query, 3, filter->receiver.ptr != NULL ? filter->receiver : STR(""));
    db_bind_str(query, 4, filter->group_key.ptr != NULL ? filter->group_key : STR(""));
    db_bind_i64(query, 5, (int64_t)filter->limit);
    return visit_deliveries(query, visit, context, err);
}
