#include "client/baro_priv.h"

#include <stdlib.h>

/* The exemplars of a series, one for each bucket (one for a counter): made at the first, freed with
 * the series. */
struct exemplars {
    uint32_t kind; /* BARO_EXTRA_EXEMPLARS */
    uint32_t count;
    struct slot {
        uint64_t lock; /* of baro_word_lock */
        uint64_t value;
        uint64_t time_ms;
        uint64_t size;
        uint64_t words[BARO_EXEMPLAR_BYTES_MAX /
                       8]; /* the labels, as words that are read and written whole */
    } slots[];
};

static size_t runes_of(const char *text)
{
    size_t runes = 0;

    for (; *text != '\0'; text++) {
        runes += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return runes;
}

/* The labels as they will be written; false when they are no labels or too long. */
static bool exemplar_render(const struct baro_exemplar *exemplar, struct baro_out *out)
{
    size_t runes = 0;

    for (size_t i = 0; i < exemplar->pair_count; i++) {
        const struct baro_pair *pair = &exemplar->pairs[i];

        if (!baro_name_is_label(pair->name) || pair->value == NULL ||
            pair->value[baro_utf8_cut(pair->value, BARO_EXEMPLAR_BYTES_MAX)] != '\0') {
            return false;
        }
        runes += runes_of(pair->name) + runes_of(pair->value);
        if (runes > BARO_EXEMPLAR_RUNES_MAX) {
            return false;
        }
        baro_out_text(out, i > 0 ? "," : "");
        baro_out_text(out, pair->name);
        baro_out_text(out, "=\"");
        baro_out_escaped(out, pair->value, true);
        baro_out_text(out, "\"");
    }
    return out->failed == 0 && out->size <= BARO_EXEMPLAR_BYTES_MAX && exemplar->pair_count > 0;
}

/* The first thread with an exemplar makes room for all buckets; another that is as early throws its
 * own away. */
static struct exemplars *exemplars_of(struct baro_series *series)
{
    struct exemplars *all = __atomic_load_n(&series->extra, __ATOMIC_ACQUIRE);
    uint32_t count = series->family->bound_count + 1;
    void *none = NULL;

    if (all != NULL) {
        return all->kind == BARO_EXTRA_EXEMPLARS ? all : NULL;
    }
    all = calloc(1, sizeof(*all) + count * sizeof(all->slots[0]));
    if (all == NULL) {
        return NULL;
    }
    all->kind = BARO_EXTRA_EXEMPLARS;
    all->count = count;
    if (!__atomic_compare_exchange_n(&series->extra, &none, (void *)all, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        free(all);
        all = none;
        return all->kind == BARO_EXTRA_EXEMPLARS ? all : NULL;
    }
    return all;
}

static void slot_write(struct slot *slot, double value, int64_t time_ms, const char *labels,
                       size_t size)
{
    uint64_t held = 0;

    if (!baro_word_lock(&slot->lock, &held)) {
        return;
    }
    __atomic_store_n(&slot->value, baro_bits_of(value), __ATOMIC_RELEASE);
    __atomic_store_n(&slot->time_ms, (uint64_t)time_ms, __ATOMIC_RELEASE);
    __atomic_store_n(&slot->size, size, __ATOMIC_RELEASE);
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = 0;

        memcpy(&word, &labels[i], size - i < 8 ? size - i : 8);
        __atomic_store_n(&slot->words[i / 8], word, __ATOMIC_RELEASE);
    }
    baro_word_unlock(&slot->lock, held);
}

void baro_exemplar_keep(struct baro_series *series, uint32_t bucket, double value,
                        const struct baro_exemplar *exemplar)
{
    struct exemplars *all;
    struct baro_out out;

    baro_out_init(&out, NULL, NULL, false);
    if (!exemplar_render(exemplar, &out)) {
        baro_misuse();
    } else if ((all = exemplars_of(series)) != NULL && bucket < all->count) {
        slot_write(&all->slots[bucket], value,
                   exemplar->time_ms != 0 ? exemplar->time_ms : baro_now_ms(), out.bytes, out.size);
    }
    baro_out_done(&out);
}

enum { READS_MAX = 100 };

bool baro_exemplar_read(const struct baro_series *series, uint32_t bucket,
                        struct baro_exemplar_kept *ret)
{
    struct exemplars *all = __atomic_load_n(&series->extra, __ATOMIC_ACQUIRE);
    struct slot *slot;

    if (all == NULL || all->kind != BARO_EXTRA_EXEMPLARS || bucket >= all->count) {
        return false;
    }
    slot = &all->slots[bucket];
    for (int i = 0; i < READS_MAX; i++) {
        uint64_t lock = __atomic_load_n(&slot->lock, __ATOMIC_ACQUIRE);
        size_t size = __atomic_load_n(&slot->size, __ATOMIC_ACQUIRE);

        ret->value = baro_double_of(__atomic_load_n(&slot->value, __ATOMIC_ACQUIRE));
        ret->time_ms = (int64_t)__atomic_load_n(&slot->time_ms, __ATOMIC_ACQUIRE);
        ret->size = (uint16_t)size;
        for (size_t at = 0; at < size && at < sizeof(ret->labels); at += 8) {
            uint64_t word = __atomic_load_n(&slot->words[at / 8], __ATOMIC_ACQUIRE);

            memcpy(&ret->labels[at], &word, sizeof(word));
        }
        if ((lock & 1) == 0 && __atomic_load_n(&slot->lock, __ATOMIC_RELAXED) == lock) {
            return size > 0;
        }
    }
    return false;
}
