#include "http/client_grant.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/lock.h"
#include "base/map.h"
#include "base/mem.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/sha256.h"
#include "codec/url_escape.h"
#include "conf/prom_config.h"
#include "http/client_assertion.h"
#include "http/client_settings.h"
#include "http/form.h"
#include "sys/clock.h"

enum {
    TOKENS_MAX = 10000,
    ANSWER_BYTES_MAX = 1 << 20, /* of a token endpoint */
    LEAD_SECONDS = 10,          /* a token this near to its end is not used any more */
    EXPIRY_SECONDS_MAX = INT32_MAX,
};

/* ---- The store of tokens ---- */

enum grant_style { STYLE_UNKNOWN, STYLE_HEADER, STYLE_FORM };

struct token {
    char *line;   /* "Authorization: Bearer ..."; NULL = there is none yet */
    mono expires; /* 0 = never */
    enum grant_style style;
};

struct http_tokens {
    struct lock lock;
    struct map by_key; /* lock: lock; of struct token, by what was asked with */
};

struct http_tokens *http_tokens_new(void)
{
    struct http_tokens *tokens = MEM_NEW(struct http_tokens);

    lock_init(&tokens->lock, LOCK_LEAF);
    return tokens;
}

static void tokens_empty(struct http_tokens *tokens)
{
    size_t index = 0;

    for (const struct map_entry *entry; (entry = map_next(&tokens->by_key, &index)) != NULL;) {
        struct token *token = entry->value;

        (void)mem_free(token->line);
        (void)mem_free(token);
        (void)mem_free((char *)(uintptr_t)entry->key.ptr);
    }
    map_done(&tokens->by_key);
}

struct http_tokens *http_tokens_free(struct http_tokens *tokens)
{
    if (tokens != NULL) {
        tokens_empty(tokens);
        lock_done(&tokens->lock);
    }
    return mem_free(tokens);
}

/* Appends the line of a token that is good at this time; else only says how it is asked for. */
static bool tokens_get(struct http_tokens *tokens, str key, mono now, struct buf *line,
                       enum grant_style *ret_style)
{
    const struct token *token;
    bool found;

    lock_acquire(&tokens->lock);
    token = map_get(&tokens->by_key, key);
    *ret_style = token != NULL ? token->style : STYLE_UNKNOWN;
    found = token != NULL && token->line != NULL &&
            (token->expires == 0 || token->expires - LEAD_SECONDS * MONO_PER_SECOND > now);
    if (found) {
        buf_c(line, token->line);
        buf_char(line, '\0');
    }
    lock_release(&tokens->lock);
    return found;
}

static void tokens_put(struct http_tokens *tokens, str key, const struct token *from)
{
    struct token *token;

    lock_acquire(&tokens->lock);
    token = map_get(&tokens->by_key, key);
    if (token == NULL) {
        if (tokens->by_key.count >= TOKENS_MAX) {
            tokens_empty(tokens);
        }
        token = MEM_NEW(struct token);
        (void)map_put(&tokens->by_key, str_from(str_dup_c(key)), token);
    }
    (void)mem_free(token->line);
    *token = *from;
    lock_release(&tokens->lock);
}

/* ---- Asking ---- */

struct client_grant {
    struct http_engine *engine;
    const struct prom_oauth2 *oauth2;
    struct http_tokens *tokens;
    struct http_tokens *own_tokens;
    client_granted *granted;
    struct http_client *client;
    struct prom_http settings; /* of the endpoint */
    struct http_client *asker; /* NULL before the first time */
    struct http_call call;
    struct http_headers *headers;
    struct buf body;
    struct buf line;
    struct buf secret;
    struct buf key; /* of what is asked for now */
    enum grant_style style;
    bool is_probing; /* the other style is tried next */
    struct http_call *waiting;
    struct http_call **last;
};

/* As there, any other type means client credentials. */
static bool is_signed(const struct prom_oauth2 *oauth2)
{
    return str_is(oauth2->grant_type, CLIENT_ASSERTION_GRANT);
}

int client_grant_check(const struct prom_oauth2 *oauth2, struct baro_error *err)
{
    const struct prom_http settings = {.tls = oauth2->tls,
                                       .proxy_connect_header = oauth2->proxy_connect_header};

    if (oauth2->client_secret_ref.len > 0 || oauth2->client_certificate_key_ref.len > 0) {
        return error_set(
            err, BARO_EUNSUPPORTED, "oauth2: there is no secret manager for %s: give the file",
            oauth2->client_secret_ref.len > 0 ? "client_secret_ref" : "client_certificate_key_ref");
    }
    return http_client_check(&settings, err);
}

struct client_grant *client_grant_new(struct http_engine *engine, const struct prom_oauth2 *oauth2,
                                      struct http_tokens *tokens, client_granted *granted,
                                      struct http_client *client)
{
    struct client_grant *grant = MEM_NEW(struct client_grant);

    grant->engine = engine;
    grant->oauth2 = oauth2;
    grant->own_tokens = tokens == NULL ? http_tokens_new() : NULL;
    grant->tokens = tokens == NULL ? grant->own_tokens : tokens;
    grant->granted = granted;
    grant->client = client;
    grant->last = &grant->waiting;
    grant->settings = (struct prom_http){.tls = oauth2->tls,
                                         .follow_redirects = true,
                                         .proxy_url = oauth2->proxy_url,
                                         .no_proxy = oauth2->no_proxy,
                                         .proxy_from_environment = oauth2->proxy_from_environment,
                                         .proxy_connect_header = oauth2->proxy_connect_header};
    return grant;
}

struct client_grant *client_grant_free(struct client_grant *grant)
{
    if (grant == NULL) {
        return NULL;
    }
    while (grant->waiting != NULL) {
        client_grant_forget(grant, grant->waiting);
    }
    http_call_cancel(&grant->call);
    grant->asker = http_client_free(grant->asker);
    grant->headers = http_headers_free(grant->headers);
    (void)http_tokens_free(grant->own_tokens);
    buf_done(&grant->body);
    buf_done(&grant->line);
    buf_done(&grant->secret);
    buf_done(&grant->key);
    return mem_free(grant);
}

/* Names a token by all that it is asked for with; the secret is in it as a hash alone. */
static void key_make(struct client_grant *grant)
{
    const struct prom_oauth2 *oauth2 = grant->oauth2;
    uint8_t digest[SHA256_BYTES];
    struct buf text = {0};

    buf_printf(&text, "%.*s%c%.*s%c%.*s%c%.*s", STR_ARG(oauth2->token_url), 0,
               STR_ARG(oauth2->client_id), 0, STR_ARG(buf_view(&grant->secret)), 0,
               STR_ARG(oauth2->grant_type));
    if (is_signed(oauth2)) {
        /* The claims stand in one place of one file. */
        buf_printf(&text, "%c%.*s%c%.*s%c%.*s%c%p", 0, STR_ARG(oauth2->iss), 0,
                   STR_ARG(oauth2->audience), 0, STR_ARG(oauth2->client_certificate_key_id), 0,
                   (const void *)oauth2->claims);
    }
    for (size_t i = 0; i < oauth2->scopes.count; i++) {
        buf_printf(&text, "%c%.*s", 1, STR_ARG(oauth2->scopes.items[i]));
    }
    for (size_t i = 0; i < oauth2->endpoint_params.count; i++) {
        const struct conf_pair *pair = &oauth2->endpoint_params.items[i];

        buf_printf(&text, "%c%.*s%c%.*s", 2, STR_ARG(pair->name), 3, STR_ARG(pair->value));
    }
    sha256_digest(buf_view(&text), digest);
    buf_reset(&grant->key);
    sha256_hex(&grant->key, digest);
    buf_done(&text);
}

static void pair_put(struct buf *form, str name, str value)
{
    if (form->len > 0) {
        buf_char(form, '&');
    }
    url_query_escape(form, name);
    buf_char(form, '=');
    url_query_escape(form, value);
}

/* endpoint_params may say another grant_type, but nothing else that is there. */
static bool is_taken(const struct client_grant *grant, str name, bool has_scope)
{
    return (has_scope && str_is(name, "scope")) ||
           (is_signed(grant->oauth2) && str_is(name, "assertion"));
}

static int assertion_put(struct client_grant *grant, struct baro_error *err)
{
    struct buf text = {0};
    int result = client_assertion_make(grant->oauth2, buf_view(&grant->secret),
                                       clock_now(clock_real()), &text, err);

    pair_put(&grant->body, STR("assertion"), buf_view(&text));
    buf_done(&text);
    return result;
}

static int form_make(struct client_grant *grant, struct baro_error *err)
{
    const struct prom_oauth2 *oauth2 = grant->oauth2;
    str type = is_signed(oauth2) ? STR(CLIENT_ASSERTION_GRANT) : STR("client_credentials");
    struct buf scopes = {0};

    buf_reset(&grant->body);
    for (size_t i = 0; i < oauth2->scopes.count; i++) {
        buf_c(&scopes, i > 0 ? " " : "");
        buf_str(&scopes, oauth2->scopes.items[i]);
    }
    if (scopes.len > 0) {
        pair_put(&grant->body, STR("scope"), buf_view(&scopes));
    }
    for (size_t i = 0; i < oauth2->endpoint_params.count; i++) {
        const struct conf_pair *pair = &oauth2->endpoint_params.items[i];

        if (str_is(pair->name, "grant_type")) {
            type = pair->value;
        } else if (is_taken(grant, pair->name, scopes.len > 0)) {
            buf_done(&scopes);
            return error_set(err, BARO_EINVALID, "oauth2: cannot overwrite parameter \"%.*s\"",
                             STR_ARG(pair->name));
        } else {
            pair_put(&grant->body, pair->name, pair->value);
        }
    }
    buf_done(&scopes);
    pair_put(&grant->body, STR("grant_type"), type);
    if (is_signed(oauth2)) {
        return assertion_put(grant, err);
    }
    if (grant->style == STYLE_FORM) {
        pair_put(&grant->body, STR("client_id"), oauth2->client_id);
        if (grant->secret.len > 0) {
            pair_put(&grant->body, STR("client_secret"), buf_view(&grant->secret));
        }
    }
    return 0;
}

static void headers_make(struct client_grant *grant)
{
    const char *lines[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
    struct buf pair = {0};
    struct buf line = {0};

    url_query_escape(&pair, grant->oauth2->client_id);
    buf_char(&pair, ':');
    url_query_escape(&pair, buf_view(&grant->secret));
    buf_c(&line, "Authorization: Basic ");
    base64_encode(&line, buf_view(&pair), false);
    buf_char(&line, '\0');
    lines[1] = line.ptr;
    (void)http_headers_free(grant->headers);
    grant->headers = http_headers_new(lines, grant->style == STYLE_HEADER ? 2 : 1);
    buf_done(&pair);
    buf_done(&line);
}

static void answered(struct http_call *call);

/* The endpoint's answer comes to answered(). */
static int ask(struct client_grant *grant, dur timeout, struct baro_error *err)
{
    int result = 0;

    if (grant->asker == NULL) {
        result = http_client_new(grant->engine, &grant->settings, &grant->asker, err);
    }
    result = result < 0 ? result : form_make(grant, err);
    if (result < 0) {
        return result;
    }
    headers_make(grant);
    buf_char(&grant->body, '\0');
    grant->body.len--;
    grant->call = (struct http_call){.url = grant->oauth2->token_url.ptr,
                                     .headers = grant->headers,
                                     .post = buf_view(&grant->body),
                                     .timeout = timeout,
                                     .body_bytes_max = ANSWER_BYTES_MAX,
                                     .done = answered};
    http_call_start(grant->asker, &grant->call);
    return 0;
}

/* ---- The answer ---- */

static int64_t seconds_of(str text)
{
    int64_t seconds = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || seconds > EXPIRY_SECONDS_MAX) {
            return 0;
        }
        seconds = seconds * 10 + (text.ptr[i] - '0');
    }
    return seconds;
}

static int form_read(struct arena *arena, str body, struct client_grant_answer *ret,
                     struct baro_error *err)
{
    struct form form = {0};
    int result = form_parse(arena, body, &form, err);

    if (result >= 0) {
        *ret = (struct client_grant_answer){
            .token = form_get(&form, STR("access_token")),
            .type = form_get(&form, STR("token_type")),
            .error = form_get(&form, STR("error")),
            .description = form_get(&form, STR("error_description")),
            .expires_s = seconds_of(form_get(&form, STR("expires_in")))};
    }
    return result;
}

static str text_of(struct arena *arena, const struct json *root, const char *key)
{
    str text = json_text(json_get(root, key));

    return text.ptr != NULL ? arena_str(arena, text) : STR("");
}

static int json_read(struct arena *arena, str body, struct client_grant_answer *ret,
                     struct baro_error *err)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    int result = json_doc_parse(body, &root, err);
    int64_t seconds = 0;

    if (result >= 0) {
        if (!json_int(json_get(root, "expires_in"), &seconds)) {
            seconds = seconds_of(text_of(arena, root, "expires_in"));
        }
        *ret =
            (struct client_grant_answer){.token = text_of(arena, root, "access_token"),
                                         .type = text_of(arena, root, "token_type"),
                                         .error = text_of(arena, root, "error"),
                                         .description = text_of(arena, root, "error_description"),
                                         .expires_s = seconds > 0 ? seconds : 0};
    }
    return result;
}

static bool is_form(str content_type)
{
    str name = str_trim(str_slice(content_type, 0, str_index_char(content_type, ';')));

    return str_eq_nocase(name, STR("application/x-www-form-urlencoded")) ||
           str_eq_nocase(name, STR("text/plain"));
}

int client_grant_read(struct arena *arena, str content_type, str body,
                      struct client_grant_answer *ret, struct baro_error *err)
{
    return is_form(content_type) ? form_read(arena, body, ret, err)
                                 : json_read(arena, body, ret, err);
}

/* What an endpoint says of its refusal, unless it repeats the secret. */
static int refusal(const struct client_grant *grant, const struct client_grant_answer *answer,
                   struct baro_error *err)
{
    str secret = buf_view(&grant->secret);
    bool tells = secret.len > 0 &&
                 (str_contains(answer->error, secret) || str_contains(answer->description, secret));

    if (answer->error.len == 0 || tells) {
        return error_set(err, BARO_ENETWORK, "oauth2: cannot fetch token: %s",
                         grant->call.status_text);
    }
    return error_set(err, BARO_ENETWORK, "oauth2: \"%.*s\" \"%.*s\"",
                     STR_ARG(str_slice(answer->error, 0, 60)),
                     STR_ARG(str_slice(answer->description, 0, 120)));
}

static const char *type_of(str type, char ret[64])
{
    if (type.len == 0 || str_eq_nocase(type, STR("bearer"))) {
        return "Bearer";
    }
    if (str_eq_nocase(type, STR("mac"))) {
        return "MAC";
    }
    if (str_eq_nocase(type, STR("basic"))) {
        return "Basic";
    }
    (void)snprintf(ret, 64, "%.*s", STR_ARG(type));
    return ret;
}

/* A line break would let the endpoint add headers to the requests. */
static bool is_header_text(str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 127) {
            return false;
        }
    }
    return true;
}

static int token_keep(struct client_grant *grant, const struct client_grant_answer *answer,
                      struct baro_error *err)
{
    struct buf line = {0};
    char type[64];
    struct token token = {.style = grant->style};

    if (answer->token.len == 0) {
        return error_set(err, BARO_EPARSE, "oauth2: server response missing access_token");
    }
    if (!is_header_text(answer->token) || !is_header_text(answer->type)) {
        return error_set(err, BARO_EPARSE, "oauth2: the token holds control characters");
    }
    buf_printf(&line, "Authorization: %s %.*s", type_of(answer->type, type),
               STR_ARG(answer->token));
    if (answer->expires_s > 0) {
        int64_t seconds =
            answer->expires_s < EXPIRY_SECONDS_MAX ? answer->expires_s : EXPIRY_SECONDS_MAX;

        token.expires = clock_mono(clock_real()) + seconds * MONO_PER_SECOND;
    }
    buf_reset(&grant->line);
    buf_str(&grant->line, buf_view(&line));
    buf_char(&grant->line, '\0'); /* libcurl's list takes C strings */
    token.line = buf_take_c(&line);
    tokens_put(grant->tokens, buf_view(&grant->key), &token);
    return 0;
}

static int answer_take(struct client_grant *grant, struct baro_error *err)
{
    const struct http_call *call = &grant->call;
    bool is_good = call->status >= 200 && call->status <= 299;
    struct arena arena = {0};
    struct client_grant_answer answer = {0};
    struct baro_error why = {0};
    int result = call->result;

    if (result < 0) {
        *err = call->err;
        return error_wrap(err, result, "oauth2: cannot fetch token");
    }
    result = client_grant_read(&arena, call->content_type, call->body, &answer, &why);
    if (!is_good || answer.error.len > 0) {
        answer.error = result < 0 ? STR("") : answer.error;
        result = refusal(grant, &answer, err);
    } else if (result < 0) {
        result =
            error_set(err, BARO_EPARSE, "oauth2: cannot parse the answer: %.150s", why.message);
    } else {
        result = token_keep(grant, &answer, err);
    }
    arena_done(&arena);
    return result;
}

/* To those that wait now: what they do may let others wait. */
static void hand_out(struct client_grant *grant, int result, const struct baro_error *why)
{
    struct http_client *client = grant->client;
    client_granted *granted = grant->granted;
    struct buf line = grant->line;
    size_t count = 0;

    grant->line = (struct buf){0};
    for (struct http_call *one = grant->waiting; one != NULL; one = one->next_waiting) {
        count++;
    }
    for (; count > 0 && grant->waiting != NULL; count--) {
        struct http_call *request = grant->waiting;

        client_grant_forget(grant, request);
        granted(client, request, buf_view(&line), result, why);
    }
    granted(client, NULL, STR_NULL, result, why); /* the grant may be gone afterwards */
    buf_done(&line);
}

static void answered(struct http_call *call)
{
    struct client_grant *grant = CONTAINER_OF(call, struct client_grant, call);
    struct baro_error why = {0};
    int result = answer_take(grant, &why);

    if (result < 0 && grant->is_probing && grant->waiting != NULL) {
        grant->is_probing = false;
        grant->style = STYLE_FORM;
        result = ask(grant, grant->waiting->timeout, &why);
        if (result >= 0) {
            return;
        }
    }
    hand_out(grant, result, &why);
}

/* ---- Requests ---- */

static int secret_read(struct client_grant *grant, struct baro_error *err)
{
    const struct prom_oauth2 *oauth2 = grant->oauth2;
    int result;

    buf_reset(&grant->secret);
    if (is_signed(oauth2)) {
        result =
            client_settings_value(&grant->secret, secret_reveal(oauth2->client_certificate_key),
                                  oauth2->client_certificate_key_file, err);
    } else {
        result = client_settings_value(&grant->secret, secret_reveal(oauth2->client_secret),
                                       oauth2->client_secret_file, err);
    }
    return result < 0 ? error_wrap(err, result, "unable to read oauth2 client secret") : 0;
}

int client_grant_begin(struct client_grant *grant, struct http_call *request, mono now,
                       str *ret_line, struct baro_error *err)
{
    bool is_asking = http_call_is_running(&grant->call);
    enum grant_style style = STYLE_UNKNOWN;
    int result;

    if (!is_asking) {
        result = secret_read(grant, err);
        if (result < 0) {
            return result;
        }
        key_make(grant);
        buf_reset(&grant->line);
        if (tokens_get(grant->tokens, buf_view(&grant->key), now, &grant->line, &style)) {
            *ret_line = buf_view(&grant->line);
            return GRANT_KNOWN;
        }
        grant->is_probing = style == STYLE_UNKNOWN && !is_signed(grant->oauth2);
        grant->style = is_signed(grant->oauth2) ? STYLE_FORM
                       : style == STYLE_UNKNOWN ? STYLE_HEADER
                                                : style;
        result = ask(grant, request->timeout, err);
        if (result < 0) {
            return result;
        }
    }
    request->grant = grant;
    request->next_waiting = NULL;
    *grant->last = request;
    grant->last = &request->next_waiting;
    return is_asking ? GRANT_WAITING : GRANT_ASKING;
}

void client_grant_forget(struct client_grant *grant, struct http_call *request)
{
    struct http_call **at = &grant->waiting;

    while (*at != NULL && *at != request) {
        at = &(*at)->next_waiting;
    }
    if (*at == request) {
        *at = request->next_waiting;
        grant->last = request->next_waiting == NULL ? at : grant->last;
    }
    request->grant = NULL;
    request->next_waiting = NULL;
}
