#include "conf/web_config.h"

#include <string.h>

#include "base/attr.h"
#include "testing/test.h"

/* No password belongs to it: the form is what is looked at. */
#define HASH "$2y$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234"

static struct web_config *load(const char *text)
{
    static struct faults faults;
    struct web_config *config = NULL;

    faults = (struct faults){0};
    assert_ok(web_config_parse(str_from(text), "web.yml", &config, &faults), &faults.items[0]);
    return config;
}

TEST(web_config_defaults)
{
    static const char *const texts[] = {"", "{}", "tls_server_config: {}\n",
                                        "tls_server_config: {cert_file: '', key_file: ''}\n"};

    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        CLEANUP(web_config_freep) struct web_config *config = NULL;

        test_row(texts[i]);
        config = load(texts[i]);
        assert_false(web_config_has_tls(config));
        assert_int_equal(config->users.count, 0);
        assert_int_equal(config->rate_interval, 0);
        assert_int_equal(config->files.count, 1);
    }
    test_row(NULL);
}

TEST(web_config_everything)
{
    CLEANUP(web_config_freep)
    struct web_config *config =
        load("tls_server_config:\n"
             "  cert: PEM1\n"
             "  key: PEM2\n"
             "  client_ca: PEM3\n"
             "  client_auth_type: RequireClientCert\n"
             "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n"
             "  curve_preferences: [X25519, CurveP256]\n"
             "  min_version: TLS11\n"
             "  max_version: TLS12\n"
             "  prefer_server_cipher_suites: false\n"
             "http_server_config:\n"
             "  http2: false\n"
             "  headers: {X-Frame-Options: deny, Content-Security-Policy: \"default-src 'self'\"}\n"
             "rate_limit: {interval: 100ms, burst: 7}\n"
             "basic_auth_users:\n"
             "  bob: " HASH "\n"
             "  alice: " HASH "\n");

    assert_true(web_config_has_tls(config));
    assert_str_equal(config->cert, STR("PEM1"));
    assert_str_equal(secret_reveal(config->key), STR("PEM2"));
    assert_str_equal(config->client_ca, STR("PEM3"));
    assert_int_equal(config->client_auth, WEB_CLIENT_REQUIRE_ANY);
    assert_int_equal(config->tls_min, WEB_TLS11);
    assert_int_equal(config->tls_max, WEB_TLS12);
    assert_false(config->prefer_server_ciphers);
    assert_int_equal(config->ciphers.count, 1);
    assert_int_equal(config->curves.count, 2);
    assert_int_equal(config->headers.count, 2);
    assert_int_equal(config->rate_burst, 7);
    assert_int_equal(config->rate_interval, 100);
    assert_int_equal(config->users.count, 2);
    assert_str_equal(config->users.items[0].name, STR("alice"));
    assert_int_equal(strlen(config->users.items[1].value.ptr), 60);
}

TEST(web_config_refusals)
{
    static const struct {
        const char *text;
        const char *want;
        uint32_t line;
    } cases[] = {
        {"tls_server_conf: {}\n", "field tls_server_conf not found", 1},
        {"- a\n", "cannot unmarshal", 1},
        {"a: [\n", "did not find", 0},
        {"tls_server_config:\n  key: k\n", "missing one of cert or cert_file", 2},
        {"tls_server_config:\n  cert: c\n", "missing one of key or key_file", 2},
        {"tls_server_config: {client_auth_type: RequestClientCert}\n", "missing one of cert", 1},
        {"tls_server_config: {client_auth_type: x}\n", "invalid ClientAuth: x", 1},
        {"tls_server_config: {cert: c, key: k, client_ca: a}\n", "without a Client Auth Policy", 1},
        {"tls_server_config: {cert: c, key: k, min_version: TLS111}\n",
         "unknown TLS version: TLS111", 1},
        {"tls_server_config:\n  cert: c\n  key: k\n  min_version: TLS13\n  max_version: TLS12\n",
         "min_version is above max_version", 4},
        {"tls_server_config: {cert: c, key: k, client_allowed_sans: [a]}\n",
         "wants certificates that are verified", 1},
        {"tls_server_config: {cert_file: no/such/file, key: k}\n", "cert_file: open no/such/file",
         1},
        {"http_server_config:\n  headers: {Content-Type: foo}\n",
         "HTTP header \"Content-Type\" can not be configured", 2},
        {"http_server_config: {headers: {X-Frame-Options: foo}}\n",
         "expected deny or sameorigin, but got \"foo\"", 1},
        {"http_server_config: {headers: {X-Content-Type-Options: sniff}}\n",
         "expected nosniff, but got \"sniff\"", 1},
        {"http_server_config: {headers: {X-XSS-Protection: \"1\\r\\nSet-Cookie: a\"}}\n",
         "no control characters", 1},
        {"basic_auth_users:\n  john: doe\n", "what \"john\" has is no bcrypt hash", 2},
        {"basic_auth_users: {john: \"" HASH "x\"}\n", "is no bcrypt hash", 1},
        {"basic_auth_users: {john: 1, john: 2}\n", "john", 1},
        {"rate_limit: {interval: 1s}\n", "burst is 0", 1},
        {"rate_limit: {interval: 1s, burst: -1}\n", "not negative", 1},
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        static struct faults faults;
        struct web_config *config = NULL;

        faults = (struct faults){0};
        test_row(cases[i].text);
        assert_true(web_config_parse(str_from(cases[i].text), "web.yml", &config, &faults) < 0);
        assert_null(config);
        assert_non_null(strstr(faults.items[0].message, cases[i].want));
        if (cases[i].line > 0) {
            assert_int_equal(faults.items[0].line, cases[i].line);
        }
    }
    test_row(NULL);
}
