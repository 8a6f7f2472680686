#include "app/demo_inbox.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/demo_later.h"
#include "app/files.h"
#include "base/buf.h"
#include "testing/test.h"

/* Sends a text and reads all answers until the other side has closed. */
static void talk(uint16_t port, const char *text, struct buf *ret)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    char bytes[4096];
    ssize_t got = 1;

    buf_reset(ret);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    while (got > 0 && poll(&ready, 1, 20000) > 0) {
        got = recv(fd, bytes, sizeof(bytes), 0);
        buf_bytes(ret, bytes, got > 0 ? (size_t)got : 0);
    }
    assert_int_equal(close(fd), 0);
}

static void post(uint16_t port, const char *path, const char *body, struct buf *ret)
{
    struct buf request = {0};

    buf_printf(&request,
               "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
               path, strlen(body), body);
    buf_char(&request, '\0');
    talk(port, request.ptr, ret);
    buf_done(&request);
}

TEST(demo_inbox_lists_what_arrives)
{
    static const struct {
        const char *path;
        const char *body;
        const char *status;
        const char *want;
    } cases[] = {
        {"/slack", "{\"attachments\":[{\"title\":\"critical: X (firing)\"}]}", "200",
         "slack     critical: X (firing)"},
        {"/slack", "{\"attachments\":[{\"title\":\"a\\u001b[2Jb\\nnotified\"}]}", "200",
         "slack     a?[2Jb?notified"},
        {"/slack", "nonsense", "200", "slack     a message that is no JSON"},
        {"/pagerduty", "{\"event_action\":\"trigger\",\"payload\":{\"summary\":\"S\"}}", "202",
         "pagerduty trigger: S"},
        {"/webhook",
         "{\"status\":\"resolved\",\"groupLabels\":{\"alertname\":\"A\",\"system\":\"s\"},"
         "\"alerts\":[1,2]}",
         "200", "webhook   resolved: A (s), 2 alerts"},
        {"/webhook", "[]", "200", "webhook   :  (), 0 alerts"},
    };
    const char *dir = test_dir();
    CLEANUP(demo_inbox_freep) struct demo_inbox *inbox = NULL;
    struct buf answer = {0};

    assert_int_equal(demo_inbox_start(dir, &inbox, NULL), 0);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        post(demo_inbox_web_port(inbox), cases[i].path, cases[i].body, &answer);
        assert_true(str_contains(buf_view(&answer), str_from(cases[i].status)));
        talk(demo_inbox_web_port(inbox), "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
             &answer);
        test_row(cases[i].want);
        assert_true(str_contains(buf_view(&answer), str_from(cases[i].want)));
    }
    test_row(NULL);
    buf_done(&answer);
}

TEST(demo_inbox_takes_letters)
{
    const char *dir = test_dir();
    CLEANUP(demo_inbox_freep) struct demo_inbox *inbox = NULL;
    struct buf answer = {0};
    struct buf letter = {0};
    char path[1024];

    assert_int_equal(demo_inbox_start(dir, &inbox, NULL), 0);
    talk(demo_inbox_mail_port(inbox),
         "EHLO x\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\nSubject: [FIRING] it\r\n\r\n"
         "..dots\r\n.\r\nQUIT\r\n",
         &answer);
    assert_str_equal(buf_view(&answer),
                     STR("220 demo\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go on\r\n250 taken\r\n"
                         "221 bye\r\n"));
    (void)snprintf(path, sizeof(path), "%s/00000-mail.eml", dir);
    assert_true(file_read(path, &letter, NULL) >= 0);
    assert_str_equal(buf_view(&letter), STR("Subject: [FIRING] it\r\n\r\n.dots\r\n"));
    talk(demo_inbox_web_port(inbox), "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
         &answer);
    assert_true(str_contains(buf_view(&answer), STR("mail      [FIRING] it")));
    buf_done(&letter);
    buf_done(&answer);
}

static void note(void *context)
{
    *(_Atomic int *)context += 1;
}

TEST(demo_later_acts_once_or_never)
{
    _Atomic int count = 0;
    struct demo_later *later = NULL;

    assert_int_equal(demo_later_start((dur)1000 * DUR_DAY, note, &count, &later, NULL), 0);
    demo_later_settle(later);
    later = demo_later_free(later);
    assert_int_equal(count, 0);
    assert_int_equal(demo_later_start(0, note, &count, &later, NULL), 0);
    for (int i = 0; i < 20000 && count == 0; i++) {
        (void)usleep(1000);
    }
    later = demo_later_free(later);
    assert_int_equal(count, 1);
}
