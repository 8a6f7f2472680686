#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "studio.h"

/* Sends an event to the job's clients, and counts one message for each that gets it. */
static void emit(struct studio *studio, const struct job *job,
                 orfeas_websocket_messages_sent_total_event_type event, json_t *body_consume)
{
    char *text;
    size_t receivers = 0;

    (void)json_object_set_new(
        body_consume, "event",
        json_string(orfeas_websocket_messages_sent_total_event_type_text(event)));
    (void)json_object_set_new(body_consume, "job_id", json_string(job->id));
    text = json_dumps(body_consume, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(body_consume);
    if (text != NULL && studio->ws != NULL) {
        receivers = svc_ws_send(studio->ws, job->id, text, strlen(text));
    }
    for (size_t i = 0; i < receivers; i++) {
        track_websocket_message(event);
    }
    free(text);
}

void progress_set(struct studio *studio, struct job *job, int percent)
{
    jobs_lock(studio->jobs);
    job->progress = percent;
    jobs_unlock(studio->jobs);
    emit(studio, job, ORFEAS_WEBSOCKET_MESSAGES_SENT_TOTAL_EVENT_TYPE_PROGRESS,
         json_pack("{s:i, s:s}", "progress", percent, "stage", job->stage));
}

void progress_stage_begin(struct studio *studio, struct job *job, orfeas_pipeline_stage stage)
{
    jobs_lock(studio->jobs);
    (void)snprintf(job->stage, sizeof(job->stage), "%s", orfeas_pipeline_stage_text(stage));
    jobs_unlock(studio->jobs);
    emit(studio, job, ORFEAS_WEBSOCKET_MESSAGES_SENT_TOTAL_EVENT_TYPE_STAGE_CHANGE,
         json_pack("{s:s, s:s}", "stage", job->stage, "status", "begun"));
}

void progress_stage_end(struct studio *studio, struct job *job, orfeas_pipeline_stage stage,
                        int64_t start_ns)
{
    /* How much of all work is done once a stage is (O-T1's shares are of its own machine). */
    static const int done_percent[ORFEAS_PIPELINE_STAGE_COUNT] = {10, 30, 65, 85, 100};
    double seconds = svc_since_s(start_ns);

    track_pipeline_stage(stage, seconds);
    for (size_t i = 0; i < ORFEAS_PIPELINE_STAGE_COUNT; i++) {
        if (strcmp(orfeas_pipeline_stage_text(orfeas_pipeline_stage_at(i)),
                   orfeas_pipeline_stage_text(stage)) == 0) {
            progress_set(studio, job, done_percent[i]);
        }
    }
}

void progress_stage_failed(struct studio *studio, struct job *job, orfeas_pipeline_stage stage,
                           const char *error_type)
{
    (void)studio;
    track_pipeline_stage_error(stage, error_type);
    svc_log("warn", "stage failed", "job", job->id, "stage", orfeas_pipeline_stage_text(stage),
            "error", error_type, NULL);
}

void progress_ended(struct studio *studio, struct job *job)
{
    if (job->state == JOB_DONE) {
        emit(studio, job, ORFEAS_WEBSOCKET_MESSAGES_SENT_TOTAL_EVENT_TYPE_COMPLETE,
             json_pack("{s:o}", "job", job_json(job)));
    } else {
        emit(studio, job, ORFEAS_WEBSOCKET_MESSAGES_SENT_TOTAL_EVENT_TYPE_ERROR,
             json_pack("{s:s, s:s, s:s}", "error", job->error_type, "message", job->error, "state",
                       job_state_name(job->state)));
    }
}

/* ---- the WebSockets themselves ---- */

static void on_open(void *context)
{
    (void)context;
    track_websocket_connection("browser", true);
}

static void on_close(void *context, double seconds)
{
    (void)context;
    track_websocket_duration(seconds);
    track_websocket_connection("browser", false);
}

static void on_error(void *context, enum svc_ws_error error)
{
    (void)context;
    track_websocket_error(svc_ws_error_name(error));
}

struct svc_ws_options progress_hooks(struct studio *studio)
{
    return (struct svc_ws_options){
        .on_open = on_open, .on_close = on_close, .on_error = on_error, .context = studio};
}
