/*
 * raw_http: a client for tests that writes bytes as they are given and reads one response at a
 * time, so that a test can be late, rude or malformed. Loopback only; every wait ends after
 * RAW_HTTP_WAIT_MS.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum { RAW_HTTP_WAIT_MS = 10000 };

struct raw_response {
    int status;      /* 0 = the connection ended before a response came */
    bool at_end;     /* the server closed the connection behind it */
    struct buf head; /* status line and headers */
    struct buf body;
};

/* raw_http_connect connects to 127.0.0.1:port; fails the test when it cannot. */
int raw_http_connect(uint16_t port);

/* raw_http_send writes all of text; false when the server has closed. */
bool raw_http_send(int fd, str text);

/* raw_http_read reads one response; is_head: no body follows whatever the headers say. Release it
 * with raw_http_done. */
void raw_http_read(int fd, bool is_head, struct raw_response *ret);
void raw_http_done(struct raw_response *response);

/* raw_http_header returns a header's value, ptr NULL when it is absent. */
str raw_http_header(const struct raw_response *response, const char *name);

/* raw_http_is_closed reads and drops what comes, and says whether the server closes the connection
 * before it is silent for wait_ms. */
bool raw_http_is_closed(int fd, int wait_ms);

/* raw_http_get is one GET on a connection of its own; headers are whole lines with CRLF, or "". */
void raw_http_get(uint16_t port, const char *target, const char *headers, struct raw_response *ret);

/* raw_http_form is one POST of a form on a connection of its own. */
void raw_http_form(uint16_t port, const char *target, str body, struct raw_response *ret);
