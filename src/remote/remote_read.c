#include "remote/remote_read.h"

#include "base/assert.h"
#include "base/mem.h"
#include "client/self.h"
#include "codec/sha256.h"
#include "http/client_settings.h"
#include "remote/remote_read_priv.h"

enum { NAME_BYTES = 3, URL_SHOWN_BYTES = 1024 };

struct remote_read {
    struct queryable queryable;
    struct remote_read_options options;
    struct lock lock;
    struct remote_source_set *set; /* lock: this one; NULL = none yet */
};

/* ---- sets ---- */

static void source_done(struct remote_source *source)
{
    (void)mem_free(source->url);
    (void)mem_free(source->shown_url);
    (void)mem_free(source->name);
    (void)http_headers_free(source->headers);
    (void)http_tokens_free(source->tokens);
}

struct remote_source_set *remote_source_set_unref(struct remote_source_set *set)
{
    /* Release, so that all uses come before; acquire by the one that frees. */
    if (set != NULL && atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) == 1) {
        for (size_t i = 0; i < set->count; i++) {
            source_done(&set->items[i]);
        }
        (void)mem_free(set->items);
        (void)prom_config_unref(set->config);
        (void)mem_free(set);
    }
    return NULL;
}

static struct remote_source_set *set_take(struct remote_read *read)
{
    struct remote_source_set *set;

    lock_acquire(&read->lock);
    set = read->set;
    if (set != NULL) {
        (void)remote_source_set_ref(set);
    }
    lock_release(&read->lock);
    return set;
}

static char *name_make(const struct prom_remote_read *settings)
{
    uint8_t digest[SHA256_BYTES];
    struct buf name = {0};

    if (settings->name.len > 0) {
        return str_dup_c(settings->name);
    }
    sha256_digest(settings->url, digest);
    for (size_t i = 0; i < NAME_BYTES; i++) {
        buf_printf(&name, "%02x", digest[i]);
    }
    return buf_take_c(&name);
}

static struct http_headers *headers_make(const struct prom_remote_read *settings)
{
    static const char *const fixed[] = {
        "Content-Encoding: snappy",
        "Accept-Encoding: snappy",
        "Content-Type: application/x-protobuf",
        "X-Prometheus-Remote-Read-Version: 0.1.0",
    };
    struct arena arena = {0};
    size_t count = ARRAY_COUNT(fixed);
    const char **lines = ARENA_ARRAY(&arena, const char *, count + settings->headers.count);
    struct http_headers *headers;

    memcpy(lines, fixed, sizeof(fixed));
    for (size_t i = 0; i < settings->headers.count; i++) {
        lines[count++] =
            arena_printf(&arena, "%.*s: %.*s", STR_ARG(settings->headers.items[i].name),
                         STR_ARG(settings->headers.items[i].value))
                .ptr;
    }
    headers = http_headers_new(lines, count);
    arena_done(&arena);
    return headers;
}

static void source_make(struct remote_source *source, const struct prom_config *config,
                        const struct prom_remote_read *settings)
{
    char shown[URL_SHOWN_BYTES];

    source->settings = settings;
    if (settings->filter_external_labels) {
        source->external_labels = prom_config_global(config)->external_labels;
    }
    source->url = str_dup_c(settings->url);
    source->shown_url = str_dup_c(str_from(client_url_show(source->url, shown, sizeof(shown))));
    source->name = name_make(settings);
    source->headers = headers_make(settings);
    source->tokens = http_tokens_new();
}

static int sections_check(const struct prom_config *config, size_t *ret_count,
                          struct baro_error *err)
{
    const struct prom_remote_read *settings;
    size_t count = 0;
    int r = 0;

    while (r >= 0 && (settings = prom_config_remote_read(config, count)) != NULL) {
        r = http_client_check(settings->http, err);
        for (size_t i = 0; r >= 0 && i < count; i++) {
            if (prom_config_remote_read_is_same(config, i, count)) {
                r = error_set(err, BARO_EINVALID,
                              "duplicate remote read configs are not allowed: it is that of line "
                              "%u",
                              prom_config_remote_read(config, i)->place.line);
            }
        }
        if (r < 0) {
            return error_wrap(err, r, "remote_read in line %u", settings->place.line);
        }
        count++;
    }
    *ret_count = count;
    return r;
}

int remote_read_apply(struct remote_read *read, struct prom_config *config, struct baro_error *err)
{
    struct remote_source_set *set, *before;
    size_t count = 0;
    int r = sections_check(config, &count, err);

    if (r < 0) {
        return r;
    }
    set = MEM_NEW(struct remote_source_set);
    atomic_init(&set->refs, 1);
    set->config = prom_config_ref(config);
    set->count = count;
    set->items = mem_alloc_zero((count + 1) * sizeof(*set->items));
    for (size_t i = 0; i < count; i++) {
        source_make(&set->items[i], config, prom_config_remote_read(config, i));
    }
    lock_acquire(&read->lock);
    before = read->set;
    read->set = set;
    lock_release(&read->lock);
    (void)remote_source_set_unref(before);
    return 0;
}

/* ---- queriers ---- */

/* Up to where a remote is asked; false when it is not. The local store answers alone what it has
 * whole. */
static bool is_asked(const struct remote_read *read, const struct remote_source *source, ts mint,
                     ts *maxt)
{
    ts from = 0;

    if (source->settings->read_recent || !read->options.lowest_time(read->options.context, &from)) {
        return true;
    }
    from += read->options.start_margin;
    *maxt = *maxt > from ? from : *maxt;
    return mint <= from;
}

static int read_querier(struct queryable *queryable, ts mint, ts maxt, struct querier **ret,
                        struct baro_error *err)
{
    struct remote_read *read = CONTAINER_OF(queryable, struct remote_read, queryable);
    struct remote_source_set *set = set_take(read);
    struct querier *local = NULL;
    struct querier **parts;
    size_t count = 0;
    int r = read->options.local->querier(read->options.local, mint, maxt, &local, err);

    if (r < 0 || set == NULL || set->count == 0) {
        (void)remote_source_set_unref(set);
        *ret = local;
        return r;
    }
    parts = mem_alloc((set->count + 1) * sizeof(struct querier *));
    for (size_t i = 0; i < set->count; i++) {
        ts end = maxt;

        if (is_asked(read, &set->items[i], mint, &end)) {
            parts[count++] = remote_source_querier(set, i, mint, end);
        }
    }
    /* The last one wins where two have a sample of the same time. */
    parts[count++] = local;
    *ret = querier_merge(parts, count);
    (void)remote_source_set_unref(set);
    (void)mem_free(parts);
    return 0;
}

/* ---- life ---- */

struct remote_read *remote_read_new(const struct remote_read_options *options)
{
    struct remote_read *read = MEM_NEW(struct remote_read);

    read->options = *options;
    read->queryable.querier = read_querier;
    read->queryable.local = options->local;
    lock_init(&read->lock, LOCK_REMOTE);
    return read;
}

struct remote_read *remote_read_free(struct remote_read *read)
{
    if (read != NULL) {
        read->set = remote_source_set_unref(read->set);
        lock_done(&read->lock);
    }
    return mem_free(read);
}

struct queryable *remote_read_queryable(struct remote_read *read)
{
    return &read->queryable;
}

/* ---- metrics ---- */

#define P "prometheus_remote_storage_"

static void put(struct buf *buf, const struct remote_source *source, const char *family,
                const char *more, double v)
{
    struct buf labels = {0};

    buf_c(&labels, "{remote_name=");
    buf_label_value(&labels, str_from(source->name));
    buf_c(&labels, ",url=");
    buf_label_value(&labels, str_from(source->shown_url));
    buf_printf(&labels, "%s}", more);
    buf_char(&labels, '\0');
    if (!labels.failed) {
        self_value(buf, family, labels.ptr, v);
    }
    buf_done(&labels);
}

static double get(const _Atomic uint64_t *counter)
{
    return (double)atomic_load_explicit(counter, memory_order_relaxed);
}

static const char *const kind_labels[REMOTE_READ_KIND_COUNT] = {
    [REMOTE_READ_SAMPLED] = ",response_type=\"sampled\"",
    [REMOTE_READ_CHUNKED] = ",response_type=\"chunked\"",
    [REMOTE_READ_UNSUPPORTED] = ",response_type=\"unsupported\"",
    [REMOTE_READ_FAILED] = ",response_type=\"none\"",
};

static void put_kinds(struct buf *buf, const struct remote_source_set *set, const char *family,
                      bool are_seconds)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct remote_source *source = &set->items[i];

        for (size_t k = 0; k < REMOTE_READ_KIND_COUNT; k++) {
            put(buf, source, family, kind_labels[k],
                are_seconds ? get(&source->duration_ns[k]) / (double)MONO_PER_SECOND
                            : get(&source->count[k]));
        }
    }
}

void remote_read_metrics(struct remote_read *read, struct buf *buf)
{
    struct remote_source_set *set = set_take(read);

    if (set != NULL && set->count > 0) {
        self_head(buf, P "read_queries_total", "counter", "Requests to remotes that queries read.");
        put_kinds(buf, set, P "read_queries_total", false);
        self_head(buf, P "read_request_duration_seconds", "summary",
                  "How long those requests took.");
        put_kinds(buf, set, P "read_request_duration_seconds_count", false);
        put_kinds(buf, set, P "read_request_duration_seconds_sum", true);
        self_head(buf, P "remote_read_queries", "gauge", "Requests to remotes that run.");
        for (size_t i = 0; i < set->count; i++) {
            put(buf, &set->items[i], P "remote_read_queries", "", get(&set->items[i].running));
        }
    }
    (void)remote_source_set_unref(set);
}
