/* client_ws: WebSocket clients of our own port that only stay: what the fault websockets consists
 * of. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { CLIENT_WS_MAX = 3000 };

struct client_ws;

/* client_ws_new starts a thread that connects `count` clients to 127.0.0.1:port and reads what they
 * are sent; NULL without memory or thread. */
struct client_ws *client_ws_new(uint16_t port, const char *path, size_t count);

/* client_ws_free closes them. Takes NULL; returns NULL. */
struct client_ws *client_ws_free(struct client_ws *clients);
