/* The global section and the list of ways to notify. */
#include "alerting/am_config_priv.h"

static const struct option global_rows[] = {
    ROW("resolve_timeout", DURATION, DEFAULT("5m")),
    ROW("http_config", CUSTOM, OF(am_http_custom)),
    ROW("jira_api_url", CUSTOM, OF(am_url_custom)),
    ROW("mattermost_webhook_url", CUSTOM, OF(am_secret_url_custom)),
    ROW("mattermost_webhook_url_file", FILE),
    ROW("opsgenie_api_key", SECRET),
    ROW("opsgenie_api_key_file", FILE),
    ROW("opsgenie_api_url", CUSTOM, OF(am_url_custom), DEFAULT("https://api.opsgenie.com/")),
    ROW("pagerduty_url", CUSTOM, OF(am_url_custom),
        DEFAULT("https://events.pagerduty.com/v2/enqueue")),
    ROW("rocketchat_api_url", CUSTOM, OF(am_url_custom), DEFAULT("https://open.rocket.chat/")),
    ROW("rocketchat_token", SECRET),
    ROW("rocketchat_token_file", FILE),
    ROW("rocketchat_token_id", SECRET),
    ROW("rocketchat_token_id_file", FILE),
    ROW("slack_api_url", CUSTOM, OF(am_secret_url_custom)),
    ROW("slack_api_url_file", FILE),
    ROW("slack_app_token", SECRET),
    ROW("slack_app_token_file", FILE),
    ROW("slack_app_url", CUSTOM, OF(am_url_custom),
        DEFAULT("https://slack.com/api/chat.postMessage")),
    ROW("smtp_auth_identity", STR),
    ROW("smtp_auth_password", SECRET),
    ROW("smtp_auth_password_file", FILE),
    ROW("smtp_auth_secret", SECRET),
    ROW("smtp_auth_secret_file", FILE),
    ROW("smtp_auth_username", STR),
    ROW("smtp_force_implicit_tls", SWITCH),
    ROW("smtp_from", STR),
    ROW("smtp_hello", STR, DEFAULT("localhost")),
    ROW("smtp_require_tls", BOOL, DEFAULT("true")),
    ROW("smtp_smarthost", CUSTOM, OF(am_hostport_custom)),
    ROW("smtp_tls_config", STRUCT, OF(prom_tls_type)),
    ROW("telegram_api_url", CUSTOM, OF(am_url_custom), DEFAULT("https://api.telegram.org")),
    ROW("telegram_bot_token", SECRET),
    ROW("telegram_bot_token_file", FILE),
    ROW("victorops_api_key", SECRET),
    ROW("victorops_api_key_file", FILE),
    ROW("victorops_api_url", CUSTOM, OF(am_url_custom),
        DEFAULT("https://alert.victorops.com/integrations/generic/20131114/alert/")),
    ROW("webex_api_url", CUSTOM, OF(am_url_custom), DEFAULT("https://webexapis.com/v1/messages")),
    ROW("wechat_api_corp_id", STR),
    ROW("wechat_api_secret", SECRET),
    ROW("wechat_api_secret_file", FILE),
    ROW("wechat_api_url", CUSTOM, OF(am_url_custom),
        DEFAULT("https://qyapi.weixin.qq.com/cgi-bin/")),
};

void am_only_one(struct option_reader *rd, const struct option_type *type, const void *object,
                 const struct yaml_node *node, const char *a, const char *b)
{
    if (option_slot_is_set(type, object, a) && option_slot_is_set(type, object, b)) {
        option_fault_key(rd, node, b, "at most one of %s & %s must be configured", a, b);
    }
}

void am_need_one(struct option_reader *rd, const struct option_type *type, const void *object,
                 const struct yaml_node *node, const char *a, const char *b)
{
    am_only_one(rd, type, object, node, a, b);
    if (!option_slot_is_set(type, object, a) && !option_slot_is_set(type, object, b)) {
        option_fault(rd, node, "one of %s or %s must be configured", a, b);
    }
}

bool am_inherit(const struct option_type *type, void *options, const char *key, const void *global,
                const char *global_key)
{
    if (!option_slot_is_set(type, options, key)) {
        option_slot_set_str(type, options, key,
                            option_slot_str(&am_global_type, global, global_key));
    }
    return option_slot_is_set(type, options, key);
}

bool am_inherit_pair(const struct option_type *type, void *options, const char *key,
                     const char *file_key, const void *global, const char *global_key,
                     const char *global_file_key)
{
    bool own =
        option_slot_is_set(type, options, key) || option_slot_is_set(type, options, file_key);

    return own || am_inherit(type, options, key, global, global_key) ||
           am_inherit(type, options, file_key, global, global_file_key);
}

/* An app's token may stand beside the URL only where that is the app's own. */
static void check_slack(struct option_reader *rd, const void *global, const struct yaml_node *node)
{
    const struct option_type *type = &am_global_type;
    bool token = option_slot_is_set(type, global, "slack_app_token") ||
                 option_slot_is_set(type, global, "slack_app_token_file");
    bool other_url = option_slot_is_set(type, global, "slack_api_url") &&
                     !str_eq(option_slot_str(type, global, "slack_api_url"),
                             option_slot_str(type, global, "slack_app_url"));

    if (token && (other_url || option_slot_is_set(type, global, "slack_api_url_file"))) {
        option_fault(rd, node,
                     "at most one of slack_app_token/slack_app_token_file & "
                     "slack_api_url/slack_api_url_file must be configured");
    }
}

static void check_global(struct option_reader *rd, void *global, const struct yaml_node *node)
{
    static const char *const pairs[][2] = {
        {"mattermost_webhook_url", "mattermost_webhook_url_file"},
        {"opsgenie_api_key", "opsgenie_api_key_file"},
        {"rocketchat_token", "rocketchat_token_file"},
        {"rocketchat_token_id", "rocketchat_token_id_file"},
        {"slack_api_url", "slack_api_url_file"},
        {"slack_app_token", "slack_app_token_file"},
        {"smtp_auth_password", "smtp_auth_password_file"},
        {"smtp_auth_secret", "smtp_auth_secret_file"},
        {"telegram_bot_token", "telegram_bot_token_file"},
        {"victorops_api_key", "victorops_api_key_file"},
        {"wechat_api_secret", "wechat_api_secret_file"},
    };

    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
        am_only_one(rd, &am_global_type, global, node, pairs[i][0], pairs[i][1]);
    }
    check_slack(rd, global, node);
}

const struct option_type am_global_type = SLOTS("config.plain", global_rows, check_global);

/* A kind that has no global defaults. */
static void finish_nothing(UNUSED struct option_reader *rd, UNUSED const void *global,
                           UNUSED void *options, UNUSED const struct yaml_node *node)
{
}

const struct am_kind am_kinds[] = {
    {"discord", "discord_configs", &am_discord_type, true, finish_nothing},
    {"email", "email_configs", &am_email_type, false, am_email_finish},
    {"incidentio", "incidentio_configs", &am_incidentio_type, true, finish_nothing},
    {"jira", "jira_configs", &am_jira_type, true, am_jira_finish},
    {"mattermost", "mattermost_configs", &am_mattermost_type, true, am_mattermost_finish},
    {"msteams", "msteams_configs", &am_msteams_type, true, finish_nothing},
    {"msteamsv2", "msteamsv2_configs", &am_msteamsv2_type, true, finish_nothing},
    {"opsgenie", "opsgenie_configs", &am_opsgenie_type, true, am_opsgenie_finish},
    {"pagerduty", "pagerduty_configs", &am_pagerduty_type, true, am_pagerduty_finish},
    {"pushover", "pushover_configs", &am_pushover_type, true, finish_nothing},
    {"rocketchat", "rocketchat_configs", &am_rocketchat_type, true, am_rocketchat_finish},
    {"slack", "slack_configs", &am_slack_type, true, am_slack_finish},
    {"sns", "sns_configs", &am_sns_type, true, finish_nothing},
    {"telegram", "telegram_configs", &am_telegram_type, true, am_telegram_finish},
    {"victorops", "victorops_configs", &am_victorops_type, true, am_victorops_finish},
    {"webex", "webex_configs", &am_webex_type, true, am_webex_finish},
    {"webhook", "webhook_configs", &am_webhook_type, true, finish_nothing},
    {"wechat", "wechat_configs", &am_wechat_type, true, am_wechat_finish},
};
const size_t am_kind_count = ARRAY_COUNT(am_kinds);
