/* WeChat Work: a token first, then the message. Reference: notify/wechat of Alertmanager 0.34. A
 * token is used for two hours, or until it is refused. */
#include "alerting/notifiers.h"
#include "codec/json.h"

enum { TOKEN_EXPIRED = 42001, TOKEN_AGE_MAX = 2 * DUR_HOUR };

static const struct am_field rows[] = {{"touser", "to_user", 0, false},
                                       {"toparty", "to_party", 0, false},
                                       {"totag", "to_tag", 0, false},
                                       {"agentid", "agent_id", 0, false}};

static enum am_notify_outcome ask_token(struct am_attempt *sending, str *ret)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    str secret = am_send_render(sending, am_send_secret(sending, "api_secret", "api_secret_file"));
    str corp = am_send_text(sending, "corp_id");
    struct am_response answer = {0};
    struct buf query = {0};
    struct am_request request = {.method = "GET", .is_look_up = true};
    enum am_notify_outcome outcome;

    am_query_add(&query, "corpid", corp);
    am_query_add(&query, "corpsecret", secret);
    request.url = am_url_add(&sending->arena, am_send_option(sending, "api_url"), STR("gettoken"),
                             buf_view(&query));
    buf_done(&query);
    if (sending->failed != 0) {
        return AM_NOTIFY_FAIL;
    }
    outcome = am_send_request(sending, &request, &answer);
    if (outcome != AM_NOTIFY_OK || sending->is_rendering) {
        return outcome;
    }
    if (json_doc_parse(answer.body, &root, NULL) < 0 ||
        json_text(json_get(root, "access_token")).len == 0) {
        return am_send_fault(sending, "invalid APISecret for CorpID: %.*s", STR_ARG(corp));
    }
    *ret = arena_str(&sending->arena, json_text(json_get(root, "access_token")));
    am_send_keep_token(sending, *ret);
    return AM_NOTIFY_OK;
}

/* Go writes both contents, since structs are never empty to it. */
static void put_message(struct am_attempt *sending, struct json_writer *json)
{
    str type = am_send_option(sending, "message_type");
    str message = am_send_text(sending, "message");
    bool is_markdown = str_is(type, "markdown");

    json_write_object_begin(json);
    json_write_key(json, STR("text"));
    json_write_object_begin(json);
    am_member(json, "content", is_markdown ? STR("") : message);
    json_write_object_end(json);
    am_member_fields(sending, json, sending->type, sending->options, rows, ARRAY_COUNT(rows));
    am_member(json, "safe", STR("0"));
    am_member_some(json, "msgtype", type);
    json_write_key(json, STR("markdown"));
    json_write_object_begin(json);
    am_member(json, "content", is_markdown ? message : STR(""));
    json_write_object_end(json);
    json_write_object_end(json);
}

static enum am_notify_outcome read_answer(struct am_attempt *sending,
                                          const struct am_response *answer)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    int64_t code = 0;
    str text;

    if (answer->status != 200) {
        return am_send_again(sending, "unexpected status code %d", answer->status);
    }
    if (json_doc_parse(answer->body, &root, NULL) < 0) {
        return am_send_again(sending, "the answer is no JSON");
    }
    (void)json_int(json_get(root, "errcode"), &code);
    text = json_text(json_get(root, "errmsg"));
    if (code != 0) {
        am_send_keep_token(sending, STR(""));
    }
    return code == 0               ? AM_NOTIFY_OK
           : code == TOKEN_EXPIRED ? am_send_again(sending, "%.*s", STR_ARG(text))
                                   : am_send_fault(sending, "%.*s", STR_ARG(text));
}

enum am_notify_outcome notify_wechat(struct am_attempt *sending)
{
    struct am_response answer = {0};
    struct buf body = {0};
    struct buf query = {0};
    struct json_writer json = json_write_over(&body);
    str token = am_send_token(sending, TOKEN_AGE_MAX);
    enum am_notify_outcome outcome = token.len > 0 ? AM_NOTIFY_OK : ask_token(sending, &token);
    str url;

    if (outcome != AM_NOTIFY_OK) {
        return outcome;
    }
    if (token.len > 0) {
        vec_push(&sending->secrets, token);
    }
    am_query_add(&query, "access_token", token);
    url = am_url_add(&sending->arena, am_send_option(sending, "api_url"), STR("message/send"),
                     buf_view(&query));
    buf_done(&query);
    put_message(sending, &json);
    outcome = am_send_json(sending, url, &body, NULL, &answer);
    if (sending->failed != 0 || sending->is_rendering || answer.status == 0) {
        return outcome;
    }
    return read_answer(sending, &answer);
}
