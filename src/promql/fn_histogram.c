/*
 * fn_histogram: quantiles and fractions of classic histograms, whose buckets are series told apart
 * by the label le. Buckets are grouped and sorted once; each step then takes those that have a
 * point. Interpolation: Prometheus 3.14, promql/quantile.go.
 */
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "base/num.h"
#include "promql/engine_priv.h"
#include "promql/fn_native.h"

/* Differences between neighbouring buckets below this are rounding. */
#define SMALL_DELTA 1e-12
#define CLEAR_DELTA 1e-11

struct bucket {
    double bound;
    double count;
};

struct bucket_row {
    double bound;
    uint32_t group;
    uint32_t order; /* of the input, so that sorting is stable */
    const double *v;
};

/* What was repaired in non-monotonic histograms of one metric name. */
struct repairs {
    double bound_min;
    double bound_max;
    double difference_max;
    size_t count;
    ts start;
    ts end;
};

struct histograms {
    struct eval *ev;
    const struct timeline *line;
    const struct expr *arg;
    struct value input;
    struct label_index groups; /* labels less le */
    struct bucket_row *rows;   /* by group, then bound */
    size_t row_count;
    size_t *starts; /* of groups in rows */
    bool *drop_names;
    struct bucket *buckets;    /* of one group at one step */
    struct repairs *repairs;   /* per group */
    const struct row **native; /* per group: the row with native histograms; NULL without one */
    struct arena temp;
};

static int compare_rows(const void *a, const void *b)
{
    const struct bucket_row *x = a;
    const struct bucket_row *y = b;

    if (x->group != y->group) {
        return x->group < y->group ? -1 : 1;
    }
    if (x->bound != y->bound) {
        return x->bound < y->bound ? -1 : 1;
    }
    return (x->order > y->order) - (x->order < y->order);
}

static void warn_bad_bucket(struct histograms *h, struct labels labels, str le)
{
    str name = h->ev->delayed_name_removal ? labels_get(labels, LABEL_METRIC_NAME) : STR_NULL;

    eval_warn(h->ev, h->arg->pos,
              "bucket label \"le\" is missing or has a malformed value of %s%s%s",
              eval_quoted(h->ev, le), name.len > 0 ? " for metric name " : "",
              name.len > 0 ? eval_quoted(h->ev, name) : "");
}

/* The native histograms of a row stand beside the classic ones with the same labels less le. */
static int add_native_row(struct histograms *h, const struct row *row, struct baro_error *err)
{
    uint32_t group = 0;
    int r = label_index_put(&h->groups, h->ev->keep, row->labels, &group, err);

    if (r >= 0) {
        h->drop_names[group] |= row->drop_name;
        h->native[group] = row;
    }
    return r;
}

static int add_input_row(struct histograms *h, const struct row *row, struct baro_error *err)
{
    str le = labels_get(row->labels, STR("le"));
    struct bucket_row bucket = {.v = row->v, .order = (uint32_t)h->row_count};
    struct labels labels;
    int r;

    if (le.len == 0 || !num_parse_double(le, &bucket.bound) || isnan(bucket.bound)) {
        warn_bad_bucket(h, row->labels, le);
        return 0;
    }
    labels = labels_without(h->ev->scratch, row->labels, STR("le"));
    r = label_index_put(&h->groups, h->ev->keep, labels, &bucket.group, err);
    if (r >= 0) {
        h->drop_names[bucket.group] |= row->drop_name;
        h->rows[h->row_count++] = bucket;
    }
    return r;
}

static int histograms_init(struct histograms *h, struct eval *ev, const struct timeline *line,
                           const struct expr *arg, struct baro_error *err)
{
    size_t count;
    int r;

    *h = (struct histograms){.ev = ev, .line = line, .arg = arg};
    r = eval_expr(ev, line, arg, &h->input, err);
    if (r < 0) {
        return r;
    }
    count = h->input.count;
    h->rows = eval_alloc(ev, count, sizeof(*h->rows), err);
    h->buckets = eval_alloc(ev, count, sizeof(*h->buckets), err);
    h->starts = eval_alloc(ev, 2 * count + 1, sizeof(*h->starts), err);
    h->drop_names = eval_alloc(ev, 2 * count, sizeof(bool), err);
    h->repairs = eval_alloc(ev, 2 * count, sizeof(*h->repairs), err);
    h->native = eval_alloc(ev, 2 * count, sizeof(*h->native), err);
    if (h->native == NULL || h->rows == NULL || h->buckets == NULL || h->starts == NULL ||
        h->drop_names == NULL || h->repairs == NULL) {
        return BARO_ELIMIT;
    }
    memset(h->drop_names, 0, 2 * count);
    memset(h->repairs, 0, 2 * count * sizeof(*h->repairs));
    memset(h->native, 0, 2 * count * sizeof(*h->native));
    for (size_t i = 0; r >= 0 && i < count; i++) {
        const struct row *row = &h->input.rows[i];

        if (row->h == NULL || points_any(row->v, line->steps)) {
            r = add_input_row(h, row, err);
        }
        if (r >= 0 && row->h != NULL) {
            r = add_native_row(h, row, err);
        }
        r = r < 0 ? r : eval_tick(ev, 50, err);
    }
    qsort(h->rows, h->row_count, sizeof(*h->rows), compare_rows);
    for (size_t i = 0, group = 0; group <= h->groups.count; group++) {
        while (i < h->row_count && h->rows[i].group < group) {
            i++;
        }
        h->starts[group] = i;
    }
    return r;
}

/* The buckets of a group at a step, equal bounds added up. */
static size_t gather(struct histograms *h, size_t group, size_t step)
{
    size_t count = 0;

    for (size_t i = h->starts[group]; i < h->starts[group + 1]; i++) {
        double v = h->rows[i].v[step];

        if (value_is_absent(v)) {
            continue;
        }
        if (count > 0 && h->buckets[count - 1].bound == h->rows[i].bound) {
            h->buckets[count - 1].count += v;
        } else {
            h->buckets[count++] = (struct bucket){h->rows[i].bound, v};
        }
    }
    return count;
}

static bool nearly_equal(double a, double b)
{
    double sum = fabs(a) + fabs(b);

    if (a == 0 || b == 0 || sum < 0x1p-1022) {
        return fabs(a - b) < SMALL_DELTA * 0x1p-1022;
    }
    return fabs(a - b) / fmin(sum, 0x1.fffffffffffffp1023) < SMALL_DELTA;
}

static void note_repair(struct repairs *repairs, double bound, double difference)
{
    bool first = repairs->count == 0 && repairs->difference_max == 0;

    repairs->bound_min = first ? bound : fmin(repairs->bound_min, bound);
    repairs->bound_max = first ? bound : fmax(repairs->bound_max, bound);
    repairs->difference_max = fmax(repairs->difference_max, difference);
}

/* Counts never fall from bucket to bucket: rounding is evened out silently, the rest is noted. */
static void make_monotonic(struct histograms *h, size_t group, size_t step, size_t count)
{
    struct bucket *buckets = h->buckets;
    double before = buckets[0].count;
    bool forced = false;

    for (size_t i = 1; i < count; i++) {
        double now = buckets[i].count;

        if (now - before > CLEAR_DELTA * (fabs(now) + fabs(before))) {
            before = now; /* no rounding, without a division */
            continue;
        }
        if (now == before || nearly_equal(before, now)) {
            buckets[i].count = before;
        } else if (now < before) {
            note_repair(&h->repairs[group], buckets[i].bound, before - now);
            buckets[i].count = before;
            forced = true;
        } else {
            before = now;
        }
    }
    if (forced) {
        struct repairs *repairs = &h->repairs[group];

        repairs->start = repairs->count == 0 ? timeline_at(h->line, step) : repairs->start;
        repairs->end = timeline_at(h->line, step);
        repairs->count++;
    }
}

static double bucket_quantile(struct histograms *h, size_t group, size_t step, double q)
{
    size_t count = gather(h, group, step);
    const struct bucket *buckets = h->buckets;
    double rank;
    double lower = 0;
    double within;
    size_t b = 0;

    if (count == 0) {
        return value_absent();
    }
    if (isnan(q)) {
        return NAN;
    }
    if (q < 0 || q > 1) {
        return q < 0 ? -INFINITY : INFINITY;
    }
    if (!(isinf(buckets[count - 1].bound) && buckets[count - 1].bound > 0)) {
        return NAN;
    }
    make_monotonic(h, group, step, count);
    if (count < 2 || buckets[count - 1].count == 0) {
        return NAN;
    }
    rank = q * buckets[count - 1].count;
    while (b < count - 1 && !(buckets[b].count >= rank)) {
        b++;
    }
    if (b == count - 1) {
        return buckets[count - 2].bound;
    }
    if (b == 0 && buckets[0].bound <= 0) {
        return buckets[0].bound;
    }
    within = buckets[b].count;
    if (b > 0) {
        lower = buckets[b - 1].bound;
        within -= buckets[b - 1].count;
        rank -= buckets[b - 1].count;
    }
    return lower + (buckets[b].bound - lower) * (rank / within);
}

/* How many observations are at most `bound`, by linear interpolation within its bucket. The lowest
 * bucket begins at 0 when its bound is positive. */
static double rank_of(const struct bucket *buckets, size_t count, double bound)
{
    double rank = 0;

    for (size_t i = 0; i < count; i++) {
        double lower = i > 0 ? buckets[i - 1].bound : buckets[0].bound > 0 ? 0 : -INFINITY;
        double upper = buckets[i].bound;

        if (lower >= bound) {
            return rank;
        }
        if (upper > bound) {
            /* In a bucket without end, all observations are taken to be at its finite end. */
            if (isinf(lower) || isinf(upper)) {
                return isinf(lower) ? buckets[i].count : rank;
            }
            return rank + (buckets[i].count - rank) * (bound - lower) / (upper - lower);
        }
        rank = buckets[i].count;
    }
    return buckets[count - 1].count;
}

static double bucket_fraction(struct histograms *h, size_t group, size_t step, double lower,
                              double upper)
{
    size_t count = gather(h, group, step);
    const struct bucket *buckets = h->buckets;
    double total;

    if (count == 0) {
        return value_absent();
    }
    total = buckets[count - 1].count;
    if (!(isinf(buckets[count - 1].bound) && buckets[count - 1].bound > 0) || total == 0 ||
        isnan(lower) || isnan(upper)) {
        return NAN;
    }
    if (lower >= upper) {
        return 0;
    }
    return (fmin(total, rank_of(buckets, count, upper)) -
            fmin(total, rank_of(buckets, count, lower))) /
           total;
}

/* ---- results ---- */

static const char *time_text(struct eval *ev, ts t)
{
    time_t seconds = (time_t)(t / 1000);
    struct tm parts = {0};
    char text[64];
    size_t size;

    (void)gmtime_r(&seconds, &parts);
    size = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return arena_str(ev->keep, str_of(text, size)).ptr;
}

static void tell_repairs(struct histograms *h)
{
    for (size_t g = 0; g < h->groups.count; g++) {
        const struct repairs *repairs = &h->repairs[g];
        str name = h->ev->delayed_name_removal ? labels_get(h->groups.sets[g], LABEL_METRIC_NAME)
                                               : STR_NULL;

        if (repairs->count == 0) {
            continue;
        }
        eval_info(h->ev, h->arg->pos,
                  "input to histogram_quantile needed to be fixed for monotonicity (see "
                  "https://prometheus.io/docs/prometheus/latest/querying/functions/"
                  "#histogram_quantile)%s%s, from buckets %s to %s, with a max diff of %.2g, over "
                  "%zu samples from %s to %s",
                  name.len > 0 ? " for metric name " : "",
                  name.len > 0 ? eval_quoted(h->ev, name) : "",
                  eval_float(h->ev, repairs->bound_min), eval_float(h->ev, repairs->bound_max),
                  repairs->difference_max, repairs->count, time_text(h->ev, repairs->start),
                  time_text(h->ev, repairs->end));
    }
}

struct fraction_or_quantile {
    const double *lower;
    const double *upper;
    const double *q; /* else */
};

/* The value of a native histogram; absent where there is none, or classic buckets as well. */
static bool compute_native(struct histograms *h, size_t group, size_t step,
                           const struct fraction_or_quantile *what, double *ret)
{
    const struct row *row = h->native[group];
    struct native_call call = {.ev = h->ev, .pos = h->arg->pos, .temp = &h->temp};

    if (row == NULL || row->h[step] == NULL) {
        return false;
    }
    call.name = labels_get(row->labels, LABEL_METRIC_NAME);
    *ret = value_absent();
    if (gather(h, group, step) > 0) {
        eval_warn(h->ev, h->arg->pos, "vector contains a mix of classic and native histograms%s%s",
                  call.name.len > 0 ? " for metric name " : "",
                  call.name.len > 0 ? eval_quoted(h->ev, call.name) : "");
        return true;
    }
    if (!h->ev->delayed_name_removal) {
        call.name = STR_NULL;
    }
    *ret = what->q != NULL
               ? native_quantile(&call, row->h[step], what->q[step])
               : native_fraction(&call, row->h[step], what->lower[step], what->upper[step]);
    arena_reset(&h->temp);
    return true;
}

static int compute_rows(struct histograms *h, const struct fraction_or_quantile *what,
                        struct row *rows, struct baro_error *err)
{
    for (size_t g = 0; g < h->groups.count; g++) {
        double *v = eval_points(h->ev, h->line->steps, err);
        int r;

        if (v == NULL) {
            return BARO_ELIMIT;
        }
        for (size_t step = 0; step < h->line->steps; step++) {
            if (compute_native(h, g, step, what, &v[step])) {
                continue;
            }
            v[step] = what->q != NULL
                          ? bucket_quantile(h, g, step, what->q[step])
                          : bucket_fraction(h, g, step, what->lower[step], what->upper[step]);
        }
        rows[g] = (struct row){.labels = h->groups.sets[g], .v = v, .drop_name = h->drop_names[g]};
        r = eval_tick(h->ev, h->line->steps * (h->starts[g + 1] - h->starts[g]), err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int finish(struct histograms *h, struct row *rows, size_t count, struct value *ret,
                  struct baro_error *err)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (points_any(rows[i].v, h->line->steps)) {
            rows[kept++] = rows[i];
        }
    }
    tell_repairs(h);
    *ret = (struct value){.type = VALUE_VECTOR, .rows = rows, .count = kept};
    return value_drop_names(h->ev, h->line, ret, err);
}

static void warn_quantile(struct eval *ev, const struct timeline *line, const double *q,
                          const struct expr *arg)
{
    for (size_t i = 0; i < line->steps; i++) {
        if (!(q[i] >= 0 && q[i] <= 1)) {
            eval_warn_quantile(ev, q[i], arg->pos);
        }
    }
}

static int simple(struct eval *ev, const struct timeline *line, const struct expr *arg,
                  const struct fraction_or_quantile *what, struct value *ret,
                  struct baro_error *err)
{
    struct histograms h;
    struct row *rows = NULL;
    int r = histograms_init(&h, ev, line, arg, err);

    if (r >= 0) {
        rows = eval_rows(ev, h.groups.count, err);
        r = rows == NULL ? BARO_ELIMIT : compute_rows(&h, what, rows, err);
    }
    r = r < 0 ? r : finish(&h, rows, h.groups.count, ret, err);
    label_index_done(&h.groups);
    arena_done(&h.temp);
    return r;
}

int fn_histogram_quantile(struct eval *ev, const struct timeline *line, const struct expr *call,
                          struct value *ret, struct baro_error *err)
{
    double *q = NULL;
    int r = eval_scalar(ev, line, call->call.args[0], &q, err);

    if (r < 0) {
        return r;
    }
    warn_quantile(ev, line, q, call->call.args[0]);
    return simple(ev, line, call->call.args[1], &(struct fraction_or_quantile){.q = q}, ret, err);
}

int fn_histogram_fraction(struct eval *ev, const struct timeline *line, const struct expr *call,
                          struct value *ret, struct baro_error *err)
{
    double *lower = NULL;
    double *upper = NULL;
    int r = eval_scalar(ev, line, call->call.args[0], &lower, err);

    r = r < 0 ? r : eval_scalar(ev, line, call->call.args[1], &upper, err);
    if (r < 0) {
        return r;
    }
    return simple(ev, line, call->call.args[2],
                  &(struct fraction_or_quantile){.lower = lower, .upper = upper}, ret, err);
}

/* The quantile as a label's value: as OpenMetrics writes floats, with at least one decimal. */
static str quantile_label(struct eval *ev, double q)
{
    char text[NUM_TEXT_MAX];
    size_t size = num_format_double(q, NUM_G, text);
    str written = str_of(text, size);
    bool whole = str_index_char(written, '.') == SIZE_MAX &&
                 str_index_char(written, 'e') == SIZE_MAX && isfinite(q);

    return arena_printf(ev->keep, "%.*s%s", STR_ARG(written), whole ? ".0" : "");
}

/* split_by_quantile gives the points of one quantile argument to rows named by it: one row, or one
 * for each value that it has over the steps. `from` loses its points. */
static int split_by_quantile(struct histograms *h, str name, const double *q, struct row *from,
                             struct row_collector *ret, struct baro_error *err)
{
    struct row part = {.drop_name = from->drop_name};

    for (size_t first = 0; first < h->line->steps; first++) {
        if (value_is_absent(from->v[first])) {
            continue;
        }
        part.v = eval_points(h->ev, h->line->steps, err);
        if (part.v == NULL) {
            return BARO_ELIMIT;
        }
        for (size_t step = 0; step < h->line->steps; step++) {
            part.v[step] = value_absent();
            if (step >= first && value_bits(q[step]) == value_bits(q[first])) {
                part.v[step] = from->v[step];
                from->v[step] = value_absent();
            }
        }
        part.labels = labels_with(h->ev->keep, from->labels, name, quantile_label(h->ev, q[first]));
        if (ret->sink.row(ret->sink.context, &part, err) < 0) {
            return BARO_ELIMIT;
        }
    }
    return 0;
}

static int quantiles_of(struct histograms *h, const struct expr *call, struct row_collector *ret,
                        struct baro_error *err)
{
    str name = expr_unwrap(call->call.args[1])->string.value;
    struct row *rows = eval_rows(h->ev, h->groups.count, err);
    int r = rows == NULL ? BARO_ELIMIT : 0;

    for (size_t a = 2; r >= 0 && a < call->call.arg_count; a++) {
        struct fraction_or_quantile what = {0};
        double *q = NULL;

        r = eval_scalar(h->ev, h->line, call->call.args[a], &q, err);
        if (r < 0) {
            return r;
        }
        warn_quantile(h->ev, h->line, q, call->call.args[a]);
        what.q = q;
        r = compute_rows(h, &what, rows, err);
        for (size_t i = 0; r >= 0 && i < h->groups.count; i++) {
            r = split_by_quantile(h, name, q, &rows[i], ret, err);
        }
    }
    return r;
}

int fn_histogram_quantiles(struct eval *ev, const struct timeline *line, const struct expr *call,
                           struct value *ret, struct baro_error *err)
{
    struct histograms h;
    struct row_collector rows;
    str name = expr_unwrap(call->call.args[1])->string.value;
    int r;

    if (name.len == 0 || !utf8_is_valid(name)) {
        return error_set(err, BARO_EEXEC, "invalid label name %s", eval_quoted(ev, name));
    }
    r = histograms_init(&h, ev, line, call->call.args[0], err);
    row_collector_init(&rows, ev, line->steps);
    r = r < 0 ? r : quantiles_of(&h, call, &rows, err);
    r = r < 0 ? r : finish(&h, rows.rows, rows.count, ret, err);
    /* Quantiles that are the same number at one step, or at different ones. */
    r = r < 0 || ev->delayed_name_removal ? r : value_merge(ev, line, ret, err);
    label_index_done(&h.groups);
    arena_done(&h.temp);
    return r;
}
