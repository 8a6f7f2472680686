#include "telemetry.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "orchestrator.h"

/* The pipeline's stages are the catalogue's, in its order. */
static_assert((int)STAGE_COUNT == (int)ORCHESTRATOR_STAGE_COUNT, "the catalogue has other stages");

static orchestrator_stage label_of(enum stage stage)
{
    return orchestrator_stage_at((size_t)stage);
}

int telemetry_start(struct svc_error *err)
{
    struct baro_why why = {0};
    int r = orchestrator_register_why(NULL, &why);

    if (r < 0 && r != BARO_DISABLED) {
        return svc_fail(err, -EINVAL, "metrics: %s", why.text);
    }
    for (enum stage stage = STAGE_RAG; stage < STAGE_COUNT; stage++) {
        record_throughput(label_of(stage), 0);
        record_shed(label_of(stage), 0);
        record_queue_depth(label_of(stage), 0);
        (void)orchestrator_stage_duration_seconds_handle(label_of(stage));
    }
    return 0;
}

void telemetry_stage_done(enum stage stage, double seconds)
{
    record_stage_latency(label_of(stage), seconds);
    record_throughput(label_of(stage), 1);
}

void telemetry_failed(enum stage stage, const char *error)
{
    record_error(label_of(stage), error);
}

void telemetry_shed(enum stage stage)
{
    record_shed(label_of(stage), 1);
}

void telemetry_depth(enum stage stage, size_t depth)
{
    record_queue_depth(label_of(stage), (int64_t)depth);
}

void telemetry_tokens(const char *worker, size_t count)
{
    record_tokens_generated(worker, (int64_t)count);
}

void telemetry_log(void)
{
    for (enum stage stage = STAGE_RAG; stage < STAGE_COUNT; stage++) {
        baro_histogram durations = orchestrator_stage_duration_seconds_handle(label_of(stage));
        char requests[32];
        char shed[32];
        char seconds[32];

        (void)snprintf(requests, sizeof(requests), "%.0f",
                       baro_counter_value(orchestrator_requests_total_handle(label_of(stage))));
        (void)snprintf(
            shed, sizeof(shed), "%.0f",
            baro_counter_value(orchestrator_requests_shed_total_handle(label_of(stage))));
        (void)snprintf(seconds, sizeof(seconds), "%.6f", baro_histogram_sum(durations));
        svc_log("info", "stage", "stage", stage_name(stage), "requests", requests, "shed", shed,
                "seconds", seconds, NULL);
    }
}

int telemetry_write(const char *path, struct svc_error *err)
{
    struct baro_why why = {0};

    return baro_textfile_write(NULL, path, &why) < 0
               ? svc_fail(err, -EIO, "--metrics-file: %s", why.text)
               : 0;
}
