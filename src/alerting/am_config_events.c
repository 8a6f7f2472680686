#include "alerting/am_config_priv.h"

/*
 * event_recorder, as Alertmanager 0.34 reads it. Alertmanager records nothing of it unless its
 * feature of this name is on; nothing here does, so the section is judged and no more.
 */

static void check_file(struct option_reader *rd, void *options, const struct yaml_node *node)
{
    if (!option_slot_is_set(&am_event_file_type, options, "path")) {
        option_fault(rd, node, "event_recorder file output requires a path");
    }
}

static const struct option file_rows[] = {ROW("path", FILE)};
const struct option_type am_event_file_type = SLOTS("eventrecorder.plain", file_rows, check_file);

static void check_webhook(struct option_reader *rd, void *options, const struct yaml_node *node)
{
    static const char *const keys[] = {"batch_max_events", "batch_max_bytes",
                                       "batch_flush_interval"};
    const struct option_type *type = &am_event_webhook_type;
    bool has_batch = option_slot_int(type, options, "batch") != 0;

    if (!option_slot_is_set(type, options, "url")) {
        option_fault(rd, node, "event_recorder webhook output requires a url");
    }
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        int64_t value = option_slot_int(type, options, keys[i]);

        if (value < 0) {
            option_fault_key(rd, node, keys[i],
                             "event_recorder webhook batch settings cannot be negative");
        } else if (!has_batch && value != 0) {
            option_fault_key(rd, node, keys[i],
                             "event_recorder webhook batch settings require batch: true");
        }
    }
}

static const struct option webhook_rows[] = {
    ROW("url", CUSTOM, OF(am_secret_url_custom)),
    ROW("http_config", CUSTOM, OF(am_http_custom)),
    ROW("timeout", DURATION),
    ROW("workers", INT),
    ROW("max_retries", INT),
    ROW("retry_backoff", DURATION),
    ROW("batch", BOOL),
    ROW("batch_max_events", INT),
    ROW("batch_max_bytes", INT),
    ROW("batch_flush_interval", DURATION),
};
const struct option_type am_event_webhook_type =
    SLOTS("eventrecorder.plain", webhook_rows, check_webhook);

static bool is_one_of(str text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_is(text, words[i])) {
            return true;
        }
    }
    return text.len == 0;
}

static void check_brokers(struct option_reader *rd, struct conf_strs brokers,
                          const struct yaml_node *node)
{
    if (brokers.count == 0) {
        option_fault(rd, node, "event_recorder kafka: at least one broker is required");
    }
    for (size_t i = 0; i < brokers.count; i++) {
        if (brokers.items[i].len == 0) {
            option_fault_key(rd, node, "brokers",
                             "event_recorder kafka: broker entries must be non-empty");
        }
    }
}

static void check_kafka(struct option_reader *rd, void *options, const struct yaml_node *node)
{
    static const char *const acks[] = {"none", "leader", "all"};
    static const char *const compressions[] = {"none", "gzip", "snappy", "lz4", "zstd"};
    static const char *const formats[] = {"json", "protobuf"};
    const struct option_type *type = &am_event_kafka_type;
    str word = option_slot_str(type, options, "acks");

    check_brokers(rd, option_slot_strs(type, options, "brokers"), node);
    if (!is_one_of(word, acks, ARRAY_COUNT(acks))) {
        option_fault_key(rd, node, "acks",
                         "event_recorder kafka: unknown acks \"%.*s\", must be \"none\", "
                         "\"leader\", or \"all\"",
                         STR_ARG(word));
    }
    word = option_slot_str(type, options, "compression");
    if (!is_one_of(word, compressions, ARRAY_COUNT(compressions))) {
        option_fault_key(rd, node, "compression",
                         "event_recorder kafka: unknown compression \"%.*s\"", STR_ARG(word));
    }
    if (!option_slot_is_set(type, options, "topic")) {
        option_fault(rd, node, "event_recorder kafka output requires a topic");
    }
    word = option_slot_str(type, options, "format");
    if (!is_one_of(word, formats, ARRAY_COUNT(formats))) {
        option_fault_key(rd, node, "format",
                         "event_recorder kafka: unknown format \"%.*s\", must be \"json\" or "
                         "\"protobuf\"",
                         STR_ARG(word));
    }
}

static const struct option kafka_rows[] = {
    ROW("brokers", STRS),    ROW("topic", STR),
    ROW("client_id", STR),   ROW("format", STR),
    ROW("acks", STR),        ROW("compression", STR),
    ROW("buffer_size", INT), ROW("tls_config", STRUCT, OF(prom_tls_type)),
};
const struct option_type am_event_kafka_type =
    SLOTS("eventrecorder.plain", kafka_rows, check_kafka);

static const struct option_type stdout_type = {.name = "eventrecorder.StdoutOutputConfig",
                                               .place_offset = OPTION_NO_PLACE};

static const struct option events_rows[] = {
    ROW("file_outputs", LIST, OF(am_event_file_type)),
    ROW("webhook_outputs", LIST, OF(am_event_webhook_type)),
    ROW("kafka_outputs", LIST, OF(am_event_kafka_type)),
    ROW("stdout_outputs", LIST, OF(stdout_type)),
};
const struct option_type am_events_type = SLOTS("eventrecorder.Config", events_rows, NULL);
