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
