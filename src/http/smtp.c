#include "http/smtp.h"

#include <curl/curl.h>
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/mem.h"
#include "conf/prom_config.h"
#include "http/client.h"
#include "http/client_curl.h"

/* A message on its way. */
struct transfer {
    const struct smtp_message *message;
    CURL *easy;
    struct curl_slist *recipients;
    struct curl_slist *connect_to;
    struct client_texts texts;
    size_t sent;
    char error[CURL_ERROR_SIZE];
};

static size_t on_read(char *to, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    str rest = str_from_index(transfer->message->text, transfer->sent);
    size_t len = rest.len < size * count ? rest.len : size * count;

    if (len > 0) {
        memcpy(to, rest.ptr, len);
    }
    transfer->sent += len;
    return len;
}

static size_t on_answer(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes;
    (void)context;
    return size * count;
}

static int on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct smtp_message *message = context;

    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return message->cancel != NULL && atomic_load_explicit(message->cancel, memory_order_relaxed);
}

static bool is_this_host(str host)
{
    return str_is(host, "localhost") || str_is(host, "127.0.0.1") || str_is(host, "::1");
}

static void text_set(CURL *easy, CURLoption option, str text)
{
    char *copy = str_dup_c(text);

    (void)curl_easy_setopt(easy, option, copy);
    (void)mem_free(copy);
}

/* curl takes the name that the certificate must have from the URL: another name there, and the
 * connection directed to the true host. */
static void url_set(struct transfer *transfer)
{
    const struct smtp_message *message = transfer->message;
    bool renamed = message->tls != NULL && message->tls->server_name.len > 0;
    str name = renamed ? message->tls->server_name : message->host;
    bool is_v6 = str_index_char(name, ':') != SIZE_MAX;
    struct buf url = {0};
    char *text;

    buf_printf(&url, "%s://%s%.*s%s:%.*s/%.*s", message->implicit_tls ? "smtps" : "smtp",
               is_v6 ? "[" : "", STR_ARG(name), is_v6 ? "]" : "", STR_ARG(message->port),
               STR_ARG(message->hello.len > 0 ? message->hello : STR("localhost")));
    text = buf_take_c(&url);
    (void)curl_easy_setopt(transfer->easy, CURLOPT_URL, text);
    (void)mem_free(text);
    if (renamed) {
        buf_printf(&url, "%.*s:%.*s:%.*s:%.*s", STR_ARG(name), STR_ARG(message->port),
                   STR_ARG(message->host), STR_ARG(message->port));
        text = buf_take_c(&url);
        transfer->connect_to = curl_slist_append(NULL, text);
        (void)curl_easy_setopt(transfer->easy, CURLOPT_CONNECT_TO, transfer->connect_to);
        (void)mem_free(text);
    }
}

/* How a user is made known. */
struct login {
    str password;
    const char *mechanisms;
};

static void login_set(struct transfer *transfer, const struct login *login)
{
    const struct smtp_message *message = transfer->message;

    if (login == NULL) {
        return;
    }
    text_set(transfer->easy, CURLOPT_USERNAME, message->username);
    text_set(transfer->easy, CURLOPT_PASSWORD, login->password);
    (void)curl_easy_setopt(transfer->easy, CURLOPT_LOGIN_OPTIONS, login->mechanisms);
    if (message->identity.len > 0) {
        text_set(transfer->easy, CURLOPT_SASL_AUTHZID, message->identity);
    }
}

static void envelope_set(struct transfer *transfer)
{
    const struct smtp_message *message = transfer->message;

    text_set(transfer->easy, CURLOPT_MAIL_FROM, message->from);
    for (size_t i = 0; i < message->to_count; i++) {
        char *address = str_dup_c(message->to[i]);
        struct curl_slist *grown = curl_slist_append(transfer->recipients, address);

        ASSERT(grown != NULL);
        transfer->recipients = grown;
        (void)mem_free(address);
    }
    (void)curl_easy_setopt(transfer->easy, CURLOPT_MAIL_RCPT, transfer->recipients);
    (void)curl_easy_setopt(transfer->easy, CURLOPT_UPLOAD, 1L);
    (void)curl_easy_setopt(transfer->easy, CURLOPT_READFUNCTION, on_read);
    (void)curl_easy_setopt(transfer->easy, CURLOPT_READDATA, transfer);
}

static void options_set(struct transfer *transfer)
{
    const struct smtp_message *message = transfer->message;
    CURL *easy = transfer->easy;

    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)message->timeout);
    (void)curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void)curl_easy_setopt(easy, CURLOPT_XFERINFODATA, (void *)(uintptr_t)message);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
    (void)curl_easy_setopt(easy, CURLOPT_USE_SSL,
                           message->require_tls && !message->implicit_tls ? (long)CURLUSESSL_ALL
                                                                          : (long)CURLUSESSL_NONE);
    client_tls_apply(easy, message->tls, &transfer->texts);
}

static int failure(const struct transfer *transfer, CURLcode code, struct baro_error *err)
{
    const char *detail = transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(code);

    if (code == CURLE_ABORTED_BY_CALLBACK) {
        return error_set(err, BARO_ECANCELED, "canceled");
    }
    if (code == CURLE_USE_SSL_FAILED) {
        return error_set(err, BARO_ENETWORK,
                         "'require_tls' is true (default) but \"%.*s:%.*s\" does not advertise the "
                         "STARTTLS extension",
                         STR_ARG(transfer->message->host), STR_ARG(transfer->message->port));
    }
    return error_set(err, code == CURLE_OPERATION_TIMEDOUT ? BARO_ETIMEOUT : BARO_ENETWORK,
                     "smtp %.*s:%.*s: %.300s", STR_ARG(transfer->message->host),
                     STR_ARG(transfer->message->port), detail);
}

/* One connection; *ret_denied tells that the login failed. */
static int attempt(const struct smtp_message *message, const struct login *login, int *ret_status,
                   bool *ret_denied, struct baro_error *err)
{
    struct transfer transfer = {.message = message, .easy = curl_easy_init()};
    CURLcode code;
    long status = 0;
    int result = 0;

    ASSERT(transfer.easy != NULL);
    result = client_texts_open(message->tls, &transfer.texts, err);
    if (result < 0) {
        curl_easy_cleanup(transfer.easy);
        return result;
    }
    options_set(&transfer);
    url_set(&transfer);
    login_set(&transfer, login);
    envelope_set(&transfer);
    code = curl_easy_perform(transfer.easy);
    (void)curl_easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    *ret_status = (int)status;
    *ret_denied = code == CURLE_LOGIN_DENIED;
    if (code != CURLE_OK) {
        result = failure(&transfer, code, err);
    }
    curl_easy_cleanup(transfer.easy);
    curl_slist_free_all(transfer.recipients);
    curl_slist_free_all(transfer.connect_to);
    client_texts_close(&transfer.texts);
    return result;
}

int smtp_send(const struct smtp_message *message, int *ret_status, struct baro_error *err)
{
    bool is_private = message->implicit_tls || message->require_tls || is_this_host(message->host);
    struct login logins[2];
    size_t count = 0;
    bool denied = false;
    int result = 0;

    *ret_status = 0;
    http_client_global_init();
    if (message->tls != NULL) {
        const struct prom_http settings = {.tls = message->tls};

        result = http_client_check(&settings, err);
    }
    if (result < 0 || message->username.len == 0) {
        return result < 0 ? result : attempt(message, NULL, ret_status, &denied, err);
    }
    if (message->secret.len > 0) {
        logins[count++] = (struct login){message->secret, "AUTH=CRAM-MD5"};
    }
    if (message->password.len > 0) {
        logins[count++] =
            (struct login){message->password, is_private ? "AUTH=PLAIN;AUTH=LOGIN" : "AUTH=LOGIN"};
    }
    if (count == 0) {
        return error_set(err, BARO_EINVALID, "a user name, but neither password nor secret");
    }
    for (size_t i = 0; i < count; i++) {
        result = attempt(message, &logins[i], ret_status, &denied, err);
        if (result == 0 || !denied) {
            break;
        }
    }
    return result;
}
