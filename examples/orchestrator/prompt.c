#include "prompt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "svc_util.h"

static const char *const stage_names[] = {
    [STAGE_RAG] = "rag",   [STAGE_ASSEMBLE] = "assemble", [STAGE_INFERENCE] = "inference",
    [STAGE_POST] = "post", [STAGE_STREAM] = "stream",
};

const char *stage_name(enum stage stage)
{
    return stage_names[stage];
}

enum stage stage_find(const char *name)
{
    enum stage stage = STAGE_RAG;

    while (stage < STAGE_COUNT && strcmp(stage_names[stage], name) != 0) {
        stage++;
    }
    return stage;
}

static void monitor_init(struct prompt *prompt)
{
    pthread_condattr_t clock;

    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&prompt->changed, &clock);
    (void)pthread_condattr_destroy(&clock);
    (void)pthread_mutex_init(&prompt->lock, NULL);
}

struct prompt *prompt_new(const char *text, size_t len, double limit_s)
{
    struct prompt *prompt = calloc(1, sizeof(*prompt));

    if (prompt == NULL) {
        return NULL;
    }
    prompt->text = strndup(text, len);
    if (prompt->text == NULL) {
        free(prompt);
        return NULL;
    }
    monitor_init(prompt);
    svc_random_hex(prompt->id, sizeof(prompt->id));
    prompt->deadline_ns = svc_mono_ns() + (int64_t)(limit_s * 1e9);
    atomic_init(&prompt->references, 1);
    return prompt;
}

struct prompt *prompt_ref(struct prompt *prompt)
{
    /* Relaxed: who refs already holds a reference. */
    atomic_fetch_add_explicit(&prompt->references, 1, memory_order_relaxed);
    return prompt;
}

struct prompt *prompt_unref(struct prompt *prompt)
{
    /* Acquire-release: the last holder sees what all others wrote. */
    if (prompt == NULL ||
        atomic_fetch_sub_explicit(&prompt->references, 1, memory_order_acq_rel) > 1) {
        return NULL;
    }
    polish_text_done(&prompt->answer);
    free(prompt->words);
    free(prompt->echoed);
    free(prompt->assembled);
    free(prompt->text);
    (void)pthread_cond_destroy(&prompt->changed);
    (void)pthread_mutex_destroy(&prompt->lock);
    free(prompt);
    return NULL;
}

void prompt_end(struct prompt *prompt, enum prompt_state state, enum stage stage, const char *error)
{
    (void)pthread_mutex_lock(&prompt->lock);
    prompt->state = state;
    prompt->stage = stage;
    (void)snprintf(prompt->error, sizeof(prompt->error), "%s", error);
    (void)pthread_cond_broadcast(&prompt->changed);
    (void)pthread_mutex_unlock(&prompt->lock);
}

void prompt_release(struct prompt *prompt, size_t count)
{
    (void)pthread_mutex_lock(&prompt->lock);
    prompt->released = count;
    (void)pthread_cond_broadcast(&prompt->changed);
    (void)pthread_mutex_unlock(&prompt->lock);
}

static struct timespec time_after(double seconds)
{
    int64_t ns = svc_mono_ns() + (int64_t)(seconds * 1e9);

    return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

enum prompt_state prompt_wait(struct prompt *prompt, double seconds)
{
    struct timespec end = time_after(seconds);
    enum prompt_state state;

    (void)pthread_mutex_lock(&prompt->lock);
    while (prompt->state == PROMPT_RUNNING &&
           pthread_cond_timedwait(&prompt->changed, &prompt->lock, &end) != ETIMEDOUT) {
    }
    state = prompt->state;
    (void)pthread_mutex_unlock(&prompt->lock);
    return state;
}

size_t prompt_read(struct prompt *prompt, size_t seen, double seconds, enum prompt_state *ret_state)
{
    struct timespec end = time_after(seconds);
    size_t released;

    (void)pthread_mutex_lock(&prompt->lock);
    while (prompt->state == PROMPT_RUNNING && prompt->released <= seen &&
           pthread_cond_timedwait(&prompt->changed, &prompt->lock, &end) != ETIMEDOUT) {
    }
    *ret_state = prompt->state;
    released = prompt->released;
    (void)pthread_mutex_unlock(&prompt->lock);
    return released;
}

char *prompt_text(const struct prompt *prompt)
{
    size_t len = 0;
    char *text;
    char *at;

    for (size_t i = 0; i < prompt->released; i++) {
        len += strlen(prompt->answer.pieces[i]);
    }
    text = malloc(len + 1);
    at = text;
    for (size_t i = 0; text != NULL && i < prompt->released; i++) {
        at = stpcpy(at, prompt->answer.pieces[i]);
    }
    if (text != NULL) {
        *at = '\0';
    }
    return text;
}
