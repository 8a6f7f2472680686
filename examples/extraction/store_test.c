#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "documents.h"
#include "faults.h"
#include "testing/test.h"

struct seen {
    size_t good[STORE_OPERATION_COUNT];
    size_t bad[STORE_OPERATION_COUNT];
    size_t in_use;
    size_t in_use_most;
};

static void observed(void *context, enum store_operation operation, bool good, double seconds)
{
    struct seen *seen = context;

    assert_true(seconds >= 0);
    seen->good[operation] += good ? 1 : 0;
    seen->bad[operation] += good ? 0 : 1;
}

static void in_use(void *context, size_t count)
{
    struct seen *seen = context;

    seen->in_use = count;
    seen->in_use_most = count > seen->in_use_most ? count : seen->in_use_most;
}

/* A new SQLite file with the tables. */
static struct store_options database(struct seen *seen)
{
    static char path[256];
    struct svc_error err = {0};
    struct store_options options = {.url = path, .observed = observed, .context = seen};
    struct store *store = NULL;

    (void)snprintf(path, sizeof(path), "%s/db.sqlite", test_dir());
    assert_int_equal(store_open(&options, &store, &err), 0);
    assert_int_equal(store_migrate(store, &err), 0);
    assert_int_equal(store_migrate(store, &err), 0); /* again is nothing new */
    store = store_close(store);
    return options;
}

static void document(struct store *store, const char *id)
{
    struct svc_error err = {0};
    struct document_new new = {
        .id = id, .digest = "d1", .type = DOC_DXF, .name = "it's a 'plan'", .bytes = 7};

    assert_int_equal(documents_insert(store, &new, &err), 1);
}

static void finish(struct store *store, const char *id, const char *text)
{
    struct svc_error err = {0};
    struct doc doc = {
        .type = DOC_DXF, .summary = json_pack("{s:i}", "entity_count", 3), .text = {.max = 1000}};

    svc_bytes_put(&doc.text, text, strlen(text) + 1);
    assert_int_equal(documents_finish(store, id, &doc, &err), 1);
    doc_done(&doc);
}

TEST(documents_live_from_upload_to_deletion)
{
    struct seen seen = {0};
    struct store_options options = database(&seen);
    struct svc_error err = {0};
    struct store *store = NULL;
    struct document_task task = {0};
    json_t *json = NULL;
    char *text = NULL;

    assert_int_equal(store_open(&options, &store, &err), 0);
    document(store, "a1");
    assert_int_equal(
        documents_insert(
            store, &(struct document_new){.id = "a1", .digest = "", .type = DOC_PDF, .name = ""},
            &err),
        -EEXIST);
    assert_int_equal(documents_get(store, "a1", &json, &err), 1);
    assert_string_equal(json_string_value(json_object_get(json, "name")), "it's a 'plan'");
    assert_string_equal(json_string_value(json_object_get(json, "status")), "queued");
    json_decref(json);
    assert_int_equal(documents_begin(store, "a1", &task, &err), 1);
    assert_int_equal(task.type, DOC_DXF);
    assert_int_equal(task.attempts, 1);
    assert_int_equal(documents_begin(store, "none", &task, &err), 0);
    finish(store, "a1", "Two words, TWO\n");
    assert_int_equal(documents_get(store, "a1", &json, &err), 1);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(json, "summary"), "entity_count")), 3);
    json_decref(json);
    assert_int_equal(documents_text(store, "a1", &text, &err), 1);
    assert_string_equal(text, "Two words, TWO\n");
    free(text);
    assert_int_equal(documents_index(store, "a1", &err), 2);
    assert_int_equal(documents_index(store, "a1", &err), 2);
    assert_int_equal(documents_search(store, "two?", &json, &err), 1);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(json, 0), "count")), 2);
    json_decref(json);
    assert_int_equal(documents_delete(store, "a1", &task, &err), 1);
    assert_int_equal(documents_delete(store, "a1", &task, &err), 0);
    assert_int_equal(documents_search(store, "two", &json, &err), 0);
    json_decref(json);
    assert_int_equal(documents_get(store, "a1", &json, &err), 0);
    assert_null(json);
    store = store_close(store);
    assert_true(seen.good[STORE_INSERT] >= 2 && seen.good[STORE_UPDATE] >= 2 &&
                seen.good[STORE_DELETE] >= 2);
}

TEST(documents_search_prefers_those_with_more_of_the_words)
{
    struct seen seen = {0};
    struct store_options options = database(&seen);
    struct svc_error err = {0};
    struct store *store = NULL;
    json_t *json = NULL;

    assert_int_equal(store_open(&options, &store, &err), 0);
    document(store, "often");
    document(store, "both");
    finish(store, "often", "door door door door");
    finish(store, "both", "door and window");
    assert_int_equal(documents_index(store, "often", &err), 1);
    assert_int_equal(documents_index(store, "both", &err), 3);
    assert_int_equal(documents_search(store, "Window DOOR", &json, &err), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(json, 0), "id")), "both");
    json_decref(json);
    assert_int_equal(documents_search(store, "'; DROP TABLE documents; --", &json, &err), 0);
    json_decref(json);
    assert_int_equal(documents_search(store, "! ?", &json, &err), 0);
    json_decref(json);
    assert_int_equal(documents_list(store, 1, &json, &err), 1);
    json_decref(json);
    assert_int_equal(documents_fail(store, "both", "why not", &err), 1);
    assert_int_equal(documents_get(store, "both", &json, &err), 1);
    assert_string_equal(json_string_value(json_object_get(json, "error")), "why not");
    json_decref(json);
    store = store_close(store);
}

TEST(documents_words_are_bounded)
{
    json_t *counts = json_object();
    char longer[200];

    documents_words("a bb CCC bb. d\xc3\xa9j\xc3\xa0-vu 42", 4, counts);
    assert_int_equal(json_object_size(counts), 4);
    assert_int_equal(json_integer_value(json_object_get(counts, "bb")), 2);
    assert_non_null(json_object_get(counts, "d\xc3\xa9j\xc3\xa0"));
    json_object_clear(counts);
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    documents_words(longer, 10, counts);
    assert_int_equal(strlen(json_object_iter_key(json_object_iter(counts))), 48);
    json_decref(counts);
}

TEST(store_faults_fail_and_are_observed)
{
    struct seen seen = {0};
    struct store_options options = database(&seen);
    struct svc_faults faults = {.defs = extraction_faults, .count = FAULT_COUNT};
    struct svc_error err = {0};
    struct store *store = NULL;
    json_t *json = NULL;

    options.faults = &faults;
    assert_int_equal(svc_fault_set(&faults, "db-errors:1", &err), 0);
    assert_int_equal(store_open(&options, &store, &err), 0);
    assert_int_equal(documents_get(store, "x", &json, &err), -EIO);
    assert_non_null(strstr(err.text, "fault"));
    assert_int_equal(seen.bad[STORE_SELECT], 1);
    store = store_close(store);
}

TEST(store_says_what_is_wrong)
{
    struct svc_error err = {0};
    struct store_options options = {.url = "/nowhere/db.sqlite"};
    struct store *store = NULL;

    assert_true(store_open(&options, &store, &err) < 0);
    assert_non_null(strstr(err.text, "/nowhere/db.sqlite"));
    options.url = "postgresql://127.0.0.1:1/none?connect_timeout=2";
    assert_true(store_open(&options, &store, &err) < 0);
    assert_non_null(strstr(err.text, "postgresql"));
    options = database(&(struct seen){0});
    options.observed = NULL;
    assert_int_equal(store_open(&options, &store, &err), 0);
    assert_int_equal(store_run(store, STORE_SELECT, "SELECT nonsense", NULL, 0, NULL, NULL, &err),
                     -EIO);
    assert_non_null(strstr(err.text, "nonsense"));
    store = store_close(store);
}

TEST(store_pool_bounds_connections)
{
    struct seen seen = {0};
    struct store_options options = database(&seen);
    struct store_pool *pool = store_pool_new(&options, 2, in_use);
    struct svc_error err = {0};
    struct store *first = NULL;
    struct store *second = NULL;
    struct store *third = NULL;

    assert_int_equal(store_pool_take(pool, 0, &first, &err), 0);
    assert_int_equal(store_pool_take(pool, 0, &second, &err), 0);
    assert_int_equal(store_pool_take(pool, 0.02, &third, &err), -EAGAIN);
    assert_non_null(strstr(err.text, "--db-pool"));
    store_pool_give(pool, first);
    assert_int_equal(store_pool_take(pool, 1, &third, &err), 0);
    assert_ptr_equal(third, first);
    store_pool_give(pool, second);
    store_pool_give(pool, third);
    assert_int_equal(seen.in_use, 0);
    assert_int_equal(seen.in_use_most, 2);
    pool = store_pool_free(pool);
    assert_null(store_pool_free(NULL));
}
