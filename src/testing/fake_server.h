/*
 * fake_server: an HTTP server for tests, on a loopback port of the system's choice. Each connection
 * has a thread that reads request heads and lets the test answer with whatever bytes it likes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake_server;

/* Answers one request: `head` is NUL-terminated. Returns whether the connection stays open. */
typedef bool fake_answer(int fd, const char *head, void *context);

struct fake_server *fake_server_new(fake_answer *answer, void *context);

/* fake_server_free closes all connections and waits for their threads; returns NULL. */
struct fake_server *fake_server_free(struct fake_server *server);

uint16_t fake_server_port(const struct fake_server *server);

/* fake_server_connections returns how many connections were accepted so far. */
unsigned fake_server_connections(struct fake_server *server);

/* fake_send writes all bytes; false when the peer is gone. */
bool fake_send(int fd, const void *bytes, size_t len);

/* fake_send_response writes status 200 with a Content-Length; content_type may be NULL. `extra` is
 * header lines, each with its CRLF, or "". */
bool fake_send_response(int fd, const char *content_type, const char *extra, const void *body,
                        size_t len);
