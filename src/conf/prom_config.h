/*
 * prom_config: prometheus.yml as plain data: loaded, checked, defaults filled in and inherited from
 * `global`. Immutable after loading and counted; any thread may read while it holds a reference.
 * Everything a field points to lives as long as the configuration. Durations are milliseconds,
 * sizes bytes, limits 0 = none; an absent text has len 0. Relative file names are already joined
 * with the directory of the file that named them. Source of the schema and of its checks:
 * Prometheus 3.14, config/config.go.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/dur.h"
#include "base/error.h"
#include "base/str.h"
#include "conf/secret.h"

struct prom_config;
struct yaml_node;

/* Where something stands, line and column from 1. */
struct conf_place {
    const char *file;
    uint32_t line;
    uint32_t column;
};

struct conf_strs {
    const str *items;
    size_t count;
};

/* Pairs in the order of their names. */
struct conf_pair {
    str name;
    str value;
};

struct conf_pairs {
    const struct conf_pair *items;
    size_t count;
};

/* URL query parameters: each name with its values, names in order. */
struct conf_param {
    str name;
    struct conf_strs values;
};

struct conf_params {
    const struct conf_param *items;
    size_t count;
};

/* ---- relabelling ---- */

enum prom_relabel_action {
    PROM_RELABEL_REPLACE,
    PROM_RELABEL_KEEP,
    PROM_RELABEL_DROP,
    PROM_RELABEL_KEEPEQUAL,
    PROM_RELABEL_DROPEQUAL,
    PROM_RELABEL_HASHMOD,
    PROM_RELABEL_LABELMAP,
    PROM_RELABEL_LABELDROP,
    PROM_RELABEL_LABELKEEP,
    PROM_RELABEL_LOWERCASE,
    PROM_RELABEL_UPPERCASE,
    PROM_RELABEL_ACTION_COUNT,
};

/* The regex is valid and matches the whole text ("^(?s:REGEX)$"). */
struct prom_relabel {
    struct conf_strs source_labels;
    str separator; /* ";" by default */
    str regex;     /* "(.*)" by default */
    uint64_t modulus;
    str target_label;
    str replacement; /* "$1" by default */
    enum prom_relabel_action action;
    struct conf_place place;
};

struct prom_relabels {
    const struct prom_relabel *const *items;
    size_t count;
};

/* ---- HTTP client ---- */

struct prom_basic_auth {
    str username;
    str username_file;
    str username_ref;
    struct secret password;
    str password_file;
    str password_ref;
};

/* Header "Authorization: TYPE CREDENTIALS". bearer_token and bearer_token_file end up here. */
struct prom_authorization {
    str type; /* "Bearer" by default */
    struct secret credentials;
    str credentials_file;
    str credentials_ref;
};

struct prom_tls {
    str ca; /* PEM text */
    str cert;
    struct secret key;
    str ca_file;
    str cert_file;
    str key_file;
    str ca_ref;
    str cert_ref;
    str key_ref;
    str server_name;
    bool insecure_skip_verify;
    str min_version; /* "TLS10" .. "TLS13"; empty = the library's default */
    str max_version;
};

/* A header that is sent with each request: values, then secrets, then the content of files. */
struct prom_header {
    str name;
    struct conf_strs values;
    const struct secret *secrets;
    size_t secret_count;
    struct conf_strs files;
};

struct prom_headers {
    const struct prom_header *items;
    size_t count;
};

struct prom_oauth2;

struct prom_http {
    const struct prom_basic_auth *basic_auth;       /* NULL when absent */
    const struct prom_authorization *authorization; /* NULL when absent */
    const struct prom_oauth2 *oauth2;               /* NULL when absent */
    struct secret bearer_token;                     /* moved to authorization; empty */
    str bearer_token_file;                          /* moved to authorization; empty */
    const struct prom_tls *tls;                     /* NULL when absent */
    bool follow_redirects;                          /* true by default */
    bool enable_http2;                              /* true by default */
    str proxy_url;                                  /* may hold a password: shown as URL do */
    str no_proxy;
    bool proxy_from_environment;
    const struct prom_headers *proxy_connect_header; /* NULL when absent; values are secrets */
    const struct prom_headers *http_headers;         /* NULL when absent */
};

struct prom_oauth2 {
    str client_id;
    struct secret client_secret;
    str client_secret_file;
    str client_secret_ref;
    struct secret client_certificate_key;
    str client_certificate_key_file;
    str client_certificate_key_ref;
    str client_certificate_key_id;
    str grant_type;
    str signature_algorithm;
    str iss;
    str audience;
    const struct yaml_node *claims; /* a mapping; NULL when absent */
    struct conf_strs scopes;
    str token_url;
    struct conf_pairs endpoint_params;
    const struct prom_tls *tls;
    str proxy_url;
    str no_proxy;
    bool proxy_from_environment;
    const struct prom_headers *proxy_connect_header;
};

/* ---- targets ---- */

struct prom_target_group {
    struct conf_strs targets; /* addresses */
    struct conf_pairs labels;
    struct conf_place place;
};

struct prom_file_sd {
    struct conf_strs files; /* patterns: '*' only in the last part of the path */
    dur refresh_interval;
};

struct prom_http_sd {
    str url;
    dur refresh_interval;
    const struct prom_http *http;
};

enum prom_dns_type { PROM_DNS_SRV, PROM_DNS_A, PROM_DNS_AAAA, PROM_DNS_MX, PROM_DNS_NS };

struct prom_dns_sd {
    struct conf_strs names;
    dur refresh_interval;
    enum prom_dns_type type;
    int64_t port; /* for A, AAAA, MX, NS */
};

enum prom_sd_kind { PROM_SD_STATIC, PROM_SD_FILE, PROM_SD_HTTP, PROM_SD_DNS, PROM_SD_OTHER };

/* One source of targets. All static_configs of a job are one source. */
struct prom_sd {
    enum prom_sd_kind kind;
    const char *key; /* "static_configs", "kubernetes_sd_configs" */
    struct conf_place place;
    union {
        struct {
            const struct prom_target_group *const *groups;
            size_t group_count;
        } targets;                       /* PROM_SD_STATIC */
        const struct prom_file_sd *file; /* PROM_SD_FILE */
        const struct prom_http_sd *http; /* PROM_SD_HTTP */
        const struct prom_dns_sd *dns;   /* PROM_SD_DNS */
        const void *other;               /* checked and printed by the schema, run by nothing yet */
    };
};

struct prom_sds {
    const struct prom_sd *items;
    size_t count;
};

/* ---- scraping ---- */

enum prom_protocol {
    PROM_PROTOCOL_NONE, /* not given */
    PROM_PROTOCOL_PROTO,
    PROM_PROTOCOL_TEXT_0_0_4,
    PROM_PROTOCOL_TEXT_1_0_0,
    PROM_PROTOCOL_OPENMETRICS_0_0_1,
    PROM_PROTOCOL_OPENMETRICS_1_0_0,
    PROM_PROTOCOL_COUNT,
};

/* Most wanted first. */
struct prom_protocols {
    const enum prom_protocol *items;
    size_t count;
};

enum prom_validation { PROM_VALIDATION_UNSET, PROM_VALIDATION_LEGACY, PROM_VALIDATION_UTF8 };

enum prom_escaping {
    PROM_ESCAPING_UNSET,
    PROM_ESCAPING_ALLOW_UTF8,
    PROM_ESCAPING_UNDERSCORES,
    PROM_ESCAPING_DOTS,
    PROM_ESCAPING_VALUES,
};

/* A switch that may be left open; after loading a scrape config has none open. */
enum conf_switch { CONF_UNSET, CONF_OFF, CONF_ON };

struct prom_global {
    dur scrape_interval;
    dur scrape_timeout;
    struct prom_protocols scrape_protocols; /* count 0 = not given */
    dur evaluation_interval;
    dur rule_query_offset;
    str query_log_file;
    str scrape_failure_log_file;
    struct conf_pairs external_labels; /* ${VAR} already expanded */
    uint64_t body_size_limit;
    uint64_t sample_limit;
    uint64_t target_limit;
    uint64_t label_limit;
    uint64_t label_name_length_limit;
    uint64_t label_value_length_limit;
    uint64_t keep_dropped_targets;
    enum prom_validation metric_name_validation_scheme;
    enum prom_escaping metric_name_escaping_scheme;
    enum conf_switch scrape_native_histograms;
    bool convert_classic_histograms_to_nhcb;
    bool always_scrape_classic_histograms;
    bool extra_scrape_metrics;
};

struct prom_scrape {
    str job_name;
    bool honor_labels;
    bool honor_timestamps; /* true by default */
    bool track_timestamps_staleness;
    struct conf_params params;
    dur scrape_interval;
    dur scrape_timeout;
    struct prom_protocols scrape_protocols;
    enum prom_protocol fallback_scrape_protocol;
    enum conf_switch scrape_native_histograms;
    enum conf_switch always_scrape_classic_histograms;
    enum conf_switch convert_classic_histograms_to_nhcb;
    str scrape_failure_log_file;
    str metrics_path; /* "/metrics" by default */
    str scheme;       /* "http" by default */
    bool enable_compression;
    uint64_t body_size_limit;
    uint64_t sample_limit;
    uint64_t target_limit;
    uint64_t label_limit;
    uint64_t label_name_length_limit;
    uint64_t label_value_length_limit;
    uint64_t native_histogram_bucket_limit;
    double native_histogram_min_bucket_factor;
    uint64_t keep_dropped_targets;
    enum prom_validation metric_name_validation_scheme;
    enum prom_escaping metric_name_escaping_scheme;
    enum conf_switch extra_scrape_metrics;
    struct prom_sds sds;
    const struct prom_http *http; /* never NULL */
    struct prom_relabels relabel_configs;
    struct prom_relabels metric_relabel_configs;
    struct conf_place place;
};

struct prom_scrapes {
    const struct prom_scrape *const *items;
    size_t count;
};

/* ---- remote write and read ---- */

/* How what is to be sent waits; counts are > 0. */
struct prom_queue {
    int64_t capacity; /* samples that wait in one shard */
    int64_t shards_max;
    int64_t shards_min;
    int64_t samples_per_send;
    dur batch_send_deadline;
    dur backoff_min;
    dur backoff_max;
    bool retry_on_429;
    dur sample_age_limit; /* 0 = none */
};

struct prom_remote_metadata {
    bool send; /* true by default */
    dur interval;
    int64_t entries_per_send;
};

struct prom_remote_write {
    str url;  /* may hold a password: shown as client_url_show does */
    str name; /* may be empty */
    dur timeout;
    struct conf_pairs headers;
    struct prom_relabels relabel_configs;
    bool send_exemplars;
    bool send_native_histograms;
    bool round_robin_dns;
    str protobuf_message;
    bool is_v2;                                  /* by the message */
    const struct prom_http *http;                /* never NULL */
    const struct prom_queue *queue;              /* never NULL */
    const struct prom_remote_metadata *metadata; /* never NULL */
    struct conf_place place;
};

struct prom_remote_read {
    str url;
    str name; /* may be empty */
    dur timeout;
    uint64_t frame_bytes_max; /* of a streamed response */
    struct conf_pairs headers;
    struct conf_pairs required_matchers;
    bool read_recent;
    bool filter_external_labels;  /* true by default */
    const struct prom_http *http; /* never NULL */
    struct conf_place place;
};

/* ---- storage ---- */

/* One of storage.retention_rules: the first rule whose selector matches a series decides. */
struct prom_retention_rule {
    str match; /* a selector, as in a query */
    dur retention;
    struct conf_place place;
};

enum { PROM_RETENTION_RULES_MAX = 1000 };

struct prom_retention_rules {
    const struct prom_retention_rule *const *items;
    size_t count;
};

struct prom_storage {
    struct prom_retention_rules retention_rules;
    dur out_of_order_time_window;
    double stale_series_compaction_threshold; /* 0 = off */
    dur retention_time;                       /* 0 = not given in the file */
    uint64_t retention_size;                  /* 0 = not given in the file */
    double retention_percentage;              /* of the file system; 0 = not given */
    int64_t max_exemplars;                    /* 100,000 by default */
    str float_encoding; /* of chunks: xor or xor2; empty = not given in the file */
};

/* ---- life cycle ---- */

struct prom_load_options {
    bool agent; /* the rules of --agent */
    /* --enable-feature=st-storage: PrometheusProto is asked for first where scrape_protocols are
     * not given, and chunks have start timestamps. */
    bool store_starts;
    /* Values of ${VAR} in external labels; NULL = the environment. Returns NULL when not set. */
    const char *(*getenv)(void *context, const char *name);
    void *getenv_context;
    /* Says whether a text is a selector, which stands on a higher floor; NULL = not checked. */
    int (*check_selector)(str selector, struct baro_error *err);
};

/*
 * prom_config_load reads and checks a file and the scrape_config_files it names. Faults (up to
 * FAULTS_MAX, each with file, line and column) go to `faults`; *ret is set, with one reference,
 * only when there are none. Returns 0, -errno when the file cannot be read, or BARO_EPARSE; a fault
 * is stored in each case.
 */
int prom_config_load(const char *path, const struct prom_load_options *options,
                     struct prom_config **ret, struct faults *faults);

/* prom_config_parse is prom_config_load over text; `path` names it and gives the directory. */
int prom_config_parse(str text, const char *path, const struct prom_load_options *options,
                      struct prom_config **ret, struct faults *faults);

struct prom_config *prom_config_ref(struct prom_config *config);
struct prom_config *prom_config_unref(struct prom_config *config); /* returns NULL */
DEFINE_CLEANUP(prom_config_unref, struct prom_config)

/* ---- queries; what they return lives as long as the configuration ---- */

/* How OTLP's metrics become Prometheus's: the section `otlp`. */
struct prom_otlp {
    bool promote_all_resource_attributes;
    struct conf_strs promote_resource_attributes;
    struct conf_strs ignore_resource_attributes;
    str translation_strategy; /* UnderscoreEscapingWithSuffixes, ... */
    bool keep_identifying_resource_attributes;
    bool convert_histograms_to_nhcb;
    bool promote_scope_metadata;
    bool label_name_underscore_sanitization;
    bool label_name_preserve_multiple_underscores;
};

const char *prom_config_path(const struct prom_config *config);
const struct prom_global *prom_config_global(const struct prom_config *config);
const struct prom_storage *prom_config_storage(const struct prom_config *config);
const struct prom_otlp *prom_config_otlp(const struct prom_config *config);

/* prom_config_scrapes are those of the file, then those of scrape_config_files. */
struct prom_scrapes prom_config_scrapes(const struct prom_config *config);

/* prom_config_scrape returns the job of that name, or NULL. */
const struct prom_scrape *prom_config_scrape(const struct prom_config *config, str job_name);

/* prom_config_remote_write and _read return section `index`, NULL behind the last one. */
const struct prom_remote_write *prom_config_remote_write(const struct prom_config *config,
                                                         size_t index);
const struct prom_remote_read *prom_config_remote_read(const struct prom_config *config,
                                                       size_t index);

/*
 * prom_config_remote_is_same says whether two remote_write sections mean the same: they are written
 * alike (secrets included), and so are the external labels and the validation of names, which they
 * inherit.
 */
bool prom_config_remote_is_same(const struct prom_config *a, size_t a_index,
                                const struct prom_config *b, size_t b_index);

/* prom_config_remote_read_is_same says whether two remote_read sections of one configuration are
 * written alike. */
bool prom_config_remote_read_is_same(const struct prom_config *config, size_t a, size_t b);

/* prom_config_rule_files are the patterns of rule_files. */
struct conf_strs prom_config_rule_files(const struct prom_config *config);

/*
 * prom_config_unsupported lists what is valid but not run yet: "'x' is not supported yet", with
 * file, line and column. *ret_count is how many there are.
 */
const struct baro_error *prom_config_unsupported(const struct prom_config *config,
                                                 size_t *ret_count);

/*
 * prom_config_print appends the configuration as YAML, as /api/v1/status/config shows it: defaults
 * filled in, secrets as <secret>, without what scrape_config_files brought.
 */
void prom_config_print(const struct prom_config *config, struct buf *buf);

/* Words of the enumerations, as the file spells them; "" for not given. */
const char *prom_protocol_name(enum prom_protocol protocol);
const char *prom_relabel_action_name(enum prom_relabel_action action);
const char *prom_escaping_name(enum prom_escaping escaping);
const char *prom_validation_name(enum prom_validation validation);
