/*
 * TLS of the server. libmicrohttpd does the work; each session is given credentials, priorities and
 * the check of the client's certificate here before its handshake, so that a certificate that was
 * renewed is used by the next connection, without a restart.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/mem.h"
#include "http/server_web_priv.h"

struct server_tls {
    const struct web_config *config; /* borrowed */
    gnutls_certificate_credentials_t credentials;
    gnutls_priority_t priority;
};

/* ---- priorities ---- */

/* Go's suites of TLS 1.2 and below, by the parts that GnuTLS has for them. */
static const struct {
    const char *name;
    const char *exchange;
    const char *cipher;
    const char *mac;
} suites[] = {
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA", "AES-128-CBC", "SHA1"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA", "AES-128-GCM", "AEAD"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA", "AES-256-CBC", "SHA1"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA", "AES-256-GCM", "AEAD"},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA", "CHACHA20-POLY1305", "AEAD"},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA", "AES-128-CBC", "SHA1"},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA", "AES-128-GCM", "AEAD"},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA", "AES-256-CBC", "SHA1"},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA", "AES-256-GCM", "AEAD"},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA", "CHACHA20-POLY1305", "AEAD"},
    /* Of TLS 1.3: Go takes their names and does as it likes. */
    {"TLS_AES_128_GCM_SHA256", NULL, "AES-128-GCM", "AEAD"},
    {"TLS_AES_256_GCM_SHA384", NULL, "AES-256-GCM", "AEAD"},
    {"TLS_CHACHA20_POLY1305_SHA256", NULL, "CHACHA20-POLY1305", "AEAD"},
};

static const struct {
    const char *name;
    const char *group;
} curves[] = {
    {"CurveP256", "SECP256R1"},
    {"CurveP384", "SECP384R1"},
    {"CurveP521", "SECP521R1"},
    {"X25519", "X25519"},
};

/* A part twice is no fault to GnuTLS, and the first place counts. */
static int add_ciphers(struct buf *text, const struct web_config *config, struct baro_error *err)
{
    bool any_modern = false;

    if (config->ciphers.count == 0) {
        return 0;
    }
    buf_c(text, ":-CIPHER-ALL:-KX-ALL:-MAC-ALL:+ECDHE-ECDSA:+ECDHE-RSA");
    for (size_t i = 0; i < config->ciphers.count; i++) {
        size_t k = 0;

        while (k < ARRAY_COUNT(suites) && !str_is(config->ciphers.items[i], suites[k].name)) {
            k++;
        }
        if (k == ARRAY_COUNT(suites)) {
            return error_set(err, BARO_EINVALID, "cipher_suites: unknown cipher: %.*s",
                             STR_ARG(config->ciphers.items[i]));
        }
        any_modern |= strcmp(suites[k].mac, "AEAD") == 0;
        buf_printf(text, ":+%s:+%s", suites[k].cipher, suites[k].mac);
    }
    if (!any_modern && config->tls_max == WEB_TLS13) {
        return error_set(err, BARO_EINVALID,
                         "cipher_suites: none of these has a cipher of TLS 1.3: add one with GCM "
                         "or CHACHA20, or say max_version: TLS12");
    }
    return 0;
}

static int add_curves(struct buf *text, const struct web_config *config, struct baro_error *err)
{
    for (size_t i = 0; i < config->curves.count; i++) {
        size_t k = 0;

        while (k < ARRAY_COUNT(curves) && !str_is(config->curves.items[i], curves[k].name)) {
            k++;
        }
        if (k == ARRAY_COUNT(curves)) {
            return error_set(err, BARO_EINVALID, "curve_preferences: unknown curve: %.*s",
                             STR_ARG(config->curves.items[i]));
        }
        buf_printf(text, "%s:+GROUP-%s", i == 0 ? ":-GROUP-ALL" : "", curves[k].group);
    }
    return 0;
}

static int write_priorities(struct buf *text, const struct web_config *config,
                            struct baro_error *err)
{
    static const char *const versions[] = {"+VERS-TLS1.0", "+VERS-TLS1.1", "+VERS-TLS1.2",
                                           "+VERS-TLS1.3"};
    int r;

    buf_c(text, "NORMAL:-VERS-ALL");
    for (int version = WEB_TLS13; version >= WEB_TLS10; version--) {
        if (version >= (int)config->tls_min && version <= (int)config->tls_max) {
            buf_printf(text, ":%s", versions[version]);
        }
    }
    r = add_ciphers(text, config, err);
    r = r < 0 ? r : add_curves(text, config, err);
    if (config->prefer_server_ciphers) {
        buf_c(text, ":%SERVER_PRECEDENCE");
    }
    buf_char(text, '\0');
    return r < 0 ? r : (text->failed ? -ENOMEM : 0);
}

/* ---- credentials ---- */

static int gnutls_fault(struct baro_error *err, const char *what, int result)
{
    return error_set(err, BARO_EINVALID, "tls_server_config: %s: %s", what,
                     gnutls_strerror(result));
}

static gnutls_datum_t datum_of(str text)
{
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)text.ptr, (unsigned)text.len};
}

static int load_credentials(struct server_tls *tls, struct baro_error *err)
{
    const struct web_config *config = tls->config;
    gnutls_datum_t cert = datum_of(config->cert);
    gnutls_datum_t key = datum_of(secret_reveal(config->key));
    gnutls_datum_t ca = datum_of(config->client_ca);
    int r = gnutls_certificate_allocate_credentials(&tls->credentials);

    if (r < 0) {
        return gnutls_fault(err, "credentials", r);
    }
    r = gnutls_certificate_set_x509_key_mem2(tls->credentials, &cert, &key, GNUTLS_X509_FMT_PEM,
                                             NULL, 0);
    if (r < 0) {
        return gnutls_fault(err, "certificate and key", r);
    }
    if (config->client_auth < WEB_CLIENT_VERIFY_IF_GIVEN) {
        return 0;
    }
    r = ca.size > 0
            ? gnutls_certificate_set_x509_trust_mem(tls->credentials, &ca, GNUTLS_X509_FMT_PEM)
            : gnutls_certificate_set_x509_system_trust(tls->credentials);
    if (r <= 0 && ca.size > 0) {
        return error_set(err, BARO_EINVALID,
                         "tls_server_config: client_ca_file has no certificate that can be used");
    }
    return 0;
}

int server_tls_new(const struct web_config *config, struct server_tls **ret, struct baro_error *err)
{
    struct server_tls *tls = MEM_NEW(struct server_tls);
    struct buf priorities = {0};
    const char *bad = NULL;
    int r;

    tls->config = config;
    r = write_priorities(&priorities, config, err);
    if (r >= 0) {
        r = gnutls_priority_init(&tls->priority, priorities.ptr, &bad);
        r = r < 0 ? gnutls_fault(err, "versions and ciphers", r) : load_credentials(tls, err);
    }
    buf_done(&priorities);
    if (r < 0) {
        (void)server_tls_free(tls);
        return r;
    }
    *ret = tls;
    return 0;
}

struct server_tls *server_tls_free(struct server_tls *tls)
{
    if (tls != NULL) {
        if (tls->credentials != NULL) {
            gnutls_certificate_free_credentials(tls->credentials);
        }
        if (tls->priority != NULL) {
            gnutls_priority_deinit(tls->priority);
        }
        (void)mem_free(tls);
    }
    return NULL;
}

/* ---- clients' certificates ---- */

static bool is_allowed(const struct conf_strs *allowed, str name)
{
    for (size_t i = 0; i < allowed->count; i++) {
        if (str_eq(allowed->items[i], name)) {
            return true;
        }
    }
    return false;
}

/* An address stands in the certificate as bytes, in the list as text. */
static bool san_is_allowed(const struct conf_strs *allowed, gnutls_x509_crt_t cert, unsigned index,
                           bool *ret_more)
{
    char name[1024];
    char text[64];
    size_t size = sizeof(name);
    int type = gnutls_x509_crt_get_subject_alt_name(cert, index, name, &size, NULL);

    *ret_more = type != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
    if (type == GNUTLS_SAN_IPADDRESS) {
        int family = size == 4 ? AF_INET : AF_INET6;

        return (size == 4 || size == 16) && inet_ntop(family, name, text, sizeof(text)) != NULL &&
               is_allowed(allowed, str_from(text));
    }
    return (type == GNUTLS_SAN_DNSNAME || type == GNUTLS_SAN_RFC822NAME ||
            type == GNUTLS_SAN_URI) &&
           is_allowed(allowed, str_of(name, strnlen(name, size)));
}

enum { SANS_MAX = 1000 };

static bool has_allowed_san(const struct conf_strs *allowed, const gnutls_datum_t *raw)
{
    gnutls_x509_crt_t cert = NULL;
    bool found = false;
    bool more = true;

    if (allowed->count == 0) {
        return true;
    }
    if (gnutls_x509_crt_init(&cert) < 0) {
        return false;
    }
    if (gnutls_x509_crt_import(cert, raw, GNUTLS_X509_FMT_DER) >= 0) {
        for (unsigned i = 0; i < SANS_MAX && more && !found; i++) {
            found = san_is_allowed(allowed, cert, i, &more);
        }
    }
    gnutls_x509_crt_deinit(cert);
    return found;
}

/* Runs in the handshake; anything but 0 ends it with an alert. */
static int look_at_client(gnutls_session_t session)
{
    const struct server_tls *tls = gnutls_session_get_ptr(session);
    unsigned count = 0;
    unsigned status = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);

    if (chain == NULL || count == 0) {
        return tls->config->client_auth == WEB_CLIENT_VERIFY ? GNUTLS_E_CERTIFICATE_REQUIRED : 0;
    }
    if (gnutls_certificate_verify_peers2(session, &status) < 0 || status != 0 ||
        !has_allowed_san(&tls->config->client_sans, &chain[0])) {
        return GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
    }
    return 0;
}

bool server_tls_begin(struct server_tls *tls, void *context)
{
    gnutls_session_t session = context;
    enum web_client_auth auth = tls->config->client_auth;
    const gnutls_datum_t protocol = {(unsigned char *)(uintptr_t) "http/1.1", 8};

    gnutls_session_set_ptr(session, tls);
    if (auth != WEB_CLIENT_NONE) {
        gnutls_certificate_server_set_request(session, auth == WEB_CLIENT_REQUIRE_ANY ||
                                                               auth == WEB_CLIENT_VERIFY
                                                           ? GNUTLS_CERT_REQUIRE
                                                           : GNUTLS_CERT_REQUEST);
    }
    if (auth >= WEB_CLIENT_VERIFY_IF_GIVEN) {
        gnutls_session_set_verify_function(session, look_at_client);
    }
    (void)gnutls_alpn_set_protocols(session, &protocol, 1, 0);
    return gnutls_priority_set(session, tls->priority) >= 0 &&
           gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, tls->credentials) >= 0;
}

void server_tls_send(void *session, const void *data, size_t size)
{
    (void)gnutls_record_send(session, data, size);
}
