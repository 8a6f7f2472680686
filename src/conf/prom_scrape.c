#include <stdio.h>

#include "base/attr.h"
#include "conf/prom_config_priv.h"

/* Source of this file's facts: Prometheus, config/config.go: GlobalConfig, ScrapeConfig. */

/* ---- words ---- */

static const char *const protocol_names[PROM_PROTOCOL_COUNT] = {
    [PROM_PROTOCOL_NONE] = "",
    [PROM_PROTOCOL_PROTO] = "PrometheusProto",
    [PROM_PROTOCOL_TEXT_0_0_4] = "PrometheusText0.0.4",
    [PROM_PROTOCOL_TEXT_1_0_0] = "PrometheusText1.0.0",
    [PROM_PROTOCOL_OPENMETRICS_0_0_1] = "OpenMetricsText0.0.1",
    [PROM_PROTOCOL_OPENMETRICS_1_0_0] = "OpenMetricsText1.0.0",
};

#define PROTOCOLS_SORTED                                                                           \
    "[OpenMetricsText0.0.1 OpenMetricsText1.0.0 PrometheusProto PrometheusText0.0.4 "              \
    "PrometheusText1.0.0]"

const char *prom_protocol_name(enum prom_protocol protocol)
{
    return protocol_names[protocol];
}

static const char *const validation_names[] = {
    [PROM_VALIDATION_UNSET] = "",
    [PROM_VALIDATION_LEGACY] = "legacy",
    [PROM_VALIDATION_UTF8] = "utf8",
};

const char *prom_validation_name(enum prom_validation validation)
{
    return validation_names[validation];
}

static void unknown_validation(struct option_reader *rd, const struct yaml_node *node, str word)
{
    option_fault(rd, node, "unrecognized ValidationScheme: \"%.*s\"", STR_ARG(word));
}

static const struct option_words validations = {
    .names = validation_names,
    .count = ARRAY_COUNT(validation_names),
    .unknown = unknown_validation,
};

static const char *const escaping_names[] = {
    [PROM_ESCAPING_UNSET] = "",
    [PROM_ESCAPING_ALLOW_UTF8] = "allow-utf-8",
    [PROM_ESCAPING_UNDERSCORES] = "underscores",
    [PROM_ESCAPING_DOTS] = "dots",
    [PROM_ESCAPING_VALUES] = "values",
};

const char *prom_escaping_name(enum prom_escaping escaping)
{
    return escaping_names[escaping];
}

static bool escaping_from(str name, enum prom_escaping *ret)
{
    for (size_t i = 0; i < ARRAY_COUNT(escaping_names); i++) {
        if (str_is(name, escaping_names[i])) {
            *ret = (enum prom_escaping)i;
            return true;
        }
    }
    return false;
}

static enum prom_protocol protocol_from(str name)
{
    for (size_t i = 1; i < PROM_PROTOCOL_COUNT; i++) {
        if (str_is(name, protocol_names[i])) {
            return (enum prom_protocol)i;
        }
    }
    return PROM_PROTOCOL_NONE;
}

/* ---- scrape protocols ---- */

static const char *joined(struct arena *arena, struct conf_strs names)
{
    str text = STR("");

    for (size_t i = 0; i < names.count; i++) {
        text = arena_printf(arena, "%.*s%s%.*s", STR_ARG(text), i > 0 ? " " : "",
                            STR_ARG(names.items[i]));
    }
    return text.ptr;
}

/* Reads names into protocols; `where` ends Prometheus's message ("for global config"). */
static bool read_protocols(struct option_reader *rd, struct conf_strs names,
                           const struct yaml_node *node, const char *where,
                           struct prom_protocols *ret)
{
    enum prom_protocol *items = ARENA_ARRAY(rd->arena, enum prom_protocol, names.count);

    if (names.count == 0) {
        option_fault(rd, node, "scrape_protocols cannot be empty %s", where);
        return false;
    }
    for (size_t i = 0; i < names.count; i++) {
        const struct yaml_node *item = node->items[i];

        for (size_t k = 0; k < i; k++) {
            if (str_eq_nocase(names.items[k], names.items[i])) {
                option_fault(rd, item, "duplicated protocol in scrape_protocols, got [%s] %s",
                             joined(rd->arena, names), where);
                return false;
            }
        }
        items[i] = protocol_from(names.items[i]);
        if (items[i] == PROM_PROTOCOL_NONE) {
            option_fault(rd, item,
                         "scrape_protocols: unknown scrape protocol %.*s, "
                         "supported: " PROTOCOLS_SORTED " %s",
                         STR_ARG(names.items[i]), where);
            return false;
        }
    }
    *ret = (struct prom_protocols){items, names.count};
    return true;
}

/* With native histograms, protobuf comes first: only it carries them. */
static struct prom_protocols default_protocols(bool proto_first)
{
    static const enum prom_protocol order[] = {
        PROM_PROTOCOL_PROTO,      PROM_PROTOCOL_OPENMETRICS_1_0_0, PROM_PROTOCOL_OPENMETRICS_0_0_1,
        PROM_PROTOCOL_TEXT_1_0_0, PROM_PROTOCOL_TEXT_0_0_4,
    };

    return proto_first ? (struct prom_protocols){order, ARRAY_COUNT(order)}
                       : (struct prom_protocols){order + 1, ARRAY_COUNT(order) - 1};
}

static struct conf_strs protocol_texts(struct option_reader *rd, struct prom_protocols protocols)
{
    str *items = ARENA_ARRAY(rd->arena, str, protocols.count);

    for (size_t i = 0; i < protocols.count; i++) {
        items[i] = str_from(protocol_names[protocols.items[i]]);
    }
    return (struct conf_strs){items, protocols.count};
}

/* ---- global ---- */

static void check_global(struct option_reader *rd, void *object, const struct yaml_node *node)
{
    struct global_raw *raw = object;
    struct prom_global *global = &raw->global;
    const struct yaml_node *labels = yaml_get(node, STR("external_labels"));
    const struct yaml_node *protocols = yaml_get(node, STR("scrape_protocols"));

    raw->node = node;
    if (global->metric_name_validation_scheme == PROM_VALIDATION_UNSET) {
        global->metric_name_validation_scheme = PROM_VALIDATION_UTF8;
    }
    for (size_t i = 0; i < global->external_labels.count; i++) {
        str name = global->external_labels.items[i].name;
        str value = global->external_labels.items[i].value;

        if (!prom_label_name_is_valid(name, global->metric_name_validation_scheme)) {
            option_fault(rd, yaml_key_of(labels, name), "%s is not a valid label name",
                         option_quoted(rd, name));
        } else if (!utf8_is_valid(value)) {
            option_fault(rd, yaml_get(labels, name), "%s is not a valid label value",
                         option_quoted(rd, value));
        }
    }
    if (!yaml_is_null(protocols)) {
        raw->protocols_given = read_protocols(rd, raw->protocol_names, protocols,
                                              "for global config", &global->scrape_protocols);
    }
}

/* Zero intervals are those that were not given: as Prometheus does it. */
void prom_global_finish(struct option_reader *rd, struct global_raw *raw)
{
    struct prom_global *global = &raw->global;

    if (global->scrape_interval == 0) {
        global->scrape_interval = DUR_MINUTE;
    }
    if (raw->node != NULL && global->scrape_timeout > global->scrape_interval) {
        option_fault_key(rd, raw->node, "scrape_timeout",
                         "global scrape timeout greater than scrape interval");
    }
    if (global->scrape_timeout == 0) {
        dur ten = 10 * DUR_SECOND;

        global->scrape_timeout = ten < global->scrape_interval ? ten : global->scrape_interval;
    }
    if (global->evaluation_interval == 0) {
        global->evaluation_interval = DUR_MINUTE;
    }
    if (global->scrape_native_histograms == CONF_UNSET) {
        global->scrape_native_histograms = CONF_OFF;
    }
    if (global->metric_name_validation_scheme == PROM_VALIDATION_UNSET) {
        global->metric_name_validation_scheme = PROM_VALIDATION_UTF8;
    }
    if (!escaping_from(raw->escaping_name, &global->metric_name_escaping_scheme)) {
        option_fault_key(rd, raw->node, "metric_name_escaping_scheme",
                         "unknown global name escaping method specified, must be one of "
                         "'allow-utf-8', 'underscores', 'dots', or 'values', got \"%.*s\"",
                         STR_ARG(raw->escaping_name));
    }
}

#define GLOBAL(member) AT(struct global_raw, global.member)

static const struct option global_rows[] = {
    ROW("scrape_interval", DURATION, GLOBAL(scrape_interval)),
    ROW("scrape_timeout", DURATION, GLOBAL(scrape_timeout)),
    ROW("scrape_protocols", STRS, AT(struct global_raw, protocol_names)),
    ROW("evaluation_interval", DURATION, GLOBAL(evaluation_interval)),
    ROW("rule_query_offset", DURATION, GLOBAL(rule_query_offset)),
    ROW("query_log_file", FILE, GLOBAL(query_log_file)),
    ROW("scrape_failure_log_file", FILE, GLOBAL(scrape_failure_log_file),
        .flags = OPTION_UNSUPPORTED),
    ROW("external_labels", PAIRS, GLOBAL(external_labels)),
    ROW("body_size_limit", SIZE, GLOBAL(body_size_limit)),
    ROW("sample_limit", UINT, GLOBAL(sample_limit)),
    ROW("target_limit", UINT, GLOBAL(target_limit)),
    ROW("label_limit", UINT, GLOBAL(label_limit)),
    ROW("label_name_length_limit", UINT, GLOBAL(label_name_length_limit)),
    ROW("label_value_length_limit", UINT, GLOBAL(label_value_length_limit)),
    ROW("keep_dropped_targets", UINT, GLOBAL(keep_dropped_targets)),
    ROW("metric_name_validation_scheme", ENUM, GLOBAL(metric_name_validation_scheme),
        OF(validations)),
    ROW("metric_name_escaping_scheme", STR, AT(struct global_raw, escaping_name)),
    ROW("scrape_native_histograms", SWITCH, GLOBAL(scrape_native_histograms)),
    ROW("convert_classic_histograms_to_nhcb", BOOL, GLOBAL(convert_classic_histograms_to_nhcb)),
    ROW("always_scrape_classic_histograms", BOOL, GLOBAL(always_scrape_classic_histograms)),
    ROW("extra_scrape_metrics", BOOL, GLOBAL(extra_scrape_metrics)),
};

const struct option_type prom_global_type = {
    .name = "global",
    .size = sizeof(struct global_raw),
    TABLE(global_rows),
    .place_offset = OPTION_NO_PLACE,
    .check = check_global,
};

/* ---- scrape_configs ---- */

static void check_scrape(struct option_reader *rd, void *object, const struct yaml_node *node)
{
    struct scrape_raw *raw = object;
    struct prom_scrape *scrape = &raw->scrape;

    raw->node = node;
    scrape->place = (struct conf_place){rd->file, node->line, node->column};
    if (scrape->job_name.len == 0) {
        option_fault_key(rd, node, "job_name", "job_name is empty");
    }
    prom_http_check(rd, scrape->http, node);
    if (scrape->relabel_configs.count == 0) {
        prom_static_targets_check(rd, scrape->sds);
    }
}

static void inherit_limits(const struct prom_global *global, struct prom_scrape *scrape)
{
    struct {
        uint64_t *own;
        uint64_t from;
    } limits[] = {
        {&scrape->body_size_limit, global->body_size_limit},
        {&scrape->sample_limit, global->sample_limit},
        {&scrape->target_limit, global->target_limit},
        {&scrape->label_limit, global->label_limit},
        {&scrape->label_name_length_limit, global->label_name_length_limit},
        {&scrape->label_value_length_limit, global->label_value_length_limit},
        {&scrape->keep_dropped_targets, global->keep_dropped_targets},
    };

    for (size_t i = 0; i < ARRAY_COUNT(limits); i++) {
        if (*limits[i].own == 0) {
            *limits[i].own = limits[i].from;
        }
    }
}

static void inherit_times(struct option_reader *rd, const struct prom_global *global,
                          struct prom_scrape *scrape, const struct yaml_node *node)
{
    if (scrape->scrape_interval == 0) {
        scrape->scrape_interval = global->scrape_interval;
    }
    if (scrape->scrape_timeout > scrape->scrape_interval) {
        option_fault_key(rd, node, "scrape_timeout",
                         "scrape timeout greater than scrape interval for scrape config with job "
                         "name \"%.*s\"",
                         STR_ARG(scrape->job_name));
    }
    if (scrape->scrape_timeout == 0) {
        scrape->scrape_timeout = global->scrape_timeout < scrape->scrape_interval
                                     ? global->scrape_timeout
                                     : scrape->scrape_interval;
    }
}

static enum conf_switch inherit_switch(enum conf_switch own, bool from)
{
    return own != CONF_UNSET ? own : from ? CONF_ON : CONF_OFF;
}

static void inherit_protocols(struct option_reader *rd, const struct global_raw *global,
                              struct scrape_raw *raw)
{
    struct prom_scrape *scrape = &raw->scrape;
    const struct yaml_node *node = yaml_get(raw->node, STR("scrape_protocols"));
    str where = arena_printf(rd->arena, "for scrape config with job name \"%.*s\"",
                             STR_ARG(scrape->job_name));

    if (!yaml_is_null(node)) {
        (void)read_protocols(rd, raw->protocol_names, node, where.ptr, &scrape->scrape_protocols);
    } else {
        scrape->scrape_protocols =
            global->protocols_given
                ? global->global.scrape_protocols
                : default_protocols(global->proto_first ||
                                    scrape->scrape_native_histograms == CONF_ON);
        raw->protocol_names = protocol_texts(rd, scrape->scrape_protocols);
    }
    if (raw->fallback_name.len == 0) {
        return;
    }
    scrape->fallback_scrape_protocol = protocol_from(raw->fallback_name);
    if (scrape->fallback_scrape_protocol == PROM_PROTOCOL_NONE) {
        option_fault_key(rd, raw->node, "fallback_scrape_protocol",
                         "invalid fallback_scrape_protocol for scrape config with job name "
                         "\"%.*s\": unknown scrape protocol %.*s, supported: " PROTOCOLS_SORTED,
                         STR_ARG(scrape->job_name), STR_ARG(raw->fallback_name));
    }
}

static void inherit_names(struct option_reader *rd, const struct prom_global *global,
                          struct scrape_raw *raw)
{
    struct prom_scrape *scrape = &raw->scrape;
    bool open = scrape->metric_name_validation_scheme == PROM_VALIDATION_UNSET;
    enum prom_escaping general = global->metric_name_escaping_scheme;

    if (open) {
        scrape->metric_name_validation_scheme = global->metric_name_validation_scheme;
    }
    bool legacy = scrape->metric_name_validation_scheme == PROM_VALIDATION_LEGACY;
    if (!escaping_from(raw->escaping_name, &scrape->metric_name_escaping_scheme)) {
        option_fault_key(rd, raw->node, "metric_name_escaping_scheme",
                         "unknown scrape config name escaping method specified, must be one of "
                         "'allow-utf-8', 'underscores', 'dots', or 'values', got \"%.*s\"",
                         STR_ARG(raw->escaping_name));
        return;
    }
    if (scrape->metric_name_escaping_scheme == PROM_ESCAPING_UNSET) {
        scrape->metric_name_escaping_scheme = open && general != PROM_ESCAPING_UNSET ? general
                                              : legacy ? PROM_ESCAPING_UNDERSCORES
                                                       : PROM_ESCAPING_ALLOW_UTF8;
    }
    if (legacy && scrape->metric_name_escaping_scheme == PROM_ESCAPING_ALLOW_UTF8) {
        option_fault_key(rd, raw->node, "metric_name_escaping_scheme",
                         "utf8 metric names requested but validation scheme is not set to UTF8");
    }
    raw->escaping_name = str_from(escaping_names[scrape->metric_name_escaping_scheme]);
}

void prom_scrape_finish(struct option_reader *rd, const struct global_raw *global_raw,
                        struct scrape_raw *raw)
{
    const struct prom_global *global = &global_raw->global;
    struct prom_scrape *scrape = &raw->scrape;

    inherit_times(rd, global, scrape, raw->node);
    inherit_limits(global, scrape);
    if (scrape->scrape_failure_log_file.len == 0) {
        scrape->scrape_failure_log_file = global->scrape_failure_log_file;
    }
    scrape->scrape_native_histograms = inherit_switch(scrape->scrape_native_histograms,
                                                      global->scrape_native_histograms == CONF_ON);
    scrape->extra_scrape_metrics =
        inherit_switch(scrape->extra_scrape_metrics, global->extra_scrape_metrics);
    scrape->convert_classic_histograms_to_nhcb = inherit_switch(
        scrape->convert_classic_histograms_to_nhcb, global->convert_classic_histograms_to_nhcb);
    scrape->always_scrape_classic_histograms = inherit_switch(
        scrape->always_scrape_classic_histograms, global->always_scrape_classic_histograms);
    inherit_protocols(rd, global_raw, raw);
    inherit_names(rd, global, raw);
    prom_relabels_check(rd, scrape->relabel_configs, scrape->metric_name_validation_scheme);
    prom_relabels_check(rd, scrape->metric_relabel_configs, scrape->metric_name_validation_scheme);
}

#define SCRAPE(member) AT(struct scrape_raw, scrape.member)

static const struct option scrape_rows[] = {
    ROW("job_name", STR, SCRAPE(job_name), SHOWN),
    ROW("honor_labels", BOOL, SCRAPE(honor_labels)),
    ROW("honor_timestamps", BOOL, SCRAPE(honor_timestamps), SHOWN, DEFAULT("true")),
    ROW("track_timestamps_staleness", BOOL, SCRAPE(track_timestamps_staleness), SHOWN),
    ROW("params", PARAMS, SCRAPE(params)),
    ROW("scrape_interval", DURATION, SCRAPE(scrape_interval)),
    ROW("scrape_timeout", DURATION, SCRAPE(scrape_timeout)),
    ROW("scrape_protocols", STRS, AT(struct scrape_raw, protocol_names)),
    ROW("fallback_scrape_protocol", STR, AT(struct scrape_raw, fallback_name)),
    ROW("scrape_native_histograms", SWITCH, SCRAPE(scrape_native_histograms)),
    ROW("always_scrape_classic_histograms", SWITCH, SCRAPE(always_scrape_classic_histograms)),
    ROW("convert_classic_histograms_to_nhcb", SWITCH, SCRAPE(convert_classic_histograms_to_nhcb)),
    ROW("scrape_failure_log_file", FILE, SCRAPE(scrape_failure_log_file),
        .flags = OPTION_UNSUPPORTED),
    ROW("metrics_path", STR, SCRAPE(metrics_path), DEFAULT("/metrics")),
    ROW("scheme", STR, SCRAPE(scheme), DEFAULT("http")),
    ROW("enable_compression", BOOL, SCRAPE(enable_compression), SHOWN, DEFAULT("true")),
    ROW("body_size_limit", SIZE, SCRAPE(body_size_limit)),
    ROW("sample_limit", UINT, SCRAPE(sample_limit)),
    ROW("target_limit", UINT, SCRAPE(target_limit)),
    ROW("label_limit", UINT, SCRAPE(label_limit)),
    ROW("label_name_length_limit", UINT, SCRAPE(label_name_length_limit)),
    ROW("label_value_length_limit", UINT, SCRAPE(label_value_length_limit)),
    ROW("native_histogram_bucket_limit", UINT, SCRAPE(native_histogram_bucket_limit)),
    ROW("native_histogram_min_bucket_factor", DOUBLE, SCRAPE(native_histogram_min_bucket_factor)),
    ROW("keep_dropped_targets", UINT, SCRAPE(keep_dropped_targets)),
    ROW("metric_name_validation_scheme", ENUM, SCRAPE(metric_name_validation_scheme),
        OF(validations)),
    ROW("metric_name_escaping_scheme", STR, AT(struct scrape_raw, escaping_name)),
    ROW("extra_scrape_metrics", SWITCH, SCRAPE(extra_scrape_metrics)),
    ROW(NULL, INLINE, SCRAPE(http), OF(prom_http_type)),
    ROW("relabel_configs", LIST, SCRAPE(relabel_configs), OF(prom_relabel_type),
        .null_fault = "empty or null target relabeling rule in scrape config"),
    ROW("metric_relabel_configs", LIST, SCRAPE(metric_relabel_configs), OF(prom_relabel_type),
        .null_fault = "empty or null metric relabeling rule in scrape config"),
    ROW("static_configs", CUSTOM, SCRAPE(sds), OF(prom_sds_custom), .flags = OPTION_ANY_KEY),
};

const struct option_type prom_scrape_type = {
    .name = "scrape_config",
    .size = sizeof(struct scrape_raw),
    TABLE(scrape_rows),
    .place_offset = OPTION_NO_PLACE,
    .check = check_scrape,
};

static const struct option scrape_file_rows[] = {
    ROW("scrape_configs", LIST, .offset = 0, OF(prom_scrape_type),
        .null_fault = "empty or null scrape config section"),
};

const struct option_type prom_scrape_file_type = {
    .name = "scrape_configs",
    .size = sizeof(struct option_list),
    TABLE(scrape_file_rows),
    .place_offset = OPTION_NO_PLACE,
};
