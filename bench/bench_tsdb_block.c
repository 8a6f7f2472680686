#include <stdio.h>

#include "base/mem.h"
#include "base/random.h"
#include "bench/bench.h"
#include "codec/bytes.h"
#include "codec/compress.h"
#include "codec/crc32c.h"
#include "tsdb/chunk_xor.h"
#include "tsdb/postings.h"

enum { SAMPLES = 120, CHUNKS = 64 };

/* The value shapes of common series; time rises by 15 s. */
enum shape { SHAPE_CONSTANT, SHAPE_COUNTER, SHAPE_GAUGE };

struct chunks {
    uint8_t data[CHUNKS][SAMPLES * CHUNK_XOR_SAMPLE_BYTES_MAX + 64];
    size_t sizes[CHUNKS];
    double v[SAMPLES];
    struct sample_buf decoded;
};

static void chunks_fill(struct chunks *chunks, enum shape shape)
{
    struct random random = {7};
    double v = 1000;

    for (int c = 0; c < CHUNKS; c++) {
        struct chunk_xor chunk;

        chunk_xor_init(&chunk, chunks->data[c]);
        for (int i = 0; i < SAMPLES; i++) {
            if (shape == SHAPE_COUNTER) {
                v += (double)random_below(&random, 100);
            } else if (shape == SHAPE_GAUGE) {
                v = (double)random_below(&random, 1000000) / 997.0;
            }
            chunks->v[i] = v;
            (void)chunk_xor_append(&chunk, chunks->data[c], sizeof(chunks->data[c]),
                                   1700000000000 + i * 15000, v);
        }
        chunks->sizes[c] = chunk_xor_size(&chunk);
    }
}

static void decode_all(void *context)
{
    struct chunks *chunks = context;

    for (int c = 0; c < CHUNKS; c++) {
        sample_buf_reset(&chunks->decoded);
        (void)chunk_xor_decode(str_of((char *)chunks->data[c], chunks->sizes[c]), INT64_MIN,
                               INT64_MAX, &chunks->decoded, NULL);
        bench_keep(chunks->decoded.v);
    }
}

static void last_all(void *context)
{
    struct chunks *chunks = context;

    for (int c = 0; c < CHUNKS; c++) {
        ts t = 0;
        double v = 0;

        (void)chunk_xor_last(str_of((char *)chunks->data[c], chunks->sizes[c]), INT64_MIN,
                             INT64_MAX, &t, &v, NULL);
        bench_keep(&v);
    }
}

static void append_all(void *context)
{
    struct chunks *chunks = context;

    for (int c = 0; c < CHUNKS; c++) {
        struct chunk_xor chunk;

        chunk_xor_init(&chunk, chunks->data[c]);
        for (int i = 0; i < SAMPLES; i++) {
            (void)chunk_xor_append(&chunk, chunks->data[c], sizeof(chunks->data[c]),
                                   1700000000000 + i * 15000, chunks->v[i]);
        }
    }
}

BENCH(chunk_xor)
{
    static const char *const names[] = {"constant", "counter", "gauge"};
    struct chunks *chunks = MEM_NEW(struct chunks);

    for (enum shape shape = SHAPE_CONSTANT; shape <= SHAPE_GAUGE; shape++) {
        char what[64];

        chunks_fill(chunks, shape);
        (void)snprintf(what, sizeof(what), "xor decode %s, a sample", names[shape]);
        bench_measure(what, decode_all, chunks, SAMPLES * CHUNKS, 0);
        (void)snprintf(what, sizeof(what), "xor last %s, a sample", names[shape]);
        bench_measure(what, last_all, chunks, SAMPLES * CHUNKS, 0);
        (void)snprintf(what, sizeof(what), "xor append %s, a sample", names[shape]);
        bench_measure(what, append_all, chunks, SAMPLES * CHUNKS, 0);
    }
    sample_buf_done(&chunks->decoded);
    (void)mem_free(chunks);
}

enum { BYTES = 1 << 20, POSTINGS = 300000, FEW = 1000, SMALL_COUNT = 1000 };

struct bytes {
    struct buf raw;
    struct buf packed;
    struct buf again;
};

static void crc_all(void *context)
{
    struct bytes *bytes = context;
    uint32_t crc = crc32c(buf_view(&bytes->raw));

    bench_keep(&crc);
}

static void crc_small(void *context)
{
    struct bytes *bytes = context;
    uint32_t crc = 0;

    for (size_t i = 0; i < SMALL_COUNT; i++) {
        crc ^= crc32c(str_of(bytes->raw.ptr + i, 160));
    }
    bench_keep(&crc);
}

static void pack_all(void *context)
{
    struct bytes *bytes = context;

    buf_reset(&bytes->packed);
    (void)snappy_pack(buf_view(&bytes->raw), &bytes->packed, NULL);
}

static void unpack_all(void *context)
{
    struct bytes *bytes = context;

    buf_reset(&bytes->again);
    (void)snappy_unpack(buf_view(&bytes->packed), BYTES, &bytes->again, NULL);
}

BENCH(codec_bytes)
{
    struct bytes bytes = {0};
    struct random random = {3};

    while (bytes.raw.len < BYTES) {
        buf_printf(&bytes.raw, "metric_name{instance=\"host-%03d\"} %d\n",
                   (int)random_below(&random, 500), (int)random_below(&random, 100000));
    }
    bytes.raw.len = BYTES;
    bench_measure("crc32c of 1 MiB", crc_all, &bytes, 1, BYTES);
    bench_measure("crc32c of 160 bytes", crc_small, &bytes, SMALL_COUNT, SMALL_COUNT * 160);
    bench_measure("snappy pack 1 MiB", pack_all, &bytes, 1, BYTES);
    bench_measure("snappy unpack 1 MiB", unpack_all, &bytes, 1, BYTES);
    buf_done(&bytes.raw);
    buf_done(&bytes.packed);
    buf_done(&bytes.again);
}

struct sets {
    struct postings a;
    struct postings b;
    struct postings few;
    uint32_t *ret;
};

static void intersect_even(void *context)
{
    struct sets *sets = context;
    size_t count = postings_intersect(sets->a, sets->b, sets->ret);

    bench_keep(&count);
}

static void intersect_few(void *context)
{
    struct sets *sets = context;
    size_t count = postings_intersect(sets->few, sets->b, sets->ret);

    bench_keep(&count);
}

/* draw_set makes rising numbers about `gap` apart, big-endian as in an index. */
static struct postings draw_set(struct random *random, size_t count, uint64_t gap)
{
    uint32_t *items = mem_alloc(count * sizeof(*items));
    uint32_t last = 0;

    for (size_t i = 0; i < count; i++) {
        last += 1 + (uint32_t)random_below(random, gap * 2 - 1);
        store_be32(&items[i], last);
    }
    return (struct postings){.items = items, .count = count, .is_be = true};
}

BENCH(postings)
{
    struct random random = {9};
    struct sets sets = {
        .a = draw_set(&random, POSTINGS, 2),
        .b = draw_set(&random, POSTINGS, 2),
        .few = draw_set(&random, FEW, 2 * POSTINGS / FEW),
        .ret = mem_alloc(POSTINGS * sizeof(uint32_t)),
    };

    bench_measure("300k and 300k, a posting", intersect_even, &sets, 2 * POSTINGS, 0);
    bench_measure("1k and 300k, a posting of the 1k", intersect_few, &sets, FEW, 0);
    (void)mem_free(sets.ret);
    (void)mem_free((void *)(uintptr_t)sets.a.items);
    (void)mem_free((void *)(uintptr_t)sets.b.items);
    (void)mem_free((void *)(uintptr_t)sets.few.items);
}
