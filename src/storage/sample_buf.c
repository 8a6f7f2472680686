#include <stdint.h>

#include "base/mem.h"
#include "storage/storage.h"

enum { SAMPLES_MIN = 256 };

void sample_buf_done(struct sample_buf *buf)
{
    (void)mem_free(buf->t);
    (void)mem_free(buf->v);
    (void)mem_free(buf->h_room);
    (void)mem_free(buf->st_room);
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

bool sample_buf_reserve(struct sample_buf *buf, size_t more)
{
    size_t capacity;
    void *t = buf->t;
    void *v = buf->v;
    void *h = buf->h_room;
    void *st = buf->st_room;
    bool done;

    if (more <= buf->capacity - buf->count) {
        return true;
    }
    if (more > SAMPLE_BUF_MAX - buf->count) {
        return false;
    }
    capacity = buf->capacity < SAMPLES_MIN ? SAMPLES_MIN : buf->capacity * 2;
    capacity = capacity < buf->count + more ? buf->count + more : capacity;
    done = grow(&t, capacity, sizeof(*buf->t)) && grow(&v, capacity, sizeof(*buf->v)) &&
           (h == NULL || grow(&h, capacity, sizeof(*buf->h))) &&
           (st == NULL || grow(&st, capacity, sizeof(*buf->st)));
    buf->t = t;
    buf->v = v;
    buf->h = buf->h != NULL ? h : NULL;
    buf->h_room = h;
    buf->st = buf->st != NULL ? st : NULL;
    buf->st_room = st;
    buf->capacity = done ? capacity : buf->capacity;
    return done;
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
