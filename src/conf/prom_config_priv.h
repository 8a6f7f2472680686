/*
 * prom_config_priv: the tables of prometheus.yml and what their checks share. The schema is cut
 * into prom_http.c (HTTP clients), prom_target.c (relabelling, sources of targets),
 * prom_discovery.c (discovery that is only checked), prom_scrape.c (global, scrape_configs),
 * prom_remote.c (everything else) and prom_config.c (the whole).
 */
#pragma once

#include "conf/option.h"
#include "conf/prom_config.h"

/* A relabelling rule, with what the second pass and the printer need beside the public part. */
struct relabel_raw {
    struct prom_relabel rule;
    bool regex_given;
    const struct yaml_node *node;
};

struct global_raw {
    struct prom_global global;
    struct conf_strs protocol_names;
    str escaping_name;
    bool proto_first; /* where protocols are not given */
    bool protocols_given;
    const struct yaml_node *node; /* NULL when the file has none */
};

struct scrape_raw {
    struct prom_scrape scrape;
    struct conf_strs protocol_names;
    str fallback_name;
    str escaping_name;
    bool protocols_given;
    const struct yaml_node *node;
};

struct alertmanager_raw {
    str scheme;
    str path_prefix;
    dur timeout;
    str api_version;
    struct prom_sds sds;
    const struct prom_http *http;
    void *sigv4;
    struct prom_relabels relabel_configs;
    struct prom_relabels alert_relabel_configs;
    const struct yaml_node *node;
};

struct alerting_raw {
    struct prom_relabels alert_relabel_configs;
    struct option_list alertmanagers;
};

struct remote_write_raw {
    struct prom_remote_write write;
    void *sigv4;
    void *azuread;
    void *google_iam;
    const struct yaml_node *node;
};

struct remote_read_raw {
    struct prom_remote_read read;
    const struct yaml_node *node;
};

struct root_raw {
    struct global_raw *global;
    void *runtime;
    struct alerting_raw *alerting;
    struct conf_strs rule_files;
    struct conf_strs scrape_config_files;
    struct option_list scrapes;
    void *storage;
    void *tracing;
    struct option_list remote_writes;
    struct option_list remote_reads;
    struct prom_otlp *otlp;
};

extern const struct option_type prom_http_type;       /* enable_http2 true by default */
extern const struct option_type prom_http_write_type; /* ... false: remote write */
extern const struct option_type prom_tls_type;
extern const struct option_type prom_relabel_type;
extern const struct option_type prom_global_type;
extern const struct option_type prom_scrape_type;
extern const struct option_type prom_scrape_file_type; /* of scrape_config_files */
extern const struct option_type prom_group_type;
extern const struct option_type prom_alerting_type;
extern const struct option_type prom_remote_write_type;
extern const struct option_type prom_remote_read_type;
extern const struct option_type prom_storage_type;
extern const struct option_type prom_retention_rule_type;
extern const struct option_type prom_tracing_type;
extern const struct option_type prom_otlp_type;
extern const struct option_type prom_runtime_type;
extern const struct option_type prom_root_type;
extern const struct option_custom prom_sds_custom;

/* The discovery mechanisms that are only checked: key and type, sorted by key. */
struct discovery_entry {
    const char *key;
    const struct option_type *type;
};
extern const struct discovery_entry prom_discoveries[];
extern const size_t prom_discovery_count;

/* prom_http_check checks and completes the client that stands inline in the mapping `node`. */
void prom_http_check(struct option_reader *rd, const struct prom_http *http,
                     const struct yaml_node *node);

/* prom_http_url_check wants the key `url` of the mapping `node` to be a URL with scheme http or
 * https and a host. */
void prom_http_url_check(struct option_reader *rd, str text, const struct yaml_node *node);

/* prom_http_is_default says whether nothing was set (Kubernetes asks). */
bool prom_http_is_default(const struct prom_http *http);

/* prom_header_is_reserved says whether requests set that header themselves. */
bool prom_header_is_reserved(str name);

/* prom_relabels_check is the second pass over rules: names under the validation scheme. */
void prom_relabels_check(struct option_reader *rd, struct prom_relabels rules,
                         enum prom_validation scheme);

/* prom_label_name_is_valid under a scheme: any UTF-8, or letters, digits and '_'. */
bool prom_label_name_is_valid(str name, enum prom_validation scheme);

/* prom_static_targets_check refuses URLs among static targets, where no relabelling mends them. */
void prom_static_targets_check(struct option_reader *rd, struct prom_sds sds);

/* prom_scrape_finish inherits from global, fills in and checks what depends on it. */
void prom_scrape_finish(struct option_reader *rd, const struct global_raw *global,
                        struct scrape_raw *raw);

/* prom_global_finish fills in what a global section, or its absence, leaves open. */
void prom_global_finish(struct option_reader *rd, struct global_raw *raw);

/* prom_alerting_finish and prom_remotes_finish: second passes with the global scheme. */
void prom_alerting_finish(struct option_reader *rd, const struct alerting_raw *raw,
                          enum prom_validation scheme);
void prom_remotes_finish(struct option_reader *rd, const struct root_raw *raw,
                         enum prom_validation scheme);

/* prom_retention_finish checks the selectors of storage.retention_rules. */
struct prom_retention_rules prom_retention_finish(struct option_reader *rd, struct option_list list,
                                                  const struct prom_load_options *options);

/* prom_storage_rules gives the list of the storage section, which may be NULL. */
struct option_list prom_storage_rules(const void *storage);

/* prom_storage_fill copies the storage section to its public form. */
void prom_storage_fill(const void *storage, struct prom_storage *ret);

/* prom_config_alerting is the alerting section, for the check of the files it names. */
const struct alerting_raw *prom_config_alerting(const struct prom_config *config);

/* Rows in short. The tables stand in the order in which Prometheus prints. */
#define ROW(name, k, ...)                                                                          \
    {                                                                                              \
        .key = (name), .kind = OPTION_##k, __VA_ARGS__                                             \
    }
#define AT(type, member) .offset = offsetof(type, member)
#define DEFAULT(text)    .initial = (text)
#define SHOWN            .flags = OPTION_SHOW
#define OF(d)            .detail = &(d)
#define TABLE(r)         .rows = (r), .count = sizeof(r) / sizeof((r)[0])
#define SLOTS(n, r, c)                                                                             \
    {                                                                                              \
        .name = (n), TABLE(r), .place_offset = OPTION_NO_PLACE, .check = (c)                       \
    }
