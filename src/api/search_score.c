#include "api/search_score.h"

#include <string.h>

#include "base/assert.h"
#include "base/mem.h"

/* Source of the figures: Prometheus 3.16, util/strutil and web/api/v1/search_filters. */

/* What is not the term itself never reaches 1. */
static const double inexact = 0.999;
static const double winkler = 0.1;
enum { WINKLER_PREFIX_MAX = 4 };

/* A text as code points; one beyond SEARCH_RUNES_MAX is cut, as nobody types it. */
struct runes {
    uint32_t *items;
    size_t count;
};

struct search_score {
    struct runes terms[SEARCH_TERMS_MAX];
    size_t term_count;
    enum search_way way;
    double threshold;
    bool fold_case;
    struct runes name; /* that is looked at */
    bool *taken[2];    /* of the shorter and the longer text */
};

/* ASCII and the letters of Latin-1 and Cyrillic and Greek's plain ranges; enough for names. */
static uint32_t fold(uint32_t rune)
{
    if (rune >= 'A' && rune <= 'Z') {
        return rune + ('a' - 'A');
    }
    if ((rune >= 0xC0 && rune <= 0xDE && rune != 0xD7) || (rune >= 0x391 && rune <= 0x3A9) ||
        (rune >= 0x410 && rune <= 0x42F)) {
        return rune + 0x20;
    }
    return rune;
}

static void decode(str text, bool fold_case, struct runes *ret)
{
    ret->count = 0;
    while (text.len > 0 && ret->count < SEARCH_RUNES_MAX) {
        uint32_t rune = 0;
        size_t size = utf8_decode(text, &rune);

        if (size == 0) {
            size = 1;
            rune = 0xFFFD;
        }
        ret->items[ret->count++] = fold_case ? fold(rune) : rune;
        text = str_from_index(text, size);
    }
}

struct search_score *search_score_new(const struct search_options *options)
{
    struct search_score *score = MEM_NEW(struct search_score);

    score->way = options->way;
    score->threshold = options->threshold;
    score->fold_case = options->fold_case;
    score->name.items = mem_alloc(SEARCH_RUNES_MAX * sizeof(uint32_t));
    for (size_t i = 0; i < ARRAY_COUNT(score->taken); i++) {
        score->taken[i] = mem_alloc(SEARCH_RUNES_MAX * sizeof(bool));
    }
    for (size_t i = 0; i < options->term_count && score->term_count < SEARCH_TERMS_MAX; i++) {
        struct runes *term = &score->terms[score->term_count];

        if (options->terms[i].len > 0) {
            size_t size =
                options->terms[i].len < SEARCH_RUNES_MAX ? options->terms[i].len : SEARCH_RUNES_MAX;

            term->items = mem_alloc(size * sizeof(uint32_t));
            decode(str_slice(options->terms[i], 0, size), options->fold_case, term);
            score->term_count++;
        }
    }
    return score;
}

struct search_score *search_score_free(struct search_score *score)
{
    if (score != NULL) {
        for (size_t i = 0; i < score->term_count; i++) {
            (void)mem_free(score->terms[i].items);
        }
        for (size_t i = 0; i < ARRAY_COUNT(score->taken); i++) {
            (void)mem_free(score->taken[i]);
        }
        (void)mem_free(score->name.items);
        (void)mem_free(score);
    }
    return NULL;
}

static bool begins_with(const struct runes *name, const struct runes *term)
{
    return name->count >= term->count &&
           memcmp(name->items, term->items, term->count * sizeof(uint32_t)) == 0;
}

/* ---- subsequences ---- */

/*
 * Takes the term's characters from `start` on, each at its first place, and adds up the squares of
 * the lengths of its runs, less the share of the name that lies before and between them, and half
 * of what lies behind. False when the name ends before the term.
 */
static bool walk(const struct runes *name, const struct runes *term, size_t start, double *ret)
{
    double share = 1.0 / (double)name->count;
    double total = 0;
    size_t before = 0; /* the place behind the last run */
    size_t at = start;
    size_t next = 0;

    while (next < term->count) {
        size_t from;

        while (at < name->count && name->items[at] != term->items[next]) {
            at++;
        }
        if (at == name->count) {
            return false;
        }
        from = at;
        while (at < name->count && next < term->count && name->items[at] == term->items[next]) {
            at++;
            next++;
        }
        total -= (double)(from - before) * share;
        total += (double)((at - from) * (at - from));
        before = at;
    }
    *ret = total - (double)(name->count - before) * share * 0.5;
    return true;
}

static double subsequence(const struct runes *name, const struct runes *term)
{
    double best = -1;
    double score = 0;

    if (term->count > name->count) {
        return 0;
    }
    if (name->count == term->count && begins_with(name, term)) {
        return 1;
    }
    for (size_t i = 0; i + term->count <= name->count; i++) {
        if (name->items[i] != term->items[0]) {
            continue;
        }
        if (!walk(name, term, i, &score)) {
            break; /* a later start has less of the name */
        }
        best = score > best ? score : best;
    }
    return best < 0 ? 0 : best / (double)(term->count * term->count) * inexact;
}

static bool fits_subsequence(const struct search_score *score, const struct runes *term,
                             double *ret)
{
    *ret = begins_with(&score->name, term) ? 1 : subsequence(&score->name, term);
    return *ret == 1 || (*ret > 0 && *ret >= score->threshold);
}

/* ---- Jaro and Winkler ---- */

static size_t count_matches(const struct runes *a, const struct runes *b, bool *a_taken,
                            bool *b_taken)
{
    size_t reach = b->count / 2 > 1 ? b->count / 2 - 1 : 0;
    size_t matches = 0;

    memset(a_taken, 0, a->count * sizeof(bool));
    memset(b_taken, 0, b->count * sizeof(bool));
    for (size_t i = 0; i < a->count; i++) {
        size_t end = i + reach + 1 < b->count ? i + reach + 1 : b->count;

        for (size_t k = i > reach ? i - reach : 0; k < end; k++) {
            if (!b_taken[k] && a->items[i] == b->items[k]) {
                a_taken[i] = true;
                b_taken[k] = true;
                matches++;
                break;
            }
        }
    }
    return matches;
}

static size_t count_swaps(const struct runes *a, const struct runes *b, const bool *a_taken,
                          const bool *b_taken)
{
    size_t swaps = 0;
    size_t k = 0;

    for (size_t i = 0; i < a->count; i++) {
        if (!a_taken[i]) {
            continue;
        }
        while (!b_taken[k]) {
            k++;
        }
        swaps += a->items[i] != b->items[k++];
    }
    return swaps;
}

static double jaro_winkler(const struct search_score *score, const struct runes *term)
{
    bool term_is_short = term->count <= score->name.count;
    const struct runes *a = term_is_short ? term : &score->name;
    const struct runes *b = term_is_short ? &score->name : term;
    double matches;
    double jaro;
    size_t prefix = 0;

    if (a->count == 0) {
        return 0;
    }
    if (a->count == b->count && begins_with(a, b)) {
        return 1;
    }
    matches = (double)count_matches(a, b, score->taken[0], score->taken[1]);
    if (matches == 0) {
        return 0;
    }
    jaro =
        (matches / (double)a->count + matches / (double)b->count +
         (matches - (double)count_swaps(a, b, score->taken[0], score->taken[1]) * 0.5) / matches) /
        3;
    while (prefix < WINKLER_PREFIX_MAX && prefix < a->count &&
           a->items[prefix] == b->items[prefix]) {
        prefix++;
    }
    return jaro + (double)prefix * winkler * (1 - jaro);
}

/* From 1 at the beginning of the name down to 0.1 at its end. */
static bool contains(const struct runes *name, const struct runes *term, double *ret)
{
    for (size_t i = 0; i + term->count <= name->count; i++) {
        if (memcmp(name->items + i, term->items, term->count * sizeof(uint32_t)) == 0) {
            *ret = i == 0 ? 1 : 1 - 0.9 * (double)i / (double)(name->count - term->count);
            return true;
        }
    }
    return false;
}

static bool fits_likeness(const struct search_score *score, const struct runes *term, double *ret)
{
    if (contains(&score->name, term, ret)) {
        return true;
    }
    if (score->threshold <= 0) {
        return false; /* contained or nothing */
    }
    *ret = jaro_winkler(score, term);
    return *ret >= score->threshold;
}

/* ---- the whole ---- */

bool search_score_of(struct search_score *score, str name, double *ret)
{
    double best = 0;
    bool fits = score->term_count == 0;

    *ret = 1;
    if (fits) {
        return true;
    }
    decode(name, score->fold_case, &score->name);
    for (size_t i = 0; i < score->term_count && best < 1; i++) {
        double one = 0;
        bool does = score->way == SEARCH_SUBSEQUENCE
                        ? fits_subsequence(score, &score->terms[i], &one)
                        : fits_likeness(score, &score->terms[i], &one);

        fits |= does;
        best = does && one > best ? one : best;
    }
    *ret = best;
    return fits;
}
