#include "http/client_assertion.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/arena.h"
#include "base/attr.h"
#include "codec/base64.h"
#include "codec/json_write.h"
#include "codec/yaml.h"
#include "conf/prom_config.h"

enum {
    LIFETIME_SECONDS = 600,
    CLAIMS_OWN = 7,        /* besides those of the configuration */
    CLAIMS_DEPTH_MAX = 32, /* of lists and mappings in a claim */
    ID_BYTES = 37,
};

static const struct {
    const char *name;
    gnutls_sign_algorithm_t sign;
} algorithms[] = {
    {"RS256", GNUTLS_SIGN_RSA_SHA256},
    {"RS384", GNUTLS_SIGN_RSA_SHA384},
    {"RS512", GNUTLS_SIGN_RSA_SHA512},
};

/* The first one is the default. */
static size_t algorithm_of(str name)
{
    for (size_t i = 0; i < ARRAY_COUNT(algorithms); i++) {
        if (str_is(name, algorithms[i].name)) {
            return i;
        }
    }
    return 0;
}

/* ---- Claims ---- */

struct claim {
    str name;
    const struct yaml_node *node; /* NULL = text, or number where that is NULL too */
    str text;
    int64_t number;
};

static void node_write(struct json_writer *json, const struct yaml_node *node, unsigned depth);

static void mapping_write(struct json_writer *json, const struct yaml_node *node, unsigned depth)
{
    json_write_object_begin(json);
    for (size_t i = 0; i < node->pair_count; i++) {
        const struct yaml_node *key = node->pairs[i].key;

        json_write_key(json, key != NULL && key->kind == YAML_KIND_SCALAR ? key->text : STR(""));
        node_write(json, node->pairs[i].value, depth + 1);
    }
    json_write_object_end(json);
}

static void node_write(struct json_writer *json, const struct yaml_node *node, unsigned depth)
{
    if (node == NULL || depth > CLAIMS_DEPTH_MAX) {
        json_write_null(json);
    } else if (node->kind == YAML_KIND_SCALAR) {
        yaml_write_scalar(json, node);
    } else if (node->kind == YAML_KIND_MAPPING) {
        mapping_write(json, node, depth);
    } else {
        json_write_array_begin(json);
        for (size_t i = 0; i < node->item_count; i++) {
            node_write(json, node->items[i], depth + 1);
        }
        json_write_array_end(json);
    }
}

static int claim_compare(const void *a, const void *b)
{
    return str_cmp(((const struct claim *)a)->name, ((const struct claim *)b)->name);
}

/* The configuration's claims win. */
static size_t claims_add(struct claim *claims, size_t count, const struct yaml_node *own)
{
    for (size_t i = 0; own != NULL && i < own->pair_count; i++) {
        const struct yaml_node *key = own->pairs[i].key;
        str name = key != NULL && key->kind == YAML_KIND_SCALAR ? key->text : STR("");
        size_t at = 0;

        while (at < count && !str_eq(claims[at].name, name)) {
            at++;
        }
        claims[at] = (struct claim){.name = name, .node = own->pairs[i].value};
        count += at == count ? 1 : 0;
    }
    return count;
}

/* A random UUID, version 4. */
static int id_make(char ret[ID_BYTES], struct baro_error *err)
{
    uint8_t b[16];

    if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b)) {
        return error_system(err, errno, "oauth2: no random bytes for the assertion");
    }
    b[6] = (uint8_t)(0x40 | (b[6] & 0x0f));
    b[8] = (uint8_t)(0x80 | (b[8] & 0x3f));
    (void)snprintf(ret, ID_BYTES,
                   "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
                   b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
                   b[14], b[15]);
    return 0;
}

static str scope_of(struct arena *arena, const struct prom_oauth2 *oauth2)
{
    struct buf text = {0};
    str scope;

    for (size_t i = 0; i < oauth2->scopes.count; i++) {
        buf_c(&text, i > 0 ? " " : "");
        buf_str(&text, oauth2->scopes.items[i]);
    }
    scope = arena_str(arena, buf_view(&text));
    buf_done(&text);
    return scope;
}

static int claims_write(struct arena *arena, const struct prom_oauth2 *oauth2, ts now,
                        struct json_writer *json, struct baro_error *err)
{
    size_t own = oauth2->claims != NULL ? oauth2->claims->pair_count : 0;
    struct claim *claims = ARENA_ARRAY(arena, struct claim, own + CLAIMS_OWN);
    str scope = scope_of(arena, oauth2);
    size_t count = 0;
    char id[ID_BYTES];
    int r = id_make(id, err);

    if (r < 0) {
        return r;
    }
    claims[count++] =
        (struct claim){.name = STR("aud"),
                       .text = oauth2->audience.len > 0 ? oauth2->audience : oauth2->token_url};
    claims[count++] = (struct claim){.name = STR("exp"), .number = now / 1000 + LIFETIME_SECONDS};
    claims[count++] = (struct claim){.name = STR("iat"), .number = now / 1000};
    claims[count++] = (struct claim){.name = STR("iss"),
                                     .text = oauth2->iss.len > 0 ? oauth2->iss : oauth2->client_id};
    claims[count++] = (struct claim){.name = STR("jti"), .text = str_from(id)};
    claims[count++] = (struct claim){.name = STR("sub"), .text = oauth2->client_id};
    if (scope.len > 0) {
        claims[count++] = (struct claim){.name = STR("scope"), .text = scope};
    }
    count = claims_add(claims, count, oauth2->claims);
    qsort(claims, count, sizeof(*claims), claim_compare);
    json_write_object_begin(json);
    for (size_t i = 0; i < count; i++) {
        json_write_key(json, claims[i].name);
        if (claims[i].node != NULL) {
            node_write(json, claims[i].node, 0);
        } else if (claims[i].text.ptr != NULL) {
            json_write_str(json, claims[i].text);
        } else {
            json_write_i64(json, claims[i].number);
        }
    }
    json_write_object_end(json);
    return 0;
}

/* ---- The text ---- */

/* base64 for URLs, without padding (RFC 7515, 2). */
static void part_put(struct buf *ret, str raw)
{
    base64_encode(ret, raw, true);
    while (ret->len > 0 && ret->ptr[ret->len - 1] == '=') {
        ret->len--;
    }
}

static int sign(str key, size_t algorithm, str text, struct buf *ret, struct baro_error *err)
{
    const gnutls_datum_t pem = {(unsigned char *)(uintptr_t)key.ptr, (unsigned)key.len};
    const gnutls_datum_t data = {(unsigned char *)(uintptr_t)text.ptr, (unsigned)text.len};
    gnutls_datum_t signature = {NULL, 0};
    gnutls_privkey_t private_key = NULL;
    int r = gnutls_privkey_init(&private_key);

    if (r >= 0) {
        r = gnutls_privkey_import_x509_raw(private_key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
    }
    if (r >= 0 && gnutls_privkey_get_pk_algorithm(private_key, NULL) != GNUTLS_PK_RSA) {
        r = GNUTLS_E_INVALID_REQUEST;
    }
    if (r >= 0) {
        r = gnutls_privkey_sign_data2(private_key, algorithms[algorithm].sign, 0, &data,
                                      &signature);
    }
    if (r >= 0) {
        part_put(ret, str_of((const char *)signature.data, signature.size));
    }
    gnutls_free(signature.data);
    if (private_key != NULL) {
        gnutls_privkey_deinit(private_key);
    }
    return r >= 0 ? 0
                  : error_set(err, BARO_EINVALID,
                              "oauth2: the client's certificate key cannot sign: give an RSA key "
                              "in PEM, without a passphrase (%s)",
                              gnutls_strerror(r));
}

int client_assertion_make(const struct prom_oauth2 *oauth2, str key, ts now, struct buf *ret,
                          struct baro_error *err)
{
    size_t algorithm = algorithm_of(oauth2->signature_algorithm);
    struct arena arena = {0};
    struct buf text = {0};
    struct buf token = {0};
    struct json_writer json = json_write_over(&text);
    int r;

    json_write_object_begin(&json);
    json_write_pair_str(&json, STR("alg"), str_from(algorithms[algorithm].name));
    if (oauth2->client_certificate_key_id.len > 0) {
        json_write_pair_str(&json, STR("kid"), oauth2->client_certificate_key_id);
    }
    json_write_pair_str(&json, STR("typ"), STR("JWT"));
    json_write_object_end(&json);
    part_put(&token, buf_view(&text));
    buf_char(&token, '.');
    buf_reset(&text);
    json = json_write_over(&text);
    r = claims_write(&arena, oauth2, now, &json, err);
    part_put(&token, buf_view(&text));
    if (r >= 0) {
        buf_str(ret, buf_view(&token));
        buf_char(ret, '.');
        r = sign(key, algorithm, buf_view(&token), ret, err);
    }
    buf_done(&text);
    buf_done(&token);
    arena_done(&arena);
    return r;
}
