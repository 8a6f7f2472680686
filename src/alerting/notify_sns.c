/*
 * Amazon SNS: a signed form. Reference: notify/sns of Alertmanager 0.34, the action Publish of
 * SNS's query API, and AWS Signature Version 4. Credentials are those of the configuration or of
 * the environment; profiles and roles are refused.
 */
#include <stdio.h>
#include <stdlib.h>

#include "alerting/notifiers.h"
#include "base/calendar.h"
#include "base/text.h"
#include "codec/sha256.h"

enum { MESSAGE_BYTES_MAX = 256 * 1024, SMS_BYTES_MAX = 1600 };

/* ---- The form ---- */

struct field {
    str name;
    str value;
};

struct form {
    VEC(struct field) fields;
};

static int field_compare(const void *a, const void *b)
{
    return str_cmp(((const struct field *)a)->name, ((const struct field *)b)->name);
}

static void form_add(struct form *form, str name, str value)
{
    vec_push(&form->fields, ((struct field){name, value}));
}

static void add_attributes(struct am_attempt *sending, struct form *form, bool is_cut)
{
    struct conf_pairs own = option_slot_pairs(sending->type, sending->options, "attributes");

    for (size_t i = 0; i < own.count + is_cut; i++) {
        str name = i < own.count ? am_send_render(sending, own.items[i].name) : STR("truncated");
        str value = i < own.count ? am_send_render(sending, own.items[i].value) : STR("true");
        str row = arena_printf(&sending->arena, "MessageAttributes.entry.%zu.", i + 1);

        form_add(form, arena_printf(&sending->arena, "%sName", row.ptr), name);
        form_add(form, arena_printf(&sending->arena, "%sValue.DataType", row.ptr), STR("String"));
        form_add(form, arena_printf(&sending->arena, "%sValue.StringValue", row.ptr), value);
    }
}

static void add_target(struct am_attempt *sending, struct form *form)
{
    str topic = am_send_text(sending, "topic_arn");
    str phone = am_send_text(sending, "phone_number");
    str target = am_send_text(sending, "target_arn");

    if (topic.len > 0) {
        form_add(form, STR("TopicArn"), topic);
    }
    if (str_has_suffix(topic, STR(".fifo"))) {
        form_add(form, STR("MessageDeduplicationId"), sending->key_hash);
        form_add(form, STR("MessageGroupId"), sending->key_hash);
    }
    if (phone.len > 0) {
        form_add(form, STR("PhoneNumber"), phone);
    }
    if (target.len > 0) {
        form_add(form, STR("TargetArn"), target);
    }
}

static void make_form(struct am_attempt *sending, struct buf *out)
{
    size_t most =
        am_send_option(sending, "phone_number").len > 0 ? SMS_BYTES_MAX : MESSAGE_BYTES_MAX;
    str message = am_send_text(sending, "message");
    struct form form = {0};

    form_add(&form, STR("Action"), STR("Publish"));
    form_add(&form, STR("Version"), STR("2010-03-31"));
    add_target(sending, &form);
    form_add(&form, STR("Message"), str_slice(message, 0, most));
    if (am_send_option(sending, "subject").len > 0) {
        form_add(&form, STR("Subject"), am_send_text(sending, "subject"));
    }
    add_attributes(sending, &form, message.len > most);
    qsort(form.fields.items, form.fields.count, sizeof(struct field), field_compare);
    for (size_t i = 0; i < form.fields.count; i++) {
        am_query_add(out, form.fields.items[i].name.ptr, form.fields.items[i].value);
    }
    if (sending->failed == 0 && !utf8_is_valid(message)) {
        sending->failed = error_set(sending->err, BARO_EINVALID, "non utf8 encoded message string");
    }
    vec_done(&form.fields);
}

/* ---- The signature ---- */

struct signer {
    str region;
    str key;
    str secret;
    str session; /* empty = none */
    str host;
    str path;
    char date[32]; /* 20260102T030405Z */
};

static str environment(const char *name)
{
    const char *value = getenv(name);

    return str_from(value != NULL ? value : "");
}

static str first_of(str a, str b, str c)
{
    return a.len > 0 ? a : b.len > 0 ? b : c;
}

/* What signs; NULL after a fault. */
static bool signer_init(struct am_attempt *sending, struct signer *signer)
{
    const struct option_type *type = option_slot_type(sending->type, "sigv4");
    const void *own = option_slot_ptr(sending->type, sending->options, "sigv4");
    struct calendar now = calendar_of(sending->notification->now / 1000);

    *signer = (struct signer){.session = STR("")};
    if (own != NULL &&
        (option_slot_is_set(type, own, "profile") || option_slot_is_set(type, own, "role_arn"))) {
        (void)am_send_fault(sending, "sns: profile and role_arn are not supported: "
                                     "configure access_key and secret_key");
        return false;
    }
    signer->region = first_of(own != NULL ? option_slot_str(type, own, "region") : STR(""),
                              environment("AWS_REGION"), environment("AWS_DEFAULT_REGION"));
    if (own != NULL && option_slot_is_set(type, own, "access_key")) {
        signer->key = option_slot_str(type, own, "access_key");
        signer->secret = option_slot_str(type, own, "secret_key");
    } else {
        signer->key = environment("AWS_ACCESS_KEY_ID");
        signer->secret = environment("AWS_SECRET_ACCESS_KEY");
        signer->session = environment("AWS_SESSION_TOKEN");
    }
    if (signer->region.len == 0 || signer->key.len == 0) {
        (void)am_send_fault(sending, "sns: %s not configured in sns.sigv4 or the environment",
                            signer->region.len == 0 ? "region" : "credentials");
        return false;
    }
    vec_push(&sending->secrets, signer->secret);
    (void)snprintf(signer->date, sizeof(signer->date), "%04d%02d%02dT%02d%02d%02dZ", (int)now.year,
                   now.month, now.day, now.hour, now.minute, now.second);
    return true;
}

static str hex_of(struct arena *arena, const uint8_t digest[SHA256_BYTES])
{
    struct buf out = {0};

    sha256_hex(&out, digest);
    return text_take(arena, &out);
}

static str digest_hex(struct arena *arena, str data)
{
    uint8_t digest[SHA256_BYTES];

    sha256_digest(data, digest);
    return hex_of(arena, digest);
}

/* The key of a day, region and service. */
static void derive_key(const struct signer *signer, uint8_t ret[SHA256_BYTES])
{
    const str steps[] = {str_of(signer->date, 8), signer->region, STR("sns"), STR("aws4_request")};
    struct buf first = {0};

    buf_c(&first, "AWS4");
    buf_str(&first, signer->secret);
    sha256_hmac(buf_view(&first), steps[0], ret);
    for (size_t i = 1; i < ARRAY_COUNT(steps); i++) {
        uint8_t next[SHA256_BYTES];

        sha256_hmac(str_of((const char *)ret, SHA256_BYTES), steps[i], next);
        memcpy(ret, next, sizeof(next));
    }
    buf_done(&first);
}

#define SIGNED_TYPE "application/x-www-form-urlencoded"

static str authorization(struct arena *arena, const struct signer *signer, str body)
{
    const char *names = signer->session.len > 0
                            ? "content-type;host;x-amz-date;x-amz-security-token"
                            : "content-type;host;x-amz-date";
    str token = signer->session.len > 0
                    ? arena_printf(arena, "x-amz-security-token:%.*s\n", STR_ARG(signer->session))
                    : STR("");
    str scope =
        arena_printf(arena, "%.8s/%.*s/sns/aws4_request", signer->date, STR_ARG(signer->region));
    str request = arena_printf(
        arena, "POST\n%.*s\n\ncontent-type:" SIGNED_TYPE "\nhost:%.*s\nx-amz-date:%s\n%.*s\n%s\n%s",
        STR_ARG(signer->path), STR_ARG(signer->host), signer->date, STR_ARG(token), names,
        digest_hex(arena, body).ptr);
    str to_sign = arena_printf(arena, "AWS4-HMAC-SHA256\n%s\n%s\n%s", signer->date, scope.ptr,
                               digest_hex(arena, request).ptr);
    uint8_t key[SHA256_BYTES];
    uint8_t signature[SHA256_BYTES];

    derive_key(signer, key);
    sha256_hmac(str_of((const char *)key, sizeof(key)), to_sign, signature);
    return arena_printf(arena,
                        "Authorization: AWS4-HMAC-SHA256 Credential=%.*s/%s, SignedHeaders=%s, "
                        "Signature=%s",
                        STR_ARG(signer->key), scope.ptr, names, hex_of(arena, signature).ptr);
}

/* Host and path of the URL, for the signature. */
static void split_url(struct signer *signer, str url)
{
    size_t scheme = str_index(url, STR("://"));
    str rest = str_from_index(url, scheme == SIZE_MAX ? 0 : scheme + 3);
    size_t slash = str_index_char(rest, '/');

    signer->host = str_slice(rest, 0, slash);
    signer->path = slash == SIZE_MAX ? STR("/") : str_from_index(rest, slash);
}

enum am_notify_outcome notify_sns(struct am_attempt *sending)
{
    struct arena *arena = &sending->arena;
    struct am_request request = {.content_type = "Content-Type: " SIGNED_TYPE};
    enum am_notify_outcome outcome = AM_NOTIFY_FAIL;
    struct buf form = {0};
    struct signer signer;

    if (!signer_init(sending, &signer)) {
        return AM_NOTIFY_FAIL;
    }
    request.url = am_send_text(sending, "api_url");
    if (request.url.len == 0) {
        request.url =
            arena_printf(arena, "https://sns.%.*s.amazonaws.com/", STR_ARG(signer.region));
    }
    split_url(&signer, request.url);
    make_form(sending, &form);
    request.body = buf_view(&form);
    request.headers[request.header_count++] = authorization(arena, &signer, request.body).ptr;
    request.headers[request.header_count++] =
        arena_printf(arena, "X-Amz-Date: %s", signer.date).ptr;
    if (signer.session.len > 0) {
        request.headers[request.header_count++] =
            arena_printf(arena, "X-Amz-Security-Token: %.*s", STR_ARG(signer.session)).ptr;
    }
    if (!am_send_failed(sending, &form)) {
        outcome = am_send_request(sending, &request, NULL);
    }
    buf_done(&form);
    return outcome;
}
