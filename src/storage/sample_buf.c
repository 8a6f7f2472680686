#include <stdint.h>

#include "base/mem.h"
#include "model/histogram.h"
#include "storage/storage.h"

enum { SAMPLES_MIN = 256, ARENA_BYTES_LEAST = 4096 /* of an arena that is not empty */ };

void sample_buf_done(struct sample_buf *buf)
{
    (void)mem_free(buf->t);
    (void)mem_free(buf->v);
    (void)mem_free(buf->h_room);
    (void)mem_free(buf->st_room);
    (void)mem_free(buf->n_room);
    if (buf->aside != NULL) {
        sample_buf_done(buf->aside);
        (void)mem_free(buf->aside);
    }
    arena_done(&buf->arena);
    *buf = (struct sample_buf){0};
}

/* grow reallocates one column; the others stay valid when it fails, since capacity is raised last.
 */
static bool grow(void **column, size_t capacity, size_t item_size)
{
    void *grown = mem_try_realloc(*column, capacity * item_size);

    if (grown != NULL) {
        *column = grown;
    }
    return grown != NULL;
}

static bool resize(struct sample_buf *buf, size_t capacity)
{
    void *t = buf->t;
    void *v = buf->v;
    void *h = buf->h_room;
    void *st = buf->st_room;
    void *n = buf->n_room;
    bool done;

    done = grow(&t, capacity, sizeof(*buf->t)) && grow(&v, capacity, sizeof(*buf->v)) &&
           (h == NULL || grow(&h, capacity, sizeof(*buf->h))) &&
           (st == NULL || grow(&st, capacity, sizeof(*buf->st))) &&
           (n == NULL || grow(&n, capacity, sizeof(*buf->n)));
    buf->t = t;
    buf->v = v;
    buf->h = buf->h != NULL ? h : NULL;
    buf->h_room = h;
    buf->st = buf->st != NULL ? st : NULL;
    buf->st_room = st;
    buf->n = buf->n != NULL ? n : NULL;
    buf->n_room = n;
    buf->capacity = done ? capacity : buf->capacity;
    return done;
}

bool sample_buf_reserve(struct sample_buf *buf, size_t more)
{
    size_t capacity = buf->capacity < SAMPLES_MIN ? SAMPLES_MIN : buf->capacity * 2;

    if (more <= buf->capacity - buf->count) {
        return true;
    }
    if (more > SAMPLE_BUF_MAX - buf->count) {
        return false;
    }
    return resize(buf, capacity < buf->count + more ? buf->count + more : capacity);
}

void sample_buf_trim(struct sample_buf *buf)
{
    if (buf->aside != NULL) {
        sample_buf_done(buf->aside);
        buf->aside = mem_free(buf->aside);
    }
    if (buf->count == 0) {
        sample_buf_done(buf);
    } else if (buf->capacity > buf->count) {
        /* Columns that could not be moved are larger than they need be. */
        (void)resize(buf, buf->count);
        buf->capacity = buf->count;
    }
}

size_t sample_buf_bytes(const struct sample_buf *buf)
{
    const size_t columns =
        sizeof(*buf->t) + sizeof(*buf->v) + (buf->h_room != NULL ? sizeof(*buf->h) : 0) +
        (buf->st_room != NULL ? sizeof(*buf->st) : 0) + (buf->n_room != NULL ? sizeof(*buf->n) : 0);
    const size_t least = buf->arena.blocks != NULL ? ARENA_BYTES_LEAST : 0;

    return buf->capacity * columns +
           (buf->arena.used_bytes > least ? buf->arena.used_bytes : least);
}

bool sample_buf_add_h(struct sample_buf *buf)
{
    if (buf->h != NULL || !sample_buf_reserve(buf, 1)) {
        return buf->h != NULL;
    }
    if (buf->h_room == NULL) {
        buf->h_room = mem_try(buf->capacity * sizeof(*buf->h));
    }
    buf->h = buf->h_room;
    if (buf->h != NULL && buf->count > 0) {
        memset(buf->h, 0, buf->count * sizeof(*buf->h));
    }
    return buf->h != NULL;
}

bool sample_buf_add_st(struct sample_buf *buf)
{
    if (buf->st != NULL || !sample_buf_reserve(buf, 1)) {
        return buf->st != NULL;
    }
    if (buf->st_room == NULL) {
        buf->st_room = mem_try(buf->capacity * sizeof(*buf->st));
    }
    buf->st = buf->st_room;
    if (buf->st != NULL && buf->count > 0) {
        memset(buf->st, 0, buf->count * sizeof(*buf->st));
    }
    return buf->st != NULL;
}

/* keep_copy puts the samples [first, behind) of buf into scratch. */
static bool keep_copy(struct sample_buf *scratch, const struct sample_buf *buf, size_t first,
                      size_t behind)
{
    sample_buf_reset(scratch);
    if (!sample_buf_reserve(scratch, behind - first)) {
        return false;
    }
    if ((buf->h != NULL && !sample_buf_add_h(scratch)) ||
        (buf->st != NULL && !sample_buf_add_st(scratch)) ||
        (buf->n != NULL && !sample_buf_add_n(scratch))) {
        return false;
    }
    for (size_t i = first; i < behind; i++) {
        sample_buf_move(scratch, i - first, buf, i);
    }
    scratch->count = behind - first;
    scratch->n_count = buf->n != NULL ? scratch->count : 0;
    return true;
}

/* A histogram that got another predecessor than it was stored behind: whether the counter began
 * anew in between is not known. */
static bool forget_hint(struct sample_buf *buf, size_t i)
{
    struct histogram *copy;

    if (buf->h == NULL || buf->h[i] == NULL || buf->h[i]->hint == HISTOGRAM_HINT_GAUGE ||
        buf->h[i]->hint == HISTOGRAM_HINT_UNKNOWN) {
        return true;
    }
    copy = arena_try(&buf->arena, sizeof(*copy));
    if (copy == NULL) {
        return false;
    }
    *copy = *buf->h[i];
    copy->hint = HISTOGRAM_HINT_UNKNOWN;
    buf->h[i] = copy;
    return true;
}

/* The older run moves aside; what is written never overtakes what is still to be read of the newer
 * one. */
bool sample_buf_merge(struct sample_buf *buf, size_t first, size_t middle)
{
    struct sample_buf *scratch = buf->aside;
    size_t old = 0, new = middle, out = first;
    bool was_new = false;

    if (middle == first || middle == buf->count) {
        return true;
    }
    if (buf->t[middle] > buf->t[middle - 1]) {
        return forget_hint(buf, middle);
    }
    if (scratch == NULL) {
        scratch = buf->aside = MEM_NEW(struct sample_buf);
    }
    if ((buf->n != NULL && !sample_buf_add_n(buf)) || !keep_copy(scratch, buf, first, middle)) {
        return false;
    }
    while (old < scratch->count || new < buf->count) {
        bool has_old = old < scratch->count;
        bool take_old = has_old && (new == buf->count || scratch->t[old] < buf->t[new]);
        bool follows = take_old == !was_new;

        if (take_old) {
            sample_buf_move(buf, out, scratch, old++);
        } else {
            bool is_replaced = has_old && scratch->t[old] == buf->t[new];

            old += is_replaced;
            sample_buf_move(buf, out, buf, new ++);
        }
        if (out > first && !follows && !forget_hint(buf, out)) {
            return false;
        }
        was_new = !take_old;
        out++;
    }
    buf->count = out;
    buf->n_count = buf->n != NULL ? out : 0;
    return true;
}

bool sample_buf_join(struct sample_buf *buf, size_t first, size_t middle,
                     struct sample_facts before)
{
    struct sample_facts after = buf->facts;
    bool has_both = middle > first && middle < buf->count;

    buf->facts = middle == first ? after : before;
    if (!has_both) {
        return true;
    }
    if (buf->t[middle] > buf->t[middle - 1]) {
        buf->facts = (struct sample_facts){
            .distance = before.distance == after.distance &&
                                buf->t[middle] - buf->t[middle - 1] == after.distance
                            ? after.distance
                            : 0,
            .no_nan = before.no_nan && after.no_nan,
            .never_falls =
                before.never_falls && after.never_falls && buf->v[middle] >= buf->v[middle - 1]};
    } else {
        buf->facts = (struct sample_facts){.no_nan = before.no_nan && after.no_nan};
    }
    return sample_buf_merge(buf, first, middle);
}

bool sample_buf_add_n(struct sample_buf *buf)
{
    if (!sample_buf_reserve(buf, 1)) {
        return false;
    }
    if (buf->n_room == NULL) {
        buf->n_room = mem_try(buf->capacity * sizeof(*buf->n));
    }
    buf->n = buf->n_room;
    if (buf->n == NULL) {
        return false;
    }
    while (buf->n_count < buf->count) {
        buf->n[buf->n_count++] = 1;
    }
    return true;
}
