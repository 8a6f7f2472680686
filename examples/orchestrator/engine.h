/*
 * engine: what the five stages do, and the knowledge they do it with: the corpus, its index, the
 * language model, the block list and the prompt template. Everything but the sessions is immutable
 * once loaded; any thread may work.
 */
#pragma once

#include "svc_fault.h"
#include "prompt.h"
#include "sessions.h"

enum { ENGINE_PASSAGES_DEFAULT = 3, ENGINE_ASSEMBLED_BYTES_MAX = 16384 };

/* Rows of the fault table; engine_faults is in this order. */
enum engine_fault {
    ENGINE_FAULT_DOWN,
    ENGINE_FAULT_FAILING_STAGE,
    ENGINE_FAULT_FLOODED_QUEUE,
    ENGINE_FAULT_SHEDDING,
    ENGINE_FAULT_SLOW_STAGE,
    ENGINE_FAULT_COUNT,
};
extern const struct svc_fault_def engine_faults[ENGINE_FAULT_COUNT];

struct engine_options {
    const char *corpus;  /* a text file; NULL = the built-in text */
    const char *blocked; /* a file of words; NULL = none */
    const char
        *template; /* a file with {context}, {history} and {question}; NULL = the built-in one */
    int passages;  /* put into a prompt */
    double token_delay_s; /* between the pieces of a stream */
    const struct svc_faults *faults;
    struct sessions *sessions;
    /* A worker generated tokens, of that kind of worker. May be NULL, as the next. */
    void (*tokens)(void *context, const char *worker, size_t count);
    /* A piece of an answer was let go. */
    void (*piece)(void *context, const struct prompt *prompt, size_t index);
    void *context;
};

struct engine;

/* engine_new loads, indexes and trains: 0, or a negative errno with what is wrong. Keeps the
 * pointers in options. */
int engine_new(const struct engine_options *options, struct engine **ret, struct svc_error *err);
struct engine *engine_free(struct engine *engine);

/* engine_is_worker says whether there is a worker of that name ("ngram", "echo"). */
bool engine_is_worker(const char *name);

/* engine_work does one stage's part of a prompt; it is pipeline_options.work with an engine as
 * context. */
int engine_work(void *engine, enum stage stage, struct prompt *prompt, const _Atomic bool *stop,
                const char **ret_error);

/* Sizes, for logs and health. */
size_t engine_passages(const struct engine *engine);
size_t engine_words(const struct engine *engine);
size_t engine_tokens(const struct engine *engine);
