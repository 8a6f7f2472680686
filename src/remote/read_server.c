#include "remote/read_server.h"

#include "base/mem.h"
#include "codec/compress.h"
#include "model/matcher.h"
#include "tsdb/chunk_pack.h"

/* What a request may take for queries, matchers and series lists. */
#define ARENA_BYTES_MAX ((size_t)1 << 30)

struct read_server {
    struct read_options options;
    struct arena request_arena; /* of what lives as long as this */
    struct wire_read_request request;
    struct labels externals;
    enum wire_response type;

    size_t query; /* the one that is open, or comes next */
    struct querier *querier;
    struct arena arena; /* of the query */
    struct matcher *matchers;
    size_t matcher_count;
    struct series_list list;
    size_t next; /* series */
    ts start;
    ts end;

    struct sample_buf samples;
    struct chunk_pack pack;
    struct buf series; /* a message with chunks that is being made */
    size_t sample_count;
};

/* ---- life cycle ---- */

int read_server_new(const struct read_options *options, str body, struct labels externals,
                    struct read_server **ret, struct baro_error *err)
{
    CLEANUP(read_server_freep) struct read_server *server = MEM_NEW(struct read_server);
    int r;

    server->options = *options;
    arena_init(&server->request_arena, ARENA_BYTES_MAX);
    arena_init(&server->arena, ARENA_BYTES_MAX);
    server->externals = labels_copy(&server->request_arena, externals);
    r = wire_read_request_read(arena_str(&server->request_arena, body), &server->request_arena,
                               &server->request, err);
    if (r < 0) {
        return r;
    }
    if (server->request.has_accepted && server->request.accepted_count == 0) {
        return error_set(err, BARO_EINVALID,
                         "server does not support any of the requested response types; supported: "
                         "SAMPLES, STREAMED_XOR_CHUNKS");
    }
    if (server->request.accepted_count > 0) {
        server->type = server->request.accepted[0];
    }
    *ret = TAKE(server);
    return 0;
}

static void close_query(struct read_server *server)
{
    for (size_t i = 0; i < server->matcher_count; i++) {
        matcher_done(&server->matchers[i]);
    }
    server->matcher_count = 0;
    querier_closep(&server->querier);
    server->querier = NULL;
    arena_reset(&server->arena);
    server->list = (struct series_list){0};
    server->next = 0;
}

struct read_server *read_server_free(struct read_server *server)
{
    if (server != NULL) {
        close_query(server);
        sample_buf_done(&server->samples);
        chunk_pack_done(&server->pack);
        buf_done(&server->series);
        arena_done(&server->arena);
        arena_done(&server->request_arena);
        (void)mem_free(server);
    }
    return NULL;
}

enum wire_response read_server_type(const struct read_server *server)
{
    return server->type;
}

void read_server_set_cancel(struct read_server *server, const _Atomic bool *cancel)
{
    server->options.cancel = cancel;
}

/* ---- queries ---- */

/* Series of the store have no external labels: a matcher that wants one as it is holds for those
 * that lack it. */
static int make_matchers(struct read_server *server, const struct wire_query *query,
                         struct baro_error *err)
{
    server->matchers = ARENA_ARRAY(&server->arena, struct matcher, query->matcher_count + 1);
    for (size_t i = 0; i < query->matcher_count; i++) {
        const struct wire_matcher *from = &query->matchers[i];
        const str external = labels_get(server->externals, from->name);
        const bool is_external =
            from->op == MATCHER_EQUAL && external.ptr != NULL && str_eq(external, from->value);
        int r = matcher_init(&server->matchers[i], (enum matcher_op)from->op, from->name,
                             is_external ? STR("") : from->value, err);

        if (r < 0) {
            return r;
        }
        server->matcher_count++;
    }
    return 0;
}

/* The times that the client wants: the query's, and narrower ones that its hints may tell. */
static void set_range(struct read_server *server, const struct wire_query *query)
{
    const struct wire_read_hints *hints = &query->hints;

    server->start = query->start;
    server->end = query->end;
    if (query->has_hints && (hints->start != 0 || hints->end != 0)) {
        server->start = hints->start > server->start ? hints->start : server->start;
        server->end = hints->end < server->end ? hints->end : server->end;
    }
}

static int open_query(struct read_server *server, struct baro_error *err)
{
    const struct wire_query *query = &server->request.queries[server->query];
    const struct cancel cancel = {.flag = server->options.cancel};
    struct select_hints hints = {.sorted = true};
    int r;

    set_range(server, query);
    hints.start = server->start;
    hints.end = server->end;
    r = make_matchers(server, query, err);
    if (r < 0 || server->start > server->end) {
        return r;
    }
    r = server->options.queryable->querier(server->options.queryable, server->start, server->end,
                                           &server->querier, err);
    if (r >= 0) {
        r = server->querier->ops->select(server->querier, &server->arena, &hints,
                                         (struct matchers){server->matchers, server->matcher_count},
                                         &cancel, &server->list, err);
    }
    return r;
}

/* The samples of the next series that has any: 1, 0 at the end of the query. */
static int next_series(struct read_server *server, struct labels *ret, struct baro_error *err)
{
    const struct cancel cancel = {.flag = server->options.cancel};

    while (server->next < server->list.count) {
        const struct series *series = &server->list.items[server->next++];
        int r = cancel_check(&cancel, err);

        sample_buf_reset(&server->samples);
        if (r >= 0) {
            r = server->querier->ops->samples(server->querier, series, server->start, server->end,
                                              &server->samples, err);
        }
        if (r < 0) {
            return r;
        }
        if (server->samples.count > 0) {
            *ret = series->labels;
            return 1;
        }
    }
    return 0;
}

/* The series's labels, and the external ones that it has not. In the arena of the query. */
static struct labels with_externals(struct read_server *server, struct labels labels)
{
    struct label *items;
    size_t count = 0, a = 0, b = 0;

    if (server->externals.count == 0) {
        return labels;
    }
    items = ARENA_ARRAY(&server->arena, struct label, labels.count + server->externals.count);
    while (a < labels.count || b < server->externals.count) {
        const int order = a == labels.count ? 1
                          : b == server->externals.count
                              ? -1
                              : str_cmp(labels.items[a].name, server->externals.items[b].name);

        items[count++] = order <= 0 ? labels.items[a] : server->externals.items[b];
        a += order <= 0;
        b += order >= 0;
    }
    return (struct labels){items, count};
}

/* ---- samples ---- */

static struct sample sample_at(const struct sample_buf *samples, size_t i)
{
    return (struct sample){
        .t = samples->t[i], .v = samples->v[i], .h = samples->h != NULL ? samples->h[i] : NULL};
}

static int put_series(struct read_server *server, struct labels labels,
                      struct wire_response_out *out, struct baro_error *err)
{
    const struct sample_buf *samples = &server->samples;

    server->sample_count += samples->count;
    if (server->options.samples_max > 0 && server->sample_count > server->options.samples_max) {
        return error_set(err, BARO_ELIMIT, "exceeded sample limit (%zu)",
                         server->options.samples_max);
    }
    wire_response_series(out, with_externals(server, labels));
    for (size_t i = 0; i < samples->count; i++) {
        const struct sample sample = sample_at(samples, i);

        wire_response_sample(out, &sample);
    }
    wire_response_series_end(out);
    return out->result.failed ? error_set(err, BARO_ELIMIT,
                                          "the response would have more than %zu bytes: ask for "
                                          "less, or for STREAMED_XOR_CHUNKS",
                                          server->options.response_bytes_max)
                              : 0;
}

static int put_query(struct read_server *server, struct wire_response_out *out,
                     struct buf *response, struct baro_error *err)
{
    struct labels labels = {0};
    int r = open_query(server, err);

    server->sample_count = 0;
    wire_response_result(out);
    while (r >= 0 && (r = next_series(server, &labels, err)) > 0) {
        r = put_series(server, labels, out, err);
    }
    wire_response_result_end(out, response);
    close_query(server);
    return r;
}

int read_server_samples(struct read_server *server, struct buf *ret, struct baro_error *err)
{
    struct wire_response_out out = {0};
    struct buf response = {.limit = server->options.response_bytes_max};
    int r = 0;

    out.result.limit = server->options.response_bytes_max;
    out.series.limit = server->options.response_bytes_max;
    for (; r >= 0 && server->query < server->request.query_count; server->query++) {
        r = put_query(server, &out, &response, err);
    }
    wire_response_out_done(&out);
    if (r >= 0 && response.failed) {
        r = error_set(err, BARO_ELIMIT, "the response would have more than %zu bytes",
                      server->options.response_bytes_max);
    }
    r = r < 0 ? r : snappy_pack(buf_view(&response), ret, err);
    buf_done(&response);
    return r;
}

/* ---- chunks ---- */

/* The frames of one series. */
struct framing {
    struct read_server *server;
    struct labels labels;
    struct buf *stream;
    size_t label_bytes;
};

static void begin_message(struct framing *framing)
{
    struct buf *series = &framing->server->series;

    buf_reset(series);
    wire_chunk_labels_put(series, framing->labels);
    framing->label_bytes = series->len;
}

static void end_message(struct framing *framing)
{
    struct buf *series = &framing->server->series;

    if (series->len > framing->label_bytes) {
        wire_frame_put(framing->stream, buf_view(series), (int64_t)framing->server->query);
        framing->stream->failed = framing->stream->failed || series->failed;
    }
    begin_message(framing);
}

static int take_chunk(void *context, uint8_t encoding, str data, ts mint, ts maxt, uint32_t samples,
                      struct baro_error *err)
{
    struct framing *framing = context;
    const struct wire_chunk chunk = {mint, maxt, encoding, data};

    (void)samples;
    (void)err;
    wire_chunk_put(&framing->server->series, &chunk);
    if (framing->server->series.len >= framing->server->options.frame_bytes_max) {
        end_message(framing);
    }
    return 0;
}

int read_server_frames(struct read_server *server, struct buf *ret, struct baro_error *err)
{
    struct labels labels = {0};
    int r = 0;

    while (server->query < server->request.query_count) {
        struct framing framing = {.server = server, .stream = ret};

        r = server->querier == NULL ? open_query(server, err) : 0;
        r = r < 0 ? r : next_series(server, &labels, err);
        if (r < 0) {
            return r;
        }
        if (r == 0) {
            close_query(server);
            server->query++;
            continue;
        }
        server->samples.st = NULL;
        framing.labels = with_externals(server, labels);
        begin_message(&framing);
        r = chunk_pack_each(&server->pack, &server->samples, false, take_chunk, &framing, err);
        end_message(&framing);
        if (r >= 0 && ret->failed) {
            r = error_set(err, BARO_ELIMIT, "no memory for a frame");
        }
        return r < 0 ? r : 1;
    }
    return 0;
}
