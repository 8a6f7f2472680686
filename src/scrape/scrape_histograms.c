#include "scrape/scrape_histograms.h"

#include <math.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/num.h"
#include "conf/prom_config.h"

enum { COLUMNS_FIRST = 64 };

#define SUFFIX_BUCKET STR("_bucket")
#define SUFFIX_COUNT  STR("_count")
#define SUFFIX_SUM    STR("_sum")

/* ---- columns ---- */

void histogram_columns_done(struct histogram_columns *columns)
{
    (void)mem_free(columns->refs);
    (void)mem_free(columns->t);
    (void)mem_free(columns->h);
    (void)mem_free(columns->st);
    (void)mem_free(columns->ids);
    (void)mem_free(columns->status);
    arena_done(&columns->arena);
    *columns = (struct histogram_columns){0};
}

void histogram_columns_reset(struct histogram_columns *columns)
{
    columns->count = 0;
    arena_reset(&columns->arena);
}

void histogram_columns_push(struct histogram_columns *columns, series_ref ref, ts t, ts st,
                            const struct histogram *h, uint32_t id)
{
    const size_t i = columns->count;

    if (i == columns->capacity) {
        const size_t capacity = i > 0 ? 2 * i : COLUMNS_FIRST;

        columns->refs = mem_realloc(columns->refs, capacity * sizeof(*columns->refs));
        columns->t = mem_realloc(columns->t, capacity * sizeof(*columns->t));
        columns->h = mem_realloc(columns->h, capacity * sizeof(*columns->h));
        columns->st = mem_realloc(columns->st, capacity * sizeof(*columns->st));
        columns->ids = mem_realloc(columns->ids, capacity * sizeof(*columns->ids));
        columns->status = mem_realloc(columns->status, capacity * sizeof(*columns->status));
        columns->capacity = capacity;
    }
    columns->refs[i] = ref;
    columns->t[i] = t;
    columns->h[i] = h;
    columns->st[i] = st;
    columns->ids[i] = id;
    columns->count = i + 1;
}

/* ---- limits ---- */

/* The finest schema whose buckets are at least `factor` wide, as client_golang picks it. */
static int32_t schema_of_factor(double factor)
{
    const double schema = floor(-log2(log2(factor)));

    return schema >= HISTOGRAM_SCHEMA_MAX   ? HISTOGRAM_SCHEMA_MAX
           : schema <= HISTOGRAM_SCHEMA_MIN ? HISTOGRAM_SCHEMA_MIN
                                            : (int32_t)schema;
}

static uint64_t bucket_count(const struct histogram *h)
{
    return (uint64_t)h->positive.bucket_count + h->negative.bucket_count;
}

int scrape_histogram_admit(struct arena *arena, const struct histogram *h,
                           const struct prom_scrape *settings, struct histogram **ret,
                           struct baro_error *err)
{
    const uint64_t limit = settings->native_histogram_bucket_limit;
    const double factor = settings->native_histogram_min_bucket_factor;
    struct histogram *copy = histogram_copy(arena, h);

    if (copy == NULL) {
        return error_set(err, BARO_ELIMIT, "no memory for a histogram");
    }
    while (limit > 0 && bucket_count(copy) > limit) {
        if (histogram_is_custom(copy) || copy->schema == HISTOGRAM_SCHEMA_MIN) {
            return error_set(err, BARO_ELIMIT, "histogram bucket limit exceeded");
        }
        histogram_reduce(arena, copy, copy->schema - 1);
    }
    if (factor > 1 && !histogram_is_custom(copy) && copy->schema > schema_of_factor(factor)) {
        histogram_reduce(arena, copy, schema_of_factor(factor));
    }
    *ret = copy;
    return 0;
}

/* ---- classic histograms ---- */

void nhcb_done(struct nhcb *nhcb)
{
    vec_done(&nhcb->buckets);
    vec_done(&nhcb->exemplars);
    buf_done(&nhcb->key);
    buf_done(&nhcb->next_key);
    buf_done(&nhcb->native_key);
}

void nhcb_reset(struct nhcb *nhcb)
{
    nhcb->is_collecting = false;
    vec_reset(&nhcb->exemplars);
    buf_reset(&nhcb->native_key);
}

static void key_quoted(struct buf *key, str text)
{
    buf_c(key, "\"");
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];

        if (c == '\n') {
            buf_c(key, "\\n");
            continue;
        }
        if (c == '"' || c == '\\') {
            buf_char(key, '\\');
        }
        buf_char(key, c);
    }
    buf_c(key, "\"");
}

/* {"name","label"="value",...}: what OpenMetrics would call the series, without `le`. */
static void key_make(struct buf *key, struct labels labels, str name)
{
    buf_reset(key);
    buf_c(key, "{");
    key_quoted(key, name);
    for (size_t i = 0; i < labels.count; i++) {
        const struct label label = labels.items[i];

        if (!str_eq(label.name, LABEL_METRIC_NAME) && !str_is(label.name, "le")) {
            buf_c(key, ",");
            key_quoted(key, label.name);
            buf_c(key, "=");
            key_quoted(key, label.value);
        }
    }
    buf_c(key, "}");
}

static bool key_eq(const struct buf *a, const struct buf *b)
{
    return !a->failed && !b->failed && str_eq(buf_view(a), buf_view(b));
}

static bool bound_of(struct labels labels, double *ret)
{
    return num_parse_double(labels_get(labels, STR("le")), ret) && !isnan(*ret);
}

enum nhcb_part nhcb_look(struct nhcb *nhcb, struct labels labels, str family)
{
    const str name = labels_get(labels, LABEL_METRIC_NAME);
    const str suffix = str_from_index(name, family.len);
    double bound = 0;
    enum nhcb_part part = NHCB_NONE;

    if (!str_has_prefix(name, family)) {
        return NHCB_NONE;
    }
    if (str_eq(suffix, SUFFIX_COUNT)) {
        part = NHCB_COUNT;
    } else if (str_eq(suffix, SUFFIX_SUM)) {
        part = NHCB_SUM;
    } else if (str_eq(suffix, SUFFIX_BUCKET) && bound_of(labels, &bound)) {
        part = NHCB_BUCKET;
    }
    if (part != NHCB_NONE) {
        key_make(&nhcb->next_key, labels, family);
    }
    return nhcb->next_key.failed ? NHCB_NONE : part;
}

bool nhcb_is_next(const struct nhcb *nhcb)
{
    return nhcb->is_collecting && !key_eq(&nhcb->key, &nhcb->next_key);
}

void nhcb_note_native(struct nhcb *nhcb, struct labels labels)
{
    key_make(&nhcb->native_key, labels, labels_get(labels, LABEL_METRIC_NAME));
}

bool nhcb_is_native(const struct nhcb *nhcb)
{
    return key_eq(&nhcb->native_key, &nhcb->next_key);
}

/* Buckets usually come in order; a bound that comes again is passed over, and one that comes late
 * finds its place. Counts must rise with the bounds. */
static void bucket_put(struct nhcb *nhcb, double upper, double count)
{
    const struct nhcb_bucket *items = nhcb->buckets.items;
    size_t at = nhcb->buckets.count;

    while (at > 0 && items[at - 1].upper > upper) {
        at--;
    }
    if ((at > 0 && items[at - 1].upper == upper) || nhcb->buckets.count == HISTOGRAM_BUCKETS_MAX) {
        nhcb->is_broken = nhcb->is_broken || nhcb->buckets.count == HISTOGRAM_BUCKETS_MAX;
        return;
    }
    if ((at > 0 && items[at - 1].count > count) ||
        (at < nhcb->buckets.count && items[at].count < count)) {
        nhcb->is_broken = true;
    }
    vec_push(&nhcb->buckets, ((struct nhcb_bucket){upper, count}));
    for (size_t i = nhcb->buckets.count - 1; i > at; i--) {
        nhcb->buckets.items[i] = nhcb->buckets.items[i - 1];
    }
    nhcb->buckets.items[at] = (struct nhcb_bucket){upper, count};
}

static void nhcb_begin(struct nhcb *nhcb)
{
    nhcb->is_collecting = true;
    nhcb->is_broken = false;
    nhcb->has_count = false;
    nhcb->count = 0;
    nhcb->sum = 0;
    vec_reset(&nhcb->buckets);
    vec_reset(&nhcb->exemplars);
    buf_reset(&nhcb->key);
    buf_str(&nhcb->key, buf_view(&nhcb->next_key));
}

void nhcb_take(struct nhcb *nhcb, enum nhcb_part part, struct labels labels,
               const struct exposition_event *event)
{
    double bound = 0;

    ASSERT(!nhcb_is_next(nhcb));
    if (!nhcb->is_collecting) {
        nhcb_begin(nhcb);
    }
    nhcb->t = event->t;
    nhcb->has_timestamp = event->has_timestamp;
    if (part == NHCB_SUM) {
        nhcb->sum = event->value;
        return;
    }
    if (!(event->value >= 0)) {
        nhcb->is_broken = true;
    } else if (part == NHCB_COUNT) {
        nhcb->count = event->value;
        nhcb->has_count = true;
    } else if (bound_of(labels, &bound)) {
        bucket_put(nhcb, bound, event->value);
    }
}

static bool is_whole(double v)
{
    /* Beyond 2^53 every double is whole, but counts are not exact. */
    return v == floor(v) && v <= 0x1p53;
}

struct histogram *nhcb_make(struct nhcb *nhcb, struct arena *arena)
{
    struct histogram *h = ARENA_NEW(arena, struct histogram);
    const size_t known = nhcb->buckets.count;
    double *custom;
    double before = 0;

    nhcb->is_collecting = false;
    if (!nhcb->has_count && known > 0) {
        nhcb->count = nhcb->buckets.items[known - 1].count;
    }
    if (known == 0 || !isinf(nhcb->buckets.items[known - 1].upper)) {
        bucket_put(nhcb, (double)INFINITY, nhcb->count);
    }
    if (nhcb->is_broken || vec_last(&nhcb->buckets)->count != nhcb->count) {
        return NULL;
    }
    h->schema = HISTOGRAM_SCHEMA_CUSTOM;
    h->count = nhcb->count;
    h->sum = nhcb->sum;
    h->integer = is_whole(nhcb->count);
    h->positive.bucket_count = (uint32_t)nhcb->buckets.count;
    h->positive.buckets = ARENA_ARRAY(arena, double, nhcb->buckets.count);
    h->positive.span_count = 1;
    h->positive.spans = ARENA_NEW(arena, struct histogram_span);
    h->positive.spans[0].length = (uint32_t)nhcb->buckets.count;
    h->custom_count = (uint32_t)nhcb->buckets.count - 1;
    custom = ARENA_ARRAY(arena, double, nhcb->buckets.count);
    for (size_t i = 0; i < nhcb->buckets.count; i++) {
        const struct nhcb_bucket bucket = nhcb->buckets.items[i];

        h->positive.buckets[i] = bucket.count - before;
        h->integer = h->integer && is_whole(bucket.count);
        before = bucket.count;
        custom[i] = bucket.upper;
    }
    h->custom = custom;
    if (histogram_check(h, NULL) < 0) {
        return NULL;
    }
    histogram_compact(arena, h);
    return h;
}
