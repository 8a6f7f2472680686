#include "app/demo_inbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/lock.h"
#include "base/mem.h"
#include "codec/json.h"
#include "http/server.h"

enum {
    FILES_MAX = 10000, /* further notifications are told, but no files are made of them */
    LIST_MAX = 200,    /* lines that GET / shows */
    LINE_SIZE = 300,
    PATH_SIZE = 1024,
    MAIL_LINE_SIZE = 4096,
    MAIL_LINES_MAX = 200000, /* of one client */
    MAIL_BYTES_MAX = 4 << 20,
    MAIL_WAIT_MS = 5000, /* for a client's next bytes */
};

struct demo_inbox {
    char directory[PATH_SIZE];
    struct http_server *web;
    int mail;   /* the listening socket; -1 = none */
    int ending; /* an eventfd; -1 = none */
    uint16_t mail_port;
    pthread_t thread;
    bool has_thread;
    struct lock lock;
    uint64_t count;                  /* lock: lock */
    char lines[LIST_MAX][LINE_SIZE]; /* lock: lock; the n-th notification's is n % LIST_MAX */
};

/* ---- What arrived ---- */

/* Anybody on this host may send: only printable ASCII reaches the terminal. */
static void text_clean(char *text)
{
    for (; *text != '\0'; text++) {
        *text = *text >= ' ' && *text <= '~' ? *text : '?';
    }
}

static void file_keep(const struct demo_inbox *inbox, uint64_t number, const char *kind, str body)
{
    char path[PATH_SIZE + 64];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%05" PRIu64 "-%s.%s", inbox->directory, number, kind,
                   strcmp(kind, "mail") == 0 ? "eml" : "json");
    file = number < FILES_MAX ? fopen(path, "we") : NULL;
    if (file != NULL) {
        (void)fwrite(body.ptr, 1, body.len, file);
        (void)fclose(file);
    }
}

static void arrived(struct demo_inbox *inbox, const char *kind, str summary, str body)
{
    char line[LINE_SIZE];
    uint64_t number;

    (void)snprintf(line, sizeof(line), "notified %-9s %.*s", kind,
                   (int)(summary.len < 200 ? summary.len : 200), summary.ptr);
    text_clean(line);
    lock_acquire(&inbox->lock);
    number = inbox->count++;
    memcpy(inbox->lines[number % LIST_MAX], line, sizeof(line));
    lock_release(&inbox->lock);
    file_keep(inbox, number, kind, body);
    (void)printf("%s\n", line);
    (void)fflush(stdout);
}

/* ---- The web ---- */

static void take_slack(void *context, struct http_request *request, struct http_response *response)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    str title = STR("a message that is no JSON");

    if (json_doc_parse(request->body, &root, NULL) >= 0) {
        title = json_text(json_get(json_at(json_get(root, "attachments"), 0), "title"));
    }
    arrived(context, "slack", title, request->body);
    http_response_text(response, 200, "ok");
}

static void take_pagerduty(void *context, struct http_request *request,
                           struct http_response *response)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    char text[LINE_SIZE] = "a message that is no JSON";

    if (json_doc_parse(request->body, &root, NULL) >= 0) {
        str action = json_text(json_get(root, "event_action"));
        str summary = json_text(json_get(json_get(root, "payload"), "summary"));

        (void)snprintf(text, sizeof(text), "%.20s: %.200s", action.ptr != NULL ? action.ptr : "",
                       summary.ptr != NULL ? summary.ptr : "");
    }
    arrived(context, "pagerduty", str_from(text), request->body);
    http_response_text(response, 202, "taken");
}

static void take_webhook(void *context, struct http_request *request,
                         struct http_response *response)
{
    CLEANUP(json_doc_freep) struct json *root = NULL;
    char text[LINE_SIZE] = "a message that is no JSON";

    if (json_doc_parse(request->body, &root, NULL) >= 0) {
        const struct json *group = json_get(root, "groupLabels");
        str status = json_text(json_get(root, "status"));
        str name = json_text(json_get(group, "alertname"));
        str system = json_text(json_get(group, "system"));

        (void)snprintf(text, sizeof(text), "%.20s: %.100s (%.50s), %zu alerts",
                       status.ptr != NULL ? status.ptr : "", name.ptr != NULL ? name.ptr : "",
                       system.ptr != NULL ? system.ptr : "", json_count(json_get(root, "alerts")));
    }
    arrived(context, "webhook", str_from(text), request->body);
    http_response_text(response, 200, "ok");
}

static void show_list(void *context, UNUSED struct http_request *request,
                      struct http_response *response)
{
    struct demo_inbox *inbox = context;
    uint64_t number;

    lock_acquire(&inbox->lock);
    buf_printf(&response->body, "%" PRIu64 " notifications, newest first; all of each: %s\n\n",
               inbox->count, inbox->directory);
    number = inbox->count;
    for (size_t i = 0; i < LIST_MAX && number > 0; i++) {
        number--;
        buf_printf(&response->body, "%05" PRIu64 " %s\n", number, inbox->lines[number % LIST_MAX]);
    }
    lock_release(&inbox->lock);
    response->content_type = "text/plain; charset=utf-8";
}

static const struct http_route routes[] = {
    {HTTP_GET, "/", show_list, false},
    {HTTP_POST, "/pagerduty", take_pagerduty, true},
    {HTTP_POST, "/slack", take_slack, true},
    {HTTP_POST, "/webhook", take_webhook, true},
};

static int web_start(struct demo_inbox *inbox, struct baro_error *err)
{
    static const char *const addresses[] = {"127.0.0.1:0"};
    const struct http_server_options options = {
        .addresses = addresses,
        .address_count = 1,
        .routes = routes,
        .route_count = ARRAY_COUNT(routes),
        .context = inbox,
        .thread_count = 1,
        .query_thread_count = 1,
        .connections_max = 200,
    };

    return http_server_start(&options, &inbox->web, err);
}

/* ---- Mail ---- */

/* A client's bytes, line by line. */
struct mail_client {
    int fd;
    char bytes[MAIL_LINE_SIZE];
    size_t len;
    bool is_over;
};

static void mail_say(struct mail_client *client, const char *answer)
{
    size_t len = strlen(answer);

    client->is_over =
        client->is_over || send(client->fd, answer, len, MSG_NOSIGNAL) != (ssize_t)len;
}

/* The next line, without its end and cut to MAIL_LINE_SIZE; false when there is none. It is good
 * until the next call. */
static bool mail_line(struct mail_client *client, char ret[MAIL_LINE_SIZE])
{
    for (;;) {
        char *end = memchr(client->bytes, '\n', client->len);
        size_t len = end != NULL ? (size_t)(end - client->bytes) : client->len;
        struct pollfd ready = {.fd = client->fd, .events = POLLIN};
        ssize_t got;

        if (end != NULL || client->len == sizeof(client->bytes) - 1) {
            memcpy(ret, client->bytes, len);
            ret[len - (len > 0 && ret[len - 1] == '\r' ? 1 : 0)] = '\0';
            len += end != NULL ? 1 : 0;
            memmove(client->bytes, client->bytes + len, client->len - len);
            client->len -= len;
            return true;
        }
        got = poll(&ready, 1, MAIL_WAIT_MS) > 0 ? recv(client->fd, client->bytes + client->len,
                                                       sizeof(client->bytes) - 1 - client->len, 0)
                                                : -1;
        if (got <= 0) {
            return false;
        }
        client->len += (size_t)got;
    }
}

/* The letter up to the lone dot; its subject is what it is about. */
static void mail_take(struct demo_inbox *inbox, struct mail_client *client)
{
    char line[MAIL_LINE_SIZE];
    char subject[LINE_SIZE] = "a letter without a subject";
    struct buf letter = {0};
    bool is_whole = false;

    for (int i = 0; i < MAIL_LINES_MAX && !is_whole && mail_line(client, line); i++) {
        const char *text = line[0] == '.' ? line + 1 : line;

        is_whole = strcmp(line, ".") == 0;
        if (strncasecmp(text, "Subject: ", strlen("Subject: ")) == 0) {
            (void)snprintf(subject, sizeof(subject), "%s", text + strlen("Subject: "));
        }
        if (!is_whole && letter.len < MAIL_BYTES_MAX) {
            buf_printf(&letter, "%s\r\n", text);
        }
    }
    if (is_whole) {
        arrived(inbox, "mail", str_from(subject), buf_view(&letter));
        mail_say(client, "250 taken\r\n");
    }
    client->is_over = client->is_over || !is_whole;
    buf_done(&letter);
}

static void mail_serve(struct demo_inbox *inbox, int fd)
{
    struct mail_client client = {.fd = fd};
    char line[MAIL_LINE_SIZE];

    mail_say(&client, "220 demo\r\n");
    for (int i = 0; i < MAIL_LINES_MAX && !client.is_over && mail_line(&client, line); i++) {
        if (strncasecmp(line, "DATA", 4) == 0) {
            mail_say(&client, "354 go on\r\n");
            mail_take(inbox, &client);
        } else if (strncasecmp(line, "QUIT", 4) == 0) {
            mail_say(&client, "221 bye\r\n");
            client.is_over = true;
        } else {
            mail_say(&client, "250 ok\r\n");
        }
    }
}

static void *mail_loop(void *context)
{
    struct demo_inbox *inbox = context;
    struct pollfd ready[] = {{.fd = inbox->mail, .events = POLLIN},
                             {.fd = inbox->ending, .events = POLLIN}};

    while (poll(ready, ARRAY_COUNT(ready), -1) >= 0 || errno == EINTR) {
        int fd = -1;

        if (ready[1].revents != 0) {
            break;
        }
        fd = ready[0].revents != 0 ? accept4(inbox->mail, NULL, NULL, SOCK_CLOEXEC) : -1;
        if (fd >= 0) {
            mail_serve(inbox, fd);
            (void)close(fd);
        }
    }
    return NULL;
}

static int mail_start(struct demo_inbox *inbox, struct baro_error *err)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);

    inbox->mail = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    inbox->ending = eventfd(0, EFD_CLOEXEC);
    if (inbox->mail < 0 || inbox->ending < 0 ||
        bind(inbox->mail, (struct sockaddr *)&at, size) < 0 || listen(inbox->mail, 64) < 0 ||
        getsockname(inbox->mail, (struct sockaddr *)&at, &size) < 0) {
        return error_set(err, -errno, "the inbox of the demo: no port for mail");
    }
    inbox->mail_port = ntohs(at.sin_port);
    inbox->has_thread = pthread_create(&inbox->thread, NULL, mail_loop, inbox) == 0;
    return inbox->has_thread ? 0 : error_set(err, -EAGAIN, "the inbox of the demo: no thread");
}

int demo_inbox_start(const char *directory, struct demo_inbox **ret, struct baro_error *err)
{
    CLEANUP(demo_inbox_freep) struct demo_inbox *inbox = MEM_NEW(struct demo_inbox);
    sigset_t all;
    sigset_t before;
    int r;

    inbox->mail = inbox->ending = -1;
    lock_init(&inbox->lock, LOCK_LEAF);
    (void)snprintf(inbox->directory, sizeof(inbox->directory), "%s", directory);
    if (mkdir(directory, 0750) < 0 && errno != EEXIST) {
        return error_set(err, -errno, "%s: cannot be made", directory);
    }
    (void)sigfillset(&all); /* signals are the main thread's: these threads inherit the mask */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    r = web_start(inbox, err);
    r = r < 0 ? r : mail_start(inbox, err);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r >= 0) {
        *ret = TAKE(inbox);
    }
    return r;
}

struct demo_inbox *demo_inbox_free(struct demo_inbox *inbox)
{
    const uint64_t one = 1;

    if (inbox == NULL) {
        return NULL;
    }
    if (inbox->has_thread && write(inbox->ending, &one, sizeof(one)) == (ssize_t)sizeof(one)) {
        (void)pthread_join(inbox->thread, NULL);
    }
    (void)http_server_free(inbox->web);
    if (inbox->mail >= 0) {
        (void)close(inbox->mail);
    }
    if (inbox->ending >= 0) {
        (void)close(inbox->ending);
    }
    lock_done(&inbox->lock);
    return mem_free(inbox);
}

uint16_t demo_inbox_web_port(const struct demo_inbox *inbox)
{
    return http_server_port(inbox->web, 0);
}

uint16_t demo_inbox_mail_port(const struct demo_inbox *inbox)
{
    return inbox->mail_port;
}
