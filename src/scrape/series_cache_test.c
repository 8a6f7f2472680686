#include "scrape/series_cache.h"

#include "base/num.h"
#include "base/random.h"
#include "client/self.h"
#include "testing/test.h"

/* Walks over a body that is a list of words; new ones get the next ref. Returns how many were new.
 */
static size_t walk_body(struct series_walk *walk, struct series_cache *cache, const char *body,
                        series_ref *next)
{
    str rest = str_from(body);
    str word = STR_NULL;
    size_t fresh = 0;

    series_walk_begin(walk, cache);
    while (str_split_next(&rest, ' ', &word)) {
        if (word.len == 0) {
            continue; /* of an empty body */
        }
        if (walk->pos < cache->count && series_cache_is(cache, &cache->entries[walk->pos], word)) {
            series_walk_hit(walk);
        } else if (series_walk_find(walk, word) == SERIES_ID_NONE) {
            assert_int_not_equal(series_walk_add(walk, word, (*next)++, 0), SERIES_ID_NONE);
            fresh++;
        }
    }
    return fresh;
}

static void note_gone(struct series_entry *entry, void *context)
{
    buf_printf(context, "%llu ", (unsigned long long)entry->ref);
}

/* The word of an entry: a letter, or one of w0 w1 ... */
static str word_of(const struct series_cache *cache, const struct series_entry *entry)
{
    static const char *const words[] = {
        "a", "b",  "c",  "d",  "p",  "q",  "r",  "s",  "t",  "u",  "v",  "w",   "x",   "y",
        "z", "w0", "w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8", "w9", "w10", "w11",
    };
    str found = STR_NULL;

    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (series_cache_is(cache, entry, str_from(words[i]))) {
            assert_null(found.ptr);
            found = str_from(words[i]);
        }
    }
    assert_non_null(found.ptr);
    return found;
}

/* The refs of the series that are gone after a walk, and the cache as "raw=ref" afterwards. */
static void finish(struct series_walk *walk, struct buf *ret_gone, struct buf *ret_cache)
{
    struct series_cache *cache = walk->cache;

    buf_reset(ret_gone);
    buf_reset(ret_cache);
    series_walk_each_gone(walk, note_gone, ret_gone);
    series_walk_finish(walk);
    for (uint32_t i = 0; i < cache->count; i++) {
        const str raw = word_of(cache, &cache->entries[i]);

        buf_printf(ret_cache, "%.*s=%llu ", STR_ARG(raw),
                   (unsigned long long)cache->entries[i].ref);
    }
}

TEST(series_cache_follows_bodies)
{
    static const struct {
        const char *body;
        size_t fresh;
        const char *gone;
        const char *cache;
    } steps[] = {
        {"a b c", 3, "", "a=1 b=2 c=3 "},
        {"a b c", 0, "", "a=1 b=2 c=3 "},
        {"b c", 0, "1 ", "b=2 c=3 "},
        {"c b", 0, "", "c=3 b=2 "},
        {"x c y b z", 3, "", "x=4 c=3 y=5 b=2 z=6 "},
        {"z y x", 0, "3 2 ", "z=6 y=5 x=4 "},
        {"z", 0, "5 4 ", "z=6 "},
        {"p q r s t u v w z", 8, "", "p=7 q=8 r=9 s=10 t=11 u=12 v=13 w=14 z=6 "},
        {"w p q r s t u v z", 0, "", "w=14 p=7 q=8 r=9 s=10 t=11 u=12 v=13 z=6 "},
        {"a", 1, "14 7 8 9 10 11 12 13 6 ", "a=15 "},
    };
    struct series_cache cache = {0};
    struct series_walk walk = {0};
    struct buf gone = {0};
    struct buf content = {0};
    series_ref next = 1;

    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
        test_row(steps[i].body);
        assert_int_equal(walk_body(&walk, &cache, steps[i].body, &next), steps[i].fresh);
        finish(&walk, &gone, &content);
        assert_str_equal(buf_view(&gone), str_from(steps[i].gone));
        assert_str_equal(buf_view(&content), str_from(steps[i].cache));
    }
    test_row(NULL);
    series_walk_done(&walk);
    series_cache_done(&cache);
    buf_done(&gone);
    buf_done(&content);
}

TEST(series_cache_keeps_a_failed_walk_out)
{
    struct series_cache cache = {0};
    struct series_walk walk = {0};
    struct buf gone = {0};
    struct buf content = {0};
    series_ref next = 1;

    assert_int_equal(walk_body(&walk, &cache, "a b", &next), 2);
    finish(&walk, &gone, &content);
    /* Without series_walk_finish nothing of the walk stays. */
    assert_int_equal(walk_body(&walk, &cache, "b c d a", &next), 2);
    assert_int_equal(walk_body(&walk, &cache, "a b", &next), 0);
    finish(&walk, &gone, &content);
    assert_str_equal(buf_view(&content), STR("a=1 b=2 "));
    assert_int_equal(gone.len, 0);
    series_walk_done(&walk);
    series_cache_done(&cache);
    buf_done(&gone);
    buf_done(&content);
}

TEST(series_cache_takes_repeated_series)
{
    struct series_cache cache = {0};
    struct series_walk walk = {0};
    struct buf gone = {0};
    struct buf content = {0};
    series_ref next = 1;

    assert_int_equal(walk_body(&walk, &cache, "a a b a", &next), 2);
    finish(&walk, &gone, &content);
    assert_str_equal(buf_view(&content), STR("a=1 a=1 b=2 a=1 "));
    assert_int_equal(walk_body(&walk, &cache, "a a b a", &next), 0);
    finish(&walk, &gone, &content);
    assert_int_equal(gone.len, 0);
    assert_str_equal(buf_view(&content), STR("a=1 a=1 b=2 a=1 "));
    series_walk_done(&walk);
    series_cache_done(&cache);
    buf_done(&gone);
    buf_done(&content);
}

TEST(series_entry_flags_leave_the_length_alone)
{
    struct series_entry entry = {.raw_len_flags = (uint32_t)SERIES_RAW_BYTES_MAX
                                                  << SERIES_FLAG_BITS};

    for (unsigned flag = SERIES_DROPPED; flag <= SERIES_HISTOGRAM; flag *= 2) {
        series_entry_set(&entry, flag, true);
        assert_int_equal(series_entry_flags(&entry), flag);
        series_entry_set(&entry, flag, false);
        assert_int_equal(series_entry_flags(&entry), 0);
    }
    series_entry_set(&entry, SERIES_TRACKED, true);
    assert_int_equal(series_entry_len(&entry), SERIES_RAW_BYTES_MAX);
}

static size_t number_of(str word)
{
    uint64_t number = 0;

    assert_true(num_parse_u64(str_from_index(word, 1), &number));
    return (size_t)number;
}

/* Random bodies of few words: against a list of words that is all there is to know. */
TEST(series_cache_agrees_with_a_plain_list)
{
    enum { WORDS = 12, ROUNDS = 2000 };
    struct series_cache cache = {0};
    struct series_walk walk = {0};
    struct random random = {7};
    struct buf gone = {0};
    struct buf content = {0};
    struct buf body = {0};
    series_ref known[WORDS] = {0}; /* 0 = not in the cache */
    series_ref next = 1;

    for (int round = 0; round < ROUNDS; round++) {
        bool seen[WORDS] = {false};
        const size_t count = random_below(&random, WORDS);
        size_t fresh = 0;
        size_t before = (size_t)next;

        buf_reset(&body);
        for (size_t i = 0; i < count; i++) {
            /* Mostly in order, as bodies are; each word once. */
            const size_t word = random_below(&random, 4) > 0 ? i : random_below(&random, WORDS);

            if (!seen[word]) {
                buf_printf(&body, "%sw%zu", body.len > 0 ? " " : "", word);
                seen[word] = true;
                fresh += known[word] == 0;
            }
        }
        buf_char(&body, '\0');
        assert_int_equal(walk_body(&walk, &cache, body.ptr, &next), fresh);
        finish(&walk, &gone, &content);
        for (uint32_t i = 0; i < cache.count; i++) {
            const str raw = word_of(&cache, &cache.entries[i]);
            const size_t word = number_of(raw);

            assert_true(seen[word]);
            assert_true(known[word] == 0 ? cache.entries[i].ref >= before
                                         : cache.entries[i].ref == known[word]);
        }
        memset(known, 0, sizeof(known));
        for (uint32_t i = 0; i < cache.count; i++) {
            known[number_of(word_of(&cache, &cache.entries[i]))] = cache.entries[i].ref;
        }
    }
    series_walk_done(&walk);
    series_cache_done(&cache);
    buf_done(&gone);
    buf_done(&content);
    buf_done(&body);
}

TEST(series_cache_tells_texts_apart)
{
    enum { BYTES = 300 };
    struct series_cache cache = {0};
    struct series_walk walk = {0};
    char raw[BYTES + 1];

    memset(raw, 'a', sizeof(raw));
    for (size_t len = 1; len <= BYTES; len += 13) {
        series_walk_begin(&walk, &cache);
        assert_int_equal(series_walk_find(&walk, str_of(raw, len)), SERIES_ID_NONE);
        assert_int_equal(series_walk_add(&walk, str_of(raw, len), len, 0), 0);
        series_walk_finish(&walk);
        assert_true(series_cache_is(&cache, &cache.entries[0], str_of(raw, len)));
        assert_false(series_cache_is(&cache, &cache.entries[0], str_of(raw, len + 1)));
        for (size_t bit = 0; bit < len * 8; bit++) {
            raw[bit / 8] = (char)(raw[bit / 8] ^ 1 << bit % 8);
            assert_false(series_cache_is(&cache, &cache.entries[0], str_of(raw, len)));
            raw[bit / 8] = (char)(raw[bit / 8] ^ 1 << bit % 8);
        }
        series_cache_done(&cache);
    }
    series_walk_done(&walk);
}

TEST(series_cache_tells_its_memory)
{
    struct series_cache cache = {0};
    struct series_walk walk = {0};
    size_t published = 0;
    double before = self_get(SELF_SCRAPE_CACHE);

    series_walk_begin(&walk, &cache);
    assert_int_equal(series_walk_add(&walk, STR("up"), 1, 0), 0);
    assert_int_equal(series_walk_add(&walk, STR("down"), 2, 0), 1);
    series_walk_finish(&walk);
    series_cache_publish(&cache, &published);
    assert_true(self_get(SELF_SCRAPE_CACHE) == before + 2 * sizeof(struct series_entry));
    series_cache_done(&cache);
    series_cache_publish(&cache, &published);
    assert_true(self_get(SELF_SCRAPE_CACHE) == before);
    series_walk_done(&walk);
}

/* What one cache knows says nothing about another one: the seeds differ. */
TEST(series_cache_seeds_differ)
{
    struct series_cache caches[2] = {0};
    struct series_walk walk = {0};

    for (size_t i = 0; i < ARRAY_COUNT(caches); i++) {
        series_walk_begin(&walk, &caches[i]);
        assert_int_equal(series_walk_add(&walk, STR("up"), 1, 0), 0);
        series_walk_finish(&walk);
    }
    assert_int_not_equal(caches[0].entries[0].hash, caches[1].entries[0].hash);
    series_walk_done(&walk);
    series_cache_done(&caches[0]);
    series_cache_done(&caches[1]);
}
