/* promqltest_priv: what the parts of promqltest share. Only promqltest*.c include it. */
#pragma once

#include "base/dur.h"
#include "model/histogram.h"
#include "promql/engine.h"
#include "promql/promqltest.h"

/* One value of a series line. */
struct script_value {
    double v;
    const struct histogram *h; /* NULL for floats */
    ts st;                     /* of a line of start timestamps: the offset from the sample */
    bool omitted;
    bool has_hint; /* the histogram names its reset hint */
};

typedef VEC(struct script_value) script_values;

/* Values of one line; the longest real script has some thousands. */
enum { LINE_VALUES_MAX = 1000000 };

static inline bool script_is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* script_number_parse reads a number with optional sign at *at and moves *at behind it. */
bool script_number_parse(str text, size_t *at, double *ret);
/* script_times_parse reads `xK` at *at, if it is there. */
bool script_times_parse(str text, size_t *at, bool *ret_has, uint64_t *ret);
int script_fail_item(str item, struct baro_error *err);
/* script_histograms_parse reads one item that begins with {{, and moves *at behind it. */
int script_histograms_parse(struct arena *arena, str text, size_t *at, script_values *values,
                            struct baro_error *err);
/* script_starts_parse reads the offsets of a line of start timestamps. */
int script_starts_parse(str text, script_values *values, struct baro_error *err);

/* script_series_parse reads `metric values`; labels live in the arena, values are appended. Fails
 * with BARO_EPARSE. */
int script_series_parse(struct arena *arena, str line, struct labels *ret_labels,
                        script_values *values, struct baro_error *err);
/* script_metric_end returns the index behind the metric at the start of line. */
size_t script_metric_end(str line);
int script_values_parse(struct arena *arena, str text, script_values *values,
                        struct baro_error *err);
/* script_scalar_parse reads a line that is one number, hexadecimal ones included. */
bool script_scalar_parse(str line, double *ret);

/* str_word cuts the first word off *rest. */
str script_word(str *rest);

/* A loaded series: all that has been loaded since the last clear, in rising time. */
struct loaded_series {
    struct labels labels;
    VEC(struct sample) samples; /* histograms in the store's arena */
};

struct script_store {
    struct arena arena;
    struct memstore *store;
    VEC(struct loaded_series) series;
    size_t samples;
    bool stale; /* memstore must be filled again */
};

void script_store_init(struct script_store *store);
void script_store_done(struct script_store *store);
void script_store_clear(struct script_store *store);
/* script_store_load stores value i of a line at i * step, begun at the offset `starts` (may be
 * NULL) from there. */
int script_store_load(struct script_store *store, struct labels labels, const script_values *values,
                      const script_values *starts, dur step, struct baro_error *err);

/* One line of a load command. */
struct script_load {
    struct labels labels;
    script_values values;
    script_values starts;
};

/* script_nhcb_load makes native histograms of the classic ones among the lines of a load. */
int script_nhcb_load(struct arena *arena, struct script_store *store,
                     const struct script_load *lines, size_t count, dur step,
                     struct baro_error *err);
/* script_store_queryable brings the memstore up to date. */
int script_store_queryable(struct script_store *store, struct queryable **ret,
                           struct baro_error *err);

enum annotation_kind { ANNOTATION_WARN, ANNOTATION_INFO, ANNOTATION_KIND_COUNT };

/* What a line `expect warn regex: ...` says about a message. */
struct message_rule {
    str text;
    bool any;   /* no text given */
    bool regex; /* else equal */
};

struct series_rule {
    struct labels labels;
    struct script_value *values;
    size_t count;
};

/* One eval command with its block. */
struct script_eval {
    bool range;
    ts start;
    ts end;
    dur step;
    str query;
    bool ordered;
    bool fail;
    struct message_rule fail_rule;
    bool none[ANNOTATION_KIND_COUNT];
    VEC(struct message_rule) some[ANNOTATION_KIND_COUNT];
    bool has_string;
    str string;
    bool has_scalar;
    double scalar;
    bool matrix; /* expect range vector */
    ts matrix_start;
    dur matrix_step;
    VEC(struct series_rule) series;
};

/* script_eval_run evaluates once (and, thoroughly, in all variants) and compares: true when all is
 * as wanted; else wanted and got describe the first difference. */
bool script_eval_run(struct arena *arena, const struct script_eval *eval,
                     struct script_store *store, bool thorough, str *ret_wanted, str *ret_got);

/* script_features is everything switched on. */
extern const struct promql_features script_features;

/* What came of one evaluation, cut to what shall be compared. */
struct script_result {
    enum value_type type;
    double scalar;
    str string;
    const struct result_series *series;
    size_t count;
    const struct annotations *annotations; /* NULL: not compared */
};

/* script_check compares one result with the rules; false with both texts set when they differ. */
bool script_check(struct arena *arena, const struct script_eval *eval,
                  const struct script_result *result, str *ret_wanted, str *ret_got);

/* script_check_failure is about evals that shall fail: r and message are what came. */
bool script_check_failure(struct arena *arena, const struct script_eval *eval, int r,
                          const char *message, str *ret_wanted, str *ret_got);
