#include "user.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGE_SIZE = 96, PICTURES = 4, POLL_MS = 50 };

void user_ask(struct user *user, const struct net_request *request, struct net_answer *ret)
{
    char error[128];
    bool failed;

    net_ask(&user->http, request, ret);
    failed = ret->status == 0 || ret->status >= 400;
    (void)snprintf(error, sizeof(error), "%s %.60s: %d %.40s", request->method, request->path,
                   ret->status, ret->error);
    watch_request(user->watch, svc_since_s(user->start_ns), ret->seconds, failed, error);
}

/* A JSON answer; NULL when it is none, or the request failed. */
static json_t *ask_json(struct user *user, const struct net_request *request)
{
    struct net_answer answer;
    json_t *root = NULL;

    user_ask(user, request, &answer);
    if (answer.status >= 200 && answer.status < 300 && answer.body.len > 0) {
        root = json_loads((const char *)answer.body.ptr, 0, NULL);
    }
    net_answer_done(&answer);
    return root;
}

static json_t *get_json(struct user *user, const char *path)
{
    const struct net_request request = {.method = "GET", .path = path};

    return ask_json(user, &request);
}

static json_t *post_json(struct user *user, const char *path, json_t *body_consume)
{
    char *text = json_dumps(body_consume, JSON_COMPACT);
    struct net_request request = {
        .method = "POST", .path = path, .content_type = "application/json", .body = text};
    json_t *answer;

    json_decref(body_consume);
    if (text == NULL) {
        return NULL;
    }
    request.len = strlen(text);
    answer = ask_json(user, &request);
    free(text);
    return answer;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

/* Asks a path until its "state" or "status" is an end; whether that was a good one. */
static bool end_await(struct user *user, const char *path)
{
    int64_t begin = svc_mono_ns();

    while (svc_since_s(begin) < user->limit_s && !*user->stopping) {
        json_t *job = get_json(user, path);
        const char *key = json_object_get(job, "state") != NULL ? "state" : "status";
        bool is_done =
            strcmp(text_of(job, key), "done") == 0 || strcmp(text_of(job, key), "completed") == 0;
        bool is_over = job == NULL || is_done || strcmp(text_of(job, key), "failed") == 0 ||
                       strcmp(text_of(job, key), "cancelled") == 0;

        json_decref(job);
        if (is_over) {
            return is_done;
        }
        (void)svc_sleep_s(POLL_MS / 1e3, user->stopping);
    }
    return *user->stopping; /* who is sent home has not failed */
}

/* A disc on a plain ground: what a photo of one object looks like. */
static size_t disc(unsigned seed, int middle, int radius,
                   uint8_t ret[IMAGE_SIZE * IMAGE_SIZE * 3 + 32])
{
    int head = snprintf((char *)ret, 32, "P6\n%d %d\n255\n", IMAGE_SIZE, IMAGE_SIZE);
    uint8_t *at = ret + head;

    for (int y = 0; y < IMAGE_SIZE; y++) {
        for (int x = 0; x < IMAGE_SIZE; x++) {
            int dx = x - IMAGE_SIZE / 2;
            int dy = y - middle;
            bool inside = dx * dx + dy * dy < radius * radius;

            *at++ = (uint8_t)(inside ? 60 + dx * 2 + (int)(seed % 50) : 240);
            *at++ = (uint8_t)(inside ? 90 + dy * 2 : 240);
            *at++ = (uint8_t)(inside ? 120 : 240);
        }
    }
    return (size_t)(at - ret);
}

static size_t picture(unsigned seed, uint8_t ret[IMAGE_SIZE * IMAGE_SIZE * 3 + 32])
{
    return disc(seed, IMAGE_SIZE / 2, 20 + (int)(seed * 7 % 24), ret);
}

/* A job that was asked for, to its end. */
static bool studio_job(struct user *user, json_t *job_consume)
{
    char path[128];
    bool good = false;

    if (job_consume != NULL) {
        (void)snprintf(path, sizeof(path), "/api/jobs/%.64s", text_of(job_consume, "id"));
        good = end_await(user, path);
    }
    json_decref(job_consume);
    return good;
}

/* A picture of words, now and then. */
static bool studio_words(struct user *user)
{
    static const char *const styles[] = {"realistic", "cartoon"};

    return studio_job(
        user, post_json(user, "/api/text-to-image",
                        json_pack("{s:s, s:s, s:i, s:i, s:i}", "prompt", "a dragon on a hill",
                                  "art_style", styles[user->generation / PICTURES % 2], "width", 96,
                                  "height", 96, "seed", (int)(user->generation % 2))));
}

/* An upload and a relief of it: mostly of pictures that were there before, as a shop's are. */
static bool studio_relief(struct user *user)
{
    uint8_t image[IMAGE_SIZE * IMAGE_SIZE * 3 + 32];
    struct net_request request = {.method = "POST",
                                  .path = "/api/upload-image",
                                  .content_type = "image/x-portable-pixmap",
                                  .body = image};
    json_t *upload;
    bool good = false;

    request.len = picture(user->generation % PICTURES, image);
    upload = ask_json(user, &request);
    if (upload != NULL) {
        good = studio_job(
            user, post_json(user, "/api/generate-3d",
                            json_pack("{s:s, s:s, s:s}", "image_id", text_of(upload, "image_id"),
                                      "format", "glb", "quality", "draft")));
    }
    json_decref(upload);
    return good;
}

static bool generate_studio(struct user *user)
{
    bool good = studio_relief(user);

    return user->generation % PICTURES == 1 ? studio_words(user) && good : good;
}

static bool generate_orchestrator(struct user *user)
{
    static const char *const prompts[] = {
        "What does a bounded queue keep?", "Who measures the pressure of a queue?",
        "When is a request shed?", "What does the language model predict?"};
    char session[32];
    json_t *answer;
    bool good;

    (void)snprintf(session, sizeof(session), "load-%d", user->number);
    answer = post_json(user, "/v1/prompt",
                       json_pack("{s:s, s:s, s:i}", "prompt", prompts[user->generation % 4],
                                 "session", session, "seed", (int)user->generation));
    good = strcmp(text_of(answer, "state"), "done") == 0;
    json_decref(answer);
    return good;
}

static bool generate_extraction(struct user *user)
{
    char drawing[512];
    /* One drawing in five is new. */
    int len = snprintf(drawing, sizeof(drawing),
                       "0\nSECTION\n2\nENTITIES\n0\nTEXT\n8\nNotes\n10\n%u\n20\n%d\n1\nPart %u of "
                       "user %d\n0\nENDSEC\n0\nEOF\n",
                       user->generation / 5, user->number, user->generation / 5, user->number);
    struct net_request request = {.method = "POST",
                                  .path = "/api/v1/documents?name=load.dxf",
                                  .content_type = "application/octet-stream",
                                  .body = drawing,
                                  .len = (size_t)len};
    json_t *document = ask_json(user, &request);
    char path[128];
    bool good = false;

    if (document != NULL) {
        (void)snprintf(path, sizeof(path), "/api/v1/documents/%.64s", text_of(document, "id"));
        good = end_await(user, path);
        json_decref(document);
        document = get_json(user, path); /* again, as the page that shows it does */
        json_decref(document);
        json_decref(get_json(user, "/api/v1/search?q=part"));
    }
    return good;
}

/* Photos of a body that jumps up and down: no turn of one body, which is found out when they are
 * matched. */
static json_t *mistake_post(struct user *user)
{
    static const char boundary[] = "load-of-photos";
    uint8_t image[IMAGE_SIZE * IMAGE_SIZE * 3 + 32];
    struct svc_bytes form = {.max = 1 << 20};
    struct net_request request = {.method = "POST",
                                  .path = "/api/job",
                                  .content_type = "multipart/form-data; boundary=load-of-photos"};
    json_t *job;

    for (unsigned i = 0; i < 4; i++) {
        size_t len = disc(i, i % 2 == 0 ? IMAGE_SIZE / 5 : IMAGE_SIZE * 4 / 5, 14, image);

        svc_bytes_printf(&form,
                         "--%s\r\nContent-Disposition: form-data; name=\"photos\"; "
                         "filename=\"%u.ppm\"\r\nContent-Type: image/x-portable-pixmap\r\n\r\n",
                         boundary, i);
        svc_bytes_put(&form, image, len);
        svc_bytes_printf(&form, "\r\n");
    }
    svc_bytes_printf(&form, "--%s--\r\n", boundary);
    request.body = form.ptr;
    request.len = form.len;
    job = form.failed ? NULL : ask_json(user, &request);
    svc_bytes_done(&form);
    return job;
}

/* A small job on photos that the service draws itself, and its end. One of --mistakes is on photos
 * that cannot do, and must fail. */
static bool generate_reconstruction(struct user *user)
{
    static const char *const shapes[] = {"sphere", "torus", "cube", "vase", "figure"};
    bool is_mistake = user->mistakes > 0 && user->generation % user->mistakes == user->mistakes - 1;
    json_t *job = is_mistake
                      ? mistake_post(user)
                      : post_json(user, "/api/job",
                                  json_pack("{s:i, s:{s:s, s:i}}", "resolution", 24, "synthetic",
                                            "shape", shapes[user->generation % 5], "views", 8));
    char path[128];
    bool good = false;

    if (job != NULL) {
        const char *id =
            json_object_get(job, "job_id") != NULL ? text_of(job, "job_id") : text_of(job, "id");

        (void)snprintf(path, sizeof(path), "/api/job/%.64s", id);
        good = end_await(user, path) != is_mistake || *user->stopping;
    }
    json_decref(job);
    return good;
}

const struct user_profile user_profiles[] = {
    {"extraction", "http://127.0.0.1:8000", "/api/v1/ws",
     "{url}/api/v1/metrics,http://127.0.0.1:9090/metrics", generate_extraction},
    {"orchestrator", "http://127.0.0.1:9090", "/v1/ws", "{url}/metrics", generate_orchestrator},
    {"reconstruction", "http://127.0.0.1:5000", NULL, "{url}/metrics", generate_reconstruction},
    {"studio", "http://127.0.0.1:5000", "/ws", "{url}/metrics", generate_studio},
};
const size_t user_profile_count = sizeof(user_profiles) / sizeof(user_profiles[0]);

const struct user_profile *user_profile_find(const char *name)
{
    for (size_t i = 0; i < user_profile_count; i++) {
        if (strcmp(user_profiles[i].name, name) == 0) {
            return &user_profiles[i];
        }
    }
    return NULL;
}
