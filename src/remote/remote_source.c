/* A querier over one remote: each selection is a request. */
#include <errno.h>

#include "base/assert.h"
#include "base/mem.h"
#include "codec/compress.h"
#include "remote/remote_read_priv.h"
#include "remote/wire_read.h"
#include "sys/clock.h"

/* What a remote may make us spend on one answer: bytes on the way, bytes of memory, and samples
 * that are moved into order (some seconds). */
#define ANSWER_BYTES_MAX        ((uint64_t)256 << 20)
#define ANSWER_MEMORY_BYTES_MAX ((size_t)2 << 30)
#define ANSWER_MOVES_MAX        ((size_t)1 << 30)

enum { MESSAGE_SHOWN_BYTES = 200 };

/* The answers of a querier live as long as it. */
struct source_querier {
    struct querier querier;
    struct remote_source_set *set; /* a reference */
    struct remote_source *source;
    ts mint;
    ts maxt;
    VEC(struct remote_answer *) answers;
    VEC(char *) warnings;
};

static struct source_querier *querier_of(struct querier *base)
{
    return CONTAINER_OF(base, struct source_querier, querier);
}

/* ---- what is asked ---- */

static bool has_required(const struct remote_source *source, struct matchers matchers)
{
    for (size_t r = 0; r < source->settings->required_matchers.count; r++) {
        const struct conf_pair *wanted = &source->settings->required_matchers.items[r];
        bool found = false;

        for (size_t i = 0; !found && i < matchers.count; i++) {
            found = matchers.items[i].op == MATCHER_EQUAL &&
                    str_eq(matchers.items[i].name, wanted->name) &&
                    str_eq(matchers.items[i].value, wanted->value);
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

static bool is_matched(struct matchers matchers, str name)
{
    for (size_t i = 0; i < matchers.count; i++) {
        if (str_eq(matchers.items[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* The matchers of the query, and one for each external label that it says nothing of: those labels
 * are taken out of the answer. */
static void query_make(const struct source_querier *q, struct arena *arena,
                       const struct select_hints *hints, struct matchers matchers,
                       const struct cancel *cancel, struct wire_query *ret,
                       struct remote_answer_query *ret_answer)
{
    struct conf_pairs external = q->source->external_labels;
    struct wire_matcher *items =
        ARENA_ARRAY(arena, struct wire_matcher, matchers.count + external.count + 1);
    str *names = ARENA_ARRAY(arena, str, external.count + 1);
    size_t count = 0, dropped = 0;

    for (size_t i = 0; i < matchers.count; i++) {
        const struct matcher *m = &matchers.items[i];

        items[count++] = (struct wire_matcher){(int)m->op, m->name, m->value};
    }
    for (size_t i = 0; i < external.count; i++) {
        if (!is_matched(matchers, external.items[i].name)) {
            items[count++] = (struct wire_matcher){MATCHER_EQUAL, external.items[i].name,
                                                   external.items[i].value};
            names[dropped++] = external.items[i].name;
        }
    }
    *ret = (struct wire_query){
        .start = q->mint,
        .end = q->maxt,
        .matchers = items,
        .matcher_count = count,
        .has_hints = hints != NULL,
    };
    if (hints != NULL) {
        ret->hints = (struct wire_read_hints){
            .step = hints->step, .range = hints->range, .start = hints->start, .end = hints->end};
    }
    *ret_answer = (struct remote_answer_query){
        .start = q->mint,
        .end = q->maxt,
        .dropped_names = names,
        .dropped_count = dropped,
        .frame_bytes_max = q->source->settings->frame_bytes_max,
        .bytes_max = ANSWER_MEMORY_BYTES_MAX,
        .moves_max = ANSWER_MOVES_MAX,
        .cancel = cancel,
    };
}

static int body_make(const struct wire_query *query, struct buf *ret, struct baro_error *err)
{
    static const enum wire_response accepted[] = {WIRE_RESPONSE_CHUNKS, WIRE_RESPONSE_SAMPLES};
    const struct wire_read_request request = {
        .queries = query,
        .query_count = 1,
        .accepted = accepted,
        .accepted_count = ARRAY_COUNT(accepted),
        .has_accepted = true,
    };
    struct buf raw = {0};
    int r = 0;

    wire_read_request_put(&raw, &request);
    r = raw.failed ? error_set(err, -ENOMEM, "no memory for a request")
                   : snappy_pack(buf_view(&raw), ret, err);
    buf_done(&raw);
    return r;
}

/* ---- the request ---- */

struct exchange {
    struct http_call call;
    const struct remote_answer_query *query;
    struct remote_source *source;
    struct remote_answer *answer;
    enum remote_read_kind kind;
    int result;
    struct baro_error err;
};

/* Reads the answer while its bytes are there. */
static void exchange_done(struct http_call *call)
{
    struct exchange *exchange = CONTAINER_OF(call, struct exchange, call);
    str text = str_trim(str_slice(call->body, 0, MESSAGE_SHOWN_BYTES));

    if (call->result < 0) {
        exchange->result = call->result;
        exchange->err = call->err;
    } else if (call->status / 100 != 2) {
        exchange->kind = REMOTE_READ_UNSUPPORTED;
        exchange->result = error_set(&exchange->err, BARO_ENETWORK, "returned http status %s: %.*s",
                                     call->status_text, STR_ARG(text));
    } else {
        exchange->result = remote_answer_read(exchange->answer, exchange->query, call->content_type,
                                              call->body, &exchange->kind, &exchange->err);
    }
}

/* No longer than the query may take. */
static dur timeout_of(const struct remote_source *source, const struct cancel *cancel)
{
    dur timeout = source->settings->timeout > 0 ? source->settings->timeout : 1;

    if (cancel != NULL && cancel->deadline > 0) {
        dur left = (cancel->deadline - clock_mono(clock_real())) / MONO_PER_MS + 1;

        timeout = left < 1 ? 1 : left < timeout ? left : timeout;
    }
    return timeout;
}

static int exchange_run(struct remote_source *source, const struct remote_answer_query *query,
                        str body, struct remote_answer *answer, struct baro_error *err)
{
    const struct cancel *cancel = query->cancel;
    mono begin = clock_mono(clock_real());
    struct exchange exchange = {
        .call = {.url = source->url,
                 .headers = source->headers,
                 .post = body,
                 .timeout = timeout_of(source, cancel),
                 .body_bytes_max = ANSWER_BYTES_MAX,
                 .cancel = cancel != NULL ? cancel->flag : NULL,
                 .kill = cancel != NULL ? cancel->kill : NULL,
                 .tokens = source->tokens,
                 .done = exchange_done},
        .query = query,
        .source = source,
        .answer = answer,
        .kind = REMOTE_READ_FAILED,
    };

    atomic_fetch_add_explicit(&source->running, 1, memory_order_relaxed);
    if (http_fetch(source->settings->http, &exchange.call, NULL) < 0 && exchange.result >= 0) {
        exchange.result = exchange.call.result;
        exchange.err = exchange.call.err;
    }
    atomic_fetch_sub_explicit(&source->running, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&source->count[exchange.kind], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&source->duration_ns[exchange.kind],
                              (uint64_t)(clock_mono(clock_real()) - begin), memory_order_relaxed);
    if (exchange.result < 0) {
        *err = exchange.err;
    }
    return exchange.result;
}

/* ---- the querier ---- */

static void warn(struct source_querier *q, const struct baro_error *err)
{
    struct buf text = {0};

    buf_printf(&text, "remote_read: remote server %s: %s", q->source->shown_url, err->message);
    char *taken = buf_take_c(&text);
    if (taken != NULL) {
        vec_push(&q->warnings, taken);
    }
}

static void list_make(struct remote_answer *answer, struct arena *arena, struct series_list *ret)
{
    ret->items = ARENA_ARRAY(arena, struct series, answer->series.count + 1);
    ret->count = answer->series.count;
    for (size_t i = 0; i < ret->count; i++) {
        ret->items[i] =
            (struct series){.labels = answer->series.items[i].labels, .source = answer, .id = i};
    }
}

static int source_select(struct querier *base, struct arena *arena,
                         const struct select_hints *hints, struct matchers matchers,
                         const struct cancel *cancel, struct series_list *ret,
                         struct baro_error *err)
{
    struct source_querier *q = querier_of(base);
    struct remote_answer_query answer_query = {0};
    struct wire_query query = {0};
    struct baro_error fault = {0};
    struct arena scratch = {0};
    struct remote_answer *answer;
    struct buf body = {0};
    int r;

    *ret = (struct series_list){0};
    if (!has_required(q->source, matchers)) {
        return 0;
    }
    answer = MEM_NEW(struct remote_answer);
    vec_push(&q->answers, answer);
    query_make(q, &scratch, hints, matchers, cancel, &query, &answer_query);
    r = body_make(&query, &body, &fault);
    r = r < 0 ? r : exchange_run(q->source, &answer_query, buf_view(&body), answer, &fault);
    if (r >= 0) {
        list_make(answer, arena, ret);
    } else {
        warn(q, &fault);
        /* The end of the query is told by who asked for it; everything else leaves the others. */
        r = cancel != NULL ? cancel_check(cancel, err) : 0;
    }
    buf_done(&body);
    arena_done(&scratch);
    return r;
}

static const struct sample_buf *samples_of(const struct series *series)
{
    const struct remote_answer *answer = series->source;

    return &answer->series.items[series->id].samples;
}

static int source_samples(UNUSED struct querier *base, const struct series *series, ts start,
                          ts end, struct sample_buf *ret, struct baro_error *err)
{
    const struct sample_buf *from = samples_of(series);
    size_t first = remote_answer_from(from, from->count, start);
    size_t last = end == INT64_MAX ? from->count : remote_answer_from(from, from->count, end + 1);

    if (first >= last) {
        return 0;
    }
    if (!sample_buf_reserve(ret, last - first) ||
        (from->h != NULL && ret->h == NULL && !sample_buf_add_h(ret)) ||
        (from->st != NULL && ret->st == NULL && !sample_buf_add_st(ret))) {
        return error_set(err, BARO_ELIMIT, "no memory for the samples of a query");
    }
    for (size_t i = first; i < last; i++) {
        sample_buf_move(ret, ret->count, from, i);
        ret->count++;
    }
    return 0;
}

static int source_last_sample(UNUSED struct querier *base, const struct series *series, ts start,
                              ts end, UNUSED struct arena *arena, struct sample *ret,
                              UNUSED struct baro_error *err)
{
    const struct sample_buf *from = samples_of(series);
    size_t behind = end == INT64_MAX ? from->count : remote_answer_from(from, from->count, end + 1);

    if (behind == 0 || from->t[behind - 1] < start) {
        return 0;
    }
    *ret = (struct sample){.t = from->t[behind - 1],
                           .v = from->v[behind - 1],
                           .h = from->h != NULL ? from->h[behind - 1] : NULL,
                           .st = from->st != NULL ? from->st[behind - 1] : 0};
    return 1;
}

/* Prometheus does not ask remotes for names and values either. */
static int source_label_names(UNUSED struct querier *base, UNUSED struct arena *arena,
                              UNUSED struct matchers matchers, UNUSED const struct cancel *cancel,
                              struct str_list *ret, UNUSED struct baro_error *err)
{
    *ret = (struct str_list){0};
    return 0;
}

static int source_label_values(UNUSED struct querier *base, UNUSED struct arena *arena,
                               UNUSED str name, UNUSED struct matchers matchers,
                               UNUSED const struct cancel *cancel, struct str_list *ret,
                               UNUSED struct baro_error *err)
{
    *ret = (struct str_list){0};
    return 0;
}

static void source_close(struct querier *base)
{
    struct source_querier *q = querier_of(base);

    for (size_t i = 0; i < q->answers.count; i++) {
        remote_answer_done(q->answers.items[i]);
        (void)mem_free(q->answers.items[i]);
    }
    for (size_t i = 0; i < q->warnings.count; i++) {
        (void)mem_free(q->warnings.items[i]);
    }
    vec_done(&q->answers);
    vec_done(&q->warnings);
    (void)remote_source_set_unref(q->set);
    (void)mem_free(q);
}

static const char *source_warning(struct querier *base, size_t index)
{
    struct source_querier *q = querier_of(base);

    return index < q->warnings.count ? q->warnings.items[index] : NULL;
}

static const struct querier_ops source_ops = {
    .select = source_select,
    .samples = source_samples,
    .last_sample = source_last_sample,
    .label_names = source_label_names,
    .label_values = source_label_values,
    .close = source_close,
    .warning = source_warning,
};

struct querier *remote_source_querier(struct remote_source_set *set, size_t index, ts mint, ts maxt)
{
    struct source_querier *q = MEM_NEW(struct source_querier);

    ASSERT(index < set->count);
    q->querier.ops = &source_ops;
    q->set = remote_source_set_ref(set);
    q->source = &set->items[index];
    q->mint = mint;
    q->maxt = maxt;
    return &q->querier;
}
