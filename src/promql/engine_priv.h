/*
 * engine_priv: what the parts of the engine share. The engine evaluates each node over all steps of
 * a timeline at once; a value is a set of rows, one double per step. A step without a point holds
 * the "absent" bits, which no arithmetic produces and which selectors never let through.
 *
 * Two arenas serve a query: `keep` lives as long as the result (label sets, annotations, the tree),
 * `scratch` as long as the evaluation (rows).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/map.h"
#include "base/vec.h"
#include "model/histogram.h"
#include "model/sample.h"
#include "promql/engine.h"
#include "promql/functions.h"

/* A quiet NaN with a payload of our own. */
#define VALUE_ABSENT_BITS UINT64_C(0x7ff8ba70ba70ba71)

/* Times and durations beyond this are refused, so that sums of a few do not overflow. */
#define ENGINE_TIME_MAX (INT64_C(1) << 59)

static inline double value_absent(void)
{
    return value_from_bits(VALUE_ABSENT_BITS);
}

static inline bool value_is_absent(double v)
{
    return value_bits(v) == VALUE_ABSENT_BITS;
}

/* The steps that a node is evaluated at: start, start + step, ... `steps` may be 0 in a subquery.
 */
struct timeline {
    ts start;
    dur step; /* at least 1 */
    size_t steps;
    bool is_range; /* its end, which need not be a step, is not its start */
};

static inline ts timeline_at(const struct timeline *line, size_t index)
{
    return line->start + (ts)index * line->step;
}

/* A step has a float, or a histogram (v is then absent, so that what cares for floats alone passes
 * over it), or no point. Histograms live in the scratch arena and are never changed in place. */
struct row {
    struct labels labels;
    double *v;                  /* one per step */
    const struct histogram **h; /* the same; NULL while there are floats only */
    bool drop_name;
    bool is_whole; /* known to have a float at every step; on the way to a sink only */
};

struct value {
    enum value_type type;
    struct row *rows; /* VALUE_VECTOR */
    size_t count;
    double *scalar; /* VALUE_SCALAR, one per step */
    str string;
};

/* Distinct label sets with ordinals, found by hash. */
struct label_index {
    uint32_t *slots; /* ordinal + 1; 0 = free */
    size_t capacity;
    struct labels *sets;
    uint64_t *hashes;
    size_t count;
    size_t set_capacity;
};

typedef VEC(str) annotation_vec;

struct annotation_list {
    annotation_vec warnings;
    annotation_vec infos;
    struct map seen;
    struct buf text;    /* that is looked up */
    str quoted_of;      /* what eval_quoted was asked last */
    const char *quoted; /* its answer; NULL = none yet */
};

struct eval {
    const struct engine_options *options;
    const struct query *query;
    struct querier *querier;
    struct arena *keep;
    struct arena *scratch;
    struct cancel cancel;
    struct annotation_list annotations;
    struct sample_buf samples; /* of the series that is being worked on */
    struct sample_buf view;    /* the same where it lies: nothing of it is owned */
    dur lookback;
    bool delayed_name_removal;
    size_t work; /* since the last look at the clock */
    size_t held; /* points of rows that are alive */
    struct query_stats stats;
    uint64_t *samples_per_step; /* NULL: not asked for, or another timeline than the query's */
};

/* eval_samples counts samples that a step has looked at. */
static inline void eval_samples(struct eval *ev, size_t step, uint64_t count)
{
    ev->stats.samples_read += count;
    if (UNLIKELY(ev->samples_per_step != NULL)) {
        ev->samples_per_step[step] += count;
    }
}

/* The same for several steps, `count` at each. */
static inline void eval_samples_alike(struct eval *ev, size_t first, size_t steps, uint64_t count)
{
    ev->stats.samples_read += steps * count;
    for (size_t i = 0; UNLIKELY(ev->samples_per_step != NULL) && i < steps; i++) {
        ev->samples_per_step[first + i] += count;
    }
}

struct label_choice;

/* A sink takes rows one by one; row->v and row->h are the producer's again after the call, labels
 * and histograms stay. */
struct row_sink {
    int (*row)(void *context, const struct row *row, struct baro_error *err);
    void *context;
    bool no_labels;                /* the sink will not look at labels */
    const struct label_choice *by; /* ... will look at these alone, and the name; NULL = all */
};

/* ---- engine_prepare.c ---- */

/* engine_prepare evaluates duration expressions, resolves @ start() and end(), takes parentheses
 * off arguments and wraps what is the same at every step. */
int engine_prepare(struct arena *arena, const struct query *query, struct expr **tree,
                   struct baro_error *err);

/* engine_time_range is the time (inclusive) that the tree's selectors look at; 0, 0 without any. */
void engine_time_range(const struct expr *tree, const struct query *query, dur lookback,
                       ts *ret_start, ts *ret_end);

static inline const struct expr *expr_unwrap(const struct expr *expr)
{
    while (expr->kind == EXPR_PAREN || expr->kind == EXPR_STEP_INVARIANT) {
        expr = expr->paren.expr;
    }
    return expr;
}

/* ---- eval_share.c ---- */

struct shared_value;

/* engine_mark_shared finds aggregations that are the same; before engine_prepare. */
void engine_mark_shared(struct arena *arena, str text, struct expr *tree);
int eval_shared(struct eval *ev, const struct timeline *line, const struct expr *expr,
                struct value *ret, struct baro_error *err);

/* ---- eval_explain.c ---- */

/* engine_explain makes the tree that costs are added to, and hangs it on the expression. */
struct explain_node *engine_explain(struct arena *arena, struct expr *tree);

struct explain_mark {
    struct explain_node *node;
    mono begin;
    uint64_t samples_read;
    size_t bytes;
};
struct explain_mark explain_begin(const struct eval *ev, const struct expr *expr);
void explain_end(const struct eval *ev, const struct explain_mark *mark, uint64_t series,
                 uint64_t points);

/* ---- eval_expr.c ---- */

int eval_expr(struct eval *ev, const struct timeline *line, const struct expr *expr,
              struct value *ret, struct baro_error *err);

/* eval_each hands the rows of a vector expression to the sink without keeping them. */
int eval_each(struct eval *ev, const struct timeline *line, const struct expr *expr,
              struct row_sink *sink, struct baro_error *err);

/* eval_scalar evaluates a scalar expression: one double per step. */
int eval_scalar(struct eval *ev, const struct timeline *line, const struct expr *expr, double **ret,
                struct baro_error *err);

/* eval_tick counts `work` (about 10 ns each) and looks at clock and flag now and then. */
int eval_tick_slow(struct eval *ev, struct baro_error *err);
static inline int eval_tick(struct eval *ev, size_t work, struct baro_error *err)
{
    ev->work += work;
    return LIKELY(ev->work < 100000) ? 0 : eval_tick_slow(ev, err);
}

/* eval_fill sets, and eval_copy copies, one double per step: rows of subqueries may have millions.
 */
int eval_fill(struct eval *ev, double *to, double v, size_t steps, struct baro_error *err);
int eval_copy(struct eval *ev, double *to, const double *from, size_t steps,
              struct baro_error *err);

/* eval_alloc gets scratch memory for count * size bytes; NULL and BARO_ELIMIT beyond the limit. */
void *eval_alloc(struct eval *ev, size_t count, size_t size, struct baro_error *err);

/* eval_points makes an array of one double per step that counts as held samples; eval_rows an array
 * of rows. */
double *eval_points(struct eval *ev, size_t steps, struct baro_error *err);
struct row *eval_rows(struct eval *ev, size_t count, struct baro_error *err);
int eval_error_samples(struct baro_error *err);

/* eval_collect makes a value of all rows that a sink is given. */
struct row_collector {
    struct row_sink sink;
    struct eval *ev;
    size_t steps;
    struct row *rows;
    size_t count;
    size_t capacity;
};
void row_collector_init(struct row_collector *collector, struct eval *ev, size_t steps);

static inline bool points_any(const double *v, size_t steps)
{
    for (size_t i = 0; i < steps; i++) {
        if (!value_is_absent(v[i])) {
            return true;
        }
    }
    return false;
}

static inline bool row_has(const struct row *row, size_t step)
{
    return !value_is_absent(row->v[step]) || (row->h != NULL && row->h[step] != NULL);
}

static inline bool row_any(const struct row *row, size_t steps)
{
    if (points_any(row->v, steps)) {
        return true;
    }
    for (size_t i = 0; row->h != NULL && i < steps; i++) {
        if (row->h[i] != NULL) {
            return true;
        }
    }
    return false;
}

static inline void row_clear(struct row *row, size_t step)
{
    row->v[step] = value_absent();
    if (row->h != NULL) {
        row->h[step] = NULL;
    }
}

/* eval_histograms makes an array of one histogram per step, all NULL. */
const struct histogram **eval_histograms(struct eval *ev, size_t steps, struct baro_error *err);
int eval_error_memory(struct baro_error *err);

/* ---- eval_sort.c ---- */

struct eval_order {
    bool (*before)(void *context, const void *a, const void *b);
    void *context;
};

/* eval_sort sorts items of `size` bytes; *items are then at another place, of the scratch arena. */
int eval_sort(struct eval *ev, void **items, size_t count, size_t size,
              const struct eval_order *order, struct baro_error *err);

/* ---- eval_annotate.c ---- */

void eval_warn(struct eval *ev, struct position_range pos, const char *format, ...)
    PRINTF_LIKE(3, 4);
void eval_info(struct eval *ev, struct position_range pos, const char *format, ...)
    PRINTF_LIKE(3, 4);
void annotation_list_done(struct annotation_list *list);
/* eval_quoted is s as Go's %q prints it; eval_float as %g; both in the keep arena. */
const char *eval_quoted(struct eval *ev, str s);
const char *eval_float(struct eval *ev, double v);
void eval_warn_quantile(struct eval *ev, double q, struct position_range pos);
/* `operation` is "addition", "subtraction" or "aggregation". */
void eval_warn_collision(struct eval *ev, struct position_range pos, const char *operation);
void eval_info_reconciled(struct eval *ev, struct position_range pos, const char *operation);
void eval_warn_mixed_schemas(struct eval *ev, struct position_range pos, str name);

/* ---- eval_labels.c ---- */

/* label_index_put finds or adds a set (whose items are copied to the arena when added); returns 1
 * when it is new, 0 when known, or BARO_ELIMIT. */
int label_index_put(struct label_index *index, struct arena *arena, struct labels labels,
                    uint32_t *ret, struct baro_error *err);
void label_index_done(struct label_index *index);

/* labels_drop_meta leaves out __name__, __type__ and __unit__; often without copying. */
struct labels labels_drop_meta(struct arena *arena, struct labels labels);
bool label_is_meta(str name);

/* A choice of labels, as by(), without(), on() and ignoring() make it: names sorted. */
struct label_choice {
    const str *names;
    size_t count;
    bool without;
};
void label_choice_init(struct label_choice *choice, struct arena *arena, const str *names,
                       size_t count, bool without, const char *extra);
/* label_choice_pick writes the chosen pairs to `room` (labels.count at most). */
struct labels label_choice_pick(const struct label_choice *choice, struct labels labels,
                                struct label *room);
enum { LABEL_ROOM = 64 };

/* Where the labels of the last set stood. Series of one metric nearly always have the same names,
 * at the same addresses: then the choice is known without comparing texts. */
struct label_picker {
    uint32_t generation; /* counts changes; 0 = none yet */
    size_t label_count;
    size_t picked;
    bool is_usable;
    uint16_t at[LABEL_ROOM];
    str names[LABEL_ROOM]; /* of all labels (without), or of the picked ones */
};
/* label_choice_pick_again is label_choice_pick; *ret_known says that names stood as the picker
 * knows them. */
struct labels label_choice_pick_again(const struct label_choice *choice,
                                      struct label_picker *picker, struct labels labels,
                                      struct label *room, bool *ret_known);
static inline bool str_is_same(str a, str b)
{
    return a.ptr == b.ptr && a.len == b.len;
}
/* label_room gives space for `count` pairs: the caller's array when it suffices, else the arena. */
static inline struct label *label_room(struct arena *arena, struct label local[LABEL_ROOM],
                                       size_t count)
{
    return count <= LABEL_ROOM ? local
                               : (struct label *)arena_alloc(arena, count * sizeof(struct label));
}

/* labels_string is {a="b", c="d"} with __name__ among them, as error messages have it. */
const char *labels_string(struct arena *arena, struct labels labels);

/* value_merge joins rows of equal labels; BARO_EEXEC when two have a point at the same step. */
int value_merge(struct eval *ev, const struct timeline *line, struct value *value,
                struct baro_error *err);
int eval_error_same_labels(struct baro_error *err);
/* value_drop_names removes names now, or marks the rows when removal is delayed; merges. */
int value_drop_names(struct eval *ev, const struct timeline *line, struct value *value,
                     struct baro_error *err);

/* ---- eval_select.c ---- */

/* A wish for select_hints; REDUCE_NONE where only all samples will do. */
struct reduction {
    enum select_reduce reduce;
    dur window;
};

/* What a selector reads. */
struct selection {
    const struct expr *selector; /* EXPR_VECTOR_SELECTOR */
    ts start;                    /* inclusive */
    ts end;
    dur step;
    dur range;
    bool no_labels;
    const struct label_choice *by; /* as in struct row_sink */
    struct reduction reduction;
};

int eval_select_series(struct eval *ev, const struct selection *selection, struct series_list *ret,
                       struct baro_error *err);

/* eval_read_samples reads a series into ev->samples, stale markers included. eval_read reads it
 * without them, where it lies if that can be: *ret is valid until the next read. */
int eval_read_samples(struct eval *ev, const struct expr *selector, const struct series *series,
                      ts start, ts end, struct baro_error *err);
int eval_read(struct eval *ev, const struct expr *selector, const struct series *series, ts start,
              ts end, const struct sample_buf **ret, struct baro_error *err);

/* eval_reference_times tells where the right end of step 0's window lies, and how far it moves per
 * step. */
void eval_reference_times(const struct timeline *line, const struct modifier *mod, ts *ret_start,
                          dur *ret_step);

/* A range function's call: the window at step i is (ref_start + i * ref_step - range, that end]. */
struct range_call {
    struct eval *ev;
    const struct timeline *line;
    ts ref_start;
    dur ref_step;
    dur range;
    bool anchored;
    bool smoothed;
    const double *params[2]; /* one value per step */
    void *room;              /* of a kernel, grown by range_call_room */
    size_t room_bytes;
    bool starts_overlap; /* a start timestamp lay before the sample before it */
    int stopped;         /* the code of a timeout or cancellation that a kernel has noticed */
};

/* range_call_tick is eval_tick for kernels, which return nothing: true when they must stop. */
bool range_call_tick(struct range_call *call, size_t work);

static inline ts range_call_end(const struct range_call *call, size_t step)
{
    return call->ref_start + (ts)step * call->ref_step;
}

/* A kernel turns the samples of one series (floats, not stale; `h` is not looked at) into one value
 * per step. */
typedef void (*range_kernel)(struct range_call *call, const struct sample_buf *samples,
                             double *out);

/* What an instant vector selector gives of its samples: values, or seconds. SELECT_FLOAT_TIMES
 * gives histograms as they are. */
enum select_what { SELECT_VALUES, SELECT_TIMES, SELECT_FLOAT_TIMES, SELECT_STARTS };
int eval_vector_selector(struct eval *ev, const struct timeline *line, const struct expr *selector,
                         enum select_what what, struct row_sink *sink, struct baro_error *err);
int eval_range_function(struct eval *ev, const struct timeline *line, const struct expr *call,
                        struct row_sink *sink, struct baro_error *err);
int eval_subquery(struct eval *ev, const struct timeline *line, const struct expr *subquery,
                  struct timeline *ret_line, struct value *ret, struct baro_error *err);
/* eval_matrix gives the raw samples of a range selector or subquery for an instant query's result.
 */
int eval_matrix(struct eval *ev, ts at, const struct expr *matrix, struct query_result *ret,
                struct baro_error *err);
/* samples_clean takes out stale markers. */
void samples_clean(struct sample_buf *samples);

/* ---- eval_reduce.c ---- */

struct reduction reduction_of_range(enum function_id id, const struct range_call *call);
struct reduction reduction_of_instant(ts ref_start, dur ref_step, dur lookback);

/* samples_rank makes of the column n, if there is one, how many samples there are up to each. */
void samples_rank(struct sample_buf *samples);

/* samples_counted is of how many stored samples [low, high) tell, low < high. */
static inline size_t samples_counted(const struct sample_buf *samples, size_t low, size_t high)
{
    return LIKELY(samples->n == NULL) ? high - low
                                      : samples->n[high - 1] - (low > 0 ? samples->n[low - 1] : 0);
}

/* ---- eval_extend.c ---- */

/* samples_extend puts a sample at both ends of the range: interpolated when smoothed, else the
 * nearest one to the left. Samples at or beyond the ends are left out. */
void samples_extend(struct sample_buf *samples, ts start, ts end, bool smoothed);

/* ---- kernel.c, kernel_rate.c, kernel_stat.c ---- */

range_kernel kernel_get(enum function_id id);
/* kernel_pieces is the kernel of some functions for samples in pieces; false when that cannot be
 * done. Neither anchored nor smoothed. */
bool kernel_takes_pieces(enum function_id id);
bool kernel_pieces(enum function_id id, struct range_call *call, const struct sample_pieces *pieces,
                   double *out);
bool kernel_rate_pieces(enum function_id id, struct range_call *call,
                        const struct sample_pieces *pieces, double *out);
/* pieces_fill says whether every window has `least` samples of them. */
bool pieces_fill(const struct range_call *call, const struct sample_pieces *pieces, size_t least);
/* range_call_room is working space for a kernel; small enough to abort when memory is out, for it
 * is no larger than the samples that were read. */
void *range_call_room(struct range_call *call, size_t bytes);
double kernel_quantile(double q, double *values, size_t count);

/* A window of a series' samples. */
struct window {
    const ts *t;
    const double *v;
    size_t count;
    ts start; /* exclusive */
    ts end;
    size_t step;
    struct range_call *call;
    const struct sample_buf *samples; /* that t and v point into */
};
typedef double (*window_function)(const struct window *window);
void kernel_slide(struct range_call *call, const struct sample_buf *samples,
                  window_function function, double *out);

void kernel_rate(struct range_call *call, const struct sample_buf *samples, double *out);
void kernel_increase(struct range_call *call, const struct sample_buf *samples, double *out);
void kernel_delta(struct range_call *call, const struct sample_buf *samples, double *out);
void kernel_irate(struct range_call *call, const struct sample_buf *samples, double *out);
void kernel_idelta(struct range_call *call, const struct sample_buf *samples, double *out);
void kernel_resets(struct range_call *call, const struct sample_buf *samples, double *out);
void kernel_changes(struct range_call *call, const struct sample_buf *samples, double *out);

/* kernel_start_reset says whether the start timestamp of a sample (index 1 or more) shows that its
 * counting began after the sample before it. */
bool kernel_start_reset(const struct sample_buf *samples, size_t index);
/* kernel_start_is_usable: the counting behind a sample began within the window after `start`. */
static inline bool kernel_start_is_usable(const struct sample_buf *samples, size_t index, ts start)
{
    return samples->st != NULL && samples->st[index] != 0 && samples->st[index] > start &&
           samples->st[index] < samples->t[index];
}

/* Neumaier's sum, as Prometheus's kahansum.Inc. */
static inline void kahan_add(double v, double *sum, double *c)
{
    double t = *sum + v;

    if (UNLIKELY(__builtin_isinf(t))) {
        *c = 0;
    } else if (__builtin_fabs(*sum) >= __builtin_fabs(v)) {
        *c += (*sum - t) + v;
    } else {
        *c += (v - t) + *sum;
    }
    *sum = t;
}

/* ---- fn_*.c: functions over vectors ---- */

int fn_call(struct eval *ev, const struct timeline *line, const struct expr *call,
            struct value *ret, struct baro_error *err);
/* A function that looks at one value at a time; NULL when `id` is none. */
typedef double (*fn_map)(double v);
fn_map fn_map_get(enum function_id id);
fn_map fn_time_get(enum function_id id);

typedef int (*fn_body)(struct eval *ev, const struct timeline *line, const struct expr *call,
                       struct value *ret, struct baro_error *err);
int fn_label_replace(struct eval *ev, const struct timeline *line, const struct expr *call,
                     struct value *ret, struct baro_error *err);
int fn_label_join(struct eval *ev, const struct timeline *line, const struct expr *call,
                  struct value *ret, struct baro_error *err);
int fn_sort(struct eval *ev, const struct timeline *line, const struct expr *call,
            struct value *ret, struct baro_error *err);
int fn_sort_by_label(struct eval *ev, const struct timeline *line, const struct expr *call,
                     struct value *ret, struct baro_error *err);
int fn_histogram_quantile(struct eval *ev, const struct timeline *line, const struct expr *call,
                          struct value *ret, struct baro_error *err);
int fn_histogram_quantiles(struct eval *ev, const struct timeline *line, const struct expr *call,
                           struct value *ret, struct baro_error *err);
int fn_histogram_stat(struct eval *ev, const struct timeline *line, const struct expr *call,
                      struct value *ret, struct baro_error *err);
int fn_histogram_fraction(struct eval *ev, const struct timeline *line, const struct expr *call,
                          struct value *ret, struct baro_error *err);
int fn_info(struct eval *ev, const struct timeline *line, const struct expr *call,
            struct value *ret, struct baro_error *err);

/* fn_info_reference gives the @ and offset at which info series are looked at. */
void fn_info_reference(const struct expr *call, struct modifier *ret);

/* ---- aggregate.c, aggregate_k.c, binary.c ---- */

int aggregate_eval(struct eval *ev, const struct timeline *line, const struct expr *expr,
                   struct value *ret, struct baro_error *err);
int aggregate_k_eval(struct eval *ev, const struct timeline *line, const struct expr *expr,
                     struct value *ret, struct baro_error *err);
int aggregate_count_values(struct eval *ev, const struct timeline *line, const struct expr *expr,
                           struct value *ret, struct baro_error *err);
int binary_eval(struct eval *ev, const struct timeline *line, const struct expr *expr,
                struct value *ret, struct baro_error *err);

/* binary_rows computes out[i] = a[i] op b[i] where both are present. A comparison without
 * return_bool keeps kept[i] where it holds; `kept` is NULL for arithmetic. */
void binary_rows(enum binary_op op, bool return_bool, const double *a, const double *b,
                 const double *kept, double *out, size_t steps);
double binary_scalar(enum binary_op op, double a, double b);

/* binary_histograms does what binary_rows leaves undone: the steps at which a side has a histogram.
 * `out` has been computed for the floats; it may be a side's own array, and so may out_h. */
int binary_histograms(struct eval *ev, const struct expr *expr, const struct row *left,
                      const struct row *right, double *out, const struct histogram **out_h,
                      size_t steps, struct baro_error *err);
/* binary_note_trim tells that the trim operators mean nothing between floats. */
void binary_note_trim(struct eval *ev, const struct expr *expr, const double *a, const double *b,
                      size_t steps);
static inline bool binary_op_changes_schema(enum binary_op op)
{
    return op <= OP_ATAN2;
}
