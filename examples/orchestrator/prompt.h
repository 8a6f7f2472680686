/*
 * prompt: one request on its way through the pipeline: the question, what each stage made of it,
 * and the answer that its reader waits for. Counted references: the pipeline has one, the reader
 * one, the list of recent prompts one. A stage that works on a prompt is its only writer; `state`,
 * `released` and what stands behind them are published under the prompt's lock.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "polish.h"
#include "retrieve.h"

enum stage { STAGE_RAG, STAGE_ASSEMBLE, STAGE_INFERENCE, STAGE_POST, STAGE_STREAM, STAGE_COUNT };

enum prompt_state { PROMPT_RUNNING, PROMPT_DONE, PROMPT_FAILED, PROMPT_SHED };

enum {
    PROMPT_ID_SIZE = 17,
    PROMPT_SESSION_SIZE = 64,
    PROMPT_WORKER_SIZE = 16,
    PROMPT_TEXT_BYTES_MAX = 16384,
    PROMPT_TOKENS_MAX = 1024,
    PROMPT_ERROR_SIZE = 32,
};

struct prompt {
    /* Set before the pipeline sees it, then constant. */
    char id[PROMPT_ID_SIZE];
    char session[PROMPT_SESSION_SIZE]; /* "" = none */
    char worker[PROMPT_WORKER_SIZE];
    char *text;
    size_t tokens_max;
    uint64_t seed;
    int64_t deadline_ns; /* monotonic */

    /* What the stages make, each read by later stages and, once it is no longer running, by anyone.
     */
    struct retrieve_hit hits[RETRIEVE_HITS_MAX];
    int hit_count;
    char *assembled;
    const char **words; /* of the vocabulary or of `echoed` */
    char *echoed;       /* words of the echo worker, each ended by a NUL */
    size_t word_count;
    bool is_cut; /* the answer reached tokens_max */
    struct polish_text answer;
    double seconds[STAGE_COUNT];

    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* lock: prompt.lock */
    enum prompt_state state;
    enum stage stage;              /* where it is, or where it ended */
    char error[PROMPT_ERROR_SIZE]; /* kind of error of a failed one */
    size_t released;               /* pieces of the answer that the stream stage has let go */

    _Atomic bool abandoned; /* its reader is gone */
    atomic_uint references;
};

/* stage_name returns "rag", "assemble", ... */
const char *stage_name(enum stage stage);

/* stage_find returns the stage of a name, STAGE_COUNT when there is none. */
enum stage stage_find(const char *name);

/* prompt_new copies the text; the id is random. NULL when memory is out. */
struct prompt *prompt_new(const char *text, size_t len, double limit_s);
struct prompt *prompt_ref(struct prompt *prompt);

/* prompt_unref drops a reference, the last one frees. Takes NULL; returns NULL. */
struct prompt *prompt_unref(struct prompt *prompt);

/* prompt_end publishes how it ended: done, failed or shed in a stage, with the kind of error or "".
 */
void prompt_end(struct prompt *prompt, enum prompt_state state, enum stage stage,
                const char *error);

/* prompt_release lets the reader have the first `count` pieces. */
void prompt_release(struct prompt *prompt, size_t count);

/* prompt_wait waits until it has ended, at most that long; returns its state then. */
enum prompt_state prompt_wait(struct prompt *prompt, double seconds);

/* prompt_read waits for pieces beyond `seen`, at most that long: returns how many there are now and
 * stores the state. */
size_t prompt_read(struct prompt *prompt, size_t seen, double seconds,
                   enum prompt_state *ret_state);

/* prompt_text returns the answer as one malloc'd text; only for a prompt that has ended. NULL when
 * memory is out. */
char *prompt_text(const struct prompt *prompt);
