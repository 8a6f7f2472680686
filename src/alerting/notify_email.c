/* E-mail. Reference: notify/email of Alertmanager 0.34. */
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "alerting/am_mail.h"
#include "alerting/notifiers.h"
#include "base/assert.h"
#include "base/text.h"
#include "http/smtp.h"
#include "template/template_time.h"

enum { BOUNDARY_BYTES = 30, THREAD_DIGITS = 16, NS_PER_MS = 1000000 };

/* ---- The message ---- */

static void put_header(struct am_attempt *sending, struct buf *out, str name, str template)
{
    str value = am_send_render(sending, template);

    buf_str(out, name);
    buf_c(out, ": ");
    am_mail_word(out, value);
    buf_c(out, "\r\n");
}

/* Headers that every message has, unless the configuration gives others. */
struct usual {
    const char *name;
    const char *key;      /* an option's template, */
    const char *template; /* or this one */
    bool is_given;
};

static void put_headers(struct am_attempt *sending, struct buf *out, bool *ret_has_id)
{
    struct conf_pairs own = option_slot_pairs(sending->type, sending->options, "headers");
    struct usual usual[] = {
        {"From", "from", NULL, false},
        {"Subject", NULL, "{{ template \"email.default.subject\" . }}", false},
        {"To", "to", NULL, false},
    };

    *ret_has_id = false;
    for (size_t i = 0; i < own.count; i++) {
        str name = STR("");

        if (!am_mail_name(&sending->arena, own.items[i].name, &name)) {
            (void)am_send_fault(sending, "\"%.*s\" is no name of a header",
                                STR_ARG(own.items[i].name));
            sending->failed = BARO_EINVALID;
            continue;
        }
        for (size_t k = 0; k < ARRAY_COUNT(usual); k++) {
            usual[k].is_given |= str_is(name, usual[k].name);
        }
        *ret_has_id |= str_is(name, "Message-Id");
        put_header(sending, out, name, own.items[i].value);
    }
    for (size_t k = 0; k < ARRAY_COUNT(usual); k++) {
        if (!usual[k].is_given) {
            put_header(sending, out, str_from(usual[k].name),
                       usual[k].key != NULL ? am_send_option(sending, usual[k].key)
                                            : str_from(usual[k].template));
        }
    }
}

/* A parent that was never sent: mail programs put what refers to it together. */
static void put_threading(struct am_attempt *sending, struct buf *out)
{
    const struct option_type *type = option_slot_type(sending->type, "threading");
    const void *own = option_slot_ptr(sending->type, sending->options, "threading");
    struct buf day = {0};
    const char *const names[] = {"References", "In-Reply-To"};

    if (own == NULL || option_slot_int(type, own, "enabled") == 0) {
        return;
    }
    if (!str_is(option_slot_str(type, own, "thread_by_date"), "none")) {
        template_time_format(&day,
                             (struct template_time){.ns = sending->notification->now * NS_PER_MS},
                             STR("2006-01-02"));
    }
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        buf_printf(out, "%s: <alert-%.*s-%.*s@alertmanager>\r\n", names[i], THREAD_DIGITS,
                   sending->key_hash.ptr, STR_ARG(buf_view(&day)));
    }
    buf_done(&day);
}

/* Unpredictable, so that no text can hold the boundary. */
static void random_bytes(void *ret, size_t size)
{
    ASSERT(getrandom(ret, size, 0) == (ssize_t)size); /* up to 256 bytes come whole */
}

static void put_id(struct am_attempt *sending, struct buf *out)
{
    char host[256] = "";
    uint64_t number = 0;

    if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0') {
        (void)snprintf(host, sizeof(host), "localhost.localdomain");
    }
    random_bytes(&number, sizeof(number));
    buf_printf(out, "Message-Id: <%lld.%llu@%s>\r\n",
               (long long)sending->notification->now * NS_PER_MS, (unsigned long long)number, host);
}

static str boundary_make(struct arena *arena)
{
    uint8_t bytes[BOUNDARY_BYTES];
    struct buf text = {0};

    random_bytes(bytes, sizeof(bytes));
    for (size_t i = 0; i < BOUNDARY_BYTES; i++) {
        buf_printf(&text, "%02x", bytes[i]);
    }
    return text_take(arena, &text);
}

static void put_part(struct buf *out, str boundary, bool is_first, const char *type, str text)
{
    buf_printf(out,
               "%s--%.*s\r\nContent-Transfer-Encoding: quoted-printable\r\n"
               "Content-Type: text/%s; charset=UTF-8\r\n\r\n",
               is_first ? "" : "\r\n", STR_ARG(boundary), type);
    am_mail_quoted(out, text);
}

static void put_message(struct am_attempt *sending, struct buf *out)
{
    str boundary = boundary_make(&sending->arena);
    bool has_text = am_send_option(sending, "text").len > 0;
    bool has_id = false;

    put_headers(sending, out, &has_id);
    if (!has_id) {
        put_id(sending, out);
    }
    put_threading(sending, out);
    buf_c(out, "Date: ");
    template_time_format(out, (struct template_time){.ns = sending->notification->now * NS_PER_MS},
                         STR("Mon, 02 Jan 2006 15:04:05 -0700"));
    buf_printf(out,
               "\r\nContent-Type: multipart/alternative;  boundary=%.*s\r\nMIME-Version: "
               "1.0\r\n\r\n",
               STR_ARG(boundary));
    if (has_text) {
        put_part(out, boundary, true, "plain", am_send_text(sending, "text"));
    }
    if (am_send_option(sending, "html").len > 0) {
        put_part(out, boundary, !has_text, "html", am_send_html(sending, "html"));
    }
    buf_printf(out, "\r\n--%.*s--\r\n", STR_ARG(boundary));
}

/* ---- The server ---- */

/* Port 465 speaks TLS from the start; the options say otherwise where they say anything. */
static bool is_implicit(struct am_attempt *sending, str port)
{
    int64_t own = am_send_number(sending, "force_implicit_tls");

    if (own == CONF_UNSET) {
        own = option_slot_int(&am_global_type, sending->notifier->config->global,
                              "smtp_force_implicit_tls");
    }
    return own == CONF_UNSET ? str_is(port, "465") : own == CONF_ON;
}

static bool is_required(struct am_attempt *sending)
{
    int64_t own = am_send_number(sending, "require_tls");

    return own == CONF_UNSET ? option_slot_int(&am_global_type, sending->notifier->config->global,
                                               "smtp_require_tls") != 0
                             : own == CONF_ON;
}

static const struct prom_tls *tls_of(struct am_attempt *sending)
{
    const struct prom_tls *own = option_slot_ptr(sending->type, sending->options, "tls_config");

    return own != NULL ? own
                       : option_slot_ptr(&am_global_type, sending->notifier->config->global,
                                         "smtp_tls_config");
}

static void server_of(struct am_attempt *sending, struct smtp_message *message)
{
    str address = am_send_option(sending, "smarthost");
    size_t colon = address.len;

    while (colon > 0 && address.ptr[colon - 1] != ':') {
        colon--;
    }
    message->host = str_slice(address, 0, colon > 0 ? colon - 1 : 0);
    message->port = str_from_index(address, colon);
    if (str_has_prefix(message->host, STR("["))) {
        message->host = str_slice(message->host, 1, message->host.len - 1);
    }
    message->hello = am_send_option(sending, "hello");
    message->implicit_tls = is_implicit(sending, message->port);
    message->require_tls = is_required(sending);
    message->tls = tls_of(sending);
    message->username = am_send_option(sending, "auth_username");
    message->identity = am_send_option(sending, "auth_identity");
    message->password = am_send_secret(sending, "auth_password", "auth_password_file");
    message->secret = am_send_secret(sending, "auth_secret", "auth_secret_file");
}

/* The two addresses of the envelope. */
static bool envelope(struct am_attempt *sending, struct smtp_message *message)
{
    const str *from = NULL;
    size_t count = 0;
    str sender = am_send_text(sending, "from");
    str receivers = am_send_text(sending, "to");
    int result = sending->failed;

    if (result == 0) {
        result = am_mail_addresses(&sending->arena, sender, &from, &count, sending->err);
    }
    if (result == 0 && count != 1) {
        result = error_set(sending->err, BARO_EINVALID,
                           "must be exactly one 'from' address (got: %zu)", count);
    }
    if (result == 0) {
        message->from = from[0];
        result = am_mail_addresses(&sending->arena, receivers, &message->to, &message->to_count,
                                   sending->err);
    }
    return result == 0;
}

enum am_notify_outcome notify_email(struct am_attempt *sending)
{
    struct smtp_message message = {.timeout = sending->timeout, .cancel = sending->cancel};
    struct buf text = {0};
    int result = 0;

    server_of(sending, &message);
    put_message(sending, &text);
    if (!envelope(sending, &message) || am_send_failed(sending, &text)) {
        buf_done(&text);
        return AM_NOTIFY_FAIL;
    }
    am_send_show(sending, buf_view(&text));
    if (!sending->is_rendering) {
        message.text = buf_view(&text);
        result = smtp_send(&message, &sending->receipt->status, sending->err);
    }
    buf_done(&text);
    return result == 0 ? AM_NOTIFY_OK : AM_NOTIFY_RETRY;
}
