/* A job as the API and the store show it. */
#include <stdio.h>

#include "job.h"

static json_t *scores_json(const struct job *job)
{
    const struct job_scores *scores = &job->scores;

    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:s, s:b, s:b, s:I, s:f}", "bg_removal",
                     scores->bg_removal, "shape", scores->shape, "texture", scores->texture,
                     "final", scores->final, "overall", scores->overall, "grade", scores->grade,
                     "manifold", scores->is_manifold, "printable", scores->is_printable,
                     "triangles", (json_int_t)scores->triangles, "volume_mm3", scores->volume_mm3);
}

json_t *job_json(const struct job *job)
{
    json_t *root = json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:b, s:f}", "id", job->id, "type",
                             job_type_name(job->type), "state", job_state_name(job->state),
                             "progress", job->progress, "stage", job->stage, "created",
                             job->created, "cached", job->is_cached, "seconds", job->seconds);
    json_t *files = json_array();

    for (size_t i = 0; i < job->file_count; i++) {
        char url[96];

        (void)snprintf(url, sizeof(url), "/api/jobs/%s/files/%s", job->id, job->files[i].name);
        (void)json_array_append_new(files,
                                    json_pack("{s:s, s:I, s:s}", "name", job->files[i].name,
                                              "bytes", (json_int_t)job->files[i].size, "url", url));
    }
    (void)json_object_set_new(root, "files", files);
    if (job->request.image_id[0] != '\0') {
        (void)json_object_set_new(root, "image_id", json_string(job->request.image_id));
    }
    if (job->type == JOB_GENERATE_3D && job->state == JOB_DONE) {
        (void)json_object_set_new(root, "quality", scores_json(job));
    }
    if (job->error_type[0] != '\0') {
        (void)json_object_set_new(root, "error", json_string(job->error_type));
        (void)json_object_set_new(root, "message", json_string(job->error));
    }
    return root;
}
