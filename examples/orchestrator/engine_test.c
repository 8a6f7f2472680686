#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testing/test.h"

struct fixture {
    struct svc_faults faults;
    struct sessions *sessions;
    struct engine *engine;
    size_t tokens;
    size_t pieces;
};

static void on_tokens(void *context, const char *worker, size_t count)
{
    struct fixture *fixture = context;

    assert_true(engine_is_worker(worker));
    fixture->tokens += count;
}

static void on_piece(void *context, const struct prompt *prompt, size_t index)
{
    struct fixture *fixture = context;

    assert_true(index < prompt->answer.count);
    fixture->pieces++;
}

static int start_with(struct fixture *fixture, struct engine_options options, struct svc_error *err)
{
    *fixture = (struct fixture){.faults = {.defs = engine_faults, .count = ENGINE_FAULT_COUNT}};
    fixture->sessions = sessions_new(2);
    options.faults = &fixture->faults;
    options.sessions = fixture->sessions;
    options.passages = 2;
    options.tokens = on_tokens;
    options.piece = on_piece;
    options.context = fixture;
    return engine_new(&options, &fixture->engine, err);
}

static void end(struct fixture *fixture)
{
    fixture->engine = engine_free(fixture->engine);
    fixture->sessions = sessions_free(fixture->sessions);
}

static struct prompt *ask(struct fixture *fixture, const char *text, const char *worker,
                          size_t tokens)
{
    struct prompt *prompt = prompt_new(text, strlen(text), 60);
    _Atomic bool stop = false;
    const char *error = "";

    (void)snprintf(prompt->worker, sizeof(prompt->worker), "%s", worker);
    prompt->tokens_max = tokens;
    prompt->seed = 5;
    for (enum stage stage = STAGE_RAG; stage < STAGE_COUNT; stage++) {
        assert_int_equal(engine_work(fixture->engine, stage, prompt, &stop, &error), 0);
    }
    prompt_end(prompt, PROMPT_DONE, STAGE_STREAM, "");
    return prompt;
}

static const char *file_of(const char *text)
{
    static char path[128];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/text", test_dir());
    file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
    return path;
}

TEST(engine_answers_from_the_built_in_corpus_and_repeats_itself)
{
    struct fixture fixture;
    struct svc_error err = {0};
    struct prompt *prompt;
    struct prompt *again;
    char *text;
    char *text_again;

    assert_int_equal(start_with(&fixture, (struct engine_options){0}, &err), 0);
    assert_true(engine_passages(fixture.engine) > 100 && engine_words(fixture.engine) > 100);
    assert_true(engine_tokens(fixture.engine) > 10000);
    prompt = ask(&fixture, "What does the barograph measure under pressure?", "ngram", 40);
    again = ask(&fixture, "What does the barograph measure under pressure?", "ngram", 40);
    text = prompt_text(prompt);
    text_again = prompt_text(again);
    assert_int_equal(prompt->hit_count, 2);
    assert_true(prompt->word_count > 2 && prompt->word_count <= 40);
    assert_string_equal(text, text_again); /* the same seed */
    assert_non_null(strstr(prompt->assembled, "Question: What does the barograph"));
    assert_non_null(strstr(prompt->assembled, "[1] "));
    assert_int_equal(fixture.tokens, prompt->word_count * 2);
    assert_int_equal(fixture.pieces, prompt->answer.count * 2);
    free(text);
    free(text_again);
    prompt = prompt_unref(prompt);
    again = prompt_unref(again);
    end(&fixture);
}

TEST(engine_echo_cuts_at_the_bound)
{
    struct fixture fixture;
    struct svc_error err = {0};
    struct prompt *prompt;
    char *text;

    assert_int_equal(start_with(&fixture, (struct engine_options){0}, &err), 0);
    prompt = ask(&fixture, "One, two three four", "echo", 3);
    text = prompt_text(prompt);
    assert_string_equal(text, "One, two.");
    assert_true(prompt->is_cut);
    free(text);
    prompt = prompt_unref(prompt);
    prompt = ask(&fixture, "a", "echo", 3);
    assert_false(prompt->is_cut);
    prompt = prompt_unref(prompt);
    end(&fixture);
}

TEST(engine_template_takes_context_history_and_question)
{
    struct fixture fixture;
    struct svc_error err = {0};
    struct prompt *prompt;
    struct engine_options options = {.template = file_of("<{question}|{other}|{history}>")};

    assert_int_equal(start_with(&fixture, options, &err), 0);
    assert_int_equal(sessions_begin(fixture.sessions, "s"), 0);
    sessions_end(fixture.sessions, "s", "before", "answered");
    prompt = ask(&fixture, "hm", "echo", 3);
    assert_string_equal(prompt->assembled, "<hm|{other}|>");
    prompt = prompt_unref(prompt);
    prompt = prompt_new("hm", 2, 60);
    (void)snprintf(prompt->session, sizeof(prompt->session), "s");
    const char *error = "";
    _Atomic bool stop = false;
    assert_int_equal(engine_work(fixture.engine, STAGE_ASSEMBLE, prompt, &stop, &error), 0);
    assert_string_equal(prompt->assembled, "<hm|{other}|Q: before\nA: answered\n>");
    prompt = prompt_unref(prompt);
    end(&fixture);
}

TEST(engine_says_what_is_wrong_with_its_files)
{
    static const struct {
        struct engine_options options;
        const char *text; /* of the file that the options name by "@" */
        const char *want;
    } cases[] = {
        {{.corpus = "/nowhere"}, NULL, "/nowhere: "},
        {{.corpus = "@"}, "two words", "longer text"},
        {{.blocked = "/nowhere"}, NULL, "/nowhere: "},
        {{.template = "/nowhere"}, NULL, "/nowhere"},
        {{.template = "@"}, "no place for it", "{question}"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fixture fixture;
        struct svc_error err = {0};
        struct engine_options options = cases[i].options;
        const char *path = cases[i].text != NULL ? file_of(cases[i].text) : NULL;

        test_row(cases[i].want);
        options.corpus = options.corpus != NULL && path != NULL ? path : options.corpus;
        options.template = options.template != NULL && path != NULL ? path : options.template;
        assert_true(start_with(&fixture, options, &err) < 0);
        assert_non_null(strstr(err.text, cases[i].want));
        end(&fixture);
    }
    test_row(NULL);
}

TEST(engine_faults_bite)
{
    struct fixture fixture;
    struct svc_error err = {0};
    struct prompt *prompt = prompt_new("x", 1, 60);
    _Atomic bool stop = true; /* slow work ends at once */
    const char *error = "";

    assert_int_equal(start_with(&fixture, (struct engine_options){0}, &err), 0);
    assert_int_equal(svc_fault_set(&fixture.faults, "failing-stage:post=1", &err), 0);
    assert_int_equal(engine_work(fixture.engine, STAGE_POST, prompt, &stop, &error), -1);
    assert_string_equal(error, "fault");
    assert_int_equal(engine_work(fixture.engine, STAGE_RAG, prompt, &stop, &error), 0);
    assert_int_equal(svc_fault_set(&fixture.faults, "slow-stage:rag=6", &err), 0);
    assert_int_equal(engine_work(fixture.engine, STAGE_RAG, prompt, &stop, &error), -1);
    assert_string_equal(error, "shutdown");
    assert_true(svc_fault_set(&fixture.faults, "slow-stage:nonsense=6", &err) < 0);
    prompt = prompt_unref(prompt);
    end(&fixture);
}
