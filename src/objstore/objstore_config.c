#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "codec/yaml.h"
#include "objstore/objstore.h"

/* Thanos's default, and S3's limits. */
#define PART_BYTES_DEFAULT ((uint64_t)64 << 20)
#define PART_BYTES_MIN     ((uint64_t)5 << 20)
#define PART_BYTES_MAX     ((uint64_t)5 << 30)

struct reading {
    struct objstore_config *config;
    const char *name;
    struct baro_error *err;
    int result;
};

static void fault(struct reading *rd, const struct yaml_node *node, int code, const char *format,
                  const char *what)
{
    if (rd->result < 0) {
        return;
    }
    rd->result = error_set(rd->err, code, format, what);
    if (rd->err != NULL) {
        rd->err->line = node != NULL ? node->line : 1;
        rd->err->column = node != NULL ? node->column : 1;
        (void)snprintf(rd->err->input, sizeof(rd->err->input), "%s", rd->name);
    }
}

static bool is_among(str key, const char *const *keys)
{
    for (; *keys != NULL; keys++) {
        if (str_is(key, *keys)) {
            return true;
        }
    }
    return false;
}

/* Keys that Thanos knows: those that are used here, and those that change nothing for uploads. */
static void check_keys(struct reading *rd, const struct yaml_node *node, const char *const *used,
                       const char *const *ignored)
{
    char key[64];

    if (node != NULL && node->kind != YAML_KIND_MAPPING) {
        fault(rd, node, BARO_EPARSE, "a mapping is wanted here%s", "");
        return;
    }
    for (size_t i = 0; node != NULL && i < node->pair_count; i++) {
        str name =
            node->pairs[i].key->kind == YAML_KIND_SCALAR ? node->pairs[i].key->text : STR_NULL;

        if (!is_among(name, used) && (ignored == NULL || !is_among(name, ignored))) {
            (void)snprintf(key, sizeof(key), "%.*s", STR_ARG(name));
            fault(rd, node->pairs[i].key, BARO_EPARSE, "unknown key \"%s\"", key);
        }
    }
}

static str text_of(struct reading *rd, const struct yaml_node *node, const char *key)
{
    const struct yaml_node *value = yaml_get(node, str_from(key));

    if (yaml_is_null(value)) {
        return STR_NULL;
    }
    if (value->kind != YAML_KIND_SCALAR) {
        fault(rd, value, BARO_EPARSE, "'%s' wants a text", key);
        return STR_NULL;
    }
    return arena_str(&rd->config->arena, value->text);
}

static bool bool_of(struct reading *rd, const struct yaml_node *node, const char *key)
{
    const struct yaml_node *value = yaml_get(node, str_from(key));

    if (yaml_is_null(value)) {
        return false;
    }
    if (value->kind != YAML_KIND_SCALAR || value->type != YAML_TYPE_BOOL) {
        fault(rd, value, BARO_EPARSE, "'%s' wants true or false", key);
        return false;
    }
    return value->boolean;
}

/* What would change what is sent is refused, not passed over. */
static void refuse(struct reading *rd, const struct yaml_node *node, const char *key)
{
    const struct yaml_node *value = yaml_get(node, str_from(key));
    bool is_set = !yaml_is_null(value) &&
                  (value->kind == YAML_KIND_SCALAR
                       ? value->type == YAML_TYPE_BOOL ? value->boolean : value->text.len > 0
                       : value->kind == YAML_KIND_MAPPING && value->pair_count > 0);

    if (is_set && value->kind == YAML_KIND_MAPPING) {
        /* sse_config: {type: ""} is as good as none. */
        const struct yaml_node *type = yaml_get(value, STR("type"));

        is_set = type == NULL || (type->kind == YAML_KIND_SCALAR && type->text.len > 0);
    }
    if (is_set) {
        fault(rd, value, BARO_EUNSUPPORTED, "'%s' is not supported", key);
    }
}

static void read_http(struct reading *rd, const struct yaml_node *http)
{
    static const char *const used[] = {"insecure_skip_verify", "tls_config", NULL};
    static const char *const ignored[] = {
        "idle_conn_timeout",       "response_header_timeout", "tls_handshake_timeout",
        "expect_continue_timeout", "max_idle_conns",          "max_idle_conns_per_host",
        "max_conns_per_host",      "disable_compression",     NULL};
    static const char *const tls_used[] = {
        "ca_file", "cert_file", "key_file", "server_name", "insecure_skip_verify", NULL};
    const struct yaml_node *tls = yaml_get(http, STR("tls_config"));

    check_keys(rd, http, used, ignored);
    check_keys(rd, tls, tls_used, NULL);
    refuse(rd, tls, "server_name");
    rd->config->insecure_skip_verify = bool_of(rd, http, "insecure_skip_verify");
    if (bool_of(rd, tls, "insecure_skip_verify")) {
        rd->config->insecure_skip_verify = true;
    }
    rd->config->ca_file = text_of(rd, tls, "ca_file");
    rd->config->cert_file = text_of(rd, tls, "cert_file");
    rd->config->key_file = text_of(rd, tls, "key_file");
}

static void read_keys(struct reading *rd, const struct yaml_node *node,
                      const char *(*getenv_)(const char *name))
{
    static const char *const names[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                                        "AWS_SESSION_TOKEN"};
    str values[3] = {text_of(rd, node, "access_key"), text_of(rd, node, "secret_key"),
                     text_of(rd, node, "session_token")};

    if (values[0].len == 0 && values[1].len == 0) {
        for (int i = 0; i < 3; i++) {
            const char *value = getenv_(names[i]);

            values[i] = value != NULL ? arena_str(&rd->config->arena, str_from(value)) : STR_NULL;
        }
    }
    if (values[0].len == 0 || values[1].len == 0) {
        fault(rd, node, BARO_EPARSE,
              "'access_key' and 'secret_key' are wanted%s, here or as AWS_ACCESS_KEY_ID and "
              "AWS_SECRET_ACCESS_KEY",
              "");
    }
    rd->config->access_key = values[0];
    rd->config->secret_key = secret_from(values[1]);
    rd->config->session_token = secret_from(values[2]);
}

static bool is_host(str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              strchr(".-_:[]", c) != NULL)) {
            return false;
        }
    }
    return text.len > 0;
}

/* Without a region, Amazon's endpoints tell theirs. */
static str region_of(str endpoint)
{
    static const char front[] = "s3.", back[] = ".amazonaws.com";

    return str_has_prefix(endpoint, str_from(front)) && str_has_suffix(endpoint, str_from(back)) &&
                   endpoint.len > sizeof(front) + sizeof(back) - 2
               ? str_slice(endpoint, sizeof(front) - 1, endpoint.len - (sizeof(back) - 1))
               : STR("us-east-1");
}

static void read_s3(struct reading *rd, const struct yaml_node *node,
                    const char *(*getenv_)(const char *name))
{
    static const char *const used[] = {
        "bucket",        "endpoint",           "region",    "access_key",  "secret_key",
        "session_token", "insecure",           "part_size", "http_config", "bucket_lookup_type",
        "sse_config",    "signature_version2", NULL};
    static const char *const ignored[] = {"aws_sdk_auth",
                                          "put_user_metadata",
                                          "trace",
                                          "list_objects_version",
                                          "send_content_md5",
                                          "disable_multipart",
                                          "disable_dualstack",
                                          "sts_endpoint",
                                          "max_retries",
                                          NULL};
    struct objstore_config *config = rd->config;
    const struct yaml_node *part = yaml_get(node, STR("part_size"));
    str lookup = text_of(rd, node, "bucket_lookup_type");

    check_keys(rd, node, used, ignored);
    refuse(rd, node, "sse_config");
    refuse(rd, node, "signature_version2");
    config->bucket = text_of(rd, node, "bucket");
    config->endpoint = text_of(rd, node, "endpoint");
    config->region = text_of(rd, node, "region");
    config->insecure = bool_of(rd, node, "insecure");
    read_http(rd, yaml_get(node, STR("http_config")));
    config->part_bytes = PART_BYTES_DEFAULT;
    if (!yaml_is_null(part)) {
        bool is_good = part->kind == YAML_KIND_SCALAR && part->type == YAML_TYPE_INT &&
                       part->integer >= (int64_t)PART_BYTES_MIN &&
                       part->integer <= (int64_t)PART_BYTES_MAX;

        config->part_bytes = is_good ? (uint64_t)part->integer : PART_BYTES_DEFAULT;
        if (!is_good && !(part->kind == YAML_KIND_SCALAR && part->type == YAML_TYPE_INT &&
                          part->integer == 0)) {
            fault(rd, part, BARO_EPARSE, "'part_size' wants bytes, from 5 MiB to 5 GiB%s", "");
        }
    }
    if (!is_host(config->bucket)) {
        fault(rd, node, BARO_EPARSE, "'bucket' is missing, or no name of a bucket%s", "");
    }
    if (!is_host(config->endpoint)) {
        fault(rd, node, BARO_EPARSE,
              "'endpoint' is missing, or no host or host:port%s (no scheme, no path)", "");
    }
    config->virtual_hosted =
        str_is(lookup, "virtual-hosted") ||
        (!str_is(lookup, "path") && str_has_suffix(config->endpoint, STR(".amazonaws.com")));
    if (lookup.len > 0 && !str_is(lookup, "auto") && !str_is(lookup, "path") &&
        !str_is(lookup, "virtual-hosted")) {
        fault(rd, yaml_get(node, STR("bucket_lookup_type")), BARO_EPARSE,
              "'bucket_lookup_type' is auto, path or virtual-hosted%s", "");
    }
    if (config->region.len == 0) {
        config->region = region_of(config->endpoint);
    }
    read_keys(rd, node, getenv_);
}

static void read_filesystem(struct reading *rd, const struct yaml_node *node)
{
    static const char *const used[] = {"directory", NULL};

    check_keys(rd, node, used, NULL);
    rd->config->directory = text_of(rd, node, "directory");
    if (rd->config->directory.len == 0) {
        fault(rd, node, BARO_EPARSE, "'directory' is missing%s", "");
    }
}

static void read_root(struct reading *rd, const struct yaml_node *root,
                      const char *(*getenv_)(const char *name))
{
    static const char *const used[] = {"type", "config", "prefix", NULL};
    const struct yaml_node *config = yaml_get(root, STR("config"));
    str type = text_of(rd, root, "type");
    str prefix = text_of(rd, root, "prefix");

    check_keys(rd, root, used, NULL);
    while (prefix.len > 0 && prefix.ptr[0] == '/') {
        prefix = str_from_index(prefix, 1);
    }
    while (prefix.len > 0 && prefix.ptr[prefix.len - 1] == '/') {
        prefix.len--;
    }
    rd->config->prefix = prefix;
    if (str_eq_nocase(type, STR("S3"))) {
        rd->config->type = OBJSTORE_S3;
        read_s3(rd, config, getenv_);
    } else if (str_eq_nocase(type, STR("FILESYSTEM"))) {
        rd->config->type = OBJSTORE_FILESYSTEM;
        read_filesystem(rd, config);
    } else {
        fault(rd, root != NULL ? yaml_key_of(root, STR("type")) : NULL, BARO_EUNSUPPORTED,
              "'type' must be S3 or FILESYSTEM%s; other stores are not supported", "");
    }
}

int objstore_config_parse(str text, const char *name, const char *(*getenv_)(const char *name),
                          struct objstore_config *ret, struct baro_error *err)
{
    struct objstore_config config = {0};
    struct reading rd = {.config = &config, .name = name, .err = err};
    const struct yaml_node *root = NULL;
    struct arena tree = {0};

    rd.result = text.len > OBJSTORE_CONFIG_BYTES_MAX
                    ? error_set(err, BARO_ELIMIT, "%s has %zu bytes", name, text.len)
                    : yaml_parse(&tree, text, &root, err);
    if (rd.result >= 0) {
        read_root(&rd, root, getenv_);
    } else if (err != NULL) {
        (void)snprintf(err->input, sizeof(err->input), "%s", name);
    }
    arena_done(&tree);
    if (rd.result < 0) {
        objstore_config_done(&config);
        return rd.result;
    }
    *ret = config;
    return 0;
}

void objstore_config_done(struct objstore_config *config)
{
    arena_done(&config->arena);
    *config = (struct objstore_config){0};
}
