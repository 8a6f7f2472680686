/* Telegram. Reference: notify/telegram of Alertmanager 0.34 and the Bot API's sendMessage. */
#include "alerting/notifiers.h"

enum { MESSAGE_MAX = 4096 };

static size_t rune_count(str text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++) {
        count += ((unsigned char)text.ptr[i] & 0xC0) != 0x80;
    }
    return count;
}

/* Cut HTML would be refused, so that a note stands for it. */
static str message_of(struct am_attempt *sending, bool is_html)
{
    str text;

    if (!is_html) {
        return am_cut_runes(&sending->arena, am_send_text(sending, "message"), MESSAGE_MAX);
    }
    text = am_send_html(sending, "message");
    return rune_count(text) <= MESSAGE_MAX
               ? text
               : STR("Alertmanager notification could not be sent: message length exceeds Telegram "
                     "limits.\n\t\t\tPlease check the template used for producing the message "
                     "content.");
}

static str chat_of(struct am_attempt *sending)
{
    str file = am_send_option(sending, "chat_id_file");

    return file.len > 0 ? am_send_file(sending, file)
                        : arena_printf(&sending->arena, "%lld",
                                       (long long)am_send_number(sending, "chat_id"));
}

enum am_notify_outcome notify_telegram(struct am_attempt *sending)
{
    str mode = am_send_option(sending, "parse_mode");
    str token = am_send_secret(sending, "bot_token", "bot_token_file");
    str url = arena_printf(&sending->arena, "%.*s/bot%.*s/sendMessage",
                           STR_ARG(am_send_option(sending, "api_url")), STR_ARG(token));
    int64_t thread = am_send_number(sending, "message_thread_id");
    struct buf body = {0};
    struct json_writer json = json_write_over(&body);
    enum am_notify_outcome outcome;

    json_write_object_begin(&json);
    am_member(&json, "chat_id", chat_of(sending));
    if (am_send_number(sending, "disable_notifications") != 0) {
        am_member(&json, "disable_notification", STR("true"));
    }
    am_member(&json, "disable_web_page_preview", STR("true"));
    if (thread != 0) {
        am_member(&json, "message_thread_id",
                  arena_printf(&sending->arena, "%lld", (long long)thread));
    }
    am_member_some(&json, "parse_mode", mode);
    am_member(&json, "text", message_of(sending, str_is(mode, "HTML")));
    json_write_object_end(&json);
    outcome = am_send_json(sending, url, &body, NULL, NULL);
    /* Every refusal is tried again, as there. */
    return outcome == AM_NOTIFY_FAIL && sending->failed == 0 ? AM_NOTIFY_RETRY : outcome;
}
