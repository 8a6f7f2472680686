#include "catalog/catalog.h"

#include <stdlib.h>

#include "base/mem.h"
#include "testing/test.h"

static struct catalog *load(const char *text)
{
    static struct faults faults;
    struct catalog *catalog = NULL;

    faults = (struct faults){0};
    assert_ok(catalog_parse(str_from(text), "c.yaml", &catalog, &faults), &faults.items[0]);
    return catalog;
}

/* The example of docs/formats/catalog.md, with what that leaves out. */
static const char example[] =
    "catalog: orfeas\n"
    "title: ORFEAS AI 2D-3D studio\n"
    "namespace: \"\"\n"
    "labels:\n"
    "  stage: {values: [image_loading, image_preprocessing, shape_generation]}\n"
    "groups:\n"
    "  - name: http\n"
    "    title: HTTP and API\n"
    "    metrics:\n"
    "      - name: http_requests_total\n"
    "        id: O-M01\n"
    "        type: counter\n"
    "        unit: \"\"\n"
    "        help: Requests answered.\n"
    "        stability: stable\n"
    "        labels:\n"
    "          method: {values: [GET, POST, PUT, DELETE]}\n"
    "          endpoint: {max: 50}\n"
    "          status: {max: 60, pattern: \"[1-5][0-9][0-9]\"}\n"
    "          stage: stage\n"
    "      - name: http_request_duration_seconds\n"
    "        type: histogram\n"
    "        unit: seconds\n"
    "        help: Time to answer.\n"
    "        buckets: [0.005, 0.01, 0.1, 1, 10]\n"
    "        native: {factor: 1.2, buckets: 100}\n"
    "      - name: rpc_duration_seconds\n"
    "        type: summary\n"
    "        help: Time of a call.\n"
    "        objectives: {0.5: 0.05, 0.99: 0.001}\n"
    "        max_age: 10m\n"
    "      - name: build_state\n"
    "        type: stateset\n"
    "        help: What it does.\n"
    "        states: [starting, ready, stopping]\n"
    "      - name: app_info\n"
    "        type: info\n"
    "        help: What it is.\n"
    "        labels: {version: {max: 1}, commit: {max: 1}}\n"
    "  - name: jobs\n"
    "    metrics:\n"
    "      - name: active_jobs\n"
    "        type: gauge\n"
    "        help: Jobs.\n"
    "        multiprocess: max\n"
    "        ttl: 1h\n"
    "        labels: {type: {values: [upload, text_to_image]}}\n"
    "      - name: failed_generations_total\n"
    "        type: counter\n"
    "        help: Failures.\n"
    "        series_max: 77\n"
    "        labels: {type: {values: [other, text_to_image, upload]}, reason: {max: 9}}\n"
    "      - name: text_to_image_duration_seconds\n"
    "        type: histogram\n"
    "        help: Time.\n"
    "        buckets: {exponential: {start: 1, factor: 2, count: 4}}\n"
    "helpers:\n"
    "  - name: track_generation_end\n"
    "    id: O-F09\n"
    "    help: A generation ended.\n"
    "    params:\n"
    "      type: {label: active_jobs.type}\n"
    "      success: {type: bool}\n"
    "      duration: {type: double, unit: seconds}\n"
    "      reason: {type: string}\n"
    "    do:\n"
    "      - {metric: active_jobs, op: dec, labels: {type: $type}}\n"
    "      - {metric: failed_generations_total, op: inc, labels: {type: $type, reason: $reason},\n"
    "         when: {success: false}}\n"
    "      - {metric: text_to_image_duration_seconds, op: observe, value: $duration,\n"
    "         when: {type: text_to_image}}\n"
    "      - {metric: build_state, op: set, value: ready, when: {reason: x}}\n"
    "      - {metric: failed_generations_total, op: add, labels: {type: other, reason: none},\n"
    "         value: 2.5}\n";

static const struct catalog_metric *metric_of(const struct catalog *catalog, const char *name)
{
    const struct catalog_metric *metric = catalog_metric_find(catalog, str_from(name));

    assert_non_null(metric);
    return metric;
}

TEST(catalog_reads_metrics)
{
    CLEANUP(catalog_freep) struct catalog *catalog = load(example);
    const struct catalog_metric *m = metric_of(catalog, "http_requests_total");

    assert_str_equal(catalog->title, STR("ORFEAS AI 2D-3D studio"));
    assert_int_equal(catalog->group_count, 2);
    assert_int_equal(catalog->metric_count, 8);
    assert_str_equal(catalog->groups[1].title, STR("jobs"));
    assert_int_equal(m->type, CATALOG_COUNTER);
    assert_str_equal(m->id, STR("O-M01"));
    assert_str_equal(m->c_name, STR("orfeas_http_requests_total"));
    assert_int_equal(m->label_count, 4);
    assert_int_equal(m->labels[0].set->value_count, 4);
    assert_str_equal(m->labels[0].set->c_name, STR("orfeas_http_requests_total_method"));
    assert_int_equal(m->labels[1].set->value_count, 0);
    assert_int_equal(m->labels[1].set->max, 50);
    assert_str_equal(m->labels[2].set->pattern, STR("[1-5][0-9][0-9]"));
    assert_str_equal(m->labels[3].set->c_name, STR("orfeas_stage"));
    assert_str_equal(m->labels[3].set->value_c_names[2], STR("SHAPE_GENERATION"));
    assert_int_equal(m->series_max, 10000);
    m = metric_of(catalog, "http_request_duration_seconds");
    assert_int_equal(m->bucket_count, 5);
    assert_true(m->native.on && !m->native.only && m->native.buckets == 100);
    m = metric_of(catalog, "rpc_duration_seconds");
    assert_int_equal(m->objective_count, 2);
    assert_true(m->objectives[1].quantile == 0.99 && m->max_age == 10 * DUR_MINUTE);
    m = metric_of(catalog, "build_state");
    assert_int_equal(m->states->value_count, 3);
    assert_str_equal(m->states->c_name, STR("orfeas_build_state_state"));
    m = metric_of(catalog, "active_jobs");
    assert_int_equal(m->multiprocess, CATALOG_MAX);
    assert_int_equal(m->ttl, DUR_HOUR);
    assert_int_equal(m->series_max, 2);
    assert_int_equal(metric_of(catalog, "failed_generations_total")->series_max, 77);
    m = metric_of(catalog, "text_to_image_duration_seconds");
    assert_true(m->bucket_count == 4 && m->buckets[3] == 8);
    assert_null(catalog_metric_find(catalog, STR("nothing")));
}

TEST(catalog_reads_helpers)
{
    CLEANUP(catalog_freep) struct catalog *catalog = load(example);
    const struct catalog_helper *h = &catalog->helpers[0];

    assert_int_equal(catalog->helper_count, 1);
    assert_str_equal(h->name, STR("track_generation_end"));
    assert_int_equal(h->param_count, 4);
    assert_int_equal(h->params[0].kind, CATALOG_PARAM_VALUE);
    assert_int_equal(h->params[1].kind, CATALOG_PARAM_BOOL);
    assert_str_equal(h->params[2].unit, STR("seconds"));
    assert_int_equal(h->params[3].kind, CATALOG_PARAM_STRING);
    assert_int_equal(h->action_count, 5);
    assert_int_equal(h->actions[0].op, CATALOG_DEC);
    assert_ptr_equal(h->actions[0].labels[0].param, &h->params[0]);
    assert_int_equal(h->actions[1].condition_count, 1);
    assert_ptr_equal(h->actions[1].conditions[0].param, &h->params[1]);
    assert_true(h->actions[1].conditions[0].equals.value == 0);
    assert_ptr_equal(h->actions[2].value.param, &h->params[2]);
    assert_int_equal(h->actions[2].conditions[0].equals.index, 1);
    assert_int_equal(h->actions[3].value.index, 1);
    assert_str_equal(h->actions[3].conditions[0].equals.text, STR("x"));
    assert_int_equal(h->actions[4].labels[0].index, 0);
    assert_str_equal(h->actions[4].labels[1].text, STR("none"));
    assert_true(h->actions[4].value.value == 2.5);
}

TEST(catalog_walks_metrics_in_order)
{
    CLEANUP(catalog_freep) struct catalog *catalog = load(example);
    size_t count = 0;

    for (const struct catalog_metric *m = NULL; (m = catalog_metric_next(catalog, m)) != NULL;) {
        assert_int_equal(m->index, count);
        count++;
    }
    assert_int_equal(count, catalog->metric_count);
}

TEST(catalog_puts_the_namespace_before_names)
{
    CLEANUP(catalog_freep)
    struct catalog *catalog =
        load("catalog: app\nnamespace: app\n"
             "groups: [{name: g, metrics: [{name: x_total, type: counter, help: h}]}]\n");
    const struct catalog_metric *m = metric_of(catalog, "x_total");

    assert_str_equal(m->full_name, STR("app_x_total"));
    assert_str_equal(m->c_name, STR("app_x_total"));
    assert_ptr_equal(m, metric_of(catalog, "app_x_total"));
}

TEST(catalog_lets_foreign_metrics_have_their_names)
{
    CLEANUP(catalog_freep)
    struct catalog *catalog =
        load("catalog: other\nforeign: true\ngroups:\n- name: g\n  metrics:\n"
             "  - {name: node_memory_MemTotal_bytes, type: gauge, help: h}\n"
             "  - {name: pg_locks_count, type: gauge, help: h}\n"
             "  - {name: pg_up, type: counter, unit: milliseconds, help: h}\n");

    assert_true(catalog->foreign);
    assert_int_equal(catalog->metric_count, 3);
}

TEST(catalog_names_values)
{
    static const struct {
        const char *value;
        const char *want;
    } cases[] = {
        {"image/png", "IMAGE_PNG"},
        {"A+", "A_PLUS"},
        {"A", "A"},
        {"A-", "A_MINUS"},
        {"2xx", "2XX"},
        {"a+b", "A_PLUS_B"},
        {"a-b", "A_B"},
        {"\xc3\xa4", "XC3XA4"},
        {"true", "TRUE"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(catalog_freep) struct catalog *catalog = NULL;
        char text[256];

        test_row(cases[i].value);
        (void)snprintf(text, sizeof(text),
                       "catalog: a\ngroups: [{name: g, metrics: [{name: x_total, type: counter, "
                       "help: h, labels: {l: {values: [%s]}}}]}]\n",
                       cases[i].value);
        catalog = load(text);
        assert_str_equal(metric_of(catalog, "x_total")->labels[0].set->value_c_names[0],
                         str_from(cases[i].want));
    }
    test_row(NULL);
}

/* ---- faults ---- */

/* What stands before and after `text` of a case. */
enum wrapping {
    WHOLE,  /* nothing */
    METRIC, /* one metric, from line 5, column 7 */
    HELPER, /* helpers after metrics of all types, from line 14, column 5 */
};

#define METRIC_HEAD                                                                                \
    "catalog: c\nlabels: {stage: {values: [a, b]}}\ngroups:\n  - name: g\n    metrics:\n"
#define HELPER_HEAD                                                                                \
    "catalog: c\nlabels: {stage: {values: [a, b]}}\ngroups:\n- name: g\n  metrics:\n"              \
    "  - {name: n_total, type: counter, help: h, labels: {stage: stage, who: {max: 5}}}\n"         \
    "  - {name: gauge, type: gauge, help: h}\n"                                                    \
    "  - {name: hist, type: histogram, help: h}\n"                                                 \
    "  - {name: x_info, type: info, help: h, labels: {v: {max: 1}}}\n"                             \
    "  - {name: state, type: stateset, help: h, states: [on, off]}\n"                              \
    "  - {name: wide, type: gauge, help: h, labels: {stage: {values: [a, b, c]}}}\n"               \
    "helpers:\n"

static const struct {
    const char *name;
    enum wrapping wrapping;
    const char *text;
    const char *want; /* the only fault: line:col: message, or its beginning */
} faulty[] = {
    {"empty", WHOLE, "", "1:1: the file is empty"},
    {"no mapping", WHOLE, "[]", "1:1: cannot unmarshal !!seq into catalog"},
    {"yaml", WHOLE, "catalog: [", "2:1: "},
    {"unknown key", WHOLE,
     "catalog: c\ngroup: []\ngroups: [{name: g, metrics: [{name: g, type: gauge, help: h}]}]",
     "2:1: field group not found in type catalog; did you mean 'groups'?"},
    {"no name", WHOLE, "groups: [{name: g, metrics: [{name: g, type: gauge, help: h}]}]",
     "1:1: catalog: NAME is missing"},
    {"name", WHOLE, "catalog: int\ngroups: [{name: g, metrics: [{name: g, type: gauge, help: h}]}]",
     "1:10: catalog: NAME is missing or no name"},
    {"namespace", WHOLE,
     "catalog: c\nnamespace: A-b\ngroups: [{name: g, metrics: [{name: g, type: gauge, help: h}]}]",
     "2:12: a namespace is"},
    {"no groups", WHOLE, "catalog: c", "1:1: a catalogue needs groups"},
    {"empty groups", WHOLE, "catalog: c\ngroups: []", "2:9: a catalogue needs groups"},
    {"group without name", WHOLE,
     "catalog: c\ngroups: [{metrics: [{name: g, type: gauge, help: h}]}]",
     "2:10: a group needs a name"},
    {"group without metrics", WHOLE, "catalog: c\ngroups: [{name: g}]",
     "2:10: a group needs metrics"},
    {"group twice", WHOLE,
     "catalog: c\ngroups:\n- {name: g, metrics: [{name: a, type: gauge, help: h}]}\n"
     "- {name: g, metrics: [{name: b, type: gauge, help: h}]}",
     "4:10: group g is there twice"},
    {"null group", WHOLE, "catalog: c\ngroups: [~]", "2:10: a group is {name"},
    {"shared label", WHOLE,
     "catalog: c\nlabels: {A: {max: 1}}\ngroups: [{name: g, metrics: [{name: g, type: gauge, help: "
     "h}]}]",
     "2:10: the name of a shared label"},
    {"labels no mapping", WHOLE,
     "catalog: c\nlabels: [a]\ngroups: [{name: g, metrics: [{name: g, type: gauge, help: h}]}]",
     "2:9: labels is a mapping"},
    {"metric twice", WHOLE,
     "catalog: c\ngroups:\n- name: g\n  metrics:\n  - {name: a, type: gauge, help: h}\n"
     "  - {name: a, type: gauge, help: h}",
     "6:12: metric a is declared at line 5 already"},
    {"series of another", WHOLE,
     "catalog: c\ngroups:\n- name: g\n  metrics:\n  - {name: a, type: histogram, help: h}\n"
     "  - {name: a_sum, type: summary, help: h}",
     "6:12: a_sum: its series a_sum is that of a at line 5, too"},
    {"C name twice", WHOLE,
     "catalog: c\ngroups:\n- name: g\n  metrics:\n  - {name: a, type: gauge, help: h}\n"
     "  - {name: c_a, type: gauge, help: h}",
     "6:5: a metric: its C name c_a_set is that of a metric at line 5, too"},
    {"null metric", METRIC, "~", "6:9: a metric is {name"},
    {"misspelt key", METRIC, "{name: a, type: gauge, hlep: h, help: h}",
     "6:32: field hlep not found in type metric; did you mean 'help'?"},
    {"no type", METRIC, "{name: a, help: h}", "6:9: a metric needs a type"},
    {"bad type", METRIC, "{name: a, type: gouge, help: h}", "6:25: no metric type 'gouge'"},
    {"no metric name", METRIC, "{type: gauge, help: h}", "6:9: a metric needs a name"},
    {"no help", METRIC, "{name: a, type: gauge}", "6:9: a metric needs a help text"},
    {"stability", METRIC, "{name: a, type: gauge, help: h, stability: old}",
     "6:52: no stability 'old'"},
    {"bad name", METRIC, "{name: a-b, type: gauge, help: h}", "6:16: 'a-b' is no metric name"},
    {"colon", METRIC, "{name: 'a:b', type: gauge, help: h}", "6:16: 'a:b' is no metric name"},
    {"digit", METRIC, "{name: 3d, type: gauge, help: h}", "6:16: '3d' is no metric name"},
    {"capitals", METRIC, "{name: aB, type: gauge, help: h}", "6:16: metric names are snake_case"},
    {"counter", METRIC, "{name: a, type: counter, help: h}",
     "6:16: the name of a counter ends in _total"},
    {"no counter", METRIC, "{name: a_total, type: gauge, help: h}",
     "6:16: only the name of a counter"},
    {"info", METRIC, "{name: a, type: info, help: h}",
     "6:16: the name of an info metric ends in _info"},
    {"no info", METRIC, "{name: a_info, type: gauge, help: h}", "6:16: only the name of an info"},
    {"part of histogram", METRIC, "{name: a_count, type: gauge, help: h}",
     "6:16: a name that ends in _count"},
    {"unit", METRIC, "{name: a, type: gauge, help: h, unit: bytes}",
     "6:47: the name does not end in _bytes"},
    {"unit of counter", METRIC, "{name: a_total, type: counter, help: h, unit: bytes}",
     "6:55: the name does not end in _bytes_total"},
    {"unit is all", METRIC, "{name: bytes, type: gauge, help: h, unit: bytes}",
     "6:51: the name does not end"},
    {"base unit", METRIC, "{name: a_milliseconds, type: gauge, help: h, unit: milliseconds}",
     "6:60: unit milliseconds: Prometheus counts in the base unit seconds"},
    {"unit text", METRIC, "{name: a, type: gauge, help: h, unit: 'B/s'}", "6:47: a unit is"},
    {"unit of info", METRIC, "{name: a_info, type: info, help: h, unit: info}",
     "6:51: an info metric has no unit"},
    {"buckets of gauge", METRIC, "{name: a, type: gauge, help: h, buckets: [1]}",
     "6:41: buckets is for a histogram; this is a gauge"},
    {"states of gauge", METRIC, "{name: a, type: gauge, help: h, states: [a]}",
     "6:41: states is for a stateset"},
    {"multiprocess of counter", METRIC,
     "{name: a_total, type: counter, help: h, multiprocess: max}",
     "6:49: multiprocess is for a gauge"},
    {"multiprocess", METRIC, "{name: a, type: gauge, help: h, multiprocess: avg}",
     "6:55: multiprocess 'avg'"},
    {"objectives of histogram", METRIC,
     "{name: a, type: histogram, help: h, objectives: {0.5: 0.1}}",
     "6:45: objectives is for a summary"},
    {"stateset", METRIC, "{name: a, type: stateset, help: h}", "6:9: a stateset needs states"},
    {"buckets fall", METRIC, "{name: a, type: histogram, help: h, buckets: [1, 1]}",
     "6:58: upper bounds of buckets rise"},
    {"buckets inf", METRIC, "{name: a, type: histogram, help: h, buckets: [1, +Inf]}",
     "6:58: a bucket's upper bound"},
    {"bucket text", METRIC, "{name: a, type: histogram, help: h, buckets: [x]}",
     "6:55: a bucket's upper bound"},
    {"no bucket", METRIC, "{name: a, type: histogram, help: h, buckets: []}",
     "6:54: buckets has 1 to 200"},
    {"buckets mapping", METRIC, "{name: a, type: histogram, help: h, buckets: {}}",
     "6:54: buckets are a list"},
    {"exponential", METRIC,
     "{name: a, type: histogram, help: h, buckets: {exponential: {start: 0, factor: 2, count: 3}}}",
     "6:54: exponential buckets: start > 0"},
    {"exponential far", METRIC,
     "{name: a, type: histogram, help: h, buckets: {exponential: {start: 1, factor: 1e200, count: "
     "3}}}",
     "6:54: buckets: bound 3 does not rise"},
    {"linear", METRIC,
     "{name: a, type: histogram, help: h, buckets: {linear: {start: 0, width: 0, count: 3}}}",
     "6:54: linear buckets: width > 0"},
    {"linear count", METRIC,
     "{name: a, type: histogram, help: h, buckets: {linear: {start: 0, width: 1, count: 201}}}",
     "6:54: buckets: count is 1 to 200"},
    {"native", METRIC, "{name: a, type: histogram, help: h, native: {factor: 1}}",
     "6:53: native: factor > 1"},
    {"native only", METRIC, "{name: a, type: histogram, help: h, buckets: [1], native: only}",
     "6:45: buckets beside 'native: only'"},
    {"objective", METRIC, "{name: a, type: summary, help: h, objectives: {1: 0.1}}",
     "6:56: a quantile lies between"},
    {"objective order", METRIC,
     "{name: a, type: summary, help: h, objectives: {0.9: 0.1, 0.5: 0.1}}", "6:66: quantiles rise"},
    {"objective error", METRIC, "{name: a, type: summary, help: h, objectives: {0.9: 2}}",
     "6:61: an allowed error lies"},
    {"max_age", METRIC, "{name: a, type: summary, help: h, max_age: 10}", "6:52: "},
    {"ttl", METRIC, "{name: a, type: gauge, help: h, ttl: 1ms}", "6:46: a whole number of seconds"},
    {"series_max", METRIC, "{name: a, type: gauge, help: h, series_max: 0}",
     "6:53: series_max is 1 to"},
    {"labels list", METRIC, "{name: a, type: gauge, help: h, labels: [x]}",
     "6:49: labels is a mapping"},
    {"label name", METRIC, "{name: a, type: gauge, help: h, labels: {a-b: {max: 1}}}",
     "6:50: a label name is"},
    {"label __", METRIC, "{name: a, type: gauge, help: h, labels: {__b: {max: 1}}}",
     "6:50: label names that begin with __"},
    {"label le", METRIC, "{name: a, type: histogram, help: h, labels: {le: {max: 1}}}",
     "6:54: label le of a histogram is its own"},
    {"label quantile", METRIC, "{name: a, type: summary, help: h, labels: {quantile: {max: 1}}}",
     "6:52: label quantile of a summary is its own"},
    {"label le of gauge", METRIC, "{name: a, type: gauge, help: h, labels: {le: {max: 1}}}",
     "6:50: label le is reserved"},
    {"label of stateset", METRIC,
     "{name: a, type: stateset, help: h, states: [x], labels: {a: {max: 1}}}",
     "6:66: label a of a stateset is its own"},
    {"label twice", METRIC, "{name: a, type: gauge, help: h, labels: {x: {max: 1}, x: {max: 1}}}",
     "6:63: "},
    {"no bound", METRIC, "{name: a, type: gauge, help: h, labels: {x: {}}}",
     "6:53: a label needs a bound"},
    {"null label", METRIC, "{name: a, type: gauge, help: h, labels: {x: }}",
     "6:53: a label is {values"},
    {"both", METRIC, "{name: a, type: gauge, help: h, labels: {x: {values: [a], max: 3}}}",
     "6:72: a label with values has neither"},
    {"max", METRIC, "{name: a, type: gauge, help: h, labels: {x: {max: 1000001}}}",
     "6:59: a label has at most"},
    {"negative max", METRIC, "{name: a, type: gauge, help: h, labels: {x: {max: -1}}}",
     "6:59: cannot unmarshal"},
    {"pattern", METRIC, "{name: a, type: gauge, help: h, labels: {x: {max: 1, pattern: '['}}}",
     "6:71: "},
    {"no shared", METRIC, "{name: a, type: gauge, help: h, labels: {x: stag}}",
     "6:53: no shared label 'stag'; did you mean 'stage'?"},
    {"value twice", METRIC, "{name: a, type: gauge, help: h, labels: {x: {values: [a, a]}}}",
     "6:66: value 'a' is there twice"},
    {"empty value", METRIC, "{name: a, type: gauge, help: h, labels: {x: {values: ['']}}}",
     "6:63: a label value cannot be empty"},
    {"no values", METRIC, "{name: a, type: gauge, help: h, labels: {x: {values: []}}}",
     "6:62: a closed set is a list"},
    {"value C name", METRIC, "{name: a, type: gauge, help: h, labels: {x: {values: [a-b, a_b]}}}",
     "6:53: value 'a_b': its C name C_A_X_A_B is that of value 'a-b'"},
    {"null helper", HELPER, "~", "13:3: a helper is {name"},
    {"helper name", HELPER, "{name: int, do: [{metric: gauge, op: inc}]}",
     "13:10: a helper needs a name that a C function"},
    {"helper baro", HELPER, "{name: baro_x, do: [{metric: gauge, op: inc}]}",
     "13:10: names that begin with baro_"},
    {"helper twice", HELPER,
     "{name: f, do: [{metric: gauge, op: inc}]}\n- {name: f, do: [{metric: gauge, op: inc}]}",
     "14:3: a helper: its C name f is that of a helper at line 13"},
    {"helper and metric", HELPER, "{name: c_gauge_inc, do: [{metric: gauge, op: inc}]}",
     "13:3: a helper: its C name c_gauge_inc is that of a metric at line 7"},
    {"no do", HELPER, "{name: f}", "13:3: a helper needs do"},
    {"helper key", HELPER, "{name: f, dos: [], do: [{metric: gauge, op: inc}]}",
     "13:13: field dos not found"},
    {"no metric", HELPER, "{name: f, do: [{op: inc}]}", "13:18: an action needs metric"},
    {"no op", HELPER, "{name: f, do: [{metric: gauge}]}", "13:18: an action needs op"},
    {"bad op", HELPER, "{name: f, do: [{metric: gauge, op: plus}]}", "13:38: no operation 'plus'"},
    {"unknown metric", HELPER, "{name: f, do: [{metric: guage, op: inc}]}",
     "13:27: no metric 'guage'; did you mean 'gauge'?"},
    {"counter falls", HELPER,
     "{name: f, do: [{metric: n_total, op: dec, labels: {stage: a, who: b}}]}",
     "13:40: dec does not fit a counter"},
    {"observe gauge", HELPER, "{name: f, do: [{metric: gauge, op: observe, value: 1}]}",
     "13:38: observe does not fit a gauge"},
    {"inc histogram", HELPER, "{name: f, do: [{metric: hist, op: inc}]}",
     "13:37: inc does not fit a histogram"},
    {"inc with value", HELPER, "{name: f, do: [{metric: gauge, op: inc, value: 1}]}",
     "13:50: inc of a gauge takes no value"},
    {"set without value", HELPER, "{name: f, do: [{metric: gauge, op: set}]}",
     "13:18: set of a gauge needs a value"},
    {"negative counter", HELPER,
     "{name: f, do: [{metric: n_total, op: add, value: -1, labels: {stage: a, who: b}}]}",
     "13:52: a counter does not fall"},
    {"value text", HELPER, "{name: f, do: [{metric: gauge, op: set, value: x}]}",
     "13:50: a value ($PARAMETER or number)"},
    {"label missing", HELPER, "{name: f, do: [{metric: n_total, op: inc, labels: {stage: a}}]}",
     "13:53: label who of n_total is not given"},
    {"labels missing", HELPER, "{name: f, do: [{metric: x_info, op: set}]}",
     "13:18: label v of x_info is not given"},
    {"label too many", HELPER, "{name: f, do: [{metric: gauge, op: inc, labels: {x: y}}]}",
     "13:52: metric gauge has no label 'x'; it has none"},
    {"label constant", HELPER,
     "{name: f, do: [{metric: n_total, op: inc, labels: {stage: c, who: b}}]}",
     "13:61: 'c' is no value of label stage of n_total"},
    {"state", HELPER, "{name: f, do: [{metric: state, op: set, value: onn}]}",
     "13:50: 'onn' is no value of the states of state; did you mean 'on'?"},
    {"no parameter", HELPER, "{name: f, do: [{metric: gauge, op: set, value: $v}]}",
     "13:50: no parameter $v of helper f"},
    {"parameter type", HELPER,
     "{name: f, params: {v: {type: float}}, do: [{metric: gauge, op: set, value: $v}]}",
     "13:32: no type 'float'"},
    {"parameter both", HELPER,
     "{name: f, params: {v: {type: int, label: stage}}, do: [{metric: gauge, op: set, value: $v}]}",
     "13:25: a parameter is {label"},
    {"parameter null", HELPER,
     "{name: f, params: {v: }, do: [{metric: gauge, op: set, value: $v}]}",
     "13:22: a parameter is"},
    {"parameter name", HELPER,
     "{name: f, params: {v-w: {type: int}}, do: [{metric: gauge, op: set, value: $v}]}",
     "13:22: a parameter's name"},
    {"parameter label", HELPER,
     "{name: f, params: {v: {label: n_total.x}}, do: [{metric: gauge, op: inc}]}",
     "13:33: metric n_total has no label 'x'; it has stage, who"},
    {"parameter shared", HELPER,
     "{name: f, params: {v: {label: stag}}, do: [{metric: gauge, op: inc}]}",
     "13:33: label 'stag' is neither"},
    {"unused", HELPER, "{name: f, params: {v: {type: int}}, do: [{metric: gauge, op: inc}]}",
     "13:22: parameter v is never used"},
    {"value is text", HELPER,
     "{name: f, params: {v: {type: string}}, do: [{metric: gauge, op: set, value: $v}]}",
     "13:79: $v is no number"},
    {"free text for closed", HELPER,
     "{name: f, params: {v: {type: string}}, do: [{metric: n_total, op: inc, labels: {stage: $v, "
     "who: x}}]}",
     "13:90: $v may be anything, but label stage of n_total is closed"},
    {"double for label", HELPER,
     "{name: f, params: {v: {type: double}}, do: [{metric: n_total, op: inc, labels: {stage: a, "
     "who: $v}}]}",
     "13:98: $v is a double: no label value"},
    {"no subset", HELPER,
     "{name: f, params: {v: {label: wide.stage}}, do: [{metric: n_total, op: inc, labels: {stage: "
     "$v, who: x}}]}",
     "13:95: $v may be 'c', which is no value of label stage of n_total"},
    {"when", HELPER,
     "{name: f, params: {v: {type: bool}}, do: [{metric: gauge, op: inc, when: {w: true}}]}",
     "13:77: no parameter 'w' of helper f"},
    {"when bool", HELPER,
     "{name: f, params: {v: {type: bool}}, do: [{metric: gauge, op: inc, when: {v: 1}}]}",
     "13:80: $v is true or false"},
    {"when double", HELPER,
     "{name: f, params: {v: {type: double}}, do: [{metric: gauge, op: inc, when: {v: 1}}]}",
     "13:79: $v is a double"},
    {"when int", HELPER,
     "{name: f, params: {v: {type: int}}, do: [{metric: gauge, op: inc, when: {v: x}}]}",
     "13:79: $v is an integer"},
    {"when value", HELPER,
     "{name: f, params: {v: {label: stage}}, do: [{metric: gauge, op: inc, when: {v: x}}]}",
     "13:82: 'x' is no value of its label"},
};

static void wrap(struct buf *out, enum wrapping wrapping, const char *text)
{
    buf_c(out, wrapping == METRIC   ? METRIC_HEAD "      - "
               : wrapping == HELPER ? HELPER_HEAD "- "
                                    : "");
    buf_c(out, text);
    buf_char(out, '\n');
}

TEST(catalog_says_what_is_wrong_and_where)
{
    static struct faults faults;

    for (size_t i = 0; i < ARRAY_COUNT(faulty); i++) {
        struct catalog *catalog = NULL;
        struct buf text = {0};
        char got[ERROR_FORMAT_BYTES];

        test_row(faulty[i].name);
        faults = (struct faults){0};
        wrap(&text, faulty[i].wrapping, faulty[i].text);
        assert_true(catalog_parse(buf_view(&text), "c", &catalog, &faults) < 0);
        assert_null(catalog);
        error_format(&faults.items[0], got, sizeof(got));
        assert_true(str_has_prefix(str_from(got), STR("c:")));
        assert_str_equal(str_slice(str_from(got), 2, 2 + strlen(faulty[i].want)),
                         str_from(faulty[i].want));
        assert_int_equal(faults.total, 1);
        buf_done(&text);
    }
    test_row(NULL);
}

TEST(catalog_reports_many_faults_at_once)
{
    static struct faults faults;
    struct catalog *catalog = NULL;
    struct buf text = {0};

    buf_c(&text, "catalog: c\ngroups:\n- name: g\n  metrics:\n");
    for (size_t i = 0; i < 30; i++) {
        buf_printf(&text, "  - {name: m%zu, type: counter, help: h}\n", i);
    }
    faults = (struct faults){0};
    assert_int_equal(catalog_parse(buf_view(&text), "c", &catalog, &faults), BARO_EPARSE);
    assert_int_equal(faults.count, FAULTS_MAX);
    assert_int_equal(faults.total, 30);
    assert_int_equal(faults.items[1].line, 6);
    buf_done(&text);
}

TEST(catalog_bounds_what_it_reads)
{
    static struct faults faults;
    struct catalog *catalog = NULL;
    struct buf text = {0};

    buf_c(&text,
          "catalog: c\ngroups:\n- name: g\n  metrics:\n  - name: a\n    type: gauge\n    help: h\n"
          "    labels: {x: {values: [");
    for (size_t i = 0; i <= CATALOG_VALUES_MAX; i++) {
        buf_printf(&text, "%sv%zu", i > 0 ? ", " : "", i);
    }
    buf_c(&text, "]}}\n");
    faults = (struct faults){0};
    assert_true(catalog_parse(buf_view(&text), "c", &catalog, &faults) < 0);
    assert_non_null(strstr(faults.items[0].message, "1 to 1000 values"));
    buf_reset(&text);
    buf_zero(&text, CATALOG_BYTES_MAX + 1);
    assert_int_equal(catalog_parse(buf_view(&text), "c", &catalog, &faults), BARO_ELIMIT);
    buf_done(&text);
}

TEST(catalog_load_names_a_missing_file)
{
    static struct faults faults;
    struct catalog *catalog = NULL;

    assert_true(catalog_load("/nonexistent/c.yaml", &catalog, &faults) < 0);
    assert_int_equal(faults.total, 1);
    assert_non_null(strstr(faults.items[0].message, "/nonexistent/c.yaml"));
}
