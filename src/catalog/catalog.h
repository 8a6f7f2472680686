/*
 * catalog: what a service's telemetry is, read from a catalog.yaml: groups of metrics, and the
 * helper functions that update several of them. Immutable after loading; everything lives in one
 * arena that the catalogue owns. A catalogue that loads is sound: names are valid for their types,
 * exposed names and generated C names are unique, helpers fit the metrics they update. The code,
 * documentation and dashboard generators and the checks of dashboards, rules and live targets
 * build on that. The format: docs/formats/catalog.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"

struct yaml_node;

enum {
    CATALOG_METRICS_MAX = 10000,
    CATALOG_GROUPS_MAX = 1000,
    CATALOG_HELPERS_MAX = 1000,
    CATALOG_LABELS_MAX = 16, /* of one metric */
    CATALOG_VALUES_MAX = 1000,
    CATALOG_STATES_MAX = 64,
    CATALOG_BUCKETS_MAX = 200,
    CATALOG_NATIVE_BUCKETS_MAX = 1024,
    CATALOG_OBJECTIVES_MAX = 16,
    CATALOG_PARAMS_MAX = 16,
    CATALOG_ACTIONS_MAX = 64,
    CATALOG_NAME_BYTES_MAX = 128,
    CATALOG_SERIES_MAX = 10000, /* of one metric, unless it says series_max */
    CATALOG_SERIES_LIMIT = 1000000,
};
#define CATALOG_BYTES_MAX ((size_t)16 << 20)

enum catalog_type {
    CATALOG_COUNTER,
    CATALOG_GAUGE,
    CATALOG_HISTOGRAM,
    CATALOG_SUMMARY,
    CATALOG_INFO,
    CATALOG_STATESET,
    CATALOG_TYPE_COUNT,
};

enum catalog_stability {
    CATALOG_STABLE,
    CATALOG_EXPERIMENTAL,
    CATALOG_DEPRECATED,
};

/* How the gauges of a service's processes become one. */
enum catalog_multiprocess {
    CATALOG_SUM,
    CATALOG_ALL,
    CATALOG_MAX,
    CATALOG_MIN,
    CATALOG_LATEST,
};

enum catalog_op {
    CATALOG_INC,
    CATALOG_DEC,
    CATALOG_ADD,
    CATALOG_SUB,
    CATALOG_SET,
    CATALOG_OBSERVE,
    CATALOG_OP_COUNT,
};

/* The names as the file has them: "counter", "stable", "inc". */
const char *catalog_type_name(enum catalog_type type);
const char *catalog_stability_name(enum catalog_stability stability);
const char *catalog_op_name(enum catalog_op op);

/* A set of label values: closed (values) or open (max, pattern). One definition may serve several
 * labels; definitions with `values` are C types. */
struct catalog_set {
    const struct yaml_node *node;
    str c_name; /* closed: the C type, "orfeas_stage"; constants are it in capitals and a value */
    str help;
    const str *values;
    const str *value_c_names; /* of each value: "IMAGE_LOADING" */
    size_t value_count;       /* 0 = open */
    uint64_t max;             /* values at most; of a closed one their number */
    str pattern;              /* open: every value matches all of it; len 0 = anything */
    size_t index;             /* among catalog.sets; SIZE_MAX when open */
};

struct catalog_label {
    str name;
    str c_name; /* as a function parameter: never a keyword */
    const struct catalog_set *set;
};

/* Native histogram: bucket boundaries grow by `factor` at most, with at most `buckets` of them. */
struct catalog_native {
    bool on;
    bool only; /* no classic buckets beside it */
    double factor;
    uint32_t buckets;
};

struct catalog_objective {
    double quantile;
    double error;
};

struct catalog_group;

struct catalog_metric {
    const struct yaml_node *node;
    const struct catalog_group *group;
    str name;      /* as the file has it */
    str full_name; /* as exposed: the namespace before it */
    str c_name;    /* beginning of its functions' names */
    str id;
    str unit;
    str help;
    enum catalog_type type;
    enum catalog_stability stability;
    const struct catalog_label *labels;
    size_t label_count;
    const double *buckets; /* count 0 = the client's default */
    size_t bucket_count;
    struct catalog_native native;
    const struct catalog_objective *objectives;
    size_t objective_count;
    dur max_age; /* of a summary's quantiles; 0 = the client's default */
    dur ttl;     /* series not updated for so long go; 0 = never */
    enum catalog_multiprocess multiprocess;
    const struct catalog_set *states; /* stateset: a closed set */
    uint64_t series_max;
    size_t index; /* among all metrics of the catalogue */
};

struct catalog_group {
    str name;
    str title;
    struct catalog_metric *metrics;
    size_t metric_count;
};

enum catalog_param_kind {
    CATALOG_PARAM_BOOL,
    CATALOG_PARAM_INT,
    CATALOG_PARAM_DOUBLE,
    CATALOG_PARAM_STRING,
    CATALOG_PARAM_VALUE, /* of the closed set */
};

struct catalog_param {
    str name;
    str c_name;
    str unit;
    enum catalog_param_kind kind;
    const struct catalog_set *set; /* PARAM_VALUE */
};

/* A parameter (param != NULL), or a constant. */
struct catalog_operand {
    const struct catalog_param *param;
    str text;     /* constant of a label or state, or condition on a string */
    double value; /* constant of a number, or condition on a bool (0, 1) or int */
    size_t index; /* constant of a closed set */
};

struct catalog_condition {
    const struct catalog_param *param;
    struct catalog_operand equals; /* a constant */
};

struct catalog_action {
    const struct catalog_metric *metric;
    enum catalog_op op;
    bool has_value;
    struct catalog_operand value;
    const struct catalog_operand *labels;       /* one for each of the metric's, in its order */
    const struct catalog_condition *conditions; /* all must hold */
    size_t condition_count;
};

struct catalog_helper {
    const struct yaml_node *node;
    str name;
    str id;
    str help;
    const struct catalog_param *params;
    size_t param_count;
    const struct catalog_action *actions;
    size_t action_count;
};

struct catalog {
    str name;
    str title;
    str name_space; /* "" = none */
    bool foreign;   /* metrics of other people's programs: their names follow no rule of ours */
    str prefix;     /* the name in lower case: of every C name but the helpers' */
    const struct catalog_group *groups;
    size_t group_count;
    size_t metric_count;
    const struct catalog_set *const *sets; /* the closed ones, in the order of the file */
    size_t set_count;
    const struct catalog_helper *helpers;
    size_t helper_count;
};

/* A name under which a metric's series are exposed, and the label that its type adds to them. */
struct catalog_series {
    const char *suffix;
    const char *extra; /* "le", "quantile", or NULL; a stateset adds its own name */
};

enum { CATALOG_SERIES_NAMES_MAX = 4 };

/* catalog_series_names gives the names of a metric's series in the text formats, and returns their
 * number; a native histogram without classic buckets has its own name alone. */
size_t catalog_series_names(const struct catalog_metric *metric,
                            struct catalog_series ret[CATALOG_SERIES_NAMES_MAX]);

/*
 * catalog_parse reads one file's text; `file` is its name in messages. Fails with BARO_EPARSE or
 * BARO_ELIMIT and up to FAULTS_MAX faults, each with its position; *ret is untouched then.
 */
int catalog_parse(str text, const char *file, struct catalog **ret, struct faults *faults);

/* catalog_load is catalog_parse of a file's content. */
int catalog_load(const char *path, struct catalog **ret, struct faults *faults);

struct catalog *catalog_free(struct catalog *catalog);
DEFINE_CLEANUP(catalog_free, struct catalog)

/* catalog_metric_find looks a metric up by its name as the file has it, or as it is exposed. */
const struct catalog_metric *catalog_metric_find(const struct catalog *catalog, str name);

/* catalog_metric_next walks all metrics in the order of the file: start with NULL, ends with NULL.
 */
const struct catalog_metric *catalog_metric_next(const struct catalog *catalog,
                                                 const struct catalog_metric *metric);

/* catalog_set_find returns the index of a value of a closed set, or SIZE_MAX. */
size_t catalog_set_find(const struct catalog_set *set, str value);

/* catalog_series_product is the number of label combinations, all bounds multiplied, at most
 * `limit`; 1 without labels. *ret_closed says whether all labels are closed. */
uint64_t catalog_series_product(const struct catalog_metric *metric, uint64_t limit,
                                bool *ret_closed);
