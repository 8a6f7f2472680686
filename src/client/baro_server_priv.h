/* baro_server_priv: what the parts of the small HTTP server share: sockets (baro_server.c),
 * requests (baro_server_answer.c), the web-config file (baro_web_config.c) and TLS (baro_tls.c). */
#pragma once

#include "client/baro_priv.h"

#include <poll.h>
#include <sys/types.h>

enum { BARO_HEAD_MAX = 8192 };

/* What a web-config file of Prometheus says, as far as it is known here; see docs/client.md. */
struct baro_web_config {
    char *cert_file; /* NULL = no TLS */
    char *key_file;
    char *client_ca_file;
    bool client_must_show; /* RequireAnyClientCert and RequireAndVerifyClientCert */
    bool client_is_verified;
    struct baro_pair *users; /* name and bcrypt hash */
    size_t user_count;
    char *allowed; /* the Authorization that was right last: bcrypt takes 50 ms a time */
};

BARO_PRIVATE int baro_web_config_read(const char *path, struct baro_web_config *ret,
                                      struct baro_why *why);
/* baro_web_config_parse is the reading of its text; directory is what relative paths are relative
 * to. */
BARO_PRIVATE int baro_web_config_parse(const char *text, const char *directory,
                                       struct baro_web_config *ret, struct baro_why *why);
BARO_PRIVATE void baro_web_config_done(struct baro_web_config *config);
/* baro_web_config_allows checks the value of an Authorization header (NULL = none). */
BARO_PRIVATE bool baro_web_config_allows(struct baro_web_config *config, const char *authorization);

/* baro_base64_decode writes a NUL-terminated text; false when it is no base64, holds a NUL, or does
 * not fit. */
BARO_PRIVATE bool baro_base64_decode(const char *text, char *ret, size_t size);

/* TLS, where gnutls is built in; reads and writes return -1 with errno EAGAIN when they must wait.
 */
BARO_PRIVATE void *baro_tls_server_new(const struct baro_web_config *config, struct baro_why *why);
BARO_PRIVATE void baro_tls_server_free(void *server);
BARO_PRIVATE void *baro_tls_session_new(void *server, int fd);
BARO_PRIVATE void baro_tls_session_free(void *session);
BARO_PRIVATE ssize_t baro_tls_read(void *session, char *at, size_t size);
BARO_PRIVATE ssize_t baro_tls_write(void *session, const char *at, size_t size);
BARO_PRIVATE bool baro_tls_wants_write(void *session);

/* What is served. */
struct baro_server_site {
    struct baro_registry *registry;
    char *path;
    char *health_path;
    bool is_text_only;
    struct baro_web_config config;
    void *tls;
};

struct baro_server_connection {
    int fd;
    void *tls;
    int64_t deadline_ns;
    nfds_t poll;       /* its place among the polled ones */
    bool is_answering; /* answer goes out from `sent` on */
    bool has_more;     /* the last read found something: more may be there */
    bool keep_alive;
    size_t sent;
    struct baro_out answer;
    size_t head_size;
    char head[BARO_HEAD_MAX];
};

/* baro_server_answer reads one request from the connection's head and puts its answer together. It
 * returns the bytes of the request, 0 when more are needed. */
BARO_PRIVATE size_t baro_server_answer(struct baro_server_site *site,
                                       struct baro_server_connection *c);
BARO_PRIVATE int baro_health_put(struct baro_registry *registry, struct baro_out *out);
