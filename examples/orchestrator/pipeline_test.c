#include "pipeline.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "svc_util.h"
#include "testing/test.h"

/* What the events told, and how the work behaves. */
struct record {
    pthread_mutex_t lock;
    size_t done[STAGE_COUNT];
    size_t failed[STAGE_COUNT];
    size_t shed[STAGE_COUNT];
    size_t depth[STAGE_COUNT];
    size_t depth_most[STAGE_COUNT];
    size_t ended;
    char error[32];
    enum stage bad_stage;    /* fails there */
    enum stage closed_stage; /* waits there until opened */
    _Atomic bool open;
};

static void on_done(void *context, enum stage stage, double seconds)
{
    struct record *record = context;

    assert_true(seconds >= 0);
    (void)pthread_mutex_lock(&record->lock);
    record->done[stage]++;
    (void)pthread_mutex_unlock(&record->lock);
}

static void on_failed(void *context, enum stage stage, const char *error)
{
    struct record *record = context;

    (void)pthread_mutex_lock(&record->lock);
    record->failed[stage]++;
    (void)snprintf(record->error, sizeof(record->error), "%s", error);
    (void)pthread_mutex_unlock(&record->lock);
}

static void on_shed(void *context, enum stage stage)
{
    struct record *record = context;

    (void)pthread_mutex_lock(&record->lock);
    record->shed[stage]++;
    (void)pthread_mutex_unlock(&record->lock);
}

static void on_depth(void *context, enum stage stage, size_t depth)
{
    struct record *record = context;

    (void)pthread_mutex_lock(&record->lock);
    record->depth[stage] = depth;
    record->depth_most[stage] =
        depth > record->depth_most[stage] ? depth : record->depth_most[stage];
    (void)pthread_mutex_unlock(&record->lock);
}

static void on_ended(void *context, struct prompt *prompt)
{
    struct record *record = context;

    assert_true(prompt->state != PROMPT_RUNNING);
    (void)pthread_mutex_lock(&record->lock);
    record->ended++;
    (void)pthread_mutex_unlock(&record->lock);
}

static int work(void *context, enum stage stage, struct prompt *prompt, const _Atomic bool *stop,
                const char **ret_error)
{
    struct record *record = context;

    (void)prompt;
    while (stage == record->closed_stage && !record->open && !*stop) {
        (void)svc_sleep_s(0.002, stop);
    }
    *ret_error = "made_up";
    return stage == record->bad_stage ? -1 : 0;
}

static struct pipeline *start(struct record *record, size_t queue, unsigned workers,
                              double push_wait_s)
{
    struct pipeline_options options = {
        .push_wait_s = push_wait_s,
        .work = work,
        .events = {on_done, on_failed, on_shed, on_depth, on_ended},
        .context = record,
    };
    struct pipeline *pipeline;

    for (enum stage stage = STAGE_RAG; stage < STAGE_COUNT; stage++) {
        options.queue_max[stage] = queue;
        options.workers[stage] = workers;
    }
    pipeline = pipeline_new(&options);
    assert_non_null(pipeline);
    return pipeline;
}

static struct record fresh(void)
{
    return (struct record){
        .lock = PTHREAD_MUTEX_INITIALIZER, .bad_stage = STAGE_COUNT, .closed_stage = STAGE_COUNT};
}

static int submit(struct pipeline *pipeline, struct prompt **ret)
{
    *ret = prompt_new("text", 4, 60);
    assert_non_null(*ret);
    return pipeline_submit(pipeline, *ret);
}

TEST(pipeline_stages_have_names)
{
    for (enum stage stage = STAGE_RAG; stage < STAGE_COUNT; stage++) {
        assert_int_equal(stage_find(stage_name(stage)), stage);
    }
    assert_int_equal(stage_find("none"), STAGE_COUNT);
}

TEST(pipeline_passes_every_prompt_through_every_stage)
{
    enum { PROMPTS = 200 };
    struct record record = fresh();
    struct pipeline *pipeline = start(&record, PROMPTS, 3, 1);
    struct prompt *prompts[PROMPTS];

    for (int i = 0; i < PROMPTS; i++) {
        assert_int_equal(submit(pipeline, &prompts[i]), 0);
    }
    for (int i = 0; i < PROMPTS; i++) {
        assert_int_equal(prompt_wait(prompts[i], 20), PROMPT_DONE);
        prompts[i] = prompt_unref(prompts[i]);
    }
    assert_true(pipeline_drain(pipeline, 20));
    pipeline = pipeline_free(pipeline);
    for (enum stage stage = STAGE_RAG; stage < STAGE_COUNT; stage++) {
        assert_int_equal(record.done[stage], PROMPTS);
        assert_int_equal(record.depth[stage], 0);
    }
    assert_int_equal(record.ended, PROMPTS);
}

TEST(pipeline_presses_back_and_sheds_when_a_queue_stays_full)
{
    struct record record = fresh();
    struct pipeline *pipeline;
    struct prompt *prompts[8];
    int refused = 0;

    record.closed_stage = STAGE_INFERENCE;
    pipeline = start(&record, 1, 1, 0.02);
    /* One in the closed stage, one in its queue; what comes behind is shed there after the wait, or
     * at the entrance. */
    for (int i = 0; i < 8; i++) {
        refused += submit(pipeline, &prompts[i]) == -EAGAIN ? 1 : 0;
        (void)svc_sleep_s(0.01, NULL);
    }
    for (int i = 0; i < 200 && record.shed[STAGE_RAG] + record.shed[STAGE_INFERENCE] < 6; i++) {
        (void)svc_sleep_s(0.01, NULL);
    }
    assert_int_equal(record.shed[STAGE_RAG], refused);
    assert_int_equal(
        record.shed[STAGE_RAG] + record.shed[STAGE_ASSEMBLE] + record.shed[STAGE_INFERENCE], 6);
    assert_true(record.shed[STAGE_INFERENCE] > 0);
    record.open = true;
    assert_true(pipeline_drain(pipeline, 20));
    pipeline = pipeline_free(pipeline);
    assert_int_equal(record.done[STAGE_STREAM], 2);
    assert_int_equal(record.depth_most[STAGE_INFERENCE], 1);
    for (int i = 0; i < 8; i++) {
        prompts[i] = prompt_unref(prompts[i]);
    }
}

TEST(pipeline_ends_a_prompt_where_a_stage_fails)
{
    struct record record = fresh();
    struct pipeline *pipeline;
    struct prompt *prompt;

    record.bad_stage = STAGE_POST;
    pipeline = start(&record, 4, 1, 0.1);
    assert_int_equal(submit(pipeline, &prompt), 0);
    assert_int_equal(prompt_wait(prompt, 20), PROMPT_FAILED);
    assert_int_equal(prompt->stage, STAGE_POST);
    assert_string_equal(prompt->error, "made_up");
    prompt = prompt_unref(prompt);
    pipeline = pipeline_free(pipeline);
    assert_int_equal(record.failed[STAGE_POST], 1);
    assert_int_equal(record.done[STAGE_STREAM], 0);
}

TEST(pipeline_gives_up_what_waited_too_long)
{
    struct record record = fresh();
    struct pipeline *pipeline;
    struct prompt *first;
    struct prompt *late = prompt_new("late", 4, 0.02);

    record.closed_stage = STAGE_RAG;
    pipeline = start(&record, 4, 1, 0.1);
    assert_int_equal(submit(pipeline, &first), 0);
    assert_int_equal(pipeline_submit(pipeline, late), 0);
    (void)svc_sleep_s(0.05, NULL);
    record.open = true;
    assert_int_equal(prompt_wait(late, 20), PROMPT_FAILED);
    assert_string_equal(late->error, "timeout");
    assert_int_equal(prompt_wait(first, 20), PROMPT_DONE);
    first = prompt_unref(first);
    late = prompt_unref(late);
    pipeline = pipeline_free(pipeline);
}

TEST(pipeline_free_ends_what_is_inside)
{
    struct record record = fresh();
    struct pipeline *pipeline;
    struct prompt *prompts[5];

    record.closed_stage = STAGE_ASSEMBLE;
    pipeline = start(&record, 8, 1, 0.1);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(submit(pipeline, &prompts[i]), 0);
    }
    assert_false(pipeline_drain(pipeline, 0.05));
    assert_int_equal(pipeline_submit(pipeline, prompts[0]), -ESHUTDOWN);
    pipeline_stop(pipeline);
    assert_int_equal(pipeline_inside(pipeline), 0);
    assert_int_equal(pipeline_depth(pipeline, STAGE_ASSEMBLE), 0);
    pipeline = pipeline_free(pipeline);
    for (int i = 0; i < 5; i++) {
        assert_true(prompts[i]->state != PROMPT_RUNNING);
        prompts[i] = prompt_unref(prompts[i]);
    }
    assert_int_equal(record.ended, 5);
    assert_null(pipeline_free(NULL));
}

TEST(prompt_read_sees_pieces_as_they_are_released)
{
    struct prompt *prompt = prompt_new("text", 4, 60);
    enum prompt_state found;

    assert_int_equal(prompt_read(prompt, 0, 0.01, &found), 0);
    assert_int_equal(found, PROMPT_RUNNING);
    prompt_release(prompt, 2);
    assert_int_equal(prompt_read(prompt, 1, 5, &found), 2);
    prompt_end(prompt, PROMPT_SHED, STAGE_POST, "shed");
    assert_int_equal(prompt_read(prompt, 2, 5, &found), 2);
    assert_int_equal(found, PROMPT_SHED);
    assert_int_equal(prompt_wait(prompt, 0), PROMPT_SHED);
    assert_int_equal(strlen(prompt->id), PROMPT_ID_SIZE - 1);
    prompt = prompt_unref(prompt);
}
