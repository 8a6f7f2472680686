#include <stdio.h>

#include "base/attr.h"
#include "base/map.h"
#include "conf/prom_config_priv.h"

/* Source of this file's facts: Prometheus, config/config.go and the configurations it embeds. */

/* ---- authentication of clouds ---- */

static const struct option sigv4_rows[] = {
    ROW("region", STR),
    ROW("access_key", STR),
    ROW("secret_key", SECRET),
    ROW("profile", STR),
    ROW("role_arn", STR),
    ROW("external_id", STR),
    ROW("use_fips_sts_endpoint", BOOL),
    ROW("service_name", STR),
};
static const struct option_type sigv4_type;

static void check_sigv4(struct option_reader *rd, void *object, const struct yaml_node *node)
{
    if (option_slot_is_set(&sigv4_type, object, "access_key") !=
        option_slot_is_set(&sigv4_type, object, "secret_key")) {
        option_fault(rd, node,
                     "must provide a AWS SigV4 Access key and Secret Key if credentials "
                     "are specified in the SigV4 config");
    }
}

static const struct option_type sigv4_type = SLOTS("sigv4", sigv4_rows, check_sigv4);

static const struct option managed_identity_rows[] = {ROW("client_id", STR)};
static const struct option_type managed_identity_type =
    SLOTS("managed_identity", managed_identity_rows, NULL);

static const struct option workload_identity_rows[] = {
    ROW("client_id", STR),
    ROW("tenant_id", STR),
    ROW("token_file_path", STR, DEFAULT("/var/run/secrets/azure/tokens/azure-identity-token")),
};
static const struct option_type workload_identity_type =
    SLOTS("workload_identity", workload_identity_rows, NULL);

static const struct option azure_oauth_rows[] = {
    ROW("client_id", STR),
    ROW("client_secret", SECRET),
    ROW("tenant_id", STR),
};
static const struct option_type azure_oauth_type = SLOTS("oauth", azure_oauth_rows, NULL);

static const struct option azure_sdk_rows[] = {ROW("tenant_id", STR)};
static const struct option_type azure_sdk_type = SLOTS("sdk", azure_sdk_rows, NULL);

static const struct option azuread_rows[] = {
    ROW("managed_identity", STRUCT, OF(managed_identity_type)),
    ROW("workload_identity", STRUCT, OF(workload_identity_type)),
    ROW("oauth", STRUCT, OF(azure_oauth_type)),
    ROW("sdk", STRUCT, OF(azure_sdk_type)),
    ROW("cloud", STR, DEFAULT("AzurePublic")),
    ROW("scope", STR),
};
static const struct option_type azuread_type;

static void check_azuread(struct option_reader *rd, void *object, const struct yaml_node *node)
{
    static const char *const ways[] = {"managed_identity", "workload_identity", "oauth", "sdk"};
    str cloud = option_slot_str(&azuread_type, object, "cloud");
    const void *oauth = option_slot_ptr(&azuread_type, object, "oauth");
    int given = 0;

    if (!str_is(cloud, "AzurePublic") && !str_is(cloud, "AzureChina") &&
        !str_is(cloud, "AzureGovernment")) {
        option_fault_key(rd, node, "cloud", "must provide a cloud in the Azure AD config");
    }
    for (size_t i = 0; i < ARRAY_COUNT(ways); i++) {
        given += option_slot_ptr(&azuread_type, object, ways[i]) != NULL;
    }
    if (given == 0) {
        option_fault(rd, node,
                     "must provide an Azure Managed Identity, Azure Workload Identity, "
                     "Azure OAuth or Azure SDK in the Azure AD config");
    } else if (given > 1) {
        option_fault(rd, node,
                     "cannot provide multiple authentication methods in the Azure AD "
                     "config");
    }
    if (oauth != NULL && (!option_slot_is_set(&azure_oauth_type, oauth, "client_id") ||
                          !option_slot_is_set(&azure_oauth_type, oauth, "client_secret") ||
                          !option_slot_is_set(&azure_oauth_type, oauth, "tenant_id"))) {
        option_fault_key(rd, node, "oauth",
                         "must provide an Azure OAuth client_id, client_secret and tenant_id in "
                         "the Azure AD config");
    }
}

static const struct option_type azuread_type = SLOTS("azuread", azuread_rows, check_azuread);

static const struct option google_iam_rows[] = {ROW("credentials_file", FILE)};
static const struct option_type google_iam_type = SLOTS("google_iam", google_iam_rows, NULL);

/* ---- alerting ---- */

static const char *const alertmanager_versions[] = {"v2"};

static void unknown_version(struct option_reader *rd, const struct yaml_node *node, str word)
{
    option_fault(rd, node, "expected Alertmanager api version to be one of [v2] but got %.*s",
                 STR_ARG(word));
}

static const struct option_words versions = {
    .names = alertmanager_versions,
    .count = ARRAY_COUNT(alertmanager_versions),
    .unknown = unknown_version,
};

static void check_alertmanager(struct option_reader *rd, void *object, const struct yaml_node *node)
{
    struct alertmanager_raw *raw = object;
    bool has_auth = raw->http->basic_auth != NULL || raw->http->authorization != NULL ||
                    raw->http->oauth2 != NULL;

    raw->node = node;
    prom_http_check(rd, raw->http, node);
    if (has_auth && raw->sigv4 != NULL) {
        option_fault_key(rd, node, "sigv4",
                         "at most one of basic_auth, authorization, oauth2, & sigv4 must be "
                         "configured");
    }
    if (raw->relabel_configs.count == 0) {
        prom_static_targets_check(rd, raw->sds);
    }
}

static const struct option alertmanager_rows[] = {
    ROW(NULL, INLINE, AT(struct alertmanager_raw, http), OF(prom_http_type)),
    ROW("sigv4", STRUCT, AT(struct alertmanager_raw, sigv4), OF(sigv4_type),
        .flags = OPTION_UNSUPPORTED),
    ROW("scheme", STR, AT(struct alertmanager_raw, scheme), DEFAULT("http")),
    ROW("path_prefix", STR, AT(struct alertmanager_raw, path_prefix)),
    ROW("timeout", DURATION, AT(struct alertmanager_raw, timeout), DEFAULT("10s")),
    ROW("api_version", WORD, AT(struct alertmanager_raw, api_version), OF(versions), DEFAULT("v2"),
        SHOWN),
    ROW("relabel_configs", LIST, AT(struct alertmanager_raw, relabel_configs),
        OF(prom_relabel_type), .null_fault = "empty or null Alertmanager target relabeling rule"),
    ROW("alert_relabel_configs", LIST, AT(struct alertmanager_raw, alert_relabel_configs),
        OF(prom_relabel_type), .null_fault = "empty or null Alertmanager alert relabeling rule"),
    ROW("static_configs", CUSTOM, AT(struct alertmanager_raw, sds), OF(prom_sds_custom),
        .flags = OPTION_ANY_KEY),
};

static const struct option_type alertmanager_type = {
    .name = "alertmanager_config",
    .size = sizeof(struct alertmanager_raw),
    TABLE(alertmanager_rows),
    .place_offset = OPTION_NO_PLACE,
    .check = check_alertmanager,
};

static const struct option alerting_rows[] = {
    ROW("alert_relabel_configs", LIST, AT(struct alerting_raw, alert_relabel_configs),
        OF(prom_relabel_type), .null_fault = "empty or null alert relabeling rule"),
    ROW("alertmanagers", LIST, AT(struct alerting_raw, alertmanagers), OF(alertmanager_type),
        .null_fault = "empty or null alertmanager config section"),
};

const struct option_type prom_alerting_type = {
    .name = "alerting",
    .size = sizeof(struct alerting_raw),
    TABLE(alerting_rows),
    .place_offset = OPTION_NO_PLACE,
};

void prom_alerting_finish(struct option_reader *rd, const struct alerting_raw *raw,
                          enum prom_validation scheme)
{
    prom_relabels_check(rd, raw->alert_relabel_configs, scheme);
    for (size_t i = 0; i < raw->alertmanagers.count; i++) {
        const struct alertmanager_raw *manager = raw->alertmanagers.items[i];

        prom_relabels_check(rd, manager->alert_relabel_configs, scheme);
        prom_relabels_check(rd, manager->relabel_configs, scheme);
    }
}

/* ---- remote write and read ---- */

static void check_headers(struct option_reader *rd, struct conf_pairs headers,
                          const struct yaml_node *node, const char *authorization)
{
    const struct yaml_node *mapping = yaml_get(node, STR("headers"));

    for (size_t i = 0; i < headers.count; i++) {
        str name = headers.items[i].name;
        const struct yaml_node *key = yaml_key_of(mapping, name);

        if (str_eq_nocase(name, STR("authorization"))) {
            option_fault(rd, key, "%s", authorization);
        } else if (prom_header_is_reserved(name) &&
                   !str_eq_nocase(name, STR("x-prometheus-scrape-timeout-seconds"))) {
            option_fault(rd, key, "%.*s is a reserved header. It must not be changed",
                         STR_ARG(name));
        }
    }
}

#define REMOTE_AUTHORIZATION                                                                       \
    "authorization header must be changed via the basic_auth, authorization, oauth2, sigv4, "      \
    "azuread or google_iam parameter"

#define QUEUE(member) AT(struct prom_queue, member)

static const struct option queue_rows[] = {
    ROW("capacity", INT, QUEUE(capacity), DEFAULT("10000")),
    ROW("max_shards", INT, QUEUE(shards_max), DEFAULT("50")),
    ROW("min_shards", INT, QUEUE(shards_min), DEFAULT("1")),
    ROW("max_samples_per_send", INT, QUEUE(samples_per_send), DEFAULT("2000")),
    ROW("batch_send_deadline", DURATION, QUEUE(batch_send_deadline), DEFAULT("5s")),
    ROW("min_backoff", DURATION, QUEUE(backoff_min), DEFAULT("30ms")),
    ROW("max_backoff", DURATION, QUEUE(backoff_max), DEFAULT("5s")),
    ROW("retry_on_http_429", BOOL, QUEUE(retry_on_429)),
    ROW("sample_age_limit", DURATION, QUEUE(sample_age_limit)),
};

static void check_queue(struct option_reader *rd, void *object, const struct yaml_node *node)
{
    const struct prom_queue *queue = object;
    const struct {
        const char *key;
        int64_t value;
    } positive[] = {
        {"max_shards", queue->shards_max},
        {"min_shards", queue->shards_min},
        {"max_samples_per_send", queue->samples_per_send},
        {"capacity", queue->capacity},
    };
    bool all_positive = true;

    for (size_t i = 0; i < ARRAY_COUNT(positive); i++) {
        if (positive[i].value <= 0) {
            option_fault_key(rd, node, positive[i].key, "remote write queue %s must be positive",
                             positive[i].key);
            all_positive = false;
        }
    }
    if (all_positive && queue->shards_min > queue->shards_max) {
        option_fault_key(rd, node, "min_shards",
                         "remote write queue min_shards must not be greater than max_shards");
    }
    if (queue->backoff_max < queue->backoff_min) {
        option_fault_key(rd, node, "max_backoff",
                         "remote write queue max_backoff must not be less than min_backoff");
    }
}

static const struct option_type queue_type = {
    .name = "queue_config",
    .size = sizeof(struct prom_queue),
    TABLE(queue_rows),
    .place_offset = OPTION_NO_PLACE,
    .check = check_queue,
};

static const struct option metadata_rows[] = {
    ROW("send", BOOL, AT(struct prom_remote_metadata, send), SHOWN, DEFAULT("true")),
    ROW("send_interval", DURATION, AT(struct prom_remote_metadata, interval), SHOWN, DEFAULT("1m")),
    ROW("max_samples_per_send", INT, AT(struct prom_remote_metadata, entries_per_send),
        DEFAULT("2000")),
};

static const struct option_type metadata_type = {
    .name = "metadata_config",
    .size = sizeof(struct prom_remote_metadata),
    TABLE(metadata_rows),
    .place_offset = OPTION_NO_PLACE,
};

static void check_remote_auth(struct option_reader *rd, const struct remote_write_raw *raw,
                              const struct yaml_node *node)
{
    const struct prom_http *http = raw->write.http;
    int count = (http->basic_auth != NULL) + (http->authorization != NULL) +
                (http->oauth2 != NULL) + (raw->sigv4 != NULL) + (raw->azuread != NULL) +
                (raw->google_iam != NULL);

    if (count > 1) {
        option_fault(rd, node,
                     "at most one of basic_auth, authorization, oauth2, sigv4, azuread "
                     "or google_iam must be configured");
    }
}

static struct conf_place place_of(const struct option_reader *rd, const struct yaml_node *node)
{
    return (struct conf_place){rd->file, node->line, node->column};
}

static void check_remote_write(struct option_reader *rd, void *object, const struct yaml_node *node)
{
    struct remote_write_raw *raw = object;
    str message = raw->write.protobuf_message;

    raw->node = node;
    raw->write.place = place_of(rd, node);
    if (yaml_is_null(yaml_get(node, STR("url")))) {
        option_fault(rd, node, "url for remote_write is empty");
    }
    check_headers(rd, raw->write.headers, node, REMOTE_AUTHORIZATION);
    raw->write.is_v2 = str_is(message, "io.prometheus.write.v2.Request");
    if (!str_is(message, "prometheus.WriteRequest") && !raw->write.is_v2) {
        option_fault_key(rd, node, "protobuf_message",
                         "invalid protobuf_message value: unknown type for remote write protobuf "
                         "message %.*s, supported: prometheus.WriteRequest, "
                         "io.prometheus.write.v2.Request",
                         STR_ARG(message));
    }
    prom_http_check(rd, raw->write.http, node);
    check_remote_auth(rd, raw, node);
}

#define WRITE(member) AT(struct remote_write_raw, write.member)

static const struct option remote_write_rows[] = {
    ROW("url", URL, WRITE(url), SHOWN),
    ROW("remote_timeout", DURATION, WRITE(timeout), DEFAULT("30s")),
    ROW("headers", PAIRS, WRITE(headers)),
    ROW("write_relabel_configs", LIST, WRITE(relabel_configs), OF(prom_relabel_type),
        .null_fault = "empty or null relabeling rule in remote write config"),
    ROW("name", STR, WRITE(name)),
    ROW("send_exemplars", BOOL, WRITE(send_exemplars)),
    ROW("send_native_histograms", BOOL, WRITE(send_native_histograms)),
    ROW("round_robin_dns", BOOL, WRITE(round_robin_dns)),
    ROW("protobuf_message", STR, WRITE(protobuf_message), DEFAULT("prometheus.WriteRequest")),
    ROW(NULL, INLINE, WRITE(http), OF(prom_http_write_type)),
    ROW("queue_config", STRUCT, WRITE(queue), OF(queue_type), .flags = OPTION_ALWAYS),
    ROW("metadata_config", STRUCT, WRITE(metadata), OF(metadata_type), .flags = OPTION_ALWAYS),
    ROW("sigv4", STRUCT, AT(struct remote_write_raw, sigv4), OF(sigv4_type),
        .flags = OPTION_UNSUPPORTED),
    ROW("azuread", STRUCT, AT(struct remote_write_raw, azuread), OF(azuread_type),
        .flags = OPTION_UNSUPPORTED),
    ROW("google_iam", STRUCT, AT(struct remote_write_raw, google_iam), OF(google_iam_type),
        .flags = OPTION_UNSUPPORTED),
};

const struct option_type prom_remote_write_type = {
    .name = "remote_write",
    .size = sizeof(struct remote_write_raw),
    TABLE(remote_write_rows),
    .place_offset = OPTION_NO_PLACE,
    .check = check_remote_write,
};

static void check_remote_read(struct option_reader *rd, void *object, const struct yaml_node *node)
{
    struct remote_read_raw *raw = object;

    raw->node = node;
    raw->read.place = place_of(rd, node);
    if (yaml_is_null(yaml_get(node, STR("url")))) {
        option_fault(rd, node, "url for remote_read is empty");
    }
    check_headers(rd, raw->read.headers, node, REMOTE_AUTHORIZATION);
    prom_http_check(rd, raw->read.http, node);
}

#define READ(member) AT(struct remote_read_raw, read.member)

static const struct option remote_read_rows[] = {
    ROW("url", URL, READ(url), SHOWN),
    ROW("remote_timeout", DURATION, READ(timeout), DEFAULT("1m")),
    ROW("chunked_read_limit", UINT, READ(frame_bytes_max), DEFAULT("50000000")),
    ROW("headers", PAIRS, READ(headers)),
    ROW("read_recent", BOOL, READ(read_recent)),
    ROW("name", STR, READ(name)),
    ROW(NULL, INLINE, READ(http), OF(prom_http_type)),
    ROW("required_matchers", PAIRS, READ(required_matchers)),
    ROW("filter_external_labels", BOOL, READ(filter_external_labels), DEFAULT("true")),
};

const struct option_type prom_remote_read_type = {
    .name = "remote_read",
    .size = sizeof(struct remote_read_raw),
    TABLE(remote_read_rows),
    .place_offset = OPTION_NO_PLACE,
    .check = check_remote_read,
};

/* Names are one set for each kind; the node of an item that was refused is NULL. */
static void check_unique_name(struct option_reader *rd, struct map *names, str name, void *raw,
                              const struct yaml_node *node, const char *kind)
{
    if (node != NULL && name.len > 0 && map_put(names, name, raw) != NULL) {
        option_fault_key(rd, node, "name",
                         "found multiple remote %s configs with job name \"%.*s\"", kind,
                         STR_ARG(name));
    }
}

void prom_remotes_finish(struct option_reader *rd, const struct root_raw *raw,
                         enum prom_validation scheme)
{
    struct map writes = {0};
    struct map reads = {0};

    for (size_t i = 0; i < raw->remote_writes.count; i++) {
        struct remote_write_raw *write = raw->remote_writes.items[i];

        check_unique_name(rd, &writes, write->write.name, write, write->node, "write");
        prom_relabels_check(rd, write->write.relabel_configs, scheme);
    }
    for (size_t i = 0; i < raw->remote_reads.count; i++) {
        struct remote_read_raw *read = raw->remote_reads.items[i];

        check_unique_name(rd, &reads, read->read.name, read, read->node, "read");
    }
    map_done(&reads);
    map_done(&writes);
}

/* ---- storage ---- */

static const struct option retention_rows[] = {
    ROW("time", DURATION),
    ROW("size", SIZE),
    ROW("percentage", DOUBLE),
};
static const struct option_type retention_type;

static double slot_double(const struct option_type *type, const void *object, size_t row)
{
    double value;

    (void)type;
    memcpy(&value, (const char *)object + row * OPTION_SLOT_BYTES, sizeof(value));
    return value;
}

enum { RETENTION_PERCENTAGE = 2, TSDB_STALE_THRESHOLD = 2 };

static void check_retention(struct option_reader *rd, void *object, const struct yaml_node *node)
{
    double percentage = slot_double(&retention_type, object, RETENTION_PERCENTAGE);

    if (option_slot_int(&retention_type, object, "size") < 0) {
        option_fault_key(rd, node, "size",
                         "'storage.tsdb.retention.size' must be greater than or equal to 0");
    }
    if (!(percentage >= 0 && percentage <= 100)) {
        option_fault_key(rd, node, "percentage",
                         "'storage.tsdb.retention.percentage' must be in the range [0, 100]");
    }
}
static const struct option_type retention_type =
    SLOTS("retention", retention_rows, check_retention);

static const struct option encoding_rows[] = {ROW("floats", STR)};
static const struct option_type encoding_type;

static void check_encoding(struct option_reader *rd, void *object, const struct yaml_node *node)
{
    const struct yaml_node *value = yaml_get(node, STR("floats"));
    str floats = option_slot_str(&encoding_type, object, "floats");

    if (rd->store_starts && str_is(floats, "xor")) {
        option_fault(
            rd, value,
            "float chunk encoding \"xor\" is incompatible with start-timestamp storage; XOR "
            "chunks do not store start timestamps, use \"xor2\"");
    } else if (!str_is(floats, "xor") && !str_is(floats, "xor2") && floats.len > 0) {
        option_fault(rd, value,
                     "'storage.tsdb.chunk_encoding.floats' must be 'xor' or 'xor2', or the field "
                     "must be omitted entirely, got \"%.*s\"",
                     STR_ARG(floats));
    }
}
static const struct option_type encoding_type =
    SLOTS("chunk_encoding", encoding_rows, check_encoding);

/* The first key is the window again, in milliseconds: Prometheus prints it, and takes it. */
static const struct option tsdb_rows[] = {
    ROW("outofordertimewindow", INT, SHOWN),
    ROW("out_of_order_time_window", DURATION),
    ROW("stale_series_compaction_threshold", DOUBLE),
    ROW("retention", STRUCT, OF(retention_type)),
    ROW("chunk_encoding", STRUCT, OF(encoding_type), .flags = OPTION_VALUE),
};
static const struct option_type tsdb_type;

static void check_tsdb(struct option_reader *rd, void *object, const struct yaml_node *node)
{
    double threshold = slot_double(&tsdb_type, object, TSDB_STALE_THRESHOLD);
    int64_t window_ms = option_slot_int(&tsdb_type, object, "out_of_order_time_window");

    memcpy(object, &window_ms, sizeof(window_ms));
    if (!(threshold >= 0 && threshold <= 1)) {
        option_fault_key(rd, node, "stale_series_compaction_threshold",
                         "'storage.tsdb.stale_series_compaction_threshold' must be in the range "
                         "[0, 1]");
    }
}
static const struct option_type tsdb_type = SLOTS("tsdb", tsdb_rows, check_tsdb);

static const struct option exemplars_rows[] = {ROW("max_exemplars", INT)};
static const struct option_type exemplars_type = SLOTS("exemplars", exemplars_rows, NULL);

static const struct option storage_rows[] = {
    ROW("tsdb", STRUCT, OF(tsdb_type)),
    ROW("exemplars", STRUCT, OF(exemplars_type)),
    ROW("retention_rules", LIST, OF(prom_retention_rule_type),
        .null_fault = "empty or null retention rule"),
};
enum { STORAGE_RETENTION_RULES = 2 };
const struct option_type prom_storage_type = SLOTS("storage", storage_rows, NULL);

struct option_list prom_storage_rules(const void *storage)
{
    struct option_list list = {0};

    if (storage != NULL) {
        memcpy(&list, (const char *)storage + (size_t)STORAGE_RETENTION_RULES * OPTION_SLOT_BYTES,
               sizeof(list));
    }
    return list;
}

void prom_storage_fill(const void *storage, struct prom_storage *ret)
{
    const void *tsdb = NULL;
    const void *retention = NULL;
    const void *exemplars = NULL;
    const void *encoding = NULL;

    *ret = (struct prom_storage){.max_exemplars = 100000};
    if (storage != NULL) {
        tsdb = option_slot_ptr(&prom_storage_type, storage, "tsdb");
        exemplars = option_slot_ptr(&prom_storage_type, storage, "exemplars");
    }
    if (tsdb != NULL) {
        ret->out_of_order_time_window =
            option_slot_int(&tsdb_type, tsdb, "out_of_order_time_window");
        ret->stale_series_compaction_threshold =
            slot_double(&tsdb_type, tsdb, TSDB_STALE_THRESHOLD);
        retention = option_slot_ptr(&tsdb_type, tsdb, "retention");
        encoding = option_slot_ptr(&tsdb_type, tsdb, "chunk_encoding");
    }
    if (encoding != NULL) {
        ret->float_encoding = option_slot_str(&encoding_type, encoding, "floats");
    }
    if (retention != NULL) {
        ret->retention_time = option_slot_int(&retention_type, retention, "time");
        ret->retention_size = (uint64_t)option_slot_int(&retention_type, retention, "size");
        ret->retention_percentage = slot_double(&retention_type, retention, RETENTION_PERCENTAGE);
    }
    if (exemplars != NULL) {
        ret->max_exemplars = option_slot_int(&exemplars_type, exemplars, "max_exemplars");
    }
}

/* ---- tracing ---- */

static const char *const tracing_clients[] = {"http", "grpc"};

static void unknown_client(struct option_reader *rd, const struct yaml_node *node, str word)
{
    option_fault(rd, node, "expected tracing client type to be to be http or grpc, but got %.*s",
                 STR_ARG(word));
}

static const struct option_words clients = {
    .names = tracing_clients,
    .count = ARRAY_COUNT(tracing_clients),
    .unknown = unknown_client,
};

enum { TRACING_HEADERS = 5 };

static void check_tracing(struct option_reader *rd, void *object, const struct yaml_node *node)
{
    str compression = option_slot_str(&prom_tracing_type, object, "compression");
    const struct conf_pairs *headers =
        (const void *)((const char *)object + TRACING_HEADERS * OPTION_SLOT_BYTES);

    check_headers(rd, *headers, node,
                  "custom authorization header configuration is not yet supported");
    if (!option_slot_is_set(&prom_tracing_type, object, "endpoint")) {
        option_fault_key(rd, node, "endpoint", "tracing endpoint must be set");
    }
    if (compression.len > 0 && !str_is(compression, "gzip")) {
        option_fault_key(rd, node, "compression",
                         "invalid compression type %.*s provided, valid options: gzip",
                         STR_ARG(compression));
    }
}

static const struct option tracing_rows[] = {
    ROW("client_type", WORD, OF(clients), DEFAULT("grpc")),
    ROW("endpoint", STR),
    ROW("sampling_fraction", DOUBLE),
    ROW("insecure", BOOL),
    ROW("tls_config", STRUCT, OF(prom_tls_type), .flags = OPTION_VALUE),
    ROW("headers", PAIRS),
    ROW("compression", STR),
    ROW("timeout", DURATION),
};
const struct option_type prom_tracing_type = SLOTS("tracing", tracing_rows, check_tracing);

/* ---- OTLP ---- */

/* Trims the names; refuses empty and doubled ones, all in one message as Prometheus has it. */
static void clean_attributes(struct option_reader *rd, struct conf_strs *names, const char *kind,
                             const char *key, const struct yaml_node *node)
{
    str *items = (str *)(uintptr_t)names->items;
    struct map seen = {0};
    struct buf text = {0};

    for (size_t i = 0; i < names->count; i++) {
        items[i] = str_trim(items[i]);
        if (items[i].len == 0) {
            buf_printf(&text, "%sempty %s OTel resource attribute", text.len > 0 ? ", " : "", kind);
        } else if (map_put(&seen, items[i], names) != NULL) {
            buf_printf(&text, "%sduplicated %s OTel resource attribute \"%.*s\"",
                       text.len > 0 ? ", " : "", kind, STR_ARG(items[i]));
        }
    }
    if (text.len > 0) {
        option_fault_key(rd, node, key, "invalid '%s': %.*s", key, STR_ARG(buf_view(&text)));
    }
    buf_done(&text);
    map_done(&seen);
}

static void check_otlp(struct option_reader *rd, void *object, const struct yaml_node *node)
{
    static const char *const strategies[] = {
        "",
        "UnderscoreEscapingWithSuffixes",
        "UnderscoreEscapingWithoutSuffixes",
        "NoTranslation",
        "NoUTF8EscapingWithSuffixes",
    };
    struct prom_otlp *otlp = object;
    bool known = false;

    if (otlp->promote_all_resource_attributes) {
        if (otlp->promote_resource_attributes.count > 0) {
            option_fault_key(rd, node, "promote_resource_attributes",
                             "'promote_all_resource_attributes' and "
                             "'promote_resource_attributes' cannot be configured simultaneously");
        }
        clean_attributes(rd, &otlp->ignore_resource_attributes, "ignored",
                         "ignore_resource_attributes", node);
    } else {
        if (otlp->ignore_resource_attributes.count > 0) {
            option_fault_key(rd, node, "ignore_resource_attributes",
                             "'ignore_resource_attributes' cannot be configured unless "
                             "'promote_all_resource_attributes' is true");
        }
        clean_attributes(rd, &otlp->promote_resource_attributes, "promoted",
                         "promote_resource_attributes", node);
    }
    for (size_t i = 0; i < ARRAY_COUNT(strategies); i++) {
        known |= str_is(otlp->translation_strategy, strategies[i]);
    }
    if (!known) {
        option_fault_key(rd, node, "translation_strategy",
                         "unsupported OTLP translation strategy \"%.*s\"",
                         STR_ARG(otlp->translation_strategy));
    }
}

#define OTLP(member) AT(struct prom_otlp, member)

static const struct option otlp_rows[] = {
    ROW("promote_all_resource_attributes", BOOL, OTLP(promote_all_resource_attributes)),
    ROW("promote_resource_attributes", STRS, OTLP(promote_resource_attributes)),
    ROW("ignore_resource_attributes", STRS, OTLP(ignore_resource_attributes)),
    ROW("translation_strategy", STR, OTLP(translation_strategy),
        DEFAULT("UnderscoreEscapingWithSuffixes")),
    ROW("keep_identifying_resource_attributes", BOOL, OTLP(keep_identifying_resource_attributes)),
    ROW("convert_histograms_to_nhcb", BOOL, OTLP(convert_histograms_to_nhcb)),
    ROW("promote_scope_metadata", BOOL, OTLP(promote_scope_metadata)),
    ROW("label_name_underscore_sanitization", BOOL, OTLP(label_name_underscore_sanitization),
        DEFAULT("true")),
    ROW("label_name_preserve_multiple_underscores", BOOL,
        OTLP(label_name_preserve_multiple_underscores), DEFAULT("true")),
};

const struct option_type prom_otlp_type = {
    .name = "otlp",
    .size = sizeof(struct prom_otlp),
    TABLE(otlp_rows),
    .place_offset = OPTION_NO_PLACE,
    .check = check_otlp,
};

/* ---- runtime ---- */

static const struct option runtime_rows[] = {ROW("gogc", INT, DEFAULT("75"))};
const struct option_type prom_runtime_type = SLOTS("runtime", runtime_rows, NULL);
