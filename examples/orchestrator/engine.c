#include "engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpus.h"
#include "ngram.h"
#include "words.h"

enum { TEMPLATE_BYTES_MAX = 8192, DEADLINE_CHECK_TOKENS = 64 };

static const char template_builtin[] =
    "Answer from these passages.\n\n{context}\n{history}Question: {question}\nAnswer:";

static const char *const stage_keys[] = {"rag", "assemble", "inference", "post", "stream", NULL};

const struct svc_fault_def engine_faults[ENGINE_FAULT_COUNT] = {
    {"down", NULL, 0, 0, 0, NULL,
     "the port stays closed while the pipeline works (OrchestratorDown)"},
    {"failing-stage", "share", 0, 1, 0.3, stage_keys,
     "this share of prompts fails in the stage, default all stages (HighErrorRate)"},
    {"flooded-queue", "prompts", 1, PROMPT_TEXT_BYTES_MAX, 950, NULL,
     "the inference queue is kept this full by prompts of our own, and its workers slow "
     "(QueueDepthHigh)"},
    {"shedding", "per second", 1, 10000, 50, NULL,
     "prompts of our own arrive faster than a queue of four takes them (HighBackpressure)"},
    {"slow-stage", "seconds", 0, 60, 6, stage_keys,
     "each prompt spends this long in the stage (HighLatency)"},
};

struct engine {
    struct engine_options options;
    struct corpus corpus;
    struct words_vocabulary *vocabulary;
    struct retrieve_index *index;
    struct ngram_model *model;
    struct polish_blocked blocked;
    char template[TEMPLATE_BYTES_MAX];
};

static int template_load(struct engine *engine, struct svc_error *err)
{
    struct svc_bytes bytes = {0};
    int r;

    if (engine->options.template == NULL) {
        (void)snprintf(engine->template, sizeof(engine->template), "%s", template_builtin);
        return 0;
    }
    r = svc_file_read(engine->options.template, TEMPLATE_BYTES_MAX - 1, &bytes, err);
    if (r == 0) {
        memcpy(engine->template, bytes.ptr, bytes.len);
        engine->template[bytes.len] = '\0';
        if (strstr(engine->template, "{question}") == NULL) {
            r = svc_fail(err, -EINVAL, "%s: no {question} in it: say where the question stands",
                         engine->options.template);
        }
    }
    svc_bytes_done(&bytes);
    return r;
}

static int engine_load(struct engine *engine, struct svc_error *err)
{
    char text[256] = "";
    int r = engine->options.corpus != NULL
                ? corpus_load(&engine->corpus, engine->options.corpus, text, sizeof(text))
                : corpus_builtin(&engine->corpus);

    if (r < 0) {
        return svc_fail(err, -EINVAL, "%s",
                        text[0] != '\0' ? text : "out of memory for the corpus");
    }
    if (engine->options.blocked != NULL &&
        polish_blocked_load(&engine->blocked, engine->options.blocked, text, sizeof(text)) < 0) {
        return svc_fail(err, -EINVAL, "%s", text);
    }
    r = template_load(engine, err);
    if (r < 0) {
        return r;
    }
    engine->vocabulary = words_vocabulary_new();
    if (engine->vocabulary != NULL) {
        engine->index = retrieve_index_new(&engine->corpus, engine->vocabulary);
        engine->model = ngram_model_new(&engine->corpus, engine->vocabulary);
    }
    if (engine->index == NULL || engine->model == NULL) {
        return svc_fail(err, -EINVAL,
                        "corpus: fewer than three words, or out of memory: give a longer text");
    }
    return 0;
}

int engine_new(const struct engine_options *options, struct engine **ret, struct svc_error *err)
{
    struct engine *engine = calloc(1, sizeof(*engine));
    int r;

    if (engine == NULL) {
        return svc_fail(err, -ENOMEM, "out of memory");
    }
    engine->options = *options;
    r = engine_load(engine, err);
    if (r < 0) {
        engine_free(engine);
        return r;
    }
    *ret = engine;
    return 0;
}

struct engine *engine_free(struct engine *engine)
{
    if (engine != NULL) {
        engine->index = retrieve_index_free(engine->index);
        engine->model = ngram_model_free(engine->model);
        engine->vocabulary = words_vocabulary_free(engine->vocabulary);
        polish_blocked_done(&engine->blocked);
        corpus_done(&engine->corpus);
        free(engine);
    }
    return NULL;
}

bool engine_is_worker(const char *name)
{
    return strcmp(name, "ngram") == 0 || strcmp(name, "echo") == 0;
}

static int stage_rag(struct engine *engine, struct prompt *prompt, const char **ret_error)
{
    prompt->hit_count = retrieve_search(engine->index, prompt->text, strlen(prompt->text),
                                        prompt->hits, engine->options.passages);
    if (prompt->hit_count < 0) {
        prompt->hit_count = 0;
        *ret_error = "memory";
        return -1;
    }
    return 0;
}

static void context_put(const struct engine *engine, const struct prompt *prompt,
                        struct svc_bytes *out)
{
    for (int i = 0; i < prompt->hit_count; i++) {
        const struct corpus_passage *passage = &engine->corpus.passages[prompt->hits[i].passage];

        svc_bytes_printf(out, "[%d] ", i + 1);
        svc_bytes_put(out, engine->corpus.text + passage->begin, passage->len);
        svc_bytes_put(out, "\n", 1);
    }
}

static void history_put(const struct engine *engine, const struct prompt *prompt,
                        struct svc_bytes *out)
{
    char history[SESSIONS_EXCHANGES_MAX * 2 * SESSIONS_TEXT_BYTES_MAX];
    size_t len =
        sessions_history(engine->options.sessions, prompt->session, history, sizeof(history));

    svc_bytes_put(out, history, len);
}

/* Fills the template in; an unknown name in braces stays as it is. */
static int stage_assemble(struct engine *engine, struct prompt *prompt, const char **ret_error)
{
    struct svc_bytes out = {.max = ENGINE_ASSEMBLED_BYTES_MAX + PROMPT_TEXT_BYTES_MAX};
    const char *at = engine->template;

    while (*at != '\0') {
        size_t plain = *at == '{' ? 1 : strcspn(at, "{");

        if (strncmp(at, "{context}", 9) == 0) {
            context_put(engine, prompt, &out);
            at += 9;
        } else if (strncmp(at, "{history}", 9) == 0) {
            history_put(engine, prompt, &out);
            at += 9;
        } else if (strncmp(at, "{question}", 10) == 0) {
            svc_bytes_put(&out, prompt->text, strlen(prompt->text));
            at += 10;
        } else {
            svc_bytes_put(&out, at, plain);
            at += plain;
        }
    }
    svc_bytes_put(&out, "", 1);
    if (out.failed) {
        svc_bytes_done(&out);
        *ret_error = "too_long";
        return -1;
    }
    prompt->assembled = (char *)out.ptr;
    return 0;
}

/* How many words of a sentence the question has, too. */
static int sentence_overlap(const char *begin, const char *end, const char *question)
{
    struct words_cursor cursor = {.at = begin, .end = end};
    struct word word;
    int count = 0;

    while (words_next(&cursor, &word)) {
        count +=
            !word.is_mark && !words_is_stop(word.text) && strcasestr(question, word.text) != NULL
                ? 1
                : 0;
    }
    return count;
}

/* Where the answer starts: the first two words of the passage's sentence that has most of the
 * question's. */
static void answer_start(const struct engine *engine, const struct prompt *prompt,
                         uint32_t start[2])
{
    const struct corpus_passage *passage;
    const char *at;
    const char *end;
    int most = -1;

    start[0] = start[1] = WORDS_NONE;
    if (prompt->hit_count == 0) {
        return;
    }
    passage = &engine->corpus.passages[prompt->hits[0].passage];
    at = engine->corpus.text + passage->begin;
    end = at + passage->len;
    while (at < end) {
        const char *stop = memchr(at, '.', (size_t)(end - at));
        struct words_cursor cursor = {.at = at, .end = stop = stop != NULL ? stop : end};
        int overlap = sentence_overlap(at, stop, prompt->text);
        struct word first;
        struct word second;

        if (overlap > most && words_next(&cursor, &first) && words_next(&cursor, &second)) {
            most = overlap;
            start[0] = words_find(engine->vocabulary, first.text, first.len);
            start[1] = words_find(engine->vocabulary, second.text, second.len);
        }
        at = stop + 1;
    }
}

static bool is_sentence_end(const char *word)
{
    return strchr(".!?", word[0]) != NULL && word[0] != '\0';
}

/* The next words by the model until a sentence ends in the last quarter, or the bound. */
static int infer_ngram(struct engine *engine, struct prompt *prompt, const _Atomic bool *stop)
{
    uint64_t seed = prompt->seed;
    uint32_t last[2];

    answer_start(engine, prompt, last);
    for (int i = 0; i < 2 && last[i] != WORDS_NONE; i++) {
        prompt->words[prompt->word_count++] = words_text(engine->vocabulary, last[i]);
    }
    prompt->is_cut = true;
    while (prompt->word_count < prompt->tokens_max) {
        uint32_t next = ngram_next(engine->model, last[0], last[1], &seed);
        const char *text = words_text(engine->vocabulary, next);

        prompt->words[prompt->word_count++] = text;
        last[0] = last[1];
        last[1] = next;
        if (is_sentence_end(text) && prompt->word_count * 4 >= prompt->tokens_max * 3) {
            prompt->is_cut = false;
            break;
        }
        if (prompt->word_count % DEADLINE_CHECK_TOKENS == 0 &&
            (*stop || svc_mono_ns() > prompt->deadline_ns)) {
            return -1;
        }
    }
    return 0;
}

/* The question's own words. */
static int infer_echo(struct prompt *prompt)
{
    size_t len = strlen(prompt->text);
    struct words_cursor cursor = {.at = prompt->text, .end = prompt->text + len};
    struct word word;
    char *to = prompt->echoed = malloc(len * 2 + 1); /* each word has a byte at least, and a NUL */

    if (to == NULL) {
        return -1;
    }
    while (words_next(&cursor, &word)) {
        if (prompt->word_count == prompt->tokens_max) {
            prompt->is_cut = true;
            break;
        }
        prompt->words[prompt->word_count++] = memcpy(to, word.text, word.len + 1);
        to += word.len + 1;
    }
    return 0;
}

static int stage_inference(struct engine *engine, struct prompt *prompt, const _Atomic bool *stop,
                           const char **ret_error)
{
    int r;

    prompt->words = calloc(prompt->tokens_max + 2, sizeof(*prompt->words));
    if (prompt->words == NULL) {
        *ret_error = "memory";
        return -1;
    }
    r = strcmp(prompt->worker, "echo") == 0 ? infer_echo(prompt)
                                            : infer_ngram(engine, prompt, stop);
    if (r < 0) {
        *ret_error = *stop ? "shutdown" : "timeout";
    }
    if (engine->options.tokens != NULL && prompt->word_count > 0) {
        engine->options.tokens(engine->options.context, prompt->worker, prompt->word_count);
    }
    return r;
}

static int stage_post(struct engine *engine, struct prompt *prompt, const char **ret_error)
{
    if (polish_words(&engine->blocked, prompt->words, prompt->word_count, &prompt->answer) < 0) {
        *ret_error = "memory";
        return -1;
    }
    return 0;
}

static int stage_stream(struct engine *engine, struct prompt *prompt, const _Atomic bool *stop,
                        const char **ret_error)
{
    for (size_t i = 0; i < prompt->answer.count && !prompt->abandoned; i++) {
        if (engine->options.token_delay_s > 0 &&
            !svc_sleep_s(engine->options.token_delay_s, stop)) {
            *ret_error = "shutdown";
            return -1;
        }
        prompt_release(prompt, i + 1);
        if (engine->options.piece != NULL) {
            engine->options.piece(engine->options.context, prompt, i);
        }
    }
    return 0;
}

/* The faults of a stage: time that passes, and prompts that fail. */
static int stage_misbehave(const struct engine *engine, enum stage stage, const _Atomic bool *stop,
                           const char **ret_error)
{
    const struct svc_faults *faults = engine->options.faults;
    double seconds = 0;

    if (svc_fault_on(faults, ENGINE_FAULT_SLOW_STAGE, stage_name(stage), &seconds) &&
        !svc_sleep_s(seconds, stop)) {
        *ret_error = "shutdown";
        return -1;
    }
    if (stage == STAGE_INFERENCE && svc_fault_on(faults, ENGINE_FAULT_FLOODED_QUEUE, NULL, NULL) &&
        !svc_sleep_s(0.2, stop)) {
        *ret_error = "shutdown";
        return -1;
    }
    if (stage == STAGE_INFERENCE && svc_fault_on(faults, ENGINE_FAULT_SHEDDING, NULL, NULL)) {
        (void)svc_sleep_s(0.5, stop);
    }
    if (svc_fault_chance(faults, ENGINE_FAULT_FAILING_STAGE, stage_name(stage))) {
        *ret_error = "fault";
        return -1;
    }
    return 0;
}

int engine_work(void *context, enum stage stage, struct prompt *prompt, const _Atomic bool *stop,
                const char **ret_error)
{
    struct engine *engine = context;

    if (stage_misbehave(engine, stage, stop, ret_error) < 0) {
        return -1;
    }
    switch (stage) {
    case STAGE_RAG:
        return stage_rag(engine, prompt, ret_error);
    case STAGE_ASSEMBLE:
        return stage_assemble(engine, prompt, ret_error);
    case STAGE_INFERENCE:
        return stage_inference(engine, prompt, stop, ret_error);
    case STAGE_POST:
        return stage_post(engine, prompt, ret_error);
    case STAGE_STREAM:
        return stage_stream(engine, prompt, stop, ret_error);
    case STAGE_COUNT:
        break;
    }
    *ret_error = "stage";
    return -1;
}

size_t engine_passages(const struct engine *engine)
{
    return engine->corpus.passage_count;
}

size_t engine_words(const struct engine *engine)
{
    return words_count(engine->vocabulary);
}

size_t engine_tokens(const struct engine *engine)
{
    return ngram_model_tokens(engine->model);
}
