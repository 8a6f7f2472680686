/* Options of the receivers that write into chats. Source: Alertmanager's documentation. */
#include "alerting/am_config_priv.h"

#define TEMPLATE(name) DEFAULT("{{ template \"" name "\" . }}")

static bool is_set(const struct option_type *type, const void *options, const char *key)
{
    return option_slot_is_set(type, options, key);
}

/* ---- discord, msteams ---- */

static void check_discord(struct option_reader *rd, void *options, const struct yaml_node *node)
{
    am_need_one(rd, &am_discord_type, options, node, "webhook_url", "webhook_url_file");
}

static const struct option discord_rows[] = {
    AM_COMMON_ROWS("true"),
    ROW("webhook_url", CUSTOM, OF(am_secret_url_custom)),
    ROW("webhook_url_file", FILE),
    ROW("content", STR, TEMPLATE("discord.default.content")),
    ROW("title", STR, TEMPLATE("discord.default.title")),
    ROW("message", STR, TEMPLATE("discord.default.message")),
    ROW("username", STR),
    ROW("avatar_url", STR),
};
const struct option_type am_discord_type = SLOTS("discord.plain", discord_rows, check_discord);

static void check_msteams(struct option_reader *rd, void *options, const struct yaml_node *node)
{
    am_need_one(rd, &am_msteams_type, options, node, "webhook_url", "webhook_url_file");
}

static const struct option msteams_rows[] = {
    AM_COMMON_ROWS("true"),
    ROW("webhook_url", CUSTOM, OF(am_secret_url_custom)),
    ROW("webhook_url_file", FILE),
    ROW("title", STR, TEMPLATE("msteams.default.title")),
    ROW("summary", STR, TEMPLATE("msteams.default.summary")),
    ROW("text", STR, TEMPLATE("msteams.default.text")),
};
const struct option_type am_msteams_type = SLOTS("msteams.plain", msteams_rows, check_msteams);

static void check_msteamsv2(struct option_reader *rd, void *options, const struct yaml_node *node)
{
    am_need_one(rd, &am_msteamsv2_type, options, node, "webhook_url", "webhook_url_file");
}

static const struct option msteamsv2_rows[] = {
    AM_COMMON_ROWS("true"),
    ROW("webhook_url", CUSTOM, OF(am_secret_url_custom)),
    ROW("webhook_url_file", FILE),
    ROW("title", STR, TEMPLATE("msteamsv2.default.title")),
    ROW("text", STR, TEMPLATE("msteamsv2.default.text")),
};
const struct option_type am_msteamsv2_type =
    SLOTS("msteamsv2.plain", msteamsv2_rows, check_msteamsv2);

/* ---- mattermost ---- */

static const struct option mattermost_field_rows[] = {
    ROW("title", STR),
    ROW("value", STR),
    ROW("short", SWITCH),
};
static const struct option_type mattermost_field_type =
    SLOTS("mattermost.field", mattermost_field_rows, NULL);

/* What an attachment has; the message itself has it too, with defaults for some. */
#define ATTACHMENT_ROWS(fallback, color, text, title, link)                                        \
    ROW("fallback", STR fallback), ROW("color", STR color), ROW("pretext", STR),                   \
        ROW("text", STR text), ROW("author_name", STR), ROW("author_link", STR),                   \
        ROW("author_icon", STR), ROW("title", STR title), ROW("title_link", STR link),             \
        ROW("fields", LIST, OF(mattermost_field_type)), ROW("thumb_url", STR), ROW("footer", STR), \
        ROW("footer_icon", STR), ROW("image_url", STR)

static const struct option attachment_rows[] = {ATTACHMENT_ROWS(, , , , )};
static const struct option_type attachment_type =
    SLOTS("mattermost.attachment", attachment_rows, NULL);

static const struct option mattermost_props_rows[] = {ROW("card", STR)};
static const struct option_type mattermost_props_type =
    SLOTS("mattermost.props", mattermost_props_rows, NULL);

static const struct option mattermost_priority_rows[] = {
    ROW("priority", STR),
    ROW("requested_ack", BOOL),
    ROW("persistent_notifications", BOOL),
};
static const struct option_type mattermost_priority_type =
    SLOTS("mattermost.priority", mattermost_priority_rows, NULL);

static void check_mattermost(struct option_reader *rd, void *options, const struct yaml_node *node)
{
    am_only_one(rd, &am_mattermost_type, options, node, "webhook_url", "webhook_url_file");
}

#define MATTERMOST(name) , TEMPLATE("mattermost.default." name)

static const struct option mattermost_rows[] = {
    AM_COMMON_ROWS("true"),
    ROW("webhook_url", CUSTOM, OF(am_secret_url_custom)),
    ROW("webhook_url_file", FILE),
    ROW("channel", STR),
    ROW("username", STR, TEMPLATE("mattermost.default.username")),
    ROW("icon_url", STR),
    ROW("icon_emoji", STR),
    ROW("type", STR),
    ROW("attachments", LIST, OF(attachment_type)),
    ROW("props", STRUCT, OF(mattermost_props_type)),
    ROW("priority", STRUCT, OF(mattermost_priority_type)),
    ATTACHMENT_ROWS(MATTERMOST("fallback"), MATTERMOST("color"), MATTERMOST("text"),
                    MATTERMOST("title"), MATTERMOST("titlelink")),
};
const struct option_type am_mattermost_type =
    SLOTS("mattermost.plain", mattermost_rows, check_mattermost);

void am_mattermost_finish(struct option_reader *rd, const void *global, void *options,
                          const struct yaml_node *node)
{
    if (!am_inherit_pair(&am_mattermost_type, options, "webhook_url", "webhook_url_file", global,
                         "mattermost_webhook_url", "mattermost_webhook_url_file")) {
        option_fault(rd, node, "no global Mattermost Webhook URL set either inline or in a file");
    }
}

/* ---- rocketchat ---- */

static const struct option rocketchat_field_rows[] = {
    ROW("title", STR),
    ROW("value", STR),
    ROW("short", SWITCH),
};
static const struct option_type rocketchat_field_type =
    SLOTS("rocketchat.field", rocketchat_field_rows, NULL);

static const struct option rocketchat_action_rows[] = {
    ROW("type", STR),
    ROW("text", STR),
    ROW("url", STR),
    ROW("msg", STR),
};
static const struct option_type rocketchat_action_type =
    SLOTS("rocketchat.action", rocketchat_action_rows, NULL);

static void check_rocketchat(struct option_reader *rd, void *options, const struct yaml_node *node)
{
    am_only_one(rd, &am_rocketchat_type, options, node, "token", "token_file");
    am_only_one(rd, &am_rocketchat_type, options, node, "token_id", "token_id_file");
}

static const struct option rocketchat_rows[] = {
    AM_COMMON_ROWS("false"),
    ROW("api_url", CUSTOM, OF(am_url_custom)),
    ROW("token", SECRET),
    ROW("token_file", FILE),
    ROW("token_id", SECRET),
    ROW("token_id_file", FILE),
    ROW("channel", STR),
    ROW("color", STR, DEFAULT("{{ if eq .Status \"firing\" }}red{{ else }}green{{ end }}")),
    ROW("emoji", STR, TEMPLATE("rocketchat.default.emoji")),
    ROW("icon_url", STR, TEMPLATE("rocketchat.default.iconurl")),
    ROW("text", STR, TEMPLATE("rocketchat.default.text")),
    ROW("title", STR, TEMPLATE("rocketchat.default.title")),
    ROW("title_link", STR, TEMPLATE("rocketchat.default.titlelink")),
    ROW("fields", LIST, OF(rocketchat_field_type)),
    ROW("short_fields", BOOL),
    ROW("image_url", STR),
    ROW("thumb_url", STR),
    ROW("link_names", BOOL),
    ROW("actions", LIST, OF(rocketchat_action_type)),
};
const struct option_type am_rocketchat_type =
    SLOTS("rocketchat.plain", rocketchat_rows, check_rocketchat);

void am_rocketchat_finish(struct option_reader *rd, const void *global, void *options,
                          const struct yaml_node *node)
{
    const struct option_type *type = &am_rocketchat_type;

    if (!am_inherit(type, options, "api_url", global, "rocketchat_api_url")) {
        option_fault(rd, node, "no global Rocketchat API URL set");
    }
    if (!am_inherit_pair(type, options, "token_id", "token_id_file", global, "rocketchat_token_id",
                         "rocketchat_token_id_file")) {
        option_fault(rd, node, "no global Rocketchat TokenID set either inline or in a file");
    }
    if (!am_inherit_pair(type, options, "token", "token_file", global, "rocketchat_token",
                         "rocketchat_token_file")) {
        option_fault(rd, node, "no global Rocketchat Token set either inline or in a file");
    }
}

/* ---- slack ---- */

static const struct option confirm_rows[] = {
    ROW("text", STR),
    ROW("title", STR),
    ROW("ok_text", STR),
    ROW("dismiss_text", STR),
};
static void check_confirm(struct option_reader *rd, void *options, const struct yaml_node *node);
static const struct option_type confirm_type = SLOTS("slack.confirm", confirm_rows, check_confirm);

static void check_confirm(struct option_reader *rd, void *options, const struct yaml_node *node)
{
    if (!is_set(&confirm_type, options, "text")) {
        option_fault(rd, node, "missing text in Slack confirmation configuration");
    }
}

static void check_action(struct option_reader *rd, void *options, const struct yaml_node *node);
static const struct option action_rows[] = {
    ROW("type", STR),
    ROW("text", STR),
    ROW("url", STR),
    ROW("style", STR),
    ROW("name", STR),
    ROW("value", STR),
    ROW("confirm", STRUCT, OF(confirm_type)),
};
static const struct option_type action_type = SLOTS("slack.action", action_rows, check_action);

static void check_action(struct option_reader *rd, void *options, const struct yaml_node *node)
{
    if (!is_set(&action_type, options, "type")) {
        option_fault(rd, node, "missing type in Slack action configuration");
    }
    if (!is_set(&action_type, options, "text")) {
        option_fault(rd, node, "missing text in Slack action configuration");
    }
    if (!is_set(&action_type, options, "url") && !is_set(&action_type, options, "name")) {
        option_fault(rd, node, "missing name or url in Slack action configuration");
    }
}

static void check_field(struct option_reader *rd, void *options, const struct yaml_node *node);
static const struct option field_rows[] = {
    ROW("title", STR),
    ROW("value", STR),
    ROW("short", SWITCH),
};
static const struct option_type field_type = SLOTS("slack.field", field_rows, check_field);

static void check_field(struct option_reader *rd, void *options, const struct yaml_node *node)
{
    if (!is_set(&field_type, options, "title")) {
        option_fault(rd, node, "missing title in Slack field configuration");
    }
    if (!is_set(&field_type, options, "value")) {
        option_fault(rd, node, "missing value in Slack field configuration");
    }
}

static void check_slack(struct option_reader *rd, void *options, const struct yaml_node *node)
{
    am_only_one(rd, &am_slack_type, options, node, "api_url", "api_url_file");
    am_only_one(rd, &am_slack_type, options, node, "app_token", "app_token_file");
}

static const struct option slack_rows[] = {
    AM_COMMON_ROWS("false"),
    ROW("api_url", CUSTOM, OF(am_secret_url_custom)),
    ROW("api_url_file", FILE),
    ROW("app_token", SECRET),
    ROW("app_token_file", FILE),
    ROW("app_url", CUSTOM, OF(am_url_custom)),
    ROW("channel", STR),
    ROW("username", STR, TEMPLATE("slack.default.username")),
    ROW("color", STR, DEFAULT("{{ if eq .Status \"firing\" }}danger{{ else }}good{{ end }}")),
    ROW("title", STR, TEMPLATE("slack.default.title")),
    ROW("title_link", STR, TEMPLATE("slack.default.titlelink")),
    ROW("pretext", STR, TEMPLATE("slack.default.pretext")),
    ROW("text", STR, TEMPLATE("slack.default.text")),
    ROW("message_text", STR),
    ROW("fields", LIST, OF(field_type)),
    ROW("short_fields", BOOL),
    ROW("footer", STR, TEMPLATE("slack.default.footer")),
    ROW("fallback", STR, TEMPLATE("slack.default.fallback")),
    ROW("callback_id", STR, TEMPLATE("slack.default.callbackid")),
    ROW("icon_emoji", STR, TEMPLATE("slack.default.iconemoji")),
    ROW("icon_url", STR, TEMPLATE("slack.default.iconurl")),
    ROW("image_url", STR),
    ROW("thumb_url", STR),
    ROW("link_names", BOOL),
    ROW("mrkdwn_in", STRS),
    ROW("actions", LIST, OF(action_type)),
    ROW("timeout", DURATION),
    ROW("update_message", BOOL),
};
const struct option_type am_slack_type = SLOTS("slack.plain", slack_rows, check_slack);

/* Only the API for apps can change a message that was sent. */
static const str slack_app_api = STR_INIT("https://slack.com/api/chat.postMessage");

void am_slack_finish(struct option_reader *rd, const void *global, void *options,
                     const struct yaml_node *node)
{
    const struct option_type *type = &am_slack_type;
    bool url = is_set(type, options, "api_url") || is_set(type, options, "api_url_file");
    bool token = is_set(type, options, "app_token") || is_set(type, options, "app_token_file");

    (void)am_inherit(type, options, "app_url", global, "slack_app_url");
    if (!url && !token) {
        token = am_inherit_pair(type, options, "app_token", "app_token_file", global,
                                "slack_app_token", "slack_app_token_file");
    }
    if (!url && !token) {
        url = am_inherit_pair(type, options, "api_url", "api_url_file", global, "slack_api_url",
                              "slack_api_url_file");
    }
    if (!url && !token) {
        option_fault(rd, node, "no Slack API URL nor App token set either inline or in a file");
    } else if (option_slot_int(type, options, "update_message") != 0 && !token &&
               !str_eq(option_slot_str(type, options, "api_url"), slack_app_api)) {
        option_fault_key(rd, node, "update_message",
                         "update_message can only be used with bot tokens. api_url must be set to "
                         "https://slack.com/api/chat.postMessage");
    }
}

/* ---- telegram ---- */

static void check_telegram(struct option_reader *rd, void *options, const struct yaml_node *node)
{
    static const char *const modes[] = {"", "Markdown", "MarkdownV2", "HTML"};
    str mode = option_slot_str(&am_telegram_type, options, "parse_mode");
    bool known = false;

    am_only_one(rd, &am_telegram_type, options, node, "bot_token", "bot_token_file");
    if (option_slot_int(&am_telegram_type, options, "chat_id") == 0 &&
        !is_set(&am_telegram_type, options, "chat_id_file")) {
        option_fault(rd, node, "missing chat_id on telegram_config");
    }
    for (size_t i = 0; i < ARRAY_COUNT(modes); i++) {
        known |= str_is(mode, modes[i]);
    }
    if (!known) {
        option_fault_key(rd, node, "parse_mode",
                         "unknown parse_mode on telegram_config, must be Markdown, MarkdownV2, "
                         "HTML or empty string");
    }
}

static const struct option telegram_rows[] = {
    AM_COMMON_ROWS("true"),
    ROW("api_url", CUSTOM, OF(am_url_custom)),
    ROW("bot_token", SECRET),
    ROW("bot_token_file", FILE),
    ROW("chat_id", INT),
    ROW("chat_id_file", FILE),
    ROW("message_thread_id", INT),
    ROW("message", STR, TEMPLATE("telegram.default.message")),
    ROW("disable_notifications", BOOL),
    ROW("parse_mode", STR, DEFAULT("HTML")),
};
const struct option_type am_telegram_type = SLOTS("telegram.plain", telegram_rows, check_telegram);

void am_telegram_finish(struct option_reader *rd, const void *global, void *options,
                        const struct yaml_node *node)
{
    (void)am_inherit(&am_telegram_type, options, "api_url", global, "telegram_api_url");
    if (!am_inherit_pair(&am_telegram_type, options, "bot_token", "bot_token_file", global,
                         "telegram_bot_token", "telegram_bot_token_file")) {
        option_fault(rd, node, "missing bot_token or bot_token_file on telegram_config");
    }
}

/* ---- webex, wechat ---- */

static void check_webex(struct option_reader *rd, void *options, const struct yaml_node *node)
{
    const struct prom_http *http = option_slot_ptr(&am_webex_type, options, "http_config");

    if (!is_set(&am_webex_type, options, "room_id")) {
        option_fault(rd, node, "missing room_id on webex_config");
    }
    if (http == NULL || http->authorization == NULL) {
        option_fault(rd, node, "missing webex_configs.http_config.authorization");
    }
}

static const struct option webex_rows[] = {
    AM_COMMON_ROWS("true"),
    ROW("api_url", CUSTOM, OF(am_url_custom)),
    ROW("message", STR, TEMPLATE("webex.default.message")),
    ROW("room_id", STR),
};
const struct option_type am_webex_type = SLOTS("webex.plain", webex_rows, check_webex);

void am_webex_finish(struct option_reader *rd, const void *global, void *options,
                     const struct yaml_node *node)
{
    if (!am_inherit(&am_webex_type, options, "api_url", global, "webex_api_url")) {
        option_fault(rd, node, "no global Webex URL set");
    }
}

static void check_wechat(struct option_reader *rd, void *options, const struct yaml_node *node)
{
    str kind = option_slot_str(&am_wechat_type, options, "message_type");

    am_only_one(rd, &am_wechat_type, options, node, "api_secret", "api_secret_file");
    if (kind.len == 0) {
        option_slot_set_str(&am_wechat_type, options, "message_type", STR("text"));
    } else if (!str_is(kind, "text") && !str_is(kind, "markdown")) {
        option_fault_key(rd, node, "message_type",
                         "weChat message type \"%.*s\" does not match valid options "
                         "^(text|markdown)$",
                         STR_ARG(kind));
    }
}

static const struct option wechat_rows[] = {
    AM_COMMON_ROWS("false"),
    ROW("api_url", CUSTOM, OF(am_url_custom)),
    ROW("api_secret", SECRET),
    ROW("api_secret_file", FILE),
    ROW("corp_id", STR),
    ROW("agent_id", STR, TEMPLATE("wechat.default.agent_id")),
    ROW("to_user", STR, TEMPLATE("wechat.default.to_user")),
    ROW("to_party", STR, TEMPLATE("wechat.default.to_party")),
    ROW("to_tag", STR, TEMPLATE("wechat.default.to_tag")),
    ROW("message", STR, TEMPLATE("wechat.default.message")),
    ROW("message_type", STR),
};
const struct option_type am_wechat_type = SLOTS("wechat.plain", wechat_rows, check_wechat);

void am_wechat_finish(struct option_reader *rd, const void *global, void *options,
                      const struct yaml_node *node)
{
    const struct option_type *type = &am_wechat_type;

    if (!am_inherit(type, options, "api_url", global, "wechat_api_url")) {
        option_fault(rd, node, "no global Wechat URL set");
    }
    if (!am_inherit_pair(type, options, "api_secret", "api_secret_file", global,
                         "wechat_api_secret", "wechat_api_secret_file")) {
        option_fault(rd, node, "no global Wechat ApiSecret set");
    }
    if (!am_inherit(type, options, "corp_id", global, "wechat_api_corp_id")) {
        option_fault(rd, node, "no global Wechat CorpID set");
    }
}
