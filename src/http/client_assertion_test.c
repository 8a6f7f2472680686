#include "http/client_assertion.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <string.h>

#include "base/arena.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "conf/prom_config.h"
#include "testing/test.h"

#define NOW (INT64_C(1767600000) * 1000)

/* A key of this run, as PEM, and its public half. */
struct key {
    gnutls_x509_privkey_t private_key;
    gnutls_pubkey_t public_key;
    gnutls_datum_t pem;
};

static void key_make(struct key *ret, gnutls_pk_algorithm_t kind, unsigned bits, bool is_pkcs8)
{
    gnutls_privkey_t any = NULL;

    *ret = (struct key){0};
    assert_int_equal(gnutls_x509_privkey_init(&ret->private_key), 0);
    assert_int_equal(gnutls_x509_privkey_generate(ret->private_key, kind, bits, 0), 0);
    if (is_pkcs8) {
        assert_int_equal(gnutls_x509_privkey_export2_pkcs8(ret->private_key, GNUTLS_X509_FMT_PEM,
                                                           NULL, GNUTLS_PKCS_PLAIN, &ret->pem),
                         0);
    } else {
        assert_int_equal(
            gnutls_x509_privkey_export2(ret->private_key, GNUTLS_X509_FMT_PEM, &ret->pem), 0);
    }
    assert_int_equal(gnutls_privkey_init(&any), 0);
    assert_int_equal(gnutls_privkey_import_x509(any, ret->private_key, 0), 0);
    assert_int_equal(gnutls_pubkey_init(&ret->public_key), 0);
    assert_int_equal(gnutls_pubkey_import_privkey(ret->public_key, any, 0, 0), 0);
    gnutls_privkey_deinit(any);
}

static void key_done(struct key *key)
{
    gnutls_free(key->pem.data);
    gnutls_pubkey_deinit(key->public_key);
    gnutls_x509_privkey_deinit(key->private_key);
}

static str key_text(const struct key *key)
{
    return str_of((const char *)key->pem.data, key->pem.size);
}

/* The next part of a token, decoded. */
static void part(str *token, struct buf *ret)
{
    size_t dot = str_index_char(*token, '.');
    struct buf padded = {0};
    size_t bad = 0;

    buf_reset(ret);
    buf_str(&padded, str_slice(*token, 0, dot));
    assert_true(str_index_char(buf_view(&padded), '=') == SIZE_MAX);
    while (padded.len % 4 != 0) {
        buf_char(&padded, '=');
    }
    assert_true(base64_decode(ret, buf_view(&padded), true, &bad));
    *token = dot == SIZE_MAX ? STR("") : str_from_index(*token, dot + 1);
    buf_done(&padded);
}

/* Checks the signature; leaves header and claims. */
static void check(const struct key *key, str token, gnutls_sign_algorithm_t sign,
                  struct buf *header, struct buf *claims)
{
    struct buf signature = {0};
    str rest = token;
    size_t signed_bytes;

    part(&rest, header);
    part(&rest, claims);
    signed_bytes = token.len - rest.len - 1;
    part(&rest, &signature);
    {
        const gnutls_datum_t data = {(unsigned char *)(uintptr_t)token.ptr, (unsigned)signed_bytes};
        const gnutls_datum_t value = {(unsigned char *)signature.ptr, (unsigned)signature.len};

        assert_int_equal(gnutls_pubkey_verify_data2(key->public_key, sign, 0, &data, &value), 0);
    }
    buf_done(&signature);
}

TEST(client_assertion_is_signed)
{
    static const struct {
        const char *name;
        gnutls_sign_algorithm_t sign;
        const char *header;
        bool is_pkcs8;
    } cases[] = {
        {"", GNUTLS_SIGN_RSA_SHA256, "{\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":\"JWT\"}", false},
        {"RS256", GNUTLS_SIGN_RSA_SHA256, "{\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":\"JWT\"}",
         true},
        {"RS384", GNUTLS_SIGN_RSA_SHA384, "{\"alg\":\"RS384\",\"kid\":\"k1\",\"typ\":\"JWT\"}",
         false},
        {"RS512", GNUTLS_SIGN_RSA_SHA512, "{\"alg\":\"RS512\",\"kid\":\"k1\",\"typ\":\"JWT\"}",
         false},
    };
    struct buf header = {0};
    struct buf claims = {0};

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct prom_oauth2 oauth2 = {.client_id = STR("me"),
                                           .token_url = STR("http://x/token"),
                                           .client_certificate_key_id = STR("k1"),
                                           .signature_algorithm = str_from(cases[i].name)};
        struct baro_error err = {0};
        struct buf token = {0};
        struct key key;

        test_row(cases[i].name);
        key_make(&key, GNUTLS_PK_RSA, 2048, cases[i].is_pkcs8);
        assert_ok(client_assertion_make(&oauth2, key_text(&key), NOW, &token, &err), &err);
        check(&key, buf_view(&token), cases[i].sign, &header, &claims);
        assert_str_equal(buf_view(&header), str_from(cases[i].header));
        key_done(&key);
        buf_done(&token);
    }
    test_row(NULL);
    buf_done(&header);
    buf_done(&claims);
}

/* The claims without the one that is different each time. */
static str known_claims(struct arena *arena, const struct buf *claims)
{
    str text = buf_view(claims);
    size_t at = str_index(text, STR("\"jti\":\""));

    assert_true(at != SIZE_MAX);
    assert_true(text.ptr[at + 7 + 14] == '4'); /* a UUID, version 4 */
    return arena_printf(arena, "%.*s%.*s", STR_ARG(str_slice(text, 0, at)),
                        STR_ARG(str_from_index(text, at + 7 + 36 + 2)));
}

TEST(client_assertion_claims)
{
    static const char own[] = "{iss: other, n: 5, big: 18446744073709551615, f: 1.5, yes: true, "
                              "none: null, list: [a, {b: <c>}], deep: {x: {y: z}}}";
    static const str scopes[] = {STR_INIT("read"), STR_INIT("write")};
    struct arena arena = {0};
    struct baro_error err = {0};
    struct buf token = {0};
    struct buf header = {0};
    struct buf claims = {0};
    struct prom_oauth2 oauth2 = {.client_id = STR("me"), .token_url = STR("http://x/token")};
    const struct yaml_node *node = NULL;
    struct key key;

    key_make(&key, GNUTLS_PK_RSA, 2048, false);
    assert_ok(client_assertion_make(&oauth2, key_text(&key), NOW, &token, &err), &err);
    check(&key, buf_view(&token), GNUTLS_SIGN_RSA_SHA256, &header, &claims);
    assert_str_equal(buf_view(&header), STR("{\"alg\":\"RS256\",\"typ\":\"JWT\"}"));
    assert_str_equal(known_claims(&arena, &claims),
                     STR("{\"aud\":\"http://x/token\",\"exp\":1767600600,\"iat\":1767600000,"
                         "\"iss\":\"me\",\"sub\":\"me\"}"));

    assert_ok(yaml_parse(&arena, str_from(own), &node, &err), &err);
    oauth2.claims = node;
    oauth2.iss = STR("me too");
    oauth2.audience = STR("them");
    oauth2.scopes = (struct conf_strs){scopes, 2};
    buf_reset(&token);
    assert_ok(client_assertion_make(&oauth2, key_text(&key), NOW, &token, &err), &err);
    check(&key, buf_view(&token), GNUTLS_SIGN_RSA_SHA256, &header, &claims);
    assert_str_equal(
        known_claims(&arena, &claims),
        STR("{\"aud\":\"them\",\"big\":18446744073709551615,\"deep\":{\"x\":{\"y\":\"z\"}},"
            "\"exp\":1767600600,\"f\":1.5,\"iat\":1767600000,\"iss\":\"other\","
            "\"list\":[\"a\",{\"b\":\"\\u003cc\\u003e\"}],\"n\":5,\"none\":null,"
            "\"scope\":\"read write\",\"sub\":\"me\",\"yes\":true}"));
    key_done(&key);
    buf_done(&token);
    buf_done(&header);
    buf_done(&claims);
    arena_done(&arena);
}

TEST(client_assertion_refuses_keys)
{
    const struct prom_oauth2 oauth2 = {.client_id = STR("me"), .token_url = STR("http://x/")};
    struct baro_error err = {0};
    struct buf token = {0};
    struct key key;

    assert_int_equal(client_assertion_make(&oauth2, STR(""), NOW, &token, &err), BARO_EINVALID);
    assert_int_equal(client_assertion_make(&oauth2,
                                           STR("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n"
                                               "-----END RSA PRIVATE KEY-----\n"),
                                           NOW, &token, &err),
                     BARO_EINVALID);
    key_make(&key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), false);
    assert_int_equal(client_assertion_make(&oauth2, key_text(&key), NOW, &token, &err),
                     BARO_EINVALID);
    assert_true(str_contains(str_from(err.message), STR("give an RSA key")));
    key_done(&key);
    buf_done(&token);
}
