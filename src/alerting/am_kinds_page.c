/* Options of the receivers that page, mail and call programs. Source: Alertmanager's documentation.
 */
#include "alerting/am_config_priv.h"

#define TEMPLATE(name) DEFAULT("{{ template \"" name "\" . }}")

static bool is_set(const struct option_type *type, const void *options, const char *key)
{
    return option_slot_is_set(type, options, key);
}

static void need(struct option_reader *rd, const struct option_type *type, const void *options,
                 const struct yaml_node *node, const char *key, const char *message)
{
    if (!is_set(type, options, key)) {
        option_fault(rd, node, "%s", message);
    }
}

/* ---- email ---- */

static void check_email(struct option_reader *rd, void *options, const struct yaml_node *node)
{
    const struct yaml_node *headers = yaml_get(node, STR("headers"));

    need(rd, &am_email_type, options, node, "to", "missing to address in email config");
    am_only_one(rd, &am_email_type, options, node, "auth_password", "auth_password_file");
    am_only_one(rd, &am_email_type, options, node, "auth_secret", "auth_secret_file");
    /* Names of headers differ in more than the case of their letters. */
    for (size_t i = 0; !yaml_is_null(headers) && i < headers->pair_count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (str_eq_nocase(headers->pairs[i].key->text, headers->pairs[k].key->text)) {
                option_fault(rd, headers->pairs[i].key, "duplicate header \"%.*s\" in email config",
                             STR_ARG(headers->pairs[i].key->text));
            }
        }
    }
}

static const struct option threading_rows[] = {
    ROW("enabled", BOOL),
    ROW("thread_by_date", STR),
};
static const struct option_type threading_type = SLOTS("email.threading", threading_rows, NULL);

static const struct option email_rows[] = {
    ROW("send_resolved", BOOL, DEFAULT("false")),
    ROW("to", STR),
    ROW("from", STR),
    ROW("hello", STR),
    ROW("smarthost", CUSTOM, OF(am_hostport_custom)),
    ROW("auth_username", STR),
    ROW("auth_password", SECRET),
    ROW("auth_password_file", FILE),
    ROW("auth_secret", SECRET),
    ROW("auth_secret_file", FILE),
    ROW("auth_identity", STR),
    ROW("headers", PAIRS),
    ROW("html", STR, TEMPLATE("email.default.html")),
    ROW("text", STR),
    ROW("require_tls", SWITCH),
    ROW("force_implicit_tls", SWITCH),
    ROW("tls_config", STRUCT, OF(prom_tls_type)),
    ROW("threading", STRUCT, OF(threading_type)),
};
const struct option_type am_email_type = SLOTS("email.plain", email_rows, check_email);

void am_email_finish(struct option_reader *rd, const void *global, void *options,
                     const struct yaml_node *node)
{
    const struct option_type *type = &am_email_type;

    if (!am_inherit(type, options, "smarthost", global, "smtp_smarthost")) {
        option_fault(rd, node, "no global SMTP smarthost set");
    }
    if (!am_inherit(type, options, "from", global, "smtp_from")) {
        option_fault(rd, node, "no global SMTP from set");
    }
    (void)am_inherit(type, options, "hello", global, "smtp_hello");
    (void)am_inherit(type, options, "auth_username", global, "smtp_auth_username");
    (void)am_inherit(type, options, "auth_identity", global, "smtp_auth_identity");
    (void)am_inherit_pair(type, options, "auth_password", "auth_password_file", global,
                          "smtp_auth_password", "smtp_auth_password_file");
    (void)am_inherit_pair(type, options, "auth_secret", "auth_secret_file", global,
                          "smtp_auth_secret", "smtp_auth_secret_file");
}

/* ---- webhook, incidentio ---- */

static void check_webhook(struct option_reader *rd, void *options, const struct yaml_node *node)
{
    am_need_one(rd, &am_webhook_type, options, node, "url", "url_file");
}

static const struct option webhook_rows[] = {
    AM_COMMON_ROWS("true"),   ROW("url", CUSTOM, OF(am_secret_url_custom)),
    ROW("url_file", FILE),    ROW("max_alerts", UINT),
    ROW("timeout", DURATION), ROW("payload", CUSTOM, OF(am_node_custom)), /* of any shape */
};
const struct option_type am_webhook_type = SLOTS("webhook.plain", webhook_rows, check_webhook);

static void check_incidentio(struct option_reader *rd, void *options, const struct yaml_node *node)
{
    const struct option_type *type = &am_incidentio_type;
    const struct prom_http *http = option_slot_ptr(type, options, "http_config");

    am_need_one(rd, type, options, node, "url", "url_file");
    am_only_one(rd, type, options, node, "alert_source_token", "alert_source_token_file");
    if (!is_set(type, options, "alert_source_token") &&
        !is_set(type, options, "alert_source_token_file") &&
        (http == NULL || http->authorization == NULL)) {
        option_fault(rd, node,
                     "at least one of alert_source_token, alert_source_token_file or "
                     "http_config.authorization must be configured");
    }
}

static const struct option incidentio_rows[] = {
    AM_COMMON_ROWS("true"),
    ROW("url", CUSTOM, OF(am_url_custom)),
    ROW("url_file", FILE),
    ROW("alert_source_token", SECRET),
    ROW("alert_source_token_file", FILE),
    ROW("max_alerts", UINT),
    ROW("timeout", DURATION),
};
const struct option_type am_incidentio_type =
    SLOTS("incidentio.plain", incidentio_rows, check_incidentio);

/* ---- jira ---- */

static void check_jira(struct option_reader *rd, void *options, const struct yaml_node *node)
{
    need(rd, &am_jira_type, options, node, "project", "missing project in jira_config");
    need(rd, &am_jira_type, options, node, "issue_type", "missing issue_type in jira_config");
}

static const struct option jira_rows[] = {
    AM_COMMON_ROWS("true"),
    ROW("api_url", CUSTOM, OF(am_url_custom)),
    ROW("api_type", STR, DEFAULT("auto")),
    ROW("project", STR),
    ROW("summary", CUSTOM, OF(am_node_custom)),     /* a template, or a mapping with one */
    ROW("description", CUSTOM, OF(am_node_custom)), /* the same */
    ROW("labels", STRS),
    ROW("priority", STR, TEMPLATE("jira.default.priority")),
    ROW("issue_type", STR),
    ROW("reopen_transition", STR),
    ROW("resolve_transition", STR),
    ROW("wont_fix_resolution", STR),
    ROW("reopen_duration", DURATION),
    ROW("fields", CUSTOM, OF(am_node_custom)), /* of any shape */
};
const struct option_type am_jira_type = SLOTS("jira.plain", jira_rows, check_jira);

void am_jira_finish(struct option_reader *rd, const void *global, void *options,
                    const struct yaml_node *node)
{
    if (!am_inherit(&am_jira_type, options, "api_url", global, "jira_api_url")) {
        option_fault(rd, node, "no global Jira Cloud URL set");
    }
}

/* ---- opsgenie ---- */

static void check_responder(struct option_reader *rd, void *options, const struct yaml_node *node);
static const struct option responder_rows[] = {
    ROW("id", STR),
    ROW("name", STR),
    ROW("username", STR),
    ROW("type", STR),
};
static const struct option_type responder_type =
    SLOTS("opsgenie.responder", responder_rows, check_responder);

static void check_responder(struct option_reader *rd, void *options, const struct yaml_node *node)
{
    static const char *const types[] = {"team", "teams", "user", "escalation", "schedule"};
    str type = option_slot_str(&responder_type, options, "type");
    bool known = str_contains(type, STR("{{"));

    if (!is_set(&responder_type, options, "id") && !is_set(&responder_type, options, "name") &&
        !is_set(&responder_type, options, "username")) {
        option_fault(rd, node,
                     "opsGenieConfig responder has to have at least one of id, username or name "
                     "specified");
    }
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        known |= str_eq_nocase(type, str_from(types[i]));
    }
    if (!known) {
        option_fault_key(rd, node, "type",
                         "opsGenieConfig responder type \"%.*s\" does not match valid options "
                         "^(team|teams|user|escalation|schedule)$",
                         STR_ARG(type));
    }
}

static void check_opsgenie(struct option_reader *rd, void *options, const struct yaml_node *node)
{
    am_only_one(rd, &am_opsgenie_type, options, node, "api_key", "api_key_file");
}

static const struct option opsgenie_rows[] = {
    AM_COMMON_ROWS("true"),
    ROW("api_key", SECRET),
    ROW("api_key_file", FILE),
    ROW("api_url", CUSTOM, OF(am_url_custom)),
    ROW("message", STR, TEMPLATE("opsgenie.default.message")),
    ROW("description", STR, TEMPLATE("opsgenie.default.description")),
    ROW("source", STR, TEMPLATE("opsgenie.default.source")),
    ROW("details", PAIRS),
    ROW("entity", STR),
    ROW("responders", LIST, OF(responder_type)),
    ROW("actions", STR),
    ROW("tags", STR),
    ROW("note", STR),
    ROW("priority", STR),
    ROW("update_alerts", BOOL),
};
const struct option_type am_opsgenie_type = SLOTS("opsgenie.plain", opsgenie_rows, check_opsgenie);

void am_opsgenie_finish(struct option_reader *rd, const void *global, void *options,
                        const struct yaml_node *node)
{
    if (!am_inherit(&am_opsgenie_type, options, "api_url", global, "opsgenie_api_url")) {
        option_fault(rd, node, "no global OpsGenie URL set");
    }
    if (!am_inherit_pair(&am_opsgenie_type, options, "api_key", "api_key_file", global,
                         "opsgenie_api_key", "opsgenie_api_key_file")) {
        option_fault(rd, node, "no global OpsGenie API Key set either inline or in a file");
    }
}

/* ---- pagerduty ---- */

static const struct option link_rows[] = {ROW("href", STR), ROW("text", STR)};
static const struct option_type link_type = SLOTS("pagerduty.link", link_rows, NULL);

static const struct option image_rows[] = {ROW("href", STR), ROW("src", STR), ROW("alt", STR)};
static const struct option_type image_type = SLOTS("pagerduty.image", image_rows, NULL);

static void check_pagerduty(struct option_reader *rd, void *options, const struct yaml_node *node)
{
    const struct option_type *type = &am_pagerduty_type;

    am_only_one(rd, type, options, node, "routing_key", "routing_key_file");
    am_only_one(rd, type, options, node, "service_key", "service_key_file");
    if (!is_set(type, options, "routing_key") && !is_set(type, options, "routing_key_file") &&
        !is_set(type, options, "service_key") && !is_set(type, options, "service_key_file")) {
        option_fault(rd, node, "missing service or routing key in PagerDuty config");
    }
}

static const struct option pagerduty_rows[] = {
    AM_COMMON_ROWS("true"),
    ROW("routing_key", SECRET),
    ROW("routing_key_file", FILE),
    ROW("service_key", SECRET),
    ROW("service_key_file", FILE),
    ROW("url", CUSTOM, OF(am_url_custom)),
    ROW("client", STR, TEMPLATE("pagerduty.default.client")),
    ROW("client_url", STR, TEMPLATE("pagerduty.default.clientURL")),
    ROW("description", STR, TEMPLATE("pagerduty.default.description")),
    ROW("details", CUSTOM, OF(am_node_custom)), /* a mapping to values of any shape */
    ROW("images", LIST, OF(image_type)),
    ROW("links", LIST, OF(link_type)),
    ROW("source", STR),
    ROW("severity", STR, DEFAULT("error")),
    ROW("class", STR),
    ROW("component", STR),
    ROW("group", STR),
    ROW("timeout", DURATION),
};
const struct option_type am_pagerduty_type =
    SLOTS("pagerduty.plain", pagerduty_rows, check_pagerduty);

void am_pagerduty_finish(struct option_reader *rd, const void *global, void *options,
                         const struct yaml_node *node)
{
    if (!am_inherit(&am_pagerduty_type, options, "url", global, "pagerduty_url")) {
        option_fault(rd, node, "no global PagerDuty URL set");
    }
}

/* ---- pushover ---- */

static void check_pushover(struct option_reader *rd, void *options, const struct yaml_node *node)
{
    const struct option_type *type = &am_pushover_type;

    am_need_one(rd, type, options, node, "user_key", "user_key_file");
    am_need_one(rd, type, options, node, "token", "token_file");
    if (option_slot_int(type, options, "html") != 0 &&
        option_slot_int(type, options, "monospace") != 0) {
        option_fault(rd, node, "at most one of monospace & html must be configured");
    }
}

static const struct option pushover_rows[] = {
    AM_COMMON_ROWS("true"),
    ROW("user_key", SECRET),
    ROW("user_key_file", FILE),
    ROW("token", SECRET),
    ROW("token_file", FILE),
    ROW("title", STR, TEMPLATE("pushover.default.title")),
    ROW("message", STR, TEMPLATE("pushover.default.message")),
    ROW("url", STR, TEMPLATE("pushover.default.url")),
    ROW("url_title", STR),
    ROW("device", STR),
    ROW("sound", STR),
    ROW("priority", STR, DEFAULT("{{ if eq .Status \"firing\" }}2{{ else }}0{{ end }}")),
    ROW("retry", DURATION, DEFAULT("1m")),
    ROW("expire", DURATION, DEFAULT("1h")),
    ROW("ttl", DURATION),
    ROW("html", BOOL),
    ROW("monospace", BOOL),
};
const struct option_type am_pushover_type = SLOTS("pushover.plain", pushover_rows, check_pushover);

/* ---- sns ---- */

static void check_sigv4(struct option_reader *rd, void *options, const struct yaml_node *node);
static const struct option sigv4_rows[] = {
    ROW("region", STR),
    ROW("access_key", STR),
    ROW("secret_key", SECRET),
    ROW("profile", STR),
    ROW("role_arn", STR),
    ROW("external_id", STR),
    ROW("use_fips_sts_endpoint", BOOL),
};
static const struct option_type sigv4_type = SLOTS("sigv4.plain", sigv4_rows, check_sigv4);

static void check_sigv4(struct option_reader *rd, void *options, const struct yaml_node *node)
{
    if (is_set(&sigv4_type, options, "access_key") != is_set(&sigv4_type, options, "secret_key")) {
        option_fault(rd, node,
                     "must provide a AWS SigV4 Access key and Secret Key if credentials are "
                     "specified in the SNS config");
    }
}

static void check_sns(struct option_reader *rd, void *options, const struct yaml_node *node)
{
    if (is_set(&am_sns_type, options, "target_arn") + is_set(&am_sns_type, options, "topic_arn") +
            is_set(&am_sns_type, options, "phone_number") !=
        1) {
        option_fault(rd, node,
                     "must provide either a Target ARN, Topic ARN, or Phone Number for SNS config");
    }
}

static const struct option sns_rows[] = {
    AM_COMMON_ROWS("true"),
    ROW("api_url", STR),
    ROW("sigv4", STRUCT, OF(sigv4_type)),
    ROW("topic_arn", STR),
    ROW("phone_number", STR),
    ROW("target_arn", STR),
    ROW("subject", STR, TEMPLATE("sns.default.subject")),
    ROW("message", STR, TEMPLATE("sns.default.message")),
    ROW("attributes", PAIRS),
    ROW("use_aws_http_client", BOOL), /* there is one client here */
};
const struct option_type am_sns_type = SLOTS("sns.plain", sns_rows, check_sns);

/* ---- victorops ---- */

static void check_victorops(struct option_reader *rd, void *options, const struct yaml_node *node)
{
    static const char *const fixed[] = {"routing_key",         "message_type",    "state_message",
                                        "entity_display_name", "monitoring_tool", "entity_id",
                                        "entity_state"};
    const struct yaml_node *fields = yaml_get(node, STR("custom_fields"));

    need(rd, &am_victorops_type, options, node, "routing_key",
         "missing Routing key in VictorOps config");
    am_only_one(rd, &am_victorops_type, options, node, "api_key", "api_key_file");
    for (size_t i = 0; i < ARRAY_COUNT(fixed); i++) {
        if (yaml_get(fields, str_from(fixed[i])) != NULL) {
            option_fault(rd, yaml_key_of(fields, str_from(fixed[i])),
                         "victorOps config contains custom field %s which cannot be used as it "
                         "conflicts with the fixed/static fields",
                         fixed[i]);
        }
    }
}

static const struct option victorops_rows[] = {
    AM_COMMON_ROWS("true"),
    ROW("api_key", SECRET),
    ROW("api_key_file", FILE),
    ROW("api_url", CUSTOM, OF(am_url_custom)),
    ROW("routing_key", STR),
    ROW("message_type", STR, DEFAULT("CRITICAL")),
    ROW("state_message", STR, TEMPLATE("victorops.default.state_message")),
    ROW("entity_display_name", STR, TEMPLATE("victorops.default.entity_display_name")),
    ROW("monitoring_tool", STR, TEMPLATE("victorops.default.monitoring_tool")),
    ROW("custom_fields", PAIRS),
};
const struct option_type am_victorops_type =
    SLOTS("victorops.plain", victorops_rows, check_victorops);

void am_victorops_finish(struct option_reader *rd, const void *global, void *options,
                         const struct yaml_node *node)
{
    if (!am_inherit(&am_victorops_type, options, "api_url", global, "victorops_api_url")) {
        option_fault(rd, node, "no global VictorOps URL set");
    }
    if (!am_inherit_pair(&am_victorops_type, options, "api_key", "api_key_file", global,
                         "victorops_api_key", "victorops_api_key_file")) {
        option_fault(rd, node, "no global VictorOps API Key set");
    }
}
