#include "alerting/am_redact.h"

#include "alerting/am_config_priv.h"
#include "codec/yaml.h"
#include "conf/url.h"
#include "conf/yaml_writer.h"

/* What is secret within http_config, at any depth. */
static const char *const http_secrets[] = {"password",
                                           "credentials",
                                           "bearer_token",
                                           "client_secret",
                                           "proxy_connect_header",
                                           "secrets",
                                           "client_certificate_key",
                                           "key"};

enum mode { MODE_PLAIN, MODE_HTTP };

static bool is_http_secret(str key)
{
    for (size_t i = 0; i < ARRAY_COUNT(http_secrets); i++) {
        if (str_is(key, http_secrets[i])) {
            return true;
        }
    }
    return false;
}

/* What stands instead of a secret. Not every amtool takes "<secret>" for a URL: a webhook's was
 * none before 0.26. */
static const char hidden_text[] = "<secret>";
static const char hidden_url[] = "https://secret.invalid/";

static const char *hidden_by(const struct option_type *type, enum mode mode, str key)
{
    if (mode == MODE_HTTP) {
        return is_http_secret(key) ? hidden_text : NULL;
    }
    for (size_t i = 0; type != NULL && i < type->count; i++) {
        const struct option *row = &type->rows[i];

        if (row->key != NULL && str_is(key, row->key)) {
            return row->kind == OPTION_SECRET             ? hidden_text
                   : row->detail == &am_secret_url_custom ? hidden_url
                                                          : NULL;
        }
    }
    return NULL;
}

static void write_scalar(struct yaml_writer *w, const struct yaml_node *node)
{
    if (node == NULL || (node->type == YAML_TYPE_NULL && node->style == YAML_STYLE_PLAIN)) {
        yaml_write_raw(w, STR("null"));
    } else if (node->type != YAML_TYPE_STRING && node->style == YAML_STYLE_PLAIN) {
        yaml_write_raw(w, node->text);
    } else {
        yaml_write_str(w, node->text);
    }
}

static void write_value(struct yaml_writer *w, const struct yaml_node *node,
                        const struct option_type *type, enum mode mode);

/* "-", and where a mapping follows, its first key on the same line. */
static void write_dash(struct yaml_writer *w, const struct yaml_node *node)
{
    yaml_write_item(w);
    if (node != NULL && node->kind == YAML_KIND_MAPPING && node->pair_count > 0) {
        buf_char(w->buf, ' ');
        w->after_dash = true;
    }
}

/* A list or mapping of secrets is shown empty. */
static void write_hidden(struct yaml_writer *w, const struct yaml_node *node, const char *instead)
{
    if (node == NULL || node->kind != YAML_KIND_SCALAR) {
        yaml_write_raw(w, node != NULL && node->kind == YAML_KIND_MAPPING ? STR("{}") : STR("[]"));
    } else if (node->text.len == 0 || node->type == YAML_TYPE_NULL) {
        write_scalar(w, node);
    } else {
        yaml_write_raw(w, str_from(instead));
    }
}

/* As Alertmanager shows it: the password as xxxxx. */
static void write_proxy(struct yaml_writer *w, const struct yaml_node *node)
{
    struct arena arena = {0};

    yaml_write_str(w, url_redacted(&arena, node->text));
    arena_done(&arena);
}

static void write_pairs(struct yaml_writer *w, const struct yaml_node *node,
                        const struct option_type *type, enum mode mode)
{
    for (size_t i = 0; i < node->pair_count; i++) {
        const struct yaml_pair *pair = &node->pairs[i];
        str key =
            pair->key != NULL && pair->key->kind == YAML_KIND_SCALAR ? pair->key->text : STR("?");

        const char *instead = hidden_by(type, mode, key);

        yaml_write_key(w, key);
        if (instead != NULL) {
            write_hidden(w, pair->value, instead);
        } else if (mode == MODE_HTTP && str_is(key, "proxy_url") && pair->value != NULL &&
                   pair->value->kind == YAML_KIND_SCALAR) {
            write_proxy(w, pair->value);
        } else {
            write_value(w, pair->value, NULL, str_is(key, "http_config") ? MODE_HTTP : mode);
        }
    }
}

/* A mapping below a key or a dash. */
static void write_mapping(struct yaml_writer *w, const struct yaml_node *node,
                          const struct option_type *type, enum mode mode)
{
    if (node->pair_count == 0) {
        yaml_write_raw(w, STR("{}"));
        return;
    }
    w->indent += 2;
    write_pairs(w, node, type, mode);
    w->indent -= 2;
}

static void write_list(struct yaml_writer *w, const struct yaml_node *node,
                       const struct option_type *type, enum mode mode)
{
    if (node->item_count == 0) {
        yaml_write_raw(w, STR("[]"));
        return;
    }
    for (size_t i = 0; i < node->item_count; i++) {
        write_dash(w, node->items[i]);
        if (node->items[i] != NULL && node->items[i]->kind == YAML_KIND_SEQUENCE) {
            yaml_write_raw(w, STR("[]")); /* no list of lists is valid here */
        } else {
            write_value(w, node->items[i], type, mode);
        }
    }
}

static void write_value(struct yaml_writer *w, const struct yaml_node *node,
                        const struct option_type *type, enum mode mode)
{
    if (node == NULL || node->kind == YAML_KIND_SCALAR) {
        write_scalar(w, node);
    } else if (node->kind == YAML_KIND_MAPPING) {
        write_mapping(w, node, type, mode);
    } else {
        write_list(w, node, type, mode);
    }
}

static const struct option_type *type_of(str key)
{
    for (size_t i = 0; i < am_kind_count; i++) {
        if (str_is(key, am_kinds[i].key)) {
            return am_kinds[i].type;
        }
    }
    return NULL;
}

static void write_receiver(struct yaml_writer *w, const struct yaml_node *node)
{
    if (node == NULL || node->kind != YAML_KIND_MAPPING) {
        write_value(w, node, NULL, MODE_PLAIN);
        return;
    }
    w->indent += 2;
    for (size_t i = 0; i < node->pair_count; i++) {
        yaml_write_key(w, node->pairs[i].key->text);
        write_value(w, node->pairs[i].value, type_of(node->pairs[i].key->text), MODE_PLAIN);
    }
    w->indent -= 2;
}

/* event_recorder: lists of outputs. A key of tls_config is named as one of http_config. */
static void write_events(struct yaml_writer *w, const struct yaml_node *node)
{
    if (node == NULL || node->kind != YAML_KIND_MAPPING) {
        write_value(w, node, NULL, MODE_PLAIN);
        return;
    }
    w->indent += 2;
    for (size_t i = 0; i < node->pair_count; i++) {
        str key = node->pairs[i].key->text;

        yaml_write_key(w, key);
        write_value(w, node->pairs[i].value,
                    str_is(key, "webhook_outputs") ? &am_event_webhook_type : NULL,
                    str_is(key, "kafka_outputs") ? MODE_HTTP : MODE_PLAIN);
    }
    w->indent -= 2;
}

static void write_root(struct yaml_writer *w, const struct yaml_node *root)
{
    for (size_t i = 0; i < root->pair_count; i++) {
        str key = root->pairs[i].key->text;
        const struct yaml_node *value = root->pairs[i].value;

        yaml_write_key(w, key);
        if (str_is(key, "receivers") && value != NULL && value->kind == YAML_KIND_SEQUENCE) {
            for (size_t k = 0; k < value->item_count; k++) {
                write_dash(w, value->items[k]);
                write_receiver(w, value->items[k]);
            }
        } else if (str_is(key, "event_recorder")) {
            write_events(w, value);
        } else {
            write_value(w, value, str_is(key, "global") ? &am_global_type : NULL, MODE_PLAIN);
        }
    }
}

int am_redact(str text, struct buf *ret, struct baro_error *err)
{
    struct arena arena = {0};
    const struct yaml_node *root = NULL;
    struct yaml_writer w = {.buf = ret};
    int r = yaml_parse(&arena, text, &root, err);

    if (r >= 0 && root != NULL && root->kind == YAML_KIND_MAPPING) {
        write_root(&w, root);
        yaml_write_end(&w);
    }
    arena_done(&arena);
    return r;
}
