#include "conf/web_config.h"

#include <string.h>

#include "base/assert.h"
#include "conf/option.h"
#include "conf/prom_config_file.h"
#include "conf/prom_config_priv.h"

/* Source of this file's facts: prometheus/exporter-toolkit, docs/web-configuration.md. */

enum { FILES_MAX = 4 }; /* the file itself, certificate, key, client CA */

/* ---- what the file has ---- */

struct tls_raw {
    str cert;
    str cert_file;
    struct secret key;
    str key_file;
    str client_ca;
    str client_ca_file;
    int client_auth;
    int min_version;
    int max_version;
    bool prefer_server_ciphers;
    struct conf_strs ciphers;
    struct conf_strs curves;
    struct conf_strs client_sans;
    const struct yaml_node *node;
};

struct http_raw {
    bool http2;
    struct conf_pairs headers;
};

struct rate_raw {
    int64_t burst;
    dur interval;
};

struct web_raw {
    struct tls_raw *tls;
    struct http_raw *http;
    struct rate_raw *rate;
    struct conf_pairs users;
};

static void unknown_client_auth(struct option_reader *rd, const struct yaml_node *node, str word)
{
    option_fault(rd, node, "invalid ClientAuth: %.*s", STR_ARG(word));
}

static void unknown_version(struct option_reader *rd, const struct yaml_node *node, str word)
{
    option_fault(rd, node, "unknown TLS version: %.*s", STR_ARG(word));
}

/* By enum web_client_auth; the last is an old name of RequireAnyClientCert. */
static const char *const client_auth_names[] = {
    "NoClientCert",
    "RequestClientCert",
    "RequireAnyClientCert",
    "VerifyClientCertIfGiven",
    "RequireAndVerifyClientCert",
    "RequireClientCert",
};
enum { REQUIRE_CLIENT_CERT = 5 };

static const struct option_words client_auths = {
    .names = client_auth_names,
    .count = ARRAY_COUNT(client_auth_names),
    .unknown = unknown_client_auth,
};

/* By enum web_tls_version. */
static const char *const version_names[] = {"TLS10", "TLS11", "TLS12", "TLS13"};
static const struct option_words versions = {
    .names = version_names,
    .count = ARRAY_COUNT(version_names),
    .unknown = unknown_version,
};

/* ---- checks ---- */

static void check_tls(struct option_reader *rd, void *object, const struct yaml_node *node)
{
    struct tls_raw *tls = object;
    bool has_cert = tls->cert.len > 0 || tls->cert_file.len > 0;
    bool has_key = secret_is_set(tls->key) || tls->key_file.len > 0;
    bool has_ca = tls->client_ca.len > 0 || tls->client_ca_file.len > 0;

    tls->node = node;
    if (tls->client_auth == REQUIRE_CLIENT_CERT) {
        tls->client_auth = WEB_CLIENT_REQUIRE_ANY;
    }
    if (!has_cert && !has_key && !has_ca && tls->client_auth == WEB_CLIENT_NONE) {
        return; /* no TLS */
    }
    if (!has_cert) {
        option_fault(rd, node, "missing one of cert or cert_file");
    } else if (!has_key) {
        option_fault(rd, node, "missing one of key or key_file");
    }
    if (has_ca && tls->client_auth == WEB_CLIENT_NONE) {
        option_fault(rd, node, "client CA's have been configured without a Client Auth Policy");
    }
    if (tls->min_version > tls->max_version) {
        option_fault_key(rd, node, "min_version", "min_version is above max_version");
    }
    if (tls->client_sans.count > 0 && tls->client_auth < WEB_CLIENT_VERIFY_IF_GIVEN) {
        option_fault_key(rd, node, "client_allowed_sans",
                         "client_allowed_sans wants certificates that are verified: "
                         "client_auth_type: RequireAndVerifyClientCert");
    }
}

/* The headers that may be set, and the values of those that are enumerations. */
static const struct {
    const char *name;
    const char *values[2];
} headers[] = {
    {"Content-Security-Policy", {NULL}},
    {"Strict-Transport-Security", {NULL}},
    {"X-Content-Type-Options", {"nosniff", NULL}},
    {"X-Frame-Options", {"deny", "sameorigin"}},
    {"X-XSS-Protection", {NULL}},
};

static bool has_control(str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

static void check_header(struct option_reader *rd, const struct yaml_node *node,
                         struct conf_pair pair)
{
    for (size_t i = 0; i < ARRAY_COUNT(headers); i++) {
        const char *const *values = headers[i].values;

        if (!str_is(pair.name, headers[i].name)) {
            continue;
        }
        if (values[0] != NULL && !str_is(pair.value, values[0]) &&
            (values[1] == NULL || !str_is(pair.value, values[1]))) {
            option_fault(rd, node, "invalid value for %s: expected %s%s%s, but got \"%.*s\"",
                         headers[i].name, values[0], values[1] != NULL ? " or " : "",
                         values[1] != NULL ? values[1] : "", STR_ARG(pair.value));
        } else if (has_control(pair.value)) {
            option_fault(rd, node, "invalid value for %s: a header has no control characters",
                         headers[i].name);
        }
        return;
    }
    option_fault(rd, node, "HTTP header \"%.*s\" can not be configured", STR_ARG(pair.name));
}

static void check_http(struct option_reader *rd, void *object, const struct yaml_node *node)
{
    const struct http_raw *http = object;

    for (size_t i = 0; i < http->headers.count; i++) {
        check_header(rd, yaml_get(node, STR("headers")), http->headers.items[i]);
    }
}

static void check_rate(struct option_reader *rd, void *object, const struct yaml_node *node)
{
    const struct rate_raw *rate = object;

    if (rate->interval < 0 || rate->burst < 0) {
        option_fault(rd, node, "rate_limit: interval and burst are not negative");
    } else if (rate->interval > 0 && rate->burst == 0) {
        option_fault(rd, node,
                     "rate_limit: burst is 0, so that no request would be answered: "
                     "give it 1 or more");
    }
}

/* "$2y$10$" and 53 characters: the form of a bcrypt hash. */
static bool is_bcrypt(str hash)
{
    enum { BCRYPT_BYTES = 60, COST_AT = 4, SALT_AT = 7 };

    if (hash.len != BCRYPT_BYTES || !str_has_prefix(hash, STR("$2")) || hash.ptr[3] != '$' ||
        hash.ptr[SALT_AT - 1] != '$' || strchr("aby", hash.ptr[2]) == NULL) {
        return false;
    }
    for (size_t i = COST_AT; i < BCRYPT_BYTES; i++) {
        char c = hash.ptr[i];
        bool digit = c >= '0' && c <= '9';

        if (i < SALT_AT - 1 ? !digit
                            : i >= SALT_AT && !digit && !(c >= 'a' && c <= 'z') &&
                                  !(c >= 'A' && c <= 'Z') && c != '.' && c != '/') {
            return false;
        }
    }
    return true;
}

static void check_web(struct option_reader *rd, void *object, const struct yaml_node *node)
{
    const struct web_raw *web = object;
    const struct yaml_node *users = yaml_get(node, STR("basic_auth_users"));

    for (size_t i = 0; i < web->users.count; i++) {
        if (!is_bcrypt(web->users.items[i].value)) {
            option_fault(rd, users,
                         "basic_auth_users: what \"%.*s\" has is no bcrypt hash: make one with "
                         "htpasswd -nBC 10 \"\"",
                         STR_ARG(web->users.items[i].name));
        }
    }
}

/* ---- tables ---- */

static const struct option tls_rows[] = {
    ROW("cert", STR, AT(struct tls_raw, cert)),
    ROW("key", SECRET, AT(struct tls_raw, key)),
    ROW("client_ca", STR, AT(struct tls_raw, client_ca)),
    ROW("cert_file", FILE, AT(struct tls_raw, cert_file)),
    ROW("key_file", FILE, AT(struct tls_raw, key_file)),
    ROW("client_auth_type", ENUM, AT(struct tls_raw, client_auth), DEFAULT("NoClientCert"),
        OF(client_auths)),
    ROW("client_ca_file", FILE, AT(struct tls_raw, client_ca_file)),
    ROW("cipher_suites", STRS, AT(struct tls_raw, ciphers)),
    ROW("curve_preferences", STRS, AT(struct tls_raw, curves)),
    ROW("min_version", ENUM, AT(struct tls_raw, min_version), DEFAULT("TLS12"), OF(versions)),
    ROW("max_version", ENUM, AT(struct tls_raw, max_version), DEFAULT("TLS13"), OF(versions)),
    ROW("prefer_server_cipher_suites", BOOL, AT(struct tls_raw, prefer_server_ciphers),
        DEFAULT("true")),
    ROW("client_allowed_sans", STRS, AT(struct tls_raw, client_sans)),
};

static const struct option_type tls_type = {
    .name = "tls_server_config",
    .size = sizeof(struct tls_raw),
    TABLE(tls_rows),
    .place_offset = OPTION_NO_PLACE,
    .check = check_tls,
};

static const struct option http_rows[] = {
    /* HTTP/2 is not spoken here: whether it may be is no matter. */
    ROW("http2", BOOL, AT(struct http_raw, http2), DEFAULT("true")),
    ROW("headers", PAIRS, AT(struct http_raw, headers)),
};

static const struct option_type http_type = {
    .name = "http_server_config",
    .size = sizeof(struct http_raw),
    TABLE(http_rows),
    .place_offset = OPTION_NO_PLACE,
    .check = check_http,
};

static const struct option rate_rows[] = {
    ROW("burst", INT, AT(struct rate_raw, burst)),
    ROW("interval", DURATION, AT(struct rate_raw, interval)),
};

static const struct option_type rate_type = {
    .name = "rate_limit",
    .size = sizeof(struct rate_raw),
    TABLE(rate_rows),
    .place_offset = OPTION_NO_PLACE,
    .check = check_rate,
};

static const struct option web_rows[] = {
    ROW("tls_server_config", STRUCT, AT(struct web_raw, tls), .flags = OPTION_ALWAYS, OF(tls_type)),
    ROW("http_server_config", STRUCT, AT(struct web_raw, http), .flags = OPTION_ALWAYS,
        OF(http_type)),
    ROW("rate_limit", STRUCT, AT(struct web_raw, rate), .flags = OPTION_ALWAYS, OF(rate_type)),
    ROW("basic_auth_users", PAIRS, AT(struct web_raw, users)),
};

static const struct option_type web_type = {
    .name = "web configuration",
    .size = sizeof(struct web_raw),
    TABLE(web_rows),
    .place_offset = OPTION_NO_PLACE,
    .check = check_web,
};

/* ---- loading ---- */

struct loading {
    struct option_reader rd;
    struct web_config *config;
    str files[FILES_MAX];
    size_t file_count;
    uint32_t before; /* faults that were there */
};

/* The text of a file that the configuration names; empty with a fault. */
static str read_named(struct loading *loading, const struct yaml_node *node, const char *key,
                      str path)
{
    struct buf text = {0};
    struct baro_error err = {0};
    str kept = STR("");

    ASSERT(loading->file_count < FILES_MAX);
    loading->files[loading->file_count++] = path;
    if (prom_config_file_read(path.ptr, &text, &err) < 0) {
        option_fault_key(&loading->rd, node, key, "%s: %s", key, err.message);
    } else {
        kept = arena_str(loading->rd.arena, buf_view(&text));
    }
    if (text.len > 0) {
        explicit_bzero(text.ptr, text.len); /* it may be the key */
    }
    buf_done(&text);
    return kept;
}

static void take_tls(struct loading *loading, const struct tls_raw *raw)
{
    struct web_config *config = loading->config;

    config->cert = raw->cert_file.len > 0
                       ? read_named(loading, raw->node, "cert_file", raw->cert_file)
                       : arena_str(loading->rd.arena, raw->cert);
    config->key = secret_from(raw->key_file.len > 0
                                  ? read_named(loading, raw->node, "key_file", raw->key_file)
                                  : arena_str(loading->rd.arena, secret_reveal(raw->key)));
    config->client_ca = raw->client_ca_file.len > 0
                            ? read_named(loading, raw->node, "client_ca_file", raw->client_ca_file)
                            : raw->client_ca;
    config->client_auth = (enum web_client_auth)raw->client_auth;
    config->tls_min = (enum web_tls_version)raw->min_version;
    config->tls_max = (enum web_tls_version)raw->max_version;
    config->prefer_server_ciphers = raw->prefer_server_ciphers;
    config->ciphers = raw->ciphers;
    config->curves = raw->curves;
    config->client_sans = raw->client_sans;
}

/* Each text is given a NUL: crypt(3) and the HTTP library want it. */
static struct conf_pairs terminated(struct arena *arena, struct conf_pairs pairs)
{
    struct conf_pair *items = ARENA_ARRAY(arena, struct conf_pair, pairs.count + 1);

    for (size_t i = 0; i < pairs.count; i++) {
        items[i] = (struct conf_pair){arena_str(arena, pairs.items[i].name),
                                      arena_str(arena, pairs.items[i].value)};
    }
    return (struct conf_pairs){items, pairs.count};
}

static void take(struct loading *loading, const struct web_raw *raw)
{
    struct arena *arena = loading->rd.arena;
    struct web_config *config = loading->config;

    take_tls(loading, raw->tls);
    config->headers = terminated(arena, raw->http->headers);
    config->users = terminated(arena, raw->users);
    config->rate_burst = raw->rate->burst;
    config->rate_interval = raw->rate->interval;
}

static str directory_of(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL) {
        return STR(".");
    }
    return slash == path ? STR("/") : arena_str(arena, str_of(path, (size_t)(slash - path)));
}

static void parse(struct loading *loading, str text)
{
    struct option_reader *rd = &loading->rd;
    const struct yaml_node *tree = NULL;
    struct baro_error err = {0};
    const struct web_raw *raw;
    bool good = true;

    if (yaml_parse(rd->arena, text, &tree, &err) < 0) {
        (void)faults_add(rd->faults, err.code, rd->file, err.line, err.column, "%s", err.message);
        return;
    }
    raw = yaml_is_null(tree) ? option_new(rd, &web_type) : option_read(rd, &web_type, tree, &good);
    if (good && rd->faults->total == loading->before) {
        take(loading, raw);
    }
}

int web_config_parse(str text, const char *path, struct web_config **ret, struct faults *faults)
{
    CLEANUP(web_config_freep) struct web_config *config = MEM_NEW(struct web_config);
    struct arena *arena = &config->arena;
    option_notes notes = {0};
    struct loading loading = {.config = config, .file_count = 1, .before = faults->total};
    str *files;

    loading.files[0] = arena_str(arena, str_from(path));
    loading.rd = (struct option_reader){.arena = arena,
                                        .file = loading.files[0].ptr,
                                        .dir = directory_of(arena, path),
                                        .faults = faults,
                                        .unsupported = &notes};
    parse(&loading, text);
    vec_done(&notes);
    if (faults->total > loading.before) {
        return BARO_EPARSE;
    }
    files = ARENA_ARRAY(arena, str, loading.file_count);
    memcpy(files, loading.files, loading.file_count * sizeof(str));
    config->files = (struct conf_strs){files, loading.file_count};
    *ret = TAKE(config);
    return 0;
}

int web_config_load(const char *path, struct web_config **ret, struct faults *faults)
{
    struct baro_error err = {0};
    struct buf text = {0};
    int r = prom_config_file_read(path, &text, &err);

    r = r < 0 ? faults_add(faults, r, path, 0, 0, "%s", err.message)
              : web_config_parse(buf_view(&text), path, ret, faults);
    if (text.len > 0) {
        explicit_bzero(text.ptr, text.len); /* the key may stand in it */
    }
    buf_done(&text);
    return r;
}

bool web_config_has_tls(const struct web_config *config)
{
    return config->cert.len > 0;
}

struct web_config *web_config_free(struct web_config *config)
{
    if (config != NULL) {
        str key = secret_reveal(config->key);

        if (key.len > 0) {
            explicit_bzero((void *)(uintptr_t)key.ptr, key.len);
        }
        arena_done(&config->arena);
        (void)mem_free(config);
    }
    return NULL;
}
