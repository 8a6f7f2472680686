#include <stdint.h>

#include "base/mem.h"
#include "storage/storage.h"

enum { SAMPLES_MIN = 256 };

void sample_buf_done(struct sample_buf *buf)
{
    (void)mem_free(buf->t);
    (void)mem_free(buf->v);
    (void)mem_free(buf->h);
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
    void *h = buf->h;
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
           (h == NULL || grow(&h, capacity, sizeof(*buf->h)));
    buf->t = t;
    buf->v = v;
    buf->h = h;
    buf->capacity = done ? capacity : buf->capacity;
    return done;
}
