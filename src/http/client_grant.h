/*
 * client_grant: OAuth2's client credentials grant (RFC 6749, 4.4) and its JWT bearer grant (RFC
 * 7523) as Prometheus's clients do them: a token is fetched from `token_url` when a request needs
 * one, and used until ten seconds before its end. With client credentials the client is told by
 * HTTP Basic first, and where that is refused by the form; what worked is remembered. Requests that
 * come while a token is on its way wait for it. A 401 of the target
 * does not fetch another. All but the store of tokens belongs to the loop's thread.
 */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "http/client.h"

struct arena;
struct client_grant;
struct prom_oauth2;

/* What a token endpoint says, empty where it does not. */
struct client_grant_answer {
    str token;
    str type;
    str error;
    str description;
    int64_t expires_s; /* 0 = it does not say */
};

/* client_grant_read reads an answer: a form, or JSON. */
int client_grant_read(struct arena *arena, str content_type, str body,
                      struct client_grant_answer *ret, struct baro_error *err);

/* client_grant_check says whether the settings can be used. */
int client_grant_check(const struct prom_oauth2 *oauth2, struct baro_error *err);

/*
 * Called for each request that has waited, with the header line or the failure; then once with
 * NULL, when nothing is asked for any more and `client` may be freed.
 */
typedef void client_granted(struct http_client *client, struct http_call *request, str line,
                            int result, const struct baro_error *why);

/* client_grant_new: `tokens` is shared, or NULL for a store of its own. */
struct client_grant *client_grant_new(struct http_engine *engine, const struct prom_oauth2 *oauth2,
                                      struct http_tokens *tokens, client_granted *granted,
                                      struct http_client *client);
struct client_grant *client_grant_free(struct client_grant *grant);

enum client_grant_state { GRANT_KNOWN, GRANT_WAITING, GRANT_ASKING };

/*
 * client_grant_begin gives the header line of the token (until the next call), or lets the request
 * wait: GRANT_ASKING for the first one. Fails with the error of a secret's file.
 */
int client_grant_begin(struct client_grant *grant, struct http_call *request, mono now,
                       str *ret_line, struct baro_error *err);

/* client_grant_forget: the request does not wait any more. */
void client_grant_forget(struct client_grant *grant, struct http_call *request);

/* http_client_new_sharing is http_client_new with a store of tokens that outlives the client; NULL
 * = none. */
int http_client_new_sharing(struct http_engine *engine, const struct prom_http *settings,
                            struct http_tokens *tokens, struct http_client **ret,
                            struct baro_error *err);
