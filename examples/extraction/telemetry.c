#include "telemetry.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "pybase.h"

/* The catalogue's values in the order of ours. */
static_assert((int)DOC_TYPE_COUNT == (int)PYBASE_TASK_TYPE_COUNT,
              "the catalogue has other task types");
static_assert((int)STORE_OPERATION_COUNT == (int)PYBASE_DB_OPERATION_COUNT,
              "the catalogue has other operations");

static pybase_task_type task_type_of(enum doc_type type)
{
    return pybase_task_type_at((size_t)type);
}

int telemetry_start(struct svc_error *err)
{
    struct baro_why why = {0};
    int r = pybase_register_why(NULL, &why);

    return r < 0 && r != BARO_DISABLED ? svc_fail(err, -EINVAL, "metrics: %s", why.text) : 0;
}

void telemetry_show_api(long pool_max)
{
    pybase_db_pool_connections_max_set((double)pool_max);
    pybase_db_pool_connections_in_use_set(0);
    pybase_websocket_connections_active_set(0);
    for (size_t i = 0; i < PYBASE_CACHE_OPERATIONS_TOTAL_OPERATION_COUNT; i++) {
        for (size_t k = 0; k < PYBASE_CACHE_OPERATIONS_TOTAL_STATUS_COUNT; k++) {
            pybase_cache_operations_total_add(pybase_cache_operations_total_operation_at(i),
                                              pybase_cache_operations_total_status_at(k), 0);
        }
    }
    for (size_t i = 0; i < PYBASE_DB_OPERATION_COUNT; i++) {
        pybase_db_query_errors_total_add(pybase_db_operation_at(i), 0);
    }
}

void telemetry_show_worker(const char *worker)
{
    for (size_t i = 0; i < PYBASE_TASK_TYPE_COUNT; i++) {
        pybase_task_type type = pybase_task_type_at(i);

        pybase_extraction_task_started_timestamp_set(type, worker, 0);
        pybase_extraction_tasks_total_add(type, PYBASE_OUTCOME_SUCCESS, 0);
        pybase_extraction_tasks_total_add(type, PYBASE_OUTCOME_FAILURE, 0);
        pybase_celery_task_retried_total_add(type, 0);
        (void)pybase_extraction_duration_seconds_handle(type);
    }
}

void telemetry_request(const char *method, const char *endpoint, int status, double seconds)
{
    pybase_method label = PYBASE_METHOD_OTHER;
    char code[8];

    (void)pybase_method_from(method, &label);
    (void)snprintf(code, sizeof(code), "%d", status);
    track_http_request(label, endpoint, code, seconds);
}

void telemetry_cache(const char *operation, int found)
{
    pybase_cache_operations_total_operation label;

    if (pybase_cache_operations_total_operation_from(operation, &label)) {
        pybase_cache_operations_total_inc(label, found > 0
                                                     ? PYBASE_CACHE_OPERATIONS_TOTAL_STATUS_HIT
                                                     : PYBASE_CACHE_OPERATIONS_TOTAL_STATUS_MISS);
    }
}

void telemetry_websocket(int by)
{
    pybase_websocket_connections_active_add(by);
}

void telemetry_pool(size_t in_use)
{
    pybase_db_pool_connections_in_use_set((double)in_use);
}

void telemetry_queue(const char *queue, long depth)
{
    pybase_celery_queue_length_set(queue, depth >= 0 ? (double)depth : 0);
}

void telemetry_retry(enum doc_type type)
{
    pybase_celery_task_retried_total_inc(task_type_of(type));
}

void telemetry_task_start(enum doc_type type, const char *worker, double aged_s)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    track_extraction_start(task_type_of(type), worker,
                           (double)now.tv_sec + (double)now.tv_nsec / 1e9 - aged_s);
}

void telemetry_task_end(enum doc_type type, const char *worker, bool good, double seconds)
{
    track_extraction_end(task_type_of(type), worker, good, seconds);
}

void telemetry_query(void *context, enum store_operation operation, bool good, double seconds)
{
    (void)context;
    track_db_query(pybase_db_operation_at((size_t)operation), good, seconds);
}
