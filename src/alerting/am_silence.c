#include "alerting/am_silence.h"

#include <stdio.h>

#include "alerting/am_alert.h"

static const char *const state_names[] = {
    [AM_SILENCE_ACTIVE] = "active",
    [AM_SILENCE_PENDING] = "pending",
    [AM_SILENCE_EXPIRED] = "expired",
};

const char *am_silence_state_name(enum am_silence_state state)
{
    return state_names[state];
}

/* Without its schedule. */
static enum am_silence_state span_state(const struct am_silence *silence, ts now)
{
    return now < silence->starts_at ? AM_SILENCE_PENDING
           : now > silence->ends_at ? AM_SILENCE_EXPIRED
                                    : AM_SILENCE_ACTIVE;
}

enum am_silence_state am_silence_state_of(const struct am_silence *silence, ts now)
{
    enum am_silence_state state = span_state(silence, now);

    return state == AM_SILENCE_ACTIVE && silence->schedule != NULL &&
                   !am_schedule_contains(silence->schedule, now)
               ? AM_SILENCE_PENDING
               : state;
}

void am_silences_init(struct am_silences *silences, uint64_t seed)
{
    *silences = (struct am_silences){.version = 1, .next_change = INT64_MAX, .random = {seed}};
}

static void silence_free(struct am_silence *silence)
{
    struct arena arena = silence->arena;

    am_matchers_done(&silence->matchers);
    arena_done(&arena); /* the silence is in it */
}

void am_silences_done(struct am_silences *silences)
{
    for (size_t i = 0; i < silences->items.count; i++) {
        silence_free(silences->items.items[i]);
    }
    vec_done(&silences->items);
    vec_done(&silences->active);
    map_done(&silences->by_id);
}

/* Everybody who remembers what silences said has to ask again. */
static void touch(struct am_silences *silences)
{
    silences->version++;
    silences->next_change = INT64_MIN;
}

static void tell(struct am_silences *silences, const struct am_silence *silence, bool gone)
{
    if (silences->changed != NULL) {
        silences->changed(silences->context, silence, gone);
    }
}

/* ---- Checks ---- */

static int check_matchers(const struct am_silence_spec *spec, const am_matchers *matchers,
                          struct baro_error *err)
{
    bool all_empty = true;

    if (spec->matcher_count == 0) {
        return error_set(err, BARO_EINVALID, "at least one matcher required");
    }
    for (size_t i = 0; i < matchers->count; i++) {
        all_empty = all_empty && matcher_matches_empty(&matchers->items[i].compiled);
    }
    if (all_empty) {
        return error_set(err, BARO_EINVALID,
                         "at least one matcher must not match the empty string");
    }
    return 0;
}

static int check_texts(const struct am_silence_spec *spec, struct baro_error *err)
{
    size_t bytes = spec->created_by.len + spec->comment.len;

    for (size_t i = 0; i < spec->matcher_count; i++) {
        const struct am_silence_matcher *m = &spec->matchers[i];

        bytes += m->name.len + m->value.len;
        if (m->name.len == 0 || !utf8_is_valid(m->name)) {
            return error_set(err, BARO_EINVALID,
                             "invalid silence: invalid label matcher %zu: invalid label name "
                             "\"%.*s\"",
                             i, STR_ARG(m->name));
        }
        if (!utf8_is_valid(m->value)) {
            return error_set(err, BARO_EINVALID,
                             "invalid silence: invalid label matcher %zu: invalid label value", i);
        }
    }
    for (size_t i = 0; i < spec->annotations.count; i++) {
        const struct label *one = &spec->annotations.items[i];

        bytes += one->name.len + one->value.len;
        if (!utf8_is_valid(one->name) || !utf8_is_valid(one->value)) {
            return error_set(err, BARO_EINVALID, "invalid silence: invalid annotation %zu", i);
        }
    }
    if (spec->matcher_count > AM_MATCHERS_MAX || bytes > AM_SILENCE_BYTES_MAX) {
        return error_set(err, BARO_ELIMIT,
                         "silence exceeded maximum size: %zu bytes (limit: %d bytes)", bytes,
                         AM_SILENCE_BYTES_MAX);
    }
    return 0;
}

/* ---- Making ---- */

static int make(const struct am_silence_spec *spec, struct am_silence **ret, struct baro_error *err)
{
    struct arena arena = {0};
    struct am_silence *silence = ARENA_NEW(&arena, struct am_silence);
    int r = check_texts(spec, err);

    for (size_t i = 0; r >= 0 && i < spec->matcher_count; i++) {
        const struct am_silence_matcher *m = &spec->matchers[i];

        r = am_matchers_add(&silence->matchers, &arena, m->op, arena_str(&arena, m->name),
                            arena_str(&arena, m->value), err);
        if (r < 0) {
            r = error_wrap(err, r, "invalid silence: invalid label matcher %zu", i);
        }
    }
    if (r >= 0) {
        r = check_matchers(spec, &silence->matchers, err);
        if (r < 0) {
            r = error_wrap(err, r, "invalid silence");
        }
    }
    if (r >= 0 && spec->schedule.len > 0) {
        r = am_schedule_parse(&arena, spec->schedule, &silence->schedule, err);
        if (r < 0) {
            r = error_wrap(err, r, "invalid silence: timeIntervals");
        }
    }
    silence->flips_at = INT64_MIN;
    silence->id = arena_str(&arena, spec->id);
    silence->starts_at = spec->starts_at;
    silence->ends_at = spec->ends_at;
    silence->updated_at = spec->updated_at;
    silence->created_by = arena_str(&arena, spec->created_by);
    silence->comment = arena_str(&arena, spec->comment);
    silence->annotations = labels_copy(&arena, spec->annotations);
    silence->arena = arena;
    if (r < 0) {
        silence_free(silence);
        return r;
    }
    *ret = silence;
    return 0;
}

/* A random UUID, version 4. */
static void make_id(struct am_silences *silences, char ret[AM_SILENCE_ID_BYTES])
{
    uint64_t a = random_next(&silences->random);
    uint64_t b = random_next(&silences->random);

    (void)snprintf(ret, AM_SILENCE_ID_BYTES, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32),
                   (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff),
                   (unsigned)(0x8000 | (b >> 48 & 0x3fff)),
                   (unsigned long long)(b & UINT64_C(0xffffffffffff)));
}

/* Takes the silence over; one of the same id that is there gives way. */
static void put(struct am_silences *silences, struct am_silence *silence)
{
    struct am_silence *before = map_get(&silences->by_id, silence->id);

    if (before == NULL) {
        vec_push(&silences->items, silence);
    } else {
        for (size_t i = 0; i < silences->items.count; i++) {
            if (silences->items.items[i] == before) {
                silences->items.items[i] = silence;
            }
        }
        (void)map_remove(&silences->by_id, silence->id);
        vec_reset(&silences->active); /* it may be among them; refresh finds them anew */
        silence_free(before);
    }
    (void)map_put(&silences->by_id, silence->id, silence);
    touch(silences);
}

static bool same_matchers(const am_matchers *a, const am_matchers *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (a->items[i].op != b->items[i].op || !str_eq(a->items[i].name, b->items[i].name) ||
            !str_eq(a->items[i].value, b->items[i].value)) {
            return false;
        }
    }
    return true;
}

static str schedule_text(const struct am_silence *silence)
{
    return silence->schedule != NULL ? am_schedule_text(silence->schedule) : STR("");
}

/* Whether `to` may replace `from` under its id: the past of a silence does not change. */
static bool can_update(const struct am_silence *from, const struct am_silence *to, ts now)
{
    bool good = same_matchers(&from->matchers, &to->matchers) &&
                str_eq(schedule_text(from), schedule_text(to));

    switch (span_state(from, now)) {
    case AM_SILENCE_ACTIVE:
        return good && to->starts_at / 1000 == from->starts_at / 1000 && to->ends_at >= now;
    case AM_SILENCE_PENDING:
        return good && to->starts_at >= now;
    case AM_SILENCE_EXPIRED:
        break;
    }
    return false;
}

/* A schedule costs time at each of its changes, so there are fewer of them. */
static int check_recurring(const struct am_silences *silences, const struct am_silence *silence,
                           struct baro_error *err)
{
    size_t count = 0;

    for (size_t i = 0; silence->schedule != NULL && i < silences->items.count; i++) {
        count += silences->items.items[i]->schedule != NULL ? 1 : 0;
    }
    return count < AM_SILENCES_RECURRING_MAX
               ? 0
               : error_set(err, BARO_ELIMIT, "more than %d recurring silences",
                           AM_SILENCES_RECURRING_MAX);
}

static void expire(struct am_silences *silences, struct am_silence *silence, ts now)
{
    if (silence->starts_at > now) {
        silence->starts_at = now - 1; /* so that it is over at once */
    }
    /* Over from this moment on, in milliseconds too. */
    silence->ends_at = now - 1;
    silence->updated_at = now;
    touch(silences);
    tell(silences, silence, false);
}

int am_silences_set(struct am_silences *silences, const struct am_silence_spec *spec, ts now,
                    const struct am_silence **ret, struct baro_error *err)
{
    struct am_silence *before = spec->id.len > 0 ? map_get(&silences->by_id, spec->id) : NULL;
    size_t most = silences->count_max > 0 ? silences->count_max : AM_SILENCES_MAX;
    struct am_silence *silence = NULL;
    struct am_silence_spec wanted = *spec;
    char id[AM_SILENCE_ID_BYTES];
    int r;

    if (spec->id.len > 0 && before == NULL) {
        return error_set(err, BARO_ENOTFOUND, "silence %.*s not found", STR_ARG(spec->id));
    }
    if (before != NULL && spec->keep_schedule) {
        wanted.schedule = schedule_text(before);
    }
    r = make(&wanted, &silence, err);
    if (r < 0) {
        return r;
    }
    r = before == NULL ? check_recurring(silences, silence, err) : 0;
    if (r < 0) {
        silence_free(silence);
        return r;
    }
    silence->updated_at = now;
    silence->starts_at = silence->starts_at == 0 ? now : silence->starts_at;
    if (silence->ends_at < silence->starts_at) {
        silence_free(silence);
        return error_set(err, BARO_EINVALID,
                         "invalid silence: end time must not be before start time");
    }
    if (before == NULL || !can_update(before, silence, now)) {
        if (silences->items.count >= most) {
            silence_free(silence);
            return error_set(err, BARO_ELIMIT,
                             "exceeded maximum number of silences: %zu (limit: %zu)",
                             silences->items.count, most);
        }
        if (before != NULL && am_silence_state_of(before, now) != AM_SILENCE_EXPIRED) {
            expire(silences, before, now);
        }
        make_id(silences, id);
        silence->id = arena_str(&silence->arena, str_from(id));
        silence->starts_at = silence->starts_at < now ? now : silence->starts_at;
    }
    put(silences, silence);
    tell(silences, silence, false);
    *ret = silence;
    return 0;
}

int am_silences_expire(struct am_silences *silences, str id, ts now, struct baro_error *err)
{
    struct am_silence *silence = map_get(&silences->by_id, id);

    if (silence == NULL) {
        return error_set(err, BARO_ENOTFOUND, "silence %.*s not found", STR_ARG(id));
    }
    if (am_silence_state_of(silence, now) == AM_SILENCE_EXPIRED) {
        return error_set(err, BARO_EINVALID, "silence %.*s already expired", STR_ARG(id));
    }
    expire(silences, silence, now);
    return 0;
}

int am_silences_merge(struct am_silences *silences, const struct am_silence_spec *spec, ts now,
                      struct baro_error *err)
{
    const struct am_silence *before = map_get(&silences->by_id, spec->id);
    struct am_silence *silence = NULL;
    int r;

    (void)now;
    if (before != NULL && before->updated_at >= spec->updated_at) {
        return 0;
    }
    if (spec->id.len == 0 || spec->id.len >= AM_SILENCE_ID_BYTES) {
        return error_set(err, BARO_EINVALID, "invalid silence: the id \"%.*s\" is no UUID",
                         STR_ARG(spec->id));
    }
    if (!am_time_is_sane(spec->starts_at) || !am_time_is_sane(spec->ends_at) ||
        !am_time_is_sane(spec->updated_at)) {
        return error_set(err, BARO_EINVALID, "invalid silence: a time is out of range");
    }
    if (before == NULL && silences->items.count >= AM_SILENCES_MAX) {
        return error_set(err, BARO_ELIMIT, "exceeded maximum number of silences: %zu (limit: %d)",
                         silences->items.count, AM_SILENCES_MAX);
    }
    r = make(spec, &silence, err);
    if (r < 0) {
        return r;
    }
    r = before == NULL ? check_recurring(silences, silence, err) : 0;
    if (r < 0) {
        silence_free(silence);
        return r;
    }
    put(silences, silence);
    return 1;
}

const struct am_silence *am_silences_get(const struct am_silences *silences, str id)
{
    return map_get(&silences->by_id, id);
}

size_t am_silences_gc(struct am_silences *silences, ts before, ts now)
{
    size_t kept = 0;
    size_t count = silences->items.count;

    for (size_t i = 0; i < count; i++) {
        struct am_silence *silence = silences->items.items[i];

        if (silence->ends_at >= before || silence->ends_at >= now) {
            silences->items.items[kept++] = silence;
            continue;
        }
        tell(silences, silence, true);
        (void)map_remove(&silences->by_id, silence->id);
        silence_free(silence);
    }
    silences->items.count = kept;
    if (kept != count) {
        touch(silences);
        vec_reset(&silences->active);
    }
    return count - kept;
}

/* ---- Questions ---- */

/* Whether the schedule lets it silence now, and when to ask again. */
static bool is_within(struct am_silence *silence, ts now, ts *next)
{
    if (silence->schedule == NULL) {
        return true;
    }
    if (now >= silence->flips_at) {
        silence->is_within = am_schedule_contains(silence->schedule, now);
        silence->flips_at = am_schedule_next(silence->schedule, now, now + AM_SCHEDULE_LOOK);
    }
    *next = silence->flips_at < *next ? silence->flips_at : *next;
    return silence->is_within;
}

void am_silences_refresh(struct am_silences *silences, ts now)
{
    if (now < silences->next_change) {
        return;
    }
    vec_reset(&silences->active);
    silences->next_change = INT64_MAX;
    silences->version++;
    for (size_t i = 0; i < silences->items.count; i++) {
        struct am_silence *silence = silences->items.items[i];
        enum am_silence_state state = span_state(silence, now);
        ts change = state == AM_SILENCE_PENDING ? silence->starts_at : silence->ends_at + 1;

        if (state == AM_SILENCE_ACTIVE && is_within(silence, now, &change)) {
            vec_push(&silences->active, silence);
        }
        if (state != AM_SILENCE_EXPIRED && change < silences->next_change) {
            silences->next_change = change;
        }
    }
}

bool am_silences_match(const struct am_silences *silences, struct labels labels, am_strs *ret_ids)
{
    bool found = false;

    for (size_t i = 0; i < silences->active.count && (!found || ret_ids != NULL); i++) {
        if (am_matchers_match(&silences->active.items[i]->matchers, labels)) {
            found = true;
            if (ret_ids != NULL) {
                vec_push(ret_ids, silences->active.items[i]->id);
            }
        }
    }
    return found;
}
