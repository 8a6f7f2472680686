/*
 * chunk_sequence_test: sequences of samples with start timestamps, drawn from a seed, so that what
 * Prometheus makes of them can be told by a checksum. To make the numbers in the tests anew: draw
 * the same in Go, append them to chunks of Prometheus's package tsdb/chunkenc (3.16 here), and
 * print the size and the CRC32C of Bytes().
 */
#pragma once

#include "base/random.h"
#include "model/sample.h"

enum { SEQUENCE_SAMPLES = 300 };

struct chunk_sequence {
    size_t count;
    ts st[SEQUENCE_SAMPLES];
    ts t[SEQUENCE_SAMPLES];
    double v[SEQUENCE_SAMPLES];
};

/* The step to the next sample: even, with jitter, with gaps. */
static inline ts sequence_step(struct random *random, uint64_t value_kind)
{
    switch (random_next(random) % 16) {
    case 0:
        return 15000 + (ts)(random_next(random) % 4000);
    case 1:
        return 15000 + (ts)(random_next(random) % 500000);
    case 2:
        return 15000 + (value_kind == 3 ? (ts)(random_next(random) % (UINT64_C(1) << 40)) : 0);
    case 3:
        return 15000 - (ts)(random_next(random) % 100);
    default:
        return 15000;
    }
}

static inline double sequence_value(struct random *random, uint64_t kind, size_t k, double before)
{
    uint64_t what = random_next(random) % 8;

    if (what == 0) {
        return value_stale();
    }
    if (what < 3) {
        return value_is_stale(before) ? (double)k : before;
    }
    switch (kind) {
    case 0:
        return (double)(random_next(random) % 1000);
    case 1:
        return value_from_bits(random_next(random));
    case 2:
        return (double)(random_next(random) % 100000) / 100;
    default:
        return (double)k;
    }
}

/* Kinds of starts: none, one, some resets, one with each sample, none in the first half. */
static inline ts sequence_start(struct random *random, uint64_t kind,
                                const struct chunk_sequence *s, size_t k, ts t, ts before)
{
    switch (kind) {
    case 1:
        return k == 0 ? t - 5000 : before;
    case 2:
        return random_next(random) % 20 == 0 ? t - (ts)(random_next(random) % 3000) : before;
    case 3:
        return t - 15000 + (ts)(random_next(random) % 20);
    case 4:
        return k == s->count / 2 ? t - 1 : before;
    default:
        return 0;
    }
}

static inline void sequence_draw(struct chunk_sequence *ret, uint64_t seed)
{
    struct random random = {seed};
    uint64_t start_kind = random_next(&random) % 5;
    uint64_t value_kind = random_next(&random) % 4;
    ts t, st = 0;
    double v = 0;

    ret->count = 1 + (size_t)(random_next(&random) % SEQUENCE_SAMPLES);
    t = (ts)(random_next(&random) % 2000000) - 1000000;
    for (size_t k = 0; k < ret->count; k++) {
        ts step = sequence_step(&random, value_kind);

        v = sequence_value(&random, value_kind, k, v);
        st = sequence_start(&random, start_kind, ret, k, t, st);
        ret->t[k] = t;
        ret->v[k] = v;
        ret->st[k] = st;
        t += step;
    }
}
