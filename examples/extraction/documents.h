/* documents: the rows of the database: documents, what was extracted from them, and the words that
 * they are found by. */
#pragma once

#include <jansson.h>

#include "doc.h"
#include "store.h"

enum {
    DOCUMENTS_ID_SIZE = 17,
    DOCUMENTS_LIST_MAX = 200,
    DOCUMENTS_TERMS_MAX = 2000,
    DOCUMENTS_WORDS_MAX = 8
};

/* A document as it is put in. */
struct document_new {
    const char *id;
    const char *digest; /* SHA-256 of its bytes, in hexadecimal */
    enum doc_type type;
    const char *name;
    size_t bytes;
};

/* What a worker needs to know of one. */
struct document_task {
    char digest[SVC_SHA256_HEX_SIZE];
    enum doc_type type;
    long attempts;
};

int documents_insert(struct store *store, const struct document_new *document,
                     struct svc_error *err);

/* documents_get returns a document as JSON without its text; NULL in *ret when there is none. */
int documents_get(struct store *store, const char *id, json_t **ret, struct svc_error *err);

/* documents_text returns its text, malloc'd; NULL in *ret when there is none. */
int documents_text(struct store *store, const char *id, char **ret, struct svc_error *err);

/* documents_list returns the newest, at most `limit`, as an array. */
int documents_list(struct store *store, long limit, json_t **ret, struct svc_error *err);

/* documents_begin says that a worker has begun: 1 and the task, or 0 when there is no such
 * document. */
int documents_begin(struct store *store, const char *id, struct document_task *ret,
                    struct svc_error *err);
int documents_finish(struct store *store, const char *id, const struct doc *doc,
                     struct svc_error *err);
int documents_fail(struct store *store, const char *id, const char *why, struct svc_error *err);

/* documents_delete removes a document and its words: 1, or 0 when there is none. Its digest and
 * type go to ret. */
int documents_delete(struct store *store, const char *id, struct document_task *ret,
                     struct svc_error *err);

/* documents_index counts the words of a document's text: how many different ones, or a negative
 * errno. */
int documents_index(struct store *store, const char *id, struct svc_error *err);

/* documents_search returns the documents that have any of the question's words, the most of them
 * first. */
int documents_search(struct store *store, const char *question, json_t **ret,
                     struct svc_error *err);

/* documents_words counts the words of a text into an object: lower case runs of letters, digits and
 * UTF-8 beyond ASCII, of two characters or more. */
void documents_words(const char *text, size_t words_max, json_t *counts);
