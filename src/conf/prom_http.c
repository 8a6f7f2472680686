#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "conf/prom_config_priv.h"
#include "conf/url.h"

/* Source of this file's facts: prometheus/common, config/http_config.go and config/headers.go. */

/* Headers that requests set themselves, in lower case, sorted. */
static const char *const reserved_headers[] = {
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "user-agent",
    "www-authenticate",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-prometheus-remote-read-version",
    "x-prometheus-remote-write-version",
    "x-prometheus-scrape-timeout-seconds",
};

bool prom_header_is_reserved(str name)
{
    for (size_t i = 0; i < ARRAY_COUNT(reserved_headers); i++) {
        if (str_eq_nocase(name, str_from(reserved_headers[i]))) {
            return true;
        }
    }
    return false;
}

/* ---- TLS ---- */

static void unknown_tls_version(struct option_reader *rd, const struct yaml_node *node, str word)
{
    option_fault(rd, node, "unknown TLS version: %.*s", STR_ARG(word));
}

static const char *const tls_version_names[] = {"TLS10", "TLS11", "TLS12", "TLS13"};
static const struct option_words tls_versions = {
    .names = tls_version_names,
    .count = ARRAY_COUNT(tls_version_names),
    .unknown = unknown_tls_version,
};

static int set_count(const str *texts, size_t count)
{
    int set = 0;

    for (size_t i = 0; i < count; i++) {
        set += texts[i].len > 0;
    }
    return set;
}

#define SET_COUNT(...)                                                                             \
    set_count((const str[]){__VA_ARGS__}, sizeof((const str[]){__VA_ARGS__}) / sizeof(str))

static void check_tls(struct option_reader *rd, void *object, const struct yaml_node *node)
{
    const struct prom_tls *tls = object;
    str key = secret_reveal(tls->key);
    int certs = SET_COUNT(tls->cert, tls->cert_file, tls->cert_ref);
    int keys = SET_COUNT(key, tls->key_file, tls->key_ref);

    if (SET_COUNT(tls->ca, tls->ca_file, tls->ca_ref) > 1) {
        option_fault(rd, node, "at most one of ca, ca_file & ca_ref must be configured");
    }
    if (certs > 1) {
        option_fault(rd, node, "at most one of cert, cert_file & cert_ref must be configured");
    }
    if (keys > 1) {
        option_fault(rd, node, "at most one of key and key_file must be configured");
    }
    if (certs > 0 && keys == 0) {
        option_fault(rd, node,
                     "exactly one of key or key_file must be configured when a client "
                     "certificate is configured");
    }
    if (keys > 0 && certs == 0) {
        option_fault(rd, node,
                     "exactly one of cert or cert_file must be configured when a client "
                     "key is configured");
    }
}

static const struct option tls_rows[] = {
    ROW("ca", STR, AT(struct prom_tls, ca)),
    ROW("cert", STR, AT(struct prom_tls, cert)),
    ROW("key", SECRET, AT(struct prom_tls, key)),
    ROW("ca_file", FILE, AT(struct prom_tls, ca_file)),
    ROW("cert_file", FILE, AT(struct prom_tls, cert_file)),
    ROW("key_file", FILE, AT(struct prom_tls, key_file)),
    ROW("ca_ref", STR, AT(struct prom_tls, ca_ref), .flags = OPTION_UNSUPPORTED),
    ROW("cert_ref", STR, AT(struct prom_tls, cert_ref), .flags = OPTION_UNSUPPORTED),
    ROW("key_ref", STR, AT(struct prom_tls, key_ref), .flags = OPTION_UNSUPPORTED),
    ROW("server_name", STR, AT(struct prom_tls, server_name)),
    ROW("insecure_skip_verify", BOOL, AT(struct prom_tls, insecure_skip_verify), SHOWN),
    ROW("min_version", WORD, AT(struct prom_tls, min_version), OF(tls_versions)),
    ROW("max_version", WORD, AT(struct prom_tls, max_version), OF(tls_versions)),
};

const struct option_type prom_tls_type = {
    .name = "tls_config",
    .size = sizeof(struct prom_tls),
    TABLE(tls_rows),
    .place_offset = OPTION_NO_PLACE,
    .check = check_tls,
};

/* ---- authentication ---- */

static const struct option basic_auth_rows[] = {
    ROW("username", STR, AT(struct prom_basic_auth, username), SHOWN),
    ROW("username_file", FILE, AT(struct prom_basic_auth, username_file)),
    ROW("username_ref", STR, AT(struct prom_basic_auth, username_ref), .flags = OPTION_UNSUPPORTED),
    ROW("password", SECRET, AT(struct prom_basic_auth, password)),
    ROW("password_file", FILE, AT(struct prom_basic_auth, password_file)),
    ROW("password_ref", STR, AT(struct prom_basic_auth, password_ref), .flags = OPTION_UNSUPPORTED),
};

static const struct option_type basic_auth_type = {
    .name = "basic_auth",
    .size = sizeof(struct prom_basic_auth),
    TABLE(basic_auth_rows),
    .place_offset = OPTION_NO_PLACE,
};

static const struct option authorization_rows[] = {
    ROW("type", STR, AT(struct prom_authorization, type)),
    ROW("credentials", SECRET, AT(struct prom_authorization, credentials)),
    ROW("credentials_file", FILE, AT(struct prom_authorization, credentials_file)),
    ROW("credentials_ref", STR, AT(struct prom_authorization, credentials_ref),
        .flags = OPTION_UNSUPPORTED),
};

static const struct option_type authorization_type = {
    .name = "authorization",
    .size = sizeof(struct prom_authorization),
    TABLE(authorization_rows),
    .place_offset = OPTION_NO_PLACE,
};

/* ---- headers ---- */

static int header_cmp(const void *a, const void *b)
{
    return str_cmp(((const struct prom_header *)a)->name, ((const struct prom_header *)b)->name);
}

static void *put_headers(struct option_reader *rd, struct prom_header *items, size_t count)
{
    struct prom_headers *headers = ARENA_NEW(rd->arena, struct prom_headers);

    if (count > 0) {
        qsort(items, count, sizeof(*items), header_cmp);
    }
    *headers = (struct prom_headers){items, count};
    return headers;
}

static bool take_secrets(struct option_reader *rd, const struct yaml_node *node,
                         struct prom_header *header)
{
    struct conf_strs texts = {0};

    if (!option_strs(rd, node, &texts)) {
        return false;
    }
    struct secret *secrets = ARENA_ARRAY(rd->arena, struct secret, texts.count);
    for (size_t i = 0; i < texts.count; i++) {
        secrets[i] = secret_from(texts.items[i]);
    }
    header->secrets = secrets;
    header->secret_count = texts.count;
    return true;
}

static bool read_connect_header(struct option_reader *rd, void *target,
                                UNUSED const struct yaml_node *key, const struct yaml_node *node)
{
    bool good = true;

    if (yaml_is_null(node)) {
        return true;
    }
    if (node->kind != YAML_KIND_MAPPING) {
        option_fault(rd, node, "cannot unmarshal %s into map[string][]string", yaml_tag_name(node));
        return false;
    }
    struct prom_header *items = ARENA_ARRAY(rd->arena, struct prom_header, node->pair_count);
    for (size_t i = 0; i < node->pair_count; i++) {
        good &= option_text(rd, node->pairs[i].key, &items[i].name);
        good &= take_secrets(rd, node->pairs[i].value, &items[i]);
    }
    *(void **)target = put_headers(rd, items, node->pair_count);
    return good;
}

static bool pointer_is_null(const void *target)
{
    return *(void *const *)target == NULL;
}

static void write_secrets(struct yaml_writer *w, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        yaml_write_item(w);
        yaml_write_str(w, STR(SECRET_TEXT));
    }
}

static void write_connect_header(struct yaml_writer *w, const char *key, const void *target)
{
    const struct prom_headers *headers = *(struct prom_headers *const *)target;

    yaml_write_key(w, str_from(key));
    w->indent += 2;
    for (size_t i = 0; i < headers->count; i++) {
        yaml_write_key(w, headers->items[i].name);
        write_secrets(w, headers->items[i].secret_count);
    }
    w->indent -= 2;
}

static const struct option_custom connect_header_custom = {
    .read = read_connect_header,
    .is_zero = pointer_is_null,
    .write = write_connect_header,
};

/* Canonical form of a header name: Content-Type. */
static str canonical_header(struct option_reader *rd, str name)
{
    str copy = arena_str(rd->arena, name);
    bool upper = true;

    for (size_t i = 0; i < copy.len; i++) {
        char *c = (char *)(uintptr_t)&copy.ptr[i];

        if (upper && *c >= 'a' && *c <= 'z') {
            *c = (char)(*c - 32);
        } else if (!upper && *c >= 'A' && *c <= 'Z') {
            *c = (char)(*c + 32);
        }
        upper = *c == '-';
    }
    return copy;
}

static bool read_header(struct option_reader *rd, const struct yaml_pair *pair,
                        struct prom_header *header)
{
    const struct yaml_node *node = pair->value;
    bool good = option_text(rd, pair->key, &header->name);

    if (good && prom_header_is_reserved(header->name)) {
        option_fault(rd, pair->key, "setting header \"%.*s\" is not allowed",
                     STR_ARG(canonical_header(rd, header->name)));
        good = false;
    }
    if (yaml_is_null(node)) {
        return good;
    }
    if (node->kind != YAML_KIND_MAPPING) {
        option_fault(rd, node, "cannot unmarshal %s into a header", yaml_tag_name(node));
        return false;
    }
    for (size_t i = 0; i < node->pair_count; i++) {
        const struct yaml_node *value = node->pairs[i].value;
        str key = STR_NULL;

        if (!option_text(rd, node->pairs[i].key, &key)) {
            good = false;
        } else if (str_is(key, "values")) {
            good &= option_strs(rd, value, &header->values);
        } else if (str_is(key, "secrets")) {
            good &= take_secrets(rd, value, header);
        } else if (str_is(key, "files")) {
            good &= option_strs(rd, value, &header->files);
        } else {
            option_fault(rd, node->pairs[i].key, "field %.*s not found in type header",
                         STR_ARG(key));
        }
    }
    str *files = ARENA_ARRAY(rd->arena, str, header->files.count);
    for (size_t i = 0; i < header->files.count; i++) {
        files[i] = option_path(rd->arena, rd->dir, header->files.items[i]);
    }
    header->files.items = files;
    return good;
}

static bool read_headers(struct option_reader *rd, void *target, UNUSED const struct yaml_node *key,
                         const struct yaml_node *node)
{
    bool good = true;

    if (yaml_is_null(node)) {
        return true;
    }
    if (node->kind != YAML_KIND_MAPPING) {
        option_fault(rd, node, "cannot unmarshal %s into http_headers", yaml_tag_name(node));
        return false;
    }
    struct prom_header *items = ARENA_ARRAY(rd->arena, struct prom_header, node->pair_count);
    for (size_t i = 0; i < node->pair_count; i++) {
        good &= read_header(rd, &node->pairs[i], &items[i]);
    }
    *(void **)target = put_headers(rd, items, node->pair_count);
    return good;
}

static void write_strs(struct yaml_writer *w, const char *key, struct conf_strs strs)
{
    if (strs.count == 0) {
        return;
    }
    yaml_write_key(w, str_from(key));
    for (size_t i = 0; i < strs.count; i++) {
        yaml_write_item(w);
        yaml_write_str(w, strs.items[i]);
    }
}

static void write_headers(struct yaml_writer *w, const char *key, const void *target)
{
    const struct prom_headers *headers = *(struct prom_headers *const *)target;

    yaml_write_key(w, str_from(key));
    if (headers->count == 0) {
        yaml_write_raw(w, STR("{}"));
    }
    w->indent += 2;
    for (size_t i = 0; i < headers->count; i++) {
        const struct prom_header *header = &headers->items[i];

        yaml_write_key(w, header->name);
        if (header->values.count + header->secret_count + header->files.count == 0) {
            yaml_write_raw(w, STR("{}"));
        }
        w->indent += 2;
        write_strs(w, "values", header->values);
        if (header->secret_count > 0) {
            yaml_write_key(w, STR("secrets"));
            write_secrets(w, header->secret_count);
        }
        write_strs(w, "files", header->files);
        w->indent -= 2;
    }
    w->indent -= 2;
}

static const struct option_custom headers_custom = {
    .read = read_headers,
    .is_zero = pointer_is_null,
    .write = write_headers,
};

/* ---- proxies, OAuth 2 ---- */

struct proxy {
    str url;
    str no_proxy;
    bool from_environment;
    const struct prom_headers *connect_header;
};

static void check_proxy(struct option_reader *rd, const struct proxy *proxy,
                        const struct yaml_node *node)
{
    if (proxy->connect_header != NULL && proxy->connect_header->count > 0 &&
        !proxy->from_environment && proxy->url.len == 0) {
        option_fault_key(rd, node, "proxy_connect_header",
                         "if proxy_connect_header is configured, proxy_url or "
                         "proxy_from_environment must also be configured");
    }
    if (proxy->from_environment && proxy->url.len > 0) {
        option_fault_key(rd, node, "proxy_url",
                         "if proxy_from_environment is configured, proxy_url must not be "
                         "configured");
    }
    if (proxy->from_environment && proxy->no_proxy.len > 0) {
        option_fault_key(rd, node, "no_proxy",
                         "if proxy_from_environment is configured, no_proxy must not be "
                         "configured");
    }
    if (!proxy->from_environment && proxy->url.len == 0 && proxy->no_proxy.len > 0) {
        option_fault_key(rd, node, "no_proxy",
                         "if no_proxy is configured, proxy_url must also be configured");
    }
}

#define PROXY_ROWS(type)                                                                           \
    ROW("proxy_url", URL, AT(type, proxy_url)), ROW("no_proxy", STR, AT(type, no_proxy)),          \
        ROW("proxy_from_environment", BOOL, AT(type, proxy_from_environment)),                     \
        ROW("proxy_connect_header", CUSTOM, AT(type, proxy_connect_header),                        \
            OF(connect_header_custom))

/* ---- claims ---- */

static bool read_claims(struct option_reader *rd, void *target, UNUSED const struct yaml_node *key,
                        const struct yaml_node *node)
{
    if (!yaml_is_null(node) && node->kind != YAML_KIND_MAPPING) {
        option_fault(rd, node, "cannot unmarshal %s into map[string]interface {}",
                     yaml_tag_name(node));
        return false;
    }
    *(const struct yaml_node **)target = yaml_is_null(node) ? NULL : node;
    return true;
}

static void write_node(struct yaml_writer *w, const struct yaml_node *node);

static void write_pairs(struct yaml_writer *w, const struct yaml_node *node)
{
    w->indent += 2;
    for (size_t i = 0; i < node->pair_count; i++) {
        const struct yaml_node *key = node->pairs[i].key;

        yaml_write_key(w, key != NULL && key->kind == YAML_KIND_SCALAR ? key->text : STR(""));
        write_node(w, node->pairs[i].value);
    }
    w->indent -= 2;
}

/* As deep as the YAML reader lets a file be. */
static void write_node(struct yaml_writer *w, const struct yaml_node *node)
{
    bool is_scalar = node == NULL || node->kind == YAML_KIND_SCALAR;

    if (node == NULL || (is_scalar && node->type == YAML_TYPE_NULL)) {
        yaml_write_raw(w, STR("null"));
    } else if (is_scalar && node->type == YAML_TYPE_STRING) {
        yaml_write_str(w, node->text);
    } else if (is_scalar) {
        yaml_write_raw(w, node->text);
    } else if (node->kind == YAML_KIND_MAPPING ? node->pair_count == 0 : node->item_count == 0) {
        yaml_write_raw(w, node->kind == YAML_KIND_MAPPING ? STR("{}") : STR("[]"));
    } else if (node->kind == YAML_KIND_MAPPING) {
        write_pairs(w, node);
    } else {
        for (size_t i = 0; i < node->item_count; i++) {
            const struct yaml_node *item = node->items[i];

            yaml_write_item(w);
            if (item != NULL && item->kind == YAML_KIND_MAPPING && item->pair_count > 0) {
                buf_char(w->buf, ' ');
                w->after_dash = true;
            }
            write_node(w, item);
        }
    }
}

static void write_claims(struct yaml_writer *w, const char *key, const void *target)
{
    yaml_write_key(w, str_from(key));
    write_node(w, *(const struct yaml_node *const *)target);
}

static const struct option_custom claims_custom = {
    .read = read_claims,
    .is_zero = pointer_is_null,
    .write = write_claims,
};

#define JWT_BEARER "urn:ietf:params:oauth:grant-type:jwt-bearer"

static void check_oauth2(struct option_reader *rd, void *object, const struct yaml_node *node)
{
    const struct prom_oauth2 *oauth2 = object;
    str secret = secret_reveal(oauth2->client_secret);
    str key = secret_reveal(oauth2->client_certificate_key);
    bool is_jwt = str_is(oauth2->grant_type, JWT_BEARER);

    if (oauth2->client_id.len == 0) {
        option_fault(rd, node, "oauth2 client_id must be configured");
    }
    if (oauth2->token_url.len == 0) {
        option_fault(rd, node, "oauth2 token_url must be configured");
    }
    if (!is_jwt && SET_COUNT(secret, oauth2->client_secret_file, oauth2->client_secret_ref) > 1) {
        option_fault(rd, node,
                     "at most one of oauth2 client_secret, client_secret_file & "
                     "client_secret_ref must be configured using "
                     "grant-type=client_credentials");
    }
    if (is_jwt && SET_COUNT(key, oauth2->client_certificate_key_file,
                            oauth2->client_certificate_key_ref) > 1) {
        option_fault(rd, node,
                     "at most one of oauth2 client_certificate_key, "
                     "client_certificate_key_file & client_certificate_key_ref must be "
                     "configured using grant-type=" JWT_BEARER);
    }
    if (is_jwt && oauth2->signature_algorithm.len > 0 &&
        !str_is(oauth2->signature_algorithm, "RS256") &&
        !str_is(oauth2->signature_algorithm, "RS384") &&
        !str_is(oauth2->signature_algorithm, "RS512")) {
        option_fault(rd, node, "valid signature algorithms are RS256, RS384 and RS512");
    }
    check_proxy(rd,
                &(struct proxy){oauth2->proxy_url, oauth2->no_proxy, oauth2->proxy_from_environment,
                                oauth2->proxy_connect_header},
                node);
}

static const struct option oauth2_rows[] = {
    ROW("client_id", STR, AT(struct prom_oauth2, client_id), SHOWN),
    ROW("client_secret", SECRET, AT(struct prom_oauth2, client_secret), SHOWN),
    ROW("client_secret_file", FILE, AT(struct prom_oauth2, client_secret_file), SHOWN),
    ROW("client_secret_ref", STR, AT(struct prom_oauth2, client_secret_ref),
        .flags = OPTION_SHOW | OPTION_UNSUPPORTED),
    ROW("client_certificate_key_id", STR, AT(struct prom_oauth2, client_certificate_key_id)),
    ROW("client_certificate_key", SECRET, AT(struct prom_oauth2, client_certificate_key)),
    ROW("client_certificate_key_file", FILE, AT(struct prom_oauth2, client_certificate_key_file)),
    ROW("client_certificate_key_ref", STR, AT(struct prom_oauth2, client_certificate_key_ref),
        .flags = OPTION_UNSUPPORTED),
    ROW("grant_type", STR, AT(struct prom_oauth2, grant_type)),
    ROW("signature_algorithm", STR, AT(struct prom_oauth2, signature_algorithm)),
    ROW("iss", STR, AT(struct prom_oauth2, iss)),
    ROW("audience", STR, AT(struct prom_oauth2, audience)),
    ROW("claims", CUSTOM, AT(struct prom_oauth2, claims), OF(claims_custom)),
    ROW("scopes", STRS, AT(struct prom_oauth2, scopes)),
    ROW("token_url", STR, AT(struct prom_oauth2, token_url), SHOWN),
    ROW("endpoint_params", PAIRS, AT(struct prom_oauth2, endpoint_params)),
    ROW("tls_config", STRUCT, AT(struct prom_oauth2, tls), OF(prom_tls_type),
        .flags = OPTION_VALUE),
    PROXY_ROWS(struct prom_oauth2),
};

static const struct option_type oauth2_type = {
    .name = "oauth2",
    .size = sizeof(struct prom_oauth2),
    TABLE(oauth2_rows),
    .place_offset = OPTION_NO_PLACE,
    .check = check_oauth2,
};

/* ---- the client ---- */

static bool check_bearer(struct option_reader *rd, const struct prom_http *http,
                         const struct yaml_node *node)
{
    bool has_token = secret_is_set(http->bearer_token);
    bool has_file = http->bearer_token_file.len > 0;

    if (has_token && has_file) {
        option_fault_key(rd, node, "bearer_token_file",
                         "at most one of bearer_token & bearer_token_file must be configured");
        return false;
    }
    if ((http->basic_auth != NULL || http->oauth2 != NULL) && (has_token || has_file)) {
        option_fault_key(rd, node, has_token ? "bearer_token" : "bearer_token_file",
                         "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must "
                         "be configured");
        return false;
    }
    if (http->authorization != NULL && (has_token || has_file)) {
        option_fault_key(rd, node, "authorization",
                         "authorization is not compatible with bearer_token & bearer_token_file");
        return false;
    }
    return true;
}

static void check_basic_auth(struct option_reader *rd, const struct prom_basic_auth *auth,
                             const struct yaml_node *node)
{
    str password = secret_reveal(auth->password);

    if (SET_COUNT(auth->username, auth->username_file, auth->username_ref) > 1) {
        option_fault_key(rd, node, "basic_auth",
                         "at most one of basic_auth username, username_file & username_ref must be "
                         "configured");
    }
    if (SET_COUNT(password, auth->password_file, auth->password_ref) > 1) {
        option_fault_key(rd, node, "basic_auth",
                         "at most one of basic_auth password, password_file & password_ref must be "
                         "configured");
    }
}

static void check_authorization(struct option_reader *rd, struct prom_authorization *auth,
                                const struct yaml_node *node)
{
    str credentials = secret_reveal(auth->credentials);

    if (SET_COUNT(credentials, auth->credentials_file, auth->credentials_ref) > 1) {
        option_fault_key(rd, node, "authorization",
                         "at most one of authorization credentials & credentials_file must be "
                         "configured");
    }
    auth->type = str_trim(auth->type);
    if (auth->type.len == 0) {
        auth->type = STR("Bearer");
    }
    if (str_eq_nocase(auth->type, STR("basic"))) {
        option_fault_key(rd, node, "authorization",
                         "authorization type cannot be set to \"basic\", use \"basic_auth\" "
                         "instead");
    }
}

static void move_bearer(struct option_reader *rd, struct prom_http *http)
{
    struct prom_authorization *auth = NULL;

    if (secret_is_set(http->bearer_token) || http->bearer_token_file.len > 0) {
        auth = ARENA_NEW(rd->arena, struct prom_authorization);
        auth->type = STR("Bearer");
        auth->credentials = http->bearer_token;
        auth->credentials_file = http->bearer_token_file;
        http->authorization = auth;
        http->bearer_token = (struct secret){0};
        http->bearer_token_file = STR("");
    }
}

void prom_http_url_check(struct option_reader *rd, str text, const struct yaml_node *node)
{
    struct baro_error err;
    struct url url = {0};

    if (text.len == 0) {
        option_fault_key(rd, node, "url", "URL is missing");
    } else if (url_parse(text, &url, &err) < 0) {
        option_fault_key(rd, node, "url", "%s", err.message);
    } else if (!str_eq_nocase(url.scheme, STR("http")) &&
               !str_eq_nocase(url.scheme, STR("https"))) {
        option_fault_key(rd, node, "url", "URL scheme must be 'http' or 'https'");
    } else if (url.host.len == 0) {
        option_fault_key(rd, node, "url", "host is missing in URL");
    }
}

/* The client's keys stand inline in other mappings, whose tables call this check. */
void prom_http_check(struct option_reader *rd, const struct prom_http *const_http,
                     const struct yaml_node *node)
{
    struct prom_http *http = (struct prom_http *)(uintptr_t)const_http;
    int methods =
        (http->basic_auth != NULL) + (http->authorization != NULL) + (http->oauth2 != NULL);

    if (!check_bearer(rd, http, node)) {
        return;
    }
    if (http->basic_auth != NULL) {
        check_basic_auth(rd, http->basic_auth, node);
    }
    if (http->authorization != NULL) {
        check_authorization(rd, (struct prom_authorization *)(uintptr_t)http->authorization, node);
    }
    if (methods > 1) {
        option_fault(rd, node,
                     "at most one of basic_auth, oauth2 & authorization must be configured");
    }
    move_bearer(rd, http);
    check_proxy(rd,
                &(struct proxy){http->proxy_url, http->no_proxy, http->proxy_from_environment,
                                http->proxy_connect_header},
                node);
}

bool prom_http_is_default(const struct prom_http *http)
{
    return http->basic_auth == NULL && http->authorization == NULL && http->oauth2 == NULL &&
           http->tls == NULL && http->follow_redirects && http->enable_http2 &&
           http->proxy_url.len == 0 && http->no_proxy.len == 0 && !http->proxy_from_environment &&
           http->proxy_connect_header == NULL && http->http_headers == NULL;
}

#define HTTP_ROWS(http2)                                                                           \
    ROW("basic_auth", STRUCT, AT(struct prom_http, basic_auth), OF(basic_auth_type)),              \
        ROW("authorization", STRUCT, AT(struct prom_http, authorization), OF(authorization_type)), \
        ROW("oauth2", STRUCT, AT(struct prom_http, oauth2), OF(oauth2_type)),                      \
        ROW("bearer_token", SECRET, AT(struct prom_http, bearer_token)),                           \
        ROW("bearer_token_file", FILE, AT(struct prom_http, bearer_token_file)),                   \
        ROW("tls_config", STRUCT, AT(struct prom_http, tls), OF(prom_tls_type),                    \
            .flags = OPTION_VALUE),                                                                \
        ROW("follow_redirects", BOOL, AT(struct prom_http, follow_redirects), DEFAULT("true"),     \
            SHOWN),                                                                                \
        ROW("enable_http2", BOOL, AT(struct prom_http, enable_http2), DEFAULT(http2), SHOWN),      \
        PROXY_ROWS(struct prom_http),                                                              \
        ROW("http_headers", CUSTOM, AT(struct prom_http, http_headers), OF(headers_custom))

static const struct option http_rows[] = {HTTP_ROWS("true")};
static const struct option http_write_rows[] = {HTTP_ROWS("false")};

const struct option_type prom_http_type = {
    .name = "http_config",
    .size = sizeof(struct prom_http),
    TABLE(http_rows),
    .place_offset = OPTION_NO_PLACE,
};

const struct option_type prom_http_write_type = {
    .name = "http_config",
    .size = sizeof(struct prom_http),
    TABLE(http_write_rows),
    .place_offset = OPTION_NO_PLACE,
};
