#include "client/baro_server_priv.h"

#ifdef BARO_WITH_GNUTLS

#include <errno.h>
#include <stdlib.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

struct tls_server {
    gnutls_certificate_credentials_t credentials;
    gnutls_priority_t priority;
    bool asks;
    bool must_show;
    bool is_verified;
};

struct tls_session {
    gnutls_session_t session;
    struct tls_server *server;
    bool is_open; /* the handshake is done */
};

/* As Prometheus: TLS 1.2 and 1.3. */
static const char priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

void baro_tls_server_free(void *context)
{
    struct tls_server *server = context;

    if (server == NULL) {
        return;
    }
    if (server->credentials != NULL) {
        gnutls_certificate_free_credentials(server->credentials);
    }
    if (server->priority != NULL) {
        gnutls_priority_deinit(server->priority);
    }
    free(server);
}

static int server_load(struct tls_server *server, const struct baro_web_config *config)
{
    int result = gnutls_certificate_allocate_credentials(&server->credentials);

    if (result >= 0) {
        result = gnutls_priority_init(&server->priority, priorities, NULL);
    }
    if (result >= 0) {
        result = gnutls_certificate_set_x509_key_file(server->credentials, config->cert_file,
                                                      config->key_file, GNUTLS_X509_FMT_PEM);
    }
    if (result >= 0 && config->client_ca_file != NULL) {
        result = gnutls_certificate_set_x509_trust_file(server->credentials, config->client_ca_file,
                                                        GNUTLS_X509_FMT_PEM);
    }
    return result;
}

void *baro_tls_server_new(const struct baro_web_config *config, struct baro_why *why)
{
    struct tls_server *server = calloc(1, sizeof(*server));
    int result = server == NULL ? GNUTLS_E_MEMORY_ERROR : server_load(server, config);

    if (result < 0) {
        (void)baro_fail(why, BARO_IO, "web config: tls_server_config: %s", gnutls_strerror(result));
        baro_tls_server_free(server);
        return NULL;
    }
    server->must_show = config->client_must_show;
    server->is_verified = config->client_is_verified;
    server->asks = config->client_must_show || config->client_is_verified;
    return server;
}

void *baro_tls_session_new(void *context, int fd)
{
    struct tls_server *server = context;
    struct tls_session *session = calloc(1, sizeof(*session));

    if (session == NULL ||
        gnutls_init(&session->session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0) {
        free(session);
        return NULL;
    }
    session->server = server;
    if (gnutls_priority_set(session->session, server->priority) < 0 ||
        gnutls_credentials_set(session->session, GNUTLS_CRD_CERTIFICATE, server->credentials) < 0) {
        baro_tls_session_free(session);
        return NULL;
    }
    if (server->asks) {
        gnutls_certificate_server_set_request(
            session->session, server->must_show ? GNUTLS_CERT_REQUIRE : GNUTLS_CERT_REQUEST);
    }
    gnutls_transport_set_int(session->session, fd);
    return session;
}

/* No close_notify is waited for: the answer had its length. */
void baro_tls_session_free(void *context)
{
    struct tls_session *session = context;

    if (session != NULL) {
        if (session->is_open) {
            (void)gnutls_bye(session->session, GNUTLS_SHUT_WR);
        }
        gnutls_deinit(session->session);
        free(session);
    }
}

/* -1 with errno: EAGAIN to wait for the socket, EPROTO for the end. */
static ssize_t result_of(ssize_t n)
{
    if (n >= 0) {
        return n;
    }
    errno = n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED ? EAGAIN : EPROTO;
    return -1;
}

/* A certificate of the same authority that was made for servers alone is no client's. */
static bool client_is_good(struct tls_session *session)
{
    static unsigned char client[] = GNUTLS_KP_TLS_WWW_CLIENT;
    gnutls_typed_vdata_st purpose = {GNUTLS_DT_KEY_PURPOSE_OID, client, 0};
    unsigned status = 0;
    unsigned count = 0;

    if (!session->server->is_verified) {
        return true;
    }
    if (gnutls_certificate_get_peers(session->session, &count) == NULL || count == 0) {
        return !session->server->must_show;
    }
    return gnutls_certificate_verify_peers(session->session, &purpose, 1, &status) == 0 &&
           status == 0;
}

static ssize_t shake_hands(struct tls_session *session)
{
    int result = GNUTLS_E_AGAIN;

    if (session->is_open) {
        return 0;
    }
    do {
        result = gnutls_handshake(session->session);
    } while (result < 0 && result != GNUTLS_E_AGAIN && gnutls_error_is_fatal(result) == 0);
    if (result < 0) {
        return result_of(result);
    }
    if (!client_is_good(session)) {
        errno = EPROTO;
        return -1;
    }
    session->is_open = true;
    return 0;
}

ssize_t baro_tls_read(void *context, char *at, size_t size)
{
    struct tls_session *session = context;

    if (shake_hands(session) < 0) {
        return -1;
    }
    return result_of(gnutls_record_recv(session->session, at, size));
}

ssize_t baro_tls_write(void *context, const char *at, size_t size)
{
    struct tls_session *session = context;

    return result_of(gnutls_record_send(session->session, at, size));
}

/* During the handshake the session says itself which way it waits. */
bool baro_tls_wants_write(void *context)
{
    struct tls_session *session = context;

    return !session->is_open && gnutls_record_get_direction(session->session) == 1;
}

#else

void *baro_tls_server_new(const struct baro_web_config *config, struct baro_why *why)
{
    (void)config;
    (void)baro_fail(why, BARO_UNSUPPORTED,
                    "web config: tls_server_config: this build is without BARO_WITH_GNUTLS");
    return NULL;
}

void baro_tls_server_free(void *server)
{
    (void)server;
}

void *baro_tls_session_new(void *server, int fd)
{
    (void)server, (void)fd;
    return NULL;
}

void baro_tls_session_free(void *session)
{
    (void)session;
}

ssize_t baro_tls_read(void *session, char *at, size_t size)
{
    (void)session, (void)at, (void)size;
    return 0;
}

ssize_t baro_tls_write(void *session, const char *at, size_t size)
{
    (void)session, (void)at, (void)size;
    return 0;
}

bool baro_tls_wants_write(void *session)
{
    (void)session;
    return false;
}

#endif
