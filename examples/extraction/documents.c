#include "documents.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WORD_BYTES_MAX = 48, NUMBER_SIZE = 32 };

static double time_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static const char *number_text(double number, char ret[NUMBER_SIZE])
{
    (void)snprintf(ret, NUMBER_SIZE, "%.3f", number);
    return ret;
}

int documents_insert(struct store *store, const struct document_new *document,
                     struct svc_error *err)
{
    char bytes[NUMBER_SIZE];
    char now[NUMBER_SIZE];
    const char *params[] = {document->id,
                            document->digest,
                            doc_type_name(document->type),
                            document->name,
                            bytes,
                            number_text(time_now(), now)};

    (void)snprintf(bytes, sizeof(bytes), "%zu", document->bytes);
    return store_run(store, STORE_INSERT,
                     "INSERT INTO documents (id, digest, type, name, bytes, status, created) "
                     "VALUES ($1, $2, $3, $4, $5, 'queued', $6)",
                     params, 6, NULL, NULL, err);
}

static void field_set(json_t *object, const char *key, const char *text)
{
    if (text != NULL) {
        json_object_set_new(object, key, json_string(text));
    }
}

/* id, digest, type, name, bytes, status, attempts, error, summary, created, finished */
static json_t *document_json(const char *const *columns)
{
    json_t *document = json_object();
    json_t *summary = columns[8] != NULL ? json_loads(columns[8], 0, NULL) : NULL;

    field_set(document, "id", columns[0]);
    field_set(document, "digest", columns[1]);
    field_set(document, "type", columns[2]);
    field_set(document, "name", columns[3]);
    field_set(document, "status", columns[5]);
    field_set(document, "error", columns[7]);
    json_object_set_new(document, "bytes",
                        json_integer(columns[4] != NULL ? strtoll(columns[4], NULL, 10) : 0));
    json_object_set_new(document, "attempts",
                        json_integer(columns[6] != NULL ? strtoll(columns[6], NULL, 10) : 0));
    json_object_set_new(document, "created",
                        json_real(columns[9] != NULL ? strtod(columns[9], NULL) : 0));
    if (columns[10] != NULL) {
        json_object_set_new(document, "finished", json_real(strtod(columns[10], NULL)));
    }
    if (summary != NULL) {
        json_object_set_new(document, "summary", summary);
    }
    return document;
}

static int one_take(void *context, const char *const *columns, size_t count)
{
    json_t **ret = context;

    (void)count;
    *ret = document_json(columns);
    return 1;
}

static int many_take(void *context, const char *const *columns, size_t count)
{
    (void)count;
    return json_array_append_new(context, document_json(columns));
}

int documents_get(struct store *store, const char *id, json_t **ret, struct svc_error *err)
{
    *ret = NULL;
    return store_run(
        store, STORE_SELECT,
        "SELECT id, digest, type, name, bytes, status, attempts, error, summary, created, finished "
        "FROM documents WHERE id = $1",
        &id, 1, one_take, ret, err);
}

static int text_take(void *context, const char *const *columns, size_t count)
{
    char **ret = context;

    (void)count;
    *ret = columns[0] != NULL ? strdup(columns[0]) : NULL;
    return 1;
}

int documents_text(struct store *store, const char *id, char **ret, struct svc_error *err)
{
    *ret = NULL;
    return store_run(store, STORE_SELECT, "SELECT body FROM documents WHERE id = $1", &id, 1,
                     text_take, ret, err);
}

int documents_list(struct store *store, long limit, json_t **ret, struct svc_error *err)
{
    char text[NUMBER_SIZE];
    const char *params[] = {text};
    int r;

    (void)snprintf(text, sizeof(text), "%ld", limit);
    *ret = json_array();
    r = store_run(
        store, STORE_SELECT,
        "SELECT id, digest, type, name, bytes, status, attempts, error, NULL, created, finished "
        "FROM documents ORDER BY created DESC, id LIMIT CAST($1 AS INTEGER)",
        params, 1, many_take, *ret, err);
    if (r < 0) {
        json_decref(*ret);
        *ret = NULL;
    }
    return r;
}

static int task_take(void *context, const char *const *columns, size_t count)
{
    struct document_task *task = context;

    (void)count;
    (void)snprintf(task->digest, sizeof(task->digest), "%s", columns[0] != NULL ? columns[0] : "");
    task->type = doc_type_find(columns[1] != NULL ? columns[1] : "");
    task->attempts = columns[2] != NULL ? strtol(columns[2], NULL, 10) : 0;
    return 1;
}

int documents_begin(struct store *store, const char *id, struct document_task *ret,
                    struct svc_error *err)
{
    int r =
        store_run(store, STORE_UPDATE,
                  "UPDATE documents SET status = 'running', attempts = attempts + 1 WHERE id = $1",
                  &id, 1, NULL, NULL, err);

    if (r <= 0) {
        return r;
    }
    return store_run(store, STORE_SELECT,
                     "SELECT digest, type, attempts FROM documents WHERE id = $1", &id, 1,
                     task_take, ret, err);
}

int documents_finish(struct store *store, const char *id, const struct doc *doc,
                     struct svc_error *err)
{
    char *summary = json_dumps(doc->summary, JSON_COMPACT);
    char now[NUMBER_SIZE];
    const char *params[] = {id, summary, (const char *)doc->text.ptr, number_text(time_now(), now)};
    int r = summary == NULL
                ? svc_fail(err, -ENOMEM, "out of memory")
                : store_run(store, STORE_UPDATE,
                            "UPDATE documents SET status = 'done', summary = $2, body = $3, "
                            "finished = $4, error = NULL WHERE id = $1",
                            params, 4, NULL, NULL, err);

    free(summary);
    return r;
}

int documents_fail(struct store *store, const char *id, const char *why, struct svc_error *err)
{
    char now[NUMBER_SIZE];
    const char *params[] = {id, why, number_text(time_now(), now)};

    return store_run(
        store, STORE_UPDATE,
        "UPDATE documents SET status = 'failed', error = $2, finished = $3 WHERE id = $1", params,
        3, NULL, NULL, err);
}

int documents_delete(struct store *store, const char *id, struct document_task *ret,
                     struct svc_error *err)
{
    int r =
        store_run(store, STORE_SELECT, "SELECT digest, type, attempts FROM documents WHERE id = $1",
                  &id, 1, task_take, ret, err);

    if (r > 0) {
        r = store_run(store, STORE_DELETE, "DELETE FROM terms WHERE document = $1", &id, 1, NULL,
                      NULL, err);
    }
    return r < 0 ? r
                 : store_run(store, STORE_DELETE, "DELETE FROM documents WHERE id = $1", &id, 1,
                             NULL, NULL, err);
}

static bool is_word_byte(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

void documents_words(const char *text, size_t words_max, json_t *counts)
{
    char word[WORD_BYTES_MAX + 1];

    while (*text != '\0') {
        size_t len = 0;

        while (*text != '\0' && !is_word_byte(*text)) {
            text++;
        }
        while (is_word_byte(*text)) {
            if (len < WORD_BYTES_MAX) {
                word[len++] = (char)tolower((unsigned char)*text);
            }
            text++;
        }
        while (len > 0 && len == WORD_BYTES_MAX && ((unsigned char)word[len - 1] & 0x80) != 0) {
            len--; /* a character that was cut */
        }
        word[len] = '\0';
        if (len >= 2) {
            json_t *count = json_object_get(counts, word);

            if (count != NULL) {
                json_integer_set(count, json_integer_value(count) + 1);
            } else if (json_object_size(counts) < words_max) {
                json_object_set_new(counts, word, json_integer(1));
            }
        }
    }
}

static int terms_insert(struct store *store, const char *id, json_t *counts, struct svc_error *err)
{
    const char *word;
    json_t *count;
    int r = 0;

    json_object_foreach(counts, word, count)
    {
        char number[NUMBER_SIZE];
        const char *params[] = {word, id, number};

        (void)snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(count));
        r = store_run(
            store, STORE_INSERT,
            "INSERT INTO terms (term, document, count) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            params, 3, NULL, NULL, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

int documents_index(struct store *store, const char *id, struct svc_error *err)
{
    json_t *counts = json_object();
    char *text = NULL;
    int words = 0;
    int r = documents_text(store, id, &text, err);

    if (r >= 0 && text != NULL) {
        documents_words(text, DOCUMENTS_TERMS_MAX, counts);
        words = (int)json_object_size(counts);
        r = store_begin(store, err);
        r = r < 0 ? r : terms_insert(store, id, counts, err);
        if (store_end(store, r >= 0, NULL) < 0 && r >= 0) {
            r = svc_fail(err, -EIO, "database: the words of %s are not kept", id);
        }
    }
    free(text);
    json_decref(counts);
    return r < 0 ? r : words;
}

static int hit_take(void *context, const char *const *columns, size_t count)
{
    (void)count;
    return json_array_append_new(
        context,
        json_pack("{s:s, s:s, s:s, s:I}", "id", columns[0], "name", columns[1], "type", columns[2],
                  "count", (json_int_t)(columns[3] != NULL ? strtoll(columns[3], NULL, 10) : 0)));
}

int documents_search(struct store *store, const char *question, json_t **ret, struct svc_error *err)
{
    const char *params[DOCUMENTS_WORDS_MAX] = {"", "", "", "", "", "", "", ""};
    json_t *words = json_object();
    const char *word;
    json_t *unused;
    size_t count = 0;
    int r;

    documents_words(question, DOCUMENTS_WORDS_MAX, words);
    json_object_foreach(words, word, unused)
    {
        params[count++] = word;
    }
    *ret = json_array();
    r = count == 0 ? 0
                   : store_run(store, STORE_SELECT,
                               "SELECT documents.id, documents.name, documents.type, "
                               "SUM(terms.count) AS total FROM terms "
                               "JOIN documents ON documents.id = terms.document "
                               "WHERE terms.term IN ($1, $2, $3, $4, $5, $6, $7, $8) "
                               "GROUP BY documents.id, documents.name, documents.type "
                               "ORDER BY COUNT(*) DESC, total DESC, documents.id LIMIT 50",
                               params, DOCUMENTS_WORDS_MAX, hit_take, *ret, err);
    json_decref(words);
    if (r < 0) {
        json_decref(*ret);
        *ret = NULL;
    }
    return r;
}
