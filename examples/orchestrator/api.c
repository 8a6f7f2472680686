#include "api.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "svc_ws.h"

enum { SSE_WAIT_S = 1, EVENT_BYTES_MAX = 1024, TOPIC_CLIENTS_MAX = 1000 };

/* A reader of server-sent events: what of the answer it has, and the part of an event that did not
 * fit. */
struct reader {
    struct prompt *prompt;
    size_t seen;
    char event[EVENT_BYTES_MAX];
    size_t at;
    size_t len;
    bool is_last;
};

static const char *state_name(enum prompt_state state)
{
    static const char *const names[] = {[PROMPT_RUNNING] = "running",
                                        [PROMPT_DONE] = "done",
                                        [PROMPT_FAILED] = "failed",
                                        [PROMPT_SHED] = "shed"};

    return names[state];
}

static json_t *sources_json(const struct prompt *prompt)
{
    json_t *sources = json_array();

    for (int i = 0; i < prompt->hit_count; i++) {
        json_array_append_new(sources,
                              json_pack("{s:i, s:f}", "passage", (int)prompt->hits[i].passage,
                                        "score", prompt->hits[i].score));
    }
    return sources;
}

/* Only for a prompt that has ended: nobody writes it any more. */
static json_t *prompt_json(const struct prompt *prompt)
{
    char *text = prompt_text(prompt);
    json_t *stages = json_object();
    json_t *answer;

    for (enum stage stage = STAGE_RAG; stage < STAGE_COUNT; stage++) {
        json_object_set_new(stages, stage_name(stage), json_real(prompt->seconds[stage]));
    }
    answer = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:I, s:o, s:o}", "id", prompt->id, "session",
        prompt->session, "state", state_name(prompt->state), "worker", prompt->worker, "text",
        text != NULL ? text : "", "tokens", (json_int_t)prompt->word_count, "finish_reason",
        prompt->is_cut ? "length" : "stop", "masked", (json_int_t)prompt->answer.masked, "sources",
        sources_json(prompt), "stages", stages);
    free(text);
    return answer;
}

static void ended_answer(struct svc_request *request, const struct prompt *prompt)
{
    const char *stage = stage_name(prompt->stage);

    if (prompt->state == PROMPT_DONE) {
        svc_answer_json(request, 200, prompt_json(prompt));
    } else if (prompt->state == PROMPT_SHED) {
        svc_answer_header(request, "Retry-After", "1");
        svc_answer_error(request, 503, "shed", "the queue of stage %s is full: try again later",
                         stage);
    } else if (strcmp(prompt->error, "timeout") == 0) {
        svc_answer_error(request, 504, "timeout", "no answer in time: it was in stage %s", stage);
    } else {
        svc_answer_error(request, 500, "stage_failed", "stage %s: %s", stage, prompt->error);
    }
}

static void refused_answer(struct svc_request *request, int r)
{
    if (r == -EBUSY) {
        svc_answer_error(request, 429, "session_busy",
                         "the session has too many prompts under way: await one");
    } else if (r == -ENOSPC) {
        svc_answer_error(request, 503, "sessions_full", "too many busy sessions: try again later");
    } else if (r == -ESHUTDOWN) {
        svc_answer_error(request, 503, "ending", "the service is ending");
    } else {
        svc_answer_error(request, 500, "memory", "out of memory");
    }
}

/* One event: "data: JSON" and a blank line; 0 = the client is to wait for more. */
static void event_write(struct reader *reader, json_t *value, const char *name)
{
    char *text = json_dumps(value, JSON_COMPACT);
    int n = snprintf(reader->event, sizeof(reader->event), "event: %s\ndata: %s\n\n", name,
                     text != NULL ? text : "{}");

    reader->at = 0;
    reader->len = n > 0 && (size_t)n < sizeof(reader->event) ? (size_t)n : 0;
    free(text);
    json_decref(value);
}

/* The next event into the buffer: a piece, the end, or a comment line that keeps the connection
 * awake. */
static void event_next(struct reader *reader)
{
    struct prompt *prompt = reader->prompt;
    enum prompt_state state;
    size_t released = prompt_read(prompt, reader->seen, SSE_WAIT_S, &state);

    if (reader->seen < released) {
        event_write(reader,
                    json_pack("{s:i, s:s}", "index", (int)reader->seen, "text",
                              prompt->answer.pieces[reader->seen]),
                    "token");
        reader->seen++;
    } else if (state != PROMPT_RUNNING) {
        event_write(reader,
                    json_pack("{s:s, s:s, s:I, s:s, s:s, s:s}", "id", prompt->id, "state",
                              state_name(state), "tokens", (json_int_t)prompt->word_count,
                              "finish_reason", prompt->is_cut ? "length" : "stop", "stage",
                              stage_name(prompt->stage), "error", prompt->error),
                    state == PROMPT_DONE ? "done" : "error");
        reader->is_last = true;
    } else {
        reader->at = 0;
        reader->len = (size_t)snprintf(reader->event, sizeof(reader->event), ": waiting\n\n");
    }
}

static ssize_t reader_read(void *context, char *to, size_t max)
{
    struct reader *reader = context;
    size_t n;

    if (reader->at == reader->len) {
        if (reader->is_last) {
            return 0;
        }
        event_next(reader);
    }
    n = reader->len - reader->at < max ? reader->len - reader->at : max;
    memcpy(to, reader->event + reader->at, n);
    reader->at += n;
    return n > 0 ? (ssize_t)n : -1;
}

static void reader_done(void *context)
{
    struct reader *reader = context;

    reader->prompt->abandoned = !reader->is_last;
    (void)prompt_unref(reader->prompt);
    free(reader);
}

static void stream_answer(struct svc_request *request, struct prompt *prompt)
{
    struct reader *reader = calloc(1, sizeof(*reader));

    if (reader == NULL) {
        refused_answer(request, -ENOMEM);
        return;
    }
    reader->prompt = prompt_ref(prompt);
    svc_answer_header(request, "Cache-Control", "no-store");
    svc_answer_stream(request, 200, "text/event-stream", reader_read, reader_done, reader);
}

/* Reads the request's JSON into ask, which then points into it. False when it has answered what is
 * wrong. */
static bool ask_read(struct svc_request *request, json_t *body, struct service_ask *ask,
                     bool *ret_stream)
{
    json_t *tokens = json_object_get(body, "max_tokens");
    json_t *seed = json_object_get(body, "seed");

    ask->text = json_string_value(json_object_get(body, "prompt"));
    ask->session = json_string_value(json_object_get(body, "session"));
    ask->worker = json_string_value(json_object_get(body, "worker"));
    *ret_stream = json_is_true(json_object_get(body, "stream"));
    if (ask->text == NULL || ask->text[strspn(ask->text, " \t\r\n")] == '\0') {
        svc_answer_error(request, 400, "no_prompt", "\"prompt\": give a text");
    } else if (strlen(ask->text) > PROMPT_TEXT_BYTES_MAX) {
        svc_answer_error(request, 413, "prompt_too_long", "\"prompt\": at most %d bytes",
                         PROMPT_TEXT_BYTES_MAX);
    } else if (ask->session != NULL && strlen(ask->session) >= PROMPT_SESSION_SIZE) {
        svc_answer_error(request, 400, "bad_session", "\"session\": at most %d bytes",
                         PROMPT_SESSION_SIZE - 1);
    } else if (ask->worker != NULL && !engine_is_worker(ask->worker)) {
        svc_answer_error(request, 400, "bad_worker", "\"worker\": ngram or echo");
    } else if (tokens != NULL && (!json_is_integer(tokens) || json_integer_value(tokens) < 1 ||
                                  json_integer_value(tokens) > PROMPT_TOKENS_MAX)) {
        svc_answer_error(request, 400, "bad_max_tokens", "\"max_tokens\": 1 to %d",
                         PROMPT_TOKENS_MAX);
    } else if (seed != NULL && !json_is_integer(seed)) {
        svc_answer_error(request, 400, "bad_seed", "\"seed\": a whole number");
    } else {
        ask->tokens_max = (size_t)json_integer_value(tokens);
        ask->seed = (uint64_t)json_integer_value(seed);
        return true;
    }
    return false;
}

static void ask_answer(struct svc_request *request, const struct service_ask *ask, bool stream)
{
    struct api *api = request->context;
    struct prompt *prompt = NULL;
    int r = service_ask(api->service, ask, &prompt);

    if (prompt == NULL) {
        refused_answer(request, r);
    } else if (stream && r == 0) {
        stream_answer(request, prompt);
    } else if (prompt_wait(prompt, api->limit_s + 1) == PROMPT_RUNNING) {
        prompt->abandoned = true;
        svc_answer_error(request, 504, "timeout", "no answer in time: it goes on as %s",
                         prompt->id);
    } else {
        ended_answer(request, prompt);
    }
    (void)prompt_unref(prompt);
}

static void handle_prompt(struct svc_request *request)
{
    struct service_ask ask = {0};
    struct svc_error err = {0};
    json_t *body = NULL;
    bool stream = false;

    if (svc_json(request, &body, &err) < 0) {
        svc_answer_error(request, 400, "bad_json", "%s", err.text);
        return;
    }
    if (ask_read(request, body, &ask, &stream)) {
        ask_answer(request, &ask, stream);
    }
    json_decref(body);
}

static void handle_recent(struct svc_request *request)
{
    struct api *api = request->context;
    struct prompt *prompt = service_recent(api->service, request->params[0]);

    if (prompt == NULL) {
        svc_answer_error(request, 404, "no_prompt", "no prompt of that id among the last %d",
                         SERVICE_RECENT_MAX);
    } else if (prompt_wait(prompt, 0) == PROMPT_RUNNING) {
        svc_answer_json(request, 202,
                        json_pack("{s:s, s:s}", "id", prompt->id, "state", "running"));
    } else {
        svc_answer_json(request, 200, prompt_json(prompt));
    }
    (void)prompt_unref(prompt);
}

static void handle_stages(struct svc_request *request)
{
    struct api *api = request->context;
    struct pipeline *pipeline = service_pipeline(api->service);
    json_t *stages = json_array();

    for (enum stage stage = STAGE_RAG; stage < STAGE_COUNT; stage++) {
        json_array_append_new(stages,
                              json_pack("{s:s, s:I}", "stage", stage_name(stage), "queue_depth",
                                        (json_int_t)pipeline_depth(pipeline, stage)));
    }
    svc_answer_json(request, 200,
                    json_pack("{s:o, s:I, s:I}", "stages", stages, "inside",
                              (json_int_t)pipeline_inside(pipeline), "sessions",
                              (json_int_t)sessions_count(service_sessions(api->service))));
}

static void handle_ws(struct svc_request *request)
{
    struct api *api = request->context;
    const char *session = svc_query(request, "session");

    if (session != NULL && strlen(session) >= SVC_WS_TOPIC_SIZE) {
        svc_answer_error(request, 400, "bad_session", "session: at most %d bytes",
                         SVC_WS_TOPIC_SIZE - 1);
        return;
    }
    svc_ws_answer(api->ws, request, session != NULL ? session : "");
}

/* Each piece goes to the WebSocket clients of the prompt's session, the last with the end. */
static void ws_piece(void *context, const struct prompt *prompt, size_t index)
{
    struct api *api = context;
    json_t *event =
        json_pack("{s:s, s:s, s:i, s:s, s:b}", "id", prompt->id, "session", prompt->session,
                  "index", (int)index, "text", prompt->answer.pieces[index], "last",
                  index + 1 == prompt->answer.count);
    char *text = event != NULL ? json_dumps(event, JSON_COMPACT) : NULL;

    if (text != NULL && svc_ws_count(api->ws) > 0) {
        (void)svc_ws_send(api->ws, prompt->session[0] != '\0' ? prompt->session : prompt->id, text,
                          strlen(text));
    }
    free(text);
    json_decref(event);
}

int api_start(struct api *api, struct service *service, double limit_s, struct svc_error *err)
{
    struct svc_ws_options options = {.clients_max = TOPIC_CLIENTS_MAX};
    int r = svc_ws_new(&options, &api->ws, err);

    if (r == 0) {
        api->service = service;
        api->limit_s = limit_s;
        service_on_piece(service, ws_piece, api);
    }
    return r;
}

void api_stop(struct api *api)
{
    svc_ws_stop(api->ws);
}

void api_done(struct api *api)
{
    api->ws = svc_ws_free(api->ws);
}

bool api_health(struct api *api, long queue_max, json_t *components)
{
    bool is_well = true;

    for (enum stage stage = STAGE_RAG; stage < STAGE_COUNT; stage++) {
        bool is_full = pipeline_depth(service_pipeline(api->service), stage) >= (size_t)queue_max;

        json_object_set_new(components, stage_name(stage),
                            json_string(is_full ? "full" : "healthy"));
        is_well = is_well && !is_full;
    }
    return is_well;
}

const struct svc_route api_routes[] = {
    {"POST", "/v1/prompt", handle_prompt, SVC_LIMITED | SVC_WORK,
     "{\"prompt\", \"session\", \"worker\", \"max_tokens\", \"seed\", \"stream\"}: the answer, or "
     "its tokens as events"},
    {"GET", "/v1/prompt/:id", handle_recent, 0, "a recent prompt: its state and answer"},
    {"GET", "/v1/stages", handle_stages, 0, "the depth of each queue"},
    {"GET", "/v1/ws", handle_ws, 0, "WebSocket: tokens of ?session=S as they come"},
};
const size_t api_route_count = sizeof(api_routes) / sizeof(api_routes[0]);
