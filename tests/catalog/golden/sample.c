/* Made by barograph gen c from the catalogue sample: change that, not this. */
#include "sample.h"

#include <stdio.h>
#include <string.h>

/* clang-format off */
static const char *const sample_stage_texts_[4] = {
    "load",
    "transform",
    "save",
    NULL,
};
static const char *const sample_grade_texts_[6] = {
    "A+",
    "A",
    "B+",
    "B",
    "A-",
    NULL,
};
static const char *const sample_requests_total_class_texts_[3] = {
    "static",
    "dynamic",
    NULL,
};
static const char *const sample_active_jobs_type_texts_[3] = {
    "upload",
    "render",
    NULL,
};
static const char *const sample_failures_total_type_texts_[4] = {
    "other",
    "render",
    "upload",
    NULL,
};
static const char *const sample_cells_total_a_texts_[18] = {
    "a0",
    "a1",
    "a2",
    "a3",
    "a4",
    "a5",
    "a6",
    "a7",
    "a8",
    "a9",
    "a10",
    "a11",
    "a12",
    "a13",
    "a14",
    "a15",
    "a16",
    NULL,
};
static const char *const sample_cells_total_b_texts_[18] = {
    "b0",
    "b1",
    "b2",
    "b3",
    "b4",
    "b5",
    "b6",
    "b7",
    "b8",
    "b9",
    "b10",
    "b11",
    "b12",
    "b13",
    "b14",
    "b15",
    "b16",
    NULL,
};
static const char *const sample_cells_total_value_texts_[18] = {
    "c0",
    "c1",
    "c2",
    "c3",
    "c4",
    "c5",
    "c6",
    "c7",
    "c8",
    "c9",
    "c10",
    "c11",
    "c12",
    "c13",
    "c14",
    "c15",
    "c16",
    NULL,
};
static const char *const sample_mode_state_texts_[4] = {
    "starting",
    "ready",
    "stopping",
    NULL,
};

static const struct baro_label labels_0_[] = {
    {"endpoint", 3, NULL, 0},
    {"status", 5, NULL, 0},
    {"class", 0, sample_requests_total_class_texts_, 2},
};
static const struct baro_desc desc_0_ = {
    .name = "sample_requests_total",
    .help = "Requests answered, with a \"quote\", a \\ and what would be a trigraph?\?= in C.",
    .type = BARO_COUNTER,
    .labels = labels_0_,
    .label_count = 3,
    .series_max = 30,
};

static const struct baro_label labels_1_[] = {
    {"endpoint", 3, NULL, 0},
};
static const double buckets_1_[] = {0.005, 0.1, 1.0, 2.5, 1e+06};
static const struct baro_desc desc_1_ = {
    .name = "sample_request_duration_seconds",
    .help = "Time to answer.",
    .unit = "seconds",
    .type = BARO_HISTOGRAM,
    .labels = labels_1_,
    .label_count = 1,
    .series_max = 3,
    .buckets = buckets_1_,
    .bucket_count = 5,
    .native = {.on = true, .schema = 3, .buckets_max = 100},
};

static const double quantiles_2_[] = {0.5, 0.99};
static const struct baro_desc desc_2_ = {
    .name = "sample_request_size_bytes",
    .help = "Size of requests.",
    .unit = "bytes",
    .type = BARO_SUMMARY,
    .series_max = 1,
    .quantiles = quantiles_2_,
    .quantile_count = 2,
    .max_age_s = 300,
};

static const struct baro_label labels_3_[] = {
    {"stage", 0, sample_stage_texts_, 3},
    {"grade", 0, sample_grade_texts_, 5},
};
static const struct baro_desc desc_3_ = {
    .name = "sample_jobs_total",
    .help = "Jobs by stage and grade.",
    .type = BARO_COUNTER,
    .labels = labels_3_,
    .label_count = 2,
    .series_max = 15,
};

static const struct baro_label labels_4_[] = {
    {"type", 0, sample_active_jobs_type_texts_, 2},
};
static const struct baro_desc desc_4_ = {
    .name = "sample_active_jobs",
    .help = "Jobs being worked on.",
    .type = BARO_GAUGE,
    .labels = labels_4_,
    .label_count = 1,
    .series_max = 2,
    .multiprocess = BARO_LIVE_MAX,
};

static const struct baro_label labels_5_[] = {
    {"type", 0, sample_failures_total_type_texts_, 3},
    {"reason", 4, NULL, 0},
};
static const struct baro_desc desc_5_ = {
    .name = "sample_failures_total",
    .help = "Jobs that failed.",
    .type = BARO_COUNTER,
    .labels = labels_5_,
    .label_count = 2,
    .series_max = 6,
    .ttl_s = 3600,
};

static const struct baro_desc desc_6_ = {
    .name = "sample_heap_bytes",
    .help = "Memory.",
    .unit = "bytes",
    .type = BARO_GAUGE,
    .series_max = 1,
};

static const struct baro_desc desc_7_ = {
    .name = "sample_lag_seconds",
    .help = "How far behind.",
    .unit = "seconds",
    .type = BARO_HISTOGRAM,
    .series_max = 1,
    .native = {.on = true, .schema = 3, .buckets_max = 160},
};

static const struct baro_desc desc_8_ = {
    .name = "sample_took_seconds",
    .help = "Time with the default buckets.",
    .unit = "seconds",
    .type = BARO_HISTOGRAM,
    .series_max = 1,
};

static const struct baro_label labels_9_[] = {
    {"a", 0, sample_cells_total_a_texts_, 17},
    {"b", 0, sample_cells_total_b_texts_, 17},
    {"value", 0, sample_cells_total_value_texts_, 17},
};
static const struct baro_desc desc_9_ = {
    .name = "sample_cells_total",
    .help = "More combinations of closed labels than handles are kept for.",
    .type = BARO_COUNTER,
    .labels = labels_9_,
    .label_count = 3,
    .series_max = 4913,
};

static const struct baro_desc desc_10_ = {
    .name = "sample_mode",
    .help = "What it does now.",
    .type = BARO_STATESET,
    .series_max = 1,
    .states = sample_mode_state_texts_,
    .state_count = 3,
};

static const struct baro_label labels_11_[] = {
    {"version", 1, NULL, 0},
    {"commit", 1, NULL, 0},
};
static const struct baro_desc desc_11_ = {
    .name = "sample_build_info",
    .help = "What runs.",
    .type = BARO_INFO,
    .labels = labels_11_,
    .label_count = 2,
    .series_max = 1,
};

static const struct baro_desc *const descs_[] = {
    &desc_0_,
    &desc_1_,
    &desc_2_,
    &desc_3_,
    &desc_4_,
    &desc_5_,
    &desc_6_,
    &desc_7_,
    &desc_8_,
    &desc_9_,
    &desc_10_,
    &desc_11_,
};

/* Places in families_. */
enum {
    F_sample_requests_total,
    F_sample_request_duration_seconds,
    F_sample_request_size_bytes,
    F_sample_jobs_total,
    F_sample_active_jobs,
    F_sample_failures_total,
    F_sample_heap_bytes,
    F_sample_lag_seconds,
    F_sample_took_seconds,
    F_sample_cells_total,
    F_sample_mode,
    F_sample_build_info,
};
/* clang-format on */

static struct baro_family *families_[12];

/* Handles by label values, found once. */
static struct {
    baro_summary m_sample_request_size_bytes[1];
    baro_counter m_sample_jobs_total[24];
    baro_gauge m_sample_active_jobs[3];
    baro_gauge m_sample_heap_bytes[1];
    baro_histogram m_sample_lag_seconds[1];
    baro_histogram m_sample_took_seconds[1];
    baro_stateset m_sample_mode[1];
} cells_;

/* What is no value stands behind the last one. */
static size_t clamp_(size_t index, size_t count)
{
    return index < count ? index : count;
}

static size_t find_(const char *const *texts, const char *text)
{
    for (size_t i = 0; text != NULL && texts[i] != NULL; i++) {
        if (strcmp(texts[i], text) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

const char *sample_stage_text(sample_stage value)
{
    return sample_stage_texts_[clamp_(value.index_, SAMPLE_STAGE_COUNT)];
}

bool sample_stage_from(const char *text, sample_stage *ret)
{
    size_t index = find_(sample_stage_texts_, text);

    if (index == SIZE_MAX) {
        return false;
    }
    *ret = sample_stage_at(index);
    return true;
}

sample_stage sample_stage_at(size_t index)
{
    sample_stage value;

    value.index_ = (unsigned char)clamp_(index, SAMPLE_STAGE_COUNT);
    return value;
}

const char *sample_grade_text(sample_grade value)
{
    return sample_grade_texts_[clamp_(value.index_, SAMPLE_GRADE_COUNT)];
}

bool sample_grade_from(const char *text, sample_grade *ret)
{
    size_t index = find_(sample_grade_texts_, text);

    if (index == SIZE_MAX) {
        return false;
    }
    *ret = sample_grade_at(index);
    return true;
}

sample_grade sample_grade_at(size_t index)
{
    sample_grade value;

    value.index_ = (unsigned char)clamp_(index, SAMPLE_GRADE_COUNT);
    return value;
}

const char *sample_requests_total_class_text(sample_requests_total_class value)
{
    return sample_requests_total_class_texts_[clamp_(value.index_,
                                                     SAMPLE_REQUESTS_TOTAL_CLASS_COUNT)];
}

bool sample_requests_total_class_from(const char *text, sample_requests_total_class *ret)
{
    size_t index = find_(sample_requests_total_class_texts_, text);

    if (index == SIZE_MAX) {
        return false;
    }
    *ret = sample_requests_total_class_at(index);
    return true;
}

sample_requests_total_class sample_requests_total_class_at(size_t index)
{
    sample_requests_total_class value;

    value.index_ = (unsigned char)clamp_(index, SAMPLE_REQUESTS_TOTAL_CLASS_COUNT);
    return value;
}

const char *sample_active_jobs_type_text(sample_active_jobs_type value)
{
    return sample_active_jobs_type_texts_[clamp_(value.index_, SAMPLE_ACTIVE_JOBS_TYPE_COUNT)];
}

bool sample_active_jobs_type_from(const char *text, sample_active_jobs_type *ret)
{
    size_t index = find_(sample_active_jobs_type_texts_, text);

    if (index == SIZE_MAX) {
        return false;
    }
    *ret = sample_active_jobs_type_at(index);
    return true;
}

sample_active_jobs_type sample_active_jobs_type_at(size_t index)
{
    sample_active_jobs_type value;

    value.index_ = (unsigned char)clamp_(index, SAMPLE_ACTIVE_JOBS_TYPE_COUNT);
    return value;
}

const char *sample_failures_total_type_text(sample_failures_total_type value)
{
    return sample_failures_total_type_texts_[clamp_(value.index_,
                                                    SAMPLE_FAILURES_TOTAL_TYPE_COUNT)];
}

bool sample_failures_total_type_from(const char *text, sample_failures_total_type *ret)
{
    size_t index = find_(sample_failures_total_type_texts_, text);

    if (index == SIZE_MAX) {
        return false;
    }
    *ret = sample_failures_total_type_at(index);
    return true;
}

sample_failures_total_type sample_failures_total_type_at(size_t index)
{
    sample_failures_total_type value;

    value.index_ = (unsigned char)clamp_(index, SAMPLE_FAILURES_TOTAL_TYPE_COUNT);
    return value;
}

const char *sample_cells_total_a_text(sample_cells_total_a value)
{
    return sample_cells_total_a_texts_[clamp_(value.index_, SAMPLE_CELLS_TOTAL_A_COUNT)];
}

bool sample_cells_total_a_from(const char *text, sample_cells_total_a *ret)
{
    size_t index = find_(sample_cells_total_a_texts_, text);

    if (index == SIZE_MAX) {
        return false;
    }
    *ret = sample_cells_total_a_at(index);
    return true;
}

sample_cells_total_a sample_cells_total_a_at(size_t index)
{
    sample_cells_total_a value;

    value.index_ = (unsigned char)clamp_(index, SAMPLE_CELLS_TOTAL_A_COUNT);
    return value;
}

const char *sample_cells_total_b_text(sample_cells_total_b value)
{
    return sample_cells_total_b_texts_[clamp_(value.index_, SAMPLE_CELLS_TOTAL_B_COUNT)];
}

bool sample_cells_total_b_from(const char *text, sample_cells_total_b *ret)
{
    size_t index = find_(sample_cells_total_b_texts_, text);

    if (index == SIZE_MAX) {
        return false;
    }
    *ret = sample_cells_total_b_at(index);
    return true;
}

sample_cells_total_b sample_cells_total_b_at(size_t index)
{
    sample_cells_total_b value;

    value.index_ = (unsigned char)clamp_(index, SAMPLE_CELLS_TOTAL_B_COUNT);
    return value;
}

const char *sample_cells_total_value_text(sample_cells_total_value value)
{
    return sample_cells_total_value_texts_[clamp_(value.index_, SAMPLE_CELLS_TOTAL_VALUE_COUNT)];
}

bool sample_cells_total_value_from(const char *text, sample_cells_total_value *ret)
{
    size_t index = find_(sample_cells_total_value_texts_, text);

    if (index == SIZE_MAX) {
        return false;
    }
    *ret = sample_cells_total_value_at(index);
    return true;
}

sample_cells_total_value sample_cells_total_value_at(size_t index)
{
    sample_cells_total_value value;

    value.index_ = (unsigned char)clamp_(index, SAMPLE_CELLS_TOTAL_VALUE_COUNT);
    return value;
}

const char *sample_mode_state_text(sample_mode_state value)
{
    return sample_mode_state_texts_[clamp_(value.index_, SAMPLE_MODE_STATE_COUNT)];
}

bool sample_mode_state_from(const char *text, sample_mode_state *ret)
{
    size_t index = find_(sample_mode_state_texts_, text);

    if (index == SIZE_MAX) {
        return false;
    }
    *ret = sample_mode_state_at(index);
    return true;
}

sample_mode_state sample_mode_state_at(size_t index)
{
    sample_mode_state value;

    value.index_ = (unsigned char)clamp_(index, SAMPLE_MODE_STATE_COUNT);
    return value;
}

baro_counter sample_requests_total_handle(const char *endpoint, const char *status,
                                          sample_requests_total_class class_)
{
    const char *const values[] = {endpoint, status, sample_requests_total_class_text(class_), NULL};

    return baro_counter_with(families_[F_sample_requests_total], values);
}

void sample_requests_total_inc(const char *endpoint, const char *status,
                               sample_requests_total_class class_)
{
    baro_counter handle = sample_requests_total_handle(endpoint, status, class_);

    baro_counter_inc(handle);
}

void sample_requests_total_add(const char *endpoint, const char *status,
                               sample_requests_total_class class_, double amount)
{
    baro_counter handle = sample_requests_total_handle(endpoint, status, class_);

    baro_counter_add(handle, amount);
}

void sample_requests_total_add_exemplar(const char *endpoint, const char *status,
                                        sample_requests_total_class class_, double amount,
                                        const struct baro_exemplar *exemplar)
{
    baro_counter handle = sample_requests_total_handle(endpoint, status, class_);

    baro_counter_add_exemplar(handle, amount, exemplar);
}

struct baro_family *sample_requests_total_family(void)
{
    return families_[F_sample_requests_total];
}

int sample_requests_total_remove(const char *endpoint, const char *status,
                                 sample_requests_total_class class_)
{
    const char *const values[] = {endpoint, status, sample_requests_total_class_text(class_), NULL};

    return baro_series_remove(families_[F_sample_requests_total], values);
}

baro_histogram sample_request_duration_seconds_handle(const char *endpoint)
{
    const char *const values[] = {endpoint, NULL};

    return baro_histogram_with(families_[F_sample_request_duration_seconds], values);
}

void sample_request_duration_seconds_observe(const char *endpoint, double value)
{
    baro_histogram handle = sample_request_duration_seconds_handle(endpoint);

    baro_histogram_observe(handle, value);
}

void sample_request_duration_seconds_observe_exemplar(const char *endpoint, double value,
                                                      const struct baro_exemplar *exemplar)
{
    baro_histogram handle = sample_request_duration_seconds_handle(endpoint);

    baro_histogram_observe_exemplar(handle, value, exemplar);
}

void sample_request_duration_seconds_observe_trace(const char *endpoint, double value,
                                                   const char *trace_id, const char *span_id)
{
    baro_histogram handle = sample_request_duration_seconds_handle(endpoint);

    baro_histogram_observe_trace(handle, value, trace_id, span_id);
}

void sample_request_duration_seconds_observe_since(const char *endpoint, int64_t start_ns)
{
    baro_histogram handle = sample_request_duration_seconds_handle(endpoint);

    baro_histogram_observe_since(handle, start_ns);
}

struct baro_family *sample_request_duration_seconds_family(void)
{
    return families_[F_sample_request_duration_seconds];
}

int sample_request_duration_seconds_remove(const char *endpoint)
{
    const char *const values[] = {endpoint, NULL};

    return baro_series_remove(families_[F_sample_request_duration_seconds], values);
}

baro_summary sample_request_size_bytes_handle(void)
{
    return baro_summary_cached(&cells_.m_sample_request_size_bytes[0],
                               families_[F_sample_request_size_bytes], NULL);
}

void sample_request_size_bytes_observe(double value)
{
    baro_summary handle = sample_request_size_bytes_handle();

    baro_summary_observe(handle, value);
}

void sample_request_size_bytes_observe_since(int64_t start_ns)
{
    baro_summary handle = sample_request_size_bytes_handle();

    baro_summary_observe_since(handle, start_ns);
}

struct baro_family *sample_request_size_bytes_family(void)
{
    return families_[F_sample_request_size_bytes];
}

baro_counter sample_jobs_total_handle(sample_stage stage, sample_grade grade)
{
    const char *const values[] = {sample_stage_text(stage), sample_grade_text(grade), NULL};
    size_t cell = clamp_(stage.index_, SAMPLE_STAGE_COUNT);

    cell = cell * 6 + clamp_(grade.index_, SAMPLE_GRADE_COUNT);
    return baro_counter_cached(&cells_.m_sample_jobs_total[cell], families_[F_sample_jobs_total],
                               values);
}

void sample_jobs_total_inc(sample_stage stage, sample_grade grade)
{
    baro_counter handle = sample_jobs_total_handle(stage, grade);

    baro_counter_inc(handle);
}

void sample_jobs_total_add(sample_stage stage, sample_grade grade, double amount)
{
    baro_counter handle = sample_jobs_total_handle(stage, grade);

    baro_counter_add(handle, amount);
}

void sample_jobs_total_add_exemplar(sample_stage stage, sample_grade grade, double amount,
                                    const struct baro_exemplar *exemplar)
{
    baro_counter handle = sample_jobs_total_handle(stage, grade);

    baro_counter_add_exemplar(handle, amount, exemplar);
}

struct baro_family *sample_jobs_total_family(void)
{
    return families_[F_sample_jobs_total];
}

int sample_jobs_total_remove(sample_stage stage, sample_grade grade)
{
    const char *const values[] = {sample_stage_text(stage), sample_grade_text(grade), NULL};

    return baro_series_remove(families_[F_sample_jobs_total], values);
}

baro_gauge sample_active_jobs_handle(sample_active_jobs_type type)
{
    const char *const values[] = {sample_active_jobs_type_text(type), NULL};
    size_t cell = clamp_(type.index_, SAMPLE_ACTIVE_JOBS_TYPE_COUNT);

    return baro_gauge_cached(&cells_.m_sample_active_jobs[cell], families_[F_sample_active_jobs],
                             values);
}

void sample_active_jobs_set(sample_active_jobs_type type, double value)
{
    baro_gauge handle = sample_active_jobs_handle(type);

    baro_gauge_set(handle, value);
}

void sample_active_jobs_inc(sample_active_jobs_type type)
{
    baro_gauge handle = sample_active_jobs_handle(type);

    baro_gauge_inc(handle);
}

void sample_active_jobs_dec(sample_active_jobs_type type)
{
    baro_gauge handle = sample_active_jobs_handle(type);

    baro_gauge_dec(handle);
}

void sample_active_jobs_add(sample_active_jobs_type type, double amount)
{
    baro_gauge handle = sample_active_jobs_handle(type);

    baro_gauge_add(handle, amount);
}

void sample_active_jobs_sub(sample_active_jobs_type type, double amount)
{
    baro_gauge handle = sample_active_jobs_handle(type);

    baro_gauge_sub(handle, amount);
}

struct baro_family *sample_active_jobs_family(void)
{
    return families_[F_sample_active_jobs];
}

int sample_active_jobs_remove(sample_active_jobs_type type)
{
    const char *const values[] = {sample_active_jobs_type_text(type), NULL};

    return baro_series_remove(families_[F_sample_active_jobs], values);
}

baro_counter sample_failures_total_handle(sample_failures_total_type type, const char *reason)
{
    const char *const values[] = {sample_failures_total_type_text(type), reason, NULL};

    return baro_counter_with(families_[F_sample_failures_total], values);
}

void sample_failures_total_inc(sample_failures_total_type type, const char *reason)
{
    baro_counter handle = sample_failures_total_handle(type, reason);

    baro_counter_inc(handle);
}

void sample_failures_total_add(sample_failures_total_type type, const char *reason, double amount)
{
    baro_counter handle = sample_failures_total_handle(type, reason);

    baro_counter_add(handle, amount);
}

void sample_failures_total_add_exemplar(sample_failures_total_type type, const char *reason,
                                        double amount, const struct baro_exemplar *exemplar)
{
    baro_counter handle = sample_failures_total_handle(type, reason);

    baro_counter_add_exemplar(handle, amount, exemplar);
}

struct baro_family *sample_failures_total_family(void)
{
    return families_[F_sample_failures_total];
}

int sample_failures_total_remove(sample_failures_total_type type, const char *reason)
{
    const char *const values[] = {sample_failures_total_type_text(type), reason, NULL};

    return baro_series_remove(families_[F_sample_failures_total], values);
}

baro_gauge sample_heap_bytes_handle(void)
{
    return baro_gauge_cached(&cells_.m_sample_heap_bytes[0], families_[F_sample_heap_bytes], NULL);
}

void sample_heap_bytes_set(double value)
{
    baro_gauge handle = sample_heap_bytes_handle();

    baro_gauge_set(handle, value);
}

void sample_heap_bytes_inc(void)
{
    baro_gauge handle = sample_heap_bytes_handle();

    baro_gauge_inc(handle);
}

void sample_heap_bytes_dec(void)
{
    baro_gauge handle = sample_heap_bytes_handle();

    baro_gauge_dec(handle);
}

void sample_heap_bytes_add(double amount)
{
    baro_gauge handle = sample_heap_bytes_handle();

    baro_gauge_add(handle, amount);
}

void sample_heap_bytes_sub(double amount)
{
    baro_gauge handle = sample_heap_bytes_handle();

    baro_gauge_sub(handle, amount);
}

struct baro_family *sample_heap_bytes_family(void)
{
    return families_[F_sample_heap_bytes];
}

baro_histogram sample_lag_seconds_handle(void)
{
    return baro_histogram_cached(&cells_.m_sample_lag_seconds[0], families_[F_sample_lag_seconds],
                                 NULL);
}

void sample_lag_seconds_observe(double value)
{
    baro_histogram handle = sample_lag_seconds_handle();

    baro_histogram_observe(handle, value);
}

void sample_lag_seconds_observe_exemplar(double value, const struct baro_exemplar *exemplar)
{
    baro_histogram handle = sample_lag_seconds_handle();

    baro_histogram_observe_exemplar(handle, value, exemplar);
}

void sample_lag_seconds_observe_trace(double value, const char *trace_id, const char *span_id)
{
    baro_histogram handle = sample_lag_seconds_handle();

    baro_histogram_observe_trace(handle, value, trace_id, span_id);
}

void sample_lag_seconds_observe_since(int64_t start_ns)
{
    baro_histogram handle = sample_lag_seconds_handle();

    baro_histogram_observe_since(handle, start_ns);
}

struct baro_family *sample_lag_seconds_family(void)
{
    return families_[F_sample_lag_seconds];
}

baro_histogram sample_took_seconds_handle(void)
{
    return baro_histogram_cached(&cells_.m_sample_took_seconds[0], families_[F_sample_took_seconds],
                                 NULL);
}

void sample_took_seconds_observe(double value)
{
    baro_histogram handle = sample_took_seconds_handle();

    baro_histogram_observe(handle, value);
}

void sample_took_seconds_observe_exemplar(double value, const struct baro_exemplar *exemplar)
{
    baro_histogram handle = sample_took_seconds_handle();

    baro_histogram_observe_exemplar(handle, value, exemplar);
}

void sample_took_seconds_observe_trace(double value, const char *trace_id, const char *span_id)
{
    baro_histogram handle = sample_took_seconds_handle();

    baro_histogram_observe_trace(handle, value, trace_id, span_id);
}

void sample_took_seconds_observe_since(int64_t start_ns)
{
    baro_histogram handle = sample_took_seconds_handle();

    baro_histogram_observe_since(handle, start_ns);
}

struct baro_family *sample_took_seconds_family(void)
{
    return families_[F_sample_took_seconds];
}

baro_counter sample_cells_total_handle(sample_cells_total_a a, sample_cells_total_b b,
                                       sample_cells_total_value value_)
{
    const char *const values[] = {
        sample_cells_total_a_text(a),
        sample_cells_total_b_text(b),
        sample_cells_total_value_text(value_),
        NULL,
    };

    return baro_counter_with(families_[F_sample_cells_total], values);
}

void sample_cells_total_inc(sample_cells_total_a a, sample_cells_total_b b,
                            sample_cells_total_value value_)
{
    baro_counter handle = sample_cells_total_handle(a, b, value_);

    baro_counter_inc(handle);
}

void sample_cells_total_add(sample_cells_total_a a, sample_cells_total_b b,
                            sample_cells_total_value value_, double amount)
{
    baro_counter handle = sample_cells_total_handle(a, b, value_);

    baro_counter_add(handle, amount);
}

void sample_cells_total_add_exemplar(sample_cells_total_a a, sample_cells_total_b b,
                                     sample_cells_total_value value_, double amount,
                                     const struct baro_exemplar *exemplar)
{
    baro_counter handle = sample_cells_total_handle(a, b, value_);

    baro_counter_add_exemplar(handle, amount, exemplar);
}

struct baro_family *sample_cells_total_family(void)
{
    return families_[F_sample_cells_total];
}

int sample_cells_total_remove(sample_cells_total_a a, sample_cells_total_b b,
                              sample_cells_total_value value_)
{
    const char *const values[] = {
        sample_cells_total_a_text(a),
        sample_cells_total_b_text(b),
        sample_cells_total_value_text(value_),
        NULL,
    };

    return baro_series_remove(families_[F_sample_cells_total], values);
}

baro_stateset sample_mode_handle(void)
{
    return baro_stateset_cached(&cells_.m_sample_mode[0], families_[F_sample_mode], NULL);
}

void sample_mode_select(sample_mode_state state)
{
    baro_stateset handle = sample_mode_handle();

    baro_stateset_select(handle, state.index_);
}

void sample_mode_enable(sample_mode_state state, bool on)
{
    baro_stateset handle = sample_mode_handle();

    baro_stateset_enable(handle, state.index_, on);
}

struct baro_family *sample_mode_family(void)
{
    return families_[F_sample_mode];
}

void sample_build_info_set(const char *version, const char *commit)
{
    const char *const values[] = {version, commit, NULL};

    baro_info_set(families_[F_sample_build_info], values);
}

struct baro_family *sample_build_info_family(void)
{
    return families_[F_sample_build_info];
}

int sample_build_info_remove(const char *version, const char *commit)
{
    const char *const values[] = {version, commit, NULL};

    return baro_series_remove(families_[F_sample_build_info], values);
}

static sample_failures_total_type sample_active_jobs_type_to_4_(sample_active_jobs_type value)
{
    static const unsigned short to[] = {
        2, /* UPLOAD */
        1, /* RENDER */
    };
    size_t index = SIZE_MAX;

    if (value.index_ < SAMPLE_ACTIVE_JOBS_TYPE_COUNT) {
        index = to[value.index_];
    }
    return sample_failures_total_type_at(index);
}

void sample_track_request(const char *endpoint, int64_t status, sample_requests_total_class class_,
                          double duration, int64_t size)
{
    char status_text_[24];

    (void)snprintf(status_text_, sizeof(status_text_), "%lld", (long long)status);
    sample_requests_total_inc(endpoint, status_text_, class_);
    sample_request_duration_seconds_observe(endpoint, duration);
    sample_request_size_bytes_observe((double)size);
}

void sample_track_end(sample_active_jobs_type type, bool success, sample_grade grade,
                      int64_t retries, const char *reason)
{
    sample_active_jobs_sub(type, 1.0);
    if (success && type.index_ == SAMPLE_ACTIVE_JOBS_TYPE_RENDER.index_) {
        sample_jobs_total_add(SAMPLE_STAGE_SAVE, grade, (double)retries);
        sample_took_seconds_observe(0.25);
    }
    if (!success) {
        sample_failures_total_inc(sample_active_jobs_type_to_4_(type), reason);
    }
    if (reason != NULL && strcmp(reason, "disk \"full\"") == 0) {
        sample_failures_total_add(SAMPLE_FAILURES_TOTAL_TYPE_OTHER, success ? "true" : "false",
                                  2.5);
    }
    if (retries == 3) {
        sample_failures_total_inc(SAMPLE_FAILURES_TOTAL_TYPE_OTHER,
                                  sample_active_jobs_type_text(type));
    }
    sample_heap_bytes_set(success ? 1.0 : 0.0);
}

void sample_switch(sample_mode_state to)
{
    sample_mode_select(to);
    if (to.index_ == SAMPLE_MODE_STATE_STOPPING.index_) {
        sample_heap_bytes_inc();
    }
}

/* Series that are there, with 0, before the first event: rates count that one, too. */
static void make_series_(void)
{
    (void)sample_request_size_bytes_handle();
    for (size_t i = 0; i < 15; i++) {
        (void)sample_jobs_total_handle(sample_stage_at(i / 5), sample_grade_at(i % 5));
    }
    (void)sample_heap_bytes_handle();
    (void)sample_lag_seconds_handle();
    (void)sample_took_seconds_handle();
    (void)sample_mode_handle();
}

int sample_register_why(struct baro_registry *registry, struct baro_why *why)
{
    int result =
        baro_families_new(registry, descs_, sizeof(descs_) / sizeof(descs_[0]), families_, why);

    if (!baro_enabled()) {
        return BARO_OK;
    }
    memset(&cells_, 0, sizeof(cells_));
    make_series_();
    return result;
}

int sample_register(struct baro_registry *registry)
{
    return sample_register_why(registry, NULL);
}
