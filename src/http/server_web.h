/*
 * server_web: what --web.config.file asks of the server, ready for use: TLS, the check of
 * passwords, a limit on the rate of requests. One object is one state of the file and of what it
 * names; it is counted and, but for what it remembers of passwords, does not change. When the files
 * change, the server loads another one.
 */
#pragma once

#include "base/attr.h"
#include "base/error.h"
#include "base/str.h"

struct server_web;

/* server_web_load reads the file. Faults have file, line and column where they have them. */
int server_web_load(const char *path, struct server_web **ret, struct faults *faults);

/* server_web_has_tls says whether TLS is spoken, server_web_has_users whether passwords are asked
 * for. */
bool server_web_has_tls(const struct server_web *web);
bool server_web_has_users(const struct server_web *web);

struct server_web *server_web_ref(struct server_web *web);
struct server_web *server_web_unref(struct server_web *web);
DEFINE_CLEANUP(server_web_unref, struct server_web)
