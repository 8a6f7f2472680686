#include <string.h>

#include "base/mem.h"
#include "tsdb/chunk_histogram.h"
#include "tsdb/head_priv.h"

static bool is_far(const struct head_chunk *chunk)
{
    return head_chunk_file(chunk) == 0 && chunk->place > HEAD_CHUNK_NEAR_MAX;
}

/* Its size in the pool. */
static size_t pool_bytes(const struct head_chunk *chunk)
{
    if (head_chunk_file(chunk) != 0) {
        return sizeof(*chunk);
    }
    return sizeof(*chunk) + (is_far(chunk) ? sizeof(char *) : chunk->place);
}

/* A chunk without its bytes. */
static pool_ref make(struct head *head, ts mint, ts maxt, struct head_chunk made, pool_ref older)
{
    pool_ref ref = head_pool_alloc(&head->pool, pool_bytes(&made), POOL_CLOSED);
    struct head_chunk *chunk = head_chunk_at(head, ref);

    ASSERT(mint <= maxt && maxt - mint <= HEAD_CHUNK_SPAN_MAX);
    chunk->mint = mint;
    chunk->span = (uint32_t)(maxt - mint);
    chunk->place = made.place;
    chunk->kind = made.kind;
    atomic_init(&chunk->older, older);
    return ref;
}

pool_ref head_chunk_new_filed(struct head *head, ts mint, ts maxt, uint8_t encoding,
                              struct chunks_place place, pool_ref older)
{
    struct head_chunk made = {.place = place.offset, .kind = (uint32_t)encoding << 24 | place.file};

    ASSERT(place.file > 0 && place.file <= CHUNKS_HEAD_NUMBER_MAX);
    return make(head, mint, maxt, made, older);
}

pool_ref head_chunk_new(struct head *head, ts mint, ts maxt, uint8_t encoding, str data,
                        pool_ref older)
{
    struct head_chunk made = {.place = (uint32_t)data.len, .kind = (uint32_t)encoding << 24};
    pool_ref ref = make(head, mint, maxt, made, older);
    struct head_chunk *chunk = head_chunk_at(head, ref);

    if (is_far(chunk)) {
        char *far = mem_alloc(data.len);

        memcpy(far, data.ptr, data.len);
        memcpy(chunk + 1, &far, sizeof(far));
        atomic_fetch_add_explicit(&head->outside, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&head->outside_bytes, data.len, memory_order_relaxed);
    } else {
        memcpy(chunk + 1, data.ptr, data.len);
    }
    return ref;
}

static const char *bytes_of(const struct head_chunk *chunk)
{
    const char *at = (const char *)(chunk + 1);

    if (is_far(chunk)) {
        memcpy(&at, chunk + 1, sizeof(at));
    }
    return at;
}

void head_chunk_free(struct head *head, pool_ref ref)
{
    const struct head_chunk *chunk = head_chunk_at(head, ref);

    if (is_far(chunk)) {
        (void)mem_free((char *)(uintptr_t)bytes_of(chunk));
        atomic_fetch_sub_explicit(&head->outside, 1, memory_order_relaxed);
        atomic_fetch_sub_explicit(&head->outside_bytes, chunk->place, memory_order_relaxed);
    }
    head_pool_free(&head->pool, ref, pool_bytes(chunk), POOL_CLOSED);
}

int head_chunk_data(const struct head *head, const struct head_chunk *chunk, str *ret,
                    struct baro_error *err)
{
    struct chunks_place place = {head_chunk_file(chunk), chunk->place};
    uint8_t encoding = 0;
    int r;

    if (place.file == 0) {
        *ret = str_of(bytes_of(chunk), chunk->place);
        return 0;
    }
    ASSERT(head->files != NULL);
    r = chunks_head_get(head->files, place, &encoding, ret, err);
    if (r >= 0 && encoding != head_chunk_encoding(chunk)) {
        return error_set(err, BARO_ECORRUPT, CHUNKS_HEAD_DIR ": a chunk is of another kind");
    }
    return r;
}

int head_chunk_decode(uint8_t encoding, str data, ts start, ts end, struct sample_buf *ret,
                      struct baro_error *err)
{
    return encoding == CHUNK_DECIMAL ? chunk_decimal_decode(data, start, end, ret, err)
                                     : chunk_decode(encoding, data, start, end, ret, err);
}

int head_chunk_read(const struct head *head, const struct head_chunk *chunk, ts start, ts end,
                    struct sample_buf *ret, struct baro_error *err)
{
    str data = STR_NULL;
    int r = head_chunk_data(head, chunk, &data, err);

    return r < 0 ? r : head_chunk_decode(head_chunk_encoding(chunk), data, start, end, ret, err);
}
