/*
 * web_config: the file of --web.config.file, which Prometheus and its exporters share: TLS, users
 * with hashed passwords, headers of answers, a limit on the rate of requests. What it names
 * (certificate, key, client CA) is read with it, so that one struct is one state of all of them.
 * Whether the certificate can be used is for http/server_tls to say. Immutable once it is loaded.
 */
#pragma once

#include "base/arena.h"
#include "base/attr.h"
#include "base/dur.h"
#include "base/error.h"
#include "conf/prom_config.h"
#include "conf/secret.h"

/* What is asked of a client's certificate; the order is that of the names in web_config.c. */
enum web_client_auth {
    WEB_CLIENT_NONE,
    WEB_CLIENT_REQUEST,         /* asked for, not looked at */
    WEB_CLIENT_REQUIRE_ANY,     /* wanted, not looked at */
    WEB_CLIENT_VERIFY_IF_GIVEN, /* a bad one is refused */
    WEB_CLIENT_VERIFY,          /* a good one is wanted */
};

enum web_tls_version { WEB_TLS10, WEB_TLS11, WEB_TLS12, WEB_TLS13 };

struct web_config {
    struct arena arena;

    str cert; /* PEM; empty = plain HTTP */
    struct secret key;
    str client_ca; /* PEM; empty = the system's */
    enum web_client_auth client_auth;
    enum web_tls_version tls_min;
    enum web_tls_version tls_max;
    bool prefer_server_ciphers;
    struct conf_strs ciphers; /* Go's names, of TLS 1.2 and below */
    struct conf_strs curves;  /* likewise */
    struct conf_strs client_sans;

    struct conf_pairs headers;
    struct conf_pairs users; /* name, bcrypt hash */
    int64_t rate_burst;
    dur rate_interval; /* 0 = no limit */

    struct conf_strs files; /* those that were read, the configuration itself first */
};

/* web_config_load reads the file and what it names. Faults have file, line and column. */
int web_config_load(const char *path, struct web_config **ret, struct faults *faults);

/* web_config_parse is the same for a text; what it names lies beside `path`. */
int web_config_parse(str text, const char *path, struct web_config **ret, struct faults *faults);

/* web_config_has_tls says whether the server shall speak TLS. */
bool web_config_has_tls(const struct web_config *config);

/* web_config_free wipes what is secret. */
struct web_config *web_config_free(struct web_config *config);
DEFINE_CLEANUP(web_config_free, struct web_config)
