/*
 * A sample of everything: telemetry. Made by barograph gen c from the catalogue sample: change
 * that, not this.
 */
#ifndef SAMPLE_CATALOG_H
#define SAMPLE_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <baro/baro.h>

#ifdef __cplusplus
extern "C" {
#define SAMPLE_VALUE_(type, index) (type{index})
#else
#define SAMPLE_VALUE_(type, index) ((type){index})
#endif

/* Registers all 12 metrics (NULL = the global registry), before the first update: 0, or a
 * negative enum baro_result. Again in another registry moves them there. */
int sample_register(struct baro_registry *registry);
int sample_register_why(struct baro_registry *registry, struct baro_why *why);

/*
 * Label values. Each set is a type of its own, so that a value of another one does not compile.
 * X_text is a value as it is exposed; X_from looks one up by that text, false when there is none;
 * X_at is the value with an index below X_COUNT (beyond, a value that updates nothing).
 */

/* Steps of a job. */
typedef struct {
    unsigned char index_;
} sample_stage;
#define SAMPLE_STAGE_LOAD      SAMPLE_VALUE_(sample_stage, 0)
#define SAMPLE_STAGE_TRANSFORM SAMPLE_VALUE_(sample_stage, 1)
#define SAMPLE_STAGE_SAVE      SAMPLE_VALUE_(sample_stage, 2)
enum { SAMPLE_STAGE_COUNT = 3 };
const char *sample_stage_text(sample_stage value);
bool sample_stage_from(const char *text, sample_stage *ret);
sample_stage sample_stage_at(size_t index);

typedef struct {
    unsigned char index_;
} sample_grade;
#define SAMPLE_GRADE_A_PLUS  SAMPLE_VALUE_(sample_grade, 0)
#define SAMPLE_GRADE_A       SAMPLE_VALUE_(sample_grade, 1)
#define SAMPLE_GRADE_B_PLUS  SAMPLE_VALUE_(sample_grade, 2)
#define SAMPLE_GRADE_B       SAMPLE_VALUE_(sample_grade, 3)
#define SAMPLE_GRADE_A_MINUS SAMPLE_VALUE_(sample_grade, 4)
enum { SAMPLE_GRADE_COUNT = 5 };
const char *sample_grade_text(sample_grade value);
bool sample_grade_from(const char *text, sample_grade *ret);
sample_grade sample_grade_at(size_t index);

typedef struct {
    unsigned char index_;
} sample_requests_total_class;
#define SAMPLE_REQUESTS_TOTAL_CLASS_STATIC  SAMPLE_VALUE_(sample_requests_total_class, 0)
#define SAMPLE_REQUESTS_TOTAL_CLASS_DYNAMIC SAMPLE_VALUE_(sample_requests_total_class, 1)
enum { SAMPLE_REQUESTS_TOTAL_CLASS_COUNT = 2 };
const char *sample_requests_total_class_text(sample_requests_total_class value);
bool sample_requests_total_class_from(const char *text, sample_requests_total_class *ret);
sample_requests_total_class sample_requests_total_class_at(size_t index);

typedef struct {
    unsigned char index_;
} sample_active_jobs_type;
#define SAMPLE_ACTIVE_JOBS_TYPE_UPLOAD SAMPLE_VALUE_(sample_active_jobs_type, 0)
#define SAMPLE_ACTIVE_JOBS_TYPE_RENDER SAMPLE_VALUE_(sample_active_jobs_type, 1)
enum { SAMPLE_ACTIVE_JOBS_TYPE_COUNT = 2 };
const char *sample_active_jobs_type_text(sample_active_jobs_type value);
bool sample_active_jobs_type_from(const char *text, sample_active_jobs_type *ret);
sample_active_jobs_type sample_active_jobs_type_at(size_t index);

typedef struct {
    unsigned char index_;
} sample_failures_total_type;
#define SAMPLE_FAILURES_TOTAL_TYPE_OTHER  SAMPLE_VALUE_(sample_failures_total_type, 0)
#define SAMPLE_FAILURES_TOTAL_TYPE_RENDER SAMPLE_VALUE_(sample_failures_total_type, 1)
#define SAMPLE_FAILURES_TOTAL_TYPE_UPLOAD SAMPLE_VALUE_(sample_failures_total_type, 2)
enum { SAMPLE_FAILURES_TOTAL_TYPE_COUNT = 3 };
const char *sample_failures_total_type_text(sample_failures_total_type value);
bool sample_failures_total_type_from(const char *text, sample_failures_total_type *ret);
sample_failures_total_type sample_failures_total_type_at(size_t index);

typedef struct {
    unsigned char index_;
} sample_cells_total_a;
#define SAMPLE_CELLS_TOTAL_A_A0  SAMPLE_VALUE_(sample_cells_total_a, 0)
#define SAMPLE_CELLS_TOTAL_A_A1  SAMPLE_VALUE_(sample_cells_total_a, 1)
#define SAMPLE_CELLS_TOTAL_A_A2  SAMPLE_VALUE_(sample_cells_total_a, 2)
#define SAMPLE_CELLS_TOTAL_A_A3  SAMPLE_VALUE_(sample_cells_total_a, 3)
#define SAMPLE_CELLS_TOTAL_A_A4  SAMPLE_VALUE_(sample_cells_total_a, 4)
#define SAMPLE_CELLS_TOTAL_A_A5  SAMPLE_VALUE_(sample_cells_total_a, 5)
#define SAMPLE_CELLS_TOTAL_A_A6  SAMPLE_VALUE_(sample_cells_total_a, 6)
#define SAMPLE_CELLS_TOTAL_A_A7  SAMPLE_VALUE_(sample_cells_total_a, 7)
#define SAMPLE_CELLS_TOTAL_A_A8  SAMPLE_VALUE_(sample_cells_total_a, 8)
#define SAMPLE_CELLS_TOTAL_A_A9  SAMPLE_VALUE_(sample_cells_total_a, 9)
#define SAMPLE_CELLS_TOTAL_A_A10 SAMPLE_VALUE_(sample_cells_total_a, 10)
#define SAMPLE_CELLS_TOTAL_A_A11 SAMPLE_VALUE_(sample_cells_total_a, 11)
#define SAMPLE_CELLS_TOTAL_A_A12 SAMPLE_VALUE_(sample_cells_total_a, 12)
#define SAMPLE_CELLS_TOTAL_A_A13 SAMPLE_VALUE_(sample_cells_total_a, 13)
#define SAMPLE_CELLS_TOTAL_A_A14 SAMPLE_VALUE_(sample_cells_total_a, 14)
#define SAMPLE_CELLS_TOTAL_A_A15 SAMPLE_VALUE_(sample_cells_total_a, 15)
#define SAMPLE_CELLS_TOTAL_A_A16 SAMPLE_VALUE_(sample_cells_total_a, 16)
enum { SAMPLE_CELLS_TOTAL_A_COUNT = 17 };
const char *sample_cells_total_a_text(sample_cells_total_a value);
bool sample_cells_total_a_from(const char *text, sample_cells_total_a *ret);
sample_cells_total_a sample_cells_total_a_at(size_t index);

typedef struct {
    unsigned char index_;
} sample_cells_total_b;
#define SAMPLE_CELLS_TOTAL_B_B0  SAMPLE_VALUE_(sample_cells_total_b, 0)
#define SAMPLE_CELLS_TOTAL_B_B1  SAMPLE_VALUE_(sample_cells_total_b, 1)
#define SAMPLE_CELLS_TOTAL_B_B2  SAMPLE_VALUE_(sample_cells_total_b, 2)
#define SAMPLE_CELLS_TOTAL_B_B3  SAMPLE_VALUE_(sample_cells_total_b, 3)
#define SAMPLE_CELLS_TOTAL_B_B4  SAMPLE_VALUE_(sample_cells_total_b, 4)
#define SAMPLE_CELLS_TOTAL_B_B5  SAMPLE_VALUE_(sample_cells_total_b, 5)
#define SAMPLE_CELLS_TOTAL_B_B6  SAMPLE_VALUE_(sample_cells_total_b, 6)
#define SAMPLE_CELLS_TOTAL_B_B7  SAMPLE_VALUE_(sample_cells_total_b, 7)
#define SAMPLE_CELLS_TOTAL_B_B8  SAMPLE_VALUE_(sample_cells_total_b, 8)
#define SAMPLE_CELLS_TOTAL_B_B9  SAMPLE_VALUE_(sample_cells_total_b, 9)
#define SAMPLE_CELLS_TOTAL_B_B10 SAMPLE_VALUE_(sample_cells_total_b, 10)
#define SAMPLE_CELLS_TOTAL_B_B11 SAMPLE_VALUE_(sample_cells_total_b, 11)
#define SAMPLE_CELLS_TOTAL_B_B12 SAMPLE_VALUE_(sample_cells_total_b, 12)
#define SAMPLE_CELLS_TOTAL_B_B13 SAMPLE_VALUE_(sample_cells_total_b, 13)
#define SAMPLE_CELLS_TOTAL_B_B14 SAMPLE_VALUE_(sample_cells_total_b, 14)
#define SAMPLE_CELLS_TOTAL_B_B15 SAMPLE_VALUE_(sample_cells_total_b, 15)
#define SAMPLE_CELLS_TOTAL_B_B16 SAMPLE_VALUE_(sample_cells_total_b, 16)
enum { SAMPLE_CELLS_TOTAL_B_COUNT = 17 };
const char *sample_cells_total_b_text(sample_cells_total_b value);
bool sample_cells_total_b_from(const char *text, sample_cells_total_b *ret);
sample_cells_total_b sample_cells_total_b_at(size_t index);

typedef struct {
    unsigned char index_;
} sample_cells_total_value;
#define SAMPLE_CELLS_TOTAL_VALUE_C0  SAMPLE_VALUE_(sample_cells_total_value, 0)
#define SAMPLE_CELLS_TOTAL_VALUE_C1  SAMPLE_VALUE_(sample_cells_total_value, 1)
#define SAMPLE_CELLS_TOTAL_VALUE_C2  SAMPLE_VALUE_(sample_cells_total_value, 2)
#define SAMPLE_CELLS_TOTAL_VALUE_C3  SAMPLE_VALUE_(sample_cells_total_value, 3)
#define SAMPLE_CELLS_TOTAL_VALUE_C4  SAMPLE_VALUE_(sample_cells_total_value, 4)
#define SAMPLE_CELLS_TOTAL_VALUE_C5  SAMPLE_VALUE_(sample_cells_total_value, 5)
#define SAMPLE_CELLS_TOTAL_VALUE_C6  SAMPLE_VALUE_(sample_cells_total_value, 6)
#define SAMPLE_CELLS_TOTAL_VALUE_C7  SAMPLE_VALUE_(sample_cells_total_value, 7)
#define SAMPLE_CELLS_TOTAL_VALUE_C8  SAMPLE_VALUE_(sample_cells_total_value, 8)
#define SAMPLE_CELLS_TOTAL_VALUE_C9  SAMPLE_VALUE_(sample_cells_total_value, 9)
#define SAMPLE_CELLS_TOTAL_VALUE_C10 SAMPLE_VALUE_(sample_cells_total_value, 10)
#define SAMPLE_CELLS_TOTAL_VALUE_C11 SAMPLE_VALUE_(sample_cells_total_value, 11)
#define SAMPLE_CELLS_TOTAL_VALUE_C12 SAMPLE_VALUE_(sample_cells_total_value, 12)
#define SAMPLE_CELLS_TOTAL_VALUE_C13 SAMPLE_VALUE_(sample_cells_total_value, 13)
#define SAMPLE_CELLS_TOTAL_VALUE_C14 SAMPLE_VALUE_(sample_cells_total_value, 14)
#define SAMPLE_CELLS_TOTAL_VALUE_C15 SAMPLE_VALUE_(sample_cells_total_value, 15)
#define SAMPLE_CELLS_TOTAL_VALUE_C16 SAMPLE_VALUE_(sample_cells_total_value, 16)
enum { SAMPLE_CELLS_TOTAL_VALUE_COUNT = 17 };
const char *sample_cells_total_value_text(sample_cells_total_value value);
bool sample_cells_total_value_from(const char *text, sample_cells_total_value *ret);
sample_cells_total_value sample_cells_total_value_at(size_t index);

typedef struct {
    unsigned char index_;
} sample_mode_state;
#define SAMPLE_MODE_STATE_STARTING SAMPLE_VALUE_(sample_mode_state, 0)
#define SAMPLE_MODE_STATE_READY    SAMPLE_VALUE_(sample_mode_state, 1)
#define SAMPLE_MODE_STATE_STOPPING SAMPLE_VALUE_(sample_mode_state, 2)
enum { SAMPLE_MODE_STATE_COUNT = 3 };
const char *sample_mode_state_text(sample_mode_state value);
bool sample_mode_state_from(const char *text, sample_mode_state *ret);
sample_mode_state sample_mode_state_at(size_t index);

/* ---- Requests * / and a title that ends comments ---- */

/*
 * sample_requests_total (counter, S-1): Requests answered, with a "quote", a \ and what would be a
 * trigraph??= in C.
 */
void sample_requests_total_inc(const char *endpoint, const char *status,
                               sample_requests_total_class class_);
void sample_requests_total_add(const char *endpoint, const char *status,
                               sample_requests_total_class class_, double amount);
void sample_requests_total_add_exemplar(const char *endpoint, const char *status,
                                        sample_requests_total_class class_, double amount,
                                        const struct baro_exemplar *exemplar);
baro_counter sample_requests_total_handle(const char *endpoint, const char *status,
                                          sample_requests_total_class class_);
struct baro_family *sample_requests_total_family(void);
int sample_requests_total_remove(const char *endpoint, const char *status,
                                 sample_requests_total_class class_);

/* sample_request_duration_seconds (histogram): Time to answer. */
void sample_request_duration_seconds_observe(const char *endpoint, double value);
void sample_request_duration_seconds_observe_exemplar(const char *endpoint, double value,
                                                      const struct baro_exemplar *exemplar);
void sample_request_duration_seconds_observe_trace(const char *endpoint, double value,
                                                   const char *trace_id, const char *span_id);
void sample_request_duration_seconds_observe_since(const char *endpoint, int64_t start_ns);
baro_histogram sample_request_duration_seconds_handle(const char *endpoint);
struct baro_family *sample_request_duration_seconds_family(void);
int sample_request_duration_seconds_remove(const char *endpoint);

/* sample_request_size_bytes (summary): Size of requests. */
void sample_request_size_bytes_observe(double value);
void sample_request_size_bytes_observe_since(int64_t start_ns);
baro_summary sample_request_size_bytes_handle(void);
struct baro_family *sample_request_size_bytes_family(void);

/* ---- Jobs ---- */

/* sample_jobs_total (counter): Jobs by stage and grade. */
void sample_jobs_total_inc(sample_stage stage, sample_grade grade);
void sample_jobs_total_add(sample_stage stage, sample_grade grade, double amount);
void sample_jobs_total_add_exemplar(sample_stage stage, sample_grade grade, double amount,
                                    const struct baro_exemplar *exemplar);
baro_counter sample_jobs_total_handle(sample_stage stage, sample_grade grade);
struct baro_family *sample_jobs_total_family(void);
int sample_jobs_total_remove(sample_stage stage, sample_grade grade);

/* sample_active_jobs (gauge): Jobs being worked on. */
void sample_active_jobs_set(sample_active_jobs_type type, double value);
void sample_active_jobs_inc(sample_active_jobs_type type);
void sample_active_jobs_dec(sample_active_jobs_type type);
void sample_active_jobs_add(sample_active_jobs_type type, double amount);
void sample_active_jobs_sub(sample_active_jobs_type type, double amount);
baro_gauge sample_active_jobs_handle(sample_active_jobs_type type);
struct baro_family *sample_active_jobs_family(void);
int sample_active_jobs_remove(sample_active_jobs_type type);

/* sample_failures_total (counter): Jobs that failed. */
void sample_failures_total_inc(sample_failures_total_type type, const char *reason);
void sample_failures_total_add(sample_failures_total_type type, const char *reason, double amount);
void sample_failures_total_add_exemplar(sample_failures_total_type type, const char *reason,
                                        double amount, const struct baro_exemplar *exemplar);
baro_counter sample_failures_total_handle(sample_failures_total_type type, const char *reason);
struct baro_family *sample_failures_total_family(void);
int sample_failures_total_remove(sample_failures_total_type type, const char *reason);

/* sample_heap_bytes (gauge): Memory. */
void sample_heap_bytes_set(double value);
void sample_heap_bytes_inc(void);
void sample_heap_bytes_dec(void);
void sample_heap_bytes_add(double amount);
void sample_heap_bytes_sub(double amount);
baro_gauge sample_heap_bytes_handle(void);
struct baro_family *sample_heap_bytes_family(void);

/* sample_lag_seconds (histogram): How far behind. */
void sample_lag_seconds_observe(double value);
void sample_lag_seconds_observe_exemplar(double value, const struct baro_exemplar *exemplar);
void sample_lag_seconds_observe_trace(double value, const char *trace_id, const char *span_id);
void sample_lag_seconds_observe_since(int64_t start_ns);
baro_histogram sample_lag_seconds_handle(void);
struct baro_family *sample_lag_seconds_family(void);

/* sample_took_seconds (histogram): Time with the default buckets. */
void sample_took_seconds_observe(double value);
void sample_took_seconds_observe_exemplar(double value, const struct baro_exemplar *exemplar);
void sample_took_seconds_observe_trace(double value, const char *trace_id, const char *span_id);
void sample_took_seconds_observe_since(int64_t start_ns);
baro_histogram sample_took_seconds_handle(void);
struct baro_family *sample_took_seconds_family(void);

/*
 * sample_cells_total (counter, deprecated): More combinations of closed labels than handles are
 * kept for.
 */
void sample_cells_total_inc(sample_cells_total_a a, sample_cells_total_b b,
                            sample_cells_total_value value_);
void sample_cells_total_add(sample_cells_total_a a, sample_cells_total_b b,
                            sample_cells_total_value value_, double amount);
void sample_cells_total_add_exemplar(sample_cells_total_a a, sample_cells_total_b b,
                                     sample_cells_total_value value_, double amount,
                                     const struct baro_exemplar *exemplar);
baro_counter sample_cells_total_handle(sample_cells_total_a a, sample_cells_total_b b,
                                       sample_cells_total_value value_);
struct baro_family *sample_cells_total_family(void);
int sample_cells_total_remove(sample_cells_total_a a, sample_cells_total_b b,
                              sample_cells_total_value value_);

/* ---- state ---- */

/* sample_mode (stateset, experimental): What it does now. */
void sample_mode_select(sample_mode_state state);
void sample_mode_enable(sample_mode_state state, bool on);
baro_stateset sample_mode_handle(void);
struct baro_family *sample_mode_family(void);

/* sample_build_info (info): What runs. */
void sample_build_info_set(const char *version, const char *commit);
struct baro_family *sample_build_info_family(void);
int sample_build_info_remove(const char *version, const char *commit);

/* ---- helpers ---- */

/* S-F1: A request was answered. duration: seconds. size: bytes. */
void sample_track_request(const char *endpoint, int64_t status, sample_requests_total_class class_,
                          double duration, int64_t size);

/* A job ended. */
void sample_track_end(sample_active_jobs_type type, bool success, sample_grade grade,
                      int64_t retries, const char *reason);

void sample_switch(sample_mode_state to);

#ifdef __cplusplus
}
#endif

#endif
